"""Facts about columns of texts: whether values are written as they should be, and alike.

Counted exactly and without weights, as in `data`. Values of the data never enter the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from mlgate.cells import (
    Answers,
    ColumnProfile,
    Columns,
    MatchCount,
    Matches,
    Profile,
    Shape,
    SortCounts,
    Sorts,
    Statistic,
    TableShape,
)
from mlgate.errors import EvidenceError, PolicyError
from mlgate.estimates import Estimate, GroupEstimate
from mlgate.measures import measure
from mlgate.measures.named import EMPTY, chosen, present, required

MAX_PATTERN = 1_000
"""Characters of a pattern: what nobody can read, nobody can review."""

NO_VALUES = "the column has no values"


@measure(
    id="data.pattern",
    kind="fact",
    unit="values",
    better="lower",
    source="pandas.Series.str.fullmatch (`match: search`: str.contains), with RE2 as DuckDB has it",
)
class Pattern:
    """Number of values that do not match the regular expression given for their column.

    The whole value has to match; with `match: search` a part of it is enough, as it is for Great
    Expectations. The expressions are RE2's, which know no look-around and no back-references, and take no
    longer on any text. Missing values are not counted. A column without any value is not measured.
    """

    def __init__(
        self, *, columns: dict[str, str] | None = None, match: Literal["full", "search"] = "full"
    ) -> None:
        """Declare the parameters: from column to expression, and how much of a value has to match."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask, for each column, how many values match."""
        wanted: dict[str, str] = params["columns"]
        required("data.pattern", wanted, "`columns: {postcode: '[0-9]{5}'}`")
        names = present(wanted, columns)
        _require_patterns(wanted)
        # A column that is all missing is one of numbers, where nothing says what it holds.
        return [
            Matches(name, wanted[name], params["match"] == "full")
            if columns.types[name] == "string"
            else Profile(name, ())
            for name in names
        ]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Add up the values that do not match."""
        del params
        found = {}
        for one in cells.of:
            if isinstance(one, Matches):
                found[one.column] = cells.get(one, MatchCount)
            elif isinstance(one, Profile):
                found[one.column] = _no_texts(one.column, cells.get(one, ColumnProfile))
        rows = min(one.rows for one in found.values())
        if rows == 0:
            return Estimate.missing(EMPTY)
        lines = tuple(_strange(name, one) for name, one in found.items())
        empty = [name for name, one in found.items() if one.nulls == one.rows]
        if empty:
            return Estimate.missing(f"column {empty[0]!r} has no values", n=rows, groups=lines)
        return Estimate(value=float(sum(line.numerator or 0 for line in lines)), n=rows, groups=lines)


def _require_patterns(wanted: Mapping[str, str]) -> None:
    """Raise PolicyError for an expression that RE2 refuses: one that is wrong, or that could grow huge."""
    import duckdb

    with duckdb.connect() as engine:
        for name, pattern in wanted.items():
            where = f"params of data.pattern: column {name!r}"
            if len(pattern) > MAX_PATTERN:
                what = f"the pattern has {len(pattern)} characters, more than {MAX_PATTERN}"
                raise PolicyError(where, what, "write a shorter one")
            try:
                engine.execute("SELECT regexp_matches('', ?)", [pattern]).fetchall()
            except duckdb.Error as error:
                said = str(error).splitlines()[0].partition(": ")[2] or "it cannot be read"
                raise PolicyError(
                    where,
                    f"the pattern {pattern!r} is no regular expression of RE2 ({said})",
                    "see https://github.com/google/re2/wiki/Syntax",
                ) from error


def _no_texts(name: str, found: ColumnProfile) -> MatchCount:
    """Say that a column that is none of texts matches nothing, because it is empty; else refuse it."""
    if found.nulls < found.rows:
        raise EvidenceError(
            f"column {name!r}",
            "holds no texts, and a pattern is for texts",
            f"read it as text: `types: {{{name}: string}}` under `data:`, or use data/range",
        )
    return MatchCount(rows=found.rows, nulls=found.nulls, matching=0)


def _strange(name: str, found: MatchCount) -> GroupEstimate:
    filled = found.rows - found.nulls
    others = filled - found.matching
    return GroupEstimate(
        group={"column": name},
        n=found.rows,
        value=others / filled if filled else None,
        numerator=float(others),
        denominator=float(filled),
        reason=None if filled else NO_VALUES,
    )


@measure(
    id="data.mixed_types",
    kind="fact",
    unit="1",
    better="lower",
    source="1 - largest share of one sort of text; deepchecks' MixedDataTypes reports the same shares",
)
class MixedTypes:
    """Largest share of values, in any column of texts, that are of another sort than most of its values.

    The sorts are numbers, dates, truth values, and everything else; digits that begin with a zero (`007`) are
    a name and no number. Columns of another type than text hold one sort of value by their type. With
    `hidden: forbid` whatever looks like a number, a date or a truth value is of another sort, so that a
    column of numbers that are written as texts does not go through.
    """

    def __init__(
        self,
        *,
        columns: list[str] | None = None,
        ignore: list[str] | None = None,
        hidden: Literal["allow", "forbid"] = "allow",
    ) -> None:
        """Declare the parameters: the columns to look at, and whether texts may all be numbers."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask what the texts of each column look like."""
        names = chosen("data.mixed_types", params["columns"], columns, ignore=params["ignore"] or ())
        return [Shape(), *(Sorts(name) for name in names if columns.types[name] == "string")]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the largest share, with a line for each column of texts."""
        rows = cells.get(Shape(), TableShape).rows
        if rows == 0:
            return Estimate.missing(EMPTY)
        asked = [one for one in cells.of if isinstance(one, Sorts)]
        forbidden = params["hidden"] == "forbid"
        lines = tuple(_mixed(one.column, cells.get(one, SortCounts), forbidden) for one in asked)
        shares = [line.value for line in lines if line.value is not None]
        if lines and not shares:
            return Estimate.missing("no column of texts has values", n=rows, groups=lines)
        return Estimate(value=max(shares, default=0.0), n=rows, groups=lines)


def _mixed(name: str, found: SortCounts, forbidden: bool) -> GroupEstimate:
    sorts = {
        "numbers": found.numbers,
        "dates": found.dates,
        "truth values": found.truths,
        "texts": found.words,
    }
    filled = sum(sorts.values())
    most = "texts" if forbidden else max(sorts, key=lambda sort: sorts[sort])
    told = [f"{count} {sort}" for sort, count in sorts.items() if count]
    plain = len(told) <= 1 and most == "texts" and sorts[most] == filled
    return GroupEstimate(
        group={"column": name},
        n=found.rows,
        value=(filled - sorts[most]) / filled if filled else None,
        numerator=float(filled - sorts[most]),
        denominator=float(filled),
        reason=NO_VALUES if not filled else None if plain else ", ".join(told),
    )
