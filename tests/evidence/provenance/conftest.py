"""Repositories for the tests of provenance."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Git = Callable[..., str]


@pytest.fixture(scope="session")
def git() -> Git:
    """Return what runs git with an author and without the settings of whoever runs the tests."""

    def run(folder: Path, *arguments: str) -> str:
        settings = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        done = subprocess.run(
            ["git", "-C", str(folder), *settings, *arguments],
            check=True,
            capture_output=True,
            text=True,
            env=plain | {"GIT_CONFIG_GLOBAL": os.devnull},
        )
        return done.stdout.strip()

    return run


@pytest.fixture
def repository(tmp_path: Path, git: Git) -> Path:
    """Return a repository with one commit, of a file that is no release."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", ".")
    (folder / "notes.txt").write_text("one\n", encoding="utf-8")
    git(folder, "add", "notes.txt")
    git(folder, "commit", "-q", "-m", "one")
    return folder
