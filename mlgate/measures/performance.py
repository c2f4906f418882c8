"""How often the decisions of a model are right: metrics of label against prediction.

Values are scikit-learn's: rates are quotients of counts, held to it by property tests, and the rest its own
functions on the cells, with the sums of weights as `sample_weight`. A rate without a denominator is missing,
never zero. Intervals come from the counts: Wilson's for one share, MOVER for what is
made of several shares, a ratio of both disagreements for kappa and Matthews' correlation. So a table
without a single error still has an interval. Where rows come in clusters, shares have the effective n of
their clustered variance, and so has what is made of them.

Rates of one class (precision, recall, F1, specificity, NPV) are of the positive class on a binary table. On
a multiclass table they are averaged over the classes; see `averages`.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from mlgate.cells import Cells
from mlgate.estimates import Estimate, Interval
from mlgate.intervals import function_of_rates
from mlgate.measures import averages, class_rates, measure
from mlgate.measures.agreement import Disagreement, correlation_of, interval_of, kappa_of
from mlgate.measures.averages import Average
from mlgate.measures.binary import BINARY, confusion, counted
from mlgate.measures.class_rates import OneVersusRest
from mlgate.measures.multiclass import CLASSES, Decided, decided

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NEEDS = ("label", "prediction")

MIN_GROUP = 30
"""What the gate gives when the policy says nothing; policies decide."""

POSITIVE, NEGATIVE = 1, 0
"""Places of the classes of a binary table."""

Weighting = Literal["none", "linear", "quadratic"]


@measure(
    id="performance.accuracy",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=CLASSES,
    needs=NEEDS,
    clusters=True,
    source="scikit-learn, accuracy_score",
)
def accuracy(cells: Cells) -> Estimate:
    """Share of rows whose prediction is the label: (TP + TN) / n.

    Wilson's interval over all rows. Missing without rows.
    """
    seen = decided(cells)
    if isinstance(seen, Estimate):
        return seen
    share = averages.accuracy_of(seen)
    if share.value is None:
        return Estimate.missing("the weights add up to nothing", n=cells.rows)
    return _estimate(seen, share.value, share.interval, n=seen.total)


@measure(
    id="performance.precision",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=CLASSES,
    needs=NEEDS,
    clusters=True,
    source="scikit-learn, precision_score",
)
def precision(cells: Cells, *, average: Average | None = None, min_group: int = MIN_GROUP) -> Estimate:
    """Share of the predicted positives that are positive: TP / (TP + FP).

    On a binary table of the positive class, with Wilson's interval over the predicted positives, which are
    its n; missing when nothing is predicted positive. Else averaged over classes, each against the rest:
    `average` is macro (the default of multiclass tables), micro, weighted, or per_class, where the worst
    class with `min_group` predicted rows decides.
    """
    return _averaged(cells, class_rates.PRECISION, average, min_group)


@measure(
    id="performance.recall",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=CLASSES,
    needs=NEEDS,
    clusters=True,
    source="scikit-learn, recall_score",
)
def recall(cells: Cells, *, average: Average | None = None, min_group: int = MIN_GROUP) -> Estimate:
    """Share of the positives that are predicted positive: TP / (TP + FN).

    On a binary table of the positive class, with Wilson's interval over the positives, which are its n;
    missing when nothing is labelled positive. Else averaged over classes, each against the rest: `average`
    is macro (the default of multiclass tables), micro, weighted, or per_class, where the worst class with
    `min_group` labelled rows decides.
    """
    return _averaged(cells, class_rates.RECALL, average, min_group)


@measure(
    id="performance.specificity",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=CLASSES,
    needs=NEEDS,
    clusters=True,
    source="scikit-learn, recall_score of the negative class; multilabel_confusion_matrix",
)
def specificity(cells: Cells, *, average: Average | None = None, min_group: int = MIN_GROUP) -> Estimate:
    """Share of the negatives that are predicted negative: TN / (TN + FP).

    On a binary table with Wilson's interval over the negatives, which are its n; missing when nothing is
    labelled negative. Else averaged over classes, each against the rest: `average` is macro (the default of
    multiclass tables), micro, weighted, or per_class, where the worst class with `min_group` rows of other
    classes decides.
    """
    return _averaged(cells, class_rates.SPECIFICITY, average, min_group)


@measure(
    id="performance.npv",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=CLASSES,
    needs=NEEDS,
    clusters=True,
    source="scikit-learn, precision_score of the negative class; multilabel_confusion_matrix",
)
def npv(cells: Cells, *, average: Average | None = None, min_group: int = MIN_GROUP) -> Estimate:
    """Share of the predicted negatives that are negative: TN / (TN + FN).

    On a binary table with Wilson's interval over the predicted negatives, which are its n; missing when
    nothing is predicted negative. Else averaged over classes, each against the rest: `average` is macro (the
    default of multiclass tables), micro, weighted, or per_class, where the worst class with `min_group` rows
    predicted as other classes decides.
    """
    return _averaged(cells, class_rates.NPV, average, min_group)


@measure(
    id="performance.f1",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=CLASSES,
    needs=NEEDS,
    clusters=True,
    source="scikit-learn, f1_score",
)
def f1(cells: Cells, *, average: Average | None = None, min_group: int = MIN_GROUP) -> Estimate:
    """Harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN).

    On a binary table its n are the rows that are positive by label or by prediction, J = TP / n is a
    proportion of them, and the interval is Wilson's of J mapped by F1 = 2 J / (1 + J); missing when no row is
    positive either way. Else averaged over classes, each against the rest: `average` is macro (the default
    of multiclass tables), micro, weighted, or per_class, where the worst class with `min_group` such rows
    decides.
    """
    return _averaged(cells, class_rates.F1, average, min_group)


@measure(
    id="performance.balanced_accuracy",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=CLASSES,
    needs=NEEDS,
    clusters=True,
    source="scikit-learn, balanced_accuracy_score",
)
def balanced_accuracy(cells: Cells) -> Estimate:
    """Mean of each class's recall; 1 / classes for a model that cannot tell the classes apart.

    On a binary table the mean of recall and specificity. Over the classes that occur as a label, as
    scikit-learn has it. MOVER's interval from the Wilson intervals of all, whose denominators are disjoint
    (Zou and Donner 2008). Missing with one class.
    """
    import numpy as np
    from sklearn.metrics import recall_score

    seen = _several(cells)
    if isinstance(seen, Estimate):
        return seen
    every = [one for one in class_rates.rates(seen, class_rates.RECALL) if one.value is not None]
    interval = averages.mean_of_rates(seen, every, np.full(len(every), 1.0 / len(every)))
    labelled = np.unique(seen.label).tolist()  # balanced_accuracy_score is this, and warns of other classes
    value = seen.library(recall_score, labels=labelled, average="macro")
    return _estimate(seen, value, interval, n=seen.total)


@measure(
    id="performance.mcc",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=CLASSES,
    needs=NEEDS,
    clusters=True,
    source="scikit-learn, matthews_corrcoef",
)
def mcc(cells: Cells) -> Estimate:
    """Matthews correlation of label and prediction, in [-1, 1]; 0 is chance.

    For several classes Gorodkin's (2004), which scikit-learn computes. The interval is that of a ratio of
    disagreements (MOVER-R). Missing when label or prediction has one value only, where a correlation is
    undefined (scikit-learn says 0).
    """
    import numpy as np
    from sklearn.metrics import matthews_corrcoef

    seen = _several(cells)
    if isinstance(seen, Estimate):
        return seen
    predicted = np.unique(seen.prediction)
    if len(predicted) == 1:
        only = seen.classes[predicted[0]]
        reason = f"every row is predicted {only}, and a correlation needs several classes"
        if seen.positive:
            reason = f"no row is predicted {seen.classes[1 - predicted[0]]}, and a correlation needs both"
        return Estimate.missing(reason, n=seen.total)
    value = float(seen.library(matthews_corrcoef))
    sign = -1 if value < 0.0 else 1
    return _agreement(seen, value, correlation_of(seen, sign=sign), sign=sign)


@measure(
    id="performance.cohen_kappa",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=CLASSES,
    needs=NEEDS,
    clusters=True,
    source="scikit-learn, cohen_kappa_score",
)
def cohen_kappa(cells: Cells, *, weights: Weighting = "none") -> Estimate:
    """Cohen's kappa: agreement of label and prediction beyond what their shares alone would give.

    (p_o - p_e) / (1 - p_e), in [-1, 1]; 0 is chance. `weights` counts a disagreement by how many classes
    it lies off, `linear` or `quadratic`, where the classes have an order: those of a binary table have, and
    those whose names are numbers; classes that the table knows and that do not occur keep their place. The
    interval is that of a ratio of disagreements (MOVER-R). Missing with one class.
    """
    import numpy as np
    from sklearn.metrics import cohen_kappa_score

    seen = _several(cells)
    if isinstance(seen, Estimate):
        return seen
    step = 1.0 - np.eye(len(seen.classes))
    if weights == "none":
        value = seen.library(cohen_kappa_score)
        return _agreement(seen, value, kappa_of(seen, step))
    ordered = _ordered(seen, cells.classes)
    if isinstance(ordered, Estimate):
        return ordered
    label, prediction = ordered[seen.label], ordered[seen.prediction]
    size = max(len(cells.classes), len(seen.classes))
    value = cohen_kappa_score(
        label, prediction, labels=list(range(size)), weights=weights, sample_weight=seen.weights
    )
    apart = np.abs(ordered[:, None] - ordered[None, :]) / (size - 1.0)
    return _agreement(seen, value, kappa_of(seen, apart if weights == "linear" else apart**2))


@measure(
    id="performance.expected_cost",
    kind="estimate",
    unit="cost per row",
    better="lower",
    tasks=BINARY,
    needs=NEEDS,
    clusters=True,
    source="Elkan 2001, The foundations of cost-sensitive learning; scikit-learn, confusion_matrix",
)
def expected_cost(
    cells: Cells, *, fp_cost: Annotated[float, Field(ge=0)], fn_cost: Annotated[float, Field(ge=0)]
) -> Estimate:
    """Mean cost of a decision: (fp_cost FP + fn_cost FN) / n; right decisions cost nothing.

    `fp_cost` is what a false alarm costs and `fn_cost` what a miss costs, in one currency, each >= 0; they
    have no default, since none would be anybody's. The value is in that currency per row. MOVER's interval
    over prevalence, recall and specificity; of clustered rows over the shares of false alarms and misses.
    Missing with one class, where one of the two errors cannot be seen, and when both costs are 0.
    """
    from sklearn.metrics import confusion_matrix

    if fp_cost == 0.0 and fn_cost == 0.0:
        return Estimate.missing("fp_cost and fn_cost are both 0, so that no error costs anything")
    seen = _several(cells)
    if isinstance(seen, Estimate):
        return seen
    found = seen.library(confusion_matrix, labels=[NEGATIVE, POSITIVE], normalize="all")
    value = float(fp_cost * found[NEGATIVE, POSITIVE] + fn_cost * found[POSITIVE, NEGATIVE])
    if seen.clusters is None:
        cost = partial(_cost_of_rates, fp_cost, fn_cost)
        counts = confusion(counted(cells)).rates()
        interval: Interval | None = function_of_rates(counts, cost, lowest=0.0, highest=max(fp_cost, fn_cost))
    else:
        interval = averages.cost_of_errors(seen, fp_cost, fn_cost)
    return _estimate(seen, value, interval, n=seen.total)


def _several(cells: Cells) -> Decided | Estimate:
    """Read decisions of which labels are of several classes; an estimate that says why otherwise."""
    seen = decided(cells)
    if isinstance(seen, Estimate):
        return seen
    reason = seen.lacks()
    return seen if reason is None else Estimate.missing(reason, n=seen.total)


def _averaged(cells: Cells, of: OneVersusRest, average: Average | None, min_group: int) -> Estimate:
    """Measure a rate of the positive class, or its average over classes."""
    seen = decided(cells)
    if isinstance(seen, Estimate):
        return seen
    how = average or ("binary" if seen.positive else "macro")
    if how != "binary":
        return averages.averaged(seen, of, how, min_group=min_group)
    if not seen.positive:
        reason = "average `binary` is of the positive class, which a multiclass table has not"
        return Estimate.missing(f"{reason}: say macro, micro, weighted or per_class", n=seen.total)
    one = class_rates.rates(seen, of)[POSITIVE]
    if one.value is None:
        return Estimate.missing(f"{of.lacking_positive}, so {of.words} has no denominator")
    return _estimate(seen, one.value, one.interval, n=one.rows)


def _agreement(seen: Decided, value: Any, of: Disagreement, *, sign: int = 1) -> Estimate:
    return _estimate(seen, value, interval_of(seen, of, sign=sign), n=seen.total)


def _estimate(seen: Decided, value: Any, interval: Interval | None, *, n: int) -> Estimate:
    """Return what is known to be defined; a value of clusters too few has no interval, and says so."""
    found = float(value)
    if not math.isfinite(found):
        return Estimate.missing(f"the value is {found}", n=n)
    reason = averages.lonely(seen, interval)
    return Estimate(value=found, n=n, interval=interval, reason=reason, charts=seen.charts())


def _ordered(seen: Decided, classes: tuple[str, ...]) -> NDArray[np.int64] | Estimate:
    """Return the rank of each class that occurs among all; missing where their names have no order."""
    import numpy as np

    if seen.positive:
        return np.arange(len(seen.classes))
    number = {name: _number(name) for name in classes}
    words = [name for name in classes if not math.isfinite(number[name])]
    if words:
        reason = f"weighted kappa needs classes in an order, and {words[0]!r} is no number"
        return Estimate.missing(reason, n=seen.total)
    rank = {name: place for place, name in enumerate(sorted(classes, key=number.__getitem__))}
    return np.array([rank[name] for name in seen.classes])


def _number(name: str) -> float:
    try:
        return float(name)
    except ValueError:
        return math.nan


def _cost_of_rates(
    fp_cost: float, fn_cost: float, prevalence: float, sensitivity: float, specific: float
) -> float:
    misses, alarms = prevalence * (1.0 - sensitivity), (1.0 - prevalence) * (1.0 - specific)
    return fn_cost * misses + fp_cost * alarms
