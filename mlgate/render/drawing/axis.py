"""A stretch of numbers laid out over a width, with marks at round numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from mlgate.render import numbers

PADDING = 0.12
"""Free space beside what is drawn, as a share of its extent."""

TICKS = 3
"""Fewest numbers on an axis."""

MOST_TICKS = 12

ROUND = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Where an axis of rates may end."""

LETTER = 2.4
"""Per cent of the width that one character takes where the axis is narrowest, generously."""

EDGE = 6
"""Per cent from an end within which a text leans inwards."""


def tenth(value: float) -> float:
    """Round to a tenth, which is finer than a pen; a whole one is written without a fraction."""
    rounded = round(float(value), 1)
    return int(rounded) if rounded.is_integer() else rounded


@dataclass(frozen=True, kw_only=True, slots=True)
class Tick:
    """A mark on the axis, with its number."""

    x: float
    label: str
    anchor: str
    """Where the text sits to its mark: `start`, `middle`, `end`."""

    @property
    def reach(self) -> tuple[float, float]:
        """From where to where its text reaches in per cent, on a narrow screen."""
        long = len(self.label) * LETTER
        left = self.x - {"start": 0.0, "middle": long / 2, "end": long}[self.anchor]
        return left, left + long


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """A stretch of the axis, in per cent from the left."""

    x: float
    width: float
    end: float


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
        made = cls(
            max(low - pad, 0.0) if low >= 0 else low - pad,
            min(high + pad, 1.0) if low >= 0 and high <= 1 else high + pad,
        )
        return made if made.wide else None

    @classmethod
    def from_zero(cls, numbers_shown: Iterable[float]) -> Axis | None:
        """Return an axis that holds zero, for bars; None when there is nothing finite to show."""
        found = [one for one in numbers_shown if math.isfinite(one)]
        if not found:
            return None
        low, high = min(0.0, *found), max(0.0, *found)
        room = (high - low) * PADDING / 2 or 1.0
        made = cls(low and low - room, high and (min(high + room, 1.0) if high <= 1 else high + room))
        return made if made.wide else None

    @classmethod
    def of_rates(cls, numbers_shown: Iterable[float]) -> Axis:
        """Return an axis for rates: from 0, or below it where an interval is, to the next round number."""
        found = [0.0, *numbers_shown]
        below = next((one for one in ROUND if -min(found) <= one), 1.0) if min(found) < 0 else 0.0
        above = next((one for one in ROUND if max(found) <= one), 1.0)
        return cls(-below, above)

    @property
    def wide(self) -> bool:
        """Whether there is any room between the ends."""
        return math.isfinite(self.high - self.low) and self.low < self.high

    def at(self, value: float) -> float:
        """Return where a number lies, in per cent; what is off the axis lies at its end."""
        share = (value - self.low) / (self.high - self.low)
        return tenth(100 * min(max(share, 0.0), 1.0))

    def band(self, low: float, high: float) -> Band:
        """Return the stretch between two numbers."""
        left, right = self.at(low), self.at(high)
        return Band(x=left, width=tenth(right - left), end=right)

    def marks(self, fewest: int = TICKS) -> tuple[float, ...]:
        """Return round numbers (1, 2, 5 and their tenfolds) on the axis: the widest step with enough."""
        power = 10.0 ** math.floor(math.log10(self.high - self.low))
        kept: list[float] = []
        for step in (one * power for one in (5, 2, 1, 0.5, 0.2, 0.1)):
            first = math.ceil(self.low / step - 1e-9)
            marks = [round((first + index) * step, 12) for index in range(MOST_TICKS)]
            kept = [one for one in marks if one <= self.high + step * 1e-9]
            if len(kept) >= fewest:
                break
        return tuple(kept)

    def ticks(self) -> tuple[Tick, ...]:
        """Return the round numbers as marks with their text, without those that would touch one before."""
        kept: list[Tick] = []
        for one in self.marks():
            tick = self.tick(one, numbers.exact(one))
            if not kept or kept[-1].reach[1] + LETTER <= tick.reach[0]:
                kept.append(tick)
        return tuple(kept)

    def tick(self, value: float, label: str) -> Tick:
        """Return a mark at a number; its text leans inwards at the ends."""
        x = self.at(value)
        return Tick(x=x, label=label, anchor="start" if x < EDGE else "end" if x > 100 - EDGE else "middle")
