"""YAML that says what is meant, whatever the names are: written plainly where that is safe, else in quotes.

Names of columns and files come from strangers. What is written is read back by the strict reader and
compared with what was meant (`require_same`), so that no name can turn into structure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from mlgate.errors import ContentError
from mlgate.strict_yaml import parse

WIDTH = 100
"""Characters of a line; longer lists are broken."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_WORDS = frozenset(["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"])
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,15})?")


def text(value: str) -> str:
    """Return a text as YAML."""
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return '"' + "".join(map(_escaped, value)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable() and character != "\ufeff":
        return character
    code = ord(character)
    if code <= 0xFF:  # noqa: PLR2004
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"  # noqa: PLR2004


def value(shown: str) -> str:
    """Return a value of a column, given as text: numbers and truth values as such, which match either way."""
    if _NUMBER.fullmatch(shown) or shown in ("true", "false"):
        return shown
    return text(shown)


def plain(shown: str) -> Any:
    """Return what `value` writes, as it is read back."""
    if shown in ("true", "false"):
        return shown == "true"
    if _NUMBER.fullmatch(shown):
        return float(shown) if "." in shown else int(shown)
    return shown


def listed(names: Sequence[str], indent: int) -> str:
    """Return texts as a list, broken into lines that begin with `indent` spaces."""
    return broken([text(name) for name in names], indent)


def broken(items: Sequence[str], indent: int) -> str:
    """Return items, already YAML, as a list, broken into lines that begin with `indent` spaces."""
    line = f"[{', '.join(items)}]"
    if len(line) + indent <= WIDTH:
        return line
    lines, now = [], ""
    for one in items:
        if now and len(now) + len(one) + indent + 4 > WIDTH:
            lines.append(now)
            now = ""
        now += f"{one}, "
    lines.append(now)
    inner = "\n".join(" " * (indent + 2) + part.rstrip() for part in lines)
    return f"[\n{inner}\n{' ' * indent}]"


def number(amount: float) -> str:
    """Return a number as a person would write it."""
    return f"{amount:.6g}" if 1e-4 <= abs(amount) < 1e6 or amount == 0 else repr(amount)  # noqa: PLR2004


def as_read(amount: float) -> float:
    """Return what `number` writes, as it is read back."""
    return float(number(amount))


def comment(words: str) -> str:
    """Return words as they may stand behind `#`: on one line, and nothing that a reader refuses."""
    return "".join(one if one.isprintable() and one != "\ufeff" else "?" for one in words)


def require_same(written: str, meant: Any, name: str) -> None:
    """Raise ContentError unless the text reads back as what was meant: then a name was written wrong."""
    found = parse(written.encode(), name).data
    if found != meant:
        raise ContentError(
            name, "would not say what was guessed, because of a name in it", "report this, with the names"
        )
