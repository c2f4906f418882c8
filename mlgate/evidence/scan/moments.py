"""Quartiles of columns and correlations of pairs of columns, computed where the data is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from mlgate.cells import (
    Answer,
    Correlation,
    CorrelationValue,
    Quartiles,
    QuartileValues,
    Scaled,
    Statistic,
    TableStatistic,
)
from mlgate.errors import EvidenceError
from mlgate.evidence import queries
from mlgate.evidence.queries import Step

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

    from mlgate.evidence.tables import Table

MAX_VALUES_HELD = 8_000_000
"""Values that the quartiles of one query may hold in memory: exact ones keep all of a column."""

MAX_PAIRS = 40
"""Pairs of columns in one query."""

_STEPS = 2.0**31

_LEVELS = (0.25, 0.5, 0.75)


def steps(table: Table, statistics: Sequence[TableStatistic]) -> list[Step]:
    """Return the queries that answer all `Quartiles` and `Correlation` of a table."""
    quartiles = [one for one in statistics if isinstance(one, Quartiles)]
    few = max(MAX_VALUES_HELD // max(table.record.rows or 1, 1), 1)
    shares = [quartiles[start : start + few] for start in range(0, len(quartiles), few)]
    correlations = [one for one in statistics if isinstance(one, Correlation)]
    pairs = [correlations[start : start + MAX_PAIRS] for start in range(0, len(correlations), MAX_PAIRS)]
    return [
        *(_quartiles(table, share) for share in shares),
        *(_correlations(table, share) for share in pairs),
    ]


def _quartiles(table: Table, share: Sequence[Quartiles]) -> Step:
    source = queries.cleaned(table, [one.column for one in share])
    found: dict[str, Any] = {"rows": source.count()}
    for place, one in enumerate(share):
        values = _floats(table, source, one.column)
        found[f"held{place}"] = values.count()
        found[f"quartiles{place}"] = values.quantile(list(_LEVELS))

    def distribute(result: pa.Table) -> Mapping[Statistic, Answer]:
        row = {name: result[name][0].as_py() for name in result.column_names}
        return {one: _quartile_values(row, place) for place, one in enumerate(share)}

    return Step(
        what=f"find the quartiles of {queries.listed([one.column for one in share])}",
        expression=source.aggregate(**found),
        serves=tuple(share),
        distribute=distribute,
    )


def _quartile_values(row: Mapping[str, Any], place: int) -> QuartileValues:
    first, median, third = row[f"quartiles{place}"] or (None, None, None)
    return QuartileValues(
        rows=row["rows"], nulls=row["rows"] - row[f"held{place}"], first=first, median=median, third=third
    )


def _floats(table: Table, source: ir.Table, name: str) -> Any:
    column = source[name]
    if not column.type().is_numeric():
        raise EvidenceError(
            queries.where(table, name),
            f"is {queries.type_of(column)}, not a number",
            "name columns of numbers",
        )
    return column.cast("float64")


def _correlations(table: Table, share: Sequence[Correlation]) -> Step:
    """Correlate pairs by sums of whole numbers, which come out the same in any order of rows and threads.

    Columns are brought to [-1, 1] and to a grid of 2^31 steps there, so that squares fit into 64 bits. The
    steps are some billionth of the spread of a column, and of that only the mean over all rows shows.
    """
    columns = {one: None for pair in share for one in (pair.first, pair.second)}
    source = queries.cleaned(table, [one.column for one in columns])
    places = {one: f"x{place}" for place, one in enumerate(columns)}
    whole = source.select(**{name: _grid(table, source, one) for one, name in places.items()})
    found: dict[str, Any] = {}
    for place, pair in enumerate(share):
        x, y = whole[places[pair.first]], whole[places[pair.second]]
        both = x.notnull() & y.notnull()
        found[f"n{place}"] = (x + y).count()
        for name, values in (("x", x), ("y", y), ("xx", x * x), ("yy", y * y), ("xy", x * y)):
            found[f"{name}{place}"] = both.ifelse(values, None).cast("decimal(38, 0)").sum()

    def distribute(result: pa.Table) -> Mapping[Statistic, Answer]:
        row = {name: int(result[name][0].as_py() or 0) for name in result.column_names}
        return {pair: _correlation(row, place) for place, pair in enumerate(share)}

    return Step(
        what=f"correlate {queries.listed([one.column for one in columns])}",
        expression=whole.aggregate(**found),
        serves=tuple(share),
        distribute=distribute,
    )


def _grid(table: Table, source: ir.Table, column: Scaled) -> Any:
    scaled = (_floats(table, source, column.column) - queries.real(column.middle)) / queries.real(column.half)
    # Where all values lie within a few floats of each other, rounding carries some past the ends.
    inside = scaled.clip(lower=-1.0, upper=1.0)
    return (inside * queries.real(_STEPS)).round().cast("int64")


def _correlation(row: Mapping[str, int], place: int) -> CorrelationValue:
    """Return the coefficient from whole sums, exactly but for the last rounding."""
    n, x, y, xx, yy, xy = (row[f"{name}{place}"] for name in ("n", "x", "y", "xx", "yy", "xy"))
    spread = (n * xx - x * x) * (n * yy - y * y)
    if spread <= 0:
        return CorrelationValue(n=n, value=None)
    value = float(Fraction(n * xy - x * y, math.isqrt(spread)))
    return CorrelationValue(n=n, value=max(-1.0, min(1.0, value)))
