"""Cells that hold what two models say of the same rows, and each model's own cells within them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mlgate.cells import QUANTILE, ROLES, TOP, Cells, Counts
from mlgate.errors import PolicyError
from mlgate.measures.binary import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHAMPION = "champion_"
"""What the roles of the model that runs now begin with."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Joint:
    """Two models on the same rows. Made by `joint`; every cell weighs something."""

    cells: Cells
    """Distinct combinations of what both say."""
    candidate: Cells
    """Distinct combinations of what the judged model says."""
    champion: Cells
    """Of what the model that runs now says, under the same roles."""
    of_candidate: NDArray[np.int64]
    """The place among `candidate` of each of `cells`."""
    of_champion: NDArray[np.int64]

    @property
    def differing(self) -> NDArray[np.bool_]:
        """In which cells the models do not say the same."""
        import numpy as np

        roles = self.cells.roles
        apart = np.zeros(len(self.cells.n), dtype=bool)
        for role in own_roles(tuple(roles)):
            if f"{CHAMPION}{role}" in roles:
                apart |= roles[role] != roles[f"{CHAMPION}{role}"]
        return apart

    @property
    def alike(self) -> bool:
        """Whether both models say the same of every row."""
        return not bool(self.differing.any())

    def taking(self, n: NDArray[np.int64]) -> Joint:
        """Return both models on some of the rows: `n` of each cell, whose weights are taken in proportion."""
        import numpy as np

        share = np.divide(n, self.cells.n, out=np.zeros(len(n)), where=self.cells.n > 0)
        w, w2 = self.cells.w * share, self.cells.w2 * share
        if not self.cells.weighted:
            w, w2 = n.astype(float), n.astype(float)
        cells = replace(self.cells, n=n, w=w, w2=w2)
        sizes = len(self.candidate.n), len(self.champion.n)
        return replace(
            self,
            cells=cells,
            candidate=_summed(self.candidate, cells, self.of_candidate, sizes[0]),
            champion=_summed(self.champion, cells, self.of_champion, sizes[1]),
        )


def with_champion(counts: Counts) -> Counts:
    """Return what to ask so that the champion's roles come along.

    Raises PolicyError for what a champion does not state: intervals, quantiles, and which class is likeliest.
    """
    lacking = [role for role in counts.roles if role in ("lower", "upper") or role.startswith(QUANTILE)]
    if lacking or counts.view == TOP:
        on = "intervals or quantiles" if lacking else "the likeliest class"
        what = f"the metric rests on {on}, in which models are not compared"
        raise PolicyError("params.metric", what, "use another metric")
    added = [role for one in counts.roles if (role := f"{CHAMPION}{one}") in ROLES]
    return replace(counts, roles=(*counts.roles, *added), binned=None)


def without_champion(counts: Counts) -> Counts:
    """Return the counts of one model."""
    return replace(counts, roles=own_roles(counts.roles), binned=None)


def own_roles(roles: Sequence[str]) -> tuple[str, ...]:
    """Return the roles that are not the champion's."""
    return tuple(role for role in roles if not role.startswith(CHAMPION))


def joint(cells: Cells) -> Joint:
    """Take cells of two models apart; those that weigh nothing are left out, and groups are forgotten."""
    seen = replace(counted(cells), groups={})
    own = own_roles(tuple(seen.roles))
    theirs = {role: seen.roles.get(f"{CHAMPION}{role}", seen.roles[role]) for role in own}
    candidate, of_candidate = _merged(replace(seen, roles={role: seen.roles[role] for role in own}))
    champion, of_champion = _merged(replace(seen, roles=theirs))
    return Joint(
        cells=seen,
        candidate=candidate,
        champion=champion,
        of_candidate=of_candidate,
        of_champion=of_champion,
    )


def _merged(cells: Cells) -> tuple[Cells, NDArray[np.int64]]:
    """Merge equal cells; return them with the place of each cell among them."""
    import numpy as np

    keys = [*cells.roles.values(), *([] if cells.clusters is None else [cells.clusters])]
    order = np.lexsort(keys[::-1])
    new = np.ones(len(order), dtype=bool)
    if len(order) > 1:
        new[1:] = False
        for one in keys:
            new[1:] |= one[order][1:] != one[order][:-1]
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.cumsum(new) - 1
    first = order[new]
    some = replace(
        cells,
        roles={role: values[first] for role, values in cells.roles.items()},
        clusters=None if cells.clusters is None else cells.clusters[first],
        n=cells.n[first],
        w=cells.w[first],
        w2=cells.w2[first],
    )
    return _summed(some, cells, place, len(first)), place


def _summed(frame: Cells, cells: Cells, place: NDArray[np.int64], size: int) -> Cells:
    """Return `frame` with the rows and weights of `cells` summed up at each place."""
    import numpy as np

    n, w, w2 = (np.bincount(place, one, minlength=size) for one in (cells.n, cells.w, cells.w2))
    return replace(frame, n=np.rint(n).astype(np.int64), w=w.astype(float), w2=w2.astype(float))
