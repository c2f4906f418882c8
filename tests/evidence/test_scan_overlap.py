"""Rows that are in another table too, against pandas; samples that no order of rows can change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlgate.cells import Overlap, OverlapCounts, Sample, SampledRows
from mlgate.errors import EvidenceError
from mlgate.evidence.scan import scan
from mlgate.evidence.tables import Table
from tests.conftest import few

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

    from tests.evidence.conftest import TableOf

DRAWN = settings(
    max_examples=few(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

VALUES: dict[str, list[Any]] = {
    "integer": [None, -1, 0, 1, 2, 2**53, 2**53 + 1],
    "number": [None, float("nan"), -0.0, 0.0, 1.0, 1.5, 2.0**53, float("inf"), 1e300],
    "text": [None, "", "1", "1.0", "a", "2", "inf", "nan", "9007199254740993"],
    "boolean": [None, True, False],
}
ARROW = {"integer": pa.int64(), "number": pa.float64(), "text": pa.string(), "boolean": pa.bool_()}


def found(here: Table, there: Table, columns: Sequence[str]) -> OverlapCounts:
    """Ask one table which of its rows the other has."""
    asked = Overlap(tuple(columns), "train")
    answer = scan(here, [asked], others={"train": there})[asked]
    assert isinstance(answer, OverlapCounts)
    return answer


def plain(value: Any, kind: str, other: str) -> object:
    """Spell a value so that what is equal in both tables, and nothing else, is spelt alike."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return "missing"
    numeric = "text" in (kind, other) and {kind, other} != {"text", "boolean"}
    if isinstance(value, bool):
        return str(value).lower() if "text" in (kind, other) else int(value)
    if isinstance(value, str) and numeric and kind != other:
        try:
            read = float(value)
        except ValueError:
            return ("no number", value)
        if np.isnan(read) or ("integer" in (kind, other) and not read.is_integer()):
            return ("no number", value)
        return int(value) if value.isdigit() and other == "integer" else read
    return value


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[tuple[str, str]], list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Draw the types of one to four columns in two tables, and rows of both."""
    kinds = list(VALUES)
    types = draw(st.lists(st.tuples(st.sampled_from(kinds), st.sampled_from(kinds)), min_size=1, max_size=4))
    # Truth values against texts is about the words, and tested by itself.
    types = [pair if set(pair) != {"text", "boolean"} else ("text", "text") for pair in types]

    def rows(side: int) -> list[tuple[Any, ...]]:
        return draw(
            st.lists(st.tuples(*(st.sampled_from(VALUES[pair[side]]) for pair in types)), max_size=12)
        )

    return types, rows(0), rows(1)


def arrow(types: Sequence[tuple[str, str]], rows: Sequence[tuple[Any, ...]], side: int) -> pa.Table:
    """Return rows as a table with the types of one side."""
    columns = list(zip(*rows, strict=True)) or [()] * len(types)
    return pa.table(
        {
            f"c{place}": pa.array(list(column), type=ARROW[pair[side]])
            for place, (pair, column) in enumerate(zip(types, columns, strict=True))
        }
    )


@DRAWN
@given(drawn=tables())
def test_shared_rows_are_those_that_a_merge_finds(drawn: Any, table_of: TableOf) -> None:
    """Null equals null, 1 equals 1.0, and a whole number past 2^53 does not equal its neighbour."""
    types, here, there = drawn
    names = [f"c{place}" for place in range(len(types))]
    answer = found(table_of(arrow(types, here, 0)), table_of(arrow(types, there, 1)), names)
    spelt = [
        [tuple(plain(value, *pair) for value, pair in zip(row, pairs, strict=True)) for row in rows]
        for rows, pairs in ((here, types), (there, [pair[::-1] for pair in types]))
    ]
    blank = [row for row in spelt[0] if set(row) == {"missing"}]
    left = pd.DataFrame({"row": [row for row in spelt[0] if row not in blank]}, dtype=object)
    right = pd.DataFrame({"row": spelt[1]}, dtype=object).drop_duplicates()
    expected = len(left.merge(right, on="row")) if len(left) and len(right) else 0
    assert answer == OverlapCounts(rows=len(here), shared=expected, nulls=len(blank), other_rows=len(there))


@pytest.mark.parametrize(
    ("here", "there", "shared"),
    [
        (["true", "false", "True"], [True, None], 1),
        (pa.array([0.1, 0.2], pa.float32()), pa.array([0.1, 0.3], pa.float64()), 1),
        (pa.array([2**63 + 1, 1], pa.uint64()), pa.array([2.0**63, 7.0]), 0),
        (pa.array([2**63, 1], pa.uint64()), pa.array([1, -1]), 1),
        (pa.array([1, 2], pa.int8()), pa.array([2, 300], pa.int32()), 1),
        (["2024-01-01", "soon"], pa.array([0, 19723], pa.date32()), 1),
        (pa.array([19723], pa.date32()), pa.array([1704067200000000], pa.timestamp("us")), 1),
        (
            pa.array([1704067200000000], pa.timestamp("us", tz="Europe/Berlin")),
            pa.array([1704067200000000], pa.timestamp("us")),
            1,
        ),
        (pa.array([Decimal("1.10"), None], pa.decimal128(10, 2)), pa.array([1.1, 3.0]), 1),
        (pa.array([None, None], pa.string()), pa.array([None, 1], pa.int64()), 0),
        (pa.array([2**63, 1], pa.uint64()), pa.array([2.0**63, 1.5]), 1),
    ],
    ids=str,
)
def test_one_value_of_two_types_is_one_value(here: Any, there: Any, shared: int, table_of: TableOf) -> None:
    """Values are compared in a form that both types have."""
    assert found(table_of({"x": here}), table_of({"x": there}), ["x"]).shared == shared


def test_rows_whose_hashes_meet_are_compared_in_full(
    table_of: TableOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where every row has the same hash, only equal rows count."""
    import ibis

    from mlgate.evidence import queries

    def same(table: Table, values: Any) -> Any:
        del table, values
        return ibis.literal(1, "uint64")

    monkeypatch.setattr(queries, "hash_of", same)
    rows = {"a": [1, 1, 2, None], "b": ["x", "y", "x", None], "c": [1.0, 1.0, 1.0, None]}
    others = {"a": [1, 3, None], "b": ["x", "x", None], "c": [1, 1, None]}
    answer = found(table_of(rows), table_of(others), "abc")
    assert answer == OverlapCounts(rows=4, shared=1, nulls=1, other_rows=3)


def test_a_table_looked_up_in_itself_is_all_there(table_of: TableOf) -> None:
    """The two sides may be one expression."""
    table = table_of({"a": [1, 2], "b": ["x", None], "c": [1.0, 2.0]})
    assert found(table, table, "abc").shared == 2


def test_what_cannot_be_looked_up_is_an_error(table_of: TableOf) -> None:
    """Another engine, another kind of value, no such table, no such column, no columns."""
    import ibis

    here = table_of({"a": [1, 2]})
    elsewhere = table_of({"a": [1]}, connection=ibis.duckdb.connect())
    dates = table_of({"a": pa.array([0], pa.date32())})
    for other, columns, said in (
        (elsewhere, "a", "another database or engine"),
        (dates, "a", "no values are equal"),
        (here, "b", "no such column"),
        (here, "", "no columns are named"),
        (replace(here, engine="postgres"), "a", "another database or engine"),
    ):
        with pytest.raises(EvidenceError, match=said):
            found(here, other, columns)
    with pytest.raises(EvidenceError, match="no table 'train'"):
        scan(here, [Overlap(("a",), "train")], others={})


def drawn_from(table: Table, columns: Sequence[str], rows: int, seed: int = 0) -> SampledRows:
    """Draw rows."""
    asked = Sample(tuple(columns), rows, seed)
    answer = scan(table, [asked])[asked]
    assert isinstance(answer, SampledRows)
    return answer


def frame_of(found: SampledRows) -> pd.DataFrame:
    """Return drawn rows as a frame."""
    return pd.DataFrame(dict(found.columns))


@DRAWN
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from([None, 0, 1, 2]),
            st.sampled_from([None, "a", "b"]),
            st.sampled_from([None, 0.5, 2.0]),
        ),
        max_size=40,
    ),
    size=st.integers(1, 50),
    shuffle=st.randoms(use_true_random=False),
)
def test_the_order_of_rows_does_not_show_in_a_sample(
    rows: list[tuple[Any, ...]], size: int, shuffle: Any, table_of: TableOf
) -> None:
    """The same rows come back in the same order, each as often as it is there at most."""
    mixed = shuffle.sample(rows, len(rows))
    tables = [
        pa.table(
            {
                "n": pa.array([row[0] for row in some], pa.int64()),
                "t": pa.array([row[1] for row in some], pa.string()),
                "f": pa.array([row[2] for row in some], pa.float64()),
            }
        )
        for some in (rows, mixed)
    ]
    one, other = (drawn_from(table_of(each), "ntf", size) for each in tables)
    pd.testing.assert_frame_equal(frame_of(one), frame_of(other))
    assert one.rows == min(size, len(rows))
    assert one.of == len(rows)
    left = [
        tuple(None if pd.isna(value) else value for value in row)
        for row in frame_of(one).itertuples(index=False)
    ]
    assert all(left.count(row) <= rows.count(row) for row in left)


def test_a_sample_of_few_distinct_rows_looks_like_the_table(duck: Backend, table_of: TableOf) -> None:
    """Equal rows are not drawn all together or not at all, and another seed draws others."""
    del duck
    values = np.repeat([0.0, 1.0], [3000, 7000])
    table = table_of({"x": values, "y": np.arange(10_000.0)})
    shares = [drawn_from(table, "x", 1000, seed).columns["x"].mean() for seed in range(5)]
    assert all(abs(share - 0.7) < 0.06 for share in shares)  # four standard errors
    one, other = (set(drawn_from(table, "y", 100, seed).columns["y"]) for seed in (0, 1))
    assert len(one) == 100
    assert one != other


def test_moments_truths_and_texts_are_drawn_as_the_seam_says(table_of: TableOf) -> None:
    """Seconds since 1970, 1 and 0, texts in canonical spelling; missing ones are NaN and None."""
    table = table_of(
        {
            "d": pa.array([1, None], pa.date32()),
            "t": pa.array([1_500_000, None], pa.timestamp("us")),
            "b": pa.array([True, None]),
            "s": pa.array(["x", None]),
            "i": pa.array([3, None], pa.int64()),
        }
    )
    found = frame_of(drawn_from(table, "dtbsi", 10)).sort_values("i").reset_index(drop=True)
    assert found.iloc[0].tolist() == [86400.0, 1.5, 1.0, "x", 3.0]
    assert found.iloc[1].isna().all()


def test_only_an_engine_with_a_hash_draws(table_of: TableOf) -> None:
    """Elsewhere the rows would be others on every run, which is refused."""
    table = replace(table_of({"a": [1]}), engine="postgres")
    with pytest.raises(EvidenceError, match="the same ones on every run"):
        drawn_from(table, "a", 1)
