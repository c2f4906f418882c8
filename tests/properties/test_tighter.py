"""What asks for more never approves more: at the level of findings and of the verdict, for any policy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.findings import Outcome, Report, Severity, Verdict
from tests.properties import oracles
from tests.properties.conftest import (
    CHECKS,
    TASKS,
    TEXT_GROUPS,
    Drawn,
    Shape,
    drawn,
    examples,
    findings,
    judge,
    shapes,
    use,
)

DATA: dict[str, float] = {
    "data/row-count": 60,
    "data/missing": 0.2,
    "data/class-balance": 0.3,
    "data/constant-columns": 0,
}
LIMITS = st.sampled_from([0.02, 0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.98]) | st.floats(0, 1)
STRICTER = {"warn": "lean", "lean": "block", "block": "block"}

Use = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Demand:
    """A policy and one that asks for as much or more."""

    uses: list[Use]
    tighter: list[Use]


@st.composite
def single(draw: st.DrawFn, number: int, table: Drawn) -> Use:
    """Draw one use of a check, with any of the settings that a policy may have."""
    task = table.shape.task
    plain: dict[str, Any] = {one: use(one, number, limit) for one, limit in DATA.items()}
    asked: list[Any] = [*oracles.of(table), *oracles.gaps_of(task), *plain]
    chosen = draw(st.sampled_from(asked))
    check = chosen if isinstance(chosen, str) else chosen.check
    fairness, performance = isinstance(chosen, oracles.Compared), isinstance(chosen, oracles.Asked)
    if fairness:
        made = chosen.use(table, number, draw(LIMITS))
    else:
        made = chosen.use(number, draw(LIMITS)) if performance else plain[check]
    made["severity"] = draw(st.sampled_from(["block", "block", "block", "warn", "info"]))
    made["on_inconclusive"] = draw(st.sampled_from(["block", "lean", "warn"]))
    if CHECKS[check].kind == "fact":
        return made
    made["decision"] = draw(st.sampled_from(["point", "guard", "guard", "bound"]))
    if draw(st.booleans()):
        made["confidence"] = draw(st.sampled_from([0.6, 0.8, 0.9, 0.99]))
    if made["decision"] == "guard" and draw(st.booleans()):
        made["guard"] = draw(st.sampled_from([0, 0.01, 0.05, 0.3]))
    if fairness and not chosen.within and draw(st.booleans()):
        made["groups"] = [list(table.protected)]
    if performance and draw(st.booleans()):
        made["slices"] = [table.protected[0]]
        if (op := next(one for one in ("at_least", "at_most", "between") if one in made)) != "between":
            made["except"] = draw(st.lists(exception(op, table.protected[0], made[op]), max_size=1))
    made["min_judged"] = draw(st.sampled_from([0, 0.5, 0.9, 1]))
    return made


@st.composite
def exception(draw: st.DrawFn, op: str, column: str, limit: float) -> Use:
    """Draw another limit for one slice, looser than that of the others."""
    away = draw(st.sampled_from([0.1, 0.5, 10.0]))
    group = draw(st.sampled_from(TEXT_GROUPS[:-1]))  # the last has a character that no YAML may hold
    return {
        "where": {column: group},
        op: limit - away if op == "at_least" else limit + away,
        "because": "thin data",
    }


@st.composite
def tightened(draw: st.DrawFn, one: Use) -> Use:
    """Draw a use that asks for as much or more than another."""
    found = dict(one)
    fact = CHECKS[one["check"]].kind == "fact"
    _move(draw, one, found)
    if "except" in one and draw(st.booleans()):
        del found["except"]
    if one.get("decision") == "guard":
        default = CHECKS[one["check"]].guard
        if "guard" in one or default is not None:
            found["guard"] = one.get("guard", default) * draw(st.sampled_from([0, 0.5, 1]))
        if draw(st.booleans()):
            found["decision"] = "bound"
            found.pop("guard", None)
    if draw(st.booleans()):
        found["on_inconclusive"] = STRICTER[one["on_inconclusive"]]
    if not fact and found["on_inconclusive"] != "warn" and draw(st.booleans()):
        # Under `warn` only what surely fails blocks, and more confidence is sure of less.
        found["confidence"] = max(one.get("confidence", 0.95), draw(st.sampled_from([0.9, 0.97, 0.999])))
    if draw(st.booleans()):
        found["severity"] = "block"
    if "min_judged" in one:
        found["min_judged"] = max(one["min_judged"], draw(st.sampled_from([0, 0.95, 1])))
    return found


def _move(draw: st.DrawFn, one: Use, found: Use) -> None:
    """Draw a limit that is as strict or stricter."""
    move = draw(st.sampled_from([0, 0, 1e-9, 0.01, 0.1, 0.5]))
    if "at_least" in one:
        found["at_least"] = one["at_least"] + move * (100 if CHECKS[one["check"]].kind == "fact" else 1)
    elif "at_most" in one:
        found["at_most"] = one["at_most"] - move
    else:
        low, high = one["between"]
        found["between"] = [low + min(move, 0.2), high - min(move, 0.2)]


@st.composite
def demands(draw: st.DrawFn, table: Drawn) -> Demand:
    """Draw a policy of several uses, and a tighter one."""
    uses = [draw(single(number, table)) for number in range(draw(st.integers(1, 6)))]
    return Demand(uses=uses, tighter=[draw(tightened(one)) for one in uses])


TABLES = (
    shapes(rows=200, missing=0.1) | shapes(rows=200, missing=0.0, score="good", prediction=None) | shapes()
)


def stands_in_the_way(report: Report) -> bool:
    """Whether a required finding does not let the release through."""
    return any(one.severity is Severity.BLOCK and not one.accepted for one in report.findings)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
@given(shape=TABLES, data=st.data())
@examples(12)
def test_asking_for_more_never_approves_more(task: str, shape: Shape, data: st.DataObject) -> None:
    """With a tighter limit, smaller guard, more confidence, no exception, … what stood in the way still does.

    A policy that approved nothing only because nothing passed may approve once more is required.
    """
    table = drawn(replace(shape, task=task))
    demand = data.draw(demands(table))
    before, after = judge(table, demand.uses, min_group=10), judge(table, demand.tighter, min_group=10)
    there = {one.id: one for one in after.findings}
    assert there.keys() == {one.id for one in before.findings}
    for one in before.findings:
        same = there[one.id]
        assert one.value == same.value
        if one.severity is Severity.BLOCK and not one.accepted:
            assert same.severity is Severity.BLOCK, (one, same)
            assert not same.accepted, (one, same)
        if one.outcome is Outcome.FAIL and demand_of(demand.uses, one.id).get("confidence") == demand_of(
            demand.tighter, one.id
        ).get("confidence"):
            assert same.outcome is Outcome.FAIL
        if same.outcome is Outcome.PASS:
            assert one.outcome is Outcome.PASS, (one, same)
    if stands_in_the_way(before):
        assert before.verdict is not Verdict.APPROVED
        assert after.verdict is not Verdict.APPROVED
        assert not after.promotable


def demand_of(uses: list[Use], finding: str) -> Use:
    """Return the use that a finding belongs to."""
    return next(one for one in uses if finding.startswith(one["id"]))


@pytest.mark.slow
@given(shape=TABLES, data=st.data())
@examples(20)
def test_one_check_more_never_approves_more(shape: Shape, data: st.DataObject) -> None:
    """A further required check leaves every other finding as it is, and lets nothing more through."""
    table = drawn(shape)
    uses = data.draw(demands(table)).uses
    more = {**data.draw(single(99, table)), "severity": "block"}
    before, after = judge(table, uses, min_group=10), judge(table, [*uses, more], min_group=10)
    kept, now = findings(before), findings(after)
    assert {name: now[name] for name in kept} == kept
    if stands_in_the_way(before):
        assert after.verdict is not Verdict.APPROVED
    if before.verdict is Verdict.APPROVED and after.verdict is not Verdict.APPROVED:
        assert any(
            not one.accepted
            for one in after.findings
            if one.id not in kept and one.severity is Severity.BLOCK
        )
