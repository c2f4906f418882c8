"""What the measures of a binary model share: which cells count, and the four counts of its decisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlgate.cells import Cells
from mlgate.estimates import Chart
from mlgate.intervals import Proportion, proportion
from mlgate.measures.rates import NEGATIVE, POSITIVE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BINARY = ("binary",)
"""The tasks of these measures so far."""


def counted(cells: Cells) -> Cells:
    """Return the cells that weigh something: a row of weight 0 is in no library's metric either."""
    weighs = cells.w > 0.0
    return cells if weighs.all() else cells.take(weighs)


def unusable(cells: Cells, *, classes: bool = False) -> str | None:
    """Say why nothing can be computed from `cells`; None when something can.

    With `classes`, both labels have to occur. Missing values are caught here again although the scan
    reports them as a fault, because a comparison with NaN would drop a row without a word.
    """
    import numpy as np

    if cells.rows == 0:
        return "the table has no rows that count"
    for role, values in cells.roles.items():
        missing = int(cells.n[~np.isfinite(values)].sum())
        if missing:
            return f"the {role} of {missing} of {cells.rows} rows is missing or not finite"
    if classes:
        label = cells.roles["label"]
        for value, name in ((POSITIVE, "positive"), (NEGATIVE, "negative")):
            if not (label == value).any():
                return f"no row is labelled {name}, and both classes are needed"
    return None


def improbable(cells: Cells) -> str | None:
    """Say that scores are no probabilities; None when all lie in [0, 1]."""
    score = cells.roles["score"]
    outside = int(cells.n[(score < 0.0) | (score > 1.0)].sum())
    if not outside:
        return None
    low, high = score.min(), score.max()
    return f"{outside} of {cells.rows} scores lie outside [0, 1]: min {low:g}, max {high:g}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """Rows of a kind, with their sum of weights and of squared weights."""

    rows: int
    w: float
    w2: float

    def __add__(self, other: Count) -> Count:
        return Count(rows=self.rows + other.rows, w=self.w + other.w, w2=self.w2 + other.w2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Confusion:
    """The four counts of label against prediction."""

    tp: Count
    fp: Count
    fn: Count
    tn: Count

    @property
    def positives(self) -> Count:
        """Rows labelled positive."""
        return self.tp + self.fn

    @property
    def negatives(self) -> Count:
        """Rows labelled negative."""
        return self.tn + self.fp

    @property
    def total(self) -> Count:
        """All rows."""
        return self.positives + self.negatives

    def rates(self) -> tuple[Proportion, Proportion, Proportion]:
        """Return prevalence, true-positive and true-negative rate, which are independent of each other."""
        return (
            share(self.positives, self.total),
            share(self.tp, self.positives),
            share(self.tn, self.negatives),
        )

    def chart(self) -> Chart:
        """Return the four counts as data for a picture, in rows."""
        parts = {
            ("positive", "positive"): self.tp,
            ("positive", "negative"): self.fn,
            ("negative", "positive"): self.fp,
            ("negative", "negative"): self.tn,
        }
        return Chart(
            kind="confusion",
            title="Rows by label and prediction",
            data={
                "label": tuple(label for label, _ in parts),
                "prediction": tuple(prediction for _, prediction in parts),
                "rows": tuple(float(part.rows) for part in parts.values()),
                "weight": tuple(part.w for part in parts.values()),
            },
        )


def confusion(cells: Cells) -> Confusion:
    """Count label against prediction; the cells may hold a combination several times."""
    label, prediction = cells.roles["label"] == POSITIVE, cells.roles["prediction"] == POSITIVE
    return Confusion(
        tp=_count(cells, label & prediction),
        fp=_count(cells, ~label & prediction),
        fn=_count(cells, label & ~prediction),
        tn=_count(cells, ~label & ~prediction),
    )


def share(hits: Count, among: Count) -> Proportion:
    """Return `hits` as a share of `among`, at Kish's n of the denominator."""
    return proportion(hits.w, among.w, w2_sum=among.w2)


def _count(cells: Cells, mask: NDArray[np.bool_]) -> Count:
    return Count(rows=int(cells.n[mask].sum()), w=float(cells.w[mask].sum()), w2=float(cells.w2[mask].sum()))
