"""Everything that one release lets us look at, opened once."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlgate.cells import (
    Digests,
    Document,
    DocumentText,
    ExpectationSuite,
    Recorded,
    RecordedFinding,
    Stated,
    Statement,
    Suite,
    SuiteFound,
    TableDigests,
)
from mlgate.errors import EvidenceError
from mlgate.evidence.earlier import Found, Naming, ReadReport, champion_release, report_of, reports_of
from mlgate.evidence.expectations.named import open_suite
from mlgate.evidence.files import locations
from mlgate.evidence.files.locations import Territory
from mlgate.evidence.release import Release, load_release
from mlgate.evidence.tables import Table, open_tables
from mlgate.findings import EvidenceRecord, Origin
from mlgate.strict_yaml import Document as YamlDocument

MAX_DOCUMENT_BYTES = 5_000_000


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

    def told(
        self, statistic: Document | Stated | Recorded | Suite | Digests
    ) -> DocumentText | Statement | RecordedFinding | SuiteFound | TableDigests | None:
        """Answer what no table is needed for."""
        match statistic:
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


def read_release(path: Path) -> tuple[Release, YamlDocument]:
    """Read release.yaml strictly; ContentError with file and line when anything is off."""
    return load_release(path)


def open_evidence(
    release: Release,
    file: YamlDocument,
    tables: Collection[str],
    access: Access,
    *,
    compared: Collection[str] | None = None,
) -> Evidence:
    """Open the named tables, every declared document, and what is named of earlier releases.

    `compared` are the tables on which the champion's own ones are looked at; None: all.

    Raises EvidenceError when something named does not exist, lies outside the repository, or does not
    parse.
    """
    naming = Naming(release=release, file=file, territory=Territory.of(file, access.allow))
    champion = champion_release(naming)
    opened = open_tables(
        release,
        file,
        tables,
        workdir=access.workdir,
        allow=access.allow,
        environ=access.environ,
        hosts=access.hosts,
        champion=None if champion is None else champion[0],
        compared=compared,
    )
    documents = {
        name: _document(name, location, file, access) for name, location in release.documents.items()
    }
    records = [record for table in opened.values() for record in table.records]
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
    )


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


def _document(name: str, location: str, file: YamlDocument, access: Access) -> DocumentText:
    where = file.where(("documents", name))
    data = locations.read_bytes(location, file, where=where, allow=access.allow, limit=MAX_DOCUMENT_BYTES)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise EvidenceError(where, f"{location} is not UTF-8 text", "save it as UTF-8") from error
    return DocumentText(location=location, sha256=hashlib.sha256(data).hexdigest(), text=text)
