"""Everything that one release lets us look at, opened once."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlgate.cells import Document, DocumentText, Stated, Statement
from mlgate.errors import EvidenceError
from mlgate.evidence.files import locations
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

    def told(self, statistic: Document | Stated) -> DocumentText | Statement | None:
        """Answer what no table is needed for."""
        match statistic:
            case Document(name):
                return self.documents.get(name)
            case Stated(path):
                return Statement(value=self.release.stated(path))


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


def read_release(path: Path) -> tuple[Release, YamlDocument]:
    """Read release.yaml strictly; ContentError with file and line when anything is off."""
    return load_release(path)


def open_evidence(release: Release, file: YamlDocument, tables: Collection[str], access: Access) -> Evidence:
    """Open the named tables and every declared document.

    Raises EvidenceError when something named does not exist, lies outside the repository, or does not
    parse.
    """
    opened = open_tables(
        release,
        file,
        tables,
        workdir=access.workdir,
        allow=access.allow,
        environ=access.environ,
        hosts=access.hosts,
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
    return Evidence(release=release, file=file, tables=opened, documents=documents, records=tuple(records))


def _document(name: str, location: str, file: YamlDocument, access: Access) -> DocumentText:
    where = file.where(("documents", name))
    data = locations.read_bytes(location, file, where=where, allow=access.allow, limit=MAX_DOCUMENT_BYTES)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise EvidenceError(where, f"{location} is not UTF-8 text", "save it as UTF-8") from error
    return DocumentText(location=location, sha256=hashlib.sha256(data).hexdigest(), text=text)
