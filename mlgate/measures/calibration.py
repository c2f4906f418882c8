"""Whether scores are the probabilities that they claim to be.

All of them need scores in [0, 1]. Means of losses are scikit-learn's, to which property tests hold them:
its own functions would look up every row's class first, which takes fifteen times as long, and they want
all probabilities of a row where the one of its own class is what counts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from mlgate.cells import SCORE_BINS, TOP, Answers, Cells, Columns, Counts, ScoreSum, Statistic
from mlgate.errors import PolicyError
from mlgate.estimates import Chart, Estimate
from mlgate.intervals import MIN_CLUSTERS, Mapped, Part, Student, covariances, rows_behind
from mlgate.intervals.proportions import CLUSTERS
from mlgate.measures import measure, over_rows
from mlgate.measures.binary import BINARY, counted, improbable, unusable
from mlgate.measures.bins import AverageGap, Binning, LargestGap, chart, reliability
from mlgate.measures.effective import ROUNDING, effective
from mlgate.measures.one_vs_rest import TASKS, Found, estimated
from mlgate.measures.rates import NEGATIVE, POSITIVE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mlgate.measures.over_rows import OverRows

NEEDS = ("label", "score")

HALF = 0.5
"""The likelier of two classes has at least this probability."""

FIT_STEPS = 100
"""More Newton steps than a fit of two coefficients needs, where it exists."""

FIT_ROWS = 2
"""Rows that two coefficients use up: more, by Kish's n, must be there to say how sure they are."""


@measure(
    id="performance.log_loss",
    kind="estimate",
    unit="nat",
    better="lower",
    tasks=TASKS,
    needs=NEEDS,
    clusters=True,
    bins=("log_loss",),
    source="scikit-learn, log_loss",
)
def log_loss(cells: Cells) -> Estimate:
    """Mean of -log of the probability that the model gave to what happened, in nats.

    A probability of exactly 0 for what happened would cost infinitely much; as scikit-learn does,
    probabilities are cut to [eps, 1 - eps] with eps = 2.2e-16, so that it costs 36.04 nats. Of several
    classes it is that of the row's own class, as written: others of the row do not count. t interval of the
    mean from its moments; where every row costs the same, that of a share between nothing and the most that
    these scores could cost. Missing without rows or with scores outside [0, 1].
    """
    import numpy as np

    seen = _probabilities(cells)
    if isinstance(seen, Estimate):
        return seen
    known = over_rows.summed(seen, "log_loss")
    if known is not None:
        return _mean(known, seen, _most(seen))
    own = seen.roles["score"] if seen.classes else _given(seen)
    tiny = float(np.finfo(np.float64).eps)
    cut = np.clip(own, tiny, 1.0 - tiny)
    most = -math.log(tiny) * (1.0 + ROUNDING) if seen.classes else _most(seen)
    return _mean(-np.log(cut), seen, most)


@measure(
    id="performance.brier",
    kind="estimate",
    unit="1",
    better="lower",
    tasks=TASKS,
    needs=NEEDS,
    clusters=True,
    source="scikit-learn, brier_score_loss; Brier 1950",
)
class Brier:
    """Mean squared distance of probabilities and outcome, in [0, 1]; of several classes in [0, 2].

    Of several classes the squared distances of all classes are added up, Brier's own form, in which a
    binary table would get twice as much: scikit-learn's convention. t interval of the mean from its
    moments, cut to the range; where every row is equally far off, that of a share. Missing without rows or
    with scores outside [0, 1].
    """

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for label and score; of several classes for the own class's score and the sum of squares."""
        del params
        clustered = columns.cluster is not None
        if columns.task != "binary":
            return [Counts(roles=("score", "score_squares"), clustered=clustered)]
        sums: tuple[ScoreSum, ...] | None = None if clustered else ("squared_error",)
        return [Counts(roles=("label", "score"), clustered=clustered, binned=sums)]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the mean distance."""
        import numpy as np

        del params
        (counts,) = (one for one in cells.of if isinstance(one, Counts))
        seen = _probabilities(cells.cells(counts))
        if isinstance(seen, Estimate):
            return seen
        known = over_rows.summed(seen, "squared_error")
        if known is not None:
            return _mean(known, seen, 1.0 + ROUNDING)
        score = seen.roles["score"]
        if "score_squares" not in seen.roles:
            return _mean((score - seen.roles["label"]) ** 2, seen, 1.0 + ROUNDING)
        apart = np.maximum(seen.roles["score_squares"] - 2.0 * score + 1.0, 0.0)
        return _mean(apart, seen, max(float(apart.max()), 2.0) * (1.0 + ROUNDING))


@measure(
    id="performance.calibration_error",
    kind="estimate",
    unit="1",
    better="lower",
    tasks=TASKS,
    needs=NEEDS,
    clusters=True,
    source="Naeini, Cooper and Hauskrecht 2015; Guo, Pleiss, Sun and Weinberger 2017",
)
class CalibrationError:
    """Gap between mean score and share of rows for which it came true, in bins of the score.

    `of` positive takes the score of the positive class and the share of positives; top takes the
    probability of the likelier class and how often it is right, which is what there is of several classes.
    `norm` l1 is the expected calibration error, the mean gap over the rows; max is the maximum calibration
    error, the largest gap of a bin. `binning` equal_width cuts [0, 1] at multiples of 1 / n_bins, a score
    on an edge belonging to the bin above; equal_mass gives each bin the same weight, and rows of one score
    stay together in the bin that holds their middle. Bins without rows do not count. (Cells keep no order
    of rows, so that a variant that splits ties in the order of the file cannot be had.)

    The binned error is too large on average, since noise is a gap too. The interval allows for it: its
    upper bound is MOVER's of the bins' Wilson intervals, which covers as the value only errs upwards; its
    lower bound takes off what the bins' noise can add, so that a calibrated model on few rows is not
    found guilty. For max, the largest bound over the bins, the lower one with Bonferroni's correction.
    With clusters, the bins' shares have the effective n of their clustered variance, and are as correlated
    as the clusters make them. Missing without rows or with scores outside [0, 1].
    """

    def __init__(
        self,
        *,
        binning: Binning = "equal_width",
        n_bins: Annotated[int, Field(ge=2, le=100)] = 10,
        norm: Literal["l1", "max"] = "l1",
        of: Literal["auto", "positive", "top"] = "auto",
    ) -> None:
        """Declare the parameters; `of` auto is positive of a binary table, top of several classes."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for label and score; of several classes for those of the predicted class.

        Raises PolicyError for the positive class of several classes.
        """
        several = columns.task != "binary"
        if several and params["of"] == "positive":
            raise PolicyError(
                "params of performance.calibration_error: of",
                "several classes have no positive one",
                "write `of: top`, or leave it out",
            )
        view, clustered = TOP if several else None, columns.cluster is not None
        whole = params["binning"] == "equal_width" and SCORE_BINS % params["n_bins"] == 0
        plain = not several and not clustered and params["of"] != "top"
        sums: tuple[ScoreSum, ...] | None = ("score",) if whole and plain else None
        return [Counts(roles=("label", "score"), view=view, clustered=clustered, binned=sums)]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the mean or the largest gap."""
        (counts,) = (one for one in cells.of if isinstance(one, Counts))
        seen = _probabilities(cells.cells(counts))
        if isinstance(seen, Estimate):
            return seen
        top = counts.view == TOP or params["of"] == "top"
        if top and counts.view is None:
            seen = _likelier(seen)
        bins = reliability(seen, params["binning"], params["n_bins"])
        gap = AverageGap(bins) if params["norm"] == "l1" else LargestGap(bins)
        picture = chart(bins, f"Share of {'right predictions' if top else 'positives'} against mean score")
        return _estimated(gap.value, seen, gap if _several(seen) else None, picture)


@measure(
    id="performance.calibration_slope",
    kind="estimate",
    unit="1",
    better="target",
    tasks=BINARY,
    needs=NEEDS,
    clusters=True,
    source="Cox 1958, Two further applications of a model for binary regression; Van Calster et al. 2019",
)
def calibration_slope(cells: Cells) -> Estimate:
    """Slope of a logistic regression of the label on the logit of the score; 1 is ideal.

    Below 1 the scores are too extreme, above 1 too timid. Maximum likelihood with an intercept; Wald's
    interval from the Fisher information, linearised for weights; with clusters from the sums of their
    scores (Liang and Zeger 1986). Missing with one class, with scores outside [0, 1] or exactly 0 or 1
    (their logit is infinite), with one distinct score, and when a score separates the classes (the slope
    is infinite).
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
    clusters=True,
    bins=("score",),
    source="Debray et al. 2017, total O:E ratio (calibration in the large)",
)
def observed_expected(cells: Cells) -> Estimate:
    """Positives that there are, over positives that the scores promise: sum(label) / sum(score).

    1 is ideal; above 1 the model promises too few. The delta-method variance of the ratio, of rows or of
    clusters, on Wilson's scale of the observed share. Missing without rows, with scores outside [0, 1], or
    when they are all 0.
    """
    seen = _probabilities(cells)
    if isinstance(seen, Estimate):
        return seen
    label, score = seen.roles["label"], seen.roles["score"]
    total = float(seen.w.sum())
    sums = over_rows.summed(seen, "score")
    observed, expected = float(seen.w @ label) / total, over_rows.mean(score if sums is None else sums, seen)
    if not expected > 0.0:
        return Estimate.missing("all scores are 0, so there is nothing to divide by", n=seen.rows)
    value = observed / expected
    apart = label - value * score if sums is None else sums.line(label, -value, seen.w, seen.w2)
    left = over_rows.moments_of(apart, seen)
    behind = rows_behind(seen.w / total, seen.w2 / total / total, seen.clusters)
    if left is not None:
        variance = float(left.covariance[0, 0])
    else:
        variance = 0.0 if seen.clusters is None else math.nan
    degrees = math.inf if seen.clusters is None else behind.least - 1.0
    part = effective(observed, variance, least=behind.least, method=_named("delta", seen), degrees=degrees)
    return _estimated(value, seen, None if part is None else Mapped(part, partial(_over, expected)))


def _probabilities(cells: Cells, *, classes: bool = False) -> Cells | Estimate:
    """Return the cells that count; an estimate that says why when the scores are no probabilities."""
    seen = counted(cells)
    reason = unusable(seen, classes=classes) or improbable(seen)
    return seen if reason is None else Estimate.missing(reason, n=seen.rows)


def _given(cells: Cells) -> NDArray[np.float64]:
    """Return the probability that a binary model gave to what happened, one a cell."""
    import numpy as np

    score = cells.roles["score"]
    return np.where(cells.roles["label"] == POSITIVE, score, 1.0 - score)


def _likelier(cells: Cells) -> Cells:
    """Return the cells with the probability of the likelier class as score, and as label whether it is right.

    Of a score of exactly one half the positive class is the likelier.
    """
    import numpy as np

    score, label = cells.roles["score"], cells.roles["label"]
    right = (score >= HALF) == (label == POSITIVE)
    return replace(cells, roles={"label": right.astype(float), "score": np.maximum(score, 1.0 - score)})


def _several(cells: Cells) -> bool:
    """Whether rows are independent, or come from more clusters than one."""
    return cells.clusters is None or len(set(cells.clusters.tolist())) >= MIN_CLUSTERS


def _mean(losses: OverRows, cells: Cells, highest: float) -> Estimate:
    """Return the mean of what each row costs, from nothing to `highest`."""
    interval = over_rows.interval_of_mean(losses, cells, lowest=0.0, highest=highest)
    return _estimated(over_rows.mean(losses, cells), cells, interval)


def _estimated(value: float, cells: Cells, interval: Part | None, *charts: Chart) -> Estimate:
    return estimated(cells, Found(value=value, interval=interval, charts=charts))


def _most(cells: Cells) -> float:
    """Return the largest loss that any of the scores could cost, and a little: means are rounded up too."""
    import numpy as np

    score, tiny = cells.roles["score"], float(np.finfo(np.float64).eps)
    low, high = (score, score) if cells.binned is None else (cells.binned.low, cells.binned.high)
    least = min(float(low.min()), 1.0 - float(high.max()))
    return -math.log(max(least, tiny)) * (1.0 + ROUNDING)


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
    weight, square = cells.w / total, cells.w2 / total / total
    bread = np.linalg.inv(_information(design, weight, chance))
    behind = rows_behind(weight, square, cells.clusters)
    if cells.clusters is None:
        covariance = bread @ _information(design, square, chance) @ bread
    else:
        influence = bread @ design.T * (cells.roles["label"] - chance)
        covariance = covariances(influence, weight, square, cells.clusters)
    variance = float(covariance[1, 1])
    known = behind.least > FIT_ROWS and variance > 0.0
    interval = Student(value=value, variance=variance, n=behind.least, method=_named("wald", cells))
    return _estimated(value, cells, interval if known else None)


def _information(
    design: NDArray[np.float64], w: NDArray[np.float64], chance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the Fisher information of a logistic regression under the weights `w`, shape (2, 2)."""
    found: NDArray[np.float64] = design.T @ (design * (w * chance * (1.0 - chance))[:, None])
    return found


def _over(expected: float, share: float) -> float:
    return share / expected


def _named(method: str, cells: Cells) -> str:
    return method if cells.clusters is None else f"{method}, {CLUSTERS}"
