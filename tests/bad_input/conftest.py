"""One release that is approved, to be broken in one place at a time, and what must hold whenever it is."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from jsonschema import Draft202012Validator

from mlgate import cli
from mlgate.render import record

HEADER = ["id", "y", "p", "sex", "age_group", "income", "tenure"]
SAID = {0: "approved", 1: "blocked", 2: None, 3: "undecided"}
"""The verdict that each exit code stands for."""

RELEASE = """\
mlgate: 1
name: credit
version: "1.0.0"
task: binary
intended_use: Rank loan applications for manual review.
owners: [risk@example.org]
data:
  evaluation: {path: data/test.csv}
columns:
  label: y
  positive: 1
  score: p
  key: id
  protected: [sex, age_group]
  features: [income, tenure]
threshold: 0.5
documents: {model_card: MODEL_CARD.md}
"""

POLICY = """\
mlgate: 1
policy: credit-release
title: Credit
checks:
  - check: performance/roc-auc
    at_least: 0.8
  - check: performance/accuracy
    at_least: 0.8
  - check: performance/recall
    at_least: 0.8
  - check: data/row-count
    at_least: 100
  - check: data/missing
    at_most: 0.05
  - check: data/unique-key
    at_most: 0
  - check: fairness/demographic-parity-difference
    at_most: 0.3
  - check: fairness/equal-opportunity-difference
    at_most: 0.2
    guard: 0.1
  - check: documentation/model-card
    severity: block
"""

CARD = """\
# Model card

## Model details
Logistic regression on two features, trained by the risk team in July.

## Intended use
Rank loan applications, so that people look at the doubtful ones first.

## Training data
Applications of one bank from January to June, without those of employees.

## Evaluation
Applications of July and August of the same bank, labelled by what happened in the year after.

## Limitations
One bank and one year. No other population was looked at.
"""

Row = list[str]


def rows() -> list[Row]:
    """Return 400 rows on which a model is right 39 times out of 40, in every group alike."""
    draw = random.Random(20261121)
    found = []
    for number in range(400):
        sex, age = draw.choice(["female", "male"]), draw.choice(["<30", "30-50", ">50"])
        label = draw.randrange(2)
        score = min(max(draw.gauss(0.78 if label else 0.22, 0.14), 0.001), 0.999)
        income, tenure = draw.gauss(50, 15), draw.randrange(1, 30)
        found.append([str(number), str(label), f"{score:.6f}", sex, age, f"{income:.2f}", str(tenure)])
    return found


def csv_text(header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """Write a table as CSV."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([header, *body])
    return text.getvalue()


@dataclass(frozen=True)
class Done:
    """What a run said and did."""

    code: int
    said: str
    """stdout and stderr."""
    report: dict[str, Any] | None
    """report.json, None when there is none."""
    html: str | None
    changed: frozenset[str]
    """What differs outside --out: files that came, went or changed, as paths below the watched root."""

    def finding(self, id: str) -> dict[str, Any]:
        """Return one finding of the report."""
        assert self.report is not None
        found: dict[str, Any] = next(one for one in self.report["findings"] if one["id"] == id)
        return found

    @property
    def outcomes(self) -> dict[str, str]:
        """Return the outcome of every finding by its id."""
        assert self.report is not None
        return {one["id"]: one["outcome"] for one in self.report["findings"]}


@dataclass
class World:
    """A repository with a release that is approved, an approving report of yesterday, and all around it."""

    root: Path
    """Everything in here is watched."""
    stale: dict[str, bytes]
    """The reports of yesterday that lie in --out."""
    out: str = "mlgate-report"
    """What is given as --out, relative to the repository."""
    table: list[Row] = field(default_factory=rows)
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """The folder of release.yaml, in which mlgate is run."""
        return self.root / "repository"

    @property
    def data(self) -> Path:
        """The table that is judged."""
        return self.home / "data" / "test.csv"

    @property
    def folder(self) -> Path:
        """The folder that reports are written to."""
        return self.home / self.out

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text that a file holds exactly once."""
        path = self.home / name
        text = path.read_text("utf-8")
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {name}"
        path.write_text(text.replace(old, new), "utf-8")

    def release(self, old: str, new: str) -> None:
        """Change release.yaml in one place."""
        self.edit("release.yaml", old, new)

    def policy(self, old: str, new: str) -> None:
        """Change policy.yaml in one place."""
        self.edit("policy.yaml", old, new)

    def checks(self, *entries: str) -> None:
        """Write a policy of these checks, each a YAML flow mapping."""
        lines = "".join(f"  - {one}\n" for one in entries)
        (self.home / "policy.yaml").write_text(f"mlgate: 1\npolicy: own\nchecks:\n{lines}", "utf-8")

    def rewrite(self, change: Callable[[list[Row]], object], header: Sequence[str] = HEADER) -> None:
        """Change the rows in place and write the table."""
        change(self.table)
        self.data.write_text(csv_text(header, self.table), "utf-8")

    def column(self, name: str, value: str | Callable[[int, Row], str]) -> None:
        """Set a column, the same text everywhere or as a function of row number and row."""
        at = HEADER.index(name)
        for number, row in enumerate(self.table):
            row[at] = value if isinstance(value, str) else value(number, row)
        self.rewrite(lambda _: None)

    def run(self, *arguments: str) -> Done:
        """Run `mlgate run` in this process."""
        before, code = self.seen(), 0
        said = io.StringIO()
        argv = ["mlgate", "run", *self._arguments(arguments)]
        here = Path.cwd()
        os.chdir(self.home)
        try:
            with (
                mock.patch.object(sys, "argv", argv),
                mock.patch.object(tempfile, "tempdir", str(self.root / "tmp")),
                mock.patch.dict(os.environ, self.environ),
                redirect_stdout(said),
                redirect_stderr(said),
            ):
                cli.main()
        except SystemExit as done:
            code = int(done.code or 0)
        finally:
            os.chdir(here)
        return self.done(code, said.getvalue(), before)

    def start(self, *arguments: str, **more: Any) -> subprocess.Popen[str]:
        """Start `mlgate run` as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "mlgate", "run", *self._arguments(arguments)],
            cwd=self.home,
            env={**os.environ, "TMPDIR": str(self.root / "tmp"), **self.environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **more,
        )

    def call(self, *arguments: str, **more: Any) -> Done:
        """Run `mlgate run` as a process of its own."""
        before = self.seen()
        with self.start(*arguments, **more) as process:
            said, _ = process.communicate(timeout=60)
        return self.done(process.returncode, said, before)

    def _arguments(self, given: Sequence[str]) -> list[str]:
        return [*given] if "--out" in given else ["--out", self.out, *given]

    def done(self, code: int, said: str, before: dict[str, str]) -> Done:
        """Collect what a run left behind."""
        now = self.seen()
        report, page = self.folder / "report.json", self.folder / "report.html"
        return Done(
            code=code,
            said=said,
            report=json.loads(report.read_bytes()) if report.is_file() else None,
            html=page.read_text("utf-8") if page.is_file() else None,
            changed=frozenset(
                name for name in before.keys() | now.keys() if before.get(name) != now.get(name)
            ),
        )

    def seen(self) -> dict[str, str]:
        """Return everything in the watched root but the reports: path to kind, mode and content."""
        found = {}
        for folder, names, files in os.walk(self.root):
            for name in (*names, *files):
                path = Path(folder, name)
                if path.parent == self.folder and name in self.stale:
                    continue
                found[str(path.relative_to(self.root))] = _look(path)
        return found


def _look(path: Path) -> str:
    if path.is_symlink():
        return f"link to {os.readlink(path)}"  # noqa: PTH115  as it is written
    mode = oct(path.stat().st_mode)
    if not path.is_file():
        return mode
    return f"{mode} {hashlib.sha256(path.read_bytes()).hexdigest()}"


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The release as it is approved, with the report that says so."""
    world = World(root=tmp_path_factory.mktemp("pristine"), stale={})
    (world.home / "data").mkdir(parents=True)
    (world.root / "tmp").mkdir()
    (world.root / "elsewhere").mkdir()
    (world.root / "elsewhere" / "secret.csv").write_text(csv_text(HEADER, rows()), "utf-8")
    (world.home / "release.yaml").write_text(RELEASE, "utf-8")
    (world.home / "policy.yaml").write_text(POLICY, "utf-8")
    (world.home / "MODEL_CARD.md").write_text(CARD, "utf-8")
    world.rewrite(lambda _: None)
    done = world.run()
    assert (done.code, done.report and done.report["verdict"]) == (0, "approved"), done.said
    world.stale = {name: (world.folder / name).read_bytes() for name in ("report.json", "report.html")}
    (world.folder / "notes.txt").write_text("mine", "utf-8")
    return world


@pytest.fixture
def world(pristine: World, tmp_path: Path) -> World:
    """A copy of the approved release, with yesterday's approving report in its --out."""
    root = tmp_path / "world"
    shutil.copytree(pristine.root, root, symlinks=True)
    return World(root=root, stale=pristine.stale)


SCHEMA = Draft202012Validator(record.schema())


def sound(world: World, done: Done) -> None:
    """Assert what holds after every run, whatever it was given."""
    assert "Traceback" not in done.said
    assert done.changed == frozenset(), f"changed outside --out: {sorted(done.changed)}"
    for name, bytes_then in world.stale.items():
        path = world.folder / name
        assert not path.is_file() or path.read_bytes() != bytes_then, f"{name} of yesterday is still there"
    if done.report is not None:
        SCHEMA.validate(done.report)
        record.from_json((world.folder / "report.json").read_bytes())
        assert done.report["verdict"] == SAID[done.code]


def refused(world: World, done: Done, *codes: int, says: Sequence[str] = ()) -> Done:
    """Assert that a run did not approve, said why in these words, and left nothing else behind."""
    sound(world, done)
    assert done.code in (codes or (2,)), f"exit {done.code}:\n{done.said}"
    assert done.code in (1, 2, 3)
    assert "internal fault" not in done.said, done.said
    for word in says:
        assert word in done.said, f"{word!r} is not in:\n{done.said}"
    assert done.report is not None, "no report was written"
    assert not done.report["promotable"]
    if done.code == 2:
        assert done.report["errors"]
        assert not done.report["findings"]
        assert all(one["where"] and one["what"] and one["todo"] for one in done.report["errors"])
    assert done.html is not None
    assert 'class="verdict approved"' not in done.html
    return done
