"""A report whose findings say that the model wants training again: it says so, and the verdict stands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlgate.errors import ContentError
from mlgate.findings import Finding, Outcome, Report
from mlgate.render import html, record, terminal


def again(report: Report, **changes: object) -> Report:
    """Return the report with its first failing finding asking for training."""
    first = next(one for one in report.findings if one.outcome is Outcome.FAIL)
    asking: Finding = replace(first, retrain=True, against="train")
    findings = tuple(asking if one is first else one for one in report.findings)
    return record.identified(replace(report, findings=findings, retrain=True, **changes))  # type: ignore[arg-type]


def test_it_is_said_and_changes_no_exit_code(blocked: Report) -> None:
    """In the record, on the terminal and on the page."""
    report = again(blocked)
    (asking,) = [one for one in report.findings if one.retrain]
    assert report.exit_code is blocked.exit_code
    assert terminal.summary(report).splitlines()[-1] == f"retrain: {asking.id}"
    page = html.to_html(report)
    assert f"The model wants training again, by {asking.id}." in page
    assert "compared with table train" in page
    assert record.from_json(record.to_json(report)).retrain


def test_nothing_is_said_where_nothing_asks(blocked: Report) -> None:
    """Most checks say nothing of training."""
    assert "retrain:" not in terminal.summary(blocked)
    assert "training again" not in html.to_html(blocked)


@pytest.mark.parametrize("said", [True, False])
def test_a_report_that_contradicts_its_findings_is_refused(blocked: Report, said: bool) -> None:
    """Neither a claim that no finding makes, nor one that is left out."""
    report = record.identified(replace(blocked if said else again(blocked), retrain=said))
    with pytest.raises(ContentError, match=f"retrain is {str(said).lower()}, and its findings say otherwise"):
        record.from_json(record.to_json(report))


def test_what_did_not_fail_asks_for_nothing(blocked: Report) -> None:
    """A passing finding that says to train again was written by something else."""
    passed = next(one for one in blocked.findings if one.outcome is Outcome.PASS)
    findings = tuple(replace(one, retrain=True) if one is passed else one for one in blocked.findings)
    report = record.identified(replace(blocked, findings=findings, retrain=True))
    with pytest.raises(ContentError, match="a finding says to train again that did not fail"):
        record.from_json(record.to_json(report))
