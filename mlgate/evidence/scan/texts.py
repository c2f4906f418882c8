"""What the texts of a column look like, told from its distinct values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mlgate.cells import Answer, SortCounts, Sorts, Statistic, TableStatistic
from mlgate.errors import EvidenceError
from mlgate.evidence import queries
from mlgate.evidence.queries import Step

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

    from mlgate.evidence.tables import Table

_WHOLE = r"(?:0|[1-9][0-9]*|[1-9][0-9]{0,2}(?:,[0-9]{3})+)"
_NUMBER = rf"[ \t]*[+-]?(?:{_WHOLE}(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[ \t]*"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}|[0-9]{1,2}[./][0-9]{1,2}[./][0-9]{4}"
_TIME = r"[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
PATTERNS: Mapping[str, str] = {
    "numbers": _NUMBER,
    "dates": rf"(?:{_DAY})(?:{_TIME})?",
    "truths": "True|true|TRUE|False|false|FALSE",
}
"""What a text has to look like as a whole, in the order in which they are tried. Digits that begin with a
zero (`007`) are a name, as for the reader of CSV files."""

WORDS = "words"


def steps(table: Table, statistics: Sequence[TableStatistic]) -> list[Step]:
    """Return the queries that answer all `Sorts` of a table, one for each column."""
    return [_step(table, one) for one in statistics if isinstance(one, Sorts)]


def _step(table: Table, statistic: Sorts) -> Step:
    import ibis

    clean = queries.cleaned(table, [statistic.column])
    column = clean[statistic.column]
    if not column.type().is_string():
        raise EvidenceError(
            queries.where(table, statistic.column),
            f"is {queries.type_of(column)}, and only texts are told apart by what they look like",
            "name a column of texts",
        )
    source = clean.select(value=column)
    # Few texts are long lists of distinct ones, so the patterns meet each text once.
    groups = source.group_by("value").aggregate(n=source.count())
    value: ir.StringColumn = groups["value"]
    sort = ibis.cases(
        (value.isnull(), "nulls"),
        *((value.re_search(f"^(?:{pattern})$"), name) for name, pattern in PATTERNS.items()),
        else_=WORDS,
    )
    sorted_ = groups.select(sort=sort, n=groups["n"])

    def distribute(result: pa.Table) -> Mapping[Statistic, Answer]:
        found = dict(zip(result["sort"].to_pylist(), map(int, result["n"].to_pylist()), strict=True))
        rows = sum(found.values())
        found.pop("nulls", None)
        return {statistic: SortCounts(rows=rows, **{name: found.get(name, 0) for name in (*PATTERNS, WORDS)})}

    return Step(
        what=f"tell what the texts of {queries.listed([statistic.column])} look like",
        expression=sorted_.group_by("sort").aggregate(n=sorted_["n"].sum()),
        serves=(statistic,),
        distribute=distribute,
    )
