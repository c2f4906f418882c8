"""Which way a model goes when one feature rises, and whether it goes anywhere at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from operator import mul
from typing import TYPE_CHECKING, Any

from mlgate.cells import Answers, Columns, DrawnRows, Explainer, Loaded, ModelFound, Scorer, Statistic
from mlgate.errors import PolicyError
from mlgate.estimates import Chart, Comparison, Estimate, GroupEstimate, Interval, PrivateExample
from mlgate.intervals import Mapped, mean_of, proportion
from mlgate.measures import attribution, effects, measure
from mlgate.measures.attribution import BACKGROUND, LISTED, NOTHING, ROWS, ranked
from mlgate.measures.effects import Curves
from mlgate.measures.named import EMPTY
from mlgate.measures.perturbed import Asked, ask, asked_rows, parted

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NEEDS = ("model", "features")
ONE_NUMBER = ("binary", "regression", "scores")

POINTS, MOST_POINTS = 20, 200

SHOWN = 20
"""Rows of a private example."""

PICTURED = 6
"""Features whose curves are drawn."""

_WAYS = {1: "rises", -1: "falls"}


def _planned(name: str, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
    """Ask for the model and rows, once directions and sizes are found sound."""
    effects.directions(name, params["increasing"], params["decreasing"], columns)
    for key, least, most in (("rows", 2, attribution.MOST_ROWS), ("points", 2, MOST_POINTS)):
        if not least <= params[key] <= most:
            raise PolicyError(f"params.{key}", f"is {params[key]}", f"write a number from {least} to {most}")
    return [Loaded(), asked_rows(columns, params["rows"], params["seed"])]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Directed:
    """The curves of the features that have a declared direction, and those that cannot be looked at."""

    asked: Asked
    curves: tuple[tuple[Curves, int], ...]
    left_out: tuple[GroupEstimate, ...]
    alike: str | None
    """A feature with one value in all rows drawn."""

    @property
    def charts(self) -> tuple[Chart, ...]:
        return tuple(one.chart() for one, _ in self.curves[:PICTURED])


def _directed(cells: Answers, params: Mapping[str, Any]) -> _Directed | Estimate:
    """Ask the model along each declared feature, or say why that cannot be."""
    asked = ask(cells)
    if isinstance(asked, str):
        return Estimate.missing(asked)
    ways = effects.declared(params["increasing"], params["decreasing"])
    features = asked.scorer.facts.features
    n = asked.rows.num_rows
    left_out = [_left_out(name, n, "the model does not take it") for name in ways if name not in features]
    used = {name: way for name, way in ways.items() if name in features}
    if not used:
        names = ", ".join(repr(one) for one in ways)
        return Estimate.inapplicable(f"the model takes none of the features that have a direction: {names}")
    found, alike = [], None
    for name, way in used.items():
        values = effects.observed(asked.rows.column(name), params["points"])
        if len(values) > 1:
            found.append((effects.curves(asked.scorer, asked.rows, name, values), way))
        else:
            alike = alike or name
            left_out.append(_left_out(name, n, "it has one value in all rows drawn"))
    return _Directed(asked=asked, curves=tuple(found), left_out=tuple(left_out), alike=alike)


def _left_out(name: str, n: int, reason: str) -> GroupEstimate:
    return GroupEstimate(group={"column": name}, n=n, value=None, judged=False, reason=reason)


@measure(
    id="explainability.monotonic",
    kind="estimate",
    unit="1",
    better="lower",
    tasks=ONE_NUMBER,
    needs=NEEDS,
    source="individual conditional expectation (Goldstein et al. 2015) and the declared direction; Wilson",
)
class Monotonic:
    """Share of rows for which the model goes against a declared direction: 0 when it never does.

    `increasing` names features with which the model's number must not fall when they alone rise, `decreasing`
    those with which it must not rise. Each of `rows` drawn rows is asked about with each of up to `points`
    observed values of the feature; a row is against the direction when the number at a higher value is on the
    wrong side of that at a lower one, by more than `tolerance` as a share of the range of nine in ten of the
    numbers; of the others also by more than is rounded away of them (5e-7). The number is that of the
    positive class, or what a regression predicts. Rows whose own value is missing are asked about, too.
    """

    def __init__(
        self,
        *,
        increasing: list[str] | None = None,
        decreasing: list[str] | None = None,
        rows: int = ROWS,
        points: int = POINTS,
        tolerance: float = 1e-6,
        seed: int = 0,
    ) -> None:
        """Declare the parameters: the directions, and how closely they are looked at."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the model and rows."""
        if not 0.0 <= params["tolerance"] < 1.0:
            raise PolicyError("params.tolerance", f"is {params['tolerance']:g}", "write a share below 1")
        return _planned("explainability.monotonic", params, columns)

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Look for steps that go the wrong way."""
        import numpy as np

        found = _directed(cells, params)
        if isinstance(found, Estimate):
            return found
        n = found.asked.rows.num_rows
        every = [found.asked.scores.numbers[:, :1], *(one.numbers for one, _ in found.curves)]
        if not all(np.isfinite(one).all() for one in every):
            return Estimate.missing("of changed rows the model says no finite number", n=n)
        slack = _Slack.of(np.concatenate([one.ravel() for one in every]), params["tolerance"])
        against = [_against(one, way, slack) for one, way in found.curves]
        wrong = np.zeros(n, dtype=bool)
        for one in against:
            wrong |= one.wrong
        lines = tuple(one.line for one in against)
        if found.alike is not None and not wrong.any():
            reason = (
                f"{found.alike!r} has one value in all rows drawn, so that no step of it can be looked at"
            )
            return Estimate.missing(reason, n=n, groups=(*lines, *found.left_out))
        share = proportion(float(wrong.sum()), n)
        return Estimate(
            value=share.value,
            n=n,
            interval=share.interval,
            groups=(*lines, *found.left_out),
            charts=found.charts,
            private=tuple(_steps(found.asked, one) for one in against if one.wrong.any()),
        )


_MIDDLE = (0.05, 0.95)

ROUNDING = 5e-7
"""Of a number, what float32 rounds away in a few steps."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Slack:
    """How far a step may go the wrong way."""

    usual: float
    """The tolerated share of the range of nine numbers in ten."""
    most: float
    """That share of the range of all numbers. A single wild one makes it as large as it likes, so that it is
    for numbers of that size only."""

    @classmethod
    def of(cls, numbers: Floats, tolerance: float) -> _Slack:
        """Return what is tolerated beside these numbers."""
        import numpy as np

        low, high = (float(one) for one in np.quantile(numbers, _MIDDLE))
        whole = float(numbers.max()) - float(numbers.min())
        return cls(usual=tolerance * (high - low if high > low else whole), most=tolerance * whole)

    def beside(self, size: Floats) -> Floats:
        """Return it for numbers of a size, of which some digits may be rounded away."""
        import numpy as np

        return np.maximum(self.usual, np.minimum(self.most, ROUNDING * size))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Against:
    """How far each row goes against the direction of one feature; arrays of shape (n,)."""

    of: Curves
    way: int
    worst: Floats
    """By how much the number at a higher value is on the wrong side; 0 where it never is."""
    step: NDArray[np.int64]
    """The place of the higher value."""
    wrong: NDArray[np.bool_]

    @property
    def line(self) -> GroupEstimate:
        """Return the row of the table."""
        k, n = int(self.wrong.sum()), len(self.wrong)
        share = proportion(k, n)
        largest = f"at worst it {_WAYS[-self.way]} by {self.worst.max():.4g}" if k else None
        return GroupEstimate(
            group={"column": self.of.feature, "as it rises the model": _WAYS[self.way]},
            n=n,
            value=share.value,
            numerator=k,
            denominator=n,
            interval=share.interval,
            reason=largest,
        )


def _against(of: Curves, way: int, slack: _Slack) -> _Against:
    """Compare each point with the best before it: many small steps make a large one."""
    import numpy as np

    numbers = of.numbers * way
    best = np.maximum.accumulate(numbers, axis=1)
    least = slack.beside(np.maximum(np.abs(best), np.abs(numbers)))
    drops = np.where(best - numbers > least, best - numbers, 0.0)
    worst = drops.max(axis=1)
    return _Against(of=of, way=way, worst=worst, step=drops.argmax(axis=1), wrong=worst > 0.0)


def _steps(asked: Asked, against: _Against) -> PrivateExample:
    """Show the rows with the worst steps: their key, or else all features, and what was changed."""
    import numpy as np

    order = np.argsort(-against.worst, kind="stable")[:SHOWN]
    places = [int(one) for one in order if against.wrong[one]]
    aside = asked.aside if asked.aside.num_columns else asked.rows
    numbers = against.of.numbers * against.way
    ends = [int(against.step[one]) for one in places]
    starts = [int(numbers[one, : end + 1].argmax()) for one, end in zip(places, ends, strict=True)]
    rows: dict[str, tuple[object, ...]] = {
        name: tuple(aside[name][one].as_py() for one in places) for name in aside.column_names
    }
    name = against.of.feature
    for words, steps in (("lower", starts), ("higher", ends)):
        rows[f"{name} ({words})"] = tuple(against.of.values[one] for one in steps)
        rows[f"prediction ({words})"] = tuple(
            float(against.of.numbers[row, one]) for row, one in zip(places, steps, strict=True)
        )
    title = f"As {name} rises, the model {_WAYS[-against.way]}"
    return PrivateExample(title=title, rows=rows)


@measure(
    id="explainability.expected_sign",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=ONE_NUMBER,
    needs=NEEDS,
    source="sklearn.inspection.partial_dependence (Friedman 2001): least-squares slope; t interval over rows",
)
class ExpectedSign:
    """The effect of the feature that goes least in its expected direction; below 0 it goes the other way.

    `increasing` names features that should raise the model's number on average, `decreasing` those that
    should lower it. The effect of a feature is the slope of its partial dependence over up to `points`
    observed values, times their standard deviation, in the unit of the number and with the expected sign:
    +0.1 means that the number moves by 0.1 in the expected direction when the feature moves by one standard
    deviation. Every declared feature has to keep to the limit. Whether single rows go the other way is asked
    by `explainability/monotonic`.
    """

    def __init__(
        self,
        *,
        increasing: list[str] | None = None,
        decreasing: list[str] | None = None,
        rows: int = ROWS,
        points: int = POINTS,
        seed: int = 0,
    ) -> None:
        """Declare the parameters: the expected signs, and how closely they are looked at."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the model and rows."""
        return _planned("explainability.expected_sign", params, columns)

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Compare the slopes with the signs."""
        import numpy as np

        found = _directed(cells, params)
        if isinstance(found, Estimate):
            return found
        n = found.asked.rows.num_rows
        if not all(np.isfinite(one.numbers).all() for one, _ in found.curves):
            return Estimate.missing("of changed rows the model says no finite number", n=n)
        if found.alike is not None:
            reason = f"{found.alike!r} has one value in all rows drawn, so that no effect of it would show"
            return Estimate.missing(reason, n=n, groups=found.left_out)
        lines = [_sign(one, way) for one, way in found.curves]
        flat = [line.group["column"] for line in lines if line.value is None]
        if flat:
            reason = f"what the model says does not change with {flat[0]!r}, so that its effect has no sign"
            return Estimate.missing(reason, n=n, groups=(*lines, *found.left_out))
        claims = tuple(
            Comparison(
                name=line.group["column"],
                value=line.value or 0.0,
                interval=line.interval,
                groups=(line.group,),
            )
            for line in lines
        )
        return Estimate(
            value=min(one.value for one in claims),
            n=n,
            comparisons=claims,
            groups=(*lines, *found.left_out),
            charts=found.charts,
        )


def _sign(of: Curves, way: int) -> GroupEstimate:
    import numpy as np

    slopes = of.slopes * way
    group = {"column": of.feature, "as it rises the model": _WAYS[way]}
    n = len(slopes)
    if float(np.ptp(of.numbers, axis=1).max()) == 0.0:
        return GroupEstimate(group=group, n=n, value=None, judged=False, reason="the model does not react")
    value = float(slopes.mean())
    alike = float(slopes.std()) <= NOTHING * abs(value)
    interval = _alike(value, n) if alike else mean_of(slopes, np.ones(n), np.ones(n))
    return GroupEstimate(group=group, n=n, value=value, rate="effect", interval=interval)


def _alike(slope: float, n: int) -> Interval | None:
    """Return an interval for rows that all have one slope, as those of a linear model.

    Rows of the table that have none are at most as many as Clopper and Pearson's bound of 0 in n says.
    """
    part = proportion(n, n).exact
    return None if part is None or slope == 0.0 else Mapped(part, partial(mul, slope))


@measure(
    id="explainability.unused_features",
    kind="fact",
    unit="features",
    better="lower",
    needs=NEEDS,
    source="sklearn.inspection.permutation_importance of what the model says, and shap; both exactly 0",
)
class UnusedFeatures:
    """How many features the model takes that change nothing in what it says.

    A feature is unused when dealing its values out anew among `rows` drawn rows, `repeats` times, changes no
    number that the model gives, and no row attributes anything to it. Such a feature has to be supplied,
    checked and explained for nothing. Features with one value in all rows drawn are listed and not counted:
    nothing is known of them.
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
        if not 1 <= params["repeats"] <= _MOST_REPEATS:
            todo = f"write a number from 1 to {_MOST_REPEATS}"
            raise PolicyError("params.repeats", f"is {params['repeats']}", todo)
        return attribution.drawn(params, columns)

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Deal out anew, and explain where that changes nothing."""
        import numpy as np

        found = _rows(cells, params)
        if isinstance(found, str):
            return Estimate.missing(found)
        scorer, rows = found
        n = rows.num_rows
        changes = effects.permutation_importance(
            scorer, rows, repeats=params["repeats"], seed=params["seed"] % 2**32
        )
        if not np.isfinite(changes).all():
            return Estimate.missing("of changed rows the model says no finite number", n=n)
        mean = changes.mean(axis=1)
        size = float(mean.max())
        still = [one for one in range(len(mean)) if not mean[one] > NOTHING * size]
        alike = [one for one in still if len(rows.column(one).unique()) < _TWO]
        if len(alike) == len(mean):
            return Estimate.missing("no feature has two values in the rows drawn", n=n)
        doubted = [one for one in still if one not in alike]
        attributed = np.zeros(len(mean))
        if doubted and size > 0.0:
            explained = attribution.explained(cells, params)
            if isinstance(explained, str):
                return Estimate.missing(explained, n=n)
            attributed = explained.shares
        unused = [one for one in doubted if not attributed[one] > 0.0]
        reasons = dict.fromkeys(unused, "unused") | dict.fromkeys(
            alike, "it has one value in all rows drawn, so that nothing is known of it"
        )
        order = [*unused, *alike, *(one for one in ranked(mean) if one not in reasons)][:_LISTED]
        return Estimate(
            value=float(len(unused)),
            n=n,
            groups=tuple(_change(rows.column_names[one], n, mean[one], reasons.get(one)) for one in order),
            charts=(_bars(rows.column_names, mean),),
        )


_TWO = 2
_MOST_REPEATS = 100
_LISTED = 50


def _rows(cells: Answers, params: Mapping[str, Any]) -> tuple[Scorer, pa.Table] | str:
    """Return the model and its rows; those that are explained, which are drawn first."""
    found = cells.get(Loaded(), ModelFound)
    if found.scorer is None:
        return found.reason or "there is no model"
    rows = attribution.rows_of(cells, params)
    own, _ = parted(found.scorer, cells.get(rows, DrawnRows))
    return (found.scorer, own) if own.num_rows else EMPTY


def _change(name: str, n: int, mean: float, reason: str | None) -> GroupEstimate:
    return GroupEstimate(
        group={"column": name}, n=n, value=float(mean), rate="change", judged=False, reason=reason
    )


def _bars(names: list[str], mean: Floats) -> Chart:
    listed = ranked(mean)[:LISTED]
    return Chart(
        kind="bars",
        title="Permutation importance: mean change of what the model says",
        data={
            "feature": tuple(names[one] for one in listed),
            "change": tuple(float(mean[one]) for one in listed),
        },
    )
