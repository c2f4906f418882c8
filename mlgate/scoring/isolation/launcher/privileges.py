"""What a process gives away before it becomes the program: capabilities, and its share of the machine."""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import resource
import sys
from pathlib import Path

from . import kernel

CAPSET = {"x86_64": 126, "aarch64": 91}
CAPABILITY_VERSION_3 = 0x20080522
SECUREBITS = 0b11101111
"""SECBIT_NOROOT, NO_SETUID_FIXUP and NO_CAP_AMBIENT_RAISE, each locked; KEEP_CAPS locked and off."""
CAP_AMBIENT_CLEAR_ALL = 4

THREADS = 256
"""How many threads a program may have, beside those of the processes that it may start."""
SPARE = 16
"""How many processes too many end a program. Where no filter refuses them, a library that asks a small
program something is no attack."""
DATA_SLACK = 2**30 + 2**29
"""Allocators set private memory aside that they never touch; what is touched is watched."""
ADDRESS_SLACK = 2**36
"""Shared memory of its own is bounded by addresses alone; libraries reserve tens of gigabytes of those."""
OPEN_FILES = 1024


def drop() -> None:
    """Give up every capability for good, also those that the user root would get back by a new program."""
    # Each line may be refused to one who has nothing to give up; without a capability none is gained later.
    for capability in range(64):
        with contextlib.suppress(OSError):
            kernel.prctl(kernel.PR_CAPBSET_DROP, capability)
    with contextlib.suppress(OSError):
        kernel.prctl(kernel.PR_SET_SECUREBITS, SECUREBITS)
    with contextlib.suppress(OSError):
        kernel.prctl(kernel.PR_CAP_AMBIENT, CAP_AMBIENT_CLEAR_ALL)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    kernel.syscall(CAPSET[os.uname().machine], kernel.pointer(header), kernel.pointer(nothing))


def limit(
    *, memory: int | None, seconds: float | None, processes: int, file_bytes: int, taken: int
) -> list[str]:
    """Set the limits of this process and of what it starts; return the names of those that were refused.

    Args:
        memory: Bytes that it may use.
        seconds: Of the processor.
        processes: How many others it may start.
        file_bytes: The largest file that it may write.
        taken: How many threads count against this user already.
    """
    wanted: dict[str, tuple[int, int]] = {
        "CORE": (0, 0),
        "FSIZE": (file_bytes, file_bytes),
        "NOFILE": (OPEN_FILES, OPEN_FILES),
        "NPROC": (taken + processes + THREADS,) * 2,
    }
    if seconds is not None:
        # The first ends it with a signal that says why, the second ends one that ignores it.
        wanted["CPU"] = (math.ceil(seconds), math.ceil(seconds) + 1)
    if memory is not None:
        wanted["DATA"] = (memory + DATA_SLACK,) * 2
        wanted["AS"] = (memory + ADDRESS_SLACK,) * 2
    return [name for name, pair in wanted.items() if not _set(name, pair)]


def first_to_go() -> None:
    """Let the kernel end this process, and not the gate, where the machine runs out of memory."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _set(name: str, pair: tuple[int, int]) -> bool:
    which = getattr(resource, f"RLIMIT_{name}", None)
    if which is None:
        return False
    hard = resource.getrlimit(which)[1]
    if hard != resource.RLIM_INFINITY:
        pair = min(pair[0], hard), min(pair[1], hard)
    try:
        resource.setrlimit(which, pair)
    except (OSError, ValueError):
        return False
    return True
