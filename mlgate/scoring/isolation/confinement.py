"""What a program is given, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FEATURES = frozenset({"landlock", "seccomp", "namespaces"})


@dataclass(frozen=True, kw_only=True)
class Confinement:
    """What a program is given of the machine, beside its interpreter and libraries."""

    readable: tuple[Path, ...] = ()
    """Files, or folders with all below them."""
    writable: tuple[Path, ...] = ()
    """Private folders; TMPDIR and HOME are the first. Without any, one is made, and removed at the end."""
    memory: int | None = None
    """Bytes that it may hold, all its processes together."""
    seconds: float | None = None
    """Of the processor, for each process."""
    processes: int = 0
    """How many others it may start: a training command some, a model none."""
    file_bytes: int = 2**30
    """The largest file that it may write."""
    network: bool = False
    without: frozenset[str] = frozenset()
    """Features of the kernel that are not used: `landlock`, `seccomp`, `namespaces`. For tests."""

    def __post_init__(self) -> None:
        """Refuse a feature that there is not: it would shut less than it says."""
        if unknown := self.without - FEATURES:
            raise ValueError(f"no such feature: {', '.join(sorted(unknown))}; there are {sorted(FEATURES)}")
