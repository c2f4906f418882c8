"""Pictures of scores: curves, and how many rows have which score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlgate.cells import Cells
from mlgate.estimates import Chart
from mlgate.measures.rates import POSITIVE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHART_POINTS = 200
"""A picture has at most so many points."""

HISTOGRAM_BINS = 20


def thinned(kind: str, title: str, **series: NDArray[np.float64]) -> Chart:
    """Return the points of a curve as data for a picture; of many, evenly spaced ones and both ends."""
    import numpy as np

    length = len(next(iter(series.values())))
    keep = np.unique(np.linspace(0, length - 1, min(length, CHART_POINTS)).round().astype(int))
    return Chart(
        kind=kind,
        title=title,
        data={name: tuple(map(float, values[keep])) for name, values in series.items()},
    )


def score_histogram(cells: Cells) -> Chart:
    """Return how many positives and negatives have which score, in bins of equal width.

    Over [0, 1], or from the lowest to the highest score where one lies outside.
    """
    import numpy as np

    score, label = cells.roles["score"], cells.roles["label"]
    low, high = float(score.min()), float(score.max())
    if low >= 0.0 and high <= 1.0:
        low, high = 0.0, 1.0
    edges = low + (high - low) * (np.arange(HISTOGRAM_BINS + 1) / HISTOGRAM_BINS)
    edges[-1] = high
    place = np.clip(np.searchsorted(edges, score, side="right") - 1, 0, HISTOGRAM_BINS - 1)
    groups = ("positive", label == POSITIVE), ("negative", label != POSITIVE)
    rows = [np.bincount(place[mine], cells.n[mine], minlength=HISTOGRAM_BINS) for _, mine in groups]
    return Chart(
        kind="score-histogram",
        title="Rows by score and label",
        data={
            "low": tuple(map(float, edges[:-1])) * len(groups),
            "high": tuple(map(float, edges[1:])) * len(groups),
            "rows": tuple(float(count) for counts in rows for count in counts),
            "group": tuple(name for name, _ in groups for _ in range(HISTOGRAM_BINS)),
        },
    )
