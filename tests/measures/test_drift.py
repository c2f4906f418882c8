"""Drift equals what scipy and numpy find on the rows, and never says that nothing moved by accident."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency, ks_2samp, wasserstein_distance

from mlgate.cells import (
    Answer,
    Answers,
    Columns,
    ColumnType,
    Cut,
    CutCounts,
    Distribution,
    DistributionCounts,
    On,
    QuantileNumbers,
    Quantiles,
    Statistic,
    ValueCounts,
    Values,
)
from mlgate.errors import EvidenceError, PolicyError
from mlgate.estimates import Estimate
from mlgate.findings import Outcome
from mlgate.limits import Decision, Limit, Op, Rule, decide
from mlgate.measures import Measure, drift, drift_bands, drift_categories, drift_compared
from mlgate.measures.against import Against

Table = Mapping[str, Sequence[Any]]

DRAWN = settings(max_examples=25, deadline=None)
MANY = 120
"""Rows that are enough for an interval."""


def typed(values: Sequence[Any]) -> ColumnType:
    """Return the type that a column of these values has."""
    there = [one for one in values if one is not None]
    if any(isinstance(one, str) for one in there) or not there:
        return "string"
    return "integer" if all(isinstance(one, int) for one in there) else "number"


def columns_of(table: Table, **roles: Any) -> Columns:
    """Return a table whose columns are features, but for roles."""
    types = {name: typed(values) for name, values in table.items()}
    used = {one for one in roles.values() if isinstance(one, str)}
    features = roles.pop("features", tuple(name for name in table if name not in used))
    return Columns(names=tuple(table), types=types, features=features, **roles)


def answered(table: Table, statistic: Statistic) -> Answer:
    """Answer a statistic with numpy."""
    assert isinstance(statistic, Quantiles | Cut | Distribution | Values)
    values = table[statistic.column]
    there = [one for one in values if one is not None]
    nulls = len(values) - len(there)
    match statistic:
        case Values():
            counts = Counter(map(str, there))
            return ValueCounts(
                rows=len(values), nulls=nulls, distinct=len(counts), counts=tuple(counts.most_common(10_000))
            )
        case Quantiles(_, levels):
            with np.errstate(invalid="ignore"):  # between infinite values
                found = tuple(float(one) for one in np.quantile(there, levels)) if there and levels else ()
            low, high = (float(min(there)), float(max(there))) if there else (None, None)
            return QuantileNumbers(rows=len(values), nulls=nulls, values=found, low=low, high=high)
        case Cut(_, edges, right):
            place = np.searchsorted(edges, there, side="left" if right else "right").astype(int)
            counted = np.bincount(place, minlength=len(edges) + 1)
            return CutCounts(counts=tuple(counted.tolist()), nulls=nulls)
        case Distribution():
            distinct, n = np.unique(np.array(there, dtype=float), return_counts=True)
            return DistributionCounts(values=distinct, n=n, nulls=nulls)


def ask(
    measure: Measure, train: Table, judged: Table, *, roles: Mapping[str, Any] | None = None, **params: Any
) -> Estimate:
    """Ask a measure of two tables, as the gate does."""
    here, there = columns_of(judged, **(roles or {})), columns_of(train, **(roles or {}))
    full = {name: parameter.default for name, parameter in measure.params.items()} | params
    full["against"] = Against(name="train", columns=there, judged=here)
    if "seed" in measure.injected:
        full["seed"] = 0
    answers: dict[Statistic, Answer] = {}
    planned = measure.plan(full, here)
    for asked in (planned, None):
        for one in asked if asked is not None else measure.further(Answers(dict(answers)), full):
            inner = one.statistic if isinstance(one, On) else one
            answers[one] = answered(train if isinstance(one, On) else judged, inner)
    return measure.value(Answers(answers), full)


def psi(p: Any, q: Any) -> float:
    """Return the index from counts, as its definition reads."""
    p, q = (np.maximum(np.asarray(one) / np.sum(one), 1e-4) for one in (p, q))
    return float(((q - p) * np.log(q / p)).sum())


NUMBERS = st.lists(
    st.integers(-5, 5).map(float) | st.floats(-10, 10, allow_subnormal=False).map(lambda one: round(one, 3)),
    min_size=2,
    max_size=60,
)


@DRAWN
@given(
    train=NUMBERS,
    judged=NUMBERS,
    bins=st.integers(2, 12),
    closed=st.sampled_from(["left", "right"]),
    statistic=st.sampled_from(["psi", "jensen-shannon", "chi-squared"]),
)
def test_bins_are_pandas_qcuts(
    train: list[float], judged: list[float], bins: int, closed: str, statistic: str
) -> None:
    """With dropped duplicates the bins are numpy's quantiles, the outer ones open, and the rest scipy's."""
    if min(train) == max(train) == min(judged) == max(judged):
        return
    found = ask(
        drift.Univariate,
        {"x": train},
        {"x": judged},
        statistic=statistic,
        bins=bins,
        closed=closed,
        duplicates="drop",
    )
    levels = [rank / bins for rank in range(1, bins)]
    edges = sorted(set(np.quantile(train, levels)) - {min(train), max(train)})
    side = "right" if closed == "left" else "left"
    p, q = (
        np.bincount(np.searchsorted(edges, one, side=side), minlength=len(edges) + 1)
        for one in (train, judged)
    )
    used = (p + q) > 0
    if statistic == "psi":
        expected = psi(p, q)
    elif statistic == "jensen-shannon":
        expected = float(jensenshannon(p, q, base=2))
    else:
        tested = chi2_contingency([p[used], q[used]], correction=False) if used.sum() > 1 else None
        expected = math.sqrt(tested.statistic / (p.sum() + q.sum())) if tested else 0.0
    assert found.groups[0].value == pytest.approx(expected, rel=1e-9, abs=1e-7)


@DRAWN
@given(train=NUMBERS, judged=NUMBERS)
def test_distances_are_scipys(train: list[float], judged: list[float]) -> None:
    """Kolmogorov-Smirnov, and Wasserstein over the standard deviation of the reference."""
    if min(train) == max(train):
        return
    ks = ask(drift.Univariate, {"x": train}, {"x": judged}, statistic="ks")
    assert ks.groups[0].value == pytest.approx(ks_2samp(train, judged, method="asymp").statistic, abs=1e-9)
    moved = ask(drift.Univariate, {"x": train}, {"x": judged}, statistic="wasserstein")
    expected = wasserstein_distance(train, judged) / np.std(train)
    assert moved.groups[0].value == pytest.approx(expected, rel=1e-9, abs=1e-9)


@DRAWN
@given(
    train=st.lists(st.none() | st.sampled_from("abcd"), min_size=2, max_size=60),
    judged=st.lists(st.none() | st.sampled_from("abcde"), min_size=2, max_size=60),
)
def test_categories_are_compared_one_by_one(train: list[Any], judged: list[Any]) -> None:
    """With a missing value as one more of them."""
    if {None} in (set(train), set(judged)) or (len(set(train)) == 1 and set(train) == set(judged)):
        return
    found = ask(drift.Univariate, {"t": train}, {"t": judged}, statistic="jensen-shannon")
    names = sorted({str(one) for one in (*train, *judged)})
    p, q = ([Counter(map(str, one))[name] for name in names] for one in (train, judged))
    assert found.groups[0].value == pytest.approx(float(jensenshannon(p, q, base=2)), abs=1e-9)


@DRAWN
@given(
    seed=st.integers(0, 2**32),
    shift=st.floats(-2.0, 2.0),
    whole=st.floats(0.0, 0.9),
    statistic=st.sampled_from(["ks", "wasserstein"]),
)
def test_bins_of_long_tables_hide_no_more_than_they_say(
    seed: int, shift: float, whole: float, statistic: str
) -> None:
    """The exact value lies in what the bins leave open, whatever the interval around it."""
    rng = np.random.default_rng(seed)
    train, judged = (
        np.where(rng.random(200) < whole, rng.integers(0, 4, 200), rng.normal(moved, size=200)).tolist()
        for moved in (0.0, shift)
    )
    exact = ask(drift.Univariate, {"x": train}, {"x": judged}, statistic=statistic)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drift_compared, "EXACT_ROWS", 0)
        found = ask(drift.Univariate, {"x": train}, {"x": judged}, statistic=statistic)
    band = found.comparisons[0].interval
    assert isinstance(band, drift_bands.Band)
    assert found.value is not None
    assert abs(found.value - (exact.value or 0.0)) <= band.hidden + 1e-9
    low, high = band.at(0.9)
    assert low - 1e-9 <= (exact.value or 0.0) <= high + 1e-9


@pytest.mark.parametrize("statistic", ["psi", "jensen-shannon", "chi-squared", "ks", "wasserstein"])
@pytest.mark.parametrize("moved", [0.0, 0.3, 5.0])
def test_intervals_hold_the_value_and_widen(statistic: str, moved: float) -> None:
    """Never of width zero, wider at more confidence, narrower with more rows."""
    rng = np.random.default_rng(0)
    train, judged = rng.normal(size=400).tolist(), rng.normal(moved, size=300).tolist()
    found = ask(drift.Univariate, {"x": train}, {"x": judged}, statistic=statistic)
    (one,) = found.comparisons
    assert one.interval is not None
    widths = []
    for confidence in (0.5, 0.8, 0.9, 0.99, 0.9999):
        low, high = one.interval.at(confidence)
        assert low <= one.value <= high
        widths.append(high - low)
    assert widths[0] > 0.0
    assert widths == sorted(widths)
    low, high = one.interval.grown(4.0).at(0.9)
    assert high - low < widths[2]


@pytest.mark.parametrize("statistic", ["psi", "jensen-shannon", "chi-squared", "ks"])
def test_tables_without_a_common_value(statistic: str) -> None:
    """One value here and another there is the largest drift there is, and no doubt about it."""
    found = ask(drift.Univariate, {"x": [0.0] * 300}, {"x": [1.0] * 300}, statistic=statistic)
    (one,) = found.comparisons
    assert one.interval is not None
    low, high = one.interval.at(0.9)
    assert high == pytest.approx(one.value)
    assert 0.5 < low < high
    assert one.interval.grown(10.0).at(0.9)[0] > low


def test_a_value_that_fills_a_bin_is_seen() -> None:
    """Of 0 / 1 columns the quantile bins of pandas hold all in one; a bin of its own shows what moved."""
    train, judged = {"x": [0] * 97 * 5 + [1] * 3 * 5}, {"x": [0] * 200 + [1] * 300}
    assert (ask(drift.Univariate, train, judged).value or 0.0) > 1.0
    dropped = ask(drift.Univariate, train, judged, duplicates="drop")
    assert dropped.groups[0].value == 0.0
    assert dropped.comparisons[0].interval is None  # not measured, and by no means passed
    assert "one bin" in (dropped.reason or "")


def test_missing_values_are_shown_and_count() -> None:
    """Half of the values gone is drift; left out on request, it is still told."""
    train, judged = {"x": [1, 2, 3, 4] * 100}, {"x": [1, 2, 3, 4] * 50 + [None] * 200}
    for statistic in ("psi", "jensen-shannon", "chi-squared", "ks"):
        assert (ask(drift.Univariate, train, judged, statistic=statistic).value or 0.0) > 0.4
        ignored = ask(drift.Univariate, train, judged, statistic=statistic, missing="ignore")
        assert ignored.value == pytest.approx(0.0)
        assert "missing: 50.0%, was 0.0%" in (ignored.groups[0].reason or "")


def test_listed_columns_are_named_with_their_reason() -> None:
    """Keys, times, row numbers, constants, days and free text are not judged, and not passed over."""
    train: dict[str, Sequence[Any]] = {
        "x": [1.5, 2.5, 3.5] * 50,
        "id": list(range(900, 1050)),
        "number": list(range(150)),
        "constant": [7] * 150,
        "day": [f"2026-01-{day:02}" for day in range(1, 31)] * 5,
        "note": [f"note {rank}" for rank in range(150)],
    }
    judged = {**train, "number": list(range(150, 300)), "note": [f"other {rank}" for rank in range(150)]}
    found = ask(drift.Univariate, train, judged, roles={"key": "id"})
    assert [one.name for one in found.comparisons] == ["x"]
    listed = {one.group["column"]: one.reason or "" for one in found.groups if not one.judged}
    assert set(listed) == {"id", "number", "constant", "day", "note"}
    assert "key" in listed["id"]
    assert "numbers the rows" in listed["number"]
    assert "one value" in listed["constant"]
    assert "days" in listed["day"]
    assert "occurs once" in listed["note"]


@pytest.mark.parametrize("measure", [drift.Univariate, drift_categories.NewCategories])
def test_free_text_that_became_one_value_is_not_passed_over(measure: Measure) -> None:
    """As when an extract fills a column with a default: free text in one table, few values in the other."""
    train: Table = {"x": ["a", "b", "c"] * 50, "note": [f"note {rank}" for rank in range(150)]}
    judged: Table = {"x": ["a", "b", "c"] * 50, "note": ["none"] * 150}
    found = decide(ask(measure, train, judged), measure.kind, Limit(Op.AT_MOST, 0.25), Rule(guard=0.0))
    assert found.outcome is Outcome.NOT_MEASURED
    assert "note" in (found.reason or "")
    assert "repeat" in (found.reason or "")


@pytest.mark.parametrize("name", ["constant", "note"])
def test_what_is_named_is_not_left_out(name: str) -> None:
    """A column that the policy names and that cannot be compared is not measured."""
    train: dict[str, Sequence[Any]] = {"constant": [7] * 150, "note": [f"note {rank}" for rank in range(150)]}
    found = ask(drift.Univariate, train, train, columns=[name])
    assert found.value is None
    assert name in (found.reason or "")


@pytest.mark.parametrize(
    ("train", "judged", "said"),
    [
        ({"x": ["a"] * MANY}, {"x": [1] * MANY}, "of type integer in the judged table and of type string"),
        ({"x": [1, 2] * MANY, "z": [1, 2] * MANY}, {"x": [1, 2] * MANY}, "the judged table lacks it"),
        ({"x": [1, 2] * MANY}, {"x": [1, 2] * MANY, "z": [1, 2] * MANY}, "table 'train' lacks it"),
        ({"x": [1, 2] * MANY}, {"x": []}, "judged table"),
        ({"x": [1.0, math.inf] * MANY}, {"x": [1.0, 2.0] * MANY}, "infinite"),
        ({"x": [1.0, 2.0] * MANY}, {"x": [1.0, math.inf] * MANY}, "infinite"),
        ({}, {}, "no column to compare"),
    ],
)
def test_what_cannot_be_compared_is_never_passed(train: Table, judged: Table, said: str) -> None:
    """A reason that a person understands, and no pass, however well other columns compare."""
    found = decided(ask(drift.Univariate, train, judged))
    assert found.outcome is Outcome.NOT_MEASURED
    assert said in (found.reason or "")


def decided(found: Estimate) -> Decision:
    """Hold an estimate against the usual limit."""
    return decide(found, "estimate", Limit(Op.AT_MOST, 0.25), Rule(guard=0.05))


def test_what_cannot_be_compared_hides_no_drift() -> None:
    """A column of another type, beside one that has surely moved: the finding fails, and names both."""
    train: Table = {"x": [1, 2, 3] * MANY, "y": ["a"] * (3 * MANY)}
    judged: Table = {"x": [7, 8, 9] * MANY, "y": [1] * (3 * MANY)}
    found = ask(drift.Univariate, train, judged)
    assert (decided(found).outcome, decided(found).decides) == (Outcome.FAIL, "x")
    assert {one.group["column"] for one in found.groups} == {"x", "y"}


def test_many_categories_for_few_rows() -> None:
    """What chance alone spreads is shown and not judged."""
    rng = np.random.default_rng(1)
    train, judged = ({"t": [f"c{one}" for one in rng.integers(0, 80, 200)]} for _ in range(2))
    found = ask(drift.Univariate, train, judged)
    assert found.value is not None
    assert found.comparisons[0].interval is None
    assert "too few" in (found.reason or "")


def test_columns_that_are_named_wrong_are_errors() -> None:
    """What a policy names and no table has is an error, not a finding."""
    both = {"x": [1, 2] * MANY}
    with pytest.raises(EvidenceError, match="did you mean 'x'"):
        ask(drift.Univariate, both, both, columns=["xx"])
    with pytest.raises(EvidenceError, match="table 'train' lacks it"):
        ask(drift.Univariate, both, {**both, "z": [1, 2] * MANY}, columns=["z"])
    with pytest.raises(EvidenceError, match="'y'"):
        ask(drift.Univariate, both, both, ignore=["y"])
    for bins in (1, 101):
        with pytest.raises(PolicyError, match="bins cannot be compared"):
            ask(drift.Univariate, both, both, bins=bins)


def test_the_worst_column_is_the_value_and_the_order_of_columns_is_not_seen() -> None:
    """Every column is a comparison; the finding does not depend on where it stands."""
    rng = np.random.default_rng(2)
    train: dict[str, Any] = {name: rng.normal(size=300).tolist() for name in "abc"}
    judged = {
        name: (rng.normal(size=300) + shift).tolist() for name, shift in zip("abc", (0, 2, 0.5), strict=True)
    }
    found = ask(drift.Univariate, train, judged)
    turned = ask(drift.Univariate, dict(reversed(train.items())), dict(reversed(judged.items())))
    assert found.value == turned.value
    assert [one.name for one in found.comparisons] == ["b", "c", "a"]
    assert [one.value for one in found.comparisons] == [one.value for one in turned.comparisons]
    assert [one.interval.at(0.9) for one in found.comparisons if one.interval] == [
        one.interval.at(0.9) for one in turned.comparisons if one.interval
    ]
    assert {chart.title.split(":")[0] for chart in found.charts} == {"a", "b", "c"}


def test_charts_hold_every_row() -> None:
    """Both tables in bars of equal width; the outermost take what lies further out."""
    train, judged = {"x": [*range(100), 10_000] * 2}, {"x": [*range(50, 150)] * 3}
    for statistic in ("psi", "ks"):
        (chart,) = ask(drift.Univariate, train, judged, statistic=statistic).charts
        rows = dict.fromkeys(("train", "judged"), 0.0)
        for group, n in zip(chart.data["group"], chart.data["rows"], strict=True):
            rows[str(group)] += float(n or 0.0)
        assert rows == {"train": 202.0, "judged": 300.0}


def test_new_categories_are_counted() -> None:
    """Of the rows that have a value, in the worst column; no value is named."""
    train = {"t": ["a", "b", None], "u": ["x", "y", "x"]}
    judged = {"t": ["a", "c", None, "d"], "u": ["x", "x", "y", "secret"]}
    found = ask(drift_categories.NewCategories, train, judged)
    assert found.value == pytest.approx(2 / 3)
    assert [one.group["column"] for one in found.groups] == ["t", "u"]
    assert (found.groups[0].numerator, found.groups[0].denominator) == (2.0, 3.0)
    assert "secret" not in repr(found)


HEAVY = [
    (name, statistic, rows)
    for name in ("same", "near", "far")
    for statistic in ("psi", "jensen-shannon", "chi-squared", "ks", "wasserstein")
    for rows in ((200, 200), (1000, 300), (5000, 1000))
]


@pytest.mark.heavy
@pytest.mark.parametrize(("name", "statistic", "rows"), HEAVY)
def test_bounds_miss_the_truth_seldom(name: str, statistic: str, rows: tuple[int, int]) -> None:
    """Each one-sided bound at 95 % misses in no more than 5 % of tables, and some for the simulation."""
    shift = {"same": 0.0, "near": 0.2, "far": 0.8}[name]
    rng = np.random.default_rng(3)
    tables, low, high = 200, 0, 0
    truth = true_distance(statistic, shift)
    for _ in range(tables):
        train = {"x": rng.normal(size=rows[0]).tolist()}
        judged = {"x": rng.normal(shift, size=rows[1]).tolist()}
        band = ask(drift.Univariate, train, judged, statistic=statistic).comparisons[0].interval
        assert band is not None
        bounds = band.at(0.9)
        low += bounds[0] > truth
        high += bounds[1] < truth
    assert low <= 0.05 * tables + 8
    assert high <= 0.05 * tables + 8


def true_distance(statistic: str, shift: float) -> float:
    """Return the distance of two normal distributions of deviation 1, in deciles of the first where binned."""
    from scipy.stats import norm

    if statistic == "wasserstein":
        return shift
    if statistic == "ks":
        return float(2.0 * norm.cdf(shift / 2.0) - 1.0)
    edges = norm.ppf(np.arange(1, 10) / 10)
    p = np.full(10, 0.1)
    q = np.diff([0.0, *norm.cdf(edges - shift), 1.0])
    if statistic == "psi":
        return psi(p, q)
    if statistic == "jensen-shannon":
        return float(jensenshannon(p, q, base=2))
    return math.nan if shift else 0.0
