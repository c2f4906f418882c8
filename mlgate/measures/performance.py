"""How often the decisions of a binary model are right: metrics of label against prediction.

Values are scikit-learn's on the cells, with the sums of weights as `sample_weight`. A rate without a
denominator is missing, never zero. Intervals come from the four counts: Wilson's for one share, and for
what is made of several shares MOVER over the prevalence and the two classes' hit rates, which are
independent. So a table without a single error still has an interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from pydantic import Field

from mlgate.cells import Cells
from mlgate.estimates import Estimate, Interval
from mlgate.intervals import f_score, function_of_rates, weighted_sum
from mlgate.measures import measure
from mlgate.measures.binary import (
    BINARY,
    Confusion,
    Count,
    confusion,
    counted,
    share,
    unusable,
)
from mlgate.measures.rates import NEGATIVE, POSITIVE

NEEDS = ("label", "prediction")

Metric = Callable[..., Any]
"""A function of scikit-learn: `f(y_true, y_pred, *, sample_weight)`."""


@measure(
    id="performance.accuracy",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=BINARY,
    needs=NEEDS,
    source="scikit-learn, accuracy_score",
)
def accuracy(cells: Cells) -> Estimate:
    """Share of rows whose prediction is the label: (TP + TN) / n.

    Wilson's interval over all rows. Missing without rows.
    """
    from sklearn.metrics import accuracy_score

    return _rate(
        cells, accuracy_score, hits=lambda c: c.tp + c.tn, among=lambda c: c.total, nobody="there is no row"
    )


@measure(
    id="performance.precision",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=BINARY,
    needs=NEEDS,
    source="scikit-learn, precision_score",
)
def precision(cells: Cells) -> Estimate:
    """Share of the predicted positives that are positive: TP / (TP + FP).

    Wilson's interval over the predicted positives, which are its n. Missing when nothing is predicted
    positive.
    """
    from sklearn.metrics import precision_score

    return _rate(
        cells,
        partial(precision_score, pos_label=POSITIVE),
        hits=lambda c: c.tp,
        among=lambda c: c.tp + c.fp,
        nobody="no row is predicted positive, so precision has no denominator",
    )


@measure(
    id="performance.recall",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=BINARY,
    needs=NEEDS,
    source="scikit-learn, recall_score",
)
def recall(cells: Cells) -> Estimate:
    """Share of the positives that are predicted positive: TP / (TP + FN).

    Wilson's interval over the positives, which are its n. Missing when nothing is labelled positive.
    """
    from sklearn.metrics import recall_score

    return _rate(
        cells,
        partial(recall_score, pos_label=POSITIVE),
        hits=lambda c: c.tp,
        among=lambda c: c.positives,
        nobody="no row is labelled positive, so recall has no denominator",
    )


@measure(
    id="performance.specificity",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=BINARY,
    needs=NEEDS,
    source="scikit-learn, recall_score of the negative class",
)
def specificity(cells: Cells) -> Estimate:
    """Share of the negatives that are predicted negative: TN / (TN + FP).

    Wilson's interval over the negatives, which are its n. Missing when nothing is labelled negative.
    """
    from sklearn.metrics import recall_score

    return _rate(
        cells,
        partial(recall_score, pos_label=NEGATIVE),
        hits=lambda c: c.tn,
        among=lambda c: c.negatives,
        nobody="no row is labelled negative, so specificity has no denominator",
    )


@measure(
    id="performance.npv",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=BINARY,
    needs=NEEDS,
    source="scikit-learn, precision_score of the negative class",
)
def npv(cells: Cells) -> Estimate:
    """Share of the predicted negatives that are negative: TN / (TN + FN).

    Wilson's interval over the predicted negatives, which are its n. Missing when nothing is predicted
    negative.
    """
    from sklearn.metrics import precision_score

    return _rate(
        cells,
        partial(precision_score, pos_label=NEGATIVE),
        hits=lambda c: c.tn,
        among=lambda c: c.tn + c.fn,
        nobody="no row is predicted negative, so the negative predictive value has no denominator",
    )


@measure(
    id="performance.f1",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=BINARY,
    needs=NEEDS,
    source="scikit-learn, f1_score",
)
def f1(cells: Cells) -> Estimate:
    """Harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN).

    Its n are the rows that are positive by label or by prediction, J = TP / n is a proportion of them,
    and the interval is Wilson's of J mapped by F1 = 2 J / (1 + J). Missing when no row is positive either
    way.
    """
    from sklearn.metrics import f1_score

    counts = _counts(cells)
    if isinstance(counts, Estimate):
        return counts
    either = counts.tp + counts.fp + counts.fn
    if either.rows == 0:
        return Estimate.missing("no row is positive by label or by prediction, so F1 has no denominator")
    interval = f_score(counts.tp.w, counts.fp.w, counts.fn.w, w2_sum=either.w2)
    return _estimate(cells, partial(f1_score, pos_label=POSITIVE), counts, interval, either)


@measure(
    id="performance.balanced_accuracy",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=BINARY,
    needs=NEEDS,
    source="scikit-learn, balanced_accuracy_score",
)
def balanced_accuracy(cells: Cells) -> Estimate:
    """Mean of recall and specificity; 0.5 for a model that cannot tell the classes apart.

    MOVER's interval from the Wilson intervals of both, whose denominators are disjoint (Zou and Donner
    2008). Missing with one class.
    """
    from sklearn.metrics import balanced_accuracy_score

    counts = _counts(cells, classes=True)
    if isinstance(counts, Estimate):
        return counts
    _, sensitivity, true_negative_rate = counts.rates()
    interval = weighted_sum([sensitivity, true_negative_rate])
    return _estimate(cells, balanced_accuracy_score, counts, interval, counts.total)


@measure(
    id="performance.mcc",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=BINARY,
    needs=NEEDS,
    source="scikit-learn, matthews_corrcoef",
)
def mcc(cells: Cells) -> Estimate:
    """Matthews correlation of label and prediction, in [-1, 1]; 0 is chance.

    MOVER's interval over prevalence, recall and specificity. Missing when label or prediction has one
    value only, where a correlation is undefined (scikit-learn says 0).
    """
    from sklearn.metrics import matthews_corrcoef

    counts = _counts(cells, classes=True)
    if isinstance(counts, Estimate):
        return counts
    for part, name in ((counts.tp + counts.fp, "positive"), (counts.tn + counts.fn, "negative")):
        if part.rows == 0:
            reason = f"no row is predicted {name}, and a correlation needs both"
            return Estimate.missing(reason, n=counts.total.rows)
    interval = function_of_rates(counts.rates(), _mcc_of_rates, lowest=-1.0, highest=1.0)
    return _estimate(cells, matthews_corrcoef, counts, interval, counts.total)


@measure(
    id="performance.cohen_kappa",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=BINARY,
    needs=NEEDS,
    source="scikit-learn, cohen_kappa_score",
)
def cohen_kappa(cells: Cells) -> Estimate:
    """Cohen's kappa: agreement of label and prediction beyond what their shares alone would give.

    (p_o - p_e) / (1 - p_e), in [-1, 1]; 0 is chance. MOVER's interval over prevalence, recall and
    specificity. Missing with one class.
    """
    from sklearn.metrics import cohen_kappa_score

    counts = _counts(cells, classes=True)
    if isinstance(counts, Estimate):
        return counts
    interval = function_of_rates(counts.rates(), _kappa_of_rates, lowest=-1.0, highest=1.0)
    return _estimate(cells, cohen_kappa_score, counts, interval, counts.total)


@measure(
    id="performance.expected_cost",
    kind="estimate",
    unit="cost per row",
    better="lower",
    tasks=BINARY,
    needs=NEEDS,
    source="Elkan 2001, The foundations of cost-sensitive learning; scikit-learn, confusion_matrix",
)
def expected_cost(
    cells: Cells, *, fp_cost: Annotated[float, Field(ge=0)], fn_cost: Annotated[float, Field(ge=0)]
) -> Estimate:
    """Mean cost of a decision: (fp_cost FP + fn_cost FN) / n; right decisions cost nothing.

    `fp_cost` is what a false alarm costs and `fn_cost` what a miss costs, in one currency, each >= 0; they
    have no default, since none would be anybody's. The value is in that currency per row. MOVER's interval
    over prevalence, recall and specificity. Missing with one class, where one of the two errors cannot be
    seen, and when both costs are 0.
    """
    from sklearn.metrics import confusion_matrix

    if fp_cost == 0.0 and fn_cost == 0.0:
        return Estimate.missing("fp_cost and fn_cost are both 0, so that no error costs anything")

    def mean_cost(label: Any, prediction: Any, *, sample_weight: Any) -> float:
        found = confusion_matrix(
            label, prediction, labels=[NEGATIVE, POSITIVE], sample_weight=sample_weight, normalize="all"
        )
        return float(fp_cost * found[0, 1] + fn_cost * found[1, 0])

    counts = _counts(cells, classes=True)
    if isinstance(counts, Estimate):
        return counts
    cost = partial(_cost_of_rates, fp_cost, fn_cost)
    interval = function_of_rates(counts.rates(), cost, lowest=0.0, highest=max(fp_cost, fn_cost))
    return _estimate(cells, mean_cost, counts, interval, counts.total)


def _counts(cells: Cells, *, classes: bool = False) -> Confusion | Estimate:
    """Count the decisions; an estimate that says why where nothing can be measured."""
    seen = counted(cells)
    reason = unusable(seen, classes=classes)
    return confusion(seen) if reason is None else Estimate.missing(reason, n=seen.rows)


def _rate(
    cells: Cells,
    metric: Metric,
    *,
    hits: Callable[[Confusion], Count],
    among: Callable[[Confusion], Count],
    nobody: str,
) -> Estimate:
    """Measure one share; `nobody` is the reason when its denominator is empty."""
    counts = _counts(cells)
    if isinstance(counts, Estimate):
        return counts
    denominator = among(counts)
    if denominator.rows == 0:
        return Estimate.missing(nobody)
    return _estimate(cells, metric, counts, share(hits(counts), denominator).interval, denominator)


def _estimate(
    cells: Cells, metric: Metric, counts: Confusion, interval: Interval | None, among: Count
) -> Estimate:
    """Let scikit-learn compute the value of what is known to be defined."""
    seen = counted(cells)
    value = float(metric(seen.roles["label"], seen.roles["prediction"], sample_weight=seen.w))
    if not math.isfinite(value):
        return Estimate.missing(f"the value is {value}", n=among.rows)
    return Estimate(value=value, n=among.rows, interval=interval, charts=(counts.chart(),))


def _mcc_of_rates(prevalence: float, sensitivity: float, specific: float) -> float:
    """Return the correlation from the three rates; NaN where it is undefined."""
    selected = _selected(prevalence, sensitivity, specific)
    spread = prevalence * (1.0 - prevalence) * selected * (1.0 - selected)
    covariance = prevalence * (1.0 - prevalence) * (sensitivity + specific - 1.0)
    return covariance / math.sqrt(spread) if spread > 0.0 else math.nan


def _kappa_of_rates(prevalence: float, sensitivity: float, specific: float) -> float:
    """Return kappa from the three rates; NaN where it is undefined."""
    selected = _selected(prevalence, sensitivity, specific)
    observed = prevalence * sensitivity + (1.0 - prevalence) * specific
    chance = prevalence * selected + (1.0 - prevalence) * (1.0 - selected)
    return (observed - chance) / (1.0 - chance) if chance < 1.0 else math.nan


def _cost_of_rates(
    fp_cost: float, fn_cost: float, prevalence: float, sensitivity: float, specific: float
) -> float:
    misses, alarms = prevalence * (1.0 - sensitivity), (1.0 - prevalence) * (1.0 - specific)
    return fn_cost * misses + fp_cost * alarms


def _selected(prevalence: float, sensitivity: float, specific: float) -> float:
    return prevalence * sensitivity + (1.0 - prevalence) * (1.0 - specific)
