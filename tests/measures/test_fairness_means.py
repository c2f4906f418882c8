"""Means by group: regression parity and score parity against fairlearn, scipy and the shared cases."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from fairlearn.metrics import MetricFrame, mean_prediction
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

from mlgate.cells import Answers, Columns
from mlgate.measures.fairness_means import RegressionParity, RegressionParityRatio, ScoreParity
from mlgate.measures.judging import Judging
from tests.conftest import few
from tests.measures.asking import ask, bounds, groups_of


def bias(label: Any, prediction: Any, *, sample_weight: Any) -> float:
    """Return the mean error."""
    return float(np.average(np.asarray(prediction) - np.asarray(label), weights=sample_weight))


METRICS: dict[str, Callable[..., float]] = {
    "mean-prediction": mean_prediction,
    "mean-error": bias,
    "mae": sk.mean_absolute_error,
    "rmse": sk.root_mean_squared_error,
}


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    """Draw rows of two to four groups with labels, predictions above 0 and weights."""
    number = st.floats(0.125, 64.0, width=16)
    row = st.tuples(number, number, st.sampled_from("abcd"), st.sampled_from([0.25, 1.0, 3.0]))
    rows = draw(st.lists(row, min_size=4, max_size=40))
    frame = pd.DataFrame(rows, columns=["label", "prediction", "g", "w"])
    assume(len(set(frame["g"])) > 1)
    return frame


def fairlearns(frame: pd.DataFrame, metric: str) -> MetricFrame:
    """Return the metric by group, on the rows."""
    return MetricFrame(
        metrics=METRICS[metric],
        y_true=frame["label"],
        y_pred=frame["prediction"],
        sensitive_features=frame["g"],
        sample_params={"sample_weight": frame["w"]},
    )


@pytest.mark.parametrize("metric", METRICS)
@settings(max_examples=few(20), deadline=None)
@given(frame=tables())
def test_values_are_metric_frames(metric: str, frame: pd.DataFrame) -> None:
    """Differences, ratios and every group's value are what fairlearn makes of the rows."""
    due = fairlearns(frame, metric)
    found = ask(RegressionParity, frame, weight="w", metric=metric, task="regression")
    assert found.value == pytest.approx(due.difference(), rel=1e-9, abs=1e-9)
    values = {group: line.value for group, line in groups_of(found).items()}
    assert values == pytest.approx(due.by_group.to_dict(), rel=1e-12, abs=1e-9)
    if metric == "mean-error":
        return
    ratio = ask(RegressionParityRatio, frame, weight="w", metric=metric, task="regression")
    if due.group_max() == 0:
        assert ratio.value is None
        assert "a ratio over zero" in (ratio.reason or "")
    else:
        assert ratio.value == pytest.approx(due.ratio(), rel=1e-9, abs=1e-12)


@settings(max_examples=few(30), deadline=None)
@given(frame=tables(), metric=st.sampled_from(sorted(METRICS)))
def test_intervals_are_real(frame: pd.DataFrame, metric: str) -> None:
    """None is of width zero, all hold their value, and scales of weights change nothing."""
    asked: list[tuple[Any, str]] = [(RegressionParity, metric)]
    asked += [(RegressionParityRatio, metric)] if metric != "mean-error" else []
    for measure, name in asked:
        found = ask(measure, frame, weight="w", metric=name, task="regression")
        seven = ask(measure, frame.assign(w=frame["w"] * 7), weight="w", metric=name, task="regression")
        for one, other in zip(found.comparisons, seven.comparisons, strict=True):
            assert (one.interval is None) == (other.interval is None)
            if one.interval is None:
                continue
            low, high = bounds(one, 0.9)
            assert low < high
            assert low <= one.value + 1e-9
            assert one.value <= high + 1e-9
            assert bounds(other, 0.9) == pytest.approx((low, high), rel=1e-6, abs=1e-9)


def drawn(rows: int, seed: int = 1) -> pd.DataFrame:
    """Draw two groups of unlike size and spread."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"label": rng.normal(20, 5, rows), "g": rng.choice(["a", "a", "a", "b"], rows)})
    noise = np.where(frame["g"] == "a", rng.normal(0, 1, rows), rng.normal(1, 3, rows))
    return frame.assign(prediction=frame["label"] + noise)


def test_the_gap_of_two_means_is_welchs() -> None:
    """With many rows in both groups MOVER of two t intervals is Welch's interval of the difference."""
    frame = drawn(4000)
    found = ask(RegressionParity, frame, metric="mean-error", task="regression")
    error = frame["prediction"] - frame["label"]
    due = stats.ttest_ind(error[frame["g"] == "b"], error[frame["g"] == "a"], equal_var=False)
    low, high = due.confidence_interval(0.9)
    assert bounds(found, 0.9) == pytest.approx((low, high), rel=2e-3)


def test_the_ratio_of_errors_is_the_delta_methods() -> None:
    """Through the logarithms of both means: exp(log a - log b -+ t sqrt(sum of se^2 / mean^2))."""
    frame = drawn(4000, seed=2)
    found = ask(RegressionParityRatio, frame, metric="mae", task="regression")
    error = (frame["prediction"] - frame["label"]).abs()
    a, b = error[frame["g"] == "a"], error[frame["g"] == "b"]
    spread = math.sqrt(sum(stats.sem(one) ** 2 / one.mean() ** 2 for one in (a, b)))
    centre = math.log(a.mean() / b.mean())
    z = stats.norm.ppf(0.95)
    due = (math.exp(centre - z * spread), math.exp(centre + z * spread))
    assert bounds(found, 0.9) == pytest.approx(due, rel=2e-3)
    assert found.interval is not None
    assert found.interval.method == "mover"


def test_intervals_cover() -> None:
    """Over 100 tables the bounds miss a true gap, and a true ratio, about as often as they say."""
    missed = {"mae": 0, "rmse": 0, "mean-error": 0, "ratio": 0}
    true = {"mae": math.sqrt(2 / math.pi), "rmse": 1.0, "mean-error": 0.5}
    for seed in range(100):
        rng = np.random.default_rng(seed)
        label = rng.normal(20, 5, 160)
        noise = np.concatenate([rng.normal(0, 1, 80), rng.normal(0, 2, 80)])
        frame = pd.DataFrame({"label": label, "prediction": label + noise, "g": ["a"] * 80 + ["b"] * 80})
        shifted = frame.assign(prediction=frame["prediction"] + np.repeat([0.0, 0.5], 80))
        for metric, gap in true.items():
            rows = shifted if metric == "mean-error" else frame
            low, high = bounds(ask(RegressionParity, rows, metric=metric, task="regression"), 0.9)
            missed[metric] += not low <= gap <= high
        low, high = bounds(ask(RegressionParityRatio, frame, metric="rmse", task="regression"), 0.9)
        missed["ratio"] += not low <= 0.5 <= high
    assert all(2 <= one <= 18 for one in missed.values()), missed


@pytest.mark.parametrize("model", ["ridge", "hgb"])
@pytest.mark.parametrize("name", ["bike_sharing", "wage_islr"])
def test_shared_regression_cases(shared_data: Path, name: str, model: str) -> None:
    """Every fairness value of the cases, by group and between groups, to 1e-6."""
    case = yaml.safe_load((shared_data / name / "case.yaml").read_text())
    frame = pd.read_csv(shared_data / name / "test.csv")
    frame = frame.assign(label=frame[case["label"]], prediction=frame[f"pred_{model}"])
    for column, due in case["expected"]["fairness_test"][model].items():
        for metric, key, over in (
            ("mae", "mae", "mae_difference"),
            ("rmse", "rmse", None),
            ("mean-prediction", "mean_pred", "mean_pred_difference"),
            ("mean-error", "mean_error_pred_minus_true", "mean_error_difference"),
        ):
            found = ask(RegressionParity, frame, by=[column], metric=metric, task="regression")
            lines = groups_of(found)
            for group, numbers in due["by_group"].items():
                assert lines[str(group)].n == numbers["n"]
                assert lines[str(group)].value == pytest.approx(numbers[key], abs=1e-6)
            if over is not None:
                assert found.value == pytest.approx(due[over], abs=1e-6)
        ratio = ask(RegressionParityRatio, frame, by=[column], metric="mae", task="regression")
        assert ratio.value == pytest.approx(due["mae_ratio_min_over_max"], abs=1e-6)
        small = ask(RegressionParity, frame, by=[column], metric="mae", min_group=30, task="regression")
        unjudged = sorted(group for group, line in groups_of(small).items() if not line.judged)
        assert unjudged == sorted(due["small_groups_n_below_30"])


@settings(max_examples=few(20), deadline=None)
@given(frame=tables())
def test_score_parity_is_the_gap_of_mean_scores(frame: pd.DataFrame) -> None:
    """Whatever the scores are; a binary label is not looked at."""
    rows = frame.rename(columns={"prediction": "score"})
    means = {group: np.average(part["score"], weights=part["w"]) for group, part in rows.groupby("g")}
    found = ask(ScoreParity, rows, weight="w", task="scores")
    assert found.value == pytest.approx(max(means.values()) - min(means.values()), rel=1e-9, abs=1e-9)


def test_what_cannot_be_said() -> None:
    """No rows, one group, equal numbers, no label, weights of zero: never a value that passes."""
    frame = drawn(200)
    assert ask(RegressionParity, frame.iloc[:0], task="regression").reason == "the table has no rows"
    one = ask(RegressionParity, frame[frame["g"] == "a"], task="regression")
    assert (one.value, len(one.groups)) == (None, 1)
    still = ask(RegressionParity, frame.assign(prediction=3.0), task="regression")
    assert (still.value, still.interval) == (0.0, None)
    params = {
        "judging": Judging(by=("g",), min_group=1, judge_unknown=False),
        "metric": "mae",
    }
    assert RegressionParity.plan(params, Columns(names=(), types={}, task="regression")) == ()
    assert "names no label" in (RegressionParity.value(Answers(), params).reason or "")
    weightless = frame.assign(w=np.where(frame["g"] == "b", 0.0, 1.0))
    found = ask(RegressionParity, weightless, weight="w", task="regression")
    assert groups_of(found)["b"].reason == "its weights sum to 0"
    assert found.value is None


def test_errors_too_large_to_square_are_no_number() -> None:
    """An overflow is a reason, not infinity."""
    frame = drawn(100).assign(prediction=1e200)
    found = ask(RegressionParity, frame, metric="rmse", task="regression")
    assert found.value is None
    assert "too large" in (found.reason or "")


def test_a_ratio_of_means_below_zero_is_refused() -> None:
    """Minus 3 over minus 6 is no half as much."""
    frame = drawn(200)
    frame["prediction"] -= 40 * (frame["g"] == "a")
    found = ask(RegressionParityRatio, frame, metric="mean-prediction", task="regression")
    assert found.value is None
    assert found.reason == "the mean prediction is below 0 in a: a ratio says nothing of it"
    assert len(found.groups) == 2
