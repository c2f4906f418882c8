"""Rows of numbers, and the cells that a scan makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from mlgate.cells import Answers, Cells, Columns, Counts, Task
from mlgate.estimates import Estimate, Interval
from mlgate.measures import Measure

WEIGHTS = st.one_of(st.integers(1, 9).map(float), st.floats(0.01, 50.0))

NUMBERS = st.one_of(st.integers(-5, 5).map(float), st.floats(-1000, 1000).map(lambda x: round(x, 3)))
"""Ties, zeros and anything else."""

PAIRS = st.lists(st.tuples(NUMBERS, NUMBERS, WEIGHTS, st.integers(0, 6)), min_size=1, max_size=30).map(
    lambda lines: pd.DataFrame(lines, columns=["label", "prediction", "w", "cluster"])
)


def pairs(label: Any, prediction: Any) -> pd.DataFrame:
    """Return rows of label and prediction that weigh one each, in clusters of one."""
    known = pd.DataFrame({"label": label, "prediction": prediction}, dtype=float)
    return known.assign(w=1.0, cluster=np.arange(len(known)))


def cells_of(rows: pd.DataFrame, roles: Any, *, weighted: bool = True, clustered: bool = False) -> Cells:
    """Build cells as the scan does: one for each distinct combination of the roles, and of clusters."""
    known = rows.assign(w=rows["w"] if weighted else 1.0, n=1)
    known["w2"] = known["w"] ** 2
    keys = [*roles, *(["cluster"] if clustered else [])]
    found = known.groupby(keys, sort=True, dropna=False)[["n", "w", "w2"]].sum().reset_index()
    return Cells(
        roles={role: found[role].to_numpy(dtype=float, copy=True) for role in roles},
        groups={},
        n=found["n"].to_numpy(dtype=np.int64),
        w=found["w"].to_numpy(dtype=float),
        w2=found["w2"].to_numpy(dtype=float),
        weighted=weighted,
        clusters=found["cluster"].to_numpy(dtype=np.int64) if clustered else None,
    )


def columns(task: Task = "regression", **roles: Any) -> Columns:
    """Return the columns of a table with label and prediction."""
    return Columns(names=(), types={}, task=task, **{"label": "y", "prediction": "d", **roles})


def ask(
    measure: Measure,
    rows: pd.DataFrame,
    *,
    weighted: bool = True,
    clustered: bool = False,
    of: Columns | None = None,
    **params: Any,
) -> Estimate:
    """Put the question as the gate does, through plan and answers."""
    known = of or columns(cluster="cluster" if clustered else None)
    params = {**{name: p.default for name, p in measure.params.items()}, **params}
    wanted = [one for one in measure.plan(params, known) if isinstance(one, Counts)]
    assert all(one.clustered == clustered for one in wanted)
    answers = {one: cells_of(rows, one.roles, weighted=weighted, clustered=clustered) for one in wanted}
    return measure.value(Answers(answers), params)


def bounds(estimate: Estimate, confidence: float = 0.9) -> tuple[float, float]:
    """Return the bounds of an estimate that has some."""
    assert isinstance(estimate.interval, Interval), estimate.reason
    low, high = estimate.interval.at(confidence)
    assert np.isfinite([low, high]).all()
    assert estimate.value is not None
    assert low - 1e-9 * abs(low) <= estimate.value <= high + 1e-9 * abs(high)
    assert low < high
    return low, high
