"""One spelling for each value, whatever engine, file format or column type it came from.

Groups, distinct values and the ends of a range are compared, sorted and reported as text. The text is made
here, in Python, from typed values, and never by an engine's CAST or collation, which differ by engine:
integral floats read as integers (`1.0` is "1"), booleans as "true" and "false", -0.0 as "0", dates and
timestamps as ISO 8601. NaN and null are missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mlgate.evidence.arrays import numbers

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

_INTEGRAL_BELOW = 2.0**63
"""Integral floats under this read as integers; a larger one would print hundreds of made-up digits."""


@dataclass(frozen=True, slots=True)
class Coded:
    """A column of texts as codes: `texts[codes[i]]`, with the code `len(texts)` for a missing value.

    Codes sort as the texts do, by code point, with missing values last.
    """

    codes: NDArray[np.int32]
    texts: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many different codes there can be, the missing one included."""
        return len(self.texts) + 1

    def values(self, at: NDArray[np.intp]) -> NDArray[np.object_]:
        """Return the texts at some positions, None where missing."""
        import numpy as np

        table = np.empty(self.size, dtype=object)
        table[: len(self.texts)] = self.texts
        return table[self.codes[at]]


def coded(column: pa.ChunkedArray) -> Coded:
    """Give every value of a column the code of its canonical text.

    Python looks at each distinct value once; the cells themselves are mapped as arrays.
    """
    import numpy as np
    import pyarrow as pa

    array = _plain(column.combine_chunks())
    try:
        encoded = array.dictionary_encode()
    except pa.ArrowNotImplementedError:  # nested types: their text is their identity
        encoded = pa.array(texts(array), type=pa.string()).dictionary_encode()
    raw = numbers(encoded.indices, missing=len(encoded.dictionary))
    spelt: list[str | None] = [*texts(encoded.dictionary), None]
    found = sorted({one for one in spelt if one is not None})
    rank = {one: position for position, one in enumerate(found)}
    code_of = np.array([len(found) if one is None else rank[one] for one in spelt], dtype=np.int32)
    return Coded(codes=code_of[raw], texts=tuple(found))


def binned(indices: pa.ChunkedArray, edges: Sequence[float]) -> Coded:
    """Give every bin index (0 for the values below the first edge; null for missing) the code of its name."""
    import numpy as np

    names = bin_names(edges)
    found = tuple(sorted(names))
    code_of = np.array([*(found.index(name) for name in names), len(found)], dtype=np.int32)
    raw = numbers(indices, missing=len(names))
    return Coded(codes=code_of[raw], texts=found)


def bin_names(edges: Sequence[float]) -> list[str]:
    """Name the bins between edges, lowest first: `< 18`, `18 to < 30`, `>= 30`."""
    shown = [number(edge) for edge in edges]
    middle = [f"{low} to < {high}" for low, high in pairwise(shown)]
    return [f"< {shown[0]}", *middle, f">= {shown[-1]}"]


def number(value: float | Decimal) -> str:
    """Spell a number: `18.0` is "18", `-0.0` is "0", `0.1` is "0.1", infinite is "inf"."""
    if isinstance(value, Decimal):
        if value.is_finite():
            integral = value == value.to_integral_value()
            return str(int(value)) if integral else format(value.normalize(), "f")
        return number(float(value))
    if isinstance(value, int):
        return str(int(value))
    return str(int(value)) if value.is_integer() and abs(value) < _INTEGRAL_BELOW else repr(value)


def texts(array: pa.Array) -> list[str | None]:
    """Return the canonical text of every value, None for null and NaN."""
    import pyarrow as pa

    array = _plain(array)
    kind = array.type
    if pa.types.is_string(kind):
        found: list[str | None] = array.to_pylist()
        return found
    if pa.types.is_floating(kind):
        return _floats(array)
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return _times(array)
    return [None if one is None else _speller(kind)(one) for one in array.to_pylist()]


def _speller(kind: pa.DataType) -> Callable[[Any], str]:
    import pyarrow as pa

    if pa.types.is_boolean(kind):
        return lambda value: "true" if value else "false"
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return number
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return bytes.hex
    return str


def _plain(array: pa.Array) -> pa.Array:
    """Undo encodings that are about storage: dictionaries, extension types, the wide kinds of string."""
    import pyarrow as pa

    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_large_string(array.type) or pa.types.is_string_view(array.type):
        array = array.cast(pa.string())
    return array


def _floats(array: pa.Array) -> list[str | None]:
    """Spell floats. A 32-bit 0.1 is "0.1", as it was written, not the digits of its 64-bit neighbour."""
    import numpy as np
    import pyarrow as pa

    values = numbers(array)
    if pa.types.is_float64(array.type):
        return [None if one != one else number(one) for one in values.tolist()]  # noqa: PLR0124  # NaN
    return [None if np.isnan(one) else number(float(str(one))) for one in values]


def _times(array: pa.Array) -> list[str | None]:
    """Spell dates and timestamps in ISO 8601, the zone as UTC, without zeros that say nothing.

    By way of numpy, because Python's own dates end at the year 9999 and at microseconds.
    """
    import numpy as np
    import pyarrow as pa

    kind = array.type
    zone = "+00:00" if pa.types.is_timestamp(kind) and kind.tz else ""
    days = pa.types.is_date32(kind)
    counts = (array.cast(pa.int32()) if days else array).cast(pa.int64())  # since 1970, of the unit
    unit = "D" if days else "ms" if pa.types.is_date64(kind) else kind.unit
    not_a_time = np.iinfo(np.int64).min
    moments = numbers(counts, missing=not_a_time).view(f"datetime64[{unit}]")
    spelt: list[str | None] = []
    for one in np.datetime_as_string(moments).tolist():
        if one == "NaT":
            spelt.append(None)
            continue
        whole, point, fraction = one.partition(".")
        fraction = fraction.rstrip("0")
        spelt.append(whole + (point + fraction if fraction else "") + zone)
    return spelt
