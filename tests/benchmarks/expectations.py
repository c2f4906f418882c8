"""Time a suite of expectations in mlgate beside Great Expectations itself, whole processes in turn.

    python tests/benchmarks/expectations.py                  # 1M rows, three runs of each
    python tests/benchmarks/expectations.py --rows 100k --runs 5

Both judge the same suite on the same parquet file, and both have to say the same. Needs `mlgate[gx]`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SIZES = {"10k": 10_000, "100k": 100_000, "1M": 1_000_000}
CATEGORIES = {"c0": 3, "c1": 5, "c2": 8, "c3": 12}


def suite() -> dict[str, Any]:
    """Return 22 expectations that the scan of mlgate answers."""
    found: list[tuple[str, dict[str, Any]]] = [
        ("expect_table_row_count_to_be_between", {"min_value": 1000}),
        ("expect_table_column_count_to_equal", {"value": 34}),
        ("expect_column_values_to_be_unique", {"column": "id"}),
        ("expect_column_values_to_not_be_null", {"column": "y"}),
        ("expect_column_values_to_not_be_null", {"column": "n04", "mostly": 0.9}),
        ("expect_column_values_to_be_in_set", {"column": "y", "value_set": [0, 1]}),
        ("expect_column_values_to_be_in_set", {"column": "sex", "value_set": ["f", "m"]}),
        ("expect_column_values_to_not_be_in_set", {"column": "race", "value_set": ["x"]}),
        ("expect_column_values_to_match_regex", {"column": "c4", "regex": "^v[0-9]{2}$"}),
        ("expect_column_value_lengths_to_equal", {"column": "c5", "value": 3}),
        ("expect_column_unique_value_count_to_be_between", {"column": "c6", "min_value": 2, "max_value": 50}),
        ("expect_column_min_to_be_between", {"column": "p", "min_value": 0}),
        ("expect_column_max_to_be_between", {"column": "p", "max_value": 1}),
        ("expect_column_values_to_be_between", {"column": "p", "min_value": 0, "max_value": 1}),
    ]
    found += [
        ("expect_column_values_to_be_between", {"column": f"n{place:02}", "min_value": -4, "mostly": 0.99})
        for place in range(4)
    ]
    found += [
        (
            "expect_column_values_to_be_in_set",
            {"column": name, "value_set": [f"v{level:02}" for level in range(levels)]},
        )
        for name, levels in CATEGORIES.items()
    ]
    return {"name": "bench", "expectations": [{"type": kind, "kwargs": kwargs} for kind, kwargs in found]}


def judge(table: str, out: str) -> None:
    """Let Great Expectations judge the suite, as its own documentation does it."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    import pandas as pd

    asked = suite()
    columns = sorted({one["kwargs"]["column"] for one in asked["expectations"] if "column" in one["kwargs"]})
    frame = pd.read_parquet(table)
    context = gx.get_context(mode="ephemeral")
    source = context.data_sources.add_pandas("rows").add_dataframe_asset("rows")
    batch = source.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    result = batch.validate(gx.ExpectationSuite(**asked))
    Path(out).write_text(json.dumps({"success": result.success, "columns": columns}), encoding="utf-8")


def main() -> int:
    """Time both and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", choices=SIZES, default="1M")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument(
        "--judge", nargs=2, metavar=("TABLE", "OUT"), help="Be the job of Great Expectations."
    )
    asked = parser.parse_args()
    if asked.judge:
        judge(*asked.judge)
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _files(folder, SIZES[asked.rows])
        jobs = {
            "mlgate": [sys.executable, "-m", "mlgate", "run", "release.yaml", "--out", "report"],
            "Great Expectations": [
                sys.executable,
                str(Path(__file__)),
                "--judge",
                "rows.parquet",
                "out.json",
            ],
        }
        found: dict[str, list[tuple[float, float]]] = {job: [] for job in jobs}
        for _ in range(asked.runs):
            for job, command in jobs.items():
                started, before = time.perf_counter(), _cpu()
                subprocess.run(command, cwd=folder, check=True, capture_output=True)
                found[job].append((time.perf_counter() - started, _cpu() - before))
        _require_agreement(folder)
    middle = {
        job: [statistics.median(one) for one in zip(*times, strict=True)] for job, times in found.items()
    }
    own = middle["mlgate"][0]
    print("| rows | job | seconds | CPU s | times mlgate |\n|---|---|---|---|---|")
    for job, (wall, cpu) in middle.items():
        print(f"| {asked.rows} | {job} | {wall:.2f} | {cpu:.2f} | {wall / own:.1f} |")
    return 0


def _cpu() -> float:
    """Return the seconds of all processors that finished children took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _files(folder: Path, rows: int) -> None:
    sys.path.insert(0, str(HERE))
    from table import write

    write(folder / "rows.parquet", rows)
    release = {
        "mlgate": 1,
        "name": "bench",
        "version": "1",
        "task": "binary",
        "data": {"evaluation": {"path": "rows.parquet"}},
        "columns": {"label": "y"},
        "expectations": {"bench": "suite.json"},
    }
    policy = {"mlgate": 1, "policy": "bench", "checks": [{"check": "data/expectations"}]}
    for file, data in (("suite.json", suite()), ("release.yaml", release), ("policy.yaml", policy)):
        (folder / file).write_text(json.dumps(data), encoding="utf-8")


def _require_agreement(folder: Path) -> None:
    (finding,) = json.loads((folder / "report" / "report.json").read_text(encoding="utf-8"))["findings"]
    met = json.loads((folder / "out.json").read_text(encoding="utf-8"))["success"]
    if met != (finding["outcome"] == "pass"):
        raise SystemExit(f"they differ: Great Expectations says {met}, mlgate {finding['outcome']}")


if __name__ == "__main__":
    sys.exit(main())
