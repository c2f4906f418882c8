"""What the champion says of the rows of a table: in columns of the table itself, or in its own release.

The table of the champion's release is joined one to one on the key of both. Only if every row is in both and
has the same label are the two models judged on the same rows; else nothing is compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mlgate.cells import ChampionRoles
from mlgate.errors import EvidenceError, Problem
from mlgate.evidence import queries
from mlgate.evidence.coding import shown, token
from mlgate.evidence.tables import predictions
from mlgate.evidence.tables.names import folded
from mlgate.strict_yaml import Document, show

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from mlgate.cells import ColumnType
    from mlgate.evidence.files.locations import Territory
    from mlgate.evidence.release import ChampionColumns, Release
    from mlgate.evidence.tables import Table

SCORE, PREDICTION = "champion_score", "champion_prediction"

_LABEL = "label"

_PAIRS = 100_000
"""Pairs of a label and a label that are fetched: more are no classes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChampionTerms:
    """How the champion's columns of a table are read."""

    threshold: float = 0.5
    """Its prediction is positive when its score is at least this, where it has no column."""
    prediction_positive: object | None = None
    """Value of its prediction that means positive; None: that of the label."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChampionRelease:
    """The release of the champion, read."""

    release: Release
    document: Document
    territory: Territory
    """Where its files may lie."""
    where: str
    """The line of the release that names it."""


def columns_of(release: Release) -> ChampionColumns | None:
    """Return the columns that a release names as the champion's."""
    champion = release.champion
    return None if champion is None or champion == "none" else champion.predictions


def names_of(release: Release) -> tuple[str, ...]:
    """Return the names of the columns that a release names as the champion's."""
    columns = columns_of(release)
    return () if columns is None else tuple(columns.roles().by_column())


def assign_champion(
    columns: ChampionColumns, types: Mapping[str, ColumnType], *, location: str
) -> tuple[ChampionRoles | None, Mapping[str, str]]:
    """Return the champion's roles that a table can fill, and from role to a column that it lacks for it.

    The scores of some classes are none.

    Raises EvidenceError when one of the columns is nested or binary.
    """
    scores = columns.score if isinstance(columns.score, Mapping) else {}
    score = columns.score if isinstance(columns.score, str) else None
    stated: dict[str, tuple[str, ...]] = {SCORE: (*scores.values(), *([] if score is None else [score]))}
    stated[PREDICTION] = () if columns.prediction is None else (columns.prediction,)
    nested = [name for names in stated.values() for name in names if types.get(name) == "other"]
    if nested:
        raise EvidenceError.of(
            Problem(
                f"{location}: column {show(name)}",
                "is nested or binary, and the release names it as the champion's",
                "write it as a column of numbers, text or truth values",
            )
            for name in nested
        )
    absent = {role: name for role, names in stated.items() for name in reversed(names) if name not in types}
    if absent.keys() >= {role for role, names in stated.items() if names}:
        return None, absent
    scored = SCORE not in absent
    roles = ChampionRoles(
        score=score if scored else None,
        scores=dict(scores) if scored else {},
        prediction=None if PREDICTION in absent else columns.prediction,
    )
    return roles, absent


def terms_of(release: Release, prediction_positive: object | None) -> ChampionTerms:
    """Return how the champion's columns are read, as the table's own are where the release says no other."""
    columns = columns_of(release)
    if columns is None:
        return ChampionTerms()
    own = columns.prediction_positive
    return ChampionTerms(
        threshold=release.threshold if columns.threshold is None else columns.threshold,
        prediction_positive=prediction_positive if own is None else own,
    )


def require_same_task(own: Release, champion: ChampionRelease) -> None:
    """Raise EvidenceError when the champion does another task, or means another class by `positive`."""
    other, display = champion.release, champion.document.display
    if other.task != own.task:
        what = f"{display} is of task {other.task}, and this release of {own.task}"
        raise EvidenceError(champion.where, what, "name a champion that does the same task")


def joined(own: Table, champion: Table, *, where: str) -> Table:
    """Return a table with what the champion's table of that name says of the same rows.

    Raises EvidenceError, saying how many rows differ, when the two are not the same rows with the same
    labels; when they are in different engines; and when one of them has no key, or the champion's has
    nothing that it could be compared by.
    """
    _require_one_engine(own, champion, where)
    _require_one_coding(own, champion, where)
    key, other_key = (_key(table, where) for table in (own, champion))
    for role in ("label", "score", "prediction"):
        champion.require(role, "the release is compared with it")
    outputs = dict(_outputs(champion))
    if not outputs and champion.unscored is not None:
        return replace(own, uncompared=f"of the champion: {champion.unscored}")
    if not outputs:
        what = f"{champion.location} has neither score nor prediction"
        raise EvidenceError(where, what, "name them under `columns:` of the champion's release")
    _require_another(own, champion, where)
    hidden = _hidden(own, [*outputs, *([] if champion.columns.label is None else [champion.columns.label])])
    names = {key: other_key} | {name: column for column, name in hidden.items()}
    kinds = {name: champion.columns.types[column] for name, column in names.items()}
    said = champion.expr.select(**{name: champion.expr[column] for name, column in names.items()})
    rows = predictions.join(
        _side(own, own.expr, own.columns.types),
        _side(champion, said, kinds),
        key=key,
        whole=own.expr,
        where=where,
    )
    _require_one_label(own, champion, rows, hidden)
    columns = champion.columns
    return replace(
        own,
        beside=rows,
        borrowed={name: (champion.location, column) for column, name in hidden.items()},
        columns=replace(
            own.columns,
            champion=ChampionRoles(
                score=None if columns.score is None else hidden[columns.score],
                scores={one: hidden[column] for one, column in columns.scores.items()},
                prediction=None if columns.prediction is None else hidden[columns.prediction],
            ),
        ),
        champion=ChampionTerms(
            threshold=champion.threshold, prediction_positive=champion.prediction_positive
        ),
        records=(*own.records, *champion.records),
        snapshots=(*own.snapshots, *champion.snapshots),
    )


def _side(table: Table, rows: ir.Table, kinds: Mapping[str, ColumnType]) -> predictions.Side:
    return predictions.Side(table=rows, types=kinds, display=table.location, engine=table.engine)


def _require_one_engine(own: Table, champion: Table, where: str) -> None:
    if own.expr.get_backend() is champion.expr.get_backend():
        return
    what = f"{own.location} is read by {own.engine}, and {champion.location} by {champion.engine}"
    if own.engine == champion.engine:
        what = f"{own.location} and {champion.location} are in different databases"
    raise EvidenceError(where, what, "bring both to one database, or write both as files")


def _require_one_coding(own: Table, champion: Table, where: str) -> None:
    """Refuse other classes, and another meaning of positive."""
    one, other = (1 if table.label_positive is None else table.label_positive for table in (own, champion))
    if token(one) != token(other):
        what = f"the positive label of {champion.location} is {shown(other)}, of {own.location} {shown(one)}"
        raise EvidenceError(where, what, "compare models that predict the same")
    ours, theirs = ({token(name): name for name in table.columns.scores} for table in (own, champion))
    if ours and theirs and ours.keys() != theirs.keys():
        strange = [theirs.get(one) or ours[one] for one in sorted(ours.keys() ^ theirs.keys())]
        named = ", ".join(shown(one) for one in strange[:5])
        what = f"only one of {champion.location} and {own.location} has a score for {named}"
        raise EvidenceError(where, what, "compare models of the same classes")


def _require_another(own: Table, champion: Table, where: str) -> None:
    """Refuse what the judged model says, handed in a second time as what the champion says."""
    require_another_model(own, champion.scored_by, champion.threshold, where)
    if _sayings(own) == _sayings(champion):
        what = f"{champion.location} has what the judged model says: the same columns of the same file"
        raise EvidenceError(where, what, "name the release of the model that runs now")


def require_another_model(
    own: Table, scored_by: tuple[str | None, str | None] | None, threshold: float, where: str
) -> None:
    """Refuse as champion the very model that the gate asks for the predictions that are judged."""
    if own.scored_by is not None and (own.scored_by, own.threshold) == (scored_by, threshold):
        what = "the champion is the very model that is judged, so that comparing them says nothing"
        raise EvidenceError(where, what, "name the model that runs now")


def _sayings(table: Table) -> tuple[object, ...]:
    """Return what tells one model's predictions from another's without looking at them."""
    columns = table.columns
    outputs = columns.score, dict(columns.scores), columns.prediction, table.threshold
    files = [record.sha256 or record.location for record in table.records]
    return (*files, *outputs, str(table.prediction_positive), table.scored_by)


def _key(table: Table, where: str) -> str:
    table.require("key", "rows are matched with those of the champion by it")
    if table.columns.key is None:
        what = f"rows are matched with those of the champion by their key, and {table.location} has none"
        raise EvidenceError(where, what, "name it under `columns: {key: ...}` in both releases")
    return table.columns.key


def _outputs(table: Table) -> Iterator[tuple[str, str]]:
    """Yield the columns of what a model says, with a role of each."""
    columns = table.columns
    scores = (*columns.scores.values(), columns.score)
    found = [*((name, "score") for name in scores), (columns.prediction, "prediction")]
    yield from ((name, role) for name, role in found if name is not None)


def _hidden(own: Table, columns: list[str]) -> dict[str, str]:
    """Return a name for each column of the champion that no column of the table can be taken for."""
    taken = {folded(name) for name in own.expr.columns}
    names: dict[str, str] = {}
    for column in dict.fromkeys(columns):
        name = f"{column} (champion)"
        while folded(name) in taken:
            name += "_"
        taken.add(folded(name))
        names[column] = name
    return names


def _require_one_label(own: Table, champion: Table, rows: ir.Table, hidden: Mapping[str, str]) -> None:
    """Refuse a champion whose rows have other labels: then these are not the same rows."""
    if own.columns.label is None:
        return
    other = champion.columns.label
    if other is None:
        place, todo = f"{champion.location}: table {show(champion.name)}", "name it under `columns:`"
        raise EvidenceError(place, "has no label, so that nothing shows that these are the same rows", todo)
    pairs = rows.select(own=rows[own.columns.label], other=rows[hidden[other]])
    differing, of = _differing(own, pairs)
    if differing:
        what = f"differs from {own.location}: column {show(own.columns.label)} in {differing} of {of} rows"
        raise EvidenceError(
            f"{champion.location}: column {show(other)}", what, "judge both models on the same rows"
        )


def _differing(own: Table, pairs: ir.Table) -> tuple[int, int]:
    """Count the rows in which two labels do not match, and all rows; missing matches missing."""
    what, whole = "compare labels with those of the champion", pairs.count()
    if own.columns.task in ("regression", "scores"):
        one, other = (_number(pairs[name]) for name in ("own", "other"))
        if one.type().is_numeric() != other.type().is_numeric():
            what = f"the label is {queries.type_of(one)}, and that of the champion {queries.type_of(other)}"
            raise EvidenceError(own.location, what, "write both as numbers")
        found = pairs.aggregate(n=(~one.identical_to(other)).sum(), rows=whole)
        row = queries.fetch(found, what, location=own.location, engine=own.engine).to_pylist()[0]
        return int(row["n"] or 0), int(row["rows"])
    grouped = pairs.group_by(["own", "other"]).aggregate(n=whole).limit(_PAIRS)
    rows: list[dict[str, Any]] = queries.fetch(
        grouped, what, location=own.location, engine=own.engine
    ).to_pylist()
    if len(rows) == _PAIRS:
        raise EvidenceError(
            own.location, "the label has more values than there can be classes", "name classes"
        )
    differing = sum(row["n"] for row in rows if _spelt(row["own"]) != _spelt(row["other"]))
    return differing, sum(row["n"] for row in rows)


def _number(column: ir.Column) -> ir.Column:
    """Return a column of numbers as floats; one of something else as it is, for the count to refuse."""
    kind = column.type()
    return column.cast("float64") if kind.is_numeric() or kind.is_boolean() else column


def _spelt(value: Any) -> str | None:
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    return None if missing else token(value)
