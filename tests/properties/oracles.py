"""What the checks of the catalogue are on rows: scikit-learn's, fairlearn's and numpy's answers, by task.

Oracles never see cells: they compute on the rows, with the weights of the rows as `sample_weight`. None is
what is undefined, and then has to be missing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from fairlearn import metrics as fair
from sklearn import metrics

from tests.properties.conftest import LEVELS, TASKS, Drawn, Rows, of_family, spelt, use

MAX_FPR, SHARE = 0.05, 0.1
"""The defaults of recall-at-fpr and lift-at-k."""

Value = Callable[[Rows], float | None]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A check with its parameters, and what it is on rows that all weigh something."""

    check: str
    value: Callable[[Rows, int], float | None]
    """Given the rows and the smallest class that is judged by itself."""
    params: Mapping[str, Any] = field(default_factory=dict)

    def use(self, number: int = 0, limit: float = 0.5, **more: Any) -> dict[str, Any]:
        """Return a use of it."""
        return use(
            self.check, number, limit, **({"params": dict(self.params)} if self.params else {}), **more
        )


def performance(name: str, value: Value, **params: Any) -> Asked:
    """Return a check of performance that judges no class by itself."""
    return Asked(check=f"performance/{name}", value=lambda rows, _: value(rows), params=params)


def several_labels(rows: Rows) -> bool:
    """Whether rows are labelled with two classes or more."""
    return len(set(rows.y.tolist())) > 1


def several_predictions(rows: Rows) -> bool:
    """Whether label and prediction both vary."""
    return several_labels(rows) and len(set(rows.d.tolist())) > 1


def defined(value: Value, *needed: Callable[[Rows], Any]) -> Value:
    """Return a value that is None without rows, and where anything that it needs is not there."""
    return lambda rows: value(rows) if len(rows.w) and all(one(rows) for one in needed) else None


def decisions(metric: Callable[..., float], *needed: Callable[[Rows], Any], **fixed: Any) -> Value:
    """A metric of label and prediction."""
    return defined(lambda rows: float(metric(rows.y, rows.d, sample_weight=rows.w, **fixed)), *needed)


def scores(metric: Callable[..., float], *needed: Callable[[Rows], Any], **fixed: Any) -> Value:
    """A metric of label and score."""
    return defined(lambda rows: float(metric(rows.y, rows.p, sample_weight=rows.w, **fixed)), *needed)


def mean(value: Callable[[Rows], Any]) -> Value:
    """The weighted mean of a number that every row has."""
    return defined(lambda rows: float(np.average(value(rows), weights=rows.w)))


auc = scores(metrics.roc_auc_score)


def gini(rows: Rows) -> float:
    """Twice the area, less one."""
    return 2 * float(auc(rows) or 0.0) - 1


def ks(rows: Rows) -> float:
    """The largest distance of the two rates along the curve."""
    fpr, tpr, _ = metrics.roc_curve(rows.y, rows.p, sample_weight=rows.w, drop_intermediate=False)
    return float((tpr - fpr).max())


def recall_at_fpr(rows: Rows) -> float:
    """The highest point of the curve that is not past the allowed rate; sums of weights are noisy."""
    fpr, tpr, _ = metrics.roc_curve(rows.y, rows.p, sample_weight=rows.w, drop_intermediate=False)
    return float(tpr[fpr <= MAX_FPR * (1 + 1e-12)].max())


def lift(rows: Rows) -> float:
    """The share of positives in the top tenth, ties in proportion, over that among all rows."""
    budget, hits = SHARE * rows.w.sum(), 0.0
    for score in sorted(set(rows.p.tolist()), reverse=True):
        here = rows.p == score
        taken = min(1.0, max(budget, 0.0) / rows.w[here].sum())
        hits += taken * rows.w[here & (rows.y == 1)].sum()
        budget -= rows.w[here].sum()
    return float(hits / rows.w[rows.y == 1].sum() / SHARE)


def calibration_error(rows: Rows, *, largest: bool = False) -> float:
    """Gap of promise and outcome over ten bins of equal width: their mean, or the largest."""
    place = np.searchsorted([i / 10 for i in range(1, 10)], rows.p, side="right")
    gaps = [abs(float(rows.w[place == one] @ (rows.y - rows.p)[place == one])) for one in range(10)]
    if largest:
        return max(gap / rows.w[place == one].sum() for one, gap in enumerate(gaps) if (place == one).any())
    return math.fsum(gaps) / float(rows.w.sum())


def top(rows: Rows) -> Rows:
    """Whether the likelier class is right, and its probability; of several, whether the predicted one is."""
    if rows.task == "multiclass":
        given = np.take_along_axis(rows.p, rows.d[:, None], axis=1)[:, 0]
        return replace(rows, task="binary", y=(rows.y == rows.d).astype(float), p=given)
    right = (rows.p >= 0.5) == (rows.y == 1)
    return replace(rows, y=right.astype(float), p=np.maximum(rows.p, 1 - rows.p))


def expected_cost(rows: Rows) -> float:
    """One for a false alarm, five for a miss."""
    found = metrics.confusion_matrix(rows.y, rows.d, labels=[0, 1], sample_weight=rows.w)
    return float((found[0, 1] + 5 * found[1, 0]) / found.sum())


def observed_expected(rows: Rows) -> float:
    """Positives that there are over those that were promised."""
    return float(np.average(rows.y, weights=rows.w) / np.average(rows.p, weights=rows.w))


def shares(rows: Rows) -> np.ndarray:
    """The share of each class that is labelled."""
    return np.array([rows.w[rows.y == one].sum() for one in np.unique(rows.y)]) / rows.w.sum()


def versus_dummy(rows: Rows) -> float:
    """One less the errors over those of always giving the commonest class."""
    return float(1 - np.average(rows.y != rows.d, weights=rows.w) / (1 - shares(rows).max()))


def versus_shares(rows: Rows) -> float:
    """One less the log loss over that of always stating the shares of the classes."""
    labels = range(rows.p.shape[1] if rows.task == "multiclass" else 2)
    own = metrics.log_loss(rows.y, rows.p, labels=labels, sample_weight=rows.w)
    return float(1 + own / (shares(rows) @ np.log(shares(rows))))


BINARY = (
    performance("accuracy", decisions(metrics.accuracy_score)),
    performance("precision", decisions(metrics.precision_score, lambda rows: rows.d.any(), pos_label=1)),
    performance("recall", decisions(metrics.recall_score, lambda rows: rows.y.any(), pos_label=1)),
    performance("specificity", decisions(metrics.recall_score, lambda rows: not rows.y.all(), pos_label=0)),
    performance("npv", decisions(metrics.precision_score, lambda rows: not rows.d.all(), pos_label=0)),
    performance("f1", decisions(metrics.f1_score, lambda rows: rows.y.any() or rows.d.any(), pos_label=1)),
    performance("balanced-accuracy", decisions(metrics.balanced_accuracy_score, several_labels)),
    performance("mcc", decisions(metrics.matthews_corrcoef, several_predictions)),
    performance("cohen-kappa", decisions(metrics.cohen_kappa_score, several_labels)),
    performance("expected-cost", defined(expected_cost, several_labels), fp_cost=1, fn_cost=5),
    performance("roc-auc", defined(auc, several_labels)),
    performance("gini", defined(gini, several_labels)),
    performance("average-precision", scores(metrics.average_precision_score, several_labels)),
    performance("ks", defined(ks, several_labels)),
    performance("recall-at-fpr", defined(recall_at_fpr, several_labels)),
    performance("lift-at-k", defined(lift, several_labels)),
    performance("log-loss", scores(metrics.log_loss, labels=[0, 1])),
    performance("brier", scores(metrics.brier_score_loss, pos_label=1)),
    performance("calibration-error", defined(calibration_error)),
    performance("calibration-error", defined(lambda rows: calibration_error(top(rows))), of="top"),
    performance("calibration-error", defined(partial(calibration_error, largest=True)), norm="max"),
    performance("observed-expected", defined(observed_expected, lambda rows: rows.p.max() > 0)),
    performance("versus-dummy", defined(versus_dummy, several_labels)),
    performance("versus-dummy", defined(versus_shares, several_labels), metric="log-loss"),
)


@dataclass(frozen=True, kw_only=True)
class ClassValue:
    """A number of one class against the rest: None where it is undefined, and how many rows it is of."""

    value: float | None
    rows: int
    share: float
    """Of the class among the labels."""
    clusters: int

    def judged(self, min_group: int) -> bool:
        """Whether it is judged by itself."""
        return self.value is not None and self.rows >= min_group and self.clusters > 1


def averaged(classes: list[ClassValue], how: str, min_group: int) -> float | None:
    """Average over classes; every class by itself is the worst that is judged."""
    if how == "per_class":
        return min((float(one.value or 0.0) for one in classes if one.judged(min_group)), default=None)
    weights = [1 / len(classes) if how == "macro" else one.share for one in classes]
    if any(one.value is None for one, weight in zip(classes, weights, strict=True) if weight > 0):
        return None
    return math.fsum(weight * float(one.value or 0.0) for one, weight in zip(classes, weights, strict=True))


def clusters_of(rows: Rows, mask: np.ndarray) -> int:
    """How many clusters rows that weigh something come from; each row is one where there are none."""
    kept = mask & (rows.w > 0)
    return max(2, len(rows.w)) if rows.cluster is None else len(set(rows.cluster[kept].tolist()))


TN, FP, FN, TP = range(4)
RATES_OF_CLASSES: dict[str, tuple[tuple[int, ...], tuple[int, ...], Callable[[Any, Any], Any]]] = {
    "recall": ((TP,), (TP, FN), lambda y, _: y),
    "precision": ((TP,), (TP, FP), lambda _, d: d),
    "f1": ((TP, TP), (TP, TP, FN, FP), lambda y, d: y | d),
    "specificity": ((TN,), (TN, FP), lambda y, _: ~y),
    "npv": ((TN,), (TN, FN), lambda _, d: ~d),
}
"""Which of the four counts make numerator and denominator, and which rows the denominator holds."""
LIBRARY = {"recall": metrics.recall_score, "precision": metrics.precision_score, "f1": metrics.f1_score}


def rate_of_classes(name: str, how: str, rows: Rows, min_group: int) -> float | None:
    """A rate of one class against the rest, averaged over the classes that occur."""
    names = np.unique(np.concatenate([rows.y, rows.d]))
    if len(names) < 2:
        return None
    above, below, inside = RATES_OF_CLASSES[name]
    matrices = metrics.multilabel_confusion_matrix(rows.y, rows.d, labels=names, sample_weight=rows.w)
    if how == "micro":
        pooled = matrices.sum(axis=0).ravel()
        return float(pooled[list(above)].sum() / pooled[list(below)].sum())
    every = []
    for one, matrix in zip(names, matrices, strict=True):
        among = inside(rows.y == one, rows.d == one)
        counts = matrix.ravel()
        value = float(counts[list(above)].sum() / counts[list(below)].sum()) if among.any() else None
        if value is not None and name in LIBRARY:
            value = float(LIBRARY[name](rows.y, rows.d, labels=[one], average="macro", sample_weight=rows.w))
        share = rows.w[rows.y == one].sum() / rows.w.sum()
        every.append(
            ClassValue(value=value, rows=among.sum(), share=share, clusters=clusters_of(rows, among))
        )
    return averaged(every, how, min_group)


def rank_of_classes(metric: Value, how: str, rows: Rows, min_group: int) -> float | None:
    """A metric of the scores of one class against the rest, averaged over all classes."""
    every = []
    for one in range(rows.p.shape[1]) if len(rows.w) else ():
        here = replace(rows, task="binary", y=(rows.y == one).astype(float), p=rows.p[:, one])
        fewest = min(here.y.sum(), len(here.y) - here.y.sum())
        value = metric(here) if several_labels(here) else None
        share = rows.w[rows.y == one].sum() / rows.w.sum()
        clusters = clusters_of(rows, rows.w > 0)
        every.append(ClassValue(value=value, rows=fewest, share=share, clusters=clusters))
    return averaged(every, how, min_group) if every else None


def ordered_kappa(rows: Rows, weights: str) -> float:
    """Kappa of classes whose names are numbers, by how many classes a decision is off."""
    rank = np.argsort(np.argsort(rows.names))
    return float(
        metrics.cohen_kappa_score(
            rank[rows.y], rank[rows.d], labels=range(len(rank)), weights=weights, sample_weight=rows.w
        )
    )


def labels_of(rows: Rows) -> range:
    """The places of all classes."""
    return range(rows.p.shape[1])


MULTICLASS = (
    performance("accuracy", decisions(metrics.accuracy_score)),
    performance(
        "balanced-accuracy",
        defined(
            lambda rows: float(
                metrics.recall_score(
                    rows.y, rows.d, labels=np.unique(rows.y), average="macro", sample_weight=rows.w
                )
            ),
            several_labels,
        ),
    ),
    performance("mcc", decisions(metrics.matthews_corrcoef, several_predictions)),
    performance("cohen-kappa", decisions(metrics.cohen_kappa_score, several_labels)),
    *(
        Asked(
            check=f"performance/{name}",
            value=partial(rate_of_classes, name, how or "macro"),
            params={"average": how} if how else {},
        )
        for name in RATES_OF_CLASSES
        for how in (None, "micro", "weighted", "per_class")
    ),
    *(
        Asked(
            check=f"performance/{name}", value=partial(rank_of_classes, metric, how), params={"average": how}
        )
        for name, metric in (
            ("roc-auc", auc),
            ("gini", gini),
            ("average-precision", scores(metrics.average_precision_score)),
        )
        for how in ("macro", "weighted", "per_class")
    ),
    performance(
        "log-loss",
        defined(
            lambda rows: float(metrics.log_loss(rows.y, rows.p, labels=labels_of(rows), sample_weight=rows.w))
        ),
    ),
    performance(
        "brier",
        defined(
            lambda rows: float(
                metrics.brier_score_loss(
                    rows.y, rows.p, labels=labels_of(rows), sample_weight=rows.w, scale_by_half=False
                )
            )
        ),
    ),
    performance("calibration-error", defined(lambda rows: calibration_error(top(rows)))),
    performance("versus-dummy", defined(versus_dummy, several_labels)),
    performance("versus-dummy", defined(versus_shares, several_labels), metric="log-loss"),
)
ORDERED = tuple(
    performance("cohen-kappa", defined(partial(ordered_kappa, weights=how), several_labels), weights=how)
    for how in ("linear", "quadratic")
)
"""For classes that are numbers."""


def no_zero(rows: Rows) -> bool:
    """Whether errors can be relative to every label."""
    return bool((np.abs(rows.y) >= np.finfo(float).eps).all())


def off_level(rows: Rows) -> float:
    """The largest distance of a quantile's level from the share of labels up to it."""
    below = [np.average(rows.y <= rows.q[:, place], weights=rows.w) for place in range(len(LEVELS))]
    return float(max(abs(share - level) for share, level in zip(below, LEVELS, strict=True)))


def pinball(rows: Rows, level: float) -> float:
    """The loss of one quantile."""
    quantile = rows.q[:, LEVELS.index(level)]
    return float(metrics.mean_pinball_loss(rows.y, quantile, sample_weight=rows.w, alpha=level))


ERRORS = (
    performance("mae", decisions(metrics.mean_absolute_error)),
    performance("rmse", decisions(metrics.root_mean_squared_error)),
    performance("mape", decisions(metrics.mean_absolute_percentage_error, no_zero)),
    performance("r2", decisions(metrics.r2_score, several_labels)),
    performance("median-absolute-error", decisions(metrics.median_absolute_error)),
    performance("max-error", defined(lambda rows: float(metrics.max_error(rows.y, rows.d)))),
    performance("mean-error", mean(lambda rows: rows.d - rows.y)),
    performance("versus-dummy", decisions(metrics.d2_absolute_error_score, several_labels)),
    performance("versus-dummy", decisions(metrics.r2_score, several_labels), metric="mse"),
)
"""Of label and prediction of a regression."""
REGRESSION = (
    *ERRORS,
    *(performance("pinball-loss", defined(partial(pinball, level=one)), level=one) for one in LEVELS),
    performance("quantile-coverage", defined(off_level)),
    performance(
        "interval-coverage",
        mean(lambda rows: (rows.ends[:, 0] <= rows.y) & (rows.y <= rows.ends[:, 1])),
    ),
)
OF_TASK: Mapping[str, tuple[Asked, ...]] = {
    "binary": BINARY,
    "multiclass": MULTICLASS,
    "regression": REGRESSION,
    "scores": (performance("mean-score", mean(lambda rows: rows.p)),),
}
NO_ORACLE = {
    "performance/calibration-slope",
    "performance/weak-slices",
    "performance/worst-slice",
    "performance/worst-slice-error",
}
"""Calibration slopes are fitted, so their own tests hold them against an independent fit, to less than 1e-9.
Weak slices are searched for. Worst slices are of any metric, and their own tests hold them against fairlearn."""


def of(table: Drawn) -> tuple[Asked, ...]:
    """Return what is asked of a table's performance."""
    known = OF_TASK[table.shape.task]
    return (*known, *ORDERED) if table.rows.names and table.shape.task == "multiclass" else known


RATES: dict[str, tuple[Callable[[Rows], np.ndarray], Callable[[Rows], float | None]]] = {
    "selection_rate": (lambda rows: rows.y > -1, decisions(fair.selection_rate)),
    "unselected_rate": (lambda rows: rows.y > -1, decisions(fair.selection_rate, pos_label=0)),
    "accuracy": (lambda rows: rows.y > -1, decisions(metrics.accuracy_score)),
    "error_rate": (lambda rows: rows.y > -1, decisions(metrics.zero_one_loss)),
    "true_positive_rate": (lambda rows: rows.y == 1, decisions(fair.true_positive_rate)),
    "true_negative_rate": (lambda rows: rows.y == 0, decisions(fair.true_negative_rate)),
    "false_negative_rate": (lambda rows: rows.y == 1, decisions(fair.false_negative_rate)),
    "false_positive_rate": (lambda rows: rows.y == 0, decisions(fair.false_positive_rate)),
    "precision": (lambda rows: rows.d == 1, decisions(metrics.precision_score, pos_label=1)),
    "negative_predictive_value": (lambda rows: rows.d == 0, decisions(metrics.precision_score, pos_label=0)),
}
"""What is in the denominator, and the library's function."""
ODDS = ("true_positive_rate", "false_positive_rate")


@dataclass(frozen=True, kw_only=True)
class Group:
    """A group of rows, as the policy has it."""

    key: tuple[str | None, ...]
    mask: np.ndarray
    known: bool
    """Whether every protected value is there, or missing ones are judged too."""
    min_group: int

    def enough(self, among: np.ndarray, rows: Rows) -> bool:
        """Whether it has enough rows, and enough of them in a denominator that weighs something."""
        inside = self.mask & among
        enough = min(self.mask.sum(), inside.sum()) >= self.min_group
        return bool(self.known and enough and rows.weighs(inside))

    def judged(self, among: np.ndarray, rows: Rows) -> bool:
        """Whether its share is held against the limit; all rows of one cluster say nothing of others."""
        return self.enough(among, rows) and clusters_of(rows, self.mask & among) > 1

    def part(self, rows: Rows) -> Rows:
        """Return its rows that weigh something."""
        return rows.where(self.mask & (rows.w > 0))


def groups_of(
    table: Drawn, by: Iterable[str], *, min_group: int, judge_unknown: bool, inside: np.ndarray | None = None
) -> list[Group]:
    """Partition the rows, or those inside, by the values of protected columns."""
    keys = list(zip(*([spelt(one) for one in table.frame[name]] for name in by), strict=True))
    within = np.ones(len(keys), dtype=bool) if inside is None else inside
    return [
        Group(
            key=key,
            mask=np.array([one == key for one in keys]) & within,
            known=judge_unknown or None not in key,
            min_group=min_group,
        )
        for key in dict.fromkeys(one for one, there in zip(keys, within, strict=True) if there)
    ]


def summary(values: list[float], how: str) -> float | None:
    """Compare the numbers of groups; a ratio of what is below 0 says nothing."""
    match how:
        case "difference":
            return max(values) - min(values)
        case "ratio":
            return None if max(values) == 0 or min(values) < 0 else min(values) / max(values)
        case "lowest":
            return min(values)
        case _:
            return max(values)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A check of fairness with its parameters, and how groups are compared."""

    check: str
    how: str
    """`difference`, `ratio`, `lowest`, `highest`."""
    tasks: tuple[str, ...] = ("binary", "multiclass")
    params: Mapping[str, Any] = field(default_factory=dict)
    rates: tuple[str, ...] = ()
    number: Value | None = None
    """What is compared, where it is no rate."""
    sides: bool = False
    """Whether a group needs rows of either class."""
    alone: bool = True
    """Whether a group whose rows are all of one cluster is judged."""
    whole: bool = False
    """Whether it is of all classes, and not of the favourable ones."""
    within: bool = False
    """Whether it is within strata, of the second protected column."""
    together: Callable[[list[float]], float] | None = None
    """Of several rates, what is reported; else the worst."""

    def use(self, table: Drawn, number: int = 0, limit: float = 0.5, **more: Any) -> dict[str, Any]:
        """Return a use of it."""
        params = {**self.params, **({"strata": table.protected[1]} if self.within else {})}
        return use(self.check, number, limit, **({"params": params} if params else {}), **more)

    def rows(self, rows: Rows) -> Rows:
        """Return the rows as it looks at them."""
        return rows if self.whole else rows.viewed

    def value(self, rows: Rows, groups: list[Group], *, judged: bool) -> float | None:
        """Compare the judged groups, or all that are known; None where fewer than two have a number."""
        rows, found = self.rows(rows), []
        for among, metric, fits in self._numbers(rows):
            chosen = [one for one in groups if (fits(one) if judged else one.known)]
            chosen = [one for one in chosen if rows.weighs(one.mask & among)]
            numbers = [metric(one.part(rows)) for one in chosen]
            values = [one for one in numbers if one is not None]
            if len(values) < 2:
                return None
            found.append(summary(values, self.how))
        known = [one for one in found if one is not None]
        if len(known) < len(found):
            return None
        return (self.together or (max if self.how in ("difference", "highest") else min))(known)

    def _numbers(self, rows: Rows) -> Iterable[tuple[np.ndarray, Value, Callable[[Group], bool]]]:
        """Yield each number: its denominator, how it is computed, and which groups are judged by it."""
        for name in self.rates:
            among, metric = RATES[name]
            yield among(rows), metric, partial(Group.judged, among=among(rows), rows=rows)
        if self.number is not None:
            every = np.ones(len(rows.w), dtype=bool)
            yield every, self.number, partial(self._judged, every, rows)

    def _judged(self, every: np.ndarray, rows: Rows, group: Group) -> bool:
        parts = [rows.y == 0, rows.y == 1] if self.sides else [every]
        enough = all(group.enough(one, rows) for one in parts)
        return enough and (self.alone or clusters_of(rows, group.mask) > 1)


def rate(name: str, how: str, *rates: str, **more: Any) -> Compared:
    """Return a check of a rate."""
    return Compared(check=f"fairness/{name}", how=how, rates=rates, **more)


def number(name: str, how: str, value: Value, **more: Any) -> Compared:
    """Return a check of a mean, or of another number of a group."""
    return Compared(check=f"fairness/{name}", how=how, number=value, **more)


NUMERIC = ("regression",)
MEANS: Mapping[str, Value] = {
    "mean-prediction": mean(lambda rows: rows.d),
    "mean-error": mean(lambda rows: rows.d - rows.y),
    "mae": decisions(metrics.mean_absolute_error),
    "rmse": decisions(metrics.root_mean_squared_error),
}
GAPS = (
    rate("accuracy-gap", "difference", "accuracy", whole=True),
    rate("demographic-parity-difference", "difference", "selection_rate"),
    rate("demographic-parity-ratio", "ratio", "selection_rate"),
    rate("equal-opportunity-difference", "difference", "true_positive_rate"),
    rate("equalized-odds-difference", "difference", *ODDS),
    rate("equalized-odds-ratio", "ratio", *ODDS),
    rate("average-odds-gap", "difference", *ODDS, together=lambda gaps: sum(gaps) / len(gaps)),
    rate("false-negative-rate-gap", "difference", "false_negative_rate"),
    rate("false-positive-rate-gap", "difference", "false_positive_rate"),
    rate("impact-ratio", "ratio", "selection_rate"),
    rate("predictive-parity", "difference", "precision"),
    rate("worst-group", "lowest", "accuracy", whole=True),
    rate("worst-group", "lowest", "true_positive_rate", params={"metric": "recall"}),
    rate("worst-group", "lowest", "negative_predictive_value", params={"metric": "npv"}),
    rate("worst-group-error", "highest", "error_rate", whole=True),
    rate("worst-group-error", "highest", "false_positive_rate", params={"metric": "false_positive_rate"}),
    rate("conditional-parity", "difference", "selection_rate", within=True),
    number("group-auc", "lowest", defined(auc, several_labels), sides=True, alone=False),
    number(
        "calibration-by-group",
        "highest",
        lambda rows: abs(float(mean(lambda rows: rows.y - rows.p)(rows) or 0.0)),
        alone=False,
    ),
    number("score-parity", "difference", mean(lambda rows: rows.p), tasks=("binary", "multiclass", "scores")),
    *(
        number("regression-parity", "difference", value, params={"metric": name}, tasks=NUMERIC)
        for name, value in MEANS.items()
    ),
    *(
        number("regression-parity-ratio", "ratio", MEANS[name], params={"metric": name}, tasks=NUMERIC)
        for name in ("mae", "rmse", "mean-prediction")
    ),
)


def gaps_of(task: str) -> tuple[Compared, ...]:
    """Return what is asked of the fairness of a table of a task."""
    return tuple(one for one in GAPS if task in one.tasks)


def every_check_has_an_oracle() -> None:
    """Assert that no check of the catalogue is left out, for any task."""
    for task in TASKS:
        known = {one.check for one in OF_TASK[task]} | NO_ORACLE
        assert set(of_family("performance", task)) == known & set(of_family("performance", task))
        assert set(of_family("fairness", task)) == {one.check for one in gaps_of(task)}


def models(table: Drawn, seed: int, limit: float = 0.5, *, few: int = 8, **more: Any) -> list[dict[str, Any]]:
    """Return some uses of performance and of fairness checks of the table's task."""
    rng = np.random.default_rng(seed)
    asked, gaps = of(table), gaps_of(table.shape.task)
    plain = [asked[place] for place in rng.permutation(len(asked))[:few]]
    between = [gaps[place] for place in rng.permutation(len(gaps))[:2]]
    return [
        *(one.use(place, limit, **more) for place, one in enumerate(plain)),
        *(one.use(table, len(plain) + place, limit, **more) for place, one in enumerate(between)),
    ]
