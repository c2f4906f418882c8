"""Skill over the best constant: scikit-learn's dummies are the constant, its D2 scores the value."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk
from sklearn.dummy import DummyClassifier

from mlgate.cells import Answers, Cells, Columns, Counts
from mlgate.errors import EvidenceError, PolicyError
from mlgate.estimates import Estimate
from mlgate.measures.against_dummy import VersusDummy
from tests.measures.number_rows import PAIRS, WEIGHTS, ask, bounds, cells_of, columns, pairs

UNHURRIED = settings(deadline=None, max_examples=40)

BINARY = st.lists(
    st.tuples(
        st.sampled_from([0.0, 1.0]),
        st.sampled_from([0.0, 1.0]),
        st.integers(0, 100).map(lambda percent: percent / 100),
        WEIGHTS,
        st.integers(0, 6),
    ),
    min_size=1,
    max_size=30,
).map(lambda lines: pd.DataFrame(lines, columns=["label", "prediction", "score", "w", "cluster"]))

RNG = np.random.default_rng(4)
PROBABILITY = RNG.beta(2, 2, 400)
SCORED = pd.DataFrame(
    {
        "label": (RNG.random(400) < PROBABILITY).astype(float),
        "prediction": (PROBABILITY >= 0.5).astype(float),
        "score": PROBABILITY,
        "w": 1.0,
        "cluster": np.arange(400),
    }
)
LABEL = RNG.gamma(3.0, 10.0, 300)
NUMBERS = pairs(LABEL, LABEL + RNG.normal(0.0, 8.0, 300))

TABLES = {"accuracy": SCORED, "log-loss": SCORED, "mae": NUMBERS, "mse": NUMBERS}

every = pytest.mark.parametrize("metric", sorted(TABLES))


def of(metric: str, **roles: Any) -> Columns:
    """Return columns of the task that the metric is for."""
    return columns("binary" if TABLES[metric] is SCORED else "regression", score="s", **roles)


def skill(metric: str, rows: pd.DataFrame, **more: Any) -> Estimate:
    """Ask for the skill by one metric."""
    roles = {"cluster": "c"} if more.get("clustered") else {}
    return ask(VersusDummy, rows, of=of(metric, **roles), metric=metric, **more)


def oracle(metric: str, rows: pd.DataFrame, w: Any) -> float:
    """Compute the skill on the rows."""
    y, nothing = rows["label"], np.zeros((len(rows), 1))
    if metric == "accuracy":
        constant = DummyClassifier(strategy="most_frequent").fit(nothing, y, sample_weight=w).predict(nothing)
        wrong, missed = (sk.zero_one_loss(y, d, sample_weight=w) for d in (rows["prediction"], constant))
        return float(1 - wrong / missed)
    if metric == "log-loss":
        return float(sk.d2_log_loss_score(y, rows["score"], sample_weight=w, labels=[0, 1]))
    score = sk.d2_absolute_error_score if metric == "mae" else sk.r2_score
    return float(score(y, rows["prediction"], sample_weight=w))


@pytest.mark.parametrize("metric", ["accuracy", "log-loss"])
@UNHURRIED
@given(rows=BINARY, weighted=st.booleans())
def test_decisions_and_scores_equal_scikit_learn(metric: str, rows: pd.DataFrame, weighted: bool) -> None:
    """On any binary rows; without both classes there is nothing to compare with."""
    _equal(metric, rows, weighted=weighted)


@pytest.mark.parametrize("metric", ["mae", "mse"])
@UNHURRIED
@given(rows=PAIRS, weighted=st.booleans())
def test_numbers_equal_scikit_learn(metric: str, rows: pd.DataFrame, weighted: bool) -> None:
    """On any rows of a regression."""
    _equal(metric, rows, weighted=weighted)


def _equal(metric: str, rows: pd.DataFrame, *, weighted: bool) -> None:
    found = skill(metric, rows, weighted=weighted)
    if rows["label"].min() == rows["label"].max():
        assert found.value is None
        assert "all labels are equal" in (found.reason or "")
        return
    wanted = oracle(metric, rows, rows["w"] if weighted else None)
    assert found.value == pytest.approx(wanted, rel=1e-9, abs=1e-9)
    model, dummy = (group.value for group in found.groups)
    assert model is not None
    assert dummy is not None
    assert found.value == pytest.approx(1 - model / dummy, rel=1e-6, abs=1e-6)
    if found.interval is None:
        assert found.reason
        return
    assert found.interval.at(0.9)[1] <= 1.0
    bounds(found)


@pytest.mark.parametrize("metric", [None, "accuracy", "log-loss"])
def test_classes_equal_scikit_learn(metric: str | None) -> None:
    """Three classes, whose own class's probability is the score of the cells."""
    rng = np.random.default_rng(8)
    matrix = rng.dirichlet([1.0, 1.0, 1.0], 200)
    label = np.array([rng.choice(3, p=row) for row in matrix])
    rows = pd.DataFrame(
        {
            "label": label,
            "prediction": matrix.argmax(axis=1),
            "score": matrix[np.arange(200), label],
            "w": rng.random(200) + 0.5,
        }
    )
    (asked,) = VersusDummy.plan({"metric": metric}, columns("multiclass", scores={"a": "p"}))
    assert isinstance(asked, Counts)
    plain = cells_of(rows, asked.roles)
    cells = Cells(
        roles=plain.roles,
        groups={},
        n=plain.n,
        w=plain.w,
        w2=plain.w2,
        weighted=True,
        classes=("a", "b", "c"),
    )
    found = VersusDummy.value(Answers({asked: cells}), {"metric": metric})
    if metric == "log-loss":
        wanted = sk.d2_log_loss_score(label, matrix, sample_weight=rows["w"], labels=[0, 1, 2])
    else:
        wanted = oracle("accuracy", rows, rows["w"])
    assert found.value == pytest.approx(wanted, rel=1e-9)
    bounds(found)


@every
def test_copies_in_a_cluster_are_no_new_rows(metric: str) -> None:
    """And with each row a cluster of its own, clusters say nothing new."""
    rows = TABLES[metric]
    alone, own = skill(metric, rows), skill(metric, rows, clustered=True)
    assert bounds(own) == pytest.approx(bounds(alone), rel=1e-6)
    together = skill(metric, pd.concat([rows] * 4), clustered=True)
    assert bounds(together) == pytest.approx(bounds(alone), rel=1e-6)
    naive = bounds(skill(metric, pd.concat([rows] * 4)))
    assert naive[1] - naive[0] == pytest.approx((bounds(alone)[1] - bounds(alone)[0]) / 2, rel=0.05)


@every
def test_seven_times_the_weights_change_nothing(metric: str) -> None:
    """Weights have no unit."""
    rows = TABLES[metric].assign(w=np.random.default_rng(0).random(len(TABLES[metric])) + 0.5)
    one, seven = (skill(metric, rows.assign(w=rows["w"] * factor)) for factor in (1.0, 7.0))
    assert seven.value == pytest.approx(one.value, rel=1e-9)
    assert bounds(seven) == pytest.approx(bounds(one), rel=1e-6)


@every
def test_the_interval_agrees_with_the_jackknife(metric: str) -> None:
    """Leaving out one row at a time gives the same standard error, to within a few per cent."""
    rows = TABLES[metric]
    without = [oracle(metric, rows.drop(index=i), None) for i in rows.index]
    error = math.sqrt((len(rows) - 1) * np.var(without))
    low, high = bounds(skill(metric, rows), 0.6827)
    assert (high - low) / 2 == pytest.approx(error, rel=0.12 if metric == "mae" else 0.06)


@pytest.mark.parametrize("metric", ["accuracy", "mae", "mse"])
def test_a_constant_model_has_no_skill_and_is_not_certain(metric: str) -> None:
    """The dummy itself: 0, with an interval around it, so that no limit above 0 lets it pass."""
    rows = TABLES[metric]
    constant = {
        "accuracy": rows["label"].mode()[0],
        "mae": rows["label"].median(),
        "mse": rows["label"].mean(),
    }[metric]
    found = skill(metric, rows.assign(prediction=constant))
    assert found.value == pytest.approx(0.0, abs=1e-9)
    low, high = bounds(found)
    assert -0.5 < low < 0.0 < high < 0.4


def test_decisions_without_an_error_are_not_certain() -> None:
    """400 right out of 400: skill 1, and a lower bound that falls with fewer rows and with clusters."""
    right = SCORED.assign(prediction=SCORED["label"])
    found, few = skill("accuracy", right), skill("accuracy", right.iloc[:20])
    assert found.value == few.value == 1.0
    assert bounds(found)[1] <= 1.0
    assert 0.97 < bounds(found)[0] < 1.0
    assert bounds(few)[0] < 0.85
    tens = skill("accuracy", right.assign(cluster=np.arange(400) // 10), clustered=True)
    assert bounds(tens)[0] < 0.92


@pytest.mark.parametrize("metric", ["mae", "mse"])
def test_numbers_without_an_error_have_no_interval(metric: str) -> None:
    """Skill 1, which nothing tells the doubt of."""
    found = skill(metric, NUMBERS.assign(prediction=NUMBERS["label"]))
    assert found.value == 1.0
    assert found.interval is None
    assert found.reason


@every
@pytest.mark.parametrize("role", ["label", "other"])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_finite_is_missing(metric: str, role: str, bad: float) -> None:
    """One such value among hundreds is a reason, never a row left out."""
    rows = TABLES[metric].copy()
    place = role if role == "label" else ("score" if metric == "log-loss" else "prediction")
    rows.loc[5, place] = bad
    found = skill(metric, rows)
    assert found.value is None
    assert place in (found.reason or "")


@every
def test_no_rows_are_missing(metric: str) -> None:
    """None at all, or none that weighs anything."""
    for rows in (TABLES[metric].iloc[:0], TABLES[metric].iloc[:5].assign(w=0.0)):
        assert "no rows" in (skill(metric, rows).reason or "")


def test_scores_that_are_no_probabilities_are_missing() -> None:
    """A margin is not a probability."""
    found = skill("log-loss", SCORED.assign(score=SCORED["score"] * 3))
    assert found.value is None
    assert "outside [0, 1]" in (found.reason or "")


def test_a_metric_of_another_task_is_an_error() -> None:
    """It says which are for this one."""
    with pytest.raises(PolicyError, match="mse is not for the task binary; use accuracy or log-loss"):
        VersusDummy.plan({"metric": "mse"}, of("accuracy"))
    with pytest.raises(PolicyError, match="accuracy is not for the task regression; use mae or mse"):
        VersusDummy.plan({"metric": "accuracy"}, of("mae"))


def test_a_role_that_is_not_there_is_an_error() -> None:
    """Log loss without scores."""
    with pytest.raises(EvidenceError, match=r"role score: .* add `score` under"):
        VersusDummy.plan({"metric": "log-loss"}, columns("binary"))


def test_the_metric_by_default_is_that_of_the_task() -> None:
    """Accuracy for classes, MAE for numbers."""
    for metric in ("accuracy", "mae"):
        found = ask(VersusDummy, TABLES[metric], of=of(metric))
        assert found.value == pytest.approx(oracle(metric, TABLES[metric], None), rel=1e-9)
