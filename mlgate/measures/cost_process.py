"""What a new process of a model costs: the time until it can answer, and its memory."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from mlgate.cells import Answers, Columns, Drawn, Loaded, ProcessCost, Scorer, Statistic
from mlgate.estimates import Estimate
from mlgate.intervals.quantile import order_statistics
from mlgate.measures import measure
from mlgate.measures.timing import asked

if TYPE_CHECKING:
    import pyarrow as pa

Runs = Annotated[int, Field(ge=5, le=50)]

PAGE = 4096.0
"""Bytes: memory is read in pages of at least this size."""

PEAK_ROWS = 1000
"""Rows that a new process scores."""


@measure(
    id="cost.load_time",
    kind="timing",
    unit="s",
    better="lower",
    needs=("model",),
    source="median over new processes; order statistics, David and Nagaraja 2003, 7.1",
)
class LoadTime:
    """Seconds from the start of a process until the model in it is loaded, libraries and all.

    The median over `runs` new processes. Files that were read just before come from the system's memory.
    """

    def __init__(self, *, runs: Runs = 5, seed: int = 0) -> None:
        """Declare the parameter: how many processes."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the model and a few rows, so that it is surely loaded."""
        return [Loaded(), Drawn(columns.features, PEAK_ROWS, params["seed"])]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Start it anew, several times."""
        found = _started_anew(cells, params["runs"])
        if isinstance(found, Estimate):
            return found
        return _median([one.load_seconds for one in found], "how long it took to load")


@measure(
    id="cost.peak_memory",
    kind="timing",
    unit="bytes",
    better="lower",
    needs=("model",),
    source="high-water mark of the resident memory of the model's process; median over new processes",
)
class PeakMemory:
    """Most bytes that the model's process held at once, from its start to the end of scoring 1000 rows.

    With the interpreter and the libraries in it. The median over `runs` new processes.
    """

    def __init__(self, *, runs: Runs = 5, seed: int = 0) -> None:
        """Declare the parameter: how many processes."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the model and for rows."""
        return [Loaded(), Drawn(columns.features, PEAK_ROWS, params["seed"])]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Start it anew, several times, and score."""
        found = _started_anew(cells, params["runs"])
        if isinstance(found, Estimate):
            return found
        peaks = [None if one.peak_bytes is None else float(one.peak_bytes) for one in found]
        return _median(peaks, "how much memory its process held", step=PAGE)


def _started_anew(cells: Answers, runs: int) -> list[ProcessCost] | Estimate:
    """Return the costs of new processes that each scored the rows, or why there are none."""
    given = asked(cells)
    if isinstance(given, Estimate):
        return given
    scorer, rows = given
    if scorer.facts.isolation is None:
        return Estimate.missing(
            "the model runs elsewhere, behind an endpoint: nothing is known of its process"
        )
    for known, number, size, found in _STARTED:
        if known is scorer and number == runs and size == rows.num_rows:
            return found
    found = [_once(scorer, rows) for _ in range(runs)]
    _STARTED.append((scorer, runs, rows.num_rows, found))
    return found


_STARTED: deque[tuple[Scorer, int, int, list[ProcessCost]]] = deque(maxlen=4)
"""The last ones: time to load and memory are two checks of the same processes."""


def _once(scorer: Scorer, rows: pa.Table) -> ProcessCost:
    new = scorer.afresh()
    try:
        new.score(rows)
        return new.cost()
    finally:
        new.close()


def _median(found: Sequence[float | None], what: str, *, step: float = 0.0) -> Estimate:
    """Return the median with its interval; `step` is how finely it can be read, the least width."""
    import numpy as np

    values = np.array([math.nan if one is None else one for one in found], dtype=float)
    if not np.isfinite(values).all():
        return Estimate.missing(f"it is not known {what}", n=len(values))
    if step > 0.0 and len(np.unique(values)) == 1:
        values = np.append(values, (values[0] - step, values[0] + step))
    ones = np.ones(len(values))
    value = float(np.median(values))
    interval = order_statistics(value, values, ones, ones, level=0.5, lowest=0.0)
    return Estimate(
        value=value,
        n=len(found),
        interval=interval,
        reason=None if interval else "all runs were exactly alike",
    )
