"""Models that want to do harm, judged by the whole gate: each is contained, told of, and approved by no accident.

What a missing feature of the kernel cannot contain has to be in the report: the level, and the gap by name.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlgate import api
from mlgate.findings import Outcome, Report, Verdict
from mlgate.scoring import isolation

LINUX = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="elsewhere nothing shuts a process in"
)

ROWS = "id,x,y\n" + "".join(f"{i},{(i * 37 % 100) / 100},{int(i * 37 % 100 >= 50)}\n" for i in range(200))


class World:
    """A release with a model of a few lines."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "rows.csv").write_text(ROWS, encoding="utf-8")
        self.policy: dict[str, Any] = {
            "mlgate": 1,
            "policy": "p",
            "trust": {"models": "code", "isolation": "process"},
            "checks": [{"check": "performance/accuracy", "at_least": 0.5}],
        }
        self.release: dict[str, Any] = {
            "mlgate": 1,
            "name": "r",
            "version": "1",
            "task": "binary",
            "model": {"uri": "python:scorer:score", "trust": "code"},
            "data": {"evaluation": {"path": "rows.csv"}},
            "columns": {"label": "y", "features": ["x"], "key": "id"},
        }

    def judge(self, body: str, *, without: frozenset[str] = frozenset()) -> Report:
        """Judge a model whose function has this body, `rows` being the data frame."""
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        (self.folder / "scorer.py").write_text(f"def score(rows):\n{lines}", encoding="utf-8")
        (self.folder / "release.yaml").write_text(json.dumps(self.release), encoding="utf-8")
        (self.folder / "policy.yaml").write_text(json.dumps(self.policy), encoding="utf-8")
        return api.judged(api.Job(release=self.folder / "release.yaml", environ=os.environ, without=without))


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a release with 200 rows."""
    return World(tmp_path)


def reason(report: Report) -> str:
    """Return why the one check was not measured."""
    assert report.errors == ()
    (finding,) = report.findings
    assert finding.outcome is Outcome.NOT_MEASURED
    assert report.verdict is Verdict.UNDECIDED
    return finding.reason or ""


def test_an_honest_model_is_judged_on_what_the_gate_computed(world: World) -> None:
    """Origin, evidence and isolation say who scored the rows."""
    report = world.judge('return rows["x"]')
    assert report.verdict is Verdict.APPROVED
    (finding,) = report.findings
    assert (finding.value, finding.origin.value) == (1.0, "computed")
    kinds = {record.name: (record.kind, record.origin.value) for record in report.evidence}
    assert kinds["model"] == ("model", "computed")
    assert kinds["evaluation.predictions"] == ("predictions", "computed")
    assert report.environment is not None
    assert (report.environment.isolation or "").split(" ")[0] == isolation.possible()[0]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("import os; os._exit(0)", "exit code 0"),
        ("import sys; sys.exit(0)", "exit code 0"),
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
        ("raise ValueError('no idea')", "no idea"),
        ("raise SystemExit('away')", "ended"),
        ("return rows['x'][:3]", "200 rows"),
        ("return [[x, 1 - x, 0] for x in rows['x']]", "3"),
        ("return ['yes'] * len(rows)", "text"),
        ("return None", "None"),
        ("return [1j] * len(rows)", "complex"),
        ("import sys; sys.setrecursionlimit(10**8)\ndef f(): return f()\nreturn f()", "ended"),
    ],
)
def test_a_model_that_breaks_off_or_answers_wrong_is_told_of(world: World, body: str, said: str) -> None:
    """The gate lives, the finding says what happened, and nothing is approved."""
    assert said in reason(world.judge(body))


@pytest.mark.parametrize("value", ["float('nan')", "float('inf')", "-1.0", "7.5"])
def test_numbers_that_are_no_probabilities_are_no_approval(world: World, value: str) -> None:
    """One such number among good ones is enough."""
    report = world.judge(f"return [{value}] + [0.9] * (len(rows) - 1)")
    assert report.verdict is not Verdict.APPROVED


def test_what_a_model_prints_goes_nowhere(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    """Not even a flood of frames that look like the protocol's own."""
    body = "import os, sys\n"
    body += "for _ in range(2000): print('{\"ok\": true, \"bytes\": 0}' * 20); os.write(2, b'x' * 1000)\n"
    report = world.judge(body + "return rows['x']")
    assert report.verdict is Verdict.APPROVED
    assert capfd.readouterr() == ("", "")


def test_an_answer_on_the_wire_that_is_longer_than_asked_for_ends_the_model(world: World) -> None:
    """A model finds the pipe to the gate and writes a frame of its own that claims 2 GB."""
    body = """
import os, struct, json
head = json.dumps({"ok": True, "rows": len(rows), "width": 1, "bytes": 2**31}).encode()
for fd in range(3, 64):
    try:
        os.write(fd, struct.pack(">I", len(head)) + head)
    except OSError:
        pass
return rows["x"]
""".strip()
    assert "more than it was asked for" in reason(world.judge(body))


def test_labels_are_not_given_and_the_order_tells_nothing(world: World) -> None:
    """It sees its feature and no key, label or place, and an answer by the place of a row is wrong."""
    body = "assert list(rows.columns) == ['x'] and list(rows.index) == list(range(len(rows)))\n"
    assert world.judge(body + "return rows['x']").verdict is Verdict.APPROVED
    rows = sorted(ROWS.splitlines()[1:], key=lambda line: line[-1])
    (world.folder / "rows.csv").write_text("id,x,y\n" + "\n".join(rows) + "\n", encoding="utf-8")
    cheat = world.judge("return [float(i >= len(rows) // 2) for i in range(len(rows))]")
    assert cheat.findings[0].value is not None
    assert 0.3 < cheat.findings[0].value < 0.7


OFF = [frozenset[str](), frozenset({"landlock"}), frozenset({"seccomp"}), frozenset({"namespaces"}),
       frozenset({"landlock", "seccomp", "namespaces"})]  # fmt: skip


@pytest.fixture
def listener() -> Iterator[int]:
    """Yield the port of a server on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@LINUX
@pytest.mark.parametrize("without", OFF, ids=lambda off: "+".join(sorted(off)) or "all")
def test_what_a_model_reaches_is_in_the_report(
    world: World, without: frozenset[str], listener: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each attack fails, or the level is too low to stop it and the report says so; a token is never there."""
    monkeypatch.setenv("GITHUB_TOKEN", "ghs_secret")
    target = world.folder / "github_env"
    target.write_text("", encoding="utf-8")
    attacks = {
        "label": f"'id,x,y' in open({str(world.folder / 'rows.csv')!r}).read()",
        "token": "'ghs_secret' in str(dict(__import__('os').environ))",
        "gate": f"b'ghs_secret' in open('/proc/{os.getpid()}/environ', 'rb').read()",
        "write": f"open({str(target)!r}, 'a').write('X=1')",
        "connect": f"__import__('socket').create_connection(('127.0.0.1', {listener}), timeout=3)",
    }
    body = "reached = []\n" + "".join(
        f"try:\n    if {attack}: reached.append({name!r})\nexcept OSError:\n    pass\n"
        for name, attack in attacks.items()
    )
    report = world.judge(body + "assert not reached, f'REACHED {reached}'\nreturn rows['x']", without=without)
    assert report.environment is not None
    level, _, gaps = (report.environment.isolation or "").partition(" ")
    assert level == isolation.possible(without)[0]
    if report.verdict is Verdict.APPROVED:
        return
    said = reason(report)
    assert "'token'" not in said
    assert level != "full"
    assert gaps, "what could not be shut is named"
    if any(f"'{name}'" in said for name in ("label", "write", "gate")):
        assert level == "process"


@LINUX
def test_where_labels_could_be_read_the_origin_says_so(world: World) -> None:
    """Without Landlock the process of a model that executes code could have opened the table."""
    report = world.judge("return rows['x']", without=frozenset({"landlock"}))
    if isolation.possible(frozenset({"landlock"}))[0] != "process":
        pytest.skip("this machine shuts files by other means")
    notes = {record.name: record.note for record in report.evidence}
    assert notes["evaluation.predictions"] == "labels reachable"


@LINUX
def test_a_policy_can_ask_for_more_isolation_than_there_is(world: World) -> None:
    """Then the model is not run."""
    world.policy["trust"] = {"models": "code", "isolation": "full"}
    report = world.judge("return rows['x']", without=frozenset({"landlock", "seccomp", "namespaces"}))
    assert report.verdict is Verdict.UNDECIDED
    assert "isolation" in (report.findings[0].reason or "")


def test_code_is_not_run_unless_both_files_say_so(world: World, tmp_path: Path) -> None:
    """Neither the release's word alone nor the policy's."""
    mark = tmp_path / "ran"
    body = f"open({str(mark)!r}, 'w')\nreturn rows['x']"
    world.policy["trust"] = {}
    assert "the policy trusts no such" in (world.judge(body).findings[0].reason or "")
    world.policy["trust"] = {"models": "code"}
    world.release["model"]["trust"] = "pickle"
    assert "add `trust: code`" in (world.judge(body).findings[0].reason or "")
    assert not mark.exists()


def test_no_process_is_left_behind(world: World) -> None:
    """However the run ends, the processes of the model are gone with it."""
    world.judge("return rows['x']")
    world.judge("import os; os._exit(1)")
    if sys.platform.startswith("linux"):
        listed = subprocess.run(["ps", "-eo", "ppid,args"], capture_output=True, text=True, check=True).stdout
        own = [
            line for line in listed.splitlines() if line.split()[0] == str(os.getpid()) and "child.py" in line
        ]
        assert own == []
