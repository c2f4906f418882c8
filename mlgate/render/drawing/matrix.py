"""A confusion matrix: counts, and each row's shares as steps of shade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlgate.render import numbers
from mlgate.render.drawing.series import Data, texts

STEPS = 9
"""Steps of shade, 0 for nothing of the row to `STEPS` for all of it."""

MOST = 14
"""Classes of a matrix that is drawn."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MatrixCell:
    """One cell: rows, as a share of its label's rows, and the step of its shade."""

    rows: str
    share: str
    step: int
    right: bool
    """Whether label and prediction are the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Matrix:
    """Labels down, predictions across, in one order."""

    labels: tuple[str, ...]
    predictions: tuple[str, ...]
    totals: tuple[str, ...]
    cells: tuple[tuple[MatrixCell, ...], ...]


def confusion(data: Data) -> Matrix | None:
    """Lay counts out with labels down and predictions across; None when they make no matrix."""
    if any(name not in data for name in ("label", "prediction", "rows")):
        return None
    counts: dict[tuple[str, str], float] = {}
    lined = zip(texts(data["label"]), texts(data["prediction"]), data["rows"], strict=False)
    for label, prediction, rows in lined:
        if isinstance(rows, str) or rows is None or rows < 0 or (label, prediction) in counts:
            return None
        counts[label, prediction] = float(rows)
    labels = list(dict.fromkeys(label for label, _ in counts))
    predictions = list(dict.fromkeys(prediction for _, prediction in counts))
    if set(predictions) <= set(labels):
        predictions = labels
    if not labels or max(len(labels), len(predictions)) > MOST:
        return None
    totals = {label: sum(counts.get((label, other), 0.0) for other in predictions) for label in labels}
    return Matrix(
        labels=tuple(labels),
        predictions=tuple(predictions),
        totals=tuple(numbers.count(totals[label]) for label in labels),
        cells=tuple(_line(label, predictions, counts, totals[label]) for label in labels),
    )


def _line(
    label: str, predictions: Sequence[str], counts: dict[tuple[str, str], float], total: float
) -> tuple[MatrixCell, ...]:
    found = []
    for other in predictions:
        rows = counts.get((label, other), 0.0)
        share = rows / total if total else 0.0
        found.append(
            MatrixCell(
                rows=numbers.count(rows),
                share=_share(rows, total),
                step=max(round(share * STEPS), 1) if rows else 0,
                right=label == other,
            )
        )
    return tuple(found)


def _share(rows: float, total: float) -> str:
    """Write a share to one place, and never as none or all of it when it is not."""
    if not rows or not total:
        return ""
    text = f"{100 * rows / total:.1f}"
    if text == "0.0":
        return "< 0.1 %"
    return "> 99.9 %" if text == "100.0" and rows < total else f"{text} %"
