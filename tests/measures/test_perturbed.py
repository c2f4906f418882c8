"""Asking about changed rows: failing rows are found, a dead model is survived, examples are the smallest."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate.errors import ModelFault
from mlgate.measures.perturbed import CALLS, SINGLY, Copy, Told, tell
from tests.measures.scorers import InProcess, ask, model, plain, table

ROWS = table(400).select(["x"])


def copy(rows: pa.Table = ROWS) -> Copy:
    """Return the rows themselves as a copy."""
    return Copy(group={"column": "x"}, columns=("x",), table=rows, touched=np.ones(len(rows), dtype=bool))


def told(scorer: InProcess, copies: list[Copy]) -> list[Told]:
    """Ask, where the rows as they are can be scored."""
    before = model(lambda rows: np.full(len(rows), 0.4), ROWS).score(ROWS)
    return [one for _, one in tell(scorer, copies, before)]


def raising(bad: set[float]) -> InProcess:
    """Return a model that raises on rows with some values."""

    def score(rows: pa.Table) -> np.ndarray:
        if bad & set(plain(rows["x"]).tolist()):
            raise ModelFault("raised", "no such row")
        return np.full(len(rows), 0.4)

    return model(score, ROWS)


def test_copies_are_asked_about_in_one_call() -> None:
    """As long as nothing fails."""
    scorer = raising(set())
    assert len(told(scorer, [copy()] * 5)) == 5
    assert scorer.calls == [2000]


@given(places=st.sets(st.integers(0, 399), min_size=1, max_size=4))
@settings(max_examples=20, deadline=None)
def test_few_failing_rows_are_all_found(places: set[int]) -> None:
    """And no other counts."""
    values = plain(ROWS["x"])
    (found,) = told(raising({float(values[place]) for place in places}), [copy()])
    assert found.seen.all()
    assert set(np.flatnonzero(found.failed).tolist()) == places
    assert found.fault == "no such row"


@given(share=st.floats(0.0, 1.0), seed=st.integers(0, 20))
@settings(max_examples=20, deadline=None)
def test_many_failing_rows_are_estimated_and_calls_are_bounded(share: float, seed: int) -> None:
    """The share of what is seen is near the share of all, and what fails is never lost."""
    hit = np.random.default_rng(seed).random(len(ROWS)) < share
    scorer = raising(set(plain(ROWS["x"])[hit].tolist()))
    (found,) = told(scorer, [copy()])
    assert len(scorer.calls) <= 1 + 1 + SINGLY + CALLS
    assert bool(found.failed.any()) == bool(hit.any())
    among = found.failed[found.seen].mean()
    assert among == pytest.approx(hit.mean(), abs=0.2)
    assert not (found.failed & ~hit).any() or found.failed.all() or among >= hit.mean()


def test_a_batch_that_fails_whole_counts_whole() -> None:
    """Each row passes alone, all of them together do not."""

    def score(rows: pa.Table) -> np.ndarray:
        if len(rows) > 300:
            raise ModelFault("raised", "too many")
        return np.full(len(rows), 0.4)

    (found,) = told(model(score, ROWS), [copy()])
    assert found.failed.all()
    assert found.fault is not None
    assert "none of them alone" in found.fault


def test_a_model_that_dies_is_not_asked_for_ever() -> None:
    """Three copies count whole, the others are not looked at, and say so."""

    def score(rows: pa.Table) -> np.ndarray:
        del rows
        raise ModelFault("died", "exit status 1")

    scorer = model(score, ROWS)
    found = told(scorer, [copy()] * 6)
    assert [bool(one.seen.all()) for one in found] == [True, True, True, False, False, False]
    assert all(one.failed.all() for one in found[:3])
    assert found[5].fault is not None
    assert "had died" in found[5].fault
    assert len(scorer.calls) <= 4


def test_changes_that_could_not_be_tried_cannot_pass() -> None:
    """Of a model that dies on every gap, even where the limit would let all rows change."""
    rows = table(60).drop_columns(["id"])
    wide = rows.append_column("d", rows["x"]).append_column("e", rows["x"])

    def score(given: pa.Table) -> np.ndarray:
        if any(given[name].null_count for name in given.column_names):
            raise ModelFault("died", "exit status 1")
        return plain(given["x"])

    found = ask("robustness.missing_values", model(score, wide), wide)
    assert found.value == 1.0
    assert [np.isnan(one.value) for one in found.comparisons] == [False] * 3 + [True] * 2


def test_the_smallest_example_is_just_past_the_threshold() -> None:
    """Fewest columns first, then the least change; the row is private, with its key."""
    rows = table(300)

    def score(given: pa.Table) -> np.ndarray:
        return np.where(plain(given["x"]) >= 0.5, 0.9, 0.1)

    features = rows.drop_columns(["id"])
    found = ask(
        "robustness.noise", model(score, features), rows, roles={"key": "id"}, scale=1.0, columns=["x", "k"]
    )
    (example,) = found.private
    assert example.rows["id"][0] in rows["id"].to_pylist()
    for before, after in zip(example.rows["x"], example.rows["x (changed)"], strict=True):
        assert isinstance(before, float)
        assert isinstance(after, float)
        assert (before >= 0.5) != (after >= 0.5)
        assert abs(after - 0.5) < 1e-3
    line = next(one for one in found.groups if one.rate == "smallest change found")
    assert line.group["column"] == "x"
    assert line.group["change"].endswith("sd")
    said = " ".join(str(one) for one in (line.group, line.reason))
    assert str(example.rows["x"][0]) not in said
    assert str(example.rows["id"][0]) not in said


@given(number=st.floats(0.0, 1.0))
@settings(max_examples=10, deadline=None)
def test_a_constant_model_is_moved_by_nothing(number: float) -> None:
    """Whatever is changed, and whatever number it is."""
    rows = table(50).drop_columns(["id"])
    scorer = model(lambda given: np.full(len(given), number), rows)
    for measure, params in (
        ("robustness.noise", {}),
        ("robustness.missing_values", {}),
        ("robustness.unseen_categories", {}),
        ("robustness.out_of_range", {}),
        ("robustness.invariance", {"change": {"c": "swap", "x": {"noise": 1.0}, "k": "+10%"}}),
        ("robustness.direction", {"tests": [{"change": {"x": "+1"}, "expect": "down"}]}),
    ):
        assert ask(measure, scorer, rows, **params).value == 0.0
