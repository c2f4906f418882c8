"""How a binary table is read: label and prediction as 0 and 1, the score as a probability."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mlgate.cells import Counts
from mlgate.evidence import coding, queries
from mlgate.evidence.coding import Coding, Found
from mlgate.evidence.scan import numbers
from mlgate.evidence.scan.reading import Part, PlainReading, demand, demand_classes, missing
from mlgate.strict_yaml import show

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from mlgate.evidence.tables import Table

_ROLES = ("label", "prediction", "score")

_CODES = 3
"""Values that a label or prediction can have in a cell: negative, positive, missing."""


@dataclass(frozen=True, kw_only=True)
class Binary:
    """What the first look asks of a binary table."""

    table: Table
    classes: Mapping[str, str]
    """`label` and `prediction`, where they are asked for and have a column, to that column."""
    score: str | None
    derived: bool
    """Whether the prediction is asked for and is the score held against the threshold."""
    listed: Mapping[str, str] = field(default_factory=dict)
    """None: the smallest and the largest of two classes are all there are."""

    @property
    def columns(self) -> Collection[str]:
        """The columns of classes, and the score."""
        return [*self.classes.values(), *([] if self.score is None else [self.score])]

    def facts(self, source: ir.Table) -> dict[str, Any]:
        """Return what tells the classes apart, and what is wrong with the scores."""
        found: dict[str, Any] = {}
        for role, name in sorted(self.classes.items()):
            column = demand_classes(self.table, role, name, source[name])
            found[f"{role}_there"] = column.count()
            found[f"{role}_distinct"] = column.nunique()
            found[f"{role}_low"] = column.min()
            found[f"{role}_high"] = column.max()
        return found if self.score is None else found | numbers.probability_facts(source, "score", self.score)

    def reading(self, row: Mapping[str, Any], listed: Mapping[str, pa.ChunkedArray]) -> PlainReading:  # noqa: ARG002
        """Make the reading of the row that came back; see `Asked.reading`."""
        found = {role: _found(self.table, role, name, row) for role, name in self.classes.items()}
        codings = _codings(self.table, found)
        parts: dict[str, Part] = {}
        for role, name in self.classes.items():
            faults = missing(role, name, row[f"{role}_there"], row["rows"])
            unproven = None if faults else _unproven(self.table, role, found)
            parts[role] = _class_part(codings[role], name, [*faults, unproven])
        if self.score is not None:
            numbers.demand(self.table, "score", self.score, row, key="score")
            parts["score"] = _score_part(self.score, _score_fault(self.score, row, bounded=True))
            if self.derived:
                # A threshold outside [0, 1] says that the score is on a scale of its own.
                bounded = 0 <= self.table.threshold <= 1
                fault = _score_fault(self.score, row, bounded=bounded)
                parts["prediction"] = _derived_part(self.score, self.table.threshold, fault)
        if "prediction" in parts and (unknown := _favourable(self.table, found)) is not None:
            prediction = parts["prediction"]
            parts["prediction"] = _with_fault(prediction, unknown)
        return PlainReading(parts=parts)


def ask(table: Table, counts: Collection[Counts]) -> Binary:
    """Say what has to be found out for some counts. EvidenceError when the table lacks a role."""
    roles = {role for one in counts for role in one.roles}
    columns = table.columns
    derived = "prediction" in roles and columns.prediction is None
    if derived:
        table.require("score", "the prediction follows from it")
    for role in sorted(roles):
        demand(table, role, there=role in _ROLES and columns.has(role))
    classes = {"prediction": columns.prediction} if "prediction" in roles and not derived else {}
    coded_as_label = bool(classes) and table.prediction_positive is None
    # What is favourable is a value of the label, also for measures that ask for predictions alone.
    favoured = "prediction" in roles and table.favourable is not None
    if columns.label is not None and ("label" in roles or coded_as_label or favoured):
        classes["label"] = columns.label
    return Binary(
        table=table,
        classes={role: name for role, name in classes.items() if name is not None},
        score=columns.score if derived or "score" in roles else None,
        derived=derived,
    )


def _class_part(coding: Coding, name: str, faults: Sequence[str | None]) -> Part:
    return Part(
        columns=(name,),
        read=lambda clean: coding.expression(clean[name]),
        size=_CODES,
        faults=tuple(one for one in faults if one is not None),
    )


def _score_part(name: str, fault: str | None) -> Part:
    return Part(
        columns=(name,),
        read=lambda clean: numbers.number(clean, name),
        faults=() if fault is None else (fault,),
    )


def _derived_part(name: str, threshold: float, fault: str | None) -> Part:
    """Return the prediction as it follows from the score."""

    def read(clean: ir.Table) -> ir.Column:
        import ibis

        score = numbers.number(clean, name)
        one, zero = ibis.literal(1, "int8"), ibis.literal(0, "int8")
        return ibis.cases((score >= queries.real(threshold), one), (score.notnull(), zero))

    def of_score(score: NDArray[np.float64]) -> NDArray[np.float64]:
        import numpy as np

        return np.where(np.isnan(score), np.nan, score >= threshold)

    faults = () if fault is None else (fault,)
    return Part(columns=(name,), read=read, size=_CODES, of_score=of_score, faults=faults)


def _with_fault(part: Part, fault: str) -> Part:
    return replace(part, faults=(*part.faults, fault))


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


def _score_fault(name: str, row: Mapping[str, Any], *, bounded: bool) -> str | None:
    parts = numbers.impossible("score", row) + (numbers.outside("score", row) if bounded else [])
    todo = "name the column that holds the probability of the positive class, complete in every row"
    return f"score {show(name)}: {', '.join(parts)}; {todo}" if parts else None
