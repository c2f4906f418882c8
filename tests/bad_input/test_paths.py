"""Places that a release may not read, and an --out that cannot or must not be written."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bad_input.conftest import RELEASE, World, refused, sound

Break = Callable[[World], object]
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def reading(path: str, make: Break = lambda _: None) -> Break:
    """Have the release read its table from another path, made beforehand."""

    def broken(world: World) -> None:
        make(world)
        world.release("path: data/test.csv", f"path: {json.dumps(path)}")

    return broken


def link(name: str, target: str) -> Break:
    """Put a symbolic link into the repository."""
    return lambda world: (world.home / name).symlink_to(target)


def moved_out(world: World) -> None:
    """Replace the folder of the data by a link to a folder outside."""
    shutil.move(world.home / "data", world.root / "elsewhere" / "data")
    (world.home / "data").symlink_to("../elsewhere/data")


OUTSIDE: dict[str, tuple[Break, tuple[str, ...]]] = {
    "up": (reading("../elsewhere/secret.csv"), ("release.yaml:8", "lies outside the repository")),
    "far up": (reading("../" * 30 + "etc/passwd"), ("release.yaml:8", "lies outside")),
    "down and up": (reading("data/../../elsewhere/secret.csv"), ("release.yaml:8", "lies outside")),
    "absolute": (reading("/etc/passwd"), ("release.yaml:8", "'/etc/passwd' lies outside")),
    "does not exist, outside": (reading("/no/such/file.csv"), ("release.yaml:8", "lies outside")),
    "link": (reading("t.csv", link("t.csv", "../elsewhere/secret.csv")), ("release.yaml:8", "lies outside")),
    "absolute link": (reading("t.csv", link("t.csv", "/etc/hosts")), ("release.yaml:8", "lies outside")),
    "link to a link": (
        reading("t.csv", lambda w: (link("t.csv", "u.csv")(w), link("u.csv", "../elsewhere/secret.csv")(w))),
        ("release.yaml:8", "lies outside"),
    ),
    "linked folder": (reading("x/secret.csv", link("x", "../elsewhere")), ("release.yaml:8", "lies outside")),
    "linked folder of the data": (moved_out, ("release.yaml:8", "lies outside")),
    "glob outside": (reading("../elsewhere/*.csv"), ("release.yaml:8", "lies outside")),
    "glob over a linked folder": (
        reading("*/secret.csv", link("x", "../elsewhere")),
        ("release.yaml:8", "lies outside"),
    ),
    "glob that goes up": (reading("data/*/../../../elsewhere/secret.csv"), ("release.yaml:8", "goes up")),
    "device": (reading("/dev/zero"), ("release.yaml:8", "lies outside")),
    "link to a device": (reading("t.csv", link("t.csv", "/dev/zero")), ("release.yaml:8", "lies outside")),
    "process": (reading("/proc/self/environ"), ("release.yaml:8", "lies outside")),
    "descriptor": (reading("/dev/fd/0"), ("release.yaml:8", "lies outside")),
    "home": (reading("~/.ssh/id_rsa.csv"), ("release.yaml:8", "does not exist")),
    "variable": (reading("$HOME/x.csv"), ("release.yaml:8", "does not exist")),
    "URL": (reading("https://example.org/t.csv"), ("release.yaml:8", "is a URL")),
    "file URL": (reading("file:///etc/passwd"), ("release.yaml:8", "is a URL")),
    "bucket": (reading("s3://bucket/t.csv"), ("release.yaml:8", "is a URL")),
    "URL with a password": (
        reading("https://me:hunter2@example.org/t.csv"),
        ("release.yaml:8", "holds a password"),
    ),
    "empty path": (reading(""), ("release.yaml:8", "empty")),
    "missing": (
        reading("data/tset.csv"),
        ("release.yaml:8", "does not exist", "did you mean 'data/test.csv'?"),
    ),
    "no match": (reading("data/*.parquet"), ("release.yaml:8", "matches no file")),
    "folder": (reading("data.csv", lambda w: (w.home / "data.csv").mkdir()), ("data.csv", "is a directory")),
    "folder itself": (reading("data"), ("data", "of no format that is read")),
    "pipe": (reading("p.csv", lambda w: os.mkfifo(w.home / "p.csv")), ("p.csv", "is no regular file")),
    "links to their own folder": (
        reading("**/*.zzz", lambda w: [link(name, ".")(w) for name in "abcd"]),
        ("release.yaml:8", "matches no file"),
    ),
    "links to their own folder, step by step": (
        reading("*/" * 40 + "x.csv", lambda w: [link(name, ".")(w) for name in "abcd"]),
        ("release.yaml:8", "looks through more than"),
    ),
    "link in a circle": (
        reading("a.csv", lambda w: (link("a.csv", "b.csv")(w), link("b.csv", "a.csv")(w))),
        ("release.yaml:8", "a.csv"),
    ),
    "dangling link": (reading("t.csv", link("t.csv", "nowhere.csv")), ("release.yaml:8", "does not exist")),
    "very long": (reading("a" * 5000 + ".csv"), ("release.yaml:8",)),
    "document outside": (
        lambda w: w.release("model_card: MODEL_CARD.md", "model_card: ../elsewhere/secret.csv"),
        ("release.yaml:17", "lies outside"),
    ),
    "document by link": (
        lambda w: ((w.home / "MODEL_CARD.md").unlink(), link("MODEL_CARD.md", "/etc/hosts")(w)),
        ("release.yaml:17", "lies outside"),
    ),
    "document is a device": (
        lambda w: ((w.home / "MODEL_CARD.md").unlink(), link("MODEL_CARD.md", "/dev/zero")(w)),
        ("release.yaml:17", "lies outside"),
    ),
    "document is a pipe": (
        lambda w: ((w.home / "MODEL_CARD.md").unlink(), os.mkfifo(w.home / "MODEL_CARD.md")),
        ("MODEL_CARD.md", "is no regular file"),
    ),
    "document is a folder": (
        lambda w: ((w.home / "MODEL_CARD.md").unlink(), (w.home / "MODEL_CARD.md").mkdir()),
        ("MODEL_CARD.md", "is no regular file"),
    ),
    "document is missing": (
        lambda w: (w.home / "MODEL_CARD.md").unlink(),
        ("release.yaml:17", "does not exist"),
    ),
    "document is huge": (
        lambda w: (w.home / "MODEL_CARD.md").write_bytes(b"a" * 6_000_000),
        ("MODEL_CARD.md", "is larger than"),
    ),
    "document is binary": (
        lambda w: (w.home / "MODEL_CARD.md").write_bytes(b"\xff\xfe\x00\x01"),
        ("release.yaml:17", "is not UTF-8"),
    ),
    "predictions outside": (
        reading(
            "data/test.csv",
            lambda w: w.release(
                "data/test.csv}", "data/test.csv, predictions: {path: ../elsewhere/secret.csv, key: id}}"
            ),
        ),
        ("release.yaml:8", "lies outside"),
    ),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_place_that_may_not_be_read(world: World, name: str) -> None:
    """What lies outside, is no file or is not there is named with its line, and never waited for."""
    broken, says = OUTSIDE[name]
    broken(world)
    began = time.monotonic()
    done = refused(world, world.run(), says=says)
    assert time.monotonic() - began < 20
    assert "hunter2" not in done.said + json.dumps(done.report) + str(done.html)
    assert "root:" not in done.said + json.dumps(done.report)


def test_allowed_path_is_read(world: World) -> None:
    """A folder that the caller allows is read, and one that it does not name is not."""
    world.release("data/test.csv", "../elsewhere/secret.csv")
    done = world.run("--allow-path", "../elsewhere")
    sound(world, done)
    assert done.code == 0, done.said
    refused(world, world.run("--allow-path", "../tmp"), says=("lies outside",))


def test_linked_release_does_not_move_its_territory(world: World) -> None:
    """A release.yaml that is a link is relative to where it was named, not to where it leads."""
    shutil.move(world.home / "release.yaml", world.root / "elsewhere" / "release.yaml")
    (world.home / "release.yaml").symlink_to("../elsewhere/release.yaml")
    (world.root / "elsewhere" / "data").mkdir()
    (world.root / "elsewhere" / "data" / "test.csv").write_text("y\n", "utf-8")
    done = world.run()
    sound(world, done)
    assert done.code == 0, done.said


def test_release_in_a_linked_folder(world: World) -> None:
    """A release that is reached through a linked folder may read no more than one that is not."""
    (world.root / "door").symlink_to("repository")
    world.release("data/test.csv", "../elsewhere/secret.csv")
    refused(world, world.run("../door/release.yaml"), says=("lies outside",))
    world.release("../elsewhere/secret.csv", "data/test.csv")
    done = world.run("../door/release.yaml")
    assert done.code == 0, done.said


NO_RELEASE: dict[str, tuple[Break, tuple[str, ...]]] = {
    "missing": (lambda p: p.unlink(), ("release.yaml", "does not exist")),
    "empty": (lambda p: p.write_bytes(b""), ("release.yaml", "is empty")),
    "comments only": (lambda p: p.write_bytes(b"# later\n"), ("release.yaml", "is empty")),
    "a folder": (lambda p: (p.unlink(), p.mkdir()), ("release.yaml", "is a folder")),
    "a pipe": (lambda p: (p.unlink(), os.mkfifo(p)), ("release.yaml", "not a regular file")),
    "a device": (lambda p: (p.unlink(), p.symlink_to("/dev/zero")), ("release.yaml", "not a regular file")),
    "a dangling link": (lambda p: (p.unlink(), p.symlink_to("nowhere")), ("release.yaml", "does not exist")),
    "binary": (lambda p: p.write_bytes(bytes(range(256))), ("release.yaml:",)),
    "UTF-16": (lambda p: p.write_text(p.read_text(), "utf-16"), ("release.yaml", "UTF-16")),
    "huge": (lambda p: p.write_bytes(b"a: 1\n" * 300_000), ("release.yaml", "larger than 1024 KiB")),
    "JSON list": (lambda p: p.write_bytes(b"[1, 2]"), ("release.yaml",)),
    "a number": (lambda p: p.write_bytes(b"7"), ("release.yaml",)),
}


@pytest.mark.parametrize("what", ["release.yaml", "policy.yaml"])
@pytest.mark.parametrize("name", NO_RELEASE)
def test_release_or_policy_that_is_none(world: World, what: str, name: str) -> None:
    """A release or policy that is missing, empty, a folder or no text is exit 2, named by its file."""
    broken, says = NO_RELEASE[name]
    broken(world.home / what)  # type: ignore[arg-type]  # these take the path
    if (name, what) in {
        ("missing", "policy.yaml"),
        ("a dangling link", "policy.yaml"),
        ("a folder", "policy.yaml"),
        ("a pipe", "policy.yaml"),
        ("a device", "policy.yaml"),
    }:
        says = ("policy.yaml",)
    refused(world, world.run(), says=[one.replace("release.yaml", what) for one in says])


@pytest.mark.parametrize(
    "given", ["nowhere.yaml", "nowhere", "baseline@9", "../elsewhere/x.yaml", "/dev/zero", "."]
)
def test_policy_that_is_not_there(world: World, given: str) -> None:
    """A policy that is named and is not there ends the run; none is judged by another policy."""
    refused(world, world.run("--policy", given), says=(given.partition("@")[0],))


class TestOut:
    """Reports go to --out, whole, and nowhere else."""

    def test_linked_out(self, world: World) -> None:
        """An --out that is a link is refused, so that a checkout cannot redirect the reports."""
        target = world.root / "elsewhere" / "reports"
        shutil.move(world.folder, target)
        world.folder.symlink_to(target)
        done = world.run()
        assert done.code == 2, done.said
        assert "mlgate-report: is a link" in done.said
        assert done.changed == frozenset()

    def test_out_inside_a_linked_folder(self, world: World) -> None:
        """A link further up, below the folder that mlgate runs in, may be the checkout's: refused too."""
        (world.home / "here").symlink_to("../elsewhere")
        done = world.run("--out", "here/reports")
        assert done.code == 2, done.said
        assert "here: is a link" in done.said
        assert done.changed == frozenset()

    def test_linked_reports(self, world: World) -> None:
        """A report of that name that is a link is replaced, and what it led to is left alone."""
        victim = world.root / "elsewhere" / "secret.csv"
        for name in world.stale:
            (world.folder / name).unlink()
            (world.folder / name).symlink_to(victim)
        done = world.run()
        sound(world, done)
        assert done.code == 0, done.said
        assert not (world.folder / "report.json").is_symlink()

    def test_reports_that_are_folders(self, world: World) -> None:
        """A folder of the name of a report cannot be replaced: exit 2."""
        (world.folder / "report.html").unlink()
        (world.folder / "report.html").mkdir()
        done = world.run()
        assert done.code == 2, done.said
        assert "mlgate-report" in done.said
        assert "Traceback" not in done.said
        assert not (world.folder / "report.json").exists()

    def test_out_is_a_file(self, world: World) -> None:
        """A file where the folder should be is no place for reports."""
        done = world.run("--out", "policy.yaml")
        assert done.code == 2, done.said
        assert "policy.yaml: cannot be written to" in done.said
        assert done.changed == frozenset()

    def test_out_below_a_file(self, world: World) -> None:
        """Neither is a folder below a file."""
        done = world.run("--out", "policy.yaml/reports")
        assert done.code == 2, done.said
        assert done.changed == frozenset()

    def test_out_in_a_folder_that_is_not_there(self, world: World) -> None:
        """Missing folders above --out are made."""
        world.out = "a/b/c"
        done = world.run()
        assert done.code == 0, done.said
        assert done.changed == {"repository/a", "repository/a/b", "repository/a/b/c"}

    def test_unwritable_out(self, world: World) -> None:
        """An --out that cannot be written to ends the run with exit 2 before anything is judged."""
        world.out = "/proc/self/task"
        done = world.run()
        assert done.code == 2, done.said
        assert "/proc/self/task" in done.said
        assert "Traceback" not in done.said

    def test_out_with_control_characters(self, world: World) -> None:
        """A name with escape sequences is printed without them."""
        world.out = "re\x1b[31mport\u202e"
        done = world.run()
        assert done.code == 0
        assert "\x1b" not in done.said
        assert "\u202e" not in done.said

    @pytest.fixture
    def small_disk(self, world: World) -> Iterator[Path]:
        """A file system with room for next to nothing, mounted on --out."""
        for name in world.stale:
            (world.folder / name).unlink()
        (world.folder / "notes.txt").unlink()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(world.folder)],
            capture_output=True,
            check=False,
        )
        if mounted.returncode:
            pytest.skip("this user may not mount a small disk")
        yield world.folder
        subprocess.run(["umount", str(world.folder)], check=True)

    def test_full_disk(self, world: World, small_disk: Path) -> None:
        """Without room for the report there is no approval, and no half of a report."""
        done = world.run()
        assert done.code in (2, 3), done.said
        assert "cannot be written (No space left" in done.said
        assert "Traceback" not in done.said
        assert list(small_disk.iterdir()) == []

    def test_no_file_may_grow(self, world: World) -> None:
        """A limit on the size of files says no as a full disk does, and the old approval is gone."""

        def limited() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

        done = world.call(preexec_fn=limited)
        assert done.code in (2, 3), done.said
        assert "Traceback" not in done.said
        assert done.report is None or done.report["verdict"] != "approved"
        assert not (world.folder / "report.html").exists() or done.report is not None
        assert done.changed == frozenset()

    def test_no_room_for_private_copies(self, world: World) -> None:
        """A temporary directory that cannot be written to is no reason to approve."""
        shutil.rmtree(world.root / "tmp")
        world.environ = {"TMPDIR": str(world.root / "tmp")}
        done = world.run()
        assert done.code in (2, 3), done.said
        assert done.report is None or done.report["verdict"] != "approved"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--as-of", "yesterday"],
        ["--as-of", ""],
        ["--as-of", "9999-12-31T23:59:59-14:00"],
        ["--format", "pdf"],
        ["--format", "html,json,"],
        ["--format", ""],
        ["--format", "html"],
        ["--only", "no-such-check"],
        ["--only", ""],
        ["--checks", "nowhere"],
        [".", ".."],
        ["/"],
        ["--allow-path", "nowhere"],
    ],
    ids=" ".join,
)
def test_argument_that_cannot_be_followed(world: World, arguments: list[str]) -> None:
    """A bad argument leaves no approving report of yesterday behind, whatever it is."""
    done = world.run(*arguments)
    sound(world, done)
    benign = arguments in (["--allow-path", "nowhere"], ["--format", "html,json,"], ["--format", "html"])
    assert done.code == (0 if benign else 2), done.said


def test_only_a_part_never_approves(world: World) -> None:
    """A partial run is undecided at best, and under --advisory approved and never promotable."""
    refused(world, world.run("--only", "performance/*"), 3)
    done = world.run("--only", "performance/*", "--advisory")
    sound(world, done)
    assert (done.code, done.report and done.report["promotable"]) == (0, False)
    world.policy("roc-auc\n    at_least: 0.8", "roc-auc\n    at_least: 0.9999")
    refused(world, world.run("--only", "performance/*", "--advisory"), 1)


def test_advisory_changes_no_full_verdict(world: World) -> None:
    """--advisory neither approves what is blocked nor what is undecided."""
    world.policy("roc-auc\n    at_least: 0.8", "roc-auc\n    at_least: 0.9999")
    refused(world, world.run("--advisory"), 1)
    world.policy("roc-auc\n    at_least: 0.9999", "roc-auc\n    at_least: 0.8")
    world.release("documents: {model_card: MODEL_CARD.md}\n", "")
    refused(world, world.run("--advisory"), 3)


def others(world: World) -> None:
    """Put three more releases beside the first: one blocked, one undecided, one broken."""
    for name, text in {
        "blocked": RELEASE.replace("positive: 1", "positive: 0"),
        "undecided": RELEASE.replace("documents: {model_card: MODEL_CARD.md}\n", ""),
        "broken": RELEASE.replace("data/test.csv", "data/nowhere.csv"),
    }.items():
        (world.home / f"{name}.yaml").write_text(text, "utf-8")


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["release", "broken"], 2),
        (["broken", "release"], 2),
        (["blocked", "undecided"], 1),
        (["undecided", "release"], 3),
        (["blocked", "broken", "undecided"], 2),
    ],
    ids=str,
)
def test_the_worst_of_several_releases_decides(world: World, names: list[str], code: int) -> None:
    """Over several releases the worst of 2 > 1 > 3 > 0 is the exit code, and each has a report of its own."""
    others(world)
    single = {"release": "approved", "broken": None, "blocked": "blocked", "undecided": "undecided"}
    done = world.run(*(f"{name}.yaml" for name in names))
    assert done.code == code, done.said
    assert done.report is None
    for name in names:
        report = json.loads((world.folder / name / "report.json").read_bytes())
        assert report["verdict"] == single[name], name


def test_interrupt_leaves_no_approval(world: World) -> None:
    """Ctrl-C ends the run with 130; the old approval is gone, and so are the private copies."""
    text = world.data.read_text("utf-8")
    header, _, body = text.partition("\n")
    world.data.write_text(header + "\n" + body * 3000, "utf-8")
    process = world.start()
    while (world.folder / "report.json").exists():
        time.sleep(0.02)
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert not (world.folder / "report.json").exists()
    assert not (world.folder / "report.html").exists()
    assert list((world.root / "tmp").iterdir()) == []


@needs_git
def test_repository_with_programs_in_its_git_settings(world: World) -> None:
    """The .git folder of a release is as hostile as the rest: nothing that it names is run."""
    marker = world.root / "elsewhere" / "pwned"
    run = f"sh -c 'touch {marker}'"
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", str(world.home)]
    (world.home / ".gitattributes").write_text("* filter=evil diff=evil\n", "utf-8")
    for command in (["init", "-q"], ["add", "*.yaml", "data"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *command], check=True)
    for name in (
        "filter.evil.clean",
        "filter.evil.process",
        "diff.evil.textconv",
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "credential.helper",
        "diff.external",
    ):
        subprocess.run([*git, "config", name, run], check=True)
    for hook in ("post-index-change", "pre-commit", "fsmonitor-watchman", "reference-transaction"):
        path = world.home / ".git" / "hooks" / hook
        path.write_text(f"#!/bin/sh\n{run}\n", "utf-8")
        path.chmod(0o755)
    os.utime(world.home / "policy.yaml", (1, 1))
    done = world.run()
    assert not marker.exists()
    sound(world, done)
    assert done.code == 0, done.said
    assert done.report is not None
    assert done.report["source"]["dirty"] is False


@needs_git
def test_repository_that_would_fetch(world: World) -> None:
    """A repository that lacks an object names a program that fetches it; that is not run either."""
    marker = world.root / "elsewhere" / "pwned"
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", str(world.home)]
    for command in (["init", "-q"], ["add", "*.yaml", "data"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *command], check=True)
    found = subprocess.run([*git, "rev-parse", "HEAD^{tree}"], capture_output=True, check=True, text=True)
    tree = found.stdout.strip()
    (world.home / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    for name, value in {
        "core.repositoryformatversion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.url": f"file://{world.root}/elsewhere",
        "remote.origin.promisor": "true",
        "remote.origin.uploadpack": f"sh -c 'touch {marker}'",
        "protocol.file.allow": "always",
        "protocol.allow": "always",
    }.items():
        subprocess.run([*git, "config", name, value], check=True)
    done = world.run()
    assert not marker.exists()
    sound(world, done)
    assert done.report is not None
    assert done.report["source"]["dirty"] is None
