"""The bytes of a model: what is taken, what is refused before it is copied."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mlgate.errors import EvidenceError
from mlgate.evidence.files.locations import Found
from mlgate.evidence.models import artifact

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="as file systems of Linux are")


def taken(tmp_path: Path, model: Path) -> artifact.Taken:
    """Take a model."""
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    return artifact.take_model(Found(display="model", real=model.resolve()), work)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a model that is a directory."""
    made = tmp_path / "model"
    made.mkdir()
    (made / "MLmodel").write_text("flavors: {}\n", encoding="utf-8")
    return made


def refused(tmp_path: Path, model: Path) -> str:
    """Return why a model is not taken; nothing of it has been copied."""
    with pytest.raises(EvidenceError) as caught:
        taken(tmp_path, model)
    return str(caught.value)


def test_a_file_of_holes_is_refused_before_it_fills_the_disk(tmp_path: Path, folder: Path) -> None:
    """It takes no room where it is, and all of its size as a copy; so do many files together."""
    big = tmp_path / "big.onnx"
    with big.open("wb") as file:
        file.truncate(artifact.MOST_BYTES + 1)
    assert "larger than 20 GiB" in refused(tmp_path, big)
    for name in ("a", "b", "c"):
        with (folder / name).open("wb") as file:
            file.truncate(artifact.MOST_BYTES // 2)
    assert "larger than 20 GiB" in refused(tmp_path, folder)


def test_folders_without_number_are_refused(tmp_path: Path, folder: Path) -> None:
    """They hold no byte, and take as long to walk through as files."""
    for number in range(artifact.MOST_FILES + 1):
        (folder / str(number)).mkdir()
    assert "more than 10000" in refused(tmp_path, folder)


@LINUX
def test_names_that_nobody_can_write_down_are_refused(tmp_path: Path, folder: Path) -> None:
    """The digest is over names: bytes that are no UTF-8 have none."""
    os.close(os.open(os.fsencode(folder) + b"/\xff", os.O_CREAT))
    assert "no name in UTF-8" in refused(tmp_path, folder)


@LINUX
def test_a_path_that_is_too_long_is_refused(tmp_path: Path, folder: Path) -> None:
    """Folders in folders reach further than any path."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(30):
        os.mkdir("d" * 200, dir_fd=here)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    assert "cannot be read" in refused(tmp_path, folder)


@pytest.mark.parametrize("kind", ["link", "pipe", "alike"])
def test_what_makes_a_digest_stand_for_several_models_is_refused(
    tmp_path: Path, folder: Path, kind: str
) -> None:
    """Links, pipes, and two names that some file systems take for one."""
    if kind == "link":
        (folder / "x").symlink_to("MLmodel")
    elif kind == "pipe":
        os.mkfifo(folder / "x")
    else:
        (folder / "A").write_text("1", encoding="utf-8")
        (folder / "a").write_text("2", encoding="utf-8")
    assert "model: " in refused(tmp_path, folder)
