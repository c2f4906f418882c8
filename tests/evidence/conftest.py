"""What the tests of evidence share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from mlgate.cells import Columns, ColumnType
from mlgate.findings import EvidenceRecord, Origin

try:
    from mlgate.evidence.tables import Table
except ModuleNotFoundError:
    from dataclasses import dataclass

    @dataclass(frozen=True, kw_only=True)
    class Table:
        name: str
        expr: Any
        columns: Any
        label_positive: Any
        prediction_positive: Any
        threshold: float
        record: Any
        records: Any
        location: str
        engine: str


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
        own = {key: facts.pop(key) for key in ("label_positive", "prediction_positive") if key in facts}
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
            record=record,
            records=(record,),
            location="test.csv",
            engine="duckdb",
        )

    return build
