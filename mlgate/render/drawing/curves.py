"""Lines in the unit square: ROC, precision and recall, calibration, the coverage of quantiles."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mlgate.render import numbers
from mlgate.render.drawing.axis import Axis
from mlgate.render.drawing.plot import HEIGHT, LEFT, TOP, Dot, Frame, Plot, Stroke
from mlgate.render.drawing.series import Data, rows

SQUARE = 186
"""Pixels of a side: both axes run from 0 to 1, and the diagonal has to look like one."""

UNIT = Axis(0.0, 1.0)

LARGEST, SMALLEST = 6.0, 2.2
"""Radius of the dot of the fullest and of the emptiest bin."""

STRIP = 26
"""Pixels of the histogram below a calibration curve."""


def roc(data: Data) -> Plot | None:
    """Draw the share of positives found over the share of negatives taken for positives."""
    points = _unit(rows(data, "false_positive_rate", "true_positive_rate"))
    if points is None:
        return None
    frame = _square()
    return frame.plot(
        names=("false-positive rate", "true-positive rate"),
        strokes=(
            frame.area(points, [(points[0][0], 0.0), (points[-1][0], 0.0)], "under"),
            frame.line([(0.0, 0.0), (1.0, 1.0)], "chance"),
            frame.line(points, "curve"),
        ),
        said=f"True-positive rate over false-positive rate: {_at(points, (0.05, 0.1, 0.2))}; the dashed "
        "diagonal is chance",
    )


def precision_recall(data: Data) -> Plot | None:
    """Draw precision over recall."""
    points = _unit(rows(data, "recall", "precision"))
    if points is None:
        return None
    frame = _square()
    points = sorted(points, key=lambda one: one[0])
    return frame.plot(
        names=("recall", "precision"),
        strokes=(frame.line(points, "curve"),),
        said=f"Precision over recall: {_at(points, (0.25, 0.5, 0.75))}",
    )


def reliability(data: Data) -> Plot | None:
    """Draw the observed share against the stated score, a dot for each bin, its size by its rows.

    Below it stands how the rows spread over the bins, where their ends are known.
    """
    points = _unit(rows(data, "mean_score", "observed"))
    if points is None:
        return None
    bins = rows(data, "low", "high", "rows")
    counts = [one[2] for one in bins] if bins and len(bins) == len(points) else [1.0] * len(points)
    frame = _square()
    strokes = [frame.line([(0.0, 0.0), (1.0, 1.0)], "chance")]
    strokes += [frame.line([(x, x), (x, y)], "miss") for x, y in points]
    strokes.append(frame.line(points, "curve thin"))
    height = float(HEIGHT)
    if bins and _inside(bins):
        height += STRIP + 6
        strokes.append(_strip(frame, bins))
    least = numbers.count(min(counts))
    most = numbers.count(max(counts))
    spread = f" ({least} to {most} rows a bin)" if bins else ""
    return frame.plot(
        names=("mean score", "share of positives"),
        strokes=strokes,
        dots=_dots(frame, points, counts),
        said=f"Share of positives against mean score in {len(points)} bins{spread}; on the dashed diagonal "
        "scores would be honest",
        height=height,
    )


def quantile_coverage(data: Data) -> Plot | None:
    """Draw the observed share of rows below each predicted quantile against its level, with intervals."""
    points = _unit(rows(data, "level", "observed"))
    if points is None:
        return None
    frame = _square()
    spans = rows(data, "level", "low", "high") or []
    return frame.plot(
        names=("stated level", "observed share below"),
        strokes=(
            frame.line([(0.0, 0.0), (1.0, 1.0)], "chance"),
            *(frame.line([(level, low), (level, high)], "spread") for level, low, high in spans),
            frame.line(points, "curve thin"),
        ),
        dots=_dots(frame, points, [1.0] * len(points)),
        said="Observed share of rows below each predicted quantile: "
        + ", ".join(f"{numbers.rough(y)} at level {numbers.rough(x)}" for x, y in points[:9])
        + "; on the dashed diagonal they agree",
    )


def _square() -> Frame:
    return Frame(x=UNIT, y=UNIT, left=LEFT, right=LEFT + SQUARE, top=TOP, bottom=TOP + SQUARE)


def _unit(found: Sequence[tuple[float, ...]] | None) -> list[tuple[float, float]] | None:
    """Take points that all lie in the unit square; a chart of anything else is no such chart."""
    if not found or not all(0 <= one <= 1 for point in found for one in point):
        return None
    return [(x, y) for x, y in found]


def _inside(bins: Sequence[tuple[float, ...]]) -> bool:
    return all(0 <= low <= high <= 1 and count >= 0 for low, high, count in bins)


def _dots(frame: Frame, points: Sequence[tuple[float, float]], counts: Sequence[float]) -> tuple[Dot, ...]:
    most = max(counts) or 1.0
    radius = [max(LARGEST * math.sqrt(max(one, 0.0) / most), SMALLEST) for one in counts]
    if len(set(counts)) == 1:
        radius = [3.5] * len(points)
    places = [frame.at(point) for point in points]
    return tuple(Dot(x=x, y=y, r=round(r, 1)) for (x, y), r in zip(places, radius, strict=True))


def _strip(frame: Frame, bins: Sequence[tuple[float, ...]]) -> Stroke:
    """Stand the rows of the bins below the names of the axis."""
    most = max(count for _, _, count in bins) or 1.0
    floor = HEIGHT - 2.0 + STRIP
    below = Frame(
        x=frame.x, y=Axis(0.0, most), left=frame.left, right=frame.right, top=floor - STRIP, bottom=floor
    )
    return below.columns([(low, high, count) for low, high, count in bins], "fill")


def _at(points: Sequence[tuple[float, float]], places: Sequence[float]) -> str:
    """Say the height of a curve at some places, by its last point up to each."""
    said = []
    for place in places:
        up_to = [y for x, y in points if x <= place]
        if up_to:
            said.append(f"{numbers.rough(round(up_to[-1], 3))} at {numbers.exact(place)}")
    return ", ".join(said) or "no point near the left side"
