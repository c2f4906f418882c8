"""Telling two tables apart: chance without drift, found with it, and the same on every run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlgate.cells import Answers, Columns, ColumnType, On, Sample, SampledRows
from mlgate.errors import EvidenceError, PolicyError
from mlgate.estimates import Estimate
from mlgate.measures import catalogue
from mlgate.measures.against import Against

MEASURE = catalogue()["drift.multivariate"]

Frame = dict[str, Any]


def columns_of(frame: Frame, **roles: Any) -> Columns:
    """Return the columns of a frame, all of them features but for the roles."""
    types: dict[str, ColumnType] = {
        name: "string" if of.dtype == object else "number" for name, of in frame.items()
    }
    features = tuple(name for name in frame if name not in roles.values())
    return Columns(names=tuple(frame), types=types, features=features, **roles)


def ask(here: Frame, there: Frame, roles: Frame | None = None, **params: Any) -> Estimate:
    """Ask as the gate does."""
    own, other = columns_of(here, **(roles or {})), columns_of(there, **(roles or {}))
    against = Against(name="train", columns=other, judged=own)
    given = {"columns": None, "ignore": None, "rows": 5000, "seed": 0, "against": against, **params}
    answers: dict[Any, Any] = {}
    for one in MEASURE.plan(given, own):
        asked, frame = (one.statistic, there) if isinstance(one, On) else (one, here)
        assert isinstance(asked, Sample)
        size = len(next(iter(frame.values())))
        answers[one] = SampledRows(columns={name: frame[name] for name in asked.columns}, rows=size, of=size)
    return MEASURE.value(Answers(answers), given)


def drawn(seed: int, size: int, shift: float = 0.0) -> Frame:
    """Draw numbers, a category and small whole numbers."""
    draw = np.random.default_rng(seed)
    frame: Frame = {f"f{place}": draw.normal(size=size) + shift for place in range(3)}
    frame["c"] = np.array(draw.choice(list("abcdefgh"), size, p=np.arange(1, 9) / 36), dtype=object)
    frame["d"] = draw.integers(0, 3, size).astype(float)
    return frame


def test_tables_of_one_kind_cannot_be_told_apart() -> None:
    """The interval holds 0.5."""
    found = ask(drawn(0, 800), drawn(1, 800))
    assert found.interval is not None
    low, high = found.interval.at(0.9)
    assert low < 0.5 < high
    assert low < (found.value or 0.0) < high


def test_what_no_column_shows_alone_is_found() -> None:
    """Two numbers that go together in one table and against each other in the other."""
    draw = np.random.default_rng(2)
    x = draw.normal(size=(2, 1500))
    y = x * np.array([[1.0], [-1.0]]) + draw.normal(size=x.shape) / 4
    found = ask({"x": x[0], "y": y[0]}, {"x": x[1], "y": y[1]})
    assert found.value is not None
    assert found.value > 0.85
    assert all(one.value is not None and one.value < 0.56 for one in found.groups)


def test_the_column_that_moved_stands_first() -> None:
    """Also a category, by its share in either table."""
    here, there = drawn(3, 1000), drawn(4, 1000)
    here["c"] = np.where(here["c"] == "h", "a", here["c"])
    found = ask(here, there)
    assert found.value is not None
    assert found.value > 0.55
    assert found.groups[0].group == {"column": "c"}


def test_the_same_rows_give_the_same_number() -> None:
    """And another seed hardly another one."""
    tables = drawn(5, 600), drawn(6, 600, shift=0.3)
    first = ask(*tables)
    assert first == ask(*tables)
    assert ask(*tables, seed=1).value == pytest.approx(first.value, abs=0.02)


def test_the_interval_narrows_with_rows_and_widens_with_confidence() -> None:
    """And never becomes a point, even where every row gives its table away."""
    found = ask(drawn(7, 500), drawn(8, 500, shift=50.0))
    assert found.value == 1.0
    assert found.interval is not None
    low, high = found.interval.at(0.9)
    assert low < high
    assert found.interval.at(0.99)[0] < low
    assert found.interval.grown(4.0).at(0.9)[0] > low
    assert found.interval.method == "delong, cross-validated"


def test_what_is_left_out_is_listed() -> None:
    """The key, the time, a column with one value, and texts in which each row has its own."""
    here, there = drawn(9, 300), drawn(10, 300)
    for frame, start in ((here, 0), (there, 300)):
        numbers = np.arange(start, start + 300)
        frame |= {"id": numbers.astype(float), "at": numbers * 60.0, "one": np.ones(300)}
        frame["name"] = np.array([f"n{number}" for number in numbers], dtype=object)
    found = ask(here, there, roles={"key": "id", "time": "at"})
    left_out = {one.group["column"]: one.reason for one in found.groups if not one.judged}
    assert set(left_out) == {"id", "at", "one", "name"}
    assert found.value == pytest.approx(0.5, abs=0.1)


def test_a_column_with_another_value_in_each_table_is_drift() -> None:
    """One value in each, but not the same one: it is not left out."""
    here, there = drawn(11, 200), drawn(12, 200)
    here["year"], there["year"] = np.full(200, 2012.0), np.full(200, 2011.0)
    assert ask(here, there).value == 1.0


def test_a_column_that_is_empty_in_one_table_is_drift() -> None:
    """Missing is a value to the classifier."""
    here, there = drawn(13, 200), drawn(14, 200)
    here["f0"] = np.full(200, np.nan)
    assert ask(here, there).value == 1.0
    here["f0"] = np.where(np.arange(200) % 2, np.inf, 0.0)
    assert ask(here, there).value == pytest.approx(1.0, abs=0.02)


def test_what_cannot_be_compared_is_missing_or_an_error() -> None:
    """A column of one table only, of two kinds, too few rows; one that the policy names is an error."""
    here, there = drawn(15, 200), drawn(16, 200)
    extra = here | {"new": np.ones(200)}
    assert "has no column 'new'" in str(ask(extra, there).reason)
    with pytest.raises(EvidenceError, match="table 'train' lacks it"):
        ask(extra, there, columns=["f0", "new"])
    texts = there | {"f0": np.array(["x"] * 200, dtype=object)}
    assert "holds numbers, and texts in table 'train'" in str(ask(here, texts).reason)
    assert "99 rows, fewer than 100" in str(ask(here, drawn(17, 99)).reason)
    ones = {"a": np.ones(200)}
    assert "no column is left" in str(ask(ones, ones).reason)
    with pytest.raises(PolicyError, match="rows is 5"):
        ask(here, there, rows=5)


@pytest.mark.heavy
@pytest.mark.parametrize("sizes", [(200, 200), (500, 1500)])
def test_bounds_hold_one_half_without_drift(sizes: tuple[int, int]) -> None:
    """Each one-sided 95 % bound leaves out 0.5 in at most 5 % of 400 pairs of tables, allowing for chance."""
    above = below = 0
    for seed in range(400):
        found = ask(drawn(2 * seed, sizes[0]), drawn(2 * seed + 1, sizes[1]))
        assert found.interval is not None
        low, high = found.interval.at(0.9)
        above, below = above + (low > 0.5), below + (high < 0.5)
    most = 400 * (0.05 + 2.6 * (0.05 * 0.95 / 400) ** 0.5)
    assert max(above, below) <= most


def test_rows_of_both_tables_are_no_sign_that_nothing_drifted() -> None:
    """A table against itself but for a row: what the classifier learnt there, it meets here."""
    frame = drawn(3, 600)
    found = ask(frame, {name: of[1:] for name, of in frame.items()})
    assert found.value is None
    assert "rows of the judged table are also in 'train'" in (found.reason or "")
    assert "leakage/row-overlap" in (found.reason or "")
    assert found.groups
