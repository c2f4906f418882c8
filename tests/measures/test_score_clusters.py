"""Measures of scores where rows belong together: what a cluster repeats tells nothing new."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mlgate.cells import Answers, Cells, Columns
from mlgate.estimates import Estimate
from mlgate.measures import Measure, calibration, catalogue, ranking

Floats = NDArray[np.float64]

ROC_AUC = catalogue()["performance.roc_auc"]

MEASURES = [
    found
    for module in (ranking, calibration)
    for found in vars(module).values()
    if isinstance(found, Measure)
]
CLUSTERED = Columns(names=("y", "p", "who"), types={}, label="y", score="p", cluster="who")

every_measure = pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.id)


def ask(measure: Measure, label: Any, score: Any, who: Any = None, w: Any = None) -> Estimate:
    """Put the question as the gate does, one cell a row; `who` names each row's cluster."""
    n = np.ones(len(label), dtype=np.int64)
    weight = n.astype(float) if w is None else np.asarray(w, dtype=float)
    cells = Cells(
        roles={"label": np.asarray(label, dtype=float), "score": np.asarray(score, dtype=float)},
        groups={},
        n=n,
        w=weight,
        w2=weight**2,
        weighted=w is not None,
        clusters=None if who is None else np.asarray(who, dtype=np.int64),
    )
    params: dict[str, Any] = {name: one.default for name, one in measure.params.items()}
    if "min_group" in measure.injected:
        params["min_group"] = 1
    (wanted,) = measure.plan(params, CLUSTERED)
    assert getattr(wanted, "clustered", None) is True
    return measure.value(Answers({wanted: cells}), params)


def bounds(found: Estimate, confidence: float = 0.9) -> tuple[float, float]:
    """Return the interval, which has to be there."""
    assert found.interval is not None
    return found.interval.at(confidence)


def drawn(size: int, seed: int = 1) -> tuple[Floats, Floats]:
    """Draw labels and honest scores."""
    rng = np.random.default_rng(seed)
    score = rng.uniform(0.05, 0.95, size)
    return (rng.random(size) < score).astype(float), score


@every_measure
def test_repeating_every_row_in_its_cluster_tells_nothing_new(measure: Measure) -> None:
    """Sixty rows ten times each, a cluster a row: as wide as the sixty, not as six hundred."""
    label, score = drawn(60)
    once = ask(measure, label, score)
    often = ask(measure, np.tile(label, 10), np.tile(score, 10), np.tile(np.arange(60), 10))
    careless = ask(measure, np.tile(label, 10), np.tile(score, 10))
    assert often.value == pytest.approx(once.value)
    width, wide = np.diff(bounds(once))[0], np.diff(bounds(often))[0]
    assert 0.75 * width < wide < 1.35 * width
    assert np.diff(bounds(careless))[0] < 0.85 * wide


@every_measure
def test_clusters_of_one_row_are_independent_rows(measure: Measure) -> None:
    """Naming a cluster that never holds two rows changes the interval by little more than nothing."""
    label, score = drawn(400)
    plain, named = ask(measure, label, score), ask(measure, label, score, np.arange(400))
    assert named.value == plain.value
    low, high = bounds(plain)
    assert bounds(named) == pytest.approx((low, high), abs=0.12 * (high - low))
    assert named.interval is not None
    assert named.interval.method.endswith(", clusters")


@every_measure
def test_one_cluster_shows_nothing_of_how_clusters_differ(measure: Measure) -> None:
    """A value and no interval, with the reason: nothing can pass on it."""
    found = ask(measure, *drawn(50), np.full(50, 3))
    assert found.value is not None
    assert found.interval is None
    assert "too few clusters" in str(found.reason)


@every_measure
def test_two_clusters_are_hardly_more_than_none(measure: Measure) -> None:
    """With two clusters the interval is there, finite, and around the value; a slope uses up both."""
    label, score = drawn(200)
    found = ask(measure, label, score, np.arange(200) % 2)
    if measure is calibration.calibration_slope:
        assert found.interval is None
        return
    low, high = bounds(found)
    assert math.isfinite(low)
    assert math.isfinite(high)
    assert low < high
    assert low <= (found.value or 0.0) <= high


@every_measure
def test_the_scale_of_weights_and_the_names_of_clusters_are_nothing(measure: Measure) -> None:
    """Weights times 7, clusters numbered with gaps, rows in another order: the same interval."""
    rng = np.random.default_rng(3)
    label, score = drawn(120)
    who, w, order = rng.integers(0, 25, 120), rng.uniform(0.1, 5.0, 120), rng.permutation(120)
    one = ask(measure, label, score, who, w)
    other = ask(measure, label[order], score[order], 1000 - 7 * who[order], 7 * w[order])
    assert other.value == pytest.approx(one.value, rel=1e-9)
    assert bounds(other) == pytest.approx(bounds(one), rel=1e-6, abs=1e-9)


@every_measure
def test_the_interval_of_more_clusters_is_nearer(measure: Measure) -> None:
    """As the needed rows are told by it, a hundred times the clusters lie about ten times closer."""
    label, score = drawn(200)
    interval = ask(measure, label, score, np.arange(200) // 4).interval
    assert interval is not None
    (low, high), (lower, higher) = interval.at(0.9), interval.grown(100.0).at(0.9)
    assert lower < higher
    assert higher - lower < 0.3 * (high - low)


@pytest.mark.slow
@pytest.mark.parametrize("measure", [ROC_AUC, calibration.log_loss, calibration.observed_expected])
def test_each_bound_of_clusters_is_wrong_about_one_time_in_twenty(measure: Measure) -> None:
    """On 300 tables of 60 clusters of ten rows that share a lot, each end misses the truth at most 9 %.

    Taking the rows for independent misses in 10 % and more.
    """

    def table(rng: np.random.Generator, clusters: int) -> tuple[Floats, Floats, NDArray[np.int64]]:
        shared, hidden = (np.repeat(rng.normal(size=clusters), 10) for _ in range(2))
        logit = shared + rng.normal(size=10 * clusters) - 0.7
        label = rng.random(10 * clusters) < 1 / (1 + np.exp(-logit - hidden))
        return label.astype(float), 1 / (1 + np.exp(-logit)), np.repeat(np.arange(clusters), 10)

    truth = ask(measure, *table(np.random.default_rng(3), 40_000)).value
    assert truth is not None
    rng, past = np.random.default_rng(5), np.zeros(2)
    for _ in range(300):
        low, high = bounds(ask(measure, *table(rng, 60)))
        past += [truth < low, truth > high]
    assert past.max() <= 27
