"""Two models on hand-built cells: forms are the measures, and intervals hold as often as they say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate.cells import Cells, Columns, Counts
from mlgate.measures.decision_forms import derivative, form_of
from mlgate.measures.joint import joint, with_champion, without_champion
from mlgate.measures.metrics import Metric, shipped
from mlgate.measures.paired import Paired, paired
from tests.measures.number_rows import cells_of

GIVEN = {"min_group": 1, "seed": 0, "favourable": "positive"}

DECISIONS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in ("accuracy", "balanced-accuracy", "mcc", "cohen-kappa", "versus-dummy")),
    *((name, {}) for name in ("precision", "recall", "f1", "specificity", "npv")),
    *(
        (name, {"average": how})
        for name in ("precision", "recall", "f1", "specificity", "npv")
        for how in ("macro", "micro", "weighted")
    ),
    ("cohen-kappa", {"weights": "quadratic"}),
    ("expected-cost", {"fp_cost": 1.0, "fn_cost": 5.0}),
]


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=9, max_size=9), st.booleans(), st.sampled_from(DECISIONS))
def test_forms_are_the_measures(counts: list[int], several: bool, asked: tuple[str, dict[str, Any]]) -> None:
    """On any table of two or three classes, to 1e-9; and their derivatives sum to zero over it."""
    name, params = asked
    size = 3 if several else 2
    if several and name == "expected-cost":
        return
    table = np.array(counts[: size * size], dtype=float).reshape(size, size)
    classes = ("1", "2", "3") if several else ()
    metric = shipped(name, **params)
    label, prediction = np.nonzero(table)
    n = table[label, prediction]
    cells = Cells(
        roles={"label": label.astype(float), "prediction": prediction.astype(float)},
        groups={},
        n=n.astype(np.int64),
        w=n,
        w2=n,
        classes=classes,
    )
    value = metric.value({Counts(roles=("label", "prediction")): cells}, GIVEN).value
    form = form_of(metric, classes, table)
    assert form is not None
    with np.errstate(all="ignore"):
        found = float(form(table[None])[0])
    if value is None:
        return  # one class, say, of which a form need not know
    assert found == pytest.approx(value, abs=1e-9)
    with np.errstate(all="ignore"):
        slope = derivative(form, table)
    if np.isfinite(slope).all():
        assert float((slope * table).sum()) == pytest.approx(0.0, abs=1e-6)


Rows = Callable[[int, int], pd.DataFrame]


def binary(apart: float, prevalence: float) -> Rows:
    """Return a maker of rows of two models, of which the first is a little better."""

    def rows(size: int, seed: int) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        label = (rng.random(size) < prevalence).astype(float)
        seen = apart * label + rng.normal(size=size)
        odds = np.log(prevalence / (1 - prevalence))
        scores = [
            1 / (1 + np.exp(-(2 * seen - apart + odds + rng.normal(size=size) * noise)))
            for noise in (0.5, 0.8)
        ]
        own, other = scores
        return pd.DataFrame(
            {
                "label": label,
                "prediction": (own >= 0.5) * 1.0,
                "score": own,
                "champion_prediction": (other >= 0.5) * 1.0,
                "champion_score": other,
                "w": 1.0,
                "cluster": np.arange(size) // 5,
            }
        )

    return rows


def regression(size: int, seed: int) -> pd.DataFrame:
    """Return rows of two models of numbers."""
    rng = np.random.default_rng(seed)
    label = rng.normal(50, 10, size)
    return pd.DataFrame(
        {
            "label": label,
            "prediction": label + rng.normal(0, 3.0, size),
            "champion_prediction": label + rng.normal(0, 3.3, size),
            "w": 1.0,
            "cluster": np.arange(size) // 5,
        }
    )


def compared(metric: Metric, rows: pd.DataFrame, task: Any = "binary", **more: Any) -> Paired:
    """Compare both models of the rows."""
    known = Columns(names=(), types={}, task=task, label="y", score="s", prediction="d")
    asked = [with_champion(one) for one in metric.plan(known, GIVEN)]
    answered = {one: cells_of(rows, one.roles, weighted=False) for one in asked}
    return paired(metric, answered, GIVEN, seed=0, **more)


def truth(metric: Metric, rows: pd.DataFrame, task: Any) -> float:
    """Return the improvement on very many rows."""
    known = Columns(names=(), types={}, task=task, label="y", score="s", prediction="d")
    both = {
        one: joint(cells_of(rows, with_champion(one).roles, weighted=False))
        for one in metric.plan(known, GIVEN)
    }
    own, other = (
        metric.value({without_champion(one): getattr(each, side) for one, each in both.items()}, GIVEN).value
        for side in ("candidate", "champion")
    )
    assert own is not None
    assert other is not None
    return metric.sign * (own - other)


SIMULATED: list[tuple[str, str, Rows]] = [
    *(
        (name, "binary", binary(apart, prevalence))
        for name in (
            "accuracy", "recall", "precision", "f1", "balanced-accuracy", "mcc", "cohen-kappa", "roc-auc",
            "log-loss", "brier", "average-precision", "ks", "lift-at-k", "recall-at-fpr", "calibration-error",
        )
        for apart, prevalence in ((1.0, 0.4), (1.0, 0.1), (2.0, 0.2))
    ),
    *((name, "regression", regression) for name in ("mae", "rmse", "r2", "median-absolute-error")),
]  # fmt: skip


@pytest.mark.heavy
@pytest.mark.parametrize("size", [200, 500, 2000])
@pytest.mark.parametrize("at", range(len(SIMULATED)))
def test_bounds_hold_as_often_as_they_say(at: int, size: int) -> None:
    """Nominal 95 %: at least 90 % of intervals hold the truth; and who loses just the margin rarely passes."""
    name, task, rows = SIMULATED[at]
    metric, draws = shipped(name), 400
    true = truth(metric, rows(200_000, 10**6), task)
    inside = approved = known = 0
    for seed in range(draws):
        found = compared(metric, rows(size, seed), task)
        if found.interval is None:
            continue
        known += 1
        low, high = found.interval.at(0.95)
        inside += low <= true <= high
        approved += found.interval.at(0.9)[0] > true  # a model whose true loss is the margin itself
    print(f"{name} {size}: {inside / known:.1%} of {known} hold the truth, {approved / known:.1%} approved")  # noqa: T201
    assert inside / known >= 0.90 - 2 * np.sqrt(0.9 * 0.1 / known)
    assert approved / known <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / known)


def test_the_champion_handed_in_twice_has_no_interval() -> None:
    """But for shares of rows and what is made of counts, where a row could still differ."""
    rows = binary(1.0, 0.4)(200, 1)
    twice = rows.assign(champion_score=rows["score"], champion_prediction=rows["prediction"])
    for name in ("log-loss", "brier", "roc-auc", "average-precision", "ks"):
        found = compared(shipped(name), twice)
        assert found.value == 0.0
        assert found.interval is None
        assert "handed in twice" in (found.reason or "")
    for name in ("accuracy", "recall", "f1", "mcc"):
        found = compared(shipped(name), twice)
        assert found.value == 0.0
        assert found.interval is not None
        low, high = found.interval.at(0.9)
        assert low < 0.0 < high


def test_per_cent_divide_by_the_champion() -> None:
    """And are refused where the champion may be 0."""
    rows = binary(1.0, 0.4)(500, 1)
    for name in ("accuracy", "f1", "roc-auc", "log-loss", "ks"):
        plain, share = (compared(shipped(name), rows, relative=one) for one in (False, True))
        assert plain.value is not None
        assert plain.champion.value is not None
        assert share.value == pytest.approx(plain.value / abs(plain.champion.value))
        assert share.interval is not None
    guessing = rows.assign(champion_score=np.random.default_rng(0).random(500))
    found = compared(shipped("gini"), guessing, relative=True)
    assert found.value is None
    assert "too near 0" in (found.reason or "")
