"""Decisions among classes and in clusters: scikit-learn's values, and intervals that are never too sure."""

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
from sklearn import metrics as sk
from sklearn.exceptions import UndefinedMetricWarning

from mlgate.cells import Cells
from mlgate.estimates import Estimate, Interval
from mlgate.measures import Measure, performance
from mlgate.measures.agreement import correlation_of, kappa_of
from mlgate.measures.class_rates import F1, NPV, PRECISION, RECALL, SPECIFICITY, OneVersusRest, rates
from mlgate.measures.multiclass import DRAWN, Decided, decided
from tests.conftest import few

Rows = pd.DataFrame
"""label and prediction as places in the classes, weight w, cluster c; one line a row."""

UNHURRIED = settings(deadline=None, max_examples=few(20))

AVERAGES = ("macro", "micro", "weighted", "per_class")
AVERAGED = ("precision", "recall", "f1", "specificity", "npv")
WHOLE = ("accuracy", "balanced_accuracy", "mcc", "cohen_kappa")

ASKED: Sequence[tuple[str, Mapping[str, Any]]] = [
    *((name, {}) for name in WHOLE),
    *((name, {"average": how, "min_group": 1}) for name in AVERAGED for how in AVERAGES),
    ("cohen_kappa", {"weights": "linear"}),
    ("cohen_kappa", {"weights": "quadratic"}),
]
"""Every question that can be put to a multiclass table."""

BINARY: Sequence[tuple[str, Mapping[str, Any]]] = [
    *ASKED,
    *((name, {}) for name in AVERAGED),
    ("expected_cost", {"fp_cost": 1.0, "fn_cost": 4.5}),
]


def cells_of(rows: Rows, *, classes: int = 4, weighted: bool = True, clustered: bool = False) -> Cells:
    """Build cells as the scan does: one for each distinct label, prediction and, if asked, cluster."""
    known = rows.assign(w=rows["w"] if weighted else 1.0, n=1)
    known["w2"] = known["w"] ** 2
    by = ["label", "prediction", *(["c"] if clustered else [])]
    found = known.groupby(by, sort=True)[["n", "w", "w2"]].sum().reset_index()
    return Cells(
        roles={role: found[role].to_numpy(dtype=float) for role in ("label", "prediction")},
        groups={},
        n=found["n"].to_numpy(dtype=np.int64),
        w=found["w"].to_numpy(dtype=float),
        w2=found["w2"].to_numpy(dtype=float),
        weighted=weighted,
        classes=() if classes == 0 else tuple("1234567890"[:classes]),
        clusters=found["c"].to_numpy(dtype=np.int64) if clustered else None,
    )


def ask(name: str, cells: Cells, **params: Any) -> Estimate:
    """Call the measure on its cells."""
    found: Measure = getattr(performance, name)
    assert callable(found.implementation)
    answer: Estimate = found.implementation(cells, **params)
    return answer


def table(counts: Sequence[Sequence[int]]) -> Rows:
    """Return rows with this confusion: labels down, predictions across; each row its own cluster."""
    lines = [
        (label, prediction, 1.0)
        for label, across in enumerate(counts)
        for prediction, rows in enumerate(across)
        for _ in range(rows)
    ]
    return pd.DataFrame(lines, columns=["label", "prediction", "w"]).assign(c=range(len(lines)))


def bounds(interval: Interval | None, confidence: float = 0.9) -> tuple[float, float]:
    """Return the interval, which has to be there."""
    assert interval is not None
    return interval.at(confidence)


def drawn(classes: int) -> st.SearchStrategy[Rows]:
    """Draw few rows with weights and clusters, often right, and often of few classes."""
    place = st.integers(0, classes - 1)
    line = st.tuples(
        place,
        st.one_of(st.none(), place),
        st.one_of(st.integers(1, 9).map(float), st.floats(0.01, 50.0)),
        st.integers(0, 5),
    ).map(lambda one: (one[0], one[0] if one[1] is None else one[1], one[2], one[3]))
    return st.lists(line, min_size=1, max_size=30).map(
        lambda lines: pd.DataFrame(lines, columns=["label", "prediction", "w", "c"])
    )


Oracle = Callable[..., Any]


def of_each(name: str, rows: Rows) -> list[float | None]:
    """Compute the rate of every class that occurs, from its rows; None without a denominator."""
    found = []
    for one in sorted({*rows["label"], *rows["prediction"]}):
        y, d, w = rows["label"] == one, rows["prediction"] == one, rows["w"]
        hits, among = {
            "precision": (y & d, d),
            "recall": (y & d, y),
            "specificity": (~y & ~d, ~y),
            "npv": (~y & ~d, ~d),
            "f1": (y & d, y | d),
        }[name]
        share = w[hits].sum() / w[among].sum() if among.any() else None
        found.append(2 * share / (1 + share) if name == "f1" and share is not None else share)
    return found


def oracle(name: str, rows: Rows, **params: Any) -> float | None:
    """Compute the number on the rows; None where it is undefined."""
    y, d, w = rows["label"], rows["prediction"], rows["w"]
    if name in AVERAGED:
        return _average(name, rows, str(params["average"]))
    if name == "accuracy":
        return float(sk.accuracy_score(y, d, sample_weight=w))
    if len(set(y)) == 1 or (name == "mcc" and len(set(d)) == 1):
        return None
    if name == "balanced_accuracy":
        return float(np.mean([one for one in of_each("recall", rows) if one is not None]))
    if name == "mcc":
        return float(sk.matthews_corrcoef(y, d, sample_weight=w))
    weights = params.get("weights", "none")
    return float(
        sk.cohen_kappa_score(
            y, d, labels=range(4), sample_weight=w, weights=None if weights == "none" else weights
        )
    )


def _average(name: str, rows: Rows, how: str) -> float | None:
    y, d, w = rows["label"], rows["prediction"], rows["w"]
    classes = sorted({*y, *d})
    each = of_each(name, rows)
    support = [w[y == one].sum() for one in classes]
    if len(classes) == 1:
        return None
    if how == "per_class":
        known = [one for one in each if one is not None]
        return min(known) if known else None
    needed = [one for one, s in zip(each, support, strict=True) if how != "weighted" or s > 0]
    if how in ("macro", "weighted") and None in needed:
        return None
    if name in ("specificity", "npv"):
        if how == "micro":
            square = sk.multilabel_confusion_matrix(y, d, sample_weight=w).sum(axis=0)
            return float(square[0, 0] / (square[0, 0] + square[(0, 1) if name == "specificity" else (1, 0)]))
        weight = support if how == "weighted" else np.ones(len(classes))
        return float(np.average([one or 0.0 for one in each], weights=weight))
    metric = {"precision": sk.precision_score, "recall": sk.recall_score, "f1": sk.f1_score}[name]
    return float(metric(y, d, average=how, sample_weight=w, zero_division=0.0))


@pytest.mark.filterwarnings("ignore::UserWarning")
@UNHURRIED
@given(rows=drawn(4), weighted=st.booleans())
def test_value_on_cells_is_the_librarys_on_rows(rows: Rows, weighted: bool) -> None:
    """Of any multiclass table, and clusters change no value; what is undefined has a reason."""
    rows = rows if weighted else rows.assign(w=1.0)
    for name, params in ASKED:
        expected = oracle(name, rows, **params)
        for clustered in (False, True):
            found = ask(name, cells_of(rows, weighted=weighted, clustered=clustered), **params)
            if expected is None:
                assert found.value is None, (name, params)
                assert found.reason
            elif clustered and params.get("average") == "per_class" and found.value is None:
                assert "one cluster" in str(found.reason), (name, params)
            elif not clustered or params.get("average") != "per_class":
                assert found.value == pytest.approx(expected, rel=1e-9, abs=1e-12), (name, params)


@UNHURRIED
@given(rows=drawn(2), how=st.sampled_from(AVERAGES), name=st.sampled_from(AVERAGED))
def test_averages_of_a_binary_table_are_the_librarys(rows: Rows, how: str, name: str) -> None:
    """Its classes are negative and positive; a class that does not occur has no rate, nor has their mean."""
    found = ask(name, cells_of(rows, classes=0), average=how, min_group=1)
    occur = {*rows["label"], *rows["prediction"]}
    if len(occur) == 2:
        expected = _average(name, rows, how)
        assert (found.value is None) == (expected is None)
        if expected is not None:
            assert found.value == pytest.approx(expected, rel=1e-9, abs=1e-12)
    elif how == "macro":
        assert found.value is None


@UNHURRIED
@given(rows=drawn(4), binary=st.booleans(), clustered=st.booleans())
def test_interval_holds_the_value_and_has_width(rows: Rows, binary: bool, clustered: bool) -> None:
    """Wherever there is a value there is a finite interval around it, in range, never of width zero."""
    if binary:
        rows = rows.assign(label=rows["label"] % 2, prediction=rows["prediction"] % 2)
    cells = cells_of(rows, classes=0 if binary else 4, clustered=clustered)
    for name, params in BINARY if binary else ASKED:
        found = ask(name, cells, **params)
        if found.value is None:
            continue
        assert clustered or found.interval is not None, (name, params)
        if found.interval is None:
            assert "no interval" in str(found.reason)
            continue
        lowest = -1.0 if name in ("mcc", "cohen_kappa") else 0.0
        highest = 4.5 if name == "expected_cost" else 1.0
        last = (math.inf, -math.inf)
        for confidence in (0.5, 0.9, 0.999):
            low, high = found.interval.at(confidence)
            assert lowest - 1e-12 <= low < high <= highest + 1e-12, (name, params)
            assert low - 1e-9 <= found.value <= high + 1e-9, (name, params)
            assert low <= last[0] + 1e-9, (name, params)
            assert high >= last[1] - 1e-9, (name, params)
            assert type(low) is type(high) is float
            last = (low, high)
        assert all(one.interval is not None for one in found.comparisons)


@UNHURRIED
@given(rows=drawn(3), clustered=st.booleans(), seed=st.integers(0, 9))
def test_scale_of_weights_and_order_of_cells_do_not_matter(rows: Rows, clustered: bool, seed: int) -> None:
    """Multiplying every weight by 7, and mixing the cells, change neither value nor interval."""
    cells = cells_of(rows, clustered=clustered)
    seven = cells_of(rows.assign(w=rows["w"] * 7), clustered=clustered)
    mixed = cells.take(np.random.default_rng(seed).permutation(len(cells.n)))
    for name, params in ASKED:
        one = ask(name, cells, **params)
        for other in (ask(name, seven, **params), ask(name, mixed, **params)):
            assert one.reason == other.reason
            assert one.value == (None if other.value is None else pytest.approx(other.value, abs=1e-12))
            assert (one.interval is None) == (other.interval is None)
            if one.interval is not None:
                assert bounds(one.interval) == pytest.approx(bounds(other.interval), rel=1e-7, abs=1e-7)


SQUARE = [[40, 6, 2], [5, 30, 4], [1, 3, 60]]


@pytest.mark.parametrize(("name", "params"), ASKED, ids=str)
def test_rows_that_are_clusters_of_their_own_are_as_independent(name: str, params: dict[str, Any]) -> None:
    """With each row a cluster, an interval is nearly the one without clusters; with ten copies it is wider."""
    rows = table(SQUARE)
    alone = ask(name, cells_of(rows), **params)
    single = ask(name, cells_of(rows, clustered=True), **params)
    assert bounds(single.interval) == pytest.approx(bounds(alone.interval), abs=0.002)
    copies = pd.concat([rows] * 10)
    tenfold = ask(name, cells_of(copies, clustered=True), **params)
    fooled = ask(name, cells_of(copies), **params)
    assert tenfold.value == pytest.approx(alone.value)
    low, high = bounds(tenfold.interval)
    slack = 0.02 if "weights" in params else 0.005  # graded disagreement: half a row, of more rows, is less
    assert (low, high) == pytest.approx(bounds(single.interval), abs=slack)
    assert high - low > 2.5 * (bounds(fooled.interval)[1] - bounds(fooled.interval)[0])


@pytest.mark.parametrize(("name", "params"), ASKED, ids=str)
@pytest.mark.parametrize("clustered", [False, True])
def test_a_table_without_error_still_leaves_doubt(name: str, params: dict[str, Any], clustered: bool) -> None:
    """All right in 60 rows is not all right for ever, and less so in 12 clusters of five."""
    rows = table([[20, 0, 0], [0, 20, 0], [0, 0, 20]])
    rows["c"] = np.arange(60) % 12
    found = ask(name, cells_of(rows, clustered=clustered), **params)
    low, high = bounds(found.interval)
    assert (found.value, high) == (1.0, 1.0)
    assert low < (0.91 if clustered else 0.985)


def test_one_cluster_gives_a_value_and_no_interval() -> None:
    """How clusters differ cannot be seen in one."""
    rows = table(SQUARE).assign(c=7)
    for name, params in ASKED:
        found = ask(name, cells_of(rows, clustered=True), **params)
        assert found.interval is None
        assert "one cluster" in str(found.reason)
        assert (found.value is None) == (params.get("average") == "per_class")


@pytest.mark.parametrize(
    ("name", "params", "counts", "reason"),
    [
        ("recall", {}, [[3, 1, 1], [0, 4, 0], [0, 0, 0]], "no row is labelled 3"),
        ("precision", {}, [[3, 1, 0], [0, 4, 0], [1, 1, 0]], "no row is predicted 3"),
        ("precision", {"average": "weighted"}, [[3, 1, 0], [0, 4, 0], [1, 1, 0]], "no row is predicted 3"),
        ("specificity", {}, [[3, 1, 0], [0, 0, 0], [0, 0, 0]], "no row is labelled other than 1"),
        ("npv", {}, [[3, 0, 0], [4, 0, 0], [0, 0, 0]], "no row is predicted other than 1"),
        ("f1", {}, [[3, 0, 0], [0, 0, 0], [0, 0, 0]], "nothing to average over"),
        ("f1", {"average": "binary"}, SQUARE, "which a multiclass table has not"),
        ("balanced_accuracy", {}, [[3, 2, 0], [0, 0, 0], [0, 0, 0]], "every row is labelled 1"),
        ("mcc", {}, [[3, 0, 0], [2, 0, 0], [0, 0, 0]], "every row is predicted 1"),
        ("cohen_kappa", {}, [[3, 2, 0], [0, 0, 0], [0, 0, 0]], "every row is labelled 1"),
        ("accuracy", {}, [[0]], "no rows that count"),
        ("recall", {"average": "per_class"}, [[3, 1, 0], [0, 4, 0], [1, 1, 4]], "no class can be judged"),
    ],
)
def test_undefined_is_never_zero(name: str, params: dict[str, Any], counts: Any, reason: str) -> None:
    """What has no denominator is missing, with a reason that names the class."""
    found = ask(name, cells_of(table(counts)), **params)
    assert found.value is None
    assert reason in str(found.reason)


def test_weighted_kappa_needs_an_order() -> None:
    """Names that are no numbers have none; numbers are taken in theirs, ten after nine, and gaps stay."""
    rows = table([[5, 1, 0], [1, 6, 1], [0, 2, 7]])
    cells = cells_of(rows, classes=3)
    colours = Cells(**{**_fields(cells), "classes": ("blue", "green", "red")})
    assert "'blue' is no number" in str(ask("cohen_kappa", colours, weights="linear").reason)
    assert ask("cohen_kappa", colours).value is not None
    grades = Cells(**{**_fields(cells), "classes": ("10", "2", "9")})
    order = np.array([2, 0, 1])
    expected = sk.cohen_kappa_score(order[rows["label"]], order[rows["prediction"]], weights="quadratic")
    assert ask("cohen_kappa", grades, weights="quadratic").value == pytest.approx(expected)
    gap = Cells(**{**_fields(cells), "classes": ("1", "2", "3", "2.5")})
    place = np.array([0, 1, 3])
    expected = sk.cohen_kappa_score(
        place[rows["label"]], place[rows["prediction"]], labels=range(4), weights="linear"
    )
    assert ask("cohen_kappa", gap, weights="linear").value == pytest.approx(expected)


def _fields(cells: Cells) -> dict[str, Any]:
    return {name: getattr(cells, name) for name in Cells.__dataclass_fields__}


def test_classes_that_are_too_small_are_listed_and_not_judged() -> None:
    """The worst judged class decides, all of them must be inside, and none is dropped in silence."""
    cells = cells_of(table([[40, 5, 0, 0], [2, 48, 0, 0], [1, 3, 1, 0], [0, 0, 0, 50]]))
    found = ask("recall", cells, average="per_class", min_group=10)
    assert found.value == pytest.approx(40 / 45)
    assert found.value_all == pytest.approx(1 / 5)
    assert found.judged_share == pytest.approx(145 / 150)
    assert found.n == 145
    assert [one.name for one in found.comparisons] == ["1", "2", "4"]
    assert [one.group["class"] for one in found.groups] == ["1", "2", "3", "4"]
    assert [one.judged for one in found.groups] == [True, True, False, True]
    assert found.groups[2].reason == "5 rows to judge by, fewer than min_group 10"
    assert (found.groups[2].numerator, found.groups[2].denominator, found.groups[2].n) == (1, 5, 5)
    assert bounds(found.interval) == bounds(found.comparisons[0].interval)


def test_rates_of_more_classes_than_can_be_read_are_not_judged_one_by_one() -> None:
    """Past 200 classes an average remains."""
    places = np.arange(201.0)
    many = Cells(
        roles={"label": places, "prediction": places},
        groups={},
        n=np.full(201, 40),
        w=np.full(201, 40.0),
        w2=np.full(201, 40.0),
        classes=tuple(f"c{place:03}" for place in range(201)),
    )
    assert "201 classes, more than 200" in str(ask("recall", many, average="per_class").reason)
    macro = ask("recall", many)
    assert macro.value == pytest.approx(1.0)
    assert (macro.groups, macro.charts) == ((), ())
    assert bounds(macro.interval)[0] < 1.0


def test_confusion_is_drawn_with_the_names_of_the_classes() -> None:
    """One entry for each cell of the square, in rows."""
    (chart,) = ask("accuracy", cells_of(table(SQUARE), classes=3)).charts
    assert chart.data["label"] == ("1", "1", "1", "2", "2", "2", "3", "3", "3")
    assert chart.data["prediction"] == ("1", "2", "3") * 3
    assert chart.data["rows"] == tuple(float(rows) for across in SQUARE for rows in across)
    assert DRAWN**2 <= 200


def test_a_code_of_no_class_is_refused() -> None:
    """Cells that name a class beyond the list are not guessed at."""
    found = ask("accuracy", cells_of(table(SQUARE), classes=2))
    assert "2 is the code of none of 2 classes" in str(found.reason)


DERIVATIVES: Mapping[str, Callable[[Decided], Any]] = {
    "kappa": lambda seen: kappa_of(seen, 1.0 - np.eye(len(seen.classes))),
    "correlation": lambda seen: correlation_of(seen, sign=1),
    "correlation below zero": lambda seen: correlation_of(seen, sign=-1),
}


def _seen(rows: Rows) -> Decided:
    found = decided(cells_of(rows, classes=3))
    assert isinstance(found, Decided)
    return found


@pytest.mark.parametrize("name", DERIVATIVES)
def test_influence_on_disagreement_is_its_derivative(name: str) -> None:
    """The influence of a row is what the disagreements change by, as its weight does."""
    rows = table(SQUARE if "below" not in name else SQUARE[1:] + SQUARE[:1])
    of, step = DERIVATIVES[name], 1e-8
    base = of(_seen(rows))
    for place in range(9):
        weight = 1.0 + step * len(rows) * ((rows["label"] * 3 + rows["prediction"]) == place)
        rows_in = int((weight > 1.0).sum())
        moved = of(_seen(rows.assign(w=weight)))
        slope = np.array([moved.seen - base.seen, moved.chance - base.chance]) / step / rows_in
        assert slope == pytest.approx(base.influences[:, place], abs=1e-4)


@pytest.mark.parametrize("of", [RECALL, PRECISION, F1, SPECIFICITY, NPV], ids=lambda of: of.name)
def test_influence_on_a_rate_is_its_derivative(of: OneVersusRest) -> None:
    """As above, for each class's rate."""
    rows, step = table(SQUARE), 1e-8
    base = rates(_seen(rows), of)
    for place in range(9):
        here = (rows["label"] * 3 + rows["prediction"]) == place
        moved = rates(_seen(rows.assign(w=1.0 + step * len(rows) * here)), of)
        for before, after in zip(base, moved, strict=True):
            influence = np.zeros(9)
            influence[before.inside] = before.influence(_seen(rows))
            slope = (float(after.value or 0) - float(before.value or 0)) / step / int(here.sum())
            assert slope == pytest.approx(influence[place], abs=1e-4)


@pytest.mark.parametrize("model", ["logreg", "hgb"])
def test_penguins_have_the_independent_values(shared_data: Path, model: str) -> None:
    """Three species, two models: values computed elsewhere, to 1e-6, and counts exactly."""
    facts = yaml.safe_load((shared_data / "penguins" / "case.yaml").read_text(encoding="utf-8"))
    expected = facts["expected"]["performance_test"][model]
    names = facts["classes"]
    raw = pd.read_csv(shared_data / "penguins" / "test.csv")
    rows = pd.DataFrame(
        {
            "label": raw[facts["label"]].map(names.index),
            "prediction": raw[facts["prediction_columns"][model]["pred"]].map(names.index),
            "w": 1.0,
        }
    )
    cells = Cells(**{**_fields(cells_of(rows, classes=3)), "classes": tuple(names)})
    for name, params, key in (
        ("accuracy", {}, "accuracy"),
        ("balanced_accuracy", {}, "balanced_accuracy"),
        ("f1", {}, "f1_macro"),
        ("f1", {"average": "weighted"}, "f1_weighted"),
    ):
        assert ask(name, cells, **params).value == pytest.approx(expected[key], abs=1e-6), key
    each = ask("recall", cells, average="per_class", min_group=1)
    found = {one.group["class"]: one.value for one in each.groups}
    assert found == pytest.approx(expected["recall_per_class"], abs=1e-6)
    (chart,) = each.charts
    square = [
        float(rows) for across in expected["confusion_matrix"]["rows_true_cols_pred"] for rows in across
    ]
    assert list(chart.data["rows"]) == square


@pytest.mark.heavy
@pytest.mark.parametrize(("name", "params"), [one for one in ASKED if one[1].get("average") != "per_class"])
@pytest.mark.parametrize("clustered", [False, True])
def test_bounds_hold_as_often_as_they_say(name: str, params: dict[str, Any], clustered: bool) -> None:
    """Each one-sided 95 % bound is beyond the truth in at most about 5 % of tables."""
    rng = np.random.default_rng(5)
    chance = np.array([[0.40, 0.05, 0.01], [0.02, 0.28, 0.03], [0.01, 0.02, 0.18]])
    whole = table(np.round(chance * 100000).astype(int).tolist())
    truth = ask(name, cells_of(whole, weighted=False), **params).value
    assert truth is not None
    below = above = 0
    times, size = 1000, 5
    for _ in range(times):
        place = rng.choice(9, 60 if clustered else 300, p=chance.ravel())
        if clustered:  # each row of a cluster repeats its first one half of the time
            first = np.repeat(place, size)
            place = np.where(rng.random(len(first)) < 0.5, first, rng.choice(9, len(first), p=chance.ravel()))
        rows = pd.DataFrame({"label": place // 3, "prediction": place % 3, "w": 1.0})
        rows["c"] = np.arange(len(rows)) // size
        low, high = bounds(ask(name, cells_of(rows, clustered=clustered), **params).interval)
        below, above = below + (high < truth), above + (low > truth)
    assert below / times <= 0.08
    assert above / times <= 0.08


def test_zero_division_of_the_library_is_not_ours() -> None:
    """scikit-learn warns and says 0 where there is no prediction; nothing is measured here."""
    rows = table([[3, 1, 0], [0, 4, 0], [1, 1, 0]])
    with pytest.warns(UndefinedMetricWarning):
        theirs = sk.precision_score(rows["label"], rows["prediction"], average="macro")
    assert theirs > 0.0
    assert ask("precision", cells_of(rows)).value is None
