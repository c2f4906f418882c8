"""Quantiles and ends of columns, several columns in one query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlgate.cells import Answer, QuantileNumbers, Quantiles, Statistic, TableStatistic
from mlgate.evidence import queries
from mlgate.evidence.queries import Step
from mlgate.evidence.scan.histograms import reals

if TYPE_CHECKING:
    import pyarrow as pa

    from mlgate.evidence.tables import Table

MAX_VALUES_HELD = 8_000_000
"""Values that the quantiles of one query may hold in memory: exact ones keep all of a column."""


def steps(table: Table, statistics: Sequence[TableStatistic]) -> list[Step]:
    """Return the queries that answer all `Quantiles` of a table."""
    asked: dict[str, list[Quantiles]] = {}
    for one in statistics:
        if isinstance(one, Quantiles):
            asked.setdefault(one.column, []).append(one)
    ends = [name for name, some in asked.items() if not any(one.levels for one in some)]  # nothing is held
    held = [name for name in asked if name not in ends]
    few = max(MAX_VALUES_HELD // max(table.record.rows or 1, 1), 1)
    shares = [held[start : start + few] for start in range(0, len(held), few)]
    return [_step(table, {name: asked[name] for name in share}) for share in (*shares, ends) if share]


def _step(table: Table, asked: Mapping[str, Sequence[Quantiles]]) -> Step:
    """Find every level of a column that anybody asks for at once, which takes one sort of it."""
    levels = {name: sorted({level for one in some for level in one.levels}) for name, some in asked.items()}
    serves = tuple(one for some in asked.values() for one in some)
    clean = queries.cleaned(table, levels)
    found: dict[str, Any] = {"rows": clean.count()}
    for place, (name, some) in enumerate(levels.items()):
        values = reals(table, clean[name], name)
        found |= {f"held{place}": values.count(), f"low{place}": values.min(), f"high{place}": values.max()}
        if some:
            found[f"at{place}"] = values.quantile(list(some))

    def distribute(result: pa.Table) -> Mapping[Statistic, Answer]:
        row = {name: result[name][0].as_py() for name in result.column_names}
        places = {name: place for place, name in enumerate(levels)}
        return {one: _answer(row, places[one.column], levels[one.column], one) for one in serves}

    return Step(
        what=f"find quantiles of {queries.listed(list(levels))}",
        expression=clean.aggregate(**found),
        serves=serves,
        distribute=distribute,
    )


def _answer(
    row: Mapping[str, Any], place: int, levels: Sequence[float], statistic: Quantiles
) -> QuantileNumbers:
    held = row[f"held{place}"]
    values = dict(zip(levels, row.get(f"at{place}") or (), strict=bool(held and levels)))
    return QuantileNumbers(
        rows=row["rows"],
        nulls=row["rows"] - held,
        values=tuple(_plain(values[level]) for level in statistic.levels) if held else (),
        low=_plain(row[f"low{place}"]) if held else None,
        high=_plain(row[f"high{place}"]) if held else None,
    )


def _plain(value: float | None) -> float:
    """Return a float, -0.0 as 0.0; between two infinite values there is nothing, which is NaN."""
    return float("nan") if value is None else float(value) + 0.0
