"""Policies that name a legal frame: they reach the numbers that the frame's own texts give, and say its name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

import mlgate
from mlgate.findings import Outcome, Verdict
from mlgate.render.html import to_html

HIRED = {"White": (48, 80), "Black": (12, 40)}
"""Hired and applied, in the example of question 11 of "Questions and Answers" on the Uniform Guidelines,
44 Fed. Reg. 11996 (1979): rates of 60 % and 30 %, a ratio of one half."""


def judged(
    folder: Path, policy: str, selected: Mapping[str, tuple[int, int]], times: int = 1
) -> mlgate.Report:
    """Judge selections of each group by a shipped policy, the counts taken `times` over."""
    rows = [
        f"{number % 2},{int(number < times * hired)},{0.9 if number < times * hired else 0.2},{race}"
        for race, (hired, applied) in selected.items()
        for number in range(times * applied)
    ]
    (folder / "t.csv").write_text("\n".join(["good,hired,p,race", *rows]) + "\n")
    release = {
        "mlgate": 1,
        "name": "screening",
        "version": "1",
        "task": "binary",
        "data": {"evaluation": {"path": "t.csv"}},
        "columns": {"label": "good", "score": "p", "prediction": "hired", "protected": ["race"]},
    }
    (folder / "release.yaml").write_text(json.dumps(release))
    return mlgate.run(folder / "release.yaml", policy)


def test_the_guidelines_own_example_is_adverse_impact(tmp_path: Path) -> None:
    """A ratio of one half is under four fifths, and 120 people are enough to say so."""
    report = judged(tmp_path, "hiring-impact-ratio", HIRED)
    found = report.finding("fairness/impact-ratio[race]")
    assert found.value == pytest.approx(0.5)
    assert (found.outcome, found.params["frame"]) == (Outcome.FAIL, "29 CFR 1607.4(D)")
    assert report.verdict is Verdict.BLOCKED
    assert report.policy is not None
    assert "safe harbour" in report.policy.about["hiring-impact-ratio"]
    assert "safe harbour" in to_html(report)


def test_few_people_decide_nothing(tmp_path: Path) -> None:
    """Two truly equal groups of 30 may well show 0.75; the policy does not call that adverse impact."""
    report = judged(tmp_path, "hiring-impact-ratio", {"a": (12, 30), "b": (9, 30)})
    found = report.finding("fairness/impact-ratio[race]")
    assert found.value == pytest.approx(0.75)
    assert found.outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(("approved", "warned"), [((440, 500), True), ((490, 500), False)])
def test_fair_lending_warns_below_nine_tenths(
    tmp_path: Path, approved: tuple[int, int], warned: bool
) -> None:
    """Above four fifths by a wide margin it passes; the second band still points at it."""
    report = judged(tmp_path, "fair-lending", {"a": (495, 500), "b": approved}, times=2)
    found = report.finding("fairness/impact-ratio[race]")
    assert found.outcome is Outcome.PASS
    assert found.warned is warned
