"""A check: a measure with its meaning, read from its file and held against the measure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from mlgate import measures, strict_yaml
from mlgate.catalogue import params as parameters
from mlgate.catalogue.file import CheckFile, Claim, Lifecycle
from mlgate.cells import Task
from mlgate.errors import ContentError, Problem
from mlgate.findings import FixRecord, Severity
from mlgate.limits import Limit, Op
from mlgate.measures import NAMED_NEED, NEEDS, Better, Kind, Measure
from mlgate.strict_yaml import Document, Loc, did_you_mean, show

FRAMEWORKS: frozenset[str] = frozenset()
"""Ids of controls that `maps_to` may name; no framework ships yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """A check that was read and found sound."""

    id: str
    family: str
    name: str
    title: str
    since: str
    lifecycle: Lifecycle
    measure: Measure
    params: Mapping[str, Any]
    """Typed; without the defaults of the measure."""
    tasks: tuple[Task, ...]
    """Empty: any task."""
    needs: tuple[str, ...]
    kind: Kind
    better: Better
    unit: str
    limit: Limit | None
    """None when the policy must give it."""
    limit_for: Mapping[str, Any]
    """The parameters that limit and guard are for; empty for any."""
    guard: float | None
    """In the unit of the measure; None for 5 % of abs(limit)."""
    claim: Claim | None
    """What the parameter `margin` means, where it makes the limit; None where the policy writes one."""
    against: str | None
    """The table that it compares with where the policy names none; None for a check on one table."""
    retrain: bool
    """Whether a failure says that the model wants training again."""
    severity: Severity
    why: str
    fix: FixRecord
    maps_to: tuple[str, ...]
    sources: tuple[str, ...]
    digest: str
    """sha256 of the data as written, in canonical form."""
    where: str
    """`checks/performance/roc-auc.yaml`"""

    @property
    def tables(self) -> tuple[str, ...]:
        """Return the further tables that it needs: `table:train` in `needs`."""
        return tuple(need.removeprefix("table:") for need in self.needs if need.startswith("table:"))


def build(document: Document, id: str) -> Check:
    """Build the check that a file holds; `id` is what its path says.

    Raises ContentError with every problem at once.
    """
    file = strict_yaml.build(document, CheckFile)
    measure = measures.catalogue().get(file.measure)
    if measure is None:
        todo = did_you_mean(
            file.measure, measures.catalogue(), "`mlgate explain` of a check names its measure"
        )
        raise ContentError(document.where(("measure",)), f"there is no measure {show(file.measure)}", todo)
    problems = [Problem(document.where(loc), what, todo) for loc, what, todo in _faults(file, measure, id)]
    params: dict[str, Any] = {}
    try:
        params = parameters.typed(measure, file.params, document.where)
    except ContentError as error:
        problems.extend(error.problems)
    if problems:
        raise ContentError.of(problems)
    return _check(document, file, measure, params)


def _check(document: Document, file: CheckFile, measure: Measure, params: Mapping[str, Any]) -> Check:
    family, _, name = file.id.partition("/")
    return Check(
        id=file.id,
        family=family,
        name=name,
        title=file.title,
        since=file.since,
        lifecycle=file.lifecycle,
        measure=measure,
        params=params,
        tasks=file.tasks,
        needs=file.needs,
        kind=file.kind,
        better=file.better,
        unit=file.unit,
        limit=Limit(file.limit.op, file.limit.value) if file.limit else None,
        limit_for=file.limit.params if file.limit else {},
        guard=file.guard,
        claim=file.claim,
        against=file.against,
        retrain=file.retrain,
        severity=file.severity,
        why=file.why.strip(),
        fix=FixRecord(effort=file.fix.effort, text=file.fix.text.strip()),
        maps_to=file.maps_to,
        sources=file.sources,
        digest=strict_yaml.digest(document.data),
        where=document.display,
    )


Fault: TypeAlias = tuple[Loc, str, str]
"""Where in the file, what, and what to do."""


def _faults(file: CheckFile, measure: Measure, id: str) -> Iterator[Fault]:
    """Yield what the file says that its path or its measure contradicts."""
    if file.id != id:
        yield ("id",), f"id {show(file.id)} is not the path of the file", f"write id: {id}, or move the file"
    for key in ("kind", "better", "unit"):
        stated, is_so = getattr(file, key), getattr(measure, key)
        if stated != is_so:
            yield (key,), f"{key} {show(stated)} is not that of {measure.id}", f"write {key}: {show(is_so)}"
    yield from _scope(file, measure)
    yield from _terms(file)
    yield from _claim(file, measure)
    for place, control in enumerate(file.maps_to):
        if control not in FRAMEWORKS:
            yield (
                ("maps_to", place),
                f"there is no control {show(control)}",
                did_you_mean(control, FRAMEWORKS),
            )


def _scope(file: CheckFile, measure: Measure) -> Iterator[Fault]:
    """Yield what is off about tasks and needs."""
    tasks = ", ".join(measure.tasks)
    if measure.tasks and not file.tasks:
        yield ("tasks",), f"tasks is empty (any task), {measure.id} is for {tasks}", f"write [{tasks}]"
    for place, task in enumerate(file.tasks):
        if measure.tasks and task not in measure.tasks:
            yield ("tasks", place), f"{measure.id} is not for {task}", f"it is for {tasks}"
    for place, need in enumerate(file.needs):
        known = {*NEEDS, *measure.needs}
        if need not in known and not NAMED_NEED.fullmatch(need):
            todo = did_you_mean(need, known, "name a role, `model`, table:NAME or document:NAME")
            yield ("needs", place), f"{show(need)} is nothing that a check can need", todo
    lacking = [need for need in measure.needs if need not in file.needs]
    if lacking:
        yield ("needs",), f"{measure.id} also needs {', '.join(lacking)}", "add it to needs"


def _terms(file: CheckFile) -> Iterator[Fault]:
    """Yield what is off about limit and guard."""
    for name, value in (file.limit.params if file.limit else {}).items():
        if name not in file.params or file.params[name] != value:
            what = f"the limit is for {name}: {show(value)}, which is not what the check has"
            yield ("limit", "params", name), what, f"write {name} under params, too"
    if file.limit and file.limit.op in (Op.EQUALS, Op.HOLDS) and file.kind != "fact":
        what = f"{file.limit.op.value} is for facts, this is a{'n' * (file.kind == 'estimate')} {file.kind}"
        yield ("limit", "op"), what, "use at_least, at_most or between"
    if file.guard is not None and file.kind == "fact":
        yield ("guard",), "a fact is compared as it is: a guard has no effect", "leave it out"


def _claim(file: CheckFile, measure: Measure) -> Iterator[Fault]:
    """Yield what is off about a limit that is made of a margin."""
    if file.claim is None:
        return
    if "margin" not in measure.params:
        what = f"a claim is made of the parameter `margin`, and {measure.id} has none"
        yield ("claim",), what, "leave it out"
    for key in ("limit", "guard"):
        if getattr(file, key) is not None:
            yield (key,), f"the margin makes the limit, so {key} would do nothing", "leave it out"
