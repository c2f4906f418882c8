"""A default limit is for the parameters that it is the habit of, and for no others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlgate import api
from mlgate.findings import Report

ROWS = "y,x,part\n" + "1,1,old\n0,2,old\n1,1,new\n0,2,new\n" * 100


def judged(folder: Path, use: dict[str, Any]) -> Report:
    """Judge a small release by one use of drift/univariate."""
    (folder / "rows.csv").write_text(ROWS, encoding="utf-8")
    data = {"evaluation": {"path": "rows.csv", "where": {"part": "new"}}}
    data["train"] = {"path": "rows.csv", "where": {"part": "old"}}
    release = {"mlgate": 1, "name": "r", "version": "1", "task": "binary", "data": data}
    release["columns"] = {"label": "y", "features": ["x"]}
    policy = {"mlgate": 1, "policy": "p", "checks": [{"check": "drift/univariate", **use}]}
    (folder / "release.yaml").write_text(json.dumps(release), encoding="utf-8")
    (folder / "policy.yaml").write_text(json.dumps(policy), encoding="utf-8")
    return api.run(folder / "release.yaml", folder / "policy.yaml")


def test_another_statistic_needs_a_limit_of_its_own(tmp_path: Path) -> None:
    """0.25 is a habit for the stability index; for Kolmogorov-Smirnov it would let much through."""
    report = judged(tmp_path, {"params": {"statistic": "ks"}})
    (error,) = report.errors
    assert report.verdict is None
    assert "no limit: the default of drift/univariate is for statistic: 'psi'" in str(error)
    assert "at_most" in str(error)


@pytest.mark.parametrize(
    ("use", "limit", "guard"),
    [
        ({}, 0.25, 0.05),
        ({"params": {"statistic": "psi", "bins": 5}}, 0.25, 0.05),
        ({"at_most": 0.1}, 0.1, 0.05),
        ({"at_most": 0.1, "params": {"statistic": "ks"}}, 0.1, 0.005),
        ({"at_most": 0.1, "guard": 0.02, "params": {"statistic": "ks"}}, 0.1, 0.02),
    ],
)
def test_limit_and_guard(tmp_path: Path, use: dict[str, Any], limit: float, guard: float) -> None:
    """The guard, too, is that of the usual parameters; else 5 % of the limit."""
    (finding,) = judged(tmp_path, use).findings
    assert finding.limit is not None
    assert finding.limit.value == limit
    assert finding.limit.guard == pytest.approx(guard)
