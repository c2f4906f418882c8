"""The same input gives the same report in any process: whatever the seed of hashes and the number of threads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.properties import oracles
from tests.properties.conftest import (
    CLASSES,
    CODINGS,
    TASKS,
    Shape,
    as_csv,
    drawn,
    policy_of,
    release_of,
    use,
)

JUDGE = """
import json, os, sys
from pathlib import Path
if hasattr(os, "sched_setaffinity") and sys.argv[1] == "one":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from mlgate.api import Job, judged
from mlgate.render import record
for folder in sys.argv[2:]:
    report = judged(Job(release=Path(folder, "release.yaml")))
    written = record.stable(json.loads(record.to_json(report)))
    sys.stdout.write(json.dumps(written, ensure_ascii=False) + chr(10))
"""
LARGE = 400_000
"""Rows that DuckDB shares out between threads: four row groups of a parquet file."""

WEIGHED = Shape(
    task="binary",
    rows=300,
    label=CODINGS[10],
    classes=CLASSES[2],
    favourable=2,
    clusters="some",
    share=0.5,
    score="good",
    threshold=0.5,
    prediction=None,
    weight="floats",
    groups=6,
    numbers="integers",
    missing=0.1,
    names=("y", "p", "d", "w", "Größe", "a b", "x", "z", "c"),
    seed=5,
)


def small(folder: Path, task: str = "binary") -> Path:
    """Write a CSV file of a few rows with odd names, and a policy of every check on models."""
    table = drawn(replace(WEIGHED, task=task))
    first, second = table.protected
    plain = oracles.of(table)
    uses = [
        one.use(number, **({} if number % 4 else {"slices": [first]})) for number, one in enumerate(plain)
    ]
    uses += [
        one.use(table, len(plain) + number, groups=[[first], [first, second]][: 1 if one.within else 2])
        for number, one in enumerate(oracles.gaps_of(task))
    ]
    (folder / "t.csv").write_bytes(as_csv(table.frame))
    return _written(folder, release_of(table, "t.csv"), policy_of(uses, min_group=5))


def large(folder: Path) -> Path:
    """Write a parquet file of several row groups, with weights whose sum depends on their order."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, LARGE)
    frame = pd.DataFrame(
        {
            "y": label,
            "p": np.clip(rng.normal(0.3 + 0.4 * label, 0.2), 0, 1).round(4),
            "g": rng.choice(["a", "b", "c"], LARGE),
            "w": rng.random(LARGE) * 10.0 ** rng.integers(-6, 6, LARGE),
        }
    )
    frame.to_parquet(folder / "t.parquet", index=False, row_group_size=LARGE // 4)
    checks = [
        "performance/log-loss",
        "performance/recall",
        "fairness/accuracy-gap",
        "fairness/calibration-by-group",
    ]
    uses = [use(check, number) for number, check in enumerate(checks)]
    release = {
        "mlgate": 1,
        "name": "large",
        "version": "1",
        "task": "binary",
        "data": {"evaluation": {"path": "t.parquet"}},
        "columns": {"label": "y", "score": "p", "protected": ["g"], "weight": "w"},
    }
    return _written(folder, release, policy_of(uses))


def _written(folder: Path, release: dict[str, Any], policy: dict[str, Any]) -> Path:
    (folder / "release.yaml").write_text(json.dumps(release), encoding="utf-8")
    (folder / "policy.yaml").write_text(json.dumps(policy), encoding="utf-8")
    return folder


@pytest.mark.slow
def test_two_processes_give_the_same_bytes(tmp_path: Path) -> None:
    """Other hashes and another number of threads: the reports are the same, but for what is volatile."""
    makes = {"large": large} | {task: partial(small, task=task) for task in TASKS}
    folders = []
    for name, make in makes.items():
        (tmp_path / name).mkdir()
        folders.append(str(make(tmp_path / name)))
    said = [
        subprocess.run(
            [sys.executable, "-c", JUDGE, threads, *folders],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            timeout=300,
        ).stdout
        for threads, seed in (("one", "1"), ("all", "2"))
    ]
    assert said[0] == said[1]
    reports = [json.loads(line) for line in said[0].splitlines()]
    assert all(one["verdict"] for one in reports)
    assert all(one["value"] is not None for one in reports[0]["findings"])
