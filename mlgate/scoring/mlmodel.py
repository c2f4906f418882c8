"""What the MLmodel file of an MLflow directory says, read and never executed.

MLflow keeps a model as a file of its own library beside a description. Where that file is of a format that
has an adapter here, it is loaded as such, and nothing of MLflow runs; every other flavour is loaded by
MLflow as `python_function`, which executes code that the directory names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgate.errors import ContentError, EvidenceError
from mlgate.strict_yaml import parse, show

NAME = "MLmodel"
MOST_BYTES = 1_000_000

_FILES: Mapping[str, tuple[str, ...]] = {
    "sklearn": ("pickled_model",),
    "xgboost": ("data",),
    "lightgbm": ("data",),
    "catboost": ("data",),
    "onnx": ("data",),
}
"""From the flavours whose file has an adapter to the key that names it."""

_FORMATS: Mapping[str, frozenset[str]] = {
    "sklearn": frozenset({"skops", "joblib", "pickle"}),
    "xgboost": frozenset({"xgboost", "skops", "pickle"}),
    "lightgbm": frozenset({"lightgbm", "skops", "pickle"}),
    "catboost": frozenset({"catboost"}),
    "onnx": frozenset({"onnx"}),
}
"""What those files may be; a file that is something else is not what the directory says."""

_TYPES: Mapping[str, str] = {
    "boolean": "boolean",
    "integer": "integer",
    "long": "integer",
    "float": "number",
    "double": "number",
    "string": "string",
    "datetime": "time",
}
_PLAIN = re.compile(r"[\w.-]+(/[\w.-]+)*")


@dataclass(frozen=True, kw_only=True, slots=True)
class MLmodel:
    """An MLflow directory, as its description has it."""

    flavour: str
    """`sklearn`, `xgboost`, ..., or `python_function` where MLflow itself has to load it."""
    member: str | None
    """The file, below the directory, of a format that has an adapter; None: MLflow loads it."""
    features: tuple[str, ...] | None = None
    """The inputs that the signature names, in order; None where it has none, or gives them no names."""
    types: Mapping[str, str] | None = None
    """Of them: number, integer, boolean, string, time."""

    def options(self, adapter: str | None) -> dict[str, Any]:
        """Return what the child has to know; `adapter` loads the member, None: MLflow loads the directory."""
        return {
            "member": self.member,
            "native": adapter,
            "flavour": self.flavour,
            "signature": None
            if self.features is None
            else {"features": list(self.features), "types": dict(self.types or {})},
        }

    def require_format(self, name: str, shown: str) -> None:
        """Refuse a file that is of another format than its flavour has."""
        if name not in _FORMATS[self.flavour]:
            what = (
                f"its MLmodel says that {self.member} is a model of {self.flavour}, and its bytes are {name}"
            )
            raise EvidenceError(shown, what, "save the model again with MLflow")


def read(folder: Path, shown: str) -> MLmodel:
    """Return what an MLflow directory says of itself.

    Args:
        folder: A private copy.
        shown: What errors call it.

    Raises:
        EvidenceError: It is not what MLflow writes.
    """
    where = f"{shown}/{NAME}"
    with (folder / NAME).open("rb") as file:
        text = file.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES:
        raise EvidenceError(where, f"is larger than {MOST_BYTES} bytes", "save the model again with MLflow")
    try:
        said = parse(text, where).data
    except ContentError as error:
        first = error.problems[0]
        raise EvidenceError(first.where, first.what, "save the model again with MLflow") from None
    flavours = said.get("flavors") if isinstance(said, dict) else None
    if not isinstance(flavours, dict) or not all(isinstance(one, dict) for one in flavours.values()):
        raise EvidenceError(where, "names no flavours", "save the model again with MLflow")
    features, types = _signature(said.get("signature"), where)
    for flavour, keys in _FILES.items():
        if flavour in flavours and (member := _member(flavours[flavour], keys, folder, where)):
            return MLmodel(flavour=flavour, member=member, features=features, types=types)
    if "python_function" not in flavours:
        named = ", ".join(map(show, list(flavours)[:8])) or "none"
        raise EvidenceError(
            where, f"has the flavours {named}, none of which can be scored", "log it with python_function"
        )
    return MLmodel(flavour="python_function", member=None, features=features, types=types)


def _member(flavour: Mapping[str, Any], keys: tuple[str, ...], folder: Path, where: str) -> str | None:
    """Return the file of a flavour; None where code of the directory has to be there before it is loaded."""
    if flavour.get("code"):
        return None
    name = next((flavour[key] for key in keys if key in flavour), None)
    plain = isinstance(name, str) and _PLAIN.fullmatch(name) and ".." not in name.split("/")
    if not plain or not (folder / str(name)).is_file():
        raise EvidenceError(where, f"names the file {show(name)}, which is not there", "save the model again")
    return str(name)


def _signature(said: Any, where: str) -> tuple[tuple[str, ...] | None, dict[str, str] | None]:
    """Return the named inputs of a signature, and their types as far as they are plain."""
    if said is None:
        return None, None
    try:
        inputs = json.loads(said["inputs"]) if said["inputs"] is not None else []
        names = [one.get("name") for one in inputs]
        kinds = {one["name"]: str(one["type"]) for one in inputs if one.get("name") is not None}
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        what = "has a signature that is not as MLflow writes it"
        raise EvidenceError(where, what, "log the model again") from None
    if not names or any(name is None for name in names):
        return None, None
    if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise EvidenceError(where, "has a signature that names an input twice", "log the model again")
    return tuple(names), {name: _TYPES[kind] for name, kind in kinds.items() if kind in _TYPES}
