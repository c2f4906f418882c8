"""Quantiles, distributions and counts between edges equal what numpy finds on the rows."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlgate.cells import Cut, CutCounts, Distribution, DistributionCounts, QuantileNumbers, Quantiles
from mlgate.errors import EvidenceError
from mlgate.evidence.scan import cuts, plan, scan

if TYPE_CHECKING:
    from mlgate.evidence.tables import Table

TableOf = Callable[..., "Table"]

DRAWN = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
FINITE = st.floats(-1e6, 1e6, allow_subnormal=False) | st.sampled_from([0.0, -0.0, 1.0, 2.0, 0.1])
REALS = st.none() | FINITE | st.just(math.nan)
LEVELS = (0.1, 0.25, 0.5, 0.9)


def held(values: list[Any]) -> list[float]:
    """Return the values that are there."""
    return [one for one in values if one is not None and not math.isnan(one)]


@DRAWN
@given(
    values=st.lists(REALS, max_size=30),
    others=st.lists(st.none() | st.integers(-5, 5), min_size=30, max_size=30),
)
def test_quantiles_equal_numpy(table_of: TableOf, values: list[Any], others: list[Any]) -> None:
    """Linear quantiles, ends and missing values, of columns that share a query and levels."""
    others = others[: len(values)]
    table = table_of(pa.table({"x": pa.array(values, pa.float64()), "y": pa.array(others, pa.int64())}))
    asked = [Quantiles("x", LEVELS), Quantiles("y", (0.5,)), Quantiles("y", ())]
    assert len(plan(table, asked)) == 1
    answers = scan(table, asked)
    for one, column in zip(asked, (values, others, others), strict=True):
        there = held(column)
        found = answers[one]
        assert isinstance(found, QuantileNumbers)
        assert (found.rows, found.nulls) == (len(column), len(column) - len(there))
        if not there:
            assert (found.values, found.low, found.high) == ((), None, None)
            continue
        assert (found.low, found.high) == (min(there), max(there))
        want = [float(one) for one in np.quantile(there, one.levels)] if one.levels else []
        assert list(found.values) == pytest.approx(want, rel=1e-12, abs=1e-9)


def test_infinite_quantiles_are_told(table_of: TableOf) -> None:
    """Infinite values are no missing ones: the ends say that they are there."""
    found = scan(table_of(pa.table({"x": [1.0, math.inf, -math.inf]})), [Quantiles("x", (0.1, 0.5))])
    (answer,) = found.values()
    assert isinstance(answer, QuantileNumbers)
    assert (answer.nulls, answer.low, answer.high) == (0, -math.inf, math.inf)
    assert not math.isfinite(answer.values[0])


@DRAWN
@given(values=st.lists(REALS | st.sampled_from([math.inf, -math.inf]), max_size=40))
def test_distributions_equal_numpy(table_of: TableOf, values: list[Any]) -> None:
    """Every value with its rows, rising; -0.0 and 0.0 are one."""
    table = table_of(pa.table({"x": pa.array(values, pa.float64())}))
    found = scan(table, [Distribution("x")])[Distribution("x")]
    assert isinstance(found, DistributionCounts)
    want, n = np.unique(np.array(held(values), dtype=float) + 0.0, return_counts=True)
    assert found.values.tolist() == want.tolist()
    assert not np.signbit(found.values[found.values == 0.0]).any()
    assert found.n.tolist() == n.tolist()
    assert found.nulls == len(values) - len(held(values))


@DRAWN
@given(
    values=st.lists(REALS | st.sampled_from([math.inf, -math.inf]), max_size=40),
    edges=st.lists(FINITE, max_size=8, unique=True),
    right=st.booleans(),
    searched=st.booleans(),
)
def test_bins_equal_numpy(
    table_of: TableOf, values: list[Any], edges: list[float], right: bool, searched: bool
) -> None:
    """Values on an edge go up or down as asked, whether the engine searches bins or adds comparisons."""
    # 0.0 and -0.0 are one edge.
    asked = Cut("x", tuple(sorted({edge + 0.0 for edge in edges})), right=right)
    table = table_of(pa.table({"x": pa.array(values, pa.float64())}))
    with pytest.MonkeyPatch.context() as patch:
        if not searched:  # as every other engine does
            patch.setattr(cuts, "SEARCHED", ())
        found = scan(table, [asked])[asked]
    place = np.searchsorted(asked.edges, held(values), side="left" if right else "right")
    want = np.bincount(place.astype(int), minlength=len(asked.edges) + 1)
    assert found == CutCounts(counts=tuple(want.tolist()), nulls=len(values) - len(held(values)))


def test_many_columns_and_edges_take_one_query(table_of: TableOf) -> None:
    """One pass counts all columns, each at its own edges."""
    table = table_of("SELECT i AS a, i * 2 AS b, i / 3 AS c FROM range(1000) t(i)")
    asked = [Cut(name, tuple(map(float, range(100)))) for name in "abc"]
    assert len(plan(table, asked)) == 1
    found = scan(table, asked)
    assert found[asked[0]] == CutCounts(counts=(0,) + (1,) * 99 + (901,), nulls=0)
    assert found[asked[1]] == CutCounts(counts=(0,) + (1, 0) * 49 + (1, 950), nulls=0)


def test_moments_count_in_seconds(table_of: TableOf) -> None:
    """Dates and timestamps are seconds since 1970 in UTC."""
    days = [dt.date(1970, 1, 2), dt.date(1970, 1, 4), None]
    table = table_of(pa.table({"d": pa.array(days), "t": pa.array([3600, None, None], pa.timestamp("s"))}))
    asked = [Quantiles("d", (0.5,)), Cut("d", (100_000.0,)), Distribution("t")]
    found = scan(table, asked)
    assert found[asked[0]] == QuantileNumbers(
        rows=3, nulls=1, values=(172_800.0,), low=86_400.0, high=259_200.0
    )
    assert found[asked[1]] == CutCounts(counts=(1, 1), nulls=1)
    distribution = found[asked[2]]
    assert isinstance(distribution, DistributionCounts)
    assert (distribution.values.tolist(), distribution.n.tolist(), distribution.nulls) == ([3600.0], [1], 2)


@pytest.mark.parametrize("statistic", [Quantiles("t", (0.5,)), Distribution("t"), Cut("t", (1.0,))])
def test_texts_have_none_of_it(table_of: TableOf, statistic: Any) -> None:
    """A column of texts is named, and what can be done."""
    with pytest.raises(EvidenceError, match="column 't': is of type string, which has no bins"):
        scan(table_of(pa.table({"t": ["a"]})), [statistic])


@pytest.mark.parametrize("edges", [(2.0, 1.0), (1.0, 1.0), (math.nan,), (math.inf,)])
def test_edges_increase(table_of: TableOf, edges: tuple[float, ...]) -> None:
    """Edges that are no bins are a fault of the measure that asked."""
    with pytest.raises(ValueError, match="not finite and increasing"):
        scan(table_of(pa.table({"x": [1.0]})), [Cut("x", edges)])
