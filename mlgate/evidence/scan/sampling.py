"""Some rows of a table: the same ones on every run, whatever the order of rows, their files or threads.

Each row has a number that follows from its values, from how many rows equal to it are counted before it, and
from the seed; the rows with the smallest numbers are taken. Of rows that are equal it does not matter which
one is which, and without the count all of them would be taken, or none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlgate.cells import Answer, Drawn, DrawnRows, Sample, SampledRows, Statistic, TableStatistic
from mlgate.errors import EvidenceError
from mlgate.evidence import canonical, queries
from mlgate.evidence.arrays import numbers
from mlgate.evidence.queries import Step
from mlgate.evidence.scan.reading import floats

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa
    from numpy.typing import NDArray

    from mlgate.evidence.tables import Table

_ORDER = ("number", "hash", "place")


def steps(table: Table, statistics: Sequence[TableStatistic]) -> list[Step]:
    """Return the queries that answer all `Sample` of a table.

    Raises EvidenceError where the engine has no hash, and when a column does not exist.
    """
    return [_step(table, one) for one in statistics if isinstance(one, Sample | Drawn)]


def _step(table: Table, statistic: Sample | Drawn) -> Step:
    import numpy as np

    if not statistic.columns or statistic.rows < 1:
        raise EvidenceError(
            table.location, "a sample of nothing is asked for", "name columns, and rows above 0"
        )
    columns = tuple(dict.fromkeys(statistic.columns))
    names = {name: f"c{place}" for place, name in enumerate(columns)}
    clean = queries.cleaned(table, columns)
    source = clean.select(**{short: clean[name] for name, short in names.items()})
    taken = _drawn(table, source, statistic)
    typed = isinstance(statistic, Drawn)
    picked: dict[str, Any] = {s: taken[s] if typed else _plain(taken[s]) for s in names.values()}
    picked |= {name: taken[name] for name in _ORDER}

    def distribute(result: pa.Table) -> Mapping[Statistic, Answer]:
        rows = result.num_rows
        order = np.lexsort([numbers(result[name]) for name in reversed(_ORDER)])
        of = int(result["of"][0].as_py()) if rows else 0
        if typed:
            kept = result.select(list(names.values())).rename_columns(list(names))
            return {statistic: DrawnRows(table=kept.take(order), of=of)}
        arrays = {name: _array(result[short])[order] for name, short in names.items()}
        return {statistic: SampledRows(columns=arrays, rows=rows, of=of)}

    return Step(
        what=f"draw up to {statistic.rows} rows",
        expression=taken.select(**picked).cross_join(source.aggregate(of=source.count())),
        serves=(statistic,),
        distribute=distribute,
    )


def _drawn(table: Table, source: ir.Table, statistic: Sample | Drawn) -> ir.Table:
    """Return the rows with the smallest numbers.

    The numbers are told from the hashes alone, which take 8 bytes a row; only rows with a hash that is drawn
    are then looked at with all their columns.
    """
    import ibis

    names = source.columns
    found = queries.hash_of(table, ibis.struct({name: source[name] for name in names}))
    if found is None:
        raise EvidenceError(
            table.location,
            f"{table.engine} cannot draw rows that are the same ones on every run",
            "judge a copy of the table in a file, or leave the check out",
        )
    rows = source.mutate(hash=found)
    hashes = rows.select("hash")
    placed = hashes.mutate(place=ibis.row_number().over(ibis.window(group_by="hash")))
    mixed = {"hash": placed["hash"], "place": placed["place"], "seed": ibis.literal(statistic.seed, "int64")}
    numbered = placed.mutate(number=queries.hash_of(table, ibis.struct(mixed)))
    drawn = numbered.order_by(*_ORDER).limit(statistic.rows)
    few = rows.semi_join(drawn, "hash")
    # Where unequal rows share a hash by chance, the order of the table must not show either.
    order = ibis.window(group_by="hash", order_by=[few[name] for name in names])
    return few.mutate(place=ibis.row_number().over(order)).inner_join(drawn, ["hash", "place"])


def _plain(column: ir.Column) -> ir.Column:
    """Return moments as seconds since 1970 in UTC, truth values as numbers, all else as it is."""
    kind = column.type()
    if kind.is_date() or kind.is_timestamp():
        return column.cast("timestamp").epoch_seconds().cast("float64")
    return column.cast("int8").cast("float64") if kind.is_boolean() else column


def _array(column: pa.ChunkedArray) -> NDArray[Any]:
    """Return numbers as floats, NaN for missing; all else as texts, None for missing."""
    import numpy as np
    import pyarrow as pa

    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return floats(column)
    found = np.empty(len(column), dtype=object)
    found[:] = canonical.texts(column.combine_chunks())
    return found
