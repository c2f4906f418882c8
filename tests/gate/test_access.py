"""What the Python call lets a release reach: the environment's databases, on the hosts that the policy names."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

import mlgate
from mlgate.findings import Outcome

RELEASE = """\
mlgate: 1
name: loans
version: "1"
task: binary
data: {evaluation: {table: loans, connection: env:LOANS_DB}}
columns: {label: y, prediction: d, protected: [g], favourable: FAVOURABLE, positive: good}
"""
POLICY = """\
mlgate: 1
policy: own
title: Own
version: 1
trust: {hosts: [db.example]}
checks: [{check: fairness/impact-ratio, at_least: 0.8, decision: point}]
"""


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """Return a release of 400 loans in a database, good where group `a` and `b` alike."""
    with sqlite3.connect(tmp_path / "loans.db") as database:
        database.execute("CREATE TABLE loans (y TEXT, d TEXT, g TEXT)")
        for group in "ab":
            rows = [("good", "good", group), ("bad", "bad", group)] * 100
            database.executemany("INSERT INTO loans VALUES (?, ?, ?)", rows)
    database.close()
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    path = tmp_path / "release.yaml"
    path.write_text(RELEASE.replace("FAVOURABLE", "bad"), encoding="utf-8")
    return path


@pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")  # Ibis' way from SQLite
def test_the_python_call_finds_the_database_of_the_environment(
    release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the command line does; a file is on no host, so `trust.hosts` does not concern it."""
    monkeypatch.setenv("LOANS_DB", f"sqlite:////{release.parent / 'loans.db'}")
    report = mlgate.run(release)
    assert not report.errors
    assert [one.outcome for one in report.findings] == [Outcome.PASS]


@pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")  # as above
def test_a_misspelt_favourable_outcome_is_never_judged(
    release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would have been taken for the negative one."""
    monkeypatch.setenv("LOANS_DB", f"sqlite://{release.parent / 'loans.db'}")
    release.write_text(RELEASE.replace("FAVOURABLE", "godo"), encoding="utf-8")
    report = mlgate.run(release)
    assert report.verdict is None
    (problem,) = report.errors
    assert str(problem) == (
        "env:LOANS_DB/loans: column 'y': `favourable: 'godo'` under `columns:` is no value of the label, "
        "which has 'good', 'bad'; did you mean 'good'?"
    )


def test_a_database_on_a_host_that_the_policy_leaves_out_is_not_reached(
    release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`trust.hosts` reaches the connection."""
    monkeypatch.setenv("LOANS_DB", "mysql://me:hunter2@other.example/x")
    report = mlgate.run(release)
    assert report.verdict is None
    (problem,) = report.errors
    assert "leads to a host that the policy does not allow (trust.hosts: 'db.example')" in str(problem)
    assert "hunter2" not in str(problem)


@pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")  # as above
@pytest.mark.parametrize(
    ("where", "alike"), [("", True), (", where: {g: [a, b]}", True), (", where: {g: a}", False)]
)
def test_a_table_of_a_database_is_not_compared_with_itself(
    release: Path, monkeypatch: pytest.MonkeyPatch, where: str, alike: bool
) -> None:
    """It has no digest, so its name tells that judged and training rows are the same."""
    monkeypatch.setenv("LOANS_DB", f"sqlite:////{release.parent / 'loans.db'}")
    table = "table: loans, connection: env:LOANS_DB"
    both = RELEASE.replace("data: {", f"data: {{train: {{{table}{where}}}, ").replace("FAVOURABLE", "good")
    release.write_text(both, encoding="utf-8")
    checks = "checks: [{check: performance/overfit, at_most: 0.1, decision: point}]"
    (release.parent / "policy.yaml").write_text(POLICY[: POLICY.index("checks:")] + checks, encoding="utf-8")
    (found,) = mlgate.run(release).findings
    assert (found.outcome is Outcome.NOT_MEASURED) is alike
    assert ("the same rows" in str(found.reason)) is alike
