"""What texts mean: the types agree with pandas but for two differences that are meant."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from mlgate.cells import ColumnType
from mlgate.errors import EvidenceError
from mlgate.evidence.tables import texttypes
from mlgate.evidence.tables.csvtable import load
from mlgate.evidence.tables.delimited import Reading, check
from mlgate.evidence.tables.duck import Engine, identifier, open_engine, select, text
from tests.conftest import few


class Reader:
    """Reads columns of text by way of a CSV file."""

    def __init__(self, workdir: Path) -> None:
        """Open the engine in `workdir`."""
        self.workdir, self.engine, self.number = workdir, open_engine(workdir, threads=2), 0

    def column(self, values: list[str], **how: Any) -> tuple[ColumnType, list[Any]]:
        """Return type and values of one column."""
        self.number += 1
        name, path, reading = f"t{self.number}", self.workdir / "in.csv", Reading(**how)
        path.write_text(_csv(values), encoding="utf-8", newline="")
        loaded = load(self.engine, name, [check(path, "test.csv", reading, self.workdir)], reading)
        rows = self.engine.rows(select(["x"], name))
        self.engine.rows(f"DROP TABLE {name}")
        return loaded.types["x"], [row[0] for row in rows]


def _csv(values: list[str]) -> str:
    held = io.StringIO(newline="")
    csv.writer(held, lineterminator="\n").writerows([["x", "n"], *([value, "0"] for value in values)])
    return held.getvalue()


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Return one reader for all tests."""
    one = Reader(tmp_path_factory.mktemp("reader"))
    yield one
    one.engine.connection.close()


@pytest.fixture(scope="module")
def engine(reader: Reader) -> Engine:
    """Return the engine of the reader."""
    return reader.engine


def test_null_tokens_are_those_of_pandas() -> None:
    """All of them, and no others."""
    from pandas._libs.parsers import STR_NA_VALUES

    assert set(texttypes.NULLS) == STR_NA_VALUES


@pytest.mark.parametrize(
    ("values", "kind", "read"),
    [
        (["1", "-2", "+3", " 4 "], "integer", [1, -2, 3, 4]),
        (["1", "", "NA"], "integer", [1, None, None]),
        (["999999999999999999", "-0"], "integer", [999999999999999999, 0]),
        (["1", "2.5"], "number", [1.0, 2.5]),
        (["1e-3", ".5", "1.", "-1E5", "1e400"], "number", [0.001, 0.5, 1.0, -1e5, math.inf]),
        (["inf", "-inf", "Infinity", "+INF"], "number", [math.inf, -math.inf, math.inf, math.inf]),
        (["", "NaN", "null"], "number", [None, None, None]),
        (["True", "false", "TRUE", "NA"], "boolean", [True, False, True, None]),
        (["True", "1"], "string", ["True", "1"]),
        (["True", "tRue"], "string", ["True", "tRue"]),
        (["1", "x"], "string", ["1", "x"]),
        (["1", " "], "string", ["1", " "]),
        (["1", " NA"], "string", ["1", " NA"]),
        (["1_000"], "string", ["1_000"]),
        (["0x10"], "string", ["0x10"]),
        (["1,5"], "string", ["1,5"]),
        (["1e"], "string", ["1e"]),
        (["\u0661"], "string", ["\u0661"]),
        (["2026-01-31"], "string", ["2026-01-31"]),
        (["007", "8"], "string", ["007", "8"]),
        (["00.5"], "string", ["00.5"]),
        (["1234567890123456789", "1"], "string", ["1234567890123456789", "1"]),
        (["1234567890123456789", "1.5"], "string", ["1234567890123456789", "1.5"]),
    ],
)
def test_types_by_value(values: list[str], kind: str, read: list[Any], reader: Reader) -> None:
    """One value that does not fit makes a column a string, and then every value stays as it is."""
    assert reader.column(values) == (kind, read)


@pytest.mark.parametrize("late", ["x", "1.5", "007", "NA"])
def test_every_value_counts_and_not_a_sample(late: str, reader: Reader) -> None:
    """A value far down decides as one at the top does."""
    values = ["1"] * 5000
    kinds = {"x": "string", "1.5": "number", "007": "string", "NA": "integer"}
    assert reader.column([*values, late])[0] == kinds[late]
    assert reader.column([late, *values])[0] == kinds[late]


def test_null_tokens_of_the_release_replace_the_defaults(reader: Reader) -> None:
    """They are compared exactly, whatever characters they hold."""
    values = ["-999", "", "1", "it's.*", "-999.0"]
    assert reader.column(values, nulls=("-999", "it's.*")) == ("string", [None, "", "1", None, "-999.0"])
    assert reader.column(["NA", "x"], nulls=()) == ("string", ["NA", "x"])


@pytest.mark.parametrize(
    ("kind", "values", "read"),
    [
        ("string", ["007", "1", "NA"], ["007", "1", None]),
        ("integer", ["007", "1.0", " 2", "+3", ""], [7, 1, 2, 3, None]),
        ("number", ["007", "1", "12345678901234567890"], [7.0, 1.0, 12345678901234567890.0]),
        ("boolean", ["1", "0", "true", "FALSE", ""], [True, False, True, False, None]),
        ("date", ["2026-01-31", "0001-01-01", ""], [date(2026, 1, 31), date(1, 1, 1), None]),
        (
            "timestamp",
            ["2026-01-31", "2026-01-31 10:11", "2026-01-31T10:11:12.5", "2026-01-31T10:11:12Z"],
            [
                datetime.fromisoformat(f"2026-01-31 {time}")
                for time in ("00:00", "10:11", "10:11:12.500", "10:11:12")
            ],
        ),
        ("timestamp", ["2026-01-31T10:11:12+02:00", "2026-01-31 10:11:12-0530"], None),
    ],
)
def test_stated_types(kind: ColumnType, values: list[str], read: list[Any] | None, reader: Reader) -> None:
    """What the release states is read a little more freely; times with an offset become UTC."""
    if read is None:
        read = [datetime.fromisoformat(one).astimezone(UTC).replace(tzinfo=None) for one in values]
    assert reader.column(values, types={"x": kind}) == (kind, read)


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("integer", "1.5"),
        ("integer", "x"),
        ("integer", "1_000"),
        ("integer", "1234567890123456789"),
        ("number", "1,5"),
        ("number", "0x1"),
        ("boolean", "yes"),
        ("date", "31.01.2026"),
        ("date", "2026-02-30"),
        ("date", "2026-1-1"),
        ("date", "2026-01-31 00:00"),
        ("timestamp", "2026-01-31 24:00"),
        ("timestamp", "2026-01-31T10:11:12+99:00"),
        ("timestamp", "2026-01-31 10:11 Europe/Berlin"),
    ],
)
def test_a_value_that_does_not_fit_the_stated_type_is_named(
    kind: ColumnType, wrong: str, reader: Reader
) -> None:
    """With its line and column; blank lines and quoted line breaks are counted."""
    with pytest.raises(EvidenceError) as refused:
        reader.column(["", "a\nb", wrong], types={"x": kind}, nulls=("", "a\nb"))
    said = str(refused.value)
    assert said.startswith(f"test.csv:5: column 'x': '{wrong}' is no {kind}; ")
    todo = "write a decimal point in place of the comma" if wrong == "1,5" else "correct it, or drop 'x' from"
    assert todo in said


def test_all_columns_that_do_not_fit_are_named_at_once(reader: Reader) -> None:
    """And a stated column that is not there, with what was probably meant."""
    with pytest.raises(EvidenceError) as refused:
        reader.column(["a"], types={"x": "integer", "n": "date"})
    assert len(refused.value.problems) == 2
    with pytest.raises(EvidenceError, match="types: the table has no column 'nn'; did you mean 'n'"):
        reader.column(["a"], types={"nn": "integer"})


NULL = st.sampled_from(["", "NA", "nan", "NULL"])
INTEGERS = st.integers(-(10**17), 10**17).map(str)
FLOATS = st.floats(allow_nan=False).map(repr)
WRITTEN = {
    "int": INTEGERS,
    "float": st.one_of(FLOATS, INTEGERS),
    "bool": st.sampled_from(["True", "False", "true", "FALSE"]),
    "text": st.text(st.sampled_from("ab1.-e "), min_size=1, max_size=5),
}


@settings(max_examples=few(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), sort=st.sampled_from(sorted(WRITTEN)))
def test_types_and_values_agree_with_pandas(data: st.DataObject, sort: str, reader: Reader) -> None:
    """For columns of integers, floats, truth values and text, with missing values among them."""
    values = data.draw(st.lists(st.one_of(WRITTEN[sort], NULL), min_size=1, max_size=12))
    assume(not any(re.match(r"[ +-]*0[0-9]", value) for value in values))
    kind, read = reader.column(values)
    exact = {} if pd.__version__ >= "3" else {"float_precision": "round_trip"}
    theirs = pd.read_csv(io.StringIO(_csv(values)), dtype_backend="numpy_nullable", **exact)["x"]
    assert read == [None if one is pd.NA else one for one in theirs]
    assert kind == _kind(theirs)


def _kind(column: pd.Series[Any]) -> str:
    if column.isna().all() or pd.api.types.is_float_dtype(column):
        return "number"
    if pd.api.types.is_bool_dtype(column):
        return "boolean"
    return "integer" if pd.api.types.is_integer_dtype(column) else "string"


@settings(max_examples=few(200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(max_size=20).filter(lambda one: "\0" not in one))
@example(value="'; DROP TABLE x; --")
@example(value="\\'")
def test_texts_and_names_are_quoted_safely(value: str, engine: Engine) -> None:
    """Any text comes back from SQL as it went in, and any name names one column."""
    name = identifier(value or "x")
    assert engine.rows(select([name], f"(SELECT {text(value)} AS {name})")) == [(value,)]
    assert engine.connection.description[0][0] == (value or "x")


@settings(max_examples=few(100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tokens=st.lists(st.text(max_size=5), max_size=4), values=st.lists(st.text(max_size=5), max_size=6))
def test_null_tokens_are_compared_exactly(tokens: list[str], values: list[str], engine: Engine) -> None:
    """No character in a token has a meaning of its own."""
    values = [value for value in [*values, *tokens] if "\0" not in value]
    for value in values:
        sql = select([texttypes.non_null("v", tokens)], f"(SELECT {text(value)} AS v)")
        assert engine.rows(sql) == [(None if value in tokens else value,)]
