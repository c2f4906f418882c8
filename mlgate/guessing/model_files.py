"""Model files beside the tables, and what they say without being loaded.

Loading a model may execute what is in the file, so none is. A skops file is a zip with a description in
JSON, which is read as text: it names the columns that the model was fitted on, and those that it encodes.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SUFFIXES = (
    ".skops", ".joblib", ".pkl", ".pickle", ".onnx", ".cbm", ".ubj", ".pt", ".pth", ".keras", ".h5",
    ".safetensors", ".pmml",
)  # fmt: skip

_MOST_BYTES = 64 * 1024**2
"""Of a description; a longer one is not read."""

_MOST_ARRAY = 64 * 1024
"""Bytes of an array of classes."""

_DEEPEST = 200

_ENCODERS = frozenset({"OneHotEncoder", "OrdinalEncoder", "TargetEncoder"})

_COLUMNS_AT = 2
"""Place of the columns in (name, transformer, columns)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFile:
    """A model file, and what it says of itself."""

    path: Path
    features: tuple[str, ...] | None = None
    """The columns that it reads; None when the file does not say, or says it only to who loads it."""
    categorical: tuple[str, ...] = ()
    """Those of them that it takes for names."""
    classes: tuple[str, ...] | None = None
    """What it tells apart; None when the file does not say."""
    types: tuple[str, ...] | None = None
    """The types that a release has to accept before it is loaded; None when the file does not say."""


def described(path: Path) -> ModelFile:
    """Return what a model file says without being loaded. Never raises: what is no such file says nothing."""
    if path.suffix.lower() != ".skops":
        return ModelFile(path=path)
    try:
        with zipfile.ZipFile(path) as archive:
            entry = archive.getinfo("schema.json")
            if entry.file_size > _MOST_BYTES:
                return ModelFile(path=path)
            with archive.open(entry) as file:
                schema = json.loads(file.read(_MOST_BYTES + 1))
            classes = _classes(schema, archive)
        features = _features(schema)
        encoded = tuple(dict.fromkeys(_encoded(schema, 0)))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, NotImplementedError, RecursionError, EOFError,
            RuntimeError, zipfile.LargeZipFile, MemoryError):  # fmt: skip
        return ModelFile(path=path)
    kept = tuple(one for one in encoded if features is not None and one in features)
    return ModelFile(path=path, features=features, categorical=kept, classes=classes, types=_untrusted(path))


def _features(schema: Any) -> tuple[str, ...] | None:
    """Return the names that the outermost step was fitted on: of all that were, the longest list."""
    lists = [names for node in _nodes(schema, 0) if (names := _texts(node.get("feature_names_in_")))]
    return max(lists, key=len, default=None)


def _classes(schema: Any, archive: zipfile.ZipFile) -> tuple[str, ...] | None:
    """Return the classes, where all that speak of classes speak of the same."""
    told = [node["classes_"] for node in _nodes(schema, 0) if isinstance(node.get("classes_"), dict)]
    found = {names for one in told if (names := _texts(one) or _numbers(one, archive))}
    return found.pop() if len(found) == 1 else None


def _numbers(node: Mapping[str, Any], archive: zipfile.ZipFile) -> tuple[str, ...] | None:
    """Return the values of a small array of numbers, which skops keeps as a file of NumPy's."""
    import io

    import numpy as np

    name = node.get("file")
    if not isinstance(name, str) or archive.getinfo(name).file_size > _MOST_ARRAY:
        return None
    found = np.load(io.BytesIO(archive.read(name)), allow_pickle=False)
    return tuple(str(one) for one in found.tolist()) if found.ndim == 1 else None


def _untrusted(path: Path) -> tuple[str, ...] | None:
    """Return the types that skops asks about, as it lists them without making any of them."""
    try:
        from skops.io import get_untrusted_types

        return tuple(sorted(get_untrusted_types(file=path)))
    except Exception:  # noqa: BLE001 - a file of a stranger may be wrong in any way
        return None


def _encoded(node: Any, depth: int) -> Iterator[str]:
    """Yield the columns of transformers that encode names as numbers."""
    for one in _nodes(node, depth):
        transformers = one.get("transformers_")
        content = transformers.get("content") if isinstance(transformers, dict) else None
        for entry in content if isinstance(content, list) else ():
            parts = entry.get("content") if isinstance(entry, dict) else None
            if isinstance(parts, list) and len(parts) > _COLUMNS_AT and _encodes(parts[1]):
                yield from _texts(parts[_COLUMNS_AT]) or ()


def _encodes(node: Any) -> bool:
    return any(one.get("__class__") in _ENCODERS for one in _nodes(node, 0))


def _nodes(node: Any, depth: int) -> Iterator[dict[str, Any]]:
    """Yield every mapping of a description, the outer ones first."""
    waiting: list[tuple[Any, int]] = [(node, depth)]
    while waiting:
        one, level = waiting.pop()
        if isinstance(one, dict):
            yield one
        below: Sequence[Any] = list(one.values()) if isinstance(one, dict) else one
        if level < _DEEPEST and isinstance(one, dict | list):
            waiting.extend((inner, level + 1) for inner in below if isinstance(inner, dict | list))


def _texts(node: Any) -> tuple[str, ...] | None:
    """Return the texts of a list, as skops writes each: as JSON within JSON."""
    content = node.get("content") if isinstance(node, dict) else None
    if not isinstance(content, list) or not content:
        return None
    found = []
    for one in content:
        raw = one.get("content") if isinstance(one, dict) else None
        text = json.loads(raw) if isinstance(raw, str) and one.get("is_json") else None
        if not isinstance(text, str):
            return None
        found.append(text)
    return tuple(found)
