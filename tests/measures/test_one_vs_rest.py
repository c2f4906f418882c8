"""Scores of several classes: equal to scikit-learn on the rows, class by class and on average."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from mlgate.cells import Answers, Cells, Columns, Counts, Statistic
from mlgate.errors import PolicyError
from mlgate.estimates import Estimate
from mlgate.measures import Measure, calibration, catalogue
from tests.conftest import few

CLASSES = ("bird", "cat", "dog")
ROC_AUC = catalogue()["performance.roc_auc"]
GINI = catalogue()["performance.gini"]
AVERAGE_PRECISION = catalogue()["performance.average_precision"]
BRIER = catalogue()["performance.brier"]
CALIBRATION_ERROR = catalogue()["performance.calibration_error"]

COLUMNS = Columns(
    names=("y", *CLASSES), types={}, task="multiclass", label="y", scores={name: name for name in CLASSES}
)
RANKING = (ROC_AUC, GINI, AVERAGE_PRECISION)

Rows = pd.DataFrame
"""label (place of the class), a probability a class that sum to 1, weight w; one line a row."""


def answered(statistic: Statistic, rows: Rows) -> Cells:
    """Count rows as the scan does for one statistic of a multiclass table."""
    assert isinstance(statistic, Counts)
    label, scores = rows["label"].to_numpy(), rows[list(CLASSES)].to_numpy()
    own = scores[np.arange(len(rows)), label.astype(int)]
    roles: Mapping[str, Any] = {"label": label, "score": own, "score_squares": (scores**2).sum(axis=1)}
    if statistic.view == "top":
        roles = {"label": scores.argmax(axis=1) == label, "score": scores.max(axis=1)}
    elif statistic.view is not None:
        place = CLASSES.index(statistic.view.removeprefix("class:"))
        roles = {"label": label == place, "score": scores[:, place]}
    keys = {role: np.asarray(roles[role], dtype=float) for role in statistic.roles}
    known = pd.DataFrame({**keys, "w": rows["w"], "w2": rows["w"] ** 2, "n": 1})
    if statistic.clustered:
        known["cluster"] = rows["cluster"]
    by = [*keys, "cluster"] if statistic.clustered else [*keys]
    found = known.groupby(by, sort=True).sum().reset_index()
    return Cells(
        roles={role: found[role].to_numpy(dtype=float) for role in statistic.roles},
        groups={},
        n=found["n"].to_numpy(dtype=np.int64),
        w=found["w"].to_numpy(dtype=float),
        w2=found["w2"].to_numpy(dtype=float),
        weighted=True,
        classes=() if statistic.view else CLASSES,
        clusters=found["cluster"].to_numpy(dtype=np.int64) if statistic.clustered else None,
    )


def ask(measure: Measure, rows: Rows, columns: Columns = COLUMNS, **params: Any) -> Estimate:
    """Put the question as the gate does, with the smallest class that is judged alone at 1."""
    defaults = {name: one.default for name, one in measure.params.items()}
    params = {**defaults, **({"min_group": 1} if "min_group" in measure.injected else {}), **params}
    planned = measure.plan(params, columns)
    return measure.value(Answers({one: answered(one, rows) for one in planned}), params)


def table(lines: Sequence[tuple[int, tuple[int, int, int], float]]) -> Rows:
    """Return rows; probabilities are given as shares of their sum."""
    scores = np.array([parts for _, parts, _ in lines], dtype=float)
    rows = pd.DataFrame(scores / scores.sum(axis=1, keepdims=True), columns=list(CLASSES))
    return rows.assign(label=[label for label, _, _ in lines], w=[w for _, _, w in lines])


PART = st.integers(1, 8)
LINE = st.tuples(
    st.integers(0, 2), st.tuples(PART, PART, PART), st.one_of(st.just(1.0), st.floats(0.05, 20.0))
)
TABLES = st.lists(LINE, min_size=2, max_size=25).map(table)

every_ranking = pytest.mark.parametrize("measure", RANKING, ids=lambda measure: measure.id)


def by_class(measure: Measure, rows: Rows) -> list[float]:
    """Compute each class's number on the rows by scikit-learn; every class occurs."""
    found = []
    for place, name in enumerate(CLASSES):
        y, p, w = rows["label"] == place, rows[name], rows["w"]
        if measure is AVERAGE_PRECISION:
            found.append(float(sk.average_precision_score(y, p, sample_weight=w)))
        else:
            area = float(sk.roc_auc_score(y, p, sample_weight=w))
            found.append(area if measure is ROC_AUC else 2 * area - 1)
    return found


@every_ranking
@settings(max_examples=few(20), deadline=None)
@given(rows=TABLES)
def test_averages_are_scikit_learns(measure: Measure, rows: Rows) -> None:
    """Macro, weighted and the worst class; missing, naming the class, when one never occurs."""
    found = {how: ask(measure, rows, average=how) for how in ("macro", "weighted", "per_class")}
    lacking = [name for place, name in enumerate(CLASSES) if place not in set(rows["label"])]
    if lacking:
        for how in ("macro", "weighted"):
            assert found[how].value is None
            assert re.match(r"class \w+: no row is labelled (positive|negative)", str(found[how].reason))
        return
    expected = by_class(measure, rows)
    shares = [float(rows["w"][rows["label"] == place].sum() / rows["w"].sum()) for place in range(3)]
    assert found["macro"].value == pytest.approx(np.mean(expected), abs=1e-9)
    assert found["weighted"].value == pytest.approx(np.dot(shares, expected), abs=1e-9)
    assert found["per_class"].value == pytest.approx(min(expected), abs=1e-9)
    assert [one.value for one in found["per_class"].comparisons] == pytest.approx(expected, abs=1e-9)
    assert [row.value for row in found["macro"].groups] == pytest.approx(expected, abs=1e-9)


@settings(max_examples=few(20), deadline=None)
@given(rows=TABLES.filter(lambda rows: set(rows["label"]) == {0, 1, 2}))
def test_the_mean_area_is_what_scikit_learn_calls_one_versus_rest(rows: Rows) -> None:
    """roc_auc_score with multi_class ovr, for both averages that it has."""
    for average in ("macro", "weighted"):
        expected = sk.roc_auc_score(
            rows["label"], rows[list(CLASSES)], sample_weight=rows["w"], multi_class="ovr", average=average
        )
        assert ask(ROC_AUC, rows, average=average).value == pytest.approx(expected, abs=1e-9)


@settings(max_examples=few(30), deadline=None)
@given(rows=TABLES)
def test_losses_are_scikit_learns(rows: Rows) -> None:
    """Log loss of the own class; Brier over all classes, up to 2; weights and absent classes included."""
    y, p, w = rows["label"], rows[list(CLASSES)].to_numpy(), rows["w"]
    log_loss = sk.log_loss(y, p, sample_weight=w, labels=[0, 1, 2])
    assert ask(calibration.log_loss, rows).value == pytest.approx(log_loss, abs=1e-9)
    brier = sk.brier_score_loss(y, p, sample_weight=w, labels=[0, 1, 2])
    assert ask(BRIER, rows).value == pytest.approx(brier, abs=1e-9)


@settings(max_examples=few(20), deadline=None)
@given(rows=TABLES)
def test_top_class_calibration_is_that_of_the_likeliest(rows: Rows) -> None:
    """Confidence against how often it is right, in ten bins."""
    p, w = rows[list(CLASSES)].to_numpy(), rows["w"].to_numpy()
    sure, right = p.max(axis=1), p.argmax(axis=1) == rows["label"]
    place = np.searchsorted(np.arange(1, 10) / 10, sure, side="right")
    gaps = np.bincount(place, w * (right - sure))
    found = ask(CALIBRATION_ERROR, rows)
    assert found.value == pytest.approx(abs(gaps).sum() / w.sum(), abs=1e-9)


@settings(max_examples=few(30), deadline=None)
@given(rows=TABLES, seven=st.booleans())
def test_intervals_hold_the_value_and_have_width(rows: Rows, seven: bool) -> None:
    """Every value has an interval around it; multiplying the weights by 7 leaves it alone."""
    for measure in (*RANKING, calibration.log_loss, BRIER, CALIBRATION_ERROR):
        params = {"average": "weighted"} if seven and measure in RANKING else {}
        found, other = ask(measure, rows, **params), ask(measure, rows.assign(w=7 * rows["w"]), **params)
        assert (found.interval is None) == (other.interval is None)
        if found.interval is None or other.interval is None or found.value is None:
            continue
        low, high = found.interval.at(0.9)
        assert math.isfinite(low)
        assert math.isfinite(high)
        assert low - 1e-12 <= found.value <= high + 1e-12
        assert low < high
        assert other.interval.at(0.9) == pytest.approx((low, high), rel=1e-7, abs=1e-9)


def drawn(size: int, seed: int = 0) -> Rows:
    """Draw rows whose label has the probabilities that are written."""
    rng = np.random.default_rng(seed)
    scores = rng.dirichlet([0.7, 0.7, 0.7], size=size)
    label = (rng.random(size)[:, None] > scores.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    return pd.DataFrame(scores, columns=list(CLASSES)).assign(label=label, w=1.0)


def test_a_mean_is_no_surer_than_its_classes_together() -> None:
    """How the classes' errors go together is not seen, so the bounds are the means of the bounds."""
    found = ask(ROC_AUC, drawn(300))
    assert found.interval is not None
    each = [row.interval.at(0.9) for row in found.groups if row.interval is not None]
    assert found.interval.at(0.9) == pytest.approx(np.mean(each, axis=0))


def test_every_class_must_be_inside() -> None:
    """Per class, each is a claim of its own and the worst is the value."""
    found = ask(AVERAGE_PRECISION, drawn(300), average="per_class")
    assert [one.groups for one in found.comparisons] == [({"class": name},) for name in CLASSES]
    assert found.value == min(one.value for one in found.comparisons)
    assert found.judged_share == 1.0


def test_a_small_class_is_listed_and_not_judged_alone() -> None:
    """Two dogs among many are no ground to fail, or to pass, a model on dogs."""
    rows = drawn(200)
    few = pd.concat([rows[rows["label"] < 2], rows[rows["label"] == 2].head(2)])
    found = ask(ROC_AUC, few, average="per_class", min_group=30)
    assert [one.name for one in found.comparisons] == ["bird", "cat"]
    listed = {row.group["class"]: row for row in found.groups}
    assert listed["dog"].reason == "2 rows are labelled dog, fewer than min_group 30"
    assert found.judged_share == pytest.approx(1 - 2 / len(few))
    none = ask(ROC_AUC, few, average="per_class", min_group=1000)
    assert none.value is None
    assert "no class can be judged" in str(none.reason)


def test_confident_nonsense_is_expensive() -> None:
    """Certain and wrong in every row: the worst Brier score is 2, and 36 nats a row."""
    rows = pd.DataFrame({"bird": [1.0] * 5, "cat": 0.0, "dog": 0.0, "label": 1, "w": 1.0})
    brier, loss = ask(BRIER, rows), ask(calibration.log_loss, rows)
    assert brier.value == pytest.approx(2.0)
    assert loss.value == pytest.approx(-math.log(np.finfo(float).eps))
    for found in (brier, loss):
        assert found.interval is not None
        assert found.interval.at(0.9)[0] < (found.value or 0.0)


def test_several_classes_have_no_positive_one() -> None:
    """Asking for the calibration of the positive class of three is an error of the policy."""
    with pytest.raises(PolicyError, match="several classes have no positive one"):
        ask(CALIBRATION_ERROR, drawn(10), of="positive")


def test_classes_in_clusters_are_told_by_the_clusters() -> None:
    """The same thirty rows ten times each, a cluster a row, tell as much as thirty rows."""
    rows = drawn(30)
    many = pd.concat([rows.assign(cluster=range(30))] * 10)
    clustered = Columns(
        names=COLUMNS.names, types={}, task="multiclass", label="y", scores=COLUMNS.scores, cluster="who"
    )
    for measure in (*RANKING, calibration.log_loss, BRIER, CALIBRATION_ERROR):
        one, other = ask(measure, rows), ask(measure, many, clustered)
        assert one.interval is not None
        assert other.interval is not None
        assert other.value == pytest.approx(one.value)
        (low, high), (lower, higher) = one.interval.at(0.9), other.interval.at(0.9)
        assert higher - lower > 0.8 * (high - low), measure.id
