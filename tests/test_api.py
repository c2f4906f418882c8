"""The gate from Python: what `run` takes, and what `load_report` gives back."""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

import mlgate

CHECK = """\
id: custom/mine
title: Most rows are right
since: "0.1"
lifecycle: stable
measure: performance.accuracy
params: {}
tasks: [binary]
needs: [label, prediction]
kind: estimate
better: higher
unit: "1"
severity: block
why: Because.
fix: {effort: low, text: Mend it.}
maps_to: []
sources: [none]
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A release, a policy with a check of its own, and the check."""
    (tmp_path / "rows.csv").write_text("y,p\n" + "1,0.9\n0,0.1\n" * 90)
    (tmp_path / "release.yaml").write_text(
        'mlgate: 1\nname: m\nversion: "1"\ntask: binary\ndata: {evaluation: {path: rows.csv}}\n'
        "columns: {label: y, score: p}\n"
    )
    (tmp_path / "policy.yaml").write_text(
        "mlgate: 1\npolicy: p\nchecks: [{check: custom/mine, at_least: 0.7}]\n"
    )
    (tmp_path / "checks" / "custom").mkdir(parents=True)
    (tmp_path / "checks" / "custom" / "mine.yaml").write_text(CHECK)
    return tmp_path


def test_one_folder_of_checks_may_be_text(home: Path) -> None:
    """`checks="checks"` is a folder, not six of them."""
    report = mlgate.run(home / "release.yaml", home / "policy.yaml", checks=str(home / "checks"))
    assert report.errors == ()
    assert report.verdict is mlgate.Verdict.APPROVED
    assert report.finding("custom/mine").outcome is mlgate.Outcome.PASS


def test_a_report_that_was_written_reads_back_equal(home: Path) -> None:
    """What `run` returns is what it wrote."""
    report = mlgate.run(home / "release.yaml", home / "policy.yaml", checks=home / "checks", out=home / "out")
    assert mlgate.load_report(home / "out" / "report.json") == report


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda _: None, "cannot be read"),
        (lambda path: path.mkdir(), "give .*report.json"),
        (lambda path: path.write_text("hello"), "is not JSON"),
        (lambda path: path.write_text("{}"), "schema is None"),
    ],
    ids=["absent", "folder", "text", "other JSON"],
)
def test_what_is_no_report_is_an_error_that_names_it(
    make: Callable[[Path], object], says: str, tmp_path: Path
) -> None:
    """A bare FileNotFoundError or a nameless JSON error would help nobody."""
    path = tmp_path / "some.json"
    make(path)
    with pytest.raises(mlgate.MlgateError, match=says) as caught:
        mlgate.load_report(path)
    assert str(path) in str(caught.value)


def test_it_knows_its_version() -> None:
    """As packages do."""
    assert mlgate.__version__ == metadata.version("mlgate")
