"""Whether the scores of a binary model are the probabilities that they claim to be.

All of them need scores in [0, 1]. What scikit-learn has is scikit-learn's on the cells, with the sums of
weights as `sample_weight`; the rest says whose formula it is.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from mlgate.cells import Cells
from mlgate.estimates import Estimate, Interval
from mlgate.intervals import Mapped, Student, mean_of, moments
from mlgate.measures import measure
from mlgate.measures.binary import BINARY, counted, improbable, unusable
from mlgate.measures.bins import AverageGap, Binning, LargestGap, chart, reliability
from mlgate.measures.curves import ROUNDING, effective
from mlgate.measures.rates import NEGATIVE, POSITIVE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NEEDS = ("label", "score")

FIT_STEPS = 100
"""More Newton steps than a fit of two coefficients needs, where it exists."""

FIT_ROWS = 2
"""Rows that two coefficients use up: more, by Kish's n, must be there to say how sure they are."""


@measure(
    id="performance.log_loss",
    kind="estimate",
    unit="nat",
    better="lower",
    tasks=BINARY,
    needs=NEEDS,
    source="scikit-learn, log_loss",
)
def log_loss(cells: Cells) -> Estimate:
    """Mean of -log of the probability that the model gave to what happened, in nats.

    A score of exactly 0 or 1 that is wrong would cost infinitely much; as scikit-learn does, scores are
    cut to [eps, 1 - eps] with eps = 2.2e-16, so that it costs 36.04 nats. t interval of the mean from its
    moments; where every row costs the same, that of a share between nothing and the most that these scores
    could cost. Missing without rows or with scores outside [0, 1].
    """
    import numpy as np
    from sklearn import metrics

    seen = _probabilities(cells)
    if isinstance(seen, Estimate):
        return seen
    label, score = seen.roles["label"], seen.roles["score"]
    value = float(metrics.log_loss(label, score, sample_weight=seen.w, labels=[NEGATIVE, POSITIVE]))
    tiny = float(np.finfo(np.float64).eps)
    cut = np.clip(score, tiny, 1.0 - tiny)
    loss = -np.log(np.where(label == POSITIVE, cut, 1.0 - cut))
    interval = mean_of(loss, seen.w, seen.w2, lowest=0.0, highest=_most(cut))
    return _finite(value, seen, interval)


@measure(
    id="performance.brier",
    kind="estimate",
    unit="1",
    better="lower",
    tasks=BINARY,
    needs=NEEDS,
    source="scikit-learn, brier_score_loss; Brier 1950",
)
def brier(cells: Cells) -> Estimate:
    """Mean squared distance of score and outcome, in [0, 1].

    t interval of the mean from its moments, cut to [0, 1]; where every row is equally far off, that of a
    share. Missing without rows or with scores outside [0, 1].
    """
    from sklearn.metrics import brier_score_loss

    seen = _probabilities(cells)
    if isinstance(seen, Estimate):
        return seen
    label, score = seen.roles["label"], seen.roles["score"]
    value = float(brier_score_loss(label, score, sample_weight=seen.w, pos_label=POSITIVE))
    interval = mean_of((score - label) ** 2, seen.w, seen.w2, lowest=0.0, highest=1.0 + ROUNDING)
    return _finite(value, seen, interval)


@measure(
    id="performance.calibration_error",
    kind="estimate",
    unit="1",
    better="lower",
    tasks=BINARY,
    needs=NEEDS,
    source="Naeini, Cooper and Hauskrecht 2015; Guo, Pleiss, Sun and Weinberger 2017",
)
def calibration_error(
    cells: Cells,
    *,
    binning: Binning = "equal_width",
    n_bins: Annotated[int, Field(ge=2, le=100)] = 10,
    norm: Literal["l1", "max"] = "l1",
) -> Estimate:
    """Gap between mean score and share of positives in bins of the score of the positive class.

    `norm` l1 is the expected calibration error, the mean gap over the rows; max is the maximum calibration
    error, the largest gap of a bin. `binning` equal_width cuts [0, 1] at multiples of 1 / n_bins, a score
    on an edge belonging to the bin above; equal_mass gives each bin the same weight, and rows of one score
    stay together in the bin that holds their middle. Bins without rows do not count. (Cells keep no order
    of rows, so that a variant that splits ties in the order of the file cannot be had.)

    The binned error is too large on average, since noise is a gap too. The interval allows for it: its
    upper bound is MOVER's of the bins' Wilson intervals, which covers as the value only errs upwards; its
    lower bound takes off what the bins' noise can add, so that a calibrated model on few rows is not
    found guilty. For max, the largest bound over the bins, the lower one with Bonferroni's correction.
    Missing without rows or with scores outside [0, 1].
    """
    seen = _probabilities(cells)
    if isinstance(seen, Estimate):
        return seen
    bins = reliability(seen, binning, n_bins)
    interval = AverageGap(bins) if norm == "l1" else LargestGap(bins)
    return Estimate(value=interval.value, n=seen.rows, interval=interval, charts=(chart(bins),))


@measure(
    id="performance.calibration_slope",
    kind="estimate",
    unit="1",
    better="target",
    tasks=BINARY,
    needs=NEEDS,
    source="Cox 1958, Two further applications of a model for binary regression; Van Calster et al. 2019",
)
def calibration_slope(cells: Cells) -> Estimate:
    """Slope of a logistic regression of the label on the logit of the score; 1 is ideal.

    Below 1 the scores are too extreme, above 1 too timid. Maximum likelihood with an intercept; Wald's
    interval from the Fisher information, linearised for weights. Missing with one class, with scores
    outside [0, 1] or exactly 0 or 1 (their logit is infinite), with one distinct score, and when a score
    separates the classes (the slope is infinite).
    """
    seen = _probabilities(cells, classes=True)
    if isinstance(seen, Estimate):
        return seen
    reason = _no_slope(seen)
    if reason is not None:
        return Estimate.missing(reason, n=seen.rows)
    return _slope(seen)


@measure(
    id="performance.observed_expected",
    kind="estimate",
    unit="1",
    better="target",
    tasks=BINARY,
    needs=NEEDS,
    source="Debray et al. 2017, total O:E ratio (calibration in the large)",
)
def observed_expected(cells: Cells) -> Estimate:
    """Positives that there are, over positives that the scores promise: sum(label) / sum(score).

    1 is ideal; above 1 the model promises too few. The delta-method variance of the ratio, on Wilson's
    scale of the observed share. Missing without rows, with scores outside [0, 1], or when they are all 0.
    """
    seen = _probabilities(cells)
    if isinstance(seen, Estimate):
        return seen
    label, score = seen.roles["label"], seen.roles["score"]
    total = float(seen.w.sum())
    observed, expected = float(seen.w @ label) / total, float(seen.w @ score) / total
    if not expected > 0.0:
        return Estimate.missing("all scores are 0, so there is nothing to divide by", n=seen.rows)
    value = observed / expected
    left = moments(label - value * score, seen.w, seen.w2)
    kish = total * (total / float(seen.w2.sum()))
    variance = float(left.covariance[0, 0]) if left is not None else 0.0
    part = effective(observed, variance, least=kish, method="delta")
    return _finite(value, seen, Mapped(part, partial(_over, expected)))


def _probabilities(cells: Cells, *, classes: bool = False) -> Cells | Estimate:
    """Return the cells that count; an estimate that says why when the scores are no probabilities."""
    seen = counted(cells)
    reason = unusable(seen, classes=classes) or improbable(seen)
    return seen if reason is None else Estimate.missing(reason, n=seen.rows)


def _finite(value: float, cells: Cells, interval: Interval | None) -> Estimate:
    if not math.isfinite(value):
        return Estimate.missing(f"the value is {value}", n=cells.rows)
    return Estimate(value=value, n=cells.rows, interval=interval)


def _most(score: NDArray[np.float64]) -> float:
    """Return the largest loss that any of these scores could cost, and a little: means are rounded up too."""
    import numpy as np

    return float(-np.log(np.minimum(score, 1.0 - score).min())) * (1.0 + ROUNDING)


def _no_slope(cells: Cells) -> str | None:
    """Say why the logistic regression has no finite answer; None when it has (Albert and Anderson 1984)."""
    label, score = cells.roles["label"], cells.roles["score"]
    certain = int(cells.n[(score == 0.0) | (score == 1.0)].sum())
    if certain:
        return f"{certain} of {cells.rows} scores are exactly 0 or 1, and their logit is infinite"
    if score.min() == score.max():
        return "all rows have the same score, and a slope needs several"
    above, below = score[label == POSITIVE], score[label == NEGATIVE]
    if above.min() >= below.max() or below.min() >= above.max():
        return "one score separates the classes, so the slope is infinite"
    return None


def _slope(cells: Cells) -> Estimate:
    """Fit by maximum likelihood; the covariance is A^-1 B A^-1, which is A^-1 itself without weights."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    score = cells.roles["score"]
    logit = np.log(score) - np.log1p(-score)
    fit = LogisticRegression(C=math.inf, solver="newton-cholesky", tol=1e-12, max_iter=FIT_STEPS)
    fit.fit(logit[:, None], cells.roles["label"], sample_weight=cells.w)
    value = float(fit.coef_[0, 0])
    if fit.n_iter_[0] >= FIT_STEPS or not math.isfinite(value):
        return Estimate.missing("the logistic regression did not converge", n=cells.rows)
    chance = fit.predict_proba(logit[:, None])[:, 1]
    design = np.column_stack([np.ones_like(logit), logit])
    total = float(cells.w.sum())
    bread = np.linalg.inv(_information(design, cells.w / total, chance))
    covariance = bread @ _information(design, cells.w2 / total / total, chance) @ bread
    kish = total * (total / float(cells.w2.sum()))
    interval = Student(value=value, variance=float(covariance[1, 1]), n=kish, method="wald")
    return Estimate(value=value, n=cells.rows, interval=interval if kish > FIT_ROWS else None)


def _information(
    design: NDArray[np.float64], w: NDArray[np.float64], chance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the Fisher information of a logistic regression under the weights `w`, shape (2, 2)."""
    found: NDArray[np.float64] = design.T @ (design * (w * chance * (1.0 - chance))[:, None])
    return found


def _over(expected: float, share: float) -> float:
    return share / expected
