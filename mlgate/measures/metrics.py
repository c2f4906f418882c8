"""A performance metric that another measure is about: what a policy names under `metric`.

A measure annotates its parameter with `Metric`; the policy writes `metric: performance/f1`, `metric: f1`, or
`metric: {check: performance/f1, params: {average: macro}}`, and the measure is given the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlgate.cells import Answers, Cells, Columns, Counts
from mlgate.errors import EvidenceError, PolicyError
from mlgate.estimates import Estimate
from mlgate.measures import Measure, catalogue

FAMILY = "performance"
"""The family of the checks that a policy may name as a metric."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """A check on performance as a number to compute: its measure, and all parameters of that."""

    check: str
    """The id of the check, performance/f1."""
    measure: Measure = field(repr=False)
    params: Mapping[str, Any] = field(default_factory=dict)
    """Complete, with the defaults of the measure; without what the gate gives."""
    tasks: tuple[str, ...] = ()
    """Those of the check; empty: any task."""
    needs: tuple[str, ...] = ()
    """Those of the check, which has at least those of the measure."""
    digest: str = ""
    """That of the check."""

    def __str__(self) -> str:
        """Return `performance/f1 (average: macro)`; what is None goes unsaid."""
        said = ", ".join(f"{name}: {value}" for name, value in self.params.items() if value is not None)
        return f"{self.check} ({said})" if said else self.check

    @property
    def shown(self) -> dict[str, Any]:
        """Return it as a policy writes it in full."""
        return {"check": self.check, "params": dict(self.params)}

    @property
    def sign(self) -> int:
        """1 where higher is better, -1 where lower is."""
        return -1 if self.measure.better == "lower" else 1

    def require_direction(self) -> Metric:
        """Return it as it is; PolicyError for a metric with a target, where of two values none is better."""
        if self.measure.better == "target":
            what = f"{self.check} is neither better when higher nor when lower: it has a target"
            raise PolicyError("params.metric", what, "use another metric")
        return self

    def plan(self, columns: Columns, given: Mapping[str, Any]) -> tuple[Counts, ...]:
        """Return the counts that it needs of a table; `given` is what the gate gives (`seed`, `min_group`).

        Raises PolicyError when it is not for the table's task, cannot be computed from counts, or takes
        clustered rows for independent, and EvidenceError when the release names no column that it needs.
        """
        self._require_fit(columns)
        planned = self.measure.plan(self._whole(given), columns)
        counts = tuple(one for one in planned if isinstance(one, Counts))
        if len(counts) < len(planned) or not counts:
            what = f"{self.check} does not work on counts of label and prediction alone"
            raise PolicyError("params.metric", what, "use another metric")
        return counts

    def value(self, cells: Mapping[Counts, Cells], given: Mapping[str, Any]) -> Estimate:
        """Measure cells that answer `plan`; `given` as there."""
        return self.measure.value(Answers(dict(cells.items())), self._whole(given))

    def _whole(self, given: Mapping[str, Any]) -> dict[str, Any]:
        gate = {name: given[name] for name in self.measure.injected if name in given}
        return {**self.params, **gate}

    def _require_fit(self, columns: Columns) -> None:
        if self.tasks and columns.task not in self.tasks:
            what = f"{self.check} is for task {' or '.join(self.tasks)}, and this release is {columns.task}"
            raise PolicyError("params.metric", what, "use another metric, or say `when: {task: [...]}`")
        for role in self.needs:
            if not columns.has(role):
                what = f"{self.check} needs it, and the release names no column for it"
                raise EvidenceError(
                    f"role {role}", what, f"add `{role}` under `columns:`, or use another metric"
                )
        if columns.cluster is not None and not self.measure.clusters:
            what = f"rows belong together by {columns.cluster!r}, and {self.check} does not allow for that"
            raise PolicyError("params.metric", what, "use another metric")


def unusable(measure: Measure) -> str | None:
    """Return why a measure cannot be the metric of another, None when it can."""
    if measure.kind != "estimate":
        return f"it is a {measure.kind}, which has no interval"
    if measure.over_groups:
        return "it compares groups"
    if "against" in measure.injected or any(":" in need for need in measure.needs):
        return "it looks at more than one table"
    if measure.asks_further:
        return "it asks for more than counts"
    return None


def shipped(name: str, **params: Any) -> Metric:
    """Return a metric of mlgate's own by the name of its check, `f1`, without looking at check files.

    KeyError when there is no such measure.
    """
    measure = catalogue()[f"{FAMILY}.{name.replace('-', '_')}"]
    defaults = {key: parameter.default for key, parameter in measure.params.items()}
    return Metric(
        check=f"{FAMILY}/{name}",
        measure=measure,
        params={**defaults, **params},
        tasks=measure.tasks,
        needs=measure.needs,
    )


def plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as reports have them: metrics written in full."""
    return {name: value.shown if isinstance(value, Metric) else value for name, value in params.items()}
