"""The heart: judge a release against a policy.

plan -> one fused pass per table -> measure -> limit -> finding -> verdict. Every question that was
planned must come back as a finding; one that does not is `not_measured`, whatever the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from mlgate.errors import PolicyError
from mlgate.estimates import Estimate, PrivateExample
from mlgate.evidence.bundle import Evidence, Wanted
from mlgate.evidence.provenance import repository
from mlgate.evidence.release import Release
from mlgate.evidence.scan import Query, plan
from mlgate.findings import (
    Finding,
    Outcome,
    Report,
    Severity,
    Verdict,
    totals_of,
    verdict_of,
)
from mlgate.gate import applying, identity, origins, stated
from mlgate.gate.measuring import Measured, asked_further, measure_all, scanned
from mlgate.gate.questions import Question, judges_predictions, questions
from mlgate.gate.recording import record
from mlgate.policy import CHAMPION, Policy, Use, applies


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a run differs from the plain one."""

    only: str | None = None
    """A glob over use ids; a partial run is never promotable."""
    advisory: bool = False
    """Let a run that cannot be promoted say `approved`, with `promotable: false`."""
    as_of: datetime | None = None
    progress: Callable[[str], None] = lambda _: None
    keep: Callable[[str, PrivateExample], None] = lambda *_: None
    """Told of each example with rows of the data, with the id of its finding: no report has them."""


def selected(policy: Policy, only: str | None) -> tuple[Use, ...]:
    """Return the uses that a run judges; PolicyError when a glob matches none."""
    if only is None:
        return policy.uses
    chosen = tuple(use for use in policy.uses if fnmatchcase(use.id, only))
    if not chosen:
        there = ", ".join(use.id for use in policy.uses)
        raise PolicyError("--only", f"no check of policy {policy.id} matches {only!r}", f"it has {there}")
    return chosen


def tables_needed(policy: Policy, release: Release, only: str | None) -> tuple[str, ...]:
    """Return the names of the tables that the run looks at; PolicyError for one that is not there."""
    named: dict[str, None] = {}
    for use in selected(policy, only):
        if applies(use, policy, release) is not None:
            continue
        if use.table not in release.data:
            raise PolicyError(
                use.where,
                f"table {use.table!r} is not in the release",
                f"it has {', '.join(sorted(release.data))}",
            )
        named[use.table] = None
        if use.against is not None:
            if use.against not in release.data and "against" in use.stated:
                raise PolicyError(
                    use.stated["against"],
                    f"table {use.against!r} is not in the release",
                    f"it has {', '.join(sorted(release.data))}",
                )
            named |= dict.fromkeys({use.against} & set(release.data))
        named |= dict.fromkeys(name for name in use.check.tables if name in release.data)
    if policy.pins.evaluation is not None:
        named["evaluation"] = None
    return tuple(named)


def tables_compared(policy: Policy, release: Release, only: str | None) -> tuple[str, ...]:
    """Return the names of the tables on which the run compares with the champion."""
    asked = [use for use in selected(policy, only) if applies(use, policy, release) is None]
    return tuple(dict.fromkeys(use.table for use in asked if CHAMPION in use.check.needs))


def wanted(policy: Policy, release: Release, only: str | None) -> Wanted:
    """Return what a run looks at; PolicyError for a table that is not there."""
    asked = [use for use in selected(policy, only) if applies(use, policy, release) is None]
    predicted = [use for use in asked if judges_predictions(use)]
    tables = {name for use in predicted for name in (use.table, use.against or "", *use.check.tables)}
    return Wanted(
        tables=tables_needed(policy, release, only),
        compared=tables_compared(policy, release, only),
        predicted=tables & set(release.data),
        models=any(_asks_model(use) for use in asked),
    )


def _asks_model(use: Use) -> bool:
    """Whether a check looks at a model or its bytes."""
    return bool({"model", "artifact"} & set(use.check.needs)) or use.measure.id in origins.LINEAGE


def explain(
    evidence: Evidence, policy: Policy, only: str | None = None
) -> list[tuple[Query, tuple[str, ...]]]:
    """Return the queries that a run sends, each with the ids of the checks that share it.

    Runs the plans of the measures that ask again once theirs is answered: what they ask depends on it.
    """
    first = asked_of(evidence, policy, only)
    shown = []
    for asked in (first, asked_further(first, evidence, policy, lambda _: None)):
        for name, statistics in scanned(asked).items():
            for query in plan(evidence.tables[name], statistics, others=evidence.tables):
                served = set(query.serves)
                sharing = [q.base_id for q in asked if served.intersection(scanned([q]).get(name, ()))]
                shown.append((query, tuple(dict.fromkeys(sharing))))
    return shown


def judge(evidence: Evidence, policy: Policy, options: Options = Options()) -> Report:
    """Judge the evidence against the policy.

    Raises MlgateError when something named does not exist or cannot be asked: then nothing was judged.
    Anything else that goes wrong is a finding.
    """
    started = datetime.now(UTC)
    asked = asked_of(evidence, policy, options.only, options.as_of or started)
    found: list[Finding] = []
    answered: set[int] = set()
    for measured in measure_all(asked, evidence, policy, options.progress):
        recorded = record(measured, evidence)
        found.extend(recorded)
        for one, finding in zip(measured, recorded, strict=True):
            for example in one.estimate.private:
                options.keep(finding.id, example)
        answered.update(id(one.question) for one in measured)
    found.extend(_unanswered([one for one in asked if id(one) not in answered], evidence))
    findings = tuple(found)
    verdict, reason = _verdict(findings, policy, options)
    return Report(
        tool=identity.tool(),
        as_of=identity.moment(options.as_of or started),
        started_at=identity.moment(started),
        finished_at=identity.moment(datetime.now(UTC)),
        verdict=verdict,
        promotable=reason is None and verdict is Verdict.APPROVED,
        promotable_reason=reason,
        release=stated.release_record(evidence, policy),
        policy=stated.policy_record(policy),
        evidence=evidence.records,
        source=repository.source(evidence.folder, evidence.release_name),
        environment=replace(identity.environment(), isolation=evidence.isolation),
        findings=findings,
        totals=totals_of(findings),
        retrain=any(one.retrain for one in findings),
    )


def asked_of(
    evidence: Evidence, policy: Policy, only: str | None, as_of: datetime | None = None
) -> list[Question]:
    """Return every question that a run asks, those that do not apply included. `as_of`: None for now."""
    reasons = [(use, applies(use, policy, evidence.release)) for use in selected(policy, only)]
    asked = [
        (use, reason, applying.evaded(use, reasons, policy, evidence.release) if reason else None)
        for use, reason in reasons
    ]
    return questions(policy, evidence, asked, as_of or datetime.now(UTC))


def _unanswered(lost: Sequence[Question], evidence: Evidence) -> list[Finding]:
    """Record what was planned and came back without a finding: not measured, whatever the reason."""
    missing = Estimate.missing("the gate planned this check and got no finding back; report this fault")
    return [
        finding
        for one in lost
        for finding in record([Measured(question=one, piece=None, estimate=missing, seconds=0.0)], evidence)
    ]


def _verdict(findings: Sequence[Finding], policy: Policy, options: Options) -> tuple[Verdict, str | None]:
    """Return the verdict and, where the run could never be promoted, why."""
    verdict = verdict_of(findings)
    reason = None
    if options.only is not None:
        reason = f"only {options.only!r} was judged"
    elif not policy.can_block:
        reason = "nothing in the policy can block"
        stands_in_the_way = any(not one.accepted for one in findings if one.severity is Severity.BLOCK)
        passed = any(one.outcome is Outcome.PASS for one in findings)
        if options.advisory and passed and not stands_in_the_way:
            verdict = Verdict.APPROVED
    if reason is not None and verdict is Verdict.APPROVED and not options.advisory:
        verdict = Verdict.UNDECIDED
    return verdict, reason
