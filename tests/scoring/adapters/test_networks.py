"""PyTorch and Keras: files that they wrote themselves score as the networks that were saved."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mlgate.scoring.formats import format_of

pytestmark = [pytest.mark.heavy, pytest.mark.filterwarnings("ignore")]

DRAWN = np.random.default_rng(2)
NUMBERS = DRAWN.normal(size=(50, 3))
ROWS = pa.table({name: NUMBERS[:, place] for place, name in enumerate("abc")})
GIVEN = NUMBERS.astype(np.float32)


# PyTorch ----------------------------------------------------------------------------------------------------


def network(outputs: int, last: str) -> Any:
    """Return a small network with weights that were drawn once."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, outputs), getattr(torch.nn, last)(
        *([1] if last == "Softmax" else [])
    )).eval()  # fmt: skip


def expected(net: Any) -> np.ndarray:
    """Return what a network says when it is asked directly."""
    import torch

    with torch.inference_mode():
        return net(torch.from_numpy(GIVEN)).numpy().astype(float)


def scripted(net: Any, path: Path) -> Path:
    """Write TorchScript."""
    import torch

    torch.jit.script(net).save(str(path))
    return path


def exported(net: Any, path: Path, *, dynamic: bool = True) -> Path:
    """Write an exported program."""
    import torch

    shapes = ({0: torch.export.Dim("n")},) if dynamic else None
    torch.export.save(torch.export.export(net, (torch.from_numpy(GIVEN[:5]),), dynamic_shapes=shapes), path)
    return path


@pytest.mark.parametrize("name", ["m.pt", "m.pth", "m.pt2"])
def test_torch_binary(load: Callable[..., Any], tmp_path: Path, name: str) -> None:
    """One output is the probability of the second class."""
    net = network(1, "Sigmoid")
    path = (exported if name.endswith("2") else scripted)(net, tmp_path / name)

    assert format_of(path).trust == "code"
    model = load(format_of(path).adapter, path, task="binary")

    assert (model.features, model.width) == (None, 3 if name.endswith("2") else None)
    np.testing.assert_allclose(model.predict(ROWS)[:, [1]], expected(net), rtol=0, atol=1e-6)


def test_torch_multiclass_and_regression(load: Callable[..., Any], tmp_path: Path) -> None:
    """A column for each class in the order of the release, and values."""
    net = network(3, "Softmax")
    model = load("torch", exported(net, tmp_path / "m.pt2"), task="multiclass", classes=["x", "y", "z"])
    assert model.classes == ["x", "y", "z"]
    np.testing.assert_allclose(model.predict(ROWS), expected(net), rtol=0, atol=1e-6)

    net = network(1, "Identity")
    model = load("torch", scripted(net, tmp_path / "m.pt"), task="regression")
    assert (model.classes, model.outputs) == (None, "values")
    np.testing.assert_allclose(model.predict(ROWS), expected(net)[:, 0], rtol=0, atol=1e-6)


def test_torch_logits_and_fixed_rows_are_refused(load: Callable[..., Any], tmp_path: Path) -> None:
    """Nothing is squeezed, nothing is cut into batches of five."""
    with pytest.raises(ValueError, match="export it with its sigmoid or softmax"):
        load("torch", scripted(network(3, "Identity"), tmp_path / "m.pt"), task="multiclass").predict(ROWS)
    with pytest.raises(ValueError, match="exported for exactly 5 rows"):
        load("torch", exported(network(1, "Sigmoid"), tmp_path / "m.pt2", dynamic=False), task="binary")


def test_torch_weights_alone_are_no_model(tmp_path: Path) -> None:
    """What `torch.save` writes is said to be that, whatever it is called."""
    import torch

    from mlgate.errors import EvidenceError

    torch.save(network(1, "Sigmoid").state_dict(), tmp_path / "m.pt")

    with pytest.raises(EvidenceError, match=r"what torch.save wrote.*torch.export.save"):
        format_of(tmp_path / "m.pt")


# Keras ------------------------------------------------------------------------------------------------------


def keras() -> Any:
    """Return Keras on PyTorch."""
    pytest.importorskip("keras", exc_type=ImportError) if "KERAS_BACKEND" in os.environ else None
    pytest.importorskip("torch")
    os.environ.setdefault("KERAS_BACKEND", "torch")
    return pytest.importorskip("keras")


def dense(outputs: int, activation: str) -> Any:
    """Return a small network."""
    k = keras()
    k.utils.set_random_seed(0)
    return k.Sequential([k.Input((3,)), k.layers.Dense(4, "relu"), k.layers.Dense(outputs, activation)])


@pytest.mark.parametrize(("name", "trust"), [("m.keras", "none"), ("m.h5", "code")])
def test_keras_binary_and_multiclass(load: Callable[..., Any], tmp_path: Path, name: str, trust: str) -> None:
    """One output is the probability of the second class, several are that of each."""
    for outputs, activation, task in ((1, "sigmoid", "binary"), (3, "softmax", "multiclass")):
        net = dense(outputs, activation)
        net.save(tmp_path / name)
        assert format_of(tmp_path / name).trust == trust

        model = load("keras", tmp_path / name, task=task)

        assert (model.width, model.classes) == (3, list(range(max(2, outputs))))
        found = model.predict(ROWS)
        np.testing.assert_allclose(found[:, -outputs:], net.predict(GIVEN, verbose=0), rtol=0, atol=1e-6)


def test_keras_named_inputs_go_by_name(load: Callable[..., Any], tmp_path: Path) -> None:
    """An input for each feature, in whatever order the rows hold them."""
    k = keras()
    inputs = [k.Input((1,), name=name) for name in "abc"]
    net = k.Model(inputs, k.layers.Dense(1)(k.layers.Concatenate()(inputs)))
    net.save(tmp_path / "m.keras")

    model = load("keras", tmp_path / "m.keras", task="regression")

    assert model.features == ["a", "b", "c"]
    direct = net.predict({name: GIVEN[:, [place]] for place, name in enumerate("abc")}, verbose=0)
    np.testing.assert_allclose(model.predict(ROWS.select(["c", "a", "b"])), direct[:, 0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_keras_lambda_is_refused_unless_code_is_trusted(
    load: Callable[..., Any], tmp_path: Path, name: str
) -> None:
    """A Lambda layer is Python code in the file."""
    k = keras()
    marker = tmp_path / "written"
    code = f"lambda x: (open({str(marker)!r}, 'w').close(), x)[1]"
    net = k.Sequential([k.Input((3,)), k.layers.Lambda(eval(code)), k.layers.Dense(1, "sigmoid")])  # noqa: S307
    net.save(tmp_path / name)
    marker.unlink(missing_ok=True)

    with pytest.raises(ValueError, match="executes code of its own, such as Lambda"):
        load("keras", tmp_path / name, task="binary")
    assert not marker.exists()
    assert load("keras", tmp_path / name, task="binary", trust="code").predict(ROWS).shape == (50, 2)
