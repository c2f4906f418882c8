"""How values spread: histograms of numbers and of categories, of scores by group, small ones in a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from mlgate.render import numbers
from mlgate.render.drawing.axis import Axis
from mlgate.render.drawing.bars import Bar, of_bars
from mlgate.render.drawing.plot import WIDTH, Frame, Plot
from mlgate.render.drawing.series import Data, numeric, rows, texts

SMALL = (120, 26)
"""Pixels of a histogram inside a table."""

GROUPS = 12
"""Groups whose scores are drawn below each other; of more, only the fullest."""

ROW = 46
"""Pixels of one group's histogram."""

Bins = Sequence[tuple[float, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Small:
    """A histogram in a table's cell: the path in a box of `SMALL` pixels, and its ends."""

    path: str
    low: str
    high: str
    said: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupScores:
    """The scores of one group, as shares of the group, on the axis that all groups share."""

    name: str
    rows: str
    path: str


def histogram(data: Data, across: str) -> Plot | None:
    """Draw how many rows lie in each bin; bins of unequal width by their density."""
    bins = _bins(rows(data, "low", "high", "rows"))
    if bins is None:
        return None
    tall, name = _heights(bins)
    x = Axis(bins[0][0], bins[-1][1])
    y = Axis(0.0, max(tall) or 1.0)
    if not x.wide or not y.wide:
        return None
    frame = Frame(x=x, y=y)
    return frame.plot(
        names=(across, name),
        strokes=(frame.columns([(one[0], one[1], up) for one, up in zip(bins, tall, strict=True)], "fill"),),
        said=_spread(bins),
    )


def categories(data: Data) -> tuple[Bar, ...] | None:
    """Draw how many rows each value has."""
    if "value" not in data or "rows" not in data or not numeric(data["rows"]):
        return None
    return of_bars(texts(data["value"]), data["rows"])


def small(data: Data) -> Small | None:
    """Draw a column's histogram so small that it fits in a table; None when the data are of another form."""
    width, height = SMALL
    moments = _moments(data)
    bins = _bins(rows(data if moments is None else moments, "low", "high", "rows"))
    if bins is not None:
        tall, _ = _heights(bins)
        x, y = Axis(bins[0][0], bins[-1][1]), Axis(0.0, max(tall) or 1.0)
        if not y.wide:
            return None
        low, high = numbers.rough(bins[0][0]), numbers.rough(bins[-1][1])
        said = _spread(bins)
        if moments is not None:
            low, high = str(data["low"][0]), str(data["high"][-1])
            said = f"{numbers.count(sum(count for *_, count in bins))} rows from {low} to {high}"
        if not x.wide:  # one value
            return Small(path=f"M50 {height}V0H70V{height}z", low=low, high="", said=said)
        frame = Frame(x=x, y=y, left=0, right=width, top=0, bottom=height)
        bars = [(one[0], one[1], up) for one, up in zip(bins, tall, strict=True)]
        return Small(path=frame.columns(bars, "fill").path, low=low, high=high, said=said)
    found = rows(data, "rows") if "value" in data else None
    if found is None or max(one[0] for one in found) <= 0:
        return None
    counts, names = [one[0] for one in found], texts(data["value"])
    frame = Frame(
        x=Axis(0.0, float(max(len(counts), 4))),
        y=Axis(0.0, max(counts)),
        left=0,
        right=width,
        top=0,
        bottom=height,
    )
    bars = [(place + 0.08, place + 0.92, count) for place, count in enumerate(counts)]
    total = sum(counts)
    top = f"{names[0]} {numbers.share(counts[0] / total)}"
    return Small(path=frame.columns(bars, "fill").path, low=top, high="", said=f"most frequent: {top}")


def by_group(data: Data) -> tuple[tuple[GroupScores, ...], int] | None:
    """Draw the scores of each group as shares of the group; with how many groups were left out."""
    if "group" not in data:
        return None
    found = rows(data, "low", "high", "rows")
    names = texts(data["group"])
    if found is None or len(found) != len(names):
        return None
    gathered: dict[str, list[tuple[float, ...]]] = {}
    for name, one in zip(names, found, strict=True):
        gathered.setdefault(name, []).append(one)
    totals = {name: sum(one[2] for one in bins) for name, bins in gathered.items()}
    kept = [name for name in gathered if totals[name] > 0]
    if len(kept) > GROUPS:
        most = set(sorted(kept, key=lambda name: -totals[name])[:GROUPS])
        kept = [name for name in kept if name in most]
    shares = {
        name: [(low, high, count / totals[name]) for low, high, count in gathered[name]] for name in kept
    }
    x = Axis(min(one[0] for one in found), max(one[1] for one in found))
    y = Axis(0.0, max((one[2] for bins in shares.values() for one in bins), default=0.0))
    if not x.wide or not y.wide:
        return None
    frame = Frame(x=x, y=y, left=0, right=WIDTH, top=2, bottom=ROW)
    drawn = tuple(
        GroupScores(
            name=name, rows=numbers.count(totals[name]), path=frame.columns(shares[name], "fill").path
        )
        for name in kept
    )
    return drawn, len(gathered) - len(drawn)


def score_axis(data: Data) -> tuple[str, str]:
    """Return the numbers at the ends of the axis that the groups share."""
    found = rows(data, "low", "high") or [(0.0, 1.0)]
    return numbers.rough(min(one[0] for one in found)), numbers.rough(max(one[1] for one in found))


def _moments(data: Data) -> Data | None:
    """Return the ends of bins as seconds where they are dates in ISO 8601; None when they are not."""
    if not all(isinstance(one, str) for name in ("low", "high") for one in data.get(name, (None,))):
        return None
    try:
        ends = {
            name: tuple(
                datetime.fromisoformat(str(one)).replace(tzinfo=UTC).timestamp() for one in data[name]
            )
            for name in ("low", "high")
        }
    except (ValueError, OverflowError):
        return None
    return {**data, **ends}


def _bins(found: Bins | None) -> Bins | None:
    """Take bins in order; None when they overlap, run backwards or count below zero."""
    if not found or any(low > high or count < 0 for low, high, count in found):
        return None
    ordered = sorted(found)
    apart = all(a[1] <= b[0] + 1e-9 * max(abs(b[0]), 1.0) for a, b in pairwise(ordered))
    return ordered if apart else None


def _heights(bins: Bins) -> tuple[list[float], str]:
    """Return how tall the bars stand, and what that means."""
    widths = [high - low for low, high, _ in bins]
    if max(widths) - min(widths) <= 1e-6 * max(widths):
        return [count for *_, count in bins], "rows"
    least = min((one for one in widths if one > 0), default=1.0)
    return [count * least / max(width, least) for width, (*_, count) in zip(widths, bins, strict=True)], (
        "rows, by width"
    )


def _spread(bins: Bins) -> str:
    total = sum(count for *_, count in bins)
    low, high, most = max(bins, key=lambda one: one[2])
    share = f", {numbers.share(most / total)} of them" if total else ""
    return (
        f"{numbers.count(total)} rows from {numbers.rough(bins[0][0])} to {numbers.rough(bins[-1][1])}; "
        f"most{share}, between {numbers.rough(low)} and {numbers.rough(high)}"
    )
