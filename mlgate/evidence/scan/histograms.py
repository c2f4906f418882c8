"""Rows by bins and by values, of many columns with few queries.

Columns of few bins are grouped by together, as long as their combinations stay few: a group-by of three
columns costs little more than one of a single column, and each histogram is a marginal of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlgate.cells import Answer, BinCounts, Histogram, Statistic, TableStatistic
from mlgate.errors import EvidenceError
from mlgate.evidence import canonical, queries
from mlgate.evidence.arrays import numbers
from mlgate.evidence.queries import Step

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

    from mlgate.evidence.tables import Table

MAX_COMBINATIONS = 20_000
"""Columns share a group-by while their bins and values have no more combinations, seen or not."""

_SCALES = 2.0**1000
"""Widths whose inverse is a float that multiplies as exactly as the width divides."""


def steps(table: Table, statistics: Sequence[TableStatistic]) -> list[Step]:
    """Return the queries that answer all `Histogram` of a table."""
    asked = [one for one in statistics if isinstance(one, Histogram)]
    return [_step(table, share) for share in _shares(asked)]


def _shares(asked: Sequence[Histogram]) -> list[list[Histogram]]:
    """Put columns together: the largest first, each with the first others that it fits to."""
    shares: list[list[Histogram]] = []
    for one in sorted(asked, key=lambda one: (-one.size, repr(one))):
        fits = (share for share in shares if _combinations([*share, one]) <= MAX_COMBINATIONS)
        share = next(fits, None)
        if share is None:
            shares.append([one])
        else:
            share.append(one)
    return shares


def _combinations(share: Sequence[Histogram]) -> int:
    return math.prod(one.size + 1 for one in share)  # and the rows without a value


def _step(table: Table, share: Sequence[Histogram]) -> Step:
    clean = queries.cleaned(table, [one.column for one in share])
    picked = {f"b{place}": _key(table, clean, one) for place, one in enumerate(share)}
    source = clean.select(**picked)

    def distribute(result: pa.Table) -> Mapping[Statistic, Answer]:
        return {one: _answer(result, f"b{place}", one) for place, one in enumerate(share)}

    return Step(
        what=f"count rows by {queries.listed([one.column for one in share])}",
        expression=source.group_by(list(picked)).aggregate(n=source.count()),
        serves=tuple(share),
        distribute=distribute,
    )


def _key(table: Table, clean: ir.Table, statistic: Histogram) -> Any:
    """Return the number of the bin that each row falls into, or its value."""
    column = clean[statistic.column]
    if statistic.width is None:
        return column
    values = reals(table, column, statistic.column)
    if statistic.start:
        values = values - queries.real(statistic.start)
    invertible = 1 / _SCALES <= statistic.width <= _SCALES and _is_power_of_two(statistic.width)
    scaled = (
        values * queries.real(1 / statistic.width) if invertible else values / queries.real(statistic.width)
    )
    return scaled.floor().cast("int64")


def _is_power_of_two(width: float) -> bool:
    return width.as_integer_ratio()[0] & (width.as_integer_ratio()[0] - 1) == 0


def reals(table: Table, column: Any, name: str) -> Any:
    """Return a column as floats: moments as seconds since 1970 in UTC. EvidenceError for other types."""
    kind = column.type()
    if kind.is_date():
        column = column.cast("timestamp")
    if kind.is_date() or kind.is_timestamp():
        return column.epoch_seconds().cast("float64")
    if not kind.is_numeric():
        raise EvidenceError(
            queries.where(table, name),
            f"is {queries.type_of(column)}, which has no bins",
            "name a column of numbers or moments, or count it by its values",
        )
    return column.cast("float64")


def _answer(result: pa.Table, key: str, statistic: Histogram) -> BinCounts:
    import numpy as np

    encoded = result[key].combine_chunks().dictionary_encode()
    found = np.zeros(len(encoded.dictionary) + 1, dtype=np.int64)  # the last counts rows without a value
    np.add.at(found, numbers(encoded.indices, missing=len(encoded.dictionary)), numbers(result["n"]))
    *n, nulls = found.tolist()
    if statistic.width is None:
        return _values([*canonical.texts(encoded.dictionary), None], [*n, nulls])
    bins = sorted(zip(encoded.dictionary.to_pylist(), n, strict=True))
    return BinCounts(rows=sum(n) + nulls, nulls=nulls, bins=tuple(bins))


def _values(texts: Sequence[str | None], n: Sequence[int]) -> BinCounts:
    """Add up rows by text: the most frequent first, ties by text."""
    found: dict[str | None, int] = {}
    for text, count in zip(texts, n, strict=True):
        found[text] = found.get(text, 0) + count
    nulls = found.pop(None, 0)
    there = [(text, count) for text, count in found.items() if text is not None]
    there.sort(key=lambda one: (-one[1], one[0]))
    return BinCounts(rows=sum(n), nulls=nulls, values=tuple(there))
