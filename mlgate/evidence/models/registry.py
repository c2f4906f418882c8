"""Models in an MLflow registry: an alias or a run is resolved once, to what cannot move, and fetched.

The tracking server is the operator's, named by `MLFLOW_TRACKING_URI`; what it says is still held to what a
release may do. Files are fetched one by one to names that this module has checked, never by a listing that
is read twice, and links on the way lead nowhere.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import tempfile
import warnings
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote, urlsplit

from mlgate.errors import EvidenceError, MissingExtra, ModelFault
from mlgate.evidence.files.locations import shown
from mlgate.scoring.served.address import Address
from mlgate.scoring.served.wire import Wire
from mlgate.strict_yaml import show

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.store.artifact.artifact_repo import ArtifactRepository

VARIABLE = "MLFLOW_TRACKING_URI"
"""The environment variable that names the tracking server."""

REGISTRY_VARIABLE = "MLFLOW_REGISTRY_URI"
"""The same for a registry that is another server."""

MOST_FILES = 10_000
MOST_BYTES = 20 * 2**30
"""Of one model."""

_MODEL = re.compile(r"models:/+(?P<name>[^/@]+)(/(?P<version>[0-9]{1,9})|@(?P<alias>[^/@]+))")
_LOGGED = re.compile(r"models:/+(?P<id>m-[0-9a-f]{32})")
_RUN = re.compile(r"runs:/+(?P<run>[A-Za-z0-9][\w.-]{0,99})/(?P<path>[^/].*)")
_NAME = re.compile(r"[^/\\\x00-\x1f\x7f]{1,255}")
_PORTS = {"http": 80, "https": 443}
_LOCAL = ("", "file", "sqlite")
_REMOTE = ("http", "https", "mlflow-artifacts", "s3", "gs", "wasbs", "abfss", "hdfs")
_MOST_STEPS = 5
_MOST_DEEP = 20

_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
    "MLFLOW_ALLOW_HTTP_REDIRECTS": "false",
}
"""What MLflow is told while it works: to send nothing about itself, not to wait long, to go nowhere else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistryFacts:
    """What registry and tracking server say of a model: their word, none of it measured."""

    location: str
    """What was resolved, without credentials: `models:/credit/3`, `runs:/8f.../model`."""
    source: str
    """Where its files are, as the registry has it, without credentials."""
    name: str | None = None
    """In the registry; None for the model of a run."""
    version: str | None = None
    run_id: str | None = None
    experiment: str | None = None
    """The number of the run's experiment."""
    commit: str | None = None
    """The commit of git at which the run trained, as it says."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Of the run, then of the logged model, then of the version, which wins."""
    params: Mapping[str, str] = field(default_factory=dict)
    """Of the run."""
    datasets: Mapping[str, str] = field(default_factory=dict)
    """From the name of each data set that the run read to its digest; a name that stands twice has its
    context behind it, `loans (training)`."""
    folder: Path
    """The directory of the model, to be read; it holds MLmodel, requirements.txt, conda.yaml."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """A model of a registry, on this machine."""

    path: Path
    """A directory that nobody else writes to; where the store itself lies on this machine, the place
    in the store, which is to be copied as any other path."""
    facts: RegistryFacts


def resolve(
    uri: str,
    workdir: Path,
    *,
    environ: Mapping[str, str],
    hosts: Collection[str] | None = None,
    where: str,
) -> Fetched:
    """Resolve `models:/NAME/VERSION`, `models:/NAME@ALIAS` or `runs:/ID/PATH`, and fetch what it names.

    Args:
        uri: As release.yaml writes it.
        workdir: A private directory that the caller removes.
        environ: Where the tracking server is looked up.
        hosts: The only hosts that may be asked, `host` or `host:port`; None: any. A store on this machine
            has none, and may always be read.
        where: The line of the release, for errors.

    Raises:
        EvidenceError: There is no such model, its server cannot be asked or may not be, or what it says is
            not safe to fetch.
        MissingExtra: mlflow-skinny is not installed.
    """
    tracking, registry = _stores(environ, hosts, where)
    with _quiet():
        try:
            from mlflow import MlflowClient
            from mlflow.exceptions import MlflowException
        except ImportError as error:
            raise MissingExtra(where, "MLflow", "mlgate[mlflow]") from error
        try:
            client = MlflowClient(tracking_uri=tracking, registry_uri=registry)
            found = _Lookup(client, where).of(uri)
            path = _fetch(found, workdir, tracking, hosts, where)
            return Fetched(path=path, facts=_facts(found, path))
        except MlflowException as error:
            raise _refused(uri, where, error, (tracking, registry)) from None
        except EvidenceError:
            raise
        except Exception as error:  # noqa: BLE001 - MLflow's client falls over what no MLflow server answers
            what = f"the registry cannot be read ({type(error).__name__})"
            raise EvidenceError(where, what, f"see whether {VARIABLE} names an MLflow server") from None


# Where it is ------------------------------------------------------------------------------------------------


def _stores(environ: Mapping[str, str], hosts: Collection[str] | None, where: str) -> tuple[str, str]:
    """Return the tracking server and the registry, both of which may be asked and answer."""
    tracking = environ.get(VARIABLE, "")
    if not tracking:
        what = f"the environment variable {VARIABLE} is not set"
        raise EvidenceError(where, what, "set it to the URL of the MLflow server")
    registry = environ.get(REGISTRY_VARIABLE) or tracking
    for variable, url in {VARIABLE: tracking, REGISTRY_VARIABLE: registry}.items():
        parts = _split(url, variable, where)
        if parts.scheme in _LOCAL:
            continue
        if parts.scheme not in _PORTS:
            what = f"the environment variable {variable} names no store that is known ({parts.scheme}:)"
            raise EvidenceError(where, what, "name a server, https://HOST, or file:///DIRECTORY")
        _require_allowed(parts, f"the environment variable {variable}", hosts, where)
        _require_alive(parts, variable, where)
    return tracking, registry


def _split(url: str, called: str, where: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - a port that is none raises
    except ValueError:
        # The value is not shown: it may hold a password.
        raise EvidenceError(where, f"{called} holds no URL", "write https://HOST") from None
    return parts


def _require_allowed(parts: SplitResult, called: str, hosts: Collection[str] | None, where: str) -> None:
    if hosts is None:
        return
    host = (parts.hostname or "").lower()
    port = parts.port or _PORTS.get(parts.scheme, 0)
    if not {host, f"{host}:{port}"} & {one.lower() for one in hosts}:
        listed = ", ".join(map(show, hosts)) or "none"
        what = f"{called} leads to {host or parts.scheme}, which the policy does not allow"
        raise EvidenceError(where, f"{what} (trust.hosts: {listed})", "name the host there")


def _require_alive(parts: SplitResult, variable: str, where: str) -> None:
    """Ask the server whether it is there: MLflow itself would wait for minutes."""
    address = Address(
        written="",
        scheme="https" if parts.scheme == "https" else "http",
        host=parts.hostname or "",
        port=parts.port or _PORTS[parts.scheme],
        model=parts.path.rstrip("/"),
        protocol="json",
        named=True,
    )
    wire = Wire(address=address, seconds=10.0)
    try:
        wire.get(f"{address.model}/version")
    except ModelFault as fault:
        if fault.kind in ("died", "hung"):
            what = f"the server of {variable} does not answer: {fault}"
            raise EvidenceError(where, what, "start it, or correct the variable") from None
    finally:
        wire.close()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep MLflow quiet and quick while it works, and leave everything as it was."""
    before = {name: os.environ.get(name) for name in _QUIET}
    os.environ.update(_QUIET)
    logger = logging.getLogger("mlflow")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


# What it is -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class _Model:
    """A model that has been looked up."""

    location: str
    artifacts: str
    """The URI of its directory."""
    version: ModelVersion | None = None
    run: Run | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    """Of the logged model."""


@dataclass(frozen=True, slots=True)
class _Lookup:
    """Questions to the tracking server."""

    client: MlflowClient
    where: str

    def of(self, uri: str) -> _Model:
        """Look a URI up."""
        if found := _RUN.fullmatch(uri):
            return self._of_run(found["run"], unquote(found["path"]))
        if found := _LOGGED.fullmatch(uri):
            return self._logged(found["id"], uri)
        found = _MODEL.fullmatch(uri)
        if found is None:
            todo = "write models:/NAME/VERSION, models:/NAME@ALIAS or runs:/ID/PATH"
            raise EvidenceError(self.where, f"{show(uri)} names no one version of a model", todo)
        name = unquote(found["name"])
        if found["alias"] is not None:
            version = self.client.get_model_version_by_alias(name, unquote(found["alias"]))
        else:
            version = self.client.get_model_version(name, found["version"])
        return self._of_version(version)

    def _of_version(self, version: ModelVersion) -> _Model:
        if version.status != "READY":
            what = f"version {version.version} of {version.name} is not ready ({version.status})"
            raise EvidenceError(self.where, what, "wait until it is, or register it anew")
        location = f"models:/{version.name}/{version.version}"
        source = self.client.get_model_version_download_uri(version.name, version.version)
        found = self._of_source(source, location)
        run = found.run or self._run(version.run_id)
        return _Model(location=location, artifacts=found.artifacts, version=version, run=run, tags=found.tags)

    def _of_source(self, source: str, location: str) -> _Model:
        """Follow where the registry says that the files are."""
        if found := _LOGGED.fullmatch(source):
            return self._logged(found["id"], location)
        if found := _RUN.fullmatch(source):
            return self._of_run(found["run"], unquote(found["path"]))
        return _Model(location=location, artifacts=source)

    def _logged(self, model: str, location: str) -> _Model:
        logged = self.client.get_logged_model(model)
        run = self._run(logged.source_run_id)
        return _Model(location=location, artifacts=logged.artifact_location, run=run, tags=logged.tags or {})

    def _of_run(self, number: str, path: str) -> _Model:
        """Return a model that a run logged, under its name or as a directory of its artifacts."""
        parts = path.rstrip("/").split("/")
        _require_safe(parts, self.where)
        run = self.client.get_run(number)
        location = f"runs:/{run.info.run_id}/{'/'.join(parts)}"
        outputs = getattr(run, "outputs", None)
        for one in outputs.model_outputs if outputs else ():
            logged = self.client.get_logged_model(one.model_id)
            if logged.name == "/".join(parts):
                return _Model(
                    location=location, artifacts=logged.artifact_location, run=run, tags=logged.tags or {}
                )
        artifacts = f"{run.info.artifact_uri.rstrip('/')}/{'/'.join(parts)}"
        return _Model(location=location, artifacts=artifacts, run=run)

    def _run(self, number: str | None) -> Run | None:
        """Return a run; None where there is none, or it has been deleted since."""
        from mlflow.exceptions import MlflowException

        if not number:
            return None
        try:
            return self.client.get_run(number)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise


def _facts(found: _Model, folder: Path) -> RegistryFacts:
    version, run = found.version, found.run
    tags = {
        **(dict(run.data.tags) if run else {}),
        **dict(found.tags),
        **(dict(version.tags or {}) if version else {}),
    }
    return RegistryFacts(
        location=shown(found.location),
        source=shown(found.artifacts),
        name=version.name if version else None,
        version=str(version.version) if version else None,
        run_id=run.info.run_id if run else (version.run_id or None if version else None),
        experiment=run.info.experiment_id if run else None,
        commit=tags.get("mlflow.source.git.commit"),
        tags={str(key): str(value) for key, value in tags.items()},
        params={str(key): str(value) for key, value in run.data.params.items()} if run else {},
        datasets=_datasets(run),
        folder=folder,
    )


def _datasets(run: Run | None) -> dict[str, str]:
    """Return the digests of the data sets that a run says it read."""
    inputs = run.inputs.dataset_inputs if run and run.inputs else ()
    named = [(one.dataset.name, _context(one), one.dataset.digest) for one in inputs]
    names = [name for name, _, _ in named]
    return {
        f"{name} ({context})" if names.count(name) > 1 and context else name: digest
        for name, context, digest in named
    }


def _context(given: Any) -> str:
    return next((tag.value for tag in given.tags or () if tag.key == "mlflow.data.context"), "")


# Its files --------------------------------------------------------------------------------------------------


def _fetch(found: _Model, workdir: Path, tracking: str, hosts: Collection[str] | None, where: str) -> Path:
    """Bring the files of a model into a new directory; a store on this machine is named where it is."""
    parts = _split(found.artifacts, "the registry", where)
    local = _split(tracking, VARIABLE, where).scheme in _LOCAL
    if parts.scheme in ("", "file"):
        if not local or parts.netloc not in ("", "localhost"):
            what = (
                f"the server says that the model lies in {shown(found.artifacts)}, a path of its own machine"
            )
            raise EvidenceError(where, what, "let the server serve artifacts (--artifacts-destination)")
        return _here(unquote(parts.path), where, found.location)
    if parts.scheme not in _REMOTE:
        what = f"the registry names a place that is not known: {shown(found.artifacts)}"
        raise EvidenceError(where, what, f"use one of {', '.join(_REMOTE)}")
    if parts.scheme != "mlflow-artifacts" or parts.netloc:
        _require_allowed(parts, "the model's place in the registry", hosts, where)
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    repository = get_artifact_repository(found.artifacts, tracking_uri=tracking)
    folder = Path(tempfile.mkdtemp(dir=workdir, prefix="registry-")) / "model"
    folder.mkdir()
    files = dict(_listed(repository, where))
    if not files:
        raise EvidenceError(where, f"{found.location} holds no files", "log the model again")
    left = MOST_BYTES
    for name in files:
        target = folder.joinpath(*name.split("/"))
        target.parent.mkdir(parents=True, exist_ok=True)
        # The public `download_artifacts` would list the directory again, and go where that leads.
        repository._download_file(name, str(target))  # type: ignore[no-untyped-call]  # noqa: SLF001
        left -= target.lstat().st_size
        if left < 0:
            raise EvidenceError(where, f"{found.location} is larger than {MOST_BYTES >> 30} GiB", "shrink it")
    return folder


def _here(path: str, where: str, location: str) -> Path:
    found = Path(path)
    if not found.is_absolute() or not found.is_dir():
        raise EvidenceError(where, f"the files of {location} are not where the store says", "log it again")
    return Path(os.path.realpath(found))


def _listed(repository: ArtifactRepository, where: str) -> Iterator[tuple[str, int | None]]:
    """Yield the files below a model, with the sizes that the server says; no name of them leads astray."""
    folders: list[str | None] = [None]
    seen: set[str] = set()
    size = 0
    while folders:
        folder = folders.pop()
        for one in repository.list_artifacts(folder):
            parts = str(one.path).split("/")
            _require_safe(parts, where)
            expected = folder.split("/") if folder else []
            if parts[:-1] != expected or one.path.casefold() in seen or len(parts) > _MOST_DEEP:
                what = (
                    f"the registry lists {show(one.path)}, which is not below {show(folder or '.')}, or twice"
                )
                raise EvidenceError(where, what, "see whether this is the server that was meant")
            seen.add(one.path.casefold())
            size += one.file_size or 0
            if len(seen) > MOST_FILES or size > MOST_BYTES:
                what = f"the model has more than {MOST_FILES} files, or {MOST_BYTES >> 30} GiB"
                raise EvidenceError(where, what, "name the directory of the model itself")
            if one.is_dir:
                folders.append(one.path)
            else:
                yield one.path, one.file_size


def _require_safe(parts: list[str], where: str) -> None:
    """Refuse a path that could be another place than the one below the model: `..`, a drive, a separator."""
    if any(not _NAME.fullmatch(part) or part in (".", "..") or part[1:2] == ":" for part in parts):
        what = f"{show('/'.join(parts))} is no path below a model"
        raise EvidenceError(where, what, "name its files without `..`")


def _refused(uri: str, where: str, error: Exception, stores: tuple[str, str]) -> EvidenceError:
    """Return what MLflow says, without the passwords that URLs of the environment may hold."""
    code = getattr(error, "error_code", "") or type(error).__name__
    said = " ".join(str(error).split()).removeprefix(f"{code}: ")
    for store in stores:
        secret = urlsplit(store).password
        said = said.replace(secret, "***") if secret else said
    return EvidenceError(
        where, f"{uri} cannot be had ({code}: {shown(said)[:200]})", "see what is registered"
    )
