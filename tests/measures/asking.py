"""Tables and questions for tests of measures over groups: cells are built as the scan builds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mlgate.cells import Answers, By, Cells, Columns, Counts, Task
from mlgate.estimates import Comparison, Estimate, GroupEstimate
from mlgate.measures import Measure
from mlgate.measures.judging import Judging

ROLES = ("label", "prediction", "score")
BY = ("g",)


def cells_of(
    frame: pd.DataFrame,
    roles: Sequence[str],
    by: Sequence[str],
    weight: str | None = None,
    cluster: str | None = None,
) -> Cells:
    """Build cells as the scan does: one for each distinct combination of roles, groups and cluster."""
    known = frame.assign(
        **{f"_{column}": frame[column].map(str).where(frame[column].notna(), "\0") for column in by},
        _w=1.0 if weight is None else frame[weight],
    )
    known["_w2"] = known["_w"] ** 2
    keys = [*roles, *(f"_{column}" for column in by), *([cluster] if cluster else [])]
    if not len(known):
        known["_w"] = known["_w2"] = pd.Series(dtype=float)
    found = known.groupby(keys, sort=True)["_w"].agg(["size", "sum"]).reset_index()
    found["w2"] = known.groupby(keys, sort=True)["_w2"].sum().to_numpy()
    groups: dict[By, Any] = {}
    for column in by:
        texts = found[f"_{column}"].to_numpy(dtype=object)
        groups[column] = np.array([None if text == "\0" else text for text in texts], dtype=object)
    return Cells(
        roles={role: found[role].to_numpy(dtype=float) for role in roles},
        groups=groups,
        n=found["size"].to_numpy(dtype=np.int64),
        w=found["sum"].to_numpy(dtype=float),
        w2=found["w2"].to_numpy(dtype=float),
        weighted=weight is not None,
        clusters=found[cluster].to_numpy(dtype=np.int64) if cluster else None,
    )


def ask(
    measure: Measure,
    frame: pd.DataFrame,
    *,
    by: Sequence[str] = BY,
    min_group: int = 1,
    judge_unknown: bool = False,
    weight: str | None = None,
    cluster: str | None = None,
    cells: Cells | None = None,
    task: Task = "binary",
    **params: Any,
) -> Estimate:
    """Ask a measure as the gate does: plan, cells, value."""
    judging = Judging(by=tuple(by), min_group=min_group, judge_unknown=judge_unknown)
    defaults = {name: one.default for name, one in measure.params.items()}
    every = {**defaults, "judging": judging, **params}
    columns = Columns(names=(), types={}, task=task, label="label", cluster=cluster)
    (planned,) = measure.plan(every, columns)
    assert isinstance(planned, Counts)
    assert planned.clustered is (cluster is not None)
    assert planned.by[: len(by)] == tuple(by)
    asked = [one for one in planned.by if isinstance(one, str)]
    given = cells or cells_of(frame, planned.roles, asked, weight, cluster)
    return measure.value(Answers({planned: given}), every)


def groups_of(estimate: Estimate, rate: str | None = None) -> dict[str, GroupEstimate]:
    """Return the group table by the name of the group."""
    return {", ".join(one.group.values()): one for one in estimate.groups if rate in (None, one.rate)}


def bounds(estimate: Estimate | Comparison | GroupEstimate, confidence: float) -> tuple[float, float]:
    """Return the bounds of an interval that has to be there."""
    assert estimate.interval is not None
    return estimate.interval.at(confidence)


def rows_of(*groups: tuple[str | None, int, int, int, int]) -> pd.DataFrame:
    """Build rows from groups with their true positives, false positives, false negatives, true negatives."""
    kinds = ((1, 1), (0, 1), (1, 0), (0, 0))
    return pd.DataFrame(
        [
            (label, prediction, group)
            for group, *counts in groups
            for (label, prediction), count in zip(kinds, counts, strict=True)
            for _ in range(count)
        ],
        columns=["label", "prediction", "g"],
    )
