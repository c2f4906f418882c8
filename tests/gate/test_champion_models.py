"""A champion that is a model: by its URI or in its own release, asked by the gate on the rows that are judged."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from mlgate import api
from mlgate.findings import Finding, Origin, Outcome, Report, Verdict

CODE = """\
import pyarrow as pa


def new(rows: pa.Table):
    return rows["x"].to_numpy()


def old(rows: pa.Table):
    return 0.3 * rows["x"].to_numpy() + 0.7 * rows["z"].to_numpy()


def fewer(rows: pa.Table):
    return rows["z"].to_numpy()


def own(rows: pa.Table):
    return rows["w"].to_numpy()


def peeks(rows: pa.Table):
    return rows["y"].to_numpy().astype(float)


own.features, peeks.features = ["w"], ["y"]


def broken(rows: pa.Table):
    raise RuntimeError("no such thing")


def decides(rows: pa.Table):
    return rows["z"].to_numpy() > 0.5
"""

ROWS = "id,x,z,y\n" + "".join(
    f"{i},{(i * 37 % 100) / 100},{(i * 61 % 100) / 100},{int(i * 37 % 100 >= 50)}\n" for i in range(300)
)


class World:
    """A release with two models in one file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / ".git").mkdir()
        self.text("rows.csv", ROWS)
        self.text("scorer.py", CODE)
        self.release: dict[str, Any] = {
            "mlgate": 1,
            "name": "r",
            "version": "2",
            "task": "binary",
            "model": {"uri": "python:scorer:new", "trust": "code"},
            "data": {"evaluation": {"path": "rows.csv"}},
            "columns": {"label": "y", "features": ["x", "z"], "key": "id"},
            "champion": {"uri": "python:scorer:old", "trust": "code"},
        }
        self.policy: dict[str, Any] = {
            "mlgate": 1,
            "policy": "p",
            "trust": {"models": "code", "isolation": "process"},
            "checks": [
                {"check": "compare/non-inferior", "params": {"metric": "performance/roc-auc", "margin": 0.01}}
            ],
        }

    def text(self, name: str, text: str) -> None:
        """Write a file."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def judge(self) -> Report:
        """Judge what is written."""
        self.text("release.yaml", json.dumps(self.release))
        self.text("policy.yaml", json.dumps(self.policy))
        return api.judged(api.Job(release=self.folder / "release.yaml", environ=os.environ))

    def finding(self) -> Finding:
        """Return the one finding."""
        report = self.judge()
        assert report.errors == ()
        (finding,) = report.findings
        return finding


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a release whose model ranks all rows, and a champion that does not."""
    return World(tmp_path)


def area(rows: list[tuple[float, int]]) -> float:
    """Return the area under the curve, ties counting half."""
    high, low = ([score for score, label in rows if label == one] for one in (1, 0))
    return sum((a > b) + 0.5 * (a == b) for a in high for b in low) / (len(high) * len(low))


def test_a_champion_by_its_uri_is_scored_on_the_same_rows(world: World) -> None:
    """The difference is that of the two functions, the gate has computed both, and the report says so."""
    report = world.judge()
    assert report.errors == ()
    (finding,) = report.findings
    rows = [list(map(float, line.split(","))) for line in ROWS.splitlines()[1:]]
    old = area([(0.3 * x + 0.7 * z, int(y)) for _, x, z, y in rows])
    assert (finding.outcome, finding.origin) == (Outcome.PASS, Origin.COMPUTED)
    assert finding.value == pytest.approx(1.0 - old)
    assert report.verdict is Verdict.APPROVED
    assert report.release is not None
    assert report.release.not_looked_at == ()
    assert [(one.name, one.kind, one.origin) for one in report.evidence] == [
        ("model", "model", Origin.COMPUTED),
        ("champion.model", "model", Origin.COMPUTED),
        ("evaluation", "table", Origin.COMPUTED),
        ("evaluation.predictions", "predictions", Origin.COMPUTED),
        ("champion.evaluation.predictions", "predictions", Origin.COMPUTED),
    ]


def test_the_other_way_round_it_is_worse(world: World) -> None:
    """What is new has to be no worse."""
    world.release["model"]["uri"], world.release["champion"]["uri"] = "python:scorer:old", "python:scorer:new"
    finding = world.finding()
    assert finding.outcome is Outcome.FAIL
    assert finding.value is not None
    assert finding.value < 0


def test_predictions_that_were_handed_in_are_compared_with_a_champion_that_is_asked(world: World) -> None:
    """The weaker evidence of the two is what the finding rests on; no key is needed."""
    del world.release["model"], world.release["columns"]["key"]
    world.release["columns"] |= {"score": "x", "features": ["z"]}
    world.release["champion"]["uri"] = "python:scorer:fewer"
    finding = world.finding()
    assert (finding.outcome, finding.origin) == (Outcome.PASS, Origin.DECLARED)
    assert finding.value is not None
    assert finding.value > 0.2


@pytest.mark.parametrize(
    ("champion", "says"),
    [
        ({"uri": "python:scorer:old"}, "add `trust: code`"),
        ({"uri": "python:scorer:broken", "trust": "code"}, "no such thing"),
        ({"uri": "python:scorer:decides", "trust": "code"}, "champion"),
    ],
)
def test_a_champion_that_is_not_asked_or_fails_is_not_measured(
    world: World, champion: dict[str, Any], says: str
) -> None:
    """It never counts as one that is no better."""
    world.release["champion"] = champion
    report = world.judge()
    assert report.errors == ()
    (finding,) = report.findings
    assert (finding.outcome, report.verdict) == (Outcome.NOT_MEASURED, Verdict.UNDECIDED)
    assert says in (finding.reason or "")


def test_the_policy_has_to_trust_the_champion_too(world: World) -> None:
    """What a champion executes, the policy allows or it is not executed."""
    world.policy["trust"] = {"models": "none"}
    del world.release["model"]
    world.release["columns"] |= {"score": "x", "features": ["z"]}
    finding = world.finding()
    assert finding.outcome is Outcome.NOT_MEASURED
    assert "the policy trusts no such code" in (finding.reason or "")


def test_the_judged_model_is_no_champion(world: World) -> None:
    """Compared with itself, any model is not worse."""
    world.release["champion"]["uri"] = world.release["model"]["uri"]
    report = world.judge()
    assert report.verdict is None
    assert "the very model that is judged" in report.errors[0].what


@pytest.mark.parametrize("champion", [{"release": "old/release.yaml"}, {"uri": "python:scorer:old"}])
def test_keys_that_load_a_model_go_with_its_uri(world: World, champion: dict[str, str]) -> None:
    """Of a release, they stand in that release."""
    world.release["champion"] = {**champion, "trust": "code"}
    said = [one.what for one in world.judge().errors]
    assert any("trust goes with `uri`" in one for one in said) == ("release" in champion)


def own_release(world: World, model: str) -> None:
    """Give the champion a release of its own, on the same rows."""
    champion = {**world.release, "version": "1", "model": {"uri": f"python:today:{model}", "trust": "code"}}
    champion["data"] = {"evaluation": {"path": "../rows.csv"}}
    champion["champion"] = "none"
    if model == "fewer":
        champion["columns"] = {"label": "y", "features": ["z"], "key": "id"}
    world.text("old/release.yaml", json.dumps(champion))
    world.text("old/today.py", CODE)
    world.release["champion"] = {"release": "old/release.yaml"}


@pytest.mark.parametrize("model", ["old", "fewer"])
def test_the_model_of_the_champions_release_is_scored_and_joined(world: World, model: str) -> None:
    """One file of rows, two models: each is asked, and neither takes the other's place."""
    own_release(world, model)
    report = world.judge()
    assert report.errors == ()
    (finding,) = report.findings
    rows = [list(map(float, line.split(","))) for line in ROWS.splitlines()[1:]]
    share = 0.3 if model == "old" else 0.0
    old = area([(share * x + (1 - share) * z, int(y)) for _, x, z, y in rows])
    assert finding.value == pytest.approx(1.0 - old)
    assert (finding.outcome, finding.origin) == (Outcome.PASS, Origin.COMPUTED)
    digests = [
        one.sha256 for one in report.evidence if one.kind == "predictions" and "predictions" in one.name
    ]
    assert len(set(digests)) == 2


def test_a_champions_release_whose_model_may_not_run_is_not_measured(world: World) -> None:
    """The reason is that of its model."""
    own_release(world, "old")
    path = world.folder / "old" / "release.yaml"
    path.write_text(path.read_text("utf-8").replace('"trust": "code"', '"trust": "none"'), "utf-8")
    finding = world.finding()
    assert finding.outcome is Outcome.NOT_MEASURED
    assert "add `trust: code`" in (finding.reason or "")


def test_a_champions_release_of_the_same_model_is_refused(world: World) -> None:
    """Whatever the files of rows are called."""
    world.text("same/scorer.py", CODE)
    own_release(world, "new")
    (world.folder / "old" / "today.py").rename(world.folder / "old" / "scorer.py")
    path = world.folder / "old" / "release.yaml"
    path.write_text(path.read_text("utf-8").replace("today", "scorer").replace("../rows", "copy"), "utf-8")
    world.text("old/copy.csv", ROWS)
    report = world.judge()
    assert report.verdict is None
    assert "the very model that is judged" in report.errors[0].what


@pytest.mark.parametrize("by", ["uri", "release"])
def test_what_compares_models_asks_both(world: World, by: str) -> None:
    """Shares of the attribution, seconds in turn, and bytes."""
    if by == "release":
        own_release(world, "fewer")
    world.policy["checks"] = [
        {"check": "explainability/importance-shift", "at_most": 1, "params": {"rows": 40, "background": 20}},
        {"check": "cost/versus-champion", "at_most": 1000, "params": {"calls": 50}},
        {"check": "cost/size-versus-champion", "at_most": 2},
        {"check": "compare/churn", "at_most": 0.9},
    ]
    report = world.judge()
    assert report.errors == ()
    found = {one.check: one for one in report.findings}
    assert {name: one.outcome for name, one in found.items()} == dict.fromkeys(found, Outcome.PASS), [
        one.reason for one in report.findings
    ]
    shift = found["explainability/importance-shift"].value
    assert shift == pytest.approx(1.0 if by == "release" else 0.7, abs=0.1)


def test_a_champion_says_itself_what_it_reads(world: World) -> None:
    """Nobody lists its features: it may read what the new model does not, and never the label."""
    lines = ROWS.splitlines()
    world.text(
        "rows.csv", "\n".join([f"{lines[0]},w", *(f"{one},{one.split(',')[2]}" for one in lines[1:])]) + "\n"
    )
    world.release["champion"]["uri"] = "python:scorer:own"
    finding = world.finding()
    assert finding.outcome is Outcome.PASS
    assert finding.value is not None
    assert finding.value > 0.2
    world.release["champion"]["uri"] = "python:scorer:peeks"
    (error,) = world.judge().errors
    assert "the model reads 'y', which is the label" in error.what


def test_a_policy_may_judge_another_table_alone(world: World) -> None:
    """The model is asked of that one, by checks that look at models and by those whose metric is a parameter."""
    world.text("train.csv", "\n".join(ROWS.splitlines()[:200]) + "\n")
    world.release["data"]["train"] = {"path": "train.csv"}
    world.release["champion"] = "none"
    world.policy["checks"] = [{"check": "robustness/determinism", "table": "train"}]
    assert world.finding().outcome is Outcome.PASS
    metric = {"metric": "performance/roc-auc"}
    world.policy["checks"] = [{"check": "performance/overfit", "params": metric, "at_most": 0.1}]
    finding = world.finding()
    assert (finding.outcome, finding.value) == (Outcome.PASS, 0.0)
    assert finding.origin is Origin.COMPUTED
    world.release["model"]["trust"] = "none"
    finding = world.finding()
    assert finding.outcome is Outcome.NOT_MEASURED
    assert "add `trust: code`" in (finding.reason or "")
