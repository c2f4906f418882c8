"""Patterns find what glob finds, and stop where glob would not."""

from __future__ import annotations

import glob
from pathlib import Path

import pytest

from mlgate.evidence.files import patterns

PATTERNS = (
    "*", "*.csv", "?.csv", "[ab].csv", "[!a].csv", "*/*.csv", "**", "**/*.csv", "**/a.csv", "*/**/*.csv",
    "**/**/*.csv", "*/b/*.csv", "*/missing.csv", ".*", "**/.h/*.csv", ".h/*.csv", "nothing*", "*/a.csv/*", "x/*.csv",
    "./*.csv", "*//*.csv",
)  # fmt: skip


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Some files, hidden ones among them, and links to a folder and to a file."""
    for name in (
        "a.csv",
        "b.csv",
        "a/a.csv",
        "a/b/a.csv",
        "a/b/c/d.csv",
        ".h/a.csv",
        "a/.h/a.csv",
        "a/.x.csv",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "x").symlink_to("a/b")
    (tmp_path / "l.csv").symlink_to("a.csv")
    return tmp_path


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_same_files_as_glob(tree: Path, pattern: str) -> None:
    """What matches is what glob finds, but that `**` enters no link."""
    found = list(patterns.matches(tree, pattern))
    assert len(found) == len(set(found))
    due = glob.glob(pattern.replace("./", "").replace("//", "/"), root_dir=tree, recursive=True)  # noqa: PTH207  the oracle
    linked = {one for one in due if pattern.startswith("**") and "x" in Path(one).parts[:-1]}
    assert set(found) == {one.rstrip("/") for one in due if one} - linked


def test_links_in_circles_come_to_an_end(tmp_path: Path) -> None:
    """Two links to their own folder are more paths than there is time for; the search is given up."""
    for name in "ab":
        (tmp_path / name).symlink_to(".")
    assert set(patterns.matches(tmp_path, "**/*")) == {"a", "b"}
    with pytest.raises(patterns.TooMany):
        list(patterns.matches(tmp_path, "*/" * 30 + "*.csv", most=1000))
