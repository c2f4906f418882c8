"""Reports on disk: whole, in place, and never an old one beside a run that broke off."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from mlgate.errors import EvidenceError
from mlgate.findings import Report
from mlgate.render import output, record


def test_the_page_names_the_digest_of_the_record(approved: Report, tmp_path: Path) -> None:
    """Whoever has both files can see that they belong together."""
    found = output.write(approved, output.prepare(tmp_path / "a" / "b"))
    data = found["json"].read_bytes()
    assert data == record.to_json(approved)
    assert hashlib.sha256(data).hexdigest() in found["html"].read_text("utf-8")
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == ["report.html", "report.json"]


@pytest.mark.parametrize(("formats", "names"), [(["html"], ["html", "json"]), (["json"], ["json"])])
def test_the_record_is_always_written(
    formats: list[str], names: list[str], approved: Report, tmp_path: Path
) -> None:
    """A page without its record shows what nobody can check; a page that nobody asked for is not there."""
    assert list(output.write(approved, output.prepare(tmp_path), formats)) == names
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"report.{name}" for name in names]


def test_earlier_reports_go_and_other_files_stay(tmp_path: Path) -> None:
    """A run that breaks off leaves no old approval behind."""
    for name in ("report.json", "report.html", "notes.txt"):
        (tmp_path / name).write_text("old")
    output.prepare(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_links_are_removed_and_never_followed(approved: Report, tmp_path: Path) -> None:
    """What a link in the folder leads to is neither removed nor written."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "report.json").symlink_to(victim)
    output.prepare(folder)
    assert not (folder / "report.json").exists()
    (folder / "report.html").symlink_to(victim)
    output.write(approved, folder)
    assert victim.read_text() == "mine"
    assert not (folder / "report.html").is_symlink()


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    """A checkout can hold a link that leads anywhere."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "mlgate-report").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EvidenceError, match="is a link"):
        output.prepare(tmp_path / "mlgate-report")


@pytest.mark.parametrize("out", ["lnk/out", "lnk/a/b", "sub/../lnk/out", "lnk/../out", "{here}/lnk/out"])
def test_a_link_on_the_way_is_refused(out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the last part of the path, so any other below the current directory."""
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    (here / "sub").mkdir(parents=True)
    elsewhere.mkdir()
    (here / "lnk").symlink_to(elsewhere)
    monkeypatch.chdir(here)
    with pytest.raises(EvidenceError, match="lnk: is a link"):
        output.prepare(Path(out.format(here=here)))
    assert not [*elsewhere.iterdir()]


def test_links_outside_the_current_directory_are_the_machines_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As /tmp is one on some; and the current directory itself may lie behind one."""
    (tmp_path / "real" / "here").mkdir(parents=True)
    (tmp_path / "lnk").symlink_to(tmp_path / "real")
    monkeypatch.chdir(tmp_path / "lnk" / "here")
    for out in (tmp_path / "lnk" / "out", tmp_path / "lnk" / "here" / "out", Path("mlgate-report")):
        assert output.prepare(out).is_dir()


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to the superuser")
def test_a_folder_that_cannot_be_listed_is_an_error_with_a_place(tmp_path: Path) -> None:
    """What may not be read says so before anything is judged."""
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o300)
    try:
        with pytest.raises(EvidenceError, match="closed: cannot be written to"):
            output.prepare(closed)
    finally:
        closed.chmod(0o700)


def test_a_file_in_the_way_is_an_error_with_a_place(tmp_path: Path) -> None:
    """What cannot be written to says so before anything is judged."""
    (tmp_path / "out").write_text("")
    with pytest.raises(EvidenceError, match=r"out: cannot be written to"):
        output.prepare(tmp_path / "out")
    (tmp_path / "report.json").mkdir()
    with pytest.raises(EvidenceError, match="cannot be written to"):
        output.prepare(tmp_path)
