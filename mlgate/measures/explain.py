"""What a model rests on, by SHAP: forbidden features, one above all; and whether its explanations hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

from mlgate.cells import Answers, Columns, Drawn, Explainer, Statistic
from mlgate.errors import PolicyError
from mlgate.estimates import Chart, Comparison, Estimate, GroupEstimate
from mlgate.measures import attribution, measure
from mlgate.measures.attribution import BACKGROUND, LISTED, ROWS, Explained, ranked, share_interval
from mlgate.measures.named import present

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NEEDS = ("model", "features")

SHAP = "shap (Lundberg and Lee 2017; TreeExplainer, LinearExplainer or PermutationExplainer by the model)"

_NAMES = 2
"""Added to the seed where a draw is asked for its columns' names alone."""


@measure(
    id="explainability.forbidden_feature",
    kind="fact",
    unit="1",
    better="lower",
    needs=NEEDS,
    source=f"{SHAP}: share of the mean absolute SHAP value",
)
class ForbiddenFeature:
    """Share of what the model says that rests on features which it must not use (0 nothing, 1 all of it).

    Forbidden are the protected columns of the release and the `columns` that the check names, but for those
    that it says to `ignore`: the policy then says that the model may use them, and why. The share is
    that of their mean absolute SHAP values among those of all features, over `rows` drawn rows against
    `background` others; of several classes, summed over the classes. A column that the model does not take
    has a share of exactly 0, whatever goes along with it: that a column can be guessed from others is what
    `fairness/proxy` looks at.

    It is a fact about these rows: any share above 0 shows that the model uses the column, and no interval
    around a share of 0 would keep to a limit of 0.
    """

    def __init__(
        self,
        *,
        columns: list[str] | None = None,
        ignore: list[str] | None = None,
        rows: int = ROWS,
        background: int = BACKGROUND,
        explainer: Explainer = "auto",
        seed: int = 0,
    ) -> None:
        """Declare the parameters: further forbidden columns, those that are not, and how it is explained."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the model and rows, and for one row of the forbidden columns, which names them."""
        forbidden = dict.fromkeys((*columns.protected, *present(params["columns"] or (), columns)))
        names = tuple(one for one in forbidden if one not in present(params["ignore"] or (), columns))
        named = [Drawn(names, 1, params["seed"] + _NAMES)] if names else []
        return [*attribution.drawn(params, columns), *named]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Attribute, unless the model takes none of them."""
        names = _forbidden(cells, params)
        if not names:
            todo = "name columns under `protected:` in the release, or under `columns:` in the check"
            return Estimate.missing(f"nothing is forbidden; {todo}")
        taken = attribution.taken(cells, params)
        if isinstance(taken, str):
            return Estimate.missing(taken)
        features, n = taken
        used = [name for name in names if name in features]
        untaken = tuple(_untaken(name, n) for name in names if name not in features)
        if not used:
            return Estimate(value=0.0, n=n, groups=untaken)
        found = attribution.explained(cells, params)
        if isinstance(found, str):
            return Estimate.missing(found, groups=untaken)
        places = [found.of.features.index(name) for name in used]
        lines = (*(_line(found, place) for place in places), *untaken, _how(found))
        value = float(found.shares[places].sum()) or attribution.hidden(found, places)
        alike = [name for name in used if not attribution.varies(found, name)]
        if alike and not value > 0.0:
            reason = f"{alike[0]!r} has one value in all rows drawn, so that no use of it would show"
            return Estimate.missing(reason, n=found.n, groups=lines)
        return Estimate(
            value=value,
            n=found.n,
            groups=lines,
            charts=(attribution.share_bars(found),),
        )


def _forbidden(cells: Answers, params: Mapping[str, Any]) -> tuple[str, ...]:
    seed = params["seed"] + _NAMES
    drawn = [one for one in cells.of if isinstance(one, Drawn) and one.seed == seed]
    return drawn[0].columns if drawn else ()


def _untaken(name: str, n: int) -> GroupEstimate:
    group = {"column": name}
    return GroupEstimate(group=group, n=n, value=0.0, rate="share", judged=False, reason=_NOT_TAKEN)


_NOT_TAKEN = "the model does not take it"


def _line(explained: Explained, place: int) -> GroupEstimate:
    return GroupEstimate(
        group={"column": explained.of.features[place]},
        n=explained.n,
        value=float(explained.shares[place]),
        rate="share",
        interval=share_interval(explained.sizes, [place]),
    )


def _how(explained: Explained) -> GroupEstimate:
    """Return the line that says how the numbers were made."""
    group = {"column": "(explained by)"}
    return GroupEstimate(group=group, n=explained.n, value=None, judged=False, reason=explained.words)


@measure(
    id="explainability.importance_concentration",
    kind="estimate",
    unit="1",
    better="lower",
    needs=NEEDS,
    source=f"{SHAP}: largest share of the mean absolute SHAP value; delta method of a ratio of means",
)
class ImportanceConcentration:
    """Share of what the model says that rests on the one feature it rests on most.

    The share is that of the feature's mean absolute SHAP value among those of all features, over `rows` drawn
    rows against `background` others; of several classes, summed over the classes. Rows are taken without
    weights. Every one of the leading features has to keep to the limit, so that which of them leads by chance
    decides nothing.
    """

    def __init__(
        self,
        *,
        rows: int = ROWS,
        background: int = BACKGROUND,
        explainer: Explainer = "auto",
        seed: int = 0,
    ) -> None:
        """Declare the parameters: how the model is explained."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the model and rows."""
        return attribution.drawn(params, columns)

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Compare the shares."""
        found = attribution.explained(cells, params)
        if isinstance(found, str):
            return Estimate.missing(found)
        reason = _undivided(found)
        if reason is not None:
            return Estimate.missing(reason, n=found.n, groups=(_how(found),))
        leading = [one for one in ranked(found.shares) if found.shares[one] > 0.0][:LISTED]
        lines = tuple(_line(found, place) for place in leading)
        claims = tuple(
            Comparison(
                name=line.group["column"],
                value=line.value or 0.0,
                interval=line.interval,
                groups=(line.group,),
            )
            for line in lines
        )
        pictures = [attribution.share_bars(found), attribution.summary(found)]
        return Estimate(
            value=max(one.value for one in claims),
            n=found.n,
            groups=(*lines, _how(found)),
            comparisons=claims,
            charts=tuple(one for one in pictures if one is not None),
        )


def _undivided(explained: Explained) -> str | None:
    """Say that there is nothing to divide up, or nothing to divide it among."""
    if len(explained.of.features) == 1:
        return f"the model has one feature, {explained.of.features[0]!r}, and all of it rests on that"
    if not explained.sizes.any():
        return f"of these {explained.n} rows the model says the same: nothing can be attributed to features"
    return None


@measure(
    id="explainability.additivity",
    kind="fact",
    unit="1",
    better="lower",
    needs=NEEDS,
    source="Lundberg and Lee 2017, local accuracy: base and attributions of a row sum up to the output",
)
class Additivity:
    """How far the explanation of a row may miss what the model says of it, at worst (0 not at all).

    The largest difference between the base value plus all attributions of a row and what the model itself
    says of it, over `rows` drawn rows, as a share of the range of what the model says of them. An explanation
    that does not add up explains another model than this one: it must not be shown to anybody.
    """

    def __init__(
        self,
        *,
        rows: int = ROWS,
        background: int = BACKGROUND,
        explainer: Explainer = "auto",
        seed: int = 0,
    ) -> None:
        """Declare the parameters: how the model is explained."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the model and rows."""
        return attribution.drawn(params, columns)

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Add up."""
        import numpy as np

        found = attribution.explained(cells, params)
        if isinstance(found, str):
            return Estimate.missing(found)
        of = found.of
        if not (np.isfinite(of.explained).all() and np.isfinite(of.base).all()):
            return Estimate.missing("what the model says of these rows is not finite", n=found.n)
        gap = float(np.abs(of.base + of.values.sum(axis=1) - of.explained).max())
        size = float(np.ptp(of.explained, axis=0).max()) or float(np.abs(of.explained).max()) or 1.0
        return Estimate(value=gap / size, n=found.n, groups=(_how(found),))


@measure(
    id="explainability.stability",
    kind="fact",
    unit="1",
    better="higher",
    needs=NEEDS,
    source=f"{SHAP}; scipy.stats.spearmanr of the mean absolute SHAP values of two repetitions",
)
class Stability:
    """How alike the order of the features is when the model is explained again with other rows and seeds.

    The model is explained `repeats` times, each with another seed, another half of the drawn rows and another
    resample of the background. The number is the mean, over all pairs of repetitions, of Spearman's rank
    correlation of the features' mean absolute SHAP values: 1 when the order is always the same. An order that
    changes with the seed is none that could be reported. It is about these repetitions, and has no interval.
    """

    def __init__(
        self,
        *,
        repeats: int = 5,
        rows: int = ROWS,
        background: int = BACKGROUND,
        explainer: Explainer = "auto",
        seed: int = 0,
    ) -> None:
        """Declare the parameters: repetitions, and how the model is explained."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the model and rows."""
        if not _LEAST <= params["repeats"] <= _MOST:
            todo = f"write a number from {_LEAST} to {_MOST}"
            raise PolicyError("params.repeats", f"is {params['repeats']}", todo)
        return attribution.drawn(params, columns)

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Explain again and again."""
        import numpy as np
        from scipy.stats import spearmanr

        found = attribution.explained(cells, params)
        if isinstance(found, str):
            return Estimate.missing(found)
        reason = _undivided(found)
        if reason is None and found.n < _HALVES:
            reason = f"{found.n} rows are too few to be halved; {_HALVES} are needed"
        if reason is not None:
            return Estimate.missing(reason, n=found.n)
        repeated = [_again(found, params, number) for number in range(params["repeats"])]
        if any(float(np.ptp(one)) == 0.0 for one in repeated):
            reason = "in a repetition all features are of the same importance, so that there is no order"
            return Estimate.missing(reason, n=found.n)
        pairs = [float(spearmanr(*pair).statistic) for pair in combinations(repeated, 2)]
        stacked = np.stack(repeated)
        lines = tuple(
            GroupEstimate(
                group={"column": found.of.features[place]},
                n=found.n,
                value=float(stacked[:, place].mean()),
                rate="mean share",
                judged=False,
                reason=f"from {stacked[:, place].min():.3g} to {stacked[:, place].max():.3g}",
            )
            for place in ranked(stacked.mean(axis=0))[:LISTED]
        )
        return Estimate(
            value=float(np.mean(pairs)),
            n=found.n,
            groups=(*lines, _how(found)),
            charts=(_spread(found, stacked),),
        )


_LEAST, _MOST = 2, 50
_HALVES = 20
"""Rows that make two halves of a size worth comparing."""


def _again(explained: Explained, params: Mapping[str, Any], number: int) -> Floats:
    """Return the shares of a repetition with a seed, rows and a background of its own."""
    import numpy as np

    draw = np.random.default_rng((params["seed"], number))
    rows = np.sort(draw.permutation(explained.n)[: (explained.n + 1) // 2])
    behind = np.sort(draw.integers(0, explained.background.num_rows, explained.background.num_rows))
    again = explained.scorer.attribute(
        explained.rows.take(rows),
        explained.background.take(behind),
        explainer=params["explainer"],
        seed=params["seed"] + 1 + number,
    )
    return replace(explained, rows=explained.rows.take(rows), of=again).shares


def _spread(explained: Explained, stacked: Floats) -> Chart:
    listed = ranked(stacked.mean(axis=0))[:LISTED]
    return Chart(
        kind="bars",
        title=f"Mean share of |SHAP| in {len(stacked)} repetitions",
        data={
            "feature": tuple(explained.of.features[one] for one in listed),
            "share": tuple(float(stacked[:, one].mean()) for one in listed),
        },
    )
