"""Expectations of Great Expectations that are functions of what the scan counts anyway.

Each is here only where its meaning on a column of that type is the one that Great Expectations gives it on a
pandas frame; a test holds both equal on drawn tables. Everything else is left to Great Expectations itself:
means (whose last digits depend on the order of a sum), timestamps, mixed sets, texts compared with `<`.

Where pandas itself rounds, the counts here do not: whole numbers beyond 2^53 in a column with missing values,
which pandas keeps as floats.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from mlgate.cells import (
    Among,
    Answers,
    ColumnProfile,
    Columns,
    ColumnType,
    Expectation,
    ExpectedResult,
    Lengths,
    MatchCount,
    Matches,
    Outside,
    OutsideCount,
    Profile,
    RepeatCounts,
    Repeats,
    Shape,
    TableShape,
    TableStatistic,
)
from mlgate.evidence.expectations.patterns import translated

Judge: TypeAlias = Callable[[Answers], ExpectedResult]

_EXACT = 2**53
"""Whole numbers below this are floats of 64 bits, too."""

_EXACT_SMALL = 2**24
"""And floats of 32 bits, which a column of numbers may hold."""

_DATE = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class Fused:
    """What an expectation asks of the scan, and how the answers judge it."""

    statistics: tuple[TableStatistic, ...]
    judge: Judge


def fused(expectation: Expectation, columns: Columns) -> Fused | None:
    """Return how the scan answers an expectation; None where Great Expectations has to."""
    make = _FUSED.get(expectation.type)
    return None if make is None else make(json.loads(expectation.kwargs), columns)


def _type(columns: Columns, name: str) -> ColumnType | None:
    return columns.types.get(name)


def _mostly(kwargs: Mapping[str, Any], judged: int, unexpected: int) -> bool:
    """Tell whether enough values are as expected; with none to judge it holds, as it does there."""
    if judged == 0:
        return True
    # In this order and with floats, as `great_expectations.expectations.expectation._mostly_success`.
    return bool((float(judged) - float(unexpected)) / float(judged) >= kwargs.get("mostly", 1))


def _values(kwargs: Mapping[str, Any], *, rows: int, nulls: int, unexpected: int) -> ExpectedResult:
    """Judge the values of a column that are there."""
    success = _mostly(kwargs, rows - nulls, unexpected)
    return ExpectedResult(success=success, elements=rows, missing=nulls, unexpected=unexpected)


def _all_rows(kwargs: Mapping[str, Any], *, rows: int, unexpected: int) -> ExpectedResult:
    """Judge every row, missing values included."""
    return ExpectedResult(success=_mostly(kwargs, rows, unexpected), elements=rows, unexpected=unexpected)


def _inside(kwargs: Mapping[str, Any], value: float) -> bool:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    above = low is None or (value > low if kwargs.get("strict_min") else value >= low)
    below = high is None or (value < high if kwargs.get("strict_max") else value <= high)
    return bool(above and below)


def _not_null(kwargs: Mapping[str, Any], columns: Columns) -> Fused:
    del columns
    asked = Profile(kwargs["column"], ())

    def judge(answers: Answers) -> ExpectedResult:
        found = answers.get(asked, ColumnProfile)
        return _all_rows(kwargs, rows=found.rows, unexpected=found.nulls)

    return Fused((asked,), judge)


def _null(kwargs: Mapping[str, Any], columns: Columns) -> Fused:
    del columns
    asked = Profile(kwargs["column"], ())

    def judge(answers: Answers) -> ExpectedResult:
        found = answers.get(asked, ColumnProfile)
        return _all_rows(kwargs, rows=found.rows, unexpected=found.rows - found.nulls)

    return Fused((asked,), judge)


def _is_bound(kind: ColumnType | None, bound: Any) -> bool:
    """Whether the engine compares values of a type with a bound as pandas does."""
    if bound is None:
        return True
    if kind == "date":
        return isinstance(bound, str) and _DATE.fullmatch(bound) is not None
    if isinstance(bound, bool) or not isinstance(bound, int | float):
        return False
    if kind == "number":
        return not float(bound).is_integer() or abs(bound) < _EXACT_SMALL
    return kind == "integer" and abs(bound) < _EXACT


def _between(kwargs: Mapping[str, Any], columns: Columns) -> Fused | None:
    name = kwargs["column"]
    kind = _type(columns, name)
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if not (_is_bound(kind, low) and _is_bound(kind, high)):
        return None
    held = Profile(name, ())
    # What is not above the low end is outside where that end does not belong to the range.
    strict_low, strict_high = bool(kwargs.get("strict_min")), bool(kwargs.get("strict_max"))
    under = None if low is None else Outside(name, *((None, low) if strict_low else (low, None)))
    over = None if high is None else Outside(name, *((high, None) if strict_high else (None, high)))

    def judge(answers: Answers) -> ExpectedResult:
        found = answers.get(held, ColumnProfile)
        there = found.rows - found.nulls
        unexpected = 0
        if under is not None:
            one = answers.get(under, OutsideCount)
            unexpected += there - one.above if strict_low else one.below
        if over is not None:
            one = answers.get(over, OutsideCount)
            unexpected += there - one.below if strict_high else one.above
        # With ends that exclude each other, a value may be outside of both.
        unexpected = min(unexpected, there)
        return _values(kwargs, rows=found.rows, nulls=found.nulls, unexpected=unexpected)

    return Fused((held, *(one for one in (under, over) if one is not None)), judge)


def _set_of(kind: ColumnType | None, values: list[Any]) -> tuple[Any, ...] | None:
    """Return a set as the engine compares it with a column; None where pandas might compare otherwise."""
    if kind == "string" and all(isinstance(one, str) for one in values):
        return tuple(dict.fromkeys(values))
    if kind == "boolean" and all(isinstance(one, bool) for one in values):
        return tuple(dict.fromkeys(values))
    if kind in ("integer", "number") and not any(isinstance(one, bool) for one in values):
        if not all(isinstance(one, int | float) and abs(one) < _EXACT for one in values):
            return None
        numbers = dict.fromkeys(float(one) for one in values)
        if kind == "number":
            return tuple(numbers)
        return tuple(int(one) for one in numbers if one.is_integer())  # a whole number equals no other
    return None


def _in_set(kwargs: Mapping[str, Any], columns: Columns, *, inside: bool = True) -> Fused | None:
    values = _set_of(_type(columns, kwargs["column"]), kwargs["value_set"])
    if values is None:
        return None
    if not values:
        return _none_of(kwargs, wanted=inside)
    return _matching(Among(kwargs["column"], values), kwargs, wanted=inside)


def _none_of(kwargs: Mapping[str, Any], *, wanted: bool) -> Fused:
    """Expect the values to be in an empty set, or not to be."""
    asked = Profile(kwargs["column"], ())

    def judge(answers: Answers) -> ExpectedResult:
        found = answers.get(asked, ColumnProfile)
        unexpected = found.rows - found.nulls if wanted else 0
        return _values(kwargs, rows=found.rows, nulls=found.nulls, unexpected=unexpected)

    return Fused((asked,), judge)


def _not_in_set(kwargs: Mapping[str, Any], columns: Columns) -> Fused | None:
    return _in_set(kwargs, columns, inside=False)


def _matching(asked: Among | Lengths | Matches, kwargs: Mapping[str, Any], *, wanted: bool = True) -> Fused:
    """Expect the values to be among those that the scan counts, or not to be."""

    def judge(answers: Answers) -> ExpectedResult:
        found = answers.get(asked, MatchCount)
        there = found.rows - found.nulls
        unexpected = there - found.matching if wanted else found.matching
        return _values(kwargs, rows=found.rows, nulls=found.nulls, unexpected=unexpected)

    return Fused((asked,), judge)


def _regex(kwargs: Mapping[str, Any], columns: Columns, *, wanted: bool = True) -> Fused | None:
    pattern = translated(kwargs["regex"])
    if pattern is None or _type(columns, kwargs["column"]) != "string":
        return None
    return _matching(Matches(kwargs["column"], pattern, whole=False), kwargs, wanted=wanted)


def _not_regex(kwargs: Mapping[str, Any], columns: Columns) -> Fused | None:
    return _regex(kwargs, columns, wanted=False)


def _lengths(kwargs: Mapping[str, Any], columns: Columns) -> Fused | None:
    if _type(columns, kwargs["column"]) != "string":
        return None
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if low is not None and kwargs.get("strict_min"):
        low += 1
    if high is not None and kwargs.get("strict_max"):
        high -= 1
    return _matching(Lengths(kwargs["column"], low, high), kwargs)


def _length(kwargs: Mapping[str, Any], columns: Columns) -> Fused | None:
    if _type(columns, kwargs["column"]) != "string":
        return None
    return _matching(Lengths(kwargs["column"], kwargs["value"], kwargs["value"]), kwargs)


def _unique(kwargs: Mapping[str, Any], columns: Columns) -> Fused | None:
    if _type(columns, kwargs["column"]) in (None, "other"):
        return None
    asked = Repeats((kwargs["column"],))

    def judge(answers: Answers) -> ExpectedResult:
        found = answers.get(asked, RepeatCounts)
        # Missing values are repeats of each other to the scan, and nothing to Great Expectations.
        unexpected = found.repeated - (found.nulls if found.nulls > 1 else 0)
        return _values(kwargs, rows=found.rows, nulls=found.nulls, unexpected=unexpected)

    return Fused((asked,), judge)


def _compound(kwargs: Mapping[str, Any], columns: Columns) -> Fused | None:
    names = tuple(kwargs["column_list"])
    usual = kwargs.get("ignore_row_if", "all_values_are_missing") == "all_values_are_missing"
    if not usual or len(names) == 1 or any(_type(columns, name) in (None, "other") for name in names):
        return None
    repeats = Repeats(names)
    held = tuple(Profile(name, ()) for name in names)

    def judge(answers: Answers) -> ExpectedResult:
        found = answers.get(repeats, RepeatCounts)
        fewest = min(answers.get(one, ColumnProfile).nulls for one in held)
        if fewest:
            reason = "rows may miss all of these columns, which mlgate does not count; use `engine: gx`"
            return ExpectedResult(success=None, elements=found.rows, reason=reason)
        return _values(kwargs, rows=found.rows, nulls=0, unexpected=found.repeated)

    return Fused((repeats, *held), judge)


def _end(kwargs: Mapping[str, Any], columns: Columns, end: str) -> Fused | None:
    kind = _type(columns, kwargs["column"])
    bounds = (kwargs.get("min_value"), kwargs.get("max_value"))
    if kind not in ("integer", "number") or not all(
        _is_bound("integer", one) or _is_real(one) for one in bounds
    ):
        return None
    asked = Profile(kwargs["column"], ("ends",))

    def judge(answers: Answers) -> ExpectedResult:
        found = answers.get(asked, ColumnProfile)
        value = getattr(found, end)
        success = isinstance(value, float) and _inside(kwargs, value)
        return ExpectedResult(success=success, elements=found.rows, missing=found.nulls)

    return Fused((asked,), judge)


def _is_real(bound: Any) -> bool:
    """Whether a bound is a number that no rounding of whole numbers beyond 2^53 can cross."""
    return isinstance(bound, float) and abs(bound) < _EXACT


def _minimum(kwargs: Mapping[str, Any], columns: Columns) -> Fused | None:
    return _end(kwargs, columns, "minimum")


def _maximum(kwargs: Mapping[str, Any], columns: Columns) -> Fused | None:
    return _end(kwargs, columns, "maximum")


def _distinct(kwargs: Mapping[str, Any], columns: Columns, *, share: bool = False) -> Fused | None:
    bounds = (kwargs.get("min_value"), kwargs.get("max_value"))
    if _type(columns, kwargs["column"]) in (None, "other") or any(isinstance(one, str) for one in bounds):
        return None
    asked = Profile(kwargs["column"], ("distinct",))

    def judge(answers: Answers) -> ExpectedResult:
        found = answers.get(asked, ColumnProfile)
        there = found.rows - found.nulls
        value = float(found.distinct or 0)
        if share:
            value = (found.distinct or 0) / there if there else 0.0
        return ExpectedResult(success=_inside(kwargs, value), elements=found.rows, missing=found.nulls)

    return Fused((asked,), judge)


def _distinct_share(kwargs: Mapping[str, Any], columns: Columns) -> Fused | None:
    return _distinct(kwargs, columns, share=True)


def _type_list(kwargs: Mapping[str, Any], columns: Columns) -> Fused | None:
    """Return how the types of numbers are judged; those of others depend on the version of pandas."""
    kind, wanted = _type(columns, kwargs["column"]), kwargs["type_list"]
    if kind not in ("integer", "number") or set(wanted) != {"int64", "float64"}:
        return None
    asked = Profile(kwargs["column"], ())

    def judge(answers: Answers) -> ExpectedResult:
        found = answers.get(asked, ColumnProfile)
        return ExpectedResult(success=True, elements=found.rows, missing=found.nulls)

    return Fused((asked,), judge)


def _of_shape(judge: Callable[[Mapping[str, Any], TableShape], bool]) -> Callable[..., Fused]:
    """Make an expectation that the shape of the table answers."""

    def make(kwargs: Mapping[str, Any], columns: Columns) -> Fused:
        del columns
        return Fused(
            (Shape(),),
            lambda answers: ExpectedResult(success=judge(kwargs, answers.get(Shape(), TableShape))),
        )

    return make


def _names(shape: TableShape) -> list[str]:
    return [name for name, _ in shape.columns]


def _exists(kwargs: Mapping[str, Any], shape: TableShape) -> bool:
    names, place = _names(shape), kwargs.get("column_index")
    if not place:  # 0 says nothing to Great Expectations
        return kwargs["column"] in names
    return bool(place < len(names) and names[place] == kwargs["column"])


def _same_set(kwargs: Mapping[str, Any], shape: TableShape) -> bool:
    wanted, there = set(kwargs["column_set"]), set(_names(shape))
    return wanted == there if kwargs.get("exact_match", True) else wanted <= there


_FUSED: Mapping[str, Callable[[Mapping[str, Any], Columns], Fused | None]] = {
    "expect_column_max_to_be_between": _maximum,
    "expect_column_min_to_be_between": _minimum,
    "expect_column_proportion_of_unique_values_to_be_between": _distinct_share,
    "expect_column_to_exist": _of_shape(_exists),
    "expect_column_unique_value_count_to_be_between": _distinct,
    "expect_column_value_lengths_to_be_between": _lengths,
    "expect_column_value_lengths_to_equal": _length,
    "expect_column_values_to_be_between": _between,
    "expect_column_values_to_be_in_set": _in_set,
    "expect_column_values_to_be_in_type_list": _type_list,
    "expect_column_values_to_be_null": _null,
    "expect_column_values_to_be_unique": _unique,
    "expect_column_values_to_match_regex": _regex,
    "expect_column_values_to_not_be_in_set": _not_in_set,
    "expect_column_values_to_not_be_null": _not_null,
    "expect_column_values_to_not_match_regex": _not_regex,
    "expect_compound_columns_to_be_unique": _compound,
    "expect_table_column_count_to_be_between": _of_shape(
        lambda kwargs, shape: _inside(kwargs, len(shape.columns))
    ),
    "expect_table_column_count_to_equal": _of_shape(
        lambda kwargs, shape: bool(len(shape.columns) == kwargs["value"])
    ),
    "expect_table_columns_to_match_ordered_list": _of_shape(
        lambda kwargs, shape: bool(_names(shape) == kwargs["column_list"])
    ),
    "expect_table_columns_to_match_set": _of_shape(_same_set),
    "expect_table_row_count_to_be_between": _of_shape(lambda kwargs, shape: _inside(kwargs, shape.rows)),
    "expect_table_row_count_to_equal": _of_shape(lambda kwargs, shape: bool(shape.rows == kwargs["value"])),
}
"""From the type of an expectation to how it is fused, where it can be."""

TYPES = frozenset(_FUSED)
"""The types that may be fused, depending on their arguments and on the column."""
