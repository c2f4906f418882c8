"""Which rows of a table a release means: equality, a list, or a range, and nothing else.

A value is compared as the column's type demands: 1, 1.0 and "1" are one value for a column of numbers, and
for a column of strings 1 is "1". A value that the column cannot hold is an error and never an empty table,
because a table that is empty by a misspelling looks like one that is empty by nature. Missing values match
nothing. A range on a column of strings is an error too: as text, "10" comes before "9".
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Mapping
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING

from mlgate.errors import EvidenceError, Problem
from mlgate.evidence.sources import Range
from mlgate.evidence.tables import texttypes
from mlgate.strict_yaml import did_you_mean, show

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from mlgate.cells import ColumnType
    from mlgate.evidence.roles import Scalar
    from mlgate.evidence.sources import Bound, Condition

_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?")
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_LONGEST = 400
"""Characters of a number; more do not help a double, and cost Python time."""
_TRUTHS = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}


class _Mismatch(Exception):
    """A value that the column cannot hold: what is wrong, what to do."""

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(what)
        self.what, self.todo = what, todo


def rows_where(
    table: ir.Table,
    conditions: Mapping[str, Condition],
    *,
    types: Mapping[str, ColumnType],
    empty: Collection[str] = (),
    where: Callable[[str], str],
) -> ir.Table:
    """Return the rows in which all conditions hold; no row may be left.

    Args:
        table: Any Ibis table.
        conditions: By column.
        types: Of the columns of `table`.
        empty: Columns without any value: whatever is asked of them holds for no row.
        where: From column to the line of the release that names it.

    Raises:
        EvidenceError: With every column that is absent and every value that cannot be in its column.
    """
    problems, found = [], []
    for name, condition in conditions.items():
        try:
            found.append(_holds(table, name, condition, types, empty))
        except _Mismatch as wrong:
            problems.append(Problem(where(name), f"where: {wrong.what}", wrong.todo))
    if problems:
        raise EvidenceError.of(problems)
    return table.filter(reduce(and_, found)) if found else table


def _holds(
    table: ir.Table,
    name: str,
    condition: Condition,
    types: Mapping[str, ColumnType],
    empty: Collection[str],
) -> ir.BooleanValue:
    import ibis

    if name not in types:
        raise _Mismatch(f"the table has no column {show(name)}", did_you_mean(name, types))
    if name in empty:
        return ibis.literal(False)
    column, kind = table[name], types[name]
    if isinstance(condition, Range):
        edges = []
        if condition.from_ is not None:
            edges.append(column >= _literal(column, _edge(name, kind, condition.from_)))
        if condition.before is not None:
            edges.append(column < _literal(column, _edge(name, kind, condition.before)))
        return reduce(and_, edges)
    values = condition if isinstance(condition, tuple) else (condition,)
    return reduce(or_, [column == _literal(column, value_as(name, kind, value)) for value in values])


def _literal(column: ir.Column, value: object) -> ir.Scalar:
    """Return the value as the column has it: a 32-bit 0.1 for 32 bits, in UTC for a zoned time."""
    import ibis

    kind = column.type()
    if isinstance(value, dt.datetime) and kind.is_timestamp() and kind.timezone is not None:
        return ibis.literal(value.replace(tzinfo=dt.UTC))
    if isinstance(value, float) and kind.is_floating():
        return ibis.literal(value, type=kind.copy(nullable=True))
    return ibis.literal(value)


def value_as(name: str, kind: ColumnType, value: Scalar) -> object:
    """Return a value of the release as a column of type `kind` holds it; _Mismatch when it cannot."""
    reader: Callable[[Scalar], object | None] | None = _READERS.get(kind)
    found = reader(value) if reader is not None else None
    if found is not None:
        return found
    what = f"column {show(name)} is of type {kind}, and {show(value)} is no {kind}"
    if kind == "timestamp" and isinstance(value, str) and _ISO_DATE.fullmatch(value):
        raise _Mismatch(
            f"column {show(name)} holds times, and {value} is a whole day",
            "write the day as a range, {from: DAY, before: NEXT DAY}",
        )
    if kind == "string":
        raise _Mismatch(what, "write it in quotes, exactly as in the table")
    if kind == "other":
        raise _Mismatch(f"column {show(name)} is nested or binary", "use another column")
    raise _Mismatch(what, "write a value that the column can hold, or give the column's type under `types`")


def _edge(name: str, kind: ColumnType, bound: Bound) -> object:
    if kind in ("integer", "number") and isinstance(bound, int | float):
        return bound
    if kind == "timestamp" and isinstance(bound, dt.date):
        return _utc(bound)
    if kind == "date" and isinstance(bound, dt.date) and not isinstance(bound, dt.datetime):
        return bound
    if kind in ("integer", "number", "date", "timestamp"):
        raise _Mismatch(
            f"column {show(name)} is of type {kind}, and {bound} is not", "write a value of that type"
        )
    todo = f"give its type, as in types: {{{show(name)}: date}}" if kind == "string" else "list the values"
    raise _Mismatch(f"column {show(name)} is of type {kind}, which has no ranges", todo)


def _utc(bound: dt.date) -> dt.datetime:
    """Return a time in UTC without zone, which is how tables hold it; a date is its midnight."""
    if not isinstance(bound, dt.datetime):
        return dt.datetime(bound.year, bound.month, bound.day)  # noqa: DTZ001 - without zone, see above
    return bound.astimezone(dt.UTC).replace(tzinfo=None) if bound.tzinfo else bound


def _number(value: Scalar) -> float | int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if len(value) > _LONGEST or not re.fullmatch(texttypes.STATED["number"], value):
        return None
    return int(value) if re.fullmatch(r"[ \t]*[+-]?[0-9]+[ \t]*", value) else float(value)


def _integer(value: Scalar) -> int | None:
    found = _number(value)
    if found is None or found != found // 1 or abs(found) > 2**63 - 1:
        return None
    return int(found)


def _float(value: Scalar) -> float | None:
    found = _number(value)
    return None if found is None else float(found)


def _string(value: Scalar) -> str | None:
    if isinstance(value, bool | float):
        return None
    return str(value)


def _boolean(value: Scalar) -> bool | None:
    return _TRUTHS.get(str(value).lower())


def _date(value: Scalar) -> dt.date | None:
    try:
        return dt.date.fromisoformat(value) if isinstance(value, str) and _ISO_DATE.fullmatch(value) else None
    except ValueError:
        return None


def _timestamp(value: Scalar) -> dt.datetime | None:
    try:
        if isinstance(value, str) and _ISO_TIME.fullmatch(value):
            return _utc(dt.datetime.fromisoformat(value))
    except ValueError:
        pass
    return None


_READERS: Mapping[ColumnType, Callable[[Scalar], object | None]] = {
    "integer": _integer,
    "number": _float,
    "string": _string,
    "boolean": _boolean,
    "date": _date,
    "timestamp": _timestamp,
}
