"""A git repository for an example: the same commits, with the same names, wherever it is made."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_WHEN = "2026-01-01T00:00:00Z"
_WHO = ("case", "case@example.org")


def make(folder: Path, commits: Sequence[Mapping[str, str]]) -> None:
    """Make a repository with one commit for each set of files. AssertionError when git is not there."""
    _git(folder, "init", "-q", "--object-format=sha1", "--initial-branch=main", ".")
    for files in commits:
        write(folder, files)
        commit(folder)


def commit(folder: Path) -> None:
    """Commit every file that is there."""
    _git(folder, "add", "--all", "--force", ".")
    _git(folder, "commit", "-q", "--allow-empty", "-m", "example")


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write files, name to text."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _git(folder: Path, *arguments: str) -> None:
    program = shutil.which("git")
    if program is None:
        raise AssertionError("an example with commits needs git")
    (name, mail), when = _WHO, _WHEN
    environment = {
        "PATH": str(Path(program).parent),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        **{f"GIT_{role}_NAME": name for role in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{role}_EMAIL": mail for role in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{role}_DATE": when for role in ("AUTHOR", "COMMITTER")},
    }
    command = [program, "-C", str(folder), "-c", "core.autocrlf=false", *arguments]
    subprocess.run(command, check=True, capture_output=True, env=environment)  # noqa: S603  fixed arguments
