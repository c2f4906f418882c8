"""Start a program in its confinement, learn what was applied, watch it, end it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import IO, Any, Self, TypeAlias

from mlgate.cells.models import Isolation
from mlgate.errors import ModelFault
from mlgate.scoring.isolation import reach
from mlgate.scoring.isolation.clearing import clear
from mlgate.scoring.isolation.confinement import Confinement
from mlgate.scoring.isolation.launcher import kernel, tree
from mlgate.scoring.isolation.levels import Applied

LAUNCHER = Path(__file__).with_name("launcher")
START_SECONDS = 60.0
STOP_SECONDS = 5.0
THREADS = 8
"""At most, of each numeric library; fewer where the machine has fewer processors."""
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "LOKY_MAX_CPU_COUNT",
)

Stream: TypeAlias = int | IO[Any] | None


@dataclass(kw_only=True)
class Started:
    """A program that runs in its confinement."""

    process: subprocess.Popen[bytes]
    """Its keeper, which ends as the program does: with its code, or by its signal."""
    level: Isolation
    gaps: tuple[str, ...]
    """What is not shut, one sentence each."""
    applied: Applied
    _life: int = field(repr=False)
    """A pipe that nothing is written to: by its end the keeper learns that the gate is gone."""
    _ended: int = field(repr=False)
    _scratch: Path | None = field(repr=False)
    _record: dict[str, Any] | None = field(default=None, repr=False)
    _peak: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        """See to it that the program ends with this."""
        self._let_go = weakref.finalize(self, os.close, self._life)
        self._forget = weakref.finalize(self, _over, self._ended)

    def resident_bytes(self) -> int | None:
        """Return the memory that the program and all it started hold now; None where it is not known."""
        found = self._below()
        if found:
            held = sum(map(tree.resident, found))
            self._peak = max(self._peak, held)
            return held or None
        return None if tree.PROC.is_dir() else _resident_by_ps(self.process.pid)

    def peak_bytes(self) -> int | None:
        """Return the most memory that the program held so far; None where it is not known."""
        self.resident_bytes()
        told = self._told().get("peak", 0)
        self._peak = max(self._peak, told, *map(tree.peak, self._below()), 0)
        return self._peak or None

    def over(self) -> str | None:
        """Return what the keeper ended it for: too much `memory`, `threads`, `processes` or `disk`."""
        return self._told().get("over")

    def stop(self) -> None:
        """End the program and all that it started, and wait until nothing is left. May be called again."""
        self._let_go()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            # The keeper itself was stopped, which only a program can do that reaches other processes.
            for one in (*tree.below(self.process.pid), self.process.pid):
                with contextlib.suppress(OSError):
                    os.kill(one, signal.SIGKILL)
            self.process.wait()
        self._told()
        self._forget()
        if self._scratch is not None:
            clear(self._scratch)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    def _below(self) -> list[int]:
        """Return the program's processes, its keepers left out."""
        return tree.below(self.process.pid, depth=2 if self.applied.namespaces else 1)

    def _told(self) -> dict[str, Any]:
        """Return what the keeper told at the end; nothing as long as it runs."""
        if self._record is None and self._forget.alive and self.process.poll() is not None:
            said = _read(self._ended, seconds=0)
            self._record = json.loads(said) if said else {}
        return self._record or {}


def start(
    argv: Sequence[str | os.PathLike[str]],
    *,
    confinement: Confinement,
    pass_fds: Sequence[int] = (),
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdout: Stream = None,
    stderr: Stream = None,
) -> Started:
    """Start a program, shut in.

    Args:
        argv: The program and its arguments; a program without a folder is looked up on the system's path.
        confinement: What it is given.
        pass_fds: Open files that it inherits, beside stdout and stderr; stdin is empty.
        cwd: Where it starts; the first writable folder where it is not given.
        env: Variables, beside the few that it always has.
        stdout: As for `subprocess.Popen`; None: thrown away.
        stderr: The same.

    Raises:
        ModelFault: It could not be started.
    """
    if sys.platform == "win32":
        raise ModelFault("died", "code of a release is not run on Windows; run mlgate on Linux or macOS")
    program = shutil.which(os.fspath(argv[0]), path=os.pathsep.join(reach.PROGRAMS))
    if program is None:
        raise ModelFault("died", f"{os.fspath(argv[0])} cannot be started: there is no such program")
    arguments = [os.path.abspath(program), *(os.fspath(one) for one in argv[1:])]  # noqa: PTH100  # keeps links
    scratch = None if confinement.writable else Path(tempfile.mkdtemp(prefix="mlgate-"))
    if scratch is not None:
        confinement = replace(confinement, writable=(scratch,))
    private = confinement.writable[0]
    try:
        return _start(
            arguments,
            confinement=confinement,
            scratch=scratch,
            pass_fds=tuple(pass_fds),
            cwd=cwd or private,
            env={**_environment(Path(arguments[0]), private), **(env or {})},
            stdout=subprocess.DEVNULL if stdout is None else stdout,
            stderr=subprocess.DEVNULL if stderr is None else stderr,
        )
    except BaseException:
        if scratch is not None:
            clear(scratch)
        raise


def possible(without: frozenset[str] = frozenset()) -> tuple[Isolation, tuple[str, ...]]:
    """Return the level that a model gets on this machine, and what is not shut; found by trying, once."""
    return _possible(without)


def reads(argv: Sequence[str | os.PathLike[str]], confinement: Confinement, place: Path) -> bool:
    """Whether a program so confined is given this file, were it only because it lies among libraries."""
    order = _order([os.fspath(one) for one in argv], confinement)
    given = [Path(one).resolve() for key in ("readable", "executable", "writable") for one in order[key]]
    wanted = place.resolve()
    return any(one == wanted or one in wanted.parents for one in given)


@cache
def _possible(without: frozenset[str]) -> tuple[Isolation, tuple[str, ...]]:
    if sys.platform == "win32":
        return "process", ("win32: code of a release is not run here",)
    with tempfile.TemporaryDirectory(prefix="mlgate-") as folder:
        confinement = Confinement(writable=(Path(folder),), without=without)
        with _start(
            [],
            confinement=confinement,
            scratch=None,
            pass_fds=(),
            cwd=Path(folder),
            env={},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as trial:
            return trial.level, trial.gaps


def _start(
    argv: list[str],
    *,
    confinement: Confinement,
    scratch: Path | None,
    pass_fds: tuple[int, ...],
    cwd: Path,
    env: Mapping[str, str],
    stdout: Stream,
    stderr: Stream,
) -> Started:
    with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:
        status, status_end = _pipe(ours, theirs)
        ended, ended_end = _pipe(ours, theirs)
        life_end, life = _pipe(theirs, ours)
        ends = {"status": status_end, "ended": ended_end, "life": life_end}
        order = {**_order(argv, confinement), **ends, "pass_fds": pass_fds, "cwd": os.fspath(cwd)}
        _hide()
        ours.callback(_show)
        process = subprocess.Popen(  # noqa: S603  # our own interpreter and file
            [sys.executable, "-I", "-S", "-B", os.fspath(LAUNCHER)],
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
            env=dict(env),
            pass_fds=(*ends.values(), *pass_fds),
            start_new_session=True,
        )
        ours.callback(process.wait)
        ours.callback(process.kill)
        theirs.close()
        with contextlib.suppress(BrokenPipeError), process.stdin as orders:  # type: ignore[union-attr]  # a pipe
            orders.write(json.dumps(order).encode())
        process.stdin = None  # so that `communicate` is left to the caller
        applied = _applied(_read(status, seconds=START_SECONDS), argv, confinement)
        os.close(status)
        ours.pop_all()
    return Started(
        process=process,
        level=applied.level(),
        gaps=applied.gaps(),
        applied=applied,
        _life=life,
        _ended=ended,
        _scratch=scratch,
    )


def _order(argv: list[str], confinement: Confinement) -> dict[str, Any]:
    """Return what the launcher is told, but for its files."""
    readable: list[Path | str] = [*reach.SYSTEM, *reach.FACTS, *confinement.readable]
    executable: list[Path] = []
    if argv:
        readable += reach.libraries(Path(argv[0]))
        executable += reach.programs(Path(argv[0]))
    if confinement.processes:
        readable += [*reach.PROGRAMS, *([Path(argv[0]).parent] if argv else [])]
    if confinement.network:
        readable += reach.NETWORK_FACTS
    return {
        "argv": argv,
        "readable": [os.fspath(one) for one in readable],
        "executable": [os.fspath(one) for one in executable],
        "writable": [os.fspath(one) for one in confinement.writable],
        "devices": reach.DEVICES,
        "memory": confinement.memory,
        "seconds": confinement.seconds,
        "processes": confinement.processes,
        "file_bytes": confinement.file_bytes,
        "network": confinement.network,
        "without": sorted(confinement.without),
    }


def _environment(program: Path, private: Path) -> dict[str, str]:
    """Return all the variables that a program has; nothing of the gate's own."""
    found = {
        "PATH": os.pathsep.join(("/usr/local/bin", "/usr/bin", "/bin")),
        "LANG": "C.UTF-8",
        "HOME": os.fspath(private),
        "TMPDIR": os.fspath(private),
        **dict.fromkeys(THREAD_VARIABLES, str(min(os.cpu_count() or 1, THREADS))),
    }
    folder = reach.shared_libraries(program)
    return found if folder is None else {**found, "LD_LIBRARY_PATH": os.fspath(folder)}


def _applied(said: bytes, argv: list[str], confinement: Confinement) -> Applied:
    records = [json.loads(line) for line in said.splitlines()]
    name = argv[0] if argv else "a trial"
    if not records:
        raise ModelFault("died", f"{name} cannot be started: its launcher ended without a word")
    if "failed" in records[-1]:
        raise ModelFault("died", f"{name} cannot be started: {records[-1]['failed']}")
    processes, network = confinement.processes > 0, confinement.network
    return Applied.of(records[0], system=sys.platform, processes=processes, network=network)


def _pipe(reader: contextlib.ExitStack, writer: contextlib.ExitStack) -> tuple[int, int]:
    """Open a pipe whose ends are closed by two owners."""
    read, write = os.pipe()
    reader.callback(_close, read)
    writer.callback(_close, write)
    return read, write


def _close(one: int) -> None:
    with contextlib.suppress(OSError):
        os.close(one)


def _read(pipe: int, *, seconds: float) -> bytes:
    """Return all that comes through a pipe until its other end is closed, or time is over."""
    found = b""
    until = time.monotonic() + seconds
    while select.select([pipe], [], [], max(0.0, until - time.monotonic()))[0]:
        part = os.read(pipe, 65536)
        if not part:
            return found
        found += part
    return found


def _resident_by_ps(process: int) -> int | None:
    """Return the memory of a process's children where there is no /proc."""
    listed = subprocess.run(["/bin/ps", "-axo", "ppid=,rss="], capture_output=True, text=True, check=False)
    pairs = [line.split() for line in listed.stdout.splitlines()]
    return sum(int(size) * 1024 for parent, size in pairs if int(parent) == process) or None


# The gate itself --------------------------------------------------------------------------------------------

_LOCK = threading.Lock()
_RUNNING = 0
_WAS_DUMPABLE = 1


def _hide() -> None:
    """Let no other process of this user look into the gate's memory and environment while a program runs."""
    global _RUNNING, _WAS_DUMPABLE  # noqa: PLW0603  # it is a property of this process
    with _LOCK:
        _RUNNING += 1
        if _RUNNING == 1 and sys.platform == "linux":
            _WAS_DUMPABLE = kernel.prctl(kernel.PR_GET_DUMPABLE)
            kernel.prctl(kernel.PR_SET_DUMPABLE, 0)


def _over(ended: int) -> None:
    """Close the last pipe to a keeper, and let the gate be looked into again."""
    os.close(ended)
    _show()


def _show() -> None:
    global _RUNNING  # noqa: PLW0603
    with _LOCK:
        _RUNNING -= 1
        if _RUNNING == 0 and sys.platform == "linux" and _WAS_DUMPABLE == 1:
            kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
