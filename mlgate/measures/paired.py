"""How much better one model is than another on the same rows, by any metric, with a paired interval.

The metric's own measure computes both values, each on the model's own cells. The interval is that of the
difference: Newcombe's for shares of rows, DeLong's for areas, Student's for means and what is made of them, a
bootstrap over the joint cells for other metrics of decisions, and a jackknife for the rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from mlgate.cells import CLASS, Cells, Counts
from mlgate.estimates import Estimate, Interval
from mlgate.intervals import (
    Bootstrap,
    DependentSum,
    Mapped,
    MoverSum,
    Part,
    bootstrap,
    rows_behind,
)
from mlgate.intervals.bootstrap import MAX_CELLS
from mlgate.intervals.paired import (
    GainsAndLosses,
    deal,
    gains_and_losses,
    jackknife,
    linearised,
    paired_proportions,
)
from mlgate.intervals.paired_areas import paired_areas
from mlgate.measures.decision_forms import Form, derivative, form_of
from mlgate.measures.influences import influence_of
from mlgate.measures.joint import CHAMPION, Joint, joint, without_champion
from mlgate.measures.metrics import Metric
from mlgate.measures.rates import NEGATIVE, POSITIVE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FEW = 30.0
"""With fewer rows that are decided otherwise, draws of them are too coarse: closed forms take their place."""

SAME = (
    "no interval: both models say the same on every row, so nothing tells how uncertain their difference is; "
    "see whether the champion was handed in twice"
)
"""Why there is no interval."""

NOTHING = "no interval: too little varies in how both models differ to tell how uncertain their difference is"

GINI = "performance.gini"

SURE = 0.95
"""A champion whose own interval at this confidence reaches 0 is too near it to divide by."""

AREAS = ("performance.roc_auc", GINI)

SHARES: Mapping[str, float | None] = {
    "performance.accuracy": None,
    "performance.recall": POSITIVE,
    "performance.specificity": NEGATIVE,
}
"""Metrics that are a share of rows decided right: among those of a label, or all."""

MEDIAN = "performance.median_absolute_error"


@dataclass(frozen=True, kw_only=True, slots=True)
class Paired:
    """What two models differ by."""

    value: float | None
    """Improvement: above 0 where the candidate is better. None with `reason`."""
    interval: Interval | None
    reason: str | None
    candidate: Estimate
    champion: Estimate
    n: int
    """Rows that both are measured on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scale:
    """How two values become an improvement: their difference, or its share of the champion's size."""

    sign: int
    """1 where higher is better, -1 where lower is."""
    relative: bool
    candidate: float
    champion: float

    @property
    def value(self) -> float:
        """The improvement."""
        return self.of(self.candidate, self.champion)

    def of(self, candidate: float, champion: float) -> float:
        """Return the improvement of one value over another; NaN for a share of nothing."""
        apart = self.sign * (candidate - champion)
        if not self.relative:
            return apart
        return apart / abs(champion) if champion else math.nan

    def slopes(self) -> tuple[float, float]:
        """Return its derivatives in the candidate's and in the champion's value."""
        if not self.relative:
            return float(self.sign), -float(self.sign)
        size, way = abs(self.champion), math.copysign(1.0, self.champion)
        return self.sign / size, -self.sign * way * self.candidate / size**2

    @property
    def size(self) -> float:
        """Of the numbers that are subtracted, in the unit of the improvement."""
        size = max(abs(self.candidate), abs(self.champion))
        return size / abs(self.champion) if self.relative else size


Answered: TypeAlias = Mapping[Counts, Cells]
"""Cells of both models, by what was asked."""


def paired(
    metric: Metric, answered: Answered, given: Mapping[str, Any], *, seed: int, relative: bool = False
) -> Paired:
    """Compare two models by a metric; `answered` is what `with_champion` of the metric's plan asked for.

    `given` is what the gate gives to the metric's measure, `seed` that of any draw. `relative`: the
    improvement is divided by the champion's size, and missing where that is too near 0.
    """
    both = {counts: joint(cells) for counts, cells in answered.items()}
    values = [
        metric.value({without_champion(counts): side(one) for counts, one in both.items()}, given)
        for side in (_candidate, _champion)
    ]
    candidate, champion = values
    n = min(candidate.n, champion.n)
    reason = lacking(candidate, champion) or (near_zero(champion) if relative else None)
    if reason is not None or candidate.value is None or champion.value is None:
        return Paired(value=None, interval=None, reason=reason, candidate=candidate, champion=champion, n=n)
    scale = Scale(sign=metric.sign, relative=relative, candidate=candidate.value, champion=champion.value)
    interval = _interval(_Comparing(metric=metric, given=given, seed=seed, scale=scale, both=both))
    told = None
    if interval is None:
        told = SAME if all(one.alike for one in both.values()) else NOTHING
    return Paired(
        value=scale.value, interval=interval, reason=told, candidate=candidate, champion=champion, n=n
    )


def lacking(candidate: Estimate, champion: Estimate) -> str | None:
    """Say which of two models has no value, and why; None when both have one."""
    named = {"candidate": candidate, "champion": champion}
    said = [f"{name}: {one.reason}" for name, one in named.items() if one.value is None]
    return "; ".join(said) or None


def near_zero(champion: Estimate) -> str | None:
    """Say that the champion's number is too near 0 to be divided by; None when it is surely another."""
    if champion.value is None:
        return None
    what = f"the champion's value {champion.value:g}"
    todo = "which a margin in per cent divides by; give the margin in the unit of the metric"
    if champion.interval is None:
        return f"{what} has no interval, so it may be 0, {todo}"
    low, high = champion.interval.at(SURE)
    return f"{what} is too near 0 ({low:g} to {high:g}), {todo}" if low <= 0.0 <= high else None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Comparing:
    """One comparison, on its way to an interval."""

    metric: Metric
    given: Mapping[str, Any]
    seed: int
    scale: Scale
    both: Mapping[Counts, Joint]

    @property
    def one(self) -> Joint | None:
        """The joint cells, where the metric looks at one picture of the table."""
        return next(iter(self.both.values())) if len(self.both) == 1 else None

    @property
    def counts(self) -> Counts:
        """What was asked first."""
        return next(iter(self.both))

    def measured(self, some: Mapping[Counts, Joint]) -> float:
        """Return the improvement on some of the rows; NaN where there is none."""
        found = []
        for side in (_candidate, _champion):
            cells = {without_champion(counts): side(one) for counts, one in some.items()}
            found.append(self.metric.value(cells, self.given).value)
        candidate, champion = found
        return math.nan if candidate is None or champion is None else self.scale.of(candidate, champion)


def _candidate(one: Joint) -> Cells:
    return one.candidate


def _champion(one: Joint) -> Cells:
    return one.champion


def _interval(of: _Comparing) -> Interval | None:  # noqa: PLR0911  one for each way
    """Choose how the interval is computed."""
    one = of.one
    if all(each.alike for each in of.both.values()) and not _decides(of):
        return None
    if one is None:
        return _of_classes(of)
    if of.metric.measure.id in AREAS:
        return _of_areas(of, one)
    if _decides(of):
        return _of_decisions(of, one)
    smooth = influence_of(of.metric)
    if smooth is not None:
        return _of_means(of, one, smooth)
    if of.metric.measure.id == MEDIAN and _plain(one) and len(one.cells.n) <= MAX_CELLS:
        return _of_medians(of, one)
    return _jackknifed(of)


def _plain(one: Joint) -> bool:
    """Whether rows are independent and weigh the same."""
    return one.cells.clusters is None and not one.cells.weighted


def _decides(of: _Comparing) -> bool:
    """Whether this is a metric of decisions whose form is known."""
    return of.one is not None and _forms(of, of.one) is not None


def _of_areas(of: _Comparing, one: Joint) -> Interval | None:
    """DeLong's paired interval."""
    cells = one.cells
    found = paired_areas(
        cells.roles["score"],
        cells.roles[f"{CHAMPION}score"],
        cells.roles["label"],
        cells.w,
        cells.w2,
        clusters=cells.clusters,
    )
    if found is None:
        return None
    gini = of.metric.measure.id == GINI
    if of.scale.relative:
        return _linear(of, one, found.influence * (2.0 if gini else 1.0), found.degrees)
    apart = found.difference
    return Mapped(apart, _doubled) if gini and apart is not None else apart


def _doubled(area: float) -> float:
    """Return the difference of two Gini coefficients, 2 AUC - 1, from that of the areas."""
    return 2.0 * area


def _of_means(of: _Comparing, one: Joint, smooth: Callable[[Cells], Floats | None]) -> Interval | None:
    """Student's t of the paired difference, to first order."""
    import numpy as np

    parts = smooth(one.candidate), smooth(one.champion)
    if parts[0] is None or parts[1] is None:
        return _jackknifed(of)
    return _linear(of, one, np.stack([parts[0][one.of_candidate], parts[1][one.of_champion]]))


def _linear(of: _Comparing, one: Joint, u: Floats, degrees: float | None = None) -> Interval | None:
    """Return Student's interval from both values' influences, shape (2, cells)."""
    import numpy as np

    slopes = np.array(of.scale.slopes())
    cells = one.cells
    found = linearised(
        of.scale.value,
        slopes @ u,
        cells.w,
        cells.w2,
        clusters=cells.clusters,
        scale=of.scale.size,
        method="t paired",
    )
    if found is None or degrees is None:
        return found
    return replace(found, n=min(found.n, degrees + 1.0))


def _of_decisions(of: _Comparing, one: Joint) -> Interval | None:
    """Newcombe's for shares of rows; else from draws of the joint cells, or from what each cell does."""
    if not of.scale.relative and (found := _of_shares(of, one)) is not None:
        return found
    forms = _forms(of, one)
    if forms is None:
        return _jackknifed(of)
    if _plain(one) and len(one.cells.n) <= MAX_CELLS and float(one.cells.w[one.differing].sum()) >= FEW:
        drawn = _drawn(of, one, forms)
        if drawn is not None:
            return drawn
    return _by_rows(of, one, forms)


def _of_shares(of: _Comparing, one: Joint) -> Interval | None:
    """Return Newcombe's paired interval of a metric that is a share, or a mean of disjoint ones."""
    import numpy as np

    label, own = one.cells.roles["label"], one.cells.roles["prediction"]
    other = one.cells.roles[f"{CHAMPION}prediction"]
    cells, name = one.cells, of.metric.measure.id

    def among(mask: NDArray[np.bool_]) -> Part | None:
        return paired_proportions(
            own == label, other == label, mask, cells.w, cells.w2, clusters=cells.clusters
        )

    averaged = of.metric.params.get("average") not in (None, "binary") or bool(cells.classes)
    if name in SHARES and (SHARES[name] is None or not averaged):
        of_label = SHARES[name]
        return among(np.ones(len(label), dtype=bool) if of_label is None else label == of_label)
    if name == "performance.balanced_accuracy" and cells.clusters is None:
        labels = np.unique(label)
        parts = [among(label == each) for each in labels]
        whole = tuple(part for part in parts if part is not None)
        return MoverSum(whole, (1.0 / len(parts),) * len(parts)) if len(whole) == len(parts) else None
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Forms:
    """A metric of decisions as a function of the confusion of each model."""

    candidate: Form
    champion: Form
    size: int
    """Classes."""


def _forms(of: _Comparing, one: Joint) -> _Forms | None:
    roles = one.cells.roles
    if set(roles) != {"label", "prediction", f"{CHAMPION}prediction"}:
        return None
    size = len(one.cells.classes) or 2
    if not all(_codes(values, size) for values in roles.values()):
        return None
    found = [
        form_of(of.metric, one.cells.classes, _confusions(side, side.w[None, :], size)[0])
        for side in (one.candidate, one.champion)
    ]
    if found[0] is None or found[1] is None:
        return None
    return _Forms(candidate=found[0], champion=found[1], size=size)


def _codes(values: Floats, size: int) -> bool:
    """Whether all are codes of classes: the decisions of a regression are not."""
    import numpy as np

    return bool(np.isin(values, np.arange(size)).all())


def _confusions(cells: Cells, w: Floats, size: int) -> Floats:
    """Return weights by label and prediction, (tables, classes, classes), of weights (tables, cells)."""
    import numpy as np

    place = (cells.roles["label"] * size + cells.roles["prediction"]).astype(np.int64)
    tables = np.zeros((len(w), size * size))
    for cell, at in enumerate(place.tolist()):
        tables[:, at] += w[:, cell]
    return tables.reshape(len(w), size, size)


def _drawn(of: _Comparing, one: Joint, forms: _Forms) -> Bootstrap | None:
    """Return the bootstrap of the joint cells."""
    import numpy as np

    sides = (one.cells, _as_champion(one.cells))

    def improvement(w: Floats) -> Floats:
        with np.errstate(all="ignore"):  # what is undefined is NaN, which the bootstrap counts
            own, other = (
                form(_confusions(cells, w, forms.size))
                for form, cells in zip((forms.candidate, forms.champion), sides, strict=True)
            )
            apart = of.scale.sign * (own - other)
            return np.asarray(apart / np.abs(other) if of.scale.relative else apart)

    found = bootstrap(one.cells.n, improvement, seed=of.seed)
    if found is None:
        return None
    shift = of.scale.value - found.value
    return replace(found, value=of.scale.value, draws=tuple(draw + shift for draw in found.draws))


def _as_champion(cells: Cells) -> Cells:
    return replace(
        cells, roles={"label": cells.roles["label"], "prediction": cells.roles[f"{CHAMPION}prediction"]}
    )


def _by_rows(of: _Comparing, one: Joint, forms: _Forms) -> GainsAndLosses | None:
    """Return the interval from what a row in each joint cell does to the metric."""
    import numpy as np

    found = []
    for form, side in ((forms.candidate, one.candidate), (forms.champion, one.champion)):
        with np.errstate(all="ignore"):  # what is undefined is NaN, and has no interval
            found.append(derivative(form, _confusions(side, side.w[None, :], forms.size)[0]))
    own, other = (slope * table for slope, table in zip(of.scale.slopes(), found, strict=True))
    cells = one.cells
    label, prediction, champions = (
        cells.roles[role].astype(np.int64) for role in ("label", "prediction", f"{CHAMPION}prediction")
    )
    u = own[label, prediction] + other[label, champions]
    if not np.isfinite(u).all():
        return None
    pairs = np.abs(own[:, :, None] + other[:, None, :])[np.unique(label)]
    pairs[:, np.arange(forms.size), np.arange(forms.size)] = 0.0
    return gains_and_losses(
        of.scale.value,
        u,
        one.differing,
        cells.w,
        cells.w2,
        clusters=cells.clusters,
        largest=float(np.nan_to_num(pairs).max()),
    )


def _of_medians(of: _Comparing, one: Joint) -> Bootstrap | None:
    """Return the bootstrap of a difference of two medians of the size of errors."""
    import numpy as np

    roles = one.cells.roles
    sizes = [np.abs(roles[role] - roles["label"]) for role in ("prediction", f"{CHAMPION}prediction")]
    orders = [np.argsort(size, kind="stable") for size in sizes]

    def improvement(w: Floats) -> Floats:
        found = []
        for size, order in zip(sizes, orders, strict=True):
            running = np.cumsum(w[:, order], axis=1)
            middle = running[:, -1:] / 2.0
            low, high = (running < middle).sum(axis=1), (running <= middle).sum(axis=1)
            last = len(order) - 1
            found.append((size[order][low] + size[order][np.minimum(high, last)]) / 2.0)
        apart = of.scale.sign * (found[0] - found[1])
        return np.asarray(apart / found[1] if of.scale.relative else apart)

    with np.errstate(all="ignore"):  # what is undefined is NaN, which the bootstrap counts
        drawn = bootstrap(one.cells.n, improvement, seed=of.seed)
    if drawn is None:
        return None
    shift = of.scale.value - drawn.value
    return replace(drawn, value=of.scale.value, draws=tuple(draw + shift for draw in drawn.draws))


def _of_classes(of: _Comparing) -> Interval | None:
    """Return the interval of a mean over classes, each against the rest, that all err to one side.

    How the classes go together is not seen in counts of one class at a time, see `one_vs_rest`; for
    `weighted` the shares of the classes are estimates themselves.
    """
    average = of.metric.params.get("average")
    views = [counts.view or "" for counts in of.both]
    if of.scale.relative or average not in ("macro", "weighted"):
        return None
    if not all(view.startswith(CLASS) for view in views):
        return None
    parts: list[Part] = []
    for counts, one in of.both.items():
        part = _of_class(of, counts, one)
        if part is None:
            return None
        parts.append(part)
    first = next(iter(of.both.values())).cells
    total = float(first.w.sum())
    shares = [1.0 / len(parts)] * len(parts)
    if average == "weighted":
        shares = [
            float(one.cells.w[one.cells.roles["label"] == POSITIVE].sum()) / total for one in of.both.values()
        ]
    behind = rows_behind(first.w / total, first.w2 / total / total, first.clusters)
    extra = 0.0
    if average == "weighted":
        apart = (c * (part.value - of.scale.value) ** 2 for c, part in zip(shares, parts, strict=True))
        extra = math.fsum(apart) / behind.least
    sums = MoverSum(tuple(parts), tuple(shares))
    return DependentSum(
        of=sums,
        inflation=math.inf,
        extra=extra,
        n=max(behind.least, 2.0),
        lowest=-math.inf,
        highest=math.inf,
    )


def _of_class(of: _Comparing, counts: Counts, one: Joint) -> Part | None:
    """Return the interval of the difference on one class against the rest."""
    metric = replace(of.metric, params={**of.metric.params, "average": "macro"})
    values = [
        metric.value({without_champion(counts): side(one)}, of.given).value
        for side in (_candidate, _champion)
    ]
    if values[0] is None or values[1] is None:
        return None
    scale = replace(of.scale, candidate=values[0], champion=values[1])
    found = _interval(replace(of, metric=metric, scale=scale, both={counts: one}))
    return found if isinstance(found, Part) else None


def _jackknifed(of: _Comparing) -> Interval | None:
    """Return the delete-a-group jackknife over the rows, or the clusters, of all pictures of the table."""
    one = of.one
    if one is None:
        return None
    cells = one.cells
    without = _without(of, one, deal(cells.n, cells.clusters, seed=of.seed))
    floor = 0.0
    if cells.clusters is not None:  # that clusters are more alike than chance is no knowledge
        rows = jackknife(of.scale.value, _without(of, one, deal(cells.n, None, seed=of.seed)))
        floor = 0.0 if rows is None else rows.variance
    return jackknife(of.scale.value, without, clustered=cells.clusters is not None, floor=floor)


def _without(of: _Comparing, one: Joint, dealt: NDArray[np.int64]) -> list[float]:
    return [of.measured({of.counts: one.taking(one.cells.n - group)}) for group in dealt]
