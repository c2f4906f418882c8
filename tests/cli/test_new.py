"""`mlgate new check`: what it writes loads, and its examples hold or say that they are a sketch."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from mlgate import catalogue, measures
from mlgate.cli.new import SKETCH, command
from mlgate.errors import ContentError
from mlgate.testing import cases, check_case


def new(folder: Path, measure: str) -> tuple[Path, Path]:
    """Write a check of a measure; return the folders of checks and cases."""
    checks, examples = folder / "checks", folder / "cases"
    arguments = [
        "check",
        "custom/mine",
        "--measure",
        measure,
        "--checks",
        str(checks),
        "--cases",
        str(examples),
    ]
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    return checks, examples


@pytest.mark.parametrize("measure", sorted(measures.catalogue()))
def test_what_it_writes_loads(measure: str, tmp_path: Path) -> None:
    """The check fits its measure, is not a preview, and the case file has every heading."""
    checks, examples = new(tmp_path, measure)
    check = catalogue.load([checks])["custom/mine"]
    assert (check.measure.id, check.lifecycle) == (measure, "stable")
    assert [one.example.expect for one in cases(examples)] == ["pass", "fail", "not_measured"]


@pytest.mark.parametrize("measure", ["performance.precision", "performance.brier", "fairness.accuracy_gap"])
def test_its_examples_hold_as_they_are(measure: str, tmp_path: Path) -> None:
    """Where right and wrong rows are known, the sketch can be run at once."""
    checks, examples = new(tmp_path, measure)
    assert SKETCH not in (examples / "custom" / "mine.yaml").read_text()
    for case in cases(examples):
        check_case(case, checks=[checks])


@pytest.mark.parametrize(
    ("measure", "holds"),
    [
        ("data.row_count", "use: {at_least: 10}"),
        ("data.unique_key", "use: {at_most: 0}"),
        ("documentation.model_card", "documents: {model_card: model_card.md}"),
        ("documentation.owners", "use: {holds: true}"),
        ("performance.expected_cost", "at_most: 0.4"),
        ("performance.calibration_slope", "between: [0.8, 1.25]"),
    ],
)
def test_a_sketch_says_that_it_is_one(measure: str, holds: str, tmp_path: Path) -> None:
    """Where it cannot be guessed, the limit has the form that the measure takes, and a comment warns."""
    text = (new(tmp_path, measure)[1] / "custom" / "mine.yaml").read_text()
    assert SKETCH in text
    assert holds in text


def test_groups_need_a_protected_column(tmp_path: Path) -> None:
    """A measure over groups gets a table with groups."""
    text = (new(tmp_path, "fairness.worst_group")[1] / "custom" / "mine.yaml").read_text()
    assert "protected: [g]" in text
    assert "y,p,g" in text


def test_the_id_of_a_check_is_taken_for_its_measure(tmp_path: Path) -> None:
    """`performance/precision` is a check; its measure is suggested."""
    with pytest.raises(ContentError, match=r"did you mean 'performance\.precision'\?"):
        new(tmp_path, "performance/precision")
