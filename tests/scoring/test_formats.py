"""Which format a model file is of: bytes and name have to agree, and what is not known is said."""

from __future__ import annotations

import gzip
import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import joblib
import lightgbm
import numpy as np
import onnx
import pytest
import skops.io
import xgboost
from sklearn.linear_model import Ridge

from mlgate.errors import EvidenceError
from mlgate.scoring import child, formats
from mlgate.scoring.formats import format_of, format_of_uri

X = np.arange(40.0).reshape(20, 2)
Y = np.arange(20.0)
RIDGE = Ridge().fit(X, Y)


def zipped(*names: str) -> bytes:
    """Return a zip archive of empty entries."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return held.getvalue()


def joblib_bytes() -> bytes:
    """Return a compressed joblib file."""
    held = io.BytesIO()
    joblib.dump(RIDGE, held, compress=3)
    return held.getvalue()


def graph() -> bytes:
    """Return a small ONNX graph."""
    make = onnx.helper
    value = make.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [None, 1])
    out = make.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [None, 1])
    made = make.make_model(make.make_graph([make.make_node("Identity", ["x"], ["y"])], "g", [value], [out]))
    return bytes(made.SerializeToString())


def boosted(kind: str) -> bytes:
    """Return a Booster of XGBoost."""
    return bytes(xgboost.train({}, xgboost.DMatrix(X, Y), 1).save_raw(kind))


def light() -> bytes:
    """Return a Booster of LightGBM."""
    data = lightgbm.Dataset(X, Y, params={"verbose": -1, "min_data_in_leaf": 2})
    return str(lightgbm.train({"verbose": -1}, data, 1).model_to_string()).encode()


MADE: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "m.skops": (lambda: skops.io.dumps(RIDGE), "skops", "none"),
    "m.joblib": (joblib_bytes, "joblib", "pickle"),
    "plain.joblib": (lambda: pickle.dumps(RIDGE), "joblib", "pickle"),
    "m.pkl": (lambda: pickle.dumps(RIDGE), "pickle", "pickle"),
    "old.pickle": (lambda: pickle.dumps(RIDGE, protocol=0), "pickle", "pickle"),
    "packed.pkl": (lambda: gzip.compress(pickle.dumps(RIDGE)), "pickle", "pickle"),
    "unnamed.bin": (lambda: pickle.dumps(RIDGE), "pickle", "pickle"),
    "m.onnx": (graph, "onnx", "none"),
    "unnamed": (graph, "onnx", "none"),
    "m.json": (lambda: boosted("json"), "xgboost", "none"),
    "m.ubj": (lambda: boosted("ubj"), "xgboost", "none"),
    "x.model": (lambda: boosted("ubj"), "xgboost", "none"),
    "m.txt": (light, "lightgbm", "none"),
    "l.model": (light, "lightgbm", "none"),
    "m.cbm": (lambda: b"CBM1" + bytes(60), "catboost", "none"),
    "m.keras": (lambda: zipped("metadata.json", "config.json", "model.weights.h5"), "keras", "none"),
    "m.h5": (lambda: b"\x89HDF\r\n\x1a\n" + bytes(60), "keras-h5", "code"),
    "m.pt": (lambda: zipped("m/data.pkl", "m/constants.pkl", "m/code/__torch__.py"), "torchscript", "code"),
    "m.pt2": (lambda: zipped("m/archive_format", "m/models/model.json"), "torch.export", "code"),
}


@pytest.mark.parametrize("name", MADE)
def test_a_format_is_known_by_its_bytes(tmp_path: Path, name: str) -> None:
    """And it has an adapter that is there."""
    make, expected, trust = MADE[name]
    (tmp_path / name).write_bytes(make())

    found = format_of(tmp_path / name)

    assert (found.name, found.trust) == (expected, trust)
    assert (Path(child.__file__).parent / "adapters" / f"{found.adapter}.py").is_file()


@pytest.mark.parametrize(
    "suffix", [one for one in formats._BY_SUFFIX if one not in (".joblib", ".pkl", ".pickle")]
)
def test_a_pickle_is_one_under_no_other_name(tmp_path: Path, suffix: str) -> None:
    """Whatever the name promises, it asks for trust or is an error; in both ways that pickles are written."""
    for protocol in (0, 4):
        (tmp_path / f"m{suffix}").write_bytes(pickle.dumps(RIDGE, protocol=protocol))
        with pytest.raises(EvidenceError, match=r"pickle|no format"):
            format_of(tmp_path / f"m{suffix}")


@pytest.mark.parametrize("name", [one for one in MADE if "." in one and not one.endswith(".bin")])
def test_a_name_that_its_bytes_contradict_is_an_error(tmp_path: Path, name: str) -> None:
    """A zip is no ONNX, a Booster no skops: every format under the names of all the others."""
    make, expected, _ = MADE[name]
    for suffix, allowed in formats._BY_SUFFIX.items():
        if expected in {one.name for one in allowed} or {one.trust for one in allowed} == {"pickle"}:
            continue
        (tmp_path / f"n{suffix}").write_bytes(make())
        with pytest.raises(EvidenceError, match=rf"n\{suffix}: is "):
            format_of(tmp_path / f"n{suffix}")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("m.onnx", b"", "is empty or no file"),
        ("m.onnx", b"\x08\x07\x12\x04skl2", "is of no format of models that mlgate knows"),
        ("m.dat", b"hello", "it knows .skops"),
        ("m.dat", gzip.compress(b"hello"), "is compressed, and its name does not say what it is"),
        ("m.model", b"binf\0\0", "old binary format; load and save it once more"),
        ("m.json", b'{"oblivious_trees":[]}', "not a model of XGBoost"),
        ("m.skops", zipped("schema.json")[:40], "zip archive that cannot be read"),
        ("m.zip", zipped("a", "b"), "is of no format"),
        ("m.pt", zipped("m/data.pkl", "m/data/0"), "torch.save wrote, not a whole model; export"),
        ("m.pth", pickle.dumps({}), "is a pickle of torch.save"),
        ("m.parquet", b"PAR1....PAR1", "a parquet file; name the model"),
    ],
    ids=lambda value: (
        value if isinstance(value, str) else ""
    ),  # bytes of archives hold the time at which they were made, and workers have to agree on names
)
def test_what_is_no_model_is_said(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    """With what to do about it."""
    (tmp_path / name).write_bytes(content)

    with pytest.raises(EvidenceError, match=said):
        format_of(tmp_path / name, "the model")


def test_directories(tmp_path: Path) -> None:
    """MLflow's is known; TensorFlow's is named, and so is any other."""
    with pytest.raises(EvidenceError, match="directory without an MLmodel file"):
        format_of(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"x")
    with pytest.raises(EvidenceError, match=r"is a TensorFlow SavedModel; save it as \.keras"):
        format_of(tmp_path)
    (tmp_path / "MLmodel").write_text(
        "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n", encoding="utf-8"
    )
    assert format_of(tmp_path).name == "mlflow"


def test_a_link_to_a_pickle_is_judged_by_what_it_points_to(tmp_path: Path) -> None:
    """Its own name counts, and the bytes behind it."""
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(RIDGE))
    (tmp_path / "m.skops").symlink_to(tmp_path / "m.pkl")

    with pytest.raises(EvidenceError, match="is named as skops, and its bytes are pickle"):
        format_of(tmp_path / "m.skops")


def test_uris() -> None:
    """What lies in a registry has to be looked at."""
    python, endpoint = format_of_uri("python:scorer:score"), format_of_uri("https://host/v2/models/credit")
    assert python is not None
    assert endpoint is not None
    assert (python.name, python.trust) == ("python", "code")
    assert (endpoint.name, endpoint.adapter) == ("endpoint", None)
    assert format_of_uri("models:/credit@candidate") is None
