"""Each format in its own process, shut in as far as this machine can: threads, libraries and files are there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import catboost
import joblib
import lightgbm
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import xgboost
from skl2onnx import to_onnx
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from skops import io

from mlgate.scoring.formats import format_of
from mlgate.scoring.process import Launch, ModelProcess

pytestmark = pytest.mark.filterwarnings("ignore")  # of the libraries, while the tests make their files

DRAWN = np.random.default_rng(1)
FRAME = pd.DataFrame({"age": DRAWN.normal(40, 10, 500).round(1), "debts": DRAWN.integers(0, 6, 500)})
TEXTS = FRAME.assign(job=DRAWN.choice(["clerk", "smith"], 500))
LABEL = (FRAME["age"] + DRAWN.normal(0, 5, 500) > 42).to_numpy().astype(int)


def as_skops(path: Path) -> Any:
    """Write trees on three threads, behind an encoder that would start processes."""
    shaped = make_column_transformer((OneHotEncoder(), ["job"]), remainder="passthrough", n_jobs=2)
    fitted = make_pipeline(shaped, RandomForestClassifier(20, n_jobs=3, random_state=0)).fit(TEXTS, LABEL)
    io.dump(fitted, path)
    return fitted.predict_proba(TEXTS)


def as_joblib(path: Path) -> Any:
    """Write LightGBM's estimator, which knows its categories."""
    typed = TEXTS.astype({"job": "category"})
    fitted = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=3).fit(typed, LABEL)
    joblib.dump(fitted, path)
    return fitted.predict_proba(typed)


def as_xgboost(path: Path) -> Any:
    """Write a Booster with categories."""
    typed = TEXTS.astype({"job": "category"})
    fitted = xgboost.XGBClassifier(n_estimators=5, enable_categorical=True).fit(typed, LABEL)
    fitted.save_model(path)
    return fitted.predict_proba(typed)


def as_lightgbm(path: Path) -> Any:
    """Write a Booster as text."""
    fitted = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(FRAME, LABEL)
    fitted.booster_.save_model(path)
    return fitted.predict_proba(FRAME)


def as_catboost(path: Path) -> Any:
    """Write a model with a category."""
    given = TEXTS.astype({"job": object})
    fitted = catboost.CatBoostClassifier(
        iterations=5, cat_features=["job"], verbose=0, allow_writing_files=False
    )
    fitted.fit(given, LABEL).save_model(str(path))
    return fitted.predict_proba(given)


def as_onnx(path: Path) -> Any:
    """Write a graph of trees."""
    numbers = FRAME.to_numpy(np.float32)
    fitted = RandomForestClassifier(5, random_state=0).fit(numbers, LABEL)
    path.write_bytes(to_onnx(fitted, numbers[:1]).SerializeToString())
    return fitted.predict_proba(numbers)


WRITERS: dict[str, Callable[[Path], Any]] = {
    "m.skops": as_skops,
    "m.joblib": as_joblib,
    "m.ubj": as_xgboost,
    "m.txt": as_lightgbm,
    "m.cbm": as_catboost,
    "m.onnx": as_onnx,
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_model_scores_in_its_own_process(tmp_path: Path, name: str) -> None:
    """To what the library itself says in this process."""
    expected = WRITERS[name](tmp_path / name)
    (tmp_path / "work").mkdir()
    rows = pa.Table.from_pandas(TEXTS if name not in ("m.txt", "m.onnx") else FRAME, preserve_index=False)
    options = {
        "task": "binary",
        "features": rows.column_names,
        "threads": 2,
        "trusted_types": ["sklearn.tree._tree.Tree"],
    }
    launch = Launch(
        adapter=format_of(tmp_path / name).adapter or "",
        path=tmp_path / name,
        options=options,
        workdir=tmp_path / "work",
    )

    process = ModelProcess(launch)
    try:
        assert process.described.classes == (0, 1)
        assert process.described.width == rows.num_columns
        np.testing.assert_allclose(process.predict(rows), expected, rtol=0, atol=1e-6)
    finally:
        process.close()
