"""Categories that another table has never seen: a count, which needs no interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlgate.cells import Answers, Columns, On, Statistic, ValueCounts, Values
from mlgate.estimates import Estimate, GroupEstimate
from mlgate.measures import drift_columns, measure
from mlgate.measures.against import Against
from mlgate.measures.drift_columns import Pair, Unjudged
from mlgate.measures.named import EMPTY


@measure(
    id="drift.new_categories",
    kind="fact",
    unit="1",
    better="lower",
    source="share of rows whose value is not among those of the reference: 1 - pandas.Series.isin",
)
class NewCategories:
    """Largest share of rows, in any column of categories, whose value the other table does not have.

    Default: all features of both tables that are texts, truth values or declared `categorical`. Values are
    compared as text: 1 and 1.0 are one. Of the rows that have a value; rows count alike, whatever they weigh.
    Columns of more than 10,000 values are listed and not judged, as are those of which each value occurs once
    in the other table: they are keys or free text. A column of categories that only one table has, that is
    of another type there, or has no values there, leaves the finding not measured.
    """

    name = "drift.new_categories"

    def __init__(
        self,
        *,
        against: Against | None = None,
        columns: list[str] | None = None,
        ignore: list[str] | None = None,
    ) -> None:
        """Declare the parameters; the values come with each call."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask both tables for the values of each column of categories."""
        del columns
        other = params["against"].name
        pairs, _ = self._chosen(params)
        return [one for pair in pairs for one in (Values(pair.here), On(other, Values(pair.there)))]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the largest share, with a line for each column."""
        against: Against = params["against"]
        pairs, left_out = self._chosen(params)
        lines, faults = [], [one for one in left_out if one.fault]
        rows = 0
        for pair in pairs:
            here = cells.get(Values(pair.here), ValueCounts)
            there = cells.get(On(against.name, Values(pair.there)), ValueCounts)
            rows = max(rows, here.rows)
            unfit = _unfit(pair, here, there, against.name)
            if unfit is not None:
                faults += [unfit] if unfit.fault else []
                lines.append(_listed(unfit, here.rows))
            else:
                lines.append(_new(pair, here, there))
        lines += [_listed(one, rows) for one in left_out]
        lines.sort(key=lambda line: (-1.0 if line.value is None else -line.value - 2.0, line.group["column"]))
        if faults:
            reason = "; ".join(f"column {one.name!r}: {one.reason}" for one in faults[:3])
            return Estimate.missing(reason, n=rows, groups=tuple(lines))
        values = [line.value for line in lines if line.value is not None]
        if not values:
            return Estimate.missing("no column of categories to compare", n=rows, groups=tuple(lines))
        return Estimate(value=max(values), n=rows, groups=tuple(lines))

    def _chosen(self, params: Mapping[str, Any]) -> tuple[list[Pair], list[Unjudged]]:
        """Return the columns of categories, and what is wrong with those that might be some."""
        against, ignore = params["against"], params["ignore"] or ()
        pairs, left_out = drift_columns.features(self.name, against, params["columns"], ignore)
        numbers = [pair for pair in pairs if pair.sort == "numbers"]
        faults = [
            Unjudged(name=pair.name, reason="it is of numbers; declare it `categorical`", fault=True)
            for pair in numbers
            if pair.named
        ]
        kept = [one for one in left_out if one.fault and drift_columns.may_be_categories(against, one.name)]
        return [pair for pair in pairs if pair.sort == "categories"], [*kept, *faults]


def _unfit(pair: Pair, here: ValueCounts, there: ValueCounts, against: str) -> Unjudged | None:
    """Say why a column cannot be compared; None when it can."""
    for one, table in ((here, "the judged table"), (there, f"table {against!r}")):
        if one.rows == one.nulls:
            reason = EMPTY if one.rows == 0 else f"every value is missing in {table}"
            return Unjudged(name=pair.name, reason=reason, fault=True)
    return drift_columns.no_categories(pair.name, here, there, against, named=pair.named)


def _listed(one: Unjudged, rows: int) -> GroupEstimate:
    return GroupEstimate(group={"column": one.name}, n=rows, value=None, judged=False, reason=one.reason)


def _new(pair: Pair, here: ValueCounts, there: ValueCounts) -> GroupEstimate:
    """Count the rows of a column whose value is new."""
    known = {value for value, _ in there.counts}
    new = [n for value, n in here.counts if value not in known]
    filled = here.rows - here.nulls
    return GroupEstimate(
        group={"column": pair.name},
        n=here.rows,
        value=sum(new) / filled,
        numerator=float(sum(new)),
        denominator=float(filled),
        reason=f"new values: {len(new)}" if new else None,
    )
