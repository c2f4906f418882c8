"""Keras: `.keras` archives in safe mode, and `.h5` files, which are loaded only where code is trusted."""

from __future__ import annotations

import importlib.util
import os
import re
from typing import TYPE_CHECKING, Any

import _answers
import _rows

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_SOUND = (3, 13, 1)
"""The first Keras whose safe mode had no known way around it (CVE-2025-1550, -8747, -9905, -9906, -12058)."""

_BACKENDS = ("tensorflow", "jax", "torch")
"""In the order in which Keras itself prefers them."""


def load(path: str, options: dict[str, Any]) -> Model:
    """Load a model; where code is not trusted, a Lambda layer is refused."""
    if "KERAS_BACKEND" not in os.environ:
        here = [one for one in _BACKENDS if importlib.util.find_spec(one) is not None]
        if not here:
            raise ImportError("Keras needs one of tensorflow, jax and torch", name="torch")
        os.environ["KERAS_BACKEND"] = here[0]
    import keras

    trusted = options.get("trust") == "code"
    if not trusted and tuple(int(one) for one in re.findall(r"\d+", keras.__version__)[:3]) < _SOUND:
        raise ValueError(
            f"the safe mode of Keras {keras.__version__} can be got around; install keras>=3.13.1"
        )
    try:
        found = keras.saving.load_model(path, compile=False, safe_mode=not trusted)
    except ValueError as error:
        if not trusted and "safe_mode" in str(error):
            says = "the file holds a layer that executes code of its own, such as Lambda"
            raise ValueError(f"{says}; without it, or with `trust: code`, it can be loaded") from None
        raise
    return Model(found, options)


class Model:
    """A model of Keras with one input for all features, or one named input for each."""

    def __init__(self, model: Any, options: dict[str, Any]) -> None:
        """Take what the model says of itself."""
        import keras

        self._model = model
        self._task = options.get("task", "")
        inputs = list(model.inputs)
        shapes = [tuple(one.shape) for one in inputs]
        self.features: list[str] | None = None
        self.types: dict[str, str] | None = None
        self.width: int | None = None
        if len(inputs) == 1:
            if len(shapes[0]) != 2:  # noqa: PLR2004 - a matrix
                raise ValueError(
                    f"the model takes a tensor of {len(shapes[0])} dimensions, not rows of features"
                )
            self.width = shapes[0][1]
        elif all(shape[1:] in ((1,), ()) for shape in shapes):
            self.features = [one.name for one in inputs]
            kinds = [str(one.dtype) for one in inputs]
            self.types = {
                name: "string" if kind == "string" else "number"
                for name, kind in zip(self.features, kinds)  # noqa: B905 - Python 3.9
            }
            self._flat = [len(shape) == 1 for shape in shapes]
        else:
            raise ValueError(
                "the model takes several inputs of several columns; give each feature its own input"
            )
        outputs = list(model.outputs)
        if len(outputs) != 1:
            raise ValueError(f"the model gives {len(outputs)} outputs, and mlgate judges one")
        self.outputs = _answers.outputs(self._task)
        self.classes = None
        if self.outputs == "probabilities":
            self.classes = _answers.classes_by_place(max(2, int(outputs[0].shape[-1])), options)
        self.library = f"keras {keras.__version__} on {keras.backend.backend()}"
        self.kind = f"{type(model).__module__}.{type(model).__qualname__}"

    def predict(self, rows: pa.Table) -> np.ndarray:
        """Return probabilities (n, k) or values, as `outputs` says."""
        import numpy as np

        found = self._model.predict_on_batch(self._given(_rows.ordered(rows, self.features, self.width)))
        return _answers.of_network(np.asarray(found), self._task)

    def native(self) -> None:
        """Return None: its inside is a network."""

    def _given(self, rows: pa.Table) -> Any:
        import numpy as np

        if self.features is None:
            return _rows.matrix(rows).astype(np.float32)
        if "string" in (self.types or {}).values():
            raise ValueError("the model reads texts, which mlgate does not give to Keras; encode them before")
        numbers = _rows.matrix(rows).astype(np.float32)
        columns = [
            numbers[:, place] if flat else numbers[:, [place]] for place, flat in enumerate(self._flat)
        ]
        return dict(zip(self.features, columns))  # noqa: B905 - Python 3.9
