"""The values that a policy is written in: numbers, names, groupings, and the forms a pin can have."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, Discriminator, Field, Tag

from mlgate.evidence.roles import Levels
from mlgate.evidence.sources import Condition
from mlgate.strict_yaml import Model, Wrong, show


def _written(text: str) -> str:
    if not text.strip():
        raise Wrong("is blank", "write a sentence")
    return text.strip()


def held(value: bool) -> bool:
    """Refuse `holds: false`."""
    if not value:
        raise Wrong(
            "`holds: false` asks for nothing", "write `holds: true`, or drop the check with `off: reason`"
        )
    return value


def _increasing(edges: tuple[float, ...]) -> tuple[float, ...]:
    for low, high in pairwise(edges):
        if low >= high:
            raise Wrong(
                f"{high:g} after {low:g} does not increase", "write the numbers from low to high, each once"
            )
    return edges


def distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Refuse a list that holds an entry twice."""
    for place, one in enumerate(values):
        if one in values[:place]:
            raise Wrong(f"{show(one)} is here twice", "keep one of the two", at=(place,))
    return values


Number: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]
Name: TypeAlias = Annotated[str, Field(min_length=1)]
Text: TypeAlias = Annotated[str, AfterValidator(_written)]
Identifier: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._/-]*$", max_length=200)]
"""Without brackets, commas and `@`: these build the ids of findings."""
Scalar: TypeAlias = str | bool | int | Number
Risk: TypeAlias = Literal["minimal", "limited", "high"]
Decision: TypeAlias = Literal["point", "guard", "bound"]
OnInconclusive: TypeAlias = Literal["block", "lean", "warn"]
Confidence: TypeAlias = Annotated[Number, Field(gt=0.5, lt=1)]
"""One-sided; at 0.5 the two-sided interval at 2 x confidence - 1 would have no width."""
Share: TypeAlias = Annotated[Number, Field(ge=0, le=1)]
Sha256: TypeAlias = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

Role: TypeAlias = Literal[
    "label",
    "positive",
    "favourable",
    "score",
    "prediction",
    "features",
    "categorical",
    "protected",
    "key",
    "time",
    "weight",
    "cluster",
    "interval",
    "quantiles",
]
"""What `when: {declares: …}` may ask for: a key under `columns:` of the release."""


Edges: TypeAlias = Annotated[tuple[Number, ...], Field(min_length=1), AfterValidator(_increasing)]
Ends: TypeAlias = Annotated[tuple[Number, Number], AfterValidator(_increasing)]
Binned: TypeAlias = Annotated[dict[Name, Edges], Field(min_length=1)]


def form(value: Any) -> str:
    """Tell in which form it was written, so that the error speaks of that form alone."""
    if isinstance(value, (dict, Model)):
        return "mapping"
    return "list" if isinstance(value, (list, tuple)) else "plain"


def _none_or_some(value: Any) -> str:
    return "none" if value == "none" else "some"


Factor: TypeAlias = Annotated[
    Annotated[Name, Tag("plain")] | Annotated[Binned, Tag("mapping")], Discriminator(form)
]
Grouping: TypeAlias = Annotated[
    Annotated[Name, Tag("plain")]
    | Annotated[tuple[Factor, ...], Field(min_length=1), Tag("list")]
    | Annotated[Binned, Tag("mapping")],
    Discriminator(form),
]
"""`sex`; `[sex, race]`; `{age: [18, 30, 50]}`; `[sex, {age: [30]}]`."""

ColumnPin: TypeAlias = Annotated[
    Annotated[Name, Tag("plain")] | Annotated[dict[Name, Name], Tag("mapping")], Discriminator(form)
]
ScalarsPin: TypeAlias = Annotated[
    Annotated[Scalar, Tag("plain")] | Annotated[tuple[Scalar, ...], Field(min_length=1), Tag("list")],
    Discriminator(form),
]
NamesPin: TypeAlias = Annotated[
    Annotated[Literal["none"], Tag("none")] | Annotated[tuple[Name, ...], Field(min_length=1), Tag("some")],
    Discriminator(_none_or_some),
]
EndsPin: TypeAlias = Annotated[
    Annotated[Literal["none"], Tag("none")] | Annotated[tuple[Name, Name], Tag("some")],
    Discriminator(_none_or_some),
]
LevelsPin: TypeAlias = Annotated[
    Annotated[Literal["none"], Tag("none")] | Annotated[Levels, Tag("some")], Discriminator(_none_or_some)
]
WherePin: TypeAlias = Annotated[
    Annotated[Literal["none"], Tag("none")]
    | Annotated[dict[Name, Condition], Field(min_length=1), Tag("some")],
    Discriminator(_none_or_some),
]
