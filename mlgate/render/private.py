"""Examples with rows of the data: files beside the report, for whoever may see the data, and for nobody else.

They are never part of a report, whose readers may be anybody. The folder holds a `.gitignore` of its own.
"""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from mlgate.errors import EvidenceError

if TYPE_CHECKING:
    from mlgate.estimates import PrivateExample

NAME = "private"

MOST_ROWS = 50

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would take for a formula."""


def clear(folder: Path) -> None:
    """Remove the examples of an earlier run; a link is not followed. EvidenceError when one stays."""
    place = folder / NAME
    try:
        if place.is_symlink():
            place.unlink()
        elif place.is_dir() and os.path.lexists(place / ".gitignore"):
            shutil.rmtree(place)
    except OSError as error:
        what = f"cannot be removed ({error.strerror})"
        raise EvidenceError(str(place), what, "name another folder with --out") from error


def write(examples: Sequence[tuple[str, PrivateExample]], folder: Path) -> list[Path]:
    """Write each example as a CSV file named after its finding, readable by this user alone; return them.

    Raises EvidenceError when one cannot be written.
    """
    if not examples:
        return []
    place = folder / NAME
    found: list[Path] = []
    try:
        place.mkdir(mode=0o700)
        _create(place / ".gitignore", "*\n")
        for finding, example in examples:
            path = _free(place, _UNSAFE.sub("-", finding).strip("-.") or "finding")
            _create(path, _csv(example))
            found.append(path)
    except FileExistsError as error:
        # A checkout can hold such a folder, with links in it that lead anywhere.
        what = "is there already, and not from a run of mlgate"
        raise EvidenceError(str(place), what, "remove it, or name another folder with --out") from error
    except OSError as error:
        what = f"cannot be written ({error.strerror})"
        raise EvidenceError(str(place), what, "name another folder with --out") from error
    return found


def _free(place: Path, name: str) -> Path:
    names = (f"{name[:150]}{'' if number == 1 else f'-{number}'}.csv" for number in count(1))
    return next(place / one for one in names if not os.path.lexists(place / one))


def _create(path: Path, text: str) -> None:
    """Write a file that is not there yet; through no link."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="") as file:
        file.write(text)


def _csv(example: PrivateExample) -> str:
    out = io.StringIO()
    out.write(f"# {' '.join(example.title.split())}\n")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(map(_cell, example.rows))
    for row in list(zip(*example.rows.values(), strict=True))[:MOST_ROWS]:
        writer.writerow(map(_cell, row))
    return out.getvalue()


def _cell(value: object) -> object:
    """Return a value as it is written; a text that a spreadsheet would run gets an apostrophe before it."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value
