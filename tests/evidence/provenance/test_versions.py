"""Versions of data: digests as `sha256sum` and DVC write them, and what cannot be compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mlgate.cells import DataReference
from mlgate.errors import ContentError, EvidenceError
from mlgate.evidence.files.locations import Territory
from mlgate.evidence.provenance.versions import Stating
from mlgate.evidence.release import load_release

FILE = "outs:\n- md5: e5ebd4c02cefbe7955977c67ada242b7\n  size: 8\n  hash: md5\n  path: train.csv\n"
FOLDER = (
    "outs:\n- md5: ed4f9c8ec3328c13cce59f5b085ad78a.dir\n  size: 18\n  nfiles: 4\n  hash: md5\n  path: data\n"
)
"""As DVC 3.67.1 wrote them of the files of `written`."""


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Return a folder with the files whose digests DVC wrote."""
    (tmp_path / "train.csv").write_bytes(b"a,b\n1,2\n")
    (tmp_path / "train.csv.dvc").write_text(FILE, encoding="utf-8")
    (tmp_path / "data" / "sub").mkdir(parents=True)
    (tmp_path / "data" / "a.csv").write_bytes(b"a,b\r\n1,2\r\n")
    (tmp_path / "data" / "sub" / "b.bin").write_bytes(b"\x00\x01\x02")
    (tmp_path / "data" / "Z.txt").write_bytes(b"z\n")
    (tmp_path / "data" / "\u00e9.txt").write_bytes("\u00e9\n".encode())
    (tmp_path / "data.dvc").write_text(FOLDER, encoding="utf-8")
    return tmp_path


def references(
    folder: Path, data: Mapping[str, Any], *, datasets: Mapping[str, str] | None = None
) -> list[DataReference]:
    """State versions of data in a release and compare them."""
    release = {
        "mlgate": 1,
        "name": "x",
        "version": "1",
        "task": "binary",
        "data": {
            "evaluation": {"path": "train.csv"},
            "several": {"path": "data/*.*"},
            "rows": {"table": "t", "connection": "env:DB"},
        },
        "provenance": {"data": data},
    }
    (folder / "release.yaml").write_text(json.dumps(release), encoding="utf-8")
    found, document = load_release(folder / "release.yaml")
    stating = Stating(
        release=found,
        file=document,
        territory=Territory.of(document),
        datasets=datasets or {},
        registry=None if datasets is None else "models:/x/1",
    )
    return list(stating.references())


def test_what_dvc_wrote_of_a_file_and_of_a_folder(written: Path) -> None:
    """Both are what is there; a byte more in either is not."""
    stated = {"evaluation": {"dvc": "train.csv.dvc"}, "raw": {"dvc": "data.dvc"}}
    assert [one.found == one.stated for one in references(written, stated)] == [True, True]
    (written / "train.csv").write_bytes(b"a,b\n1,3\n")
    (written / "data" / "sub" / "c.bin").write_bytes(b"")
    assert [one.found == one.stated for one in references(written, stated)] == [False, False]


def test_what_dvc_2_wrote_of_text(written: Path) -> None:
    """Without `hash: md5`, line ends of text files were read as one."""
    content = b"a,b\r\n1,2\r\n"
    (written / "train.csv").write_bytes(content)
    md5 = hashlib.md5(content.replace(b"\r\n", b"\n"), usedforsecurity=False).hexdigest()
    stated = {"evaluation": {"dvc": "train.csv.dvc"}}
    for line, same in (("", True), ("  hash: md5\n", False)):
        (written / "train.csv.dvc").write_text(
            f"outs:\n- md5: {md5}\n{line}  path: train.csv\n", encoding="utf-8"
        )
        (found,) = references(written, stated)
        assert (found.found == found.stated) is same


def test_a_sha256_of_a_table_of_several_files(written: Path) -> None:
    """Is that of what `sha256sum` prints, as the report has it."""
    names = sorted(f"data/{one.name}" for one in (written / "data").iterdir() if one.is_file())
    lines = "".join(f"{hashlib.sha256((written / one).read_bytes()).hexdigest()}  {one}\n" for one in names)
    stated = {"several": {"sha256": hashlib.sha256(lines.encode()).hexdigest()}}
    (found,) = references(written, stated)
    assert found.found == found.stated


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"rows": {"sha256": "0" * 64}}, "database"),
        ({"other": {"sha256": "0" * 64}}, "no file is named"),
        ({"evaluation": {"lakefs": "lakefs://r/main/x"}}, "lakeFS is not asked"),
        ({"evaluation": {"mlflow": "1a2b"}}, "no registry"),
    ],
)
def test_what_cannot_be_compared_says_why(data: Mapping[str, Any], said: str, written: Path) -> None:
    """And has found nothing."""
    (found,) = references(written, data)
    assert (found.found, said in (found.reason or "")) == (None, True)


def test_data_of_dvc_that_are_not_there(written: Path) -> None:
    """Are not compared; `dvc pull` brings them."""
    (written / "train.csv").unlink()
    (written / "other.csv").write_text("a\n", encoding="utf-8")
    (found,) = references(written, {"evaluation": {"dvc": "train.csv.dvc"}})
    assert (found.found, "dvc pull" in (found.reason or "")) == (None, True)


def test_data_sets_of_a_run(written: Path) -> None:
    """By name, else any of them; another digest is another version."""
    sets = {"training": "1a2b", "loans": "3c4d"}
    every = {"training": {"mlflow": "1a2b"}, "x": {"mlflow": "3c4d"}, "loans": {"mlflow": "ffff"}}
    found = references(written, every, datasets=sets)
    assert [one.found for one in found] == ["1a2b", "3c4d", "3c4d"]
    (none,) = references(written, {"x": {"mlflow": "1a2b"}}, datasets={})
    assert none.found is None


@pytest.mark.parametrize(
    "text",
    [
        "outs: []\n",
        "outs:\n- md5: x\n  path: train.csv\n",
        "outs:\n- path: train.csv\n",
        FILE.replace("train.csv", "../train.csv"),
        FILE.replace("train.csv", "/etc/hosts"),
        "a: &a [*a]\n",
        "x",
    ],
)
def test_hostile_dvc_files(text: str, written: Path) -> None:
    """What is no .dvc file, or leads out of the repository, is an error that names its line."""
    (written / "home").mkdir()
    for name in ("train.csv", "data"):
        (written / name).rename(written / "home" / name)
    (written / "train.csv").write_bytes(b"a,b\n1,2\n")
    (written / "home" / "train.csv.dvc").write_text(text, encoding="utf-8")
    with pytest.raises(EvidenceError, match=r"release\.yaml"):
        references(written / "home", {"evaluation": {"dvc": "train.csv.dvc"}})


def test_a_link_in_a_folder_of_data(written: Path) -> None:
    """Is an error: what it leads to is no part of the folder."""
    (written / "data" / "link").symlink_to("/etc")
    with pytest.raises(EvidenceError, match="symbolic link"):
        references(written, {"raw": {"dvc": "data.dvc"}})


@pytest.mark.parametrize(
    "version",
    [
        {},
        {"path": "train.csv"},
        {"sha256": "0" * 63},
        {"lakefs": "s3://x"},
        {"md5": "0" * 32},
        {"sha256": None},
    ],
)
def test_what_states_no_version(version: Mapping[str, Any], written: Path) -> None:
    """Is an error of release.yaml."""
    with pytest.raises(ContentError):
        references(written, {"evaluation": version})
