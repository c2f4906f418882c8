"""From names and files to one resolved policy: finding, reading and ordering what `extends` asks for.

The files that a policy names are content from outside: a relative path must stay inside the repository of
the policy that was asked for (its nearest folder with `.git`, else its own folder), after links are
resolved. A file that is reached twice counts once, where it is first reached.
"""

from __future__ import annotations

import operator
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlgate import content, strict_yaml
from mlgate.errors import ContentError, Problem
from mlgate.findings import SourceFile
from mlgate.policy.layers import layer_of
from mlgate.policy.model import PolicyFile
from mlgate.policy.resolve import resolve
from mlgate.policy.uses import Policy
from mlgate.strict_yaml import Document, Loc, did_you_mean, show

if TYPE_CHECKING:
    from mlgate.catalogue import Check

MAX_EXTENDS = 10
"""How deep `extends` may go."""

_SHIPPED = re.compile(r"([a-z0-9]+(?:-[a-z0-9]+)*)(?:@([0-9]{1,6}))?")


def load(sources: Sequence[Path | str], checks: Mapping[str, Check]) -> Policy:
    """Load policies, merge them left to right as `extends` does, and resolve the whole.

    Args:
        sources: A `Path` is a file. Text is a file when it ends in .yaml or .yml or has a slash; else it is
            a shipped id, `baseline` or `baseline@1`.
        checks: The catalogue, as `catalogue.load` returns it.

    Raises:
        ContentError: for anything that is wrong, with file and line.
    """
    if not sources:
        raise ContentError("--policy", "no policy is given", f"give a file, or one of {', '.join(shipped())}")
    walk = _Walk()
    for source in sources:
        walk.add(_asked(source), chain=(), by="--policy")
    layers = (layer_of(read.document, read.file) for read in walk.found.values())
    *before, whole = accumulate(layers, operator.add)
    return resolve(whole, tuple(read.source for read in walk.found.values()), checks, before=before)


def shipped() -> tuple[str, ...]:
    """Return the ids of the policies that come with mlgate, sorted."""
    names = (one.name for one in content.folder("policies").iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


@dataclass(frozen=True)
class _Place:
    """Where a policy is: a shipped id, or a file inside a root."""

    display: str
    shipped: str | None = None
    version: int | None = None
    path: Path | None = None
    """Absolute, links resolved."""
    root: Path | None = None

    @property
    def name(self) -> str:
        """Return what the report calls it, which does not depend on the machine."""
        if self.path is None or self.root is None:
            return self.display
        return self.path.relative_to(self.root).as_posix()

    def read(self) -> Document:
        if self.path is not None:
            return strict_yaml.read(self.path, self.display)
        text = (content.folder("policies") / f"{self.shipped}.yaml").read_bytes()
        return strict_yaml.parse(text, self.display)


@dataclass(frozen=True)
class _Read:
    document: Document
    file: PolicyFile
    source: SourceFile


@dataclass
class _Walk:
    """The files found so far, each after those that it extends."""

    found: dict[tuple[str | None, Path | None], _Read] = field(default_factory=dict)

    def add(self, place: _Place, chain: tuple[_Place, ...], by: str) -> None:
        """Add a policy, first what it extends. `chain` leads here, `by` is the line that asks for it."""
        identity = (place.shipped, place.path)
        if identity in [(one.shipped, one.path) for one in chain]:
            names = " -> ".join(one.display for one in (*chain, place))
            raise ContentError(
                by, f"policies extend each other in a circle: {names}", "remove one of the links"
            )
        if len(chain) > MAX_EXTENDS:
            raise ContentError(by, f"extends goes deeper than {MAX_EXTENDS} files", "merge some of them")
        if identity in self.found:
            _require_version(place, self.found[identity].file, by)
            return
        document = place.read()
        file = _built(document)
        _require_version(place, file, by)
        _require_own_name(place, document, file)
        for loc, name in _extended(file):
            self.add(_extends(name, place, document.where(loc)), (*chain, place), document.where(loc))
        self.found[identity] = _Read(document, file, SourceFile(path=place.name, sha256=document.sha256))


def _extended(file: PolicyFile) -> Iterator[tuple[Loc, str]]:
    for number, name in enumerate(file.extends):
        yield ("extends", number), name


def _asked(source: Path | str) -> _Place:
    """Find what the caller names."""
    if isinstance(source, str) and not _is_path(source):
        return _shipped(source, "--policy", also=Path(source))
    path = Path(source)
    try:
        resolved = path.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise ContentError(show(str(source)), f"cannot be read ({error})", "check the path") from None
    return _Place(display=str(source), path=resolved, root=_root(resolved))


def _root(path: Path) -> Path:
    repository = (folder for folder in path.parents if os.path.lexists(folder / ".git"))
    return next(repository, path.parent)


def _is_path(text: str) -> bool:
    return "/" in text or os.sep in text or text.endswith((".yaml", ".yml"))


def _shipped(name: str, where: str, also: Path | None = None) -> _Place:
    known = shipped()
    match = _SHIPPED.fullmatch(name)
    if match is None or match[1] not in known:
        todo = did_you_mean(name.partition("@")[0], known)
        if also is not None and os.path.lexists(also):
            todo = f"for the file of that name write './{name}'"
        raise ContentError(where, f"{show(name)} is no policy that comes with mlgate", todo)
    version = None if match[2] is None else int(match[2])
    return _Place(display=f"mlgate:policies/{match[1]}.yaml", shipped=match[1], version=version)


def _extends(name: str, by: _Place, where: str) -> _Place:
    """Find what a policy extends; a path is relative to that policy and stays inside its root."""
    if not _is_path(name):
        return _shipped(name, where)
    if by.path is None or by.root is None:
        raise ContentError(where, f"{show(name)} is a path in a shipped policy", "extend shipped ids only")
    if Path(name).is_absolute():
        raise ContentError(where, f"{show(name)} is an absolute path", "give it relative to this file")
    display = os.path.normpath(Path(by.display).parent / name)
    try:
        path = (by.path.parent / name).resolve(strict=True)
    except FileNotFoundError:
        raise ContentError(where, f"{show(name)} does not exist", "give it relative to this file") from None
    except (OSError, RuntimeError, ValueError) as error:
        raise ContentError(where, f"{show(name)} cannot be read ({error})", "check the path") from None
    if not path.is_relative_to(by.root):
        raise ContentError(
            where, f"{show(name)} lies outside the repository of this policy", "copy it into the repository"
        )
    return _Place(display=display, path=path, root=by.root)


def _require_version(place: _Place, file: PolicyFile, by: str) -> None:
    if place.version is not None and place.version != file.version:
        raise ContentError(
            by,
            f"this mlgate has {place.shipped}@{file.version}, not {place.shipped}@{place.version}",
            f"read what changed and write {place.shipped}@{file.version}, or install the mlgate that has it",
        )


def _require_own_name(place: _Place, document: Document, file: PolicyFile) -> None:
    """Refuse a file that calls itself by a shipped policy's id: the report would name the wrong one."""
    if place.shipped is not None or file.policy not in shipped():
        return
    original = _Place(display="", shipped=file.policy).read()
    if original.sha256 != document.sha256:
        raise ContentError(
            document.where(("policy",)),
            f"{file.policy!r} is the id of a policy that comes with mlgate",
            "choose another id; `extends` brings in the shipped one",
        )


def _built(document: Document) -> PolicyFile:
    if isinstance(document.data, dict) and "policy" not in document.data and "task" in document.data:
        raise ContentError(
            document.display, "is a release, not a policy", "give the file that says `policy:`"
        )
    refused = [*_unsupported(document), *_empty(document, document.data, ())]
    if refused:
        raise ContentError.of(refused)
    return strict_yaml.build(document, PolicyFile)


def _unsupported(document: Document) -> Iterator[Problem]:
    """Yield what the format has and this version does not do; ignored, it would judge less than it says."""
    for loc, what in _not_yet(document.data):
        yield Problem(document.where(loc), f"{what} is not supported by mlgate 0.1", "remove it")


def _not_yet(data: Any) -> Iterator[tuple[Loc, str]]:
    if not isinstance(data, dict):
        return
    if "waivers" in data:
        yield ("waivers",), "`waivers`"
    release = data.get("release")
    if isinstance(release, dict) and release.get("champion") == "registry":
        yield ("release", "champion"), "`champion: registry`"


def _empty(document: Document, data: Any, loc: Loc) -> Iterator[Problem]:
    """Yield the keys without a value: YAML reads them as null, and nobody knows what was meant."""
    if loc[:1] == ("checks",) and loc[2:3] == ("params",) and len(loc) > 3:  # noqa: PLR2004  checks, 0, params
        return  # a parameter may be null; its own type decides
    if data is None:
        yield Problem(document.where(loc), f"{show(str(loc[-1]))} is empty", "give it a value, or remove it")
    below: Iterable[tuple[str | int, Any]] = ()
    if isinstance(data, dict):
        below = data.items()
    elif isinstance(data, list):
        below = enumerate(data)
    for step, one in below:
        yield from _empty(document, one, (*loc, step))
