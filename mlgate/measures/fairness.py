"""Fairness of decisions and scores: how groups over the protected columns differ.

All of them judge groups alike (see `groups`): a group needs `min_group` rows, and as many in the
denominator of its rate. `judging` and `favourable` come from policy and release, not from the check. Of
several classes they look at whether the outcome is a favourable one, but for accuracy, which is that of the
classes themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

from mlgate.cells import FAVOURABLE, Answers, Cells, Columns, Counts, Statistic
from mlgate.estimates import Estimate
from mlgate.measures import group_scores, measure, rate_gaps
from mlgate.measures.judging import Judging
from mlgate.measures.rates import RateName

_PREDICTED = ("prediction", "protected")
_LABELLED = ("label", "prediction", "protected")
_SCORED = ("label", "score", "protected")

_ODDS: tuple[RateName, ...] = ("true_positive_rate", "false_positive_rate")

_by_class = partial(measure, kind="estimate", unit="1", tasks=("binary", "multiclass"), clusters=True)
"""A measure of every class."""

_by_outcome = partial(_by_class, views={"multiclass": FAVOURABLE})
"""A measure of two outcomes; of several classes, whether it is one of the favourable ones."""

_GOOD: Mapping[str, RateName] = {
    "accuracy": "accuracy",
    "recall": "true_positive_rate",
    "specificity": "true_negative_rate",
    "precision": "precision",
    "npv": "negative_predictive_value",
}


@_by_outcome(
    id="fairness.demographic_parity_difference",
    better="lower",
    needs=_PREDICTED,
    source="fairlearn.metrics.demographic_parity_difference",
)
def demographic_parity_difference(cells: Cells, *, judging: Judging) -> Estimate:
    """Largest minus smallest selection rate, P(prediction positive), over groups."""
    return rate_gaps.between(cells, judging, "difference", "selection_rate")


@_by_outcome(
    id="fairness.demographic_parity_ratio",
    better="higher",
    needs=_PREDICTED,
    source="fairlearn.metrics.demographic_parity_ratio",
)
def demographic_parity_ratio(cells: Cells, *, judging: Judging) -> Estimate:
    """Smallest over largest selection rate, P(prediction positive), over groups."""
    return rate_gaps.between(cells, judging, "ratio", "selection_rate")


@_by_outcome(
    id="fairness.impact_ratio",
    better="higher",
    needs=_PREDICTED,
    source="29 CFR 1607.4(D); value: fairlearn.metrics.demographic_parity_ratio of the favourable outcome",
)
def impact_ratio(
    cells: Cells,
    *,
    judging: Judging,
    favourable: Literal["positive", "negative"] = "positive",
    frame: str | None = None,  # noqa: ARG001  stands in the finding beside the number
) -> Estimate:
    """Smallest ratio of a group's rate of the favourable outcome to that of the group where it is highest.

    The reference is the judged group with the highest rate. Where people want the negative outcome
    (`favourable` in release.yaml), the rate is that of negative predictions. `frame` is the legal text that
    the policy applies, for the report; it changes no number.
    """
    rate: RateName = "selection_rate" if favourable == "positive" else "unselected_rate"
    return rate_gaps.against_best(cells, judging, rate)


@_by_outcome(
    id="fairness.equalized_odds_difference",
    better="lower",
    needs=_LABELLED,
    source="fairlearn.metrics.equalized_odds_difference",
)
def equalized_odds_difference(cells: Cells, *, judging: Judging) -> Estimate:
    """Larger of the gap in true-positive rates and the gap in false-positive rates, over groups.

    True-positive rates are compared among the groups with enough positives, false-positive rates among
    those with enough negatives.
    """
    return rate_gaps.between(cells, judging, "difference", *_ODDS)


@_by_outcome(
    id="fairness.equalized_odds_ratio",
    better="higher",
    needs=_LABELLED,
    source="fairlearn.metrics.equalized_odds_ratio",
)
def equalized_odds_ratio(cells: Cells, *, judging: Judging) -> Estimate:
    """Smaller of the ratio of true-positive rates and the ratio of false-positive rates, over groups.

    Each ratio is the smallest over the largest rate, among the groups with enough of its denominator.
    """
    return rate_gaps.between(cells, judging, "ratio", *_ODDS)


@_by_outcome(
    id="fairness.average_odds_gap",
    better="lower",
    needs=_LABELLED,
    source="fairlearn.metrics.equalized_odds_difference with agg='mean'; Bellamy et al. 2018 for two groups",
)
def average_odds_gap(cells: Cells, *, judging: Judging) -> Estimate:
    """Mean of the gap in true-positive rates and the gap in false-positive rates, over groups.

    Each gap is the largest minus the smallest rate and never negative, so that one cannot make up for the
    other (AIF360's average_odds_difference, of two groups, has signs).
    """
    return rate_gaps.mean_gap(cells, judging, _ODDS)


@_by_outcome(
    id="fairness.equal_opportunity_difference",
    better="lower",
    needs=_LABELLED,
    source="fairlearn.metrics.equal_opportunity_difference; Hardt, Price and Srebro 2016",
)
def equal_opportunity_difference(cells: Cells, *, judging: Judging) -> Estimate:
    """Largest minus smallest true-positive rate over groups."""
    return rate_gaps.between(cells, judging, "difference", "true_positive_rate")


@_by_outcome(
    id="fairness.predictive_parity",
    better="lower",
    needs=_LABELLED,
    source="sklearn.metrics.precision_score by group; Chouldechova 2017",
)
def predictive_parity(cells: Cells, *, judging: Judging) -> Estimate:
    """Largest minus smallest precision, P(label positive | prediction positive), over groups."""
    return rate_gaps.between(cells, judging, "difference", "precision")


@_by_outcome(
    id="fairness.false_positive_rate_gap",
    better="lower",
    needs=_LABELLED,
    source="fairlearn.metrics.false_positive_rate_difference",
)
def false_positive_rate_gap(cells: Cells, *, judging: Judging) -> Estimate:
    """Largest minus smallest false-positive rate over groups."""
    return rate_gaps.between(cells, judging, "difference", "false_positive_rate")


@_by_outcome(
    id="fairness.false_negative_rate_gap",
    better="lower",
    needs=_LABELLED,
    source="fairlearn.metrics.false_negative_rate_difference",
)
def false_negative_rate_gap(cells: Cells, *, judging: Judging) -> Estimate:
    """Largest minus smallest false-negative rate over groups."""
    return rate_gaps.between(cells, judging, "difference", "false_negative_rate")


@_by_class(
    id="fairness.accuracy_gap",
    better="lower",
    needs=_LABELLED,
    source="fairlearn.metrics.accuracy_score_difference",
)
def accuracy_gap(cells: Cells, *, judging: Judging) -> Estimate:
    """Largest minus smallest accuracy over groups; of several classes, the share that is exactly right."""
    return rate_gaps.between(cells, judging, "difference", "accuracy")


class _WorstGroup:
    """A rate of the group that stands worst by it.

    Whether a prediction is right can be asked of several classes at once; every other rate is of two
    outcomes, and then looks at whether the class is a favourable one.
    """

    whole: tuple[str, ...] = ()
    """The metrics that are of all classes at once."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for label and prediction by group."""
        viewed = columns.task == "multiclass" and params["metric"] not in self.whole
        counts = Counts(
            roles=("label", "prediction"),
            by=params["judging"].by,
            view=FAVOURABLE if viewed else None,
            clustered=columns.cluster is not None,
        )
        return [counts]


@_by_class(
    id="fairness.worst_group",
    better="higher",
    needs=_LABELLED,
    source="fairlearn.metrics.MetricFrame.group_min",
)
class WorstGroup(_WorstGroup):
    """Lowest value of a rate over groups; `metric` says which.

    Only rates that are better when they are higher; for rates of errors see `fairness.worst_group_error`. Of
    several classes, accuracy is the share that is exactly right, and the others are of the favourable ones.
    """

    whole = ("accuracy",)

    def __init__(
        self,
        *,
        judging: Judging | None = None,
        metric: Literal["accuracy", "recall", "specificity", "precision", "npv"] = "accuracy",
    ) -> None:
        """Declare the parameters: the groups, and the rate."""

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the lowest rate."""
        (counts,) = cells.of
        return rate_gaps.worst(cells.get(counts, Cells), params["judging"], _GOOD[params["metric"]], "lowest")


@_by_class(
    id="fairness.worst_group_error",
    better="lower",
    needs=_LABELLED,
    source="fairlearn.metrics.MetricFrame.group_max",
)
class WorstGroupError(_WorstGroup):
    """Highest value of a rate of errors over groups; `metric` says which.

    Of several classes, the error rate is the share that is not exactly right, and the others are of the
    favourable ones.
    """

    whole = ("error_rate",)

    def __init__(
        self,
        *,
        judging: Judging | None = None,
        metric: Literal[
            "error_rate",
            "false_positive_rate",
            "false_negative_rate",
            "false_discovery_rate",
            "false_omission_rate",
        ] = "error_rate",
    ) -> None:
        """Declare the parameters: the groups, and the rate."""

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the highest rate."""
        (counts,) = cells.of
        return rate_gaps.worst(cells.get(counts, Cells), params["judging"], params["metric"], "highest")


@_by_outcome(
    id="fairness.group_auc",
    better="higher",
    needs=_SCORED,
    bins=(),
    source="sklearn.metrics.roc_auc_score by group; DeLong, DeLong and Clarke-Pearson 1988",
)
def group_auc(cells: Cells, *, judging: Judging) -> Estimate:
    """Smallest area under the ROC curve within a group.

    A group is judged when it has `min_group` positives and as many negatives.
    """
    return group_scores.auc_by_group(cells, judging)


@_by_outcome(
    id="fairness.calibration_by_group",
    better="lower",
    needs=_SCORED,
    bins=("score",),
    source="calibration in the large: Cox 1958; Van Calster et al. 2019",
)
def calibration_by_group(cells: Cells, *, judging: Judging) -> Estimate:
    """Largest |mean label - mean score| within a group: observed against expected share of positives.

    The difference and not the ratio O/E, because the ratio has no bound where few positives are expected.
    """
    return group_scores.calibration_by_group(cells, judging)
