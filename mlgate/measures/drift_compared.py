"""One column of two tables: what is asked of it, how far its values lie apart, and how sure that is."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from mlgate.cells import (
    Answers,
    Cut,
    CutCounts,
    Distribution,
    DistributionCounts,
    On,
    QuantileNumbers,
    Quantiles,
    Statistic,
    ValueCounts,
    Values,
)
from mlgate.estimates import Chart, GroupEstimate, Interval
from mlgate.intervals import Bootstrap, bootstrap
from mlgate.measures import drift_distances
from mlgate.measures.data_profile import OTHER
from mlgate.measures.data_profile import SHOWN as LEAST_SHOWN
from mlgate.measures.drift_bins import FINE_LEVELS, Cutting, chart_edges, fine_edges, folded
from mlgate.measures.drift_columns import LEAST_VALUES, Pair, Unjudged, no_categories

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mlgate.measures.drift_distances import Distance

Name: TypeAlias = Literal["psi", "jensen-shannon", "chi-squared", "ks", "wasserstein"]
Missing: TypeAlias = Literal["bin", "ignore"]

BINNED: Mapping[str, Callable[..., Any]] = {
    "psi": drift_distances.psi,
    "jensen-shannon": drift_distances.jensen_shannon,
    "chi-squared": drift_distances.cramers_v,
}
"""Statistics of rows in bins; the others look at every value."""

HIGHEST = {"psi": math.inf, "wasserstein": math.inf}
"""How large a statistic may be; the others reach 1."""

LEAST_A_BIN = 5
"""Rows that either table needs for each bin or category, on average."""

EXACT_ROWS = 500_000
"""In tables of more rows ks and wasserstein look at bins."""

SMALL_ROWS = 1_000
"""Up to so many rows in each table a p-value is named."""

DRAWN_CELLS = 128
"""Values are put together into so many before anything is drawn: the draws give the spread alone."""

_NAMED = 4
"""Categories that a chart names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """The interval of a distance, with what bins may hide and how it was measured."""

    drawn: Bootstrap
    method: str
    hidden: float = 0.0
    """How much larger or smaller the distance may be than it looks in bins; 0 where none are."""
    smirnov: float = 0.0
    """Not 0: sqrt((1 / n + 1 / m) / 2), and the lower bound is the value less sqrt(log(2 / alpha)) of it.

    Resampling a largest distance repeats values, so its lower bound is too high in 15 % of tables that do not
    differ (simulated); the chance that both empirical functions together are further off than this is alpha,
    where the tables do not differ, and less where they do (Smirnov 1939)."""
    pushed: float = 0.0
    """By how much more than resampling shows noise pushes the distance up; it is taken off below."""

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        low, high = self.drawn.at(confidence)
        if self.smirnov:
            alpha = (1.0 - confidence) / 2.0
            low = self.drawn.value - math.sqrt(math.log(2.0 / alpha)) * self.smirnov
        return max(low - self.pushed - self.hidden, 0.0), high + self.hidden

    def grown(self, factor: float) -> Band:
        """Return the interval of `factor` times the rows; bins hide as much as before."""
        closer = 1.0 / math.sqrt(factor)
        return replace(
            self,
            drawn=self.drawn.grown(factor),
            smirnov=self.smirnov * closer,
            pushed=self.pushed * closer,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Separate:
    """The interval of a distance of tables that have no bin in common, which resampling shows the same.

    Out of n rows none lies where the other table's do, so that of all rows no more than
    1 - alpha^(1 / n) do (Clopper and Pearson, zero events); with that much in both tables it is the lower
    bound. The upper one is the value: nothing lies further apart.
    """

    distance: Distance
    rows: tuple[float, float]
    """Of the reference and of the judged table."""
    how: str

    @property
    def method(self) -> str:
        """As the report prints it."""
        return f"zero events, {self.how}"

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        import numpy as np

        alpha = (1.0 - confidence) / 2.0
        mixed = [-math.expm1(math.log(alpha) / one) for one in self.rows]
        low = self.distance(np.array([1.0 - mixed[0], mixed[0]]), np.array([mixed[1], 1.0 - mixed[1]]))
        return min(float(low), self._value), self._value

    def grown(self, factor: float) -> Separate:
        """Return the interval of `factor` times the rows."""
        return replace(self, rows=(self.rows[0] * factor, self.rows[1] * factor))

    @property
    def _value(self) -> float:
        import numpy as np

        return float(self.distance(np.array([1.0, 0.0]), np.array([0.0, 1.0])))


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What was found of one column."""

    name: str
    rows: int
    """Of the judged table."""
    other_rows: int
    value: float | None = None
    interval: Interval | None = None
    reason: str | None = None
    """Why there is no interval."""
    notes: tuple[str, ...] = ()
    unjudged: Unjudged | None = None
    """Not None: it was not compared."""
    chart: Callable[[], Chart | None] = field(default=lambda: None, repr=False)

    @property
    def line(self) -> GroupEstimate:
        """Return its row of the group table."""
        said = [*([] if self.reason is None else [self.reason]), *self.notes]
        return GroupEstimate(
            group={"column": self.name},
            n=self.rows,
            value=self.value,
            interval=self.interval,
            judged=self.interval is not None,
            reason="; ".join(said) or None,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cells:
    """Values of one column that are told apart, rising, with their rows in both tables."""

    reference: NDArray[np.float64]
    judged: NDArray[np.float64]
    values: NDArray[np.float64]
    """One number for each, the middle of a bin."""
    widths: NDArray[np.float64]
    """How far the values of a bin may lie apart; 0 for a single value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparing:
    """How columns are compared: the parameters of a check."""

    against: str
    statistic: Name
    cutting: Cutting
    missing: Missing
    seed: int

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Comparing:
        """Read the parameters of a measure."""
        names = ("binning", "bins", "closed", "duplicates")
        return cls(
            against=params["against"].name,
            statistic=params["statistic"],
            cutting=Cutting(**{name: params[name] for name in names}),
            missing=params["missing"],
            seed=params["seed"],
        )

    def plan(self, pair: Pair) -> list[Statistic]:
        """Return what is asked of a column first."""
        if pair.sort == "categories":
            return [Values(pair.here), On(self.against, Values(pair.there))]
        return [self._here(pair), self._there(pair)]

    def further(self, pair: Pair, answers: Answers) -> list[Statistic]:
        """Return what is asked of a column once that is known; nothing where it cannot be compared."""
        if pair.sort == "categories" or self._unfit(pair, answers) is not None:
            return []
        here, there = self._ends(pair, answers)
        if self.statistic in BINNED:
            edges, right = self._fine(here, there), self.cutting.closed == "right"
            return [Cut(pair.here, edges, right), On(self.against, Cut(pair.there, edges, right))]
        if max(here.rows, there.rows) > EXACT_ROWS:
            edges = fine_edges(there)
            return [Cut(pair.here, edges), On(self.against, Cut(pair.there, edges))]
        return [Distribution(pair.here), On(self.against, Distribution(pair.there))]

    def compare(self, pair: Pair, answers: Answers) -> Compared:
        """Measure how far one column lies apart."""
        rows, others = self._rows(pair, answers)
        found = Compared(name=pair.name, rows=rows, other_rows=others)
        unfit = self._unfit(pair, answers)
        if unfit is not None:
            return replace(found, unjudged=unfit)
        if pair.sort == "categories":
            return self._categories(found, pair, answers)
        if self.statistic in BINNED:
            return self._binned(found, pair, answers)
        return self._spread(found, pair, answers)

    def _here(self, pair: Pair) -> Quantiles:
        return Quantiles(pair.here, ())

    def _there(self, pair: Pair) -> On:
        levels = self.cutting.levels if self.statistic in BINNED else FINE_LEVELS
        return On(self.against, Quantiles(pair.there, levels))

    def _ends(self, pair: Pair, answers: Answers) -> tuple[QuantileNumbers, QuantileNumbers]:
        return answers.get(self._here(pair), QuantileNumbers), answers.get(self._there(pair), QuantileNumbers)

    def _counts(self, pair: Pair, answers: Answers) -> tuple[ValueCounts, ValueCounts]:
        return (
            answers.get(Values(pair.here), ValueCounts),
            answers.get(On(self.against, Values(pair.there)), ValueCounts),
        )

    def _rows(self, pair: Pair, answers: Answers) -> tuple[int, int]:
        of = self._counts if pair.sort == "categories" else self._ends
        here, there = of(pair, answers)
        return here.rows, there.rows

    def _fine(self, here: QuantileNumbers, there: QuantileNumbers) -> tuple[float, ...]:
        """Return the edges of the bins and those of the chart, which are counted at once."""
        return tuple(sorted({*self.cutting.edges(there), *chart_edges(there, here)}))

    def _unfit(self, pair: Pair, answers: Answers) -> Unjudged | None:
        """Say why a column is not compared; None when it is."""
        of = self._counts if pair.sort == "categories" else self._ends
        here, there = of(pair, answers)
        fault = _empty(here, there, self.against)
        if fault is not None:
            return Unjudged(name=pair.name, reason=fault, fault=True)
        if isinstance(here, ValueCounts) and isinstance(there, ValueCounts):
            return self._uncategorical(pair, here, there)
        listed = None
        if isinstance(here, QuantileNumbers) and isinstance(there, QuantileNumbers):
            if not all(map(math.isfinite, _all_ends(here, there))):
                return Unjudged(name=pair.name, reason="it has infinite values", fault=True)
            listed = self._unnumerical(pair, here, there)
        return None if listed is None else Unjudged(name=pair.name, reason=listed, fault=pair.named)

    def _uncategorical(self, pair: Pair, here: ValueCounts, there: ValueCounts) -> Unjudged | None:
        if self.statistic not in BINNED:
            reason = f"it is of categories, and {self.statistic} compares numbers"
            return Unjudged(name=pair.name, reason=reason, fault=pair.named)
        others = no_categories(pair.name, here, there, self.against, named=pair.named)
        if others is not None:
            return others
        same = here.distinct == there.distinct == 1 and here.counts[0][0] == there.counts[0][0]
        constant = self._constant(here, there) if same else None
        return None if constant is None else Unjudged(name=pair.name, reason=constant, fault=pair.named)

    def _unnumerical(self, pair: Pair, here: QuantileNumbers, there: QuantileNumbers) -> str | None:
        if pair.whole and not pair.named and all(_numbers_rows(one) for one in (here, there)):
            return "it numbers the rows one by one"
        if len({here.low, here.high, there.low, there.high}) == 1:
            return self._constant(here, there)
        return None

    def _constant(self, here: Any, there: Any) -> str | None:
        """Say that there is one value in both tables, unless what is missing is a second one."""
        if self.missing == "bin" and self.statistic != "wasserstein" and here.nulls + there.nulls:
            return None
        return "it has one value, the same in both tables"

    def _categories(self, found: Compared, pair: Pair, answers: Answers) -> Compared:
        import numpy as np

        here, there = self._counts(pair, answers)
        names = sorted({name for name, _ in (*here.counts, *there.counts)})
        rows = [[one.get(name, 0) for name in names] for one in (dict(there.counts), dict(here.counts))]
        if self.missing == "bin":
            rows = [[*some, one.nulls] for some, one in zip(rows, (there, here), strict=True)]
        reference, judged = (np.array(some, dtype=float) for some in rows)
        notes = [*_notes(here, there), *_unseen(here, there, self.against)]
        charted = _bars(pair.name, self.against, here, there)
        return replace(
            self._of_bins(found, reference, judged, "value by value", notes), chart=lambda: charted
        )

    def _binned(self, found: Compared, pair: Pair, answers: Answers) -> Compared:
        import numpy as np

        here, there = self._ends(pair, answers)
        fine, right = self._fine(here, there), self.cutting.closed == "right"
        mine = answers.get(Cut(pair.here, fine, right), CutCounts)
        other = answers.get(On(self.against, Cut(pair.there, fine, right)), CutCounts)
        edges = self.cutting.edges(there)
        rows = [folded(fine, one.counts, edges) for one in (other, mine)]
        if self.missing == "bin":
            rows = [np.append(some, one.nulls) for some, one in zip(rows, (other, mine), strict=True)]
        how = self._binning(len(edges))
        notes = [*_notes(here, there), *_apart(pair, here, there, self.against)]
        measured = self._of_bins(found, rows[0], rows[1], how, notes)

        def chart() -> Chart | None:
            shown = chart_edges(there, here)
            drawn = [folded(fine, one.counts, shown) for one in (other, mine)]
            return _histogram(pair.name, self.against, shown, *drawn)

        return replace(measured, chart=chart)

    def _binning(self, edges: int) -> str:
        cutting = self.cutting
        sort = "quantile bins" if cutting.binning == "quantile" else "bins of equal width"
        return f"{edges + 1} {sort} of {self.against}, {cutting.closed}-closed"

    def _of_bins(
        self,
        found: Compared,
        reference: NDArray[np.float64],
        judged: NDArray[np.float64],
        how: str,
        notes: Sequence[str],
    ) -> Compared:
        """Measure by rows in bins; those that both tables leave empty say nothing."""
        used = reference + judged > 0
        reference, judged = reference[used], judged[used]
        distance: Distance = BINNED[self.statistic]
        value = float(distance(reference, judged))
        notes = [*notes, *self._test(reference, judged)]
        least = int(min(reference.sum(), judged.sum()))
        cells = f"{len(reference)} bins or categories"
        if len(reference) < 2:  # noqa: PLR2004  two that can differ
            reason = "every row lies in one bin, which shows nothing"
        elif least < LEAST_VALUES:
            reason = f"{least} rows are too few, at least {LEAST_VALUES} are needed in each table"
        elif least < LEAST_A_BIN * len(reference):
            reason = f"{least} rows are too few for {cells}"
        else:
            drawn = _drawn(reference, judged, distance, value, **self._terms)
            if drawn is not None:
                band = Band(drawn=drawn, method=f"bootstrap, {how}")
                return replace(found, value=value, interval=band, notes=tuple(notes))
            apart = _separate(reference, judged, distance, value, how)
            if apart is not None:
                return replace(found, value=value, interval=apart, notes=tuple(notes))
            reason = "resampling it gives the same every time"
        return replace(found, value=value, reason=reason, notes=tuple(notes))

    @property
    def _terms(self) -> dict[str, Any]:
        """Return what all draws of the statistic share."""
        return {"seed": self.seed, "highest": HIGHEST.get(self.statistic, 1.0)}

    def _test(self, reference: NDArray[np.float64], judged: NDArray[np.float64]) -> list[str]:
        """Tell the chi-squared statistic, and its p-value in short tables."""
        from scipy.special import chdtrc

        if self.statistic != "chi-squared":
            return []
        n = reference.sum() + judged.sum()
        statistic = float(drift_distances.cramers_v(reference, judged)) ** 2 * n
        freedom = len(reference) - 1
        said = f"chi2 {statistic:.6g}, {freedom} degrees of freedom"
        if max(reference.sum(), judged.sum()) > SMALL_ROWS or not freedom:
            return [said]
        return [f"{said}, p {chdtrc(freedom, statistic):.3g}"]

    def _spread(self, found: Compared, pair: Pair, answers: Answers) -> Compared:
        """Measure by every value, or by very many bins."""
        import numpy as np

        here, there = self._ends(pair, answers)
        exact = max(here.rows, there.rows) <= EXACT_ROWS
        cells = self._exact(pair, answers) if exact else self._in_bins(pair, answers)
        distance: Distance = drift_distances.kolmogorov_smirnov
        hidden = _hidden(cells) if self.statistic == "ks" else 0.0
        notes = [*_notes(here, there), *_apart(pair, here, there, self.against)]
        charted = _spread_chart(pair.name, self.against, cells, here, there)
        found = replace(found, chart=lambda: charted)
        least = int(min(cells.reference.sum(), cells.judged.sum()))
        if self.statistic == "wasserstein":
            distance = drift_distances.wasserstein(cells.values)
            hidden = _hidden_area(cells)
        elif exact:
            notes += _ks_test(cells)
        if self.statistic == "ks" and self.missing == "bin" and here.nulls + there.nulls:
            cells = _with_missing(cells, there.nulls, here.nulls)
        value = float(distance(cells.reference, cells.judged))
        if not math.isfinite(value) or not math.isfinite(hidden):
            reason = f"it does not vary in {self.against!r}, and is to be divided by its deviation there"
            return replace(found, unjudged=Unjudged(name=pair.name, reason=reason, fault=True))
        if least < LEAST_VALUES:
            reason = f"{least} values are too few, at least {LEAST_VALUES} are needed in each table"
            return replace(found, value=value, reason=reason, notes=tuple(notes))
        few = _condensed(cells)
        merged = drift_distances.wasserstein(few.values) if self.statistic == "wasserstein" else distance
        drawn = _drawn(few.reference, few.judged, merged, value, **self._terms)
        if drawn is None:
            apart = _separate(cells.reference, cells.judged, distance, value, "value by value")
            if apart is not None:
                return replace(found, value=value, interval=apart, notes=tuple(notes))
            reason = "resampling it gives the same every time"
            return replace(found, value=value, reason=reason, notes=tuple(notes))
        bins = np.count_nonzero(cells.widths)
        how = "bootstrap, smirnov below" if self.statistic == "ks" else "bootstrap"
        method = how if exact else f"{how}, {bins} bins, within {hidden:.2g}"
        band = Band(drawn=drawn, hidden=hidden, method=method)
        if self.statistic == "ks":
            rows = (cells.reference.sum(), cells.judged.sum())
            band = replace(band, smirnov=math.sqrt(sum(1.0 / float(one) for one in rows) / 2.0))
        else:
            bias = math.fsum(drawn.draws) / len(drawn.draws) - value
            band = replace(band, pushed=max(bias, 0.0))
        return replace(found, value=value, interval=band, notes=tuple(notes))

    def _exact(self, pair: Pair, answers: Answers) -> _Cells:
        import numpy as np

        mine = answers.get(Distribution(pair.here), DistributionCounts)
        other = answers.get(On(self.against, Distribution(pair.there)), DistributionCounts)
        values = np.union1d(mine.values, other.values)
        rows = np.zeros((2, len(values)))
        for some, one in zip(rows, (other, mine), strict=True):
            some[np.searchsorted(values, one.values)] = one.n
        return _Cells(reference=rows[0], judged=rows[1], values=values, widths=np.zeros(len(values)))

    def _in_bins(self, pair: Pair, answers: Answers) -> _Cells:
        import numpy as np

        here, there = self._ends(pair, answers)
        edges = fine_edges(there)
        mine = answers.get(Cut(pair.here, edges), CutCounts)
        other = answers.get(On(self.against, Cut(pair.there, edges)), CutCounts)
        low, high = min(_all_ends(here, there)), max(_all_ends(here, there))
        lower = np.array([min(low, edges[0]), *edges])
        upper = np.array([*edges, max(high, edges[-1])])
        # A bin reaches to the float before its upper edge: one between two neighbours holds a single value.
        last = np.maximum(np.nextafter(upper, -np.inf), lower)
        last[-1] = upper[-1]
        rows = np.array([other.counts, mine.counts], dtype=float)
        used = rows.sum(axis=0) > 0
        return _Cells(
            reference=rows[0][used],
            judged=rows[1][used],
            values=(lower + (last - lower) / 2.0)[used],
            widths=(last - lower)[used],
        )


def _empty(here: Any, there: Any, against: str) -> str | None:
    """Say that one of the tables has no values."""
    for one, table in ((here, "the judged table"), (there, f"table {against!r}")):
        if one.rows == 0:
            return f"{table} has no rows"
        if one.rows == one.nulls:
            return f"every value is missing in {table}"
    return None


def _all_ends(*some: QuantileNumbers) -> list[float]:
    return [end for one in some for end in (one.low, one.high) if end is not None]


def _numbers_rows(one: QuantileNumbers) -> bool:
    """Whether whole numbers run on by one from row to row, as many as there are rows."""
    held = one.rows - one.nulls
    return one.low is not None and one.high is not None and one.high - one.low + 1.0 == held >= LEAST_VALUES


def _notes(here: Any, there: Any) -> list[str]:
    """Tell what is missing, where anything is."""
    if here.nulls + there.nulls == 0:
        return []
    return [f"missing: {here.nulls / here.rows:.1%}, was {there.nulls / there.rows:.1%}"]


def _unseen(here: ValueCounts, there: ValueCounts, against: str) -> list[str]:
    """Tell how many values are new."""
    known = {name for name, _ in there.counts}
    new = sum(name not in known for name, _ in here.counts)
    if new and new == len(here.counts):
        return [f"no value occurs in {against!r}; is it a key or a time?"]
    return [f"new values: {new}"] if new else []


def _apart(pair: Pair, here: QuantileNumbers, there: QuantileNumbers, against: str) -> list[str]:
    """Tell that whole numbers do not meet: they may count something that only moves on."""
    ends = (here.low, here.high, there.low, there.high)
    if not pair.whole or any(one is None for one in ends):
        return []
    low, high, other_low, other_high = (float(one or 0.0) for one in ends)
    if other_low <= high and low <= other_high:
        return []
    return [f"none of its values lies within those of {against!r}; is it a key or a time?"]


def _drawn(
    reference: NDArray[np.float64],
    judged: NDArray[np.float64],
    distance: Distance,
    value: float,
    *,
    seed: int,
    highest: float,
) -> Bootstrap | None:
    """Resample both tables; the draws are centred on the value, which may have been measured more finely."""
    import numpy as np

    size = len(reference)
    found = bootstrap(
        np.concatenate([reference, judged]).astype(np.int64),
        lambda rows: distance(rows[:, :size], rows[:, size:]),
        strata=np.repeat([0, 1], size),
        seed=seed,
        upward=True,
        lowest=0.0,
        highest=highest,
    )
    if found is None:
        return None
    shift = value - found.value
    return replace(found, value=value, draws=tuple(draw + shift for draw in found.draws))


def _separate(
    reference: NDArray[np.float64], judged: NDArray[np.float64], distance: Distance, value: float, how: str
) -> Separate | None:
    """Return the interval of tables that have nothing in common; None for others, or where it is no use."""
    rows = (float(reference.sum()), float(judged.sum()))
    found = Separate(distance=distance, rows=rows, how=how)
    highest = found.at(0.9)[1]
    if (reference * judged).any() or not math.isclose(highest, value, rel_tol=1e-9):
        return None
    return found


def _condensed(cells: _Cells) -> _Cells:
    """Put neighbouring values together, about as many rows of both tables in each cell."""
    import numpy as np

    if len(cells.values) <= DRAWN_CELLS:
        return cells
    shares = cells.reference / cells.reference.sum() + cells.judged / cells.judged.sum()
    middle = (np.cumsum(shares) - shares / 2.0) / shares.sum()
    _, place = np.unique((middle * DRAWN_CELLS).astype(np.int64), return_inverse=True)
    total = np.bincount(place, shares)
    return _Cells(
        reference=np.bincount(place, cells.reference).astype(float),
        judged=np.bincount(place, cells.judged).astype(float),
        values=np.bincount(place, shares * cells.values) / total,
        widths=np.zeros(len(total)),
    )


def _with_missing(cells: _Cells, reference: int, judged: int) -> _Cells:
    """Return the cells with rows without a value below all others."""
    import numpy as np

    return _Cells(
        reference=np.concatenate([[float(reference)], cells.reference]),
        judged=np.concatenate([[float(judged)], cells.judged]),
        values=np.concatenate([cells.values[:1], cells.values]),
        widths=np.concatenate([[0.0], cells.widths]),
    )


def _hidden(cells: _Cells) -> float:
    """Return how much larger the Kolmogorov-Smirnov distance may be inside a bin than at its ends."""
    import numpy as np

    below = [np.concatenate([[0.0], np.cumsum(one) / one.sum()]) for one in (cells.reference, cells.judged)]
    p, q = below
    most = np.maximum(p[1:] - q[:-1], q[1:] - p[:-1])[cells.widths > 0.0]
    return max(float(most.max(initial=0.0)) - float(np.abs(p - q).max()), 0.0)


def _hidden_area(cells: _Cells) -> float:
    """Return how far the Wasserstein distance over the deviation may be from that of the bins' middles.

    Moving every value to the middle of its bin moves each table by no more than half a bin on average
    (triangle inequality), and the standard deviation by no more than the root of the mean square of that.
    """
    import numpy as np

    if not cells.widths.any():
        return 0.0
    half = cells.widths / 2.0
    p, q = cells.reference / cells.reference.sum(), cells.judged / cells.judged.sum()
    moved = float(((p + q) * half).sum())
    middle = (p * cells.values).sum()
    sd = float(np.sqrt((p * (cells.values - middle) ** 2).sum()))
    slack = float(np.sqrt((p * half**2).sum()))
    if sd <= slack:
        return math.inf
    area = float(drift_distances.wasserstein(cells.values)(cells.reference, cells.judged)) * sd
    return max((area + moved) / (sd - slack) - area / sd, area / sd - (area - moved) / (sd + slack))


def _ks_test(cells: _Cells) -> list[str]:
    """Tell the p-value of scipy's two-sample test, in short tables."""
    import numpy as np

    if max(cells.reference.sum(), cells.judged.sum()) > SMALL_ROWS:
        return []
    from scipy.stats import ks_2samp

    samples = [np.repeat(cells.values, one.astype(np.int64)) for one in (cells.reference, cells.judged)]
    with warnings.catch_warnings():  # that it falls back on the limiting distribution, which is good enough
        warnings.simplefilter("ignore", RuntimeWarning)
        return [f"p {ks_2samp(*samples).pvalue:.3g}"]


def _histogram(
    name: str,
    against: str,
    edges: Sequence[float],
    reference: NDArray[np.float64],
    judged: NDArray[np.float64],
) -> Chart | None:
    """Draw both tables in bars of equal width; the outermost hold what lies further out."""
    if not edges:
        return None
    data: dict[str, list[float | str | None]] = {"low": [], "high": [], "rows": [], "group": []}
    for table, rows in ((against, reference), ("judged", judged)):
        inner = [float(one) for one in rows[1:-1]]
        inner[0] += float(rows[0])
        inner[-1] += float(rows[-1])
        data["low"] += edges[:-1]
        data["high"] += edges[1:]
        data["rows"] += inner
        data["group"] += [table] * len(inner)
    title = f"{name}: {against} and judged table"
    return Chart(kind="score-histogram", title=title, data={key: tuple(one) for key, one in data.items()})


def _spread_chart(
    name: str, against: str, cells: _Cells, here: QuantileNumbers, there: QuantileNumbers
) -> Chart | None:
    import numpy as np

    edges = chart_edges(there, here)
    if not edges:
        return None
    place = np.searchsorted(edges, cells.values, side="right")
    tables = (cells.reference, cells.judged)
    reference, judged = (np.bincount(place, one, minlength=len(edges) + 1).astype(float) for one in tables)
    return _histogram(name, against, edges, reference, judged)


def _bars(name: str, against: str, here: ValueCounts, there: ValueCounts) -> Chart:
    """Draw the share of the most frequent categories in both tables, and of the rest together.

    As in the profile of a table, a value that hardly any row has is not named.
    """
    tables = ((against, there), ("judged", here))
    counted = {table: dict(one.counts) for table, one in tables}
    filled = {table: one.rows - one.nulls for table, one in tables}
    total: dict[str, float] = {}
    for table, rows in counted.items():
        for value, n in rows.items():
            total[value] = total.get(value, 0.0) + n / filled[table]
    often = [value for value in total if sum(rows.get(value, 0) for rows in counted.values()) >= LEAST_SHOWN]
    named = sorted(often, key=lambda value: (-total[value], value))[:_NAMED]
    labels: list[str] = []
    shares: list[float] = []
    for value in named:
        for table, rows in counted.items():
            labels.append(f"{repr(value) if value == OTHER else value} ({table})")
            shares.append(rows.get(value, 0) / filled[table])
    if len(named) < len(total):
        for table, rows in counted.items():
            labels.append(f"{OTHER} ({table})")
            shares.append(1.0 - sum(rows.get(value, 0) for value in named) / filled[table])
    title = f"{name}: shares in {against} and judged table"
    return Chart(kind="bars", title=title, data={"value": tuple(labels), "share": tuple(shares)})
