"""Names of columns as words: `MaritalStatus`, `marital-status` and `MARITAL_STATUS` say the same."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection

from mlgate.errors import ContentError
from mlgate.strict_yaml import parse

_BORDER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")


def words(name: str) -> tuple[str, ...]:
    """Return the words of a name in lower case, without accents: `isÂgé_at2` gives is, age, at2."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return tuple(part.lower() for part in _BORDER.split(plain) if part)


def joined(name: str) -> str:
    """Return the words of a name as one, so that `agegroup` and `age_group` are alike."""
    return "".join(words(name))


def has(name: str, wanted: Collection[str]) -> bool:
    """Whether a name has one of the words, or all of it is one of them."""
    return not set(words(name)).isdisjoint(wanted) or joined(name) in wanted


def nameable(name: str) -> bool:
    """Whether a file may hold the name: invisible characters are refused, because they deceive."""
    if name.isprintable():
        return True
    try:
        parse(f"name: {json.dumps(name, ensure_ascii=False)}".encode(), "")
    except (ContentError, UnicodeError):
        return False
    return True
