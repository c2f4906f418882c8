"""The demonstration: real data, real models, one release that passes and one that does not."""

from __future__ import annotations

import importlib.util
import re
import runpy
import shutil
import subprocess
from importlib import metadata
from importlib.resources import files
from pathlib import Path

from mlgate.errors import MlgateError

RELEASES = {"aware": "release.yaml", "blind": "release-blind.yaml"}
"""Which release file is written for which model; the first is approved, the second is not."""

_USED = ("numpy", "pandas", "scikit-learn", "scipy", "skops")
"""The packages of the training script, for its lock file."""

_WHO = ("-c", "user.name=mlgate demo", "-c", "user.email=demo@example.org", "-c", "commit.gpgsign=false")


def write(folder: Path) -> list[Path]:
    """Write the training script, run it, and write both releases and the policy, as a repository of git.

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
    (folder / "policy.yaml").write_text(_policy(), encoding="utf-8")
    lock = "".join(f"{name}=={metadata.version(name)}\n" for name in _USED)
    (folder / "requirements.lock").write_text(lock, encoding="utf-8")
    for name, file in RELEASES.items():
        text = _text("release.yaml.txt").format(name=name, features=", ".join(trained["MODELS"][name]))
        (folder / file).write_text(text, encoding="utf-8")
    _commit(folder)
    return [folder / file for file in RELEASES.values()]


def _policy() -> str:
    """Return the policy; without the checks that rest on SHAP where that is not installed."""
    before, asked, after = re.split(r"  #</?shap>\n", _text("policy.yaml.txt"))
    if importlib.util.find_spec("shap") is None:
        asked = "  # forbidden-feature and reason-codes rest on SHAP: pip install 'mlgate[explain]'\n"
    return before + asked + after


def _commit(folder: Path) -> None:
    """Make a commit of it all, from which `retrain` starts; without git, that check asks for one."""
    git = shutil.which("git")
    if git is None:
        return
    (folder / ".gitignore").write_text("mlgate-report/\n__pycache__/\n", encoding="utf-8")
    for arguments in (("init", "--quiet"), ("add", "--all"), (*_WHO, "commit", "--quiet", "-m", "The demo")):
        subprocess.run(  # noqa: S603  fixed program and arguments
            [git, "-C", str(folder), *arguments], check=False, capture_output=True
        )


def _text(name: str) -> str:
    return files(__name__).joinpath(name).read_text(encoding="utf-8")
