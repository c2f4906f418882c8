"""Counted combinations as arrays, and how they are brought down to fewer keys.

A `Frame` holds what one group-by returned. Every statistic that the query serves is a marginal of it: the
keys that were not asked for are summed away here, with arrays, which is far cheaper than another pass
over the rows. The order of the cells depends on nothing but their keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from mlgate.cells import Binned, By, Cells, ScoreSum, Sums
from mlgate.evidence.canonical import Coded
from mlgate.evidence.scan.reading import in_order

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Number = TypeVar("Number", np.int64, np.float64)

_LARGEST_KEY = 2**62


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """Cells as they came from the engine, in no order; several may share a key once spelt canonically."""

    roles: Mapping[str, NDArray[np.float64]]
    """Codes of classes, and numbers; NaN for what is missing."""
    sizes: Mapping[str, int]
    """Of the roles that are classes: how many codes there are, a missing one included."""
    groups: Mapping[By, Coded]
    n: NDArray[np.int64]
    """Rows, those of weight zero included."""
    w: NDArray[np.float64]
    w2: NDArray[np.float64]
    weighted: bool
    binned: Binned | None = None
    """Where scores are counted in bins."""


def marginal(
    frame: Frame,
    roles: Sequence[str],
    by: Sequence[By],
    *,
    cluster: str | None = None,
    classes: tuple[str, ...] = (),
    sums: Sequence[ScoreSum] = (),
    fault: str | None = None,
) -> Cells:
    """Sum the frame over everything but some roles and groups, and the column of the clusters if it is named.

    The cells come sorted by the texts of their groups, in the order of `by`, then by cluster, then by their
    classes and then their numbers, each in the order of `ROLES`; missing values last. Of scores in bins they
    have the `sums` that are named.
    """
    import numpy as np

    within = () if cluster is None else (cluster,)
    order, starts = _runs(frame, roles, (*by, *within))
    first = order[starts]
    n = _totals(frame.n, order, starts)
    w = _totals(frame.w, order, starts) if frame.weighted else n.astype(np.float64)
    w2 = _totals(frame.w2, order, starts) if frame.weighted else w
    found = {role: frame.roles[role][first] for role in roles}
    return Cells(
        roles=found,
        groups={one: frame.groups[one].values(first) for one in by},
        n=n,
        w=w,
        w2=w2,
        weighted=frame.weighted,
        classes=classes,
        clusters=None if cluster is None else frame.groups[cluster].codes[first].astype(np.int64),
        binned=None if frame.binned is None else _binned(frame.binned, sums, order, starts),
        fault=fault or _unsound(found, (w, w2) if frame.weighted and len(w) else ()),
    )


def _binned(
    found: Binned, sums: Sequence[ScoreSum], order: NDArray[np.intp], starts: NDArray[np.intp]
) -> Binned:
    import numpy as np

    def totals(of: Sums) -> Sums:
        first = _totals(of.first, order, starts)
        second = first if of.second is of.first else _totals(of.second, order, starts)
        return Sums(first=first, second=second, squares=_totals(of.squares, order, starts))

    return Binned(
        low=np.minimum.reduceat(found.low[order], starts) if len(starts) else found.low[:0],
        high=np.maximum.reduceat(found.high[order], starts) if len(starts) else found.high[:0],
        sums={name: totals(found.sums[name]) for name in sums},
    )


def _unsound(roles: Mapping[str, NDArray[np.float64]], weights: Sequence[NDArray[np.float64]]) -> str | None:
    """Find what the survey should have: whatever is missing here must not reach a measure."""
    import numpy as np

    missing = [role for role, values in roles.items() if not np.isfinite(values).all()]
    if missing:
        return f"values of {', '.join(missing)} are missing"
    with np.errstate(over="ignore"):  # what overflows is infinite, and is told as a fault
        sound = all(0 < one.sum() < np.inf for one in weights)
    if not sound:
        return (
            "the weights, or their squares, add up to zero or to more than a number can hold; "
            "correct the weight column"
        )
    return None


def _totals(values: NDArray[Number], order: NDArray[np.intp], starts: NDArray[np.intp]) -> NDArray[Number]:
    """Sum runs of values, each from its smallest value up: the order in which they came must not show."""
    import numpy as np

    if not len(starts):
        return values[:0]
    found = values[order]
    if len(starts) < len(found) and found.dtype.kind == "f":
        run = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(found)))
        found = found[np.lexsort((found, run))]
    with np.errstate(over="ignore"):  # seen by `_unsound`
        totals: NDArray[Number] = np.add.reduceat(found, starts)
    return totals


def _runs(frame: Frame, roles: Sequence[str], by: Sequence[By]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return an order in which cells with equal keys lie together, and where each run starts."""
    import numpy as np

    ordered = in_order(roles)
    key = _combined(frame, [role for role in ordered if role in frame.sizes], by)
    # numpy sorts integers of 16 bits in linear time
    small = key.astype(np.min_scalar_type(int(key.max()) if len(key) else 0))
    numbers = [frame.roles[role] for role in ordered if role not in frame.sizes]
    order = np.lexsort((*reversed(numbers), small)) if numbers else np.argsort(small, kind="stable")
    new = small[order][1:] != small[order][:-1]
    for values in numbers:
        found = values[order]
        new |= ~((found[1:] == found[:-1]) | (np.isnan(found[1:]) & np.isnan(found[:-1])))
    starts = np.concatenate([np.zeros(min(len(key), 1), dtype=np.intp), np.flatnonzero(new) + 1])
    return order, starts


def _combined(frame: Frame, classes: Sequence[str], by: Sequence[By]) -> NDArray[np.int64]:
    """Return one integer per cell that orders as the groups, then the classes, do."""
    import numpy as np

    key = np.zeros(len(frame.n), dtype=np.int64)
    largest = 1
    parts = [(frame.groups[one].codes, frame.groups[one].size) for one in by]
    parts += [(_codes(frame.roles[role], frame.sizes[role]), frame.sizes[role]) for role in classes]
    for codes, size in parts:
        if largest > _LARGEST_KEY // size:
            key = np.unique(key, return_inverse=True)[1].astype(np.int64)
            largest = int(key.max()) + 1 if len(key) else 1
        key = key * size + codes
        largest *= size
    return key


def _codes(values: NDArray[np.float64], size: int) -> NDArray[np.int32]:
    """Return codes as integers, the last of `size` for a missing one."""
    import numpy as np

    return np.where(np.isnan(values), size - 1, values).astype(np.int32)
