"""The probabilities that a row gives to its classes, one column each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

from mlgate.evidence import canonical, queries
from mlgate.evidence.scan.reading import spoken

if TYPE_CHECKING:
    import ibis.expr.types as ir

    Scores = Sequence[ir.FloatingColumn]

_ROUNDED = 0.0005
"""A probability written with three digits is off by as much; so each class lets the sum be off by it.

scikit-learn asks for sums of 1 to about 1e-5, which columns of three digits, or twenty of six, do not reach.
"""

_LAX = 0.01
"""The sum of no row may be off by more than this, however many classes there are."""


def squares(scores: Scores) -> ir.FloatingColumn:
    """Return the sum of the squared probabilities."""
    return _total([one * one for one in scores])


def any_of(scores: Scores) -> ir.FloatingColumn:
    """Return the sum of the probabilities of some classes, which rounding may have made more than 1."""
    import ibis

    return scores[0] if len(scores) == 1 else ibis.least(_total(scores), queries.real(1.0))


def highest(scores: Scores) -> ir.FloatingColumn:
    """Return the largest probability of the row."""
    import ibis

    return ibis.greatest(*scores) if len(scores) > 1 else scores[0]


def first_equal(scores: Scores, value: ir.FloatingColumn, places: Sequence[int]) -> ir.IntegerColumn:
    """Return the place that goes with the first score that equals a value."""
    import ibis

    branches = [
        (score == value, ibis.literal(place, "int16")) for score, place in zip(scores, places, strict=True)
    ]
    return ibis.cases(*branches, else_=ibis.literal(None, "int16"))


def facts(scores: Sequence[ir.FloatingColumn], source: ir.Table, role: str = "score") -> dict[str, Any]:
    """Count the rows whose probabilities are missing, infinite, outside [0, 1] or do not add up to 1.

    The facts are named after the `role` that the probabilities have together.
    """
    import ibis

    infinite = _any([queries.is_infinite(one) for one in scores])
    whole = _total(scores)
    finite = infinite.ifelse(ibis.literal(None, "float64"), whole)
    return {
        f"{role}_missing": source.count(where=_any([one.isnull() for one in scores])),
        f"{role}_infinite": source.count(where=infinite),
        f"{role}_outside": source.count(where=_any([(one < 0) | (one > 1) for one in scores]) & ~infinite),
        f"{role}_off": source.count(where=(finite - 1).abs() > queries.real(_tolerance(len(scores)))),
        f"{role}_low": finite.min(),
        f"{role}_high": finite.max(),
    }


def faults(row: Mapping[str, Any], role: str = "score") -> tuple[str, ...]:
    """Say what is wrong, from the answers to `facts` and the number of `rows`; nothing where all is right."""
    parts = []
    for fact, what in (
        ("missing", "lack a probability, or have one that is NaN"),
        ("infinite", "have a probability that is infinite"),
        ("outside", "have a probability outside [0, 1]"),
    ):
        if row[f"{role}_{fact}"]:
            parts.append(f"{row[f'{role}_{fact}']} of {row['rows']} rows {what}")
    if row[f"{role}_off"]:
        low, high = (canonical.number(row[f"{role}_{end}"]) for end in ("low", "high"))
        parts.append(
            f"in {row[f'{role}_off']} of {row['rows']} rows the probabilities do not add up to 1 "
            f"(sums from {low} to {high})"
        )
    todo = "give the probability of every class in every row, so that they add up to 1"
    return (f"{spoken(role)}: {', '.join(parts)}; {todo}",) if parts else ()


def _tolerance(classes: int) -> float:
    return min(_ROUNDED * classes, _LAX) + 1e-9  # the sum of rounded numbers has errors of its own


def _total(values: Sequence[Any]) -> Any:
    """Add up columns in pairs, then pairs of these: a thousand in a row nest too deeply for engines."""
    return _in_pairs(values, lambda one, other: one + other)


def _any(values: Sequence[Any]) -> Any:
    return _in_pairs(values, lambda one, other: one | other)


def _in_pairs(values: Sequence[Any], join: Callable[[Any, Any], Any]) -> Any:
    found = list(values)
    while len(found) > 1:
        found = [reduce(join, found[at : at + 2]) for at in range(0, len(found), 2)]
    return found[0]
