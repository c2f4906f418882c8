"""Intervals from counts: the cost does not grow with the rows.

Constructors take counts, sums of weights (`w`) and of squared weights (`w2`) as cells carry them, and
return an interval that can be asked at any confidence, or None where none exists. None of them is ever
of width zero. Closed forms come first:

one proportion                  `proportion(k, n, ...).interval`
difference a - b, gap |a - b|   `difference`, `gap`            (claims "gap at most L": `gap`)
ratio a / b, min / max          `ratio`, `evenness`            (claims "min / max at least L": `evenness`)
mean of rates                   `weighted_sum`                 (balanced accuracy)
F1                              `f_score`
dependent parts, random weights `DependentSum`                 (macro F1, weighted precision)
a quantity in [0, 1], variance  `share_of_variance`
F-beta, costs                   `function_of_rates`
AUC                             `delong`
means, functions of means       `mean_of`, `moments` with `function_of_means`
means of what is summed up      `moments_of_sums` with `mean_interval`      (losses of binned scores)
one proportion, rows in clusters `clustered_share(hits, among, w, w2, clusters).interval`
anything linearised, clusters   `spread`, `covariances`        (influence of each row in, variance out)
monotone function of one part   `Mapped`                       (Gini = 2 AUC - 1)
anything else                   `bootstrap`, `bootstrap_scores`
two models on the same rows     modules `paired` and `paired_areas`
an interval of an older report  module `recorded`
"""

from __future__ import annotations

from mlgate.intervals.auc import DeLong, delong, placements
from mlgate.intervals.bootstrap import Bootstrap, bootstrap, bootstrap_scores
from mlgate.intervals.combined import (
    DependentSum,
    Evenness,
    Gap,
    Mapped,
    MoverFunction,
    MoverRatio,
    MoverSum,
    Newcombe,
    difference,
    evenness,
    f_score,
    function_of_rates,
    gap,
    ratio,
    weighted_sum,
)
from mlgate.intervals.design import (
    Behind,
    clustered_share,
    covariances,
    rows_behind,
    share_of_variance,
    spread,
)
from mlgate.intervals.means import (
    Moments,
    Student,
    function_of_means,
    mean_interval,
    mean_of,
    moments,
    moments_of_sums,
)
from mlgate.intervals.proportions import (
    MIN_CLUSTERS,
    Clustered,
    Exact,
    Part,
    Proportion,
    Wilson,
    proportion,
)

__all__ = [
    "MIN_CLUSTERS",
    "Behind",
    "Bootstrap",
    "Clustered",
    "DeLong",
    "DependentSum",
    "Evenness",
    "Exact",
    "Gap",
    "Mapped",
    "Moments",
    "MoverFunction",
    "MoverRatio",
    "MoverSum",
    "Newcombe",
    "Part",
    "Proportion",
    "Student",
    "Wilson",
    "bootstrap",
    "bootstrap_scores",
    "clustered_share",
    "covariances",
    "delong",
    "difference",
    "evenness",
    "f_score",
    "function_of_means",
    "function_of_rates",
    "gap",
    "mean_interval",
    "mean_of",
    "moments",
    "moments_of_sums",
    "placements",
    "proportion",
    "ratio",
    "rows_behind",
    "share_of_variance",
    "spread",
    "weighted_sum",
]
