"""Numbers come from Arrow as they are, nulls as what was asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mlgate.evidence.arrays import numbers


@pytest.mark.parametrize("kind", [pa.int8(), pa.int32(), pa.int64(), pa.float32(), pa.float64()])
@pytest.mark.parametrize("values", [[], [1], [None], [1, None, 3], [3, 2, 1]])
def test_numbers_keep_their_type(kind: Any, values: list[int | None]) -> None:
    """Whole, sliced and in several chunks, with and without nulls."""
    whole = pa.array([7, *values], kind)[1:]
    expected = np.array([9 if one is None else one for one in values], dtype=kind.to_pandas_dtype())
    for column, times in ((whole, 1), (pa.chunked_array([whole, whole]), 2), (pa.chunked_array([], kind), 0)):
        found = numbers(column, missing=9)
        assert found.dtype == expected.dtype
        assert found.tolist() == expected.tolist() * times


def test_nulls_are_nan_unless_said_otherwise() -> None:
    """There is no NaN among integers, and no other number stands for it by itself."""
    assert np.isnan(numbers(pa.array([1.5, None]))).tolist() == [False, True]
    with pytest.raises(ValueError, match="NaN"):
        numbers(pa.array([1, None]))
