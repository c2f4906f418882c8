"""Where a release comes from: answers to what measures ask of it. Nothing is looked at before it is asked."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from mlgate.cells import (
    ArtifactFile,
    Columns,
    DataFound,
    DataVersions,
    Installed,
    Lock,
    LockFound,
    ModelFound,
    Registration,
    RegistrationFound,
    Retrained,
    RetrainedFound,
    Source,
    SourceFound,
    StatedCommit,
)
from mlgate.evidence.files import locations
from mlgate.evidence.files.locations import Found, Territory
from mlgate.evidence.models.opening import Opened
from mlgate.evidence.models.predicting import Predictor
from mlgate.evidence.models.trust import Terms
from mlgate.evidence.provenance import installed, lockfiles, repository
from mlgate.evidence.provenance.registration import registration
from mlgate.evidence.provenance.training import Retraining
from mlgate.evidence.provenance.versions import Stating
from mlgate.evidence.release import Champion, Release
from mlgate.strict_yaml import Document

if TYPE_CHECKING:
    from mlgate.evidence.models.registry import RegistryFacts

MOST_CHANGED = 20
"""Changed paths that are told."""

_CODE = (".py", ".ipynb", ".sh", ".r", ".jl", ".sql", ".toml", ".cfg", ".ini", ".lock")
"""Ends of names of files that make a model what it is, whatever the release calls them."""

Asked: TypeAlias = Source | Lock | DataVersions | Registration | Retrained
Told: TypeAlias = SourceFound | LockFound | DataFound | RegistrationFound | RetrainedFound


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """A release, and what else is known of where it comes from."""

    release: Release
    file: Document
    territory: Territory
    opened: Opened | None
    """Its model; None where there is none, or it is not looked at."""
    interpreter: Callable[[], tuple[Path | None, tuple[Path, ...]]]
    """Returns the interpreter that loads the model, None for the gate's own, and what it reads."""
    workdir: Path
    terms: Terms
    load: Callable[[Territory, str], Predictor]
    """Opens a model that was trained again as the one that is judged."""
    columns: Columns | None
    """Those of the table that is judged."""
    without: frozenset[str] = frozenset()
    """Kernel features that are not used to shut a training in."""
    tell: Callable[[str], None] = lambda _: None
    again: list[Predictor] = field(default_factory=list)
    """The models that were trained again."""

    def close(self) -> None:
        """End the processes of the models that were trained again."""
        for one in self.again:
            one.close()

    def told(self, asked: Asked) -> Told:
        """Answer; EvidenceError when a file that the release names does not exist or lies outside."""
        match asked:
            case Source():
                return self._source()
            case Lock():
                return self._lock()
            case DataVersions():
                return self._data()
            case Registration():
                artifact = None if self.opened is None else self.opened.artifact
                return registration(artifact, self._registry, self._placed)
            case Retrained():
                return self._retrained(asked)

    @property
    def _registry(self) -> RegistryFacts | None:
        return None if self.opened is None else self.opened.registry

    def _retrained(self, asked: Retrained) -> RetrainedFound:
        python, readable = self.interpreter()
        self.tell("training the model again" + ("" if asked.seed is None else f" with seed {asked.seed}"))
        training = Retraining(
            release=self.release,
            file=self.file,
            territory=self.territory,
            workdir=self.workdir,
            terms=self.terms,
            load=self._load,
            model=self._files(),
            python=python,
            readable=readable,
            without=self.without,
        )
        return training.run(asked)

    def _files(self) -> tuple[ArtifactFile, ...]:
        """Return the files that training makes; those of a function are its code, and not made."""
        if self.opened is None or self.opened.artifact.format == "python":
            return ()
        return self.opened.artifact.files

    def _load(self, made: Territory, output: str) -> tuple[ModelFound, str | None]:
        if self.columns is None:
            return ModelFound(scorer=None, reason="the evaluation table is not looked at"), None
        predictor = self.load(made, output)
        self.again.append(predictor)
        return predictor.found(self.columns), predictor.opened.artifact.sha256

    def _source(self) -> SourceFound:
        folder, name = self.territory.base, self.file.path.name if self.file.path else "release.yaml"
        found = repository.source(folder, name)
        stated = self.release.provenance.commit if self.release.provenance else None
        changes = repository.changed(folder) if found.commit else None
        return SourceFound(
            folder=folder,
            root=repository.root(folder),
            commit=found.commit,
            dirty=found.dirty,
            changed=tuple(map(locations.shown, (changes or ())[:MOST_CHANGED])),
            changes=len(changes or ()),
            tracked=repository.is_tracked(folder, name) if found.commit else None,
            remote=found.repository,
            stated=self._placed("provenance.commit", stated) if stated else None,
        )

    def _placed(self, by: str, commit: str) -> StatedCommit:
        """Hold a commit against the one that is checked out.

        The release cannot be part of the commit that it names: what makes up the release itself may change
        between the two, and nothing else.
        """
        folder = self.territory.base
        here, found = repository.head(folder), repository.resolved(folder, commit)
        if here is None or found is None or not repository.is_ancestor(folder, found, here):
            return StatedCommit(by=by, commit=commit, known=False)
        between = repository.differing(folder, found, here)
        if between is None:
            return StatedCommit(by=by, commit=commit, known=False)
        own = tuple(self._own())
        since = [path for path in between if path.lower().endswith(_CODE) or not _below(path, own)]
        return StatedCommit(by=by, commit=commit, known=True, since=tuple(map(locations.shown, since)))

    def _own(self) -> Iterator[str]:
        """Yield the paths, from the root, of what makes up the release: file, policy, model, tables."""
        release, provenance = self.release, self.release.provenance
        written = [self.file.path.name if self.file.path else "release.yaml", "policy.yaml"]
        written += release.documents.values()
        written += [one.path for one in release.data.values() if one.path is not None]
        written += [one for one in (release.statements, release.model and release.model.path) if one]
        written += [one.predictions.path for one in release.data.values() if one.predictions is not None]
        written += [one.report for one in release.anchors.values()]
        if isinstance(release.champion, Champion) and release.champion.report is not None:
            written.append(release.champion.report)
        if provenance is not None and provenance.train is not None:
            written.append(provenance.train.output)
        for one in written:
            real = Path(os.path.normpath(self.territory.base / one))
            if real.is_relative_to(self.territory.root) and real != self.territory.root:
                yield real.relative_to(self.territory.root).as_posix()

    def _lock(self) -> LockFound:
        provenance = self.release.provenance
        stated = provenance.environment if provenance else None
        found = self._lock_file(stated)
        if found is None:
            known = ", ".join(lockfiles.KNOWN)
            reason = f"there is no lock file beside release.yaml or at the root of its repository ({known})"
            return LockFound(reason=reason)
        content = locations.read_found(found, lockfiles.MAX_BYTES)
        sha256 = hashlib.sha256(content).hexdigest()
        try:
            form, pins = lockfiles.read(found.display, content)
        except ValueError as error:
            return LockFound(
                location=found.display,
                stated=stated is not None,
                sha256=sha256,
                reason=f"{found.display} {error}",
            )
        there, unknown = self._installed()
        return LockFound(
            location=found.display,
            stated=stated is not None,
            sha256=sha256,
            format=form,
            pins=pins,
            installed=there,
            unknown=unknown,
        )

    def _lock_file(self, stated: str | None) -> Found | None:
        """Return the file that is named, else the first known one beside the release, then at the root."""
        if stated is not None:
            return self.territory.find(stated, self.file.where(("provenance", "environment")))
        for folder in dict.fromkeys((self.territory.base, self.territory.root)):
            for name in lockfiles.KNOWN:
                written = os.path.relpath(folder / name, self.territory.base)
                if (folder / name).is_file():
                    return self.territory.find(written, written)
        return None

    def _installed(self) -> tuple[Mapping[str, Installed] | None, str | None]:
        python, _ = self.interpreter()
        if python is None:
            return installed.here(), None
        try:
            return installed.of(python), None
        except ValueError as error:
            return None, str(error)

    def _data(self) -> DataFound:
        stating = Stating(
            release=self.release,
            file=self.file,
            territory=self.territory,
            datasets=self._registry.datasets if self._registry else {},
            registry=self._registry.location if self._registry else None,
        )
        return DataFound(references=tuple(stating.references()))


def _below(path: str, homes: Iterable[str]) -> bool:
    return any(path == one or path.startswith(f"{one}/") for one in homes)
