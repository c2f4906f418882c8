"""Reports on disk: earlier ones go before a run, new ones come whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mlgate.errors import EvidenceError, Problem
from mlgate.findings import SCHEMA, Report
from mlgate.render import private, record

_TODO = "name another folder with --out"


def _html(report: Report, written: bytes) -> bytes:
    from mlgate.render.html import to_html

    return to_html(report, digest=record.digest(written)).encode("utf-8", "replace")


FORMATS: Mapping[str, Callable[[Report, bytes], bytes]] = {
    "html": _html,
    "json": lambda _, written: written,
}
"""What is written, by name: each renders a report, of which it is given the record's bytes too."""


def prepare(folder: Path) -> Path:
    """Make the folder, and remove the reports of an earlier run from it.

    A run that breaks off must not leave an old approval behind. Only files that a run writes are
    removed; one that is a link is removed, not followed.

    The reports of a run over several releases lie one folder below, and go too.

    Raises EvidenceError when the folder is a link or lies behind one below the current directory (a
    checkout can hold one that leads anywhere), cannot be made, or an old report cannot be removed.
    """
    try:
        if (link := _link(folder)) is not None:
            todo = "name the folder that it leads to, if that is meant"
            raise EvidenceError(str(link), "is a link", todo)
        folder.mkdir(parents=True, exist_ok=True)
        below = [one for one in folder.iterdir() if not one.is_symlink() and one.is_dir() and _ours(one)]
    except OSError as error:
        raise EvidenceError(str(folder), f"cannot be written to ({error.strerror})", _TODO) from error
    files = [place / f"report.{name}" for place in (folder, *below) for name in FORMATS]
    problems = [*filter(None, map(_removed, files))]
    if problems:
        raise EvidenceError.of(problems)
    for place in (folder, *below):
        private.clear(place)
    return folder


def _link(folder: Path) -> Path | None:
    """Return the folder, or the part of its path below the current directory, that is a link.

    Links above and elsewhere are the machine's own, as /tmp is on some.
    """
    if folder.is_symlink():
        return folder
    here = Path.cwd().resolve()
    if here == Path(here.anchor):
        return None
    # Each part is found where its parent really is: `..` and other names of the directory hide no link.
    for part in (Path.cwd() / folder).parents:
        home = part.parent.resolve()
        if part.is_symlink() and (home == here or here in home.parents):
            return part
    return None


def _ours(folder: Path) -> bool:
    """Whether a folder below holds a report of one of several releases, and not files of the user's."""
    path = folder / "report.json"
    try:
        if path.is_symlink() or not path.is_file():
            return False
        with path.open("rb") as file:
            return SCHEMA.encode() in file.read(200)
    except OSError:
        return False


def _removed(path: Path) -> Problem | None:
    """Remove a report; one that stays is told, and keeps no other from being removed."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        return Problem(str(path), f"cannot be written to ({error.strerror})", _TODO)
    return None


def write(report: Report, folder: Path, formats: Sequence[str] = ("json", "html")) -> dict[str, Path]:
    """Write a report in each format: all of them, or none; the record comes into place last.

    The record, `json`, is always written: other formats only show it.

    So a `report.json` that says approved is never the remainder of a run that failed to show it.

    Returns the files by format. Raises EvidenceError when one cannot be written, and ValueError when
    the report holds a number that is not finite.
    """
    written = record.to_json(report)
    made = {name: FORMATS[name](report, written) for name in sorted({*formats, "json"}, key=_last)}
    found = {name: folder / f"report.{name}" for name in made}
    staged: dict[Path, Path] = {}
    try:
        for name, path in found.items():
            staged[path] = _staged(path, made[name])
        for path, whole in staged.items():
            _put(whole, path)
    except BaseException:
        for whole in staged.values():
            whole.unlink(missing_ok=True)
        raise
    return found


def _last(name: str) -> tuple[bool, str]:
    return name == "json", name


def _staged(path: Path, data: bytes) -> Path:
    """Write `data` into a new file beside `path`, so that nobody reads half a report."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(name).chmod(0o644)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _unwritable(path, error) from error
    return Path(name)


def _put(whole: Path, path: Path) -> None:
    """Put a file in place in one step; a link of that name is replaced, not followed."""
    try:
        whole.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> EvidenceError:
    return EvidenceError(str(path), f"cannot be written ({error.strerror})", _TODO)
