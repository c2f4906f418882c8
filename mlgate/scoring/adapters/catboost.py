"""CatBoost's own files, `.cbm`. Nothing in them is executed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import _answers
import _estimator
import _rows

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pyarrow as pa


def load(path: str, options: dict[str, Any]) -> Model:
    """Load a model of CatBoost."""
    import catboost

    return of(catboost.CatBoost().load_model(path, format="cbm"), options)


def of(booster: Any, options: dict[str, Any]) -> Model:
    """Return a model of CatBoost."""
    return Model(booster, options)


class Model:
    """A model of CatBoost, which answers as `predict(prediction_type="Probability")` or `predict` does."""

    kind = "catboost.core.CatBoost"

    def __init__(self, booster: Any, options: dict[str, Any]) -> None:
        """Take what the model says of itself."""
        import catboost

        self._booster = booster
        self._threads = int(options.get("threads", 1))
        names = list(booster.feature_names_)
        self.features = None if _estimator.made_up(names) else names
        self.width = len(names)
        self._categorical = list(booster.get_cat_feature_indices())
        if booster.get_text_feature_indices() or booster.get_embedding_feature_indices():
            raise ValueError(
                "the model reads texts to be analysed or embeddings, and mlgate gives it columns"
            )
        self.types = None
        if self.features:
            self.types = {
                name: "category" if place in self._categorical else "number"
                for place, name in enumerate(names)
            }
        classes = _answers.plain(booster.classes_)
        task = options.get("task", "")
        if not classes and task in ("binary", "multiclass"):
            raise ValueError(f"the model gives values, not probabilities; train it for a {task} label")
        self.classes = classes or None
        self.outputs = "probabilities" if classes else "values"
        self.library = f"catboost {catboost.__version__}"

    def predict(self, rows: pa.Table) -> np.ndarray:
        """Return probabilities (n, k) or values, as `outputs` says."""
        import numpy as np

        kind = "Probability" if self.classes else "RawFormulaVal"
        if not self.classes:
            found = self._booster.predict(self._given(rows), thread_count=self._threads)
        else:
            found = self._booster.predict(self._given(rows), prediction_type=kind, thread_count=self._threads)
        return np.asarray(found, dtype=np.float64)

    def native(self) -> tuple[Any, Callable[[pa.Table], Any]]:
        """Return the model, and rows as floats, or with categories as a Pool."""
        return self._booster, self._given

    def groups(self, rows: pa.Table | None = None) -> list[int] | None:  # noqa: ARG002 - as pipelines have it
        """Return that each column is its own feature."""
        return list(range(self.width))

    def _given(self, rows: pa.Table) -> Any:
        import catboost

        rows = _rows.ordered(rows, self.features, self.width)
        if not self._categorical:
            return _rows.matrix(rows)
        found = _rows.frame(rows)
        for place in self._categorical:
            name = rows.column_names[place]
            if found[name].isna().any():
                raise ValueError(
                    f"'{name}' has nulls, and CatBoost takes none in a category; fill them before"
                )
            found[name] = found[name].astype(object)
        return catboost.Pool(found, cat_features=self._categorical)
