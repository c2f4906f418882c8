"""Models that are graded row by row: ranking quality per query, a judge's mark per answer, any number."""

from __future__ import annotations

import math

from mlgate.cells import Cells
from mlgate.estimates import Chart, Estimate
from mlgate.intervals import mean_of
from mlgate.measures import measure
from mlgate.measures.binary import counted, unusable
from mlgate.measures.histogram import bars


@measure(
    id="performance.mean_score",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=("scores",),
    needs=("score",),
    clusters=True,
    source="mean of the rows' scores; Student's t interval",
)
def mean_score(cells: Cells) -> Estimate:
    """Mean of the score, weighted: NDCG over queries, marks over answers, whatever the rows hold.

    Scores may be of any size, higher being better. t interval of the mean, which allows for rows that belong
    together. Missing without rows; without an interval when all scores are equal, since nothing then tells
    how uncertain their mean is.
    """
    import numpy as np

    seen = counted(cells)
    reason = unusable(seen)
    if reason is not None:
        return Estimate.missing(reason, n=seen.rows)
    score = seen.roles["score"]
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is not finite, which is seen below
        value = float(np.average(score, weights=seen.w))
    if not math.isfinite(value):
        return Estimate.missing(f"the value is {value}", n=seen.rows)
    interval = mean_of(score, seen.w, seen.w2, clusters=seen.clusters)
    alike = None
    if interval is None:
        alike = (
            "all scores are equal, or come from one row or cluster; nothing tells how uncertain the mean is"
        )
    return Estimate(value=value, n=seen.rows, interval=interval, reason=alike, charts=_histogram(seen))


def _histogram(cells: Cells) -> tuple[Chart, ...]:
    found = bars(cells.roles["score"], cells.n)
    return () if found is None else (Chart(kind="score-histogram", title="Rows by score", data=found),)
