"""Counting: the group-by queries that answer `Counts` and `Values`, and the way back to their answers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mlgate.cells import (
    Answer,
    Bins,
    Cells,
    Counts,
    Statistic,
    TableStatistic,
    ValueCounts,
    Values,
)
from mlgate.errors import EvidenceError
from mlgate.evidence import canonical, queries
from mlgate.evidence.arrays import numbers
from mlgate.evidence.classes import MAX_LETTERS
from mlgate.evidence.coding import shown
from mlgate.evidence.queries import Step
from mlgate.evidence.scan import binning
from mlgate.evidence.scan.frames import Frame, marginal
from mlgate.evidence.scan.fusing import MAX_CELLS, Keys, Share, shares
from mlgate.evidence.scan.numbers import number
from mlgate.evidence.scan.reading import Part, floats, in_order
from mlgate.evidence.scan.survey import Survey

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from mlgate.evidence.tables import Table

MAX_VALUES = 10_000
"""Values of a column that are listed."""


def steps(table: Table, statistics: Sequence[TableStatistic], survey: Survey) -> list[Step]:
    """Return the queries that answer all `Counts` and `Values` of a table."""
    counts = [one for one in statistics if isinstance(one, Counts)]
    values = [one for one in statistics if isinstance(one, Values)]
    listed = [one for one in values if survey.sizes[one.column] <= MAX_VALUES]
    shared = shares([*counts, *listed], survey, table.columns.cluster)
    planned = [_count_step(table, survey, share) for share in shared]
    return planned + [_top_step(table, one) for one in values if one not in listed]


def _count_step(table: Table, survey: Survey, share: Share) -> Step:
    what, most = f"count {share.keys}", share.keys.most(survey)

    def distribute(result: pa.Table) -> dict[Statistic, Answer]:
        if len(result) > most or _too_many_texts(share.keys, result):
            return {one: _too_many(table, one, share.keys, most) for one in share.serves}
        frame = _frame(table, survey, share.keys, result)
        rows = int(frame.n.sum())
        if rows != survey.rows:
            raise EvidenceError(
                table.location,
                f"the first look found {survey.rows} rows and the count {rows}",
                "judge a table that nobody writes to",
            )
        return {one: _answer(table, frame, survey, one) for one in share.serves}

    return Step(
        what=what,
        expression=_grouped(table, survey, share.keys).limit(most + 1),
        serves=tuple(share.serves),
        distribute=distribute,
    )


def _answer(table: Table, frame: Frame, survey: Survey, statistic: Counts | Values) -> Cells | ValueCounts:
    if isinstance(statistic, Counts):
        _require_names(table, frame, statistic)
        return marginal(
            survey.reading.picture(frame, statistic.view),
            statistic.roles,
            statistic.by,
            cluster=table.columns.cluster if statistic.clustered else None,
            classes=survey.reading.classes if statistic.roles and statistic.view is None else (),
            sums=() if frame.binned is None else statistic.binned or (),
            fault=survey.fault(statistic),
        )
    cells = marginal(frame, (), (statistic.column,))
    values = list(zip(cells.groups[statistic.column].tolist(), cells.n.tolist(), strict=True))
    return _value_counts(values)


def _require_names(table: Table, frame: Frame, statistic: Counts) -> None:
    """Raise when a group is too long to be a name: every finding would repeat it."""
    for by in statistic.by:
        longest = max(frame.groups[by].texts, key=len, default="")
        if isinstance(by, str) and len(longest) > MAX_LETTERS:
            what = f"has a value of {len(longest)} characters, {shown(longest)}, and rows are grouped by it"
            raise EvidenceError(
                queries.where(table, by), what, f"group by a column of names, each of {MAX_LETTERS} at most"
            )


def _value_counts(values: Iterable[tuple[str | None, int]]) -> ValueCounts:
    """Order values by how often they occur, then by text."""
    counted: dict[str | None, int] = {}
    for value, n in values:
        counted[value] = counted.get(value, 0) + n
    nulls = counted.pop(None, 0)
    there = [(value, n) for value, n in counted.items() if value is not None]
    there.sort(key=lambda pair: (-pair[1], pair[0]))
    return ValueCounts(
        rows=sum(n for _, n in there) + nulls,
        nulls=nulls,
        distinct=len(there),
        counts=tuple(there[:MAX_VALUES]),
    )


def _too_many_texts(keys: Keys, result: pa.Table) -> bool:
    """Whether a grouping column has more different values than a person can look at; clusters may."""
    import pyarrow.compute as pc

    if len(result) <= MAX_CELLS:
        return False
    groups = [f"g{position}" for position, by in enumerate(keys.sorted_by()) if by != keys.cluster]
    return any(pc.count_distinct(result[name]).as_py() > MAX_CELLS for name in groups)


def _too_many(table: Table, statistic: Counts | Values, keys: Keys, most: int) -> Cells:
    import numpy as np

    if isinstance(statistic, Values):
        raise EvidenceError(
            table.location,
            f"{keys} have more than {most} combinations",
            "ask for the values of fewer columns",
        )
    none = np.empty(0)
    return Cells(
        roles=dict.fromkeys(statistic.roles, none),
        groups={by: np.empty(0, dtype=object) for by in statistic.by},
        n=np.empty(0, dtype=np.int64),
        w=none,
        w2=none,
        weighted=table.columns.weight is not None,
        fault=f"{keys} have more than {most} distinct combinations; group by fewer columns, or by bins",
    )


def _grouped(table: Table, survey: Survey, keys: Keys) -> ir.Table:
    """Return the group-by, its columns named so that no name of the table can stand in the way."""
    import ibis

    parts = _engine_parts(survey, keys)
    clean = queries.cleaned(table, _columns(table, parts.values(), keys))
    for first in dict.fromkeys(part.first for part in parts.values() if part.first is not None):
        clean = first(clean)
    picked: dict[str, Any] = {role: part.read(clean) for role, part in parts.items()}
    for position, by in enumerate(keys.sorted_by()):
        picked[f"g{position}"] = _bin_index(table, clean, by) if isinstance(by, Bins) else clean[by]
    names = list(picked)
    if table.columns.weight is not None:
        weight = number(clean, table.columns.weight)
        # What is no weight is a fault of the survey; here it only must not spoil the sums.
        sound = (weight >= 0) & ~queries.is_infinite(weight)
        picked["weight"] = sound.ifelse(weight, ibis.literal(0.0, "float64"))
    if keys.binned is not None:
        score = picked["score"]
        picked |= binning.columns(score, picked.get("label"), sorted(keys.binned))
        picked["score"] = binning.bin_of(score, table.threshold, picked.get("weight"))
    source = clean.select(**picked) if picked else clean
    sums: dict[str, Any] = {"n": source.count()}
    if "weight" in picked:
        w, largest, rows = source["weight"], survey.largest_weight, survey.rows
        sums["w"] = queries.exact_sum(table, w, largest=largest, rows=rows)
        sums["w2"] = queries.exact_sum(table, w * w, largest=largest * largest, rows=rows)
    if keys.binned is not None:
        largest = survey.largest_weight
        sums |= binning.aggregates(
            table, source, sorted(keys.binned), largest_weight=largest, rows=survey.rows
        )
    return source.group_by(names).aggregate(**sums) if names else source.aggregate(**sums)


def _columns(table: Table, parts: Iterable[Part], keys: Keys) -> list[str]:
    """Return the columns of the table that a query with these keys reads."""
    read = [name for part in parts for name in part.columns]
    read += [by.column if isinstance(by, Bins) else by for by in keys.sorted_by()]
    return [*read, *([] if table.columns.weight is None else [table.columns.weight])]


def _engine_parts(survey: Survey, keys: Keys) -> dict[str, Part]:
    """Return how the engine reads each role that it groups by; what follows from a score is not one."""
    parts = {role: survey.reading.part(role, keys.view) for role in in_order(keys.roles)}
    return {role: one for role, one in parts.items() if one.of_score is None or one.score not in parts}


def _bin_index(table: Table, clean: ir.Table, by: Bins) -> ir.Column:
    """Return the number of edges at or below the value, null where it is missing."""
    import ibis

    column = clean[by.column]
    if not column.type().is_numeric():
        raise EvidenceError(
            queries.where(table, by.column),
            f"is {queries.type_of(column)}, and only numbers can be cut into bins",
            "group by its values, or name a column of numbers",
        )
    if not by.edges or any(not low < high for low, high in pairwise((-math.inf, *by.edges, math.inf))):
        raise EvidenceError(
            queries.where(table, by.column),
            f"the bin edges {list(by.edges)} do not increase",
            "give finite edges, lowest first, each once",
        )
    values = number(clean, by.column)
    below = [
        (values < queries.real(edge), ibis.literal(index, "int32")) for index, edge in enumerate(by.edges)
    ]
    return ibis.cases(*below, (values.notnull(), ibis.literal(len(by.edges), "int32")))


def _frame(table: Table, survey: Survey, keys: Keys, result: pa.Table) -> Frame:
    """Bring the result of a group-by to arrays, spelt canonically."""
    import numpy as np

    parts = {role: survey.reading.part(role, keys.view) for role in in_order(keys.roles)}
    roles = {role: parts[role].values(result[role]) for role in _engine_parts(survey, keys)}
    binned = None if keys.binned is None else binning.read(result, sorted(keys.binned))
    if binned is not None:
        roles["score"] = binning.middles(roles["score"], binned)
    for role, part in parts.items():
        if role not in roles and part.of_score is not None:
            roles[role] = part.of_score(roles[part.score])
    groups = {}
    for position, by in enumerate(keys.sorted_by()):
        column = result[f"g{position}"]
        groups[by] = canonical.binned(column, by.edges) if isinstance(by, Bins) else canonical.coded(column)
    n = numbers(result["n"]).astype(np.int64)
    there = n > 0  # without keys, an empty table gives one row that counts nothing
    weighted = table.columns.weight is not None
    w = floats(result["w"]) if weighted else n.astype(np.float64)
    w2 = _squares(floats(result["w2"]), w, n) if weighted else w
    return Frame(
        roles=roles,
        sizes={role: part.size for role, part in parts.items() if part.size is not None},
        groups=groups,
        n=n[there],
        w=w[there],
        w2=w2[there],
        weighted=weighted,
        binned=binned,
    )


def _squares(found: NDArray[np.float64], w: NDArray[np.float64], n: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return sums of squared weights, no less than (sum w)^2 / n.

    No sum of squares is less, and beside a huge weight the squares of tiny ones may have been lost.
    """
    import numpy as np

    with np.errstate(over="ignore"):  # what is infinite is reported as a fault
        least: NDArray[np.float64] = np.maximum(found, w * w / np.maximum(n, 1))
    return least


def _top_step(table: Table, statistic: Values) -> Step:
    """List a column of very many values: only the most frequent leave the engine, with the totals.

    Ties are broken by the engine's order of the values.
    """
    clean = queries.cleaned(table, [statistic.column])
    source = clean.select(value=clean[statistic.column])
    cells = source.group_by("value").aggregate(n=source.count())
    value, n = cells["value"], cells["n"]
    cells = cells.mutate(total=n.sum().over(), distinct=value.count().over())
    listed = cells.order_by(value.isnull().desc(), n.desc(), value.asc()).limit(MAX_VALUES + 1)

    def distribute(result: pa.Table) -> Mapping[Statistic, Answer]:
        spelt = canonical.texts(result["value"].combine_chunks())
        found = _value_counts(zip(spelt, result["n"].to_pylist(), strict=True))
        if not len(result):
            return {statistic: found}
        rows, distinct = (result[name][0].as_py() for name in ("total", "distinct"))
        return {statistic: ValueCounts(rows=rows, nulls=found.nulls, distinct=distinct, counts=found.counts)}

    return Step(
        what=f"list the values of {queries.listed([statistic.column])}",
        expression=listed,
        serves=(statistic,),
        distribute=distribute,
    )
