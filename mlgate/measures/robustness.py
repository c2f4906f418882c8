"""Whether a model says the same twice, the same of a row wherever it stands, and what can be a prediction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgate.cells import Answers, Columns, Loaded, Scorer, Scores, Statistic
from mlgate.errors import ModelFault, PolicyError
from mlgate.estimates import Estimate, GroupEstimate, PrivateExample
from mlgate.measures import measure
from mlgate.measures.named import EMPTY
from mlgate.measures.perturbed import DRAWN, asked_rows, insanities, loaded, parted, said

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

NEEDS = ("model", "features")

ROUNDING = 1e-9
"""How far, relative to the larger of the number and 1, sums may differ that are added in another order.

The numbers of a row are summed up in blocks, and where the blocks begin depends on where the row stands: far
below what a decision rests on, and far above the 1e-16 of one addition, for models of many additions."""

ALONE = 100
"""Rows that are asked about one by one."""

SHOWN = 20
"""Rows of a private example."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Way:
    """Another way to ask the same, and what came out."""

    name: str
    different: Mask
    """Shape (rows,)."""
    largest: float
    """Difference of two numbers of a row."""
    again: Scores


def _rows(params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
    """Ask for the model and rows; PolicyError for a parameter out of range."""
    for key, least in (("rows", 1), ("tolerance", 0)):
        if key in params and params[key] < least:
            raise PolicyError(f"params.{key}", f"is {params[key]:g}", f"write {least} or more")
    return [Loaded(), asked_rows(columns, params["rows"], params["seed"])]


def _drawn(cells: Answers) -> tuple[Scorer, pa.Table, pa.Table] | str:
    """Return the model, the rows it takes, and what else is drawn of them; or why there is nothing to ask."""
    found = loaded(cells)
    if isinstance(found, str):
        return found
    scorer, drawn = found
    return (scorer, *parted(scorer, drawn)) if drawn.table.num_rows else EMPTY


@measure(
    id="robustness.determinism",
    kind="fact",
    unit="1",
    better="lower",
    needs=NEEDS,
    source="numpy, equality of what a model says of the same rows again",
)
class Determinism:
    """Share of rows of which the model says something else when it is asked again.

    It is asked about the same rows again in the same process, in another process, newly started, and in
    another order of the rows. Numbers have to be equal, or differ by at most `tolerance`; in another order
    they may also differ by rounding, 1e-9 relative to the larger of the number and 1, because sums are then
    added in other blocks. The same missing number counts as equal. A model that fails when asked again counts
    with all rows.
    """

    def __init__(self, *, rows: int = DRAWN, tolerance: float = 0.0, seed: int = 0) -> None:
        """Declare the parameters; the gate gives the seed."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the model and rows."""
        return _rows(params, columns)

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the share of rows with another answer in any of the ways."""
        import numpy as np

        found = _drawn(cells)
        if isinstance(found, str):
            return Estimate.missing(found)
        scorer, rows, aside = found
        first = scorer.score(rows)
        tolerance = params["tolerance"]
        order = np.random.default_rng(params["seed"]).permutation(rows.num_rows)
        ways: list[_Way | GroupEstimate] = [
            _way("the same process", first, lambda: scorer.score(rows), tolerance),
            _way("another process", first, lambda: scorer.afresh().score(rows), tolerance),
            _way(
                "another order",
                first,
                lambda: _back(scorer.score(rows.take(order)), order),
                tolerance,
                rounding=ROUNDING,
            ),
        ]
        return _of_ways(ways, first, (rows, aside), "Rows that were answered in two ways")


@measure(
    id="leakage.batch_dependence",
    kind="fact",
    unit="1",
    better="lower",
    needs=NEEDS,
    source="numpy, equality of what a model says of a row alone and among others",
)
class BatchDependence:
    """Share of rows of which the model says something else alone than among other rows.

    Up to `rows` rows are asked about together, each alone, and together in another order. A number may differ
    by `tolerance` (1e-9), relative to the larger of the number and 1: sums of many terms are added in other
    blocks when other rows stand beside, which is no dependence. A model that fails on a row alone, and not
    among others, counts with that row.
    """

    def __init__(self, *, rows: int = ALONE, tolerance: float = ROUNDING, seed: int = 0) -> None:
        """Declare the parameters; the gate gives the seed."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the model and rows."""
        return _rows(params, columns)

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the share of rows with another answer in either way."""
        import numpy as np

        found = _drawn(cells)
        if isinstance(found, str):
            return Estimate.missing(found)
        scorer, rows, aside = found
        if rows.num_rows < 2:  # noqa: PLR2004  a batch has two
            return Estimate.missing("the table has one row, which is no batch", n=rows.num_rows)
        together = scorer.score(rows)
        order = np.random.default_rng(params["seed"]).permutation(rows.num_rows)
        tolerance = params["tolerance"]
        ways = [
            _way("alone", together, lambda: _one_by_one(scorer, rows, together), 0.0, rounding=tolerance),
            _way(
                "another order",
                together,
                lambda: _back(scorer.score(rows.take(order)), order),
                0.0,
                rounding=tolerance,
            ),
        ]
        return _of_ways(ways, together, (rows, aside), "Rows of which the model says something else")


def _way(
    name: str, first: Scores, ask: Callable[[], Scores], tolerance: float, *, rounding: float = 0.0
) -> _Way | GroupEstimate:
    """Ask in another way and compare; a line of the table where the model fails."""
    import numpy as np

    try:
        again = ask()
    except ModelFault as fault:
        rows = len(first)
        return GroupEstimate(
            group={"asked": name}, n=rows, value=1.0, numerator=rows, denominator=rows, reason=said(fault)
        )
    with np.errstate(invalid="ignore"):
        apart = np.abs(first.numbers - again.numbers)
        size = np.maximum(np.maximum(np.abs(first.numbers), np.abs(again.numbers)), 1.0)
        same = (first.numbers == again.numbers) | (np.isnan(first.numbers) & np.isnan(again.numbers))
        # An infinite number is near to none, though it is within any share of itself.
        near = same | (np.isfinite(apart) & (apart <= np.maximum(tolerance, rounding * size)))
    finite = apart[np.isfinite(apart)]
    largest = float(finite.max()) if len(finite) else 0.0
    return _Way(name=name, different=np.asarray(~near.all(axis=1)), largest=largest, again=again)


def _of_ways(
    ways: Sequence[_Way | GroupEstimate], first: Scores, rows: tuple[pa.Table, pa.Table], title: str
) -> Estimate:
    import numpy as np

    n = len(first)
    different = np.any(
        [one.different for one in ways if isinstance(one, _Way)] or [np.zeros(n, bool)], axis=0
    )
    broken = any(isinstance(one, GroupEstimate) for one in ways)
    lines = tuple(line for one in ways for line in _lines(one, n))
    return Estimate(
        value=1.0 if broken else float(different.mean()),
        n=n,
        groups=lines,
        private=_private([one for one in ways if isinstance(one, _Way)], different, first, rows, title),
    )


def _lines(way: _Way | GroupEstimate, n: int) -> Iterator[GroupEstimate]:
    if isinstance(way, GroupEstimate):
        yield way
        return
    k = int(way.different.sum())
    yield GroupEstimate(group={"asked": way.name}, n=n, value=k / n, numerator=k, denominator=n)
    if way.largest:
        yield GroupEstimate(group={"asked": way.name}, n=n, value=way.largest, rate="largest difference")


def _private(
    ways: Sequence[_Way],
    different: Mask,
    first: Scores,
    rows: tuple[pa.Table, pa.Table],
    title: str,
) -> tuple[PrivateExample, ...]:
    """Return the first rows that differ, by their key or else by their features, with what the model said."""
    import numpy as np

    places = np.flatnonzero(different)[:SHOWN]
    if not len(places):
        return ()
    features, aside = rows
    named = (aside if aside.num_columns else features).take(places)
    shown: dict[str, tuple[object, ...]] = {
        name: tuple(named[name].to_pylist()) for name in named.column_names
    }
    for name, scores in (("prediction", first), *((f"prediction, {one.name}", one.again) for one in ways)):
        for place in range(scores.numbers.shape[1]):
            label = name if scores.numbers.shape[1] == 1 else f"{name} {place}"
            shown[label] = tuple(scores.numbers[places, place].tolist())
    return (PrivateExample(title=title, rows=shown),)


def _back(scores: Scores, order: NDArray[np.int64]) -> Scores:
    """Put scores of rows that were asked in another order in the first one."""
    import numpy as np

    back = np.argsort(order)
    decided = None if scores.decided is None else scores.decided[back]
    return Scores(numbers=scores.numbers[back], decided=decided)


def _one_by_one(scorer: Scorer, rows: pa.Table, like: Scores) -> Scores:
    """Ask about each row alone; one on which the model raises has infinite numbers, which equal none.

    Raises ModelFault when it dies or hangs.
    """
    import numpy as np

    numbers = np.empty_like(like.numbers)
    for place in range(rows.num_rows):
        try:
            numbers[place] = scorer.score(rows.slice(place, 1)).numbers[0]
        except ModelFault as fault:
            if fault.kind not in ("raised", "answer"):
                raise
            numbers[place] = np.where(like.numbers[place] == np.inf, -np.inf, np.inf)
    return Scores(numbers=numbers, decided=None)


@measure(
    id="robustness.prediction_sanity",
    kind="fact",
    unit="1",
    better="lower",
    needs=NEEDS,
    source="numpy, isfinite and comparisons; the definition of a probability",
)
class PredictionSanity:
    """Share of rows of which the model says what can be no prediction.

    A number that is missing or infinite; a probability below 0 or above 1, or probabilities of all classes
    that do not sum to 1, each by more than 1e-6; and, with `collapse`, all rows where the model says the same
    of each of them although the rows differ: with `distinct: 5`, also where it says fewer than five
    different things. A model that gives an answer of another shape than it was asked for, or fails, counts
    with all rows.
    """

    def __init__(
        self, *, rows: int = 10_000, collapse: bool = True, distinct: int = 2, seed: int = 0
    ) -> None:
        """Declare the parameters; the gate gives the seed."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the model and rows."""
        if params["distinct"] < 2:  # noqa: PLR2004  one value is the collapse
            raise PolicyError("params.distinct", f"is {params['distinct']}", "write 2 or more")
        return _rows(params, columns)

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the share of rows without a sane prediction."""
        import numpy as np

        found = _drawn(cells)
        if isinstance(found, str):
            return Estimate.missing(found)
        scorer, rows, aside = found
        n = rows.num_rows
        try:
            scores = scorer.score(rows)
        except ModelFault as fault:
            line = GroupEstimate(
                group={"fault": "fails" if fault.kind != "answer" else "answers with another shape"},
                n=n,
                value=1.0,
                reason=said(fault),
            )
            return Estimate(value=1.0, n=n, groups=(line,))
        kinds = insanities(scores.numbers, scorer)
        if params["collapse"]:
            kinds["says the same of all rows"] = _collapsed(rows, scores, params["distinct"])
        bad = np.any(list(kinds.values()), axis=0)
        lines = tuple(
            GroupEstimate(
                group={"fault": name},
                n=n,
                value=float(mask.mean()),
                numerator=int(mask.sum()),
                denominator=n,
            )
            for name, mask in kinds.items()
        )
        private = _private((), bad, scores, (rows, aside), "Rows without a sane prediction")
        return Estimate(value=float(bad.mean()), n=n, groups=lines, private=private)


def _collapsed(rows: pa.Table, scores: Scores, distinct: int) -> Mask:
    """Say of all rows that the model says too few different things of them, where they differ themselves."""
    import numpy as np

    different = rows.group_by(rows.column_names).aggregate([]).num_rows if rows.num_columns else 1
    said_of = len(np.unique(scores.numbers, axis=0))
    return np.full(len(scores), said_of < min(distinct, different))
