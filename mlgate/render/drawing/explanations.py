"""What a model rests on: its number along one feature, and the attributions of the leading features."""

from __future__ import annotations

from dataclasses import replace

from mlgate.render import numbers
from mlgate.render.drawing.axis import Axis
from mlgate.render.drawing.plot import BOTTOM, LETTER, TOP, WIDTH, Dot, Frame, Mark, Plot
from mlgate.render.drawing.series import Data, rows, texts

NAMES = 104
"""Pixels for the names of features."""

LANE = 22
"""Pixels of one feature."""

SMALLEST, LARGEST = 2.0, 5.5
"""Radius of the dot of the lowest and of the highest values."""


def curve(data: Data) -> Plot | None:
    """Draw the mean number of a model at each value of a feature, in a band that holds most rows."""
    found = rows(data, "value", "mean", "low", "high")
    if found is None or any(one[2] > one[3] for one in found):
        return None
    found = sorted(found)
    x = Axis(found[0][0], found[-1][0])
    y = Axis.around(number for one in found for number in one[1:])
    if not x.wide or y is None:
        return None
    frame = Frame(x=x, y=y)
    means = [(one[0], one[1]) for one in found]
    first, last = found[0], found[-1]
    return frame.plot(
        names=("value of the feature", "what the model says"),
        strokes=(
            frame.area([(one[0], one[3]) for one in found], [(one[0], one[2]) for one in found], "band"),
            frame.line(means, "curve thin"),
        ),
        dots=[Dot(x=a, y=b, r=2.5) for a, b in map(frame.at, means)],
        said=f"Mean of what the model says, from {numbers.rough(first[1])} at {numbers.rough(first[0])} to "
        f"{numbers.rough(last[1])} at {numbers.rough(last[0])}; four fifths of the rows are in the band",
    )


def attribution(data: Data) -> Plot | None:
    """Draw a lane for each feature: what it adds where its values are low (small dots) and high (large)."""
    found = rows(data, "level", "mean", "low", "high")
    names = texts(data.get("feature", ()))
    if found is None or len(found) != len(names) or any(one[2] > one[3] for one in found):
        return None
    if any(not 0.0 <= one[0] <= 1.0 for one in found):
        return None
    x = Axis.around([0.0, *(number for one in found for number in one[1:])])
    if x is None:
        return None
    lanes = list(dict.fromkeys(names))
    bottom = float(TOP + LANE * len(lanes))
    frame = Frame(x=x, y=Axis(0.0, float(len(lanes))), left=NAMES, right=WIDTH, top=TOP, bottom=bottom)
    middle = {name: len(lanes) - place - 0.5 for place, name in enumerate(lanes)}
    dots, strokes = [], [frame.line([(0.0, 0.0), (0.0, float(len(lanes)))], "chance")]
    for name, (level, mean, low, high) in zip(names, found, strict=True):
        across, up = frame.at((mean, middle[name]))
        dots.append(Dot(x=across, y=up, r=round(SMALLEST + (LARGEST - SMALLEST) * level, 1)))
        strokes.append(frame.line([(low, middle[name]), (high, middle[name])], "spread"))
    drawn = frame.plot(
        names=("SHAP value", ""),
        strokes=strokes,
        dots=sorted(dots, key=lambda one: -one.r),
        said=f"What the {len(lanes)} leading features add, a dot for each bin of values: the larger the "
        f"dot, the higher the value; {lanes[0]} leads",
        height=bottom + BOTTOM,
    )
    return replace(drawn, up=tuple(Mark(at=frame.up(middle[name]), label=_short(name)) for name in lanes))


def _short(name: str) -> str:
    most = int((NAMES - 8) / LETTER)
    return name if len(name) <= most else f"{name[: most - 1]}…"
