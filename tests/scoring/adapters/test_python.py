"""Python functions as models: what they are given, and what of their answers is accepted."""

from __future__ import annotations

import itertools
import re
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mlgate.scoring.adapters import python

ROWS = pa.table({"x": [0.1, 0.7, 0.4], "job": ["a", None, "b"]})
_NUMBERS = itertools.count()

Load = Callable[..., Any]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load the function `score` of a module with this text."""

    def loaded(text: str, **options: Any) -> Any:
        module = f"written_for_a_test_{next(_NUMBERS)}"
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(text), encoding="utf-8")
        given = {"module": module, "function": "score", "root": str(tmp_path), "task": "binary", **options}
        return python.load(str(tmp_path), given)

    return loaded


@pytest.fixture(autouse=True)
def _path() -> Any:
    before = list(sys.path)
    yield
    sys.path[:] = before


def body(text: str, **attributes: Any) -> str:
    """Return a module whose function `score` returns `text`."""
    lines = ["import numpy as np", "import pandas as pd", "def score(rows):", f"    return {text}"]
    return "\n".join([*lines, *(f"score.{name} = {value!r}" for name, value in attributes.items())])


@pytest.mark.parametrize(
    "text",
    [
        "rows['x']",
        "rows['x'].to_numpy()",
        "list(rows['x'])",
        "rows[['x']]",
        "rows['x'].to_numpy(dtype=np.float32).astype(float).round(6)",
        "np.column_stack([1 - rows['x'], rows['x']])",
        "pd.DataFrame({'1': rows['x'], '0': 1 - rows['x']})",
        "pd.DataFrame(np.column_stack([1 - rows['x'], rows['x']]))",
        "rows['x'].astype('Float64')",
        "__import__('pyarrow').array(rows['x'])",
    ],
)
def test_a_probability_may_come_in_many_forms(load: Load, text: str) -> None:
    """Series, arrays, lists, tables with a column for each class: each is the probability of the positive."""
    model = load(body(text))
    assert model.outputs == "probabilities"
    assert model.classes == [0, 1]
    np.testing.assert_allclose(model.predict(ROWS), [[0.9, 0.1], [0.3, 0.7], [0.6, 0.4]])


def test_the_probability_is_that_of_the_positive_class_wherever_it_stands(load: Load) -> None:
    """A function whose classes are named the other way round is not read the other way round."""
    model = load(body("rows['x']", classes=["bad", "good"]), positive="bad")
    assert model.classes == ["bad", "good"]
    np.testing.assert_allclose(model.predict(ROWS)[:, 0], [0.1, 0.7, 0.4])


def test_classes_are_those_of_the_release_where_the_function_is_silent(load: Load) -> None:
    """The release's classes serve, in their order."""
    model = load(body("rows['x']"), classes=[False, True], positive=True)
    assert model.classes == [False, True]
    np.testing.assert_allclose(model.predict(ROWS)[:, 1], [0.1, 0.7, 0.4])


def test_missing_values_arrive_as_pandas_has_them(load: Load) -> None:
    """A null number is NaN, a date a datetime64, a null text missing."""
    text = """
        def score(rows):
            assert rows["n"].dtype == "float64" and rows["n"].isna().tolist() == [False, True]
            assert rows["job"].isna().tolist() == [True, False]
            assert rows["day"].dtype.kind == "M"
            return rows["n"].fillna(0.0)
    """
    rows = pa.table(
        {"n": pa.array([1, None], pa.int64()), "job": [None, "b"], "day": pa.array([0, 1], pa.date32())}
    )
    assert load(text, task="regression").predict(rows).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("annotation", ["pa.Table", '"pa.Table"', "'pyarrow.Table'"])
def test_an_annotated_function_is_given_the_arrow_table(load: Load, annotation: str) -> None:
    """However the annotation is written."""
    text = f"import pyarrow as pa\ndef score(rows: {annotation}):\n    assert isinstance(rows, pa.Table)\n    return rows['x']"
    assert load(text, task="regression").predict(ROWS).tolist() == [0.1, 0.7, 0.4]


def test_a_function_says_which_features_it_reads(load: Load) -> None:
    """By an attribute, in its order."""
    assert load(body("rows['x']", features=["x", "job"])).features == ["x", "job"]
    assert load(body("rows['x']")).features is None


def test_probabilities_of_many_classes_are_put_in_order_by_their_names(load: Load) -> None:
    """A table whose columns stand in another order than the classes is not read by position."""
    text = body("pd.DataFrame({'c': [.5] * 3, 'a': [.2] * 3, 'b': [.3] * 3})", classes=["a", "b", "c"])
    model = load(text, task="multiclass")
    assert model.predict(ROWS)[0].tolist() == [0.2, 0.3, 0.5]


def test_decisions_are_places_among_the_classes(load: Load) -> None:
    """A function that decides says so, and gives classes."""
    text = body("['b', 'a', 'b']", classes=["a", "b"], outputs="decisions")
    model = load(text, task="multiclass")
    assert (model.outputs, model.predict(ROWS).tolist()) == ("decisions", [1, 0, 1])
    assert load(body("rows['x'] > 0.3", outputs="decisions")).predict(ROWS).tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rows['x'][:2]", "returned shape (2,) for 3 rows"),
        ("np.zeros((3, 3))", "returned 3 columns, not 2"),
        ("np.zeros((3, 2, 2))", "returned shape (3, 2, 2)"),
        ("[[1.0], [1.0, 2.0], [1.0]]", "no array of numbers"),
        ("rows['x'] + 1j", "complex"),
        ("[None, 0.1, 0.2]", "objects"),
        ("['0.1', '0.2', '0.3']", "texts"),
        ("rows['x'] > 0.5", 'booleans, not numbers; say `outputs = "decisions"`'),
        ("rows['job']", "not numbers"),
        ("None", "returned NoneType"),
        ("(x for x in [1, 2, 3])", "returned generator"),
        ("{0: 0.1, 1: 0.2, 2: 0.3}", "returned dict"),
        ("0.5", "returned float"),
        ("np.float64(0.5)", "returned shape () for 3 rows"),
        ("rows.sort_values('x')['x']", "another index"),
        ("pd.DataFrame({'p': rows['x'], 'q': rows['x']})", "not its classes [0, 1]"),
        ("pd.DataFrame({'1': rows['x'], 'q': rows['x']})", "not its classes [0, 1]"),
        ("pd.DataFrame()", "returned shape (0, 0)"),
    ],
)
def test_an_answer_that_leaves_something_to_guess_is_refused(load: Load, text: str, said: str) -> None:
    """Never a wrong length, order, shape or sort."""
    with pytest.raises(ValueError, match=re.escape(said)):
        load(body(text)).predict(ROWS)


def test_a_class_that_is_none_of_its_own_is_refused(load: Load) -> None:
    """A decision must be one of the classes."""
    with pytest.raises(ValueError, match="returned 'z', which is none of its classes"):
        load(body("['z', 'a', 'b']", classes=["a", "b"], outputs="decisions")).predict(ROWS)


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("x = 1", {}, "has no score"),
        ("score = 1", {}, "is no function"),
        ("class score: pass", {}, "is no function"),
        ("async def score(rows): return 1", {}, "coroutine"),
        ("def score(rows): yield 1", {}, "generator"),
        ("def score(): return 1", {}, "takes no rows"),
        (body("1", classes=["a"]), {}, "two or more different"),
        (body("1", classes=[1, "1"]), {}, "two or more different"),
        (body("1", classes=["a", "b", "c"]), {}, "a binary model has 2"),
        (body("1", classes=["a", "b"]), {"positive": "z"}, "lack 'z'"),
        (body("1", outputs="guesses"), {}, "outputs is 'guesses'"),
        (body("1", features="x"), {}, "not a list of names"),
        (body("1", features=["x", "x"]), {}, "a name twice"),
        (body("1"), {"task": "multiclass"}, "does not say its classes"),
    ],
)
def test_a_function_that_says_nonsense_of_itself_is_not_loaded(
    load: Load, text: str, options: dict[str, Any], said: str
) -> None:
    """The error says which attribute."""
    with pytest.raises(ValueError, match=said):
        load(text, **options)


def test_a_module_of_python_itself_is_not_taken_for_that_of_the_release(tmp_path: Path) -> None:
    """A release that names `json:loads` does not get the library's."""
    (tmp_path / "json.py").write_text("def loads(rows): return rows", encoding="utf-8")
    options = {"module": "json", "function": "loads", "root": str(tmp_path), "task": "binary"}
    with pytest.raises(ValueError, match="is another one, not that of the release"):
        python.load(str(tmp_path), options)
