"""Whether a model does better on the rows that it was trained on than on those it has not seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

from mlgate.cells import Answers, Cells, Columns, Counts, On, Stated, Statement, Statistic
from mlgate.errors import EvidenceError, PolicyError
from mlgate.estimates import Estimate, GroupEstimate
from mlgate.intervals import Newcombe, Part
from mlgate.measures import Measure, catalogue, measure

TRAIN = "train"

TASK = Stated("task")
"""The task, which decides what the metric is by default."""

MANY = 20
"""Two tables with more distinct rows than this are not alike by chance."""

Metric = Literal[
    "accuracy",
    "balanced-accuracy",
    "f1",
    "roc-auc",
    "log-loss",
    "brier",
    "mae",
    "rmse",
    "r2",
    "mean-score",
]

DEFAULT: Mapping[str, Metric] = {
    "binary": "accuracy",
    "multiclass": "accuracy",
    "regression": "mae",
    "scores": "mean-score",
}
"""The metric of each task."""

WHERE = "params of performance.overfit: metric"


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
    lower is better, so that a larger value is always worse. `metric` is accuracy, balanced-accuracy, f1,
    roc-auc, log-loss, brier, mae, rmse, r2 or mean-score, as performance's check of that name has it; by
    default accuracy, mae for a regression, mean-score for scores.

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
        inner = _inner(params["metric"] or DEFAULT[columns.task])
        _require_fit(inner, columns)
        counts = [one for one in inner.plan(_own(inner, params), columns) if isinstance(one, Counts)]
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
        inner = _inner(params["metric"] or DEFAULT[str(cells.get(TASK, Statement).value)])
        judged = _measured(inner, here, params)
        trained = _measured(inner, there, params)
        return _difference(inner, judged, trained)


def _inner(metric: Metric) -> Measure:
    return catalogue()[f"performance.{metric.replace('-', '_')}"]


def _own(inner: Measure, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of the metric's own measure: its defaults, and what the gate gave for it."""
    given = {name: params[name] for name in inner.injected if name in params}
    return {**{name: parameter.default for name, parameter in inner.params.items()}, **given}


def _require_fit(inner: Measure, columns: Columns) -> None:
    """Raise when the metric is not for the task, lacks a role, or takes clustered rows for independent."""
    name = inner.id.removeprefix("performance.").replace("_", "-")
    if columns.task not in inner.tasks:
        fit = [one for one in get_args(Metric) if columns.task in _inner(one).tasks]
        raise PolicyError(WHERE, f"{name} is not for the task {columns.task}", f"use one of {', '.join(fit)}")
    for role in inner.needs:
        if not columns.has(role):
            what = f"overfit by {name} needs it, and the release names no column for it"
            raise EvidenceError(f"role {role}", what, f"add `{role}` under `columns:`, or use another metric")
    if columns.cluster is not None and not inner.clusters:
        what = f"rows belong together by {columns.cluster!r}, and {name} has no interval that allows for it"
        raise PolicyError(WHERE, what, "use another metric")


def _measured(inner: Measure, cells: Mapping[Counts, Cells], params: Mapping[str, Any]) -> Estimate:
    """Let the metric's own measure look at one table."""
    return inner.value(Answers(dict(cells.items())), _own(inner, params))


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


def _difference(inner: Measure, judged: Estimate, trained: Estimate) -> Estimate:
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
    better, worse = (trained, judged) if inner.better == "higher" else (judged, trained)
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
