"""The verdicts that the cases call robust, and which of them noise leaves open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlgate.findings import Finding
from tests.oracles.conftest import BINARY, MODELS, Judge, case, columns

CHECKS = {
    "roc_auc": "performance/roc-auc",
    "accuracy": "performance/accuracy",
    "recall": "performance/recall",
    "ece": "performance/calibration-error",
    "demographic parity difference": "fairness/demographic-parity-difference",
    "equalized odds difference": "fairness/equalized-odds-difference",
    "equal opportunity difference": "fairness/equal-opportunity-difference",
    "four-fifths impact ratio, favourable outcome": "fairness/impact-ratio",
}
LIST = Path(__file__).with_name("inconclusive.txt")
"""One line for each verdict that a point estimate decides and an interval leaves open."""

OPS = {">=": "at_least", "<=": "at_most"}
OUTCOMES = {"pass": "pass", "fail": "fail", "not assessable": "not_measured"}


def entries(facts: dict[str, Any], model: str) -> list[dict[str, Any]]:
    """Return the case's verdicts for one model that a tool is held to."""
    return [
        one
        for one in facts["expected_verdicts"]
        if one.get("model") == model
        and one["check"] in CHECKS
        and (one.get("robust") or one["verdict"] == "not assessable")
    ]


def uses(wanted: list[dict[str, Any]], decision: str) -> list[dict[str, Any]]:
    """Return one use for each verdict, with the groups and the smallest group of the case."""
    found = []
    for number, one in enumerate(wanted):
        op, limit = one["threshold"].split()
        groups = {"groups": [one["sensitive"]]} if "sensitive" in one else {}
        smallest = {"min_group": 30 if one.get("groups") == "n>=30" else 1, "min_judged": 0} if groups else {}
        found.append(
            {
                "check": CHECKS[one["check"]],
                "id": f"use-{number}",
                OPS[op]: float(limit),
                "decision": decision,
                **groups,
                **smallest,
            }
        )
    return found


def findings(
    shared_data: Path, name: str, model: str, judge: Judge, decision: str
) -> list[tuple[dict[str, Any], Finding]]:
    """Judge every verdict of one case and model, and pair it with its finding."""
    facts = case(shared_data, name)
    wanted = entries(facts, model)
    report = judge(shared_data / name / "test.csv", columns(facts, model), uses(wanted, decision))
    return [
        (one, report.finding(f"use-{number}" + (f"[{one['sensitive']}]" if "sensitive" in one else "")))
        for number, one in enumerate(wanted)
    ]


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("model", MODELS)
def test_point_decisions_are_the_robust_verdicts(
    name: str, model: str, shared_data: Path, judge: Judge
) -> None:
    """Under `decision: point` each verdict that does not hang on a definition is the case's."""
    found = findings(shared_data, name, model, judge, "point")
    assert found
    wrong = [
        (one, finding.outcome.value, finding.value, finding.reason)
        for one, finding in found
        if finding.outcome.value != OUTCOMES[one["verdict"]]
    ]
    assert not wrong


@pytest.mark.parametrize("decision", ["guard", "bound"])
@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("model", MODELS)
def test_noise_leaves_open_what_the_list_says_and_turns_nothing_round(
    name: str, model: str, decision: str, shared_data: Path, judge: Judge
) -> None:
    """An interval may leave a verdict open, and `inconclusive.txt` lists each; none becomes its opposite."""
    found = findings(shared_data, name, model, judge, decision)
    opposite = {"pass": "fail", "fail": "pass"}
    turned = [
        (one, finding.value, finding.interval)
        for one, finding in found
        if finding.outcome.value == opposite.get(one["verdict"])
    ]
    assert not turned
    lines = [line(name, model, decision, one, f) for one, f in found if f.outcome.value == "inconclusive"]
    prefix = f"{name} {model} {decision}: "
    listed = [known for known in LIST.read_text(encoding="utf-8").splitlines() if known.startswith(prefix)]
    assert lines == listed


def line(name: str, model: str, decision: str, one: dict[str, Any], finding: Finding) -> str:
    """Say on one line what stays open, on which side the estimate is, and what would settle it."""
    groups = f" by {one['sensitive']} ({one['groups']})" if "sensitive" in one else ""
    assert finding.value is not None
    assert finding.interval is not None
    assert finding.leans is not None
    low, high = finding.interval
    rows = f"{finding.needed_n} rows" if finding.needed_n else "no number of rows"
    return (
        f"{name} {model} {decision}: {one['check']}{groups} {one['threshold']}: {finding.value:.4f} "
        f"[{low:.4f}, {high:.4f}], leans {finding.leans.value} ({one['verdict']} on the estimate), "
        f"{rows} would settle it"
    )
