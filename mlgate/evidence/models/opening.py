"""The model of a release, opened: found, copied, trusted or not, and ready to be started.

Nothing of it is loaded here. What comes out is a `Raw` that starts a process when it is first asked, or the
reason why there is none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlgate.cells import ArtifactFound
from mlgate.errors import EvidenceError
from mlgate.evidence.coding import token
from mlgate.evidence.files.locations import Found, Territory
from mlgate.evidence.models.artifact import Taken, take_model
from mlgate.evidence.models.trust import Level, Terms, least, refusal
from mlgate.findings import EvidenceRecord, Origin
from mlgate.scoring.raw import Limits
from mlgate.strict_yaml import Document, Loc, show

if TYPE_CHECKING:
    from mlgate.evidence.models.registry import RegistryFacts
    from mlgate.evidence.release import ModelSource, Release
    from mlgate.evidence.roles import ColumnsSpec, Scalar
    from mlgate.scoring.raw import Raw

_FUNCTION = re.compile(r"python:([A-Za-z_][\w.]*):([A-Za-z_]\w*)")

THREADS = 2
"""That a model may use; more would make times depend on who else is there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A model that is named by a release."""

    artifact: ArtifactFound
    raw: Raw | None
    """None where it may not be run."""
    reason: str | None = None
    """Why it may not."""
    where: str
    """In release.yaml, for messages."""
    registry: RegistryFacts | None = None
    record: EvidenceRecord
    labels_reachable: bool = False
    """Whether its process could have read the tables."""

    @property
    def identity(self) -> tuple[str | None, str | None]:
        """What tells it from other models: its bytes, and of what one file may hold several of, its name."""
        whole = self.artifact.sha256 is not None and self.artifact.format != "python"
        return self.artifact.sha256, None if whole else self.artifact.location


@dataclass(frozen=True, kw_only=True, slots=True)
class _How:
    """How a model is loaded."""

    name: str
    """Of its format."""
    trust: Level
    adapter: str
    path: Path
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """What opening a model needs to know."""

    release: Release
    document: Document
    territory: Territory
    workdir: Path
    terms: Terms = field(default_factory=Terms)
    environ: Mapping[str, str] = field(default_factory=dict)
    tables: Sequence[Path] = ()
    """Real paths of the tables of the release: they are never part of a model."""
    limits: Limits = field(default_factory=Limits)
    without: frozenset[str] = frozenset()
    """Kernel features that are not used to shut it in."""
    called: str = "model"
    """What the report calls it."""
    at: Loc = ("model",)
    """Where the document names it."""

    def open(self) -> Opened | None:
        """Find the model of the release and make it ready; None when the release names none.

        Raises EvidenceError when it does not exist, lies outside, or is of no format that is known.
        """
        model = self.release.model
        if model is None:
            return None
        if model.path is not None:
            self._require_file(model.path)
            found = self.territory.find(model.path, self._where("path"))
            return self._from_files(
                take_model(found, self.workdir), self.territory.display(model.path), model
            )
        uri = model.uri or ""
        if uri.startswith("python:"):
            return self._function(uri, model)
        if uri.startswith(("models:", "runs:")):
            return self._registered(uri, model)
        return self._served(uri, model)

    def _require_file(self, path: str) -> None:
        """Raise for what is written as a path and is a URI."""
        if re.match(r"(models|runs):/|https?://|python:", path):
            raise EvidenceError(self._where("path"), f"{show(path)} is a URI", "write it under `uri`")

    def made_again(self, made: Territory, output: str) -> Opened:
        """Make a model ready that the training command wrote into a copy of the repository.

        It is opened as that of the release is: of a function, its module in the copy.
        """
        model, where = self.release.model, self.document.where(("provenance", "train", "output"))
        if model is None:
            raise EvidenceError(self.document.display, "names no model", "name it under `model:`")
        if model.uri is not None and model.uri.startswith("python:"):
            return self._function(model.uri, model, made)
        return self._from_files(take_model(made.find(output, where), self.workdir), output, model)

    def interpreter(self) -> tuple[Path | None, tuple[Path, ...]]:
        """Return the interpreter that the release names, None for the gate's own, and what it reads."""
        model = self.release.model
        return (None, ()) if model is None else self._interpreter(model)[:2]

    def _from_files(
        self, taken: Taken, location: str, model: ModelSource, registry: RegistryFacts | None = None
    ) -> Opened:
        from mlgate.scoring import formats

        kind = formats.format_of(taken.path, location)
        how = _How(
            name=kind.name,
            trust=kind.trust,
            adapter=kind.adapter or "",
            path=taken.path,
            options=kind.options,
        )
        return self._ready(taken, how, location, model, registry=registry)

    def _function(self, uri: str, model: ModelSource, made: Territory | None = None) -> Opened:
        """Copy the module or package of a function; nothing else of the release's folder is to be seen."""
        territory = made or self.territory
        found = _FUNCTION.fullmatch(uri)
        if found is None:
            raise EvidenceError(
                self._where("uri"), f"{show(uri)} names no function", "write python:module:function"
            )
        module, function = found[1], found[2]
        top = module.partition(".")[0]
        written = next((one for one in (top, f"{top}.py") if (territory.base / one).exists()), None)
        if written is None:
            raise EvidenceError(
                self._where("uri"),
                f"there is no module {show(top)} beside release.yaml",
                f"put {top}.py, or the package {top}/, into the folder of release.yaml",
            )
        taken = take_model(territory.find(written, self._where("uri")), self.workdir, leave_out=self.tables)
        root = taken.path.parent
        options = {"module": module, "function": function, "root": str(root)}
        how = _How(name="python", trust="code", adapter="python", path=root, options=options)
        return self._ready(taken, how, uri, model)

    def _registered(self, uri: str, model: ModelSource) -> Opened:
        from mlgate.evidence.models import registry

        fetched = registry.resolve(
            uri, self.workdir, environ=self.environ, hosts=self.terms.hosts, where=self._where("uri")
        )
        taken = take_model(Found(display=uri, real=fetched.path.resolve()), self.workdir)
        return self._from_files(taken, fetched.facts.location, model, fetched.facts)

    def _served(self, uri: str, model: ModelSource) -> Opened:
        from mlgate.scoring import served

        where = self._where("uri")
        raw = served.endpoint(
            uri,
            options=self._options(model),
            where=where,
            protocol=model.protocol,
            token=self._token(model),
            hosts=self.terms.hosts,
            limits=self.limits,
        )
        artifact = ArtifactFound(
            location=raw.address.written,
            format="endpoint",
            reason="an endpoint has no bytes that could be looked at",
        )
        record = self._record(raw.address.written, None, None)
        return Opened(artifact=artifact, raw=raw, where=where, record=record)

    def _token(self, model: ModelSource) -> str | None:
        """Return the bearer token of an endpoint, which the environment holds."""
        if model.token is None:
            return None
        name = model.token.removeprefix("env:")
        if not self.environ.get(name):
            raise EvidenceError(self._where("token"), f"the environment has no {name}", f"set {name}")
        return self.environ[name]

    def _classes(self, model: ModelSource, columns: ColumnsSpec) -> tuple[Scalar, ...]:
        """Return the classes of a model that may not say them itself, in its order."""
        if model.classes:
            return model.classes
        if self.release.task == "multiclass" and isinstance(columns.score, Mapping):
            return tuple(columns.score)
        positive = _positive(columns)
        plain = positive is None or token(positive) == token(True)
        return (0, 1) if self.release.task == "binary" and plain else ()

    def _ready(
        self,
        taken: Taken,
        how: _How,
        location: str,
        model: ModelSource,
        *,
        registry: RegistryFacts | None = None,
    ) -> Opened:
        from mlgate.scoring import isolation
        from mlgate.scoring.process import Launch, ModelProcess

        artifact = ArtifactFound(
            files=taken.files, location=location, format=how.name, trust=how.trust, sha256=taken.sha256
        )
        level, _ = isolation.possible(self.without)
        python, readable, inside = self._interpreter(model)
        reason = refusal(f"a {how.name} model", how.trust, model.trust, self.terms, level)
        if reason is None and inside:
            reason = refusal("with the interpreter of the release", "code", "code", self.terms, level)
        executes = inside or how.trust != "none"
        launch = Launch(
            adapter=how.adapter,
            path=how.path,
            options={**self._options(model), **how.options},
            python=python,
            readable=readable,
            workdir=self.workdir,
            limits=self.limits,
            without=self.without,
            least=least(self.terms) if executes else "process",
        )
        seen = level == "process" or any(launch.reads(one) for one in self.tables)
        return Opened(
            artifact=artifact,
            raw=ModelProcess(launch) if reason is None else None,
            reason=reason,
            where=self._where(),
            registry=registry,
            record=self._record(location, taken.sha256, artifact.bytes, reason),
            labels_reachable=executes and seen,
        )

    def _interpreter(self, model: ModelSource) -> tuple[Path | None, tuple[Path, ...], bool]:
        """Return the interpreter that loads the model, what it reads, and whether the release brings it.

        A virtual environment's python is a link that must not be followed: it is known by where it lies.
        """
        if model.python is None:
            return None, (), False
        python = Path(self.territory.base, model.python)
        folder = python.parent.resolve()
        homes = (self.territory.root, *self.territory.allowed)
        if not any(home == folder or home in folder.parents for home in homes):
            raise EvidenceError(
                self._where("python"),
                f"{show(model.python)} lies outside the repository of the release",
                "allow its directory with --allow-path DIR",
            )
        if not python.exists():
            raise EvidenceError(
                self._where("python"), f"{show(model.python)} does not exist", "make the environment first"
            )
        home = folder.parent
        if home in (self.territory.base, *self.territory.base.parents):
            # All below it is given to its process: the tables, and what .git holds.
            raise EvidenceError(
                self._where("python"),
                f"{show(model.python)} lies in no environment of its own",
                "make one with `python -m venv .venv`, and name .venv/bin/python",
            )
        inside = self.territory.root == folder or self.territory.root in folder.parents
        return folder / python.name, (home,), inside

    def _options(self, model: ModelSource) -> dict[str, Any]:
        columns = self.release.columns_of("evaluation")
        classes = self._classes(model, columns)
        return {
            "task": self.release.task,
            "features": list(columns.features) if columns.features is not None else None,
            "categorical": list(columns.categorical or ()),
            "classes": list(classes) or None,
            "positive": _positive(columns),
            "outputs": model.outputs,
            "output": model.output,
            "trust": model.trust,
            "trusted_types": list(model.trusted_types),
            "threads": THREADS,
        }

    def _where(self, *keys: str) -> str:
        return self.document.where((*self.at, *keys))

    def _record(
        self, location: str, sha256: str | None, size: int | None, reason: str | None = None
    ) -> EvidenceRecord:
        return EvidenceRecord(
            name=self.called,
            kind="model",
            location=location,
            sha256=sha256,
            rows=None,
            columns=None,
            bytes=size,
            origin=Origin.COMPUTED,
            note=None if reason is None else f"not run: {reason}",
        )


def _positive(columns: ColumnsSpec) -> Scalar | None:
    return columns.positive if columns.prediction_positive is None else columns.prediction_positive
