"""Rows as models take them: in the model's own order, and typed as what it was fitted on.

Shared by the adapters of this folder, of which each runs alone in the child.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import pandas as pd
    import pyarrow as pa

_MOST_NAMED = 8


def ordered(rows: pa.Table, features: Sequence[str] | None, width: int | None) -> pa.Table:
    """Return exactly the columns that a model reads, in its order; a place never stands for a name.

    A model that says no names is given the columns in the order of the release, as many as it says.
    """
    if features is not None:
        missing = [name for name in features if name not in rows.column_names]
        further = [name for name in rows.column_names if name not in features]
        if missing or further:
            raise ValueError(f"the model reads {_list(features)}; {_wrong(missing, further)}")
        return rows.select(list(features))
    if width is not None and rows.num_columns != width:
        raise ValueError(f"the model reads {width} features and was given {rows.num_columns}")
    return rows


def as_released(
    own: Sequence[str], released: Sequence[str] | None, written: Callable[[str], str]
) -> list[str]:
    """Return a model's names as the release writes them, where its library cannot write some characters.

    `written` is what the library makes of a name. A name that two features could have stays as it is.
    """
    known: dict[str, list[str]] = {}
    for name in released or ():
        known.setdefault(written(name), []).append(name)
    return [known[name][0] if len(known.get(name, ())) == 1 else name for name in own]


def frame(rows: pa.Table, *, none: bool = False) -> pd.DataFrame:
    """Return rows as pandas reads them from a file.

    Texts are of the dtype that this pandas gives texts, nulls are NaN, integers with nulls are floats, dates
    and times are datetime64. With `none`, texts are objects and their nulls None, as in frames that pandas
    before 3 read from parquet or a database.
    """
    import numpy as np

    found = _plain(rows).to_pandas(date_as_object=False)
    for name in [name for name, kind in found.dtypes.items() if str(kind) == "object"]:
        found[name] = found[name].where(found[name].notna(), np.nan)
    for name in [name for name, kind in kinds(rows).items() if none and kind in ("string", "boolean")]:
        if found[name].isna().any():
            plain = found[name].astype(object)
            found[name] = plain.where(plain.notna(), None)
    return found


def matrix(rows: pa.Table) -> np.ndarray:
    """Return rows as floats of shape (n, p), null as NaN; texts and dates are no numbers."""
    import numpy as np
    import pyarrow as pa

    rows = _plain(rows)
    strange = [one.name for one in rows.schema if not _numeric(one.type)]
    if strange:
        raise ValueError(f"the model reads numbers, and {_list(strange)} holds none")
    found = np.empty((rows.num_rows, rows.num_columns), dtype=np.float64)
    for place, column in enumerate(rows.columns):
        numbers = column.cast(pa.int8()) if pa.types.is_boolean(column.type) else column
        found[:, place] = numbers.cast(pa.float64(), safe=False).to_numpy()
    return found


def array(rows: pa.Table) -> np.ndarray:
    """Return rows as a model that was fitted on an array without names takes them."""
    import numpy as np
    import pyarrow as pa

    kinds = [one.type for one in _plain(rows).schema]
    if all(pa.types.is_integer(kind) for kind in kinds) and not any(one.null_count for one in rows.columns):
        return np.column_stack([one.to_numpy() for one in _plain(rows).columns])
    if all(_numeric(kind) for kind in kinds):
        return matrix(rows)
    return np.asarray(frame(rows).to_numpy(dtype=object))


def kinds(rows: pa.Table) -> dict[str, str]:
    """Return `number`, `string`, `boolean` or `time` for each column."""
    import pyarrow as pa

    found = {}
    for one in _plain(rows).schema:
        text = pa.types.is_string(one.type) or pa.types.is_large_string(one.type)
        truth = pa.types.is_boolean(one.type)
        found[one.name] = (
            "boolean" if truth else "string" if text else "number" if _numeric(one.type) else "time"
        )
    return found


def _plain(rows: pa.Table) -> pa.Table:
    """Return rows without decimals and dictionaries, which no model was fitted on."""
    import pyarrow as pa

    for place, one in enumerate(rows.schema):
        if pa.types.is_decimal(one.type):
            rows = rows.set_column(place, one.name, rows.column(place).cast(pa.float64(), safe=False))
        elif pa.types.is_dictionary(one.type):
            rows = rows.set_column(place, one.name, rows.column(place).cast(one.type.value_type))
    return rows


def _numeric(kind: Any) -> bool:
    import pyarrow as pa

    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_null(kind)
    )


def _wrong(missing: Sequence[str], further: Sequence[str]) -> str:
    said = [f"{_list(missing)} is missing"] if missing else []
    return " and ".join([*said, *([f"{_list(further)} is none of them"] if further else [])])


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:_MOST_NAMED])
    return shown if len(names) <= _MOST_NAMED else f"{shown} and {len(names) - _MOST_NAMED} more"
