"""Counting rows into cells: the answers equal a pandas groupby on the rows, and nothing wrong passes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlgate.cells import Bins, By, Cells, Counts, Outside, Profile, Repeats, Shape, Values
from mlgate.evidence.scan import scan
from tests.conftest import few

if TYPE_CHECKING:
    from mlgate.evidence.tables import Table

TableOf = Callable[..., "Table"]
Row = tuple[tuple[str | None, ...], int, float, float]

CODINGS = [((0, 1), pa.int64()), ((1, 2), pa.int32()), (("no", "yes"), pa.string())]
CODINGS += [((False, True), pa.bool_()), ((0.0, 1.0), pa.float64())]
SCORES = st.sampled_from([0.0, -0.0, 0.1, 0.5, 0.50000000000000011, 0.9, 1.0]) | st.floats(0, 1)
NUMBERS = [0.0, -0.0, 1.0, 2.5, 17.999, 18.0, 30.0, 1e18, math.inf, -math.inf, math.nan]
TEXTS = [
    "a",
    "b",
    " a",
    "A",
    "",
    "NULL",
    "unknown",
    "é",
    "e\u0301",
    "\U0001f600",
    "1",
    "1.0",
    '"; --',
    "a\nb",
]
AGES = Bins("number", (0, 18.0, 30))


@st.composite
def tables(draw: st.DrawFn) -> tuple[pa.Table, dict[str, Any]]:
    """Draw the columns of a table and the roles that they play."""
    size = draw(st.integers(0, 25))

    def column(values: st.SearchStrategy[Any], kind: pa.DataType, *, gaps: bool = True) -> pa.Array:
        one = st.none() | values if gaps else values
        return pa.array(draw(st.lists(one, min_size=size, max_size=size)), kind)

    coding, kind = draw(st.sampled_from(CODINGS))
    gaps = draw(st.booleans())
    columns = {
        "label": column(st.sampled_from(coding), kind, gaps=gaps),
        "score": column(SCORES | (st.just(math.nan) if gaps else SCORES), pa.float64(), gaps=gaps),
        "text": column(st.sampled_from(TEXTS), pa.string()),
        "whole": column(st.sampled_from([0, 1, -7, 2**62]), pa.int64()),
        "number": column(st.sampled_from(NUMBERS), pa.float64()),
        "truth": column(st.booleans(), pa.bool_()),
        "day": column(st.dates(), pa.date32()),
    }
    roles = {"label": "label", "score": "score", "label_positive": coding[draw(st.integers(0, 1))]}
    if draw(st.booleans()):
        columns["decision"] = column(st.sampled_from(coding), kind, gaps=gaps)
        roles["prediction"] = "decision"
    if draw(st.booleans()):
        columns["w"] = column(st.sampled_from([0.0, 0.1, 1.0, 2.5, 1e6]), pa.float64(), gaps=False)
        roles["weight"] = "w"
    return pa.table(columns), roles


def spell(value: Any) -> str | None:
    """Spell a value as cells do; written without the product's own function."""
    if value is None or value != value:  # noqa: PLR0124  # NaN alone differs from itself
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        return str(int(value))
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def bin_of(value: Any) -> str | None:
    """Name the bin of `AGES` that a value is in."""
    if value is None or math.isnan(value):
        return None
    names = {0: "< 0", 18: "0 to < 18", 30: "18 to < 30", math.inf: ">= 30"}
    return next((name for edge, name in names.items() if value < edge), ">= 30")


def expected(data: pa.Table, roles: dict[str, Any], statistic: Counts) -> list[Row]:
    """Count the rows with pandas."""
    raw = {name: data[name].to_pylist() for name in data.column_names}

    def classes(name: str) -> list[float]:
        return [math.nan if one is None else float(one == roles["label_positive"]) for one in raw[name]]

    score = [math.nan if one is None else one for one in raw["score"]]
    follows = [math.nan if math.isnan(one) else float(one >= 0.5) for one in score]
    of_role = {
        "label": classes("label"),
        "score": score,
        "prediction": classes("decision") if "prediction" in roles else follows,
    }
    keys: dict[str, list[str | None]] = {
        role: [spell(one) for one in of_role[role]] for role in statistic.roles
    }
    for position, by in enumerate(statistic.by):
        values = (
            [bin_of(one) for one in raw["number"]] if by == AGES else [spell(one) for one in raw[str(by)]]
        )
        keys[f"by {position}"] = values
    frame = pd.DataFrame(keys, index=range(data.num_rows), dtype=object)
    frame["w"] = raw[roles["weight"]] if "weight" in roles else np.ones(data.num_rows)
    frame["w2"] = frame["w"] ** 2
    if not keys:
        return [((), len(frame), frame["w"].sum(), frame["w2"].sum())] if len(frame) else []
    grouped = frame.groupby(list(keys), dropna=False, sort=False)
    rows = grouped.agg(n=("w", "size"), w=("w", "sum"), w2=("w2", "sum")).reset_index()
    return sorted(
        (
            (tuple(None if pd.isna(one) else one for one in row[: len(keys)]), *row[len(keys) :])
            for row in rows.itertuples(index=False, name=None)
        ),
        key=str,
    )


def counted(cells: Cells, statistic: Counts) -> list[Row]:
    """Return cells in the form of `expected`."""
    columns = [[spell(one) for one in cells.roles[role].tolist()] for role in statistic.roles]
    columns += [cells.groups[by].tolist() for by in statistic.by]
    keys = list(zip(*columns, strict=True)) if columns else [()] * len(cells.n)
    rows = zip(keys, cells.n.tolist(), cells.w.tolist(), cells.w2.tolist(), strict=True)
    return sorted(rows, key=str)


def same(one: Sequence[Row], other: Sequence[Row]) -> bool:
    """Whether two tables of cells agree: keys and rows exactly, sums of weights to 1e-12."""
    return [row[:2] for row in one] == [row[:2] for row in other] and all(
        math.isclose(a, b, rel_tol=1e-12)
        for x, y in zip(one, other, strict=True)
        for a, b in zip(x[2:], y[2:], strict=True)
    )


GROUPINGS: list[tuple[By, ...]] = [
    (),
    ("text",),
    ("whole", "text"),
    (AGES,),
    ("truth", AGES),
    ("number",),
    ("day",),
]
ROLES = [(), ("label",), ("prediction",), ("score",), ("label", "prediction"), ("label", "score")]
ROLES += [("prediction", "score"), ("label", "prediction", "score")]
EVERY = [Counts(roles, by) for roles in ROLES for by in GROUPINGS]
DRAWN = settings(max_examples=few(25), deadline=None, suppress_health_check=[HealthCheck.too_slow])


@DRAWN
@given(drawn=tables(), asked=st.lists(st.sampled_from(EVERY), min_size=1, max_size=12, unique=True))
def test_cells_equal_a_groupby_on_the_rows(
    table_of: TableOf, drawn: tuple[pa.Table, dict[str, Any]], asked: list[Counts]
) -> None:
    """Counts of a table, fused, hold what pandas counts on its rows."""
    data, roles = drawn
    answers = scan(table_of(data, **roles), asked)
    for statistic in asked:
        cells = answers[statistic]
        assert isinstance(cells, Cells)
        assert cells.weighted is ("weight" in roles)
        assert same(counted(cells, statistic), expected(data, roles, statistic)), statistic


@DRAWN
@given(drawn=tables(), chosen=st.sampled_from(EVERY))
def test_a_fused_plan_answers_as_a_query_alone_does(
    table_of: TableOf, drawn: tuple[pa.Table, dict[str, Any]], chosen: Counts
) -> None:
    """What shares a query with others is the same as what has one of its own, array by array."""
    data, roles = drawn
    table = table_of(data, **roles)
    fused, alone = scan(table, EVERY)[chosen], scan(table, [chosen])[chosen]
    assert isinstance(fused, Cells)
    assert isinstance(alone, Cells)
    assert_identical(fused, alone)


def assert_identical(one: Cells, other: Cells) -> None:
    """Hold two sets of cells to be the same in the same order; sums of weights to 1e-12."""
    assert one.roles.keys() == other.roles.keys()
    for role in one.roles:
        np.testing.assert_array_equal(one.roles[role], other.roles[role])
    for by in one.groups:
        assert one.groups[by].tolist() == other.groups[by].tolist()
    np.testing.assert_array_equal(one.n, other.n)
    np.testing.assert_allclose(one.w, other.w, rtol=1e-12)
    np.testing.assert_allclose(one.w2, other.w2, rtol=1e-12)
    assert one.fault == other.fault


def many_rows(seed: int) -> pa.Table:
    """Return rows enough for several threads to share, in an order of their own."""
    rng = np.random.default_rng(0)
    size = 300_000
    columns = {
        "y": rng.integers(0, 2, size),
        "p": rng.integers(0, 2000, size) / 2000,
        "g": rng.choice(["x", "y", "z"], size),
        "age": rng.integers(18, 90, size).astype(float),
        "w": rng.random(size) * 10 ** rng.integers(-6, 6, size).astype(float),
    }
    order = np.random.default_rng(seed).permutation(size)
    return pa.table({name: values[order] for name, values in columns.items()})


def test_neither_row_order_nor_threads_change_the_cells(table_of: TableOf) -> None:
    """Shuffled rows and one, two or four threads give identical arrays, sums of weights to the last bit."""
    import ibis

    asked = [Counts(("label", "prediction"), ("g", "age")), Counts(("label", "score"), ("g",)), Counts(())]
    roles = {"label": "y", "score": "p", "weight": "w"}
    first = None
    for seed, threads in [(1, 1), (2, 2), (3, 4)]:
        backend = ibis.duckdb.connect(threads=threads)
        answers = scan(table_of(many_rows(seed), connection=backend, **roles), asked)
        first = first or answers
        for statistic in asked:
            one, other = answers[statistic], first[statistic]
            assert isinstance(one, Cells)
            assert isinstance(other, Cells)
            assert_identical(one, other)
            assert (one.w.tolist(), one.w2.tolist()) == (other.w.tolist(), other.w2.tolist())
        backend.disconnect()


@DRAWN
@given(
    st.lists(st.floats(1.0, 10.0), min_size=1, max_size=50),
    st.integers(-150, 140),
    st.integers(0, 9),
    st.data(),
)
def test_sums_of_weights_are_those_of_exact_arithmetic(
    table_of: TableOf, digits: list[float], scale: int, spread: int, data: st.DataObject
) -> None:
    """Weights of any scale, some 10^9 times the others, add up to what fsum makes of them; so do squares."""
    powers = data.draw(st.lists(st.integers(0, spread), min_size=len(digits), max_size=len(digits)))
    weights = [one * 10.0 ** (scale + power) for one, power in zip(digits, powers, strict=True)]
    cells = cells_of(table_of({"y": [0] * len(weights), "w": weights}, label="y", weight="w"), Counts(()))
    assert cells.w[0] == pytest.approx(math.fsum(weights), rel=1e-15)
    assert cells.w2[0] == pytest.approx(math.fsum(one * one for one in weights), rel=1e-15)


def test_tiny_weights_beside_a_huge_one_keep_a_variance(table_of: TableOf) -> None:
    """The squares of weights 10^30 times smaller than another vanish, and are then as small as they can be."""
    columns = {"y": [0, 1, 1, 1], "w": [1e30, 1.0, 1.0, 2.0]}
    cells = cells_of(table_of(columns, label="y", weight="w"), Counts(("label",)))
    assert cells.w.tolist() == [1e30, 4.0]
    assert cells.w2.tolist() == pytest.approx([1e60, 16 / 3])


def test_cells_are_sorted_by_group_then_class_then_score(table_of: TableOf) -> None:
    """The order is that of the texts, by code point, with missing values last."""
    table = table_of(
        {"y": [1, 0, 1, 0, 1], "p": [0.9, 0.1, 0.2, 0.3, 0.3], "g": ["10", "9", None, "9", "9"]},
        label="y",
        score="p",
    )
    cells = cells_of(table, Counts(("label", "score"), ("g",)))
    assert cells.groups["g"].tolist() == ["10", "9", "9", "9", None]
    assert cells.roles["label"].tolist() == [1, 0, 0, 1, 1]
    assert cells.roles["score"].tolist() == [0.9, 0.1, 0.3, 0.3, 0.2]


def cells_of(table: Table, statistic: Counts) -> Cells:
    """Return the cells that answer one statistic."""
    answer = scan(table, [statistic])[statistic]
    assert isinstance(answer, Cells)
    return answer


@pytest.mark.parametrize("threshold", [0.3, 0.30000000000000004, 0.0027385001701480953, 5.0])
def test_prediction_follows_from_the_score_at_the_exact_threshold(
    table_of: TableOf, threshold: float
) -> None:
    """A score that equals the threshold is positive and its lower neighbour is not."""
    score = [math.nextafter(threshold, 0), threshold, math.nextafter(threshold, 9)]
    table = table_of({"p": score}, score="p", threshold=threshold)
    both = cells_of(table, Counts(("prediction", "score")))
    assert both.roles["prediction"].tolist() == [0, 1, 1]
    alone = cells_of(table, Counts(("prediction",)))
    assert (alone.roles["prediction"].tolist(), alone.n.tolist()) == ([0, 1], [1, 2])


def test_a_table_without_rows_has_no_cells_and_no_fault(table_of: TableOf) -> None:
    """Nothing is wrong with an empty table but that it is empty; measures say so."""
    table = table_of(
        "SELECT 1 AS y, 0.5 AS p, 'a' AS g, 1.0 AS w WHERE false", label="y", score="p", weight="w"
    )
    for statistic in (Counts(()), Counts(("label", "score"), ("g",)), Counts(("label", "prediction"))):
        cells = cells_of(table, statistic)
        assert (cells.rows, len(cells.w), cells.fault) == (0, 0, None)


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_files_of_texts_count_as_typed_ones_do(table_of: TableOf, tmp_path: Path, suffix: str) -> None:
    """Labels and groups read as text, as an untyped CSV gives them, make the same cells."""
    frame = pd.DataFrame({"y": [1, 0, 1, 1], "d": [1, 1, 0, 1], "age": [20, 30, 20, 20], "g": list("abba")})
    path = tmp_path / f"t.{suffix}"
    if suffix == "csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    read = f"read_csv('{path}', all_varchar = true)" if suffix == "csv" else f"read_parquet('{path}')"
    table = table_of(f"SELECT * FROM {read}", label="y", prediction="d")  # noqa: S608  # the test's own file
    cells = cells_of(table, Counts(("label", "prediction"), ("age", "g")))
    assert cells.keys(("age", "g")) == [("20", "a"), ("20", "b"), ("30", "b")]
    assert cells.roles["label"].tolist() == [1, 1, 0]
    assert cells.roles["prediction"].tolist() == [1, 0, 1]
    assert cells.n.tolist() == [2, 1, 1]


@pytest.mark.parametrize(
    ("values", "positive", "other", "prediction_positive"),
    [
        (["<=50K", ">50K"], ">50K", [0, 1], 1),
        ([2, 1], 1, [0, 1], 1),
        ([False, True], None, ["0", "1"], None),
        ([0.1, 0.30000000000000004], 0.30000000000000004, [0.1, 0.30000000000000004], None),
    ],
)
def test_label_and_prediction_may_be_coded_apart(
    table_of: TableOf, values: list[Any], positive: Any, other: list[Any], prediction_positive: Any
) -> None:
    """Each is brought to 0 and 1 by its own positive value."""
    table = table_of(
        {"y": [values[1], values[0], values[1], values[0]], "d": [other[1], other[0], other[0], other[1]]},
        label="y",
        prediction="d",
        label_positive=positive,
        prediction_positive=prediction_positive,
    )
    cells = cells_of(table, Counts(("label", "prediction")))
    assert cells.roles["label"].tolist() == [0, 0, 1, 1]
    assert cells.roles["prediction"].tolist() == [0, 1, 0, 1]
    assert cells.fault is None


@pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")  # Ibis' way to pandas, not ours
def test_another_engine_gives_the_same_cells(table_of: TableOf, tmp_path: Path) -> None:
    """SQLite, which has neither NaN nor compensated sums, answers as DuckDB does."""
    import sqlite3

    import ibis

    rows = [(1, 0.5, "a", 1.0), (0, 0.1, "b", 2.0), (1, 0.9, None, 0.5), (1, 0.5, "a", 4.0)]
    with sqlite3.connect(tmp_path / "t.db") as file:
        file.execute("CREATE TABLE t (y INTEGER, p REAL, g TEXT, w REAL)")
        file.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
    file.close()
    columns = dict(zip("ypgw", zip(*rows, strict=True), strict=True))
    duck = table_of(columns, label="y", score="p", weight="w")
    lite = replace(duck, engine="sqlite", expr=ibis.sqlite.connect(tmp_path / "t.db").table("t"))
    counts = [Counts(("label", "score"), ("g",)), Counts(("label", "prediction"), (Bins("p", (0.3,)),))]
    rest = [Shape(), Profile("p"), Profile("g"), Outside("p", 0.2, 0.8), Repeats(("y", "g")), Values("g")]
    one, other = scan(duck, [*counts, *rest]), scan(lite, [*counts, *rest])
    for statistic in counts:
        found, wanted = other[statistic], one[statistic]
        assert isinstance(found, Cells)
        assert isinstance(wanted, Cells)
        assert_identical(found, wanted)
    assert [other[statistic] for statistic in rest] == [one[statistic] for statistic in rest]


@pytest.mark.heavy
def test_a_million_distinct_scores_take_about_a_second(table_of: TableOf) -> None:
    """No Python runs per cell."""
    import time

    table = table_of("SELECT i % 2 AS y, random() AS p FROM range(1000000) t(i)", label="y", score="p")
    scan(table, [Counts(("label",))])
    start = time.perf_counter()
    cells = cells_of(table, Counts(("label", "score")))
    assert time.perf_counter() - start < 1.5
    assert cells.rows == 1_000_000
