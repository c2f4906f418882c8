"""Facts about the rows of a table: how many, which are repeated or contradict each other, and of what class.

Counted exactly and without weights, as in `data`. On a table without rows none of them is measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlgate.cells import (
    Answers,
    Cells,
    Columns,
    ConflictCounts,
    Conflicts,
    RepeatCounts,
    Repeats,
    Shape,
    Statistic,
    TableShape,
)
from mlgate.estimates import Estimate, GroupEstimate
from mlgate.measures import measure
from mlgate.measures.named import EMPTY, chosen

_CLASSES = 2
"""Classes that a label needs before one can be the rarer."""


@measure(id="data.row_count", kind="fact", unit="rows", better="higher", source="number of rows of the table")
class RowCount:
    """Number of rows, after the release's `where`; each counts one, whatever its weight."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the shape of the table."""
        del params, columns
        return [Shape()]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the rows; none at all is not a measured size but the absence of a table."""
        del params
        rows = cells.get(Shape(), TableShape).rows
        return Estimate(value=float(rows), n=rows) if rows else Estimate.missing(EMPTY)


@measure(
    id="data.unique_key",
    kind="fact",
    unit="rows",
    better="lower",
    source="pandas.DataFrame.duplicated, keep first, with the rows whose key is missing",
)
class UniqueKey:
    """Number of rows that repeat an earlier row's key, and of rows whose key is missing in any part.

    A row that does both counts twice. Without `columns` the key is the release's; without either, it is
    not measured.
    """

    def __init__(self, *, columns: list[str] | None = None) -> None:
        """Declare the parameter: the columns that together are the key."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask how often keys repeat."""
        if params["columns"] is None:
            return [Repeats((columns.key,))] if columns.key else []
        return [Repeats(chosen("data.unique_key", params["columns"], columns))]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Add up the repeats and the missing keys."""
        del params
        if not cells.of:
            return Estimate.missing("the table has no key column, and the check names no columns")
        asked, found = _repeats(cells)
        if found.rows == 0:
            return Estimate.missing(EMPTY)
        key = ", ".join(asked.columns)
        repeats = found.rows - found.distinct
        lines = tuple(
            GroupEstimate(
                group={"key": key},
                n=found.rows,
                value=float(count),
                rate=rate,
                numerator=float(count),
                denominator=float(found.rows),
            )
            for rate, count in (("repeated", repeats), ("missing", found.nulls))
        )
        return Estimate(value=float(repeats + found.nulls), n=found.rows, groups=lines)


@measure(
    id="data.duplicate_rows",
    kind="fact",
    unit="1",
    better="lower",
    source="pandas.DataFrame.duplicated().mean()",
)
class DuplicateRows:
    """Share of rows that equal an earlier row in every column looked at; null equals null.

    Without `columns` these are all but the release's key, which makes every row its own; predictions and
    scores are among them. `ignore` leaves out more.
    """

    def __init__(self, *, columns: list[str] | None = None, ignore: list[str] | None = None) -> None:
        """Declare the parameters: the columns to look at and those to leave out."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask how often rows repeat."""
        ignore = list(params["ignore"] or ())
        if params["columns"] is None and columns.key:
            ignore.append(columns.key)
        return [Repeats(chosen("data.duplicate_rows", params["columns"], columns, ignore=ignore))]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the share."""
        del params
        _, found = _repeats(cells)
        if found.rows == 0:
            return Estimate.missing(EMPTY)
        return Estimate(value=(found.rows - found.distinct) / found.rows, n=found.rows)


@measure(
    id="data.class_balance",
    kind="fact",
    unit="1",
    better="higher",
    tasks=("binary", "multiclass"),
    needs=("label",),
    source="smallest of pandas.Series.value_counts(normalize=True) over all classes",
)
def class_balance(cells: Cells) -> Estimate:
    """Share of rows in the rarest class of the label; 0 when a class is absent.

    The classes of a multiclass table are those of its labels, predictions and scores.
    """
    rows = cells.rows
    if rows == 0:
        return Estimate.missing(EMPTY)
    names = dict(enumerate(cells.classes)) if cells.classes else {1: "positive", 0: "negative"}
    counts = {name: int(cells.n[cells.roles["label"] == place].sum()) for place, name in names.items()}
    if len(counts) < _CLASSES:
        return Estimate.missing(f"every row is of the class {next(iter(counts))!r}", n=rows)
    lines = tuple(
        GroupEstimate(
            group={"class": name},
            n=count,
            value=count / rows,
            numerator=float(count),
            denominator=float(rows),
        )
        for name, count in counts.items()
    )
    return Estimate(value=min(counts.values()) / rows, n=rows, groups=lines)


@measure(
    id="data.conflicting_labels",
    kind="fact",
    unit="1",
    better="lower",
    tasks=("binary", "multiclass"),
    needs=("label", "features"),
    source="pandas.DataFrame.groupby(features, dropna=False)[label].transform('nunique') > 1",
)
class ConflictingLabels:
    """Share of rows that equal another row in every feature and have another label; null equals null.

    Rows without a label contradict nobody, and count as rows. `columns` and `ignore` choose other columns
    than the features.
    """

    def __init__(self, *, columns: list[str] | None = None, ignore: list[str] | None = None) -> None:
        """Declare the parameters: the columns in which rows may be alike and those to leave out."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask how often labels conflict."""
        wanted = columns.features if params["columns"] is None else params["columns"]
        names = chosen("data.conflicting_labels", wanted, columns, ignore=params["ignore"] or ())
        return [Conflicts(names, str(columns.label))]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the share."""
        del params
        found = cells.get(next(iter(cells.of)), ConflictCounts)
        if found.rows == 0:
            return Estimate.missing(EMPTY)
        if found.unlabelled == found.rows:
            return Estimate.missing("no row has a label", n=found.rows)
        return Estimate(value=found.conflicting / found.rows, n=found.rows)


def _repeats(cells: Answers) -> tuple[Repeats, RepeatCounts]:
    asked = next(one for one in cells.of if isinstance(one, Repeats))
    return asked, cells.get(asked, RepeatCounts)
