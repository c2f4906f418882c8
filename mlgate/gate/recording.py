"""From an estimate and a decision to the finding that the report keeps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from mlgate.cells import UNKNOWN
from mlgate.estimates import Chart, Estimate, GroupEstimate, Interval
from mlgate.evidence.bundle import Evidence
from mlgate.findings import (
    ChartRecord,
    Finding,
    FixRecord,
    GroupRecord,
    LimitRecord,
    MeasureRecord,
    Origin,
    Outcome,
    Severity,
)
from mlgate.gate.measuring import Measured
from mlgate.gate.origins import WEAKEST, origin_of
from mlgate.gate.questions import column_name
from mlgate.limits import Decision, Limit, Rule, decide, decide_family, round12
from mlgate.measures.metrics import plain
from mlgate.policy import Use


def record(measured: Sequence[Measured], evidence: Evidence) -> list[Finding]:
    """Decide the slices of one question together, and record a finding for each."""
    use = measured[0].question.use
    judged = [one for one in measured if not one.small]
    limits = [_limit_of(one) for one in judged]
    decisions = decide_family([one.estimate for one in judged], use.measure.kind, limits, use.rule)
    decided = dict(zip(map(id, judged), decisions, strict=True))
    origin = origin_of(measured[0].question, evidence)
    return [_finding(one, decided.get(id(one)), origin) for one in measured]


def _limit_of(measured: Measured) -> Limit:
    """Return the limit that one slice is held to."""
    use = measured.question.use
    exemption = use.exemption(measured.piece)
    return use.limit if exemption is None else exemption.limit


def _finding(measured: Measured, decision: Decision | None, origin: Origin) -> Finding:
    question, estimate, use = measured.question, measured.estimate, measured.question.use
    if decision is None:
        decision = _listed(estimate, measured, use)
    outcome, reason = decision.outcome, decision.reason
    if question.not_applicable is not None:
        outcome, reason = Outcome.NOT_APPLICABLE, question.not_applicable
    elif not estimate.applies:
        outcome, reason = Outcome.NOT_APPLICABLE, estimate.reason
    elif use.origin is not None and WEAKEST[origin] > WEAKEST[use.origin]:
        outcome = Outcome.NOT_MEASURED
        reason = f"the evidence is {origin.value}, and the policy asks for {use.origin.value}"
    return Finding(
        id=question.finding_id(measured.piece),
        check=use.check.id,
        check_digest=use.check.digest,
        measure=MeasureRecord(id=use.measure.id, package=use.measure.package, version=use.measure.version),
        family=use.check.family,
        kind=use.measure.kind,
        title=use.check.title,
        severity=_severity(measured, use),
        outcome=outcome,
        leans=decision.leans if outcome is Outcome.INCONCLUSIVE else None,
        on_inconclusive=use.on_inconclusive,
        value=_rounded(estimate.value),
        value_all=_rounded(estimate.value_all),
        unit=use.measure.unit,
        better=use.measure.better,
        interval=_bounds(decision.interval),
        confidence=use.rule.confidence if use.measure.kind == "estimate" else None,
        method=decision.method,
        n=estimate.n,
        judged_share=_rounded(estimate.judged_share),
        limit=_limit(_limit_of(measured), use.rule, decision.decided_on),
        warn=_limit(use.warn, use.rule, decision.decided_on) if use.warn else None,
        warned=_warned(estimate, use),
        table=use.table,
        against=use.against,
        retrain=(outcome is Outcome.FAIL) if use.retrain else None,
        slice=measured.piece,
        by=tuple(column_name(one) for one in question.by or ()),
        decides=decision.decides,
        groups=_groups(estimate, decision, use),
        params=plain(use.params),
        origin=origin,
        reason=reason,
        needed_n=decision.needed_n if outcome is Outcome.INCONCLUSIVE else None,
        because=_because(measured),
        why=use.check.why,
        fix=FixRecord(effort=use.check.fix.effort, text=use.check.fix.text),
        maps_to=use.check.maps_to,
        charts=tuple(_chart(one) for one in estimate.charts),
        seconds=_rounded(measured.seconds),
    )


def _listed(estimate: Estimate, measured: Measured, use: Use) -> Decision:
    unknown = UNKNOWN in (measured.piece or {}).values()
    few = f"its value rests on {estimate.n} rows, fewer than min_group {use.min_group}"
    reason = f"listed, not judged alone: {'its value is missing' if unknown else few}"
    shown = decide(estimate, use.measure.kind, _limit_of(measured), use.rule)
    return replace(shown, outcome=Outcome.NOT_MEASURED, leans=None, needed_n=None, reason=reason)


def _severity(measured: Measured, use: Use) -> Severity:
    """Keep a small slice from stopping a release, as long as nearly all rows lie in judged slices."""
    covered = measured.judged_share is not None and measured.judged_share >= use.rule.min_judged
    if measured.small and covered and use.severity is Severity.BLOCK:
        return Severity.INFO
    return use.severity


def _because(measured: Measured) -> str | None:
    """Return why the limit is where it is; an exception says of itself that it is one."""
    use = measured.question.use
    exemption = use.exemption(measured.piece)
    if exemption is None:
        return use.because
    where = ", ".join(f"{column} = {value}" for column, value in sorted(exemption.where.items()))
    return f"Exception for {where} (elsewhere {use.limit}): {exemption.because}"


def _warned(estimate: Estimate, use: Use) -> bool:
    return use.warn is not None and estimate.value is not None and not use.warn.inside(estimate.value)


def _limit(limit: Limit, rule: Rule, decided_on: str) -> LimitRecord:
    return LimitRecord(op=limit.op.value, value=limit.value, guard=round12(rule.guard), decided_on=decided_on)


def _groups(estimate: Estimate, decision: Decision, use: Use) -> tuple[GroupRecord, ...]:
    """Record the group table; a group that is itself held against the limit carries its own outcome."""
    outcomes = {
        (tuple(sorted(comparison.groups[0].items())), comparison.rate): outcome
        for comparison, outcome in zip(estimate.comparisons, decision.groups, strict=False)
        if len(comparison.groups) == 1
    }
    return tuple(
        _group(one, use, outcomes.get((tuple(sorted(one.group.items())), one.rate)))
        for one in estimate.groups
    )


def _shown(interval: Interval, confidence: float) -> tuple[float, float] | None:
    """Return the bounds of a line that decides nothing; None where its rows are too few for any."""
    try:
        return interval.at(confidence)
    except (ArithmeticError, ValueError):
        return None


def _group(group: GroupEstimate, use: Use, outcome: Outcome | None) -> GroupRecord:
    shown = None if group.interval is None else _shown(group.interval, 2 * use.rule.confidence - 1)
    return GroupRecord(
        group=dict(group.group),
        n=group.n,
        value=_rounded(group.value),
        rate=group.rate,
        numerator=_rounded(group.numerator),
        denominator=_rounded(group.denominator),
        interval=_bounds(shown),
        method=group.interval.method if group.interval else None,
        judged=group.judged,
        outcome=outcome,
        reason=group.reason,
    )


def _chart(chart: Chart) -> ChartRecord:
    data = {
        name: tuple(_rounded(point) if isinstance(point, float) else point for point in points)
        for name, points in chart.data.items()
    }
    return ChartRecord(kind=chart.kind, title=chart.title, data=data)


def _rounded(value: float | None) -> float | None:
    """Round for the record; what is not finite does not exist, and has its reason elsewhere."""
    return None if value is None or not math.isfinite(value) else round12(value)


def _bounds(bounds: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if bounds is None else (round12(bounds[0]), round12(bounds[1]))
