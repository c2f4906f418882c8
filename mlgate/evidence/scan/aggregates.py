"""Facts about whole columns: shapes, profiles and ranges share aggregate queries; repeats have their own.

Every aggregate is computed once however many statistics look at it.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from mlgate.cells import (
    Answer,
    ColumnProfile,
    Outside,
    OutsideCount,
    Profile,
    RepeatCounts,
    Repeats,
    Shape,
    Statistic,
    TableShape,
    TableStatistic,
)
from mlgate.errors import EvidenceError
from mlgate.evidence import canonical, queries
from mlgate.evidence.queries import Step
from mlgate.strict_yaml import show

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

    from mlgate.evidence.tables import Table

MAX_AGGREGATES = 200
"""Aggregates of one query; exact distinct counts keep a hash table each."""

Fact: TypeAlias = tuple[str, str, object]
"""What is aggregated: kind (`nulls`, `distinct`, `below`, ...), column, and the bound if it has one."""

_ROWS: Fact = ("rows", "", None)
_LARGEST_INTEGER = 2**63


@dataclass
class _Share:
    """A query under construction: facts to be aggregated, and the statistics made of them."""

    facts: dict[Fact, None] = field(default_factory=lambda: {_ROWS: None})
    serves: list[Shape | Profile | Outside] = field(default_factory=list)


def steps(table: Table, statistics: Sequence[TableStatistic]) -> list[Step]:
    """Return the queries that answer all `Shape`, `Profile`, `Outside` and `Repeats` of a table."""
    whole = [one for one in statistics if isinstance(one, (Shape, Profile, Outside))]
    repeats = [one for one in statistics if isinstance(one, Repeats)]
    return [
        *(_aggregate_step(table, share) for share in _shares(table, whole)),
        *(_repeats_step(table, one) for one in repeats),
    ]


def _shares(table: Table, statistics: Iterable[Shape | Profile | Outside]) -> Iterator[_Share]:
    share = _Share()
    for one in statistics:
        facts = dict.fromkeys(_facts(table, one))
        if share.serves and len(share.facts | facts) > MAX_AGGREGATES:
            yield share
            share = _Share()
        share.facts |= facts
        share.serves.append(one)
    if share.serves:
        yield share


def _facts(table: Table, statistic: Shape | Profile | Outside) -> list[Fact]:
    """List what has to be aggregated for a statistic; EvidenceError when its column cannot be."""
    if isinstance(statistic, Shape):
        return []
    name = statistic.column
    column = queries.cleaned(table, [name])[name]
    kind = column.type()
    ends: list[Fact] = []
    if _is_ordered(column):
        ends = [("minimum", name, None), ("maximum", name, None)]
    if isinstance(statistic, Outside):
        low, high = (_bound(table, name, column, one) for one in (statistic.low, statistic.high))
        facts: list[Fact] = [("below", name, low)] if low is not None else []
        return facts + ([("above", name, high)] if high is not None else []) + ends
    infinite: list[Fact] = [("infinite", name, None)] if kind.is_floating() else []
    return [("held", name, None), ("distinct", name, None), *infinite, *ends]


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


def _expression(source: ir.Table, fact: Fact) -> Any:
    kind, name, bound = fact
    if kind == "rows":
        return source.count()
    column = source[name]
    simple: dict[str, Callable[[], Any]] = {
        "held": column.count,
        "distinct": column.nunique,
        "infinite": lambda: source.count(where=queries.is_infinite(column)),
        "minimum": column.min,
        "maximum": column.max,
        "below": lambda: source.count(where=column < _literal(column, bound)),
        "above": lambda: source.count(where=column > _literal(column, bound)),
    }
    return simple[kind]()


def _alias(fact: Fact) -> str:
    """Name an aggregate so that a person can read the plan, and no two alike."""
    kind, name, bound = fact
    return kind if kind == "rows" else f"{kind} {name!r}" + ("" if bound is None else f" {bound}")


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


def _aggregate_step(table: Table, share: _Share) -> Step:
    columns = {one.column: None for one in share.serves if not isinstance(one, Shape)}
    source = queries.cleaned(table, columns)
    names = {fact: _alias(fact) for fact in share.facts}

    def distribute(result: pa.Table) -> Mapping[Statistic, Answer]:
        found = {fact: result[name].combine_chunks() for fact, name in names.items()}
        return {one: _answer(table, found, one) for one in share.serves}

    return Step(
        what=f"profile {queries.listed(list(columns))}" if columns else "count rows",
        expression=source.aggregate([_expression(source, fact).name(name) for fact, name in names.items()]),
        serves=tuple(share.serves),
        distribute=distribute,
    )


def _answer(
    table: Table, found: Mapping[Fact, pa.Array], statistic: Shape | Profile | Outside
) -> TableShape | ColumnProfile | OutsideCount:
    rows = _count(found, _ROWS)
    if isinstance(statistic, Shape):
        types = table.columns.types
        return TableShape(rows=rows, columns=tuple((name, types[name]) for name in table.columns.names))
    name = statistic.column
    minimum, maximum = (_end(found.get((end, name, None))) for end in ("minimum", "maximum"))
    if isinstance(statistic, Profile):
        return ColumnProfile(
            rows=rows,
            nulls=rows - _count(found, ("held", name, None)),
            distinct=_count(found, ("distinct", name, None)),
            infinite=_count(found, ("infinite", name, None)),
            minimum=minimum,
            maximum=maximum,
        )
    column = queries.cleaned(table, [name])[name]
    low, high = (_bound(table, name, column, one) for one in (statistic.low, statistic.high))
    return OutsideCount(
        rows=rows,
        below=_count(found, ("below", name, low)),
        above=_count(found, ("above", name, high)),
        minimum=minimum,
        maximum=maximum,
    )


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
    return canonical.texts(values)[0]


def _repeats_step(table: Table, statistic: Repeats) -> Step:
    """Count equal rows exactly: a group-by over the columns themselves, never over a hash of them."""

    def distribute(result: pa.Table) -> Mapping[Statistic, Answer]:
        row = {name: int(result[name][0].as_py() or 0) for name in result.column_names}
        return {statistic: RepeatCounts(**row)}

    return Step(
        what=f"count rows that repeat {queries.listed(statistic.columns)}",
        expression=_repeats(table, statistic.columns),
        serves=(statistic,),
        distribute=distribute,
    )


def _repeats(table: Table, names: Sequence[str]) -> ir.Table:
    import ibis

    if not names:
        raise EvidenceError(
            table.location, "no columns are named in which rows could be equal", "name at least one column"
        )
    clean = queries.cleaned(table, names)
    columns = {f"k{position}": clean[name] for position, name in enumerate(clean.columns)}
    source = clean.select(**columns)
    groups = source.group_by(list(columns)).aggregate(n=source.count())
    incomplete = ibis.or_(*(groups[name].isnull() for name in columns))
    return groups.aggregate(
        rows=groups["n"].sum(),
        distinct=groups.count(),
        repeated=groups["n"].sum(where=groups["n"] > 1),
        nulls=groups["n"].sum(where=incomplete),
    )
