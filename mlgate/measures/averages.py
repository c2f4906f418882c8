"""Rates of one class against the rest, averaged over classes: scikit-learn's names and values.

`macro` is the plain mean over classes, `weighted` the mean weighted by how many rows each class labels,
`micro` the rate of all classes' decisions pooled, `per_class` every class by itself, of which the worst
decides. A class whose rate has no denominator has none, and nothing that rests on it is measured.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeAlias

from mlgate.cells import MAX_GROUPS
from mlgate.estimates import Estimate, GroupEstimate, Interval
from mlgate.intervals import DependentSum, Mapped, MoverSum, Proportion, spread
from mlgate.measures.class_rates import RECALL, ClassRate, OneVersusRest, rate_of, rates, share_of
from mlgate.measures.groups import counted as so_many
from mlgate.measures.multiclass import Decided
from mlgate.measures.per_class import too_many, worst

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]

Average: TypeAlias = Literal["binary", "macro", "micro", "weighted", "per_class"]
"""`binary` is the rate of the positive class, for binary tables only."""

LONELY = "no interval: its rows come from one cluster, which shows nothing of how clusters differ"
"""Why a share of clustered rows has a value and no interval."""


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
        rate_of(decided, decided.classes[place], every, ~decided.right & (decided.prediction == place))
        for place in costs
    ]
    found = mean_of_rates(decided, parts, np.array(list(costs.values())))
    return None if found is None else replace(found, highest=max(fp_cost, fn_cost))


def _mean(decided: Decided, of: OneVersusRest, *, weighted: bool) -> Estimate:
    """Return the macro or the weighted mean; missing, naming the class, when a rate in it is undefined."""
    import numpy as np

    every = rates(decided, of)
    weight = decided.labelled if weighted else np.full(len(every), 1.0 / len(every))
    taking = [(one, c) for one, c in zip(every, weight.tolist(), strict=True) if c > 0.0]
    lacking = [one.name for one, _ in taking if one.value is None]
    if lacking:
        reason = f"{of.lacking(lacking[0])}, so its {of.words} has no denominator, nor has the mean"
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
    many = too_many(len(decided.classes), n=decided.total)
    if many is not None:
        return many
    rows = tuple(_row(of, one, _reason(of, one, min_group)) for one in rates(decided, of))
    names = {row.group["class"] for row in rows if row.judged}
    among = decided.counted(_among_classes(decided, names))
    return worst(rows, among=among, total=decided.total, charts=decided.charts())


def _reason(of: OneVersusRest, one: ClassRate, min_group: int) -> str | None:
    """Say why a class is not judged by itself; None when it is."""
    if one.value is None:
        return f"{of.lacking(one.name)}: its {of.words} has no denominator"
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
