"""What ran, on what, and where the release came from."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from importlib.resources.abc import Traversable
from pathlib import Path

from mlgate import content
from mlgate.findings import EnvironmentRecord, SourceRecord, ToolRecord

GIT_SECONDS = 10

PROTOCOLS = ("ext", "fd", "file", "ftp", "ftps", "git", "http", "https", "ssh")

SAFE = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "safe.bareRepository=explicit",
    "protocol.allow=never",
    *(f"protocol.{one}.allow=never" for one in PROTOCOLS),
)
"""Settings of git against programs that a repository names; without a protocol, nothing is fetched, and
what fetches is a program that the repository chooses."""

PROGRAMS = r"^(filter\.|extensions\.partialclone$|remote\..*\.(promisor|partialclonefilter)$)"
"""Settings by which `git status` would run programs."""

PLAIN = re.compile(r"filter\.[\w.-]+")
"""A filter whose name git's own `-c` can spell."""

NO_MATCH = 1
"""What `git config` ends with when it finds nothing."""

UNMATCHED = 1
"""What `git ls-files --error-unmatch` ends with for a file that is not tracked."""


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


def source(folder: Path, release: str = "release.yaml") -> SourceRecord:
    """Return what git says of the folder of a release; all None outside a repository.

    The tree is dirty, too, when git does not know the file named `release` in the folder: its commit does
    not say what was judged then.

    Settings of the repository that would run a program (filters, hooks, file-system monitors, fetching
    what is missing, a bare repository planted in a folder) are switched off: the release is hostile input.
    """
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return SourceRecord()
    remote = _git(folder, "remote", "get-url", "origin")
    return SourceRecord(
        repository=_without_credentials(remote) if remote else None,
        commit=commit,
        dirty=_dirty(folder, release),
        ref=_git(folder, "symbolic-ref", "-q", "HEAD"),
    )


def _dirty(folder: Path, release: str) -> bool | None:
    """Tell whether tracked files differ from the commit or the release is none of them.

    None when that cannot be told safely.

    git runs the filters that a repository configures over files that look changed. They are switched off
    by name, so that a file which only its filter makes equal counts as changed. Of a repository that
    fetches what it lacks nothing is told: looking would start the program that fetches.
    """
    listed = _run(folder, "config", "--name-only", "-z", "--get-regexp", PROGRAMS)
    if listed is None or listed.returncode not in (0, NO_MATCH):
        return None
    names = listed.stdout.decode("utf-8", "replace").split("\0")
    filters = {name.rpartition(".")[0] for name in names if name}
    if not all(PLAIN.fullmatch(one) for one in filters):
        return None
    off = [f"{one}.{key}" for one in sorted(filters) for key in ("clean=", "process=", "required=false")]
    arguments = ("status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all")
    changes = _git(folder, *arguments, settings=off)
    known = _run(folder, "--literal-pathspecs", "ls-files", "--error-unmatch", "--", release)
    if known is not None and known.returncode == UNMATCHED and (folder / release).exists():
        return True
    return None if changes is None or known is None else bool(changes)


def _git(folder: Path, *arguments: str, settings: Sequence[str] = ()) -> str | None:
    done = _run(folder, *arguments, settings=settings)
    if done is None or done.returncode != 0:
        return None
    return done.stdout.decode("utf-8", "replace").strip()


def _run(
    folder: Path, *arguments: str, settings: Sequence[str] = ()
) -> subprocess.CompletedProcess[bytes] | None:
    program = shutil.which("git")
    if program is None:
        return None
    options = [part for one in (*SAFE, *settings) for part in ("-c", one)]
    command = [program, "-C", str(folder), "--no-optional-locks", *options, *arguments]
    try:
        return subprocess.run(  # noqa: S603  fixed program and arguments; the folder is no option
            command,
            capture_output=True,
            timeout=GIT_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
            env=_clean(os.environ),
        )
    except (OSError, subprocess.TimeoutExpired):
        return None


def _clean(environ: Mapping[str, str]) -> dict[str, str]:
    """Leave out what steers git from outside, such as the GIT_DIR that it sets for its own hooks.

    It would tell of another repository, or bring settings that are switched off here.
    """
    return {name: value for name, value in environ.items() if not name.upper().startswith("GIT_")}


def _without_credentials(url: str) -> str:
    """Return the address of a repository without user, password, query and fragment.

    A password may hold any character, `/`, `?` and `#` too, so all up to the last `@` goes. When that may
    have been part of a query, no more than the scheme is safe to show.
    """
    found = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", url)
    scheme = found[0] if found else ""
    before, at, address = url[len(scheme) :].rpartition("@")
    if at and ("?" in before or "#" in before):
        address = "***"
    return f"{scheme}{re.split('[?#]', address)[0]}"
