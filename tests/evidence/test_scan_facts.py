"""Statistics about columns and rows equal what pandas, numpy and scipy find on the rows."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections import Counter
from collections.abc import Callable
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlgate.cells import (
    BinCounts,
    ColumnProfile,
    ConflictCounts,
    Conflicts,
    Correlation,
    CorrelationValue,
    Histogram,
    MatchCount,
    Matches,
    Newest,
    Profile,
    Quartiles,
    QuartileValues,
    RepeatCounts,
    Repeats,
    Scaled,
    SortCounts,
    Sorts,
    TableStatistic,
    TimeSpan,
)
from mlgate.errors import EvidenceError
from mlgate.evidence.scan import plan, scan
from mlgate.measures.data_profile import pictures
from tests.conftest import few

if TYPE_CHECKING:
    from mlgate.evidence.tables import Table

TableOf = Callable[..., "Table"]

DRAWN = settings(
    max_examples=few(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
REALS = st.none() | st.floats(-1e6, 1e6, allow_subnormal=False) | st.just(math.nan)
TEXTS = st.none() | st.sampled_from(["a", "b", "", "é", "12", "1,200", "007", "2026-01-31", "true", "x y"])
NAMES = ['quo"te', "semi; DROP TABLE t", "naïve café", "n", "hash", "label"]


def answered(table: Table, statistic: Any) -> Any:
    """Answer one statistic."""
    return scan(table, [statistic])[statistic]


def held(values: list[Any]) -> list[Any]:
    """Return the values that are not missing."""
    return [one for one in values if one is not None and one == one]  # noqa: PLR0124  # NaN


@DRAWN
@given(
    numbers=st.lists(REALS, max_size=12),
    texts=st.lists(TEXTS, max_size=12),
    truths=st.lists(st.none() | st.booleans()),
)
def test_a_column_varies_when_two_rows_differ(
    table_of: TableOf, numbers: list[Any], texts: list[Any], truths: list[Any]
) -> None:
    """Missing values are no second value, and nothing that was not asked for is told."""
    for values, kind in ((numbers, pa.float64()), (texts, pa.string()), (truths, pa.bool_())):
        table = table_of(pa.table({"x": pa.array(values, kind)}))
        statistic = Profile("x", ("varied",))
        assert answered(table, statistic) == ColumnProfile(
            rows=len(values), nulls=len(values) - len(held(values)), varied=len(set(held(values))) > 1
        )


def test_what_varies_needs_no_order(table_of: TableOf) -> None:
    """Lists and structs are compared by their distinct values."""
    table = table_of("SELECT [i % 2] AS two, [1] AS one, {'a': NULL} AS s FROM range(5) t(i)")
    found = scan(table, [Profile(name, ("varied",)) for name in ("two", "one", "s")])
    assert [one.varied for one in found.values() if isinstance(one, ColumnProfile)] == [False, False, True]


def test_texts_that_share_a_hash_are_looked_at_again(
    table_of: TableOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where every text has one hash, the texts themselves decide; nothing rests on the hash."""
    from mlgate.evidence import queries

    monkeypatch.setattr(queries, "hash_of", lambda _, values: values.isnull().ifelse(7, 7))  # noqa: PD003  # of Ibis
    rows = {"a": ["x", "y", None], "b": ["x", "x", None], "c": [1, 1, 1], "d": [2, 2, 2]}
    table = table_of(rows)
    assert [answered(table, Profile(name, ("varied",))).varied for name in "ab"] == [True, False]
    assert answered(table, Repeats(("a", "c", "d"))) == RepeatCounts(rows=3, distinct=3, repeated=0, nulls=1)
    assert answered(table, Repeats(("b", "c", "d"))) == RepeatCounts(rows=3, distinct=2, repeated=2, nulls=1)
    assert answered(table_of(rows | {"y": [0, 1, 1]}), Conflicts(("b", "c", "d"), "y")).conflicting == 2


@DRAWN
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from([0.0, -0.0, 1.5, math.nan, None]),
            TEXTS,
            st.integers(0, 1),
            st.none() | st.integers(0, 2),
        ),
        max_size=25,
    )
)
def test_equal_rows_and_their_labels(table_of: TableOf, rows: list[tuple[Any, ...]]) -> None:
    """Repeated and contradicting rows of several columns are those that pandas finds."""
    names = ['quo"te', "hash", "n"]
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    kinds = (pa.float64(), pa.string(), pa.int64(), pa.int64())
    arrays = [pa.array(one, kind) for one, kind in zip(columns, kinds, strict=True)]
    table = table_of(pa.table(dict(zip([*names, "label"], arrays, strict=True))))
    frame = pd.DataFrame(
        [[None if one is None or one != one else one for one in row] for row in rows],  # noqa: PLR0124  # NaN
        columns=[*names, "label"],
        dtype=object,
    )
    part = frame[names]
    assert answered(table, Repeats(tuple(names))) == RepeatCounts(
        rows=len(frame),
        distinct=len(frame) - int(part.duplicated().sum()),
        repeated=int(part.duplicated(keep=False).sum()),
        nulls=int(part.isna().any(axis=1).sum()),
    )
    spelt = part.map(lambda one: repr(one + 0.0 if isinstance(one, float) else one)).agg("|".join, axis=1)
    several = frame["label"].groupby(spelt).transform("nunique") > 1 if len(frame) else frame["label"].notna()
    assert answered(table, Conflicts(tuple(names), "label")) == ConflictCounts(
        rows=len(frame),
        unlabelled=int(frame["label"].isna().sum()),
        conflicting=int((several & frame["label"].notna()).sum()),
    )


@DRAWN
@given(
    columns=st.lists(st.lists(REALS, min_size=6, max_size=6), min_size=1, max_size=6),
    whole=st.lists(st.none() | st.integers(-(10**9), 10**9), min_size=6, max_size=6),
    days=st.lists(st.none() | st.dates(dt.date(1600, 1, 1), dt.date(2400, 1, 1)), min_size=6, max_size=6),
    texts=st.lists(TEXTS, min_size=6, max_size=6),
)
def test_histograms_count_every_row_once(
    table_of: TableOf, columns: list[list[Any]], whole: list[Any], days: list[Any], texts: list[Any]
) -> None:
    """Bins hold the values between their edges, exactly, and values are counted for themselves."""
    data = {NAMES[place]: pa.array(one, pa.float64()) for place, one in enumerate(columns)}
    data |= {
        "whole": pa.array(whole, pa.int64()),
        "day": pa.array(days, pa.date32()),
        "text": pa.array(texts),
    }
    table = table_of(pa.table(data))
    types: dict[str, Any] = dict.fromkeys(data, "number") | {
        "whole": "integer",
        "day": "date",
        "text": "string",
    }
    asked = {
        name: Profile(name, ("about",) if kind == "string" else ("ends",)) for name, kind in types.items()
    }
    profiles: Any = scan(table, list(asked.values()))
    drawn = pictures(types, {name: profiles[one] for name, one in asked.items()})
    assert {one.column for one in drawn} == {name for name in data if held(data[name].to_pylist())}
    found = scan(table, [one.asked for one in drawn])
    for one in drawn:
        values = held(data[one.column].to_pylist())
        counts = found[one.asked]
        assert isinstance(counts, BinCounts)
        assert (counts.rows, counts.nulls) == (6, 6 - len(values))
        if one.asked.width is None:
            assert dict(counts.values) == Counter(values)
            continue
        if one.column == "day":
            values = [(day - dt.date(1970, 1, 1)).days * 86_400 for day in values]
        width, start = one.asked.width, one.asked.start
        for place, n in counts.bins:
            assert n == sum(start + place * width <= value < start + (place + 1) * width for value in values)
        assert sum(n for _, n in counts.bins) == len(values)
        assert len(counts.bins) <= 17


def test_many_columns_share_few_queries(table_of: TableOf) -> None:
    """Columns of few bins are counted together; one of many values is counted alone."""
    table = table_of("SELECT i % 7 AS a, i % 5 AS b, i % 3 AS c, i AS d FROM range(2000) t(i)")
    asked = [Histogram(name, 1.0, size=8) for name in "abc"] + [Histogram("d", 1.0, size=15_000)]
    assert [len(one.serves) for one in plan(table, asked)] == [1, 3]
    answers = scan(table, asked)
    assert answers[asked[1]] == BinCounts(rows=2000, nulls=0, bins=tuple((i, 400) for i in range(5)))


@DRAWN
@given(
    values=st.lists(REALS | st.sampled_from([math.inf, -math.inf]), max_size=30),
    other=st.lists(REALS, min_size=30, max_size=30),
)
def test_quartiles_equal_numpy(table_of: TableOf, values: list[Any], other: list[Any]) -> None:
    """The linear quartiles of what is not missing; infinite where infinite values reach that far."""
    arrays = {"x": pa.array(values, pa.float64()), "y": pa.array(other[: len(values)], pa.float64())}
    answers = scan(table_of(pa.table(arrays)), [Quartiles("x"), Quartiles("y")])
    for name, drawn in (("x", values), ("y", other[: len(values)])):
        there = held(drawn)
        found = answers[Quartiles(name)]
        assert isinstance(found, QuartileValues)
        assert (found.rows, found.nulls) == (len(values), len(values) - len(there))
        if not there:
            assert found.median is None
        elif all(map(math.isfinite, there)):
            want = np.quantile(there, [0.25, 0.5, 0.75])
            assert [found.first, found.median, found.third] == pytest.approx(want, rel=1e-12, abs=1e-9)


@DRAWN
@given(
    texts=st.lists(TEXTS, max_size=20), pattern=st.sampled_from(["a|b", "[0-9]+", "", "é", "(a+)+", r"\w y"])
)
def test_patterns_match_as_python_has_it(table_of: TableOf, texts: list[Any], pattern: str) -> None:
    """A full match and a search; alternatives are taken as a whole."""
    table = table_of(pa.table({"t": pa.array(texts, pa.string())}))
    for whole, look in ((True, re.fullmatch), (False, re.search)):
        assert answered(table, Matches("t", pattern, whole)) == MatchCount(
            rows=len(texts),
            nulls=texts.count(None),
            matching=sum(look(pattern, one) is not None for one in held(texts)),
        )


def test_a_line_break_is_not_cut_off(table_of: TableOf) -> None:
    """A value with a line break at its end is not the value without it."""
    table = table_of({"t": ["ab", "ab\n"]})
    assert answered(table, Matches("t", "ab", True)).matching == 1
    assert answered(table, Matches("t", "ab$", False)).matching == 1


def test_patterns_need_texts(table_of: TableOf) -> None:
    """A column of numbers matches no pattern: it is refused."""
    with pytest.raises(EvidenceError, match="a pattern is for texts; name a column of texts"):
        answered(table_of({"x": [1, 2]}), Matches("x", "1", True))


@DRAWN
@given(
    texts=st.lists(TEXTS | st.sampled_from(["-1.5e3", " 7 ", "31.01.2026", "FALSE", "1.", "1..2", "2026-01"]))
)
def test_texts_are_sorted_by_what_they_look_like(table_of: TableOf, texts: list[Any]) -> None:
    """Every text is one of numbers, dates, truth values and words."""
    table = table_of(pa.table({"t": pa.array(texts, pa.string())}))
    numbers, dates, truths = (
        {"12", "1,200", "-1.5e3", " 7 ", "1."},
        {"2026-01-31", "31.01.2026"},
        {"true", "FALSE"},
    )
    count = Counter(held(texts))
    known = [sum(count[one] for one in sort) for sort in (numbers, dates, truths)]
    assert answered(table, Sorts("t")) == SortCounts(
        rows=len(texts),
        numbers=known[0],
        dates=known[1],
        truths=known[2],
        words=len(held(texts)) - sum(known),
    )


@DRAWN
@given(
    rows=st.lists(
        st.tuples(*([st.none() | st.integers(-50, 50) | st.floats(-1e3, 1e3, width=32)] * 3)), max_size=25
    ),
    exponent=st.sampled_from([0, 150, -150]),
)
def test_correlations_equal_pandas(table_of: TableOf, rows: list[tuple[Any, ...]], exponent: int) -> None:
    """Each pair in the rows that have both, however large or small the values are."""
    unit = 10.0**exponent
    data = [
        [None if one is None else float(one) for one in column] for column in zip(*rows, strict=True)
    ] or [[], [], []]
    scaled = [[None if one is None else one * unit for one in column] for column in data]
    table = table_of(
        pa.table({name: pa.array(one, pa.float64()) for name, one in zip("abc", scaled, strict=True)})
    )
    scales = [Scaled(name, 0.0, 1e3 * unit) for name in "abc"]
    asked = [Correlation(*pair) for pair in combinations(scales, 2)]
    answers = scan(table, asked)
    frame = pd.DataFrame(dict(zip("abc", data, strict=True)), dtype=float)
    for one in asked:
        found = answers[one]
        assert isinstance(found, CorrelationValue)
        both = frame[[one.first.column, one.second.column]].dropna()
        assert found.n == len(both)
        spread = both.std(ddof=0).min() if len(both) > 1 else 0.0
        if spread > 1e-2:
            assert found.value == pytest.approx(both.iloc[:, 0].corr(both.iloc[:, 1]), abs=1e-6)


def test_the_newest_row_and_those_from_the_future(table_of: TableOf) -> None:
    """Rows later than the moment are counted, and the newest is among the others."""
    sql = """SELECT * FROM (VALUES (TIMESTAMP '2026-01-01 10:00:00.25', DATE '2026-01-01'),
             (TIMESTAMP '2026-01-01 12:00:01', DATE '2026-01-02'), (NULL, NULL)) v(t, d)"""
    table = table_of(sql)
    when = "2026-01-01T12:00:00"
    assert answered(table, Newest("t", when)) == TimeSpan(
        rows=3, nulls=1, newest="2026-01-01T10:00:00.25", later=1
    )
    assert answered(table, Newest("d", when)) == TimeSpan(rows=3, nulls=1, newest="2026-01-01", later=1)
    assert answered(table, Newest("t", "2020-01-01T00:00:00")) == TimeSpan(
        rows=3, nulls=1, newest=None, later=2
    )


def test_exact_distinct_values_are_counted_only_when_asked(table_of: TableOf) -> None:
    """What no check needs is not in the query: exact distinct counts keep every value in memory."""
    table = table_of({"a": [1.0], "t": ["x"]})
    asked = [Profile(name, facts) for name in "at" for facts in ((), ("ends",), ("varied",), ("about",))]
    (query,) = plan(table, asked)
    assert "COUNT(DISTINCT" not in query.sql.upper()
    assert "COUNT(DISTINCT" in plan(table, [Profile("a", ("distinct",))])[0].sql.upper()


def test_the_order_of_rows_does_not_show(table_of: TableOf) -> None:
    """The same rows in another order give the same answers."""
    sql = "SELECT hash(i) % 1000 / 7 AS x, 'v' || hash(i) % 5 AS t, hash(i) % 3 AS y FROM range(5000) q(i)"
    asked: list[TableStatistic] = [
        Profile("x", ("ends", "varied")),
        Histogram("x", 8.0),
        Histogram("t"),
        Quartiles("x"),
        Sorts("t"),
        Repeats(("x", "t", "y")),
        Conflicts(("x", "t"), "y"),
    ]
    assert scan(table_of(sql), asked) == scan(table_of(f"{sql} ORDER BY hash(i + 1)"), asked)
