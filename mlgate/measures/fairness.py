"""Fairness of binary decisions: how groups over the protected columns differ.

All of them judge groups alike (see `groups`): a group needs `min_group` rows, and as many in the
denominator of its rate. `by`, `min_group`, `judge_unknown` and `favourable` come from policy and release,
not from the check.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from mlgate.cells import By, Cells
from mlgate.estimates import Estimate
from mlgate.measures import group_scores as by_group
from mlgate.measures import measure
from mlgate.measures.rate_gaps import Judging, against_best, between, worst
from mlgate.measures.rates import RateName

_MIN_GROUP = 30
"""What the gate gives when the policy says nothing; policies decide."""

_PREDICTED = ("prediction", "protected")
_LABELLED = ("label", "prediction", "protected")
_SCORED = ("label", "score", "protected")

_ODDS: tuple[RateName, ...] = ("true_positive_rate", "false_positive_rate")

_GOOD: Mapping[str, RateName] = {
    "accuracy": "accuracy",
    "recall": "true_positive_rate",
    "specificity": "true_negative_rate",
    "precision": "precision",
    "npv": "negative_predictive_value",
}


@measure(
    id="fairness.demographic_parity_difference",
    kind="estimate",
    unit="1",
    better="lower",
    tasks=("binary",),
    needs=_PREDICTED,
    source="fairlearn.metrics.demographic_parity_difference",
)
def demographic_parity_difference(
    cells: Cells,
    *,
    by: tuple[By, ...],
    min_group: int = _MIN_GROUP,
    judge_unknown: bool = False,
) -> Estimate:
    """Largest minus smallest selection rate, P(prediction positive), over groups."""
    judging = Judging(by=by, min_group=min_group, judge_unknown=judge_unknown)
    return between(cells, judging, ["selection_rate"], "difference")


@measure(
    id="fairness.demographic_parity_ratio",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=("binary",),
    needs=_PREDICTED,
    source="fairlearn.metrics.demographic_parity_ratio",
)
def demographic_parity_ratio(
    cells: Cells,
    *,
    by: tuple[By, ...],
    min_group: int = _MIN_GROUP,
    judge_unknown: bool = False,
) -> Estimate:
    """Smallest over largest selection rate, P(prediction positive), over groups."""
    judging = Judging(by=by, min_group=min_group, judge_unknown=judge_unknown)
    return between(cells, judging, ["selection_rate"], "ratio")


@measure(
    id="fairness.impact_ratio",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=("binary",),
    needs=_PREDICTED,
    source="29 CFR 1607.4(D); value: fairlearn.metrics.demographic_parity_ratio of the favourable outcome",
)
def impact_ratio(
    cells: Cells,
    *,
    by: tuple[By, ...],
    min_group: int = _MIN_GROUP,
    judge_unknown: bool = False,
    favourable: Literal["positive", "negative"] = "positive",
    frame: str | None = None,  # noqa: ARG001  stands in the finding beside the number
) -> Estimate:
    """Smallest ratio of a group's rate of the favourable outcome to that of the group where it is highest.

    The reference is the judged group with the highest rate. Where people want the negative outcome
    (`favourable` in release.yaml), the rate is that of negative predictions. `frame` is the legal text that
    the policy applies, for the report; it changes no number.
    """
    judging = Judging(by=by, min_group=min_group, judge_unknown=judge_unknown)
    return against_best(cells, judging, "selection_rate" if favourable == "positive" else "unselected_rate")


@measure(
    id="fairness.equalized_odds_difference",
    kind="estimate",
    unit="1",
    better="lower",
    tasks=("binary",),
    needs=_LABELLED,
    source="fairlearn.metrics.equalized_odds_difference",
)
def equalized_odds_difference(
    cells: Cells,
    *,
    by: tuple[By, ...],
    min_group: int = _MIN_GROUP,
    judge_unknown: bool = False,
) -> Estimate:
    """Larger of the gap in true-positive rates and the gap in false-positive rates, over groups.

    True-positive rates are compared among the groups with enough positives, false-positive rates among
    those with enough negatives.
    """
    judging = Judging(by=by, min_group=min_group, judge_unknown=judge_unknown)
    return between(cells, judging, _ODDS, "difference")


@measure(
    id="fairness.equalized_odds_ratio",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=("binary",),
    needs=_LABELLED,
    source="fairlearn.metrics.equalized_odds_ratio",
)
def equalized_odds_ratio(
    cells: Cells,
    *,
    by: tuple[By, ...],
    min_group: int = _MIN_GROUP,
    judge_unknown: bool = False,
) -> Estimate:
    """Smaller of the ratio of true-positive rates and the ratio of false-positive rates, over groups.

    Each ratio is the smallest over the largest rate, among the groups with enough of its denominator.
    """
    judging = Judging(by=by, min_group=min_group, judge_unknown=judge_unknown)
    return between(cells, judging, _ODDS, "ratio")


@measure(
    id="fairness.equal_opportunity_difference",
    kind="estimate",
    unit="1",
    better="lower",
    tasks=("binary",),
    needs=_LABELLED,
    source="fairlearn.metrics.equal_opportunity_difference; Hardt, Price and Srebro 2016",
)
def equal_opportunity_difference(
    cells: Cells,
    *,
    by: tuple[By, ...],
    min_group: int = _MIN_GROUP,
    judge_unknown: bool = False,
) -> Estimate:
    """Largest minus smallest true-positive rate over groups."""
    judging = Judging(by=by, min_group=min_group, judge_unknown=judge_unknown)
    return between(cells, judging, ["true_positive_rate"], "difference")


@measure(
    id="fairness.predictive_parity",
    kind="estimate",
    unit="1",
    better="lower",
    tasks=("binary",),
    needs=_LABELLED,
    source="sklearn.metrics.precision_score by group; Chouldechova 2017",
)
def predictive_parity(
    cells: Cells,
    *,
    by: tuple[By, ...],
    min_group: int = _MIN_GROUP,
    judge_unknown: bool = False,
) -> Estimate:
    """Largest minus smallest precision, P(label positive | prediction positive), over groups."""
    judging = Judging(by=by, min_group=min_group, judge_unknown=judge_unknown)
    return between(cells, judging, ["precision"], "difference")


@measure(
    id="fairness.false_positive_rate_gap",
    kind="estimate",
    unit="1",
    better="lower",
    tasks=("binary",),
    needs=_LABELLED,
    source="fairlearn.metrics.false_positive_rate_difference",
)
def false_positive_rate_gap(
    cells: Cells,
    *,
    by: tuple[By, ...],
    min_group: int = _MIN_GROUP,
    judge_unknown: bool = False,
) -> Estimate:
    """Largest minus smallest false-positive rate over groups."""
    judging = Judging(by=by, min_group=min_group, judge_unknown=judge_unknown)
    return between(cells, judging, ["false_positive_rate"], "difference")


@measure(
    id="fairness.false_negative_rate_gap",
    kind="estimate",
    unit="1",
    better="lower",
    tasks=("binary",),
    needs=_LABELLED,
    source="fairlearn.metrics.false_negative_rate_difference",
)
def false_negative_rate_gap(
    cells: Cells,
    *,
    by: tuple[By, ...],
    min_group: int = _MIN_GROUP,
    judge_unknown: bool = False,
) -> Estimate:
    """Largest minus smallest false-negative rate over groups."""
    judging = Judging(by=by, min_group=min_group, judge_unknown=judge_unknown)
    return between(cells, judging, ["false_negative_rate"], "difference")


@measure(
    id="fairness.accuracy_gap",
    kind="estimate",
    unit="1",
    better="lower",
    tasks=("binary",),
    needs=_LABELLED,
    source="fairlearn.metrics.accuracy_score_difference",
)
def accuracy_gap(
    cells: Cells,
    *,
    by: tuple[By, ...],
    min_group: int = _MIN_GROUP,
    judge_unknown: bool = False,
) -> Estimate:
    """Largest minus smallest accuracy over groups."""
    judging = Judging(by=by, min_group=min_group, judge_unknown=judge_unknown)
    return between(cells, judging, ["accuracy"], "difference")


@measure(
    id="fairness.worst_group",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=("binary",),
    needs=_LABELLED,
    source="fairlearn.metrics.MetricFrame.group_min",
)
def worst_group(
    cells: Cells,
    *,
    by: tuple[By, ...],
    min_group: int = _MIN_GROUP,
    judge_unknown: bool = False,
    metric: Literal["accuracy", "recall", "specificity", "precision", "npv"] = "accuracy",
) -> Estimate:
    """Lowest value of a rate over groups; `metric` says which.

    Only rates that are better when they are higher; for rates of errors see `fairness.worst_group_error`.
    """
    judging = Judging(by=by, min_group=min_group, judge_unknown=judge_unknown)
    return worst(cells, judging, _GOOD[metric], "lowest")


@measure(
    id="fairness.worst_group_error",
    kind="estimate",
    unit="1",
    better="lower",
    tasks=("binary",),
    needs=_LABELLED,
    source="fairlearn.metrics.MetricFrame.group_max",
)
def worst_group_error(
    cells: Cells,
    *,
    by: tuple[By, ...],
    min_group: int = _MIN_GROUP,
    judge_unknown: bool = False,
    metric: Literal[
        "error_rate",
        "false_positive_rate",
        "false_negative_rate",
        "false_discovery_rate",
        "false_omission_rate",
    ] = "error_rate",
) -> Estimate:
    """Highest value of a rate of errors over groups; `metric` says which."""
    judging = Judging(by=by, min_group=min_group, judge_unknown=judge_unknown)
    return worst(cells, judging, metric, "highest")


@measure(
    id="fairness.group_auc",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=("binary",),
    needs=_SCORED,
    source="sklearn.metrics.roc_auc_score by group; DeLong, DeLong and Clarke-Pearson 1988",
)
def group_auc(
    cells: Cells,
    *,
    by: tuple[By, ...],
    min_group: int = _MIN_GROUP,
    judge_unknown: bool = False,
) -> Estimate:
    """Smallest area under the ROC curve within a group.

    A group is judged when it has `min_group` positives and as many negatives.
    """
    judging = Judging(by=by, min_group=min_group, judge_unknown=judge_unknown)
    return by_group.auc_by_group(cells, judging)


@measure(
    id="fairness.calibration_by_group",
    kind="estimate",
    unit="1",
    better="lower",
    tasks=("binary",),
    needs=_SCORED,
    source="calibration in the large: Cox 1958; Van Calster et al. 2019",
)
def calibration_by_group(
    cells: Cells,
    *,
    by: tuple[By, ...],
    min_group: int = _MIN_GROUP,
    judge_unknown: bool = False,
) -> Estimate:
    """Largest |mean label - mean score| within a group: observed against expected share of positives.

    The difference and not the ratio O/E, because the ratio has no bound where few positives are expected.
    """
    judging = Judging(by=by, min_group=min_group, judge_unknown=judge_unknown)
    return by_group.calibration_by_group(cells, judging)
