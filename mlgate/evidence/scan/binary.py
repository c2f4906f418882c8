"""How a binary table is read: label and prediction as 0 and 1, the score as a probability."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mlgate.cells import Counts
from mlgate.evidence import coding, queries
from mlgate.evidence.coding import Coding, Found, token
from mlgate.evidence.scan import numbers
from mlgate.evidence.scan.reading import (
    CHAMPION,
    Part,
    PlainReading,
    demand,
    demand_classes,
    missing,
    spoken,
)
from mlgate.strict_yaml import show

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from mlgate.evidence.tables import Table

_SCORE_OF = {"prediction": "score", "champion_prediction": "champion_score"}
"""From each role of decisions to the score that decides where they have no column."""

_ROLES = ("label", *_SCORE_OF, *_SCORE_OF.values())

_CODES = 3
"""Values that a label or prediction can have in a cell: negative, positive, missing."""


@dataclass(frozen=True, kw_only=True)
class Binary:
    """What the first look asks of a binary table."""

    table: Table
    classes: Mapping[str, str]
    """Label and decisions, where they are asked for and have a column, to that column."""
    scores: Mapping[str, str]
    """Scores that are asked for, or decide what is asked for, to their columns."""
    derived: tuple[str, ...]
    """The decisions that are asked for and are a score held against its threshold."""
    listed: Mapping[str, str] = field(default_factory=dict)
    """None: the smallest and the largest of two classes are all there are."""

    @property
    def columns(self) -> Collection[str]:
        """The columns of classes, and the scores."""
        return [*self.classes.values(), *self.scores.values()]

    def facts(self, source: ir.Table) -> dict[str, Any]:
        """Return what tells the classes apart, and what is wrong with the scores."""
        found: dict[str, Any] = {}
        for role, name in sorted(self.classes.items()):
            column = demand_classes(self.table, role, name, source[name])
            found[f"{role}_there"] = column.count()
            found[f"{role}_distinct"] = column.nunique()
            found[f"{role}_low"] = column.min()
            found[f"{role}_high"] = column.max()
        for role, name in sorted(self.scores.items()):
            found |= numbers.probability_facts(source, role, name)
        return found

    def reading(self, row: Mapping[str, Any], listed: Mapping[str, pa.ChunkedArray]) -> PlainReading:  # noqa: ARG002
        """Make the reading of the row that came back; see `Asked.reading`."""
        found = {role: _found(self.table, role, name, row) for role, name in self.classes.items()}
        codings = _codings(self.table, found)
        parts: dict[str, Part] = {}
        for role, name in self.classes.items():
            faults = missing(role, name, row[f"{role}_there"], row["rows"])
            unproven = None if faults else _unproven(self.table, role, found)
            parts[role] = _class_part(codings[role], name, [*faults, unproven])
        for role, name in self.scores.items():
            numbers.demand(self.table, role, name, row, key=role)
            parts[role] = _score_part(name, _score_fault(role, name, row, bounded=True))
        for role in self.derived:
            score, threshold = _SCORE_OF[role], _threshold(self.table, role)
            # A threshold outside [0, 1] says that the score is on a scale of its own.
            fault = _score_fault(score, self.scores[score], row, bounded=0 <= threshold <= 1)
            parts[role] = _derived_part(score, self.scores[score], threshold, fault)
        decisions = [role for role in _SCORE_OF if role in parts]
        if decisions and (unknown := _favourable(self.table, found)) is not None:
            parts |= {role: _with_fault(parts[role], unknown) for role in decisions}
        return PlainReading(parts=parts)


def ask(table: Table, counts: Collection[Counts]) -> Binary:
    """Say what has to be found out for some counts. EvidenceError when the table lacks a role."""
    roles = {role for one in counts for role in one.roles}
    columns, there = table.columns, _columns(table)
    decisions = sorted(roles & _SCORE_OF.keys())
    derived = tuple(role for role in decisions if role not in there)
    for role in derived:
        table.require(_SCORE_OF[role], "the prediction follows from it")
    for role in sorted(roles):
        demand(table, role, there=role in _ROLES and columns.has(role))
    written = {role for role in decisions if role in there}
    if "champion_prediction" in written and _coded_alike(table) and table.prediction_positive is not None:
        written |= {"prediction"} & there.keys()  # the champion's decisions are written as these are
    coded_as_label = any(_positive(table, role) is None for role in written)
    # What is favourable is a value of the label, also for measures that ask for predictions alone.
    favoured = bool(decisions) and table.favourable is not None
    if "label" in there and ("label" in roles or coded_as_label or favoured):
        written |= {"label"}
    scores = (roles & set(_SCORE_OF.values())) | {_SCORE_OF[role] for role in derived}
    return Binary(
        table=table,
        classes={role: there[role] for role in sorted(written)},
        scores={role: there[role] for role in sorted(scores)},
        derived=derived,
    )


def _columns(table: Table) -> dict[str, str]:
    """Return the roles that have a column, to that column."""
    columns, champion = table.columns, table.columns.champion
    found = {"label": columns.label, "prediction": columns.prediction, "score": columns.score}
    if champion is not None:
        found |= {"champion_prediction": champion.prediction, "champion_score": champion.score}
    return {role: name for role, name in found.items() if name is not None}


def _positive(table: Table, role: str) -> object | None:
    """Return the value that means positive among some decisions; None: that of the label."""
    champion = role.startswith(CHAMPION)
    return table.champion.prediction_positive if champion else table.prediction_positive


def _threshold(table: Table, role: str) -> float:
    return table.champion.threshold if role.startswith(CHAMPION) else table.threshold


def _coded_alike(table: Table) -> bool:
    """Whether the champion's decisions are written as the table's own are, by what the release says."""
    own, champion = table.prediction_positive, table.champion.prediction_positive
    return (own is None) == (champion is None) and token(own) == token(champion)


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


def _derived_part(role: str, name: str, threshold: float, fault: str | None) -> Part:
    """Return the prediction as it follows from a score."""

    def read(clean: ir.Table) -> ir.Column:
        import ibis

        score = numbers.number(clean, name)
        one, zero = ibis.literal(1, "int8"), ibis.literal(0, "int8")
        return ibis.cases((score >= queries.real(threshold), one), (score.notnull(), zero))

    def of_score(score: NDArray[np.float64]) -> NDArray[np.float64]:
        import numpy as np

        return np.where(np.isnan(score), np.nan, score >= threshold)

    faults = () if fault is None else (fault,)
    return Part(columns=(name,), read=read, size=_CODES, of_score=of_score, score=role, faults=faults)


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
    if "champion_prediction" in found:
        codings["champion_prediction"] = _champion_coding(table, found)
    return codings


def _champion_coding(table: Table, found: Mapping[str, Found]) -> Coding:
    """Code the champion's decisions: as the table's own where they are written alike, else as the label.

    A value that the one has not that it is written like is an error.
    """
    own, role = table.champion.prediction_positive, spoken("champion_prediction")
    champion = found["champion_prediction"]
    if own is None or (_coded_alike(table) and "prediction" in found):
        like = found.get("label") if own is None else found["prediction"]
        positive = table.label_positive if own is None else own
        return coding.code_prediction(
            champion, positive=positive, prediction_positive=None, label=like, role=role
        )
    return coding.code_prediction(champion, positive=table.label_positive, prediction_positive=own, role=role)


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
    own = None if role == "label" else _positive(table, role)
    if own is not None:
        return coding.unproven(found[role], spoken(role), own, "prediction_positive")
    if role != "label" and "label" in found and found["label"].distinct == coding.CLASSES:
        return None  # the label shows both classes, and the prediction is one of them
    return coding.unproven(found[role], spoken(role), table.label_positive, "positive")


def _favourable(table: Table, found: Mapping[str, Found]) -> str | None:
    """Say that nothing shows what the favourable value is; EvidenceError when it plainly is none."""
    if table.favourable is None:
        return None
    as_label = ["label", *(role for role in _SCORE_OF if _positive(table, role) is None)]
    return coding.check_favourable(
        table.favourable,
        positive=table.label_positive,
        where=table.location,
        classes=[found[role] for role in as_label if role in found],
    )


def _score_fault(role: str, name: str, row: Mapping[str, Any], *, bounded: bool) -> str | None:
    parts = numbers.impossible(role, row) + (numbers.outside(role, row) if bounded else [])
    todo = "name the column that holds the probability of the positive class, complete in every row"
    return f"{spoken(role)} {show(name)}: {', '.join(parts)}; {todo}" if parts else None
