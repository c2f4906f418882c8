"""Changed copies of columns: noise, missing and unseen values, values beyond what occurs, other categories.

Pure functions over Arrow columns. A column keeps its type and length, missing values stay missing unless
`missing` is asked for, and what is drawn is drawn from the column's own range and categories by a generator
that the caller seeds. `touched` says which rows are really another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

Side: TypeAlias = Literal["below", "above"]

UNSEEN = "mlgate: a value never seen"
"""What is put for a text that is in no row."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """How the numbers (or moments, in the unit of their Arrow type) of a column lie; finite ones only."""

    low: float
    high: float
    deviation: float
    """Standard deviation, over n."""

    @property
    def range(self) -> float:
        """Highest minus lowest."""
        return self.high - self.low


def is_number(kind: pa.DataType) -> bool:
    """Whether a column holds integers or floats."""
    import pyarrow.types as known

    return bool(known.is_integer(kind) or known.is_floating(kind))


def is_moment(kind: pa.DataType) -> bool:
    """Whether a column holds dates or timestamps."""
    import pyarrow.types as known

    return bool(known.is_date32(kind) or known.is_timestamp(kind))


def is_truth(kind: pa.DataType) -> bool:
    """Whether a column holds truth values."""
    import pyarrow.types as known

    return bool(known.is_boolean(kind))


def spread(column: pa.ChunkedArray) -> Spread | None:
    """Return how the numbers or moments of a column lie; None for texts, or where no value is finite."""
    import numpy as np

    if not (is_number(column.type) or is_moment(column.type)):
        return None
    values, known = as_numbers(column)
    finite = values[known & np.isfinite(values)].astype(float)
    if not len(finite):
        return None
    size = float(np.abs(finite).max()) or 1.0  # squares of large numbers are none any more
    deviation = float((finite / size).std()) * size
    return Spread(low=float(finite.min()), high=float(finite.max()), deviation=deviation)


def noise(column: pa.ChunkedArray, scale: float, draw: np.random.Generator) -> pa.Array | None:
    """Add normal noise of `scale` standard deviations, kept inside the observed range.

    What would leave the range is taken to the other side of the value. Integers, dates and timestamps stay
    whole, so that little noise may leave them as they are. None where there are no two different numbers.
    """
    import numpy as np

    of = spread(column)
    if of is None or not of.deviation > 0.0:
        return None
    values, known = as_numbers(column)
    step = draw.normal(size=len(values)) * scale * of.deviation
    with np.errstate(invalid="ignore", over="ignore"):
        outside = (values + step < of.low) | (values + step > of.high)
        step = np.where(outside, -step, step)
        step = np.clip(values + step, of.low, of.high) - values
    return _moved(values, np.where(np.isfinite(values), step, 0.0), known, column)


def missing(column: pa.ChunkedArray) -> pa.Array:
    """Return a column of as many missing values."""
    import pyarrow as pa

    return pa.nulls(len(column), column.type)


def unseen(column: pa.ChunkedArray, *, highest: float | None = None) -> pa.Array | None:
    """Return one value that is in no row, for all rows: an odd text, or an integer above all others.

    `highest` is the largest value of the whole table, of which the column may be a part. None for truth
    values and moments, which have no such value, and for fractions, which are no categories.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as known

    if known.is_string(column.type) or known.is_large_string(column.type):
        taken, text = set(pc.unique(column).to_pylist()), UNSEEN
        while text in taken:
            text += "!"
        return pa.array([text] * len(column), column.type)
    if not known.is_integer(column.type) or column.null_count == len(column):
        return None
    top = int(pc.max(column).as_py())
    above = max(top, top if highest is None else math.ceil(highest)) + 1
    if above > _largest(column.type):
        return None
    return pa.array([above] * len(column), column.type)


def beyond(column: pa.ChunkedArray, factor: float, side: Side) -> pa.Array | None:
    """Put, in every row, one number that lies `factor` times the observed range outside it.

    None where there are no two different numbers, or where the type cannot hold that one.
    """
    import numpy as np

    of = spread(column)
    if of is None or not of.range > 0.0:
        return None
    reach = factor * of.range
    to = of.low - reach if side == "below" else of.high + reach
    values, known = as_numbers(column)
    if values.dtype.kind == "i":
        to = float(np.floor(to) if side == "below" else np.ceil(to))
        if abs(to) > _largest(column.type):
            return None
    elif not np.isfinite(to):
        return None
    return _rebuilt(np.full(len(values), to).astype(values.dtype), known, column)


def swapped(column: pa.ChunkedArray, draw: np.random.Generator) -> pa.Array | None:
    """Give every row another value that some row has; None where there are no two different values.

    Which one is drawn with equal chances for all other values, however often they occur.
    """
    import pyarrow as pa

    own = column.to_pylist()
    values = sorted({one for one in own if one is not None and one == one})  # noqa: PLR0124  NaN is not itself
    if len(values) < 2:  # noqa: PLR2004  another needs two
        return None
    place = {value: position for position, value in enumerate(values)}
    steps = draw.integers(1, len(values), len(own)).tolist()
    return pa.array(
        [
            values[(place[one] + step) % len(values)] if one in place else one
            for one, step in zip(own, steps, strict=True)
        ],
        column.type,
    )


def exchanged(column: pa.ChunkedArray, listed: Sequence[Any], step: int) -> pa.Array:
    """Give every row with a listed value the one `step` places further in the list; others stay.

    With the steps 1 to len(listed) - 1 a row gets each of the other values once.
    """
    import numpy as np
    import pyarrow as pa

    values = pa.array(listed, column.type)
    place = {value: position for position, value in enumerate(values.to_pylist())}
    own = column.to_pylist()
    codes = np.array([place.get(value, -1) for value in own], dtype=np.int64)
    to = (codes + step) % len(values)
    kept = values.to_pylist()
    return pa.array(
        [value if code < 0 else kept[new] for value, code, new in zip(own, codes, to, strict=True)],
        column.type,
    )


def shifted(column: pa.ChunkedArray, amount: float, *, relative: bool) -> pa.Array | None:
    """Add `amount`, or that share of each value's own size; None where the type cannot hold the result.

    Integers stay whole, and move by at least 1 where the amount is not 0. A share of a negative number moves
    it as the sign of the amount says: -100 plus 10 % is -90. A value of 0 has no share and stays.
    """
    import numpy as np

    values, known = as_numbers(column)
    step = np.abs(values.astype(float)) * amount if relative else np.full(len(values), float(amount))
    if values.dtype.kind == "i":
        step = np.where(step > 0.0, np.ceil(step), np.floor(step))
    if values.dtype.kind == "i" and (np.abs(values[known] + step[known]) > _largest(column.type)).any():
        return None
    return _moved(values, step, known, column)


def constant(column: pa.ChunkedArray, value: Any) -> pa.Array:
    """Put one value in every row; pyarrow.ArrowInvalid or TypeError where the type cannot hold it."""
    import pyarrow as pa

    return pa.array([value] * len(column), column.type)


def between(before: pa.ChunkedArray, after: pa.ChunkedArray, share: NDArray[np.float64]) -> pa.ChunkedArray:
    """Go only a share of the way, row by row; what are no numbers or moments goes the whole way.

    `share` has shape (rows,), each in (0, 1]. Integers are rounded away from where they come.
    """
    import numpy as np
    import pyarrow as pa

    if not (is_number(before.type) or is_moment(before.type)):
        return after
    values, known = as_numbers(before)
    to, there = as_numbers(after)
    both = known & there
    with np.errstate(invalid="ignore", over="ignore"):
        way = (to.astype(float) - values.astype(float)) * share
    if values.dtype.kind == "i":
        way = np.where(way > 0.0, np.ceil(way), np.floor(way))
    whole = (share >= 1.0) | ~both | ~np.isfinite(way)
    moved = np.where(whole, to, values + np.where(whole, 0.0, way).astype(values.dtype))
    return pa.chunked_array([_rebuilt(moved, there, after)])


def as_numbers(column: pa.ChunkedArray | pa.Array) -> tuple[NDArray[Any], Mask]:
    """Return numbers or moments as int64 or float64 (0 for missing), and which are there."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as known

    kind = column.type
    plain = column.cast(pa.int32()).cast(pa.int64()) if known.is_date32(kind) else column
    if known.is_timestamp(kind) or known.is_integer(kind):
        plain = column.cast(pa.int64())
    elif known.is_floating(kind):
        plain = column.cast(pa.float64())
    return np.asarray(pc.fill_null(plain, 0)), np.asarray(pc.is_valid(plain)).astype(bool)


def touched(before: pa.ChunkedArray, after: pa.ChunkedArray | pa.Array) -> Mask:
    """Return which rows have another value; missing equals missing, NaN equals NaN. Shape (rows,)."""
    import numpy as np
    import pyarrow.compute as pc
    import pyarrow.types as known

    differs = pc.fill_null(pc.not_equal(before, after), False)
    differs = pc.or_(differs, pc.xor(pc.is_null(before), pc.is_null(after)))
    found = np.asarray(differs).astype(bool)
    if known.is_floating(before.type):
        nan = [np.isnan(as_numbers(one)[0]) for one in (before, after)]
        found &= ~(nan[0] & nan[1])
    return found


def replaced(table: pa.Table, columns: dict[str, Any]) -> pa.Table:
    """Return the table with some of its columns exchanged for others of the same type."""
    for name, column in columns.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(place), column)
    return table


def _moved(values: NDArray[Any], step: NDArray[np.float64], known: Mask, column: pa.ChunkedArray) -> pa.Array:
    """Return numbers that went a step, as a column of the type that they came from; whole ones stay whole."""
    import numpy as np

    # A float holds no 64 bits, so that a rounded step is added to the integer itself.
    whole = values.dtype.kind == "i"
    return _rebuilt(values + (np.rint(step).astype(np.int64) if whole else step), known, column)


def _rebuilt(values: NDArray[Any], known: Mask, column: pa.ChunkedArray) -> pa.Array:
    """Return numbers as a column of the type that they came from; `known` says which are there."""
    import pyarrow as pa
    import pyarrow.types as kinds

    made = pa.array(values, mask=~known)
    if kinds.is_date32(column.type):
        made = made.cast(pa.int32())
    return made.cast(column.type)


def _largest(kind: pa.DataType) -> float:
    """Return how far the whole numbers of a type reach, with room for rounding."""
    import pyarrow.types as known

    width = 32 if known.is_date32(kind) else kind.bit_width
    return float(2 ** (width - 1)) * (1.0 - 1e-9)
