"""Order statistics: the binomial's ranks, on rows and on weighted cells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mlgate.intervals import Clustered
from mlgate.intervals.quantile import OrderStatistics, order_statistics

UNHURRIED = settings(deadline=None)

ROWS = st.lists(st.integers(-30, 30).map(float), min_size=8, max_size=40, unique=True)


def plain(rows: list[float], level: float = 0.5) -> OrderStatistics:
    """Return the interval of rows that weigh one each."""
    values = np.array(rows)
    one = np.ones(len(rows))
    value = float(np.quantile(values, level, method="inverted_cdf"))
    found = order_statistics(value, values, one, one, level=level)
    assert isinstance(found, OrderStatistics)
    return found


@pytest.mark.parametrize(("n", "low", "high"), [(9, 2, 8), (20, 6, 15), (50, 18, 33), (100, 40, 61)])
def test_ranks_of_the_median_are_the_tabled_ones(n: int, low: int, high: int) -> None:
    """95 % two-sided: the ranks in Conover 1999, Practical Nonparametric Statistics, and every such table."""
    assert plain([float(i) for i in range(1, n + 1)]).at(0.95) == (low, high)


@UNHURRIED
@given(ROWS, st.floats(0.2, 0.8), st.floats(0.5, 0.9))
def test_ranks_are_the_tightest_that_hold(rows: list[float], level: float, confidence: float) -> None:
    """Each bound errs with a chance of at most the tail, and one rank nearer would err more often."""
    found, n, tail = plain(rows, level), len(rows), (1.0 - confidence) / 2.0
    try:
        low, high = found.at(confidence)
    except ValueError:
        few = stats.binom.sf(n - 1, n, level) > tail or stats.binom.cdf(0, n, level) > tail
        assert few
        return
    ordered = sorted(rows)
    below, above = ordered.index(low) + 1, ordered.index(high) + 1
    assert stats.binom.cdf(below - 1, n, level) <= tail * (1 + 1e-9)
    assert stats.binom.sf(above - 1, n, level) <= tail * (1 + 1e-9)
    estimate = ordered.index(found.value) + 1
    assert stats.binom.cdf(below, n, level) > tail or below == estimate - 1
    assert stats.binom.sf(above - 2, n, level) > tail or above == estimate + 1


@UNHURRIED
@given(
    st.lists(st.integers(0, 6).map(float), min_size=8, max_size=60).filter(lambda rows: len(set(rows)) > 1)
)
def test_cells_are_the_rows_behind_them(rows: list[float]) -> None:
    """Counts of distinct values give the ranks of the rows, moved to the next value where they tie."""
    values, n = np.unique(rows, return_counts=True)
    value = float(np.median(rows))
    on_cells = order_statistics(value, values, n.astype(float), n.astype(float))
    on_rows = order_statistics(value, np.array(rows), np.ones(len(rows)), np.ones(len(rows)))
    assert on_cells is not None
    assert on_rows is not None
    assert on_cells.at(0.9) == on_rows.at(0.9)
    low, high = on_cells.at(0.9)
    assert low < high
    assert low <= value <= high
    assert low < value or value == min(rows)
    assert value < high or value == max(rows)


@UNHURRIED
@given(st.lists(st.tuples(st.integers(0, 9).map(float), st.floats(0.1, 9)), min_size=10, max_size=40))
def test_the_scale_of_weights_is_nothing(rows: list[tuple[float, float]]) -> None:
    """Seven times every weight changes nothing; bounds are nested."""
    values, w = (np.array(column) for column in zip(*rows, strict=True))
    one, seven = (order_statistics(4.0, values, w * s, (w * s) ** 2, lowest=0.0) for s in (1.0, 7.0))
    if one is None or seven is None:
        assert one is None
        assert seven is None
        return
    try:
        wide, narrow = one.at(0.9), one.at(0.6)
    except ValueError:
        return
    assert seven.at(0.9) == wide
    assert wide[0] <= narrow[0] <= narrow[1] <= wide[1]


def test_too_few_rows_have_no_bound() -> None:
    """All of four rows lie below the median one time in 16: too often for 95 %, on either side."""
    found = plain([1.0, 2.0, 3.0, 4.0])
    with pytest.raises(ValueError, match="too few"):
        found.at(0.9)
    assert found.grown(2.0).at(0.9) == (1.0, 4.0)
    with pytest.raises(ValueError, match="confidence"):
        found.at(1.0)


def test_a_known_end_stands_in_for_the_lower_bound() -> None:
    """An error is at least 0, of however few rows; the upper bound still needs them."""
    values, one = np.arange(1.0, 31.0), np.ones(30)
    found = order_statistics(1.0, values, one, one, level=0.02, lowest=0.0)
    assert found is not None
    assert found.at(0.9)[0] == 0.0


@pytest.mark.parametrize(
    ("values", "w"), [([1.0, 1.0, 1.0], [1, 1, 1]), ([1.0, 2.0], [1, 0]), ([1.0], [5]), ([], [])]
)
def test_what_does_not_vary_has_none(values: list[float], w: list[float]) -> None:
    """One distinct value, one row's worth of weight, or nothing."""
    weights = np.array(w, dtype=float)
    assert order_statistics(1.0, np.array(values), weights, weights**2) is None


def test_copies_within_a_cluster_are_no_new_rows() -> None:
    """Ten copies of each of forty values, each value a cluster: about the interval of forty rows."""
    values = np.random.default_rng(3).normal(size=40)
    median = float(np.median(values))
    alone = order_statistics(median, values, np.ones(40), np.ones(40))
    tens = np.full(40, 10.0)
    together = order_statistics(median, values, tens, tens, clusters=np.arange(40))
    assert alone is not None
    assert isinstance(together, Clustered)
    assert together.method == "order-statistics, clusters"
    low, high = alone.at(0.9)
    ordered = sorted(values)
    near = [ordered.index(a) - ordered.index(b) for a, b in zip(together.at(0.9), (low, high), strict=True)]
    assert max(map(abs, near)) <= 1


def test_one_cluster_has_none() -> None:
    """Nothing is known of how clusters differ."""
    values = np.arange(30.0)
    assert order_statistics(14.5, values, np.ones(30), np.ones(30), clusters=np.zeros(30)) is None


def test_it_covers_as_often_as_it_says() -> None:
    """400 tables of 41 exponential rows: the median is below the lower bound at most about 1 time in 20."""
    rng = np.random.default_rng(11)
    missed = np.zeros(2)
    for _ in range(400):
        low, high = plain(list(rng.exponential(size=41))).at(0.9)
        missed += [low > np.log(2), high < np.log(2)]
    assert (missed <= 400 * 0.05 + 3 * np.sqrt(400 * 0.05 * 0.95)).all()
    assert (missed >= 4).all()
