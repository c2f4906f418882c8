"""Examples with rows of the data: written where nobody but the user looks, and through no link of a checkout."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from mlgate.errors import EvidenceError
from mlgate.estimates import PrivateExample
from mlgate.render import output, private

EXAMPLE = PrivateExample(title="rows", rows={"id": (1, 2), "x": ("=1+1", None)})

POSIX = pytest.mark.skipif(os.name == "nt", reason="links and modes are POSIX's")


def test_files_are_named_after_findings_and_stay_in_the_folder(tmp_path: Path) -> None:
    """Ids hold slashes and what else a policy writes; two that look alike are two files."""
    ids = ["robustness/noise", "robustness-noise", "../../x", "/etc/passwd", "..", "a" * 400]
    found = private.write([(one, EXAMPLE) for one in ids], tmp_path)
    assert len(set(found)) == len(ids)
    assert {one.parent for one in found} == {tmp_path / "private"}
    assert "'=1+1" in found[0].read_text(encoding="utf-8")


@POSIX
def test_only_the_user_can_read_them(tmp_path: Path) -> None:
    """Neither the folder nor a file."""
    (path,) = private.write([("one", EXAMPLE)], tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@POSIX
@pytest.mark.parametrize("name", [".gitignore", "one.csv"])
@pytest.mark.parametrize("marked", [True, False])
def test_a_link_in_the_folder_leads_nowhere(tmp_path: Path, name: str, marked: bool) -> None:
    """A checkout can hold the folder with links to places that do not exist yet, such as a .pth file."""
    out, target = tmp_path / "out", tmp_path / "target"
    (out / "private").mkdir(parents=True)
    if marked and name != ".gitignore":
        (out / "private" / ".gitignore").write_text("*\n", encoding="utf-8")
    (out / "private" / name).symlink_to(target)
    output.prepare(out)
    try:
        private.write([("one", EXAMPLE)], out)
    except EvidenceError as error:
        assert "is there already" in str(error)  # noqa: PT017  it may be removed, or refused
    assert not target.exists()


def test_the_examples_of_an_earlier_run_go(tmp_path: Path) -> None:
    """And a folder of somebody else's with that name is not written into."""
    private.write([("one", EXAMPLE)], tmp_path)
    output.prepare(tmp_path)
    assert not (tmp_path / "private").exists()
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "mine.txt").write_text("mine", encoding="utf-8")
    output.prepare(tmp_path)
    with pytest.raises(EvidenceError, match="is there already"):
        private.write([("one", EXAMPLE)], tmp_path)
    assert [one.name for one in (tmp_path / "private").iterdir()] == ["mine.txt"]
