"""Parity within strata against fairlearn on the rows of each stratum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import demographic_parity_difference
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate.cells import Answers, Bins, Cells, Columns, Counts
from mlgate.errors import MeasureError
from mlgate.measures import fairness
from mlgate.measures.conditional import MAX_PAIRS, ConditionalParity
from mlgate.measures.judging import Judging
from tests.measures.asking import ask, bounds


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    """Draw rows in groups and strata, either of them sometimes missing."""
    row = st.tuples(
        st.integers(0, 1),
        st.sampled_from(["a", "b", "c", None]),
        st.sampled_from(["x", "y", None]),
        st.sampled_from([0.5, 1.0, 3.0]),
    )
    return pd.DataFrame(
        draw(st.lists(row, min_size=1, max_size=60)), columns=["prediction", "g", "r", "w"]
    ).astype({"g": object, "r": object})


@settings(max_examples=40, deadline=None)
@given(frame=tables())
def test_the_value_is_the_largest_gap_within_a_stratum(frame: pd.DataFrame) -> None:
    """Missing groups and missing strata are left out, and so are strata with one group."""
    known = frame[frame["g"].notna() & frame["r"].notna()]
    gaps = [
        demographic_parity_difference(
            part["prediction"],
            part["prediction"],
            sensitive_features=part["g"],
            sample_weight=part["w"],
        )
        for _, part in known.groupby("r")
        if len(set(part["g"])) > 1
    ]
    rows = sum(len(part) for _, part in known.groupby("r") if len(set(part["g"])) > 1)
    found = ask(ConditionalParity, frame, weight="w", strata="r")
    if not gaps:
        assert found.value is None
        assert "no stratum has two groups to compare" in (found.reason or "")
        return
    assert found.value == pytest.approx(max(gaps), rel=1e-12, abs=1e-12)
    assert found.value_all == found.value
    assert found.n == rows
    assert found.judged_share == pytest.approx(rows / len(frame))
    assert max(one.value for one in found.comparisons) == found.value
    assert all(bounds(one, 0.9)[0] < bounds(one, 0.9)[1] for one in found.comparisons)


@settings(max_examples=25, deadline=None)
@given(frame=tables())
def test_one_stratum_is_demographic_parity(frame: pd.DataFrame) -> None:
    """Where all rows are alike in it, conditioning changes neither value nor interval."""
    rows = frame.assign(r="x")
    plain = ask(fairness.demographic_parity_difference, rows, weight="w")
    found = ask(ConditionalParity, rows, weight="w", strata=["r"])
    assert found.value == plain.value
    assert found.interval == plain.interval
    assert found.judged_share == plain.judged_share or plain.value is None


def simpson() -> pd.DataFrame:
    """Build two departments that treat both groups alike, one of them hard to get into."""
    parts = [("a", "easy", 80, 100), ("a", "hard", 20, 100), ("b", "easy", 32, 40), ("b", "hard", 80, 400)]
    return pd.DataFrame(
        [
            (int(number < chosen), group, place)
            for group, place, chosen, count in parts
            for number in range(count)
        ],
        columns=["prediction", "g", "r"],
    )


def test_what_may_count_explains_a_gap() -> None:
    """As in Berkeley's admissions: a gap over all, and none within departments."""
    frame = simpson()
    assert ask(fairness.demographic_parity_difference, frame).value == pytest.approx(0.5 - 112 / 440)
    found = ask(ConditionalParity, frame, min_group=30, strata="r")
    assert found.value == 0
    assert {one.name for one in found.comparisons} == {"easy: a - b", "hard: b - a"}
    assert next(one.groups for one in found.comparisons) == ({"r": "easy", "g": "a"}, {"r": "easy", "g": "b"})
    assert found.groups[0].group == {"r": "easy", "g": "a"}


def test_small_groups_and_strata_are_listed() -> None:
    """A group is judged by its rows in the stratum; one alone there is no comparison and not judged."""
    frame = pd.concat([simpson(), pd.DataFrame({"prediction": 1, "g": "a", "r": ["new"] * 160})])
    found = ask(ConditionalParity, frame, min_group=50, strata="r")
    lines = {(one.group["r"], one.group["g"]): one for one in found.groups}
    assert lines["easy", "b"].reason == "40 rows, fewer than min_group 50"
    assert ("new", "a") in lines
    assert {one.name for one in found.comparisons} == {"hard: b - a"}
    assert found.n == 500
    assert found.judged_share == pytest.approx(500 / 800)
    assert found.value_all == 0


def test_rows_without_a_stratum_are_not_judged_unless_asked() -> None:
    """They are listed with the reason, and count against the judged share."""
    frame = simpson()
    frame.loc[frame["r"] == "easy", "r"] = None
    found = ask(ConditionalParity, frame, min_group=30, strata="r")
    assert {one.reason for one in found.groups if one.group["r"] == "unknown"} == {"stratum missing"}
    assert found.judged_share == pytest.approx(500 / 640)
    judged = ask(ConditionalParity, frame, min_group=30, strata="r", judge_unknown=True)
    assert judged.judged_share == 1.0
    assert len(judged.comparisons) == 2


def plan(strata: Any, by: tuple[Any, ...] = ("g",)) -> Counts:
    """Return what is counted for these strata."""
    params = {"judging": Judging(by=by, min_group=1, judge_unknown=False), "strata": strata}
    (planned,) = ConditionalParity.plan(params, Columns(names=(), types={}, task="multiclass", cluster="c"))
    assert isinstance(planned, Counts)
    return planned


def test_strata_are_written_as_groups_are() -> None:
    """A column, a product, bins, or a product with bins."""
    assert plan("r").by == ("g", "r")
    assert plan(["r", "s"]).by == ("g", "r", "s")
    assert plan({"age": [30, 50]}).by == ("g", Bins("age", (30.0, 50.0)))
    assert plan(["r", {"age": [30]}]).by == ("g", "r", Bins("age", (30.0,)))
    assert plan("g").by == ("g",)
    assert (plan("r").view, plan("r").clustered) == ("favourable", True)


@pytest.mark.parametrize(
    ("strata", "words"),
    [
        (None, "no column makes the strata"),
        ([], "no column makes the strata"),
        ({"age": []}, "do not rise"),
        ({"age": [50, 30]}, "do not rise"),
        ({"age": [float("nan")]}, "do not rise"),
        (["r", "r"], "named twice"),
        (["age", {"age": [30]}], "named twice"),
    ],
)
def test_strata_that_cut_nothing_are_an_error(strata: Any, words: str) -> None:
    """Found when it is planned, before anything is counted."""
    with pytest.raises(MeasureError, match=words):
        plan(strata)


def test_too_many_strata_or_pairs_want_bins() -> None:
    """201 strata, and more pairs than can be read, are refused."""
    frame = pd.DataFrame({"prediction": 1, "g": ["a", "b"] * 201, "r": np.repeat(range(201), 2)})
    assert ask(ConditionalParity, frame, strata="r").reason == "201 strata by 'r', more than 200: bin it"
    size = 45
    every = pd.DataFrame(
        {
            "prediction": 1,
            "g": np.tile(range(size), size),
            "r": np.repeat(range(size), size),
        }
    )
    found = ask(ConditionalParity, every, strata="r")
    assert size * size * (size - 1) // 2 > MAX_PAIRS
    assert found.reason == "44550 pairs of groups within strata, more than 20000: bin the strata"


def test_an_empty_table() -> None:
    """Nothing to say of nobody."""
    found = ask(ConditionalParity, simpson().iloc[:0], strata="r")
    assert (found.value, found.reason) == (None, "the table has no rows")


def test_faulty_cells_are_never_looked_at() -> None:
    """The fault is the reason."""
    counts = plan("r")
    empty = np.array([], dtype=float)
    cells = Cells(
        roles={"prediction": empty},
        groups={one: np.array([], dtype=object) for one in counts.by},
        n=empty.astype(np.int64),
        w=empty,
        w2=empty,
        fault="12 of 300 predictions are missing",
    )
    params = {"judging": Judging(by=("g",), min_group=1, judge_unknown=False), "strata": "r"}
    found = ConditionalParity.value(Answers({counts: cells}), params)
    assert found.reason == "12 of 300 predictions are missing"
