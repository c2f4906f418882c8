"""What a hostile model may try, tried: with all that this kernel has, and with each part of it off.

Where a part is off, an attack that it would have stopped may work; then the report must say so.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import pytest

from mlgate.scoring.isolation import possible
from mlgate.scoring.isolation.launcher import tree

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what is attacked is of Linux")

Features = tuple[str, ...]
Attack = Callable[..., dict[str, Any]]
Gate = Callable[..., subprocess.Popen[str]]

FEATURES = ("landlock", "seccomp", "namespaces")


def named(without: Features) -> str:
    """Return the name of a case."""
    return "without " + (" and ".join(without) or "nothing")


EVERY_SUBSET = list(chain.from_iterable(combinations(FEATURES, size) for size in range(4)))
EACH_OFF = [(), *((one,) for one in FEATURES), FEATURES]

FILES = "no Landlock"
OTHERS = "memory and environment of others"
SIGNALS = "processes of this user can be ended"
LIMITS = "limits of other processes"
NETWORK = "the network can be reached"
SOCKETS = "Unix sockets"
MODES = "modes and times"
PROCESSES = "it can start processes"

NAMED_BY = {
    "environment_of_another": OTHERS,
    "memory_of_another": OTHERS,
    "trace_another": OTHERS,
    "end_the_gate": SIGNALS,
    "end_another": SIGNALS,
    "end_another_thread": SIGNALS,
    "limit_another": LIMITS,
    "table": FILES,
    "folder": FILES,
    "table_by_link": FILES,
    "table_by_hard_link": FILES,
    "table_by_rename": FILES,
    "table_by_root": FILES,
    "table_by_folder": FILES,
    "shadow": FILES,
    "environment_file": FILES,
    "new_file": FILES,
    "shared_file": FILES,
    "empty": FILES,
    "remove": FILES,
    "pipe_for_the_gate": FILES,
    "mode": MODES,
    "times": MODES,
    "tcp": NETWORK,
    "udp": NETWORK,
    "listening": NETWORK,
    "netlink": NETWORK,
    "abstract": NETWORK,
    "unix": SOCKETS,
    "datagram_by_pair": SOCKETS,
    "process": PROCESSES,
    "process_by_call": PROCESSES,
}
"""What the report must name where the attack works. One that is not here works nowhere."""

one_user = pytest.mark.parametrize("gate", ["this user"], indirect=True)
each_off = pytest.mark.parametrize("without", EACH_OFF, ids=named)
all_or_nothing = pytest.mark.parametrize("without", [(), FEATURES], ids=named)

NOT_AN_ESCAPE = {"stay", "keyring", "uring", "descriptors"}
"""What is a step on the way to one: refused where there is a filter."""

ONLY_ORDINARY = {"environment_of_another", "memory_of_another", "trace_another"}
"""Of a root that has given up its capabilities, the kernel keeps these from one that has not."""


def succeeded(found: dict[str, Any]) -> set[str]:
    """Return the attacks that worked, as the program saw it or as the gate did."""
    said = json.loads(found["out"])
    return {name for name, answer in said.items() if answer is True} | set(found["outside"])


@pytest.mark.parametrize("without", EVERY_SUBSET, ids=named)
def test_every_attack_that_works_is_named_in_the_report(attacked: Attack, without: Features) -> None:
    """Nothing gets through that the report does not speak of, and the level is no better than that."""
    found = attacked("small", without=without)
    gaps = " | ".join(found["gaps"])
    worked = succeeded(found) - NOT_AN_ESCAPE
    assert {name: NAMED_BY.get(name) for name in worked if NAMED_BY.get(name, "nothing") not in gaps} == {}
    assert found["level"] != "full" or not worked
    assert found["level"] == "process" or not {name for name in worked if NAMED_BY[name] == FILES}
    assert found["another"] is None, "another process was ended"


def test_nothing_works_where_the_kernel_has_everything(attacked: Attack) -> None:
    """Namespaces add to it, and are not needed for it."""
    if possible() != ("full", ()):
        pytest.skip(f"this kernel leaves gaps: {possible()[1]}")
    for without in ((), ("namespaces",)):
        found = attacked("small", without=without)
        assert (found["level"], found["gaps"]) == ("full", [])
        assert not succeeded(found)


def test_the_attacks_do_work_where_nothing_stops_them(attacked: Attack) -> None:
    """Else the other tests would show nothing."""
    found = attacked("small", without=FEATURES)
    assert found["level"] == "process"
    expected = set(NAMED_BY) - (ONLY_ORDINARY if attacked.user == 0 else {"shadow"})
    missing = expected - succeeded(found)
    # A kernel with Yama, or a container's own filter, stops these by itself.
    assert missing <= {"trace_another", "memory_of_another", "keyring", "uring", "environment_of_another"}


def test_its_own_environment_and_the_gate_are_shut_whatever_the_kernel_lacks(attacked: Attack) -> None:
    """A scrubbed environment, a gate that cannot be looked into, and no privileges need no feature."""
    said = json.loads(attacked("small", without=FEATURES)["out"])
    names = (
        "environment",
        "environment_of_the_gate",
        "memory_of_the_gate",
        "files_of_the_gate",
        "root_again",
    )
    assert not [name for name in names if said[name] is True]


@each_off
def test_a_fork_bomb_is_stopped(attacked: Attack, without: Features) -> None:
    """By the filter; without it, by the keeper."""
    found = attacked("fork_bomb", without=without, memory=2**30)
    if "seccomp" in without:
        assert (found["code"], found["over"]) in {(-9, "processes"), (-9, "memory")}
        assert any(PROCESSES in gap for gap in found["gaps"])
    else:
        assert found["code"] == 9, "it may start nothing, and gives up"


@each_off
def test_a_chain_of_processes_is_stopped_or_named(attacked: Attack, without: Features) -> None:
    """Whoever looks for one that forks and leaves, finds nobody; a namespace ends it all the same."""
    found = attacked("fork_chain", without=without, processes=8)
    assert not found["beats"] or any("may outlive it" in gap for gap in found["gaps"])


@all_or_nothing
def test_a_thread_bomb_is_stopped(attacked: Attack, without: Features) -> None:
    """By the kernel's limit, which does not bind root, or by the keeper."""
    found = attacked("thread_bomb", without=without)
    assert (found["code"], found["over"]) in {(-9, "threads"), (9, None)}


@one_user
@all_or_nothing
@pytest.mark.parametrize("attack", ["memory_hog", "shared_memory_hog"])
def test_a_memory_hog_is_stopped(attacked: Attack, without: Features, attack: str) -> None:
    """By the keeper, which counts what is really held, of whatever kind."""
    found = attacked(attack, without=without, memory=2**28)
    assert (found["code"], found["over"]) == (-signal.SIGKILL, "memory")
    assert 2**28 < found["peak"] < 2**31


@one_user
@all_or_nothing
def test_an_endless_loop_is_stopped(attacked: Attack, without: Features) -> None:
    """Also one that ignores the first signal."""
    found = attacked("endless", without=without, seconds=1)
    assert found["code"] == -signal.SIGKILL
    assert not found["hung"]


@one_user
@all_or_nothing
def test_a_huge_file_is_stopped(attacked: Attack, without: Features) -> None:
    """A write past the limit is an error, as on a full disk."""
    found = attacked("huge_file", without=without, file_bytes=2**23)
    assert found["out"].split() == ["OSError", "27"]


@one_user
def test_namespaces_that_are_refused_are_done_without(attacked: Attack) -> None:
    """As on the runners of Ubuntu 24.04; found out without harm, and nothing gets through."""
    found = attacked("small", inside="a system that refuses namespaces")
    if found is None:
        pytest.skip("this user has no namespaces to be refused others in")
    if possible(frozenset({"namespaces"})) == ("full", ()):
        assert (found["level"], found["gaps"]) == ("full", [])
    assert not found["namespaces"]
    assert not succeeded(found)


@one_user
@all_or_nothing
def test_a_full_disk_is_left_to_the_gate(attacked: Attack, without: Features) -> None:
    """By the keeper, which leaves a part of the room that there was."""
    found = attacked("many_files", without=without, inside="a small disk")
    if found is None:
        pytest.skip("this user may mount nothing, not even in a namespace of its own")
    assert (found["code"], found["over"]) == (-signal.SIGKILL, "disk")


@one_user
def test_what_it_left_behind_can_be_removed(attacked: Attack) -> None:
    """However deep it dug: the usual way to remove a tree gives up at a depth of a thousand."""
    found = attacked("deep_folders", without=("seccomp",))
    assert found["out"] == "dug\n"
    assert found["left"] is False


@one_user
@all_or_nothing
@pytest.mark.parametrize(
    ("attack", "code"), [("leave", 7), ("crash", -signal.SIGSEGV), ("abort", -signal.SIGABRT)]
)
def test_how_it_ended_comes_through(attacked: Attack, without: Features, attack: str, code: int) -> None:
    """Its code or its signal, past its keepers."""
    assert attacked(attack, without=without)["code"] == code


@each_off
def test_an_orphan_does_not_outlive_it(attacked: Attack, without: Features) -> None:
    """One that belongs to nobody and listens to nothing."""
    found = attacked("orphan", without=without, processes=8)
    assert found["out"] == "left\n"
    assert not found["beats"]


@all_or_nothing
def test_stopping_its_keeper_does_not_keep_it(attacked: Attack, without: Features) -> None:
    """Where it reaches its keeper at all, the gate ends both."""
    found = attacked("stop_the_keeper", without=without, patience=1)
    assert found["hung"]
    assert found["code"] == -signal.SIGKILL


@one_user
@each_off
def test_it_ends_with_the_gate(gate: Gate, without: Features) -> None:
    """However the gate went: here it is killed."""
    with gate("sleep", without=without, hang=True) as process:
        assert process.stdout is not None
        keeper = json.loads(process.stdout.readline())["keeper"]
        alive = [keeper, *tree.below(keeper)]
        process.kill()
    assert len(alive) > 1
    until = time.monotonic() + 20
    while any(map(lives, alive)) and time.monotonic() < until:
        time.sleep(0.01)
    assert not [one for one in alive if lives(one)]


@one_user
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="only x86_64 has a second set of numbers")
def test_a_call_by_the_numbers_of_another_machine_ends_it(attacked: Attack) -> None:
    """The filter reads numbers of one architecture, so another is not let through."""
    found = attacked("foreign_call")
    assert found["code"] in {-signal.SIGSYS, -signal.SIGSEGV}
    assert "answered" not in found["out"]


def lives(process: int) -> bool:
    """Whether a process runs; one that waits for its burial does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return False
