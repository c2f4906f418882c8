"""What a model decides when nothing about a person is changed but a protected attribute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from mlgate.cells import Answers, Bins, Columns, Loaded, Scores, Statistic
from mlgate.errors import PolicyError
from mlgate.estimates import Estimate, GroupEstimate
from mlgate.intervals import proportion
from mlgate.measures import measure
from mlgate.measures.behaviour_terms import as_stored, fits
from mlgate.measures.examples import Example, private, smallest
from mlgate.measures.judging import Judging
from mlgate.measures.named import present
from mlgate.measures.perturbed import DRAWN, Asked, Copy, Told, ask, asked_rows, moved, tell
from mlgate.measures.perturbing import constant, is_number, replaced, touched
from mlgate.strict_yaml import show

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

NAME = "fairness.counterfactual_flip"

VALUES = 20
"""Values of an attribute that are tried, the most frequent ones; of numbers with more, their deciles."""

SHOWN = 5
"""Examples of a finding."""

Linked: TypeAlias = dict[str, dict[str, str | bool | int | float]]
"""From a column that goes with the attribute, by the attribute's value as text, to the column's value."""


@measure(
    id=NAME,
    kind="estimate",
    unit="1",
    better="lower",
    needs=("model", "protected", "features"),
    source="Kusner, Loftus, Russell and Silva 2017, Counterfactual Fairness; Clopper and Pearson 1934",
)
class CounterfactualFlip:
    """Share of rows whose decision flips when nothing but the protected attribute is changed.

    Each row is given each other value that the attribute has (the 20 most frequent in the drawn rows; of
    numbers with more values, the deciles), and nothing else is changed but what is declared to go with it:
    `linked: {title: {male: Mr, female: Ms}}`. It flips when any of these changes the decision; with
    `tolerance`, when it moves a probability by more than that. Of regression and scores it flips when the
    number moves by more than `tolerance` (0.1) standard deviations of all of them (by their middle half where
    that says less, so that a few wild numbers hide nothing). A row on which the model fails counts. The
    interval is Clopper and Pearson's. The table has the share for each value, and the mean and the largest
    change of what the model says. Several attributes grouped by are changed together, to the combinations
    that occur. Rows are drawn, without weights.

    Not applicable where the model does not take the attribute: then it says nothing of what stands in for it.
    """

    def __init__(
        self,
        *,
        rows: int = DRAWN,
        tolerance: float | None = None,
        linked: Linked | None = None,
        judging: Judging | None = None,
        seed: int = 0,
    ) -> None:
        """Declare the parameters; the gate gives the attributes and the seed."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the model and rows. Raises PolicyError for a parameter that does not fit."""
        for key, least in (("rows", 1), ("tolerance", 0)):
            if params[key] is not None and params[key] < least:
                raise PolicyError(f"params.{key}", f"is {params[key]:g}", f"write {least} or more")
        linked = params["linked"] or {}
        present(linked, columns)
        for name, values in linked.items():
            wrong = [value for value in values.values() if not fits(value, columns.types[name])]
            if wrong:
                what = f"{show(wrong[0])} is no value of a column of type {columns.types[name]}"
                raise PolicyError(f"params.linked.{name}", what, "write a value as the table has it")
        return [Loaded(), asked_rows(columns, params["rows"], params["seed"])]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the share of rows that flip."""
        asked = ask(cells)
        if isinstance(asked, str):
            return Estimate.missing(asked)
        by = [one.column if isinstance(one, Bins) else one for one in params["judging"].by]
        names = [name for name in by if name in asked.scorer.facts.features]
        if not names:
            return Estimate.inapplicable(
                f"the model does not take {' or '.join(map(show, by))}; what stands in for it is told by "
                "fairness/proxy"
            )
        linked = {
            name: values
            for name, values in (params["linked"] or {}).items()
            if name in asked.scorer.facts.features
        }
        values = _values(asked, names)
        if len(values) < 2:  # noqa: PLR2004  another value needs two
            what = f"{' and '.join(map(show, names))} has one value in the drawn rows"
            return Estimate.missing(f"{what}, so that there is no other to try", n=asked.rows.num_rows)
        found = _flipped(asked, _copies(asked, names, values, linked), params["tolerance"])
        if not found.n:
            return Estimate.missing("no row could be changed so", n=asked.rows.num_rows, groups=found.lines)
        share = proportion(found.k, found.n)
        return Estimate(
            value=share.value,
            n=found.n,
            interval=share.exact,
            groups=found.lines,
            private=private(asked, found.examples, "Rows whose decision flips"),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Flips:
    """What came out of all values that were tried."""

    n: int
    k: int
    lines: tuple[GroupEstimate, ...]
    examples: list[Example]


def _values(asked: Asked, names: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return the values, or combinations of values, that are tried, in an order of their own."""
    rows = zip(*(asked.rows[name].to_pylist() for name in names), strict=True)
    # A missing value, and NaN, which is not itself, are nobody's attribute.
    counts = Counter(row for row in rows if all(one is not None and one == one for one in row))  # noqa: PLR0124
    if len(counts) > VALUES and len(names) == 1 and is_number(asked.rows[names[0]].type):
        ordered = sorted(counts.elements())
        return sorted({ordered[len(ordered) * tenth // 10] for tenth in range(1, 10)})
    ranked = sorted(counts, key=lambda row: (-counts[row], tuple(map(str, row))))
    return sorted(ranked[:VALUES], key=lambda row: tuple(map(str, row)))


def _copies(
    asked: Asked, names: Sequence[str], values: Sequence[tuple[Any, ...]], linked: Linked
) -> Iterator[Copy]:
    import numpy as np

    for one in values:
        columns = {name: constant(asked.rows[name], value) for name, value in zip(names, one, strict=True)}
        another = np.any([touched(asked.rows[name], column) for name, column in columns.items()], axis=0)
        for name, by_value in linked.items():
            key = _text(one[0])
            if key not in by_value:
                todo = "give every value of the attribute one"
                raise PolicyError(f"params.linked.{name}", f"has no value for {show(key)}", todo)
            columns[name] = constant(asked.rows[name], as_stored(by_value[key], asked.rows[name].type))
        yield Copy(
            group={name: _text(value) for name, value in zip(names, one, strict=True)},
            columns=tuple(columns),
            table=replaced(asked.rows, columns),
            touched=another,
        )


def _text(value: Any) -> str:
    """Write a value as groups are named."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _flipped(asked: Asked, copies: Iterator[Copy], tolerance: float | None) -> _Flips:
    import numpy as np

    rows = asked.rows.num_rows
    among, flips = np.zeros(rows, dtype=bool), np.zeros(rows, dtype=bool)
    lines: list[GroupEstimate] = []
    examples: list[Example] = []
    changes: list[NDArray[np.float64]] = []

    def breaks(before: Scores, told: Told) -> Mask:
        return moved(before, told, tolerance)

    for copy, told in tell(asked.scorer, copies, asked.scores):
        own = copy.touched & told.seen
        bad = breaks(asked.scores, told) & own
        among |= own
        flips |= bad
        lines.append(_line(copy, int(bad.sum()), int(own.sum()), told.fault))
        apart = np.abs(told.numbers - asked.scores.numbers).max(axis=1)[own & ~told.failed]
        changes.append(apart)
        if bad.any() and len(examples) < SHOWN:
            examples += smallest(asked, copy, told, bad, breaks)
    every = np.concatenate(changes)
    n = int(among.sum())
    for rate, value in (("mean change", every.mean()), ("largest change", every.max())) if len(every) else ():
        lines.append(GroupEstimate(group={"column": "all values"}, n=n, value=float(value), rate=rate))
    examples.sort(key=lambda one: (len(one.columns), one.place))
    if examples:
        lines.append(examples[0].line())
    return _Flips(n=n, k=int(flips.sum()), lines=tuple(lines), examples=examples[:SHOWN])


def _line(copy: Copy, k: int, n: int, fault: str | None) -> GroupEstimate:
    share = proportion(k, n)
    return GroupEstimate(
        group=copy.group,
        n=n,
        value=share.value,
        rate="flips to",
        numerator=float(k),
        denominator=float(n),
        interval=share.exact,
        judged=n > 0,
        reason=fault if n else fault or "every drawn row has this value",
    )
