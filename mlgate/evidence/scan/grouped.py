"""Counting: which group-by queries answer `Counts` and `Values`, and how few of them.

Counts without scores, and values of columns, are fused: as many keys as give less than about 200,000
cells go into one query, of which each statistic is a marginal. Scores cross one set of groups at a time;
a statistic whose groups are part of another's is a marginal of that one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mlgate.cells import (
    ROLES,
    Answer,
    Bins,
    By,
    Cells,
    Counts,
    Statistic,
    TableStatistic,
    ValueCounts,
    Values,
)
from mlgate.errors import EvidenceError
from mlgate.evidence import canonical, queries
from mlgate.evidence.queries import Step
from mlgate.evidence.scan.frames import Frame, marginal
from mlgate.evidence.scan.survey import Survey, number

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from mlgate.evidence.tables import Table

FUSED_CELLS = 200_000
"""Estimated cells up to which statistics share a query."""

MAX_CELLS = 1_000_000
"""More combinations of groups than this are not fetched: nobody can judge them."""

MAX_SCORE_CELLS = 20_000_000
"""More combinations with distinct scores than this are not fetched: they would take gigabytes."""

MAX_VALUES = 10_000
"""Values of a column that are listed."""

_CLASSES = 3
"""Values that a label or prediction can have in a cell: negative, positive, missing."""


@dataclass(frozen=True, kw_only=True)
class Keys:
    """What a query groups by."""

    roles: frozenset[str] = frozenset()
    by: frozenset[By] = frozenset()

    @classmethod
    def of(cls, statistic: Counts | Values) -> Keys:
        """Return what a statistic needs to be grouped by."""
        if isinstance(statistic, Values):
            return cls(by=frozenset([statistic.column]))
        return cls(roles=frozenset(statistic.roles), by=frozenset(statistic.by))

    def __or__(self, other: Keys) -> Keys:
        """Return the keys of either."""
        return Keys(roles=self.roles | other.roles, by=self.by | other.by)

    def covers(self, other: Keys) -> bool:
        """Whether `other` is a marginal of these keys."""
        return self.roles >= other.roles and self.by >= other.by

    def cells(self, survey: Survey) -> int:
        """Estimate the number of cells, scores left out: all combinations, seen or not."""
        product: int = _CLASSES ** len(self.roles - {"score"})
        for one in self.by:
            product *= survey.sizes[one]
        return product

    def __str__(self) -> str:
        """Name the keys for a person: `label, prediction by age in bins, sex`."""
        roles = ", ".join(role for role in ROLES if role in self.roles) or "rows"
        names = [f"{by.column} in bins" if isinstance(by, Bins) else by for by in self.sorted_by()]
        return f"{roles} by {queries.listed(names)}" if names else roles

    def sorted_by(self) -> list[By]:
        """Return the groupings in an order that is the same on every run."""
        return sorted(self.by, key=repr)


@dataclass
class _Share:
    """A query under construction."""

    keys: Keys
    serves: list[Counts | Values] = field(default_factory=list)


def steps(table: Table, statistics: Sequence[TableStatistic], survey: Survey) -> list[Step]:
    """Return the queries that answer all `Counts` and `Values` of a table."""
    counts = [one for one in statistics if isinstance(one, Counts)]
    values = [one for one in statistics if isinstance(one, Values)]
    scored = [one for one in counts if "score" in one.roles]
    plain = [one for one in counts if "score" not in one.roles]
    listed = [one for one in values if survey.sizes[one.column] <= MAX_VALUES]
    planned = [_count_step(table, survey, share, MAX_CELLS) for share in _pack([*plain, *listed], survey)]
    planned += [_count_step(table, survey, share, MAX_SCORE_CELLS) for share in _cover(scored, survey)]
    return planned + [_top_step(table, one) for one in values if one not in listed]


def _pack(statistics: Iterable[Counts | Values], survey: Survey) -> list[_Share]:
    """Fuse greedily: the largest first, each into the first query that it does not make too large."""
    shares: list[_Share] = []
    for one in sorted(statistics, key=lambda one: (-Keys.of(one).cells(survey), repr(one))):
        keys = Keys.of(one)
        fits = (share for share in shares if _fits(share, keys, survey))
        share = next(fits, None)
        if share is None:
            share = _Share(keys=keys)
            shares.append(share)
        share.keys |= keys
        share.serves.append(one)
    return shares


def _fits(share: _Share, keys: Keys, survey: Survey) -> bool:
    """Whether a query can serve these keys too: as it is, or grown by no more than is worth fusing."""
    if share.keys.covers(keys):
        return _is_safe(share.keys, survey)
    return (share.keys | keys).cells(survey) <= FUSED_CELLS


def _is_safe(keys: Keys, survey: Survey) -> bool:
    """Whether a query is sure to stay under the limit, so that small counts cannot fail with large ones."""
    return keys.cells(survey) <= MAX_CELLS // 2


def _cover(scored: Iterable[Counts], survey: Survey) -> list[_Share]:
    """Share queries with scores: one for each set of groups that no other set contains."""
    shares: list[_Share] = []
    for one in sorted(scored, key=lambda one: (-len(set(one.by)), repr(one))):
        keys = Keys.of(one)
        wider = (one for one in shares if one.keys.by >= keys.by)
        share = next((one for one in wider if one.keys.by == keys.by or _is_safe(one.keys, survey)), None)
        if share is None:
            share = _Share(keys=keys)
            shares.append(share)
        share.keys |= keys
        share.serves.append(one)
    return shares


def _count_step(table: Table, survey: Survey, share: _Share, most: int) -> Step:
    what = f"count {share.keys}"

    def distribute(result: pa.Table) -> dict[Statistic, Answer]:
        if len(result) > most or _too_many_texts(result):
            return {one: _too_many(table, one, share.keys, most) for one in share.serves}
        frame = _frame(table, share.keys, result)
        rows = int(frame.n.sum())
        if rows != survey.rows:
            raise EvidenceError(
                table.location,
                f"the first look found {survey.rows} rows and the count {rows}",
                "judge a table that nobody writes to",
            )
        return {one: _answer(frame, survey, one) for one in share.serves}

    return Step(
        what=what,
        expression=_grouped(table, survey, share.keys).limit(most + 1),
        serves=tuple(share.serves),
        distribute=distribute,
    )


def _answer(frame: Frame, survey: Survey, statistic: Counts | Values) -> Cells | ValueCounts:
    if isinstance(statistic, Counts):
        return marginal(frame, statistic.roles, statistic.by, survey.fault(statistic.roles))
    cells = marginal(frame, (), (statistic.column,), None)
    values = list(zip(cells.groups[statistic.column].tolist(), cells.n.tolist(), strict=True))
    return _value_counts(values)


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


def _too_many_texts(result: pa.Table) -> bool:
    """Whether a grouping column has more different values than Python should spell."""
    import pyarrow.compute as pc

    if len(result) <= MAX_CELLS:
        return False
    groups = [name for name in result.column_names if name.startswith("g")]
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

    clean = queries.cleaned(table, _columns(table, keys))
    picked: dict[str, Any] = {role: _role(table, clean, survey, role) for role in _engine_roles(table, keys)}
    for position, by in enumerate(keys.sorted_by()):
        picked[f"g{position}"] = _bin_index(table, clean, by) if isinstance(by, Bins) else clean[by]
    names = list(picked)
    if table.columns.weight is not None:
        weight = number(clean, table.columns.weight)
        # What is no weight is a fault of the survey; here it only must not spoil the sums.
        sound = (weight >= 0) & ~queries.is_infinite(weight)
        picked["weight"] = sound.ifelse(weight, ibis.literal(0.0, "float64"))
    source = clean.select(**picked) if picked else clean
    sums: dict[str, Any] = {"n": source.count()}
    if "weight" in picked:
        w, largest, rows = source["weight"], survey.largest_weight, survey.rows
        sums["w"] = queries.exact_sum(table, w, largest=largest, rows=rows)
        sums["w2"] = queries.exact_sum(table, w * w, largest=largest * largest, rows=rows)
    return source.group_by(names).aggregate(**sums) if names else source.aggregate(**sums)


def _columns(table: Table, keys: Keys) -> list[str]:
    """Return the columns of the table that a query with these keys reads."""
    columns = table.columns
    prediction = columns.score if columns.prediction is None else columns.prediction
    column_of = {"label": columns.label, "prediction": prediction, "score": columns.score}
    read = [column_of[role] for role in ROLES if role in keys.roles]
    read += [by.column if isinstance(by, Bins) else by for by in keys.sorted_by()]
    return [name for name in (*read, columns.weight) if name is not None]


def _engine_roles(table: Table, keys: Keys) -> list[str]:
    """Return the roles that the engine groups by; a prediction that follows from the score is not one."""
    follows = "score" in keys.roles and table.columns.prediction is None
    return [role for role in ROLES if role in keys.roles and not (follows and role == "prediction")]


def _role(table: Table, clean: ir.Table, survey: Survey, role: str) -> ir.Column:
    import ibis

    columns = table.columns
    if role == "score":
        return number(clean, str(columns.score))
    if role == "prediction" and columns.prediction is None:
        score = number(clean, str(columns.score))
        one, zero = ibis.literal(1, "int8"), ibis.literal(0, "int8")
        return ibis.cases((score >= queries.real(table.threshold), one), (score.notnull(), zero))
    name = columns.label if role == "label" else columns.prediction
    return survey.codings[role].expression(clean[str(name)])


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


def _frame(table: Table, keys: Keys, result: pa.Table) -> Frame:
    """Bring the result of a group-by to arrays, spelt canonically."""
    import numpy as np

    roles = {role: _floats(result[role]) for role in _engine_roles(table, keys)}
    if "score" in roles:
        roles["score"] += 0.0  # -0.0 becomes 0.0
    if "prediction" in keys.roles and "prediction" not in roles:
        score = roles["score"]
        roles["prediction"] = np.where(np.isnan(score), np.nan, score >= table.threshold)
    groups = {}
    for position, by in enumerate(keys.sorted_by()):
        column = result[f"g{position}"]
        groups[by] = canonical.binned(column, by.edges) if isinstance(by, Bins) else canonical.coded(column)
    n = result["n"].to_numpy().astype(np.int64)
    there = n > 0  # without keys, an empty table gives one row that counts nothing
    weighted = table.columns.weight is not None
    w = _floats(result["w"]) if weighted else n.astype(np.float64)
    w2 = _squares(_floats(result["w2"]), w, n) if weighted else w
    return Frame(roles=roles, groups=groups, n=n[there], w=w[there], w2=w2[there], weighted=weighted)


def _squares(found: NDArray[np.float64], w: NDArray[np.float64], n: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return sums of squared weights, no less than (sum w)^2 / n.

    No sum of squares is less, and beside a huge weight the squares of tiny ones may have been lost.
    """
    import numpy as np

    with np.errstate(over="ignore"):  # what is infinite is reported as a fault
        least: NDArray[np.float64] = np.maximum(found, w * w / np.maximum(n, 1))
    return least


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return a column of numbers as floats, null as NaN."""
    import pyarrow as pa

    values: NDArray[np.float64] = column.cast(pa.float64()).to_numpy()
    return values.copy()  # Arrow's own buffer is read-only


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
