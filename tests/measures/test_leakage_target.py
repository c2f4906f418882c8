"""How well one feature tells the label: against scikit-learn on the rows, and what must not look like a leak."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from mlgate.cells import (
    Answers,
    Bins,
    By,
    Cells,
    ColumnProfile,
    Columns,
    ColumnType,
    Counts,
    Profile,
    QuantileNumbers,
    Quantiles,
    Shape,
    Statistic,
    TableShape,
    Task,
)
from mlgate.estimates import Estimate
from mlgate.measures import catalogue

MEASURE = catalogue()["leakage.target_predictor"]


def answer(asked: Statistic, frame: pd.DataFrame, task: Task, types: dict[str, ColumnType]) -> Any:
    """Answer a statistic from the rows."""
    match asked:
        case Shape():
            return TableShape(rows=len(frame), columns=tuple(types.items()))
        case Profile(name, _):
            found = frame[name]
            return ColumnProfile(rows=len(found), nulls=int(found.isna().sum()), about=int(found.nunique()))
        case Quantiles(name, levels):
            there = frame[name].dropna()
            values = tuple(np.quantile(there, levels).tolist()) if len(there) else ()
            low, high = (float(there.min()), float(there.max())) if len(there) else (None, None)
            return QuantileNumbers(
                rows=len(frame), nulls=int(frame[name].isna().sum()), values=values, low=low, high=high
            )
        case Counts():
            return cells_of(asked, frame, task)
    raise AssertionError(asked)


def cells_of(asked: Counts, frame: pd.DataFrame, task: Task) -> Cells:
    """Count rows as the scan does."""
    keys: dict[Any, pd.Series] = {by: texts(by, frame) for by in asked.by}
    classes = tuple(sorted(frame["y"].map(str).unique())) if task == "multiclass" else ()
    if asked.roles:
        keys["label"] = frame["y"].map(lambda one: classes.index(str(one))) if classes else frame["y"]
    counted = pd.DataFrame({str(place): key for place, key in enumerate(keys.values())})
    found = counted.groupby(list(counted), dropna=False).size().reset_index(name="n")
    groups: dict[By, Any] = {
        by: found[str(place)].to_numpy(dtype=object) for place, by in enumerate(asked.by)
    }
    groups = {
        by: np.array([None if pd.isna(one) else one for one in of], dtype=object) for by, of in groups.items()
    }
    n = found["n"].to_numpy(dtype=np.int64)
    label = {"label": found[str(len(asked.by))].to_numpy(dtype=float)} if asked.roles else {}
    return Cells(roles=label, groups=groups, n=n, w=n.astype(float), w2=n.astype(float), classes=classes)


def texts(by: By, frame: pd.DataFrame) -> pd.Series:
    """Spell the values or bins of a column as the scan does."""
    if not isinstance(by, Bins):
        return frame[by].map(
            lambda one: None if pd.isna(one) else f"{one:g}" if isinstance(one, float) else str(one)
        )
    edges = [f"{edge!r}" for edge in by.edges]
    names = [
        f"< {edges[0]}",
        *(f"{low} to < {high}" for low, high in pairwise(edges)),
        f">= {edges[-1]}",
    ]
    place = np.searchsorted(by.edges, frame[by.column], side="right")
    return pd.Series(
        [None if pd.isna(one) else names[at] for one, at in zip(frame[by.column], place, strict=True)]
    )


def ask(frame: pd.DataFrame, task: Task = "binary", **params: Any) -> Estimate:
    """Ask the measure as the gate does."""
    types: dict[str, ColumnType] = {
        name: "number" if kind.kind in "if" else "string" for name, kind in frame.dtypes.items()
    }
    features = tuple(name for name in frame if name != "y")
    columns = Columns(names=tuple(frame), types=types, task=task, label="y", features=features)
    given = {"columns": None, "ignore": None, "seed": 0, **params}
    planned = MEASURE.plan(given, columns)
    answers = {one: answer(one, frame, task, types) for one in planned}
    answers |= {one: answer(one, frame, task, types) for one in MEASURE.further(Answers(answers), given)}
    return MEASURE.value(Answers(answers), given)


def lines(found: Estimate) -> dict[str, float | None]:
    """Return each feature's number."""
    return {", ".join(one.group.values()): one.value for one in found.groups}


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), size=st.integers(40, 300), values=st.integers(2, 30))
def test_a_number_as_it_stands_has_the_auc_of_its_rows(seed: int, size: int, values: int) -> None:
    """Rising or falling, and with missing values below or above all others, the best of them."""
    draw = np.random.default_rng(seed)
    x = draw.integers(0, values, size).astype(float)
    y = (x + draw.normal(0, values / 4, size) > values / 2).astype(float)
    y[:2] = 0.0, 1.0
    x[draw.random(size) < 0.1] = np.nan
    found = ask(pd.DataFrame({"x": x, "y": y})).value
    ends = (np.where(np.isnan(x), fill, x) for fill in (-1e9, 1e9))
    areas = [roc_auc_score(y, sign * one) for one in ends for sign in (1, -1)]
    assert found is not None
    assert found >= max(areas) - 1e-9
    assert found <= max(max(areas) + 1e-9, 0.999) or np.isclose(found, max(areas))


def test_an_id_is_no_leak_and_an_id_range_is() -> None:
    """Names of each row predict no other row; numbers handed out class by class give the class away."""
    draw = np.random.default_rng(0)
    y = np.repeat([0.0, 1.0], 15_000)
    found = ask(
        pd.DataFrame(
            {
                "name": [f"customer {number}" for number in draw.permutation(30_000)],
                "number": draw.permutation(30_000).astype(float),
                "range": np.arange(30_000.0),
                "y": y,
            }
        )
    )
    assert found.value == pytest.approx(1.0, abs=1e-3)
    assert lines(found)["name"] is None
    assert "a value of its own" in str(
        next(one for one in found.groups if one.group["column"] == "name").reason
    )
    assert lines(found)["number"] == pytest.approx(0.5, abs=0.03)


def test_few_names_do_not_predict_either() -> None:
    """Also where there are few enough to be counted, what is learnt on one half says nothing of the other."""
    draw = np.random.default_rng(1)
    y = draw.integers(0, 2, 2000).astype(float)
    found = ask(pd.DataFrame({"name": [f"n{one}" for one in range(2000)], "y": y}))
    assert found.value == pytest.approx(0.5, abs=1e-9)


@pytest.mark.parametrize("groups", [2, 50, 500])
def test_noise_of_many_categories_is_no_leak(groups: int) -> None:
    """Of twenty columns of noise the best stays near chance, however many values it has."""
    draw = np.random.default_rng(groups)
    frame = pd.DataFrame({f"c{place}": draw.integers(0, groups, 3000).astype(str) for place in range(20)})
    found = ask(frame.assign(y=draw.integers(0, 2, 3000).astype(float)))
    assert found.value is not None
    assert 0.4 < found.value < 0.56


def test_what_is_only_missing_for_one_class_is_a_leak() -> None:
    """A date of closing that is filled in for closed cases alone tells them by being there."""
    y = np.tile([0.0, 1.0], 1000)
    closed = [f"2024-01-{number % 28 + 1:02}" if one else None for number, one in enumerate(y)]
    assert ask(pd.DataFrame({"closed": closed, "y": y})).value == pytest.approx(1.0, abs=1e-9)


def test_rare_positives_at_the_end_of_a_long_column_are_seen() -> None:
    """Bins are narrow where few rows are, so that one in a thousand does not drown."""
    draw = np.random.default_rng(3)
    x = draw.normal(size=20_000)
    y = (x > np.quantile(x, 0.999)).astype(float)
    found = ask(pd.DataFrame({"x": x, "y": y})).value
    assert found is not None
    assert found > 0.99


def test_a_value_apart_from_very_many_equal_ones_has_a_bin_of_its_own() -> None:
    """Nearly all rows are 0; that the others are not is what tells."""
    draw = np.random.default_rng(4)
    x = np.where(np.arange(20_000) < 60, draw.random(20_000) + 300 * np.arange(20_000), 0.0)
    x[60:400] = -draw.random(340)
    y = (x > 0).astype(float)
    assert ask(pd.DataFrame({"x": x, "y": y})).value == pytest.approx(1.0, abs=1e-3)


def test_a_numeric_label_and_its_functions() -> None:
    """Any rising function of the label explains its rank, a bent one nearly, noise not at all."""
    draw = np.random.default_rng(5)
    y = draw.gamma(2.0, size=4000)
    frame = pd.DataFrame(
        {"log": np.log(y), "falling": -(y**3), "bent": np.abs(y - 2.0), "noise": draw.random(4000), "y": y}
    )
    found = ask(frame, "regression")
    told = lines(found)
    assert told["log"] == pytest.approx(1.0, abs=1e-3)
    assert told["falling"] == pytest.approx(1.0, abs=1e-3)
    assert told["noise"] == pytest.approx(0.0, abs=0.02)
    assert found.interval is not None
    low, high = found.interval.at(0.9)
    assert 0.9 < low < high


def test_a_perfect_regression_leak_still_has_an_interval() -> None:
    """Where no error is left there is no variance, and yet no certainty."""
    y = np.repeat(np.arange(8.0), 40)
    found = ask(pd.DataFrame({"x": y, "y": y}), "regression")
    assert found.value == 1.0
    assert found.interval is not None
    low, high = found.interval.at(0.9)
    assert low < high == 1.0


def test_each_class_is_told_from_all_others() -> None:
    """Of several classes, the one that is given away decides, and is named."""
    draw = np.random.default_rng(6)
    y = draw.choice(["a", "b", "c"], 3000)
    x = np.where(y == "b", 7.0, draw.integers(0, 5, 3000))
    found = ask(pd.DataFrame({"x": x, "y": y}), "multiclass")
    assert found.value == 1.0
    assert found.comparisons[0].name == "x, b"


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ({"x": [], "y": []}, "the table has no rows"),
        ({"x": [1.0, 2.0], "y": [1.0, 1.0]}, "every row has the same label"),
        ({"x": [None, None], "y": [1.0, 0.0]}, "no feature can be looked at by itself"),
        (
            {"x": [f"v{one}" for one in range(21_000)] * 2, "y": [0.0, 1.0] * 21_000},
            "more values than can be counted",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_told_is_missing(frame: dict[str, Any], said: str) -> None:
    """No value, and a reason."""
    found = ask(pd.DataFrame(frame).astype({"y": float}))
    assert found.value is None
    assert said in str(found.reason)
