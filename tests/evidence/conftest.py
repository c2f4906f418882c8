"""What the tests of evidence share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mlgate.cells import Columns, ColumnType
from mlgate.evidence.tables import Table
from mlgate.findings import EvidenceRecord, Origin

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

TableOf = Callable[..., Table]


@pytest.fixture(scope="session")
def duck() -> Iterator[Backend]:
    """One DuckDB for all tests, with the two threads of a small machine."""
    import ibis

    backend = ibis.duckdb.connect(threads=2)
    yield backend
    backend.disconnect()


@pytest.fixture(scope="session")
def table_of(duck: Backend) -> TableOf:
    """Return a function that opens Arrow columns (or a mapping, or `SELECT ...`) as a table with roles."""
    import pyarrow as pa

    numbers = count()

    def build(data: Any, *, connection: Backend | None = None, **facts: Any) -> Table:
        backend = connection or duck
        name = f"t{next(numbers)}"
        if isinstance(data, str):
            backend.con.execute(f"CREATE TABLE {name} AS {data}")
        else:
            arrow = data if isinstance(data, pa.Table) else pa.table(data)
            backend.con.register("handed_in", arrow)
            backend.con.execute(f"CREATE TABLE {name} AS SELECT * FROM handed_in")  # noqa: S608  # as above
            backend.con.unregister("handed_in")
        expr = backend.table(name)
        types: dict[str, ColumnType] = {
            column: "string" if kind.is_string() else "number" for column, kind in expr.schema().items()
        }
        own = {
            key: facts.pop(key)
            for key in ("label_positive", "prediction_positive", "favourable")
            if key in facts
        }
        record = EvidenceRecord(
            name="evaluation",
            kind="table",
            location="test.csv",
            sha256="0" * 64,
            rows=None,
            columns=len(types),
            bytes=None,
            origin=Origin.DECLARED,
        )
        return Table(
            name="evaluation",
            expr=expr,
            threshold=facts.pop("threshold", 0.5),
            columns=Columns(names=tuple(expr.columns), types=types, **facts),
            label_positive=own.get("label_positive"),
            prediction_positive=own.get("prediction_positive"),
            favourable=own.get("favourable"),
            record=record,
            records=(record,),
            location="test.csv",
            engine="duckdb",
        )

    return build


ReleaseOf = Callable[..., dict[str, Table]]


@pytest.fixture
def release_of(tmp_path: Path) -> ReleaseOf:
    """Return a function that opens the tables of a release, written as the YAML of `data:` and `columns:`.

    Paths are relative to `tmp_path / "repository"`, the only directory that the release may read.
    """
    from mlgate.evidence.release import load_release
    from mlgate.evidence.tables import open_tables

    repository = tmp_path / "repository"
    repository.mkdir(exist_ok=True)
    numbers = count()

    def build(data: str, *names: str, columns: str = "{}", **options: Any) -> dict[str, Table]:
        path = repository / "release.yaml"
        head = "mlgate: 1\nname: case\nversion: '1'\ntask: binary\n"
        path.write_text(f"{head}columns: {columns}\ndata:\n  {data}\n", encoding="utf-8")
        release, document = load_release(path)
        workdir = tmp_path / f"work{next(numbers)}"
        workdir.mkdir(mode=0o700)
        return open_tables(release, document, names or ("evaluation",), workdir=workdir, **options)

    return build
