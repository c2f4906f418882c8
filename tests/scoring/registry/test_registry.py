"""Models in a registry: what is resolved and fetched, and what a server may not make the gate do."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from mlgate.errors import EvidenceError
from mlgate.evidence.models import registry

pytest.importorskip("mlflow")

VERSION = {
    "name": "credit",
    "version": "3",
    "status": "READY",
    "run_id": "r1",
    "tags": [{"key": "team", "value": "b"}],
}
RUN = {
    "info": {"run_id": "r1", "run_uuid": "r1", "experiment_id": "7", "artifact_uri": "mlflow-artifacts:/7/r1/artifacts"},
    "data": {
        "params": [{"key": "seed", "value": "7"}],
        "tags": [{"key": "team", "value": "a"}, {"key": "mlflow.source.git.commit", "value": "c0ffee"}],
    },
    "inputs": {
        "dataset_inputs": [
            {"dataset": {"name": "loans", "digest": digest, "source_type": "x", "source": "{}"},
             "tags": [{"key": "mlflow.data.context", "value": context}]}
            for context, digest in (("training", "d1"), ("test", "d2"))
        ]
    },
}  # fmt: skip
FILES = {"": [("MLmodel", 5), ("data", None)], "data": [("model.bin", 6)]}


def tracking(
    *,
    source: str = "mlflow-artifacts:/7/r1/artifacts/model",
    version: dict[str, Any] = VERSION,
    files: dict[str, list[tuple[str, int | None]]] = FILES,
    content: bytes = b"bytes.",
) -> Callable[[str, str, Any], tuple[int, Any]]:
    """Return a tracking server that knows one version of one model."""

    def route(_: str, path: str, __: Any) -> tuple[int, Any]:
        parts = urlsplit(path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        known = {
            "/version": {"version": 3},
            "/api/2.0/mlflow/registered-models/alias": {"model_version": version},
            "/api/2.0/mlflow/registered-models/get": {"registered_model": {"name": "credit"}},
            "/api/2.0/mlflow/model-versions/get": {"model_version": version},
            "/api/2.0/mlflow/model-versions/get-download-uri": {"artifact_uri": source},
            "/api/2.0/mlflow/runs/get": {"run": RUN},
        }
        if parts.path in known:
            return 200, known[parts.path]
        artifacts = "/api/2.0/mlflow-artifacts/artifacts"
        if parts.path == artifacts:
            below = re.sub(r"^7/r1/artifacts/model/?", "", query["path"])
            listed = [
                {"path": name, "is_dir": size is None, **({} if size is None else {"file_size": size})}
                for name, size in files.get(below, [])
            ]
            return 200, {"files": listed}
        if parts.path.startswith(artifacts):
            return 200, content
        return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "there is no such thing"}

    return route


def resolve(uri: str, url: str, folder: Path, **more: Any) -> registry.Fetched:
    """Resolve a URI against a server."""
    return registry.resolve(uri, folder, environ={"MLFLOW_TRACKING_URI": url}, where="release.yaml:3", **more)


@pytest.mark.parametrize("uri", ["models:/credit@candidate", "models:/credit/3"])
def test_an_alias_is_resolved_to_the_version_that_it_names_now(
    serve: Callable, tmp_path: Path, uri: str
) -> None:
    """The report names the version, and what the registry and the run say of it."""
    found = resolve(uri, serve(tracking()).url, tmp_path)
    facts = found.facts
    assert (facts.location, facts.name, facts.version) == ("models:/credit/3", "credit", "3")
    assert (facts.run_id, facts.experiment, facts.commit) == ("r1", "7", "c0ffee")
    assert facts.source == "mlflow-artifacts:/7/r1/artifacts/model"
    assert facts.tags["team"] == "b"
    assert facts.params == {"seed": "7"}
    assert facts.datasets == {"loans (training)": "d1", "loans (test)": "d2"}
    assert found.path == facts.folder
    assert found.path.is_relative_to(tmp_path)
    names = sorted(one.relative_to(found.path).as_posix() for one in found.path.rglob("*"))
    assert names == ["MLmodel", "data", "data/model.bin"]
    assert (found.path / "data" / "model.bin").read_bytes() == b"bytes."


def test_a_directory_of_a_run_is_fetched_without_a_registered_model(serve: Callable, tmp_path: Path) -> None:
    """Its place is that of the run's artifacts."""
    found = resolve("runs:/r1/model/", serve(tracking()).url, tmp_path)
    assert (found.facts.location, found.facts.version) == ("runs:/r1/model", None)
    assert (found.path / "MLmodel").is_file()


@pytest.mark.parametrize(
    "uri",
    [
        "models:/credit",
        "models:/credit/latest",
        "models:/credit/Production",
        "models:/@a",
        "runs:/r1",
        "runs:/r1/",
    ],
)
def test_what_names_no_one_version_is_refused(serve: Callable, tmp_path: Path, uri: str) -> None:
    """A stage, or the latest of whatever there is, is not what somebody meant."""
    with pytest.raises(EvidenceError, match="names no one version of a model"):
        resolve(uri, serve(tracking()).url, tmp_path)


@pytest.mark.parametrize(
    "path", ["../other", "a/../../b", "a//b", "./a", "a\\..\\b", "%2e%2e/a", "C:/a", "a\x00b"]
)
def test_a_path_of_a_run_does_not_climb(serve: Callable, tmp_path: Path, path: str) -> None:
    """Not even when it is percent-encoded."""
    with pytest.raises(EvidenceError, match=r"^release.yaml:3: "):
        resolve(f"runs:/r1/{path}", serve(tracking()).url, tmp_path)


@pytest.mark.parametrize(
    "name",
    ["../../evil", "/var/evil", "..", "a/../../evil", "data/evil", "a\\..\\..\\evil", "C:evil", "..%2f..%2fevil", ""],
)  # fmt: skip
def test_a_name_that_leads_out_of_the_model_is_refused(serve: Callable, tmp_path: Path, name: str) -> None:
    """Whatever the server lists, nothing is written outside of the directory."""
    (tmp_path / "private").mkdir()
    server = serve(tracking(files={"": [("MLmodel", 5), (name, 3)]}))
    with pytest.raises(EvidenceError, match=r"^release.yaml:3: "):
        resolve("models:/credit/3", server.url, tmp_path / "private")
    assert not list(tmp_path.rglob("*evil*"))
    assert [one.name for one in tmp_path.iterdir()] == ["private"]


def test_names_that_are_one_on_some_file_systems_are_refused(serve: Callable, tmp_path: Path) -> None:
    """Else one would be written over the other, and the digest would depend on the machine."""
    with pytest.raises(EvidenceError, match="or twice"):
        resolve("models:/credit/3", serve(tracking(files={"": [("a", 1), ("A", 1)]})).url, tmp_path)


def test_a_directory_without_an_end_is_left(serve: Callable, tmp_path: Path) -> None:
    """One that holds itself, as deep as anybody asks."""
    deep = {"/".join(["d"] * depth): [("d", None)] for depth in range(50)}
    with pytest.raises(EvidenceError, match=r"^release.yaml:3: "):
        resolve("models:/credit/3", serve(tracking(files=deep)).url, tmp_path)


def test_a_model_that_is_too_large_is_not_fetched_whole(
    serve: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the server says its size or lies about it, and however many its files."""
    monkeypatch.setattr(registry, "MOST_BYTES", 1000)
    for files, content in (({"": [("MLmodel", 9**9)]}, b""), ({"": [("MLmodel", 5)]}, b"x" * 2000)):
        with pytest.raises(EvidenceError, match="GiB"):
            resolve("models:/credit/3", serve(tracking(files=files, content=content)).url, tmp_path)
    monkeypatch.setattr(registry, "MOST_FILES", 10)
    with pytest.raises(EvidenceError, match="more than 10 files"):
        resolve(
            "models:/credit/3", serve(tracking(files={"": [(f"f{n}", 1) for n in range(11)]})).url, tmp_path
        )


@pytest.mark.parametrize(
    "source", ["/etc", "file:///etc", "file://host/etc", "file:/etc", "dbfs:/x", "ftp://h/x", "javascript:x"]
)
def test_a_server_cannot_name_files_of_this_machine_as_the_model(
    serve: Callable, tmp_path: Path, source: str
) -> None:
    """Nor a place that nobody knows."""
    with pytest.raises(EvidenceError, match=r"of its own machine|not known"):
        resolve("models:/credit/3", serve(tracking(source=source)).url, tmp_path)


@pytest.mark.parametrize("source", ["https://other.org/m", "s3://bucket/m", "mlflow-artifacts://other.org/m"])
def test_a_server_cannot_send_the_gate_to_a_host_that_the_policy_does_not_name(
    serve: Callable, tmp_path: Path, source: str
) -> None:
    """Neither another server nor a bucket."""
    with pytest.raises(EvidenceError, match=r"which the policy does not allow \(trust.hosts: '127.0.0.1'\)"):
        resolve("models:/credit/3", serve(tracking(source=source)).url, tmp_path, hosts=["127.0.0.1"])


def test_a_redirect_to_another_server_is_not_followed(serve: Callable, tmp_path: Path) -> None:
    """It could be any host."""
    other = serve(tracking())

    def away(_: str, path: str, __: Any) -> tuple[Any, ...]:
        return 307, {}, [("Location", other.url + path)]

    with pytest.raises(EvidenceError, match="cannot be"):
        resolve("models:/credit/3", serve(away).url, tmp_path)
    assert other.asked == []


def test_only_a_server_that_the_policy_names_is_asked(serve: Callable, tmp_path: Path) -> None:
    """Before a byte is sent."""
    server = serve(tracking())
    with pytest.raises(
        EvidenceError, match=r"MLFLOW_TRACKING_URI leads to 127.0.0.1, which the policy does not allow"
    ):
        resolve("models:/credit/3", server.url, tmp_path, hosts=["mlflow.example.org"])
    assert server.asked == []
    port = urlsplit(server.url).port
    assert resolve("models:/credit/3", server.url, tmp_path, hosts=[f"127.0.0.1:{port}"]).facts.version == "3"


def test_a_version_that_is_not_ready_is_refused(serve: Callable, tmp_path: Path) -> None:
    """Its files may be on their way still."""
    server = serve(tracking(version={**VERSION, "status": "PENDING_REGISTRATION"}))
    with pytest.raises(EvidenceError, match="is not ready"):
        resolve("models:/credit/3", server.url, tmp_path)


@pytest.mark.parametrize(
    "answer", [(200, b"<html>"), (200, []), (200, {}), (200, {"model_version": 3}), (500, {"a": 1})]
)
def test_a_server_that_is_no_mlflow_is_an_error(serve: Callable, tmp_path: Path, answer: Any) -> None:
    """Not a traceback, nor minutes of trying."""
    with pytest.raises(EvidenceError, match=r"^release.yaml:3: "):
        resolve("models:/credit/3", serve(lambda *_: answer).url, tmp_path)


def test_a_server_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    """By the name of the variable."""
    with pytest.raises(
        EvidenceError, match=r"server of MLFLOW_TRACKING_URI does not answer: 127.0.0.1:9: nobody"
    ):
        resolve("models:/credit/3", "http://127.0.0.1:9", tmp_path)


@pytest.mark.parametrize(
    "url", ["", "databricks", "postgresql://u:s3cret@h/db", "http://u:s3cret@[::1", "x://s3cret"]
)
def test_a_store_that_is_not_known_is_refused_without_repeating_it(tmp_path: Path, url: str) -> None:
    """The variable may hold a password. A path without a scheme is a directory."""
    with pytest.raises(EvidenceError) as caught:
        resolve("models:/credit/3", url, tmp_path)
    assert "s3cret" not in str(caught.value)


def test_a_password_of_the_server_stays_out_of_errors_and_facts(serve: Callable, tmp_path: Path) -> None:
    """Though the server repeats it."""
    said = {"error_code": "BAD_REQUEST", "message": "s3cret is wrong, http://anna:s3cret@host/"}
    url = serve(lambda *_: (400, said)).url.replace("//", "//anna:s3cret@")
    with pytest.raises(EvidenceError) as caught:
        resolve("models:/credit/3", url, tmp_path)
    assert "s3cret" not in str(caught.value)
    url = serve(tracking()).url.replace("//", "//anna:s3cret@")
    assert "s3cret" not in repr(resolve("models:/credit/3", url, tmp_path))


def test_the_environment_is_left_as_it_was(serve: Callable, tmp_path: Path) -> None:
    """MLflow is told by it to send nothing about itself, and only while it works."""
    before = dict(os.environ)
    server = serve(tracking())
    resolve("models:/credit/3", server.url, tmp_path)
    assert dict(os.environ) == before
