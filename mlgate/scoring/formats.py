"""Which format a model is of: by what is in it, and by its name where that says something.

Both have to agree: a zip that is called `.onnx` is an error, and so is a pickle under any name but a
pickle's. Nothing is loaded to find out. Each format here is one that a test has scored a real file of.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from mlgate.errors import EvidenceError
from mlgate.scoring import mlmodel
from mlgate.scoring.adapters import _protobuf

Trust = Literal["none", "pickle", "code"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Format:
    """A format of models."""

    name: str
    """As the report names it."""
    adapter: str | None
    """The file in `adapters` that loads it; None for an endpoint, which nothing loads."""
    trust: Trust
    """What loading it may execute: nothing, what a pickle imports, or code of its author's."""
    packages: tuple[str, ...] = ()
    """Distributions that have to be where it is loaded."""
    extra: str | None = None
    """The extra of mlgate that brings them."""
    note: str = ""
    """What to know of it, for a person."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What the adapter has to know beside what every adapter is told."""


_PICKLE_NOTE = "Loading a pickle executes what is in it."
_PROGRAM_NOTE = (
    "PyTorch models are programs; running an untrusted one is running untrusted code (pytorch/SECURITY.md)."
)

SKOPS = Format(
    name="skops",
    adapter="skops",
    trust="none",
    packages=("skops", "scikit-learn", "pandas"),
    note="Types that skops does not know are accepted one by one, under `trusted_types`.",
)
JOBLIB = Format(
    name="joblib",
    adapter="pickled",
    trust="pickle",
    packages=("joblib", "pandas"),
    note=_PICKLE_NOTE,
)
PICKLE = Format(name="pickle", adapter="pickled", trust="pickle", packages=("pandas",), note=_PICKLE_NOTE)
ONNX = Format(
    name="onnx", adapter="onnx", trust="none", packages=("onnxruntime", "pandas"), extra="mlgate[onnx]"
)
XGBOOST = Format(
    name="xgboost", adapter="xgboost", trust="none", packages=("xgboost", "pandas"), extra="mlgate[xgboost]"
)
LIGHTGBM = Format(
    name="lightgbm",
    adapter="lightgbm",
    trust="none",
    packages=("lightgbm", "pandas"),
    extra="mlgate[lightgbm]",
)
CATBOOST = Format(
    name="catboost",
    adapter="catboost",
    trust="none",
    packages=("catboost", "pandas"),
    extra="mlgate[catboost]",
)
TORCHSCRIPT = Format(
    name="torchscript",
    adapter="torch",
    trust="code",
    packages=("torch",),
    extra="mlgate[torch]",
    note=_PROGRAM_NOTE,
)
TORCH_EXPORT = Format(
    name="torch.export",
    adapter="torch",
    trust="code",
    packages=("torch",),
    extra="mlgate[torch]",
    note=_PROGRAM_NOTE,
)
KERAS = Format(
    name="keras",
    adapter="keras",
    trust="none",
    packages=("keras",),
    extra="mlgate[keras]",
    note="Loaded in safe mode; layers that hold code, such as Lambda, need `trust: code`.",
)
KERAS_H5 = Format(
    name="keras-h5",
    adapter="keras",
    trust="code",
    packages=("keras", "h5py"),
    extra="mlgate[keras]",
    note="A Lambda layer in a .h5 file is executed, and its safe mode has been passed by (CVE-2025-9905).",
)
MLFLOW = Format(
    name="mlflow",
    adapter="mlflow",
    trust="code",
    packages=("mlflow-skinny",),
    extra="mlgate[mlflow]",
    note="What it needs to trust depends on the flavours in its MLmodel file.",
)
PYTHON = Format(
    name="python",
    adapter="python",
    trust="code",
    packages=("pandas",),
    note="A function of the release's own code.",
)
ENDPOINT = Format(
    name="endpoint", adapter=None, trust="none", note="It runs elsewhere and is asked over HTTP."
)

_BY_SUFFIX: dict[str, tuple[Format, ...]] = {
    ".skops": (SKOPS,),
    ".joblib": (JOBLIB,),
    ".pkl": (PICKLE,),
    ".pickle": (PICKLE,),
    ".onnx": (ONNX,),
    ".json": (XGBOOST,),
    ".ubj": (XGBOOST,),
    ".model": (XGBOOST, LIGHTGBM),
    ".txt": (LIGHTGBM,),
    ".lgb": (LIGHTGBM,),
    ".cbm": (CATBOOST,),
    ".pt": (TORCHSCRIPT, TORCH_EXPORT),
    ".pth": (TORCHSCRIPT,),
    ".pt2": (TORCH_EXPORT,),
    ".keras": (KERAS,),
    ".h5": (KERAS_H5,),
    ".hdf5": (KERAS_H5,),
}

_HEAD = 4096
_MOST_ENTRIES = 100_000
_COMPRESSED = (
    b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x5d\x00\x00", b"\x04\x22\x4d\x18", b"\x28\xb5\x2f\xfd",
    b"x\x01", b"x\x5e", b"x\x9c", b"x\xda", b"ZF",
)  # fmt: skip
"""gzip, bzip2, xz, lzma, lz4, zstandard, zlib, and joblib's own old one."""
_BY_HEAD: tuple[tuple[re.Pattern[bytes], Format], ...] = (
    (re.compile(rb"\x80[\x01-\x08]"), PICKLE),
    (re.compile(rb"CBM1"), CATBOOST),
    (re.compile(rb"tree\r?\nversion="), LIGHTGBM),
    (re.compile(rb"\x89HDF\r\n\x1a\n"), KERAS_H5),
    (re.compile(rb'\s*\{\s*"(learner|version)"\s*:'), XGBOOST),
    (re.compile(rb"\{(L\x00{7}|i)\x07(learner|version)"), XGBOOST),
)
_OTHERS: tuple[tuple[bytes, str, str], ...] = (
    (b"binf", "an XGBoost model in the old binary format", "load and save it once more, as .ubj or .json"),
    (b'{"', "JSON, but not a model of XGBoost", "save XGBoost models with save_model(), CatBoost's as .cbm"),
    (b"\x93NUMPY", "a NumPy array", "name the model itself"),
    (b"PAR1", "a parquet file", "name the model; tables go under `data`"),
    (b"\x7fELF", "a program", "name a model file"),
)
_GRAPH_FIELD = 7


def format_of(path: Path, display: str | None = None) -> Format:
    """Return the format of a model file or directory.

    Args:
        path: Where it lies.
        display: What errors call it; the path, if None.

    Raises:
        EvidenceError: It is of no known format, or its name says another one than its bytes.
    """
    shown = display or str(path)
    if path.is_dir():
        return _of_directory(path, shown)
    if not path.is_file() or not path.stat().st_size:
        raise EvidenceError(shown, "is empty or no file", "name a model file or directory")
    named = _BY_SUFFIX.get(path.suffix.lower(), ())
    found = _by_bytes(path, named, shown)
    if found is None:
        raise EvidenceError(shown, "is of no format of models that mlgate knows", f"it knows {known()}")
    if named and found not in named and not (found.trust == "pickle" and named[0].trust == "pickle"):
        what = f"is named as {' or '.join(one.name for one in named)}, and its bytes are {found.name}"
        raise EvidenceError(shown, what, "name the file after what it is, or write it again")
    if found is PICKLE and named == (JOBLIB,):
        return JOBLIB
    return found


def format_of_uri(uri: str) -> Format | None:
    """Return the format that a URI tells; None where what lies behind it has to be looked at."""
    if uri.startswith("python:"):
        return PYTHON
    return ENDPOINT if uri.startswith(("http://", "https://")) else None


def known() -> str:
    """Return the formats of files by their suffixes, for a message."""
    return ", ".join(_BY_SUFFIX) + " and directories with an MLmodel file"


def _of_directory(path: Path, shown: str) -> Format:
    if (path / "MLmodel").is_file():
        return _of_mlflow(path, shown)
    if (path / "saved_model.pb").is_file():
        what, todo = "is a TensorFlow SavedModel", "save it as .keras, or name an endpoint that serves it"
        raise EvidenceError(shown, what, todo)
    raise EvidenceError(shown, "is a directory without an MLmodel file", f"mlgate knows {known()}")


def _of_mlflow(path: Path, shown: str) -> Format:
    """Return what loading an MLflow directory needs: what its file does, where that has an adapter."""
    said = mlmodel.read(path, shown)
    if said.member is None:
        return replace(MLFLOW, options=said.options(None))
    inner = format_of(path / said.member, f"{shown}/{said.member}")
    said.require_format(inner.name, shown)
    return replace(inner, name=MLFLOW.name, adapter=MLFLOW.adapter, options=said.options(inner.adapter))


def _by_bytes(path: Path, named: tuple[Format, ...], shown: str) -> Format | None:
    """Return the format that the bytes tell; what they leave open, only the name of a pickle settles."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(b"PK\x03\x04"):
        return _of_zip(path, shown)
    by_head = next((one for pattern, one in _BY_HEAD if pattern.match(head)), None)
    if by_head is PICKLE and named and named[0] is TORCHSCRIPT:
        raise EvidenceError(shown, "is a pickle of torch.save, not a whole model", _TORCH_TODO)
    if by_head is not None:
        return by_head
    for magic, what, todo in _OTHERS:
        if head.startswith(magic):
            raise EvidenceError(shown, f"is {what}", todo)
    if named and named[0].trust == "pickle":
        return named[
            0
        ]  # compressed, or of a protocol of text; what is no pickle at all asks for more trust only
    if head.startswith(_COMPRESSED):
        todo = "name it .joblib if joblib wrote it, else unpack it"
        raise EvidenceError(shown, "is compressed, and its name does not say what it is", todo)
    return ONNX if _is_onnx(path) else None


_TORCH_TODO = "export the model with torch.export.save or torch.jit.save; weights alone cannot be scored"


def _of_zip(path: Path, shown: str) -> Format | None:
    """Return the format of a zip archive by what it holds."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError, EOFError) as error:
        raise EvidenceError(
            shown, f"is a zip archive that cannot be read ({error})", "write it again"
        ) from None
    if len(names) > _MOST_ENTRIES:
        raise EvidenceError(shown, f"is a zip archive of {len(names)} entries", "no model has so many")
    below = {name.split("/", 1)[-1] for name in names}
    if "schema.json" in names:
        return SKOPS
    if "config.json" in names and "metadata.json" in names:
        return KERAS
    if "archive_format" in below:
        return TORCH_EXPORT
    if "constants.pkl" in below and any(name.startswith("code/") for name in below):
        return TORCHSCRIPT
    if "data.pkl" in below:
        raise EvidenceError(shown, "is what torch.save wrote, not a whole model", _TORCH_TODO)
    return None


def _is_onnx(path: Path) -> bool:
    """Whether a file is a protobuf message with a graph; only the outermost fields are read."""
    import mmap

    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        whole = memoryview(mapped)
        graph = False
        try:
            for number, value in _protobuf.fields(whole):
                if not isinstance(value, int):
                    graph = graph or (number == _GRAPH_FIELD and len(value) > 0)
                    value.release()
        except ValueError:
            return False
        finally:
            whole.release()
    return graph


def extra_of(name: str) -> str | None:
    """Return the requirement that brings what a format needs, `mlgate[onnx]`; None where none does."""
    every = [one for several in _BY_SUFFIX.values() for one in several]
    return next((one.extra for one in every if one.name == name), None)
