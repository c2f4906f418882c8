"""Which rows a release means: typed comparisons, and errors instead of empty tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlgate.errors import EvidenceError
from mlgate.evidence.tables import Table
from tests.conftest import few

ReleaseOf = Callable[..., dict[str, Table]]
Ids = Callable[[str], list[int]]


@pytest.fixture(params=["csv", "parquet"])
def ids(request: pytest.FixtureRequest, release_of: ReleaseOf, tmp_path: Path) -> Ids:
    """Return a function from a `where` to the ids of the rows that it leaves, by either format."""
    path = tmp_path / "repository" / f"t.{request.param}"
    frame = pd.DataFrame(
        {
            "id": [1, 2, 3, 4],
            "n": pd.array([1, 2, 10, None], dtype="Int64"),
            "x": [0.5, 1.0, np.inf, np.nan],
            "s": pd.array(["1", "a", "<b>", None], dtype="str"),
            "o": ["10", "9", "it's", "x"],
            "b": pd.array([True, False, True, None], dtype="boolean"),
            "d": [dt.date(2026, 1, day) for day in (1, 2, 3)] + [None],
            "t": pd.array([pd.Timestamp(f"2026-01-0{day} 12:00") for day in (1, 2, 3)] + [pd.NaT]),
            "none": [None] * 4,
        }
    )
    frame.to_csv(path, index=False) if request.param == "csv" else frame.to_parquet(path)
    types = ", types: {d: date, t: timestamp}" if request.param == "csv" else ""

    def select(where: str) -> list[int]:
        table = release_of(f"evaluation: {{path: {path.name}{types}, where: {where}}}")["evaluation"]
        found = table.expr.order_by("id").to_pyarrow()["id"].to_pylist()
        assert table.record.rows == len(found)
        return found

    return select


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ("{n: 1}", [1]),
        ("{n: 1.0}", [1]),
        ('{n: "1"}', [1]),
        ("{n: [1, 10, 99]}", [1, 3]),
        ("{n: {from: 2}}", [2, 3]),
        ("{n: {from: 1, before: 10}}", [1, 2]),
        ("{n: {before: 1.5}}", [1]),
        ("{x: 0.5}", [1]),
        ("{x: 1}", [2]),
        ('{x: "1"}', [2]),
        ('{x: "inf"}', [3]),
        ("{x: {from: 1}}", [2, 3]),
        ("{x: {before: 1}}", [1]),
        ('{s: "1"}', [1]),
        ("{s: 1}", [1]),
        ("{s: [a, <b>]}", [2, 3]),
        ("{s: A}", []),
        ('{o: "it\'s"}', [3]),
        ('{o: "\' OR 1=1 --"}', []),
        ("{b: true}", [1, 3]),
        ("{b: 0}", [2]),
        ('{b: "False"}', [2]),
        ('{d: "2026-01-02"}', [2]),
        ("{d: {from: 2026-01-02}}", [2, 3]),
        ("{d: {from: 2026-01-01, before: 2026-01-03}}", [1, 2]),
        ('{t: "2026-01-02 12:00"}', [2]),
        ('{t: "2026-01-02T14:00:00+02:00"}', [2]),
        ("{t: {from: 2026-01-02, before: 2026-01-03}}", [2]),
        ("{t: {from: 2026-01-02T12:00:00Z}}", [2, 3]),
        ("{t: {before: 2026-01-02T12:00:00}}", [1]),
        ("{n: 1, b: true}", [1]),
        ("{n: 1, b: false}", []),
        ("{none: x}", []),
        ("{none: {from: 2026-01-01}}", []),
    ],
)
def test_rows_that_are_left(where: str, left: list[int], ids: Ids) -> None:
    """Each type is compared as itself; missing values match nothing; no row may be left."""
    assert ids(where) == left


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("{m: 1}", "where: the table has no column 'm'"),
        ("{nn: 1}", "no column 'nn'; did you mean 'n"),
        ("{n: x}", "column 'n' is of type integer, and 'x' is no integer"),
        ("{n: 1.5}", "column 'n' is of type integer, and 1.5 is no integer"),
        ("{n: true}", "and true is no integer"),
        ("{n: [1, x]}", "and 'x' is no integer"),
        ("{x: yes}", "column 'x' is of type number, and 'yes' is no number"),
        ("{s: 1.5}", "column 's' is of type string, and 1.5 is no string; write it in quotes"),
        ("{s: true}", "and true is no string"),
        ("{b: yes}", "column 'b' is of type boolean, and 'yes' is no boolean"),
        ("{d: 2026-02-30}", "column 'd' is of type date, and '2026-02-30' is no date"),
        ("{d: {from: 2026-01-01T12:00:00}}", "column 'd' is of type date, and 2026-01-01 12:00:00 is not"),
        (
            "{t: 2026-01-02}",
            "column 't' holds times, and 2026-01-02 is a whole day; write the day as a range",
        ),
        ("{s: {from: 2026-01-01}}", "column 's' is of type string, which has no ranges; give its type"),
        ("{o: {from: 9}}", "column 'o' is of type string, which has no ranges"),
        ("{b: {from: 0}}", "column 'b' is of type boolean, which has no ranges"),
        (
            "{n: {from: 2026-01-01}}",
            "column 'n' is of type integer, and 2026-01-01 is not; write a value of that type",
        ),
    ],
)
def test_what_no_row_could_hold_is_an_error(where: str, message: str, ids: Ids) -> None:
    """A misspelt value would otherwise look like a table without rows."""
    with pytest.raises(EvidenceError) as refused:
        ids(where)
    assert message in str(refused.value)
    assert "release.yaml:7: where: " in str(refused.value)


def test_all_conditions_that_are_wrong_are_named_at_once(ids: Ids) -> None:
    """With their columns."""
    with pytest.raises(EvidenceError) as refused:
        ids("{n: x, b: yes, zz: 1}")
    assert len(refused.value.problems) == 3


def test_a_table_without_rows_takes_any_condition(release_of: ReleaseOf, tmp_path: Path) -> None:
    """A header alone does not say what its columns would hold."""
    (tmp_path / "repository" / "t.csv").write_text("a,b\n", encoding="utf-8")
    table = release_of("evaluation: {path: t.csv, where: {a: x, b: {from: 2026-01-01}}}")["evaluation"]
    assert table.record.rows == 0


@settings(max_examples=few(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(st.none() | st.integers(-3, 3), min_size=1, max_size=10).filter(
        lambda v: any(x is not None for x in v)
    ),
    edges=st.tuples(st.integers(-4, 3), st.integers(1, 4)),
    chosen=st.lists(st.integers(-4, 4), min_size=1, max_size=3),
)
def test_rows_agree_with_pandas(
    values: list[int | None], edges: tuple[int, int], chosen: list[int], release_of: ReleaseOf, tmp_path: Path
) -> None:
    """For ranges and lists over any column of integers with missing values."""
    low, width = edges
    frame = pd.DataFrame({"id": range(len(values)), "v": pd.array(values, dtype="Int64")})
    frame.to_csv(tmp_path / "repository" / "t.csv", index=False)
    data = (
        f"evaluation: {{path: t.csv, where: {{v: {{from: {low}, before: {low + width}}}}}}}\n"
        f"  other: {{path: t.csv, where: {{v: {chosen}}}}}"
    )
    tables: dict[str, Any] = release_of(data, "evaluation", "other")
    between = frame[(frame.v >= low) & (frame.v < low + width)]
    assert sorted(tables["evaluation"].expr.to_pyarrow()["id"].to_pylist()) == between.id.tolist()
    listed = frame[frame.v.isin(chosen)]
    assert sorted(tables["other"].expr.to_pyarrow()["id"].to_pylist()) == listed.id.tolist()
