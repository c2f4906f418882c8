"""Whether a model does better on the rows that it was trained on than on those it has not seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from mlgate.cells import Answers, Cells, Columns, Counts, On, Stated, Statement, Statistic
from mlgate.estimates import Estimate, GroupEstimate
from mlgate.intervals import Newcombe, Part
from mlgate.measures import measure
from mlgate.measures.metrics import Metric, shipped

TRAIN = "train"

TASK = Stated("task")
"""The task, which decides what the metric is by default."""

MANY = 20
"""Two tables with more distinct rows than this are not alike by chance."""

DEFAULT: Mapping[str, str] = {
    "binary": "accuracy",
    "multiclass": "accuracy",
    "regression": "mae",
    "scores": "mean-score",
}
"""The metric of each task."""


@measure(
    id="performance.overfit",
    kind="estimate",
    unit="units of the metric",
    better="lower",
    tasks=("binary", "multiclass", "regression", "scores"),
    needs=("table:train",),
    clusters=True,
    source="difference of a metric between training and evaluation rows; MOVER, Zou and Donner 2008",
)
class Overfit:
    """How much worse a metric is on the judged table than on the training rows; 0 or less is no overfitting.

    The metric on `train` minus that on the judged table where higher is better, the other way round where
    lower is better, so that a larger value is always worse. `metric` is a check on performance by its name
    (accuracy, f1, mae) or {check: performance/f1, params: {average: macro}}; by default accuracy, mae for a
    regression, mean-score for scores.

    Far below 0, training rows are predicted much worse than new ones, which is rare: see whether the roles of
    the two tables are the same, and whether `train` is what the model was trained on.

    MOVER's interval of the difference of two independent tables. Missing where either table has no value,
    when both tables hold the same, and when they have no class in common.
    """

    def __init__(
        self,
        *,
        metric: Metric | None = None,
        min_group: int = 30,
        seed: int = 0,
        favourable: Literal["positive", "negative"] = "positive",
    ) -> None:
        """Declare the metric; the rest is what the gate gives to the metric's own measure."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask both tables for what the metric needs; an error when it is not for this release."""
        counts = _metric(params, columns.task).require_direction().plan(columns, params)
        return [TASK, *counts, *(On(TRAIN, one) for one in counts)]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Measure both tables and take the difference."""
        asked = [one for one in cells.of if isinstance(one, Counts)]
        here = {one: cells.cells(one) for one in asked}
        there = {one: cells.get(On(TRAIN, one), Cells) for one in asked}
        if all(_same(here[one], there[one]) for one in asked):
            reason = "the judged table and train hold the same rows, which shows nothing"
            return Estimate.missing(reason, n=max(one.rows for one in here.values()))
        if any(_strangers(here[one], there[one]) for one in asked):
            reason = "the judged table and train have no class in common, so they are about different things"
            return Estimate.missing(reason, n=max(one.rows for one in here.values()))
        metric = _metric(params, str(cells.get(TASK, Statement).value))
        return _difference(metric, metric.value(here, params), metric.value(there, params))


def _metric(params: Mapping[str, Any], task: str) -> Metric:
    named: Metric | None = params["metric"]
    return shipped(DEFAULT[task]) if named is None else named


def _same(here: Cells, there: Cells) -> bool:
    """Whether both are one table, under one name or two.

    Few cells can be alike by chance, such as those of two models without an error.
    """
    import numpy as np

    if here is there:
        return True
    return (
        len(here.n) > MANY
        and np.array_equal(here.n, there.n)
        and all(np.array_equal(values, there.roles[role]) for role, values in here.roles.items())
    )


def _strangers(here: Cells, there: Cells) -> bool:
    """Whether both tables have classes, and none that both have."""
    return bool(here.classes and there.classes) and set(here.classes).isdisjoint(there.classes)


def _difference(metric: Metric, judged: Estimate, trained: Estimate) -> Estimate:
    """Return how much worse the judged table is, with both tables' values as its table."""
    tables = {"train": trained, "judged": judged}
    groups = tuple(
        GroupEstimate(
            group={"table": name},
            n=one.n,
            value=one.value,
            interval=one.interval,
            judged=one.value is not None,
            reason=one.reason,
        )
        for name, one in tables.items()
    )
    n = judged.n + trained.n
    better, worse = (trained, judged) if metric.sign > 0 else (judged, trained)
    if better.value is None or worse.value is None:
        lacking = [f"{name} table: {one.reason}" for name, one in tables.items() if one.value is None]
        return Estimate.missing("; ".join(lacking), n=n, groups=groups)
    value = better.value - worse.value
    if isinstance(better.interval, Part) and isinstance(worse.interval, Part):
        return Estimate(value=value, n=n, interval=Newcombe(better.interval, worse.interval), groups=groups)
    lacking = [
        f"{name} table: {one.reason or 'it has no interval'}"
        for name, one in tables.items()
        if not isinstance(one.interval, Part)
    ]
    return Estimate(value=value, n=n, reason="; ".join(lacking), groups=groups)
