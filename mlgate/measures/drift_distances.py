"""How far two distributions lie apart: from rows in bins, and from values with their rows.

All are vectorised over the leading axes, so that thousands of draws cost one call; where a table has no rows
they are NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows: TypeAlias = NDArray[np.float64]
    """Rows of each bin, of shape (..., bins)."""
    Distance: TypeAlias = Callable[[Rows, Rows], NDArray[np.float64]]
    """From the rows of the reference and of the judged table to one number for each leading index."""

FLOOR = 1e-4
"""Shares below this count as this much in the population stability index, which has a logarithm of them."""


def psi(reference: Rows, judged: Rows) -> NDArray[np.float64]:
    """Return the population stability index, sum of (q - p) ln(q / p); shares are at least `FLOOR`."""
    import numpy as np

    p = np.maximum(_shares(reference), FLOOR)
    q = np.maximum(_shares(judged), FLOOR)
    found: NDArray[np.float64] = ((q - p) * np.log(q / p)).sum(axis=-1)
    return found


def jensen_shannon(reference: Rows, judged: Rows) -> NDArray[np.float64]:
    """Return the square root of the Jensen-Shannon divergence in bits (Endres and Schindelin 2003)."""
    import numpy as np

    p, q = _shares(reference), _shares(judged)
    middle = (p + q) / 2.0
    found: NDArray[np.float64] = np.sqrt(np.maximum((_relative(p, middle) + _relative(q, middle)) / 2.0, 0.0))
    return found


def cramers_v(reference: Rows, judged: Rows) -> NDArray[np.float64]:
    """Return sqrt(chi2 / n) of the two-sample test, n being all rows: Cramer's V of value and table."""
    import numpy as np

    rows = reference + judged
    there = np.where(rows > 0.0, rows, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = reference**2 / (there * reference.sum(axis=-1, keepdims=True))
        spread = spread + judged**2 / (there * judged.sum(axis=-1, keepdims=True))
    found: NDArray[np.float64] = np.sqrt(np.maximum(spread.sum(axis=-1) - 1.0, 0.0))
    return found


def kolmogorov_smirnov(reference: Rows, judged: Rows) -> NDArray[np.float64]:
    """Return the largest distance of the two distribution functions; bins are values in rising order."""
    import numpy as np

    found: NDArray[np.float64] = np.abs(_below(reference) - _below(judged)).max(axis=-1, initial=0.0)
    return found


def wasserstein(values: NDArray[np.float64]) -> Distance:
    """Return the function for rows at these rising values: the area between the distribution functions.

    It is divided by the standard deviation of the reference (the root of the mean squared deviation); NaN
    where that is 0.
    """
    import numpy as np

    # Relative to their spread, so that no square is larger than a float.
    scale = float(max(np.ptp(values), np.finfo(float).tiny)) if len(values) else 1.0
    at = (values - values[:1]) / scale
    gaps = np.diff(at)

    def distance(reference: Rows, judged: Rows) -> NDArray[np.float64]:
        area = (np.abs(_below(reference) - _below(judged))[..., :-1] * gaps).sum(axis=-1)
        shares = _shares(reference)
        middle = (shares * at).sum(axis=-1, keepdims=True)
        sd = np.sqrt((shares * (at - middle) ** 2).sum(axis=-1))
        found: NDArray[np.float64] = area / np.where(sd > 0.0, sd, np.nan)
        return found

    return distance


def _shares(rows: Rows) -> Rows:
    import numpy as np

    total = rows.sum(axis=-1, keepdims=True)
    found: Rows = rows / np.where(total > 0.0, total, np.nan)
    return found


def _below(rows: Rows) -> Rows:
    """Return the share of rows in each bin and those before it."""
    import numpy as np

    found: Rows = np.cumsum(_shares(rows), axis=-1)
    return found


def _relative(p: Rows, middle: Rows) -> NDArray[np.float64]:
    """Return sum p log2(p / middle), where what has no rows adds nothing."""
    import numpy as np

    there = p > 0.0
    ratio = np.where(there, p, 1.0) / np.where(there, middle, 1.0)
    found: NDArray[np.float64] = np.where(there | np.isnan(p), p * np.log2(ratio), 0.0).sum(axis=-1)
    return found
