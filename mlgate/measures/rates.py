"""The rates that groups are compared by: what each counts, among which rows, and whose function it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RateName: TypeAlias = Literal[
    "selection_rate",
    "unselected_rate",
    "accuracy",
    "error_rate",
    "true_positive_rate",
    "false_negative_rate",
    "true_negative_rate",
    "false_positive_rate",
    "precision",
    "false_discovery_rate",
    "negative_predictive_value",
    "false_omission_rate",
]

POSITIVE, NEGATIVE = 1.0, 0.0
"""How label and prediction come back encoded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """A share of rows: those that `counts` says, among those that `given` says."""

    name: RateName
    among: str
    """What the denominator is made of, in the plural: `rows`, `positives`, `predicted positives`."""
    given: tuple[str, float] | None
    """Role and value that put a row into the denominator; None: every row."""
    counts: tuple[str, float] | Literal["agree", "differ"]
    """Role and value that put it into the numerator, or whether label and prediction agree."""

    @property
    def words(self) -> str:
        """Return the name as a sentence has it: `true-positive rate`."""
        return {
            "true_positive_rate": "true-positive rate",
            "false_negative_rate": "false-negative rate",
            "true_negative_rate": "true-negative rate",
            "false_positive_rate": "false-positive rate",
        }.get(self.name, self.name.replace("_", " "))

    def denominator(self, roles: Mapping[str, NDArray[np.float64]]) -> NDArray[np.bool_]:
        """Return which cells the rate is taken among."""
        import numpy as np

        if self.given is None:
            return np.ones(len(roles["prediction"]), dtype=bool)
        role, value = self.given
        found: NDArray[np.bool_] = roles[role] == value
        return found

    def numerator(self, roles: Mapping[str, NDArray[np.float64]]) -> NDArray[np.bool_]:
        """Return which cells count towards the rate."""
        if isinstance(self.counts, str):
            agree: NDArray[np.bool_] = roles["label"] == roles["prediction"]
            return self.denominator(roles) & (agree if self.counts == "agree" else ~agree)
        role, value = self.counts
        hit: NDArray[np.bool_] = roles[role] == value
        return self.denominator(roles) & hit

    def library(self) -> Callable[..., float]:
        """Return the field's own function: `f(y_true, y_pred, *, sample_weight)` on labels 0 and 1."""
        return _LIBRARY[self.name]()


def _rate(
    name: RateName,
    among: str,
    given: tuple[str, float] | None,
    counts: tuple[str, float] | Literal["agree", "differ"],
) -> tuple[RateName, Rate]:
    return name, Rate(name=name, among=among, given=given, counts=counts)


RATES: Mapping[RateName, Rate] = dict(
    (
        _rate("selection_rate", "rows", None, ("prediction", POSITIVE)),
        _rate("unselected_rate", "rows", None, ("prediction", NEGATIVE)),
        _rate("accuracy", "rows", None, "agree"),
        _rate("error_rate", "rows", None, "differ"),
        _rate("true_positive_rate", "positives", ("label", POSITIVE), ("prediction", POSITIVE)),
        _rate("false_negative_rate", "positives", ("label", POSITIVE), ("prediction", NEGATIVE)),
        _rate("true_negative_rate", "negatives", ("label", NEGATIVE), ("prediction", NEGATIVE)),
        _rate("false_positive_rate", "negatives", ("label", NEGATIVE), ("prediction", POSITIVE)),
        _rate("precision", "predicted positives", ("prediction", POSITIVE), ("label", POSITIVE)),
        _rate("false_discovery_rate", "predicted positives", ("prediction", POSITIVE), ("label", NEGATIVE)),
        _rate(
            "negative_predictive_value", "predicted negatives", ("prediction", NEGATIVE), ("label", NEGATIVE)
        ),
        _rate("false_omission_rate", "predicted negatives", ("prediction", NEGATIVE), ("label", POSITIVE)),
    )
)


def _fairlearn(name: str) -> Callable[[], Callable[..., float]]:
    def load() -> Callable[..., float]:
        from fairlearn import metrics

        found: Callable[..., float] = getattr(metrics, name)
        return found

    return load


def _sklearn(name: str, **fixed: object) -> Callable[[], Callable[..., float]]:
    def load() -> Callable[..., float]:
        from sklearn import metrics

        function = getattr(metrics, name)

        def metric(y_true: object, y_pred: object, *, sample_weight: object = None) -> float:
            return float(function(y_true, y_pred, sample_weight=sample_weight, **fixed))

        return metric

    return load


def _complement(name: str, **fixed: object) -> Callable[[], Callable[..., float]]:
    """One minus a rate of scikit-learn, for the rates that have no function of their own there."""

    def load() -> Callable[..., float]:
        of = _sklearn(name, **fixed)()

        def metric(y_true: object, y_pred: object, *, sample_weight: object = None) -> float:
            return 1.0 - of(y_true, y_pred, sample_weight=sample_weight)

        return metric

    return load


def _unselected() -> Callable[..., float]:
    from fairlearn.metrics import selection_rate

    def unselected_rate(y_true: object, y_pred: object, *, sample_weight: object = None) -> float:
        return float(selection_rate(y_true, y_pred, pos_label=NEGATIVE, sample_weight=sample_weight))

    return unselected_rate


_LIBRARY: Mapping[RateName, Callable[[], Callable[..., float]]] = {
    "selection_rate": _fairlearn("selection_rate"),
    "unselected_rate": _unselected,
    "accuracy": _sklearn("accuracy_score"),
    "error_rate": _sklearn("zero_one_loss"),
    "true_positive_rate": _fairlearn("true_positive_rate"),
    "false_negative_rate": _fairlearn("false_negative_rate"),
    "true_negative_rate": _fairlearn("true_negative_rate"),
    "false_positive_rate": _fairlearn("false_positive_rate"),
    "precision": _sklearn("precision_score", pos_label=1),
    "false_discovery_rate": _complement("precision_score", pos_label=1),
    "negative_predictive_value": _sklearn("precision_score", pos_label=0),
    "false_omission_rate": _complement("precision_score", pos_label=0),
}
