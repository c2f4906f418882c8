"""Objects with scikit-learn's interface: `predict_proba`, `predict`, `classes_`, `feature_names_in_`.

Shared by the adapters of this folder, of which each runs alone in the child.
"""

from __future__ import annotations

import contextlib
import re
import sys
import warnings
from typing import TYPE_CHECKING, Any

import _answers
import _categories
import _rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    import pyarrow as pa

_ONE_TO_ONE = frozenset({
    "StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "PowerTransformer",
    "QuantileTransformer", "OrdinalEncoder", "Binarizer",
})  # fmt: skip
"""Transformers of scikit-learn that make one column of each, in order."""

_OWN_NAMES = (re.compile(r"Column_(\d+)"), re.compile(r"(\d+)"))
"""What LightGBM and CatBoost call the columns of an array."""

_PROBED = 24
"""Rows on which a grouping is checked."""


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Refuse what was saved with another minor version of scikit-learn, which may answer otherwise here.

    Raises:
        ValueError: names both versions.
    """
    failed: Exception | None = None
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            yield
        except Exception as error:  # noqa: BLE001 - it is told below, if no version explains it
            failed = error
    for one in said:
        saved = getattr(one.message, "original_sklearn_version", None)
        here = getattr(one.message, "current_sklearn_version", None) or _sklearn()
        if saved is not None and _minor(saved) != _minor(here):
            needs = f"the model was saved with scikit-learn {saved}, and here is {here}"
            raise ValueError(f"{needs}; name an interpreter that has {_minor(saved)} under `model: python`")
        if saved is None:
            sys.stderr.write(warnings.formatwarning(one.message, one.category, one.filename, one.lineno))
    if failed is not None:
        raise failed


def is_estimator(found: Any) -> bool:
    """Whether an object is a model with scikit-learn's interface."""
    return not isinstance(found, type) and callable(getattr(found, "predict", None))


class Estimator:
    """A fitted estimator or pipeline as a model."""

    def __init__(self, estimator: Any, options: dict[str, Any], library: str | None = None) -> None:
        """Take what the estimator says of itself."""
        _fitted(estimator)
        self._estimator = estimator
        self.features = _names(estimator)
        self.width = len(self.features) if self.features else _width(estimator)
        self.classes = _classes(estimator)
        self._probable = self.classes is not None and _has(estimator, "predict_proba")
        self.outputs = (
            "values" if self.classes is None else "probabilities" if self._probable else "decisions"
        )
        self.library = library or _library(estimator)
        self.kind = f"{type(estimator).__module__}.{type(estimator).__qualname__}"
        self._on_array = self.features is None and self.width is not None
        self._coding = _coding(estimator)
        encoded = dict(_encoded(estimator, self.features))
        self.types = {name: kind for name, held in encoded.items() if (kind := _kind(held))} or None
        self._none = _null_is_none([*encoded.values(), *_imputed(estimator)])
        _bound_threads(estimator, int(options.get("threads", 1)))

    def predict(self, rows: pa.Table) -> np.ndarray:
        """Return probabilities (n, k), places of classes, or values, as `outputs` says."""
        import numpy as np

        given = self._given(rows)
        with _threaded():
            if self._probable:
                return np.asarray(self._estimator.predict_proba(given), dtype=np.float64)
            found = np.asarray(self._estimator.predict(given))
        return _answers.places(found, self.classes) if self.classes is not None else found

    def native(self) -> tuple[Any, Callable[[pa.Table], Any]]:
        """Return the last step, and how rows come to it: dense floats, or what a lone model takes."""
        import numpy as np

        before, last = _split(self._estimator)

        def prepared(rows: pa.Table) -> Any:
            found = self._given(rows)
            for step in before:
                found = step.transform(found)
            found = found.toarray() if hasattr(found, "toarray") else found
            return np.asarray(found) if before else found

        return last, prepared

    def groups(self, rows: pa.Table | None = None) -> list[int] | None:
        """Return for each column that `native` makes the place of its feature; None where that is not sure.

        Told by the fitted steps; with some rows it is tried as well: changing one feature must change no
        column of another.
        """
        before, _ = _split(self._estimator)
        names = list(self.features) if self.features else None
        places: list[int] | None = list(range(self.width)) if self.width else None
        for step in before:
            made = None if places is None else _made(step, names, len(places))
            places = None if made is None or places is None else [places[one] for one in made]
            names = None  # a step after the first is handed an array without names
        if places is None or rows is None or not rows.num_rows:
            return places
        return places if self._holds(places, rows.slice(0, _PROBED)) else None

    def _given(self, rows: pa.Table) -> Any:
        rows = _rows.ordered(rows, self.features, self.width)
        if self._on_array:
            return _rows.array(rows)
        known = {} if self._coding is None else self._coding(rows)
        if known:
            return _categories.coded(
                rows, known, strict=type(self._estimator).__module__.startswith("xgboost")
            )
        return _rows.frame(rows, none=self._none)

    def _holds(self, places: list[int], rows: pa.Table) -> bool:
        """Whether turning the values of one feature among the rows changes its own columns only."""
        import numpy as np

        rows = _rows.ordered(rows, self.features, self.width)
        _, prepared = self.native()
        first = np.asarray(prepared(rows), dtype=object)
        if first.ndim != 2 or first.shape[1] != len(places):  # noqa: PLR2004 - a matrix
            return False
        turn = np.roll(np.arange(rows.num_rows), 1)
        for place, name in enumerate(rows.column_names):
            turned = rows.set_column(place, name, rows.column(place).take(turn))
            changed = np.asarray(prepared(turned), dtype=object)
            others = [column for column, owner in enumerate(places) if owner != place]
            if not all(_same(first[:, one], changed[:, one]) for one in others):
                return False
        return True


def _same(left: Any, right: Any) -> bool:
    return all(a == b or (a != a and b != b) for a, b in zip(left, right))  # noqa: B905, PLR0124 - Python 3.9; NaN


def _fitted(estimator: Any) -> None:
    if "sklearn" not in sys.modules or not hasattr(estimator, "get_params"):
        return
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    with contextlib.suppress(TypeError, AttributeError):  # of what is no estimator of scikit-learn
        try:
            check_is_fitted(estimator)
        except NotFittedError:
            raise ValueError(f"the {type(estimator).__name__} in the file is not fitted") from None


def _has(estimator: Any, name: str) -> bool:
    """Whether a method is there; pipelines raise where their last step has none."""
    return callable(getattr(estimator, name, None))


def _names(estimator: Any) -> list[str] | None:
    found = None
    for attribute in ("feature_names_in_", "feature_name_", "feature_names_"):
        found = getattr(estimator, attribute, None)
        if found is not None:
            break
    names = None if found is None else [str(one) for one in found]
    return names if names and not made_up(names) else None


def made_up(names: list[str]) -> bool:
    """Whether names are those that a library gives the columns of an array."""
    return any(
        all((hit := pattern.fullmatch(name)) and int(hit[1]) == place for place, name in enumerate(names))
        for pattern in _OWN_NAMES
    )


def _width(estimator: Any) -> int | None:
    for attribute in ("n_features_in_", "n_features_"):
        found = getattr(estimator, attribute, None)
        if found is not None:
            return int(found)
    names = getattr(estimator, "feature_names_", None)
    return len(names) if names else None


def _classes(estimator: Any) -> list[Any] | None:
    """Return the classes; None for what is no classifier."""
    found = getattr(estimator, "classes_", None)
    if found is None or not len(found) or getattr(estimator, "_estimator_type", None) == "regressor":
        return None
    if isinstance(found, list) and hasattr(found[0], "shape") and found[0].shape:
        raise ValueError("the model predicts several outputs, and mlgate judges one")
    return _answers.plain(found)


def _split(estimator: Any) -> tuple[list[Any], Any]:
    """Return the transformers before the last step, pipelines within pipelines unfolded, and that step."""
    steps = getattr(estimator, "steps", None)
    if not isinstance(steps, list):
        return [], estimator
    before = [one for _, one in steps[:-1] if one is not None and one != "passthrough"]
    further, last = _split(steps[-1][1])
    return [*before, *further], last


def _coding(estimator: Any) -> Callable[[pa.Table], dict[int, list[Any]]] | None:
    """Return what tells the categories of a lone estimator of LightGBM or XGBoost: it codes them itself."""
    library = type(estimator).__module__.split(".")[0]
    if library == "xgboost" and hasattr(estimator, "get_booster"):
        known = _categories.of_xgboost(estimator.get_booster())
        return lambda _: known
    if library == "lightgbm" and hasattr(estimator, "booster_"):
        return _categories.OfLightGBM(estimator.booster_).known
    return None


# What was encoded how --------------------------------------------------------------------------------------


def _encoded(step: Any, names: list[str] | None) -> Iterator[tuple[str, list[Any]]]:
    """Yield the features that fitted encoders read, each with the categories that it was fitted on."""
    if isinstance(getattr(step, "steps", None), list):
        for _, one in step.steps:
            yield from _encoded(one, names)
            names = names if type(one).__name__ == "SimpleImputer" and _keeps_all(one, names) else None
    elif names is not None and hasattr(step, "transformers_"):
        for _, transformer, columns in step.transformers_:
            read = _read(columns, names, len(names))
            yield from _encoded(transformer, None if read is None else [names[one] for one in read])
    elif names is not None and hasattr(step, "categories_") and len(step.categories_) == len(names):
        for name, held in zip(names, step.categories_):  # noqa: B905 - Python 3.9
            yield name, list(held)


def _imputed(step: Any) -> Iterator[list[Any]]:
    """Yield [None] for each imputer that fills None, and not NaN."""
    below = [one[1] for one in getattr(step, "steps", None) or getattr(step, "transformers_", None) or ()]
    for one in below:
        yield from _imputed(one)
    if type(step).__name__ == "SimpleImputer" and step.missing_values is None:
        yield [None]


def _keeps_all(imputer: Any, names: list[str] | None) -> bool:
    return names is not None and _made_by_imputer(imputer, len(names)) == list(range(len(names)))


def _kind(held: list[Any]) -> str | None:
    """Return the kind of column that an encoder was fitted on: what it does not know, it may pass by."""
    known = [one for one in held if one is not None and one == one]  # noqa: PLR0124 - NaN is not itself
    if known and all(isinstance(one, str) for one in known):
        return "string"
    numbers = known and all(hasattr(one, "__float__") and not isinstance(one, str) for one in known)
    return "number" if numbers else None


def _null_is_none(categories: list[list[Any]]) -> bool:
    """Whether encoders were fitted on texts whose nulls are None; to them NaN is an unknown category.

    Raises:
        ValueError: Some were fitted on None and some on NaN.
    """
    texts = [held for held in categories if _kind(held) != "number"]
    none = any(one is None for held in texts for one in held)
    nan = any(isinstance(one, float) and one != one for held in texts for one in held)  # noqa: PLR0124 - NaN
    if none and nan:
        raise ValueError("the model was fitted on None as well as on NaN, so it is not clear which a null is")
    return none


# Which column was made of which ----------------------------------------------------------------------------


def _made(step: Any, names: list[str] | None, width: int) -> list[int] | None:  # noqa: PLR0911 - a list of kinds
    """Return for each column that a fitted transformer makes the place of the one that it was made of."""
    name = type(step).__name__
    if not type(step).__module__.startswith("sklearn."):
        return None
    if name in _ONE_TO_ONE:
        return list(range(width))
    if name == "Pipeline":
        return _made_in_turn(step, names, width)
    if name == "ColumnTransformer":
        return _made_side_by_side(step, names, width)
    if name == "OneHotEncoder":
        return _repeated(getattr(step, "_n_features_outs", None), width)
    if name == "KBinsDiscretizer":
        bins = [1] * width if step.encode == "ordinal" else [int(one) for one in step.n_bins_]
        return _repeated(bins, width)
    if name == "SimpleImputer":
        return _made_by_imputer(step, width)
    if name == "TargetEncoder":
        return list(range(width)) if len(step.encodings_) == width else None
    if hasattr(step, "get_support"):
        return [int(one) for one in step.get_support(indices=True)]
    return list(range(width)) if name == "FunctionTransformer" and step.func is None else None


def _repeated(counts: Any, width: int) -> list[int] | None:
    if counts is None or len(counts) != width:
        return None
    return [place for place, count in enumerate(counts) for _ in range(int(count))]


def _made_by_imputer(step: Any, width: int) -> list[int]:
    dropped: list[int] = []
    if not getattr(step, "keep_empty_features", False) and step.strategy != "constant":
        dropped = [place for place in range(width) if step.statistics_[place] != step.statistics_[place]]
    kept = [place for place in range(width) if place not in dropped]
    flagged = [int(one) for one in step.indicator_.features_] if getattr(step, "add_indicator", False) else []
    return kept + flagged


def _made_in_turn(pipeline: Any, names: list[str] | None, width: int) -> list[int] | None:
    places = list(range(width))
    for _, step in pipeline.steps:
        if step is None or step == "passthrough":
            continue
        made = _made(step, names, len(places))
        if made is None:
            return None
        places, names = [places[one] for one in made], None
    return places


def _made_side_by_side(step: Any, names: list[str] | None, width: int) -> list[int] | None:
    slices = step.output_indices_
    total = max((one.stop for one in slices.values()), default=0)
    places: list[int | None] = [None] * total
    for name, transformer, columns in step.transformers_:
        taken = slices.get(name)
        if taken is None or taken.stop == taken.start:
            continue
        read = _read(columns, names, width)
        if read is None:
            return None
        below = [names[one] for one in read] if names is not None else None
        made = (
            list(range(len(read))) if transformer == "passthrough" else _made(transformer, below, len(read))
        )
        if made is None or len(made) != taken.stop - taken.start:
            return None
        places[taken] = [read[one] for one in made]
    return None if any(one is None for one in places) else [one for one in places if one is not None]


def _read(columns: Any, names: list[str] | None, width: int) -> list[int] | None:
    """Return the places of the columns that one part of a ColumnTransformer reads."""
    import numpy as np

    if isinstance(columns, slice):
        whole = columns.start is None or isinstance(columns.start, int)
        return list(range(width))[columns] if whole else None
    given = np.asarray([columns] if isinstance(columns, (str, int)) else list(columns))
    if not given.size:
        return []
    if given.dtype.kind == "b":
        return [int(one) for one in np.flatnonzero(given)]
    if given.dtype.kind in "iu":
        return [int(one) % width for one in given]
    texts = [str(one) for one in given]
    if names is None or not set(texts) <= set(names):
        return None
    return [names.index(one) for one in texts]


# Threads and versions --------------------------------------------------------------------------------------


def _bound_threads(estimator: Any, threads: int) -> None:
    """Have every step that would start threads or processes start no more than allowed."""
    if not hasattr(estimator, "get_params") or not hasattr(estimator, "set_params"):
        return
    with contextlib.suppress(Exception):  # some classes break scikit-learn's rules for parameters
        given = estimator.get_params(deep=True)
        asked = [
            name
            for name, value in given.items()
            if name.rsplit("__", 1)[-1] == "n_jobs" and value is not None
        ]
        if asked:
            estimator.set_params(**dict.fromkeys(asked, threads))


def _threaded() -> Any:
    """Return a context in which joblib uses threads: the child may start no process.

    How many is left to each step: one that asks for none goes on without a pool, which costs a call on one
    row more than the model itself, and adds up a forest in the same order each time.
    """
    if "joblib" not in sys.modules:
        return contextlib.nullcontext()
    import joblib

    if hasattr(joblib, "parallel_config"):
        return joblib.parallel_config(backend="threading")
    return joblib.parallel_backend("threading", n_jobs=None)


def _library(estimator: Any) -> str:
    """Return the library that the model itself is of, with its version."""
    _, last = _split(estimator)
    root = type(last).__module__.split(".")[0]
    name = {"sklearn": "scikit-learn"}.get(root, root)
    version = getattr(sys.modules.get(root), "__version__", "")
    return f"{name} {version}".strip()


def _sklearn() -> str:
    return str(getattr(sys.modules.get("sklearn"), "__version__", "unknown"))


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])
