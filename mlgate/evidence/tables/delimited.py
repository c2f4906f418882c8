"""From the bytes of a CSV file to records that are beyond doubt, or an error that names the line.

Nothing is guessed. The header is the first record; delimiter, quote and encoding are what the release says
(or comma, double quote, UTF-8). Ragged rows, stray quotes, NUL bytes and bytes of another encoding are found
here, before a parser sees the file.
"""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mlgate.errors import EvidenceError
from mlgate.evidence.files import signatures
from mlgate.evidence.files.locations import private_file
from mlgate.evidence.tables import records
from mlgate.evidence.tables.names import require_names
from mlgate.evidence.tables.records import Dialect, Layout
from mlgate.evidence.tables.texttypes import NULLS
from mlgate.strict_yaml import show

if TYPE_CHECKING:
    from mlgate.cells import ColumnType

_BLOCK = 1024**2
_BOM = b"\xef\xbb\xbf"
_DELIMITERS = (";", "\t", "|", ",")
_UTF8 = ("utf-8", "utf-8-sig", "utf_8", "utf_8_sig")
_NOTATIONS = ("unicode-escape", "raw-unicode-escape", "idna", "punycode")
"""Codecs that Python counts as text encodings and that are notations for text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """How a release says that a CSV file is to be read."""

    dialect: Dialect = field(default_factory=Dialect)
    encoding: str = "utf-8"
    nulls: tuple[str, ...] = NULLS
    types: Mapping[str, ColumnType] = field(default_factory=dict)
    wanted: frozenset[str] = frozenset()
    """Columns that the release names for this table; used only to see that a delimiter is wrong."""
    option: str = "data.evaluation"
    """Where the release says it: what messages tell people to set."""
    where: str = "release.yaml"
    """The line on which it does."""

    def __post_init__(self) -> None:
        """Raise EvidenceError for a dialect that no file can be read in."""
        for name in ("delimiter", "quote"):
            value = getattr(self.dialect, name)
            if value and (len(value) > 1 or not value.isascii() or value in "\0\r\n"):
                what = f"{name} {show(value)} cannot be used"
                raise EvidenceError(self.where, what, "use one ASCII character")
        if self.dialect.delimiter in ("", self.dialect.quote):
            raise EvidenceError(self.where, "delimiter and quote are the same", "name two characters")
        if self.encoding.replace("_", "-") in _NOTATIONS:
            raise EvidenceError(self.where, f"{show(self.encoding)} is no text encoding", "name another")


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """A file whose bytes were accounted for."""

    display: str
    names: tuple[str, ...]
    text: Path
    """UTF-8 without byte order mark, with the lines of the original."""
    plain: Path
    """The same with one line feed a record and no blank line: what DuckDB reads."""
    layout: Layout

    @property
    def rows(self) -> int:
        """Records without the header."""
        return self.layout.records - 1

    @property
    def text_bytes(self) -> int:
        """Bytes of all values without the header's."""
        return self.layout.text_bytes - sum(len(name.encode()) for name in self.names)


def check(path: Path, display: str, reading: Reading, workdir: Path) -> Checked:
    """Account for the bytes of a CSV file (not compressed) and read its header.

    Raises EvidenceError, with the line, for everything that is not a table in strict CSV.
    """
    kind = signatures.kind_of(path)
    if kind is not None:
        raise signatures.refuse(display, kind, "CSV")
    text = _as_utf8(path, display, reading, workdir)
    _refuse_wrong_delimiter(text, display, reading)
    names = _header(text, display, reading)
    account = records.layout(text, display, reading.dialect, len(names))
    plain = text
    if not account.plain:
        plain = private_file(workdir, ".csv")
        records.write_plain(text, plain, reading.dialect)
    return Checked(display=display, names=names, text=text, plain=plain, layout=account)


def _as_utf8(path: Path, display: str, reading: Reading, workdir: Path) -> Path:
    """Return a file with the text in UTF-8 and without byte order mark: the file itself, or a new one."""
    mark = signatures.byte_order_mark(path)
    utf8 = reading.encoding in _UTF8
    if utf8 and mark is not None:
        todo = f"set {reading.option}.encoding: {mark.split()[0].lower()}"
        raise EvidenceError(f"{display}:1", f"is {mark} by its byte order mark, not UTF-8", todo)
    with path.open("rb") as source:
        if utf8 and source.read(len(_BOM)) != _BOM:
            return path
        target = private_file(workdir, ".text")
        if utf8:
            with target.open("wb") as out:
                shutil.copyfileobj(source, out, _BLOCK)
            return target
    _transcode(path, target, display, reading)
    return target


def _transcode(path: Path, target: Path, display: str, reading: Reading) -> None:
    line = 1
    try:
        with (
            path.open(encoding=reading.encoding, newline="") as source,
            target.open("w", encoding="utf-8", newline="") as out,
        ):
            text = source.read(_BLOCK).removeprefix("\ufeff")
            while text:
                out.write(text)
                line += text.count("\n")
                text = source.read(_BLOCK)
    except UnicodeError as error:
        raise EvidenceError(
            display,
            f"is not {reading.encoding} text after line {line}",
            "name its encoding, or save it as UTF-8",
        ) from error


def _first_line(text: Path) -> str:
    """Return the first line that is not blank, whatever the delimiter."""
    with text.open(encoding="utf-8", errors="replace", newline=None) as file:
        line = file.readline(_BLOCK)
        while line == "\n":
            line = file.readline(_BLOCK)
    return line.rstrip("\n")


def _refuse_wrong_delimiter(text: Path, display: str, reading: Reading) -> None:
    """Raise when the header is one column that another delimiter would cut into several.

    Only when the release names columns that this one is not: a single column may hold any character.
    """
    line = _first_line(text)
    if not line:
        raise EvidenceError(display, "is empty", "give a file with a header and rows")
    present = [one for one in _DELIMITERS if one in line]
    if reading.dialect.delimiter in line or not present or reading.wanted <= {line}:
        return
    likely = max(present, key=line.count)
    written = '"\\t"' if likely == "\t" else f"'{likely}'"
    raise EvidenceError(
        f"{display}:1",
        f"has one column, {show(line)}: it looks as if the delimiter is {written}",
        f"set {reading.option}.delimiter: {written}",
    )


def _header(text: Path, display: str, reading: Reading) -> tuple[str, ...]:
    dialect = reading.dialect
    record = records.first_record(text, display, dialect)
    if record is None:
        raise EvidenceError(display, "is empty", "give a file with a header and rows")
    parsed = csv.reader(
        io.StringIO(record.decode(), newline=""),
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        strict=True,
    )
    try:
        names = next(parsed)
    except csv.Error as error:
        raise EvidenceError(
            f"{display}:1", f"has a header that does not parse ({error})", "mend it"
        ) from error
    require_names(names, f"{display}:1")
    return tuple(names)
