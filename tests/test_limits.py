from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate.estimates import Comparison, Estimate, Interval
from mlgate.findings import Leans, Outcome
from mlgate.intervals import Bootstrap, Student, Wilson, gap, proportion
from mlgate.limits import Limit, Op, Rule, decide, decide_family, p_outside, round12

UNHURRIED = settings(deadline=None)
"""A busy machine is no failure."""


@dataclass(frozen=True)
class Known:
    """An interval whose bounds are given, whatever the confidence; what a plugin might hand over."""

    low: float
    high: float
    method: str = "given"

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the given bounds."""
        del confidence
        return self.low, self.high

    def grown(self, factor: float) -> Known:
        """Shrink around the middle by sqrt(factor)."""
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2 / math.sqrt(factor)
        return Known(middle - half, middle + half)


OPS = {"at_least": Op.AT_LEAST, "at_most": Op.AT_MOST, "between": Op.BETWEEN}

MATRIX = """
estimate  interval      limit            guard  decision  outcome       leans
# at least: the estimate must be inside, the lower bound at least L - g
0.85      0.81 0.89     at_least 0.80    0      bound     pass          -
0.85      0.79 0.89     at_least 0.80    0      bound     inconclusive  inside
0.85      0.79 0.89     at_least 0.80    0.02   guard     pass          -
0.85      0.77 0.89     at_least 0.80    0.02   guard     inconclusive  inside
0.85      0.79 0.89     at_least 0.80    0.02   bound     inconclusive  inside
0.80      0.78 0.82     at_least 0.80    0.02   guard     pass          -
0.79      0.785 0.81    at_least 0.80    0.02   guard     inconclusive  outside
0.79      0.77 0.80     at_least 0.80    0.02   guard     inconclusive  outside
0.79      0.77 0.799    at_least 0.80    0.02   guard     fail          -
0.79      0.77 0.799    at_least 0.80    0.50   guard     fail          -
0.70      0.50 0.90     at_least 0.80    0.50   guard     inconclusive  outside
0.81      0.10 0.90     at_least 0.80    0      point     pass          -
0.79      0.10 0.90     at_least 0.80    0.02   point     fail          -
# at most mirrors
0.05      0.01 0.09     at_most 0.10     0      bound     pass          -
0.05      0.01 0.11     at_most 0.10     0      bound     inconclusive  inside
0.05      0.01 0.11     at_most 0.10     0.02   guard     pass          -
0.11      0.09 0.12     at_most 0.10     0.02   guard     inconclusive  outside
0.12      0.11 0.14     at_most 0.10     0.02   guard     fail          -
0.12      0.10 0.14     at_most 0.10     0.02   guard     inconclusive  outside
0.10      0.10 0.12     at_most 0.10     0.02   guard     pass          -
0.05      -0.02 0.09    at_most 0.10     0      bound     pass          -
# between needs both sides
1.00      0.95 1.05     between 0.9 1.1  0      bound     pass          -
1.00      0.85 1.05     between 0.9 1.1  0      bound     inconclusive  inside
1.00      0.95 1.15     between 0.9 1.1  0      bound     inconclusive  inside
1.00      0.85 1.15     between 0.9 1.1  0.05   guard     pass          -
1.00      0.84 1.15     between 0.9 1.1  0.05   guard     inconclusive  inside
0.85      0.80 0.95     between 0.9 1.1  0.05   guard     inconclusive  outside
0.85      0.80 0.89     between 0.9 1.1  0.05   guard     fail          -
1.20      1.15 1.25     between 0.9 1.1  0.05   guard     fail          -
1.00      0.95 1.15     between 0.9 1.1  0      point     pass          -
1.20      0.95 1.25     between 0.9 1.1  0      point     fail          -
# twelve digits: what rounding of sums does is no reason
0.7999999999999  0.79 0.81  at_least 0.80  0.02 guard     pass          -
0.799999999999   0.79 0.81  at_least 0.80  0.02 guard     inconclusive  outside
0.85      0.77999999999999 0.89  at_least 0.80  0.02  guard  pass      -
# an interval that is none
0.85      0.85 0.85     at_least 0.80    0.02   guard     not_measured  -
0.85      0.89 0.81     at_least 0.80    0.02   guard     not_measured  -
0.85      nan 0.89      at_least 0.80    0.02   guard     not_measured  -
0.85      0.81 inf      at_least 0.80    0.02   guard     not_measured  -
0.85      0.86 0.89     at_least 0.80    0.02   guard     not_measured  -
0.85      none          at_least 0.80    0.02   guard     not_measured  -
0.85      none          at_least 0.80    0      bound     not_measured  -
0.85      none          at_least 0.80    0      point     pass          -
0.75      none          at_least 0.80    0      point     fail          -
nan       0.81 0.89     at_least 0.80    0.02   guard     not_measured  -
inf       0.81 0.89     at_least 0.80    0.02   point     not_measured  -
0.85      0.81 0.89     at_least nan     0.02   guard     not_measured  -
0.85      0.81 0.89     at_least -inf    0.02   guard     pass          -
0.85      0.81 0.89     at_least inf     0.02   guard     not_measured  -
0.85      0.81 0.89     between 1.1 0.9  0.02   point     not_measured  -
0.85      0.81 0.89     at_least 0.80    nan    guard     not_measured  -
0.85      0.81 0.89     at_least 0.80    -0.1   guard     not_measured  -
"""


def _rows() -> list[list[str]]:
    lines = [line.split() for line in MATRIX.strip().splitlines()[1:] if not line.startswith("#")]
    rows = []
    for words in lines:
        interval = words[1:2] if words[1] == "none" else words[1:3]
        rest = words[1 + len(interval) :]
        limit = rest[: 3 if rest[0] == "between" else 2]
        rows.append([words[0], " ".join(interval), " ".join(limit), *rest[len(limit) :]])
    return rows


def _limit(words: str) -> Limit:
    op, *numbers = words.split()
    values = tuple(map(float, numbers))
    return Limit(OPS[op], (values[0], values[1]) if op == "between" else values[0])


@pytest.mark.parametrize("row", _rows(), ids=" ".join)
def test_the_rule(row: list[str]) -> None:
    """One line of the matrix: what the rule makes of an estimate with its interval."""
    estimate, interval, limit, guard, decision, outcome, leans = row
    known = None if interval == "none" else Known(*map(float, interval.split()))
    measured = Estimate(value=float(estimate), n=100, interval=known)
    rule = Rule(decision=decision, guard=float(guard))  # type: ignore[arg-type]  # words of the matrix
    found = decide(measured, "estimate", _limit(limit), rule)
    assert (found.outcome.value, found.leans.value if found.leans else "-") == (outcome, leans)
    assert found.decided_on == decision
    assert (found.reason is None) == (outcome in ("pass", "fail"))


@pytest.mark.parametrize(
    ("value", "limit", "outcome"),
    [
        (0.0, Limit(Op.AT_MOST, 0), Outcome.PASS),
        (1.0, Limit(Op.AT_MOST, 0), Outcome.FAIL),
        (3.0, Limit(Op.EQUALS, 3), Outcome.PASS),
        (3.0, Limit(Op.EQUALS, 4), Outcome.FAIL),
        (0.1 + 0.2, Limit(Op.EQUALS, 0.3), Outcome.PASS),
        (1.0, Limit(Op.HOLDS, True), Outcome.PASS),
        (0.0, Limit(Op.HOLDS, True), Outcome.FAIL),
        (0.0, Limit(Op.HOLDS, False), Outcome.PASS),
        (3.0, Limit(Op.EQUALS, "3"), Outcome.NOT_MEASURED),
        (math.nan, Limit(Op.AT_MOST, 0), Outcome.NOT_MEASURED),
    ],
)
def test_facts_are_compared_as_they_are(value: float, limit: Limit, outcome: Outcome) -> None:
    """A fact needs no interval and gets no guard."""
    found = decide(Estimate(value=value, n=10), "fact", limit, Rule(decision="guard", guard=5.0))
    assert found.outcome is outcome
    assert found.decided_on == "fact"
    assert found.interval is None


def test_equals_and_holds_are_for_facts() -> None:
    """No estimate is ever exactly a number, so the comparators for facts cannot be met by one."""
    estimate = Estimate(value=1.0, n=10, interval=Known(0.9, 1.0))
    for op in (Op.EQUALS, Op.HOLDS):
        found = decide(estimate, "estimate", Limit(op, 1.0), Rule(decision="point"))
        assert found.outcome is Outcome.NOT_MEASURED
        assert "for facts" in str(found.reason)


def test_no_value_keeps_the_reason_of_the_measure() -> None:
    """What could not be measured says why, in the measure's words, and is never a pass."""
    found = decide(Estimate.missing("one class"), "estimate", Limit(Op.AT_MOST, 1.0), Rule())
    assert (found.outcome, found.reason) == (Outcome.NOT_MEASURED, "one class")


def test_no_interval_says_why() -> None:
    """A reason that the measure gives for its missing interval is carried on."""
    estimate = Estimate(value=1.0, n=40, reason="all draws are equal")
    found = decide(estimate, "estimate", Limit(Op.AT_LEAST, 0.5), Rule())
    assert (found.outcome, found.reason) == (Outcome.NOT_MEASURED, "no interval: all draws are equal")


def test_compas_native_americans_are_too_few_to_judge() -> None:
    """FPR 3 of 8: the 95 % Wilson interval is [0.136844, 0.694258], so nothing near it is decided."""
    share = proportion(3, 8)
    estimate = Estimate(value=share.value, n=8, interval=share.interval)
    found = decide(estimate, "estimate", Limit(Op.AT_MOST, 0.4), Rule(decision="bound", confidence=0.975))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.interval == pytest.approx((0.136844, 0.694258), abs=1e-6)


def _rate(k: int, n: int) -> Estimate:
    share = proportion(k, n)
    return Estimate(value=share.value, n=n, interval=share.interval)


@pytest.mark.parametrize(("k", "decided"), [(830, Outcome.PASS), (790, Outcome.FAIL)])
def test_needed_n_is_the_first_that_decides(k: int, decided: Outcome) -> None:
    """With `needed_n` rows and the same estimate it is decided, with one row less it is not."""
    limit, rule = Limit(Op.AT_LEAST, 0.8), Rule(decision="bound")
    small = replace(_rate(k // 10, 100), n=100)
    needed = decide(small, "estimate", limit, rule).needed_n
    assert needed is not None
    for rows, outcome in ((needed, decided), (needed - 1, Outcome.INCONCLUSIVE)):
        again = Estimate(value=k / 1000, n=rows, interval=Wilson(k / 1000 * rows, rows))
        assert decide(again, "estimate", limit, rule).outcome is outcome


def test_needed_n_counts_the_comparisons_of_the_family() -> None:
    """Among twenty slices one needs more rows to be surely outside than alone, and just as many as said."""
    limit, rule = Limit(Op.AT_LEAST, 0.8), Rule()
    others = [_rate(85, 100) for _ in range(19)]
    alone = decide(_rate(77, 100), "estimate", limit, rule).needed_n
    needed = decide_family(
        [_rate(77, 100), *others], "estimate", [limit] * len([_rate(77, 100), *others]), rule
    )[0].needed_n
    assert alone is not None
    assert needed is not None
    assert needed > alone
    others[0] = _rate(20, 100)  # one that has failed already is one less to share the error with
    fewer = decide_family(
        [_rate(77, 100), *others], "estimate", [limit] * len([_rate(77, 100), *others]), rule
    )[0].needed_n
    assert fewer is not None
    assert alone < fewer < needed
    needed = fewer
    for rows, outcome in ((needed, Outcome.FAIL), (needed - 1, Outcome.INCONCLUSIVE)):
        again = Estimate(value=0.77, n=rows, interval=Wilson(0.77 * rows, rows))
        assert (
            decide_family([again, *others], "estimate", [limit] * len([again, *others]), rule)[0].outcome
            is outcome
        )


@pytest.mark.parametrize("k", [80_000, 79_999])
def test_needed_n_is_none_when_no_number_of_rows_decides(k: int) -> None:
    """An estimate on the limit is never decided under `bound`; one just off it, not by 10^9 rows."""
    found = decide(_rate(k, 100_000), "estimate", Limit(Op.AT_LEAST, 0.8), Rule(decision="bound"))
    assert (found.outcome, found.needed_n) == (Outcome.INCONCLUSIVE, None)


def _chance_of_pass(truth: float, n: int, limit: float, rule: Rule) -> float:
    """Return the exact chance that `n` rows of a model whose true rate is `truth` pass."""
    from scipy.stats import binom

    passing = [
        k
        for k in range(n + 1)
        if decide(_rate(k, n), "estimate", Limit(Op.AT_LEAST, limit), rule).outcome is Outcome.PASS
    ]
    return float(binom.pmf(passing, n, truth).sum())


@pytest.mark.parametrize(
    ("truth", "n", "limit", "rule", "chance"),
    [
        (0.83, 200, 0.85, Rule(decision="point"), 0.26),
        (0.87, 200, 0.85, Rule(decision="bound"), 0.17),
        (0.82, 1000, 0.80, Rule(decision="bound"), 0.49),
        (0.82, 1000, 0.80, Rule(guard=0.02), 0.94),
        (0.78, 1000, 0.80, Rule(guard=0.02), 0.05),
        (0.78, 1000, 0.80, Rule(decision="bound"), 0.0),
        (0.80, 1000, 0.80, Rule(decision="bound"), 0.05),
    ],
)
def test_how_often_a_model_is_let_through(
    truth: float, n: int, limit: float, rule: Rule, chance: float
) -> None:
    """The chances that the rule was chosen for: at L - g at most about 1 in 20, well above L mostly."""
    assert _chance_of_pass(truth, n, limit, rule) == pytest.approx(chance, abs=0.02)


def _compared(*shares: tuple[str, int, int], judged_share: float | None = None) -> Estimate:
    """Return the widest gap of rates of groups, each (name, hits, rows), over all pairs."""
    comparisons = []
    for (a, k, n), (b, j, m) in itertools.combinations(shares, 2):
        found = gap(proportion(k, n), proportion(j, m))
        comparisons.append(Comparison(name=f"{a} - {b}", value=abs(k / n - j / m), interval=found))
    worst = max(comparison.value for comparison in comparisons)
    rows = sum(n for _, _, n in shares)
    return Estimate(value=worst, n=rows, comparisons=tuple(comparisons), judged_share=judged_share)


def test_all_pairs_must_be_inside() -> None:
    """A narrow widest pair does not carry a wide one: the small group decides, the widest is shown."""
    estimate = _compared(("a", 500, 1000), ("b", 560, 1000), ("c", 11, 20))
    found = decide(estimate, "estimate", Limit(Op.AT_MOST, 0.1), Rule(decision="bound"))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.groups == (Outcome.PASS, Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE)
    assert found.decides == "a - c"
    assert found.interval == pytest.approx(gap(proportion(500, 1000), proportion(560, 1000)).at(0.9))  # type: ignore[union-attr]  # both have rows
    assert found.method == "newcombe"
    assert found.needed_n is not None


def test_a_guard_lets_no_estimate_through_that_is_outside() -> None:
    """A pair just outside the limit does not pass, however wide the guard and whatever `value` says."""
    near = Comparison(name="a - b", value=0.11, interval=Known(0.05, 0.15))
    estimate = Estimate(value=0.05, n=100, comparisons=(near,))
    found = decide(estimate, "estimate", Limit(Op.AT_MOST, 0.1), Rule(guard=1.0))
    assert (found.outcome, found.leans) == (Outcome.INCONCLUSIVE, Leans.OUTSIDE)
    assert found.groups == (Outcome.INCONCLUSIVE,)


def test_one_pair_outside_fails_and_is_named() -> None:
    """The worst of the pairs that are surely outside decides."""
    estimate = _compared(("a", 500, 1000), ("b", 800, 1000), ("c", 820, 1000))
    found = decide(estimate, "estimate", Limit(Op.AT_MOST, 0.1), Rule())
    assert found.outcome is Outcome.FAIL
    assert found.decides == "a - c"
    assert found.groups == (Outcome.FAIL, Outcome.FAIL, Outcome.PASS)


def test_of_equals_the_one_known_least_decides_whatever_its_name() -> None:
    """Groups with one rate differ by their rows: the smallest is named and its interval shown, in any order."""
    groups = [("a", 30, 60), ("b", 10, 20), ("c", 20, 40)]
    limit = Limit(Op.AT_LEAST, 0.4)
    for some in itertools.permutations(groups):
        comparisons = tuple(
            Comparison(name=name, value=k / n, interval=Wilson(k, n), groups=({"g": name},))
            for name, k, n in some
        )
        estimate = Estimate(value=0.5, n=120, interval=Wilson(30, 60), comparisons=comparisons)
        found = decide(estimate, "estimate", limit, Rule())
        assert (found.decides, found.interval) == ("b", tuple(map(round12, Wilson(10, 20).at(0.9))))


def test_failing_is_corrected_for_the_number_of_comparisons() -> None:
    """A group that alone would fail at 5 % does not among twenty: one of them looks like that by chance."""
    limit, rule = Limit(Op.AT_LEAST, 0.8), Rule()
    alone = _rate(72, 100)
    assert decide(alone, "estimate", limit, rule).outcome is Outcome.FAIL
    slices = [alone, *(_rate(85, 100) for _ in range(19))]
    assert decide_family(slices, "estimate", [limit] * len(slices), rule)[0].outcome is Outcome.INCONCLUSIVE
    certain = [_rate(60, 100), *slices[1:]]
    assert decide_family(certain, "estimate", [limit] * len(certain), rule)[0].outcome is Outcome.FAIL


def test_passing_needs_no_correction() -> None:
    """Slices pass in a family exactly when they pass alone."""
    limit, rule = Limit(Op.AT_LEAST, 0.8), Rule(guard=0.02)
    slices = [_rate(k, 300) for k in range(230, 300, 5)]
    family = decide_family(slices, "estimate", [limit] * len(slices), rule)
    for one, found in zip(slices, family, strict=True):
        alone = decide(one, "estimate", limit, rule)
        assert (found.outcome is Outcome.PASS) == (alone.outcome is Outcome.PASS)


def test_slices_without_rows_shield_none() -> None:
    """What cannot be measured does not count among the comparisons that Holm divides by."""
    slices = [_rate(72, 100), *(Estimate.missing("no rows") for _ in range(50))]
    found = decide_family(slices, "estimate", [Limit(Op.AT_LEAST, 0.8)] * len(slices), Rule())
    assert found[0].outcome is Outcome.FAIL
    assert {one.outcome for one in found[1:]} == {Outcome.NOT_MEASURED}


def test_a_comparison_without_interval_is_not_measured_unless_another_fails() -> None:
    """Nothing passes over a comparison that could not be judged; a sure failure needs no other."""
    silent = Comparison(name="a - d", value=0.01, interval=None)
    fine = _compared(("a", 500, 1000), ("b", 510, 1000))
    bad = _compared(("a", 500, 1000), ("b", 900, 1000))
    limit = Limit(Op.AT_MOST, 0.1)
    found = decide(replace(fine, comparisons=(*fine.comparisons, silent)), "estimate", limit, Rule())
    assert (found.outcome, found.groups) == (Outcome.NOT_MEASURED, (Outcome.PASS, None))
    assert str(found.reason).startswith("a - d: no interval")
    worse = decide(replace(bad, comparisons=(*bad.comparisons, silent)), "estimate", limit, Rule())
    assert (worse.outcome, worse.groups) == (Outcome.FAIL, (Outcome.FAIL, None))


@pytest.mark.parametrize("value", [math.nan, 0.1])
def test_a_comparison_without_value_says_why_and_hides_no_failure(value: float) -> None:
    """What could not be measured keeps the rest from passing, and from nothing else."""
    silent = Comparison(name="y", value=value, interval=None, reason="it is a text in the other table")
    inside = Comparison(name="x", value=0.1, interval=Known(0.08, 0.12))
    outside = Comparison(name="x", value=0.9, interval=Known(0.8, 0.95))
    limit = Limit(Op.AT_MOST, 0.25)
    for decision in ("guard", "point"):
        rule = Rule(guard=0.02, decision=decision)  # type: ignore[arg-type]
        kept = decide(Estimate(value=0.1, n=9, comparisons=(inside, silent)), "estimate", limit, rule)
        assert kept.outcome is Outcome.NOT_MEASURED
        assert kept.reason == "y: it is a text in the other table"
        lost = decide(Estimate(value=0.9, n=9, comparisons=(outside, silent)), "estimate", limit, rule)
        assert (lost.outcome, lost.decides) == (Outcome.FAIL, "x")


def test_too_small_a_judged_share_is_inconclusive() -> None:
    """A pass over half the rows is none; a failure stays one."""
    limit = Limit(Op.AT_MOST, 0.1)
    good = _compared(("a", 500, 1000), ("b", 510, 1000), judged_share=0.5)
    bad = _compared(("a", 500, 1000), ("b", 900, 1000), judged_share=0.5)
    found = decide(good, "estimate", limit, Rule())
    assert (found.outcome, found.leans) == (Outcome.INCONCLUSIVE, None)
    assert "50.0% of the rows" in str(found.reason)
    assert decide(bad, "estimate", limit, Rule()).outcome is Outcome.FAIL
    assert decide(replace(good, judged_share=0.9), "estimate", limit, Rule()).outcome is Outcome.PASS
    assert decide(replace(good, judged_share=math.nan), "estimate", limit, Rule()).outcome is not Outcome.PASS


def test_holm_agrees_with_p_values() -> None:
    """Step-down over p-values from the interval family gives what `decide` rejects."""
    shares = [("a", 50, 100), ("b", 75, 100), ("c", 70, 90), ("d", 60, 100), ("e", 30, 35)]
    estimate, limit = _compared(*shares), Limit(Op.AT_MOST, 0.08)
    found = decide(estimate, "estimate", limit, Rule())
    ps = [p_outside(c.value, c.interval, limit) for c in estimate.comparisons if c.interval is not None]
    order = sorted(range(len(ps)), key=ps.__getitem__)
    steps = [ps[i] <= 0.05 / (len(ps) - rank) for rank, i in enumerate(order)]
    kept = steps.index(False)
    assert {i for i, one in enumerate(found.groups) if one is Outcome.FAIL} == set(order[:kept])
    assert 0 < kept < len(ps)


def test_p_outside_of_a_normal_interval_is_the_normal_tail() -> None:
    """With a known standard error the p-value is that of the z-test; inside the limit it is 1."""
    interval = Student(value=0.3, variance=0.01, n=1e12)
    assert p_outside(0.3, interval, Limit(Op.AT_MOST, 0.1)) == pytest.approx(0.0227501319, rel=1e-6)
    assert p_outside(0.3, interval, Limit(Op.AT_LEAST, 0.5)) == pytest.approx(0.0227501319, rel=1e-6)
    assert p_outside(0.3, interval, Limit(Op.AT_LEAST, 0.3)) == 1.0
    assert p_outside(0.3, Student(value=0.3, variance=1e-9, n=1e12), Limit(Op.AT_MOST, 0.1)) == 1e-12


def test_an_interval_that_breaks_off_is_no_interval() -> None:
    """Arithmetic that fails inside an interval is a finding, not a crash and not a pass."""
    broken = Wilson(0.0, 0.0)
    estimate = Estimate(value=0.9, n=10, interval=broken)
    found = decide(estimate, "estimate", Limit(Op.AT_LEAST, 0.5), Rule())
    assert found.outcome is Outcome.NOT_MEASURED
    assert "breaks off" in str(found.reason)


# ---------------------------------------------------------------------------------------- properties

ANY = st.floats()
TAME = st.floats(-2, 2).map(lambda x: round(x, 2))
OUTCOME_OF = {True: Outcome.PASS, False: Outcome.FAIL}


@st.composite
def limits(draw: st.DrawFn, numbers: st.SearchStrategy[float] = TAME) -> Limit:
    """Draw a limit for estimates."""
    op = draw(st.sampled_from([Op.AT_LEAST, Op.AT_MOST, Op.BETWEEN]))
    low, high = sorted((draw(numbers), draw(numbers)))
    return Limit(op, (low, high) if op is Op.BETWEEN else low)


@st.composite
def intervals(draw: st.DrawFn, value: float) -> Interval | None:
    """Draw an interval around a value: t, bootstrap, given bounds, or none."""
    kind = draw(st.sampled_from(["t", "given", "draws", "none"]))
    if kind == "t":
        return Student(value=value, variance=draw(st.floats(1e-8, 1.0)), n=draw(st.integers(2, 1000)))
    if kind == "given":
        return Known(value - draw(st.floats(0, 1)), value + draw(st.floats(0, 1)))
    if kind == "draws":
        draws = draw(st.lists(st.floats(-1, 1), min_size=12, max_size=20, unique=True))
        upward = draw(st.booleans())
        return Bootstrap(value=value, draws=tuple(sorted(value + x for x in draws)), upward=upward)
    return None


@st.composite
def estimates(draw: st.DrawFn) -> Estimate:
    """Draw an estimate, over groups or not, sometimes without interval or value."""
    if draw(st.integers(0, 9)) == 0:
        return Estimate.missing("nothing there")
    share = draw(st.one_of(st.none(), st.floats(0, 1)))
    values = draw(st.lists(TAME, min_size=1, max_size=4))
    if len(values) == 1:
        interval = draw(intervals(values[0]))
        return Estimate(value=values[0], n=draw(st.integers(0, 500)), interval=interval, judged_share=share)
    comparisons = tuple(
        Comparison(name=str(i), value=value, interval=draw(intervals(value)))
        for i, value in enumerate(values)
    )
    value = draw(st.sampled_from(values))
    return Estimate(value=value, n=100, comparisons=comparisons, judged_share=share)


RULES = st.builds(
    Rule,
    decision=st.sampled_from(["point", "guard", "bound"]),
    confidence=st.sampled_from([0.6, 0.9, 0.95, 0.975, 0.999]),
    guard=st.sampled_from([0.0, 0.02, 0.1, 1.0]),
)
KINDS = st.sampled_from(["fact", "estimate", "timing"])


@UNHURRIED
@given(estimates(), KINDS, limits(), RULES)
def test_nothing_passes_whose_estimate_is_outside(
    estimate: Estimate, kind: str, limit: Limit, rule: Rule
) -> None:
    """A pass means that the value and every comparison keep to the limit, at any guard."""
    found = decide(estimate, kind, limit, rule)
    if found.outcome is Outcome.PASS:
        assert estimate.value is not None
        assert limit.inside(estimate.value)
        assert all(limit.inside(one.value) for one in estimate.comparisons)
    if found.outcome is Outcome.FAIL:
        numbers = [one.value for one in estimate.comparisons]
        assert not all(limit.inside(one) for one in [*numbers, estimate.value])
    assert found.leans is None or found.outcome is Outcome.INCONCLUSIVE
    assert len(found.groups) == len(estimate.comparisons)


@UNHURRIED
@given(estimates(), KINDS, limits(), limits(), RULES)
def test_a_tighter_limit_never_makes_a_pass(
    estimate: Estimate, kind: str, one: Limit, other: Limit, rule: Rule
) -> None:
    """Whatever is not a pass under a limit is none under a tighter one."""
    if one.tighter_or_equal(other) and decide(estimate, kind, one, rule).outcome is Outcome.PASS:
        assert decide(estimate, kind, other, rule).outcome is Outcome.PASS


@UNHURRIED
@given(estimates(), KINDS, limits(), RULES, st.sampled_from([0.0, 0.01, 0.5, 5.0]))
def test_a_larger_guard_never_takes_a_pass_away(
    estimate: Estimate, kind: str, limit: Limit, rule: Rule, more: float
) -> None:
    """Guards only let through; they never block."""
    if decide(estimate, kind, limit, rule).outcome is Outcome.PASS:
        wider = replace(rule, guard=rule.guard + more)
        assert decide(estimate, kind, limit, wider).outcome is Outcome.PASS


@UNHURRIED
@given(estimates(), KINDS, limits(), RULES, st.sampled_from([0.95, 0.99, 0.9999]))
def test_more_confidence_never_makes_a_pass(
    estimate: Estimate, kind: str, limit: Limit, rule: Rule, confidence: float
) -> None:
    """Who wants to be surer never gets a pass that was inconclusive."""
    surer = replace(rule, confidence=max(confidence, rule.confidence))
    before, after = decide(estimate, kind, limit, rule), decide(estimate, kind, limit, surer)
    if before.outcome is not Outcome.PASS:
        assert after.outcome is not Outcome.PASS or before.outcome is Outcome.NOT_MEASURED


@UNHURRIED
@given(estimates(), limits(), RULES)
def test_point_is_weaker_than_guard_is_weaker_than_bound(
    estimate: Estimate, limit: Limit, rule: Rule
) -> None:
    """A pass by a stricter decision is a pass by a weaker one."""
    passed = [
        decide(estimate, "estimate", limit, replace(rule, decision=decision)).outcome is Outcome.PASS
        for decision in ("bound", "guard", "point")
    ]
    assert passed == sorted(passed)


@UNHURRIED
@given(
    value=ANY, low=ANY, high=ANY, limit=st.tuples(ANY, ANY), op=st.sampled_from(list(Op)), guard=ANY,
    confidence=ANY, share=ANY, n=st.integers(-5, 10**12), kind=KINDS,
    decision=st.sampled_from(["point", "guard", "bound"]),
)  # fmt: skip
def test_no_numbers_make_it_raise(  # noqa: PLR0917  # Hypothesis names them all
    value: float, low: float, high: float, limit: tuple[float, float], op: Op, guard: float,
    confidence: float, share: float, n: int, kind: str, decision: str,
) -> None:  # fmt: skip
    """NaN, infinities and the largest floats anywhere are judged, and never let through unseen."""
    held = Limit(op, limit if op is Op.BETWEEN else limit[0])
    rule = Rule(decision=decision, confidence=confidence, guard=guard)  # type: ignore[arg-type]  # drawn
    for comparisons in ((), (Comparison(name="a", value=low, interval=Known(low, high)),)):
        estimate = Estimate(
            value=value, n=n, interval=Known(low, high), comparisons=comparisons, judged_share=share
        )
        found = decide(estimate, kind, held, rule)
        if found.outcome is Outcome.PASS:
            assert math.isfinite(value)
            assert held.inside(value)


@UNHURRIED
@given(ANY)
def test_round12_is_stable(value: float) -> None:
    """Rounding twice is rounding once, and moves no number by more than its twelfth digit."""
    once = round12(value)
    assert round12(once) == once or math.isnan(value)
    if math.isfinite(value):
        assert abs(once - value) <= 1e-11 * abs(value) + 5e-324
        assert math.copysign(1.0, once) == 1.0 or once < 0


@UNHURRIED
@given(limits(), limits(), TAME)
def test_tighter_means_that_less_is_inside(one: Limit, other: Limit, value: float) -> None:
    """Whatever keeps to the tighter limit keeps to the other."""
    if one.tighter_or_equal(other) and one.inside(value):
        assert other.inside(value)


def test_an_integer_too_large_for_a_float_is_no_limit() -> None:
    """Limits are read from files that anyone may write: 10^400 is neither kept nor a crash."""
    limit = Limit(Op.AT_MOST, 10**400)
    found = decide(Estimate(value=1.0, n=5), "fact", limit, Rule())
    assert found.outcome is Outcome.NOT_MEASURED
    assert str(limit) == "at most nan"


def test_text_limits() -> None:
    """Text equals the same text and nothing else."""
    limit = Limit(Op.EQUALS, "abc")
    assert limit.inside("abc")
    assert not limit.inside("abd")
    assert not limit.inside(1.0)
    assert not Limit(Op.EQUALS, 1.0).inside("1.0")
    assert limit.tighter_or_equal(limit)
    assert not limit.tighter_or_equal(Limit(Op.AT_LEAST, 0.0))
    assert str(limit) == "equals 'abc'"


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (Limit(Op.AT_LEAST, 0.8), "at least 0.8"),
        (Limit(Op.AT_MOST, 3), "at most 3"),
        (Limit(Op.BETWEEN, (0.9, 1.1)), "between 0.9 and 1.1"),
        (Limit(Op.EQUALS, 2.0), "equals 2"),
        (Limit(Op.HOLDS, True), "true"),
        (Limit(Op.HOLDS, False), "false"),
    ],
)
def test_limits_in_words(limit: Limit, words: str) -> None:
    """A limit reads as a sentence does."""
    assert str(limit) == words
