"""Confine, then become the program; meanwhile its keeper waits, watches, and ends all that it started.

    gate --- keeper (this process; outside the walls)
                +-- first process of the namespace, where there are namespaces
                       +-- the program

The gate writes its order to stdin. What was really applied goes back through a pipe that the program closes
by starting; how it ended, through another. A third is the gate's end of life: when the gate is gone, however
it went, the keeper ends everything.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import sys
import time
from typing import Any, NoReturn

from . import kernel, landlock, namespaces, privileges, seccomp, tree

LINUX = sys.platform == "linux"
WATCH_SECONDS = 0.05
END_SECONDS = 10.0
"""Until the keeper gives up on processes that the kernel does not end."""
LEAST_ROOM = 4
"""The disk is the gate's too: a program is ended when this part of the room at its start is left."""
CANNOT_START = 127

Order = dict[str, Any]


def main() -> NoReturn:
    """Read the order, start the program, keep it until it ends, and end as it did."""
    order: Order = json.loads(sys.stdin.buffer.read())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    applied: Order = {"landlock": None, "seccomp": False, "namespaces": False, "said": []}
    if LINUX and "namespaces" not in order["without"]:
        with _layer(applied, "namespaces"):
            namespaces.enter(network=order["network"])
            applied["namespaces"] = True
    if LINUX:
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    ended, wire = os.pipe()
    child = os.fork()
    if child == 0 and applied["namespaces"]:
        _be_first(order, applied, wire)
    if child == 0:
        _become(order, applied, os.getppid())
    os.close(wire)
    _let_go(order)
    try:
        status = _keep(order, child, ended, spaces=applied["namespaces"])
    except BaseException:
        _end(child, spaces=applied["namespaces"])
        raise
    _as(status)


# The program ------------------------------------------------------------------------------------------------


def _become(order: Order, applied: Order, parent: int) -> NoReturn:
    """Confine this process, say how far that went, and become the program."""
    said = {"failed": "its keeper has ended"}
    try:
        _settle(order)
        _confine(order, applied)
        if LINUX:
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == parent:
            _filter(order, applied)
            if applied["landlock"] and not applied["namespaces"]:
                # joblib wants a semaphore, which lies where everybody's do; without it, it warns.
                os.putenv("JOBLIB_MULTIPROCESSING", "0")
            os.write(order["status"], json.dumps(applied).encode() + b"\n")
            if order["argv"]:
                os.execv(order["argv"][0], order["argv"])  # noqa: S606  # what it is for
            os._exit(0)
    except (OSError, ValueError) as error:
        said = {"failed": str(error)}
    os.write(order["status"], json.dumps(said).encode() + b"\n")
    os._exit(CANNOT_START)


def _settle(order: Order) -> None:
    os.setsid()
    os.umask(0o077)
    os.chdir(order["cwd"])
    _empty(0)
    kept = sorted({*order["pass_fds"], order["status"]})
    low = 3
    for one in kept:
        os.closerange(low, one)
        low = one + 1
    os.closerange(low, 2**20 if LINUX else resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    os.set_inheritable(order["status"], False)
    # What Python ignores would stay ignored in the program.
    for name in ("SIGPIPE", "SIGXFSZ", "SIGINT"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _confine(order: Order, applied: Order) -> None:
    privileges.first_to_go()
    refused = privileges.limit(
        memory=order["memory"],
        seconds=order["seconds"],
        processes=order["processes"],
        file_bytes=order["file_bytes"],
        taken=0 if applied["namespaces"] or not LINUX else tree.threads_of_user(os.getuid()),
    )
    applied["said"] += [f"limit {name} was refused" for name in refused]
    if not LINUX:
        return
    with _layer(applied, "no_new_privs"):
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    with _layer(applied, "capabilities"):
        privileges.drop()
    if "landlock" not in order["without"]:
        with _layer(applied, "landlock"):
            applied["landlock"] = landlock.restrict(_rules(order, applied), network=order["network"])


def _filter(order: Order, applied: Order) -> None:
    if not LINUX or "seccomp" in order["without"]:
        return
    with _layer(applied, "seccomp"):
        seccomp.available()
        instructions = seccomp.program(
            own=os.getpid(),
            processes=order["processes"] > 0,
            network=order["network"],
            truncate=(applied["landlock"] or 0) >= landlock.ABI_OF_TRUNCATE,
        )
        seccomp.restrict(instructions)
        applied["seccomp"] = True


def _rules(order: Order, applied: Order) -> list[tuple[str, int]]:
    run = landlock.EXECUTE if order["processes"] else 0
    links = landlock.MAKE_SYM if order["processes"] else 0
    rules = [(path, landlock.READ | run) for path in order["readable"]]
    rules += [(path, landlock.READ_FILE | landlock.EXECUTE) for path in order["executable"]]
    rules += [(path, landlock.READ | landlock.WRITE | links | run) for path in order["writable"]]
    rules += [(path, landlock.READ_FILE | landlock.WRITE_FILE) for path in order["devices"]]
    if applied["namespaces"]:
        # Its own: the gate's, and everybody's, lies under the one that was mounted.
        rules.append((namespaces.SHARED_MEMORY, landlock.READ | landlock.WRITE))
    return rules


@contextlib.contextmanager
def _layer(applied: Order, name: str) -> Any:
    """Go on without a layer that this kernel lacks, and say so."""
    try:
        yield
    except OSError as error:
        applied["said"].append(f"{name}: {error.strerror or error}")


# Its keeper -------------------------------------------------------------------------------------------------


def _be_first(order: Order, applied: Order, wire: int) -> NoReturn:
    """Be the first process of the namespace: start the program, bury the orphans; all die with this one."""
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    own = os.getpid()
    program = os.fork()
    if program == 0:
        _become(order, applied, own)
    _let_go(order)
    status = _buried(program)
    os.write(wire, str(status).encode())
    os._exit(0)


def _buried(program: int) -> int:
    while True:
        process, status = os.waitpid(-1, 0)
        if process == program:
            return status


def _keep(order: Order, child: int, ended: int, *, spaces: bool) -> int:
    """Wait for the program; end it when the gate goes or it takes more than it may. Return how it ended."""
    depth = 2 if spaces else 1
    peak, over, status = 0, None, None
    room = _room(order)
    wake = select.poll()
    wake.register(order["life"], 0)
    if hasattr(os, "pidfd_open"):
        with contextlib.suppress(OSError):
            wake.register(os.pidfd_open(child), select.POLLIN)
    while status is None:
        events = {place for place, _ in wake.poll(WATCH_SECONDS * 1000)}
        status = _reaped(child)
        held, excess = _watched(order, depth, room)
        peak = max(peak, held)
        if status is None and (order["life"] in events or excess):
            over = over or excess
            status = _end(child, spaces=spaces)
            status = signal.SIGKILL if status is None else status
    if not spaces:
        _end(child, spaces=False)
    told = os.read(ended, 32)
    status = int(told) if told else status
    units = 1024 if LINUX else 1
    peak = max(peak, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * units)
    with contextlib.suppress(OSError):
        os.write(order["ended"], json.dumps({"peak": peak, "over": over}).encode())
    return status


def _watched(order: Order, depth: int, room: list[int]) -> tuple[int, str | None]:
    """Return the memory that the program holds now, and which limit it is over."""
    found = tree.below(os.getpid(), depth=depth)
    held = sum(map(tree.resident, found))
    if order["memory"] is not None and held > order["memory"]:
        return held, "memory"
    if len(found) > order["processes"] + privileges.SPARE:
        return held, "processes"
    # The user root is under no limit of the kernel's on threads.
    if sum(map(tree.threads, found)) > order["processes"] + privileges.THREADS:
        return held, "threads"
    if any(now < before // LEAST_ROOM for now, before in zip(_room(order), room, strict=False)):
        return held, "disk"
    return held, None


def _room(order: Order) -> list[int]:
    """Return how many blocks and files still fit where the program may write."""
    try:
        places = [os.statvfs(one) for one in order["writable"]]
    except OSError:
        return []
    return [number for place in places for number in (place.f_bavail, place.f_favail)]


def _end(child: int, *, spaces: bool) -> int | None:
    """Kill all that is below this process, until nothing is; return how the child ended, if it just did."""
    if spaces:
        # The first process of a namespace takes all others with it.
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        return os.waitpid(child, 0)[1]
    with contextlib.suppress(OSError):
        os.killpg(child, signal.SIGKILL)
    status = None
    if not LINUX:
        with contextlib.suppress(ChildProcessError):
            status = os.waitpid(child, 0)[1]
    until = time.monotonic() + END_SECONDS
    while (found := tree.below(os.getpid())) and time.monotonic() < until:
        for process in found:
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
        ended = _reaped(child)
        status = ended if status is None else status
    return status


def _reaped(child: int) -> int | None:
    """Bury what has ended, orphans too; return the status of the child when it is among them."""
    with contextlib.suppress(ChildProcessError):
        while True:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == child:
                return status
            if process == 0:
                return None
    return None


def _let_go(order: Order) -> None:
    """Close what belongs to the program, so that its pipes end when it does."""
    for one in (0, 1, 2):
        _empty(one)
    for one in (*order["pass_fds"], order["status"]):
        os.close(one)
    if LINUX:
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)


def _empty(place: int) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, place)
    os.close(nothing)


def _as(status: int) -> NoReturn:
    """End as the program did, so that the gate sees its code or its signal."""
    if os.WIFSIGNALED(status):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        number = os.WTERMSIG(status)
        if number not in {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status))
