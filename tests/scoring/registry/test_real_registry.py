"""A real MLflow server on loopback, in an environment of its own: registered, resolved, fetched, scored."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mlgate.errors import EvidenceError
from mlgate.evidence.models import registry
from mlgate.scoring import formats
from mlgate.scoring.process import Launch, ModelProcess

pytestmark = pytest.mark.heavy

LOG = """
import json, sys, warnings
warnings.simplefilter("ignore")
import mlflow, numpy as np, pandas as pd
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression

mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("credit")
rng = np.random.default_rng(0)
X = pd.DataFrame({"b": rng.normal(size=120), "a": rng.integers(0, 9, 120).astype(float)})
y = (X.b + X.a / 9 > 0.5).astype(int)
model = LogisticRegression().fit(X, y)
said = {"signature": infer_signature(X, y), "pip_requirements": ["scikit-learn"], "serialization_format": "skops"}
with mlflow.start_run() as run:
    mlflow.log_param("seed", 7)
    mlflow.set_tag("mlflow.source.git.commit", "a" * 40)
    mlflow.log_input(mlflow.data.from_pandas(X, name="loans"), context="training")
    info = mlflow.sklearn.log_model(model, name="model", registered_model_name="credit", **said)
    mlflow.sklearn.save_model(model, "saved", **said)
    mlflow.log_artifacts("saved", "old/model")
client = mlflow.MlflowClient()
client.set_registered_model_alias("credit", "candidate", 1)
client.set_model_version_tag("credit", "1", "team", "risk")
found = {"run": run.info.run_id, "id": info.model_id, "b": list(X.b), "a": list(X.a)}
print(json.dumps({**found, "p": model.predict_proba(X)[:, 1].tolist()}))
"""


@pytest.fixture(scope="session")
def logged(
    environment: Callable, running: Callable, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Any]:
    """A tracking server, and what was logged there."""
    python = environment("mlflow", "mlflow>=3,<4") / "python"
    folder = tmp_path_factory.mktemp("tracking")
    store = [
        "--backend-store-uri",
        "sqlite:///m.db",
        "--artifacts-destination",
        "artifacts",
        "--workers",
        "1",
    ]
    server = [str(python), "-m", "mlflow", "server", "--host", "127.0.0.1", *store]
    url = running(lambda port: [*server, "--port", str(port)], ready="/health", folder=folder)
    done = subprocess.run(
        [python, "-c", LOG, url],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path_factory.mktemp("log"),
    )
    assert done.returncode == 0, done.stderr
    return url, json.loads(done.stdout.splitlines()[-1])


def resolve(uri: str, url: str, folder: Path) -> registry.Fetched:
    """Resolve a URI against the server."""
    return registry.resolve(uri, folder, environ={"MLFLOW_TRACKING_URI": url}, where="release.yaml:3")


@pytest.mark.parametrize(
    ("uri", "location"),
    [
        ("models:/credit@candidate", "models:/credit/1"),
        ("models:/credit/1", "models:/credit/1"),
        ("runs:/{run}/model", "runs:/{run}/model"),
        ("runs:/{run}/old/model", "runs:/{run}/old/model"),
        ("models:/{id}", "models:/{id}"),
    ],
)
def test_a_model_is_resolved_fetched_and_scored(logged: Any, tmp_path: Path, uri: str, location: str) -> None:
    """By alias, version, run, artifact or the number of the model; its scores are those of the logged one."""
    url, said = logged
    found = resolve(uri.format(**said), url, tmp_path)
    facts = found.facts
    assert facts.location == location.format(**said)
    assert (facts.run_id, facts.commit, facts.params) == (said["run"], "a" * 40, {"seed": "7"})
    assert list(facts.datasets) == ["loans"]
    assert (facts.tags.get("team"), facts.version) == (("risk", "1") if "credit" in uri else (None, None))
    kind = formats.format_of(found.path)
    assert (kind.name, kind.trust) == ("mlflow", "none")
    options = {"task": "binary", **kind.options}
    model = ModelProcess(
        Launch(adapter=str(kind.adapter), path=found.path, options=options, workdir=tmp_path)
    )
    try:
        scores = model.predict(pa.table({"b": said["b"], "a": said["a"]}))[:, 1]
    finally:
        model.close()
    np.testing.assert_allclose(scores, said["p"], atol=1e-6)


@pytest.mark.parametrize(
    "uri",
    [
        "models:/credit/9",
        "models:/credit@none",
        "models:/nothing/1",
        "runs:/nothing/model",
        "runs:/{run}/none",
    ],
)
def test_what_is_not_there_is_an_error_that_names_it(logged: Any, tmp_path: Path, uri: str) -> None:
    """With what the server says."""
    url, said = logged
    with pytest.raises(EvidenceError, match=r"^release.yaml:3: "):
        resolve(uri.format(**said), url, tmp_path)
