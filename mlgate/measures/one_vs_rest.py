"""Measures of scores that a binary table has once and a multiclass table once a class, against the rest.

Of a multiclass table each class is looked at as a binary one (the view `class:NAME`): whether a row is
labelled the class, and the probability that it was given. So every number per class is the binary one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from mlgate.cells import CLASS, MAX_GROUPS, Answers, Cells, Columns, Counts, Statistic
from mlgate.estimates import Chart, Estimate, GroupEstimate
from mlgate.intervals import DependentSum, MoverSum, Part, rows_behind
from mlgate.measures.binary import counted
from mlgate.measures.per_class import too_many, worst
from mlgate.measures.rates import POSITIVE

TASKS = ("binary", "multiclass")

Average: TypeAlias = Literal["macro", "weighted", "per_class"]
"""What a multiclass table's numbers become: their mean, their mean by the shares of the classes among the
labels, or every class by itself, of which the worst decides."""

MIN_GROUP = 30
"""What the gate gives when the policy says nothing; policies decide."""

DRAWN = 6
"""Of more classes than this no curve is drawn."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What is measured on one binary picture."""

    value: float
    interval: Part | None
    """None where nothing is known of how it varies."""
    charts: tuple[Chart, ...] = ()


Binary: TypeAlias = Callable[[Cells], Found | str]
"""Measures a binary table; a text is the reason why it cannot be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Class:
    name: str
    cells: Cells
    found: Found | str

    @property
    def positives(self) -> int:
        """Rows labelled this class."""
        return int(self.cells.n[self.cells.roles["label"] == POSITIVE].sum())

    @property
    def share(self) -> float:
        """The class's share of the weight."""
        mine = float(self.cells.w[self.cells.roles["label"] == POSITIVE].sum())
        return mine / float(self.cells.w.sum())


def planned(columns: Columns, *, bins: bool = False) -> list[Statistic]:
    """Ask for label and score: once for a binary table, once for each class of a multiclass one.

    `bins`: scores of a binary table may come in bins.
    """
    clustered = columns.cluster is not None
    if columns.task == "multiclass":
        views = [f"{CLASS}{name}" for name in columns.scores]
        return [Counts(roles=("label", "score"), view=view, clustered=clustered) for view in views]
    binned = () if bins and not clustered else None
    return [Counts(roles=("label", "score"), clustered=clustered, binned=binned)]


def measured(answers: Answers, average: Average, binary: Binary, *, rate: str, min_group: int) -> Estimate:
    """Measure what `planned` asked for; `rate` names the number in the rows of the classes.

    The classes of a mean rest on the same rows, and how their errors go together is not seen in counts of
    one class at a time. The interval of a mean therefore supposes that they all err to the same side, which
    nothing can exceed: its bounds are the means of the classes' bounds. For `weighted` it also allows for
    the shares of the classes, which are estimates themselves.
    """
    parts = {one.view: counted(answers.cells(one)) for one in answers.of if isinstance(one, Counts)}
    if None in parts:
        found = binary(parts[None])
        return (
            Estimate.missing(found, n=parts[None].rows)
            if isinstance(found, str)
            else estimated(parts[None], found)
        )
    every = [
        _Class(name=view.removeprefix(CLASS), cells=cells, found=binary(cells))
        for view, cells in parts.items()
        if view is not None
    ]
    if average == "per_class":
        return _each(every, rate, min_group)
    return _mean(every, rate, weighted=average == "weighted")


def estimated(cells: Cells, found: Found) -> Estimate:
    """Return what was found on a binary table as an estimate."""
    if not math.isfinite(found.value):
        return Estimate.missing(f"the value is {found.value}", n=cells.rows)
    return Estimate(
        value=found.value,
        n=cells.rows,
        interval=found.interval,
        reason=_lonely(cells, found),
        charts=found.charts,
    )


def _mean(every: Sequence[_Class], rate: str, *, weighted: bool) -> Estimate:
    """Return a mean over classes; missing, naming the class, where one has no value."""
    rows = every[0].cells.rows
    known = [(one, one.found) for one in every if isinstance(one.found, Found)]
    if len(known) < len(every):
        lacking = next(one for one in every if isinstance(one.found, str))
        return Estimate.missing(f"class {lacking.name}: {lacking.found}", n=rows, groups=_rows(every, rate))
    weight = [one.share if weighted else 1.0 / len(every) for one in every]
    value = math.fsum(c * found.value for c, (_, found) in zip(weight, known, strict=True))
    intervals = [found.interval for _, found in known if found.interval is not None]
    interval = None
    if len(intervals) == len(known):
        interval = _together(every, intervals, weight, random=weighted)
    charts = tuple(chart for one, found in known for chart in _titled(found.charts, one.name))
    return Estimate(
        value=value,
        n=rows,
        interval=interval,
        reason=next((reason for one, found in known if (reason := _lonely(one.cells, found))), None),
        groups=_rows(every, rate),
        charts=charts if len(every) <= DRAWN else (),
    )


def _together(
    every: Sequence[_Class], parts: Sequence[Part], weight: Sequence[float], *, random: bool
) -> DependentSum:
    """Return the interval of a mean of parts of which nothing is known but that each keeps to its own."""
    sums = MoverSum(tuple(parts), tuple(weight))
    first = every[0].cells
    behind = rows_behind(first.w / first.w.sum(), first.w2 / first.w.sum() ** 2, first.clusters)
    extra = 0.0
    if random:
        apart = (c * (part.value - sums.value) ** 2 for c, part in zip(weight, parts, strict=True))
        extra = math.fsum(apart) / behind.least
    return DependentSum(of=sums, inflation=math.inf, extra=extra, n=max(behind.least, 2.0), lowest=-1.0)


def _each(every: Sequence[_Class], rate: str, min_group: int) -> Estimate:
    """Return the worst class; one is judged with `min_group` rows labelled it, and as many that are not."""
    many = too_many(len(every), n=every[0].cells.rows)
    if many is not None:
        return many
    rows = _rows(every, rate, min_group)
    among = sum(one.positives for one, row in zip(every, rows, strict=True) if row.judged)
    # Of one class's cells, those of weight 0 are left out, and other rows lie in them in the next class's.
    return worst(rows, among=among, total=sum(one.positives for one in every))


def _rows(every: Sequence[_Class], rate: str, min_group: int = 0) -> tuple[GroupEstimate, ...]:
    """Return a line a class; those of too many classes are no table to read."""
    return tuple(_row(one, rate, min_group) for one in every) if len(every) <= MAX_GROUPS else ()


def _row(one: _Class, rate: str, min_group: int) -> GroupEstimate:
    known = one.found if isinstance(one.found, Found) else None
    reason = one.found if isinstance(one.found, str) else _lonely(one.cells, one.found)
    fewest = min(one.positives, one.cells.rows - one.positives)
    if reason is None and fewest < min_group:
        side = "labelled" if fewest == one.positives else "not labelled"
        reason = f"{fewest} rows are {side} {one.name}, fewer than min_group {min_group}"
    return GroupEstimate(
        group={"class": one.name},
        n=one.positives,
        value=None if known is None else known.value,
        rate=rate,
        interval=None if known is None else known.interval,
        judged=reason is None,
        reason=reason,
    )


def _lonely(cells: Cells, found: Found) -> str | None:
    """Say that a value has no interval because of clusters; None otherwise."""
    if found.interval is not None or cells.clusters is None:
        return None
    return "no interval: its rows come from too few clusters to show how clusters differ"


def _titled(charts: Sequence[Chart], name: str) -> Sequence[Chart]:
    return [
        Chart(kind=one.kind, title=f"{one.title}: {name} against the rest", data=one.data) for one in charts
    ]
