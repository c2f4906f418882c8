"""Drift: how far the columns of one table lie from those of another, usually the one it was trained on.

Rows count alike, whatever they weigh: the question is whether the inputs look as they did. Effect sizes
decide. A p-value is named where both tables are so short that it is a help, and decides nothing: in long
tables every difference is significant, and in short ones none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from mlgate.cells import Answers, Columns, Statistic
from mlgate.errors import PolicyError
from mlgate.estimates import Comparison, Estimate, GroupEstimate
from mlgate.measures import drift_columns, measure
from mlgate.measures.against import Against
from mlgate.measures.drift_bins import Binning, Closed, Duplicates
from mlgate.measures.drift_columns import Pair, Unjudged
from mlgate.measures.drift_compared import Compared, Comparing, Missing, Name

SOURCE = (
    "population stability index; scipy.stats.ks_2samp; scipy.spatial.distance.jensenshannon, base 2; "
    "scipy.stats.wasserstein_distance; scipy.stats.chi2_contingency"
)

CHARTS = 3
"""Columns that are drawn: those that lie furthest apart."""

MOST_BINS = 100

Chosen: TypeAlias = tuple[list[Pair], list[Unjudged]]
Chooser: TypeAlias = Callable[[Mapping[str, Any]], Chosen]


class _Drift:
    """What the measures share: the columns of the judged table, each held against the same of another."""

    name: str

    def __init__(
        self,
        *,
        against: Against | None = None,
        statistic: Name = "psi",
        bins: int = 10,
        binning: Binning = "quantile",
        closed: Closed = "left",
        duplicates: Duplicates = "own_bin",
        missing: Missing = "bin",
        seed: int = 0,
    ) -> None:
        """Declare the parameters; the values come with each call."""

    def chosen(self, params: Mapping[str, Any]) -> Chosen:
        """Return the columns to compare and the others."""
        raise NotImplementedError

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the quantiles of numbers and the values of categories, in both tables."""
        del columns
        if not 2 <= params["bins"] <= MOST_BINS:  # noqa: PLR2004  one bin holds everything
            what = f"{params['bins']} bins cannot be compared"
            raise PolicyError(f"params of {self.name}", what, f"give from 2 to {MOST_BINS} `bins`")
        comparing = Comparing.of(params)
        return [one for pair in self.chosen(params)[0] for one in comparing.plan(pair)]

    def further(self, cells: Answers, params: Mapping[str, Any]) -> list[Statistic]:
        """Ask for the rows between the edges that the first answers give, or for every value."""
        comparing = Comparing.of(params)
        return [one for pair in self.chosen(params)[0] for one in comparing.further(pair, cells)]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the largest distance of any column; all of them have to be inside the limit."""
        comparing = Comparing.of(params)
        pairs, left_out = self.chosen(params)
        return _together([comparing.compare(pair, cells) for pair in pairs], left_out)


@measure(
    id="drift.univariate",
    kind="estimate",
    unit="1",
    better="lower",
    source=SOURCE,
)
class Univariate(_Drift):
    """Largest distance, over the feature columns, of a column's values from those in another table.

    `statistic` is `psi` (population stability index, natural logarithm, shares of at least 1e-4),
    `jensen-shannon` (square root of the divergence in bits, 0 to 1), `chi-squared` (Cramer's V: the root of
    chi2 / n, 0 to 1), for numbers only also `ks` (Kolmogorov-Smirnov, 0 to 1) and `wasserstein` (divided by
    the standard deviation of the other table).

    The first three put numbers into bins: `bins` of them, by the quantiles of the other table
    (`binning: quantile`) or of equal width over its range (`width`), outer bins open. A value that is an edge
    belongs to the bin above it (`closed: left`) or below (`right`). A value that is an edge more than once,
    because it holds more than a bin's share of the rows, has a bin of its own (`duplicates: own_bin`), or
    the repetition is dropped as pandas.qcut does (`drop`), after which one bin may hold nearly all rows and
    see no drift.
    Texts, truth values and numbers that the release declares `categorical` are compared value by value.

    With `missing: bin` rows without a value are one more bin (for ks: lower than any value); with `ignore`,
    and for wasserstein, they are left out. The share is shown either way.

    By default all features of both tables. Listed and not judged are key, time and other moments, columns of
    one value, numbers of rows, texts of which each occurs once, and those of more than 10,000. A column that
    only one table has, that is of another type there, or has no values there, cannot be judged, nor one
    with fewer than 100 values in either table or fewer than 5 rows a bin or category: the finding then fails
    where another column surely drifts, and is not measured else.

    The interval is a bootstrap of both tables' rows that allows for what noise adds to every distance; for ks
    the lower bound is Smirnov's. Simulated at 95 % a side: of psi, in 2 and 10 bins and with 200 to
    10,000 rows, the lower bound misses in at most 2 % of tables and the upper in 6 %; of jensen-shannon and
    ks in 4 %; of wasserstein, which heavy tails would make worse, in 7 %. In tables of more than 500,000 rows
    ks and wasserstein see about a thousand bins, and the interval is wider by all that they may hide.
    """

    name = "drift.univariate"

    def __init__(
        self,
        *,
        against: Against | None = None,
        columns: list[str] | None = None,
        ignore: list[str] | None = None,
        statistic: Name = "psi",
        bins: int = 10,
        binning: Binning = "quantile",
        closed: Closed = "left",
        duplicates: Duplicates = "own_bin",
        missing: Missing = "bin",
        seed: int = 0,
    ) -> None:
        """Declare the parameters; the values come with each call."""

    def chosen(self, params: Mapping[str, Any]) -> Chosen:
        """Return the named columns, or all features."""
        return drift_columns.features(self.name, params["against"], params["columns"], params["ignore"] or ())


@measure(
    id="drift.label",
    kind="estimate",
    unit="1",
    better="lower",
    needs=("label",),
    source=SOURCE,
)
class LabelDrift(_Drift):
    """Distance of the labels from those in another table: classes, or numbers in a regression.

    Parameters, bins and interval as in `drift.univariate`.
    """

    name = "drift.label"

    def chosen(self, params: Mapping[str, Any]) -> Chosen:
        """Return the label."""
        return drift_columns.label(params["against"])


@measure(
    id="drift.prediction",
    kind="estimate",
    unit="1",
    better="lower",
    source=SOURCE,
)
class PredictionDrift(_Drift):
    """Distance of what the model says from what it says of another table.

    The scores where both tables have them, of several classes the one that lies furthest apart; else the
    predictions, which are numbers in a regression. Parameters, bins and interval as in `drift.univariate`.
    """

    name = "drift.prediction"

    def chosen(self, params: Mapping[str, Any]) -> Chosen:
        """Return the scores, or the prediction."""
        return drift_columns.predictions(params["against"])


def _together(compared: Sequence[Compared], left_out: Sequence[Unjudged]) -> Estimate:
    """Put the columns together: the largest distance, a row for each, and pictures of the worst."""
    listed = [*left_out, *(one.unjudged for one in compared if one.unjudged is not None)]
    measured = sorted(
        (one for one in compared if one.value is not None), key=lambda one: (-(one.value or 0.0), one.name)
    )
    rows = max((one.rows for one in compared), default=0)
    lines = (*(one.line for one in measured), *(_listed(one, rows) for one in _ordered(listed)))
    n = max((one.rows + one.other_rows for one in compared), default=0)
    faults = [one for one in listed if one.fault]
    if faults and not measured:
        return Estimate.missing(_words(faults), n=n, groups=lines)
    if not measured:
        reason = f"no column is left to compare: {_words(listed)}" if listed else "no column to compare"
        return Estimate.missing(reason, n=n, groups=lines)
    without = [one for one in measured if one.interval is None]
    return Estimate(
        value=measured[0].value,
        n=n,
        reason=without[0].reason if without else None,
        groups=lines,
        comparisons=(
            *(
                Comparison(
                    name=one.name, value=one.value or 0.0, interval=one.interval, groups=(one.line.group,)
                )
                for one in measured
            ),
            *(Comparison(name=one.name, value=math.nan, interval=None, reason=one.reason) for one in faults),
        ),
        charts=tuple(chart for one in measured[:CHARTS] if (chart := one.chart()) is not None),
    )


def _ordered(listed: Sequence[Unjudged]) -> list[Unjudged]:
    return sorted(listed, key=lambda one: (not one.fault, one.name))


def _listed(one: Unjudged, rows: int) -> GroupEstimate:
    return GroupEstimate(group={"column": one.name}, n=rows, value=None, judged=False, reason=one.reason)


def _words(some: Sequence[Unjudged]) -> str:
    few = 3
    said = "; ".join(f"column {one.name!r}: {one.reason}" for one in some[:few])
    return said if len(some) <= few else f"{said}; and {len(some) - few} more"
