"""The DuckDB of a run: bounded, offline, and blind to every file but the private copies.

One connection serves all tables. It never downloads or loads an extension, reads nothing outside the
private directory (and the descriptors that it is handed), writes nothing but temporary files there, looks
at the rows and not at what a file claims of them, and its settings cannot be changed again by any statement.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb
    from ibis.backends.duckdb import Backend

MEMORY_SHARE = 0.6
"""Of the memory that this process may use; past it DuckDB works from temporary files."""

TRUSTING = frozenset(
    {
        "compressed_materialization",
        "filter_pushdown",
        "join_filter_pushdown",
        "late_materialization",
        "partial_aggregate_pushdown",
        "row_group_pruner",
        "statistics_propagation",
        "top_n",
    }
)
"""Steps of DuckDB's optimizer that believe what a file says of its own values. A parquet file that claims a
lowest and highest score of 0 and 1 would be answered for with 0 and 1, whatever its rows hold."""

_MESSAGE = 200
"""Characters of an engine's own message that ours repeats."""

_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


@dataclass(frozen=True, kw_only=True, slots=True)
class Engine:
    """An open DuckDB, as Ibis sees it and as itself."""

    backend: Backend
    connection: duckdb.DuckDBPyConnection

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows."""
        return self.connection.execute(sql).fetchall()


def open_engine(
    workdir: Path,
    *,
    readable: Sequence[str] = (),
    database: Path | None = None,
    memory: int | None = None,
    threads: int | None = None,
) -> Engine:
    """Open the DuckDB of a run.

    Args:
        workdir: The private directory; DuckDB reads what lies there and spills into it.
        readable: Files elsewhere that it may read, `/proc/self/fd/7`.
        database: A DuckDB file whose tables it shows, read only. It is attached and not opened itself: an
            open file is one instance, with one lock, for everybody in this process who opens it.
        memory: Bytes; default: 60 % of what this process may use.
        threads: Default: as many as this process may use.
    """
    import duckdb
    import ibis

    spill = tempfile.mkdtemp(dir=workdir, prefix="spill-")  # two engines in one would mix up their files
    connection = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "temp_directory": spill,
            "memory_limit": f"{memory or int(usable_memory() * MEMORY_SHARE)}B",
            "threads": str(threads or usable_threads()),
        },
    )
    # Ibis sets the time zone (to UTC) as it takes the connection over, so the lock comes after.
    backend = ibis.duckdb.from_connection(connection)
    known = {name for (name,) in connection.execute("SELECT name FROM duckdb_optimizers()").fetchall()}
    connection.execute(f"SET disabled_optimizers = {text(','.join(sorted(TRUSTING & known)))}")
    connection.execute(f"SET allowed_directories = [{text(str(workdir) + os.sep)}]")
    if readable:
        connection.execute(f"SET allowed_paths = [{', '.join(map(text, readable))}]")
    if database is not None:
        connection.execute(f"ATTACH {text(str(database.absolute()))} AS warehouse (TYPE duckdb, READ_ONLY)")
        connection.execute("USE warehouse")
    # From here on no file and no network but what was granted, and no way to change that.
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return Engine(backend=backend, connection=connection)


def select(expressions: Iterable[str], source: str, rest: str = "") -> str:
    """Return a query. All of it is SQL: names and texts in it went through `identifier` and `text`."""
    return " ".join(("SELECT", ", ".join(expressions), "FROM", source, rest))


def identifier(name: str) -> str:
    """Quote a name for SQL. A name cannot hold a NUL character."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """Quote a text for SQL, where backslashes mean nothing. A text cannot hold a NUL character."""
    return "'" + value.replace("'", "''") + "'"


def message_of(error: Exception) -> str:
    """Return what an engine says, without paths of private files and without the rows that it may quote."""
    lines = str(error).splitlines()
    return re.sub(r"\S*/\S*", "the file", lines[0])[:_MESSAGE] if lines else type(error).__name__


def usable_memory() -> int:
    """Return the bytes of memory that this process may use: the machine's, or its container's."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in _CGROUP_LIMITS:
        try:
            found.append(int(Path(path).read_text(encoding="ascii")))
        except (OSError, ValueError):  # no such control group, or the word "max"
            continue
    return min(found)


def usable_threads() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
