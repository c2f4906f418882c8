"""Fairness of numbers instead of decisions: how far apart predictions, errors and scores lie on average."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from mlgate.cells import FAVOURABLE, Answers, Cells, Columns, Counts, Statistic
from mlgate.estimates import Estimate
from mlgate.measures import group_means, measure
from mlgate.measures.judging import Judging


class _Regression:
    """Means by group, compared; only means of predictions need no label."""

    how: ClassVar[Literal["difference", "ratio"]]

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for predictions, and labels where errors are compared, by group."""
        labelled = params["metric"] != "mean-prediction"
        if labelled and not columns.has("label"):
            return []
        roles = ("label", "prediction") if labelled else ("prediction",)
        return [Counts(roles=roles, by=params["judging"].by, clustered=columns.cluster is not None)]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the largest difference, or the smallest ratio."""
        if not cells.of:
            return Estimate.missing("the release names no label column, and errors need one")
        (counts,) = cells.of
        found = cells.get(counts, Cells)
        return group_means.by_group(found, params["judging"], params["metric"], self.how)


@measure(
    id="fairness.regression_parity",
    kind="estimate",
    unit="units of the label",
    better="lower",
    tasks=("regression",),
    needs=("prediction", "protected"),
    clusters=True,
    source="fairlearn.metrics.MetricFrame.difference of the mean prediction, or of an error; MOVER",
)
class RegressionParity(_Regression):
    """Largest minus smallest mean over groups; `metric` says of what.

    `mean-prediction`: of predictions, whatever is true (parity of outcomes). `mean-error`: of prediction -
    label, so that one group may be overrated and another underrated. `mae` and `rmse`: how far off
    predictions are. Intervals: Student's t in each group, MOVER for the difference.
    """

    how = "difference"

    def __init__(
        self, *, judging: Judging | None = None, metric: group_means.MeanName = "mean-prediction"
    ) -> None:
        """Declare the parameters: the groups, and what the mean is of."""


@measure(
    id="fairness.regression_parity_ratio",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=("regression",),
    needs=("prediction", "protected"),
    clusters=True,
    source="fairlearn.metrics.MetricFrame.ratio of an error, or of the mean prediction; delta method",
)
class RegressionParityRatio(_Regression):
    """Smallest over largest mean over groups; `metric` says of what.

    `mae` and `rmse`: how far off predictions are; `mean-prediction`: of predictions, which must not be below
    0. Intervals: of the logarithm of the ratio, by the delta method.
    """

    how = "ratio"

    def __init__(
        self,
        *,
        judging: Judging | None = None,
        metric: Literal["mae", "rmse", "mean-prediction"] = "mae",
    ) -> None:
        """Declare the parameters: the groups, and what the mean is of."""


@measure(
    id="fairness.score_parity",
    kind="estimate",
    unit="units of the score",
    better="lower",
    tasks=("binary", "multiclass", "scores"),
    needs=("score", "protected"),
    clusters=True,
    source="fairlearn.metrics.MetricFrame.difference of the mean score; MOVER",
)
class ScoreParity:
    """Largest minus smallest mean score over groups, whatever is true of the rows.

    Of several classes the score is the probability of a favourable one. Intervals: Student's t in each
    group, MOVER for the difference.
    """

    def __init__(self, *, judging: Judging | None = None) -> None:
        """Declare the parameter: the groups."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for scores by group."""
        clustered = columns.cluster is not None
        counts = Counts(
            roles=("score",),
            by=params["judging"].by,
            view=FAVOURABLE if columns.task == "multiclass" else None,
            clustered=clustered,
            binned=("score",) if columns.task == "binary" and not clustered else None,
        )
        return [counts]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the largest difference."""
        (counts,) = cells.of
        return group_means.scores_by_group(cells.get(counts, Cells), params["judging"])
