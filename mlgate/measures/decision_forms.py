"""Metrics of decisions as functions of the confusion of label and prediction, many tables at once.

Each is the value of the measure of the same name, which property tests hold it to, in a form that a bootstrap
and a numerical derivative can call thousands of times. NaN where the measure has no value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from mlgate.measures.metrics import Metric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Form: TypeAlias = "Callable[[Floats], Floats]"
"""From confusions, weights by label and prediction, shape (tables, classes, classes), to (tables,) values."""

STEP = 1e-5
"""Share of the table's weight by which a cell is moved for a derivative; the error goes with its square."""

CHUNK = 2**20
"""Numbers that are held at once while derivatives are taken."""


def form_of(metric: Metric, names: tuple[str, ...], table: Floats) -> Form | None:
    """Return the form of a metric on tables like this one; None for a metric without one.

    `names` are those of the classes of a multiclass table, empty for a binary one. Averages are over the
    classes that are a label or a prediction somewhere in `table`, of shape (classes, classes).
    """
    labelled = table.sum(axis=1) > 0.0
    occurring = labelled | (table.sum(axis=0) > 0.0)
    if metric.measure.id in _RATES:
        rate, outside = _RATES[metric.measure.id]
        how = metric.params["average"] or ("macro" if names else "binary")
        return partial(_average, rate, how, occurring, outside)
    if metric.measure.id == "performance.cohen_kappa":
        distances = _distances(metric.params["weights"], names, len(occurring))
        return None if distances is None else partial(_kappa, distances)
    if metric.measure.id == "performance.expected_cost":
        return partial(_cost, float(metric.params["fp_cost"]), float(metric.params["fn_cost"]))
    if metric.measure.id == "performance.balanced_accuracy":
        return partial(_balanced_accuracy, labelled)
    if metric.params.get("metric") not in (None, "accuracy"):  # a skill by another loss
        return None
    return _PLAIN.get(metric.measure.id)


def derivative(form: Form, table: Floats) -> Floats:
    """Return the derivative of a form in the weight of each cell of one table, shape (classes, classes)."""
    import numpy as np

    size = table.size
    step = STEP * float(table.sum())
    found = np.empty(size)
    at_once = max(1, CHUNK // size)
    for start in range(0, size, at_once):
        places = np.arange(start, min(start + at_once, size))
        moved = np.zeros((len(places), size))
        moved[np.arange(len(places)), places] = step
        shape = (len(places), *table.shape)
        up, down = (form(table + sign * moved.reshape(shape)) for sign in (1.0, -1.0))
        found[places] = (up - down) / (2.0 * step)
    return found.reshape(table.shape)


def _accuracy(tables: Floats) -> Floats:
    return _ratio(_right(tables), _total(tables))


def _balanced_accuracy(labelled: NDArray[np.bool_], tables: Floats) -> Floats:
    return _mean(_recall(tables)[:, labelled])


def _mcc(tables: Floats) -> Floats:
    """Gorodkin's 2004 for several classes."""
    import numpy as np

    total, labelled, predicted = _total(tables), tables.sum(axis=2), tables.sum(axis=1)
    together = _right(tables) * total - (labelled * predicted).sum(axis=1)
    alone = (total**2 - (labelled**2).sum(axis=1)) * (total**2 - (predicted**2).sum(axis=1))
    return _ratio(together, np.sqrt(np.maximum(alone, 0.0)))


def _kappa(distances: Floats, tables: Floats) -> Floats:
    labelled, predicted = tables.sum(axis=2), tables.sum(axis=1)
    seen = (tables * distances).sum(axis=(1, 2))
    chance = ((labelled @ distances) * predicted).sum(axis=1)
    return 1.0 - _ratio(seen * _total(tables), chance)


def _cost(fp_cost: float, fn_cost: float, tables: Floats) -> Floats:
    return _ratio(fp_cost * tables[:, 0, 1] + fn_cost * tables[:, 1, 0], _total(tables))


def _versus_commonest(tables: Floats) -> Floats:
    wrong = 1.0 - _accuracy(tables)
    return 1.0 - _ratio(wrong, 1.0 - _ratio(tables.sum(axis=2).max(axis=1), _total(tables)))


def _average(rate: Form, how: str, occurring: NDArray[np.bool_], outside: bool, tables: Floats) -> Floats:
    import numpy as np

    if how == "binary":
        return np.asarray(rate(tables)[:, 1], dtype=float)
    if how == "micro":
        classes, right = int(occurring.sum()), _accuracy(tables)
        return (classes - 2.0 + right) / (classes - 1.0) if outside else right
    rates = rate(tables)[:, occurring]
    if how == "macro":
        return _mean(rates)
    share = _ratio(tables.sum(axis=2), _total(tables)[:, None])[:, occurring]
    return np.asarray(np.where(share != 0.0, rates * share, 0.0).sum(axis=1), dtype=float)


def _recall(tables: Floats) -> Floats:
    return _ratio(_diagonal(tables), tables.sum(axis=2))


def _precision(tables: Floats) -> Floats:
    return _ratio(_diagonal(tables), tables.sum(axis=1))


def _f1(tables: Floats) -> Floats:
    return _ratio(2.0 * _diagonal(tables), tables.sum(axis=1) + tables.sum(axis=2))


def _specificity(tables: Floats) -> Floats:
    return _ratio(_outside(tables), _total(tables)[:, None] - tables.sum(axis=2))


def _npv(tables: Floats) -> Floats:
    return _ratio(_outside(tables), _total(tables)[:, None] - tables.sum(axis=1))


_RATES: Mapping[str, tuple[Form, bool]] = {
    "performance.recall": (_recall, False),
    "performance.precision": (_precision, False),
    "performance.f1": (_f1, False),
    "performance.specificity": (_specificity, True),
    "performance.npv": (_npv, True),
}
"""The rate of each class, and whether it is about the rows of the others."""

_PLAIN: Mapping[str, Form] = {
    "performance.accuracy": _accuracy,
    "performance.mcc": _mcc,
    "performance.versus_dummy": _versus_commonest,
}


def _distances(weights: str, names: tuple[str, ...], size: int) -> Floats | None:
    """Return how far classes lie apart, in [0, 1]; None where their names have no order."""
    import numpy as np

    if weights == "none":
        return np.asarray(1.0 - np.eye(size))
    try:
        values = [float(name) for name in names] or list(range(size))
    except ValueError:
        return None
    rank = np.empty(size)
    rank[np.argsort(np.array(values), kind="stable")] = np.arange(size)
    apart = np.abs(rank[:, None] - rank[None, :]) / max(size - 1.0, 1.0)
    return np.asarray(apart if weights == "linear" else apart**2, dtype=float)


def _ratio(a: Any, b: Any) -> Floats:
    """Return a / b, NaN over zero."""
    import numpy as np

    top, bottom = np.broadcast_arrays(np.asarray(a, dtype=float), np.asarray(b, dtype=float))
    found: Floats = np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom != 0.0)
    return found


def _mean(rates: Floats) -> Floats:
    """Return the mean over classes."""
    import numpy as np

    return np.asarray(rates.mean(axis=1), dtype=float)


def _diagonal(tables: Floats) -> Floats:
    import numpy as np

    return np.asarray(np.diagonal(tables, axis1=1, axis2=2), dtype=float)


def _right(tables: Floats) -> Floats:
    found: Floats = _diagonal(tables).sum(axis=1)
    return found


def _total(tables: Floats) -> Floats:
    found: Floats = tables.sum(axis=(1, 2))
    return found


def _outside(tables: Floats) -> Floats:
    """Return the weight that is neither labelled nor predicted each class."""
    inside: Floats = tables.sum(axis=1) + tables.sum(axis=2) - _diagonal(tables)
    return _total(tables)[:, None] - inside
