"""No model is approved by accident: whatever it does on changed rows, a pass is one that it has earned.

The models run in the test's own process; that the gate starts them elsewhere changes nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.cells import Task
from mlgate.errors import ModelFault
from mlgate.estimates import Estimate
from mlgate.findings import Outcome
from mlgate.limits import Limit, Op, Rule
from mlgate.limits.deciding import decide
from tests.measures.scorers import InProcess, ask, model, plain, table
from tests.properties.conftest import examples

ROWS = table(300)
NUMBERS = ROWS.select(["x", "k"])
TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression")
CHANGED: dict[str, dict[str, Any]] = {
    "robustness.noise": {},
    "robustness.missing_values": {},
    "robustness.unseen_categories": {},
    "robustness.out_of_range": {},
    "robustness.invariance": {"change": {"c": "swap", "k": "+10%"}},
    "robustness.direction": {"tests": [{"change": {"x": "+0.1"}, "expect": "up"}]},
}
"""Measures of changed rows, with the parameters that they need."""

REPEATED = ("robustness.determinism", "leakage.batch_dependence")
KINDS: dict[str, str] = dict.fromkeys((*REPEATED, "robustness.prediction_sanity"), "fact")
LIMITS = st.sampled_from([0.0, 0.05, 0.3, 0.7, 1.0]) | st.floats(0, 1)
RULES = st.sampled_from([Rule(decision="bound"), Rule(decision="point")])


def outcome(measure: str, estimate: Estimate, limit: float, rule: Rule) -> Outcome:
    """Hold a rate of failures against a limit from above, as the gate does."""
    kind: Any = KINDS.get(measure, "estimate")
    return decide(estimate, kind, Limit(Op.AT_MOST, limit), rule).outcome


def asked(measure: str, scorer: InProcess, rows: pa.Table = ROWS, **params: Any) -> Estimate:
    """Ask; a model that fails on rows of the data leaves nothing measured, as the gate has it."""
    given = {**CHANGED.get(measure, {}), **params}
    if measure == "robustness.direction" and scorer.facts.task == "multiclass":
        given["tests"] = [{**one, "of": "b"} for one in given["tests"]]
    try:
        return ask(measure, scorer, rows, roles={"key": "id", "categorical": ("c",)}, **given)
    except ModelFault as fault:
        return Estimate.missing(str(fault))


def shaped(numbers: Any, task: Task) -> Any:
    """Return numbers in [0, 1] as what a model of a task says."""
    numbers = np.asarray(numbers, dtype=float)
    if task == "multiclass":
        return np.column_stack([numbers, 0.7 * (1.0 - numbers), 0.3 * (1.0 - numbers)])
    return numbers


def made(function: Callable[[pa.Table], Any], task: Task = "binary", rows: pa.Table = ROWS) -> InProcess:
    """Return a model of the features."""
    features = tuple(name for name in rows.column_names if name != "id")
    return model(lambda given: shaped(function(given), task), rows, task, features)


@st.composite
def functions(draw: st.DrawFn) -> Callable[[pa.Table], Any]:
    """Draw a model: weights, steps, a taste for a category, and what a missing value does."""
    weight, step, gap = draw(st.floats(-1, 1)), draw(st.integers(1, 50)), draw(st.floats(0, 1))
    liked = draw(st.sampled_from(["a", "b", "none"]))

    def score(rows: pa.Table) -> Any:
        x, k = (plain(rows[name].cast(pa.float64())) for name in ("x", "k"))
        c = np.array([one == liked for one in rows["c"].to_pylist()], dtype=float)
        said = 0.5 + 0.3 * weight * x + 0.2 * np.floor(k / step) % 2 - 0.2 * c
        return np.clip(np.where(np.isfinite(said), said, gap), 0.0, 1.0)

    return score


def failing(function: Callable[[pa.Table], Any], how: Any, place: int) -> Callable[[pa.Table], Any]:
    """Return the model with a fault that no row of the data shows, but each change of a kind does."""
    known = {name: set(ROWS[name].to_pylist()) for name in ("x", "k", "c")}
    name = ("x", "k", "c")[place]

    def score(rows: pa.Table) -> Any:
        odd = np.array([one not in known[name] for one in rows[name].to_pylist()])
        if how in ("raised", "died") and odd.any():
            raise ModelFault(how, "an odd value")
        said = np.array(function(rows), dtype=float)
        said[odd] = {"nan": np.nan, "infinite": np.inf, "no probability": 1.5}.get(how, said[odd])
        return said

    return score


@pytest.mark.parametrize("measure", [*CHANGED, *REPEATED, "robustness.prediction_sanity"])
@examples(12)
@given(function=functions(), task=st.sampled_from(TASKS), limits=st.tuples(LIMITS, LIMITS), rule=RULES)
def test_a_tighter_limit_never_approves_more(
    measure: str,
    function: Callable[[pa.Table], Any],
    task: Task,
    limits: tuple[float, float],
    rule: Rule,
) -> None:
    """What passes at the tighter limit passes at the wider one, and what is not measured never passes."""
    estimate = asked(measure, made(function, task))
    tight, wide = (outcome(measure, estimate, one, rule) for one in sorted(limits))
    assert tight is not Outcome.PASS or wide is Outcome.PASS
    if estimate.value is None:
        assert tight is not Outcome.PASS
        assert wide is not Outcome.PASS


@pytest.mark.parametrize("measure", [one for one in CHANGED if one != "robustness.direction"])
@examples(16)
@given(
    function=functions(),
    how=st.sampled_from(["raised", "died", "nan", "infinite", "no probability"]),
    place=st.integers(0, 2),
)
def test_a_fault_never_makes_a_model_look_better(
    measure: str, function: Callable[[pa.Table], Any], how: str, place: int
) -> None:
    """Nor does it approve: a rate of failures with the fault is at least the rate without it, or unknown."""
    sound = asked(measure, made(function))
    broken = asked(measure, made(failing(function, how, place)))
    if sound.value is None:
        assert broken.value is None or broken.value >= 0.0
        return
    if broken.value is not None:
        assert broken.value >= sound.value - 1e-12
    touched = {"robustness.unseen_categories": {2}, "robustness.out_of_range": {0, 1}}
    touched |= {"robustness.missing_values": {0, 1, 2}}
    if place in touched.get(measure, ()):
        assert outcome(measure, broken, 0.9, Rule(decision="bound")) is not Outcome.PASS


@pytest.mark.parametrize("measure", [*CHANGED, *REPEATED])
@examples(6)
@given(kind=st.sampled_from(["raised", "died", "hung", "memory", "answer"]), task=st.sampled_from(TASKS))
def test_a_model_that_always_fails_is_not_approved(measure: str, kind: Any, task: Task) -> None:
    """Not measured, and never a pass."""

    def fail(_: pa.Table) -> Any:
        raise ModelFault(kind, "never")

    estimate = asked(measure, made(fail, task))
    assert estimate.value is None
    assert outcome(measure, estimate, 1.0, Rule(decision="point")) is not Outcome.PASS


@pytest.mark.parametrize("measure", CHANGED)
@examples(6)
@given(value=st.floats(0, 1), task=st.sampled_from(TASKS))
def test_a_constant_model_is_moved_by_nothing(measure: str, value: float, task: Task) -> None:
    """Which prediction sanity tells of, and these do not."""
    constant = made(lambda rows: np.full(rows.num_rows, value), task)
    assert asked(measure, constant).value == 0.0
    assert asked("robustness.prediction_sanity", constant).value == 1.0


@examples(20)
@given(
    bad=st.sampled_from([np.nan, np.inf, -np.inf]),
    where=st.sampled_from(["alone", "first", "among"]),
    fails=st.booleans(),
)
def test_another_answer_is_never_near_an_infinite_one(bad: float, where: str, fails: bool) -> None:
    """A model that fails on a row alone, or says infinity once, depends on what stands beside the row."""

    def score(rows: pa.Table) -> Any:
        said = 0.1 + 0.8 * plain(rows["x"])
        if where == "alone" and rows.num_rows == 1:
            if fails:
                raise ModelFault("raised", "one row is no batch")
            said[0] = bad
        if where == "first" and rows.num_rows > 1:
            said[0] = bad
        if where == "among" and rows.num_rows > 1:
            said[:] = bad
        return said

    assert (asked("leakage.batch_dependence", made(score)).value or 0.0) > 0.0
    if where == "first":
        assert (asked("robustness.determinism", made(score)).value or 0.0) > 0.0


@pytest.mark.parametrize(
    "measure", ["robustness.noise", "robustness.missing_values", "robustness.invariance"]
)
@examples(12)
@given(size=st.sampled_from([1e3, 1e6, 1e12]), factor=st.sampled_from([1.0, 1e150, 1e-150, 1e200]))
def test_wild_numbers_hide_no_change(measure: str, size: float, factor: float) -> None:
    """Neither does a number of one row that is beyond all others, nor the unit of them all."""
    wild = ROWS["k"].to_pylist()[0]

    def score(rows: pa.Table) -> Any:
        x, k = plain(rows["x"]), plain(rows["k"].cast(pa.float64()))
        said = np.nan_to_num(x, nan=0.5) + np.nan_to_num(k % 7)
        return factor * np.where(k == wild, size, said)

    rows = NUMBERS.append_column("id", ROWS["id"]).append_column("c", ROWS["c"])
    params = {"change": {"k": "+10%"}} if measure == "robustness.invariance" else {"columns": ["k"]}
    estimate = asked(measure, made(score, "regression", rows), rows, **params)
    assert (estimate.value or 0.0) > 0.5


@examples(12)
@given(size=st.sampled_from([1.0, 1e3, 1e12]), way=st.sampled_from(["increasing", "decreasing"]))
def test_a_wild_number_hides_no_step_the_wrong_way(size: float, way: str) -> None:
    """The tolerance is a share of what most numbers span."""
    wild = ROWS["k"].to_pylist()[0]
    sign = -1.0 if way == "increasing" else 1.0

    def score(rows: pa.Table) -> Any:
        k = plain(rows["k"].cast(pa.float64()))
        return sign * plain(rows["x"]) + np.where(k == wild, size, 0.0)

    scorer = made(score, "regression")
    # Beside 1e12 a step of 1 is rounded away, in the few rows that say so.
    assert (asked("explainability.monotonic", scorer, **{way: ["x"]}).value or 0.0) > 0.95
    other = "decreasing" if way == "increasing" else "increasing"
    assert asked("explainability.monotonic", scorer, **{other: ["x"]}).value == 0.0


DEAD: Mapping[str, dict[str, Any]] = {
    "robustness.invariance": {"change": {"c": ["A", "B"], "k": "+10%"}},
    "robustness.direction": {"tests": [{"change": {"c": ["A", "B"], "x": "+0.1"}, "expect": "up"}]},
}


@pytest.mark.parametrize("measure", DEAD)
def test_a_part_of_a_change_that_no_row_shows_is_not_passed(measure: str) -> None:
    """A code that is written otherwise in the table was never exchanged."""
    scorer = made(lambda rows: 0.2 + 0.1 * plain(rows["x"]))
    estimate = asked(measure, scorer, **DEAD[measure])
    assert outcome(measure, estimate, 1.0, Rule(decision="point")) is not Outcome.PASS
    assert "'c'" in f"{estimate.reason} {[one.reason for one in estimate.groups]}"
