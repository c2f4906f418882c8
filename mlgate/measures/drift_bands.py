"""How sure a distance of two tables is: the rows that it rests on, drawn again, and what bins hide."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mlgate.intervals import Bootstrap, bootstrap
from mlgate.measures import drift_distances

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mlgate.measures.drift_distances import Distance

DRAWN_CELLS = 128
"""Values are put together into so many before anything is drawn: the draws give the spread alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BothTables:
    """Values of one column that are told apart, rising, with their rows in both tables."""

    reference: NDArray[np.float64]
    judged: NDArray[np.float64]
    values: NDArray[np.float64]
    """One number for each, the middle of a bin."""
    widths: NDArray[np.float64]
    """How far the values of a bin may lie apart; 0 for a single value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """The interval of a distance, with what bins may hide and how it was measured."""

    drawn: Bootstrap
    method: str
    hidden: float = 0.0
    """How much larger or smaller the distance may be than it looks in bins; 0 where none are."""
    smirnov: float = 0.0
    """Not 0: sqrt((1 / n + 1 / m) / 2), and the lower bound is the value less sqrt(log(2 / alpha)) of it.

    Resampling a largest distance repeats values, so its lower bound is too high in 15 % of tables that do not
    differ (simulated); the chance that both empirical functions together are further off than this is alpha,
    where the tables do not differ, and less where they do (Smirnov 1939)."""
    pushed: float = 0.0
    """By how much more than resampling shows noise pushes the distance up; it is taken off below."""

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        low, high = self.drawn.at(confidence)
        if self.smirnov:
            alpha = (1.0 - confidence) / 2.0
            low = self.drawn.value - math.sqrt(math.log(2.0 / alpha)) * self.smirnov
        return max(low - self.pushed - self.hidden, 0.0), high + self.hidden

    def grown(self, factor: float) -> Band:
        """Return the interval of `factor` times the rows; bins hide as much as before."""
        closer = 1.0 / math.sqrt(factor)
        return replace(
            self,
            drawn=self.drawn.grown(factor),
            smirnov=self.smirnov * closer,
            pushed=self.pushed * closer,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Separate:
    """The interval of a distance of tables that have no bin in common, which resampling shows the same.

    Out of n rows none lies where the other table's do, so that of all rows no more than
    1 - alpha^(1 / n) do (Clopper and Pearson, zero events); with that much in both tables it is the lower
    bound. The upper one is the value: nothing lies further apart.
    """

    distance: Distance
    rows: tuple[float, float]
    """Of the reference and of the judged table."""
    how: str

    @property
    def method(self) -> str:
        """As the report prints it."""
        return f"zero events, {self.how}"

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        import numpy as np

        alpha = (1.0 - confidence) / 2.0
        mixed = [-math.expm1(math.log(alpha) / one) for one in self.rows]
        low = self.distance(np.array([1.0 - mixed[0], mixed[0]]), np.array([mixed[1], 1.0 - mixed[1]]))
        return min(float(low), self._value), self._value

    def grown(self, factor: float) -> Separate:
        """Return the interval of `factor` times the rows."""
        return replace(self, rows=(self.rows[0] * factor, self.rows[1] * factor))

    @property
    def _value(self) -> float:
        import numpy as np

        return float(self.distance(np.array([1.0, 0.0]), np.array([0.0, 1.0])))


def drawn_of(
    reference: NDArray[np.float64],
    judged: NDArray[np.float64],
    distance: Distance,
    value: float,
    *,
    seed: int,
    highest: float,
) -> Bootstrap | None:
    """Resample both tables; the draws are centred on the value, which may have been measured more finely."""
    import numpy as np

    size = len(reference)
    found = bootstrap(
        np.concatenate([reference, judged]).astype(np.int64),
        lambda rows: distance(rows[:, :size], rows[:, size:]),
        strata=np.repeat([0, 1], size),
        seed=seed,
        upward=True,
        lowest=0.0,
        highest=highest,
    )
    if found is None:
        return None
    shift = value - found.value
    return replace(found, value=value, draws=tuple(draw + shift for draw in found.draws))


def separate_of(
    reference: NDArray[np.float64], judged: NDArray[np.float64], distance: Distance, value: float, how: str
) -> Separate | None:
    """Return the interval of tables that have nothing in common; None for others, or where it is no use."""
    rows = (float(reference.sum()), float(judged.sum()))
    found = Separate(distance=distance, rows=rows, how=how)
    highest = found.at(0.9)[1]
    if (reference * judged).any() or not math.isclose(highest, value, rel_tol=1e-9):
        return None
    return found


def condensed(cells: BothTables) -> BothTables:
    """Put neighbouring values together, about as many rows of both tables in each cell."""
    import numpy as np

    if len(cells.values) <= DRAWN_CELLS:
        return cells
    shares = cells.reference / cells.reference.sum() + cells.judged / cells.judged.sum()
    middle = (np.cumsum(shares) - shares / 2.0) / shares.sum()
    _, place = np.unique((middle * DRAWN_CELLS).astype(np.int64), return_inverse=True)
    total = np.bincount(place, shares)
    return BothTables(
        reference=np.bincount(place, cells.reference).astype(float),
        judged=np.bincount(place, cells.judged).astype(float),
        values=np.bincount(place, shares * cells.values) / total,
        widths=np.zeros(len(total)),
    )


def with_missing(cells: BothTables, reference: int, judged: int) -> BothTables:
    """Return the cells with rows without a value below all others."""
    import numpy as np

    return BothTables(
        reference=np.concatenate([[float(reference)], cells.reference]),
        judged=np.concatenate([[float(judged)], cells.judged]),
        values=np.concatenate([cells.values[:1], cells.values]),
        widths=np.concatenate([[0.0], cells.widths]),
    )


def hidden(cells: BothTables) -> float:
    """Return how much larger the Kolmogorov-Smirnov distance may be inside a bin than at its ends."""
    import numpy as np

    below = [np.concatenate([[0.0], np.cumsum(one) / one.sum()]) for one in (cells.reference, cells.judged)]
    p, q = below
    most = np.maximum(p[1:] - q[:-1], q[1:] - p[:-1])[cells.widths > 0.0]
    return max(float(most.max(initial=0.0)) - float(np.abs(p - q).max()), 0.0)


def hidden_area(cells: BothTables) -> float:
    """Return how far the Wasserstein distance over the deviation may be from that of the bins' middles.

    Moving every value to the middle of its bin moves each table by no more than half a bin on average
    (triangle inequality), and the standard deviation by no more than the root of the mean square of that.
    """
    import numpy as np

    if not cells.widths.any():
        return 0.0
    half = cells.widths / 2.0
    p, q = cells.reference / cells.reference.sum(), cells.judged / cells.judged.sum()
    moved = float(((p + q) * half).sum())
    middle = (p * cells.values).sum()
    sd = float(np.sqrt((p * (cells.values - middle) ** 2).sum()))
    slack = float(np.sqrt((p * half**2).sum()))
    if sd <= slack:
        return math.inf
    area = float(drift_distances.wasserstein(cells.values)(cells.reference, cells.judged)) * sd
    return max((area + moved) / (sd - slack) - area / sd, area / sd - (area - moved) / (sd + slack))
