"""Where the content folders are: inside the installed package, or beside it in a checkout."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal, TypeAlias

from mlgate.errors import ContentError

Room: TypeAlias = Literal["checks", "policies", "reports"]


def folder(room: Room) -> Traversable:
    """Return the folder of shipped content.

    An installed mlgate has it under `mlgate/_content/`; a checkout has it above the package, which is
    believed only when its pyproject.toml says that this is mlgate: users have a `checks/` of their own.
    The result may lie inside a zipped wheel, so it is never a path to give to other programs.

    Raises ContentError when it is in neither place.
    """
    package = files("mlgate")
    installed = package / "_content" / room
    if installed.is_dir():
        return installed
    if isinstance(package, Path):
        beside = package.parent / room
        if beside.is_dir() and _is_checkout(package.parent):
            return beside
    what = f"the shipped {room} are neither in its _content folder nor in a checkout around it"
    raise ContentError(str(package), what, "install mlgate again")


@cache
def _is_checkout(root: Path) -> bool:
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return bool(project.get("project", {}).get("name") == "mlgate")
