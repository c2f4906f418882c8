"""A model in another interpreter with another scikit-learn, which has no mlgate."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mlgate.errors import ModelFault
from mlgate.scoring.process import Launch, ModelProcess

pytestmark = pytest.mark.heavy

_TRAIN = """
import sys
import joblib, pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
frame = pd.DataFrame({"age": range(40), "job": ["clerk", "smith", None, "none"] * 10})
label = ["yes" if age % 7 > 2 else "no" for age in frame["age"]]
shape = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["job"]), remainder="passthrough")
fitted = make_pipeline(shape, LogisticRegression(max_iter=500)).fit(frame, label)
joblib.dump(fitted, sys.argv[1])
print(*fitted.predict_proba(frame)[:, 1].tolist())
"""

ROWS = pa.table({"job": ["clerk", "smith", None, "none"] * 10, "age": list(range(40))})


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an interpreter with scikit-learn 1.5 and pandas 2, and nothing of the gate's."""
    folder = tmp_path_factory.mktemp("older")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    needs = ["scikit-learn==1.5.*", "pandas<3", "numpy<2.3", "pyarrow", "joblib"]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *needs], check=True, capture_output=True)
    return python


def test_it_scores_as_it_did_where_it_was_trained(older: Path, tmp_path: Path) -> None:
    """The gate's own interpreter refuses it and says what to do; its own scores it to the bit."""
    made = subprocess.run(
        [older, "-c", _TRAIN, tmp_path / "m.joblib"], check=True, capture_output=True, text=True
    )
    expected = np.array([float(one) for one in made.stdout.split()])
    work = tmp_path / "work"
    work.mkdir()

    def launched(python: Path | None) -> ModelProcess:
        return ModelProcess(
            Launch(
                adapter="pickled",
                path=tmp_path / "m.joblib",
                options={"task": "binary", "threads": 1},
                python=python,
                readable=(older.parents[1],),
                workdir=work,
            )
        )

    theirs, ours = launched(older), launched(None)
    try:
        assert theirs.described.library.startswith("scikit-learn 1.5.")
        assert theirs.described.features == ("age", "job")
        assert theirs.described.classes == ("no", "yes")
        np.testing.assert_array_equal(theirs.predict(ROWS)[:, 1], expected)
        with pytest.raises(ModelFault, match=r"name (the|an) interpreter that .* under `model: python`"):
            _ = ours.described
    finally:
        theirs.close()
        ours.close()
