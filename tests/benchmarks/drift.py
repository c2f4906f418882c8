"""Time univariate drift of 30 columns of numbers, mlgate's whole process beside a DuckDB query by hand.

    python tests/benchmarks/drift.py                       # 1M rows against 100k, median of 3
    python tests/benchmarks/drift.py --rows 100000 --runs 1

Both find the population stability index of every column, in ten bins by the quantiles of the reference; mlgate
also its interval, the outcome and both reports. Files are Parquet. The processes take turns.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS = [f"x{place}" for place in range(30)]
LEVELS = [rank / 10 for rank in range(1, 10)]


def write(path: Path, rows: int, seed: int, shift: float) -> None:
    """Write a table of normal and skewed columns; every third has moved by `shift`."""
    rng = np.random.default_rng(seed)
    table: dict[str, object] = {"y": rng.integers(0, 2, rows)}
    for place, name in enumerate(COLUMNS):
        values = rng.normal(shift if place % 3 == 0 else 0.0, 1.0, rows)
        table[name] = np.exp(values) if place % 2 else values
    pq.write_table(pa.table(table), path)


def by_hand(judged: str, reference: str) -> dict[str, float]:
    """Return the index of every column as a script for these two files would find it."""
    quantiles = ", ".join(f"quantile_cont({name}, {LEVELS})" for name in COLUMNS)
    edges = duckdb.sql(f"SELECT {quantiles} FROM '{reference}'").fetchall()[0]
    sums = ", ".join(
        f"sum(({name} < {edge!r}::DOUBLE)::INT)"
        for name, some in zip(COLUMNS, edges, strict=True)
        for edge in some
    )
    shares = []
    for path in (reference, judged):
        rows, *below = duckdb.sql(f"SELECT count(*), {sums} FROM '{path}'").fetchall()[0]
        ends = np.array(below, dtype=float).reshape(len(COLUMNS), len(LEVELS)) / rows
        shares.append(np.maximum(np.diff(ends, axis=1, prepend=0.0, append=1.0), 1e-4))
    p, q = shares
    return dict(zip(COLUMNS, ((q - p) * np.log(q / p)).sum(axis=1).tolist(), strict=True))


def main() -> int:
    """Write the tables, run both in turns, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--reference", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--by-hand", nargs=2, metavar=("JUDGED", "REFERENCE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.by_hand:
        json.dump(by_hand(*given.by_hand), sys.stdout)
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "new.parquet", given.rows, 1, 0.3)
        write(folder / "train.parquet", given.reference, 2, 0.0)
        release = {"mlgate": 1, "name": "drift", "version": "1", "task": "binary", "columns": {"label": "y"}}
        data = {"evaluation": {"path": "new.parquet"}, "train": {"path": "train.parquet"}}
        policy = {"mlgate": 1, "policy": "drift", "checks": [{"check": "drift/univariate"}]}
        (folder / "release.yaml").write_text(json.dumps(release | {"data": data}), encoding="utf-8")
        (folder / "policy.yaml").write_text(json.dumps(policy), encoding="utf-8")
        jobs = {
            "mlgate": [sys.executable, "-m", "mlgate", "run", "release.yaml", "--out", "out"],
            "by hand": [sys.executable, __file__, "--by-hand", "new.parquet", "train.parquet"],
        }
        seconds: dict[str, list[float]] = {job: [] for job in jobs}
        said = ""
        for _ in range(given.runs):
            for job, command in jobs.items():
                started = time.perf_counter()
                ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
                seconds[job].append(time.perf_counter() - started)
                if ran.returncode not in (0, 1):
                    print(ran.stderr, file=sys.stderr)
                    return 1
                said = ran.stdout if job == "by hand" else said
        report = json.loads((folder / "out" / "report.json").read_text(encoding="utf-8"))
    (finding,) = [one for one in report["findings"] if one["check"] == "drift/univariate"]
    ours = {one["group"]["column"]: one["value"] for one in finding["groups"]}
    apart = max(abs(ours[name] - value) for name, value in json.loads(said).items())
    middle = {job: statistics.median(some) for job, some in seconds.items()}
    for job, value in middle.items():
        print(f"{job:8} {value:6.2f} s  ({', '.join(f'{one:.2f}' for one in seconds[job])})")
    print(f"ratio    {middle['mlgate'] / middle['by hand']:6.2f}; indices agree within {apart:.1e}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
