from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from fairlearn import metrics as fair
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from mlgate.cells import Columns, Counts
from mlgate.estimates import Estimate, GroupEstimate
from mlgate.measures import Measure, fairness
from mlgate.measures.judging import Judging
from tests.conftest import few
from tests.measures.asking import BY, ROLES, ask, bounds, cells_of, groups_of, rows_of

EXAMPLE = pd.DataFrame(
    {
        "label": [0, 1, 1, 1, 1, 0, 1, 0, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1],
        "prediction": [0, 0, 1, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 0],
        "g": list("bbabbcccaacabccbcc"),
    }
)
"""The example in fairlearn's own documentation of its metrics."""


def test_fairlearns_own_example() -> None:
    """The numbers that fairlearn's documentation gives for its example (STATISTICS, Oracles)."""
    selected = groups_of(ask(fairness.demographic_parity_difference, EXAMPLE))
    assert {name: one.value for name, one in selected.items()} == {"a": 0.75, "b": 0.5, "c": 0.5}
    found = groups_of(ask(fairness.equal_opportunity_difference, EXAMPLE))
    assert {name: one.value for name, one in found.items()} == {"a": 0.5, "b": 0.6, "c": 0.4}
    assert ask(fairness.demographic_parity_difference, EXAMPLE).value == pytest.approx(0.25)
    assert ask(fairness.demographic_parity_ratio, EXAMPLE).value == pytest.approx(2 / 3)
    assert ask(fairness.equalized_odds_difference, EXAMPLE).value == pytest.approx(1.0)


@pytest.fixture(scope="module")
def compas(shared_data: Path) -> pd.DataFrame:
    """ProPublica's 7214 rows, a positive prediction being any score but Low."""
    frame = pd.read_csv(shared_data / "compas_two_years" / "full.csv")
    return frame.assign(label=frame["two_year_recid"], prediction=(frame["score_text"] != "Low").astype(int))


def test_propublica_two_races(compas: pd.DataFrame) -> None:
    """Black against white defendants: ProPublica's rates, and Newcombe's interval of the gap."""
    two = compas[compas["race"].isin(["African-American", "Caucasian"])]
    gap = ask(fairness.false_positive_rate_gap, two, by=["race"], min_group=30)
    rates = groups_of(gap)
    assert rates["African-American"].value == pytest.approx(805 / 1795, abs=1e-12)
    assert rates["Caucasian"].value == pytest.approx(0.2345430, abs=5e-8)
    assert (rates["African-American"].numerator, rates["African-American"].denominator) == (805, 1795)
    assert bounds(gap, 0.95) == pytest.approx((0.1820532, 0.2450233), abs=5e-8)
    misses = groups_of(ask(fairness.false_negative_rate_gap, two, by=["race"], min_group=30))
    assert misses["African-American"].value == pytest.approx(0.2798527, abs=5e-8)
    assert misses["Caucasian"].value == pytest.approx(0.4772257, abs=5e-8)
    parity = ask(fairness.demographic_parity_difference, two, by=["race"], min_group=30)
    assert parity.value == pytest.approx(0.2402002, abs=5e-8)
    assert ask(fairness.demographic_parity_ratio, two, by=["race"]).value == pytest.approx(
        0.5916376, abs=5e-8
    )
    odds = ask(fairness.equalized_odds_difference, two, by=["race"], min_group=30)
    assert odds.value == pytest.approx(0.2139250, abs=5e-8)


@pytest.mark.parametrize(
    ("min_group", "difference", "ratio"), [(1, 0.4571176, 0.3143236), (100, 0.3786544, 0.3562527)]
)
def test_propublica_six_races(compas: pd.DataFrame, min_group: int, difference: float, ratio: float) -> None:
    """All six races, and those of at least 100 rows; value_all is over all of them either way."""
    found = ask(fairness.demographic_parity_difference, compas, by=["race"], min_group=min_group)
    assert found.value == pytest.approx(difference, abs=5e-8)
    assert found.value_all == pytest.approx(0.4571176, abs=5e-8)
    found = ask(fairness.demographic_parity_ratio, compas, by=["race"], min_group=min_group)
    assert found.value == pytest.approx(ratio, abs=5e-8)
    assert found.value_all == pytest.approx(0.3143236, abs=5e-8)


def test_a_small_group_is_listed_with_its_interval_and_not_judged(compas: pd.DataFrame) -> None:
    """Native American defendants, 3 of 8 falsely flagged: Wilson's interval is shown, and nothing decided."""
    found = ask(fairness.false_positive_rate_gap, compas, by=["race"], min_group=30)
    native = groups_of(found)["Native American"]
    assert (native.n, native.numerator, native.denominator, native.judged) == (18, 3, 8, False)
    assert native.reason == "18 rows, fewer than min_group 30"
    assert bounds(native, 0.95) == pytest.approx((0.136844, 0.694258), abs=5e-7)
    assert found.judged_share == pytest.approx((7214 - 18 - 32) / 7214)
    pairs = {name for one in found.comparisons for name in one.name.split(" - ")}
    assert pairs == {"African-American", "Caucasian", "Hispanic", "Other"}


def published(shared_data: Path, name: str) -> list[Mapping[str, Any]]:
    """Return the claims of one publication in PUBLISHED.yaml."""
    every = yaml.safe_load((shared_data / "PUBLISHED.yaml").read_text())
    (claims,) = [one["claims"] for one in every if one["id"] == name]
    return list(claims)


@pytest.mark.parametrize("column", ["pred_medium_plus", "pred_high"])
def test_propublica_truth_tables_by_race(compas: pd.DataFrame, shared_data: Path, column: str) -> None:
    """The counts and rates of both races in ProPublica's notebook (PUBLISHED.yaml), counts exactly."""
    frame = compas.assign(prediction=compas[column])
    false = groups_of(ask(fairness.false_positive_rate_gap, frame, by=["race"]))
    missed = groups_of(ask(fairness.false_negative_rate_gap, frame, by=["race"]))
    precision = groups_of(ask(fairness.predictive_parity, frame, by=["race"]))
    seen = 0
    for claim in published(shared_data, "propublica_truth_tables"):
        race, used, quantity = claim["quantity"].split(" / ")
        if used != column or race not in false or quantity == "NPV":
            continue
        negative, positive = false[race], missed[race]
        table = {
            "fp": negative.numerator or 0,
            "tn": (negative.denominator or 0) - (negative.numerator or 0),
            "fn": positive.numerator or 0,
            "tp": (positive.denominator or 0) - (positive.numerator or 0),
            "FPR": 100 * (negative.value or 0),
            "FNR": 100 * (positive.value or 0),
            "PPV": precision[race].value,
            "n": negative.n,
        }
        assert table[quantity] == pytest.approx(claim["published"], abs=claim["tolerance"], rel=0), claim
        seen += 1
    assert seen == 16


PUBLISHED_RATES: Mapping[str, tuple[Measure, str | None]] = {
    "pprev": (fairness.demographic_parity_difference, None),
    "tpr": (fairness.WorstGroup, "recall"),
    "tnr": (fairness.WorstGroup, "specificity"),
    "npv": (fairness.WorstGroup, "npv"),
    "precision": (fairness.WorstGroup, "precision"),
    "fpr": (fairness.WorstGroupError, "false_positive_rate"),
    "fnr": (fairness.WorstGroupError, "false_negative_rate"),
    "fdr": (fairness.WorstGroupError, "false_discovery_rate"),
    "for": (fairness.WorstGroupError, "false_omission_rate"),
}


def rates_by_race(compas: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return each of Aequitas' rates by race."""
    found = {}
    for name, (measure, metric) in PUBLISHED_RATES.items():
        params: dict[str, Any] = {} if metric is None else {"metric": metric}
        table = groups_of(ask(measure, compas, by=["race"], **params))
        found[name] = {race: one.value for race, one in table.items() if one.value is not None}
    return found


def test_aequitas_rates_of_compas(compas: pd.DataFrame, shared_data: Path) -> None:
    """Every group rate and disparity that Aequitas publishes for COMPAS (PUBLISHED.yaml)."""
    tables = rates_by_race(compas)
    seen = 0
    for claim in published(shared_data, "aequitas_compas_demo"):
        subject, _, quantity = claim["quantity"].rpartition(" ")
        if quantity not in tables:
            continue
        rates = tables[quantity]
        if subject == "disparity vs Caucasian:":
            value = rates["African-American"] / rates["Caucasian"]
        else:
            value = rates[subject]
        assert value == pytest.approx(claim["published"], abs=claim["tolerance"]), claim
        seen += 1
    assert seen == 40


def test_aequitas_disparities_against_african_american(compas: pd.DataFrame) -> None:
    """Aequitas' disparities of Caucasian defendants with the other reference (STATISTICS, Oracles)."""
    due = {
        "fpr": 0.522987,
        "fnr": 1.705274,
        "fdr": 1.103650,
        "for": 0.824297,
        "pprev": 0.591638,
        "tpr": 0.725927,
        "tnr": 1.387874,
        "npv": 1.094418,
        "precision": 0.939052,
    }
    found = {
        name: rates["Caucasian"] / rates["African-American"] for name, rates in rates_by_race(compas).items()
    }
    assert found == pytest.approx(due, abs=1e-6)


def test_fairlearn_quickstart_on_adult(shared_data: Path) -> None:
    """The group accuracies and selection rates of fairlearn's quickstart (PUBLISHED.yaml)."""
    adult = pd.read_parquet(shared_data / "adult" / "full.parquet")
    frame = adult.assign(label=(adult["class"] == ">50K").astype(int), prediction=adult["pred_tree"])
    accuracy = groups_of(ask(fairness.accuracy_gap, frame, by=["sex"]))
    assert (accuracy["Male"].n, accuracy["Female"].n) == (32650, 16192)
    for measure, female, male in (
        (fairness.accuracy_gap, 0.9251, 0.8042),
        (fairness.demographic_parity_difference, 0.0635, 0.2135),
    ):
        rates = groups_of(ask(measure, frame, by=["sex"]))
        assert math.floor(1e4 * (rates["Female"].value or 0)) / 1e4 == female
        assert math.floor(1e4 * (rates["Male"].value or 0)) / 1e4 == male


def test_aif360_credit_scoring_tutorial(shared_data: Path) -> None:
    """The mean difference on the whole German credit data (AIF360's tutorial, PUBLISHED.yaml)."""
    german = pd.read_csv(shared_data / "german_credit" / "full.csv")
    frame = german.assign(prediction=(german["credit_risk"] == 1).astype(int), g=german["age"] >= 25)
    assert ask(fairness.demographic_parity_difference, frame).value == pytest.approx(0.12854990969960323)
    assert ask(fairness.demographic_parity_ratio, frame).value == pytest.approx(0.8212484098784929)


CASE_VALUES: Mapping[str, Measure] = {
    "demographic_parity_difference": fairness.demographic_parity_difference,
    "demographic_parity_ratio": fairness.demographic_parity_ratio,
    "impact_ratio_favourable_outcome": fairness.impact_ratio,
    "equal_opportunity_difference": fairness.equal_opportunity_difference,
    "fpr_difference": fairness.false_positive_rate_gap,
    "equalized_odds_difference": fairness.equalized_odds_difference,
    "equalized_odds_ratio": fairness.equalized_odds_ratio,
    "average_odds_gap": fairness.average_odds_gap,
    "accuracy_difference": fairness.accuracy_gap,
    "precision_difference": fairness.predictive_parity,
}
GROUP_VALUES: Mapping[str, Measure] = {
    "selection_rate": fairness.demographic_parity_difference,
    "tpr": fairness.equal_opportunity_difference,
    "fnr": fairness.false_negative_rate_gap,
    "fpr": fairness.false_positive_rate_gap,
    "precision": fairness.predictive_parity,
    "accuracy": fairness.accuracy_gap,
    "roc_auc": fairness.group_auc,
}


def case_frame(shared_data: Path, case: Mapping[str, Any], name: str, model: str) -> pd.DataFrame:
    """Read the test table of a case as its definitions say."""
    columns = case["prediction_columns"][model]
    frame = pd.read_csv(shared_data / name / "test.csv")
    label = (frame[case["label"]].map(str) == str(case["positive_label"])).astype(int)
    return frame.assign(label=label, prediction=frame[columns["pred"]], score=frame[columns["score"]])


@pytest.mark.parametrize("model", ["logreg", "hgb"])
@pytest.mark.parametrize("name", ["adult", "compas_two_years", "german_credit"])
def test_independent_values_of_the_shared_cases(shared_data: Path, name: str, model: str) -> None:
    """Every fairness value of the cases, over all groups and over those of 30 rows, to 1e-6."""
    case = yaml.safe_load((shared_data / name / "case.yaml").read_text())
    frame = case_frame(shared_data, case, name, model)
    favourable = case["favourable_outcome"].split()[0]
    for column, due in case["expected"]["fairness_test"][model].items():
        sizes = frame[column].map(str).value_counts()
        large = frame[frame[column].map(str).isin(sizes.index[sizes >= 30])]
        for values, rows in ((due["all_groups"], frame), (due["groups_with_n_at_least_30"], large)):
            if values is None:
                continue
            for quantity, measure in CASE_VALUES.items():
                params = {"favourable": favourable} if measure is fairness.impact_ratio else {}
                found = ask(measure, rows, by=[column], **params)
                assert found.value == pytest.approx(values[quantity], abs=1e-6), (column, quantity)
                assert found.value_all == pytest.approx(values[quantity], abs=1e-6), (column, quantity)
        for quantity, measure in GROUP_VALUES.items():
            table = groups_of(ask(measure, frame, by=[column]))
            for group, numbers in due["by_group"].items():
                assert table[group].n == numbers["n"]
                assert table[group].value == pytest.approx(numbers[quantity], abs=1e-6), (group, quantity)


def test_groups_of_thirty_rows_with_too_few_positives_are_not_judged(shared_data: Path) -> None:
    """Adult has 136 Amer-Indian-Eskimo rows and 15 positives: judged by selection rate, not by recall."""
    case = yaml.safe_load((shared_data / "adult" / "case.yaml").read_text())
    frame = case_frame(shared_data, case, "adult", "logreg")
    by_rate = ask(fairness.demographic_parity_difference, frame, by=["race"], min_group=30)
    assert by_rate.judged_share == 1.0
    found = ask(fairness.equal_opportunity_difference, frame, by=["race"], min_group=30)
    small = groups_of(found)["Amer-Indian-Eskimo"]
    assert (small.judged, small.reason) == (False, "15 positives, fewer than min_group 30")
    assert small.value is not None
    due = case["expected"]["fairness_test"]["logreg"]["race"]
    assert found.value_all == pytest.approx(due["all_groups"]["equal_opportunity_difference"], abs=1e-9)


def test_four_fifths_ratios_of_the_favourable_outcome(shared_data: Path) -> None:
    """Each race's ratio to the best one on COMPAS, where the favourable outcome is the negative label."""
    case = yaml.safe_load((shared_data / "compas_two_years" / "case.yaml").read_text())
    frame = case_frame(shared_data, case, "compas_two_years", "logreg")
    due = case["expected"]["fairness_test"]["logreg"]["race"]["four_fifths"]
    found = ask(fairness.impact_ratio, frame, by=["race"], favourable="negative")
    ratios = groups_of(found, "impact_ratio")
    for race, ratio in due["ratio_to_highest"].items():
        assert ratios[race].value == pytest.approx(ratio, abs=1e-9)
    assert ratios["Asian"].reason == "the best group, against which the others are held"
    assert {one.name for one in found.comparisons} == {
        f"{race} / Asian (best)" for race in ratios if race != "Asian"
    }


DIFFERENCES: Mapping[str, tuple[Measure, Callable[..., float], str | None]] = {
    "demographic parity": (
        fairness.demographic_parity_difference,
        fair.demographic_parity_difference,
        None,
    ),
    "demographic parity ratio": (fairness.demographic_parity_ratio, fair.demographic_parity_ratio, None),
    "impact ratio": (fairness.impact_ratio, fair.demographic_parity_ratio, None),
    "equal opportunity": (
        fairness.equal_opportunity_difference,
        fair.equal_opportunity_difference,
        "positives",
    ),
    "equalized odds": (fairness.equalized_odds_difference, fair.equalized_odds_difference, "both"),
    "average odds": (fairness.average_odds_gap, partial(fair.equalized_odds_difference, agg="mean"), "both"),
    "equalized odds ratio": (fairness.equalized_odds_ratio, fair.equalized_odds_ratio, "both"),
    "false positives": (fairness.false_positive_rate_gap, fair.false_positive_rate_difference, "negatives"),
    "false negatives": (fairness.false_negative_rate_gap, fair.false_negative_rate_difference, "positives"),
    "accuracy": (fairness.accuracy_gap, fair.accuracy_score_difference, None),
    "worst accuracy": (fairness.WorstGroup, fair.accuracy_score_group_min, None),
}
"""Each measure, fairlearn's function for it, and which rows every group needs for the latter to mean it."""

NAMES: Sequence[str | float | None] = ("a", "b", "c d", "unknown", "", 1, 2.5, None)
WEIGHTS = st.lists(st.sampled_from([0.25, 1.0, 1.5, 7.0]), max_size=4)


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    """Draw rows of two or more groups, some of them missing, with weights; mostly of both classes."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=4, unique=True))
    rows = [
        (label, prediction, name, weight)
        for name in names
        for label in (0, 1)
        for prediction in (0, 1)
        for weight in draw(WEIGHTS)
    ]
    frame = pd.DataFrame(rows, columns=["label", "prediction", "g", "w"])
    assume(len(set(frame["g"].dropna())) > 1)
    return frame


def meaningful(frame: pd.DataFrame, needs: str | None) -> bool:
    """Whether every group has what the rate is taken among (fairlearn gives 0 where one has not)."""
    wanted = {"both": (0, 1), "positives": (1,), "negatives": (0,), None: ()}[needs]
    return all((part["label"] == label).any() for _, part in frame.groupby("g") for label in wanted)


@pytest.mark.parametrize("name", DIFFERENCES)
@settings(max_examples=few(25), deadline=None)
@given(weight=st.sampled_from([None, "w"]), table=tables())
def test_values_on_cells_are_fairlearns_on_rows(name: str, weight: str | None, table: pd.DataFrame) -> None:
    """On any table, with and without weights, the value is what fairlearn's function gives on the rows."""
    measure, function, needs = DIFFERENCES[name]
    rows = table[table["g"].notna()].assign(g=lambda frame: frame["g"].map(str))
    assume(meaningful(rows, needs))
    found = ask(measure, table, weight=weight)
    weights = {} if weight is None else {"sample_weight": rows[weight]}
    groups = {} if function is fair.accuracy_score_group_min else {"method": "between_groups"}
    with np.errstate(all="ignore"):
        due = function(rows["label"], rows["prediction"], sensitive_features=rows["g"], **weights, **groups)
    if math.isnan(due) or "over zero" in (found.reason or ""):
        assert found.value is None
        return
    assert found.value == pytest.approx(due, rel=1e-12, abs=1e-12)
    assert found.value_all == found.value
    decisive = [one.value for one in found.comparisons] or [due]
    assert (min if measure.better == "higher" else max)(decisive) == pytest.approx(due, rel=1e-12, abs=1e-12)


@settings(max_examples=few(30), deadline=None)
@given(table=tables())
def test_rates_by_group_are_metric_frames(table: pd.DataFrame) -> None:
    """Counts, rates and undefined rates of every group are those of a MetricFrame and of the rows."""
    rows = table[table["g"].notna()].assign(g=lambda frame: frame["g"].map(str))
    for metric, function, subset in (
        ("precision", sk.precision_score, ("prediction", 1)),
        (
            "npv",
            lambda y, p, sample_weight: sk.precision_score(1 - y, 1 - p, sample_weight=sample_weight),
            ("prediction", 0),
        ),
        ("specificity", fair.true_negative_rate, ("label", 0)),
        ("recall", sk.recall_score, ("label", 1)),
    ):
        found = groups_of(ask(fairness.WorstGroup, table, weight="w", metric=metric))
        for group, part in rows.groupby("g"):
            line = found[repr(group) if group == "unknown" else group]
            if not (part[subset[0]] == subset[1]).any():
                assert (line.value, line.judged) == (None, False)
                assert "has no denominator" in (line.reason or "")
                continue
            due = function(part["label"], part["prediction"], sample_weight=part["w"])
            assert line.value == pytest.approx(due, rel=1e-12, abs=1e-12)


@settings(max_examples=few(60), deadline=None)
@given(name=st.sampled_from(sorted(DIFFERENCES)), table=tables(), data=st.data())
def test_the_order_of_cells_changes_nothing(name: str, table: pd.DataFrame, data: st.DataObject) -> None:
    """Estimates are equal to the last bit however the cells are ordered."""
    measure, _, _ = DIFFERENCES[name]
    cells = cells_of(table, [role for role in ROLES if role in measure.needs], BY, "w")
    order = np.array(data.draw(st.permutations(range(len(cells.n)))), dtype=np.int64)
    assert ask(measure, table, cells=cells.take(order)) == ask(measure, table, cells=cells)


@settings(max_examples=few(60), deadline=None)
@given(name=st.sampled_from(sorted(DIFFERENCES)), table=tables())
def test_renaming_groups_changes_only_names(name: str, table: pd.DataFrame) -> None:
    """The numbers and intervals do not depend on how groups are called."""
    measure, _, _ = DIFFERENCES[name]
    texts = sorted({str(one) for one in table["g"].dropna()})
    other = dict(zip(texts, (f"group {number}" for number in range(len(texts), 0, -1)), strict=True))
    renamed = table.assign(g=[other.get(str(one)) for one in table["g"]])
    first, second = ask(measure, table, weight="w"), ask(measure, renamed, weight="w")
    assert (second.value is None) == (first.value is None)
    assert second.judged_share == first.judged_share

    def numbers(of: Estimate) -> list[tuple[float, ...]]:
        return sorted((round(one.value, 12), *np.round(bounds(one, 0.9), 12)) for one in of.comparisons)

    assert numbers(first) == numbers(second)
    if first.value is not None:
        assert second.value == pytest.approx(first.value, rel=1e-12, abs=1e-15)
        assert bounds(second, 0.9) == pytest.approx(bounds(first, 0.9), rel=1e-9, abs=1e-12)


@settings(max_examples=few(60), deadline=None)
@given(name=st.sampled_from(sorted(DIFFERENCES)), table=tables())
def test_seven_times_the_weights_change_nothing(name: str, table: pd.DataFrame) -> None:
    """Values and intervals do not depend on the scale of the weights."""
    measure, _, _ = DIFFERENCES[name]
    first = ask(measure, table, weight="w")
    second = ask(measure, table.assign(w=table["w"] * 7), weight="w")
    assert (first.value is None) == (second.value is None)
    if first.value is not None:
        assert second.value == pytest.approx(first.value, rel=1e-12, abs=1e-15)
        assert bounds(second, 0.9) == pytest.approx(bounds(first, 0.9), rel=1e-9, abs=1e-12)


@settings(max_examples=few(60), deadline=None)
@given(name=st.sampled_from(sorted(DIFFERENCES)), table=tables())
def test_every_comparison_has_a_real_interval(name: str, table: pd.DataFrame) -> None:
    """No interval has width zero, each holds its value, and the estimate's is that of the widest pair."""
    measure, _, _ = DIFFERENCES[name]
    found = ask(measure, table)
    for one in found.comparisons:
        low, high = bounds(one, 0.9)
        assert low < high
        assert low - 1e-12 <= one.value <= high + 1e-12
    if found.value is not None:
        claims = [bounds(one, 0.9) for one in found.comparisons]
        assert bounds(found, 0.9) in claims or not claims
        low, high = bounds(found, 0.9)
        assert low < high
        assert low - 1e-12 <= found.value <= high + 1e-12


def test_equal_rates_leave_a_real_interval() -> None:
    """Two groups with the same rates have a gap of 0 with an interval, and a ratio of 1 with one."""
    frame = rows_of(("a", 40, 10, 10, 40), ("b", 40, 10, 10, 40))
    gap = ask(fairness.equalized_odds_difference, frame, min_group=30)
    assert gap.value == 0
    assert bounds(gap, 0.9)[1] > 0.05
    ratio = ask(fairness.equalized_odds_ratio, frame, min_group=30)
    assert ratio.value == 1
    assert bounds(ratio, 0.9)[0] < 0.95


def test_a_group_without_positives_is_no_zero() -> None:
    """Where fairlearn gives such a group a true-positive rate of 0, there is no denominator."""
    frame = rows_of(("a", 40, 5, 5, 40), ("b", 30, 5, 15, 40), ("c", 0, 20, 0, 60))
    truth, prediction, group = frame["label"], frame["prediction"], frame["g"]
    assert fair.equal_opportunity_difference(truth, prediction, sensitive_features=group) > 0.8
    found = ask(fairness.equal_opportunity_difference, frame, min_group=30)
    assert found.value == pytest.approx(40 / 45 - 30 / 45)
    assert found.value_all == found.value
    line = groups_of(found)["c"]
    assert (line.value, line.numerator, line.denominator, line.judged) == (None, 0, 0, False)
    assert line.reason == "no positives: the true-positive rate has no denominator"
    odds = ask(fairness.equalized_odds_difference, frame, min_group=30)
    assert any(one.name == "false-positive rate: c - a" for one in odds.comparisons)
    assert not any(one.name.startswith("true") and "c" in one.name.split() for one in odds.comparisons)
    assert odds.judged_share == pytest.approx(180 / 260)


def test_missing_protected_values_are_listed_and_not_judged() -> None:
    """They are the group `unknown`, count against the judged share, and are judged only when asked."""
    frame = rows_of(("a", 40, 5, 5, 40), ("b", 30, 5, 15, 40), (None, 0, 40, 40, 20))
    found = ask(fairness.accuracy_gap, frame, min_group=30)
    assert found.value == pytest.approx(80 / 90 - 70 / 90)
    assert found.value_all == found.value
    unknown = groups_of(found)["unknown"]
    assert (unknown.n, unknown.value, unknown.judged) == (100, 0.2, False)
    assert unknown.reason == "protected value missing"
    assert found.judged_share == pytest.approx(180 / 280)
    judged = ask(fairness.accuracy_gap, frame, min_group=30, judge_unknown=True)
    assert judged.value == pytest.approx(80 / 90 - 0.2)
    assert judged.judged_share == 1.0


def test_a_value_called_unknown_is_judged() -> None:
    """Only a missing value goes unjudged; a group cannot be hidden by giving it that name."""
    frame = rows_of(("a", 40, 5, 5, 40), ("unknown", 0, 5, 45, 40), (None, 0, 2, 0, 0))
    found = ask(fairness.equal_opportunity_difference, frame, min_group=30)
    assert found.value == pytest.approx(40 / 45)
    assert set(groups_of(found)) == {"a", "'unknown'", "unknown"}


def test_products_of_columns() -> None:
    """Two columns make a product; a combination with any missing part is unknown."""
    frame = rows_of(("a", 40, 5, 5, 40), ("b", 30, 5, 15, 40), (None, 30, 5, 15, 40))
    frame["h"] = np.where(np.arange(len(frame)) % 2 == 0, "x", "y")
    frame.loc[frame.index[:3], "h"] = None
    found = ask(fairness.demographic_parity_difference, frame, by=["g", "h"], min_group=20)
    table = groups_of(found)
    assert set(table) == {"a, x", "a, y", "b, x", "b, y", "a, unknown", "unknown, x", "unknown, y"}
    assert {name for name, one in table.items() if one.judged} == {"a, x", "a, y", "b, x", "b, y"}
    assert table["a, x"].group == {"g": "a", "h": "x"}
    assert len(found.comparisons) == 6


def test_small_groups_give_their_reason_and_share() -> None:
    """A group under min_group is listed, and the judged share says how much is left."""
    frame = rows_of(("a", 40, 5, 5, 40), ("b", 30, 5, 15, 40), ("c", 3, 3, 3, 3))
    found = ask(fairness.accuracy_gap, frame, min_group=30)
    small = groups_of(found)["c"]
    assert (small.judged, small.reason, small.value) == (False, "12 rows, fewer than min_group 30", 0.5)
    assert found.n == 180
    assert found.judged_share == pytest.approx(180 / 192)
    assert found.value_all == pytest.approx(80 / 90 - 0.5)


@pytest.mark.parametrize(
    "measure", [measure for measure, _, _ in DIFFERENCES.values()], ids=lambda one: one.id
)
def test_fewer_than_two_judged_groups_are_not_measured(measure: Measure) -> None:
    """One judged group is no comparison; the groups are listed, and value_all is given where defined."""
    frame = rows_of(("a", 40, 15, 15, 40), ("b", 3, 1, 1, 3))
    found = ask(measure, frame, min_group=30)
    assert found.value is None
    assert found.reason is not None
    assert (
        "1 group of 2 can be judged, and a comparison needs 2 (b: 8 rows, fewer than min_group 30)"
        in found.reason
    )
    assert len(groups_of(found)) == 2
    assert found.value_all is not None


@pytest.mark.parametrize(
    "measure", [measure for measure, _, _ in DIFFERENCES.values()], ids=lambda one: one.id
)
def test_tables_that_nothing_can_be_said_of(measure: Measure) -> None:
    """No rows, one group, only missing protected values: not measured, whatever the measure."""
    empty = rows_of(("a", 40, 15, 15, 40)).iloc[:0]
    assert ask(measure, empty).reason == "the table has no rows"
    one_group = ask(measure, rows_of(("a", 40, 15, 15, 40)))
    assert (one_group.value, one_group.value_all, len(groups_of(one_group))) == (None, None, 1)
    unknown = ask(measure, rows_of((None, 40, 15, 15, 40)))
    assert (unknown.value, unknown.judged_share) == (None, 0.0)
    assert "protected value missing" in (unknown.reason or "")


@pytest.mark.parametrize("measure", [fairness.demographic_parity_ratio, fairness.impact_ratio])
def test_a_ratio_over_zero_is_not_measured(measure: Measure) -> None:
    """When no group has a single positive prediction there is no ratio."""
    found = ask(measure, rows_of(("a", 0, 0, 40, 40), ("b", 0, 0, 40, 40)))
    assert (found.value, found.value_all) == (None, None)
    assert found.reason == "the selection rate is 0 in every judged group: a ratio over zero"


def test_a_ratio_of_zero_is_measured() -> None:
    """One group without positive predictions has ratio 0; two of them are not compared with each other."""
    frame = rows_of(("a", 20, 20, 20, 20), ("b", 0, 0, 40, 40), ("c", 0, 0, 40, 40))
    found = ask(fairness.demographic_parity_ratio, frame)
    assert found.value == 0
    assert {one.name for one in found.comparisons} == {"b / a", "c / a"}
    assert bounds(found, 0.9)[0] == 0


def test_more_than_two_hundred_groups_want_bins() -> None:
    """A column with 201 values is not judged; the message says what to do."""
    frame = pd.DataFrame({"label": 1, "prediction": 1, "g": range(201)})
    found = ask(fairness.demographic_parity_difference, frame)
    assert found.reason == "201 groups by 'g', more than 200: bin it"
    assert found.groups == ()


@pytest.mark.parametrize("measure", [fairness.equalized_odds_difference, fairness.equalized_odds_ratio])
def test_two_hundred_groups_are_all_compared(measure: Measure) -> None:
    """All 2 x 19,900 pairs are claims; the bounds of a pair are computed when they are asked for."""
    numbers = np.random.default_rng(0).integers(30, 60, size=(200, 4))
    frame = rows_of(*((f"g{i}", int(a), int(b), int(c), int(d)) for i, (a, b, c, d) in enumerate(numbers)))
    cells = cells_of(frame, ("label", "prediction"), BY)
    found = ask(measure, frame, cells=cells, min_group=30)
    assert len(found.comparisons) == 2 * 19_900


def test_all_pairs_and_not_one_reference() -> None:
    """Groups .08 above and .08 below the largest are .16 apart, and the pair that decides says so."""
    frame = rows_of(("largest", 500, 0, 500, 0), ("low", 42, 0, 58, 0), ("high", 58, 0, 42, 0))
    found = ask(fairness.demographic_parity_difference, frame, min_group=30)
    assert found.value == pytest.approx(0.16)
    widest = max(found.comparisons, key=lambda one: one.value)
    assert widest.name == "high - low"
    assert widest.groups == ({"g": "high"}, {"g": "low"})
    assert bounds(found, 0.9) == bounds(widest, 0.9)


def test_the_impact_ratio_is_of_the_outcome_that_people_want() -> None:
    """With a favourable negative label the rate is that of negative predictions."""
    frame = rows_of(("a", 20, 0, 80, 0), ("b", 60, 0, 40, 0))
    assert ask(fairness.impact_ratio, frame, favourable="positive").value == pytest.approx(20 / 60)
    found = ask(fairness.impact_ratio, frame, favourable="negative")
    assert found.value == pytest.approx(40 / 80)
    assert {one.rate for one in found.groups} == {"unselected_rate", "impact_ratio"}
    (only,) = found.comparisons
    assert (only.name, only.groups) == ("b / a (best)", ({"g": "b"},))


def test_of_equally_good_groups_the_larger_is_the_reference() -> None:
    """Who the reference is depends on rate and rows, never on the name."""
    frame = rows_of(("a", 20, 0, 20, 0), ("z", 40, 0, 40, 0), ("m", 10, 0, 30, 0))
    found = ask(fairness.impact_ratio, frame)
    assert {one.name for one in found.comparisons} == {"a / z (best)", "m / z (best)"}


def test_the_worst_group_of_each_rate() -> None:
    """The lowest of a good rate and the highest of a bad one, each group being a claim of its own."""
    frame = rows_of(("a", 30, 10, 10, 50), ("b", 20, 10, 20, 50), ("c", 35, 20, 5, 40))
    assert ask(fairness.WorstGroup, frame, metric="recall").value == pytest.approx(20 / 40)
    assert ask(fairness.WorstGroup, frame, metric="specificity").value == pytest.approx(40 / 60)
    assert ask(fairness.WorstGroup, frame, metric="precision").value == pytest.approx(35 / 55)
    assert ask(fairness.WorstGroup, frame, metric="npv").value == pytest.approx(50 / 70)
    found = ask(fairness.WorstGroup, frame, metric="accuracy")
    assert found.value == pytest.approx(0.7)
    assert [(one.name, one.groups) for one in found.comparisons] == [
        ("a", ({"g": "a"},)),
        ("b", ({"g": "b"},)),
        ("c", ({"g": "c"},)),
    ]
    for metric, due in (
        ("error_rate", 0.3),
        ("false_positive_rate", 20 / 60),
        ("false_negative_rate", 0.5),
        ("false_discovery_rate", 20 / 55),
        ("false_omission_rate", 20 / 70),
    ):
        assert ask(fairness.WorstGroupError, frame, metric=metric).value == pytest.approx(due)


@st.composite
def scored(draw: st.DrawFn) -> pd.DataFrame:
    """Draw scored rows with ties, of up to three groups."""
    row = st.tuples(
        st.integers(0, 1),
        st.integers(0, 8).map(lambda i: i / 8),
        st.sampled_from("abc"),
        st.sampled_from([0.5, 1.0, 3.0]),
    )
    return pd.DataFrame(draw(st.lists(row, min_size=2, max_size=50)), columns=["label", "score", "g", "w"])


@settings(max_examples=few(50), deadline=None)
@given(table=scored())
def test_group_auc_is_scikit_learns(table: pd.DataFrame) -> None:
    """The worst group's AUC, and every group's, on the rows with their weights."""
    found = ask(fairness.group_auc, table, weight="w")
    due = {
        group: sk.roc_auc_score(part["label"], part["score"], sample_weight=part["w"])
        for group, part in table.groupby("g")
        if part["label"].nunique() == 2
    }
    assert {
        name: one.value for name, one in groups_of(found).items() if one.value is not None
    } == pytest.approx(due, rel=1e-12, abs=1e-12)
    if len(due) < 2:
        assert found.value is None
    else:
        assert found.value == pytest.approx(min(due.values()), rel=1e-12, abs=1e-12)
        assert bounds(found, 0.9)[0] < bounds(found, 0.9)[1]


@settings(max_examples=few(50), deadline=None)
@given(table=scored())
def test_calibration_by_group_is_the_gap_of_means(table: pd.DataFrame) -> None:
    """The largest distance between the weighted means of label and score within a group."""
    assume(len(set(table["g"])) > 1)
    found = ask(fairness.calibration_by_group, table, weight="w")
    due = {
        group: float(np.average(part["label"] - part["score"], weights=part["w"]))
        for group, part in table.groupby("g")
    }
    assert found.value == pytest.approx(max(map(abs, due.values())), rel=1e-9, abs=1e-12)
    for name, line in groups_of(found).items():
        assert line.value == pytest.approx(abs(due[name]), rel=1e-9, abs=1e-12)
        assert line.numerator == pytest.approx(due[name] * (line.denominator or 0), rel=1e-9, abs=1e-9)
        if line.interval is not None:
            low, high = bounds(line, 0.9)
            assert low <= abs(due[name]) + 1e-9
            assert high >= abs(due[name]) - 1e-9
            assert high >= -low - 1e-12


def test_group_auc_judges_groups_with_enough_of_both_classes() -> None:
    """Forty rows with two positives have an AUC, and are not judged by it."""
    rng = np.random.default_rng(1)
    parts = [("a", 60, 60), ("b", 60, 60), ("c", 2, 40), ("d", 0, 40)]
    frame = pd.DataFrame(
        [
            (label, float(np.clip(rng.normal(0.4 + 0.2 * label, 0.2), 0, 1)), group)
            for group, positives, negatives in parts
            for label, count in ((1, positives), (0, negatives))
            for _ in range(count)
        ],
        columns=["label", "score", "g"],
    )
    found = ask(fairness.group_auc, frame, min_group=30)
    table = groups_of(found)
    assert {name for name, one in table.items() if one.judged} == {"a", "b"}
    assert table["c"].reason == "2 positives, fewer than min_group 30"
    assert (table["d"].value, table["d"].reason) == (None, "no positives: the AUC is not defined")
    assert found.value == min(one.value for one in table.values() if one.judged and one.value)


def test_calibration_reaches_as_far_as_either_side_could() -> None:
    """A group a little below its scores could as well be above them: the upper bound says how far."""
    frame = pd.DataFrame({"label": [0, 1] * 50 + [0, 0, 1, 1] * 10, "score": [0.51] * 100 + [0.5] * 40})
    frame["g"] = ["a"] * 100 + ["b"] * 40
    found = ask(fairness.calibration_by_group, frame, min_group=30)
    assert found.value == pytest.approx(0.01)
    low, high = bounds(groups_of(found)["a"], 0.9)
    assert high > 0.08
    assert low < 0
    assert groups_of(found)["a"].numerator == pytest.approx(-1)


def test_scores_outside_the_unit_interval_are_no_probabilities() -> None:
    """COMPAS deciles are not calibrated or uncalibrated, they are no probabilities."""
    frame = pd.DataFrame({"label": [0, 1, 1], "score": [1.0, 7.0, 3.0], "g": ["a", "b", "b"]})
    found = ask(fairness.calibration_by_group, frame)
    assert found.value is None
    assert found.reason == "some scores lie outside [0, 1]: they are no probabilities"


def test_faulty_cells_are_never_looked_at() -> None:
    """A fault of the label is the reason, whatever numbers could be made of the rest."""
    frame = rows_of(("a", 40, 5, 5, 40), ("b", 30, 5, 15, 40))
    cells = cells_of(frame, ("label", "prediction"), BY)
    found = ask(fairness.accuracy_gap, frame, cells=replace(cells, fault="12 of 180 labels are missing"))
    assert (found.value, found.reason) == (None, "12 of 180 labels are missing")


def test_weights_that_sum_to_zero_leave_no_rate() -> None:
    """Rows of weight zero have no rate, however many they are."""
    frame = rows_of(("a", 40, 5, 5, 40), ("b", 30, 5, 15, 40), ("c", 30, 5, 15, 40))
    frame["w"] = np.where(frame["g"] == "c", 0.0, 2.0)
    found = ask(fairness.accuracy_gap, frame, weight="w", min_group=30)
    line = groups_of(found)["c"]
    assert (line.value, line.judged) == (None, False)
    assert line.reason == "the weights of its rows sum to 0: the accuracy has no denominator"
    assert groups_of(found)["a"].denominator == 180


def test_intervals_of_weighted_rates_use_kishs_n() -> None:
    """Unequal weights tell less: the interval is that of fewer rows, the value that of the weights."""
    frame = rows_of(("a", 40, 5, 5, 40), ("b", 30, 5, 15, 40))
    frame["w"] = np.where(np.arange(len(frame)) % 3 == 0, 8.0, 1.0)
    plain, weighted = ask(fairness.accuracy_gap, frame), ask(fairness.accuracy_gap, frame, weight="w")

    def width(of: GroupEstimate) -> float:
        low, high = bounds(of, 0.9)
        return high - low

    assert width(groups_of(weighted)["a"]) > 1.3 * width(groups_of(plain)["a"])


def test_average_odds_of_three_groups() -> None:
    """Each gap is between the groups that are farthest apart in it, and the claim is one, of both."""
    frame = rows_of(("a", 80, 20, 20, 80), ("b", 40, 20, 60, 80), ("c", 80, 60, 20, 40))
    found = ask(fairness.average_odds_gap, frame, min_group=30)
    assert found.value == pytest.approx((0.4 + 0.4) / 2)
    assert found.comparisons == ()
    assert found.interval is not None
    assert found.interval.method == "mover"
    odds = ask(fairness.equalized_odds_difference, frame, min_group=30)
    pairs = [bounds(one, 0.9) for one in odds.comparisons]
    _, high = bounds(found, 0.9)
    true = [
        one[1] - 0.4
        for one, claim in zip(pairs, odds.comparisons, strict=True)
        if claim.name.startswith("true")
    ]
    false = [
        one[1] - 0.4
        for one, claim in zip(pairs, odds.comparisons, strict=True)
        if claim.name.startswith("false")
    ]
    assert high == pytest.approx(0.4 + math.hypot(max(true), max(false)) / 2)


def test_two_groups_need_no_correction() -> None:
    """With one pair the lower bound is the pair's own; with three groups it gives way to picking one."""
    two = rows_of(("a", 80, 20, 20, 80), ("b", 40, 20, 60, 80))
    three = rows_of(("a", 80, 20, 20, 80), ("b", 40, 20, 60, 80), ("c", 60, 20, 40, 80))
    low, high = bounds(ask(fairness.average_odds_gap, two, min_group=30), 0.9)
    corrected, same = bounds(ask(fairness.average_odds_gap, three, min_group=30), 0.9)
    gap = ask(fairness.equal_opportunity_difference, two, min_group=30)
    assert high - 0.2 >= (bounds(gap, 0.9)[1] - 0.4) / 2
    assert corrected < low
    assert same >= high - 1e-12


def test_charts_show_scores_by_group() -> None:
    """The bars of a group add up to its rows; together there are at most 200, of the judged groups."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"label": rng.integers(0, 2, 3000), "score": rng.random(3000).round(2)})
    frame["g"] = [f"g{number}" for number in rng.integers(0, 30, 3000)]
    frame.loc[frame.index[:5], "g"] = "tiny"
    (chart,) = ask(fairness.group_auc, frame, min_group=30).charts
    assert chart.kind == "score-histogram"
    assert {len(points) for points in chart.data.values()} == {30 * 6}
    assert sorted(set(chart.data["low"])) == pytest.approx([number / 6 for number in range(6)])
    rows = pd.DataFrame(chart.data).groupby("group")["rows"].sum()
    assert rows.to_dict() == frame[frame["g"] != "tiny"]["g"].value_counts().to_dict()
    two = ask(fairness.calibration_by_group, frame[frame["g"].isin(["g1", "g2"])], min_group=30)
    bars = pd.DataFrame(two.charts[0].data)
    part = frame[(frame["g"] == "g1") & (frame["score"] >= 0.95)]
    assert bars[(bars["group"] == "g1") & (bars["low"] >= 0.949)]["rows"].sum() == len(part)


def test_accuracy_of_several_classes_asks_for_the_class() -> None:
    """Without a view the label is a place among the classes; right is only what is exactly right."""
    frame = pd.DataFrame({"label": [0, 1, 2, 2] * 20 + [0, 1, 2, 2] * 20, "g": ["a"] * 80 + ["b"] * 80})
    frame["prediction"] = [0, 1, 2, 1] * 20 + [0, 2, 1, 1] * 20
    found = ask(fairness.accuracy_gap, frame, min_group=30, task="multiclass")
    assert found.value == pytest.approx(0.75 - 0.25)
    assert ask(fairness.WorstGroup, frame, task="multiclass").value == 0.25
    assert ask(fairness.WorstGroupError, frame, task="multiclass").value == 0.75


@pytest.mark.parametrize(
    ("metric", "view"), [("accuracy", None), ("recall", "favourable"), ("npv", "favourable")]
)
def test_other_rates_of_several_classes_ask_for_the_favourable_ones(metric: str, view: str | None) -> None:
    """A recall is of two outcomes: those that people want, and the others."""
    params = {"judging": Judging(by=BY, min_group=1, judge_unknown=False), "metric": metric}
    (planned,) = fairness.WorstGroup.plan(params, Columns(names=(), types={}, task="multiclass"))
    assert isinstance(planned, Counts)
    assert planned.view == view
