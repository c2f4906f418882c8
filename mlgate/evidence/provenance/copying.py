"""A clean copy of a repository at one commit, with the data that a release names and git does not hold."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mlgate.cells import ArtifactFile
from mlgate.errors import EvidenceError
from mlgate.evidence.files import locations
from mlgate.evidence.files.locations import Found, Territory
from mlgate.evidence.provenance import repository

_POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\n(?:.*\n)*?oid sha256:([0-9a-f]{64})\n")
_POINTER_BYTES = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """Files of a commit in a private folder."""

    root: Path
    base: Path
    """The folder that stands for the one of release.yaml."""
    commit: str
    notes: tuple[str, ...] = ()
    """What is not as in the commit, or was left out."""


def copy_commit(territory: Territory, commit: str, into: Path) -> Copy:
    """Write the files of a commit into the private folder `into`; ValueError when that is not possible."""
    if repository.root(territory.root) != territory.root:
        raise ValueError("git has the root of the repository elsewhere than its `.git` lies")
    into.mkdir()
    left_out = repository.write_commit(territory.root, commit, into)
    base = into / territory.base.relative_to(territory.root)
    base.mkdir(parents=True, exist_ok=True)
    return Copy(root=into, base=base, commit=commit, notes=left_out)


def add_data(copy: Copy, territory: Territory, written: Iterable[str], workdir: Path) -> Iterator[str]:
    """Put the files that a release names into a copy where git does not hold them, for reading alone.

    A file that the commit holds stays as it is there; one that it holds as a pointer of Git LFS is put in its
    place when it is what the pointer names. Yields what could not be put in.
    """
    for name in dict.fromkeys(written):
        try:
            every = [one for found in territory.find_all(name, name) for one in _files(found)]
        except EvidenceError as error:
            yield f"{name}: {error.problems[0].what}"
            continue
        for one in every:
            if not one.real.is_relative_to(territory.root):
                yield f"{one.display}: lies outside the repository"
                continue
            target = copy.root / one.real.relative_to(territory.root)
            if os.path.lexists(target) and not _is_pointer_to(target, one):
                continue
            target.unlink(missing_ok=True)
            _put(one, target, workdir)


def _files(found: Found) -> Iterator[Found]:
    if not found.real.is_dir():
        yield found
        return
    for above, folders, names in os.walk(found.real):
        folders.sort()
        for name in sorted(names):
            path = Path(above) / name
            if not path.is_symlink():
                yield Found(display=f"{found.display}/{path.relative_to(found.real).as_posix()}", real=path)


def _is_pointer_to(target: Path, found: Found) -> bool:
    if target.is_symlink() or not target.is_file() or target.stat().st_size > _POINTER_BYTES:
        return False
    pointer = _POINTER.match(target.read_bytes())
    return pointer is not None and locations.digest(found, "sha256") == pointer[1].decode()


def _put(found: Found, target: Path, workdir: Path) -> None:
    snapshot = locations.take(found, workdir)
    if not snapshot.copied:
        raise ValueError(f"{found.display} is too large to copy")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(snapshot.path, target)
    target.chmod(0o444)


def remove_output(copy: Copy, output: str, model: Iterable[ArtifactFile]) -> Iterator[str]:
    """Take the model out of a copy, where it is due and under any other name, so that it has to be made.

    Yields the other names. Files of less than a hundred bytes are left: others may well be equal to them.
    """
    due = copy.base / output
    if os.path.lexists(due) and due.resolve().is_relative_to(copy.root.resolve()):
        shutil.rmtree(due) if due.is_dir() and not due.is_symlink() else due.unlink()
    least = 100
    known = {one.sha256: one for one in model if one.bytes >= least}
    sizes = {one.bytes for one in known.values()}
    for above, _, names in os.walk(copy.root):
        for name in names:
            path = Path(above) / name
            if path.is_symlink() or path.stat().st_size not in sizes:
                continue
            found = Found(display=name, real=path.resolve())
            if locations.digest(found, "sha256") in known:
                path.unlink()
                yield f"{path.relative_to(copy.root)}: is the model that is judged, and was taken out"
