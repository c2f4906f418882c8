"""Counting two models together: the cells of candidate and champion equal what pandas makes of their rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlgate.cells import Cells, ChampionRoles, Counts
from mlgate.errors import EvidenceError
from mlgate.evidence.scan import plan, scan
from mlgate.evidence.tables.champion import ChampionTerms

if TYPE_CHECKING:
    from mlgate.evidence.tables import Table

TableOf = Callable[..., "Table"]
Row = tuple[Any, ...]

DRAWN = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])

JOINT = ("label", "prediction", "score", "champion_prediction", "champion_score")
BINARY = [
    JOINT,
    ("label", "prediction", "champion_prediction"),
    ("label", "score", "champion_score"),
    ("label", "score"),
    ("champion_prediction",),
    ("champion_score",),
    ("label", "champion_prediction", "champion_score"),
]
PLACES = [((), False), (("g",), False), (("g",), True), ((), True)]


def listed(draw: st.DrawFn, one: st.SearchStrategy[Any], size: int) -> list[Any]:
    """Draw a column."""
    return draw(st.lists(one, min_size=size, max_size=size))


@st.composite
def beside(draw: st.DrawFn, size: int) -> tuple[dict[str, pa.Array], dict[str, Any]]:
    """Draw groups, clusters and perhaps weights, with their roles."""
    columns = {
        "g": pa.array(listed(draw, st.sampled_from(["x", "z", None]), size), pa.string()),
        "c": pa.array(listed(draw, st.integers(8, 12), size), pa.int64()),
    }
    roles: dict[str, Any] = {"cluster": "c"}
    if draw(st.booleans()):
        columns["w"] = pa.array(listed(draw, st.sampled_from([0.5, 1.0, 3.25]), size), pa.float64())
        roles["weight"] = "w"
    return columns, roles


def expected(data: pa.Table, of_role: dict[str, Any], statistic: Counts) -> list[Row]:
    """Count rows with pandas: (key, n, sum of weights, sum of squared weights)."""
    keys: dict[str, Any] = {one: np.round(np.asarray(of_role[one], float), 12) for one in statistic.roles}
    keys |= {f"by {name}": [str(one) for one in data[str(name)].to_pylist()] for name in statistic.by}
    if statistic.clustered:
        texts = [str(one) for one in data["c"].to_pylist()]
        keys["cluster"] = [sorted(set(texts)).index(one) for one in texts]
    frame = pd.DataFrame(keys, index=range(data.num_rows))
    frame["w"] = data["w"].to_pylist() if "w" in data.column_names else 1.0
    frame["w2"] = frame["w"] ** 2
    rows = frame.groupby(list(keys), sort=False).agg(n=("w", "size"), w=("w", "sum"), w2=("w2", "sum"))
    found = rows.reset_index().itertuples(index=False, name=None)
    return sorted(((tuple(map(str, row[: len(keys)])), *row[len(keys) :]) for row in found), key=str)


def counted(cells: Cells, statistic: Counts) -> list[Row]:
    """Return cells in the form of `expected`; clusters by their number."""
    assert cells.binned is None
    columns: list[list[Any]] = [np.round(cells.roles[role], 12).tolist() for role in statistic.roles]
    columns += [[str(one) for one in cells.groups[by]] for by in statistic.by]
    if statistic.clustered:
        assert cells.clusters is not None
        columns.append(cells.clusters.tolist())
    rows: dict[tuple[str, ...], Any] = {}
    for key, row in zip(
        zip(*columns, strict=True), np.column_stack([cells.n, cells.w, cells.w2]), strict=True
    ):
        spelt = tuple(map(str, key))
        rows[spelt] = rows.get(spelt, 0) + row
    return sorted(((key, int(row[0]), *row[1:]) for key, row in rows.items()), key=str)


def assert_counted(table: Table, data: pa.Table, asked: Sequence[tuple[Counts, dict[str, Any]]]) -> None:
    """Hold the answers to some statistics, asked together, against pandas; each with the roles of its rows."""
    answers = scan(table, [one for one, _ in asked])
    for statistic, of_role in asked:
        cells = answers[statistic]
        assert isinstance(cells, Cells)
        assert cells.fault is None
        found, wanted = counted(cells, statistic), expected(data, of_role, statistic)
        assert [row[:2] for row in found] == [row[:2] for row in wanted], statistic
        np.testing.assert_allclose([row[2:] for row in found], [row[2:] for row in wanted], rtol=1e-12)


def cells_of(table: Table, statistic: Counts) -> Cells:
    """Return the cells that answer one statistic."""
    answer = scan(table, [statistic])[statistic]
    assert isinstance(answer, Cells)
    return answer


@DRAWN
@given(drawn=st.data())
def test_two_binary_models_are_counted_as_pandas_counts_them(table_of: TableOf, drawn: st.DataObject) -> None:
    """Decisions in columns or from scores, thresholds apart, groups, weights and clusters."""
    size = drawn.draw(st.integers(1, 25))
    columns, roles = drawn.draw(beside(size))
    probability = st.lists(st.sampled_from([0.0, 0.2, 0.3, 0.5, 0.7, 1.0]), min_size=size, max_size=size)
    columns["p"], columns["q"] = (pa.array(drawn.draw(probability), pa.float64()) for _ in range(2))
    # Both classes are there, so that every value is known.
    bits = st.lists(st.integers(0, 1), min_size=size, max_size=size)
    label = [0, 1, *drawn.draw(bits)][:size] if size > 1 else [1]
    columns["y"] = pa.array(["no" if not one else "yes" for one in label], pa.string())
    own, old = drawn.draw(bits), drawn.draw(bits)
    with_own, with_old = drawn.draw(st.booleans()), drawn.draw(st.booleans())
    columns["d"] = pa.array(["yes" if one else "no" for one in own], pa.string())
    columns["e"] = pa.array(old, pa.int64())
    data = pa.table(columns)
    threshold = drawn.draw(st.sampled_from([0.2, 0.5]))
    table = table_of(
        data,
        label="y",
        score="p",
        label_positive="yes",
        prediction="d" if with_own else None,
        champion=ChampionRoles(score="q", prediction="e" if with_old else None),
        **roles,
    )
    table = replace(table, champion=ChampionTerms(threshold=threshold, prediction_positive=1))
    if size == 1 or (with_old and not any(old)) or (with_own and size == 1):
        return  # nothing shows which class is which
    p, q = (data[name].to_numpy() for name in "pq")
    of_role = {
        "label": label,
        "prediction": own if with_own else p >= 0.5,
        "score": p,
        "champion_prediction": old if with_old else q >= threshold,
        "champion_score": q,
    }
    every = [Counts(one, by, None, within) for one in BINARY for by, within in PLACES]
    asked = drawn.draw(st.lists(st.sampled_from(every), min_size=1, max_size=6, unique=True))
    assert_counted(table, data, [(one, of_role) for one in asked])


CLASSES = ("ape", "bee", "cat")


@DRAWN
@given(drawn=st.data())
def test_two_multiclass_models_are_counted_as_numpy_counts_them(
    table_of: TableOf, drawn: st.DataObject
) -> None:
    """In every view, with columns in another order of classes, decisions in columns or from scores."""
    size = drawn.draw(st.integers(1, 25))
    columns, roles = drawn.draw(beside(size))
    parts = st.lists(st.sampled_from([0, 1, 2, 5]), min_size=3, max_size=3).filter(any)
    keys = {who: tuple(drawn.draw(st.permutations(CLASSES))) for who in "pq"}
    scores = {}
    for who in "pq":
        rows = drawn.draw(st.lists(parts, min_size=size, max_size=size))
        scores[who] = np.array([[part / sum(row) for part in row] for row in rows])
        columns |= {f"{who}{place}": pa.array(scores[who][:, place]) for place in range(3)}
    names = st.lists(st.sampled_from(CLASSES), min_size=size, max_size=size)
    label = np.array(drawn.draw(names), dtype=object)
    own, old = (np.array(drawn.draw(names), dtype=object) for _ in range(2))
    with_own, with_old = drawn.draw(st.booleans()), drawn.draw(st.booleans())
    columns |= {"y": pa.array(label), "d": pa.array(own), "e": pa.array(old)}
    data = pa.table(columns)
    table = table_of(
        data,
        task="multiclass",
        label="y",
        scores={key: f"p{place}" for place, key in enumerate(keys["p"])},
        prediction="d" if with_own else None,
        favourable=("ape", "cat"),
        champion=ChampionRoles(
            scores={key: f"q{place}" for place, key in enumerate(keys["q"])},
            prediction="e" if with_old else None,
        ),
        **roles,
    )
    said = {
        "": own if with_own else np.array(keys["p"], dtype=object)[scores["p"].argmax(axis=1)],
        "champion_": old if with_old else np.array(keys["q"], dtype=object)[scores["q"].argmax(axis=1)],
    }

    def of_role(view: str | None) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for who, prefix in (("p", ""), ("q", "champion_")):
            each, prediction = np.array(keys[who], dtype=object), said[prefix]
            if view is None:
                place = {name: number for number, name in enumerate(CLASSES)}
                found["label"] = [place[one] for one in label]
                found[f"{prefix}prediction"] = [place[one] for one in prediction]
                found[f"{prefix}score"] = (scores[who] * (each[None, :] == label[:, None])).sum(axis=1)
                found[f"{prefix}score_squares"] = (scores[who] ** 2).sum(axis=1)
            elif view == "top":
                found[f"{prefix}score"] = (scores[who] * (each[None, :] == prediction[:, None])).sum(axis=1)
            else:
                wanted = ["ape", "cat"] if view == "favourable" else [view.removeprefix("class:")]
                found["label"] = np.isin(label, wanted)
                found[f"{prefix}prediction"] = np.isin(prediction, wanted)
                found[f"{prefix}score"] = scores[who][:, np.isin(each, wanted)].sum(axis=1)
        if view == "top":
            found |= {"label": label == said[""], "prediction": np.ones(size)}
            found["champion_prediction"] = label == said["champion_"]
        return found

    views = [None, "top", "favourable", "class:bee"]
    every = [Counts(one, by, view, within) for one in BINARY for by, within in PLACES for view in views]
    every += [Counts(("label", "score", "score_squares", "champion_score", "champion_score_squares"))]
    asked = drawn.draw(st.lists(st.sampled_from(every), min_size=1, max_size=6, unique=True))
    assert_counted(table, data, [(one, of_role(one.view)) for one in asked])


@DRAWN
@given(drawn=st.data())
def test_two_regressions_are_counted_as_pandas_counts_them(table_of: TableOf, drawn: st.DataObject) -> None:
    """Numbers of either model, and of neither."""
    size = drawn.draw(st.integers(1, 25))
    columns, roles = drawn.draw(beside(size))
    of_role = {}
    number = st.lists(st.sampled_from([-1.5, 0.0, 0.25, 3.0, 1e9]), min_size=size, max_size=size)
    for role, name in (("label", "y"), ("prediction", "d"), ("champion_prediction", "e")):
        of_role[role] = drawn.draw(number)
        columns[name] = pa.array(of_role[role], pa.float64())
    data = pa.table(columns)
    champion = ChampionRoles(prediction="e")
    table = table_of(data, task="regression", label="y", prediction="d", champion=champion, **roles)
    several = [("label", "prediction", "champion_prediction"), ("label", "champion_prediction"), ("label",)]
    every = [Counts(one, by, None, within) for one in several for by, within in PLACES]
    asked = drawn.draw(st.lists(st.sampled_from(every), min_size=1, max_size=6, unique=True))
    assert_counted(table, data, [(one, of_role) for one in asked])


def test_graded_scores_of_two_models_are_counted(table_of: TableOf) -> None:
    """Of the task scores, the score is what a model says."""
    data = {"s": [1.0, 2.0, 2.0], "t": [7.0, -1.0, -1.0]}
    table = table_of(data, task="scores", score="s", champion=ChampionRoles(score="t"))
    cells = cells_of(table, Counts(("score", "champion_score")))
    assert cells.roles["score"].tolist() == [1.0, 2.0]
    assert cells.roles["champion_score"].tolist() == [7.0, -1.0]
    assert cells.n.tolist() == [1, 2]


def test_the_joint_cells_are_sorted_and_have_both_marginals(table_of: TableOf) -> None:
    """Four rows by hand: label, then the candidate's score, then the champion's."""
    data = {"y": [1, 0, 1, 0], "p": [0.9, 0.4, 0.9, 0.6], "q": [0.2, 0.4, 0.8, 0.1]}
    table = table_of(data, label="y", score="p", champion=ChampionRoles(score="q"))
    cells = cells_of(table, Counts(JOINT))
    assert cells.roles["label"].tolist() == [0, 0, 1, 1]
    assert cells.roles["prediction"].tolist() == [0, 1, 1, 1]
    assert cells.roles["champion_prediction"].tolist() == [0, 0, 0, 1]
    assert cells.roles["score"].tolist() == [0.4, 0.6, 0.9, 0.9]
    assert cells.roles["champion_score"].tolist() == [0.4, 0.1, 0.2, 0.8]


def test_scores_of_two_models_are_never_binned(table_of: TableOf) -> None:
    """Bins of one score would lose what the other score is beside it."""
    rng = np.random.default_rng(3)
    data = {"y": rng.integers(0, 2, 2000), "p": rng.random(2000), "q": rng.random(2000)}
    table = table_of(data, label="y", score="p", champion=ChampionRoles(score="q"))
    alone = Counts(("label", "score"), binned=("log_loss",))
    both = Counts(("label", "score", "champion_score"), binned=("log_loss",))
    answers = scan(table, [alone, both], bin_above=100)
    one, two = answers[alone], answers[both]
    assert isinstance(one, Cells)
    assert isinstance(two, Cells)
    assert one.binned is not None
    assert two.binned is None
    assert len(two.n) == 2000


def test_the_plan_counts_two_models_apart_from_one(table_of: TableOf) -> None:
    """Few cells of one model are not made from as many as there are rows; decisions share one query."""
    data = {"y": [1, 0], "p": [0.9, 0.4], "q": [0.2, 0.4]}
    table = table_of(data, label="y", score="p", champion=ChampionRoles(score="q"))
    asked = [Counts(("label", "score")), Counts(JOINT), Counts(("label", "prediction"))]
    asked += [Counts(("label", "prediction", "champion_prediction"))]
    assert [one.what for one in plan(table, asked)][1:] == [
        "count label, prediction, champion_prediction",
        "count label, score",
        "count label, prediction, score, champion_prediction, champion_score",
    ]


ROWS: dict[str, list[Any]] = {"y": [1, 0, 1, 0], "p": [0.9, 0.4, 0.9, 0.6], "q": [0.2, 0.4, 0.8, 0.1]}


@pytest.mark.parametrize(
    ("changes", "roles", "says"),
    [
        ({"q": [0.2, None, math.nan, 0.1]}, ("champion_score",), "champion's score 'q': 2 of 4 values are"),
        ({"q": [0.2, 1.5, -0.1, 0.1]}, ("champion_score",), "2 of 4 values lie outside [0, 1]"),
        ({"q": [0.2, math.inf, 0.4, 0.1]}, ("champion_prediction",), "1 of 4 values are infinite"),
        ({"e": [1, None, 0, 1]}, ("champion_prediction",), "1 of 4 values of champion's prediction 'e'"),
    ],
)
def test_what_the_champion_did_not_say_is_a_fault(
    table_of: TableOf, changes: dict[str, list[Any]], roles: tuple[str, ...], says: str
) -> None:
    """It touches the counts of the champion, and no others."""
    champion = ChampionRoles(score="q", prediction="e" if "e" in changes else None)
    table = table_of(ROWS | changes, label="y", score="p", champion=champion)
    answers = scan(table, [Counts(("label", *roles)), Counts(("label", "score"))])
    compared, alone = answers[Counts(("label", *roles))], answers[Counts(("label", "score"))]
    assert isinstance(compared, Cells)
    assert isinstance(alone, Cells)
    assert says in str(compared.fault)
    assert alone.fault is None


@pytest.mark.parametrize(
    ("data", "facts", "roles", "says"),
    [
        (ROWS, {}, ("champion_score",), "has no champion's score, which a selected check needs"),
        (ROWS, {"champion": ChampionRoles(prediction="q")}, ("champion_score",), "has no champion's score"),
        (
            ROWS | {"q": list("abcd")},
            {"champion": ChampionRoles(score="q")},
            ("champion_score",),
            "column 'q': the champion's score is of type string, not a number",
        ),
        (
            ROWS | {"e": ["yes", "no", "yes", "no"]},
            {"champion": ChampionRoles(prediction="e")},
            ("champion_prediction",),
            "the champion's prediction has the values 'no', 'yes'",
        ),
        (
            ROWS | {"e": [1, 0, 2, 0]},
            {"champion": ChampionRoles(prediction="e")},
            ("champion_prediction",),
            "the champion's prediction has 3 distinct values",
        ),
    ],
)
def test_a_champion_that_cannot_be_read_ends_the_scan(
    table_of: TableOf, data: dict[str, list[Any]], facts: dict[str, Any], roles: tuple[str, ...], says: str
) -> None:
    """Other codings, other types, roles that it has not."""
    with pytest.raises(EvidenceError) as caught:
        scan(table_of(data, label="y", score="p", **facts), [Counts(("label", *roles))])
    assert says in str(caught.value)


def test_decisions_of_the_champion_are_those_of_the_candidate_or_refused(table_of: TableOf) -> None:
    """Coded alike, the champion has no value that the candidate's column lacks."""
    data = {"y": [1, 0, 1, 0], "d": ["yes", "no", "no", "no"], "e": ["yes", "maybe", "yes", "maybe"]}
    table = table_of(
        data, label="y", prediction="d", prediction_positive="yes", champion=ChampionRoles(prediction="e")
    )
    asked = [Counts(("label", "champion_prediction"))]
    with pytest.raises(EvidenceError, match="'maybe', 'yes', which do not match"):
        scan(replace(table, champion=ChampionTerms(prediction_positive="yes")), asked)
    # Where the release says of the champion alone what is positive, the other value is its own affair.
    data["e"] = ["go", "maybe", "go", "maybe"]
    table = table_of(
        data, label="y", prediction="d", prediction_positive="yes", champion=ChampionRoles(prediction="e")
    )
    found = scan(replace(table, champion=ChampionTerms(prediction_positive="go")), asked)[asked[0]]
    assert isinstance(found, Cells)
    assert found.roles["champion_prediction"].tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("changes", "champion", "roles", "says"),
    [
        (
            {"e": ["a", "b", "z", "a"]},
            ChampionRoles(prediction="e"),
            ("champion_prediction",),
            "column 'e': the champion's prediction has 'z', which neither the label nor the release has",
        ),
        (
            {},
            ChampionRoles(scores={"a": "qa", "b": "qb", "z": "qc"}),
            ("champion_score",),
            "the champion has a score for 'z', a class that is not there and has no score for 'c'",
        ),
        (
            {"qa": list("wxyz")},
            ChampionRoles(scores={"a": "qa", "b": "qb", "c": "qc"}),
            ("champion_score",),
            "column 'qa': the champion's score is of type string",
        ),
    ],
)
def test_a_champion_of_other_classes_ends_the_scan(
    table_of: TableOf,
    changes: dict[str, list[Any]],
    champion: ChampionRoles,
    roles: tuple[str, ...],
    says: str,
) -> None:
    """What the candidate does not know cannot be compared, and is not left out in silence."""
    data = {"y": ["a", "b", "c", "a"], "d": ["a", "b", "c", "c"]}
    data |= {"qa": [0.5, 0.2, 0.1, 0.8], "qb": [0.25, 0.7, 0.1, 0.1], "qc": [0.25, 0.1, 0.8, 0.1]} | changes  # type: ignore[operator]
    table = table_of(data, task="multiclass", label="y", prediction="d", champion=champion)
    with pytest.raises(EvidenceError) as caught:
        scan(table, [Counts(("label", *roles))])
    assert says in str(caught.value)


def test_probabilities_of_the_champion_have_faults_of_their_own(table_of: TableOf) -> None:
    """They have to add up to one, and the message says whose do not."""
    data = {"y": ["a", "b"], "d": ["a", "b"], "qa": [0.5, 0.9], "qb": [0.5, 0.9]}
    champion = ChampionRoles(scores={"a": "qa", "b": "qb"})
    table = table_of(data, task="multiclass", label="y", prediction="d", champion=champion)
    cells = cells_of(table, Counts(("label", "champion_prediction")))
    assert "champion's score: in 1 of 2 rows the probabilities do not add up to 1" in str(cells.fault)
    assert cells_of(table, Counts(("label", "prediction"))).fault is None
