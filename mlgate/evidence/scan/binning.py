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
from mlgate.evidence.scan.reading import floats

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from mlgate.evidence.tables import Table

BIN_ABOVE = 2_000_000
"""Rows up to which scores are counted exactly."""

MOST_ALIKE = 1e-4
"""The chance that two random rows have scores in one bin, up to which bins tell scores apart well enough:
that of 10,000 bins that hold the same. The order of as many pairs is lost at most, one in 10,000."""

_VALUE = "score value"
_LARGEST: Mapping[ScoreSum, float] = {
    "score": 1.0,
    "squared_error": 1.0,
    "log_loss": -math.log(sys.float_info.epsilon) * (1.0 + sys.float_info.epsilon),
}
"""No quantity is larger."""


def allowed(statistic: Counts) -> bool:
    """Whether a count may come back in bins; it is one of the scores of a binary table, as they are."""
    plain = statistic.view is None and not statistic.clustered
    return statistic.binned is not None and "score" in statistic.roles and plain


def alike(table: Table, name: str) -> ir.Table:
    """Return a row with the chance that two rows of the table have scores in one bin.

    Scores lie in [0, 1]; the bins are those of equal width, without the threshold.
    """
    clean = queries.cleaned(table, [name])
    rough = (number(clean, name) * queries.real(SCORE_BINS)).floor().cast("int32")
    source = clean.select(bin=rough)
    bins = source.group_by("bin").aggregate(n=source.count())
    rows = bins["n"].cast("float64")
    return bins.aggregate(alike=(rows * rows).sum() / (rows.sum() * rows.sum()))


def bin_of(score: ir.FloatingColumn, threshold: float) -> ir.IntegerColumn:
    """Return the number of the bin of a score in [0, 1]; rises with the score.

    A score on an edge k / SCORE_BINS, as a float, belongs to the bin above, which the rounded product alone
    would not see to. The sum of two numbers that rise with the score tells apart what either does.
    """
    size = queries.real(SCORE_BINS)
    rough = (score * size).floor()
    up = (score >= (rough + queries.real(1)) / size).cast("float64")
    down = (score < rough / size).cast("float64")
    above = (score >= queries.real(threshold)).cast("int32")
    return (rough + up - down).cast("int32") + above


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


def read(result: pa.Table, wanted: Iterable[ScoreSum], there: NDArray[np.bool_]) -> Binned:
    """Read what `aggregates` returned of the groups that are there."""

    def sums(name: ScoreSum) -> Sums:
        first, squares = (floats(result[f"{name} {kind}"])[there] for kind in ("first", "squares"))
        weighted = f"{name} second" in result.column_names
        second = floats(result[f"{name} second"])[there] if weighted else first
        return Sums(first=first, second=second, squares=squares)

    return Binned(
        low=floats(result["low"])[there],
        high=floats(result["high"])[there],
        sums={name: sums(name) for name in wanted},
    )


def middles(bins: NDArray[np.float64], binned: Binned) -> NDArray[np.float64]:
    """Return one score for each cell, the same for all cells of a bin: the middle of all scores in it."""
    import numpy as np

    place = bins.astype(np.int64)
    low = np.full(SCORE_BINS + 2, math.inf)
    high = np.full(SCORE_BINS + 2, -math.inf)
    np.minimum.at(low, place, binned.low)
    np.maximum.at(high, place, binned.high)
    return (low[place] + high[place]) / 2.0
