"""The profile of a table: what the finding about missing values tells of each column, as one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlgate.findings import ChartRecord, Finding, GroupRecord
from mlgate.render import numbers
from mlgate.render.drawing import histogram
from mlgate.render.drawing.series import numeric

CHECK = "data/missing"
"""The check whose finding carries the profile of its table."""

COLUMN = "column"

MISSING = ("missing", "share", None)
"""What the row of a column's missing share may be called."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ColumnView:
    """One column: what is missing, what else is known by name, and how its values spread."""

    name: str
    missing: str
    """Share of the rows, and how many."""
    gaps: bool
    """Whether anything is missing."""
    facts: tuple[str, ...]
    """In the order of `ProfileView.facts`; a dash for what is not known."""
    kind: str
    """`number`, `time` or `text`, by its histogram; empty when there is none."""
    drawing: histogram.Small | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileView:
    """The columns of one table."""

    table: str
    rows: str
    facts: tuple[str, ...]
    """Further numbers that every column may have, by name: `distinct`."""
    columns: tuple[ColumnView, ...]


def of_finding(finding: Finding) -> ProfileView | None:
    """Return the profile that a finding carries; None when it carries none, with a histogram at least."""
    charts = {one.title: one for one in finding.charts if one.kind == "histogram"}
    named = {one.group[COLUMN] for one in finding.groups if COLUMN in one.group}
    if finding.check != CHECK or not charts or not named & set(charts):
        return None
    by_column: dict[str, dict[str | None, GroupRecord]] = {}
    for one in finding.groups:
        if COLUMN in one.group:
            by_column.setdefault(one.group[COLUMN], {})[one.rate] = one
    for title in charts:
        by_column.setdefault(title, {})
    facts = tuple(
        dict.fromkeys(
            rate for found in by_column.values() for rate in found if rate is not None and rate not in MISSING
        )
    )
    return ProfileView(
        table=finding.table or "",
        rows=numbers.count(finding.n),
        facts=facts,
        columns=tuple(_column(name, found, facts, charts.get(name)) for name, found in by_column.items()),
    )


def _column(
    name: str, found: Mapping[str | None, GroupRecord], facts: tuple[str, ...], chart: ChartRecord | None
) -> ColumnView:
    share = next((found[one] for one in MISSING if one in found), None)
    return ColumnView(
        name=name,
        missing=_missing(share),
        gaps=bool(share and share.value),
        facts=tuple(_fact(found.get(rate)) for rate in facts),
        kind="" if chart is None else _kind(chart),
        drawing=None if chart is None else histogram.small(chart.data),
    )


def _missing(row: GroupRecord | None) -> str:
    if row is None or row.value is None:
        return "-"
    if not row.value:
        return "0"
    counted = "" if row.numerator is None else f" ({numbers.count(row.numerator)})"
    return f"{numbers.share(row.value)}{counted}"


def _fact(row: GroupRecord | None) -> str:
    if row is None or row.value is None:
        return "-" if row is None or row.reason is None else row.reason
    return numbers.rough(row.value)


def _kind(chart: ChartRecord) -> str:
    if "low" in chart.data and numeric(chart.data["low"]):
        return "number"
    if "low" in chart.data:
        return "time"
    return "text" if "value" in chart.data else ""
