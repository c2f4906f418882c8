"""Models that want to do harm, judged by the whole gate: each is contained, told of, and approved by no accident.

What a missing feature of the kernel cannot contain has to be in the report: the level, and the gap by name.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlgate import api
from mlgate.findings import Outcome, Report, Verdict
from mlgate.render.html import to_html
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

    def judge(
        self,
        body: str,
        *,
        before: str = "",
        after: str = "",
        without: frozenset[str] = frozenset(),
        tell: Callable[[str], None] = lambda _: None,
    ) -> Report:
        """Judge a model whose function has this body, `rows` being the data frame."""
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        (self.folder / "scorer.py").write_text(
            f"{before}\ndef score(rows):\n{lines}\n{after}", encoding="utf-8"
        )
        (self.folder / "release.yaml").write_text(json.dumps(self.release), encoding="utf-8")
        (self.folder / "policy.yaml").write_text(json.dumps(self.policy), encoding="utf-8")
        return api.judged(
            api.Job(release=self.folder / "release.yaml", environ=os.environ, without=without, progress=tell)
        )


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
        pytest.param(
            "import sys; sys.setrecursionlimit(10**8)\ndef f(): return f()\nreturn f()",
            "ended",
            marks=pytest.mark.heavy,
        ),
    ],
)
def test_a_model_that_breaks_off_or_answers_wrong_is_told_of(world: World, body: str, said: str) -> None:
    """The gate lives, the finding says what happened, and nothing is approved."""
    assert said in reason(world.judge(body))


def test_what_a_model_says_as_it_breaks_off_tells_no_value_of_a_row(world: World) -> None:
    """Exceptions quote what they stumbled over, and no row of the data enters a report."""
    report = world.judge("raise ValueError(f'cannot read {float(rows.x[0])!r} or \\'Bob\\' at 3.75 of x1')")
    assert "ValueError: cannot read # or '…' at # of x1" in reason(report)


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


FRAMES = """
import os, struct, json
def say(head, payload=b""):
    said = json.dumps({**head, "bytes": len(payload)}).encode()
    for fd in range(3, 64):
        try:
            os.write(fd, struct.pack(">I", len(said)) + said + payload)
        except OSError:
            pass
"""


def test_answers_that_lie_ready_before_they_are_asked_for_are_none(world: World) -> None:
    """Else a slow model would have answered every timed call at once."""
    body = (
        FRAMES
        + """
if len(rows) == 200:
    say({"ok": True, "rows": 200, "width": 1}, struct.pack("<200d", *[0.9] * 200))
    for _ in range(50):
        say({"ok": True, "rows": 1, "width": 1}, struct.pack("<d", 0.1))
return rows["x"]
"""
    )
    assert "what it was not asked" in reason(world.judge(body.strip()))


def test_two_probabilities_that_do_not_add_up_are_no_answer(world: World) -> None:
    """Only one of the two is judged, so that nothing else would see it."""
    assert "do not add up to 1" in reason(world.judge("return [[1.0, 1.0]] * len(rows)"))


@pytest.mark.parametrize("name", ["model score", "MODEL Score", "Model Row", "model prediction"])
def test_a_column_that_is_called_like_an_answer_is_refused(world: World, name: str) -> None:
    """Engines do not tell upper case from lower, so that such a column would stand for what the model says."""
    (world.folder / "rows.csv").write_text(ROWS.replace("id,x,y", f"id,x,y,{name}").replace("\n", ",1\n")
                                           .replace(f"{name},1", name), encoding="utf-8")  # fmt: skip
    report = world.judge("return [0.0] * len(rows)")
    assert report.verdict is None
    assert "has the name of what the model says" in str(report.errors[0])


def test_a_model_of_no_column_is_an_error(world: World) -> None:
    """Not a fault of the gate."""
    world.release["columns"]["features"] = []
    assert "reads no column" in str(world.judge("return [0.5] * len(rows)").errors[0])


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a", "A", "b"], None),
        (["a", "A", "b", "<script>alert(1)</script>", "\x1b[2J"], None),
        (["a", "A", "b", "\ud800"], "what is no text"),
        (["a", "A", "b", "\0"], "what is no text"),
        (["a", "A", "b", "c" * 501], "500 characters"),
        (["a", "A", "b", *map(str, range(1000))], "more than 1000"),
    ],
    ids=["case", "markup", "surrogate", "nul", "long", "many"],
)
def test_names_of_classes_are_told_apart_and_held_to_what_a_report_shows(
    world: World, names: list[str], said: str | None
) -> None:
    """Classes that differ by case are two; what no file could hold is an answer that is none."""
    rows = "".join(f"{i},{i % 3},{'aAb'[i % 3]}\n" for i in range(90))
    (world.folder / "rows.csv").write_text("id,x,y\n" + rows, encoding="utf-8")
    world.release["task"] = "multiclass"
    body = f"return [[float(j == x) for j in range({len(names)})] for x in rows['x']]"
    report = world.judge(body, after=f"score.classes = {names!r}\n")
    if said is not None:
        assert said in reason(report)
        return
    assert (report.errors, report.findings[0].value) == ((), 1.0)
    page = to_html(report, digest="x")
    assert "<script>alert" not in page
    assert "\x1b" not in page


def test_the_name_of_a_missing_library_is_one_plain_line(world: World) -> None:
    """A model says it, and the log of a workflow takes commands from lines."""
    name = "x\x1b[2J\n::error::y\n" + "z" * 10_000
    report = world.judge(
        "return rows['x']", before=f"error = ImportError('no')\nerror.name = {name!r}\nraise error\n"
    )
    assert report.verdict is None
    said = str(report.errors[0])
    assert said.isprintable()
    assert len(said) < 500


FORGED = """
import sys, types
def fake(model, rows, background, explainer="auto", seed=0):
    import numpy as np
    own, behind = model.predict(rows)[:, 1:], model.predict(background)[:, 1:].mean()
    values = np.zeros((rows.num_rows, rows.num_columns, 1))
    values[:, 0, 0] = own[:, 0] - behind
    base = np.full((rows.num_rows, 1), behind)
    return dict(values=values, base=base, explained=own, method="shap.TreeExplainer", space="probability")
sys.modules["mlgate_explain"] = types.ModuleType("mlgate_explain")
sys.modules["mlgate_explain"].explain = fake
"""


class Forged:
    """Runs a text when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str, dict[str, Any]]]:
        return exec, (FORGED, {})


@pytest.fixture
def using(world: World) -> World:
    """Return a release whose model must not use the column g, half of what it rests on."""
    lines = [f"{line.rsplit(',', 1)[0]},{i % 2},{line.rsplit(',', 1)[1]}"
             for i, line in enumerate(ROWS.splitlines()[1:])]  # fmt: skip
    (world.folder / "rows.csv").write_text("id,x,g,y\n" + "\n".join(lines) + "\n", encoding="utf-8")
    world.release["columns"].update(features=["x", "g"], protected=["g"])
    world.policy["checks"] = [
        {"check": "explainability/forbidden-feature", "params": {"columns": ["g"], "rows": 60}}
    ]
    return world


def test_a_function_cannot_say_what_it_uses(using: World) -> None:
    """It is asked, from outside."""
    report = using.judge("return (rows['x'] + rows['g']) / 2", before=FORGED)
    assert report.findings[0].outcome is Outcome.FAIL


def test_attributions_that_the_answers_of_the_model_contradict_are_none(using: World) -> None:
    """A pickle can put another explainer into its own process, and leave what is forbidden out."""
    joblib, linear_model = pytest.importorskip("joblib"), pytest.importorskip("sklearn.linear_model")
    pd = pytest.importorskip("pandas")
    rows = pd.read_csv(using.folder / "rows.csv")
    model = linear_model.LogisticRegression().fit(rows[["x", "g"]], (rows.x + rows.g > 1).astype(int))
    using.release["model"] = {"path": "m.joblib", "trust": "pickle"}
    using.policy["trust"] = {"models": "pickle", "isolation": "process"}
    joblib.dump(model, using.folder / "m.joblib")
    assert using.judge("").findings[0].outcome is Outcome.FAIL
    model.forged = Forged()
    joblib.dump(model, using.folder / "m.joblib")
    assert "does not use 'g', and its answers change" in reason(using.judge(""))


def test_an_interpreter_in_no_environment_of_its_own_is_refused(world: World) -> None:
    """All below its folder's parent is given to it: here the tables, and what git keeps."""
    for place in ("python", "bin/python"):
        world.release["model"]["python"] = place
        (world.folder / place).parent.mkdir(exist_ok=True)
        (world.folder / place).write_text("#!/bin/sh\n", encoding="utf-8")
        (world.folder / place).chmod(0o755)
        assert "no environment of its own" in str(world.judge("return rows['x']").errors[0])


def test_a_model_that_never_loads_is_waited_for_once(world: World) -> None:
    """Not once for each check that needs it."""
    mark = "import sys\nprint(1)\nraise ValueError('no')\n"
    world.policy["checks"] += [{"check": "robustness/determinism"}, {"check": "robustness/prediction-sanity"}]
    started: list[str] = []
    report = world.judge("return rows['x']", before=mark, tell=started.append)
    assert {one.outcome for one in report.findings} == {Outcome.NOT_MEASURED}
    assert started.count("loading the model") == 1
