"""The one room for wording: what a verdict, a limit and a finding say in plain English.

`approved` is a machine token and stands alone in no rendering. Whoever shows a verdict takes the
sentence from here: HTML, terminal, comments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from mlgate.findings import (
    GOVERNANCE,
    EvidenceRecord,
    Finding,
    Origin,
    Outcome,
    Report,
    Severity,
    Verdict,
)
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

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
"""Not of the locale: the page is in English everywhere."""

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


def qualification(report: Report) -> str:  # noqa: PLR0911  one for each verdict and reason
    """Say what the headline rests on: how many required checks stand in its way, or what it is not."""
    stopping = blocking(report)
    match report.verdict:
        case Verdict.APPROVED:
            return NOT_AN_APPROVAL
        case None:
            return plural(len(report.errors), "problem", "problems") + " in what was given"
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


def judged(report: Report) -> tuple[EvidenceRecord, ...]:
    """Return the tables that findings are about; all of them where no finding says."""
    tables = tuple(one for one in report.evidence if one.kind == "table")
    about = {one.table for one in report.findings}
    return tuple(one for one in tables if one.name in about) or tables


def beside(report: Report) -> tuple[EvidenceRecord, ...]:
    """Return the tables that were only compared with."""
    about = judged(report)
    return tuple(one for one in report.evidence if one.kind == "table" and one not in about)


REACHABLE = "labels reachable"
"""The note of predictions whose maker could have read the labels."""

_NOT_RUN = "not run: "

_WALLS = {
    "full": "no other file, no network and no other process was in its reach",
    "filesystem": "no other file was in its reach, but not all else was",
    "process": "it had limits and a clean environment, but could reach what this user can, tables and labels "
    "among it",
}


def walls(isolation: str) -> str:
    """Say in words what a level of isolation keeps a process from; `isolation` as the report has it."""
    return _WALLS.get(isolation.partition(" ")[0], "what it could reach is not known")


def unrun(evidence: EvidenceRecord) -> str | None:
    """Return why a model was not run; None for one that was, and for other evidence."""
    note = evidence.note or ""
    return note.removeprefix(_NOT_RUN) if evidence.kind == "model" and note.startswith(_NOT_RUN) else None


def handed_in(report: Report) -> bool:
    """Whether predictions were judged, or compared with, that the gate did not ask of the model itself."""
    declared = [one for one in report.findings if one.origin is Origin.DECLARED]
    return any(one.family == "compare" for one in declared) if answered(report) else bool(declared)


def answered(report: Report) -> bool:
    """Whether the gate asked the model itself: about a whole table, or some rows in a process of its own."""
    started = report.environment is not None and report.environment.isolation is not None
    return started or any(
        one.kind == "predictions" and one.origin is Origin.COMPUTED for one in report.evidence
    )


def retraining(report: Report) -> tuple[str, ...]:
    """Return the ids of the findings that say that the model wants training again."""
    return tuple(one.id for one in report.findings if one.retrain)


def blocking(report: Report) -> tuple[Finding, ...]:
    """Return the findings that stand in the way: required and not accepted, worst first."""
    order = list(OUTCOMES)
    found = [one for one in report.findings if one.severity is Severity.BLOCK and not one.accepted]
    return tuple(sorted(found, key=lambda one: order.index(one.outcome)))


def pairs(mapping: Mapping[str, object] | None) -> str:
    """Write a slice, a group or parameters: `sex = female, age = 30 to < 50`."""
    return ", ".join(f"{key} = {plain(value)}" for key, value in (mapping or {}).items())


def listed(mapping: Mapping[str, str]) -> str:
    """Write the values of a group whose columns are named elsewhere: `female, 30 to < 50`."""
    return ", ".join(map(plain, mapping.values()))


def plain(value: object) -> str:  # noqa: PLR0911  one for each kind of value
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


def moment(stamp: str) -> str:
    """Write a time stamp for reading, `21 November 2026, 14:32 UTC`; what is no time stamp stays as it is."""
    try:
        when = datetime.fromisoformat(stamp)
    except ValueError:
        return stamp
    zone = " UTC" if when.utcoffset() == timedelta(0) else f" {when:%z}" if when.tzinfo else ""
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}, {when:%H:%M}{zone}"


def tally(report: Report) -> tuple[tuple[Outcome, int, str], ...]:
    """Count the findings of each outcome that there is, worst first, with the word.

    What failed and was not required is called a warning, so that it does not contradict an approval.
    """
    counted = []
    for outcome, word in OUTCOMES.items():
        found = [one for one in report.findings if one.outcome is outcome]
        mild = outcome is Outcome.FAIL and all(one.severity is not Severity.BLOCK for one in found)
        called = f"{word} ({'warning' if len(found) == 1 else 'warnings'})" if mild else word
        if found:
            counted.append((outcome, len(found), called))
    return tuple(counted)


def family(name: str) -> tuple[str, str]:
    """Return how a family is headed, and what it asks."""
    return FAMILIES.get(name, (name.capitalize(), "checks of your own"))


def unasked(report: Report) -> tuple[str, ...]:
    """Return the families that no check of the policy asked about, as a part of the scope.

    Governance is not among them: the gate itself asks there, and only what it finds is a finding.
    """
    asked = {GOVERNANCE, *(one.family for one in report.findings)}
    return tuple(f"{name} ({asks})" for key, (name, asks) in FAMILIES.items() if key not in asked)


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


def plural(number: int, one: str, many: str) -> str:
    """Count things: `1 row`, `1,204 rows`."""
    return f"{number:,} {one if number == 1 else many}"
