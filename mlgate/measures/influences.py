"""Metrics of scores and numbers that are smooth functions of means, by the influence of each row.

The influence is the derivative of the metric in the weight of a row; weighted, influences sum to zero over
the table. Their differences give the variance of a difference of two models on the same rows (`linearised`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from mlgate.cells import Cells
from mlgate.measures.metrics import Metric
from mlgate.measures.rates import POSITIVE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Influence: TypeAlias = "Callable[[Cells], Floats | None]"
"""From the cells of one model, all of which weigh something, to one number a cell; None where undefined."""


def influence_of(metric: Metric) -> Influence | None:
    """Return how the rows influence a metric; None for one that is no smooth function of means."""
    return _OF.get(metric.measure.id)


def _mean_of(loss: Callable[[Cells], Floats]) -> Influence:
    def influence(cells: Cells) -> Floats:
        return _centred(loss(cells), cells) / float(cells.w.sum())

    return influence


def _centred(values: Floats, cells: Cells) -> Floats:
    """Return values less their weighted mean."""
    found: Floats = values - float(values @ (cells.w / cells.w.sum()))
    return found


def _log_loss(cells: Cells) -> Floats:
    import numpy as np

    score, tiny = cells.roles["score"], float(np.finfo(np.float64).eps)
    own = score if cells.classes else np.where(cells.roles["label"] == POSITIVE, score, 1.0 - score)
    return np.asarray(-np.log(np.clip(own, tiny, 1.0 - tiny)), dtype=float)


def _brier(cells: Cells) -> Floats:
    score = cells.roles["score"]
    if "score_squares" in cells.roles:
        return cells.roles["score_squares"] - 2.0 * score + 1.0
    apart: Floats = (score - cells.roles["label"]) ** 2
    return apart


def _score(cells: Cells) -> Floats:
    return cells.roles["score"]


def _error(cells: Cells) -> Floats:
    found: Floats = cells.roles["prediction"] - cells.roles["label"]
    return found


def _absolute(cells: Cells) -> Floats:
    import numpy as np

    return np.abs(_error(cells))


def _relative(cells: Cells) -> Floats:
    import numpy as np

    found: Floats = np.abs(_error(cells)) / np.abs(cells.roles["label"])
    return found


def _square(cells: Cells) -> Floats:
    found: Floats = _error(cells) ** 2
    return found


def _rmse(cells: Cells) -> Floats | None:
    """Half the influence on the mean square, over its root; the root of 0 has no derivative."""
    import numpy as np

    size = float(np.average(_square(cells), weights=cells.w))
    if not size > 0.0:
        return None
    found: Floats = _centred(_square(cells), cells) / float(cells.w.sum()) / (2.0 * math.sqrt(size))
    return found


def _skill(loss: Floats, base: Floats, cells: Cells) -> Floats | None:
    """Influence on 1 - mean loss / mean loss of a constant, which is the best one and does not move it."""
    import numpy as np

    mean, least = (float(np.average(one, weights=cells.w)) for one in (loss, base))
    if not least > 0.0:
        return None
    total = float(cells.w.sum())
    found: Floats = (mean / least * _centred(base, cells) - _centred(loss, cells)) / least / total
    return found


def _r2(cells: Cells) -> Floats | None:
    return _skill(_square(cells), _from_mean(cells), cells)


def _from_mean(cells: Cells) -> Floats:
    found: Floats = _centred(cells.roles["label"], cells) ** 2
    return found


def _observed_expected(cells: Cells) -> Floats | None:
    import numpy as np

    label, score = cells.roles["label"], cells.roles["score"]
    expected = float(np.average(score, weights=cells.w))
    if not expected > 0.0:
        return None
    ratio = float(np.average(label, weights=cells.w)) / expected
    found: Floats = (label - ratio * score) / expected / float(cells.w.sum())
    return found


_OF: Mapping[str, Influence] = {
    "performance.log_loss": _mean_of(_log_loss),
    "performance.brier": _mean_of(_brier),
    "performance.mean_score": _mean_of(_score),
    "performance.mae": _mean_of(_absolute),
    "performance.mean_error": _mean_of(_error),
    "performance.mape": _mean_of(_relative),
    "performance.rmse": _rmse,
    "performance.r2": _r2,
    "performance.observed_expected": _observed_expected,
}
