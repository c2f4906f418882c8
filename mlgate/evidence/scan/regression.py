"""How tables of numbers are read: regression, its intervals and quantiles, and graded scores."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlgate.cells import QUANTILE, Counts
from mlgate.evidence.scan import numbers
from mlgate.evidence.scan.reading import CHAMPION, Part, PlainReading, demand, spoken
from mlgate.strict_yaml import show

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

    from mlgate.evidence.tables import Table

ENDS = ("lower", "upper")


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """What the first look asks of a table whose roles are all numbers."""

    table: Table
    roles: Mapping[str, str]
    """From each role that is asked for, and both ends of an interval when one is, to its column."""
    listed: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> Collection[str]:
        """The columns of the roles."""
        return self.roles.values()

    def facts(self, source: ir.Table) -> dict[str, Any]:
        """Return what is wrong with the numbers, and with the two ends of an interval."""
        found: dict[str, Any] = {}
        for role, name in self.roles.items():
            found |= numbers.facts(source, role, name)
        if set(ENDS) <= set(self.roles):
            lower, upper = (numbers.number(source, self.roles[end]) for end in ENDS)
            found["crossed"] = source.count(where=lower > upper)
        return found

    def reading(self, row: Mapping[str, Any], listed: Mapping[str, pa.ChunkedArray]) -> PlainReading:  # noqa: ARG002
        """Make the reading of the row that came back; see `Asked.reading`."""
        for role, name in self.roles.items():
            numbers.demand(self.table, role, name, row, key=_key(role))
        crossed = _crossed(self.roles, row)
        return PlainReading(
            parts={
                role: _part(role, name, row, crossed if role in ENDS else ())
                for role, name in self.roles.items()
            }
        )


def ask(table: Table, counts: Collection[Counts]) -> Numbers:
    """Say what has to be found out for some counts. EvidenceError when the table lacks a role."""
    roles = {role for one in counts for role in one.roles}
    there = _roles(table)
    for role in sorted(roles):
        demand(table, role, key=_key(role), there=role in there)
    wanted = {*roles, *(ENDS if set(ENDS) & set(roles) else ())}
    return Numbers(table=table, roles={role: name for role, name in there.items() if role in wanted})


def _roles(table: Table) -> dict[str, str]:
    """Return the roles that a table of its task can have, to their columns."""
    columns = table.columns
    output = "score" if columns.task == "scores" else "prediction"
    found = {"label": columns.label, output: getattr(columns, output)}
    if columns.champion is not None:
        found[f"{CHAMPION}{output}"] = getattr(columns.champion, output)
    if columns.task == "regression":
        found |= dict(zip(ENDS, columns.interval or (), strict=False))
        found |= {f"{QUANTILE}{level}": name for level, name in columns.quantiles.items()}
    return {role: name for role, name in found.items() if name is not None}


def _key(role: str) -> str:
    """Return what the release names the column of a role under."""
    if role in ENDS:
        return "interval"
    return "quantiles" if role.startswith(QUANTILE) else role


def _part(role: str, name: str, row: Mapping[str, Any], crossed: Sequence[str]) -> Part:
    parts = numbers.impossible(role, row)
    todo = "leave those rows out of the table, or complete them"
    faults = [f"{spoken(role)} {show(name)}: {', '.join(parts)}; {todo}"] if parts else []
    return Part(columns=(name,), read=lambda clean: numbers.number(clean, name), faults=(*faults, *crossed))


def _crossed(roles: Mapping[str, str], row: Mapping[str, Any]) -> tuple[str, ...]:
    if not row.get("crossed"):
        return ()
    lower, upper = (show(roles[end]) for end in ENDS)
    what = f"in {row['crossed']} of {row['rows']} rows the low end {lower} is above the high end {upper}"
    return (f"interval: {what}; name the low end first under `interval:`, or mend those rows",)
