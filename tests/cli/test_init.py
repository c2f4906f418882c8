"""`mlgate init`: from files to a gate that runs, and what it does with files that are none."""

from __future__ import annotations

import io
import json
import random
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import mlgate
from mlgate.cli import root
from mlgate.drafting import model_checks
from mlgate.errors import MlgateError
from mlgate.strict_yaml import read

MODEL_CHECKS = (
    "security/safe-format",
    "cost/model-size",
    "reproducibility/predictions-match",
    "robustness/determinism",
    "robustness/prediction-sanity",
)

CASES = ("adult", "bike_sharing", "compas_two_years", "german_credit", "penguins", "wage_islr")


def init(*arguments: object) -> Result:
    """Run the command in this process; errors that it raises are raised."""
    return CliRunner().invoke(root, ["init", *map(str, arguments)], catch_exceptions=False)


def refused(*arguments: object) -> str:
    """Return the error that the command ends with."""
    with pytest.raises(MlgateError) as caught:
        init(*arguments)
    return str(caught.value)


def table(rows: int = 400, *, label: str = "label", score: str = "score", seed: int = 0) -> str:
    """Return a CSV with a score that ranks its label, and two groups."""
    drawn = random.Random(seed)
    lines = [f"row_id,sex,amount,{label},{score}"]
    for number in range(rows):
        truth = drawn.random() < 0.4
        said = min(max(drawn.gauss(0.65 if truth else 0.35, 0.15), 0.001), 0.999)
        lines.append(f"{number},{drawn.choice('MF')},{drawn.randint(1, 900)},{int(truth)},{said:.4f}")
    return "\n".join(lines) + "\n"


def written(folder: Path) -> set[str]:
    """Return what lies in a folder, as paths."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


ALWAYS = ("german_credit", "penguins")
"""Cases that every run judges; the others are for `--run-heavy`."""


@pytest.mark.parametrize(
    "case", [one if one in ALWAYS else pytest.param(one, marks=pytest.mark.heavy) for one in CASES]
)
def test_a_case_is_judged_without_editing(shared_data: Path, tmp_path: Path, case: str) -> None:
    """The first verdict is that the present model meets what was drafted from it; nothing required is unmeasured."""
    for name in ("train.csv", "test.csv"):
        shutil.copy(shared_data / case / name, tmp_path)
    shutil.copytree(shared_data / case / "models", tmp_path / "models")
    done = init(tmp_path, "--out", tmp_path)
    assert done.exit_code == 0, done.output
    report = mlgate.run(tmp_path / "release.yaml", tmp_path / "policy.yaml")
    assert report.errors == ()
    assert report.verdict is not None
    assert report.verdict.value == "approved"
    required = [
        one for one in report.findings if one.severity.value == "block" and one.family == "performance"
    ]
    assert len(required) >= 3
    drafted = [one for one in required if one.because and one.because.startswith("draft by mlgate init")]
    assert len(drafted) >= 3
    assert {one.outcome.value for one in drafted} == {"pass"}
    release = read(tmp_path / "release.yaml").data
    assert release["model"]["path"].startswith("models/")
    assert release["model"]["path"].endswith(".skops")
    asked = {
        one.check: one.outcome.value
        for one in report.findings
        if one.family in {"security", "cost", "robustness", "reproducibility"}
    }
    assert asked == dict.fromkeys(MODEL_CHECKS, "pass")
    assert "computed" in {one.origin.value for one in drafted}


def test_a_table_is_enough(tmp_path: Path) -> None:
    """One table: roles are guessed, said with how sure, and the files are written."""
    (tmp_path / "scored.csv").write_text(table())
    done = init(tmp_path, "--out", tmp_path)
    assert done.exit_code == 0
    release = read(tmp_path / "release.yaml").data
    assert release["columns"] == {
        "label": "label",
        "positive": 1,
        "score": "score",
        "key": "row_id",
        "protected": ["sex"],
        "features": ["amount"],
    }
    assert written(tmp_path) == {"scored.csv", "release.yaml", "policy.yaml", ".github/workflows/mlgate.yml"}
    assert "label" in done.output
    assert "What this table can decide" in done.output
    assert "mlgate run" in done.output


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    """Nothing is written over without --force, and nothing is looked at."""
    (tmp_path / "scored.csv").write_text(table())
    (tmp_path / "policy.yaml").write_text("mine")
    assert "--force" in refused(tmp_path, "--out", tmp_path)
    assert written(tmp_path) == {"scored.csv", "policy.yaml"}
    assert (tmp_path / "policy.yaml").read_text() == "mine"
    assert init(tmp_path, "--out", tmp_path, "--force").exit_code == 0
    assert (tmp_path / "policy.yaml").read_text() != "mine"


def test_dry_run_writes_nothing(tmp_path: Path) -> None:
    """All is said."""
    (tmp_path / "scored.csv").write_text(table())
    done = init(tmp_path, "--out", tmp_path, "--dry-run")
    assert "task: binary" in done.output
    assert written(tmp_path) == {"scored.csv"}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (None, b"", "no table was found"),
        ("test.csv", b"", "is empty"),
        ("test.csv", b"a,b,score\n", "has no rows"),
        ("test.csv", b"x\n1\n2\n3\n", "no column looks like what a model said"),
        ("test.csv", b"score\n0.1\n0.25\n0.3\n", "no column looks like the label"),
        ("test.csv", b"a,a,score\n1,2,0.5\n0,1,0.25\n", "a"),
        ("test.csv", bytes(range(256)) * 40, "test.csv"),
        ("test.parquet", b"PAR1 and no more", "test.parquet"),
        ("test.csv", b"PK\x03\x04" + bytes(300), "test.csv"),
        ("test.csv.gz", b"\x1f\x8b\x08\x00broken", "test.csv.gz"),
    ],
)
def test_what_is_no_table_is_said_and_nothing_is_written(
    tmp_path: Path, name: str | None, content: bytes, says: str
) -> None:
    """An error that names the file, and a folder as it was."""
    if name is not None:
        (tmp_path / name).write_bytes(content)
    before = written(tmp_path)
    assert says in refused(tmp_path, "--out", tmp_path)
    assert written(tmp_path) == before


def test_no_label_says_which_flag_helps(tmp_path: Path) -> None:
    """A score that ranks nothing: the column is asked for."""
    rows = "\n".join(f"{i % 7},{(i * 37 % 100) / 100 + 0.001}" for i in range(200))
    (tmp_path / "test.csv").write_text(f"kind,score\n{rows}\n")
    assert "--label COLUMN" in refused(tmp_path, "--out", tmp_path)
    assert written(tmp_path) == {"test.csv"}


def test_flags_are_believed(tmp_path: Path) -> None:
    """What is given is not guessed; what does not exist is suggested."""
    (tmp_path / "test.csv").write_text(table(label="zzz", score="qqq"))
    assert init(tmp_path, "--out", tmp_path, "--label", "zzz", "--score", "qqq").exit_code == 0
    columns = read(tmp_path / "release.yaml").data["columns"]
    assert (columns["label"], columns["score"]) == ("zzz", "qqq")
    for option in ("--label", "--score", "--prediction", "--protected"):
        assert "no such column" in refused(tmp_path, "--out", tmp_path, "--force", option, "zzy")


def test_a_score_without_a_name_is_found_by_what_it_does(tmp_path: Path) -> None:
    """A column of shares that ranks a column of two values, whatever both are called."""
    (tmp_path / "test.csv").write_text(table(label="zzz", score="qqq"))
    assert init(tmp_path, "--out", tmp_path).exit_code == 0
    columns = read(tmp_path / "release.yaml").data["columns"]
    assert (columns["label"], columns["score"]) == ("zzz", "qqq")


def test_several_tables_need_a_name(tmp_path: Path) -> None:
    """Two tables that nothing tells apart: --evaluation does."""
    for name in ("march.csv", "april.csv"):
        (tmp_path / name).write_text(table())
    assert "--evaluation" in refused(tmp_path, "--out", tmp_path)
    done = init(tmp_path, "--out", tmp_path, "--evaluation", tmp_path / "march.csv")
    assert done.exit_code == 0
    assert read(tmp_path / "release.yaml").data["data"] == {"evaluation": {"path": "march.csv"}}


def test_another_delimiter_and_encoding_are_written_down(tmp_path: Path) -> None:
    """Semicolons and an old Windows encoding: read, and said so."""
    text = table().replace(",", ";").replace("sex", "größe")
    (tmp_path / "test.csv").write_bytes(text.encode("cp1252"))
    assert init(tmp_path, "--out", tmp_path).exit_code == 0
    source = read(tmp_path / "release.yaml").data["data"]["evaluation"]
    assert source == {"path": "test.csv", "delimiter": ";", "encoding": "cp1252"}
    assert mlgate.run(tmp_path / "release.yaml").errors == ()


HOSTILE = (
    "a: b", "#c", "- d", "{e}", "[f]", "!g", "&h", "*i", "'j", "k\\l", "null", "true", "1", "1e3", "~", "@m",
    "`n`", "%o", "p: [q", "\u202er", "s\tt", "yes", "<<", "=", "x" * 300, " lead", "trail ", "ÄÖ", "日本", "🦆",
    "\x1b[31mred",
)  # fmt: skip


def test_names_that_are_yaml_stay_names(tmp_path: Path) -> None:
    """Whatever a column is called, the files say it, the gate reads it, and no terminal obeys it."""
    names = ",".join('"' + one.replace('"', '""') + '"' for one in HOSTILE)
    rows = table().splitlines()
    lines = [f"{rows[0]},{names}", *(f"{row}{',7' * len(HOSTILE)}" for row in rows[1:200]),
             *(f"{row}{',8' * len(HOSTILE)}" for row in rows[200:])]  # fmt: skip
    (tmp_path / "test.csv").write_text("\n".join(lines) + "\n")
    done = init(tmp_path, "--out", tmp_path)
    assert done.exit_code == 0
    assert "\x1b" not in done.output
    assert "\u202e" not in done.output
    features = read(tmp_path / "release.yaml").data["columns"]["features"]
    # A release may name no column with invisible characters; the draft says that it leaves them out.
    assert set(HOSTILE) - set(features) == {"\u202er", "\x1b[31mred"}
    assert "invisible characters" in done.output
    assert mlgate.run(tmp_path / "release.yaml").errors == ()


def test_values_that_are_yaml_stay_values(tmp_path: Path) -> None:
    """A positive value of `null: # "no"` is quoted."""
    text = table().replace(",1,0", ',"null: # ""no""",0').replace(",0,0", ",-,0")
    (tmp_path / "test.csv").write_text(text)
    assert init(tmp_path, "--out", tmp_path).exit_code == 0
    assert read(tmp_path / "release.yaml").data["columns"]["positive"] == 'null: # "no"'
    assert mlgate.run(tmp_path / "release.yaml").errors == ()


def test_a_hostile_file_name(tmp_path: Path) -> None:
    """A path is text, and its folder's name makes a policy's id."""
    folder = tmp_path / "a: [b] #ü"
    folder.mkdir()
    (folder / "test: 1 #.csv").write_text(table())
    assert init(folder, "--out", folder).exit_code == 0
    assert read(folder / "release.yaml").data["data"]["evaluation"]["path"] == "test: 1 #.csv"
    assert mlgate.run(folder / "release.yaml").errors == ()


def test_a_wide_table(tmp_path: Path) -> None:
    """Hundreds of columns, the label among the first."""
    extra = 450
    rows = table(120).splitlines()
    lines = [f"{rows[0]},{','.join(f'f{i}' for i in range(extra))}"]
    lines += [f"{row}{''.join(f',{(n * i) % 7}' for i in range(extra))}" for n, row in enumerate(rows[1:])]
    (tmp_path / "test.csv").write_text("\n".join(lines) + "\n")
    assert init(tmp_path, "--out", tmp_path).exit_code == 0
    assert (
        len(read(tmp_path / "release.yaml").data["columns"]["features"]) == 386
    )  # `amount`, and all that vary


def test_a_folder_that_cannot_be_written_gets_nothing(tmp_path: Path) -> None:
    """The second file cannot be placed, so the first one is taken away again."""
    (tmp_path / "test.csv").write_text(table())
    (tmp_path / ".github").write_text("a file where a folder is due")
    assert "nothing was" in refused(tmp_path, "--out", tmp_path)
    assert written(tmp_path) == {"test.csv", ".github"}
    assert init(tmp_path, "--out", tmp_path, "--no-workflow").exit_code == 0


def test_a_table_outside_is_refused_with_what_to_do(tmp_path: Path) -> None:
    """A release reads only what lies in its repository."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "test.csv").write_text(table())
    (tmp_path / "gate").mkdir()
    assert "--allow-path" in refused(tmp_path / "data", "--out", tmp_path / "gate")
    (tmp_path / ".git").mkdir()
    assert init(tmp_path / "data", "--out", tmp_path / "gate").exit_code == 0
    assert read(tmp_path / "gate" / "release.yaml").data["data"]["evaluation"]["path"] == "../data/test.csv"
    workflow = read(tmp_path / ".github" / "workflows" / "mlgate.yml").data
    assert workflow["jobs"]["gate"]["steps"][3]["env"] == {"RELEASE": "gate/release.yaml"}
    assert workflow["permissions"] == {"contents": "read"}


def test_a_model_file_is_never_loaded(tmp_path: Path) -> None:
    """A pickle that would write a file when it is loaded, and a skops file that is no zip."""
    (tmp_path / "test.csv").write_text(table())
    target = tmp_path / "loaded"
    (tmp_path / "model.pkl").write_bytes(b"cos\nsystem\n(S'touch " + str(target).encode() + b"'\ntR.")
    (tmp_path / "other.skops").write_bytes(b"PK\x03\x04 broken")
    assert init(tmp_path, "--out", tmp_path).exit_code == 0
    assert not target.exists()


def fitted(folder: Path, columns: list[str], *, name: str = "model.skops", strange: bool = False) -> None:
    """Write a table that a logistic regression has scored, and that model."""
    import joblib
    import pandas as pd
    import skops.io
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    rows = pd.read_csv(io.StringIO(table()))
    rows["more"] = rows["score"] * 2 + rows["amount"] / 900
    model = LogisticRegression(max_iter=1000)
    if strange:
        model = make_pipeline(FunctionTransformer(pd.DataFrame.abs), model)
    model.fit(rows[columns], rows["label"])
    rows["score"] = model.predict_proba(rows[columns])[:, 1]
    kept = [one for one in rows if one != "more" or "more" not in name]
    rows[kept].to_csv(folder / "scored.csv", index=False)
    path = folder / name
    if path.suffix == ".skops":
        skops.io.dump(model, path)
    else:
        joblib.dump(model, path)


@pytest.mark.parametrize(
    ("name", "strange", "says"),
    [
        ("model.joblib", False, "trust: pickle"),
        ("without_more.skops", False, "the table has no such column"),
        ("model.skops", True, "types that are not scikit-learn's own"),
    ],
)
def test_a_model_that_cannot_be_asked_is_left_out(
    tmp_path: Path, name: str, *, strange: bool, says: str
) -> None:
    """As a comment, with why; what is drafted is judged all the same, by the table."""
    fitted(tmp_path, ["amount", "more"], name=name, strange=strange)
    assert init(tmp_path, "--out", tmp_path).exit_code == 0
    written = (tmp_path / "release.yaml").read_text("utf-8")
    assert "model" not in read(tmp_path / "release.yaml").data
    assert f"# model: {{path: {name}" in written
    assert says in written
    policy = (tmp_path / "policy.yaml").read_text("utf-8")
    assert not any(one in policy for one in MODEL_CHECKS)
    assert mlgate.run(tmp_path / "release.yaml").errors == ()


def test_a_model_outside_of_the_repository_is_left_out(tmp_path: Path) -> None:
    """No release reads there."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".git").mkdir()
    fitted(tmp_path, ["amount", "more"])
    (tmp_path / "scored.csv").rename(tmp_path / "home" / "scored.csv")
    done = init(tmp_path / "home", tmp_path / "model.skops", "--out", tmp_path / "home")
    assert done.exit_code == 0
    assert "model" not in read(tmp_path / "home" / "release.yaml").data
    assert "outside of the repository" in (tmp_path / "home" / "release.yaml").read_text("utf-8")


def test_classes_with_other_names_than_the_labels_need_a_person(tmp_path: Path) -> None:
    """Which of 0 and 1 is `yes`, no file says."""
    fitted(tmp_path, ["amount", "more"])
    path = tmp_path / "scored.csv"
    lines = [one.split(",") for one in path.read_text("utf-8").splitlines()]
    place = lines[0].index("label")
    for one in lines[1:]:
        one[place] = "yes" if one[place] == "1" else "no"
    path.write_text("\n".join(map(",".join, lines)) + "\n", encoding="utf-8")
    assert init(tmp_path, "--out", tmp_path).exit_code == 0
    assert "its classes are 0 and 1" in (tmp_path / "release.yaml").read_text("utf-8")
    assert "model" not in read(tmp_path / "release.yaml").data


@pytest.mark.parametrize(
    ("size", "budget"), [(1, 2), (9, 10), (90, 100), (95, 200), (153_760, 200_000), (950, 2000)]
)
def test_a_budget_is_a_round_number_above(size: int, budget: int) -> None:
    """A tenth above, at least: the next training makes no file of exactly this size."""
    assert model_checks.budget(size) == budget


def test_the_workflow_judges_on_every_pull_request(tmp_path: Path) -> None:
    """It keeps the report whatever the verdict is."""
    (tmp_path / "test.csv").write_text(table())
    init(tmp_path, "--out", tmp_path)
    workflow = read(tmp_path / ".github" / "workflows" / "mlgate.yml").data
    assert set(workflow["on"]) == {"pull_request", "push"}
    last = workflow["jobs"]["gate"]["steps"][-1]
    assert last["if"] == "always()"
    assert last["with"]["path"].split() == ["mlgate-report", "!mlgate-report/**/private/**"]


def test_power_of_the_drafted_policy(tmp_path: Path) -> None:
    """Every drafted check passes reliably with the present model; JSON for programs."""
    (tmp_path / "test.csv").write_text(table(2000))
    init(tmp_path, "--out", tmp_path)
    done = CliRunner().invoke(
        root,
        ["policy", "power", "--release", str(tmp_path / "release.yaml"), "--json"],
        catch_exceptions=False,
    )
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    drafted = [
        one
        for one in found["checks"]
        if one["check"].startswith("performance/") and one["id"] == one["check"]
    ]
    assert len(drafted) >= 2
    assert all(one["passes"] >= 0.95 for one in drafted)
    low, high = found["required_together"]
    assert 0.8 < low <= high <= 1


def test_power_says_what_is_luck(tmp_path: Path) -> None:
    """A limit right below the present value, by the whole bound: luck, and how to mend it."""
    (tmp_path / "test.csv").write_text(table(400))
    init(tmp_path, "--out", tmp_path)
    report = mlgate.run(tmp_path / "release.yaml", tmp_path / "policy.yaml")
    value = report.finding("performance/roc-auc").value
    assert value is not None
    policy = tmp_path / "strict.yaml"
    policy.write_text(
        "mlgate: 1\npolicy: strict\ndecision: bound\nchecks:\n"
        f"  - {{check: performance/roc-auc, at_least: {value - 0.015:.4f}}}\n"
        "  - {check: performance/roc-auc, id: out-of-reach, at_least: 0.999}\n"
        "  - {check: data/row-count, at_least: 10}\n"
    )
    arguments = ["policy", "power", str(policy), "--release", str(tmp_path / "release.yaml")]
    said = CliRunner().invoke(root, arguments, catch_exceptions=False).stdout
    assert "passes by luck" in said
    assert "rows (now 400)" in said
    assert "a fact, no noise" in said
    assert "does not keep to out-of-reach" in said


def test_power_of_what_does_not_exist(tmp_path: Path) -> None:
    """A release that is not there is an error, exit code 2 in the end."""
    with pytest.raises(MlgateError, match="does not exist"):
        CliRunner().invoke(
            root,
            ["policy", "power", "baseline", "--release", str(tmp_path / "no.yaml")],
            catch_exceptions=False,
        )
