"""From Arrow to numpy, without Arrow's own `to_numpy`: that imports pandas, which takes longer than a query.

So does every way from a Python value to an Arrow one, such as the value that `fill_null` is given.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


def numbers(values: pa.Array | pa.ChunkedArray, *, missing: float = math.nan) -> NDArray[Any]:
    """Return numbers as an array of their own type, which may be read-only.

    Args:
        values: Of integers or floats.
        missing: What a null becomes.

    Raises:
        ValueError: there are nulls, and the type has no `missing`: there is no NaN among integers.
    """
    import numpy as np
    import pyarrow as pa

    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if not array.null_count:
        whole: NDArray[Any] = np.from_dlpack(array)
        return whole
    there = np.from_dlpack(array.drop_null())
    found = np.empty(len(array), dtype=there.dtype)
    found[:] = missing  # `np.full` would make some integer of a NaN
    found[np.from_dlpack(array.is_valid().cast(pa.uint8())) == 1] = there
    return found
