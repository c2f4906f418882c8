"""What a file is by its first and last bytes, whatever its name says. Nothing is ever loaded to find out."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from mlgate.errors import EvidenceError

PARQUET = "parquet"
"""What `kind_of` calls a whole parquet file."""

_HEAD, _TAIL = 64, 4

_BY_HEAD: tuple[tuple[bytes, str], ...] = (
    (b"PAR1", "a parquet file that is cut off"),
    (b"PARE", "an encrypted parquet file"),
    (b"PK\x03\x04", "a zip archive (Excel files are zip archives too)"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstandard"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"ARROW1", "an Arrow (Feather) file"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel file"),
    (b"%PDF-", "a PDF"),
    (b"\x7fELF", "a program"),
)
_MARKS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xfe\x00\x00", "UTF-32 text"),
    (b"\x00\x00\xfe\xff", "UTF-32 text"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
)
"""Byte order marks, the longer ones first."""

_BINARY_PICKLE = re.compile(rb"\x80[\x01-\x08]")
_TEXT_PICKLE = re.compile(
    rb"\(?[ld]p[0-9]+\n|c(copy_?reg|__builtin__|builtins|collections|numpy|pandas|sklearn|joblib|os|posix|nt"
    rb"|subprocess|sys)[\w.]*\n"
)


def kind_of(path: Path) -> str | None:
    """Return what a file is, as a message names it; None when it may well be text."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
        file.seek(0, 2)
        file.seek(max(file.tell() - _TAIL, 0))
        tail = file.read(_TAIL)
    if head.startswith(b"PAR1") and tail == b"PAR1" and path.stat().st_size > 2 * _TAIL:
        return PARQUET
    if _BINARY_PICKLE.match(head) or (_TEXT_PICKLE.match(head) and tail.endswith(b".")):
        return "a pickle"
    if head[8:12] == b"DUCK":
        return "a DuckDB database"
    return next((kind for magic, kind in _BY_HEAD if head.startswith(magic)), None)


def of_text(path: Path) -> str:
    """Return what a file is that `kind_of` does not know."""
    with path.open("rb") as file:
        head = file.read(_HEAD * _HEAD)
    if not head:
        return "empty"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # a character may be cut at the end
    except UnicodeDecodeError:
        return "of an unknown format"
    return "of an unknown format" if b"\0" in head else "text"


def byte_order_mark(path: Path) -> str | None:
    """Return which text encoding a byte order mark at the start tells of, UTF-8 left out."""
    with path.open("rb") as file:
        head = file.read(4)
    return next((kind for mark, kind in _MARKS if head.startswith(mark)), None)


def refuse(display: str, kind: str, due: str) -> EvidenceError:
    """Return the error about a file that is a `kind` where `due` belongs."""
    if kind == "a pickle":
        todo = "write parquet or CSV; a pickle is never loaded, because loading it executes code"
    elif kind == PARQUET:
        kind, todo = "a parquet file", "name it .parquet"
    elif kind == "text":
        todo = "name it .csv if it is CSV"
    elif "cut off" in kind or kind == "empty":
        todo = "write or copy it again"
    else:
        todo = f"write {due} there, or name the file after what it is"
    return EvidenceError(display, f"is {kind}, not {due}", todo)
