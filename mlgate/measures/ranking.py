"""How well scores put positives before negatives, or each class before the rest.

Values are scikit-learn's: the area comes from its function, the rest from the running sums of one sort,
which property tests hold equal to it. All of them need both classes. Only the order of the scores counts,
so these hold for scores that are no probabilities too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, ClassVar

from pydantic import Field

from mlgate.cells import Answers, Cells, Columns, Statistic
from mlgate.estimates import Estimate
from mlgate.intervals import Mapped, Part
from mlgate.measures import measure, one_vs_rest
from mlgate.measures.binary import BINARY, counted, unusable
from mlgate.measures.curves import (
    Curve,
    area_interval,
    capture_interval,
    captured,
    curve,
    precision_interval,
    recall_at,
    separation,
)
from mlgate.measures.one_vs_rest import MIN_GROUP, Average, Found
from mlgate.measures.score_charts import score_histogram, thinned

NEEDS = ("label", "score")


class _Order(ABC):
    """A number of an order by score; of several classes, of each against the rest."""

    rate: ClassVar[str]
    """What the lines of the classes call it."""
    bins: ClassVar[bool] = False
    """Whether the scores of a binary table may come in bins."""

    def __init__(self, *, average: Average = "macro", min_group: int = MIN_GROUP) -> None:  # noqa: B027
        """Declare the parameters, which the gate reads."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for label and score, of each class of a multiclass table."""
        del params
        return one_vs_rest.planned(columns, bins=self.bins)

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the number, or what those of the classes come to."""
        return one_vs_rest.measured(
            cells, params["average"], self._of_binary, rate=self.rate, min_group=params["min_group"]
        )

    def _of_binary(self, cells: Cells) -> Found | str:
        seen = _both(cells)
        return seen if isinstance(seen, str) else self.found(curve(seen))

    @abstractmethod
    def found(self, of: Curve) -> Found:
        """Return the number of a binary table with both classes."""


@measure(
    id="performance.roc_auc",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=one_vs_rest.TASKS,
    needs=NEEDS,
    clusters=True,
    source="scikit-learn, roc_auc_score (multi_class ovr); DeLong, DeLong and Clarke-Pearson 1988; "
    "Obuchowski 1997 for clusters; Newcombe 2006 near separation",
)
class RocAuc(_Order):
    """Chance that a random positive scores above a random negative, ties counting one half.

    DeLong's interval on the logit scale; of clusters Obuchowski's. Missing with one class. Of several
    classes, each against the rest: `average` macro is their mean, weighted their mean by the shares of the
    classes, per_class every class by itself, all of which must be inside. Missing when a class never occurs.

    Where the scores of a very long table are counted in bins, those of one bin count as ties, and the
    interval is wider, to both sides, by all that their order could change.
    """

    rate = "roc_auc"
    bins = True

    def found(self, of: Curve) -> Found:
        """Return the area under the curve."""
        fpr, tpr = of.roc()
        roc = thinned("roc", "ROC curve", false_positive_rate=fpr, true_positive_rate=tpr)
        return Found(value=_area(of), interval=area_interval(of), charts=(roc, score_histogram(of.cells)))


@measure(
    id="performance.gini",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=one_vs_rest.TASKS,
    needs=NEEDS,
    clusters=True,
    source="2 AUC - 1 (Somers' D, accuracy ratio); scikit-learn, roc_auc_score",
)
class Gini(_Order):
    """Gini coefficient of the scores: 2 AUC - 1, in [-1, 1]; 0 is chance.

    The interval of the AUC, mapped. Missing with one class. Of several classes, each against the rest:
    `average` as for the AUC.
    """

    rate = "gini"
    bins = True

    def found(self, of: Curve) -> Found:
        """Return the coefficient."""
        return Found(value=_gini_of_auc(_area(of)), interval=area_interval(of, _gini_of_auc))


@measure(
    id="performance.average_precision",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=one_vs_rest.TASKS,
    needs=NEEDS,
    clusters=True,
    source="scikit-learn, average_precision_score; Boyd, Eng and Page 2013 on its intervals",
)
class AveragePrecision(_Order):
    """Mean over the positives of the precision at their own score; the prevalence is chance.

    The sum of (R_k - R_(k-1)) P_k over the distinct scores, without interpolation. The interval comes from
    each row's influence, or each cluster's, on Wilson's scale. Missing with one class. Of several classes,
    each against the rest: `average` macro is their mean, weighted their mean by the shares of the classes,
    per_class every class by itself, all of which must be inside.
    """

    rate = "average_precision"

    def found(self, of: Curve) -> Found:
        """Return the mean precision."""
        import numpy as np

        _, recall = of.roc()
        precision = of.precision()
        value = float(np.diff(recall) @ precision)
        picture = thinned(
            "precision-recall",
            "Precision against recall",
            recall=recall,
            precision=np.concatenate([[1.0], precision]),
        )
        return Found(value=value, interval=precision_interval(of, value), charts=(picture,))


@measure(
    id="performance.ks",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=BINARY,
    needs=NEEDS,
    clusters=True,
    source="scikit-learn, roc_curve: largest TPR - FPR; Smirnov 1939",
)
def ks(cells: Cells) -> Estimate:
    """Kolmogorov-Smirnov distance of the positives' scores above the negatives': max(TPR - FPR).

    Directed: a model that ranks backwards gets 0, while the undirected statistic would praise it. The
    lower bound is Smirnov's over all cuts, the upper one Newcombe's at the best cut; clusters count as as
    many rows as would vary as much. Missing with one class.
    """
    return _ranked(cells, separation)


@measure(
    id="performance.recall_at_fpr",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=BINARY,
    needs=NEEDS,
    clusters=True,
    source="scikit-learn, roc_curve: largest TPR with FPR <= max_fpr",
)
def recall_at_fpr(cells: Cells, *, max_fpr: Annotated[float, Field(gt=0, lt=1)] = 0.05) -> Estimate:
    """Share of the positives found at the lowest cut that flags at most `max_fpr` of the negatives.

    A point of the ROC curve, without interpolation; 0 when even the highest score flags more. MOVER's
    interval over the recall at the cut and the place of the cut: the curve is read at Wilson's bounds of
    `max_fpr` among the negatives; clusters count as as many rows as would vary as much. Missing with one
    class.
    """
    return _ranked(cells, partial(recall_at, share=max_fpr))


@measure(
    id="performance.lift_at_k",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=BINARY,
    needs=NEEDS,
    clusters=True,
    source="Ling and Li 1998, Data mining for direct marketing: problems and solutions",
)
def lift_at_k(cells: Cells, *, k: Annotated[float, Field(gt=0, lt=1)] = 0.1) -> Estimate:
    """Share of positives among the `k` highest-scored share of rows, over the share among all rows.

    1 is chance, 1 / k the most. Ties at the cut count in proportion, the mean over all orders that break
    them. The interval comes from each row's influence, or each cluster's, on Wilson's scale. Missing with
    one class.
    """
    return _ranked(cells, partial(_lift, k=k))


def _ranked(cells: Cells, rank: Callable[[Curve], tuple[float, Part | None]]) -> Estimate:
    """Rank the cells that count; an estimate that says why where both classes do not occur."""
    seen = _both(cells)
    if isinstance(seen, str):
        return Estimate.missing(seen, n=cells.rows)
    value, interval = rank(curve(seen))
    return one_vs_rest.estimated(seen, Found(value=value, interval=interval))


def _both(cells: Cells) -> Cells | str:
    """Return the cells that count; the reason where both classes do not occur."""
    seen = counted(cells)
    reason = unusable(seen, classes=True)
    return seen if reason is None else reason


def _area(of: Curve) -> float:
    import numpy as np

    fpr, tpr = of.roc()
    return float(np.trapezoid(tpr, fpr))


def _lift(of: Curve, *, k: float) -> tuple[float, Part | None]:
    interval = capture_interval(of, k)
    return captured(of, k) / k, None if interval is None else Mapped(interval, partial(_over, k))


def _gini_of_auc(auc: float) -> float:
    return 2.0 * auc - 1.0


def _over(share: float, value: float) -> float:
    return value / share
