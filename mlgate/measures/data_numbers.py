"""Facts about columns of numbers: values far from the rest, and columns that say the same.

On rows and without weights, as in `data`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

from mlgate.cells import (
    Answers,
    Cells,
    ColumnProfile,
    Columns,
    Correlation,
    CorrelationValue,
    Counts,
    On,
    Outside,
    OutsideCount,
    Profile,
    Quartiles,
    QuartileValues,
    Scaled,
    Statistic,
)
from mlgate.errors import EvidenceError, PolicyError
from mlgate.estimates import Estimate, GroupEstimate
from mlgate.measures import measure
from mlgate.measures.named import EMPTY, chosen, present

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TRAIN = "train"
_NUMBERS = ("integer", "number")
_PAIR = 2

MAX_CORRELATED = 60
"""Columns that are compared pair by pair; more would make too many pairs to read."""
MAX_ASSOCIATED = 20
"""The same for categories, whose pairs are counted one by one."""
MAX_CATEGORIES = 100
"""With more, a column is of names rather than of categories, and every association looks large."""


class _Fences:
    """What the two measures of outliers share: fences from quartiles, and the values beyond them."""

    table: str | None = None
    """The table that the quartiles are of; None for the judged one."""
    name = "data.outliers"

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the quartiles of each column."""
        if not params["k"] > 0:
            raise PolicyError(f"params of {self.name}", f"k is {params['k']}", "give a number above 0")
        names = _numeric(self.name, params, columns)
        asked = [Quartiles(name) for name in names]
        profiles = [Profile(name, ()) for name in names]
        return [*profiles, *(asked if self.table is None else (On(self.table, one) for one in asked))]

    def further(self, cells: Answers, params: Mapping[str, Any]) -> list[Statistic]:
        """Ask how many values lie beyond the fences."""
        found = {name: _fences(one, params["k"]) for name, one in _quartiles(cells).items()}
        return [Outside(name, *ends) for name, ends in found.items() if ends is not None]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the largest share, with a line for each column."""
        del params
        profiles = {one.column: cells.get(one, ColumnProfile) for one in cells.of if isinstance(one, Profile)}
        rows = min(one.rows for one in profiles.values())
        if rows == 0:
            return Estimate.missing(EMPTY)
        outside = {one.column: cells.get(one, OutsideCount) for one in cells.of if isinstance(one, Outside)}
        lines = tuple(
            _beyond(name, profiles[name], quartiles, outside.get(name))
            for name, quartiles in _quartiles(cells).items()
        )
        unknown = [line for line in lines if line.value is None]
        if unknown:
            reason = f"column {unknown[0].group['column']!r}: {unknown[0].reason}"
            return Estimate.missing(reason, n=rows, groups=lines)
        return Estimate(value=max(line.value or 0.0 for line in lines), n=rows, groups=lines)


@measure(
    id="data.outliers",
    kind="fact",
    unit="1",
    better="lower",
    source="Tukey 1977, Exploratory Data Analysis: beyond k IQR from the quartiles (numpy.quantile, linear)",
)
class Outliers(_Fences):
    """Largest share of values, in any numeric column, below Q1 - k IQR or above Q3 + k IQR.

    Default: all numeric features that are no categories. Where half of a column has one value, the quartiles
    are equal, and every other value lies beyond them.
    """

    def __init__(
        self, *, columns: list[str] | None = None, ignore: list[str] | None = None, k: float = 3.0
    ) -> None:
        """Declare the parameters: the columns, and how many interquartile ranges a value may lie out."""


@measure(
    id="data.outliers_from_train",
    kind="fact",
    unit="1",
    better="lower",
    needs=("table:train",),
    source="as data.outliers, with the quartiles of the train table",
)
class OutliersFromTrain(_Fences):
    """Largest share of values, in any numeric column, beyond the fences of the same column of `train`.

    Values that the model has hardly met: it extrapolates there. Otherwise as `data.outliers`.
    """

    table = TRAIN
    name = "data.outliers_from_train"

    def __init__(
        self, *, columns: list[str] | None = None, ignore: list[str] | None = None, k: float = 3.0
    ) -> None:
        """Declare the parameters: the columns, and how many interquartile ranges a value may lie out."""


def _numeric(measure_id: str, params: Mapping[str, Any], columns: Columns) -> tuple[str, ...]:
    """Return the columns that a check names, all of which hold numbers, or else the numeric features."""
    wanted: Sequence[str] | None = params["columns"]
    if wanted is None:
        left_out = {*columns.categorical, *present(params["ignore"] or (), columns)}
        found = tuple(
            name for name in columns.features if columns.types[name] in _NUMBERS and name not in left_out
        )
        if not found:
            raise EvidenceError(
                f"params of {measure_id}",
                "no feature holds numbers",
                "name columns of numbers, or leave the check out",
            )
        return found
    names = chosen(measure_id, wanted, columns, ignore=params["ignore"] or ())
    for name in names:
        if columns.types[name] not in _NUMBERS:
            raise EvidenceError(
                f"column {name!r}", f"is of type {columns.types[name]}", "name one of numbers"
            )
    return names


def _quartiles(cells: Answers) -> dict[str, QuartileValues]:
    found = {}
    for one in cells.of:
        inner = one.statistic if isinstance(one, On) else one
        if isinstance(inner, Quartiles):
            found[inner.column] = cells.get(one, QuartileValues)
    return found


def _fences(found: QuartileValues, k: float) -> tuple[float, float] | None:
    """Return Tukey's fences; None where the quartiles are none, or too far apart for a float."""
    if found.first is None or found.third is None:
        return None
    reach = k * (found.third - found.first)
    low, high = found.first - reach, found.third + reach
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None


def _beyond(
    name: str, profile: ColumnProfile, quartiles: QuartileValues, outside: OutsideCount | None
) -> GroupEstimate:
    filled = profile.rows - profile.nulls
    reason = None
    if not filled:
        reason = "the column has no values"
    elif quartiles.first is None:
        reason = f"the column has no values in {TRAIN}"
    elif outside is None:
        reason = "its quartiles are infinite, or too far apart"
    if outside is None or reason is not None:
        return GroupEstimate(group={"column": name}, n=profile.rows, value=None, reason=reason)
    far = outside.below + outside.above
    told = f"{outside.below} below, {outside.above} above" if far else None
    if far and quartiles.first == quartiles.third:
        told = f"{told}; the quartiles are equal, so every other value counts"
    return GroupEstimate(
        group={"column": name},
        n=profile.rows,
        value=far / filled,
        numerator=float(far),
        denominator=float(filled),
        reason=told,
    )


@measure(
    id="data.feature_correlation",
    kind="fact",
    unit="1",
    better="lower",
    source="abs(pandas.DataFrame.corr()); scipy.stats.contingency.association(method='cramer')",
)
class FeatureCorrelation:
    """Largest association between two features: the absolute Pearson correlation, or Cramér's V.

    `statistic: pearson` compares the numeric features that are no categories, `cramers-v` those that are
    texts, truth values or categories, with at most 100 values each. Each pair is compared in the rows that
    have both values. Zero where no pair can vary; fewer than two such features are not measured.
    """

    def __init__(
        self,
        *,
        columns: list[str] | None = None,
        ignore: list[str] | None = None,
        statistic: Literal["pearson", "cramers-v"] = "pearson",
    ) -> None:
        """Declare the parameters: the columns (default: the features), and how they are compared."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for what the comparison depends on: the ends of numbers, about how many categories."""
        if params["statistic"] == "pearson":
            names = _correlated(params, columns)
            _require_few(names, MAX_CORRELATED)
            return [Profile(name, ("ends",)) for name in names]
        names = _categories(params, columns)
        return [Profile(name, ("about",)) for name in names]

    def further(self, cells: Answers, params: Mapping[str, Any]) -> list[Statistic]:
        """Ask for the pairs."""
        found = {one.column: cells.get(one, ColumnProfile) for one in cells.of if isinstance(one, Profile)}
        if params["statistic"] == "pearson":
            scales = [scale for name, one in found.items() if (scale := _scale(name, one)) is not None]
            return [Correlation(*pair) for pair in combinations(scales, 2)]
        few = [name for name, one in found.items() if one.about is not None and one.about <= MAX_CATEGORIES]
        _require_few(few, MAX_ASSOCIATED)
        return [Counts((), pair) for pair in combinations(few, 2)]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the strongest pair's coefficient, with a line for each of the strongest pairs."""
        profiles = {one.column: cells.get(one, ColumnProfile) for one in cells.of if isinstance(one, Profile)}
        rows = min((one.rows for one in profiles.values()), default=0)
        if profiles and rows == 0:
            return Estimate.missing(EMPTY)
        infinite = [name for name, one in profiles.items() if _is_infinite(one)]
        if infinite:
            return Estimate.missing(f"column {infinite[0]!r} has infinite values", n=rows)
        pearson = params["statistic"] == "pearson"
        pairs = _pearson(cells) if pearson else _cramer(cells)
        if not pairs:
            sort = "numeric" if pearson else "categorical"
            return Estimate.missing(f"there are no two {sort} features that vary", n=rows)
        lines = sorted(pairs, key=lambda line: (-(line.value or 0.0), str(line.group)))
        return Estimate(value=max(line.value or 0.0 for line in lines), n=rows, groups=tuple(lines[:_LINES]))


_LINES = 20
"""Pairs that a finding lists."""


def _correlated(params: Mapping[str, Any], columns: Columns) -> tuple[str, ...]:
    try:
        return _numeric("data.feature_correlation", params, columns)
    except EvidenceError:
        if params["columns"] is not None:
            raise
        return ()  # a table without numeric features: nothing is measured, and that is said


def _categories(params: Mapping[str, Any], columns: Columns) -> tuple[str, ...]:
    if params["columns"] is not None:
        return chosen("data.feature_correlation", params["columns"], columns, ignore=params["ignore"] or ())
    left_out = present(params["ignore"] or (), columns)
    return tuple(
        name
        for name in columns.features
        if name not in left_out
        and (columns.types[name] in ("string", "boolean") or name in columns.categorical)
    )


def _require_few(names: Sequence[str], most: int) -> None:
    if len(names) > most:
        raise PolicyError(
            "params of data.feature_correlation",
            f"{len(names)} columns would be compared pair by pair, more than {most}",
            "name those that matter under `columns`",
        )


def _is_infinite(found: ColumnProfile) -> bool:
    return any(isinstance(end, float) and math.isinf(end) for end in (found.minimum, found.maximum))


def _scale(name: str, found: ColumnProfile) -> Scaled | None:
    """Return what brings a column to [-1, 1]; None when it does not vary, or not finitely."""
    low, high = found.minimum, found.maximum
    if not isinstance(low, float) or not isinstance(high, float) or _is_infinite(found):
        return None
    half = high / 2 - low / 2
    return Scaled(name, low / 2 + high / 2, half) if half > 0 else None


def _pearson(cells: Answers) -> list[GroupEstimate]:
    asked = [one for one in cells.of if isinstance(one, Correlation)]
    found = [(one, cells.get(one, CorrelationValue)) for one in asked]
    return [
        GroupEstimate(
            group={"column": one.first.column, "other": one.second.column},
            n=answer.n,
            value=abs(answer.value),
            rate="pearson",
            reason="they move against each other" if answer.value < 0 else None,
        )
        for one, answer in found
        if answer.value is not None
    ]


def _cramer(cells: Answers) -> list[GroupEstimate]:
    from scipy.stats.contingency import association

    lines = []
    for one in cells.of:
        if not isinstance(one, Counts):
            continue
        table = _table(cells.get(one, Cells))
        if min(table.shape) < _PAIR:
            continue
        first, second = (str(by) for by in one.by)
        lines.append(
            GroupEstimate(
                group={"column": first, "other": second},
                n=int(table.sum()),
                value=float(association(table, method="cramer")),
                rate="cramers-v",
            )
        )
    return lines


def _table(cells: Cells) -> NDArray[np.int64]:
    """Return the contingency table of the rows that have both values."""
    import numpy as np

    first, second = cells.groups.values()
    there = np.array(
        [one is not None and other is not None for one, other in zip(first, second, strict=True)]
    )
    if not there.any():
        return np.zeros((0, 0), dtype=np.int64)
    places = [np.unique(column[there].astype(str), return_inverse=True) for column in (first, second)]
    (names, rows), (others, columns) = places
    table = np.zeros((len(names), len(others)), dtype=np.int64)
    np.add.at(table, (rows, columns), cells.n[there])
    return table
