"""What ran, and on what."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from importlib.resources.abc import Traversable
from pathlib import Path

from mlgate import content
from mlgate.findings import EnvironmentRecord, ToolRecord


def moment(when: datetime) -> str:
    """Return a time as every report writes it: `2026-11-21T09:00:00Z`."""
    return when.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@cache
def tool() -> ToolRecord:
    """Return the version of mlgate and one digest over its code and content, as installed."""
    digest = hashlib.sha256()
    package = Path(__file__).resolve().parents[1]
    for name, data in sorted(_python_files(package)):
        digest.update(f"{name}\0{hashlib.sha256(data).hexdigest()}\n".encode())
    for room in ("checks", "policies", "reports"):
        for name, data in sorted(_content_files(content.folder(room), room)):
            digest.update(f"{name}\0{hashlib.sha256(data).hexdigest()}\n".encode())
    return ToolRecord(version=metadata.version("mlgate"), digest=f"sha256:{digest.hexdigest()}")


def _python_files(package: Path) -> Iterable[tuple[str, bytes]]:
    for path in package.rglob("*.py"):
        yield path.relative_to(package).as_posix(), path.read_bytes()


def _content_files(folder: Traversable, prefix: str) -> Iterable[tuple[str, bytes]]:
    for entry in folder.iterdir():
        name = f"{prefix}/{entry.name}"
        if entry.is_dir():
            yield from _content_files(entry, name)
        else:
            yield name, entry.read_bytes()


@cache
def environment() -> EnvironmentRecord:
    """Return the interpreter, the platform, and every installed package with one digest over them.

    As this process found them: read once, because each package's own file has to be parsed for its name.
    """
    facts = (one.metadata for one in metadata.distributions())
    packages = sorted({f"{one['Name']}=={one['Version']}" for one in facts})
    listing = "\n".join(packages).encode()
    return EnvironmentRecord(
        python=platform.python_version(),
        platform=f"{sys.platform}-{platform.machine()}",
        packages_digest=f"sha256:{hashlib.sha256(listing).hexdigest()}",
        packages=tuple(packages),
        isolation=None,
    )
