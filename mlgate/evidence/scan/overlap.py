"""Rows of a table whose values occur together in another one: a semi-join where the data is.

A join over many columns keeps all of them in memory. So, where the engine has a hash, the tables are joined
by one hash of each row first: equal rows have equal hashes. Only rows whose hashes meet are then compared, in
full and by their values. No count ever rests on a hash.

Null equals null, and 1 equals 1.0. A column may be of one type here and of another there: then both are
brought to one form, in which equal values are equal and no others are (`_paired`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgate.cells import Answer, Overlap, OverlapCounts, Statistic, TableStatistic
from mlgate.errors import EvidenceError
from mlgate.evidence import queries
from mlgate.evidence.queries import Step
from mlgate.evidence.scan.equal_rows import FEW_COLUMNS
from mlgate.strict_yaml import show

if TYPE_CHECKING:
    import ibis.expr.datatypes as dt
    import ibis.expr.types as ir
    import pyarrow as pa

    from mlgate.evidence.tables import Table

_HASH, _BLANK, _FIT = "hash", "blank", "fit"

_WHOLE_BELOW = 2.0**64
"""Integral floats under this may equal an integer of 64 bits."""


@dataclass(frozen=True, slots=True)
class _Form:
    """A column as it is compared."""

    value: ir.Value
    fit: ir.BooleanValue | None = None
    """Whether the value can have an equal in the other table at all; None: each can."""


def steps(table: Table, statistics: Sequence[TableStatistic], others: Mapping[str, Table]) -> list[Step]:
    """Return the queries that answer all `Overlap` of a table; `others` are the tables by name.

    Where hashes meet, answering runs a second query: the comparison of those rows.

    Raises EvidenceError when the other table is not there or in another engine, when either lacks a column,
    and when a column is of two types between which nothing can be equal.
    """
    return [_step(table, _other(table, one, others), one) for one in statistics if isinstance(one, Overlap)]


def _other(table: Table, statistic: Overlap, others: Mapping[str, Table]) -> Table:
    other = others.get(statistic.other)
    if other is None:
        raise EvidenceError(
            table.location, f"there is no table {show(statistic.other)} to look rows up in", "name one"
        )
    if other.engine != table.engine or other.expr.get_backend() is not table.expr.get_backend():
        raise EvidenceError(
            table.location,
            f"its rows are in {table.engine} and those of {other.location} in another database or engine "
            f"({other.engine}), so they cannot be looked up there",
            "put both tables into one database, or both into files",
        )
    if not statistic.columns:
        raise EvidenceError(
            table.location, "no columns are named in which rows could be equal", "name at least one column"
        )
    return other


def _step(table: Table, other: Table, statistic: Overlap) -> Step:
    columns = tuple(dict.fromkeys(statistic.columns))
    here, there = _sides(table, other, columns)
    what = f"look {queries.listed(columns)} up in {other.name}"
    hashed = len(columns) > FEW_COLUMNS and _HASH in here.columns
    keys = [_HASH] if hashed else _names(columns)
    able = here.filter(here[_FIT] & ~here[_BLANK])
    known = there.filter(there[_FIT])

    def distribute(result: pa.Table) -> Mapping[Statistic, Answer]:
        found = {name: int(result[name][0].as_py() or 0) for name in result.column_names}
        if hashed and found["shared"]:
            met = _met(_met(able, known, [_HASH]), _met(known, able, [_HASH]), _names(columns))
            full = queries.run(
                table, met.aggregate(shared=met.count()), f"{what}: compare those whose hashes meet"
            )
            found["shared"] = int(full["shared"][0].as_py())
        return {statistic: OverlapCounts(**found)}

    met = _met(able, known, keys)
    counted = here.aggregate(rows=here.count(), nulls=here[_BLANK].sum())
    return Step(
        what=what,
        expression=counted.cross_join(met.aggregate(shared=met.count())).cross_join(
            there.aggregate(other_rows=there.count())
        ),
        serves=(statistic,),
        distribute=distribute,
    )


def _names(columns: Sequence[str]) -> list[str]:
    return [f"k{place}" for place in range(len(columns))]


def _met(rows: ir.Table, others: ir.Table, keys: Sequence[str]) -> ir.Table:
    """Return the rows that have an equal among the others, null being equal to null."""
    distinct = others.select(*keys).view()
    return rows.semi_join(distinct, [rows[key].identical_to(distinct[key]) for key in keys])


def _sides(table: Table, other: Table, columns: Sequence[str]) -> tuple[ir.Table, ir.Table]:
    """Return both tables with the columns in one form, under names of ours, and what is known of each row."""
    sources = queries.cleaned(table, columns), queries.cleaned(other, columns)
    pairs = [_paired(table, other, name, sources[0][name], sources[1][name]) for name in columns]
    return (
        _side(table, sources[0], columns, [pair[0] for pair in pairs]),
        _side(other, sources[1], columns, [pair[1] for pair in pairs]),
    )


def _side(table: Table, source: ir.Table, columns: Sequence[str], forms: Sequence[_Form]) -> ir.Table:
    import ibis

    fits = [form.fit for form in forms if form.fit is not None]
    values: dict[str, Any] = dict(zip(_names(columns), (form.value for form in forms), strict=True))
    rows = source.select(
        **values,
        **{_BLANK: all_of([source[name].isnull() for name in columns])},
        **{_FIT: all_of(fits) if fits else ibis.literal(True)},
    )
    struct = ibis.struct({name: rows[name] for name in values})
    found = queries.hash_of(table, struct) if len(columns) > FEW_COLUMNS else None
    return rows if found is None else rows.mutate(**{_HASH: found})


def all_of(conditions: Sequence[ir.BooleanValue]) -> ir.BooleanValue:
    """Return whether all hold, as a tree that is not deep: a chain of thousands no parser would follow."""
    middle = len(conditions) // 2
    return all_of(conditions[:middle]) & all_of(conditions[middle:]) if middle else conditions[0]


def _paired(table: Table, other: Table, name: str, here: ir.Column, there: ir.Column) -> tuple[_Form, _Form]:
    """Bring a column of two tables to one form; EvidenceError when its types have no value in common.

    Numbers are compared as numbers: whole ones exactly, floats of 32 and 64 bits as those of 32, and decimals
    of another scale as floats. Texts are read as the numbers or moments that the other table has, so that "1"
    and "1.0" equal 1; a text that is none equals nothing there. Truth values equal 1 and 0, or "true" and
    "false". Moments without a zone are UTC, a date is its midnight.
    """
    kinds = here.type(), there.type()
    if kinds[0].copy(nullable=True) == kinds[1].copy(nullable=True):
        return _Form(here), _Form(there)
    match sorted((_sort(kinds[0]), _sort(kinds[1]))):
        case ["boolean", "boolean"]:
            return _Form(here), _Form(there)
        case ["text", "text"] | ["boolean", "text"]:
            return _as_text(here), _as_text(there)
        case ["moment", "moment" | "text"]:
            return _as_moment(here), _as_moment(there)
        case ["boolean" | "number", "number"] | ["number", "text"]:
            common = _common([kind for kind in kinds if _sort(kind) == "number"])
            return _as_number(here, common), _as_number(there, common)
    raise EvidenceError(
        queries.where(table, name),
        f"is {queries.type_of(here)}, and {queries.type_of(there)} in {other.location}: no values are equal",
        "have both read as one type (`types:` under `data:`), or compare others",
    )


def _sort(kind: dt.DataType) -> str:
    if kind.is_boolean():
        return "boolean"
    if kind.is_numeric():
        return "number"
    if kind.is_string():
        return "text"
    return "moment" if kind.is_date() or kind.is_timestamp() else f"other {kind}"


def _common(kinds: Sequence[dt.DataType]) -> str:
    """Return the type in which numbers of one or two types are compared."""
    if any(kind.is_decimal() and kind.scale for kind in kinds):
        return "float64"
    if any(kind.is_integer() or kind.is_decimal() for kind in kinds):
        wide = any(kind.is_decimal() or str(kind).lstrip("!") == "uint64" for kind in kinds)
        return "decimal(38, 0)" if wide else "int64"
    return "float32" if any(str(kind).lstrip("!") == "float32" for kind in kinds) else "float64"


def _as_number(column: ir.Column, common: str) -> _Form:
    """Return numbers, truth values or texts as numbers of one type, exactly, or say that there is none."""
    missing = column.isnull()
    if column.type().is_boolean():
        return _Form(column.cast("int64").cast(common))
    value = column.try_cast(common)
    exact: Any = value.notnull()
    if not column.type().is_integer():
        read = column.try_cast("float64")
        exact = exact & ~read.isnan()
        if common not in ("float32", "float64"):
            exact = exact & (value.cast("float64") == read) & (read.abs() < queries.real(_WHOLE_BELOW))
    exact = exact.fill_null(False)
    return _Form(exact.ifelse(value, None), missing | exact)


def _as_text(column: ir.Column) -> _Form:
    if column.type().is_boolean():
        return _Form(column.isnull().ifelse(None, column.ifelse("true", "false")))
    return _Form(column.cast("string"))


def _as_moment(column: ir.Column) -> _Form:
    if not column.type().is_string():
        return _Form(column.cast("timestamp('UTC')").cast("timestamp"))
    value = column.try_cast("timestamp")
    return _Form(value, column.isnull() | value.notnull())
