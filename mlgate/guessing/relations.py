"""How columns of a table relate: which score ranks which label, what adds up to what.

Everything is asked of the engine that has the table, as aggregates: no row leaves it.
"""

from __future__ import annotations  # noqa: I001

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlgate.evidence import queries
from mlgate.evidence.tables import Table
from mlgate.guessing.columns import Facts
import itertools

_DIGITS = 4
"""Digits of a score that are told apart when it is held against a label."""


def unique(table: Table, name: str) -> bool:
    """Whether no two rows share a value of the column, and none lacks one."""
    source = queries.cleaned(table, [name])
    asked = source.aggregate(rows=source.count(), held=source[name].count(), distinct=source[name].nunique())
    row = queries.run(table, asked, "look for a key").to_pylist()[0]
    return bool(row["rows"] and row["rows"] == row["held"] == row["distinct"])


def areas(table: Table, score: str, labels: Iterable[Facts]) -> dict[str, tuple[str, float]]:
    """Hold a score against columns of two values.

    Returns, for each of them, the value that the score is higher for, and the area under the ROC curve
    for it, in [0.5, 1]. Scores are told apart to four digits.
    """
    found = {}
    for label in labels:
        counts = _crossed(table, label.name, score)
        if len(counts) == 2:  # noqa: PLR2004
            (first, low), (second, high) = counts.items()
            area = _area(low, high)
            found[label.name] = (second, area) if area >= 0.5 else (first, 1.0 - area)  # noqa: PLR2004
    return found


def _crossed(table: Table, label: str, score: str) -> dict[str, dict[float, int]]:
    from mlgate.evidence.canonical import texts

    source = queries.cleaned(table, [label, score])
    kept = source.filter(source[label].notnull() & source[score].notnull())
    counted = kept.group_by(v=kept[label], s=kept[score].cast("float64").round(_DIGITS)).aggregate(
        n=lambda t: t.count()
    )
    result = queries.run(table, counted, "hold scores against labels")
    found: dict[str, dict[float, int]] = {}
    for text, at, rows in zip(
        texts(result["v"].combine_chunks()), result["s"].to_pylist(), result["n"].to_pylist(), strict=True
    ):
        by = found.setdefault(text or "", {})
        by[at] = by.get(at, 0) + rows
    return dict(sorted(found.items()))


def _area(low: Mapping[float, int], high: Mapping[float, int]) -> float:
    """Return the share of pairs in which the one of `high` has the higher score, ties counting half."""
    below = won = 0.0
    for at in sorted({*low, *high}):
        won += high.get(at, 0) * (below + low.get(at, 0) / 2)
        below += low.get(at, 0)
    pairs = below * sum(high.values())
    return won / pairs if pairs else 0.5


def pairs(table: Table, first: str, second: str) -> dict[tuple[str, str], int]:
    """Return how many rows have each pair of values, as texts; rows that lack one are left out."""
    from mlgate.evidence.canonical import texts

    source = queries.cleaned(table, [first, second])
    kept = source.filter(source[first].notnull() & source[second].notnull())
    counted = kept.group_by(a=kept[first], b=kept[second]).aggregate(n=lambda t: t.count())
    result = queries.run(table, counted, "compare two columns")
    one, other = (texts(result[name].combine_chunks()) for name in ("a", "b"))
    return {(a or "", b or ""): n for a, b, n in zip(one, other, result["n"].to_pylist(), strict=True)}


def fit(table: Table, prediction: str, labels: Sequence[Facts]) -> dict[str, float]:
    """Return, for each column of numbers, the share of its variance that the prediction leaves unexplained.

    That is 1 - R2 with the prediction taken as it is: 0 for a perfect one, infinite without variance.
    """
    if not labels:
        return {}
    source = queries.cleaned(table, [prediction, *(one.name for one in labels)])
    said = source[prediction].cast("float64")
    asked: dict[str, Any] = {}
    for number, one in enumerate(labels):
        seen = source[one.name].cast("float64")
        asked[f"error{number}"] = ((seen - said) * (seen - said)).mean()
        asked[f"spread{number}"] = seen.var(how="pop")
    row = queries.run(table, source.aggregate(**asked), "hold predictions against labels").to_pylist()[0]
    found = {}
    for number, one in enumerate(labels):
        error, spread = row[f"error{number}"], row[f"spread{number}"]
        known = error is not None and spread and math.isfinite(error) and math.isfinite(spread)
        found[one.name] = error / spread if known else math.inf
    return found


def sums_to_one(table: Table, names: Sequence[str], tolerance: float = 0.01) -> bool:
    """Whether the columns add up to one in every row that has them all, and there is such a row."""
    source = queries.cleaned(table, names)
    total = source[names[0]].cast("float64")
    for name in names[1:]:
        total += source[name].cast("float64")
    asked = source.aggregate(low=total.min(), high=total.max())
    row = queries.run(table, asked, "add up scores").to_pylist()[0]
    if row["low"] is None:
        return False
    return bool(row["low"] >= 1 - tolerance and row["high"] <= 1 + tolerance)


def ordered(table: Table, low: str, high: str) -> bool:
    """Whether the one column is never larger than the other."""
    source = queries.cleaned(table, [low, high])
    asked = source.aggregate(n=(source[low] > source[high]).sum().coalesce(0), rows=source.count())
    row = queries.run(table, asked, "compare two columns").to_pylist()[0]
    return bool(row["rows"] and row["n"] == 0)


def ends_by(table: Table, value: str, by: str) -> dict[str, tuple[float, float]]:
    """Return the smallest and the largest number of a column for each value of another one."""
    from mlgate.evidence.canonical import texts

    source = queries.cleaned(table, [value, by])
    kept = source.filter(source[value].notnull() & source[by].notnull())
    counted = kept.group_by(b=kept[by]).aggregate(low=kept[value].min(), high=kept[value].max())
    result = queries.run(table, counted, "look for the threshold")
    names = texts(result["b"].combine_chunks())
    ends = zip(result["low"].to_pylist(), result["high"].to_pylist(), strict=True)
    return {name or "": (float(low), float(high)) for name, (low, high) in zip(names, ends, strict=True)}


def counts_between(table: Table, name: str, edges: Sequence[float]) -> list[int]:
    """Return the rows below the first edge, between each two, and from the last on."""
    source = queries.cleaned(table, [name])
    column = source[name]
    ends = [-math.inf, *edges, math.inf]
    asked = {
        f"n{i}": (
            (column >= low if math.isfinite(low) else column.notnull())
            & (column < high if math.isfinite(high) else column.notnull())
        )
        .sum()
        .coalesce(0)
        for i, (low, high) in enumerate(itertools.pairwise(ends))
    }
    row = queries.run(table, source.aggregate(**asked), "count ages").to_pylist()[0]
    return [int(row[f"n{i}"]) for i in range(len(edges) + 1)]


def sum_pairs(table: Table, label: str, columns: Sequence[str]) -> list[tuple[str, str]]:
    """Return the pairs of columns that add up to the label in every row."""
    source = queries.cleaned(table, [label, *columns])
    chosen = [(a, b) for i, a in enumerate(columns) for b in columns[i + 1 :]]
    if not chosen:
        return []
    asked = {
        f"n{i}": ((source[a] + source[b] - source[label]).abs() > source[label].abs() * 1e-9 + 1e-9)
        .sum()
        .coalesce(0)
        for i, (a, b) in enumerate(chosen)
    }
    held = {f"h{i}": (source[a] + source[b] + source[label]).count() for i, (a, b) in enumerate(chosen)}
    row = queries.run(table, source.aggregate(**asked, **held), "look for leaks").to_pylist()[0]
    return [pair for i, pair in enumerate(chosen) if row[f"n{i}"] == 0 and row[f"h{i}"] > 1]


def one_to_one(table: Table, label: str, columns: Sequence[str]) -> list[str]:
    """Return the columns whose values and those of the label determine each other."""
    found = []
    for name in columns:
        source = queries.cleaned(table, [label, name])
        kept = source.filter(source[label].notnull() & source[name].notnull())
        both = kept.distinct()
        asked = both.aggregate(n=both.count(), a=both[label].nunique(), b=both[name].nunique())
        row = queries.run(table, asked, "look for leaks").to_pylist()[0]
        if row["n"] and row["n"] == row["a"] == row["b"]:
            found.append(name)
    return found


def all_days(table: Table, name: str) -> bool:
    """Whether every text of the column is a day, as 2026-01-31, that the calendar has."""
    source = queries.cleaned(table, [name])
    column = source[name]
    day = column.re_search(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$") & column.try_cast("date").notnull()
    asked = source.aggregate(held=column.count(), days=day.sum().coalesce(0))
    row = queries.run(table, asked, "look for dates").to_pylist()[0]
    return bool(row["held"] and row["held"] == row["days"])
