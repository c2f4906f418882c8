"""Scores of long tables in bins: what the bins hold, when there are any, and that no order shows."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlgate.cells import SCORE_BINS, Binned, Cells, Counts
from mlgate.evidence.scan import plan, scan
from mlgate.evidence.tables import Table

TableOf = Callable[..., Table]
ReleaseOf = Callable[..., dict[str, Table]]

ROWS = 12_000
SCORES = Counts(("label", "score"), binned=("score", "squared_error", "log_loss"))
FACTS: dict[str, Any] = {"label": "y", "score": "p"}
EPS = float(np.finfo(float).eps)


def spread(seed: int = 1, rows: int = ROWS) -> pd.DataFrame:
    """Rows whose scores are spread over [0, 1]."""
    random = np.random.default_rng(seed)
    p = random.random(rows)
    y = (random.random(rows) < p).astype(int)
    g = random.choice(["a", "b", "c"], rows, p=[0.6, 0.39, 0.01])
    w = random.choice([0.0, 0.5, 1.0, 3.25], rows, p=[0.02, 0.4, 0.4, 0.18])
    return pd.DataFrame({"y": y, "p": p, "g": g, "w": w, "d": (p > 0.4).astype(int)})


def binned(table: Table, statistic: Counts = SCORES, *others: Counts) -> tuple[Cells, Binned]:
    """Scan with bins for tables of any length."""
    cells = scan(table, [statistic, *others], bin_above=0)[statistic]
    assert isinstance(cells, Cells)
    assert cells.binned is not None
    return cells, cells.binned


def exact(table: Table, statistic: Counts = SCORES) -> Cells:
    """Scan without bins."""
    cells = scan(table, [statistic])[statistic]
    assert isinstance(cells, Cells)
    assert cells.binned is None
    return cells


def place_of(score: Any, threshold: float = 0.5) -> Any:
    """The bin of each score, from edges that are compared one by one, and the side of the threshold."""
    edges = np.arange(1, SCORE_BINS + 1) / SCORE_BINS
    return np.searchsorted(edges, score, side="right") + (np.asarray(score) >= threshold)


def losses(rows: pd.DataFrame) -> dict[str, Any]:
    """What is summed, row by row."""
    given = np.clip(np.where(rows["y"] == 1, rows["p"], 1 - rows["p"]), EPS, 1 - EPS)
    return {"score": rows["p"], "squared_error": (rows["p"] - rows["y"]) ** 2, "log_loss": -np.log(given)}


@pytest.mark.parametrize("weighted", [False, True])
def test_bins_hold_what_the_rows_hold(table_of: TableOf, weighted: bool) -> None:
    """Counts, ends and sums, held to pandas on the rows."""
    rows = spread()
    facts = FACTS | ({"weight": "w"} if weighted else {})
    w = rows["w"] if weighted else pd.Series(1.0, rows.index)
    keyed = rows.assign(bin=place_of(rows["p"]), weighs=w > 0, one=1, w=w, w2=w**2)
    middle = keyed.groupby(["bin", "weighs"])["p"].agg(lambda p: (p.min() + p.max()) / 2)
    keyed["middle"] = middle.loc[list(zip(keyed["bin"], keyed["weighs"], strict=True))].to_numpy()
    keys = ["y", "middle"]
    due = keyed.groupby(keys).agg(n=("one", "sum"), w=("w", "sum"), w2=("w2", "sum"))
    ends = keyed.groupby(keys)["p"].agg(["min", "max"])
    cells, found = binned(table_of(rows, **facts))
    assert cells.weighted == weighted
    assert list(zip(cells.roles["label"], cells.roles["score"], strict=True)) == list(due.index)
    assert cells.n.tolist() == due["n"].tolist()
    np.testing.assert_allclose(cells.w, due["w"], rtol=1e-14)
    np.testing.assert_allclose(cells.w2, due["w2"], rtol=1e-14)
    assert found.low.tolist() == ends["min"].tolist()
    assert found.high.tolist() == ends["max"].tolist()
    for name, q in losses(rows).items():
        sums = found.sums[name]  # type: ignore[index]
        terms = pd.DataFrame({"first": w * q, "second": w**2 * q, "squares": w**2 * q**2})
        expected = terms.groupby([keyed[key] for key in keys]).sum()
        for kind in expected.columns:
            np.testing.assert_allclose(getattr(sums, kind), expected[kind], rtol=1e-13, atol=1e-15)


def test_one_score_stands_for_a_bin_whatever_the_label_and_the_group(table_of: TableOf) -> None:
    """So that ties stay ties."""
    rows = spread()
    statistic = Counts(("label", "score"), by=("g",), binned=())
    cells, found = binned(table_of(rows, **FACTS), statistic)
    place = place_of(cells.roles["score"])
    for one in set(place.tolist()):
        assert len(set(cells.roles["score"][place == one].tolist())) == 1
    whole = rows["p"].groupby(place_of(rows["p"])).agg(["min", "max"])
    assert (cells.roles["score"] >= whole.loc[place, "min"].to_numpy()).all()
    assert (cells.roles["score"] <= whole.loc[place, "max"].to_numpy()).all()
    assert not found.sums


@pytest.mark.parametrize("threshold", [0.3, 0.30000000000000004, 0.123456789, 0.0, 1.0, 1.5, -1.0])
def test_edges_belong_to_the_bin_above_and_so_does_the_threshold(table_of: TableOf, threshold: float) -> None:
    """Scores on an edge, and the floats beside it, for many edges."""
    edges = {k / n for n in (2, 3, 7, 9, 10, 15, 20, 30, 100) for k in range(n + 1)} | {0.0, 1.0}
    edges |= {threshold} if 0 <= threshold <= 1 else set()
    beside = [np.nextafter(edge, to) for edge in edges for to in (0.0, 1.0)]
    some = np.array(sorted({*edges, *map(float, beside)}))
    rows = pd.concat([spread()[["y", "p"]], pd.DataFrame({"y": 1, "p": some})])
    table = table_of(rows, threshold=threshold, **FACTS)
    cells, found = binned(table, Counts(("label", "prediction", "score"), binned=("score",)))
    due = (
        rows.assign(bin=place_of(rows["p"], threshold)).groupby(["y", "bin"])["p"].agg(["min", "max", "size"])
    )
    order = np.lexsort((cells.roles["score"], cells.roles["label"]))
    assert found.low[order].tolist() == due["min"].tolist()
    assert found.high[order].tolist() == due["max"].tolist()
    assert cells.n[order].tolist() == due["size"].tolist()
    for n in (2, 10, 15, 20, 100):
        inner = np.arange(1, n) / n
        assert np.array_equal(
            np.searchsorted(inner, found.low, side="right"), np.searchsorted(inner, found.high, side="right")
        )
    predicted = (rows["p"] >= threshold).sum()
    assert cells.n[cells.roles["prediction"] == 1].sum() == predicted


def test_a_prediction_of_its_own_is_counted_beside_the_bins(table_of: TableOf) -> None:
    """One that does not follow from the score."""
    rows = spread()
    statistic = Counts(("label", "prediction", "score"), binned=())
    cells, _ = binned(table_of(rows, prediction="d", **FACTS), statistic)
    for y in (0, 1):
        for d in (0, 1):
            there = (cells.roles["label"] == y) & (cells.roles["prediction"] == d)
            assert cells.n[there].sum() == ((rows["y"] == y) & (rows["d"] == d)).sum()


def test_groups_add_up_to_the_whole(table_of: TableOf) -> None:
    """One query serves both, and answers each as one of its own would."""
    table = table_of(spread(), weight="w", **FACTS)
    grouped = Counts(("label", "score"), by=("g",), binned=("log_loss",))
    alone, own = binned(table)
    both = scan(table, [SCORES, grouped], bin_above=0)
    together, parts = both[SCORES], both[grouped]
    assert isinstance(together, Cells)
    assert isinstance(parts, Cells)
    assert together.binned is not None
    assert parts.binned is not None
    assert list(parts.binned.sums) == ["log_loss"]
    assert len([one for one in plan(table, [SCORES, grouped], bin_above=0) if "in bins" in one.what]) == 1
    for role in ("label", "score"):
        assert np.array_equal(together.roles[role], alone.roles[role])
    assert np.array_equal(together.binned.low, own.low)
    assert np.array_equal(together.binned.high, own.high)
    for name, sums in own.sums.items():
        np.testing.assert_allclose(together.binned.sums[name].first, sums.first, rtol=1e-14)
        np.testing.assert_allclose(together.binned.sums[name].squares, sums.squares, rtol=1e-14)
    one = parts.group(("g",), ("a",))
    assert one.binned is not None
    assert len(one.binned.low) == len(one.n) == len(one.binned.sums["log_loss"].first)


@pytest.mark.parametrize("weighted", [False, True])
def test_neither_order_nor_threads_show(table_of: TableOf, weighted: bool) -> None:
    """Shuffled rows give the same bits."""
    rows = spread(rows=30_000)
    facts = FACTS | ({"weight": "w"} if weighted else {})
    first, one = binned(table_of(rows, **facts))
    for seed in (1, 2):
        second, other = binned(table_of(rows.sample(frac=1, random_state=seed), **facts))
        for role in ("label", "score"):
            assert np.array_equal(first.roles[role], second.roles[role])
        assert np.array_equal(first.w, second.w)
        assert np.array_equal(one.low, other.low)
        for name, sums in one.sums.items():
            assert np.array_equal(sums.first, other.sums[name].first)
            assert np.array_equal(sums.second, other.sums[name].second)
            assert np.array_equal(sums.squares, other.sums[name].squares)


def test_a_csv_file_gives_the_bins_of_a_parquet_file(release_of: ReleaseOf, tmp_path: Path) -> None:
    """To the last bit."""
    rows = spread()[["y", "p", "w"]]
    rows.to_csv(tmp_path / "repository" / "t.csv", index=False)
    rows.to_parquet(tmp_path / "repository" / "t.parquet")
    found = [
        binned(
            release_of(f"evaluation: {{path: t.{kind}}}", columns="{label: y, score: p, weight: w}")[
                "evaluation"
            ]
        )
        for kind in ("csv", "parquet")
    ]
    (first, one), (second, other) = found
    assert np.array_equal(first.roles["score"], second.roles["score"])
    assert np.array_equal(first.w, second.w)
    assert np.array_equal(one.sums["log_loss"].squares, other.sums["log_loss"].squares)


def test_scores_near_nothing_and_certainty_cost_what_the_rows_cost(table_of: TableOf) -> None:
    """Log loss is cut where scikit-learn cuts it."""
    rows = spread()[["y", "p"]]
    edge = [0.0, 1.0, 5e-324, 1e-300, 1e-16, 1 - EPS / 2, EPS, 1 - EPS]
    rows = pd.concat([rows, pd.DataFrame({"y": [0, 1] * len(edge), "p": np.repeat(edge, 2)})])
    _, found = binned(table_of(rows, **FACTS))
    sums = found.sums["log_loss"]
    due = losses(rows)["log_loss"]
    assert math.isclose(sums.first.sum(), due.sum(), rel_tol=1e-12)
    assert math.isclose(sums.squares.sum(), (due**2).sum(), rel_tol=1e-12)


def test_short_tables_are_counted_exactly(table_of: TableOf) -> None:
    """Up to the number of rows that is named."""
    table = table_of(spread(), **FACTS)
    assert len(exact(table).n) == ROWS
    for above, bins in ((ROWS, False), (ROWS - 1, True)):
        cells = scan(table, [SCORES], bin_above=above)[SCORES]
        assert isinstance(cells, Cells)
        assert (cells.binned is not None) == bins


@pytest.mark.parametrize(
    "crowd",
    [lambda p: p.round(2), lambda p: p * 0.1, lambda p: p * 0 + 0.25, lambda p: np.where(p < 0.02, 0, p)],
)
def test_crowded_scores_are_counted_exactly(table_of: TableOf, crowd: Callable[[Any], Any]) -> None:
    """Rounded, narrow, equal, or with a crowd at one score."""
    rows = spread()
    table = table_of(rows.assign(p=crowd(rows["p"])), **FACTS)
    cells = scan(table, [SCORES], bin_above=0)[SCORES]
    assert isinstance(cells, Cells)
    assert cells.binned is None


@pytest.mark.parametrize("odd", [math.nan, None, math.inf, -math.inf, -1e-9, 1.0000001])
def test_scores_with_faults_are_faults_as_ever(table_of: TableOf, odd: float | None) -> None:
    """Scores that are missing or no probabilities are not binned."""
    rows = spread().astype({"p": object})
    rows.loc[17, "p"] = odd
    table = table_of(rows.astype({"p": float}), **FACTS)
    cells = scan(table, [SCORES], bin_above=0)[SCORES]
    assert isinstance(cells, Cells)
    assert cells.binned is None
    assert cells.fault is not None
    assert cells.fault == exact(table).fault
    assert "1 of 12000" in cells.fault


def test_faults_of_labels_and_weights_stand_on_bins_too(table_of: TableOf) -> None:
    """Bins do not hide them."""
    rows = spread().astype({"y": float})
    rows.loc[3, "y"] = math.nan
    rows.loc[5, "w"] = -1.0
    table = table_of(rows, weight="w", **FACTS)
    cells, _ = binned(table)
    assert cells.fault == exact(table).fault
    assert cells.fault is not None
    assert "label" in cells.fault
    assert "weight" in cells.fault


def test_only_who_can_do_with_bins_gets_them(table_of: TableOf) -> None:
    """Others get exact cells in the same scan."""
    rows = spread().assign(c=lambda found: found.index // 3)
    table = table_of(rows, cluster="c", **FACTS)
    plain, clustered = Counts(("label", "score")), Counts(("label", "score"), clustered=True, binned=())
    found = scan(table, [SCORES, plain, clustered], bin_above=0)
    for statistic, bins in ((SCORES, True), (plain, False), (clustered, False)):
        cells = found[statistic]
        assert isinstance(cells, Cells)
        assert (cells.binned is not None) == bins
        assert cells.rows == ROWS


def test_scores_that_are_no_probabilities_are_never_binned(table_of: TableOf) -> None:
    """Those of a table of scores may lie anywhere."""
    table = table_of(spread(), task="scores", score="p")
    statistic = Counts(("score",), binned=("score",))
    cells = scan(table, [statistic], bin_above=0)[statistic]
    assert isinstance(cells, Cells)
    assert cells.binned is None


def test_the_plan_shows_what_the_scan_runs(table_of: TableOf) -> None:
    """The look at the spread of the scores, too."""
    table = table_of(spread(), **FACTS)
    told: list[str] = []
    scan(table, [SCORES], bin_above=0, progress=told.append)
    shown = [f"{table.name}: {one.what}" for one in plan(table, [SCORES], bin_above=0)]
    assert told == shown
    assert told[1:] == [
        "evaluation: look how far scores are spread",
        "evaluation: count label, score in bins",
    ]


def test_bins_of_equal_width_are_unions_of_whole_ones() -> None:
    """What the documentation of SCORE_BINS says."""
    said = [*range(2, 11), 12, 15, 16, 20, 24, 25, 30, 32, 40, 50, 60, 75, 80, 90, 100]
    assert all(SCORE_BINS % n == 0 for n in said)
    edges = (np.arange(SCORE_BINS + 1) / SCORE_BINS).tolist()
    assert all(low < high for low, high in pairwise(edges))
    assert all(k / n in set(edges) for n in (10, 15, 100) for k in range(n + 1))
