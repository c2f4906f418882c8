"""The record: a report as the bytes of `report.json`, and back.

The bytes are canonical: one report has one form, so its digest means something. Everything else that
shows a report is a rendering of these bytes.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from mlgate.errors import ContentError, Problem
from mlgate.findings import SCHEMA, Outcome, Report, Verdict, totals_of, verdict_of
from mlgate.limits import round12
from mlgate.render.schema import Written, schema, stable
from mlgate.render.text import visible

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["digest", "from_json", "identified", "schema", "stable", "to_json"]

LARGEST = 64 * 1024 * 1024
"""Bytes of a report that are read; what is longer was not written by mlgate."""

_WHOLE = 2**53
"""Floats below this are written without a fraction when they have none: `1`, not `1.0`."""

_REWRITE = "render the report that mlgate wrote, unchanged"


def to_json(report: Report) -> bytes:
    """Write a report as canonical JSON.

    UTF-8, keys in the order of the contract, two spaces, a newline at the end, numbers rounded to 12
    significant digits. `from_json` reads it back as an equal report, up to that rounding.

    Raises:
        ValueError: a number is not finite; the message names the field. A report that cannot be
            written is no report, so the run has failed.
        TypeError: a parameter holds something that JSON has no form for.
    """
    return _dump(_plain(report, "report")).encode()


def from_json(data: bytes, where: str = "report.json") -> Report:
    """Read a report.

    Args:
        data: The bytes of a `report.json`.
        where: What to call them in errors.

    Raises:
        ContentError: these bytes are not a report: not UTF-8, not JSON, a duplicate or unknown key, a
            wrong type, a number that is not finite, or findings that contradict the totals, the verdict
            or the id. All problems of one kind are named at once.
    """
    raw = _parse(data, where)
    if not isinstance(raw, dict) or raw.get("schema") != SCHEMA:
        found = raw.get("schema") if isinstance(raw, dict) else None
        raise ContentError(
            where, f"schema is {found!r}, not {SCHEMA!r}", "give a report.json that mlgate wrote"
        )
    report = _validated(data, where)
    problems = [Problem(where, what, _REWRITE) for what in _contradictions(report, raw)]
    if problems:
        raise ContentError.of(problems)
    return report


def digest(data: bytes) -> str:
    """Return the digest of a report: the sha256 of its bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def identified(report: Report) -> Report:
    """Return the report with its id: a digest of what is the same on every run of the same input."""
    return replace(report, id=_id_of(_plain(report, "report")))


def _id_of(raw: Mapping[str, Any]) -> str:
    kept = {name: value for name, value in stable(raw).items() if name != "id"}
    return f"sha256:{digest(json.dumps(kept, sort_keys=True, ensure_ascii=False).encode())}"


def _dump(raw: Any) -> str:
    return json.dumps(raw, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(thing: Any, path: str) -> Any:  # noqa: PLR0911  one for each kind of value
    """Return `thing` as what JSON has: canonical numbers, lists, texts without lone surrogates."""
    match thing:
        case None | bool():
            return thing
        case Enum():
            return thing.value
        case str():
            return thing.encode("utf-8", "replace").decode() if not thing.isascii() else thing
        case Integral():
            return int(thing)
        case Real():
            return _number(float(thing), path)
        case Mapping():
            return {_plain(str(key), path): _plain(one, f"{path}.{key}") for key, one in thing.items()}
        case tuple() | list():
            return [_plain(one, f"{path}[{index}]") for index, one in enumerate(thing)]
        case _ if is_dataclass(thing):
            return {one.name: _plain(getattr(thing, one.name), f"{path}.{one.name}") for one in fields(thing)}
        case _:
            raise TypeError(f"{path} is a {type(thing).__name__}, which a report cannot hold")


def _number(value: float, path: str) -> float | int:
    if not math.isfinite(value):
        raise ValueError(f"{path} is {value}; a report holds finite numbers, and null with a reason")
    rounded = round12(value)
    return int(rounded) if rounded.is_integer() and abs(rounded) < _WHOLE else rounded


def _parse(data: bytes, where: str) -> Any:
    """Read JSON strictly: UTF-8, no duplicate keys, no NaN."""
    if len(data) > LARGEST:
        raise ContentError(where, f"has {len(data):,} bytes, more than {LARGEST:,}", _REWRITE)

    def finite(text: str) -> float:
        number = float(text)
        if not math.isfinite(number):
            raise ValueError(f"{text} is not a number of JSON")
        return number

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise ValueError(f"key {key!r} stands twice")
            found[key] = value
        return found

    try:
        text = data.decode("utf-8")
        return json.loads(text, parse_constant=finite, parse_float=finite, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        raise ContentError(where, f"is not JSON: {visible(str(error), 300)}", _REWRITE) from error


def _validated(data: bytes, where: str) -> Report:
    try:
        return Written.model_validate_json(b'{"report":' + data + b"}").report
    except ValidationError as error:
        raise ContentError.of(_problem(one, where) for one in error.errors(include_url=False)) from error


def _problem(error: ErrorDetails, where: str) -> Problem:
    path = ".".join(visible(str(part), 80) for part in error["loc"][1:])
    match error["type"]:
        case "missing":
            what = "is missing"
        case "unexpected_keyword_argument":
            what = "is no key of a report"
        case _:
            what = f"{error['msg']}, found {visible(repr(error.get('input')), 80)}"
    return Problem(f"{where}: {path}" if path else where, what, _REWRITE)


def _contradictions(report: Report, raw: Mapping[str, Any]) -> list[str]:
    """Say where a report contradicts itself: it was edited, or put together by something else."""
    said = []
    ids = [one.id for one in report.findings]
    if len(set(ids)) < len(ids):
        said.append(f"findings share the id {next(one for one in ids if ids.count(one) > 1)!r}")
    if dict(report.totals) != totals_of(report.findings):
        said.append("the totals are not those of the findings")
    follows = verdict_of(report.findings)
    if report.verdict is Verdict.APPROVED and follows is Verdict.BLOCKED:
        said.append("the verdict is approved, and a required check stands in the way")
    if report.promotable and not report.verdict is follows is Verdict.APPROVED:
        said.append("it is called promotable, and its findings do not approve it")
    if report.retrain != any(one.retrain for one in report.findings):
        said.append(f"retrain is {json.dumps(report.retrain)}, and its findings say otherwise")
    if any(one.retrain and one.outcome is not Outcome.FAIL for one in report.findings):
        said.append("a finding says to train again that did not fail")
    if report.id is not None and report.id != _id_of(raw):
        said.append("its id is not that of its contents")
    return said
