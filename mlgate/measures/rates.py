"""The rates that groups are compared by: what each counts, and among which rows.

They are quotients of counts, as fairlearn and scikit-learn define them; property tests hold them equal to
both. They are not called here because importing them takes seconds and counting takes none.
"""

from __future__ import annotations

from collections.abc import Mapping
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
