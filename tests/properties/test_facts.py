"""Facts about tables equal what pandas counts on the rows."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.properties.conftest import (
    Drawn,
    Shape,
    close,
    drawn,
    examples,
    facts,
    judge,
    proven,
    shapes,
    spelt,
)


def counted(table: Drawn) -> dict[str, float | None]:
    """Return what pandas says of the rows; None where a column that is asked about has no values."""
    frame, x, (g, h) = table.frame, table.feature, table.protected
    known = [[spelt(one) for one in frame[name]] for name in (g, h)]
    strange = [
        sum(one is not None and one not in allowed for one in values)
        for values, allowed in zip(known, (("a", "b"), ("0", "1", "true")), strict=True)
    ]
    has_values = all(any(one is not None for one in values) for values in known)
    rows, positives = len(frame), int(table.rows.y.sum())
    return {
        "data/row-count": rows,
        "data/missing": frame.isna().mean().max(),
        "data/duplicate-rows": frame.duplicated([g, h]).mean(),
        "data/constant-columns": sum(frame[name].nunique(dropna=False) == 1 for name in frame),
        "data/class-balance": min(positives, rows - positives) / rows,
        "data/unique-key": frame.duplicated([x, g]).sum() + frame[[x, g]].isna().any(axis=1).sum(),
        "data/range": int(((frame[x] < 0) | (frame[x] > 100.5)).sum()),
        "data/allowed-values": sum(strange) if has_values else None,
        "data/schema": 0,
    }


@given(shape=shapes(), parquet=st.booleans())
@examples(15)
def test_facts_on_tables_equal_pandas_on_rows(shape: Shape, parquet: bool) -> None:
    """Missing and repeated values, keys, ranges and classes are counted as pandas counts them."""
    table = drawn(replace(shape, task="binary", weight=None, prediction=None))
    report = judge(table, facts(table, typed=parquet), parquet=parquet)
    wanted = counted(table)
    if not parquet:
        del wanted["data/schema"]
    if not proven(table):
        wanted["data/class-balance"] = None
    if shape.rows == 1:
        wanted["data/constant-columns"] = None
    for check, value in wanted.items():
        found = report.finding(check)
        assert close(found.value, None if value is None else float(value)), (check, value, found)
