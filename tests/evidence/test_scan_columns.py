"""Facts about whole columns equal what pandas says of them."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlgate.cells import (
    ColumnProfile,
    Outside,
    OutsideCount,
    Profile,
    RepeatCounts,
    Repeats,
    Shape,
    TableShape,
    ValueCounts,
    Values,
)
from mlgate.errors import EvidenceError
from mlgate.evidence.scan import grouped, plan, scan
from tests.conftest import few

if TYPE_CHECKING:
    from mlgate.evidence.tables import Table

TableOf = Callable[..., "Table"]
DRAWN = settings(max_examples=few(25), deadline=None, suppress_health_check=[HealthCheck.too_slow])

FLOATS = st.none() | st.sampled_from([0.0, -0.0, 0.1, -3.5, 7.0, math.nan, math.inf, -math.inf]) | st.floats()
TEXTS = st.none() | st.sampled_from(["a", "b", "", " a", "é", "ß", "\U0001f600", "nan"])
KINDS: dict[str, tuple[st.SearchStrategy[Any], pa.DataType]] = {
    "float": (FLOATS, pa.float64()),
    "int": (st.none() | st.integers(-3, 3), pa.int64()),
    "text": (TEXTS, pa.string()),
    "truth": (st.none() | st.booleans(), pa.bool_()),
    "day": (st.none() | st.dates(dt.date(1999, 12, 30), dt.date(2000, 1, 3)), pa.date32()),
}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """Draw a table with a column of each kind."""
    size = draw(st.integers(0, 20))
    return pa.table(
        {
            name: pa.array(draw(st.lists(values, min_size=size, max_size=size)), kind)
            for name, (values, kind) in KINDS.items()
        }
    )


def there(data: pa.Table, name: str) -> list[Any]:
    """Return the values of a column that are not missing."""
    return [one for one in data[name].to_pylist() if one is not None and one == one]  # noqa: PLR0124  # NaN


def answered(table: Table, statistic: Any) -> Any:
    """Answer one statistic."""
    return scan(table, [statistic])[statistic]


@DRAWN
@given(data=tables())
def test_profiles_equal_pandas(table_of: TableOf, data: pa.Table) -> None:
    """Rows, nulls, distinct values, infinite values and both ends, NaN counted as missing."""
    answers = scan(table_of(data), [Profile(name) for name in KINDS])
    for name in KINDS:
        values = there(data, name)
        found = answers[Profile(name)]
        assert isinstance(found, ColumnProfile)
        assert found.rows == data.num_rows
        assert found.nulls == data.num_rows - len(values)
        assert found.distinct == pd.Series(values, dtype=object).nunique()
        assert found.infinite == sum(isinstance(one, float) and math.isinf(one) for one in values)
        low, high = (min(values), max(values)) if values else (None, None)
        if name in ("truth", "day"):
            low, high = (None if one is None else str(one).lower() for one in (low, high))
        assert (found.minimum, found.maximum) == (low, high)


@DRAWN
@given(data=tables(), low=st.integers(-3, 0) | st.none(), high=st.floats(0, 3) | st.none())
def test_values_outside_are_counted(
    table_of: TableOf, data: pa.Table, low: float | None, high: float | None
) -> None:
    """Infinite values are outside, missing ones are not, and the bounds themselves are inside."""
    asked = [Outside("float", low, high), Outside("int", low, high), Outside("day", "2000-01-01", None)]
    answers = scan(table_of(data), asked)
    for statistic in asked[:2]:
        values = there(data, statistic.column)
        found = answers[statistic]
        assert isinstance(found, OutsideCount)
        assert found.rows == data.num_rows
        assert found.below == sum(low is not None and one < low for one in values)
        assert found.above == sum(high is not None and one > high for one in values)
        assert (found.minimum, found.maximum) == (min(values, default=None), max(values, default=None))
    days = answers[asked[2]]
    assert isinstance(days, OutsideCount)
    assert days.below == sum(one < dt.date(2000, 1, 1) for one in there(data, "day"))


@DRAWN
@given(data=tables(), names=st.lists(st.sampled_from(sorted(KINDS)), min_size=1, unique=True))
def test_repeats_equal_duplicated(table_of: TableOf, data: pa.Table, names: list[str]) -> None:
    """Equal rows are what `DataFrame.duplicated` calls so, null equal to null."""
    columns = {name: [_missing(one) for one in data[name].to_pylist()] for name in names}
    frame = pd.DataFrame(columns, index=range(data.num_rows), dtype=object)
    found = answered(table_of(data), Repeats(tuple(names)))
    assert isinstance(found, RepeatCounts)
    assert found.rows == data.num_rows
    assert found.rows - found.distinct == frame.duplicated().sum()
    assert found.repeated == frame.duplicated(keep=False).sum()
    assert found.nulls == frame.isna().any(axis=1).sum()


def _missing(value: Any) -> Any:
    """Return None for NaN, which pandas would tell apart from None."""
    return None if value is None or value != value else value  # noqa: PLR0124  # NaN


@DRAWN
@given(data=tables())
def test_values_are_counted_by_frequency(table_of: TableOf, data: pa.Table) -> None:
    """The most frequent first, ties by text, missing values apart."""
    found = answered(table_of(data), Values("text"))
    values = there(data, "text")
    assert isinstance(found, ValueCounts)
    assert found.nulls == data.num_rows - len(values)
    assert (found.rows, found.distinct) == (data.num_rows, len(set(values)))
    assert list(found.counts) == sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0]))


def test_a_column_of_very_many_values_lists_the_most_frequent(table_of: TableOf) -> None:
    """Ten thousand are listed; the totals count all."""
    sql = """SELECT CASE WHEN i < 7 THEN NULL WHEN i < 100 THEN 'common' ELSE 'v' || i END AS id
             FROM range(30000) t(i)"""
    found = answered(table_of(sql), Values("id"))
    assert isinstance(found, ValueCounts)
    assert (found.rows, found.nulls, found.distinct) == (30_000, 7, 29_901)
    assert len(found.counts) == grouped.MAX_VALUES
    assert found.counts[0] == ("common", 93)


def test_a_column_of_very_many_values_may_be_all_there_is(table_of: TableOf) -> None:
    """A limit of none is no limit: short tables of long lists are whole."""
    sql = "SELECT i::DOUBLE AS id FROM range(12000) t(i)"
    found = answered(table_of(sql), Values("id"))
    assert isinstance(found, ValueCounts)
    assert (found.rows, found.nulls, found.distinct) == (12_000, 0, 12_000)
    assert found.counts[0] == ("0", 1)


def test_shape_names_the_columns_in_order(table_of: TableOf) -> None:
    """Rows are counted; names and types are those that the table was opened with."""
    found = answered(table_of({"b": [1, 2], "a": ["x", "y"]}), Shape())
    assert found == TableShape(rows=2, columns=(("b", "number"), ("a", "string")))


def test_moments_are_held_against_dates_and_times(table_of: TableOf) -> None:
    """A bound without a zone is UTC where the column has one."""
    data = table_of(
        """SELECT TIMESTAMP '2026-01-01 12:00:00' AS t, TIMESTAMPTZ '2026-01-01 12:00:00+00' AS z,
           DATE '2026-01-01' AS d"""
    )
    for statistic, sides in [
        (Outside("t", "2026-01-01T12:00:00", "2026-01-01T12:00:00"), (0, 0)),
        (Outside("t", "2026-01-01T12:00:01", "2026-01-01"), (1, 1)),
        (Outside("z", "2026-01-01T12:00:01", "2026-01-01T12:59:00+01:00"), (1, 1)),
        (Outside("z", "2026-01-01T12:00:00", None), (0, 0)),
        (Outside("d", "2026-01-01", "2026-01-01"), (0, 0)),
        (Outside("d", "2026-01-02", "2025-12-31"), (1, 1)),
    ]:
        found = answered(data, statistic)
        assert isinstance(found, OutsideCount)
        assert (found.below, found.above) == sides, statistic


@pytest.mark.parametrize(
    "statistic",
    [
        Outside("text", 0, 1),
        Outside("number", "a", None),
        Outside("number", None, math.nan),
        Outside("number", None, math.inf),
        Outside("day", 5, None),
        Outside("day", "soon", None),
        Outside("day", "2026-01-01T00:00:00+01:00", None),
    ],
)
def test_bounds_of_another_type_are_refused(table_of: TableOf, statistic: Outside) -> None:
    """A bound that cannot be held against the column ends the scan, naming both."""
    table = table_of({"text": ["1"], "number": [1.0], "day": [dt.date(2026, 1, 1)]})
    with pytest.raises(EvidenceError, match=f"column '{statistic.column}': is of type .* is no bound of"):
        scan(table, [statistic])


def test_columns_of_any_type_have_a_profile(table_of: TableOf) -> None:
    """What has no order has no ends, but is counted; what has is spelt canonically."""
    sql = """SELECT [1, 2] AS l, {'a': 1} AS s, NULL AS n, 'x'::BLOB AS b, INTERVAL 1 DAY AS i,
             2.50::DECIMAL(9, 2) AS d, TIME '10:00' AS c, 1::UTINYINT AS u,
             170141183460469231731687303715884105727::HUGEINT AS h, 'NaN'::FLOAT AS f"""
    table = table_of(sql)
    answers = scan(table, [Profile(name) for name in "lsnbidcuhf"])
    found = {one.column: answers[one] for one in answers if isinstance(one, Profile)}
    assert {name for name, one in found.items() if isinstance(one, ColumnProfile) and one.nulls} == {"n", "f"}
    decimal, huge = found["d"], found["h"]
    assert isinstance(decimal, ColumnProfile)
    assert isinstance(huge, ColumnProfile)
    assert (decimal.minimum, huge.maximum) == (2.5, pytest.approx(1.7e38, rel=0.01))


def test_a_wide_table_is_profiled_in_chunks(table_of: TableOf) -> None:
    """Three hundred columns need several queries, and every answer is right."""
    table = table_of({f"c{position}": [position, None, position] for position in range(300)})
    asked = [Profile(f"c{position}") for position in range(300)]
    queries = plan(table, asked)
    assert 1 < len(queries) < 20
    assert sum(len(one.serves) for one in queries) == 300
    answers = scan(table, asked)
    for position, statistic in enumerate(asked):
        found = answers[statistic]
        assert found == ColumnProfile(
            rows=3, nulls=1, distinct=1, infinite=0, minimum=position, maximum=position
        )


def test_exact_counts_fit_in_little_memory(table_of: TableOf) -> None:
    """Distinct values of many columns of many rows spill instead of failing."""
    import ibis

    backend = ibis.duckdb.connect(threads=2, memory_limit="200MB")
    columns = ", ".join(f"hash(i + {position})::VARCHAR AS c{position}" for position in range(4))
    table = table_of(f"SELECT {columns} FROM range(400000) t(i)", connection=backend)  # noqa: S608  # own SQL
    for found in scan(table, [Profile(f"c{position}") for position in range(4)]).values():
        assert isinstance(found, ColumnProfile)
        assert found.distinct == 400_000
    backend.disconnect()
