"""How far the predictions of a regression lie from what happened.

Values are scikit-learn's on the cells, with the sums of weights as `sample_weight`. An error is
prediction - label. Means of errors have a t interval, what is made of mean squares the delta method on the
logarithmic scale (squares have a long tail, which a symmetric interval would cut), the median two order
statistics. Where all errors are equal, nothing tells how uncertain their mean is, and there is no interval.
All of them allow for rows that belong together.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from mlgate.cells import Cells
from mlgate.estimates import Chart, Estimate, Interval
from mlgate.intervals import Mapped, mean_of
from mlgate.intervals.log_ratio import log_ratio
from mlgate.intervals.quantile import order_statistics
from mlgate.measures import measure
from mlgate.measures.binary import counted, unusable
from mlgate.measures.residuals import histogram, residuals

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REGRESSION = ("regression",)
NEEDS = ("label", "prediction")
UNIT = "units of the label"

ALIKE = (
    "all rows that count are equally far off, or come from one row or cluster; nothing tells how uncertain "
    "the value is"
)
"""Why there is no interval, and perhaps a label among the features."""

LEAST = 1e-140
"""Differences that are all smaller have squares that a number cannot hold: they would count as none."""

ENDLESS = 700.0
"""The logarithm of a number that is as good as without end; bounds of two or three rows can lie there."""

VANISHING = "the squares of these differences are too small for a number; give the label in smaller units"

Metric = Callable[..., Any]
"""A function of scikit-learn: `f(y_true, y_pred, *, sample_weight)`."""


def _where_usable(of: Callable[[Cells], Estimate]) -> Callable[[Cells], Estimate]:
    """Let a measure see the cells that count; where nothing can be computed from them, say why instead."""

    @wraps(of)
    def measured(cells: Cells) -> Estimate:
        seen = usable(cells)
        return seen if isinstance(seen, Estimate) else of(seen)

    return measured


@measure(
    id="performance.mae",
    kind="estimate",
    unit=UNIT,
    better="lower",
    tasks=REGRESSION,
    needs=NEEDS,
    clusters=True,
    source="scikit-learn, mean_absolute_error",
)
@_where_usable
def mae(seen: Cells) -> Estimate:
    """Mean absolute error: mean of abs(prediction - label).

    t interval of the mean, not below 0. Where a few errors are far larger than the rest, few rows rarely show
    them: of exponential errors the upper bound at 95 % lies too low in 15 % of tables of 20 rows, in 7 to 8 %
    of 300. Missing without rows.
    """
    import numpy as np
    from sklearn.metrics import mean_absolute_error

    interval = mean_of(np.abs(_error(seen)), seen.w, seen.w2, lowest=0.0, clusters=seen.clusters)
    return _estimate(seen, mean_absolute_error, interval, charts=histogram)


@measure(
    id="performance.mean_error",
    kind="estimate",
    unit=UNIT,
    better="target",
    tasks=REGRESSION,
    needs=NEEDS,
    clusters=True,
    source="mean of prediction - label; the bias of forecast verification (Jolliffe and Stephenson 2012)",
)
@_where_usable
def mean_error(seen: Cells) -> Estimate:
    """Mean of prediction - label: above 0 the model predicts too much on average; 0 is ideal.

    t interval of the mean. Missing without rows.
    """
    import numpy as np

    def bias(label: Any, prediction: Any, *, sample_weight: Any) -> float:
        return float(np.average(prediction - label, weights=sample_weight))

    return _estimate(seen, bias, mean_of(_error(seen), seen.w, seen.w2, clusters=seen.clusters))


@measure(
    id="performance.mape",
    kind="estimate",
    unit="1",
    better="lower",
    tasks=REGRESSION,
    needs=NEEDS,
    clusters=True,
    source="scikit-learn, mean_absolute_percentage_error, where no label is 0",
)
@_where_usable
def mape(seen: Cells) -> Estimate:
    """Mean of abs(prediction - label) / abs(label): 0.1 means off by a tenth of the label on average.

    t interval of the mean, not below 0. Missing without rows, and when a label is 0 (or nearer to it than
    2.2e-16), where an error relative to it is infinite: scikit-learn divides by 2.2e-16 instead, and one such
    row makes its value astronomically large.
    """
    import numpy as np
    from sklearn.metrics import mean_absolute_percentage_error

    size = np.abs(seen.roles["label"])
    zeros = int(seen.n[size < np.finfo(np.float64).eps].sum())
    if zeros:
        reason = f"{zeros} of {seen.rows} labels are 0, and no error is relative to 0; judge MAE instead"
        return Estimate.missing(reason, n=seen.rows)
    with np.errstate(over="ignore"):  # what overflows is not finite, which is seen below
        relative = np.abs(_error(seen)) / size
    interval = mean_of(relative, seen.w, seen.w2, lowest=0.0, clusters=seen.clusters)
    return _estimate(seen, mean_absolute_percentage_error, interval)


@measure(
    id="performance.rmse",
    kind="estimate",
    unit=UNIT,
    better="lower",
    tasks=REGRESSION,
    needs=NEEDS,
    clusters=True,
    source="scikit-learn, root_mean_squared_error",
)
@_where_usable
def rmse(seen: Cells) -> Estimate:
    """Root of the mean squared error: large errors count more than in MAE.

    The delta method on the logarithm of the mean square, which keeps the bounds above 0 and reaches further
    up than down, as squares do. Few very large errors make any such interval too short: look at the
    histogram of errors. Missing without rows, and with errors too small to be squared.
    """
    import numpy as np
    from sklearn.metrics import root_mean_squared_error

    if vanishing(_error(seen)):
        return Estimate.missing(VANISHING, n=seen.rows)
    with np.errstate(over="ignore", under="ignore"):  # what overflows is not finite, which is seen below
        found = log_ratio(_error(seen) ** 2, 1.0, seen.w, seen.w2, clusters=seen.clusters)
    interval = None if found is None else Mapped(found, _root)
    return _estimate(seen, root_mean_squared_error, interval, charts=residuals)


@measure(
    id="performance.r2",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=REGRESSION,
    needs=NEEDS,
    clusters=True,
    source="scikit-learn, r2_score",
)
@_where_usable
def r2(seen: Cells) -> Estimate:
    """Coefficient of determination: 1 - mean squared error / variance of the label; at most 1.

    0 is what always predicting the mean of these labels would reach; worse models are below 0. The delta
    method on the logarithm of the ratio of both means, over the same rows, so that the bounds stay below 1.
    Where a few errors are far larger than the rest the lower bound at 95 % lies too high more often than it
    says: of exponential errors in 14 % of tables of 20 rows, in 8 % of 300.
    Missing without rows, when all labels are equal (scikit-learn says 0 or 1 there), and when they lie too
    close together to be squared.
    """
    import numpy as np
    from sklearn.metrics import r2_score

    label = seen.roles["label"]
    if label.min() == label.max():
        return Estimate.missing("all labels are equal, so there is nothing to explain", n=seen.rows)
    if vanishing(label - label.min()):
        return Estimate.missing(VANISHING, n=seen.rows)
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is not finite, which is seen below
        apart = (label - np.average(label, weights=seen.w)) ** 2
        found = log_ratio(_error(seen) ** 2, apart, seen.w, seen.w2, clusters=seen.clusters)
    return _estimate(seen, r2_score, None if found is None else Mapped(found, skill_of))


@measure(
    id="performance.median_absolute_error",
    kind="estimate",
    unit=UNIT,
    better="lower",
    tasks=REGRESSION,
    needs=NEEDS,
    clusters=True,
    source="scikit-learn, median_absolute_error",
)
@_where_usable
def median_absolute_error(seen: Cells) -> Estimate:
    """Median of abs(prediction - label): half of the rows are off by more; outliers do not move it.

    The interval lies between two order statistics, whatever the distribution of errors, and reaches to the
    next distinct error at least. Missing without rows.
    """
    import numpy as np
    from sklearn import metrics

    size = np.abs(_error(seen))
    value = float(
        metrics.median_absolute_error(seen.roles["label"], seen.roles["prediction"], sample_weight=seen.w)
    )
    interval = order_statistics(value, size, seen.w, seen.w2, clusters=seen.clusters, lowest=0.0)
    return _finite(seen, value, interval)


@measure(
    id="performance.max_error",
    kind="fact",
    unit=UNIT,
    better="lower",
    tasks=REGRESSION,
    needs=NEEDS,
    source="scikit-learn, max_error",
)
@_where_usable
def max_error(seen: Cells) -> Estimate:
    """Largest abs(prediction - label) of any row that weighs something.

    A fact about these rows, compared as it is: more rows can only make it larger. Missing without rows.
    """
    from sklearn import metrics

    value = float(metrics.max_error(seen.roles["label"], seen.roles["prediction"]))
    return Estimate(value=value, n=seen.rows)


def usable(cells: Cells) -> Cells | Estimate:
    """Return the cells that count; an estimate that says why when nothing can be computed from them."""
    import numpy as np

    seen = counted(cells)
    reason = unusable(seen)
    if reason is None:
        with np.errstate(over="ignore"):
            endless = int(seen.n[~np.isfinite(_error(seen))].sum())
        if endless:
            reason = f"{endless} of {seen.rows} errors are too large for a number"
    return seen if reason is None else Estimate.missing(reason, n=seen.rows)


def vanishing(differences: NDArray[np.float64]) -> bool:
    """Whether there are differences, and the squares of all of them are too small for a number."""
    import numpy as np

    return 0.0 < float(np.abs(differences).max()) < LEAST


def skill_of(log_of_ratio: float) -> float:
    """Return 1 - loss / loss of reference, from the logarithm of the ratio."""
    return -math.expm1(min(log_of_ratio, ENDLESS))


def _root(log_of_square: float) -> float:
    return math.exp(min(log_of_square / 2.0, ENDLESS))


def _error(cells: Cells) -> NDArray[np.float64]:
    found: NDArray[np.float64] = cells.roles["prediction"] - cells.roles["label"]
    return found


def _estimate(
    cells: Cells,
    metric: Metric,
    interval: Interval | None,
    *,
    charts: Callable[[Cells], tuple[Chart, ...]] | None = None,
) -> Estimate:
    """Let scikit-learn compute the value of what is known to be defined."""
    import numpy as np

    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is not finite, which is seen below
        value = float(metric(cells.roles["label"], cells.roles["prediction"], sample_weight=cells.w))
    return _finite(cells, value, interval, charts=charts)


def _finite(
    cells: Cells,
    value: float,
    interval: Interval | None,
    *,
    charts: Callable[[Cells], tuple[Chart, ...]] | None = None,
) -> Estimate:
    """Return the estimate, and why it has no interval; missing where the value is no number."""
    if not math.isfinite(value):
        return Estimate.missing(f"the value is {value}", n=cells.rows)
    drawn = () if charts is None else charts(cells)
    reason = ALIKE if interval is None else None
    return Estimate(value=value, n=cells.rows, interval=interval, reason=reason, charts=drawn)
