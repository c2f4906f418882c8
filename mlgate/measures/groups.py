"""Which groups there are, which of them are judged, and the counts behind each group's rate.

A group is judged when it has at least `min_group` rows, its rate's denominator has at least `min_group`
rows, and no protected value of it is missing (unless the policy judges those too). Every other group is
listed with the reason, and never dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlgate.cells import MAX_GROUPS, UNKNOWN, Bins, By, Cells
from mlgate.estimates import Estimate, GroupEstimate
from mlgate.intervals import Proportion, proportion
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
    """In an order that depends on their content alone, so that sums do not depend on the order given."""
    code: NDArray[np.int64]
    """One a cell: index into `groups`."""
    groups: tuple[Group, ...]

    @property
    def rows(self) -> int:
        """Rows of all groups, the unknown ones included."""
        return self.cells.rows


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """A group's rate: counts, value, interval, and whether it is judged."""

    group: Group
    rate: Rate
    rows: int
    """Rows in the denominator."""
    share: Proportion
    """Counts in rows, or in sums of weights when the table has any."""
    reason: str | None
    """Why it is not judged, or has no value; None when it is judged."""

    @property
    def judged(self) -> bool:
        """Whether the group is held against the limit."""
        return self.reason is None

    @property
    def value(self) -> float | None:
        """The rate; None when it has no denominator."""
        return self.share.value

    def row(self) -> GroupEstimate:
        """Return the line of the group table."""
        return GroupEstimate(
            group=self.group.values,
            n=self.group.n,
            value=self.value,
            rate=self.rate.name,
            numerator=self.share.numerator,
            denominator=self.share.denominator,
            interval=self.share.interval,
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
    raw = list(zip(*(cells.groups[one].tolist() for one in by), strict=True))
    keys = sorted(set(raw), key=lambda key: (None in key, [(value is None, str(value)) for value in key]))
    if len(keys) > MAX_GROUPS:
        wide = " and ".join(repr(column) for column in columns)
        return Estimate.missing(f"{len(keys)} groups by {wide}, more than {MAX_GROUPS}: bin it", n=cells.rows)
    index = {key: number for number, key in enumerate(keys)}
    code = np.array([index[key] for key in raw], dtype=np.int64)
    order = _canonical(cells, code)
    code, cells = code[order], cells.take(order)
    counts = np.bincount(code, weights=cells.n, minlength=len(keys))
    names = {key: tuple(map(_name, key)) for key in keys}
    return Grouped(
        cells=cells,
        code=code,
        groups=tuple(
            Group(
                number=number,
                values=dict(zip(columns, names[key], strict=True)),
                name=", ".join(names[key]),
                unknown=None in key,
                n=int(counts[number]),
            )
            for key, number in index.items()
        ),
    )


def tally(of: Grouped, rate: Rate, *, min_group: int, judge_unknown: bool) -> tuple[Tally, ...]:
    """Count one rate in every group, in the order of the groups."""
    import numpy as np

    inside, hit = rate.denominator(of.cells.roles), rate.numerator(of.cells.roles)
    size = len(of.groups)

    def sums(mask: NDArray[np.bool_], what: NDArray[np.float64] | NDArray[np.int64]) -> list[float]:
        found: list[float] = np.bincount(of.code[mask], weights=what[mask], minlength=size).tolist()
        return found

    weighted = of.cells.weighted
    counts = zip(
        of.groups,
        sums(inside, of.cells.n),
        sums(hit, of.cells.w),
        sums(inside, of.cells.w),
        sums(inside, of.cells.w2),
        strict=True,
    )
    found = []
    for group, rows, numerator, denominator, squares in counts:
        share = proportion(numerator, denominator, w2_sum=squares if weighted else None)
        reason = _no_rate(rate, int(rows), share) or _too_small(group, rate, int(rows), min_group)
        if group.unknown and not judge_unknown:
            reason = _UNKNOWN
        found.append(Tally(group=group, rate=rate, rows=int(rows), share=share, reason=reason))
    return tuple(found)


def size_reason(group: Group, min_group: int, *, judge_unknown: bool) -> str | None:
    """Say why a group as such is not judged; None when it is."""
    if group.unknown and not judge_unknown:
        return _UNKNOWN
    if group.n < min_group:
        return f"{counted(group.n, 'rows')}, fewer than min_group {min_group}"
    return None


def too_few(judged: int, listed: Sequence[tuple[Group, str | None]]) -> str | None:
    """Say that a comparison lacks groups, naming the first few that are not judged; None when it does not."""
    if judged >= NEEDED:
        return None
    because = [f"{group.name}: {reason}" for group, reason in listed if reason is not None]
    shown = "; ".join(because[:3]) + ("; …" if len(because) > 3 else "")  # noqa: PLR2004  a line's worth
    found = f"{counted(judged, 'groups')} of {len(listed)} can be judged, and a comparison needs {NEEDED}"
    return f"{found} ({shown})" if shown else found


def counted(number: int, plural: str) -> str:
    """Return `12 rows`, `1 row`, `0 rows`."""
    return f"{number} {plural[:-1] if number == 1 else plural}"


def _no_rate(rate: Rate, rows: int, share: Proportion) -> str | None:
    """Say why the rate has no denominator; None when it has one."""
    if share.value is not None:
        return None
    lacking = f"no {rate.among}" if rows == 0 else f"the weights of its {rate.among} sum to 0"
    return f"{lacking}: the {rate.words} has no denominator"


def _too_small(group: Group, rate: Rate, rows: int, min_group: int) -> str | None:
    if rows < min_group <= group.n:
        return f"{counted(rows, rate.among)}, fewer than min_group {min_group}"
    return size_reason(group, min_group, judge_unknown=True)


def _name(value: object) -> str:
    """Name a value; the word `unknown` is kept for missing values, so that nobody can hide behind it."""
    if value is None:
        return UNKNOWN
    text = str(value)
    return repr(text) if text == UNKNOWN else text


def _canonical(cells: Cells, code: NDArray[np.int64]) -> NDArray[np.int64]:
    """Order the cells by group and content, so that no order of evaluation can change a sum."""
    import numpy as np

    order: NDArray[np.int64] = np.lexsort((cells.w2, cells.w, cells.n, *cells.roles.values(), code))
    return order
