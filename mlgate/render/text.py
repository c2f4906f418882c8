"""Text of strangers, made harmless to look at: what cannot be seen is shown, what is endless is cut.

Names, reasons and values come from the release, its tables and its policies. Markup is the business of
each renderer (HTML escapes, the terminal prints no markup); this is about characters that deceive an
eye or steer a terminal: escapes, overrides of the reading direction, invisible characters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, TypeVar

LONGEST = 4000
"""Characters of one text that are shown; report.json has all of them."""

_SPACE = frozenset("\t\n\r\v\f\u0085\u2028\u2029")

_DECEIVING = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Control, format (bidi overrides, zero width, tags), surrogate, private and unassigned characters."""

T = TypeVar("T")


def visible(text: str, longest: int = LONGEST) -> str:
    """Return `text` on one line, each deceiving character written as its name, `<U+202E>`.

    Line breaks and tabs become spaces. What is longer than `longest` is cut, saying by how much.
    """
    kept = text[:longest]
    if not kept.isascii() or not kept.isprintable():
        kept = "".join(map(_shown, kept))
    cut = len(text) - longest
    return f"{kept} ... ({cut:,} more characters)" if cut > 0 else kept


def harmless(thing: T, longest: int = LONGEST) -> T:
    """Return a record with every text in it made visible, keys of mappings included.

    Works through dataclasses, mappings, tuples and lists; enums and numbers stay as they are.
    """
    return _harmless(thing, longest)  # type: ignore[no-any-return]  # the shape stays, only texts change


def _harmless(thing: Any, longest: int) -> Any:
    match thing:
        case Enum():
            return thing
        case str():
            return visible(thing, longest)
        case Mapping():
            return {visible(str(key), longest): _harmless(value, longest) for key, value in thing.items()}
        case tuple() | list():
            return type(thing)(_harmless(one, longest) for one in thing)
        case _ if is_dataclass(thing) and not isinstance(thing, type):
            changed = {one.name: _harmless(getattr(thing, one.name), longest) for one in fields(thing)}
            return replace(thing, **changed)
        case _:
            return thing


def _shown(character: str) -> str:
    if character in _SPACE:
        return " "
    if unicodedata.category(character) in _DECEIVING:
        return f"<U+{ord(character):04X}>"
    return character
