"""How far apart the means of groups lie: predictions, errors and scores.

A mean of a group has a t interval (linearised with weights, by clusters where rows belong together); the
root of a mean square has that of the mean square, mapped. Differences between groups are MOVER's of these.
Ratios are taken on the logarithmic scale, by the delta method, which keeps them above 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from mlgate.cells import Cells, Sums
from mlgate.estimates import Estimate, Interval
from mlgate.intervals import Gap, Mapped, Part, Student
from mlgate.measures import comparing, over_rows
from mlgate.measures.comparing import Series
from mlgate.measures.groups import Group, Grouped, Standing, grouped, size_reason
from mlgate.measures.judging import Judging
from mlgate.measures.overlap import overlap

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mlgate.measures.over_rows import OverRows

_LARGEST = 700.0
"""The exponential of more than this is no number."""

MeanName: TypeAlias = Literal["mean-prediction", "mean-error", "mae", "rmse"]

WORDS: Mapping[str, str] = {
    "mean-prediction": "mean prediction",
    "mean-error": "mean error",
    "mae": "mean absolute error",
    "rmse": "root mean square error",
    "mean-score": "mean score",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantity:
    """What the mean of is taken, one number a cell, and how small they can be."""

    name: str
    values: OverRows
    lowest: float = -math.inf
    root: bool = False
    """Whether the number of a group is the square root of the mean."""


def by_group(cells: Cells, judging: Judging, name: MeanName, how: Literal["difference", "ratio"]) -> Estimate:
    """Compare a mean of a regression between every two judged groups.

    Ratios need numbers above 0: a mean prediction of 0 or less in any judged group is a reason.
    """
    return _compared(cells, judging, name, how)


def scores_by_group(cells: Cells, judging: Judging) -> Estimate:
    """Compare mean scores between every two judged groups."""
    return _compared(cells, judging, "mean-score", "difference")


def _compared(
    cells: Cells,
    judging: Judging,
    name: str,
    how: Literal["difference", "ratio"],
) -> Estimate:
    of = grouped(cells, judging.by)
    if isinstance(of, Estimate):
        return of
    quantity = _quantity(of.cells, name)
    stand = tuple(_standing(group, part, quantity, place, judging) for group, part, place in _parts(of))
    series = Series(
        words=WORDS[name],
        standings=stand,
        pair=_gap if how == "difference" else _evenness,
        factor=_factor(of, quantity, stand, logarithmic=how == "ratio"),
    )
    below = [one.group.name for one in series.judged if how == "ratio" and one.known < 0]
    if below:
        reason = f"the {WORDS[name]} is below 0 in {below[0]}: a ratio says nothing of it"
        return Estimate.missing(reason, n=cells.rows, groups=tuple(one.row() for one in stand))
    found = comparing.compare(of, judging, [series], how)
    # A ratio says nothing of a mean below 0, nor does one over all groups where any of them has such a mean.
    signs = how == "ratio" and any(one.known < 0 for one in series.estimable(judging))
    return replace(found, value_all=None) if signs else found


def _parts(of: Grouped) -> list[tuple[Group, Cells, slice]]:
    return [(group, part, place) for (group, part), (_, place) in zip(of.parts(), of.slices(), strict=True)]


def _quantity(cells: Cells, name: str) -> Quantity:
    import numpy as np

    roles = cells.roles
    match name:
        case "mean-score":
            sums = over_rows.summed(cells, "score")
            return Quantity(name=name, values=roles["score"] if sums is None else sums)
        case "mean-prediction":
            return Quantity(name=name, values=roles["prediction"])
        case "mean-error":
            return Quantity(name=name, values=roles["prediction"] - roles["label"])
        case "mae":
            return Quantity(name=name, values=np.abs(roles["prediction"] - roles["label"]), lowest=0.0)
        case _:
            with np.errstate(over="ignore"):  # what overflows is not finite, which is seen later
                squares = (roles["prediction"] - roles["label"]) ** 2
            return Quantity(name=name, values=squares, lowest=0.0, root=True)


def _standing(group: Group, part: Cells, of: Quantity, place: slice, judging: Judging) -> Standing:
    import numpy as np

    values = of.values.take(place) if isinstance(of.values, Sums) else of.values[place]
    total = float(part.w.sum())
    reason = size_reason(group, judging)
    value, interval = None, None
    if total > 0:
        with np.errstate(over="ignore", invalid="ignore"):  # as above
            mean = over_rows.mean(values, part)
        found = over_rows.interval_of_mean(values, part, lowest=of.lowest)
        value = math.sqrt(mean) if of.root else mean
        interval = Mapped(found, math.sqrt) if of.root and found is not None else found
        if not math.isfinite(value):
            value, interval, reason = None, None, "its sum is too large to be a number"
    else:
        reason = "its weights sum to 0"
    return Standing(
        group=group,
        rate=of.name.replace("-", "_"),
        value=value,
        interval=interval,
        part=interval,
        weight=total * (total / float(part.w2.sum())) if total > 0 else 0.0,
        reason=reason,
    )


def _factor(
    of: Grouped, quantity: Quantity, stand: tuple[Standing, ...], *, logarithmic: bool
) -> NDArray[np.float64] | None:
    """Allow for clusters with rows in two groups; constant factors of a group's influence cancel."""
    import numpy as np

    tied = overlap(of)
    if tied is None or isinstance(quantity.values, Sums):  # scores in bins have no clusters
        return None
    known = np.array([1.0 if one.value is None else one.value for one in stand])
    mean = known**2 if quantity.root else known
    weights = np.bincount(of.code, of.cells.w, minlength=len(of.groups))
    with np.errstate(all="ignore"):  # what has no derivative is not finite, and has no interval either
        slope = 1.0 / (2.0 * known) if quantity.root else np.ones(len(known))
        scale = slope / weights / (known if logarithmic else 1.0)
        influence = (quantity.values - mean[of.code]) * scale[of.code]
    return tied.factor(np.where(np.isfinite(influence), influence, 0.0))


def _gap(a: Standing, b: Standing) -> Interval | None:
    return None if a.part is None or b.part is None else Gap(a.part, b.part)


def _evenness(a: Standing, b: Standing) -> Interval | None:
    """Return the interval of min / max, through the distance of the logarithms."""
    first, second = _logarithm(a.part), _logarithm(b.part)
    return None if first is None or second is None else Mapped(Gap(first, second), _falling)


def _logarithm(part: Part | None) -> Student | None:
    """Return the interval of the logarithm of a mean, or of the root of one, by the delta method."""
    halved = isinstance(part, Mapped)
    of = part.part if isinstance(part, Mapped) else part
    if not isinstance(of, Student) or not of.value > 0.0:
        return None
    slope = (0.5 if halved else 1.0) / of.value
    value = math.log(of.value) * (0.5 if halved else 1.0)
    return Student(value=value, variance=of.variance * slope**2, n=of.n, method=_delta(of.method))


def _delta(method: str) -> str:
    return method.replace("t", "delta", 1)


def _falling(distance: float) -> float:
    return math.exp(min(-distance, _LARGEST))
