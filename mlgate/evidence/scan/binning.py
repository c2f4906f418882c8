"""Very many scores, counted in bins: what the engine computes of each, and when it is asked to.

A count of exact scores has about as many cells as the table has rows. In bins it has at most a few hundred
thousand, and what is a sum over rows (losses, mean scores) is summed up by the engine, from the exact scores.
Only the order of scores within a bin is lost; measures that need it say how much it could matter.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mlgate.cells import SCORE_BINS, Binned, Counts, ScoreSum, Sums
from mlgate.evidence import queries
from mlgate.evidence.scan.numbers import number
from mlgate.evidence.scan.reading import CHAMPION, floats

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from mlgate.evidence.tables import Table

BIN_ABOVE = 500_000
"""Rows up to which scores are counted exactly. With a million, exact ones cost 2 seconds and 200 megabytes
more, and bins make the interval of an area of 0.8 wider by a hundredth."""

MOST_ALIKE = 1e-4
"""The share of pairs of rows with both scores in one bin up to which bins tell scores apart well enough: that
of rows in 10,000 bins that hold the same. Of one pair in 10,000, at most, the order is lost."""

_VALUE = "score value"
_LARGEST: Mapping[ScoreSum, float] = {
    "score": 1.0,
    "squared_error": 1.0,
    "log_loss": -math.log(sys.float_info.epsilon) * (1.0 + sys.float_info.epsilon),
}
"""No quantity is larger."""


def allowed(statistic: Counts) -> bool:
    """Whether a count may come back in bins: it is one of the scores of a binary table, as they are."""
    plain = statistic.view is None and not statistic.clustered
    alone = "score" in statistic.roles and not any(role.startswith(CHAMPION) for role in statistic.roles)
    return statistic.binned is not None and alone and plain


def look(table: Table, name: str) -> ir.Table:
    """Return a row with the share of all pairs of rows that have both scores in one bin.

    Scores lie in [0, 1]; the bins are those of equal width, roughly, without the threshold.
    """
    clean = queries.cleaned(table, [name])
    rough = (number(clean, name) * queries.real(SCORE_BINS)).floor().cast("int32")
    source = clean.select(bin=rough)
    bins = source.group_by("bin").aggregate(n=source.count())
    n = bins["n"].cast("float64")
    pairs = n.sum() * (n.sum() - queries.real(1))
    return bins.aggregate(alike=(n * (n - queries.real(1))).sum() / pairs)


def apart(found: pa.Table) -> bool:
    """Whether bins tell the scores of a table apart well enough, by what `look` found."""
    share = found["alike"][0].as_py()
    return share is not None and bool(share <= MOST_ALIKE)  # of one row there are no pairs


def bin_of(
    score: ir.FloatingColumn, threshold: float, weight: ir.FloatingColumn | None = None
) -> ir.IntegerColumn:
    """Return the number of the bin of a score in [0, 1]; rises with the score.

    Rows that weigh nothing have bins of their own, so that measures can leave them out. A score on an edge
    k / SCORE_BINS, as a float, belongs to the bin above, which the rounded product alone would not see to.
    The sum of two numbers that rise with the score tells apart what either does.
    """
    size = queries.real(SCORE_BINS)
    rough = (score * size).floor()
    up = (score >= (rough + queries.real(1)) / size).cast("float64")
    down = (score < rough / size).cast("float64")
    above = (score >= queries.real(threshold)).cast("int32")
    found = (rough + up - down).cast("int32") + above
    return found * 2 + (1 if weight is None else (weight > 0).cast("int32"))


def columns(
    score: ir.FloatingColumn, label: ir.IntegerColumn | None, wanted: Iterable[ScoreSum]
) -> dict[str, ir.FloatingColumn]:
    """Return what is summed up besides the rows, by name; `label` is 0 or 1."""
    found = {_VALUE: score}
    for name in wanted:
        if name == "score":
            continue
        if label is None:
            raise TypeError(f"no label is counted, and {name} is about it")
        found[name] = _loss(name, score, label)
    return found


def _loss(name: ScoreSum, score: ir.FloatingColumn, label: ir.IntegerColumn) -> ir.FloatingColumn:
    import ibis

    if name == "squared_error":
        away = score - label.cast("float64")
        return away * away
    tiny = sys.float_info.epsilon
    given = (label == 1).ifelse(score, queries.real(1) - score)
    cut = ibis.least(ibis.greatest(given, queries.real(tiny)), queries.real(1.0 - tiny))
    return -cut.ln()


def aggregates(
    table: Table,
    source: ir.Table,
    wanted: Iterable[ScoreSum],
    *,
    largest_weight: float,
    rows: int,
) -> dict[str, Any]:
    """Return the lowest and highest score and the sums of each group, of the table that `columns` went into.

    With weights, which stand in the column `weight` then, each is a sum of three kinds (`Sums`).
    """
    found: dict[str, Any] = {"low": source[_VALUE].min(), "high": source[_VALUE].max()}
    for name in wanted:
        q, most = source[_VALUE if name == "score" else name], _LARGEST[name]
        if "weight" not in source.columns:
            found[f"{name} first"] = queries.quick_sum(table, q, largest=most)
            found[f"{name} squares"] = queries.quick_sum(table, q * q, largest=most**2)
            continue
        w, largest = source["weight"], largest_weight
        summed = {"first": w * q, "second": w * w * q, "squares": w * q * (w * q)}
        ends = {"first": largest * most, "second": largest**2 * most, "squares": (largest * most) ** 2}
        for kind, values in summed.items():
            found[f"{name} {kind}"] = queries.exact_sum(table, values, largest=ends[kind], rows=rows)
    return found


def read(result: pa.Table, wanted: Iterable[ScoreSum]) -> Binned:
    """Read what `aggregates` returned."""

    def sums(name: ScoreSum) -> Sums:
        first, squares = (floats(result[f"{name} {kind}"]) for kind in ("first", "squares"))
        second = floats(result[f"{name} second"]) if f"{name} second" in result.column_names else first
        return Sums(first=first, second=second, squares=squares)

    return Binned(
        low=floats(result["low"]),
        high=floats(result["high"]),
        sums={name: sums(name) for name in wanted},
    )


def middles(bins: NDArray[np.float64], binned: Binned) -> NDArray[np.float64]:
    """Return one score for each cell, the same for all cells of a bin: the middle of all scores in it."""
    import numpy as np

    place, size = bins.astype(np.int64), 2 * (SCORE_BINS + 2)
    low, high = np.ones(size), np.zeros(size)
    np.minimum.at(low, place, binned.low)
    np.maximum.at(high, place, binned.high)
    middle = (low + high) / 2.0
    return np.asarray(middle[place])
