"""The processes below one, and what they use, as /proc tells it; without /proc nothing is known."""

from __future__ import annotations

from pathlib import Path

PROC = Path("/proc")


def children(process: int) -> list[int]:
    """Return the processes that this one is the parent of."""
    try:
        threads = list((PROC / str(process) / "task").iterdir())
        return [int(one) for thread in threads for one in (thread / "children").read_text("ascii").split()]
    except FileNotFoundError:
        return _children_by_parent(process) if (PROC / str(process)).exists() else []
    except (OSError, ValueError):
        return []


def below(process: int, *, depth: int = 1) -> list[int]:
    """Return the descendants of this process, those of the first `depth - 1` generations left out."""
    found: list[int] = []
    generation, level = children(process), 1
    while generation:
        if level >= depth:
            found += generation
        generation = [one for parent in generation for one in children(parent)]
        level += 1
    return found


def resident(process: int) -> int:
    """Return the bytes of memory that a process holds now; 0 when it has ended."""
    return _kilobytes(process, "VmRSS:") * 1024


def peak(process: int) -> int:
    """Return the most bytes of memory that a process has held; 0 when it has ended."""
    return _kilobytes(process, "VmHWM:") * 1024


def threads(process: int) -> int:
    """Return how many threads a process has; 0 when it has ended."""
    return _kilobytes(process, "Threads:")


def threads_of_user(user: int) -> int:
    """Return how many threads all processes of a user have."""
    mine = [int(one.name) for one in PROC.glob("[0-9]*") if _kilobytes(int(one.name), "Uid:") == user]
    return sum(map(threads, mine))


def _kilobytes(process: int, key: str) -> int:
    try:
        text = (PROC / str(process) / "status").read_text("ascii", "replace")
    except OSError:
        return 0
    for line in text.splitlines():
        if line.startswith(key):
            return int(line.split()[1])
    return 0


def _children_by_parent(process: int) -> list[int]:
    """Return the children where the kernel keeps no list of them."""
    return [int(one.name) for one in PROC.glob("[0-9]*") if _kilobytes(int(one.name), "PPid:") == process]
