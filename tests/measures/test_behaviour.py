"""CheckList's three tests on rows of tables: what fails, what is shown of it, and what may be declared."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mlgate import catalogue
from mlgate.catalogue import params as parameters
from mlgate.cells import Columns
from mlgate.errors import ContentError, EvidenceError, ModelFault, PolicyError
from mlgate.measures import Measure
from tests.measures.scorers import ask, model, plain, table

ROWS = table(300)
FEATURES = ROWS.drop_columns(["id"])
KEY = {"key": "id"}


def rising(rows: pa.Table) -> Any:
    """Score by x alone."""
    return 0.9 * plain(rows["x"])


def measure_of(name: str) -> Measure:
    """Return the measure of a check."""
    return catalogue.load()[f"robustness/{name}"].measure


def test_what_is_used_is_found_with_the_fewest_columns() -> None:
    """Of three columns that change together, the one that matters is named."""
    scorer = model(lambda rows: np.where(np.array(rows["c"].to_pylist()) == "a", 0.9, 0.1), FEATURES)
    change = {"x": {"noise": 1.0}, "c": ["a", "b"], "k": "+10%"}
    found = ask("robustness.invariance", scorer, ROWS, roles=KEY, change=change)
    lines = [one for one in found.groups if one.rate == "smallest change found"]
    assert [one.group["column"] for one in lines] == ["c"]
    assert [one.group["change"] for one in lines] == ["another value"]
    share = np.isin(ROWS["c"].to_pylist(), ["a", "b"]).mean()
    assert found.value == pytest.approx(share, abs=0.02)
    (example,) = found.private
    assert list(example.rows) == ["id", "c", "c (changed)", "prediction", "prediction (changed)"]


def test_two_columns_that_only_matter_together_are_both_named() -> None:
    """Neither alone changes the decision."""

    def both(rows: pa.Table) -> Any:
        return np.where((plain(rows["x"]) > 2.0) & (plain(rows["k"]) > 1000), 0.9, 0.1)

    change = {"x": {"to": 3.0}, "k": {"to": 2000}, "c": "swap"}
    found = ask("robustness.invariance", model(both, FEATURES), ROWS, roles=KEY, change=change)
    line = next(one for one in found.groups if one.rate == "smallest change found")
    assert line.group["column"] == "x, k"
    (example,) = found.private
    assert 1000 < example.rows["k (changed)"][0] <= 1003
    assert example.rows["x (changed)"][0] == pytest.approx(2.0, abs=0.01)


def test_every_other_listed_value_is_tried() -> None:
    """A model that treats only one of three otherwise is caught from each of the others."""
    scorer = model(lambda rows: np.where(np.array(rows["c"].to_pylist()) == "c", 0.9, 0.1), FEATURES)
    found = ask("robustness.invariance", scorer, ROWS, change={"c": ["a", "b", "c"]})
    assert found.value == 1.0


def test_a_monotone_model_keeps_its_direction_and_a_bend_does_not() -> None:
    """The rows that go the wrong way are counted, and the smallest change stands at the bend."""
    tests = [{"change": {"x": "+0.05"}, "expect": "up"}]
    assert ask("robustness.direction", model(rising, FEATURES), ROWS, tests=tests).value == 0.0
    bend = model(lambda rows: 0.9 - np.abs(plain(rows["x"]) - 0.5), FEATURES)
    found = ask("robustness.direction", bend, ROWS, roles=KEY, tests=tests)
    assert found.value == pytest.approx((plain(ROWS["x"]) > 0.475).mean(), abs=0.02)
    down = [{"change": {"x": "+0.05"}, "expect": "down"}]
    other = ask("robustness.direction", bend, ROWS, tests=down)
    assert found.value is not None
    assert other.value == pytest.approx(1.0 - found.value, abs=0.02)


def test_a_tolerance_lets_a_little_pass() -> None:
    """In the unit of what the model says."""
    falling = model(lambda rows: 0.6 - 0.01 * plain(rows["x"]), FEATURES)
    for tolerance, expected in ((0.0, 1.0), (0.02, 0.0)):
        tests = [{"change": {"x": "+1"}, "expect": "up", "tolerance": tolerance}]
        assert ask("robustness.direction", falling, ROWS, tests=tests).value == expected


def test_the_worst_test_is_the_value_and_every_test_is_held() -> None:
    """A test on a column that the model does not take is listed."""
    scorer = model(rising, FEATURES, features=("x",))
    tests = [
        {"change": {"x": "+0.1"}, "expect": "up"},
        {"change": {"x": "+0.1"}, "expect": "down", "name": "the wrong one"},
        {"change": {"c": "swap"}, "expect": "up"},
    ]
    found = ask("robustness.direction", scorer, ROWS, tests=tests)
    assert found.value == 1.0
    assert [one.name for one in found.comparisons] == ["x up", "the wrong one"]
    idle = next(one for one in found.groups if one.group.get("test") == "c up")
    assert not idle.judged
    assert "does not take" in (idle.reason or "")


def test_a_model_without_the_column_is_not_judged_by_it() -> None:
    """Not a pass: there is nothing to change."""
    scorer = model(rising, FEATURES, features=("x",))
    for name, given in (
        ("invariance", {"change": {"c": "swap"}}),
        ("direction", {"tests": [{"change": {"k": "+1"}, "expect": "up"}]}),
    ):
        found = ask(f"robustness.{name}", scorer, ROWS, **given)
        assert not found.applies
        assert found.value is None


def test_cases_are_judged_one_by_one() -> None:
    """The decision, a number, a class and a failure."""

    def picky(rows: pa.Table) -> Any:
        if "b" in rows["c"].to_pylist():
            raise ModelFault("raised", "no b")
        return plain(rows["x"])

    row = {"x": 0.9, "k": 1, "c": "a"}
    cases = [
        {"row": row, "expect": "positive"},
        {"row": row, "expect": "yes"},
        {"row": row, "expect": "no", "name": "said no"},
        {"row": row, "expect": {"between": [0.8, 0.95]}},
        {"row": {**row, "c": "b"}, "expect": "positive"},
        {"row": {**row, "x": None}, "expect": {"at_least": 0.0}},
    ]
    found = ask("robustness.minimum_functionality", model(picky, FEATURES), FEATURES, cases=cases)
    assert [one.value for one in found.groups] == [0.0, 0.0, 1.0, 0.0, 1.0, 1.0]
    assert found.value == 0.5
    said = {one.group["case"]: one.reason for one in found.groups}
    assert said["said no"] == "the model says 0.9 (yes), and no is expected"
    assert said["case 5"] == "the model fails: no b"


def test_of_several_classes_one_is_looked_at() -> None:
    """By its name, and by what is decided."""

    def three(rows: pa.Table) -> Any:
        return np.tile([0.2, 0.5, 0.3], (len(rows), 1))

    row = {"x": 0.9, "k": 1, "c": "a"}
    cases = [{"row": row, "expect": "b"}, {"row": row, "expect": {"at_most": 0.4, "of": "c"}}]
    scorer = model(three, FEATURES, task="multiclass")
    assert ask("robustness.minimum_functionality", scorer, FEATURES, cases=cases).value == 0.0
    wrong = [{"row": row, "expect": "d"}]
    with pytest.raises(PolicyError, match="no class 'd'"):
        ask("robustness.minimum_functionality", scorer, FEATURES, cases=wrong)


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("invariance", {"change": {"x": "swop"}}, "params.change.x: 'swop' is no change of a column"),
        ("invariance", {"change": {"x": 100}}, "params.change.x: .*text is due"),
        ("invariance", {"change": {}}, "params.change"),
        ("invariance", {"change": {"c": ["a"]}}, r"params.change.c"),
        ("invariance", {"change": {"c": ["a", "a"]}}, r"params.change.c\[1\]: 'a' is here twice"),
        ("invariance", {"change": {"x": {"noise": -1}}}, r"params.change.x.noise"),
        ("invariance", {"change": {"x": {"noise": 1, "to": 2}}}, r"one of the two"),
        (
            "invariance",
            {"change": {"x": {"nose": 1}}},
            r"'nose' is not a key of a change.*did you mean 'noise'",
        ),
        ("direction", {"tests": [{"change": {"x": "+1"}}]}, "'expect' is missing from a direction test"),
        ("direction", {"tests": [{"change": {"x": "+1"}, "expect": "upp"}]}, "'upp' is not one of"),
        ("direction", {"tests": []}, "params.tests"),
        (
            "minimum-functionality",
            {"cases": [{"row": {"x": 1}, "expect": {}}]},
            "at_least, at_most or between",
        ),
        (
            "minimum-functionality",
            {"cases": [{"row": {"x": 1}, "expect": {"between": [2, 1]}}]},
            "the wrong way round",
        ),
    ],
)
def test_what_is_declared_wrong_is_told_with_its_place(name: str, params: Any, said: str) -> None:
    """Before anything is measured, and with what to write instead."""
    with pytest.raises(ContentError, match=said):
        parameters.typed(measure_of(name), params, "policy.yaml:7")


def test_what_is_declared_is_kept_as_it_was_written() -> None:
    """Reports hold parameters as plain data."""
    given = {"tests": [{"change": {"x": {"noise": 0.5}, "c": ["a", "b"]}, "expect": "up", "tolerance": 0.1}]}
    assert parameters.typed(measure_of("direction"), given, "policy.yaml:7") == given


COLUMNS = Columns(
    names=("x", "k", "c", "y"),
    types={"x": "number", "k": "integer", "c": "string", "y": "integer"},
    features=("x", "k", "c"),
)


@pytest.mark.parametrize(
    ("name", "params", "error", "said"),
    [
        ("invariance", {"change": {"q": "swap"}}, EvidenceError, "the table lacks it"),
        ("invariance", {"change": {"c": {"noise": 0.1}}}, PolicyError, "noise is for numbers"),
        ("invariance", {"change": {"c": "+10%"}}, PolicyError, r"\+10% is for numbers"),
        (
            "invariance",
            {"change": {"k": ["a", "b"]}},
            PolicyError,
            "'a' is no value of a column of type integer",
        ),
        ("invariance", {"change": {"c": "swap"}, "tolerance": -1.0}, PolicyError, "write 0 or more"),
        (
            "direction",
            {"tests": [{"change": {"x": "+1"}, "expect": "up", "of": "a"}]},
            PolicyError,
            "task binary has one number a row",
        ),
        (
            "minimum-functionality",
            {"cases": [{"row": {"x": 1.0, "k": 1}, "expect": "positive"}]},
            PolicyError,
            "has no value for 'c'",
        ),
        (
            "minimum-functionality",
            {"cases": [{"row": {"x": 1.0, "k": 1, "c": "a", "y": 1}, "expect": "positive"}]},
            PolicyError,
            "'y' is no feature",
        ),
        (
            "minimum-functionality",
            {"cases": [{"row": {"x": 1.0, "k": 1.5, "c": "a"}, "expect": "positive"}]},
            PolicyError,
            "1.5 is no value of a column of type integer",
        ),
    ],
)
def test_what_does_not_fit_the_table_is_an_error(
    name: str, params: Any, error: type[Exception], said: str
) -> None:
    """A test that changes nothing by mistake would pass."""
    measure = measure_of(name)
    defaults = {key: one.default for key, one in measure.params.items()}
    with pytest.raises(error, match=said):
        measure.plan({**defaults, "seed": 0, **params}, COLUMNS)
