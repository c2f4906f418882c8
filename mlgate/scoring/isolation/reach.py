"""What a program needs of the machine to run at all: its interpreter, libraries, a few files that they ask.

Narrow on purpose: `/usr/src`, `/usr/local/app` and their like hold people's work in many containers.
"""

from __future__ import annotations

import contextlib
import os
import struct
import sys
from pathlib import Path

SYSTEM = (
    *(f"{root}/{name}" for root in ("/usr", "/usr/local", "") for name in ("lib", "lib64", "lib32")),
    "/usr/share",
    "/usr/libexec",
)
PROGRAMS = ("/usr/bin", "/usr/local/bin", "/bin", "/usr/sbin", "/sbin")
"""Only for those who may start others."""
FACTS = (
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/group",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/version",
    "/proc/sys/vm/overcommit_memory",
    "/proc/sys/vm/max_map_count",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/sys/bus/pci/devices",
    "/sys/kernel/mm/transparent_hugepage",
    "/sys/fs/cgroup/cpu.max",
    "/sys/fs/cgroup/cpu/cpu.cfs_quota_us",
    "/sys/fs/cgroup/cpu/cpu.cfs_period_us",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
)
NETWORK_FACTS = ("/etc/resolv.conf", "/etc/hosts", "/etc/gai.conf", "/etc/ssl", "/etc/pki")
DEVICES = ("/dev/null",)
"""What may be written to."""


def libraries(executable: Path) -> list[Path]:
    """Return where an interpreter finds its libraries; nothing of it is run.

    Its own installation, that of the interpreter which a virtual environment was made with, and, where it is
    the one that runs this, the folders of packages that were added to it.
    """
    found = [_real(executable)]
    for home in _homes(executable):
        found += [home / name for name in ("lib", "lib64", "share", "pyvenv.cfg")]
    if _same(executable, Path(sys.executable)):
        found += [Path(one) for one in sys.path if Path(one).name in {"site-packages", "dist-packages"}]
    found += sorted(Path("/etc").glob("python3*"))
    if Path("/nix/store") in _real(executable).parents:
        found.append(Path("/nix/store"))
    return list(dict.fromkeys(found))


def programs(executable: Path) -> list[Path]:
    """Return the interpreter and its loader: what the kernel opens to start it."""
    real = _real(executable)
    loader = _loader(real)
    return [real] if loader is None else [real, loader]


def shared_libraries(executable: Path) -> Path | None:
    """Return the folder of the interpreter's own shared library, where the system's loader may not look."""
    folder = _real(executable).parent.parent / "lib"
    away = folder.parent not in {Path("/usr"), Path("/usr/local"), Path("/")}
    return folder if away and any(folder.glob("libpython3*.so*")) else None


def _homes(executable: Path) -> list[Path]:
    """Return the installations that an interpreter draws on: its environment's, and the one below it."""
    homes = [_real(executable).parent.parent]
    prefix = Path(os.path.abspath(executable)).parent.parent  # noqa: PTH100  # resolve() would leave the environment
    settings = prefix / "pyvenv.cfg"
    if settings.is_file():
        homes.append(prefix)
        for line in settings.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition("=")
            if key.strip() == "home":
                below = Path(value.strip())
                homes += [below.parent, _real(below / executable.name).parent.parent]
    return homes


def _same(one: Path, other: Path) -> bool:
    return one == other or (_real(one) == _real(other) and one.parent == other.parent)


def _real(path: Path) -> Path:
    return path.resolve()


def _loader(program: Path) -> Path | None:
    """Return the loader that a 64 bit ELF program names; None where it names none. elf(5)."""
    with contextlib.suppress(OSError, struct.error), program.open("rb") as file:
        head = file.read(64)
        if head[:6] != b"\x7fELF\x02\x01":
            return None
        table, size, count = (
            struct.unpack_from("<Q", head, 32)[0],
            struct.unpack_from("<H", head, 54)[0],
            struct.unpack_from("<H", head, 56)[0],
        )
        for place in range(count):
            file.seek(table + place * size)
            kind, _, offset, _, _, length = struct.unpack("<IIQQQQ", file.read(40))
            if kind == 3:  # noqa: PLR2004  # PT_INTERP
                file.seek(offset)
                return Path(os.fsdecode(file.read(length).rstrip(b"\0")))
    return None
