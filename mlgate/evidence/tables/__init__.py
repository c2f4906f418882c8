"""The tables of a release, opened: typed, filtered, with their predictions, and bound to the bytes.

Everything after this module sees only `Table`: an Ibis expression with the table's own column names, the
role that each column plays, and the digest of the bytes behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from mlgate.cells import Columns
from mlgate.errors import EvidenceError
from mlgate.evidence import queries
from mlgate.evidence.files.locations import COPY_LIMIT, Snapshot, Territory
from mlgate.evidence.tables import predictions, warehouse
from mlgate.evidence.tables.assign import assign
from mlgate.evidence.tables.champion import (
    ChampionRelease,
    ChampionTerms,
    assign_champion,
    columns_of,
    joined,
    names_of,
    terms_of,
)
from mlgate.evidence.tables.delimited import Reading
from mlgate.evidence.tables.duck import Engine, open_engine
from mlgate.evidence.tables.loading import Files, Shelf, reading_of
from mlgate.evidence.tables.predictions import Side
from mlgate.evidence.tables.where import rows_where
from mlgate.findings import EvidenceRecord, Origin
from mlgate.strict_yaml import Document, did_you_mean, show

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends import BaseBackend

    from mlgate.cells import ColumnType
    from mlgate.evidence.release import Release
    from mlgate.evidence.sources import DataSource


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """One table of a release."""

    name: str
    """As under `data:`."""
    expr: ir.Table
    """Its rows: `where` applied, predictions joined, columns under their own names."""
    beside: ir.Table | None = None
    """The same rows with what the champion's own table says of them, in the columns that are `borrowed`."""
    borrowed: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """From each column that only `beside` has to the champion's table, its location, and the column there."""
    columns: Columns
    absent: Mapping[str, str] = field(default_factory=dict)
    """From each role for which the release names a column that is not there, to (the first) such column."""
    label_positive: object | None = None
    """`positive` as the release states it, None when it does not."""
    favourable: object | None = None
    """`favourable` as the release states it, None when it does not."""
    prediction_positive: object | None = None
    """`prediction_positive` as the release states it, None when it does not."""
    threshold: float = 0.5
    champion: ChampionTerms = field(default_factory=ChampionTerms)
    """How the champion's columns are read, where there are any."""
    record: EvidenceRecord
    """What the table is, for the report; its rows are those that `where` leaves."""
    records: tuple[EvidenceRecord, ...] = ()
    """The table and, when they are a file of their own, its predictions."""
    location: str
    """As release.yaml writes it."""
    engine: str = "duckdb"
    """Ibis' name of the engine that runs the queries."""
    snapshots: tuple[Snapshot, ...] = ()
    unscored: str | None = None
    """Why the model, which was to say what it predicts here, did not."""
    uncompared: str | None = None
    """The same of the champion."""
    scored_by: tuple[str | None, str | None] | None = None
    """What tells the model that the gate asked from others; None where predictions were handed in."""
    without_nan: bool = False
    """Whether NaN is null already, as the readers of files leave it."""

    def verify_unchanged(self) -> None:
        """Raise EvidenceError when a file that was too large to copy was written to since it was hashed."""
        for one in self.snapshots:
            one.verify_unchanged()

    def require(self, role: str, why: str) -> None:
        """Raise EvidenceError when the release names a column for `role` and the table has none such.

        `why` says who needs it: `performance/roc-auc needs it`.
        """
        if role in self.absent:
            name, spoken = self.absent[role], role.replace("champion_", "champion's ")
            raise EvidenceError(
                f"{self.location}: column {show(name)}",
                f"is not there; the release names it as {spoken}, and {why}",
                did_you_mean(name, self.columns.names),
            )


Predict: TypeAlias = Callable[[Table, Engine], Table]
"""Puts what a model says of the rows into a table."""


def open_tables(
    release: Release,
    document: Document,
    names: Collection[str],
    *,
    workdir: Path,
    allow: Sequence[Path] = (),
    environ: Mapping[str, str] | None = None,
    hosts: tuple[str, ...] | None = None,
    engine: str | None = None,
    copy_limit: int = COPY_LIMIT,
    champion: ChampionRelease | None = None,
    compared: Collection[str] | None = None,
    predict: Predict | None = None,
    predict_champion: Predict | None = None,
    predict_beside: Predict | None = None,
) -> dict[str, Table]:
    """Open tables of a release.

    Args:
        release: The release.
        document: The file that it was built from, for paths and lines.
        names: Which tables of `data:`.
        workdir: A private directory (mode 0700) that the caller removes; it holds the copies.
        allow: Directories outside the repository whose files may be read too.
        environ: Where `env:NAME` of a connection is looked up.
        hosts: The only hosts that a connection may reach; None: any.
        engine: None or "duckdb": what reads files. A table with a connection stays in its own engine.
        copy_limit: Bytes; larger files are read where they are, and `verify_unchanged` is due at the end.
        champion: The release of the champion, whose tables of the same names say more of the same rows.
        compared: The tables in which it is looked at; None: all that it has.
        predict: What the model of the release makes of a table; None: what was handed in stays.
        predict_champion: The same of the champion, which has a release.
        predict_beside: What a champion without one says beside the model of the release.

    Raises:
        EvidenceError: Something named does not exist, lies outside, or does not parse.
        MissingExtra: The driver of a connection is not installed.
    """
    if engine not in (None, "duckdb", "duckdb://"):
        todo = "leave --engine out; a table in a warehouse is named with table: and connection:"
        raise EvidenceError("--engine", f"{show(engine)} does not read files", todo)
    for name in names:
        if name not in release.data:
            raise EvidenceError(
                document.where(("data",)), f"has no table {show(name)}", did_you_mean(name, release.data)
            )
    workdir = workdir.resolve()  # DuckDB compares resolved paths with what it was allowed
    shelf = Shelf(territory=Territory.of(document, allow), workdir=workdir, copy_limit=copy_limit)
    opening = _Opening(release=release, document=document, shelf=shelf, environ=environ or {}, hosts=hosts)
    taken = {name: opening.take(name) for name in names}
    # The files come first: once DuckDB is open, no further file can be made readable to it.
    beside = _Beside.take(opening, champion, [one for one in names if compared is None or one in compared])
    models = any(one is not None for one in (predict, predict_champion, predict_beside))
    if models or any(map(any, (*taken.values(), *beside.taken.values()))):
        opening.duckdb = beside.opening.duckdb = open_engine(workdir, readable=shelf.open_files)
    beside.opening.predict = predict_champion
    opening.predict = predict  # after it: without a champion, both are one opening
    found = beside.join({name: opening.open(name, *files) for name, files in taken.items()})
    if predict_beside is None or opening.duckdb is None:
        return found
    return {name: predict_beside(table, opening.duckdb) for name, table in found.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rows:
    """A table on its way: some rows of an engine, and what is known of them."""

    expr: ir.Table
    types: Mapping[str, ColumnType]
    empty: frozenset[str]
    location: str
    files: Files | None
    engine: str


@dataclass(kw_only=True, slots=True)
class _Opening:
    """What the tables of one release share while they are opened."""

    release: Release
    document: Document
    shelf: Shelf
    environ: Mapping[str, str]
    hosts: tuple[str, ...] | None = None
    duckdb: Engine | None = None
    databases: dict[str, BaseBackend] = field(default_factory=dict)
    """By connection; tables of one database share it."""
    champion: ChampionRelease | None = None
    """Not None where the release is that of the champion: its own champion is not looked at."""
    predict: Predict | None = None

    def take(self, name: str) -> tuple[Files | None, Files | None]:
        """Take the files of a table and of its predictions, as far as they are files."""
        source = self.release.data[name]
        rows = joined = None
        territory = None if self.champion is None else self.champion.territory
        if source.path is not None:
            rows = self.shelf.take(source.path, self._where(name, "path"), territory)
        if source.predictions is not None:
            where = self._where(name, "predictions", "path")
            joined = self.shelf.take(source.predictions.path, where, territory)
        return rows, joined

    def open(self, name: str, files: Files | None, predicted: Files | None) -> Table:
        """Read, filter and join one table."""
        source = self.release.data[name]
        whole = self._rows(name, source, files)
        rows = rows_where(
            whole.expr,
            source.where or {},
            types=whole.types,
            empty=whole.empty,
            where=lambda column: self._where(name, "where", column),
        )
        types, records = dict(whole.types), []
        if predicted is not None and source.predictions is not None:
            other = self._predictions(name, source, predicted, whole)
            rows = predictions.join(
                Side(table=rows, types=types, display=whole.location, engine=whole.engine),
                Side(table=other.expr, types=other.types, display=other.location, engine=whole.engine),
                key=source.predictions.key,
                whole=whole.expr,
                where=self._where(name, "predictions", "key"),
            )
            types |= {column: kind for column, kind in other.types.items() if column not in types}
            records.append(_record(f"{self._called(name)}.predictions", "predictions", other, other.expr))
        kind = "table" if self.champion is None else "predictions"
        record = _record(self._called(name), kind, whole, rows, columns=len(types))
        snapshots = [one for found in (files, predicted) if found is not None for one in found.snapshots]
        table = self._table(name, rows, types, whole, records=(record, *records), snapshots=snapshots)
        return table if self.predict is None or self.duckdb is None else self.predict(table, self.duckdb)

    def _called(self, name: str) -> str:
        """Return what the report calls a table."""
        return name if self.champion is None else f"champion.{name}"

    def _table(
        self,
        name: str,
        rows: ir.Table,
        types: Mapping[str, ColumnType],
        whole: _Rows,
        *,
        records: tuple[EvidenceRecord, ...],
        snapshots: Sequence[Snapshot],
    ) -> Table:
        spec = self.release.columns_of(name)
        columns, absent = assign(
            spec, types, location=whole.location, task=self.release.task, taken=names_of(self.release)
        )
        if self.champion is None and (champion := columns_of(self.release)) is not None:
            roles, lacking = assign_champion(champion, types, location=whole.location)
            columns, absent = replace(columns, champion=roles), {**absent, **lacking}
        return Table(
            name=name,
            expr=rows,
            columns=columns,
            absent=absent,
            label_positive=spec.positive,
            favourable=spec.favourable,
            prediction_positive=spec.prediction_positive,
            threshold=self.release.threshold,
            champion=terms_of(self.release, spec.prediction_positive),
            record=records[0],
            records=records,
            location=whole.location,
            engine=whole.engine,
            snapshots=tuple(snapshots),
            without_nan=whole.files is not None,
        )

    def _rows(self, name: str, source: DataSource, files: Files | None) -> _Rows:
        if files is not None:
            wanted = self._named(name, source)
            reading = reading_of(source, table=name, where=self._where(name), wanted=wanted)
            return self._from_files(name, files, reading)
        location = f"{source.connection}/{source.table}"
        connection, where = source.connection or "", self._where(name, "connection")
        if connection not in self.databases:
            self.databases[connection] = warehouse.connect(
                connection, self.environ, where, self.shelf.workdir, hosts=self.hosts
            )
        backend = self.databases[connection]
        expr, types = warehouse.table_of(backend, source.table or "", self._where(name, "table"), location)
        return _Rows(
            expr=expr, types=types, empty=frozenset(), location=location, files=None, engine=backend.name
        )

    def _from_files(self, name: str, files: Files, reading: Reading) -> _Rows:
        if self.duckdb is None:
            raise AssertionError("files were taken, so DuckDB is open")
        table, loaded = self.shelf.load(self.duckdb, name, files, reading)
        return _Rows(
            expr=self.duckdb.backend.table(table),
            types=loaded.types,
            empty=loaded.empty,
            location=files.location,
            files=files,
            engine="duckdb",
        )

    def _predictions(self, name: str, source: DataSource, files: Files, rows: _Rows) -> _Rows:
        """Read a file of predictions and bring it to the engine that has the rows."""
        import ibis

        if source.predictions is None:
            raise AssertionError("only called for a table with predictions")
        reading = Reading(
            wanted=frozenset((source.predictions.key,)),
            option=f"data.{name}.predictions",
            where=self._where(name, "predictions"),
        )
        found = self._from_files(f"{name}_predictions", files, reading)
        if rows.files is not None:
            return found
        fetched = queries.fetch(
            found.expr, "read the predictions", location=found.location, engine=found.engine
        )
        local = ibis.memtable(fetched)
        return _Rows(
            expr=local,
            types=found.types,
            empty=found.empty,
            location=found.location,
            files=files,
            engine=rows.engine,
        )

    def _named(self, name: str, source: DataSource) -> set[str]:
        """Return the columns that the release names for a table."""
        _, roles = assign(self.release.columns_of(name), {}, location="")  # in an empty table, all are absent
        named = {*(source.types or {}), *(source.where or {}), *roles.values()}
        return {*named, *names_of(self.release)}

    def _where(self, name: str, *keys: str) -> str:
        return self.document.where(("data", name, *keys))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Beside:
    """The tables of the champion's release that are held beside those of the same name."""

    opening: _Opening
    """Of the champion's release, where there is one."""
    champion: ChampionRelease | None
    taken: Mapping[str, tuple[Files | None, Files | None]]

    @classmethod
    def take(cls, opening: _Opening, champion: ChampionRelease | None, names: Sequence[str]) -> _Beside:
        """Take the files of those tables that the champion's release has."""
        if champion is None:
            return cls(opening=opening, champion=None, taken={})
        other = replace(opening, release=champion.release, document=champion.document, champion=champion)
        taken = {name: other.take(name) for name in names if name in champion.release.data}
        return cls(opening=other, champion=champion, taken=taken)

    def join(self, tables: Mapping[str, Table]) -> dict[str, Table]:
        """Return the tables, with what the champion's say of the same rows."""
        found = dict(tables)
        for name, files in self.taken.items():
            if self.champion is not None:
                other = self.opening.open(name, *files)
                found[name] = joined(tables[name], other, where=self.champion.where)
        return found


def _record(
    name: str, kind: str, rows: _Rows, expr: ir.Table, *, columns: int | None = None
) -> EvidenceRecord:
    return EvidenceRecord(
        name=name,
        kind=kind,
        location=rows.location,
        sha256=rows.files.sha256 if rows.files else None,
        rows=_count(expr, rows),
        columns=columns if columns is not None else len(rows.types),
        bytes=rows.files.bytes if rows.files else None,
        origin=Origin.DECLARED,
    )


def _count(expr: ir.Table, rows: _Rows) -> int:
    found = queries.fetch(expr.count(), "count the rows", location=rows.location, engine=rows.engine)
    return int(found.as_py())
