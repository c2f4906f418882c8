"""How far apart the rates of groups lie: all pairs of judged groups, and the worst group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal, TypeAlias

from mlgate.cells import By, Cells
from mlgate.estimates import Comparison, Estimate, GroupEstimate
from mlgate.intervals import evenness, gap, ratio
from mlgate.measures.groups import NEEDED, Grouped, Tally, grouped, tally, too_few
from mlgate.measures.rates import RATES, Rate, RateName

IMPACT_RATIO = "impact_ratio"
"""The name of the rows that hold each group against the best one."""

How: TypeAlias = Literal["difference", "ratio", "lowest", "highest"]
"""Largest minus smallest rate, smallest over largest, or the one group that stands worst."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judging:
    """Which groups, and which of them are judged."""

    by: tuple[By, ...]
    min_group: int
    judge_unknown: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Claim:
    """A comparison with how few rows tell it, by which ties between comparisons are broken."""

    comparison: Comparison
    looseness: float
    """Sum of 1 / rows: larger where fewer rows tell."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ready:
    """Rates that can be compared."""

    how: How
    tallies: tuple[tuple[Tally, ...], ...]
    """For each rate, all groups."""
    judged: tuple[tuple[Tally, ...], ...]
    """For each rate, the judged groups; at least two."""
    base: Estimate
    """The group table, value_all and judged share."""
    value: float

    def answer(self, claims: Sequence[_Claim], more: Iterable[GroupEstimate] = ()) -> Estimate:
        """Return the estimate; its interval is that of the claim that stands worst."""
        sign = -1.0 if self.how in ("ratio", "lowest") else 1.0
        widest = max(claims, key=lambda claim: (sign * claim.comparison.value, claim.looseness))
        return replace(
            self.base,
            value=self.value,
            reason=None,
            interval=widest.comparison.interval,
            comparisons=tuple(claim.comparison for claim in claims),
            groups=(*self.base.groups, *more),
        )


def between(cells: Cells, judging: Judging, rates: Sequence[RateName], how: How) -> Estimate:
    """Compare rates between every two judged groups.

    `difference` is the largest minus the smallest rate, `ratio` the smallest over the largest; of several
    rates, the worse. `value` is over judged groups, `value_all` over every group in which the rate has a
    denominator (the unknown one only if the policy judges it). The comparisons are all pairs, each rate
    among the groups that have enough of its denominator, oriented to be >= 0 (<= 1 for ratios), with
    MOVER intervals from the groups' Wilson intervals. `n` is the rows of the judged groups.

    Missing when fewer than two groups can be judged in one of the rates, or a ratio is over zero.
    """
    ready = _ready(cells, judging, rates, how)
    if isinstance(ready, Estimate):
        return ready
    several = len(rates) > 1
    return ready.answer([claim for one in ready.judged for claim in _pairs(one, how, several=several)])


def worst(cells: Cells, judging: Judging, rate: RateName, how: How) -> Estimate:
    """Return the rate of the judged group that stands worst; every judged group is a comparison.

    `how` is `lowest` for rates that should be high and `highest` for rates of errors.
    """
    ready = _ready(cells, judging, [rate], how)
    if isinstance(ready, Estimate):
        return ready
    return ready.answer([_alone(one) for one in ready.judged[0]])


def against_best(cells: Cells, judging: Judging, rate: RateName) -> Estimate:
    """Compare the rate of each judged group with that of the group where it is highest.

    `value` is the smallest ratio; the comparisons are one ratio for each group but the best, with MOVER-R
    intervals. Of groups with equal highest rates the one with most rows is the reference.
    """
    ready = _ready(cells, judging, [rate], "ratio")
    if isinstance(ready, Estimate):
        return ready
    best = max(ready.judged[0], key=lambda one: (_value(one), one.share.kish_n))
    claims = [_against(one, best) for one in ready.judged[0] if one is not best]
    return ready.answer(claims, _ratio_rows(ready.tallies[0], best))


def _ready(cells: Cells, judging: Judging, rates: Sequence[RateName], how: How) -> _Ready | Estimate:
    """Count the rates; an estimate that says why where they cannot be compared."""
    of = grouped(cells, judging.by)
    if isinstance(of, Estimate):
        return of
    tallies = tuple(
        tally(of, RATES[name], min_group=judging.min_group, judge_unknown=judging.judge_unknown)
        for name in rates
    )
    judged = tuple(tuple(one for one in each if one.judged) for each in tallies)
    known = tuple(_known(each, judge_unknown=judging.judge_unknown) for each in tallies)
    estimable = all(len(each) >= NEEDED and not (how == "ratio" and _zero(each)) for each in known)
    value_all = _summary(of, known, how) if estimable else None
    base = _listing(of, tallies, value_all)
    refusal = _refusal(tallies, how)
    if refusal is not None:
        return replace(base, reason=refusal)
    value = value_all if known == judged and value_all is not None else _summary(of, judged, how)
    return _Ready(how=how, tallies=tallies, judged=judged, base=base, value=value)


def _listing(of: Grouped, tallies: Sequence[Sequence[Tally]], value_all: float | None) -> Estimate:
    """Say what is known before anything is judged. A group counts as judged when each of its rates is."""
    by_group = list(zip(*tallies, strict=True))
    rows = sum(each[0].group.n for each in by_group if all(one.judged for one in each))
    return Estimate.missing(
        "not judged yet",
        n=rows,
        groups=tuple(one.row() for each in by_group for one in each),
        value_all=value_all,
        judged_share=rows / of.rows,
    )


def _refusal(tallies: Sequence[Sequence[Tally]], how: How) -> str | None:
    """Say why the rates cannot be compared; None when they can."""
    for each in tallies:
        judged = [one for one in each if one.judged]
        words = each[0].rate.words
        lacking = too_few(len(judged), [(one.group, one.reason) for one in each])
        if lacking is not None:
            return f"{words}: {lacking}" if len(tallies) > 1 else lacking
        if how == "ratio" and _zero(judged):
            return f"the {words} is 0 in every judged group: a ratio over zero"
    return None


def _known(tallies: Sequence[Tally], *, judge_unknown: bool) -> tuple[Tally, ...]:
    """Return the groups in which the rate is defined; the unknown ones only when they are judged."""
    return tuple(one for one in tallies if one.value is not None and (judge_unknown or not one.group.unknown))


def _zero(tallies: Sequence[Tally]) -> bool:
    return all(one.share.numerator == 0 for one in tallies)


def _value(one: Tally) -> float:
    if one.value is None:
        raise ValueError(f"group {one.group.name} is judged and has no {one.rate.words}")
    return one.value


def _summary(of: Grouped, tallies: Sequence[Sequence[Tally]], how: How) -> float:
    """Return the worst of the rates over these groups, each by the library on the groups' cells."""
    found = [_by_library(of, one[0].rate, [tally.group.number for tally in one], how) for one in tallies]
    return min(found) if how in ("ratio", "lowest") else max(found)


def _by_library(of: Grouped, rate: Rate, groups: Sequence[int], how: How) -> float:
    """Compute with fairlearn's MetricFrame, which gives what its named functions give."""
    import numpy as np
    from fairlearn.metrics import MetricFrame

    wanted = np.isin(of.code, groups)
    part = of.cells.take(wanted)
    prediction = part.roles["prediction"]
    frame = MetricFrame(
        metrics=rate.library(),
        y_true=part.roles.get("label", prediction),
        y_pred=prediction,
        sensitive_features=of.code[wanted],
        sample_params={"sample_weight": part.w},
    )
    match how:
        case "difference":
            return float(frame.difference(method="between_groups"))
        case "ratio":
            return float(frame.ratio(method="between_groups"))
        case "lowest":
            return float(frame.group_min())
        case "highest":
            return float(frame.group_max())


def _pairs(judged: Sequence[Tally], how: How, *, several: bool) -> Iterator[_Claim]:
    """Yield every pair of judged groups; of a ratio, those that are not zero over zero.

    A pair of groups that both have rate 0 has no ratio; each of them has one with the largest group.
    """
    prefix = f"{judged[0].rate.words}: " if several else ""
    for low, high in combinations(sorted(judged, key=_rank), 2):
        if how == "difference":
            comparison = Comparison(
                name=f"{prefix}{high.group.name} - {low.group.name}",
                value=_value(high) - _value(low),
                interval=gap(high.share, low.share),
                groups=(high.group.values, low.group.values),
            )
        elif _value(high) > 0:
            comparison = Comparison(
                name=f"{prefix}{low.group.name} / {high.group.name}",
                value=_value(low) / _value(high),
                interval=evenness(low.share, high.share),
                groups=(low.group.values, high.group.values),
            )
        else:
            continue
        looseness = 1 / low.share.kish_n + 1 / high.share.kish_n
        yield _Claim(comparison=comparison, looseness=looseness)


def _rank(one: Tally) -> tuple[float, float]:
    """Order groups by rate, those of equal rate by rows; names decide nothing."""
    return _value(one), one.share.kish_n


def _alone(one: Tally) -> _Claim:
    return _Claim(
        comparison=Comparison(
            name=one.group.name,
            value=_value(one),
            interval=one.share.interval,
            groups=(one.group.values,),
            rate=one.rate.name,
        ),
        looseness=1 / one.share.kish_n,
    )


def _against(one: Tally, best: Tally) -> _Claim:
    return _Claim(
        comparison=Comparison(
            name=f"{one.group.name} / {best.group.name} (best)",
            value=_value(one) / _value(best),
            interval=ratio(one.share, best.share),
            groups=(one.group.values,),
            rate=IMPACT_RATIO,
        ),
        looseness=1 / one.share.kish_n,
    )


def _ratio_rows(tallies: Sequence[Tally], best: Tally) -> Iterator[GroupEstimate]:
    """Yield a line with the impact ratio of every group in which the rate is defined."""
    for one in tallies:
        if one.value is None:
            continue
        yield GroupEstimate(
            group=one.group.values,
            n=one.group.n,
            value=_value(one) / _value(best),
            rate=IMPACT_RATIO,
            interval=None if one is best else ratio(one.share, best.share),
            judged=one.judged,
            reason="the best group, against which the others are held" if one is best else one.reason,
        )
