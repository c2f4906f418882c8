"""How the roles of a table are read: what each task has to say of its own, in one form for all.

The first look puts the questions of a `Asked`; its answer makes a `Reading`, which tells the counting which
`Part`s to group by, and what their values mean. A part is of *classes*, few values with a code, or of
*numbers*, which make about as many cells as there are rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from mlgate.cells import QUANTILE, ROLES, Counts
from mlgate.errors import EvidenceError
from mlgate.evidence import queries
from mlgate.evidence.arrays import numbers
from mlgate.strict_yaml import show

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from mlgate.evidence.scan.frames import Frame
    from mlgate.evidence.tables import Table


CHAMPION = "champion_"
"""What the roles of the champion begin with."""


def floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return a column of numbers as floats, null as NaN and -0.0 as 0.0."""
    import pyarrow as pa

    values: NDArray[np.float64] = numbers(column.cast(pa.float64()))
    return values + 0.0  # also a copy: Arrow's own buffer is read-only


def in_order(roles: Iterable[str]) -> list[str]:
    """Return roles in the order of `ROLES`, then the quantiles."""
    place = {role: position for position, role in enumerate(ROLES)}
    return sorted(roles, key=lambda role: (place.get(role, len(place)), role))


def spoken(role: str) -> str:
    """Return a role as messages name it: `champion's score`."""
    return role.replace(CHAMPION, "champion's ", 1)


def stated_under(key: str) -> str:
    """Return where a release names the column of a role: `columns: {score: ...}`, in backquotes."""
    if key.startswith(CHAMPION):
        return f"`champion: {{predictions: {{{key.removeprefix(CHAMPION)}: ...}}}}`"
    return f"`columns: {{{key}: ...}}`"


def is_role(text: str) -> bool:
    """Whether a text names a role that can be counted."""
    return text in ROLES or text.startswith(QUANTILE)


def viewed(statistic: Counts) -> str | None:
    """Return the view that scores are counted in; None where none are, or in no view."""
    return statistic.view if {"score", f"{CHAMPION}score"} & set(statistic.roles) else None


def missing(role: str, name: str, there: int, rows: int) -> list[str]:
    """List that values of a column are missing, if any are."""
    if there == rows:
        return []
    todo = "leave those rows out of the table, or complete them"
    return [f"{rows - there} of {rows} values of {spoken(role)} {show(name)} are missing; {todo}"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One role, as a query groups by it."""

    columns: tuple[str, ...]
    """The columns of the table that it is made of."""
    read: Callable[[ir.Table], ir.Column]
    """From the cleaned columns to what is grouped by."""
    size: int | None = None
    """How many values there can be, a missing one included; None: these are numbers."""
    values: Callable[[pa.ChunkedArray], NDArray[np.float64]] = floats
    """From what the engine gives to the codes or numbers, NaN for missing."""
    of_score: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None
    """How the part follows from a score, where that is counted too and the engine need not."""
    score: str = "score"
    """The role of that score."""
    first: Callable[[ir.Table], ir.Table] | None = None
    """Adds a column that `read` looks at again and again."""
    faults: tuple[str, ...] = ()
    """Why no count with it may be used."""


class Reading(Protocol):
    """How the roles of a table are counted, now that the first look is read."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that label and prediction are places in; none unless multiclass."""
        ...

    def roles(self, statistic: Counts) -> frozenset[str]:
        """Return the roles that have to be counted for a statistic."""
        ...

    def part(self, role: str, view: str | None) -> Part:
        """Return how a role is read; `view` matters to the score alone."""
        ...

    def picture(self, frame: Frame, view: str | None) -> Frame:
        """Return counted roles as a view shows them."""
        ...


class Asked(Protocol):
    """What the first look has to find out about the roles of a table."""

    @property
    def columns(self) -> Collection[str]:
        """The columns that `facts` looks at."""
        ...

    @property
    def listed(self) -> Mapping[str, str]:
        """Roles of which every value has to be known, to their columns."""
        ...

    def facts(self, source: ir.Table) -> dict[str, Any]:
        """Return named aggregates of the cleaned columns. EvidenceError when a column is of no use."""
        ...

    def reading(self, row: Mapping[str, Any], listed: Mapping[str, pa.ChunkedArray]) -> Reading:
        """Make the reading of the aggregates, and of the values of the listed roles.

        Raises EvidenceError when the values do not match what the release says of them.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class PlainReading:
    """A reading in which each role is its part, and there are no views."""

    parts: Mapping[str, Part]
    classes: tuple[str, ...] = field(default=())

    def roles(self, statistic: Counts) -> frozenset[str]:
        """Return the roles of the statistic."""
        if statistic.view is not None:
            raise TypeError(f"no table of this task answers {statistic!r}")
        return frozenset(statistic.roles)

    def part(self, role: str, view: str | None) -> Part:  # noqa: ARG002  # there are no views
        """Return how a role is read."""
        return self.parts[role]

    def picture(self, frame: Frame, view: str | None) -> Frame:  # noqa: ARG002  # there are no views
        """Return the counted roles as they are."""
        return frame


def demand(table: Table, role: str, *, there: bool, key: str | None = None) -> None:
    """Raise EvidenceError when the table lacks a role. `key` is what the release names it under."""
    key = role if key is None else key
    table.require(key, "a selected check needs it")
    if not there:
        raise EvidenceError(
            f"{table.location}: table {show(table.name)}",
            f"has no {spoken(role)}, which a selected check needs",
            f"name it under {stated_under(key)}, or leave the check out",
        )


def demand_classes(table: Table, role: str, name: str, column: ir.Column) -> ir.Column:
    """Return the column of a label or prediction. EvidenceError when its type has no classes."""
    kind = column.type()
    if not (kind.is_numeric() or kind.is_boolean() or kind.is_string()):
        raise EvidenceError(
            queries.where(table, name),
            f"the {spoken(role)} is {queries.type_of(column)}, which has no classes",
            "name a column of numbers, truth values or texts",
        )
    return column
