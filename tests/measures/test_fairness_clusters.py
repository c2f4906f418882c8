"""Rows that belong together: groups then tell less, and clusters with rows in two groups tie them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mlgate.estimates import Comparison, Estimate
from mlgate.measures import Measure, conditional, fairness, fairness_means
from mlgate.measures.groups import Grouped, grouped
from mlgate.measures.overlap import WORST, overlap
from tests.conftest import few
from tests.measures.asking import ask, bounds, cells_of, groups_of, rows_of

RATES: tuple[Measure, ...] = (
    fairness.demographic_parity_difference,
    fairness.demographic_parity_ratio,
    fairness.impact_ratio,
    fairness.equalized_odds_difference,
    fairness.equalized_odds_ratio,
    fairness.average_odds_gap,
    fairness.accuracy_gap,
    fairness.WorstGroup,
)


def width(of: Estimate | Comparison) -> float:
    """Return how wide the interval is at 90 %."""
    low, high = bounds(of, 0.9)
    return high - low


@pytest.mark.parametrize("measure", RATES, ids=lambda one: one.id)
def test_rows_of_their_own_clusters_are_independent(measure: Measure) -> None:
    """With a cluster for each row the value is the same and the interval hardly wider, never narrower."""
    frame = rows_of(("a", 200, 60, 50, 190), ("b", 150, 60, 100, 190))
    frame["c"] = range(len(frame))
    plain, alone = ask(measure, frame), ask(measure, frame, cluster="c")
    assert alone.value == pytest.approx(plain.value, rel=1e-12)
    assert width(plain) <= width(alone) * (1 + 1e-9)
    most = (
        1.5 if measure is fairness.average_odds_gap else 1.02
    )  # there nothing is known of how rates go together
    assert width(alone) < most * width(plain)


@pytest.mark.parametrize("measure", RATES, ids=lambda one: one.id)
def test_copies_of_a_row_in_its_cluster_tell_nothing_new(measure: Measure) -> None:
    """Every row nine times over, in one cluster each, is no surer than the rows once."""
    once = rows_of(("a", 200, 60, 50, 190), ("b", 150, 60, 100, 190))
    once["c"] = range(len(once))
    often = pd.concat([once] * 9)
    first, second = ask(measure, once, cluster="c"), ask(measure, often, cluster="c")
    assert second.value == pytest.approx(first.value, rel=1e-12)
    assert width(second) == pytest.approx(width(first), rel=0.01)
    assert width(ask(measure, often)) < 0.4 * width(second)


def paired(opposite: bool) -> pd.DataFrame:
    """Build clusters of two rows, one in each group, with equal or opposite predictions."""
    first = np.arange(400) % 2
    return pd.DataFrame(
        {
            "label": 0,
            "prediction": np.concatenate([first, 1 - first if opposite else first]),
            "g": ["a"] * 400 + ["b"] * 400,
            "c": list(range(400)) * 2,
            "own": range(800),
        }
    )


@pytest.mark.parametrize(
    "measure",
    [fairness.demographic_parity_difference, fairness.demographic_parity_ratio, fairness.impact_ratio],
    ids=lambda one: one.id,
)
def test_groups_that_share_clusters_and_go_apart_are_surer_apart(measure: Measure) -> None:
    """Where one group's rate rises as the other's falls the difference varies twice as much."""
    frame = paired(opposite=True)
    assert width(ask(measure, frame, cluster="c")) > 1.3 * width(ask(measure, frame, cluster="own"))


@pytest.mark.parametrize("measure", [fairness.demographic_parity_difference, fairness.impact_ratio])
def test_groups_that_go_together_are_no_surer_than_independent_ones(measure: Measure) -> None:
    """What clusters with rows in both groups would take off the variance is not counted on."""
    frame = paired(opposite=False)
    shared, own = ask(measure, frame, cluster="c"), ask(measure, frame, cluster="own")
    assert width(shared) == pytest.approx(width(own), rel=1e-9)


@st.composite
def tied(draw: st.DrawFn) -> pd.DataFrame:
    """Draw rows in clusters that may lie in several groups."""
    row = st.tuples(
        st.integers(0, 1),
        st.integers(0, 1),
        st.sampled_from("abc"),
        st.integers(0, 5),
        st.sampled_from([0.5, 1.0, 3.0]),
    )
    columns = ["label", "prediction", "g", "c", "w"]
    frame = pd.DataFrame(draw(st.lists(row, min_size=6, max_size=40)), columns=columns)
    assume(len(set(frame["g"])) > 1)
    return frame


@settings(max_examples=few(25), deadline=None)
@given(frame=tied())
def test_the_factor_is_that_of_the_joint_variance(frame: pd.DataFrame) -> None:
    """Of groups whose clusters vary: 1 - 2 cov / (var + var) by a matrix of all clusters, at least 1."""
    of = grouped(cells_of(frame, ("prediction",), ("g",), "w", "c"), ("g",))
    assert isinstance(of, Grouped)
    hit, w = of.cells.roles["prediction"], of.cells.w
    whole = np.bincount(of.code, w)
    influence = (hit - (np.bincount(of.code, hit * w) / whole)[of.code]) / whole[of.code]
    tied = overlap(of)
    found = None if tied is None else tied.factor(influence)
    assert of.cells.clusters is not None
    sums = np.zeros((6, len(of.groups)))
    seen = np.zeros((6, len(of.groups)), dtype=bool)
    np.add.at(sums, (of.cells.clusters, of.code), influence * w)
    seen[of.cells.clusters, of.code] = True
    product, shared = sums.T @ sums, (seen.T.astype(int) @ seen) > 0
    if found is None:
        assert not shared[np.triu_indices(len(of.groups), 1)].any()
        return
    for i, j in zip(*np.triu_indices(len(of.groups), 1), strict=True):
        due = 1.0
        if shared[i, j]:
            alone = product[i, i], product[j, j]
            due = WORST if min(alone) < 1e-30 else max(1.0, 1.0 - 2.0 * product[i, j] / sum(alone))
        if shared[i, j] and min(product[i, i], product[j, j]) < 1e-20:
            continue  # zero but for rounding: either is right
        assert found[i, j] == found[j, i] == pytest.approx(due, rel=1e-9)


@settings(max_examples=few(25), deadline=None)
@given(frame=tied(), data=st.data())
def test_names_and_order_of_clusters_change_nothing(frame: pd.DataFrame, data: st.DataObject) -> None:
    """Only which rows belong together counts."""
    names = data.draw(st.permutations(range(6)))
    other = frame.assign(c=[names[one] * 7 for one in frame["c"]])
    for measure in RATES:
        first, second = (ask(measure, one, cluster="c") for one in (frame, other))
        assert (first.value, first.reason) == (second.value, second.reason)
        if first.interval is not None:
            assert bounds(second, 0.9) == pytest.approx(bounds(first, 0.9), rel=1e-9, abs=1e-12)


@settings(max_examples=few(25), deadline=None)
@given(frame=tied())
def test_intervals_with_clusters_are_real(frame: pd.DataFrame) -> None:
    """None is of width zero, all hold their value, and 7 times the weights change none of them."""
    for measure in RATES:
        found = ask(measure, frame, cluster="c", weight="w")
        again = ask(measure, frame.assign(w=frame["w"] * 7), cluster="c", weight="w")
        for one, other in zip(found.comparisons, again.comparisons, strict=True):
            low, high = bounds(one, 0.9)
            assert low < high
            assert low - 1e-12 <= one.value <= high + 1e-12
            assert bounds(other, 0.9) == pytest.approx((low, high), rel=1e-9, abs=1e-9)


def test_a_group_of_one_cluster_is_not_judged() -> None:
    """However many rows one customer has, they say nothing of others."""
    frame = rows_of(("a", 40, 15, 15, 40), ("b", 40, 15, 15, 40), ("c", 40, 15, 15, 40))
    frame["c"] = np.where(frame["g"] == "c", 10_000, np.arange(len(frame)) // 2)
    for measure in (*RATES, fairness.group_auc, fairness.calibration_by_group):
        rows = frame.assign(score=frame["prediction"] * 0.5 + 0.25)
        found = ask(measure, rows, cluster="c", min_group=30)
        line = groups_of(found)["c"]
        assert not line.judged
        assert "one cluster, which says nothing of others" in (line.reason or "")
        assert line.value is not None
        assert found.value is not None


@pytest.mark.parametrize("measure", [fairness.group_auc, fairness.calibration_by_group])
def test_scores_of_copies_in_clusters_tell_nothing_new(measure: Measure) -> None:
    """Every scored row nine times over, in one cluster, leaves interval and value where they were."""
    rng = np.random.default_rng(5)
    label = rng.integers(0, 2, 300)
    once = pd.DataFrame({"label": label, "score": np.clip(rng.normal(0.4 + 0.2 * label, 0.2), 0, 1)})
    once["g"], once["c"] = ["a", "b", "b"] * 100, range(300)
    first, second = (ask(measure, one, cluster="c") for one in (once, pd.concat([once] * 9)))
    assert second.value == pytest.approx(first.value, rel=1e-9)
    assert width(second) == pytest.approx(width(first), rel=0.02)


def test_means_and_strata_allow_for_clusters() -> None:
    """Copies in clusters: regression parity, score parity and conditional parity stay as unsure."""
    rng = np.random.default_rng(6)
    once = pd.DataFrame({"label": rng.normal(10, 2, 400), "g": ["a", "b"] * 200, "c": range(400)})
    once["prediction"] = once["label"] + rng.normal(0, 1, 400)
    often = pd.concat([once] * 9)
    for measure, metric in (
        (fairness_means.RegressionParity, "mae"),
        (fairness_means.RegressionParity, "rmse"),
        (fairness_means.RegressionParityRatio, "mae"),
        (fairness_means.RegressionParityRatio, "rmse"),
    ):
        first, second = (
            ask(measure, one, cluster="c", metric=metric, task="regression") for one in (once, often)
        )
        assert width(second) == pytest.approx(width(first), rel=0.01)
    chosen = once.assign(prediction=(once["prediction"] > 10).astype(int), r=["x", "x", "y", "y"] * 100)
    first, second = (
        ask(conditional.ConditionalParity, one, cluster="c", strata="r")
        for one in (chosen, pd.concat([chosen] * 9))
    )
    assert width(second) == pytest.approx(width(first), rel=0.01)


def test_gaps_of_groups_that_share_clusters_are_covered() -> None:
    """Two groups with the same rate whose clusters go apart: the one-sided bound holds at its level.

    200 tables of 60 customers with rows in both groups; as independent rows the true gap of 0.2 would lie
    outside more often than the level says.
    """
    rng = np.random.default_rng(7)
    missed = naive = 0
    tables = 200
    for _ in range(tables):
        up = rng.random(60) < 0.5
        rate_a, rate_b = np.where(up, 0.95, 0.45), np.where(up, 0.05, 0.95)
        frame = pd.DataFrame(
            {
                "prediction": np.concatenate([rng.random(60) < rate_a, rng.random(60) < rate_b]).astype(int),
                "label": 0,
                "g": ["a"] * 60 + ["b"] * 60,
                "c": list(range(60)) * 2,
            }
        )
        # The true rates are 0.7 and 0.5.
        missed += bounds(ask(fairness.demographic_parity_difference, frame, cluster="c"), 0.9)[1] < 0.2
        naive += bounds(ask(fairness.demographic_parity_difference, frame), 0.9)[1] < 0.2
    assert missed <= 0.05 * tables + 2 * (0.05 * 0.95 * tables) ** 0.5
    assert missed <= naive
