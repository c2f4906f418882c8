"""What a model is to the gate before anybody knows what its numbers mean: rows in, floats out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from mlgate.cells import Explainer, Isolation, ProcessCost

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

Outputs: TypeAlias = Literal["probabilities", "decisions", "values"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Described:
    """What a model says of itself. All of it is the model's own word."""

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
