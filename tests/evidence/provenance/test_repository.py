"""Where a release came from: what git says of it, and nothing that git may not say."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from mlgate.evidence.files.locations import Territory
from mlgate.evidence.provenance.copying import add_data, copy_commit
from mlgate.evidence.provenance.repository import (
    changed,
    differing,
    is_ancestor,
    resolved,
    source,
    write_commit,
)

Git = Callable[..., str]


def test_a_release_that_git_does_not_know_is_no_clean_tree(repository: Path, git: Git) -> None:
    """Untracked and ignored it is not in the commit; tracked and committed it is."""
    assert source(repository).dirty is False
    (repository / "release.yaml").write_text("mlgate: 1\n", encoding="utf-8")
    assert source(repository).dirty is True
    (repository / ".git" / "info" / "exclude").write_text("release.yaml\n", encoding="utf-8")
    assert source(repository).dirty is True
    git(repository, "add", "-f", "release.yaml")
    assert source(repository).dirty is True
    git(repository, "commit", "-q", "-m", "two")
    assert source(repository).dirty is False


def test_a_release_may_have_another_name(repository: Path) -> None:
    """Whatever its name, which is a name and no pattern."""
    for name in ("note*.txt", ":(top)x.yaml", "-x.yaml"):
        (repository / name).write_text("mlgate: 1\n", encoding="utf-8")
        assert source(repository, name).dirty is True
    assert source(repository, "notes.txt").dirty is False


@pytest.mark.parametrize("name", ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"])
def test_what_steers_git_from_outside_does_not_reach_it(
    name: str, repository: Path, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hook of git has these variables set, of another repository than the release's."""
    expected = source(repository)
    assert (expected.commit, expected.dirty) == (git(repository, "rev-parse", "HEAD"), False)
    monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    assert source(repository) == expected


def test_inherited_settings_do_not_reach_git(
    repository: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would tell of another remote, or bring back what is switched off."""
    git(repository, "remote", "add", "origin", "https://host.example/x.git")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "url.https://elsewhere.example/.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "https://host.example/")
    assert source(repository).repository == "https://host.example/x.git"


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
def test_an_address_is_shown_without_credentials(url: str, shown: str, repository: Path, git: Git) -> None:
    """However they are written; of what cannot be told apart, nothing is shown."""
    git(repository, "remote", "add", "origin", url)
    found = source(repository).repository
    assert found == shown
    assert "55word" not in found


def test_a_commit_is_written_out_as_its_objects_are(repository: Path, git: Git, tmp_path: Path) -> None:
    """Without filters, hooks or changed line ends, and not what lies in the work tree."""
    ran = tmp_path / "ran"
    (repository / ".gitattributes").write_text("* filter=evil text eol=crlf ident\n", encoding="utf-8")
    (repository / "deep" / "er").mkdir(parents=True)
    (repository / "deep" / "er" / "run.sh").write_text("#!/bin/sh\n# $Id$\n", encoding="utf-8")
    (repository / "deep" / "er" / "run.sh").chmod(0o755)
    (repository / "bytes.bin").write_bytes(bytes(range(256)) * 999)
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "two")
    for key in ("clean", "smudge", "process"):
        git(repository, "config", f"filter.evil.{key}", f"sh -c 'touch {ran}; cat'")
    hook = repository / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {ran}\n", encoding="utf-8")
    hook.chmod(0o755)
    (repository / "notes.txt").write_text("changed\n", encoding="utf-8")
    into = tmp_path / "copy"
    into.mkdir()
    assert write_commit(repository, git(repository, "rev-parse", "HEAD"), into) == ()
    assert (into / "notes.txt").read_bytes() == b"one\n"
    assert (into / "deep/er/run.sh").read_bytes() == b"#!/bin/sh\n# $Id$\n"
    assert (into / "deep/er/run.sh").stat().st_mode & 0o111
    assert (into / "bytes.bin").read_bytes() == bytes(range(256)) * 999
    assert not (into / ".git").exists()
    assert changed(repository) == ("notes.txt",)
    assert not ran.exists()


def test_no_link_of_a_commit_leads_out(repository: Path, git: Git, tmp_path: Path) -> None:
    """Neither by itself nor through another one; those that stay inside are kept."""
    links = {
        "inside": "notes.txt",
        "up": "..",
        "absolute": str(tmp_path),
        "first": "zero/../secret",
        "zero": ".",
        "second": "up/secret",
    }
    for name, target in links.items():
        (repository / name).symlink_to(target)
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "two")
    (tmp_path / "secret").write_text("x", encoding="utf-8")
    into = tmp_path / "copy"
    into.mkdir()
    left_out = write_commit(repository, git(repository, "rev-parse", "HEAD"), into)
    assert {one.partition(":")[0] for one in left_out} >= {"up", "absolute", "first"}
    assert (into / "inside").read_text(encoding="utf-8") == "one\n"
    for path in into.iterdir():
        assert path.resolve().is_relative_to(into)


def test_a_submodule_is_told_and_a_partial_clone_refused(repository: Path, git: Git, tmp_path: Path) -> None:
    """Nothing is fetched, whatever the repository is set up for."""
    commit = git(repository, "rev-parse", "HEAD")
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{commit},module")
    git(repository, "commit", "-q", "-m", "two")
    (tmp_path / "a").mkdir()
    head = git(repository, "rev-parse", "HEAD")
    assert write_commit(repository, head, tmp_path / "a") == ("module: is a submodule",)
    ran = tmp_path / "ran"
    git(repository, "config", "remote.origin.url", f"ext::touch {ran}")
    git(repository, "config", "remote.origin.promisor", "true")
    (tmp_path / "b").mkdir()
    with pytest.raises(ValueError, match="partial clone"):
        write_commit(repository, head, tmp_path / "b")
    assert not ran.exists()


def test_what_is_no_commit_reaches_no_option_of_git(repository: Path, git: Git) -> None:
    """A commit is hexadecimal, and one that the repository holds."""
    head = git(repository, "rev-parse", "HEAD")
    assert resolved(repository, head[:8]) == head
    for one in ("--all", "HEAD", "", "main", "0" * 40, f"{head}~1", "--upload-pack=x"):
        assert resolved(repository, one) is None


def test_what_changed_between_two_commits(repository: Path, git: Git) -> None:
    """Paths from the root, renames as two, in the order of history only."""
    first = git(repository, "rev-parse", "HEAD")
    git(repository, "mv", "notes.txt", "n\u00f6tes.txt")
    git(repository, "commit", "-q", "-m", "two")
    second = git(repository, "rev-parse", "HEAD")
    assert differing(repository, first, second) == ("notes.txt", "n\u00f6tes.txt")
    assert differing(repository, first, first) == ()
    assert is_ancestor(repository, first, second)
    assert not is_ancestor(repository, second, first)


def test_a_work_tree_that_is_elsewhere_is_not_copied(repository: Path, git: Git, tmp_path: Path) -> None:
    """A setting of the repository may move its work tree; paths would then mean other files."""
    (repository / "release.yaml").write_text("{}", encoding="utf-8")
    territory = Territory(base=repository, root=repository)
    head = git(repository, "rev-parse", "HEAD")
    assert copy_commit(territory, head, tmp_path / "one").base == tmp_path / "one"
    (tmp_path / "elsewhere").mkdir()
    git(repository, "config", "core.worktree", str(tmp_path / "elsewhere"))
    with pytest.raises(ValueError, match="elsewhere"):
        copy_commit(territory, head, tmp_path / "two")


def test_data_are_put_beside_the_commit(repository: Path, git: Git, tmp_path: Path) -> None:
    """What git holds stays, a pointer of Git LFS is filled when it names the bytes, the rest is added."""
    content = b"a,b\n1,2\n"
    pointer = (
        "version https://git-lfs.github.com/spec/v1\n"
        f"oid sha256:{hashlib.sha256(content).hexdigest()}\nsize {len(content)}\n"
    )
    for name in ("large.csv", "other.csv"):
        (repository / name).write_text(pointer, encoding="utf-8")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "two")
    (repository / "large.csv").write_bytes(content)
    (repository / "other.csv").write_bytes(b"not what the pointer names\n")
    (repository / "notes.txt").write_text("changed\n", encoding="utf-8")
    (repository / "more").mkdir()
    (repository / "more" / "x.csv").write_bytes(content)
    (tmp_path / "secret.csv").write_bytes(content)
    work = tmp_path / "work"
    work.mkdir()
    territory = Territory(base=repository, root=repository)
    copy = copy_commit(territory, git(repository, "rev-parse", "HEAD"), work / "copy")
    names = ["large.csv", "other.csv", "notes.txt", "more/*.csv", "gone.csv", "../secret.csv"]
    notes = list(add_data(copy, territory, names, work))
    assert [one.partition(":")[0] for one in notes] == ["gone.csv", "../secret.csv"]
    assert (copy.root / "large.csv").read_bytes() == content
    assert (copy.root / "other.csv").read_text(encoding="utf-8") == pointer
    assert (copy.root / "notes.txt").read_text(encoding="utf-8") == "one\n"
    assert (copy.root / "more/x.csv").stat().st_mode & 0o777 == 0o444
