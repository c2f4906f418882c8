r"""Regular expressions of Python that RE2 reads the same, so that they run where the data is and never long.

Python's own go on for ever on `(a+)+$` and the right text, and a suite comes with the release. So only
those are taken that can be said in RE2: characters, classes, `\d \w \s`, groups, `|`, repetition, `^ \A`, and
`$` at the end of an alternative of the whole. No look-around, no back-references, no flags.

Python means all of Unicode by `\d`, `\w` and `\s`, and RE2 means ASCII; they are written out. Python's `$`
also matches before a newline that ends the text; that is written out too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

MAX_PATTERN = 1_000
"""Characters of a pattern: what nobody can read, nobody can review."""

MAX_ENDLESS = 3
"""Repetitions without end of one pattern that Python is given."""

_SHORT = len("{9,9}")
"""Characters of a repeat that is taken to end soon."""

MAX_REPEAT = 1_000
"""What RE2 repeats at most."""

_DIGIT, _WORD = r"\p{Nd}", r"\p{L}\p{N}_"
_SPACE = r"\t-\r\x{1c}-\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
_CLASSES = {"d": _DIGIT, "w": _WORD, "s": _SPACE}
_CONTROLS = {"n": r"\n", "r": r"\r", "t": r"\t", "f": r"\f", "v": r"\v"}
_SPECIAL = r".^$*+?{}[]\|()"
_COUNTED = re.compile(r"\{(\d{1,4})(?:(,)(\d{1,4})?)?\}")


class _Unlike(Exception):
    """The two languages may differ here."""


@cache
def translated(pattern: str) -> str | None:
    """Return a pattern of RE2 that is found in the same texts as this one of Python's; None if none is known.

    `re.search(pattern, text)` finds something exactly where RE2 finds the returned pattern in the text.
    """
    try:
        found = _Reader(pattern).whole()  # first: of what it refuses, some makes Python warn
        re.compile(pattern)
    except (_Unlike, re.error, RecursionError, OverflowError):
        return None
    return found


def is_everywhere(pattern: str) -> bool:
    """Whether a pattern is surely found in every text: it takes nothing, and wants no end there."""
    found = (re.match(pattern, text) for text in ("\n\0", "\0\0"))
    return any(one is not None and one.end() == 0 for one in found)


@cache
def is_quick(pattern: str) -> bool:
    """Whether Python itself takes no longer than the square of the text on such a pattern, or little more.

    That is where no repetition without end is inside another, and there are few of them in all.
    """
    reader = _Reader(pattern)
    try:
        reader.whole()
    except _Unlike:
        return False
    return not reader.nested and reader.endless <= MAX_ENDLESS


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        self.pattern, self.at = pattern, 0
        self.endless = 0
        """Repetitions so far that may go on for as long as the text does."""
        self.nested = False

    def whole(self) -> str:
        found = self.alternatives(top=True)
        if self.at < len(self.pattern):
            raise _Unlike
        return found

    def peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def take(self) -> str:
        one = self.peek()
        if not one:
            raise _Unlike
        self.at += 1
        return one

    def alternatives(self, *, top: bool) -> str:
        found = [self.sequence(top=top)]
        while self.peek() == "|":
            self.take()
            found.append(self.sequence(top=top))
        return "|".join(found)

    def sequence(self, *, top: bool) -> str:
        parts = []
        while self.peek() and self.peek() not in "|)":
            if self.peek() == "$":
                self.take()
                if not top or (self.peek() and self.peek() != "|"):
                    raise _Unlike  # what follows could still match the newline
                parts.append(r"(?:\n?\z)")
            elif self.peek() == "^":
                self.take()
                parts.append(r"\A")
                self.refuse_repeat()
            elif self.pattern.startswith(r"\A", self.at):
                self.at += 2
                parts.append(r"\A")
                self.refuse_repeat()
            else:
                before = self.endless
                parts.append(self.atom())
                inside = self.endless > before
                parts.append(self.repeat())
                self.nested |= inside and bool(parts[-1])
        return "".join(parts)

    def refuse_repeat(self) -> None:
        if self.repeat():
            raise _Unlike

    def atom(self) -> str:
        one = self.take()
        if one == "(":
            return self.group()
        if one == "[":
            return self.bracket()
        if one == "\\":
            return self.escape(lambda inside: f"[{inside}]", lambda inside: f"[^{inside}]")
        if one == ".":
            return r"[^\n]"
        if one in "*+?{})]":
            # A brace that repeats nothing is a character to Python; nobody should rely on it.
            raise _Unlike
        return _literal(one)

    def group(self) -> str:
        if self.peek() == "?":
            self.take()
            if self.take() != ":":
                raise _Unlike
        inside = self.alternatives(top=False)
        if self.take() != ")":
            raise _Unlike
        return f"(?:{inside})"

    def escape(self, alone: Callable[[str], str], without: Callable[[str], str]) -> str:
        one = self.take()
        if one in _CLASSES:
            return alone(_CLASSES[one])
        if one.lower() in _CLASSES:
            return without(_CLASSES[one.lower()])
        if one in _CONTROLS:
            return _CONTROLS[one]
        if one.isalnum() or not one.isascii():
            raise _Unlike
        return _literal(one)

    def bracket(self) -> str:
        negated = self.peek() == "^"
        if negated:
            self.take()
        parts: list[str] = []
        while self.peek() != "]" or not parts:
            if self.peek() in ("[", "]") or self.pattern.startswith(("&&", "||", "~~", "--"), self.at):
                raise _Unlike  # sets in sets, some day
            low = self.member()
            if self.peek() == "-" and self.pattern[self.at + 1 : self.at + 2] != "]":
                self.take()
                low = f"{low}-{self.member(end=True)}"
            parts.append(low)
        self.take()
        return f"[{'^' if negated else ''}{''.join(parts)}]"

    def member(self, *, end: bool = False) -> str:
        one = self.take()
        if one != "\\":
            return _literal(one)

        def refuse(_: str) -> str:
            raise _Unlike

        return self.escape(refuse if end else lambda inside: inside, refuse)

    def repeat(self) -> str:
        one = self.peek()
        found = ""
        if one and one in "*+?":
            found = self.take()
        elif one == "{":
            counted = _COUNTED.match(self.pattern, self.at)
            if counted is None or max(int(counted[1]), int(counted[3] or 0)) > MAX_REPEAT:
                raise _Unlike
            self.at = counted.end()
            found = counted[0]
        self.endless += found in ("*", "+") or found.endswith(",}") or len(found) > _SHORT
        if found and self.peek() and self.peek() in "*+?{":
            if self.peek() != "?":
                raise _Unlike  # possessive, or a repeat of a repeat
            self.take()  # how much is taken does not matter to whether there is something
        return found


def _literal(one: str) -> str:
    """Write one character so that it means nothing else."""
    return one if one.isalnum() and one.isascii() else f"\\x{{{ord(one):x}}}"
