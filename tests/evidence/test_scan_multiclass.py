"""Counting classes: the cells of a multiclass table equal what pandas and numpy make of its rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlgate.cells import Cells, Counts
from mlgate.errors import EvidenceError
from mlgate.evidence.scan import plan, scan
from tests.conftest import few

if TYPE_CHECKING:
    from mlgate.evidence.tables import Table

TableOf = Callable[..., "Table"]

DRAWN = settings(max_examples=few(25), deadline=None, suppress_health_check=[HealthCheck.too_slow])

CODINGS: list[tuple[list[Any], list[str], pa.DataType]] = [
    (["cat", "dog", "bird"], ["cat", "dog", "bird"], pa.string()),
    ([3, 1, 20], ["3", "1", "20"], pa.int64()),
    ([3.0, 1.5, -0.0], ["3", "1.5", "0"], pa.float64()),
    ([True, False], ["true", "false"], pa.bool_()),
    (["b", "a", '"; --', "\U0001f600", ""], ["b", "a", '"; --', "\U0001f600", ""], pa.string()),
]
"""Values as columns hold them, and how their classes are spelt."""


@st.composite
def tables(draw: st.DrawFn) -> tuple[pa.Table, dict[str, Any], dict[Any, str]]:
    """Draw a multiclass table without gaps, the roles of its columns, and the spelling of each value."""
    size = draw(st.integers(0, 20))
    values, names, kind = draw(st.sampled_from(CODINGS))
    spelt = dict(zip(values, names, strict=True))
    keys = draw(st.permutations(names))
    parts = st.sampled_from([0, 1, 1, 2, 5])
    rows = draw(
        st.lists(
            st.lists(parts, min_size=len(keys), max_size=len(keys)).filter(any), min_size=size, max_size=size
        )
    )
    columns = {
        f"p{place}": pa.array([row[place] / sum(row) for row in rows], pa.float64())
        for place in range(len(keys))
    }
    one_each = st.lists(st.sampled_from(values), min_size=size, max_size=size)
    columns["y"] = pa.array(draw(one_each), kind)
    columns["g"] = pa.array(
        draw(st.lists(st.sampled_from(["x", "z", None]), min_size=size, max_size=size)), pa.string()
    )
    columns["c"] = pa.array(draw(st.lists(st.integers(8, 12), min_size=size, max_size=size)), pa.int64())
    roles: dict[str, Any] = {
        "task": "multiclass",
        "label": "y",
        "scores": {key: f"p{place}" for place, key in enumerate(keys)},
        "cluster": "c",
        "favourable": draw(st.sampled_from([names[0], tuple(names[:-1])])),
    }
    if draw(st.booleans()):
        columns["d"] = pa.array(draw(one_each), kind)
        roles["prediction"] = "d"
    if draw(st.booleans()):
        weights = st.lists(st.sampled_from([0.5, 1.0, 3.25]), min_size=size, max_size=size)
        columns["w"] = pa.array(draw(weights), pa.float64())
        roles["weight"] = "w"
    return pa.table(columns), roles, spelt


def on_rows(
    data: pa.Table, roles: dict[str, Any], spelt: dict[Any, str], view: str | None
) -> dict[str, np.ndarray]:
    """Compute each role for each row with numpy."""
    names = np.array([*roles["scores"]], dtype=object)
    scores = np.column_stack([data[column].to_numpy() for column in roles["scores"].values()])
    label = np.array([spelt[one] for one in data["y"].to_pylist()], dtype=object)
    if "prediction" in roles:
        prediction = np.array([spelt[one] for one in data["d"].to_pylist()], dtype=object)
    else:
        prediction = names[scores.argmax(axis=1)]
    if view is None:
        places = {name: place for place, name in enumerate(sorted(names))}
        return {
            "label": np.array([places[one] for one in label]),
            "prediction": np.array([places[one] for one in prediction]),
            "score": (scores * (names[None, :] == label[:, None])).sum(axis=1),
            "score_squares": (scores**2).sum(axis=1),
        }
    if view == "top":
        of_it = (scores * (names[None, :] == prediction[:, None])).sum(axis=1)
        return {"label": label == prediction, "prediction": np.ones(len(label)), "score": of_it}
    stated = roles["favourable"] if view == "favourable" else view.removeprefix("class:")
    wanted = [*(stated if isinstance(stated, tuple) else (stated,))]
    return {
        "label": np.isin(label, wanted),
        "prediction": np.isin(prediction, wanted),
        "score": scores[:, np.isin(names, wanted)].sum(axis=1),
    }


ROLES = [(), ("label",), ("prediction",), ("label", "prediction"), ("score",), ("label", "score")]
ROLES += [("label", "prediction", "score")]
WAYS = [(roles, by, within) for roles in ROLES for by in [(), ("g",)] for within in (False, True)]


def asked_of(spelt: dict[Any, str]) -> list[Counts]:
    """Return every statistic of a table: all roles, groups and clusters in every view."""
    views = [None, "favourable", "top", *(f"class:{name}" for name in spelt.values())]
    found = [Counts(roles, by, view, within) for roles, by, within in WAYS for view in views]
    return [*found, Counts(("label", "score", "score_squares"), ("g",)), Counts(("score_squares",))]


@DRAWN
@given(drawn=tables(), choose=st.data())
def test_cells_equal_a_groupby_on_the_rows(
    table_of: TableOf, drawn: tuple[pa.Table, dict[str, Any], dict[Any, str]], choose: st.DataObject
) -> None:
    """Whatever is asked beside it, every view has the counts that pandas has, within clusters too."""
    data, roles, spelt = drawn
    asked = choose.draw(st.lists(st.sampled_from(asked_of(spelt)), min_size=1, max_size=8, unique=True))
    answers = scan(table_of(data, **roles), asked)
    for statistic in asked:
        cells = answers[statistic]
        assert isinstance(cells, Cells)
        assert cells.fault is None
        assert cells.classes == (
            tuple(sorted(spelt.values())) if statistic.roles and not statistic.view else ()
        )
        found, wanted = counted(cells, statistic), expected(data, roles, spelt, statistic)
        assert [row[:2] for row in found] == [row[:2] for row in wanted], statistic
        np.testing.assert_allclose([row[2:] for row in found], [row[2:] for row in wanted], rtol=1e-12)


def expected(
    data: pa.Table, roles: dict[str, Any], spelt: dict[Any, str], statistic: Counts
) -> list[tuple[Any, ...]]:
    """Count the rows with pandas: (key, n, sum of weights, sum of squared weights)."""
    of_role = on_rows(data, roles, spelt, statistic.view)
    keys: dict[str, Any] = {role: np.round(of_role[role].astype(float), 12) for role in statistic.roles}
    keys |= {f"by {name}": [str(one) for one in data[str(name)].to_pylist()] for name in statistic.by}
    if statistic.clustered:
        texts = [str(one) for one in data["c"].to_pylist()]
        keys["cluster"] = [sorted(set(texts)).index(one) for one in texts]
    frame = pd.DataFrame(keys, index=range(data.num_rows))
    frame["w"] = data["w"].to_pylist() if "weight" in roles else 1.0
    frame["w2"] = frame["w"] ** 2
    if not keys:
        return [((), len(frame), frame["w"].sum(), frame["w2"].sum())] if len(frame) else []
    rows = frame.groupby(list(keys), sort=False).agg(n=("w", "size"), w=("w", "sum"), w2=("w2", "sum"))
    found = rows.reset_index().itertuples(index=False, name=None)
    return sorted(((tuple(map(str, row[: len(keys)])), *row[len(keys) :]) for row in found), key=str)


def counted(cells: Cells, statistic: Counts) -> list[tuple[Any, ...]]:
    """Return cells in the form of `expected`; clusters by their number."""
    columns: list[list[Any]] = [np.round(cells.roles[role], 12).tolist() for role in statistic.roles]
    columns += [[str(one) for one in cells.groups[by]] for by in statistic.by]
    if statistic.clustered:
        assert cells.clusters is not None
        columns.append(cells.clusters.tolist())
    keys = zip(*columns, strict=True) if columns else [()] * len(cells.n)
    sums = np.column_stack([cells.n, cells.w, cells.w2])
    rows: dict[tuple[str, ...], Any] = {}
    for key, row in zip(keys, sums, strict=True):  # scores may differ in a bit that rounding takes away
        spelt = tuple(map(str, key))
        rows[spelt] = rows.get(spelt, 0) + row
    return sorted(((key, int(row[0]), *row[1:]) for key, row in rows.items()), key=str)


def cells_of(table: Table, statistic: Counts) -> Cells:
    """Return the cells that answer one statistic."""
    answer = scan(table, [statistic])[statistic]
    assert isinstance(answer, Cells)
    return answer


def test_the_cells_are_sorted_and_name_their_classes(table_of: TableOf) -> None:
    """Classes are in the order of their names, cells in that of groups, clusters, label and prediction."""
    columns = {"y": [2, 10, 2, 1], "d": [10.0, 10.0, 2.0, 7.0], "g": ["b", "a", "b", "b"]}
    table = table_of(columns, task="multiclass", label="y", prediction="d")
    cells = cells_of(table, Counts(("label", "prediction"), ("g",)))
    assert cells.classes == ("1", "10", "2", "7")
    assert cells.groups["g"].tolist() == ["a", "b", "b", "b"]
    assert cells.roles["label"].tolist() == [1, 0, 2, 2]
    assert cells.roles["prediction"].tolist() == [1, 3, 1, 2]


@pytest.mark.parametrize(
    ("order", "wanted"), [(("a", "b", "c"), "a"), (("c", "b", "a"), "b"), (("b", "a", "c"), "b")]
)
def test_the_first_of_equal_probabilities_is_predicted(
    table_of: TableOf, order: tuple[str, ...], wanted: str
) -> None:
    """First in the order of the release, as numpy has it of the columns in that order."""
    row = {"a": 0.4, "b": 0.4, "c": 0.2}
    table = table_of(
        {"y": ["a"], **{f"p{key}": [row[key]] for key in row}},
        task="multiclass",
        label="y",
        scores={key: f"p{key}" for key in order},
    )
    cells = cells_of(table, Counts(("prediction",)))
    assert cells.classes[int(cells.roles["prediction"][0])] == wanted
    assert order[int(np.argmax([row[key] for key in order]))] == wanted


@pytest.mark.parametrize(
    ("values", "keys"),
    [
        ([1, 2], ("1", "2.0")),
        ([1.0, 2.0], ("1", "2")),
        ([True, False], ("1", "0")),
        (["1.0", "x"], ("1", "x")),
    ],
)
def test_the_keys_of_the_scores_match_as_label_values_do(
    table_of: TableOf, values: list[Any], keys: tuple[str, str]
) -> None:
    """One is one however it is written; the class is called what the label calls it."""
    data = {"y": values, "p": [0.9, 0.3], "q": [0.1, 0.7]}
    table = table_of(data, task="multiclass", label="y", scores=dict(zip(keys, "pq", strict=True)))
    cells = cells_of(table, Counts(("label", "prediction", "score")))
    assert cells.fault is None
    assert cells.roles["label"].tolist() == cells.roles["prediction"].tolist() == [0, 1]
    spelt = [str(one).lower() if isinstance(one, bool) else str(one).removesuffix(".0") for one in values]
    assert cells.classes == tuple(sorted(spelt if values[0] != "1.0" else ["1.0", "x"]))
    by_class = dict(zip(cells.classes, cells.roles["score"], strict=True))
    assert by_class[cells.classes[0]] in (0.9, 0.7)


def three(**changes: list[Any]) -> dict[str, list[Any]]:
    """Return four rows of three classes, some of its columns replaced."""
    rows = {
        "y": ["a", "b", "c", "a"],
        "pa": [0.5, 0.2, 0.1, 0.8],
        "pb": [0.25, 0.7, 0.1, 0.1],
        "pc": [0.25, 0.1, 0.8, 0.1],
    }
    return rows | changes


SCORES = {"a": "pa", "b": "pb", "c": "pc"}


@pytest.mark.parametrize(
    ("changes", "statistic", "says"),
    [
        ({"y": ["a", None, "c", "a"]}, Counts(("label",)), "1 of 4 values of label 'y' are missing"),
        ({"y": ["a", None, "c", "a"]}, Counts(("score",)), "1 of 4 values of label 'y' are missing"),
        ({"pa": [0.5, None, 0.1, math.nan]}, Counts(("label", "score")), "score: 2 of 4 rows lack"),
        ({"pa": [0.5, None, 0.1, 0.8]}, Counts(("prediction",)), "1 of 4 rows lack a probability"),
        (
            {"pa": [0.5, math.inf, 0.1, 0.8]},
            Counts(("score_squares",)),
            "1 of 4 rows have a probability that",
        ),
        (
            {"pa": [0.5, 1.2, 0.1, 0.8]},
            Counts(("score",), (), "top"),
            "1 of 4 rows have a probability outside",
        ),
        (
            {"pa": [0.5, 0.3, 0.1, 0.8]},
            Counts(("label", "score"), (), "class:b"),
            "in 1 of 4 rows the probabilities do not add up to 1 (sums from 1 to 1.1)",
        ),
    ],
)
def test_what_cannot_be_counted_is_a_fault(
    table_of: TableOf, changes: dict[str, list[Any]], statistic: Counts, says: str
) -> None:
    """Missing labels and what is no probability come back with the cells, never as counts."""
    cells = cells_of(table_of(three(**changes), task="multiclass", label="y", scores=SCORES), statistic)
    assert says in str(cells.fault)
    assert cells.rows == 4


def test_faults_of_scores_do_not_touch_counts_of_classes(table_of: TableOf) -> None:
    """Where the prediction has a column, the probabilities have no part in it."""
    data = three(pa=[7.0, 8.0, 9.0, None]) | {"d": ["a", "b", "c", "b"]}
    table = table_of(data, task="multiclass", label="y", prediction="d", scores=SCORES)
    assert cells_of(table, Counts(("label", "prediction"))).fault is None
    assert cells_of(table, Counts(("label", "score"))).fault is not None


def test_rounded_probabilities_add_up_to_one(table_of: TableOf) -> None:
    """Three digits of each are enough; two are not, for three classes."""
    third = {"y": ["a"], "pa": [0.333], "pb": [0.333], "pc": [0.333]}
    table = table_of(third, task="multiclass", label="y", scores=SCORES)
    assert cells_of(table, Counts(("score",))).fault is None
    coarse = {"y": ["a"], "pa": [0.33], "pb": [0.33], "pc": [0.33]}
    table = table_of(coarse, task="multiclass", label="y", scores=SCORES)
    assert "do not add up to 1" in str(cells_of(table, Counts(("score",))).fault)


@pytest.mark.parametrize(
    ("data", "facts", "statistic", "says"),
    [
        (three(y=["A", "b", "c", "A"]), {}, Counts(("label",)), "did you mean 'A'?"),
        (three(y=["a", "b", "z", "a"]), {}, Counts(("label",)), "the label has 'z', and `score:` under"),
        (three(d=["a", "b", "z ", "a"]), {"prediction": "d"}, Counts(("label",)), "the prediction has 'z '"),
        (three(), {}, Counts(("label",), (), "class:d"), "class 'd': is no class of the table"),
        (
            three(y=list("abca")),
            {"favourable": "bb"},
            Counts(("label",), (), "favourable"),
            "did you mean 'b'?",
        ),
        (three(), {"favourable": ("a", 1)}, Counts(("label",), (), "favourable"), "`favourable: 1` under"),
        (three(), {"favourable": ("a", "b", "c")}, Counts(("label",), (), "favourable"), "names every class"),
        (three(), {}, Counts(("label",), (), "favourable"), "does not say which classes people want"),
        (three(pa=list("wxyz")), {}, Counts(("score",)), "column 'pa': the score is of type string, not a"),
        (three(), {"label": "pa"}, Counts(("label",)), "`score:` under `columns:` gives no such class"),
        (three(), {"scores": {}}, Counts(("prediction",)), "has no prediction"),
        (three(), {"scores": {}}, Counts(("score",)), "has no score"),
        (three(), {"label": None}, Counts(("score",)), "has no label"),
        (three(), {}, Counts(("lower",)), "has no lower"),
        ({"y": [1, 2], "d": ["1", "1.0"]}, {"prediction": "d", "scores": {}}, Counts(("label",)), "two ways"),
        (
            {"y": ["ab", "c"], "d": ["c", "Ab "]},
            {"prediction": "d", "scores": {}},
            Counts(("prediction",)),
            "column 'd': 'Ab ' differs from 'ab' by spaces or case alone",
        ),
        (
            {"y": list(pd.date_range("2026-01-01", periods=3))},
            {"scores": {}},
            Counts(("label",)),
            "which has no classes",
        ),
        ({"y": list(range(1001))}, {"scores": {}}, Counts(("label",)), "is this a regression?"),
    ],
)
def test_what_does_not_match_ends_the_scan(
    table_of: TableOf, data: dict[str, list[Any]], facts: dict[str, Any], statistic: Counts, says: str
) -> None:
    """The error names the place and what to write, and the plan raises it too."""
    table = table_of(data, **({"task": "multiclass", "label": "y", "scores": SCORES} | facts))
    with pytest.raises(EvidenceError) as caught:
        scan(table, [statistic])
    assert says in str(caught.value)
    assert str(caught.value).startswith("test.csv")
    with pytest.raises(EvidenceError):
        plan(table, [statistic])


def test_a_prediction_in_another_coding_is_a_fault(table_of: TableOf) -> None:
    """Where label and prediction share no class, nothing shows that all are wrong."""
    data = {"y": [0, 1, 2], "d": ["cat", "dog", "cat"]}
    table = table_of(data, task="multiclass", label="y", prediction="d")
    assert "no prediction is a class of the label" in str(cells_of(table, Counts(("prediction",))).fault)
    assert cells_of(table, Counts(("label",))).fault is None
    vouched = table_of(
        three(d=["b", "c", "b", "c"], y=["a"] * 4),
        task="multiclass",
        label="y",
        prediction="d",
        scores=SCORES,
    )
    assert cells_of(vouched, Counts(("label", "prediction"))).fault is None


def test_a_table_without_rows_has_no_cells(table_of: TableOf) -> None:
    """It has the classes of its scores, and no fault."""
    sql = "SELECT 'a' AS y, 0.5 AS pa, 0.25 AS pb, 0.25 AS pc WHERE false"
    table = table_of(sql, task="multiclass", label="y", scores=SCORES, favourable="a")
    for view in (None, "top", "favourable", "class:b"):
        for roles in (("label", "prediction"), ("label", "score")):
            cells = cells_of(table, Counts(roles, (), view))
            assert (cells.rows, cells.fault) == (0, None)
            assert cells.classes == (("a", "b", "c") if view is None else ())
    bare = table_of(sql, task="multiclass", label="y", favourable="a")
    assert cells_of(bare, Counts(("label",), (), "favourable")).rows == 0


def test_one_query_serves_every_view_of_classes(table_of: TableOf) -> None:
    """Only the scores of a view need a query of their own."""
    table = table_of(three(g=list("xyxy")), task="multiclass", label="y", scores=SCORES, favourable="a")
    views = [None, "favourable", "top", "class:a", "class:b"]
    asked = [Counts(("label", "prediction"), by, view) for by in [(), ("g",)] for view in views]
    assert [one.what for one in plan(table, asked)] == [
        "look at labels, scores, weights and the sizes of groups",
        "list the classes of label y",
        "count label, prediction by g",
    ]
    scored = [Counts(("label", "score"), (), view) for view in views]
    assert [one.what for one in plan(table, scored)][2:] == [
        "count label, score",
        "count label, score of class:a",
        "count label, score of class:b",
        "count label, score of favourable",
        "count label, prediction, score of top",
    ]


def test_a_column_named_highest_is_not_overwritten(table_of: TableOf) -> None:
    """The largest probability has a name that the table does not use."""
    data = three(highest=["x", "y", "x", "y"])
    table = table_of(data, task="multiclass", label="y", scores=SCORES)
    cells = cells_of(table, Counts(("prediction",), ("highest",)))
    assert cells.groups["highest"].tolist() == ["x", "x", "y", "y"]


def test_an_absent_column_of_scores_is_named(table_of: TableOf) -> None:
    """A release that names three columns of which one is not there has no probabilities to judge."""
    table = table_of(three(), task="multiclass", label="y", scores={"a": "pa", "b": "pb"})
    table = replace(table, absent={"score": "pc"})
    assert cells_of(table, Counts(("label",))).classes == ("a", "b", "c")
    with pytest.raises(EvidenceError, match="column 'pc': is not there"):
        scan(table, [Counts(("label", "prediction"))])


@pytest.mark.parametrize("statistic", [Counts(("label",), (), "best"), Counts(("score_squares",), (), "top")])
def test_what_no_multiclass_table_answers_is_refused(table_of: TableOf, statistic: Counts) -> None:
    """A view that is none is a fault of the measure."""
    with pytest.raises(TypeError, match="no multiclass table answers"):
        scan(table_of(three(), task="multiclass", label="y", scores=SCORES), [statistic])


@pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")  # Ibis' way to pandas, not ours
def test_another_engine_gives_the_same_cells(table_of: TableOf, tmp_path: Any) -> None:
    """SQLite, whose greatest of some nulls is null, answers as DuckDB does."""
    import sqlite3

    import ibis

    data = three(g=["x", "y", "x", None])
    with sqlite3.connect(tmp_path / "t.db") as file:
        file.execute("CREATE TABLE t (y TEXT, pa REAL, pb REAL, pc REAL, g TEXT)")
        file.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", zip(*data.values(), strict=True))
    file.close()
    duck = table_of(data, task="multiclass", label="y", scores=SCORES, favourable=("a", "c"), cluster="g")
    lite = replace(duck, engine="sqlite", expr=ibis.sqlite.connect(tmp_path / "t.db").table("t"))
    for view in (None, "top", "favourable", "class:b"):
        for roles in (("label", "prediction"), ("label", "score")):
            one, other = (cells_of(table, Counts(roles, ("g",), view)) for table in (duck, lite))
            assert one.fault is None
            assert [list(one.roles[role]) for role in roles] == [list(other.roles[role]) for role in roles]
            assert (one.n.tolist(), one.classes) == (other.n.tolist(), other.classes)
