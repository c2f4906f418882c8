"""Where the files of a release may lie, and how their bytes are taken: never through a link.

A release is written by whoever wants it approved, so its paths are hostile. A path is relative to
release.yaml and must, after all symlinks are resolved, lie inside the release's repository or under a
directory that the caller allowed. What is then opened is the resolved name, one component after the
other and none of them a link, so that a name exchanged in between is an error and not another file. The
bytes are hashed while they are copied into a private directory, and only the copy is ever read again;
files too large to copy are read through the very descriptor that was hashed, and hashed again at the end.
"""

from __future__ import annotations

import difflib
import errno
import glob
import hashlib
import os
import re
import stat
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from mlgate.errors import EvidenceError
from mlgate.evidence.files import patterns
from mlgate.strict_yaml import Document, show

COPY_LIMIT = 2 * 1024**3
"""Bytes. Files up to this size are judged from a private copy, larger ones from their open descriptor."""

MAX_FILES = 1000
"""A glob may match this many files."""

_BLOCK = 1024**2
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]*@")
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+://")
_OUT_OF_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def shown(written: str) -> str:
    """Return a path or URL as it may be printed: without credentials, control characters escaped."""
    safe = _CREDENTIALS.sub("***@", written)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in safe)


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A file that may be opened."""

    display: str
    """As release.yaml writes it, or as its glob matched."""
    real: Path
    """Absolute, every symlink resolved, inside the territory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Territory:
    """The directories in which the files of one release may lie."""

    base: Path
    """The directory of release.yaml; paths are relative to it."""
    root: Path
    """Its repository: the nearest directory above that holds `.git`, else `base`."""
    allowed: tuple[Path, ...] = ()
    """What `--allow-path` names."""
    prefix: str = ""
    """The way from the release that is judged to `base`, which stands before its paths in messages."""

    @classmethod
    def of(cls, document: Document, allow: Sequence[Path] = ()) -> Territory:
        """Return the territory of a release; all of its directories are resolved.

        The directory counts in which release.yaml was *named*: a release.yaml that is a link does not
        move the territory to where the link points.
        """
        if document.path is None:
            raise EvidenceError(document.display, "is no file, so that no path is relative to it", "save it")
        base = Path(os.path.realpath(document.path.parent))
        root = next((above for above in (base, *base.parents) if (above / ".git").exists()), base)
        return cls(base=base, root=root, allowed=tuple(Path(os.path.realpath(path)) for path in allow))

    def below(self, written: str) -> Territory:
        """Return the territory of a release that this one names: it reaches no further than this one.

        Paths are then relative to the folder in which `written` names it.
        """
        prefix = self.display(os.path.dirname(written))  # noqa: PTH120 - as it was written
        return replace(self, base=Path(os.path.realpath((self.base / written).parent)), prefix=prefix)

    def display(self, written: str) -> str:
        """Return a path of the release as messages and the report name it."""
        return shown(os.path.join(self.prefix, written))  # noqa: PTH118 - Path would drop the './' that was written

    def find(self, written: str, where: str) -> Found:
        """Return the one file that `written` names.

        Raises EvidenceError, placed at `where`, when it does not exist or lies outside.
        """
        self._refuse_what_is_no_path(written, where)
        path = self.base / written
        try:
            real = Path(os.path.realpath(path, strict=True))
        except (OSError, ValueError) as error:
            self._confine(Path(os.path.realpath(path)), written, where)
            raise EvidenceError(where, *self._absent(written, error)) from error
        self._confine(real, written, where)
        return Found(display=self.display(written), real=real)

    def find_all(self, written: str, where: str) -> tuple[Found, ...]:
        """Return the files that `written` names: one, or those that its glob matches, sorted by name.

        A file whose name holds `*`, `?` or `[` is that file and no glob. Hidden files match no glob.
        Raises EvidenceError when nothing matches, too much matches, or any match lies outside.
        """
        self._refuse_what_is_no_path(written, where)
        if not glob.has_magic(written) or os.path.lexists(self.base / written):
            return (self.find(written, where),)
        fixed, pattern = _split(written)
        if ".." in Path(pattern).parts:
            raise EvidenceError(where, f"{show(written)} goes up after a wildcard", "write it without '..'")
        self._confine(Path(os.path.realpath(self.base / fixed)), written, where)
        matches = self._matches(fixed, pattern, written, where)
        return tuple(self.find(os.path.join(fixed, match), where) for match in matches)  # noqa: PTH118 - Path would drop the './' that was written

    def _matches(self, fixed: str, pattern: str, written: str, where: str) -> list[str]:
        try:
            found = list(islice(patterns.matches(self.base / fixed, pattern), MAX_FILES + 1))
        except patterns.TooMany:
            what = f"{show(written)} looks through more than {patterns.MOST} names"
            raise EvidenceError(where, what, "name the folder of the files") from None
        if len(found) > MAX_FILES:
            raise EvidenceError(
                where, f"{show(written)} matches more than {MAX_FILES} files", "name fewer of them"
            )
        if not found:
            raise EvidenceError(where, f"{show(written)} matches no file", "correct the pattern")
        return sorted(found)

    def _confine(self, real: Path, written: str, where: str) -> None:
        if not any(real == home or home in real.parents for home in (self.root, *self.allowed)):
            raise EvidenceError(
                where,
                f"{show(written)} lies outside the repository of the release, folder {show(self.root.name)}",
                "move it inside, or allow its directory with --allow-path DIR",
            )

    def _refuse_what_is_no_path(self, written: str, where: str) -> None:
        if _SCHEME.match(written):
            raise EvidenceError(
                where,
                f"{show(written)} is a URL, and this version reads files and Ibis connections",
                "download it first, or give {table: NAME, connection: env:VARIABLE}",
            )
        if not written or "\0" in written:
            raise EvidenceError(where, f"{show(written)} is no path", "name a file")

    def _absent(self, written: str, error: Exception) -> tuple[str, str]:
        if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM):
            return f"{show(written)} may not be read", "give this process the permission to read it"
        if isinstance(error, OSError) and error.errno == errno.ELOOP:
            return f"{show(written)} is a symbolic link that leads in a circle", "mend the link"
        folder = (self.base / written).parent
        names = os.listdir(folder) if folder.is_dir() else []  # noqa: PTH208 - names are wanted, not paths
        close = difflib.get_close_matches(Path(written).name, names, n=1)
        meant = os.path.join(os.path.dirname(written), close[0]) if close else ""  # noqa: PTH118, PTH120 - as it was written
        hint = f"did you mean {show(meant)}?" if close else "paths are relative to release.yaml"
        return f"{show(written)} does not exist", hint


def _split(written: str) -> tuple[str, str]:
    """Cut a pattern into the directories before its first wildcard and the rest."""
    parts = written.split("/")
    first = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    fixed = "/".join(parts[:first])
    return ("/" if first and not fixed else fixed), "/".join(parts[first:])


@dataclass(frozen=True, kw_only=True, slots=True, weakref_slot=True)
class Snapshot:
    """The bytes of one file as they were hashed."""

    display: str
    path: str
    """What to read: the private copy, or the open descriptor by name."""
    sha256: str
    bytes: int
    copied: bool
    descriptor: int | None = None
    _changed: tuple[int, int] = field(default=(0, 0), repr=False)
    """Modification time in ns and size at the time of hashing."""

    def verify_unchanged(self) -> None:
        """Raise EvidenceError when the file was written to since it was hashed; a copy cannot be.

        Reads the whole file again. To be called after everything was measured.
        """
        if self.descriptor is None:
            return
        now = os.fstat(self.descriptor)
        if (now.st_mtime_ns, now.st_size) != self._changed or _hash(self.descriptor)[0] != self.sha256:
            raise EvidenceError(
                self.display, "was changed while it was judged", "run again when nothing writes to it"
            )


def take(found: Found, workdir: Path, *, copy_limit: int = COPY_LIMIT) -> Snapshot:
    """Open a file without following links, hash its bytes and keep them; see the module.

    Args:
        found: What to take.
        workdir: A private directory (mode 0700) for the copy.
        copy_limit: Bytes; a larger file is not copied.

    Raises:
        EvidenceError: It is no regular file, may not be read, or was exchanged since it was found.
    """
    descriptor = _open(found)
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            todo = f"name its files, as in '{found.display.rstrip('/')}/*.parquet'"
            raise EvidenceError(found.display, "is a directory", todo)
        if not stat.S_ISREG(status.st_mode):
            raise EvidenceError(found.display, "is no regular file", "name a file of data")
        if status.st_size > copy_limit:
            return _keep_open(found, os.dup(descriptor), status)
        return _copy(found, descriptor, workdir, copy_limit)
    except OSError as error:
        raise _failed(found.display, error) from error
    finally:
        os.close(descriptor)


def read_bytes(
    written: str, document: Document, *, where: str, allow: Sequence[Path] = (), limit: int
) -> bytes:
    """Return the bytes of a small file that a release names, opened as tables are.

    Raises EvidenceError when it does not exist, lies outside, is no regular file, or is larger than
    `limit` bytes.
    """
    return read_found(Territory.of(document, allow).find(written, where), limit)


def read_found(found: Found, limit: int) -> bytes:
    """Return the bytes of a small file, as `read_bytes` does."""
    descriptor = _open(found)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise EvidenceError(found.display, "is no regular file", "name a file")
        content = b"".join(_blocks(descriptor, limit + 1))
    except OSError as error:
        raise _failed(found.display, error) from error
    finally:
        os.close(descriptor)
    if len(content) > limit:
        raise EvidenceError(found.display, f"is larger than {limit} bytes", "shorten it")
    return content


def digest(found: Found, algorithm: str) -> str:
    """Return the digest of a file's bytes, read once; EvidenceError when it is no regular file.

    `md5` is here for what others have written with it, and guards nothing.
    """
    hashed = hashlib.new(algorithm, usedforsecurity=algorithm != "md5")
    descriptor = _open(found)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise EvidenceError(found.display, "is no regular file", "name a file")
        for block in _blocks(descriptor, 2**63):
            hashed.update(block)
    except OSError as error:
        raise _failed(found.display, error) from error
    finally:
        os.close(descriptor)
    return hashed.hexdigest()


def private_file(workdir: Path, suffix: str) -> Path:
    """Create an empty file in `workdir` that only this user can open."""
    descriptor, name = tempfile.mkstemp(dir=workdir, prefix="evidence-", suffix=suffix)
    os.close(descriptor)
    return Path(name)


def _open(found: Found) -> int:
    """Open a resolved path component by component, none of them a link, and never wait on a pipe."""
    through = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)
    last = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    directory = os.open(found.real.anchor, through)
    try:
        for part in found.real.parts[1:-1]:
            below = os.open(part, through, dir_fd=directory)
            os.close(directory)
            directory = below
        return os.open(found.real.name or ".", last, dir_fd=directory)
    except OSError as error:
        raise _failed(found.display, error) from error
    finally:
        os.close(directory)


def _failed(display: str, error: OSError) -> EvidenceError:
    if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.ENOENT):
        return EvidenceError(display, "was exchanged while it was being opened", "run again")
    if error.errno in (errno.EACCES, errno.EPERM):
        return EvidenceError(display, "may not be read", "give this process the permission to read it")
    if error.errno in _OUT_OF_ROOM:
        return EvidenceError(
            display, "does not fit into the temporary directory", "free some space or set TMPDIR"
        )
    return EvidenceError(display, f"cannot be read ({error.strerror})", "see whether the disk is well")


def _blocks(descriptor: int, limit: int) -> Iterator[bytes]:
    """Yield the content from the start, at most `limit` bytes, without moving the descriptor."""
    offset = 0
    while offset < limit and (block := os.pread(descriptor, min(_BLOCK, limit - offset), offset)):
        yield block
        offset += len(block)


def _hash(descriptor: int) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    for block in _blocks(descriptor, 2**63):
        digest.update(block)
        size += len(block)
    return digest.hexdigest(), size


def _copy(found: Found, descriptor: int, workdir: Path, copy_limit: int) -> Snapshot:
    digest, size = hashlib.sha256(), 0
    path = private_file(workdir, ".copy")
    with path.open("wb") as copy:
        for block in _blocks(descriptor, copy_limit + 1):
            digest.update(block)
            copy.write(block)
            size += len(block)
    if size > copy_limit:
        raise EvidenceError(found.display, "grew while it was read", "run again when nothing writes to it")
    return Snapshot(display=found.display, path=str(path), sha256=digest.hexdigest(), bytes=size, copied=True)


def _keep_open(found: Found, descriptor: int, status: os.stat_result) -> Snapshot:
    digest, size = _hash(descriptor)
    folder = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"  # noqa: PTH112 - no Path is made of it
    snapshot = Snapshot(
        display=found.display,
        path=f"{folder}/{descriptor}",
        sha256=digest,
        bytes=size,
        copied=False,
        descriptor=descriptor,
        _changed=(status.st_mtime_ns, status.st_size),
    )
    weakref.finalize(snapshot, os.close, descriptor)
    return snapshot
