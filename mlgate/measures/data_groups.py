"""Whether every group is there: shares and numbers of rows of protected groups.

On rows and without weights, as in `data`. Groups are judged however small they are: that is the question.
"""

from __future__ import annotations

import math
from itertools import product

from mlgate.cells import MAX_GROUPS, UNKNOWN, By, Cells
from mlgate.estimates import Estimate, GroupEstimate
from mlgate.measures import measure
from mlgate.measures.named import EMPTY

_TWO = 2
_SOURCE = "pandas.crosstab over the group columns, missing values apart"


@measure(
    id="data.representation",
    kind="fact",
    unit="1",
    better="higher",
    needs=("protected",),
    source=f"smallest share; {_SOURCE}",
)
def representation(cells: Cells, *, by: tuple[By, ...] = (), judge_unknown: bool = False) -> Estimate:
    """Share of rows in the smallest group, of all rows.

    Of several columns, every combination of their values is a group, also one that no row has. The group of
    missing values is listed, and judged only when the policy says so.
    """
    return _smallest(cells, by, judge_unknown, shares=True)


@measure(
    id="data.group_size",
    kind="fact",
    unit="rows",
    better="higher",
    needs=("protected",),
    source=f"smallest number of rows; {_SOURCE}",
)
def group_size(cells: Cells, *, by: tuple[By, ...] = (), judge_unknown: bool = False) -> Estimate:
    """Number of rows in the smallest group.

    Groups are as for `data.representation`: every combination of values, also one that no row has.
    """
    return _smallest(cells, by, judge_unknown, shares=False)


def _smallest(cells: Cells, by: tuple[By, ...], judge_unknown: bool, *, shares: bool) -> Estimate:
    rows = cells.rows
    if rows == 0:
        return Estimate.missing(EMPTY)
    seen = _seen(cells, by)
    values = [sorted({key[place] for key in seen} - {UNKNOWN}) for place in range(len(by))]
    every = max(math.prod(map(len, values)), len(seen))
    if every > MAX_GROUPS:
        return Estimate.missing(f"{every} groups, more than {MAX_GROUPS}: bin them", n=rows)
    counts = dict(sorted((dict.fromkeys(product(*values), 0) | seen).items()))
    judged = {key: n for key, n in counts.items() if judge_unknown or UNKNOWN not in key}
    names = [one if isinstance(one, str) else one.column for one in by]
    lines = tuple(
        GroupEstimate(
            group=dict(zip(names, key, strict=True)),
            n=n,
            value=n / rows if shares else float(n),
            numerator=float(n),
            denominator=float(rows),
            judged=key in judged,
            reason=None if key in judged else "the value is missing",
        )
        for key, n in counts.items()
    )
    if sum(n > 0 for n in judged.values()) < _TWO:
        return Estimate.missing("fewer than two groups have rows", n=rows, groups=lines)
    least = min(judged.values())
    return Estimate(value=least / rows if shares else float(least), n=rows, groups=lines)


def _seen(cells: Cells, by: tuple[By, ...]) -> dict[tuple[str, ...], int]:
    """Count the rows of every combination that has some."""
    seen: dict[tuple[str, ...], int] = {}
    for key, n in zip(cells.keys(by), cells.n.tolist(), strict=True):
        seen[key] = seen.get(key, 0) + n
    return seen
