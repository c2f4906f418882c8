"""What a registry says of the origin of a model, and what the folder of an MLflow model says without one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mlgate.cells import ArtifactFile, ArtifactFound, RegistrationFound, StatedCommit
from mlgate.errors import MlgateError
from mlgate.evidence.provenance import lockfiles
from mlgate.strict_yaml import parse

if TYPE_CHECKING:
    from mlgate.evidence.models.registry import RegistryFacts

COMMIT_TAGS = ("mlflow.source.git.commit", "git_commit", "git.commit")
"""Where a commit is looked for: among the tags of a run, and in the metadata of a model's folder."""

DATA_KEY = re.compile(r"(?:mlflow\.)?data(?:set)?\.(?:([\w-]+)\.)?digest")
"""Where the metadata of a model's folder may name the digest of a data set."""

REQUIREMENTS = ("requirements.txt", "conda.yaml", "python_env.yaml")
_MAX_BYTES = 1_000_000

Placed = Callable[[str, str], StatedCommit]
"""Holds a commit that somebody names against the one that is checked out."""


def registration(
    artifact: ArtifactFound | None, registry: RegistryFacts | None, placed: Placed
) -> RegistrationFound:
    """Return what is said of the origin of a model."""
    files = {one.name: one for one in artifact.files} if artifact else {}
    folder = _folder(files)
    if registry is None and folder is None:
        reason = "the model comes from no registry, and is no folder of MLflow that says where it is from"
        return RegistrationFound(reason=reason)
    said = folder or {}
    metadata = {str(key): str(one) for key, one in _mapping(said.get("metadata")).items()}
    tags = metadata | (dict(registry.tags) if registry else {})
    commit = next((tags[tag] for tag in COMMIT_TAGS if tags.get(tag)), None)
    named = {
        match[1] or "dataset": one for key, one in metadata.items() if (match := DATA_KEY.fullmatch(key))
    }
    data = {**named, **(registry.datasets if registry else {})}
    of = registry.location if registry else "MLmodel"
    environment, loose = _environment(files)
    missing = () if registry else tuple(n for n, one in (("commit", commit), ("data", data)) if not one)
    return RegistrationFound(
        of=of,
        location=(registry.source or registry.location) if registry else _text(said.get("artifact_path")),
        run=registry.run_id if registry else _text(said.get("run_id")),
        version=registry.version if registry else None,
        commit=placed(of, commit) if commit else None,
        environment=environment,
        loose=loose,
        data=data,
        params=dict(registry.params) if registry else {},
        unreachable=missing,
    )


def _folder(files: Mapping[str, ArtifactFile]) -> dict[str, Any] | None:
    """Return what MLmodel says; None where there is none that can be read."""
    content = _read(files.get("MLmodel"))
    if content is None:
        return None
    try:
        data = parse(content, "MLmodel").data
    except MlgateError:
        return None
    return data if isinstance(data, dict) else None


def _environment(files: Mapping[str, ArtifactFile]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the files of requirements with their digests, and the requirements that fix no version."""
    found = {name: content for name in REQUIREMENTS if (content := _read(files.get(name))) is not None}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in found.items()}
    if "requirements.txt" not in found:
        return digests, ()
    try:
        _, pins = lockfiles.read("requirements.txt", found["requirements.txt"])
    except ValueError:
        return digests, ()
    return digests, tuple(f"{one.name} {one.loose}" for one in pins if one.loose)


def _read(file: ArtifactFile | None) -> bytes | None:
    if file is None or file.bytes > _MAX_BYTES:
        return None
    return file.path.read_bytes()


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    return str(value) if value else None
