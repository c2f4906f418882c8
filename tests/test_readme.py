"""The README does what it says: its files load, its plugin installs, its commands and codes exist."""

from __future__ import annotations

import importlib
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

import mlgate
from mlgate import catalogue, measures
from mlgate.cli import COMMANDS, root
from mlgate.cli.run import command as run_command
from mlgate.evidence.release import Release
from mlgate.findings import ExitCode
from mlgate.policy import PolicyFile

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")


def block(language: str, marker: str) -> str:
    """Return the one code block of a language that holds a text."""
    found = [one for one in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if marker in one]
    assert len(found) == 1, marker
    return str(found[0])


def section(title: str) -> str:
    """Return the text of one section."""
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows() -> str:
    """Return a table of 600 people whom a model ranks well, women and men alike."""
    draw = np.random.default_rng(7)
    label = draw.integers(0, 2, 600)
    score = np.clip(0.5 + 0.3 * (2 * label - 1) + draw.normal(0, 0.15, 600), 0.01, 0.99)
    lines = [f"{i},{y},{p:.4f},{'fm'[i % 2]}" for i, (y, p) in enumerate(zip(label, score, strict=True))]
    return "\n".join(["customer,defaulted,p_default,sex", *lines, ""])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with the README's two files and a table that fits them."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "test.csv").write_text(rows())
    for name in ("release.yaml", "policy.yaml"):
        (tmp_path / name).write_text(block("yaml", f"# {name}:"))
    return tmp_path


def test_the_first_release_is_judged_as_written(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copied from the README, release and policy are read, and the Python block runs."""
    monkeypatch.chdir(home)
    report = mlgate.run("release.yaml", "policy.yaml")
    assert report.errors == ()
    assert report.verdict is mlgate.Verdict.APPROVED
    assert report.finding("performance/roc-auc").because == "Below this, manual review beats the model."
    exec(block("python", "mlgate.load_report"), {})  # noqa: S102  the README's own words
    assert (home / "mlgate-report" / "report.json").is_file()


def test_every_block_of_yaml_loads() -> None:
    """The workflow among them, which calls what there is."""
    for text in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL):
        assert isinstance(yaml.safe_load(text), dict)
    steps = yaml.safe_load(block("yaml", "actions/checkout"))["jobs"]["gate"]["steps"]
    (line,) = (step["run"] for step in steps if "mlgate run" in step.get("run", ""))
    given = re.findall(r"--[a-z-]+", line)
    assert set(given) <= {option for one in run_command.params for option in one.opts}
    assert any(step.get("if") == "always()" for step in steps)


def test_every_command_and_option_is_documented_and_exists() -> None:
    """Nothing is told that is not there; nothing is there that is not told."""
    told = section("Commands")
    for name in COMMANDS:
        assert f"`mlgate {name}" in told
    options = {option for one in run_command.params for option in one.opts if option.startswith("--")}
    table = told.partition("| option of `mlgate run` |")[2]
    assert {*re.findall(r"`(--[a-z-]+)", table)} == options
    for words in {tuple(one.split()) for one in re.findall(r"mlgate ((?:policy|new) [a-z]+)", README)}:
        assert CliRunner().invoke(root, [*words, "--help"]).exit_code == 0, words


def test_the_table_of_exit_codes_is_that_of_the_tool() -> None:
    """Code and verdict, as the report has them."""
    told = re.findall(r"^\| (\d) \| (\w+) \|", README, re.MULTILINE)
    codes = {verdict.value: code for verdict, code in zip(mlgate.Verdict, (0, 1, 3), strict=True)}
    assert {(int(code), word) for code, word in told} == {*((c, v) for v, c in codes.items()), (2, "none")}
    assert {int(code) for code, _ in told} == {int(one) for one in ExitCode}


def test_the_tables_of_keys_are_complete() -> None:
    """Every key of a release and of a policy is named, and no other."""
    told = section("What the files may say")
    release, _, policy = told.partition("| policy.yaml |")
    for model, table in ((Release, release), (PolicyFile, policy)):
        named = {key for line in table.splitlines() for key in re.findall(r"`(\w+)`", line.split(" | ")[0])}
        assert named == {info.alias or name for name, info in model.model_fields.items()}


def told(title: str, file: str) -> dict[str, Any]:
    """Return what one section adds to a file."""
    found = re.findall(rf"```yaml\n# in {file}\n(.*?)```", section(title), re.DOTALL)
    (text,) = found
    return dict(yaml.safe_load(text))


def suite(column: str) -> str:
    """Return a suite that says that a column has no gaps."""
    expected = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": column}, "meta": {}}
    return json.dumps({"name": "orders", "expectations": [expected], "meta": {}})


def test_what_is_told_of_other_models_and_tables_is_judged_as_written(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sections on champion, drift, leakage, slices and expectations: every check that they name is measured."""
    monkeypatch.chdir(home)
    (home / "reports").mkdir()
    (home / "expectations").mkdir()
    mlgate.run("release.yaml", "policy.yaml", out="first")
    (home / "first" / "report.json").rename(home / "reports" / "spring.json")
    (home / "expectations" / "orders.json").write_text(suite("customer"))
    judged = [line.split(",") for line in rows().splitlines()]
    draw = np.random.default_rng(8)
    today = [
        "p_today",
        *(f"{np.clip(float(p) + draw.normal(0, 0.2), 0, 1):.4f}" for _, _, p, _ in judged[1:]),
    ]
    age = ["age", *(str(20 + place % 50) for place in range(len(judged) - 1))]
    lines = [",".join([*line, *more]) for line, *more in zip(judged, today, age, strict=True)]
    (home / "data" / "test.csv").write_text("\n".join([*lines, ""]))
    trained = [lines[0], *(f"1000{line}" for line in lines[1:])]
    (home / "data" / "train.csv").write_text("\n".join([*trained, ""]))
    release, policy = (yaml.safe_load((home / name).read_text()) for name in ("release.yaml", "policy.yaml"))
    release["version"] = "2.4.0"
    asked = []
    for title in ("Against yesterday", "Drift, leakage and slices", "Great Expectations"):
        release |= told(title, "release.yaml")
        added = told(title, "policy.yaml")
        asked += added.pop("checks")
        policy |= added
    policy["checks"] += asked
    (home / "release.yaml").write_text(yaml.safe_dump(release))
    (home / "policy.yaml").write_text(yaml.safe_dump(policy))
    report = mlgate.run("release.yaml", "policy.yaml")
    assert report.errors == ()
    named = {use["check"] for use in asked}
    found = [one for one in report.findings if one.check in named]
    assert {one.check for one in found} == named
    unanswered = (mlgate.Outcome.NOT_MEASURED, mlgate.Outcome.NOT_APPLICABLE)
    assert [(one.id, one.reason) for one in found if one.outcome in unanswered] == []


def test_what_is_told_of_the_model_itself_is_judged_as_written(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate runs the model of the example, and every check that is named is measured."""
    import pandas as pd
    import skops.io
    from sklearn.linear_model import LogisticRegression

    monkeypatch.chdir(home)
    draw = np.random.default_rng(7)
    table = pd.DataFrame({"customer": range(400), "defaulted": draw.integers(0, 2, 400)})
    table["debt"] = 20_000 + 10_000 * table["defaulted"] + draw.normal(0, 4_000, 400).round(2)
    table["age"] = draw.integers(20, 70, 400)
    table["sex"] = draw.choice(["female", "male"], 400)
    model = LogisticRegression().fit(table[["debt", "age"]] / 1.0, table["defaulted"])
    skops.io.dump(model, home / "model.skops")
    table["p_default"] = model.predict_proba(table[["debt", "age"]] / 1.0)[:, 1]
    table.to_csv(home / "data" / "test.csv", index=False)
    title = "The model itself"
    release, policy = (yaml.safe_load((home / name).read_text()) for name in ("release.yaml", "policy.yaml"))
    added = told(title, "policy.yaml")
    asked = added.pop("checks")
    policy |= added
    policy["checks"] += asked
    (home / "release.yaml").write_text(yaml.safe_dump(release | told(title, "release.yaml")))
    (home / "policy.yaml").write_text(yaml.safe_dump(policy))
    report = mlgate.run("release.yaml", "policy.yaml")
    assert report.errors == ()
    found = [one for one in report.findings if one.check in {use["check"] for use in asked}]
    assert {one.check for one in found} == {use["check"] for use in asked}
    wrong = [(one.id, one.reason, one.decides) for one in found if one.outcome is not mlgate.Outcome.PASS]
    assert wrong == []
    assert report.finding("performance/roc-auc").origin.value == "computed"


def test_the_models_that_are_told_of_are_those_that_are_known() -> None:
    """Every suffix in the table is of a format, and every format is in it; extras are those of the package."""
    from mlgate.scoring import formats

    table = section("The model itself").partition("### What can be scored")[2].partition("###")[0]
    suffixes = set(re.findall(r"[`l](\.[a-z0-9]+)`", table))
    known = {suffix: {one.name for one in several} for suffix, several in formats._BY_SUFFIX.items()}
    assert suffixes <= set(known)
    assert set.union(*known.values()) == set.union(*(known[one] for one in suffixes))
    project = tomllib.loads((Path(__file__).resolve().parents[1] / "pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"].keys() - {"test"}
    listed = README.partition("| extra | for |")[2].partition("\n\n")[0]
    assert {
        name for line in listed.splitlines() for name in re.findall(r"`([a-z]+)`", line.split(" | ")[0])
    } == extras


def test_every_check_that_is_told_of_is_there() -> None:
    """A name in the text is a name in the catalogue, in full or after one of its family."""
    known = set(catalogue.load())
    families = {one.partition("/")[0] for one in known}
    named = set(re.findall(rf"`((?:{'|'.join(sorted(families))})/[a-z0-9-]+)`", README))
    assert named
    assert named <= known


def test_the_case_file_of_the_new_check_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`mlgate new check …` and the test module below it, as written."""
    monkeypatch.chdir(tmp_path)
    line = next(one for one in README.splitlines() if one.startswith("mlgate new check"))
    assert CliRunner().invoke(root, line.split()[1:]).exit_code == 0
    found: dict[str, object] = {}
    exec(block("python", "check_case"), found)  # noqa: S102  the README's own words
    (parametrized,) = found["test_case"].pytestmark  # type: ignore[attr-defined]  what pytest puts there
    assert len(parametrized.args[1]) == 3
    for case in parametrized.args[1]:
        found["test_case"](case)  # type: ignore[operator]  the function of the block


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The README's project, installed into a folder as pip would: module, metadata, entry point."""
    project = tomllib.loads(block("toml", "yourproject/pyproject.toml"))
    site, made = tmp_path / "site", project["project"]
    package = site / "yourpackage"
    info = site / f"{made['name']}-{made['version']}.dist-info"
    for folder in (package, info):
        folder.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "measures.py").write_text(block("python", "yourpackage/measures.py"))
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {made['name']}\nVersion: {made['version']}\n"
    )
    points = made["entry-points"]["mlgate.measures"]
    (info / "entry_points.txt").write_text(
        "[mlgate.measures]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
    )
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["yourpackage"]
    monkeypatch.syspath_prepend(str(site))
    forget()
    yield tmp_path
    monkeypatch.undo()
    forget()


def forget() -> None:
    """Look for installed measures anew."""
    measures.catalogue.cache_clear()
    catalogue._shipped.cache_clear()
    for name in [one for one in sys.modules if one.partition(".")[0] == "yourpackage"]:
        del sys.modules[name]
    importlib.invalidate_caches()


def test_the_plugin_is_judged_as_written(plugin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The measure is found, its value is scikit-learn's, it has an interval, and its new check's cases hold."""
    from sklearn.metrics import fbeta_score

    from mlgate.testing import cases, check_case

    monkeypatch.chdir(plugin)
    assert CliRunner().invoke(root, ["new", "check", "custom/f2", "--measure", "yours.f2"]).exit_code == 0
    for case in cases("tests/cases"):
        check_case(case, checks=["checks"])
    table = rows().splitlines()[1:]
    (plugin / "test.csv").write_text(rows())
    (plugin / "release.yaml").write_text(
        block("yaml", "# release.yaml:").replace("data/test.csv", "test.csv")
    )
    (plugin / "policy.yaml").write_text(
        "mlgate: 1\npolicy: mine\nchecks: [{check: custom/f2, at_least: 0.6, because: Missing one costs more.}]\n"
    )
    found = mlgate.run("release.yaml", "policy.yaml", checks="checks").finding("custom/f2")
    label = [int(row.split(",")[1]) for row in table]
    decided = [float(row.split(",")[2]) >= 0.5 for row in table]
    assert found.value == pytest.approx(fbeta_score(label, decided, beta=2.0), abs=1e-9)
    assert found.interval is not None
    assert found.interval[0] < found.value < found.interval[1]
    assert found.outcome is mlgate.Outcome.PASS
    assert found.measure.package == "yourproject"
