"""Whether the quantiles and intervals that a regression states are honest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from mlgate.cells import QUANTILE, Answers, Cells, Columns, Counts, Statistic
from mlgate.errors import EvidenceError, PolicyError
from mlgate.estimates import Chart, Comparison, Estimate, GroupEstimate
from mlgate.intervals import Gap, Proportion, clustered_share, mean_of
from mlgate.measures import measure
from mlgate.measures.binary import counted, unusable
from mlgate.measures.regression import ALIKE, REGRESSION, UNIT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Level = Annotated[float, Field(gt=0, lt=1)]
"""Of a quantile: 0.1 is the value that one row in ten stays below."""

SAME = 1e-9
"""Levels that differ by no more are one level, written differently."""

SHOWN = 0.9
"""Confidence of the intervals in a picture: two-sided, so that either end errs one time in 20."""


@measure(
    id="performance.pinball_loss",
    kind="estimate",
    unit=UNIT,
    better="lower",
    tasks=REGRESSION,
    needs=("label", "quantiles"),
    clusters=True,
    source="scikit-learn, mean_pinball_loss; Koenker and Bassett 1978, Regression quantiles",
)
class PinballLoss:
    """Mean pinball loss of one predicted quantile: smallest, on average, for the true quantile.

    A row above the predicted quantile costs `level` times its distance, a row below it 1 - `level` times, so
    that at level 0.5 it is half the mean absolute error. `level` may be left out when the release names one
    quantile only. t interval of the mean, not below 0. Missing without rows.
    """

    def __init__(self, *, level: Level | None = None) -> None:
        """Declare the parameter: which of the release's quantiles."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for label and quantile; an error for a level that the release has no column for."""
        return [_counts(_named(params["level"], columns), columns)]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return scikit-learn's value on the cells."""
        del params
        import numpy as np
        from sklearn.metrics import mean_pinball_loss

        (asked,) = cells.of
        level, seen = _level_of(asked), counted(cells.get(asked, Cells))
        reason = unusable(seen)
        if reason is not None:
            return Estimate.missing(reason, n=seen.rows)
        label, quantile = seen.roles["label"], seen.roles[role_of(level)]
        with np.errstate(
            over="ignore", invalid="ignore"
        ):  # what overflows is not finite, which is seen below
            value = float(mean_pinball_loss(label, quantile, sample_weight=seen.w, alpha=level))
            above = label - quantile
            loss = np.maximum(level * above, (level - 1.0) * above)
        if not math.isfinite(value):
            return Estimate.missing(f"the value is {value}", n=seen.rows)
        interval = mean_of(loss, seen.w, seen.w2, lowest=0.0, clusters=seen.clusters)
        return Estimate(
            value=value, n=seen.rows, interval=interval, reason=ALIKE if interval is None else None
        )


@measure(
    id="performance.quantile_coverage",
    kind="estimate",
    unit="1",
    better="lower",
    tasks=REGRESSION,
    needs=("label", "quantiles"),
    clusters=True,
    source="Gneiting, Balabdaoui and Raftery 2007, Probabilistic forecasts, calibration and sharpness",
)
class QuantileCoverage:
    """Largest distance, over the release's quantiles, of the share of labels up to a quantile from its level.

    0 is ideal: one label in ten lies at or below the predicted 0.1 quantile. Every quantile has to be inside
    the limit. Wilson's interval of each share. Labels of few distinct values (counts) can lie on a quantile,
    which then has a larger share up to it than its level. Missing without rows.
    """

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for label and quantile, for each quantile."""
        del params
        return [_counts(level, columns) for level in columns.quantiles]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Compare each quantile's share with its level."""
        del params
        found: dict[float, tuple[int, Proportion]] = {}
        for asked in cells.of:
            level, seen = _level_of(asked), counted(cells.get(asked, Cells))
            reason = unusable(seen)
            if reason is not None:
                return Estimate.missing(f"quantile {level:g}: {reason}", n=seen.rows)
            below = seen.roles["label"] <= seen.roles[role_of(level)]
            found[level] = seen.rows, _share(seen, below)
        if not found:
            return Estimate.missing("the release names no quantile")
        return _worst(dict(sorted(found.items())))


@measure(
    id="performance.interval_coverage",
    kind="estimate",
    unit="1",
    better="target",
    tasks=REGRESSION,
    needs=("label", "interval"),
    clusters=True,
    source="share of lower <= label <= upper; PICP, Khosravi et al. 2011; MAPIE, regression_coverage_score",
)
def interval_coverage(cells: Cells) -> Estimate:
    """Share of rows whose label lies in the interval that the model states, ends included.

    Near the level that the intervals claim is ideal: below it they are too short, above it needlessly wide.
    Wilson's interval of the share. Missing without rows, and when a low end lies above its high end.
    """
    seen = counted(cells)
    reason = unusable(seen)
    if reason is not None:
        return Estimate.missing(reason, n=seen.rows)
    label, lower, upper = (seen.roles[role] for role in ("label", "lower", "upper"))
    crossed = int(seen.n[lower > upper].sum())
    if crossed:
        reason = f"the low end is above the high end in {crossed} of {seen.rows} rows"
        return Estimate.missing(reason, n=seen.rows)
    inside = (lower <= label) & (label <= upper)
    share = _share(seen, inside)
    parts = {
        "below": label < lower,
        "inside": inside,
        "above": label > upper,
    }
    chart = Chart(
        kind="bars",
        title="Rows by where the label lies",
        data={
            "label": tuple(parts),
            "rows": tuple(float(seen.n[part].sum()) for part in parts.values()),
        },
    )
    return Estimate(value=share.value, n=seen.rows, interval=share.interval, charts=(chart,))


@dataclass(frozen=True, slots=True)
class Known:
    """A number that is known, such as the level of a quantile, as part of a difference."""

    value: float

    @property
    def method(self) -> str:
        """As the report would print it."""
        return "known"

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the number, twice."""
        del confidence
        return self.value, self.value

    def grown(self, factor: float) -> Known:
        """Return it again: more rows do not change it."""
        del factor
        return self


def role_of(level: float) -> str:
    """Return the role of a quantile's column: `quantile:0.1`."""
    return f"{QUANTILE}{level!r}"


def _level_of(asked: Statistic) -> float:
    """Return the level that a statistic asks for."""
    if not isinstance(asked, Counts):
        raise TypeError(f"{asked!r} counts no quantile")
    (role,) = (role for role in asked.roles if role.startswith(QUANTILE))
    return float(role.removeprefix(QUANTILE))


def _counts(level: float, columns: Columns) -> Counts:
    return Counts(roles=("label", role_of(level)), clustered=columns.cluster is not None)


def _named(level: float | None, columns: Columns) -> float:
    """Return the level as the release has it. Raises PolicyError, or EvidenceError when it has none."""
    levels = tuple(columns.quantiles)
    shown = ", ".join(f"{one:g}" for one in levels) or "none"
    if level is None and len(levels) == 1:
        return levels[0]
    if level is None:
        where = "params of performance.pinball_loss"
        raise PolicyError(where, f"no level is given, and the release has {shown}", "write `level: 0.1`")
    for one in levels:
        if abs(one - level) <= SAME:
            return one
    raise EvidenceError(
        f"quantile {level:g}",
        f"is asked for by a check, and the release names no column for it (it has {shown})",
        f"add `{level:g}: COLUMN` under `quantiles:` in release.yaml, or ask for a level that is there",
    )


def _share(cells: Cells, hits: NDArray[np.bool_]) -> Proportion:
    import numpy as np

    return clustered_share(hits, np.ones(len(cells.w), dtype=bool), cells.w, cells.w2, cells.clusters)


def _worst(found: Mapping[float, tuple[int, Proportion]]) -> Estimate:
    """Return the quantile that is furthest off, with all of them as comparisons."""
    comparisons, groups = [], []
    for level, (rows, share) in found.items():
        if share.value is None:
            return Estimate.missing(f"quantile {level:g}: no row weighs anything", n=rows)
        group = {"quantile": f"{level:g}"}
        gap = None if share.wilson is None else Gap(share.wilson, Known(level))
        comparisons.append(
            Comparison(
                name=f"quantile {level:g}", value=abs(share.value - level), interval=gap, groups=(group,)
            )
        )
        groups.append(
            GroupEstimate(
                group=group,
                n=rows,
                value=share.value,
                numerator=share.numerator,
                denominator=share.denominator,
                interval=share.interval,
            )
        )
    worst = max(comparisons, key=lambda one: one.value)
    return Estimate(
        value=worst.value,
        n=min(rows for rows, _ in found.values()),
        interval=worst.interval,
        comparisons=tuple(comparisons),
        groups=tuple(groups),
        charts=(_picture(found),),
    )


def _picture(found: Mapping[float, tuple[int, Proportion]]) -> Chart:
    shown = [None if share.interval is None else share.interval.at(SHOWN) for _, share in found.values()]
    return Chart(
        kind="quantile-coverage",
        title="Share of labels up to each predicted quantile",
        data={
            "level": tuple(found),
            "observed": tuple(share.value for _, share in found.values()),
            "low": tuple(None if one is None else one[0] for one in shown),
            "high": tuple(None if one is None else one[1] for one in shown),
            "rows": tuple(float(rows) for rows, _ in found.values()),
        },
    )
