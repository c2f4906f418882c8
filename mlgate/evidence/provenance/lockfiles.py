"""Lock files: which packages they fix, and to what. Read as data; no package tool is run.

A package is fixed by one exact version (`==1.4.2`, `===1.4.2`; conda, too: `=1.4.2`, `=1.4=build`, the
address of a file), by the address of one file with its hash, or by a full commit. `==1.4.*`, conda's `=1.4`
and `>=1.4` fix nothing.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mlgate.cells import Pin
from mlgate.errors import MlgateError
from mlgate.strict_yaml import parse as parse_yaml

KNOWN = (
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "pylock.toml",
    "Pipfile.lock",
    "conda-lock.yml",
    "conda-lock.yaml",
    "requirements.lock",
    "requirements.txt",
)
"""Names that are looked for where release.yaml names no file, the first found first."""

MAX_BYTES = 20_000_000
MAX_PINS = 20_000

_TABLES = ("uv.lock", "poetry.lock", "pdm.lock")
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_REQUIREMENT = re.compile(rf"({_NAME})\s*(\[[^\]]*\])?\s*(.*)", re.DOTALL)
_EXACT = re.compile(r"={2,3}\s*([A-Za-z0-9][A-Za-z0-9.!+_-]*)")
_HASH = re.compile(r"--hash[=\s]+(sha(?:256|384|512):[0-9a-f]+)")
_FIXED_ADDRESS = re.compile(r"#(.*&)?sha(256|384|512)=[0-9a-f]{64,}|@[0-9a-f]{40}(#|$)")
_WHEEL_VERSION = re.compile(rf"/{_NAME}-([0-9][^-/]*)-[^/]*\.whl")
_CONDA = re.compile(rf"({_NAME})\s*(?:={{1,2}}\s*([0-9][^\s=<>!|,*]*)(=\S+)?)?\s*(.*)")
_CONDA_FILE = re.compile(rf"https?://\S+/(_?{_NAME})-([^-/]+)-[^-/]+\.(?:conda|tar\.bz2)(#\S+)?")


def plain(name: str) -> str:
    """Return the name of a package as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read(name: str, content: bytes) -> tuple[str, tuple[Pin, ...]]:
    """Return the format of a lock file and its packages, sorted by name.

    Raises ValueError when it does not parse, is of no known format, or names no package.
    """
    text = content.decode("utf-8-sig")
    form, reader = _reader(name, text)
    try:
        found = tuple(sorted(reader(text), key=lambda pin: (pin.name, pin.version or "")))
    except (KeyError, TypeError, AttributeError, RecursionError, MlgateError) as error:
        raise ValueError(f"is no lock file of {form} ({type(error).__name__}: {error})") from error
    if not found:
        raise ValueError("names no package")
    if len(found) > MAX_PINS:
        raise ValueError(f"names {len(found)} packages, more than {MAX_PINS}")
    return form, found


def _reader(name: str, text: str) -> tuple[str, Callable[[str], Iterator[Pin]]]:
    base = name.rpartition("/")[2].lower()
    several = re.search(r"(?m)^\[\[package\]\]\s*$", text)
    if base in _TABLES or (base.endswith(".lock") and several):
        own = "poetry" if "content-hash" in text else "uv"
        return (base.removesuffix(".lock") if base in _TABLES else own), _toml
    if base == "pipfile.lock":
        return "pipenv", _pipenv
    if re.fullmatch(r"pylock(\.[^.]+)?\.toml", base):
        return "pylock", _pylock
    if base.endswith((".yml", ".yaml")):
        return ("conda-lock", _conda_lock) if re.search(r"(?m)^package:\s*$", text) else ("conda", _conda)
    if base.endswith((".txt", ".lock", ".in")):
        explicit = re.search(r"(?m)^@EXPLICIT\s*$", text)
        return ("conda", _explicit) if explicit else ("requirements", _requirements)
    known = ", ".join(KNOWN)
    raise ValueError(f"is of no format that is known; give one of {known}, or a conda environment")


def _requirements(text: str) -> Iterator[Pin]:
    """Read what pip reads: one requirement on a line, with options, comments and continued lines."""
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        said = re.sub(r"(^|\s)#.*$", "", line).strip()
        if not said:
            continue
        if said.startswith("-"):
            if not re.match(r"(-e|--editable|-r|--requirement|-c|--constraint)\b", said):
                continue
            yield Pin(name=said.split()[-1].rpartition("/")[2] or said, version=None, loose=said.split()[0])
            continue
        yield _requirement(said)


def _requirement(said: str) -> Pin:
    hashed = bool(_HASH.search(said))
    said = re.split(r"\s--", said)[0].strip()
    said, _, marker = said.partition(";")
    found = _REQUIREMENT.fullmatch(said.strip())
    if found is None or "://" in said.split("@")[0]:
        version = _WHEEL_VERSION.search(said)
        fixed = bool(_FIXED_ADDRESS.search(said))
        name = re.split(r"[-@#]", said.rstrip("/").rpartition("/")[2])[0]
        return Pin(
            name=plain(name) or said,
            version=version[1] if version else None,
            loose=None if fixed else "an address without a hash or a commit",
            hashed=fixed,
        )
    name, constraint = plain(found[1]), found[3].strip()
    if constraint.startswith("@"):
        version = _WHEEL_VERSION.search(constraint)
        fixed = bool(_FIXED_ADDRESS.search(constraint))
        loose = None if fixed else "an address without a hash or a commit"
        return Pin(name=name, version=version[1] if version else None, loose=loose, hashed=fixed)
    exact = _EXACT.fullmatch(constraint.strip("() "))
    return Pin(
        name=name,
        version=exact[1] if exact else None,
        loose=None if exact else constraint or "no version",
        hashed=hashed,
        conditional=bool(marker.strip()),
    )


def _toml(text: str) -> Iterator[Pin]:
    """Read uv.lock, poetry.lock and pdm.lock: tables of packages with name, version and hashes."""
    packages = tomllib.loads(text)["package"]
    several = _repeated(one["name"] for one in packages)
    for one in packages:
        source = one.get("source", {})
        if isinstance(source, Mapping) and ({"virtual", "editable"} & set(source)):
            continue
        files = [*one.get("files", ()), *one.get("wheels", ()), *([one["sdist"]] if "sdist" in one else ())]
        version = one.get("version")
        yield Pin(
            name=plain(one["name"]),
            version=version,
            loose=None if version else "no version",
            hashed=any("hash" in file for file in files),
            conditional=bool(one.get("markers") or one.get("marker") or one.get("optional"))
            or plain(one["name"]) in several,
        )


def _pylock(text: str) -> Iterator[Pin]:
    """Read pylock.toml (PEP 751)."""
    packages = tomllib.loads(text)["packages"]
    several = _repeated(one["name"] for one in packages)
    for one in packages:
        files = [*one.get("wheels", ()), *(one[key] for key in ("sdist", "archive") if key in one)]
        commit = one.get("vcs", {}).get("commit-id")
        version = one.get("version")
        yield Pin(
            name=plain(one["name"]),
            version=version,
            loose=None if version or commit or files else "no version",
            hashed=any(file.get("hashes") for file in files),
            conditional=bool(one.get("marker")) or plain(one["name"]) in several,
        )


def _pipenv(text: str) -> Iterator[Pin]:
    lock = json.loads(text)
    for name, one in lock["default"].items():
        exact = _EXACT.fullmatch(str(one.get("version", "")))
        fixed = exact is not None or re.fullmatch(r"[0-9a-f]{40}", str(one.get("ref", ""))) is not None
        yield Pin(
            name=plain(name),
            version=exact[1] if exact else None,
            loose=None if fixed else str(one.get("version") or "no version"),
            hashed=bool(one.get("hashes")),
            conditional=bool(one.get("markers")),
        )


def _conda_lock(text: str) -> Iterator[Pin]:
    packages = _yaml(text)["package"]
    several = _repeated(one["name"] for one in packages)
    for one in packages:
        version = one.get("version")
        yield Pin(
            name=plain(one["name"]),
            version=str(version) if version is not None else None,
            loose=None if version is not None else "no version",
            hashed=bool(one.get("hash")),
            conditional=plain(one["name"]) in several,
        )


def _conda(text: str) -> Iterator[Pin]:
    """Read a conda environment, whose pip section holds requirements."""
    dependencies = _yaml(text)["dependencies"]
    if not isinstance(dependencies, list):
        raise TypeError("its dependencies are no list")
    for one in dependencies:
        if isinstance(one, Mapping):
            yield from (
                _requirement(str(line)) for line in one.get("pip", ()) if not str(line).startswith("-")
            )
            continue
        said = str(one).rpartition("::")[2].strip()
        found = _CONDA.fullmatch(said)
        if found is None:
            yield Pin(name=said, version=None, loose="no version")
            continue
        exact = found[2] and (found[3] or "==" in said or found[2].count(".") > 1)
        version = found[2] if exact and not found[4].strip() else None
        loose = None if version else said[len(found[1]) :].strip() or "no version"
        yield Pin(name=plain(found[1]), version=version, loose=loose)


def _explicit(text: str) -> Iterator[Pin]:
    """Read what `conda list --explicit` prints: the address of each file."""
    for line in text.splitlines():
        found = _CONDA_FILE.fullmatch(line.strip())
        if found is not None:
            yield Pin(name=plain(found[1]), version=found[2], hashed=bool(found[3]))


def _repeated(names: Iterator[str]) -> set[str]:
    """Return the names that are there more than once: one entry for each platform or Python."""
    seen: set[str] = set()
    twice: set[str] = set()
    for name in map(plain, names):
        (twice if name in seen else seen).add(name)
    return twice


def _yaml(text: str) -> Any:
    return parse_yaml(text.encode(), "the lock file").data
