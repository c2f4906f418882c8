"""Where content is found: inside the package, or in a checkout that is really mlgate's."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import mlgate
from mlgate import content

PACKAGE = Path(mlgate.__file__).parent
LOOK = "from mlgate import content; print((content.folder('checks') / 'here.txt').read_text())"


def copy(root: Path, *, name: str, installed: str | None = None, beside: str | None = None) -> Path:
    """Lay out a package in `root` as an installation or a checkout would, and return `root`."""
    (root / "mlgate").mkdir(parents=True)
    for module in ("__init__", "errors", "content"):
        target = root / "mlgate" / f"{module}.py"
        if module == "__init__":
            target.write_text("", encoding="utf-8")
        else:
            shutil.copy(PACKAGE / f"{module}.py", target)
    for folder, text in ((root / "mlgate" / "_content" / "checks", installed), (root / "checks", beside)):
        if text is not None:
            folder.mkdir(parents=True)
            (folder / "here.txt").write_text(text, encoding="utf-8")
    (root / "pyproject.toml").write_text(f'[project]\nname = "{name}"\n', encoding="utf-8")
    return root


def look(root: Path) -> subprocess.CompletedProcess[str]:
    """Ask a fresh interpreter which folder a package in `root` finds."""
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(root)!r}); {LOOK}"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("room", ["checks", "policies", "reports"])
def test_this_checkout_has_all_three_rooms(room: content.Room) -> None:
    """Each of the three content folders is found."""
    assert content.folder(room).is_dir()


def test_an_installed_package_has_its_own(tmp_path: Path) -> None:
    """What ships inside the package wins over a folder that happens to lie beside it."""
    root = copy(tmp_path, name="mlgate", installed="shipped", beside="beside")
    assert look(root).stdout.strip() == "shipped"


def test_a_checkout_is_believed(tmp_path: Path) -> None:
    """A development installation reads the folders of the repository."""
    assert look(copy(tmp_path, name="mlgate", beside="beside")).stdout.strip() == "beside"


@pytest.mark.parametrize("name", ["credit", "mlgate-extras"])
def test_a_users_own_folder_is_not_taken(tmp_path: Path, name: str) -> None:
    """A repository that vendors mlgate and has a `checks/` of its own does not become the catalogue."""
    done = look(copy(tmp_path, name=name, beside="hostile"))
    assert "hostile" not in done.stdout
    assert "ContentError" in done.stderr
    assert "install mlgate again" in done.stderr


def test_content_is_read_from_a_zip(tmp_path: Path) -> None:
    """A package that runs from an archive has no paths, and its content is found all the same."""
    root = copy(tmp_path / "src", name="mlgate", installed="zipped")
    archive = tmp_path / "mlgate.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in (root / "mlgate").rglob("*"):
            file.write(path, path.relative_to(root))
    assert look(archive).stdout.strip() == "zipped"
