"""Servers on loopback that a test writes."""

from __future__ import annotations

import contextlib
import fcntl
import http.server
import json
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.request
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Route = Callable[[str, str, Any], tuple[int, Any]]
"""(method, path, JSON that was sent) -> (status, JSON, or bytes as they are)."""


class Server(http.server.ThreadingHTTPServer):
    """A server whose routes are one function, and that remembers what it was asked."""

    daemon_threads = True

    def __init__(self, route: Route) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.route = route
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is what some tests are about."""


class Handler(http.server.BaseHTTPRequestHandler):
    """Hand every request to the route of its server."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        """Answer a question without a body."""
        self._answer(None)

    def do_POST(self) -> None:
        """Answer a question with one."""
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"])), parse_constant=refused))

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, body: Any) -> None:
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        said = self.server.route(self.command, self.path, body)
        if callable(said):
            said(self)
            return
        status, answer = said[0], said[1]
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in said[2] if len(said) > 2 else []:
            self.send_header(name, value)
        self.send_header("Content-Type", "text/html" if isinstance(answer, bytes) else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def refused(name: str) -> None:
    """Nothing that is no JSON may be sent."""
    raise AssertionError(name)


@pytest.fixture
def serve() -> Iterator[Callable[[Route], Server]]:
    """Start servers; they end with the test."""
    running: list[Server] = []

    def started(route: Route) -> Server:
        server = Server(route)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        running.append(server)
        return server

    yield started
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a virtual environment with the packages of a server; return its `bin`.

    That takes minutes, so only heavy tests do it. Where MLGATE_TEST_ENVIRONMENTS names a directory, they are
    kept there from one run to the next, and processes that run tests side by side share them.
    """
    kept = os.environ.get("MLGATE_TEST_ENVIRONMENTS")
    home = Path(kept) if kept else tmp_path_factory.mktemp("environments")

    def made(name: str, *packages: str) -> Path:
        folder = home / name
        home.mkdir(parents=True, exist_ok=True)
        with (home / f"{name}.lock").open("w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / "complete").exists():
                venv.create(folder, with_pip=True, clear=True)
                pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
                subprocess.run([*pip, *packages], check=True)
                (folder / "complete").touch()
        return folder / "bin"

    return made


@pytest.fixture(scope="session")
def running() -> Iterator[Callable[..., str]]:
    """Start programs that listen on a free port; they end with the session, and whatever they started."""
    started: list[subprocess.Popen[bytes]] = []

    def start(
        command: Callable[[int], list[str]], *, ready: str, folder: Path, seconds: float = 180.0
    ) -> str:
        port = free_port()
        with (folder / "log.txt").open("wb") as log:
            program = command(port)
            environ = quiet(Path(program[0]).parent, folder)
            process = subprocess.Popen(
                program, cwd=folder, stdout=log, stderr=log, start_new_session=True, env=environ
            )
        started.append(process)
        url = f"http://127.0.0.1:{port}"
        for _ in range(int(seconds / 0.2)):
            with contextlib.suppress(OSError), urllib.request.urlopen(url + ready, timeout=5):  # noqa: S310 - loopback
                return url
            assert process.poll() is None, (folder / "log.txt").read_text(encoding="utf-8")
            time.sleep(0.2)
        raise AssertionError((folder / "log.txt").read_text(encoding="utf-8"))

    yield start
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def quiet(programs: Path, home: Path) -> dict[str, str]:
    """Return an environment for servers, which keep to themselves."""
    path = os.pathsep.join((str(programs), os.environ["PATH"]))
    alone = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    return {"PATH": path, "HOME": str(home), **alone}
