"""Where files may lie, and that the bytes that are hashed are the bytes that are read."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from pathlib import Path

import pytest

from mlgate.errors import EvidenceError
from mlgate.evidence.files.locations import Found, Territory, read_bytes, shown, take
from mlgate.strict_yaml import Document

WHERE = "release.yaml:6"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with a release in a folder of it, and data beside and above."""
    root = tmp_path / "repository"
    (root / ".git").mkdir(parents=True)
    for name in (
        "data/test.csv",
        "releases/v1/own.csv",
        "data/a.parquet",
        "data/b.parquet",
        "data/.c.parquet",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name, encoding="utf-8")
    (tmp_path / "secret.csv").write_text("a,b\n", encoding="utf-8")
    return root


@pytest.fixture
def release(repository: Path) -> Document:
    """Return the document of a release in `releases/v1`."""
    path = repository / "releases" / "v1" / "release.yaml"
    return Document(path=path, display="release.yaml", sha256="", data={}, lines={})


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    """Return a private directory."""
    path = tmp_path / "work"
    path.mkdir(mode=0o700)
    return path


@pytest.mark.parametrize("written", ["own.csv", "./own.csv", "../../data/test.csv", "x/../own.csv"])
def test_paths_are_relative_to_the_release_and_stay_in_its_repository(
    written: str, release: Document, repository: Path
) -> None:
    """The repository begins where `.git` is, so that data may lie above the release."""
    (repository / "releases" / "v1" / "x").mkdir()
    found = Territory.of(release).find(written, WHERE)
    assert found.display == written
    assert found.real.is_file()


@pytest.mark.parametrize(
    "written", ["../../../secret.csv", "/etc/passwd", "/etc/absent", "../../../absent", "link"]
)
def test_what_lies_outside_is_refused(written: str, release: Document, repository: Path) -> None:
    """Traversal, absolute paths and links are refused alike, whether the target exists or not."""
    (repository / "releases/v1/link").symlink_to(repository.parent / "secret.csv")
    with pytest.raises(EvidenceError, match=r"^release.yaml:6: .* lies outside the repository.*--allow-path"):
        Territory.of(release).find(written, WHERE)


def test_a_directory_that_is_a_link_leads_nowhere_else(release: Document, repository: Path) -> None:
    """A link in the middle of a path is resolved before it is judged."""
    (repository / "releases/v1/up").symlink_to(repository.parent)
    with pytest.raises(EvidenceError, match="lies outside"):
        Territory.of(release).find("up/secret.csv", WHERE)
    with pytest.raises(EvidenceError, match="lies outside"):
        Territory.of(release).find_all("up/*.csv", WHERE)


def test_links_inside_the_repository_work(release: Document, repository: Path) -> None:
    """Data are often linked, by DVC for one."""
    (repository / "releases/v1/link.csv").symlink_to(repository / "data/test.csv")
    assert Territory.of(release).find("link.csv", WHERE).real == repository / "data/test.csv"


def test_an_allowed_directory_may_be_read(release: Document, repository: Path) -> None:
    """`--allow-path` opens what it names, also by way of a link."""
    allowed = Territory.of(release, [repository.parent])
    assert allowed.find("../../../secret.csv", WHERE).real == repository.parent / "secret.csv"


def test_without_git_the_directory_of_the_release_is_the_border(tmp_path: Path) -> None:
    """Nothing above a lone release.yaml may be read."""
    (tmp_path / "a").mkdir()
    (tmp_path / "x.csv").touch()
    lone = Document(
        path=tmp_path / "a" / "release.yaml", display="release.yaml", sha256="", data={}, lines={}
    )
    with pytest.raises(EvidenceError, match="lies outside"):
        Territory.of(lone).find("../x.csv", WHERE)


def test_a_release_that_is_a_link_does_not_move_the_border(release: Document, repository: Path) -> None:
    """A link named release.yaml would otherwise choose which directory is its repository."""
    elsewhere = repository.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "release.yaml").touch()
    assert release.path is not None
    release.path.symlink_to(elsewhere / "release.yaml")
    assert Territory.of(release).root == repository


def test_an_absent_file_is_named_with_its_likely_neighbour(release: Document) -> None:
    """The message says where, what, and what was probably meant."""
    with pytest.raises(
        EvidenceError, match=r"release.yaml:6: 'ovn.csv' does not exist; did you mean 'own.csv'"
    ):
        Territory.of(release).find("ovn.csv", WHERE)


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ("", "is no path"),
        ("a\0b", "is no path"),
        ("s3://bucket/x.parquet", "is a URL"),
        ("https://u:hunter2@host/x.csv", "is a URL"),
        ("x" * 5000, "does not exist"),
    ],
)
def test_what_is_no_path_is_refused(written: str, what: str, release: Document) -> None:
    """URLs, empty names and NUL characters are refused, and no credential is repeated."""
    with pytest.raises(EvidenceError, match=what) as refused:
        Territory.of(release).find(written, WHERE)
    assert "hunter2" not in str(refused.value)


def test_a_glob_is_sorted_and_hides_hidden_files(release: Document) -> None:
    """The order of files is that of their names, on every file system."""
    found = Territory.of(release).find_all("../../data/*.parquet", WHERE)
    assert [one.display for one in found] == ["../../data/a.parquet", "../../data/b.parquet"]


def test_a_glob_that_matches_nothing_is_an_error(release: Document) -> None:
    """No files are never an empty table."""
    with pytest.raises(EvidenceError, match=r"'\*.csv.gz' matches no file"):
        Territory.of(release).find_all("*.csv.gz", WHERE)


def test_every_match_of_a_glob_is_confined(release: Document, repository: Path) -> None:
    """One link out of many files is enough to refuse."""
    (repository / "data/z.parquet").symlink_to(repository.parent / "secret.csv")
    with pytest.raises(EvidenceError, match="lies outside"):
        Territory.of(release).find_all("../../data/*.parquet", WHERE)


@pytest.mark.parametrize("written", ["../../../*.csv", "/etc/pass*", "*/../../../../secret.csv"])
def test_a_glob_does_not_leave_the_repository(written: str, release: Document) -> None:
    """The fixed part is confined before a directory is listed."""
    with pytest.raises(EvidenceError, match=r"lies outside|goes up after a wildcard"):
        Territory.of(release).find_all(written, WHERE)


@pytest.mark.parametrize(
    "name", ["what?.csv", "all*.csv", "a[1].csv", 'it\'s "q".csv', "$(id);.csv", "ü 🎉.csv"]
)
def test_a_file_may_have_any_name(name: str, release: Document, repository: Path) -> None:
    """A name with wildcards in it is that file and no glob."""
    (repository / "releases/v1" / name).write_text("x", encoding="utf-8")
    (repository / "releases/v1/whatx.csv").touch()
    (found,) = Territory.of(release).find_all(name, WHERE)
    assert found.real.name == name


def test_bytes_are_hashed_as_they_are_copied(release: Document, repository: Path, workdir: Path) -> None:
    """The copy is private, and what happens to the original afterwards does not matter."""
    snapshot = take(Territory.of(release).find("own.csv", WHERE), workdir)
    (repository / "releases/v1/own.csv").write_text("other", encoding="utf-8")
    content = Path(snapshot.path).read_bytes()
    assert content == b"releases/v1/own.csv"
    assert snapshot.sha256 == hashlib.sha256(content).hexdigest()
    assert snapshot.bytes == len(content)
    assert stat.S_IMODE(Path(snapshot.path).stat().st_mode) == 0o600
    snapshot.verify_unchanged()


def test_a_large_file_is_read_from_the_descriptor_that_was_hashed(
    release: Document, repository: Path, workdir: Path
) -> None:
    """Exchanging the name does not exchange the bytes, and nothing is copied."""
    path = repository / "releases/v1/own.csv"
    snapshot = take(Territory.of(release).find("own.csv", WHERE), workdir, copy_limit=3)
    path.unlink()
    path.write_text("a different file", encoding="utf-8")
    assert Path(snapshot.path).read_bytes() == b"releases/v1/own.csv"
    assert not list(workdir.iterdir())
    snapshot.verify_unchanged()


@pytest.mark.parametrize("restore_times", [False, True])
def test_a_large_file_that_is_written_to_is_noticed(
    restore_times: bool, release: Document, repository: Path, workdir: Path
) -> None:
    """Also when its size and its times look as before."""
    path = repository / "releases/v1/own.csv"
    before = path.stat()
    snapshot = take(Territory.of(release).find("own.csv", WHERE), workdir, copy_limit=3)
    path.write_text("RELEASES/v1/own.csv", encoding="utf-8")
    if restore_times:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(EvidenceError, match=r"own.csv: was changed while it was judged"):
        snapshot.verify_unchanged()


def test_a_name_that_becomes_a_link_is_not_followed(
    release: Document, repository: Path, workdir: Path
) -> None:
    """Between finding and opening, a file or a directory above it may be exchanged for a link."""
    found = Territory.of(release).find("../../data/test.csv", WHERE)
    (repository / "data/test.csv").unlink()
    (repository / "data/test.csv").symlink_to(repository.parent / "secret.csv")
    with pytest.raises(EvidenceError, match="was exchanged while it was being opened"):
        take(found, workdir)
    (repository / "data").rename(repository / "old")
    (repository / "data").symlink_to(repository.parent)
    with pytest.raises(EvidenceError, match="was exchanged while it was being opened"):
        take(Found(display="x", real=repository / "data/secret.csv"), workdir)


def test_only_regular_files_are_opened(release: Document, repository: Path, workdir: Path) -> None:
    """A pipe is not waited for, and a directory is told from a file."""
    os.mkfifo(repository / "releases/v1/pipe.csv")
    with pytest.raises(EvidenceError, match="is no regular file"):
        take(Territory.of(release).find("pipe.csv", WHERE), workdir)
    with pytest.raises(
        EvidenceError, match=re.escape("is a directory; name its files, as in '../../data/*.parquet'")
    ):
        take(Territory.of(release).find("../../data/", WHERE), workdir)


def test_small_documents_are_read_within_a_limit(release: Document) -> None:
    """Model cards and the like go the same way as tables."""
    assert read_bytes("own.csv", release, where=WHERE, limit=100) == b"releases/v1/own.csv"
    with pytest.raises(EvidenceError, match="larger than 5 bytes"):
        read_bytes("own.csv", release, where=WHERE, limit=5)
    with pytest.raises(EvidenceError, match="lies outside"):
        read_bytes("../../../secret.csv", release, where=WHERE, limit=100)


def test_what_is_shown_is_printable_and_without_credentials() -> None:
    """File names can hold terminal escapes."""
    assert shown("postgres://me:secret@host/db") == "postgres://***@host/db"
    assert shown("a\x1b[31m\n.csv") == "a\\x1b[31m\\n.csv"
