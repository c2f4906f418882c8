"""How far label and prediction agree beyond chance: Cohen's kappa and Matthews' correlation.

Both are 1 - N / G: one minus the disagreement N that is seen over the disagreement G that chance would give
with the same shares of classes. N is a quantity in [0, 1] whose distribution is skewed where disagreement is
rare, G is well known unless one class is rare; so the interval is that of a ratio (MOVER-R, Donner and Zou
2012) of the intervals of both at their effective n (linearised variance), with their correlation: Wilson's
of G, Clopper and Pearson's of N, because Wilson's lower bound of a rare event is too high too often. A table
without any error has N = 0 of n rows, and an upper bound above it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from mlgate.intervals import Mapped, MoverRatio, share_of_variance
from mlgate.measures.multiclass import Decided

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]


ROUNDING = 1e-12
"""A disagreement that is no larger is what rounding leaves of none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Disagreement:
    """Disagreement seen and by chance, with the influence of each cell's rows on both."""

    seen: float
    """In [0, 1]."""
    chance: float
    """In (0, 1]."""
    influences: Floats
    """Shape (2, cells): on `seen`, on `chance`."""
    erring: Bools
    """Which cells hold disagreement."""
    graded: bool = False
    """Whether some disagreements count less than others."""


def kappa_of(decided: Decided, distances: Floats) -> Disagreement:
    """Return the disagreements of kappa; `distances` in [0, 1] between classes, of shape (K, K)."""
    import numpy as np

    label, prediction = decided.label, decided.prediction
    of_label, of_prediction = distances @ decided.predicted, decided.labelled @ distances
    loss = distances[label, prediction]
    seen, chance = float(loss @ decided.w), float(decided.labelled @ of_label)
    return Disagreement(
        seen=seen,
        chance=chance,
        influences=np.stack([loss - seen, of_label[label] + of_prediction[prediction] - 2.0 * chance]),
        erring=loss > 0.0,
        graded=bool(np.unique(distances).size > 2),  # noqa: PLR2004  0 and 1
    )


def correlation_of(decided: Decided, *, sign: int) -> Disagreement:
    """Return the disagreements of sign x Matthews' correlation: of cov(l, p) / sqrt(cov(l, l) cov(p, p)).

    With `sign` -1 it is agreement that counts as disagreement, for correlations below zero.
    """
    import numpy as np

    label, prediction, labelled, predicted = (
        decided.label, decided.prediction, decided.labelled, decided.predicted
    )  # fmt: skip
    of_label, of_prediction = 1.0 - float(labelled @ labelled), 1.0 - float(predicted @ predicted)
    chance = math.sqrt(of_label * of_prediction)
    by_label = 2.0 * (1.0 - of_label - labelled[label])
    by_prediction = 2.0 * (1.0 - of_prediction - predicted[prediction])
    by_chance = (of_prediction * by_label + of_label * by_prediction) / (2.0 * chance)
    agreeing, expected = float(decided.right @ decided.w), float(labelled @ predicted)
    by_covariance = (decided.right - agreeing) - (predicted[label] + labelled[prediction] - 2.0 * expected)
    return Disagreement(
        seen=min(max(chance - sign * (agreeing - expected), 0.0), 1.0),
        chance=chance,
        influences=np.stack([by_chance - sign * by_covariance, by_chance]),
        erring=~decided.right if sign > 0 else decided.right,
    )


def interval_of(decided: Decided, of: Disagreement, *, sign: int = 1) -> Mapped | None:
    """Return the interval of sign x (1 - seen / chance), kept to [-1, 1]; None where there is none.

    The disagreement seen varies at least as much as the number of rows that err: their share e of n rows
    has the variance e (1 - e) / n, whatever clusters look like. Where disagreements are graded, the worst are
    rare and weigh most, and half a row of them more or less is allowed for. (Simulated, 300 rows with a
    quadratic kappa of 0.98: without it the lower bound is too high in 10 % of tables.)
    """
    covariance = decided.spread(of.influences)
    behind = decided.behind()
    erring = float(decided.w[of.erring].sum())
    # What rounding leaves of no disagreement is none; several classes without one hit leave more.
    size = of.seen if erring > 0.0 or of.seen > ROUNDING else 0.0
    mean = size / erring if erring > 0.0 else 0.0
    least = mean * mean * max(erring * (1.0 - erring), 0.0) / behind.rows
    spread = max(float(covariance[0, 0]), least)
    if of.graded:
        spread += (0.5 / behind.rows) ** 2
    seen = share_of_variance(size, spread, behind, least=least).exact
    second_order = 1.0 / behind.degrees**2  # where shares of classes are even, chance is flat in them
    chance = share_of_variance(of.chance, float(covariance[1, 1]), behind, least=second_order).interval
    if seen is None or chance is None:
        return None
    together = math.sqrt(spread * float(covariance[1, 1]))
    correlation = 0.0
    if size > 0.0 and math.isfinite(together) and together > 0.0:
        certain = max(1.0 - 2.0 / behind.degrees, 0.0)  # two rows always lie on a line; no number proves one
        correlation = certain * min(max(float(covariance[0, 1]) / together, -1.0), 1.0)
    return Mapped(MoverRatio(seen, chance, correlation), partial(_agreement, sign))


def _agreement(sign: int, ratio: float) -> float:
    return sign * max(1.0 - ratio, -1.0)
