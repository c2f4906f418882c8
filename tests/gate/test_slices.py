"""Slices of measures that group rows by columns of their own."""

from __future__ import annotations

import json
from pathlib import Path

import mlgate
from mlgate.findings import Outcome


def test_a_measure_may_be_sliced_by_its_own_column(tmp_path: Path) -> None:
    """Parity within regions, region by region: each slice has one stratum, and its own gap."""
    rows = [
        f"{int(number % 10 < (6 if sex == 'f' and region == 'north' else 4))},{sex},{region}"
        for region in ("north", "south")
        for sex in "fm"
        for number in range(400)
    ]
    (tmp_path / "t.csv").write_text("\n".join(["d,sex,region", *rows]) + "\n")
    release = {
        "mlgate": 1,
        "name": "m",
        "version": "1",
        "task": "binary",
        "data": {"evaluation": {"path": "t.csv"}},
        "columns": {"prediction": "d", "protected": ["sex"]},
    }
    use = {
        "check": "fairness/conditional-parity",
        "at_most": 0.1,
        "params": {"strata": "region"},
        "slices": ["region"],
    }
    (tmp_path / "release.yaml").write_text(json.dumps(release))
    (tmp_path / "policy.yaml").write_text(json.dumps({"mlgate": 1, "policy": "p", "checks": [use]}))
    report = mlgate.run(tmp_path / "release.yaml", tmp_path / "policy.yaml")
    found = {one.slice and one.slice["region"]: (one.outcome, one.value) for one in report.findings}
    assert found == {
        None: (Outcome.FAIL, 0.2),
        "north": (Outcome.FAIL, 0.2),
        "south": (Outcome.PASS, 0.0),
    }
