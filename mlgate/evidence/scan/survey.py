"""The cheap first look at a table, before any counting is planned.

One aggregate query finds what the plan depends on (roughly how many values each grouping column has) and
what every count depends on (the values of label and prediction; how many labels, scores and weights are
missing or impossible). Of a multiclass table, two small ones list the classes; of a very long binary one, a
third tells whether bins would keep its scores apart. What cannot be counted becomes
a *fault*: the counts that it concerns come back with it, and no measure looks past it. What cannot be
understood at all is an EvidenceError.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgate.cells import Bins, By, Counts, TableStatistic, Task, Values
from mlgate.evidence import queries
from mlgate.evidence.classes import MAX_CLASSES
from mlgate.evidence.scan import binary, binning, multiclass, numbers, regression
from mlgate.evidence.scan.reading import Asked, Reading, demand, in_order, missing, viewed
from mlgate.strict_yaml import show

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

    from mlgate.evidence.tables import Table

_ASK: Mapping[Task, Callable[[Table, Collection[Counts]], Asked]] = {
    "binary": binary.ask,
    "multiclass": multiclass.ask,
    "regression": regression.ask,
    "scores": regression.ask,
}

SPREAD = "look how far scores are spread"

FIRST_LOOK = "look at labels, scores, weights and the sizes of groups"


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What the first look found."""

    rows: int
    sizes: Mapping[By, int]
    """About how many different values each grouping has, missing included."""
    reading: Reading
    """How the roles are counted."""
    weight_faults: tuple[str, ...] = ()
    cluster_faults: tuple[str, ...] = ()
    largest_weight: float = 0.0
    """The largest finite weight; 0 without weights."""
    binned: bool = False
    """Whether scores are counted in bins, for all who can do with that."""

    def fault(self, statistic: Counts) -> str | None:
        """Return the faults that counts have; weights are in every count."""
        view = viewed(statistic)
        roles = self.reading.roles(statistic)
        found = [fault for role in in_order(roles) for fault in self.reading.part(role, view).faults]
        clusters = self.cluster_faults if statistic.clustered else ()
        return "; ".join(dict.fromkeys([*found, *self.weight_faults, *clusters])) or None

    def bins(self, statistic: Counts) -> bool:
        """Whether a count comes back with scores in bins."""
        return self.binned and binning.allowed(statistic)


@dataclass(frozen=True, kw_only=True)
class Look:
    """What the first look has to find out for some statistics of a table."""

    asked: Asked
    """Of the roles."""
    weight: str | None
    cluster: str | None
    groupings: tuple[By, ...]


def look(table: Table, statistics: Collection[TableStatistic]) -> Look | None:
    """Say what has to be found out; None when nothing is counted.

    Raises EvidenceError when a role is asked for that the table lacks.
    """
    counts = [one for one in statistics if isinstance(one, Counts)]
    values = [one for one in statistics if isinstance(one, Values)]
    if not counts and not values:
        return None
    columns = table.columns
    asked = _ASK[columns.task](table, counts)
    if counts:
        # Without this, a table that lacks the weights would be counted as if all were 1.
        table.require("weight", "every count needs it")
    clustered = any(one.clustered for one in counts)
    if clustered:
        demand(table, "cluster", there=columns.cluster is not None)
    groupings = {by for one in counts for by in one.by} | {one.column for one in values}
    if clustered and columns.cluster is not None:
        groupings.add(columns.cluster)
    return Look(
        asked=asked,
        weight=columns.weight if counts else None,
        cluster=columns.cluster if clustered else None,
        groupings=tuple(sorted(groupings, key=repr)),
    )


def expressions(table: Table, wanted: Look) -> dict[str, ir.Table]:
    """Return the queries of the first look by what they do: a row of aggregates, and lists of classes."""
    lists = {
        _listing(role, name): _classes(table, name) for role, name in sorted(wanted.asked.listed.items())
    }
    return {FIRST_LOOK: _aggregates(table, wanted), **lists}


def _listing(role: str, name: str) -> str:
    return f"list the classes of {role} {queries.listed([name])}"


def _classes(table: Table, name: str) -> ir.Table:
    clean = queries.cleaned(table, [name])
    return clean.select(value=clean[name]).distinct().limit(MAX_CLASSES + 2)


def _aggregates(table: Table, wanted: Look) -> ir.Table:
    grouped = [one for one in wanted.groupings if isinstance(one, str)]
    binned = [one.column for one in wanted.groupings if isinstance(one, Bins)]
    others = [one for one in (wanted.weight, wanted.cluster) if one is not None]
    source = queries.cleaned(table, [*wanted.asked.columns, *others, *grouped, *binned])
    found: dict[str, Any] = {"rows": source.count(), **wanted.asked.facts(source)}
    if wanted.weight is not None:
        found |= numbers.weight_facts(source, wanted.weight)
    if wanted.cluster is not None:
        found["cluster_there"] = source[wanted.cluster].count()
    for position, name in enumerate(grouped):
        found[f"size{position}"] = queries.about_distinct(source[name])
    return source.aggregate(**found)


def read(table: Table, wanted: Look, answers: Mapping[str, pa.Table]) -> Survey:
    """Make the survey of what came back, by what each query does.

    Raises EvidenceError when the values of label or prediction do not match what the release says, or
    when score or weight are not numbers.
    """
    first = answers[FIRST_LOOK]
    row: dict[str, Any] = {name: first[name][0].as_py() for name in first.column_names}
    sizes: dict[By, int] = {}
    position = 0
    for by in wanted.groupings:
        if isinstance(by, Bins):
            sizes[by] = len(by.edges) + 2
        else:
            sizes[by] = int(row[f"size{position}"] or 0) + 1
            position += 1
    listed = {role: answers[_listing(role, name)]["value"] for role, name in wanted.asked.listed.items()}
    return Survey(
        rows=row["rows"],
        sizes=sizes,
        reading=wanted.asked.reading(row, listed),
        weight_faults=_weight_faults(table, wanted.weight, row),
        cluster_faults=_cluster_faults(wanted.cluster, row),
        largest_weight=max(row.get("weight_high") or 0.0, 0.0),
    )


def spread(
    table: Table, statistics: Collection[TableStatistic], found: Survey, bin_above: int
) -> ir.Table | None:
    """Return the query of the spread of the scores; None where they are counted exactly without it.

    That is in tables of no more than `bin_above` rows, where nobody takes bins, and where scores have faults,
    so that they may be no numbers in [0, 1].
    """
    columns = table.columns
    wanted = any(isinstance(one, Counts) and binning.allowed(one) for one in statistics)
    if not wanted or columns.task != "binary" or columns.score is None or found.rows <= bin_above:
        return None
    return None if found.reading.part("score", None).faults else binning.look(table, columns.score)


def _weight_faults(table: Table, name: str | None, row: Mapping[str, Any]) -> tuple[str, ...]:
    if name is None:
        return ()
    numbers.demand(table, "weight", name, row, key="weight")
    parts = numbers.impossible("weight", row)
    if row.get("weight_below"):
        parts.append(f"{row['weight_below']} of {row['rows']} values are negative")
    todo = "give every row a weight of 0 or more"
    return (f"weight {show(name)}: {', '.join(parts)}; {todo}",) if parts else ()


def _cluster_faults(name: str | None, row: Mapping[str, Any]) -> tuple[str, ...]:
    return () if name is None else tuple(missing("cluster", name, row["cluster_there"], row["rows"]))
