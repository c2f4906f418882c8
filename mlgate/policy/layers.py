"""Merging policies: each file is a layer of statements, and later statements win, key by key.

A layer maps a key (`("confidence",)`, `("release", "columns", "label")`, `("checks", "<use id>", "guard")`)
to everything that was said under it, oldest first, each with its file and line. Merging appends, so it is
associative, nothing that was overridden is forgotten, and the resolved policy can tell where it is from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

from mlgate.errors import ContentError, Problem
from mlgate.policy.model import OPERATIONS, PolicyFile, UseEntry
from mlgate.strict_yaml import Document, Loc, Model

Key: TypeAlias = tuple[str, ...]

BLOCKS = (
    ("release",),
    ("release", "columns"),
    ("release", "evaluation"),
    ("origin",),
    ("trust",),
    ("not_applicable",),
    ("approvals",),
    ("promotion",),
)
"""Mappings that merge key by key; anything else that is a mapping is one value."""

LIMIT = "limit"
"""The one key that stands for all operations, because a new one replaces the old one."""

RESET = None
"""The value of what a new limit takes back. A severity of `block` is never taken back: it is not looser."""

_OF_A_LIMIT = ("because", "warn", "except", "severity")

SWITCH = "on"
"""Whether a use is on: True, or the reason why it is off. The latest entry decides."""


@dataclass(frozen=True, slots=True)
class Stated:
    """A value and where it was written."""

    value: Any
    where: str


@dataclass(frozen=True)
class Layer:
    """What one or several merged files say."""

    statements: Mapping[Key, tuple[Stated, ...]]

    def __add__(self, later: Layer) -> Layer:
        """Merge: what `later` says comes after, and wins."""
        merged = dict(self.statements)
        for key, said in later.statements.items():
            for one in said:
                before = merged.get(key, ())
                if not (one.value is RESET and before and before[-1].value == "block"):
                    merged[key] = (*before, one)
        return Layer(merged)

    def last(self, *key: str) -> Stated | None:
        """Return what holds for `key`, None when nothing was said."""
        said = self.statements.get(key)
        return said[-1] if said else None

    def value(self, *key: str) -> Any:
        """Return the value that holds for `key`, None when nothing was said."""
        said = self.last(*key)
        return None if said is None else said.value

    def where(self, *key: str) -> str:
        """Return where `key` was last stated; KeyError when nothing was said."""
        return self.statements[key][-1].where

    def below(self, *key: str) -> dict[str, Stated]:
        """Return what holds for the keys right under `key`."""
        depth = len(key)
        return {
            one[depth]: said[-1]
            for one, said in self.statements.items()
            if len(one) == depth + 1 and one[:depth] == key
        }

    def values(self, *key: str) -> dict[str, Any]:
        """Return the values that hold for the keys right under `key`."""
        return {name: said.value for name, said in self.below(*key).items()}

    def uses(self) -> tuple[str, ...]:
        """Return the ids of all uses, those that are off included, in order of their first mention."""
        return tuple(key[1] for key in self.statements if key[0] == "checks" and key[2] == SWITCH)

    def replaced(self) -> Iterator[tuple[Key, Stated, Stated]]:
        """Yield each key whose value was changed by a later statement: key, what it was, what it is."""
        for key, said in self.statements.items():
            for before, after in pairwise(said):
                if before.value != after.value:
                    yield key, before, after


EMPTY = Layer({})


def layer_of(document: Document, file: PolicyFile) -> Layer:
    """Return what one file says.

    Raises ContentError when two entries of the file have the same use id.
    """
    statements = {key: (said,) for key, said in _settings(document, file)}
    identity = (file.policy, file.title or file.policy, file.version)
    if file.about is not None:
        statements["about", file.policy] = (Stated(file.about, document.where(("about",))),)
    statements["policy",] = (Stated(identity, document.where(("policy",))),)
    first: dict[str, Loc] = {}
    problems: list[Problem] = []
    for place, entry in enumerate(file.checks):
        use, loc = entry.id or str(entry.check), ("checks", place)
        if use in first:
            problems.append(_twice(document, use, first[use], loc))
            continue
        first[use] = loc
        statements |= {("checks", use, *key): (said,) for key, said in _entry(document, entry, loc)}
    if problems:
        raise ContentError.of(problems)
    return Layer(statements)


def _twice(document: Document, use: str, first: Loc, second: Loc) -> Problem:
    return Problem(
        document.where(second),
        f"use {use!r} is here twice (first at {document.where(first)})",
        "give the second one an `id:` of its own",
    )


def _settings(document: Document, file: PolicyFile) -> Iterator[tuple[Key, Stated]]:
    apart = {"mlgate", "policy", "title", "about", "version", "extends", "checks"}
    for name in sorted(file.model_fields_set - apart):
        yield from _flat(document, (name,), getattr(file, name))


def _flat(document: Document, key: Key, value: Any) -> Iterator[tuple[Key, Stated]]:
    if key not in BLOCKS:
        yield key, Stated(value, document.where(key))
        return
    given = _given(value) if isinstance(value, Model) else value
    for name, one in sorted(given.items()):
        yield from _flat(document, (*key, name), one)


def _given(model: Model) -> dict[str, Any]:
    fields = type(model).model_fields
    return {fields[name].alias or name: getattr(model, name) for name in model.model_fields_set}


def _entry(document: Document, entry: UseEntry, loc: Loc) -> Iterator[tuple[Key, Stated]]:
    yield (SWITCH,), Stated(True if entry.off is None else entry.off, document.where(loc))
    if entry.model_fields_set & set(OPERATIONS):
        # A warn band, a reason, exceptions and a severity belong to the limit that they were written for:
        # whoever writes a limit of their own for a check that the parent only warns about means it.
        yield from (((name,), Stated(RESET, document.where(loc))) for name in _OF_A_LIMIT)
    for name, value in sorted(_given(entry).items()):
        if name in ("id", "off"):
            continue
        where = document.where((*loc, name))
        if name in OPERATIONS:
            yield (LIMIT,), Stated((name, value), where)
        elif name == "params":
            for param, one in sorted(value.items()):
                yield ("params", param), Stated(one, document.where((*loc, "params", param)))
        else:
            yield (name,), Stated(value, where)
