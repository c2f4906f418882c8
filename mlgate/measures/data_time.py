"""How old the data is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from mlgate.cells import Answers, ColumnProfile, Columns, Newest, Profile, Statistic, TimeSpan
from mlgate.errors import EvidenceError, PolicyError
from mlgate.estimates import Estimate
from mlgate.measures import measure
from mlgate.measures.named import EMPTY

_DAY = timedelta(days=1)

MOST_AHEAD = 366
"""Days that rows may be from the future: more hides a fault of the column, not of a clock."""


@measure(
    id="data.freshness",
    kind="fact",
    unit="days",
    better="lower",
    needs=("time",),
    source="moment of the run (--as-of) - newest value of the time column",
)
class Freshness:
    """Days from the newest row, by the release's `time` column, to the moment of the run.

    Times without a zone are UTC. Rows from the future are a fault of the clock or of the column, and nothing
    is measured; `ahead` days of them are forgiven, for time zones. A run without --as-of takes now.
    """

    def __init__(self, *, ahead: float = 0.0, as_of: datetime | None = None) -> None:
        """Declare the parameter; the gate gives the moment of the run."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the newest row."""
        if not 0 <= params["ahead"] <= MOST_AHEAD:
            todo = f"give days, from 0 to {MOST_AHEAD}"
            raise PolicyError("params of data.freshness", f"ahead is {params['ahead']:g}", todo)
        name = str(columns.time)
        if columns.types[name] not in ("date", "timestamp"):
            return [Profile(name, ())]
        return [_asked(name, params)]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the age; rows from the future have none."""
        (asked,) = cells.of
        if isinstance(asked, Profile):
            return _unreadable(asked.column, cells.get(asked, ColumnProfile))
        if not isinstance(asked, Newest):
            raise TypeError(f"{asked} was not asked")
        found = cells.get(asked, TimeSpan)
        if found.rows == 0:
            return Estimate.missing(EMPTY)
        if found.later:
            reason = f"{found.later} of {found.rows} rows are from after the run, {_shown(params['as_of'])}"
            return Estimate.missing(reason, n=found.rows)
        if found.newest is None:
            return Estimate.missing(f"column {asked.column!r} has no values", n=found.rows)
        newest = _moment(found.newest)
        if newest is None:
            return Estimate.missing(f"column {asked.column!r} ends before the year 1", n=found.rows)
        age = (params["as_of"] - newest) / _DAY
        return Estimate(value=max(age, 0.0), n=found.rows - found.nulls)


def _asked(name: str, params: Mapping[str, Any]) -> Newest:
    as_of: datetime = params["as_of"]
    latest = as_of + min(timedelta(days=params["ahead"]), datetime.max.replace(tzinfo=UTC) - as_of)
    return Newest(name, latest.astimezone(UTC).replace(tzinfo=None).isoformat())


def _unreadable(name: str, found: ColumnProfile) -> Estimate:
    """Say that an empty column has no newest value; raise for one that holds no times."""
    if found.nulls < found.rows:
        raise EvidenceError(
            f"column {name!r}",
            "is the time of a row, and holds no dates",
            f"have it read as one: `types: {{{name}: timestamp}}` under `data:`",
        )
    return Estimate.missing(f"column {name!r} has no values" if found.rows else EMPTY, n=found.rows)


def _moment(text: str) -> datetime | None:
    """Read a moment as profiles spell it, down to microseconds; None for a year before the first."""
    if text.startswith("-"):
        return None
    whole, _, rest = text.partition("+")
    whole, point, fraction = whole.partition(".")
    del rest
    return datetime.fromisoformat(whole + point + fraction[:6].ljust(6, "0") * bool(point)).replace(
        tzinfo=UTC
    )


def _shown(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
