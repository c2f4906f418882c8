"""TensorFlow Serving over REST: the signature from /metadata, predictions from :predict with `instances`.

A signature with one matrix [-1, n] is given the features in the order of the release; one with an input for
each feature, [-1] or [-1, 1], is given them by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlgate.errors import ModelFault
from mlgate.scoring.raw import Described
from mlgate.scoring.served.asking import Asked, read
from mlgate.scoring.served.tensors import Signature, Tensor, instances_of
from mlgate.scoring.served.wire import Wire

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

_SIGNATURE = "serving_default"
_TYPES = {
    "DT_FLOAT": "FP32",
    "DT_DOUBLE": "FP64",
    "DT_HALF": "FP16",
    "DT_STRING": "BYTES",
    "DT_BOOL": "BOOL",
    **{f"DT_{sign}INT{bits}": f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)},
}


class TensorFlowServing:
    """A model of TensorFlow Serving."""

    def __init__(self, wire: Wire, asked: Asked) -> None:
        """Nothing is sent yet."""
        self._wire, self._asked = wire, asked
        self._inputs: Signature | None = None
        self._output: str | None = None

    def describe(self) -> Described:
        """Read the signature."""
        said = self._wire.get(f"{self._wire.address.model}/metadata")
        if said is None:
            raise ModelFault("answer", "it has no /metadata, so that nothing says what the model takes")
        try:
            signatures = said["metadata"]["signature_def"]["signature_def"]
            signature = signatures[_SIGNATURE]
            inputs = [_tensor(name, one) for name, one in signature["inputs"].items()]
            outputs = sorted(signature["outputs"])
        except (KeyError, TypeError, AttributeError, ValueError):
            what = f"its /metadata has no signature {_SIGNATURE!r} as TensorFlow Serving writes it"
            raise ModelFault("answer", what) from None
        self._inputs = Signature.of(inputs)
        self._output = self._chosen(outputs)
        return Described(
            features=self._inputs.features,
            width=self._inputs.width,
            types=self._inputs.types,
            classes=self._asked.classes or None,
            outputs=self._asked.sort,
            library="TensorFlow Serving",
        )

    def ask(self, rows: pa.Table) -> NDArray[np.float64]:
        """Ask for predictions."""
        if self._inputs is None:
            self.describe()
        question = {"signature_name": _SIGNATURE, "instances": instances_of(rows, self._inputs)}
        said = self._wire.post(f"{self._wire.address.model}:predict", question)
        answers = said.get("predictions") if isinstance(said, dict) else None
        if isinstance(answers, list) and answers and all(isinstance(one, dict) for one in answers):
            if any(self._output not in one for one in answers):
                raise ModelFault("answer", f"it answers without its output {self._output!r}")
            answers = [one[self._output] for one in answers]
        return read(answers, rows.num_rows, self._asked, self._asked.sort)

    def _chosen(self, outputs: list[str]) -> str:
        wanted = self._asked.output
        if wanted is None and len(outputs) == 1:
            return outputs[0]
        if wanted is None or wanted not in outputs:
            what = f"it has the outputs {', '.join(outputs)[:200]}"
            raise ModelFault("answer", f"{what}; say under `output` which one is meant")
        return wanted


def _tensor(name: str, said: Any) -> Tensor:
    shape = said["tensor_shape"]
    if shape.get("unknown_rank"):
        raise ValueError(name)
    sizes = tuple(int(one["size"]) for one in shape.get("dim", ()))
    return Tensor(name=name, kind=_TYPES[said["dtype"]], shape=sizes)
