"""The words in which a policy declares how a model has to behave: changes of a row, and what is expected.

Invariance, direction and minimum functionality are the three tests of CheckList (Ribeiro, Wu, Guestrin and
Singh 2020, Beyond Accuracy: Behavioral Testing of NLP Models with CheckList), here for rows of tables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, TypeAlias

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from mlgate import strict_yaml
from mlgate.cells import Columns
from mlgate.errors import ContentError, PolicyError
from mlgate.measures.named import present
from mlgate.measures.perturbing import (
    constant,
    exchanged,
    is_number,
    missing,
    noise,
    shifted,
    swapped,
    touched,
)
from mlgate.strict_yaml import Wrong, show

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

Number: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]
Positive: TypeAlias = Annotated[Number, Field(gt=0)]
Scalar: TypeAlias = str | bool | int | Number

STEP = re.compile(r"([+-])(\d+(?:\.\d+)?)(%?)")
"""`+100`, `-0.5`, `+10%`."""

_SAY = 'write swap, missing, "+10%" or "-100" in quotes, [two, values, …], {noise: 0.1} or {to: value}'


def _word(text: str) -> str:
    if text in ("swap", "missing") or STEP.fullmatch(text):
        return text
    raise Wrong(f"{show(text)} is no change of a column", _SAY)


def _different(values: tuple[Scalar, ...]) -> tuple[Scalar, ...]:
    for place, one in enumerate(values):
        if one in values[:place]:
            raise Wrong(f"{show(one)} is here twice", "keep one of the two", at=(place,))
    return values


class ChangeEntry(strict_yaml.Model):
    """A change with a number or a value."""

    called: ClassVar[str] = "a change"

    noise: Positive | None = None
    """Normal noise of so many standard deviations of the column."""
    to: Scalar | None = None
    """The value that every row gets."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.noise is None) is (self.to is None):
            raise Wrong("a change is noise or to, one of the two", _SAY)
        return self


def _form(value: Any) -> str:
    if isinstance(value, dict | ChangeEntry):
        return "mapping"
    return "list" if isinstance(value, list | tuple) else "text"


ChangeTerm: TypeAlias = Annotated[
    Annotated[str, AfterValidator(_word), Tag("text")]
    | Annotated[tuple[Scalar, ...], Field(min_length=2), AfterValidator(_different), Tag("list")]
    | Annotated[ChangeEntry, Tag("mapping")],
    Discriminator(_form),
]
"""How one column is changed."""

ChangeTerms: TypeAlias = Annotated[dict[str, ChangeTerm], Field(min_length=1)]


class DirectionTest(strict_yaml.Model):
    """A change of a row, and where the prediction has to go."""

    called: ClassVar[str] = "a direction test"

    change: ChangeTerms
    """Column to change; several are changed together."""
    expect: Literal["up", "down"]
    """up: the number must not fall; down: it must not rise."""
    tolerance: Annotated[Number, Field(ge=0)] = 0.0
    """By so much, in the unit of what the model says, it may go the other way."""
    of: str | None = None
    """Several classes: the class whose probability is looked at."""
    name: str | None = None
    """What the report calls it."""


class Expectation(strict_yaml.Model):
    """Where a number has to lie."""

    called: ClassVar[str] = "an expectation"

    at_least: Number | None = None
    at_most: Number | None = None
    between: tuple[Number, Number] | None = None
    of: str | None = None
    """Several classes: the class whose probability is looked at."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if (self.between is None) is (self.at_least is None and self.at_most is None):
            raise Wrong("an expectation is at_least, at_most or between", "write one, {at_least: 0.7}")
        if self.between is not None and self.between[0] > self.between[1]:
            raise Wrong(f"between {show(list(self.between))} has its ends the wrong way round", "swap them")
        return self

    def holds(self, value: float) -> bool:
        """Whether a number lies where it has to; NaN lies nowhere."""
        low, high = self.between or (self.at_least, self.at_most)
        return (low is None or value >= low) and (high is None or value <= high) and value == value  # noqa: PLR0124


def _expected(value: Any) -> str:
    return "mapping" if isinstance(value, dict | Expectation) else "text"


class FunctionalityCase(strict_yaml.Model):
    """A row, and what a model that can do the least says of it."""

    called: ClassVar[str] = "a case of minimum functionality"

    row: Annotated[dict[str, Scalar | None], Field(min_length=1)]
    """Every feature with its value; null for a missing one."""
    expect: Annotated[
        Annotated[str, Tag("text")] | Annotated[Expectation, Tag("mapping")], Discriminator(_expected)
    ]
    """The decision (positive, negative or a class), or where the number has to lie."""
    name: str | None = None
    """What the report calls it."""


def _as_written(value: Any) -> Any:
    """Return checked terms as plain data, which is what parameters are in policies and reports."""
    if isinstance(value, strict_yaml.Model):
        return _as_written({name: getattr(value, name) for name in sorted(value.model_fields_set)})
    if isinstance(value, Mapping):
        return {name: _as_written(one) for name, one in value.items()}
    return [_as_written(one) for one in value] if isinstance(value, tuple | list) else value


Changes: TypeAlias = Annotated[ChangeTerms, AfterValidator(_as_written)]
"""A parameter that says how columns are changed; checked, and kept as it is written."""

_DirectionTests: TypeAlias = Annotated[tuple[DirectionTest, ...], Field(min_length=1)]
DirectionTests: TypeAlias = Annotated[_DirectionTests, AfterValidator(_as_written)]
"""A parameter that holds direction tests."""

_FunctionalityCases: TypeAlias = Annotated[tuple[FunctionalityCase, ...], Field(min_length=1)]
FunctionalityCases: TypeAlias = Annotated[_FunctionalityCases, AfterValidator(_as_written)]
"""A parameter that holds cases of minimum functionality."""


def changes_of(written: Any) -> Mapping[str, Any]:
    """Return the typed terms of a parameter of `Changes`."""
    return dict(_typed(ChangeTerms, written, "change"))


def directions_of(written: Any) -> tuple[DirectionTest, ...]:
    """Return the typed tests of a parameter of `DirectionTests`."""
    return tuple(_typed(_DirectionTests, written, "tests"))


def cases_of(written: Any) -> tuple[FunctionalityCase, ...]:
    """Return the typed cases of a parameter of `FunctionalityCases`."""
    return tuple(_typed(_FunctionalityCases, written, "cases"))


def _typed(annotation: Any, written: Any, name: str) -> Any:
    """Check again what was kept as it was written; PolicyError where it was given past the policy."""
    try:
        return strict_yaml.check(annotation, written, f"params.{name}")
    except ContentError as error:
        raise PolicyError.of(error.problems) from None


def require_fitting(terms: Mapping[str, Any], columns: Columns, where: str) -> None:
    """Raise where a change does not fit its column.

    Raises EvidenceError when the table lacks the column, and PolicyError for a change not for its type.
    """
    present(terms, columns)
    for name, term in terms.items():
        kind = columns.types[name]
        numeric = kind in ("integer", "number")
        of_size = isinstance(term, ChangeEntry) and term.noise is not None
        if of_size and not (numeric or kind in ("date", "timestamp")):
            raise PolicyError(f"{where}.{name}", f"noise is for numbers, and the column is {kind}", _SAY)
        if isinstance(term, str) and STEP.fullmatch(term) and not numeric:
            raise PolicyError(f"{where}.{name}", f"{term} is for numbers, and the column is {kind}", _SAY)
        listed = term if isinstance(term, tuple) else (term.to,) if isinstance(term, ChangeEntry) else ()
        for value in listed:
            if value is not None and not fits(value, kind):
                what = f"{show(value)} is no value of a column of type {kind}"
                raise PolicyError(f"{where}.{name}", what, "write a value as the table has it")


def fits(value: Scalar, kind: str) -> bool:
    """Whether a value that is written in YAML can stand in a column of a type; dates are written as text."""
    match kind:
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "date" | "timestamp":
            return isinstance(value, str) and _moment(value) is not None
        case _:
            return False


def as_stored(value: Any, kind: pa.DataType) -> Any:
    """Return a value as Arrow takes it for a type."""
    import pyarrow.types as known

    if isinstance(value, str) and known.is_date(kind):
        moment = _moment(value)
        return moment.date() if moment else None
    if isinstance(value, str) and known.is_timestamp(kind):
        return _moment(value)
    return float(value) if known.is_floating(kind) and isinstance(value, int) else value


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def rounds(terms: Mapping[str, Any]) -> int:
    """Return how many copies show every exchange of listed values."""
    return max([len(term) - 1 for term in terms.values() if isinstance(term, tuple)], default=1)


def changed(
    rows: pa.Table, terms: Mapping[str, Any], turn: int, draw: np.random.Generator
) -> dict[str, pa.Array]:
    """Return the columns changed as declared, in one of `rounds` turns; one that cannot be is left out."""
    found = {}
    for name, term in terms.items():
        column = _column(rows[name], term, turn, draw)
        if column is not None and touched(rows[name], column).any():
            found[name] = column
    return found


def graded(name: str, term: Any, rows: pa.Table) -> bool:
    """Whether half of a change would be one, too."""
    step = isinstance(term, str) and STEP.fullmatch(term) is not None
    sized = isinstance(term, ChangeEntry) and (term.noise is not None or is_number(rows[name].type))
    return step or sized


def _column(column: pa.ChunkedArray, term: Any, turn: int, draw: np.random.Generator) -> pa.Array | None:
    match term:
        case tuple():
            listed = [as_stored(value, column.type) for value in term]
            return exchanged(column, listed, turn % (len(term) - 1) + 1)
        case ChangeEntry(noise=float() as scale):
            return noise(column, scale, draw)
        case ChangeEntry(to=value):
            return constant(column, as_stored(value, column.type))
        case "swap":
            return swapped(column, draw)
        case "missing":
            return missing(column)
    found = STEP.fullmatch(term)
    if found is None:
        raise AssertionError(f"{term} was checked")
    sign, size, share = found.groups()
    amount = float(f"{sign}{size}") / (100.0 if share else 1.0)
    return shifted(column, amount, relative=bool(share))
