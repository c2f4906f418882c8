"""A performance metric in the slice that stands worst by it; every slice has to be inside the limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

from mlgate.cells import Answers, Cells, Columns, Counts, Statistic
from mlgate.errors import PolicyError
from mlgate.estimates import Estimate
from mlgate.measures import comparing, measure
from mlgate.measures.comparing import Series
from mlgate.measures.groups import Group, Grouped, Standing, grouped, size_reason
from mlgate.measures.judging import Judging
from mlgate.measures.metrics import Metric

_TASKS = ("binary", "multiclass", "regression", "scores")
_UNIT = "units of the metric"


class _WorstSlice:
    """What both measures share: the metric, computed on the cells of each slice."""

    sign: ClassVar[int]
    """1 for metrics that are better when they are higher, -1 for the others."""
    other: ClassVar[str]
    """The check that takes those which this one does not."""

    def __init__(
        self,
        *,
        metric: Metric,
        judging: Judging | None = None,
        seed: int = 0,
        favourable: Literal["positive", "negative"] = "positive",
    ) -> None:
        """Declare the metric; the rest is what the gate gives, to this measure and to the metric's own."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for what the metric needs, slice by slice; an error when it is better the other way."""
        metric: Metric = params["metric"].require_direction()
        if metric.sign != self.sign:
            better = "lower" if self.sign > 0 else "higher"
            what = f"{metric.check} is better when it is {better}, so its worst slice is another one"
            raise PolicyError("params.metric", what, f"use {self.other}")
        by = params["judging"].by
        return [replace(one, by=(*one.by, *by)) for one in metric.plan(columns, _given(params))]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Measure every slice, and return the one that stands worst."""
        judging: Judging = params["judging"]
        asked = [one for one in cells.of if isinstance(one, Counts)]
        found = {one: grouped(cells.cells(one), judging.by) for one in asked}
        missing = next((one for one in found.values() if isinstance(one, Estimate)), None)
        if missing is not None:
            return missing
        known = {one: of for one, of in found.items() if isinstance(of, Grouped)}
        first = next(iter(known.values()))
        parts = {one: [part for _, part in of.parts()] for one, of in known.items()}
        standings = tuple(
            _standing(
                group, {_plain(one, judging): each[group.number] for one, each in parts.items()}, params
            )
            for group in first.groups
        )
        series = Series(words=str(params["metric"]), standings=standings)
        return comparing.compare(first, judging, [series], "lowest" if self.sign > 0 else "highest")


@measure(
    id="performance.worst_slice",
    kind="estimate",
    unit=_UNIT,
    better="higher",
    tasks=_TASKS,
    clusters=True,
    source="fairlearn.metrics.MetricFrame.group_min, with the interval of the metric in each slice",
)
class WorstSlice(_WorstSlice):
    """Lowest value of a metric over slices; `metric` is a check on performance where higher is better.

    Named as `performance/recall`, or {check: performance/f1, params: {average: macro}}. The slices are the
    `groups` of the policy, by default the protected columns. One with fewer than `min_group` rows behind the
    number is listed and not judged.
    """

    sign = 1
    other = "performance/worst-slice-error"


@measure(
    id="performance.worst_slice_error",
    kind="estimate",
    unit=_UNIT,
    better="lower",
    tasks=_TASKS,
    clusters=True,
    source="fairlearn.metrics.MetricFrame.group_max, with the interval of the metric in each slice",
)
class WorstSliceError(_WorstSlice):
    """Highest value of a metric over slices; `metric` is a check on performance where lower is better.

    Named as `performance/log-loss`, or {check: performance/calibration-error, params: {bins: 20}}. The slices
    are the `groups` of the policy, by default the protected columns. One with fewer than `min_group` rows
    behind the number is listed and not judged.
    """

    sign = -1
    other = "performance/worst-slice"


def _given(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the gate gives to the metric's own measure."""
    given = {name: params[name] for name in ("seed", "favourable") if name in params}
    return {**given, "min_group": params["judging"].min_group}


def _plain(asked: Counts, judging: Judging) -> Counts:
    """Return the counts as the metric planned them."""
    return replace(asked, by=asked.by[: len(asked.by) - len(judging.by)])


def _standing(group: Group, cells: Mapping[Counts, Cells], params: Mapping[str, Any]) -> Standing:
    """Return where a slice stands.

    One that has a number and no interval is judged all the same: it could be the worst, and left out it would
    be forgotten.
    """
    metric, judging = params["metric"], params["judging"]
    found: Estimate = metric.value(cells, _given(params))
    reason = size_reason(group, judging)
    if reason is None and found.value is None:
        reason = found.reason
    if reason is None and found.n < judging.min_group:
        reason = f"its value rests on {found.n} rows, fewer than min_group {judging.min_group}"
    return Standing(
        group=group,
        rate=metric.check.rpartition("/")[2].replace("-", "_"),
        value=found.value,
        interval=found.interval,
        part=None,
        weight=float(found.n),
        reason=reason,
    )
