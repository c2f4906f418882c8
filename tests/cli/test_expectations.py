"""Suites of expectations on the command line: drafted from a table, judged without network, loaded when due."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

import mlgate
from mlgate.cli import root
from mlgate.errors import MlgateError
from mlgate.evidence.expectations.reading import read_suite
from mlgate.evidence.expectations.running import judge

CASES = ("adult", "bike_sharing", "german_credit", "penguins")

WATCHED = """
import socket, sys
def refuse(*_, **__):
    raise AssertionError("a socket was asked for")
socket.socket.connect = socket.socket.connect_ex = socket.socket.sendto = refuse
socket.getaddrinfo = refuse
from mlgate.cli import main
sys.argv = ["mlgate", *sys.argv[1:]]
try:
    main()
finally:
    print("LOADED", "great_expectations" in sys.modules, file=sys.stderr)
"""


def init(*arguments: object) -> Result:
    """Run the command in this process; errors that it raises are raised."""
    return CliRunner().invoke(root, ["init", *map(str, arguments)], catch_exceptions=False)


def write(folder: Path, expectations: list[object]) -> None:
    """Write a release with a suite, and a policy that asks for it."""
    (folder / "rows.csv").write_text("y,a\n" + "1,2\n0,3\n" * 20)
    release = {
        "mlgate": 1,
        "name": "r",
        "version": "1",
        "task": "binary",
        "data": {"evaluation": {"path": "rows.csv"}},
        "columns": {"label": "y"},
        "expectations": {"s": "s.json"},
    }
    policy = {"mlgate": 1, "policy": "p", "checks": [{"check": "data/expectations"}]}
    for name, data in (("release", release), ("policy", policy)):
        (folder / f"{name}.yaml").write_text(json.dumps(data))
    (folder / "s.json").write_text(json.dumps({"name": "s", "expectations": expectations}))


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    """Judge it in a process of its own that may open no socket."""
    return subprocess.run(
        [sys.executable, "-c", WATCHED, "run"], cwd=folder, capture_output=True, text=True, check=False
    )


def test_great_expectations_is_loaded_only_for_what_needs_it(tmp_path: Path) -> None:
    """A suite that the scan answers is judged without it, and no run opens a socket."""
    pytest.importorskip("great_expectations")
    fused: list[object] = [
        {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "a", "mostly": 0.5}}
    ]
    write(tmp_path, fused)
    done = run(tmp_path)
    assert done.returncode == 1, done.stderr
    assert "LOADED False" in done.stderr
    mean: dict[str, object] = {"column": "a", "min_value": 2, "max_value": 3}
    write(tmp_path, [{"type": "expect_column_mean_to_be_between", "kwargs": mean}])
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "LOADED True" in done.stderr
    assert "Calculating" not in done.stderr


@pytest.mark.parametrize("case", CASES)
def test_a_drafted_suite_is_met_by_the_table_that_it_is_drafted_from(
    shared_data: Path, tmp_path: Path, case: str
) -> None:
    """Great Expectations loads it as it stands, and finds every expectation met; so does the gate, without it."""
    gx = pytest.importorskip("great_expectations")
    for name in ("train.csv", "test.csv"):
        shutil.copy(shared_data / case / name, tmp_path)
    done = init(tmp_path, "--out", tmp_path, "--expectations", "--no-workflow", "--name", case)
    assert done.exit_code == 0, done.output
    path = tmp_path / "expectations" / f"{case.replace('_', '-')}.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    loaded = gx.ExpectationSuite(**data)
    assert len(loaded.expectations) == len(data["expectations"]) >= 5
    found = judge(
        pd.read_csv(tmp_path / "train.csv"), read_suite(path.read_bytes(), case, path.name).expectations
    )
    assert [one.success for one in found] == [True] * len(found)
    report = mlgate.run(tmp_path / "release.yaml", tmp_path / "policy.yaml")
    assert report.errors == ()
    finding = report.finding("data/expectations")
    assert {one.group["run by"] for one in finding.groups} == {"mlgate"}
    assert len(finding.groups) == len(data["expectations"])
    assert finding.outcome.value == ("fail" if case == "bike_sharing" else "pass")


def rows(count: int = 300) -> str:
    """Return a CSV of a score and a label, and columns that are missing, constant and categories."""
    lines = [
        f"{i},{'abc'[i % 3]},{'' if i % 10 == 0 else i % 7},1,{(i * 7 % 11) > 5:d},{(i * 7 % 11) / 11:.3f}"
        for i in range(count)
    ]
    return "row_id,kind,part,same,label,score\n" + "\n".join(lines) + "\n"


def test_what_is_drafted_has_room(tmp_path: Path) -> None:
    """Ranges, shares of missing values and categories allow for a little that is new."""
    (tmp_path / "test.csv").write_text(rows())
    assert (
        init(tmp_path / "test.csv", "--out", tmp_path, "--expectations", "--name", "My model").exit_code == 0
    )
    data = json.loads((tmp_path / "expectations" / "my-model.json").read_text())
    found = {(one["type"], one["kwargs"].get("column")): one["kwargs"] for one in data["expectations"]}
    part = found["expect_column_values_to_be_between", "part"]
    assert (part["min_value"], part["max_value"], part["mostly"]) == (0, 7.5, 0.99)
    assert found["expect_column_values_to_not_be_null", "part"]["mostly"] == 0.84
    assert found["expect_column_values_to_be_in_set", "kind"]["value_set"] == ["a", "b", "c"]
    assert "mostly" not in found["expect_column_values_to_be_unique", "row_id"]
    assert ("expect_column_values_to_be_between", "same") not in found
    assert not any(column == "score" for _, column in found)


def test_a_suite_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    """As with the other files; --force says so."""
    (tmp_path / "test.csv").write_text(rows())
    (tmp_path / "expectations").mkdir()
    mine = tmp_path / "expectations" / "m.json"
    mine.write_text("mine")
    with pytest.raises(MlgateError, match="exists already"):
        init(tmp_path / "test.csv", "--out", tmp_path, "--expectations", "--name", "m")
    assert mine.read_text() == "mine"
    assert (
        init(tmp_path / "test.csv", "--out", tmp_path, "--expectations", "--name", "m", "--force").exit_code
        == 0
    )
    assert mine.read_text() != "mine"


def test_nothing_is_written_through_a_link_that_leads_out(tmp_path: Path) -> None:
    """A repository may hold a link that a stranger made."""
    home, outside = tmp_path / "home", tmp_path / "outside"
    home.mkdir()
    outside.mkdir()
    (home / "test.csv").write_text(rows())
    (home / "expectations").symlink_to(outside)
    with pytest.raises(MlgateError, match="through a link"):
        init(home / "test.csv", "--out", home, "--expectations", "--name", "m")
    assert list(outside.iterdir()) == []


def test_names_of_columns_are_text_in_the_suite(tmp_path: Path) -> None:
    """What a column is called is never structure."""
    odd = 'a "b": {$PARAMETER}'
    lines = rows().splitlines()
    quoted = '"' + odd.replace('"', '""') + '"'
    (tmp_path / "test.csv").write_text("\n".join([lines[0].replace("kind", quoted), *lines[1:]]) + "\n")
    assert init(tmp_path / "test.csv", "--out", tmp_path, "--expectations", "--name", "m").exit_code == 0
    report = mlgate.run(tmp_path / "release.yaml", tmp_path / "policy.yaml")
    assert report.errors == ()
    finding = report.finding("data/expectations")
    assert finding.outcome.value == "pass"
    assert odd in {one.group["column"] for one in finding.groups}
