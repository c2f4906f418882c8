"""One pass over a table: every statistic of every check, answered with as few queries as possible.

`plan` and `scan` walk the same steps; `plan` shows them and `scan` runs them. Both take the first look at
the table (one cheap aggregate query), because what fuses depends on how many values the groups have.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mlgate.cells import Answer, Counts, Statistic, TableStatistic, Values
from mlgate.errors import EvidenceError
from mlgate.evidence import queries
from mlgate.evidence.expectations.dividing import divide
from mlgate.evidence.queries import Step
from mlgate.evidence.scan import aggregates, binning, grouped, overlap, sampling, survey
from mlgate.evidence.scan.reading import is_role

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from mlgate.evidence.scan.survey import Survey
    from mlgate.evidence.tables import Table


@dataclass(frozen=True)
class Query:
    """A query that a scan runs."""

    table: str
    sql: str
    """In the dialect of the table's engine."""
    serves: tuple[TableStatistic, ...]
    """The statistics that it answers, or that need its answer."""
    what: str
    """What it does, for a person."""


def plan(
    table: Table,
    statistics: Collection[TableStatistic],
    *,
    bin_above: int = binning.BIN_ABOVE,
    others: Mapping[str, Table] | None = None,
) -> list[Query]:
    """Return the queries that `scan` runs for these statistics, in order.

    Runs the first look when anything is counted. Raises what `scan` raises, but for errors of the
    queries that it does not run.
    """
    divided = divide(table, _ordered(statistics))
    asked = _ordered([*statistics, *divided.statistics])
    looks: dict[str, ir.Table] = {}
    found = _look(table, asked, bin_above, looks.__setitem__)
    counted = tuple(one for one in asked if isinstance(one, (Counts, Values)))
    served = [
        _query(table, step.what, step.expression, divided.served(step.serves))
        for step in [*_steps(table, asked, found, others or {}), *divided.steps(table)]
    ]
    return [*(_query(table, what, expression, counted) for what, expression in looks.items()), *served]


def scan(
    table: Table,
    statistics: Collection[TableStatistic],
    *,
    progress: Callable[[str], None] | None = None,
    bin_above: int = binning.BIN_ABOVE,
    others: Mapping[str, Table] | None = None,
) -> dict[Statistic, Answer]:
    """Answer every statistic of a table. `progress` is told what each query does before it runs.

    `others` are the tables, by name, that a statistic may hold this one against.

    In tables of more than `bin_above` rows scores are counted in bins, for counts that allow it and where
    bins keep them apart.

    The answers depend on the rows alone: not on their order, on the engine or on its threads (sums of
    weights to 12 digits).

    Raises EvidenceError when a column or role does not exist or is of a type that cannot answer, when the
    values of label or prediction do not match what the release says of them, and when the engine fails.
    Faults in the content of the data are not errors; they come back as `Cells.fault`.
    """
    tell = progress or (lambda _: None)
    divided = divide(table, _ordered(statistics))
    asked = _ordered([*statistics, *divided.statistics])
    found = _look(table, asked, bin_above, lambda what, _: tell(f"{table.name}: {what}"))
    steps = [*_steps(table, asked, found, others or {}), *divided.steps(table)]
    answers = queries.answers(table, steps, tell)
    answers |= divided.answers(answers)
    unanswered = [one for one in asked if one not in answers]
    if unanswered:
        raise EvidenceError(table.location, f"{unanswered[0]} was not answered", "report this as a bug")
    return answers


def _ordered(statistics: Collection[TableStatistic]) -> list[TableStatistic]:
    """Return the distinct statistics in an order of their own, so that a set plans as a list does."""
    for one in statistics:
        known = isinstance(one, TableStatistic)
        if not known or (isinstance(one, Counts) and not all(map(is_role, one.roles))):
            raise TypeError(f"no table answers {one!r}")
    return sorted(set(statistics), key=repr)


def _look(
    table: Table,
    statistics: list[TableStatistic],
    bin_above: int,
    tell: Callable[[str, ir.Table], None],
) -> Survey | None:
    """Run the first look, and tell each query of it before; None when nothing is counted."""
    wanted = survey.look(table, statistics)
    if wanted is None:
        return None
    answers = {}
    for what, expression in survey.expressions(table, wanted).items():
        tell(what, expression)
        answers[what] = queries.run(table, expression, what)
    found = survey.read(table, wanted, answers)
    spread = survey.spread(table, statistics, found, bin_above)
    if spread is None:
        return found
    tell(survey.SPREAD, spread)
    return replace(found, binned=binning.apart(queries.run(table, spread, survey.SPREAD)))


def _steps(
    table: Table, statistics: list[TableStatistic], found: Survey | None, others: Mapping[str, Table]
) -> list[Step]:
    planned = aggregates.steps(table, statistics)
    planned += [*overlap.steps(table, statistics, others), *sampling.steps(table, statistics)]
    return planned if found is None else [*planned, *grouped.steps(table, statistics, found)]


def _query(table: Table, what: str, expression: ir.Table, serves: tuple[TableStatistic, ...]) -> Query:
    import ibis

    return Query(table=table.name, sql=str(ibis.to_sql(expression)), serves=serves, what=what)
