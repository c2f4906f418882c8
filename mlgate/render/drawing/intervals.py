"""A value and its interval against a limit: alone on an axis of its own, and beside others of its family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mlgate.findings import Finding, Outcome
from mlgate.render import numbers
from mlgate.render.drawing.axis import Axis, Band, Tick

SHAPES: Mapping[Outcome, str] = {
    Outcome.PASS: "",
    Outcome.FAIL: "M-4.5-4.5 4.5 4.5M4.5-4.5-4.5 4.5",
    Outcome.INCONCLUSIVE: "M0-6 6 0 0 6-6 0z",
    Outcome.NOT_MEASURED: "M-4-4h8v8h-8z",
    Outcome.WAIVED: "M0-5.5 5.5 4.5h-11z",
    Outcome.NOT_APPLICABLE: "M-4-4h8v8h-8z",
}
"""The mark of a value, a path around its place: a cross failed, a hollow lozenge is open; none is a disc."""

NEAR = 35
"""Per cent of the width within which the texts of two limits would touch."""

SHARED = 2
"""Rates of one family get a common axis from so many on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IntervalDrawing:
    """A value with its interval against a limit; every number in per cent from the left."""

    value: float
    shape: str
    """The path of its mark; empty for a disc."""
    span: Band | None
    inside: tuple[Band, ...]
    """Where a value keeps to the limit."""
    guard: tuple[Band, ...]
    """How far the uncertain end of the interval may reach past the limit."""
    limits: tuple[Tick, ...]
    ticks: tuple[Tick, ...]
    """The axis of its own; empty where it stands on a common one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FamilyDrawing:
    """The interval plot of a family: a row for each finding, and the axis that the rates share."""

    ticks: tuple[Tick, ...]
    """Empty when no axis is shared."""
    rows: tuple[IntervalDrawing | None, ...]


def of_finding(finding: Finding) -> IntervalDrawing | None:
    """Draw a finding's value and interval against its limit; None when one of them is missing.

    A fact that passes is not drawn either: two numbers say all there is.
    """
    if not _drawable(finding) or (finding.interval is None and finding.outcome is Outcome.PASS):
        return None
    axis = Axis.around(_shown(finding))
    return None if axis is None else _drawn(finding, axis, own=True)


def of_family(findings: Sequence[Finding]) -> FamilyDrawing:
    """Draw the findings of a family below each other.

    Rates (unit 1, value and limit in [0, 1]) stand on one axis; anything else has an axis of its own.
    """
    rates = [one for one in findings if _rate(one)]
    shared = None
    if len(rates) >= SHARED:
        shared = Axis.of_rates(number for one in rates for number in (*_shown(one), *_reach(one)))
    rows: list[IntervalDrawing | None] = []
    for one in findings:
        if shared is not None and _rate(one):
            rows.append(_drawn(one, shared, own=False))
            continue
        shown = (*_shown(one), *_reach(one)) if _drawable(one) else ()
        axis = Axis.around(shown) if len(set(shown)) > 1 else None
        rows.append(None if axis is None else _drawn(one, axis, own=True))
    return FamilyDrawing(ticks=shared.ticks() if shared is not None else (), rows=tuple(rows))


def inside(axis: Axis, op: str, edges: Sequence[float]) -> tuple[Band, ...]:
    """Return the stretch of the axis that keeps to a limit."""
    if not edges:
        return ()
    match op:
        case "at_least":
            return (axis.band(edges[0], axis.high),)
        case "at_most":
            return (axis.band(axis.low, edges[0]),)
        case "between":
            return (axis.band(edges[0], edges[-1]),)
        case _:
            return ()


def _drawable(finding: Finding) -> bool:
    limit = finding.limit
    return finding.value is not None and limit is not None and bool(_edges(finding)) and limit.op != "holds"


def _edges(finding: Finding) -> tuple[float, ...]:
    return numbers.edges(finding.limit)


def _rate(finding: Finding) -> bool:
    """Whether a finding's value is a share, so that it can be laid beside others."""
    if not _drawable(finding) or finding.unit != "1" or finding.value is None:
        return False
    ends = finding.interval or ()
    return all(0 <= one <= 1 for one in (finding.value, *_edges(finding))) and all(
        abs(one) <= 1 for one in ends
    )


def _guarded(finding: Finding) -> float:
    limit = finding.limit
    return limit.guard if limit is not None and limit.decided_on == "guard" and finding.interval else 0.0


def _shown(finding: Finding) -> tuple[float, ...]:
    """Return the numbers that an axis has to hold: value, interval, limit and guard."""
    if finding.value is None:
        return ()
    guard, edges = _guarded(finding), _edges(finding)
    around = [edge + side * guard for edge in edges for side in (-1, 1)] if guard else []
    return (finding.value, *(finding.interval or ()), *edges, *around)


def _reach(finding: Finding) -> tuple[float, ...]:
    """Return zero for a count that may be at most so many: a bar of nothing is drawn from nothing."""
    counts = finding.limit is not None and finding.limit.op == "at_most" and finding.kind == "fact"
    return (0.0,) if counts else ()


def _drawn(finding: Finding, axis: Axis, *, own: bool) -> IntervalDrawing | None:
    limit, edges, guard = finding.limit, _edges(finding), _guarded(finding)
    if finding.value is None or limit is None:
        return None
    return IntervalDrawing(
        value=axis.at(finding.value),
        shape=SHAPES[finding.outcome],
        span=axis.band(*finding.interval) if finding.interval else None,
        inside=inside(axis, limit.op, edges),
        guard=_guard(axis, limit.op, edges, guard),
        limits=_apart([axis.tick(one, numbers.exact(one)) for one in edges]),
        ticks=axis.ticks() if own else (),
    )


def _apart(limits: Sequence[Tick]) -> tuple[Tick, ...]:
    """Let the texts of two limits that lie near each other lean apart."""
    if len(limits) < 2 or limits[-1].x - limits[0].x > NEAR:  # noqa: PLR2004  the two ends
        return tuple(limits)
    return replace(limits[0], anchor="end"), replace(limits[-1], anchor="start")


def _guard(axis: Axis, op: str, edges: Sequence[float], guard: float) -> tuple[Band, ...]:
    if guard <= 0:
        return ()
    below, above = axis.band(edges[0] - guard, edges[0]), axis.band(edges[-1], edges[-1] + guard)
    return {"at_least": (below,), "at_most": (above,), "between": (below, above)}.get(op, ())
