"""The shared regression cases, both models, through the whole gate: values to 1e-6."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlgate.api import Job, judged
from mlgate.findings import Report
from tests.oracles.conftest import case

TOLERANCE = 1e-6

CASES = ("bike_sharing", "wage_islr")
MODELS = ("ridge", "hgb")

VALUES = {
    "mae": "performance/mae",
    "rmse": "performance/rmse",
    "r2": "performance/r2",
    "median_ae": "performance/median-absolute-error",
    "mean_error_pred_minus_true": "performance/mean-error",
    "mape": "performance/mape",
}


def judge(folder: Path, data: Path, name: str, model: str, uses: list[dict[str, Any]]) -> Report:
    """Judge one model of a case on its test table, with its training table beside it."""
    facts = case(data, name)
    release = {
        "mlgate": 1,
        "name": "case",
        "version": "1",
        "task": "regression",
        "data": {
            "evaluation": {"path": str(data / name / facts["files"]["test"])},
            "train": {"path": str(data / name / facts["files"]["train"])},
        },
        "columns": {
            "label": facts["label"],
            "prediction": facts["prediction_columns"][model]["pred"],
            "features": facts["features"],
        },
    }
    policy = {"mlgate": 1, "policy": "oracle", "checks": uses}
    # JSON is YAML without anchors, which the gate refuses.
    (folder / "release.yaml").write_text(json.dumps(release), encoding="utf-8")
    (folder / "policy.yaml").write_text(json.dumps(policy), encoding="utf-8")
    report = judged(Job(release=folder / "release.yaml", allow=[data]))
    assert not report.errors, report.errors
    return report


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("model", MODELS)
def test_performance_equals_the_case(name: str, model: str, shared_data: Path, tmp_path: Path) -> None:
    """Every performance value of the case comes out of the gate, on all its rows, inside its interval."""
    expected = case(shared_data, name)["expected"]["performance_test"][model]
    uses = [{"check": check, "between": [-1000, 1000]} for check in VALUES.values()]
    report = judge(tmp_path, shared_data, name, model, uses)
    findings = {key: report.finding(check) for key, check in VALUES.items()}
    assert {key: one.value for key, one in findings.items()} == pytest.approx(
        {key: expected[key] for key in VALUES}, abs=TOLERANCE
    )
    for one in findings.values():
        assert one.n == expected["n"]
        assert one.interval is not None
        assert one.value is not None
        assert one.interval[0] < one.value < one.interval[1]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("model", MODELS)
def test_errors_by_group_equal_the_case(name: str, model: str, shared_data: Path, tmp_path: Path) -> None:
    """The same measures on slices, for every protected column of the case."""
    facts = case(shared_data, name)
    keys = {"mae": "mae", "rmse": "rmse", "r2": "r2", "mean_error_pred_minus_true": "mean-error"}
    for column, expected in facts["expected"]["fairness_test"][model].items():
        uses = [
            {
                "check": f"performance/{check}",
                "between": [-1000, 1000],
                "slices": [column],
                "min_group": 1,
                "decision": "point",
            }
            for check in keys.values()
        ]
        report = judge(tmp_path, shared_data, name, model, uses)
        for group, wanted in expected["by_group"].items():
            for key, check in keys.items():
                finding = report.finding(f"performance/{check}[{column}={group}]")
                assert finding.n == wanted["n"]
                if wanted.get(key) is not None:
                    assert finding.value == pytest.approx(wanted[key], abs=TOLERANCE), (column, group, key)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("model", MODELS)
def test_overfitting_equals_the_case(name: str, model: str, shared_data: Path, tmp_path: Path) -> None:
    """Mean absolute error on the test rows less that on the training rows; both are in the case."""
    expected = case(shared_data, name)["expected"]
    uses = [{"check": "performance/overfit", "at_most": 1000}]
    finding = judge(tmp_path, shared_data, name, model, uses).finding("performance/overfit")
    here = expected["performance_test"][model]["mae"]
    there = expected["performance_train"][model]["train_mae"]
    assert finding.value == pytest.approx(here - there, abs=TOLERANCE)
    assert {row.group["table"]: row.value for row in finding.groups} == pytest.approx(
        {"train": there, "judged": here}, abs=TOLERANCE
    )


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("model", MODELS)
def test_skill_over_the_mean_is_the_cases_r2(
    name: str, model: str, shared_data: Path, tmp_path: Path
) -> None:
    """Against the best constant by mean squared error, skill is R2."""
    uses = [{"check": "performance/versus-dummy", "at_least": -1, "params": {"metric": "mse"}}]
    finding = judge(tmp_path, shared_data, name, model, uses).finding("performance/versus-dummy")
    expected = case(shared_data, name)["expected"]["performance_test"][model]
    assert finding.value == pytest.approx(expected["r2"], abs=TOLERANCE)


def test_the_robust_verdicts_of_the_cases(shared_data: Path, tmp_path: Path) -> None:
    """R2 at least 0.5: the outcome that the case states, wherever it calls it robust."""
    seen = 0
    for name in CASES:
        for verdict in case(shared_data, name)["expected_verdicts"]:
            if verdict["check"] != "r2" or not verdict["robust"]:
                continue
            limit = float(verdict["threshold"].removeprefix(">= "))
            uses = [{"check": "performance/r2", "at_least": limit}]
            report = judge(tmp_path, shared_data, name, verdict["model"], uses)
            assert report.finding("performance/r2").outcome.value == verdict["verdict"]
            seen += 1
    assert seen >= 2
