"""Rows in clusters: variances and shares against identities, a textbook, and simulation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, t

from mlgate.intervals import (
    Clustered,
    DependentSum,
    Exact,
    MoverRatio,
    Newcombe,
    Part,
    Proportion,
    Wilson,
    clustered_share,
    covariances,
    delong,
    difference,
    gap,
    moments,
    proportion,
    ratio,
    rows_behind,
    share_of_variance,
    spread,
    weighted_sum,
)

UNHURRIED = settings(deadline=None)
"""A busy machine is no failure."""

ROW = st.tuples(st.booleans(), st.integers(0, 6), st.floats(0.01, 20.0))
ROWS = st.lists(ROW, min_size=2, max_size=40)


def columns(rows: list[tuple[bool, int, float]]) -> tuple[Any, Any, Any]:
    """Return hits, clusters and weights."""
    hit, cluster, weight = zip(*rows, strict=True)
    return np.array(hit), np.array(cluster), np.array(weight)


def share(hit: Any, w: Any, clusters: Any) -> Proportion:
    """Return the share among all rows."""
    weight = np.asarray(w, dtype=float)
    return clustered_share(hit, np.ones(len(weight), dtype=bool), weight, weight**2, clusters)


def bounds(of: Proportion, confidence: float = 0.9) -> tuple[float, float]:
    """Return the interval, which has to be there."""
    assert of.interval is not None
    return of.interval.at(confidence)


@UNHURRIED
@given(ROWS)
def test_spread_of_a_mean_is_that_of_moments(rows: list[tuple[bool, int, float]]) -> None:
    """The influence of a mean gives the variance of a mean; its clusters' sums are what is squared."""
    hit, cluster, w = columns(rows)
    values = hit + cluster / 7
    influence = (values - np.average(values, weights=w)) / w.sum()
    found = moments(values, w, w**2)
    assert found is not None
    assert spread(influence, w, w**2) == pytest.approx(found.covariance[0, 0], rel=1e-9, abs=1e-15)
    sums = [float((influence * w)[cluster == one].sum()) for one in set(cluster.tolist())]
    within = spread(influence, w, w**2, cluster)
    if len(sums) == 1:
        assert math.isnan(within)
    else:
        expected = len(sums) / (len(sums) - 1) * sum(one**2 for one in sums)
        rows = float(((influence * w) ** 2).sum())
        expected = max(expected, rows) if expected > 1e-20 * rows else expected
        assert within == pytest.approx(expected, rel=1e-9, abs=1e-15)


@UNHURRIED
@given(ROWS, st.integers(0, 99))
def test_a_cell_may_be_split_and_clusters_renumbered(rows: list[tuple[bool, int, float]], seed: int) -> None:
    """Only which rows belong together counts, not how they are counted, ordered or numbered."""
    hit, cluster, w = columns(rows)
    apart = hit - np.average(hit, weights=w)
    order = np.random.default_rng(seed).permutation(len(w))
    one = spread(apart, w, w**2, cluster)
    other = spread(apart[order], w[order], (w**2)[order], 1000 - 13 * cluster[order])
    assert one == pytest.approx(other, rel=1e-9, abs=1e-15, nan_ok=True)
    merged = [
        [float(what[(hit == h) & (cluster == c)].sum()) for what in (w, w**2)]
        for h, c in sorted(set(zip(hit.tolist(), cluster.tolist(), strict=True)))
    ]
    keys = sorted(set(zip(hit.tolist(), cluster.tolist(), strict=True)))
    cells = np.array(merged)
    inside = np.array([h for h, _ in keys]) - np.average(hit, weights=w)
    counted = spread(inside, cells[:, 0], cells[:, 1], [c for _, c in keys])
    assert one == pytest.approx(counted, rel=1e-9, abs=1e-12, nan_ok=True)


def test_covariances_are_those_of_each_pair() -> None:
    """The matrix holds each spread on its diagonal and is what a sum of statistics varies by."""
    rng = np.random.default_rng(3)
    alike = 3.0 * rng.normal(size=(3, 8))[:, np.arange(30) // 4]
    u, w = rng.normal(size=(3, 30)) + alike, rng.uniform(0.5, 2.0, 30)
    for clusters in (None, np.arange(30) // 4):
        found = covariances(u, w, w**2, clusters)
        assert np.diag(found) == pytest.approx([spread(one, w, w**2, clusters) for one in u])
        assert spread(u.sum(axis=0), w, w**2, clusters) == pytest.approx(found.sum())


@pytest.mark.parametrize(
    ("w", "clusters"),
    [([], []), ([1.0], [1]), ([1.0, 1.0], [4, 4]), ([1.0, 0.0], [4, 5]), ([1.0, math.inf], [4, 5])],
)
def test_nothing_known_is_not_zero(w: list[float], clusters: list[int]) -> None:
    """Without rows, of one cluster (one of weight 0 beside it is none), and of infinite ones: NaN."""
    assert math.isnan(spread(np.ones(len(w)), w, np.square(w), clusters))


@pytest.mark.parametrize("w", [[], [1.0], [0.0, 0.0], [math.inf, 1.0]])
def test_nothing_known_of_rows_is_not_zero(w: list[float]) -> None:
    """The same without clusters."""
    assert math.isnan(spread(np.ones(len(w)), w, np.square(w)))


def test_rows_of_their_own_clusters_are_independent() -> None:
    """The effective n is then nearly n: a variance learnt from 40 rows has 39 in its denominator."""
    hit = np.arange(40) < 12
    found = share(hit, np.ones(40), np.arange(40))
    assert found.value == 0.3
    assert 39 < found.kish_n < 40
    assert bounds(found) == pytest.approx(Wilson(0.3 * found.kish_n, found.kish_n).at(0.9))
    assert isinstance(found.interval, Clustered)
    assert found.interval.method == "wilson, clusters"


@UNHURRIED
@given(ROWS, st.integers(2, 50))
def test_copies_within_a_cluster_tell_nothing(rows: list[tuple[bool, int, float]], copies: int) -> None:
    """Each row `copies` times in its cluster: the same effective n, and an interval no narrower."""
    hit, cluster, _ = columns(rows)
    one = share(hit, np.ones(len(hit)), cluster)
    many = share(np.tile(hit, copies), np.ones(len(hit) * copies), np.tile(cluster, copies))
    assert one.value == pytest.approx(many.value)
    assert (one.interval is None) == (many.interval is None) == (len(set(cluster.tolist())) == 1)
    if one.interval is None:
        return
    n, p = len(hit), float(hit.mean())
    if spread((hit - p) / n, np.ones(n), np.ones(n), cluster) < p * (1 - p) / n * (1 + 1e-9):
        return  # no design effect below 1 is believed, and copies do move that
    assert many.kish_n == pytest.approx(one.kish_n)
    low, high = bounds(one)
    lower, higher = bounds(many)
    assert lower <= low + 1e-9
    assert higher >= high - 1e-9


@UNHURRIED
@given(ROWS, st.floats(0.01, 0.999))
def test_clustered_intervals_hold_the_share(rows: list[tuple[bool, int, float]], confidence: float) -> None:
    """Bounds lie in [0, 1] around the share, are two numbers, widen, and ignore the scale of weights."""
    hit, cluster, w = columns(rows)
    found = share(hit, w, cluster)
    assert found.value == pytest.approx(np.average(hit, weights=w))
    assert found.kish_n <= proportion(1, w.sum(), w2_sum=(w**2).sum()).kish_n * (1 + 1e-9)
    for interval in (found.wilson, found.exact, found.interval):
        if interval is None:
            assert len(set(cluster.tolist())) == 1
            continue
        assert isinstance(interval, Part)
        low, high = interval.at(confidence)
        lower, higher = interval.at((1 + confidence) / 2)
        assert 0 <= lower <= low < high <= higher <= 1
        assert low <= interval.value <= high
        assert bounds(share(hit, w * 7, cluster)) == pytest.approx(bounds(found), abs=1e-9)
        nearer, near = interval.grown(9.0).at(confidence)
        assert low - 1e-9 <= nearer < near <= high + 1e-9


def test_degrees_of_freedom_are_those_of_the_clusters() -> None:
    """Korn and Graubard's interval: effective n times (t_{n-1} / t_{C-1})^2, here of Clopper and Pearson's."""
    hit = np.tile([True, False, False, False, True, False], 20)
    found = share(hit, np.ones(120), np.repeat(np.arange(8), 15))
    n = found.kish_n * (t.ppf(0.975, 119) / t.ppf(0.975, 7)) ** 2
    k = n * hit.mean()
    expected = (beta.ppf(0.025, k, n - k + 1), beta.ppf(0.975, k + 1, n - k))
    assert found.exact is not None
    assert found.exact.at(0.95) == pytest.approx(expected, rel=1e-9)


def test_variance_of_a_share_is_that_of_the_textbook() -> None:
    """Of a ratio of cluster totals (Cochran 1977, Sampling Techniques, 3.12), and the effective n follows."""
    hits, sizes = np.array([8, 2, 9, 1, 5, 0]), np.array([10, 10, 12, 8, 10, 5])
    hit = np.concatenate([np.arange(size) < k for k, size in zip(hits, sizes, strict=True)])
    cluster = np.repeat(np.arange(6), sizes)
    p, n = hits.sum() / sizes.sum(), sizes.sum()
    variance = ((hits - p * sizes) ** 2).sum() / 5 / (6 * sizes.mean() ** 2)
    ones = np.ones(n)
    assert spread((hit - p) / n, ones, ones, cluster) == pytest.approx(variance)
    effect, worst = variance * n / (p * (1 - p)), (sizes**2).sum() / n
    five_hold_a_hit = (5 * effect + 2 * worst) / 7
    assert share(hit, ones, cluster).kish_n == pytest.approx(n / five_hold_a_hit)


@pytest.mark.parametrize("hit", [True, False])
def test_all_alike_counts_clusters_not_rows(hit: bool) -> None:
    """All right in 100 rows of five clusters is five right out of five, and less of uneven clusters."""
    even = share(np.full(100, hit), np.ones(100), np.repeat(np.arange(5), 20))
    assert even.kish_n == pytest.approx(5)
    low, high = bounds(even)
    assert (high - low) > 1 - 0.05 ** (1 / 5) - 1e-9
    uneven = share(np.full(100, hit), np.ones(100), np.minimum(np.arange(100) // 1, 4))
    assert uneven.kish_n == pytest.approx(100**2 / (96**2 + 4))
    assert (bounds(uneven)[1] - bounds(uneven)[0]) > high - low


def test_one_cluster_has_a_value_and_no_interval() -> None:
    """How clusters differ cannot be seen in one; without rows there is no value either."""
    one = share(np.arange(9) < 3, np.ones(9), np.zeros(9))
    assert one.value == pytest.approx(1 / 3)
    assert (one.wilson, one.exact, one.interval) == (None, None, None)
    assert difference(one, proportion(1, 2)) is None
    assert gap(one, proportion(1, 2)) is None
    assert ratio(one, proportion(1, 2)) is None
    assert weighted_sum([one, proportion(1, 2)]) is None
    nobody = clustered_share([True], [False], [1.0], [1.0], [1])
    assert (nobody.value, nobody.interval) == (None, None)


def test_without_clusters_it_is_the_plain_share() -> None:
    """None for the clusters is Wilson at Kish's n."""
    w = np.array([1.0, 2.0, 3.0])
    found = clustered_share([True, False, True], [True, True, True], w, w**2, None)
    assert found == proportion(4, 6, w2_sum=14)
    assert isinstance(found.interval, Wilson)


def test_differences_and_sums_can_be_built_of_clustered_shares() -> None:
    """They are parts like any other, and wider than if the rows were independent."""
    cluster = np.repeat(np.arange(10), 10)
    alike = np.repeat(np.arange(10) < 6, 10)
    one, plain = share(alike, np.ones(100), cluster), proportion(60, 100)
    for made, of in ((Newcombe, difference), (MoverRatio, ratio)):
        wide, narrow = of(one, one), of(plain, plain)
        assert isinstance(wide, made)
        assert narrow is not None
        assert wide.value == narrow.value
        assert wide.at(0.9)[1] - wide.at(0.9)[0] > 2 * (narrow.at(0.9)[1] - narrow.at(0.9)[0])


def test_a_quantity_with_a_variance_is_a_share_of_so_many_rows() -> None:
    """The effective n is that of its variance, at least the one it must have; the rows where none is seen."""
    behind = rows_behind(np.ones(50), np.ones(50), np.arange(50) // 5)
    assert (behind.rows, behind.least, behind.clusters, behind.degrees) == (50, 10, 10, 10)
    assert share_of_variance(0.5, 0.01, behind).kish_n == pytest.approx(25)
    assert share_of_variance(0.5, 0.01, behind, least=0.02).kish_n == pytest.approx(12.5)
    assert share_of_variance(0.5, 0.0, behind).kish_n == pytest.approx(50)
    assert share_of_variance(1.0, 0.0, behind).kish_n == pytest.approx(10)
    plain = rows_behind(np.ones(50), np.ones(50))
    assert (plain.least, plain.clusters, plain.degrees) == (50, None, 50)
    assert isinstance(share_of_variance(1.0, 0.0, plain).interval, Exact)


def test_parts_that_go_together_reach_further_but_no_further_than_all_at_once() -> None:
    """Half as much variance more is its square root wider; unknown is the sum of all arms; 1 is MOVER."""
    plain = weighted_sum([proportion(30, 50), proportion(20, 50)])
    assert plain is not None
    low, high = plain.at(0.9)
    assert DependentSum(of=plain).at(0.9) == pytest.approx((low, high))
    low_2, high_2 = DependentSum(of=plain, inflation=1.5).at(0.9)
    assert (0.5 - low_2, high_2 - 0.5) == pytest.approx(
        (math.sqrt(1.5) * (0.5 - low), math.sqrt(1.5) * (high - 0.5))
    )
    parts = [Wilson(30, 50).at(0.9), Wilson(20, 50).at(0.9)]
    together = (sum(one for one, _ in parts) / 2, sum(one for _, one in parts) / 2)
    for inflation in (9.0, math.inf):
        assert DependentSum(of=plain, inflation=inflation).at(0.9) == pytest.approx(together)
    more = DependentSum(of=plain, extra=0.01, n=11)
    reach = math.hypot(high - 0.5, t.ppf(0.95, 10) * 0.1)
    assert more.at(0.9)[1] == pytest.approx(0.5 + reach)
    assert DependentSum(of=plain, extra=4.0, n=11).at(0.9) == (0.0, 1.0)
    nearer = more.grown(100.0).at(0.9)
    assert more.at(0.9)[0] < nearer[0] < nearer[1] < more.at(0.9)[1]


@UNHURRIED
@given(
    st.tuples(st.integers(0, 40), st.integers(1, 40)).filter(lambda one: one[0] <= one[1]),
    st.tuples(st.integers(1, 40), st.integers(1, 40)).filter(lambda one: one[0] <= one[1]),
    st.floats(-0.99, 0.99),
)
def test_ratio_of_correlated_parts_solves_its_equation(
    first: tuple[int, int], second: tuple[int, int], r: float
) -> None:
    """Each bound R is where a - R b equals the reach of a - R b (Donner and Zou 2012, with correlation)."""
    a, b = Wilson(*first), Wilson(*second)
    low, high = MoverRatio(a, b, r).at(0.9)
    (a_low, a_high), (b_low, b_high) = a.at(0.9), b.at(0.9)
    assert 0.0 <= low <= a.value / b.value <= high < math.inf
    above, beneath = (a.value - a_low, b_high - b.value), (a_high - a.value, b.value - b_low)
    for bound, (x, y) in ((low, above), (high, beneath)):
        reach = x**2 + (bound * y) ** 2 - 2 * r * bound * x * y
        assert (a.value - bound * b.value) ** 2 == pytest.approx(reach, rel=1e-6, abs=1e-9)


@pytest.mark.heavy
@pytest.mark.parametrize(("p", "alike"), [(0.5, 0.3), (0.8, 0.5), (0.9, 0.1), (0.95, 0.3)])
def test_bounds_hold_as_often_as_they_say(p: float, alike: float) -> None:
    """Each one-sided 95 % bound is beyond the truth in about 5 % of tables of 40 clusters of ten."""
    rng = np.random.default_rng(2)
    beyond = np.zeros(2)
    for _ in range(2000):
        first = np.repeat(rng.random(40) < p, 10)
        hit = np.where(rng.random(400) < math.sqrt(alike), first, rng.random(400) < p)
        low, high = bounds(share(hit, np.ones(400), np.arange(400) // 10))
        beyond += [high < p, low > p]
    assert (beyond / 2000 <= 0.09).all()


@pytest.mark.parametrize("clusters", [2, 5, 20])
def test_rows_that_are_dealt_out_evenly_narrow_nothing(clusters: int) -> None:
    """Whoever names the clusters cannot make an interval narrower than that of independent rows."""
    values = np.sort(np.random.default_rng(5).normal(size=400))
    turn, place = np.divmod(np.arange(400), clusters)
    dealt = np.where(turn % 2 == 0, place, clusters - 1 - place)
    ones = np.ones(400)
    influence = (values - values.mean()) / 400
    assert spread(influence, ones, ones, dealt) == pytest.approx(float((influence**2).sum()))
    label = np.random.default_rng(6).random(400) < 1 / (1 + np.exp(-values))
    order = np.lexsort((values, label))
    found = delong(values[order], label[order].astype(float), ones, ones, dealt)
    apart = delong(values[order], label[order].astype(float), ones, ones)
    assert found is not None
    assert apart is not None
    assert found.variance >= apart.variance
    (low, high), (least, most) = found.at(0.9), apart.at(0.9)
    assert low <= least < most <= high
