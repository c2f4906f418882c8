"""Whether a new model rests on the same features as the one that runs now, by SHAP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlgate.cells import Answers, Columns, Drawn, DrawnRows, Explainer, Loaded, ModelFound, Statistic
from mlgate.estimates import Chart, Estimate, GroupEstimate, Interval
from mlgate.intervals import bootstrap, proportion
from mlgate.measures import attribution, measure
from mlgate.measures.attribution import BACKGROUND, LISTED, ROWS, Explained, ranked
from mlgate.measures.named import EMPTY

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_WIDE = 2
"""Added to the seed where rows of both models' features are drawn."""


@measure(
    id="explainability.importance_shift",
    kind="estimate",
    unit="1",
    better="lower",
    needs=("model", "features", "champion"),
    source="shap (Lundberg and Lee 2017); total variation distance of two distributions (Gibbs and Su 2002)",
)
class ImportanceShift:
    """Share of the attribution that lies on other features than in the champion (0 none, 1 all of it).

    Both models are explained on the same `rows` drawn rows against the same `background`. The number is the
    total variation distance between their shares of mean absolute SHAP values: half the sum of the absolute
    differences. A feature that only one of them takes has a share of 0 in the other. The interval is a
    bootstrap of the rows.
    """

    def __init__(
        self,
        *,
        rows: int = ROWS,
        background: int = BACKGROUND,
        explainer: Explainer = "auto",
        seed: int = 0,
    ) -> None:
        """Declare the parameters: how the models are explained."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for both models and rows."""
        return attribution.drawn(params, columns, "champion")

    def further(self, cells: Answers, params: Mapping[str, Any]) -> list[Statistic]:
        """Ask for rows of the features of both, where the champion takes others."""
        names = _features(cells)
        first = next(one for one in cells.of if isinstance(one, Drawn))
        if names is None or set(names) <= set(first.columns):
            return []
        seed = params["seed"] + _WIDE
        return [Drawn(names, params["rows"], seed), Drawn(names, params["background"], seed + 1)]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Compare the shares."""
        both = _both(cells, params)
        if isinstance(both, str):
            return Estimate.missing(both)
        new, old = both
        for one, whose in ((new, "the model"), (old, "the champion")):
            if not one.sizes.any():
                return Estimate.missing(f"{whose} says the same of all {one.n} rows drawn", n=one.n)
        names = tuple(dict.fromkeys((*new.of.features, *old.of.features)))
        here, there = _aligned(new, names), _aligned(old, names)
        value, interval = _distance(here, there, params["seed"])
        shares = attribution.shares(here), attribution.shares(there)
        order = ranked(abs(shares[0] - shares[1]))[:LISTED]
        return Estimate(
            value=value,
            n=new.n,
            interval=interval,
            groups=tuple(_line(names[one], new.n, shares[0][one], shares[1][one]) for one in order),
            charts=(
                _bars("the model", names, shares[0], order),
                _bars("the champion", names, shares[1], order),
            ),
        )


def _features(cells: Answers) -> tuple[str, ...] | None:
    """Return the features of both models; None where one of them is not there."""
    scorers = [cells.get(one, ModelFound).scorer for one in (Loaded(), Loaded("champion"))]
    known = [one.facts.features for one in scorers if one is not None]
    return tuple(dict.fromkeys(name for one in known for name in one)) if len(known) == len(scorers) else None


def _both(cells: Answers, params: Mapping[str, Any]) -> tuple[Explained, Explained] | str:
    models = [cells.get(one, ModelFound) for one in (Loaded(), Loaded("champion"))]
    for one, whose in zip(models, ("", "the champion: "), strict=True):
        if one.scorer is None:
            return f"{whose}{one.reason or 'there is no model'}"
    draws = [one for one in cells.of if isinstance(one, Drawn)][
        -2:
    ]  # those of both, where they were asked for
    rows, background = (cells.get(one, DrawnRows) for one in draws)
    if not rows.table.num_rows:
        return EMPTY
    found = []
    for one in models:
        if one.scorer is None:
            continue
        lacking = [name for name in one.scorer.facts.features if name not in rows.table.column_names]
        if lacking:
            return f"column {lacking[0]!r}, which a model takes, was not drawn"
        each = attribution.attributed(
            one.scorer, rows, background, explainer=params["explainer"], seed=params["seed"]
        )
        if isinstance(each, str):
            return each
        found.append(each)
    return found[0], found[1]


def _aligned(explained: Explained, names: tuple[str, ...]) -> Floats:
    """Return sizes of shape (n, names) over the mean of their sum; 0 for features that the model lacks."""
    import numpy as np

    found = np.zeros((explained.n, len(names)))
    sizes = explained.sizes / float(explained.sizes.mean(axis=0).sum())
    for place, name in enumerate(explained.of.features):
        found[:, names.index(name)] = sizes[:, place]
    return found


def _distance(here: Floats, there: Floats, seed: int) -> tuple[float, Interval | None]:
    import numpy as np

    def statistic(counts: Floats) -> Floats:
        first, second = counts @ here, counts @ there
        totals = first.sum(axis=1), second.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):  # draws without any attribution are undefined
            apart = np.abs(first / totals[0][:, None] - second / totals[1][:, None])
        found: Floats = apart.sum(axis=1) / 2.0
        return found

    n = len(here)
    value = float(statistic(np.ones((1, n)))[0])
    value = 0.0 if value <= attribution.NOTHING else min(value, 1.0)
    ones = np.ones(n, dtype=np.int64)
    drawn = bootstrap(ones, statistic, seed=seed, upward=True, lowest=0.0, highest=1.0)
    wide = drawn is not None and drawn.draws[-1] - drawn.draws[0] > attribution.NOTHING
    # Where each row shifts as much as the next, the bound is that of as many rows that shift or do not.
    return value, drawn if wide else proportion(value * n, n).interval


def _line(name: str, n: int, new: float, old: float) -> GroupEstimate:
    return GroupEstimate(
        group={"column": name},
        n=n,
        value=float(new),
        rate="share",
        judged=False,
        reason=f"{float(old):.3g} in the champion",
    )


def _bars(whose: str, names: tuple[str, ...], shares: Floats, order: list[int]) -> Chart:
    return Chart(
        kind="bars",
        title=f"Share of mean |SHAP|: {whose}",
        data={
            "feature": tuple(names[one] for one in order),
            "share": tuple(float(shares[one]) for one in order),
        },
    )
