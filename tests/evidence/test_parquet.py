"""Parquet: whole files only, and every column brought to one of the types of a table."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import pickle
import struct
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlgate.cells import Cells, ColumnProfile, Counts, Outside, OutsideCount, Profile, RepeatCounts, Repeats
from mlgate.errors import EvidenceError
from mlgate.evidence.scan import scan
from mlgate.evidence.tables import Table

ReleaseOf = Callable[..., dict[str, Table]]


@pytest.fixture
def opened(release_of: ReleaseOf, tmp_path: Path) -> Callable[..., Table]:
    """Return a function that opens bytes, or an Arrow table, as a parquet file."""

    def build(content: bytes | pa.Table, **options: Any) -> Table:
        (tmp_path / "repository").mkdir(exist_ok=True)
        path = tmp_path / "repository" / "t.parquet"
        path.write_bytes(content if isinstance(content, bytes) else written(content))
        return release_of("evaluation: {path: t.parquet}", **options)["evaluation"]

    return build


@pytest.fixture
def opened_where(release_of: ReleaseOf, tmp_path: Path) -> Callable[[str], Table]:
    """Return a function that opens the lying file with a filter."""

    def build(where: str) -> Table:
        (tmp_path / "repository").mkdir(exist_ok=True)
        (tmp_path / "repository" / "t.parquet").write_bytes(lying())
        return release_of(f"evaluation: {{path: t.parquet, where: {where}}}")["evaluation"]

    return build


def written(table: pa.Table) -> bytes:
    """Return a table as parquet."""
    held = io.BytesIO()
    pq.write_table(table, held)
    return held.getvalue()


def zipped() -> bytes:
    """Return a zip archive."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("x", "x")
    return held.getvalue()


WHOLE = written(pa.table({"a": list(range(1000)), "b": ["x"] * 1000}))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (WHOLE[:-10], "is a parquet file that is cut off, not parquet; write or copy it again"),
        (WHOLE[:500], "is a parquet file that is cut off"),
        (b"", "is empty, not parquet"),
        (b"a,b\n1,2\n", "is text, not parquet; name it .csv if it is CSV"),
        ("ä,b\n".encode(), "is text"),
        (b"\x01\x02\xff\xfe" * 20, "is of an unknown format"),
        (zipped(), "is a zip archive"),
        (gzip.compress(WHOLE, mtime=0), "is gzip, not parquet"),
        (pickle.dumps({"a": [1]}), "is a pickle, not parquet; .* never loaded"),
        (b"PARE" + WHOLE[4:], "is an encrypted parquet file"),
        (b"PAR1" + b"\xff" * 200 + b"PAR1", "is a damaged parquet file"),
        (b"PAR1" + b"\x00" * 200 + b"PAR1", "is a damaged parquet file"),
        (WHOLE[:-300] + b"\x07" * 250 + WHOLE[-50:], "is a damaged parquet file"),
        (written(pa.table({})), "is a damaged parquet file"),
    ],
)
def test_what_is_no_whole_parquet_file_is_refused(
    content: bytes, message: str, opened: Callable[..., Table]
) -> None:
    """In plain words, and without the path of the private copy."""
    with pytest.raises(EvidenceError, match=f"^t.parquet: {message}") as refused:
        opened(content)
    assert "evidence-" not in str(refused.value)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "a"], r"2 columns have the name 'a' \(columns 1, 2\)"),
        (["a", "A"], "differ only in upper and lower case"),
        (["a", ""], "column 2 of 2 has no name"),
    ],
)
def test_columns_that_cannot_be_told_apart_are_refused(
    names: list[str], message: str, opened: Callable[..., Table]
) -> None:
    """DuckDB would call the second of two columns `a` by the name `a_1`."""
    with pytest.raises(EvidenceError, match=message):
        opened(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=names))


NOON = dt.datetime(2026, 1, 31, 12, 0)  # noqa: DTZ001 - tables hold UTC without zone


@pytest.mark.parametrize(
    ("array", "kind", "value"),
    [
        (pa.array([True, None]), "boolean", True),
        (pa.array([1, None], pa.int8()), "integer", 1),
        (pa.array([2**64 - 1, None], pa.uint64()), "integer", 2**64 - 1),
        (pa.array([0.5, None], pa.float64()), "number", 0.5),
        (pa.array([0.5, float("nan")], pa.float64()), "number", 0.5),
        (pa.array([0.5, float("nan")], pa.float32()), "number", 0.5),
        (pa.array([float("inf"), float("nan")]), "number", float("inf")),
        (pa.array([Decimal("1.50"), None], pa.decimal128(10, 2)), "number", 1.5),
        (pa.array([Decimal(7), None], pa.decimal128(10, 0)), "integer", 7),
        (pa.array([Decimal(7), None], pa.decimal128(38, 0)), "number", 7.0),
        (pa.array(["x", None]), "string", "x"),
        (pa.array(["x", None]).dictionary_encode(), "string", "x"),
        (pa.array(["x", None], pa.large_string()), "string", "x"),
        (pa.array([dt.date(2026, 1, 31), None]), "date", dt.date(2026, 1, 31)),
        (pa.array([NOON, None], pa.timestamp("ms")), "timestamp", NOON),
        (pa.array([NOON, None], pa.timestamp("ns")), "timestamp", NOON),
        (pa.array([NOON, None], pa.timestamp("us", "Europe/Berlin")), "timestamp", NOON),
        (pa.array([UUID(int=1).bytes, None], pa.uuid()), "string", str(UUID(int=1))),
        (pa.array([None, None]), "number", None),
        (pa.array([[1, 2], None]), "other", "[1, 2]"),
        (pa.array([{"x": 1}, None]), "other", "{'x': 1}"),
        (pa.array([b"\x00x", None]), "other", "\\x00x"),
        (pa.array([dt.time(1, 2), None]), "other", "01:02:00"),
    ],
)
def test_types(array: pa.Array, kind: str, value: object, opened: Callable[..., Table]) -> None:
    """Decimals are numbers, NaN is missing, times are UTC, categories strings; what is nested is `other`."""
    table = opened(pa.table({"x": array}))
    assert dict(table.columns.types) == {"x": kind}
    assert table.expr.to_pyarrow().to_pydict() == {"x": [value, None]}


def test_a_nested_column_plays_no_role(opened: Callable[..., Table]) -> None:
    """It is no feature by default, and an error where the release says that it is one."""
    data = pa.table({"y": [0], "l": [[1, 2]], "a": [1]})
    assert opened(data, columns="{label: y}").columns.features == ("a",)
    with pytest.raises(
        EvidenceError, match=r"t.parquet: column 'l': is nested or binary, .* names it as protected"
    ):
        opened(data, columns="{label: y, protected: [l]}")


def test_enough_for_pandas_frames(opened: Callable[..., Table]) -> None:
    """A frame with a named index and categories keeps its columns, the index among them."""
    frame = pd.DataFrame(
        {"c": pd.Categorical(["a", "b"]), "n": [1.5, None]}, index=pd.Index([7, 8], name="id")
    )
    held = io.BytesIO()
    frame.to_parquet(held)
    table = opened(held.getvalue())
    assert dict(table.columns.types) == {"c": "string", "n": "number", "id": "integer"}


def test_files_of_a_glob_share_their_schema(release_of: ReleaseOf, tmp_path: Path) -> None:
    """No file's column is filled up, cast or renamed to fit another's."""
    folder = tmp_path / "repository"
    pq.write_table(pa.table({"x": [1], "y": [1.0]}), folder / "a.parquet")
    for other in ({"x": [1.5], "y": [1.0]}, {"x": [1]}, {"y": [1.0], "x": [1]}):
        pq.write_table(pa.table(other), folder / "b.parquet")
        with pytest.raises(EvidenceError, match=r"b.parquet: its columns are not those of a.parquet"):
            release_of("evaluation: {path: '*.parquet'}")


def test_an_empty_table_has_columns_and_no_rows(opened: Callable[..., Table]) -> None:
    """That it is empty is for the checks to judge."""
    table = opened(pa.table({"x": [1]}).slice(0, 0))
    assert (table.record.rows, dict(table.columns.types)) == (0, {"x": "integer"})


def lying() -> bytes:
    """Return a file that claims scores from 0.1 to 0.7 and holds one of 7.5.

    The page is changed and the statistics are not; so is the key of the same row, 150, which is 9999.
    """
    scores = [0.1 + 0.002 * row for row in range(300)]
    scores[150] = 0.4123456789
    held = io.BytesIO()
    data = pa.table({"y": [0, 1] * 150, "p": scores, "k": list(range(300)), "g": ["a"] * 300})
    pq.write_table(data, held, use_dictionary=False, compression="none", row_group_size=100)
    found = held.getvalue()
    for kind, old, new in (("<d", 0.4123456789, 7.5), ("<q", 150, 9999)):
        assert found.count(struct.pack(kind, old)) == 1
        found = found.replace(struct.pack(kind, old), struct.pack(kind, new))
    return found


def test_what_a_file_claims_of_its_values_is_not_believed(opened: Callable[..., Table]) -> None:
    """Statistics in a parquet file are its author's word: rows are counted, compared and filtered themselves."""
    assert pd.read_parquet(io.BytesIO(lying()))["p"].max() == 7.5
    table = opened(lying(), columns="{label: y, score: p}")
    asked = [
        Profile("p"),
        Outside("p", 0, 1),
        Repeats(("k",)),
        Counts(("label", "score")),
        Counts((), ("k",)),
    ]
    profile, outside, repeats, cells, keys = (scan(table, asked)[one] for one in asked)
    assert isinstance(profile, ColumnProfile)
    assert profile.maximum == 7.5
    assert isinstance(outside, OutsideCount)
    assert outside.above == 1
    assert isinstance(repeats, RepeatCounts)
    assert repeats.distinct == 300
    assert isinstance(cells, Cells)
    assert "1 of 300 values lie outside [0, 1]" in str(cells.fault)
    assert isinstance(keys, Cells)
    assert "9999" in keys.groups["k"]


@pytest.mark.parametrize(
    ("where", "rows"), [("{k: {from: 0, before: 300}}", 299), ("{k: {from: 5000}}", 1), ("{k: [9999, 3]}", 2)]
)
def test_a_filter_looks_at_the_rows(opened_where: Callable[[str], Table], where: str, rows: int) -> None:
    """Neither a row that the statistics hide nor one that they promise changes what a filter leaves."""
    assert opened_where(where).record.rows == rows
