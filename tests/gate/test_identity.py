"""Where a release came from: what git says of it, and nothing that git may not say."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from mlgate import api
from mlgate.errors import Problem
from mlgate.gate import identity


def git(folder: Path, *arguments: str) -> str:
    """Run git with an author and without the settings of whoever runs the tests."""
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


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with one commit, of a file that is no release."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", ".")
    (folder / "notes.txt").write_text("one\n", encoding="utf-8")
    git(folder, "add", "notes.txt")
    git(folder, "commit", "-q", "-m", "one")
    return folder


def test_a_release_that_git_does_not_know_is_no_clean_tree(repository: Path) -> None:
    """Untracked and ignored it is not in the commit; tracked and committed it is."""
    assert identity.source(repository).dirty is False
    (repository / "release.yaml").write_text("mlgate: 1\n", encoding="utf-8")
    assert identity.source(repository).dirty is True
    (repository / ".git" / "info" / "exclude").write_text("release.yaml\n", encoding="utf-8")
    assert identity.source(repository).dirty is True
    git(repository, "add", "-f", "release.yaml")
    assert identity.source(repository).dirty is True
    git(repository, "commit", "-q", "-m", "two")
    assert identity.source(repository).dirty is False


def test_a_release_may_have_another_name(repository: Path) -> None:
    """Whatever its name, which is a name and no pattern."""
    for name in ("note*.txt", ":(top)x.yaml", "-x.yaml"):
        (repository / name).write_text("mlgate: 1\n", encoding="utf-8")
        assert identity.source(repository, name).dirty is True
    assert identity.source(repository, "notes.txt").dirty is False


@pytest.mark.parametrize("name", ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"])
def test_what_steers_git_from_outside_does_not_reach_it(
    name: str, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hook of git has these variables set, of another repository than the release's."""
    expected = identity.source(repository)
    assert (expected.commit, expected.dirty) == (git(repository, "rev-parse", "HEAD"), False)
    monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    assert identity.source(repository) == expected


def test_inherited_settings_do_not_reach_git(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They would tell of another remote, or bring back what is switched off."""
    git(repository, "remote", "add", "origin", "https://host.example/x.git")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "url.https://elsewhere.example/.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "https://host.example/")
    assert identity.source(repository).repository == "https://host.example/x.git"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host/x.git", "https://host/x.git"),
        ("https://user:pa55word@host:8443/x.git", "https://host:8443/x.git"),
        ("https://user:pa/55word@host/x.git?token=abc", "https://host/x.git"),
        ("https://user:pa@55word@host/x.git#abc", "https://host/x.git"),
        ("https://user:pa://55word@host/x.git", "https://host/x.git"),
        ("https://host/x.git?token=55word", "https://host/x.git"),
        ("https://host/x.git?token=pa@55word", "https://***"),
        ("https://user:pa?55word@host/x.git", "https://***"),
        ("user:pa55word@host:x.git", "host:x.git"),
        ("user:pa://55word@host:x.git", "host:x.git"),
        ("git@host:x.git", "host:x.git"),
        ("/srv/x.git", "/srv/x.git"),
    ],
)
def test_an_address_is_shown_without_credentials(url: str, shown: str, repository: Path) -> None:
    """However they are written; of what cannot be told apart, nothing is shown."""
    git(repository, "remote", "add", "origin", url)
    found = identity.source(repository).repository
    assert found == shown
    assert "55word" not in found


def test_every_report_writes_times_alike() -> None:
    """In UTC with a Z, whatever the zone that they came in; also of a run that judged nothing."""
    noon = datetime(2026, 11, 21, 12, tzinfo=timezone(timedelta(hours=3)))
    assert identity.moment(noon) == "2026-11-21T09:00:00Z"
    assert api.nothing_judged([Problem("x", "y", "z")], noon).as_of == "2026-11-21T09:00:00Z"
    assert api.nothing_judged([], datetime(2026, 11, 21, 9, tzinfo=UTC)).as_of == "2026-11-21T09:00:00Z"
