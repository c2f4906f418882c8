"""SHAP of 2,000 rows through `mlgate.scoring.explain`, against shap alone on the same rows: at most 1.2 times.

    python tests/benchmarks/explain.py

Both are timed twice in turn once shap is imported; the best of each counts.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier

from mlgate.scoring import explain

ROWS, BACKGROUND, TIMES, MOST = 2_000, 50, 2, 1.2


class Model:
    """A fitted classifier as adapters make a model of it."""

    outputs = "probabilities"

    def __init__(self, fitted: Any) -> None:
        self.fitted, self.classes = fitted, list(fitted.classes_)

    def predict(self, rows: pa.Table) -> Any:
        """Predict."""
        return self.fitted.predict_proba(rows.to_pandas())

    def native(self) -> Any:
        """Return the trees and what they take."""
        return self.fitted, lambda rows: rows.to_pandas()


def best(call: Callable[[], Any], seconds: float) -> float:
    started = time.perf_counter()
    call()
    return min(seconds, time.perf_counter() - started)


def main() -> None:
    warnings.simplefilter("ignore")
    x, y = make_classification(5_000, 20, n_informative=8, random_state=0)
    frame = pd.DataFrame(x, columns=[f"f{one}" for one in range(20)])
    fitted = HistGradientBoostingClassifier(max_iter=40, random_state=0).fit(frame, y)
    rows = pa.Table.from_pandas(frame[:ROWS], preserve_index=False)
    background = pa.Table.from_pandas(frame[-BACKGROUND:], preserve_index=False)
    shap = explain._shap()

    def alone() -> Any:
        made = shap.TreeExplainer(
            fitted, x[-BACKGROUND:], feature_perturbation="interventional", model_output="probability"
        )
        return made.shap_values(x[:ROWS], check_additivity=False)

    def ours() -> Any:
        return explain.explain(Model(fitted), rows, background)

    plain = through = np.inf
    for _ in range(TIMES):
        plain, through = best(alone, plain), best(ours, through)
    ratio = through / plain
    print(f"shap alone {plain:.2f} s, explained {through:.2f} s: {ratio:.2f} times (at most {MOST})")
    raise SystemExit(ratio > MOST)


if __name__ == "__main__":
    main()
