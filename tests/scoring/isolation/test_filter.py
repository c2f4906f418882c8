"""The filter of system calls, run here instruction by instruction, for both machines that it is made for."""

from __future__ import annotations

import platform
import struct

import pytest

from mlgate.scoring.isolation.launcher import seccomp

ALLOW, KILL = 0x7FFF0000, 0x80000000
EPERM, ENOSYS, DONE = 0x00050001, 0x00050026, 0x00050000
OWN = 1234
ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
CALLS = {
    "read": (0, 63),
    "openat": (257, 56),
    "execve": (59, 221),
    "socket": (41, 198),
    "connect": (42, 203),
    "socketpair": (53, 199),
    "sendto": (44, 206),
    "clone": (56, 220),
    "clone3": (435, 435),
    "kill": (62, 129),
    "tgkill": (234, 131),
    "prlimit64": (302, 261),
    "prctl": (157, 167),
    "ioctl": (16, 29),
    "ptrace": (101, 117),
    "unshare": (272, 97),
    "fchmodat": (268, 53),
    "truncate": (76, 45),
}


@pytest.fixture(params=sorted(ARCH))
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a machine, which the filter then is made for."""
    monkeypatch.setattr(platform, "machine", lambda: request.param)
    return str(request.param)


def answer(
    instructions: list[seccomp.Instruction], number: int, arch: int, arguments: tuple[int, ...]
) -> int:
    """Return what a filter says of a call, as the kernel runs it: classic BPF over struct seccomp_data."""
    words = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<IIQ6Q", number, arch, 0, *words)
    held, place = 0, 0
    while True:
        code, yes, no, k = instructions[place]
        place += 1
        if code == 0x06:
            return k
        if code == 0x20:
            (held,) = struct.unpack_from("<I", data, k)
        elif code == 0x54:
            held &= k
        else:
            true = {0x15: held == k, 0x45: bool(held & k), 0x35: held >= k}[code]
            place += yes if true else no


def asked(machine: str, call: str | int, *arguments: int, **wanted: bool) -> int:
    """Return what the filter of a machine says of a call."""
    wanted = {"processes": False, "network": False, "truncate": True} | wanted
    filter_ = seccomp.program(own=OWN, **wanted)
    number = call if isinstance(call, int) else CALLS[call][machine == "aarch64"]
    return answer(filter_, number, ARCH[machine], arguments)


@pytest.mark.usefixtures("machine")
def test_every_jump_lands_inside() -> None:
    """And the whole is no longer than the kernel takes."""
    for processes in (False, True):
        for network in (False, True):
            lines = seccomp.program(own=OWN, processes=processes, network=network, truncate=False)
            assert len(lines) < 4096
            for place, (code, yes, no, _) in enumerate(lines):
                assert code in {0x06, 0x20, 0x54, 0x15, 0x45, 0x35}
                assert place + 1 + max(yes, no) < len(lines) or code == 0x06
                assert max(yes, no) < 256


def test_ordinary_calls_pass(machine: str) -> None:
    """Reading, opening, threads, its own limits and signals."""
    assert asked(machine, "read", 0, 1, 2) == ALLOW
    assert asked(machine, "openat") == ALLOW
    assert asked(machine, "execve") == ALLOW
    assert asked(machine, "clone", 0x3D0F00) == ALLOW
    assert asked(machine, "kill", OWN, 6) == ALLOW
    assert asked(machine, "tgkill", OWN, 99, 6) == ALLOW
    assert asked(machine, "prlimit64", 0) == ALLOW
    assert asked(machine, "prctl", 15) == ALLOW
    assert asked(machine, "ioctl", 1, 0x5401) == ALLOW
    assert asked(machine, "socketpair", 1, 1 | 0o2000000) == ALLOW
    assert asked(machine, "sendto", 3, 1, 1, 0, 0, 0) == ALLOW


def test_what_reaches_out_is_refused(machine: str) -> None:
    """To the network, to other processes, to the kernel."""
    assert asked(machine, "socket", 2, 1) == EPERM
    assert asked(machine, "connect") == EPERM
    assert asked(machine, "socketpair", 1, 2) == EPERM
    assert asked(machine, "socketpair", 2, 1) == EPERM
    assert asked(machine, "sendto", 3, 1, 1, 0, 0xBEEF) == EPERM
    assert asked(machine, "sendto", 3, 1, 1, 0, 0xBEEF << 32) == EPERM
    assert asked(machine, "kill", OWN + 1, 9) == EPERM
    assert asked(machine, "kill", 2**32 - 1, 9) == EPERM
    assert asked(machine, "tgkill", OWN + 1, 9) == EPERM
    assert asked(machine, "prlimit64", OWN + 1) == EPERM
    assert asked(machine, "ptrace") == EPERM
    assert asked(machine, "unshare") == EPERM
    assert asked(machine, "ioctl", 0, 0x5412) == EPERM
    assert asked(machine, "ioctl", 0, 0x5412 | 1 << 40) == EPERM, "the kernel looks at 32 bits of it"
    assert asked(machine, "prctl", 1) == EPERM
    assert asked(machine, "fchmodat") == DONE


def test_it_starts_no_other_process(machine: str) -> None:
    """Unless it may; into a namespace never."""
    assert asked(machine, "clone", 17) == EPERM
    assert asked(machine, "clone", 0x4100 | 17) == EPERM
    assert asked(machine, "clone", 17, processes=True) == ALLOW
    assert asked(machine, "clone", 0x10000000 | 17, processes=True) == EPERM
    assert asked(machine, "clone", 0x10000000 | 0x10000) == EPERM
    assert asked(machine, "clone3", processes=True) == ENOSYS
    assert asked(machine, "kill", OWN + 1, 9, processes=True) == ALLOW


def test_an_open_network_is_open(machine: str) -> None:
    """Where it was asked for, and nothing else with it."""
    assert asked(machine, "socket", 2, 1, network=True) == ALLOW
    assert asked(machine, "connect", network=True) == ALLOW
    assert asked(machine, "ptrace", network=True) == EPERM


def test_truncation_by_path_is_refused_where_landlock_does_not_see_it(machine: str) -> None:
    """Before its third version."""
    assert asked(machine, "truncate", truncate=True) == ALLOW
    assert asked(machine, "truncate", truncate=False) == EPERM


def test_calls_that_nobody_knows_yet_are_unknown(machine: str) -> None:
    """Also those of x32, which are those of x86_64 with another number."""
    assert asked(machine, 463) == ENOSYS
    assert asked(machine, 0x40000000 | 41) == ENOSYS


@pytest.mark.usefixtures("machine")
def test_another_machine_ends_it() -> None:
    """Its numbers mean something else."""
    lines = seccomp.program(own=OWN, processes=False, network=False, truncate=True)
    assert answer(lines, 0, 0x40000003, ()) == KILL


def test_there_is_no_filter_for_a_machine_that_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Better none, which is said, than one for another."""
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(OSError, match="no filter for riscv64"):
        seccomp.available()
