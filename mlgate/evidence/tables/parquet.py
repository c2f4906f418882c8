"""Parquet files as a view: nothing is read until it is asked for, and then only the columns that are.

The bytes are looked at first: what only bears the name, is cut off, repeats a column or holds a pickle is
an error in plain words. The view gives each column one of the types of a table. NaN is missing, as pandas
has it; infinite values stay. Timestamps become UTC without a zone, decimals numbers. What is nested or
binary is of type `other`: it stays, as text, and may play no role.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlgate.errors import EvidenceError
from mlgate.evidence.files import signatures
from mlgate.evidence.files.locations import Snapshot
from mlgate.evidence.tables.csvtable import Loaded
from mlgate.evidence.tables.duck import Engine, identifier, message_of, select, text
from mlgate.evidence.tables.names import require_names
from mlgate.strict_yaml import show

if TYPE_CHECKING:
    from mlgate.cells import ColumnType

_NULL = '"NULL"'
# 32 bits stay 32 bits: widening would show 0.1 as 0.10000000149011612.
_NO_NAN = "CASE WHEN isnan({0}) THEN NULL ELSE {0} END"
_READ: Mapping[str, tuple[str, ColumnType]] = {
    "BOOLEAN": ("{0}", "boolean"),
    "BIGINT": ("{0}", "integer"),
    "UBIGINT": ("{0}", "integer"),
    "FLOAT": (_NO_NAN, "number"),
    "DOUBLE": (_NO_NAN, "number"),
    "VARCHAR": ("{0}", "string"),
    "UUID": ("CAST({0} AS VARCHAR)", "string"),
    "JSON": ("CAST({0} AS VARCHAR)", "string"),
    "DATE": ("{0}", "date"),
    "TIMESTAMP": ("{0}", "timestamp"),
    "TIMESTAMP WITH TIME ZONE": ("make_timestamp(epoch_us({0}))", "timestamp"),
    **dict.fromkeys(
        ("TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER"),
        ("CAST({0} AS BIGINT)", "integer"),
    ),
    **dict.fromkeys(("HUGEINT", "UHUGEINT", _NULL), ("CAST({0} AS DOUBLE)", "number")),
    **dict.fromkeys(
        ("TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_US", "TIMESTAMP_NS"),
        ("CAST({0} AS TIMESTAMP)", "timestamp"),
    ),
}
"""How a column is read by the type that it is stored in; `{0}` is the column."""

_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_LONGEST_INTEGER = 18
"""Digits of a decimal that a 64-bit integer holds in any case."""


def load(engine: Engine, table: str, files: Sequence[Snapshot]) -> Loaded:
    """Make the DuckDB view `table` of parquet files that share a schema.

    Raises EvidenceError when a file is no whole parquet file or the files differ.
    """
    import duckdb

    schemas = [_schema(engine, one) for one in files]
    _require_one_schema(files, schemas)
    typed = {name: column(name, stored) for name, stored in schemas[0].items()}
    values = [f"{value} AS {identifier(name)}" for name, (value, _) in typed.items()]
    try:
        source = _source([one.path for one in files])
        engine.rows(f"CREATE VIEW {identifier(table)} AS {select(values, source)}")
        rows = engine.rows(select(["count(*)"], identifier(table)))[0][0]
    except duckdb.Error as error:
        raise unreadable(files[0].display, error) from error
    return Loaded(
        types={name: kind for name, (_, kind) in typed.items()},
        rows=int(rows),
        empty=frozenset(name for name, stored in schemas[0].items() if stored == _NULL),
    )


def column(name: str, stored: str) -> tuple[str, ColumnType]:
    """Return SQL for a column that DuckDB stores as the type `stored`, and the type that it then has."""
    decimal = _DECIMAL.fullmatch(stored)
    if decimal:
        whole = decimal[2] == "0" and int(decimal[1]) <= _LONGEST_INTEGER
        value, kind = _READ["INTEGER" if whole else "HUGEINT"]
    elif stored.startswith("ENUM("):
        value, kind = _READ["UUID"]
    else:
        value, kind = _READ.get(stored, ("CAST({0} AS VARCHAR)", "other"))
    return value.format(identifier(name)), kind


def unreadable(display: str, error: Exception) -> EvidenceError:
    """Word what DuckDB says about a damaged parquet file, without the paths of private copies."""
    return EvidenceError(display, f"is a damaged parquet file ({message_of(error)})", "write it again")


def _source(paths: Sequence[str]) -> str:
    listed = ", ".join(map(text, paths))
    return f"read_parquet([{listed}], hive_partitioning = false, union_by_name = false, filename = false)"


def _schema(engine: Engine, file: Snapshot) -> Mapping[str, str]:
    """Return name and stored type of each column of one file."""
    import duckdb

    kind = signatures.kind_of(Path(file.path)) or signatures.of_text(Path(file.path))
    if kind != signatures.PARQUET:
        raise signatures.refuse(file.display, kind, "parquet")
    try:
        facts = ["name", "num_children", "logical_type"]
        top = _top(engine.rows(select(facts, f"parquet_schema({text(file.path)})")))
        require_names([name for name, _ in top], file.display)
        described = engine.rows(f"DESCRIBE {select('*', _source([file.path]))}")
    except duckdb.Error as error:
        raise unreadable(file.display, error) from error
    found = [(str(row[0]), str(row[1])) for row in described]
    for (name, _), (read, _) in zip(top, found, strict=True):
        if name != read:
            raise EvidenceError(
                file.display, f"column {show(name)} cannot be addressed by its name", "rename it"
            )
    # DuckDB before version 2 takes a column of the type null for one of integers.
    return {
        name: _NULL if logical == "NullType()" else stored
        for (name, logical), (_, stored) in zip(top, found, strict=True)
    }


def _top(tree: Sequence[tuple[str, int | None, str | None]]) -> list[tuple[str, str | None]]:
    """Return name and logical type of the columns from a schema tree that is listed depth first.

    DuckDB itself would rename a repeated column without a word.
    """
    found: list[tuple[str, str | None]] = []
    inside = 0
    for name, children, logical in tree[1:]:
        if inside:
            inside -= 1
        else:
            found.append((name, logical))
        inside += children or 0
    return found


def _require_one_schema(files: Sequence[Snapshot], schemas: Sequence[Mapping[str, str]]) -> None:
    for one, schema in zip(files[1:], schemas[1:], strict=True):
        if list(schema.items()) != list(schemas[0].items()):
            odd = dict(set(schema.items()) ^ set(schemas[0].items()))
            what = f"differ in {', '.join(map(show, sorted(odd)[:5]))}" if odd else "have another order"
            raise EvidenceError(
                one.display,
                f"its columns are not those of {files[0].display}: they {what}",
                "write all files of a table with the same schema",
            )
