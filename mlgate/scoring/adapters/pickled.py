"""joblib and pickle files. Loading one executes what is in it, and is done only where that is trusted.

What comes out is an estimator, or a bare booster, which its own library's adapter takes over.
"""

from __future__ import annotations

import importlib.util
import os
import pickle
import sys
from typing import Any

import _estimator

_BOOSTERS = (
    ("xgboost", "core", "Booster"),
    ("lightgbm", "basic", "Booster"),
    ("catboost", "core", "CatBoost"),
)
"""Library, where its class is, and the class that has no interface of scikit-learn."""


def load(path: str, options: dict[str, Any]) -> Any:
    """Load whatever model is in the file.

    Raises:
        ValueError: A module that it needs is not here, another scikit-learn saved it, or it is no model.
    """
    try:
        with _estimator.loading():
            found = _unpickled(path)
    except ModuleNotFoundError as error:
        lacks = f"the file needs the module {error.name!r}, which is not here"
        raise ValueError(f"{lacks}; name an interpreter that has it under `model: python`") from None
    except (pickle.UnpicklingError, EOFError) as error:
        raise ValueError(f"the file is no whole pickle: {error}") from None
    except (AttributeError, ImportError, TypeError, KeyError) as error:
        fails = f"the file does not load here ({type(error).__name__}: {error})"
        raise ValueError(
            f"{fails}; name the interpreter that it was written with under `model: python`"
        ) from None
    for library, _, name in _BOOSTERS:
        if type(found).__name__ == name and type(found).__module__.split(".")[0] == library:
            return _adapter(library).of(found, options)
    if not _estimator.is_estimator(found):
        raise ValueError(f"the file holds a {type(found).__qualname__}, which has no `predict`")
    return _estimator.Estimator(found, options)


def _unpickled(path: str) -> Any:
    """Return the object: joblib reads its own files and every pickle, compressed ones too."""
    try:
        import joblib
    except ModuleNotFoundError:
        with open(path, "rb") as file:
            return pickle.load(file)  # noqa: S301 - the release and the policy trust this file
    return joblib.load(path)


def _adapter(name: str) -> Any:
    """Return the adapter beside this one, under the name that the child gives it."""
    unique = "mlgate_" + name
    if unique not in sys.modules:
        place = os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".py")
        spec = importlib.util.spec_from_file_location(unique, place)
        module = importlib.util.module_from_spec(spec)
        sys.modules[unique] = module
        spec.loader.exec_module(module)
    return sys.modules[unique]
