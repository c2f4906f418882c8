"""A champion that is not what it is said to be: other rows, other labels, another model. Never an approval."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bad_input.conftest import HEADER, Row, World, csv_text, refused, sound

USE = "{check: compare/non-inferior, params: {metric: performance/roc-auc, margin: 0.1}}"
CHURN = "{check: compare/churn, at_most: 0.9}"
ANCHOR = "{check: compare/anchor, params: {metric: performance/roc-auc, margin: 0.1, anchor: q1}}"

OLD = """\
mlgate: 1
name: credit
version: "0.9.0"
task: binary
data: {evaluation: {path: test.csv}}
columns: {label: y, positive: 1, score: q, key: id}
"""

Break = Callable[[World], None]


def blurred(row: Row) -> str:
    """Return a score that ranks rows a little worse than the model's own."""
    return f"{0.7 * float(row[2]) + 0.3 * (int(row[0]) * 37 % 100) / 100:.6f}"


def old(world: World, *, change: Callable[[list[Row]], object] = lambda _: None, text: str = OLD) -> None:
    """Write a champion that was judged on the same rows, but for a change of them or of its release."""
    folder = world.home / "champion"
    folder.mkdir(exist_ok=True)
    body = [[row[0], row[1], blurred(row)] for row in world.table]
    change(body)
    (folder / "test.csv").write_text(csv_text(["id", "y", "q"], body), "utf-8")
    (folder / "release.yaml").write_text(text, "utf-8")


def named(world: World, champion: str) -> None:
    """Name a champion in release.yaml, at line 17."""
    world.release("threshold: 0.5\n", f"threshold: 0.5\nchampion: {champion}\n")
    world.checks(USE)


RELEASE = "{release: champion/release.yaml}"


def test_a_sound_champion_is_compared(world: World) -> None:
    """By its release, by columns, by its report: each is an answer."""
    old(world)
    named(world, RELEASE)
    done = world.run()
    sound(world, done)
    assert (done.code, done.outcomes["compare/non-inferior"]) == (0, "pass"), done.said
    assert done.report is not None
    assert [(one["name"], one["kind"]) for one in done.report["evidence"]] == [
        ("evaluation", "table"),
        ("champion.evaluation", "predictions"),
        ("model_card", "document"),
        ("champion", "release"),
    ]
    assert 'champion = {"release": "champion/release.yaml"}' in done.report["release"]["chosen_by_author"]
    assert done.report["release"]["not_looked_at"] == []


def test_columns_and_reports_are_compared_too(world: World) -> None:
    """Two columns of one table; and the report that yesterday's run of the champion left."""
    for row in world.table:
        row.append(blurred(row))
    world.rewrite(lambda _: None, [*HEADER, "q"])
    named(world, "{predictions: {score: q}}")
    done = world.run()
    sound(world, done)
    assert (done.code, done.outcomes["compare/non-inferior"]) == (0, "pass"), done.said
    report(world)
    world.release("{predictions: {score: q}}", "{report: old.json}")
    done = world.run()
    sound(world, done)
    assert (done.code, done.outcomes["compare/non-inferior"]) == (0, "pass"), done.said
    assert "unpaired" in done.finding("compare/non-inferior")["method"]


def report(world: World) -> None:
    """Leave the report of an earlier release as `old.json`, which found an AUC."""
    from mlgate.api import Job, judged
    from mlgate.render import record

    old(world)
    policy = world.root / "tmp" / "old-policy.yaml"
    policy.write_text(
        "mlgate: 1\npolicy: own\nchecks: [{check: performance/roc-auc, at_least: 0.5}]\n", "utf-8"
    )
    made = judged(Job(release=world.home / "champion" / "release.yaml", policies=(str(policy),)))
    policy.unlink()
    assert not made.errors
    (world.home / "old.json").write_bytes(record.to_json(made))


def other_rows(change: Callable[[list[Row]], object], *says: str) -> tuple[Break, tuple[str, ...]]:
    """Return a champion whose rows are changed."""

    def broken(world: World) -> None:
        old(world, change=change)
        named(world, RELEASE)

    return broken, ("champion/test.csv", *says)


def other_release(was: str, now: str, *says: str) -> tuple[Break, tuple[str, ...]]:
    """Return a champion whose release is changed in one place."""

    def broken(world: World) -> None:
        assert OLD.count(was) == 1
        old(world, text=OLD.replace(was, now))
        named(world, RELEASE)

    return broken, says


def elsewhere(champion: str, *says: str, then: Break = old) -> tuple[Break, tuple[str, ...]]:
    """Return a champion that is named otherwise."""

    def broken(world: World) -> None:
        then(world)
        named(world, champion)

    return broken, says


def _labels(rows: list[Row]) -> None:
    for row in rows[:3]:
        row[1] = "1" if row[1] == "0" else "0"


def _keys(value: Callable[[str], str]) -> Callable[[list[Row]], None]:
    def change(rows: list[Row]) -> None:
        for row in rows[:5]:
            row[0] = value(row[0])

    return change


def _scores(value: str) -> Callable[[list[Row]], None]:
    def change(rows: list[Row]) -> None:
        for row in rows:
            row[2] = value

    return change


def _twice(rows: list[Row]) -> None:
    rows += [[*row] for row in rows[:2]]


def _linked(world: World) -> None:
    (world.home / "link.yaml").symlink_to(world.root / "elsewhere" / "secret.csv")


def _circle(world: World) -> None:
    (world.home / "link.yaml").symlink_to(world.home / "link.yaml")


def _same(world: World) -> None:
    (world.home / "link.yaml").symlink_to(world.home / "release.yaml")


def _copied(world: World) -> None:
    text = (world.home / "release.yaml").read_text("utf-8")
    (world.home / "copy.yaml").write_text(text.replace('version: "1.0.0"', 'version: "0.9.0"'), "utf-8")


def _huge(world: World) -> None:
    (world.home / "huge.yaml").write_bytes(b"#" * 3_000_000)


def _pipe(world: World) -> None:
    os.mkfifo(world.home / "pipe.yaml")


CASES: dict[str, tuple[Break, tuple[str, ...]]] = {
    "fewer rows": other_rows(
        lambda rows: rows.__delitem__(slice(7)), "7 keys of data/test.csv without a prediction"
    ),
    "more rows": other_rows(lambda rows: rows.append(["x1", "1", "0.5"]), "'id'"),
    "other rows": other_rows(_keys(lambda key: f"9{key}000"), "5 keys of data/test.csv", "5 predictions"),
    "repeated keys": other_rows(_twice, "2 keys more than once in champion/test.csv"),
    "missing keys": other_rows(_keys(lambda _: ""), "5 predictions without a key"),
    "labels of three rows": other_rows(_labels, "column 'y'", "in 3 of 400 rows"),
    "no rows": other_rows(lambda rows: rows.clear(), "champion/test.csv"),
    "texts for scores": other_rows(_scores("high"), "column 'q'", "is of type string, not a number"),
    "positive": other_release("positive: 1", "positive: 0", "release.yaml:17", "the positive label of"),
    "label": other_release("label: y", "label: yy", "column 'yy'", "is not there"),
    "no label": other_release("label: y, positive: 1, ", "", "has no label"),
    "score": other_release("score: q", "score: qq", "column 'qq'", "is not there"),
    "nothing said": other_release("score: q, ", "", "release.yaml:17", "neither score nor prediction"),
    "no key": other_release(", key: id", "", "release.yaml:17", "key"),
    "task": other_release(
        "task: binary", "task: scores", "champion/release.yaml:6", "only a binary task has a positive class"
    ),
    "no evaluation": other_release(
        "evaluation:", "test:", "champion/release.yaml:5", "'evaluation' is missing"
    ),
    "a misspelt key": other_release(
        "data:", "threshhold: 1\ndata:", "champion/release.yaml:5", "did you mean"
    ),
    "its table is gone": other_release("test.csv", "tset.csv", "champion/release.yaml:5", "does not exist"),
    "its table is outside": other_release(
        "test.csv", "../../elsewhere/secret.csv", "champion/release.yaml:5", "lies outside the repository"
    ),
    "gone": elsewhere("{release: champion/relaese.yaml}", "release.yaml:17", "did you mean"),
    "a folder": elsewhere("{release: champion}", "champion", "is no regular file"),
    "outside": elsewhere(
        "{release: ../elsewhere/secret.csv}", "release.yaml:17", "lies outside the repository"
    ),
    "a link outside": elsewhere("{release: link.yaml}", "release.yaml:17", "lies outside", then=_linked),
    "a link to itself": elsewhere("{release: link.yaml}", "release.yaml:17", "in a circle", then=_circle),
    "this very release": elsewhere("{release: release.yaml}", "release.yaml:17", "is this very release"),
    "a link to this release": elsewhere("{release: link.yaml}", "is this very release", then=_same),
    "the judged model once more": elsewhere(
        "{release: copy.yaml}", "release.yaml:17", "has what the judged model says", then=_copied
    ),
    "a table for a release": elsewhere("{release: champion/test.csv}", "champion/test.csv"),
    "a policy": elsewhere("{release: policy.yaml}", "policy.yaml", "is a policy, not a release"),
    "huge": elsewhere("{release: huge.yaml}", "huge.yaml", then=_huge),
    "a pipe": elsewhere("{release: pipe.yaml}", "pipe.yaml", "is no regular file", then=_pipe),
    "an address": elsewhere("{release: 'https://x.test/r.yaml'}", "release.yaml:17", "is a URL"),
    "columns that are absent": elsewhere("{predictions: {score: q}}", "data/test.csv: column 'q'"),
    "the candidate's own": elsewhere(
        "{predictions: {score: p}}", "release.yaml:17", "already has the role score"
    ),
    "a column of texts": elsewhere(
        "{predictions: {score: sex}}", "release.yaml:17", "already has the role protected"
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_judged(world: World, name: str) -> None:
    """One clear error that names the file and the line or column; exit 2."""
    broken, says = CASES[name]
    broken(world)
    done = refused(world, world.run(), says=says)
    assert done.report is not None
    assert len(done.report["errors"]) == 1, done.said


def truncated(world: World) -> None:
    """Cut the end off a report."""
    path = world.home / "old.json"
    path.write_bytes(path.read_bytes()[:-300])


def edited(key: str, value: object) -> Break:
    """Return a report in which one value below `release` is other than the run wrote."""

    def change(world: World) -> None:
        path = world.home / "old.json"
        found = json.loads(path.read_bytes())
        found["release"][key] = value
        found["id"] = None
        path.write_text(json.dumps(found), "utf-8")

    return change


def unjudged(world: World) -> None:
    """Take the report of a run that could not begin."""
    from mlgate.api import Job, judged
    from mlgate.render import record

    made = judged(Job(release=world.home / "nowhere.yaml", policies=("baseline",)))
    (world.home / "old.json").write_bytes(record.to_json(made))


def written(content: bytes) -> Break:
    """Return something else in the place of the report."""

    def change(world: World) -> None:
        (world.home / "old.json").write_bytes(content)

    return change


REPORTS: dict[str, tuple[Break, tuple[str, ...]]] = {
    "of another model": (edited("name", "fraud"), ("of the model 'fraud'",)),
    "of another task": (edited("task", "regression"), ("of task regression",)),
    "without a verdict": (unjudged, ("judged nothing",)),
    "truncated": (truncated, ("is not JSON",)),
    "empty": (written(b""), ("is not JSON",)),
    "no report": (written(b'{"schema": "other"}'), ("schema is 'other'",)),
    "bytes": (written(b"\xff\xfe\x00"), ("is not JSON",)),
    "deep": (written(b"[" * 100_000), ("is not JSON",)),
    "huge": (written(b" " * 6_000_000), ("is larger than",)),
    "gone": (lambda world: (world.home / "old.json").unlink(), ("release.yaml:17", "does not exist")),
}


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("kind", ["champion", "anchor"])
def test_a_report_that_is_none_is_refused(world: World, name: str, kind: str) -> None:
    """Champions and anchors alike, with the name of the file."""
    report(world)
    spoil, says = REPORTS[name]
    spoil(world)
    if kind == "champion":
        named(world, "{report: old.json}")
    else:
        world.release("threshold: 0.5\n", "threshold: 0.5\nanchors: {q1: {report: old.json}}\n")
        world.checks(ANCHOR)
    done = refused(world, world.run(), says=("old.json", *says))
    assert done.report is not None
    assert len(done.report["errors"]) == 1, done.said


@pytest.mark.parametrize(
    ("champion", "policy", "outcome", "says"),
    [
        (None, "", "not_measured", "say `champion: none`"),
        ("none", "", "not_applicable", "the release says that there is none"),
        ("none", "first_release: block", "not_measured", "the policy does not allow a first release"),
        ("{uri: 'python:today:score'}", "", "not_measured", "the champion was not run"),
    ],
)
def test_a_champion_that_is_not_there(
    world: World, champion: str | None, policy: str, outcome: str, says: str
) -> None:
    """A first release is one only if it says so and the policy lets it; else nothing is approved."""
    (world.home / "today.py").write_text("def score(rows): return rows.iloc[:, 0]\n", "utf-8")
    if champion is not None:
        named(world, champion)
    world.checks(USE, "{check: performance/roc-auc, at_least: 0.7}")
    path = world.home / "policy.yaml"
    path.write_text(f"{path.read_text('utf-8')}{policy}\n", "utf-8")
    done = world.run()
    sound(world, done)
    assert done.code == {"not_measured": 3, "not_applicable": 0}[outcome], done.said
    finding = done.finding("compare/non-inferior")
    assert finding["outcome"] == outcome
    assert says in finding["reason"]
    assert done.report is not None
    assert any(one.startswith("champion = ") for one in done.report["release"]["chosen_by_author"])


def test_a_policy_may_require_a_champion(world: World) -> None:
    """Without one the pin is broken, whatever else the release keeps to."""
    world.checks("{check: performance/roc-auc, at_least: 0.7}")
    path = world.home / "policy.yaml"
    path.write_text(f"{path.read_text('utf-8')}release: {{champion: required}}\n", "utf-8")
    done = refused(world, world.run(), 1)
    assert "a release, model, predictions or report of the champion" in str(
        done.finding("governance/release-pins")
    )
    old(world)
    world.release("threshold: 0.5\n", f"threshold: 0.5\nchampion: {RELEASE}\n")
    done = world.run()
    sound(world, done)
    assert done.code == 0, done.said


def test_another_threshold_is_another_model(world: World) -> None:
    """The same scores decided otherwise can be compared: a release may change its threshold alone."""
    text = (world.home / "release.yaml").read_text("utf-8").replace("threshold: 0.5", "threshold: 0.45")
    (world.home / "copy.yaml").write_text(text, "utf-8")
    named(world, "{release: copy.yaml}")
    world.checks(CHURN)
    done = world.run()
    sound(world, done)
    assert done.code == 0, done.said
    assert 0.0 < done.finding("compare/churn")["value"] < 0.2


def test_a_report_of_this_release_with_another_comment(world: World) -> None:
    """It is of the same version on the same rows, so it compares the release with itself."""
    done = world.run()
    assert done.code == 0, done.said
    (world.home / "old.json").write_bytes((world.folder / "report.json").read_bytes())
    named(world, "{report: old.json}")
    refused(world, world.run(), 2, says=("release.yaml:17", "is a report of this very release"))


def test_a_report_of_other_rows_is_called_so(world: World) -> None:
    """That nobody knows whether both numbers are of the same rows stands in the finding."""
    report(world)
    named(world, "{report: old.json}")
    done = world.run()
    sound(world, done)
    found = done.finding("compare/non-inferior")
    assert found["method"].endswith("unpaired, perhaps of other rows")
    assert found["groups"][1]["reason"] == "old.json, perhaps of other rows"


@pytest.mark.parametrize("confidence", [0.5, 1.0, 0.0])
def test_a_forged_confidence_makes_no_interval(world: World, confidence: float) -> None:
    """A report whose id is right can still say anything; nothing breaks, and nothing passes."""
    from mlgate.render import record

    report(world)
    path = world.home / "old.json"
    made = record.from_json(path.read_bytes())
    (one,) = made.findings
    forged = replace(made, findings=(replace(one, confidence=confidence),))
    path.write_bytes(record.to_json(record.identified(forged)))
    named(world, "{report: old.json}")
    done = world.run()
    sound(world, done)
    assert done.code != 0
    if done.code != 2:
        reason = done.finding("compare/non-inferior")["reason"]
        assert reason == "no interval: old.json has none around its value that could be used"


def test_an_anchor_that_the_release_does_not_name(world: World) -> None:
    """The reason is that it is not named, and not that its report lacks a number."""
    world.checks(ANCHOR)
    done = refused(world, world.run(), 3)
    reason = done.finding("compare/anchor")["reason"]
    assert reason == "the release names no anchor 'q1'; add `anchors: {q1: {report: ...}}`"


def test_a_report_says_nothing_of_other_tables(world: World) -> None:
    """It judged the evaluation table; another one is not compared with that."""
    report(world)
    named(world, "{report: old.json}")
    world.release(
        "  evaluation: {path: data/test.csv}\n",
        "  evaluation: {path: data/test.csv}\n  crisis: {path: data/test.csv, where: {sex: male}}\n",
    )
    world.checks(USE.replace("params", "table: crisis, params"))
    done = refused(world, world.run(), 3)
    reason = done.finding("compare/non-inferior@crisis")["reason"]
    assert reason == "earlier reports are compared on the evaluation table, and this is table 'crisis'"


def test_a_champion_without_the_role_that_a_metric_needs(world: World) -> None:
    """A champion of decisions alone has no AUC; that is told, not guessed."""
    old(world, text=OLD.replace("score: q", "prediction: q"), change=_decided)
    named(world, RELEASE)
    done = refused(world, world.run(), 3)
    assert "the champion has no score" in done.finding("compare/non-inferior")["reason"]
    world.checks(CHURN)
    done = world.run()
    sound(world, done)
    assert (done.code, done.outcomes["compare/churn"]) == (0, "pass"), done.said


def _decided(rows: list[Row]) -> None:
    for row in rows:
        row[2] = str(int(float(row[2]) >= 0.5))


def test_decisions_that_the_candidate_does_not_know(world: World) -> None:
    """A third value is no decision of a binary model."""

    def change(rows: list[Row]) -> None:
        _decided(rows)
        rows[0][2] = "2"

    old(world, text=OLD.replace("score: q", "prediction: q"), change=change)
    named(world, RELEASE)
    world.checks(CHURN)
    refused(world, world.run(), says=("champion/test.csv: column 'q'", "3 distinct values"))


def test_what_the_champion_left_out_is_not_measured(world: World) -> None:
    """A score that is missing in some rows is no answer for those, and none for the rest alone."""

    def change(rows: list[Row]) -> None:
        for row in rows[:4]:
            row[2] = ""

    old(world, change=change)
    named(world, RELEASE)
    done = refused(world, world.run(), 3)
    assert "4 of 400 values are missing" in done.finding("compare/non-inferior")["reason"]


def test_the_plan_names_the_queries_of_a_comparison(world: World) -> None:
    """`--explain-plan` shows the joint count, and judges nothing."""
    old(world)
    named(world, RELEASE)
    done = world.run("--explain-plan")
    assert done.code == 0
    assert "champion_score" in done.said
    assert Path(world.folder / "report.json").read_bytes() == world.stale["report.json"]
