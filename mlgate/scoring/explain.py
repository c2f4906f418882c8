"""How much each feature adds to what a model says of a row, by shap. Runs beside the model, without mlgate.

Trees and linear models are taken apart, against a background (interventional SHAP, Janzing et al. 2020); any
other model is asked about rows in which features are exchanged for those of the background. What shap makes
of a model is held against what the model itself says: where the two do not add up (shap 0.51 knows nothing
of categorical splits), the model is asked instead.

Runs under any Python from 3.9 on: the standard library, numpy, pyarrow and shap.
"""

from __future__ import annotations

import contextlib
import importlib
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Predict = Callable[[pa.Table], Floats]

ADDS_UP = 1e-4
"""How far base and values together may miss what the model says, as a share of how much that varies."""

SURE = 1e-9
"""A probability this near to 0 or 1 has no log odds that could be held against anything."""

ASKED = 250_000
"""Rows that a model is asked about, at most, before the number of permutations is one."""

MOST_PERMUTATIONS = 10
"""What shap does by itself; one, there and back, is exact where no more than two features interact."""


class _Unexplained(Exception):
    """Shap cannot take this model apart, or takes it apart wrongly."""


def explain(
    model: Any, rows: pa.Table, background: pa.Table, explainer: str = "auto", seed: int = 0
) -> dict[str, Any]:
    """Explain rows against a background.

    Args:
        model: As adapters make it: `predict`, `native`, and `groups` where one-hot columns are to be put back
            together.
        rows: Of shape (n, p): the features, in the order of the model.
        background: Other rows of the same columns.
        explainer: `auto`, `tree`, `linear`, `permutation` or `kernel`.
        seed: Of the permutations.

    Returns:
        `values` of shape (n, p, k), `base` and `explained` of shape (n, k), `method` and `space`:
        "probability", "log odds" or "value". k is the number of classes; 1 for values, and for the log odds
        of the second of two classes.

    Raises:
        ValueError: This explainer cannot explain this model; says why.

    """
    told = _Told(model)
    refused = ""
    ways = {"auto": (_trees, _linear), "tree": (_trees,), "linear": (_linear,)}.get(explainer, ())
    native = model.native() if ways else None
    for way in ways if native is not None else ():
        try:
            return way(told, native, rows, background)
        except _Unexplained as error:
            refused = refused or str(error)
    if explainer in ("tree", "linear"):
        raise ValueError(
            refused or f"the model shows nothing of its inside that the {explainer} explainer takes"
        )
    found = ask(told, rows, background, explainer, seed)
    if refused:
        found["method"] += f"; {refused}"
    return {**found, "space": told.space}


def ask(
    predict: Predict, rows: pa.Table, background: pa.Table, explainer: str = "auto", seed: int = 0
) -> dict[str, Any]:
    """Explain a model that can only be asked, as `explain` does.

    `predict` gives shape (m, k) for m rows. Values of all types are handed to shap as their numbers in a list
    of the distinct ones, and looked up again before the model is asked.
    """
    import numpy as np

    shap = _shap()

    known = _Coded(rows, background)
    width, own = rows.num_columns, predict(rows)
    base = predict(background).mean(axis=0)

    def answer(codes: Floats) -> Floats:
        return predict(known.table(codes))

    with _seeded(seed):
        if explainer == "kernel":
            made = shap.KernelExplainer(answer, known.background)
            values = made.shap_values(known.rows, silent=True, l1_reg=False)
            values = np.stack(values, axis=-1) if isinstance(values, list) else np.asarray(values)
            method = "shap.KernelExplainer"
        else:
            turns = _permutations(rows.num_rows, width, background.num_rows)
            masker = shap.maskers.Independent(known.background, max_samples=background.num_rows)
            made = shap.PermutationExplainer(answer, masker, seed=seed)
            values = made(known.rows, max_evals=turns * (2 * width + 1), silent=True).values
            method = f"shap.PermutationExplainer ({turns} permutation{'s' if turns > 1 else ''})"
    return {
        "values": np.asarray(values, dtype=np.float64).reshape(rows.num_rows, width, own.shape[1]),
        "base": np.broadcast_to(base, own.shape),
        "explained": own,
        "method": method,
    }


def _permutations(rows: int, width: int, background: int) -> int:
    return int(min(max(ASKED // max(rows * (2 * width + 1) * background, 1), 1), MOST_PERMUTATIONS))


# What the model says ----------------------------------------------------------------------------------------


class _Told:
    """What a model says of rows, as floats of shape (n, k); a decision is 1 for its class."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.classified = bool(getattr(model, "classes", None)) and model.outputs != "values"
        self.space = "probability" if self.classified else "value"

    def __call__(self, rows: pa.Table) -> Floats:
        import numpy as np

        found = np.asarray(self.model.predict(rows), dtype=np.float64)
        if self.classified and self.model.outputs == "decisions":
            return np.asarray(found.reshape(-1, 1) == np.arange(len(self.model.classes)), dtype=np.float64)
        return found.reshape(rows.num_rows, -1)


class _Coded:
    """The values of both tables as numbers of the distinct ones, column by column."""

    def __init__(self, rows: pa.Table, background: pa.Table) -> None:
        import numpy as np
        import pyarrow as pa

        both = pa.concat_tables([rows, background])
        self._schema = both.schema
        encoded = [_encoded(column) for column in both.columns]
        self._distinct = [one.dictionary for one in encoded]
        codes = np.column_stack([one.indices.to_numpy(zero_copy_only=False) for one in encoded])
        codes = codes.astype(np.float64)
        self.rows, self.background = codes[: rows.num_rows], codes[rows.num_rows :]

    def table(self, codes: Floats) -> pa.Table:
        """Return the rows that codes stand for."""
        import numpy as np
        import pyarrow as pa

        places = np.asarray(codes).astype(np.int64)
        columns = [one.take(pa.array(places[:, place])) for place, one in enumerate(self._distinct)]
        return pa.Table.from_arrays(columns, schema=self._schema)


def _encoded(column: pa.ChunkedArray) -> Any:
    """Return a column as one array of numbers into its distinct values, null among them."""
    import pyarrow as pa
    from pyarrow import compute

    found = column.combine_chunks()
    whole = pa.concat_arrays(found.chunks) if isinstance(found, pa.ChunkedArray) else found
    return compute.dictionary_encode(whole, null_encoding="encode")


# What shap makes of its inside ------------------------------------------------------------------------------


def _trees(told: _Told, native: Any, rows: pa.Table, background: pa.Table) -> dict[str, Any]:
    """Explain with shap.TreeExplainer: probabilities where it can, else what the trees add up."""
    shap = _shap()

    inside, takes = native
    x, z = _matrix(takes(rows)), _matrix(takes(background))
    refused = ""
    two = told.classified and len(told.model.classes) == 2
    for output in ("probability", "raw") if two else ("raw",):
        try:
            made = shap.TreeExplainer(inside, z, feature_perturbation="interventional", model_output=output)
        except Exception as error:  # noqa: BLE001 - shap refuses models in many ways
            refused = _refused("TreeExplainer", error) if _is_of_trees(inside) else refused
            continue
        try:
            sided = _sided(z, made)
            if sided is not z:
                made = shap.TreeExplainer(
                    inside, sided, feature_perturbation="interventional", model_output=output
                )
            found = made.shap_values(_sided(x, made), check_additivity=False)
            return _added_up(told, found, rows, background, "shap.TreeExplainer (interventional)")
        except _Unexplained as error:
            refused = str(error)
        except Exception as error:  # noqa: BLE001 - as above
            refused = _refused("TreeExplainer", error)
    raise _Unexplained(refused)


def _is_of_trees(inside: Any) -> bool:
    named = type(inside).__module__ + "." + type(inside).__qualname__
    return any(word in named for word in ("Tree", "Forest", "Boost", "GB", "xgboost", "lightgbm", "catboost"))


def _linear(told: _Told, native: Any, rows: pa.Table, background: pa.Table) -> dict[str, Any]:
    """Explain with shap.LinearExplainer."""
    shap = _shap()

    inside, takes = native
    if not hasattr(inside, "coef_"):
        raise _Unexplained("")
    x, z = _matrix(takes(rows)), _matrix(takes(background))
    try:
        made = shap.LinearExplainer(inside, shap.maskers.Independent(z, max_samples=len(z)))
        found = made.shap_values(x)
    except Exception as error:  # noqa: BLE001 - shap refuses models in many ways
        raise _Unexplained(_refused("LinearExplainer", error)) from None
    return _added_up(told, found, rows, background, "shap.LinearExplainer (interventional)")


def _matrix(found: Any) -> Floats:
    """Return what the last step of a model takes as floats; shap knows no other types."""
    import numpy as np

    try:
        array = np.asarray(found.to_numpy() if hasattr(found, "to_numpy") else found)
        matrix = array.astype(np.float64)
    except (TypeError, ValueError):
        raise _Unexplained("shap's explainer of trees takes numbers, and the model takes texts") from None
    if matrix.ndim != 2:
        raise _Unexplained("shap's explainer of trees takes a matrix, and the model does not")
    return matrix


def _refused(explainer: str, error: Exception) -> str:
    said = " ".join(str(error).split())[:120]
    return f"shap.{explainer} refuses the model ({type(error).__name__}: {said})"


def _sided(x: Floats, made: Any) -> Floats:
    """Return x such that each value is on its own side of each threshold as 32 bits write the threshold.

    shap 0.51 rounds the thresholds of an interventional explanation to 32 bits; values of 64 bits that lie
    between a threshold and what it was rounded to go down the wrong side. They are moved by that much.
    """
    import numpy as np

    trees = made.model
    features, thresholds = np.asarray(trees.features).ravel(), np.asarray(trees.thresholds).ravel()
    inner = (np.asarray(trees.children_left).ravel() >= 0) & np.isfinite(thresholds)
    found = x
    for place in np.unique(features[inner]):
        exact = np.unique(thresholds[inner & (features == place)].astype(np.float64))
        rounded = exact.astype(np.float32).astype(np.float64)
        column = x[:, place]
        before = np.searchsorted(exact, column, side="left")
        after = np.searchsorted(rounded, column, side="left")
        wrong = (before != after) & np.isfinite(column)
        if wrong.any():
            found = x.copy() if found is x else found
            up = before > after
            above = np.nextafter(rounded[np.maximum(before - 1, 0)], np.inf)
            beneath = rounded[np.minimum(before, len(rounded) - 1)]
            found[wrong, place] = np.where(up, above, beneath)[wrong]
    return found


def _added_up(told: _Told, found: Any, rows: pa.Table, background: pa.Table, method: str) -> dict[str, Any]:
    """Put columns back together to features, and hold base and values against what the model says."""
    import numpy as np

    values = np.stack(found, axis=-1) if isinstance(found, list) else np.asarray(found, dtype=np.float64)
    values = values[..., None] if values.ndim == 2 else values
    values = _of_features(told, values, rows)
    own, base = told(rows), told(background).mean(axis=0)
    total, outputs = values.sum(axis=1), own.shape[1]
    ways = [(values, base, own, told.space)] if values.shape[2] == outputs else []
    if told.classified and values.shape[2] == 1 and outputs == 2:
        ways.append((np.concatenate([-values, values], axis=2), base, own, told.space))
    odds = _log_odds(own, total) if told.classified and told.model.outputs == "probabilities" else None
    if odds is not None:
        ways.append((values, _rest(odds, total), odds, "log odds"))
    for each, expected, explained, space in ways:
        if _adds_up(each, expected, explained):
            said = expected + each.sum(axis=1)
            return {
                "values": each,
                "base": np.broadcast_to(expected, said.shape),
                "explained": np.where(np.isfinite(explained), explained, said),
                "method": method,
                "space": space,
            }
    name = method.split(" ", maxsplit=1)[0]
    raise _Unexplained(f"{name} does not add up to what this model says")


def _of_features(told: _Told, values: Floats, rows: pa.Table) -> Floats:
    import numpy as np

    groups = getattr(told.model, "groups", None)
    places = groups(rows) if groups is not None else list(range(rows.num_columns))
    if places is None or len(places) != values.shape[1]:
        raise _Unexplained("it is not sure which columns inside the model are made of which feature")
    found = np.zeros((values.shape[0], rows.num_columns, values.shape[2]))
    for column, place in enumerate(places):
        found[:, place] += values[:, column]
    return found


def _log_odds(numbers: Floats, total: Floats) -> Floats | None:
    """Return the log odds of probabilities: of the second of two classes, or of each as far above their mean.

    Trees of several classes add up to logarithms of probabilities but for one number a row, which is taken
    from `total`. Where a probability is 0 or 1 they are NaN. None where `total` is about something else.
    """
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(numbers)
        if numbers.shape[1] == total.shape[1]:
            found = logs + (total - logs).mean(axis=1, keepdims=True)
            sure = numbers.min(axis=1) <= 0.0
        elif numbers.shape[1] == 2 and total.shape[1] == 1:
            found = logs[:, [1]] - logs[:, [0]]
            sure = numbers.min(axis=1) < SURE
        else:
            return None
    return np.where(sure[:, None], np.nan, found)


def _rest(odds: Floats, total: Floats) -> Floats:
    """Return the expected log odds: what the values leave of the log odds of every row alike."""
    import numpy as np

    rest = odds - total
    finite = np.isfinite(rest).all(axis=1)
    return np.median(rest[finite], axis=0) if finite.any() else np.full(rest.shape[1], np.nan)


def _adds_up(values: Floats, base: Floats, explained: Floats) -> bool:
    import numpy as np

    known = np.isfinite(explained).all(axis=1)
    if not known.any() or not np.isfinite(values).all() or not np.isfinite(base).all():
        return False
    gap = np.abs(base + values.sum(axis=1) - explained)[known].max()
    size = max(float(np.ptp(explained[known])), 1e-3 * float(np.abs(explained[known]).max()))
    return bool(gap <= ADDS_UP * size)


def _shap() -> Any:
    """Import shap without numba's compiler, which takes longer for its few loops than they take to run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries that shap draws with
        try:
            config = importlib.import_module("numba").config
        except ImportError:
            return importlib.import_module("shap")
        before, config.DISABLE_JIT = config.DISABLE_JIT, True
        try:
            return importlib.import_module("shap")
        finally:
            config.DISABLE_JIT = before


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed numpy's shared generator, which shap draws from, and give it back as it was."""
    import numpy as np

    before = np.random.get_state()  # noqa: NPY002 - it is the one that shap uses
    np.random.seed(seed % 2**32)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002
