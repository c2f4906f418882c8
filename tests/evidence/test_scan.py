"""Counting rows into cells: the answers equal a pandas groupby on the rows, and nothing wrong passes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlgate.cells import Bins, By, Cells, Counts, Document, Outside, Profile, Repeats, Shape, Stated, Values
from mlgate.errors import EvidenceError
from mlgate.evidence.scan import plan, scan

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
DRAWN = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


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
    """Shuffled rows and one, two or four threads give identical arrays."""
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
        backend.disconnect()


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


def test_bins_are_named_by_their_edges(table_of: TableOf) -> None:
    """Values at an edge belong to the bin above it; missing values to none."""
    table = table_of({"age": [17.9, 18, 29, 30, 50, 80, None, math.nan]})
    ages = Bins("age", (18, 30, 50))
    cells = cells_of(table, Counts((), (ages,)))
    names = ["18 to < 30", "30 to < 50", "< 18", ">= 50", None]
    assert cells.groups[ages].tolist() == names
    assert cells.n.tolist() == [2, 1, 1, 2, 2]


@pytest.mark.parametrize("edges", [(), (30, 18), (18, 18), (math.nan,), (18, math.inf)])
def test_bins_need_increasing_finite_edges(table_of: TableOf, edges: tuple[float, ...]) -> None:
    """Edges that would lose rows are refused."""
    with pytest.raises(EvidenceError, match="bin edges"):
        scan(table_of({"age": [1.0]}), [Counts((), (Bins("age", edges),))])


def test_only_numbers_are_cut_into_bins(table_of: TableOf) -> None:
    """Bins of a text column are refused, with the column."""
    with pytest.raises(EvidenceError, match=r"test\.csv: column 'g': is of type string"):
        scan(table_of({"g": ["a"]}), [Counts((), (Bins("g", (1,)),))])


def test_group_values_read_the_same_whatever_their_type(table_of: TableOf) -> None:
    """Integers, floats, decimals and texts of one value give one group name."""
    import decimal

    columns = {
        "int": pa.array([1, 2]),
        "float": pa.array([1.0, 2.0]),
        "small": pa.array([1.0, 2.0], pa.float32()),
        "decimal": pa.array([decimal.Decimal("1.00"), decimal.Decimal("2.00")]),
        "text": pa.array(["1", "2"]),
        "enum": pa.array(["1", "2"]).dictionary_encode(),
    }
    table = table_of(columns)
    for name in columns:
        assert cells_of(table, Counts((), (name,))).groups[name].tolist() == ["1", "2"]


def test_group_values_of_other_types_have_text(table_of: TableOf) -> None:
    """Times, floats that no binary number equals, bytes and lists are spelt as one would write them."""
    sql = """SELECT TIMESTAMP '2026-01-02 03:04:05.500' AS t, TIMESTAMPTZ '2026-01-02 03:04:05+02' AS z,
             TIME '10:00:00' AS c, 0.1::FLOAT AS f, '\\xFF'::BLOB AS b, [1, 2] AS l, 2.50::DECIMAL(9, 2) AS d,
             '6ba7b810-9dad-11d1-80b4-00c04fd430c8'::UUID AS u"""
    table = table_of(sql)
    names = {"t": "2026-01-02T03:04:05.5", "z": "2026-01-02T01:04:05+00:00", "c": "10:00:00", "f": "0.1"}
    names |= {"b": "ff", "l": "[1, 2]", "d": "2.5", "u": "6ba7b810-9dad-11d1-80b4-00c04fd430c8"}
    for name, text in names.items():
        assert cells_of(table, Counts((), (name,))).groups[name].tolist() == [text]


ODD = [
    'a"b',
    "a'b",
    "a;b",
    "select",
    "n",
    "w",
    "label",
    "g0",
    "Größe",
    "\u202e",
    "a b",
    "{x}",
    "%s",
    "by",
    "self",
]


@pytest.mark.parametrize("name", ODD)
def test_any_column_name_works(table_of: TableOf, name: str) -> None:
    """Quotes, keywords and the names that the queries themselves use are only names."""
    table = table_of({name: ["x", "x", None], "y": [1, 0, 1], "p": [0.5, 0.1, 0.5]}, label="y", score="p")
    asked = [
        Counts(("label", "score"), (name,)),
        Counts(("label",), (name,)),
        Profile(name),
        Repeats((name,)),
    ]
    answers = scan(table, [*asked, Values(name)])
    cells = answers[asked[1]]
    assert isinstance(cells, Cells)
    assert cells.groups[name].tolist() == ["x", "x", None]
    assert len(plan(table, asked)) == 5


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


def test_a_prediction_in_another_coding_ends_the_scan(table_of: TableOf) -> None:
    """Zeros and ones beside `>50K` are not guessed at."""
    table = table_of({"y": ["<=50K", ">50K"], "d": [0, 1]}, label="y", prediction="d", label_positive=">50K")
    with pytest.raises(EvidenceError, match=r"column 'd'.*`prediction_positive: 1`"):
        scan(table, [Counts(("prediction",))])


@pytest.mark.parametrize(
    ("column", "roles", "says"),
    [
        ({"y": [1, None, 0]}, ("label",), "1 of 3 values of label 'y' are missing"),
        ({"y": [1.0, math.nan, 0.0]}, ("label",), "1 of 3 values of label 'y' are missing"),
        ({"d": [1, None, 0]}, ("prediction",), "1 of 3 values of prediction 'd' are missing"),
        ({"p": [0.5, None, math.nan]}, ("score",), "score 'p': 2 of 3 values are missing or NaN"),
        ({"p": [0.5, math.inf, -math.inf]}, ("score",), "score 'p': 2 of 3 values are infinite"),
        (
            {"p": [1, 3, 10]},
            ("score",),
            "score 'p': 2 of 3 values lie outside [0, 1] (min 1, max 10), so it is not a probability",
        ),
        ({"p": pa.nulls(3, pa.string())}, ("score",), "score 'p': 3 of 3 values are missing or NaN"),
        ({"p": [0.5, None, 0.1]}, ("prediction",), "score 'p': 1 of 3 values are missing or NaN"),
        ({"p": [1, 3, 10]}, ("prediction",), "lie outside [0, 1]"),
        ({"w": [1.0, -1.0, 2.0]}, (), "weight 'w': 1 of 3 values are negative"),
        ({"w": [1.0, None, math.nan]}, (), "weight 'w': 2 of 3 values are missing or NaN"),
        ({"w": [1.0, math.inf, 1.0]}, (), "weight 'w': 1 of 3 values are infinite"),
        ({"w": [0.0, 0.0, 0.0]}, (), "add up to zero"),
        ({"w": [1e300, 1e300, 1e300]}, (), "more than a number can hold"),
        ({"w": pa.nulls(3, pa.string())}, (), "weight 'w': 3 of 3 values are missing or NaN"),
    ],
)
def test_what_cannot_be_counted_is_a_fault(
    table_of: TableOf, column: dict[str, Any], roles: tuple[str, ...], says: str
) -> None:
    """Missing and impossible values come back with the cells, naming column, count and mend."""
    role_of = {"y": "label", "d": "prediction", "p": "score", "w": "weight"}
    table = table_of(column, **{role_of[name]: name for name in column})
    statistic = Counts(roles)
    cells = cells_of(table, statistic)
    assert cells.fault is not None
    assert says in cells.fault
    assert cells.rows == 3


def test_a_fault_touches_only_counts_of_its_role(table_of: TableOf) -> None:
    """Scores on a scale of their own do not spoil counts of labels and decisions."""
    table = table_of(
        {"y": [1, 0], "d": [1, 0], "p": [7, 3], "g": ["a", None]}, label="y", prediction="d", score="p"
    )
    sound, spoilt = Counts(("label", "prediction"), ("g",)), Counts(("label", "prediction", "score"))
    answers = scan(table, [sound, spoilt])
    assert [getattr(answers[one], "fault", "") is None for one in (sound, spoilt)] == [True, False]


def test_a_threshold_outside_the_unit_interval_allows_scores_of_its_scale(table_of: TableOf) -> None:
    """Deciles cut at 5 give a prediction; they are still no probability."""
    table = table_of({"p": [1, 5, 10]}, score="p", threshold=5)
    assert cells_of(table, Counts(("prediction",))).fault is None
    assert cells_of(table, Counts(("score",))).fault is not None


@pytest.mark.parametrize(
    ("roles", "statistic", "says"),
    [
        ({"score": "t"}, Counts(("score",)), "column 't': the score is of type string, not a number"),
        ({"weight": "t"}, Counts(()), "column 't': the weight is of type string, not a number"),
        ({"label": "l"}, Counts(("label",)), "column 'l': the label is of type"),
        ({"label": "t"}, Counts(("label",)), "column 't': the label has 3 distinct values"),
        ({"label": "d"}, Counts(("label",)), "column 'd': the label is of type date, which has no classes"),
        ({}, Counts(("label",)), "has no label, which a selected check needs"),
        ({}, Counts(("prediction",)), "has no prediction"),
        ({}, Counts((), ("tt",)), "column 'tt': the table has no such column; did you mean 't'?"),
        ({}, Profile("x"), "column 'x': the table has no such column"),
        ({}, Repeats(("t", "x")), "column 'x'"),
        ({}, Repeats(()), "no columns are named"),
        ({}, Values("x"), "column 'x'"),
    ],
)
def test_what_a_table_cannot_answer_is_an_error(
    table_of: TableOf, roles: dict[str, str], statistic: Any, says: str
) -> None:
    """The error names the table, the column and what is the matter."""
    day = pa.array([1, 2, 2], pa.date32())
    table = table_of({"t": ["a", "b", "c"], "l": [[1], [2], [3]], "d": day}, **roles)
    with pytest.raises(EvidenceError) as caught:
        scan(table, [statistic])
    assert says in str(caught.value)
    assert str(caught.value).startswith("test.csv")


def test_an_engine_that_fails_is_an_error_in_plain_words(table_of: TableOf, tmp_path: Path) -> None:
    """A file that vanishes under a query ends the scan with a sentence, not with the engine's traceback."""
    path = tmp_path / "gone.parquet"
    pd.DataFrame({"y": [1, 0]}).to_parquet(path)
    table = table_of({"y": [1]}, label="y")
    backend = table.expr.get_backend()
    backend.con.execute(f"CREATE OR REPLACE VIEW gone AS SELECT * FROM '{path}'")  # noqa: S608  # own file
    table = _with(table, expr=backend.table("gone"))
    path.unlink()
    with pytest.raises(EvidenceError, match=r"^test\.csv: could not count rows: ") as caught:
        scan(table, [Shape()])
    assert "\n" not in str(caught.value)


def test_a_driver_cannot_spill_its_password(table_of: TableOf) -> None:
    """What an engine elsewhere says when it fails may repeat its address, so it is not repeated."""
    table = table_of("SELECT 'secret' AS y")
    far = _with(table, engine="postgres", expr=table.expr.mutate(y=table.expr.y.cast("int64")))
    with pytest.raises(EvidenceError, match="could not profile 1 columns: ConversionException; ") as caught:
        scan(far, [Profile("y")])
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    with pytest.raises(EvidenceError, match="Could not convert string 'secret'"):
        scan(_with(far, engine="duckdb"), [Profile("y")])


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
    lite = _with(duck, engine="sqlite", expr=ibis.sqlite.connect(tmp_path / "t.db").table("t"))
    counts = [Counts(("label", "score"), ("g",)), Counts(("label", "prediction"), (Bins("p", (0.3,)),))]
    rest = [Shape(), Profile("p"), Profile("g"), Outside("p", 0.2, 0.8), Repeats(("y", "g")), Values("g")]
    one, other = scan(duck, [*counts, *rest]), scan(lite, [*counts, *rest])
    for statistic in counts:
        found, wanted = other[statistic], one[statistic]
        assert isinstance(found, Cells)
        assert isinstance(wanted, Cells)
        assert_identical(found, wanted)
    assert [other[statistic] for statistic in rest] == [one[statistic] for statistic in rest]


def _with(table: Table, **facts: Any) -> Table:
    from dataclasses import replace

    return replace(table, **facts)


@pytest.mark.parametrize("statistic", [Document("model_card"), Stated("intended_use"), Counts(("weight",))])
def test_what_no_table_answers_is_refused(table_of: TableOf, statistic: Any) -> None:
    """Documents and statements are answered by the release."""
    with pytest.raises(TypeError, match="no table answers"):
        scan(table_of({"y": [1]}), [statistic])


def test_a_column_of_very_many_groups_is_a_fault(table_of: TableOf) -> None:
    """More than a million combinations are not fetched; what fits beside them is."""
    table = table_of("SELECT i AS id, i % 2 AS y FROM range(1000001) t(i)", label="y")
    huge, small = Counts(("label",), ("id",)), Counts(("label",))
    answers = scan(table, [huge, small])
    fault = getattr(answers[huge], "fault", None)
    assert fault is not None
    assert "label by id have more than 1000000 distinct combinations" in fault
    assert getattr(answers[small], "fault", "") is None


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
