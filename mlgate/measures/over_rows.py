"""Means over the rows of cells, whether a number is the same in all rows of a cell or summed up over them.

Scores of a very long table are counted in bins (`Cells.binned`); a loss then differs within a cell, and the
cell has its sums.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from mlgate.cells import Cells, ScoreSum, Sums
from mlgate.intervals import Mapped, Moments, Part, Student, mean_interval, moments, moments_of_sums

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    OverRows: TypeAlias = NDArray[np.float64] | Sums
    """Numbers of rows: one a cell, or their sums."""


def summed(cells: Cells, name: ScoreSum) -> Sums | None:
    """Return the sums of a quantity over the rows of each cell; None where the scores are exact."""
    return None if cells.binned is None else cells.binned.sums[name]


def mean(values: OverRows, cells: Cells) -> float:
    """Return the weighted mean over all rows. Some cell has to weigh something."""
    import numpy as np

    if isinstance(values, Sums):
        return float(values.first.sum() / cells.w.sum())
    return float(np.average(values, weights=cells.w))


def moments_of(values: OverRows, cells: Cells) -> Moments | None:
    """Return the mean and its variance; see `moments`."""
    if not isinstance(values, Sums):
        return moments(values, cells.w, cells.w2, cells.clusters)
    alike = False if cells.binned is None else cells.binned.low == cells.binned.high
    return moments_of_sums(values.first, values.second, values.squares, cells.w, cells.w2, alike=alike)


def interval_of_mean(
    values: OverRows, cells: Cells, *, lowest: float = -math.inf, highest: float = math.inf
) -> Student | Mapped | None:
    """Return the t interval of the mean; see `mean_of`."""
    found, clustered = moments_of(values, cells), cells.clusters is not None
    return None if found is None else mean_interval(found, lowest, highest, clustered=clustered)


@dataclass(frozen=True, kw_only=True, slots=True)
class Binned:
    """The interval of a number that was computed from bins, and may be off by so much on the rows."""

    part: Part
    """The interval of rows as they are seen in the bins."""
    error: float
    lowest: float
    """The number's range."""
    highest: float

    @property
    def method(self) -> str:
        """That of the part, with the error: `delong, binned +-2e-06`."""
        return f"{self.part.method}, binned +-{self.error:.1g}"

    @property
    def value(self) -> float:
        """The number."""
        return self.part.value

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`, wider by the error on both sides."""
        low, high = self.part.at(confidence)
        return max(low - self.error, self.lowest), min(high + self.error, self.highest)

    def grown(self, factor: float) -> Binned:
        """Return the interval of `factor` times the rows; more of them do not make bins narrower."""
        return replace(self, part=self.part.grown(factor))
