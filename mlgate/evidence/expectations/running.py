"""Expectations run by Great Expectations itself: one query for the columns, one run in this process.

Great Expectations judges a pandas frame. Its way to DuckDB is through SQLAlchemy and duckdb-engine, whose
results are gone before it reads them and which knows no regular expressions; so the columns that the
expectations name, and no others, are fetched from DuckDB instead.

Nothing of a suite but the names and arguments of shipped expectations reaches it, no file of a project is
read, no telemetry is sent, and no value of the data leaves it: unexpected values are not collected, and what
its exceptions say, which may quote values, is not repeated.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from mlgate.cells import Answer, Expectation, Expected, ExpectedResult, Statistic
from mlgate.errors import MissingExtra
from mlgate.evidence import queries
from mlgate.evidence.expectations.frames import frame
from mlgate.evidence.expectations.known import ABOUT_TABLE
from mlgate.evidence.expectations.patterns import is_quick
from mlgate.evidence.expectations.reading import columns_of, patterns_of
from mlgate.evidence.queries import Step

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from mlgate.evidence.tables import Table

_QUIET: Mapping[str, str] = {"GX_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
_FORMAT: Mapping[str, Any] = {
    "result_format": "BASIC",
    "partial_unexpected_count": 0,
    "exclude_unexpected_values": True,
}


def steps(table: Table, asked: Sequence[Expected]) -> list[Step]:
    """Return the query whose rows Great Expectations judges, for some expectations of a table.

    Raises MissingExtra when Great Expectations is not installed.
    """
    if not asked:
        return []
    if importlib.util.find_spec("great_expectations") is None:
        first = asked[0].expectation
        raise MissingExtra(f"{first.where}: {first.type}", "Great Expectations", "mlgate[gx]")
    names = _columns(table, [one.expectation for one in asked])

    def distribute(result: pa.Table) -> Mapping[Statistic, Answer]:
        found = judge(frame(result), [one.expectation for one in asked])
        return dict(zip(asked, found, strict=True))

    return [
        Step(
            what=f"run {len(asked)} expectations in Great Expectations on {queries.listed(names)}",
            expression=queries.cleaned(table, names),
            serves=tuple(asked),
            distribute=distribute,
        )
    ]


def _columns(table: Table, expectations: Sequence[Expectation]) -> list[str]:
    """Return what is fetched: every column where an expectation is about the table, else those named."""
    if any(one.type in ABOUT_TABLE for one in expectations):
        return list(table.columns.names)
    named = {name for one in expectations for name in columns_of(one)}
    return [name for name in table.columns.names if name in named]


def judge(rows: pd.DataFrame, expectations: Sequence[Expectation]) -> list[ExpectedResult]:
    """Let Great Expectations judge a frame; an answer for each expectation, in order."""
    with _alone():
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig

        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
        source = context.data_sources.add_pandas("mlgate").add_dataframe_asset("table")
        batch = source.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": rows})
        found: list[ExpectedResult | None] = []
        built = []
        for number, one in enumerate(expectations):
            made = _built(one, number)
            found.append(made if isinstance(made, ExpectedResult) else None)
            built += [] if isinstance(made, ExpectedResult) else [made]
        suite = gx.ExpectationSuite(name="mlgate", expectations=built)
        for result in batch.validate(suite, result_format=dict(_FORMAT)).results if built else ():
            number = cast("Any", result.expectation_config).meta["mlgate"]
            found[number] = _read(result, rows, expectations[number])
    return [replace(one or _unjudged("gave no result"), by="great_expectations") for one in found]


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Keep Great Expectations quiet while it is imported and runs, and leave everything as it was."""
    import numpy as np

    before = {name: os.environ.get(name) for name in _QUIET}
    os.environ.update(_QUIET)
    logger = logging.getLogger("great_expectations")
    level, state = logger.level, np.random.get_state()  # noqa: NPY002 - the one that it draws from
    logger.setLevel(logging.CRITICAL + 1)
    np.random.seed(0)  # noqa: NPY002 - the same
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        np.random.set_state(state)  # noqa: NPY002 - the same
        logger.setLevel(level)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _built(expectation: Expectation, number: int) -> Any:
    """Make the expectation of Great Expectations; an answer where it refuses to."""
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    if not all(map(is_quick, patterns_of(expectation))):
        reason = "the pattern repeats what repeats, on which Python may go on for ever"
        return ExpectedResult(success=None, reason=reason)
    try:
        return ExpectationConfiguration(
            type=expectation.type, kwargs=json.loads(expectation.kwargs), meta={"mlgate": number}
        ).to_domain_obj()
    except Exception as error:  # noqa: BLE001 - it raises of every kind
        return _unjudged(f"refuses its arguments ({type(error).__name__})")


def _unjudged(what: str) -> ExpectedResult:
    return ExpectedResult(success=None, reason=f"Great Expectations {what}")


def _read(result: Any, rows: pd.DataFrame, expectation: Expectation) -> ExpectedResult:
    """Take what matters of a result: no value, no row, no message that may quote one."""
    raised = _raised(result.exception_info or {})
    if raised is not None:
        return _unjudged(f"cannot judge it on this table ({raised})")
    said = result.result or {}
    if "element_count" in said:
        return ExpectedResult(
            success=bool(result.success),
            elements=int(said["element_count"]),
            missing=None if said.get("missing_count") is None else int(said["missing_count"]),
            unexpected=None if said.get("unexpected_count") is None else int(said["unexpected_count"]),
        )
    names = columns_of(expectation)
    if not names:
        return ExpectedResult(success=bool(result.success))
    # Of an aggregate of a column it does not say how many values it is of.
    return ExpectedResult(
        success=bool(result.success),
        elements=len(rows),
        missing=int(rows[list(names)].isna().any(axis=1).sum()),
    )


def _raised(info: Mapping[str, Any]) -> str | None:
    """Return the class of the exception that Great Expectations swallowed, if it did."""
    found = (
        [info] if "raised_exception" in info else [one for one in info.values() if isinstance(one, Mapping)]
    )
    for one in found:
        if one.get("raised_exception"):
            lines = str(one.get("exception_traceback") or "").strip().splitlines()
            names = [line.partition(":")[0].rpartition(".")[2] for line in lines if line[:1].isalpha()]
            names = [name for name in names if name.isidentifier()]
            return names[0] if names else "it raised an exception"
    return None
