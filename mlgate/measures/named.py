"""Columns that a check names in its parameters, looked up in the table that it is asked of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from mlgate.cells import Columns
from mlgate.errors import EvidenceError, PolicyError, Problem

EMPTY = "the table has no rows"
"""Why nothing is measured of such a table."""

_SHOWN = 20
"""Names that a message lists."""


def present(wanted: Iterable[str], columns: Columns) -> tuple[str, ...]:
    """Return the names, each once, in the order given.

    Raises EvidenceError naming every column that the table lacks, with the name that was probably meant.
    """
    names = tuple(dict.fromkeys(wanted))
    absent = [name for name in names if name not in columns.names]
    if absent:
        raise EvidenceError.of(
            Problem(f"column {name!r}", "is named by a check, and the table lacks it", _meant(name, columns))
            for name in absent
        )
    return names


def chosen(
    measure: str, wanted: Sequence[str] | None, columns: Columns, *, ignore: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the columns that a check is about: those it names, else all, without the ignored ones.

    Raises EvidenceError as `present` does, and PolicyError when no column is left.
    """
    left_out = present(ignore, columns)
    among = columns.names if wanted is None else present(wanted, columns)
    found = tuple(name for name in among if name not in left_out)
    if not found:
        raise PolicyError(f"params of {measure}", "no column is left to look at", "name at least one column")
    return found


def required(measure: str, given: object, example: str) -> None:
    """Raise PolicyError when a parameter without a sensible default was left out or is empty."""
    if not given:
        raise PolicyError(
            f"params of {measure}", "no columns are given", f"say what holds for them: {example}"
        )


def _meant(name: str, columns: Columns) -> str:
    close = get_close_matches(name, columns.names, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    shown = ", ".join(repr(one) for one in columns.names[:_SHOWN])
    return f"it has {shown}{', …' if len(columns.names) > _SHOWN else ''}"
