"""Weak slices: a planted one is found and named, and chance is called weak no more often than it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from mlgate.cells import Answers, Cells, Columns, ColumnType, Counts, Sample, SampledRows, Task
from mlgate.errors import PolicyError
from mlgate.estimates import Estimate
from mlgate.measures import catalogue

MEASURE = catalogue()["performance.weak_slices"]

Frame = dict[str, Any]


def ask(
    frame: Frame, task: Task = "regression", seed: int = 0, roles: Frame | None = None, **params: Any
) -> Estimate:
    """Ask as the gate does; the rows come as they are, which is by chance."""
    said = roles or {"label": "y", "prediction": "p"}
    taken = {
        name for value in said.values() for name in (value.values() if isinstance(value, dict) else [value])
    }
    types: dict[str, ColumnType] = {
        name: "string" if of.dtype == object else "number" for name, of in frame.items()
    }
    features = tuple(name for name in frame if name not in taken)
    columns = Columns(names=tuple(frame), types=types, task=task, features=features, **said)
    given = {"columns": None, "ignore": None, "rows": 20_000, "seed": seed, **params}
    size = len(next(iter(frame.values())))
    answers: dict[Any, Any] = {}
    for one in MEASURE.plan(given, columns):
        if isinstance(one, Sample):
            answers[one] = SampledRows(
                columns={name: frame[name] for name in one.columns}, rows=size, of=size
            )
        else:
            assert isinstance(one, Counts)
            answers[one] = coded(frame, one)
    return MEASURE.value(Answers(answers), given)


def coded(frame: Frame, asked: Counts) -> Cells:
    """Count a column of classes by itself: "yes" and 1 are positive, of several the place is the code."""
    values = sorted({str(one) for one in frame[str(asked.by[0])].tolist()})
    if asked.view:
        codes = [float(f"class:{value}" == asked.view) for value in values]
    else:
        codes = [float(value in ("yes", "1.0", "true")) for value in values]
    ones = np.ones(len(values))
    return Cells(
        roles={asked.roles[0]: np.array(codes)},
        groups={asked.by[0]: np.array(values, dtype=object)},
        n=ones.astype(np.int64),
        w=ones,
        w2=ones,
    )


def noise(seed: int, size: int = 600, skew: bool = False) -> Frame:
    """Draw columns that have nothing to do with the errors."""
    draw = np.random.default_rng(seed)
    frame = {f"f{place}": draw.normal(size=size) for place in range(4)}
    frame["c"] = np.array(draw.choice(list("abcd"), size), dtype=object)
    frame["y"] = draw.normal(size=size)
    frame["p"] = frame["y"] + (draw.exponential(size=size) ** 2 if skew else draw.normal(size=size))
    return frame


def test_a_planted_slice_is_found_and_named() -> None:
    """Both of its conditions are in the words, and the loss inside is the larger one."""
    frame = noise(1, 4000)
    weak = (frame["c"] == "b") & (frame["f1"] > 0)
    frame["p"] = frame["y"] + (frame["p"] - frame["y"]) * np.where(weak, 4.0, 1.0)
    found = ask(frame)
    first = found.groups[0]
    assert found.value
    assert "c is b" in first.group["slice"]
    assert "< f1" in first.group["slice"] or "f1 > " in first.group["slice"]
    assert first.judged
    assert first.value == pytest.approx(np.abs(frame["p"] - frame["y"])[weak].mean(), rel=0.15)


@pytest.mark.parametrize(
    ("frame", "task", "roles"),
    [
        ({"y": ["yes", "no"], "s": [0.9, 0.1], "t": [0.3, 0.7]}, "binary", {"label": "y", "score": "p"}),
        (
            {"y": ["yes", "no"], "s": ["yes", "no"], "t": ["no", "no"]},
            "binary",
            {"label": "y", "prediction": "p"},
        ),
    ],
    ids=["scores", "decisions"],
)
def test_probabilities_and_decisions_have_losses_of_their_own(frame: Frame, task: Task, roles: Frame) -> None:
    """Whatever spelling the classes have."""
    draw = np.random.default_rng(2)
    place, weak = draw.integers(0, 2, 3000), draw.random(3000) < 0.2
    odd = draw.random(3000) < 0.1  # in which the model errs anyway
    label = np.array(frame["y"], dtype=object)[place]
    good, bad = (np.array(frame[one])[place] for one in "st")
    said = np.where(weak | odd, bad, good)
    made = {
        "g": np.where(weak, "here", "there").astype(object),
        "y": label,
        "p": said.astype(object if said.dtype.kind == "U" else float),
    }
    found = ask(made, task, roles=roles)
    assert found.value == 1.0
    assert found.groups[0].group["slice"] in ("g is here", "g is not there")


def test_of_several_classes_the_probability_of_the_own_one_counts() -> None:
    """Log loss by the column of each row's class."""
    draw = np.random.default_rng(3)
    place, weak = draw.integers(0, 3, 3000), draw.random(3000) < 0.3
    scores = np.full((3000, 3), 0.2)
    scores[np.arange(3000), np.where(weak, (place + 1) % 3, place)] = 0.6
    frame = {"x": weak.astype(float), "y": np.array(list("abc"), dtype=object)[place]}
    frame |= {f"p{name}": scores[:, at] for at, name in enumerate("abc")}
    roles = {"label": "y", "scores": {name: f"p{name}" for name in "abc"}}
    found = ask(frame, "multiclass", roles=roles)
    assert found.value == 1.0
    assert found.groups[0].value == pytest.approx(-np.log(0.2))


def test_missing_values_are_slices_too() -> None:
    """Of texts as a value, of numbers by the words."""
    frame = noise(4, 4000)
    lost = np.random.default_rng(5).random(4000) < 0.2
    frame["f0"] = np.where(lost, np.nan, frame["f0"])
    frame["p"] = frame["y"] + (frame["p"] - frame["y"]) * np.where(lost, 5.0, 1.0)
    found = ask(frame)
    assert found.value
    assert "missing" in found.groups[0].group["slice"]


def test_adjusted_p_values_are_those_of_benjamini_and_hochberg() -> None:
    """The oracle of the design: scipy's procedure."""
    p = [0.005, 0.009, 0.019, 0.022, 0.051, 0.101, 0.361, 0.387]
    expected = [0.036, 0.036, 0.044, 0.044, 0.0816, 0.134666, 0.387, 0.387]
    assert false_discovery_control(p) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ({"x": [1.0] * 50, "y": [1.0] * 50, "p": [2.0] * 50}, "50 rows are too few"),
        ({"x": [1.0, 2.0] * 150, "y": [1.0] * 300, "p": [2.0] * 300}, "the loss is the same in every row"),
        ({"x": [1.0] * 300, "y": [1.0, 2.0] * 150, "p": [2.0] * 300}, "no column varies"),
        (
            {"x": [1.0, 2.0] * 150, "y": [np.nan, 2.0] * 150, "p": [2.0] * 300},
            "150 of 300 errors are missing",
        ),
        ({"x": [], "y": [], "p": []}, "the table has no rows"),
    ],
    ids=str,
)
def test_where_nothing_can_be_found_nothing_is_measured(frame: Frame, said: str) -> None:
    """A reason, and no number of slices that could pass."""
    found = ask({name: np.array(of, dtype=float) for name, of in frame.items()})
    assert found.value is None
    assert said in str(found.reason)


def test_too_few_rows_to_draw_are_refused() -> None:
    """The parameter has bounds."""
    with pytest.raises(PolicyError, match="rows is 10"):
        ask(noise(0), rows=10)


@pytest.mark.heavy
@pytest.mark.parametrize("skew", [False, True])
def test_chance_is_called_weak_no_more_often_than_it_says(skew: bool) -> None:
    """Of 1000 tables without a weak slice at most 5 % have one called so, allowing for the simulation."""
    called = sum(bool(ask(noise(seed, skew=skew)).value) for seed in range(1000))
    assert called / 1000 <= 0.05 + 2.6 * (0.05 * 0.95 / 1000) ** 0.5
