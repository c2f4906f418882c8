"""What ran, on what, and where the release came from."""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from importlib.resources.abc import Traversable
from pathlib import Path

from mlgate import content
from mlgate.findings import EnvironmentRecord, SourceRecord, ToolRecord

GIT_SECONDS = 10


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


def environment() -> EnvironmentRecord:
    """Return the interpreter, the platform, and every installed package with one digest over them."""
    packages = sorted({f"{one.metadata['Name']}=={one.version}" for one in metadata.distributions()})
    listing = "\n".join(packages).encode()
    return EnvironmentRecord(
        python=platform.python_version(),
        platform=f"{sys.platform}-{platform.machine()}",
        packages_digest=f"sha256:{hashlib.sha256(listing).hexdigest()}",
        packages=tuple(packages),
        isolation=None,
    )


def source(folder: Path) -> SourceRecord:
    """Return what git says of the folder of a release; all None outside a repository.

    Settings of the repository that would run a program (hooks, file-system monitors, a bare repository
    planted in a folder) are switched off: the release is hostile input.
    """
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return SourceRecord()
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all")
    remote = _git(folder, "remote", "get-url", "origin")
    return SourceRecord(
        repository=_without_credentials(remote) if remote else None,
        commit=commit,
        dirty=None if changes is None else bool(changes),
        ref=_git(folder, "symbolic-ref", "-q", "HEAD"),
    )


def _git(folder: Path, *arguments: str) -> str | None:
    program = shutil.which("git")
    if program is None:
        return None
    safe = ["core.fsmonitor=false", "core.hooksPath=/dev/null", "safe.bareRepository=explicit"]
    settings = [part for one in safe for part in ("-c", one)]
    command = [program, "-C", str(folder), "--no-optional-locks", *settings, *arguments]
    try:
        done = subprocess.run(  # noqa: S603  fixed program and arguments; the folder is no option
            command, capture_output=True, timeout=GIT_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else None


def _without_credentials(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"
