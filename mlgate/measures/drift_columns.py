"""Which columns of two tables are compared, as what, and why others are not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from mlgate.cells import Columns, ColumnType, ValueCounts
from mlgate.errors import EvidenceError
from mlgate.measures.against import Against
from mlgate.measures.named import present

Sort: TypeAlias = Literal["numbers", "categories"]

LEAST_VALUES = 100
"""Rows with a value that a table needs before anything is said of how its values are spread."""

MOVES_ON = "those move on by themselves; name it under `columns` to have it judged"

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9:.]+)?(?:Z|[+-][0-9:]+)?")

BESIDE = ("weight", "cluster")
"""Roles of a column that may be a feature, too."""

MOMENTS = ("date", "timestamp")

SORTS: Mapping[ColumnType, Sort] = {
    "integer": "numbers",
    "number": "numbers",
    "date": "numbers",
    "timestamp": "numbers",
    "string": "categories",
    "boolean": "categories",
}


REPEATED = 10
"""A column of which each value occurs so often, on average, is no free text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """A column of the judged table and the one of the other table that it is held against."""

    name: str
    """What the report calls it."""
    here: str
    there: str
    sort: Sort
    whole: bool = False
    """Whether its numbers are whole."""
    named: bool = False
    """Whether it was asked for by name, so that it may not be left out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unjudged:
    """A column that is not compared, and why."""

    name: str
    reason: str
    fault: bool
    """Whether nothing can be said as long as this is so; else it is only listed."""


def features(
    measure: str, against: Against, wanted: Sequence[str] | None, ignore: Sequence[str]
) -> tuple[list[Pair], list[Unjudged]]:
    """Return the columns to compare, those of `wanted` or all features of both tables, and the others.

    Key and time, and moments that nobody names, are listed: they move on by their nature.

    Raises EvidenceError when a column that is named is in neither table, or lacks in one of them.
    """
    here, there = against.judged, against.columns
    if wanted is not None:
        names = [name for name in present(wanted, here) if name not in ignore]
        lacking = [name for name in names if name not in there.names]
        if lacking:
            what = f"is named by {measure}, and table {against.name!r} lacks it"
            raise EvidenceError(f"column {lacking[0]!r}", what, "name a column that both tables have")
        return _sorted(against, [(name, name, name) for name in names], named=True)
    absent = [name for name in ignore if name not in here.names and name not in there.names]
    if absent:
        present(absent, here)
    roles = {**_roles(there), **_roles(here)}
    both = set(here.features) & set(there.features)
    names = [name for name in dict.fromkeys((*here.features, *there.features)) if name not in ignore]
    kept = [name for name in names if name not in roles or (roles[name] in BESIDE and name in both)]
    pairs, left_out = _sorted(against, [(name, name, name) for name in kept])
    for name, role in roles.items():
        if role in ("key", "time") and name not in ignore:
            left_out.append(Unjudged(name=name, reason=f"it is the {role} of the rows", fault=False))
    return pairs, left_out


def label(against: Against) -> tuple[list[Pair], list[Unjudged]]:
    """Return the labels of both tables."""
    here, there = against.judged, against.columns
    return _output(against, "label", here.label, there.label, numeric=here.task in ("regression", "scores"))


def predictions(against: Against) -> tuple[list[Pair], list[Unjudged]]:
    """Return the scores of both tables, or the predictions where one of them has no scores."""
    here, there = against.judged, against.columns
    if here.score is not None and there.score is not None:
        return _output(against, "score", here.score, there.score, numeric=True)
    if here.scores and set(here.scores) == set(there.scores):
        named = [(f"score of {one}", column, there.scores[one]) for one, column in here.scores.items()]
        return _sorted(against, named, named=True, sort="numbers")
    numeric = here.task in ("regression", "scores")
    if here.prediction is not None and there.prediction is not None:
        return _output(against, "prediction", here.prediction, there.prediction, numeric=numeric)
    for columns, table in ((here, "the judged table"), (there, f"table {against.name!r}")):
        if not columns.has("prediction") and not columns.has("score"):
            return [], [Unjudged(name="prediction", reason=f"{table} has none, nor scores", fault=True)]
    reason = f"scores or predictions are needed in both tables, the judged one and {against.name!r}"
    return [], [Unjudged(name="prediction", reason=reason, fault=True)]


def no_categories(
    name: str, here: ValueCounts, there: ValueCounts, against: str, *, named: bool
) -> Unjudged | None:
    """Say that the values of a column are no categories, as keys, days and free text are not; None else.

    A fault where they are free text in one table and repeat in the other: that is no small change.
    """
    many = next((one.distinct for one in (here, there) if one.distinct > len(one.counts)), None)
    once = there.distinct == there.rows - there.nulls >= LEAST_VALUES
    if many is not None or once:
        reason = f"each value occurs once in {against!r}, as in a key or free text"
        if many is not None:
            reason = f"it has {many:,} values, too many to be categories"
        alike = not any(map(_repeats, (here, there)))
        if not alike:
            reason = f"{reason}, while in the other table few values repeat"
        return Unjudged(name=name, reason=reason, fault=named or not alike)
    if all(_DAY.fullmatch(value) for one in (here, there) for value, _ in one.counts):
        return Unjudged(name=name, reason=f"its texts are days, and {MOVES_ON}", fault=named)
    return None


def _repeats(values: ValueCounts) -> bool:
    """Whether each value occurs ten times or more, on average."""
    return values.distinct * REPEATED <= values.rows - values.nulls


def may_be_categories(against: Against, name: str) -> bool:
    """Whether a column is of categories in one of the tables at least."""
    columns = (against.judged, against.columns)
    kinds = [one.types[name] for one in columns if name in one.types]
    return any(name in one.categorical for one in columns) or any(
        SORTS.get(kind) == "categories" for kind in kinds
    )


def _output(
    against: Against, role: str, here: str | None, there: str | None, *, numeric: bool
) -> tuple[list[Pair], list[Unjudged]]:
    if here is None or there is None:
        table = "the judged table" if here is None else f"table {against.name!r}"
        reason = f"{table} has no {role}"
        return [], [Unjudged(name=here or there or role, reason=reason, fault=True)]
    sort: Sort = "numbers" if numeric else "categories"
    return _sorted(against, [(here, here, there)], named=True, sort=sort)


def _sorted(
    against: Against,
    named_pairs: Sequence[tuple[str, str, str]],
    *,
    named: bool = False,
    sort: Sort | None = None,
) -> tuple[list[Pair], list[Unjudged]]:
    """Tell numbers from categories, and leave out what differs between the tables."""
    pairs: list[Pair] = []
    left_out: list[Unjudged] = []
    for name, here, there in named_pairs:
        fault = _differs(against, here, there)
        kinds = {
            columns.types.get(one) for columns, one in ((against.judged, here), (against.columns, there))
        }
        if fault is None and not named and kinds & set(MOMENTS):
            reason = f"it holds moments, and {MOVES_ON}"
            left_out.append(Unjudged(name=name, reason=reason, fault=False))
        elif fault is None and "other" in kinds:
            reason = "it is neither of numbers nor of texts, truth values or moments"
            left_out.append(Unjudged(name=name, reason=reason, fault=named))
        elif fault is not None:
            left_out.append(Unjudged(name=name, reason=fault, fault=True))
        elif sort == "numbers" and (kinds - {"integer", "number"}):
            reason = f"it is of type {against.judged.types[here]}, and numbers are due"
            left_out.append(Unjudged(name=name, reason=reason, fault=True))
        else:
            found = sort or _sort(against, here, there)
            whole = kinds == {"integer"}
            pairs.append(Pair(name=name, here=here, there=there, sort=found, whole=whole, named=named))
    return pairs, left_out


def _sort(against: Against, here: str, there: str) -> Sort:
    declared = here in against.judged.categorical or there in against.columns.categorical
    return "categories" if declared else SORTS[against.judged.types[here]]


def _differs(against: Against, here: str, there: str) -> str | None:
    """Say that a column is in one table alone, or of another type in each; None when it is not."""
    mine, other = against.judged.types.get(here), against.columns.types.get(there)
    if mine is None:
        return f"table {against.name!r} has it, and the judged table lacks it"
    if other is None:
        return f"the judged table has it, and table {against.name!r} lacks it"
    groups = ({"integer", "number"}, set(MOMENTS))
    if mine == other or any({mine, other} <= group for group in groups):
        return None
    return f"it is of type {mine} in the judged table and of type {other} in {against.name!r}"


def _roles(columns: Columns) -> dict[str, str]:
    """Return the columns that are no features of the model, with their role."""
    single = ("label", "score", "prediction", "key", "time", "weight", "cluster")
    found = {getattr(columns, role): role for role in single if getattr(columns, role) is not None}
    outputs = [*columns.scores.values(), *(columns.interval or ()), *columns.quantiles.values()]
    if columns.champion is not None:
        own = columns.champion
        outputs += [one for one in (own.score, own.prediction, *own.scores.values()) if one is not None]
    return {**dict.fromkeys(outputs, "prediction"), **found}
