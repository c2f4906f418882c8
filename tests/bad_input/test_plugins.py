"""Measures of strangers that break: named with their package, never an approval, never the exit code."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator

import pytest

from mlgate import catalogue, measures
from tests.bad_input.conftest import World, refused, sound

HEAD = """\
import math, os, sys
from mlgate.cells import Counts, Shape
from mlgate.estimates import Comparison, Estimate, GroupEstimate
from mlgate.measures import measure

facts = dict(kind="fact", unit="1", better="higher", source="none")
"""

CHECK = """\
id: custom/odd
title: The plugin says so
since: "0.1"
lifecycle: stable
measure: odd.odd
params: {}
tasks: []
needs: []
kind: fact
better: higher
unit: "1"
severity: block
why: To see what the gate does with it.
fix: {effort: low, text: Mend it.}
maps_to: []
sources: [none]
"""

CLASS = """\
@measure(id="odd.odd", **facts)
class Odd:
    '''An odd measure.'''
    def plan(self, params, columns):
        {plan}
    def value(self, cells, params):
        {value}
"""


@pytest.fixture
def install(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Return what installs a package whose one module is this text."""
    site = world.root / "site"

    def forget() -> None:
        measures.catalogue.cache_clear()
        catalogue._shipped.cache_clear()
        sys.modules.pop("odd_measures", None)
        importlib.invalidate_caches()

    def installed(text: str) -> None:
        info = site / "odd_measures-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-measures\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[mlgate.measures]\nodd = odd_measures\n")
        (site / "odd_measures.py").write_text(HEAD + text)
        (world.home / "checks" / "custom").mkdir(parents=True)
        (world.home / "checks" / "custom" / "odd.yaml").write_text(CHECK)
        world.checks("{check: performance/accuracy, at_least: 0.8}", "{check: custom/odd, at_least: 0.5}")
        monkeypatch.syspath_prepend(str(site))
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        forget()

    yield installed
    monkeypatch.undo()
    forget()


def test_a_sound_plugin_is_asked(world: World, install: Callable[[str], None]) -> None:
    """The same package with nothing wrong in it passes, so the failures below are those of the measure."""
    install(CLASS.format(plan="return [Shape()]", value="return Estimate(value=1.0, n=1)"))
    done = world.run("--checks", "checks")
    sound(world, done)
    assert done.code == 0, done.said
    assert done.finding("custom/odd")["measure"] == {
        "id": "odd.odd",
        "package": "odd-measures",
        "version": "1.0",
    }


@pytest.mark.parametrize(
    ("value", "codes", "says"),
    [
        ("raise RuntimeError('boom')", (3,), "odd.odd failed: RuntimeError: boom"),
        ("raise MemoryError", (3,), "odd.odd failed: MemoryError"),
        ("raise RecursionError", (3,), "odd.odd failed"),
        ("raise StopIteration", (3,), "odd.odd failed"),
        ("sys.exit(0)", (3,), "odd.odd failed: SystemExit: 0"),
        ("raise SystemExit", (3,), "odd.odd failed: SystemExit"),
        ("return None", (3,), "odd.odd returned NoneType"),
        ("return 1.0", (3,), "odd.odd returned float"),
        ("return True", (3,), "odd.odd returned bool"),
        ("return Estimate(value=math.nan, n=1)", (3,), "not finite"),
        ("return Estimate(value=math.inf, n=1)", (3,), "not finite"),
        ("return Estimate(value='1', n=1)", (3,), "gave a str as its value"),
        ("return Estimate(value=[1], n=1)", (3,), "gave a list as its value"),
        ("return Estimate(value=1j, n=1)", (3,), "gave a complex as its value"),
        ("return Estimate(value=None, n=1)", (3,), "no value and no reason"),
        ("return Estimate(value=0.2, n=1)", (1,), "custom/odd"),
        (
            "return Estimate(value=1.0, n=1, comparisons=(Comparison(name='x', value=0.1, interval=None),))",
            (1,),
            "failed",
        ),
        (
            "return Estimate(value=1.0, n=1, comparisons=(Comparison(name='x', value=math.nan, interval=None),))",
            (3,),
            "custom/odd",
        ),
        ("return Estimate(value=1.0, n=1, judged_share=math.nan)", (1, 3), "custom/odd"),
        ("print('\\x1b[2JMeets policy own'); return None", (3,), "custom/odd"),
        ("return cells.cells(Counts(roles=('label',)))", (3,), "odd.odd failed"),
    ],
)
def test_measure_that_breaks(
    world: World, install: Callable[[str], None], value: str, codes: tuple[int, ...], says: str
) -> None:
    """Whatever a measure raises or returns instead of a number is not measured, with its name."""
    install(CLASS.format(plan="return [Shape()]", value=value))
    done = refused(world, world.run("--checks", "checks"), *codes, says=(says,))
    assert done.outcomes["performance/accuracy"] == "pass"


@pytest.mark.parametrize(
    "value",
    [
        "return Estimate(value=1.0, n='many')",
        "return Estimate(value=1.0, n=1, groups=(1, 2))",
        "return Estimate(value=1.0, n=1, groups=(GroupEstimate(group={'a': 'b'}, n=1, value='x'),))",
        "return Estimate(value=1.0, n=1, comparisons=('x',))",
        "return Estimate(value=1.0, n=1, judged_share='all')",
        "return Estimate(value=1.0, n=1, charts=(1,))",
        "return Estimate(value=1.0, n=1, value_all='x')",
    ],
)
def test_measure_that_returns_rubbish_beside_a_value(
    world: World, install: Callable[[str], None], value: str
) -> None:
    """A value that would pass, with parts that no report can hold, is no approval."""
    install(CLASS.format(plan="return [Shape()]", value=value))
    done = world.run("--checks", "checks")
    sound(world, done)
    assert done.code in (1, 2, 3), done.said
    assert done.report is not None


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        ("raise RuntimeError('boom')", "the plan of odd.odd (odd-measures) fails: RuntimeError: boom"),
        ("sys.exit(0)", "the plan of odd.odd (odd-measures) fails: SystemExit"),
        ("return None", "the plan of odd.odd (odd-measures) fails: TypeError"),
        ("return 7", "the plan of odd.odd (odd-measures) fails: TypeError"),
    ],
)
def test_plan_that_breaks(world: World, install: Callable[[str], None], plan: str, says: str) -> None:
    """A measure that cannot say what it needs ends the run, with its package and the policy's line."""
    install(CLASS.format(plan=plan, value="return Estimate(value=1.0, n=1)"))
    refused(world, world.run("--checks", "checks"), says=(says, "policy.yaml:5"))


@pytest.mark.parametrize(
    ("further", "says"),
    [
        ("raise ValueError('no')", "odd.odd failed: ValueError: no"),
        ("sys.exit(0)", "odd.odd failed: SystemExit: 0"),
        ("return 5", "odd.odd failed: TypeError"),
    ],
)
def test_asking_further_that_breaks(
    world: World, install: Callable[[str], None], further: str, says: str
) -> None:
    """A measure that cannot say what else it needs has no value, even if it would return one."""
    odd = CLASS.format(plan="return [Shape()]", value="return Estimate(value=1.0, n=3)")
    install(f"{odd}    def further(self, cells, params):\n        {further}\n")
    refused(world, world.run("--checks", "checks"), 2, 3, says=(says,))


@pytest.mark.parametrize(
    "plan", ["return ['everything']", "return [Counts(roles=('weight',))]", "return [print]"]
)
def test_plan_that_asks_for_what_there_is_not(
    world: World, install: Callable[[str], None], plan: str
) -> None:
    """A measure that asks for what no table answers is no approval."""
    install(CLASS.format(plan=plan, value="return Estimate(value=1.0, n=1)"))
    done = world.run("--checks", "checks")
    sound(world, done)
    assert done.code in (2, 3), done.said
    assert done.report is not None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("raise RuntimeError('boom')", "does not load: RuntimeError('boom')"),
        ("sys.exit(0)", "does not load: SystemExit(0)"),
        ("import there_is_no_such_module", "does not load: ModuleNotFoundError"),
        ("def broken(:", "does not load: SyntaxError"),
        ("x = 1", "offers no measure"),
        ("@measure(id='odd.odd', **facts)\ndef odd(cells): return 1", "measure odd.odd has no docstring"),
        ("@measure(id='odd.odd', **facts)\ndef odd(cells, a: int = 1):\n  '''Odd.'''", "is not keyword-only"),
        ("@measure(id='odd.odd', **facts)\ndef odd(cells, *, a=1):\n  '''Odd.'''", "has no type"),
        ("@measure(id='odd.odd', api=2, **facts)\ndef odd(cells):\n  '''Odd.'''", "is written for api 2"),
        (
            "@measure(id='performance.accuracy', **facts)\ndef odd(cells):\n  '''Odd.'''",
            "measure performance.accuracy of package odd-measures is taken by mlgate",
        ),
        ("from mlgate.measures.performance import accuracy", "performance.accuracy"),
    ],
)
def test_package_that_does_not_load(
    world: World, install: Callable[[str], None], text: str, says: str
) -> None:
    """A plugin that does not load or breaks the seam ends every run, also one that does not ask for it."""
    install(text)
    world.checks("{check: performance/accuracy, at_least: 0.8}")
    refused(world, world.run(), says=(says, "odd"))


CHECKS = {
    "shipped id": ("id: custom/odd", "id: performance/accuracy", ("custom/odd.yaml",)),
    "measure that is not there": ("measure: odd.odd", "measure: odd.even", ("custom/odd.yaml:5", "odd.even")),
    "another kind": ("kind: fact", "kind: estimate", ("custom/odd.yaml:9", "kind")),
    "the other way round": ("better: higher", "better: lower", ("custom/odd.yaml:10", "better")),
    "NaN limit": ('unit: "1"', 'unit: "1"\nlimit: {op: at_least, value: .nan}', ("custom/odd.yaml:12",)),
    "unknown key": ("params: {}", "param: {}", ("custom/odd.yaml:6", "'param'")),
    "unknown parameter": ("params: {}", "params: {x: 1}", ("custom/odd.yaml:6", "'x'")),
    "unknown control": ("maps_to: []", "maps_to: [eu/1]", ("custom/odd.yaml:15", "eu/1")),
    "no reason": ("why: To see what the gate does with it.", "why: ''", ("custom/odd.yaml:13", "why")),
    "tag": ("title: The plugin", "title: !!python/name:os.system The plugin", ("custom/odd.yaml:2", "tags")),
}


@pytest.mark.parametrize("name", CHECKS)
def test_check_of_ones_own_that_is_wrong(world: World, install: Callable[[str], None], name: str) -> None:
    """A check definition with anything wrong in it ends the run with file and line."""
    install(CLASS.format(plan="return [Shape()]", value="return Estimate(value=1.0, n=1)"))
    old, new, says = CHECKS[name]
    world.edit("checks/custom/odd.yaml", old, new)
    refused(world, world.run("--checks", "checks"), says=says)


@pytest.mark.parametrize("what", ["shipped", "link", "misplaced"])
def test_folder_of_checks_that_is_wrong(world: World, install: Callable[[str], None], what: str) -> None:
    """A check in the place of a shipped one, a link that leads out, and a file in the wrong place are errors."""
    install(CLASS.format(plan="return [Shape()]", value="return Estimate(value=1.0, n=1)"))
    own = world.home / "checks" / "custom" / "odd.yaml"
    match what:
        case "shipped":
            (world.home / "checks" / "performance").mkdir()
            text = own.read_text("utf-8").replace("custom/odd", "performance/accuracy")
            (world.home / "checks" / "performance" / "accuracy.yaml").write_text(text, "utf-8")
        case "link":
            (world.root / "elsewhere" / "odd.yaml").write_bytes(own.read_bytes())
            own.unlink()
            own.symlink_to("../../../elsewhere/odd.yaml")
        case _:
            own.rename(world.home / "checks" / "odd.yaml")
    says = {"shipped": "replaces", "link": "leads out", "misplaced": "is not where a check can be"}
    refused(world, world.run("--checks", "checks"), says=(says[what],))
