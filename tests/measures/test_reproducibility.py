"""Origins of a model on answers as evidence gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mlgate import measures
from mlgate.cells import (
    Answers,
    Artifact,
    ArtifactFile,
    ArtifactFound,
    Columns,
    Installed,
    Lock,
    LockFound,
    Pin,
    Registration,
    RegistrationFound,
    Source,
    SourceFound,
    Stated,
    StatedCommit,
    Statement,
)
from mlgate.estimates import Estimate

COLUMNS = Columns(names=(), types={})


def ask(id: str, found: Mapping[Any, Any], **params: Any) -> Estimate:
    """Answer the plan of a measure and return its value; what is not given is not stated."""
    measure = measures.catalogue()[f"reproducibility.{id}"]
    given = {name: one.default for name, one in measure.params.items()} | params
    nothing = {
        Source(): SourceFound(folder=None),
        Registration(): RegistrationFound(reason="none"),
        Artifact(): ArtifactFound(reason="none"),
    }
    answers = {
        one: found.get(one, nothing.get(one, Statement(value=None))) for one in measure.plan(given, COLUMNS)
    }
    return measure.value(Answers(answers), given)


def test_a_registered_run_names_its_commit() -> None:
    """It counts as one that release.yaml states."""
    source = SourceFound(folder=None, commit="a" * 40)
    own = StatedCommit(by="models:/x/1", commit="a" * 40, known=True)
    other = StatedCommit(by="models:/x/1", commit="b" * 40, known=True, since=("train.py",))
    for one, value in ((own, 1.0), (other, 0.0)):
        found = {Source(): source, Registration(): RegistrationFound(of="models:/x/1", commit=one)}
        assert ask("code_commit", found).value == value


def test_a_tree_of_which_git_tells_nothing() -> None:
    """Is not measured, nor one that is dirty for no reason that is told."""
    for dirty in (None, True):
        source = SourceFound(folder=None, commit="a", dirty=dirty, tracked=True)
        assert ask("clean_tree", {Source(): source}).value is None
    source = SourceFound(folder=None, commit="a", dirty=True, tracked=False, changed=("a",), changes=70)
    assert ask("clean_tree", {Source(): source}).value == 71


def lock(*pins: Pin, **installed: str) -> LockFound:
    """Return a lock file beside what is installed; scikit-learn needs numpy."""
    there = {
        name.replace("_", "-"): Installed(
            version=version, requires=("numpy",) if name == "scikit_learn" else ()
        )
        for name, version in installed.items()
    }
    return LockFound(location="x.lock", format="requirements", pins=pins, installed=there)


@pytest.mark.parametrize(
    ("found", "value"),
    [
        (lock(Pin(name="numpy", version="2.1.0"), numpy="2.1.0"), None),
        (lock(Pin(name="numpy", version="2.0"), scikit_learn="1.5", numpy="2.1.0"), None),
        (lock(Pin(name="scikit-learn", version="1.5"), scikit_learn="1.5", numpy="2.1.0"), 1),
        (
            lock(
                Pin(name="scikit-learn", version="1.5"),
                Pin(name="numpy", version="2.0"),
                scikit_learn="1.5.0",
                numpy="2.1.0",
                pandas="2",
            ),
            1,
        ),
        (lock(Pin(name="pandas", version="1"), scikit_learn="1.5", numpy="2.1.0", pandas="2"), None),
        (lock(Pin(name="pandas", version=None, loose="no version"), scikit_learn="1.5"), 1),
        (lock(Pin(name="scikit-learn", version=None, loose="no version"), scikit_learn="1.5"), 1),
        (
            lock(
                Pin(name="numpy", version="2.0", conditional=True),
                Pin(name="numpy", version="2.1", conditional=True),
                Pin(name="scikit-learn", version="1.5"),
                scikit_learn="1.5",
                numpy="2.1",
            ),
            0,
        ),
    ],
)
def test_installed_packages_that_load_the_model(found: LockFound, value: float | None) -> None:
    """Are held against the lock file, with all that they need; one that names none of them is of another."""
    artifact = ArtifactFound(format="skops", sha256="0")
    assert ask("environment_lock", {Lock(): found, Artifact(): artifact}).value == value


def test_what_is_installed_is_not_known() -> None:
    """Then nothing is measured, unless the lock file itself is loose; without a model nothing is asked."""
    pins = (Pin(name="onnxruntime", version="2.1"),)
    found = LockFound(location="x", format="uv", pins=pins, unknown="no environment")
    artifact = ArtifactFound(format="onnx", sha256="0")
    told = ask("environment_lock", {Lock(): found, Artifact(): artifact})
    assert told.value is None
    assert "no environment" in (told.reason or "")
    assert ask("environment_lock", {Lock(): found}).value == 0


@pytest.mark.parametrize(
    ("stated", "command", "params", "value"),
    [
        (7, None, {"random_state": "7"}, 1),
        (7, None, {"model__random_state": "8"}, 0),
        (None, None, {"seed": "7", "data.seed": "7", "seedling": "9"}, 1),
        (None, "python t.py seed=7 --data-seed 7", {}, 1),
        (7, "python t.py --random_state 8", {}, 0),
        (7, "python t.py --seed", {}, 1),
        (None, "python t.py --seed {seed}", {}, None),
        (None, "python 'unclosed", {}, None),
        (0, None, {}, 1),
    ],
)
def test_seeds_that_are_stated(
    stated: int | None, command: str | None, params: Mapping[str, str], value: float | None
) -> None:
    """By the release, its command and the run; all of them have to be the same."""
    found = {
        Stated("provenance.seed"): Statement(value=stated),
        Stated("provenance.train.command"): Statement(value=command),
        Registration(): RegistrationFound(of="models:/x/1", params=params),
    }
    assert ask("seed", found).value == value


def test_digests_that_a_registry_states(tmp_path: Any) -> None:
    """Of single files; one that is not there differs."""
    file = ArtifactFile(name="model.skops", path=tmp_path, bytes=1, sha256="aa")
    artifact = ArtifactFound(format="mlflow", sha256="bb", files=(file,))
    for stated, value in (({"model.skops": "aa"}, 1), ({"model.skops": "ab"}, 0), ({"x": "aa"}, 0)):
        found = {Artifact(): artifact, Registration(): RegistrationFound(of="r", sha256=stated)}
        assert ask("model_digest", found).value == value


def test_a_registry_that_tells_little() -> None:
    """Each of the four counts; an environment without versions tells none."""
    full = RegistrationFound(
        of="models:/x/1",
        location="s3://x",
        commit=StatedCommit(by="x", commit="a", known=True),
        environment={"requirements.txt": "aa"},
        data={"train": "1a"},
    )
    assert ask("registry_metadata", {Registration(): full}).value == 0
    empty = RegistrationFound(of="models:/x/1")
    assert ask("registry_metadata", {Registration(): empty}).value == 4
    loose = RegistrationFound(
        of="models:/x/1", location="x", environment={"requirements.txt": "aa"}, loose=("numpy no version",)
    )
    assert ask("registry_metadata", {Registration(): loose}).value == 3
