"""How few queries a scan needs, and that the plan shows exactly what runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from mlgate.cells import Bins, Cells, Counts, Outside, Profile, Repeats, Shape, Values
from mlgate.evidence.scan import plan, scan

if TYPE_CHECKING:
    from mlgate.evidence.tables import Table

TableOf = Callable[..., "Table"]


@pytest.fixture
def credit(table_of: TableOf) -> Table:
    """A table with scores, groups small and large, and an identifier."""
    sql = """SELECT i AS id, i % 2 AS y, (i % 97) / 97 AS p, 'g' || i % 3 AS sex, i % 7 AS race,
             18 + i % 70 AS age, 'job' || i % 400 AS job, i % 600 AS zip, i % 500 AS shop
             FROM range(20000) t(i)"""
    return table_of(sql, label="y", score="p", protected=("sex", "race"))


def test_checks_of_all_families_share_five_queries(credit: Table) -> None:
    """A first look, one profile, one count of classes, one of scores, and one of repeats."""
    asked = [
        Shape(),
        *(Profile(name) for name in ("id", "age", "sex", "job")),
        Outside("age", 0, 120),
        Repeats(("id",)),
        Values("sex"),
        *(Counts(("label", "prediction"), by) for by in [(), ("sex",), ("race",), ("sex", "race")]),
        Counts(("label",)),
        Counts((), ("sex",)),
        *(Counts(("label", "score"), by) for by in [(), ("sex",), ("sex", "race")]),
        Counts(("label", "prediction"), (Bins("age", (30, 50)),)),
    ]
    queries = plan(credit, asked)
    assert [one.what for one in queries] == [
        "look at labels, scores, weights and the sizes of groups",
        "profile age, id, job, sex",
        "count rows that repeat id",
        "count label, prediction by race, sex, age in bins",
        "count label, score by race, sex",
    ]
    assert {one for query in queries[1:] for one in query.serves} == set(asked)


def test_groups_that_would_make_too_many_cells_are_counted_apart(credit: Table) -> None:
    """Jobs by zip codes by shops have more combinations than are worth fusing."""
    asked = [Counts(("label",), (name,)) for name in ("job", "zip", "shop", "sex")]
    counts = [one for one in plan(credit, asked) if one.what.startswith("count")]
    assert len(counts) == 3
    assert [one for query in counts for one in query.serves].count(asked[3]) == 1
    answers = scan(credit, asked)
    for statistic in asked:
        cells = answers[statistic]
        assert isinstance(cells, Cells)
        assert cells.rows == 20_000


def test_sets_of_groups_that_do_not_contain_each_other_are_scored_apart(credit: Table) -> None:
    """Scores cross one set of groups at a time."""
    asked = [Counts(("score",), (name,)) for name in ("sex", "race", "age")]
    assert sum("score" in one.what for one in plan(credit, asked)[1:]) == 3


def test_the_plan_does_not_depend_on_the_order_of_the_question(credit: Table) -> None:
    """A set, a list and its reverse are planned alike."""
    asked = [Counts(("label",), (name,)) for name in ("job", "zip", "shop")] + [Values("sex"), Shape()]
    assert plan(credit, asked) == plan(credit, asked[::-1]) == plan(credit, set(asked))


def test_only_what_is_asked_is_looked_at(credit: Table) -> None:
    """Facts about columns need no first look, and nothing asked is nothing run."""
    assert [one.what for one in plan(credit, [Shape()])] == ["count rows"]
    assert plan(credit, []) == []
    assert scan(credit, []) == {}


def test_the_plan_is_what_runs(credit: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every query of a scan is in the plan, word for word, and the other way round."""
    asked = [Shape(), Profile("age"), Repeats(("id",)), Values("job"), Counts(("label", "score"), ("sex",))]
    planned = plan(credit, asked)
    ran: list[str] = []
    backend = credit.expr.get_backend()
    original = type(backend).compile

    def watched(self: Any, expr: Any, *args: Any, **kwargs: Any) -> Any:
        ran.append(original(self, expr, pretty=True))
        return original(self, expr, *args, **kwargs)

    monkeypatch.setattr(type(backend), "compile", watched)
    scan(credit, asked)
    assert ran == [one.sql for one in planned]
    assert all(one.table == "evaluation" and one.sql.startswith("SELECT") for one in planned)


def test_progress_is_told_query_by_query(credit: Table) -> None:
    """A person sees what is being done, before it is."""
    told: list[str] = []
    asked = [Shape(), Counts(("label",), ("sex",))]
    scan(credit, asked, progress=told.append)
    assert told == [f"evaluation: {one.what}" for one in plan(credit, asked)]


def test_column_names_cannot_drive_the_terminal(table_of: TableOf) -> None:
    """What progress prints of a hostile name is escaped."""
    name = "a\x1b[31m\nb"
    table = table_of({name: ["x"]})
    told: list[str] = []
    scan(table, [Values(name), Repeats((name,)), Counts((), (name,))], progress=told.append)
    assert all(one.isprintable() for one in told)


@pytest.mark.parametrize(
    ("case", "label", "positive", "groups"),
    [
        ("compas_two_years", "two_year_recid", 1, ("race", "sex")),
        ("adult", "class", ">50K", ("sex", "race")),
        ("german_credit", "credit_risk", 1, ("sex", "age_group")),
    ],
)
def test_real_tables_count_as_pandas_does(
    request: pytest.FixtureRequest, case: str, label: str, positive: int | str, groups: tuple[str, ...]
) -> None:
    """Confusion counts by group of three real tables equal a groupby; predictions are 0 and 1 everywhere."""
    shared_data: Path = request.getfixturevalue("shared_data")
    table_of: TableOf = request.getfixturevalue("table_of")
    frame = pd.read_csv(shared_data / case / "test.csv")
    table = table_of(
        f"SELECT * FROM read_csv('{shared_data / case / 'test.csv'}')",  # noqa: S608  # a fixed path
        label=label,
        score="score_logreg",
        prediction="pred_logreg",
        label_positive=positive,
        prediction_positive=1,
    )
    statistic = Counts(("label", "prediction"), groups)
    cells = scan(table, [statistic, Counts(("label", "prediction", "score"), groups)])[statistic]
    assert isinstance(cells, Cells)
    assert cells.fault is None
    frame["label"], frame["prediction"] = frame[label] == positive, frame["pred_logreg"] == 1
    want = frame.groupby([*groups, "label", "prediction"]).size()
    keys = zip(cells.keys(groups), cells.roles["label"], cells.roles["prediction"], strict=True)
    found = {(*key, bool(y), bool(d)): n for (key, y, d), n in zip(keys, cells.n.tolist(), strict=True)}
    assert found == {key: n for key, n in want.items() if n}
    assert np.array_equal(cells.w, cells.n)
