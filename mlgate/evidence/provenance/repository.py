"""What git says of the folder of a release, and the files of a commit, without running what git would run.

A repository is hostile input. Its settings name programs (filters, hooks, monitors, what fetches); all of
them are switched off, and a commit is written out by reading its objects, never by checking it out.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlgate.findings import SourceRecord

GIT_SECONDS = 10

MAX_FILES = 100_000
MAX_BYTES = 4 * 1024**3
"""A commit with more is not written out."""

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

COMMIT = re.compile(r"[0-9a-f]{7,64}")
"""A commit, in full or cut; what begins with `-` would be an option."""

NO_MATCH = 1
"""What `git config` ends with when it finds nothing."""

UNMATCHED = 1
"""What `git ls-files --error-unmatch` ends with for a file that is not tracked."""

_LINK, _SUBMODULE, _PROGRAM = "120000", "160000", "100755"


def source(folder: Path, release: str = "release.yaml") -> SourceRecord:
    """Return what git says of the folder of a release; all None outside a repository.

    The tree is dirty, too, when git does not know the file named `release` in the folder: its commit does
    not say what was judged then.
    """
    commit = head(folder)
    if commit is None:
        return SourceRecord()
    remote = _git(folder, "remote", "get-url", "origin")
    changes = changed(folder)
    known = is_tracked(folder, release)
    unknown = known is False and (folder / release).exists()
    dirty = True if unknown else None if changes is None or known is None else bool(changes)
    return SourceRecord(
        repository=_without_credentials(remote) if remote else None,
        commit=commit,
        dirty=dirty,
        ref=_git(folder, "symbolic-ref", "-q", "HEAD"),
    )


def head(folder: Path) -> str | None:
    """Return the commit that is checked out; None outside a repository and before its first commit."""
    return _git(folder, "rev-parse", "-q", "--verify", "HEAD")


def root(folder: Path) -> Path | None:
    """Return the folder of the work tree that a folder lies in; None outside one."""
    found = _git(folder, "rev-parse", "--show-toplevel")
    return Path(os.path.realpath(found)) if found else None


def resolved(folder: Path, commit: str) -> str | None:
    """Return the full name of a commit that a repository holds; None when it does not."""
    if not COMMIT.fullmatch(commit):
        return None
    return _git(folder, "rev-parse", "-q", "--verify", f"{commit}^{{commit}}")


def is_ancestor(folder: Path, earlier: str, later: str) -> bool:
    """Whether one commit lies in the history of another, or is it."""
    done = _run(folder, "merge-base", "--is-ancestor", earlier, later)
    return done is not None and done.returncode == 0


def differing(folder: Path, earlier: str, later: str) -> tuple[str, ...] | None:
    """Return the paths, from the root, whose content differs between two commits; None when git fails."""
    arguments = ("diff-tree", "-r", "-z", "--name-only", "--no-renames", "--no-ext-diff", earlier, later)
    done = _run(folder, *arguments)
    return None if done is None or done.returncode else tuple(_names(done.stdout))


def is_tracked(folder: Path, name: str) -> bool | None:
    """Whether git knows a file, whose name is no pattern; None when git fails."""
    done = _run(folder, "--literal-pathspecs", "ls-files", "--error-unmatch", "--", name)
    return None if done is None else done.returncode != UNMATCHED


def changed(folder: Path) -> tuple[str, ...] | None:
    """Return the tracked paths, from the root, that differ from the commit; None when it is not safe to ask.

    git runs the filters that a repository configures over files that look changed. They are switched off
    by name, so that a file which only its filter makes equal counts as changed. Of a repository that
    fetches what it lacks nothing is told: looking would start the program that fetches.
    """
    names = _programs(folder)
    if names is None:
        return None
    filters = {name.rpartition(".")[0] for name in names}
    if not all(PLAIN.fullmatch(one) for one in filters):
        return None
    off = [f"{one}.{key}" for one in sorted(filters) for key in ("clean=", "process=", "required=false")]
    arguments = ("--porcelain", "-z", "--no-renames", "--untracked-files=no", "--ignore-submodules=all")
    done = _run(folder, "status", *arguments, settings=off)
    return None if done is None or done.returncode else tuple(one[3:] for one in _names(done.stdout))


def fetches(folder: Path) -> bool:
    """Whether a repository may lack objects that git would fetch, or git does not say."""
    names = _programs(folder)
    return names is None or any(not one.startswith("filter.") for one in names)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A file of a commit."""

    path: str
    mode: str
    object: str
    bytes: int


def write_commit(folder: Path, commit: str, into: Path) -> tuple[str, ...]:
    """Write the files of a commit into an empty folder, and return what was left out, each with why.

    The bytes are those of the objects: no filter, no change of line ends, no hook. Links that lead out of
    the folder, and submodules, are left out. Raises ValueError when the commit cannot be read, fetches what
    it lacks, or is too large.
    """
    if fetches(folder):
        raise ValueError("the repository is a partial clone, of which git would fetch what is missing")
    entries = list(_entries(folder, commit))
    total = sum(one.bytes for one in entries)
    if len(entries) > MAX_FILES or total > MAX_BYTES:
        raise ValueError(
            f"commit {commit[:12]} holds {len(entries)} files of {total} bytes, too many to copy"
        )
    left_out = []
    wanted = []
    for one in entries:
        why = _unwritable(one)
        if why is None:
            wanted.append(one)
        else:
            left_out.append(f"{one.path}: {why}")
    _write_objects(folder, wanted, into, left_out)
    return tuple(left_out)


def _unwritable(entry: Entry) -> str | None:
    if entry.mode == _SUBMODULE:
        return "is a submodule"
    parts = entry.path.split("/")
    if any(part in ("", ".", "..") or part.lower() == ".git" for part in parts):
        return "is no path inside the repository"
    return None


def _entries(folder: Path, commit: str) -> Iterator[Entry]:
    top = root(folder)
    done = None if top is None else _run(top, "ls-tree", "-r", "-z", "-l", "--full-tree", commit)
    if done is None or done.returncode:
        raise ValueError(f"git cannot list commit {commit[:12]}")
    for line in _names(done.stdout):
        facts, _, path = line.partition("\t")
        mode, _, name, size = facts.split()
        yield Entry(path=path, mode=mode, object=name, bytes=int(size) if size.isdigit() else 0)


def _write_objects(folder: Path, entries: Sequence[Entry], into: Path, left_out: list[str]) -> None:
    """Let one `git cat-file --batch` hand over every object, and write each."""
    program = shutil.which("git")
    if program is None or not entries:
        return
    asked = into.parent / f"{into.name}.objects"
    asked.write_text("".join(f"{one.object}\n" for one in entries), encoding="ascii")
    command = [program, "-C", str(folder), *_options(()), "cat-file", "--batch"]
    links: dict[str, str] = {}
    with (
        asked.open("rb") as names,
        subprocess.Popen(  # noqa: S603  fixed program and arguments
            command, stdin=names, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_clean(os.environ)
        ) as reading,
    ):
        stream = reading.stdout
        for one in entries:
            header = stream.readline().split() if stream else []
            if len(header) != 3 or header[1] != b"blob" or stream is None:  # noqa: PLR2004  name, type, size
                reading.kill()
                raise ValueError(f"git cannot read {one.path}")
            content = stream.read(int(header[2]))
            stream.read(1)
            if one.mode == _LINK:
                links[one.path] = os.fsdecode(content)
            else:
                _write(one, content, into)
    asked.unlink()
    left_out += _link(links, into)


def _write(entry: Entry, content: bytes, into: Path) -> None:
    path = into / entry.path
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(content)
    path.chmod(0o755 if entry.mode == _PROGRAM else 0o644)


def _link(links: Mapping[str, str], into: Path) -> Iterator[str]:
    """Make the links, when every file is there; then take away those that lead out, through others too."""
    home = into.resolve()
    left = {into / path: target for path, target in links.items()}
    for path, target in left.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
    while out := [path for path in left if not Path(os.path.realpath(path)).is_relative_to(home)]:
        for path in out:
            path.unlink()
            del left[path]
            yield f"{path.relative_to(into)}: is a link that leads out of the repository"


def _programs(folder: Path) -> list[str] | None:
    """Return the settings of a repository that name programs; None when git does not say."""
    listed = _run(folder, "config", "--name-only", "-z", "--get-regexp", PROGRAMS)
    if listed is None or listed.returncode not in (0, NO_MATCH):
        return None
    return _names(listed.stdout)


def _names(output: bytes) -> list[str]:
    return [os.fsdecode(one) for one in output.split(b"\0") if one]


def _git(folder: Path, *arguments: str) -> str | None:
    done = _run(folder, *arguments)
    if done is None or done.returncode != 0:
        return None
    return done.stdout.decode("utf-8", "replace").strip()


def _run(
    folder: Path, *arguments: str, settings: Sequence[str] = ()
) -> subprocess.CompletedProcess[bytes] | None:
    program = shutil.which("git")
    if program is None:
        return None
    command = [program, "-C", str(folder), "--no-optional-locks", *_options(settings), *arguments]
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


def _options(settings: Sequence[str]) -> list[str]:
    return [part for one in (*SAFE, *settings) for part in ("-c", one)]


def _clean(environ: Mapping[str, str]) -> dict[str, str]:
    """Leave out what steers git from outside, such as the GIT_DIR that it sets for its own hooks.

    It would tell of another repository, or bring settings that are switched off here. An object that was
    replaced is read as it was committed.
    """
    plain = {name: value for name, value in environ.items() if not name.upper().startswith("GIT_")}
    return plain | {"GIT_NO_REPLACE_OBJECTS": "1"}


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
