"""How well scores rank, and how well they are calibrated, within each group; the worst group decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from mlgate.cells import Cells
from mlgate.estimates import Chart, Estimate
from mlgate.intervals import Part, delong
from mlgate.measures import comparing, over_rows
from mlgate.measures.binary import counted as weighing
from mlgate.measures.comparing import Series
from mlgate.measures.curves import area_interval, curve
from mlgate.measures.distance import Distance
from mlgate.measures.groups import Group, Grouped, Standing, counted, grouped, size_reason
from mlgate.measures.judging import Judging

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

POINTS = 200
"""The most points that a series of a chart may have."""

BINS = 20
"""Bars for each group where there are few."""

_Worth = Callable[[Group, Cells, Judging], Standing]


def auc_by_group(cells: Cells, judging: Judging) -> Estimate:
    """Return the smallest AUC of a judged group; one is judged with `min_group` rows of either class."""
    return _worst(cells, judging, "AUC", _ranking, "lowest")


def calibration_by_group(cells: Cells, judging: Judging) -> Estimate:
    """Return the largest |mean label - mean score| of a judged group.

    In the group table numerator is observed minus expected positives (its sign says which way the scores
    err; below zero they are too high) and denominator the rows, or their weights.
    """
    scores = cells.roles["score"]
    if not ((scores >= 0) & (scores <= 1)).all():
        return Estimate.missing("some scores lie outside [0, 1]: they are no probabilities", n=cells.rows)
    return _worst(cells, judging, "calibration", _calibration, "highest")


def score_histogram(of: Grouped, judging: Judging) -> Chart | None:
    """Return how many rows of each judged group have which score; at most `POINTS` bars in all.

    Equal bins from 0 to 1, or from the lowest to the highest score where any lies outside. Of many groups
    the largest are shown. None without a judged group or a finite range.
    """
    import numpy as np

    scores = of.cells.roles["score"]
    sizes = [(-one.n, one.number) for one in of.groups if size_reason(one, judging) is None]
    shown = sorted(number for _, number in sorted(sizes)[: POINTS // 4])
    if not shown or not np.isfinite(scores).all():
        return None
    edges = _edges(scores, min(BINS, POINTS // len(shown)))
    place = np.clip(np.searchsorted(edges, scores, side="right") - 1, 0, len(edges) - 2)
    size = len(edges) - 1
    rows = np.bincount(of.code * size + place, weights=of.cells.n, minlength=len(of.groups) * size)
    rows = rows.reshape(len(of.groups), size)[shown]
    return Chart(
        kind="score-histogram",
        title="Scores by group",
        data={
            "low": tuple(edges[:-1].tolist()) * len(shown),
            "high": tuple(edges[1:].tolist()) * len(shown),
            "rows": tuple(rows.ravel().astype(int).tolist()),
            "group": tuple(of.groups[number].name for number in shown for _ in range(size)),
        },
    )


def _edges(scores: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    import numpy as np

    low, high = float(scores.min()), float(scores.max())
    if low >= 0.0 and high <= 1.0:
        low, high = 0.0, 1.0
    width = high - low if high > low else 1.0
    return low + width * (np.arange(bins + 1) / bins)  # 19 / 20 is the score 0.95, 19 * 0.05 is not


def _worst(
    cells: Cells, judging: Judging, words: str, worth: _Worth, how: Literal["lowest", "highest"]
) -> Estimate:
    of = grouped(cells, judging.by)
    if isinstance(of, Estimate):
        return of
    series = Series(words=words, standings=tuple(worth(group, part, judging) for group, part in of.parts()))
    chart = score_histogram(of, judging)
    found = comparing.compare(of, judging, [series], how)
    return found if chart is None else replace(found, charts=(chart,))


def _ranking(group: Group, part: Cells, judging: Judging) -> Standing:
    """Return the AUC with DeLong's interval; a class that is missing or too small is a reason."""
    label = part.roles["label"]
    reason = size_reason(group, judging)
    lacking = None
    for noun, side in (("positives", label == 1), ("negatives", label == 0)):
        rows = int(part.n[side].sum())
        if not part.w[side].sum() > 0:
            why = f"no {noun}" if rows == 0 else f"the weights of its {noun} sum to 0"
            lacking = lacking or f"{why}: the AUC is not defined"
        elif rows < judging.min_group and reason is None:
            reason = f"{counted(rows, noun)}, fewer than min_group {judging.min_group}"
    # Its mean placement is scikit-learn's roc_auc_score; importing that would cost more than all the rest.
    plain = delong(part.roles["score"], label, part.w, part.w2) if lacking is None else None
    apart: Part | None = plain
    if plain is not None and part.clusters is not None:
        apart = delong(part.roles["score"], label, part.w, part.w2, part.clusters)
    if plain is not None and part.binned is not None:
        apart = area_interval(curve(weighing(part)))
    if plain is None:
        reason = lacking or "the AUC is not defined"
    return Standing(
        group=group,
        rate="roc_auc",
        value=None if plain is None else plain.auc,
        interval=apart,
        part=None,
        weight=0.0 if plain is None else min(plain.n_pos, plain.n_neg),
        reason=reason or _one_cluster(part, apart),
    )


def _calibration(group: Group, part: Cells, judging: Judging) -> Standing:
    """Return |observed - expected| with the interval of the mean difference."""
    label, sums = part.roles["label"], over_rows.summed(part, "score")
    apart = label - part.roles["score"] if sums is None else sums.line(label, -1.0, part.w, part.w2)
    total = float(part.w.sum())
    known = total > 0
    mean = over_rows.mean(apart, part) if known else None
    signed = over_rows.interval_of_mean(apart, part, lowest=-1.0, highest=1.0)
    return Standing(
        group=group,
        rate="observed - expected",
        value=None if mean is None else abs(mean),
        interval=None if mean is None or signed is None else Distance(signed, mean < 0),
        part=None,
        weight=total,
        reason=size_reason(group, judging) or _one_cluster(part, signed) if known else "its weights sum to 0",
        numerator=None if mean is None else mean * total,
        denominator=total if known else None,
    )


def _one_cluster(part: Cells, interval: object) -> str | None:
    """Say that nothing is known of other clusters; None where that is not why an interval is missing."""
    import numpy as np

    if interval is not None or part.clusters is None or len(np.unique(part.clusters[part.w > 0])) > 1:
        return None
    return "all its rows belong to one cluster, which says nothing of others"
