"""Whether a model that is better on the whole became worse for some group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from mlgate.cells import MAX_GROUPS, UNKNOWN, Answers, By, Cells, Columns, Counts, Statistic
from mlgate.estimates import Comparison, Estimate, GroupEstimate
from mlgate.measures import measure
from mlgate.measures.compare import TASKS, UNIT, compared, planned
from mlgate.measures.groups import counted as so_many
from mlgate.measures.joint import with_champion
from mlgate.measures.judging import Judging
from mlgate.measures.margins import Margin
from mlgate.measures.metrics import Metric
from mlgate.measures.paired import Paired


@dataclass(frozen=True, kw_only=True, slots=True)
class _Group:
    name: str
    values: Mapping[str, str]
    n: int
    found: Paired
    reason: str | None
    """Why it is listed and not judged."""


@measure(
    id="compare.slice_regression",
    kind="estimate",
    unit=UNIT,
    better="higher",
    tasks=TASKS,
    needs=("champion", "protected"),
    clusters=True,
    source="compare.improvement of each group; intersection-union test for passing, Holm 1979 for failing",
)
class SliceRegression:
    """Smallest improvement over the champion of any judged group, by a metric; below 0 it became worse.

    Every judged group has to keep to the margin. Intervals are those of compare.improvement. Groups in which
    the metric is undefined for one of the models, or in which both say the same of every row, so that nothing
    tells how uncertain the difference is, are listed and not judged.
    """

    def __init__(
        self,
        *,
        metric: Metric,
        judging: Judging,
        margin: Margin | None = None,
        min_group: int = 30,
        seed: int = 0,
        favourable: Literal["positive", "negative"] = "positive",
    ) -> None:
        """Declare the parameters; the gate gives the groups and the last three."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for what both models say of each row, by group."""
        metric: Metric = params["metric"]
        by = params["judging"].by
        counts = planned(metric, columns, params, target=False)
        return [replace(with_champion(one), by=by) for one in counts]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Compare both models in each group."""
        judging: Judging = params["judging"]
        answered = {one: cells.cells(one) for one in cells.of if isinstance(one, Counts)}
        first = next(iter(answered.values()))
        keys = first.labels(judging.by)
        if not keys:
            return Estimate.missing("the table has no rows")
        if len(keys) > MAX_GROUPS:
            return Estimate.missing(f"{len(keys)} groups, more than {MAX_GROUPS}: bin them", n=first.rows)
        every = [_group(answered, key, params) for key in keys]
        return _worst(every, first.rows)


def _group(answered: Mapping[Counts, Cells], key: tuple[str, ...], params: Mapping[str, Any]) -> _Group:
    judging: Judging = params["judging"]
    mine = {one: cells.group(judging.by, key) for one, cells in answered.items()}
    found = compared({replace(one, by=()): cells for one, cells in mine.items()}, params)
    rows = next(iter(mine.values())).rows
    reason = found.reason
    if UNKNOWN in key and not judging.judge_unknown:
        reason = "its value is missing"
    elif reason is None and min(rows, found.n) < judging.min_group:
        reason = f"{so_many(min(rows, found.n), 'rows')}, fewer than min_group {judging.min_group}"
    values = dict(zip(map(_column, judging.by), key, strict=True))
    return _Group(name=", ".join(key), values=values, n=rows, found=found, reason=reason)


def _column(by: By) -> str:
    return by if isinstance(by, str) else by.column


def _worst(every: list[_Group], rows: int) -> Estimate:
    """Return the group that improved least, with every judged one as a comparison."""
    lines = tuple(_line(one) for one in every)
    judged = [one for one in every if one.reason is None and one.found.value is not None]
    share = sum(one.n for one in judged) / rows if rows else 0.0
    if not judged:
        said = "; ".join(f"{one.name}: {one.reason}" for one in every[:2])
        more = "; …" if len(every) > 2 else ""  # noqa: PLR2004
        return Estimate.missing(f"no group can be judged ({said}{more})", n=rows, groups=lines)
    comparisons = tuple(
        Comparison(
            name=one.name,
            value=one.found.value or 0.0,
            interval=one.found.interval,
            groups=(one.values,),
        )
        for one in judged
    )
    worst = min(judged, key=lambda one: (one.found.value or 0.0, one.n, one.name))
    return Estimate(
        value=worst.found.value,
        n=sum(one.n for one in judged),
        interval=worst.found.interval,
        groups=lines,
        comparisons=comparisons,
        judged_share=share,
    )


def _line(one: _Group) -> GroupEstimate:
    return GroupEstimate(
        group=one.values,
        n=one.n,
        value=one.found.value,
        interval=one.found.interval,
        judged=one.reason is None,
        reason=one.reason,
    )
