"""Directories that MLflow wrote: what is told of them unloaded, and how they score."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mlgate.errors import EvidenceError, ModelFault
from mlgate.scoring import formats, mlmodel
from mlgate.scoring.process import Launch, ModelProcess

pytest.importorskip("mlflow")

SAVE = """
import json, sys, warnings
from pathlib import Path
warnings.simplefilter("ignore")
import catboost, lightgbm, mlflow, numpy as np, pandas as pd, xgboost
from mlflow.models import infer_signature
from skl2onnx import to_onnx
from sklearn.linear_model import LinearRegression, LogisticRegression

out = Path(sys.argv[1])
rng = np.random.default_rng(0)
X = pd.DataFrame({"b": rng.normal(size=120), "a": rng.integers(0, 9, 120).astype(float)})
y = (X.b + X.a / 9 > 0.5).astype(int)
said = {"signature": infer_signature(X, y), "pip_requirements": []}
logistic = LogisticRegression().fit(X, y)
xgb = xgboost.XGBClassifier(n_estimators=5, max_depth=3).fit(X, y)
lgb = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(X, y)
cat = catboost.CatBoostClassifier(n_estimators=5, verbose=0, allow_writing_files=False).fit(X, y)
array = LogisticRegression().fit(X.to_numpy(), y)
onnx = to_onnx(array, X.to_numpy()[:1].astype(np.float32), options={"zipmap": False})

class Doubled(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return logistic.predict_proba(model_input)[:, 1] ** 2

class Classes(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return logistic.predict(model_input)

mlflow.sklearn.save_model(logistic, out / "skops", serialization_format="skops", **said)
mlflow.sklearn.save_model(logistic, out / "pickle", serialization_format="cloudpickle", **said)
mlflow.xgboost.save_model(xgb, out / "xgboost", **said)
mlflow.lightgbm.save_model(lgb.booster_, out / "lightgbm", **said)
mlflow.catboost.save_model(cat, out / "catboost", **said)
mlflow.onnx.save_model(onnx, out / "onnx", **said)
mlflow.pyfunc.save_model(out / "function", python_model=Doubled(), **said)
mlflow.pyfunc.save_model(out / "classes", python_model=Classes(), **said)
linear = LinearRegression().fit(X, X.b * 2)
mlflow.sklearn.save_model(linear, out / "linear", serialization_format="skops",
    signature=infer_signature(X, X.b), pip_requirements=[])
probability = logistic.predict_proba(X)[:, 1]
np.savez(out / "expected.npz", b=X.b, a=X.a, skops=probability, pickle=probability, function=probability**2,
    xgboost=xgb.predict_proba(X)[:, 1], lightgbm=lgb.predict_proba(X)[:, 1], catboost=cat.predict_proba(X)[:, 1],
    onnx=array.predict_proba(X.to_numpy())[:, 1], linear=linear.predict(X))
"""

TRUST = {
    "skops": "none", "xgboost": "none", "lightgbm": "none", "catboost": "none", "onnx": "none", "linear": "none",
    "pickle": "pickle", "function": "code", "classes": "code",
}  # fmt: skip


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directories that MLflow wrote, and what their models say of the rows beside them."""
    for needed in ("catboost", "lightgbm", "xgboost", "skl2onnx", "onnxruntime", "skops"):
        pytest.importorskip(needed)
    folder = tmp_path_factory.mktemp("mlflow")
    environment = {"MLFLOW_DISABLE_TELEMETRY": "true", "HOME": str(folder), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", SAVE, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def copied(saved: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Copy one of the directories, to be spoilt."""

    def of(name: str) -> Path:
        return shutil.copytree(saved / name, tmp_path / name)

    return of


def rewritten(folder: Path, old: str, new: str) -> Path:
    """Change the MLmodel file."""
    file = folder / "MLmodel"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    return folder


def opened(load: Callable[..., Any], folder: Path, **options: Any) -> Any:
    """Load a directory as the gate has it loaded."""
    kind = formats.format_of(folder)
    return load(kind.adapter, folder, **{"task": "binary", **kind.options, **options})


@pytest.mark.parametrize("name", TRUST)
def test_a_directory_needs_no_more_trust_than_its_file(saved: Path, name: str) -> None:
    """A model file of a library is data; what only MLflow can load is code."""
    kind = formats.format_of(saved / name)
    assert (kind.name, kind.adapter, kind.trust) == ("mlflow", "mlflow", TRUST[name])


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[[Path], ModelProcess]]:
    """Load a directory in a process of its own: MLflow itself is not for that of the tests."""
    running: list[ModelProcess] = []

    def one(folder: Path) -> ModelProcess:
        kind = formats.format_of(folder)
        options = {"task": "binary", "positive": None, **kind.options}
        running.append(ModelProcess(Launch(adapter="mlflow", path=folder, options=options, workdir=tmp_path)))
        return running[-1]

    yield one
    for process in running:
        process.close()


@pytest.mark.parametrize("name", ["skops", "pickle", "xgboost", "lightgbm", "catboost", "onnx", "linear"])
def test_scores_are_those_of_the_model_itself(saved: Path, load: Callable[..., Any], name: str) -> None:
    """Whatever the flavour; the columns of the table stand in another order than the signature's."""
    expected = np.load(saved / "expected.npz")
    task = "regression" if name == "linear" else "binary"
    model = opened(load, saved / name, task=task)
    assert model.features == ["b", "a"]
    assert model.types is None or set(model.types.values()) == {"number"}
    found = model.predict(pa.table({"a": expected["a"], "b": expected["b"]}))
    np.testing.assert_allclose(found if task == "regression" else found[:, 1], expected[name], atol=1e-6)


def test_a_function_of_mlflow_scores_in_its_own_process(
    saved: Path, started: Callable[[Path], ModelProcess]
) -> None:
    """A custom class, as MLflow pickled it."""
    expected = np.load(saved / "expected.npz")
    model = started(saved / "function")
    found = model.predict(pa.table({"b": expected["b"], "a": expected["a"]}))
    np.testing.assert_allclose(found[:, 1], expected["function"], atol=1e-6)
    said = model.described
    assert (said.features, said.classes, said.outputs) == (("b", "a"), (0, 1), "probabilities")
    assert said.library.startswith("MLflow 3")
    assert said.library.endswith("mlflow.pyfunc.model")
    assert said.kind.endswith("Doubled")


def test_what_has_a_file_of_its_own_is_loaded_without_mlflow(saved: Path) -> None:
    """Nothing that the MLmodel file names is imported."""
    code = (
        "import json, sys; from mlgate.scoring import child, formats; from pathlib import Path\n"
        "folder = Path(child.__file__).parent / 'adapters'; sys.meta_path.append(child._Shared(str(folder)))\n"
        "kind = formats.format_of(Path(sys.argv[1]))\n"
        "child._module(str(folder), kind.adapter).load(sys.argv[1], {'task': 'binary', **kind.options})\n"
        "print(json.dumps('mlflow' in sys.modules))"
    )
    for name in ("skops",):
        done = subprocess.run(
            [sys.executable, "-c", code, str(saved / name)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) is False


def test_a_description_that_hides_a_pickle_is_told_by_its_bytes(
    saved: Path, copied: Callable[[str], Path]
) -> None:
    """A pickle behind the name of another format needs the trust of a pickle, or is an error."""
    folder = rewritten(copied("pickle"), "serialization_format: cloudpickle", "serialization_format: skops")
    assert formats.format_of(folder).trust == "pickle"
    folder = copied("xgboost")
    shutil.copy(saved / "pickle" / "model.pkl", folder / "model.ubj")
    with pytest.raises(EvidenceError, match="its bytes are pickle"):
        formats.format_of(folder)
    folder = copied("catboost")
    shutil.copy(saved / "pickle" / "model.pkl", folder / "model.cb")
    with pytest.raises(EvidenceError, match="is a model of catboost, and its bytes are pickle"):
        formats.format_of(folder)


@pytest.mark.parametrize(
    "name", ["../pickle/model.pkl", "/etc/passwd", "a/../model.ubj", "none.ubj", "", "''", "3"]
)
def test_a_file_outside_of_the_directory_is_not_the_model(copied: Callable[[str], Path], name: str) -> None:
    """However it is written."""
    with pytest.raises(EvidenceError):
        formats.format_of(rewritten(copied("xgboost"), "data: model.ubj", f"data: {name}"))


def test_code_beside_a_model_makes_it_code(copied: Callable[[str], Path]) -> None:
    """MLflow would put it on the path before it loads the model."""
    folder = rewritten(copied("skops"), "code: null", "code: code")
    assert formats.format_of(folder).trust == "code"


def test_the_loader_that_a_description_names_is_not_run_for_a_model_that_needs_no_trust(
    copied: Callable[[str], Path], load: Callable[..., Any]
) -> None:
    """The module to load with is the directory's own word."""
    folder = rewritten(copied("skops"), "loader_module: mlflow.sklearn", "loader_module: antigravity")
    assert opened(load, folder).features == ["b", "a"]
    assert "antigravity" not in sys.modules


def test_a_signature_that_the_model_contradicts_is_refused(
    copied: Callable[[str], Path], load: Callable[..., Any]
) -> None:
    """Other names, or another number of them."""
    folder = rewritten(copied("skops"), '"name": "a"', '"name": "z"')
    with pytest.raises(ValueError, match=r"the signature names the features \['b', 'z'\]"):
        opened(load, folder)


def test_a_model_that_answers_with_classes_is_not_taken_for_probabilities(
    saved: Path, started: Callable[[Path], ModelProcess]
) -> None:
    """The usual `predict` of a classifier in MLflow."""
    with pytest.raises(ModelFault, match="answers with classes, not with probabilities"):
        started(saved / "classes").predict(pa.table({"b": [0.5, 0.1], "a": [1.0, 2.0]}))


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "flavors:", "flavors: {}", "flavors: {sklearn: 3}", "flavors: {spark: {}}", "a: &x [1]\nb: *x",
        "flavors: !!python/object:os.system {}", "\x00", "x" * 1_000_001,
        "flavors: {python_function: {}}\nsignature: {inputs: 3}",
        "flavors: {python_function: {}}\nsignature: {inputs: '[{\"name\": \"a\", \"type\": \"x\"}, {\"name\": \"a\", \"type\": \"x\"}]'}",
        "flavors: {python_function: {}}\nsignature: {outputs: '[]'}",
    ],
)  # fmt: skip
def test_a_description_that_mlflow_did_not_write_is_an_error(tmp_path: Path, text: str) -> None:
    """Never a guess, and never anything executed."""
    (tmp_path / "MLmodel").write_text(text, encoding="utf-8")
    with pytest.raises(EvidenceError):
        formats.format_of(tmp_path)


def test_a_signature_may_name_no_inputs(tmp_path: Path) -> None:
    """That of a tensor, or none at all."""
    tensor = '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 2]}}]'
    for signature in (
        "",
        "signature: null",
        f"signature: {{inputs: '{tensor}'}}",
        "signature: {inputs: null}",
    ):
        (tmp_path / "MLmodel").write_text(
            f"flavors: {{python_function: {{}}}}\n{signature}\n", encoding="utf-8"
        )
        assert mlmodel.read(tmp_path, "m").features is None
