"""The chance of passing, against enumeration of every table, simulation, and the figures of the design."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from mlgate.estimates import Comparison, Estimate
from mlgate.findings import Outcome
from mlgate.intervals import delong, evenness, gap, mean_of, proportion, ratio
from mlgate.limits import Limit, Op, Rule, decide
from mlgate.limits.power import Power, chance, noise, power


def share(k: int, n: int) -> Estimate:
    """Return the estimate of a proportion, as `performance.accuracy` gives it."""
    found = proportion(k, n)
    return Estimate(value=found.value, n=n, interval=found.interval)


def enumerated(k: int, n: int, limit: Limit, rule: Rule) -> float:
    """Return the chance that a table of n rows passes, whose truth is k / n, by looking at every table."""
    chances = binom.pmf(np.arange(n + 1), n, k / n)
    passed = [
        decide(share(hits, n), "estimate", limit, rule).outcome is Outcome.PASS for hits in range(n + 1)
    ]
    return float(chances[passed].sum())


def test_figures_of_the_design() -> None:
    """STATISTICS.md, simulated there: 1000 rows, limit .80."""
    limit = Limit(Op.AT_LEAST, 0.80)
    bound, guard = Rule(decision="bound"), Rule(decision="guard", guard=0.02)
    assert chance(share(820, 1000), limit, bound) == pytest.approx(0.49, abs=0.015)
    assert chance(share(820, 1000), limit, guard) == pytest.approx(0.94, abs=0.015)
    assert chance(share(780, 1000), limit, bound) < 0.001
    assert 0.02 < chance(share(780, 1000), limit, guard) <= 0.055


@pytest.mark.parametrize(
    "rule", [Rule(decision="point"), Rule(decision="bound"), Rule(guard=0.02), Rule(guard=0.05)]
)
@pytest.mark.parametrize(
    ("k", "n"), [(24, 30), (30, 30), (0, 40), (82, 100), (410, 500), (999, 1000), (1, 60)]
)
@pytest.mark.parametrize(
    "limit",
    [
        Limit(Op.AT_LEAST, 0.8),
        Limit(Op.AT_LEAST, 0.97),
        Limit(Op.AT_MOST, 0.05),
        Limit(Op.BETWEEN, (0.7, 0.9)),
    ],
    ids=str,
)
def test_a_proportion_is_counted_exactly(k: int, n: int, limit: Limit, rule: Rule) -> None:
    """The closed form is the sum over every table that could be drawn, each decided by the rule itself."""
    assert chance(share(k, n), limit, rule) == pytest.approx(enumerated(k, n, limit, rule), abs=1e-9)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    n=st.integers(2, 150),
    part=st.floats(0, 1),
    limit=st.floats(0, 1),
    guard=st.sampled_from([0.0, 0.01, 0.05, 0.2]),
    confidence=st.sampled_from([0.8, 0.95, 0.99]),
    at_least=st.booleans(),
)
def test_any_proportion_is_counted_exactly(
    n: int, part: float, limit: float, guard: float, confidence: float, *, at_least: bool
) -> None:
    """The same for whatever table, limit and rule there may be."""
    k = round(part * n)
    held = Limit(Op.AT_LEAST if at_least else Op.AT_MOST, limit)
    rule = Rule(guard=guard, confidence=confidence)
    assert chance(share(k, n), held, rule) == pytest.approx(enumerated(k, n, held, rule), abs=1e-6)


def compared(parts: dict[str, tuple[int, int]], how: str = "gap") -> Estimate:
    """Return the estimate of a check over all pairs of groups, as the fairness measures build it."""
    rates = {name: proportion(k, n) for name, (k, n) in parts.items()}
    names = sorted(rates, key=lambda name: (rates[name].value, rates[name].kish_n))
    claims = []
    for i, low in enumerate(names):
        for high in names[i + 1 :]:
            first, second = (rates[high], rates[low]) if how == "gap" else (rates[low], rates[high])
            value = first.value - second.value if how == "gap" else first.value / second.value
            interval = gap(first, second) if how == "gap" else evenness(first, second)
            order = (high, low) if how == "gap" else (low, high)
            claims.append(
                Comparison(
                    name=" - ".join(order),
                    value=value,
                    interval=interval,
                    groups=tuple({"g": one} for one in order),
                )
            )
    worst = (max if how == "gap" else min)(claims, key=lambda one: one.value)
    return Estimate(
        value=worst.value,
        n=sum(n for _, n in parts.values()),
        interval=worst.interval,
        comparisons=tuple(claims),
        judged_share=1.0,
    )


def simulated(
    parts: dict[str, tuple[int, int]], limit: Limit, rule: Rule, how: str = "gap", draws: int = 1000
) -> float:
    """Return how often tables that are drawn from these rates pass, each decided by the rule itself."""
    random = np.random.default_rng(1)
    drawn = {name: random.binomial(n, k / n, size=draws) for name, (k, n) in parts.items()}
    passed = 0
    for i in range(draws):
        found = compared({name: (int(drawn[name][i]), n) for name, (_, n) in parts.items()}, how)
        passed += decide(found, "estimate", limit, rule).outcome is Outcome.PASS
    return passed / draws


def test_a_gap_of_two_groups_against_every_table() -> None:
    """Two groups of 60: the normal form is near the sum over all 3721 tables."""
    parts = {"a": (30, 60), "b": (33, 60)}
    limit, rule = Limit(Op.AT_MOST, 0.2), Rule(guard=0.05)
    sums = 0.0
    for first, second in product(range(61), repeat=2):
        weight = binom.pmf(first, 60, 30 / 60) * binom.pmf(second, 60, 33 / 60)
        if weight > 1e-9:
            found = compared({"a": (first, 60), "b": (second, 60)})
            sums += weight * (decide(found, "estimate", limit, rule).outcome is Outcome.PASS)
    assert chance(compared(parts), limit, rule) == pytest.approx(sums, abs=0.04)


@pytest.mark.parametrize(
    ("parts", "limit", "guard", "how"),
    [
        ({"a": (300, 500), "b": (320, 500)}, 0.1, 0.02, "gap"),
        ({"a": (300, 500), "b": (320, 500), "c": (150, 250)}, 0.1, 0.02, "gap"),
        ({"a": (400, 800), "b": (400, 800), "c": (200, 400), "d": (390, 800)}, 0.08, 0.05, "gap"),
        ({"a": (100, 1000), "b": (400, 1000)}, 0.3, 0.05, "gap"),
        ({"a": (300, 500), "b": (320, 500), "c": (160, 250)}, 0.8, 0.05, "ratio"),
        ({"a": (500, 1000), "b": (450, 1000)}, 0.85, 0.05, "ratio"),
    ],
)
def test_groups_against_simulation(
    parts: dict[str, tuple[int, int]], limit: float, guard: float, how: str
) -> None:
    """All pairs pass together: groups that share their noise are no independent tests."""
    held = Limit(Op.AT_MOST if how == "gap" else Op.AT_LEAST, limit)
    rule = Rule(guard=guard)
    found = chance(compared(parts, how), held, rule)
    assert found == pytest.approx(simulated(parts, held, rule, how), abs=0.045)


def test_two_groups_with_the_same_counts_do_not_share_their_noise() -> None:
    """Equal counts are no equal groups: else a gap of none would pass surely."""
    parts = {"a": (50, 100), "b": (50, 100)}
    limit, rule = Limit(Op.AT_MOST, 0.1), Rule(guard=0.05)
    found = chance(compared(parts), limit, rule)
    assert found < 0.5
    assert found == pytest.approx(simulated(parts, limit, rule), abs=0.05)


def test_lone_groups_are_multiplied() -> None:
    """Of the worst of several groups, all have to pass, and their rows are their own."""
    rates = {name: proportion(k, n) for name, (k, n) in {"a": (90, 100), "b": (180, 200)}.items()}
    claims = tuple(
        Comparison(name=name, value=one.value, interval=one.interval, groups=({"g": name},), rate="accuracy")
        for name, one in rates.items()
    )
    found = Estimate(value=0.9, n=300, interval=rates["a"].interval, comparisons=claims, judged_share=1.0)
    limit, rule = Limit(Op.AT_LEAST, 0.85), Rule(guard=0.05)
    alone = chance(share(90, 100), limit, rule) * chance(share(180, 200), limit, rule)
    assert chance(found, limit, rule) == pytest.approx(alone, abs=1e-12)


def test_an_auc_against_simulation() -> None:
    """Normal scores one apart: AUC .76; DeLong's interval of each drawn table, decided by the rule."""
    random = np.random.default_rng(3)

    def estimate(pos: np.ndarray, neg: np.ndarray) -> Estimate:
        score = np.concatenate([pos, neg])
        label = np.concatenate([np.ones(len(pos)), np.zeros(len(neg))])
        ones = np.ones(len(score))
        interval = delong(score, label, ones, ones)
        assert interval is not None
        return Estimate(value=interval.value, n=len(score), interval=interval)

    limit, rule = Limit(Op.AT_LEAST, 0.72), Rule(guard=0.02)
    passed = [
        decide(estimate(random.normal(1, 1, 150), random.normal(0, 1, 350)), "estimate", limit, rule).outcome
        is Outcome.PASS
        for _ in range(500)
    ]
    middle = None
    for _ in range(200):  # a table whose AUC is the true one
        found = estimate(random.normal(1, 1, 150), random.normal(0, 1, 350))
        if middle is None or abs(found.value - 0.76025) < abs(middle.value - 0.76025):
            middle = found
    assert middle is not None
    assert chance(middle, limit, rule) == pytest.approx(np.mean(passed), abs=0.05)


def test_a_mean_against_simulation() -> None:
    """Absolute errors: the t interval of their mean, at most a limit."""
    random = np.random.default_rng(5)

    def estimate(errors: np.ndarray) -> Estimate:
        ones = np.ones(len(errors))
        interval = mean_of(errors, ones, ones)
        assert interval is not None
        return Estimate(value=interval.value, n=len(errors), interval=interval)

    limit, rule = Limit(Op.AT_MOST, 1.1), Rule(guard=0.05)
    passed = [
        decide(estimate(random.exponential(1.0, 400)), "estimate", limit, rule).outcome is Outcome.PASS
        for _ in range(1500)
    ]
    errors = random.exponential(1.0, 400)
    scaled = estimate(errors / errors.mean())
    assert chance(scaled, limit, rule) == pytest.approx(np.mean(passed), abs=0.06)


def test_more_rows_are_enough_where_rows_help() -> None:
    """At the rows that are named, the same estimate has the chance that they are named for."""
    limit, rule = Limit(Op.AT_LEAST, 0.8), Rule(decision="bound")
    found = power(share(820, 1000), "estimate", limit, rule)
    assert found.rows is not None
    for target, rows in found.rows.items():
        assert rows is not None
        assert chance(share(round(0.82 * rows), rows), limit, rule) == pytest.approx(target, abs=0.03)


def test_no_rows_help_a_model_on_the_wrong_side() -> None:
    """What is outside stays outside; and on the limit, half of all tables are outside."""
    rule = Rule(decision="bound")
    for value in (780, 800):
        found = power(share(value, 1000), "estimate", Limit(Op.AT_LEAST, 0.8), rule)
        assert found.rows == {0.8: None, 0.9: None, 0.95: None}


def test_the_change_that_is_caught() -> None:
    """At the value from which a loss is caught, one table in twenty passes; at the other, every second."""
    limit, rule = Limit(Op.AT_LEAST, 0.8), Rule(guard=0.02)
    found = power(share(8600, 10000), "estimate", limit, rule)
    assert found.few is not None
    assert found.half is not None
    assert found.few < found.half
    assert enumerated_at(found.few, 10000, limit, rule) == pytest.approx(0.05, abs=0.01)
    assert enumerated_at(found.half, 10000, limit, rule) == pytest.approx(0.5, abs=0.02)


def enumerated_at(truth: float, n: int, limit: Limit, rule: Rule) -> float:
    """Return the chance of passing at any truth, by bisection for the fewest hits that pass."""
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        passed = decide(share(middle, n), "estimate", limit, rule).outcome is Outcome.PASS
        low, high = (low, middle) if passed else (middle + 1, high)
    return float(binom.sf(low - 1, n, truth))


def test_what_cannot_pass_says_so() -> None:
    """Thirty rows cannot show that a rate is above 97 %, not even if all hit."""
    found = power(share(30, 30), "estimate", Limit(Op.AT_LEAST, 0.97), Rule(decision="bound"))
    assert found.passes == 0.0
    assert found.best == 0.0
    assert found.few is None


def test_facts_have_no_noise() -> None:
    """They hold or they do not."""
    fact = Estimate(value=3.0, n=100)
    assert power(fact, "fact", Limit(Op.AT_MOST, 5), Rule()) == Power(
        passes=1.0, inside=1.0, unfailed=1.0, noisy=False
    )
    assert power(fact, "fact", Limit(Op.AT_MOST, 2), Rule()).passes == 0.0


@pytest.mark.parametrize(
    "estimate",
    [
        Estimate.missing("no rows"),
        Estimate(value=math.nan, n=3),
        Estimate(value=0.9, n=100),
        Estimate(value=math.inf, n=3, interval=proportion(1, 2).interval),
    ],
)
def test_what_cannot_be_measured_has_no_chance(estimate: Estimate) -> None:
    """No value, no interval, not finite: nothing is said of it, and nothing is raised."""
    found = power(estimate, "estimate", Limit(Op.AT_LEAST, 0.5), Rule())
    assert found.passes is None
    assert found.reason
    assert chance(estimate, Limit(Op.AT_LEAST, 0.5), Rule()) == 0.0


def test_groups_that_hold_too_few_rows_never_pass() -> None:
    """A pass on too small a share of the rows is inconclusive, whatever the estimates."""
    found = compared({"a": (500, 1000), "b": (500, 1000)})
    few = Estimate(
        value=found.value, n=found.n, interval=found.interval, comparisons=found.comparisons, judged_share=0.5
    )
    limit, rule = Limit(Op.AT_MOST, 0.5), Rule(guard=0.02)
    assert power(found, "estimate", limit, rule).passes == pytest.approx(1.0)
    refused = power(few, "estimate", limit, rule)
    assert refused.passes == 0.0
    assert refused.reason is not None
    assert "50.0% of the rows" in refused.reason


def test_looser_guards_and_limits_never_lower_the_chance() -> None:
    """More is let through, never less."""
    estimate = compared({"a": (300, 500), "b": (320, 500), "c": (150, 250)})
    chances = [chance(estimate, Limit(Op.AT_MOST, at / 100), Rule(guard=0.02)) for at in range(0, 40, 2)]
    assert chances == sorted(chances)
    guards = [chance(estimate, Limit(Op.AT_MOST, 0.08), Rule(guard=at / 100)) for at in range(20)]
    assert guards == sorted(guards)


def test_the_same_answer_every_time() -> None:
    """The noise of groups comes from a fixed seed."""
    estimate = compared({"a": (300, 500), "b": (320, 500), "c": (150, 250)})
    first, second = (power(estimate, "estimate", Limit(Op.AT_MOST, 0.1), Rule(guard=0.02)) for _ in range(2))
    assert first == second


def test_a_ratio_to_the_best_group_keeps_to_simulation() -> None:
    """Impact ratios share the noise of the best group."""
    parts = {"a": (300, 500), "b": (280, 500), "c": (270, 500)}
    rates = {name: proportion(k, n) for name, (k, n) in parts.items()}
    claims = tuple(
        Comparison(
            name=f"{name} / a",
            value=rates[name].value / rates["a"].value,
            interval=ratio(rates[name], rates["a"]),
            groups=({"g": name},),
            rate="impact_ratio",
        )
        for name in ("b", "c")
    )
    estimate = Estimate(value=0.9, n=1500, interval=claims[1].interval, comparisons=claims, judged_share=1.0)
    limit, rule = Limit(Op.AT_LEAST, 0.8), Rule(guard=0.05)
    random = np.random.default_rng(2)
    passed = 0
    for _ in range(1500):
        drawn = {name: proportion(int(random.binomial(n, k / n)), n) for name, (k, n) in parts.items()}
        values = [
            decide(
                Estimate(
                    value=drawn[name].value / drawn["a"].value,
                    n=1000,
                    interval=ratio(drawn[name], drawn["a"]),
                ),
                "estimate",
                limit,
                rule,
            ).outcome
            is Outcome.PASS
            for name in ("b", "c")
        ]
        passed += all(values)
    assert chance(estimate, limit, rule) == pytest.approx(passed / 1500, abs=0.045)


def test_noise_is_about_a_standard_error() -> None:
    """Half the width of the interval, in standard errors."""
    assert noise(share(500, 1000)) == pytest.approx(math.sqrt(0.25 / 1000), rel=0.01)
    assert noise(Estimate(value=1.0, n=3)) is None
