"""The demonstration: real data, a real model, one release that passes and one that does not."""

from __future__ import annotations

import runpy
from importlib.resources import files
from pathlib import Path

from mlgate.errors import MlgateError

RELEASES = {"aware": "release.yaml", "blind": "release-blind.yaml"}
"""Which release file is written for which model; the first is approved, the second is not."""


def write(folder: Path) -> list[Path]:
    """Write the training script, run it, and write both releases and the policy.

    Returns the release files. Raises MlgateError when the folder holds other files: nothing of a user's
    is ever overwritten.
    """
    if folder.exists() and any(folder.iterdir()):
        raise MlgateError(str(folder), "is not empty", "name another folder: mlgate demo DIR")
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "train.py"
    script.write_text(_text("train.py"), encoding="utf-8")
    trained = runpy.run_path(str(script))
    trained["write"](folder)
    (folder / "MODEL_CARD.md").write_text(_text("MODEL_CARD.md.txt"), encoding="utf-8")
    (folder / "policy.yaml").write_text(_text("policy.yaml.txt"), encoding="utf-8")
    for name, file in RELEASES.items():
        text = _text("release.yaml.txt").format(name=name, features=", ".join(trained["MODELS"][name]))
        (folder / file).write_text(text, encoding="utf-8")
    return [folder / file for file in RELEASES.values()]


def _text(name: str) -> str:
    return files(__name__).joinpath(name).read_text(encoding="utf-8")
