"""Changing nothing but a protected attribute: flips, by how much, and when there is nothing to say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import binomtest

from mlgate.errors import PolicyError
from tests.measures.scorers import ask, model, plain

DRAW = np.random.default_rng(3)
ROWS = pa.table(
    {
        "x": DRAW.random(500),
        "sex": DRAW.choice(["f", "m"], 500).tolist(),
        "race": DRAW.choice(["a", "b", "c"], 500).tolist(),
        "title": DRAW.choice(["Ms", "Mr"], 500).tolist(),
        "age": DRAW.integers(18, 80, 500),
    }
)
CHECK = "fairness.counterfactual_flip"


def texts(rows: pa.Table, name: str) -> Any:
    """Return a column of texts."""
    return np.array(rows[name].to_pylist(), dtype=object)


def test_the_rows_that_flip_are_counted_with_an_exact_interval() -> None:
    """Those near enough to the threshold for the bonus of one sex to matter."""
    scorer = model(lambda rows: 0.8 * plain(rows["x"]) + 0.2 * (texts(rows, "sex") == "m"), ROWS)
    found = ask(CHECK, scorer, ROWS, by=("sex",))
    near = (0.8 * plain(ROWS["x"]) < 0.5) & (0.8 * plain(ROWS["x"]) >= 0.3)
    assert found.value == near.mean()
    assert found.interval is not None
    exact = binomtest(int(near.sum()), 500).proportion_ci(0.9, method="exact")
    assert found.interval.at(0.9) == pytest.approx((exact.low, exact.high))
    rates = {one.rate: one.value for one in found.groups}
    assert rates["mean change"] == pytest.approx(0.2)
    assert rates["largest change"] == pytest.approx(0.2)


def test_no_flip_leaves_three_in_n() -> None:
    """The upper bound is never zero."""
    found = ask(CHECK, model(lambda rows: plain(rows["x"]), ROWS), ROWS, by=("sex",))
    assert found.value == 0.0
    assert found.interval is not None
    assert found.interval.at(0.9)[1] == pytest.approx(3.0 / 500, rel=0.02)


def test_every_other_value_is_tried() -> None:
    """A model that favours one of three."""
    scorer = model(lambda rows: np.where(texts(rows, "race") == "b", 0.9, 0.1), ROWS)
    found = ask(CHECK, scorer, ROWS, by=("race",))
    assert found.value == 1.0
    lines = {one.group["race"]: one.value for one in found.groups if one.rate == "flips to"}
    among = (texts(ROWS, "race") == "b").sum()
    assert lines["b"] == 1.0
    assert lines["a"] == pytest.approx(among / (texts(ROWS, "race") != "a").sum())


def test_attributes_are_changed_together() -> None:
    """Neither alone decides."""
    scorer = model(
        lambda rows: np.where((texts(rows, "sex") == "m") == (texts(rows, "race") == "a"), 0.9, 0.1), ROWS
    )
    assert ask(CHECK, scorer, ROWS, by=("sex", "race")).value == 1.0


def test_what_goes_with_the_attribute_is_changed_too() -> None:
    """A model that reads the title flips only with it."""
    scorer = model(lambda rows: np.where(texts(rows, "title") == "Mr", 0.9, 0.1), ROWS)
    assert ask(CHECK, scorer, ROWS, by=("sex",)).value == 0.0
    linked = {"title": {"m": "Mr", "f": "Ms"}}
    found = ask(CHECK, scorer, ROWS, by=("sex",), linked=linked)
    assert found.value is not None
    assert found.value > 0.4
    with pytest.raises(PolicyError, match="has no value for 'm'"):
        ask(CHECK, scorer, ROWS, by=("sex",), linked={"title": {"f": "Ms"}})


def test_numbers_are_tried_at_their_deciles() -> None:
    """Each age would be a model call for each row."""
    scorer = model(lambda rows: np.where(plain(rows["age"]) > 30, 0.9, 0.1), ROWS)
    found = ask(CHECK, scorer, ROWS, by=("age",))
    assert found.value == 1.0
    assert len([one for one in found.groups if one.rate == "flips to"]) == 9


def test_a_model_without_the_attribute_is_not_judged() -> None:
    """It would pass by what it is, whatever stands in for the attribute."""
    scorer = model(lambda rows: plain(rows["x"]), ROWS, features=("x",))
    found = ask(CHECK, scorer, ROWS, by=("sex",))
    assert not found.applies
    assert "fairness/proxy" in (found.reason or "")


def test_of_a_number_the_size_of_the_change_counts() -> None:
    """In standard deviations of what the model says."""
    scorer = model(
        lambda rows: 10.0 * plain(rows["x"]) + 0.5 * (texts(rows, "sex") == "m"), ROWS, task="regression"
    )
    assert ask(CHECK, scorer, ROWS, by=("sex",)).value == 1.0
    assert ask(CHECK, scorer, ROWS, by=("sex",), tolerance=0.3).value == 0.0
