"""The streams of bytes in a file, decompressed and unpacked by what they begin with, whatever they are named.

Bounded: a bomb ends as a stream that was not read, never as a full memory. Nothing is written but temporary
files without a name, for archives inside what is compressed.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

HEAD = 512
"""Bytes that say what a stream is; tar says it near the end of these."""

MAX_DEPTH = 6
"""Archives inside archives."""

MAX_MEMBERS = 100_000

MAX_NAME = 200
"""Characters of a member's name that are repeated."""

BLOCK = 2**20

_TAR_AT, _ZLIB_CHECK = 257, 31
_UTF8_NAMES, _ENCRYPTED = 0x800, 0x1


class TooMuch(Exception):
    """More bytes come out than anything honest holds."""


@dataclass(kw_only=True, slots=True)
class Allowance:
    """How many bytes may be read in all, and are left."""

    size: int
    """Bytes of the file on disk."""
    ratio: int = 300
    """Bytes out for a byte in. Trees with many equal numbers reach some 50."""
    free: int = 512 * 2**20
    """Bytes up to which the ratio does not matter."""
    total: int = 32 * 2**30
    """Bytes at which it ends in any case."""
    passes: int = 4
    """How often each byte may be looked at."""
    used: int = field(default=0, init=False)

    def take(self, amount: int) -> None:
        """Count bytes; TooMuch when there are none left."""
        self.used += amount
        if self.used > self.passes * min(self.total, max(self.free, self.ratio * self.size)):
            raise TooMuch("it expands to more than an honest file does, as a decompression bomb would")


@dataclass(frozen=True, kw_only=True, slots=True)
class Stream:
    """Bytes that are neither compressed nor an archive, and can be read again."""

    name: str
    """`model.pt: archive/data.pkl`, `model.joblib (gzip)`"""
    opened: Callable[[], IO[bytes]]
    """From the start, each time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unread:
    """Bytes that could not be looked into."""

    name: str
    reason: str


def streams(path: Path, name: str) -> Iterator[Stream | Unread]:
    """Yield what is in a file: itself, or what it is made of, down to `MAX_DEPTH`."""
    allowance = Allowance(size=path.stat().st_size)

    def opened() -> IO[bytes]:
        return _bounded(path.open("rb"), allowance)

    yield from _within(Stream(name=name, opened=opened), allowance, MAX_DEPTH)


def blocks(stream: Stream, *, overlap: int) -> Iterator[tuple[int, bytes]]:
    """Yield the bytes with their offset; each block begins with the last `overlap` bytes of the one before.

    Raises what `reading` names.
    """
    with closing(stream.opened()) as source:
        offset, kept = 0, b""
        while more := source.read(BLOCK):
            block = kept + more
            yield offset, block
            kept = block[-overlap:]
            offset += len(block) - len(kept)


READING = (
    OSError,
    EOFError,
    ValueError,
    TooMuch,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    tarfile.TarError,
    RuntimeError,
    MemoryError,
)
"""What damaged, encrypted or hostile bytes may raise while they are read."""


def said(error: BaseException) -> str:
    """Say in a line why bytes could not be read; no text of theirs is longer than a line."""
    text = " ".join(str(error).split())[:MAX_NAME]
    return (
        text
        if isinstance(error, TooMuch)
        else f"{type(error).__name__}: {text}"
        if text
        else type(error).__name__
    )


def _within(stream: Stream, allowance: Allowance, depth: int) -> Iterator[Stream | Unread]:
    try:
        with closing(stream.opened()) as source:
            head = source.read(HEAD)
    except READING as error:
        yield Unread(name=stream.name, reason=said(error))
        return
    kind = _kind(head)
    if kind is None:
        yield stream
        if not head.startswith(b"PK") and _hides_zip(stream):
            yield from _deeper(stream, "zip", allowance, depth)
        return
    yield from _deeper(stream, kind, allowance, depth)


def _deeper(stream: Stream, kind: str, allowance: Allowance, depth: int) -> Iterator[Stream | Unread]:
    if depth == 0:
        yield Unread(name=stream.name, reason=f"archives lie more than {MAX_DEPTH} deep in each other")
    elif kind in ("zip", "tar"):
        yield from _members(stream, kind, allowance, depth)
    elif kind in _DECOMPRESSORS:
        decompressor = _DECOMPRESSORS[kind]

        def opened() -> IO[bytes]:
            return _bounded(decompressor(stream.opened()), allowance)

        yield from _within(Stream(name=f"{stream.name} ({kind})", opened=opened), allowance, depth - 1)
    else:
        yield Unread(name=stream.name, reason=f"is {kind}, which is not decompressed here")


def _kind(head: bytes) -> str | None:
    """Return how bytes are packed; None when they are not."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[:1] == b"\x78" and len(head) > 1 and int.from_bytes(head[:2], "big") % _ZLIB_CHECK == 0:
        return "zlib"
    if head[_TAR_AT : _TAR_AT + 5] == b"ustar":
        return "tar"
    return None


def _hides_zip(stream: Stream) -> bool:
    """Whether an archive hangs behind other bytes: a zip is found from its end."""
    try:
        with closing(stream.opened()) as source:
            return source.seekable() and zipfile.is_zipfile(source)
    except READING:
        return False


@contextmanager
def _seekable(stream: Stream) -> Iterator[IO[bytes]]:
    with closing(stream.opened()) as source:
        if source.seekable():
            yield source
            return
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(source, copy, BLOCK)
            copy.seek(0)
            yield copy


def _members(stream: Stream, kind: str, allowance: Allowance, depth: int) -> Iterator[Stream | Unread]:
    try:
        with _seekable(stream) as source:
            if kind == "zip":
                yield from _of_zip(source, stream.name, allowance, depth)
            else:
                yield from _of_tar(source, stream.name, allowance, depth)
    except READING as error:
        yield Unread(name=stream.name, reason=f"is a {kind} archive that cannot be read ({said(error)})")


def _of_zip(source: IO[bytes], name: str, allowance: Allowance, depth: int) -> Iterator[Stream | Unread]:
    """Yield every entry, two of one name both: which of them a loader takes is its own affair."""
    with zipfile.ZipFile(source) as archive:
        entries = archive.infolist()
        if len(entries) > MAX_MEMBERS:
            yield Unread(name=name, reason=f"holds more than {MAX_MEMBERS} members")
            return
        for entry in entries:
            called = f"{name}: {_shown(entry.filename)}"
            if entry.is_dir() and entry.file_size == 0:
                continue
            if entry.flag_bits & _ENCRYPTED:
                yield Unread(name=called, reason="is encrypted")
                continue

            def opened(entry: zipfile.ZipInfo = entry) -> IO[bytes]:
                return _bounded(archive.open(entry), allowance)

            yield from _within(Stream(name=called, opened=opened), allowance, depth - 1)


def _of_tar(source: IO[bytes], name: str, allowance: Allowance, depth: int) -> Iterator[Stream | Unread]:
    with tarfile.open(fileobj=source, mode="r:") as archive:
        for number, entry in enumerate(archive):
            called = f"{name}: {_shown(entry.name)}"
            if number >= MAX_MEMBERS:
                yield Unread(name=name, reason=f"holds more than {MAX_MEMBERS} members")
                return
            if not entry.isfile():
                if not entry.isdir():
                    yield Unread(name=called, reason="is no plain file")
                continue

            def opened(entry: tarfile.TarInfo = entry) -> IO[bytes]:
                found = archive.extractfile(entry)
                if found is None:
                    raise tarfile.TarError("is no file")
                return _bounded(found, allowance)

            yield from _within(Stream(name=called, opened=opened), allowance, depth - 1)


def _shown(name: str) -> str:
    printable = "".join(letter if letter.isprintable() else "?" for letter in name)
    return printable if len(printable) <= MAX_NAME else f"{printable[:MAX_NAME]}…"


class _Counted(io.RawIOBase):
    """Reads another stream and counts what comes out of it."""

    def __init__(self, source: IO[bytes], allowance: Allowance, *, seeks: bool) -> None:
        super().__init__()
        self._source, self._allowance, self._seeks = source, allowance, seeks

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._seeks

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._source.seek(offset, whence)

    def tell(self) -> int:
        return self._source.tell()

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        found = self._source.read(len(view))
        self._allowance.take(len(found))
        view[: len(found)] = found
        return len(found)

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


def _bounded(source: IO[bytes], allowance: Allowance) -> IO[bytes]:
    """Count what is read. Only files are read out of order: seeking back in what is compressed is dear."""
    plain = isinstance(source, io.BufferedReader) and isinstance(source.raw, io.FileIO)
    return cast("IO[bytes]", io.BufferedReader(_Counted(source, allowance, seeks=plain), BLOCK))


class _Zlib(io.RawIOBase):
    """Decompresses zlib streams, one after the other."""

    def __init__(self, source: IO[bytes]) -> None:
        super().__init__()
        self._source, self._decompressor = source, zlib.decompressobj()
        self._pending = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        while True:
            if self._decompressor.eof:
                self._pending = self._decompressor.unused_data or self._source.read(BLOCK)
                if not self._pending:
                    return 0
                self._decompressor = zlib.decompressobj()
            found = self._decompressor.decompress(self._pending, len(view))
            self._pending = self._decompressor.unconsumed_tail
            if found:
                view[: len(found)] = found
                return len(found)
            if not self._pending and not self._decompressor.eof:
                self._pending = self._source.read(BLOCK)
                if not self._pending:
                    raise EOFError("the zlib stream is cut off")

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


def _lz4(source: IO[bytes]) -> IO[bytes]:
    if find_spec("lz4") is None:
        raise ValueError("is lz4, and the package lz4 that decompresses it is not installed")
    from lz4 import frame

    return cast("IO[bytes]", frame.open(source))


_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PK\x07\x08", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x5d\x00", "lzma"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x28\xb5\x2f\xfd", "zstandard"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!", "rar"),
    (b"ZF0x", "joblib's format of before 0.10"),
    (b"\x1f\x9d", "compress (.Z)"),
)
_DECOMPRESSORS: dict[str, Callable[[IO[bytes]], Any]] = {
    "zlib": lambda source: io.BufferedReader(_Zlib(source)),
    "gzip": lambda source: gzip.GzipFile(fileobj=source),
    "bz2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
    "lzma": partial(lzma.LZMAFile, format=lzma.FORMAT_ALONE),
    "lz4": _lz4,
}
