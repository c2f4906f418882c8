"""Changed columns: they keep type and length, change only what they say, and are the same for a seed."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.measures import perturbing as change

FIRST, LAST = datetime.fromisoformat("1900-01-01"), datetime.fromisoformat("2100-01-01")

TYPES: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "integer": (pa.int64(), st.integers(-(2**62), 2**62)),
    "small integer": (pa.int64(), st.integers(0, 5)),
    "number": (pa.float64(), st.floats(-1e300, 1e300) | st.just(math.nan) | st.just(math.inf)),
    "text": (pa.string(), st.text(max_size=3)),
    "truth": (pa.bool_(), st.booleans()),
    "date": (pa.date32(), st.dates(date(1900, 1, 1), date(2100, 1, 1))),
    "moment": (pa.timestamp("us"), st.datetimes(FIRST, LAST)),
}


@st.composite
def columns(draw: st.DrawFn) -> pa.ChunkedArray:
    """Draw a column of any type, with missing values, in one chunk or several."""
    kind, values = TYPES[draw(st.sampled_from(sorted(TYPES)))]
    parts = draw(st.lists(st.lists(values | st.none(), max_size=8), min_size=1, max_size=3))
    return pa.chunked_array([pa.array(part, kind) for part in parts], kind)


def is_nan(value: object) -> bool:
    """Whether a value is NaN."""
    return isinstance(value, float) and math.isnan(value)


CHANGES: dict[str, Callable[[pa.ChunkedArray, np.random.Generator], pa.Array | None]] = {
    "noise": lambda column, draw: change.noise(column, 0.3, draw),
    "missing": lambda column, _: change.missing(column),
    "unseen": lambda column, _: change.unseen(column),
    "above": lambda column, _: change.beyond(column, 0.5, "above"),
    "below": lambda column, _: change.beyond(column, 0.5, "below"),
    "swapped": change.swapped,
}


@pytest.mark.parametrize("name", CHANGES)
@given(column=columns(), seed=st.integers(0, 5))
def test_a_column_keeps_its_type_and_its_gaps_and_repeats_by_seed(
    name: str, column: pa.ChunkedArray, seed: int
) -> None:
    """Whatever is changed; only `missing` makes gaps, and only `unseen` fills them."""
    made = CHANGES[name](column, np.random.default_rng(seed))
    again = CHANGES[name](column, np.random.default_rng(seed))
    if made is None:
        assert again is None
        return
    assert made.type == column.type
    assert len(made) == len(column)
    assert not change.touched(pa.chunked_array([made]), again).any()
    if name not in ("missing", "unseen"):
        assert made.is_null().to_pylist() == column.is_null().to_pylist()


@given(column=columns(), seed=st.integers(0, 5))
def test_touched_is_what_python_sees(column: pa.ChunkedArray, seed: int) -> None:
    """A row is touched where the value is another; missing equals missing and NaN equals NaN."""
    made = change.swapped(column, np.random.default_rng(seed))
    if made is None:
        return
    expected = [
        not (one == other or (is_nan(one) and is_nan(other)))
        for one, other in zip(column.to_pylist(), made.to_pylist(), strict=True)
    ]
    assert change.touched(column, made).tolist() == expected
    assert not change.touched(column, column).any()


@given(column=columns(), seed=st.integers(0, 5), scale=st.floats(0.01, 3.0))
def test_noise_stays_inside_the_range(column: pa.ChunkedArray, seed: int, scale: float) -> None:
    """And moves what is finite."""
    made = change.noise(column, scale, np.random.default_rng(seed))
    if made is None:
        return
    of = change.spread(column)
    after = change.spread(pa.chunked_array([made]))
    assert of is not None
    assert after is not None
    slack = 1e-9 * max(abs(of.low), abs(of.high), 1.0)
    assert of.low - slack <= after.low <= after.high <= of.high + slack


@given(column=columns(), factor=st.floats(0.01, 3.0))
def test_beyond_is_outside_the_range(column: pa.ChunkedArray, factor: float) -> None:
    """By at least the factor of the range, on the side that is asked for."""
    of = change.spread(column)
    for side in ("above", "below"):
        made = change.beyond(column, factor, side)
        if made is None:
            continue
        assert of is not None
        after = change.spread(pa.chunked_array([made]))
        assert after is not None
        slack = 1e-9 * max(abs(of.low), abs(of.high), 1.0)
        reached = after.low - of.high if side == "above" else of.low - after.high
        assert reached >= factor * of.range - slack


@given(column=columns(), seed=st.integers(0, 5))
def test_a_swap_takes_another_value_that_occurs(column: pa.ChunkedArray, seed: int) -> None:
    """In every row that has one."""
    made = change.swapped(column, np.random.default_rng(seed))
    if made is None:
        return
    pairs = [
        (one, other)
        for one, other in zip(column.to_pylist(), made.to_pylist(), strict=True)
        if one is not None and not is_nan(one)
    ]
    assert all(one != other for one, other in pairs)
    assert {other for _, other in pairs} <= {one for one, _ in pairs}


@given(column=columns())
def test_an_unseen_value_is_in_no_row(column: pa.ChunkedArray) -> None:
    """And is the same in all of them."""
    made = change.unseen(column)
    if made is not None and len(made):
        assert len(set(made.to_pylist())) == 1
        assert made[0].as_py() not in column.to_pylist()


def test_an_odd_text_that_occurs_is_not_taken_for_unseen() -> None:
    """A column that holds that very text gets another one."""
    column = pa.chunked_array([[change.UNSEEN, "a"]])
    made = change.unseen(column)
    assert made is not None
    assert made[0].as_py() not in (change.UNSEEN, "a")


def test_an_unseen_integer_is_above_those_of_the_whole_table() -> None:
    """The drawn rows may lack the largest code."""
    made = change.unseen(pa.chunked_array([[1, 2]]), highest=7.0)
    assert made is not None
    assert made.to_pylist() == [8, 8]


def test_listed_values_are_exchanged_each_for_each_other() -> None:
    """In as many steps as there are others; what is not listed stays."""
    column = pa.chunked_array([["a", "b", "c", "x", None]])
    assert change.exchanged(column, ["a", "b", "c"], 1).to_pylist() == ["b", "c", "a", "x", None]
    assert change.exchanged(column, ["a", "b", "c"], 2).to_pylist() == ["c", "a", "b", "x", None]


def test_shares_and_amounts_are_added() -> None:
    """Integers stay whole, and a share of a negative number goes the way of the sign."""
    numbers = pa.chunked_array([[100.0, -100.0, 0.0, None]])
    up = change.shifted(numbers, 0.1, relative=True)
    assert up is not None
    assert up.to_pylist() == [pytest.approx(110.0), pytest.approx(-90.0), 0.0, None]
    whole = change.shifted(pa.chunked_array([[3, 0, -3]]), -0.1, relative=True)
    assert whole is not None
    assert whole.to_pylist() == [2, 0, -4]


def test_large_integers_lose_no_digit() -> None:
    """A step is added to the integer itself, not to the float next to it."""
    made = change.shifted(pa.chunked_array([[2**60 + 1]]), 1.0, relative=False)
    assert made is not None
    assert made.to_pylist() == [2**60 + 2]


@given(column=columns(), seed=st.integers(0, 5), share=st.floats(0.01, 1.0))
def test_a_part_of_the_way_lies_between(column: pa.ChunkedArray, seed: int, share: float) -> None:
    """The whole way is the change itself."""
    made = change.noise(column, 0.5, np.random.default_rng(seed))
    if made is None:
        return
    after = pa.chunked_array([made])
    rows = len(column)
    assert not change.touched(after, change.between(column, after, np.ones(rows))).any()
    part = change.between(column, after, np.full(rows, share))
    for one, middle, other in zip(column.to_pylist(), part.to_pylist(), after.to_pylist(), strict=True):
        if one is None or is_nan(one):
            continue
        if isinstance(one, datetime):
            assert min(one, other) - timedelta(seconds=1) <= middle <= max(one, other) + timedelta(seconds=1)
        else:
            assert min(one, other) <= middle <= max(one, other)
