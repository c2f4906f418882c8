"""Landlock: which files a process may reach, without any privilege. landlock(7) is the source.

Each version of the kernel's interface (the ABI) knows more rights; all that it knows are taken away, then
some are given back below some paths.
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable

from . import kernel

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION_FLAG, PATH_BENEATH = 1, 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_DIR, REMOVE_FILE = 1 << 4, 1 << 5
MAKE_CHAR, MAKE_DIR, MAKE_REG, MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK, MAKE_SYM = (1 << n for n in range(6, 13))
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15

OF_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
"""The rights that a rule for one file may name."""
READ = READ_FILE | READ_DIR
WRITE = WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER | TRUNCATE

ABI_OF_TRUNCATE, ABI_OF_NET, ABI_OF_SCOPES = 3, 4, 6
NET_RIGHTS = 0b11
"""bind(2) and connect(2) of TCP."""
SCOPES = 0b11
"""Abstract Unix sockets, and signals, of processes outside."""


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def abi() -> int:
    """Return the version that the kernel has; raise `OSError` where it has none."""
    return kernel.syscall(CREATE_RULESET, 0, 0, VERSION_FLAG)


def restrict(rules: Iterable[tuple[str, int]], *, network: bool) -> int:
    """Shut this process in: it reaches what the rules name, and nothing else. For good.

    Args:
        rules: Paths, each with the rights below it. A path that does not exist, or that this process itself
            may not reach, gives nothing.
        network: Whether TCP stays open.

    Returns:
        The version of the kernel's interface.

    Raises:
        OSError: The kernel has no Landlock.
    """
    version = abi()
    handled = _known(version)
    attributes = _Ruleset(
        files=handled,
        net=NET_RIGHTS if version >= ABI_OF_NET and not network else 0,
        scopes=SCOPES if version >= ABI_OF_SCOPES else 0,
    )
    # An older kernel refuses a longer structure unless the rest is zero, which it is.
    ruleset = kernel.syscall(CREATE_RULESET, kernel.pointer(attributes), ctypes.sizeof(attributes), 0)
    try:
        for path, rights in rules:
            _allow(ruleset, path, rights & handled)
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        kernel.syscall(RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return version


def _known(version: int) -> int:
    rights = MAKE_SYM * 2 - 1
    for since, right in ((2, REFER), (3, TRUNCATE), (5, IOCTL_DEV)):
        rights |= right if version >= since else 0
    return rights


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= OF_A_FILE
        if rights:
            rule = _PathBeneath(allowed=rights, parent=place)
            kernel.syscall(ADD_RULE, ruleset, PATH_BENEATH, kernel.pointer(rule), 0)
    finally:
        os.close(place)
