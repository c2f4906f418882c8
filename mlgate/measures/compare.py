"""The judged model against the one that runs now, on the same rows, by any metric of performance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from mlgate.cells import Answers, Cells, Columns, Counts, Recorded, RecordedFinding, Statistic
from mlgate.errors import PolicyError
from mlgate.estimates import Estimate, GroupEstimate, Interval
from mlgate.intervals import Mapped, MoverRatio, Newcombe, Part
from mlgate.intervals.paired import mcnemar
from mlgate.intervals.recorded import RecordedPart
from mlgate.measures import measure
from mlgate.measures.joint import CHAMPION, with_champion
from mlgate.measures.margins import Margin, size_of
from mlgate.measures.metrics import Metric
from mlgate.measures.paired import Paired, lacking, near_zero, paired

UNIT = "units of the metric"

TASKS = ("binary", "multiclass", "regression", "scores")

PER_CLASS = "per_class"

CHANCE = 0.5
"""The one-sided confidence of an interval of no width."""


class _Improvement:
    """What improvements share: plan, and the two ways to the champion's value."""

    target = False
    """Whether metrics that are best at a target are taken, of which neither value is the better one."""

    def __init__(
        self,
        *,
        metric: Metric,
        margin: Margin | None = None,
        min_group: int = 30,
        seed: int = 0,
        favourable: Literal["positive", "negative"] = "positive",
    ) -> None:
        """Declare the parameters; the last three are what the gate gives to the metric's own measure."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for what both models say of each row; of a champion that is a report, for its number."""
        metric: Metric = params["metric"]
        counts = planned(metric, columns, params, target=self.target)
        if columns.champion is None:
            return [*counts, recorded(CHAMPION.rstrip("_"), metric)]
        return [with_champion(one) for one in counts]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Compare both models."""
        asked = next((one for one in cells.of if isinstance(one, Recorded)), None)
        if asked is not None:
            return unpaired(cells, asked, params)
        answered = {one: cells.cells(one) for one in cells.of if isinstance(one, Counts)}
        return estimated(compared(answered, params), answered)


@measure(
    id="compare.improvement",
    kind="estimate",
    unit=UNIT,
    better="higher",
    tasks=TASKS,
    needs=("champion",),
    clusters=True,
    source="Newcombe 1998, method 10; DeLong, DeLong and Clarke-Pearson 1988; Zou and Donner 2008 (MOVER); "
    "Shao and Wu 1989 (jackknife)",
)
class Improvement(_Improvement):
    """How much better the model is than the champion by a metric; below 0 it is worse.

    Candidate less champion where higher is better, champion less candidate where lower is, on the same rows.
    `metric` is a check on performance, by name or as {check: performance/f1, params: {average: macro}}. With
    a margin in per cent the improvement is divided by the champion's size, and missing where that is not
    surely other than 0.

    The interval is paired: Newcombe's method 10 for shares of rows, DeLong's for AUC, Student's t for means
    and smooth functions of them, a bootstrap of the joint counts for other metrics of decisions, a jackknife
    over groups of rows for the rest; with weights and clusters by linearisation. Where the champion is a
    report, MOVER's of two independent numbers, and the method says unpaired. Without an interval where both
    models say the same on every row, but for shares.
    """


@measure(
    id="compare.difference",
    kind="estimate",
    unit=UNIT,
    better="target",
    tasks=TASKS,
    needs=("champion",),
    clusters=True,
    source="Schuirmann 1987 (two one-sided tests); intervals as compare.improvement",
)
class Difference(_Improvement):
    """How far the model is from the champion by a metric, above 0 where it is better; 0 is no difference.

    As compare.improvement; of metrics with a target, such as the mean error, it is candidate less champion.
    """

    target = True


@measure(
    id="compare.since_anchor",
    kind="estimate",
    unit=UNIT,
    better="higher",
    tasks=TASKS,
    clusters=True,
    source="Zou and Donner 2008 (MOVER), difference of two independent numbers",
)
class SinceAnchor(_Improvement):
    """How much better the model is by a metric than an older release was, as its report has it.

    Releases that each lose a little against the one before lose a lot together; an anchor does not move. The
    two numbers are taken as independent, even where both are of the same rows. Missing when the anchor's
    report has no number for the metric with the same parameters.
    """

    def __init__(
        self,
        *,
        metric: Metric,
        anchor: str,
        margin: Margin | None = None,
        min_group: int = 30,
        seed: int = 0,
        favourable: Literal["positive", "negative"] = "positive",
    ) -> None:
        """Declare the parameters: which of the release's `anchors`."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the metric, and for the anchor's."""
        metric: Metric = params["metric"]
        counts = planned(metric, columns, params, target=False)
        return [*counts, recorded(f"anchors.{params['anchor']}", metric)]


def planned(
    metric: Metric, columns: Columns, params: Mapping[str, Any], *, target: bool
) -> tuple[Counts, ...]:
    """Return what the metric asks of one model.

    Raises PolicyError for a metric with a target, unless `target`, for classes judged each by itself, and for
    a margin in per cent of a mean over pictures of single classes, whose variance they do not tell.
    """
    if metric.params.get("average") == PER_CLASS:
        what = "classes that are judged each by itself are not compared"
        raise PolicyError("params.metric", what, "use macro, micro or weighted")
    counts = (metric if target else metric.require_direction()).plan(columns, params)
    if len(counts) > 1 and _relative(params):
        what = f"{metric.check} over several classes is not compared in per cent"
        raise PolicyError("params.margin", what, "give the margin in the unit of the metric")
    return counts


def recorded(source: str, metric: Metric) -> Recorded:
    """Return what to ask of an earlier report."""
    return Recorded.of(source, metric.measure.id, metric.params)


def compared(answered: Mapping[Counts, Cells], params: Mapping[str, Any]) -> Paired:
    """Compare two models on cells that both have, as the parameters say."""
    return paired(params["metric"], answered, params, seed=params["seed"], relative=_relative(params))


def estimated(found: Paired, answered: Mapping[Counts, Cells]) -> Estimate:
    """Return the improvement with both models as its table."""
    rows = (*models(found.candidate, found.champion), *_discordant(answered))
    if found.value is None:
        return Estimate.missing(found.reason or "", n=found.n, groups=rows)
    return Estimate(value=found.value, n=found.n, interval=found.interval, reason=found.reason, groups=rows)


def models(candidate: Estimate, champion: Estimate) -> tuple[GroupEstimate, ...]:
    """Return a line for each model."""
    return tuple(
        GroupEstimate(
            group={"of": name},
            n=one.n,
            value=one.value,
            interval=one.interval,
            judged=one.value is not None,
            reason=one.reason,
        )
        for name, one in (("candidate", candidate), ("champion", champion))
    )


def _discordant(answered: Mapping[Counts, Cells]) -> Iterator[GroupEstimate]:
    """Yield, for decisions, the rows that one model alone gets right, and McNemar's test of them."""
    (cells, *more) = answered.values()
    wanted = {"label", "prediction", f"{CHAMPION}prediction"}
    if more or set(cells.roles) != wanted or not cells.w.sum() > 0.0:
        return
    if not cells.classes and not all(set(one.tolist()) <= {0.0, 1.0} for one in cells.roles.values()):
        return  # a regression
    label = cells.roles["label"]
    right, other = cells.roles["prediction"] == label, cells.roles[f"{CHAMPION}prediction"] == label
    alone = {"candidate": right & ~other, "champion": other & ~right}
    for name, mask in alone.items():
        yield GroupEstimate(
            group={"of": f"rows that the {name} alone gets right"},
            n=int(cells.n[mask].sum()),
            value=float(cells.w[mask].sum() / cells.w.sum()),
            rate="share",
        )
    if cells.weighted or cells.clusters is not None:
        return
    first, second = (int(cells.n[mask].sum()) for mask in alone.values())
    test = mcnemar(first, second)
    how = "exact" if test.exact else "chi-squared, corrected"
    yield GroupEstimate(
        group={"of": f"McNemar's test ({how})"}, n=first + second, value=test.p, rate="p-value"
    )


def unpaired(cells: Answers, asked: Recorded, params: Mapping[str, Any]) -> Estimate:
    """Compare the metric with what an earlier report says of it."""
    metric: Metric = params["metric"]
    own = metric.value({one: cells.cells(one) for one in cells.of if isinstance(one, Counts)}, params)
    found = cells.of[asked]
    if not isinstance(found, RecordedFinding):
        whose = "champion's report" if asked.source == "champion" else f"report under {asked.source}"
        return Estimate.missing(f"the {whose} has no number for {metric} on its evaluation table", n=own.n)
    if found.version not in (None, metric.measure.version):
        was = f"{found.report} has {metric} by version {found.version} of {metric.measure.id}"
        now = f"this is version {metric.measure.version}: run that release again"
        return Estimate.missing(f"{was}, and {now}", n=own.n)
    of = found.report if found.same_table else f"{found.report}, perhaps of other rows"
    other = Estimate(value=found.value, n=found.n or 0, interval=_part(found), reason=of)
    rows = models(own, other)
    reason = lacking(own, other)
    relative = _relative(params)
    if reason is None and relative:
        reason = near_zero(other) or _negative(own, other)
    if reason is not None or own.value is None or other.value is None:
        return Estimate.missing(reason or "", n=own.n, groups=rows)
    value = metric.sign * (own.value - other.value)
    told = _lonely(own, found, other)
    return Estimate(
        value=value / abs(other.value) if relative else value,
        n=own.n,
        interval=None if told else _apart(metric.sign, own, other, of=found, relative=relative),
        reason=told,
        groups=rows,
    )


def _part(found: RecordedFinding) -> RecordedPart | None:
    if found.interval is None or found.confidence is None:
        return None
    low, high = found.interval
    if not low < high or not low <= found.value <= high or not CHANCE < found.confidence < 1.0:
        return None
    return RecordedPart(value=found.value, low=low, high=high, confidence=2.0 * found.confidence - 1.0)


def _negative(own: Estimate, other: Estimate) -> str | None:
    values = [one.value for one in (own, other) if one.value is not None]
    if min(values) >= 0.0:
        return None
    return "a value is below 0, of which no share is taken; give the margin in the unit of the metric"


def _lonely(own: Estimate, found: RecordedFinding, other: Estimate) -> str | None:
    said = []
    if not isinstance(own.interval, Part):
        said.append(f"candidate: {own.reason or 'it has no interval'}")
    if not isinstance(other.interval, Part):
        said.append(f"{found.report} has none around its value that could be used")
    return f"no interval: {'; '.join(said)}" if said else None


def _apart(
    sign: int, own: Estimate, other: Estimate, *, of: RecordedFinding, relative: bool
) -> Interval | None:
    """Return MOVER's interval of two independent numbers."""
    mine, theirs = own.interval, other.interval
    if not isinstance(mine, Part) or not isinstance(theirs, Part):
        return None
    if relative:
        return Unpaired(Mapped(MoverRatio(mine, theirs), partial(_beyond, sign)), of.same_table)
    return Unpaired(Newcombe(mine, theirs) if sign > 0 else Newcombe(theirs, mine), of.same_table)


@dataclass(frozen=True, slots=True)
class Unpaired:
    """The interval of a difference whose two numbers were taken as independent; its method says so."""

    part: Part
    same_rows: bool
    """Whether both numbers are of the same rows of the same file, as far as their reports tell."""

    @property
    def method(self) -> str:
        """As the report prints it."""
        return f"{self.part.method}, unpaired{'' if self.same_rows else ', perhaps of other rows'}"

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        return self.part.at(confidence)

    def grown(self, factor: float) -> Unpaired:
        """Return the interval of `factor` times the rows in both."""
        return replace(self, part=self.part.grown(factor))


def _beyond(sign: int, ratio: float) -> float:
    return sign * (ratio - 1.0)


def _relative(params: Mapping[str, Any]) -> bool:
    margin = params.get("margin")
    return margin is not None and size_of(margin).relative
