"""Licences as packages state them, and whether some that are allowed cover them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

CLASSIFIERS = {
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-2-Clause AND BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "Zope Public License": "ZPL-2.1",
    "zlib/libpng License": "Zlib",
    "Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
    "Eclipse Public License 2.0 (EPL-2.0)": "EPL-2.0",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
}
"""Classifiers that name one licence. `BSD License` may be either, so both have to be allowed. Apache's
names no version; 1.0 and 1.1 are older than any package of Python's."""

_FREE = {
    "MIT": ("mit", "mit license", "the mit license", "the mit license (mit)", "expat"),
    "Apache-2.0": (
        "apache 2.0",
        "apache-2.0",
        "apache license 2.0",
        "apache license, version 2.0",
        "apache 2",
        "apache software license 2.0",
    ),
    "BSD-2-Clause AND BSD-3-Clause": ("bsd", "bsd license"),
    "BSD-3-Clause": (
        "bsd-3-clause",
        "bsd 3-clause",
        "bsd 3-clause license",
        "new bsd",
        "new bsd license",
        "3-clause bsd",
        "3-clause bsd license",
        "modified bsd license",
    ),
    "BSD-2-Clause": ("bsd-2-clause", "bsd 2-clause", "simplified bsd"),
    "ISC": ("isc", "isc license"),
    "PSF-2.0": ("psf", "psf-2.0"),
    "MPL-2.0": ("mpl-2.0", "mpl 2.0"),
    "Unlicense": ("unlicense",),
    "Zlib": ("zlib",),
    "0BSD": ("0bsd",),
    "HPND": ("hpnd",),
    "MIT-CMU": ("mit-cmu",),
    "CC0-1.0": ("cc0-1.0",),
}
FREE = {text: expression for expression, texts in _FREE.items() for text in texts}
"""What packages write as free text and means one licence."""

_TOKENS = re.compile(r"\s*(\(|\)|[A-Za-z0-9][A-Za-z0-9.+:-]*)")
_PREFIX = re.compile(r"License :: (?:OSI Approved :: )?")
MAX_EXPRESSION = 2000
MAX_DEPTH = 50


def spdx_of(expression: str | None, words: Sequence[str]) -> str | None:
    """Return the SPDX expression that a package states; None when it states none that can be read.

    `License-Expression` decides (PEP 639). Otherwise every classifier that names a licence counts, and all of
    them have to be allowed, since a package does not say whether it leaves a choice. Free text is read only
    where no classifier names one.
    """
    if expression:
        return expression
    named = [_PREFIX.sub("", line, count=1) for line in words if line.startswith("License ::")]
    named = [name for name in named if name != "OSI Approved"]
    if named:
        known = [CLASSIFIERS.get(name) for name in named]
        return None if None in known else " AND ".join(f"({one})" for one in known if one)
    free = [line for line in words if not line.startswith("License ::")]
    if len(free) != 1:
        return None
    text = " ".join(free[0].split())
    return FREE.get(text.lower()) or (text if _spells(text) else None)


def _spells(text: str) -> bool:
    """Whether free text is an expression of identifiers that are known here, `MPL-2.0 AND MIT`."""
    words = {word.lower() for word in _TOKENS.findall(text)} - {"(", ")", "and", "or"}
    return words <= _KNOWN and Terms.of(()).allow(text) is not None


_KNOWN = frozenset(
    word.lower() for one in (*CLASSIFIERS.values(), *FREE.values()) for word in one.split(" AND ")
)


@dataclass(frozen=True, slots=True)
class Terms:
    """Licences that are allowed."""

    ids: frozenset[str]
    """SPDX identifiers in lower case, also with an exception: `gpl-2.0-only with classpath-exception-2.0`."""

    @classmethod
    def of(cls, allow: Iterable[str]) -> Terms:
        """Read identifiers; case does not matter in SPDX."""
        return cls(frozenset(" ".join(one.lower().split()) for one in allow))

    def allow(self, expression: str) -> bool | None:
        """Whether an SPDX expression is covered; None when it is none.

        Of `A OR B` one has to be allowed, of `A AND B` both. `A WITH E` is allowed where it stands so or
        A alone does: an exception gives more than the licence.
        """
        tokens = _TOKENS.findall(expression)
        whole = "".join(tokens) == re.sub(r"\s+", "", expression)
        if not tokens or not whole or len(expression) > MAX_EXPRESSION:
            return None
        try:
            found, rest = self._either(tokens, 0)
        except (IndexError, ValueError):
            return None
        return found if not rest else None

    def _either(self, tokens: list[str], depth: int) -> tuple[bool, list[str]]:
        found, rest = self._both(tokens, depth)
        while rest and rest[0].upper() == "OR":
            more, rest = self._both(rest[1:], depth)
            found = found or more
        return found, rest

    def _both(self, tokens: list[str], depth: int) -> tuple[bool, list[str]]:
        found, rest = self._one(tokens, depth)
        while rest and rest[0].upper() == "AND":
            more, rest = self._one(rest[1:], depth)
            found = found and more
        return found, rest

    def _one(self, tokens: list[str], depth: int) -> tuple[bool, list[str]]:
        first, rest = tokens[0], tokens[1:]
        if depth > MAX_DEPTH or first == ")" or first.upper() in ("AND", "OR", "WITH"):
            raise ValueError("no expression")
        if first == "(":
            found, rest = self._either(rest, depth + 1)
            if rest[0] != ")":
                raise ValueError("no expression")
            return found, rest[1:]
        found = first.lower() in self.ids
        if rest and rest[0].upper() == "WITH":
            exception, rest = rest[1], rest[2:]
            found = found or f"{first} with {exception}".lower() in self.ids
        return found, rest
