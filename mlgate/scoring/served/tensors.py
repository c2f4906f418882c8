"""Tensors that an endpoint takes: one for each feature, or one matrix of them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgate.errors import ModelFault
from mlgate.scoring.served.asking import sort_of, values_of

if TYPE_CHECKING:
    import pyarrow as pa

_SORTS: Mapping[str, str] = {
    "BOOL": "boolean",
    "BYTES": "string",
    **{f"{sign}INT{bits}": "integer" for sign in ("", "U") for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": "number" for bits in (16, 32, 64)},
}
"""From the types of the Open Inference Protocol to what of a table they take."""

_TAKES: Mapping[str, frozenset[str]] = {
    "boolean": frozenset({"boolean"}),
    "string": frozenset({"string"}),
    "integer": frozenset({"integer", "boolean"}),
    "number": frozenset({"number", "integer", "boolean"}),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Tensor:
    """An input, as an endpoint says it."""

    name: str
    kind: str
    """FP32, INT64, BYTES, BOOL, ..."""
    shape: tuple[int, ...]
    """-1 where any size will do; the first is the rows."""

    @property
    def sort(self) -> str:
        """number, integer, boolean or string; text for what this reads nothing of."""
        return _SORTS.get(self.kind, "")

    @property
    def flat(self) -> bool:
        """Whether it has one value for each row."""
        return len(self.shape) == 1 or (len(self.shape) == 2 and self.shape[1] == 1)  # noqa: PLR2004 - a column


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """What an endpoint takes."""

    tensors: tuple[Tensor, ...]
    matrix: bool
    """Whether the one tensor holds every feature; else there is one tensor for each."""

    @classmethod
    def of(cls, tensors: Sequence[Tensor]) -> Signature:
        """Return a signature that leaves nothing to guess.

        Raises ModelFault when the tensors are neither one matrix of numbers nor one column a feature.
        """
        strange = [one for one in tensors if not one.sort or not one.shape or one.shape[0] > 0]
        if not tensors or strange or len({one.name for one in tensors}) != len(tensors):
            named = ", ".join(f"{one.name} {one.kind}{list(one.shape)}" for one in strange)[:200]
            raise ModelFault("answer", f"it takes inputs that rows cannot be turned into: {named or 'none'}")
        if all(one.flat for one in tensors):
            return cls(tensors=tuple(tensors), matrix=False)
        if len(tensors) == 1 and len(tensors[0].shape) == 2 and tensors[0].sort != "string":  # noqa: PLR2004
            return cls(tensors=tuple(tensors), matrix=True)
        named = ", ".join(f"{one.name}{list(one.shape)}" for one in tensors)[:200]
        raise ModelFault("answer", f"it takes {named}, neither one matrix of numbers nor a column a feature")

    @property
    def features(self) -> tuple[str, ...] | None:
        """The names that it says; None for a matrix, whose columns have none."""
        return None if self.matrix else tuple(one.name for one in self.tensors)

    @property
    def width(self) -> int | None:
        """The columns of a matrix, where it says how many."""
        if not self.matrix:
            return len(self.tensors)
        return self.tensors[0].shape[1] if self.tensors[0].shape[1] > 0 else None

    @property
    def types(self) -> dict[str, str] | None:
        """Of the features, where they have names."""
        return None if self.matrix else {one.name: one.sort for one in self.tensors}


def column_of(rows: pa.Table, name: str, tensor: Tensor, *, gaps: bool = False) -> list[Any]:
    """Return a feature as a tensor takes it.

    Args:
        rows: They hold the feature.
        name: Of the feature.
        tensor: What it goes into.
        gaps: Whether null may stand for a number that is missing.

    Raises:
        ModelFault: It is of another sort, or holds what JSON or the tensor cannot carry.
    """
    column = rows.column(name)
    sort = sort_of(column)
    whole = tensor.sort == "integer" and sort == "number"  # whole numbers with gaps
    if sort not in _TAKES[tensor.sort] and not whole:
        raise ModelFault("raised", f"it takes {name!r} as {tensor.kind}, and the rows hold it as {sort}")
    values = values_of(name, column)
    if any(one is None for one in values) and not (gaps and tensor.sort in ("number", "string")):
        raise ModelFault(
            "raised", f"{name!r} has missing values, which a tensor of {tensor.kind} cannot carry"
        )
    if tensor.sort == "number":
        return [None if one is None else float(one) for one in values]
    if tensor.sort == "integer":
        if any(one != int(one) for one in values):
            raise ModelFault("raised", f"it takes {name!r} as {tensor.kind}, and the rows hold fractions")
        return [int(one) for one in values]
    return values


def matrix_of(rows: pa.Table, tensor: Tensor) -> list[list[Any]]:
    """Return all features as one matrix, in their order.

    Raises ModelFault as `column_of`, and when the matrix has another width.
    """
    if tensor.shape[1] not in (-1, rows.num_columns):
        raise ModelFault(
            "raised", f"it takes {tensor.shape[1]} features, and the rows have {rows.num_columns}"
        )
    columns = [column_of(rows, name, tensor) for name in rows.column_names]
    return [list(row) for row in zip(*columns, strict=True)]


def instances_of(rows: pa.Table, signature: Signature | None) -> list[Any]:
    """Return rows one by one: lists for a matrix, mappings from input to value else."""
    if signature is None:
        raise ModelFault("answer", "it did not say what it takes")
    if signature.matrix:
        return matrix_of(rows, signature.tensors[0])
    columns = {}
    for one in signature.tensors:
        values = column_of(rows, one.name, one)
        columns[one.name] = values if len(one.shape) == 1 else [[value] for value in values]
    if len(columns) == 1:  # a single input goes without its name
        return next(iter(columns.values()))
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
