"""skops files: what is not trusted is named and not loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from skops import io

ROWS = pa.table({"x": [0.0, 1.0, 2.0, 3.0], "y": [3, 1, None, 0]})


class Planted:
    """A type that skops does not know."""

    def __init__(self) -> None:
        self.word = "x"


def test_all_untrusted_types_are_named_with_the_line_to_write(
    load: Callable[..., Any], tmp_path: Path
) -> None:
    """Every one of them, so that one look at the file is enough; none is loaded."""
    model = FunctionTransformer(np.sin, kw_args={"one": Planted(), "two": np.dtype("float64")})
    io.dump(model, tmp_path / "m.skops")
    unknown = sorted(io.get_untrusted_types(file=tmp_path / "m.skops"))

    with pytest.raises(ValueError, match="types that are not trusted") as caught:
        load("skops", tmp_path / "m.skops", trusted_types=[])

    assert len(unknown) > 1
    assert f"trusted_types: [{', '.join(unknown)}]" in str(caught.value)


def test_a_type_that_is_trusted_beside_others_is_not_enough(load: Callable[..., Any], tmp_path: Path) -> None:
    """Only what is left is named."""
    model = FunctionTransformer(np.sin, kw_args={"one": Planted(), "two": np.dtype("float64")})
    io.dump(model, tmp_path / "m.skops")

    with pytest.raises(ValueError, match="Planted") as caught:
        load("skops", tmp_path / "m.skops", trusted_types=["numpy.dtype"])

    assert "[numpy.dtype" not in str(caught.value)


def test_what_cannot_predict_is_no_model(load: Callable[..., Any], tmp_path: Path) -> None:
    """A scaler, or a list."""
    scaler = StandardScaler().fit([[1.0], [2.0]])
    io.dump(scaler, tmp_path / "m.skops")

    with pytest.raises(ValueError, match="StandardScaler, which has no `predict`"):
        load("skops", tmp_path / "m.skops", trusted_types=io.get_untrusted_types(file=tmp_path / "m.skops"))


def test_an_estimator_that_is_not_fitted_is_no_model(load: Callable[..., Any], tmp_path: Path) -> None:
    """It would raise on every row; it is told at once."""
    io.dump(LogisticRegression(), tmp_path / "m.skops")

    with pytest.raises(ValueError, match="LogisticRegression in the file is not fitted"):
        load("skops", tmp_path / "m.skops")


def test_a_model_with_names_is_given_its_own_order(load: Callable[..., Any], tmp_path: Path) -> None:
    """The order of the rows is nothing to it."""
    frame = pd.DataFrame({"y": [1.0, 2.0, 3.0, 5.0], "x": [0.0, 1.0, 0.0, 4.0]})
    io.dump(Ridge().fit(frame, [1, 2, 3, 9]), tmp_path / "m.skops")
    whole = ROWS.set_column(1, "y", pa.array([3.0, 1.0, 2.0, 0.0]))

    model = load("skops", tmp_path / "m.skops", task="regression")

    assert model.features == ["y", "x"]
    assert model.classes is None
    assert model.outputs == "values"
    np.testing.assert_array_equal(model.predict(whole), model.predict(whole.select(["y", "x"])))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["x"], "'y' is missing"),
        (["x", "z"], "'y' is missing and 'z' is none"),
        (["x", "y", "z"], "'z' is none"),
    ],
)
def test_names_never_fall_back_on_places(
    load: Callable[..., Any], tmp_path: Path, names: list[str], said: str
) -> None:
    """A missing, a renamed and a further feature are errors."""
    frame = pd.DataFrame({"x": [0.0, 1.0, 0.0, 4.0], "y": [1.0, 2.0, 3.0, 5.0]})
    io.dump(Ridge().fit(frame, [1, 2, 3, 9]), tmp_path / "m.skops")
    model = load("skops", tmp_path / "m.skops", task="regression")

    with pytest.raises(ValueError, match=said):
        model.predict(pa.table({name: [1.0, 2.0] for name in names}))


def test_a_model_without_names_says_its_width(load: Callable[..., Any], tmp_path: Path) -> None:
    """Columns come in the order of the release, and exactly as many."""
    fitted = LogisticRegression().fit([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]], ["n", "n", "p", "p"])
    io.dump(fitted, tmp_path / "m.skops")
    whole = ROWS.set_column(1, "y", pa.array([3.0, 1.0, 2.0, 0.0]))

    model = load("skops", tmp_path / "m.skops", task="binary")

    assert (model.features, model.width, model.classes) == (None, 2, ["n", "p"])
    np.testing.assert_array_equal(model.predict(whole), fitted.predict_proba(whole.to_pandas().to_numpy()))
    with pytest.raises(ValueError, match="reads 2 features and was given 1"):
        model.predict(whole.select(["x"]))
