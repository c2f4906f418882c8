"""A suite as Great Expectations 1.x writes it to JSON, read strictly and without running any of it.

A suite comes with the release, so it is hostile: nothing in it is executed, looked up by name or fetched,
and what could keep the gate busy for ever is refused. What would hold whatever the data are (no bound,
`mostly: 0`) is refused too, because it would look like a judgement.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

from mlgate.cells import Expectation, ExpectationSuite
from mlgate.errors import EvidenceError, Problem
from mlgate.evidence.expectations.known import (
    ABOUT_TABLE,
    IGNORED,
    KNOWN,
    REFUSED,
    REFUSED_ARGUMENTS,
    Arguments,
)
from mlgate.evidence.expectations.patterns import MAX_PATTERN, is_everywhere, translated
from mlgate.strict_yaml import MAX_TOLD, canonical, did_you_mean, show

MAX_EXPECTATIONS = 2_000
MAX_SET = 10_000
"""Values of one set: more is a list of data, and no expectation."""

_SUITE_KEYS = ("name", "id", "expectations", "meta", "notes", "suite_parameters")
_OLD_SUITE_KEYS = (
    "expectation_suite_name",
    "ge_cloud_id",
    "data_asset_type",
    "evaluation_parameters",
)
"""Of Great Expectations 0.x; they mean the same under another name, or nothing."""

_KEYS = (
    "type",
    "kwargs",
    "meta",
    "id",
    "notes",
    "description",
    "severity",
    "rendered_content",
    "expectation_context",
)
_OLD_KEYS = ("expectation_type", "ge_cloud_id", "success_on_last_run")
_SEVERITIES = ("critical", "warning", "info")
_TODO = "write it as Great Expectations 1.x saves a suite"


class _Fault(Exception):
    """Something wrong at a place below an expectation."""

    def __init__(self, at: str, what: str, todo: str) -> None:
        super().__init__(what)
        self.at, self.what, self.todo = at, what, todo


def read_suite(data: bytes, name: str, location: str) -> ExpectationSuite:
    """Return the suite that a JSON file holds.

    Args:
        data: The bytes of the file.
        name: What the release calls it.
        location: The file, for errors.

    Raises:
        EvidenceError: With every problem at once: it is no JSON or no suite, names an expectation or argument
            that Great Expectations does not ship, or one that is not run here.
    """
    entries = _entries(_json(data, location), location)
    expectations, problems = [], []
    for place, entry in enumerate(entries):
        try:
            expectations.append(_expectation(entry, place, location))
        except _Fault as fault:
            where = f"{location}: expectations[{place}]{fault.at}"
            problems.append(Problem(where, fault.what, fault.todo))
        except RecursionError as error:
            where = f"{location}: expectations[{place}]"
            raise EvidenceError(where, "is nested too deeply", "flatten it") from error
    problems = problems or list(_too_large(expectations))
    if problems:
        raise EvidenceError.of(problems[:MAX_TOLD])
    return ExpectationSuite(
        name=name,
        location=location,
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        expectations=tuple(expectations),
    )


def _entries(found: Any, location: str) -> list[Any]:
    """Return what a suite lists; EvidenceError when it is none."""
    if not isinstance(found, dict) or not isinstance(found.get("expectations"), list):
        raise EvidenceError(location, "is no suite: it has no list `expectations`", _TODO)
    for key in found:
        if key not in (*_SUITE_KEYS, *_OLD_SUITE_KEYS):
            raise EvidenceError(
                location, f"{show(key)} is no key of a suite", did_you_mean(key, _SUITE_KEYS, _TODO)
            )
    for key in ("suite_parameters", "evaluation_parameters"):
        if found.get(key):
            raise EvidenceError(
                location, f"{key}: parameters are not filled in here", "write the values themselves"
            )
    entries: list[Any] = found["expectations"]
    if len(entries) > MAX_EXPECTATIONS:
        what = f"has {len(entries)} expectations, more than {MAX_EXPECTATIONS}"
        raise EvidenceError(location, what, "divide the suite")
    return entries


def _json(data: bytes, location: str) -> Any:
    def refuse(word: str) -> NoReturn:
        raise ValueError(f"{word} is no number of JSON")

    try:
        return json.loads(data.decode("utf-8-sig"), object_pairs_hook=_once, parse_constant=refuse)
    except UnicodeDecodeError as error:
        raise EvidenceError(location, "is not UTF-8 text", "save it as UTF-8") from error
    except json.JSONDecodeError as error:
        what = f"line {error.lineno}: is no JSON ({error.msg})"
        todo = (
            "a suite is JSON; one that is written in Python is code, and waits for a child process of its own"
        )
        raise EvidenceError(location, what, todo) from error
    except RecursionError as error:
        raise EvidenceError(location, "is nested too deeply", "flatten it") from error
    except ValueError as error:
        raise EvidenceError(location, str(error)[:200], _TODO) from error


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        again = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {show(again)} is there twice")
    return found


def _expectation(entry: Any, place: int, location: str) -> Expectation:
    if not isinstance(entry, dict):
        raise _Fault("", f"is {show(entry)}, no expectation", _TODO)
    for key in entry:
        if key not in (*_KEYS, *_OLD_KEYS):
            raise _Fault("", f"{show(key)} is no key of an expectation", did_you_mean(key, _KEYS, _TODO))
    kind = _kind(entry)
    severity: Any = "critical" if entry.get("severity") is None else entry["severity"]
    if severity not in _SEVERITIES:
        raise _Fault(".severity", f"{show(severity)} is no severity", f"use {', '.join(_SEVERITIES)}")
    given = entry.get("kwargs")
    if not isinstance(given, dict | None):
        raise _Fault(".kwargs", f"is {show(given)}, no mapping", _TODO)
    kwargs = _arguments(kind, given or {})
    return Expectation(
        type=kind,
        kwargs=canonical(kwargs).decode(),
        severity=severity,
        place=place,
        suite=location,
    )


def _kind(entry: Mapping[str, Any]) -> str:
    """Return the type of an expectation, which 0.x calls `expectation_type`."""
    named = [entry[key] for key in ("type", "expectation_type") if key in entry]
    if len(named) != 1 or not isinstance(named[0], str):
        raise _Fault("", "has no type, or two", "write `type: expect_...` once")
    kind = named[0]
    if kind in REFUSED:
        what, todo = REFUSED[kind]
        raise _Fault("", f"{kind} {what}", todo)
    if kind not in KNOWN:
        todo = did_you_mean(kind, KNOWN, "custom expectations are code of the release, which is not run")
        raise _Fault("", f"{show(kind)} is no expectation that Great Expectations ships", todo)
    return kind


def _arguments(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that matter, each looked at."""
    known = KNOWN[kind]
    sorts = {**known.required, **known.optional}
    found = {}
    for name, value in given.items():
        at = f".kwargs.{name}" if name.isidentifier() else ".kwargs"
        if name in IGNORED:
            continue
        if name in REFUSED_ARGUMENTS:
            if value:
                raise _Fault(at, *REFUSED_ARGUMENTS[name])
            continue
        if name not in sorts:
            todo = did_you_mean(name, sorts, f"it takes {', '.join(sorts)}")
            raise _Fault(at, f"{show(name)} is no argument of {kind}", todo)
        if _has_parameter(value):
            raise _Fault(at, "is a parameter that is filled in elsewhere", "write the value itself")
        if value is None and name not in known.required:
            continue
        _CHECKS[sorts[name]](value, at)
        found[name] = value
    _require(kind, known, found)
    return found


def _require(kind: str, known: Arguments, found: Mapping[str, Any]) -> None:
    lacking = [name for name in known.required if name not in found]
    if lacking:
        raise _Fault(".kwargs", f"{kind} lacks {', '.join(lacking)}", "add it")
    low, high = found.get("min_value"), found.get("max_value")
    if known.bounded and low is None and high is None:
        what = f"{kind} has neither min_value nor max_value, so that it holds whatever the data are"
        raise _Fault(".kwargs", what, "give one of them")
    if (idle := _idle_pattern(kind, found)) is not None:
        what = f"the pattern {show(idle)} is found in every text, so that it holds whatever the data are"
        raise _Fault(".kwargs", what, "write it from ^ to $, or leave the expectation out")
    numbers = _is_number(low) and _is_number(high)
    if low is not None and high is not None and (numbers or type(low) is type(high)) and low > high:
        raise _Fault(".kwargs", f"min_value {show(low)} is more than max_value {show(high)}", "swap them")


def _idle_pattern(kind: str, found: Mapping[str, Any]) -> str | None:
    """Return a pattern for which an expectation that values match holds of all texts; None without one."""
    if kind == "expect_column_values_to_match_regex":
        patterns = [found["regex"]]
    elif kind == "expect_column_values_to_match_regex_list" and found.get("match_on") != "all":
        patterns = found["regex_list"]
    else:
        return None
    return next(filter(is_everywhere, patterns), None)


def _has_parameter(value: Any) -> bool:
    if isinstance(value, dict):
        return "$PARAMETER" in value or any(map(_has_parameter, value.values()))
    return isinstance(value, list) and any(map(_has_parameter, value))


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _demand(right: bool, value: Any, at: str, due: str) -> None:
    if not right:
        raise _Fault(at, f"is {show(value)}", f"give {due}")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_text, value))


def _pattern(value: Any, at: str) -> None:
    _demand(_is_text(value), value, at, "a regular expression")
    if len(value) > MAX_PATTERN:
        raise _Fault(at, f"the pattern has more than {MAX_PATTERN} characters", "write a shorter one")
    if translated(value) is None:
        raise _Fault(
            at,
            f"the pattern {show(value)} uses more of Python's regular expressions than can be bounded",
            r"write it with characters, classes, \d \w \s, groups, |, * + ? {m,n}, ^ and a last $ alone",
        )


def _too_large(expectations: Sequence[Expectation]) -> Iterator[Problem]:
    """Yield a problem for each pattern that RE2 refuses, because it would grow too large."""
    given = [(one.where, pattern) for one in expectations for pattern in patterns_of(one)]
    if not given:
        return
    import duckdb

    with duckdb.connect() as engine:
        for where, pattern in given:
            try:
                engine.execute("SELECT regexp_matches('', ?)", [translated(pattern)]).fetchall()
            except duckdb.Error:
                yield Problem(where, f"the pattern {show(pattern)} is too large", "repeat less")


def columns_of(expectation: Expectation) -> tuple[str, ...]:
    """Return the columns that an expectation looks at; none for one about the table as a whole."""
    if expectation.type in ABOUT_TABLE:
        return ()
    kwargs = json.loads(expectation.kwargs)
    single = [kwargs[name] for name in ("column", "column_A", "column_B") if name in kwargs]
    return (*single, *kwargs.get("column_list", ()))


def patterns_of(expectation: Expectation) -> list[str]:
    """Return the regular expressions of an expectation."""
    if "regex" not in expectation.kwargs:  # the text: nearly all suites are done here
        return []
    kwargs = json.loads(expectation.kwargs)
    return [*([kwargs["regex"]] if "regex" in kwargs else []), *kwargs.get("regex_list", ())]


def _patterns(value: Any, at: str) -> None:
    _demand(_are_texts(value), value, at, "a list of regular expressions")
    for one in value:
        _pattern(one, at)


def _set(value: Any, at: str) -> None:
    _demand(isinstance(value, list) and bool(value), value, at, "a list of at least one value")
    if len(value) > MAX_SET:
        raise _Fault(at, f"has {len(value)} values, more than {MAX_SET}", "give a shorter list")
    plain = all(one is None or isinstance(one, str | bool) or _is_number(one) for one in value)
    _demand(plain, value, at, "texts, numbers or truth values")


_SCHEMA_REFUSED = ("$ref", "$dynamicRef", "$recursiveRef", "pattern", "patternProperties", "format")


def _quantiles(value: Any, at: str) -> None:
    """Demand a range with an end for each quantile: of none at all, Great Expectations is sure."""
    given = value if isinstance(value, dict) else {}
    shares, ranges = given.get("quantiles"), given.get("value_ranges")
    right = (
        isinstance(shares, list)
        and isinstance(ranges, list)
        and len(shares) == len(ranges) > 0
        and all(_is_number(one) and 0 <= one <= 1 for one in shares)
        and all(isinstance(one, list) and len(one) == len(("low", "high")) for one in ranges)
        and all(any(end is not None for end in one) for one in ranges)
    )
    _demand(right, value, at, "quantiles, and as many value_ranges [low, high], each with an end")


def _schema(value: Any, at: str) -> None:
    _demand(isinstance(value, dict), value, at, "a JSON schema")
    if (found := next(_schema_words(value), None)) is not None:
        what = f"the schema says {found}, which may fetch a file or run a pattern without bounds"
        raise _Fault(at, what, "say it without")


def _schema_words(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (key for key in value if key in _SCHEMA_REFUSED)
        for one in value.values():
            yield from _schema_words(one)
    elif isinstance(value, list):
        for one in value:
            yield from _schema_words(one)


def _share(value: Any, at: str) -> None:
    due = "a share above 0 and at most 1; with 0 it holds whatever the data are"
    _demand(_is_number(value) and 0 < value <= 1, value, at, due)


def _columns(value: Any, at: str) -> None:
    right = _are_texts(value) and len(set(value)) == len(value)
    _demand(right, value, at, "a list of different columns")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _plain(right: Callable[[Any], bool], due: str) -> Callable[[Any, str], None]:
    return lambda value, at: _demand(right(value), value, at, due)


_CHECKS: Mapping[str, Callable[[Any, str], None]] = {
    "any": _plain(lambda _: True, ""),
    "bound": _plain(lambda value: _is_number(value) or _is_text(value), "a number, or a date as text"),
    "column": _plain(_is_text, "the name of a column"),
    "columns": _columns,
    "count": _plain(_is_count, "a whole number that is not negative"),
    "flag": _plain(lambda value: isinstance(value, bool), "true or false"),
    "format": _plain(_is_text, "a text"),
    "match_on": _plain(lambda value: value in ("any", "all"), "any or all"),
    "number": _plain(_is_number, "a number"),
    "object": _plain(lambda value: isinstance(value, dict), "a mapping"),
    "pattern": _pattern,
    "patterns": _patterns,
    "quantiles": _quantiles,
    "schema": _schema,
    "set": _set,
    "share": _share,
    "texts": _plain(_are_texts, "a list of texts"),
}
"""What each sort of argument has to be."""
