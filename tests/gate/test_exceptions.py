"""Exceptions: some slices are held to another limit, in the open, and nothing else is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import mlgate
from mlgate.findings import Finding, Outcome, Verdict

ROWS = {("north", "new"): 0.6, ("north", "old"): 0.95, ("south", "new"): 0.95, ("south", "old"): 0.95}
"""Share of right decisions in each part of the table."""

RIGHT_IN_NORTH = {"where": {"region": "north"}, "at_least": 0.7, "because": "thin data until Q3"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a release of four parts of 1000 rows, one of them worse than the rest."""
    lines = ["y,d,region,age,line"]
    for (region, line), right in ROWS.items():
        for number in range(1000):
            label = number % 2
            decision = label if number < 1000 * right else 1 - label
            lines.append(f"{label},{decision},{region},{20 + number % 40},{line}")
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    release = {
        "mlgate": 1,
        "name": "m",
        "version": "1",
        "task": "binary",
        "data": {"evaluation": {"path": "t.csv"}},
        "columns": {"label": "y", "prediction": "d"},
    }
    (tmp_path / "release.yaml").write_text(json.dumps(release))
    return tmp_path


def judged(folder: Path, *exceptions: dict[str, Any], **use: Any) -> mlgate.Report:
    """Judge accuracy of at least 0.85 in every region, but for the exceptions."""
    entry = {"check": "performance/accuracy", "at_least": 0.85, "slices": ["region"], **use}
    if exceptions:
        entry["except"] = list(exceptions)
    (folder / "policy.yaml").write_text(json.dumps({"mlgate": 1, "policy": "p", "checks": [entry]}))
    return mlgate.run(folder / "release.yaml", folder / "policy.yaml")


def of(report: mlgate.Report, **piece: str) -> Finding:
    """Return the finding of one slice."""
    return next(one for one in report.findings if one.slice == piece)


def test_an_exception_lets_its_slice_through_and_says_so(folder: Path) -> None:
    """North is right in 0.775 of the rows: too little for 0.85, enough for the exception."""
    assert of(judged(folder), region="north").outcome is Outcome.FAIL
    report = judged(folder, RIGHT_IN_NORTH)
    north, south = of(report, region="north"), of(report, region="south")
    assert (north.outcome, north.limit.value) == (Outcome.PASS, 0.7)
    assert north.because == "Exception for region = north (elsewhere at least 0.85): thin data until Q3"
    assert (south.limit.value, south.because) == (0.85, None)
    assert report.finding("performance/accuracy").limit.value == 0.85
    assert report.verdict is Verdict.APPROVED


def test_an_exception_still_has_a_limit(folder: Path) -> None:
    """A slice that does not keep to its own exception blocks."""
    report = judged(folder, {**RIGHT_IN_NORTH, "at_least": 0.8})
    assert of(report, region="north").outcome is Outcome.FAIL
    assert report.verdict is Verdict.BLOCKED


def test_of_several_exceptions_the_strictest_holds(folder: Path) -> None:
    """Two that both cover a slice do not add up to the laxer one."""
    new = {"where": {"line": "new"}, "at_least": 0.5, "because": "young line"}
    report = judged(folder, RIGHT_IN_NORTH, new, slices=[["region", "line"]])
    assert of(report, region="north", line="new").limit.value == 0.7
    assert of(report, region="north", line="new").outcome is Outcome.FAIL
    assert of(report, region="south", line="new").limit.value == 0.5
    assert of(report, region="south", line="old").limit.value == 0.85


def test_an_exception_for_a_bin_and_for_a_number(folder: Path) -> None:
    """Bins are named as the report names them, numbers as they are written in the table."""
    for_bin = {"where": {"age": ">= 30"}, "at_least": 0.1, "because": "a test"}
    report = judged(folder, for_bin, slices=[{"age": [30]}])
    assert of(report, age=">= 30").limit.value == 0.1
    assert of(report, age="< 30").limit.value == 0.85
    for_number = {"where": {"age": 20.0}, "at_least": 0.1, "because": "a test"}
    assert of(judged(folder, for_number, slices=["age"]), age="20").limit.value == 0.1


def test_an_exception_for_nothing_changes_nothing(folder: Path) -> None:
    """A value that no row has is no reason to hold other rows to less."""
    nowhere = {**RIGHT_IN_NORTH, "where": {"region": "North"}}
    report = judged(folder, nowhere)
    assert of(report, region="north").outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("exception", "use", "words"),
    [
        ({"where": {"regoin": "north"}}, {}, "did you mean 'region'"),
        ({}, {"slices": []}, "no slice is made of that"),
        ({"at_least": None, "at_most": 0.9}, {}, "wrong way round"),
        ({"at_least": None, "between": [0.1, 0.9]}, {}, "use the same for both"),
        ({"because": None}, {}, "because"),
        ({"where": {}}, {}, "where"),
        ({"at_least": None}, {}, "one limit"),
        ({"at_least": float("nan")}, {}, "number"),
    ],
)
def test_what_is_no_exception_is_refused(
    folder: Path, exception: dict[str, Any], use: dict[str, Any], words: str
) -> None:
    """Misspelt, it would do nothing; of another kind, nobody could compare it with the limit."""
    given = {name: value for name, value in {**RIGHT_IN_NORTH, **exception}.items() if value is not None}
    report = judged(folder, given, **use)
    assert report.verdict is None
    assert words in "; ".join(map(str, report.errors))


def test_an_exception_on_an_inherited_use_is_a_weakening(folder: Path) -> None:
    """Who extends a policy and excepts a slice of it asks less, and the report says where."""
    judged(folder)
    (folder / "policy.yaml").rename(folder / "parent.yaml")
    entry = {"id": "performance/accuracy", "except": [RIGHT_IN_NORTH]}
    child = {"mlgate": 1, "policy": "child", "extends": ["./parent.yaml"], "checks": [entry]}
    (folder / "policy.yaml").write_text(json.dumps(child))
    report = mlgate.run(folder / "release.yaml", folder / "policy.yaml")
    assert [one for one in report.policy.weakened if "region=north: at least 0.7" in one]
    assert of(report, region="north").outcome is Outcome.PASS


def test_a_new_limit_takes_back_the_exceptions_from_the_old_one(folder: Path) -> None:
    """They were granted against another number."""
    judged(folder, RIGHT_IN_NORTH)
    (folder / "policy.yaml").rename(folder / "parent.yaml")
    entry = {"id": "performance/accuracy", "at_least": 0.9}
    child = {"mlgate": 1, "policy": "child", "extends": ["./parent.yaml"], "checks": [entry]}
    (folder / "policy.yaml").write_text(json.dumps(child))
    report = mlgate.run(folder / "release.yaml", folder / "policy.yaml")
    assert of(report, region="north").limit.value == 0.9
