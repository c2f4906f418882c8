"""The one room for wording: what a verdict, a limit and a finding say in plain English.

`approved` is a machine token and stands alone in no rendering. Whoever shows a verdict takes the
sentence from here: HTML, terminal, comments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mlgate.findings import (
    Finding,
    LimitRecord,
    OnInconclusive,
    Outcome,
    Report,
    Severity,
    Verdict,
)
from mlgate.render import numbers
from mlgate.render.text import visible

NOT_AN_APPROVAL = "automated; not a legal or management approval"

OUTCOMES: Mapping[Outcome, str] = {
    Outcome.FAIL: "failed",
    Outcome.INCONCLUSIVE: "inconclusive",
    Outcome.NOT_MEASURED: "not measured",
    Outcome.WAIVED: "waived",
    Outcome.PASS: "passed",
    Outcome.NOT_APPLICABLE: "not applicable",
}
"""Outcomes in the order in which a reader needs them, with their word."""

SYMBOLS: Mapping[Outcome, str] = {
    Outcome.FAIL: "\N{BALLOT X}",
    Outcome.INCONCLUSIVE: "?",
    Outcome.NOT_MEASURED: "!",
    Outcome.WAIVED: "~",
    Outcome.PASS: "\N{CHECK MARK}",
    Outcome.NOT_APPLICABLE: "\N{EN DASH}",
}

SEVERITIES: Mapping[Severity, str] = {
    Severity.BLOCK: "required",
    Severity.WARN: "warning only",
    Severity.INFO: "for information",
}

FAMILIES: Mapping[str, tuple[str, str]] = {
    "governance": ("Governance", "whether the release keeps to what the policy fixes for it"),
    "data": ("Data", "whether the tables are fit to judge by"),
    "leakage": ("Leakage", "whether the test could have been known beforehand"),
    "drift": ("Drift", "whether the data still look like those the model learned from"),
    "performance": ("Performance", "how often and how well the model is right"),
    "compare": ("Comparison", "whether the model is as good as the one in use"),
    "robustness": ("Robustness", "whether small or odd changes of the input upset it"),
    "fairness": ("Fairness", "whether groups of people are treated alike"),
    "explainability": ("Explainability", "what the model decides by"),
    "reproducibility": ("Reproducibility", "whether the same inputs give the same model"),
    "cost": ("Cost", "what the model takes in time, memory and money"),
    "security": ("Security", "whether the files are safe to load"),
    "documentation": ("Documentation", "whether what must be written down is written down"),
}
"""The families of checks in the order of an audit: name, and what each asks."""

_COMPARES = {"at_least": "at least", "at_most": "at most"}
_SHORT = {"at_least": ">=", "at_most": "<="}


def headline(report: Report) -> str:
    """Say the verdict on the policy without its qualification; never shown alone."""
    policy = f"policy {report.policy.id}" if report.policy else "the policy"
    match report.verdict:
        case Verdict.APPROVED:
            return f"Meets {policy}"
        case Verdict.BLOCKED:
            return f"Does not meet {policy}"
        case Verdict.UNDECIDED:
            return f"Undecided against {policy}" if report.policy else "Undecided"
        case None:
            return "Nothing was judged"


def qualification(report: Report) -> str:
    """Say what the headline rests on: how many required checks stand in its way, or what it is not."""
    stopping = blocking(report)
    match report.verdict:
        case Verdict.APPROVED:
            return NOT_AN_APPROVAL
        case None:
            return _plural(len(report.errors), "problem", "problems") + " in what was given"
        case _ if stopping:
            return _stopped(stopping)
        case _ if report.errors:
            return "the run broke off"
        case Verdict.BLOCKED:
            return "no finding says why, so do not rely on this report"
        case Verdict.UNDECIDED if report.promotable_reason:
            return report.promotable_reason
        case _:
            return "no required check was measured and passed"


def verdict_sentence(report: Report) -> str:
    """Say the whole verdict in one line.

    `Meets policy credit-release, version 1f2e3d4c5b6a (automated; not a legal or management approval)`,
    `Does not meet policy credit-release: 2 required checks failed, 1 is inconclusive`.
    """
    if report.verdict is not Verdict.APPROVED:
        return f"{headline(report)}: {qualification(report)}"
    version = f", version {digest(report.policy.digest)}" if report.policy else ""
    return f"{headline(report)}{version} ({qualification(report)})"


def promotion_sentence(report: Report) -> str:
    """Say whether the release may be promoted, and why not."""
    if report.promotable:
        return "As far as the checks go, it may be promoted."
    if report.verdict is Verdict.APPROVED:
        return f"It cannot be promoted: {report.promotable_reason or 'no reason was given'}."
    return f"It cannot be promoted: {qualification(report)}."


def blocking(report: Report) -> tuple[Finding, ...]:
    """Return the findings that stand in the way: required and not accepted, worst first."""
    order = list(OUTCOMES)
    found = [one for one in report.findings if one.severity is Severity.BLOCK and not one.accepted]
    return tuple(sorted(found, key=lambda one: order.index(one.outcome)))


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
    """Write a limit for a narrow column, in ASCII: `>= 0.78`, `[0.8, 1.25]`, `= x`, `holds`."""
    if limit is None:
        return "-"
    match limit.op, limit.value:
        case "between", (low, high):
            return f"[{numbers.exact(low)}, {numbers.exact(high)}]"
        case "holds", _:
            return "holds"
        case op, value:
            return f"{_SHORT.get(op, '=')} {_bare(value)}"


def quantity(finding: Finding) -> str:
    """Write the value with its unit: `0.823`, `0.041 s`, `1,204 rows`; a dash when there is none."""
    if finding.limit is not None and finding.limit.op == "holds" and finding.value is not None:
        return "yes" if finding.value else "no"
    shown = numbers.value_of(finding)
    return shown if finding.value is None or finding.unit == "1" else f"{shown} {finding.unit}"


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


def guarantee(finding: Finding) -> str | None:
    """Say how often a model just past the limit gets through; None where no interval decided."""
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
    return f"A model whose true value is {numbers.rough(past)} is let through {times}."


def consequence(finding: Finding) -> str:
    """Say what the outcome does to the release: stops it, or why not."""
    if finding.outcome is Outcome.NOT_APPLICABLE:
        return "left out"
    if finding.severity is not Severity.BLOCK:
        return f"{SEVERITIES[finding.severity]}: it does not stop the release"
    if not finding.accepted:
        return "required: it stops the release"
    if finding.outcome is Outcome.INCONCLUSIVE:
        if finding.on_inconclusive is OnInconclusive.LEAN:
            return "required, and let through: it leans inside, which the policy accepts"
        return "required, and let through: the policy only warns of what is inconclusive"
    return "required"


def pairs(mapping: Mapping[str, object] | None) -> str:
    """Write a slice, a group or parameters: `sex = female, age = 30 to < 50`."""
    return ", ".join(f"{key} = {plain(value)}" for key, value in (mapping or {}).items())


def listed(mapping: Mapping[str, str]) -> str:
    """Write the values of a group whose columns are named elsewhere: `female, 30 to < 50`."""
    return ", ".join(map(plain, mapping.values()))


def plain(value: object) -> str:
    """Write any value as one line of text that can be looked at safely; an empty one in quotes."""
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"{value:.12g}" if isinstance(value, float) else str(value)
        case str():
            return visible(value) or '""'
        case Mapping():
            return "{" + pairs({str(key): one for key, one in value.items()}) + "}"
        case _ if isinstance(value, Iterable):
            return "[" + ", ".join(plain(one) for one in value) + "]"
        case _:
            return visible(str(value))


def digest(value: str | None, digits: int = 12) -> str:
    """Shorten a digest for reading; the full one stands beside it where it matters."""
    return (value or "none").removeprefix("sha256:")[:digits]


def tally(report: Report) -> tuple[tuple[Outcome, int, str], ...]:
    """Count the findings of each outcome that there is, worst first, with the word."""
    counted = [(one, sum(f.outcome is one for f in report.findings), word) for one, word in OUTCOMES.items()]
    return tuple(each for each in counted if each[1])


def family(name: str) -> tuple[str, str]:
    """Return how a family is headed, and what it asks."""
    return FAMILIES.get(name, (name.capitalize(), "checks of your own"))


def unasked(report: Report) -> tuple[str, ...]:
    """Return the families that no check of the policy asked about, as a part of the scope."""
    asked = {one.family for one in report.findings}
    return tuple(f"{name} ({asks})" for key, (name, asks) in FAMILIES.items() if key not in asked)


def _measured(finding: Finding) -> str:
    parts = [_held(finding), _spread(finding)]
    if finding.warned and finding.warn is not None:
        parts.append(f"it is outside the warning band, {limit_text(finding.warn)}")
    if finding.outcome is Outcome.INCONCLUSIVE:
        parts += _undecided(finding)
    said = "; ".join(part for part in parts if part)
    return said[:1].upper() + said[1:]


def _held(finding: Finding) -> str:
    limit, shown = finding.limit, quantity(finding)
    named = f"{shown}{_of(finding.decides)}"
    if limit is None or finding.value is None:
        return named if finding.value is not None else (finding.reason or "there is no value")
    if limit.op == "holds":
        return "it holds" if finding.value else "it does not hold"
    edges = numbers.edges(limit)
    if limit.op == "between" and len(edges) == 2:  # noqa: PLR2004  the two ends
        where = "inside" if edges[0] <= finding.value <= edges[1] else "outside"
        return f"{named} is {where} the limits {_bare(edges[0])} and {_bare(edges[1])}"
    if not edges or limit.op == "equals":
        same = bool(edges) and finding.value == edges[0]
        return f"{named} {'equals' if same else 'differs from'} {_bare(limit.value)}"
    side = "above" if finding.value > edges[0] else "below"
    return f"{named} is {'at' if finding.value == edges[0] else side} the limit {_bare(edges[0])}"


def _of(decides: str | None) -> str:
    """Name the comparison that decided; one that has brackets of its own stands between commas."""
    if not decides:
        return ""
    return f", {decides}," if "(" in decides else f" ({decides})"


def _spread(finding: Finding) -> str:
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
        return f"the whole {name} is outside, which is too little where so many are judged together"
    if ends == {False}:
        return f"the whole {name} is outside"
    if finding.outcome is Outcome.PASS and finding.limit.decided_on == "guard":
        return f"the {name} reaches past it by less than the guard of {_bare(finding.limit.guard)}"
    if finding.limit.decided_on == "point":
        return f"the {name} reaches past it, and was not used"
    if finding.outcome is Outcome.INCONCLUSIVE and finding.n:
        return f"the {name} reaches past it, so {_plural(finding.n, 'row', 'rows')} cannot decide"
    return f"the {name} reaches past it"


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
        said.append(f"about {numbers.count(finding.needed_n)} would")
    return said


def _stopped(stopping: Sequence[Finding]) -> str:
    """Count what stands in the way: `2 required checks failed, 1 is inconclusive`."""
    said: list[str] = []
    for outcome, one, many in (
        (Outcome.FAIL, "failed", "failed"),
        (Outcome.INCONCLUSIVE, "is inconclusive", "are inconclusive"),
        (Outcome.NOT_MEASURED, "could not be measured", "could not be measured"),
    ):
        found = sum(each.outcome is outcome for each in stopping)
        if found:
            noun = "" if said else (" required check" if found == 1 else " required checks")
            said.append(f"{found:,}{noun} {one if found == 1 else many}")
    return ", ".join(said)


def _bare(value: object) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return numbers.exact(value)
    return f'"{value}"' if isinstance(value, str) else plain(value)


def _plural(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
