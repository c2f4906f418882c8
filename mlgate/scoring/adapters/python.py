"""A Python function of the release: `python:package.module:function`.

The function is given a pandas.DataFrame of the features, or a pyarrow.Table where its first parameter is
annotated so, and never no rows. It returns, for n rows:

- binary: n numbers, the probability of the positive class; or n x 2, that of each class;
- multiclass: n x k, the probability of each class, in the order of the classes, or a named column each;
- regression and scores: n numbers.

It may say more of itself in attributes: `features` (the names it reads, in order), `classes`, and
`outputs = "decisions"` where it returns n of its classes instead of probabilities.
"""

from __future__ import annotations

import importlib
import inspect
import math
import os
import platform
import sys
import typing
from typing import Any, Callable

if typing.TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_SORTS = {"b": "booleans", "c": "complex numbers", "U": "texts", "S": "bytes"}
"""What arrays that hold no real numbers hold."""


class WrongAnswer(ValueError):
    """What a function returned is no answer; the message is about its shape, and holds no value of a row."""

    about_answer = True


def load(path: str, options: dict[str, Any]) -> Function:  # noqa: ARG001 - `root` is the path here
    """Import the function that `options` name: `module`, `function`, and `root`, under which it must lie."""
    module, name = options["module"], options["function"]
    where = f"{module}:{name}"
    function = getattr(_import(module, options.get("root")), name, None)
    if function is None:
        raise ValueError(f"{where}: the module {module} has no {name}")
    if not callable(function) or inspect.isclass(function):
        raise ValueError(f"{where} is no function")
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise ValueError(f"{where} is a coroutine or a generator, not a plain function")
    return Function(function, where, options)


def _import(name: str, root: str | None) -> Any:
    """Import a module; with a root it must come from there, not from another of the same name."""
    if root is None:
        return importlib.import_module(name)
    sys.dont_write_bytecode = True  # the root may only be read
    sys.path.insert(0, root)
    module = importlib.import_module(name)
    file = os.path.realpath(getattr(module, "__file__", None) or os.devnull)
    if not file.startswith(os.path.realpath(root) + os.sep):
        raise ValueError(
            f"the module {name} is another one, not that of the release; rename the release's own"
        )
    return module


class Function:
    """A function as a model."""

    width = None
    types = None

    def __init__(self, function: Callable[..., Any], where: str, options: dict[str, Any]) -> None:
        self._call, self._where = function, where
        self._as_table = _wants_table(function, where)
        self._classifies = options.get("task") in ("binary", "multiclass")
        self.features = _names(getattr(function, "features", None), f"{where}.features")
        self.classes = self._declared_classes(options) if self._classifies else None
        self.outputs = self._declared_outputs()
        self._positive = self._place_of_positive(options)
        self.library = f"Python {platform.python_version()}"
        self.kind = f"{function.__module__}.{getattr(function, '__qualname__', type(function).__qualname__)}"

    def predict(self, rows: pa.Table) -> np.ndarray:
        """Call the function, and accept of its answer only what leaves nothing to guess."""
        import _rows

        given = rows if self._as_table else _rows.frame(rows)
        index = range(rows.num_rows) if self._as_table else given.index.copy()
        answer = self._array(self._call(given), index)
        if answer.ndim not in (1, 2) or len(answer) != rows.num_rows:
            raise WrongAnswer(f"{self._where} returned shape {answer.shape} for {rows.num_rows} rows")
        if answer.ndim > 1 and answer.shape[1] == 1:
            answer = answer[:, 0]
        return self._decisions(answer) if self.outputs == "decisions" else self._numbers(answer)

    def native(self) -> None:
        """Return None: a function shows nothing of its inside."""

    def _declared_classes(self, options: dict[str, Any]) -> list[Any]:
        given = getattr(self._call, "classes", None)
        given = options.get("classes") if given is None else given
        if given is None and options.get("task") == "binary":
            given = [0, 1]
        if given is None:
            raise ValueError(f"{self._where} does not say its classes; give it an attribute `classes`")
        classes = [one.item() if hasattr(one, "item") else one for one in given]
        plain = all(isinstance(one, (str, int, float, bool)) for one in classes)
        if not plain or len({_comparable(one) for one in classes}) != len(classes) or len(classes) == 1:
            raise ValueError(f"{self._where}.classes are not two or more different texts or numbers")
        if options.get("task") == "binary" and len(classes) != 2:  # noqa: PLR2004 - binary
            raise ValueError(f"{self._where}.classes: a binary model has 2, not {len(classes)}")
        return classes

    def _declared_outputs(self) -> str:
        usual = "probabilities" if self._classifies else "values"
        outputs = getattr(self._call, "outputs", usual)
        if outputs != usual and not (self._classifies and outputs == "decisions"):
            known = '"probabilities" or "decisions"' if self._classifies else '"values"'
            raise ValueError(f"{self._where}.outputs is {outputs!r}, not {known}")
        return str(outputs)

    def _place_of_positive(self, options: dict[str, Any]) -> int:
        """Return the class of which a binary function tells the probability: the release's positive one."""
        if options.get("task") != "binary" or self.classes is None or options.get("positive") is None:
            return 1
        classes = [_comparable(one) for one in self.classes]
        if _comparable(options["positive"]) not in classes:
            raise ValueError(f"{self._where}.classes lack {options['positive']!r}, the positive one")
        return classes.index(_comparable(options["positive"]))

    def _array(self, answer: Any, index: Any) -> np.ndarray:
        """Return what the function gave as an array, or say why it is none."""
        import numpy as np
        import pandas as pd
        import pyarrow as pa

        if isinstance(answer, (pa.Array, pa.ChunkedArray, pa.Table)):
            answer = answer.to_pandas()
        if isinstance(answer, (pd.Series, pd.DataFrame)):
            return self._from_pandas(answer, pd.Index(index))
        if not isinstance(answer, (list, tuple)) and not hasattr(answer, "__array__"):
            raise WrongAnswer(f"{self._where} returned {type(answer).__name__}, not one number for each row")
        try:
            return np.asarray(answer)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{self._where} returned what is no array of numbers ({error})") from None

    def _from_pandas(self, answer: Any, index: Any) -> np.ndarray:
        """Return a Series or a DataFrame in the order of the rows and of the classes."""
        import numpy as np
        import pandas as pd

        if len(answer) == len(index) and not answer.index.equals(index):
            # Sorted or grouped rows are in another order, and an index of ids cannot be told from one.
            raise WrongAnswer(
                f"{self._where} returned another index than its rows have; return `.to_numpy()`"
            )
        if answer.ndim == 1:
            return _column(answer)
        named = not isinstance(answer.columns, pd.RangeIndex) and answer.shape[1] > 1
        if self.classes is not None and named:
            places = {_comparable(name): place for place, name in enumerate(answer.columns)}
            if len(places) != answer.shape[1] or set(places) != {_comparable(one) for one in self.classes}:
                named_so = f"the columns {list(answer.columns)}"
                raise WrongAnswer(f"{self._where} returned {named_so}, not its classes {self.classes}")
            answer = answer.iloc[:, [places[_comparable(one)] for one in self.classes]]
        columns = [_column(answer.iloc[:, place]) for place in range(answer.shape[1])]
        return np.column_stack(columns) if columns else np.empty((len(answer), 0))

    def _numbers(self, answer: np.ndarray) -> np.ndarray:
        import numpy as np

        if answer.dtype.kind not in "iuf":
            sort = _SORTS.get(answer.dtype.kind, "objects")
            todo = '; say `outputs = "decisions"` if it decides' if self._classifies else ""
            raise WrongAnswer(f"{self._where} returned {sort}, not numbers{todo}")
        numbers = np.ascontiguousarray(answer, dtype=np.float64)
        wanted = 1 if self.classes is None else len(self.classes)
        if numbers.ndim > 1 and numbers.shape[1] != wanted:
            raise WrongAnswer(f"{self._where} returned {numbers.shape[1]} columns, not {wanted}")
        if numbers.ndim > 1 or self.classes is None:
            return numbers
        if wanted > 2:  # noqa: PLR2004 - binary
            raise WrongAnswer(
                f"{self._where} returned one number a row, not one for each of {wanted} classes"
            )
        columns = [1.0 - numbers, numbers]
        return np.column_stack(columns if self._positive == 1 else columns[::-1])

    def _decisions(self, answer: np.ndarray) -> np.ndarray:
        import numpy as np

        if answer.ndim > 1:
            raise WrongAnswer(f"{self._where} returned {answer.shape[1]} columns, not one class a row")
        known = {_comparable(one): place for place, one in enumerate(self.classes or ())}
        given = answer.tolist()
        places = {one: known.get(_comparable(one)) for one in dict.fromkeys(given)}
        strange = [one for one, place in places.items() if place is None]
        if strange:
            raise ValueError(f"{self._where} returned {str(strange[0])[:80]!r}, which is none of its classes")
        return np.asarray([places[one] for one in given], dtype=np.int64)


def _wants_table(function: Callable[..., Any], where: str) -> bool:
    """Whether the first parameter is annotated as a pyarrow.Table, in whatever way that is written."""
    import pyarrow as pa

    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # what is written in C may not say
        return False
    if not parameters:
        raise ValueError(f"{where} takes no rows")
    first = next(iter(parameters.values()))
    try:
        said = typing.get_type_hints(function).get(first.name)
    except Exception:  # noqa: BLE001 - an annotation may name what is not there
        said = first.annotation
    return said is pa.Table or said in ("pa.Table", "pyarrow.Table")


def _names(given: Any, where: str) -> list[str] | None:
    if given is None:
        return None
    names = list(given)
    if isinstance(given, str) or not names or not all(isinstance(one, str) for one in names):
        raise ValueError(f"{where} are not a list of names")
    if len(set(names)) != len(names):
        raise ValueError(f"{where} hold a name twice")
    return names


def _comparable(value: Any) -> Any:
    """Return what is equal for the values that mean the same class: 1, 1.0, "1" and true."""
    text = str(value)
    if text.lower() in ("true", "false"):
        return float(text.lower() == "true")
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def _column(series: Any) -> np.ndarray:
    import numpy as np
    from pandas.api import types

    numeric = types.is_numeric_dtype(series.dtype) and not types.is_complex_dtype(series.dtype)
    if numeric and not types.is_bool_dtype(series.dtype):
        return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))
    return np.asarray(series)
