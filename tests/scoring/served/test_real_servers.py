"""Real servers on loopback, in environments of their own: MLServer, and the scoring server of MLflow."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from mlgate.errors import ModelFault

pytestmark = pytest.mark.heavy

TRAIN = """
import sys
from pathlib import Path
import joblib, numpy as np, pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

out = Path(sys.argv[1])
rng = np.random.default_rng(0)
X = pd.DataFrame({"age": rng.integers(18, 80, 3000), "income": rng.normal(30, 9, 3000), "job": rng.choice(["a", "b"], 3000)})
X.loc[::7, "income"] = np.nan
y = (X.age / 80 + rng.normal(0, 0.3, 3000) > 0.6).astype(int)
columns = make_column_transformer((OneHotEncoder(), ["job"]), (SimpleImputer(), ["age", "income"]))
pipeline = make_pipeline(columns, LogisticRegression(max_iter=1000)).fit(X, y)
numbers = X[["age", "income"]].fillna(0.0).to_numpy()
matrix = LogisticRegression(max_iter=1000).fit(numbers, y)
X.assign(p=pipeline.predict_proba(X)[:, 1], m=matrix.predict_proba(numbers)[:, 1]).to_csv(out / "rows.csv", index=False)
"""

COLUMNS = [
    {"name": "age", "datatype": "INT64", "shape": [-1]},
    {"name": "income", "datatype": "FP64", "shape": [-1]},
    {"name": "job", "datatype": "BYTES", "shape": [-1], "parameters": {"content_type": "str"}},
]
PROBABILITY = [{"name": "predict_proba", "datatype": "FP64", "shape": [-1, 2]}]
LABELS = [{"name": "predict", "datatype": "INT64", "shape": [-1, 1]}]
MODELS: dict[str, dict[str, Any]] = {
    "silent": {},
    "columns": {"inputs": COLUMNS, "outputs": PROBABILITY},
    "labels": {"inputs": COLUMNS, "outputs": LABELS},
    "matrix": {"inputs": [{"name": "x", "datatype": "FP64", "shape": [-1, 2]}], "outputs": PROBABILITY},
}


@pytest.fixture(scope="session")
def mlserver(
    environment: Callable, running: Callable, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, pa.Table]:
    """An MLServer with one model in several descriptions; its URL, and rows with what it says of them."""
    programs = environment("mlserver", "mlserver>=1.7,<2", "mlserver-sklearn>=1.7,<2")
    folder = tmp_path_factory.mktemp("mlserver")
    save = (
        TRAIN + "joblib.dump(pipeline, out / 'pipeline.joblib'); joblib.dump(matrix, out / 'matrix.joblib')"
    )
    subprocess.run([programs / "python", "-c", save, folder], check=True)
    for name, said in MODELS.items():
        (folder / name).mkdir()
        file = folder / ("matrix.joblib" if name == "matrix" else "pipeline.joblib")
        settings = {
            "name": name,
            "implementation": "mlserver_sklearn.SKLearnModel",
            "parameters": {"uri": str(file)},
        }
        (folder / name / "model-settings.json").write_text(json.dumps({**settings, **said}), encoding="utf-8")

    def command(port: int) -> list[str]:
        # The ports of gRPC and metrics are taken from the same range, where nobody listens either.
        settings = {"host": "127.0.0.1", "http_port": port, "grpc_port": port - 1, "metrics_port": port - 2}
        text = json.dumps({**settings, "parallel_workers": 0, "debug": False})
        (folder / "settings.json").write_text(text, encoding="utf-8")
        return [str(programs / "mlserver"), "start", "."]

    return running(command, ready="/v2/health/ready", folder=folder), pa.csv.read_csv(folder / "rows.csv")


@pytest.mark.parametrize("name", ["silent", "columns"])
def test_a_pipeline_in_mlserver_scores_as_in_its_own_process(mlserver: Any, ask: Callable, name: str) -> None:
    """Numbers, texts and missing values, whether the server says its inputs or not, in several requests."""
    url, rows = mlserver
    endpoint = ask(f"{url}/v2/models/{name}")
    assert endpoint.described.library.startswith("Open Inference Protocol, mlserver 1.")
    assert endpoint.described.features == (("age", "income", "job") if name == "columns" else None)
    found = endpoint.predict(rows.select(["age", "income", "job"]))
    np.testing.assert_allclose(found[:, 1], rows["p"], atol=1e-6)
    assert endpoint.isolation == (None, ())


def test_a_matrix_in_mlserver_scores_as_in_its_own_process(mlserver: Any, ask: Callable) -> None:
    """A model that was fitted on an array."""
    url, rows = mlserver
    numbers = pa.table({"age": rows["age"], "income": rows["income"].fill_null(0.0)})
    endpoint = ask(f"{url}/v2/models/matrix/infer")
    assert (endpoint.described.features, endpoint.described.width) == (None, 2)
    np.testing.assert_allclose(endpoint.predict(numbers)[:, 1], rows["m"], atol=1e-6)


def test_labels_of_mlserver_are_decisions(mlserver: Any, ask: Callable) -> None:
    """Where it is described as giving classes, and nothing else."""
    url, rows = mlserver
    endpoint = ask(f"{url}/v2/models/labels")
    assert endpoint.described.outputs == "decisions"
    found = endpoint.predict(rows.select(["age", "income", "job"]))[:, 0]
    np.testing.assert_array_equal(found, np.asarray(rows["p"]) >= 0.5)


def test_mlserver_says_what_is_wrong(mlserver: Any, ask: Callable) -> None:
    """A model that is not there, a column that is missing, an output that it does not know."""
    url, rows = mlserver
    given = rows.select(["age", "income", "job"])
    with pytest.raises(ModelFault, match="no such model"):
        ask(f"{url}/v2/models/none").predict(given)
    with pytest.raises(ModelFault, match="answers 500"):
        ask(f"{url}/v2/models/silent").predict(given.select(["age"]))
    with pytest.raises(ModelFault, match="answers 400"):
        ask(f"{url}/v2/models/silent", output="nothing").predict(given)


@pytest.fixture(scope="session")
def scoring_server(
    environment: Callable, running: Callable, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, str], pa.Table]:
    """`mlflow models serve` for a model of probabilities and for one of labels."""
    programs = environment("mlflow", "mlflow>=3,<4")
    folder = tmp_path_factory.mktemp("scoring")
    save = TRAIN + (
        "import mlflow\n"
        "from mlflow.models import infer_signature\n"
        "said = {'signature': infer_signature(X, y), 'pip_requirements': [], 'serialization_format': 'cloudpickle'}\n"
        "for name in ('predict_proba', 'predict'):\n"
        "    mlflow.sklearn.save_model(pipeline, out / name, pyfunc_predict_fn=name, **said)"
    )
    subprocess.run([programs / "python", "-W", "ignore", "-c", save, folder], check=True, cwd=folder)

    def serve(name: str) -> str:
        place = tmp_path_factory.mktemp(name)
        serving = [
            programs / "python",
            "-m",
            "mlflow",
            "models",
            "serve",
            "-m",
            folder / name,
            "--env-manager",
            "local",
        ]
        return str(running(lambda port: [*map(str, serving), "-p", str(port)], ready="/ping", folder=place))

    return {name: serve(name) for name in ("predict_proba", "predict")}, pa.csv.read_csv(folder / "rows.csv")


def test_mlflow_scores_as_the_model_in_its_own_process(scoring_server: Any, ask: Callable) -> None:
    """Numbers, texts and missing values, in several requests."""
    urls, rows = scoring_server
    found = ask(f"{urls['predict_proba']}/invocations").predict(rows.select(["age", "income", "job"]))
    np.testing.assert_allclose(found[:, 1], rows["p"], atol=1e-6)


def test_the_usual_model_of_mlflow_gives_classes(scoring_server: Any, ask: Callable) -> None:
    """They are not taken for probabilities, and are decisions where the release says so."""
    urls, rows = scoring_server
    given = rows.select(["age", "income", "job"])
    with pytest.raises(
        ModelFault, match="answers with classes, not with probabilities; say `outputs: decisions`"
    ):
        ask(f"{urls['predict']}/invocations").predict(given)
    found = ask(f"{urls['predict']}/invocations", outputs="decisions").predict(given)
    np.testing.assert_array_equal(found[:, 0], np.asarray(rows["p"]) >= 0.5)


def test_mlflow_says_that_a_column_is_missing(scoring_server: Any, ask: Callable) -> None:
    """Its signature is enforced there; which column it was stays in its log."""
    urls, rows = scoring_server
    with pytest.raises(ModelFault, match=r"answers 400 \(Bad Request\): "):
        ask(f"{urls['predict_proba']}/invocations").predict(rows.select(["age", "job"]))
