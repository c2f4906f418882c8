"""Rates of one class against the rest, and their averages over classes: scikit-learn's names and values.

`macro` is the plain mean over classes, `weighted` the mean weighted by how many rows each class labels,
`micro` the rate of all classes' decisions pooled, `per_class` every class by itself, of which the worst
decides. A class whose rate has no denominator has no rate: scikit-learn counts it as 0, here nothing that
rests on it is measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeAlias

from mlgate.cells import MAX_GROUPS
from mlgate.estimates import Comparison, Estimate, GroupEstimate, Interval
from mlgate.intervals import (
    DependentSum,
    Mapped,
    MoverSum,
    Part,
    Proportion,
    clustered_share,
    spread,
)
from mlgate.measures.groups import counted as so_many
from mlgate.measures.multiclass import Decided

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]

Average: TypeAlias = Literal["binary", "macro", "micro", "weighted", "per_class"]
"""`binary` is the rate of the positive class, for binary tables only."""

LONELY = "no interval: its rows come from one cluster, which shows nothing of how clusters differ"
"""Why a share of clustered rows has a value and no interval."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OneVersusRest:
    """A rate of one class: of which rows it is taken, and which of them count."""

    name: str
    """`recall`"""
    words: str
    """As a sentence has it: `negative predictive value`."""
    among: Callable[[Bools, Bools], Bools]
    """From whether a row is labelled and whether it is predicted the class, to the denominator."""
    hits: Callable[[Bools, Bools], Bools]
    empty: str
    """What is wrong where it is empty: `no row is labelled {}`."""
    none_positive: str
    """The same of the positive class of a binary table."""
    outside: bool = False
    """Whether it is about the rows of the other classes."""
    harmonic: bool = False
    """Whether the rate is 2 J / (1 + J) of the share J, which F1 is."""


RECALL = OneVersusRest(
    name="recall",
    words="recall",
    among=lambda label, _: label,
    hits=lambda label, prediction: label & prediction,
    empty="no row is labelled {}",
    none_positive="no row is labelled positive",
)
PRECISION = OneVersusRest(
    name="precision",
    words="precision",
    among=lambda _, prediction: prediction,
    hits=lambda label, prediction: label & prediction,
    empty="no row is predicted {}",
    none_positive="no row is predicted positive",
)
F1 = OneVersusRest(
    name="f1",
    words="F1",
    among=lambda label, prediction: label | prediction,
    hits=lambda label, prediction: label & prediction,
    empty="no row is {} by label or by prediction",
    none_positive="no row is positive by label or by prediction",
    harmonic=True,
)
SPECIFICITY = OneVersusRest(
    name="specificity",
    words="specificity",
    among=lambda label, _: ~label,
    hits=lambda label, prediction: ~label & ~prediction,
    empty="no row is labelled other than {}",
    none_positive="no row is labelled negative",
    outside=True,
)
NPV = OneVersusRest(
    name="npv",
    words="negative predictive value",
    among=lambda _, prediction: ~prediction,
    hits=lambda label, prediction: ~label & ~prediction,
    empty="no row is predicted other than {}",
    none_positive="no row is predicted negative",
    outside=True,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassRate:
    """The rate of one class."""

    name: str
    inside: Bools
    """Which cells it is taken of."""
    hit: Bools
    rows: int
    """In the denominator."""
    share: Proportion
    value: float | None
    """As scikit-learn has it; None without a denominator."""
    part: Part | None
    """Wilson's interval of it, of which averages are built; None without value, and with one cluster."""
    interval: Part | None
    """Of the rate by itself."""
    slope: float
    """Derivative of the rate in the share: 1 but for F1."""

    def influence(self, decided: Decided) -> Floats:
        """Return the derivative of the rate in the weight of each row of its denominator."""
        whole = float(decided.w[self.inside].sum())
        apart = self.hit[self.inside].astype(float) - float(self.share.value or 0.0)
        scaled: Floats = apart * (self.slope / whole)
        return scaled


def share_of(decided: Decided, hits: Bools, among: Bools) -> Proportion:
    """Return `hits` as a share of `among`, allowing for clusters where there are any."""
    return clustered_share(hits, among, decided.weights, decided.squares, decided.clusters)


def rates(decided: Decided, of: OneVersusRest) -> list[ClassRate]:
    """Return the rate of every class, in their order."""
    return [_rate(decided, of, place) for place in range(len(decided.classes))]


def _rate(decided: Decided, of: OneVersusRest, place: int) -> ClassRate:
    """Count one class against the rest.

    A quotient of counts, held to scikit-learn's by property tests: importing it takes longer than all else.
    """
    label, prediction = decided.label == place, decided.prediction == place
    found = _counted(decided, decided.classes[place], of.among(label, prediction), of.hits(label, prediction))
    if found.value is None or not of.harmonic:
        return found
    return replace(
        found,
        value=f1_of_jaccard(found.value),
        part=None if found.part is None else Mapped(found.part, f1_of_jaccard),
        interval=None if found.interval is None else Mapped(found.interval, f1_of_jaccard),
        slope=2.0 / (1.0 + found.value) ** 2,
    )


def _counted(decided: Decided, name: str, inside: Bools, hit: Bools) -> ClassRate:
    share = share_of(decided, hit, inside)
    return ClassRate(
        name=name,
        inside=inside,
        hit=hit,
        rows=decided.counted(inside),
        share=share,
        value=share.value,
        part=share.wilson,
        interval=share.interval,
        slope=1.0,
    )


def averaged(decided: Decided, of: OneVersusRest, how: Average, *, min_group: int) -> Estimate:
    """Return the average `how` of the rate over classes; `binary` is not one of them."""
    reason = _alone(decided)
    if reason is not None:
        return Estimate.missing(reason, n=decided.total)
    if how == "per_class":
        return _each(decided, of, min_group)
    if how == "micro":
        return _pooled(decided, of)
    return _mean(decided, of, weighted=how == "weighted")


def accuracy_of(decided: Decided) -> Proportion:
    """Return the share of rows that are decided right."""
    import numpy as np

    return share_of(decided, decided.right, np.ones(len(decided.w), dtype=bool))


def mean_of_rates(
    decided: Decided, parts: list[ClassRate], coefficients: Floats, *, random: bool = False
) -> DependentSum | None:
    """Return the interval of the sum of coefficients times rates, which need not be independent.

    The reach is MOVER's of the parts' Wilson intervals, times the ratio of the linearised standard error to
    what it would be for independent parts, where that is above 1. `random` says that the coefficients are
    the shares of the classes among the labels, estimates themselves. None when a part has no interval.
    """
    import numpy as np

    known = [one.part for one in parts if one.part is not None]
    if len(known) < len(parts):
        return None
    total = np.zeros(len(decided.w))
    apart = 0.0
    for one, c in zip(parts, coefficients.tolist(), strict=True):
        mine = c * one.influence(decided)
        total[one.inside] += mine
        apart += _variance(decided, mine, one.inside)
    within = _variance(decided, total)
    inflation = max(1.0, within / apart) if apart > 0.0 else _unseen(decided, parts)
    extra = 0.0
    if random:
        theta = np.zeros(len(decided.classes))
        theta[[decided.classes.index(one.name) for one in parts]] = [
            one.part.value for one in parts if one.part
        ]
        drawn = theta[decided.label]
        extra = max(_variance(decided, total + drawn - float(drawn @ decided.w)) - max(within, apart), 0.0)
    sums = MoverSum(tuple(known), tuple(coefficients.tolist()))
    return DependentSum(of=sums, inflation=inflation, extra=extra, n=decided.behind().degrees)


def lonely(decided: Decided, interval: Interval | None) -> str | None:
    """Say why a value of clustered rows has no interval; None when it has one."""
    return LONELY if interval is None and decided.clusters is not None else None


def cost_of_errors(decided: Decided, fp_cost: float, fn_cost: float) -> DependentSum | None:
    """Return the interval of the mean cost from the shares of false alarms and of misses among all rows."""
    import numpy as np

    every = np.ones(len(decided.w), dtype=bool)
    costs = {place: cost for place, cost in ((1, fp_cost), (0, fn_cost)) if cost > 0.0}
    parts = [
        _counted(decided, decided.classes[place], every, ~decided.right & (decided.prediction == place))
        for place in costs
    ]
    found = mean_of_rates(decided, parts, np.array(list(costs.values())))
    return None if found is None else replace(found, highest=max(fp_cost, fn_cost))


def f1_of_jaccard(j: float) -> float:
    """Return F1 = 2 J / (1 + J) of J = TP / (TP + FP + FN)."""
    return 2.0 * j / (1.0 + j)


def _mean(decided: Decided, of: OneVersusRest, *, weighted: bool) -> Estimate:
    """Return the macro or the weighted mean; missing, naming the class, when a rate in it is undefined."""
    import numpy as np

    every = rates(decided, of)
    weight = decided.labelled if weighted else np.full(len(every), 1.0 / len(every))
    taking = [(one, c) for one, c in zip(every, weight.tolist(), strict=True) if c > 0.0]
    lacking = [one.name for one, _ in taking if one.value is None]
    if lacking:
        reason = f"{of.empty.format(lacking[0])}, so its {of.words} has no denominator, nor has the mean"
        return Estimate.missing(reason, n=decided.total)
    value = math.fsum(c * float(one.value or 0.0) for one, c in taking)
    coefficients = np.array([c for _, c in taking])
    if weighted and of is RECALL:  # which is accuracy
        interval: Interval | None = accuracy_of(decided).interval
    else:
        interval = mean_of_rates(decided, [one for one, _ in taking], coefficients, random=weighted)
    return _estimate(decided, value, interval, groups=_rows(of, every))


def _pooled(decided: Decided, of: OneVersusRest) -> Estimate:
    """Return the micro average: accuracy a, or (K - 2 + a) / (K - 1) for what is about the other classes.

    Each of n rows is in the pooled denominator once, as one of its class, or K - 1 times, as none of the
    others; and a wrong row is a false alarm for one of them.
    """
    share = accuracy_of(decided)
    interval: Interval | None = share.interval
    value = float(share.value or 0.0)
    if of.outside:
        pooled = partial(_among_others, len(decided.classes))
        interval = None if share.interval is None else Mapped(share.interval, pooled)
        value = pooled(value)
    return _estimate(decided, value, interval)


def _each(decided: Decided, of: OneVersusRest, min_group: int) -> Estimate:
    """Return the smallest rate of a judged class; one is judged with `min_group` rows in its denominator."""
    if len(decided.classes) > MAX_GROUPS:
        reason = f"{len(decided.classes)} classes, more than {MAX_GROUPS}: judge an average of them"
        return Estimate.missing(reason, n=decided.total)
    every = [(one, _reason(of, one, min_group)) for one in rates(decided, of)]
    judged = [one for one, reason in every if reason is None]
    rows = tuple(_row(of, one, reason) for one, reason in every)
    names = {one.name for one in judged}
    among = decided.counted(_among_classes(decided, names))
    known = [one.value for one, _ in every if one.value is not None]
    value_all = min(known) if known else None
    if not judged:
        listed = [f"{one.name}: {reason}" for one, reason in every]
        shown = "; ".join(listed[:3]) + ("; …" if len(listed) > 3 else "")  # noqa: PLR2004  a line's worth
        return Estimate.missing(
            f"no class can be judged ({shown})", n=0, groups=rows, value_all=value_all, judged_share=0.0
        )
    claims = tuple(
        Comparison(
            name=one.name,
            value=float(one.value or 0.0),
            interval=one.interval,
            groups=({"class": one.name},),
            rate=of.name,
        )
        for one in judged
    )
    worst = min(claims, key=lambda claim: claim.value)
    return Estimate(
        value=worst.value,
        n=among,
        interval=worst.interval,
        groups=rows,
        comparisons=claims,
        value_all=value_all,
        judged_share=among / decided.total,
        charts=decided.charts(),
    )


def _reason(of: OneVersusRest, one: ClassRate, min_group: int) -> str | None:
    """Say why a class is not judged by itself; None when it is."""
    if one.value is None:
        return f"{of.empty.format(one.name)}: its {of.words} has no denominator"
    if one.rows < min_group:
        return f"{so_many(one.rows, 'rows')} to judge by, fewer than min_group {min_group}"
    return LONELY if one.interval is None else None


def _rows(of: OneVersusRest, every: list[ClassRate]) -> tuple[GroupEstimate, ...]:
    """Return the lines of a mean; those of too many classes are no table to read."""
    return tuple(_row(of, one, _reason(of, one, 1)) for one in every) if len(every) <= MAX_GROUPS else ()


def _row(of: OneVersusRest, one: ClassRate, reason: str | None) -> GroupEstimate:
    return GroupEstimate(
        group={"class": one.name},
        n=one.rows,
        value=one.value,
        rate=of.name,
        numerator=None if one.value is None else one.share.numerator,
        denominator=None if one.value is None else one.share.denominator,
        interval=one.interval,
        judged=reason is None,
        reason=reason,
    )


def _estimate(
    decided: Decided, value: float, interval: Interval | None, groups: tuple[GroupEstimate, ...] = ()
) -> Estimate:
    return Estimate(
        value=value,
        n=decided.total,
        interval=interval,
        reason=lonely(decided, interval),
        groups=groups,
        charts=decided.charts(),
    )


def _alone(decided: Decided) -> str | None:
    """Say that only one class occurs; None when several do."""
    if len(decided.classes) > 1:
        return None
    return f"every row is labelled and predicted {decided.classes[0]}: there is nothing to average over"


def _among_classes(decided: Decided, names: set[str]) -> Bools:
    import numpy as np

    return np.array([name in names for name in decided.classes], dtype=bool)[decided.label]


def _among_others(classes: int, accuracy: float) -> float:
    return (classes - 2.0 + accuracy) / (classes - 1.0)


def _variance(decided: Decided, u: Floats, inside: Bools | None = None) -> float:
    """Return the variance of what has influence `u` on the cells `inside`, or on all; 0 where unknown."""
    at = slice(None) if inside is None else inside
    clusters = None if decided.clusters is None else decided.clusters[at]
    found = spread(u, decided.w[at], decided.w2[at], clusters)
    return found if math.isfinite(found) else 0.0


def _unseen(decided: Decided, parts: list[ClassRate]) -> float:
    """Return the inflation where no part varies, so that how they go together cannot be seen.

    Rates of disjoint rows are independent, and of disjoint clusters; else they may go wrong together.
    """
    import numpy as np

    if decided.clusters is None:
        return 1.0
    apart = sum(len(np.unique(decided.clusters[one.inside])) for one in parts)
    return math.inf if apart > len(np.unique(decided.clusters)) else 1.0
