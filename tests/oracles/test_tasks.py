"""The shared cases of several classes and of regression, both models, through the whole gate: values to 1e-6."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlgate.findings import Report
from tests.oracles.conftest import MODELS, Judge, case

TOLERANCE = 1e-6
REGRESSION = ("bike_sharing", "wage_islr")
ERRORS = {
    "mae": "mae",
    "rmse": "rmse",
    "r2": "r2",
    "mape": "mape",
    "median_ae": "median-absolute-error",
    "mean_error_pred_minus_true": "mean-error",
}
MEANS = {
    "mean_pred_difference": ("fairness/regression-parity", "mean-prediction"),
    "mean_error_difference": ("fairness/regression-parity", "mean-error"),
    "mae_difference": ("fairness/regression-parity", "mae"),
    "mae_ratio_min_over_max": ("fairness/regression-parity-ratio", "mae"),
}
OF_GROUP = {
    "mean-prediction": "mean_pred",
    "mean-error": "mean_error_pred_minus_true",
    "mae": "mae",
    "rmse": "rmse",
}


def use(check: str, number: int, **more: Any) -> dict[str, Any]:
    """Return a use with a limit that fits whichever way is better."""
    return {"check": check, "id": f"use-{number}", "between": [-1e9, 1e9], **more}


def values(report: Report, keys: list[str]) -> dict[str, float | None]:
    """Return the values of the uses in order, by key."""
    return {key: report.finding(f"use-{number}").value for number, key in enumerate(keys)}


LINEAR_OR_TREES = pytest.mark.parametrize("model", ["ridge", "hgb"])


@LINEAR_OR_TREES
@pytest.mark.parametrize("name", REGRESSION)
def test_regression_equals_the_case(name: str, model: str, shared_data: Path, judge: Judge) -> None:
    """Every error of the case, and of both tables together the overfit."""
    facts = case(shared_data, name)
    expected = facts["expected"]["performance_test"][model]
    roles = {"label": facts["label"], "prediction": f"pred_{model}"}
    uses = [use(f"performance/{check}", number) for number, check in enumerate(ERRORS.values())]
    uses.append(use("performance/overfit", len(uses), params={"metric": "mae"}))
    folder = shared_data / name
    report = judge(folder / "test.csv", roles, uses, task="regression", train=folder / "train.csv")
    found = values(report, [*ERRORS, "overfit"])
    train = facts["expected"]["performance_train"][model]["train_mae"]
    wanted = {key: expected[key] for key in ERRORS} | {"overfit": expected["mae"] - train}
    assert found == pytest.approx(wanted, abs=TOLERANCE)
    assert {one.n for one in report.findings[:-1]} == {expected["n"]}


@LINEAR_OR_TREES
@pytest.mark.parametrize("name", REGRESSION)
def test_means_by_group_equal_the_case(name: str, model: str, shared_data: Path, judge: Judge) -> None:
    """Gaps and ratios of predictions and errors over groups, and each group's own number and rows."""
    facts = case(shared_data, name)
    roles = {"label": facts["label"], "prediction": f"pred_{model}", "protected": facts["sensitive"]}
    for column, expected in facts["expected"]["fairness_test"][model].items():
        asked = [*MEANS.values(), ("fairness/regression-parity", "rmse")]
        uses = [
            use(check, number, groups=[column], min_group=1, min_judged=0, params={"metric": metric})
            for number, (check, metric) in enumerate(asked)
        ]
        report = judge(shared_data / name / "test.csv", roles, uses, task="regression")
        for number, (check, metric) in enumerate(asked):
            finding = report.finding(f"use-{number}[{column}]")
            key = next((key for key, of in MEANS.items() if of == (check, metric)), None)
            if key is not None:
                assert finding.value == pytest.approx(expected[key], abs=TOLERANCE), (column, key)
            rows = {row.group[column]: (row.n, row.value) for row in finding.groups}
            for group, of in expected["by_group"].items():
                assert rows[group] == (of["n"], pytest.approx(of[OF_GROUP[metric]], abs=TOLERANCE))


def penguin_roles(facts: dict[str, Any], model: str) -> dict[str, Any]:
    """Return the roles of the case of several classes."""
    columns = facts["prediction_columns"][model]
    return {
        "label": facts["label"],
        "score": columns["scores"],
        "prediction": columns["pred"],
        "protected": facts["sensitive"],
    }


@pytest.mark.parametrize("model", MODELS)
def test_several_classes_equal_the_case(model: str, shared_data: Path, judge: Judge) -> None:
    """Averages, each class's recall, log loss as written, one-vs-rest AUC and the confusion matrix."""
    facts = case(shared_data, "penguins")
    expected = facts["expected"]["performance_test"][model]
    asked = {
        "accuracy": ("performance/accuracy", {}),
        "balanced_accuracy": ("performance/balanced-accuracy", {}),
        "f1_macro": ("performance/f1", {"average": "macro"}),
        "f1_weighted": ("performance/f1", {"average": "weighted"}),
        "log_loss": ("performance/log-loss", {}),
        "roc_auc_ovr_macro": ("performance/roc-auc", {}),
    }
    uses = [use(check, number, params=params) for number, (check, params) in enumerate(asked.values())]
    uses.append(use("performance/recall", len(uses), params={"average": "per_class"}, min_group=1))
    uses.append(use("performance/overfit", len(uses), params={"metric": "accuracy"}))
    folder = shared_data / "penguins"
    roles = penguin_roles(facts, model)
    report = judge(folder / "test.csv", roles, uses, task="multiclass", train=folder / "train.csv")
    assert values(report, list(asked)) == pytest.approx({key: expected[key] for key in asked}, abs=TOLERANCE)
    by_class = report.finding(f"use-{len(asked)}")
    found = {next(iter(row.group.values())): row.value for row in by_class.groups}
    assert found == pytest.approx(expected["recall_per_class"], abs=TOLERANCE)
    assert by_class.value == pytest.approx(min(expected["recall_per_class"].values()), abs=TOLERANCE)
    train = facts["expected"]["performance_train"][model]["train_accuracy"]
    overfit = report.finding(f"use-{len(asked) + 1}")
    assert overfit.value == pytest.approx(train - expected["accuracy"], abs=TOLERANCE)
    (square,) = [one for one in report.finding("use-0").charts if one.kind == "confusion"]
    cells = dict(
        zip(
            zip(square.data["label"], square.data["prediction"], strict=True),
            square.data["rows"],
            strict=True,
        )
    )
    names = expected["confusion_matrix"]["labels"]
    for label, row in zip(names, expected["confusion_matrix"]["rows_true_cols_pred"], strict=True):
        assert [cells.get((label, one), 0) for one in names] == row


@pytest.mark.parametrize("model", MODELS)
def test_each_class_as_the_favourable_one_equals_the_case(
    model: str, shared_data: Path, judge: Judge
) -> None:
    """A release names the classes people want; parity over it is the case's of that class."""
    facts = case(shared_data, "penguins")
    for column, expected in facts["expected"]["fairness_test"][model].items():
        for name in facts["classes"]:
            settings = {"groups": [column], "min_group": 1, "min_judged": 0}
            uses = [
                use("fairness/demographic-parity-difference", 0, **settings),
                use("fairness/equal-opportunity-difference", 1, **settings),
                use("fairness/accuracy-gap", 2, **settings),
            ]
            roles = {**penguin_roles(facts, model), "favourable": name}
            report = judge(shared_data / "penguins" / "test.csv", roles, uses, task="multiclass")
            parity = report.finding(f"use-0[{column}]")
            wanted = expected["demographic_parity_difference_per_class"][name]
            assert parity.value == pytest.approx(wanted, abs=TOLERANCE)
            rates = {row.group[column]: row.value for row in parity.groups}
            for group, of in expected["by_group"].items():
                assert rates[group] == pytest.approx(of["selection_rate"][name], abs=TOLERANCE)
            opportunity = report.finding(f"use-1[{column}]")
            recalls = [of["recall"][name] for of in expected["by_group"].values()]
            if sum(one is not None for one in recalls) > 1:
                wanted = expected["equal_opportunity_difference_per_class"][name]
                assert opportunity.value == pytest.approx(wanted, abs=TOLERANCE)
            else:
                assert opportunity.value is None  # one group with a recall is no comparison
            gap = report.finding(f"use-2[{column}]").value
            assert gap == pytest.approx(expected["accuracy_difference"], abs=TOLERANCE)


@pytest.mark.parametrize("name", [*REGRESSION, "penguins"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_data_quality_equals_the_case(name: str, split: str, shared_data: Path, judge: Judge) -> None:
    """Rows, nulls by column, duplicates and constant columns are the case's, exactly."""
    facts = case(shared_data, name)
    expected = facts["expected"]["data_quality"][split]
    path = shared_data / name / f"{split}.csv"
    header = path.read_text(encoding="utf-8").partition("\n")[0].split(",")
    ignore = [one for one in header if one.startswith(("pred_", "score_"))]
    uses = [
        {"check": "data/row-count", "at_least": 1},
        {"check": "data/missing", "at_most": 1, "params": {"ignore": ignore}},
        {"check": "data/duplicate-rows", "at_most": 1, "params": {"ignore": ignore}},
        {"check": "data/constant-columns", "at_most": 100},
    ]
    report = judge(path, {"label": facts["label"]}, uses, task=facts["task"])
    assert report.finding("data/row-count").value == expected["rows"]
    missing = report.finding("data/missing")
    assert {row.group["column"]: row.numerator for row in missing.groups if row.numerator} == expected[
        "null_count"
    ]
    duplicates = report.finding("data/duplicate-rows")
    assert duplicates.value == pytest.approx(expected["duplicate_fraction"], abs=TOLERANCE)
    assert report.finding("data/constant-columns").value == len(expected["constant_columns"])
