"""Attributions of a model by SHAP: asked for once a run, and what measures of explanations make of them.

Rows and background are drawn from the judged table, unweighted. The size of an attribution is its absolute
value, summed over the classes where there are several; a feature's share is its mean size over that of all.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgate.cells import (
    Answers,
    Attributions,
    Columns,
    Drawn,
    DrawnRows,
    Explainer,
    Loaded,
    ModelFound,
    Scorer,
    Statistic,
    Which,
)
from mlgate.errors import PolicyError
from mlgate.estimates import Chart, Interval
from mlgate.intervals import function_of_means, moments, proportion
from mlgate.measures.named import EMPTY
from mlgate.measures.perturbed import asked_rows, parted

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ROWS, BACKGROUND = 500, 50
"""Rows that are explained, and rows that they are explained against, unless the policy says otherwise."""

MOST_ROWS, MOST_BACKGROUND = 4_000, 1_000

NOTHING = 1e-9
"""A share of attribution that is no more than this is rounding: 0."""

ROUNDED = 1e-12
"""Of what a model says, what sums of many numbers round away."""

LISTED = 20
"""Features that a finding lists."""

BINS = 8
"""Of the values of a feature, in a picture."""

PICTURED = 12
"""Features in a picture; with so many bins, at most 96 points."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Explained:
    """Rows of a model with what each feature adds to what it says of them."""

    scorer: Scorer
    rows: pa.Table
    """The features in the model's order."""
    aside: pa.Table
    """The key of the same rows; without columns where there is none."""
    background: pa.Table
    of: Attributions

    @property
    def n(self) -> int:
        """Rows that are explained."""
        return int(self.rows.num_rows)

    @property
    def sizes(self) -> Floats:
        """Shape (n, features): absolute attributions, summed over classes."""
        import numpy as np

        found: Floats = np.abs(self.of.values).sum(axis=2)
        return found

    @property
    def shares(self) -> Floats:
        """Shape (features,): mean size over that of all features, what is rounding taken for 0."""
        return shares(self.sizes)

    @property
    def words(self) -> str:
        """Say how it was explained, against how many rows, and in which unit."""
        return f"{self.of.method}, {self.background.num_rows} background rows, in units of {self.of.space}"


def drawn(params: Mapping[str, Any], columns: Columns, *models: Which) -> list[Statistic]:
    """Ask for the model, for rows to explain (with the key), and for a background.

    Raises PolicyError where `rows` or `background` is out of range.
    """
    require_sizes(params)
    rows = asked_rows(columns, params["rows"], params["seed"])
    loaded = [Loaded(), *(Loaded(one) for one in models)]
    return [*loaded, rows, Drawn(rows.columns, params["background"], params["seed"] + 1)]


def require_sizes(params: Mapping[str, Any]) -> None:
    """Raise PolicyError where `rows` or `background` is out of range."""
    for name, least, most in (("rows", 2, MOST_ROWS), ("background", 1, MOST_BACKGROUND)):
        if not least <= params[name] <= most:
            raise PolicyError(
                f"params.{name}", f"is {params[name]}", f"write a number from {least} to {most}"
            )


def taken(answers: Answers, params: Mapping[str, Any]) -> tuple[tuple[str, ...], int] | str:
    """Return the features that the model takes and how many rows were drawn, or why there is no model."""
    found = answers.get(Loaded(), ModelFound)
    if found.scorer is None:
        return found.reason or "there is no model"
    rows = answers.get(rows_of(answers, params), DrawnRows)
    return (found.scorer.facts.features, rows.table.num_rows) if rows.table.num_rows else EMPTY


def explained(answers: Answers, params: Mapping[str, Any], which: Which = "release") -> Explained | str:
    """Explain the drawn rows, or say why that cannot be. Raises ModelFault when the model fails."""
    found = answers.get(Loaded(which), ModelFound)
    if found.scorer is None:
        return found.reason or "there is no model"
    asked = rows_of(answers, params)
    behind = Drawn(asked.columns, params["background"], params["seed"] + 1)
    rows, background = answers.get(asked, DrawnRows), answers.get(behind, DrawnRows)
    if not rows.table.num_rows:
        return EMPTY
    return attributed(found.scorer, rows, background, explainer=params["explainer"], seed=params["seed"])


def rows_of(answers: Answers, params: Mapping[str, Any]) -> Drawn:
    """Return what asked for the rows that are explained: the first draw that `drawn` plans."""
    seed = params["seed"]
    return next(one for one in answers.of if isinstance(one, Drawn) and one.seed == seed)


def attributed(
    scorer: Scorer, rows: DrawnRows, background: DrawnRows, *, explainer: Explainer, seed: int
) -> Explained | str:
    """Explain rows against a background, or say what is wrong with the attributions."""
    import numpy as np

    own, aside = parted(scorer, rows)
    behind, _ = parted(scorer, background)
    found = _KNOWN.get(scorer, (rows, background), own, behind, explainer=explainer, seed=seed)
    if not np.isfinite(found.values).all():
        return f"{found.method} gives attributions that are not finite numbers"
    return Explained(scorer=scorer, rows=own, aside=aside, background=behind, of=found)


class _Known:
    """The last attributions, of which several measures of one run make something.

    What they were asked of is held with them, so that its identity cannot pass to something else.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], tuple[Attributions, object]] = OrderedDict()

    def get(
        self,
        scorer: Scorer,
        drawn: tuple[DrawnRows, DrawnRows],
        rows: pa.Table,
        background: pa.Table,
        *,
        explainer: Explainer,
        seed: int,
    ) -> Attributions:
        key = (id(scorer), *map(id, drawn), explainer, seed)
        if key not in self._kept:
            found = scorer.attribute(rows, background, explainer=explainer, seed=seed)
            self._kept[key] = found, (scorer, drawn)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return self._kept[key][0]


_KEPT = 4
_KNOWN = _Known()


def varies(explained: Explained, name: str) -> bool:
    """Whether a feature has two values among the rows and the background, missing being one."""
    both = [*explained.rows.column(name).unique(), *explained.background.column(name).unique()]
    return len({one.as_py() for one in both}) > 1


def shares(sizes: Floats) -> Floats:
    """Return each feature's share of the mean size, shape (features,); all 0 where nothing is attributed."""
    import numpy as np

    mean = sizes.mean(axis=0)
    total = float(mean.sum())
    if not total > 0.0:
        return np.zeros(len(mean))
    found: Floats = mean / total
    return np.where(found <= NOTHING, 0.0, found)


def hidden(explained: Explained, of: Sequence[int]) -> float:
    """Return the share of features that is next to nothing because a few rows have huge attributions.

    0 where no row attributes more to the features than is rounded away of what the model says of that row.
    """
    import numpy as np

    own = explained.sizes[:, list(of)].sum(axis=1)
    said = np.maximum(np.abs(explained.of.explained), np.abs(explained.of.base)).max(axis=1)
    total = float(explained.sizes.sum(axis=1).mean())
    return float(own.mean()) / total if bool((own > ROUNDED * said).any()) and total > 0.0 else 0.0


def share_interval(sizes: Floats, of: Sequence[int]) -> Interval | None:
    """Return the interval of the share of some features, by the delta method of a ratio of two means.

    Where the share is the same in all rows there is no variance to go by: then it is that of a proportion of
    as many rows, which no share can vary more than.
    """
    import numpy as np

    n = len(sizes)
    own, total = sizes[:, list(of)].sum(axis=1), sizes.sum(axis=1)
    found = moments(np.stack([own, total]), np.ones(n), np.ones(n))
    if found is None or not found.means[1] > 0.0:
        return None
    share = min(float(found.means[0] / found.means[1]), 1.0)
    gradient = (1.0 / float(found.means[1]), -share / float(found.means[1]))
    interval = function_of_means(share, gradient, found.covariance, found.n, lowest=0.0, highest=1.0)
    if interval is not None and math.sqrt(interval.variance) > NOTHING:
        return interval
    share = 0.0 if share <= NOTHING else 1.0 if share >= 1.0 - NOTHING else share
    return proportion(share * n, n).interval


def share_bars(explained: Explained) -> Chart:
    """Return the shares of the features that have the largest ones."""
    listed = ranked(explained.shares)[:LISTED]
    return Chart(
        kind="bars",
        title="Share of mean |SHAP|",
        data={
            "feature": tuple(explained.of.features[one] for one in listed),
            "share": tuple(float(explained.shares[one]) for one in listed),
        },
    )


def ranked(values: Floats) -> list[int]:
    """Return places, the largest value first; of equals the first."""
    return sorted(range(len(values)), key=lambda one: (-float(values[one]), one))


def summary(explained: Explained) -> Chart | None:
    """Return what the attributions of the leading features are where the feature is low, and where high.

    In bins of as many rows each; a bin of few rows would show a row, so small samples have none. None for
    several classes.
    """
    import numpy as np

    if explained.of.values.shape[2] > 1 or explained.n < BINS * _FEWEST:
        return None
    rows: list[tuple[str, float, float, float, float]] = []
    for place in ranked(explained.shares)[:PICTURED]:
        level = numbers_of(explained.rows.column(place))
        values = explained.of.values[:, place, 0]
        if level is None or not np.abs(values).max() > 0.0:
            continue
        known = np.flatnonzero(np.isfinite(level))
        for number, part in enumerate(_even(level[known], BINS)):
            if len(part) < _FEWEST:
                continue
            inside = values[known[part]]
            low, high = np.quantile(inside, (0.1, 0.9))
            name = explained.of.features[place]
            rows.append((name, number / (BINS - 1), float(inside.mean()), float(low), float(high)))
    if not rows:
        return None
    names = ("feature", "level", "mean", "low", "high")
    series = {name: tuple(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    return Chart(
        kind="attribution", title=f"SHAP by value of the feature ({explained.of.space})", data=series
    )


_FEWEST = 5
"""Rows of a bin."""


def _even(level: Floats, bins: int) -> list[NDArray[np.int64]]:
    """Return the places of each bin: as many rows each as ties allow, empty bins left out."""
    import numpy as np

    if not len(level):
        return []
    _, which, count = np.unique(level, return_inverse=True, return_counts=True)
    first = np.cumsum(count) - count
    middle = (first + count / 2.0) / len(level)
    code = np.minimum((middle * bins).astype(np.int64), bins - 1)[which]
    return [np.flatnonzero(code == one) for one in range(bins)]


def numbers_of(column: pa.ChunkedArray) -> Floats | None:
    """Return numbers and truth values as floats, missing as NaN; None for anything else."""
    import numpy as np
    import pyarrow as pa

    kind = column.type
    if pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return None
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)
