r"""The records of a CSV file, found by its bytes alone: an account that owes nothing to a parser.

RFC 4180 leaves no choice: a record ends at a line break with an even number of quotes before it, and a
value ends at a delimiter or a line break of that kind. So three counts, made of whole blocks at once, tell
how many records a file has, how many values each of them, and how many bytes all values hold together.
What a parser reads is held against that: a parser that guesses, skips, pads or merges does not get by.

A line break is "\n", "\r\n" or "\r", also mixed. Blank lines are no records, as pandas has it.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlgate.errors import EvidenceError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_RECORD = 16 * 1024**2
"""Bytes of one record; more is a forgotten quote or an attack, and no row of a table."""

_BLOCK = 4 * 1024**2
_NOTHING = -1
"""Stands for the byte before the first and the byte after the last."""
_LF, _CR = 10, 13


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """What separates and quotes values: one ASCII character each; `quote` is empty when nothing does."""

    delimiter: str = ","
    quote: str = '"'


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """The account of a whole file."""

    records: int
    """The header included."""
    text_bytes: int
    """Bytes of all values together, unquoted, the header included."""
    longest: int
    """Bytes of the longest record."""
    plain: bool
    """Whether every record ends in a single line feed and no line is blank."""


def first_record(path: Path, display: str, dialect: Dialect) -> bytes | None:
    """Return the bytes of the first record that is not blank, None when there is none.

    Raises EvidenceError when quotes, encoding or bytes before its end are wrong.
    """
    try:
        for piece in _pieces(path, dialect):
            found = piece.sizes.nonzero()[0]
            if found.size:
                with path.open("rb") as file:
                    file.seek(int(piece.starts[found[0]]))
                    return file.read(int(piece.sizes[found[0]]))
    except _Fault as fault:
        raise fault.placed(path, display) from None
    return None


def layout(path: Path, display: str, dialect: Dialect, fields: int) -> Layout:
    """Take the account of a file of UTF-8 text (without byte order mark).

    Args:
        path: The file.
        display: Its name in errors.
        dialect: What separates and quotes values.
        fields: How many values each record must have: as many as the header.

    Raises:
        EvidenceError: Naming the line: a record with more or fewer values, a quote where RFC 4180 has
            none, a quote that is never closed, a NUL byte, bytes that are not UTF-8.
    """
    records = text = longest = 0
    plain = True
    try:
        for piece in _pieces(path, dialect):
            _require_width(piece, fields, dialect)
            real = piece.sizes > 0
            records += int(real.sum())
            text += len(piece.content) - piece.syntax
            longest = max(longest, int(piece.sizes.max(initial=0)))
            plain = plain and bool(real.all()) and not piece.spare.size and not piece.lone.size
    except _Fault as fault:
        raise fault.placed(path, display) from None
    return Layout(records=records, text_bytes=text, longest=longest, plain=plain)


def write_plain(path: Path, target: Path, dialect: Dialect) -> None:
    """Write the records of a file that `layout` accepted, each ended by a line feed, no line blank."""
    import numpy as np

    with target.open("wb") as out:
        for piece in _pieces(path, dialect):
            content = np.frombuffer(piece.content, dtype=np.uint8).copy()
            content[piece.lone] = _LF
            keep = np.ones(content.size, dtype=bool)
            keep[piece.spare] = False
            keep[piece.ends[piece.sizes == 0]] = False
            out.write(content[keep].tobytes())


def line_of_record(path: Path, dialect: Dialect, number: int) -> int | None:
    """Return the line on which a record begins; the header is number 0, blank lines are not counted."""
    for piece in _pieces(path, dialect):
        starts = piece.starts[piece.sizes > 0]
        if number < starts.size:
            return _line_of(path, int(starts[number]))
        number -= starts.size
    return None


def _line_of(path: Path, offset: int) -> int:
    """Return the number of the line, from 1, that the byte at `offset` lies on."""
    line, left, after_return = 1, offset, False
    with path.open("rb") as file:
        while left > 0 and (block := file.read(min(_BLOCK, left))):
            line += block.count(b"\n") + block.count(b"\r") - block.count(b"\r\n")
            line -= after_return and block.startswith(b"\n")
            after_return, left = block.endswith(b"\r"), left - len(block)
    return line


class _Fault(Exception):
    """What is wrong at a byte of the file."""

    def __init__(self, offset: int, what: str, todo: str) -> None:
        super().__init__(what)
        self.offset, self.what, self.todo = offset, what, todo

    def placed(self, path: Path, display: str) -> EvidenceError:
        """Return the error that names the line."""
        return EvidenceError(f"{display}:{_line_of(path, self.offset)}", self.what, self.todo)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Piece:
    """One block of the file, and the records that end in it."""

    content: bytes
    starts: NDArray[np.int64]
    """Where these records begin in the file."""
    sizes: NDArray[np.int64]
    """Bytes of each of them, without its line break. 0: a blank line."""
    fields: NDArray[np.int64]
    """Values in each of them."""
    ends: NDArray[np.int64]
    """Positions in `content` of the bytes that end them (one past it at the end of the file)."""
    spare: NDArray[np.int64]
    """Positions in `content` of carriage returns that a line feed follows."""
    lone: NDArray[np.int64]
    """Positions in `content` of carriage returns that end a record by themselves."""
    syntax: int
    """Bytes of `content` that are no text of a value: delimiters, line breaks, quotes."""


def _pieces(path: Path, dialect: Dialect) -> Iterator[_Piece]:
    scan, text = _Scan(dialect), _Text()
    with path.open("rb") as file:
        content = file.read(_BLOCK)
        while content:
            following = file.read(_BLOCK)
            text.check(content, final=not following)
            yield scan.piece(content, following[0] if following else _NOTHING)
            content = following
    yield from scan.rest()


def _require_width(piece: _Piece, fields: int, dialect: Dialect) -> None:
    wrong = ((piece.fields != fields) & (piece.sizes > 0)).nonzero()[0]
    if wrong.size:
        found = int(piece.fields[wrong[0]])
        raise _Fault(
            int(piece.starts[wrong[0]]),
            f"has {found} value{'s' if found > 1 else ''}, and the header names {fields}",
            f"mend the row; a value with {dialect.delimiter!r} in it has to be quoted",
        )


@dataclass(slots=True)
class _Scan:
    """What is known between two blocks."""

    dialect: Dialect
    offset: int = 0
    """Of the block in the file."""
    start: int = 0
    """Where the present record begins."""
    delimiters: int = 0
    """In the present record so far."""
    previous: int = _NOTHING
    """The byte before the block."""
    quote_open: bool = False
    quote_opened: int = 0
    """Where the last quote was opened."""

    def piece(self, content: bytes, following: int) -> _Piece:
        """Account for one block; `following` is the byte after it."""
        import numpy as np

        block = np.frombuffer(content, dtype=np.uint8)
        around = np.empty(block.size + 2, dtype=np.int16)
        around[0], around[1:-1], around[-1] = self.previous, block, following
        marks, quoting = self._outside_quotes(block, around, self._marks(content, block))
        returns = block[marks] == _CR
        before_feed = returns & (around[marks + 2] == _LF)
        spare, lone = marks[before_feed], marks[returns & ~before_feed]
        marks = marks[~before_feed]
        breaks = (block[marks] != ord(self.dialect.delimiter)).nonzero()[0]
        ends = marks[breaks]
        piece = _Piece(
            content=content,
            starts=self._starts(ends),
            sizes=self._sizes(ends, double=(block[ends] == _LF) & (around[ends] == _CR)),
            fields=np.diff(breaks, prepend=-1 - self.delimiters),
            ends=ends,
            spare=spare,
            lone=lone,
            syntax=marks.size + spare.size + quoting,
        )
        self._move_on(content, ends, marks.size - 1 - int(breaks[-1]) if breaks.size else None, marks.size)
        return piece

    def rest(self) -> Iterator[_Piece]:
        """Yield the record that the end of the file ends, if there is one."""
        import numpy as np

        if self.quote_open:
            raise _Fault(self.quote_opened, "a quote is opened and never closed", "close it, or double it")
        if self.start < self.offset:
            nothing = np.empty(0, dtype=np.int64)
            yield _Piece(
                content=b"",
                starts=np.array([self.start]),
                sizes=np.array([self.offset - self.start]),
                fields=np.array([self.delimiters + 1]),
                ends=np.array([0]),
                spare=nothing,
                lone=nothing,
                syntax=0,
            )

    def _marks(self, content: bytes, block: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Return the positions of all delimiters and line breaks."""
        found = (block == ord(self.dialect.delimiter)) | (block == _LF)
        if b"\r" in content:
            found |= block == _CR
        positions: NDArray[np.int64] = found.nonzero()[0]
        return positions

    def _starts(self, ends: NDArray[np.int64]) -> NDArray[np.int64]:
        import numpy as np

        return np.concatenate(([self.start], ends[:-1] + self.offset + 1)) if ends.size else ends

    def _sizes(self, ends: NDArray[np.int64], *, double: NDArray[np.bool_]) -> NDArray[np.int64]:
        return ends + self.offset - self._starts(ends) - double

    def _move_on(
        self, content: bytes, ends: NDArray[np.int64], after_last: int | None, delimiters: int
    ) -> None:
        self.delimiters = self.delimiters + delimiters if after_last is None else after_last
        self.start = int(ends[-1]) + self.offset + 1 if ends.size else self.start
        self.offset += len(content)
        self.previous = content[-1]
        if self.offset - self.start > MAX_RECORD:
            opened = self.quote_open and self.quote_opened >= self.start
            raise _Fault(
                self.quote_opened if opened else self.start,
                f"begins a record of more than {MAX_RECORD} bytes",
                "see whether a quote or a line break is missing",
            )

    def _outside_quotes(
        self, block: NDArray[np.uint8], around: NDArray[np.int16], marks: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], int]:
        """Return the marks that no quotes enclose, and how many quotes are no text of a value."""
        import numpy as np

        quote = self.dialect.quote
        quotes = (block == ord(quote)).nonzero()[0] if quote else marks[:0]
        if not quotes.size:
            return (marks[:0] if self.quote_open else marks), 0
        was_open = int(self.quote_open)
        opening, closing = quotes[was_open::2], quotes[1 - was_open :: 2]
        doubled = self._require_place(around, opening, closing)
        enclosed = (np.searchsorted(quotes, marks) + was_open) % 2 == 1
        self.quote_opened = int(opening[-1]) + self.offset if opening.size else self.quote_opened
        self.quote_open = bool((was_open + quotes.size) % 2)
        return marks[~enclosed], quotes.size - doubled

    def _require_place(
        self, around: NDArray[np.int16], opening: NDArray[np.int64], closing: NDArray[np.int64]
    ) -> int:
        """Return how many quotes are doubled; raise _Fault for one inside a value that is not quoted."""
        import numpy as np

        quote, delimiter = ord(self.dialect.quote), ord(self.dialect.delimiter)
        edges = np.array([delimiter, _LF, _CR, quote, _NOTHING])
        early = opening[~np.isin(around[opening], edges)]
        late = closing[~np.isin(around[closing + 2], edges)]
        if early.size or late.size:
            first = min(early[:1].tolist() + late[:1].tolist())
            bare = first in early[:1]
            raise _Fault(
                first + self.offset,
                "a quote stands in a value that is not quoted" if bare else "text follows a closing quote",
                "quote the whole value and double the quotes in it, or name another `quote`",
            )
        return int((around[opening] == quote).sum())


class _Text:
    """Whether the bytes are text at all."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._offset = 0

    def check(self, content: bytes, *, final: bool) -> None:
        """Raise _Fault at the first NUL byte and the first byte that is not UTF-8."""
        if b"\0" in content:
            raise _Fault(
                self._offset + content.index(b"\0"),
                f"has a NUL byte (byte {self._offset + content.index(0) + 1} of the file)",
                "save the table as UTF-8 text, or name its `encoding` (UTF-16 looks like this)",
            )
        waiting = len(self._decoder.getstate()[0])
        try:
            if waiting or not content.isascii():
                self._decoder.decode(content, final=final)
        except UnicodeDecodeError as error:
            offset = self._offset - waiting + error.start
            raise _Fault(
                offset,
                f"is not UTF-8 text (byte {offset + 1} of the file)",
                "save it as UTF-8, or name its `encoding`",
            ) from None
        self._offset += len(content)
