"""The level that is reported, for each combination of what a kernel may have."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from mlgate.scoring.isolation import reachable
from mlgate.scoring.isolation.levels import Applied

EVERY = [
    Applied(
        system="linux", landlock=abi, seccomp=seccomp, namespaces=spaces, processes=processes, network=network
    )
    for abi, seccomp, spaces, processes, network in product(
        (None, 1, 2, 3, 4, 5, 6, 7), *((False, True),) * 4
    )
]


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_elsewhere_it_is_a_process_and_said(system: str) -> None:
    """What is not Linux shuts nothing, and is not silent about it."""
    applied = Applied(system=system)
    assert applied.level() == "process"
    assert system in applied.gaps()[0]


@pytest.mark.parametrize("applied", EVERY, ids=str)
def test_full_is_never_said_of_what_has_a_hole(applied: Applied) -> None:
    """Full needs files, the network and other processes shut; files shut is the least of the second level."""
    gaps = " | ".join(applied.gaps())
    if applied.level() == "full":
        assert not any(word in gaps for word in ("Landlock", "network", "sockets", "memory", "ended"))
    if "files of this user can be read" in gaps or "emptied" in gaps:
        assert applied.level() == "process"


def test_what_the_kernels_of_today_give() -> None:
    """The runners of Ubuntu refuse namespaces; an old kernel has the first Landlock; a container may have none."""
    runner = Applied(system="linux", landlock=4, seccomp=True)
    assert (runner.level(), runner.gaps()) == ("full", ())
    refused = replace(runner, said=("namespaces: Operation not permitted",))
    assert refused.gaps() == ()
    assert replace(refused, seccomp=False).gaps()[-1] == "namespaces: Operation not permitted"
    first = Applied(system="linux", landlock=1, seccomp=True)
    assert (first.level(), first.gaps()) == ("full", ())
    assert Applied(system="linux", landlock=1, namespaces=True).level() == "process"
    assert Applied(system="linux", seccomp=True, namespaces=True).level() == "process"
    assert Applied(system="linux", landlock=7, namespaces=True).level() == "filesystem"


def test_a_program_that_may_start_others_needs_more_to_be_kept_from_signals() -> None:
    """A filter cannot tell its children from strangers; Landlock can, and so does a namespace."""
    assert Applied(system="linux", landlock=4, seccomp=True, processes=True).level() == "filesystem"
    assert Applied(system="linux", landlock=6, seccomp=True, processes=True).level() == "full"
    assert (
        Applied(system="linux", landlock=4, seccomp=True, namespaces=True, processes=True).level() == "full"
    )


def test_what_the_kernel_refused_is_passed_on() -> None:
    """With its reason."""
    applied = Applied(system="linux", landlock=7, said=("seccomp: Function not implemented",))
    assert applied.gaps()[-1] == "seccomp: Function not implemented"


def test_labels_are_reachable_where_files_are_not_shut() -> None:
    """That is what the report says of their origin."""
    assert reachable("process")
    assert not reachable("filesystem")
    assert not reachable("full")
