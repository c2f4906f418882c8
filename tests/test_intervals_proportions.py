from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from mlgate.estimates import Interval
from mlgate.intervals import Exact, Part, Wilson, proportion

UNHURRIED = settings(deadline=None)
"""A busy machine is no failure."""

COUNTS = st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
CONFIDENCES = st.floats(0.01, 0.9999)


@pytest.mark.parametrize(
    ("k", "n", "confidence", "bounds"),
    [
        (81, 263, 0.95, (0.2552885, 0.3662096)),
        (15, 148, 0.95, (0.0623864, 0.1604872)),
        (0, 20, 0.95, (0.0, 0.1611252)),
        (3, 8, 0.95, (0.136844, 0.694258)),
    ],
)
def test_wilson_published(k: int, n: int, confidence: float, bounds: tuple[float, float]) -> None:
    """Newcombe's examples (1998) of Wilson's interval, and the COMPAS rate of three of eight."""
    assert Wilson(k, n).at(confidence) == pytest.approx(bounds, abs=5e-7)


@UNHURRIED
@given(COUNTS, CONFIDENCES)
def test_wilson_and_exact_are_those_of_scipy(counts: tuple[int, int], confidence: float) -> None:
    """Both agree with `scipy.stats.binomtest(k, n).proportion_ci` for any counts."""
    k, n = counts
    test = binomtest(k, n)
    for interval, method in ((Wilson(k, n), "wilson"), (Exact(k, n), "exact")):
        theirs = test.proportion_ci(confidence_level=confidence, method=method)
        assert interval.at(confidence) == pytest.approx((theirs.low, theirs.high), rel=1e-7, abs=1e-9)


@UNHURRIED
@given(COUNTS, st.tuples(CONFIDENCES, CONFIDENCES).map(sorted))
def test_intervals_hold_the_estimate_and_widen(counts: tuple[int, int], levels: list[float]) -> None:
    """Bounds lie in [0, 1], hold the estimate, are never one number, and widen with confidence."""
    share = proportion(*counts)
    for interval in (share.wilson, share.exact, share.interval):
        assert isinstance(interval, Part)
        (low, high), (lower, higher) = interval.at(levels[0]), interval.at(levels[1])
        assert 0.0 <= lower <= low <= interval.value <= high <= higher <= 1.0
        assert low < high


@UNHURRIED
@given(COUNTS, st.floats(1.0, 1e6))
def test_more_rows_narrow_it(counts: tuple[int, int], factor: float) -> None:
    """With more rows and the same share the interval lies within the old one."""
    share = proportion(*counts)
    for interval in (share.wilson, share.exact):
        assert interval is not None
        (low, high), (lower, higher) = interval.grown(factor).at(0.9), interval.at(0.9)
        assert low >= lower - 1e-9
        assert high <= higher + 1e-9


def test_zero_events_of_n_follow_the_rule_of_three() -> None:
    """None of n bad: the one-sided 95 % bound is Clopper and Pearson's, about 3 / n; all of n mirrors."""
    none, every = proportion(0, 1000).interval, proportion(1000, 1000).interval
    assert none is not None
    assert every is not None
    assert none.method == every.method == "clopper-pearson"
    assert none.at(0.9) == pytest.approx((0.0, 1 - 0.05 ** (1 / 1000)))
    assert none.at(0.9)[1] * 1000 == pytest.approx(3, abs=0.01)
    assert every.at(0.9) == pytest.approx((0.05 ** (1 / 1000), 1.0))


def test_forty_of_forty_is_no_certainty() -> None:
    """The case in which a bootstrap or Wald's interval would be [1, 1]."""
    interval = proportion(40, 40).interval
    assert interval is not None
    assert interval.at(0.9) == pytest.approx((0.05 ** (1 / 40), 1.0))


@pytest.mark.parametrize(("k", "n"), [(0, 0), (0, math.nan), (math.nan, 5), (5, 3), (-1, 3), (1, math.inf)])
def test_a_rate_of_nobody_is_not_zero(k: float, n: float) -> None:
    """Without a sound denominator there is neither a value nor an interval."""
    share = proportion(k, n)
    assert (share.value, share.interval, share.wilson, share.exact) == (None, None, None, None)


@UNHURRIED
@given(st.lists(st.tuples(st.booleans(), st.floats(0.01, 100)), min_size=1, max_size=30))
def test_weights_count_by_their_proportions(rows: list[tuple[bool, float]]) -> None:
    """Multiplying every weight by 7 changes nothing; equal weights are no weights."""

    def share(scale: float, weights: list[float]) -> Interval:
        hits = math.fsum(scale * w for (hit, _), w in zip(rows, weights, strict=True) if hit)
        total = math.fsum(scale * w for w in weights)
        squares = math.fsum((scale * w) ** 2 for w in weights)
        found = proportion(hits, total, w2_sum=squares).interval
        assert found is not None
        return found

    own = [w for _, w in rows]
    assert share(7.0, own).at(0.9) == pytest.approx(share(1.0, own).at(0.9), rel=1e-9, abs=1e-12)
    plain = proportion(sum(hit for hit, _ in rows), len(rows)).interval
    assert plain is not None
    assert share(3.7, [1.0] * len(rows)).at(0.9) == pytest.approx(plain.at(0.9), rel=1e-9, abs=1e-12)


def test_unequal_weights_tell_less() -> None:
    """Kish: 100 rows of which one weighs 100 are worth four."""
    share = proportion(100, 199, w2_sum=99 + 100**2)
    assert share.kish_n == pytest.approx(199**2 / 10099)


@pytest.mark.parametrize("confidence", [1.0, 1.5, -0.1, math.nan])
def test_what_is_no_confidence_is_refused(confidence: float) -> None:
    """A confidence of 1 has no finite bounds, others no meaning."""
    for interval in (Wilson(3, 8), Exact(3, 8)):
        with pytest.raises(ValueError, match="confidence"):
            interval.at(confidence)


@pytest.mark.parametrize(("n", "truth"), [(50, 0.3), (200, 0.8), (200, 0.95), (1000, 0.5)])
def test_one_sided_coverage(n: int, truth: float) -> None:
    """Exactly computed: each one-sided 95 % bound misses the truth in about 5 % of tables, or fewer."""
    bounds = [Wilson(k, n).at(0.9) for k in range(n + 1)]
    chance = binom.pmf(range(n + 1), n, truth)
    too_high = sum(c for c, (low, _) in zip(chance, bounds, strict=True) if low > truth)
    too_low = sum(c for c, (_, high) in zip(chance, bounds, strict=True) if high < truth)
    assert too_high < 0.065
    assert too_low < 0.085
