"""Drift between the train and test files of the shared data sets, against independently computed values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlgate import catalogue
from mlgate.findings import Finding, Outcome
from tests.oracles.conftest import BINARY, Judge, case, columns

CASES = (*BINARY, "bike_sharing", "penguins", "wage_islr")

BINNED = {"statistic": "psi", "duplicates": "drop", "missing": "ignore"}

VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "psi_q10_left_closed": {**BINNED, "closed": "left"},
    "psi_q10_right_closed": {**BINNED, "closed": "right"},
    "psi_w10": {**BINNED, "binning": "width"},
    "psi": BINNED,
    "ks_statistic": {"statistic": "ks", "missing": "ignore"},
    "wasserstein": {"statistic": "wasserstein"},
    "js_distance_base2": {"statistic": "jensen-shannon", "missing": "ignore"},
    "chi2_statistic": {"statistic": "chi-squared", "missing": "ignore"},
}
"""Value of a case file to the parameters that give it."""


def drift(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the expected values of a case."""
    found: Mapping[str, Any] = facts["expected"]["drift_train_to_test"]
    return found


def roles(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a case, whatever its task."""
    if facts["task"] == "binary":
        stated = columns(facts, None)
        stated.pop("protected")
    else:
        stated = {"label": facts["label"]}
    stated["features"] = facts["features"]
    if facts.get("categorical_features"):
        stated["categorical"] = facts["categorical_features"]
    return stated


def judged(
    judge: Judge, data: Path, name: str, check: str, params: Mapping[str, Any], **use: Any
) -> tuple[Finding, pd.DataFrame, pd.DataFrame]:
    """Judge the test file of a case against its train file."""
    facts, folder = case(data, name), data / name
    asked = [{"check": check, "at_most": 1, "params": dict(params), **use}]
    report = judge(folder / "test.csv", roles(facts), asked, task=facts["task"], train=folder / "train.csv")
    (finding,) = report.findings
    return finding, pd.read_csv(folder / "train.csv"), pd.read_csv(folder / "test.csv")


def told(value: float, variant: str, name: str, train: pd.DataFrame, test: pd.DataFrame) -> float:
    """Return a number of ours as the case file has it."""
    if variant == "wasserstein":
        return value * float(train[name].std(ddof=0))
    if variant == "chi2_statistic":
        return value**2 * float(train[name].notna().sum() + test[name].notna().sum())
    return value


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", CASES)
def test_features_and_scores(judge: Judge, shared_data: Path, name: str, variant: str) -> None:
    """Every feature and every number that the model gives, by every variant of the statistics."""
    facts = case(shared_data, name)
    outputs = {one: has for one, has in drift(facts)["label_and_scores"].items() if one != facts["label"]}
    expected = {
        one: has[variant] for one, has in {**drift(facts)["features"], **outputs}.items() if variant in has
    }
    if not expected:
        pytest.skip("the case has no such columns")
    params = {**VARIANTS[variant], "columns": list(expected)}
    finding, train, test = judged(judge, shared_data, name, "drift/univariate", params)
    rows = {one.group["column"]: one for one in finding.groups}
    assert set(rows) == set(expected)
    for one, value in expected.items():
        ours = rows[one].value
        assert ours is not None
        assert told(ours, variant, one, train, test) == pytest.approx(value, rel=1e-6, abs=1e-6), one
        if rows[one].interval is not None:
            low, high = rows[one].interval or (0.0, 0.0)
            assert low <= ours <= high


@pytest.mark.parametrize("name", CASES)
def test_labels(judge: Judge, shared_data: Path, name: str) -> None:
    """The label, as classes or as numbers."""
    facts = case(shared_data, name)
    expected = drift(facts)["label_and_scores"][facts["label"]]
    for variant in set(VARIANTS) & set(expected):
        finding, train, test = judged(judge, shared_data, name, "drift/label", VARIANTS[variant])
        (row,) = finding.groups
        assert row.value is not None
        value = told(row.value, variant, facts["label"], train, test)
        assert value == pytest.approx(expected[variant], rel=1e-6, abs=1e-6), variant


@pytest.mark.parametrize("statistic", ["ks", "chi-squared"])
def test_p_values_of_short_tables(judge: Judge, shared_data: Path, statistic: str) -> None:
    """They are named as scipy has them, and only where both tables are short."""
    facts = case(shared_data, "german_credit")
    key, sort = {"ks": ("ks_pvalue", "numeric"), "chi-squared": ("chi2_pvalue", "categorical")}[statistic]
    expected = {one: has[key] for one, has in drift(facts)["features"].items() if has["kind"] == sort}
    params = {"statistic": statistic, "columns": list(expected), "missing": "ignore"}
    finding, _, _ = judged(judge, shared_data, "german_credit", "drift/univariate", params)
    for row in finding.groups:
        said = re.search(r"p ([0-9.e-]+)$", row.reason or "")
        assert said is not None
        assert float(said[1]) == pytest.approx(expected[row.group["column"]], rel=6e-3)
    finding, _, _ = judged(
        judge, shared_data, "adult", "drift/univariate", {"statistic": "ks", "columns": ["age"]}
    )
    assert finding.groups[0].reason is None


def test_bike_sharing_has_drifted(judge: Judge, shared_data: Path) -> None:
    """The demand of 2012 is not that of 2011, by the limit and the guard that the check ships."""
    shipped = catalogue.load()["drift/label"]
    assert shipped.limit is not None
    finding, _, _ = judged(
        judge,
        shared_data,
        "bike_sharing",
        "drift/label",
        {},
        at_most=shipped.limit.value,
        guard=shipped.guard,
    )
    assert (finding.outcome, finding.retrain) == (Outcome.FAIL, True)
    width, _, _ = judged(
        judge, shared_data, "bike_sharing", "drift/label", {"binning": "width"}, at_most=0.25
    )
    assert width.outcome is Outcome.FAIL


def test_bike_sharing_row_numbers_and_days_are_no_drift(judge: Judge, shared_data: Path) -> None:
    """The number of a row and its day move on by nature: they are listed by name and not judged."""
    folder = shared_data / "bike_sharing"
    plain = {"label": "cnt", "prediction": "pred_ridge"}
    use = {"check": "drift/univariate", "params": {"ignore": ["casual", "registered", "pred_hgb"]}}
    report = judge(folder / "test.csv", plain, [use], task="regression", train=folder / "train.csv")
    (finding,) = report.findings
    listed = {one.group["column"]: one.reason or "" for one in finding.groups if not one.judged}
    assert "numbers the rows" in listed["instant"]
    assert "days" in listed["dteday"]
    # The year is 0 in one file and 1 in the other, which is drift if anything is.
    assert (finding.outcome, finding.decides) == (Outcome.FAIL, "yr")


def test_adult_gives_no_alarm(judge: Judge, shared_data: Path) -> None:
    """Two halves of one census: nothing comes near the default limit."""
    facts = case(shared_data, "adult")
    asked = [{"check": f"drift/{one}"} for one in ("univariate", "label")]
    folder = shared_data / "adult"
    report = judge(folder / "test.csv", roles(facts), asked, train=folder / "train.csv")
    for finding in report.findings:
        assert finding.outcome is Outcome.PASS
        assert finding.interval is not None
        assert finding.interval[1] < 0.05
    assert not report.retrain


def test_edges_are_numpys(judge: Judge, shared_data: Path) -> None:
    """The share of missing values is a bin of its own unless the policy says otherwise."""
    finding, train, test = judged(
        judge, shared_data, "adult", "drift/univariate", {"columns": ["workclass"]}, at_most=0.25
    )
    p, q = (one["workclass"].value_counts(dropna=False, normalize=True) for one in (train, test))
    p, q = (one.reindex(p.index.union(q.index)).fillna(0.0).clip(lower=1e-4) for one in (p, q))
    assert finding.value == pytest.approx(float(((q - p) * np.log(q / p)).sum()), abs=1e-9)
    assert (finding.groups[0].reason or "").startswith("missing: ")
