"""Performance of binary models: equal to scikit-learn on the rows, and never a value without doubt."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression

from mlgate.cells import Answers, Cells, Columns, Counts
from mlgate.estimates import Estimate
from mlgate.measures import Measure, calibration, catalogue, performance, ranking
from tests.conftest import few

ROC_AUC = catalogue()["performance.roc_auc"]
GINI = catalogue()["performance.gini"]
AVERAGE_PRECISION = catalogue()["performance.average_precision"]
BRIER = catalogue()["performance.brier"]
CALIBRATION_ERROR = catalogue()["performance.calibration_error"]

FP_COST, FN_COST, MAX_FPR, K = 1.0, 4.5, 0.25, 0.2

PARAMS: Mapping[str, Mapping[str, Any]] = {
    "performance.expected_cost": {"fp_cost": FP_COST, "fn_cost": FN_COST},
    "performance.recall_at_fpr": {"max_fpr": MAX_FPR},
    "performance.lift_at_k": {"k": K},
}

MEASURES: Sequence[Measure] = [
    found
    for module in (performance, ranking, calibration)
    for found in vars(module).values()
    if isinstance(found, Measure)
]

Rows = pd.DataFrame
"""label and prediction 0.0 or 1.0, score, weight w; one line a row."""


def cells_of(rows: Rows, roles: Sequence[str], *, weighted: bool = True) -> Cells:
    """Build cells as the scan does: one for each distinct combination of the roles."""
    known = rows.assign(w=rows["w"] if weighted else 1.0, n=1)
    known["w2"] = known["w"] ** 2
    found = known.groupby(list(roles), sort=True)[["n", "w", "w2"]].sum().reset_index()
    return Cells(
        roles={role: found[role].to_numpy(dtype=float) for role in roles},
        groups={},
        n=found["n"].to_numpy(dtype=np.int64),
        w=found["w"].to_numpy(dtype=float),
        w2=found["w2"].to_numpy(dtype=float),
        weighted=weighted,
    )


def ask(measure: Measure, rows: Rows, *, weighted: bool = True, **params: Any) -> Estimate:
    """Put the question as the gate does, through plan and answers."""
    params = {**filled(measure), **params}
    (wanted,) = measure.plan(params, Columns(names=(), types={}))
    assert isinstance(wanted, Counts)
    return measure.value(Answers({wanted: cells_of(rows, wanted.roles, weighted=weighted)}), params)


def filled(measure: Measure) -> dict[str, Any]:
    """Return what the gate gives: defaults, what the tests set, and the smallest class that is judged."""
    defaults = {name: one.default for name, one in measure.params.items() if one.default is not one.empty}
    injected = {"min_group": 30} if "min_group" in measure.injected else {}
    return {**defaults, **PARAMS.get(measure.id, {}), **injected}


def table(tp: int, fp: int, fn: int, tn: int) -> Rows:
    """Return rows with these counts and scores that make the same decisions."""
    lines = [(1.0, 1.0, 0.8)] * tp + [(0.0, 1.0, 0.7)] * fp + [(1.0, 0.0, 0.3)] * fn + [(0.0, 0.0, 0.1)] * tn
    return pd.DataFrame(lines, columns=["label", "prediction", "score"], dtype=float).assign(w=1.0)


def scored(positives: Sequence[float], negatives: Sequence[float]) -> Rows:
    """Return rows with these scores."""
    score = [*positives, *negatives]
    label = [1.0] * len(positives) + [0.0] * len(negatives)
    prediction = [float(one >= 0.5) for one in score]
    return pd.DataFrame({"label": label, "prediction": prediction, "score": score, "w": 1.0}, dtype=float)


LINE = st.tuples(
    st.sampled_from([0.0, 1.0]),
    st.sampled_from([0.0, 1.0]),
    st.integers(1, 99).map(lambda percent: percent / 100),
    st.one_of(st.integers(1, 9).map(float), st.floats(0.01, 50.0)),
)

TABLES = st.lists(LINE, min_size=1, max_size=30).map(
    lambda lines: pd.DataFrame(lines, columns=["label", "prediction", "score", "w"])
)
"""Ties, integer and float weights, and often one class or one prediction only."""


def oracle(measure: str, rows: Rows) -> float | None:
    """Compute what the measure is on the rows themselves; None where it is undefined."""
    y, d, p, w = (rows[name].to_numpy() for name in ("label", "prediction", "score", "w"))
    return ORACLES[measure.removeprefix("performance.")](y, d, p, w)


Array = Any
Oracle = Callable[[Array, Array, Array, Array], "float | None"]


def both(y: Array) -> bool:
    """Whether both values occur."""
    return len(set(y)) == 2


def _ks(y: Array, _d: Array, p: Array, w: Array) -> float | None:
    if not both(y):
        return None
    distances = [
        w[(y == 1) & (p >= cut)].sum() / w[y == 1].sum() - w[(y == 0) & (p >= cut)].sum() / w[y == 0].sum()
        for cut in set(p)
    ]
    return float(max(0.0, *distances))


def _recall_at_fpr(y: Array, _d: Array, p: Array, w: Array) -> float | None:
    if not both(y):
        return None
    kept = [cut for cut in set(p) if w[(y == 0) & (p >= cut)].sum() / w[y == 0].sum() <= MAX_FPR + 1e-12]
    return float(max((w[(y == 1) & (p >= cut)].sum() / w[y == 1].sum() for cut in kept), default=0.0))


def _lift(y: Array, _d: Array, p: Array, w: Array) -> float | None:
    if not both(y):
        return None
    room, hits = K * w.sum(), 0.0
    for cut in sorted(set(p), reverse=True):
        here = p == cut
        taken = min(room, w[here].sum())
        hits += taken * w[here & (y == 1)].sum() / w[here].sum()
        room -= taken
    return float(hits / (K * w.sum()) / (w[y == 1].sum() / w.sum()))


def _ece(y: Array, _d: Array, p: Array, w: Array) -> float:
    place = np.round(p * 100).astype(int) // 10
    return float(sum(abs((w * (y - p))[place == one].sum()) for one in set(place)) / w.sum())


def _slope(y: Array, _d: Array, p: Array, w: Array) -> float | None:
    if not both(y) or not both(p > p.min()):
        return None
    if p[y == 1].min() >= p[y == 0].max() or p[y == 0].min() >= p[y == 1].max():
        return None
    fit = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12)
    return float(fit.fit(np.log(p / (1 - p))[:, None], y, sample_weight=w).coef_[0, 0])


def _cost(y: Array, d: Array, _p: Array, w: Array) -> float | None:
    errors = FP_COST * w[(y == 0) & (d == 1)].sum() + FN_COST * w[(y == 1) & (d == 0)].sum()
    return float(errors / w.sum()) if both(y) else None


def _area(y: Array, p: Array, w: Array) -> float | None:
    return float(sk.roc_auc_score(y, p, sample_weight=w)) if both(y) else None


def _when(condition: Callable[[Array, Array], bool], metric: Callable[..., float], **fixed: Any) -> Oracle:
    """Take a metric of scikit-learn on decisions, where it is defined."""
    return lambda y, d, _p, w: (
        float(metric(y, d, sample_weight=w, **fixed)) if condition(y == 1, d == 1) else None
    )


ORACLES: Mapping[str, Oracle] = {
    "accuracy": _when(lambda _y, _d: True, sk.accuracy_score),
    "precision": _when(lambda _y, d: d.any(), sk.precision_score),
    "recall": _when(lambda y, _d: y.any(), sk.recall_score),
    "specificity": _when(lambda y, _d: not y.all(), sk.recall_score, pos_label=0),
    "npv": _when(lambda _y, d: not d.all(), sk.precision_score, pos_label=0),
    "f1": _when(lambda y, d: (y | d).any(), sk.f1_score),
    "balanced_accuracy": _when(lambda y, _d: both(y), sk.balanced_accuracy_score),
    "mcc": _when(lambda y, d: both(y) and both(d), sk.matthews_corrcoef),
    "cohen_kappa": lambda y, d, _p, w: (
        float(sk.cohen_kappa_score(y, d, sample_weight=w)) if both(y) else None
    ),
    "expected_cost": _cost,
    "roc_auc": lambda y, _d, p, w: _area(y, p, w),
    "gini": lambda y, _d, p, w: 2 * _area(y, p, w) - 1 if both(y) else None,
    "average_precision": lambda y, _d, p, w: (
        float(sk.average_precision_score(y, p, sample_weight=w)) if both(y) else None
    ),
    "ks": _ks,
    "recall_at_fpr": _recall_at_fpr,
    "lift_at_k": _lift,
    "log_loss": lambda y, _d, p, w: float(sk.log_loss(y, p, sample_weight=w, labels=[0, 1])),
    "brier": lambda y, _d, p, w: float(sk.brier_score_loss(y, p, sample_weight=w, pos_label=1)),
    "calibration_error": _ece,
    "calibration_slope": _slope,
    "observed_expected": lambda y, _d, p, w: float((w * y).sum() / (w * p).sum()),
}

every_measure = pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.id)


def test_every_measure_has_an_oracle() -> None:
    """No performance measure is left out of what is compared here."""
    assert {measure.id.removeprefix("performance.") for measure in MEASURES} == set(ORACLES)


@every_measure
@settings(max_examples=few(40), deadline=None)
@given(rows=TABLES)
def test_value_on_cells_is_the_librarys_on_rows(measure: Measure, rows: Rows) -> None:
    """Counting equal rows changes no value, and what is undefined on rows is missing with a reason."""
    found, expected = ask(measure, rows), oracle(measure.id, rows)
    if expected is None:
        assert found.value is None
        assert found.reason
    else:
        assert found.value == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert found.reason is None


@every_measure
@settings(max_examples=few(30), deadline=None)
@given(rows=TABLES)
def test_interval_holds_the_value_and_has_width(measure: Measure, rows: Rows) -> None:
    """Wherever there is a value there is a finite interval around it, and never one of width zero.

    Only a mean of one row, and a slope through two, by Kish's n, have none.
    """
    found = ask(measure, rows)
    if found.value is None:
        return
    if found.interval is None:
        least = {"performance.log_loss": 1, "performance.brier": 1, "performance.calibration_slope": 2}
        assert sum(rows["w"]) ** 2 / sum(rows["w"] ** 2) < least[measure.id] + 1e-6
        return
    for confidence in (0.5, 0.9, 0.999):
        low, high = found.interval.at(confidence)
        assert math.isfinite(low)
        assert math.isfinite(high)
        assert low < high
        assert low - 1e-12 <= found.value <= high + 1e-12
        assert type(low) is type(high) is float


@every_measure
@settings(max_examples=few(20), deadline=None)
@given(rows=TABLES)
def test_weights_count_only_against_each_other(measure: Measure, rows: Rows) -> None:
    """Multiplying every weight by 7 changes neither the value nor the interval."""
    same_answer(ask(measure, rows), ask(measure, rows.assign(w=rows["w"] * 7)))


@every_measure
@settings(max_examples=few(15), deadline=None)
@given(rows=TABLES, seed=st.integers(0, 10))
def test_order_of_cells_does_not_matter(measure: Measure, rows: Rows, seed: int) -> None:
    """The same cells in another order give the same answer."""
    params = filled(measure)
    (wanted,) = measure.plan(params, Columns(names=(), types={}))
    assert isinstance(wanted, Counts)
    cells = cells_of(rows, wanted.roles)
    mixed = cells.take(np.random.default_rng(seed).permutation(len(cells.n)))
    same_answer(
        measure.value(Answers({wanted: cells}), params), measure.value(Answers({wanted: mixed}), params)
    )


@every_measure
@settings(max_examples=few(20), deadline=None)
@given(rows=TABLES, more=TABLES)
def test_rows_of_weight_zero_do_not_count(measure: Measure, rows: Rows, more: Rows) -> None:
    """A row of weight 0 changes nothing and makes no class appear that is missing."""
    same_answer(ask(measure, rows), ask(measure, pd.concat([rows, more.assign(w=0.0)])), rows=False)


def same_answer(one: Estimate, other: Estimate, *, rows: bool = True) -> None:
    """Assert that two estimates agree in all but the pictures and the noise of summation."""
    assert one.reason == other.reason
    assert one.n == other.n or not rows
    assert (one.value is None) == (other.value is None)
    if one.value is not None:
        assert one.value == pytest.approx(other.value, rel=1e-9, abs=1e-12)
    assert (one.interval is None) == (other.interval is None)
    if one.interval is not None and other.interval is not None:
        assert one.interval.method == other.interval.method
        assert one.interval.at(0.9) == pytest.approx(other.interval.at(0.9), rel=1e-7, abs=1e-9)


@every_measure
def test_without_rows_nothing_is_measured(measure: Measure) -> None:
    """An empty table gives a reason, not a zero."""
    found = ask(measure, table(0, 0, 0, 0))
    assert (found.value, found.reason) == (None, "the table has no rows that count")


@every_measure
def test_a_missing_value_is_never_dropped_in_silence(measure: Measure) -> None:
    """Cells with NaN are refused by the measure too, should a fault of the scan let them through."""
    (wanted,) = measure.plan(filled(measure), Columns(names=(), types={}))
    assert isinstance(wanted, Counts)
    cells = cells_of(table(3, 2, 2, 3), wanted.roles)
    for role in wanted.roles:
        values = cells.roles[role].copy()
        values[0] = math.nan
        broken = Cells(
            roles={**cells.roles, role: values}, groups={}, n=cells.n, w=cells.w, w2=cells.w2, weighted=False
        )
        found = measure.value(Answers({wanted: broken}), filled(measure))
        assert found.value is None
        assert f"the {role} of" in str(found.reason)


@every_measure
def test_interval_narrows_as_rows_grow(measure: Measure) -> None:
    """The interval of 100 times the rows lies about ten times closer, as the needed rows are told by it."""
    interval = ask(measure, table(60, 30, 25, 95)).interval
    assert interval is not None
    low, high = interval.at(0.9)
    nearer_low, nearer_high = interval.grown(100.0).at(0.9)
    assert low <= nearer_low < nearer_high <= high
    assert (nearer_high - nearer_low) < 0.25 * (high - low)


@pytest.mark.parametrize(
    ("measure", "rows", "reason"),
    [
        (performance.precision, table(0, 0, 2, 3), "no row is predicted positive"),
        (performance.npv, table(2, 3, 0, 0), "no row is predicted negative"),
        (performance.recall, table(0, 1, 0, 3), "no row is labelled positive"),
        (performance.specificity, table(2, 0, 1, 0), "no row is labelled negative"),
        (performance.f1, table(0, 0, 0, 3), "F1 has no denominator"),
        (performance.mcc, table(0, 0, 2, 3), "no row is predicted positive"),
        (performance.cohen_kappa, table(0, 0, 0, 3), "no row is labelled positive"),
        (ROC_AUC, table(2, 0, 2, 0), "no row is labelled negative"),
        (BRIER, scored([1.5], [0.2, -3.0]), "2 of 3 scores lie outside [0, 1]: min -3, max 1.5"),
        (calibration.calibration_slope, scored([0.9, 1.0], [0.3]), "1 of 3 scores are exactly 0 or 1"),
        (calibration.calibration_slope, scored([0.4, 0.4], [0.4]), "the same score"),
        (calibration.calibration_slope, scored([0.4, 0.5], [0.4]), "the slope is infinite"),
        (calibration.observed_expected, scored([0.0], [0.0]), "nothing to divide by"),
    ],
)
def test_undefined_is_never_zero(measure: Measure, rows: Rows, reason: str) -> None:
    """What has no denominator is missing, with a reason in plain words."""
    found = ask(measure, rows)
    assert found.value is None
    assert reason in str(found.reason)


def test_errors_that_cost_nothing_are_not_measured() -> None:
    """With both costs 0 every model would be within any budget."""
    found = ask(performance.expected_cost, table(1, 1, 1, 1), fp_cost=0, fn_cost=0)
    assert "both 0" in str(found.reason)


@pytest.mark.parametrize(
    ("measure", "n"),
    [
        (performance.accuracy, 15),
        (performance.precision, 8),
        (performance.recall, 7),
        (performance.specificity, 8),
        (performance.npv, 7),
        (performance.f1, 10),
        (performance.mcc, 15),
        (ROC_AUC, 15),
    ],
    ids=str,
)
def test_n_is_the_rows_that_the_value_rests_on(measure: Measure, n: int) -> None:
    """Recall rests on the positives, precision on the predicted positives."""
    assert ask(measure, table(5, 3, 2, 5)).n == n


def test_compas_counts_of_propublica() -> None:
    """ProPublica 2016, two-year file, all defendants: rates and Wilson's interval of them from the counts."""
    rows = table(tp=2035, fp=1282, fn=1216, tn=2681)
    assert ask(performance.recall, rows).value == pytest.approx(2035 / 3251)
    assert ask(performance.specificity, rows).value == pytest.approx(2681 / 3963)
    assert ask(performance.precision, rows).value == pytest.approx(2035 / 3317)
    assert ask(performance.npv, rows).value == pytest.approx(2681 / 3897)
    black = ask(performance.specificity, table(tp=1369, fp=805, fn=532, tn=990))
    assert black.value == pytest.approx(1 - 0.4484680, abs=1e-7)


@pytest.mark.parametrize(
    ("k", "n", "bounds"),
    [
        (81, 263, (0.2552885, 0.3662096)),
        (15, 148, (0.0623864, 0.1604872)),
    ],
)
def test_wilson_as_published(k: int, n: int, bounds: tuple[float, float]) -> None:
    """Newcombe 1998, table I: recall of k among n positives."""
    interval = ask(performance.recall, table(k, 1, n - k, 1)).interval
    assert interval is not None
    assert interval.at(0.95) == pytest.approx(bounds, abs=5e-8)


def test_perfect_decisions_have_an_interval() -> None:
    """40 right out of 40 is not certainty, for any metric of the decisions."""
    for measure in MEASURES:
        if measure.needs == performance.NEEDS:
            interval = ask(measure, table(20, 0, 0, 20), weighted=False).interval
            assert interval is not None
            low, high = interval.at(0.9)
            assert high - low > 0.02


def test_confusion_counts_go_with_every_metric_of_decisions() -> None:
    """The picture holds the four counts."""
    (chart,) = ask(performance.f1, table(tp=5, fp=3, fn=2, tn=7)).charts
    counts = dict(
        zip(zip(chart.data["label"], chart.data["prediction"], strict=True), chart.data["rows"], strict=True)
    )
    assert counts == {
        ("positive", "positive"): 5,
        ("positive", "negative"): 2,
        ("negative", "positive"): 3,
        ("negative", "negative"): 7,
    }


CASES = [
    (case, model) for case in ("adult", "compas_two_years", "german_credit") for model in ("logreg", "hgb")
]

NAMED = {
    "accuracy": performance.accuracy,
    "precision": performance.precision,
    "recall": performance.recall,
    "specificity": performance.specificity,
    "f1": performance.f1,
    "balanced_accuracy": performance.balanced_accuracy,
    "mcc": performance.mcc,
    "roc_auc": ROC_AUC,
    "average_precision": AVERAGE_PRECISION,
    "log_loss": calibration.log_loss,
    "brier": BRIER,
    "ece_equal_width_10": CALIBRATION_ERROR,
}


@pytest.mark.parametrize(("case", "model"), CASES)
def test_real_models_give_the_independent_values(shared_data: Path, case: str, model: str) -> None:
    """Three real data sets, two models each: values computed elsewhere, to 1e-6, and counts exactly."""
    facts = yaml.safe_load((shared_data / case / "case.yaml").read_text(encoding="utf-8"))
    expected = facts["expected"]["performance_test"][model]
    columns = facts["prediction_columns"][model]
    raw = pd.read_csv(shared_data / case / "test.csv")
    rows = pd.DataFrame(
        {
            "label": (raw[facts["label"]].astype(str) == str(facts["positive_label"])).astype(float),
            "prediction": raw[columns["pred"]].astype(float),
            "score": raw[columns["score"]],
            "w": 1.0,
        }
    )
    for name, measure in NAMED.items():
        assert ask(measure, rows, weighted=False).value == pytest.approx(expected[name], abs=1e-6), name
    largest = ask(CALIBRATION_ERROR, rows, norm="max")
    assert largest.value == pytest.approx(expected["mce_equal_width_10"], abs=1e-6)
    assert ask(GINI, rows).value == pytest.approx(2 * expected["roc_auc"] - 1, abs=1e-6)
    score = rows["score"]
    above, below = score[rows["label"] == 1], score[rows["label"] == 0]
    distance = ks_2samp(above, below, alternative="less", method="asymp").statistic
    assert ask(ranking.ks, rows).value == pytest.approx(distance, abs=1e-12)
    (chart,) = ask(performance.accuracy, rows).charts
    assert chart.data["rows"] == tuple(expected[name] for name in ("tp", "fn", "fp", "tn"))
