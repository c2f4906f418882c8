"""The classes of a multiclass table: every value of label and prediction, and every key of the scores.

Values match as `coding.token` has it: 1, 1.0, "1" and true are one class however a column or the release
writes them; texts match exactly. A class is called what the label calls it, spelt as groups are; else what
the prediction does; else the key of the scores. Nothing is guessed: a value that the release gives no score
for, and classes that differ by spaces or case alone, end the run with an EvidenceError.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlgate.cells import CLASS, FAVOURABLE, TOP
from mlgate.errors import EvidenceError
from mlgate.evidence import canonical
from mlgate.evidence.coding import folded, shown, token, yaml
from mlgate.strict_yaml import did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa

MAX_CLASSES = 1000
"""A label or prediction with more different values than this is taken for one of another task."""

MAX_LETTERS = 200
"""Characters of a class: longer texts are no names, and every finding would repeat them."""

_NAMED = 5
"""Values that a message names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A column of classes with every value in it."""

    role: str
    where: str
    """The table and column, as messages name them."""
    values: tuple[object, ...]
    """As the column holds them, missing left out, in the order of `texts`."""
    texts: tuple[str, ...]
    """In canonical spelling, sorted."""

    @classmethod
    def of(cls, role: str, where: str, column: pa.ChunkedArray) -> Listed:
        """List the distinct values of a column.

        Raises EvidenceError when there are too many, when one is too long to be a name, or when one class is
        written in two ways.
        """
        found = column.combine_chunks()
        pairs = zip(canonical.texts(found), found.to_pylist(), strict=True)
        there = sorted(((text, value) for text, value in pairs if text is not None), key=lambda pair: pair[0])
        if len(there) > MAX_CLASSES:
            raise too_many(role, where, len(there))
        longest = max((text for text, _ in there), key=len, default="")
        if len(longest) > MAX_LETTERS:
            what = f"the {role} has a value of {len(longest)} characters, {shown(longest)}"
            raise EvidenceError(where, what, f"name a column of classes, each of {MAX_LETTERS} at most")
        listed = cls(
            role=role,
            where=where,
            values=tuple(value for _, value in there),
            texts=tuple(text for text, _ in there),
        )
        listed._one_way_each()
        return listed

    def _one_way_each(self) -> None:
        first: dict[str, str] = {}
        for text in self.texts:
            other = first.setdefault(token(text), text)
            if other is not text:
                what = f"the {self.role} writes one class in two ways, {shown(other)} and {shown(text)}"
                raise EvidenceError(self.where, what, "write each class in one way")


@dataclass(frozen=True, kw_only=True, slots=True)
class Classes:
    """The classes of a table."""

    names: tuple[str, ...]
    """Sorted by code point."""
    places: Mapping[str, int]
    """From the token of each to its place in `names`."""

    @classmethod
    def of(cls, columns: Sequence[Listed], keys: Sequence[str]) -> Classes:
        """Bring together the values of the label, then of the prediction, and the keys of the scores.

        Raises EvidenceError when a value is no key where there are keys, or when two classes look alike.
        """
        named: dict[str, str] = {}
        for text in (*(text for column in columns for text in column.texts), *keys):
            named.setdefault(token(text), text)
        if keys:
            known = {token(key): key for key in keys}
            for column in columns:
                _all_known(column, known)
        else:
            _none_alike(columns, named)
        names = tuple(sorted(named.values()))
        place = {name: position for position, name in enumerate(names)}
        return cls(names=names, places={key: place[name] for key, name in named.items()})

    def require(self, column: Listed) -> None:
        """Refuse a column that has a class which is none of these. Raises EvidenceError."""
        strange = [text for text in column.texts if token(text) not in self.places]
        if strange and self.names:
            what = f"the {column.role} has {_named(strange)}, which neither the label nor the release has"
            alike = did_you_mean(strange[0], self.names, "compare models of the same classes")
            raise EvidenceError(column.where, f"{what}: they have {_named(self.names)}", alike)

    def require_scores(self, keys: Sequence[str], where: str) -> None:
        """Refuse a champion's probabilities that are of other classes than these. Raises EvidenceError."""
        theirs = {token(key): key for key in keys}
        more = [key for one, key in theirs.items() if one not in self.places]
        less = [name for name in self.names if token(name) not in theirs]
        if self.names and (more or less):
            parts = [f"has a score for {_named(more)}, a class that is not there"] if more else []
            parts += [f"has no score for {_named(less)}"] if less else []
            todo = "compare models of the same classes, or name the champion's prediction alone"
            raise EvidenceError(where, f"the champion {' and '.join(parts)}", todo)

    def viewed(self, view: str, favourable: object, where: str) -> frozenset[int]:
        """Return the places of the classes that a view takes together.

        Args:
            view: `class:NAME` or `favourable`.
            favourable: As the release states it: one class or several; None: not at all.
            where: The table, as messages name it.

        Raises EvidenceError when a class that is named is none of those that are there, if any are, or when
        every class would be favourable.
        """
        if not self.names:
            return frozenset()
        if view != FAVOURABLE:
            name = view.removeprefix(CLASS)
            return frozenset([self._place(name, f"{where}: class {shown(name)}", "is no class of the table")])
        if favourable is None:
            todo = "add `favourable:` under `columns:`, a class or a list of classes"
            raise EvidenceError(where, "the release does not say which classes people want", todo)
        stated = favourable if isinstance(favourable, tuple) else (favourable,)
        what = "`favourable: {}` under `columns:` is no class of the table"
        found = frozenset(self._place(one, where, what.format(yaml(one))) for one in stated)
        if len(found) == len(self.names):
            what = f"`favourable:` under `columns:` names every class, {_named(self.names)}"
            raise EvidenceError(where, what, "name the classes that people want, and no other")
        return found

    def _place(self, value: object, where: str, what: str) -> int:
        if (place := self.places.get(token(value))) is not None:
            return place
        what = f"{what}, which has {_named(self.names)}"
        raise EvidenceError(where, what, did_you_mean(str(value), self.names, "name one of them"))


def is_view(view: str) -> bool:
    """Whether a text is the form of a view."""
    return view in (FAVOURABLE, TOP) or view.startswith(CLASS)


def too_many(role: str, where: str, count: int) -> EvidenceError:
    """Return the error of a column that has too many different values to be classes."""
    what = f"the {role} has {count} different values, and more than {MAX_CLASSES} are no classes"
    return EvidenceError(where, what, "is this a regression? then write `task: regression`")


def strangers(columns: Sequence[Listed]) -> str | None:
    """Say that label and prediction have no class in common: nothing shows that they are written alike."""
    written = {column.role: {token(text) for text in column.texts} for column in columns if column.texts}
    if len(written) < 2 or set.intersection(*written.values()):  # noqa: PLR2004  label and prediction
        return None
    label, prediction = (_named(column.texts) for column in sorted(columns, key=lambda one: one.role))
    return (
        f"no prediction is a class of the label: it has {label}, and the prediction {prediction}; "
        "write the classes of both alike, or name each class under `score:`"
    )


def _all_known(column: Listed, known: Mapping[str, str]) -> None:
    """Refuse values that no score is given for."""
    unknown = [text for text in column.texts if token(text) not in known]
    if not unknown:
        return
    alike = next(((key, one) for key in known.values() for one in unknown if _alike(key, one)), None)
    todo = "give each class the column of its probability under `score:`, or leave those rows out"
    if alike is not None:
        todo = f"it has {shown(alike[0])} there: did you mean {shown(alike[1])}?"
    what = f"the {column.role} has {_named(unknown)}, and `score:` under `columns:` gives no such class"
    raise EvidenceError(column.where, f"{what}: it has {_named(tuple(known.values()))}", todo)


def _none_alike(columns: Sequence[Listed], named: Mapping[str, str]) -> None:
    """Refuse classes that differ by spaces or case alone: one would be a misspelling of the other."""
    first: dict[str, str] = {}
    for text in named.values():
        other = first.setdefault(token(folded(text)), text)
        if other is not text:
            where = next(column.where for column in columns if text in column.texts)
            what = f"{shown(text)} differs from {shown(other)} by spaces or case alone"
            raise EvidenceError(where, what, "write the values of label and prediction alike")


def _alike(one: str, other: str) -> bool:
    return token(folded(one)) == token(folded(other))


def _named(texts: Sequence[str]) -> str:
    """Name some values for a message."""
    few = ", ".join(shown(one) for one in texts[:_NAMED])
    return few if len(texts) <= _NAMED else f"{few} and {len(texts) - _NAMED} more"
