"""What a model costs in time: of one row, of many, beside the champion, and in money."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from mlgate.cells import (
    Answers,
    Columns,
    Drawn,
    DrawnRows,
    Loaded,
    ModelFound,
    Scorer,
    Stated,
    Statement,
    Statistic,
)
from mlgate.estimates import Estimate, GroupEstimate
from mlgate.intervals import bootstrap
from mlgate.measures import measure
from mlgate.measures.timing import (
    BLOCK,
    WARM_UP,
    Timed,
    asked,
    batches,
    circumstances,
    histogram,
    in_turn,
    quantile_of,
    single_rows,
)

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

Level = Annotated[float, Field(gt=0, lt=1)]
Calls = Annotated[int, Field(ge=50, le=100_000)]
Rows = Annotated[int, Field(ge=1, le=1_000_000)]

CHAMPION = "champion"
HOUR = 3600.0
THOUSAND = 1000.0

FEW_BLOCKS = 10
"""Fewer blocks than this say too little of how blocks differ."""


@measure(
    id="cost.latency",
    kind="timing",
    unit="s",
    better="lower",
    needs=("model",),
    source="quantile of the seconds of single-row calls; order statistics, David and Nagaraja 2003, 7.1",
)
class Latency:
    """Seconds within which the share `level` of calls with one row is answered.

    As the gate's clock sees it, with the way to the model's process and back, which is told beside it. After
    calls that do not count, `calls` calls on drawn rows, another one each time while there are others.
    Interval by order statistics, which allows for slow moments that hit several calls at once; a high
    quantile needs many calls.
    """

    def __init__(self, *, level: Level = 0.95, calls: Calls = 1000, seed: int = 0) -> None:
        """Declare the parameters: which quantile, and how many calls."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the model and for rows."""
        return [Loaded(), _rows(params, columns)]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Time the calls."""
        given = asked(cells)
        if isinstance(given, Estimate):
            return given
        scorer, rows = given
        (timed,) = in_turn(
            [scorer], _cycled(single_rows(rows), params["calls"]), block=BLOCK, warm_up=WARM_UP
        )
        return _shown(quantile_of(timed, params["level"]), timed, "Seconds of a call with one row")


@measure(
    id="cost.throughput",
    kind="timing",
    unit="rows/s",
    better="higher",
    needs=("model",),
    source="rows of a batch over the median of its seconds; order statistics, David and Nagaraja 2003, 7.1",
)
class Throughput:
    """Rows that the model scores in a second, when it is given `batch` at once.

    The median over `calls` calls on drawn rows, as the gate's clock sees it, with the way to the model's
    process and back, and with as many threads as the model's process is given.
    """

    def __init__(self, *, batch: Rows = 1000, calls: Calls = 50, seed: int = 0) -> None:
        """Declare the parameters: rows of a batch, and how many batches."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the model and for rows."""
        return [Loaded(), Drawn(columns.features, params["batch"], params["seed"])]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Time the batches."""
        timed = _batched(cells, params)
        if isinstance(timed, Estimate):
            return timed
        found = quantile_of(timed, 0.5, scale=partial(_over, float(timed.rows)))
        return _shown(found, timed, f"Seconds of a call with {timed.rows} rows")


@measure(
    id="cost.per_1000",
    kind="timing",
    unit="USD",
    better="lower",
    needs=("model",),
    source="hourly price of the machine x median seconds of a batch / its rows x 1000",
)
class CostPerThousand:
    """US dollars of a thousand predictions: `costs.hourly_usd` by the measured throughput.

    As fast as this machine is: on another one the number is another. The machine is
    taken to be always busy: idle time is not counted.
    """

    def __init__(self, *, batch: Rows = 1000, calls: Calls = 50, seed: int = 0) -> None:
        """Declare the parameters: rows of a batch, and how many batches."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the model, for rows and for the price."""
        return [
            Stated("costs.hourly_usd"),
            Loaded(),
            Drawn(columns.features, params["batch"], params["seed"]),
        ]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Time the batches and price them."""
        price = cells.get(Stated("costs.hourly_usd"), Statement).value
        if not isinstance(price, int | float) or not price > 0:
            said = "does not say" if price is None else "says nothing above 0 for"
            return Estimate.missing(
                f"the release {said} what an hour of the machine costs; add costs.hourly_usd"
            )
        timed = _batched(cells, params)
        if isinstance(timed, Estimate):
            return timed
        factor = float(price) / HOUR / timed.rows * THOUSAND
        return _shown(
            quantile_of(timed, 0.5, scale=partial(_times, factor)),
            timed,
            f"Seconds of a call with {timed.rows} rows",
        )


@measure(
    id="cost.versus_champion",
    kind="timing",
    unit="1",
    better="lower",
    needs=("model", CHAMPION),
    source="ratio of quantiles of calls in turn (A B A B); bootstrap over blocks of calls",
)
class VersusChampion:
    """How many times as long as the champion the model takes, both measured in turn in this run.

    `quantity` is `latency-p50`, `latency-p95` or `latency-p99` of calls with one row, or `seconds-per-row` of
    batches. Blocks of calls alternate between the two on the same rows, so that a busy machine slows both;
    the interval resamples the pairs of blocks.
    """

    def __init__(
        self,
        *,
        quantity: Literal["latency-p50", "latency-p95", "latency-p99", "seconds-per-row"] = "latency-p50",
        calls: Calls = 500,
        batch: Rows = 1000,
        seed: int = 0,
    ) -> None:
        """Declare the parameters: what is compared, and on how many calls."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for both models; what rows they take is known once they are loaded."""
        del params, columns
        return [Loaded(), Loaded("champion")]

    def further(self, cells: Answers, params: Mapping[str, Any]) -> list[Statistic]:
        """Ask for rows with the features of both."""
        both = [cells.get(one, ModelFound).scorer for one in (Loaded(), Loaded("champion"))]
        return [] if None in both else [self._drawn([one for one in both if one is not None], params)]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Time both in turn."""
        both: list[Scorer] = []
        for one, name in ((Loaded(), "the model"), (Loaded("champion"), "the champion")):
            found = cells.get(one, ModelFound)
            if found.scorer is None:
                return Estimate.missing(f"{name} cannot be timed: {found.reason}")
            both.append(found.scorer)
        rows = cells.get(self._drawn(both, params), DrawnRows).table
        if rows.num_rows == 0:
            return Estimate.missing("there are no rows to score")
        level, single = _LEVELS[params["quantity"]], params["quantity"] != "seconds-per-row"
        parts = single_rows(rows) if single else batches(rows, params["batch"], FEW_BLOCKS * BLOCK)
        own, other = in_turn(
            both,
            _cycled(parts, params["calls"]) if single else parts,
            block=BLOCK,
            warm_up=WARM_UP if single else 2,
        )
        return _ratio(own, other, level, params["seed"])

    def _drawn(self, both: Sequence[Scorer], params: Mapping[str, Any]) -> Drawn:
        names = dict.fromkeys(name for one in both for name in one.facts.features)
        single = params["quantity"] != "seconds-per-row"
        return Drawn(tuple(names), params["calls"] if single else params["batch"], params["seed"])


_LEVELS = {"latency-p50": 0.5, "latency-p95": 0.95, "latency-p99": 0.99, "seconds-per-row": 0.5}


def _rows(params: Mapping[str, Any], columns: Columns) -> Drawn:
    return Drawn(columns.features, params["calls"], params["seed"])


def _cycled(rows: list[pa.Table], calls: int) -> list[pa.Table]:
    """Return a table for each call, in whole blocks, from the start again where there are too few."""
    return [rows[number % len(rows)] for number in range(max(calls // BLOCK, 2) * BLOCK)]


def _batched(cells: Answers, params: Mapping[str, Any]) -> Timed | Estimate:
    given = asked(cells)
    if isinstance(given, Estimate):
        return given
    scorer, rows = given
    parts = batches(rows, params["batch"], max(params["calls"] // BLOCK, FEW_BLOCKS) * BLOCK)
    return in_turn([scorer], parts, block=BLOCK, warm_up=2)[0]


def _over(rows: float, seconds: float) -> float:
    return rows / seconds if seconds > 0.0 else math.inf


def _times(factor: float, seconds: float) -> float:
    return factor * seconds


def _shown(found: Estimate, timed: Timed, title: str) -> Estimate:
    """Add the circumstances and the picture."""
    return Estimate(
        value=found.value,
        n=found.n,
        interval=found.interval,
        reason=found.reason,
        groups=tuple(circumstances(timed)),
        charts=(histogram(timed, title),),
    )


def _ratio(own: Timed, other: Timed, level: float, seed: int) -> Estimate:
    import numpy as np

    blocks = int(own.block.max()) + 1
    one, two = (_Sorted.of(timed) for timed in (own, other))

    def ratio(counts: NDArray[np.float64]) -> NDArray[np.float64]:
        return one.quantile(counts, level) / two.quantile(counts, level)

    value = float(ratio(np.ones((1, blocks)))[0])
    groups = (
        *circumstances(own),
        *(
            GroupEstimate(
                group={"part": f"{name}, {level:.0%} of calls within"},
                n=len(timed.seconds),
                value=float(part.quantile(np.ones((1, blocks)), level)[0]),
                judged=False,
            )
            for name, timed, part in (("release", own, one), (CHAMPION, other, two))
        ),
    )
    if not math.isfinite(value):
        return Estimate.missing("the clock is too coarse: a call took no time at all", n=len(own.seconds))
    few = f"{blocks} blocks of calls are too few for an interval" if blocks < FEW_BLOCKS else None
    interval = None if few else bootstrap(np.ones(blocks, dtype=np.int64), ratio, seed=seed, lowest=0.0)
    reason = few or ("all calls took exactly as long" if interval is None else None)
    chart = histogram(own, "Seconds of a call")
    return Estimate(
        value=value, n=len(own.seconds), interval=interval, reason=reason, groups=groups, charts=(chart,)
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Sorted:
    """Calls in the order of their seconds, to read off quantiles under other numbers of each block."""

    seconds: NDArray[np.float64]
    block: NDArray[np.int64]

    @classmethod
    def of(cls, timed: Timed) -> _Sorted:
        import numpy as np

        order = np.argsort(timed.seconds, kind="stable")
        return cls(timed.seconds[order], timed.block[order])

    def quantile(self, counts: NDArray[np.float64], level: float) -> NDArray[np.float64]:
        """Return the quantile for each row of `counts`, shape (draws, blocks): how often a block counts."""
        import numpy as np

        found = np.empty(len(counts))
        for start in range(0, len(counts), 100):  # so that few numbers are held at once
            upto = np.cumsum(counts[start : start + 100][:, self.block], axis=1)
            place = (upto < level * upto[:, -1:] - 1e-9).sum(axis=1)
            found[start : start + 100] = self.seconds[np.minimum(place, len(self.seconds) - 1)]
        return found
