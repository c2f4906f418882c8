"""How often each value of a column occurs, one query a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mlgate.cells import Answer, Distribution, DistributionCounts, Statistic, TableStatistic
from mlgate.evidence import queries
from mlgate.evidence.arrays import numbers
from mlgate.evidence.queries import Step
from mlgate.evidence.scan.histograms import reals

if TYPE_CHECKING:
    import pyarrow as pa

    from mlgate.evidence.tables import Table


def steps(table: Table, statistics: Sequence[TableStatistic]) -> list[Step]:
    """Return the queries that answer all `Distribution` of a table."""
    return [_step(table, one) for one in statistics if isinstance(one, Distribution)]


def _step(table: Table, statistic: Distribution) -> Step:
    clean = queries.cleaned(table, [statistic.column])
    source = clean.select(value=reals(table, clean[statistic.column], statistic.column))

    def distribute(result: pa.Table) -> Mapping[Statistic, Answer]:
        return {statistic: _answer(result)}

    return Step(
        what=f"count the values of {queries.listed([statistic.column])}",
        expression=source.group_by("value").aggregate(n=source.count()),
        serves=(statistic,),
        distribute=distribute,
    )


def _answer(result: pa.Table) -> DistributionCounts:
    import numpy as np

    values = numbers(result["value"])
    n = numbers(result["n"])
    there = ~np.isnan(values)
    distinct, place = np.unique(values[there] + 0.0, return_inverse=True)  # -0.0 becomes 0.0
    counts = np.zeros(len(distinct), dtype=np.int64)
    np.add.at(counts, place, n[there])
    return DistributionCounts(values=distinct, n=counts, nulls=int(n[~there].sum()))
