"""What the commands print for people: catalogue, explanations, policies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from mlgate.cli import root
from mlgate.errors import ContentError


def said(*arguments: str) -> str:
    """Return what a command prints."""
    done = CliRunner().invoke(root, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_checks_cuts_no_title() -> None:
    """A line a check when piped, with its whole title."""
    assert "  performance/roc-auc                      The model ranks positives above negatives\n" in said(
        "checks"
    )


def test_explain_says_where_a_check_is_from_and_what_its_parameters_are() -> None:
    """No class in angle brackets, and no file that is not there."""
    text = said("explain", "fairness/worst-group")
    assert "\nfile:       checks/fairness/worst-group.yaml, shipped with mlgate\n" in text
    assert "\ndefined by: " in text
    assert "<class" not in text


def test_explain_says_what_a_comparison_needs() -> None:
    """The margin that must be given, the other table, and a unit that reads as a sentence."""
    assert "  margin: number | text | null (required)" in said("explain", "compare/non-inferior")
    assert "  margin: number | text | null (default null)" in said("explain", "compare/superior")
    assert "an estimate in units of the metric, better higher" in said("explain", "compare/superior")
    assert "needs:      table train to compare with" in said("explain", "leakage/key-overlap")


def test_explain_gives_the_path_of_ones_own_check(tmp_path: Path) -> None:
    """A check of one's own is found again."""
    CliRunner().invoke(
        root,
        ["new", "check", "custom/mine", "--measure", "performance.recall", "--checks", str(tmp_path / "c"),
         "--cases", str(tmp_path / "t")],
    )  # fmt: skip
    text = said("explain", "custom/mine", "--checks", str(tmp_path / "c"))
    assert f"\nfile:       {(tmp_path / 'c' / 'custom' / 'mine.yaml').resolve()}\n" in text


def test_explain_knows_what_reports_call_a_use() -> None:
    """Every report of `baseline` shows `better-than-chance`, which is no check."""
    first, _, second, *_ = said("explain", "better-than-chance").splitlines()
    assert first.startswith("better-than-chance is a use of performance/roc-auc in the policy baseline")
    assert second == "performance/roc-auc"


@pytest.mark.parametrize("name", ["recall", "Recall", "performance.recall", "fairness/recall"])
def test_a_name_without_its_family_is_enough_for_a_suggestion(name: str) -> None:
    """The check of that name is suggested, whatever its family."""
    with pytest.raises(ContentError, match=r"did you mean 'performance/recall'\?"):
        said("explain", name)


def test_policy_show_is_a_table_and_json_on_request(tmp_path: Path) -> None:
    """Check, limit, severity, groups and guard in columns, the reason below; `--json` for programs."""
    path = tmp_path / "policy.yaml"
    path.write_text(
        "mlgate: 1\npolicy: mine\nchecks:\n"
        "  - {check: fairness/worst-group, at_least: 0.7, groups: [[sex, {age: [30]}]], because: It is a floor.}\n"
        "  - {check: documentation/owners, severity: warn}\n"
    )
    lines = said("policy", "show", str(path)).splitlines()
    row = next(line for line in lines if line.startswith("fairness/worst-group"))
    assert row.split("  ")[1].strip() == "at least 0.7"
    assert row.endswith("groups sex x age [30.0]")
    assert " 0.02 " in row
    assert lines[lines.index(row) + 1] == "    because: It is a floor."
    assert any(line.split() == ["documentation/owners", "holds", "warn", "-", "-"] for line in lines)
    whole = json.loads(said("policy", "show", str(path), "--json"))
    assert whole["checks"]["fairness/worst-group"]["guard"] == 0.02
    assert whole["digest"] in lines


def test_explain_spells_out_the_mappings_that_a_parameter_takes() -> None:
    """Their keys and meanings, not the names of classes; and that a timing has a guard."""
    text = said("explain", "robustness/direction")
    assert "  tests: list, each a direction test (required)\n      a direction test has\n" in text
    assert "        expect: up | down (required)\n            up: the number must not fall" in text
    assert "mlgate.measures.behaviour_terms" not in text
    assert "\nguard:      5 % of the limit\n" in said("explain", "cost/latency-p95")
