"""Telling a protected attribute from the features: chance without a proxy, and a planted one is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlgate.cells import Answers, Bins, Columns, ColumnType, Sample, SampledRows
from mlgate.errors import PolicyError
from mlgate.estimates import Estimate
from mlgate.measures import catalogue
from mlgate.measures.judging import Judging

MEASURE = catalogue()["fairness.proxy"]
ROWS = 500


def drawn(seed: int = 0) -> dict[str, Any]:
    """Return an attribute and features that know nothing of it."""
    draw = np.random.default_rng(seed)
    return {
        "sex": draw.choice(["f", "m"], ROWS).astype(object),
        "x": draw.normal(size=ROWS),
        "z": draw.normal(size=ROWS),
        "c": draw.choice(list("abcd"), ROWS).astype(object),
    }


def ask(frame: dict[str, Any], *by: Any, ignore: list[str] | None = None) -> Estimate:
    """Ask as the gate does."""
    sets = by or ("sex",)
    names = tuple(one.column if isinstance(one, Bins) else one for one in sets)
    types: dict[str, ColumnType] = {
        name: "string" if of.dtype == object else "number" for name, of in frame.items()
    }
    features = tuple(name for name in frame if name not in names)
    columns = Columns(names=tuple(frame), types=types, features=features, protected=names)
    judging = Judging(by=tuple(sets), min_group=20, judge_unknown=False)
    given = {"ignore": ignore, "rows": 3000, "judging": judging, "seed": 0}
    (asked,) = MEASURE.plan(given, columns)
    assert isinstance(asked, Sample)
    rows = SampledRows(columns={name: frame[name] for name in asked.columns}, rows=ROWS, of=ROWS)
    return MEASURE.value(Answers({asked: rows}), given)


def carriers(found: Estimate) -> list[str]:
    """Return the features by how much they carry."""
    return [one.group["feature"] for one in found.groups if one.rate == "carries"]


def test_features_that_know_nothing_are_near_chance() -> None:
    """The better of two guesses is a little above it."""
    found = ask(drawn())
    assert found.value == pytest.approx(0.5, abs=0.08)
    assert found.interval is not None
    low, high = found.interval.at(0.99)
    assert low < 0.53 < high


def test_a_planted_proxy_is_found_and_named() -> None:
    """A number that follows the attribute; ignored, it is gone."""
    frame = drawn()
    frame["z"] = frame["z"] + 3.0 * (frame["sex"] == "f")
    found = ask(frame)
    assert found.value is not None
    assert found.value > 0.95
    assert carriers(found)[0] == "z"
    again = ask(frame, ignore=["z"])
    assert again.value == pytest.approx(0.5, abs=0.08)


def test_a_category_carries_too() -> None:
    """A postcode in which one group lives."""
    frame = drawn()
    frame["c"] = np.where((frame["sex"] == "f") & (frame["x"] > -1.0), "a", frame["c"])
    found = ask(frame)
    assert found.value is not None
    assert found.value > 0.75
    assert carriers(found)[0] == "c"


def test_many_categories_carry_as_few_do() -> None:
    """Each of a hundred postcodes is of one sex: no category is too rare to tell."""
    frame = drawn()
    draw = np.random.default_rng(1)
    code = 2 * draw.integers(0, 50, ROWS) + (frame["sex"] == "m")
    found = ask({"sex": frame["sex"], "code": np.array([f"p{one}" for one in code], dtype=object)})
    assert (found.value or 0.0) > 0.95


def test_what_only_two_features_tell_together_is_found_by_trees() -> None:
    """A line cannot see it."""
    frame = drawn()
    frame["sex"] = np.where(frame["x"] * frame["z"] > 0.0, "f", "m").astype(object)
    found = ask(frame)
    assert found.value is not None
    assert found.value > 0.9
    by = {one.group["told by"]: one.value for one in found.groups if "told by" in one.group and not one.rate}
    assert by["logistic regression"] == pytest.approx(0.5, abs=0.1)


def test_the_same_rows_give_the_same_number() -> None:
    """Down to the last digit, and without a word about missing values."""
    frame = drawn()
    frame["x"][::7] = np.nan
    frame["c"][::5] = None
    assert ask(frame).value == ask(frame).value


def test_each_of_several_groups_is_held() -> None:
    """The best told one is the value; numbers are halved, or binned as the policy says."""
    frame = drawn()
    frame["age"] = np.random.default_rng(1).normal(40, 10, ROWS).round()
    frame["z"] = frame["age"] + frame["z"]
    assert len(ask(frame, "age").comparisons) == 1
    found = ask(frame, Bins("age", (30.0, 50.0)))
    assert {one.name for one in found.comparisons} == {"< 30", "30 to < 50", ">= 50"}
    assert found.value == max(one.value for one in found.comparisons)
    assert carriers(found)[0] == "z"


def test_small_groups_and_names_are_listed() -> None:
    """Neither is told apart, and neither is dropped in silence."""
    frame = drawn()
    frame["sex"][:5] = "x"
    frame["name"] = np.array([f"n{place}" for place in range(ROWS)], dtype=object)
    found = ask(frame)
    listed = {next(iter(one.group.values())) for one in found.groups if not one.judged and one.rate is None}
    assert listed == {"x", "name"}


def test_what_cannot_be_told_is_not_measured() -> None:
    """One group only; and no feature is an error of the policy."""
    frame = drawn()
    frame["sex"][:] = "f"
    assert "no two groups" in (ask(frame).reason or "")
    with pytest.raises(PolicyError, match="no feature is left"):
        ask(drawn(), ignore=["x", "z", "c"])
