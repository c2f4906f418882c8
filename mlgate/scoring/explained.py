"""Attributions of a model that has no shap beside it, by the shap of the gate, which only asks the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mlgate.cells import Attributions, Explainer, Scores
from mlgate.errors import ModelFault

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray


def explain_outside(
    score: Callable[[pa.Table], Scores],
    rows: pa.Table,
    background: pa.Table,
    *,
    explainer: Explainer = "auto",
    seed: int = 0,
) -> Attributions:
    """Explain rows of a model that can only be asked, in the space of its numbers; as `Scorer.attribute`.

    Raises ModelFault where the explainer needs the inside of the model, and what `score` raises.
    """
    from mlgate.scoring import explain

    if explainer in ("tree", "linear"):
        what = f"the {explainer} explainer takes a model apart where it runs, and there is no shap"
        raise ModelFault("raised", f"{what}; use `explainer: auto`, or install shap beside the model")
    classified = False

    def numbers(asked: pa.Table) -> NDArray[np.float64]:
        nonlocal classified
        found = score(asked)
        classified = found.decided is not None
        return found.numbers

    found = explain.ask(numbers, rows, background, explainer, seed)
    return Attributions(
        values=found["values"],
        base=found["base"],
        explained=found["explained"],
        features=tuple(rows.column_names),
        method=found["method"],
        space="probability" if classified else "value",
    )
