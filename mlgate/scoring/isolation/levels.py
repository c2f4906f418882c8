"""How far a process is shut in: a level, and in words what is not shut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlgate.cells.models import Isolation
from mlgate.scoring.isolation.launcher.landlock import ABI_OF_SCOPES, ABI_OF_TRUNCATE


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """What the launcher said that it applied."""

    system: str
    """As `sys.platform`."""
    landlock: int | None = None
    """The version of the kernel's interface; None: not applied."""
    seccomp: bool = False
    namespaces: bool = False
    processes: bool = False
    """Whether the program may start others."""
    network: bool = False
    """Whether the program was given the network."""
    said: tuple[str, ...] = ()
    """What the kernel refused, and why."""

    @classmethod
    def of(cls, record: Mapping[str, Any], *, system: str, processes: bool, network: bool) -> Applied:
        """Read the launcher's record."""
        return cls(
            system=system,
            landlock=record["landlock"],
            seccomp=record["seccomp"],
            namespaces=record["namespaces"],
            processes=processes,
            network=network,
            said=tuple(record["said"]),
        )

    @property
    def files(self) -> bool:
        """Whether files outside are shut."""
        return self.landlock is not None and (self.landlock >= ABI_OF_TRUNCATE or self.seccomp)

    @property
    def signals(self) -> bool:
        """Whether processes outside are safe from its signals."""
        # A filter cannot tell the program's children from strangers.
        filtered = self.seccomp and not self.processes
        return filtered or self.namespaces or (self.landlock or 0) >= ABI_OF_SCOPES

    @property
    def memory(self) -> bool:
        """Whether the memory and environment of processes outside are shut."""
        return self.landlock is not None or self.namespaces

    def level(self) -> Isolation:
        """Return how far that goes."""
        if not self.files:
            return "process"
        # Sockets in files, such as that of a container engine, are shut by the filter alone.
        out_of_reach = self.seccomp and not self.network and self.signals and self.memory
        return "full" if out_of_reach else "filesystem"

    def gaps(self) -> tuple[str, ...]:
        """Return what is not shut, one sentence each, for the report."""
        if self.system != "linux":
            return (f"{self.system}: files, network and other processes are not shut here", *self.said)
        found = {
            "no Landlock: files of this user can be read and written": self.landlock is None,
            "an old Landlock and no seccomp: files of this user can be emptied": (
                self.landlock is not None and not self.files
            ),
            "the network is open to it": self.network,
            "no seccomp, no namespaces: the network can be reached": (
                not self.network and not self.seccomp and not self.namespaces
            ),
            "no seccomp: Unix sockets of this user can be reached": not self.network and not self.seccomp,
            "no Landlock, no namespaces: memory and environment of others can be read": not self.memory,
            "processes of this user can be ended": not self.signals,
            "no seccomp, no namespaces: limits of other processes can be changed": (
                not self.seccomp and not self.namespaces
            ),
            "modes and times of this user's files can be changed": not self.seccomp or self.processes,
            "no seccomp: it can start processes": not self.seccomp and not self.processes,
            "no namespaces: a process that starts others fast enough may outlive it": (
                not self.namespaces and (self.processes or not self.seccomp)
            ),
        }
        gaps = [text for text, open_ in found.items() if open_]
        # Why there are no namespaces matters only where something leans on them.
        told = "no namespaces" in " ".join(gaps)
        return (*gaps, *(one for one in self.said if told or not one.startswith("namespaces")))


def reachable(level: Isolation) -> bool:
    """Whether a process at this level could have read the tables, and so the labels."""
    return level == "process"
