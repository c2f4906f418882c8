"""Time the whole job of mlgate beside a hand-written script and the peers, and print the README's table.

    python tests/benchmarks/run.py                          # 10k, 100k and 1M rows, every job
    python tests/benchmarks/run.py --rows 10M --jobs mlgate duckdb --runs 1

Every figure is a whole process, cold but for the file cache, with its environment byte-compiled first: the
median of the runs, jobs taking turns so that a busy machine is busy for all. Quote the ratios. Each job has an
environment of its own, made on the first run and kept with the tables under --work.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent
SIZES = {"10k": 10_000, "100k": 100_000, "1M": 1_000_000, "10M": 10_000_000}


@dataclass(frozen=True, kw_only=True)
class Job:
    """One program that does the job, or the part of it that it can."""

    name: str
    words: str
    environment: str
    """Of requirements/, or `mlgate`."""
    command: tuple[str, ...]
    """With TABLE and OUT to fill in."""
    most: int = 10_000_000
    """Rows past which it is not tried."""
    pages: tuple[str, ...] = ("report.html",)


JOBS = (
    Job(
        name="mlgate",
        words="mlgate: the whole job, with intervals and both reports",
        environment="mlgate",
        command=("-m", "mlgate", "run", "RELEASE", "--out", "OUT"),
    ),
    Job(
        name="duckdb",
        words="a script written by hand for this table: DuckDB and numpy, the same numbers",
        environment="duckdb",
        command=(str(HERE / "duckdb_script.py"), "TABLE", "OUT"),
    ),
    Job(
        name="evidently",
        words="evidently 0.7.23: data summary and classification quality, no intervals, no fairness",
        environment="evidently",
        command=(str(HERE / "evidently_job.py"), "TABLE", "OUT"),
        most=1_000_000,
    ),
    Job(
        name="deepchecks",
        words="deepchecks 0.19.1: data integrity and performance, no intervals, no fairness",
        environment="deepchecks",
        command=(str(HERE / "deepchecks_job.py"), "TABLE", "OUT"),
        most=1_000_000,
        pages=("data.html", "performance.html"),
    ),
    Job(
        name="fairlearn",
        words="fairlearn 0.15 MetricFrame: the fairness part, points only",
        environment="fairlearn",
        command=(str(HERE / "fairlearn_job.py"), "TABLE", "OUT"),
        most=1_000_000,
        pages=(),
    ),
    Job(
        name="fairlearn-boot",
        words="fairlearn 0.15 MetricFrame: the fairness part, n_boot=20",
        environment="fairlearn",
        command=(str(HERE / "fairlearn_job.py"), "TABLE", "OUT", "20"),
        most=10_000,
        pages=(),
    ),
    Job(
        name="mlgate-fairness",
        words="mlgate: the fairness part alone, with intervals",
        environment="mlgate",
        command=("-m", "mlgate", "run", "RELEASE", "--out", "OUT", "--only", "fairness/*"),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What one process cost."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds, of all its threads."""
    megabytes: float
    """Peak resident."""
    page: float
    """Kilobytes of HTML."""


def main() -> int:
    """Run what was asked for and print a table in Markdown."""
    asked = _arguments()
    work = asked.work.expanduser().resolve()
    work.mkdir(parents=True, exist_ok=True)
    jobs = [job for job in JOBS if job.name in asked.jobs]
    pythons = {name: _environment(work, name) for name in dict.fromkeys(job.environment for job in jobs)}
    print("| rows | job | seconds | CPU s | peak MB | HTML KB | times mlgate |")
    print("|---|---|---|---|---|---|---|")
    for size in asked.rows:
        folder = _table(work, size)
        found: dict[str, list[Timing]] = {}
        for _ in range(asked.runs):
            for job in jobs:
                if SIZES[size] <= job.most:
                    timing = _timed(job, pythons[job.environment], folder, asked.limit)
                    found.setdefault(job.name, []).extend([timing] if timing else [])
        for job in jobs:
            if SIZES[size] <= job.most:
                print(_row(size, job, found), flush=True)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", nargs="+", choices=SIZES, default=["10k", "100k", "1M"])
    names = [job.name for job in JOBS]
    parser.add_argument("--jobs", nargs="+", choices=names, default=names)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--limit", type=float, default=900.0, help="seconds after which a job is stopped")
    parser.add_argument("--work", type=Path, default=Path("~/.cache/mlgate-benchmarks"))
    return parser.parse_args()


def _environment(work: Path, name: str) -> Path:
    """Make an environment on the first run, byte-compiled; mlgate's is the one that runs this."""
    if name == "mlgate":
        python = Path(sys.executable)
    else:
        home = work / f"env-{name}"
        python = home / "bin" / "python"
        if not (home / "ready").exists():
            shutil.rmtree(home, ignore_errors=True)
            venv.create(home, with_pip=True)
            wanted = HERE / "requirements" / f"{name}.txt"
            subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", wanted], check=True)
            (home / "ready").touch()
    places = 'import sysconfig; print(sysconfig.get_path("purelib"))'
    packages = subprocess.run([python, "-c", places], check=True, capture_output=True, text=True).stdout
    for folder in (packages.strip(), CHECKOUT / "mlgate"):
        subprocess.run(
            [python, "-m", "compileall", "-q", "-j", "0", folder], check=False, capture_output=True
        )
    return python


def _table(work: Path, size: str) -> Path:
    folder = work / f"rows-{size}"
    folder.mkdir(exist_ok=True)
    table = folder / "table.parquet"
    if not table.exists():
        made = folder / "making.parquet"
        code = f"import sys; sys.path.insert(0, {str(HERE)!r}); import table; from pathlib import Path; "
        code += f"table.write(Path({str(made)!r}), {SIZES[size]})"
        subprocess.run([sys.executable, "-c", code], check=True)
        made.rename(table)
    for name in ("release.yaml", "policy.yaml"):
        shutil.copy(HERE / name, folder / name)
    return folder


def _timed(job: Job, python: Path, folder: Path, limit: float) -> Timing | None:
    """Run a job once; None when it fails or takes too long."""
    out = folder / f"out-{job.name}"
    shutil.rmtree(out, ignore_errors=True)
    filled = {
        "TABLE": str(folder / "table.parquet"),
        "OUT": str(out),
        "RELEASE": str(folder / "release.yaml"),
    }
    command = [str(python), *(filled.get(part, part) for part in job.command)]
    log = folder / f"{job.name}.log"
    started = time.perf_counter()
    with log.open("wb") as told:
        process = subprocess.Popen(command, stdout=told, stderr=told, cwd=folder, env=_quiet())
        usage = _waited(process, started + limit)
    wall = time.perf_counter() - started
    if (
        usage is None
        or process.returncode not in (0, 1, 3)
        or (job.environment != "mlgate" and process.returncode)
    ):
        print(f"{job.name}: failed or over {limit:g} s, see {log}", file=sys.stderr)
        return None
    pages = sum((out / page).stat().st_size for page in job.pages if (out / page).exists())
    return Timing(
        wall=wall,
        cpu=usage.ru_utime + usage.ru_stime,
        megabytes=usage.ru_maxrss / 1024,
        page=pages / 1024,
    )


def _waited(process: subprocess.Popen[bytes], deadline: float) -> object | None:
    """Wait for a process and return what it used; None when it was stopped."""
    while time.perf_counter() < deadline:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage
        time.sleep(0.005)
    process.kill()
    os.wait4(process.pid, 0)
    process.returncode = -9
    return None


def _quiet() -> dict[str, str]:
    """Return an environment in which nobody phones home."""
    silent = {"DO_NOT_TRACK": "1", "DEEPCHECKS_DISABLE_LATEST": "1", "GX_ANALYTICS_ENABLED": "false"}
    return {**os.environ, **silent}


def _row(size: str, job: Job, found: dict[str, list[Timing]]) -> str:
    timings = found.get(job.name)
    if not timings:
        return f"| {size} | {job.words} | did not finish | | | | |"
    base = found.get("mlgate-fairness" if "fairlearn" in job.name else "mlgate")

    def middle(name: str, of: Sequence[Timing] = timings) -> float:
        return statistics.median(getattr(one, name) for one in of)

    times = f"{middle('wall') / middle('wall', base):.2g}" if base else ""
    page = f"{middle('page'):.0f}" if middle("page") else ""
    figures = f"{middle('wall'):.2f} | {middle('cpu'):.2f} | {middle('megabytes'):.0f} | {page} | {times}"
    return f"| {size} | {job.words} | {figures} |"


if __name__ == "__main__":
    raise SystemExit(main())
