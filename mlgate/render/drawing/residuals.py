"""The errors of an estimated number: how far off it is, and on which side, along the prediction."""

from __future__ import annotations

from mlgate.render import numbers
from mlgate.render.drawing.axis import Axis
from mlgate.render.drawing.plot import Dot, Frame, Plot
from mlgate.render.drawing.series import Data, rows


def residuals(data: Data) -> Plot | None:
    """Draw the mean error in each bin of the prediction, in a band from the 10th to the 90th percentile."""
    found = rows(data, "low", "high", "rows", "mean", "lower", "upper")
    if found is None or any(one[0] > one[1] for one in found):
        return None
    found = sorted(found)
    x = Axis(found[0][0], max(one[1] for one in found))
    y = Axis.around([0.0, *(number for one in found for number in one[3:])])
    if not x.wide or y is None:
        return None
    frame = Frame(x=x, y=y)
    middles = [((one[0] + one[1]) / 2, one[3]) for one in found]
    band = [(one[0], one[1], one[4], one[5]) for one in found]
    upper = [point for low, high, _, up in band for point in ((low, up), (high, up))]
    lower = [point for low, high, down, _ in band for point in ((low, down), (high, down))]
    worst = max(found, key=lambda one: abs(one[3]))
    return frame.plot(
        names=("prediction", "prediction - label"),
        strokes=(
            frame.area(upper, lower, "band"),
            frame.line([(x.low, 0.0), (x.high, 0.0)], "chance"),
            frame.line(middles, "curve thin"),
        ),
        dots=[Dot(x=a, y=b, r=3) for a, b in map(frame.at, middles)],
        said=f"Mean error in {len(found)} bins of the prediction, with the 10th and 90th percentile; it is "
        f"furthest from zero, {numbers.rough(worst[3])}, between {numbers.rough(worst[0])} and "
        f"{numbers.rough(worst[1])}",
    )
