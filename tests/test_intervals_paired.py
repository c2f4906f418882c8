"""Two models on the same rows: published values, direct computations, and laws that intervals keep."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from mlgate.estimates import Interval
from mlgate.intervals.auc import delong
from mlgate.intervals.paired import (
    GainsAndLosses,
    PairedProportions,
    deal,
    gains_and_losses,
    jackknife,
    linearised,
    mcnemar,
    paired_proportions,
)
from mlgate.intervals.paired_areas import paired_areas
from mlgate.intervals.proportions import Clustered
from mlgate.intervals.recorded import RecordedPart

COUNT = st.integers(0, 40)
LEVELS = (0.5, 0.8, 0.9, 0.95, 0.999)


def keeps_the_laws(interval: Interval, value: float) -> None:
    """Bounds are finite, hold the value, are apart, reach further the surer, and closer with more rows."""
    before = (value, value)
    for level in LEVELS:
        low, high = interval.at(level)
        assert math.isfinite(low)
        assert math.isfinite(high)
        assert low < high
        assert low <= before[0] + 1e-12
        assert before[1] <= high + 1e-12
        before = (low, high)
    low, high = interval.at(0.9)
    narrower = interval.grown(4.0).at(0.9)
    assert narrower[1] - narrower[0] <= (high - low) * (1.0 + 1e-12)


@pytest.mark.parametrize(
    ("counts", "bounds"),
    [
        ((36, 12, 2, 0), (0.0569, 0.3404)),
        ((20, 12, 2, 16), (0.0562, 0.3292)),
        ((18, 12, 2, 18), (0.0562, 0.3290)),
        ((54, 0, 0, 0), (-0.0664, 0.0664)),
        ((0, 30, 0, 0), (0.8395, 1.0000)),
    ],
)
def test_newcombe_is_as_published(counts: tuple[int, ...], bounds: tuple[float, float]) -> None:
    """Examples of Newcombe 1998 (Statistics in Medicine 17, pages 2635 to 2650), method 10, at 95 %."""
    both, first, second, neither = counts
    found = PairedProportions(both=both, first=first, second=second, neither=neither).at(0.95)
    assert found == pytest.approx(bounds, abs=6e-5)


@given(COUNT, COUNT, COUNT, COUNT)
def test_paired_shares_keep_the_laws(e: int, f: int, g: int, h: int) -> None:
    """Whatever the counts; and the other way round it is its own mirror image."""
    assume(e + f + g + h)
    found = PairedProportions(both=e, first=f, second=g, neither=h)
    keeps_the_laws(found, found.value)
    other = PairedProportions(both=e, first=g, second=f, neither=h)
    low, high = found.at(0.9)
    assert other.at(0.9) == pytest.approx((-high, -low), abs=1e-12)
    assert low >= -1.0
    assert high <= 1.0


def test_mcnemar_is_as_published() -> None:
    """The table [[101, 121], [59, 33]], as statsmodels has it."""
    assert mcnemar(121, 59, exact=True).p == pytest.approx(4.4344492637555101e-06, rel=1e-12)
    found = mcnemar(121, 59)
    assert not found.exact
    assert found.statistic == pytest.approx(20.672222222222221, rel=1e-14)
    assert found.p == pytest.approx(float(stats.chi2.sf(20.672222222222221, 1)), rel=1e-9)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_binomial_test(first: int, second: int) -> None:
    """Exact below 25 discordant rows; then chi-squared with the correction."""
    found = mcnemar(first, second)
    assert found.exact == (first + second < 25)
    if found.exact:
        wanted = stats.binomtest(first, first + second, 0.5).pvalue if first + second else 1.0
    else:
        statistic = max(abs(first - second) - 1, 0) ** 2 / (first + second)
        wanted = stats.chi2.sf(statistic, 1)
    assert found.p == pytest.approx(float(wanted), rel=1e-9, abs=1e-300)


ROWS = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.integers(1, 9), st.integers(0, 5)), min_size=2, max_size=40
)


@given(ROWS, st.booleans())
def test_multiplying_weights_changes_nothing(rows: Any, clustered: bool) -> None:
    """By 7; and rows that are clusters of their own are rows."""
    first, second, w, cluster = (np.array(one) for one in zip(*rows, strict=True))
    every, weight = np.ones(len(w), dtype=bool), w.astype(float)
    code = cluster if clustered else None
    found = paired_proportions(first, second, every, weight, weight**2, clusters=code)
    again = paired_proportions(first, second, every, 7 * weight, 49 * weight**2, clusters=code)
    if found is None:
        assert again is None
        return
    assert again is not None
    assert again.at(0.9) == pytest.approx(found.at(0.9), abs=1e-9)
    keeps_the_laws(found, found.value)


@given(ROWS)
def test_clusters_never_narrow_paired_shares(rows: Any) -> None:
    """Whoever names the clusters cannot make more of the rows than there is."""
    first, second, _, cluster = (np.array(one) for one in zip(*rows, strict=True))
    ones, every = np.ones(len(first)), np.ones(len(first), dtype=bool)
    alone = paired_proportions(first, second, every, ones, ones)
    found = paired_proportions(first, second, every, ones, ones, clusters=cluster)
    assert alone is not None
    assert isinstance(found, Clustered) == (len(set(cluster.tolist())) > 1)
    if isinstance(found, Clustered) and isinstance(found.part, PairedProportions):
        assert isinstance(alone, PairedProportions)
        assert found.part.n <= alone.n * (1.0 + 1e-9)


def placements_by_hand(score: Any, label: Any) -> Any:
    """Return the kernel of every positive with every negative."""
    above = score[label == 1][:, None] - score[label == 0][None, :]
    return (above > 0) + 0.5 * (above == 0)


TIED = st.lists(
    st.tuples(st.booleans(), st.integers(0, 4), st.integers(0, 4)), min_size=6, max_size=40
).filter(lambda rows: 2 <= sum(one[0] for one in rows) <= len(rows) - 2)


@given(TIED)
def test_paired_areas_are_the_u_statistic(rows: Any) -> None:
    """DeLong's covariance of both areas, directly from every pair, whatever the ties."""
    label, first, second = (np.array(one, dtype=float) for one in zip(*rows, strict=True))
    ones = np.ones(len(label))
    found = paired_areas(first, second, label, ones, ones)
    assert found is not None
    kernels = [placements_by_hand(score, label) for score in (first, second)]
    m, n = kernels[0].shape
    wanted = (
        np.cov([one.mean(axis=1) for one in kernels]) / m + np.cov([one.mean(axis=0) for one in kernels]) / n
    )
    assert found.covariance == pytest.approx(wanted, abs=1e-12)
    assert [found.first.auc, found.second.auc] == pytest.approx([one.mean() for one in kernels], abs=1e-12)
    difference = found.difference
    if difference is not None:
        keeps_the_laws(difference, difference.value)
        mirrored = paired_areas(second, first, label, ones, ones)
        assert mirrored is not None
        assert mirrored.difference is not None
        low, high = difference.at(0.9)
        assert mirrored.difference.at(0.9) == pytest.approx((-high, -low), abs=1e-12)


@given(TIED, st.integers(0, 9))
def test_counts_of_cells_are_repeated_rows(rows: Any, seed: int) -> None:
    """A cell of three rows is the row three times."""
    label, first, second = (np.array(one, dtype=float) for one in zip(*rows, strict=True))
    n = np.random.default_rng(seed).integers(1, 4, len(label))
    found = paired_areas(first, second, label, n, n)
    often = [np.repeat(one, n) for one in (first, second, label, np.ones(len(label)))]
    wanted = paired_areas(often[0], often[1], often[2], often[3], often[3])
    assert found is not None
    assert wanted is not None
    assert found.covariance == pytest.approx(wanted.covariance, abs=1e-12)


def test_areas_of_clusters_are_no_surer_than_of_rows() -> None:
    """And clusters of rows that are wholly alike are far less sure."""
    rng = np.random.default_rng(3)
    label = np.repeat(rng.random(40) < 0.5, 5).astype(float)
    first, second = (label + np.repeat(rng.normal(size=40), 5) for _ in range(2))
    ones, clusters = np.ones(200), np.arange(200) // 5
    alone, together = (
        paired_areas(first, second, label, ones, ones, clusters=one) for one in (None, clusters)
    )
    assert alone is not None
    assert together is not None
    assert together.variance > 3.0 * alone.variance
    assert alone.first == delong(first, label, ones, ones)


@given(
    st.lists(st.tuples(st.floats(-2, 2), st.booleans(), st.integers(1, 20)), min_size=2, max_size=12),
    st.floats(0.0, 1.0),
)
def test_gains_and_losses_keep_the_laws(cells: Any, largest: float) -> None:
    """Whatever the rows do; the other way round it is its own mirror image."""
    u, differing, n = (np.array(one) for one in zip(*cells, strict=True))
    u = u / n.sum()
    value = float(u @ n)
    found = gains_and_losses(value, u, differing, n, n, largest=largest / n.sum())
    if found is None:
        assert largest == 0.0 or n.sum() < 2
        return
    keeps_the_laws(found, value)
    mirrored = gains_and_losses(-value, -u, differing, n, n, largest=largest / n.sum())
    assert mirrored is not None
    low, high = found.at(0.9)
    assert mirrored.at(0.9) == pytest.approx((-high, -low), abs=1e-12)


def test_rows_that_gain_have_the_bounds_of_rare_events() -> None:
    """One row in 100 gains and none loses: as Wilson has it for rare events, z^2 more could lose."""
    n = np.array([1, 99])
    u = np.array([0.01, -0.01 / 99])
    found = gains_and_losses(0.01, u, np.array([True, False]), n, n)
    assert isinstance(found, GainsAndLosses)
    low, high = found.at(0.9)
    z2 = stats.norm.ppf(0.95) ** 2
    assert low < 0.01 - 0.01 * z2
    assert high > 0.01 * (1 + z2 / 2 + math.sqrt(z2 + z2 * z2 / 4)) * 0.99


def test_dealing_keeps_every_row_and_whole_clusters() -> None:
    """Groups are of equal size, every row is in one, and clusters are not torn."""
    n = np.array([5, 0, 70, 1, 24])
    dealt = deal(n, None, seed=0)
    assert dealt.shape == (40, 5)
    assert (dealt.sum(axis=0) == n).all()
    assert dealt.sum(axis=1).max() - dealt.sum(axis=1).min() <= 1
    assert (deal(n, None, seed=0) == dealt).all()
    assert len(deal(np.array([2, 1]), None, seed=0)) == 3
    clusters = np.array([7, 7, 9, 9, 4])
    dealt = deal(n, clusters, seed=0)
    assert len(dealt) == 3
    assert (dealt.sum(axis=0) == n).all()
    assert all(len(set(clusters[group > 0].tolist())) == 1 for group in dealt)


def test_jackknife_of_a_mean_is_its_variance() -> None:
    """With as many groups as rows it is s^2 / n, whatever the order."""
    values = np.random.default_rng(1).normal(size=30)
    without = [float(np.delete(values, place).mean()) for place in range(30)]
    found = jackknife(float(values.mean()), without)
    assert found is not None
    assert found.variance == pytest.approx(float(values.var(ddof=1)) / 30, rel=1e-12)
    assert jackknife(1.0, [1.0]) is None
    assert jackknife(1.0, [1.0, 1.0]) is None
    assert jackknife(1.0, [1.0, math.nan]) is None
    raised = jackknife(float(values.mean()), without, floor=1.0)
    assert raised is not None
    assert raised.variance == 1.0


def test_linearised_is_the_t_interval_of_a_paired_difference() -> None:
    """As scipy has it, and none where nothing varies."""
    rng = np.random.default_rng(2)
    apart = rng.normal(0.3, 1.0, 50)
    found = linearised(float(apart.mean()), (apart - apart.mean()) / 50, np.ones(50), np.ones(50))
    assert found is not None
    wanted = stats.ttest_1samp(apart, 0.0).confidence_interval(0.9)
    assert found.at(0.9) == pytest.approx((wanted.low, wanted.high), rel=1e-12)
    assert linearised(0.0, np.zeros(50), np.ones(50), np.ones(50)) is None
    assert linearised(0.0, np.full(50, 1e-18), np.ones(50), np.ones(50), scale=1.0) is None


def test_recorded_bounds_come_back_at_their_confidence() -> None:
    """And move with the normal quantile at any other."""
    part = RecordedPart(value=0.8, low=0.75, high=0.83, confidence=0.9)
    assert part.at(0.9) == pytest.approx((0.75, 0.83))
    keeps_the_laws(part, 0.8)
    scale = stats.norm.ppf(0.975) / stats.norm.ppf(0.95)
    assert part.at(0.95) == pytest.approx((0.8 - 0.05 * scale, 0.8 + 0.03 * scale))
