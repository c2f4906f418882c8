"""Rows of a table that are not from after another one: a test set that looks into the time of training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mlgate.cells import Answers, ColumnProfile, Columns, On, Outside, OutsideCount, Profile, Statistic
from mlgate.estimates import Estimate
from mlgate.measures import measure
from mlgate.measures.against import Against
from mlgate.measures.leakage import shared_part, sort_of
from mlgate.measures.named import EMPTY

_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Bound:
    """What judged times are held against, or why nothing is."""

    value: float | str = math.nan
    """A number, or a moment without a zone."""
    shown: str = ""
    reason: str | None = None


@measure(
    id="leakage.time_overlap",
    kind="fact",
    unit="1",
    better="lower",
    needs=("time",),
    source="pandas: (evaluation[time] <= train[time].max()).mean()",
)
class TimeOverlap:
    """Share of judged rows whose time is not later than the newest of the other table.

    Times without a zone are UTC. Where the other table has dates and the judged one times of day, a day is
    over at its end. Where any row of either table lacks its time, nothing is measured.
    """

    def __init__(self, *, against: Against | None = None) -> None:
        """Declare what the gate gives."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the newest row of the other table."""
        against: Against = params["against"]
        asked: list[Statistic] = [_ends(columns)]
        return asked if against.columns.time is None else [*asked, On(against.name, _ends(against.columns))]

    def further(self, cells: Answers, params: Mapping[str, Any]) -> list[Statistic]:
        """Ask how many rows are later."""
        bound = _bound(cells, params["against"])
        name = str(params["against"].judged.time)
        return [] if bound.reason is not None else [Outside(name, None, bound.value)]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the share that is not later."""
        against: Against = params["against"]
        rows = cells.get(_ends(against.judged), ColumnProfile).rows
        bound = _bound(cells, against)
        if bound.reason is not None:
            return Estimate.missing(bound.reason, n=rows)
        later = cells.get(Outside(str(against.judged.time), None, bound.value), OutsideCount).above
        return shared_part({f"newest of {against.name}": bound.shown}, rows - later, rows)


def _ends(columns: Columns) -> Profile:
    return Profile(str(columns.time), ("ends",))


def _bound(cells: Answers, against: Against) -> _Bound:
    """Return the newest time of the other table in a form that the judged column is held against."""
    if against.columns.time is None:
        return _Bound(reason=f"the release names no time column for table {against.name!r}")
    sides = {"the judged table": against.judged, f"table {against.name!r}": against.columns}
    found = (
        cells.get(_ends(against.judged), ColumnProfile),
        cells.get(On(against.name, _ends(against.columns)), ColumnProfile),
    )
    for (where, columns), profile in zip(sides.items(), found, strict=True):
        reason = _unusable(where, columns, profile)
        if reason is not None:
            return _Bound(reason=reason)
    here, there = (columns.types[str(columns.time)] for columns in sides.values())
    if sort_of(here) != sort_of(there):
        reason = f"the time is of {sort_of(here)}, and of {sort_of(there)} in table {against.name!r}"
        return _Bound(reason=reason)
    newest = found[1].maximum
    if isinstance(newest, float):
        reason = None if math.isfinite(newest) else f"the newest time of table {against.name!r} is infinite"
        return _Bound(value=newest, shown=f"{newest:g}", reason=reason)
    return _moment(str(newest), whole_day=there == "date" and here == "timestamp")


def _unusable(where: str, columns: Columns, found: ColumnProfile) -> str | None:
    name = str(columns.time)
    if not found.rows:
        return EMPTY if where == "the judged table" else f"{where} has no rows"
    if found.nulls:
        return f"{found.nulls} of {found.rows} rows of {where} have no time in {name!r}"
    sort = sort_of(columns.types[name])
    if sort not in ("numbers", "dates or times"):
        todo = f"have it read as such: `types: {{{name}: timestamp}}` under `data:`"
        return f"column {name!r} of {where} holds {sort}, not times; {todo}"
    return None


def _moment(text: str, *, whole_day: bool) -> _Bound:
    """Bring a moment, as profiles spell it, to microseconds without a zone, never to an earlier one."""
    whole, _, fraction = text.partition("+")[0].partition(".")
    try:
        found = datetime.fromisoformat(f"{whole}.{fraction[:6].ljust(6, '0')}" if fraction else whole)
        found += _TICK if fraction[6:].strip("0") else timedelta()
        found += _DAY - _TICK if whole_day else timedelta()
    except (ValueError, OverflowError):
        return _Bound(reason=f"the newest time of the other table, {text}, is not in the years 1 to 9999")
    return _Bound(value=found.isoformat(), shown=text)
