"""What is sent to each protocol, and how its answers are read; servers as their published interfaces have them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from mlgate.errors import ModelFault

ROWS = pa.table({"age": [30, 41], "income": [20.5, 33.0], "job": ["clerk", "cook"]})
NUMBERS = ROWS.select(["age", "income"])


def logistic(age: float, income: float) -> float:
    """Return what every server of this file says of a row."""
    return 1 / (1 + math.exp(-(age - income) / 10))


EXPECTED = [logistic(30, 20.5), logistic(41, 33.0)]


# The Open Inference Protocol v2 -----------------------------------------------------------------------------

COLUMNS = [
    {"name": "age", "datatype": "INT64", "shape": [-1]},
    {"name": "income", "datatype": "FP64", "shape": [-1, 1]},
    {"name": "job", "datatype": "BYTES", "shape": [-1], "parameters": {"content_type": "str"}},
]
MATRIX = [{"name": "x", "datatype": "FP32", "shape": [-1, 2]}]
PROBABILITY = [{"name": "probability", "datatype": "FP64", "shape": [-1, 2]}]
BOTH = [{"name": "label", "datatype": "INT64", "shape": [-1]}, *PROBABILITY]


def inference(
    *,
    inputs: Any = COLUMNS,
    outputs: Any = PROBABILITY,
    server: str = "triton",
    data: Callable[[list[float]], Any] = lambda p: [value for one in p for value in (1 - one, one)],
    said: dict[str, Any] | None = None,
    **answer: Any,
) -> Callable[[str, str, Any], tuple[int, Any]]:
    """Return a server of the protocol that holds each request against it, and answers as it says."""

    def route(method: str, path: str, body: Any) -> tuple[int, Any]:
        if (method, path) == ("GET", "/v2"):
            return 200, {"name": server, "version": "2.50", "extensions": []}
        if (method, path) == ("GET", "/v2/models/m"):
            metadata = {
                "name": "m",
                "versions": ["1"],
                "platform": "onnx",
                "inputs": inputs,
                "outputs": outputs,
            }
            return 200, {**metadata, **(said or {})}
        if (method, path) != ("POST", "/v2/models/m/infer"):
            return 404, {"error": "no such route"}
        sent = {one["name"]: conformant(one) for one in body["inputs"]}
        if "x" in sent:
            pairs = list(zip(sent["x"][::2], sent["x"][1::2], strict=True))
        else:
            pairs = list(zip(sent["age"], sent["income"], strict=True))
        found = data([logistic(*pair) for pair in pairs])
        name = body["outputs"][0]["name"] if "outputs" in body else outputs[0]["name"]
        shape = [len(pairs)] if len(found) == len(pairs) else [len(pairs), len(found) // max(len(pairs), 1)]
        output = {"name": name, "datatype": "FP64", "shape": shape, "data": found, **answer}
        return 200, {"model_name": "m", "model_version": "1", "id": body["id"], "outputs": [output]}

    return route


def conformant(tensor: dict[str, Any]) -> list[Any]:
    """Hold a tensor against the protocol: every key, a shape that fits, values of the type."""
    assert set(tensor) - {"parameters"} == {"name", "datatype", "shape", "data"}
    assert math.prod(tensor["shape"]) == len(tensor["data"])
    sorts: dict[str, Any] = {"INT64": int, "FP32": float, "FP64": float, "BYTES": str, "BOOL": bool}
    assert all(type(one) is sorts[tensor["datatype"]] for one in tensor["data"])
    return list(tensor["data"])


def test_each_feature_goes_as_its_own_tensor(serve: Callable, ask: Callable) -> None:
    """By name, typed as the metadata says it, and the class probabilities come back."""
    server = serve(inference())
    endpoint = ask(f"{server.url}/v2/models/m")
    said = endpoint.described
    assert said.features == ("age", "income", "job")
    assert said.types == {"age": "integer", "income": "number", "job": "string"}
    assert (said.classes, said.outputs) == ((0, 1), "probabilities")
    assert said.library == "Open Inference Protocol, triton 2.50"
    assert endpoint.predict(ROWS)[:, 1].tolist() == EXPECTED
    sent = server.asked[-1][3]
    assert sent["inputs"][1]["shape"] == [2, 1]
    assert sent["inputs"][2]["parameters"] == {"content_type": "str"}
    assert sent["outputs"] == [{"name": "probability"}]
    assert "parameters" not in sent


def test_one_matrix_is_given_the_features_in_the_order_of_the_release(serve: Callable, ask: Callable) -> None:
    """Row by row, and its width is told."""
    server = serve(inference(inputs=MATRIX, outputs=BOTH))
    endpoint = ask(f"{server.url}/v2/models/m/infer")
    assert (endpoint.described.features, endpoint.described.width) == (None, 2)
    assert endpoint.predict(NUMBERS)[:, 1].tolist() == EXPECTED
    assert server.asked[-1][3]["inputs"][0]["data"] == [30.0, 20.5, 41.0, 33.0]
    with pytest.raises(ModelFault, match="takes 2 features, and the rows have 1"):
        endpoint.predict(ROWS.select(["age"]))


def test_mlserver_makes_a_table_where_it_says_no_inputs(serve: Callable, ask: Callable) -> None:
    """With the types of the columns, and null where a value is missing."""
    server = serve(inference(inputs=[], outputs=[], server="mlserver"))
    endpoint = ask(f"{server.url}/v2/models/m")
    assert (endpoint.described.features, endpoint.described.width) == (None, None)
    rows = ROWS.append_column("day", pa.array([dt.date(2026, 1, 2), dt.date(2026, 1, 3)]))
    assert endpoint.predict(rows)[:, 1].tolist() == EXPECTED
    sent = server.asked[-1][3]
    assert sent["parameters"] == {"content_type": "pd"}
    assert [one["datatype"] for one in sent["inputs"]] == ["INT64", "FP64", "BYTES", "BYTES"]
    assert [one.get("parameters", {}).get("content_type") for one in sent["inputs"]] == [
        None,
        None,
        "str",
        "datetime",
    ]
    assert sent["outputs"] == [{"name": "predict_proba"}]


def test_another_server_that_says_no_inputs_cannot_be_asked(serve: Callable, ask: Callable) -> None:
    """How it would take rows is nowhere written."""
    with pytest.raises(ModelFault, match="its metadata says no inputs"):
        ask(f"{serve(inference(inputs=[])).url}/v2/models/m").predict(ROWS)


def test_an_output_of_classes_is_read_as_decisions(serve: Callable, ask: Callable) -> None:
    """Its type tells it, and the values have to be classes."""
    labels = [{"name": "out", "datatype": "BYTES", "shape": [-1]}]
    route = inference(
        outputs=labels, data=lambda p: ["b" if one > 0.7 else "a" for one in p], datatype="BYTES"
    )
    endpoint = ask(f"{serve(route).url}/v2/models/m", task="multiclass", classes=["a", "b", "c"])
    assert endpoint.described.outputs == "decisions"
    assert endpoint.predict(ROWS).tolist() == [[1.0], [0.0]]
    with pytest.raises(ModelFault, match="'b', which is none of the classes"):
        ask(f"{serve(route).url}/v2/models/m", task="multiclass", classes=["a", "c"]).predict(ROWS)


def test_the_release_says_which_output_is_meant_where_several_would_do(
    serve: Callable, ask: Callable
) -> None:
    """Else it is an error that lists them."""
    outputs = [{"name": name, "datatype": "FP64", "shape": [-1]} for name in ("first", "second")]
    server = serve(inference(outputs=outputs, data=list))
    with pytest.raises(ModelFault, match="has the outputs first, second; say under `output`"):
        ask(f"{server.url}/v2/models/m").predict(ROWS)
    assert ask(f"{server.url}/v2/models/m", output="second").predict(ROWS)[:, 1].tolist() == EXPECTED
    with pytest.raises(ModelFault, match="no output 'third', but first, second"):
        ask(f"{server.url}/v2/models/m", output="third").predict(ROWS)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (ROWS.set_column(0, "age", pa.array([30, None])), "'age' has missing values"),
        (
            ROWS.set_column(0, "age", pa.array(["30", "41"])),
            "takes 'age' as INT64, and the rows hold it as string",
        ),
        (ROWS.set_column(1, "income", pa.array([float("nan"), 1.0])), "'income' has missing values"),
        (ROWS.set_column(1, "income", pa.array([float("inf"), 1.0])), "'income' holds an infinity"),
        (
            ROWS.set_column(2, "job", pa.array([1, 2])),
            "takes 'job' as BYTES, and the rows hold it as integer",
        ),
    ],
)
def test_what_a_tensor_cannot_carry_is_a_fault_and_is_not_sent(
    serve: Callable, ask: Callable, rows: pa.Table, said: str
) -> None:
    """No value is made up for one that is missing, and none is turned into another type."""
    server = serve(inference())
    with pytest.raises(ModelFault, match=said):
        ask(f"{server.url}/v2/models/m").predict(rows)
    assert all(method == "GET" for method, *_ in server.asked)


@pytest.mark.parametrize(
    "lie",
    [
        {"data": lambda p: [0.5] * (len(p) + 1)},
        {"data": lambda _: []},
        {"data": lambda p: [0.1, 0.2, 0.7] * len(p)},
        {"shape": [2, 3]},
        {"shape": [-1, 2]},
        {"shape": ["2", 2]},
        {"shape": [1, 2, 2]},
        {"shape": None},
        {"data": lambda _: [[0.1, 0.9], [0.1]]},
        {"data": lambda _: ["0.1", "0.9", "0.1", "0.9"]},
        {"data": lambda _: [True, False, True, False]},
        {"parameters": {"binary_data_size": 32}},
        {"name": "other"},
        {"inputs": [{"name": "age", "datatype": "INT64", "shape": [-1, 2]}, *COLUMNS[1:]]},
        {"inputs": [{"name": "image", "datatype": "UINT8", "shape": [-1, 3, 224, 224]}]},
        {"inputs": [{"name": "age", "datatype": "DECIMAL", "shape": [-1]}]},
        {"inputs": [{"name": "age", "datatype": "INT64", "shape": [8]}]},
        {"inputs": [COLUMNS[0], COLUMNS[0]]},
        {"inputs": [{"name": "age"}]},
        {"inputs": {"age": 1}},
        {"inputs": 3},
        {"outputs": "all"},
        {"outputs": [{"name": 3, "datatype": "FP64", "shape": [-1]}]},
    ],
)
def test_a_server_that_lies_is_not_believed(serve: Callable, ask: Callable, lie: dict[str, Any]) -> None:
    """Of its inputs, its outputs, or the shape of what it answers."""
    with pytest.raises(ModelFault) as caught:
        ask(f"{serve(inference(**lie)).url}/v2/models/m").predict(ROWS)
    assert caught.value.kind == "answer"


def test_an_answer_to_another_question_is_refused(serve: Callable, ask: Callable) -> None:
    """Each question has a number."""
    good = inference()

    def route(method: str, path: str, body: Any) -> tuple[int, Any]:
        status, said = good(method, path, body)
        return status, {**said, "id": "7"} if method == "POST" else said

    with pytest.raises(ModelFault, match="is that to no question or another one"):
        ask(f"{serve(route).url}/v2/models/m").predict(ROWS)


def test_a_model_that_is_not_there_is_said_so(serve: Callable, ask: Callable) -> None:
    """Before any row is sent."""
    server = serve(inference())
    with pytest.raises(ModelFault, match="has no such model"):
        ask(f"{server.url}/v2/models/other").predict(ROWS)
    assert all(method == "GET" for method, *_ in server.asked)


# TensorFlow Serving -----------------------------------------------------------------------------------------


def serving(
    inputs: dict[str, tuple[str, list[int]]], outputs: dict[str, list[int]], *, several: bool = False
) -> Callable[[str, str, Any], tuple[int, Any]]:
    """Return a server as the REST interface of TensorFlow Serving has it."""

    def tensor(kind: str, shape: list[int]) -> dict[str, Any]:
        sizes = [{"size": str(size), "name": ""} for size in shape]
        return {"dtype": kind, "tensor_shape": {"dim": sizes, "unknown_rank": False}, "name": "serving:0"}

    signature = {
        "inputs": {name: tensor(*said) for name, said in inputs.items()},
        "outputs": {name: tensor("DT_FLOAT", shape) for name, shape in outputs.items()},
        "method_name": "tensorflow/serving/predict",
    }
    metadata = {"signature_def": {"signature_def": {"serving_default": signature}}}

    def route(method: str, path: str, body: Any) -> tuple[int, Any]:
        if (method, path) == ("GET", "/v1/models/m/metadata"):
            return 200, {
                "model_spec": {"name": "m", "signature_name": "", "version": "1"},
                "metadata": metadata,
            }
        if (method, path) != ("POST", "/v1/models/m:predict") or body["signature_name"] != "serving_default":
            return 404, {"error": "Malformed request"}
        pairs = [
            (one["age"][0], one["income"]) if isinstance(one, dict) else tuple(one)
            for one in body["instances"]
        ]
        found = [[logistic(*pair)] for pair in pairs]
        return 200, {"predictions": [{"p": one, "q": [0.0]} for one in found] if several else found}

    return route


NAMED = {"age": ("DT_INT64", [-1, 1]), "income": ("DT_FLOAT", [-1]), "job": ("DT_STRING", [-1])}


def test_tensorflow_serving_is_given_instances_by_name(serve: Callable, ask: Callable) -> None:
    """As its signature has them."""
    server = serve(serving(NAMED, {"p": [-1, 1]}))
    endpoint = ask(f"{server.url}/v1/models/m")
    assert endpoint.described.features == ("age", "income", "job")
    assert endpoint.predict(ROWS)[:, 1].tolist() == EXPECTED
    assert server.asked[-1][3]["instances"][0] == {"age": [30], "income": 20.5, "job": "clerk"}


def test_tensorflow_serving_is_given_one_matrix_in_order(serve: Callable, ask: Callable) -> None:
    """A single input goes without its name."""
    server = serve(serving({"dense_input": ("DT_FLOAT", [-1, 2])}, {"p": [-1, 1]}))
    endpoint = ask(f"{server.url}/v1/models/m:predict")
    assert (endpoint.described.features, endpoint.described.width) == (None, 2)
    assert endpoint.predict(NUMBERS)[:, 1].tolist() == EXPECTED
    assert server.asked[-1][3]["instances"] == [[30.0, 20.5], [41.0, 33.0]]


def test_tensorflow_serving_with_several_outputs_asks_which(serve: Callable, ask: Callable) -> None:
    """The release names one."""
    server = serve(serving(NAMED, {"p": [-1, 1], "q": [-1, 1]}, several=True))
    with pytest.raises(ModelFault, match="has the outputs p, q; say under `output`"):
        ask(f"{server.url}/v1/models/m").predict(ROWS)
    assert ask(f"{server.url}/v1/models/m", output="p").predict(ROWS)[:, 1].tolist() == EXPECTED


@pytest.mark.parametrize(
    "answer",
    [{}, [], {"metadata": {}}, {"metadata": {"signature_def": {"signature_def": {"serving_default": 3}}}}],
)
def test_metadata_that_tensorflow_serving_would_not_write_is_refused(
    serve: Callable, ask: Callable, answer: Any
) -> None:
    """Nothing is guessed about what it takes."""
    with pytest.raises(ModelFault, match="no signature 'serving_default'"):
        ask(f"{serve(lambda *_: (200, answer)).url}/v1/models/m").predict(ROWS)
    with pytest.raises(ModelFault, match="has no /metadata"):
        ask(f"{serve(lambda *_: (404, answer)).url}/v1/models/m").predict(ROWS)


# MLflow and the plain route ---------------------------------------------------------------------------------


def test_mlflow_is_given_a_split_table(serve: Callable, ask: Callable) -> None:
    """With null for what is missing and text for dates."""
    rows = pa.table({
        "n": pa.array([1, None]), "x": [float("nan"), 2.5], "job": [None, "b"], "yes": [True, False],
        "at": [dt.datetime(2026, 1, 2, 3, 4), None],  # noqa: DTZ001 - tables hold such times
    })  # fmt: skip
    server = serve(lambda *_: (200, {"predictions": [[0.9, 0.1], [0.3, 0.7]]}))
    assert ask(f"{server.url}/a/invocations").predict(rows)[:, 1].tolist() == [0.1, 0.7]
    _, path, headers, sent = server.asked[-1]
    assert (path, headers["Content-Type"]) == ("/a/invocations", "application/json")
    expected = [[1, None, None, True, "2026-01-02T03:04:00"], [None, 2.5, "b", False, None]]
    assert sent == {"dataframe_split": {"columns": ["n", "x", "job", "yes", "at"], "data": expected}}


def test_a_table_of_answers_is_read_by_the_names_of_the_classes(serve: Callable, ask: Callable) -> None:
    """Not by their place; a column that the release names is taken alone."""
    answer = {"predictions": [{"b": 0.2, "a": 0.8}, {"b": 0.6, "a": 0.4}]}
    url = f"{serve(lambda *_: (200, answer)).url}/invocations"
    assert ask(url, classes=["a", "b"], positive="b").predict(ROWS).tolist() == [[0.8, 0.2], [0.4, 0.6]]
    assert ask(url, output="b").predict(ROWS)[:, 1].tolist() == [0.2, 0.6]
    assert ask(url, task="regression", output="b").predict(ROWS).tolist() == [[0.2], [0.6]]


def test_one_number_is_the_probability_of_the_positive_class(serve: Callable, ask: Callable) -> None:
    """Wherever it stands among the classes; two numbers need classes in their order."""
    one = f"{serve(lambda *_: (200, {'predictions': [0.1, 0.7]})).url}/invocations"
    assert ask(one, classes=["bad", "good"], positive="bad").predict(ROWS)[:, 0].tolist() == [0.1, 0.7]
    endpoint = ask(one, positive="bad")
    assert (endpoint.described.classes, endpoint.predict(ROWS).tolist()) == (None, [[0.1], [0.7]])
    two = f"{serve(lambda *_: (200, {'predictions': [[0.9, 0.1], [0.3, 0.7]]})).url}/invocations"
    with pytest.raises(ModelFault, match="nobody says of which classes; state `classes`"):
        ask(two, positive="bad").predict(ROWS)


def test_decisions_of_an_endpoint_are_classes(serve: Callable, ask: Callable) -> None:
    """Where the release says that it decides."""
    url = f"{serve(lambda *_: (200, {'predictions': [1, 0]})).url}/invocations"
    endpoint = ask(url, outputs="decisions")
    assert (endpoint.described.outputs, endpoint.predict(ROWS).tolist()) == ("decisions", [[1.0], [0.0]])


def plain(scores: Any, said: Any = None, **more: Any) -> Callable[[str, str, Any], tuple[int, Any]]:
    """Return a plain JSON route, which may say something of itself."""

    def route(method: str, _: str, __: Any) -> tuple[int, Any]:
        if method == "GET":
            return (405, {}) if said is None else (200, said)
        return 200, {"scores": scores, **more}

    return route


def test_the_plain_route_gives_scores_for_columns_and_rows(serve: Callable, ask: Callable) -> None:
    """And need not say anything of itself."""
    server = serve(plain([0.1, 0.7]))
    endpoint = ask(f"{server.url}/score", protocol="json")
    assert endpoint.predict(ROWS)[:, 1].tolist() == [0.1, 0.7]
    assert server.asked[-1][3] == {
        "columns": ["age", "income", "job"],
        "rows": [[30, 20.5, "clerk"], [41, 33.0, "cook"]],
    }
    assert endpoint.described.features is None


def test_the_plain_route_may_say_its_features_and_classes(serve: Callable, ask: Callable) -> None:
    """In its own order, which is then the one that counts."""
    said = {"features": ["job", "age", "income"], "classes": ["good", "bad"], "library": "R 4.5"}
    url = f"{serve(plain([[0.9, 0.1], [0.3, 0.7]], said)).url}/score"
    endpoint = ask(url, protocol="json", classes=["bad", "good"], positive="bad")
    assert endpoint.described.features == ("job", "age", "income")
    assert (endpoint.described.classes, endpoint.described.library) == (("good", "bad"), "R 4.5")
    assert endpoint.predict(ROWS).tolist() == [[0.9, 0.1], [0.3, 0.7]]


def test_classes_beside_the_scores_put_them_in_order(serve: Callable, ask: Callable) -> None:
    """An answer may name its columns."""
    url = f"{serve(plain([[0.9, 0.1], [0.3, 0.7]], classes=['b', 'a'])).url}/score"
    assert ask(url, protocol="json", classes=["a", "b"], positive="b").predict(ROWS).tolist() == [
        [0.1, 0.9],
        [0.7, 0.3],
    ]
    with pytest.raises(ModelFault, match="its classes are not those of the release"):
        ask(url, protocol="json", classes=["a", "c"], positive="a").predict(ROWS)


@pytest.mark.parametrize(
    "said",
    [[], 3, {"features": "age"}, {"features": [1]}, {"classes": {}}, {"classes": ["x", "y"]}, {"library": 3}],
)
def test_what_a_plain_route_says_of_itself_has_to_be_that(serve: Callable, ask: Callable, said: Any) -> None:
    """Or nothing at all."""
    with pytest.raises(ModelFault) as caught:
        ask(f"{serve(plain([0.1, 0.7], said)).url}/score", protocol="json").predict(ROWS)
    assert caught.value.kind == "answer"
