"""How well scores rank, and how well they are calibrated, within each group; the worst group decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from mlgate.cells import Cells
from mlgate.estimates import Comparison, Estimate, GroupEstimate, Interval
from mlgate.intervals import delong, mean_of
from mlgate.measures.groups import NEEDED, Group, Grouped, counted, grouped, size_reason, too_few
from mlgate.measures.rate_gaps import Judging


@dataclass(frozen=True, slots=True)
class Distance:
    """The absolute value of a signed quantity, for claims like "observed and expected are 0.05 apart".

    The lower bound is that of the quantity taken with the sign of its estimate (it may be negative); the
    upper bound is how far the quantity may reach on either side of zero.
    """

    signed: Interval
    below: bool
    """Whether the estimate is negative."""

    @property
    def method(self) -> str:
        """That of the signed quantity."""
        return self.signed.method

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        low, high = self.signed.at(confidence)
        if self.below:
            low, high = -high, -low
        return low, max(high, -low)

    def grown(self, factor: float) -> Distance:
        """Return the interval of `factor` times the rows."""
        return Distance(self.signed.grown(factor), self.below)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Scored:
    """What a group's scores are worth."""

    group: Group
    value: float | None
    interval: Interval | None
    reason: str | None
    """Why it is not judged, or has no value; None when it is judged."""
    numerator: float | None = None
    denominator: float | None = None


_Worth = Callable[[Group, Cells, Judging], _Scored]


def auc_by_group(cells: Cells, judging: Judging) -> Estimate:
    """Return the smallest AUC of a judged group; one is judged with `min_group` rows of either class."""
    return _worst(cells, judging, "roc_auc", _ranking, "lowest")


def calibration_by_group(cells: Cells, judging: Judging) -> Estimate:
    """Return the largest |mean label - mean score| of a judged group.

    In the group table numerator is observed minus expected positives (its sign says which way the scores
    err; below zero they are too high) and denominator the rows, or their weights.
    """
    scores = cells.roles["score"]
    if not ((scores >= 0) & (scores <= 1)).all():
        return Estimate.missing("some scores lie outside [0, 1]: they are no probabilities", n=cells.rows)
    return _worst(cells, judging, "observed - expected", _calibration, "highest")


def _worst(
    cells: Cells, judging: Judging, rate: str, worth: _Worth, how: Literal["lowest", "highest"]
) -> Estimate:
    of = grouped(cells, judging.by)
    if isinstance(of, Estimate):
        return of
    scored = [worth(group, part, judging) for group, part in _parts(of)]
    judged = [one for one in scored if one.reason is None]
    known = [one for one in scored if judging.judge_unknown or not one.group.unknown]
    rows = sum(one.group.n for one in judged)
    listed = tuple(_row(one, rate) for one in scored)
    every = [one.value for one in known if one.value is not None]
    pick = min if how == "lowest" else max
    value_all = pick(every) if len(every) >= NEEDED else None
    lacking = too_few(len(judged), [(one.group, one.reason) for one in scored])
    if lacking is not None:
        return Estimate.missing(
            lacking, n=rows, groups=listed, value_all=value_all, judged_share=rows / of.rows
        )
    claims = _claims(judged, rate)
    worst = pick(claims, key=lambda claim: claim.value)
    return Estimate(
        value=worst.value,
        n=rows,
        interval=worst.interval,
        groups=listed,
        comparisons=claims,
        value_all=value_all,
        judged_share=rows / of.rows,
    )


def _parts(of: Grouped) -> list[tuple[Group, Cells]]:
    """Return each group with its cells, which lie side by side."""
    import numpy as np

    ends = np.searchsorted(of.code, np.arange(len(of.groups) + 1))
    return [
        (group, of.cells.take(np.arange(first, last)))
        for group, first, last in zip(of.groups, ends[:-1], ends[1:], strict=True)
    ]


def _ranking(group: Group, part: Cells, judging: Judging) -> _Scored:
    """Return the AUC with DeLong's interval; a class that is missing or too small is a reason."""
    from sklearn.metrics import roc_auc_score

    label, score = part.roles["label"], part.roles["score"]
    reason = _size(group, judging)
    for noun, side in (("positives", label == 1), ("negatives", label == 0)):
        rows = int(part.n[side].sum())
        if not part.w[side].sum() > 0:
            lacking = f"no {noun}" if rows == 0 else f"the weights of its {noun} sum to 0"
            return _Scored(
                group=group, value=None, interval=None, reason=f"{lacking}: the AUC is not defined"
            )
        if rows < judging.min_group and reason is None:
            reason = f"{counted(rows, noun)}, fewer than min_group {judging.min_group}"
    value = float(roc_auc_score(label, score, sample_weight=part.w))
    return _Scored(group=group, value=value, interval=delong(score, label, part.w, part.w2), reason=reason)


def _calibration(group: Group, part: Cells, judging: Judging) -> _Scored:
    """Return |observed - expected| with the interval of the mean difference."""
    import numpy as np

    apart = part.roles["label"] - part.roles["score"]
    total = float(part.w.sum())
    if not total > 0:
        return _Scored(group=group, value=None, interval=None, reason="its weights sum to 0")
    mean = float(np.average(apart, weights=part.w))
    signed = mean_of(apart, part.w, part.w2, lowest=-1.0, highest=1.0)
    return _Scored(
        group=group,
        value=abs(mean),
        interval=Distance(signed, mean < 0) if signed else None,
        reason=_size(group, judging),
        numerator=mean * total,
        denominator=total,
    )


def _size(group: Group, judging: Judging) -> str | None:
    return size_reason(group, judging.min_group, judge_unknown=judging.judge_unknown)


def _row(one: _Scored, rate: str) -> GroupEstimate:
    return GroupEstimate(
        group=one.group.values,
        n=one.group.n,
        value=one.value,
        rate=rate,
        numerator=one.numerator,
        denominator=one.denominator,
        interval=one.interval,
        judged=one.reason is None,
        reason=one.reason,
    )


def _claims(judged: Sequence[_Scored], rate: str) -> tuple[Comparison, ...]:
    return tuple(
        Comparison(
            name=one.group.name,
            value=one.value,
            interval=one.interval,
            groups=(one.group.values,),
            rate=rate,
        )
        for one in judged
        if one.value is not None
    )
