"""The smallest change that shows a failure: fewest changed columns first, then the least change.

A report names the columns, how far they were changed and what the model says before and after. The key and
the values of the row are a `PrivateExample`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, TypeAlias

from mlgate.cells import ModelFacts, Scores
from mlgate.estimates import GroupEstimate, PrivateExample
from mlgate.measures.perturbed import Asked, Copy, Told, tell
from mlgate.measures.perturbing import as_numbers, between, replaced, spread, touched

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

LOOKED = 10
"""Failing rows of a copy that are looked at."""

SHOWN = 5
"""Examples of a finding."""

HALVINGS = 10
"""The size of a change is known to one part in 1024."""

FEW = 4
"""Of so many changed columns, every choice is tried; of more, each alone."""

Breaks: TypeAlias = "Callable[[Scores, Told], Mask]"
"""Which rows fail, given what the model says before and after; shape (rows,)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """One row with the smallest change that makes it fail."""

    place: int
    """Of the row among those drawn."""
    columns: tuple[str, ...]
    changes: tuple[str, ...]
    """How far each was changed: `+0.03 sd`, `another value`."""
    size: float
    """Of the numbers that were changed, in standard deviations."""
    before: str
    after: str
    row: pa.Table
    """Before and after, two rows of all features."""

    def line(self, **group: str) -> GroupEstimate:
        """Return what the report says of it, which is no value of the row; `group` names it further."""
        return GroupEstimate(
            group={**group, "column": ", ".join(self.columns), "change": ", ".join(self.changes)},
            n=1,
            value=None,
            rate="smallest change found",
            reason=f"the model says {self.before}, and so changed {self.after}; the row is in private/",
        )


def smallest(asked: Asked, copy: Copy, told: Told, bad: Mask, breaks: Breaks) -> list[Example]:
    """Return examples of the rows of `bad`, smallest first; none where no row is bad.

    Rows on which the model fails altogether are shown as they are, unless others are bad, too.
    """
    import numpy as np

    places = np.flatnonzero(bad & ~told.failed)[:LOOKED]
    if len(places):
        found = list(_shrunk(asked, copy, places, breaks))
    else:
        places = np.flatnonzero(bad)[:SHOWN]
        taken = _taken_told(told, places)
        found = [
            _example(asked, copy, _Row(int(place), copy.columns, copy.table.slice(int(place), 1)), taken, at)
            for at, place in enumerate(places)
        ]
    return sorted(found, key=lambda one: (len(one.columns), one.size, one.place))[:SHOWN]


def private(asked: Asked, found: Sequence[Example], title: str) -> tuple[PrivateExample, ...]:
    """Return examples with their key, or without one all features, and the changed values."""
    if not found:
        return ()
    names = list(dict.fromkeys(name for one in found for name in one.columns))
    aside = asked.aside if asked.aside.num_columns else asked.rows
    rows: dict[str, tuple[object, ...]] = {
        name: tuple(aside[name][one.place].as_py() for one in found) for name in aside.column_names
    }
    for name in names:
        for place, column in enumerate((name, f"{name} (changed)")):
            rows[column] = tuple(one.row[name][place].as_py() for one in found)
    rows["prediction"] = tuple(one.before for one in found)
    rows["prediction (changed)"] = tuple(one.after for one in found)
    return (PrivateExample(title=title, rows=rows),)


def spoken(facts: ModelFacts, numbers: Sequence[float], decided: float | None) -> str:
    """Say one prediction in words: `0.48 (no)`, `virginica (0.93)`, `1207.4`."""
    if not all(one == one for one in numbers):  # noqa: PLR0124  NaN is not itself
        return "no number, or it fails"
    if decided is None:
        return f"{numbers[0]:.6g}"
    if facts.task == "binary":
        words = {name != facts.positive: name for name in facts.classes}
        name = words.get(decided != 1.0, "positive" if decided == 1.0 else "negative")
        return f"{numbers[0]:.4g} ({name})" if facts.probabilities else name
    place = int(decided)
    name = facts.classes[place] if place < len(facts.classes) else str(place)
    return f"{name} ({numbers[place]:.4g})" if facts.probabilities else name


def _shrunk(asked: Asked, copy: Copy, places: NDArray[np.int64], breaks: Breaks) -> Iterator[Example]:
    """Yield, for each row, the fewest columns that break it, changed as little as breaks it."""
    import numpy as np

    before = asked.rows.take(places)
    after = copy.table.take(places)
    scores = _taken(asked.scores, places)
    chosen, best = _fewest(asked, copy, after, (before, scores), breaks)
    alone = len(copy.graded) <= FEW
    for names in [(name,) for name in copy.graded] if alone else [copy.graded]:
        target, low, share = best, np.zeros(len(places)), np.ones(len(places))
        for _ in range(HALVINGS):
            middle = (low + share) / 2.0
            tried = _way(before, target, middle, names)
            mask = _broken(asked, tried, copy.columns, scores, breaks)
            share, low = np.where(mask, middle, share), np.where(mask, low, middle)
        best = _way(before, target, share, names)
    ((_, told),) = tell(asked.scorer, [_copy(best, copy.columns)], scores)
    for at, place in enumerate(places):
        yield _example(asked, copy, _Row(int(place), chosen[at], best.slice(at, 1)), told, at)


def _fewest(
    asked: Asked, copy: Copy, after: pa.Table, before: tuple[pa.Table, Scores], breaks: Breaks
) -> tuple[list[tuple[str, ...]], pa.Table]:
    """Return the fewest columns that break each row, and the rows with these columns changed."""
    import numpy as np

    rows, scores = before
    chosen = [copy.columns] * rows.num_rows
    if len(copy.columns) == 1:
        return chosen, after
    sizes = range(1, len(copy.columns)) if len(copy.columns) <= FEW else (1,)
    subsets = [subset for size in sizes for subset in combinations(copy.columns, size)]
    copies = (_copy(replaced(rows, {name: after[name] for name in one}), one) for one in subsets)
    for one, told in tell(asked.scorer, copies, scores):
        if not told.seen.all():
            continue
        for at in np.flatnonzero(breaks(scores, told) & ~told.failed):
            if len(one.columns) < len(chosen[at]):
                chosen[at] = one.columns
    columns = {}
    for name in copy.columns:
        use = np.array([name in one for one in chosen])
        columns[name] = _either(use, after[name], rows[name])
    return chosen, replaced(rows, columns)


def _either(use: Mask, one: pa.ChunkedArray, other: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.if_else(pa.array(use), one, other)


def _way(before: pa.Table, target: pa.Table, share: NDArray[np.float64], graded: Sequence[str]) -> pa.Table:
    return replaced(target, {name: between(before[name], target[name], share) for name in graded})


def _broken(asked: Asked, rows: pa.Table, columns: tuple[str, ...], scores: Scores, breaks: Breaks) -> Mask:
    ((_, told),) = tell(asked.scorer, [_copy(rows, columns)], scores)
    return breaks(scores, told) & told.seen & ~told.failed


def _copy(rows: pa.Table, columns: tuple[str, ...]) -> Copy:
    import numpy as np

    return Copy(group={}, columns=columns, table=rows, touched=np.ones(rows.num_rows, dtype=bool))


def _taken(scores: Scores, places: NDArray[np.int64]) -> Scores:
    decided = None if scores.decided is None else scores.decided[places]
    return Scores(numbers=scores.numbers[places], decided=decided)


def _taken_told(told: Told, places: NDArray[np.int64]) -> Told:
    decided = None if told.decided is None else told.decided[places]
    return replace(told, numbers=told.numbers[places], decided=decided)


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the draw, with what was changed in it."""

    place: int
    columns: tuple[str, ...]
    after: pa.Table


def _example(asked: Asked, copy: Copy, of: _Row, told: Told, at: int) -> Example:
    """Put an example together; `at` is where the row stands in `told`."""
    import pyarrow as pa

    place = of.place
    row = pa.concat_tables([asked.rows.slice(place, 1), of.after]).combine_chunks()
    different = tuple(
        name for name in of.columns if touched(row[name].slice(0, 1), row[name].slice(1, 1)).any()
    )
    changes = [_change(asked, row, name, graded=name in copy.graded) for name in different]
    facts = asked.scorer.facts
    own, new = asked.scores.decided, told.decided
    return Example(
        place=place,
        columns=different,
        changes=tuple(words for words, _ in changes),
        size=sum(size for _, size in changes),
        before=spoken(
            facts, asked.scores.numbers[place].tolist(), None if own is None else float(own[place])
        ),
        after=spoken(facts, told.numbers[at].tolist(), None if new is None else float(new[at])),
        row=row,
    )


def _change(asked: Asked, row: pa.Table, name: str, *, graded: bool) -> tuple[str, float]:
    """Say how far a column of one row was changed, in words that hold no value of it."""
    values = row[name].to_pylist()
    if None in values:
        return ("made missing" if values[1] is None else "from missing to a value"), 0.0
    of = spread(asked.rows[name])
    if of is None or not of.deviation > 0.0 or not graded:
        return "another value", 0.0
    numbers, _ = as_numbers(row[name])
    away = (float(numbers[1]) - float(numbers[0])) / of.deviation
    return f"{away:+.2g} sd", abs(away)
