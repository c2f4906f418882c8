"""Where a column is cut to be compared: bins from the quantiles or the ends of the reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeAlias

from mlgate.cells import QuantileNumbers

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Binning: TypeAlias = Literal["quantile", "width"]
Closed: TypeAlias = Literal["left", "right"]
Duplicates: TypeAlias = Literal["own_bin", "drop"]

FINE_LEVELS = (
    *(0.001, 0.005, 0.01, 0.02, 0.05),
    *(rank / 10 for rank in range(1, 10)),
    *(0.95, 0.98, 0.99, 0.995, 0.999),
)
"""Quantiles between which very long columns are cut further."""

FINE_PARTS = 50
"""Bins of equal width between two of them."""

SHOWN = 20
"""Bins of a chart."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cutting:
    """How numbers are put into bins."""

    binning: Binning
    bins: int
    closed: Closed
    duplicates: Duplicates

    @property
    def levels(self) -> tuple[float, ...]:
        """Return the quantiles of the reference that are edges; none for bins of equal width."""
        if self.binning == "width":
            return ()
        return tuple(rank / self.bins for rank in range(1, self.bins))

    def edges(self, reference: QuantileNumbers) -> tuple[float, ...]:
        """Return the inner edges, rising; none where the reference has no two values to cut between.

        A value that is an edge more than once, the ends of the reference counted, holds more than a bin's
        share of the rows. With `own_bin` it becomes a bin of its own, between itself and its neighbour among
        the floats. Dropped, as pandas.qcut does on request (and an inner edge that is an end with it), it
        shares a bin with everything beside it, in which no drift is seen.
        """
        low, high = reference.low, reference.high
        if low is None or high is None:
            return ()
        inner = reference.values if self.binning == "quantile" else _equal(low, high, self.bins)
        if self.duplicates == "drop":
            return tuple(sorted(set(inner) - {low, high}))
        found = set(inner)
        found.update(
            math.nextafter(edge, math.inf if self.closed == "left" else -math.inf)
            for edge in repeated((low, *inner, high))
        )
        return tuple(sorted(found | (_own(low, self.closed) if low == high else set())))


def _own(value: float, closed: Closed) -> set[float]:
    return {value, math.nextafter(value, math.inf if closed == "left" else -math.inf)}


def repeated(rising: Sequence[float]) -> set[float]:
    """Return the numbers that occur more than once."""
    return {one for one, other in pairwise(rising) if one == other}


def _equal(low: float, high: float, bins: int) -> tuple[float, ...]:
    """Return the inner edges of bins of equal width, as numpy.linspace has them."""
    import numpy as np

    if low == high:
        return ()
    return tuple(float(one) for one in np.unique(np.linspace(low, high, bins + 1)[1:-1]))


def fine_edges(reference: QuantileNumbers) -> tuple[float, ...]:
    """Return very many edges: equal parts between quantiles at `FINE_LEVELS`; the ends are edges too.

    A value that is repeated there is a bin of its own, for bins that hold their lower end.
    """
    import numpy as np

    if reference.low is None or reference.high is None:
        return ()
    ends = (reference.low, *reference.values, reference.high)
    found = {float(one) for low, high in pairwise(ends) for one in np.linspace(low, high, FINE_PARTS + 1)}
    found.update(math.nextafter(one, math.inf) for one in (*repeated(ends), reference.high))
    return tuple(sorted(found))


def chart_edges(reference: QuantileNumbers, judged: QuantileNumbers) -> tuple[float, ...]:
    """Return edges of equal width that a chart has, the outermost included; none where there is no width.

    They span both tables, but no further than twice the stretch of the reference's middle beyond it: a few
    far values must not press all others into one bar.
    """
    import numpy as np

    lows = [one.low for one in (reference, judged) if one.low is not None]
    highs = [one.high for one in (reference, judged) if one.high is not None]
    if not lows or not highs:
        return ()
    low, high = min(lows), max(highs)
    if reference.values:
        first, last = reference.values[0], reference.values[-1]
        stretch = 2.0 * (last - first)
        if stretch > 0.0:
            low, high = max(low, first - stretch), min(high, last + stretch)
    if not math.isfinite(high - low) or high <= low:
        return ()
    edges = np.unique(np.linspace(low, high, SHOWN + 1))
    return tuple(float(one) for one in edges) if len(edges) == SHOWN + 1 else ()


def folded(fine: Sequence[float], rows: Sequence[int], edges: Sequence[float]) -> NDArray[np.float64]:
    """Add up rows of bins at `fine` edges into those at `edges`, which are among them."""
    import numpy as np

    place = np.searchsorted(np.asarray(edges, dtype=float), np.asarray(fine, dtype=float), side="right")
    found = np.zeros(len(edges) + 1)
    np.add.at(found, np.concatenate([[0], place]).astype(np.int64), np.asarray(rows, dtype=float))
    return found
