"""The walk from release and policy to findings: what is planned comes back, whatever a measure does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlgate.api import Job, judged, queries
from mlgate.findings import Leans, Outcome, Report, Severity, Verdict

HEADER = "y,p,sex,region"


def rows(count: int = 400) -> list[str]:
    """Return rows on which the model is nearly always right, in every group alike."""
    found = []
    for number in range(count):
        label = number % 2
        score = 0.9 - 0.0001 * number if label else 0.1 + 0.0001 * number
        if number % 40 == 0:
            score = 1 - score
        region = "north" if number % 100 < 95 else "islands"
        found.append(f"{label},{score:.4f},{'mf'[number // 2 % 2]},{region}")
    return found


class World:
    """A folder with a release and a policy."""

    def __init__(self, folder: Path) -> None:
        """Write a release that any sensible policy approves."""
        self.folder = folder
        self.release: dict[str, Any] = {
            "mlgate": 1,
            "name": "m",
            "version": "1",
            "task": "binary",
            "data": {"evaluation": {"path": "t.csv"}},
            "columns": {"label": "y", "score": "p", "protected": ["sex"]},
        }
        self.policy: dict[str, Any] = {"mlgate": 1, "policy": "p"}
        self.table = [HEADER, *rows()]

    def as_regression(self) -> None:
        """State another task of the same table."""
        self.release |= {"task": "regression", "columns": {"label": "y", "prediction": "p"}}

    def judge(self, *uses: dict[str, Any], **how: Any) -> Report:
        """Judge the folder as it stands."""
        return judged(self.job(*uses, **how))

    def job(self, *uses: dict[str, Any], **how: Any) -> Job:
        """Write the files and return the job."""
        (self.folder / "t.csv").write_text("\n".join(self.table) + "\n", encoding="utf-8")
        (self.folder / "release.yaml").write_text(json.dumps(self.release), encoding="utf-8")
        policy = {**self.policy, "checks": list(uses)}
        (self.folder / "policy.yaml").write_text(json.dumps(policy), encoding="utf-8")
        return Job(release=self.folder / "release.yaml", **how)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A folder to judge in."""
    return World(tmp_path)


AUC = {"check": "performance/roc-auc", "at_least": 0.8}
PARITY = {"check": "fairness/demographic-parity-difference", "at_most": 0.2, "guard": 0.1}


def test_a_good_release_is_approved_and_may_be_promoted(world: World) -> None:
    """One required check that passes is enough."""
    report = world.judge(AUC)
    assert report.verdict is Verdict.APPROVED
    assert report.promotable
    assert report.totals["pass"] == 1


def test_finding_ids_name_slice_groups_and_table(world: World) -> None:
    """`<use id>[column=value][groups]@<table>`, each part only where it is not the default."""
    world.release["data"]["again"] = {"path": "t.csv"}
    report = world.judge(
        {**AUC, "slices": ["sex", ["sex", "region"]]},
        PARITY,
        {**AUC, "id": "auc-again", "table": "again"},
    )
    ids = {finding.id for finding in report.findings}
    assert ids >= {
        "performance/roc-auc",
        "performance/roc-auc[sex=f]",
        "performance/roc-auc[sex=m,region=north]",
        "fairness/demographic-parity-difference[sex]",
        "auc-again@again",
    }
    assert len(ids) == len(report.findings)


def test_a_small_slice_is_listed_and_does_not_stop_what_nearly_all_rows_carry(world: World) -> None:
    """Twenty of four hundred rows lie in a slice too small to judge: it is told, as info."""
    report = world.judge({**AUC, "slices": ["region"]})
    small = report.finding("performance/roc-auc[region=islands]")
    assert (small.outcome, small.severity) == (Outcome.NOT_MEASURED, Severity.INFO)
    assert small.value is not None
    assert "rests on 20 rows, fewer than min_group 30" in (small.reason or "")
    assert report.verdict is Verdict.APPROVED


def test_a_slice_with_few_of_the_class_is_listed_too(world: World) -> None:
    """Recall in a region with forty rows and ten positives rests on ten rows."""
    table = [row.split(",") for row in rows()]
    for number, row in enumerate(table):
        row[3] = "island" if number < 40 else "north"
        if number < 40 and number % 4 != 1:
            row[:2] = ["0", "0.2"]
    world.table = [HEADER, *(",".join(row) for row in table)]
    report = world.judge(
        {"check": "performance/recall", "at_least": 0.7, "slices": ["region"]},
    )
    island = report.finding("performance/recall[region=island]")
    assert (island.outcome, island.severity) == (Outcome.NOT_MEASURED, Severity.INFO)
    assert "fewer than min_group 30" in (island.reason or "")
    assert report.verdict is Verdict.APPROVED


def test_small_slices_that_hold_many_rows_leave_the_release_undecided(world: World) -> None:
    """When less than nine tenths of the rows can be judged, the small slices stop the release."""
    world.table = [HEADER, *(row.replace("north", f"r{number % 40}") for number, row in enumerate(rows()))]
    report = world.judge({**AUC, "slices": ["region"]})
    assert report.verdict is Verdict.UNDECIDED
    assert report.finding("performance/roc-auc[region=r1]").severity is Severity.BLOCK


def test_too_few_judged_rows_lean_to_neither_side(world: World) -> None:
    """Half of the protected values are missing: no lean lets that through."""
    world.policy["on_inconclusive"] = "lean"
    world.table = [HEADER, *(row.replace(",m,", ",,") if n % 3 else row for n, row in enumerate(rows()))]
    report = world.judge(PARITY)
    finding = report.finding("fairness/demographic-parity-difference[sex]")
    assert (finding.outcome, finding.leans) == (Outcome.INCONCLUSIVE, None)
    assert finding.judged_share is not None
    assert finding.judged_share < 0.9
    assert report.verdict is Verdict.BLOCKED


def test_a_need_that_the_release_leaves_open_is_not_measured(world: World) -> None:
    """Nobody said which column is protected: undecided, and told what is missing."""
    del world.release["columns"]["protected"]
    report = world.judge(AUC, PARITY)
    finding = report.finding("fairness/demographic-parity-difference")
    assert finding.outcome is Outcome.NOT_MEASURED
    assert "names no protected column" in (finding.reason or "")
    assert report.verdict is Verdict.UNDECIDED


def test_a_column_that_is_named_and_absent_is_an_error(world: World) -> None:
    """The message names the file and the column, and what was probably meant."""
    world.release["columns"]["protected"] = ["sexx"]
    (problem,) = world.judge(AUC, PARITY).errors
    assert "sexx" in str(problem)
    assert "did you mean 'sex'?" in str(problem)


def test_a_role_that_no_selected_check_needs_may_be_absent(world: World) -> None:
    """A release may say more than one policy asks."""
    world.release["columns"]["key"] = "absent"
    assert world.judge(AUC).verdict is Verdict.APPROVED


def test_weaker_evidence_than_the_policy_asks_for_is_not_measured(world: World) -> None:
    """Predictions that were handed in are declared; a policy may insist on computed ones."""
    world.policy["origin"] = {"performance": "computed"}
    report = world.judge(AUC)
    assert report.findings[0].outcome is Outcome.NOT_MEASURED
    assert report.findings[0].value is not None
    assert report.verdict is Verdict.UNDECIDED


def test_a_partial_run_never_approves(world: World) -> None:
    """`--only` leaves checks out, so the best it can say is undecided; advice may say approved."""
    poor = {"check": "performance/accuracy", "at_least": 0.999}
    report = world.judge(AUC, poor, only="performance/roc-*")
    assert (report.verdict, report.promotable) == (Verdict.UNDECIDED, False)
    advice = world.judge(AUC, poor, only="performance/roc-*", advisory=True)
    assert (advice.verdict, advice.promotable) == (Verdict.APPROVED, False)
    assert [finding.check for finding in advice.findings] == ["performance/roc-auc"]


def test_a_policy_that_cannot_block_never_approves(world: World) -> None:
    """Warnings alone decide nothing."""
    report = world.judge({**AUC, "severity": "warn"})
    assert (report.verdict, report.promotable) == (Verdict.UNDECIDED, False)
    assert "nothing in the policy can block" in (report.promotable_reason or "")


def test_a_contradicted_pin_blocks_whatever_else_passes(world: World) -> None:
    """The release chose another label than the policy fixes."""
    world.policy["release"] = {"columns": {"label": "outcome"}}
    report = world.judge(AUC)
    assert report.verdict is Verdict.BLOCKED
    assert report.finding("governance/release-pins").outcome is Outcome.FAIL
    assert not any("columns.label" in one for one in report.release.chosen_by_author)  # type: ignore[union-attr]


def test_keeping_to_the_pins_alone_approves_nothing(world: World) -> None:
    """Findings about the files say nothing about the model."""
    world.policy["release"] = {"columns": {"label": "y"}}
    report = world.judge({**AUC, "severity": "warn"})
    assert report.finding("governance/release-pins").outcome is Outcome.PASS
    assert report.verdict is Verdict.UNDECIDED


def test_a_warning_band_warns_and_never_blocks(world: World) -> None:
    """A second, tighter limit is shown beside the one that decides."""
    report = world.judge({**AUC, "warn": {"at_least": 0.9999}})
    assert report.findings[0].warned
    assert report.verdict is Verdict.APPROVED


def test_groups_carry_counts_and_the_unknown_are_listed(world: World) -> None:
    """Numerators, denominators and the rows without a protected value are all in the table."""
    world.table = [HEADER, *(row.replace(",m,", ",,") if n == 4 else row for n, row in enumerate(rows()))]
    finding = world.judge(PARITY).finding("fairness/demographic-parity-difference[sex]")
    table = {row.group["sex"]: row for row in finding.groups}
    assert table["unknown"].n == 1
    assert not table["unknown"].judged
    assert sum(row.n for row in finding.groups) == 400
    assert all(row.denominator == row.n for row in finding.groups)


def test_inconclusive_says_which_way_and_how_many_rows(world: World) -> None:
    """Forty rows cannot carry a claim at the edge."""
    world.table = [HEADER, *rows(60)]
    finding = world.judge({"check": "performance/accuracy", "at_least": 0.95}).findings[0]
    assert (finding.outcome, finding.leans) == (Outcome.INCONCLUSIVE, Leans.INSIDE)
    assert finding.needed_n is not None
    assert finding.needed_n > 60


def test_the_plan_shares_queries_between_checks(world: World) -> None:
    """Everything that needs label and prediction comes from one query, and the plan says so."""
    job = world.job(
        {"check": "performance/accuracy", "at_least": 0.5},
        {"check": "performance/recall", "at_least": 0.5},
        PARITY,
        AUC,
    )
    shared = [uses for query, uses in queries(job) if "label, prediction" in query.what]
    assert shared == [
        ("performance/accuracy", "performance/recall", "fairness/demographic-parity-difference[sex]")
    ]


def test_a_release_cannot_escape_a_required_check_by_its_task(world: World) -> None:
    """No required check of the family fits the task that the author states: that is no answer."""
    world.as_regression()
    report = world.judge(AUC, {"check": "data/row-count", "at_least": 10})
    finding = report.finding("performance/roc-auc")
    assert finding.outcome is Outcome.NOT_MEASURED
    assert "this release says regression" in (finding.reason or "")
    assert report.verdict is Verdict.UNDECIDED


def test_a_check_that_the_policy_asks_of_a_task_alone_does_not_apply_to_others(world: World) -> None:
    """`when: {task: …}` is the policy's own word; the rest of it still decides."""
    world.as_regression()
    report = world.judge({**AUC, "when": {"task": ["binary"]}}, {"check": "data/row-count", "at_least": 10})
    assert report.finding("performance/roc-auc").outcome is Outcome.NOT_APPLICABLE
    assert report.verdict is Verdict.APPROVED


def test_what_this_version_does_nothing_with_is_said(world: World) -> None:
    """A model or approvals that are only stated are listed, so that nobody counts on them."""
    world.release |= {"champion": "none", "costs": {"training_usd": 3}}
    world.policy["approvals"] = {"required": 2}
    report = world.judge(AUC)
    assert report.release is not None
    assert report.policy is not None
    assert report.release.not_looked_at == ("costs.training_usd",)
    assert report.policy.not_enforced == ("approvals",)


def test_a_limit_of_ones_own_makes_an_inherited_check_required(world: World) -> None:
    """`baseline` warns about equalized odds; a policy that writes its own limit for it means it."""
    world.policy["extends"] = ["baseline"]
    use = {"id": "fairness/equalized-odds-difference", "at_most": 0.3}
    finding = world.judge(use).finding("fairness/equalized-odds-difference[sex]")
    assert finding.severity is Severity.BLOCK
    finding = world.judge({**use, "severity": "warn"}).finding("fairness/equalized-odds-difference[sex]")
    assert finding.severity is Severity.WARN


def test_rows_that_belong_together_are_not_judged_as_if_they_did_not(world: World) -> None:
    """Two clusters tell about as much as two rows, whatever the number of rows in each."""
    alone = world.judge(AUC).finding("performance/roc-auc")
    world.release["columns"]["cluster"] = "region"
    report = world.judge(AUC, {"check": "data/row-count", "at_least": 10})
    together = report.finding("performance/roc-auc")
    assert together.value == alone.value
    assert alone.outcome is Outcome.PASS
    assert together.outcome is Outcome.INCONCLUSIVE
    assert report.finding("data/row-count").outcome is Outcome.PASS
    assert report.verdict is Verdict.BLOCKED
    assert world.judge({**AUC, "decision": "point"}).verdict is Verdict.APPROVED


def test_a_cluster_column_that_is_not_there_is_an_error(world: World) -> None:
    """A misspelt name would otherwise give intervals that take the rows for independent."""
    world.release["columns"]["cluster"] = "regoin"
    (problem,) = world.judge(AUC).errors
    assert "did you mean 'region'?" in str(problem)


def test_advice_never_overrules_a_contradicted_pin(world: World) -> None:
    """Warnings alone and a pin that the release contradicts: blocked, with --advisory as well."""
    world.policy["release"] = {"columns": {"label": "outcome"}}
    assert world.judge({**AUC, "severity": "warn"}, advisory=True).verdict is Verdict.BLOCKED


def test_writing_a_limit_takes_back_a_warning_but_never_a_block(world: World) -> None:
    """A parent blocks on a preview check; a child that only tightens it still blocks."""
    parent = {"mlgate": 1, "policy": "parent"}
    use = {"check": "performance/lift-at-k", "at_least": 1.1, "severity": "block"}
    (world.folder / "parent.yaml").write_text(json.dumps({**parent, "checks": [use]}), encoding="utf-8")
    world.policy["extends"] = ["parent.yaml"]
    report = world.judge(AUC, {"id": "performance/lift-at-k", "at_least": 5})
    assert report.finding("performance/lift-at-k").severity is Severity.BLOCK
    assert report.verdict is Verdict.BLOCKED


@pytest.mark.parametrize("columns", [{}, {"label": "y", "prediction": "y2"}])
def test_baseline_approves_nothing_without_a_model_to_judge(world: World, columns: dict[str, str]) -> None:
    """A release that names no score has not shown to be better than chance."""
    world.release["columns"] = columns
    world.table = [f"{HEADER},y2", *(f"{row},{row[0]}" for row in rows())]
    world.policy["extends"] = ["baseline"]
    report = world.judge({"check": "data/row-count", "at_least": 100, "id": "again"})
    assert report.finding("better-than-chance").outcome is Outcome.NOT_MEASURED
    assert report.verdict is Verdict.UNDECIDED


def test_baseline_does_not_let_a_coin_through(world: World) -> None:
    """A constant score ranks like a coin, however it leans."""
    world.table = [HEADER, *(",".join([row.split(",")[0], "0.5", *row.split(",")[2:]]) for row in rows())]
    world.policy["extends"] = ["baseline"]
    assert world.judge({"check": "data/row-count", "at_least": 100, "id": "again"}).verdict is Verdict.BLOCKED
