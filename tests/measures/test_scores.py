"""Rows with a grade: the mean, and how sure it is."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mlgate.measures.scores import mean_score
from tests.measures.number_rows import NUMBERS, WEIGHTS, ask, bounds, columns

ROWS = st.lists(st.tuples(NUMBERS, WEIGHTS, st.integers(0, 6)), min_size=1, max_size=30).map(
    lambda lines: pd.DataFrame(lines, columns=["score", "w", "cluster"])
)

GRADES = pd.DataFrame(
    {"score": np.random.default_rng(1).beta(5, 2, 300), "w": 1.0, "cluster": np.arange(300)}
)


def scored(**roles: str) -> dict[str, object]:
    """Say that the table holds scores."""
    return {"of": columns("scores", label=None, prediction=None, score="s", **roles)}


@settings(deadline=None)
@given(rows=ROWS, weighted=st.booleans())
def test_the_mean_is_numpys(rows: pd.DataFrame, weighted: bool) -> None:
    """For scores of any size and sign, with weights and without."""
    found = ask(mean_score, rows, weighted=weighted, **scored())
    theirs = np.average(rows["score"], weights=rows["w"] if weighted else None)
    assert found.value == pytest.approx(theirs, rel=1e-9, abs=1e-9)
    assert (found.interval is None) == bool(found.reason)
    if found.interval is not None:
        bounds(found)
    for chart in found.charts:
        assert chart.kind == "score-histogram"
        assert sum(float(one or 0) for one in chart.data["rows"]) == len(rows)


def test_the_interval_is_students() -> None:
    """As scipy has it."""
    score = GRADES["score"]
    theirs = stats.t.interval(0.9, 299, loc=score.mean(), scale=stats.sem(score))
    assert bounds(ask(mean_score, GRADES, **scored())) == pytest.approx(theirs, rel=1e-9)


def test_copies_in_a_cluster_are_no_new_rows() -> None:
    """Five answers alike to each of 300 questions are 300 answers."""
    fivefold = pd.concat([GRADES] * 5)
    alone = ask(mean_score, GRADES, **scored())
    together = ask(mean_score, fivefold, clustered=True, **scored(cluster="q"))
    assert bounds(together) == pytest.approx(bounds(alone), rel=1e-9)
    assert together.n == 1500


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (GRADES.iloc[:0], "no rows"),
        (GRADES.iloc[:4].assign(w=0.0), "no rows"),
        (GRADES.iloc[:4].assign(score=[1.0, 2.0, math.inf, 3.0]), "not finite"),
        (GRADES.iloc[:4].assign(score=1.7e308), "the value is inf"),
    ],
)
def test_what_has_no_mean_is_missing(rows: pd.DataFrame, reason: str) -> None:
    """No rows, none that weighs anything, or what is no number."""
    found = ask(mean_score, rows, **scored())
    assert found.value is None
    assert reason in (found.reason or "")


def test_equal_scores_are_not_certain() -> None:
    """All perfect: a mean without an interval, which is not judged."""
    found = ask(mean_score, GRADES.assign(score=1.0), **scored())
    assert found.value == 1.0
    assert found.interval is None
    assert "all scores are equal" in (found.reason or "")
