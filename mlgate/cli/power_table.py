"""What a table can decide, as a terminal shows it: a line a finding, and advice in sentences."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from mlgate.findings import OnInconclusive
from mlgate.gate.power import Prospect, together
from mlgate.limits import Op, Rule
from mlgate.limits.power import TARGETS, chance
from mlgate.render.text import visible

HEADER = ("check", "limit", "now", "passes", "caught from", "rows for 90 %", "in words")

RELIABLE, HOPELESS = 0.9, 0.1
"""From here on a model as good as the present one passes reliably; up to there hardly ever."""

_GUARDS = (1.5, 2.0, 3.0)
"""How many times wider a guard is tried before rows or limits are advised."""

_WIDEST = 90
"""Characters of a name of a finding."""


def lines(found: Sequence[Prospect]) -> Iterator[str]:
    """Yield the table and what to do about it."""
    rows = [HEADER, *(_row(one) for one in found)]
    sizes = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    for row in rows:
        yield "  ".join(text.ljust(size) for text, size in zip(row, sizes, strict=True)).rstrip()
    yield ""
    yield "passes: the chance that a model exactly as good as the present one passes on a table of this size."
    yield "caught from: the true value from which a model passes at most 1 time in 20."
    for line in (_whole(found), _outside(found), *map(_advice, found)):
        if line:
            yield line


def _row(one: Prospect) -> tuple[str, ...]:
    power, value = one.power, one.estimate.value
    few = power.few
    name = visible(one.id, longest=_WIDEST)
    limit = str(one.limit) if one.limit.op is not Op.HOLDS else "holds"
    return (
        name,
        limit,
        "-" if value is None else f"{value:.4g}",
        "-" if power.passes is None else _percent(power.passes),
        "-" if few is None else f"{few:.4g}",
        _rows(one),
        word(one),
    )


def _percent(share: float) -> str:
    """Write a chance without saying that it is certain."""
    if share > 0.995 and share < 1:  # noqa: PLR2004
        return "> 99 %"
    return f"{share:.0%}".replace("%", " %") if share >= 0.005 or share == 0 else "< 1 %"  # noqa: PLR2004


def _rows(one: Prospect) -> str:
    if one.power.rows is None:
        return "-"
    rows = one.power.rows[0.9]
    return "never" if rows is None else f"{_rounded(rows):,}"


def _rounded(rows: int) -> int:
    """Round up to two digits: the count is an estimate."""
    unit: int = 10 ** max(len(str(rows)) - 2, 0)
    return -(-rows // unit) * unit


def word(one: Prospect) -> str:
    """Say in words what the chance means."""
    power = one.power
    if power.passes is None:
        return f"cannot be measured: {visible(power.reason or 'no reason is known', 80)}"
    if not power.noisy:
        return "a fact, no noise" if power.passes else "a fact, and it does not hold"
    inside = one.estimate.value is not None and one.limit.inside(one.estimate.value)
    if power.best is not None and power.best < HOPELESS:
        why = f": {power.reason}" if power.reason else ", not even for a perfect model"
        return f"cannot be decided here{why}"
    if not inside:
        return "the present model does not keep to it"
    if power.passes >= RELIABLE:
        return "passes reliably"
    return "cannot be decided here" if power.passes <= HOPELESS else "passes by luck"


def _whole(found: Sequence[Prospect]) -> str:
    required = [one for one in found if one.required]
    if not required:
        return "Nothing here can stop a release."
    chances = together(found)
    if chances is None:
        unknown = next(one.id for one in required if one.goes_through is None)
        return f"What is required cannot be met as it stands: {visible(unknown)} cannot be measured."
    low, high = chances
    between = _percent(low) if f"{low:.2f}" == f"{high:.2f}" else f"{_percent(low)} to {_percent(high)}"
    lean = any(one.use.on_inconclusive is not OnInconclusive.BLOCK for one in required)
    how = ", counting what is inconclusive and let through" if lean else ""
    return f"A model as good as this one gets past all that is required {between} of the time{how}."


def _outside(found: Sequence[Prospect]) -> str:
    """Name what the present model does not keep to: no rows will help there."""
    names = [
        visible(one.id, _WIDEST) + ("" if one.required else " (a warning)")
        for one in found
        if one.power.noisy and one.estimate.value is not None and not one.limit.inside(one.estimate.value)
    ]
    if not names:
        return ""
    todo = "no rows will help, a better model or another limit would"
    return f"The present model does not keep to {', '.join(names)}: {todo}."


def _advice(one: Prospect) -> str:
    """Say what to do about a check that a good model passes by luck, or never."""
    power = one.power
    if power.passes is None or not power.noisy or power.passes >= RELIABLE:
        return ""
    value = one.estimate.value
    name = visible(one.id, _WIDEST)
    if power.reason is not None:
        return f"{name}: {power.reason}: merge groups, or lower `min_group`."
    if value is None or not one.limit.inside(value):
        return ""  # told of once, for all such
    ways = []
    guard = _guard(one)
    if guard is not None:
        ways.append(f"a guard of {guard:g} (now {one.use.rule.guard:g})")
    rows = power.rows[0.9] if power.rows else None
    if rows is not None and rows > one.estimate.n:
        ways.append(f"{_rounded(rows):,} rows (now {one.estimate.n:,})")
    small = [group for group in one.estimate.groups if group.judged]
    if len(one.estimate.comparisons) > 1 and small:
        least = min(small, key=lambda group: group.n)
        named = ", ".join(f"{column} {text}" for column, text in least.group.items())
        ways.append(f"merging the smallest group ({visible(named, 60)}, {least.n:,} rows) with another")
    ways.append("a looser limit")
    return f"{name}: {', or '.join(ways)} would let a model as good as this one pass 9 times in 10."


def _guard(one: Prospect) -> float | None:
    rule = one.use.rule
    if rule.decision != "guard" or rule.guard <= 0:
        return None
    for factor in _GUARDS:
        wider = float(f"{rule.guard * factor:.3g}")
        tried = Rule(decision="guard", confidence=rule.confidence, guard=wider, min_judged=rule.min_judged)
        if chance(one.estimate, one.limit, tried) >= RELIABLE:
            return wider
    return None


def as_json(found: Sequence[Prospect]) -> str:
    """Return all of it for programs; what does not exist is null."""
    chances = together(found)
    whole: dict[str, Any] = {
        "checks": [_record(one) for one in found],
        "required_together": None if chances is None else list(chances),
    }
    return json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False)


def _record(one: Prospect) -> dict[str, Any]:
    power, rule = one.power, one.use.rule
    limit = one.limit.value
    return {
        "id": one.id,
        "check": one.use.check.id,
        "severity": one.use.severity.value,
        "limit": {"op": one.limit.op.value, "value": list(limit) if isinstance(limit, tuple) else limit},
        "decision": rule.decision,
        "guard": rule.guard,
        "confidence": rule.confidence,
        "on_inconclusive": one.use.on_inconclusive.value,
        "value": one.estimate.value,
        "n": one.estimate.n,
        "noisy": power.noisy,
        "passes": power.passes,
        "goes_through": one.goes_through,
        "best": power.best,
        "passes_half_at": power.half,
        "passes_one_in_twenty_at": power.few,
        "rows": None if power.rows is None else {f"{target:g}": power.rows[target] for target in TARGETS},
        "in_words": word(one),
        "reason": power.reason,
    }
