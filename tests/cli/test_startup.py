"""Starting is instant and private: no heavy library for help and catalogue, no network for anything."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlgate.cli import COMMANDS

HEAVY = (
    "altair", "duckdb", "fairlearn", "great_expectations", "ibis", "mlflow", "numpy", "pandas", "pyarrow",
    "scipy", "shap", "sklearn",
)  # fmt: skip

LOADED = """
import sys
from mlgate.cli import main
sys.argv = ["mlgate", *sys.argv[1:]]
try:
    main()
finally:
    print("LOADED", sorted(set(sys.modules) & {heavy!r}), file=sys.stderr)
"""

REFUSED = """
import socket, sys
def refuse(*_, **__):
    raise AssertionError("a socket was asked for")
socket.socket.connect = socket.socket.connect_ex = socket.socket.sendto = refuse
socket.getaddrinfo = refuse
from mlgate.cli import main
sys.argv = ["mlgate", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["checks"],
        ["explain", "performance/roc-auc"],
        ["policy", "lint", "baseline"],
    ]
    + [[name, "--help"] for name in sorted(COMMANDS)],
    ids=" ".join,
)
def test_command_loads_no_heavy_library(arguments: list[str], tmp_path: Path) -> None:
    """Help, catalogue, explanations and linting answer without numpy, pandas or an engine."""
    code = LOADED.format(heavy=set(HEAVY))
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "LOADED []" in done.stderr


RELEASE = """\
mlgate: 1
name: small
version: "1"
task: binary
data: {evaluation: {path: rows.csv}}
columns: {label: y, score: p, key: id, protected: [sex], time: day}
threshold: 0.5
"""

POLICY = """\
mlgate: 1
policy: small
title: All kinds of columns
checks:
  - {check: data/missing, at_most: 0.5}
  - {check: data/duplicate-rows, at_most: 0}
  - {check: performance/log-loss, at_most: 1}
  - {check: performance/roc-auc, at_least: 0.5}
  - {check: fairness/demographic-parity-difference, at_most: 0.9, groups: [sex, day]}
"""


def test_a_run_imports_no_pandas(tmp_path: Path) -> None:
    """Arrow and Ibis would, each on a way of its own, and it takes longer than most queries."""
    rows = [
        f"{at},{at % 2},{(at % 7) / 7},{'fm'[at % 2]},2026-01-0{1 + at % 3},{at or ''}" for at in range(600)
    ]
    (tmp_path / "rows.csv").write_text("\n".join(["id,y,p,sex,day,amount", *rows]) + "\n", encoding="utf-8")
    (tmp_path / "release.yaml").write_text(RELEASE, encoding="utf-8")
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(heavy=set(HEAVY)), "run"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads((tmp_path / "mlgate-report" / "report.json").read_text("utf-8"))
    assert report["findings"], done.stderr
    assert all(one["value"] is not None for one in report["findings"])
    loaded = done.stderr.rpartition("LOADED")[2]
    assert "'duckdb'" in loaded
    assert "pandas" not in loaded


def isolated() -> list[str]:
    """Return a command prefix that runs in a namespace without a network, empty where the kernel refuses."""
    prefix = ["unshare", "--map-root-user", "--net"]
    works = shutil.which("unshare") and subprocess.run([*prefix, "true"], capture_output=True, check=False)
    return prefix if works and works.returncode == 0 else []


def test_demo_touches_no_network(tmp_path: Path) -> None:
    """The demo trains, judges and writes with sockets refused and, where it can be had, no network at all."""
    done = subprocess.run(
        [*isolated(), sys.executable, "-c", REFUSED, "demo"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "mlgate-demo" / "mlgate-report" / "report.html").is_file()
