"""The cheap first look at a table, before any counting is planned.

One aggregate query finds what the plan depends on (roughly how many values each grouping column has) and
what every count depends on (the values of label and prediction; how many labels, scores and weights are
missing or impossible). What cannot be counted becomes a *fault*: the counts that it concerns come back
with it, and no measure looks past it. What cannot be understood at all is an EvidenceError.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlgate.cells import Bins, By, Counts, TableStatistic, Values
from mlgate.errors import EvidenceError
from mlgate.evidence import canonical, coding, queries
from mlgate.evidence.coding import Coding, Found
from mlgate.strict_yaml import show

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

    from mlgate.evidence.tables import Table


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What the first look found."""

    rows: int
    sizes: Mapping[By, int]
    """About how many different values each grouping has, missing included."""
    codings: Mapping[str, Coding] = field(default_factory=dict)
    """How label and prediction are written."""
    faults: Mapping[str, str] = field(default_factory=dict)
    """Role or "weight" to why no count with it may be used; sound ones are left out."""
    largest_weight: float = 0.0
    """The largest finite weight; 0 without weights."""

    def fault(self, roles: Collection[str]) -> str | None:
        """Return the faults that counts of these roles have; weights are in every count."""
        found = [fault for role, fault in self.faults.items() if role in roles or role == "weight"]
        return "; ".join(found) or None


@dataclass(frozen=True, kw_only=True)
class Look:
    """What the first look has to find out for some statistics of a table."""

    classes: Mapping[str, str]
    """`label` and `prediction`, where they are asked for and have a column, to that column."""
    score: str | None
    weight: str | None
    groupings: tuple[By, ...]
    derived: bool
    """Whether the prediction is asked for and is the score held against the threshold."""


def look(table: Table, statistics: Collection[TableStatistic]) -> Look | None:
    """Say what has to be found out; None when nothing is counted.

    Raises EvidenceError when a role is asked for that the table lacks.
    """
    counts = [one for one in statistics if isinstance(one, Counts)]
    values = [one for one in statistics if isinstance(one, Values)]
    if not counts and not values:
        return None
    roles = {role for one in counts for role in one.roles}
    columns = table.columns
    derived = "prediction" in roles and columns.prediction is None
    if derived:
        table.require("score", "the prediction follows from it")
    for role in sorted(roles):
        _demand(table, role)
    if counts:
        # Without this, a table that lacks the weights would be counted as if all were 1.
        table.require("weight", "every count needs it")
    classes = {"prediction": columns.prediction} if "prediction" in roles and not derived else {}
    coded_as_label = bool(classes) and table.prediction_positive is None
    # What is favourable is a value of the label, also for measures that ask for predictions alone.
    favoured = "prediction" in roles and table.favourable is not None
    if columns.label is not None and ("label" in roles or coded_as_label or favoured):
        classes["label"] = columns.label
    groupings = {by for one in counts for by in one.by} | {one.column for one in values}
    return Look(
        classes={role: name for role, name in classes.items() if name is not None},
        score=columns.score if derived or "score" in roles else None,
        weight=columns.weight if counts else None,
        groupings=tuple(sorted(groupings, key=repr)),
        derived=derived,
    )


def _demand(table: Table, role: str) -> None:
    table.require(role, "a selected check needs it")
    if not table.columns.has(role):
        raise EvidenceError(
            f"{table.location}: table {show(table.name)}",
            f"has no {role}, which a selected check needs",
            f"name it under `columns: {{{role}: ...}}`, or leave the check out",
        )


def expression(table: Table, asked: Look) -> ir.Table:
    """Return the one query of the first look: a single row of aggregates."""
    grouped = [one for one in asked.groupings if isinstance(one, str)]
    binned = [one.column for one in asked.groupings if isinstance(one, Bins)]
    numbers = [one for one in (asked.score, asked.weight) if one is not None]
    source = queries.cleaned(table, [*asked.classes.values(), *numbers, *grouped, *binned])
    found: dict[str, Any] = {"rows": source.count()}
    for role, name in sorted(asked.classes.items()):
        column = _demand_classes(table, role, name, source[name])
        found[f"{role}_there"] = column.count()
        found[f"{role}_distinct"] = column.nunique()
        found[f"{role}_low"] = column.min()
        found[f"{role}_high"] = column.max()
    if asked.score is not None:
        found |= _number_facts(source, "score", asked.score)
    if asked.weight is not None:
        found |= _number_facts(source, "weight", asked.weight)
    for position, name in enumerate(grouped):
        found[f"size{position}"] = queries.about_distinct(source[name])
    return source.aggregate(**found)


def _demand_classes(table: Table, role: str, name: str, column: ir.Column) -> ir.Column:
    kind = column.type()
    if not (kind.is_numeric() or kind.is_boolean() or kind.is_string()):
        raise EvidenceError(
            queries.where(table, name),
            f"the {role} is {queries.type_of(column)}, which has no classes",
            "name a column of numbers, truth values or texts",
        )
    return column


def number(source: ir.Table, name: str) -> ir.FloatingColumn:
    """Return a column as 64-bit floats.

    One that holds no numbers reads as null: the first look has made sure that it holds nothing else.
    """
    column = source[name]
    return (column if _holds_numbers(column) else column.nullif(column)).cast("float64")


def _holds_numbers(column: ir.Column) -> bool:
    kind = column.type()
    return bool(kind.is_numeric() or kind.is_boolean())


def _number_facts(source: ir.Table, role: str, name: str) -> dict[str, Any]:
    import ibis

    facts = {f"{role}_held": source[name].count()}
    if not _holds_numbers(source[name]):
        return facts
    values = number(source, name)
    infinite = queries.is_infinite(values)
    facts |= {
        f"{role}_infinite": source.count(where=infinite),
        f"{role}_below": source.count(where=(values < 0) & ~infinite),
    }
    finite = infinite.ifelse(ibis.literal(None, "float64"), values)
    if role == "weight":
        return facts | {"weight_high": finite.max()}
    return facts | {
        f"{role}_above": source.count(where=(values > 1) & ~infinite),
        f"{role}_low": finite.min(),
        f"{role}_high": finite.max(),
    }


def read(table: Table, asked: Look, answer: pa.Table) -> Survey:
    """Make the survey of the one row that came back.

    Raises EvidenceError when the values of label or prediction do not match what the release says, or
    when score or weight are not numbers.
    """
    row: dict[str, Any] = {name: answer[name][0].as_py() for name in answer.column_names}
    sizes: dict[By, int] = {}
    position = 0
    for by in asked.groupings:
        if isinstance(by, Bins):
            sizes[by] = len(by.edges) + 2
        else:
            sizes[by] = int(row[f"size{position}"] or 0) + 1
            position += 1
    found = {role: _found(table, role, name, row) for role, name in asked.classes.items()}
    codings = _codings(table, found)
    return Survey(
        rows=row["rows"],
        sizes=sizes,
        codings=codings,
        faults=_faults(table, asked, row, found),
        largest_weight=max(row.get("weight_high") or 0.0, 0.0),
    )


def _codings(table: Table, found: Mapping[str, Found]) -> dict[str, Coding]:
    codings: dict[str, Coding] = {}
    if "label" in found:
        codings["label"] = coding.code_label(found["label"], table.label_positive)
    if "prediction" in found:
        codings["prediction"] = coding.code_prediction(
            found["prediction"],
            positive=table.label_positive,
            prediction_positive=table.prediction_positive,
            label=found.get("label"),
        )
    return codings


def _found(table: Table, role: str, name: str, row: Mapping[str, Any]) -> Found:
    distinct = int(row[f"{role}_distinct"] or 0)
    ends = (row[f"{role}_low"], row[f"{role}_high"])
    return Found(
        where=queries.where(table, name),
        column=name,
        distinct=distinct,
        values=ends if distinct > 1 else ends[:distinct],
    )


def _faults(table: Table, asked: Look, row: Mapping[str, Any], found: Mapping[str, Found]) -> dict[str, str]:
    rows = row["rows"]
    faults: dict[str, str | None] = {
        role: _missing(role, name, rows - row[f"{role}_there"], rows) or _unproven(table, role, found)
        for role, name in asked.classes.items()
    }
    if asked.score is not None:
        _demand_numbers(table, "score", asked.score, row)
        faults["score"] = _score_fault(asked.score, row, bounded=True)
        if asked.derived:
            # A threshold outside [0, 1] says that the score is on a scale of its own.
            bounded = 0 <= table.threshold <= 1
            faults["prediction"] = _score_fault(asked.score, row, bounded=bounded)
    if (asked.derived or "prediction" in found) and (unknown := _favourable(table, found)) is not None:
        faults["prediction"] = "; ".join(filter(None, (faults.get("prediction"), unknown)))
    if asked.weight is not None:
        _demand_numbers(table, "weight", asked.weight, row)
        faults["weight"] = _weight_fault(asked.weight, row)
    return {role: fault for role, fault in faults.items() if fault is not None}


def _unproven(table: Table, role: str, found: Mapping[str, Found]) -> str | None:
    if role == "label":
        return coding.unproven(found[role], role, table.label_positive, "positive")
    if table.prediction_positive is not None:
        return coding.unproven(found[role], role, table.prediction_positive, "prediction_positive")
    if "label" in found and found["label"].distinct == coding.CLASSES:
        return None  # the label shows both classes, and the prediction is one of them
    return coding.unproven(found[role], role, table.label_positive, "positive")


def _favourable(table: Table, found: Mapping[str, Found]) -> str | None:
    """Say that nothing shows what the favourable value is; EvidenceError when it plainly is none."""
    if table.favourable is None:
        return None
    as_label = ("label",) if table.prediction_positive is not None else ("label", "prediction")
    return coding.check_favourable(
        table.favourable,
        positive=table.label_positive,
        where=table.location,
        classes=[found[role] for role in as_label if role in found],
    )


def _missing(role: str, name: str, missing: int, rows: int) -> str | None:
    if not missing:
        return None
    todo = "leave those rows out of the table, or complete them"
    return f"{missing} of {rows} values of {role} {show(name)} are missing; {todo}"


def _demand_numbers(table: Table, role: str, name: str, row: Mapping[str, Any]) -> None:
    """Refuse a column of texts; one that is all null is a fault, not an error."""
    if f"{role}_infinite" not in row and row[f"{role}_held"]:
        raise EvidenceError(
            queries.where(table, name),
            f"the {role} is {queries.type_of(table.expr[name])}, not a number",
            f"name a column of numbers under `columns: {{{role}: ...}}`, or give its type under `types:`",
        )


def _score_fault(name: str, row: Mapping[str, Any], *, bounded: bool) -> str | None:
    parts = _impossible("score", row)
    outside = (row.get("score_below") or 0) + (row.get("score_above") or 0) if bounded else 0
    if outside:
        low, high = (canonical.number(row[f"score_{end}"]) for end in ("low", "high"))
        parts.append(
            f"{outside} of {row['rows']} values lie outside [0, 1] (min {low}, max {high}), "
            "so it is not a probability"
        )
    todo = "name the column that holds the probability of the positive class, complete in every row"
    return f"score {show(name)}: {', '.join(parts)}; {todo}" if parts else None


def _weight_fault(name: str, row: Mapping[str, Any]) -> str | None:
    parts = _impossible("weight", row)
    if row.get("weight_below"):
        parts.append(f"{row['weight_below']} of {row['rows']} values are negative")
    todo = "give every row a weight of 0 or more"
    return f"weight {show(name)}: {', '.join(parts)}; {todo}" if parts else None


def _impossible(role: str, row: Mapping[str, Any]) -> list[str]:
    rows = row["rows"]
    missing = rows - row[f"{role}_held"]
    infinite = row.get(f"{role}_infinite") or 0
    parts = [f"{missing} of {rows} values are missing or NaN"] if missing else []
    return parts + ([f"{infinite} of {rows} values are infinite"] if infinite else [])
