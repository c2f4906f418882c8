"""What the report repeats of release and policy, so that nobody counts on what was not done."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from mlgate.api import Job, judged
from mlgate.findings import PolicyRecord, ReleaseRecord, Report, Verdict
from mlgate.render import record
from mlgate.render.html import to_html

ROWS = "y,p,low,high,sex\n" + "".join(
    f"{n % 2},{0.9 if n % 2 else 0.1},0,1,{'ab'[n % 4 // 2]}\n" for n in range(400)
)
AUC = {"check": "performance/roc-auc", "at_least": 0.8}


def judge(
    folder: Path, columns: dict[str, Any], table: dict[str, Any] | None = None, **policies: dict[str, Any]
) -> Report:
    """Judge a small release by the last of some policies."""
    release = {
        "mlgate": 1,
        "name": "m",
        "version": "1",
        "task": "binary",
        "data": {
            "evaluation": {"path": "t.csv", **(table or {})},
            "again": {"path": "t.csv", "columns": {"interval": ["low", "high"]}},
        },
        "columns": {"label": "y", "score": "p", **columns},
    }
    (folder / "t.csv").write_text(ROWS)
    (folder / "release.yaml").write_text(json.dumps(release))
    for name, policy in policies.items():
        (folder / f"{name}.yaml").write_text(json.dumps({"mlgate": 1, "policy": name, **policy}, indent=0))
    return judged(Job(release=folder / "release.yaml", policies=(str(folder / f"{[*policies][-1]}.yaml"),)))


def records(report: Report) -> tuple[ReleaseRecord, PolicyRecord]:
    """Return the two records of a report that was judged."""
    assert report.errors == ()
    assert report.release is not None
    assert report.policy is not None
    return report.release, report.policy


def test_settings_without_effect_are_not_enforced(tmp_path: Path) -> None:
    """No measure draws and no check compares with a champion: a seed and `first_release` change nothing."""
    _, policy = records(judge(tmp_path, {}, p={"checks": [AUC], "seed": 0, "first_release": "allow"}))
    assert policy.not_enforced == ("first_release", "seed")
    _, policy = records(judge(tmp_path, {}, p={"checks": [AUC]}))
    assert policy.not_enforced == ()


def test_roles_without_effect_are_not_looked_at(tmp_path: Path) -> None:
    """No measure of a binary model reads intervals and quantiles, of any table."""
    release, _ = records(judge(tmp_path, {"quantiles": {"0.1": "low"}}, p={"checks": [AUC]}))
    assert release.not_looked_at == ("columns.quantiles", "data.again.columns.interval")


def test_what_a_policy_weakens_is_in_the_report_and_on_the_page(tmp_path: Path) -> None:
    """Whoever reads only the page sees that a check was dropped and a limit lowered."""
    base = {"checks": [AUC, {"check": "performance/recall", "at_least": 0.9}], "release": {"threshold": 0.4}}
    recall = {"id": "performance/recall", "off": "we would fail it"}
    child = {
        "extends": ["base.yaml"],
        "checks": [{"id": "performance/roc-auc", "at_least": 0.7}, recall],
        "release": {"threshold": 0.5},
    }
    report = judge(tmp_path, {}, base=base, child=child)
    _, policy = records(report)
    assert [one.partition(" (child.yaml:")[0] for one in policy.weakened] == [
        "performance/recall: off, because: we would fail it",
        "performance/roc-auc: limit at least 0.8 -> at least 0.7",
        "release.threshold: 0.4 -> 0.5",
    ]
    assert "performance/recall: off, because: we would fail it" in to_html(report)


def test_a_group_hidden_by_what_counts_as_missing_blocks(tmp_path: Path) -> None:
    """With the bytes pinned, `nulls` that the policy does not know of contradict the pin."""
    digest = hashlib.sha256(ROWS.encode()).hexdigest()
    policy = {"checks": [AUC], "release": {"evaluation": {"sha256": [digest], "where": "none"}}}
    assert judge(tmp_path, {}, p=policy).verdict is Verdict.APPROVED
    report = judge(tmp_path, {}, {"nulls": ["b"]}, p=policy)
    assert report.verdict is Verdict.BLOCKED
    (row,) = report.finding("governance/release-pins").groups
    assert row.reason == "evaluation.reading.nulls: the policy fixes the default, the release has b"
    release, _ = records(report)
    assert "data.evaluation.nulls = b" in release.chosen_by_author


def test_a_champion_that_nothing_is_compared_with_is_not_looked_at(tmp_path: Path) -> None:
    """The author may think that it was; a policy that compares says nothing of it."""
    report = judged_with_champion(tmp_path, [AUC])
    release, policy = records(report)
    assert release.not_looked_at == ("champion", "anchors.q1")
    assert policy.not_enforced == ("first_release",)
    churn = {"check": "compare/churn", "at_most": 0.9}
    release, policy = records(judged_with_champion(tmp_path, [AUC, churn]))
    assert release.not_looked_at == ("anchors.q1",)
    assert policy.not_enforced == ()


def judged_with_champion(folder: Path, checks: list[dict[str, Any]]) -> Report:
    """Judge a release with a champion in the column `high`, and an anchor."""
    judge(folder, {}, p={"checks": [AUC]})
    release = json.loads((folder / "release.yaml").read_text())
    old = judged(Job(release=folder / "release.yaml", policies=(str(folder / "p.yaml"),)))
    (folder / "old.json").write_bytes(record.to_json(old))
    del release["data"]["again"]
    release |= {"version": "2", "champion": {"predictions": {"prediction": "high"}}}
    release["anchors"] = {"q1": {"report": "old.json"}}
    text = ROWS.replace(",0,1,", ",0,0,", 30)
    (folder / "t.csv").write_text(text)
    (folder / "release.yaml").write_text(json.dumps(release))
    policy = {"mlgate": 1, "policy": "p", "first_release": "allow", "checks": checks}
    (folder / "p.yaml").write_text(json.dumps(policy))
    return judged(Job(release=folder / "release.yaml", policies=(str(folder / "p.yaml"),)))


def test_what_no_check_looks_at_of_the_provenance(tmp_path: Path) -> None:
    """Each key by itself: a seed that is compared is looked at, a commit is not."""
    report = judge(tmp_path, {}, p={"checks": [AUC, {"check": "reproducibility/seed"}]})
    assert records(report)[0].not_looked_at == ("data.again.columns.interval",)
    stated = json.loads((tmp_path / "release.yaml").read_text())
    stated["provenance"] = {"seed": 7, "commit": "0123456", "train": {"command": "x", "output": "y"}}
    (tmp_path / "release.yaml").write_text(json.dumps(stated))
    job = Job(release=tmp_path / "release.yaml", policies=(str(tmp_path / "p.yaml"),))
    looked = records(judged(job))[0].not_looked_at
    assert looked[:2] == ("provenance.train", "provenance.commit")
