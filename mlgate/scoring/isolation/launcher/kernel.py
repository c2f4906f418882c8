"""The two doors to the Linux kernel that the standard library lacks: `prctl` and raw system calls."""

from __future__ import annotations

import ctypes
import os
from functools import cache

PR_SET_PDEATHSIG = 1
PR_GET_DUMPABLE = 3
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_CAPBSET_READ = 23
PR_CAPBSET_DROP = 24
PR_SET_SECUREBITS = 28
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def prctl(option: int, *arguments: int | ctypes.c_void_p) -> int:
    """Call `prctl`; raise `OSError` where it fails."""
    filled = (*arguments, *(0,) * (4 - len(arguments)))
    return _checked(_library().prctl(option, *map(_word, filled)))


def syscall(number: int, *arguments: int | ctypes.c_void_p) -> int:
    """Make a system call by its number; raise `OSError` where it fails."""
    call = _library().syscall
    call.restype = ctypes.c_long
    return _checked(call(*map(_word, (number, *arguments))))


def mount(source: str, target: str, kind: str, flags: int, data: str) -> None:
    """Call `mount`; raise `OSError` where it fails."""
    texts = source.encode(), target.encode(), kind.encode()
    _checked(_library().mount(*texts, ctypes.c_ulong(flags), data.encode()))


def unshare(flags: int) -> None:
    """Call `unshare`; raise `OSError` where it fails."""
    _checked(_library().unshare(ctypes.c_int(flags)))


def pointer(value: object) -> ctypes.c_void_p:
    """Return the address of a ctypes structure, as an argument."""
    return ctypes.cast(ctypes.byref(value), ctypes.c_void_p)  # type: ignore[arg-type]  # of any structure


def _word(value: int | ctypes.c_void_p) -> ctypes.c_long | ctypes.c_void_p:
    return value if isinstance(value, ctypes.c_void_p) else ctypes.c_long(value)
