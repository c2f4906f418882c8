"""ONNX: graphs that skl2onnx makes of real models, and graphs that leave things open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pyarrow as pa
import pytest
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

pytestmark = pytest.mark.filterwarnings("ignore")  # of skl2onnx, while the tests make their files

DRAWN = np.random.default_rng(3)
FRAME = pd.DataFrame({
    "hours-per-week": DRAWN.normal(40, 10, 300).astype(np.float32),
    "debts": DRAWN.integers(0, 6, 300),
    "job": DRAWN.choice(["clerk", "smith", "none"], 300),
})  # fmt: skip
SIGNAL = FRAME["hours-per-week"] + 5 * (FRAME["job"] == "clerk") + DRAWN.normal(0, 5, 300)
LABEL = np.where(SIGNAL > 42, "yes", "no")
THREE = np.array(["low", "mid", "high"])[np.digitize(SIGNAL, [37, 45])]
NUMBERS = FRAME[["hours-per-week", "debts"]].to_numpy(np.float32)
ROWS = pa.Table.from_pandas(FRAME, preserve_index=False)
MATRIX = ROWS.select(["hours-per-week", "debts"])


def written(fitted: Any, path: Path, **options: Any) -> Path:
    """Write a fitted model on a matrix as ONNX."""
    path.write_bytes(to_onnx(fitted, NUMBERS[:1], **options).SerializeToString())
    return path


@pytest.mark.parametrize("zipmap", [True, False])
@pytest.mark.parametrize("labels", [LABEL, THREE, (LABEL == "yes").astype(np.int64)])
@pytest.mark.parametrize(
    "fitted",
    [
        LogisticRegression(max_iter=500),
        RandomForestClassifier(4, random_state=0),
        MLPClassifier((4,), max_iter=30),
    ],
)
def test_probabilities_and_classes(
    load: Callable[..., Any], tmp_path: Path, fitted: Any, labels: Any, zipmap: bool
) -> None:
    """With and without ZipMap the graph's own classes are found, in the order of the columns."""
    fitted.set_params(random_state=0).fit(NUMBERS, labels)
    path = written(fitted, tmp_path / "m.onnx", options={"zipmap": zipmap})

    model = load("onnx", path, task="multiclass" if len(set(labels)) > 2 else "binary")

    assert (model.features, model.width, model.outputs) == (None, 2, "probabilities")
    assert model.classes == fitted.classes_.tolist()
    np.testing.assert_allclose(model.predict(MATRIX), fitted.predict_proba(NUMBERS), rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match="reads 2 features and was given 3"):
        model.predict(
            ROWS.append_column("more", pa.array([1.0] * 300)).select(["hours-per-week", "debts", "more"])
        )


def test_an_input_for_each_feature_goes_by_name(load: Callable[..., Any], tmp_path: Path) -> None:
    """Numbers, integers and texts, in whatever order the rows hold them."""
    fitted = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(), ["job"]), (StandardScaler(), ["hours-per-week"]), ("passthrough", ["debts"])
        ),
        LogisticRegression(max_iter=500),
    ).fit(FRAME.astype({"job": object}), LABEL)
    kinds = [
        ("hours-per-week", FloatTensorType([None, 1])),
        ("debts", Int64TensorType([None, 1])),
        ("job", StringTensorType([None, 1])),
    ]
    (tmp_path / "m.onnx").write_bytes(to_onnx(fitted, initial_types=kinds).SerializeToString())

    model = load("onnx", tmp_path / "m.onnx", task="binary", features=list(FRAME))

    assert load("onnx", tmp_path / "m.onnx", task="binary").features[0] == "hours_per_week"
    assert model.features == list(FRAME)
    assert model.types == {"hours-per-week": "number", "debts": "number", "job": "string"}
    expected = fitted.predict_proba(FRAME.astype({"job": object}))
    found = model.predict(ROWS.select(["job", "hours-per-week", "debts"]))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    few = ROWS.slice(0, 2)
    for column, values, said in (
        ("job", pa.array(["clerk", None]), "'job' has nulls"),
        ("job", pa.array([1, 2]), "reads 'job' as text, and it holds numbers"),
        ("debts", pa.array([1, None]), "'debts' has nulls"),
        ("debts", pa.array([1.5, 2.0]), "'debts' has fractions"),
        ("debts", pa.array(["1", "2"]), "reads 'debts' as a number, and it holds strings"),
    ):
        with pytest.raises(ValueError, match=said):
            model.predict(few.set_column(few.column_names.index(column), column, values))
    with pytest.raises(ValueError, match="'job' is missing"):
        model.predict(ROWS.select(["hours-per-week", "debts"]))


def test_values_and_decisions(load: Callable[..., Any], tmp_path: Path) -> None:
    """A regressor gives values; asked for classes, a graph with labels alone decides."""
    trees = RandomForestRegressor(4, random_state=0).fit(NUMBERS, SIGNAL)
    model = load("onnx", written(trees, tmp_path / "r.onnx"), task="regression")
    assert (model.outputs, model.classes) == ("values", None)
    np.testing.assert_allclose(model.predict(MATRIX), trees.predict(NUMBERS), rtol=1e-5)

    graph = to_onnx(
        LogisticRegression(max_iter=500).fit(NUMBERS, LABEL), NUMBERS[:1], options={"zipmap": False}
    )
    del graph.graph.output[1]
    (tmp_path / "d.onnx").write_bytes(graph.SerializeToString())
    model = load("onnx", tmp_path / "d.onnx", task="binary")
    assert (model.outputs, model.classes) == ("decisions", ["no", "yes"])
    expected = LogisticRegression(max_iter=500).fit(NUMBERS, LABEL).predict(NUMBERS)
    np.testing.assert_array_equal(np.array(model.classes)[model.predict(MATRIX)], expected)


def test_scores_that_are_no_probabilities_are_an_error(load: Callable[..., Any], tmp_path: Path) -> None:
    """LinearSVC's graph gives margins beside its labels."""
    path = written(LinearSVC().fit(NUMBERS, LABEL), tmp_path / "m.onnx")

    with pytest.raises(ValueError, match=r"outside of 0\.\.1"):
        load("onnx", path, task="binary").predict(MATRIX)


def linear(weights: list[list[float]], *, last: str, rows: str | int = "n") -> onnx.ModelProto:
    """Return a graph of a matrix product and one more operator, without a word about classes."""
    count = len(weights[0])
    nodes = [helper.make_node("MatMul", ["x", "w"], ["z"]), helper.make_node(last, ["z"], ["y"])]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, len(weights)])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [rows, count])],
        [helper.make_tensor("w", TensorProto.FLOAT, [len(weights), count], np.ravel(weights).tolist())],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def test_a_network_without_classes_goes_by_place(load: Callable[..., Any], tmp_path: Path) -> None:
    """One column is the probability of the second class; several are that of each, in order."""
    (tmp_path / "one.onnx").write_bytes(linear([[0.1], [-0.2]], last="Sigmoid").SerializeToString())
    model = load("onnx", tmp_path / "one.onnx", task="binary")
    assert model.classes == [0, 1]
    assert model.predict(MATRIX).shape == (300, 2)

    weights = [[0.01, 0.0, -0.01], [0.1, 0.2, 0.3]]
    (tmp_path / "three.onnx").write_bytes(linear(weights, last="Softmax").SerializeToString())
    model = load("onnx", tmp_path / "three.onnx", task="multiclass", classes=["a", "b", "c"])
    assert model.classes == ["a", "b", "c"]
    np.testing.assert_allclose(model.predict(MATRIX).sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("weights", "last"), [([[1.0], [1.0]], "Identity"), ([[0.01, 0.0], [0.0, 0.02]], "Sigmoid")]
)
def test_logits_are_refused(
    load: Callable[..., Any], tmp_path: Path, weights: list[list[float]], last: str
) -> None:
    """Numbers beyond 0..1, and rows that do not sum to 1."""
    (tmp_path / "m.onnx").write_bytes(linear(weights, last=last).SerializeToString())

    with pytest.raises(ValueError, match="export it with its"):
        load("onnx", tmp_path / "m.onnx", task="binary").predict(MATRIX)


def test_a_fixed_number_of_rows_is_refused(load: Callable[..., Any], tmp_path: Path) -> None:
    """It could score no other."""
    (tmp_path / "m.onnx").write_bytes(linear([[0.1], [0.2]], last="Sigmoid", rows=5).SerializeToString())

    with pytest.raises(ValueError, match="exported for exactly 5 rows"):
        load("onnx", tmp_path / "m.onnx", task="binary")


def test_classes_by_place_that_its_labels_contradict_are_refused(
    load: Callable[..., Any], tmp_path: Path
) -> None:
    """The release's order is the wrong one, and the graph's own labels show it."""
    fitted = LogisticRegression(max_iter=500).fit(NUMBERS, (LABEL == "yes").astype(np.int64))
    model = load("onnx", written(fitted, tmp_path / "m.onnx", options={"zipmap": False}), task="binary")
    model.classes, model._by_place = [1, 0], True

    with pytest.raises(ValueError, match="contradict its probabilities"):
        model.predict(MATRIX)
