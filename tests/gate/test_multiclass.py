"""Several classes through the whole gate: which outcomes people want is said, or nothing is judged by it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlgate.api import Job, judged
from mlgate.findings import Outcome, Report

PARITY = {"check": "fairness/demographic-parity-difference", "at_most": 0.9}
ACCURACY = {"check": "performance/accuracy", "at_least": 0.1}


def judge(folder: Path, columns: dict[str, Any]) -> Report:
    """Judge 120 rows of three outcomes in two groups."""
    rows = [f"{'abc'[i % 3]},{'abc'[i * i % 3]},{'mf'[i % 2]}" for i in range(120)]
    (folder / "t.csv").write_text("\n".join(["y,d,sex", *rows]), encoding="utf-8")
    roles = {"label": "y", "prediction": "d", "protected": ["sex"]} | columns
    release = {"mlgate": 1, "name": "m", "version": "1", "task": "multiclass", "columns": roles}
    release["data"] = {"evaluation": {"path": "t.csv"}}
    (folder / "release.yaml").write_text(json.dumps(release), encoding="utf-8")
    policy = {"mlgate": 1, "policy": "p", "checks": [PARITY, ACCURACY]}
    (folder / "policy.yaml").write_text(json.dumps(policy), encoding="utf-8")
    return judged(Job(release=folder / "release.yaml"))


def test_without_favourable_classes_outcomes_are_not_compared(tmp_path: Path) -> None:
    """The finding says what to add; other checks are measured."""
    report = judge(tmp_path, {})
    finding = report.finding("fairness/demographic-parity-difference")
    assert finding.outcome is Outcome.NOT_MEASURED
    assert "add `favourable:` under `columns:`" in str(finding.reason)
    assert report.finding("performance/accuracy").value == pytest.approx(2 / 3)


def test_favourable_classes_make_the_rates_that_are_compared(tmp_path: Path) -> None:
    """Of the two groups, alike by make, the same share is given a or b, whichever are wanted."""
    report = judge(tmp_path, {"favourable": ["b", "c"]})
    finding = report.finding("fairness/demographic-parity-difference[sex]")
    assert finding.value == pytest.approx(0)
    assert finding.outcome is not Outcome.NOT_MEASURED


def test_a_misspelt_favourable_class_ends_the_run(tmp_path: Path) -> None:
    """It would be a class that nobody gets."""
    report = judge(tmp_path, {"favourable": ["a", "bb"]})
    (problem,) = report.errors
    assert "`favourable: 'bb'` under `columns:` is no class of the table" in str(problem)
    assert report.verdict is None
