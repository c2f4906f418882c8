"""Attributions are those of shap, called directly on the same rows, and add up to what the model says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from mlgate.cells import Scores
from mlgate.errors import ModelFault
from mlgate.scoring import explain
from mlgate.scoring.explained import explain_outside

pytestmark = pytest.mark.filterwarnings("ignore")
"""Shap and what it draws with warn of one another."""

shap = explain._shap()

NUMBERS = list("abcd")


class InProcess:
    """A fitted pipeline as adapters make a model of it, in this process."""

    def __init__(self, fitted: Any, groups: list[int] | None, *, inside: bool = True) -> None:
        """Take a model; `groups` tells the feature of each column that its last step takes."""
        self.fitted, self.places, self.inside = fitted, groups, inside
        self.classes = list(fitted.classes_) if hasattr(fitted, "classes_") else None
        self.outputs = "values" if self.classes is None else "probabilities"

    def predict(self, rows: pa.Table) -> Any:
        """Predict."""
        frame = rows.to_pandas()
        return self.fitted.predict_proba(frame) if self.classes else self.fitted.predict(frame)

    def native(self) -> Any:
        """Return the last step and what it takes."""
        if not self.inside:
            return None
        steps = getattr(self.fitted, "steps", None)
        if steps is None:
            return self.fitted, lambda rows: rows.to_pandas()
        return steps[-1][1], lambda rows: self.fitted[:-1].transform(rows.to_pandas())

    def groups(self, _: pa.Table) -> list[int] | None:
        """Return the feature of each column."""
        return self.places


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Return rows with numbers and a category."""
    draw = np.random.default_rng(0)
    found = pd.DataFrame(draw.normal(size=(400, 4)), columns=NUMBERS)
    return found.assign(city=draw.choice(["x", "y", "z"], 400))


def label(frame: pd.DataFrame) -> Any:
    """Return a label with an interaction and a category in it."""
    return (frame.a * frame.b + frame.c + (frame.city == "z") > 0.3).astype(int)


def tables(frame: pd.DataFrame) -> tuple[pa.Table, pa.Table]:
    """Return rows to explain, and a background."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    return table.slice(100, 40), table.slice(0, 30)


def test_trees_are_those_of_shap(frame: pd.DataFrame) -> None:
    """A forest is explained as shap.TreeExplainer explains it, value by value."""
    fitted = RandomForestClassifier(10, max_depth=5, random_state=0).fit(frame[NUMBERS], label(frame))
    rows, background = tables(frame[NUMBERS])
    found = explain.explain(InProcess(fitted, [0, 1, 2, 3]), rows, background)
    direct = shap.TreeExplainer(
        fitted, background.to_pandas().to_numpy(), feature_perturbation="interventional"
    )
    assert np.abs(found["values"] - direct.shap_values(rows.to_pandas().to_numpy())).max() < 1e-9
    assert found["method"] == "shap.TreeExplainer (interventional)"
    assert found["space"] == "probability"


@pytest.mark.parametrize("missing", [False, True])
def test_boosted_trees_add_up(frame: pd.DataFrame, *, missing: bool) -> None:
    """Values on the edge of a threshold go down the side that the model goes; so do missing ones."""
    known = frame[NUMBERS].copy()
    if missing:
        known.loc[::7, "c"] = np.nan
    fitted = HistGradientBoostingClassifier(max_iter=30, random_state=0).fit(known, label(frame))
    found = explain.explain(InProcess(fitted, [0, 1, 2, 3]), *tables(known))
    assert found["method"] == "shap.TreeExplainer (interventional)"
    assert np.abs(found["base"] + found["values"].sum(axis=1) - found["explained"]).max() < 1e-6
    assert np.abs(found["explained"] - fitted.predict_proba(tables(known)[0].to_pandas())).max() < 1e-12


def test_what_shap_takes_apart_wrongly_is_asked(frame: pd.DataFrame) -> None:
    """Shap knows nothing of categorical splits: its numbers are not taken, and the report says so."""
    coded = frame[NUMBERS].assign(city=frame.city.map({"x": 0.0, "y": 2.0, "z": 1.0}))
    fitted = HistGradientBoostingClassifier(max_iter=20, categorical_features=[4]).fit(coded, label(frame))
    rows, background = tables(coded)
    found = explain.explain(InProcess(fitted, list(range(5))), rows.slice(0, 3), background)
    assert found["method"].startswith("shap.PermutationExplainer")
    assert "does not add up" in found["method"]
    assert np.abs(found["base"] + found["values"].sum(axis=1) - found["explained"]).max() < 1e-9
    with pytest.raises(ValueError, match="does not add up"):
        explain.explain(InProcess(fitted, list(range(5))), rows, background, "tree")


def test_one_hot_columns_are_put_back_together(frame: pd.DataFrame) -> None:
    """A category has one attribution, the sum of those of its columns, as shap.LinearExplainer has them."""
    ways = make_column_transformer((StandardScaler(), NUMBERS), (OneHotEncoder(), ["city"]))
    fitted = make_pipeline(ways, LogisticRegression()).fit(frame, label(frame))
    rows, background = tables(frame)
    found = explain.explain(InProcess(fitted, [0, 1, 2, 3, 4, 4, 4]), rows, background)
    x, z = (fitted[:-1].transform(one.to_pandas()) for one in (rows, background))
    direct = shap.LinearExplainer(fitted[-1], shap.maskers.Independent(z)).shap_values(x)
    assert np.abs(found["values"][:, :4, 0] - direct[:, :4]).max() < 1e-9
    assert np.abs(found["values"][:, 4, 0] - direct[:, 4:].sum(axis=1)).max() < 1e-9
    assert found["space"] == "log odds"
    unsure = explain.explain(InProcess(fitted, None), rows.slice(0, 2), background)
    assert "not sure which columns" in unsure["method"]


def test_asking_is_what_shap_does_with_permutations(frame: pd.DataFrame) -> None:
    """A model that shows nothing is explained as shap.PermutationExplainer explains it, with the same seed."""
    fitted = Ridge().fit(frame[NUMBERS], frame.a * frame.b + frame.c)
    rows, background = tables(frame[NUMBERS])
    found = explain.explain(InProcess(fitted, None, inside=False), rows, background, seed=3)
    before = np.random.get_state()  # noqa: NPY002
    masker = shap.maskers.Independent(background.to_pandas().to_numpy(), max_samples=30)
    direct = shap.PermutationExplainer(fitted.predict, masker, seed=3)
    values = direct(rows.to_pandas().to_numpy(), max_evals=10 * 9, silent=True).values  # noqa: PD011
    np.random.set_state(before)  # noqa: NPY002
    assert np.abs(found["values"][:, :, 0] - values).max() < 1e-9


def test_the_gate_asks_where_no_shap_is_beside_the_model(frame: pd.DataFrame) -> None:
    """Texts and missing values reach the model as they are; taking apart is refused."""

    def score(rows: pa.Table) -> Scores:
        column = rows.column("city").to_pandas()
        numbers = np.where(column.isna(), 0.5, (column == "z") * 0.8).astype(float)
        return Scores(numbers=numbers[:, None], decided=(numbers >= 0.5).astype(float))

    frame = frame.assign(city=frame.city.where(frame.index % 5 != 0, None))
    rows, background = tables(frame)
    found = explain_outside(score, rows, background)
    assert found.space == "probability"
    assert np.abs(found.values[:, :4]).max() == 0.0  # noqa: PD011
    assert np.abs(found.base + found.values.sum(axis=1) - found.explained).max() < 1e-12  # noqa: PD011
    with pytest.raises(ModelFault, match="tree explainer"):
        explain_outside(score, rows, background, explainer="tree")
