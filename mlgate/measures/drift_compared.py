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
from mlgate.measures import drift_distances
from mlgate.measures.drift_bands import (
    Band,
    BothTables,
    condensed,
    drawn_of,
    hidden_area,
    separate_of,
    with_missing,
)
from mlgate.measures.drift_bands import hidden as hidden_of
from mlgate.measures.drift_bins import FINE_LEVELS, Cutting, chart_edges, fine_edges, folded
from mlgate.measures.drift_charts import bars, histogram, spread_chart
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
        charted = bars(pair.name, self.against, here, there)
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
            return histogram(pair.name, self.against, shown, *drawn)

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
            drawn = drawn_of(reference, judged, distance, value, **self._terms)
            if drawn is not None:
                band = Band(drawn=drawn, method=f"bootstrap, {how}")
                return replace(found, value=value, interval=band, notes=tuple(notes))
            apart = separate_of(reference, judged, distance, value, how)
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
        hidden = hidden_of(cells) if self.statistic == "ks" else 0.0
        notes = [*_notes(here, there), *_apart(pair, here, there, self.against)]
        charted = spread_chart(pair.name, self.against, cells, here, there)
        found = replace(found, chart=lambda: charted)
        least = int(min(cells.reference.sum(), cells.judged.sum()))
        if self.statistic == "wasserstein":
            distance = drift_distances.wasserstein(cells.values)
            hidden = hidden_area(cells)
        elif exact:
            notes += _ks_test(cells)
        if self.statistic == "ks" and self.missing == "bin" and here.nulls + there.nulls:
            cells = with_missing(cells, there.nulls, here.nulls)
        value = float(distance(cells.reference, cells.judged))
        if not math.isfinite(value) or not math.isfinite(hidden):
            reason = f"it does not vary in {self.against!r}, and is to be divided by its deviation there"
            return replace(found, unjudged=Unjudged(name=pair.name, reason=reason, fault=True))
        if least < LEAST_VALUES:
            reason = f"{least} values are too few, at least {LEAST_VALUES} are needed in each table"
            return replace(found, value=value, reason=reason, notes=tuple(notes))
        few = condensed(cells)
        merged = drift_distances.wasserstein(few.values) if self.statistic == "wasserstein" else distance
        drawn = drawn_of(few.reference, few.judged, merged, value, **self._terms)
        if drawn is None:
            apart = separate_of(cells.reference, cells.judged, distance, value, "value by value")
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

    def _exact(self, pair: Pair, answers: Answers) -> BothTables:
        import numpy as np

        mine = answers.get(Distribution(pair.here), DistributionCounts)
        other = answers.get(On(self.against, Distribution(pair.there)), DistributionCounts)
        values = np.union1d(mine.values, other.values)
        rows = np.zeros((2, len(values)))
        for some, one in zip(rows, (other, mine), strict=True):
            some[np.searchsorted(values, one.values)] = one.n
        return BothTables(reference=rows[0], judged=rows[1], values=values, widths=np.zeros(len(values)))

    def _in_bins(self, pair: Pair, answers: Answers) -> BothTables:
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
        return BothTables(
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


def _ks_test(cells: BothTables) -> list[str]:
    """Tell the p-value of scipy's two-sample test, in short tables."""
    import numpy as np

    if max(cells.reference.sum(), cells.judged.sum()) > SMALL_ROWS:
        return []
    from scipy.stats import ks_2samp

    samples = [np.repeat(cells.values, one.astype(np.int64)) for one in (cells.reference, cells.judged)]
    with warnings.catch_warnings():  # that it falls back on the limiting distribution, which is good enough
        warnings.simplefilter("ignore", RuntimeWarning)
        return [f"p {ks_2samp(*samples).pvalue:.3g}"]
