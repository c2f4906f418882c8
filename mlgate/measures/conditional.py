"""Demographic parity among those who are alike in what a decision may rest on: within strata."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any, TypeAlias

from mlgate.cells import FAVOURABLE, MAX_GROUPS, Answers, Bins, By, Cells, Columns, Counts, Statistic
from mlgate.errors import MeasureError
from mlgate.estimates import Estimate
from mlgate.measures import measure
from mlgate.measures.comparing import Series, compare_within
from mlgate.measures.groups import Standing, distinct, grouped, named
from mlgate.measures.judging import Judging
from mlgate.measures.overlap import overlap
from mlgate.measures.rate_gaps import rate_series
from mlgate.measures.rates import RATES

MAX_PAIRS = 20_000
"""More pairs of groups than this, over all strata, are not judged: the strata want bins. 200 groups have
19,900."""

WHERE = "params: strata"

Factor: TypeAlias = str | dict[str, list[float]]
"""A column, or edges that cut one: `region`, `{age: [30, 50]}`."""


@measure(
    id="fairness.conditional_parity",
    kind="estimate",
    unit="1",
    better="lower",
    tasks=("binary", "multiclass"),
    needs=("prediction", "protected"),
    clusters=True,
    source="fairlearn.metrics.demographic_parity_difference within strata; conditional statistical parity: "
    "Kamiran, Zliobaite and Calders 2013, Corbett-Davies et al. 2017",
)
class ConditionalParity:
    """Largest difference of selection rates between groups that lie in one stratum, over all strata.

    `strata` is written as groups are: a column (`region`), a product (`[region, product]`) or bins
    (`{income: [20000, 50000]}`). Groups are judged in every stratum by itself, with `min_group` rows there.
    They are not cut by the score or the prediction. A stratum where fewer than two groups can be judged is
    listed and its rows count as not judged; so are rows whose stratum is missing.
    """

    def __init__(
        self, *, judging: Judging | None = None, strata: Factor | list[Factor] | None = None
    ) -> None:
        """Declare the parameters: the groups, and what makes the strata, which the policy has to name."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for predictions by group and stratum.

        MeasureError when `strata` names nothing to cut by, or what the model itself says: among rows of one
        score all predictions are alike, so no gap could be seen.
        """
        by: tuple[By, ...] = params["judging"].by
        strata = factors(params["strata"])
        _require_not_said(strata, columns)
        counts = Counts(
            roles=("prediction",),
            by=(*by, *(one for one in strata if one not in by)),
            view=FAVOURABLE if columns.task == "multiclass" else None,
            clustered=columns.cluster is not None,
        )
        return [counts]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the largest gap within a stratum."""
        (counts,) = cells.of
        return _within(cells.get(counts, Cells), params["judging"], factors(params["strata"]))


def factors(strata: Factor | list[Factor] | None) -> tuple[By, ...]:
    """Return the columns and bins that make the strata. MeasureError when there are none, or edges fall."""
    found = tuple(_factors(strata))
    if not found:
        raise MeasureError(WHERE, "no column makes the strata", "name one, or a list: strata: [region, job]")
    for one in found:
        if isinstance(one, Bins) and (not one.edges or not _rising(one.edges)):
            raise MeasureError(WHERE, f"the edges of {one.column!r} do not rise", "write them lowest first")
    columns = _columns(found)
    if len(set(columns)) < len(columns):
        raise MeasureError(WHERE, "a column is named twice", "keep one of the two")
    return found


def _require_not_said(strata: tuple[By, ...], columns: Columns) -> None:
    """Raise when the strata are cut by what the model says."""
    said = {columns.prediction: "prediction", columns.score: "score"}
    said |= dict.fromkeys(columns.scores.values(), "score")
    for column in _columns(strata):
        if column in said:
            what = f"column {column!r} is the {said[column]}, and rows alike in it are predicted alike"
            raise MeasureError(WHERE, what, "name what a decision may rest on, such as a job or a region")


def _columns(strata: tuple[By, ...]) -> list[str]:
    return [one.column if isinstance(one, Bins) else one for one in strata]


def _factors(strata: Factor | list[Factor] | None) -> Iterator[By]:
    if isinstance(strata, str):
        yield strata
    elif isinstance(strata, Mapping):
        yield from (Bins(column, tuple(map(float, edges))) for column, edges in sorted(strata.items()))
    else:
        for one in strata or ():
            yield from _factors(one)


def _rising(edges: tuple[float, ...]) -> bool:
    finite = all(math.isfinite(edge) for edge in edges)
    return finite and all(low < high for low, high in pairwise(edges))


def _within(cells: Cells, judging: Judging, strata: tuple[By, ...]) -> Estimate:
    import numpy as np

    if cells.rows == 0:
        return Estimate.missing("the table has no rows")
    keys, code = distinct(cells, strata)
    columns = _columns(strata)
    if len(keys) > MAX_GROUPS:
        wide = " and ".join(map(repr, columns))
        return Estimate.missing(f"{len(keys)} strata by {wide}, more than {MAX_GROUPS}: bin it", n=cells.rows)
    found = []
    for number, key in enumerate(keys):
        part = grouped(cells.take(np.flatnonzero(code == number)), judging.by)
        if isinstance(part, Estimate):
            return replace(part, n=cells.rows)
        words = tuple(map(named, key))
        series = rate_series(part, RATES["selection_rate"], judging, "difference", overlap(part))
        stratum = dict(zip(columns, words, strict=True))
        known = judging.judge_unknown or None not in key
        found.append(
            replace(
                series,
                prefix=f"{', '.join(words)}: ",
                standings=tuple(_placed(one, stratum, known=known) for one in series.standings),
            )
        )
    return _compared(cells, judging, found)


def _compared(cells: Cells, judging: Judging, series: list[Series]) -> Estimate:
    pairs = sum(len(one.judged) * (len(one.judged) - 1) // 2 for one in series)
    if pairs > MAX_PAIRS:
        reason = f"{pairs} pairs of groups within strata, more than {MAX_PAIRS}: bin the strata"
        return Estimate.missing(reason, n=cells.rows)
    return compare_within(cells.rows, judging, series, "difference")


def _placed(one: Standing, stratum: Mapping[str, str], *, known: bool) -> Standing:
    """Return where a group stands in its stratum, under the names of both."""
    group = replace(one.group, values={**stratum, **one.group.values}, unknown=one.group.unknown or not known)
    return replace(one, group=group, reason=one.reason if known else "stratum missing")
