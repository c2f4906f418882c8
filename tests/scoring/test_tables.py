"""Tables through a model: every row gets its own answer, whatever the order in which the model saw it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mlgate.cells import ModelFacts, Scores
from mlgate.evidence.models import tables
from mlgate.evidence.tables.duck import open_engine


class Noted:
    """A scorer in this process that answers with a function of the row, and notes what it was given."""

    def __init__(self, task: str = "binary", classes: tuple[str, ...] = ()) -> None:
        self.facts = ModelFacts(
            format="test",
            location="test",
            task=task,  # type: ignore[arg-type]
            threshold=0.5,
            features=("x",),
            types={"x": "number"},
            classes=classes,
        )
        self.seen: list[np.ndarray[Any, Any]] = []
        self.columns: set[str] = set()

    def score(self, rows: pa.Table) -> Scores:
        """Return a third of x."""
        x = rows["x"].to_numpy()
        self.seen.append(x)
        return Scores(numbers=(x / 3.0).reshape(-1, 1), decided=None)


def judged(folder: Path, rows: int, *, seed: int = 0) -> tuple[Noted, tables.Scored, Any]:
    """Put `rows` rows, sorted by x, through a scorer."""
    engine = open_engine(folder)
    engine.connection.execute(
        "CREATE TABLE t AS SELECT i / $1 AS x, i AS k, 'r' || i AS name FROM range($1) r(i)", [rows]
    )
    noted = Noted()
    asked = tables.Asked(model=noted, seed=seed, workdir=folder)  # type: ignore[arg-type]
    found = tables.scored(engine.backend.table("t"), rows, asked, engine, name="t", own="duckdb")
    return noted, found, engine


@pytest.mark.parametrize("rows", [1, 17, tables.PART, 2 * tables.PART + 5])
def test_every_row_keeps_its_own_answer(tmp_path: Path, rows: int) -> None:
    """However a table is dealt out, the answer to a row stands beside its key and its other columns."""
    noted, found, _ = judged(tmp_path, rows)
    whole = found.expr.to_pyarrow()
    assert whole.num_rows == rows
    x, k, score = (whole[name].to_numpy() for name in ("x", "k", "model score"))
    assert np.array_equal(np.sort(k), np.arange(rows))
    assert np.array_equal(score, x / 3.0)
    assert whole["name"].to_pylist()[0] == f"r{k[0]}"
    assert sum(map(len, noted.seen)) == rows


def test_a_table_that_is_sorted_is_shown_in_no_order(tmp_path: Path) -> None:
    """Rows sorted by their label would tell a model the label by their place; also in a table of several parts."""
    rows = 2 * tables.PART + 5
    noted, _, _ = judged(tmp_path, rows)
    x = np.concatenate(noted.seen)
    place = np.arange(rows) / rows
    assert abs(np.corrcoef(x, place)[0, 1]) < 0.01
    assert abs(np.mean([part.mean() for part in noted.seen[:-1]]) - 0.5) < 0.01


def test_the_digest_is_of_the_answers_in_the_order_of_the_table(tmp_path: Path) -> None:
    """Another shuffle gives the same digest: it is the sha256 of the numbers, row by row."""
    rows = 1000
    due = hashlib.sha256((np.arange(rows) / rows / 3.0).astype("<f8").tobytes()).hexdigest()
    for seed in (0, 1):
        folder = tmp_path / str(seed)
        folder.mkdir()
        noted, found, _ = judged(folder, rows, seed=seed)
        assert found.sha256 == due
    assert not np.array_equal(noted.seen[0], np.sort(noted.seen[0]))


def test_the_same_seed_shows_the_same_order(tmp_path: Path) -> None:
    """A run can be repeated."""
    orders = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        orders.append(np.concatenate(judged(tmp_path / name, 500, seed=3)[0].seen))
    assert np.array_equal(*orders)


def test_the_engine_reads_what_was_written(tmp_path: Path) -> None:
    """The scored table is a file of the private directory, and the engine may read it."""
    _, found, _ = judged(tmp_path, 100)
    assert found.expr.count().to_pyarrow().as_py() == 100
