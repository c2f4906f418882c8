"""What the numbers of a model mean: its features, its classes and its outputs, held against the release."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlgate.cells import Columns, ModelFacts, Task
from mlgate.errors import EvidenceError
from mlgate.evidence.coding import token
from mlgate.scoring.model import Model
from mlgate.strict_yaml import did_you_mean, show

if TYPE_CHECKING:
    from mlgate.cells import ColumnType
    from mlgate.scoring.raw import Described, Raw

_FITS: Mapping[str, frozenset[str]] = {
    "number": frozenset({"number", "integer", "boolean"}),
    "integer": frozenset({"integer", "boolean", "number"}),
    "boolean": frozenset({"boolean", "integer", "number"}),
    "string": frozenset({"string"}),
}
"""From the type that a model says of a feature to the types of columns that it can be given."""

_MOST_LISTED = 200
_PLAIN = re.compile(r"[A-Za-z_][\w .-]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What the release says of its model."""

    task: Task
    threshold: float
    positive: object | None
    """Which class of the model is the positive one: `prediction_positive` of the release, else `positive`;
    None when it says neither."""
    classes: tuple[str, ...] = ()
    """multiclass: those that the release gives score columns for; empty when it does not."""
    stated: bool
    """Whether the release lists its features itself."""
    where: str
    """The model, as messages name it."""
    location: str
    format: str
    taken: Mapping[str, str] | None = None
    """Not None of a model whose features nobody lists, so that it may read any column of the table but
    these, which have a role other than of a feature."""


def meant(raw: Raw, columns: Columns, expected: Expected) -> Model:
    """Return a model with the meaning of its numbers.

    Raises EvidenceError when features or classes are not those of the release, ModelFault when the model
    cannot be asked.
    """
    said = raw.described
    features = _features(said, columns, expected)
    order, place, classes, positive = _outputs(said, expected)
    level, gaps = raw.isolation
    facts = ModelFacts(
        format=expected.format,
        location=expected.location,
        task=expected.task,
        threshold=expected.threshold,
        features=features,
        types={name: columns.types[name] for name in features},
        classes=classes,
        positive=positive,
        probabilities=said.outputs != "decisions",
        isolation=level,
        isolation_gaps=gaps,
        library=said.library,
        kind=said.kind,
    )
    return Model(raw=raw, facts=facts, order=order, place=place)


def _features(said: Described, columns: Columns, expected: Expected) -> tuple[str, ...]:
    """Return the features in the order in which the model takes them; any difference is an error."""
    declared = columns.features
    if said.features is None:
        if not expected.stated:
            raise EvidenceError(
                expected.where,
                "the model does not say which columns it reads, and the release does not either",
                "add `features: [...]` under `columns:`, in the order in which it was trained",
            )
        if said.width is not None and said.width != len(declared):
            raise EvidenceError(
                expected.where,
                f"the model reads {said.width} features, and the release names {len(declared)}",
                "list under `columns: features` what it was trained on, in that order",
            )
        return declared
    wanted = said.features
    missing = [name for name in wanted if name not in columns.types]
    if missing:
        raise EvidenceError(
            expected.where,
            f"the model reads {_listed(missing)}, and the table has no such column",
            did_you_mean(missing[0], columns.names),
        )
    if expected.taken is not None:
        _require_free(wanted, columns, expected.taken, expected.where)
        _require_types(said, columns.types, wanted, expected)
        return wanted
    extra = [name for name in declared if name not in wanted]
    lacking = [name for name in wanted if name not in declared]
    if extra or lacking:
        parts = [f"{_listed(extra)} of the release are none of the model's"] if extra else []
        parts += [f"the model also reads {_listed(lacking)}"] if lacking else []
        listing = ", ".join(map(_flow, wanted[:_MOST_LISTED])) + (
            ", ..." if len(wanted) > _MOST_LISTED else ""
        )
        raise EvidenceError(
            expected.where,
            f"the features are not those that the model reads: {'; '.join(parts)}",
            f"if the model is right, write `features: [{listing}]` under `columns:`",
        )
    _require_types(said, columns.types, wanted, expected)
    return wanted


def _flow(name: str) -> str:
    """Return a name as it is written in a list of YAML."""
    return name if _PLAIN.fullmatch(name) else json.dumps(name)


def _require_free(wanted: Sequence[str], columns: Columns, taken: Mapping[str, str], where: str) -> None:
    """Raise when a model reads what is no feature: the label, or what a model says."""
    for name in wanted:
        role = "what a model says" if name not in columns.names else taken.get(name)
        if role is not None:
            raise EvidenceError(
                where, f"the model reads {show(name)}, which is {role}", "name a model that does not"
            )


def _require_types(
    said: Described, types: Mapping[str, ColumnType], wanted: Sequence[str], expected: Expected
) -> None:
    for name in wanted:
        kind = (said.types or {}).get(name)
        fits = _FITS.get(kind or "")
        if fits is not None and types[name] not in fits:
            raise EvidenceError(
                expected.where,
                f"the model takes {show(name)} as {kind}, and the table has it as {types[name]}",
                "give the column its type under `types:` of the table, or train on what the table has",
            )


def _outputs(
    said: Described, expected: Expected
) -> tuple[tuple[int, ...], int | None, tuple[str, ...], str | None]:
    """Return the order of the classes, the place of the positive one, and their names."""
    if expected.task in ("regression", "scores"):
        if said.outputs != "values" and said.classes:
            raise EvidenceError(
                expected.where,
                f"the model is a classifier of {_listed(list(map(str, said.classes)))}, and the release says "
                f"`task: {expected.task}`",
                "say what the model does",
            )
        return (), None, (), None
    classes = tuple(map(_text, said.classes)) if said.classes is not None else ()
    if said.outputs == "values":
        raise EvidenceError(
            expected.where,
            f"the model gives numbers and no classes, and the release says `task: {expected.task}`",
            "say `task: regression` or `task: scores`, or hand in a classifier",
        )
    if expected.task == "binary":
        return _binary(classes, expected)
    if not classes and expected.classes:
        return tuple(range(len(expected.classes))), None, expected.classes, None
    if not classes:
        raise EvidenceError(
            expected.where,
            "the model does not say which classes it gives, in which order",
            "name them under `columns: score`, class by class, in the order of the model",
        )
    if expected.classes:
        ours, theirs = expected.classes, classes
        if set(_tokens(ours)) != set(_tokens(theirs)):
            raise EvidenceError(
                expected.where,
                f"the model knows the classes {_listed(theirs)}, and the release {_listed(ours)}",
                "name the same classes under `columns: score`",
            )
    return tuple(range(len(classes))), None, classes, None


def _binary(
    classes: tuple[str, ...], expected: Expected
) -> tuple[tuple[int, ...], int | None, tuple[str, ...], str | None]:
    if not classes:
        return (), None, (), None if expected.positive is None else str(expected.positive)
    if len(classes) != 2:  # noqa: PLR2004 - two classes
        raise EvidenceError(
            expected.where,
            f"the model knows the classes {_listed(classes)}, and the release says `task: binary`",
            "say `task: multiclass`, or hand in a model of two classes",
        )
    positive = True if expected.positive is None else expected.positive
    wanted = token(positive)
    found = _tokens(classes)
    if found[0] == found[1]:
        what = f"the model knows the classes {_listed(classes)}, which mean the same"
        raise EvidenceError(expected.where, what, "hand in a model of two classes")
    if wanted not in found:
        what = f"the model knows the classes {_listed(classes)}, and {show(positive)} is none of them"
        todo = "say which of them means it, as `prediction_positive:` under `columns:`"
        raise EvidenceError(expected.where, what, todo)
    place = found.index(wanted)
    return (0, 1), place, classes, classes[place]


def _text(name: object) -> str:
    """Return a class as a table has it: a truth value in small letters."""
    return str(name).lower() if isinstance(name, bool) else str(name)


def _tokens(classes: Sequence[object]) -> list[str]:
    return [token(one) for one in classes]


def _listed(names: Sequence[str]) -> str:
    shown = [show(name) for name in names[:8]]
    return ", ".join(shown) + (f" and {len(names) - 8} more" if len(names) > 8 else "")  # noqa: PLR2004 - a line
