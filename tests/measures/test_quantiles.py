"""Stated quantiles and intervals, against scikit-learn and a count by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from mlgate.cells import Columns, Counts
from mlgate.errors import EvidenceError, PolicyError
from mlgate.intervals import proportion
from mlgate.measures import quantiles
from tests.measures.number_rows import NUMBERS, WEIGHTS, ask, bounds, columns

UNHURRIED = settings(deadline=None, max_examples=40)

ROWS = st.lists(
    st.tuples(NUMBERS, NUMBERS, NUMBERS, WEIGHTS, st.integers(0, 6)), min_size=1, max_size=30
).map(lambda lines: pd.DataFrame(lines, columns=["label", "lower", "upper", "w", "cluster"]))

RNG = np.random.default_rng(2)
LABEL = RNG.normal(50.0, 10.0, 400)
WIDE = pd.DataFrame({"label": LABEL, "lower": 50 - 12.8, "upper": 50 + 12.8, "w": 1.0, "cluster": range(400)})
"""Intervals of 80 % for every row."""


def of(levels: Any = (0.1, 0.9), **more: Any) -> Columns:
    """Return columns with these quantiles."""
    return columns(quantiles={level: f"p{level}" for level in levels}, **more)


def with_quantiles(rows: pd.DataFrame) -> pd.DataFrame:
    """Let the ends of the intervals be the quantiles 0.1 and 0.9."""
    return rows.rename(columns={"lower": "quantile:0.1", "upper": "quantile:0.9"})


@UNHURRIED
@given(rows=ROWS, level=st.sampled_from([0.1, 0.9]), weighted=st.booleans())
def test_pinball_loss_is_scikit_learns(rows: pd.DataFrame, level: float, weighted: bool) -> None:
    """On any rows, with and without weights."""
    rows = with_quantiles(rows)
    found = ask(quantiles.PinballLoss, rows, weighted=weighted, of=of(), level=level)
    weights = rows["w"] if weighted else None
    theirs = sk.mean_pinball_loss(
        rows["label"], rows[f"quantile:{level}"], sample_weight=weights, alpha=level
    )
    assert found.value == pytest.approx(theirs, rel=1e-9)
    assert found.n == len(rows)
    if found.interval is not None:
        assert bounds(found)[0] >= 0.0
        assert found.interval.at(0.9) == pytest.approx(found.interval.grown(1.0).at(0.9))
    else:
        assert found.reason


@UNHURRIED
@given(rows=ROWS, weighted=st.booleans(), ordered=st.booleans())
def test_coverage_is_a_count(rows: pd.DataFrame, weighted: bool, ordered: bool) -> None:
    """Ends included; crossed ends are a fault of the table."""
    if ordered:
        low, high = rows[["lower", "upper"]].min(axis=1), rows[["lower", "upper"]].max(axis=1)
        rows = rows.assign(lower=low, upper=high)
    found = ask(quantiles.interval_coverage, rows, weighted=weighted, of=columns(interval=("lo", "hi")))
    crossed = int((rows["lower"] > rows["upper"]).sum())
    if crossed:
        assert found.value is None
        assert f"in {crossed} of {len(rows)} rows" in (found.reason or "")
        return
    inside = rows["label"].between(rows["lower"], rows["upper"])
    assert found.value == pytest.approx(np.average(inside, weights=rows["w"] if weighted else None), rel=1e-9)
    low, high = bounds(found)
    assert 0.0 <= low < high <= 1.0
    (chart,) = found.charts
    assert sum(float(one or 0) for one in chart.data["rows"]) == len(rows)


def test_coverage_has_wilsons_interval() -> None:
    """Without weights and clusters."""
    found = ask(quantiles.interval_coverage, WIDE, of=columns(interval=("lo", "hi")))
    hits = int(WIDE["label"].between(WIDE["lower"], WIDE["upper"]).sum())
    theirs = proportion(hits, 400).interval
    assert theirs is not None
    assert found.value == hits / 400
    assert bounds(found) == pytest.approx(theirs.at(0.9), rel=1e-9)


@pytest.mark.parametrize("name", ["PinballLoss", "QuantileCoverage", "interval_coverage"])
def test_copies_in_a_cluster_are_no_new_rows(name: str) -> None:
    """Four copies of each row in its own cluster: the interval of the rows; without clusters half of it."""
    measure = getattr(quantiles, name)
    params = {"level": 0.1} if name == "PinballLoss" else {}
    roles: dict[str, Any] = {"interval": ("lo", "hi"), "quantiles": {0.1: "a", 0.9: "b"}}
    rows, fourfold = with_and_without(WIDE), pd.concat([with_and_without(WIDE)] * 4)
    alone = bounds(ask(measure, rows, of=columns(**roles), **params))
    naive = bounds(ask(measure, fourfold, of=columns(**roles), **params))
    roles["cluster"] = "cluster"
    together = bounds(ask(measure, fourfold, clustered=True, of=columns(**roles), **params))
    assert together == pytest.approx(alone, rel=0.02)
    assert naive[1] - naive[0] < 0.6 * (alone[1] - alone[0])


def with_and_without(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows that have both the ends and the quantiles."""
    return rows.assign(**{"quantile:0.1": rows["lower"], "quantile:0.9": rows["upper"]})


def test_every_quantile_is_judged() -> None:
    """The value is the furthest, each has a comparison, and the picture shows shares with their doubt."""
    rows = with_quantiles(WIDE).assign(**{"quantile:0.9": 50.0})
    found = ask(quantiles.QuantileCoverage, rows, of=of())
    below = [(rows["label"] <= rows[f"quantile:{level}"]).mean() for level in (0.1, 0.9)]
    assert found.value == pytest.approx(0.9 - below[1])
    assert [one.name for one in found.comparisons] == ["quantile 0.1", "quantile 0.9"]
    assert [one.value for one in found.comparisons] == pytest.approx([abs(below[0] - 0.1), 0.9 - below[1]])
    assert found.comparisons[1].interval is not None
    low, high = found.comparisons[1].interval.at(0.9)
    wilson = proportion(round(below[1] * 400), 400).interval
    assert wilson is not None
    assert (low, high) == pytest.approx([0.9 - bound for bound in reversed(wilson.at(0.9))])
    (chart,) = found.charts
    assert chart.kind == "quantile-coverage"
    assert chart.data["level"] == (0.1, 0.9)
    assert chart.data["observed"] == pytest.approx(below)
    assert chart.data["rows"] == (400.0, 400.0)
    for low, observed, high in zip(*(chart.data[name] for name in ("low", "observed", "high")), strict=True):
        assert low < observed < high  # type: ignore[operator]


def test_a_quantile_that_is_never_reached_is_not_certain() -> None:
    """No label below it: the share 0 has an upper bound, and so has its gap."""
    found = ask(
        quantiles.QuantileCoverage, with_quantiles(WIDE).assign(**{"quantile:0.1": -1e9}), of=of((0.1,))
    )
    assert found.value == pytest.approx(0.1)
    assert found.comparisons[0].interval is not None
    low, high = found.comparisons[0].interval.at(0.9)
    assert low < 0.1 <= high


def test_the_only_level_need_not_be_named() -> None:
    """With one quantile there is no doubt about which."""
    (asked,) = quantiles.PinballLoss.plan({"level": None}, of((0.25,)))
    assert asked == Counts(roles=("label", "quantile:0.25"))


def test_a_level_is_found_however_it_is_written() -> None:
    """0.1 + 0.2 is 0.3 to everybody but a computer."""
    (asked,) = quantiles.PinballLoss.plan({"level": 0.1 + 0.2}, of((0.3, 0.5)))
    assert asked == Counts(roles=("label", "quantile:0.3"))


def test_a_level_that_is_not_there_is_an_error() -> None:
    """It says which there are, and what to write."""
    with pytest.raises(EvidenceError, match=r"quantile 0\.2: .*it has 0\.1, 0\.9\); add `0\.2: COLUMN`"):
        quantiles.PinballLoss.plan({"level": 0.2}, of())
    with pytest.raises(EvidenceError, match=r"it has none"):
        quantiles.PinballLoss.plan({"level": 0.2}, columns())
    with pytest.raises(PolicyError, match=r"no level is given, and the release has 0\.1, 0\.9"):
        quantiles.PinballLoss.plan({"level": None}, of())


@pytest.mark.parametrize("name", ["PinballLoss", "QuantileCoverage", "interval_coverage"])
@pytest.mark.parametrize("bad", [None, math.nan, math.inf])
def test_what_is_not_there_is_missing(name: str, bad: float | None) -> None:
    """No rows at all, or a quantile or end that is no number."""
    measure = getattr(quantiles, name)
    rows = with_and_without(WIDE.iloc[:0] if bad is None else WIDE.copy())
    if bad is not None:
        rows.loc[3, ["lower", "quantile:0.1"]] = bad
    known = columns(interval=("lo", "hi"), quantiles={0.1: "a"})
    params = {"level": 0.1} if name == "PinballLoss" else {}
    found = ask(measure, rows, of=known, **params)
    assert found.value is None
    assert found.reason


def test_equal_losses_have_no_interval() -> None:
    """Every label on its quantile: a loss of 0 that is not certain."""
    rows = with_quantiles(WIDE).assign(**{"quantile:0.1": LABEL})
    found = ask(quantiles.PinballLoss, rows, of=of((0.1,)))
    assert found.value == 0.0
    assert found.interval is None
    assert found.reason


def test_losses_past_all_numbers_are_missing() -> None:
    """1.7e308 below -1.7e308 is no number."""
    rows = with_quantiles(WIDE.iloc[:2].assign(label=1.7e308, lower=-1.7e308))
    found = ask(quantiles.PinballLoss, rows, of=of((0.1,)))
    assert found.value is None
    assert found.reason
