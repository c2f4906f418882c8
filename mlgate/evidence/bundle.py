"""Everything that one release lets us look at, opened once."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias, get_args

from mlgate.cells import (
    Answer,
    Artifact,
    ArtifactFound,
    DataVersions,
    Digests,
    Document,
    DocumentText,
    ExpectationSuite,
    Isolation,
    Loaded,
    Lock,
    ModelFound,
    Recorded,
    RecordedFinding,
    Registration,
    Retrained,
    Source,
    Stated,
    Statement,
    Suite,
    SuiteFound,
    TableDigests,
    Which,
)
from mlgate.errors import EvidenceError
from mlgate.evidence.earlier import (
    Found,
    Naming,
    ReadReport,
    champion_model,
    champion_release,
    report_of,
    reports_of,
)
from mlgate.evidence.expectations.named import open_suite
from mlgate.evidence.files import locations
from mlgate.evidence.files.locations import Territory
from mlgate.evidence.models.opening import Opening
from mlgate.evidence.models.predicting import Predictor
from mlgate.evidence.models.trust import Terms
from mlgate.evidence.provenance.lineage import Asked, Lineage
from mlgate.evidence.release import Release, load_release
from mlgate.evidence.tables import Predict, Table, open_tables
from mlgate.evidence.tables.champion import ChampionRelease
from mlgate.evidence.tables.duck import Engine
from mlgate.findings import EvidenceRecord, Origin
from mlgate.scoring.raw import Limits
from mlgate.strict_yaml import Document as YamlDocument
from mlgate.strict_yaml import Loc, dotted

MAX_DOCUMENT_BYTES = 5_000_000

_ISOLATIONS = get_args(Isolation)

Aside: TypeAlias = Document | Stated | Recorded | Suite | Digests | Loaded | Artifact | Asked
"""What no table is asked for."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A release with its tables and documents open; made by `open_evidence`."""

    release: Release
    file: YamlDocument
    tables: Mapping[str, Table]
    documents: Mapping[str, DocumentText] = field(default_factory=dict)
    suites: Mapping[str, ExpectationSuite] = field(default_factory=dict)
    recorded: Mapping[str, Mapping[tuple[str, str], RecordedFinding]] = field(default_factory=dict)
    """What earlier reports found: by source (`champion`, `anchors.NAME`), then by measure and parameters."""
    records: tuple[EvidenceRecord, ...] = ()
    models: Mapping[Which, Predictor] = field(default_factory=dict)
    """The model of the release and that of the champion, as far as they are named and asked for."""
    lineage: Lineage | None = None
    """Where the release comes from."""

    @property
    def folder(self) -> Path:
        """The folder of release.yaml."""
        return (self.file.path or Path()).resolve().parent

    @property
    def release_name(self) -> str:
        """The name of the release file in its folder."""
        return self.file.path.name if self.file.path else "release.yaml"

    def verify_unchanged(self) -> None:
        """Raise EvidenceError when a file that was too large to copy changed while it was judged."""
        for table in self.tables.values():
            table.verify_unchanged()

    @property
    def isolation(self) -> str | None:
        """How far the processes of the models were shut in, the weakest; None where none was started."""
        found = [one.raw.isolation for one in self.models.values() if one.raw is not None]
        told = [(level, gaps) for level, gaps in found if level is not None]
        if not told:
            return None
        level, gaps = max(told, key=lambda one: _ISOLATIONS.index(one[0]))
        return f"{level} ({'; '.join(gaps)})" if gaps else level

    def close(self) -> None:
        """End the processes of the models."""
        for one in self.models.values():
            one.close()
        if self.lineage is not None:
            self.lineage.close()

    def told(self, statistic: Aside) -> Answer:  # noqa: PLR0911  one for each
        """Answer what no table is needed for."""
        match statistic:
            case Loaded(which):
                return self._loaded(which)
            case Artifact(which):
                found = self.models.get(which)
                return ArtifactFound(reason=_unnamed(which)) if found is None else found.opened.artifact
            case Document(name):
                return self.documents.get(name)
            case Stated(path):
                return Statement(value=self.release.stated(path))
            case Recorded():
                return self.recorded.get(statistic.source, {}).get((statistic.measure, statistic.params))
            case Suite(name):
                wanted = next(iter(self.suites), None) if name is None and len(self.suites) == 1 else name
                return SuiteFound(names=tuple(self.suites), suite=self.suites.get(wanted or ""))
            case Digests(name):
                records = self.tables[name].records if name in self.tables else ()
                of = {record.name: record.sha256 for record in records}
                return TableDigests(table=of.get(name), predictions=of.get(f"{name}.predictions"))
            case Source() | Lock() | DataVersions() | Registration() | Retrained():
                return None if self.lineage is None else self.lineage.told(statistic)
        raise AssertionError(f"{statistic} is asked of a table")

    def _loaded(self, which: Which) -> ModelFound:
        found = self.models.get(which)
        if found is None:
            return ModelFound(scorer=None, reason=_unnamed(which))
        # A policy may judge another table alone.
        judged = self.tables.get("evaluation") or next(iter(self.tables.values()))
        return found.found(judged.columns)


def _unnamed(which: Which) -> str:
    if which == "release":
        return "the release names no model; name it under `model:`"
    return "the champion has no model that could be asked; name its release or its uri under `champion:`"


@dataclass(frozen=True, kw_only=True)
class Access:
    """What a run may read, and where it may write its private copies."""

    workdir: Path
    """A private, empty directory that the caller removes."""
    allow: Sequence[Path] = ()
    """Directories outside the repository that files may be read from."""
    environ: Mapping[str, str] = field(default_factory=dict)
    """Where `env:NAME` of a connection is looked up."""
    hosts: tuple[str, ...] | None = None
    """`trust.hosts` of the policy, the only hosts that a connection may reach; None: it does not say."""
    read_report: ReadReport | None = None
    """How a report is read: evidence knows the bytes, and who calls knows the format."""
    terms: Terms = field(default_factory=Terms)
    """What the policy lets a model execute."""
    seed: int = 0
    """Of the order in which rows are put before a model."""
    limits: Limits = field(default_factory=Limits)
    """How much a model may use."""
    without: frozenset[str] = frozenset()
    """Kernel features that are not used to shut it in."""
    tell: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a run looks at; None: all that there is."""

    tables: Collection[str]
    """Of the release."""
    compared: Collection[str] | None = None
    """The tables on which the champion's own ones are looked at."""
    predicted: Collection[str] | None = None
    """The tables whose predictions are looked at: a model that is named is asked for them."""
    models: bool = True
    """Whether a model is asked anything else, or its bytes are looked at."""


def read_release(path: Path) -> tuple[Release, YamlDocument]:
    """Read release.yaml strictly; ContentError with file and line when anything is off."""
    return load_release(path)


def open_evidence(release: Release, file: YamlDocument, wanted: Wanted, access: Access) -> Evidence:
    """Open the named tables and models, every declared document, and what is named of earlier releases.

    Raises EvidenceError when something named does not exist, lies outside the repository, or does not
    parse.
    """
    naming = Naming(release=release, file=file, territory=Territory.of(file, access.allow))
    champion = champion_release(naming)
    models = _models(naming, None if champion is None else champion[0], wanted, access)
    opened = open_tables(
        release,
        file,
        wanted.tables,
        workdir=access.workdir,
        allow=access.allow,
        environ=access.environ,
        hosts=access.hosts,
        champion=None if champion is None else champion[0],
        compared=wanted.compared,
        predict=_predict(models.get("release"), wanted.predicted),
        predict_champion=_predict(models.get("champion"), wanted.compared),
        predict_beside=_beside(models.get("champion"), wanted.compared) if champion is None else None,
    )
    documents = {
        name: _document(("documents", name), location, file, access)
        for name, location in release.documents.items()
    }
    if release.costs is not None and release.costs.emissions is not None:
        at = ("costs", "emissions")
        documents[dotted(at)] = _document(at, release.costs.emissions, file, access)
    records = [one.opened.record for one in models.values()]
    records += [record for table in opened.values() for record in table.records]
    records += [record for one in models.values() for record in one.records]
    records += [
        EvidenceRecord(
            name=name,
            kind="document",
            location=text.location,
            sha256=text.sha256,
            rows=None,
            columns=None,
            bytes=len(text.text.encode()),
            origin=Origin.DECLARED,
        )
        for name, text in documents.items()
    ]
    suites = {
        name: open_suite(name, source, file, access.allow) for name, source in release.expectations.items()
    }
    records += [
        EvidenceRecord(
            name=f"expectations.{name}",
            kind="document",
            location=suite.location,
            sha256=suite.sha256,
            rows=None,
            columns=None,
            bytes=suite.bytes,
            origin=Origin.DECLARED,
        )
        for name, suite in suites.items()
    ]
    recorded, reports = _earlier(naming, access, opened.get("evaluation"))
    records += [*([] if champion is None else [champion[1]]), *reports]
    return Evidence(
        release=release,
        file=file,
        tables=opened,
        documents=documents,
        recorded=recorded,
        suites=suites,
        records=tuple(records),
        models=models,
        lineage=_lineage(naming, models.get("release"), opened.get("evaluation"), access),
    )


def _lineage(naming: Naming, predictor: Predictor | None, judged: Table | None, access: Access) -> Lineage:
    """Say where the release comes from; the training command is run when it is asked for, and not before."""
    files = _files(naming.release, naming.territory)
    opening = _opening(naming.release, naming.file, naming.territory, access, files)

    def load(made: Territory, output: str) -> Predictor:
        opened = opening.made_again(made, output)
        return Predictor(opened, naming.release, seed=access.seed, workdir=access.workdir, tell=access.tell)

    return Lineage(
        release=naming.release,
        file=naming.file,
        territory=naming.territory,
        opened=None if predictor is None else predictor.opened,
        interpreter=opening.interpreter,
        workdir=access.workdir,
        terms=access.terms,
        load=load,
        columns=None if judged is None else judged.columns,
        without=access.without,
        tell=access.tell,
    )


def _models(
    naming: Naming, champion: ChampionRelease | None, wanted: Wanted, access: Access
) -> dict[Which, Predictor]:
    """Find the models that are asked for, and make them ready to be started."""
    compares = wanted.models or wanted.compared is None or wanted.compared
    own = naming.release, naming.file, naming.territory
    tables = _files(naming.release, naming.territory)
    if champion is not None:
        tables += _files(champion.release, champion.territory)  # they may hold the same labels
    found: dict[Which, Predictor] = {}

    def add(which: Which, opening: Opening, *, bare: bool = False) -> None:
        if (opened := opening.open()) is not None:
            found[which] = Predictor(
                opened, opening.release, seed=access.seed, workdir=access.workdir, tell=access.tell, bare=bare
            )

    if wanted.models or wanted.predicted is None or wanted.predicted:
        add("release", _opening(*own, access, tables))
    if not compares:
        return found
    if champion is not None:
        theirs = champion.release, champion.document, champion.territory
        add("champion", replace(_opening(*theirs, access, tables), called="champion.model"))
    elif (alone := champion_model(naming)) is not None:
        opening = _opening(alone, *own[1:], access, tables)
        add("champion", replace(opening, called="champion.model", at=("champion",)), bare=True)
    return found


def _opening(
    release: Release, document: YamlDocument, territory: Territory, access: Access, tables: Sequence[Path]
) -> Opening:
    return Opening(
        release=release,
        document=document,
        territory=territory,
        workdir=access.workdir,
        terms=access.terms,
        environ=access.environ,
        tables=tables,
        limits=access.limits,
        without=access.without,
    )


def _files(release: Release, territory: Territory) -> tuple[Path, ...]:
    """Return the real paths of the files of all tables."""
    written = [one.path for one in release.data.values()]
    written += [None if one.predictions is None else one.predictions.path for one in release.data.values()]
    found: list[Path] = []
    for one in written:
        with contextlib.suppress(EvidenceError):  # a table that is not there is told of when it is opened
            found += [] if one is None else [file.real for file in territory.find_all(one, "")]
    return tuple(found)


def _predict(predictor: Predictor | None, names: Collection[str] | None) -> Predict | None:
    """Return what puts the predictions of a model into those tables that are named; None: into all."""
    if predictor is None:
        return None

    def predict(table: Table, engine: Engine) -> Table:
        return predictor.predicted(table, engine) if names is None or table.name in names else table

    return predict


def _beside(predictor: Predictor | None, names: Collection[str] | None) -> Predict | None:
    """Return what puts what a champion without a release says beside those tables that are named."""
    if predictor is None:
        return None

    def predict(table: Table, engine: Engine) -> Table:
        return predictor.beside(table, engine) if names is None or table.name in names else table

    return predict


def _earlier(
    naming: Naming, access: Access, judged: Table | None
) -> tuple[dict[str, Found], list[EvidenceRecord]]:
    """Read every report that a release names."""
    found: dict[str, Found] = {}
    records = []
    for source, named in reports_of(naming.release).items():
        if access.read_report is None:
            raise EvidenceError(naming.file.where(named.loc), "reports are not read here", "leave it out")
        found[source], record = report_of(naming, source, named, access.read_report, judged)
        records.append(record)
    return found, records


def _document(at: Loc, location: str, file: YamlDocument, access: Access) -> DocumentText:
    where = file.where(at)
    data = locations.read_bytes(location, file, where=where, allow=access.allow, limit=MAX_DOCUMENT_BYTES)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise EvidenceError(where, f"{location} is not UTF-8 text", "save it as UTF-8") from error
    return DocumentText(location=location, sha256=hashlib.sha256(data).hexdigest(), text=text)
