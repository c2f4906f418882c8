"""The worst slice by any metric: against fairlearn on the rows, and metrics that are better the other way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from mlgate.cells import Answers, Columns, Counts
from mlgate.errors import PolicyError
from mlgate.estimates import Estimate
from mlgate.measures import Measure, catalogue
from mlgate.measures.judging import Judging
from mlgate.measures.metrics import shipped
from tests.measures.asking import cells_of

WORST = catalogue()["performance.worst_slice"]
WORST_ERROR = catalogue()["performance.worst_slice_error"]

COLUMNS = Columns(
    names=("label", "prediction", "score", "g"),
    types={},
    label="label",
    score="score",
    prediction="prediction",
)


def ask(
    frame: pd.DataFrame, name: str, *, worst: Measure = WORST, min_group: int = 1, **params: Any
) -> Estimate:
    """Ask as the gate does."""
    judging = Judging(by=("g",), min_group=min_group, judge_unknown=False)
    given: dict[str, Any] = {
        "metric": shipped(name, **params),
        "judging": judging,
        "seed": 0,
        "favourable": "positive",
    }
    planned = [one for one in worst.plan(given, COLUMNS) if isinstance(one, Counts)]
    assert all(one.by[-1:] == ("g",) for one in planned)
    return worst.value(Answers({one: cells_of(frame, one.roles, ["g"]) for one in planned}), given)


def rows(seed: int, size: int = 200, groups: int = 3) -> pd.DataFrame:
    """Draw a table in which every group has both classes."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "label": draw.integers(0, 2, size).astype(float),
            "score": draw.integers(1, 20, size) / 20,
            "g": draw.choice([f"g{one}" for one in range(groups)], size),
        }
    )
    ends = pd.DataFrame(
        [
            (label, score, f"g{one}")
            for one in range(groups)
            for label, score in ((0.0, 0.2), (1.0, 0.7), (1.0, 0.1), (0.0, 0.9))
        ],
        columns=["label", "score", "g"],
    )
    whole = pd.concat([frame, ends], ignore_index=True)
    return whole.assign(prediction=(whole["score"] >= 0.5).astype(float))


BY_DECISION: dict[str, Callable[..., float]] = {
    "accuracy": metrics.accuracy_score,
    "recall": metrics.recall_score,
    "f1": metrics.f1_score,
    "mcc": metrics.matthews_corrcoef,
}
BY_SCORE: dict[str, Callable[..., float]] = {
    "roc-auc": metrics.roc_auc_score,
    "average-precision": metrics.average_precision_score,
}
LOSSES: dict[str, Callable[..., float]] = {"log-loss": metrics.log_loss, "brier": metrics.brier_score_loss}


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), groups=st.integers(2, 6))
@pytest.mark.parametrize("name", [*BY_DECISION, *BY_SCORE, *LOSSES])
def test_the_worst_slice_is_that_of_fairlearn(name: str, seed: int, groups: int) -> None:
    """`MetricFrame.group_min`, or `group_max` of a loss, on the rows; every slice has the library's number."""
    frame = rows(seed, groups=groups)
    metric = {**BY_DECISION, **BY_SCORE, **LOSSES}[name]
    said = frame["prediction"] if name in BY_DECISION else frame["score"]
    expected = MetricFrame(metrics=metric, y_true=frame["label"], y_pred=said, sensitive_features=frame["g"])
    found = ask(frame, name, worst=WORST_ERROR if name in LOSSES else WORST)
    assert found.value == pytest.approx(
        expected.group_max() if name in LOSSES else expected.group_min(), abs=1e-9
    )
    assert {one.group["g"]: one.value for one in found.groups} == pytest.approx(
        expected.by_group.to_dict(), abs=1e-9
    )
    assert found.judged_share == 1.0
    assert all(one.interval is not None for one in found.comparisons)


def test_a_metric_that_is_better_the_other_way_is_refused() -> None:
    """The lowest log loss is the best slice, not the worst; a target has no worst side."""
    frame = rows(0)
    with pytest.raises(PolicyError, match="better when it is lower") as error:
        ask(frame, "log-loss")
    assert "worst-slice-error" in str(error.value)
    with pytest.raises(PolicyError, match="better when it is higher"):
        ask(frame, "accuracy", worst=WORST_ERROR)
    with pytest.raises(PolicyError, match="it has a target"):
        ask(frame, "observed-expected")


def test_small_and_unknown_slices_are_listed_and_not_judged() -> None:
    """Each with the reason; what is judged covers the rest of the rows."""
    frame = rows(1, size=300)
    few = pd.DataFrame({"label": [1.0] * 5, "score": [0.1] * 5, "prediction": [0.0] * 5, "g": ["small"] * 5})
    lost = few.assign(g=None)
    found = ask(pd.concat([frame, few, lost], ignore_index=True), "accuracy", min_group=30)
    unjudged = {one.group["g"]: one.reason for one in found.groups if not one.judged}
    assert unjudged == {"small": "5 rows, fewer than min_group 30", "unknown": "protected value missing"}
    assert found.value is not None
    assert found.value > 0.0
    assert found.judged_share == pytest.approx(len(frame) / (len(frame) + 10))


def test_a_slice_that_has_no_number_is_listed() -> None:
    """Recall without positives is not zero; with rows enough, but few behind the number, it is not judged."""
    frame = rows(2, size=300)
    without = pd.DataFrame(
        {"label": [0.0] * 50, "score": [0.1] * 50, "prediction": [0.0] * 50, "g": ["none"] * 50}
    )
    found = ask(pd.concat([frame, without], ignore_index=True), "recall", min_group=30)
    (line,) = [one for one in found.groups if one.group["g"] == "none"]
    assert (line.value, line.judged) == (None, False)
    assert found.value != 0.0


def test_a_slice_with_a_number_and_no_interval_is_not_forgotten() -> None:
    """It could be the worst one: the claim stands without an interval, so that nothing passes by it."""
    frame = rows(3, size=300)
    alike = pd.DataFrame(
        {"label": [1.0] * 40, "score": [0.5] * 40, "prediction": [1.0] * 40, "g": ["alike"] * 40}
    )
    found = ask(pd.concat([frame, alike], ignore_index=True), "log-loss", worst=WORST_ERROR, min_group=30)
    claims = {one.name: one.interval for one in found.comparisons}
    assert "alike" in claims
    line = next(one for one in found.groups if one.group["g"] == "alike")
    assert line.judged
