"""Rows as cells: distinct combinations of values with a count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlgate.cells.statistics import By, ScoreSum

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNKNOWN = "unknown"
"""The name of the group whose protected value is missing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sums:
    """Sums of a quantity q over the rows of each cell, in which it differs; arrays of shape (cells,).

    With w the weight of a row. Without weights the first two are equal.
    """

    first: NDArray[np.float64]
    """Sum of w q."""
    second: NDArray[np.float64]
    """Sum of w^2 q."""
    squares: NDArray[np.float64]
    """Sum of w^2 q^2."""

    def take(self, mask: slice | NDArray[np.bool_] | NDArray[np.int64]) -> Sums:
        """Return the sums of some cells, as `Cells.take` does."""
        return Sums(first=self.first[mask], second=self.second[mask], squares=self.squares[mask])

    def line(
        self, start: NDArray[np.float64], slope: float, w: NDArray[np.float64], w2: NDArray[np.float64]
    ) -> Sums:
        """Return the sums of start + slope q; `start` is one number a cell, and `w`, `w2` are the cells'."""
        return Sums(
            first=start * w + slope * self.first,
            second=start * w2 + slope * self.second,
            squares=start**2 * w2 + 2.0 * slope * start * self.second + slope**2 * self.squares,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Binned:
    """What is known of scores that are counted in bins; arrays of shape (cells,).

    [0, 1] is cut into `SCORE_BINS` parts [k / SCORE_BINS, (k + 1) / SCORE_BINS), 1 by itself, and at the
    threshold; rows that weigh nothing have bins of their own. `Cells.roles["score"]` is one number in the
    bin, the same in every cell of it.
    """

    low: NDArray[np.float64]
    """Lowest score in the cell."""
    high: NDArray[np.float64]
    sums: Mapping[ScoreSum, Sums]
    """Those that `Counts.binned` asked for."""

    def take(self, mask: slice | NDArray[np.bool_] | NDArray[np.int64]) -> Binned:
        """Return what is known of some cells, as `Cells.take` does."""
        return Binned(
            low=self.low[mask],
            high=self.high[mask],
            sums={name: sums.take(mask) for name, sums in self.sums.items()},
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Cells:
    """Answer to `Counts`: one entry per distinct combination, in an order that no engine chooses.

    All arrays have the same length (the number of cells; 0 for an empty table).
    """

    roles: Mapping[str, NDArray[np.float64]]
    """Label and prediction are 0.0 or 1.0, score any float; NaN stands for a missing value."""
    groups: Mapping[By, NDArray[np.object_]]
    """Values of the grouping columns as text (integral floats without the `.0`); None where missing."""
    n: NDArray[np.int64]
    """Rows in the cell."""
    w: NDArray[np.float64]
    """Sum of weights; equal to `n` when the table has no weight."""
    w2: NDArray[np.float64]
    """Sum of squared weights; equal to `n` when the table has no weight."""
    weighted: bool = False
    classes: tuple[str, ...] = ()
    """multiclass, without a view: every class, sorted; label and prediction are places in it."""
    clusters: NDArray[np.int64] | None = None
    """The number of each cell's cluster, where `Counts.clustered` asked for it; numbers may have gaps."""
    binned: Binned | None = None
    """Not None: the scores are in bins, which only comes about where `Counts.binned` allowed it."""
    fault: str | None = None
    """Why no measure may use these cells: `12 of 300 labels are missing`. Measures must not look past it;
    `Measure.value` returns `not_measured` with it."""

    @property
    def rows(self) -> int:
        """Rows behind all cells."""
        return int(self.n.sum())

    def take(self, mask: NDArray[np.bool_] | NDArray[np.int64]) -> Cells:
        """Return the cells where `mask` (one entry a cell) is true, or those with these numbers, in order."""
        return Cells(
            roles={role: values[mask] for role, values in self.roles.items()},
            groups={by: values[mask] for by, values in self.groups.items()},
            n=self.n[mask],
            w=self.w[mask],
            w2=self.w2[mask],
            weighted=self.weighted,
            classes=self.classes,
            clusters=None if self.clusters is None else self.clusters[mask],
            binned=None if self.binned is None else self.binned.take(mask),
            fault=self.fault,
        )

    def labels(self, by: tuple[By, ...]) -> list[tuple[str, ...]]:
        """Return the distinct groups over `by`, sorted; a missing value reads `unknown`."""
        return sorted(set(self.keys(by)))

    def keys(self, by: tuple[By, ...]) -> list[tuple[str, ...]]:
        """Return the group of each cell over `by`; a missing value reads `unknown`.

        A value that is that very word reads `'unknown'`, so that it is not taken for a missing one.
        """
        columns = [[_named(value) for value in self.groups[one]] for one in by]
        return list(zip(*columns, strict=True)) if columns else [()] * len(self.n)

    def group(self, by: tuple[By, ...], key: tuple[str, ...]) -> Cells:
        """Return the cells of one group, as `labels` names it."""
        import numpy as np

        return self.take(np.array([k == key for k in self.keys(by)], dtype=bool))


def _named(value: object) -> str:
    if value is None:
        return UNKNOWN
    text = str(value)
    return repr(text) if text == UNKNOWN else text
