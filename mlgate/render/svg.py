"""Where things go in a drawing. The templates draw; nothing here knows markup.

Drawings of intervals place everything in per cent of the width, so that strokes and letters keep their
size on a phone, on a desktop and on paper.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from mlgate.findings import ChartRecord, Finding, GroupRecord, Outcome
from mlgate.render import numbers

PADDING = 0.12
"""Free space beside what is drawn, as a share of its extent."""

TICKS = 3
"""Fewest numbers on an axis."""

MOST_TICKS = 12

POINTS = 200
"""Points of one chart that are drawn; the record promises no more."""

CURVES = {
    "roc": ("false_positive_rate", "true_positive_rate"),
    "reliability": ("mean_score", "observed"),
    "precision-recall": ("recall", "precision"),
}
"""Charts that are a line in the unit square: the series across and the series up."""

SQUARE = ("label", "prediction", "rows")


@dataclass(frozen=True, kw_only=True, slots=True)
class Tick:
    """A mark on the axis, with its number."""

    x: float
    label: str
    anchor: str
    """Where the text sits to its mark: `start`, `middle`, `end`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """A stretch of the axis, in per cent from the left."""

    x: float
    width: float
    end: float


@dataclass(frozen=True, kw_only=True, slots=True)
class IntervalDrawing:
    """A value with its interval against a limit; every number in per cent from the left."""

    value: float | None
    whisker: Band | None
    inside: tuple[Band, ...]
    """Where a value keeps to the limit."""
    guard: tuple[Band, ...]
    """How far the uncertain end of the interval may reach past the limit."""
    limits: tuple[Tick, ...]
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Axis:
    """A stretch of numbers laid out over the width."""

    low: float
    high: float

    @classmethod
    def around(cls, numbers_shown: Iterable[float]) -> Axis | None:
        """Return an axis with room beside the numbers; None when there is nothing finite to show.

        Numbers that are all positive, or all in [0, 1], get no axis that leaves that.
        """
        found = [one for one in numbers_shown if math.isfinite(one)]
        if not found:
            return None
        low, high = min(found), max(found)
        extent = high - low
        if not math.isfinite(extent):
            return None
        pad = extent * PADDING or abs(high) * PADDING or 1.0
        return cls(
            max(low - pad, 0.0) if low >= 0 else low - pad,
            min(high + pad, 1.0) if low >= 0 and high <= 1 else high + pad,
        )

    def at(self, value: float) -> float:
        """Return where a number lies, in per cent; what is off the axis lies at its end."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0.0), 1.0), 1)

    def band(self, low: float, high: float) -> Band:
        """Return the stretch between two numbers."""
        left, right = self.at(low), self.at(high)
        return Band(x=left, width=round(right - left, 1), end=right)

    def ticks(self) -> tuple[Tick, ...]:
        """Return marks at round numbers (1, 2, 5 and their tenfolds): the widest step with enough of them."""
        power = 10.0 ** math.floor(math.log10(self.high - self.low))
        for step in (one * power for one in (5, 2, 1, 0.5, 0.2, 0.1)):
            first = math.ceil(self.low / step - 1e-9)
            marks = [round((first + index) * step, 12) for index in range(MOST_TICKS)]
            kept = [one for one in marks if one <= self.high + step * 1e-9]
            if len(kept) >= TICKS:
                break
        return tuple(self.tick(one, numbers.exact(one)) for one in kept)

    def tick(self, value: float, label: str) -> Tick:
        """Return a mark at a number; its text leans inwards at the ends."""
        x = self.at(value)
        return Tick(x=x, label=label, anchor="start" if x < 6 else "end" if x > 94 else "middle")  # noqa: PLR2004  per cent


def of_finding(finding: Finding) -> IntervalDrawing | None:
    """Draw a finding's value and interval against its limit; None when one of them is missing.

    A fact that passes is not drawn either: two numbers say all there is.
    """
    edges, limit = numbers.edges(finding.limit), finding.limit
    if finding.value is None or limit is None or not edges or limit.op == "holds":
        return None
    if finding.interval is None and finding.outcome is Outcome.PASS:
        return None
    guard = limit.guard if limit.decided_on == "guard" and finding.interval else 0.0
    reach = [edge + side * guard for edge in edges for side in (-1, 1)] if guard else []
    shown = [finding.value, *(finding.interval or ()), *edges, *reach]
    axis = Axis.around(shown)
    if axis is None or not axis.low < axis.high:
        return None
    return IntervalDrawing(
        value=axis.at(finding.value),
        whisker=axis.band(*finding.interval) if finding.interval else None,
        inside=_inside(axis, limit.op, edges),
        guard=_guard(axis, limit.op, edges, guard),
        limits=tuple(axis.tick(one, numbers.exact(one)) for one in edges),
        ticks=axis.ticks(),
    )


def of_groups(finding: Finding) -> tuple[IntervalDrawing | None, ...]:
    """Draw the rows of a group table on one axis per rate; the limit only where groups are held to it."""
    axes: dict[str | None, Axis | None] = {}
    for rate in {one.rate for one in finding.groups}:
        rows = [one for one in finding.groups if one.rate == rate]
        held = any(one.outcome is not None for one in rows)
        edges = numbers.edges(finding.limit) if held else ()
        axes[rate] = Axis.around([*(one for row in rows for one in _extent(row)), *edges])
    return tuple(_row(one, axes[one.rate], finding) for one in finding.groups)


def _extent(row: GroupRecord) -> tuple[float, ...]:
    return () if row.value is None else (row.value, *(row.interval or ()))


def _row(row: GroupRecord, axis: Axis | None, finding: Finding) -> IntervalDrawing | None:
    if row.value is None or axis is None or not axis.low < axis.high:
        return None
    edges = numbers.edges(finding.limit) if row.outcome is not None else ()
    op = finding.limit.op if finding.limit else ""
    return IntervalDrawing(
        value=axis.at(row.value),
        whisker=axis.band(*row.interval) if row.interval else None,
        inside=_inside(axis, op, edges),
        guard=(),
        limits=tuple(axis.tick(one, "") for one in edges),
        ticks=(),
    )


def _inside(axis: Axis, op: str, edges: Sequence[float]) -> tuple[Band, ...]:
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


def _guard(axis: Axis, op: str, edges: Sequence[float], guard: float) -> tuple[Band, ...]:
    if guard <= 0:
        return ()
    below, above = axis.band(edges[0] - guard, edges[0]), axis.band(edges[-1], edges[-1] + guard)
    return {"at_least": (below,), "at_most": (above,), "between": (below, above)}.get(op, ())


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One bar: its name, its number as text, its length in per cent."""

    label: str
    shown: str
    band: Band


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """A line and its points in a square of 100 by 100, the origin at the lower left."""

    path: str
    """Points of an SVG polyline."""
    dots: tuple[tuple[float, float], ...]
    x_name: str
    y_name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChartDrawing:
    """One picture: exactly one of curve, bars and table is filled."""

    kind: str
    title: str
    curve: Curve | None = None
    bars: tuple[Bar, ...] = ()
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def of_chart(chart: ChartRecord) -> ChartDrawing:
    """Draw a chart of a known kind; any other, and any whose data do not fit its kind, is a table."""
    named = [(name, series[:POINTS]) for name, series in chart.data.items()]
    numeric = [(name, series) for name, series in named if _numeric(series)]
    axes = [one for name in CURVES.get(chart.kind, ()) for one in numeric if one[0] == name]
    if len(axes) == 2:  # noqa: PLR2004  x and y
        curve = _curve(*axes, dots=chart.kind == "reliability")
        if curve is not None:
            return ChartDrawing(kind=chart.kind, title=chart.title, curve=curve)
    if chart.kind == "confusion" and set(SQUARE) <= set(chart.data):
        return _square(chart)
    texts = [series for _, series in named if not _numeric(series)]
    if chart.kind == "bars" and texts and numeric:
        return ChartDrawing(kind="bars", title=chart.title, bars=_bars(texts[0], numeric[0][1]))
    return _table(chart.kind, chart.title, named)


def _square(chart: ChartRecord) -> ChartDrawing:
    """Lay counts out with labels down and predictions across."""
    triples = zip(*(chart.data[name][:POINTS] for name in SQUARE), strict=False)
    counts = {(str(label), str(prediction)): _cell(rows) for label, prediction, rows in triples}
    labels = dict.fromkeys(label for label, _ in counts)
    predictions = dict.fromkeys(prediction for _, prediction in counts)
    return ChartDrawing(
        kind=chart.kind,
        title=chart.title,
        header=("", *(f"predicted {one}" for one in predictions)),
        rows=tuple((one, *(counts.get((one, other), "-") for other in predictions)) for one in labels),
    )


def _numeric(series: Sequence[float | str | None]) -> bool:
    return bool(series) and all(one is None or isinstance(one, (int, float)) for one in series)


def _curve(
    x: tuple[str, Sequence[float | str | None]], y: tuple[str, Sequence[float | str | None]], *, dots: bool
) -> Curve | None:
    points = [
        (float(a), float(b)) for a, b in zip(x[1], y[1], strict=False) if a is not None and b is not None
    ]
    if not points or not all(0 <= one <= 1 for point in points for one in point):
        return None
    placed = tuple((round(100 * a, 1), round(100 - 100 * b, 1)) for a, b in points)
    return Curve(
        path=" ".join(f"{a:g},{b:g}" for a, b in placed),
        dots=placed if dots else (),
        x_name=x[0].replace("_", " "),
        y_name=y[0].replace("_", " "),
    )


def _bars(labels: Sequence[float | str | None], values: Sequence[float | str | None]) -> tuple[Bar, ...]:
    rows = [(str(name), float(one)) for name, one in zip(labels, values, strict=False) if one is not None]
    axis = Axis(min([0.0, *(one for _, one in rows)]), max([0.0, *(one for _, one in rows)]) or 1.0)
    return tuple(
        Bar(label=name, shown=numbers.rough(one), band=axis.band(min(one, 0.0), max(one, 0.0)))
        for name, one in rows
    )


def _table(kind: str, title: str, named: Sequence[tuple[str, Sequence[float | str | None]]]) -> ChartDrawing:
    rows = zip_longest(*(series for _, series in named))
    return ChartDrawing(
        kind=kind,
        title=title,
        header=tuple(name for name, _ in named),
        rows=tuple(tuple(_cell(one) for one in row) for row in rows),
    )


def _cell(value: float | str | None) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else numbers.rough(value)
