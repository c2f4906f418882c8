"""Pictures of one column in two tables: bars of numbers, and shares of categories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlgate.cells import QuantileNumbers, ValueCounts
from mlgate.estimates import Chart
from mlgate.measures.data_profile import OTHER
from mlgate.measures.data_profile import SHOWN as LEAST_SHOWN
from mlgate.measures.drift_bands import BothTables
from mlgate.measures.drift_bins import chart_edges

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NAMED = 4
"""Categories that a chart names."""


def histogram(
    name: str,
    against: str,
    edges: Sequence[float],
    reference: NDArray[np.float64],
    judged: NDArray[np.float64],
) -> Chart | None:
    """Draw both tables in bars of equal width; the outermost hold what lies further out."""
    if not edges:
        return None
    data: dict[str, list[float | str | None]] = {"low": [], "high": [], "rows": [], "group": []}
    for table, rows in ((against, reference), ("judged", judged)):
        inner = [float(one) for one in rows[1:-1]]
        inner[0] += float(rows[0])
        inner[-1] += float(rows[-1])
        data["low"] += edges[:-1]
        data["high"] += edges[1:]
        data["rows"] += inner
        data["group"] += [table] * len(inner)
    title = f"{name}: {against} and judged table"
    return Chart(kind="score-histogram", title=title, data={key: tuple(one) for key, one in data.items()})


def spread_chart(
    name: str, against: str, cells: BothTables, here: QuantileNumbers, there: QuantileNumbers
) -> Chart | None:
    """Draw numbers that were compared value by value, or in very many bins; None where there is no range."""
    import numpy as np

    edges = chart_edges(there, here)
    if not edges:
        return None
    place = np.searchsorted(edges, cells.values, side="right")
    tables = (cells.reference, cells.judged)
    reference, judged = (np.bincount(place, one, minlength=len(edges) + 1).astype(float) for one in tables)
    return histogram(name, against, edges, reference, judged)


def bars(name: str, against: str, here: ValueCounts, there: ValueCounts) -> Chart:
    """Draw the share of the most frequent categories in both tables, and of the rest together.

    As in the profile of a table, a value that hardly any row has is not named.
    """
    tables = ((against, there), ("judged", here))
    counted = {table: dict(one.counts) for table, one in tables}
    filled = {table: one.rows - one.nulls for table, one in tables}
    total: dict[str, float] = {}
    for table, rows in counted.items():
        for value, n in rows.items():
            total[value] = total.get(value, 0.0) + n / filled[table]
    often = [value for value in total if sum(rows.get(value, 0) for rows in counted.values()) >= LEAST_SHOWN]
    named = sorted(often, key=lambda value: (-total[value], value))[:_NAMED]
    labels: list[str] = []
    shares: list[float] = []
    for value in named:
        for table, rows in counted.items():
            labels.append(f"{repr(value) if value == OTHER else value} ({table})")
            shares.append(rows.get(value, 0) / filled[table])
    if len(named) < len(total):
        for table, rows in counted.items():
            labels.append(f"{OTHER} ({table})")
            shares.append(1.0 - sum(rows.get(value, 0) for value in named) / filled[table])
    title = f"{name}: shares in {against} and judged table"
    return Chart(kind="bars", title=title, data={"value": tuple(labels), "share": tuple(shares)})
