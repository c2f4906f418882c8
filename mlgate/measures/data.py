"""Facts about the columns of a table: which there are, and what is missing, strange or constant in them.

All are counted exactly, on rows and without weights: a missing value is a fault of the file, whatever the
row weighs. On a table without rows none of them is measured. Values of the data never enter the result,
only counts of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from mlgate.cells import (
    Answers,
    BinCounts,
    ColumnProfile,
    Columns,
    ColumnType,
    Outside,
    OutsideCount,
    Profile,
    ProfileFact,
    Shape,
    Statistic,
    TableShape,
    ValueCounts,
    Values,
)
from mlgate.estimates import Chart, Estimate, GroupEstimate
from mlgate.measures import measure
from mlgate.measures.data_profile import MAX_COLUMNS, Picture, charts, pictures
from mlgate.measures.ends import between_ends, inside
from mlgate.measures.named import EMPTY, chosen, present, required

_CONSTANT = 2
"""Rows that a column needs before it can be called constant."""
_EXACT_INTEGER = 2.0**63

_DRAWN: Mapping[str, tuple[ProfileFact, ...]] = {
    "string": ("about",),
    **dict.fromkeys(("integer", "number", "date", "timestamp"), ("ends",)),
}
"""What has to be known of a column before its histogram can be asked for, by its type."""


@measure(
    id="data.schema",
    kind="fact",
    unit="deviations",
    better="lower",
    source="count of deviations from the declared columns",
)
class Schema:
    """Number of deviations from the declared columns: missing, of another type, extra, out of order.

    An `integer` column is also a `number`. With `order`, every declared column that does not stand where
    it stands in the declaration (other columns left out) is a deviation.
    """

    def __init__(
        self,
        *,
        columns: dict[str, ColumnType] | None = None,
        order: bool = False,
        extra: Literal["allow", "forbid"] = "allow",
    ) -> None:
        """Declare the parameters; the values come with each call."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the shape of the table."""
        del columns
        required("data.schema", params["columns"], "`columns: {age: integer, city: string}`")
        return [Shape()]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Compare the columns that there are with the declared ones."""
        shape = cells.get(Shape(), TableShape)
        if shape.rows == 0:
            return Estimate.missing(EMPTY)
        declared: dict[str, str] = params["columns"]
        found: dict[str, str] = dict(shape.columns)
        rows = [*_mistyped(declared, found)]
        if params["order"]:
            rows += _misplaced(declared, found)
        if params["extra"] == "forbid":
            rows += [(name, "is not declared") for name in found if name not in declared]
        deviations = tuple(
            GroupEstimate(group={"column": name}, n=shape.rows, value=1.0, rate="deviations", reason=what)
            for name, what in rows
        )
        return Estimate(value=float(len(deviations)), n=shape.rows, groups=deviations)


def _mistyped(declared: Mapping[str, str], found: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    for name, wanted in declared.items():
        if name not in found:
            yield name, "is missing"
        elif found[name] != wanted and not (wanted == "number" and found[name] == "integer"):
            yield name, f"is of type {found[name]}, declared as {wanted}"


def _misplaced(declared: Mapping[str, str], found: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    there = [name for name in found if name in declared]
    due = [name for name in declared if name in found]
    for name, other in zip(there, due, strict=True):
        if name != other:
            yield name, f"stands where {other!r} is declared"


@measure(
    id="data.missing",
    kind="fact",
    unit="1",
    better="lower",
    source="pandas.DataFrame.isna().mean().max()",
)
class Missing:
    """Largest share of missing values in any column; NaN counts as missing.

    With `profile` the finding also draws a small histogram of each column, at most 60 of them.
    """

    def __init__(
        self, *, columns: list[str] | None = None, ignore: list[str] | None = None, profile: bool = True
    ) -> None:
        """Declare the parameters: the columns to look at (default: all) and those to leave out."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for a profile of each column, and for the types that decide how it is drawn."""
        names = _looked_at("data.missing", params, columns)
        if not params["profile"]:
            return [Profile(name, ()) for name in names]
        drawn = {name: _DRAWN.get(columns.types[name], ()) for name in names[:MAX_COLUMNS]}
        return [Shape(), *(Profile(name, drawn.get(name, ())) for name in names)]

    def further(self, cells: Answers, params: Mapping[str, Any]) -> list[Statistic]:
        """Ask for the histograms, whose bins depend on the ends of the columns."""
        return [one.asked for one in _pictures(cells)] if params["profile"] else []

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the largest share, with a line for each column."""
        found = _profiled(cells)
        rows = min(one.rows for one in found.values())
        if rows == 0:
            return Estimate.missing(EMPTY)
        lines = tuple(_share(name, one.nulls, one.rows) for name, one in found.items())
        drawn: tuple[Chart, ...] = ()
        if params["profile"]:
            asked = _pictures(cells)
            drawn = charts(asked, {one.asked: cells.get(one.asked, BinCounts) for one in asked})
        return Estimate(
            value=max(one.nulls / one.rows for one in found.values()), n=rows, groups=lines, charts=drawn
        )


def _pictures(cells: Answers) -> list[Picture]:
    return pictures(dict(cells.get(Shape(), TableShape).columns), _profiled(cells))


@measure(
    id="data.range",
    kind="fact",
    unit="values",
    better="lower",
    source="count of values outside the declared ends",
)
class Range:
    """Number of values outside [low, high], over the named columns.

    `columns` maps a numeric column to two numbers, a date or timestamp column to two ISO 8601 texts;
    either end may be null. Missing values are not counted, infinite ones are outside. A column without
    any value is not measured.
    """

    def __init__(
        self, *, columns: dict[str, tuple[float | str | None, float | str | None]] | None = None
    ) -> None:
        """Declare the parameters; the values come with each call."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask, for each column, how many values lie outside."""
        wanted: dict[str, Sequence[float | str | None]] = params["columns"]
        required("data.range", wanted, "`columns: {age: [0, 120]}`")
        names = present(wanted, columns)
        asked = [between_ends(name, columns.types[name], *wanted[name]) for name in names]
        # Most columns keep to their ends, and their smallest and largest value are cheaper than two counts.
        numbers = ("integer", "number")
        return [
            Profile(one.column, ("ends",)) if columns.types[one.column] in numbers else one for one in asked
        ]

    def further(self, cells: Answers, params: Mapping[str, Any]) -> list[Statistic]:
        """Ask how many values lie outside in the columns in which some may."""
        ends: dict[str, Sequence[Any]] = params["columns"]
        return [
            Outside(name, *ends[name])
            for name, one in _profiled(cells).items()
            if not inside(one, *ends[name])
        ]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Add up the values outside."""
        del params
        asked = [one for one in cells.of if isinstance(one, Outside)]
        found = {name: _none_outside(one) for name, one in _profiled(cells).items()}
        found |= {one.column: cells.get(one, OutsideCount) for one in asked}
        rows = min(one.rows for one in found.values())
        if rows == 0:
            return Estimate.missing(EMPTY)
        lines = tuple(_outside(name, one) for name, one in found.items())
        empty = [name for name, one in found.items() if one.minimum is None]
        if empty:
            return Estimate.missing(f"column {empty[0]!r} has no values", n=rows, groups=lines)
        return Estimate(
            value=float(sum(one.below + one.above for one in found.values())), n=rows, groups=lines
        )


def _none_outside(one: ColumnProfile) -> OutsideCount:
    """Say of a column whose ends lie inside, or that has no values, that nothing is outside.

    What does not lie inside was asked further, and its count takes the place of this.
    """
    return OutsideCount(rows=one.rows, below=0, above=0, minimum=one.minimum, maximum=one.maximum)


def _outside(name: str, one: OutsideCount) -> GroupEstimate:
    line = _share(name, one.below + one.above, one.rows)
    told = f"{one.below} below, {one.above} above" if one.below + one.above else None
    return GroupEstimate(
        group=line.group,
        n=line.n,
        value=line.value if one.minimum is not None else None,
        numerator=line.numerator,
        denominator=line.denominator,
        reason=told if one.minimum is not None else "the column has no values",
    )


@measure(
    id="data.allowed_values",
    kind="fact",
    unit="rows",
    better="lower",
    source="pandas.Series.isin, counted over the declared values",
)
class AllowedValues:
    """Number of values that are not among the declared ones, over the named columns.

    Values are compared as text: 1, 1.0 and "1" are one value, true is "true". Missing values are not
    counted (see `data.missing`). A column without any value is not measured, nor is one with so many
    distinct values that they are not all known.
    """

    def __init__(self, *, columns: dict[str, list[str | int | float | bool]] | None = None) -> None:
        """Declare the parameters; the values come with each call."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the values of each column."""
        required("data.allowed_values", params["columns"], "`columns: {sex: [female, male]}`")
        return [Values(name) for name in present(params["columns"], columns)]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Add up the rows with other values."""
        found = {name: cells.get(Values(name), ValueCounts) for name in params["columns"]}
        rows = min(one.rows for one in found.values())
        if rows == 0:
            return Estimate.missing(EMPTY)
        lines = tuple(_strange(name, one, params["columns"][name]) for name, one in found.items())
        unknown = [line for line in lines if line.numerator is None]
        if unknown:
            reason = f"column {unknown[0].group['column']!r}: {unknown[0].reason}"
            return Estimate.missing(reason, n=rows, groups=lines)
        return Estimate(value=float(sum(line.numerator or 0 for line in lines)), n=rows, groups=lines)


def _strange(name: str, found: ValueCounts, allowed: Sequence[str | float | bool]) -> GroupEstimate:
    """Count the rows of a column whose value is not allowed; no numerator when that cannot be told."""
    known = {_spelt(one) for one in allowed}
    filled = found.rows - found.nulls
    others = [count for value, count in found.counts if value not in known]
    fault = None
    if filled == 0:
        fault = "the column has no values"
    elif found.distinct > len(found.counts):
        fault = f"{found.distinct} distinct values, too many to compare"
    if fault is not None:
        return GroupEstimate(group={"column": name}, n=found.rows, value=None, reason=fault)
    return GroupEstimate(
        group={"column": name},
        n=found.rows,
        value=sum(others) / filled,
        numerator=float(sum(others)),
        denominator=float(filled),
        reason=f"values that are not allowed: {len(others)}" if others else None,
    )


def _spelt(value: str | float | bool) -> str:
    """Write a declared value as the text that `Values` gives for it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT_INTEGER:
        return str(int(value))
    return str(value)


@measure(
    id="data.constant_columns",
    kind="fact",
    unit="columns",
    better="lower",
    source="pandas.DataFrame.nunique(dropna=False) == 1",
)
class ConstantColumns:
    """Number of columns with one distinct value, where missing counts as a value."""

    def __init__(self, *, columns: list[str] | None = None, ignore: list[str] | None = None) -> None:
        """Declare the parameters: the columns to look at (default: all) and those to leave out."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask whether each column varies."""
        return [Profile(name, ("varied",)) for name in _looked_at("data.constant_columns", params, columns)]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Count the constant columns, with a line for each of them."""
        del params
        found = _profiled(cells)
        rows = min(one.rows for one in found.values())
        if rows < _CONSTANT:
            return Estimate.missing("a single row is constant in every column" if rows else EMPTY, n=rows)
        constant = {name: one for name, one in found.items() if _is_constant(one)}
        lines = tuple(
            GroupEstimate(
                group={"column": name},
                n=one.rows,
                value=1.0,
                reason="every value is missing" if one.nulls else "every row has the same value",
            )
            for name, one in constant.items()
        )
        return Estimate(value=float(len(constant)), n=rows, groups=lines)


def _is_constant(one: ColumnProfile) -> bool:
    return one.nulls == one.rows or (one.nulls == 0 and not one.varied)


def _looked_at(measure_id: str, params: Mapping[str, Any], columns: Columns) -> tuple[str, ...]:
    return chosen(measure_id, params["columns"], columns, ignore=params["ignore"] or ())


def _profiled(cells: Answers) -> dict[str, ColumnProfile]:
    asked = [one for one in cells.of if isinstance(one, Profile)]
    return {one.column: cells.get(one, ColumnProfile) for one in asked}


def _share(name: str, count: int, rows: int) -> GroupEstimate:
    return GroupEstimate(
        group={"column": name},
        n=rows,
        value=count / rows if rows else None,
        numerator=float(count),
        denominator=float(rows),
    )
