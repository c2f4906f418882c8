# ruff: noqa: T201
"""A gate that starts one attack in a world with something to lose, and tells how it went.

A script of its own, so that it can be another user, hold a token and be killed. It prints JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# An ordinary user may have only the system's interpreter, without what the rest of mlgate needs.
bare = types.ModuleType("mlgate")
bare.__path__ = [str(ROOT / "mlgate")]
sys.modules["mlgate"] = bare

from mlgate.scoring.isolation import Confinement, clear, start  # noqa: E402


def main() -> None:
    """Read what is wanted from stdin, build the world, start the attack, print what became of it."""
    wanted = json.load(sys.stdin)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, contextlib.ExitStack() as world:
        folder = Path(name)
        private = folder / "private"
        private.mkdir()
        for one in ("table.csv", "spare.csv", "emptied.csv", "removed.csv", "moded.csv"):
            (folder / one).write_text("x,label\n1,1\n")
        (folder / "moded.csv").chmod(0o600)
        (folder / "environment").write_text("")
        before = (folder / "moded.csv").stat()
        marker = f"mlgate-{os.getpid()}"
        listeners = {
            "tcp": world.enter_context(socket.create_server(("127.0.0.1", 0))),
            "udp": world.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
            "unix": world.enter_context(socket.socket(socket.AF_UNIX)),
            "datagram": world.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)),
            "abstract": world.enter_context(socket.socket(socket.AF_UNIX)),
        }
        listeners["udp"].bind(("127.0.0.1", 0))
        listeners["unix"].bind(str(folder / "socket"))
        listeners["unix"].listen()
        listeners["datagram"].bind(str(folder / "datagram"))
        listeners["abstract"].bind("\0" + marker)
        listeners["abstract"].listen()
        another = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", "import time; print(1, flush=True); time.sleep(600)"],
            stdout=subprocess.PIPE,
            env={"GITHUB_TOKEN": wanted["token"]},
        )
        world.callback(another.wait)
        world.callback(another.kill)
        assert another.stdout is not None
        another.stdout.readline()
        told = {
            "token": wanted["token"],
            "gate": os.getpid(),
            "another": another.pid,
            "folder": str(folder),
            "private": str(private),
            "table": str(folder / "table.csv"),
            "spare": str(folder / "spare.csv"),
            "emptied": str(folder / "emptied.csv"),
            "removed": str(folder / "removed.csv"),
            "moded": str(folder / "moded.csv"),
            "environment_file": str(folder / "environment"),
            "tcp": listeners["tcp"].getsockname()[1],
            "udp": listeners["udp"].getsockname()[1],
            "unix": str(folder / "socket"),
            "datagram": str(folder / "datagram"),
            "marker": marker,
            "namespaces": "namespaces" not in wanted["without"],
        }
        attacks = Path(__file__).with_name("attacks.py")
        limits = dict(wanted["limits"])
        confinement = Confinement(
            readable=(attacks,), writable=(private,), without=frozenset(wanted["without"]), **limits
        )
        started = start(
            [sys.executable, "-I", attacks, wanted["attack"], json.dumps(told)],
            confinement=confinement,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        if wanted["hang"]:
            assert started.process.stdout is not None
            started.process.stdout.readline()
            print(json.dumps({"private": str(private), "keeper": started.process.pid}), flush=True)
            time.sleep(600)
        hung = False
        try:
            out, err = started.process.communicate(timeout=wanted["patience"])
        except subprocess.TimeoutExpired:
            hung, out, err = True, b"", b""
        resident = started.resident_bytes()
        started.stop()
        started.process.communicate()
        found = {
            "level": started.level,
            "gaps": started.gaps,
            "namespaces": started.applied.namespaces,
            "out": out.decode(),
            "err": err.decode(),
            "code": started.process.returncode,
            "over": started.over(),
            "peak": started.peak_bytes(),
            "resident": resident,
            "hung": hung,
            "beats": _beats(private),
            "left": private.exists() and _cleared(private),
            "outside": _outside(folder, before, marker, listeners),
            "another": another.poll(),
        }
        print(json.dumps(found))


def _beats(private: Path) -> bool:
    """Whether something still writes to the private folder."""
    beat = private / "beat"
    if not beat.exists():
        return False
    before = beat.stat().st_mtime_ns
    time.sleep(0.2)
    return beat.stat().st_mtime_ns != before


def _outside(
    folder: Path, before: os.stat_result, marker: str, listeners: dict[str, socket.socket]
) -> list[str]:
    """Return what changed, or came through, of what a program cannot know whether it worked."""
    after = (folder / "moded.csv").stat()
    shared = Path("/dev/shm", marker)  # noqa: S108
    found = {
        "mode": after.st_mode != before.st_mode,
        "times": after.st_mtime != before.st_mtime,
        "udp": _received(listeners["udp"]),
        "datagram_by_pair": _received(listeners["datagram"]),
        "shared_file": shared.exists(),
        "table": (folder / "table.csv").read_text() != "x,label\n1,1\n",
    }
    shared.unlink(missing_ok=True)
    return [name for name, changed in found.items() if changed]


def _cleared(private: Path) -> bool:
    """Remove what the program may write to; return whether anything is left."""
    clear(private)
    return private.exists()


def _received(listener: socket.socket) -> bool:
    listener.settimeout(0.1)
    try:
        return bool(listener.recv(100))
    except TimeoutError:
        return False


main()
