"""The summary in plain language, for those who decide and are not engineers."""

from __future__ import annotations

from collections.abc import Sequence

from mlgate.findings import EvidenceRecord, Finding, Outcome, Report, Severity, Verdict
from mlgate.render import numbers, sentences, words

TASKS = {
    "binary": "a model that says yes or no",
    "multiclass": "a model that picks one of several classes",
    "regression": "a model that estimates a number",
    "scores": "a system whose answers are graded one by one",
}

NAMED = 5
"""Findings that the summary spells out; the rest are counted."""


def opening(report: Report) -> tuple[str, ...]:
    """Say what was judged, on how much, and how the checks came out."""
    if report.verdict is None:
        return ("Something that the run needs is missing or cannot be read. No check was made.",)
    said = f"{_subject(report)} {_result(report)}".strip()
    return (said,)


def stoppers(report: Report) -> tuple[str, ...]:
    """Name what stands in the way, in the words of the check's title, with its numbers."""
    stopping = words.blocking(report)
    said = tuple(f"{_in_words(one)}." for one in stopping[:NAMED])
    more = len(stopping) - NAMED
    if more <= 0:
        return said
    others = words.plural(more, "more required check stands", "more required checks stand")
    return (*said, f"{others} in the way.")


def closing(report: Report) -> tuple[str, ...]:
    """Say what was left open, what the numbers rest on, and whether the release may be promoted."""
    if report.verdict is None:
        return ()
    said = (
        _let_through(report),
        _open(report),
        _origin(report),
        _again(report),
        words.promotion_sentence(report),
    )
    return (" ".join(one for one in said if one),)


def paragraphs(report: Report) -> tuple[str, ...]:
    """Return the whole summary."""
    return (*opening(report), *stoppers(report), *closing(report))


def _subject(report: Report) -> str:
    release = report.release
    if release is None:
        return "The run broke off before the release was judged."
    what = f"This report is about version {release.version} of {release.name}"
    task = f", {TASKS[release.task]}" if release.task in TASKS else ""
    use = f" It is meant to: {release.intended_use.strip().rstrip('.')}." if release.intended_use else ""
    looked, apart = _tables(words.judged(report)), _tables(words.beside(report))
    compared = f", compared with {apart}" if apart else ""
    return f"{what}{task}.{use}" + (f" It was judged on {looked}{compared}." if looked else "")


def _tables(tables: Sequence[EvidenceRecord]) -> str:
    return " and ".join(
        f"{numbers.count(one.rows)} rows ({one.name})" for one in tables if one.rows is not None
    )


def _result(report: Report) -> str:
    required = [one for one in report.findings if one.severity is Severity.BLOCK]
    passed = sum(one.outcome is Outcome.PASS for one in required)
    policy = f"Policy {report.policy.id}" if report.policy else "The policy"
    if not report.findings:
        return "" if report.release is None else f"{policy} made no check."
    asked = f"{policy} made {len(report.findings):,} checks, {len(required):,} of them required"
    apart = sum(one.outcome is Outcome.NOT_APPLICABLE for one in required)
    beside = f" and {apart:,} {'does' if apart == 1 else 'do'} not apply" if apart else ""
    return f"{asked}: one that fails stops the release. Of the required ones, {passed:,} passed{beside}."


def _in_words(finding: Finding) -> str:
    about = f"\N{LEFT DOUBLE QUOTATION MARK}{finding.title}\N{RIGHT DOUBLE QUOTATION MARK}"
    where = f" where {words.pairs(finding.slice)}" if finding.slice else ""
    said = sentences.sentence(finding).rstrip(".")
    said = said[:1].lower() + said[1:]
    match finding.outcome:
        case Outcome.FAIL:
            return f"{about}{where} does not hold: {said}"
        case Outcome.INCONCLUSIVE:
            return f"{about}{where} is not shown: {said}"
        case _:
            return f"{about}{where}: {said}"


def _let_through(report: Report) -> str:
    """Name what is open and does not stop: an approval that leans on it has to say so."""
    leaning = [
        one
        for one in report.findings
        if one.severity is Severity.BLOCK and one.outcome is Outcome.INCONCLUSIVE and one.accepted
    ]
    if not leaning or report.verdict is not Verdict.APPROVED:
        return ""
    checks = words.plural(len(leaning), "required check was", "required checks were")
    return f"{checks} too close to its limit to call on these rows, and the policy lets that through."


def _open(report: Report) -> str:
    """Count what was not judged, required or not."""
    unmeasured = sum(one.outcome is Outcome.NOT_MEASURED for one in report.findings)
    apart = sum(one.outcome is Outcome.NOT_APPLICABLE for one in report.findings)
    said = []
    if unmeasured:
        said.append(f"{words.plural(unmeasured, 'check', 'checks')} could not be measured")
    if apart:
        said.append(f"{words.plural(apart, 'check does', 'checks do')} not apply")
    return f"{' and '.join(said)}; the reasons are below." if said else ""


def _again(report: Report) -> str:
    """Say that the policy takes a failure for a reason to train again, which is not part of the verdict."""
    found = words.retraining(report)
    if not found:
        return ""
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return f"The model wants training again, by {', '.join(found[:NAMED])}{more}."


def _origin(report: Report) -> str:
    """Say whose word the predictions are: the model's own, or that of whoever handed them in."""
    if words.answered(report):
        return "The predictions are the model's own: mlgate ran it on the features alone."
    if not words.handed_in(report):
        return ""
    reason = next((said for one in report.evidence if (said := words.unrun(one))), None)
    why = f" ({reason})" if reason else ""
    return (
        f"The predictions were handed in with the release: mlgate did not run the model{why}, "
        "so it cannot say that they are this model's."
    )
