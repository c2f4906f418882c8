"""Errors of a regression: equal to scikit-learn on the rows, and never sure of what cannot be known."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

from mlgate.measures import Measure, regression
from tests.measures.number_rows import PAIRS, ask, bounds, cells_of, pairs

MEASURES: Mapping[str, Measure] = {
    found.id.removeprefix("performance."): found
    for found in vars(regression).values()
    if isinstance(found, Measure)
}

ORACLES: Mapping[str, Callable[..., Any]] = {
    "mae": sk.mean_absolute_error,
    "mape": sk.mean_absolute_percentage_error,
    "max_error": lambda y, p, **_: sk.max_error(y, p),
    "mean_error": lambda y, p, sample_weight=None: np.average(p - y, weights=sample_weight),
    "median_absolute_error": sk.median_absolute_error,
    "r2": sk.r2_score,
    "rmse": sk.root_mean_squared_error,
}

UNHURRIED = settings(deadline=None, max_examples=40)

every = pytest.mark.parametrize("name", sorted(MEASURES))
every_estimate = pytest.mark.parametrize("name", sorted(set(MEASURES) - {"max_error"}))

RNG = np.random.default_rng(7)
LABEL = RNG.gamma(3.0, 10.0, 200) + 1.0
GOOD = pairs(LABEL, LABEL + RNG.normal(0.0, 4.0, 200))
"""Two hundred rows of a decent model."""


def defined(name: str, rows: pd.DataFrame) -> bool:
    """Whether the metric exists on these rows."""
    if name == "mape":
        return bool((rows["label"] != 0).all())
    return name != "r2" or rows["label"].min() < rows["label"].max()


def test_every_measure_has_an_oracle() -> None:
    """None is left out of what is compared here."""
    assert set(MEASURES) == set(ORACLES)


@every
@UNHURRIED
@given(rows=PAIRS, weighted=st.booleans())
def test_values_are_those_of_scikit_learn_on_the_rows(name: str, rows: pd.DataFrame, weighted: bool) -> None:
    """For any rows, with and without weights, duplicates or not."""
    found = ask(MEASURES[name], rows, weighted=weighted)
    if not defined(name, rows):
        assert found.value is None
        assert found.reason
        return
    weights = {"sample_weight": rows["w"]} if weighted else {}
    assert found.value == pytest.approx(ORACLES[name](rows["label"], rows["prediction"], **weights), rel=1e-9)
    assert found.n == len(rows)


@every
@UNHURRIED
@given(rows=PAIRS, clustered=st.booleans())
def test_every_interval_holds_its_value_and_has_a_width(
    name: str, rows: pd.DataFrame, clustered: bool
) -> None:
    """At every confidence, wider at a higher one, narrower with more rows; or a reason why there is none."""
    found = ask(MEASURES[name], rows, clustered=clustered and name != "max_error")
    if found.interval is None:
        assert found.reason or name == "max_error"
        return
    try:
        narrow, wide = bounds(found, 0.8), bounds(found, 0.95)
    except ValueError as error:
        assert name == "median_absolute_error"
        assert "too few" in str(error)  # noqa: PT017  what is tested is either
        return
    assert wide[0] <= narrow[0] <= narrow[1] <= wide[1]
    low, high = found.interval.grown(9.0).at(0.9)
    assert high - low <= (wide[1] - wide[0]) * (1 + 1e-9)


@every_estimate
@UNHURRIED
@given(rows=PAIRS)
def test_seven_times_the_weights_change_nothing(name: str, rows: pd.DataFrame) -> None:
    """Weights have no unit."""
    one, seven = (ask(MEASURES[name], rows.assign(w=rows["w"] * factor)) for factor in (1.0, 7.0))
    assert (one.value is None) == (seven.value is None)
    if one.value is None or one.interval is None:
        assert seven.interval is None
        return
    assert seven.value == pytest.approx(one.value, rel=1e-9)
    assert seven.interval is not None
    assert found_bounds(seven) == pytest.approx(found_bounds(one), rel=1e-6, abs=1e-9)


def found_bounds(estimate: Any) -> tuple[float, float]:
    """Return the bounds, or NaN where there are too few rows for any."""
    try:
        low, high = estimate.interval.at(0.9)
    except ValueError:
        return -1.0, -1.0
    return low, high


@every_estimate
def test_rows_that_are_each_a_cluster_are_independent(name: str) -> None:
    """With one row a cluster, clusters say nothing new."""
    alone, together = ask(MEASURES[name], GOOD), ask(MEASURES[name], GOOD, clustered=True)
    assert together.value == pytest.approx(alone.value, rel=1e-12)
    assert bounds(together) == pytest.approx(bounds(alone), rel=1e-3)
    assert together.interval is not None
    assert together.interval.method.endswith(", clusters")


@every_estimate
def test_copies_of_a_row_in_one_cluster_are_no_new_rows(name: str) -> None:
    """Four copies of each row, each row's copies in one cluster: the interval of the rows themselves."""
    fourfold = pd.concat([GOOD] * 4)
    alone, together = ask(MEASURES[name], GOOD), ask(MEASURES[name], fourfold, clustered=True)
    naive = ask(MEASURES[name], fourfold)
    width, widths, narrow = (bounds(one)[1] - bounds(one)[0] for one in (alone, together, naive))
    assert widths == pytest.approx(width, rel=0.02)
    assert narrow == pytest.approx(width / 2.0, rel=0.2)


@every_estimate
def test_rows_doubled_narrow_by_the_root_of_two(name: str) -> None:
    """`grown` says what twice the rows do."""
    once, twice = ask(MEASURES[name], GOOD), ask(MEASURES[name], pd.concat([GOOD] * 2))
    assert once.interval is not None
    low, high = bounds(once)
    expected = bounds(twice)
    assert expected[1] - expected[0] == pytest.approx((high - low) / math.sqrt(2.0), rel=0.15)
    assert once.interval.grown(2.0).at(0.9) == pytest.approx(expected, rel=1e-3)


def test_the_mean_of_errors_has_students_interval() -> None:
    """As scipy has it, for the errors and for their sizes."""
    error = GOOD["prediction"] - GOOD["label"]
    for name, values in (("mean_error", error), ("mae", error.abs()), ("mape", error.abs() / GOOD["label"])):
        theirs = stats.t.interval(0.9, len(values) - 1, loc=values.mean(), scale=stats.sem(values))
        assert bounds(ask(MEASURES[name], GOOD)) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("name", ["rmse", "r2"])
def test_the_delta_method_agrees_with_the_jackknife(name: str) -> None:
    """Leaving out one row at a time gives the same standard error, to within a few per cent."""
    metric = ORACLES[name]
    y, p = GOOD["label"].to_numpy(), GOOD["prediction"].to_numpy()
    without = [metric(np.delete(y, i), np.delete(p, i)) for i in range(len(y))]
    error = math.sqrt((len(y) - 1) * np.var(without))
    low, high = bounds(ask(MEASURES[name], GOOD), 0.6827)
    assert (high - low) / 2.0 == pytest.approx(error, rel=0.05)


@UNHURRIED
@given(rows=PAIRS)
def test_bounds_keep_to_the_range(rows: pd.DataFrame) -> None:
    """No error is negative, and nothing is explained better than wholly."""
    for name in ("mae", "rmse", "mape", "median_absolute_error", "r2"):
        found = ask(MEASURES[name], rows)
        if found.interval is None:
            continue
        try:
            low, high = found.interval.at(0.99)
        except ValueError:
            continue
        assert high <= 1.0 if name == "r2" else low >= 0.0


@every_estimate
def test_a_model_without_an_error_is_not_certain(name: str) -> None:
    """All errors 0: there is a value, and no interval that could pass."""
    found = ask(MEASURES[name], pairs(LABEL, LABEL))
    assert found.value == (1.0 if name == "r2" else 0.0)
    assert found.interval is None
    assert "equally far off" in (found.reason or "")


@every
def test_nothing_is_missing(name: str) -> None:
    """No rows, or none that weighs anything."""
    for rows in (GOOD.iloc[:0], GOOD.iloc[:3].assign(w=0.0)):
        found = ask(MEASURES[name], rows)
        assert found.value is None
        assert "no rows that count" in (found.reason or "")


@every
@pytest.mark.parametrize("role", ["label", "prediction"])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_missing(name: str, role: str, bad: float) -> None:
    """One such value among two hundred is a reason, never a row left out."""
    cells = cells_of(GOOD, ("label", "prediction"))
    cells.roles[role][3] = bad
    found = MEASURES[name].implementation(cells)  # type: ignore[operator]
    assert found.value is None
    assert role in (found.reason or "")


@every
def test_errors_past_all_numbers_are_missing(name: str) -> None:
    """1.7e308 - -1.7e308 is no number; neither is the mean of squares of 1e200, nor the sum of 1e308s."""
    found = ask(MEASURES[name], pairs([1.7e308, 1.0], [-1.7e308, 1.5]))
    assert found.value is None
    assert "too large" in (found.reason or "")
    for size in (1e200, 1.0e308):
        found = ask(MEASURES[name], pairs([1.0, 2.0, 3.0, 4.0], [size, size / 2, size / 3, 1.0]))
        assert found.value is None or math.isfinite(found.value)
        assert found.value is not None or found.reason


@every_estimate
def test_one_row_or_one_cluster_has_no_interval(name: str) -> None:
    """Nothing is known of spread."""
    one = ask(MEASURES[name], GOOD.iloc[:1])
    assert one.interval is None
    assert one.reason
    found = ask(MEASURES[name], GOOD.assign(cluster=4), clustered=True)
    assert found.value is not None
    assert found.interval is None
    assert "cluster" in (found.reason or "")


def test_a_label_of_zero_has_no_percentage() -> None:
    """Where scikit-learn says 10^15, the reason says how many labels are 0."""
    found = ask(MEASURES["mape"], pairs([0.0, 0.0, 2.0], [1.0, 2.0, 2.5]))
    assert found.value is None
    assert "2 of 3 labels are 0" in (found.reason or "")
    tiny = ask(MEASURES["mape"], pairs([1e-300, 2.0], [1.0, 2.5]))
    assert tiny.value is None


def test_a_weightless_label_of_zero_is_no_matter() -> None:
    """A row of weight 0 is in no metric."""
    rows = pairs([0.0, 2.0, 4.0], [1.0, 2.5, 5.5]).assign(w=[0.0, 1.0, 1.0])
    assert ask(MEASURES["mape"], rows).value == pytest.approx((0.25 + 0.375) / 2)
    assert ask(MEASURES["max_error"], rows).value == 1.5


@pytest.mark.parametrize("value", [0.1, 1e300, 3.0])
def test_equal_labels_explain_nothing(value: float) -> None:
    """Also where their mean is not quite the label, by rounding."""
    found = ask(MEASURES["r2"], pairs([value] * 7, [value * 1.01] * 6 + [value]))
    assert found.value is None
    assert "all labels are equal" in (found.reason or "")


def test_always_saying_the_mean_is_known_to_be_worth_nothing() -> None:
    """R2 is 0 there without any variance to first order, and still has an interval, which holds 0."""
    found = ask(MEASURES["r2"], pairs(LABEL, [LABEL.mean()] * len(LABEL)))
    assert found.value == pytest.approx(0.0, abs=1e-12)
    low, high = bounds(found)
    assert -0.5 < low < 0.0 < high < 0.5


def test_the_median_of_tied_errors_is_not_a_point() -> None:
    """Nine rows in ten are off by exactly 1: the bounds reach to the next errors there are."""
    rows = pairs(np.zeros(100), [0.5] * 5 + [1.0] * 90 + [3.0] * 5)
    assert bounds(ask(MEASURES["median_absolute_error"], rows)) == (0.5, 3.0)


def test_four_rows_are_too_few_for_a_median() -> None:
    """The largest of four is below the median one time in 16."""
    found = ask(MEASURES["median_absolute_error"], pairs([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0]))
    assert found.value == 2.5
    assert found.interval is not None
    with pytest.raises(ValueError, match="too few"):
        found.interval.at(0.9)
    assert found.interval.at(0.8) == (0.0, 4.0) or found.interval.at(0.8)[1] == 4.0


def test_pictures_add_up() -> None:
    """All rows are in the bins, whose edges rise, and the errors between the lines are four fifths."""
    (chart,) = ask(MEASURES["rmse"], GOOD).charts
    assert chart.kind == "residuals"
    data = {name: np.array(series, dtype=float) for name, series in chart.data.items()}
    assert set(data) == {"low", "high", "rows", "mean", "lower", "upper"}
    assert data["rows"].sum() == 200
    assert (np.diff(data["low"]) > 0).all()
    assert (data["lower"] <= data["mean"]).all()
    assert (data["mean"] <= data["upper"]).all()
    error = GOOD["prediction"] - GOOD["label"]
    assert (data["rows"] @ data["mean"]) / 200 == pytest.approx(error.mean())
    (bars,) = ask(MEASURES["mae"], GOOD).charts
    assert bars.kind == "histogram"
    assert sum(float(one or 0.0) for one in bars.data["rows"]) == 200
    theirs, _ = np.histogram(error, bins=40)
    assert np.abs(np.array(bars.data["rows"]) - theirs).sum() <= 2


@UNHURRIED
@given(rows=PAIRS, scale=st.sampled_from([1e-300, 1.0, 1e150]))
def test_pictures_of_anything_are_drawn_or_left_out(rows: pd.DataFrame, scale: float) -> None:
    """Neither ties nor sizes break them; every row is counted once."""
    assume(len(rows) > 1)
    rows = rows.assign(label=rows["label"] * scale, prediction=rows["prediction"] * scale)
    for name in ("mae", "rmse"):
        for chart in ask(MEASURES[name], rows).charts:
            assert sum(float(one or 0) for one in chart.data["rows"]) == len(rows)
            assert len({len(series) for series in chart.data.values()}) == 1
