"""Training rows against unseen ones: the difference of a metric that other tests hold to scikit-learn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from mlgate.cells import Answers, Columns, Counts, On, Stated, Statement
from mlgate.errors import EvidenceError, PolicyError
from mlgate.estimates import Estimate
from mlgate.intervals import Part
from mlgate.measures.metrics import shipped
from mlgate.measures.overfit import Overfit
from tests.measures.number_rows import bounds, cells_of, columns, pairs


def regression(rows: int, noise: float, seed: int) -> pd.DataFrame:
    """Return rows of a regression with errors of this size."""
    rng = np.random.default_rng(seed)
    label = rng.normal(50.0, 10.0, rows)
    return pairs(label, label + rng.normal(0.0, noise, rows))


def binary(rows: int, sharp: float, seed: int) -> pd.DataFrame:
    """Return rows of a binary model; the higher `sharp`, the better it is."""
    rng = np.random.default_rng(seed)
    label = (rng.random(rows) < 0.4).astype(float)
    score = 1.0 / (1.0 + np.exp(-(sharp * (label - 0.5) + rng.normal(0.0, 1.0, rows))))
    table = pairs(label, (score >= 0.5).astype(float))
    return table.assign(score=score)


TABLES = {
    "regression": (regression(300, 2.0, 1), regression(200, 3.0, 2)),
    "binary": (binary(500, 4.0, 1), binary(300, 2.0, 2)),
}
"""Training rows, and unseen ones on which the model is worse."""

ORACLES: dict[str, Any] = {
    "accuracy": lambda t: sk.accuracy_score(t["label"], t["prediction"]),
    "balanced-accuracy": lambda t: sk.balanced_accuracy_score(t["label"], t["prediction"]),
    "f1": lambda t: sk.f1_score(t["label"], t["prediction"]),
    "roc-auc": lambda t: sk.roc_auc_score(t["label"], t["score"]),
    "log-loss": lambda t: -sk.log_loss(t["label"], t["score"]),
    "brier": lambda t: -sk.brier_score_loss(t["label"], t["score"]),
    "mae": lambda t: -sk.mean_absolute_error(t["label"], t["prediction"]),
    "rmse": lambda t: -sk.root_mean_squared_error(t["label"], t["prediction"]),
    "r2": lambda t: sk.r2_score(t["label"], t["prediction"]),
    "mean-score": lambda t: t["score"].mean(),
}
"""Each so that more is better."""

REGRESSION = ("mae", "rmse", "r2")


def task_of(metric: str) -> Any:
    """Return a task that the metric is for."""
    return "scores" if metric == "mean-score" else "regression" if metric in REGRESSION else "binary"


def of(metric: str, **roles: Any) -> Columns:
    """Return the columns of a release of that task."""
    return columns(task_of(metric), **{"score": "s", **roles})


def gap(metric: str, train: pd.DataFrame, judged: pd.DataFrame, *, clustered: bool = False) -> Estimate:
    """Put the question as the gate does."""
    return _gap({"metric": shipped(metric)}, of(metric, cluster="c" if clustered else None), train, judged)


GIVEN = {"min_group": 30, "seed": 0, "favourable": "positive"}
"""What the gate gives."""


def _gap(params: Any, known: Columns, train: pd.DataFrame, judged: pd.DataFrame) -> Estimate:
    params = {**GIVEN, **params}
    asked = Overfit.plan(params, known)
    counts = [one for one in asked if isinstance(one, Counts)]
    assert {one.statistic for one in asked if isinstance(one, On) and one.table == "train"} == set(counts)
    clustered = known.cluster is not None
    answers: dict[Any, Any] = {Stated("task"): Statement(value=known.task)}
    for one in counts:
        answers[one] = cells_of(judged, one.roles, clustered=clustered)
        answers[On("train", one)] = cells_of(train, one.roles, clustered=clustered)
    assert set(answers) == set(asked)
    return Overfit.value(Answers(answers), params)


def tables(metric: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return both tables for a metric."""
    return TABLES["regression" if metric in REGRESSION else "binary"]


every = pytest.mark.parametrize("metric", list(ORACLES))


@every
def test_larger_is_worse_whichever_way_the_metric_goes(metric: str) -> None:
    """Better on train than on unseen rows is above 0, and the interval is MOVER's."""
    train, judged = tables(metric)
    found = gap(metric, train, judged)
    wanted = ORACLES[metric](train) - ORACLES[metric](judged)
    assert found.value == pytest.approx(wanted, rel=1e-9)
    assert found.n == sum(group.n for group in found.groups)
    low, high = bounds(found)
    assert low > 0.0 or metric in {"mean-score", "f1"}
    there, here = (group.interval for group in found.groups)
    assert isinstance(there, Part)
    assert isinstance(here, Part)
    wide = [end[1] - end[0] for end in (there.at(0.9), here.at(0.9))]
    assert high - low == pytest.approx(math.hypot(*wide), rel=0.1)
    swapped = gap(metric, judged, train)
    assert swapped.value == pytest.approx(-wanted, rel=1e-9)
    assert bounds(swapped) == pytest.approx((-high, -low), rel=1e-6)


@every
def test_clusters_are_allowed_for(metric: str) -> None:
    """Four copies of each row in its own cluster: about the interval of the rows, not half of it."""
    train, judged = tables(metric)
    alone = gap(metric, train, judged)
    fourfold = [pd.concat([one] * 4) for one in (train, judged)]
    together = gap(metric, fourfold[0], fourfold[1], clustered=True)
    width, widths = (np.diff(bounds(one))[0] for one in (alone, together))
    assert together.value == pytest.approx(alone.value, rel=1e-9)
    assert widths == pytest.approx(width, rel=0.1)


@pytest.mark.parametrize(
    ("task", "metric"), [("regression", "mae"), ("binary", "accuracy"), ("scores", "mean-score")]
)
def test_the_metric_by_default_is_that_of_the_task(task: Any, metric: str) -> None:
    """Accuracy for classes, MAE for numbers, the mean for scores."""
    train, judged = tables(metric)
    found = _gap({"metric": None}, of(metric), train, judged)
    assert found.value == gap(metric, train, judged).value
    assert task_of(metric) == task


def test_train_is_not_compared_with_itself() -> None:
    """`table: train`, or one file under two names: a difference of 0 that shows nothing."""
    train, judged = TABLES["regression"]
    found = gap("mae", train, train)
    assert found.value is None
    assert "the same rows" in (found.reason or "")
    (asked, *_) = (
        one for one in Overfit.plan({**GIVEN, "metric": shipped("mae")}, of("mae")) if isinstance(one, Counts)
    )
    few = cells_of(judged.iloc[:3], asked.roles)
    answers = {asked: few, On("train", asked): few, Stated("task"): Statement(value="regression")}
    assert Overfit.value(Answers(answers), {**GIVEN, "metric": shipped("mae")}).value is None


def test_equal_counts_are_no_proof_of_one_table() -> None:
    """Two models without an error on as many rows of either class."""
    rows = pairs([0.0, 1.0] * 50, [0.0, 1.0] * 50)
    found = gap("accuracy", rows, rows.copy())
    assert found.value == 0.0
    bounds(found)


@pytest.mark.parametrize("empty", ["train", "judged"])
def test_a_table_without_a_value_is_named(empty: str) -> None:
    """Nothing is compared with nothing."""
    train, judged = TABLES["regression"]
    none = train.iloc[:0]
    found = gap("mae", none if empty == "train" else train, none if empty == "judged" else judged)
    assert found.value is None
    assert f"{empty} table: the table has no rows" in (found.reason or "")


@pytest.mark.parametrize("exact", ["train", "judged"])
def test_a_table_without_an_interval_is_named(exact: str) -> None:
    """A model that has learnt every training row by heart has errors of 0, of which nothing is certain."""
    train, judged = TABLES["regression"]
    learnt = train.assign(prediction=train["label"])
    found = gap("mae", learnt if exact == "train" else train, learnt if exact == "judged" else judged)
    assert found.value is not None
    assert found.interval is None
    assert f"{exact} table: " in (found.reason or "")


def test_a_metric_of_another_task_is_an_error() -> None:
    """It says which are for this one."""
    with pytest.raises(PolicyError, match="mae is for task regression, and this release is binary"):
        Overfit.plan({**GIVEN, "metric": shipped("mae")}, of("accuracy"))


def test_a_role_that_is_not_there_is_an_error() -> None:
    """AUC without scores."""
    with pytest.raises(EvidenceError, match=r"role score: .* add `score` under"):
        Overfit.plan({"metric": shipped("roc-auc")}, of("accuracy", score=None))
