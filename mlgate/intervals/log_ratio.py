"""The ratio of two means over the same rows, on the logarithmic scale."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mlgate.intervals.means import Student, moments
from mlgate.intervals.proportions import CLUSTERS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

CERTAIN = 1e-13
"""A standard error of a logarithm that is no more than this is rounding."""


def log_ratio(
    a: ArrayLike,
    b: ArrayLike | float,
    w: ArrayLike,
    w2: ArrayLike,
    *,
    clusters: NDArray[np.int64] | None = None,
) -> Student | None:
    """Return the delta-method t interval of log(mean of a / mean of b), one value a cell; see `moments`.

    For means of losses, which are not negative and have a long tail to the right: there a symmetric interval
    of the mean is too short above, and reaches below 0. The variance is that of a / mean(a) - b / mean(b),
    which knows that good and bad rows are the same ones in both. Where the two losses are proportional, row
    by row (a model that always says the mean, against the mean), that is 0 and no interval; the two means are
    then taken as independent, which is wider. None when either mean is not above 0, and when nothing varies.
    """
    import numpy as np

    first = np.asarray(a, dtype=float)
    second = np.broadcast_to(np.asarray(b, dtype=float), first.shape)
    means = moments(np.stack([first, second]), w, w2)
    if means is None or not bool((means.means > 0.0).all()):
        return None
    upper, lower = (float(mean) for mean in means.means)
    parts = np.stack([first / upper - second / lower, first / upper, second / lower])
    found = moments(parts, w, w2, clusters=clusters)
    value = math.log(upper) - math.log(lower)
    if found is None or not math.isfinite(value):
        return None
    together, alone = float(found.covariance[0, 0]), float(np.trace(found.covariance[1:, 1:]))
    variance = together if together > CERTAIN**2 else alone
    if not CERTAIN**2 < variance < math.inf:
        return None
    method = "delta" if clusters is None else f"delta, {CLUSTERS}"
    return Student(value=value, variance=variance, n=found.n, method=method)
