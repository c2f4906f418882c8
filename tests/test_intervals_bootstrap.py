from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from mlgate.intervals import Bootstrap, Wilson, bootstrap, bootstrap_scores
from mlgate.intervals.bootstrap import MAX_CELLS, RESOLVED

UNHURRIED = settings(deadline=None)
"""A busy machine is no failure."""

Array = NDArray[np.float64]


def share(table: Array) -> Array:
    """Return the share of the first cell."""
    return table[:, 0] / table.sum(axis=1)


def first_of_pair(table: Array) -> Array:
    """Return the difference of the first cells' shares in two strata of two cells each."""
    return table[:, 0] / (table[:, 0] + table[:, 1]) - table[:, 2] / (table[:, 2] + table[:, 3])


def average_precision(scores: Array, positives: Array, negatives: Array) -> Array:
    """Return the average precision of each draw, as scikit-learn defines it."""
    del scores
    hits, flagged = positives[:, ::-1].cumsum(1), (positives + negatives)[:, ::-1].cumsum(1)
    precision = np.divide(hits, flagged, out=np.zeros_like(hits), where=flagged > 0)
    total = hits[:, -1]
    steps = (precision * positives[:, ::-1]).sum(1)
    return np.divide(steps, total, out=np.full_like(total, math.nan), where=total > 0)


def farthest(scores: Array, positives: Array, negatives: Array) -> Array:
    """Return the Kolmogorov-Smirnov statistic of each draw."""
    del scores
    parts = [
        part.cumsum(1) / np.maximum(part.sum(1, keepdims=True), 1e-300) for part in (positives, negatives)
    ]
    return np.asarray(np.abs(parts[0] - parts[1]).max(1), dtype=float)


def test_a_share_is_like_wilson() -> None:
    """On a statistic with a closed form both agree to a fraction of the width."""
    found = bootstrap([300, 700], share)
    assert found is not None
    assert found.value == 0.3
    assert found.at(0.9) == pytest.approx(Wilson(300, 1000).at(0.9), abs=0.002)


def test_the_seed_decides() -> None:
    """The same seed gives the same interval bit for bit, another a slightly different one."""
    same = [bootstrap([30, 70, 5], share, seed=4) for _ in range(2)]
    assert same[0] == same[1]
    other = bootstrap([30, 70, 5], share, seed=5)
    assert other != same[0]


def test_strata_keep_their_totals() -> None:
    """Groups are resampled within themselves: every draw has each group's rows."""
    seen: list[Array] = []

    def watched(table: Array) -> Array:
        seen.append(table)
        return first_of_pair(table)

    found = bootstrap([30, 20, 60, 40], watched, strata=["a", "a", "b", "b"], draws=2000)
    assert found is not None
    drawn = np.concatenate(seen)
    assert set(drawn[:, :2].sum(1)) == {50.0}
    assert set(drawn[:, 2:].sum(1)) == {100.0}
    assert found.value == 0.0
    se = math.sqrt(0.24 / 50 + 0.24 / 100)
    assert found.at(0.9) == pytest.approx((-1.645 * se, 1.645 * se), abs=0.02)


@pytest.mark.parametrize("n", [[40, 0], [0, 0], [0, 40]])
def test_draws_that_are_all_equal_are_no_interval(n: list[int]) -> None:
    """40 right of 40 would give [1, 1], which claims certainty."""
    assert bootstrap(n, share) is None


def test_a_statistic_that_is_undefined_has_no_interval() -> None:
    """Undefined on the table, or on more than a few draws: none. On very few: those are left out."""

    def often(table: Array) -> Array:
        return np.where(table[:, 0] > 0, share(table), math.nan)

    assert bootstrap([1, 99], often) is None
    assert bootstrap([10, 90], lambda table: np.full(len(table), math.nan)) is None
    assert bootstrap([6, 94], often) is not None


def test_weights_count_by_their_proportions() -> None:
    """Multiplying every weight by 7 changes nothing; equal weights agree with counts."""
    w, w2 = np.array([30.0, 70.0]), np.array([30.0, 70.0])
    one = bootstrap([30, 70], share, w=w, w2=w2)
    seven = bootstrap([30, 70], share, w=7 * w, w2=49 * w2)
    plain = bootstrap([30, 70], share)
    assert one is not None
    assert seven is not None
    assert plain is not None
    assert seven.at(0.9) == pytest.approx(one.at(0.9), rel=1e-9)
    assert one.at(0.9) == pytest.approx(plain.at(0.9), abs=0.01)
    assert one.value == plain.value


def test_unequal_weights_widen() -> None:
    """Rows of unequal weight tell less: the width follows Kish's n."""
    rng = np.random.default_rng(0)
    rows = rng.pareto(2.5, size=(2, 500)) + 1
    w, w2 = rows.sum(1), (rows**2).sum(1)
    kish = w.sum() ** 2 / w2.sum()
    found = bootstrap([500, 500], share, w=w, w2=w2)
    assert found is not None
    low, high = found.at(0.9)
    assert high - low == pytest.approx(2 * 1.645 * math.sqrt(found.value * (1 - found.value) / kish), rel=0.1)


def test_too_many_cells_are_refused() -> None:
    """Drawing from more cells than the documented number is a mistake of the caller."""
    with pytest.raises(ValueError, match="4097 cells"):
        bootstrap(np.ones(MAX_CELLS + 1), share)


NUMBERS = st.integers(-1000, 1000).map(lambda i: i / 1000)
DRAWS = st.lists(NUMBERS, min_size=20, max_size=60).map(sorted)


@UNHURRIED
@given(DRAWS, NUMBERS, st.booleans(), st.tuples(st.floats(0.01, 0.9999), st.floats(0.01, 0.9999)))
def test_the_interval_holds_the_estimate_and_widens(
    draws: list[float], value: float, upward: bool, levels: tuple[float, float]
) -> None:
    """Whatever the draws, bounds are finite, hold the estimate, nest, and keep to the range."""
    found = Bootstrap(value=value, draws=tuple(draws), upward=upward, lowest=-1.0, highest=1.0)
    (low, high), (lower, higher) = (found.at(level) for level in sorted(levels))
    assert -1.0 <= lower <= low + 1e-12
    assert low <= value <= high <= higher + 1e-12
    assert higher <= 1.0
    (low, high) = found.grown(9.0).at(max(levels))
    assert lower - 1e-9 <= low
    assert high <= higher + 1e-9


def test_rounding_makes_no_ties_and_breaks_none() -> None:
    """Draws that equal the estimate but for the last digit count as equal to it, above as below."""
    plain = Bootstrap(value=0.3, draws=(0.1,) * 20 + (0.3,) * 30 + (0.4,) * 50)
    for noise in (1e-16, -1e-16):
        noisy = Bootstrap(value=0.3, draws=tuple(draw + noise for draw in plain.draws))
        assert noisy.at(0.5) == pytest.approx(plain.at(0.5))


def test_tails_beyond_the_draws_are_extended() -> None:
    """At 1 in 100,000, which Holm may ask for, the bound lies beyond the outermost of 2000 draws."""
    found = bootstrap([300, 700], share)
    assert found is not None
    low, high = found.at(1 - 2e-5)
    assert low < found.draws[0]
    assert high > found.draws[-1]
    assert (low, high) == pytest.approx(Wilson(300, 1000).at(1 - 2e-5), abs=0.01)
    assert len(found.draws) > 100 * RESOLVED


def _table(rows: int, *, digits: int = 2, seed: int = 0) -> tuple[Array, Array, NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    label = (rng.random(rows) < 0.3).astype(float)
    score = np.round(1 / (1 + np.exp(-rng.normal(size=rows) - 1.5 * label)), digits)
    cells, n = np.unique(np.stack([score, label], axis=1), axis=0, return_counts=True)
    return cells[:, 0], cells[:, 1], n


def test_statistics_of_the_score_order() -> None:
    """Average precision of cells equals scikit-learn's, and its interval is of the known size."""
    score, label, n = _table(1000)
    value = float(average_precision_score(label, score, sample_weight=n))
    found = bootstrap_scores(score, label, n, average_precision, value=value)
    assert found is not None
    assert np.median(found.draws) == pytest.approx(value, abs=0.01)
    low, high = found.at(0.9)
    assert 0.04 < high - low < 0.12
    assert low < value < high


def test_many_scores_are_merged_for_the_draws_only() -> None:
    """With 20,000 distinct scores the draws come from merged bins and centre on the exact value."""
    score, label, n = _table(20_000, digits=12)
    value = float(average_precision_score(label, score, sample_weight=n))
    found = bootstrap_scores(score, label, n, average_precision, value=value, draws=300)
    coarse = bootstrap_scores(np.round(score, 2), label, n, average_precision, value=value, draws=300)
    assert found is not None
    assert coarse is not None
    assert found.value == value
    assert np.std(found.draws) == pytest.approx(np.std(coarse.draws), rel=0.2)
    assert np.median(found.draws) == pytest.approx(value, abs=0.002)


def test_draws_centre_on_the_value_that_is_given() -> None:
    """The draws give the spread; where they lie is the caller's exact value."""
    score, label, n = _table(1000)
    one, other = (
        bootstrap_scores(score, label, n, average_precision, value=value, draws=200) for value in (0.5, 0.6)
    )
    assert one is not None
    assert other is not None
    assert other.draws == pytest.approx([draw + 0.1 for draw in one.draws])


def test_weighted_scores() -> None:
    """Sampling weights reach the draws; their scale does not."""
    score, label, n = _table(600)
    w = n * np.where(label == 1, 2.0, 0.5)
    value = float(average_precision_score(label, score, sample_weight=w))
    found = [
        bootstrap_scores(
            score, label, n, average_precision, value=value, w=c * w, w2=c * c * w**2 / n, draws=400
        )
        for c in (1.0, 7.0)
    ]
    assert found[0] is not None
    assert found[1] is not None
    assert found[1].at(0.9) == pytest.approx(found[0].at(0.9), rel=1e-6)


@pytest.mark.parametrize(("score", "value"), [([0.1, math.nan], 0.5), ([0.1, 0.2], math.nan), ([], 0.5)])
def test_no_interval_of_what_is_not_finite(score: list[float], value: float) -> None:
    """NaN among the scores or as the estimate, or no cells: none."""
    label, n = np.arange(len(score)) % 2, np.full(len(score), 10)
    assert bootstrap_scores(score, label, n, average_precision, value=value) is None


def test_what_noise_pushes_up_is_taken_down() -> None:
    """Seeded: a supremum's lower bound is too high far less often than by plain percentiles."""
    truth, tables = 0.0, 60
    plain = pushed = 0
    for seed in range(tables):
        rng = np.random.default_rng(seed)
        label, score = np.arange(200) % 2, np.round(rng.random(200), 2)
        cells, n = np.unique(np.stack([score, label], axis=1), axis=0, return_counts=True)
        each = [
            bootstrap_scores(cells[:, 0], cells[:, 1], n, farthest, value=_ks(cells, n), draws=300, upward=up)
            for up in (True, False)
        ]
        assert each[0] is not None
        assert each[1] is not None
        pushed += each[0].at(0.9)[0] > truth
        plain += np.quantile(each[1].draws, 0.05) > truth
    assert plain == tables
    assert pushed < tables / 2


def _ks(cells: Array, n: NDArray[np.int64]) -> float:
    order = np.argsort(cells[:, 0], kind="stable")
    scores = np.unique(cells[:, 0])
    parts = [
        np.bincount(
            np.searchsorted(scores, cells[order, 0]),
            n[order] * (cells[order, 1] == one),
            minlength=len(scores),
        )
        for one in (1, 0)
    ]
    return float(farthest(scores, parts[0][None, :], parts[1][None, :])[0])
