"""Remove what a program left behind, which may be shaped to trip whoever removes it."""

from __future__ import annotations

import contextlib
import os
from itertools import count
from pathlib import Path


def clear(folder: Path) -> None:
    """Remove a folder and all below it, however deep, and follow no link. Its programs must have ended.

    The usual way goes down a tree by recursion, so folders within folders some thousand deep end it. Here
    what lies two levels down is moved up until there is nothing to move.
    """
    names = (f".cleared-{number}" for number in count())
    with contextlib.suppress(FileNotFoundError):
        folder.chmod(0o700)
        while inner := _folders(folder):
            for one in inner:
                one.chmod(0o700)
                for deeper in _folders(one):
                    deeper.chmod(0o700)
                    deeper.rename(next(name for each in names if not (name := folder / each).exists()))
                one.rmdir()
        folder.rmdir()


def _folders(folder: Path) -> list[Path]:
    """Remove what is no folder, and return the folders."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                found.append(Path(entry.path))
            else:
                Path(entry.path).unlink()
    return found
