"""Timing models: in blocks, in turn, and once for all measures that ask the same of one model."""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlgate.cells import Answers, Drawn, DrawnRows, Loaded, ModelFound, Scorer
from mlgate.estimates import Chart, Estimate, GroupEstimate
from mlgate.intervals.quantile import order_statistics

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

BLOCK = 5
"""Calls behind each other. What disturbs one of them disturbs its neighbours, so a block counts as one
cluster: the interval is wider on a machine that is busy in bursts."""

WARM_UP = 20
"""Calls that do not count: caches, threads and lazy imports are then there."""

SECONDS = 15.0
"""Time that one measurement may take; a slow model is called less often."""

ECHOES = 50

BINS = 40

USUAL = 0.9
"""The two-sided confidence at which an interval has to exist: one-sided 0.95."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Timed:
    """What calls on a model took."""

    seconds: NDArray[np.float64]
    """Shape (calls,), in their order."""
    block: NDArray[np.int64]
    """Shape (calls,): the block of each."""
    rows: int
    """Of each call."""
    there_and_back: float
    """Median seconds of the way to the model and back without asking it; 0.0 where that is not known."""
    load: float | None
    """Of the machine, over the last minute, as a share of its processors; None where it does not say."""


def asked(cells: Answers) -> tuple[Scorer, pa.Table] | Estimate:
    """Return the model and the rows that were drawn, or why there are none."""
    found = cells.get(Loaded(), ModelFound)
    if found.scorer is None:
        return Estimate.missing(found.reason or "there is no model to ask")
    (drawn,) = (one for one in cells.of if isinstance(one, Drawn))
    rows = cells.get(drawn, DrawnRows).table
    if rows.num_rows == 0:
        return Estimate.missing("there are no rows to score")
    return found.scorer, rows


def in_turn(scorers: Sequence[Scorer], rows: Sequence[pa.Table], *, block: int, warm_up: int) -> list[Timed]:
    """Time models on tables of rows: a block of calls of the first, one of the second, and so on.

    Each call is about the next of `rows`, so that an answer which a model has kept is not what is timed, and
    the same for all models, so that a machine that slows down slows all of them. Ends early when `SECONDS`
    are over, after two blocks at least. What was measured for the same models and rows before is returned
    again.
    """
    asked = _Asked(tuple(scorers), rows[0], len(rows), block, warm_up)
    for known, found in _RECENT:
        if known.same(asked):
            return found
    measured = _measured(scorers, rows, block, warm_up)
    _RECENT.append((asked, measured))
    return measured


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """What was measured: the models themselves, the first rows, and how many more."""

    scorers: tuple[Scorer, ...]
    first: pa.Table
    tables: int
    block: int
    warm_up: int

    def same(self, other: _Asked) -> bool:
        """Whether the other asks the same of the same models."""
        if len(self.scorers) != len(other.scorers):
            return False
        if any(a is not b for a, b in zip(self.scorers, other.scorers, strict=True)):
            return False
        numbers = (self.tables, self.block, self.warm_up) == (other.tables, other.block, other.warm_up)
        return numbers and bool(self.first.equals(other.first))


_RECENT: deque[tuple[_Asked, list[Timed]]] = deque(maxlen=4)
"""The last measurements: p50, p95 and p99 are three checks of the same calls."""


def _measured(scorers: Sequence[Scorer], rows: Sequence[pa.Table], block: int, warm_up: int) -> list[Timed]:
    import numpy as np

    started = time.perf_counter()
    for number in range(warm_up):
        if number > 1 and time.perf_counter() - started > SECONDS / 3.0:
            break
        for scorer in scorers:
            scorer.timed(rows[number % len(rows)], calls=1, warm_up=0)
    seconds: list[list[NDArray[np.float64]]] = [[] for _ in scorers]
    started = time.perf_counter()
    for number in range(len(rows) // block):
        if number > 1 and time.perf_counter() - started > SECONDS:
            break
        part = rows[number * block : (number + 1) * block]
        for scorer, own in zip(scorers, seconds, strict=True):
            own.append(np.concatenate([scorer.timed(one, calls=1, warm_up=0) for one in part]))
    load = load_of_machine()
    return [
        Timed(
            seconds=np.concatenate(own),
            block=np.repeat(np.arange(len(own)), block),
            rows=rows[0].num_rows,
            there_and_back=float(np.median(scorer.echoed(rows[0], calls=ECHOES, warm_up=2))),
            load=load,
        )
        for scorer, own in zip(scorers, seconds, strict=True)
    ]


def single_rows(table: pa.Table) -> list[pa.Table]:
    """Return each row as a table."""
    return [table.slice(place, 1) for place in range(table.num_rows)]


def batches(table: pa.Table, size: int, count: int) -> list[pa.Table]:
    """Return `count` tables of `size` rows, each beginning at another row.

    Rows repeat where there are too few.
    """
    import pyarrow as pa

    whole = pa.concat_tables([table] * (math.ceil(size / table.num_rows) + 1)).combine_chunks()
    step = max(table.num_rows // count, 1)
    return [whole.slice(number * step % table.num_rows, size) for number in range(count)]


def load_of_machine() -> float | None:
    """Return the load of the last minute as a share of the processors; None on systems that keep none."""
    if not hasattr(os, "getloadavg"):
        return None
    return float(os.getloadavg()[0] / (os.cpu_count() or 1))


def quantile_of(timed: Timed, level: float, *, scale: Callable[[float], float] = float) -> Estimate:
    """Return a quantile of what calls took, each mapped by `scale`, with its order-statistic interval.

    `scale` turns the seconds of a call into the quantity: rows a second, dollars a thousand.
    """
    import numpy as np

    values = np.asarray([scale(one) for one in timed.seconds.tolist()], dtype=float)
    if not np.isfinite(values).all():
        return Estimate.missing("the clock is too coarse: a call took no time at all", n=len(values))
    ones = np.ones(len(values))
    value = float(np.quantile(values, level, method="inverted_cdf"))
    interval = order_statistics(value, values, ones, ones, level=level, clusters=timed.block, lowest=0.0)
    reason = None if interval is not None else "all calls took exactly as long"
    if interval is not None:
        try:
            interval.at(USUAL)
        except ValueError as error:
            reason = (
                f"{error}; ask for more calls (params.calls), a quantile of {level:g} needs {needed(level)}"
            )
    return Estimate(value=value, n=len(values), interval=interval if reason is None else None, reason=reason)


def needed(level: float) -> int:
    """Return how many independent calls bound a quantile on both sides at `USUAL` confidence."""
    tail = (1.0 - USUAL) / 2.0
    return math.ceil(math.log(tail) / math.log(max(level, 1.0 - level)))


def circumstances(timed: Timed, name: str = "the model") -> Iterator[GroupEstimate]:
    """Yield lines that say under which circumstances calls were timed; none of them is judged."""
    calls = len(timed.seconds)
    yield GroupEstimate(
        group={"part": f"way to {name} and back, median"}, n=ECHOES, value=timed.there_and_back, judged=False
    )
    if timed.load is not None:
        yield GroupEstimate(
            group={"part": "load of the machine, as a share of its processors"},
            n=calls,
            value=timed.load,
            judged=False,
        )


def histogram(timed: Timed, title: str) -> Chart:
    """Return how long calls took; the slowest one in a hundred lie in the last bar together."""
    import numpy as np

    found = timed.seconds
    low, most, high = float(found.min()), float(np.quantile(found, 0.99)), float(found.max())
    edges = np.linspace(low, most, BINS + 1) if most > low else np.array([low, high])
    if high > most > low:
        edges = np.append(edges, high)
    if not edges[-1] > edges[0]:
        edges = np.array([low, low * (1.0 + 1e-9) + 1e-12])
    counts, _ = np.histogram(found, bins=edges)
    return Chart(
        kind="histogram",
        title=title,
        data={
            "low": tuple(edges[:-1].tolist()),
            "high": tuple(edges[1:].tolist()),
            "rows": tuple(float(one) for one in counts),
        },
    )
