"""How many rows have which number, in bars of equal width: data for a picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BARS = 40


def bars(values: NDArray[np.float64], rows: NDArray[np.int64]) -> dict[str, tuple[float, ...]] | None:
    """Return `low`, `high` and `rows` of each bar, from one finite value a cell and the cell's rows.

    None where there is nothing to cut into bars: no cells, or values too far apart or too near for numbers.
    """
    import numpy as np

    if len(values) == 0:
        return None
    low, high = float(values.min()), float(values.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    if not math.isfinite(high - low):
        return None
    edges = np.linspace(low, high, BARS + 1)
    if not (np.diff(edges) > 0.0).all():
        return None
    place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, BARS - 1)
    counted = np.bincount(place, weights=rows, minlength=BARS)
    return {
        "low": tuple(map(float, edges[:-1])),
        "high": tuple(map(float, edges[1:])),
        "rows": tuple(map(float, counted)),
    }
