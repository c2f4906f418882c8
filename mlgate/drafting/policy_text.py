"""policy.yaml, drafted: what this table can decide, each limit with where it comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlgate.cells import Bins, By
from mlgate.drafting.choosing import LIKELY, Choice
from mlgate.drafting.yaml_text import as_read, comment, number, require_same, text

FILE = "policy.yaml"

_HEAD = f"""\
# What is demanded of a release, drafted by `mlgate init`.
#
# `baseline` asks what any release can be asked. The limits below start from what the present model reaches:
# one as good as it passes each of them about {LIKELY:.0%} of the time or more on a table like this one. That is
# where to start, not what you need: replace each limit by one that you would defend, and its `because` by the reason.
# `mlgate policy power` tells what the table can decide, `mlgate explain ID` what a check means.
"""  # noqa: E501


def provisional(checks: Sequence[tuple[str, str]], groups: Sequence[tuple[By, ...]]) -> str:
    """Return a policy that asks for the value of each check (id and operation), and decides nothing."""
    lines = ["mlgate: 1", "policy: draft", "checks:"]
    for check, op in checks:
        bound = {"at_least": "-1e300", "at_most": "1e300"}[op]
        over = f", groups: {_sets(groups)}" if groups and check.startswith("fairness/") else ""
        lines.append(f"  - {{check: {check}, {op}: {bound}, severity: info{over}}}")
    return "\n".join(lines) + "\n"


SUITE: Mapping[str, Any] = {
    "check": "data/expectations",
    "because": "draft by mlgate init from the training table, replace by a reason",
}
"""The use of the check on the suite of the release."""


def policy_text(
    name: str, chosen: Sequence[Choice], pins: Mapping[str, str], further: Sequence[Mapping[str, Any]] = ()
) -> str:
    """Return the text of policy.yaml; ContentError when it would not read back as it was meant.

    `pins` are lines that fix roles of the release, written as a comment to be taken up; `further` are uses of
    checks whose limit does not come from the table, each of plain texts and numbers.
    """
    lines = list(_lines(name, chosen, pins))
    meant = _data(name, chosen)
    if further:
        lines = [line.replace("checks: []", "checks:") for line in lines]
    for use in further:
        first, *rest = (f"{key}: {value}" for key, value in use.items())
        lines += [f"  - {first}", *(f"    {line}" for line in rest)]
        meant["checks"].append(dict(use))
    written = _HEAD + "\n".join(lines) + "\n"
    require_same(written, meant, FILE)
    return written


def identifier(name: str) -> str:
    """Return the id of a policy that is made of the name of a release."""
    found = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:80].strip("-")
    return f"{found}-release" if found else "release"


def _lines(name: str, chosen: Sequence[Choice], pins: Mapping[str, str]) -> Iterator[str]:
    yield "mlgate: 1"
    yield f"policy: {identifier(name)}"
    yield "extends: [baseline]"
    if pins:
        yield "# What the release may not choose for itself; take the # away when it is right:"
        yield "# release:"
        for line in pins.values():
            yield f"#   {comment(line)}"
    held = [one for one in chosen if one.limit is not None]
    yield "checks:" if held else "checks: []"
    for one in held:
        yield from _entry(one)
    for one in chosen:
        if one.limit is None:
            over = f" over {comment(_sets(one.groups)[1:-1])}" if one.groups else ""
            why = comment(one.reason or "it cannot be measured here")
            yield f"  # not drafted: {one.wanted.check}{over}: {why}"


def _entry(one: Choice) -> Iterator[str]:
    yield f"  - check: {one.wanted.check}"
    if one.groups:
        yield f"    id: {_use_id(one)}"
        yield f"    groups: {_sets(one.groups)}"
    yield f"    {one.wanted.op.value}: {number(one.limit or 0.0)}"
    if one.guard is not None:
        yield f"    guard: {number(one.guard)}"
    yield f"    because: {_because(one)}"


def _because(one: Choice) -> str:
    now = f"{one.value:.4g}" if one.value is not None else "unknown"
    return (
        f"draft by mlgate init from the present model ({one.wanted.because}; now {now}), replace by a reason"
    )


def _use_id(one: Choice) -> str:
    return f"{one.wanted.check.partition('/')[2]}-of-groups"


def _data(name: str, chosen: Sequence[Choice]) -> dict[str, Any]:
    checks = []
    for one in chosen:
        if one.limit is None:
            continue
        entry: dict[str, Any] = {"check": one.wanted.check}
        if one.groups:
            entry["id"] = _use_id(one)
            entry["groups"] = [_set_data(by) for by in one.groups]
        entry[one.wanted.op.value] = as_read(one.limit)
        if one.guard is not None:
            entry["guard"] = as_read(one.guard)
        entry["because"] = _because(one)
        checks.append(entry)
    return {"mlgate": 1, "policy": identifier(name), "extends": ["baseline"], "checks": checks}


def _sets(groups: Sequence[tuple[By, ...]]) -> str:
    return f"[{', '.join(_set(by) for by in groups)}]"


def _set(by: tuple[By, ...]) -> str:
    parts = [_factor(one) for one in by]
    return parts[0] if len(parts) == 1 else f"[{', '.join(parts)}]"


def _factor(one: By) -> str:
    if isinstance(one, Bins):
        return f"{{{text(one.column)}: [{', '.join(number(edge) for edge in one.edges)}]}}"
    return text(one)


def _set_data(by: tuple[By, ...]) -> Any:
    parts = [
        {one.column: [as_read(edge) for edge in one.edges]} if isinstance(one, Bins) else one for one in by
    ]
    return parts[0] if len(parts) == 1 else parts
