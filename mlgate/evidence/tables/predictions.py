"""Predictions that come in a table of their own: joined one to one, or an error with the counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlgate.errors import EvidenceError
from mlgate.evidence import queries
from mlgate.evidence.tables.names import folded
from mlgate.strict_yaml import did_you_mean, show

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from mlgate.cells import ColumnType

_NUMERIC = ("integer", "number")


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One of the two tables."""

    table: ir.Table
    types: Mapping[str, ColumnType]
    display: str
    engine: str
    """Ibis' name of the engine that has both."""


def join(rows: Side, predictions: Side, *, key: str, whole: ir.Table, where: str) -> ir.Table:
    """Return the rows with the columns of their predictions, `key` once.

    Every row must have exactly one prediction. A prediction must be of a row of the `whole` table: one for
    a row that the release leaves out by `where` is no fault, one for a row that does not exist is.

    Args:
        rows: The rows that are judged.
        predictions: In the same engine.
        key: The column that both have.
        whole: The table before any row was left out.
        where: The line of the release that asks for the join.

    Raises:
        EvidenceError: Saying how many keys are missing on either side, repeated or null; or that the key is
            absent, of different types, or another column is in both tables. Also when the engine fails.
    """
    _require_key(rows, key, where)
    _require_key(predictions, key, where)
    _require_one_type(rows, predictions, key, where)
    _require_new_columns(rows, predictions, key, where)
    joined = _joined(rows.table, predictions.table, key)
    exact = rows.types[key] == predictions.types[key]
    if exact and _one_to_one(rows, predictions, key, joined):
        return joined
    faults = _faults(rows, predictions, key, whole)
    if faults:
        raise EvidenceError(
            f"{predictions.display}: column {show(key)}",
            f"does not match {rows.display} one to one: {', '.join(faults)}",
            "write one prediction for each row",
        )
    if _number(joined.count(), rows) != _number(rows.table.count(), rows):
        # Whole numbers and floats are compared as floats, which past 2**53 cannot tell neighbours apart.
        raise EvidenceError(where, f"key: {show(key)} cannot be compared exactly", "write both in one type")
    return joined


def _require_key(side: Side, key: str, where: str) -> None:
    if key not in side.types:
        raise EvidenceError(
            where, f"key: {side.display} has no column {show(key)}", did_you_mean(key, side.types)
        )


def _require_one_type(rows: Side, predictions: Side, key: str, where: str) -> None:
    one, other = rows.types[key], predictions.types[key]
    if one == "other" or (one != other and not {one, other} <= set(_NUMERIC)):
        raise EvidenceError(
            where,
            f"key: {show(key)} is of type {one} in {rows.display} and {other} in {predictions.display}",
            "write both in one type",
        )


def _require_new_columns(rows: Side, predictions: Side, key: str, where: str) -> None:
    there = {folded(name): name for name in rows.types}
    both = [name for name in predictions.types if name != key and folded(name) in there]
    if both:
        raise EvidenceError(
            where,
            f"{rows.display} and {predictions.display} both have {', '.join(map(show, both[:5]))}",
            "keep each column, other than the key, in one of them",
        )


def _one_to_one(rows: Side, predictions: Side, key: str, joined: ir.Table) -> bool:
    """Whether as many keys as rows meet as many, which leaves nothing to look for."""
    found = [_count_keys(side, key) for side in (rows, predictions)]
    n = found[0][0]
    return found == [(n, n), (n, n)] and _number(joined.count(), rows) == n


def _count_keys(side: Side, key: str) -> tuple[int, int]:
    """Return the rows of a table and its different keys, missing ones left out."""
    keys = _keys(side.table, key)
    counts = keys.aggregate(rows=keys.count(), keys=keys.key.nunique())
    found = queries.fetch(counts, "join the predictions", location=side.display, engine=side.engine)
    return int(found["rows"][0].as_py()), int(found["keys"][0].as_py())


def _faults(rows: Side, predictions: Side, key: str, whole: ir.Table) -> list[str]:
    mine, theirs = _keys(rows.table, key), _keys(predictions.table, key)
    there, predicted = mine.filter(mine.key.notnull()), theirs.filter(theirs.key.notnull())
    rowless = predicted.anti_join(_keys(whole, key), "key")
    counts = (
        (mine.key.isnull().sum(), "row", f"of {rows.display} without a key"),
        (theirs.key.isnull().sum(), "prediction", "without a key"),
        (there.anti_join(predicted, "key").count(), "key", f"of {rows.display} without a prediction"),
        (rowless.count(), "prediction", "without a row"),
        (_repeated(there), "key", f"more than once in {rows.display}"),
        (_repeated(predicted), "key", f"more than once in {predictions.display}"),
    )
    found = [(_number(count, predictions), noun, fault) for count, noun, fault in counts]
    return [f"{n} {noun if n == 1 else noun + 's'} {fault}" for n, noun, fault in found if n]


def _number(count: ir.IntegerScalar, side: Side) -> int:
    found = queries.fetch(count, "join the predictions", location=side.display, engine=side.engine)
    return int(found.as_py() or 0)


def _keys(table: ir.Table, key: str) -> ir.Table:
    return table.select(key=table[key])


def _repeated(keys: ir.Table) -> ir.IntegerScalar:
    there = keys.filter(keys.key.notnull())
    counted = there.group_by("key").agg(rows=there.count())
    return counted.filter(counted.rows > 1).count()


def _joined(rows: ir.Table, predictions: ir.Table, key: str) -> ir.Table:
    taken = {folded(name) for name in (*rows.columns, *predictions.columns)}
    spare = next(name for i in range(len(taken) + 1) if (name := f"key_{i}") not in taken)
    others = [predictions[name] for name in predictions.columns if name != key]
    right = predictions.select(predictions[key].name(spare), *others)
    return rows.inner_join(right, rows[key] == right[spare]).drop(spare)
