"""What a model is to the gate before anybody knows what its numbers mean: rows in, floats out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from mlgate.cells import Explainer, Isolation, ProcessCost
from mlgate.errors import ModelFault

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

Outputs: TypeAlias = Literal["probabilities", "decisions", "values"]

MOST_CLASSES = 1000
MOST_FEATURES = 100_000
MOST_NAME = 500
"""Characters of the name of a feature or of a class."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Described:
    """What a model says of itself. All of it is the model's own word.

    Raises ModelFault when that is too much, or is no text that a report could hold.
    """

    features: tuple[str, ...] | None = None
    """In its order; None when it does not say."""
    width: int | None = None
    """How many features, where it says only that."""
    types: Mapping[str, str] | None = None
    """number, string, ... of its features, as far as it says."""
    classes: tuple[str | int | float | bool, ...] | None = None
    outputs: Outputs = "values"
    library: str = ""
    kind: str = ""

    def __post_init__(self) -> None:
        """Refuse names that no file can hold, and more of anything than a report could show."""
        classes, features = self.classes or (), self.features or ()
        if len(classes) > MOST_CLASSES:
            raise ModelFault("answer", f"it names {len(classes)} classes, more than {MOST_CLASSES}")
        if max(len(features), self.width or 0) > MOST_FEATURES:
            raise ModelFault("answer", f"it names more than {MOST_FEATURES} features")
        if not all(map(_is_name, (*features, *map(str, classes)))):
            what = f"it gives a feature or class a name of over {MOST_NAME} characters, or of what is no text"
            raise ModelFault("answer", what)
        for what, names in (("feature", features), ("class", [str(one) for one in classes])):
            if len(set(names)) < len(names):
                raise ModelFault("answer", f"it names a {what} twice")


def _is_name(text: str) -> bool:
    """Whether UTF-8 and a table can hold it; half of a surrogate pair, which JSON can, is no text."""
    return (
        len(text) <= MOST_NAME and "\0" not in text and not any("\ud800" <= one <= "\udfff" for one in text)
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class RawAttributions:
    """Attributions as the child computed them; see `Attributions`."""

    values: NDArray[np.float64]
    base: NDArray[np.float64]
    explained: NDArray[np.float64]
    method: str
    space: str


class Raw(Protocol):
    """A model somewhere. Raises ModelFault when it dies, hangs, raises, or gives what is no answer."""

    @property
    def described(self) -> Described:
        """What it says of itself; loads it where that has not happened."""
        ...

    @property
    def isolation(self) -> tuple[Isolation | None, tuple[str, ...]]:
        """How far it is shut in, and what could not be shut; None for what runs elsewhere."""
        ...

    def predict(self, rows: pa.Table) -> NDArray[np.float64]:
        """Return shape (n, k) for rows that hold its features and nothing else."""
        ...

    def attribute(
        self, rows: pa.Table, background: pa.Table, *, explainer: Explainer, seed: int
    ) -> RawAttributions | None:
        """Explain with what lies beside the model; None where nothing there can."""
        ...

    def echo(self, rows: pa.Table) -> None:
        """Go the way to the model and back without asking it; does nothing where there is no such way."""
        ...

    def cost(self) -> ProcessCost:
        """Return what it has used."""
        ...

    def afresh(self) -> Raw:
        """Return the same model, newly started."""
        ...

    def close(self) -> None:
        """End it."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How much a model may use."""

    memory: int = 8 * 2**30
    """Bytes of its process; more ends it."""
    load_seconds: float = 120.0
    call_seconds: float = 120.0
    """For one batch of rows."""
    explain_seconds: float = 600.0
    options: Mapping[str, Any] = field(default_factory=dict)
