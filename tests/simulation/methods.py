"""Each approximate interval over a grid of truths and sizes: how often it holds the truth, nominally 95 %."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from scipy.special import xlogy
from scipy.stats import binom, norm

from mlgate.estimates import Interval
from mlgate.intervals import (
    clustered_share,
    delong,
    difference,
    f_score,
    mean_of,
    proportion,
    ratio,
    weighted_sum,
)
from mlgate.intervals.paired import PairedProportions
from mlgate.intervals.paired_areas import paired_areas
from mlgate.intervals.quantile import order_statistics
from mlgate.measures.metrics import shipped
from tests.simulation.simulating import (
    LEVEL,
    RATES,
    SIZES,
    Floats,
    Share,
    asked,
    auc_scores,
    cells,
    covered,
    covered_by_counts,
    draws_of,
    grid,
)

Point: TypeAlias = tuple[float | str, ...]
Found: TypeAlias = tuple[Point, float, int]
"""A point of the grid, the coverage there, and the draws; 0 where it was computed."""

SOME = (200, 1000, 5000)


def _drawn(point: Point, share: Share) -> Found:
    return point, share.value, share.draws


def _binomial(n: int, interval: Any) -> Iterator[Found]:
    """Add up the chances of all counts whose interval holds the truth."""
    bounds = np.array([interval(k, n).at(LEVEL) for k in range(n + 1)])
    for p in RATES:
        inside = (bounds[:, 0] <= p) & (p <= bounds[:, 1])
        yield (p, n), float(binom.pmf(np.arange(n + 1), n, p)[inside].sum()), 0


def wilson() -> Iterator[Found]:
    """Of one share, with Clopper and Pearson's where none or all hit, as the measures have it."""
    for n in SIZES:
        yield from _binomial(n, lambda k, n: proportion(k, n).interval)


def clopper_pearson() -> Iterator[Found]:
    """Of one share, computed."""
    for n in SIZES:
        yield from _binomial(n, lambda k, n: proportion(k, n).exact)


def random_denominator() -> Iterator[Found]:
    """Precision and recall: of n rows, half count."""
    rng = np.random.default_rng(1)
    for p, n in grid():
        among = np.maximum(rng.binomial(n, 0.5, draws_of(n)), 1)
        counts = np.stack([rng.binomial(among, p), among], axis=1)
        yield _drawn((p, n), covered_by_counts(counts, lambda k, m: proportion(k, m).interval, p))


def newcombe() -> Iterator[Found]:
    """Difference of two groups, the second three times as large and nearer to 1 by a tenth."""
    rng = np.random.default_rng(2)
    for p, n in grid():
        q, m = p + 0.1 * (1.0 - p), n // 4
        counts = np.stack([rng.binomial(m, p, draws_of(n)), rng.binomial(n - m, q, draws_of(n))], axis=1)

        def interval(a: int, b: int, n: int = n, m: int = m) -> Any:
            return difference(proportion(a, m), proportion(b, n - m))

        yield _drawn((p, n), covered_by_counts(counts, interval, p - q))


def mover_ratio() -> Iterator[Found]:
    """Ratio of two groups of equal size, the second nearer to 1 by a tenth."""
    rng = np.random.default_rng(3)
    for p, n in grid():
        q, m = p + 0.1 * (1.0 - p), n // 2
        counts = np.stack([rng.binomial(m, p, draws_of(n)), rng.binomial(n - m, q, draws_of(n))], axis=1)

        def interval(a: int, b: int, n: int = n, m: int = m) -> Any:
            return ratio(proportion(a, m), proportion(b, n - m))

        yield _drawn((p, n), covered_by_counts(counts, interval, p / q))


def f1() -> Iterator[Found]:
    """Of n rows, half are positive by label or by prediction; the rate is Jaccard's."""
    rng = np.random.default_rng(4)
    for j, n in grid():
        among = np.maximum(rng.binomial(n, 0.5, draws_of(n)), 1)
        hits = rng.binomial(among, j)
        counts = np.stack([hits, among - hits], axis=1)
        share = covered_by_counts(counts, lambda tp, wrong: f_score(tp, wrong, 0), 2.0 * j / (1.0 + j))
        yield _drawn((j, n), share)


def balanced_accuracy() -> Iterator[Found]:
    """Recall is the rate, specificity nearer to 1 by half; three rows of ten are positive."""
    rng = np.random.default_rng(5)
    for p, n in grid():
        other, m = (1.0 + p) / 2.0, int(0.3 * n)
        counts = np.stack([rng.binomial(m, p, draws_of(n)), rng.binomial(n - m, other, draws_of(n))], axis=1)

        def interval(a: int, b: int, n: int = n, m: int = m) -> Any:
            return weighted_sum([proportion(a, m), proportion(b, n - m)])

        yield _drawn((p, n), covered_by_counts(counts, interval, (p + other) / 2.0))


AREAS = (0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 0.995)


def areas() -> Iterator[Found]:
    """DeLong's: normal scores, three positives of ten, or one."""
    rng = np.random.default_rng(6)
    for auc in AREAS:
        for n, draws in ((200, 600), (1000, 400), (5000, 120)):
            for positive in (0.1, 0.3):
                label = np.zeros(n)
                label[: int(n * positive)] = 1.0
                ones = np.ones(n)
                found = (delong(auc_scores(rng, auc, label), label, ones, ones) for _ in range(draws))
                yield _drawn((auc, n, positive), covered(found, auc))


def joint_of(p: float, gap: float, alike: float) -> list[float]:
    """Return the shares of both right, first alone, second alone, neither, of rates p and p + gap."""
    q = p + gap
    both = p * q + alike * math.sqrt(p * (1 - p) * q * (1 - q))
    both = min(both, p, q)
    return [both, p - both, q - both, max(1.0 - p - q + both, 0.0)]


def newcombe_paired() -> Iterator[Found]:
    """Shares of the same rows, correlated by 0, 0.4 and 0.8, apart by a twentieth of what they could."""
    rng = np.random.default_rng(7)
    for p in RATES:
        for n in SOME:
            for alike in (0.0, 0.4, 0.8):
                gap = 0.05 * (1.0 - p)
                counts = rng.multinomial(n, joint_of(p, gap, alike), 3000 if n <= 200 else 1200)
                yield _drawn((p, n, alike), covered_by_counts(counts, _paired, -gap))


def _paired(both: int, first: int, second: int, neither: int) -> PairedProportions:
    return PairedProportions(both=both, first=first, second=second, neither=neither)


def areas_paired() -> Iterator[Found]:
    """DeLong's paired: areas a and less by a tenth of what is above chance, of correlated normal scores."""
    rng = np.random.default_rng(8)
    for auc in (0.65, 0.8, 0.9, 0.95, 0.98):
        other = auc - 0.1 * (auc - 0.5)
        for n, draws in ((200, 500), (1000, 250)):
            label = np.zeros(n)
            label[: int(n * 0.3)] = 1.0
            for alike in (0.3, 0.8):
                found = [_areas_apart(rng, label, (auc, other), alike) for _ in range(draws)]
                yield _drawn((auc, n, alike), covered(found, auc - other))


def _areas_apart(
    rng: np.random.Generator, label: Floats, areas: tuple[float, float], alike: float
) -> Interval | None:
    shift = math.sqrt(2.0) * norm.ppf(areas)
    noise = rng.normal(size=(2, len(label)))
    mixed = alike * noise[0] + math.sqrt(1.0 - alike**2) * noise[1]
    ones = np.ones(len(label))
    both = paired_areas(noise[0] + shift[0] * label, mixed + shift[1] * label, label, ones, ones)
    return None if both is None else both.difference


def log_loss() -> Iterator[Found]:
    """Labels drawn with the rate, scores off by a normal number on the logit scale."""
    rng = np.random.default_rng(9)
    for p in (0.005, 0.02, 0.05, 0.1, 0.3, 0.5):
        off, weight = np.polynomial.hermite_e.hermegauss(60)
        score = 1.0 / (1.0 + np.exp(-(math.log(p / (1.0 - p)) + 0.5 * off)))
        truth = float((-xlogy(p, score) - xlogy(1.0 - p, 1.0 - score)) @ weight / weight.sum())
        for n in SOME:
            found = []
            for _ in range(600 if n == 5000 else 6000 if p == RATES[0] else 1500):
                scores = 1.0 / (1.0 + np.exp(-(math.log(p / (1.0 - p)) + 0.5 * rng.normal(size=n))))
                own = np.where(rng.random(n) < p, scores, 1.0 - scores)
                found.append(mean_of(-np.log(own), np.ones(n), np.ones(n), lowest=0.0))
            yield _drawn((p, n), covered(found, truth))


def absolute_error() -> Iterator[Found]:
    """Normal, Laplace and lognormal (of sigma 1) errors."""
    rng = np.random.default_rng(10)
    kinds = {
        "normal": (lambda n: rng.normal(size=n), math.sqrt(2.0 / math.pi)),
        "laplace": (lambda n: rng.laplace(size=n), 1.0),
        "lognormal": (lambda n: rng.lognormal(size=n), math.exp(0.5)),
    }
    for kind, (draw, truth) in kinds.items():
        for n in SOME:
            ones = np.ones(n)
            found = (
                mean_of(np.abs(draw(n)), ones, ones, lowest=0.0) for _ in range(2000 if n < 5000 else 800)
            )
            yield _drawn((kind, n), covered(found, truth))


def kish() -> Iterator[Found]:
    """A share with lognormal weights (sigma 0.5), which do not depend on what hits."""
    rng = np.random.default_rng(11)
    for p in RATES:
        for n in SOME:
            w = rng.lognormal(sigma=0.5, size=(1500 if n < 5000 else 600, n))
            hit = rng.random(w.shape) < p
            sums = zip((w * hit).sum(1), w.sum(1), (w * w).sum(1), strict=True)
            yield _drawn((p, n), covered((proportion(k, s, w2_sum=s2).interval for k, s, s2 in sums), p))


def clusters() -> Iterator[Found]:
    """A share of rows in clusters of ten, alike by 0.1 and 0.3."""
    rng = np.random.default_rng(12)
    for p in RATES[::2]:
        for n in SOME:
            code, ones = np.repeat(np.arange(n // 10), 10), np.ones(n)
            for alike in (0.1, 0.3):
                found = []
                for _ in range(500 if n < 5000 else 150):
                    first = np.repeat(rng.random(n // 10) < p, 10)
                    hit = np.where(rng.random(n) < math.sqrt(alike), first, rng.random(n) < p)
                    found.append(clustered_share(hit, ones > 0, ones, ones, code).interval)
                yield _drawn((p, n, alike), covered(found, p))


def quantiles() -> Iterator[Found]:
    """Order statistics of lognormal values."""
    rng = np.random.default_rng(13)
    for level in (0.05, 0.5, 0.9, 0.95):
        truth = math.exp(float(norm.ppf(level)))
        for n in SOME:
            ones = np.ones(n)
            found = []
            for _ in range(1000 if n < 5000 else 400):
                values = np.sort(rng.lognormal(size=n))
                found.append(
                    order_statistics(float(np.quantile(values, level)), values, ones, ones, level=level)
                )
            yield _drawn((level, n), covered(found, truth))


def losses_paired() -> Iterator[Found]:
    """Paired means: the log loss of two models whose logits err by correlated normal numbers."""
    rng = np.random.default_rng(14)
    metric = shipped("log-loss")
    for p in (0.02, 0.1, 0.3):
        for n, draws in ((200, 400), (1000, 400), (5000, 120)):
            odds = math.log(p / (1.0 - p))
            off, weight = np.polynomial.hermite_e.hermegauss(60)

            def loss(
                size: float, p: float = p, odds: float = odds, off: Any = off, weight: Any = weight
            ) -> float:
                score = 1.0 / (1.0 + np.exp(-(odds + size * off)))
                return float((-xlogy(p, score) - xlogy(1.0 - p, 1.0 - score)) @ weight / weight.sum())

            truth = loss(0.7) - loss(0.5)
            found = []
            for _ in range(draws):
                noise = rng.normal(size=(2, n))
                label = (rng.random(n) < p).astype(float)
                own = odds + 0.5 * noise[0]
                other = odds + 0.7 * (0.6 * noise[0] + 0.8 * noise[1])
                table = cells(
                    {
                        "label": label,
                        "score": 1.0 / (1.0 + np.exp(-own)),
                        "champion_score": 1.0 / (1.0 + np.exp(-other)),
                    },
                    np.ones(n),
                )
                found.append(asked("compare.improvement", table, metric=metric, margin=0.1).interval)
            yield _drawn((p, n), covered(found, truth))


EIGHT = {
    "label": [1.0] * 4 + [0.0] * 4,
    "prediction": [1.0, 1.0, 0.0, 0.0] * 2,
    "champion_prediction": [1.0, 0.0, 1.0, 0.0] * 2,
}


def f_paired() -> Iterator[Found]:
    """F1 of two models that agree on most rows: bootstrap of the joint cells, or rows by rows where few differ."""
    rng = np.random.default_rng(15)
    metric = shipped("f1")
    for prevalence, alike in ((0.3, 0.5), (0.3, 0.9), (0.05, 0.5)):
        recalls, alarms = (0.8, 0.75), (0.1, 0.12)
        positive = joint_of(recalls[1], recalls[0] - recalls[1], alike)
        negative = joint_of(alarms[0], alarms[1] - alarms[0], alike)
        # joint_of's second is the larger rate: the candidate's recall, the champion's alarms.
        shares = [
            *(prevalence * positive[i] for i in (0, 2, 1, 3)),
            *((1.0 - prevalence) * negative[i] for i in (0, 1, 2, 3)),
        ]
        f = [
            2.0 * prevalence * r / (prevalence * (1.0 + r) + (1.0 - prevalence) * a)
            for r, a in zip(recalls, alarms, strict=True)
        ]
        for n in SOME:
            counts = rng.multinomial(n, shares, 500)
            found = (
                asked("compare.improvement", cells(EIGHT, one), metric=metric, margin=0.1).interval
                for one in counts
            )
            yield _drawn((prevalence, alike, n), covered(found, f[0] - f[1]))
