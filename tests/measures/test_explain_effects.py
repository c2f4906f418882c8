"""Curves and permutation importance are those of scikit-learn on the same rows and seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import partial_dependence
from sklearn.inspection import permutation_importance as permuted

from mlgate.cells import Columns, Scorer, Scores
from mlgate.errors import EvidenceError, PolicyError
from mlgate.measures import effects


@dataclass
class Fitted:
    """An estimator in this process, asked as a scorer is."""

    model: Any

    def score(self, rows: pa.Table) -> Scores:
        """Predict."""
        return Scores(numbers=self.model.predict(rows.to_pandas())[:, None], decided=None)


@pytest.fixture(scope="module")
def known() -> tuple[Scorer, pd.DataFrame, pa.Table]:
    """Return a forest with its rows."""
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(80, 3)), columns=["a", "b", "c"])
    model = RandomForestRegressor(10, random_state=0).fit(frame, frame.a * 2 + frame.b**2)
    return cast("Scorer", Fitted(model)), frame, pa.Table.from_pandas(frame, preserve_index=False)


def test_partial_dependence_is_that_of_scikit_learn(known: tuple[Scorer, pd.DataFrame, pa.Table]) -> None:
    """Row by row, and on the mean."""
    scorer, frame, rows = known
    values = effects.observed(rows.column("a"), 7)
    assert len(values) == 7
    assert (values[0], values[-1]) == (frame.a.min(), frame.a.max())
    ours = effects.curves(scorer, rows, "a", values)
    theirs = partial_dependence(
        cast("Any", scorer).model,
        frame,
        ["a"],
        kind="both",
        custom_values={"a": np.array(values)},
        method="brute",
    )
    assert np.abs(ours.numbers - theirs["individual"][0]).max() < 1e-12
    assert np.abs(ours.numbers.mean(axis=0) - theirs["average"][0]).max() < 1e-12
    slope = np.polyfit(values, theirs["average"][0], 1)[0] * np.std(values)
    assert ours.slopes.mean() == pytest.approx(slope, rel=1e-9)


def test_permutation_importance_is_that_of_scikit_learn(known: tuple[Scorer, pd.DataFrame, pa.Table]) -> None:
    """The same shuffles with the same seed, and the loss against what the model says itself."""
    scorer, frame, rows = known
    model = cast("Any", scorer).model
    ours = effects.permutation_importance(scorer, rows, repeats=3, seed=11)
    theirs = permuted(
        model, frame, model.predict(frame), scoring="neg_mean_absolute_error", n_repeats=3, random_state=11
    )
    assert np.abs(ours - theirs.importances).max() < 1e-12


def test_directions_are_checked_before_anything_is_asked() -> None:
    """No direction, both directions, a column that is not there, and one without an order."""
    columns = Columns(names=("a", "city"), types={"a": "number", "city": "string"})
    assert effects.directions("m", ["a"], None, columns) == {"a": 1}
    with pytest.raises(PolicyError, match="no feature has a direction"):
        effects.directions("m", None, [], columns)
    with pytest.raises(PolicyError, match="both increasing and decreasing"):
        effects.directions("m", ["a"], ["a"], columns)
    with pytest.raises(EvidenceError, match="did you mean 'city'"):
        effects.directions("m", ["citi"], None, columns)
    with pytest.raises(EvidenceError, match="have no order"):
        effects.directions("m", ["city"], None, columns)
