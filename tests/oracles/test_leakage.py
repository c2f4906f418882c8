"""Leaks in the shared cases: rows that train has too are counted exactly as the cases count them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.oracles.conftest import Judge, case

CASES = ("adult", "bike_sharing", "compas_two_years", "german_credit", "penguins", "wage_islr")


def roles_of(facts: dict[str, Any]) -> dict[str, Any]:
    """Return label and features as the case has them, without predictions."""
    roles = {"label": facts["label"], "features": facts["features"]}
    return {**roles, "positive": facts["positive_label"]} if "positive_label" in facts else roles


def raw_columns(path: Path) -> list[str]:
    """Return the columns of a file that no model wrote."""
    names = path.read_text(encoding="utf-8").partition("\n")[0].split(",")
    return [name for name in names if not name.startswith(("pred_", "score_"))]


@pytest.mark.parametrize("name", CASES)
def test_rows_that_train_has_too_are_those_of_the_case(name: str, shared_data: Path, judge: Judge) -> None:
    """Over all raw columns, and over features and label, which is what the check looks at by default."""
    facts, folder = case(shared_data, name), shared_data / name
    expected = facts["expected"]["data_quality"]
    every = {"columns": raw_columns(folder / "test.csv")}
    uses = [
        {"check": "leakage/row-overlap", "at_most": 1},
        {"check": "leakage/row-overlap", "id": "raw", "at_most": 1, "params": every},
    ]
    roles = roles_of(facts)
    report = judge(folder / "test.csv", roles, uses, task=facts["task"], train=folder / "train.csv")
    found = {one.id: one.groups[0].numerator for one in report.findings}
    assert found == {
        "leakage/row-overlap": expected["test_rows_also_in_train_on_features_and_label"],
        "raw": expected["test_rows_also_in_train"],
    }


def giveaways(name: str, shared_data: Path, judge: Judge, **params: Any) -> Any:
    """Return the finding on single features of a case's test table."""
    facts, folder = case(shared_data, name), shared_data / name
    use = (
        {"check": "leakage/target-predictor", "params": params}
        if params
        else {"check": "leakage/target-predictor"}
    )
    return judge(folder / "test.csv", roles_of(facts), [use], task=facts["task"]).findings[0]


@pytest.mark.parametrize("name", ["adult", "bike_sharing", "compas_two_years", "german_credit", "wage_islr"])
def test_no_feature_of_a_case_gives_its_label_away(name: str, shared_data: Path, judge: Judge) -> None:
    """Honest features stay far from the limit."""
    found = giveaways(name, shared_data, judge)
    assert found.outcome.value == "pass"
    assert found.value < 0.8


def test_the_logarithm_of_the_label_is_found(shared_data: Path, judge: Judge) -> None:
    """`logwage` is the wage; `registered` alone is nearly all of the count, `casual` is not."""
    assert giveaways("wage_islr", shared_data, judge, columns=["logwage"]).outcome.value == "fail"
    found = giveaways("bike_sharing", shared_data, judge, columns=["casual", "registered", "hr"])
    told = {line.group["column"]: line.value for line in found.groups}
    assert told["registered"] > 0.97
    assert told["casual"] < 0.8


def apart(name: str, shared_data: Path, judge: Judge) -> Any:
    """Return the finding on telling the test table of a case from its training table."""
    facts, folder = case(shared_data, name), shared_data / name
    use = {"check": "drift/multivariate", "at_most": 0.6, "severity": "block"}
    roles = roles_of(facts)
    return judge(folder / "test.csv", roles, [use], task=facts["task"], train=folder / "train.csv").findings[
        0
    ]


def test_drift_from_one_year_to_the_next_is_found(shared_data: Path, judge: Judge) -> None:
    """Bikes of 2011 and 2012: no month or hour differs, and yet the years can be told apart."""
    found = apart("bike_sharing", shared_data, judge)
    assert found.outcome.value == "fail"
    assert found.retrain


@pytest.mark.parametrize("name", ["adult", "compas_two_years", "german_credit", "penguins", "wage_islr"])
def test_a_random_split_is_no_drift(name: str, shared_data: Path, judge: Judge) -> None:
    """Rows that were dealt to train and test by chance cannot be told apart."""
    found = apart(name, shared_data, judge)
    assert found.outcome.value in ("pass", "inconclusive")
    assert found.interval[0] < 0.53
