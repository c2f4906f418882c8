"""Asking a model about changed rows: what it says of each, on which it fails, and whether it has moved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mlgate.cells import Answers, Columns, Drawn, DrawnRows, Loaded, ModelFound, Scorer, Scores
from mlgate.errors import ModelFault
from mlgate.measures.named import EMPTY

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

DRAWN = 2_000
"""Rows that a measure asks the model about unless the policy says otherwise."""

AT_ONCE = 2_000_000
"""Values, rows times features, that the model is given in one call."""

SINGLY = 100
"""Of a copy on which the model raises, so many rows are asked about one by one."""

HUNTED = 5
"""Where fewer of those fail, the failing rows of the whole copy are looked for."""

CALLS = 300
"""Calls that the search may take."""

DEATHS = 3
"""After so many deaths (or hangs) of the model no further copy is asked about."""

NOT_ASKED = "not asked"
"""How the reason begins why nothing is known of a copy."""

SLACK = 1e-6
"""How far a probability may lie outside [0, 1], and a sum of them from 1: float32 rounds to about this."""

DEVIATIONS = 0.1
"""Without a tolerance, a number has moved when it moves by this many standard deviations of all of them."""

NORMAL_HALF = 1.349
"""Standard deviations of a normal that its middle half spans."""


def asked_rows(columns: Columns, rows: int, seed: int) -> Drawn:
    """Ask for rows of all features, with the key where the release names one."""
    aside = () if columns.key is None or columns.key in columns.features else (columns.key,)
    return Drawn((*columns.features, *aside), rows, seed)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A model with rows, and what it says of them as they are."""

    scorer: Scorer
    rows: pa.Table
    """The features in the model's order."""
    aside: pa.Table
    """Further columns of the same rows, the key; without columns where there is none."""
    of: int
    """Rows of the table."""
    scores: Scores


def ask(cells: Answers) -> Asked | str:
    """Ask the model about the drawn rows, or say why that cannot be.

    Raises ModelFault when the model fails on rows of the data itself.
    """
    import numpy as np

    found = loaded(cells)
    if isinstance(found, str):
        return found
    scorer, drawn = found
    if not drawn.table.num_rows:
        return EMPTY
    rows, aside = parted(scorer, drawn)
    scores = scorer.score(rows)
    lost = int((~np.isfinite(scores.numbers).all(axis=1)).sum())
    if lost:
        return (
            f"of {lost} of {len(scores)} rows as they are the model says no finite number, so that no change "
            "can be told; see robustness/prediction-sanity"
        )
    return Asked(scorer=scorer, rows=rows, aside=aside, of=drawn.of, scores=scores)


def loaded(cells: Answers) -> tuple[Scorer, DrawnRows] | str:
    """Return the loaded model and the drawn rows, or say why there is none."""
    model = cells.get(Loaded(), ModelFound)
    if model.scorer is None:
        return model.reason or "there is no model"
    (drawn,) = (one for one in cells.of if isinstance(one, Drawn))
    return model.scorer, cells.get(drawn, DrawnRows)


def parted(scorer: Scorer, drawn: DrawnRows) -> tuple[pa.Table, pa.Table]:
    """Return the columns that the model takes, in its order, and the others."""
    features = list(scorer.facts.features)
    aside = [name for name in drawn.table.column_names if name not in features]
    return drawn.table.select(features).combine_chunks(), drawn.table.select(aside).combine_chunks()


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """Rows of which some values were changed."""

    group: Mapping[str, str]
    """How a table names it: `{"column": "age"}`."""
    columns: tuple[str, ...]
    """Those that were changed."""
    table: pa.Table
    touched: Mask
    """Which rows are really another. Shape (rows,)."""
    graded: tuple[str, ...] = ()
    """Of `columns`, those whose change has a size: half of it would be a change, too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What the model says of a copy; arrays have one entry a row."""

    numbers: Floats
    """Shape (rows, k); NaN where it failed, or where it was not asked."""
    decided: Floats | None
    failed: Mask
    """It raised, died, or said what is no prediction."""
    seen: Mask
    """Which rows it was asked about."""
    fault: str | None = None
    """What it said when it failed."""
    died: bool = False
    """Its process has ended."""


def tell(scorer: Scorer, copies: Iterable[Copy], before: Scores) -> Iterator[tuple[Copy, Told]]:
    """Yield each copy with what the model says of it, in order, in few calls.

    A model that raises on some rows is asked about them again until they are known; see `_after_raising`. On
    a copy on which it dies, hangs or eats its memory every row counts as failed; after the third such copy no
    further one is asked about: `seen` is then nowhere true, and `fault` says why.
    """
    deaths = 0
    for batch in _batches(copies):
        if deaths < DEATHS:
            try:
                found = list(_whole(scorer, batch))
            except ModelFault:
                found = []
            yield from zip(batch, found, strict=False)
            if found:
                continue
        for one in batch:
            told = _alone(scorer, one, before) if deaths < DEATHS else _unasked(one, before)
            deaths += told.died
            yield one, told


def moved(before: Scores, told: Told, tolerance: float | None) -> Mask:
    """Return which rows the model says something else of; a failure is something else. Shape (rows,).

    Where it decides and there is no tolerance: another decision. Else a number that moves by more than the
    tolerance: a probability of any class; of regression and scores, in `deviation`s of what the model says of
    the unchanged rows, by default a tenth of one.
    """
    import numpy as np

    if tolerance is None and before.decided is not None and told.decided is not None:
        return np.asarray((before.decided != told.decided) | told.failed)
    unit = 1.0 if before.decided is not None else deviation(before.numbers)
    limit = (DEVIATIONS if tolerance is None else tolerance) * unit
    with np.errstate(invalid="ignore"):
        away = np.abs(told.numbers - before.numbers).max(axis=1)
    return np.asarray(~(away <= limit) | told.failed)


def deviation(numbers: Floats) -> float:
    """Return the standard deviation, or that of a normal with the same middle half where that is less.

    A single wild number makes the first as large as it likes, and nothing would count as moved beside it.
    Where the middle half is one number, the first decides.
    """
    import numpy as np

    size = float(np.abs(numbers).max()) or 1.0  # squares of large numbers are none any more
    low, high = np.quantile(numbers / size, (0.25, 0.75))
    spread, middle = float((numbers / size).std()), float(high - low) / NORMAL_HALF
    return size * (min(spread, middle) if middle > 0.0 else spread)


def insane(numbers: Floats, scorer: Scorer) -> Mask:
    """Return which rows of shape (rows, k) hold what is no prediction: not finite, or no probabilities."""
    import numpy as np

    return np.asarray(np.any(list(insanities(numbers, scorer).values()), axis=0))


def insanities(numbers: Floats, scorer: Scorer) -> dict[str, Mask]:
    """Return, for each way to be no prediction, the rows that are none; every row is in one at most."""
    import numpy as np

    lost = np.asarray(~np.isfinite(numbers).all(axis=1))
    found = {"is missing or infinite": lost}
    if scorer.facts.task in ("binary", "multiclass"):
        with np.errstate(invalid="ignore"):
            outside = ((numbers < -SLACK) | (numbers > 1.0 + SLACK)).any(axis=1) & ~lost
            found["is no probability"] = np.asarray(outside)
            if numbers.shape[1] > 1:
                off = np.abs(numbers.sum(axis=1) - 1.0) > SLACK * numbers.shape[1]
                found["does not sum to 1"] = np.asarray(off & ~lost & ~outside)
    return found


def _batches(copies: Iterable[Copy]) -> Iterator[list[Copy]]:
    batch: list[Copy] = []
    values = 0
    for one in copies:
        more = one.table.num_rows * one.table.num_columns
        if batch and values + more > AT_ONCE:
            yield batch
            batch, values = [], 0
        batch.append(one)
        values += more
    if batch:
        yield batch


def _alone(scorer: Scorer, one: Copy, before: Scores) -> Told:
    """Ask about one copy, whatever the model does."""
    try:
        (told,) = _whole(scorer, [one])
    except ModelFault as fault:
        try:
            return _after_raising(scorer, one, before, fault)
        except ModelFault as end:
            return replace(_told(one, before, every=True), fault=said(end), died=True)
    return told


def _whole(scorer: Scorer, batch: Sequence[Copy]) -> Iterator[Told]:
    """Ask about several copies in one call. Raises ModelFault before the first is returned."""
    import numpy as np
    import pyarrow as pa

    scores = scorer.score(pa.concat_tables([one.table for one in batch]).combine_chunks())
    start = 0
    for one in batch:
        part = slice(start, start := start + one.table.num_rows)
        numbers = scores.numbers[part]
        yield Told(
            numbers=numbers,
            decided=None if scores.decided is None else scores.decided[part],
            failed=insane(numbers, scorer),
            seen=np.ones(len(numbers), dtype=bool),
        )


def _goes_on(fault: ModelFault) -> bool:
    """Whether the process of the model is still there, so that rows can be told apart."""
    return fault.kind in ("raised", "answer")


def _unasked(one: Copy, before: Scores) -> Told:
    why = f"{NOT_ASKED}: the model had died on {DEATHS} other changes"
    return replace(_told(one, before, every=False), fault=why)


def _told(one: Copy, before: Scores, *, every: bool) -> Told:
    import numpy as np

    rows, k = one.table.num_rows, before.numbers.shape[1]
    return Told(
        numbers=np.full((rows, k), np.nan),
        decided=None if before.decided is None else np.full(rows, np.nan),
        failed=np.full(rows, every),
        seen=np.full(rows, every),
    )


def said(fault: ModelFault) -> str:
    """Return what the model said when it failed, in one line of a bearable length."""
    text = " ".join(str(fault).split())
    return text if len(text) <= 200 else f"{text[:199]}…"  # noqa: PLR2004  a line or two


def _after_raising(scorer: Scorer, one: Copy, before: Scores, fault: ModelFault) -> Told:
    """Find the rows on which the model raises.

    Rows by chance are asked about one by one. Where several of them fail, they alone are what is seen. Else
    the others are halved until every failing row is known. Should there be too many of them, what is seen are
    the rows by chance, or where none of those fails, all rows, and each part that still fails counts whole.

    Raises ModelFault when its process has ended, or ends on the way.
    """
    import numpy as np

    order = np.random.default_rng(0).permutation(one.table.num_rows)
    back = np.argsort(order)
    if not _goes_on(fault):
        raise fault
    search = _Search(scorer, one.table.take(order), before, fault)
    first = min(SINGLY, one.table.num_rows)
    search.singly(first)
    if int(search.failed.sum()) < HUNTED:
        search.halve(first)
    together = not search.failed.any()
    failed = np.ones_like(search.failed) if together else search.failed
    seen = search.seen | together
    text = said(search.fault)
    return Told(
        numbers=search.numbers[back],
        decided=None if search.decided is None else search.decided[back],
        failed=failed[back],
        seen=seen[back],
        fault=f"{text} (asked about these rows together, and about none of them alone)" if together else text,
    )


class _Search:
    """The rows of one copy, as far as the model was asked about them."""

    def __init__(self, scorer: Scorer, table: pa.Table, before: Scores, fault: ModelFault) -> None:
        import numpy as np

        rows, k = table.num_rows, before.numbers.shape[1]
        self.scorer = scorer
        self.table = table
        self.numbers = np.full((rows, k), np.nan)
        self.decided = None if before.decided is None else np.full(rows, np.nan)
        self.failed = np.zeros(rows, dtype=bool)
        self.seen = np.zeros(rows, dtype=bool)
        self.fault = fault

    def singly(self, first: int) -> None:
        """Ask about the first rows one by one."""
        for place in range(first):
            self._ask(place, place + 1)

    def halve(self, first: int) -> None:
        """Look for the failing rows behind the first ones."""
        pieces = [(first, len(self.seen))]
        for _ in range(CALLS):
            if not pieces:
                break
            start, stop = pieces.pop(0)
            if not self._ask(start, stop) and stop - start > 1:
                middle = (start + stop) // 2
                pieces += [(start, middle), (middle, stop)]
        if not pieces:
            return
        if self.failed[:first].any():
            self.seen[first:] = self.failed[first:] = False
            return
        for start, stop in pieces:
            self.seen[start:stop] = self.failed[start:stop] = True

    def _ask(self, start: int, stop: int) -> bool:
        """Ask about some rows; False when the model raises on them. Raises ModelFault when it has ended."""
        if start == stop:
            return True
        try:
            scores = self.scorer.score(self.table.slice(start, stop - start))
        except ModelFault as fault:
            if not _goes_on(fault):
                raise
            self.fault = fault
            if stop - start == 1:
                self.seen[start] = self.failed[start] = True
            return False
        self.numbers[start:stop] = scores.numbers
        if self.decided is not None and scores.decided is not None:
            self.decided[start:stop] = scores.decided
        self.failed[start:stop] = insane(scores.numbers, self.scorer)
        self.seen[start:stop] = True
        return True
