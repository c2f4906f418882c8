"""What people install: the wheel holds all of the project's content, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CONTENT = ("checks", "policies", "reports")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Build the wheel and return the names of its files."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(next(out.glob("*.whl"))) as archive:
        return set(archive.namelist())


def tracked(folder: str) -> set[str]:
    """Return the files that git tracks below a folder, or all files where there is no repository."""
    done = subprocess.run(["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 0 and done.stdout:
        return set(done.stdout.split())
    found = (
        path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )
    return {path.relative_to(ROOT).as_posix() for path in found}


def test_wheel_holds_every_tracked_file_and_nothing_else(wheel: set[str]) -> None:
    """The content folders lie inside the package, so that nothing of ours lands beside it."""
    expected = tracked("mlgate") | {f"mlgate/_content/{name}" for room in CONTENT for name in tracked(room)}
    found = {name for name in wheel if ".dist-info/" not in name}
    assert found == expected


def test_content_folders_hold_data_only() -> None:
    """A Python file in a content folder would break the editable installation."""
    wrong = [
        str(path)
        for room in CONTENT
        for path in (ROOT / room).rglob("*")
        if path.is_file() and path.suffix not in {".yaml", ".json", ".j2", ".css", ".md"}
    ]
    assert not wrong


def test_mlgate_runs_from_the_zipped_wheel(tmp_path: Path, wheel: set[str]) -> None:
    """`mlgate checks` finds its catalogue wherever the package lies, even in a zip archive."""
    out = tmp_path / "dist"
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    archive = next(out.glob("*.whl"))
    code = (
        f"import sys; sys.path.insert(0, {str(archive)!r}); import mlgate; "
        "assert '.whl' in mlgate.__file__, mlgate.__file__; "
        "from mlgate import catalogue; print(len(catalogue.load()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    shipped = {
        name for name in wheel if name.startswith("mlgate/_content/checks/") and name.endswith(".yaml")
    }
    assert int(done.stdout) == len(shipped)
