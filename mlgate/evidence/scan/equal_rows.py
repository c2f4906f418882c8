"""Rows that are equal in some columns: how many repeat, and how many contradict each other.

A group-by over many columns keeps all of them in memory. So, where the engine has a hash, rows are grouped
by one hash of theirs first: equal rows have equal hashes, and a row whose hash is its own has no equal. Only
the rows whose hashes meet are then compared, in full and by their values. No count ever rests on a hash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlgate.cells import Answer, ConflictCounts, Conflicts, RepeatCounts, Repeats, Statistic, TableStatistic
from mlgate.errors import EvidenceError
from mlgate.evidence import queries
from mlgate.evidence.queries import Step

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

    from mlgate.evidence.tables import Table

FEW_COLUMNS = 2
"""Up to so many columns a group-by over the columns themselves is as good."""

_HASH, _LABEL = "hash", "label"


def steps(table: Table, statistics: Sequence[TableStatistic]) -> list[Step]:
    """Return the queries that answer all `Repeats` and `Conflicts` of a table.

    Where hashes meet, answering runs a second query: the comparison of those rows.
    """
    repeats = [_repeats_step(table, one) for one in statistics if isinstance(one, Repeats)]
    return repeats + [_conflicts_step(table, one) for one in statistics if isinstance(one, Conflicts)]


def _repeats_step(table: Table, statistic: Repeats) -> Step:
    rows, names = _keyed(table, statistic.columns)
    hashed = _hashed(table, rows, names)
    what = f"count rows that repeat {queries.listed(statistic.columns)}"

    def distribute(result: pa.Table) -> Mapping[Statistic, Answer]:
        found = _row(result)
        if hashed is not None and found["repeated"]:
            met = _run(table, _repeats(_meeting(hashed), names), f"{what}: compare those whose hashes meet")
            alone = found["rows"] - met["rows"]
            found |= {"distinct": alone + met["distinct"], "repeated": met["repeated"]}
        return {statistic: RepeatCounts(**found)}

    return Step(
        what=what,
        expression=_repeats(rows, names) if hashed is None else _repeats(hashed, [_HASH], names),
        serves=(statistic,),
        distribute=distribute,
    )


def _repeats(rows: ir.Table, keys: Sequence[str], nullable: Sequence[str] | None = None) -> ir.Table:
    """Group rows by some keys and count: rows, groups, rows in groups of several, rows with a null.

    `nullable` are the columns in which a null counts, where they are not the keys.
    """
    incomplete = _any([rows[name].isnull() for name in nullable or keys])
    source = rows.select(*keys, incomplete=incomplete)
    groups = source.group_by([*keys, "incomplete"]).aggregate(n=source.count())
    n = groups["n"]
    return groups.aggregate(
        rows=n.sum(),
        distinct=groups.count(),
        repeated=n.sum(where=n > 1),
        nulls=n.sum(where=groups["incomplete"]),
    )


def _any(conditions: Sequence[ir.BooleanValue]) -> ir.BooleanValue:
    """Return whether any holds, as a tree that is not deep: a chain of thousands no parser would follow."""
    middle = len(conditions) // 2
    return _any(conditions[:middle]) | _any(conditions[middle:]) if middle else conditions[0]


def _conflicts_step(table: Table, statistic: Conflicts) -> Step:
    rows, names = _keyed(table, statistic.columns, statistic.label)
    hashed = _hashed(table, rows, names)
    what = f"compare the {statistic.label} of rows that are alike"

    def distribute(result: pa.Table) -> Mapping[Statistic, Answer]:
        found = _row(result)
        if hashed is not None and found["conflicting"]:
            met = _run(table, _conflicts(_meeting(hashed), names), f"{what}: those whose hashes meet")
            found["conflicting"] = met["conflicting"]
        return {statistic: ConflictCounts(**found)}

    return Step(
        what=what,
        expression=_conflicts(rows, names) if hashed is None else _conflicts(hashed, [_HASH]),
        serves=(statistic,),
        distribute=distribute,
    )


def _conflicts(rows: ir.Table, keys: Sequence[str]) -> ir.Table:
    """Group rows by some keys; count rows, those without a label, and labelled ones in groups of several."""
    label = rows[_LABEL]
    groups = rows.group_by(list(keys)).aggregate(
        n=rows.count(), labelled=label.count(), low=label.min(), high=label.max()
    )
    labelled = groups["labelled"]
    return groups.aggregate(
        rows=groups["n"].sum(),
        unlabelled=(groups["n"] - labelled).sum(),
        conflicting=labelled.sum(where=groups["low"] != groups["high"]),
    )


def _keyed(table: Table, columns: Sequence[str], label: str | None = None) -> tuple[ir.Table, list[str]]:
    """Return the columns under names that no name of the table can stand in the way of."""
    if not columns:
        raise EvidenceError(
            table.location, "no columns are named in which rows could be equal", "name at least one column"
        )
    clean = queries.cleaned(table, [*columns, *([label] if label else [])])
    once = enumerate(dict.fromkeys(columns))
    picked: dict[str, Any] = {f"k{position}": clean[name] for position, name in once}
    names = list(picked)
    if label is not None:
        picked[_LABEL] = clean[label]
    return clean.select(**picked), names


def _hashed(table: Table, rows: ir.Table, names: Sequence[str]) -> ir.Table | None:
    """Return the rows with one hash over some columns; None where there is none, or it saves nothing."""
    import ibis

    if len(names) <= FEW_COLUMNS:
        return None
    found = queries.hash_of(table, ibis.struct({name: rows[name] for name in names}))
    return None if found is None else rows.mutate(**{_HASH: found})


def _meeting(rows: ir.Table) -> ir.Table:
    """Return the rows whose hash is not theirs alone."""
    groups = rows.group_by(_HASH).aggregate(n=rows.count())
    met = groups.filter(groups["n"] > 1)
    return rows.semi_join(met, _HASH)


def _run(table: Table, expression: ir.Table, what: str) -> dict[str, int]:
    return _row(queries.run(table, expression, what))


def _row(result: pa.Table) -> dict[str, int]:
    return {name: int(result[name][0].as_py() or 0) for name in result.column_names}
