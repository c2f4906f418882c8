"""How well the scores of a binary model put positives before negatives.

Values are scikit-learn's on the cells, with the sums of weights as `sample_weight`. All of them need both
classes. Only the order of the scores counts, so these hold for scores that are no probabilities too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from mlgate.cells import Cells
from mlgate.estimates import Chart, Estimate, Interval
from mlgate.intervals import DeLong, Mapped, MoverFunction, Wilson, delong
from mlgate.measures import measure
from mlgate.measures.binary import BINARY, counted, unusable
from mlgate.measures.curves import (
    ROUNDING,
    Separation,
    capture_interval,
    captured,
    curve,
    precision_interval,
    thinned,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NEEDS = ("label", "score")


@measure(
    id="performance.roc_auc",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=BINARY,
    needs=NEEDS,
    source="scikit-learn, roc_auc_score; DeLong, DeLong and Clarke-Pearson 1988",
)
def roc_auc(cells: Cells) -> Estimate:
    """Chance that a random positive scores above a random negative, ties counting one half.

    DeLong's interval on the logit scale. Missing with one class.
    """
    return _ranked(cells, _auc)


@measure(
    id="performance.gini",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=BINARY,
    needs=NEEDS,
    source="2 AUC - 1 (Somers' D, accuracy ratio); scikit-learn, roc_auc_score",
)
def gini(cells: Cells) -> Estimate:
    """Gini coefficient of the scores: 2 AUC - 1, in [-1, 1]; 0 is chance.

    DeLong's interval of the AUC, mapped. Missing with one class.
    """
    return _ranked(cells, _gini)


@measure(
    id="performance.average_precision",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=BINARY,
    needs=NEEDS,
    source="scikit-learn, average_precision_score; Boyd, Eng and Page 2013 on its intervals",
)
def average_precision(cells: Cells) -> Estimate:
    """Mean over the positives of the precision at their own score; the prevalence is chance.

    The sum of (R_k - R_(k-1)) P_k over the distinct scores, without interpolation. The interval comes from
    each row's influence, on Wilson's scale. Missing with one class.
    """
    return _ranked(cells, _average_precision)


@measure(
    id="performance.ks",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=BINARY,
    needs=NEEDS,
    source="scikit-learn, roc_curve: largest TPR - FPR; Smirnov 1939",
)
def ks(cells: Cells) -> Estimate:
    """Kolmogorov-Smirnov distance of the positives' scores above the negatives': max(TPR - FPR).

    Directed: a model that ranks backwards gets 0, while the undirected statistic would praise it. The
    lower bound is Smirnov's over all cuts, the upper one Newcombe's at the best cut. Missing with one
    class.
    """
    return _ranked(cells, _ks)


@measure(
    id="performance.recall_at_fpr",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=BINARY,
    needs=NEEDS,
    source="scikit-learn, roc_curve: largest TPR with FPR <= max_fpr",
)
def recall_at_fpr(cells: Cells, *, max_fpr: Annotated[float, Field(gt=0, lt=1)] = 0.05) -> Estimate:
    """Share of the positives found at the lowest cut that flags at most `max_fpr` of the negatives.

    A point of the ROC curve, without interpolation; 0 when even the highest score flags more. MOVER's
    interval over the recall at the cut and the place of the cut: the curve is read at Wilson's bounds of
    `max_fpr` among the negatives. Missing with one class.
    """
    return _ranked(cells, partial(_recall_at_fpr, max_fpr=max_fpr))


@measure(
    id="performance.lift_at_k",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=BINARY,
    needs=NEEDS,
    source="Ling and Li 1998, Data mining for direct marketing: problems and solutions",
)
def lift_at_k(cells: Cells, *, k: Annotated[float, Field(gt=0, lt=1)] = 0.1) -> Estimate:
    """Share of positives among the `k` highest-scored share of rows, over the share among all rows.

    1 is chance, 1 / k the most. Ties at the cut count in proportion, the mean over all orders that break
    them. The interval comes from each row's influence, on Wilson's scale. Missing with one class.
    """
    return _ranked(cells, partial(_lift, k=k))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """What one way of ranking gives."""

    value: float
    interval: Interval | None
    chart: Chart | None = None


def _ranked(cells: Cells, rank: Callable[[Cells], _Found]) -> Estimate:
    """Rank the cells that count; an estimate that says why where both classes do not occur."""
    seen = counted(cells)
    reason = unusable(seen, classes=True)
    if reason is not None:
        return Estimate.missing(reason, n=seen.rows)
    found = rank(seen)
    if not math.isfinite(found.value):
        return Estimate.missing(f"the value is {found.value}", n=seen.rows)
    charts = () if found.chart is None else (found.chart,)
    return Estimate(value=found.value, n=seen.rows, interval=found.interval, charts=charts)


def _auc(cells: Cells) -> _Found:
    from sklearn.metrics import roc_auc_score

    label, score = cells.roles["label"], cells.roles["score"]
    fpr, tpr = _roc(cells, every_score=False)
    return _Found(
        value=float(roc_auc_score(label, score, sample_weight=cells.w)),
        interval=_delong(cells),
        chart=thinned("roc", "ROC curve", false_positive_rate=fpr, true_positive_rate=tpr),
    )


def _gini(cells: Cells) -> _Found:
    from sklearn.metrics import roc_auc_score

    area = float(roc_auc_score(cells.roles["label"], cells.roles["score"], sample_weight=cells.w))
    interval = _delong(cells)
    return _Found(
        value=_gini_of_auc(area), interval=None if interval is None else Mapped(interval, _gini_of_auc)
    )


def _average_precision(cells: Cells) -> _Found:
    from sklearn.metrics import average_precision_score, precision_recall_curve

    label, score = cells.roles["label"], cells.roles["score"]
    value = float(average_precision_score(label, score, sample_weight=cells.w))
    precision, recall, _ = precision_recall_curve(label, score, sample_weight=cells.w, drop_intermediate=True)
    return _Found(
        value=value,
        interval=precision_interval(curve(cells), value),
        chart=thinned("precision-recall", "Precision against recall", recall=recall, precision=precision),
    )


def _ks(cells: Cells) -> _Found:
    import numpy as np

    fpr, tpr = _roc(cells)
    best = int(np.argmax(tpr - fpr))
    of = curve(cells)
    hit = Wilson(float(tpr[best]) * of.n_pos, of.n_pos)
    alarm = Wilson(float(fpr[best]) * of.n_neg, of.n_neg)
    return _Found(value=float(tpr[best] - fpr[best]), interval=Separation(hit=hit, alarm=alarm))


def _recall_at_fpr(cells: Cells, *, max_fpr: float) -> _Found:
    fpr, tpr = _roc(cells)
    of, value = curve(cells), _read(fpr, tpr, max_fpr)
    parts = (Wilson(value * of.n_pos, of.n_pos), Wilson(max_fpr * of.n_neg, of.n_neg))

    def moved(recall: float, share: float) -> float:
        return recall + _read(fpr, tpr, share) - value

    return _Found(value=value, interval=MoverFunction(parts, moved, 0.0, 1.0))


def _lift(cells: Cells, *, k: float) -> _Found:
    of = curve(cells)
    return _Found(value=captured(of, k) / k, interval=Mapped(capture_interval(of, k), partial(_over, k)))


def _delong(cells: Cells) -> DeLong | None:
    return delong(cells.roles["score"], cells.roles["label"], cells.w, cells.w2)


def _gini_of_auc(auc: float) -> float:
    return 2.0 * auc - 1.0


def _over(share: float, value: float) -> float:
    return value / share


def _roc(cells: Cells, *, every_score: bool = True) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return false- and true-positive rates, rising; with `every_score` a point for each distinct score."""
    from sklearn.metrics import roc_curve

    fpr, tpr, _ = roc_curve(
        cells.roles["label"],
        cells.roles["score"],
        sample_weight=cells.w,
        drop_intermediate=not every_score,
    )
    return fpr, tpr


def _read(fpr: NDArray[np.float64], tpr: NDArray[np.float64], share: float) -> float:
    """Return the true-positive rate at the last point of the curve that is not past `share`."""
    import numpy as np

    return float(tpr[int(np.searchsorted(fpr, share * (1.0 + ROUNDING), side="right")) - 1])
