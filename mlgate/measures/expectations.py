"""A suite of Great Expectations, judged expectation by expectation.

Counted exactly and without weights, as in `data`. Values of the data never enter the result; where rows are
kept at all, it is not here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from mlgate.cells import (
    Answers,
    Columns,
    Expectation,
    ExpectationSuite,
    Expected,
    ExpectedResult,
    Shape,
    Statistic,
    Suite,
    SuiteFound,
    TableShape,
)
from mlgate.errors import PolicyError
from mlgate.estimates import Estimate, GroupEstimate
from mlgate.measures import measure
from mlgate.measures.named import EMPTY
from mlgate.strict_yaml import did_you_mean, show

_SEVERITIES = ("critical", "warning", "info")

_WORST_FIRST = (False, None, True)
"""The order in which the report shows what is met and what is not."""

_MET = {False: "not met", None: "not judged", True: "met"}
"""Under which heading the report shows a line."""

_SHOWN = 80
"""Characters of the arguments that a line of the report shows."""


@measure(
    id="data.expectations",
    kind="fact",
    unit="expectations",
    better="lower",
    source="Great Expectations 1.x, ExpectationSuite on a pandas batch",
)
class Expectations:
    """Number of expectations of a Great Expectations suite that are not met.

    `suite` names it under `expectations:` of the release, and may be left out where there is only one;
    `sha256` is what its file has to be. With `engine: auto` the scan answers those that mean the same there,
    and Great Expectations judges the others; with `engine: gx` it judges all. `severity` is the least that
    counts; without it every expectation does, because a suite is its author's.

    An expectation that had no value to judge, or that Great Expectations cannot judge on this table, is not
    measured: then neither is the whole, unless another is not met. Beside one that is not met, it counts as
    one more.
    """

    def __init__(
        self,
        *,
        suite: str | None = None,
        engine: Literal["auto", "gx"] = "auto",
        severity: Literal["critical", "warning", "info"] = "info",
        sha256: str | None = None,
    ) -> None:
        """Declare the parameters; the values come with each call."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the suite, and for the shape of the table that it is about."""
        del columns
        return [Suite(params["suite"]), Shape()]

    def further(self, cells: Answers, params: Mapping[str, Any]) -> list[Statistic]:
        """Ask of each expectation whether it is met."""
        suite = _suite(cells, params)
        if isinstance(suite, str):
            return []
        return [Expected(one, params["engine"]) for one in _counted(suite, params)]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Count the expectations that are not met."""
        suite = _suite(cells, params)
        if isinstance(suite, str):
            return Estimate.missing(suite)
        rows = cells.get(Shape(), TableShape).rows
        counted = _counted(suite, params)
        if not counted:
            return Estimate.missing(_none(suite, params))
        found = [_judged(cells.get(Expected(one, params["engine"]), ExpectedResult)) for one in counted]
        told: dict[bool | None, list[GroupEstimate]] = {success: [] for success in _WORST_FIRST}
        for one, result in zip(counted, found, strict=True):
            told[result.success].append(_line(one, result, rows))
        lines = tuple(line for success in _WORST_FIRST for line in told[success])
        failed, unjudged = len(told[False]), told[None]
        if failed:
            return Estimate(value=float(failed + len(unjudged)), n=rows, groups=lines)
        if rows == 0:
            return Estimate.missing(EMPTY, groups=lines)
        if unjudged:
            first = f"{unjudged[0].group['expectation']}: {unjudged[0].reason}"
            reason = f"{len(unjudged)} of {len(found)} expectations could not be judged: {first}"
            return Estimate.missing(reason, n=rows, groups=lines)
        return Estimate(value=0.0, n=rows, groups=lines)


def _suite(cells: Answers, params: Mapping[str, Any]) -> ExpectationSuite | str:
    """Return the suite, or why there is none to judge.

    Raises PolicyError when the release has suites and not the one that is named.
    """
    name, pinned = params["suite"], params["sha256"]
    found = cells.get(Suite(name), SuiteFound)
    if not found.names:
        return "the release has no suite of expectations; add it under `expectations:`"
    if found.suite is None:
        listed = ", ".join(found.names)
        what = (
            f"the release has {len(found.names)} suites"
            if name is None
            else f"there is no suite {show(name)}"
        )
        todo = f"name one with `params: {{suite: ...}}`: {listed}"
        if name is not None:
            todo = did_you_mean(name, found.names, f"it has {listed}")
        raise PolicyError("params of data.expectations", what, todo)
    if pinned is not None and found.suite.sha256 != pinned.lower():
        return f"{found.suite.location} is not the suite that the policy names by its sha256"
    return found.suite


def _counted(suite: ExpectationSuite, params: Mapping[str, Any]) -> list[Expectation]:
    """Return the expectations whose severity counts."""
    least = _SEVERITIES.index(params["severity"])
    return [one for one in suite.expectations if _SEVERITIES.index(one.severity) <= least]


def _none(suite: ExpectationSuite, params: Mapping[str, Any]) -> str:
    if not suite.expectations:
        return f"the suite {suite.location} has no expectations"
    return f"no expectation of {suite.location} is of severity {params['severity']} or worse"


def _judged(found: ExpectedResult) -> ExpectedResult:
    """Return what was found; success on no value at all is none."""
    if not found.success or found.judged != 0:
        return found
    why = "there is no value to judge, and Great Expectations takes that for success"
    return replace(found, success=None, unexpected=None, reason=why)


def _line(one: Expectation, result: ExpectedResult, rows: int) -> GroupEstimate:
    kwargs = json.loads(one.kwargs)
    named = [kwargs[name] for name in ("column", "column_A", "column_B") if name in kwargs]
    group = {
        "expectation": f"{one.place + 1}. {one.type}",
        "column": ", ".join([*named, *kwargs.get("column_list", ())]) or "the table",
        "arguments": _shown(kwargs) or "none",
        "severity": one.severity,
        "run by": result.by,
    }
    judged = result.judged
    counted = judged is not None and result.unexpected is not None
    share = result.unexpected / judged if counted and judged and result.unexpected is not None else None
    if share is None and result.success is not None:
        share = 0.0 if result.success else 1.0
    return GroupEstimate(
        group=group,
        n=rows if result.elements is None else result.elements,
        value=None if result.success is None else share,
        rate=_MET[result.success],
        numerator=float(result.unexpected) if counted and result.unexpected is not None else None,
        denominator=float(judged) if counted and judged is not None else None,
        reason="; ".join(_said(result)) or None,
    )


def _said(result: ExpectedResult) -> Iterator[str]:
    """Yield why a line is not met; one that is met needs no reason."""
    if result.success is None:
        yield result.reason or "it could not be judged"
    elif not result.success:
        yield "not met"
        if result.unexpected:
            yield f"{result.unexpected:,} unexpected"
        if result.missing:
            yield f"{result.missing:,} missing"


def _shown(kwargs: Mapping[str, Any]) -> str:
    """Write the arguments beside the columns in a line."""
    parts: Sequence[str] = [
        f"{name}={json.dumps(value, ensure_ascii=False)}"
        for name, value in kwargs.items()
        if not name.startswith("column") or name in ("column_set", "column_index")
    ]
    line = ", ".join(parts)
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 3]}..."
