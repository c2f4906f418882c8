"""How much better a model is than one that looks at nothing and always says the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from mlgate.cells import Answers, Cells, Columns, Counts, Statistic
from mlgate.errors import EvidenceError, PolicyError
from mlgate.estimates import Estimate, GroupEstimate, Interval
from mlgate.intervals import Mapped, MoverRatio, clustered_share
from mlgate.intervals.log_ratio import log_ratio
from mlgate.measures import measure
from mlgate.measures.binary import counted, improbable, unusable
from mlgate.measures.rates import NEGATIVE, POSITIVE
from mlgate.measures.regression import ALIKE, VANISHING, skill_of, vanishing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Loss = Literal["accuracy", "log-loss", "mae", "mse"]

CLASSES = ("binary", "multiclass")

OF: Mapping[Loss, tuple[tuple[str, ...], str]] = {
    "accuracy": (CLASSES, "prediction"),
    "log-loss": (CLASSES, "score"),
    "mae": (("regression",), "prediction"),
    "mse": (("regression",), "prediction"),
}
"""The tasks that each is for, and the role beside the label that it needs."""


@measure(
    id="performance.versus_dummy",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=("binary", "multiclass", "regression"),
    needs=("label",),
    clusters=True,
    source="skill score (Murphy 1988); scikit-learn, d2_log_loss_score, d2_absolute_error_score, r2_score",
)
class VersusDummy:
    """Skill: 1 - loss of the model / loss of the best constant prediction; 1 is perfect, 0 no better.

    `metric` says which loss, and so which constant is best: accuracy (share of wrong decisions, against
    always giving the commonest class), log-loss (against always stating the classes' shares: McFadden's R2),
    mae (against the median) or mse (against the mean: R2). By default accuracy, and mae for a regression.

    The constant is taken from the labels of the table that is judged, by scikit-learn's dummies, so no
    constant could have done better there. The delta method on the logarithm of the ratio of both losses over
    the same rows; where no decision is wrong, MOVER's ratio of both shares. Missing without rows, when all
    labels are equal (the constant makes no error), and with scores outside [0, 1].
    """

    def __init__(self, *, metric: Loss | None = None) -> None:
        """Declare the parameter: the loss."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for label and prediction, or label and score; an error when the metric is not for the task."""
        metric: Loss = params["metric"] or ("mae" if columns.task == "regression" else "accuracy")
        tasks, role = OF[metric]
        if columns.task not in tasks:
            fit = [name for name, (others, _) in OF.items() if columns.task in others]
            where = "params of performance.versus_dummy: metric"
            what = f"{metric} is not for the task {columns.task}"
            raise PolicyError(where, what, f"use {' or '.join(fit)}")
        if not columns.has(role):
            what = f"versus-dummy by {metric} needs it, and the release names no column for it"
            raise EvidenceError(f"role {role}", what, f"add `{role}` under `columns:`, or use another metric")
        return [Counts(roles=("label", role), clustered=columns.cluster is not None)]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Compare the two losses."""
        (asked,) = cells.of
        seen = counted(cells.get(asked, Cells))
        reason = _unfit(seen)
        if reason is not None:
            return Estimate.missing(reason, n=seen.rows)
        if "score" in seen.roles:
            return _log_loss(seen)
        if params["metric"] == "mse":
            return _mse(seen)
        # With labels and predictions of 0 and 1, wrong decisions and absolute errors are the same numbers.
        decided = bool(seen.classes) or params["metric"] == "accuracy" or _of_two_values(seen)
        return _accuracy(seen) if decided else _mae(seen)


def _unfit(cells: Cells) -> str | None:
    """Say why there is nothing to compare, or None."""
    reason = unusable(cells)
    if reason is None and "score" in cells.roles:
        reason = improbable(cells)
    if reason is not None:
        return reason
    if cells.roles["label"].min() == cells.roles["label"].max():
        return "all labels are equal, so the best constant makes no error to compare with"
    return None


def _of_two_values(cells: Cells) -> bool:
    import numpy as np

    return all(
        bool(np.isin(cells.roles[role], (NEGATIVE, POSITIVE)).all()) for role in ("label", "prediction")
    )


def _accuracy(cells: Cells) -> Estimate:
    """Share of wrong decisions, against that of the commonest class."""
    import numpy as np
    from sklearn.dummy import DummyClassifier
    from sklearn.metrics import zero_one_loss

    label, nothing = cells.roles["label"], np.zeros((len(cells.w), 1))
    dummy = DummyClassifier(strategy="most_frequent").fit(nothing, label, sample_weight=cells.w)
    constant = dummy.predict(nothing)
    losses = [
        float(zero_one_loss(label, said, sample_weight=cells.w))
        for said in (cells.roles["prediction"], constant)
    ]
    wrong, missed = cells.roles["prediction"] != label, constant != label
    interval: Interval | None = _interval(cells, wrong.astype(float), missed.astype(float))
    if not wrong.any():
        every = np.ones(len(cells.w), dtype=bool)
        shares = [clustered_share(one, every, cells.w, cells.w2, cells.clusters) for one in (wrong, missed)]
        error, base = shares[0].interval, shares[1].wilson
        interval = None if error is None or base is None else Mapped(MoverRatio(error, base), _rest)
    return _skill(cells, 1.0 - losses[0] / losses[1], losses, "always giving the commonest class", interval)


def _log_loss(cells: Cells) -> Estimate:
    """Log loss, against that of stating each class's share."""
    import numpy as np
    from sklearn.dummy import DummyClassifier
    from sklearn.metrics import log_loss

    label, score = cells.roles["label"], cells.roles["score"]
    own = score if cells.classes else np.where(label == POSITIVE, score, 1.0 - score)
    dummy = DummyClassifier(strategy="prior").fit(np.zeros((len(label), 1)), label, sample_weight=cells.w)
    share = dummy.class_prior_[np.searchsorted(dummy.classes_, label)]
    happened = np.ones(len(label))
    losses = [
        float(log_loss(happened, one, sample_weight=cells.w, labels=[NEGATIVE, POSITIVE]))
        for one in (own, share)
    ]
    tiny = float(np.finfo(np.float64).eps)
    spent = [-np.log(np.clip(one, tiny, 1.0 - tiny)) for one in (own, share)]
    interval = _interval(cells, *spent)
    return _skill(cells, 1.0 - losses[0] / losses[1], losses, "always stating the classes' shares", interval)


def _mae(cells: Cells) -> Estimate:
    """Mean absolute error, against that of the median."""
    import numpy as np
    from sklearn.dummy import DummyRegressor
    from sklearn.metrics import d2_absolute_error_score

    return _regression(
        cells, d2_absolute_error_score, DummyRegressor(strategy="median"), np.abs, "the median"
    )


def _mse(cells: Cells) -> Estimate:
    """Mean squared error, against that of the mean."""
    import numpy as np
    from sklearn.dummy import DummyRegressor
    from sklearn.metrics import r2_score

    label = cells.roles["label"]
    if vanishing(label - label.min()):
        return Estimate.missing(VANISHING, n=cells.rows)
    return _regression(cells, r2_score, DummyRegressor(strategy="mean"), np.square, "the mean")


def _regression(
    cells: Cells,
    metric: Callable[..., Any],
    dummy: Any,
    loss: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    constant: str,
) -> Estimate:
    import numpy as np

    label, prediction, nothing = cells.roles["label"], cells.roles["prediction"], np.zeros((len(cells.w), 1))
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is not finite, and is missing
        said = dummy.fit(nothing, label, sample_weight=cells.w).predict(nothing)
        spent = loss(prediction - label), loss(said - label)
        losses = [float(np.average(one, weights=cells.w)) for one in spent]
        value = float(metric(label, prediction, sample_weight=cells.w))
    return _skill(cells, value, losses, f"always saying {constant}", _interval(cells, *spent))


def _interval(cells: Cells, model: NDArray[np.float64], dummy: NDArray[np.float64]) -> Mapped | None:
    """Return the interval of 1 - mean(model) / mean(dummy), one loss a cell."""
    found = log_ratio(model, dummy, cells.w, cells.w2, clusters=cells.clusters)
    return None if found is None else Mapped(found, skill_of)


def _skill(
    cells: Cells, value: float, losses: Sequence[float], constant: str, interval: Interval | None
) -> Estimate:
    """Return the estimate, with both losses as its table."""
    if not math.isfinite(value):
        return Estimate.missing(f"the value is {value}", n=cells.rows)
    groups = tuple(
        GroupEstimate(group={"prediction": name}, n=cells.rows, value=loss)
        for name, loss in zip(("the model", constant), losses, strict=True)
    )
    reason = ALIKE if interval is None else None
    return Estimate(value=value, n=cells.rows, interval=interval, reason=reason, groups=groups)


def _rest(share: float) -> float:
    return 1.0 - share
