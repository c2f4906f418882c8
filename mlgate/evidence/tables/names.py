"""Names of columns: any text may be one, but each has to stand for one column."""

from __future__ import annotations

from collections.abc import Sequence

from mlgate.errors import EvidenceError, Problem
from mlgate.strict_yaml import show

MAX_COLUMNS = 10_000
"""A table of more columns is no table of features and roles."""

_UPPER_TO_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def folded(name: str) -> str:
    """Return the name as SQL engines compare it: without regard to the case of ASCII letters."""
    return name.translate(_UPPER_TO_LOWER)


def require_names(names: Sequence[str], where: str) -> None:
    """Raise EvidenceError, placed at `where`, for names that are empty, repeated or not to be told apart.

    Names that differ only in case are refused too: every SQL engine takes them for one column, and would
    silently give the values of the other.
    """
    if len(names) > MAX_COLUMNS:
        raise EvidenceError(where, f"has {len(names)} columns", f"mlgate reads at most {MAX_COLUMNS}")
    places: dict[str, list[int]] = {}
    for position, name in enumerate(names, 1):
        places.setdefault(folded(name), []).append(position)
    problems = [_repeated(names, found, where) for name, found in places.items() if name and len(found) > 1]
    if "" in places:
        problems.insert(0, _unnamed(places[""], len(names), where))
    if problems:
        raise EvidenceError.of(problems)


def _unnamed(positions: list[int], count: int, where: str) -> Problem:
    what = f"{_columns(positions)} of {count} has no name"
    if positions == [1]:
        return Problem(
            where, what, "name it; pandas leaves it out when it writes its index, so use index=False"
        )
    return Problem(where, what, "name every column")


def _repeated(names: Sequence[str], positions: list[int], where: str) -> Problem:
    spelt = list(dict.fromkeys(names[position - 1] for position in positions))
    if len(spelt) == 1:
        what = f"{len(positions)} columns have the name {show(spelt[0])} ({_columns(positions)})"
        return Problem(where, what, "give each column a name of its own")
    what = f"names differ only in upper and lower case: {', '.join(map(show, spelt))} ({_columns(positions)})"
    return Problem(where, what, "rename one of them; SQL takes them for the same column")


def _columns(positions: list[int]) -> str:
    shown = ", ".join(map(str, positions[:10])) + (", ..." if len(positions) > 10 else "")  # noqa: PLR2004 - a line's worth
    return f"column{'s' if len(positions) > 1 else ''} {shown}"
