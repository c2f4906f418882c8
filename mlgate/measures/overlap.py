"""Clusters that have rows in two groups: how much less two groups then tell about their difference.

Differences between groups are built of each group's own interval, as if groups were independent. One
customer with rows in both makes them dependent. Where both rates rise together the difference varies less
than that, which is not counted on; where one rises as the other falls it varies more, by a factor that the
joint linearised variance gives, Var(a) + Var(b) - 2 Cov(a, b) over Var(a) + Var(b). It lies between 0 and 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlgate.measures.groups import Grouped

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WORST = 2.0
"""The factor when nothing is known of how two groups go together (correlation -1, equal variances)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Overlap:
    """Which groups have rows of the same clusters. Made by `overlap`."""

    size: int
    """Groups."""
    place: NDArray[np.int64]
    """One a cell: its pair of cluster and group among those that occur, by cluster and then by group."""
    cluster: NDArray[np.int64]
    """One a pair of cluster and group."""
    group: NDArray[np.int64]
    w: NDArray[np.float64]
    """One a cell."""

    def factor(self, influence: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return by what factor the variance of each pair of groups is to be raised, (groups, groups).

        `influence`, one a cell, is the derivative of the number of the cell's group in the weight of a row
        there (of a rate: (hit - rate) / denominator inside the denominator, else 0; of a logarithm: that
        over the number). The factor is at least 1, so that no pair is surer than two independent groups.
        Where a group does not vary (a rate of 0 or 1) and shares clusters, it is `WORST`.
        """
        import numpy as np

        size, flat = self.size, self.size**2
        total = np.bincount(self.place, influence * self.w)
        products, shared = np.zeros(flat), np.zeros(flat)
        for first, second in self._neighbours():
            pair = self.group[first] * size + self.group[second]
            products += np.bincount(pair, total[first] * total[second], minlength=flat)
            shared += np.bincount(pair, minlength=flat)
        alone = np.bincount(self.group, total**2, minlength=size)
        together = products.reshape(size, size)
        both = (shared.reshape(size, size) + shared.reshape(size, size).T) > 0
        with np.errstate(divide="ignore", invalid="ignore"):
            found = 1.0 - 2.0 * (together + together.T) / (alone[:, None] + alone[None, :])
        still = ~((alone[:, None] > 0.0) & (alone[None, :] > 0.0))
        found = np.where(both & (still | ~np.isfinite(found)), WORST, np.where(both, found, 1.0))
        factor: NDArray[np.float64] = np.clip(found, 1.0, WORST)
        return factor

    def _neighbours(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield the places of every two groups of one cluster; pairs are sorted, so they lie near."""
        import numpy as np

        for step in range(1, self.size):
            first = np.flatnonzero(self.cluster[step:] == self.cluster[:-step])
            if not len(first):
                return
            yield first, first + step


def overlap(of: Grouped) -> Overlap | None:
    """Return which clusters lie in two groups; None when none does, and when cells have no clusters."""
    import numpy as np

    cells = of.cells
    if cells.clusters is None or not len(cells.n):
        return None
    size = len(of.groups)
    key, place = np.unique(cells.clusters * size + of.code, return_inverse=True)
    cluster = key // size
    if not (cluster[1:] == cluster[:-1]).any():
        return None
    return Overlap(size=size, place=place, cluster=cluster, group=key % size, w=cells.w)
