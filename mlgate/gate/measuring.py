"""One pass over the evidence, and an estimate for every question."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

from mlgate.cells import (
    MAX_GROUPS,
    UNKNOWN,
    Answer,
    Answers,
    Artifact,
    By,
    Cells,
    Contradictions,
    DataVersions,
    Digests,
    Document,
    Loaded,
    Lock,
    On,
    Pinned,
    Recorded,
    Registration,
    Retrained,
    Source,
    Stated,
    Statistic,
    Suite,
    TableStatistic,
)
from mlgate.errors import MlgateError, ModelFault
from mlgate.estimates import Estimate
from mlgate.evidence.bundle import Aside, Evidence
from mlgate.evidence.scan import scan
from mlgate.gate.questions import Question, column_name, placed
from mlgate.measures import Measure
from mlgate.policy import Policy, contradictions

Progress = Callable[[str], None]

ASIDE = (
    Document,
    Stated,
    Pinned,
    Recorded,
    Suite,
    Digests,
    Loaded,
    Artifact,
    Source,
    Lock,
    DataVersions,
    Registration,
    Retrained,
)
"""Statistics that are answered without looking at a table."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The estimate that answers one question on one slice."""

    question: Question
    piece: Mapping[str, str] | None
    """The slice, column to value; None for the whole table."""
    estimate: Estimate
    seconds: float
    small: bool = False
    """A slice that is listed and never judged alone."""
    judged_share: float | None = None
    """For slices: the share of the table's rows that lies in judged slices."""


def measure_all(
    asked: Sequence[Question], evidence: Evidence, policy: Policy, progress: Progress
) -> Iterator[list[Measured]]:
    """Yield, question by question, the estimates of all its slices."""
    answers = _answers(asked, evidence, policy, progress)
    known = {id(one): _own(one, answers) for one in asked}
    again = [(one, _further(one, known[id(one)])) for one in asked]
    more = _answers([one for _, one in again if isinstance(one, Question)], evidence, policy, progress)
    for number, (question, further) in enumerate(again, 1):
        progress(f"measuring {question.base_id} ({number} of {len(asked)})")
        own = known[id(question)]
        if isinstance(further, Question):
            own |= _own(further, more)
        if isinstance(further, Estimate):
            yield [Measured(question=question, piece=None, estimate=further, seconds=0.0)]
        else:
            yield _measure(question, own)


def asked_further(
    asked: Sequence[Question], evidence: Evidence, policy: Policy, progress: Progress
) -> list[Question]:
    """Return what measures ask again once their plan is answered, which runs the plans of those that do."""
    several = [one for one in asked if one.use.measure.asks_further]
    answers = _answers(several, evidence, policy, progress)
    again = [_further(one, _own(one, answers)) for one in several]
    return [one for one in again if isinstance(one, Question)]


def _own(question: Question, answers: Mapping[str, Mapping[Statistic, Answer]]) -> dict[Statistic, Answer]:
    """Return the answers to what one question asks."""
    return {one: answers[question.use.table][one] for one in question.statistics}


def _further(question: Question, own: Mapping[Statistic, Answer]) -> Question | Estimate | None:
    """Return what a measure asks again; None for nothing, an estimate where it fails to ask."""
    if question.slicing is not None or not question.statistics:
        return None
    try:
        wanted = question.use.measure.further(Answers(own), question.params)
    except MlgateError as error:
        raise placed(question.use, error) from error
    except (Exception, SystemExit) as error:  # noqa: BLE001  a measure may fail in any way, and none may pass
        return Estimate.missing(f"{question.use.measure.id} failed: {type(error).__name__}: {error}")
    return replace(question, statistics=wanted) if wanted else None


def _answers(
    asked: Sequence[Question], evidence: Evidence, policy: Policy, progress: Progress
) -> dict[str, dict[Statistic, Answer]]:
    """Scan each table once for everything that is asked of it."""
    answers: dict[str, dict[Statistic, Answer]] = {question.use.table: {} for question in asked}
    for name, statistics in scanned(asked).items():
        progress(f"reading table {name}")
        found = scan(evidence.tables[name], statistics, progress=progress, others=evidence.tables)
        answers.setdefault(name, {}).update(found)
    for question in asked:
        own = answers[question.use.table]
        for one in question.statistics:
            if isinstance(one, On):
                own[one] = answers[one.table][one.statistic]
            elif isinstance(one, ASIDE) and one not in own:
                own[one] = _told(one, evidence, policy)
    return answers


def scanned(asked: Sequence[Question]) -> dict[str, list[TableStatistic]]:
    """Return, for each table that is looked at, the distinct statistics that are asked of it."""
    wanted: dict[str, dict[TableStatistic, None]] = {}
    for question in asked:
        for one in question.statistics:
            if isinstance(one, On):
                wanted.setdefault(one.table, {})[one.statistic] = None
            elif not isinstance(one, ASIDE):
                wanted.setdefault(question.use.table, {})[one] = None
    return {table: list(statistics) for table, statistics in wanted.items()}


def _told(statistic: Aside | Pinned, evidence: Evidence, policy: Policy) -> Answer:
    """Answer what no table is needed for."""
    if not isinstance(statistic, Pinned):
        return evidence.told(statistic)
    table = evidence.tables.get("evaluation")
    found = contradictions(policy, evidence.release, table.record if table else None)
    return Contradictions(pins=len(policy.pinned_at), found=tuple((one.pin, str(one)) for one in found))


def _measure(question: Question, own: Mapping[Statistic, Answer]) -> list[Measured]:
    if question.refusal is not None or question.not_applicable is not None:
        reason = question.refusal or question.not_applicable or ""
        estimate = Estimate.missing(reason)
        return [Measured(question=question, piece=None, estimate=estimate, seconds=0.0)]
    if question.slicing is None:
        return [_timed(question, None, own)]
    return list(_slices(question, question.slicing, own))


def _timed(question: Question, piece: Mapping[str, str] | None, own: Mapping[Statistic, Answer]) -> Measured:
    started = time.perf_counter()
    estimate = _estimate(question, own)
    return Measured(question=question, piece=piece, estimate=estimate, seconds=time.perf_counter() - started)


def _estimate(question: Question, own: Mapping[Statistic, Answer]) -> Estimate:
    """Call the measure; whatever it raises becomes a reason, so that a crash is never an approval."""
    try:
        found: Any = question.use.measure.value(Answers(_unsliced(question, own)), question.params)
    except MlgateError as error:
        raise placed(question.use, error) from error
    except ModelFault as fault:
        return Estimate.missing(f"the model could not be asked: {fault}")
    except (Exception, SystemExit) as error:  # noqa: BLE001  a measure may fail in any way, and none may pass
        return Estimate.missing(f"{question.use.measure.id} failed: {type(error).__name__}: {error}")
    if not isinstance(found, Estimate):
        return Estimate.missing(f"{question.use.measure.id} returned {type(found).__name__}, no Estimate")
    value: Any = found.value  # whatever a plugin put there
    if not isinstance(value, Real | None):
        return Estimate.missing(f"{question.use.measure.id} gave a {type(value).__name__} as its value")
    if found.value is None and not found.reason:
        return replace(found, reason=f"{question.use.measure.id} gave no value and no reason")
    return explained(question.use.measure, found)


def explained(measure: Measure, found: Estimate) -> Estimate:
    """Say who left out the interval, for whoever reads that a value could not be judged for want of one."""
    lacks = measure.kind == "estimate" and found.interval is None and not found.comparisons
    if not lacks or found.value is None or found.reason:
        return found
    todo = "give the Estimate one, or judge it with `decision: point`"
    return replace(found, reason=f"{measure.id} returns no interval; {todo}")


def _unsliced(question: Question, own: Mapping[Statistic, Answer]) -> dict[Statistic, Answer]:
    """Give the answers under the statistics that the measure itself planned."""
    if question.slicing is None:
        return dict(own)
    asked = zip(question.planned, question.statistics, strict=True)
    return {planned: own[sliced] for planned, sliced in asked}


def _slices(
    question: Question, slicing: tuple[By, ...], own: Mapping[Statistic, Answer]
) -> Iterator[Measured]:
    cells = {one: answer for one, answer in own.items() if isinstance(answer, Cells)}
    first = next(iter(cells.values()))
    keys = first.labels(slicing)
    columns = [column_name(one) for one in slicing]
    if first.fault is not None or not keys or len(keys) > MAX_GROUPS:
        reason = first.fault or "the table has no rows"
        if len(keys) > MAX_GROUPS:
            reason = f"{len(keys)} slices, more than {MAX_GROUPS}: bin {' and '.join(columns)}"
        piece = dict.fromkeys(columns, "*")
        yield Measured(question=question, piece=piece, estimate=Estimate.missing(reason), seconds=0.0)
        return
    found = [
        _timed(question, dict(zip(columns, key, strict=True)), _part(cells, slicing, key)) for key in keys
    ]
    rows = [first.group(slicing, key).rows for key in keys]
    small = [
        _is_small(one, key, count, question.use.min_group)
        for one, key, count in zip(found, keys, rows, strict=True)
    ]
    judged = sum(count for count, little in zip(rows, small, strict=True) if not little)
    for one, little in zip(found, small, strict=True):
        yield replace(one, small=little, judged_share=judged / max(sum(rows), 1))


def _part(
    cells: Mapping[Statistic, Cells], slicing: tuple[By, ...], key: tuple[str, ...]
) -> dict[Statistic, Answer]:
    return {one: answer.group(slicing, key) for one, answer in cells.items()}


def _is_small(one: Measured, key: tuple[str, ...], rows: int, min_group: int) -> bool:
    """Whether a slice is listed only: few rows, few of the class that its value rests on, or unknown."""
    few_for_the_value = one.estimate.value is not None and one.estimate.n < min_group
    return rows < min_group or UNKNOWN in key or few_for_the_value
