"""Rows as pandas reads them from files, whatever Arrow types DuckDB gives them."""

from __future__ import annotations

import ast
import datetime as dt
import decimal
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from mlgate.scoring import child

FOLDER = Path(child.__file__).parent


@pytest.fixture
def rows() -> ModuleType:
    """Return the module that adapters share."""
    import _rows  # found as the child finds it

    return _rows


def test_types_are_those_of_a_file_that_pandas_read(rows: ModuleType, tmp_path: Path) -> None:
    """With nulls and without: the dtypes on which models are fitted."""
    day = dt.date(2026, 3, 1)
    table = pa.table({
        "whole": [1, 2], "gap": pa.array([1, None], pa.int64()), "float": [0.5, None], "text": ["a", None],
        "truth": [True, False], "maybe": [True, None], "empty": pa.array([None, None], pa.float64()),
    })  # fmt: skip
    (tmp_path / "t.csv").write_text(
        "whole,gap,float,text,truth,maybe,empty\n1,1,0.5,a,True,True,\n2,,,,False,,\n"
    )

    pd.testing.assert_frame_equal(rows.frame(table), pd.read_csv(tmp_path / "t.csv"))
    dates = rows.frame(pa.table({"d": [day, None], "t": pa.array([dt.datetime(2026, 3, 1), None])}))  # noqa: DTZ001
    assert [kind.kind for kind in dates.dtypes] == ["M", "M"]


def test_decimals_and_dictionaries_are_plain_columns(rows: ModuleType) -> None:
    """No model was fitted on them."""
    table = pa.table({"d": [decimal.Decimal("1.5"), None], "c": pa.array(["a", "b"]).dictionary_encode()})

    found = rows.frame(table)

    assert found["d"].tolist()[0] == 1.5
    assert found["c"].tolist() == ["a", "b"]
    assert rows.kinds(table) == {"d": "number", "c": "string"}


def test_a_matrix_holds_numbers_only(rows: ModuleType) -> None:
    """Null is NaN, true is 1, and a text is an error that names its column."""
    table = pa.table({"n": pa.array([1, None]), "t": [True, None], "f": pa.array([0.5, 1.5], pa.float32())})

    np.testing.assert_array_equal(rows.matrix(table), [[1, 1, 0.5], [np.nan, np.nan, 1.5]])
    with pytest.raises(ValueError, match="'s', 'd' holds none"):
        rows.matrix(pa.table({"n": [1], "s": ["1"], "d": [dt.date(2026, 1, 1)]}))


def test_arrays_are_integers_where_all_columns_are(rows: ModuleType) -> None:
    """A model that was fitted on an array of objects gets one."""
    assert rows.array(pa.table({"a": [1, 2], "b": [3, 4]})).dtype.kind == "i"
    assert rows.array(pa.table({"a": [1, None], "b": [3, 4]})).dtype == np.float64
    assert rows.array(pa.table({"a": [1, 2], "b": ["x", None]})).dtype == object


@pytest.mark.parametrize(
    "path", [*sorted((FOLDER / "adapters").glob("*.py")), FOLDER / "child.py"], ids=lambda one: one.name
)
def test_adapters_run_under_python_39_and_without_mlgate(path: Path) -> None:
    """The interpreter of a model may be old, and has no mlgate."""
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [one.name for one in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        )
    }

    assert "mlgate" not in imported
    if path.name != "__init__.py":
        assert any(isinstance(one, ast.ImportFrom) and one.module == "__future__" for one in tree.body)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert not [one for one in calls if any(key.arg in ("strict", "slots", "kw_only") for key in one.keywords) and
                getattr(one.func, "id", "") in ("zip", "dataclass")]  # fmt: skip
    assert not [
        one
        for one in calls
        if getattr(one.func, "id", "") == "isinstance" and isinstance(one.args[1], ast.BinOp)
    ]
