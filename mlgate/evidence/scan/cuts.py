"""Rows between edges, of many columns in one pass.

DuckDB's `histogram` finds the bin of a value by a binary search, so that it hardly matters how many edges
there are: 30 columns of a million rows at 9 edges took it 0.9 s of one core beyond reading them, a sum of
comparisons for each edge 1.2 s, counts with filters twenty times as long. Other engines get the sums.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlgate.cells import Answer, Cut, CutCounts, Statistic, TableStatistic
from mlgate.evidence import queries
from mlgate.evidence.queries import Step
from mlgate.evidence.scan.histograms import reals

if TYPE_CHECKING:
    import pyarrow as pa

    from mlgate.evidence.tables import Table

SEARCHED = ("duckdb",)
"""Engines that have `histogram`."""

MAX_EDGES = 40_000
"""Edges in one query of an engine that searches them, which is so many words of SQL."""

MAX_SUMS = 200
"""Edges in one query of an engine that adds up a comparison for each; one column may have more."""


def steps(table: Table, statistics: Sequence[TableStatistic]) -> list[Step]:
    """Return the queries that answer all `Cut` of a table. ValueError for edges that do not increase."""
    asked = [one for one in statistics if isinstance(one, Cut)]
    for one in asked:
        if not all(map(math.isfinite, one.edges)) or sorted(set(one.edges)) != list(one.edges):
            raise ValueError(f"edges of {one.column!r} are not finite and increasing: {one.edges}")
    most = MAX_EDGES if _searches(table) else MAX_SUMS
    shares: list[list[Cut]] = []
    for one in asked:
        if not shares or sum(len(other.edges) + 1 for other in shares[-1]) + len(one.edges) >= most:
            shares.append([])
        shares[-1].append(one)
    return [_step(table, share) for share in shares]


def _searches(table: Table) -> bool:
    return table.engine in SEARCHED


def _step(table: Table, share: Sequence[Cut]) -> Step:
    clean = queries.cleaned(table, [one.column for one in share])
    found: dict[str, Any] = {"rows": clean.count()}
    for place, one in enumerate(share):
        values = reals(table, clean[one.column], one.column)
        found[f"held{place}"] = values.count()
        if _searches(table):
            found |= {f"bins{place}": _searched(values, _upper(one))} if one.edges else {}
        else:
            found |= {
                f"below{place}_{rank}": _added(values, edge, one) for rank, edge in enumerate(one.edges)
            }

    def distribute(result: pa.Table) -> Mapping[Statistic, Answer]:
        row = {name: result[name][0].as_py() for name in result.column_names}
        return {one: _answer(row, place, one) for place, one in enumerate(share)}

    return Step(
        what=f"count rows in bins of {queries.listed([one.column for one in share])}",
        expression=clean.aggregate(**found),
        serves=tuple(share),
        distribute=distribute,
    )


def _upper(statistic: Cut) -> list[float]:
    """Return the largest value of each bin but the last: `x < edge` is `x <= the float before it`."""
    if statistic.right:
        return list(statistic.edges)
    return [math.nextafter(edge, -math.inf) for edge in statistic.edges]


def _searched(values: Any, upper: Sequence[float]) -> Any:
    import ibis

    search = ibis.udf.agg.builtin(
        _histogram, name="histogram", signature=(("float64", "array<float64>"), "map<float64, uint64>")
    )
    # One text for all edges, which DuckDB reads as exactly these floats: as words of SQL they take longer.
    return search(values, ibis.literal(repr(list(upper))).cast("array<float64>"))


def _histogram(values: Any, upper: Any) -> Any:
    raise NotImplementedError("only the engine runs it")


def _added(values: Any, edge: float, statistic: Cut) -> Any:
    below = values <= queries.real(edge) if statistic.right else values < queries.real(edge)
    return below.cast("int64").sum()


def _answer(row: Mapping[str, Any], place: int, statistic: Cut) -> CutCounts:
    held = int(row[f"held{place}"])
    if f"bins{place}" in row:
        found = dict(row[f"bins{place}"] or {})
        inner = [int(found.get(one, 0)) for one in _upper(statistic)]
    else:
        below = [int(row[f"below{place}_{rank}"] or 0) for rank in range(len(statistic.edges))]
        inner = [high - low for low, high in zip([0, *below], below, strict=False)]
    return CutCounts(counts=(*inner, held - sum(inner)), nulls=int(row["rows"]) - held)
