"""Rows and keys of a table that another one has too: what was trained on must not be judged.

The other table is what the policy names under `against`, by default `train`. That it is what the model was
trained on is declared by the release; no measure can know.

Facts, counted exactly and without weights. Nothing is measured where a count of 0 would say nothing: a column
that only one table has or that is empty in one of them, a key that is missing, columns of two types without
any value in common.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlgate.cells import (
    Answers,
    ColumnProfile,
    Columns,
    ColumnType,
    On,
    Overlap,
    OverlapCounts,
    Profile,
    Shape,
    Statistic,
    TableShape,
)
from mlgate.errors import EvidenceError, Problem
from mlgate.estimates import Estimate, GroupEstimate
from mlgate.measures import measure
from mlgate.measures.against import Against
from mlgate.measures.named import EMPTY, chosen, present

_MOMENTS = ("date", "timestamp")
_CLASSES = ("binary", "multiclass")

FEW = 20
"""A column of at most so many values should have one in common with the same column of another table."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Looked:
    """What was asked and found: the columns, in both tables, and the rows that they share."""

    columns: tuple[str, ...]
    here: Mapping[str, ColumnProfile]
    there: Mapping[str, ColumnProfile]
    types: Mapping[str, ColumnType]
    other_types: Mapping[str, ColumnType]
    rows: int
    other_rows: int
    overlaps: Mapping[tuple[str, ...], OverlapCounts]
    """Of all columns, and of single ones of which it has to be known whether they share any value."""
    name: str
    """Of the other table."""

    @property
    def all(self) -> OverlapCounts:
        """What is found over all columns."""
        return self.overlaps[self.columns]


def _asked(names: tuple[str, ...], against: Against, *, alone: Iterable[str] = ()) -> list[Statistic]:
    """Ask both tables for their columns, and for the rows that both have where that can be told.

    `alone` are columns that have to share a value by themselves.
    """
    there = [name for name in names if name in against.columns.names]
    asked: list[Statistic] = [*(Profile(name, ()) for name in names), Shape(), On(against.name, Shape())]
    asked += [On(against.name, Profile(name, ())) for name in there]
    types, others = against.judged.types, against.columns.types
    if len(there) < len(names) or any(_strange(types[name], others[name]) for name in names):
        return asked
    mixed = [name for name in names if sort_of(types[name]) != sort_of(others[name])]
    single = dict.fromkeys((*alone, *mixed))
    return [*asked, Overlap(names, against.name), *(Overlap((name,), against.name) for name in single)]


def sort_of(kind: ColumnType) -> str:
    """Name what a column holds, as a reason does."""
    if kind in ("integer", "number"):
        return "numbers"
    if kind in _MOMENTS:
        return "dates or times"
    return {"string": "texts", "boolean": "truth values"}.get(kind, "something else")


def _strange(one: ColumnType, other: ColumnType) -> bool:
    """Whether no value of one type equals any of the other."""
    sorts = {sort_of(one), sort_of(other)}
    if len(sorts) == 1:
        return False
    return "something else" in sorts or ("dates or times" in sorts and "texts" not in sorts)


def _looked(cells: Answers, against: Against) -> _Looked:
    here = {one.column: cells.get(one, ColumnProfile) for one in cells.of if isinstance(one, Profile)}
    there = {
        name: cells.get(asked, ColumnProfile)
        for name in here
        if (asked := On(against.name, Profile(name, ()))) in cells.of
    }
    return _Looked(
        columns=tuple(here),
        here=here,
        there=there,
        types=against.judged.types,
        other_types=against.columns.types,
        rows=cells.get(Shape(), TableShape).rows,
        other_rows=cells.get(On(against.name, Shape()), TableShape).rows,
        overlaps={one.columns: cells.get(one, OverlapCounts) for one in cells.of if isinstance(one, Overlap)},
        name=against.name,
    )


def _incomparable(found: _Looked) -> str | None:
    """Say why rows without an equal in the other table would show nothing; None when they would."""
    if not found.rows or not found.other_rows:
        return EMPTY if not found.rows else f"table {found.name!r} has no rows"
    for name in found.columns:
        if name not in found.there:
            return f"table {found.name!r} has no column {name!r}; name the columns to compare under `columns`"
        empty = [one.nulls == one.rows for one in (found.here[name], found.there[name])]
        if empty[0] != empty[1]:
            where = "the judged table" if empty[0] else f"table {found.name!r}"
            return f"column {name!r} has no values in {where}, so no row can be alike"
        if all(empty):
            continue
        types = found.types[name], found.other_types[name]
        kinds = f"column {name!r} holds {sort_of(types[0])}, and {sort_of(types[1])} in table {found.name!r}"
        if _strange(*types):
            return f"{kinds}: no row can be alike; have both read as one type (`types:` under `data:`)"
        alone = found.overlaps.get((name,)) if found.here[name].about is None else None  # see `_split_by`
        if alone is not None and found.columns != (name,) and not alone.shared:
            return (
                f"{_nothing(kinds, types, name, found.name)}, so no row can be alike; write both in one way"
            )
    return None


def _nothing(kinds: str, types: tuple[ColumnType, ColumnType], name: str, other: str) -> str:
    if sort_of(types[0]) != sort_of(types[1]):
        return f"{kinds}, with no value in common"
    return f"column {name!r} and that of table {other!r} have no value in common"


def _require_there(wanted: Sequence[str] | None, against: Against) -> None:
    """Raise EvidenceError where a check names columns that the other table lacks."""
    try:
        present(wanted or (), against.columns)
    except EvidenceError as error:
        raise EvidenceError.of(
            Problem(one.where, one.what.replace("the table", f"table {against.name!r}"), one.todo)
            for one in error.problems
        ) from error


@measure(
    id="leakage.row_overlap",
    kind="fact",
    unit="1",
    better="lower",
    source="pandas: rows of evaluation.merge(train.drop_duplicates(), on=columns) / rows, null equal to null",
)
class RowOverlap:
    """Share of judged rows that are in the other table as well, equal in every column looked at.

    Without `columns` these are the features and the label; `ignore` leaves some out. Null equals null, 1
    equals 1.0 and "1"; rows in which all of the columns are missing are left out of account. Where no row is
    shared and a column of few values has none in common, such as the one that the tables were split by,
    nothing is measured: no row could be alike. Columns that the policy names are taken at its word.
    """

    def __init__(
        self,
        *,
        columns: list[str] | None = None,
        ignore: list[str] | None = None,
        against: Against | None = None,
    ) -> None:
        """Declare the parameters: the columns to compare and those to leave out; the gate gives the table."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask which rows the other table has."""
        against: Against = params["against"]
        _require_there(params["columns"], against)
        label = [columns.label] if columns.label else []
        wanted = [*columns.features, *label] if params["columns"] is None else params["columns"]
        names = chosen("leakage.row_overlap", wanted, columns, ignore=params["ignore"] or ())
        alone = [name for name in label if name in names and columns.task in _CLASSES]
        return _asked(names, against, alone=alone)

    def further(self, cells: Answers, params: Mapping[str, Any]) -> list[Statistic]:
        """Ask, where no row is shared, which columns could be the reason."""
        found = _looked(cells, params["against"])
        if params["columns"] is not None or _incomparable(found) is not None or found.all.shared:
            return []
        unknown = [name for name in found.columns if (name,) not in found.overlaps]
        alone = [Overlap((name,), found.name) for name in unknown]
        return [*alone, *(Profile(name, ("about",)) for name in unknown)]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the share."""
        found = _looked(cells, params["against"])
        reason = _incomparable(found)
        if reason is not None:
            return Estimate.missing(reason, n=found.rows)
        reason = _split_by(found)
        if reason is not None:
            return Estimate.missing(reason, n=found.rows)
        rows = found.all.rows - found.all.nulls
        if not rows:
            return Estimate.missing("every row is without a value in the columns looked at", n=found.rows)
        return shared_part({"columns": ", ".join(found.columns)}, found.all.shared, rows)


def _split_by(found: _Looked) -> str | None:
    """Say that a column of few values has none in common with the other table; None where none is such."""
    for name in found.columns:
        about, alone = found.here[name].about, found.overlaps.get((name,))
        if about is None or about > FEW or alone is None or alone.shared or alone.nulls == alone.rows:
            continue
        why = f"column {name!r} and that of table {found.name!r} have no value in common: no row can be alike"
        return f"{why}; leave it out by `ignore`"
    return None


@measure(
    id="leakage.key_overlap",
    kind="fact",
    unit="1",
    better="lower",
    source="pandas: evaluation[key].isin(train[key]).mean()",
)
class KeyOverlap:
    """Share of judged rows whose key is in the other table as well.

    The key is the release's, or the `columns` together. Where any row of either table lacks its key, nothing
    is measured: who it is about is not known.
    """

    def __init__(self, *, columns: list[str] | None = None, against: Against | None = None) -> None:
        """Declare the parameter: the columns that together are the key; the gate gives the table."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask which keys the other table has."""
        against: Against = params["against"]
        _require_there(params["columns"], against)
        if params["columns"] is not None:
            return _asked(chosen("leakage.key_overlap", params["columns"], columns), against)
        return _asked((columns.key,), against) if columns.key else []

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the share."""
        if not cells.of:
            return Estimate.missing("the table has no key column, and the check names no columns")
        found = _looked(cells, params["against"])
        reason = _incomparable(found) or _unkeyed(found)
        if reason is not None:
            return Estimate.missing(reason, n=found.rows)
        return shared_part({"key": ", ".join(found.columns)}, found.all.shared, found.all.rows)


def _unkeyed(found: _Looked) -> str | None:
    """Say that keys are missing, or of two types with nothing in common; None when neither is so."""
    sides = (
        ("the judged table", found.here, found.rows),
        (f"table {found.name!r}", found.there, found.other_rows),
    )
    for where, side, rows in sides:
        lacking = max(one.nulls for one in side.values())
        if lacking:
            return f"{lacking} of {rows} rows of {where} have no key"
    for name in found.columns:
        types = found.types[name], found.other_types[name]
        if sort_of(types[0]) != sort_of(types[1]) and not found.overlaps[name,].shared:
            kinds = f"key {name!r} holds {sort_of(types[0])}, and {sort_of(types[1])} in table {found.name!r}"
            return f"{kinds}, with no value in common, which shows nothing; write both in one way"
    return None


def shared_part(group: Mapping[str, str], shared: int, rows: int) -> Estimate:
    """Return a share of rows, with its counts as the table."""
    line = GroupEstimate(
        group=group,
        n=rows,
        value=shared / rows,
        rate="shared",
        numerator=float(shared),
        denominator=float(rows),
    )
    return Estimate(value=shared / rows, n=rows, groups=(line,))
