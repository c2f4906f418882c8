"""Two models on the same rows: the difference of two numbers that rest on one sample.

What both models get right, and both get wrong, is the same in both and cancels; only rows on which they
differ tell. So intervals here are narrower than those of two tables, and must be careful where few rows
differ: a difference of one row has no bell around it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mlgate.intervals.design import ALIKE_CLUSTERS, covariances, rows_behind
from mlgate.intervals.means import Student
from mlgate.intervals.proportions import CLUSTERS, MIN_CLUSTERS, Clustered, Wilson, z_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

FEW_PAIRS = 25.0
"""With fewer discordant pairs McNemar's test is exact, as is usual."""

GROUPS = 40
"""Groups that a jackknife deletes, one at a time, where there are as many rows or clusters."""

ALIKE = 1e-13
"""A standard error that is no more than this, of what is compared, is rounding."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PairedProportions:
    """Newcombe's interval of the difference of two shares of the same rows.

    Method 10 of Newcombe 1998, Improved confidence intervals for the difference between binomial proportions
    based on paired data: Wilson's intervals of both shares, squared and added with their correlation phi,
    whose numerator is corrected for continuity. Counts need not be whole (effective sizes are not). Keeps to
    [-1, 1]; never of width zero, even where no row differs.
    """

    both: float
    """Rows that hit for both, `e` in the paper."""
    first: float
    """Rows that hit for the first alone, `f`."""
    second: float
    """Rows that hit for the second alone, `g`."""
    neither: float
    """`h`."""

    @property
    def method(self) -> str:
        """As the report prints it."""
        return "newcombe paired"

    @property
    def n(self) -> float:
        """All rows."""
        return self.both + self.first + self.second + self.neither

    @property
    def value(self) -> float:
        """Share of the first less share of the second."""
        return (self.first - self.second) / self.n

    @property
    def correlation(self) -> float:
        """The correlation phi of both, corrected for continuity where it is above 0."""
        e, f, g, h = self.both, self.first, self.second, self.neither
        product = (e + f) * (g + h) * (e + g) * (f + h)
        if not product > 0.0:
            return 0.0
        joint = e * h - f * g
        return (max(joint - self.n / 2.0, 0.0) if joint > 0.0 else joint) / math.sqrt(product)

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        a = Wilson(self.both + self.first, self.n)
        b = Wilson(self.both + self.second, self.n)
        (a_low, a_high), (b_low, b_high) = a.at(confidence), b.at(confidence)
        below = together(a.value - a_low, b_high - b.value, self.correlation)
        above = together(a_high - a.value, b.value - b_low, self.correlation)
        return max(self.value - below, -1.0), min(self.value + above, 1.0)

    def grown(self, factor: float) -> PairedProportions:
        """Return the interval of `factor` times the rows."""
        return PairedProportions(
            both=self.both * factor,
            first=self.first * factor,
            second=self.second * factor,
            neither=self.neither * factor,
        )


def together(one: float, other: float, correlation: float) -> float:
    """Return the length of the difference of two arms with a correlation."""
    return math.sqrt(max(one * one - 2.0 * correlation * one * other + other * other, 0.0))


def paired_proportions(
    first: ArrayLike,
    second: ArrayLike,
    among: ArrayLike,
    w: ArrayLike,
    w2: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
) -> PairedProportions | Clustered | None:
    """Return the interval of the share of `first` less that of `second`, both among the cells `among`.

    Booleans, one a cell; `w`, `w2` and `clusters` as in `covariances`. With weights or clusters the shares
    stand for as many rows as would vary as much: what the difference of one row varies over the linearised
    variance of their mean, and no more than Kish's n. Where few clusters hold a row that differs, hardly
    anything is seen of how rows go together, and they may be wholly alike (`ALIKE_CLUSTERS`). None without
    rows, and with fewer than two clusters.
    """
    import numpy as np

    inside = np.asarray(among, dtype=bool)
    one, other = np.asarray(first, dtype=bool)[inside], np.asarray(second, dtype=bool)[inside]
    weight, square = np.asarray(w, dtype=float)[inside], np.asarray(w2, dtype=float)[inside]
    total = float(weight.sum())
    if not 0.0 < total < math.inf:
        return None
    weight, square = weight / total, square / total / total
    code = None if clusters is None else np.asarray(clusters)[inside]
    behind = rows_behind(weight, square, code)
    if behind.clusters is not None and behind.clusters < MIN_CLUSTERS:
        return None
    shares = [float(weight[mask].sum()) for mask in (one & other, one & ~other, ~one & other, ~one & ~other)]
    mean = shares[1] - shares[2]
    spread = shares[1] + shares[2] - mean * mean
    n, apart = behind.rows, one != other
    if apart.any() and (code is not None or not np.allclose(square * n, weight, rtol=1e-9, atol=0.0)):
        centred = one.astype(float) - other.astype(float) - mean
        found = float(covariances(centred, weight, square, code)[0, 0])
        n = min(n, spread / found) if found > 0.0 else behind.least
    if code is not None:
        seen = len(np.unique(code[apart & (weight > 0.0)]))
        effect, worst = behind.rows / n, behind.rows / behind.least
        n = behind.rows / max(effect, (seen * effect + ALIKE_CLUSTERS * worst) / (seen + ALIKE_CLUSTERS))
    both, alone, others, none = (share * n for share in shares)
    part = PairedProportions(both=both, first=alone, second=others, neither=none)
    if behind.clusters is None:
        return part
    return Clustered(part=part, rows=behind.rows, clusters=behind.clusters)


@dataclass(frozen=True, kw_only=True, slots=True)
class McNemar:
    """McNemar's test that two models are right equally often: shown, and decides nothing."""

    p: float
    """Two-sided."""
    statistic: float
    """The smaller count for the exact test, else chi-squared with one degree of freedom."""
    exact: bool


def mcnemar(first: float, second: float, *, exact: bool | None = None) -> McNemar:
    """Return McNemar's test of the rows that hit for the first alone against those for the second alone.

    `exact` None: exact (binomial) with fewer than `FEW_PAIRS` such rows, else chi-squared with the
    correction for continuity, (|b - c| - 1)^2 / (b + c). Without a discordant row p is 1.
    """
    from scipy.special import betainc

    discordant, few = first + second, min(first, second)
    if (discordant < FEW_PAIRS) if exact is None else exact:
        if first == second:
            return McNemar(p=1.0, statistic=few, exact=True)
        tail = float(betainc(discordant - few, few + 1.0, 0.5))  # of a binomial with one half, up to `few`
        return McNemar(p=min(2.0 * tail, 1.0), statistic=few, exact=True)
    apart = max(abs(first - second) - 1.0, 0.0)
    statistic = apart * apart / discordant if discordant > 0.0 else 0.0
    return McNemar(p=math.erfc(math.sqrt(statistic / 2.0)), statistic=statistic, exact=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class GainsAndLosses:
    """The difference of two numbers of decisions, by the rows that gain and those that lose.

    To first order a difference moves by the influence of each row that is decided otherwise. What the
    gaining ones add up to is a sum of rare events, and so is what the losing ones do; each has the score
    interval of a Poisson mean of as many equal events as would vary as much, and the two are put together by
    MOVER (Zou and Donner 2008). So a single row that differs is not a difference without noise, and where
    none loses, as many as z^2 still might. Rows decided alike add their linearised variance.
    """

    value: float
    gain: float
    """Sum over the gaining rows of their influence, at least 0; in the unit of the value."""
    loss: float
    """The same of the losing rows, at least 0."""
    gaining: float
    """How many equal events would vary as much as `gain`."""
    losing: float
    step: float
    """The most that one row, or cluster, could move it."""
    rest: float
    """Variance from the rows that are decided alike."""
    inflation: float = 1.0
    """Variance of clusters over that of rows, at least 1."""
    degrees: float = math.inf
    """Degrees of freedom that variances were learnt with."""
    lowest: float = -math.inf
    highest: float = math.inf
    clustered: bool = False

    @property
    def method(self) -> str:
        """As the report prints it."""
        return f"mover paired, {CLUSTERS}" if self.clustered else "mover paired"

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        from scipy.special import stdtrit

        z = z_of(confidence)
        if math.isfinite(self.degrees):
            z = float(stdtrit(max(self.degrees, 1.0), (1.0 + confidence) / 2.0))
        gain_low, gain_high = self._bounds(self.gain, self.gaining, z)
        loss_low, loss_high = self._bounds(self.loss, self.losing, z)
        more = z * math.sqrt(max(self.rest, 0.0))
        factor = math.sqrt(self.inflation)
        below = factor * math.hypot(self.gain - gain_low, loss_high - self.loss, more)
        above = factor * math.hypot(gain_high - self.gain, self.loss - loss_low, more)
        return (
            max(self.value - below, min(self.lowest, self.value)),
            min(self.value + above, max(self.highest, self.value)),
        )

    def grown(self, factor: float) -> GainsAndLosses:
        """Return the interval of `factor` times the rows."""
        return replace(
            self,
            gaining=self.gaining * factor,
            losing=self.losing * factor,
            step=self.step / factor,
            rest=self.rest / factor,
            degrees=self.degrees * factor,
        )

    def _bounds(self, size: float, events: float, z: float) -> tuple[float, float]:
        """Return the score interval of a Poisson mean of so many events, in the unit of the value.

        Below, of events of the size that was seen; above, events as large as any could still turn up.
        """
        if not (size > 0.0 and events > 0.0):
            return 0.0, self.step * z * z
        middle, reach = events + z * z / 2.0, z * math.sqrt(events + z * z / 4.0)
        low = size * events / (middle + reach)  # the product of both roots by the upper one
        half = z * self.step / 2.0
        return low, size + z * half + z * math.hypot(size / math.sqrt(events), half)


def gains_and_losses(
    value: float,
    u: ArrayLike,
    differing: ArrayLike,
    w: ArrayLike,
    w2: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    largest: float = 0.0,
    lowest: float = -math.inf,
    highest: float = math.inf,
) -> GainsAndLosses | None:
    """Return the interval of a difference `value` with the influence `u` of a row in each cell.

    `differing` says in which cells the two models decide otherwise, `largest` how large the influence of such
    a row could be, seen or not; the rest as in `covariances`. None where nothing is known of how much one
    could do, and with fewer than two clusters or rows' worth of weight.
    """
    import numpy as np

    influence, weight, square = (np.asarray(one, dtype=float) for one in (u, w, w2))
    apart = np.asarray(differing, dtype=bool) & (weight > 0.0)
    whole = float(covariances(influence, weight, square, clusters)[0, 0])
    if math.isnan(whole):
        return None
    rows = square * influence * influence
    up, down = apart & (influence > 0.0), apart & (influence < 0.0)
    gain, loss = float(weight[up] @ influence[up]), -float(weight[down] @ influence[down])
    by_gain, by_loss, rest = float(rows[up].sum()), float(rows[down].sum()), float(rows[~apart].sum())
    if clusters is None:
        row = np.divide(square, weight, out=np.zeros_like(square), where=weight > 0.0)
        seen = float((np.abs(influence) * row)[apart].max(initial=0.0))
    else:
        _, place = np.unique(np.asarray(clusters), return_inverse=True)
        seen = float(np.bincount(place, np.where(apart, np.abs(influence) * weight, 0.0)).max())
    step = max(seen, largest * float(square.sum() / weight.sum()))
    total = by_gain + by_loss + rest
    if not step > 0.0:
        return None
    behind = rows_behind(weight / weight.sum(), square / weight.sum() ** 2, clusters)
    return GainsAndLosses(
        value=value,
        gain=gain,
        loss=loss,
        gaining=gain * gain / by_gain if by_gain > 0.0 else 0.0,
        losing=loss * loss / by_loss if by_loss > 0.0 else 0.0,
        step=step,
        rest=rest,
        inflation=max(whole / total, 1.0) if clusters is not None and total > 0.0 else 1.0,
        degrees=behind.least - 1.0,
        lowest=lowest,
        highest=highest,
        clustered=clusters is not None,
    )


def linearised(
    value: float,
    u: ArrayLike,
    w: ArrayLike,
    w2: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    scale: float = 0.0,
    method: str = "t",
    lowest: float = -math.inf,
    highest: float = math.inf,
) -> Student | None:
    """Return Student's t interval of what has the influence `u` in the weight of each row of a cell.

    `w`, `w2` and `clusters` as in `covariances`. `scale` is the size of the numbers that were subtracted:
    a standard error that is their rounding is none. None where the variance vanishes or is not known.
    """
    import numpy as np

    weight, square = np.asarray(w, dtype=float), np.asarray(w2, dtype=float)
    total = float(weight.sum())
    if not 0.0 < total < math.inf:
        return None
    behind = rows_behind(weight / total, square / total / total, clusters)
    variance = float(covariances(u, weight, square, clusters)[0, 0])
    if not math.sqrt(max(variance, 0.0)) > ALIKE * max(abs(value), scale) or not math.isfinite(variance):
        return None
    if not behind.least > 1.0:
        return None
    named = method if clusters is None else f"{method}, {CLUSTERS}"
    return Student(
        value=value, variance=variance, n=behind.least, method=named, lowest=lowest, highest=highest
    )


def deal(n: ArrayLike, clusters: ArrayLike | None, *, seed: int, groups: int = GROUPS) -> NDArray[np.int64]:
    """Deal rows, or whole clusters, to groups of equal size; shape (groups, cells): rows of each in a group.

    `n` are the rows of each cell. Fewer rows or clusters than `groups` make a group each. The same seed deals
    the same.
    """
    import numpy as np

    rows = np.asarray(n, dtype=np.int64)
    rng = np.random.default_rng(seed)
    if clusters is not None:
        _, code = np.unique(np.asarray(clusters), return_inverse=True)
        size = int(code.max()) + 1 if len(code) else 0
        group = rng.permutation(size) % max(min(groups, size), 1)
        dealt = np.zeros((max(min(groups, size), 1), len(rows)), dtype=np.int64)
        dealt[group[code], np.arange(len(rows))] = rows
        return dealt
    total = int(rows.sum())
    count = max(min(groups, total), 1)
    cell = np.repeat(np.arange(len(rows)), rows)
    group = rng.permutation(total) % count
    flat = np.bincount(group * len(rows) + cell, minlength=count * len(rows))
    return flat.reshape(count, len(rows)).astype(np.int64)


def jackknife(
    value: float,
    without: Sequence[float],
    *,
    clustered: bool = False,
    floor: float = 0.0,
    lowest: float = -math.inf,
    highest: float = math.inf,
) -> Student | None:
    """Return the interval of a number from its values without each of several groups of rows.

    Delete-a-group jackknife (Shao and Wu 1989; Kott 2001): (G - 1) / G times the sum of squared distances
    from their mean, Student's t with G - 1 degrees of freedom. `floor` is a variance that it has at least.
    None with fewer than two groups, where one of the values is not finite, and where none differs.
    """
    size = len(without)
    if size < 2 or not all(map(math.isfinite, (*without, value))):  # noqa: PLR2004  one cannot vary
        return None
    mean = math.fsum(without) / size
    variance = (size - 1.0) / size * math.fsum((one - mean) ** 2 for one in without)
    variance = max(variance, floor)
    if not math.sqrt(variance) > ALIKE * max(abs(value), *(abs(one) for one in without)):
        return None
    method = f"jackknife, {CLUSTERS}" if clustered else "jackknife"
    return Student(
        value=value, variance=variance, n=float(size), method=method, lowest=lowest, highest=highest
    )
