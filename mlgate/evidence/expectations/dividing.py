"""Which expectations the scan answers with what it counts anyway, and which Great Expectations has to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlgate.cells import Answer, Answers, Expected, ExpectedResult, Matches, Statistic, TableStatistic
from mlgate.errors import EvidenceError, Problem
from mlgate.evidence.expectations import running
from mlgate.evidence.expectations.fused import Fused, fused
from mlgate.evidence.expectations.known import NOT_IN_MEMORY
from mlgate.evidence.expectations.reading import columns_of
from mlgate.evidence.queries import LINEAR_PATTERNS, Step
from mlgate.strict_yaml import MAX_TOLD, did_you_mean, show

if TYPE_CHECKING:
    from mlgate.evidence.tables import Table


@dataclass(frozen=True, kw_only=True, slots=True)
class Divided:
    """The expectations that are asked of a table."""

    fused: Mapping[Expected, Fused]
    run: Sequence[Expected]
    nowhere: Sequence[Expected]
    """What nobody can judge on rows in memory."""

    @property
    def statistics(self) -> tuple[TableStatistic, ...]:
        """What the fused ones need."""
        return tuple(dict.fromkeys(one for own in self.fused.values() for one in own.statistics))

    def steps(self, table: Table) -> list[Step]:
        """Return the query for what Great Expectations judges; MissingExtra when it is not installed."""
        return running.steps(table, self.run)

    def served(self, statistics: Sequence[TableStatistic]) -> tuple[TableStatistic, ...]:
        """Return some statistics, with the expectations that rest on any of them."""
        on = set(statistics)
        return (*statistics, *(one for one, own in self.fused.items() if on.intersection(own.statistics)))

    def answers(self, found: Mapping[Statistic, Answer]) -> dict[Statistic, Answer]:
        """Judge what is fused, from the answers to its statistics."""
        known = Answers(found)
        judged: dict[Statistic, Answer] = {one: own.judge(known) for one, own in self.fused.items()}
        reason = "Great Expectations has it for databases alone"
        none = ExpectedResult(success=None, reason=reason, by="great_expectations")
        return judged | dict.fromkeys(self.nowhere, none)


def divide(table: Table, statistics: Sequence[TableStatistic]) -> Divided:
    """Divide the expectations among what is asked of a table.

    Raises EvidenceError, with the place in its suite, for each that names a column that is not there.
    """
    asked = [one for one in statistics if isinstance(one, Expected)]
    _require_columns(table, asked)
    own: dict[Expected, Fused] = {}
    for one in asked:
        found = fused(one.expectation, table.columns) if one.engine == "auto" else None
        if found is not None and _answers(table, found):
            own[one] = found
    left = [one for one in asked if one not in own]
    return Divided(
        fused=own,
        run=[one for one in left if one.expectation.type not in NOT_IN_MEMORY],
        nowhere=[one for one in left if one.expectation.type in NOT_IN_MEMORY],
    )


def _answers(table: Table, own: Fused) -> bool:
    """Whether the engine of a table knows the regular expressions that are asked of it."""
    patterns = any(isinstance(one, Matches) for one in own.statistics)
    return not patterns or table.engine in LINEAR_PATTERNS


def _require_columns(table: Table, asked: Sequence[Expected]) -> None:
    there = table.columns.names
    problems = [
        Problem(
            f"{one.expectation.where}.kwargs",
            f"{one.expectation.type} names the column {show(name)}, which {table.location} lacks",
            did_you_mean(name, there, "correct it; expect_column_to_exist asks whether one is there"),
        )
        for one in asked
        for name in columns_of(one.expectation)
        if name not in there
    ]
    if problems:
        raise EvidenceError.of(problems[:MAX_TOLD])
