"""Files that a pattern matches, found in bounded time however the folders below are linked.

`*`, `?` and `[...]` match within one name, `**` any number of folders. Hidden names match only what starts
with a dot itself. `**` enters no symbolic link; `*` does, as a shell has it, and a few links to their own
folder then make more paths than anybody can walk. So what is looked at is counted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatchcase
from glob import has_magic
from pathlib import Path

MOST = 200_000
"""Names that are looked at before a search is given up."""


class TooMany(Exception):
    """The search was given up."""


def matches(folder: Path, pattern: str, *, most: int = MOST) -> Iterator[str]:
    """Yield every path below `folder` that matches, relative to it, each once and in no order.

    Folders that cannot be listed hold no match. Raises TooMany after `most` names.
    """
    parts = tuple(part for part in pattern.split("/") if part not in ("", "."))
    todo, seen, found = [("", 0)], set[tuple[str, int]](), set[str]()
    looked = 0
    while todo:
        prefix, at = todo.pop()
        looked += 1
        for name, enters, ends in _steps(folder, prefix, parts, at):
            looked += 1
            if looked > most:
                raise TooMany
            path = prefix + name
            if ends and path not in found:
                found.add(path)
                yield path
            step = (f"{path}/" if name else prefix, enters)
            if 0 <= enters < len(parts) and step not in seen:
                seen.add(step)
                todo.append(step)


def _steps(folder: Path, prefix: str, parts: tuple[str, ...], at: int) -> Iterator[tuple[str, int, bool]]:
    """Yield each name under `prefix`, the part to go on with inside it (-1: none), and whether it matches."""
    part, last = parts[at], at == len(parts) - 1
    here = folder / prefix
    if part == "**" and not last:
        yield "", at + 1, False
    if part != "**" and not has_magic(part):
        if os.path.lexists(here / part):
            yield part, at + 1, last
        return
    with suppress(OSError), os.scandir(here) as entries:
        for entry in entries:
            hidden = entry.name.startswith(".")
            if part == "**":
                enters = not hidden and entry.is_dir(follow_symlinks=False)
                yield entry.name, at if enters else -1, last and not hidden
            elif fnmatchcase(entry.name, part) and (not hidden or part.startswith(".")):
                yield entry.name, at + 1 if not last and entry.is_dir() else -1, last
            else:
                yield entry.name, -1, False
