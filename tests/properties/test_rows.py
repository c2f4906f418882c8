"""Values on cells equal scikit-learn and fairlearn on the rows, for any table, to 1e-9 (relative).

The oracle never sees cells: it computes on the rows, with the weights of the rows as `sample_weight`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from fairlearn import metrics as fair
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn import metrics

from mlgate.findings import Finding, GroupRecord
from tests.properties.conftest import (
    FAIRNESS,
    PERFORMANCE,
    Drawn,
    Shape,
    close,
    drawn,
    examples,
    judge,
    proven,
    shapes,
    spelt,
    use,
)

MAX_FPR, SHARE = 0.05, 0.1
"""The defaults of recall-at-fpr and lift-at-k."""

MIN_GROUPS = (1, 2, 5, 30)


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows in plain numbers."""

    y: np.ndarray
    d: np.ndarray
    p: np.ndarray
    w: np.ndarray

    def where(self, mask: np.ndarray) -> Rows:
        """Return some of the rows."""
        return Rows(y=self.y[mask], d=self.d[mask], p=self.p[mask], w=self.w[mask])

    def weighs(self, mask: np.ndarray) -> bool:
        """Whether rows have any weight together."""
        return bool(self.w[mask].sum() > 0)


def decisions(metric: Callable[..., float], **fixed: Any) -> Callable[[Rows], float]:
    """A metric of label and prediction."""
    return lambda rows: float(metric(rows.y, rows.d, sample_weight=rows.w, **fixed))


def scores(metric: Callable[..., float], **fixed: Any) -> Callable[[Rows], float]:
    """A metric of label and score."""
    return lambda rows: float(metric(rows.y, rows.p, sample_weight=rows.w, **fixed))


def gini(rows: Rows) -> float:
    """Twice the area, less one."""
    return 2 * scores(metrics.roc_auc_score)(rows) - 1


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


def calibration_error(rows: Rows) -> float:
    """Mean gap of promise and outcome over ten bins of equal width."""
    place = np.searchsorted([i / 10 for i in range(1, 10)], rows.p, side="right")
    gaps = [abs(float(rows.w[place == one] @ (rows.y - rows.p)[place == one])) for one in range(10)]
    return math.fsum(gaps) / float(rows.w.sum())


def expected_cost(rows: Rows) -> float:
    """One for a false alarm, five for a miss."""
    found = metrics.confusion_matrix(rows.y, rows.d, labels=[0, 1], sample_weight=rows.w)
    return float((found[0, 1] + 5 * found[1, 0]) / found.sum())


def observed_expected(rows: Rows) -> float:
    """Positives that there are over those that were promised."""
    return float(np.average(rows.y, weights=rows.w) / np.average(rows.p, weights=rows.w))


def versus_dummy(rows: Rows) -> float:
    """One less the errors over those of always giving the commoner class."""
    positive = np.average(rows.y, weights=rows.w)
    return float(1 - np.average(rows.y != rows.d, weights=rows.w) / min(positive, 1 - positive))


VALUES: dict[str, Callable[[Rows], float]] = {
    "accuracy": decisions(metrics.accuracy_score),
    "precision": decisions(metrics.precision_score, pos_label=1),
    "recall": decisions(metrics.recall_score, pos_label=1),
    "specificity": decisions(metrics.recall_score, pos_label=0),
    "npv": decisions(metrics.precision_score, pos_label=0),
    "f1": decisions(metrics.f1_score, pos_label=1),
    "balanced-accuracy": decisions(metrics.balanced_accuracy_score),
    "mcc": decisions(metrics.matthews_corrcoef),
    "cohen-kappa": decisions(metrics.cohen_kappa_score),
    "expected-cost": expected_cost,
    "roc-auc": scores(metrics.roc_auc_score),
    "gini": gini,
    "average-precision": scores(metrics.average_precision_score),
    "ks": ks,
    "recall-at-fpr": recall_at_fpr,
    "lift-at-k": lift,
    "log-loss": scores(metrics.log_loss, labels=[0, 1]),
    "brier": scores(metrics.brier_score_loss, pos_label=1),
    "calibration-error": calibration_error,
    "observed-expected": observed_expected,
    "versus-dummy": versus_dummy,
}
NO_ORACLE = {"calibration-slope"}
"""Fitted, so its own tests hold it against an independent fit, to less than 1e-9."""

BOTH_CLASSES = {
    "balanced-accuracy", "mcc", "cohen-kappa", "expected-cost", "roc-auc", "gini", "average-precision", "ks",
    "recall-at-fpr", "lift-at-k", "versus-dummy",
}  # fmt: skip


def defined(name: str, rows: Rows) -> bool:
    """Whether a metric has a denominator; rows of weight zero are none."""
    y, d = rows.y == 1, rows.d == 1
    if not len(rows.y) or (name in BOTH_CLASSES and not (y.any() and (~y).any())):
        return False
    return {
        "precision": d.any(),
        "recall": y.any(),
        "specificity": (~y).any(),
        "npv": (~d).any(),
        "f1": (y | d).any(),
        "mcc": d.any() and (~d).any(),
        "observed-expected": rows.p.max() > 0,
    }.get(name, True)


def of(table: Drawn) -> Rows:
    """The rows of a table in plain numbers."""
    return Rows(y=table.label, d=table.prediction, p=table.score, w=table.weight)


@pytest.mark.slow
@given(shape=shapes(), parquet=st.booleans())
@examples(40)
def test_performance_on_cells_equals_scikit_learn_on_rows(shape: Shape, parquet: bool) -> None:
    """Each metric is the library's on the rows that weigh something, or is missing where it is undefined."""
    assert {f"performance/{name}" for name in (*VALUES, *NO_ORACLE)} == set(PERFORMANCE)
    table = drawn(shape)
    assume(proven(table))
    uses = [use(f"performance/{name}", number) for number, name in enumerate(VALUES)]
    report = judge(table, uses, parquet=parquet)
    rows = of(table).where(table.weight > 0)
    for number, name in enumerate(VALUES):
        found = report.finding(f"use-{number}")
        wanted = VALUES[name](rows) if defined(name, rows) else None
        # Weights from 10^-6 to 10^6 cost digits where a metric is a difference, in the library too.
        slack = 1e-9 if shape.weight == "wide" else 1e-12
        assert close(found.value, wanted, slack=slack), (name, found.value, wanted, found.reason)


RATES: dict[str, tuple[Callable[[Rows], np.ndarray], Callable[[Rows], float]]] = {
    "selection_rate": (lambda rows: rows.y > -1, decisions(fair.selection_rate)),
    "unselected_rate": (lambda rows: rows.y > -1, decisions(fair.selection_rate, pos_label=0)),
    "accuracy": (lambda rows: rows.y > -1, VALUES["accuracy"]),
    "error_rate": (lambda rows: rows.y > -1, decisions(metrics.zero_one_loss)),
    "true_positive_rate": (lambda rows: rows.y == 1, decisions(fair.true_positive_rate)),
    "false_negative_rate": (lambda rows: rows.y == 1, decisions(fair.false_negative_rate)),
    "false_positive_rate": (lambda rows: rows.y == 0, decisions(fair.false_positive_rate)),
    "precision": (lambda rows: rows.d == 1, VALUES["precision"]),
}
"""What is in the denominator, and the library's function."""

PAIRS: dict[str, tuple[tuple[str, ...], str]] = {
    "accuracy-gap": (("accuracy",), "difference"),
    "demographic-parity-difference": (("selection_rate",), "difference"),
    "demographic-parity-ratio": (("selection_rate",), "ratio"),
    "equal-opportunity-difference": (("true_positive_rate",), "difference"),
    "equalized-odds-difference": (("true_positive_rate", "false_positive_rate"), "difference"),
    "equalized-odds-ratio": (("true_positive_rate", "false_positive_rate"), "ratio"),
    "false-negative-rate-gap": (("false_negative_rate",), "difference"),
    "false-positive-rate-gap": (("false_positive_rate",), "difference"),
    "impact-ratio": (("selection_rate",), "ratio"),
    "predictive-parity": (("precision",), "difference"),
    "worst-group": (("accuracy",), "lowest"),
    "worst-group-error": (("error_rate",), "highest"),
}
BY_SCORE = {"group-auc": "lowest", "calibration-by-group": "highest"}

NAMED: dict[str, Callable[..., float]] = {
    "demographic-parity-difference": fair.demographic_parity_difference,
    "demographic-parity-ratio": fair.demographic_parity_ratio,
    "equal-opportunity-difference": fair.equal_opportunity_difference,
    "equalized-odds-difference": fair.equalized_odds_difference,
    "equalized-odds-ratio": fair.equalized_odds_ratio,
}
"""What fairlearn has under a name of its own."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Group:
    """A group of rows, as the policy has it."""

    mask: np.ndarray
    known: bool
    """Whether every protected value is there, or missing ones are judged too."""
    min_group: int

    def judged(self, among: np.ndarray, rows: Rows) -> bool:
        """Whether it has enough rows, and enough of them in a denominator that weighs something."""
        inside = self.mask & among
        enough = min(self.mask.sum(), inside.sum()) >= self.min_group
        return bool(self.known and enough and rows.weighs(inside))


def groups_of(
    table: Drawn, by: list[str], *, min_group: int, judge_unknown: bool
) -> dict[tuple[str | None, ...], Group]:
    """Partition the rows by the values of protected columns."""
    keys = list(zip(*([spelt(one) for one in table.frame[name]] for name in by), strict=True))
    return {
        key: Group(
            mask=np.array([one == key for one in keys]),
            known=judge_unknown or None not in key,
            min_group=min_group,
        )
        for key in dict.fromkeys(keys)
    }


def summary(values: list[float], how: str) -> float:
    """Compare the rates of groups."""
    match how:
        case "difference":
            return max(values) - min(values)
        case "ratio":
            return min(values) / max(values)
        case "lowest":
            return min(values)
        case _:
            return max(values)


def compared(
    rows: Rows, groups: list[Group], names: tuple[str, ...], how: str, *, judged: bool
) -> float | None:
    """Compare rates over the judged groups, or over all in which they are defined."""
    found = []
    for name in names:
        among, metric = RATES[name]
        inside = among(rows)
        chosen = [
            one
            for one in groups
            if (one.judged(inside, rows) if judged else one.known and rows.weighs(one.mask & inside))
        ]
        if len(chosen) < 2:
            return None
        values = [metric(rows.where(one.mask & (rows.w > 0))) for one in chosen]
        if how == "ratio" and max(values) == 0:
            return None
        found.append(summary(values, how))
    return max(found) if how in ("difference", "highest") else min(found)


def by_score(rows: Rows, groups: list[Group], name: str, *, judged: bool) -> float | None:
    """The worst group by its area under the curve, or by calibration in the large."""
    found = []
    for one in groups:
        part = rows.where(one.mask & (rows.w > 0))
        if name == "group-auc":
            here = len(set(part.y)) == 2
            enough = all(one.judged(rows.y == side, rows) for side in (0, 1))
            value = metrics.roc_auc_score(part.y, part.p, sample_weight=part.w) if here else None
        else:
            enough = one.judged(rows.y > -1, rows)
            value = abs(np.average(part.y - part.p, weights=part.w)) if len(part.y) else None
        if value is not None and (enough if judged else one.known):
            found.append(float(value))
    return None if len(found) < 2 else summary(found, BY_SCORE[name])


def rate_of(row: GroupRecord) -> str | None:
    """Which rate a line of the group table is about, of those that are counts."""
    return row.rate if row.rate in RATES else None


def counts_agree(
    finding: Finding, rows: Rows, groups: dict[tuple[str | None, ...], Group], weighted: bool
) -> None:
    """Assert that rows, denominator, value and whether it is judged are right in every line of the table."""
    rows_of = {_named(key): one for key, one in groups.items()}
    lines = [row for row in finding.groups if rate_of(row)]
    assert {tuple(row.group.values()) for row in lines} == set(rows_of)
    for row in lines:
        group = rows_of[tuple(row.group.values())]
        among, metric = RATES[str(row.rate)]
        inside = group.mask & among(rows)
        there = rows.weighs(inside)
        assert row.n == group.mask.sum()
        assert close(row.denominator, float(rows.w[inside].sum())), (row, weighted)
        value = metric(rows.where(group.mask & (rows.w > 0))) if there else None
        assert close(row.value, value), (row, value)
        assert row.judged == group.judged(among(rows), rows), row


def _named(key: tuple[str | None, ...]) -> tuple[str, ...]:
    names = {None: "unknown", "unknown": "'unknown'"}
    return tuple(names.get(one) or str(one) for one in key)


@pytest.mark.slow
@given(
    shape=shapes(missing=0.1) | shapes(),
    checks=st.permutations([one.partition("/")[2] for one in FAIRNESS]),
    product=st.booleans(),
    min_group=st.sampled_from(MIN_GROUPS),
    judge_unknown=st.booleans(),
    negative=st.booleans(),
    parquet=st.booleans(),
)
@examples(40)
def test_fairness_on_cells_equals_fairlearn_on_rows(  # noqa: PLR0917  Hypothesis passes by name
    shape: Shape,
    checks: list[str],
    product: bool,
    min_group: int,
    judge_unknown: bool,
    negative: bool,
    parquet: bool,
) -> None:
    """Each gap and ratio, and each line of the group tables, is what the rows of the judged groups give."""
    assert {f"fairness/{name}" for name in (*PAIRS, *BY_SCORE)} == set(FAIRNESS)
    table = drawn(shape)
    assume(proven(table, both=negative))
    if negative:
        table.columns["favourable"] = shape.label.negative
    sets = [[table.protected[0]], list(table.protected)] if product else [[name] for name in table.protected]
    uses = [use(f"fairness/{name}", i, groups=sets) for i, name in enumerate(checks[:4])]
    report = judge(
        table, uses, parquet=parquet, min_group=min_group, judge_unknown=judge_unknown, min_judged=0
    )
    rows = of(table)
    for by in sets:
        groups = groups_of(table, by, min_group=min_group, judge_unknown=judge_unknown)
        for number, name in enumerate(checks[:4]):
            own = (one for one in report.findings if one.id.startswith(f"use-{number}["))
            finding = next(one for one in own if one.by == tuple(by))
            if not rows.w.sum() > 0:
                assert finding.value is None
                continue
            _as_on_rows(finding, name, rows, groups, negative=negative, weighted=shape.weight is not None)


def _as_on_rows(
    finding: Finding,
    name: str,
    rows: Rows,
    groups: dict[tuple[str | None, ...], Group],
    *,
    negative: bool,
    weighted: bool,
) -> None:
    several = list(groups.values())
    if name in BY_SCORE:
        wanted = by_score(rows, several, name, judged=True)
        everyone = by_score(rows, several, name, judged=False)
    else:
        rates, how = PAIRS[name]
        if name == "impact-ratio" and negative:
            rates = ("unselected_rate",)
        wanted = compared(rows, several, rates, how, judged=True)
        everyone = compared(rows, several, rates, how, judged=False)
        counts_agree(finding, rows, groups, weighted)
    assert close(finding.value, wanted), (name, finding.value, wanted, finding.reason)
    assert close(finding.value_all, everyone), (name, finding.value_all, everyone)
    if name in NAMED and wanted is not None:
        _as_fairlearn_names_it(wanted, name, rows, several)


def _as_fairlearn_names_it(wanted: float, name: str, rows: Rows, groups: list[Group]) -> None:
    """Where the same groups are judged in every rate, the value is that of fairlearn's own function."""
    judged = [[one for one in groups if one.judged(RATES[rate][0](rows), rows)] for rate in PAIRS[name][0]]
    if any(one != judged[0] for one in judged):
        return
    code = np.full(len(rows.y), -1)
    for number, one in enumerate(judged[0]):
        code[one.mask] = number
    part = rows.where((code >= 0) & (rows.w > 0))
    value = NAMED[name](
        part.y, part.d, sensitive_features=code[(code >= 0) & (rows.w > 0)], sample_weight=part.w
    )
    assert close(wanted, float(value)), (name, wanted, value)
