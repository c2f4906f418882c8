"""What a model says against what it is recorded to have said."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgate.cells import (
    Answers,
    Columns,
    Drawn,
    DrawnRows,
    Loaded,
    ModelFacts,
    ModelFound,
    RecordedRoles,
    Scorer,
    Scores,
    Stated,
    Statement,
    Statistic,
)
from mlgate.errors import PolicyError
from mlgate.estimates import Estimate, GroupEstimate, PrivateExample
from mlgate.measures import measure

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

_MEANS_POSITIVE = (
    Stated("data.evaluation.columns.prediction_positive"),
    Stated("columns.prediction_positive"),
    Stated("columns.positive"),
)
_SCORES = (Stated("data.evaluation.columns.score"), Stated("columns.score"))
_EXAMPLES = 20
"""Rows that the private folder shows, those that differ most."""


@measure(
    id="reproducibility.predictions_match",
    kind="fact",
    unit="1",
    better="higher",
    needs=("model",),
    source="share of rows with |recorded - model's| <= tolerance",
)
class PredictionsMatch:
    """Share of rows for which the model gives the prediction that is recorded beside it.

    Numbers match when they differ by at most `tolerance`, which is absolute; of several, as probabilities of
    classes, all have to. Where decisions alone are recorded, they match when they are the same. A row without
    a recorded prediction, or for which the model gives no finite number, does not match. At most `rows` rows
    are compared, drawn at random where the table has more.
    """

    def __init__(self, *, tolerance: float = 1e-6, rows: int = 100_000, seed: int = 0) -> None:
        """Declare the parameters; the values come with each call.

        Args:
            tolerance: Largest difference of two numbers that are the same, in the unit of the prediction.
            rows: How many rows are compared at most.
            seed: Of the draw.
        """

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for rows with what is recorded of them, and for the key."""
        require_positive("reproducibility.predictions_match", params, "tolerance", zero=True)
        names, decisions = _recorded(columns)
        if not names or not columns.features:
            return [Loaded()]
        key = [] if columns.key is None else [columns.key]
        drawn = Drawn(tuple(dict.fromkeys((*names, *key, *columns.features))), params["rows"], params["seed"])
        return [Loaded(), drawn, *(_MEANS_POSITIVE if decisions else _SCORES)]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Compare row by row."""
        model = cells.get(Loaded(), ModelFound)
        if model.scorer is None:
            return Estimate.missing(model.reason or "there is no model")
        asked = next((one for one in cells.of if isinstance(one, Drawn)), None)
        if asked is None:
            what = "no predictions are recorded beside the model; name their columns under `columns:`"
            return Estimate.missing(what)
        found, facts = cells.get(asked, DrawnRows), model.scorer.facts
        if found.table.num_rows == 0:
            return Estimate.missing("the table has no rows")
        if asked.columns[0] in facts.features:
            return Estimate.missing(
                f"the recorded predictions, {asked.columns[0]}, are a feature of the model"
            )
        compared = _compared(found.table, asked.columns, model.scorer, cells)
        if isinstance(compared, str):
            return Estimate.missing(compared)
        same = compared.difference <= params["tolerance"]
        return _matched(found, compared, same)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Compared:
    """What is recorded of n rows against what the model says."""

    difference: NDArray[np.float64]
    """Shape (n,): the largest of a row, infinite where a number is missing; of decisions, infinite or 0."""
    decisions: bool
    said: NDArray[np.float64]
    """Shape (n, k): what the model says."""
    shown: tuple[str, ...]
    """The key and the recorded columns."""


def _compared(table: pa.Table, columns: Sequence[str], model: Scorer, cells: Answers) -> _Compared | str:
    """Compare, or return why that cannot be done."""
    import numpy as np

    facts, scores = model.facts, model.score(table)
    recorded: Sequence[str] = columns[:1]
    if _MEANS_POSITIVE[0] in cells.of:
        same = _same_decisions(table, recorded[0], scores, facts, cells)
        difference = np.where(same, 0.0, np.inf)
    else:
        if facts.task == "multiclass":
            recorded = _by_class(facts.classes, cells)
        if len(recorded) != scores.numbers.shape[1] or not set(recorded) <= set(columns):
            return "the recorded probabilities are not of the classes of the model"
        if not facts.probabilities and facts.task in ("binary", "multiclass"):
            return "probabilities are recorded, and the model gives decisions alone"
        difference = _difference(table, recorded, scores)
    key = [one for one in columns if one not in facts.features and one not in recorded][:1]
    return _Compared(
        difference=difference,
        decisions=_MEANS_POSITIVE[0] in cells.of,
        said=scores.numbers,
        shown=(*key, *recorded),
    )


def _recorded(columns: Columns) -> tuple[list[str], bool]:
    """Return the columns of recorded predictions, and whether they are decisions.

    Where the gate has put the table through the model, they are told apart from what it said.
    """
    said = columns.recorded or RecordedRoles(
        score=columns.score, scores=columns.scores, prediction=columns.prediction
    )
    if said.scores:
        return list(said.scores.values()), False
    if said.score is not None:
        return [said.score], False
    return [] if said.prediction is None else [said.prediction], columns.task in ("binary", "multiclass")


def _by_class(classes: Sequence[str], cells: Answers) -> list[str]:
    """Return the column of the recorded probability of each class; empty where one has none."""
    stated = next((one for one in (cells.get(s, Statement).value for s in _SCORES) if one is not None), None)
    columns = {_token(name): str(one) for name, one in stated.items()} if isinstance(stated, Mapping) else {}
    found = [columns.get(_token(one)) for one in classes]
    return [one for one in found if one is not None] if None not in found else []


def _difference(table: pa.Table, recorded: Sequence[str], scores: Scores) -> NDArray[np.float64]:
    """Return the largest difference of each row, infinite where a number is missing or not finite."""
    import numpy as np

    difference = np.zeros(table.num_rows)
    for place, one in enumerate(recorded):
        gap = np.abs(_numbers(table, one) - scores.numbers[:, place])
        difference = np.maximum(difference, np.where(np.isfinite(gap), gap, np.inf))
    return difference


def _numbers(table: pa.Table, name: str) -> NDArray[np.float64]:
    """Return a column as floats, NaN where it is missing; a text that is no number is an error."""
    import numpy as np
    import pyarrow as pa

    column = table[name].cast(pa.float64())
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=float)


def _same_decisions(
    table: pa.Table, recorded: str, scores: Scores, facts: ModelFacts, cells: Answers
) -> NDArray[np.bool_]:
    """Return for each row whether the model decides as it is recorded; not where either is missing."""
    import numpy as np

    said = [_token(one) for one in table[recorded].to_pylist()]
    decided = np.full(len(said), np.nan) if scores.decided is None else scores.decided
    if facts.task == "binary":
        stated = [cells.get(one, Statement).value for one in _MEANS_POSITIVE]
        positive = _token(next((one for one in stated if one is not None), 1))
        told = np.array([np.nan if one is None else float(one == positive) for one in said])
    else:
        place = {_token(one): float(number) for number, one in enumerate(facts.classes)}
        told = np.array([np.nan if one is None else place.get(one, -1.0) for one in said])
    return np.asarray(told == decided)


def _token(value: object) -> str | None:
    """Return a text that two values share when they are one value however written: 1, 1.0, "1" and true."""
    if value is None:
        return None
    text = str(value)
    if isinstance(value, bool) or text in ("true", "false"):
        return "1.0" if text.lower() == "true" else "0.0"
    try:
        number = float(text)
    except ValueError:
        return text
    return None if math.isnan(number) else repr(number)


def _matched(found: DrawnRows, compared: _Compared, same: NDArray[np.bool_]) -> Estimate:
    """Return the share that matches; the rows that differ most go to the private folder."""
    import numpy as np

    n, matching = len(same), int(same.sum())
    reason = None
    private: tuple[PrivateExample, ...] = ()
    if matching < n:
        told = f", the largest difference is {shown_difference(compared.difference.max())}"
        reason = f"{n - matching} of {n} rows differ{'' if compared.decisions else told}"
        order = np.argsort(-np.where(same, -1.0, compared.difference), kind="stable")
        worst = order[: min(_EXAMPLES, n - matching)]
        rows = {name: tuple(found.table[name].take(worst).to_pylist()) for name in compared.shown}
        for place in range(compared.said.shape[1]):
            rows[f"model's number {place + 1}"] = tuple(compared.said[worst, place].tolist())
        private = (PrivateExample(title="rows whose recorded prediction is another one", rows=rows),)
    line = GroupEstimate(
        group={"rows": f"{n} of {found.of}"},
        n=n,
        value=matching / n,
        rate="same",
        numerator=float(matching),
        denominator=float(n),
        reason=reason,
    )
    return Estimate(value=matching / n, n=n, groups=(line,), private=private)


def shown_difference(largest: float) -> str:
    """Return the largest difference of two numbers as a sentence has it."""
    return f"{largest:.3g}" if math.isfinite(largest) else "infinite, where a number is missing"


def require_positive(measure_id: str, params: Mapping[str, Any], name: str, *, zero: bool = False) -> None:
    """Raise PolicyError unless a parameter is a number above 0, or 0 where that is one."""
    if not (params[name] > 0 or (zero and params[name] == 0)):
        least = "0 or a number above it" if zero else "a number above 0"
        raise PolicyError(f"params of {measure_id}", f"{name} is {params[name]}", f"give {least}")
