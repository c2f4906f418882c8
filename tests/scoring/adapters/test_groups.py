"""Which transformed column was made of which feature: told by the steps, and tried on rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import skops.io
from sklearn.compose import ColumnTransformer, make_column_selector, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)

DRAWN = np.random.default_rng(11)
FRAME = pd.DataFrame({
    "age": DRAWN.normal(40, 10, 200).round(1),
    "job": DRAWN.choice(["clerk", "smith", "none"], 200),
    "debts": DRAWN.integers(0, 6, 200).astype(float),
    "home": DRAWN.choice(["rent", "own"], 200),
})  # fmt: skip
FRAME.loc[::9, "debts"] = np.nan
FRAME.loc[::7, "job"] = np.nan
LABEL = (FRAME["age"] > 41).astype(int)
ROWS = pa.Table.from_pandas(FRAME, preserve_index=False)
TEXTS = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
NUMBERS = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())


def loaded(load: Callable[..., Any], path: Path, *steps: Any, rows: pd.DataFrame = FRAME) -> tuple[Any, Any]:
    """Fit a pipeline, write it, and load it."""
    fitted = make_pipeline(*steps, LogisticRegression(max_iter=500)).fit(rows, LABEL)
    skops.io.dump(fitted, path)
    return fitted, load("skops", path, task="binary", trusted_types=skops.io.get_untrusted_types(file=path))


def named(fitted: Any, features: list[str]) -> list[int]:
    """Return the grouping that the names of the transformed columns tell."""
    names = [
        name.split("__")[-1].replace("missingindicator_", "") for name in fitted[:-1].get_feature_names_out()
    ]
    return [next(place for place, one in enumerate(features) if name.startswith(one)) for name in names]


COMPOSED = {
    "one-hot": ColumnTransformer([("t", TEXTS, ["home", "job"]), ("n", NUMBERS, ["debts", "age"])]),
    "remainder": ColumnTransformer(
        [("t", TEXTS, ["job", "home"])], remainder=SimpleImputer(), verbose_feature_names_out=True
    ),
    "dropped": ColumnTransformer([("t", "drop", ["job"]), ("e", OrdinalEncoder(), ["home"]), ("n", NUMBERS, [0, 2])]),
    "selected": make_column_transformer(
        (NUMBERS, make_column_selector(dtype_include=float)), (TEXTS, make_column_selector(dtype_exclude=float))
    ),
    "masked": ColumnTransformer([("n", NUMBERS, [True, False, True, False]), ("t", TEXTS, slice(3, 4))]),
    "bins": ColumnTransformer([
        ("t", OneHotEncoder(drop="if_binary", min_frequency=0.2), ["home", "job"]),
        ("k", KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf"), ["age"]),
    ]),
}  # fmt: skip


@pytest.mark.parametrize("which", COMPOSED)
def test_columns_go_back_to_their_features(load: Callable[..., Any], tmp_path: Path, which: str) -> None:
    """As the names tell that scikit-learn gives them; the last step gets the matrix that it gets in the pipeline."""
    fitted, model = loaded(load, tmp_path / "m.skops", COMPOSED[which])

    last, prepare = model.native()
    found = prepare(ROWS)

    assert model.groups(ROWS) == model.groups() == named(fitted, list(FRAME))
    assert found.shape[1] == len(model.groups())
    np.testing.assert_allclose(last.predict_proba(found), fitted.predict_proba(FRAME), rtol=0, atol=1e-12)


def test_selection_and_scaling_after_encoding(load: Callable[..., Any], tmp_path: Path) -> None:
    """Steps after the first are followed too."""
    fitted, model = loaded(
        load,
        tmp_path / "m.skops",
        COMPOSED["one-hot"],
        VarianceThreshold(0.2),
        StandardScaler(),
        "passthrough",
    )

    assert model.groups(ROWS) == named(fitted, list(FRAME))


@pytest.mark.parametrize("mixing", [PCA(2), FunctionTransformer(np.cumsum, kw_args={"axis": 1})])
def test_steps_that_mix_features_have_no_grouping(
    load: Callable[..., Any], tmp_path: Path, mixing: Any
) -> None:
    """None, so that nobody sums what belongs to several."""
    _, model = loaded(load, tmp_path / "m.skops", COMPOSED["one-hot"], mixing)

    assert model.groups() is None


def test_a_grouping_that_rows_contradict_is_none(load: Callable[..., Any], tmp_path: Path) -> None:
    """The steps say one thing, and turning a feature another."""
    _, model = loaded(load, tmp_path / "m.skops", StandardScaler(), rows=FRAME[["age"]].assign(twice=1.0))
    rows = pa.table({"age": ROWS["age"], "twice": pa.array(np.arange(200.0))})

    assert model.groups(rows) == [0, 1]
    assert not model._holds([1, 0], rows)
    assert not model._holds([0], rows)


def test_a_model_alone_is_its_own_grouping(load: Callable[..., Any], tmp_path: Path) -> None:
    """Each column is its feature."""
    fitted, model = loaded(load, tmp_path / "m.skops", rows=FRAME[["age"]])

    last, prepare = model.native()
    assert type(last) is type(fitted[-1])
    assert list(prepare(ROWS.select(["age"])).columns) == ["age"]
    assert model.groups(ROWS.select(["age"])) == [0]
