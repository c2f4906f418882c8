"""ONNX files, scored by onnxruntime on the CPU. Nothing in them is executed but the operators of ONNX."""

from __future__ import annotations

import mmap
import re
import struct
from typing import TYPE_CHECKING, Any

import _answers
import _protobuf
import _rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pyarrow as pa

_TYPES = {
    "tensor(float)": "float32", "tensor(double)": "float64", "tensor(float16)": "float16",
    "tensor(int64)": "int64", "tensor(int32)": "int32", "tensor(bool)": "bool", "tensor(string)": "string",
}  # fmt: skip
_LABELS = ("tensor(int64)", "tensor(int32)", "tensor(string)", "tensor(bool)")
_MATRIX = 2
_AGREEING = 0.5
"""The least share of rows whose own label is their likeliest class, where classes go by place."""

# Numbers of fields in onnx.proto.
_GRAPH, _NODE, _INITIALIZER = 7, 1, 5
_OP_TYPE, _ATTRIBUTE, _ATTRIBUTE_NAME, _INTS, _STRINGS = 4, 5, 1, 8, 9
_STRING_DATA, _INT64_DATA, _TENSOR_NAME, _RAW_DATA, _DATA_TYPE, _INT64 = 6, 7, 8, 9, 2, 7


def load(path: str, options: dict[str, Any]) -> Model:
    """Load a graph that takes one matrix of all features, or a column for each by its name."""
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = int(options.get("threads", 1))
    settings.inter_op_num_threads = 1
    settings.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
    return Model(session, options, classes_in(path))


class Model:
    """A session of onnxruntime."""

    kind = "onnxruntime.InferenceSession"

    def __init__(self, session: Any, options: dict[str, Any], classes: list[Any] | None) -> None:
        """Take what the graph says of itself."""
        import onnxruntime

        self._session = session
        self._task = options.get("task", "")
        self._inputs = session.get_inputs()
        own, self.width, kinds = _read(self._inputs)
        self.features = None if own is None else _rows.as_released(own, options.get("features"), _written)
        self.types = None if self.features is None else dict(zip(self.features, kinds))  # noqa: B905 - Python 3.9
        self._label, self._scores = _outputs(session.get_outputs(), self._task)
        classifies = self._task in ("binary", "multiclass")
        self.outputs = "values" if not classifies else "probabilities" if self._scores else "decisions"
        self._by_place = classes is None
        self.classes: list[Any] | None = None
        if classifies:
            count = _count(session.get_outputs(), self._scores) or len(options.get("classes") or (0, 1))
            self.classes = classes or _answers.classes_by_place(count, options)
        self.library = f"onnxruntime {onnxruntime.__version__}"

    def predict(self, rows: pa.Table) -> np.ndarray:
        """Return probabilities (n, k), places of classes, or values, as `outputs` says."""
        wanted = [name for name in (self._scores, self._label) if name is not None]
        found = dict(zip(wanted, self._session.run(wanted, self._given(rows))))  # noqa: B905 - Python 3.9
        if self.outputs == "decisions":
            return _answers.places(found[self._label], self.classes or [])
        numbers = found[self._scores or self._label]
        if self.outputs == "values":
            return _answers.of_network(numbers, self._task)
        if isinstance(numbers, list):
            numbers = _unzipped(numbers, self.classes or [])
        numbers = _answers.of_network(numbers, self._task)
        if self._by_place and self._label is not None:
            self._agree(numbers, found[self._label])
        return numbers

    def native(self) -> None:
        """Return None: shap does not look into graphs."""

    def _given(self, rows: pa.Table) -> dict[str, np.ndarray]:
        import numpy as np

        rows = _rows.ordered(rows, self.features, self.width)
        if self.features is None:
            columns = [_column(rows, name, self._inputs[0].type) for name in rows.column_names]
            return {self._inputs[0].name: np.column_stack(columns)}
        found = {}
        for name, one in zip(self.features, self._inputs):  # noqa: B905 - Python 3.9
            column = _column(rows, name, one.type)
            found[one.name] = column.reshape(-1, 1) if len(one.shape) == _MATRIX else column
        return found

    def _agree(self, numbers: np.ndarray, labels: Any) -> None:
        """Hold classes that go by their places against the labels that the model gives itself."""
        import numpy as np

        given = [str(one) for one in np.asarray(labels).reshape(-1).tolist()]
        known = [str(one) for one in self.classes or []]
        best = numbers.argmax(axis=1)
        agreeing = sum(known[place] == one for place, one in zip(best, given))  # noqa: B905 - Python 3.9
        if set(given) <= set(known) and agreeing < _AGREEING * len(given):
            raise ValueError(
                "the labels that the model gives contradict its probabilities; export it with ZipMap"
            )


def classes_in(path: str) -> list[Any] | None:
    """Return the classes that a graph names, in the order of its probabilities; None where it names none."""
    with open(path, "rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)  # a graph may be larger than the memory
    try:
        return _classes(memoryview(mapped))
    except (ValueError, UnicodeDecodeError, struct.error):
        return None


def _classes(model: memoryview) -> list[Any] | None:
    named: dict[str, list[list[Any]]] = {"ZipMap": [], "operator": [], "initializer": []}
    for graph in _messages(model, _GRAPH):
        for node in _messages(graph, _NODE):
            operator = next(
                (_protobuf.text(value) for number, value in _protobuf.fields(node) if number == _OP_TYPE), ""
            )
            for attribute in _messages(node, _ATTRIBUTE):
                labels = _labels(attribute)
                if labels:
                    named["ZipMap" if operator == "ZipMap" else "operator"].append(labels)
        for tensor in _messages(graph, _INITIALIZER):
            labels = _initial(tensor)
            if labels:
                named["initializer"].append(labels)
    for found in named.values():
        if found and all(one == found[0] for one in found):
            return found[0]
        if found:
            return None
    return None


def _messages(message: memoryview, wanted: int) -> Iterator[memoryview]:
    for number, value in _protobuf.fields(message):
        if number == wanted and not isinstance(value, int):
            yield value


def _labels(attribute: memoryview) -> list[Any]:
    """Return the classes in one attribute of an operator, if that is what it holds."""
    name, found = "", []
    for number, value in _protobuf.fields(attribute):
        if number == _ATTRIBUTE_NAME:
            name = _protobuf.text(value)
        elif number == _STRINGS:
            found.append(_protobuf.text(value)) if name.startswith("classlabels") else None
        elif number == _INTS and name.startswith("classlabels"):
            found.extend(_protobuf.integers(value))
    return found if name.startswith("classlabels") else []


def _initial(tensor: memoryview) -> list[Any]:
    """Return the classes in a constant that is called `classes`."""
    name, kind, raw = "", 0, b""
    found: list[Any] = []
    for number, value in _protobuf.fields(tensor):
        if number == _TENSOR_NAME:
            name = _protobuf.text(value)
        elif number == _DATA_TYPE:
            kind = _protobuf.integers(value)[0]
        elif number == _STRING_DATA and len(found) < 1 << 16:
            found.append(bytes(value) if not isinstance(value, int) else b"")
        elif number == _INT64_DATA and not found:
            found.extend(_protobuf.integers(value))
        elif number == _RAW_DATA and not isinstance(value, int) and len(value) < 1 << 20:
            raw = bytes(value)
    if name != "classes":
        return []
    if not found and kind == _INT64:
        found = [one[0] for one in struct.iter_unpack("<q", raw)]
    return [one.decode("utf-8") if isinstance(one, bytes) else one for one in found]


def _read(inputs: list[Any]) -> tuple[list[str] | None, int | None, list[str]]:
    """Return features, width and types as the inputs of a graph say them."""
    for one in inputs:
        if one.type not in _TYPES:
            raise ValueError(f"its input '{one.name}' is a {one.type}, which no column is")
        if one.shape and isinstance(one.shape[0], int):
            fixed = f"the model was exported for exactly {one.shape[0]} rows at a time"
            raise ValueError(f"{fixed}; export it with a free first dimension")
    if len(inputs) == 1 and len(inputs[0].shape) == _MATRIX:
        width = inputs[0].shape[1]
        return None, width if isinstance(width, int) else None, []
    wide = [
        one.name for one in inputs if len(one.shape) not in (1, _MATRIX) or one.shape[1:] not in ([], [1])
    ]
    if wide:
        raise ValueError(
            f"its input '{wide[0]}' holds several columns, and it has others; give each its own input"
        )
    known = {"string": "string", "bool": "boolean"}
    return [one.name for one in inputs], None, [known.get(_TYPES[one.type], "number") for one in inputs]


def _written(name: str) -> str:
    """Return a name as skl2onnx writes it: what a name in C could not hold is `_`."""
    found = re.sub(r"[^\w+]", "_", name)
    return "_" + found if found[:1].isdigit() else found


def _outputs(outputs: list[Any], task: str) -> tuple[str | None, str | None]:
    """Return the names of the output that holds labels and of that which holds numbers."""
    labels = [one.name for one in outputs if one.type in _LABELS]
    numbers = [one.name for one in outputs if one.type not in _LABELS]
    if task in ("binary", "multiclass"):
        probable = [name for name in numbers if "prob" in name.lower()]
        chosen = numbers if len(numbers) == 1 else probable if len(probable) == 1 else []
        if numbers and not chosen:
            raise ValueError(f"it is not clear which of its outputs {numbers} holds probabilities")
        return (labels[0] if len(labels) == 1 else None), (chosen[0] if chosen else None)
    if len(outputs) != 1:
        raise ValueError(f"the model gives {len(outputs)} outputs, and {task} needs one")
    return None, outputs[0].name


def _count(outputs: list[Any], scores: str | None) -> int | None:
    """Return how many classes the output of probabilities has, if it says so; one column stands for two."""
    shape = next((one.shape for one in outputs if one.name == scores), None)
    if not shape or len(shape) != _MATRIX or not isinstance(shape[1], int):
        return None
    return max(2, shape[1])


def _unzipped(found: list[dict[Any, float]], classes: list[Any]) -> np.ndarray:
    """Return what ZipMap gives, one mapping a row, as columns in the order of the classes."""
    import numpy as np

    if found and set(found[0]) != set(classes):
        raise ValueError(f"the model names the classes {list(found[0])[:20]} and not {classes[:20]}")
    return np.asarray([[one[name] for name in classes] for one in found], dtype=np.float64)


def _column(rows: pa.Table, name: str, kind: str) -> np.ndarray:
    """Return one feature in the type of the graph, where it has that; nothing is rounded or made up."""
    import numpy as np

    wanted, is_kind = _TYPES[kind], _rows.kinds(rows.select([name]))[name]
    column = rows.column(name)
    if wanted == "string":
        if is_kind != "string":
            raise ValueError(f"the model reads '{name}' as text, and it holds {is_kind}s")
        if column.null_count:
            raise ValueError(f"'{name}' has nulls, and a text of ONNX cannot be null; fill them before")
        return np.asarray(column.to_pylist(), dtype=object)
    if is_kind not in ("number", "boolean"):
        raise ValueError(f"the model reads '{name}' as a number, and it holds {is_kind}s")
    numbers = _rows.matrix(rows.select([name]))[:, 0]
    if wanted.startswith("float"):
        return numbers.astype(wanted)
    if np.isnan(numbers).any():
        raise ValueError(f"'{name}' has nulls, and the model reads it as {wanted}; fill them before")
    found = numbers.astype(wanted)
    if (found != numbers).any():
        raise ValueError(f"'{name}' has fractions, and the model reads it as {wanted}")
    return found
