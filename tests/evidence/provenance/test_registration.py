"""What a registry and the folder of a model say of its origin."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlgate.cells import ArtifactFile, ArtifactFound, StatedCommit
from mlgate.evidence.models.registry import RegistryFacts
from mlgate.evidence.provenance.registration import registration


def placed(by: str, commit: str) -> StatedCommit:
    """Hold a commit against nothing."""
    return StatedCommit(by=by, commit=commit, known=True)


def folder(home: Path, **files: str) -> ArtifactFound:
    """Return the bytes of a model of these files; `_txt` stands for `.txt`."""
    found = []
    for name, text in files.items():
        path = home / name.replace("_txt", ".txt")
        path.write_text(text, encoding="utf-8")
        found.append(ArtifactFile(name=path.name, path=path, bytes=len(text), sha256="aa"))
    return ArtifactFound(files=tuple(found), format="mlflow", sha256="bb")


def test_run_and_folder_are_told_together(tmp_path: Path) -> None:
    """The server's word on commit and data wins over what the folder says."""
    artifact = folder(
        tmp_path,
        MLmodel="run_id: r0\nmetadata:\n  git_commit: aaaaaaa\n  data.digest: 0a\n",
        requirements_txt="numpy==2.1.0\nscipy>=1\n",
    )
    facts = RegistryFacts(
        location="models:/x/3",
        source="s3://bucket/model",
        version="3",
        run_id="r1",
        tags={"mlflow.source.git.commit": "bbbbbbb"},
        params={"seed": "7"},
        datasets={"loans": "1b"},
        folder=tmp_path,
    )
    found = registration(artifact, facts, placed)
    assert (found.of, found.location, found.run, found.version) == (
        "models:/x/3",
        "s3://bucket/model",
        "r1",
        "3",
    )
    assert found.commit is not None
    assert (found.commit.by, found.commit.commit) == ("models:/x/3", "bbbbbbb")
    assert found.data == {"dataset": "0a", "loans": "1b"}
    assert (found.loose, list(found.environment)) == (("scipy >=1",), ["requirements.txt"])
    assert (found.params, found.unreachable) == ({"seed": "7"}, ())
    alone = registration(artifact, None, placed)
    assert (alone.of, alone.run, alone.unreachable) == ("MLmodel", "r0", ())


@pytest.mark.parametrize("text", ["- a list\n", "a: &b [*b]\n", "", "run_id: r\nmetadata: text\n"])
def test_hostile_folders(text: str, tmp_path: Path) -> None:
    """What does not parse says nothing, and is no error."""
    found = registration(folder(tmp_path, MLmodel=text, requirements_txt="\x00"), None, placed)
    assert found.commit is None
    assert (found.reason is None) == text.startswith("run_id")


def test_nobody_says_anything() -> None:
    """A single file from no registry."""
    assert registration(None, None, placed).of is None
