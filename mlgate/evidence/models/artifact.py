"""The bytes of a model: copied once into a private place, and named by one digest.

A model that is a directory is named by its manifest: each regular file's path, size and sha256, sorted. A
link, a device, or two names that some file systems cannot tell apart are errors: they would make the same
digest stand for different models.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlgate.cells import ArtifactFile
from mlgate.errors import EvidenceError
from mlgate.evidence.files.locations import Found, take

MOST_FILES = 10_000
"""Files and folders of one model."""

MOST_BYTES = 20 * 2**30
"""Of one model. It is always copied, since the process that loads it sees the copy and nothing else; a file
with holes takes little room until then."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """A private copy of a model."""

    path: Path
    """The file or directory."""
    files: tuple[ArtifactFile, ...]
    """Sorted by name."""
    sha256: str
    """Of a file, its own; of a directory, of the manifest."""


def take_model(found: Found, workdir: Path, *, leave_out: Sequence[Path] = ()) -> Taken:
    """Copy a model file or directory into a private directory of its own.

    Args:
        found: Where it is.
        workdir: A private directory that the caller removes.
        leave_out: Real paths of files that are not copied, such as the tables of the release.

    Raises:
        EvidenceError: It may not be read, holds links or devices, or is empty.
    """
    named = sorted(_regular(found)) if found.real.is_dir() else [(found.real.name, found.real)]
    skipped = {*leave_out}
    named = [(name, real) for name, real in named if real not in skipped]
    if sum(real.lstat().st_size for _, real in named) > MOST_BYTES:
        what = f"is larger than {MOST_BYTES >> 30} GiB"
        raise EvidenceError(
            found.display, what, "name a model that is smaller, or the endpoint that serves it"
        )
    home = Path(tempfile.mkdtemp(dir=workdir, prefix="artifact-"))
    target = home / (found.real.name or "model")
    if not found.real.is_dir():
        one = _copied(found, found.real.name, target, workdir)
        return Taken(path=target, files=(one,), sha256=one.sha256)
    target.mkdir()
    files = tuple(
        _copied(Found(display=f"{found.display.rstrip('/')}/{name}", real=real), name, target / name, workdir)
        for name, real in named
    )
    if not files:
        raise EvidenceError(found.display, "is a directory without files", "name the directory of the model")
    return Taken(path=target, files=files, sha256=manifest_digest(files))


def manifest_digest(files: Sequence[ArtifactFile]) -> str:
    """Return the sha256 over path, size and sha256 of each file, a line each, sorted by path."""
    lines = (f"{one.name}\0{one.bytes}\0{one.sha256}\n" for one in sorted(files, key=lambda one: one.name))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _copied(found: Found, name: str, target: Path, workdir: Path) -> ArtifactFile:
    snapshot = take(found, workdir, copy_limit=MOST_BYTES)
    target.parent.mkdir(parents=True, exist_ok=True)
    os.rename(snapshot.path, target)  # noqa: PTH104 - both are private, and one is a text
    return ArtifactFile(name=name, path=target, bytes=snapshot.bytes, sha256=snapshot.sha256)


def _regular(found: Found) -> Iterator[tuple[str, Path]]:
    """Yield every file of a directory with its path below it; anything but files and folders is an error."""
    seen: dict[str, str] = {}
    count = 0
    for folder, folders, files in os.walk(found.real, followlinks=False):
        folders[:] = [one for one in folders if one != "__pycache__"]
        for name in (*folders, *files):
            path = Path(folder) / name
            below = unicodedata.normalize("NFC", path.relative_to(found.real).as_posix())
            try:
                mode = path.lstat().st_mode
            except OSError as error:  # gone meanwhile, or of a path too long
                what = f"holds what cannot be read ({error.strerror})"
                raise EvidenceError(found.display, what, "name the directory of the model") from error
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                what = f"{below!r} is a link or no regular file, so that no digest would name the model"
                raise EvidenceError(found.display, what, "replace it by the file itself")
            other = seen.setdefault(below.casefold(), below)
            if other != below:
                what = f"{below!r} and {other!r} are one name on some file systems"
                raise EvidenceError(found.display, what, "rename one of them")
            if not below.isascii() and any("\ud800" <= one <= "\udfff" for one in below):
                raise EvidenceError(found.display, f"{below!r} is no name in UTF-8", "rename it")
            count += 1
            if count > MOST_FILES:
                raise EvidenceError(
                    found.display, f"holds more than {MOST_FILES} files", "name the directory of the model"
                )
            if stat.S_ISREG(mode):
                yield below, path
