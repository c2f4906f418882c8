"""What is asked of any endpoint: columns as JSON, and what of its answers is accepted as numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from mlgate.cells import Task
from mlgate.errors import ModelFault

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from mlgate.scoring.raw import Described, Outputs

Class: TypeAlias = str | int | float | bool
Json: TypeAlias = Literal["number", "integer", "boolean", "string"]
"""The sorts of what JSON holds of a column."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What the release says of an endpoint, which tells little of itself."""

    task: Task
    classes: tuple[Class, ...] = ()
    """The classes of the task, in the order in which the endpoint gives their probabilities; empty where
    nobody says them, and it can then only give one number a row."""
    positive: Class | None = None
    """binary: the class of which it gives the probability, where it gives one number a row."""
    outputs: Literal["probabilities", "decisions"] | None = None
    """What it gives; None: what its protocol tells, else probabilities."""
    output: str | None = None
    """Which of its outputs, where it has several that would do."""

    @property
    def classifies(self) -> bool:
        """Whether the answers are about classes."""
        return self.task in ("binary", "multiclass")

    @property
    def sort(self) -> Outputs:
        """What the endpoint gives, as far as the release tells."""
        return (self.outputs or "probabilities") if self.classifies else "values"


class Speaker(Protocol):
    """One protocol, spoken with one endpoint."""

    def describe(self) -> Described:
        """Ask the endpoint what it is."""
        ...

    def ask(self, rows: pa.Table) -> NDArray[np.float64]:
        """Return shape (n, k), as `Raw.predict`."""
        ...


# Columns as JSON --------------------------------------------------------------------------------------------


def sort_of(column: pa.ChunkedArray) -> Json:
    """Return as what JSON a column goes: whole numbers with gaps as numbers, dates and times as text."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "number" if column.null_count else "integer"
    return "number" if pa.types.is_floating(kind) or pa.types.is_decimal(kind) else "string"


def values_of(name: str, column: pa.ChunkedArray) -> list[Any]:
    """Return a column as JSON has it; what is missing, and NaN, is null.

    Raises ModelFault when it holds an infinity, which JSON cannot say.
    """
    import pyarrow as pa

    kind = column.type
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return [None if one is None else one.isoformat() for one in column.to_pylist()]
    values: list[Any] = column.to_pylist()
    if not (pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return values
    found = [None if one is None or math.isnan(one) else float(one) for one in values]
    if any(one is not None and math.isinf(one) for one in found):
        raise ModelFault("raised", f"the feature {name!r} holds an infinity, which JSON cannot carry")
    return found


def records_of(rows: pa.Table) -> list[list[Any]]:
    """Return rows as lists of values."""
    columns = [values_of(name, rows.column(name)) for name in rows.column_names]
    return [list(row) for row in zip(*columns, strict=True)]


# Answers as numbers -----------------------------------------------------------------------------------------


def read(answers: Any, rows: int, asked: Asked, outputs: Outputs) -> NDArray[np.float64]:
    """Return what an endpoint says of its rows as shape (rows, k).

    Probabilities: a column for each class; one number a row is that of the positive class. Decisions: the
    place of the class. A null is NaN.

    Raises ModelFault when it is anything else.
    """
    import numpy as np

    if not isinstance(answers, list):
        raise ModelFault("answer", "it answers with no list where one number a row is due")
    if len(answers) != rows:
        raise ModelFault("answer", f"it was given {rows} rows and answers for {len(answers)}")
    if all(isinstance(one, list) and len(one) == 1 for one in answers):
        answers = [one[0] for one in answers]
    if outputs == "decisions":
        return _places(answers, asked.classes)
    flat = not any(isinstance(one, list) for one in answers)
    if outputs == "probabilities" and flat and any(isinstance(one, str | bool) for one in answers):
        raise ModelFault(
            "answer", "it answers with classes, not with probabilities; say `outputs: decisions`"
        )
    if flat:
        numbers = np.array([[_number(one)] for one in answers])
        return numbers if outputs == "values" else _both(numbers, asked)
    due = len(asked.classes) if outputs == "probabilities" else 1
    if due == 0:
        what = "it answers with several numbers a row, and nobody says of which classes"
        raise ModelFault("answer", f"{what}; state `classes` in their order")
    if any(not isinstance(one, list) or len(one) != due for one in answers):
        raise ModelFault("answer", f"it does not answer with {due} number{'s' * (due > 1)} for every row")
    return np.array([[_number(one) for one in row] for row in answers])


def _both(numbers: NDArray[np.float64], asked: Asked) -> NDArray[np.float64]:
    """Return the probabilities of both classes from that of the positive one, where both are known."""
    import numpy as np

    if asked.task != "binary":
        due = len(asked.classes) or "each"
        raise ModelFault(
            "answer", f"it answers with one number a row, not with one for each of {due} classes"
        )
    if not asked.classes:
        return numbers
    known = [comparable(one) for one in asked.classes]
    first = asked.positive is not None and known.index(comparable(asked.positive)) == 0
    return np.hstack([numbers, 1.0 - numbers] if first else [1.0 - numbers, numbers])


def _places(answers: list[Any], classes: tuple[Class, ...]) -> NDArray[np.float64]:
    import numpy as np

    known = {comparable(one): float(place) for place, one in enumerate(classes)}
    found = []
    for one in answers:
        place = None if isinstance(one, list | dict) else known.get(comparable(one))
        if place is None:
            raise ModelFault("answer", f"it answers with {str(one)[:60]!r}, which is none of the classes")
        found.append([place])
    return np.array(found)


def _number(value: Any) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        sort = "a list in a list" if isinstance(value, list) else type(value).__name__
        raise ModelFault("answer", f"it answers with {sort} where a number is due")
    try:
        return float(value)
    except OverflowError:
        raise ModelFault("answer", "it answers with a number too large for a float") from None


def comparable(value: Any) -> Any:
    """Return what is equal for values that mean the same class: 1, 1.0, "1" and true."""
    text = str(value)
    if text.lower() in ("true", "false"):
        return float(text.lower() == "true")
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text
