"""Numbers of groups held against each other: every pair of judged groups, the best, or the worst one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Literal, TypeAlias

from mlgate.estimates import Comparison, Estimate, GroupEstimate, Interval
from mlgate.intervals import weighted_sum
from mlgate.intervals.combined import DependentSum
from mlgate.measures.groups import NEEDED, Grouped, Standing, too_few
from mlgate.measures.judging import Judging
from mlgate.measures.widest import Widest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

IMPACT_RATIO = "impact_ratio"
"""The name of the rows that hold each group against the best one."""

How: TypeAlias = Literal["difference", "ratio", "lowest", "highest"]
"""Largest minus smallest number, smallest over largest, or the one group that stands worst."""

Pair: TypeAlias = Callable[[Standing, Standing], Interval | None]
"""The interval of |a - b|, of min / max, or of a / b."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """One number of every group."""

    words: str
    """What it is, as a sentence has it: `true-positive rate`."""
    standings: tuple[Standing, ...]
    """In the order of the groups."""
    pair: Pair | None = None
    """How two groups are compared; None where each is judged by itself."""
    prefix: str = ""
    """What the names of its comparisons begin with."""
    factor: NDArray[np.float64] | None = None
    """By what to raise the variance of each two groups that share clusters, see `Overlap.factor`."""

    @property
    def judged(self) -> tuple[Standing, ...]:
        """The groups that are held against the limit."""
        return tuple(one for one in self.standings if one.judged)

    def estimable(self, judging: Judging) -> tuple[Standing, ...]:
        """Return the groups that have the number; the unknown ones only when they are judged."""
        return tuple(
            one
            for one in self.standings
            if one.value is not None and (judging.judge_unknown or not one.group.unknown)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Claim:
    """A comparison with how few rows tell it, by which ties between comparisons are broken."""

    comparison: Comparison
    looseness: float
    """Sum of 1 / rows: larger where fewer rows tell."""


def compare(of: Grouped, judging: Judging, series: Sequence[Series], how: How) -> Estimate:
    """Compare every two judged groups by each of the numbers; of several, the worst is the value.

    Missing, with the reason, when a number has fewer than two judged groups or when a ratio would be one
    over zero. A group counts as judged when each of its numbers is.
    """
    found = _listed(of, judging, series, how)
    if found.reason is not None:
        return found
    claims = [claim for one in series for claim in _claims(one, how)]
    return answer(replace(found, reason=None), [one.judged for one in series], claims, how)


def compare_within(rows: int, judging: Judging, series: Sequence[Series], how: How) -> Estimate:
    """Compare the groups of each series among themselves; a series without two judged groups is listed.

    As `compare`, for parts of the table (strata), whose groups are other groups in every part. `rows` are
    those of the whole table.
    """
    found = _listed_within(rows, judging, series, how)
    if found.reason is not None:
        return found
    whole = [one for one in series if _fits(one.judged, how)]
    claims = [claim for one in whole for claim in _claims(one, how)]
    return answer(found, [one.judged for one in whole], claims, how)


def against_best(of: Grouped, judging: Judging, series: Series) -> Estimate:
    """Compare each judged group with the one where the number is highest.

    `value` is the smallest ratio; the comparisons are one ratio for each group but the best. Of groups with
    equal highest numbers the one with most rows is the reference.
    """
    found = _listed(of, judging, [series], "ratio")
    if found.reason is not None:
        return found
    best = max(series.judged, key=_rank)
    claims = [
        _Claim(
            comparison=Comparison(
                name=f"{one.group.name} / {best.group.name} (best)",
                value=one.known / best.known,
                interval=_interval(series, one, best),
                groups=(one.group.values,),
                rate=IMPACT_RATIO,
            ),
            looseness=1 / one.weight,
        )
        for one in series.judged
        if one is not best
    ]
    return answer(found, [series.judged], claims, "ratio", _ratio_rows(series, best))


def mean_gap(of: Grouped, judging: Judging, series: Sequence[Series]) -> Estimate:
    """Return the mean over the numbers of their largest differences between groups; one claim.

    The two groups that are farthest apart may differ from number to number. Each of those gaps goes with
    the widest bounds that any pair of groups allows (`Widest`); the numbers have disjoint denominators and
    are taken together by MOVER. Where rows belong together, nothing is known of how the numbers go
    together: the bounds are those that all reach at once.
    """
    found = _listed(of, judging, series, "difference")
    every = [each.estimable(judging) for each in series]
    if all(_fits(each, "difference") for each in every):
        found = replace(found, value_all=sum(_worst(each, "difference") for each in every) / len(series))
    if found.reason is not None:
        return found
    shares = [1.0 / len(series)] * len(series)
    gaps = [_widest(each) for each in series]
    together = weighted_sum([one for one in gaps if one is not None], shares) if None not in gaps else None
    clustered = of.cells.clusters is not None
    value = sum(share * _worst(each.judged, "difference") for share, each in zip(shares, series, strict=True))
    return replace(
        found,
        reason=None,
        value=value,
        interval=DependentSum(of=together, inflation=math.inf) if together and clustered else together,
    )


def _widest(series: Series) -> Widest | None:
    """Return the largest gap of one number; clusters that lie in two groups thin all of them alike."""
    by = 1.0 if series.factor is None else float(series.factor.max())
    parts = [_thinned(one, by).part for one in series.judged]
    whole = tuple(part for part in parts if part is not None)
    return Widest(whole) if len(whole) == len(parts) else None


def answer(
    found: Estimate,
    judged: Sequence[Sequence[Standing]],
    claims: Sequence[_Claim],
    how: How,
    more: Iterable[GroupEstimate] = (),
) -> Estimate:
    """Return the estimate; its interval is that of the claim that stands worst."""
    sign = -1.0 if how in ("ratio", "lowest") else 1.0
    widest = max(claims, key=lambda claim: (sign * claim.comparison.value, claim.looseness))
    return replace(
        found,
        value=_worst_of(judged, how),
        reason=None,
        interval=widest.comparison.interval,
        comparisons=tuple(claim.comparison for claim in claims),
        groups=(*found.groups, *more),
    )


def _listed(of: Grouped, judging: Judging, series: Sequence[Series], how: How) -> Estimate:
    """Say what is known before anything is judged; the reason is None when it can be."""
    by_group = list(zip(*(one.standings for one in series), strict=True))
    rows = sum(each[0].group.n for each in by_group if all(one.judged for one in each))
    every = [one.estimable(judging) for one in series]
    return Estimate(
        value=None,
        n=rows,
        reason=_refusal(series, how),
        groups=tuple(one.row() for each in by_group for one in each),
        value_all=_worst_of(every, how) if all(_fits(one, how) for one in every) else None,
        judged_share=rows / of.rows,
    )


def _listed_within(total: int, judging: Judging, series: Sequence[Series], how: How) -> Estimate:
    """As `_listed`, where each series is about other groups: rows count where a comparison is."""
    whole = [one for one in series if _fits(one.judged, how)]
    rows = sum(one.group.n for each in whole for one in each.judged)
    every = [found for one in series if _fits(found := one.estimable(judging), how)]
    told = [_refusal([one], how) for one in series]
    shown = "; ".join(f"{one.prefix}{why}" for one, why in zip(series[:2], told[:2], strict=True) if why)
    none = f"no stratum has two groups to compare ({shown}{'; …' if len(series) > 2 else ''})"  # noqa: PLR2004
    return Estimate(
        value=None,
        n=rows,
        reason=None if whole else none,
        groups=tuple(one.row() for each in series for one in each.standings),
        value_all=_worst_of(every, how) if every else None,
        judged_share=rows / total,
    )


def _refusal(series: Sequence[Series], how: How) -> str | None:
    """Say why the numbers cannot be compared; None when they can."""
    for each in series:
        lacking = too_few(len(each.judged), each.standings)
        if lacking is not None:
            return f"{each.words}: {lacking}" if len(series) > 1 else lacking
        if how == "ratio" and not _positive(each.judged):
            return f"the {each.words} is 0 in every judged group: a ratio over zero"
    return None


def _fits(some: Sequence[Standing], how: How) -> bool:
    return len(some) >= NEEDED and (how != "ratio" or _positive(some))


def _positive(some: Sequence[Standing]) -> bool:
    return any(one.known > 0 for one in some)


def _worst_of(series: Sequence[Sequence[Standing]], how: How) -> float:
    found = [_worst(each, how) for each in series]
    return min(found) if how in ("ratio", "lowest") else max(found)


def _worst(some: Sequence[Standing], how: How) -> float:
    values = [one.known for one in some]
    match how:
        case "difference":
            return max(values) - min(values)
        case "ratio":
            return min(values) / max(values)
        case "lowest":
            return min(values)
        case "highest":
            return max(values)


def _claims(series: Series, how: How) -> Iterator[_Claim]:
    """Yield every pair of judged groups, or every judged group where each is judged by itself.

    A pair of groups that both have number 0 has no ratio; each of them has one with the largest group.
    """
    if how in ("lowest", "highest"):
        yield from map(_alone, series.judged)
        return
    for low, high in combinations(sorted(series.judged, key=_rank), 2):
        if how == "difference":
            name, value, order = f"{high.group.name} - {low.group.name}", high.known - low.known, (high, low)
        elif high.known > 0:
            name, value, order = f"{low.group.name} / {high.group.name}", low.known / high.known, (low, high)
        else:
            continue
        comparison = Comparison(
            name=series.prefix + name,
            value=value,
            interval=_interval(series, *order),
            groups=(order[0].group.values, order[1].group.values),
        )
        yield _Claim(comparison=comparison, looseness=1 / low.weight + 1 / high.weight)


def _interval(series: Series, first: Standing, second: Standing) -> Interval | None:
    if series.pair is None:
        return None
    if series.factor is None:
        return series.pair(first, second)
    by = float(series.factor[first.group.number, second.group.number])
    return series.pair(_thinned(first, by), _thinned(second, by))


def _thinned(one: Standing, by: float) -> Standing:
    """Return the group as if it had so many times fewer rows."""
    return one if by <= 1.0 or one.part is None else replace(one, part=one.part.grown(1.0 / by))


def _rank(one: Standing) -> tuple[float, float]:
    """Order groups by number, those of equal number by rows; names decide nothing."""
    return one.known, one.weight


def _alone(one: Standing) -> _Claim:
    return _Claim(
        comparison=Comparison(
            name=one.group.name,
            value=one.known,
            interval=one.interval,
            groups=(one.group.values,),
            rate=one.rate,
        ),
        looseness=1 / one.weight if one.weight > 0 else 0.0,
    )


def _ratio_rows(series: Series, best: Standing) -> Iterator[GroupEstimate]:
    """Yield a line with the impact ratio of every group in which the number is defined."""
    for one in series.standings:
        if one.value is None:
            continue
        yield GroupEstimate(
            group=one.group.values,
            n=one.group.n,
            value=one.known / best.known,
            rate=IMPACT_RATIO,
            interval=None if one is best else _interval(series, one, best),
            judged=one.judged,
            reason="the best group, against which the others are held" if one is best else one.reason,
        )
