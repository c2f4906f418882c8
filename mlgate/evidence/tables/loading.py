"""Files of a table, taken and loaded: what its suffix says decides how, and nothing is sniffed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from mlgate.errors import EvidenceError
from mlgate.evidence.files.compressed import inflate
from mlgate.evidence.files.locations import COPY_LIMIT, Found, Snapshot, Territory, shown, take
from mlgate.evidence.tables import csvtable, delimited, parquet
from mlgate.evidence.tables.csvtable import Loaded
from mlgate.evidence.tables.delimited import Reading
from mlgate.evidence.tables.duck import Engine
from mlgate.evidence.tables.names import folded
from mlgate.evidence.tables.records import Dialect
from mlgate.evidence.tables.texttypes import NULLS

if TYPE_CHECKING:
    from collections.abc import Collection

    from mlgate.evidence.sources import DataSource

Format: TypeAlias = Literal["parquet", "csv", "csv.gz"]

_SUFFIXES: tuple[tuple[str, Format], ...] = (
    (".parquet", "parquet"),
    (".pq", "parquet"),
    (".csv", "csv"),
    (".tsv", "csv"),
    (".csv.gz", "csv.gz"),
    (".tsv.gz", "csv.gz"),
)
_PICKLES = (".pkl", ".pickle", ".joblib", ".dill")


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    """The bytes of one table."""

    location: str
    """As release.yaml writes it."""
    format: Format
    displays: tuple[str, ...]
    """The name of each file: the location itself, or what its glob matched."""
    snapshots: tuple[Snapshot, ...]

    @property
    def sha256(self) -> str:
        """The file's digest; for a glob the sha256 of what `sha256sum` prints of its files, in this order."""
        if self.displays == (self.location,):
            return self.snapshots[0].sha256
        pairs = zip(self.snapshots, self.displays, strict=True)
        lines = "".join(f"{one.sha256}  {display}\n" for one, display in pairs)
        return hashlib.sha256(lines.encode()).hexdigest()

    @property
    def bytes(self) -> int:
        """Of all files together, as they lie on disk."""
        return sum(one.bytes for one in self.snapshots)


@dataclass(kw_only=True, slots=True)
class Shelf:
    """The files of one release; each is taken once and loaded once, however many tables are made of it."""

    territory: Territory
    workdir: Path
    copy_limit: int = COPY_LIMIT
    _taken: dict[Path, Snapshot] = field(default_factory=dict)
    _loaded: dict[tuple[object, ...], tuple[str, Loaded]] = field(default_factory=dict)

    def take(self, written: str, where: str, territory: Territory | None = None) -> Files:
        """Take the files that a path or glob names, of another release where a `territory` is given.

        Raises EvidenceError when one does not exist, lies outside, or is of no format that is read.
        """
        territory = territory or self.territory
        found = territory.find_all(written, where)
        formats = {_format(one) for one in found}
        if len(formats) > 1:
            raise EvidenceError(
                where, f"{shown(written)} matches files of several formats", "name one format"
            )
        for one in found:
            if one.real not in self._taken:
                self._taken[one.real] = take(one, self.workdir, copy_limit=self.copy_limit)
        snapshots = tuple(self._taken[one.real] for one in found)
        return Files(
            location=territory.display(written),
            format=formats.pop(),
            displays=tuple(one.display for one in found),
            snapshots=snapshots,
        )

    @property
    def open_files(self) -> list[str]:
        """The paths of what was too large to copy."""
        return [one.path for one in self._taken.values() if not one.copied]

    def load(self, engine: Engine, name: str, files: Files, reading: Reading) -> tuple[str, Loaded]:
        """Load the files into DuckDB and return the name of the table or view there.

        `name` is what it is called if nothing else is. Raises EvidenceError as the readers do.
        """
        how: tuple[object, ...] = ()
        if files.format != "parquet":
            how = (reading.dialect, reading.encoding, reading.nulls, tuple(reading.types.items()))
        key = (tuple(one.path for one in files.snapshots), how)
        if key not in self._loaded:
            table = self._free(name)
            self._loaded[key] = table, self._read(engine, table, files, reading)
        return self._loaded[key]

    def _read(self, engine: Engine, table: str, files: Files, reading: Reading) -> Loaded:
        if files.format == "parquet":
            return parquet.load(engine, table, files.snapshots)
        checked = []
        for one in files.snapshots:
            path = Path(one.path)
            if files.format == "csv.gz":
                path = inflate(path, one.display, self.workdir)
            checked.append(delimited.check(path, one.display, reading, self.workdir))
        return csvtable.load(engine, table, checked, reading)

    def _free(self, name: str) -> str:
        taken = {folded(table) for table, _ in self._loaded.values()}
        names = [name, *(f"{name}_{i}" for i in range(2, len(taken) + 3))]
        return next(one for one in names if folded(one) not in taken)


def reading_of(source: DataSource, *, table: str, where: str, wanted: Collection[str]) -> Reading:
    """Return how the release says that the CSV files of a table are read.

    Raises EvidenceError for a delimiter, quote or encoding that cannot be used.
    """
    tabs = str(source.path).lower().endswith((".tsv", ".tsv.gz"))
    return Reading(
        dialect=Dialect(
            delimiter=source.delimiter or ("\t" if tabs else ","),
            quote='"' if source.quote is None else source.quote,
        ),
        encoding=source.encoding or "utf-8",
        nulls=NULLS if source.nulls is None else source.nulls,
        types=source.types or {},
        wanted=frozenset(wanted),
        option=f"data.{table}",
        where=where,
    )


def _format(found: Found) -> Format:
    name = found.display.lower()
    for suffix, kind in _SUFFIXES:
        if name.endswith(suffix):
            return kind
    if name.endswith(_PICKLES):
        raise EvidenceError(
            found.display,
            "is a pickle by its name, which is never loaded, because loading it executes code",
            "write parquet or CSV",
        )
    suffixes: Sequence[str] = [suffix for suffix, _ in _SUFFIXES]
    raise EvidenceError(
        found.display, "is of no format that is read", f"give a file named {', '.join(suffixes)}"
    )
