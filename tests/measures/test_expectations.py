"""A suite of expectations as the gate judges it: what counts, what is not measured, and what is never said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import mlgate
from mlgate.findings import Finding, Report

ROWS = "y,age,sex,empty\n" + "".join(f"{i % 2},{20 + i},{'fm'[i % 2]},\n" for i in range(10))
MET = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "y"}}
UNMET = {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "sex", "value_set": ["f"]}}
VACUOUS = {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "empty"}}


def judged(
    folder: Path, expectations: list[Any], use: dict[str, Any] | None = None, rows: str = ROWS
) -> Report:
    """Judge a suite with the gate."""
    release = {
        "mlgate": 1,
        "name": "r",
        "version": "1",
        "task": "binary",
        "data": {"evaluation": {"path": "rows.csv"}},
        "columns": {"label": "y"},
        "expectations": {"people": "people.json"},
    }
    policy = {"mlgate": 1, "policy": "p", "checks": [{"check": "data/expectations", **(use or {})}]}
    (folder / "rows.csv").write_text(rows, encoding="utf-8")
    for name, data in (
        ("people.json", {"name": "people", "expectations": expectations}),
        ("release.yaml", release),
        ("policy.yaml", policy),
    ):
        (folder / name).write_text(json.dumps(data), encoding="utf-8")
    return mlgate.run(folder / "release.yaml", folder / "policy.yaml")


def finding(report: Report) -> Finding:
    """Return the finding of the suite."""
    assert report.errors == ()
    (found,) = report.findings
    return found


def test_every_expectation_is_a_line_with_its_counts(tmp_path: Path) -> None:
    """Type, column, arguments, what is unexpected, and who judged it."""
    mean = {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "age", "max_value": 20}}
    found = finding(judged(tmp_path, [MET, {**UNMET, "severity": "warning"}, mean]))
    assert (found.outcome.value, found.value, found.n) == ("fail", 2, 10)
    second, third, first = found.groups  # what is not met comes first
    assert dict(second.group) == {
        "expectation": "2. expect_column_values_to_be_in_set",
        "column": "sex",
        "arguments": 'value_set=["f"]',
        "severity": "warning",
        "run by": "mlgate",
    }
    assert (second.value, second.numerator, second.denominator) == (0.5, 5, 10)
    assert second.reason == "not met; 5 unexpected"
    assert [one.rate for one in found.groups] == ["not met", "not met", "met"]
    assert (first.value, first.reason) == (0, None)  # what is met is no reason to fail
    assert (third.group["run by"], third.value, third.reason) == ("great_expectations", 1, "not met")


@pytest.mark.parametrize("engine", ["auto", "gx"])
def test_success_on_no_value_is_none(tmp_path: Path, engine: str) -> None:
    """Great Expectations calls it a success; the gate says that nothing was judged, unless something is not met."""
    found = finding(judged(tmp_path, [MET, VACUOUS], {"params": {"engine": engine}}))
    assert (found.outcome.value, found.value) == ("not_measured", None)
    assert "1 of 2 expectations could not be judged: 2. expect_column_values_to_be_unique" in (
        found.reason or ""
    )
    found = finding(judged(tmp_path, [UNMET, VACUOUS], {"params": {"engine": engine}}))
    assert (found.outcome.value, found.value) == ("fail", 2)


def test_a_limit_above_zero_is_not_met_by_what_could_not_be_judged(tmp_path: Path) -> None:
    """Beside one that is not met, what was not judged counts as not met."""
    use = {"at_most": 1}
    assert finding(judged(tmp_path, [MET, UNMET], use)).outcome.value == "pass"
    assert finding(judged(tmp_path, [MET, UNMET, VACUOUS], use)).outcome.value == "fail"


def test_the_author_cannot_make_an_expectation_count_less(tmp_path: Path) -> None:
    """Severity is the author's word: all expectations count, unless the policy says which do."""
    info = {**UNMET, "severity": "info"}
    assert finding(judged(tmp_path, [MET, info])).outcome.value == "fail"
    assert finding(judged(tmp_path, [MET, info], {"params": {"severity": "warning"}})).outcome.value == "pass"
    found = finding(judged(tmp_path, [info], {"params": {"severity": "critical"}}))
    assert found.outcome.value == "not_measured"
    assert "no expectation" in (found.reason or "")


def test_the_policy_may_name_the_bytes_of_the_suite(tmp_path: Path) -> None:
    """A suite that was changed is not the one that was agreed upon."""
    report = judged(tmp_path, [MET])
    (record,) = [one for one in report.evidence if one.name == "expectations.people"]
    assert record.sha256 is not None
    use = {"params": {"sha256": record.sha256.upper()}}
    assert finding(judged(tmp_path, [MET], use)).outcome.value == "pass"
    assert finding(judged(tmp_path, [MET, MET], use)).outcome.value == "not_measured"


@pytest.mark.parametrize(
    ("expectations", "use", "said"),
    [
        ([{**MET, "kwargs": {"column": "x"}}], {}, "people.json: expectations[0].kwargs: "),
        ([{"type": "expect_magic", "kwargs": {}}], {}, "people.json: expectations[0]: 'expect_magic'"),
        ([MET], {"params": {"suite": "peeple"}}, "did you mean 'people'?"),
        ([MET], {"params": {"engine": "spark"}}, "engine"),
        ([MET], {"slices": ["sex"]}, "cannot be sliced"),
    ],
)
def test_what_is_wrong_ends_the_run(
    tmp_path: Path, expectations: list[Any], use: dict[str, Any], said: str
) -> None:
    """Nothing is judged, and the place is told."""
    report = judged(tmp_path, expectations, use)
    assert report.verdict is None
    assert any(said in str(one) for one in report.errors), report.errors


def test_one_of_several_suites_has_to_be_named(tmp_path: Path) -> None:
    """No suite is taken at random."""
    judged(tmp_path, [MET])
    release = json.loads((tmp_path / "release.yaml").read_text())
    release["expectations"] = {"a": "people.json", "b": "people.json"}
    (tmp_path / "release.yaml").write_text(json.dumps(release))
    report = mlgate.run(tmp_path / "release.yaml", tmp_path / "policy.yaml")
    assert "the release has 2 suites" in str(report.errors[0])
    assert "a, b" in str(report.errors[0])


def test_no_value_of_the_data_is_in_the_report(tmp_path: Path) -> None:
    """Neither of what is unexpected, nor in what Great Expectations says when it fails."""
    rows = "y,name\n1,Ada Lovelace\n0,Alan Turing\n"
    asked = [
        {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "name", "value_set": ["nobody"]}},
        {"type": "expect_column_values_to_be_json_parseable", "kwargs": {"column": "name"}},
        {
            "type": "expect_column_most_common_value_to_be_in_set",
            "kwargs": {"column": "name", "value_set": ["x"]},
        },
        {"type": "expect_column_sum_to_be_between", "kwargs": {"column": "name", "min_value": 1}},
    ]
    for engine in ("auto", "gx"):
        report = judged(tmp_path, asked, {"params": {"engine": engine}}, rows)
        assert finding(report).outcome.value == "fail"
        assert "Ada" not in repr(report)
        assert "Turing" not in repr(report)


def test_the_order_of_rows_and_expectations_changes_no_outcome(tmp_path: Path) -> None:
    """Lines come worst first, then in the order of the suite."""
    header, *lines = ROWS.splitlines()
    turned = "\n".join([header, *reversed(lines)]) + "\n"
    asked = [
        UNMET,
        MET,
        {"type": "expect_column_median_to_be_between", "kwargs": {"column": "age", "min_value": 24}},
    ]
    there = finding(judged(tmp_path, asked))
    back = finding(judged(tmp_path, asked, rows=turned))
    assert there.groups == back.groups
    other = finding(judged(tmp_path, asked[::-1]))
    assert [one.value for one in other.groups] == [one.value for one in there.groups]
