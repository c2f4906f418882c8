"""Tables of models whose true value is known, and what the rule decides on them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from scipy.special import xlogy

from mlgate.estimates import Estimate, Interval
from mlgate.findings import Outcome
from mlgate.limits import Limit, Op, Rule, decide
from mlgate.measures.judging import Judging
from mlgate.measures.metrics import shipped
from tests.simulation.methods import EIGHT, joint_of
from tests.simulation.simulating import KINDS, Share, asked, auc_scores, cells, decisions, rows

Estimates: TypeAlias = list[tuple[Estimate, int]]
"""Each with how many draws it stands for."""

Ints: TypeAlias = Any


@dataclass(frozen=True, eq=False)
class Fixed:
    """An interval that computes the bounds at a confidence once, and refuses to say what more rows would do.

    The rows that a finding would need take a hundred times longer than the decision, and change none.
    """

    of: Interval

    @property
    def method(self) -> str:
        """That of the interval."""
        return self.of.method

    @cache  # noqa: B019  the estimates of a case live no longer than it
    def at(self, confidence: float) -> tuple[float, float]:
        """Return the bounds of the interval."""
        return self.of.at(confidence)

    def grown(self, factor: float) -> Interval:
        """Refuse."""
        raise ValueError(f"{factor} times the rows are not looked at")


def fixed(estimate: Estimate) -> Estimate:
    """Return an estimate whose intervals are `Fixed`."""
    assert estimate.interval is not None, estimate.reason
    comparisons = tuple(
        replace(one, interval=None if one.interval is None else Fixed(one.interval))
        for one in estimate.comparisons
    )
    return replace(estimate, interval=Fixed(estimate.interval), comparisons=comparisons, charts=())


@dataclass(frozen=True, kw_only=True)
class Case:
    """A model with a known true value, drawn again and again."""

    name: str
    n: int
    truth: float
    drawn: Estimates
    guard: float = 0.02
    higher: bool = True
    paired: bool = False
    """Whether it is an improvement, of which the margin is the guard."""

    def passing(self, better_by: float, guard: float) -> Share:
        """Return how often it passes at a limit that it is better than by so much."""
        sign = 1.0 if self.higher else -1.0
        limit = Limit(Op.AT_LEAST if self.higher else Op.AT_MOST, self.truth - sign * better_by)
        rule = Rule(decision="guard" if guard else "bound", guard=guard)
        passed = [
            (decide(one, "estimate", limit, rule).outcome is Outcome.PASS, count) for one, count in self.drawn
        ]
        return Share(hits=sum(count for one, count in passed if one), draws=sum(count for _, count in passed))


def by_counts(counts: Ints, measured: Callable[..., Estimate]) -> Estimates:
    """Measure each distinct row of counts once."""
    found, times = np.unique(counts, axis=0, return_counts=True)
    return [(fixed(measured(*one)), int(count)) for one, count in zip(found.tolist(), times, strict=True)]


def singles(n: int) -> Iterator[Case]:
    """Yield accuracy, recall, F1, AUC, log loss and MAE."""
    rng = np.random.default_rng(100 + n)
    for accuracy in (0.8, 0.95):
        half = accuracy / 2.0, (1.0 - accuracy) / 2.0
        counts = rng.multinomial(n, [half[0], half[1], half[1], half[0]], 10000)
        right = counts[:, [0, 3]].sum(1)
        merged = np.stack([right, n - right], axis=1)
        yield Case(
            name=f"accuracy {accuracy}",
            n=n,
            truth=accuracy,
            drawn=by_counts(merged, lambda a, b: asked("performance.accuracy", decisions(a, b, 0, 0))),
        )
    for recall, prevalence in ((0.7, 0.3), (0.9, 0.1)):
        positives = rng.binomial(n, prevalence, 10000)
        hits = rng.binomial(positives, recall)
        pairs = np.stack([hits, positives - hits], axis=1)
        yield Case(
            name=f"recall {recall}, of {prevalence:.0%}",
            n=n,
            truth=recall,
            drawn=by_counts(pairs, lambda a, b: asked("performance.recall", decisions(a, 0, b, 1))),
        )
    for prevalence, recall, alarms in ((0.3, 0.8, 0.1), (0.1, 0.7, 0.05)):
        shares = [prevalence * recall, (1 - prevalence) * alarms, prevalence * (1 - recall)]
        f1 = 2.0 * shares[0] / (2.0 * shares[0] + shares[1] + shares[2])
        counts = rng.multinomial(n, [*shares, 1.0 - sum(shares)], 10000)[:, :3]
        merged = np.stack([counts[:, 0], counts[:, 1] + counts[:, 2]], axis=1)
        yield Case(
            name=f"F1 {f1:.2f}, of {prevalence:.0%}",
            n=n,
            truth=f1,
            drawn=by_counts(merged, lambda a, b: asked("performance.f1", decisions(a, b, 0, n - a - b))),
        )
    yield from scored(n, rng)


def scored(n: int, rng: np.random.Generator) -> Iterator[Case]:
    """Yield AUC, log loss and MAE."""
    areas, draws = (1000, 4000) if n <= 1000 else (300, 600)
    for auc, prevalence in ((0.8, 0.3), (0.9, 0.1)):
        label = np.zeros(n)
        label[: int(n * prevalence)] = 1.0
        tables = (rows(label=label, score=auc_scores(rng, auc, label)) for _ in range(areas))
        yield Case(
            name=f"AUC {auc}, of {prevalence:.0%}",
            n=n,
            truth=auc,
            drawn=[(fixed(asked("performance.roc_auc", one)), 1) for one in tables],
        )
    for prevalence in (0.1, 0.3):
        odds = math.log(prevalence / (1.0 - prevalence))
        truth = expected_loss(odds)
        yield Case(
            name=f"log loss {truth:.2f}, of {prevalence:.0%}",
            n=n,
            truth=truth,
            guard=0.05 * truth,
            higher=False,
            drawn=[
                (fixed(asked("performance.log_loss", rows(**calibrated(rng, n, odds)))), 1)
                for _ in range(draws)
            ],
        )
    for kind in ("normal", "laplace"):
        truth = math.sqrt(2.0 / math.pi) if kind == "normal" else 1.0
        zeros = np.zeros(n)
        errors = (getattr(rng, kind)(size=n) for _ in range(draws))
        yield Case(
            name=f"MAE, {kind} errors",
            n=n,
            truth=truth,
            guard=0.05 * truth,
            higher=False,
            drawn=[
                (fixed(asked("performance.mae", rows(label=zeros, prediction=one), task="regression")), 1)
                for one in errors
            ],
        )


SPREAD = 1.5
"""Of the true log odds of the rows, around their middle."""


def calibrated(rng: np.random.Generator, n: int, odds: float) -> dict[str, Any]:
    """Draw labels by the scores themselves."""
    score = 1.0 / (1.0 + np.exp(-(odds + SPREAD * rng.normal(size=n))))
    return {"label": (rng.random(n) < score).astype(float), "score": score}


def expected_loss(odds: float) -> float:
    """Return the log loss of calibrated scores."""
    at, weight = np.polynomial.hermite_e.hermegauss(80)
    score = 1.0 / (1.0 + np.exp(-(odds + SPREAD * at)))
    return float((-xlogy(score, score) - xlogy(1.0 - score, 1.0 - score)) @ weight / weight.sum())


JUDGING = Judging(by=("g",), min_group=30, judge_unknown=False)


def grouped(n: int, rates: Sequence[tuple[float, float]], draws: int, rng: Any) -> Ints:
    """Draw counts of true and false positives and negatives (last axis) for groups of equal size."""
    size = n // len(rates)
    positives = size // 2
    hits = np.stack([rng.binomial(positives, hit, draws) for hit, _ in rates], axis=1)
    alarms = np.stack([rng.binomial(size - positives, alarm, draws) for _, alarm in rates], axis=1)
    return np.stack([hits, alarms, positives - hits, size - positives - alarms], axis=2)


def over(groups: int) -> Any:
    """Return numbers from 0 to 1, one a group."""
    return np.linspace(0.0, 1.0, groups)


def gaps(n: int, groups: int) -> Iterator[Case]:
    """Yield differences and ratios of groups whose rates are spread evenly between the two that are farthest apart."""
    rng = np.random.default_rng(200 + n + groups)
    draws = {2: 1500, 4: 800, 8: 400}[groups]
    names = np.repeat([f"group {number}" for number in range(groups)], 4)
    roles = {role: np.tile(values, groups) for role, values in KINDS.items()}

    def of(measure: str, counts: Ints) -> Estimates:
        tables = (cells(roles, one.ravel(), groups={"g": names}) for one in counts)
        return [(fixed(asked(f"fairness.{measure}", one, judging=JUDGING)), 1) for one in tables]

    apart = 0.12
    parity = grouped(n, [(0.4 + apart * x, 0.4 + apart * x) for x in over(groups)], draws, rng)
    yield Case(
        name=f"demographic parity difference, {groups} groups",
        n=n,
        truth=apart,
        higher=False,
        drawn=of("demographic_parity_difference", parity),
    )
    odds = grouped(n, [(0.7 + apart * x, 0.2 + apart / 2 * x) for x in over(groups)], draws, rng)
    yield Case(
        name=f"equalized odds difference, {groups} groups",
        n=n,
        truth=apart,
        higher=False,
        drawn=of("equalized_odds_difference", odds),
    )
    uneven = grouped(n, [(0.5 - apart * x, 0.5 - apart * x) for x in over(groups)], draws, rng)
    for measure in ("demographic_parity_ratio", "impact_ratio"):
        yield Case(
            name=f"{measure.replace('_', ' ')}, {groups} groups",
            n=n,
            truth=(0.5 - apart) / 0.5,
            guard=0.05,
            drawn=of(measure, uneven),
        )


def compared(metric: str, tables: Any, counted: Any = None) -> Estimates:
    """Compare two models on each table."""
    named = shipped(metric)
    times = np.ones(len(tables), dtype=int) if counted is None else counted
    return [
        (fixed(asked("compare.improvement", one, metric=named, margin=0.02)), int(count))
        for one, count in zip(tables, times, strict=True)
    ]


def losers(n: int) -> Iterator[Case]:
    """Yield candidates that are worse than the champion by exactly the margin."""
    rng = np.random.default_rng(300 + n)
    margin = 0.02
    for alike in (0.3, 0.8):
        right = joint_of(0.85, margin, alike)  # both, candidate alone, champion alone, neither
        counts, times = np.unique(rng.multinomial(n, right, 2000), axis=0, return_counts=True)
        table = {
            "label": [1.0] * 4,
            "prediction": [1.0, 1.0, 0.0, 0.0],
            "champion_prediction": [1.0, 0.0, 1.0, 0.0],
        }
        yield Case(
            name=f"accuracy, correlated {alike}",
            n=n,
            truth=-margin,
            paired=True,
            drawn=compared("accuracy", [cells(table, one) for one in counts], times),
        )
    for alike in (0.3, 0.8):
        label = np.zeros(n)
        label[: int(n * 0.3)] = 1.0
        tables = []
        for _ in range(600 if n <= 1000 else 250):
            noise = rng.normal(size=(2, n))
            shift = [math.sqrt(2.0) * _ppf(area) * label for area in (0.83, 0.85)]
            mixed = alike * noise[0] + math.sqrt(1.0 - alike**2) * noise[1]
            tables.append(rows(label=label, score=noise[0] + shift[0], champion_score=mixed + shift[1]))
        yield Case(
            name=f"AUC, correlated {alike}",
            n=n,
            truth=-margin,
            paired=True,
            drawn=compared("roc-auc", tables),
        )
    odds = math.log(0.3 / 0.7)
    scores = [calibrated(rng, n, odds) for _ in range(1000)]
    worse = _worse_by(odds)
    tables = []
    for one in scores:
        logit = np.log(one["score"] / (1.0 - one["score"]))
        other = 1.0 / (1.0 + np.exp(-(logit + worse * rng.normal(size=n))))
        tables.append(rows(label=one["label"], score=other, champion_score=one["score"]))
    yield Case(name="log loss", n=n, truth=-margin, paired=True, drawn=compared("log-loss", tables))
    shares, truth = _f1_joint()
    counts = rng.multinomial(n, shares, 600)
    yield Case(
        name="F1", n=n, truth=truth, paired=True, drawn=compared("f1", [cells(EIGHT, one) for one in counts])
    )


def _ppf(area: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf(area))


def _worse_by(odds: float) -> float:
    """Return the noise on the log odds that costs 0.02 nats."""
    from scipy.optimize import brentq

    at, weight = np.polynomial.hermite_e.hermegauss(60)
    weight = weight / weight.sum()
    logit = odds + SPREAD * at[:, None]
    p = 1.0 / (1.0 + np.exp(-logit))

    def excess(size: float) -> float:
        q = 1.0 / (1.0 + np.exp(-(logit + size * at[None, :])))
        loss = -xlogy(p, q) - xlogy(1.0 - p, 1.0 - q)
        return float(weight @ loss @ weight) - expected_loss(odds) - 0.02

    return float(brentq(excess, 0.01, 3.0))


def _f1_joint() -> tuple[list[float], float]:
    """Return shares of `EIGHT` and the improvement in F1."""
    prevalence, recalls, alarms = 0.3, (0.75, 0.8), (0.1, 0.1)
    positive, negative = joint_of(recalls[0], recalls[1] - recalls[0], 0.5), joint_of(alarms[0], 0.0, 0.5)
    f1 = [
        2.0 * prevalence * hit / (prevalence * (1.0 + hit) + (1.0 - prevalence) * alarm)
        for hit, alarm in zip(recalls, alarms, strict=True)
    ]
    return [*(prevalence * one for one in positive), *((1 - prevalence) * one for one in negative)], f1[
        0
    ] - f1[1]
