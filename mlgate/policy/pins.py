"""What the release may not choose for itself: pins against the release, and what is left to its author.

A release is its author's statement, so a policy that pins nothing judges what the author picked. A pin that
the release contradicts blocks; what no pin covers is listed in the report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from mlgate.evidence.coding import token
from mlgate.limits import round12
from mlgate.policy.model import AtLeastRisk, EvaluationPins
from mlgate.policy.uses import Policy
from mlgate.policy.values import Risk
from mlgate.strict_yaml import Model, show

if TYPE_CHECKING:
    from mlgate.evidence.release import Release
    from mlgate.evidence.roles import ColumnsSpec
    from mlgate.findings import EvidenceRecord

NONE = "none"
"""The pin that forbids: the release must not give this role to any column."""

RISKS: tuple[str, ...] = get_args(Risk)
"""From low to high."""

_ALWAYS = ("label", "positive", "favourable", "protected", "weight", "key")
"""Roles that are listed as chosen by the author even where the author left them out."""

_WHEN_STATED = ("score", "prediction", "prediction_positive", "features", "categorical", "time", "cluster")


@dataclass(frozen=True, kw_only=True, slots=True)
class Contradiction:
    """A pin that the release does not keep to."""

    pin: str
    """`columns.label`, `evaluation.min_rows`, ..."""
    wanted: str
    found: str
    where: str
    """The line of the policy that pins it."""

    def __str__(self) -> str:
        """Say it in one sentence."""
        return f"{self.pin}: the policy fixes {self.wanted}, the release has {self.found}"


def contradictions(
    policy: Policy, release: Release, evaluation: EvidenceRecord | None
) -> tuple[Contradiction, ...]:
    """Return every pin of the policy that the release contradicts, none when it keeps to all.

    Args:
        policy: The resolved policy.
        release: What the author states.
        evaluation: The record of the evaluation table as it was opened; None when it was not, which
            contradicts any pin on its bytes or rows.
    """
    found = [*_of_release(policy, release), *_of_columns(policy, release)]
    if policy.pins.evaluation is not None:
        found += _of_evaluation(policy.pins.evaluation, release, evaluation)
    return tuple(
        Contradiction(pin=pin, wanted=wanted, found=has, where=policy.pinned_at.get(pin, policy.where))
        for pin, wanted, has in found
    )


def _of_release(policy: Policy, release: Release) -> Iterator[tuple[str, str, str]]:
    pins = policy.pins
    if pins.task is not None and release.task != pins.task:
        yield "task", pins.task, release.task
    if pins.risk is not None and not _risk_kept(pins.risk, release.risk):
        floor = pins.risk
        wanted = f"at least {floor.at_least}" if isinstance(floor, AtLeastRisk) else floor
        yield "risk", wanted, release.risk or "none stated"
    if pins.threshold is not None:
        yield from _of_threshold(pins.threshold, policy, release)
    if pins.champion is not None and release.champion not in (None, NONE):
        yield "champion", NONE, _text(release.champion)


def _risk_kept(pin: str | AtLeastRisk, stated: str | None) -> bool:
    if stated is None:
        return False
    if isinstance(pin, AtLeastRisk):
        return RISKS.index(stated) >= RISKS.index(pin.at_least)
    return stated == pin


def _of_threshold(pin: float, policy: Policy, release: Release) -> Iterator[tuple[str, str, str]]:
    """Decisions in a column of their own would leave a pinned threshold without effect."""
    if round12(release.threshold) != round12(pin):
        yield "threshold", f"{pin:g}", f"{release.threshold:g}"
    column = release.columns_of("evaluation").prediction
    if column is not None and policy.pins.columns.prediction is None:
        yield "threshold", f"{pin:g}", f"decisions of its own in column {show(column)}, which is not pinned"


def _of_columns(policy: Policy, release: Release) -> Iterator[tuple[str, str, str]]:
    pins = policy.pins.columns
    tables = ["evaluation", *sorted(set(release.data) - {"evaluation"})]
    for role in sorted(pins.model_fields_set):
        wanted = getattr(pins, role)
        for table in tables:
            columns = release.columns_of(table)
            lacks = table != "evaluation" and getattr(columns, role) is None
            if not lacks and not _role_kept(role, wanted, columns):
                suffix = "" if table == "evaluation" else f" in table {show(table)}"
                yield f"columns.{role}", _wanted(role, wanted), _stated(role, columns) + suffix
                break


def _role_kept(role: str, wanted: Any, columns: ColumnsSpec) -> bool:
    found = getattr(columns, role)
    if wanted == NONE and role not in ("positive", "favourable", "prediction_positive"):
        return not found
    match role:
        case "positive" | "favourable" | "prediction_positive":
            return _tokens(wanted) == _tokens(_meaning(role, columns))
        case "protected":
            return set(wanted) <= set(found or ())
        case "features" | "categorical":
            return found is not None and set(wanted) == set(found)
        case _:
            return bool(found == wanted)


def _meaning(role: str, columns: ColumnsSpec) -> Any:
    """Return a label value with its default: positive is 1, and the others are what is positive."""
    stated = getattr(columns, role)
    if stated is not None:
        return stated
    return 1 if role == "positive" else _meaning("positive", columns)


def _tokens(values: Any) -> set[str]:
    return {token(one) for one in (values if isinstance(values, tuple) else (values,))}


def _of_evaluation(
    pins: EvaluationPins, release: Release, record: EvidenceRecord | None
) -> Iterator[tuple[str, str, str]]:
    if pins.sha256 is not None and (record is None or record.sha256 not in pins.sha256):
        has = "a table that was not opened" if record is None else record.sha256 or "a table without a sha256"
        yield "evaluation.sha256", " or ".join(pins.sha256), has
    if pins.min_rows is not None and (record is None or record.rows is None or record.rows < pins.min_rows):
        rows = "a table that was not opened" if record is None else f"{record.rows} rows"
        yield "evaluation.min_rows", f"at least {pins.min_rows} rows", rows
    if pins.where is not None:
        where = release.data["evaluation"].where
        if (where or NONE) != (pins.where or NONE):
            yield "evaluation.where", _text(pins.where), _text(where)


def chosen_by_author(policy: Policy, release: Release) -> tuple[str, ...]:
    """Return what the release's author chose and the policy does not fix, `columns.label = defaulted`."""
    return tuple(f"{name} = {value}" for name, value in _choices(policy, release))


def _choices(policy: Policy, release: Release) -> Iterator[tuple[str, str]]:
    pins, columns = policy.pins, release.columns_of("evaluation")
    for name in ("task", "risk"):
        if getattr(pins, name) is None:
            yield name, _text(getattr(release, name))
    for role in (*_ALWAYS, *_WHEN_STATED):
        stated = getattr(columns, role) is not None
        if getattr(pins.columns, role) is None and (stated or role in _ALWAYS):
            yield f"columns.{role}", _stated(role, columns)
    if pins.threshold is None:
        yield "threshold", f"{release.threshold:g}"
    yield from _tables(policy, release)
    if pins.champion is None:
        yield "champion", _text(release.champion)


def _tables(policy: Policy, release: Release) -> Iterator[tuple[str, str]]:
    """Yield where the tables that the policy judges are, and which of their rows count."""
    pins = policy.pins.evaluation or EvaluationPins()
    judged = {use.table for use in policy.uses} | {"evaluation"}
    for name in sorted(judged & set(release.data)):
        source, fixed = release.data[name], name == "evaluation"
        if not (fixed and pins.sha256 is not None):
            kind = "path" if source.table is None else "table"
            yield f"data.{name}.{kind}", _text(getattr(source, kind))
        if not (fixed and pins.where is not None):
            yield f"data.{name}.where", _text(source.where)


def _wanted(role: str, wanted: Any) -> str:
    return f"at least {_text(wanted)}" if role == "protected" and wanted != NONE else _text(wanted)


def _stated(role: str, columns: ColumnsSpec) -> str:
    stated = getattr(columns, role)
    if stated is None and role in ("positive", "favourable", "prediction_positive"):
        return f"{_text(_meaning(role, columns))} (by default)"
    return _text(stated)


def _text(value: Any) -> str:
    """Return a value of the release as one short line."""
    match value:
        case None | () | "none":
            return NONE
        case str():
            return show(value)[1:-1]
        case tuple():
            return ", ".join(_text(one) for one in value)
        case Model() | Mapping():
            return show(_plain(value))
        case _:
            return show(value)


def _plain(value: Any) -> Any:
    match value:
        case Model():
            return value.model_dump(mode="json", by_alias=True, exclude_unset=True)
        case Mapping():
            return {name: _plain(one) for name, one in value.items()}
        case tuple():
            return [_plain(one) for one in value]
        case _:
            return value
