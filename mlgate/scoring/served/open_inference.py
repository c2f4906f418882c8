"""The Open Inference Protocol v2 over REST, as KServe, Triton, Seldon and MLServer have it.

The metadata of the model says its inputs: one matrix of numbers, given the features in the order of the
release, or one tensor for each feature, given by name. MLServer may say none; it makes a table of tensors
that are named after the features, when it is told so by `content_type: pd`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgate.errors import ModelFault
from mlgate.scoring.raw import Described
from mlgate.scoring.served.asking import Asked, read, sort_of
from mlgate.scoring.served.tensors import Signature, Tensor, column_of, matrix_of
from mlgate.scoring.served.wire import Wire

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from mlgate.scoring.raw import Outputs

_PROBABILITIES = ("predict_proba", "probabilities", "output_probability", "probability")
"""What servers call an output of probabilities: MLServer, scikit-learn in ONNX."""
_VALUES = ("predict",)
_DECISIONS = ("predict", "label", "output_label", "class")

_KINDS = {"number": "FP64", "integer": "INT64", "boolean": "BOOL", "string": "BYTES"}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Agreed:
    """How one endpoint is asked."""

    signature: Signature | None
    """None: it says no inputs, and makes a table of what is named."""
    table: bool
    """Whether it is told to make a table of its inputs."""
    parameters: Mapping[str, Any]
    """Of its inputs, by name, as it says them."""
    output: str | None
    """None: it says no outputs, and must answer with one."""
    outputs: Outputs


class OpenInference:
    """A model of a server that speaks the protocol."""

    def __init__(self, wire: Wire, asked: Asked) -> None:
        """Nothing is sent yet."""
        self._wire, self._asked = wire, asked
        self._agreed: _Agreed | None = None
        self._numbers = itertools.count(1)

    def describe(self) -> Described:
        """Read the metadata of model and server, and agree on how to ask."""
        model = self._wire.address.model
        said = self._wire.get(model)
        if said is None:
            raise ModelFault("raised", "it has no such model, or none that is ready")
        if not isinstance(said, dict):
            raise ModelFault("answer", "its metadata is no JSON object")
        server, version = self._server(model)
        inputs = list(_tensors(said.get("inputs"), "inputs"))
        signature = Signature.of(inputs) if inputs else None
        if signature is None and server != "mlserver":
            raise ModelFault("answer", "its metadata says no inputs; give the model its inputs on the server")
        output, kind = self._output(list(_tensors(said.get("outputs"), "outputs")), server)
        self._agreed = _Agreed(
            signature=signature,
            table=server == "mlserver" and not (signature and signature.matrix),
            parameters={
                one["name"]: one["parameters"] for one in said.get("inputs") or () if one.get("parameters")
            },
            output=output,
            outputs=self._sort(output, kind),
        )
        platform = said.get("platform")
        return Described(
            features=signature.features if signature else None,
            width=signature.width if signature else None,
            types=signature.types if signature else None,
            classes=self._asked.classes or None,
            outputs=self._agreed.outputs,
            library=f"Open Inference Protocol, {server} {version}".strip(", "),
            kind=platform[:100] if isinstance(platform, str) else "",
        )

    def ask(self, rows: pa.Table) -> NDArray[np.float64]:
        """Ask for predictions."""
        if self._agreed is None:
            self.describe()
        agreed = self._agreed
        assert agreed is not None  # noqa: S101 - for the type checker
        number = str(next(self._numbers))
        question: dict[str, Any] = {"id": number, "inputs": list(_inputs(rows, agreed))}
        if agreed.table:
            question["parameters"] = {"content_type": "pd"}
        if agreed.output is not None:
            question["outputs"] = [{"name": agreed.output}]
        said = self._wire.post(f"{self._wire.address.model}/infer", question)
        if not isinstance(said, dict) or said.get("id", number) != number:
            raise ModelFault("answer", "its answer is that to no question or another one")
        return read(_answers(said, agreed.output), rows.num_rows, self._asked, agreed.outputs)

    def _server(self, model: str) -> tuple[str, str]:
        """Return the name and version of the server; empty where it does not say."""
        root = model[: model.rindex("/v2/models/")]
        said = self._wire.get(f"{root}/v2")
        said = said if isinstance(said, dict) else {}
        name, version = said.get("name"), said.get("version")
        return (
            name[:100] if isinstance(name, str) else "",
            version[:100] if isinstance(version, str) else "",
        )

    def _output(self, said: list[Tensor], server: str) -> tuple[str | None, str | None]:
        """Return the name and type of the output that is asked for."""
        kinds = {one.name: one.kind for one in said}
        wanted = self._asked.output
        if wanted is not None:
            if kinds and wanted not in kinds:
                raise ModelFault("answer", f"it has no output {wanted!r}, but {', '.join(kinds)[:200]}")
            return wanted, kinds.get(wanted)
        usual = self._usual()
        if not kinds:
            return (usual[0] if server == "mlserver" else None), None
        found = next((name for name in usual if name in kinds), None)
        if found is None and len(kinds) == 1:
            found = next(iter(kinds))
        if found is None:
            what = f"it has the outputs {', '.join(kinds)[:200]}"
            raise ModelFault("answer", f"{what}; say under `output` which one is meant")
        return found, kinds[found]

    def _usual(self) -> tuple[str, ...]:
        if not self._asked.classifies:
            return _VALUES
        return _DECISIONS if self._asked.outputs == "decisions" else _PROBABILITIES

    def _sort(self, output: str | None, kind: str | None) -> Outputs:
        """Return what an output holds: its type tells classes from probabilities."""
        if self._asked.outputs is not None or not self._asked.classifies:
            return self._asked.sort
        decides = output in _DECISIONS if kind is None else not kind.startswith("FP") or output in _DECISIONS
        if decides and not self._asked.classes:
            raise ModelFault("answer", f"its output {output!r} holds classes; state `classes` in the release")
        return "decisions" if decides else "probabilities"


def _tensors(said: Any, called: str) -> Iterator[Tensor]:
    if said is not None and not isinstance(said, list):
        raise ModelFault("answer", f"its metadata says {called} that are no list")
    for one in said or ():
        try:
            name, kind, shape = one["name"], one["datatype"], tuple(one["shape"])
        except (KeyError, TypeError):
            raise ModelFault(
                "answer", f"its metadata says {called} without name, datatype or shape"
            ) from None
        whole = all(isinstance(size, int) and not isinstance(size, bool) for size in shape)
        if not whole or not isinstance(name, str) or not isinstance(kind, str):
            raise ModelFault(
                "answer", f"its metadata says {called} of names, datatypes or shapes that are none"
            )
        yield Tensor(name=name, kind=kind, shape=shape)


def _inputs(rows: pa.Table, agreed: _Agreed) -> Iterator[dict[str, Any]]:
    """Yield the tensors of a question."""
    if agreed.signature is not None and agreed.signature.matrix:
        tensor = agreed.signature.tensors[0]
        matrix = matrix_of(rows, tensor)
        shape = [rows.num_rows, rows.num_columns]
        flat = list(itertools.chain.from_iterable(matrix))
        yield {"name": tensor.name, "datatype": tensor.kind, "shape": shape, "data": flat}
        return
    tensors = agreed.signature.tensors if agreed.signature else map(_tensor, rows.column_names, rows.columns)
    for tensor in tensors:
        data = column_of(rows, tensor.name, tensor, gaps=agreed.table)
        shape = [rows.num_rows, *(1 for _ in tensor.shape[1:])]
        said = {"name": tensor.name, "datatype": tensor.kind, "shape": shape, "data": data}
        parameters = agreed.parameters.get(tensor.name) or _content(rows.column(tensor.name), agreed)
        yield {**said, "parameters": parameters} if parameters else said


def _tensor(name: str, column: pa.ChunkedArray) -> Tensor:
    return Tensor(name=name, kind=_KINDS[sort_of(column)], shape=(-1,))


def _content(column: pa.ChunkedArray, agreed: _Agreed) -> dict[str, str]:
    """Say what bytes are, where a table is made of them."""
    import pyarrow as pa

    if not agreed.table or sort_of(column) != "string":
        return {}
    time = pa.types.is_date(column.type) or pa.types.is_timestamp(column.type)
    return {"content_type": "datetime" if time else "str"}


def _answers(said: dict[str, Any], name: str | None) -> list[Any]:
    """Return the values of an output row by row."""
    outputs = said.get("outputs")
    if not isinstance(outputs, list) or not all(isinstance(one, dict) for one in outputs):
        raise ModelFault("answer", "it answers without outputs")
    found = [one for one in outputs if name is None or one.get("name") == name]
    if len(found) != 1:
        given = ", ".join(str(one.get("name")) for one in outputs)[:100]
        raise ModelFault(
            "answer", f"it answers with the outputs {given or 'none'}, and {name or 'one'} was due"
        )
    shape, data = found[0].get("shape"), found[0].get("data")
    if "binary_data_size" in (found[0].get("parameters") or {}) or not isinstance(data, list):
        raise ModelFault("answer", "it answers without the data of its output, or in binary")
    sizes = isinstance(shape, list) and all(type(one) is int and one > 0 for one in shape)
    if not sizes or len(shape) not in (1, 2):
        raise ModelFault("answer", f"it answers with the shape {str(shape)[:60]}")
    flat = list(itertools.chain.from_iterable(data)) if all(isinstance(one, list) for one in data) else data
    width = 1 if len(shape) == 1 else shape[1]
    if len(flat) != shape[0] * width:
        raise ModelFault("answer", f"it answers with {len(flat)} values for the shape {shape}")
    if width == 1:
        return flat
    return [flat[start : start + width] for start in range(0, len(flat), width)]
