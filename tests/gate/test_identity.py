"""What every report says of the run itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from mlgate import api
from mlgate.errors import Problem
from mlgate.gate import identity


def test_every_report_writes_times_alike() -> None:
    """In UTC with a Z, whatever the zone that they came in; also of a run that judged nothing."""
    noon = datetime(2026, 11, 21, 12, tzinfo=timezone(timedelta(hours=3)))
    assert identity.moment(noon) == "2026-11-21T09:00:00Z"
    assert api.nothing_judged([Problem("x", "y", "z")], noon).as_of == "2026-11-21T09:00:00Z"
    assert api.nothing_judged([], datetime(2026, 11, 21, 9, tzinfo=UTC)).as_of == "2026-11-21T09:00:00Z"
