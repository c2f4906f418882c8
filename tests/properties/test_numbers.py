"""Regressions through the whole gate: values equal scikit-learn on the rows, for any rows, to 1e-9."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.properties.conftest import Files, Rows, as_csv, as_parquet, close, examples, policy_of
from tests.properties.oracles import ERRORS

NUMBERS = st.one_of(
    st.integers(-3, 3).map(float),
    st.floats(-1e6, 1e6, allow_subnormal=False),
    st.sampled_from([-0.0, 1e-9, 0.1]),
)
LINES = st.lists(
    st.tuples(NUMBERS, NUMBERS, st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.7]), st.integers(0, 3)),
    min_size=1,
    max_size=40,
)


@pytest.mark.slow
@given(lines=LINES, weighted=st.booleans(), clustered=st.booleans(), parquet=st.booleans())
@examples(25)
def test_errors_on_cells_equal_scikit_learn_on_rows(
    lines: list[tuple[float, float, float, int]], weighted: bool, clustered: bool, parquet: bool
) -> None:
    """Whatever the ties, duplicates, weights and clusters; and nothing passes without an interval."""
    frame = pd.DataFrame(lines, columns=["y", "p", "w", "c"])
    name = "t.parquet" if parquet else "t.csv"
    roles = {"label": "y", "prediction": "p"}
    roles |= {"weight": "w"} if weighted else {}
    roles |= {"cluster": "c"} if clustered else {}
    release = {
        "mlgate": 1,
        "name": "drawn",
        "version": "1",
        "task": "regression",
        "data": {"evaluation": {"path": name}},
        "columns": roles,
    }
    uses = [one.use(number, limit=0.0) for number, one in enumerate(ERRORS)]
    files = Files(
        table={name: as_parquet(frame) if parquet else as_csv(frame)},
        release=release,
        policy=policy_of(uses),
    )
    report = files.judged()
    assert not report.errors, report.errors
    y, p, w = (frame[name].to_numpy(dtype=float) for name in ("y", "p", "w"))
    nothing = np.zeros(len(y))
    rows = Rows(
        task="regression", y=y, d=p, p=nothing, w=w if weighted else nothing + 1, ends=nothing, q=nothing
    )
    scale = max(1.0, float(np.abs([y, p]).max()))
    for number, one in enumerate(ERRORS):
        found = report.finding(f"use-{number}")
        wanted = one.value(rows.counted, 30)
        assert close(found.value, wanted, slack=1e-12 * scale), (one, found.value, wanted)
        if found.kind == "estimate" and found.interval is None:
            assert found.outcome.value == "not_measured"
            assert found.reason
