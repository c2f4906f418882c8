"""The shared binary cases, both models, through the whole gate: values to 1e-6, counts exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlgate.findings import Finding
from tests.oracles.conftest import BINARY, MODELS, Judge, case, columns

TOLERANCE = 1e-6

SINGLE = {
    "accuracy": ("performance/accuracy", {}),
    "precision": ("performance/precision", {}),
    "recall": ("performance/recall", {}),
    "specificity": ("performance/specificity", {}),
    "f1": ("performance/f1", {}),
    "balanced_accuracy": ("performance/balanced-accuracy", {}),
    "mcc": ("performance/mcc", {}),
    "roc_auc": ("performance/roc-auc", {}),
    "average_precision": ("performance/average-precision", {}),
    "log_loss": ("performance/log-loss", {}),
    "brier": ("performance/brier", {}),
    "ece_equal_width_10": ("performance/calibration-error", {}),
    "mce_equal_width_10": ("performance/calibration-error", {"norm": "max"}),
}
LOWER = {"log_loss", "brier", "ece_equal_width_10", "mce_equal_width_10"}

GROUPED = {
    "demographic_parity_difference": "fairness/demographic-parity-difference",
    "demographic_parity_ratio": "fairness/demographic-parity-ratio",
    "impact_ratio_favourable_outcome": "fairness/impact-ratio",
    "equal_opportunity_difference": "fairness/equal-opportunity-difference",
    "fpr_difference": "fairness/false-positive-rate-gap",
    "equalized_odds_difference": "fairness/equalized-odds-difference",
    "equalized_odds_ratio": "fairness/equalized-odds-ratio",
    "accuracy_difference": "fairness/accuracy-gap",
    "precision_difference": "fairness/predictive-parity",
}
RATIOS = {"demographic_parity_ratio", "impact_ratio_favourable_outcome", "equalized_odds_ratio"}


def use(check: str, number: int, *, lower: bool, **more: Any) -> dict[str, Any]:
    """Return a use with a limit in the right direction."""
    limit = {"at_most": 0.5} if lower else {"at_least": 0.5}
    return {"check": check, "id": f"use-{number}", **limit, **more}


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("model", MODELS)
def test_performance_equals_the_case(name: str, model: str, shared_data: Path, judge: Judge) -> None:
    """Every performance value of the case comes out of the gate to 1e-6."""
    facts = case(shared_data, name)
    expected = facts["expected"]["performance_test"][model]
    uses = [
        use(check, number, lower=key in LOWER, params=params)
        for number, (key, (check, params)) in enumerate(SINGLE.items())
    ]
    report = judge(shared_data / name / "test.csv", columns(facts, model), uses)
    found = {key: report.finding(f"use-{number}").value for number, key in enumerate(SINGLE)}
    assert found == pytest.approx({key: expected[key] for key in SINGLE}, abs=TOLERANCE)


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("model", MODELS)
def test_fairness_over_all_groups_equals_the_case(
    name: str, model: str, shared_data: Path, judge: Judge
) -> None:
    """With `min_group: 1` every gap, ratio and count by group is the case's, for each protected column."""
    facts = case(shared_data, name)
    for column, expected in facts["expected"]["fairness_test"][model].items():
        uses = [
            use(check, number, lower=key not in RATIOS, groups=[column], min_group=1, min_judged=0)
            for number, (key, check) in enumerate(GROUPED.items())
        ]
        report = judge(shared_data / name / "test.csv", columns(facts, model), uses)
        for number, key in enumerate(GROUPED):
            finding = report.finding(f"use-{number}[{column}]")
            wanted = expected["all_groups"].get(key)
            if wanted is not None:
                assert finding.value == pytest.approx(wanted, abs=TOLERANCE), (column, key)
        _counts_are_exact(report.finding(f"use-0[{column}]"), column, expected["by_group"])


def _counts_are_exact(finding: Finding, column: str, by_group: dict[str, Any]) -> None:
    found = {row.group[column]: (row.n, row.numerator, row.denominator) for row in finding.groups}
    found.pop("unknown", None)
    assert found == {str(g): (facts["n"], facts["selected"], facts["n"]) for g, facts in by_group.items()}


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("split", ["train", "test"])
def test_data_quality_equals_the_case(name: str, split: str, shared_data: Path, judge: Judge) -> None:
    """Rows, nulls by column, duplicates, constant columns and class counts are the case's, exactly."""
    facts = case(shared_data, name)
    expected = facts["expected"]["data_quality"][split]
    ignored = [c for p in facts["prediction_columns"].values() for c in (p["pred"], p["score"])]
    ignore = ignored if split == "test" or _has_predictions(shared_data / name / "train.csv") else []
    uses = [
        {"check": "data/row-count", "at_least": 1},
        {"check": "data/missing", "at_most": 1, "params": {"ignore": ignore}},
        {"check": "data/duplicate-rows", "at_most": 1, "params": {"ignore": ignore}},
        {"check": "data/constant-columns", "at_most": 100},
        {"check": "data/class-balance", "at_least": 0},
    ]
    report = judge(shared_data / name / f"{split}.csv", columns(facts, None), uses)
    assert report.finding("data/row-count").value == expected["rows"]
    missing = report.finding("data/missing")
    nulls = {row.group["column"]: row.numerator for row in missing.groups if row.numerator}
    assert nulls == expected["null_count"]
    assert missing.value == pytest.approx(expected["null_fraction_max"], abs=TOLERANCE)
    duplicates = report.finding("data/duplicate-rows")
    assert duplicates.value == pytest.approx(expected["duplicate_fraction"], abs=TOLERANCE)
    assert report.finding("data/constant-columns").value == len(expected["constant_columns"])
    rarest = min(expected["class_fraction"].values())
    assert report.finding("data/class-balance").value == pytest.approx(rarest, abs=TOLERANCE)


def _has_predictions(path: Path) -> bool:
    return "score_" in path.read_text(encoding="utf-8").partition("\n")[0]
