"""What was found, in one sentence: a value, its limit, what the interval adds, what would decide it."""

from __future__ import annotations

from collections.abc import Mapping

from mlgate.findings import Finding, GroupRecord, LimitRecord, OnInconclusive, Outcome, Severity
from mlgate.render import claims, numbers
from mlgate.render.words import SEVERITIES, pairs, plain, plural

COUNTED = frozenset({"columns", "days", "expectations", "models", "pins", "rows", "slices", "values"})
"""Units that count things, so that there is one of them or several."""

_COMPARES = {"at_least": "at least", "at_most": "at most"}
_SHORT = {"at_least": ">=", "at_most": "<="}
_SIGNS = {"at_least": "\N{GREATER-THAN OR EQUAL TO}", "at_most": "\N{LESS-THAN OR EQUAL TO}"}
_GUARD = {"at_least": "-", "at_most": "+"}


def limit_text(limit: LimitRecord | None) -> str:
    """Say a limit: `at least 0.78`, `between 0.8 and 1.25`, `equal to "x"`, `true`."""
    if limit is None:
        return "no limit"
    match limit.op, limit.value:
        case "between", (low, high):
            return f"between {numbers.exact(low)} and {numbers.exact(high)}"
        case "holds", _:
            return "must hold"
        case op, value:
            return f"{_COMPARES.get(op, 'equal to')} {_bare(value)}"


def limit_short(limit: LimitRecord | None) -> str:
    """Write a limit for a narrow column, in ASCII, with its guard: `>= 0.78 -0.02`, `= x`, `holds`."""
    if limit is None:
        return "-"
    guarded = limit.decided_on == "guard" and limit.guard
    guard = f" {_GUARD.get(limit.op, '+-')}{numbers.exact(limit.guard)}" if guarded else ""
    match limit.op, limit.value:
        case "between", (low, high):
            return f"[{numbers.exact(low)}, {numbers.exact(high)}]{guard}"
        case "holds", _:
            return "holds"
        case op, value:
            return f"{_SHORT.get(op, '=')} {_bare(value)}{guard}"


def limit_sign(limit: LimitRecord | None) -> str:
    """Write a limit in little room: `≥ 0.78`, `0.8 to 1.25`, `= "x"`, `must hold`."""
    if limit is None:
        return "no limit"
    match limit.op, limit.value:
        case "between", (low, high):
            return f"{numbers.exact(low)} to {numbers.exact(high)}"
        case "holds", _:
            return "must hold"
        case op, value:
            return f"{_SIGNS.get(op, '=')} {_bare(value)}"


def quantity(finding: Finding) -> str:
    """Write the value with its unit: `0.823`, `0.041 s`, `1,204 rows`; a dash when there is none."""
    if finding.limit is not None and finding.limit.op == "holds" and finding.value is not None:
        return "yes" if finding.value else "no"
    shown, unit = numbers.value_of(finding), finding.unit
    if finding.value is None or unit == "1":
        return shown
    if unit == claims.OF_THE_METRIC:
        of = claims.metric(finding)
        relative = "of " if isinstance(finding.params.get("margin"), str) else ""
        return shown if of is None else f"{shown} {relative}{of}"
    return f"{shown} {unit.removesuffix('s') if unit in COUNTED and finding.value == 1 else unit}"


def demand(finding: Finding) -> str:
    """Say what is demanded of the value: `at least 0.78`, `not worse than the champion by more than 0.01`."""
    return claims.demand(finding) or limit_text(finding.limit)


def rows(finding: Finding) -> str:
    """Write how many rows the value rests on; a dash where it rests on none, as a document does."""
    on_none = not finding.n or (finding.limit is not None and finding.limit.op == "holds")
    return numbers.count(None if on_none else finding.n)


def level(finding: Finding) -> str:
    """Name the interval of a finding by its two-sided level: `90 % interval`."""
    if finding.confidence is None:
        return "interval"
    return f"{100 * (2 * finding.confidence - 1):.10g} % interval"


def sentence(finding: Finding) -> str:
    """Say what was found: the value against its limit, what the interval adds, what would decide it.

    `0.76 is below the limit 0.78; the 90 % interval [0.70, 0.81] reaches past it, so 300 rows cannot
    decide; about 1,400 would`.
    """
    match finding.outcome:
        case Outcome.NOT_MEASURED:
            return f"Could not be measured: {finding.reason or 'no reason was given'}"
        case Outcome.NOT_APPLICABLE:
            return f"Does not apply: {finding.reason or 'no reason was given'}"
        case Outcome.WAIVED:
            return f"Waived ({finding.waiver or 'no waiver is named'}): {_measured(finding)}"
        case _:
            return _measured(finding)


_ALSO = {
    OnInconclusive.BLOCK: "",
    OnInconclusive.LEAN: " The policy also lets through what is inconclusive and leans inside.",
    OnInconclusive.WARN: " The policy also lets through what is inconclusive.",
}


def guarantee(finding: Finding) -> str | None:
    """Say how often a model just past the limit passes; None where no interval decided."""
    limit, confidence = finding.limit, finding.confidence
    if limit is None or confidence is None or not 0 < confidence < 1:
        return None
    edge = limit.value
    if limit.decided_on == "point":
        return "A screen: the estimate alone was compared, and chance may have carried it over the limit."
    if limit.decided_on not in ("guard", "bound") or isinstance(edge, (str, bool, tuple)) or edge is None:
        return None
    side = {"at_least": -1, "at_most": 1}.get(limit.op)
    if side is None:
        return None
    past = edge + side * (limit.guard if limit.decided_on == "guard" else 0.0)
    times = f"at most 1 time in {1 / (1 - confidence):.4g}"
    whose = claims.borderline(finding) or f"A model whose true value is {numbers.rough(past)}"
    said = f"{whose} passes {times}."
    return f"{said}{_ALSO[finding.on_inconclusive]}"


def consequence(finding: Finding) -> str:  # noqa: PLR0911  one for each case
    """Say what the outcome does to the release: stops it, or why not."""
    if finding.outcome is Outcome.NOT_APPLICABLE:
        return "left out"
    if finding.outcome is Outcome.PASS:
        return SEVERITIES[finding.severity]
    if finding.severity is not Severity.BLOCK:
        return f"{SEVERITIES[finding.severity]}: it does not stop the release"
    if not finding.accepted:
        return "required: it stops the release"
    if finding.outcome is Outcome.INCONCLUSIVE:
        if finding.on_inconclusive is OnInconclusive.LEAN:
            return "required, and let through: it leans inside, which the policy accepts"
        return "required, and let through: the policy only warns of what is inconclusive"
    return "required"


def _measured(finding: Finding) -> str:
    parts = [_held(finding), _spread(finding)]
    if finding.warned and finding.warn is not None:
        parts.append(f"it is outside the warning band, {limit_text(finding.warn)}")
    if finding.outcome is Outcome.INCONCLUSIVE:
        parts += _undecided(finding)
    elif finding.reason and finding.value is not None:
        parts.append(finding.reason)
    said = "; ".join(part for part in parts if part)
    return said[:1].upper() + said[1:]


def _held(finding: Finding) -> str:
    limit, shown = finding.limit, quantity(finding)
    named = f"{shown}{_of(finding.decides)}"
    if limit is None or finding.value is None:
        return named if finding.value is not None else (finding.reason or "there is no value")
    if limit.op == "holds":
        return "it holds" if finding.value else "it does not hold"
    if claims.claim(finding) is not None:
        return claims.found(finding, numbers.value_of(finding))
    edges = numbers.edges(limit)
    if limit.op == "between" and len(edges) == 2:  # noqa: PLR2004  the two ends
        where = "inside" if edges[0] <= finding.value <= edges[1] else "outside"
        return f"{named} is {where} the limits {_bare(edges[0])} and {_bare(edges[1])}"
    if not edges or limit.op == "equals":
        same = finding.value == edges[0] if edges else finding.outcome is Outcome.PASS
        return f"{named} {'equals' if same else 'differs from'} {_bare(limit.value)}"
    side = "above" if finding.value > edges[0] else "below"
    lies = "at" if finding.value == edges[0] else side
    several = finding.unit in COUNTED and finding.value != 1 and not finding.decides
    return f"{named} {'are' if several else 'is'} {lies} the limit {_bare(edges[0])}"


def _of(decides: str | None) -> str:
    """Name the comparison that decided; one that has brackets of its own stands between commas."""
    if not decides:
        return ""
    return f", {decides}," if "(" in decides else f" ({decides})"


def _spread(finding: Finding) -> str:  # noqa: PLR0911  one for each way to lie
    """Say how the interval lies to the limit, from the numbers themselves, not from the outcome."""
    shown = numbers.interval_of(finding)
    if shown is None or finding.interval is None:
        return ""
    ends = _sides(finding)
    name = f"{level(finding)} {shown}"
    if finding.limit is None or not ends:
        return f"the {name}"
    if ends == {True}:
        return f"the whole {name} is inside"
    if ends == {False} and finding.outcome is Outcome.INCONCLUSIVE:
        return f"the whole {name} is outside, but that is not enough with {_together(finding)} (Holm)"
    if ends == {False}:
        return f"the whole {name} is outside"
    if finding.outcome is Outcome.PASS and finding.limit.decided_on == "guard":
        return f"the {name} reaches past it by less than the guard of {_bare(finding.limit.guard)}"
    if finding.limit.decided_on == "point":
        return f"the {name} reaches past it, and was not used"
    if finding.outcome is Outcome.INCONCLUSIVE and finding.n:
        return f"the {name} reaches past it, so {plural(finding.n, 'row', 'rows')} cannot decide"
    return f"the {name} reaches past it"


def _together(finding: Finding) -> str:
    """Count what was judged together, where the record tells: groups held against the limit one by one."""
    held = sum(row.outcome is not None for row in finding.groups)
    return f"{held} comparisons" if held > 1 and not finding.slice else "several comparisons"


def reasons(finding: Finding) -> tuple[str, ...]:
    """Return what the rows of the group table say of why it failed, as `sex = male: no row is positive`."""
    rows = [
        row for row in finding.groups if row.reason and row.judged and row.outcome in (None, finding.outcome)
    ]
    said = (f"{named(row.group, finding)}: {_rate(row)}{row.reason}".removeprefix(": ") for row in rows)
    return tuple(dict.fromkeys(said))


def named(group: Mapping[str, str], finding: Finding) -> str:
    """Name one row of a group table: `sex = male`; one that names more than two things, by the first."""
    if len(group) <= 2 or finding.by:  # noqa: PLR2004  two things stand side by side
        return pairs(group)
    first, *rest = group.items()
    return f"{first[1]} ({', '.join(f'{key} {plain(value)}' for key, value in rest)})"


def _rate(row: GroupRecord) -> str:
    """Say the number of a row whose reason is more than a reason: what it is, and how much."""
    if row.rate is None or row.value is None or row.interval is None:
        return ""
    return f"{row.rate.replace('_', ' ')} {numbers.group_value(row)}; "


def _sides(finding: Finding) -> set[bool]:
    """Return which sides of the limit the interval touches: True for inside, False for outside."""
    edges = numbers.edges(finding.limit)
    if finding.interval is None or finding.limit is None or not edges:
        return set()
    low, high = finding.interval
    match finding.limit.op:
        case "at_least":
            return {low >= edges[0], high >= edges[0]}
        case "at_most":
            return {low <= edges[0], high <= edges[0]}
        case "between" if high < edges[0] or low > edges[-1]:
            return {False}
        case "between":
            return {edges[0] <= low and high <= edges[-1], True}
        case _:
            return set()


def _undecided(finding: Finding) -> list[str]:
    """Say what else leaves it open than the interval, and how many rows would decide it.

    Of the reason, what only says how the estimate and its interval lie is left out: the sentence has
    said it with the numbers.
    """
    known = bool(_sides(finding))
    clauses = (finding.reason or "").split("; ")
    said = [one for one in clauses if one and not (known and one.startswith("the estimate "))]
    if finding.needed_n:
        said.append(f"about {numbers.about(finding.needed_n)} would")
    return said


def _bare(value: object) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return numbers.exact(value)
    return f'"{value}"' if isinstance(value, str) else plain(value)
