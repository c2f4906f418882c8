"""Rows through a model in its own process: how much longer than without, and how much memory.

    python tests/benchmarks/scoring.py [--rows 1000000] [--times 3] [--long 10000000]

First the time: a model of at least 5 microseconds a row scores a table that lies in memory, in the process
and through the child, in turn; the best of each counts: at most 1.3 times. Then, for information, a table in a
file: read, shuffled, scored and written, as `mlgate run` does it. Last the memory: `mlgate run` judges a file of
so many rows and one of ten times as many, and neither the gate nor the child may hold 1.15 times as much for
the longer one.

The machine should have nothing else to do.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FEATURES = 10
MOST_TIMES, LEAST_MICROSECONDS = 1.3, 5.0
MOST_GROWTH = 1.15
"""Between the peaks of a table and of one that is ten times as long: allocators differ by some per cent."""
TRAINED_ON = 20_000

TRUSTED = ["sklearn.tree._tree.Tree"]

RELEASE = """\
mlgate: 1
name: rows
version: "1"
task: binary
model: {path: model.skops}
data: {evaluation: {path: rows.parquet}}
columns: {label: y, positive: 1, key: id, features: [NAMES]}
"""

POLICY = """\
mlgate: 1
policy: rows
decision: point
checks:
  - {check: performance/roc-auc, at_least: 0.5}
  - {check: performance/recall, at_least: 0}
"""


def main() -> None:
    """Print the figures; exit with 1 when one of them is worse than it may be."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    asked.add_argument("--rows", type=int, default=1_000_000)
    asked.add_argument("--times", type=int, default=3)
    asked.add_argument("--long", type=int, default=10_000_000, help="0: leave the memory out")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        well = timed(Path(folder), given.rows, given.times)
        if given.long:
            well &= remembered(Path(folder), given.rows, given.long)
    raise SystemExit(not well)


def timed(folder: Path, rows: int, times: int) -> bool:
    """Time a slow model in both ways."""
    import duckdb
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    # One thread: two that wait for each other would time who else is on the machine.
    boosted = GradientBoostingClassifier(n_estimators=300, random_state=0)
    model = trained(make_pipeline(StandardScaler(), boosted), folder)
    write(folder / "rows.parquet", rows)
    table = duckdb.sql(f"select {names()} from '{folder}/rows.parquet'").to_arrow_table()
    frame = table.to_pandas()
    alone = child = whole = float("inf")
    with contextlib.closing(started(folder)) as shut_in:
        shut_in.score(table.slice(0, 1000))
        model.predict_proba(frame[:1000])
        for _ in range(times):
            alone = best(lambda: model.predict_proba(frame), alone)
            child = best(lambda: shut_in.score(table), child)
            whole = best(lambda: from_file(folder, rows, shut_in), whole)
    micro = alone / rows * 1e6
    print(f"{rows:,} rows, {micro:.1f} us a row in the process (at least {LEAST_MICROSECONDS})")
    print(f"  predict_proba {alone:.2f} s, through the child {child:.2f} s: {child / alone:.2f} times "
          f"(at most {MOST_TIMES})")  # fmt: skip
    print(f"  from a file, shuffled, and written with what it said: {whole:.2f} s: {whole / alone:.2f} times")
    return micro >= LEAST_MICROSECONDS and child <= MOST_TIMES * alone


def remembered(folder: Path, rows: int, more: int) -> bool:
    """Compare the peaks of memory of a gate and its child at two sizes."""
    from sklearn.linear_model import LogisticRegression

    trained(LogisticRegression(), folder)
    (folder / "release.yaml").write_text(RELEASE.replace("NAMES", names()))
    (folder / "policy.yaml").write_text(POLICY)
    peaks = []
    for count in (rows, more):
        write(folder / "rows.parquet", count)
        began = time.perf_counter()
        peaks.append(peak_of_run(folder))
        gate, child = (one / 2**20 for one in peaks[-1])
        took = time.perf_counter() - began
        print(f"{count:,} rows judged in {took:.0f} s: gate {gate:.0f} MiB, child {child:.0f} MiB at most")
    grown = [after / before for before, after in zip(*peaks, strict=True)]
    print(f"  gate {grown[0]:.2f} times, child {grown[1]:.2f} times (at most {MOST_GROWTH})")
    return max(grown) <= MOST_GROWTH


def peak_of_run(folder: Path) -> tuple[int, int]:
    """Return the peaks of `mlgate run` and of the model's process, in bytes, as the kernel counted them."""
    from mlgate.scoring.isolation.launcher import tree

    run = subprocess.Popen(
        [sys.executable, "-m", "mlgate", "run", "--format", "json"],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    gate = child = 0
    while run.poll() is None:
        gate = max(gate, tree.peak(run.pid))
        child = max([child, *map(tree.peak, tree.below(run.pid, depth=2))])
        time.sleep(0.02)
    said = run.stderr.read() if run.stderr else ""
    if run.returncode:
        raise SystemExit(f"the run ended with {run.returncode}: {said}")
    return gate, child


def names() -> str:
    return ", ".join(f"x{one}" for one in range(FEATURES))


def write(path: Path, rows: int) -> None:
    """Write a table with a key, numbers, and a label that three of them bring about."""
    import duckdb

    drawn = ", ".join(f"random() as x{one}" for one in range(FEATURES))
    with duckdb.connect() as engine:
        engine.sql("select setseed(0.5)").fetchall()
        engine.sql(
            f"copy (select *, (x0 + x1 - x2 + random() > 1)::int as y from "
            f"(select range as id, {drawn} from range({rows}))) to '{path}' (format parquet)"
        )


def trained(model: Any, folder: Path) -> Any:
    """Fit a model, and write it."""
    import duckdb
    from skops import io

    write(folder / "train.parquet", TRAINED_ON)
    frame = duckdb.sql(f"select * from '{folder}/train.parquet'").df()
    model.fit(frame[names().split(", ")], frame["y"])
    io.dump(model, folder / "model.skops")
    return model


def started(folder: Path) -> Any:
    """Return the model in a process of its own."""
    from mlgate.cells import ModelFacts
    from mlgate.scoring.model import Model
    from mlgate.scoring.process import Launch, ModelProcess

    features = names().split(", ")
    options = {"task": "binary", "features": features, "threads": 2, "trusted_types": TRUSTED}
    raw = ModelProcess(Launch(adapter="skops", path=folder / "model.skops", options=options, workdir=folder))
    described = raw.described
    facts = ModelFacts(
        format="skops", location="model.skops", task="binary", threshold=0.5, features=tuple(features),
        types=dict.fromkeys(features, "number"), classes=("0", "1"), positive="1",
        isolation=raw.isolation[0], library=described.library, kind=described.kind,
    )  # fmt: skip
    return Model(raw=raw, facts=facts, place=1)


def from_file(folder: Path, rows: int, model: Any) -> None:
    """Score a file as a run does."""
    from mlgate.evidence.models import tables
    from mlgate.evidence.tables.duck import open_engine

    with tempfile.TemporaryDirectory(dir=folder) as work:
        file = Path(work) / "rows.parquet"
        file.hardlink_to(folder / "rows.parquet")
        engine = open_engine(Path(work))
        asked = tables.Asked(model=model, seed=0, workdir=Path(work))
        engine.rows(f"create view rows as select * from read_parquet('{file}')")
        tables.scored(engine.backend.table("rows"), rows, asked, engine, name="rows", own="duckdb")
        engine.connection.close()


def best(call: Callable[[], Any], seconds: float) -> float:
    began = time.perf_counter()
    call()
    return min(seconds, time.perf_counter() - began)


if __name__ == "__main__":
    main()
