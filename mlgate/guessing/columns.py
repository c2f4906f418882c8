"""What is known of the columns of a table before anything is guessed.

Everything is asked of the engine that has the table, as aggregates: no row leaves it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgate.cells import ColumnType, Statistic, ValueCounts, Values
from mlgate.evidence import queries
from mlgate.evidence.scan import scan
from mlgate.evidence.tables import Table

if TYPE_CHECKING:
    import ibis.expr.types as ir

FEW = 60
"""A column with no more values than this has them listed."""

MOST_LISTED, MOST_LISTED_OF_WIDE, WIDE = 300, 24, 400
"""Columns of two values, and as many of some more, whose values are listed: the first and the last ones,
where labels mostly stand. Of a table of more than `WIDE` columns there are fewer, as each takes a query."""

_ABOUT_TWO = 3
"""A rough count of two values may be off by one."""

_AT_ONCE = 100
"""Columns that one query looks at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What is known of one column."""

    name: str
    type: ColumnType
    place: int
    """From the left, from 0."""
    rows: int
    held: int
    """Rows that have a value."""
    distinct: int
    """Different values, about; exactly when `values` lists them."""
    low: Any = None
    """The smallest value; None without values and for types without an order."""
    high: Any = None
    whole: bool = False
    """Whether all its numbers are whole."""
    values: tuple[tuple[str, int], ...] = ()
    """Each value as text with its rows, most frequent first; empty when there are more than `FEW`."""

    @property
    def numeric(self) -> bool:
        """Whether it holds numbers."""
        return self.type in ("integer", "number")

    @property
    def share(self) -> bool:
        """Whether it holds numbers in [0, 1] that are not all whole: probabilities, or shares."""
        return self.numeric and self.held > 0 and not self.whole and self.low >= 0 and self.high <= 1

    @property
    def texts(self) -> tuple[str, ...]:
        """Its values as text, most frequent first, when they are few."""
        return tuple(text for text, _ in self.values)


def facts_of(table: Table) -> dict[str, Facts]:
    """Return what is known of every column of a plain type, in the order of the table.

    Raises EvidenceError when the engine cannot answer.
    """
    names = [name for name in table.columns.names if table.columns.types[name] != "other"]
    found: dict[str, Facts] = {}
    for start in range(0, len(names), _AT_ONCE):
        found |= _looked_at(table, names[start : start + _AT_ONCE])
    two = [name for name, one in found.items() if 0 < one.distinct <= _ABOUT_TWO]
    few = [name for name, one in found.items() if _ABOUT_TWO < one.distinct <= 2 * FEW]
    most = MOST_LISTED if len(names) <= WIDE else MOST_LISTED_OF_WIDE
    listed = _listed(table, [*_ends(two, most), *_ends(few, most)])
    return {name: _with_values(one, listed.get(name)) for name, one in found.items()}


def _ends(names: Sequence[str], most: int) -> Sequence[str]:
    half = most // 2
    return names if len(names) <= most else [*names[:half], *names[-half:]]


def _looked_at(table: Table, names: Sequence[str]) -> dict[str, Facts]:
    source = queries.cleaned(table, names)
    asked: dict[str, Any] = {"rows": source.count()}
    for number, name in enumerate(names):
        asked |= {f"{what}{number}": one for what, one in _aggregates(source[name]).items()}
    row = queries.run(table, source.aggregate(**asked), "look at the columns").to_pylist()[0]
    place = {name: number for number, name in enumerate(table.columns.names)}
    return {
        name: Facts(
            name=name,
            type=table.columns.types[name],
            place=place[name],
            rows=row["rows"],
            held=row[f"held{number}"],
            distinct=row[f"distinct{number}"],
            low=row.get(f"low{number}"),
            high=row.get(f"high{number}"),
            whole=row.get(f"broken{number}", 1) == 0,
        )
        for number, name in enumerate(names)
    }


def _aggregates(column: ir.Column) -> dict[str, Any]:
    kind = column.type()
    asked = {"held": column.count(), "distinct": queries.about_distinct(column)}
    if kind.is_numeric() or kind.is_boolean() or kind.is_string() or kind.is_date() or kind.is_timestamp():
        asked |= {"low": column.min(), "high": column.max()}
    if kind.is_integer():
        asked["broken"] = (column != column).sum().coalesce(0)  # noqa: PLR0124
    elif kind.is_numeric():
        asked["broken"] = (column % 1 != 0).sum().coalesce(0)  # `floor` is cast to 64 bits
    return asked


def _listed(table: Table, names: Sequence[str]) -> dict[str, ValueCounts]:
    wanted: list[Values] = [Values(name) for name in names]
    answers: Mapping[Statistic, object] = scan(table, wanted) if wanted else {}
    return {one.column: found for one in wanted if isinstance(found := answers[one], ValueCounts)}


def _with_values(one: Facts, found: ValueCounts | None) -> Facts:
    if found is None or found.distinct > FEW:
        return one
    return Facts(
        name=one.name,
        type=one.type,
        place=one.place,
        rows=one.rows,
        held=one.held,
        distinct=found.distinct,
        low=one.low,
        high=one.high,
        whole=one.whole,
        values=found.counts,
    )
