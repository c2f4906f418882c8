"""The two models of each shared case against each other, in both directions, through the whole gate.

The linear model, with its independently computed values, against the trees: improvements are the differences
of these values, and wherever the paired interval leaves zero out, it says the better model is better.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlgate.findings import Finding, Report
from tests.oracles.conftest import BINARY, Judge, case, columns
from tests.oracles.test_tasks import REGRESSION, penguin_roles

TOLERANCE = 1e-6

OF_BINARY = {
    "accuracy": ("accuracy", 1),
    "precision": ("precision", 1),
    "recall": ("recall", 1),
    "specificity": ("specificity", 1),
    "f1": ("f1", 1),
    "balanced_accuracy": ("balanced-accuracy", 1),
    "mcc": ("mcc", 1),
    "average_precision": ("average-precision", 1),
    "roc_auc": ("roc-auc", 1),
    "log_loss": ("log-loss", -1),
    "brier": ("brier", -1),
}
OF_REGRESSION = {"mae": ("mae", -1), "rmse": ("rmse", -1), "r2": ("r2", 1), "mape": ("mape", -1)}
OF_CLASSES = {
    "accuracy": ("accuracy", 1),
    "balanced_accuracy": ("balanced-accuracy", 1),
    "f1_macro": ("f1", 1),
    "log_loss": ("log-loss", -1),
}


def uses(metrics: dict[str, tuple[str, int]]) -> list[dict[str, Any]]:
    """Return one use for each metric."""
    return [
        {"check": "compare/superior", "id": name, "params": {"metric": name}} for name, _ in metrics.values()
    ]


def same(first: dict[str, float], metrics: dict[str, tuple[str, int]], there: Report, back: Report) -> None:
    """Assert that both directions mirror each other, and that neither says more than is so."""
    for key, (name, _) in metrics.items():
        one, other = there.finding(name), back.finding(name)
        assert one.value == pytest.approx(first[key], abs=TOLERANCE), name
        assert other.value == pytest.approx(-first[key], abs=TOLERANCE)
        right(one, first[key])
        right(other, -first[key])


def right(found: Finding, wanted: float) -> None:
    """Assert that the outcome does not contradict the interval, nor the interval the direction."""
    assert found.interval is not None, found.reason
    low, high = found.interval
    assert low <= wanted + TOLERANCE
    assert high >= wanted - TOLERANCE
    assert found.outcome.value == ("pass" if low >= 0 else "fail" if high < 0 else "inconclusive")
    if found.outcome.value == "pass":
        assert wanted > 0
    if found.outcome.value == "fail":
        assert wanted < 0


def improvements(
    expected: dict[str, dict[str, Any]], models: tuple[str, str], metrics: dict[str, tuple[str, int]]
) -> dict[str, float]:
    """Return by how much the first model is better than the second, by each metric."""
    first, second = (expected[model] for model in models)
    return {key: sign * (first[key] - second[key]) for key, (_, sign) in metrics.items()}


@pytest.mark.parametrize("name", BINARY)
def test_binary_models_are_compared_as_the_case_has_them(name: str, shared_data: Path, judge: Judge) -> None:
    """By every metric that the case has."""
    facts = case(shared_data, name)
    expected = facts["expected"]["performance_test"]
    asked, table = uses(OF_BINARY), shared_data / name / "test.csv"
    there, back = (
        judge(
            table,
            columns(facts, own),
            asked,
            champion={"score": f"score_{other}", "prediction": f"pred_{other}", "prediction_positive": 1},
        )
        for own, other in (("hgb", "logreg"), ("logreg", "hgb"))
    )
    same(improvements(expected, ("hgb", "logreg"), OF_BINARY), OF_BINARY, there, back)


@pytest.mark.parametrize("name", REGRESSION)
def test_regressions_are_compared_as_the_case_has_them(name: str, shared_data: Path, judge: Judge) -> None:
    """By every error of the case."""
    facts = case(shared_data, name)
    expected = facts["expected"]["performance_test"]
    asked, table = uses(OF_REGRESSION), shared_data / name / "test.csv"
    there, back = (
        judge(
            table,
            {"label": facts["label"], "prediction": f"pred_{own}"},
            asked,
            task="regression",
            champion={"prediction": f"pred_{other}"},
        )
        for own, other in (("hgb", "ridge"), ("ridge", "hgb"))
    )
    same(improvements(expected, ("hgb", "ridge"), OF_REGRESSION), OF_REGRESSION, there, back)


def test_models_of_several_classes_are_compared_as_the_case_has_them(shared_data: Path, judge: Judge) -> None:
    """Penguins, where hardly a row is decided otherwise."""
    facts = case(shared_data, "penguins")
    expected = facts["expected"]["performance_test"]
    asked, table = uses(OF_CLASSES), shared_data / "penguins" / "test.csv"
    there, back = (
        judge(
            table,
            penguin_roles(facts, own),
            asked,
            task="multiclass",
            champion={name: penguin_roles(facts, other)[name] for name in ("score", "prediction")},
        )
        for own, other in (("hgb", "logreg"), ("logreg", "hgb"))
    )
    same(improvements(expected, ("hgb", "logreg"), OF_CLASSES), OF_CLASSES, there, back)
