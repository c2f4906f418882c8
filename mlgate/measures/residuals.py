"""Pictures of a regression's errors: where along the predictions they lie, and how they are spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlgate.cells import Cells
from mlgate.estimates import Chart
from mlgate.measures.histogram import bars

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BINS = 20
"""Of the predictions, each with about the same weight."""

LOW, HIGH = 0.1, 0.9
"""The share of a bin's weight below its lower and its upper line."""


def residuals(cells: Cells) -> tuple[Chart, ...]:
    """Return the mean error, and the middle four fifths of errors, by bins of the prediction.

    An error is prediction - label. Rows of one prediction stay together, in the bin that holds their middle.
    """
    import numpy as np

    distinct, place = np.unique(cells.roles["prediction"], return_inverse=True)
    weight = np.bincount(place, weights=cells.w, minlength=len(distinct))
    middle = (np.cumsum(weight) - weight / 2.0) / weight.sum()
    bins = np.minimum((middle * BINS).astype(int), BINS - 1)[place]
    order = np.argsort(bins, kind="stable")
    cuts = np.flatnonzero(np.diff(bins[order])) + 1
    lines = [_bin(cells.take(one)) for one in np.split(order, cuts)]
    names = ("low", "high", "rows", "mean", "lower", "upper")
    return (
        Chart(
            kind="residuals",
            title="Mean error (prediction - label) by prediction, with the middle 80 % of rows",
            data=dict(zip(names, zip(*lines, strict=True), strict=True)),
        ),
    )


def _bin(cells: Cells) -> tuple[float, ...]:
    """Return lowest and highest prediction, rows, and mean, lower and upper error of one bin."""
    prediction = cells.roles["prediction"]
    error = prediction - cells.roles["label"]
    return (
        float(prediction.min()),
        float(prediction.max()),
        float(cells.rows),
        float(error @ (cells.w / cells.w.sum())),
        _quantile(error, cells.w, LOW),
        _quantile(error, cells.w, HIGH),
    )


def histogram(cells: Cells) -> tuple[Chart, ...]:
    """Return how many rows have which error (prediction - label); nothing where no bars can be cut."""
    found = bars(cells.roles["prediction"] - cells.roles["label"], cells.n)
    title = "Errors (prediction - label)"
    return () if found is None else (Chart(kind="histogram", title=title, data=found),)


def _quantile(values: NDArray[np.float64], w: NDArray[np.float64], level: float) -> float:
    """Return the smallest value up to which lies at least the share `level` of the weight."""
    import numpy as np

    order = np.argsort(values, kind="stable")
    upto = np.cumsum(w[order])
    place = int(np.searchsorted(upto, level * upto[-1] * (1.0 - 1e-12), side="left"))
    return float(values[order[min(place, len(order) - 1)]])
