"""Scores in bins tell what the exact scores tell, to the bit where they can and within their own bound else.

Each table is scanned twice, once with bins and once without, and both answers go through the same measures.
scikit-learn on the rows is the oracle of both.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from mlgate.cells import SCORE_BINS, Answers, Cells, Counts
from mlgate.estimates import Estimate
from mlgate.evidence.release import load_release
from mlgate.evidence.scan import scan
from mlgate.evidence.tables import Table, open_tables
from mlgate.measures import catalogue
from mlgate.measures.judging import Judging
from tests.properties.conftest import examples

JUDGING = Judging(by=("g",), min_group=30, judge_unknown=False)
EXACT: dict[str, dict[str, Any]] = {
    "performance.log_loss": {},
    "performance.brier": {},
    "performance.observed_expected": {},
    "performance.calibration_error": {},
    "fairness.calibration_by_group": {"judging": JUDGING},
    "fairness.score_parity": {"judging": JUDGING},
}
"""Measures that lose nothing in bins, with parameters."""
RANKED: dict[str, dict[str, Any]] = {
    "performance.roc_auc": {"min_group": 30},
    "performance.gini": {"min_group": 30},
    "fairness.group_auc": {"judging": JUDGING},
}
"""Measures of the order of scores."""
SHAPES = ("even", "low", "extreme", "against", "along", "lumps")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A table; `seed` fills in the rows."""

    scores: str
    weighted: bool
    threshold: float
    seed: int

    def rows(self) -> pd.DataFrame:
        """Return 12,000 rows of label, score, group and weight."""
        random = np.random.default_rng(self.seed)
        n = 12_000
        p = random.random(n)
        if self.scores == "low":
            p = p**1.5 * 0.5
        if self.scores == "extreme":
            p = random.beta(0.6, 0.6, n)
        if self.scores == "lumps":
            p = np.where(random.random(n) < 0.005, random.choice([0.0, 1.0, 0.3, self.threshold], n), p)
        y = random.random(n) < p
        if self.scores in ("against", "along"):
            p, y = self._pairs(random, n // 2)
        rows = pd.DataFrame({"y": y.astype(int), "p": p})
        rows["g"] = np.array(["a", "b", None])[random.choice(3, n, p=[0.7, 0.28, 0.02])]
        rows["w"] = random.choice([0.0, 0.25, 1.0, 3.0, random.random() * 100], n)
        return rows

    def _pairs(self, random: np.random.Generator, size: int) -> tuple[Any, Any]:
        """Return a positive and a negative in each of many bins, all in the wrong order or all in the right."""
        bins = np.sort(random.choice(SCORE_BINS, size, replace=False))
        first = np.where(self.scores == "against", 0.6, 0.3)
        p = np.concatenate([(bins + 0.9 - first) / SCORE_BINS, (bins + first) / SCORE_BINS])
        return p, np.repeat([True, False], size)


shapes = st.builds(
    Shape,
    scores=st.sampled_from(SHAPES),
    weighted=st.booleans(),
    threshold=st.sampled_from([0.5, 0.3, 0.123456789, 0.0, 1.0]),
    seed=st.integers(0, 2**32 - 1),
)


def opened(home: Path, rows: pd.DataFrame, shape: Shape) -> Table:
    """Open the rows as a release does."""
    rows.to_parquet(home / "t.parquet")
    columns = {"label": "y", "score": "p", "protected": ["g"]} | ({"weight": "w"} if shape.weighted else {})
    release = {
        "mlgate": 1,
        "name": "case",
        "version": "1",
        "task": "binary",
        "threshold": shape.threshold,
        "columns": columns,
        "data": {"evaluation": {"path": "t.parquet"}},
    }
    (home / "release.yaml").write_text(yaml.safe_dump(release), encoding="utf-8")
    (home / "work").mkdir(mode=0o700)
    loaded, document = load_release(home / "release.yaml")
    return open_tables(loaded, document, ("evaluation",), workdir=home / "work")["evaluation"]


def measured(
    rows: pd.DataFrame, shape: Shape, wanted: Mapping[str, dict[str, Any]]
) -> dict[str, tuple[Estimate, Estimate]]:
    """Return the estimates of measures with bins and without."""
    with tempfile.TemporaryDirectory() as home:
        table = opened(Path(home), rows, shape)
        known = {name: catalogue()[name] for name in wanted}
        params = {
            name: {**{key: one.default for key, one in known[name].params.items()}, **own}
            for name, own in wanted.items()
        }
        plans = {name: one.plan(params[name], table.columns) for name, one in known.items()}
        asked = [one for plan in plans.values() for one in plan if isinstance(one, Counts)]
        found = [scan(table, asked, bin_above=above) for above in (0, 10**9)]
    for one in asked:
        binned, exact = found[0][one], found[1][one]
        assert isinstance(binned, Cells)
        assert isinstance(exact, Cells)
        assert binned.binned is not None
        assert exact.binned is None
        assert binned.rows == exact.rows
    return {
        name: (
            known[name].value(Answers({one: found[0][one] for one in plan}), params[name]),
            known[name].value(Answers({one: found[1][one] for one in plan}), params[name]),
        )
        for name, plan in plans.items()
    }


def close(one: Any, other: Any, tolerance: float = 1e-9) -> bool:
    """Whether numbers are the same, or both missing."""
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)


def bounds(estimate: Estimate) -> tuple[float, float]:
    """Return the bounds of an estimate that has some."""
    assert estimate.interval is not None
    return estimate.interval.at(0.9)


def oracle(rows: pd.DataFrame, shape: Shape) -> dict[str, float]:
    """scikit-learn's numbers, on the rows."""
    w = rows["w"] if shape.weighted else None
    return {
        "performance.log_loss": metrics.log_loss(rows["y"], rows["p"], sample_weight=w),
        "performance.brier": metrics.brier_score_loss(rows["y"], rows["p"], sample_weight=w),
        "performance.roc_auc": metrics.roc_auc_score(rows["y"], rows["p"], sample_weight=w),
    }


@examples(10)
@given(shape=shapes)
def test_means_over_rows_lose_nothing(shape: Shape) -> None:
    """Value, interval, groups and the pictured bins are those of the exact scores."""
    rows = shape.rows()
    due = oracle(rows, shape)
    # A row that weighs nothing is counted among those of its exact score that do.
    tied = shape.weighted and shape.scores == "lumps"
    for name, (binned, exact) in measured(rows, shape, EXACT).items():
        assert close(binned.value, exact.value), name
        assert name not in due or close(binned.value, due[name]), name
        assert np.allclose(bounds(binned), bounds(exact), rtol=1e-9, atol=1e-12), name
        assert binned.interval is not None
        assert exact.interval is not None
        assert binned.interval.method == exact.interval.method
        assert np.allclose(
            binned.interval.grown(7).at(0.95), exact.interval.grown(7).at(0.95), rtol=1e-9, atol=1e-12
        )
        assert (binned.reason, binned.judged_share) == (exact.reason, exact.judged_share)
        if not tied:
            assert binned.n == exact.n
        for one, other in zip(binned.groups, exact.groups, strict=True):
            assert (one.group, one.n, one.judged) == (other.group, other.n, other.judged)
            assert close(one.value, other.value)
        for one_chart, other_chart in zip(binned.charts, exact.charts, strict=True):
            if one_chart.kind != "reliability":
                continue
            for series, points in one_chart.data.items():
                if tied and series == "rows":
                    continue
                assert all(map(close, points, other_chart.data[series])), series


@examples(10)
@given(shape=shapes)
def test_the_area_lies_within_its_bound(shape: Shape) -> None:
    """And the interval holds what the exact one holds, but for the variance of what the order within bins is."""
    rows = shape.rows()
    due = oracle(rows, shape)["performance.roc_auc"]
    found = measured(rows, shape, RANKED)
    binned, exact = found["performance.roc_auc"]
    assert close(exact.value, due)
    error = said(binned)
    assert error > 0
    assert abs(binned.value - due) <= error * (1 + 1e-9)  # type: ignore[operator]
    assert bounds(binned)[0] <= bounds(exact)[0] + error / 20
    assert bounds(binned)[1] >= bounds(exact)[1] - error / 20
    twice, same = found["performance.gini"]
    assert close(twice.value, 2 * binned.value - 1)  # type: ignore[operator]
    assert close(said(twice), 2 * error)
    assert abs(twice.value - same.value) <= 2 * error * (1 + 1e-9)  # type: ignore[operator]
    by_group, plain = found["fairness.group_auc"]
    for one, other in zip(by_group.groups, plain.groups, strict=True):
        assert one.interval is not None
        off = one.interval.error  # type: ignore[attr-defined]
        assert abs(one.value - other.value) <= off * (1 + 1e-9)  # type: ignore[operator]


def said(estimate: Estimate) -> float:
    """Return the bound that the interval carries; its method says so."""
    assert estimate.interval is not None
    assert estimate.interval.method.startswith("delong, binned +-")
    error = estimate.interval.error  # type: ignore[attr-defined]
    assert isinstance(error, float)
    return error


@pytest.mark.parametrize(("scores", "sign"), [("against", 1), ("along", -1)])
def test_the_bound_is_reached(scores: str, sign: int) -> None:
    """Where a positive and a negative share each bin in the wrong order, or the right one, it is all used up."""
    shape = Shape(scores=scores, weighted=False, threshold=0.0, seed=4)
    rows = shape.rows()
    binned, _ = measured(rows, shape, RANKED)["performance.roc_auc"]
    due = oracle(rows, shape)["performance.roc_auc"]
    assert binned.value is not None
    assert binned.value == pytest.approx(0.5, abs=1e-12)
    assert binned.value - due == pytest.approx(sign * said(binned), rel=1e-9)


def test_sevenfold_weights_change_nothing() -> None:
    """Neither values nor intervals."""
    shape = Shape(scores="even", weighted=True, threshold=0.5, seed=11)
    rows = shape.rows()
    one = measured(rows, shape, EXACT | RANKED)
    seven = measured(rows.assign(w=rows["w"] * 7), shape, EXACT | RANKED)
    for name, (binned, _) in one.items():
        assert close(binned.value, seven[name][0].value, 1e-12)
        assert np.allclose(bounds(binned), bounds(seven[name][0]), rtol=1e-11, atol=1e-13)


def test_one_class_has_no_area_in_bins_either() -> None:
    """Nor does one where all positives weigh nothing."""
    shape = Shape(scores="even", weighted=True, threshold=0.5, seed=3)
    rows = shape.rows()
    for changed in (rows.assign(y=1), rows.assign(w=rows["w"].where(rows["y"] == 0, 0.0))):
        changed.loc[0, "y"] = 0  # both classes have to be seen somewhere
        changed.loc[0, "w"] = 0.0
        binned, exact = measured(changed, shape, RANKED)["performance.roc_auc"]
        assert binned.value is None
        assert binned.reason == exact.reason
