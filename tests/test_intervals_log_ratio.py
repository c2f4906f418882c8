"""The ratio of two means over the same rows: the delta method, held to draws and to the jackknife."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate.intervals.log_ratio import log_ratio

UNHURRIED = settings(deadline=None)

RNG = np.random.default_rng(5)
A, B = RNG.exponential(2.0, 300), RNG.exponential(1.0, 300)
ONE = np.ones(300)


def test_the_value_is_the_logarithm_of_the_ratio() -> None:
    """And the interval that of the delta method, which the jackknife confirms."""
    found = log_ratio(A, B, ONE, ONE)
    assert found is not None
    assert found.value == pytest.approx(math.log(A.mean() / B.mean()), rel=1e-12)
    without = [math.log(np.delete(A, i).mean() / np.delete(B, i).mean()) for i in range(300)]
    assert found.variance == pytest.approx(299 * np.var(without), rel=0.02)
    assert found.method == "delta"
    assert found.n == pytest.approx(300)


def test_that_rows_are_the_same_ones_is_known() -> None:
    """Losses that go together leave a narrow ratio."""
    apart, together = log_ratio(A, B, ONE, ONE), log_ratio(A, A + 0.1 * B, ONE, ONE)
    assert apart is not None
    assert together is not None
    assert together.variance < apart.variance / 20


def test_proportional_losses_are_taken_as_independent() -> None:
    """Row by row twice the loss: no variance to first order, and yet not certain."""
    found, alone = log_ratio(2 * A, A, ONE, ONE), log_ratio(A, 1.0, ONE, ONE)
    assert found is not None
    assert alone is not None
    assert found.value == pytest.approx(math.log(2))
    assert found.variance == pytest.approx(2 * alone.variance, rel=1e-9)


@UNHURRIED
@given(
    st.lists(
        st.tuples(st.floats(0, 9), st.floats(0.1, 9), st.floats(0.1, 9), st.integers(0, 4)),
        min_size=2,
        max_size=30,
    ),
    st.booleans(),
)
def test_neither_the_scale_of_weights_nor_of_losses_matters(
    rows: list[tuple[float, float, float, int]], clustered: bool
) -> None:
    """Seven times the weights, or both losses a thousandfold."""
    a, b, w, place = (np.array(column) for column in zip(*rows, strict=True))
    clusters = place.astype(np.int64) if clustered else None
    one = log_ratio(a, b, w, w**2, clusters=clusters)
    for other in (
        log_ratio(a, b, 7 * w, 49 * w**2, clusters=clusters),
        log_ratio(1000 * a, 1000 * b, w, w**2, clusters=clusters),
    ):
        if one is None or one.variance < 1e-20:
            continue
        assert other is not None
        assert other.value == pytest.approx(one.value, abs=1e-9)
        assert other.variance == pytest.approx(one.variance, rel=1e-6)


def test_copies_within_a_cluster_are_no_new_rows() -> None:
    """Five copies of each row in one cell, each row a cluster."""
    alone, together = (
        log_ratio(A, B, ONE, ONE),
        log_ratio(A, B, 5 * ONE, 5 * ONE, clusters=np.arange(300)),
    )
    assert alone is not None
    assert together is not None
    assert together.variance == pytest.approx(alone.variance, rel=1e-9)
    assert together.method == "delta, clusters"


@pytest.mark.parametrize(
    ("a", "b", "w"),
    [
        ([0.0, 0.0], [1.0, 2.0], [1, 1]),
        ([1.0, 2.0], [0.0, 0.0], [1, 1]),
        ([1.0, 1.0], [2.0, 2.0], [1, 1]),
        ([1.0], [2.0], [1]),
        ([], [], []),
        ([math.nan, 1.0], [1.0, 2.0], [1, 1]),
        ([math.inf, 1.0], [1.0, 2.0], [1, 1]),
        ([1.0, 2.0], [1.0, 2.0], [0, 0]),
        ([1.0, 2.0], [1.0, 3.0], [1, 0]),
    ],
)
def test_what_has_no_ratio_or_no_variance_has_none(a: list[float], b: list[float], w: list[float]) -> None:
    """A mean of 0, equal losses, one row, nothing, or what is no number."""
    weights = np.array(w, dtype=float)
    assert log_ratio(a, b, weights, weights**2) is None
