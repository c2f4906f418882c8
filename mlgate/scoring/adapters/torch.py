"""PyTorch: TorchScript (`.pt`, `.pth`) and exported programs (`.pt2`).

Both are programs, and running an untrusted one is running untrusted code (pytorch/SECURITY.md, "Untrusted
models"); the gate asks for them only where code is trusted. What `torch.save` writes needs the classes of
the model beside it and is no model by itself.
"""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import _answers
import _rows

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


def load(path: str, options: dict[str, Any]) -> Model:
    """Load a module that takes one float tensor of shape (n, features)."""
    import torch

    torch.set_num_threads(int(options.get("threads", 1)))
    if _is_exported(path):
        exported = torch.export.load(path)
        return Model(exported.module(), options, _width(exported), "torch.export.ExportedProgram")
    found = torch.jit.load(path, map_location="cpu")
    found.eval()
    return Model(found, options, None, "torch.jit.ScriptModule")


class Model:
    """A module of PyTorch. It says nothing of its features but, where it was exported, how many."""

    features = None
    types = None

    def __init__(self, module: Any, options: dict[str, Any], width: int | None, kind: str) -> None:
        """Take the module and what is known of it."""
        import torch

        self._module = module
        self._task = options.get("task", "")
        self.width = width
        self.outputs = _answers.outputs(self._task)
        self.classes = None
        if self.outputs == "probabilities":
            self.classes = _answers.classes_by_place(len(options.get("classes") or (0, 1)), options)
        self.library = f"torch {torch.__version__}"
        self.kind = kind
        floats = [one.dtype for one in module.parameters() if one.is_floating_point()]
        self._dtype = floats[0] if floats else torch.float32

    def predict(self, rows: pa.Table) -> np.ndarray:
        """Return probabilities (n, k) or values, as `outputs` says."""
        import numpy as np
        import torch

        given = _rows.matrix(_rows.ordered(rows, None, self.width))
        with torch.inference_mode():
            found = self._module(torch.from_numpy(given).to(self._dtype))
        if isinstance(found, (tuple, list)) and len(found) == 1:
            found = found[0]
        if not isinstance(found, torch.Tensor):
            raise ValueError(f"the model gives a {type(found).__name__}, not one tensor")  # noqa: TRY004 - said of a model
        return _answers.of_network(np.asarray(found.double().cpu()), self._task)

    def native(self) -> None:
        """Return None: its inside is a network."""


def _is_exported(path: str) -> bool:
    """Whether `torch.export.save` wrote a file; TorchScript has no such entry."""
    with zipfile.ZipFile(path) as archive:
        return any(name.split("/", 1)[-1] == "archive_format" for name in archive.namelist())


def _width(exported: Any) -> int | None:
    """Return how many features an exported program was exported with."""
    named = set(exported.graph_signature.user_inputs)
    inputs = [node for node in exported.graph.nodes if node.op == "placeholder" and node.name in named]
    if len(inputs) != 1:
        raise ValueError(
            f"the model takes {len(inputs)} inputs, and mlgate gives it one tensor of all features"
        )
    shape = inputs[0].meta["val"].shape
    if len(shape) != 2:  # noqa: PLR2004 - a matrix
        raise ValueError(
            f"the model takes a tensor of {len(shape)} dimensions, and mlgate gives rows of features"
        )
    if isinstance(shape[0], int):
        fixed = f"the model was exported for exactly {shape[0]} rows at a time"
        todo = "export it with `dynamic_shapes` for its first dimension"
        raise ValueError(f"{fixed}; {todo}")  # noqa: TRY004 - said of a model
    return int(shape[1])
