"""What is installed for an interpreter, told from its files: it is not started."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

from mlgate.cells import Installed
from mlgate.evidence.provenance.lockfiles import plain

_REQUIRED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_LICENCE = 200
"""Characters of a licence that are kept: some put the whole text there."""
_EXTRA = re.compile(r"\bextra\s*==")


@cache
def here() -> Mapping[str, Installed]:
    """Return the packages of the gate's own interpreter, by name."""
    return _named(metadata.distributions())


def of(python: Path) -> Mapping[str, Installed]:
    """Return the packages of another interpreter, found where a virtual environment or a prefix has them.

    Raises ValueError when no folder of packages lies there, or when more than one Python shares it.
    """
    prefix = python.parent.parent
    folders = sorted({*prefix.glob("lib/python3.*/site-packages"), *prefix.glob("Lib/site-packages")})
    if not folders:
        raise ValueError(f"no packages are found beside {python.name}: it is in no virtual environment")
    if len(folders) > 1:
        raise ValueError(
            f"{len(folders)} versions of Python lie beside {python.name}; name a virtual environment"
        )
    return _named(metadata.distributions(path=[str(folder) for folder in folders]))


def _named(found: Iterable[metadata.Distribution]) -> Mapping[str, Installed]:
    packages: dict[str, Installed] = {}
    for one in found:
        name = one.metadata["Name"]
        if name:
            packages.setdefault(plain(name), _installed(one))
    return packages


def _installed(one: metadata.Distribution) -> Installed:
    said = one.metadata.get_all("Classifier") or []
    words = [line for line in said if line.startswith("License ::")]
    free = _first(one, "License").strip()
    return Installed(
        version=one.version,
        requires=_requires(one),
        licence=_first(one, "License-Expression") or None,
        licence_words=(*sorted(words), *([free[:_LICENCE]] if free else [])),
    )


def _first(one: metadata.Distribution, key: str) -> str:
    return next(iter(one.metadata.get_all(key) or ()), "")


def _requires(one: metadata.Distribution) -> tuple[str, ...]:
    needed = [line for line in one.requires or () if not _EXTRA.search(line)]
    names = [match[0] for line in needed if (match := _REQUIRED.match(line))]
    return tuple(sorted({plain(name) for name in names}))
