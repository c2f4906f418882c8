"""XGBoost's own files: `.json`, `.ubj` and `.model`. Nothing in them is executed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import _answers
import _categories
import _rows

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pyarrow as pa

_PROBABILITIES = ("binary:logistic", "multi:softprob")
_DECISIONS = ("binary:hinge", "multi:softmax")
_MARGINS = ("binary:logitraw",)


def load(path: str, options: dict[str, Any]) -> Model:
    """Load a Booster, or the Booster of what was saved through scikit-learn's interface."""
    import xgboost

    if path.lower().endswith((".json", ".ubj")):
        return of(xgboost.Booster(model_file=path), options)
    with open(path, "rb") as file:  # of another suffix XGBoost guesses the format, of bytes it sees it
        content = bytearray(file.read())
    booster = xgboost.Booster()
    booster.load_model(content)
    return of(booster, options)


def of(booster: Any, options: dict[str, Any]) -> Model:
    """Return a Booster as a model."""
    return Model(booster, options)


class Model:
    """A Booster, which answers as `Booster.predict` does.

    Saved through scikit-learn's interface it answers as `predict_proba` does there: with the trees up to the
    best iteration where training stopped early.
    """

    kind = "xgboost.core.Booster"

    def __init__(self, booster: Any, options: dict[str, Any]) -> None:
        """Take what the Booster says of itself."""
        import xgboost

        self._booster = booster
        self._threads = int(options.get("threads", 1))
        booster.set_param({"nthread": self._threads})
        learner = json.loads(booster.save_config())["learner"]
        self._objective = learner["objective"]["name"]
        self.features = list(booster.feature_names) if booster.feature_names else None
        self.width = booster.num_features()
        kinds = booster.feature_types
        self.types = None
        self._known = _categories.of_xgboost(booster)
        if self.features and kinds:
            texts = {
                place for place, values in self._known.items() if any(isinstance(one, str) for one in values)
            }
            self.types = {
                name: "string" if place in texts else "boolean" if kinds[place] == "i" else "number"
                for place, name in enumerate(self.features)
            }
        self.outputs = _outputs(self._objective, options.get("task", ""))
        count = max(2, int(learner["learner_model_param"]["num_class"]))
        self.classes = None if self.outputs == "values" else _answers.classes_by_place(count, options)
        self.library = f"xgboost {xgboost.__version__}"
        self._upto = (0, 0)
        if booster.attr("scikit_learn") is not None and booster.attr("best_iteration") is not None:
            self._upto = (0, int(booster.attr("best_iteration")) + 1)

    def predict(self, rows: pa.Table) -> np.ndarray:
        """Return probabilities (n, k), places of classes, or values, as `outputs` says."""
        import numpy as np
        import xgboost

        given = self._given(rows)
        named = {"feature_names": self.features} if self.features else {}
        matrix = xgboost.DMatrix(given, enable_categorical=True, nthread=self._threads, **named)
        found = np.asarray(self._booster.predict(matrix, iteration_range=self._upto), dtype=np.float64)
        if self.outputs == "probabilities":
            return _answers.two(found) if found.ndim == 1 else found
        return found.astype(np.int64) if self.outputs == "decisions" else found

    def native(self) -> tuple[Any, Callable[[pa.Table], Any]]:
        """Return the Booster, and rows as floats, or with categories as a frame."""
        return self._booster, self._given

    def groups(self, rows: pa.Table | None = None) -> list[int] | None:  # noqa: ARG002 - as pipelines have it
        """Return that each column is its own feature."""
        return list(range(self.width))

    def _given(self, rows: pa.Table) -> Any:
        rows = _rows.ordered(rows, self.features, self.width)
        return _categories.coded(rows, self._known, strict=True) if self._known else _rows.matrix(rows)


def _outputs(objective: str, task: str) -> str:
    if objective in _PROBABILITIES:
        return "probabilities"
    if objective in _DECISIONS:
        return "decisions"
    if task in ("binary", "multiclass"):
        margin = "gives margins" if objective in _MARGINS else "gives values"
        raise ValueError(
            f"its objective {objective} {margin}, not probabilities; train it for a {task} label"
        )
    return "values"
