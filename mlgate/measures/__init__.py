"""Measures: functions that turn evidence into a number with an interval. They know no threshold.

A measure is found by being there: every `Measure` at the top of a module in this package, and every
one that an installed package offers under the entry-point group `mlgate.measures`. There is no registry
to edit.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from importlib import metadata
from types import ModuleType
from typing import Any, Literal, Protocol, get_args

from mlgate.cells import ROLES, Answers, Cells, Columns, Counts, ScoreSum, Statistic, Task
from mlgate.errors import MeasureError
from mlgate.estimates import Estimate

Kind = Literal["fact", "estimate", "timing"]
Better = Literal["higher", "lower", "target"]

NEEDS = (
    "label",
    "prediction",
    "score",
    "features",
    "categorical",
    "protected",
    "key",
    "time",
    "weight",
    "cluster",
    "interval",
    "quantiles",
    "model",
    "artifact",
    "champion",
)
"""What a measure or a check may need, besides `table:NAME` and `document:NAME`."""

NAMED_NEED = re.compile(r"(table|document):[A-Za-z][A-Za-z0-9_-]*")

TASKS: tuple[str, ...] = get_args(Task)

API = 1
"""The version of the seam; a plugin that was written for another is refused."""

INJECTED = (
    "by",
    "min_group",
    "judge_unknown",
    "judging",
    "seed",
    "favourable",
    "as_of",
    "against",
    "trusted",
)
"""Parameters that the gate gives, not the check: the group set, the smallest group judged alone,
whether the group of missing values is judged, these three in one (`Judging`), the seed of any draw,
whether people want the "positive" or the "negative" outcome ("favourable"), the moment of the run, a
datetime in UTC ("as_of"), the table that the judged one is compared with (`Against`), what the policy lets
a model execute: "none", "pickle" or "code" ("trusted"). A measure that takes `by` or `judging` is a measure
over groups."""


class Planned(Protocol):
    """The seam of a measure with a plan of its own: plan -> answers -> estimate.

    A measure that cannot say all it needs before it has seen some of it also has
    `further(cells, params) -> list[Statistic]`: from the answers to its plan, what else it asks of the table.
    All that measures ask further is fused into one more round; `value` is given both.
    """

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Return what is asked of the table; the gate fuses it with what the others ask."""
        ...

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the number, from the answers to what `plan` returned."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """A measure with its facts. Made by the decorator `measure`."""

    id: str
    kind: Kind
    unit: str
    better: Better
    tasks: tuple[str, ...]
    """Empty: any task."""
    needs: tuple[str, ...]
    """Roles (`label`, `prediction`, `score`, `protected`, ...) and `document:NAME`."""
    source: str
    """Where the formula is from: a library's function or a paper."""
    summary: str
    """First line of the docstring."""
    params: Mapping[str, inspect.Parameter]
    """What a check may set: name -> parameter, with annotation and default."""
    injected: tuple[str, ...]
    """Of `INJECTED`, what the measure asks the gate for."""
    over_groups: bool
    clusters: bool
    """Whether its interval allows for rows that belong together: its cells then carry `clusters`."""
    views: Mapping[str, str]
    """From task to the view of the table that a plain function counts with."""
    bins: tuple[ScoreSum, ...] | None
    """Whether a plain function takes scores in bins (`Counts.binned`), and the sums that it needs then."""
    implementation: Callable[..., Estimate] | Planned
    package: str
    version: str
    location: str
    """`mlgate/measures/performance.py:12`"""
    api: int = API

    def __str__(self) -> str:
        """Return the id."""
        return self.id

    def plan(self, params: Mapping[str, Any], columns: Columns) -> tuple[Statistic, ...]:
        """Return the statistics that this measure needs of a table with these columns.

        A plain function needs the cells of its role columns, by its groups.
        """
        if hasattr(self.implementation, "plan"):
            return tuple(self.implementation.plan(params, columns))
        return (self._counts(params, columns),)

    @property
    def asks_further(self) -> bool:
        """Whether it may ask more once its plan is answered."""
        return hasattr(self.implementation, "further")

    def further(self, answers: Answers, params: Mapping[str, Any]) -> tuple[Statistic, ...]:
        """Return what else is needed, now that the plan is answered; nothing for most measures."""
        ask = getattr(self.implementation, "further", None)
        return tuple(ask(answers, params)) if ask is not None else ()

    def value(self, answers: Answers, params: Mapping[str, Any]) -> Estimate:
        """Measure. Cells with a fault are never looked at: the estimate is missing, with the fault."""
        for answer in answers.of.values():
            if isinstance(answer, Cells) and answer.fault is not None:
                return Estimate.missing(answer.fault, n=answer.rows)
        if hasattr(self.implementation, "value"):
            return self.implementation.value(answers, params)
        (counts,) = answers.of
        return self.implementation(answers.get(counts, Cells), **params)

    def _counts(self, params: Mapping[str, Any], columns: Columns) -> Counts:
        needed = {"lower", "upper"} if "interval" in self.needs else set()
        clustered = self.clusters and columns.cluster is not None
        return Counts(
            roles=tuple(role for role in ROLES if role in needed.union(self.needs)),
            by=tuple(params["judging"].by if "judging" in params else params.get("by", ())),
            view=self.views.get(columns.task),
            clustered=clustered,
            binned=self.bins if columns.task == "binary" and not clustered else None,
        )


def measure(
    *,
    id: str,
    kind: Kind,
    unit: str,
    better: Better,
    source: str,
    tasks: tuple[str, ...] = (),
    needs: tuple[str, ...] = (),
    clusters: bool = False,
    views: Mapping[str, str] | None = None,
    bins: tuple[ScoreSum, ...] | None = None,
    version: str = "1",
    api: int = API,
) -> Callable[[Any], Measure]:
    """Declare a function or a class to be a measure.

    A function takes `Cells` and keyword-only parameters, and returns an `Estimate`; its plan is the
    counts of the roles that it needs. A class has `plan(params, columns)` and `value(cells, params)`;
    its parameters are the keyword-only parameters of `__init__`, which is called once, with None for what has
    no default; `params` holds what the check and the policy set, defaults filled in.

    `clusters` says that the interval allows for rows that belong together; without it, a release that names
    a cluster gets no judgement of this measure. `views` names, by task, the view (`Counts.view`) that a plain
    function counts with; `bins` says that it takes the scores of a long table in bins (`Cells.binned`), and
    with which sums. A class plans its own.

    Raises MeasureError when the docstring is missing, a parameter is not keyword-only or not annotated, or
    kind, better, tasks or needs hold a word that the gate does not know.
    """
    where = _caller()

    def declare(target: Any) -> Measure:
        _require_known(where, id, kind=kind, better=better, tasks=tasks, needs=needs)
        doc = inspect.getdoc(target)
        if not doc:
            raise MeasureError(where, f"measure {id} has no docstring", "say what it computes")
        planned = inspect.isclass(target)
        signature = inspect.signature(target)
        found = dict(signature.parameters) if planned else dict(list(signature.parameters.items())[1:])
        for name, parameter in found.items():
            if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
                raise MeasureError(
                    where, f"parameter {name!r} of {id} is not keyword-only", "put it after `*`"
                )
            if parameter.annotation is inspect.Parameter.empty:
                raise MeasureError(where, f"parameter {name!r} of {id} has no type", "annotate it")
        return Measure(
            id=id,
            kind=kind,
            unit=unit,
            better=better,
            tasks=tasks,
            needs=needs,
            source=source,
            summary=doc.splitlines()[0],
            params={name: p for name, p in found.items() if name not in INJECTED},
            injected=tuple(name for name in INJECTED if name in found),
            over_groups="by" in found or "judging" in found,
            clusters=clusters,
            views=views or {},
            bins=bins,
            implementation=_made(target, found) if planned else target,
            package=target.__module__.partition(".")[0],
            version=version,
            location=where,
            api=api,
        )

    return declare


def _made(target: Any, parameters: Mapping[str, inspect.Parameter]) -> Any:
    """Make the one instance of a class; what it is to measure with comes later, in `params`."""
    required = [name for name, one in parameters.items() if one.default is inspect.Parameter.empty]
    return target(**dict.fromkeys(required))


def _caller() -> str:
    """Return `file:line` of the decorator: looking a class up in its source would parse the whole file."""
    frame = inspect.currentframe()
    place = frame and frame.f_back and frame.f_back.f_back
    return f"{place.f_code.co_filename}:{place.f_lineno}" if place else "a measure"


def _require_known(
    where: str, id: str, *, kind: str, better: str, tasks: Sequence[str], needs: Sequence[str]
) -> None:
    """Refuse words that the gate does not know; misspelt, a need would never be met, nor a task fit."""
    for name, words in (("tasks", tasks), ("needs", needs)):
        if isinstance(words, str):
            raise MeasureError(where, f"{name} of {id} is the text {words!r}", f"write {name}=({words!r},)")
    given = [("kind", kind, get_args(Kind)), ("better", better, get_args(Better))]
    given += [("tasks", task, TASKS) for task in tasks]
    given += [("needs", need, NEEDS) for need in needs if not NAMED_NEED.fullmatch(str(need))]
    for name, word, known in given:
        if word not in known:
            close = get_close_matches(str(word), known, n=1)
            named = ", table:NAME or document:NAME" if name == "needs" else ""
            todo = f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(known)}{named}"
            raise MeasureError(where, f"{name} of {id} says {word!r}, which the gate does not know", todo)


@cache
def catalogue() -> Mapping[str, Measure]:
    """Return every measure by id: the shipped ones, then those of installed plugins.

    Raises MeasureError when two measures share an id or a plugin fails to load: a gate that silently
    lacks a measure would judge less than it was asked to.
    """
    found: dict[str, Measure] = {}
    for one in _shipped():
        if found.setdefault(one.id, one) is not one:
            raise MeasureError(one.location, f"measure {one.id} exists twice", "rename one of them")
    for one in _plugins():
        if one.id in found:
            other = found[one.id]
            raise MeasureError(
                one.location,
                f"measure {one.id} of package {one.package} is taken by {other.package}",
                "a plugin may not take a name that exists; rename it",
            )
        found[one.id] = one
    return found


def of_module(module: ModuleType) -> Iterator[Measure]:
    """Yield the measures at the top of a module, by name."""
    for _, member in sorted(vars(module).items()):
        if isinstance(member, Measure):
            yield member


def _shipped() -> Iterator[Measure]:
    for info in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name):
        yield from of_module(importlib.import_module(f"{__name__}.{info.name}"))


def _plugins() -> Iterator[Measure]:
    """Yield the measures of the entry points, which name a measure or a module that holds some."""
    points = metadata.entry_points(group="mlgate.measures")
    for point in sorted(points, key=lambda point: (point.name, point.value)):
        owner = point.dist.name if point.dist else "unknown"
        where = f"package {owner}, entry point {point.name} = {point.value}"
        try:
            loaded = point.load()
        except (Exception, SystemExit) as error:  # a plugin may fail in any way; none may pass unseen
            raise MeasureError(where, f"does not load: {error!r}", "mend or uninstall the package") from error
        measures = [loaded] if isinstance(loaded, Measure) else []
        if isinstance(loaded, ModuleType):
            measures = list(of_module(loaded))
        if not measures:
            raise MeasureError(where, "offers no measure", "decorate one with @mlgate.measure")
        for one in measures:
            if one.api != API:
                raise MeasureError(where, f"{one.id} is written for api {one.api}", f"this mlgate has {API}")
            version = point.dist.version if point.dist else one.version
            yield replace(one, package=owner, version=version)
