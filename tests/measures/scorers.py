"""Models in the test's own process, that do what a test says, and what a measure is asked with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from mlgate.cells import (
    Answers,
    Columns,
    ColumnType,
    Drawn,
    DrawnRows,
    Loaded,
    ModelFacts,
    ModelFound,
    Profile,
    Scores,
    Task,
)
from mlgate.errors import ModelFault
from mlgate.estimates import Estimate
from mlgate.measures import catalogue
from mlgate.measures.judging import Judging

Function = Callable[[pa.Table], Any]


@dataclass
class InProcess:
    """A scorer of a function over Arrow tables: one number a row, or one a class."""

    function: Function
    facts: ModelFacts
    calls: list[int] = field(default_factory=list)
    """Rows of each call."""

    def score(self, rows: pa.Table) -> Scores:
        """Score rows as the gate's own scorer does."""
        self.calls.append(rows.num_rows)
        numbers = np.asarray(self.function(rows.select(list(self.facts.features))), dtype=float)
        if len(numbers) != rows.num_rows:
            raise ModelFault("answer", f"{len(numbers)} numbers for {rows.num_rows} rows")
        numbers = numbers.reshape(rows.num_rows, -1)
        decided = None
        if self.facts.task == "binary":
            decided = (numbers[:, 0] >= self.facts.threshold).astype(float)
        elif self.facts.task == "multiclass":
            decided = numbers.argmax(axis=1).astype(float)
        if decided is not None:
            decided[~np.isfinite(numbers).all(axis=1)] = np.nan
        return Scores(numbers=numbers, decided=decided)

    def afresh(self) -> InProcess:
        """Return the same model once more."""
        return InProcess(self.function, self.facts)


def type_of(kind: pa.DataType) -> ColumnType:
    """Return the gate's name of an Arrow type."""
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind):
        return "number"
    return "string" if pa.types.is_string(kind) else "timestamp" if pa.types.is_timestamp(kind) else "date"


def model(
    function: Function, rows: pa.Table, task: Task = "binary", features: tuple[str, ...] = (), **facts: Any
) -> InProcess:
    """Return a model of a function that takes all columns of the rows, or some."""
    names = features or tuple(rows.column_names)
    types = {name: type_of(rows.schema.field(name).type) for name in names}
    classes = {"binary": ("no", "yes"), "multiclass": ("a", "b", "c")}.get(task, ())
    given: dict[str, Any] = {
        "format": "python",
        "location": "here",
        "task": task,
        "threshold": 0.5,
        "features": names,
        "types": types,
        "classes": classes,
        "positive": "yes" if task == "binary" else None,
    }
    return InProcess(function, ModelFacts(**{**given, **facts}))


def ask(
    id: str,
    scorer: InProcess | None,
    rows: pa.Table,
    *,
    roles: Mapping[str, Any] | None = None,
    by: tuple[str, ...] = (),
    **params: Any,
) -> Estimate:
    """Ask a measure as the gate does: plan, answers, value; all of the rows are drawn."""
    measure = catalogue()[id]
    defaults = {name: one.default for name, one in measure.params.items()}
    judging = Judging(by=by, min_group=1, judge_unknown=False)
    every = {**defaults, "seed": 0, "judging": judging, **params}
    given = dict(roles or {})
    aside = {given["key"]} if "key" in given else set()
    columns = Columns(
        names=tuple(rows.column_names),
        types={name: type_of(rows.schema.field(name).type) for name in rows.column_names},
        task=scorer.facts.task if scorer else "binary",
        features=tuple(name for name in rows.column_names if name not in aside),
        **given,
    )
    answers: dict[Any, Any] = {}
    for one in measure.plan(every, columns):
        if isinstance(one, Loaded):
            answers[one] = ModelFound(scorer=scorer, reason=None if scorer else "there is no model")
        elif isinstance(one, Drawn):
            answers[one] = DrawnRows(table=rows.select(list(one.columns)).slice(0, one.rows), of=len(rows))
        elif isinstance(one, Profile):
            answers[one] = _profile(rows, one.column)
    return measure.value(Answers(answers), every)


def _profile(rows: pa.Table, name: str) -> Any:
    from mlgate.cells import ColumnProfile

    values = [one for one in rows[name].to_pylist() if one is not None]
    return ColumnProfile(
        rows=len(rows), nulls=rows[name].null_count, minimum=float(min(values)), maximum=float(max(values))
    )


def table(rows: int = 400, seed: int = 0) -> pa.Table:
    """Return rows of a number, an integer and a category."""
    draw = np.random.default_rng(seed)
    return pa.table(
        {
            "id": [f"r{place}" for place in range(rows)],
            "x": draw.random(rows),
            "k": draw.integers(0, 100, rows),
            "c": draw.choice(list("abc"), rows).tolist(),
        }
    )


def plain(column: pa.ChunkedArray) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return a column of numbers, NaN for missing."""
    return np.asarray(column.to_numpy(), dtype=float)
