"""Bootstrap over cells, for statistics of few cells that nothing closed covers."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from statistics import NormalDist
from typing import TYPE_CHECKING, TypeAlias

from mlgate.intervals.proportions import z_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Statistic: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]
    ScoreStatistic: TypeAlias = Callable[
        [NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]
    ]

MAX_CELLS = 4096
"""More cells than this are merged by score before anything is drawn."""

DRAWS = 2000
"""Draws of one interval; at least this many."""

CHUNK = 2**20
"""Numbers that are held at once while drawing: 8 MiB of counts."""

MAX_UNDEFINED = 0.05
"""With a larger share of draws on which the statistic is undefined, there is no interval."""

RESOLVED = 5
"""Quantiles with fewer draws than this beyond them are not read off but extended like a normal tail."""

TIED = 1e-9
"""Draws this near to the estimate, as a share of their range, are equal to it but for rounding."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bootstrap:
    """A bias-corrected percentile interval (Efron 1981, BC) from draws that are already made.

    BC rather than the plain percentiles, because ranking statistics of small tables are skewed and their
    draws lie to one side of the estimate; rather than BCa, because the acceleration needs a jackknife
    over rows, which cells do not have, and its bounds are not monotone in the confidence, which Holm and
    p-values need. The bounds always hold the estimate: where the correction would leave it out, they are
    widened to it.
    """

    value: float
    draws: tuple[float, ...]
    """Sorted, finite, not all equal."""
    upward: bool = False
    """Whether noise pushes the statistic up, as it does a supremum or a sum of absolute values."""
    lowest: float = -math.inf
    highest: float = math.inf

    @property
    def method(self) -> str:
        """As the report prints it."""
        return "bootstrap"

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        low, high = self._pushed(confidence) if self.upward else self._corrected(confidence)
        return (
            max(min(low, self.value), min(self.lowest, self.value)),
            min(max(high, self.value), max(self.highest, self.value)),
        )

    def grown(self, factor: float) -> Bootstrap:
        """Return the interval of `factor` times the rows: the draws move closer by sqrt(factor)."""
        closer = 1.0 / math.sqrt(factor)
        draws = tuple(self.value + (draw - self.value) * closer for draw in self.draws)
        return replace(self, draws=draws)

    def _corrected(self, confidence: float) -> tuple[float, float]:
        """Return the percentiles, moved by twice the normal quantile of the draws below the estimate."""
        size = len(self.draws)
        near = TIED * (self.draws[-1] - self.draws[0])
        first, last = bisect_left(self.draws, self.value - near), bisect_right(self.draws, self.value + near)
        beneath = (first + last) / 2.0
        shift = 2.0 * NormalDist().inv_cdf(min(max(beneath, 0.5), size - 0.5) / size)
        z = z_of(confidence)
        return self._quantile(shift - z), self._quantile(shift + z)

    def _pushed(self, confidence: float) -> tuple[float, float]:
        """Return the reflected percentile less the bias below, the plain percentile above.

        The draws are pushed up once more than the estimate was. Above, that is on the safe side and
        stays; below, the estimate is too high by its own bias, which the draws show too small when the
        truth is near zero, so it is taken off twice (simulated: the lower bound of a calibration error of
        0.03 is too high in 4 % of tables of 1600 rows, 10 % of 100 rows; with BC in 10 % and 47 %).
        """
        z = z_of(confidence)
        high = self._quantile(z)
        bias = max(math.fsum(self.draws) / len(self.draws) - self.value, 0.0)
        return 2.0 * self.value - high - bias, high

    def _quantile(self, z: float) -> float:
        """Return the draw at the normal quantile `z`, beyond the resolved ones by their last slope.

        2000 draws know nothing of a tail of 1 in 10,000, which Holm over many groups asks for; reading
        off the outermost draw would claim more than was drawn.
        """
        last = NormalDist().inv_cdf(1.0 - RESOLVED / len(self.draws))
        if abs(z) <= last:
            return self._interpolated(NormalDist().cdf(z))
        middle = self._interpolated(0.5)
        edge = self._interpolated(NormalDist().cdf(math.copysign(last, z)))
        return middle + (edge - middle) * abs(z) / last

    def _interpolated(self, share: float) -> float:
        place = share * (len(self.draws) - 1)
        below = min(int(place), len(self.draws) - 2)
        low, high = self.draws[below], self.draws[below + 1]
        return low + (high - low) * (place - below)


def bootstrap(
    n: ArrayLike,
    statistic: Statistic,
    *,
    w: ArrayLike | None = None,
    w2: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    upward: bool = False,
    lowest: float = -math.inf,
    highest: float = math.inf,
) -> Bootstrap | None:
    """Return the interval of `statistic` by resampling at most `MAX_CELLS` cells.

    `statistic` takes an array (draws, cells) and returns (draws,) values, NaN where undefined; its value
    on the table itself is the estimate. Without weights the draws are multinomial counts of `n` rows, as
    if rows were resampled. With `w` and `w2`, the sums of weights and of squared weights of each cell,
    they are sums of weights: gamma variables with mean `w` and variance `w2`, scaled to the total (for
    equal weights this is Rubin's Bayesian bootstrap, 1981); `statistic` must then not depend on the scale
    of its input, and multiplying every weight by 7 changes nothing. `strata` names each cell's stratum,
    whose total every draw keeps. `upward` says that noise pushes the statistic up (a supremum, a sum of
    absolute values); `lowest` and `highest` are its range. The same seed gives the same draws.

    None when the statistic is undefined on the table or on too many draws, or all draws are equal, as
    they are for a table without errors: no interval of width zero.

    Raises ValueError for more cells than `MAX_CELLS`.
    """
    import numpy as np

    counts = np.asarray(n, dtype=np.int64)
    if len(counts) > MAX_CELLS:
        raise ValueError(f"{len(counts)} cells; at most {MAX_CELLS} are drawn from")
    weights = None
    if w is not None and w2 is not None:
        weights = np.asarray(w, dtype=float), np.asarray(w2, dtype=float)
    table = counts.astype(float) if weights is None else weights[0]
    if not table.sum() > 0.0:
        return None
    codes = np.zeros(len(counts), dtype=np.int64)
    if strata is not None:
        codes = np.unique(np.asarray(strata), return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    value = float(statistic(table[None, :])[0])
    drawn = np.concatenate([statistic(some) for some in _draws(rng, counts, weights, codes, draws)])
    frame = Bootstrap(value=value, draws=(), upward=upward, lowest=lowest, highest=highest)
    return _filled(frame, drawn)


def bootstrap_scores(
    score: ArrayLike,
    label: ArrayLike,
    n: ArrayLike,
    statistic: ScoreStatistic,
    *,
    value: float,
    w: ArrayLike | None = None,
    w2: ArrayLike | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    upward: bool = False,
    lowest: float = -math.inf,
    highest: float = math.inf,
) -> Bootstrap | None:
    """Return the interval of a statistic of labels in the order of their scores: average precision.

    One entry a cell; `statistic(scores, positives, negatives)` takes the distinct scores, rising, of
    shape (bins,), and the (weighted) counts of each class at each score, of shape (draws, bins), and
    returns (draws,) values, NaN where undefined. `value` is the estimate, computed exactly by the caller.

    More than `MAX_CELLS` / 2 distinct scores are merged into that many quantile bins with their mean
    score, for the draws only: they give the spread, which is centred on the exact `value`.
    Otherwise as `bootstrap`.
    """
    import numpy as np

    counts = np.asarray(n, dtype=np.int64)
    mass = counts.astype(float) if w is None else np.asarray(w, dtype=float)
    known = mass > 0.0
    scores = np.asarray(score, dtype=float)[known]
    if not known.any() or not np.isfinite(scores).all() or not math.isfinite(value):
        return None
    distinct, place = _binned(scores, mass[known])
    size = len(distinct)
    cell = place + size * (np.asarray(label, dtype=float)[known] == 1.0)
    of = partial(_by_class, statistic, distinct)

    def total(values: ArrayLike) -> NDArray[np.float64]:
        sums = np.bincount(cell, np.asarray(values, dtype=float)[known], minlength=2 * size)
        return np.asarray(sums, dtype=float)

    found = bootstrap(
        total(counts).astype(np.int64),
        of,
        w=None if w is None else total(w),
        w2=None if w2 is None else total(w2),
        draws=draws,
        seed=seed,
        upward=upward,
        lowest=lowest,
        highest=highest,
    )
    if found is None:
        return None
    shift = value - found.value
    return replace(found, value=value, draws=tuple(draw + shift for draw in found.draws))


def _by_class(
    statistic: ScoreStatistic, scores: NDArray[np.float64], drawn: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Split cells into negatives and positives, which is how `bootstrap_scores` lays them out."""
    return statistic(scores, drawn[:, len(scores) :], drawn[:, : len(scores)])


def _binned(
    score: NDArray[np.float64], mass: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the score of each bin, rising, and the bin of each cell; a bin a score while they are few."""
    import numpy as np

    distinct, place = np.unique(score, return_inverse=True)
    most = MAX_CELLS // 2
    if len(distinct) <= most:
        return distinct, place
    at = np.bincount(place, mass)
    middle = (np.cumsum(at) - at / 2.0) / at.sum()
    _, bin_of = np.unique(np.minimum((middle * most).astype(np.int64), most - 1), return_inverse=True)
    means = np.bincount(bin_of, at * distinct) / np.bincount(bin_of, at)
    return means, bin_of[place]


def _draws(
    rng: np.random.Generator,
    n: NDArray[np.int64],
    weights: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
    codes: NDArray[np.int64],
    draws: int,
) -> Iterator[NDArray[np.float64]]:
    """Yield arrays (some, cells) of counts or sums of weights, `draws` rows in all."""
    import numpy as np

    left = draws
    while left > 0:
        size = min(left, max(1, CHUNK // len(n)))
        drawn = np.empty((size, len(n)))
        for code in range(int(codes.max()) + 1):
            mine = codes == code
            if weights is None:
                total = int(n[mine].sum())
                share = n[mine] / max(total, 1)
                drawn[:, mine] = rng.multinomial(total, share, size=size) if total else 0.0
            else:
                drawn[:, mine] = _gamma(rng, weights[0][mine], weights[1][mine], size)
        yield drawn
        left -= size


def _gamma(
    rng: np.random.Generator, w: NDArray[np.float64], w2: NDArray[np.float64], size: int
) -> NDArray[np.float64]:
    """Draw sums of weights with mean `w` and variance `w2`, scaled to the total of `w`."""
    import numpy as np

    total = float(w.sum())
    mean, square = w / (total or 1.0), w2 / (total or 1.0) / (total or 1.0)
    shape = np.divide(mean * mean, square, out=np.zeros_like(mean), where=square > 0.0)
    scale = np.divide(square, mean, out=np.zeros_like(mean), where=mean > 0.0)
    drawn = rng.gamma(shape, scale, size=(size, len(w)))
    sums = drawn.sum(axis=1, keepdims=True)
    share: NDArray[np.float64] = np.divide(drawn, sums, out=np.zeros_like(drawn), where=sums > 0.0)
    return total * share


def _filled(frame: Bootstrap, drawn: NDArray[np.float64]) -> Bootstrap | None:
    """Put the draws in, when they make an interval."""
    import numpy as np

    finite = np.sort(drawn[np.isfinite(drawn)])
    if not math.isfinite(frame.value) or len(finite) < max(2, (1.0 - MAX_UNDEFINED) * len(drawn)):
        return None
    spread, size = float(finite[-1] - finite[0]), float(np.abs(finite).max())
    if spread <= 1e-12 * size:  # rounding of sums is not a spread
        return None
    return replace(frame, draws=tuple(finite.tolist()))
