"""Tables that stay where they are: whatever an Ibis connection URL names, read and never written.

The URL is in an environment variable that the operator of the gate sets; a release only names it. It may
hold a password, so neither it nor what a driver says about it is ever shown. Database files are opened read
only, and DuckDB without any access to other files.
"""

from __future__ import annotations

import difflib
import re
import sqlite3
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlparse

from mlgate.errors import EvidenceError, MissingExtra
from mlgate.evidence.tables.duck import open_engine
from mlgate.evidence.tables.names import require_names
from mlgate.strict_yaml import did_you_mean, show

if TYPE_CHECKING:
    import ibis.expr.datatypes as dt
    import ibis.expr.types as ir
    from ibis.backends import BaseBackend

    from mlgate.cells import ColumnType

_FILES = ("duckdb", "sqlite")
_PREFIX = "env:"
_PORT = re.compile(r":[0-9]*$")


def connect(
    connection: str,
    environ: Mapping[str, str],
    where: str,
    workdir: Path,
    *,
    hosts: Collection[str] | None = None,
) -> BaseBackend:
    """Open the database that an environment variable names.

    Args:
        connection: `env:NAME`.
        environ: Where `NAME` is looked up.
        where: The line of the release, for errors.
        workdir: A private directory, for what does not fit into memory.
        hosts: The only hosts that the URL may lead to, `host` or `host:port`; None: any. A database file
            has none, and may always be opened.

    Raises:
        EvidenceError: The variable is not set, is no URL, leads to another host, or the database cannot
            be opened.
        MissingExtra: The driver is not installed.
    """
    import ibis
    from ibis.util import backend_entry_points

    variable = connection.removeprefix(_PREFIX)
    url = environ.get(variable)
    if not url:
        raise EvidenceError(
            where, f"the environment variable {variable} is not set", "set it to the URL of the database"
        )
    scheme = urlparse(url).scheme.replace("postgresql", "postgres") if "://" in url else ""
    known = sorted(point.name for point in backend_entry_points())
    if scheme not in known:
        raise EvidenceError(
            where,
            f"the environment variable {variable} holds no connection URL",
            f"set it to {' or '.join(f'{one}://...' for one in _FILES)}, or another of {', '.join(known)}",
        )
    if scheme not in _FILES and hosts is not None:
        _require_allowed(url, variable, hosts, where)
    path = _file(url, variable, where) if scheme in _FILES else ""
    try:
        if scheme == "duckdb":
            return open_engine(workdir, database=Path(path)).backend
        backend: BaseBackend = _sqlite(path) if scheme == "sqlite" else ibis.connect(url)
    except ImportError as error:
        owner = "mlgate" if scheme in _EXTRAS else "ibis-framework"
        raise MissingExtra(where, f"the driver for {scheme}", f"{owner}[{scheme}]") from error
    except Exception as error:  # noqa: BLE001 - a driver may fail in any way
        # Without its cause: the driver's message may repeat the password.
        raise _closed(variable, where, error) from None
    return backend


_EXTRAS = ("postgres", "sqlite")
"""Databases that mlgate has an extra for; the drivers of the others come as extras of Ibis."""


def table_of(
    backend: BaseBackend, name: str, where: str, display: str
) -> tuple[ir.Table, dict[str, ColumnType]]:
    """Return a table (`loans` or `schema.loans`), its columns brought to the types that tables have.

    Raises EvidenceError when there is no such table or its columns cannot be told apart.
    """
    try:
        found = _look_up(backend, name)
    except Exception as error:  # noqa: BLE001 - a driver may fail in any way
        raise _no_table(backend, name, where, error) from None
    schema = found.schema()
    require_names(list(schema), display)
    kinds = {column: type_of(kind) for column, kind in schema.items()}
    return found.select(*(_plain(backend, found[column], schema[column]) for column in schema)), kinds


def type_of(kind: dt.DataType) -> ColumnType:
    """Return the type of a column as tables name it."""
    names: tuple[tuple[bool, ColumnType], ...] = (
        (kind.is_boolean(), "boolean"),
        (kind.is_integer(), "integer"),
        (kind.is_floating() or kind.is_decimal(), "number"),
        (kind.is_string() or kind.is_uuid(), "string"),
        (kind.is_date(), "date"),
        (kind.is_timestamp(), "timestamp"),
    )
    return next((name for is_so, name in names if is_so), "other")


def _plain(backend: BaseBackend, column: ir.Column, kind: dt.DataType) -> ir.Column:
    """Return a column in which NaN is null, decimals are floats, and a UUID is text."""
    import ibis
    import ibis.expr.operations as ops

    name = column.get_name()
    if kind.is_floating() and backend.has_operation(ops.IsNan):
        return ibis.ifelse(column.isnan(), ibis.null(kind), column).name(name)
    if kind.is_decimal():
        return column.cast("float64").name(name)
    return column.cast("string").name(name) if kind.is_uuid() else column


def _look_up(backend: BaseBackend, name: str) -> ir.Table:
    from ibis.common.exceptions import TableNotFound

    *outer, last = name.split(".")
    try:
        return backend.table(name)
    except TableNotFound:
        if not outer:
            raise
    return backend.table(last, database=outer[0] if len(outer) == 1 else tuple(outer[:2]))


def _no_table(backend: Any, name: str, where: str, error: Exception) -> EvidenceError:
    what = f"the table {show(name)} cannot be opened ({type(error).__name__})"
    try:
        if backend.name == "duckdb":  # Ibis 12 cannot list the tables of DuckDB 2
            rows = backend.con.execute("SELECT table_name FROM information_schema.tables").fetchall()
            tables = [str(row[0]) for row in rows]
        else:
            tables = list(backend.list_tables())
    except Exception:  # noqa: BLE001 - only a hint is lost
        tables = []
    close = difflib.get_close_matches(name, tables, n=1)
    todo = did_you_mean(name, close) if close else "see whether it exists and may be read"
    return EvidenceError(where, what, todo)


def _require_allowed(url: str, variable: str, hosts: Collection[str], where: str) -> None:
    """Raise EvidenceError unless every host that a URL names is allowed; one that names none is not.

    Drivers take further hosts from the query (`?host=`, `?hostaddr=`) and lists of them, so all count.
    """
    allowed = {one.casefold() for one in hosts}
    named = _hosts(url)
    if named and all({host, with_port} & allowed for host, with_port in named):
        return
    what = "leads to a host that the policy does not allow" if named else "names no host"
    raise EvidenceError(
        where,
        f"the environment variable {variable} {what} (trust.hosts: {', '.join(map(show, hosts)) or 'none'})",
        "use a database on an allowed host, or have the policy name this one under `trust.hosts`",
    )


def _hosts(url: str) -> list[tuple[str, str]]:
    parsed = urlparse(url)
    lists = [parsed.netloc.rpartition("@")[2]]
    lists += [
        value for name, value in parse_qsl(parsed.query, keep_blank_values=True) if "host" in name.lower()
    ]
    written = [one.strip().casefold() for text in lists for one in text.split(",")]
    return [(_PORT.sub("", one).strip("[]"), one) for one in written if one]


def _file(url: str, variable: str, where: str) -> str:
    """Return the database file that a URL names; both engines would make one that is not there."""
    parsed = urlparse(url)
    path = parsed.netloc + unquote(parsed.path)
    if path.startswith("//"):  # SQLAlchemy writes an absolute path with one slash more: sqlite:////data/x.db
        path = f"/{path.lstrip('/')}"
    if not path or not Path(path).is_file():
        raise EvidenceError(
            where,
            f"the environment variable {variable} names no database file that exists",
            "write duckdb:///absolute/path or sqlite:///absolute/path",
        )
    return path


def _sqlite(path: str) -> BaseBackend:
    """Open a file read only; temporary tables can still be made, for predictions."""
    import ibis

    connection = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.execute("PRAGMA trusted_schema = OFF")
    backend: BaseBackend = ibis.sqlite.from_connection(connection)
    return backend


def _closed(variable: str, where: str, error: Exception) -> EvidenceError:
    return EvidenceError(
        where,
        f"the database of the environment variable {variable} cannot be opened ({type(error).__name__})",
        "see whether it is there, reachable, and what its URL says it is",
    )
