"""What `mlgate run` tells besides the findings: each problem once, and advice on stderr."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RELEASE = """\
mlgate: 1
name: m
version: "1"
task: binary
data: {evaluation: {path: data/test.csv}}
columns: {label: y, score: p}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A release that is right in nine of ten rows."""
    (tmp_path / "data").mkdir()
    rows = "1,0.9\n0,0.1\n" * 90 + "1,0.1\n0,0.9\n" * 10
    (tmp_path / "data" / "test.csv").write_text(f"y,p\n{rows}")
    (tmp_path / "release.yaml").write_text(RELEASE)
    policy(tmp_path, "{check: performance/accuracy, at_least: 0.7}")
    return tmp_path


def policy(home: Path, *uses: str) -> None:
    """Write a policy with these uses."""
    checks = "".join(f"  - {use}\n" for use in uses)
    (home / "policy.yaml").write_text(f"mlgate: 1\npolicy: p\nchecks:\n{checks}")


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does."""
    code = "import sys; from mlgate.cli import main; sys.argv[0] = 'mlgate'; main()"
    command = [sys.executable, "-c", code, "run", *arguments]
    return subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)


def test_a_problem_is_told_once(home: Path) -> None:
    """On stderr; standard output keeps the verdict."""
    (home / "release.yaml").write_text(RELEASE.replace("data/test.csv", "data/tset.csv"))
    done = run(home)
    assert done.returncode == 2
    assert done.stdout == "Nothing was judged: 1 problem in what was given\n"
    assert done.stderr.count("does not exist") == 1
    assert "did you mean 'data/test.csv'?" in done.stderr


def test_a_required_check_that_decides_nothing_is_advised_on(home: Path) -> None:
    """It changes no verdict; one that only warns is no concern."""
    policy(
        home,
        "{check: performance/accuracy, at_least: 0}",
        "{check: performance/recall, at_least: 0, severity: warn}",
    )
    done = run(home)
    assert done.returncode == 0
    assert done.stderr.count("advice: ") == 1
    assert "advice: policy.yaml:4: performance/accuracy cannot fail" in done.stderr


def test_what_failed_is_told_with_what_to_do(home: Path) -> None:
    """No report has to be opened to see what is wrong."""
    policy(home, "{check: performance/accuracy, at_least: 0.99}")
    done = run(home)
    assert done.returncode == 1
    assert "\nFailed:\n  performance/accuracy: 0.900 is below the limit 0.99; " in done.stdout
    assert "\n    to do: " in done.stdout
    assert ">= 0.99 -0.02" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["policy.yaml"], "error: policy.yaml: is a policy, not a release; "),
        (["--policy", "release.yaml"], "error: release.yaml: is a release, not a policy; "),
    ],
)
def test_files_that_are_swapped_are_told_in_one_line(home: Path, arguments: list[str], says: str) -> None:
    """Not as a list of all keys that the other kind of file does not have."""
    done = run(home, *arguments)
    assert done.returncode == 2
    assert done.stderr.count("error: ") == 1
    assert says in done.stderr


def test_a_missing_policy_names_the_one_that_is_there(home: Path) -> None:
    """`baseline` needs no file."""
    (home / "policy.yaml").unlink()
    assert "or `--policy baseline`" in run(home).stderr


@pytest.mark.parametrize(
    ("score", "says"),
    [
        ('"0,252"', "'0,252' is no number; write a decimal point in place of the comma"),
        ("12.3%", "'12.3%' is no number; take away the % sign"),
    ],
)
def test_numbers_written_for_people_get_their_mend(home: Path, score: str, says: str) -> None:
    """The line and what to change."""
    (home / "data" / "test.csv").write_text(f"y,p\n1,0.5\n0,{score}\n")
    (home / "release.yaml").write_text(RELEASE.replace("test.csv}", "test.csv, types: {p: number}}"))
    assert says in run(home).stderr


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("mlgate: 1\n", "", "add `mlgate: 1`"),
        ("task: binary\n", "task: binary\nthreshold: 0,75\n", "write 0.75"),
    ],
)
def test_common_slips_get_their_mend(home: Path, before: str, after: str, says: str) -> None:
    """A missing version of the format, and a decimal comma."""
    (home / "release.yaml").write_text(RELEASE.replace(before, after))
    assert says in run(home).stderr


def test_a_path_outside_names_the_folder_that_it_left(home: Path) -> None:
    """Whoever has several checkouts sees which one counts."""
    (home / "release.yaml").write_text(RELEASE.replace("data/test.csv", "../test.csv"))
    assert f"lies outside the repository of the release, folder '{home.name[:50]}" in run(home).stderr
