"""Facts about whole columns: shapes, profiles, ranges, patterns and moments share aggregate queries.

Every aggregate is computed once however many statistics look at it, and none that nobody asked for.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from mlgate.cells import (
    Among,
    Answer,
    ColumnProfile,
    Lengths,
    MatchCount,
    Matches,
    Newest,
    Outside,
    OutsideCount,
    Profile,
    Shape,
    Statistic,
    TableShape,
    TableStatistic,
    TimeSpan,
)
from mlgate.errors import EvidenceError
from mlgate.evidence import canonical, queries
from mlgate.evidence.queries import Step
from mlgate.evidence.scan import cuts, distributions, equal_rows, histograms, moments, quantiles, texts
from mlgate.strict_yaml import show

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

    from mlgate.evidence.tables import Table

MAX_AGGREGATES = 200
"""Aggregates of one query."""

MAX_DISTINCT = 20
"""Exact distinct counts of one query; each keeps a hash table of its own."""

Whole: TypeAlias = Shape | Profile | Outside | Matches | Among | Lengths | Newest
"""The statistics that are aggregates of one column, or of none."""

Fact: TypeAlias = tuple[str, str, object]
"""What is aggregated: kind (`held`, `distinct`, `below`, ...), column, and the bound if it has one."""

_ROWS: Fact = ("rows", "", None)
_LARGEST_INTEGER = 2**63
_LONGEST_BOUND = 200
"""Characters of a pattern or of a set of values that the plan shows."""


@dataclass
class _Share:
    """A query under construction: facts to be aggregated, and the statistics made of them."""

    facts: dict[Fact, None] = field(default_factory=lambda: {_ROWS: None})
    serves: list[Whole] = field(default_factory=list)

    def holds(self, facts: Mapping[Fact, None]) -> bool:
        """Whether these facts still fit in."""
        grown = {**self.facts, **facts}
        return len(grown) <= MAX_AGGREGATES and sum(kind == "distinct" for kind, *_ in grown) <= MAX_DISTINCT


def steps(table: Table, statistics: Sequence[TableStatistic]) -> list[Step]:
    """Return the queries that answer every statistic of a table but `Counts` and `Values`."""
    whole = [one for one in statistics if isinstance(one, Whole)]
    return [
        *(_step(table, share) for share in _shares(table, whole)),
        *equal_rows.steps(table, statistics),
        *histograms.steps(table, statistics),
        *texts.steps(table, statistics),
        *moments.steps(table, statistics),
        *quantiles.steps(table, statistics),
        *cuts.steps(table, statistics),
        *distributions.steps(table, statistics),
    ]


def _shares(table: Table, statistics: Iterable[Whole]) -> Iterator[_Share]:
    share = _Share()
    for one in statistics:
        facts = dict.fromkeys(_facts(table, one))
        if share.serves and not share.holds(facts):
            yield share
            share = _Share()
        share.facts |= facts
        share.serves.append(one)
    if share.serves:
        yield share


def _facts(table: Table, statistic: Whole) -> list[Fact]:
    """List what has to be aggregated for a statistic; EvidenceError when its column cannot be."""
    if isinstance(statistic, Shape):
        return []
    name = statistic.column
    column = queries.cleaned(table, [name])[name]
    ends: list[Fact] = []
    if _is_ordered(column):
        ends = [("minimum", name, None), ("maximum", name, None)]
    match statistic:
        case Outside(_, low, high):
            bounds = [("below", low), ("above", high)]
            asked = [(kind, name, _bound(table, name, column, one)) for kind, one in bounds]
            return [*(one for one in asked if one[2] is not None), *ends]
        case Matches() | Among() | Lengths():
            if isinstance(statistic, Matches):
                _require_texts(table, name, column)
            return [("held", name, None), _match(statistic)]
        case Newest(_, as_of):
            moment = _bound(table, name, column, as_of)
            return [("held", name, None), ("until", name, moment), ("above", name, moment)]
    held: Fact = ("held", name, None)
    of: dict[str, list[Fact]] = {
        "ends": ends,
        "varied": [(_varied(table, column), name, None)],
        "about": [("about", name, None)],
        "distinct": [("distinct", name, None)],
        "infinite": [("infinite", name, None)] if column.type().is_floating() else [],
    }
    return [held, *(fact for one in statistic.facts for fact in of[one])]


def _varied(table: Table, column: ir.Column) -> str:
    """Say how it is found out whether a column has two values: the cheapest way that its type allows.

    Texts are compared by a hash of theirs, where the engine has one. Two hashes prove two values; one hash
    proves nothing, and `_same_hash` looks again.
    """
    if not _is_ordered(column):
        return "distinct"
    texts = column.type().is_string()
    return "hashes vary" if texts and queries.hash_of(table, column) is not None else "varied"


def _require_texts(table: Table, name: str, column: ir.Column) -> None:
    if not column.type().is_string():
        raise EvidenceError(
            queries.where(table, name),
            f"is {queries.type_of(column)}, and a pattern is for texts",
            "name a column of texts, or have the file read so: `types: {NAME: string}` under `data:`",
        )
    if table.engine not in queries.LINEAR_PATTERNS:
        raise EvidenceError(
            queries.where(table, name),
            f"a regular expression could keep {table.engine} busy for ever, as its kind is not RE2",
            f"judge a copy of the table in a file, or in {', '.join(queries.LINEAR_PATTERNS)}",
        )


def _match(statistic: Matches | Among | Lengths) -> Fact:
    """Return what counts the values that a statistic is about."""
    match statistic:
        case Matches(name, pattern, whole):
            return ("matching", name, (pattern, whole))
        case Among(name, values):
            return ("among", name, values)
        case Lengths(name, low, high):
            return ("long", name, (low, high))


def _is_ordered(column: ir.Column) -> bool:
    kind = column.type()
    return bool(
        kind.is_numeric() or kind.is_boolean() or kind.is_string() or kind.is_date() or kind.is_timestamp()
    )


def _bound(table: Table, name: str, column: ir.Column, bound: object) -> object | None:
    """Bring a bound to the type of the column that it is held against."""
    kind = column.type()
    if bound is None:
        return None
    if kind.is_numeric():
        if isinstance(bound, (int, float)) and not isinstance(bound, bool) and math.isfinite(bound):
            fits = float(bound).is_integer() and abs(bound) < _LARGEST_INTEGER
            return int(bound) if fits else float(bound)
    elif (kind.is_date() or kind.is_timestamp()) and isinstance(bound, str):
        moment = _moment(bound)
        if moment is not None and (moment.tzinfo is None or (kind.is_timestamp() and kind.timezone)):
            return moment
    raise EvidenceError(
        queries.where(table, name),
        f"is {queries.type_of(column)}, which {show(bound)} is no bound of",
        "give a number for a column of numbers, and a date in ISO 8601 for one of dates",
    )


def _moment(text: str) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        return None


def _expression(table: Table, source: ir.Table, fact: Fact) -> Any:
    kind, name, bound = fact
    if kind == "rows":
        return source.count()
    column = source[name]
    made: dict[str, Callable[[], Any]] = {
        "held": column.count,
        "distinct": column.nunique,
        "minimum": column.min,
        "maximum": column.max,
        "about": partial(queries.about_distinct, column),
        "varied": lambda: column.min() != column.max(),
        "hashes vary": partial(_hashes_vary, table, column),
        "until": lambda: column.max(where=column <= _literal(column, bound)),
    }
    # A sum of truth values costs half of what a count with a filter does.
    return made[kind]() if kind in made else _true(column, kind, bound).sum()


def _true(column: Any, kind: str, bound: Any) -> ir.BooleanColumn:
    """Tell of each value whether it is to be counted."""
    if kind == "infinite":
        return queries.is_infinite(column)
    if kind == "among":
        return _among(column, bound)
    if kind == "long":
        return _long(column, *bound)
    if kind == "matching":
        pattern, whole = bound
        found: ir.BooleanColumn = column.re_search(rf"\A(?:{pattern})\z" if whole else pattern)
        return found
    limit = _literal(column, bound)
    outside: ir.BooleanColumn = column < limit if kind == "below" else column > limit
    return outside


def _among(column: ir.Column, values: Sequence[str] | Sequence[float]) -> ir.BooleanColumn:
    """Tell of each value whether it is one of some; numbers are compared as numbers of 64 bits."""
    import ibis

    floats = column.type().is_floating()
    wanted = [queries.real(float(one)) if floats else ibis.literal(one) for one in values]
    found: ir.BooleanColumn = (column.cast("float64") if floats else column).isin(wanted)
    return found


def _long(column: ir.StringColumn, low: int | None, high: int | None) -> ir.BooleanColumn:
    """Tell of each text whether it has at least `low` and at most `high` characters."""
    length = column.length()
    if low is None or high is None:
        found: ir.BooleanColumn = length >= low if low is not None else length <= high
        return found
    return length.between(low, high)


def _hashes_vary(table: Table, column: ir.Column) -> Any:
    found: Any = queries.hash_of(table, column)
    missing = column.isnull().ifelse(None, found)  # DuckDB has a hash for null, too
    return missing.min() != missing.max()


def _alias(fact: Fact) -> str:
    """Name an aggregate so that a person can read the plan, and no two alike."""
    kind, name, bound = fact
    shown = "" if bound is None else f" {bound!r}"
    if len(shown) > _LONGEST_BOUND:
        shown = f"{shown[:_LONGEST_BOUND]}... {hashlib.sha256(shown.encode()).hexdigest()}"
    return kind if kind == "rows" else f"{kind} {name!r}{shown}"


def _literal(column: ir.Column, bound: object) -> Any:
    """Return a bound as a literal: a moment without a zone counts as UTC where the column has one."""
    import ibis

    if isinstance(bound, float):
        return queries.real(bound)
    if not isinstance(bound, dt.datetime):
        return ibis.literal(bound)
    kind = column.type()
    if kind.is_date():
        return ibis.literal(bound.replace(tzinfo=None), "timestamp")
    if kind.timezone:
        return ibis.literal(bound if bound.tzinfo else bound.replace(tzinfo=dt.UTC), kind)
    return ibis.literal(bound, "timestamp")


def _step(table: Table, share: _Share) -> Step:
    columns = {one.column: None for one in share.serves if not isinstance(one, Shape)}
    source = queries.cleaned(table, columns)
    names = {fact: _alias(fact) for fact in share.facts}

    def distribute(result: pa.Table) -> Mapping[Statistic, Answer]:
        found = {fact: result[name].combine_chunks() for fact, name in names.items()}
        same = _same_hash(table, found)
        return {one: _answer(table, found, one, same) for one in share.serves}

    return Step(
        what=f"profile {queries.listed(list(columns))}" if columns else "count rows",
        expression=source.aggregate(
            [_expression(table, source, fact).name(name) for fact, name in names.items()]
        ),
        serves=tuple(share.serves),
        distribute=distribute,
    )


def _same_hash(table: Table, found: Mapping[Fact, pa.Array]) -> Mapping[str, bool]:
    """Compare the texts of the columns that have one hash: whether they vary after all.

    This runs one more query, and only for columns in which everything looks alike.
    """
    seen = {fact[1]: values[0].as_py() for fact, values in found.items() if fact[0] == "hashes vary"}
    alike = [name for name, vary in seen.items() if vary is False]
    if not alike:
        return {}
    source = queries.cleaned(table, alike)
    compared = [(source[name].min() != source[name].max()).name(name) for name in alike]
    result = queries.run(table, source.aggregate(compared), f"compare the values of {queries.listed(alike)}")
    return {name: bool(result[name][0].as_py()) for name in alike}


def _answer(
    table: Table, found: Mapping[Fact, pa.Array], statistic: Whole, same: Mapping[str, bool]
) -> TableShape | ColumnProfile | OutsideCount | MatchCount | TimeSpan:
    rows = _count(found, _ROWS)
    if isinstance(statistic, Shape):
        types = table.columns.types
        return TableShape(rows=rows, columns=tuple((name, types[name]) for name in table.columns.names))
    name = statistic.column
    nulls = rows - _count(found, ("held", name, None))
    column = queries.cleaned(table, [name])[name]
    match statistic:
        case Profile():
            return _profile(found, statistic, rows, nulls, same)
        case Matches() | Among() | Lengths():
            return MatchCount(rows=rows, nulls=nulls, matching=_count(found, _match(statistic)))
        case Newest(_, as_of):
            moment = _bound(table, name, column, as_of)
            return TimeSpan(
                rows=rows,
                nulls=nulls,
                newest=_text(found["until", name, moment]),
                later=_count(found, ("above", name, moment)),
            )
    low, high = (_bound(table, name, column, one) for one in (statistic.low, statistic.high))
    return OutsideCount(
        rows=rows,
        below=_count(found, ("below", name, low)),
        above=_count(found, ("above", name, high)),
        minimum=_end(found.get(("minimum", name, None))),
        maximum=_end(found.get(("maximum", name, None))),
    )


def _profile(
    found: Mapping[Fact, pa.Array], statistic: Profile, rows: int, nulls: int, same: Mapping[str, bool]
) -> ColumnProfile:
    """Put together what was asked of a column, and leave out what was found for somebody else."""
    name, asked = statistic.column, statistic.facts
    ends = [_end(found.get((end, name, None))) for end in ("minimum", "maximum")] if "ends" in asked else []
    return ColumnProfile(
        rows=rows,
        nulls=nulls,
        distinct=_count(found, ("distinct", name, None)) if "distinct" in asked else None,
        infinite=_count(found, ("infinite", name, None)) if "infinite" in asked else None,
        minimum=ends[0] if ends else None,
        maximum=ends[1] if ends else None,
        varied=_vary(found, name, same) if "varied" in asked else None,
        about=_count(found, ("about", name, None)) if "about" in asked else None,
    )


def _vary(found: Mapping[Fact, pa.Array], name: str, same: Mapping[str, bool]) -> bool:
    """Tell whether a column has two values; it has not when every value is missing."""
    for kind in ("varied", "hashes vary"):
        if (kind, name, None) in found:
            return same.get(name, bool(found[kind, name, None][0].as_py()))
    return _count(found, ("distinct", name, None)) > 1


def _count(found: Mapping[Fact, pa.Array], fact: Fact) -> int:
    """Return a count; 0 for what was not aggregated because it cannot occur."""
    return int(found[fact][0].as_py() or 0) if fact in found else 0


def _end(values: pa.Array | None) -> float | str | None:
    """Return a smallest or largest value: a float for numbers, canonical text for all else."""
    import pyarrow as pa

    if values is None:
        return None
    kind = values.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        value = values[0].as_py()
        return None if value is None else float(value) + 0.0  # -0.0 becomes 0.0
    return _text(values)


def _text(values: pa.Array) -> str | None:
    return canonical.texts(values)[0]
