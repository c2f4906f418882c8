from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from mlgate.intervals import Mapped, Student, function_of_means, mean_of, moments

UNHURRIED = settings(deadline=None)
"""A busy machine is no failure."""

ROWS = st.lists(st.floats(-100, 100).map(lambda x: round(x, 3)), min_size=2, max_size=40)


@UNHURRIED
@given(ROWS, st.floats(0.05, 0.999))
def test_the_mean_of_rows_has_students_interval(rows: list[float], confidence: float) -> None:
    """Cells give scipy's t interval of the rows behind them."""
    assume(np.ptp(rows) > 0.01)
    values, n = np.unique(rows, return_counts=True)
    found = mean_of(values, n, n)
    assert isinstance(found, Student)
    theirs = stats.t.interval(confidence, len(rows) - 1, loc=np.mean(rows), scale=stats.sem(rows))
    assert found.at(confidence) == pytest.approx(theirs, rel=1e-6, abs=1e-6)
    assert found.value == pytest.approx(np.mean(rows), abs=1e-9)


@UNHURRIED
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 10)), min_size=3, max_size=30))
def test_the_scale_of_weights_is_nothing(rows: list[tuple[float, float]]) -> None:
    """Multiplying every weight by 7 changes neither mean nor bounds."""
    values, w = (np.array(column) for column in zip(*rows, strict=True))
    one, seven = moments(values, w, w**2), moments(values, 7 * w, 49 * w**2)
    assert one is not None
    assert seven is not None
    assert seven.means == pytest.approx(one.means)
    assert seven.covariance == pytest.approx(one.covariance, rel=1e-9, abs=1e-15)
    assert seven.n == pytest.approx(one.n)


def test_equal_values_in_a_range_are_as_uncertain_as_a_proportion() -> None:
    """A squared error that is 0 in all 1000 rows may still be one in 1000: never [0, 0]."""
    found = mean_of([0.0], [1000], [1000], lowest=0.0, highest=1.0)
    assert isinstance(found, Mapped)
    assert found.method == "clopper-pearson"
    assert found.at(0.9) == pytest.approx((0.0, 1 - 0.05 ** (1 / 1000)))
    found = mean_of([3.0], [10], [10], lowest=2.0, highest=4.0)
    assert isinstance(found, Mapped)
    low, high = found.at(0.9)
    assert 2.0 < low < found.value == 3.0 < high < 4.0
    assert found.grown(100.0).at(0.9)[1] < high


@pytest.mark.parametrize(
    ("values", "w", "highest"),
    [
        ([0.5], [1000], math.inf),
        ([0.1, 0.1], [3, 4], math.inf),
        ([0.5], [1], 1.0),
        ([], [], 1.0),
        ([0.5], [0], 1.0),
        ([math.nan, 0.2], [5, 5], 1.0),
        ([math.inf, 0.2], [5, 5], 1.0),
        ([1e300, -1e300], [5, 5], math.inf),
    ],
)
def test_no_interval_without_variance(values: list[float], w: list[float], highest: float) -> None:
    """One value without a range, one row, nothing, or what is not finite: no interval."""
    assert mean_of(values, w, w, lowest=0.0, highest=highest) is None


def test_bounds_keep_to_the_range() -> None:
    """A mean squared error is never below 0, however few the rows."""
    found = mean_of([0.0, 1.0], [9, 1], [9, 1], lowest=0.0, highest=1.0)
    assert found is not None
    low, high = found.at(0.99)
    assert low == 0.0 < found.value < high < 1.0


def test_functions_of_means_are_delta() -> None:
    """A root mean squared error by the delta method: half the relative error of the mean square."""
    rng = np.random.default_rng(0)
    errors = rng.normal(size=500)
    square = moments(errors**2, np.ones(500), np.ones(500))
    assert square is not None
    rmse = math.sqrt(square.means[0])
    found = function_of_means(rmse, [0.5 / rmse], square.covariance, square.n, lowest=0.0)
    assert found is not None
    assert found.method == "delta"
    expected = stats.sem(errors**2) / (2 * rmse)
    assert math.sqrt(found.variance) == pytest.approx(expected)
    assert found.grown(4.0).variance == pytest.approx(found.variance / 4)


def test_functions_of_means_refuse_what_has_no_variance() -> None:
    """A gradient of zero or a covariance that is not finite gives no interval."""
    assert function_of_means(1.0, [0.0], [[0.1]], 10) is None
    assert function_of_means(1.0, [1.0], [[math.nan]], 10) is None
    assert function_of_means(math.inf, [1.0], [[0.1]], 10) is None
    assert function_of_means(1.0, [1.0], [[0.1]], 1.0) is None


def test_the_covariance_of_two_means() -> None:
    """Two quantities over the same rows have numpy's covariance, divided by the rows."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=(2, 60))
    found = moments(values, np.ones(60), np.ones(60))
    assert found is not None
    assert found.covariance == pytest.approx(np.cov(values) / 60)
    assert found.n == pytest.approx(60)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-5, 5), st.floats(0.1, 10), st.integers(0, 4)), min_size=4, max_size=25
    ).filter(lambda rows: len({cluster for *_, cluster in rows}) > 1)
)
def test_a_mean_of_clusters_has_the_variance_of_a_ratio(rows: list[tuple[float, float, int]]) -> None:
    """Cochran 1977, a ratio of cluster totals: C / (C - 1) times the squared sums of what each is off by.

    But no less than for independent rows, unless it is none.
    """
    value, w, cluster = (np.array(column) for column in zip(*rows, strict=True))
    found = moments(value, w, w**2, cluster)
    assert found is not None
    mean = float(value @ w / w.sum())
    names = set(cluster.tolist())
    off = [float((w * (value - mean))[cluster == one].sum()) / w.sum() for one in names]
    expected = len(names) / (len(names) - 1) * sum(x * x for x in off)
    rows = float((((value - mean) * w / w.sum()) ** 2).sum())
    expected = max(expected, rows) if expected > 1e-20 * rows else expected
    assert found.means[0] == pytest.approx(mean, abs=1e-12)
    assert found.covariance[0, 0] == pytest.approx(expected, rel=1e-9, abs=1e-15)
    assert found.n <= len(names) + 1e-9


def test_a_mean_of_one_cluster_has_no_interval() -> None:
    """However many rows it has; and equal clusters in a range are as uncertain as so many rows."""
    ones = np.ones(40)
    value = np.tile([0.2, 0.4], 20)
    assert mean_of(value, ones, ones, clusters=np.zeros(40), lowest=0.0, highest=1.0) is None
    found = mean_of(value, ones, ones, clusters=np.arange(40) // 10, lowest=0.0, highest=1.0)
    assert found is not None
    low, high = found.at(0.9)
    assert high - low > 0.4
