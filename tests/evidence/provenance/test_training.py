"""Training again: a real model by a real script, and commands that would do more than train."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from mlgate import api
from mlgate.cells import ModelFound, Retrained
from mlgate.evidence.files.locations import Territory
from mlgate.evidence.models.artifact import take_model
from mlgate.evidence.models.trust import Terms
from mlgate.evidence.provenance.training import Retraining
from mlgate.evidence.release import load_release
from mlgate.findings import Finding

Git = Callable[..., str]

TRAIN = """\
import json
import os
import sys

import pandas as pd
import skops.io
from sklearn.ensemble import RandomForestClassifier

table = pd.read_csv("data/train.csv")
model = RandomForestClassifier(n_estimators=5, max_depth=3, random_state=int(os.environ["MLGATE_SEED"]))
model.fit(table[["a", "b"]], table["y"])
skops.io.dump(model, "model.skops")
"""

POLICY = {"mlgate": 1, "policy": "p", "trust": {"models": "code", "isolation": "process"}}
RETRAIN = {"check": "reproducibility/retrain", "severity": "block", "params": {"seconds": 120}}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, git: Git) -> Path:
    """Return a repository with a script, data that git does not hold, and the model that it trained."""
    import os
    import subprocess
    import sys

    import numpy as np
    import pandas as pd

    folder = tmp_path_factory.mktemp("project")
    (folder / "data").mkdir()
    draw = np.random.default_rng(3)
    rows = pd.DataFrame({"a": draw.normal(size=300), "b": draw.normal(size=300)}).round(4)
    rows["y"] = (rows["a"] + rows["b"] + draw.normal(size=300) > 0).astype(int)
    rows[:150].to_csv(folder / "data/train.csv", index=False)
    rows[150:].to_csv(folder / "data/test.csv", index=False)
    (folder / "train.py").write_text(TRAIN, encoding="utf-8")
    (folder / ".gitignore").write_text("data/\n", encoding="utf-8")
    subprocess.run(
        [sys.executable, "train.py"], cwd=folder, check=True, env={**os.environ, "MLGATE_SEED": "7"}
    )
    git(folder, "init", "-q", ".")
    return folder


@pytest.fixture
def judge(project: Path, tmp_path: Path, git: Git) -> Callable[..., Finding]:
    """Return what commits a copy of the project with a script and judges one check on it."""

    def run(
        train: str = TRAIN,
        *,
        provenance: Mapping[str, Any] | None = None,
        use: Mapping[str, Any] = RETRAIN,
        policy: Mapping[str, Any] = POLICY,
        uncommitted: str | None = None,
    ) -> Finding:
        folder = tmp_path / "copy"
        shutil.copytree(project, folder)
        (folder / "train.py").write_text(train, encoding="utf-8")
        command = {"command": "python train.py", "output": "model.skops"}
        release = {
            "mlgate": 1,
            "name": "x",
            "version": "1",
            "task": "binary",
            "model": {
                "path": "model.skops",
                "trusted_types": ["sklearn.tree._tree.Tree"],
            },
            "data": {"train": {"path": "data/train.csv"}, "evaluation": {"path": "data/test.csv"}},
            "columns": {"label": "y", "features": ["a", "b"]},
            "provenance": {"seed": 7, "train": command, **(provenance or {})},
        }
        (folder / "release.yaml").write_text(json.dumps(release), encoding="utf-8")
        (folder / "policy.yaml").write_text(json.dumps({**policy, "checks": [use]}), encoding="utf-8")
        git(folder, "add", ".")
        git(folder, "commit", "-q", "-m", "one")
        if uncommitted is not None:
            (folder / "train.py").write_text(uncommitted, encoding="utf-8")
        report = api.run(folder / "release.yaml", folder / "policy.yaml")
        assert not report.errors, report.errors
        (finding,) = [one for one in report.findings if one.check == use["check"]]
        return finding

    return run


def test_a_seeded_script_makes_the_same_model(judge: Callable[..., Finding]) -> None:
    """To the last decision and within 1e-6, from data that git does not hold."""
    found = judge()
    assert (found.outcome.value, found.value, found.n) == ("pass", 1.0, 150), found.reason


@pytest.mark.heavy  # the shipped cases of the check say it with a lighter script
def test_without_its_seed_it_makes_another(judge: Callable[..., Finding]) -> None:
    """The finding says how far the two are apart."""
    found = judge(TRAIN.replace('int(os.environ["MLGATE_SEED"])', "None"))
    assert found.outcome.value == "fail", found.reason
    assert "rows differ, the largest difference is" in (found.groups[0].reason or "")


def test_what_is_not_committed_is_not_trained_with(judge: Callable[..., Finding]) -> None:
    """A script that was mended in the work tree alone does not count."""
    found = judge(TRAIN.replace("max_depth=3", "max_depth=1"), uncommitted=TRAIN)
    assert found.outcome.value == "fail", found.reason
    assert "rows differ, the largest difference is" in (found.groups[0].reason or "")


def test_the_judged_model_cannot_be_handed_back(judge: Callable[..., Finding], project: Path) -> None:
    """Whatever name it has in the repository, it is not in the copy."""
    kept = "saved.bin"
    shutil.copy(project / "model.skops", project / kept)
    try:
        found = judge(f"import shutil\nshutil.copy({kept!r}, 'model.skops')\n")
    finally:
        (project / kept).unlink()
    assert found.outcome.value == "not_measured"
    assert "FileNotFoundError" in (found.reason or "")


def test_a_command_that_reaches_out_is_held(judge: Callable[..., Finding], tmp_path: Path) -> None:
    """It writes nothing outside its copy, sees nothing of the environment, and reaches no network."""
    from mlgate.scoring import isolation

    out = tmp_path / "written"
    script = (
        "import os, socket\n"
        "assert not [name for name in os.environ if 'TOKEN' in name], 'environment'\n"
        f"for path in ({str(out)!r}, {str(tmp_path / 'copy' / 'train.py')!r}):\n"
        "    try:\n        open(path, 'w').write('x')\n"
        "        raise SystemExit('wrote')\n    except OSError:\n        pass\n"
        "try:\n    socket.create_connection(('127.0.0.1', 9), timeout=2)\n"
        "except ConnectionRefusedError:\n    raise SystemExit('network')\nexcept OSError:\n    pass\n"
    ) + TRAIN
    level, gaps = isolation.possible()
    if level != "full":
        pytest.skip(f"this machine shuts in as {level}: {gaps}")
    found = judge(script)
    assert found.outcome.value == "pass", found.reason
    assert not out.exists()


def take(made: Territory, output: str, workdir: Path) -> tuple[ModelFound, str | None]:
    """Take the bytes of what came out, and load nothing."""
    return ModelFound(scorer=None, reason="taken"), take_model(made.find(output, output), workdir).sha256


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("import time\ntime.sleep(600)\n", "took longer than 3 seconds"),
        ("raise SystemExit(3)\n", "ended with exit code 3"),
        ("import os\nos.kill(os.getpid(), 11)\n", "ended with exit code"),
        ("print('nothing')\n", "wrote no 'model.skops'"),
        ("import os\nos.symlink('/etc/hosts', 'model.skops')\n", "wrote no|lies outside"),
        ("import os\nos.mkfifo('model.skops')\n", "PermissionError|no regular file"),
        ("import os\nos.mkdir('model.skops')\n", "without files"),
        ("open('model.skops', 'w').write('x')\n", "taken"),
    ],
)
def test_what_a_command_leaves_behind(
    script: str, said: str, repository: Path, git: Git, tmp_path: Path
) -> None:
    """Only regular files of its own copy are taken for a model, and only when it ended well."""
    train = {"command": "python train.py", "output": "model.skops"}
    release = {
        "mlgate": 1,
        "name": "x",
        "version": "1",
        "task": "binary",
        "data": {"evaluation": {"path": "data.csv"}},
        "provenance": {"train": train},
    }
    (repository / "release.yaml").write_text(json.dumps(release), encoding="utf-8")
    (repository / "train.py").write_text(script, encoding="utf-8")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "two")
    read, document = load_release(repository / "release.yaml")
    workdir = tmp_path / "work"
    workdir.mkdir()
    training = Retraining(
        release=read,
        file=document,
        territory=Territory.of(document),
        workdir=workdir,
        terms=Terms(models="code", isolation="process"),
        load=lambda made, output: take(made, output, workdir),
    )
    found = training.run(Retrained(None, 3 if "sleep" in script else 60))
    assert re.search(said, found.reason or ""), found
    assert (found.sha256 is not None) == (said == "taken")
    assert not [one for one in workdir.iterdir() if one.name.startswith("retrain-")]


def test_a_program_that_is_not_there(judge: Callable[..., Finding]) -> None:
    """And no shell that would look for it."""
    train = {"command": "nothing-of-this-name; touch x", "output": "model.skops"}
    found = judge(provenance={"train": train})
    assert (found.outcome.value, "is not found" in (found.reason or "")) == ("not_measured", True)


def test_the_policy_decides_whether_code_runs(judge: Callable[..., Finding], tmp_path: Path) -> None:
    """With a policy that trusts none, the command is not started."""
    ran = tmp_path / "ran"
    found = judge(f"open({str(ran)!r}, 'w')\n", policy={"mlgate": 1, "policy": "p"})
    assert found.outcome.value == "not_measured"
    assert "policy trusts no such code" in (found.reason or "")
    assert not ran.exists()


@pytest.mark.heavy  # the shipped cases of the check say it with a lighter script
def test_several_seeds_give_the_variance(judge: Callable[..., Finding]) -> None:
    """A line for each seed, and an interval that is not of width zero."""
    use = {
        "check": "robustness/retrain-variance",
        "at_most": 0.9,
        "severity": "block",
        "params": {"seeds": [7, 8], "seconds": 120},
    }
    found = judge(use=use)
    assert found.outcome.value == "pass", found.reason
    same, other = found.groups
    assert (same.group["training seed"], same.value) == ("7", 0.0)
    assert 0 < (other.value or 0) < 0.5
    assert found.value == other.value
    assert found.interval is not None
    assert found.interval[0] < (found.value or 0) < found.interval[1]
