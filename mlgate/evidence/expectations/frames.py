"""Some columns of a table as a pandas frame, in the types that `pandas.read_parquet` gives them.

Whole numbers with missing ones are floats, as pandas has them; others are of 64 bits with a sign, as far as
they fit. Floats of 32 bits are widened, so that a value is compared as it is. Dates are Python's. Timestamps
are of nanoseconds where they fit, the only ones that Great Expectations compares with texts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


_SIGNED = 2**63


def frame(table: pa.Table) -> pd.DataFrame:
    """Return the rows of an Arrow table as a frame, in their order."""
    import pandas as pd
    import pyarrow as pa

    found: pd.DataFrame = table.to_pandas()
    for name, column in zip(table.column_names, table.columns, strict=True):
        kind = column.type
        if pa.types.is_float32(kind):
            found[name] = found[name].astype("float64")
        elif pa.types.is_integer(kind) and not column.null_count:
            if not (pa.types.is_uint64(kind) and found[name].max() >= _SIGNED):
                found[name] = found[name].astype("int64")
        elif pa.types.is_timestamp(kind) and kind.unit != "ns" and kind.tz is None:
            try:
                found[name] = found[name].astype("datetime64[ns]")
            except pd.errors.OutOfBoundsDatetime:
                continue
    return found
