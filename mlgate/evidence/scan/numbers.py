"""Columns of numbers in the first look: what is counted of them, and what is wrong with them.

A column that holds no numbers at all is an error, since nothing can be made of it; numbers that are missing
or impossible are faults.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlgate.errors import EvidenceError
from mlgate.evidence import canonical, queries
from mlgate.evidence.scan.reading import spoken, stated_under

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from mlgate.evidence.tables import Table


def number(source: ir.Table, name: str) -> ir.FloatingColumn:
    """Return a column as 64-bit floats.

    One that holds no numbers reads as null: the first look has made sure that it holds nothing else.
    """
    column = source[name]
    return (column if holds_numbers(column) else column.nullif(column)).cast("float64")


def holds_numbers(column: ir.Column) -> bool:
    """Whether a column is of numbers or truth values."""
    kind = column.type()
    return bool(kind.is_numeric() or kind.is_boolean())


def facts(source: ir.Table, role: str, name: str) -> dict[str, Any]:
    """Return aggregates of a column: how many values there are, and how many are infinite."""
    found = {f"{role}_held": source[name].count()}
    if not holds_numbers(source[name]):
        return found
    return found | {f"{role}_infinite": source.count(where=queries.is_infinite(number(source, name)))}


def probability_facts(source: ir.Table, role: str, name: str) -> dict[str, Any]:
    """Return `facts`, and how many values lie outside [0, 1]."""
    found = facts(source, role, name)
    if not holds_numbers(source[name]):
        return found
    values = number(source, name)
    infinite = queries.is_infinite(values)
    finite = _finite(values)
    return found | {
        f"{role}_below": source.count(where=(values < 0) & ~infinite),
        f"{role}_above": source.count(where=(values > 1) & ~infinite),
        f"{role}_low": finite.min(),
        f"{role}_high": finite.max(),
    }


def weight_facts(source: ir.Table, name: str) -> dict[str, Any]:
    """Return `facts` of the weight, how many values are negative, and the largest."""
    found = facts(source, "weight", name)
    if not holds_numbers(source[name]):
        return found
    values = number(source, name)
    infinite = queries.is_infinite(values)
    return found | {
        "weight_below": source.count(where=(values < 0) & ~infinite),
        "weight_high": _finite(values).max(),
    }


def _finite(values: ir.FloatingColumn) -> Any:
    import ibis

    return queries.is_infinite(values).ifelse(ibis.literal(None, "float64"), values)


def demand(table: Table, role: str, name: str, row: Mapping[str, Any], *, key: str) -> None:
    """Refuse a column of texts; one that is all null is a fault, not an error.

    `key` is what the release names the column under, `score` or `quantiles`.
    """
    if f"{role}_infinite" not in row and row[f"{role}_held"]:
        raise not_numbers(table, role, name, key=key)


def not_numbers(table: Table, role: str, name: str, *, key: str) -> EvidenceError:
    """Return the error of a column that plays a role of numbers and holds something else."""
    return EvidenceError(
        queries.where(table, name),
        f"the {spoken(role)} is {queries.type_of(queries.column_of(table, name))}, not a number",
        f"name a column of numbers under {stated_under(key)}, or give its type under `types:`",
    )


def impossible(role: str, row: Mapping[str, Any]) -> list[str]:
    """List what is wrong with any column of numbers: values that are missing, or infinite."""
    rows = row["rows"]
    missing = rows - row[f"{role}_held"]
    infinite = row.get(f"{role}_infinite") or 0
    parts = [f"{missing} of {rows} values are missing or NaN"] if missing else []
    return parts + ([f"{infinite} of {rows} values are infinite"] if infinite else [])


def outside(role: str, row: Mapping[str, Any]) -> list[str]:
    """List that values lie outside [0, 1], if any do."""
    count = (row.get(f"{role}_below") or 0) + (row.get(f"{role}_above") or 0)
    if not count:
        return []
    low, high = (canonical.number(row[f"{role}_{end}"]) for end in ("low", "high"))
    span = f"(min {low}, max {high})"
    return [f"{count} of {row['rows']} values lie outside [0, 1] {span}, so it is not a probability"]
