"""A chart with two axes: a frame of pixels, marks on its sides, lines, areas and dots inside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlgate.render import numbers
from mlgate.render.drawing.axis import Axis

WIDTH, HEIGHT = 320, 232
"""Pixels of a chart; it shrinks with a narrow page, and grows on none."""

LEFT, RIGHT, TOP, BOTTOM = 46, 12, 8, 38
"""Pixels around the frame, for numbers and names."""

LETTER = 6.6
"""Pixels of one character of a mark, generously."""

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """A number on a side of the frame: where, and what it says."""

    at: float
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Stroke:
    """A path, and the name of its style in the style sheet; the name is ours."""

    style: str
    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Dot:
    """A disc, in pixels."""

    x: float
    y: float
    r: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Plot:
    """A picture ready to be written down; everything in pixels, the origin at the upper left."""

    left: float
    top: float
    right: float
    bottom: float
    width: float = WIDTH
    height: float = HEIGHT
    across: tuple[Mark, ...] = ()
    up: tuple[Mark, ...] = ()
    across_name: str = ""
    up_name: str = ""
    strokes: tuple[Stroke, ...] = ()
    dots: tuple[Dot, ...] = ()
    said: str = ""
    """What it shows, for those who do not see it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """Two axes over a rectangle of pixels."""

    x: Axis
    y: Axis
    left: float = LEFT
    top: float = TOP
    right: float = WIDTH - RIGHT
    bottom: float = HEIGHT - BOTTOM
    fewest: int = 3
    """Numbers on the upright axis, at least."""

    def across(self, value: float) -> float:
        """Return the pixel of a number on the horizontal axis; what is off it lies at its end."""
        return round(self.left + self._share(self.x, value) * (self.right - self.left), 1)

    def up(self, value: float) -> float:
        """Return the pixel of a number on the vertical axis."""
        return round(self.bottom - self._share(self.y, value) * (self.bottom - self.top), 1)

    def at(self, point: Point) -> Point:
        """Return the pixels of a point."""
        return self.across(point[0]), self.up(point[1])

    def line(self, points: Iterable[Point], style: str) -> Stroke:
        """Join points; those that lie on the line between their neighbours are left out."""
        return Stroke(
            style=style, path="M" + " ".join(map(_written, _bent([self.at(one) for one in points])))
        )

    def area(self, upper: Sequence[Point], lower: Sequence[Point], style: str) -> Stroke:
        """Fill what lies between two lines."""
        around = [self.at(one) for one in (*upper, *reversed(lower))]
        return Stroke(style=style, path="M" + " ".join(map(_written, around)) + "z")

    def columns(self, bars: Iterable[tuple[float, float, float]], style: str) -> Stroke:
        """Stand bars on zero: (low, high, height) each."""
        floor = self.up(0.0)
        parts = []
        for low, high, tall in bars:
            left, right, top = self.across(low), self.across(high), self.up(tall)
            if top < floor:
                parts.append(f"M{left:g} {floor:g}V{top:g}H{right:g}V{floor:g}z")
        return Stroke(style=style, path="".join(parts))

    def plot(
        self,
        *,
        names: tuple[str, str],
        strokes: Sequence[Stroke],
        said: str,
        dots: Sequence[Dot] = (),
        height: float = HEIGHT,
    ) -> Plot:
        """Put the picture together with the marks of both axes."""
        return Plot(
            left=self.left,
            top=self.top,
            right=self.right,
            bottom=self.bottom,
            width=self.right + RIGHT,
            height=height,
            across=_apart(
                [Mark(at=self.across(one), label=short(one)) for one in self.x.marks()], self.right
            ),
            up=tuple(Mark(at=self.up(one), label=short(one)) for one in self.y.marks(self.fewest)),
            across_name=names[0],
            up_name=names[1],
            strokes=tuple(one for one in strokes if len(one.path) > 1),
            dots=tuple(dots),
            said=said,
        )

    @staticmethod
    def _share(axis: Axis, value: float) -> float:
        return min(max((value - axis.low) / (axis.high - axis.low), 0.0), 1.0)


def short(value: float) -> str:
    """Write the number of a mark in little room: `0.2`, `1,200`, `25k`, `3M`."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            unit = 1e3 if letter == "k" else size
            return f"{value / unit:g}{letter}"
    return numbers.exact(round(value, 9))


def _apart(marks: Sequence[Mark], right: float) -> tuple[Mark, ...]:
    """Leave out numbers that would touch the one before, or stick out."""
    kept: list[Mark] = []
    for mark in marks:
        half = len(mark.label) * LETTER / 2
        free = not kept or mark.at - half > kept[-1].at + len(kept[-1].label) * LETTER / 2 + LETTER
        if free and mark.at + half < right + RIGHT:
            kept.append(mark)
    return tuple(kept)


def _bent(points: Sequence[Point]) -> list[Point]:
    kept: list[Point] = []
    for point in points:
        if kept and kept[-1] == point:
            continue
        while len(kept) > 1 and _straight(kept[-2], kept[-1], point):
            kept.pop()
        kept.append(point)
    return kept


def _straight(a: Point, b: Point, c: Point) -> bool:
    """Whether b lies between a and c on a level or upright line."""
    level = a[1] == b[1] == c[1] and min(a[0], c[0]) <= b[0] <= max(a[0], c[0])
    upright = a[0] == b[0] == c[0] and min(a[1], c[1]) <= b[1] <= max(a[1], c[1])
    return level or upright


def _written(point: Point) -> str:
    return f"{point[0]:g} {point[1]:g}"
