"""XGBoost, LightGBM and CatBoost: their own files score as the models that were saved."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import catboost
import lightgbm
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import xgboost

from mlgate.scoring.formats import format_of

DRAWN = np.random.default_rng(7)
FRAME = pd.DataFrame({
    "hours per week": DRAWN.normal(40, 10, 400).round(1),
    "debts": DRAWN.integers(0, 6, 400),
    "job": DRAWN.choice(["clerk", "smith", "none"], 400),
})  # fmt: skip
FRAME.loc[::17, "hours per week"] = np.nan
SIGNAL = FRAME["hours per week"].fillna(40) + 5 * (FRAME["job"] == "clerk") + DRAWN.normal(0, 5, 400)
POSITIVE = (SIGNAL > 42).to_numpy().astype(int)
THREE = np.digitize(SIGNAL, [37, 45])
CATEGORIES = FRAME.astype({"job": pd.CategoricalDtype(["clerk", "none", "smith"])})
NUMBERS = FRAME[["hours per week", "debts"]]
ROWS = pa.Table.from_pandas(FRAME, preserve_index=False)
QUIET = {"verbose": 0, "allow_writing_files": False, "random_seed": 0, "thread_count": 1}


def opened(load: Callable[..., Any], path: Path, task: str, **options: Any) -> Any:
    """Load a file with the adapter that its format names."""
    return load(format_of(path).adapter, path, task=task, features=list(FRAME.columns), **options)


def numbers_only() -> pa.Table:
    """Return the rows without texts."""
    return ROWS.select(["hours per week", "debts"])


# XGBoost ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".json", ".ubj", ".model"])
def test_xgboost_binary(load: Callable[..., Any], tmp_path: Path, suffix: str) -> None:
    """Through scikit-learn's interface, with early stopping: `predict_proba` is what it says."""
    fitted = xgboost.XGBClassifier(n_estimators=60, early_stopping_rounds=2, learning_rate=0.8)
    fitted.fit(NUMBERS[:200], POSITIVE[:200], eval_set=[(NUMBERS[200:], POSITIVE[200:])], verbose=False)
    assert fitted.best_iteration < fitted.get_booster().num_boosted_rounds() - 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the suffix .model, which may be either
        fitted.save_model(tmp_path / f"m{suffix}")

    model = opened(load, tmp_path / f"m{suffix}", "binary")

    assert (model.features, model.classes, model.outputs) == (list(NUMBERS), [0, 1], "probabilities")
    np.testing.assert_allclose(
        model.predict(numbers_only()), fitted.predict_proba(NUMBERS), rtol=0, atol=1e-7
    )


def test_xgboost_booster_uses_all_its_trees(load: Callable[..., Any], tmp_path: Path) -> None:
    """As `Booster.predict` does, though training stopped early."""
    data = xgboost.DMatrix(NUMBERS, POSITIVE)
    fitted = xgboost.train(
        {"objective": "binary:logistic", "eta": 0.9}, data, 60,
        evals=[(xgboost.DMatrix(NUMBERS[:60], 1 - POSITIVE[:60]), "v")], early_stopping_rounds=3, verbose_eval=False,
    )  # fmt: skip
    fitted.save_model(tmp_path / "m.ubj")

    found = opened(load, tmp_path / "m.ubj", "binary").predict(numbers_only())

    np.testing.assert_array_equal(found[:, 1], fitted.predict(data))


@pytest.mark.parametrize("objective", ["multi:softprob", "multi:softmax"])
def test_xgboost_multiclass(load: Callable[..., Any], tmp_path: Path, objective: str) -> None:
    """Softprob gives probabilities, softmax decides; classes are places, which the gate may name."""
    data = xgboost.DMatrix(NUMBERS, THREE)
    fitted = xgboost.train({"objective": objective, "num_class": 3}, data, 4)
    fitted.save_model(tmp_path / "m.json")

    model = opened(load, tmp_path / "m.json", "multiclass", classes=["high", "low", "mid"])

    assert model.classes == ["high", "low", "mid"]
    assert model.outputs == ("probabilities" if objective == "multi:softprob" else "decisions")
    np.testing.assert_array_equal(model.predict(numbers_only()), fitted.predict(data))


def test_xgboost_regression_without_names(load: Callable[..., Any], tmp_path: Path) -> None:
    """It says its width, and is given the columns in the order of the release."""
    fitted = xgboost.XGBRegressor(n_estimators=5).fit(NUMBERS.to_numpy(), SIGNAL)
    fitted.save_model(tmp_path / "m.json")

    model = opened(load, tmp_path / "m.json", "regression")

    assert (model.features, model.width, model.classes, model.outputs) == (None, 2, None, "values")
    np.testing.assert_allclose(model.predict(numbers_only()), fitted.predict(NUMBERS.to_numpy()), rtol=1e-6)
    with pytest.raises(ValueError, match="reads 2 features and was given 3"):
        model.predict(ROWS)


def test_xgboost_recodes_categories(load: Callable[..., Any], tmp_path: Path) -> None:
    """Codes are those of training, whichever categories the rows hold; an unknown one is an error."""
    fitted = xgboost.XGBClassifier(n_estimators=8, enable_categorical=True).fit(CATEGORIES, POSITIVE)
    fitted.save_model(tmp_path / "m.json")
    some = (FRAME["job"] != "clerk").to_numpy()

    model = opened(load, tmp_path / "m.json", "binary")
    found = model.predict(ROWS.filter(pa.array(some)))

    assert model.types == {"hours per week": "number", "debts": "number", "job": "string"}
    np.testing.assert_allclose(found, fitted.predict_proba(CATEGORIES[some]), rtol=0, atol=1e-7)
    for strange in ("aaa", "pilot", "zzz"):  # XGBoost itself takes the first two for others
        with pytest.raises(
            ValueError, match=f"'job' holds the category '{strange}', which the model was not"
        ):
            model.predict(ROWS.slice(0, 3).set_column(2, "job", pa.array([strange] * 3)))


def test_xgboost_without_its_categories_is_not_guessed(load: Callable[..., Any], tmp_path: Path) -> None:
    """Files of XGBoost before 3.1 do not hold them: texts would get codes by chance."""
    fitted = xgboost.XGBClassifier(n_estimators=8, enable_categorical=True).fit(CATEGORIES, POSITIVE)
    fitted.save_model(tmp_path / "m.json")
    written = json.loads((tmp_path / "m.json").read_text(encoding="utf-8"))
    del written["learner"]["gradient_booster"]["model"]["cats"]
    (tmp_path / "m.json").write_text(json.dumps(written), encoding="utf-8")

    with pytest.raises(ValueError, match="does not hold the categories of its features"):
        opened(load, tmp_path / "m.json", "binary")


@pytest.mark.parametrize("objective", ["binary:logitraw", "reg:squarederror"])
def test_xgboost_margins_are_no_probabilities(
    load: Callable[..., Any], tmp_path: Path, objective: str
) -> None:
    """They are not squeezed into some."""
    xgboost.train({"objective": objective}, xgboost.DMatrix(NUMBERS, POSITIVE), 2).save_model(
        tmp_path / "m.json"
    )

    with pytest.raises(ValueError, match=f"its objective {objective} gives .*, not probabilities"):
        opened(load, tmp_path / "m.json", "binary")


@pytest.mark.parametrize(
    "rename", [{"debts": "Debts"}, {"debts": "hours per week ", "hours per week": "debts"}]
)
def test_xgboost_names_never_fall_back_on_places(
    load: Callable[..., Any], tmp_path: Path, rename: dict[str, str]
) -> None:
    """Renamed columns are an error, columns in another order none."""
    fitted = xgboost.XGBClassifier(n_estimators=4).fit(NUMBERS, POSITIVE)
    fitted.save_model(tmp_path / "m.json")
    model = opened(load, tmp_path / "m.json", "binary")
    rows = numbers_only()

    np.testing.assert_array_equal(
        model.predict(rows.select(["debts", "hours per week"])), model.predict(rows)
    )
    with pytest.raises(ValueError, match="the model reads"):
        model.predict(rows.rename_columns([rename.get(name, name) for name in rows.column_names]))


# LightGBM ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".txt", ".lgb", ".model"])
def test_lightgbm_binary(load: Callable[..., Any], tmp_path: Path, suffix: str) -> None:
    """LightGBM writes white space in names as `_`; the release's names are found again."""
    fitted = lightgbm.LGBMClassifier(n_estimators=9, verbose=-1).fit(CATEGORIES, POSITIVE)
    fitted.booster_.save_model(tmp_path / f"m{suffix}")
    some = (FRAME["job"] != "clerk").to_numpy()

    model = opened(load, tmp_path / f"m{suffix}", "binary")

    assert (model.features, model.classes) == (list(FRAME), [0, 1])
    np.testing.assert_allclose(model.predict(ROWS), fitted.predict_proba(CATEGORIES), rtol=0, atol=1e-12)
    found = model.predict(ROWS.filter(pa.array(some)))
    np.testing.assert_allclose(found, fitted.predict_proba(CATEGORIES[some]), rtol=0, atol=1e-12)


def test_lightgbm_category_that_no_tree_splits(load: Callable[..., Any], tmp_path: Path) -> None:
    """The file does not name it as one; its texts do."""
    constant = CATEGORIES.assign(job=pd.Categorical(["clerk"] * 400))
    fitted = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(constant, POSITIVE)
    fitted.booster_.save_model(tmp_path / "m.txt")

    found = opened(load, tmp_path / "m.txt", "binary").predict(
        ROWS.set_column(2, "job", pa.array(["clerk"] * 400))
    )

    np.testing.assert_allclose(found, fitted.predict_proba(constant), rtol=0, atol=1e-12)


@pytest.mark.parametrize("objective", ["multiclass", "multiclassova"])
def test_lightgbm_multiclass(load: Callable[..., Any], tmp_path: Path, objective: str) -> None:
    """A column for each class."""
    fitted = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1, objective=objective).fit(NUMBERS, THREE)
    fitted.booster_.save_model(tmp_path / "m.txt")

    model = opened(load, tmp_path / "m.txt", "multiclass")

    assert model.classes == [0, 1, 2]
    np.testing.assert_allclose(
        model.predict(numbers_only()), fitted.predict_proba(NUMBERS), rtol=0, atol=1e-12
    )


def test_lightgbm_regression_without_names(load: Callable[..., Any], tmp_path: Path) -> None:
    """`Column_0` is what LightGBM calls columns without names, and no name."""
    fitted = lightgbm.LGBMRegressor(n_estimators=3, verbose=-1).fit(NUMBERS.to_numpy(), SIGNAL)
    fitted.booster_.save_model(tmp_path / "m.txt")

    model = opened(load, tmp_path / "m.txt", "regression")

    assert (model.features, model.width, model.outputs) == (None, 2, "values")
    np.testing.assert_allclose(
        model.predict(numbers_only()), fitted.booster_.predict(NUMBERS.to_numpy()), rtol=1e-12
    )


def test_lightgbm_values_are_no_probabilities(load: Callable[..., Any], tmp_path: Path) -> None:
    """Nor are those of an objective of one's own."""
    data = lightgbm.Dataset(NUMBERS, POSITIVE)

    def squared(predicted: Any, train: Any) -> tuple[Any, Any]:
        return predicted - train.get_label(), np.ones_like(predicted)

    lightgbm.train({"verbose": -1, "objective": squared}, data, 2).save_model(tmp_path / "m.txt")

    with pytest.raises(ValueError, match="its objective custom gives values, not probabilities"):
        opened(load, tmp_path / "m.txt", "binary")


def test_lightgbm_names_never_fall_back_on_places(load: Callable[..., Any], tmp_path: Path) -> None:
    """`disable_shape_check` and positions are nothing to us."""
    fitted = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(NUMBERS, POSITIVE)
    fitted.booster_.save_model(tmp_path / "m.txt")
    model = opened(load, tmp_path / "m.txt", "binary")
    rows = numbers_only()

    np.testing.assert_array_equal(
        model.predict(rows.select(["debts", "hours per week"])), model.predict(rows)
    )
    with pytest.raises(ValueError, match="'debts' is missing and 'Debts' is none of them"):
        model.predict(rows.rename_columns(["hours per week", "Debts"]))


# CatBoost ---------------------------------------------------------------------------------------------------


def test_catboost_binary_with_categories(load: Callable[..., Any], tmp_path: Path) -> None:
    """It knows its classes, names and categories."""
    fitted = catboost.CatBoostClassifier(iterations=6, cat_features=["job"], **QUIET)
    fitted.fit(FRAME.astype({"job": object}), np.where(POSITIVE, "yes", "no"))
    fitted.save_model(str(tmp_path / "m.cbm"))

    model = opened(load, tmp_path / "m.cbm", "binary")

    assert (model.features, model.classes) == (list(FRAME), ["no", "yes"])
    assert model.types == {"hours per week": "number", "debts": "number", "job": "category"}
    expected = fitted.predict_proba(FRAME.astype({"job": object}))
    np.testing.assert_allclose(
        model.predict(ROWS.select(["job", "debts", "hours per week"])), expected, atol=1e-12
    )
    with pytest.raises(ValueError, match="'job' has nulls, and CatBoost takes none"):
        model.predict(ROWS.slice(0, 2).set_column(2, "job", pa.array(["clerk", None])))
    with pytest.raises(ValueError, match="'job' is missing"):
        model.predict(ROWS.select(["hours per week", "debts"]))


def test_catboost_multiclass_and_regression(load: Callable[..., Any], tmp_path: Path) -> None:
    """Without names: `0`, `1` are none."""
    numbers = NUMBERS.to_numpy()
    sorts = catboost.CatBoostClassifier(iterations=4, loss_function="MultiClass", **QUIET).fit(numbers, THREE)
    sorts.save_model(str(tmp_path / "c.cbm"))
    values = catboost.CatBoostRegressor(iterations=4, **QUIET).fit(numbers, SIGNAL)
    values.save_model(str(tmp_path / "r.cbm"))

    model = opened(load, tmp_path / "c.cbm", "multiclass")
    assert (model.features, model.width, model.classes) == (None, 2, [0, 1, 2])
    np.testing.assert_allclose(
        model.predict(numbers_only()), sorts.predict_proba(numbers), rtol=0, atol=1e-12
    )
    model = opened(load, tmp_path / "r.cbm", "regression")
    np.testing.assert_allclose(model.predict(numbers_only()), values.predict(numbers), rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match="gives values, not probabilities"):
        opened(load, tmp_path / "r.cbm", "binary")


# Classes by place -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("classes", "known"), [(["bad", "good"], ["bad", "good"]), (None, [0, 1]), (["one"], [0, 1])]
)
def test_classes_by_place_are_called_what_the_release_calls_them(
    load: Callable[..., Any], tmp_path: Path, classes: list[str] | None, known: list[Any]
) -> None:
    """In the order in which it names them, where there are as many."""
    xgboost.XGBClassifier(n_estimators=2).fit(NUMBERS, POSITIVE).save_model(tmp_path / "m.json")

    assert opened(load, tmp_path / "m.json", "binary", classes=classes, positive="good").classes == known
