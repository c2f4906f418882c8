"""What the release may not choose for itself: pins against the release, and what is left to its author.

A release is its author's statement, so a policy that pins nothing judges what the author picked. A pin that
the release contradicts blocks; what no pin covers is listed in the report.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from mlgate.evidence.coding import token
from mlgate.evidence.tables.texttypes import NULLS
from mlgate.limits import round12
from mlgate.policy.model import AtLeastRisk, EvaluationPins, PredictionsPin, ReadingPins
from mlgate.policy.uses import Policy
from mlgate.policy.values import Risk
from mlgate.strict_yaml import Model, show

if TYPE_CHECKING:
    from mlgate.evidence.release import Release
    from mlgate.evidence.roles import ColumnsSpec
    from mlgate.evidence.sources import DataSource, Predictions
    from mlgate.findings import EvidenceRecord

NONE = "none"
"""The pin that forbids: the release must not give this role to any column."""

_CHAMPIONS = {NONE: NONE, "required": "a release, model, predictions or report of the champion"}
"""What each pin of the champion asks for, in words."""

RISKS: tuple[str, ...] = get_args(Risk)
"""From low to high."""

_ALWAYS = ("label", "positive", "favourable", "protected", "weight", "key", "cluster")
"""Roles that are listed as chosen by the author even where the author left them out."""

_LACKABLE = ("label", "score", "protected", "key", "time", "interval", "quantiles")
"""Roles that a judged table can lack: without them a check is not measured. Null in any other role is a
default (every row counts one, rows are independent), so it is a choice."""

READING = ("delimiter", "encoding", "nulls", "quote", "types")
"""How the text of a table is read: the same bytes read otherwise are other data."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,60}")

_WHEN_STATED = (
    "score",
    "prediction",
    "prediction_positive",
    "features",
    "categorical",
    "time",
    "interval",
    "quantiles",
)
_BINARY = ("positive", "prediction_positive", "threshold")
"""What says nothing of a release of another task."""


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
        Contradiction(pin=pin, wanted=wanted, found=has, where=_pinned_at(policy, pin))
        for pin, wanted, has in found
    )


def _pinned_at(policy: Policy, pin: str) -> str:
    """Return the line that pins it; what goes without saying is pinned with the bytes."""
    lines = (policy.pinned_at.get(one) for one in (pin, pin.rpartition(".")[0], "evaluation.sha256"))
    return next((line for line in lines if line is not None), policy.where)


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
    if pins.champion is not None and not _champion_kept(pins.champion, release):
        yield "champion", _CHAMPIONS[pins.champion], _text(release.champion)


def _champion_kept(pin: str, release: Release) -> bool:
    """Whether there is a champion as a policy wants it."""
    champion = release.champion
    if pin == NONE:
        return champion in (None, NONE)
    return champion not in (None, NONE)


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
    if policy.pins.columns.prediction is not None:
        return
    for table in _judged(policy, release):
        column = release.columns_of(table).prediction
        if column is not None:
            has = f"decisions of its own in column {show(column)}{_in(table)}, which is not pinned"
            yield "threshold", f"{pin:g}", has
            return


def _judged(policy: Policy, release: Release) -> list[str]:
    """Return the tables of the release that the policy judges, evaluation first."""
    others = {use.table for use in policy.uses} & set(release.data) - {"evaluation"}
    return ["evaluation", *sorted(others)]


def _looked_at(policy: Policy, release: Release) -> list[str]:
    """Return the tables that are judged, and those that a check holds them against."""
    judged = _judged(policy, release)
    others = {name for use in policy.uses for name in (*use.check.tables, use.against) if name is not None}
    return [*judged, *sorted(others & set(release.data) - {*judged})]


def _in(table: str) -> str:
    return "" if table == "evaluation" else f" in table {show(table)}"


def _of_columns(policy: Policy, release: Release) -> Iterator[tuple[str, str, str]]:
    pins = policy.pins.columns
    tables = ["evaluation", *sorted(set(release.data) - {"evaluation"})]
    judged = _judged(policy, release)
    for role in sorted(pins.model_fields_set):
        wanted = getattr(pins, role)
        for table in tables:
            columns = release.columns_of(table)
            lacks = table != "evaluation" and _lacks(role, columns, judged=table in judged)
            if not lacks and not _role_kept(role, wanted, columns):
                yield f"columns.{role}", _wanted(role, wanted), _stated(role, columns) + _in(table)
                break


def _lacks(role: str, columns: ColumnsSpec, *, judged: bool) -> bool:
    """Whether a table has nothing in a role, rather than the default of the role."""
    if getattr(columns, role) is not None:
        return False
    # Without a column of decisions, those of a table that has scores come from the threshold.
    return not judged or role in _LACKABLE or (role == "prediction" and columns.score is None)


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
        case "quantiles":
            return found is not None and _by_level(wanted) == _by_level(found)
        case _:
            return bool(found == wanted)


def _by_level(columns: Mapping[str, str]) -> list[tuple[float, str]]:
    """Return quantile columns by level, lowest first; a level that is written in two ways stays twice."""
    return sorted((float(level), column) for level, column in columns.items())


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
    yield from _of_reading(pins, release.data["evaluation"])
    yield from _of_predictions(pins, release.data["evaluation"].predictions)


def _of_reading(pins: EvaluationPins, source: DataSource) -> Iterator[tuple[str, str, str]]:
    """Hold how the text is read against the pins, and against the default where the bytes are pinned."""
    pinned = pins.reading or ReadingPins()
    for name in READING:
        wanted, stated, default = getattr(pinned, name), getattr(source, name), _read_by_default(name, source)
        if wanted is None and (pins.sha256 is None or stated is None):
            continue
        due = default if wanted is None else wanted
        found = default if stated is None else stated
        if _comparable(due) != _comparable(found):
            word = "the default" if wanted is None else _exactly(wanted)
            yield f"evaluation.reading.{name}", word, "the default" if stated is None else _exactly(stated)


def _read_by_default(name: str, source: DataSource) -> Any:
    tabs = str(source.path).lower().endswith((".tsv", ".tsv.gz"))
    return {
        "delimiter": "\t" if tabs else ",",
        "quote": '"',
        "encoding": "utf-8",
        "nulls": NULLS,
        "types": {},
    }[name]


def _comparable(value: Any) -> Any:
    return set(value) if isinstance(value, tuple) else dict(value) if isinstance(value, Mapping) else value


def _of_predictions(pins: EvaluationPins, found: Predictions | None) -> Iterator[tuple[str, str, str]]:
    pin = NONE if pins.predictions is None and pins.sha256 is not None else pins.predictions
    if pin is None:
        return
    if not isinstance(pin, PredictionsPin):
        kept = found is None
    else:
        kept = found is not None and found.key == pin.key and pin.path in (None, found.path)
    if not kept:
        yield "evaluation.predictions", _text(pin), _text(found)


def chosen_by_author(policy: Policy, release: Release) -> tuple[str, ...]:
    """Return what the release's author chose and the policy does not fix, `columns.label = defaulted`."""
    return tuple(f"{name} = {value}" for name, value in _choices(policy, release))


def _choices(policy: Policy, release: Release) -> Iterator[tuple[str, str]]:
    pins, columns = policy.pins, release.columns_of("evaluation")
    for name in ("task", "risk"):
        if getattr(pins, name) is None:
            yield name, _text(getattr(release, name))
    binary = release.task == "binary"
    for role in (*_ALWAYS, *_WHEN_STATED):
        stated = getattr(columns, role) is not None
        pinned = getattr(pins.columns, role, None) is not None
        if not pinned and (stated or (role in _ALWAYS and (binary or role not in _BINARY))):
            yield f"columns.{role}", _stated(role, columns) if binary else _text(getattr(columns, role))
    if pins.threshold is None and (binary or "threshold" in release.model_fields_set):
        yield "threshold", f"{release.threshold:g}"
    yield from _tables(policy, release)
    if pins.champion != NONE:
        yield "champion", _text(release.champion)


def _tables(policy: Policy, release: Release) -> Iterator[tuple[str, str]]:
    """Yield where the tables that the policy looks at are, and which of their rows count."""
    for name in sorted(_looked_at(policy, release)):
        source = release.data[name]
        pins = (policy.pins.evaluation if name == "evaluation" else None) or EvaluationPins()
        for key, value in _table(source, pins):
            yield f"data.{name}.{key}", value
        overridden = source.columns.model_fields_set if source.columns is not None else ()
        for role in sorted(overridden):
            columns = release.columns_of(name)
            if getattr(policy.pins.columns, role, None) is None or getattr(columns, role) is None:
                yield f"data.{name}.columns.{role}", _stated(role, columns)


def _table(source: DataSource, pins: EvaluationPins) -> Iterator[tuple[str, str]]:
    if pins.sha256 is None:
        kind = "path" if source.table is None else "table"
        yield kind, _text(getattr(source, kind))
        if source.connection is not None:
            yield "connection", _text(source.connection)
    if pins.where is None:
        yield "where", _text(source.where)
    for name in READING:
        if getattr(source, name) is not None and getattr(pins.reading, name, None) is None:
            yield name, _exactly(getattr(source, name))
    if source.predictions is not None and pins.predictions is None:
        yield "predictions", _text(source.predictions)
    elif source.predictions is not None and getattr(pins.predictions, "path", None) is None:
        yield "predictions.path", _text(source.predictions.path)


def _exactly(value: Any) -> str:
    """Return how text is read, with what would not be seen in quotes: blanks, nothing, a comma."""
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) else json.dumps(value)
    if isinstance(value, tuple):
        return ", ".join(_exactly(one) for one in value) or "nothing"
    return _text(value)


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
