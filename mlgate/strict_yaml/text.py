"""From bytes to plain data with the line of every value, by the YAML 1.2 core schema."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from mlgate.errors import ContentError
from mlgate.strict_yaml.words import show

MAX_BYTES = 1024 * 1024
"""A release, policy or check is a few kilobytes; more is a mistake or an attack."""

MAX_DEPTH = 50
MAX_VALUES = 100_000
"""Bounds the memory that the lines of all values take."""

Loc: TypeAlias = tuple[str | int, ...]
"""Where a value is: mapping keys and list positions from the top of the file."""

# The C scanner is ten times faster and gives the same events; it is missing from some builds of PyYAML.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# YAML 1.2, section 10.3.2.
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]")
_WORDS: Mapping[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_MAX_DIGITS = 300  # so that every integer is also a finite float

# Beyond what YAML itself refuses: characters that are line breaks in YAML 1.1 and text in 1.2, and those
# that change the order in which text is shown, so that a reviewer reads something else than the machine.
_REFUSED = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
    "|[\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A file that was read, as plain data, with the line of every value."""

    path: Path | None
    """None for text that is in no file."""
    display: str
    """The file's name as errors and the report print it."""
    sha256: str
    """Of the bytes as they are in the file."""
    data: Any
    """Nested dict (keys are str), list, str, int, float, bool, None."""
    lines: Mapping[Loc, int]
    """Line, from 1, of every mapping key and list item, and of the whole under ()."""
    texts: Mapping[Loc, str] = field(default_factory=dict)
    """How numbers, booleans and nulls are written: `1.10`, which is the number 1.1."""

    def where(self, loc: Loc = ()) -> str:
        """Return `file:line` of the value at `loc`, or of the nearest value around it that exists."""
        for length in range(len(loc), -1, -1):
            line = self.lines.get(loc[:length])
            if line is not None:
                return f"{self.display}:{line}"
        return self.display


def canonical(data: Any) -> bytes:
    """Return `data` (JSON-like) as JSON in one fixed form: keys sorted, no spaces, UTF-8.

    Raises ValueError on NaN and infinity.
    """
    return json.dumps(
        data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def digest(data: Any) -> str:
    """Return the sha256, in hex, of `data` in canonical form: comments and layout do not change it."""
    return hashlib.sha256(canonical(data)).hexdigest()


def read(path: Path, display: str | None = None) -> Document:
    """Read a YAML file. `display` is the name that errors print; default: the path as given.

    Raises ContentError when it is not a regular file (a pipe or a device is never opened), cannot be read,
    or as `parse` does.
    """
    name = str(path) if display is None else display
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            kind = "a folder" if path.is_dir() else "not a regular file"
            raise ContentError(name, f"is {kind}", "name a YAML file")
        # Not blocking, and looked at again once open: it may have become a pipe since.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor has no path
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ContentError(name, "is not a regular file", "name a YAML file")
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ContentError(name, "does not exist", _nearby(path)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ContentError(name, f"cannot be read ({reason})", "check the path and its permissions") from None
    return parse(content, name, path=path)


def parse(text: bytes, display: str, *, path: Path | None = None) -> Document:
    """Read YAML from bytes (UTF-8, with or without a byte order mark).

    Raises ContentError, and nothing else, for: more than `MAX_BYTES`, `MAX_DEPTH` or `MAX_VALUES`; not
    UTF-8; control characters; an empty file; several documents; duplicate or complex keys; tags, anchors,
    aliases and merges; NaN and infinite numbers; numbers with a leading zero.
    """
    content = _decode(text, display)
    reading = _Reading(display, content)
    try:
        data = reading.document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if mark and mark.index >= len(content.rstrip()) and error.context_mark:
            mark = error.context_mark  # what is still open at the end of the file is wrong where it starts
        where = f"{display}:{mark.line + 1}" if mark else display
        raise ContentError(where, *_syntax(error, content)) from None
    except yaml.YAMLError as error:
        raise ContentError(display, f"is not YAML ({error})", "correct the YAML") from None
    return Document(
        path=path,
        display=display,
        sha256=hashlib.sha256(text).hexdigest(),
        data=data,
        lines=reading.lines,
        texts=reading.texts,
    )


def _nearby(path: Path) -> str:
    try:
        names = [one.name for one in path.parent.iterdir() if one.suffix in (".yaml", ".yml")]
    except OSError:
        return "check the path"
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"did you mean {str(path.parent / close[0])!r}?" if close else "check the path"


def _decode(raw: bytes, display: str) -> str:
    if len(raw) > MAX_BYTES:
        raise ContentError(display, f"is larger than {MAX_BYTES // 1024} KiB", "keep data out of it")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or raw[:4].count(0) in (2, 3):
        raise ContentError(display, "is UTF-16 or UTF-32", "save it as UTF-8")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        what = f"byte 0x{error.object[error.start]:02x} is not UTF-8"
        raise ContentError(f"{display}:{line}", what, "save the file as UTF-8") from None
    refused = _REFUSED.search(text)
    if refused:
        line = text.count("\n", 0, refused.start()) + 1
        raise ContentError(f"{display}:{line}", *_character(refused[0]))
    return text


def _character(character: str) -> tuple[str, str]:
    name = "a NUL byte" if character == "\0" else f"the invisible character U+{ord(character):04X}"
    return f"holds {name}", "remove it"


def _syntax(error: yaml.MarkedYAMLError, text: str) -> tuple[str, str]:
    problem = " ".join(str(error.problem or error.context).split())
    mark = error.problem_mark
    character = text[mark.index : mark.index + 1] if mark else ""
    if "cannot start any token" in problem:
        if character == "\t":
            return "a tab cannot indent in YAML", "use spaces"
        return f"text cannot start with {character}", "put it in quotes"
    if "mapping values are not allowed" in problem:
        return "a second ': ' in one line", "put text that contains ': ' in quotes, or indent the keys alike"
    todo = "check quotes, brackets and indentation"
    if error.context and error.context_mark:
        todo = f"check quotes, brackets and indentation from line {error.context_mark.line + 1} on"
    return f"is not YAML: {problem}", todo


class _Reading:
    """One pass over the events of one file."""

    def __init__(self, display: str, text: str) -> None:
        self.display = display
        self.text = text
        self.lines: dict[Loc, int] = {}
        self.texts: dict[Loc, str] = {}
        self.events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)

    def document(self) -> Any:
        """Return the one document."""
        next(self.events)
        start = next(self.events)
        if isinstance(start, yaml.StreamEndEvent):
            raise ContentError(self.display, "is empty", "write its keys")
        if start.tags or start.version not in (None, (1, 2)):
            raise self.wrong(start, "a %TAG or %YAML directive is not allowed", "remove it")
        first = next(self.events)
        data = self.value(first, ())
        if data is None:
            raise ContentError(self.display, "is empty", "write its keys")
        next(self.events)
        after = next(self.events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise self.wrong(after, "a second document starts here", "keep one document in one file")
        return data

    def value(self, event: Any, loc: Loc) -> Any:
        """Return the value that starts with `event` and record its line, unless its key has done so."""
        self.lines.setdefault(loc, event.start_mark.line + 1)
        self.plain(event)
        if len(loc) > MAX_DEPTH:
            raise self.wrong(event, f"is nested deeper than {MAX_DEPTH} levels", "flatten it")
        if len(self.lines) > MAX_VALUES:
            raise self.wrong(event, f"holds more than {MAX_VALUES} values", "keep data out of it")
        if isinstance(event, yaml.MappingStartEvent):
            return self.mapping(loc)
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(loc)
        return self.scalar(event, loc)

    def mapping(self, loc: Loc) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.key(event)
            if key in found:
                first = self.lines[*loc, key]
                raise self.wrong(
                    event, f"key {show(key)} is here twice (first in line {first})", "keep one of the two"
                )
            self.lines[*loc, key] = event.start_mark.line + 1
            value = next(self.events)
            if ":" not in self.text[event.end_mark.index : value.start_mark.index]:
                todo = "add ': ' and a value; text with a comma in { } needs quotes"
                raise self.wrong(event, f"{show(key)} is a key without a value", todo)
            found[key] = self.value(value, (*loc, key))
        return found

    def sequence(self, loc: Loc) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            found.append(self.value(event, (*loc, len(found))))
        return found

    def key(self, event: Any) -> str:
        """Return a key as its text: `0.1` stays "0.1", and `on` is never a boolean."""
        self.plain(event)
        if not isinstance(event, yaml.ScalarEvent):
            raise self.wrong(event, "a list or a mapping is no key", "use text as the key")
        if not event.style and event.value == "<<":
            raise self.wrong(event, "merge keys (<<) are not allowed", "write the keys out")
        if not event.style and not event.value:
            raise self.wrong(event, "a key is empty", "write the key before the colon")
        return self.printable(event)

    def plain(self, event: Any) -> None:
        """Refuse what makes a value mean something else than its text."""
        if isinstance(event, yaml.AliasEvent):
            raise self.wrong(event, f"aliases (*{event.anchor}) are not allowed", "write the value out")
        if event.anchor is not None:
            raise self.wrong(event, f"anchors (&{event.anchor}) are not allowed", "remove it")
        # The C scanner drops the tag `!`, which turns `! 12` into text; the text of the file still has it.
        index = event.start_mark.index
        dropped = isinstance(event, yaml.ScalarEvent) and self.text[index : index + 1] == "!"
        if event.tag is not None or dropped:
            tag = event.tag or "!"
            raise self.wrong(event, f"tags ({show(tag)}) are not allowed", "remove it; quotes make text")

    def printable(self, event: Any) -> str:
        """Return the text of a scalar, which escapes may have given refused characters."""
        text: str = event.value
        refused = _REFUSED.search(text) if event.style == '"' else None
        if refused:
            raise self.wrong(event, *_character(refused[0]))
        return text

    def scalar(self, event: Any, loc: Loc) -> str | int | float | bool | None:
        text = self.printable(event)
        if event.style:
            return text
        if text in _WORDS:
            self.texts[loc] = text
            return _WORDS[text]
        if text[0] not in "+-.0123456789":
            return text
        number = self.number(event, text)
        if number is None:
            return text
        self.texts[loc] = text
        return number

    def number(self, event: Any, text: str) -> int | float | None:
        """Return the number that a plain scalar is; None when it is text, such as a date."""
        if _NOT_FINITE.fullmatch(text):
            raise self.wrong(event, f"{text} is no number that a limit can be held against", "use a number")
        for pattern, base in ((_OCTAL, 8), (_HEXADECIMAL, 16)):
            if pattern.fullmatch(text):
                return int(self.short(event, text), base)
        if not _FLOAT.fullmatch(text):
            return None
        if _LEADING_ZERO.match(text):
            todo = "write text (a code, a postcode) in quotes, a number without the zero"
            raise self.wrong(event, f"{show(text)} starts with a zero", todo)
        if _INTEGER.fullmatch(text):
            return int(self.short(event, text))
        value = float(text)
        if value in (float("inf"), float("-inf")):
            raise self.wrong(event, f"number {show(text)} is too large", "use a finite number")
        return value

    def short(self, event: Any, text: str) -> str:
        if len(text) > _MAX_DIGITS:
            raise self.wrong(event, f"number {show(text)} is too long", "write text in quotes")
        return text

    def wrong(self, event: Any, what: str, todo: str) -> ContentError:
        return ContentError(f"{self.display}:{event.start_mark.line + 1}", what, todo)
