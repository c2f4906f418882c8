"""Bars: the groups of a finding with their intervals, and charts of named numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlgate.findings import Finding, GroupRecord
from mlgate.render import numbers
from mlgate.render.drawing.axis import Axis, Band, Tick
from mlgate.render.drawing.intervals import inside


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupDrawing:
    """One row of a group table: a bar from zero, its interval; every number in per cent from the left."""

    bar: Band
    span: Band | None
    inside: tuple[Band, ...]
    limits: tuple[Tick, ...]
    gap: Band | None
    """The stretch between the two groups that lie furthest apart, the same in every row of the rate."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One bar: its name, its number as text, its length in per cent."""

    label: str
    shown: str
    band: Band


def of_groups(finding: Finding) -> tuple[GroupDrawing | None, ...]:
    """Draw the rows of a group table on one axis per rate; the limit only where groups are held to it."""
    axes: dict[str | None, Axis | None] = {}
    gaps: dict[str | None, tuple[float, float] | None] = {}
    pair = pair_of(finding)
    for rate in {one.rate for one in finding.groups}:
        rows = [one for one in finding.groups if one.rate == rate]
        held = any(one.outcome is not None for one in rows)
        edges = numbers.edges(finding.limit) if held else ()
        if len(rows) == 1 and not held:  # a bar beside no other, on a scale of its own, says nothing
            axes[rate], gaps[rate] = None, None
            continue
        axes[rate] = Axis.from_zero([*(one for row in rows for one in _extent(row)), *edges])
        ends = [one.value for one in pair if one.rate == rate and one.value is not None]
        gaps[rate] = (min(ends), max(ends)) if len(ends) == 2 else None  # noqa: PLR2004  a pair
    return tuple(_row(one, axes[one.rate], gaps[one.rate], finding) for one in finding.groups)


def pair_of(finding: Finding) -> tuple[GroupRecord, ...]:
    """Return the rows that the deciding comparison names: two groups, or one; none when it is not clear.

    `true-positive rate: male - female`, `Black / white (best)`, `female, < 30`. Names are a stranger's
    text, so a row is taken only where exactly one reading fits.
    """
    said = (finding.decides or "").removesuffix(" (best)")
    judged = [row for row in finding.groups if row.judged and row.value is not None]
    several = len({row.rate for row in judged}) > 1
    readings: list[tuple[GroupRecord, ...]] = []
    for row in judged:
        rest = _without(row.rate, said)
        if several and rest == said and row.rate is not None:
            continue
        name = ", ".join(row.group.values())
        if rest == name:
            readings.append((row,))
        for sign in (" - ", " / "):
            if rest.startswith(f"{name}{sign}"):
                other = rest[len(name) + len(sign) :]
                found = [
                    one for one in judged if one.rate == row.rate and ", ".join(one.group.values()) == other
                ]
                readings += [(row, one) for one in found if one is not row]
    return readings[0] if len(readings) == 1 else ()


def of_bars(
    labels: Sequence[float | str | None], values: Sequence[float | str | None]
) -> tuple[Bar, ...] | None:
    """Draw named numbers as bars from zero; None when there is none."""
    rows = [(str(name), float(one)) for name, one in zip(labels, values, strict=False) if one is not None]
    axis = Axis.from_zero(one for _, one in rows)
    if axis is None:
        return None
    return tuple(
        Bar(label=name, shown=numbers.rough(one), band=axis.band(min(one, 0.0), max(one, 0.0)))
        for name, one in rows
    )


def _without(rate: str | None, said: str) -> str:
    """Take the name of a rate off the front: `true_positive_rate` is called `true-positive rate:`."""
    if not rate:
        return said
    words = r"[-_ ]".join(map(re.escape, re.split(r"[-_ ]", rate)))
    return re.sub(rf"^{words}: ", "", said, flags=re.IGNORECASE)


def _extent(row: GroupRecord) -> Iterable[float]:
    return () if row.value is None else (row.value, *(row.interval or ()))


def _row(
    row: GroupRecord, axis: Axis | None, gap: tuple[float, float] | None, finding: Finding
) -> GroupDrawing | None:
    if row.value is None or axis is None:
        return None
    edges = numbers.edges(finding.limit) if row.outcome is not None else ()
    op = finding.limit.op if finding.limit else ""
    return GroupDrawing(
        bar=axis.band(min(row.value, 0.0), max(row.value, 0.0)),
        span=axis.band(*row.interval) if row.interval else None,
        inside=inside(axis, op, edges),
        limits=tuple(axis.tick(one, "") for one in edges),
        gap=axis.band(*gap) if gap else None,
    )
