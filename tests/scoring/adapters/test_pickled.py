"""joblib and pickle files, of whatever made them."""

from __future__ import annotations

import gzip
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import lightgbm
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import xgboost
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC

DRAWN = np.random.default_rng(5)
FRAME = pd.DataFrame({
    "age": DRAWN.normal(40, 10, 300).round(1),
    "debts": DRAWN.integers(0, 6, 300),
    "job": DRAWN.choice(["clerk", "smith", "none"], 300),
})  # fmt: skip
LABEL = np.where(FRAME["age"] + 5 * (FRAME["job"] == "clerk") + DRAWN.normal(0, 5, 300) > 42, "yes", "no")
ROWS = pa.Table.from_pandas(FRAME, preserve_index=False)


def dumped(model: Any, path: Path) -> Path:
    """Write a model as the suffix says."""
    if path.suffix == ".joblib":
        joblib.dump(model, path)
    else:
        path.write_bytes(pickle.dumps(model))
    return path


@pytest.mark.parametrize("suffix", [".joblib", ".pkl"])
def test_decisions_come_as_places_of_classes(load: Callable[..., Any], tmp_path: Path, suffix: str) -> None:
    """A model without `predict_proba` decides."""
    fitted = LinearSVC().fit(FRAME[["age", "debts"]], LABEL)
    model = load("pickled", dumped(fitted, tmp_path / f"m{suffix}"), task="binary")
    rows = ROWS.select(["age", "debts"])

    assert (model.outputs, model.classes) == ("decisions", ["no", "yes"])
    found = np.array(model.classes)[model.predict(rows)]
    np.testing.assert_array_equal(found, fitted.predict(FRAME[["age", "debts"]]))


@pytest.mark.parametrize("compress", [("gzip", 3), ("bz2", 3), ("xz", 3), ("zlib", 3)])
def test_compressed_files_are_read(
    load: Callable[..., Any], tmp_path: Path, compress: tuple[str, int]
) -> None:
    """As joblib writes them."""
    fitted = RandomForestClassifier(5, n_jobs=-1, random_state=0).fit(FRAME[["age", "debts"]], LABEL)
    joblib.dump(fitted, tmp_path / "m.joblib", compress=compress)

    model = load("pickled", tmp_path / "m.joblib", task="binary")

    rows = ROWS.select(["age", "debts"])
    expected = fitted.predict_proba(FRAME[["age", "debts"]])
    np.testing.assert_allclose(
        model.predict(rows), expected, rtol=0, atol=1e-12
    )  # trees are added in any order


def test_wrappers_of_boosters_keep_their_classes(load: Callable[..., Any], tmp_path: Path) -> None:
    """LightGBM's and XGBoost's own estimators, with their early stopping."""
    numbers = FRAME[["age", "debts"]]
    light = lightgbm.LGBMClassifier(n_estimators=8, verbose=-1).fit(numbers, LABEL)
    boosted = xgboost.XGBClassifier(n_estimators=40, early_stopping_rounds=2, eval_metric="logloss").fit(
        numbers[:200], LABEL[:200] == "yes", eval_set=[(numbers[200:], LABEL[200:] == "yes")], verbose=False
    )
    rows = ROWS.select(["age", "debts"])

    for fitted, classes in ((light, ["no", "yes"]), (boosted, [0, 1])):
        model = load("pickled", dumped(fitted, tmp_path / "m.joblib"), task="binary")
        assert model.features == ["age", "debts"]
        assert model.classes == classes
        np.testing.assert_allclose(model.predict(rows), fitted.predict_proba(numbers), rtol=0, atol=1e-7)


def test_categories_are_those_of_training(load: Callable[..., Any], tmp_path: Path) -> None:
    """Where rows hold only some of them, their codes are still those of training."""
    typed = FRAME.astype({"job": pd.CategoricalDtype(["clerk", "none", "smith"])})
    some = (FRAME["job"] != "clerk").to_numpy()
    rows = ROWS.filter(pa.array(some))
    models = (
        lightgbm.LGBMClassifier(n_estimators=8, verbose=-1).fit(typed, LABEL),
        xgboost.XGBClassifier(n_estimators=8, enable_categorical=True).fit(typed, LABEL == "yes"),
        HistGradientBoostingClassifier(max_iter=8, categorical_features="from_dtype").fit(typed, LABEL),
    )

    for fitted in models:
        model = load("pickled", dumped(fitted, tmp_path / "m.joblib"), task="binary")
        np.testing.assert_allclose(model.predict(rows), fitted.predict_proba(typed[some]), rtol=0, atol=1e-7)


def test_bare_boosters_are_taken_over(load: Callable[..., Any], tmp_path: Path) -> None:
    """By the adapter of their library."""
    numbers = FRAME[["age", "debts"]]
    light = lightgbm.train(
        {"objective": "binary", "verbose": -1}, lightgbm.Dataset(numbers, LABEL == "yes"), 5
    )
    boosted = xgboost.train(
        {"objective": "binary:logistic"}, xgboost.DMatrix(numbers, LABEL == "yes"), num_boost_round=5
    )
    rows = ROWS.select(["age", "debts"])

    found = load("pickled", dumped(light, tmp_path / "l.joblib"), task="binary")
    np.testing.assert_array_equal(found.predict(rows)[:, 1], light.predict(numbers))
    found = load("pickled", dumped(boosted, tmp_path / "x.pkl"), task="binary")
    np.testing.assert_array_equal(found.predict(rows)[:, 1], boosted.predict(xgboost.DMatrix(numbers)))


def test_another_minor_version_of_scikit_learn_is_refused(load: Callable[..., Any], tmp_path: Path) -> None:
    """Its answers may be others here; the message names both, and the way out."""
    fitted = make_pipeline(make_column_transformer((OneHotEncoder(), ["job"])), LinearSVC()).fit(FRAME, LABEL)
    state = pickle.dumps(fitted)
    import sklearn

    here = sklearn.__version__.encode()
    other = b"0." + here[2:]
    (tmp_path / "m.pkl").write_bytes(state.replace(here, other))

    with pytest.raises(
        ValueError, match=rf"scikit-learn {other.decode()}, and here is .* under `model: python`"
    ):
        load("pickled", tmp_path / "m.pkl", task="binary")


def test_another_patch_of_scikit_learn_is_taken(load: Callable[..., Any], tmp_path: Path) -> None:
    """Patches mend, and change no answers."""
    import sklearn

    fitted = LinearSVC().fit(FRAME[["age", "debts"]], LABEL)
    here = sklearn.__version__
    other = here[:-1] + ("8" if here[-1] != "8" else "7")
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(fitted).replace(here.encode(), other.encode()))

    assert load("pickled", tmp_path / "m.pkl", task="binary").width == 2


def test_a_module_that_is_not_here_is_named(load: Callable[..., Any], tmp_path: Path) -> None:
    """With the way out: the interpreter that has it."""
    (tmp_path / "m.pkl").write_bytes(b"cnowhere_at_all\nThing\n.")

    with pytest.raises(
        ValueError, match="needs the module 'nowhere_at_all', which is not here; name an interp"
    ):
        load("pickled", tmp_path / "m.pkl")


def test_a_class_that_is_not_here_is_named(load: Callable[..., Any], tmp_path: Path) -> None:
    """A library of another version may have lost it."""
    (tmp_path / "m.pkl").write_bytes(b"csklearn.pipeline\nLostPipeline\n.")

    with pytest.raises(ValueError, match=r"does not load here .*'LostPipeline'.* under `model: python`"):
        load("pickled", tmp_path / "m.pkl")


@pytest.mark.parametrize("held", [{"weights": [1, 2]}, LinearSVC, "text"])
def test_what_is_no_model_is_said(load: Callable[..., Any], tmp_path: Path, held: Any) -> None:
    """A dictionary, a class, a text."""
    with pytest.raises(ValueError, match="which has no `predict`"):
        load("pickled", dumped(held, tmp_path / "m.pkl"))


def test_a_cut_off_file_is_said(load: Callable[..., Any], tmp_path: Path) -> None:
    """Not with a traceback of pickle's."""
    fitted = LinearSVC().fit(FRAME[["age", "debts"]], LABEL)
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(fitted)[:-200])

    with pytest.raises(ValueError, match="no whole pickle"):
        load("pickled", tmp_path / "m.pkl")


def test_a_gzipped_pickle_is_read(load: Callable[..., Any], tmp_path: Path) -> None:
    """Joblib tells compression by magic."""
    fitted = LinearSVC().fit(FRAME[["age", "debts"]], LABEL)
    (tmp_path / "m.pkl").write_bytes(gzip.compress(pickle.dumps(fitted)))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert load("pickled", tmp_path / "m.pkl", task="binary").classes == ["no", "yes"]


@pytest.mark.parametrize("null", [None, np.nan])
@pytest.mark.parametrize("imputer", [[], [SimpleImputer(strategy="constant", fill_value="gap")]])
def test_a_null_is_what_it_was_in_training(
    load: Callable[..., Any], tmp_path: Path, null: Any, imputer: list[Any]
) -> None:
    """To an encoder None and NaN are two categories, and one that it does not know scores as none."""
    frame = FRAME[["job", "age"]].astype({"job": object})
    frame.loc[::3, "job"] = null
    imputer = [one.set_params(missing_values=null) for one in imputer]
    shaped = make_column_transformer(
        (make_pipeline(*imputer, OneHotEncoder(handle_unknown="ignore")), ["job"]), remainder="passthrough"
    )
    fitted = make_pipeline(shaped, RandomForestClassifier(5, random_state=0)).fit(frame, LABEL)
    gaps = pa.array([None if place % 3 == 0 else one for place, one in enumerate(FRAME["job"])])

    model = load("pickled", dumped(fitted, tmp_path / "m.joblib"), task="binary")

    found = model.predict(ROWS.select(["age"]).append_column("job", gaps))
    np.testing.assert_array_equal(found, fitted.predict_proba(frame))
    assert model.types == {"job": "string"}


def test_a_model_that_knows_both_nulls_is_not_guessed(load: Callable[..., Any], tmp_path: Path) -> None:
    """Which of them a null of the table would be, nobody can say."""
    frame = pd.DataFrame({"a": ["x", None, "y", "x"], "b": ["x", np.nan, "y", "x"]}, dtype=object)
    frame.loc[1, "b"] = np.nan
    fitted = make_pipeline(OneHotEncoder(), LinearSVC()).fit(frame, [0, 1, 0, 1])

    with pytest.raises(ValueError, match="fitted on None as well as on NaN"):
        load("pickled", dumped(fitted, tmp_path / "m.joblib"), task="binary")


def test_encoders_say_the_types_of_their_columns(load: Callable[..., Any], tmp_path: Path) -> None:
    """A number where texts were encoded would pass as an unknown category, without a word."""
    shaped = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["job", "debts"]), ("drop", ["age"])
    )
    fitted = make_pipeline(shaped, LinearSVC()).fit(FRAME, LABEL)

    model = load("pickled", dumped(fitted, tmp_path / "m.joblib"), task="binary")

    assert model.types == {"job": "string", "debts": "number"}
