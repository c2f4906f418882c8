from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import binom
from sklearn.metrics import cohen_kappa_score, matthews_corrcoef

from mlgate.intervals import (
    Mapped,
    MoverFunction,
    Newcombe,
    Part,
    Proportion,
    Wilson,
    difference,
    evenness,
    f_score,
    function_of_rates,
    gap,
    proportion,
    ratio,
    weighted_sum,
)

UNHURRIED = settings(deadline=None)
"""A busy machine is no failure."""

COUNTS = st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
SHARES = COUNTS.map(lambda counts: proportion(*counts))
LEVELS = st.tuples(st.floats(0.05, 0.9999), st.floats(0.05, 0.9999)).map(sorted)


def mcc(prevalence: float, tpr: float, tnr: float) -> float:
    """Return Matthews' correlation of a table given by its three independent rates."""
    flagged = prevalence * tpr + (1 - prevalence) * (1 - tnr)
    spread = flagged * (1 - flagged)
    if spread <= 0:
        return math.nan
    return (tpr + tnr - 1) * math.sqrt(prevalence * (1 - prevalence) / spread)


def kappa(prevalence: float, tpr: float, tnr: float) -> float:
    """Return Cohen's kappa of a table given by its three independent rates."""
    flagged = prevalence * tpr + (1 - prevalence) * (1 - tnr)
    agreed = prevalence * tpr + (1 - prevalence) * tnr
    chance = prevalence * flagged + (1 - prevalence) * (1 - flagged)
    return (agreed - chance) / (1 - chance) if chance < 1 else math.nan


def sound(interval: Part | None) -> Part:
    """Return the interval, which is there."""
    assert interval is not None
    return interval


def three(tp: int, fn: int, fp: int, tn: int) -> list[Proportion]:
    """Return prevalence, true-positive and true-negative rate of a table."""
    total = tp + fn + fp + tn
    return [proportion(tp + fn, total), proportion(tp, tp + fn), proportion(tn, fp + tn)]


def test_newcombe_published() -> None:
    """56/70 against 48/80 is Newcombe's own example (1998, table II, method 10)."""
    found = sound(difference(proportion(56, 70), proportion(48, 80)))
    assert found.at(0.95) == pytest.approx((0.0524315, 0.3338727), abs=5e-7 / 5)
    assert found.method == "newcombe"


def test_newcombe_of_the_compas_false_positive_rates() -> None:
    """805 of 1795 African-American against 349 of 1488 Caucasian defendants (ProPublica's table)."""
    groups = proportion(805, 1795), proportion(349, 1488)
    assert sound(difference(*groups)).at(0.95) == pytest.approx((0.1820532, 0.2450233), abs=5e-8)
    assert sound(gap(*groups)).at(0.95) == pytest.approx((0.1820532, 0.2450233), abs=5e-8)
    assert sound(gap(*groups[::-1])).at(0.95) == pytest.approx((0.1820532, 0.2450233), abs=5e-8)
    assert sound(ratio(*groups[::-1])).value == pytest.approx(0.522987, abs=5e-7)


@UNHURRIED
@given(SHARES, SHARES, st.floats(0.05, 0.9999))
def test_the_ratio_solves_its_defining_equations(a: Proportion, b: Proportion, confidence: float) -> None:
    """MOVER-R bounds are the R at which the MOVER interval of a - R b ends in zero."""
    found = ratio(a, b)
    assume(found is not None)
    assert found is not None
    x, y = sound(a.wilson), sound(b.wilson)
    (x_low, x_high), (y_low, y_high) = x.at(confidence), y.at(confidence)
    low, high = found.at(confidence)

    def below(r: float) -> float:
        return x.value - r * y.value - math.hypot(x.value - x_low, r * (y_high - y.value))

    def above(r: float) -> float:
        return x.value - r * y.value + math.hypot(x_high - x.value, r * (y.value - y_low))

    assert low == pytest.approx(brentq(below, 0, found.value + 1, xtol=1e-15), rel=1e-6, abs=1e-9)
    assert high == pytest.approx(brentq(above, 0, high * 2 + 1, xtol=1e-15), rel=1e-6, abs=1e-9)


@UNHURRIED
@given(SHARES, SHARES, LEVELS)
def test_intervals_of_two_groups_hold_the_estimate_and_widen(
    a: Proportion, b: Proportion, levels: list[float]
) -> None:
    """Differences, gaps, ratios and evenness are finite, of some width, nested, and in their range."""
    for found in (difference(a, b), gap(a, b), ratio(a, b), evenness(a, b), weighted_sum([a, b])):
        if found is None:
            continue
        (low, high), (lower, higher) = found.at(levels[0]), found.at(levels[1])
        slack = 1e-9 * max(1.0, higher)
        assert -1.0 - slack <= lower <= low + slack
        assert low - slack <= found.value <= high + slack <= higher + 2 * slack < math.inf
        assert low < high
        (low, high) = found.grown(10.0).at(levels[1])
        assert lower - slack <= low
        assert high <= higher + slack


@UNHURRIED
@given(SHARES, SHARES)
def test_no_ratio_over_zero(a: Proportion, b: Proportion) -> None:
    """A ratio over zero and a difference with nobody do not exist."""
    nobody = proportion(0, 0)
    assert (ratio(a, b) is None) == (b.value == 0)
    assert (evenness(a, b) is None) == (a.value == b.value == 0)
    assert difference(a, nobody) is gap(nobody, b) is ratio(nobody, b) is evenness(a, nobody) is None
    assert weighted_sum([a, nobody]) is weighted_sum([]) is None


@UNHURRIED
@given(SHARES, SHARES, st.floats(0.05, 0.999))
def test_a_gap_covers_both_directions(a: Proportion, b: Proportion, confidence: float) -> None:
    """A gap's upper bound is no lower than that of a - b or of b - a; its order does not matter."""
    high = sound(gap(a, b)).at(confidence)[1]
    assert high >= sound(difference(a, b)).at(confidence)[1]
    assert high >= sound(difference(b, a)).at(confidence)[1]
    assert sound(gap(b, a)).at(confidence) == sound(gap(a, b)).at(confidence) or a.value == b.value
    even, turned = evenness(a, b), evenness(b, a)
    if even is not None and turned is not None:
        for one in (ratio(a, b), ratio(b, a)):
            assert one is None or even.at(confidence)[0] <= one.at(confidence)[0] * (1 + 1e-9)


def test_equal_rates_of_unequal_groups_reach_equally_far_both_ways() -> None:
    """With 10 of 20 and 5000 of 10,000 either may be the smaller: the order in which they come is nothing."""
    few, many = proportion(10, 20), proportion(5000, 10_000)
    for of in (gap, evenness):
        one, other = sound(of(few, many)).at(0.9), sound(of(many, few)).at(0.9)
        worst = 1 if of is gap else 0
        assert one[worst] == pytest.approx(other[worst])
    assert sound(evenness(many, few)).at(0.9)[0] < sound(ratio(many, few)).at(0.9)[0] - 0.05


@pytest.mark.parametrize(("n", "m", "p", "q"), [(50, 50, 0.4, 0.3), (30, 200, 0.8, 0.7), (40, 40, 0.2, 0.2)])
def test_one_sided_coverage_of_gaps(n: int, m: int, p: float, q: float) -> None:
    """Exactly computed: claims "the gap is at most", and "is more than", the true one err about 1 in 20."""
    chance = np.outer(binom.pmf(range(n + 1), n, p), binom.pmf(range(m + 1), m, q))
    too_low = too_high = 0.0
    for k, j in itertools.product(range(n + 1), range(m + 1)):
        if chance[k, j] > 1e-7:
            low, high = sound(gap(proportion(k, n), proportion(j, m))).at(0.9)
            too_low += chance[k, j] * (high < p - q)
            too_high += chance[k, j] * (low > p - q)
    assert too_low < 0.06
    assert too_high < (0.06 if p > q else 0.115)  # at no gap at all either group may look larger


def test_f1_is_mapped_from_jaccard() -> None:
    """F1 = 2J / (1 + J): value and bounds are Wilson's of J, mapped; none without any case."""
    found = sound(f_score(30, 10, 20))
    wilson = Wilson(30, 60)
    assert found.value == pytest.approx(2 * 30 / (2 * 30 + 10 + 20))
    assert found.at(0.9) == pytest.approx(tuple(2 * j / (1 + j) for j in wilson.at(0.9)))
    assert found.method == "wilson"
    assert f_score(0, 0, 0) is None
    scaled = sound(f_score(210, 70, 140, w2_sum=49 * 60))
    assert scaled.at(0.9) == pytest.approx(found.at(0.9))


def test_balanced_accuracy_is_the_mean_of_recalls() -> None:
    """The mean of two rates has half the MOVER width of their difference's, in each direction."""
    a, b = proportion(30, 40), proportion(90, 100)
    found = sound(weighted_sum([a, b]))
    assert found.value == pytest.approx((0.75 + 0.9) / 2)
    (a_low, a_high), (b_low, b_high) = sound(a.wilson).at(0.9), sound(b.wilson).at(0.9)
    assert found.at(0.9) == pytest.approx(
        (
            found.value - math.hypot(0.75 - a_low, 0.9 - b_low) / 2,
            found.value + math.hypot(a_high - 0.75, b_high - 0.9) / 2,
        )
    )


@UNHURRIED
@given(st.tuples(*[st.integers(0, 300)] * 4), st.sampled_from([mcc, kappa]))
def test_functions_of_rates_are_those_of_sklearn(table: tuple[int, int, int, int], of: object) -> None:
    """Matthews and kappa of the rates equal scikit-learn's of the table, with an interval around them."""
    tp, fn, fp, tn = table
    function = mcc if of is mcc else kappa
    found = function_of_rates(three(*table), function, lowest=-1.0, highest=1.0)
    if found is None:
        return
    score = matthews_corrcoef if function is mcc else cohen_kappa_score
    truth, said, weight = [1, 1, 0, 0], [1, 0, 1, 0], [tp, fn, fp, tn]
    expected = score(truth, said, sample_weight=weight)
    assert found.value == pytest.approx(expected, abs=1e-9)
    low, high = found.at(0.9)
    assert -1.0 <= low <= found.value + 1e-12
    assert found.value - 1e-12 <= high <= 1.0
    assert low < high


def test_a_table_without_errors_has_an_interval() -> None:
    """Where each bootstrap draw is 1 and a delta method has no variance, the rates still have Wilson's."""
    found = sound(function_of_rates(three(20, 0, 0, 20), mcc, lowest=-1.0, highest=1.0))
    low, high = found.at(0.9)
    assert found.value == high == 1.0
    assert 0.7 < low < 0.95


def test_a_linear_function_is_mover() -> None:
    """For a - b the general form gives Newcombe's interval."""
    a, b = sound(proportion(56, 70).wilson), sound(proportion(48, 80).wilson)
    general = MoverFunction((a, b), lambda x, y: x - y, -1.0, 1.0)
    assert general.at(0.95) == pytest.approx(Newcombe(a, b).at(0.95))
    assert general.grown(2.0).at(0.95) == pytest.approx(Newcombe(a, b).grown(2.0).at(0.95))


@UNHURRIED
@given(
    st.tuples(st.floats(0.01, 0.99), st.floats(0.0, 1.0), st.floats(0.0, 1.0)),
    st.tuples(*[st.floats(0.5, 300.0)] * 3),
    st.floats(1.0, 4.0),
    st.sampled_from([mcc, kappa]),
)
def test_more_rows_never_widen_a_function_of_rates(
    shares: tuple[float, ...], rows: tuple[float, ...], factor: float, of: object
) -> None:
    """Kappa falls to 0 where the prevalence nears either end, so bounds alone would look surer with less."""
    function = mcc if of is mcc else kappa
    rates = [proportion(share * n, n) for share, n in zip(shares, rows, strict=True)]
    found = function_of_rates(rates, function, lowest=-1.0, highest=1.0)
    if found is None:
        return
    (low, high), (grown_low, grown_high) = found.at(0.9), found.grown(factor).at(0.9)
    coarse = 0.01  # the function is looked at in steps of 1 / 32
    assert low - coarse <= grown_low < grown_high <= high + coarse


def test_rounding_does_not_leave_the_range() -> None:
    """All wrong: Matthews' coefficient comes out as -1 less a rounding, and is -1."""
    found = sound(function_of_rates(three(0, 8, 31, 0), mcc, lowest=-1.0, highest=1.0))
    assert found.value == found.at(0.9)[0] == -1.0


def test_where_the_function_is_not_finite_its_range_is_assumed() -> None:
    """A hole at a bound widens the interval to the range instead of narrowing it."""
    part = sound(proportion(5, 10).wilson)
    found = MoverFunction((part,), lambda x: x if x >= 0.5 else math.nan, 0.0, 1.0)
    assert found.at(0.9) == pytest.approx((0.0, 1.0))


def test_a_falling_function_turns_the_bounds() -> None:
    """The error rate's interval is the accuracy's, mirrored."""
    part = sound(proportion(80, 100).wilson)
    low, high = part.at(0.9)
    error = Mapped(part, lambda x: 1.0 - x)
    assert error.at(0.9) == pytest.approx((1 - high, 1 - low))
    assert error.grown(4.0).value == pytest.approx(0.2)


def test_matthews_lower_bound_covers() -> None:
    """Seeded: over tables of 100 rows the one-sided 95 % lower bound is too high in about 1 of 20."""
    rng = np.random.default_rng(7)
    truth, missed, tables = mcc(0.3, 0.8, 0.9), 0, 400
    for tp, fn, fp, tn in rng.multinomial(100, [0.24, 0.06, 0.07, 0.63], size=tables):
        found = sound(function_of_rates(three(tp, fn, fp, tn), mcc, lowest=-1.0, highest=1.0))
        missed += truth < found.at(0.9)[0]
    assert missed / tables < 0.07
