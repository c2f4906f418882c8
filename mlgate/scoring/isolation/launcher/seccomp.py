"""seccomp: a filter of system calls, assembled here for the machines that we know. seccomp(2) is the source.

It is a list of what is refused, not of what is allowed: numeric libraries call much, and differently with
each version. Calls newer than the list are refused as unknown, so a new door of a new kernel is shut.
"""

from __future__ import annotations

import ctypes
import errno
import platform

from . import kernel

ALLOW, ERRNO, KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
LOAD, AND, EQUAL, ANY, AT_LEAST, RETURN = 0x20, 0x54, 0x15, 0x45, 0x35, 0x06
MODE_FILTER, GET_ACTION_AVAIL = 2, 2
NUMBER_AT, ARCH_AT = 0, 4

NEWEST = 462
"""mseal, of Linux 6.10: the last call that this list has weighed."""
X32 = 0x40000000

MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
"""The AUDIT_ARCH of each, and its place in the tuples below."""

CLONE_THREAD = 0x00010000
CLONE_NAMESPACES = 0x7E020000
AF_UNIX = 1
STREAM, SEQPACKET = 1, 5
SET_PDEATHSIG = 1
TIOCSTI, TIOCLINUX = 0x5412, 0x541C

Numbers = tuple[int | None, int | None]

OTHERS: dict[str, Numbers] = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
}
"""What reaches into other processes."""

KERNEL: dict[str, Numbers] = {
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "setns": (308, 268),
    "unshare": (272, 97),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    "fanotify_init": (300, 262),
    "fanotify_mark": (301, 263),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "syslog": (103, 116),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "vhangup": (153, 58),
    "personality": (135, 92),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "lookup_dcookie": (212, 18),
}
"""Doors of the kernel that no model needs."""

LASTING: dict[str, Numbers] = {
    "shmget": (29, 194),
    "shmat": (30, 196),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
}
"""Memory that outlives the process, or that no count of its memory sees."""

NETWORK: dict[str, Numbers] = {
    "socket": (41, 198),
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
}

FORKS: dict[str, Numbers] = {"fork": (57, None), "vfork": (58, None)}

FEIGNED: dict[str, Numbers] = {
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
}
"""Modes, owners and times, which Landlock leaves open for every file of the user. Libraries that unpack an
archive call them and stop at an error, so they are told that it was done."""

ATTRIBUTES: dict[str, Numbers] = {
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
}

Instruction = tuple[int, int, int, int]


def machine() -> tuple[int, int]:
    """Return the AUDIT_ARCH of this machine and its place in the tables.

    Raises:
        OSError: It is not known here.
    """
    name = platform.machine()
    if name not in MACHINES:
        raise OSError(errno.ENOSYS, f"no filter for {name}")
    return MACHINES[name]


def available() -> None:
    """Raise `OSError` where the kernel has no filters, or this machine is not known."""
    _, place = machine()
    action = ctypes.c_uint32(ERRNO)
    kernel.syscall((317, 277)[place], GET_ACTION_AVAIL, 0, kernel.pointer(action))


def program(*, own: int, processes: bool, network: bool, truncate: bool) -> list[Instruction]:
    """Return the filter.

    Args:
        own: The process's own number, as it sees it: the only one that it may send signals to.
        processes: Whether it may start others; signals are then left to Landlock and namespaces, since a
            filter cannot tell its children from strangers.
        network: Whether sockets stay open.
        truncate: Whether truncate(2) by path is left, where Landlock sees it.
    """
    arch, place = machine()
    refused = [OTHERS, KERNEL, LASTING]
    refused += [] if network else [NETWORK]
    refused += [] if processes else [FORKS, ATTRIBUTES]
    rules: list[Instruction] = []
    for table in refused:
        rules += [line for numbers in table.values() for line in _refuse(numbers[place], errno.EPERM)]
    rules += _refuse(435, errno.ENOSYS)  # clone3 hides its flags in memory; glibc then takes clone
    if not truncate:
        rules += _refuse((76, 45)[place], errno.EPERM)
    if not processes:
        for numbers in FEIGNED.values():
            rules += _refuse(numbers[place], 0)
        rules += _only((62, 129)[place], 0, (own, 0))  # kill
        for signalling in ((234, 131), (129, 138), (297, 240)):  # tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo
            rules += _only(signalling[place], 0, (own,))
        rules += _refuse((200, 130)[place], errno.EPERM)  # tkill, which glibc has left for tgkill
        rules += _refuse(434, errno.EPERM)  # pidfd_open
    rules += _only((302, 261)[place], 0, (0,) if processes else (0, own))  # prlimit64
    rules += _never((157, 167)[place], 0, (SET_PDEATHSIG,))  # prctl
    rules += _never((16, 29)[place], 1, (TIOCSTI, TIOCLINUX))  # ioctl
    rules += _clone((56, 220)[place], processes=processes)
    if not network:
        rules += _socketpair((53, 199)[place])
        rules += _unaddressed((44, 206)[place])
    return [*_head(arch), *rules, (RETURN, 0, 0, ALLOW)]


def restrict(instructions: list[Instruction]) -> None:
    """Put the filter on this process, for good; raise `OSError` where the kernel refuses it."""
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    lines = (_Line * len(instructions))(*(_Line(*one) for one in instructions))
    whole = _Program(len(instructions), ctypes.cast(lines, ctypes.c_void_p))
    kernel.prctl(kernel.PR_SET_SECCOMP, MODE_FILTER, kernel.pointer(whole))


class _Line(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("jt", ctypes.c_uint8),
        ("jf", ctypes.c_uint8),
        ("k", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("lines", ctypes.c_void_p))


def _head(arch: int) -> list[Instruction]:
    return [
        (LOAD, 0, 0, ARCH_AT),
        (EQUAL, 1, 0, arch),
        (RETURN, 0, 0, KILL_PROCESS),
        (LOAD, 0, 0, NUMBER_AT),
        # Also the x32 calls of x86_64, whose numbers start at X32.
        (AT_LEAST, 0, 1, NEWEST + 1),
        (RETURN, 0, 0, ERRNO | errno.ENOSYS),
    ]


def _refuse(number: int | None, error: int) -> list[Instruction]:
    return [] if number is None else [(EQUAL, 0, 1, number), (RETURN, 0, 0, ERRNO | error)]


def _argument(place: int, *, high: bool = False) -> Instruction:
    return (LOAD, 0, 0, 16 + 8 * place + (4 if high else 0))


def _of(number: int, block: list[Instruction]) -> list[Instruction]:
    """Return a block that only this call enters, and that ends in a return."""
    return [(EQUAL, 0, len(block), number), *block]


def _only(number: int, place: int, values: tuple[int, ...]) -> list[Instruction]:
    block = [_argument(place)]
    for value in values:
        block += [(EQUAL, 0, 1, value), (RETURN, 0, 0, ALLOW)]
    return _of(number, [*block, (RETURN, 0, 0, ERRNO | errno.EPERM)])


def _never(number: int, place: int, values: tuple[int, ...]) -> list[Instruction]:
    block = [_argument(place)]
    for value in values:
        block += [(EQUAL, 0, 1, value), (RETURN, 0, 0, ERRNO | errno.EPERM)]
    return _of(number, [*block, (RETURN, 0, 0, ALLOW)])


def _clone(number: int, *, processes: bool) -> list[Instruction]:
    block = [_argument(0), (ANY, 0, 1, CLONE_NAMESPACES), (RETURN, 0, 0, ERRNO | errno.EPERM)]
    if not processes:
        block += [(ANY, 1, 0, CLONE_THREAD), (RETURN, 0, 0, ERRNO | errno.EPERM)]
    return _of(number, [*block, (RETURN, 0, 0, ALLOW)])


def _socketpair(number: int) -> list[Instruction]:
    """Allow a connected pair, which event loops wake themselves with.

    Not one of datagrams: from that something could still be sent elsewhere, by an address in memory.
    """
    block = [
        _argument(0),
        (EQUAL, 0, 4, AF_UNIX),
        _argument(1),
        (AND, 0, 0, 0xF),
        (EQUAL, 2, 0, STREAM),
        (EQUAL, 1, 0, SEQPACKET),
        (RETURN, 0, 0, ERRNO | errno.EPERM),
        (RETURN, 0, 0, ALLOW),
    ]
    return _of(number, block)


def _unaddressed(number: int) -> list[Instruction]:
    """Allow sendto without an address, which is what send is."""
    block = [
        _argument(4),
        (EQUAL, 0, 3, 0),
        _argument(4, high=True),
        (EQUAL, 0, 1, 0),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, ERRNO | errno.EPERM),
    ]
    return _of(number, block)
