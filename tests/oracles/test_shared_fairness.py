"""Fairness of the shared cases through the whole gate: every task, both models, values to 1e-6."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fairlearn.metrics import demographic_parity_difference, equalized_odds_difference

from mlgate.findings import Finding
from tests.oracles.conftest import MODELS, Judge, case, columns

TOLERANCE = 1e-6

Ask = Callable[..., dict[str, Finding]]

FREE = {"min_group": 1, "min_judged": 0}


@pytest.fixture
def ask(judge: Judge, shared_data: Path) -> Ask:
    """Return a function that judges the test table of a case, and gives the findings by use and column."""

    def run(
        name: str, task: str, roles: dict[str, Any], uses: dict[str, dict[str, Any]]
    ) -> dict[str, Finding]:
        checks = [{"id": key, **FREE, **use} for key, use in uses.items()]
        report = judge(shared_data / name / "test.csv", roles, checks, task=task)
        return {one.id: one for one in report.findings}

    return run


def lines(finding: Finding, column: str) -> dict[str, Any]:
    """Return the group table by group, without the rows whose group is missing."""
    return {row.group[column]: row for row in finding.groups if row.group[column] != "unknown"}


@pytest.mark.parametrize("model", ["ridge", "hgb"])
@pytest.mark.parametrize("name", ["bike_sharing", "wage_islr"])
def test_regression_cases(name: str, model: str, shared_data: Path, ask: Ask) -> None:
    """Means, errors and their gaps by group, and the ratio of errors that the case's verdict is about."""
    facts = case(shared_data, name)
    roles = {"label": facts["label"], "prediction": f"pred_{model}", "protected": facts["sensitive"]}
    metrics = {
        "mae": ("mae", "mae_difference"),
        "rmse": ("rmse", None),
        "mean-prediction": ("mean_pred", "mean_pred_difference"),
        "mean-error": ("mean_error_pred_minus_true", "mean_error_difference"),
    }
    uses: dict[str, dict[str, Any]] = {
        metric: {"check": "fairness/regression-parity", "at_most": 1, "params": {"metric": metric}}
        for metric in metrics
    }
    uses["ratio"] = {"check": "fairness/regression-parity-ratio", "at_least": 0.8}
    found = ask(name, "regression", roles, uses)
    for column, due in facts["expected"]["fairness_test"][model].items():
        for metric, (key, gap) in metrics.items():
            finding = found[f"{metric}[{column}]"]
            table = lines(finding, column)
            assert {group: row.n for group, row in table.items()} == {
                str(group): numbers["n"] for group, numbers in due["by_group"].items()
            }
            for group, numbers in due["by_group"].items():
                assert table[str(group)].value == pytest.approx(numbers[key], abs=TOLERANCE)
            if gap is not None:
                assert finding.value == pytest.approx(due[gap], abs=TOLERANCE)
        ratio = found[f"ratio[{column}]"]
        assert ratio.value == pytest.approx(due["mae_ratio_min_over_max"], abs=TOLERANCE)


@pytest.mark.parametrize("model", MODELS)
def test_penguins(model: str, shared_data: Path, ask: Ask) -> None:
    """Accuracy of the classes themselves, and each class in turn as the one that people want."""
    facts = case(shared_data, "penguins")
    roles = {
        "label": facts["label"],
        "prediction": f"pred_{model}",
        "score": facts["prediction_columns"][model]["scores"],
        "protected": facts["sensitive"],
    }
    expected = facts["expected"]["fairness_test"][model]
    uses = {
        "accuracy": {"check": "fairness/accuracy-gap", "at_most": 0.1},
        "worst": {"check": "fairness/worst-group", "at_least": 0.8},
        "selected": {"check": "fairness/demographic-parity-difference", "at_most": 0.1},
        "found": {"check": "fairness/equal-opportunity-difference", "at_most": 0.1},
    }
    for wanted in facts["classes"]:
        found = ask("penguins", "multiclass", {**roles, "favourable": wanted}, uses)
        for column, due in expected.items():
            by_group = due["by_group"]
            accuracy = found[f"accuracy[{column}]"]
            assert accuracy.value == pytest.approx(due["accuracy_difference"], abs=TOLERANCE)
            least = min(numbers["accuracy"] for numbers in by_group.values())
            assert found[f"worst[{column}]"].value == pytest.approx(least, abs=TOLERANCE)
            selected, recalled = found[f"selected[{column}]"], found[f"found[{column}]"]
            assert selected.value == pytest.approx(
                due["demographic_parity_difference_per_class"][wanted], abs=TOLERANCE
            )
            for group, numbers in by_group.items():
                assert lines(accuracy, column)[group].n == numbers["n"]
                assert lines(accuracy, column)[group].value == pytest.approx(
                    numbers["accuracy"], abs=TOLERANCE
                )
                selection = lines(selected, column)[group]
                assert selection.value == pytest.approx(numbers["selection_rate"][wanted], abs=TOLERANCE)
                assert lines(recalled, column)[group].denominator == numbers["true_counts"].get(wanted, 0)
            gap = due["equal_opportunity_difference_per_class"].get(wanted)
            if gap is not None and recalled.value is not None:
                assert recalled.value == pytest.approx(gap, abs=TOLERANCE)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", ["adult", "compas_two_years", "german_credit"])
def test_binary_cases(name: str, model: str, shared_data: Path, ask: Ask) -> None:
    """What test_shared_cases leaves out: average odds, AUC, calibration and scores by group."""
    facts = case(shared_data, name)
    uses = {
        "odds": {"check": "fairness/average-odds-gap", "at_most": 0.1},
        "auc": {"check": "fairness/group-auc", "at_least": 0.7},
        "calibration": {"check": "fairness/calibration-by-group", "at_most": 0.05},
        "scores": {"check": "fairness/score-parity", "at_most": 0.1},
        "recall": {"check": "fairness/worst-group", "at_least": 0.5, "params": {"metric": "recall"}},
        "missed": {
            "check": "fairness/worst-group-error",
            "at_most": 0.5,
            "params": {"metric": "false_negative_rate"},
        },
    }
    found = ask(name, "binary", columns(facts, model), uses)
    for column, due in facts["expected"]["fairness_test"][model].items():
        by_group = {str(group): numbers for group, numbers in due["by_group"].items()}
        if (average := due["all_groups"].get("average_odds_gap")) is not None:
            assert found[f"odds[{column}]"].value == pytest.approx(average, abs=TOLERANCE)
        for group, numbers in by_group.items():
            mean = lines(found[f"scores[{column}]"], column)[group]
            assert mean.value == pytest.approx(numbers["mean_score"], abs=TOLERANCE)
            apart = numbers["base_rate"] - numbers["mean_score"]
            line = lines(found[f"calibration[{column}]"], column)[group]
            assert line.numerator / line.denominator == pytest.approx(apart, abs=TOLERANCE)
            for use, key in (("auc", "roc_auc"), ("recall", "tpr"), ("missed", "fnr")):
                value = lines(found[f"{use}[{column}]"], column)[group].value
                if numbers.get(key) is None:
                    assert value is None
                else:
                    assert value == pytest.approx(numbers[key], abs=TOLERANCE)


def test_sex_by_race_on_adult(shared_data: Path, ask: Ask) -> None:
    """Products of columns: ten groups, of which the small ones are listed and not judged."""
    facts = case(shared_data, "adult")
    product = {"groups": [["sex", "race"]], "min_group": 100}
    uses = {
        "selected": {"check": "fairness/demographic-parity-difference", "at_most": 0.1, **product},
        "odds": {"check": "fairness/equalized-odds-difference", "at_most": 0.1, **product},
        "strata": {
            "check": "fairness/conditional-parity",
            "at_most": 0.1,
            "groups": ["sex"],
            "params": {"strata": "race"},
        },
    }
    found = ask("adult", "binary", columns(facts, "logreg"), uses)
    frame = pd.read_csv(shared_data / "adult" / "test.csv")
    group = frame["sex"] + ", " + frame["race"]
    sizes = group.value_counts()
    large = frame[group.map(sizes) >= 100]
    selected = found["selected[sex,race]"]
    due = demographic_parity_difference(
        large["pred_logreg"], large["pred_logreg"], sensitive_features=group[large.index]
    )
    assert selected.value == pytest.approx(due, abs=1e-9)
    assert {", ".join(row.group.values()): row.n for row in selected.groups} == sizes.to_dict()
    assert {", ".join(row.group.values()) for row in selected.groups if not row.judged} == set(
        sizes.index[sizes < 100]
    )
    odds = found["odds[sex,race]"]
    label = (frame["class"] == ">50K").astype(int)
    due = equalized_odds_difference(label, frame["pred_logreg"], sensitive_features=group)
    assert odds.value_all == pytest.approx(due, abs=1e-9)
    within = max(
        demographic_parity_difference(
            part["pred_logreg"], part["pred_logreg"], sensitive_features=part["sex"]
        )
        for _, part in frame.groupby("race")
    )
    assert found["strata[sex]"].value == pytest.approx(within, abs=1e-9)
