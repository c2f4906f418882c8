"""Which groups there are, which of them are judged, and where each stands.

A group is judged when it has at least `min_group` rows, its rate's denominator has at least `min_group`
rows, and no protected value of it is missing (unless the policy judges those too). Every other group is
listed with the reason, and never dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mlgate.cells import MAX_GROUPS, UNKNOWN, Bins, By, Cells
from mlgate.estimates import Estimate, GroupEstimate, Interval
from mlgate.intervals import Part, Proportion, clustered_share, proportion
from mlgate.measures.judging import Judging
from mlgate.measures.rates import Rate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NEEDED = 2
"""A comparison needs so many judged groups."""

_UNKNOWN = "protected value missing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """One group over the protected columns."""

    number: int
    """Its place among the groups, which is its code in `Grouped`."""
    values: Mapping[str, str]
    """Column to value; a missing value reads `unknown`, a value that is that very word `'unknown'`."""
    name: str
    """The values in the order of the columns: `female, Black`."""
    unknown: bool
    """Whether any of its protected values is missing."""
    n: int
    """Rows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Grouped:
    """Cells with the number of the group that each belongs to; groups sorted by value, unknown last."""

    cells: Cells
    """Those of one group lie side by side, in the order of the groups. They carry no group values."""
    code: NDArray[np.int64]
    """One a cell: index into `groups`; never falls."""
    groups: tuple[Group, ...]

    @property
    def rows(self) -> int:
        """Rows of all groups, the unknown ones included."""
        return self.cells.rows

    def slices(self) -> Iterator[tuple[Group, slice]]:
        """Yield each group with the place of its cells."""
        import numpy as np

        ends = np.searchsorted(self.code, np.arange(len(self.groups) + 1)).tolist()
        for group, first, last in zip(self.groups, ends[:-1], ends[1:], strict=True):
            yield group, slice(first, last)

    def parts(self) -> Iterator[tuple[Group, Cells]]:
        """Yield each group with its cells, which carry no groups of their own."""
        for group, place in self.slices():
            yield group, _cut(self.cells, place)


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Where a group stands by one number, whether it is judged by it, and what differences are built of."""

    group: Group
    rate: str
    """What the number is called in the group table: `true_positive_rate`."""
    value: float | None
    """None when it is not estimable, with `reason`."""
    interval: Interval | None
    """Of the number by itself."""
    part: Part | None
    """What intervals of differences and ratios between groups are made of."""
    weight: float
    """How many equally weighted, independent rows the number rests on."""
    reason: str | None
    """Why it is not judged, or has no value; None when it is judged."""
    numerator: float | None = None
    denominator: float | None = None

    @property
    def judged(self) -> bool:
        """Whether the group is held against the limit."""
        return self.reason is None

    @property
    def known(self) -> float:
        """The value of a group that has one. ValueError for any other."""
        if self.value is None:
            raise ValueError(f"group {self.group.name} has no {self.rate}")
        return self.value

    def row(self) -> GroupEstimate:
        """Return the line of the group table."""
        return GroupEstimate(
            group=self.group.values,
            n=self.group.n,
            value=self.value,
            rate=self.rate,
            numerator=self.numerator,
            denominator=self.denominator,
            interval=self.interval,
            judged=self.judged,
            reason=self.reason,
        )


def grouped(cells: Cells, by: tuple[By, ...]) -> Grouped | Estimate:
    """Number the groups of the cells over `by`; several columns make a product.

    Returns a missing estimate instead when there are no rows, no grouping column, or more than
    `MAX_GROUPS` groups.
    """
    import numpy as np

    if cells.rows == 0:
        return Estimate.missing("the table has no rows")
    columns = tuple(one.column if isinstance(one, Bins) else one for one in by)
    if not columns:
        return Estimate.missing("no protected column is named")
    keys, code = distinct(cells, by)
    if len(keys) > MAX_GROUPS:
        wide = " and ".join(repr(column) for column in columns)
        return Estimate.missing(f"{len(keys)} groups by {wide}, more than {MAX_GROUPS}: bin it", n=cells.rows)
    order = _order(cells, code)
    code, cells = code[order], replace(cells, groups={}).take(order)
    counts = np.bincount(code, weights=cells.n, minlength=len(keys))
    names = [tuple(map(named, key)) for key in keys]
    return Grouped(
        cells=cells,
        code=code,
        groups=tuple(
            Group(
                number=number,
                values=dict(zip(columns, names[number], strict=True)),
                name=", ".join(names[number]),
                unknown=None in key,
                n=int(counts[number]),
            )
            for number, key in enumerate(keys)
        ),
    )


def distinct(cells: Cells, by: Sequence[By]) -> tuple[list[tuple[object, ...]], NDArray[np.int64]]:
    """Return the combinations of values that occur, sorted, and the number of each cell's among them.

    Combinations with a missing value (None) come last.
    """
    import numpy as np

    code = np.zeros(len(cells.n), dtype=np.int64)
    keys: list[tuple[object, ...]] = [()]
    for one in by:
        listed = cells.groups[one].tolist()
        values = sorted(set(listed), key=lambda value: (value is None, str(value)))
        places = {value: place for place, value in enumerate(values)}
        own = np.fromiter(map(places.__getitem__, listed), dtype=np.int64, count=len(listed))
        present, code = _compact(code * len(values) + own, len(keys) * len(values))
        keys = [(*keys[place // len(values)], values[place % len(values)]) for place in present.tolist()]
    last = sorted(range(len(keys)), key=lambda place: (None in keys[place], place))
    rank = np.empty(len(keys), dtype=np.int64)
    rank[last] = np.arange(len(keys))
    return [keys[place] for place in last], rank[code]


def _compact(code: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the numbers below `size` that occur, rising, and the place of each entry's among them."""
    import numpy as np

    if size > max(len(code), 1024):
        return np.unique(code, return_inverse=True)
    seen = np.bincount(code, minlength=size) > 0
    return np.flatnonzero(seen), (np.cumsum(seen) - 1)[code]


def standings(of: Grouped, rate: Rate, judging: Judging) -> tuple[Standing, ...]:
    """Count one rate in every group, in the order of the groups."""
    inside, hit = rate.denominator(of.cells.roles), rate.numerator(of.cells.roles)
    return tuple(
        _standing(group, rate, int(of.cells.n[place][inside[place]].sum()), share, judging)
        for (group, place), share in zip(of.slices(), shares(of, hit, inside), strict=True)
    )


def shares(of: Grouped, hit: NDArray[np.bool_], inside: NDArray[np.bool_]) -> list[Proportion]:
    """Return the share of `hit` among `inside` in every group, allowing for weights and clusters."""
    import numpy as np

    cells = of.cells
    if cells.clusters is not None:
        return [
            clustered_share(hit[place], inside[place], cells.w[place], cells.w2[place], cells.clusters[place])
            for _, place in of.slices()
        ]

    def sums(mask: NDArray[np.bool_], what: NDArray[np.float64]) -> list[float]:
        found: list[float] = np.bincount(of.code[mask], weights=what[mask], minlength=len(of.groups)).tolist()
        return found

    return [
        proportion(numerator, denominator, w2_sum=squares if cells.weighted else None)
        for numerator, denominator, squares in zip(
            sums(hit, cells.w), sums(inside, cells.w), sums(inside, cells.w2), strict=True
        )
    ]


def size_reason(group: Group, judging: Judging) -> str | None:
    """Say why a group as such is not judged; None when it is."""
    if group.unknown and not judging.judge_unknown:
        return _UNKNOWN
    if group.n < judging.min_group:
        return f"{counted(group.n, 'rows')}, fewer than min_group {judging.min_group}"
    return None


def too_few(judged: int, listed: Sequence[Standing]) -> str | None:
    """Say that a comparison lacks groups, naming the first few that are not judged; None when it does not."""
    if judged >= NEEDED:
        return None
    because = [f"{one.group.name}: {one.reason}" for one in listed if one.reason is not None]
    shown = "; ".join(because[:3]) + ("; …" if len(because) > 3 else "")  # noqa: PLR2004  a line's worth
    found = f"{counted(judged, 'groups')} of {len(listed)} can be judged, and a comparison needs {NEEDED}"
    return f"{found} ({shown})" if shown else found


def counted(number: int, plural: str) -> str:
    """Return `12 rows`, `1 row`, `0 rows`."""
    return f"{number} {plural[:-1] if number == 1 else plural}"


def named(value: object) -> str:
    """Name a value; the word `unknown` is kept for missing values, so that nobody can hide behind it."""
    if value is None:
        return UNKNOWN
    text = str(value)
    return repr(text) if text == UNKNOWN else text


def _standing(group: Group, rate: Rate, rows: int, share: Proportion, judging: Judging) -> Standing:
    reason = _no_rate(rate, rows, share) or _too_small(group, rate, rows, share, judging)
    if group.unknown and not judging.judge_unknown:
        reason = _UNKNOWN
    return Standing(
        group=group,
        rate=rate.name,
        value=share.value,
        interval=share.interval,
        part=share.wilson,
        weight=share.kish_n,
        reason=reason,
        numerator=share.numerator,
        denominator=share.denominator,
    )


def _no_rate(rate: Rate, rows: int, share: Proportion) -> str | None:
    """Say why the rate has no denominator; None when it has one."""
    if share.value is not None:
        return None
    lacking = f"no {rate.among}" if rows == 0 else f"the weights of its {rate.among} sum to 0"
    return f"{lacking}: the {rate.words} has no denominator"


def _too_small(group: Group, rate: Rate, rows: int, share: Proportion, judging: Judging) -> str | None:
    small = size_reason(group, judging)
    if small is None and rows < judging.min_group:
        return f"{counted(rows, rate.among)}, fewer than min_group {judging.min_group}"
    if small is None and share.interval is None:
        return f"all its {rate.among} belong to one cluster, which says nothing of others"
    return small


def _order(cells: Cells, code: NDArray[np.int64]) -> NDArray[np.int64]:
    """Order the cells by group. With weights also by content, so that no order can change a sum of theirs.

    Sums of whole counts are exact in any order.
    """
    import numpy as np

    if not cells.weighted:
        return np.argsort(code.astype(np.uint8), kind="stable")  # of small numbers it is a radix sort
    clusters = () if cells.clusters is None else (cells.clusters,)
    order: NDArray[np.int64] = np.lexsort(
        (cells.w2, cells.w, cells.n, *clusters, *cells.roles.values(), code)
    )
    return order


def _cut(cells: Cells, place: slice) -> Cells:
    """Return the cells of a place, without copying them."""
    return replace(
        cells,
        roles={role: values[place] for role, values in cells.roles.items()},
        n=cells.n[place],
        w=cells.w[place],
        w2=cells.w2[place],
        clusters=None if cells.clusters is None else cells.clusters[place],
        binned=None if cells.binned is None else cells.binned.take(place),
    )
