"""Namespaces: a network of its own without a way out, and processes that see no others. user_namespaces(7).

Many systems refuse them to ordinary users (Ubuntu 24.04, most containers), so they add to what Landlock and
seccomp give, and nothing leans on them alone. A user namespace also takes the right to look into processes
outside, whoever owns them.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from . import kernel

NEWNS, NEWIPC, NEWUSER, NEWPID, NEWNET = 0x00020000, 0x08000000, 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE = 2, 4, 8, 0x4000, 0x40000
SHARED_MEMORY = "/dev/shm"  # noqa: S108  # not a temporary file: semaphores of this process's own
SHARED_SIZE = "64m"


def enter(*, network: bool) -> None:
    """Enter new namespaces; children are then in a new process namespace. For a process of one thread.

    It is tried in a child first: some systems let a process in and then refuse the rest, and there is no way
    back.

    Raises:
        OSError: This system refuses them, or has none.
    """
    attempt = os.fork()
    if attempt == 0:
        try:
            _enter(network=network)
            # The first process in a namespace is what may be refused last.
            first = os.fork()
            if first == 0:
                os._exit(0)
            os._exit(os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]))
        except OSError as error:
            os._exit(error.errno or 1)
        finally:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(attempt, 0)[1])
    if code:
        raise OSError(code, os.strerror(code) if code > 0 else signal.Signals(-code).name)
    _enter(network=network)


def _enter(*, network: bool) -> None:
    user, group = os.geteuid(), os.getegid()
    kernel.unshare(NEWUSER | NEWPID | NEWIPC | NEWNS | (0 if network else NEWNET))
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    kernel.mount("none", "/", "", MS_REC | MS_PRIVATE, "")
    shared = f"size={SHARED_SIZE},mode=1777"
    kernel.mount("tmpfs", SHARED_MEMORY, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, shared)
