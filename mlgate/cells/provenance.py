"""What a measure can ask of where a model comes from, beside its repository, and what it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

# What is asked ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lock:
    """The lock file, and what is installed where the model is loaded. Answer: `LockFound`."""


@dataclass(frozen=True, slots=True)
class DataVersions:
    """The versions of data that release.yaml states, and those that are there. Answer: `DataFound`."""


@dataclass(frozen=True, slots=True)
class Registration:
    """What a registry or a saved MLflow model says of its origin. Answer: `RegistrationFound`."""


# What is told -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """One package of a lock file."""

    name: str
    """As PEP 503 writes it: lower case, `-` between words."""
    version: str | None
    """None where the file does not fix one."""
    loose: str | None = None
    """Why it is not fixed: `no version`, `>=1.4`, ..."""
    hashed: bool = False
    """Whether its bytes are fixed too."""
    conditional: bool = False
    """Whether it is for some platforms or extras alone, and may be absent or there in several versions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Installed:
    """One package of the interpreter that loads the model."""

    version: str
    requires: tuple[str, ...] = ()
    """Names of the packages that it needs, extras left out."""
    licence: str | None = None
    """The SPDX expression that its metadata state, `License-Expression`."""
    licence_words: tuple[str, ...] = ()
    """What else they say of it: classifiers (`License :: OSI Approved :: MIT License`), then free text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LockFound:
    """Answer to `Lock`."""

    location: str | None = None
    """None where there is no lock file."""
    stated: bool = False
    """Whether release.yaml names it; else it was found beside it."""
    sha256: str | None = None
    format: str | None = None
    """`requirements`, `uv`, `poetry`, `pdm`, `pipenv`, `pylock`, `conda`, `conda-lock`."""
    pins: tuple[Pin, ...] = ()
    """Sorted by name."""
    installed: Mapping[str, Installed] | None = None
    """By name; None where it cannot be told, with `unknown`."""
    unknown: str | None = None
    reason: str | None = None
    """Why there are no pins: no file, of no known format, ..."""


Digest: TypeAlias = Literal["sha256", "dvc", "lakefs", "mlflow"]


@dataclass(frozen=True, kw_only=True, slots=True)
class DataReference:
    """One version of data, as it is stated and as it is."""

    name: str
    """As under `provenance.data`."""
    kind: Digest
    stated: str
    found: str | None
    """None where nothing was compared, with `reason`."""
    location: str | None = None
    """The file or folder that was hashed."""
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DataFound:
    """Answer to `DataVersions`."""

    references: tuple[DataReference, ...] = ()
    """In the order of release.yaml; none where none is stated."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StatedCommit:
    """A commit that somebody names, held against the one that is checked out."""

    by: str
    """Who names it: `provenance.commit`, `models:/credit/3`."""
    commit: str
    """As it is written."""
    known: bool
    """Whether it is a commit in the history of the one that is checked out."""
    since: tuple[str, ...] = ()
    """Paths that have changed since, those left out that make up the release itself."""

    @property
    def agrees(self) -> bool:
        """Whether the code is the same."""
        return self.known and not self.since


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistrationFound:
    """Answer to `Registration`."""

    of: str | None = None
    """Who says all this: `models:/credit/3`, `MLmodel`; None where nobody does, with `reason`."""
    location: str | None = None
    """Where the artifact lies, as the registry has it."""
    run: str | None = None
    version: str | None = None
    commit: StatedCommit | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    """From the name of a file of requirements to its sha256."""
    loose: tuple[str, ...] = ()
    """Requirements of these that fix no version."""
    data: Mapping[str, str] = field(default_factory=dict)
    """From the name of a data set, or what it was used for, to its digest."""
    sha256: Mapping[str, str] = field(default_factory=dict)
    """Digests that it states of files of the model, by name."""
    params: Mapping[str, str] = field(default_factory=dict)
    """Parameters of the run."""
    unreachable: tuple[str, ...] = ()
    """What could not be asked, of `commit` and `data`: a folder without its server does not say."""
    reason: str | None = None
