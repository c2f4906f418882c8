"""The shape of the house: imports run downhill, in no circle, and heavy libraries wait."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "mlgate"

ROWS = {
    "errors": 0,
    "estimates": 0,
    "findings": 0,
    "cells": 0,
    "content": 1,
    "scoring": 1,
    "strict_yaml": 1,
    "evidence": 2,
    "intervals": 2,
    "limits": 2,
    "measures": 2,
    "catalogue": 3,
    "guessing": 3,
    "policy": 4,
    "gate": 5,
    "drafting": 6,
    "render": 6,
    "api": 7,
    "cli": 7,
    "demo": 7,
    "testing": 7,
    "__init__": 7,
    "__main__": 7,
}
SIDEWAYS = {
    ("measures", "intervals"),
    ("findings", "errors"),
    ("limits", "intervals"),
    ("scoring", "strict_yaml"),
    ("cli", "api"),
    ("cli", "demo"),
    ("testing", "api"),
    ("__init__", "api"),
    ("__main__", "cli"),
}
"""The only imports between rooms of one row."""

HEAVY = {
    "altair", "duckdb", "fairlearn", "great_expectations", "ibis", "mlflow", "numpy", "pandas", "pyarrow",
    "scipy", "shap", "sklearn", "skops", "onnxruntime", "xgboost", "lightgbm", "catboost", "torch", "keras",
}  # fmt: skip


CHILD = ("scoring/adapters", "scoring/child.py", "scoring/explain.py", "scoring/isolation/launcher")
"""What runs in another process, under another interpreter: no module of ours imports it, nor does it us."""


def modules() -> dict[str, Path]:
    """Return every module of the package by its dotted name, but for the programs of other processes."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).as_posix().startswith(CHILD):
            continue
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(name: str, path: Path, *, deferred: bool = True) -> set[str]:
    """Return the modules of ours that a module imports, type-only imports left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    known = modules()
    found: set[str] = set()
    for node in _nodes(tree, deferred=deferred):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "mlgate":
            below = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {one if one in known else node.module for one in below}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name in known}
    return found - {name}


def _nodes(tree: ast.AST, *, deferred: bool) -> list[ast.AST]:
    nodes: list[ast.AST] = []
    for child in ast.iter_child_nodes(tree):
        typing_only = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        inside_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and not deferred
        if typing_only or inside_function:
            continue
        nodes += [child, *_nodes(child, deferred=deferred)]
    return nodes


def test_the_programs_of_other_processes_stand_alone() -> None:
    """What runs beside a model imports nothing of mlgate, and nothing of mlgate imports it."""
    ours = {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    child = {path for path in ours if path.relative_to(PACKAGE).as_posix().startswith(CHILD)}
    assert len(child) > 10
    for path in child:
        found = [
            one for one in ast.walk(ast.parse(ours[path])) if isinstance(one, ast.Import | ast.ImportFrom)
        ]
        names = [getattr(one, "module", None) or one.names[0].name for one in found]
        assert not [name for name in names if name.split(".")[0] == "mlgate"], path


def room(module: str) -> str:
    """Return the room that a module lies in."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def test_imports_run_downhill() -> None:
    """A room imports only from rows below it, or from a neighbour that is named."""
    wrong = [
        f"{name} -> {target}"
        for name, path in modules().items()
        for target in imports(name, path)
        if room(name) != room(target)
        and ROWS[room(name)] <= ROWS[room(target)]
        and (room(name), room(target)) not in SIDEWAYS
    ]
    assert not wrong


def test_no_module_takes_part_in_a_circle_of_imports() -> None:
    """Every module can be read knowing only what it imports."""
    graph = {name: imports(name, path) for name, path in modules().items()}
    assert list(TopologicalSorter(graph).static_order())


def test_only_the_shells_print_read_the_environment_or_exit() -> None:
    """`print`, `os.environ`, `sys.exit` and `click` appear in the command line alone.

    Of the environment, the Python call hands all of it on, git is started with a cleaned copy, and Great
    Expectations and MLflow, which ask it before they send anything, are told to send nothing.
    """
    wrong = []
    for name, path in modules().items():
        if room(name) in {"cli", "__main__"} or name == "mlgate.demo.train":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = ast.unparse(node) if isinstance(node, ast.Attribute | ast.Call) else ""
            known = {
                "mlgate.api",
                "mlgate.evidence.models.registry",
                "mlgate.evidence.provenance.repository",
                "mlgate.evidence.expectations.running",
            }
            if text.startswith("os.environ") and name in known:
                continue
            if text.startswith(("print(", "os.environ", "os.getenv", "sys.exit", "sys.argv", "click.")):
                wrong.append(f"{name}: {text[:60]}")
    assert not wrong


@pytest.mark.parametrize("name", sorted(modules()))
def test_every_module_imports_alone_and_without_a_warning(name: str) -> None:
    """No module leans on another having been imported first, and none loads a heavy library."""
    if name in {"mlgate.demo.train", "mlgate.__main__"}:
        pytest.skip("a script, run by the demo's own test")
    code = f"import {name}, sys; print(sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_public_names_are_sorted_few_and_real() -> None:
    """`mlgate.__all__` is the whole public face."""
    import mlgate

    assert mlgate.__all__ == sorted(mlgate.__all__)
    assert len(mlgate.__all__) <= 20
    assert all(getattr(mlgate, name) is not None for name in mlgate.__all__)
