"""Predictions in a table of their own are joined one to one, or refused with the counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlgate.errors import EvidenceError
from mlgate.evidence.tables import Table
from tests.conftest import few

ReleaseOf = Callable[..., dict[str, Table]]
Join = Callable[..., Table]


@pytest.fixture
def join(release_of: ReleaseOf, tmp_path: Path) -> Join:
    """Return a function that joins two frames on `id`, by way of CSV and parquet."""

    def build(rows: pd.DataFrame, predictions: pd.DataFrame, *, where: str = "{}", key: str = "id") -> Table:
        rows.to_parquet(tmp_path / "repository" / "t.parquet", index=False)
        predictions.to_csv(tmp_path / "repository" / "p.csv", index=False)
        condition = f", where: {where}" if where != "{}" else ""
        data = f"evaluation: {{path: t.parquet{condition}, predictions: {{path: p.csv, key: {key}}}}}"
        return release_of(data, columns="{label: y, score: p}")["evaluation"]

    return build


def rows_of(ids: Sequence[object], **more: Any) -> pd.DataFrame:
    """Return labelled rows with these ids."""
    return pd.DataFrame({"id": ids, "y": [i % 2 for i in range(len(ids))], **more})


def scores(ids: Sequence[object]) -> pd.DataFrame:
    """Return predictions for these ids."""
    return pd.DataFrame({"p": [i / 10 for i in range(len(ids))], "id": ids})


def test_predictions_come_to_their_rows(join: Join) -> None:
    """In whatever order they are; the key is there once, and both files are on record."""
    table = join(rows_of([1, 2, 3]), scores([3, 1, 2]))
    found = table.expr.order_by("id").to_pyarrow().to_pylist()
    assert found == [{"id": 1, "y": 0, "p": 0.1}, {"id": 2, "y": 1, "p": 0.2}, {"id": 3, "y": 0, "p": 0.0}]
    assert table.columns.names == ("id", "y", "p")
    assert (table.columns.score, dict(table.columns.types)["p"]) == ("p", "number")
    assert [(one.name, one.kind, one.location, one.rows, one.columns) for one in table.records] == [
        ("evaluation", "table", "t.parquet", 3, 3),
        ("evaluation.predictions", "predictions", "p.csv", 3, 2),
    ]


@pytest.mark.parametrize(
    ("rows", "predictions", "message"),
    [
        ([1, 2, 3, 4], [1], "3 keys of t.parquet without a prediction"),
        ([1], [1, 2, 3], "2 predictions without a row"),
        ([1, 1, 2], [1, 2], "1 key more than once in t.parquet"),
        ([1, 2], [1, 1, 2, 2], "2 keys more than once in p.csv"),
        (
            [1, 2],
            [3, 3],
            "2 keys of t.parquet without a prediction, 2 predictions without a row, 1 key more than once in p.csv",
        ),
        (["a", None], ["a", "b"], "1 row of t.parquet without a key, 1 prediction without a row"),
        (["a", "b"], ["a", None], "1 prediction without a key, 1 key of t.parquet without a prediction"),
    ],
)
def test_what_is_not_one_to_one_is_refused_with_the_counts(
    rows: list[object], predictions: list[object], message: str, join: Join
) -> None:
    """Nothing is dropped, repeated or filled up."""
    with pytest.raises(EvidenceError) as refused:
        join(rows_of(rows), scores(predictions))
    text = str(refused.value)
    assert text.startswith("p.csv: column 'id': does not match t.parquet one to one: ")
    assert message in text


def test_predictions_for_rows_that_are_left_out_do_no_harm(join: Join) -> None:
    """A file of predictions for all rows serves a table of some, but not one for rows that do not exist."""
    rows = rows_of([1, 2, 3, 4], split=["train", "train", "test", "test"])
    assert join(rows, scores([1, 2, 3, 4]), where="{split: test}").record.rows == 2
    assert join(rows, scores([3, 4]), where="{split: test}").record.rows == 2
    with pytest.raises(EvidenceError, match="one to one: 1 prediction without a row"):
        join(rows, scores([3, 4, 5]), where="{split: test}")
    with pytest.raises(EvidenceError, match=r"one to one: 1 key of t.parquet without a prediction;"):
        join(rows, scores([1, 2, 3]), where="{split: test}")


def test_keys_of_different_types_are_refused(join: Join) -> None:
    """The text "1" and the number 1 are not one key; whole floats and integers are."""
    with pytest.raises(EvidenceError, match=r"key: 'id' is of type string in t.parquet and integer in p.csv"):
        join(rows_of(["1", "2"]), scores([1, 2]))
    assert join(rows_of([1.0, 2.0]), scores([1, 2])).record.rows == 2


def test_keys_that_floats_cannot_tell_apart_are_refused(join: Join) -> None:
    """Past 2**53, an integer and its neighbour are one float."""
    with pytest.raises(EvidenceError, match=r"one to one|cannot be compared exactly"):
        join(rows_of([2.0**53, 5.0]), scores([2**53, 2**53 + 1]))


def test_an_absent_key_is_named(join: Join) -> None:
    """On either side, with what was probably meant."""
    with pytest.raises(
        EvidenceError, match=r"release.yaml:7: key: t.parquet has no column 'idd'; did you mean 'id'"
    ):
        join(rows_of([1]), scores([1]), key="idd")
    with pytest.raises(EvidenceError, match=r"key: p.csv has no column 'id'"):
        join(rows_of([1]), scores([1]).rename(columns={"id": "nr"}))


@pytest.mark.parametrize("name", ["y", "Y"])
def test_a_column_in_both_files_is_refused(name: str, join: Join) -> None:
    """Which of the two would be meant is not to be guessed."""
    with pytest.raises(EvidenceError, match=f"t.parquet and p.csv both have '{name}'"):
        join(rows_of([1]), scores([1]).assign(**{name: 1}))


def test_names_that_the_join_would_use_are_free(join: Join) -> None:
    """The join itself needs a name, and takes one that nobody has."""
    table = join(rows_of([1], key_0=5, key=6), scores([1]).assign(key_1=7))
    assert set(table.columns.names) == {"id", "y", "key_0", "key", "p", "key_1"}
    assert table.expr.to_pyarrow().num_rows == 1


KEYS = st.lists(st.integers(1, 6), max_size=6)


@settings(max_examples=few(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=KEYS.filter(bool), predictions=KEYS.filter(bool))
def test_the_join_is_that_of_pandas_or_refused(rows: list[int], predictions: list[int], join: Join) -> None:
    """`merge(validate="one_to_one")` with nothing left over is what is accepted, and only that."""
    left, right = rows_of(rows), scores(predictions)
    sound = len(set(rows)) == len(rows) and sorted(rows) == sorted(predictions)
    try:
        table = join(left, right)
    except EvidenceError:
        assert not sound
        return
    assert sound
    expected = left.merge(right, on="id", validate="one_to_one").sort_values("id").reset_index(drop=True)
    found = table.expr.order_by("id").to_pyarrow().to_pandas()[list(expected.columns)]
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
