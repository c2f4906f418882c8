from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from mlgate.intervals import DeLong, delong, difference

UNHURRIED = settings(deadline=None)
"""A busy machine is no failure."""

CELLS = st.lists(
    st.tuples(st.integers(0, 6), st.booleans(), st.integers(1, 5)), min_size=2, max_size=25
).filter(lambda cells: len({label for _, label, _ in cells}) == 2)
"""Cells of score, label, rows; scores tie often, and cells repeat."""


def direct(rows: list[tuple[float, bool, float]]) -> tuple[float, float]:
    """Return AUC and DeLong's variance from every pair of rows (score, label, weight), in O(n^2).

    The variance is that of the weighted means of the structural components (DeLong, DeLong and
    Clarke-Pearson 1988, equations 4 to 6), each term weighted.
    """
    pos = [(s, w) for s, label, w in rows if label]
    neg = [(s, w) for s, label, w in rows if not label]

    def placed(s: float, others: list[tuple[float, float]], sign: int) -> float:
        worth = [w * (0.5 if s == o else float(sign * (s - o) > 0)) for o, w in others]
        return sum(worth) / sum(w for _, w in others)

    total, auc = 0.0, math.nan
    for mine, others, sign in ((pos, neg, 1), (neg, pos, -1)):
        w = np.array([one for _, one in mine])
        v = np.array([placed(s, others, sign) for s, _ in mine])
        auc = float(v @ w / w.sum())
        kish = w.sum() ** 2 / (w**2).sum()
        total += float((w**2 * (v - auc) ** 2).sum() / w.sum() ** 2 * kish / (kish - 1))
    return auc, total


@UNHURRIED
@given(CELLS)
def test_unweighted_variance_is_delongs(cells: list[tuple[int, bool, int]]) -> None:
    """On random ties, midranks of cells give the U-statistic's value and variance of the rows."""
    rows = [(float(s), label, 1.0) for s, label, n in cells for _ in range(n)]
    positives = sum(label for _, label, _ in rows)
    assume(2 <= positives <= len(rows) - 2)
    score, label, n = (np.array(column, dtype=float) for column in zip(*cells, strict=True))
    found = delong(score, label, n, n)
    assert found is not None
    auc, variance = direct(rows)
    assert found.value == pytest.approx(auc, abs=1e-12)
    assert found.variance == pytest.approx(variance, rel=1e-9, abs=1e-15)
    assert found.value == pytest.approx(roc_auc_score(label, score, sample_weight=n), abs=1e-12)
    assert (found.n_pos, found.n_neg) == pytest.approx((positives, len(rows) - positives))


WEIGHTED = st.lists(
    st.tuples(st.integers(0, 6), st.booleans(), st.floats(0.1, 10)), min_size=4, max_size=25
).filter(lambda rows: 2 <= sum(label for _, label, _ in rows) <= len(rows) - 2)


@UNHURRIED
@given(WEIGHTED)
def test_weighted_variance_is_the_linearised_one(rows: list[tuple[int, bool, float]]) -> None:
    """Weighted rows agree with the direct computation, in any order and at any scale of the weights."""
    score, label, w = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    found = delong(score, label, w, w**2)
    assert found is not None
    auc, variance = direct([(float(s), label, w) for s, label, w in rows])
    assert found.value == pytest.approx(auc, abs=1e-12)
    assert found.variance == pytest.approx(variance, rel=1e-9, abs=1e-15)
    seven = delong(score[::-1], label[::-1], 7 * w[::-1], 49 * w[::-1] ** 2)
    assert seven is not None
    assert seven.at(0.9) == pytest.approx(found.at(0.9), rel=1e-6, abs=1e-9)


@UNHURRIED
@given(CELLS, st.tuples(st.floats(0.01, 0.9999), st.floats(0.01, 0.9999)).map(sorted))
def test_the_interval_holds_the_auc_and_widens(
    cells: list[tuple[int, bool, int]], levels: list[float]
) -> None:
    """Bounds lie in [0, 1], are never one number, widen with confidence and narrow with rows."""
    score, label, n = (np.array(column, dtype=float) for column in zip(*cells, strict=True))
    found = delong(score, label, n, n)
    assert found is not None
    (low, high), (lower, higher) = found.at(levels[0]), found.at(levels[1])
    assert 0.0 <= lower <= low <= found.value <= high <= higher <= 1.0
    assert low < high
    (low, high) = found.grown(9.0).at(levels[1])
    assert lower <= low + 1e-12
    assert high <= higher + 1e-12


def test_perfect_separation_is_no_certainty() -> None:
    """Five against five in perfect order, where DeLong's variance is 0: Clopper and Pearson's of 5 pairs."""
    ones = np.ones(10)
    found = delong(np.arange(10.0), np.repeat([0.0, 1.0], 5), ones, ones)
    assert found is not None
    assert found.variance == 0.0
    assert found.at(0.9) == pytest.approx((0.05 ** (1 / 5), 1.0))
    assert found.method == "clopper-pearson pairs"


def test_all_scores_tied() -> None:
    """A model that gives one score has an AUC of 1/2 and DeLong's variance is 0; pairs still tell."""
    found = delong(np.zeros(2), np.array([0.0, 1.0]), np.array([30.0, 20.0]), np.array([30.0, 20.0]))
    assert found is not None
    assert found.value == 0.5
    assert found.method == "wilson pairs"
    low, high = found.at(0.9)
    assert 0.3 < low < 0.5 < high < 0.7


@pytest.mark.parametrize(
    ("score", "label", "w"),
    [
        ([], [], []),
        ([0.1, 0.2], [1.0, 1.0], [3.0, 3.0]),
        ([0.1, 0.2], [0.0, 0.0], [3.0, 3.0]),
        ([0.1, math.nan], [0.0, 1.0], [3.0, 3.0]),
        ([0.1, 0.2], [0.0, 1.0], [3.0, 0.0]),
    ],
)
def test_no_auc_of_one_class(score: list[float], label: list[float], w: list[float]) -> None:
    """One class, a NaN among the scores, or a class without weight: nothing to report."""
    assert delong(score, label, w, w) is None


def test_infinite_scores_are_ranks_like_any_other() -> None:
    """The AUC is about order; an infinite log-odds is the highest score."""
    w = np.full(4, 10.0)
    found = delong([-math.inf, 0.0, 0.0, math.inf], [0.0, 1.0, 0.0, 1.0], w, w)
    assert found is not None
    assert found.value == pytest.approx(0.875)


def test_groups_are_compared_by_mover() -> None:
    """The difference of two groups' AUCs takes each one's interval."""
    rng = np.random.default_rng(1)
    parts = []
    for shift in (0.5, 2.0):
        label = np.repeat([0.0, 1.0], 100)
        parts.append(delong(rng.normal(size=200) + shift * label, label, np.ones(200), np.ones(200)))
    a, b = parts
    assert a is not None
    assert b is not None
    found = difference(b, a)
    assert found is not None
    assert found.method == "mover"
    low, high = found.at(0.9)
    assert 0 < low < found.value < high < 0.5


@pytest.mark.parametrize("shift", [0.5, 1.5])
def test_one_sided_coverage(shift: float) -> None:
    """Seeded: of 400 tables of 40 + 60 normal scores, each 95 % bound misses about 1 in 20."""
    from scipy.stats import norm

    rng = np.random.default_rng(11)
    truth, label, ones = norm.cdf(shift / math.sqrt(2)), np.repeat([1.0, 0.0], [40, 60]), np.ones(100)
    too_high = too_low = 0
    for _ in range(400):
        found = delong(rng.normal(size=100) + shift * label, label, ones, ones)
        assert isinstance(found, DeLong)
        low, high = found.at(0.9)
        too_high += low > truth
        too_low += high < truth
    assert too_high / 400 < 0.08
    assert too_low / 400 < 0.08


CLUSTERED = st.lists(
    st.tuples(st.integers(0, 6), st.booleans(), st.floats(0.1, 10), st.integers(0, 4)),
    min_size=6,
    max_size=25,
)


def obuchowski(rows: list[tuple[float, bool, float, int]]) -> tuple[float, float]:
    """Return AUC and variance of clustered rows (score, label, weight, cluster) from every pair of rows.

    Obuchowski 1997, equations 3 to 6: sums over clusters of what each row's placement is off by, each class
    with its own number of clusters, and twice the covariance with that of all clusters.
    """
    clusters = sorted({cluster for *_, cluster in rows})
    sums: list[list[float]] = []
    for mine in (True, False):
        total = sum(w for _, label, w, _ in rows if label == mine)
        others = [(s, w) for s, label, w, _ in rows if label != mine]
        weight = sum(w for _, w in others)
        placed = [
            (sum(w * (0.5 if s == o else float((s > o) == mine)) for o, w in others) / weight, w1, cluster)
            for s, label, w1, cluster in rows
            if label == mine
        ]
        auc = sum(v * w for v, w, _ in placed) / total
        sums.append([sum((v - auc) * w / total for v, w, c in placed if c == one) for one in clusters])
    counts = [len({c for _, label, _, c in rows if label == mine}) for mine in (True, False)]
    variance = sum(n / (n - 1) * sum(x * x for x in side) for n, side in zip(counts, sums, strict=True))
    size = len(clusters)
    return auc, variance + 2 * size / (size - 1) * sum(x * y for x, y in zip(*sums, strict=True))


@UNHURRIED
@given(CLUSTERED)
def test_clustered_variance_is_obuchowskis(rows: list[tuple[int, bool, float, int]]) -> None:
    """Sums of placements by cluster agree with the direct computation, weighted, in any order of rows.

    The variance is no less than that of independent rows.
    """
    assume(all(len({c for _, label, _, c in rows if label == mine}) > 1 for mine in (True, False)))
    score, label, w, cluster = (np.array(column) for column in zip(*rows, strict=True))
    found = delong(score, label, w, w**2, cluster)
    assert found is not None
    auc, variance = obuchowski([(float(s), label, w, c) for s, label, w, c in rows])
    assert found.value == pytest.approx(auc, abs=1e-12)
    apart = delong(score, label, w, w**2)
    assert apart is not None
    least = apart.variance if found.variance > 1e-15 else 0.0  # clusters that are wholly alike stay so
    assert found.variance == pytest.approx(max(variance, least), rel=1e-9, abs=1e-15)
    low, high = found.at(0.9)
    assert 0.0 <= low < high <= 1.0
    again = delong(score[::-1], label[::-1], 7 * w[::-1], 49 * w[::-1] ** 2, 100 - 3 * cluster[::-1])
    assert again is not None
    assert again.at(0.9) == pytest.approx((low, high), rel=1e-6, abs=1e-9)


def test_one_cluster_has_no_interval() -> None:
    """Rows of one cluster show nothing of how clusters differ."""
    ones = np.ones(6)
    assert delong(np.arange(6.0), np.array([0, 1] * 3), ones, ones, np.zeros(6, dtype=int)) is None


def test_separation_of_few_clusters_is_no_certainty() -> None:
    """A thousand rows in perfect order from four clusters tell no more than two pairs of clusters."""
    label = np.repeat([0.0, 1.0], 500)
    found = delong(np.arange(1000.0), label, np.ones(1000), np.ones(1000), np.arange(1000) % 4)
    assert found is not None
    assert found.at(0.9) == pytest.approx((0.05**0.5, 1.0))
    assert found.method == "clopper-pearson pairs, clusters"


@pytest.mark.parametrize(("positives", "apart"), [(10, 2.326), (30, 2.326), (30, 1.812)])
def test_few_rows_out_of_order_say_little_of_the_spread(positives: int, apart: float) -> None:
    """Seeded: near separation with few positives the lower 95 % bound still misses at most about 1 in 20.

    The logit bound alone is too high in 7 to 15 of 100 such tables.
    """
    from scipy.stats import norm

    rng = np.random.default_rng(12)
    truth, size = norm.cdf(apart / math.sqrt(2)), 11 * positives
    label, ones = np.repeat([1.0, 0.0], [positives, 10 * positives]), np.ones(size)
    too_high = too_low = 0
    for _ in range(300):
        found = delong(rng.normal(size=size) + apart * label, label, ones, ones)
        assert found is not None
        low, high = found.at(0.9)
        too_high += low > truth
        too_low += high < truth
    assert too_high / 300 < 0.08
    assert too_low / 300 < 0.08


def test_with_many_rows_the_bounds_are_delongs() -> None:
    """What a model of the spread says counts less the more rows are out of order."""
    found = DeLong(auc=0.9, variance_pos=4e-8, variance_neg=1e-8, n_pos=1e6, n_neg=1e6)
    reach = 1.6448536 * math.sqrt(5e-8) / 0.09
    odds = math.log(9.0)
    expected = (1 / (1 + math.exp(reach - odds)), 1 / (1 + math.exp(-reach - odds)))
    assert found.at(0.9) == pytest.approx(expected, abs=1e-7)
