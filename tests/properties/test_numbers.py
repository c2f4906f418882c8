"""Regressions through the whole gate: values equal scikit-learn on the rows, for any rows, to 1e-9."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from tests.properties.conftest import Files, as_csv, as_parquet, close, examples, policy_of, use

METRICS: dict[str, Any] = {
    "mae": metrics.mean_absolute_error,
    "rmse": metrics.root_mean_squared_error,
    "mape": metrics.mean_absolute_percentage_error,
    "r2": metrics.r2_score,
    "median-absolute-error": metrics.median_absolute_error,
    "max-error": lambda y, p, **_: metrics.max_error(y, p),
    "mean-error": lambda y, p, sample_weight: np.average(p - y, weights=sample_weight),
    "versus-dummy": metrics.d2_absolute_error_score,
}

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


def defined(name: str, rows: pd.DataFrame) -> bool:
    """Whether a metric exists on rows that weigh something."""
    y = rows["y"]
    if not len(rows) or (name == "mape" and (y.abs() < np.finfo(float).eps).any()):
        return False
    return name not in {"r2", "versus-dummy"} or bool(y.min() < y.max())


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
    uses = [use(f"performance/{metric}", number, limit=0.0) for number, metric in enumerate(METRICS)]
    files = Files(
        table={name: as_parquet(frame) if parquet else as_csv(frame)},
        release=release,
        policy=policy_of(uses),
    )
    report = files.judged()
    assert not report.errors, report.errors
    rows = frame[frame["w"] > 0] if weighted else frame
    weights = rows["w"] if weighted else np.ones(len(rows))
    scale = max(1.0, float(frame[["y", "p"]].abs().to_numpy().max()))
    for number, (metric, function) in enumerate(METRICS.items()):
        found = report.finding(f"use-{number}")
        wanted = None
        if defined(metric, rows):
            wanted = float(function(rows["y"], rows["p"], sample_weight=weights))
        assert close(found.value, wanted, slack=1e-12 * scale), (metric, found.value, wanted)
        if found.kind == "estimate" and found.interval is None:
            assert found.outcome.value == "not_measured"
            assert found.reason
