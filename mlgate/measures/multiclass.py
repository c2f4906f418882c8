"""Decisions among classes: label against prediction, whatever the number of classes.

A binary table is one of two classes here, `negative` and `positive`, whether or not both occur. The classes
of a multiclass table are those that occur as a label or as a prediction, as scikit-learn has it; rows of
weight 0 make no class occur.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgate.cells import Cells
from mlgate.estimates import Chart, Estimate
from mlgate.intervals import Behind, covariances, rows_behind
from mlgate.measures.binary import counted, unusable
from mlgate.measures.rates import NEGATIVE, POSITIVE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]

CLASSES = ("binary", "multiclass")
"""The tasks of measures of decisions."""

DRAWN = 14
"""The confusion of more classes than this is no picture."""

SIGNS = ("negative", "positive")
"""The classes of a binary table, in the order of their codes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decided:
    """Label and prediction of each cell, as places in the classes that occur. Made by `decided`.

    Arrays have one entry a cell; `w` and `w2` are shares of the total weight, so that they sum to 1 and do
    not overflow when they are squared.
    """

    classes: tuple[str, ...]
    label: Ints
    prediction: Ints
    rows: Ints
    w: Floats
    w2: Floats
    clusters: Ints | None
    positive: bool
    """Whether this is a binary table, whose second class is the positive one."""
    weights: Floats
    """Sums of weights as they came."""
    squares: Floats
    """Sums of squared weights as they came."""

    @property
    def total(self) -> int:
        """Rows."""
        return int(self.rows.sum())

    @property
    def right(self) -> Bools:
        """Which cells are decided right."""
        found: Bools = self.label == self.prediction
        return found

    @property
    def labelled(self) -> Floats:
        """The share of each class among the labels."""
        return self._shares(self.label)

    @property
    def predicted(self) -> Floats:
        """The share of each class among the predictions."""
        return self._shares(self.prediction)

    def counted(self, mask: Bools) -> int:
        """Return the rows of the cells where `mask` is true."""
        return int(self.rows[mask].sum())

    def behind(self, mask: Bools | None = None) -> Behind:
        """Return how much stands behind the cells where `mask` is true, or all."""
        at = slice(None) if mask is None else mask
        clusters = None if self.clusters is None else self.clusters[at]
        return rows_behind(self.w[at], self.w2[at], clusters)

    def spread(self, u: Floats) -> Floats:
        """Return the covariance of statistics with influences `u` in the shares `w`; see `covariances`."""
        return covariances(u, self.w, self.w2, self.clusters)

    def library(self, metric: Callable[..., Any], **fixed: Any) -> Any:
        """Call a function of scikit-learn `f(y_true, y_pred, *, sample_weight)` on places of classes."""
        return metric(self.label, self.prediction, sample_weight=self.weights, **fixed)

    def lacks(self) -> str | None:
        """Say that labels are of one class only; None when there are several."""
        import numpy as np

        labelled = np.unique(self.label)
        if len(labelled) > 1:
            return None
        if self.positive:
            return f"no row is labelled {SIGNS[1 - labelled[0]]}, and both classes are needed"
        return f"every row is labelled {self.classes[labelled[0]]}, and several classes are needed"

    def charts(self) -> tuple[Chart, ...]:
        """Return the confusion of labels and predictions in rows, for at most `DRAWN` classes."""
        import numpy as np

        size = len(self.classes)
        if size > DRAWN:
            return ()
        place = self.label * size + self.prediction
        rows = np.bincount(place, self.rows, minlength=size * size)
        weight = np.bincount(place, self.weights, minlength=size * size)
        order = range(size)[::-1] if self.positive else range(size)  # positive first
        pairs = [(label, prediction) for label in order for prediction in order]
        data: dict[str, tuple[float | str | None, ...]] = {
            "label": tuple(self.classes[label] for label, _ in pairs),
            "prediction": tuple(self.classes[prediction] for _, prediction in pairs),
            "rows": tuple(float(rows[label * size + prediction]) for label, prediction in pairs),
            "weight": tuple(float(weight[label * size + prediction]) for label, prediction in pairs),
        }
        return (Chart(kind="confusion", title="Rows by label and prediction", data=data),)

    def _shares(self, of: Ints) -> Floats:
        import numpy as np

        return np.bincount(of, self.w, minlength=len(self.classes)).astype(float)


def decided(cells: Cells) -> Decided | Estimate:
    """Read the decisions of a table; an estimate that says why where there are none to read."""
    import numpy as np

    seen = counted(cells)
    reason = unusable(seen)
    if reason is not None:
        return Estimate.missing(reason, n=seen.rows)
    names = seen.classes or SIGNS
    both = np.concatenate([seen.roles["label"], seen.roles["prediction"]])
    occur = both if seen.classes else np.concatenate([[NEGATIVE, POSITIVE], both])
    places = np.unique(occur)
    strange = [place for place in places.tolist() if place not in range(len(names))]
    if strange:
        return Estimate.missing(f"{strange[0]:g} is the code of none of {len(names)} classes", n=seen.rows)
    index = np.searchsorted(places, both)
    size, total = len(seen.w), float(seen.w.sum())
    return Decided(
        classes=tuple(names[int(place)] for place in places),
        label=index[:size],
        prediction=index[size:],
        rows=seen.n,
        w=seen.w / total,
        w2=seen.w2 / total / total,
        clusters=seen.clusters,
        positive=not seen.classes,
        weights=seen.w,
        squares=seen.w2,
    )
