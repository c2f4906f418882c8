"""LightGBM's text files. Nothing in them is executed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import _answers
import _categories
import _estimator
import _rows

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pyarrow as pa

_BINARY = ("binary",)
_SHARES = ("cross_entropy",)
_MULTICLASS = ("multiclass", "multiclassova")


def load(path: str, options: dict[str, Any]) -> Model:
    """Load a Booster."""
    import lightgbm

    return of(lightgbm.Booster(model_file=path), options)


def of(booster: Any, options: dict[str, Any]) -> Model:
    """Return a Booster as a model."""
    return Model(booster, options)


class Model:
    """A Booster, which answers as `Booster.predict` does."""

    types = None
    kind = "lightgbm.basic.Booster"

    def __init__(self, booster: Any, options: dict[str, Any]) -> None:
        """Take what the Booster says of itself."""
        import lightgbm

        self._booster = booster
        self._threads = int(options.get("threads", 1))
        dumped = booster.dump_model(num_iteration=1)
        self._own = list(booster.feature_name())
        unnamed = _estimator.made_up(self._own)
        self.features = None if unnamed else _rows.as_released(self._own, options.get("features"), _written)
        self.width = int(booster.num_feature())
        self._categories = _categories.OfLightGBM(booster)
        task = options.get("task", "")
        self._objective = (dumped.get("objective") or "custom").split(" ")[0]
        self.outputs = _outputs(self._objective, task)
        count = max(2, int(dumped.get("num_class", 1)))
        self.classes = None if self.outputs == "values" else _answers.classes_by_place(count, options)
        self.library = f"lightgbm {lightgbm.__version__}"

    def predict(self, rows: pa.Table) -> np.ndarray:
        """Return probabilities (n, k) or values, as `outputs` says."""
        import numpy as np

        found = self._booster.predict(self._given(rows), num_threads=self._threads)
        found = np.asarray(found, dtype=np.float64)
        return _answers.two(found) if self.outputs == "probabilities" and found.ndim == 1 else found

    def native(self) -> tuple[Any, Callable[[pa.Table], Any]]:
        """Return the Booster, and rows as floats, or with categories as a frame."""
        return self._booster, self._given

    def groups(self, rows: pa.Table | None = None) -> list[int] | None:  # noqa: ARG002 - as pipelines have it
        """Return that each column is its own feature."""
        return list(range(self.width))

    def _given(self, rows: pa.Table) -> Any:
        rows = _rows.ordered(rows, self.features, self.width)
        known = self._categories.known(rows)
        if not known:
            return _rows.matrix(rows)
        found = _categories.coded(rows, known, strict=False)  # LightGBM takes an unknown category as missing
        found.columns = self._own
        return found


def _written(name: str) -> str:
    """Return a name as LightGBM writes it: white space is `_`."""
    return "_".join(name.split(" "))


def _outputs(objective: str, task: str) -> str:
    if objective in _BINARY or objective in _MULTICLASS:
        return "probabilities"
    if objective in _SHARES and task == "binary":
        return "probabilities"
    if task in ("binary", "multiclass"):
        raise ValueError(
            f"its objective {objective} gives values, not probabilities; train it for a {task} label"
        )
    return "values"
