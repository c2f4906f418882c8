"""The champion as evidence: columns, a release of its own joined row by row, and reports of earlier runs."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlgate.api import Job, judged
from mlgate.cells import Cells, Counts, Recorded, canonical_params
from mlgate.errors import ContentError, EvidenceError, MlgateError
from mlgate.evidence.bundle import Access, Evidence, Wanted, open_evidence
from mlgate.evidence.earlier import Naming, champion_release
from mlgate.evidence.files.locations import Territory
from mlgate.evidence.release import load_release
from mlgate.evidence.scan import scan
from mlgate.evidence.tables import open_tables
from mlgate.findings import Finding, MeasureRecord, Outcome, Report, Severity, ToolRecord, Verdict
from mlgate.render import record

JOINT = Counts(("label", "score", "champion_score"))
DECIDED = Counts(("label", "prediction", "champion_prediction"))

Changes = dict[str, Any]


class World:
    """A repository with a release in `new/` and its champion in `old/`, which judge the same rows."""

    def __init__(self, root: Path) -> None:
        """Write both."""
        self.root, self.numbers = root, count()
        (root / ".git").mkdir(parents=True)
        draw = np.random.default_rng(7)
        label = draw.integers(0, 2, 60)
        self.rows = pd.DataFrame({"id": [f"r{n}" for n in range(60)], "y": label, "sex": ["a", "b"] * 30})
        self.rows["p"] = np.clip(label * 0.5 + draw.random(60) * 0.5, 0, 1).round(3)
        self.old = pd.DataFrame({"key": self.rows["id"], "truth": label, "q": draw.random(60).round(3)})
        self.old = self.old.sample(frac=1, random_state=1)
        self.new: dict[str, Any] = {
            "mlgate": 1,
            "name": "credit",
            "version": "2",
            "task": "binary",
            "data": {"evaluation": {"path": "t.csv"}},
            "columns": {"label": "y", "score": "p", "key": "id"},
            "champion": {"release": "../old/release.yaml"},
        }
        self.champion: dict[str, Any] = {
            **self.new,
            "version": "1",
            "data": {"evaluation": {"path": "eval/t.csv"}},
            "columns": {"label": "truth", "score": "q", "key": "key"},
            "threshold": 0.4,
            "champion": "none",
        }

    @property
    def path(self) -> Path:
        """The release that is judged."""
        return self.root / "new" / "release.yaml"

    def write(self) -> None:
        """Write the files."""
        (self.root / "new").mkdir(exist_ok=True)
        (self.root / "old" / "eval").mkdir(parents=True, exist_ok=True)
        self.rows.to_csv(self.root / "new" / "t.csv", index=False)
        self.old.to_csv(self.root / "old" / "eval" / "t.csv", index=False)
        self.path.write_text(yaml.safe_dump(self.new, sort_keys=False), "utf-8")
        (self.root / "old" / "release.yaml").write_text(
            yaml.safe_dump(self.champion, sort_keys=False), "utf-8"
        )

    def open(self, *names: str, **more: Any) -> Evidence:
        """Open the tables of the release."""
        self.write()
        release, file = load_release(self.path)
        workdir = self.root.parent / f"work{next(self.numbers)}"
        workdir.mkdir(mode=0o700)
        facts = {"workdir": workdir, "read_report": record.from_json}
        compared = more.pop("compared", None)
        access = Access(**{**facts, **more})
        return open_evidence(
            release, file, Wanted(tables=names or ("evaluation",), compared=compared), access
        )

    def refuses(self, **more: Any) -> str:
        """Return why it cannot be opened."""
        with pytest.raises(MlgateError) as caught:
            self.open(**more)
        assert len(caught.value.problems) == 1
        return str(caught.value)

    def report(self, name: str, changes: Changes | None = None) -> Report:
        """Judge the champion by itself, and leave its report under `old/`."""
        self.write()
        policy = self.root / "policy.yaml"
        checks = [
            {"check": "performance/roc-auc", "at_least": 0.1},
            {"check": "performance/f1", "at_least": 0.1},
            {"check": "performance/accuracy", "at_least": 0.1, "slices": ["truth"]},
            {"check": "data/row-count", "at_least": 10},
        ]
        policy.write_text(yaml.safe_dump({"mlgate": 1, "policy": "own", "checks": checks}), "utf-8")
        made = judged(Job(release=self.root / "old" / "release.yaml", policies=(str(policy),)))
        assert not made.errors
        if changes:
            made = record.identified(replace(made, **changes))
        (self.root / "old" / name).write_bytes(record.to_json(made))
        return made


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A release with a champion."""
    return World(tmp_path / "repository")


def counted(evidence: Evidence, statistic: Counts, table: str = "evaluation") -> Cells:
    """Count one statistic."""
    found = scan(evidence.tables[table], [statistic])[statistic]
    assert isinstance(found, Cells)
    assert found.fault is None
    return found


def test_the_champions_release_is_joined_row_by_row(world: World) -> None:
    """Whatever the order of its rows and the names of its columns, each row meets its own."""
    evidence = world.open()
    cells = counted(evidence, JOINT)
    merged = world.rows.merge(world.old, left_on="id", right_on="key")
    wanted = merged.groupby(["y", "p", "q"]).size().reset_index(name="n")
    assert cells.roles["label"].tolist() == wanted["y"].tolist()
    assert cells.roles["score"].tolist() == wanted["p"].tolist()
    assert cells.roles["champion_score"].tolist() == wanted["q"].tolist()
    assert cells.n.tolist() == wanted["n"].tolist()


def test_the_champion_decides_by_its_own_threshold(world: World) -> None:
    """0.4 in its release, 0.5 in ours."""
    cells = counted(world.open(), DECIDED)
    merged = world.rows.merge(world.old, left_on="id", right_on="key")
    merged["d"], merged["e"] = merged["p"] >= 0.5, merged["q"] >= 0.4
    wanted = merged.groupby(["y", "d", "e"]).size().reset_index(name="n")
    assert cells.n.tolist() == wanted["n"].tolist()
    assert cells.roles["champion_prediction"].tolist() == wanted["e"].astype(float).tolist()


def test_its_columns_are_hidden_and_its_bytes_recorded(world: World) -> None:
    """Nothing but its roles can reach them; each file is evidence with its digest."""
    world.rows["q (champion)"] = 1  # even this name is free
    evidence = world.open()
    table = evidence.tables["evaluation"]
    assert table.columns.names == ("id", "y", "sex", "p", "q (champion)")
    assert table.columns.features == ("sex", "q (champion)")
    assert "q (champion)_" not in table.expr.columns
    assert table.columns.champion is not None
    assert table.columns.champion.score == "q (champion)_"
    digest = hashlib.sha256((world.root / "old" / "eval" / "t.csv").read_bytes()).hexdigest()
    found = {one.name: (one.kind, one.location, one.rows) for one in evidence.records}
    assert found == {
        "evaluation": ("table", "t.csv", 60),
        "champion.evaluation": ("predictions", "../old/eval/t.csv", 60),
        "champion": ("release", "../old/release.yaml", None),
    }
    assert digest in [one.sha256 for one in evidence.records]
    counted(evidence, JOINT)


def test_its_filter_its_predictions_and_its_columns_are_its_own(world: World) -> None:
    """The table of the champion is opened as any table is."""
    more = world.old.assign(split="eval")
    world.old = pd.concat([more, more.assign(key=more["key"] + "x", split="train")])
    scores = world.old[["key", "q"]]
    world.old = world.old.drop(columns="q")
    world.champion["data"] = {
        "evaluation": {
            "path": "eval/t.csv",
            "where": {"split": "eval"},
            "predictions": {"path": "q.csv", "key": "key"},
        }
    }
    world.write()
    scores.to_csv(world.root / "old" / "q.csv", index=False)
    evidence = world.open()
    assert counted(evidence, JOINT).rows == 60
    assert "champion.evaluation.predictions" in [one.name for one in evidence.records]


def test_only_tables_that_compare_are_joined(world: World) -> None:
    """What no check compares is not looked at, though the champion's release is read."""
    evidence = world.open(compared=())
    assert evidence.tables["evaluation"].columns.champion is None
    assert [one.name for one in evidence.records] == ["evaluation", "champion"]
    world.new["data"]["crisis"] = {"path": "t.csv"}
    evidence = world.open("evaluation", "crisis")
    assert evidence.tables["evaluation"].columns.champion is not None
    assert evidence.tables["crisis"].columns.champion is None


def test_one_file_may_hold_both(world: World) -> None:
    """Two releases of one table differ in the column of the score."""
    world.rows["q"] = world.rows["p"].to_numpy()[::-1]
    world.champion["data"] = {"evaluation": {"path": "../new/t.csv"}}
    world.champion["columns"] = {"label": "y", "score": "q", "key": "id"}
    cells = counted(world.open(), JOINT)
    assert cells.rows == 60
    expected = world.rows.groupby(["y", "p", "q"]).size()
    assert cells.n.tolist() == expected.tolist()


def test_classes_are_joined_too(world: World) -> None:
    """A label may be text here and the same text there; probabilities go by class."""
    names = {0: "ape", 1: "bee"}
    world.rows["y"] = world.rows["y"].map(names)
    world.old["truth"] = world.old["truth"].map(names)
    world.rows["r"], world.old["s"] = 1 - world.rows["p"], 1 - world.old["q"]
    for release, scores in (
        (world.new, {"ape": "r", "bee": "p"}),
        (world.champion, {"bee": "q", "ape": "s"}),
    ):
        release["task"] = "multiclass"
        release["columns"]["score"] = scores
    world.champion.pop("threshold")
    cells = counted(world.open(), Counts(("label", "prediction", "champion_prediction")))
    merged = world.rows.merge(world.old, left_on="id", right_on="key")
    merged["d"], merged["e"] = merged["p"] > merged["r"], merged["q"] >= merged["s"]
    assert cells.n.tolist() == merged.groupby(["y", "d", "e"]).size().tolist()


def test_numbers_are_joined_too(world: World) -> None:
    """A regression's labels are the same numbers, whatever their type."""
    world.rows["y"] = world.rows["y"].astype(float) + 0.25
    world.old["truth"] = world.old["truth"] + 0.25
    for release, name in ((world.new, "p"), (world.champion, "q")):
        release["task"] = "regression"
        release["columns"].pop("score")
        release["columns"]["prediction"] = name
    world.champion.pop("threshold")
    assert counted(world.open(), Counts(("label", "prediction", "champion_prediction"))).rows == 60
    world.old.iloc[3, world.old.columns.get_loc("truth")] = 0.25000001  # type: ignore[index]
    assert "column 'truth': differs from t.csv: column 'y' in 1 of 60 rows" in world.refuses()


def _fewer(world: World) -> None:
    world.old = world.old.iloc[3:]


def _more(world: World) -> None:
    world.old = pd.concat([world.old, world.old.iloc[:2].assign(key=["x", "z"])])


def _others(world: World) -> None:
    world.old["key"] = [f"{key}x" if place < 5 else key for place, key in enumerate(world.old["key"])]


def _twice(world: World) -> None:
    world.old = pd.concat([world.old, world.old.iloc[:2]])


def _nameless(world: World) -> None:
    world.old["key"] = [None if place < 4 else key for place, key in enumerate(world.old["key"])]


def _other_labels(world: World) -> None:
    world.old["truth"] = [1 - y if place < 3 else y for place, y in enumerate(world.old["truth"])]


def _some_labels_missing(world: World) -> None:
    world.old["truth"] = [None if place < 2 else y for place, y in enumerate(world.old["truth"])]


def _stated(key: str, value: Any) -> Callable[[World], None]:
    def change(world: World) -> None:
        if value is None:
            world.champion["columns"].pop(key)
        else:
            world.champion["columns"][key] = value

    return change


def _own_key(world: World) -> None:
    world.new["columns"].pop("key")


def _numbered(world: World) -> None:
    world.old["key"] = range(60)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            _fewer,
            "../old/eval/t.csv: column 'id': does not match t.csv one to one: 3 keys of t.csv without a",
        ),
        (_more, "2 predictions without a row"),
        (_others, "5 keys of t.csv without a prediction, 5 predictions without a row"),
        (_twice, "2 keys more than once in ../old/eval/t.csv"),
        (_nameless, "4 predictions without a key, 4 keys of t.csv without a prediction"),
        (_other_labels, "../old/eval/t.csv: column 'truth': differs from t.csv: column 'y' in 3 of 60 rows"),
        (_some_labels_missing, "in 2 of 60 rows"),
        (_stated("positive", 0), "the positive label of ../old/eval/t.csv is 0, of t.csv 1"),
        (
            _stated("score", "absent"),
            "../old/eval/t.csv: column 'absent': is not there; the release names it",
        ),
        (_stated("label", "absent"), "../old/eval/t.csv: column 'absent': is not there"),
        (_stated("key", "absent"), "../old/eval/t.csv: column 'absent': is not there"),
        (_stated("score", None), "../old/eval/t.csv has neither score nor prediction"),
        (_stated("label", None), "has no label, so that nothing shows that these are the same rows"),
        (_stated("key", None), "and ../old/eval/t.csv has none"),
        (_own_key, "and t.csv has none"),
        (_numbered, "key: 'id' is of type string in t.csv and integer in ../old/eval/t.csv"),
    ],
)
def test_other_rows_are_refused_with_their_number(
    world: World, change: Callable[[World], None], says: str
) -> None:
    """Nothing is compared unless both models were judged on the very same rows."""
    change(world)
    assert says in world.refuses()


def test_a_champion_of_another_task_or_place_is_refused(world: World) -> None:
    """The line of the release that names it is told."""
    world.champion["task"] = "multiclass"
    world.champion["columns"].pop("score")
    world.champion["columns"]["prediction"] = "q"
    world.champion.pop("threshold")
    said = world.refuses()
    assert said.startswith(f"{world.path}:13: ")
    assert "../old/release.yaml is of task multiclass, and this release of binary" in said
    world.new["champion"] = {"release": "release.yaml"}
    assert "'release.yaml' is this very release" in world.refuses()
    world.new["champion"] = {"release": "../old/relaese.yaml"}
    assert "'../old/relaese.yaml' does not exist; did you mean" in world.refuses()
    world.new["champion"] = {"release": "../../elsewhere.yaml"}
    assert "lies outside the repository of the release" in world.refuses()
    (world.root.parent / "elsewhere.yaml").write_text("x: 1\n", "utf-8")
    (world.root / "link.yaml").symlink_to(world.root.parent / "elsewhere.yaml")
    world.new["champion"] = {"release": "../link.yaml"}
    assert "lies outside the repository of the release" in world.refuses()
    world.new["champion"] = {"release": "../old/eval/t.csv"}
    assert "../old/eval/t.csv" in world.refuses()


def test_the_champion_reaches_no_further_than_the_release(world: World) -> None:
    """Its files are told with the way to them, and lie in the territory of the release that is judged."""
    (world.root.parent / "secret.csv").write_text("key,truth,q\n", "utf-8")
    world.champion["data"] = {"evaluation": {"path": "../../secret.csv"}}
    said = world.refuses()
    assert said.startswith("../old/release.yaml:7: ")
    assert "lies outside the repository" in said


def test_a_champion_outside_the_repository_is_read_where_that_is_allowed(world: World) -> None:
    """--allow-path lets in its release, and its data."""
    (world.root / ".git").rmdir()
    (world.root / "new" / ".git").mkdir(parents=True)
    assert "lies outside the repository" in world.refuses()
    assert counted(world.open(allow=[world.root / "old"]), JOINT).rows == 60


def test_the_champions_own_champion_is_not_opened(world: World) -> None:
    """Two releases may name each other."""
    world.champion["champion"] = {"release": "../new/release.yaml"}
    assert counted(world.open(), JOINT).rows == 60


@pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")  # Ibis' way from SQLite
def test_tables_in_different_engines_are_refused(world: World) -> None:
    """A join needs both in one place."""
    world.write()
    database = world.root / "t.sqlite"
    connection = sqlite3.connect(database)
    world.old.to_sql("old", connection, index=False)
    world.rows.to_sql("rows", connection, index=False)
    connection.close()
    environ = {"DB": f"sqlite://{database}"}
    world.champion["data"] = {"evaluation": {"table": "old", "connection": "env:DB"}}
    said = world.refuses(environ=environ)
    assert "t.csv is read by duckdb, and env:DB/old by sqlite; bring both to one database" in said
    world.new["data"] = {"evaluation": {"table": "rows", "connection": "env:DB"}}
    assert counted(world.open(environ=environ), JOINT).rows == 60


def test_a_champion_that_changes_while_it_is_judged_is_told(world: World, tmp_path: Path) -> None:
    """Its files are verified with those of the release."""
    world.write()
    release, file = load_release(world.path)
    champion = champion_release(Naming(release=release, file=file, territory=Territory.of(file)))
    assert champion is not None
    work = tmp_path / "small"
    work.mkdir(mode=0o700)
    tables = open_tables(release, file, ["evaluation"], workdir=work, copy_limit=10, champion=champion[0])
    tables["evaluation"].verify_unchanged()
    with (world.root / "old" / "eval" / "t.csv").open("a") as late:
        late.write("r99,1,0.5\n")
    with pytest.raises(EvidenceError, match=r"\.\./old/eval/t\.csv: was changed while it was judged"):
        tables["evaluation"].verify_unchanged()


def test_what_the_champion_says_wrongly_is_told_at_its_file(world: World) -> None:
    """A text for a score, or a gap in it."""
    world.old["q"] = [None if place < 5 else q for place, q in enumerate(world.old["q"])]
    found = scan(world.open().tables["evaluation"], [JOINT])[JOINT]
    assert isinstance(found, Cells)
    assert "champion's score 'q (champion)': 5 of 60 values are missing" in str(found.fault)
    world.old["q"] = "high"
    with pytest.raises(EvidenceError, match=r"\.\./old/eval/t\.csv: column 'q': the champion's score is of"):
        scan(world.open().tables["evaluation"], [JOINT])


def test_columns_of_the_table_may_be_the_champions(world: World) -> None:
    """With a threshold of its own; a table that lacks them has no champion."""
    world.rows["q"] = world.old.sort_index()["q"].to_numpy()
    world.new["champion"] = {"predictions": {"score": "q", "threshold": 0.4}}
    world.new["data"]["other"] = {"path": "../old/eval/t.csv", "columns": {"label": "truth", "score": None}}
    evidence = world.open("evaluation", "other")
    assert counted(evidence, JOINT).rows == 60
    cells = counted(evidence, DECIDED)
    frame = world.rows.assign(d=world.rows["p"] >= 0.5, e=world.rows["q"] >= 0.4)
    assert cells.n.tolist() == frame.groupby(["y", "d", "e"]).size().tolist()
    assert evidence.tables["evaluation"].columns.features == ("sex",)
    world.new["champion"] = {"predictions": {"score": "absent"}}
    evidence = world.open()
    assert evidence.tables["evaluation"].columns.champion is None
    assert evidence.tables["evaluation"].absent == {"champion_score": "absent"}


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"score": "p"}, "champion.predictions.score: column 'p' already has the role score"),
        (
            {"prediction": "y"},
            "champion.predictions.prediction: column 'y' already has the role label",
        ),
        ({"score": "id"}, "champion.predictions.score: column 'id' already has the role key"),
        ({"score": {"a": "q"}}, "champion.predictions.score: a column for each class is for multiclass"),
        ({"score": "q", "threshold": 2}, "champion.predictions.threshold"),
        ({"threshold": 0.2}, "has neither score nor prediction"),
        ({"score": "q", "predictoin": "e"}, "did you mean 'prediction'?"),
    ],
)
def test_columns_that_cannot_be_meant_are_refused(world: World, columns: Changes, says: str) -> None:
    """At the line that says so."""
    world.new["champion"] = {"predictions": columns}
    world.write()
    with pytest.raises(ContentError) as caught:
        load_release(world.path)
    assert says in str(caught.value)
    assert "release.yaml:1" in str(caught.value)


def test_classes_of_the_champion_are_those_of_the_release(world: World) -> None:
    """1 and "1.0" are one class; a class more or less is another model."""
    world.new |= {"task": "multiclass", "columns": {"label": "y", "score": {"1": "p", "a": "r"}}}
    world.new["champion"] = {"predictions": {"score": {"a": "s", "1.0": "q"}}}
    world.write()
    load_release(world.path)
    world.new["champion"] = {"predictions": {"score": {"b": "s", "1": "q"}}}
    world.write()
    with pytest.raises(
        ContentError, match="its classes are not those of the release: it has 'b' and lacks 'a'"
    ):
        load_release(world.path)


def recorded(evidence: Evidence, source: str, measure: str, **params: Any) -> Any:
    """Return what an earlier report found."""
    return evidence.told(Recorded.of(source, measure, params))


def auc_of(report: Report) -> str:
    """Return the id of the measure behind performance/roc-auc."""
    return report.finding("performance/roc-auc").measure.id


def test_what_a_report_found_is_found_again(world: World) -> None:
    """By measure and parameters, on the whole table; slices and groups are not taken for the whole."""
    made = world.report("report.json")
    world.new["champion"] = {"report": "../old/report.json"}
    world.new["anchors"] = {"q1": {"report": "../old/report.json"}}
    evidence = world.open()
    auc = made.finding("performance/roc-auc")
    assert auc_of(made) == "performance.roc_auc", auc_of(made)
    f1 = made.finding("performance/f1")
    for source in ("champion", "anchors.q1"):
        found = recorded(evidence, source, auc_of(made), **auc.params)
        assert (found.value, found.interval, found.n) == (auc.value, auc.interval, auc.n)
        assert (found.confidence, found.release) == (0.95, "credit 1")
        assert not found.same_table
        assert recorded(evidence, source, "performance.f1", **f1.params).value == f1.value
        assert recorded(evidence, source, "performance.f1", **{**f1.params, "average": "macro"}) is None
        assert recorded(evidence, source, "performance.brier") is None
    accuracy = made.finding("performance/accuracy")
    assert recorded(evidence, "champion", "performance.accuracy", **accuracy.params).value == accuracy.value
    assert recorded(evidence, "anchors.q2", auc_of(made), **auc.params) is None
    kinds = {one.name: (one.kind, one.location) for one in evidence.records}
    assert kinds["champion"] == kinds["anchors.q1"] == ("report", "../old/report.json")
    digest = hashlib.sha256((world.root / "old" / "report.json").read_bytes()).hexdigest()
    assert {one.sha256 for one in evidence.records if one.kind == "report"} == {digest}


def test_a_report_on_the_same_bytes_and_rows_says_so(world: World) -> None:
    """The same file with the same filter, or none."""
    for filtered, same in ((None, True), ({"truth": 1}, False)):
        world.champion["data"]["evaluation"] = {"path": "eval/t.csv"}
        if filtered:
            world.champion["data"]["evaluation"]["where"] = filtered
        made = world.report("report.json")
        params = made.finding("performance/accuracy").params
        world.new["data"]["evaluation"] = {"path": "../old/eval/t.csv"}
        world.new["columns"] = {"label": "truth", "score": "q", "key": "key"}
        world.new["champion"] = {"report": "../old/report.json"}
        found = recorded(world.open(), "champion", "performance.accuracy", **params)
        assert found.same_table is same
    world.new["data"]["evaluation"]["where"] = {"truth": 1}
    assert recorded(world.open(), "champion", "performance.accuracy", **params).same_table


@pytest.mark.parametrize("source", ["champion", "anchor"])
@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda data: data[:-500], "../old/report.json: is not JSON"),
        (lambda _: b"", "../old/report.json: is not JSON"),
        (lambda _: b"[1]", "../old/report.json: schema is None"),
        (lambda data: data + b" " * 5_000_000, "../old/report.json: is larger than 5000000 bytes"),
        (lambda data: data.replace(b'"credit"', b'"other"', 1), "its id is not that of its contents"),
    ],
)
def test_what_is_no_report_is_refused(
    world: World, source: str, spoil: Callable[[bytes], bytes], says: str
) -> None:
    """Truncated, empty, something else, huge, or edited by hand."""
    world.report("report.json")
    path = world.root / "old" / "report.json"
    path.write_bytes(spoil(path.read_bytes()))
    named = {"report": "../old/report.json"}
    world.new |= (
        {"champion": named} if source == "champion" else {"champion": "none", "anchors": {"q1": named}}
    )
    assert says in world.refuses()


@pytest.mark.parametrize("source", ["champion", "anchor"])
def test_a_report_of_something_else_is_refused(world: World, source: str) -> None:
    """Of another model, another task, a run that judged nothing, or the very release that is judged."""
    named = {"report": "../old/report.json"}
    world.new |= (
        {"champion": named} if source == "champion" else {"champion": "none", "anchors": {"q1": named}}
    )
    world.champion["name"] = "fraud"
    world.report("report.json")
    said = world.refuses()
    assert "is a report of the model 'fraud', and this release is of 'credit'" in said
    assert f"{world.path}:1" in said
    assert "'../old/report.json'" in said
    world.champion["name"] = "credit"
    world.report("report.json", {"verdict": None, "promotable": False})
    assert "is the report of a run that judged nothing" in world.refuses()
    world.new["name"] = world.champion["name"]
    made = world.report("report.json")
    assert made.release is not None
    world.report("report.json", {"release": replace(made.release, task="multiclass")})
    assert "is a report of task multiclass, and this release is of binary" in world.refuses()
    ours = f"sha256:{hashlib.sha256(world.path.read_bytes()).hexdigest()}"
    world.report("report.json", {"release": replace(made.release, digest=ours)})
    assert "is a report of this very release, credit 1" in world.refuses()
    for missing in ("../old/none.json", "../../none.json"):
        named["report"] = missing
        assert "does not exist" in (said := world.refuses()) or "lies outside" in said


def test_a_run_that_was_undecided_has_findings_all_the_same(world: World) -> None:
    """Only a run without a verdict has none."""
    made = world.report("report.json", {"verdict": Verdict.BLOCKED, "promotable": False})
    world.new["champion"] = {"report": "../old/report.json"}
    params = made.finding("performance/roc-auc").params
    assert recorded(world.open(), "champion", auc_of(made), **params) is not None


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**50), 2**50) | st.floats(-1e9, 1e9) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(params=st.dictionaries(st.text(max_size=5), PLAIN, max_size=4))
def test_parameters_read_the_same_before_and_after_they_were_in_a_report(params: dict[str, Any]) -> None:
    """A report rounds numbers and has one kind of list; the way to a finding is the same."""
    told = {"table": TOLD["table"], "params": params}
    written = json.loads(record.to_json(replace(EMPTY, findings=(Finding(**{**TOLD, **told}),))))
    assert canonical_params(written["findings"][0]["params"]) == canonical_params(params)


TOLD: dict[str, Any] = {
    "id": "a/b",
    "check": "a/b",
    "check_digest": "",
    "measure": MeasureRecord(id="a.b", package="mlgate", version="1"),
    "family": "a",
    "kind": "estimate",
    "title": "",
    "severity": Severity.BLOCK,
    "outcome": Outcome.PASS,
    "table": "evaluation",
}
EMPTY = Report(
    tool=ToolRecord(version="0", digest=""),
    as_of="",
    started_at=None,
    finished_at=None,
    verdict=None,
    promotable=False,
)
