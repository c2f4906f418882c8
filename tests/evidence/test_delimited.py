"""CSV is read exactly as it is written, or refused with the line."""

from __future__ import annotations

import csv
import gzip
import io
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mlgate.errors import EvidenceError
from mlgate.evidence.files.compressed import Expansion, inflate
from mlgate.evidence.tables import records
from mlgate.evidence.tables.csvtable import load
from mlgate.evidence.tables.delimited import Reading, check
from mlgate.evidence.tables.duck import Engine, open_engine, select
from mlgate.evidence.tables.records import Dialect
from tests.conftest import few

Row = tuple[object, ...]


class Bench:
    """A DuckDB in a private directory, and CSV files to read with it."""

    def __init__(self, workdir: Path) -> None:
        """Open the engine in `workdir`."""
        self.workdir = workdir
        self.engine: Engine = open_engine(workdir, threads=2)
        self.number = 0

    def read(self, content: bytes, reading: Reading | None = None) -> list[Row]:
        """Return the rows of a CSV file."""
        return self.table(content, reading)[1]

    def table(self, content: bytes, reading: Reading | None = None) -> tuple[dict[str, str], list[Row]]:
        """Return the types and rows of a CSV file."""
        self.number += 1
        path, name = self.workdir / "in.csv", f"t{self.number}"
        path.write_bytes(content)
        reading = reading or Reading()
        loaded = load(self.engine, name, [check(path, "test.csv", reading, self.workdir)], reading)
        rows = self.engine.rows(select(["*"], name))
        self.engine.rows(f"DROP TABLE {name}")
        assert loaded.rows == len(rows)
        return dict(loaded.types), rows


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Return one bench for all tests."""
    one = Bench(tmp_path_factory.mktemp("bench"))
    yield one
    one.engine.connection.close()


def exactly(names: list[str], **how: str) -> Reading:
    """Return the reading that leaves every value as it is written: all text, nothing missing."""
    return Reading(dialect=Dialect(**how), nulls=(), types=dict.fromkeys(names, "string"))


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("a,b\n1,2\n3,4\n", [(1, 2), (3, 4)]),
        ("a,b\n1,2\n3,4", [(1, 2), (3, 4)]),
        ("\ufeffa,b\n1,2\n", [(1, 2)]),
        ("a,b\r\n1,2\r\n", [(1, 2)]),
        ("a,b\r1,2\r", [(1, 2)]),
        ("a,b\n1,2\r\n3,4\r5,6", [(1, 2), (3, 4), (5, 6)]),
        ("\n\na,b\n\n1,2\r\n\r\n\n", [(1, 2)]),
        ('a,b\n"x\ny",1\n', [("x\ny", 1)]),
        ('a,b\n"x\r\ny\r",1\n', [("x\r\ny\r", 1)]),
        ('a,b\n"x""y",""""\n', [('x"y', '"')]),
        ('a,b\n"",2\n,""\n', [(None, 2), (None, None)]),
        ('"a,1","b\n2"\n1,2\n', [(1, 2)]),
        ("a\n1\n\n2\n", [(1,), (2,)]),
        ("a,b\n x , y\n", [(" x ", " y")]),
        ("a,b\nx#y,#z\n", [("x#y", "#z")]),
        ("a,b\nx\\,\\N\n", [("x\\", "\\N")]),
        ("a,b\n", []),
        ("a,b", []),
    ],
)
def test_csv_that_is_read(content: str, rows: list[Row], bench: Bench) -> None:
    """Line breaks of any kind, quoted ones, blank lines, a byte order mark; a header alone has no rows."""
    assert bench.read(content.encode()) == rows


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1\n3,4\n5,6\n7,8\n", "test.csv:2: has 1 value, and the header names 2"),
        ("a,b\n1,2\n3\n5,6\n7,8\n", "test.csv:3: has 1 value, and"),
        ("a,b\n1,2\n3,4\n5,6\n7", "test.csv:5: has 1 value, and"),
        ("a,b\n1,2,9\n3,4\n5,6\n7,8\n", "test.csv:2: has 3 values, and"),
        ("a,b\n1,2\n3,4,9\n5,6\n7,8\n", "test.csv:3: has 3 values, and"),
        ("a,b\n1,2\n3,4\n5,6\n7,8,9", "test.csv:5: has 3 values, and"),
        ("a,b\n1,2,\n3,4,\n", "test.csv:2: has 3 values, and"),
        ('a,b\n"x\n\ny",1\n\n3\n', "test.csv:6: has 1 value, and"),
        ('a,b\r\n"x\r\ny",1\r\n3\r\n', "test.csv:4: has 1 value, and"),
        ("a,b\r1,2\r3\r", "test.csv:3: has 1 value, and"),
        ("a,b\n1,2\n \n", "test.csv:3: has 1 value, and"),
        ("a,b,c\n1,2\n1,2\n1,2\n1\n", "test.csv:2: has 2 values, and the header names 3"),
        ('a,b\n1,"2\n3,4\n', "test.csv:2: a quote is opened and never closed"),
        ('a,b\n1,"2"x\n', "test.csv:2: text follows a closing quote"),
        ('a,b\n1,"2" \n', "test.csv:2: text follows a closing quote"),
        ('a,b\n1,2\n1,5" pipe\n', "test.csv:3: a quote stands in a value that is not quoted"),
        ('a,b\n1, "2"\n', "test.csv:2: a quote stands in a value that is not quoted"),
        ('a,b\n1,"x\\"y"\n', "test.csv:2: text follows a closing quote"),
        ("a,b\n1,\0\n", r"test.csv:2: has a NUL byte \(byte 7 of the file\).*UTF-16"),
        ("", "test.csv: is empty"),
        ("\n\r\n\n", "test.csv: is empty"),
        ("\ufeff", "test.csv: is empty"),
        ("a,a\n1,2\n", r"test.csv:1: 2 columns have the name 'a' \(columns 1, 2\)"),
        ("a,b,A\n1,2,3\n", r"names differ only in upper and lower case: 'a', 'A' \(columns 1, 3\)"),
        (",a\n1,2\n", "test.csv:1: column 1 of 2 has no name; .*index=False"),
        ("a,b,\n1,2,\n", "test.csv:1: column 3 of 3 has no name"),
        (",,\n1,2,3\n", "test.csv:1: columns 1, 2, 3 of 3 has no name"),
    ],
)
def test_csv_that_is_refused(content: str, message: str, bench: Bench) -> None:
    """Each fault is an error that names the line and what to do."""
    with pytest.raises(EvidenceError, match=message):
        bench.read(content.encode())


def test_all_faults_of_a_header_are_named_at_once(bench: Bench) -> None:
    """Nobody has to mend a header one run at a time."""
    with pytest.raises(EvidenceError) as refused:
        bench.read(b"a,,a,b,B\n")
    assert len(refused.value.problems) == 3


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_a_wrong_delimiter_is_recognised(delimiter: str, bench: Bench) -> None:
    """Only where the release needs columns that are not there: a single column may be called anything."""
    content = f'"y"{delimiter}p\n1{delimiter}0,5\n'.encode()
    written = r'"\\t"' if delimiter == "\t" else f"'[{delimiter}]'"
    message = (
        f"test.csv:1: has one column, .* delimiter is {written}; set data.evaluation.delimiter: {written}"
    )
    with pytest.raises(EvidenceError, match=message):
        bench.read(content, Reading(wanted=frozenset({"y", "p"})))
    assert bench.read(content, Reading(dialect=Dialect(delimiter=delimiter))) == [(1, "0,5")]
    alone = f"a{delimiter}b\n1\n".encode()
    assert bench.read(alone, Reading(wanted=frozenset({f"a{delimiter}b"}))) == [(1,)]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf16_is_told_from_utf8(encoding: str, bench: Bench) -> None:
    """With a byte order mark or without, it is never read as UTF-8; with its encoding named, it is read."""
    content = "a,b\nä,2\n".encode(encoding)
    with pytest.raises(
        EvidenceError, match=r"test.csv:1: (is UTF-(16|32) text.*set data.evaluation.encoding|has a NUL)"
    ):
        bench.read(content)
    assert bench.read(content, Reading(encoding=encoding)) == [("ä", 2)]


def test_other_encodings_have_to_be_named(bench: Bench) -> None:
    """Latin-1 is no UTF-8, and what is not of the named encoding is an error too."""
    content = "a,b\nx,1\nä,2\n".encode("latin-1")
    with pytest.raises(EvidenceError, match=r"test.csv:3: is not UTF-8 text \(byte 9 of the file\)"):
        bench.read(content)
    assert bench.read(content, Reading(encoding="cp1252")) == [("x", 1), ("ä", 2)]
    with pytest.raises(EvidenceError, match="is not ascii text"):
        bench.read(content, Reading(encoding="ascii"))


@pytest.mark.parametrize("how", [{"delimiter": "§"}, {"delimiter": "\n"}, {"delimiter": '"'}, {"quote": "ä"}])
def test_dialects_that_no_file_can_have_are_refused(how: dict[str, str]) -> None:
    """One ASCII character each, and two different ones."""
    with pytest.raises(EvidenceError, match=r"release.yaml: "):
        Reading(dialect=Dialect(**how))


def test_notations_are_no_encodings() -> None:
    """Python would decode them, with escapes that mean other characters."""
    with pytest.raises(EvidenceError, match="no text encoding"):
        Reading(encoding="unicode_escape")


def test_without_quotes_a_quote_is_a_character(bench: Bench) -> None:
    """`quote: ""` reads files in which nothing is quoted."""
    assert bench.read(b'a,b\n5" pipe,"x\n', Reading(dialect=Dialect(quote=""))) == [('5" pipe', '"x')]


def _zip() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("test.csv", "a,b\n1,2\n")
    return held.getvalue()


def _parquet() -> bytes:
    held = io.BytesIO()
    pq.write_table(pa.table({"a": [1]}), held)
    return held.getvalue()


class Bomb:
    """What a pickle can do: run anything when it is loaded."""

    def __reduce__(self) -> tuple[object, ...]:
        """Fail the test that loads it."""
        return (pytest.fail, ("a pickle was loaded",))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (_zip(), "is a zip archive"),
        (_parquet(), "is a parquet file, not CSV; name it .parquet"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0), "is gzip, not CSV"),
        (b"SQLite format 3\x00" + bytes(100), "is an SQLite database"),
        *(
            (pickle.dumps(Bomb(), protocol), "is a pickle, not CSV; .* executes code")
            for protocol in range(6)
        ),
        (pickle.dumps([1], 0), "is a pickle"),
    ],
)
def test_other_formats_named_csv_are_recognised_and_never_loaded(
    content: bytes, what: str, bench: Bench
) -> None:
    """The message says what the file is; a pickle is never unpickled to find out."""
    with pytest.raises(EvidenceError, match=f"test.csv: {what}"):
        bench.read(content)


def test_records_that_never_end_are_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A forgotten quote does not pull the rest of a large file into one value."""
    monkeypatch.setattr(records, "MAX_RECORD", 100)
    monkeypatch.setattr(records, "_BLOCK", 64)
    with pytest.raises(EvidenceError, match=r"test.csv:3: begins a record of more than 100 bytes"):
        bench.read(b'a,b\n1,2\n3,"4\n' + b"5,6\n" * 100)


def test_long_values_are_read(bench: Bench) -> None:
    """DuckDB's own limit of 2 MiB a line is not ours."""
    long = "x" * 5_000_000
    assert bench.read(f"a,b\n{long},1\ny,2\n".encode()) == [(long, 1), ("y", 2)]


def test_many_columns_are_read(bench: Bench) -> None:
    """Tables of a thousand features exist."""
    names = ",".join(f"f{i}" for i in range(1000))
    (row,) = bench.read(f"{names}\n{','.join('1' * 1000)}\n".encode())
    assert row == (1,) * 1000


# What follows holds our reading against that of Python's csv module.

CELL = st.text(st.sampled_from(list("aé ,;\"\n\r\t'\\#\ufeff0")), max_size=6)
DIALECTS = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from([",", ";", "\t", "|", " "]),
        "lineterminator": st.sampled_from(["\n", "\r\n", "\r"]),
        "quoting": st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]),
    }
)


@settings(max_examples=few(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(CELL, min_size=n, max_size=n), max_size=8)),
    how=DIALECTS,
    block=st.sampled_from([1, 2, 3, 7, 4096]),
)
def test_whatever_csv_writer_writes_is_read_cell_by_cell(
    rows: list[list[str]], how: dict[str, object], block: int, bench: Bench
) -> None:
    """Or refused; what is quoted throughout is never refused. Blocks of any size give the same."""
    width = len(rows[0]) if rows else 2
    names = [f"c{i}" for i in range(width)]
    held = io.StringIO(newline="")
    csv.writer(held, **how).writerows([names, *rows])  # type: ignore[arg-type]  # typed as a dict of objects
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "_BLOCK", block)
        try:
            read = bench.read(held.getvalue().encode(), exactly(names, delimiter=str(how["delimiter"])))
        except EvidenceError:
            assert how["quoting"] == csv.QUOTE_MINIMAL
            return
    oracle = csv.reader(
        io.StringIO(held.getvalue(), newline=""), delimiter=str(how["delimiter"]), strict=True
    )
    assert [list(row) for row in read] == [row for row in oracle if row][1:]
    if how["quoting"] != csv.QUOTE_MINIMAL:
        assert [list(row) for row in read] == rows


@settings(max_examples=few(400), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.text(st.sampled_from(list('a1 ,"\n\r')), max_size=30), block=st.sampled_from([1, 2, 5, 4096]))
@example(body=' "a",1\n', block=4096)
@example(body='1,2\n"', block=1)
@example(body="1,2\r", block=4)
def test_whatever_is_accepted_is_what_the_csv_module_reads(body: str, block: int, bench: Bench) -> None:
    """Of any bytes at all: nothing is skipped, padded, merged or read in another way."""
    content = "x,y\n" + body
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "_BLOCK", block)
        try:
            read = bench.read(content.encode(), exactly(["x", "y"]))
        except EvidenceError:
            return
    oracle = [row for row in csv.reader(io.StringIO(content, newline=""), strict=True) if row]
    assert [list(row) for row in read] == oracle[1:]


def test_a_gzip_file_is_decompressed_into_the_private_directory(tmp_path: Path) -> None:
    """Of one member or several."""
    (tmp_path / "x.gz").write_bytes(gzip.compress(b"a,b\n", mtime=0) + gzip.compress(b"1,2\n", mtime=0))
    assert inflate(tmp_path / "x.gz", "x.csv.gz", tmp_path).read_bytes() == b"a,b\n1,2\n"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"a,b\n1,2\n", "is no gzip"),
        (gzip.compress(bytes(range(256)) * 50, mtime=0)[:-20], "is gzip that is cut off"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-8] + bytes(8), "damaged gzip"),
        (gzip.compress(b"a,b\n", mtime=0) + b"rubbish", "damaged gzip"),
    ],
)
def test_damaged_gzip_is_refused(content: bytes, what: str, tmp_path: Path) -> None:
    """Half a table is never taken for a table."""
    (tmp_path / "x.gz").write_bytes(content)
    with pytest.raises(EvidenceError, match=f"x.csv.gz: .*{what}"):
        inflate(tmp_path / "x.gz", "x.csv.gz", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["x.gz"]


@pytest.mark.parametrize("allowed", [Expansion(ratio=50, free=10**6), Expansion(total=10**6)])
def test_a_gzip_bomb_fills_no_disk(allowed: Expansion, tmp_path: Path) -> None:
    """It is stopped at the limit, and what was written of it is removed."""
    (tmp_path / "x.gz").write_bytes(gzip.compress(bytes(20 * 1024**2), mtime=0))
    with pytest.raises(EvidenceError, match=r"expands from \d+ bytes to more than \d+ MiB"):
        inflate(tmp_path / "x.gz", "x.csv.gz", tmp_path, allowed=allowed)
    assert [path.name for path in tmp_path.iterdir()] == ["x.gz"]


def test_damaged_files_leave_the_engine_usable(bench: Bench) -> None:
    """One bad file does not spoil the tables that are open."""
    with pytest.raises(EvidenceError):
        bench.read(b"a,b\n1\n")
    assert bench.read(b"a,b\n1,2\n") == [(1, 2)]
