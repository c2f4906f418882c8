"""A directory of MLflow: its own file through the adapter of its library, else as `python_function`.

Where the gate names a `member` and the `native` adapter for it, nothing of MLflow is imported and nothing of
the directory is executed beyond what that format does. Else MLflow loads the flavour, whatever it executes.
The signature, which the gate has read, says features and types where the model itself does not.
"""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING, Any

import _answers
import _rows

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pyarrow as pa


def load(path: str, options: dict[str, Any]) -> Any:
    """Load a directory.

    Args:
        path: The directory.
        options: As everywhere; beside it `member`, `native`, `flavour` and `signature`, all of the gate.
    """
    signature = options.get("signature") or {}
    if options.get("native") is not None:
        adapter = _sibling(options["native"])
        return Native(adapter.load(os.path.join(path, options["member"]), options), signature, options)
    return Function(path, signature, options)


class Native:
    """The model of another adapter, with what the signature adds."""

    def __init__(self, model: Any, signature: dict[str, Any], options: dict[str, Any]) -> None:
        """Hold the signature against what the model says of itself."""
        self._model = model
        said = signature.get("features")
        own = list(model.features) if model.features is not None else None
        if own is not None and said is not None and set(own) != set(said):
            raise ValueError(f"the signature names the features {said}, and the model reads {own}")
        if own is None and said is not None and model.width is not None and model.width != len(said):
            raise ValueError(f"the signature names {len(said)} features, and the model reads {model.width}")
        self.features = own if own is not None else said
        self.width = model.width
        self.types = model.types or signature.get("types") or None
        self.classes, self.outputs = model.classes, model.outputs
        self.library = f"{model.library}, in the MLflow flavour {options.get('flavour')}"
        self.kind = model.kind

    def predict(self, rows: pa.Table) -> np.ndarray:
        """Score the rows in the order of the features."""
        found: np.ndarray = self._model.predict(self._ordered(rows))
        return found

    def native(self) -> tuple[Any, Callable[[pa.Table], Any]] | None:
        """Return what the model itself has for shap."""
        found = self._model.native()
        if found is None:
            return None
        inner, prepare = found
        return inner, lambda rows: prepare(self._ordered(rows))

    def groups(self, rows: pa.Table | None = None) -> list[int] | None:
        """Return what the model itself says of its columns."""
        groups = getattr(self._model, "groups", None)
        return None if groups is None else groups(None if rows is None else self._ordered(rows))

    def _ordered(self, rows: pa.Table) -> pa.Table:
        return _rows.ordered(rows, self.features, self.width)


class Function:
    """A model that MLflow loads as `python_function`."""

    width = None

    def __init__(self, path: str, signature: dict[str, Any], options: dict[str, Any]) -> None:
        """Load it; from here on it may do anything that its process may."""
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        from mlflow import __version__
        from mlflow.pyfunc import load_model

        self._model: Any = load_model(path)
        self._task = options["task"]
        self.features = signature.get("features")
        self.types = signature.get("types") or None
        self.outputs = _answers.outputs(self._task)
        self.classes = self._classes(options)
        own = self._model.loader_module == "mlflow.pyfunc.model"
        inner = self._model.unwrap_python_model() if own else self._model
        self.kind = f"{type(inner).__module__}.{type(inner).__qualname__}"
        self.library = f"MLflow {__version__}, {self._model.loader_module}"

    def predict(self, rows: pa.Table) -> np.ndarray:
        """Return probabilities, places of classes, or values; of classes only what is one of them."""
        import numpy as np

        given = _rows.frame(_rows.ordered(rows, self.features, None))
        found = self._model.predict(given)
        if hasattr(found, "to_numpy"):
            found = found.to_numpy()
        found = np.asarray(found)
        if found.ndim > 1 and found.shape[1] == 1:
            found = found[:, 0]
        if len(found) != rows.num_rows:
            raise ValueError(f"the model was given {rows.num_rows} rows and answered for {len(found)}")
        if self.outputs == "probabilities" and found.ndim == 1 and found.dtype.kind != "f":
            raise ValueError(
                "the model answers with classes, not with probabilities; log it with "
                'pyfunc_predict_fn="predict_proba"'
            )
        if found.dtype.kind not in "biuf":
            raise ValueError(f"the model answers with {found.dtype}, not with numbers")
        numbers: np.ndarray = _answers.of_network(found, self._task)
        return numbers

    def native(self) -> None:
        """Return None: what is inside is MLflow's."""

    def _classes(self, options: dict[str, Any]) -> list[Any] | None:
        if self.outputs == "values":
            return None
        named = options.get("classes") or ([0, 1] if self._task == "binary" else None)
        if named is None:
            raise ValueError("the model does not say its classes, and neither does the release")
        classes: list[Any] = _answers.classes_by_place(len(named), options)
        return classes


def _sibling(name: str) -> Any:
    """Import another adapter by its place: its name is that of a library."""
    file = os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".py")
    spec = importlib.util.spec_from_file_location("mlgate_native_" + name, file)
    if spec is None or spec.loader is None:
        raise ValueError(f"there is no adapter {name}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
