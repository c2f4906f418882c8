"""Calibration and curves of the shared binary cases, both models, through the whole gate."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracles.conftest import BINARY, MODELS, Judge, case, columns

VARIANTS = {
    "ece_equal_width_10": {},
    "mce_equal_width_10": {"norm": "max"},
    "ece_top_class_10": {"of": "top"},
    "ece_equal_mass_10": {"binning": "equal_mass"},
}
TORN = {("compas_two_years", "ece_equal_mass_10")}
"""Half of these rows share a score with others, and the case tears them apart in the order of the file."""


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("model", MODELS)
def test_every_kind_of_calibration_error_equals_the_case(
    name: str, model: str, shared_data: Path, judge: Judge
) -> None:
    """Bins of equal width and of equal mass, the largest gap, and that of the likelier class, to 1e-6."""
    facts = case(shared_data, name)
    expected = facts["expected"]["performance_test"][model]
    uses = [
        {"check": "performance/calibration-error", "id": key, "at_most": 0.5, "params": params}
        for key, params in VARIANTS.items()
    ]
    report = judge(shared_data / name / "test.csv", columns(facts, model), uses)
    for key in VARIANTS:
        found = report.finding(key).value
        if (name, key) in TORN:
            assert found == pytest.approx(expected[key], abs=1e-3)
        else:
            assert found == pytest.approx(expected[key], abs=1e-6), key


@pytest.mark.parametrize("model", MODELS)
def test_penguins_are_told_apart_as_the_case_says(model: str, shared_data: Path, judge: Judge) -> None:
    """Three classes: the mean area one versus rest, and the log loss of the probabilities as written."""
    facts = case(shared_data, "penguins")
    expected = facts["expected"]["performance_test"][model]
    roles = {"label": facts["label"], "score": facts["prediction_columns"][model]["scores"]}
    uses = [
        {"check": "performance/roc-auc", "at_least": 0.5},
        {"check": "performance/log-loss", "at_most": 1},
    ]
    report = judge(shared_data / "penguins" / "test.csv", roles, uses, task="multiclass")
    area, loss = report.finding("performance/roc-auc"), report.finding("performance/log-loss")
    assert area.value == pytest.approx(expected["roc_auc_ovr_macro"], abs=1e-6)
    assert loss.value == pytest.approx(expected["log_loss"], abs=1e-6)
    assert area.interval is not None
    assert area.interval[0] < area.interval[1] <= 1.0
