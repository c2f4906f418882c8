"""Counting numbers and clusters: cells of regressions and graded scores hold what the rows hold."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlgate.cells import Bins, By, Cells, Counts
from mlgate.errors import EvidenceError
from mlgate.evidence.scan import plan, scan
from tests.conftest import few

if TYPE_CHECKING:
    from mlgate.evidence.tables import Table

TableOf = Callable[..., "Table"]

DRAWN = settings(max_examples=few(25), deadline=None, suppress_health_check=[HealthCheck.too_slow])
NUMBERS = st.sampled_from([0.0, -0.0, 1.0, -2.5, 0.1, 1e300, -1e-300]) | st.floats(-1e6, 1e6)
COLUMN_OF = {
    "label": "y",
    "prediction": "d",
    "lower": "low",
    "upper": "high",
    "quantile:0.1": "q1",
    "quantile:0.9": "q9",
}
FACTS: dict[str, Any] = {
    "task": "regression",
    "label": "y",
    "prediction": "d",
    "interval": ("low", "high"),
    "quantiles": {0.9: "q9", 0.1: "q1"},
    "cluster": "c",
}
ROLES = [(), ("label",), ("label", "prediction"), ("label", "lower", "upper"), tuple(COLUMN_OF)]
GROUPINGS: list[tuple[By, ...]] = [(), ("g",), ("c",), ("g", Bins("d", (0,)))]
EVERY = [Counts(roles, by, None, within) for roles in ROLES for by in GROUPINGS for within in (False, True)]


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """Draw a regression's table without gaps, its clusters as texts and perhaps with weights."""
    size = draw(st.integers(0, 20))

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(values, min_size=size, max_size=size))

    columns = {name: column(NUMBERS) for name in ("y", "d", "q1", "q9")}
    ends = [sorted(pair) for pair in column(st.tuples(NUMBERS, NUMBERS))]
    columns |= {"low": [low for low, _ in ends], "high": [high for _, high in ends]}
    if draw(st.booleans()):
        columns["w"] = column(st.sampled_from([0.5, 1.0, 3.25]))
    floats = {name: pa.array(values, pa.float64()) for name, values in columns.items()}
    texts = {"g": column(st.sampled_from("xyz")), "c": column(st.sampled_from(["7", "10", "a", ""]))}
    return pa.table(floats | {name: pa.array(values, pa.string()) for name, values in texts.items()})


def cells_of(table: Table, statistic: Counts) -> Cells:
    """Return the cells that answer one statistic."""
    answer = scan(table, [statistic])[statistic]
    assert isinstance(answer, Cells)
    return answer


@DRAWN
@given(data=tables(), asked=st.lists(st.sampled_from(EVERY), min_size=1, max_size=8, unique=True))
def test_cells_equal_a_groupby_on_the_rows(table_of: TableOf, data: pa.Table, asked: list[Counts]) -> None:
    """Numbers come to the last bit, within groups and clusters, whatever is asked beside them."""
    weighted = {"weight": "w"} if "w" in data.column_names else {}
    answers = scan(table_of(data, **FACTS, **weighted), asked)
    for statistic in asked:
        cells = answers[statistic]
        assert isinstance(cells, Cells)
        assert cells.fault is None
        assert cells.classes == ()
        assert (cells.clusters is not None) is statistic.clustered
        wanted = expected(data, statistic)
        found = [*(cells.roles[role].tolist() for role in statistic.roles)]
        found += [cells.groups[by].tolist() for by in statistic.by]
        found += [] if cells.clusters is None else [cells.clusters.tolist()]
        rows = list(zip(*found, cells.n.tolist(), strict=True))
        assert sorted(rows) == sorted(row[:-2] for row in wanted), statistic
        assert cells.w.sum() == pytest.approx(sum(row[-2] for row in wanted), rel=1e-12)
        assert cells.w2.sum() == pytest.approx(sum(row[-1] for row in wanted), rel=1e-12)


def expected(data: pa.Table, statistic: Counts) -> list[tuple[Any, ...]]:
    """Count the rows with pandas: (numbers, groups, cluster, n, sum of weights, of their squares)."""
    frame = data.to_pandas()
    keys: dict[str, Any] = {role: frame[COLUMN_OF[role]] + 0.0 for role in statistic.roles}
    for by in statistic.by:
        binned = np.where(frame["d"] < 0, "< 0", ">= 0")
        keys[f"by {by}"] = binned if isinstance(by, Bins) else frame[by].astype(object)
    if statistic.clustered:
        order = sorted(set(frame["c"]))
        keys["cluster"] = [order.index(one) for one in frame["c"]]
    w = frame["w"] if "w" in frame else pd.Series(1.0, index=frame.index)
    if not keys:
        return [(len(frame), w.sum(), (w * w).sum())] if len(frame) else []
    table = pd.DataFrame(keys, index=frame.index).assign(w=w, w2=w * w)
    found = table.groupby(list(keys), sort=False).agg(n=("w", "size"), w=("w", "sum"), w2=("w2", "sum"))
    return [tuple(row) for row in found.reset_index().to_numpy(dtype=object).tolist()]


def test_the_cells_are_sorted_by_group_then_cluster_then_numbers(table_of: TableOf) -> None:
    """Numbers sort by label, then prediction, the clusters by the text of their values."""
    data = {"y": [2.0, 1.0, 1.0, 1.0], "d": [0.0, 5.0, 4.0, 9.0], "c": [9, 10, 10, 10], "g": list("bbba")}
    table = table_of(data, task="regression", label="y", prediction="d", cluster="c")
    cells = cells_of(table, Counts(("label", "prediction"), ("g",), None, True))
    assert cells.groups["g"].tolist() == ["a", "b", "b", "b"]
    assert cells.clusters is not None
    assert cells.clusters.dtype == np.int64
    assert cells.clusters.tolist() == [0, 0, 0, 1]
    assert cells.roles["prediction"].tolist() == [9, 4, 5, 0]


def test_clusters_have_the_same_number_in_every_count(table_of: TableOf) -> None:
    """Numbers, classes, groups and rows: one table, one numbering, in whatever order the rows come."""
    rows = [(i % 2, i / 7 % 1, f"k{i % 13}", "ab"[i % 3 == 0]) for i in range(60)]
    asked = [
        Counts(roles, by, None, True) for roles in ((), ("label",), ("label", "score")) for by in ((), ("g",))
    ]
    seen = []
    for some in (rows, rows[::-1]):
        data = dict(zip("ypcg", map(list, zip(*some, strict=True)), strict=True))
        answers = scan(table_of(data, label="y", score="p", cluster="c"), asked)
        for one in asked:
            cells = answers[one]
            assert isinstance(cells, Cells)
            assert cells.clusters is not None
            by_cluster = pd.Series(cells.n).groupby(cells.clusters).sum()
            assert by_cluster.to_dict() == {
                place: 60 // 13 + (int(name[1:]) < 60 % 13)
                for place, name in enumerate(sorted({f"k{i}" for i in range(13)}))
            }
            seen.append((one, cells.clusters.tolist(), cells.n.tolist()))
    assert seen[: len(asked)] == seen[len(asked) :]


def test_clusters_are_counted_apart(table_of: TableOf) -> None:
    """Counts within clusters do not make those without them larger."""
    data = {"y": [1, 0, 1], "g": list("aab"), "c": [1, 1, 2]}
    table = table_of(data, label="y", cluster="c")
    asked = [Counts(("label",), ("g",), None, within) for within in (False, True)]
    assert [one.what for one in plan(table, asked)][1:] == [
        "count label by g",
        "count label by g, in clusters of c",
    ]


def test_what_is_no_number_is_a_fault(table_of: TableOf) -> None:
    """Missing and infinite numbers, and ends that are crossed, come back with the counts that they concern."""
    data = {
        "y": [1.0, None, 3.0],
        "d": [1.0, math.inf, math.nan],
        "low": [0.0, 2.0, 1.0],
        "high": [1.0, 1.0, 1.0],
    }
    table = table_of(
        data | {"c": [1, None, 2]},
        task="regression",
        label="y",
        prediction="d",
        interval=("low", "high"),
        cluster="c",
    )
    said = {
        Counts(("label",)): "label 'y': 1 of 3 values are missing or NaN",
        Counts(
            ("prediction",)
        ): "prediction 'd': 1 of 3 values are missing or NaN, 1 of 3 values are infinite",
        Counts(("upper",)): "in 1 of 3 rows the low end 'low' is above the high end 'high'",
        Counts((), ("c",), None, True): "1 of 3 values of cluster 'c' are missing",
        Counts((), ("c",)): "None",
    }
    answers = scan(table, list(said))
    for statistic, says in said.items():
        assert says in str(getattr(answers[statistic], "fault", "")), statistic


@pytest.mark.parametrize(
    ("facts", "statistic", "says"),
    [
        ({"label": "t"}, Counts(("label",)), "column 't': the label is of type string, not a number"),
        (
            {"quantiles": {0.1: "t"}},
            Counts(("quantile:0.1",)),
            "the quantile:0.1 is of type string, not a number; name a column of numbers under `columns: {quantiles:",
        ),
        (
            {},
            Counts(("lower",)),
            "has no lower, which a selected check needs; name it under `columns: {interval:",
        ),
        ({}, Counts(("quantile:0.5",)), "has no quantile:0.5"),
        ({}, Counts(("score",)), "has no score"),
        ({"task": "scores"}, Counts(("prediction",)), "has no prediction"),
        ({}, Counts(("label",), (), None, True), "has no cluster"),
        ({"task": "binary"}, Counts(("lower",)), "has no lower"),
    ],
)
def test_what_a_table_cannot_answer_is_an_error(
    table_of: TableOf, facts: dict[str, Any], statistic: Counts, says: str
) -> None:
    """The error says what the release has to name."""
    roles = {"task": "regression", "label": "y", "prediction": "y"} | facts
    with pytest.raises(EvidenceError) as caught:
        scan(table_of({"y": [1.0, 0.0], "t": ["a", "b"]}, **roles), [statistic])
    assert says in str(caught.value)


def test_views_are_for_several_classes(table_of: TableOf) -> None:
    """A measure that asks for one elsewhere is at fault."""
    for task in ("binary", "regression"):
        with pytest.raises(TypeError, match="no table of this task answers"):
            scan(table_of({"y": [1, 0]}, task=task, label="y"), [Counts(("label",), (), "favourable")])


def test_graded_scores_may_be_of_any_size(table_of: TableOf) -> None:
    """They are no probabilities, and need no label."""
    table = table_of({"s": [-3.5, 1e9, 1e9, -0.0], "g": list("aabb")}, task="scores", score="s")
    cells = cells_of(table, Counts(("score",), ("g",)))
    assert cells.fault is None
    assert cells.roles["score"].tolist() == [-3.5, 1e9, 0.0, 1e9]
    labelled = table_of({"s": [0.5, 2.0], "y": [4, 4]}, task="scores", score="s", label="y")
    assert cells_of(labelled, Counts(("label",))).roles["label"].tolist() == [4]


def test_a_table_without_rows_has_no_cells_and_no_fault(table_of: TableOf) -> None:
    """Nothing is wrong with an empty table but that it is empty; measures say so."""
    table = table_of(
        "SELECT 1.0 AS y, 0.5 AS d, 'a' AS c WHERE false",
        task="regression",
        label="y",
        prediction="d",
        cluster="c",
    )
    for statistic in (Counts(("label", "prediction")), Counts(("label",), (), None, True)):
        cells = cells_of(table, statistic)
        assert (cells.rows, cells.fault) == (0, None)


def test_more_clusters_than_groups_may_be_fetched(table_of: TableOf) -> None:
    """A million and one customers are not too many to be counted apart; as groups they are."""
    table = table_of("SELECT i AS c, i % 2 AS y FROM range(1000001) t(i)", label="y", cluster="c")
    assert cells_of(table, Counts(("label",), (), None, True)).fault is None
    assert "more than 1000000 distinct" in str(cells_of(table, Counts(("label",), ("c",))).fault)
