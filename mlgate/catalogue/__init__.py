"""The catalogue of checks: YAML files that give measures their meaning, found by walking a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache, partial
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeAlias

from mlgate import content, strict_yaml
from mlgate.catalogue import metric
from mlgate.catalogue.check import FRAMEWORKS, Check, build
from mlgate.catalogue.file import ID, CheckFile, schema
from mlgate.catalogue.params import complete, metrics_of
from mlgate.errors import ContentError, Problem
from mlgate.measures import Measure
from mlgate.strict_yaml import Document, Loc, did_you_mean, show

__all__ = ["FRAMEWORKS", "ID", "Check", "CheckFile", "check_params", "get", "load", "schema"]

File: TypeAlias = tuple[str, Callable[[], Document]]
"""The id that a path stands for, and how its file is read."""


LISTED = "`mlgate checks` lists them; your own need --checks DIR"


def load(extra: Sequence[Path] = ()) -> Mapping[str, Check]:
    """Return every check by id, sorted: the shipped ones and those of the folders `extra`.

    A shipped check is read when it is first looked up. Raises ContentError with every problem of every file
    of the folders at once: a catalogue that silently lacks a check would judge less than it was asked to.
    """
    shipped = _shipped()
    own: dict[str, Check] = {}
    found = _Catalogue(own, shipped)
    problems: list[Problem] = []
    for check, document in _read(file for root in extra for file in _own(root)):
        replaced = document.data.get("replaces")
        problems.extend(_taken(check, replaced, document, found, shipped))
        own[check.id] = check
    if problems:
        raise ContentError.of(problems)
    return found


class _Shipped(Mapping[str, Check]):
    """The shipped checks by id; each is read when it is first looked up, as a run uses a few of a hundred."""

    def __init__(self, files: Iterable[File]) -> None:
        self._files = dict(files)
        self._read: dict[str, Check] = {}

    def __getitem__(self, id: str) -> Check:
        if id not in self._read:
            ((check, document),) = _read([(id, self._files[id])])
            if "replaces" in document.data:
                where = document.where(("replaces",))
                raise ContentError(where, "a shipped check replaces none", "remove it")
            self._read[id] = check
        return self._read[id]

    def __contains__(self, id: object) -> bool:
        return id in self._files

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._files))

    def __len__(self) -> int:
        return len(self._files)


class _Catalogue(Mapping[str, Check]):
    """Checks of one's own over the shipped ones, sorted by id."""

    def __init__(self, own: Mapping[str, Check], shipped: Mapping[str, Check]) -> None:
        self._own, self._shipped = own, shipped

    def __getitem__(self, id: str) -> Check:
        return self._own[id] if id in self._own else self._shipped[id]

    def __contains__(self, id: object) -> bool:
        return id in self._own or id in self._shipped

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._own, *self._shipped}))

    def __len__(self) -> int:
        return len({*self._own, *self._shipped})


def get(checks: Mapping[str, Check], id: str, where: str) -> Check:
    """Return the check with this id; ContentError, naming `where` and the nearest id, when there is none."""
    check = checks.get(id)
    if check is None:
        todo = _namesake(id, checks) or did_you_mean(id, checks, LISTED)
        raise ContentError(where, f"there is no check {show(id)}", todo)
    return check


def _namesake(id: str, checks: Mapping[str, Check]) -> str | None:
    """Suggest the check that has this very name in another family, or a like one where no family is given."""
    names = {check.name: check.id for check in checks.values()}
    name = id.rpartition("/")[2].rpartition(".")[2].casefold().replace("_", "-").replace(" ", "-")
    close = [name] if name in names else [] if "/" in id else get_close_matches(name, names, n=1)
    return f"did you mean {show(names[close[0]])}?" if close else None


def check_params(
    of: Check | Measure,
    params: Mapping[str, Any],
    where: str | Callable[[Loc], str],
    checks: Mapping[str, Check] | None = None,
) -> dict[str, Any]:
    """Return the parameters of a measure: those of the check, then `params`, then the defaults.

    Names and types are held against the signature of the measure. `where` is the place that errors name,
    or a function that tells it from a location (`("params", NAME, …)`). `checks` are those that a metric
    may name; by default the shipped ones.

    Raises ContentError with every problem at once: unknown, of the wrong type, or required and missing; and
    for a metric that there is not.
    """
    measure = of.measure if isinstance(of, Check) else of
    fixed = of.params if isinstance(of, Check) else {}
    found = complete(measure, fixed, params, where)
    names = metrics_of(measure)
    if not names:
        return found
    placed = where if callable(where) else lambda _: where
    return metric.resolved(found, names, _shipped if checks is None else lambda: checks, placed)


@cache
def _shipped() -> Mapping[str, Check]:
    return _Shipped(_walk(content.folder("checks")))


def _read(files: Iterable[File]) -> list[tuple[Check, Document]]:
    """Read and build every file; ContentError with the problems of all of them."""
    read: list[tuple[Check, Document]] = []
    problems: list[Problem] = []
    for name, open_file in files:
        try:
            document = open_file()
            read.append((build(document, name), document))
        except ContentError as error:
            problems.extend(error.problems)
    if problems:
        raise ContentError.of(problems)
    return read


def _walk(root: Traversable) -> Iterator[File]:
    """Yield the shipped files, which may lie inside a zipped wheel."""
    for family in sorted(root.iterdir(), key=lambda one: one.name):
        if family.is_dir():
            for file in sorted(family.iterdir(), key=lambda one: one.name):
                name = f"{family.name}/{file.name.removesuffix('.yaml')}"
                yield name, partial(_open, file, f"checks/{family.name}/{file.name}")


def _open(file: Traversable, display: str) -> Document:
    return strict_yaml.parse(file.read_bytes(), display)


def _own(root: Path) -> Iterator[File]:
    """Yield the files of a user's folder: `<family>/<name>.yaml`, none of them a link that leads out of it.

    Raises ContentError on a YAML file in another place: it would be left out in silence.
    """
    if not root.is_dir():
        raise ContentError(str(root), "is no folder of checks", "give --checks the folder of <family>/*.yaml")
    for path in _entries(root, root):
        if not path.is_dir():
            raise _misplaced(path)
        for file in _entries(path, root):
            name = f"{path.name}/{file.stem}"
            if file.is_dir() or file.suffix != ".yaml" or not ID.fullmatch(name):
                raise _misplaced(file)
            yield name, partial(strict_yaml.read, file.resolve(), str(file))


def _entries(folder: Path, root: Path) -> Iterator[Path]:
    """Yield the folders and YAML files in a folder; other files, and hidden ones, are none of ours."""
    for path in sorted(folder.iterdir()):
        folder_or_yaml = path.is_dir() or path.suffix in (".yaml", ".yml")
        if path.name.startswith((".", "__")) or not folder_or_yaml:
            continue
        if not path.resolve().is_relative_to(root.resolve()):
            raise ContentError(
                str(path), "is a link that leads out of the folder", "put the file itself here"
            )
        yield path


def _misplaced(path: Path) -> ContentError:
    return ContentError(
        str(path), "is not where a check can be", "name it <family>/<name>.yaml, in lower case"
    )


def _taken(
    check: Check,
    replaced: str | None,
    document: Document,
    found: Mapping[str, Check],
    shipped: Mapping[str, Check],
) -> Iterator[Problem]:
    """Yield what is off about the id of a user's check among those that there are."""
    if replaced is not None and (replaced != check.id or replaced not in shipped):
        what = f"{show(replaced)} is no shipped check with the id of this one"
        yield Problem(document.where(("replaces",)), what, "remove it, or write the shipped id in both")
    other = found.get(check.id)
    if other is None or (replaced == check.id and other is shipped.get(check.id)):
        return
    todo = "choose another id"
    if other is shipped.get(check.id):
        todo = f"choose another id, or add replaces: {check.id}"
    yield Problem(document.where(("id",)), f"id {show(check.id)} is taken by {other.where}", todo)
