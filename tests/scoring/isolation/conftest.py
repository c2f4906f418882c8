from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GATE = Path(__file__).with_name("gate.py")
TOKEN = "ghs_" + "notreal" * 4
NOBODY = 65534
NOT_HERE = 77
SMALL_DISK = f'mount -t tmpfs -o size=64m none /mnt || exit {NOT_HERE}; TMPDIR=/mnt exec "$0" "$@"'
NO_SPACES = f'echo 0 >/proc/sys/user/max_user_namespaces || exit {NOT_HERE}; exec "$0" "$@"'
AROUND = {
    "a small disk": ["unshare", "-rm", "sh", "-c", SMALL_DISK],
    "a system that refuses namespaces": ["unshare", "-r", "sh", "-c", NO_SPACES],
}
LINUX = sys.platform == "linux"

Attacked = dict[str, Any]


def _interpreter(user: int | None) -> str | None:
    """Return an interpreter that a user can run: ours, or the system's where ours lies in a private folder."""
    wanted = "import sys, ctypes; sys.exit(sys.version_info < (3, 11))"
    for candidate in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        try:
            done = subprocess.run(
                [candidate, "-I", "-c", wanted], user=user, check=False, capture_output=True
            )
        except OSError:
            continue
        if done.returncode == 0:
            return candidate
    return None


@pytest.fixture(params=["this user", "an ordinary user"])
def gate(request: pytest.FixtureRequest) -> Callable[..., subprocess.Popen[str]]:
    """Return what starts a gate in a process of its own, as this user and, for root, as another."""
    user = None
    if request.param == "an ordinary user":
        if not LINUX or os.geteuid() != 0:
            pytest.skip("this user is an ordinary one already")
        user = NOBODY
    interpreter = _interpreter(user)
    if interpreter is None:
        pytest.skip("there is no interpreter that this user can run")

    def start(attack: str, *, without: tuple[str, ...] = (), hang: bool = False, **limits: object) -> Any:
        patience = limits.pop("patience", 30)
        around = AROUND.get(str(limits.pop("inside", "")), [])
        wanted = {
            "attack": attack,
            "without": without,
            "hang": hang,
            "limits": limits,
            "token": TOKEN,
            "patience": patience,
        }
        process = subprocess.Popen(
            [*around, interpreter, "-B", GATE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            cwd="/",
            env={"GITHUB_TOKEN": TOKEN, "PATH": "/usr/bin:/bin"},
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(wanted))
        process.stdin.close()
        process.stdin = None
        return process

    start.user = os.getuid() if user is None else user  # type: ignore[attr-defined]
    return start


@pytest.fixture
def attacked(gate: Callable[..., subprocess.Popen[str]]) -> Callable[..., Attacked | None]:
    """Return what runs an attack to its end, and tells what became of it."""

    def run(attack: str, **wanted: object) -> Attacked | None:
        with gate(attack, **wanted) as process:
            out, _ = process.communicate(timeout=100)
        if "inside" in wanted and process.returncode in {NOT_HERE, 1}:
            return None
        assert process.returncode == 0, "the gate did not live to tell"
        return json.loads(out)

    run.user = gate.user  # type: ignore[attr-defined]
    return run
