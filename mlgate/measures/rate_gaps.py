"""How far apart the rates of groups lie, and the group that stands worst by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlgate.cells import Cells
from mlgate.estimates import Estimate, Interval
from mlgate.intervals import Evenness, Gap, MoverRatio
from mlgate.measures import comparing
from mlgate.measures.comparing import How, Pair, Series
from mlgate.measures.groups import Grouped, Standing, grouped, standings
from mlgate.measures.judging import Judging
from mlgate.measures.overlap import Overlap, overlap
from mlgate.measures.rates import RATES, Rate, RateName

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def between(cells: Cells, judging: Judging, how: How, *rates: RateName) -> Estimate:
    """Compare rates between every two judged groups; of several rates the worst is the value.

    `how` is `difference` (largest minus smallest) or `ratio` (smallest over largest).
    """
    of = grouped(cells, judging.by)
    if isinstance(of, Estimate):
        return of
    tied, several = overlap(of), len(rates) > 1
    series = [rate_series(of, RATES[name], judging, how, tied, several=several) for name in rates]
    return comparing.compare(of, judging, series, how)


def worst(cells: Cells, judging: Judging, rate: RateName, how: How) -> Estimate:
    """Return the rate of the judged group that stands worst; every judged group is a comparison.

    `how` is `lowest` for rates that should be high and `highest` for rates of errors.
    """
    of = grouped(cells, judging.by)
    if isinstance(of, Estimate):
        return of
    return comparing.compare(of, judging, [rate_series(of, RATES[rate], judging, how)], how)


def against_best(cells: Cells, judging: Judging, rate: RateName) -> Estimate:
    """Compare the rate of each judged group with that of the group where it is highest (MOVER-R)."""
    of = grouped(cells, judging.by)
    if isinstance(of, Estimate):
        return of
    series = rate_series(of, RATES[rate], judging, "ratio", overlap(of), pair=_over)
    return comparing.against_best(of, judging, series)


def mean_gap(cells: Cells, judging: Judging, rates: Sequence[RateName]) -> Estimate:
    """Return the mean of the rates' largest differences between groups."""
    of = grouped(cells, judging.by)
    if isinstance(of, Estimate):
        return of
    tied = overlap(of)
    series = [rate_series(of, RATES[name], judging, "difference", tied, several=True) for name in rates]
    return comparing.mean_gap(of, judging, series)


def rate_series(
    of: Grouped,
    rate: Rate,
    judging: Judging,
    how: How,
    tied: Overlap | None = None,
    *,
    pair: Pair | None = None,
    several: bool = False,
) -> Series:
    """Count a rate in every group, ready to be compared; `tied` says which groups share clusters."""
    stand = standings(of, rate, judging)
    return Series(
        words=rate.words,
        standings=stand,
        pair=pair or {"difference": _gap, "ratio": _evenness}.get(how),
        prefix=f"{rate.words}: " if several else "",
        factor=None if tied is None else tied.factor(_influence(of, rate, stand, logarithmic=how == "ratio")),
    )


def _influence(
    of: Grouped, rate: Rate, stand: Sequence[Standing], *, logarithmic: bool
) -> NDArray[np.float64]:
    """Return the derivative of each cell's rate, or of its logarithm, in the weight of a row there."""
    import numpy as np

    share = np.array([one.value or 0.0 for one in stand])[of.code]
    whole = np.array([one.denominator or 1.0 for one in stand])[of.code]
    roles = of.cells.roles
    influence: NDArray[np.float64] = (rate.numerator(roles) - share) / whole * rate.denominator(roles)
    if logarithmic:
        np.divide(influence, share, out=influence, where=share > 0.0)
    return influence


def _gap(a: Standing, b: Standing) -> Interval | None:
    return None if a.part is None or b.part is None else Gap(a.part, b.part)


def _evenness(a: Standing, b: Standing) -> Interval | None:
    if a.part is None or b.part is None or max(a.known, b.known) <= 0.0:
        return None
    return Evenness(a.part, b.part)


def _over(a: Standing, b: Standing) -> Interval | None:
    return None if a.part is None or b.part is None or b.known <= 0.0 else MoverRatio(a.part, b.part)
