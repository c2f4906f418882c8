"""Whether everybody whom the model decides against can be told why, by SHAP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from mlgate.cells import Answers, Columns, Explainer, Statistic
from mlgate.errors import PolicyError
from mlgate.estimates import Chart, Estimate, GroupEstimate, PrivateExample
from mlgate.intervals import proportion
from mlgate.measures import attribution, measure
from mlgate.measures.attribution import BACKGROUND, LISTED, NOTHING, ROWS, Explained
from mlgate.measures.named import present

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

POSITIVE = 1.0

SHOWN = 50
"""Decisions in the private example."""

MOST_REASONS = 10


@measure(
    id="explainability.reason_codes",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=("binary",),
    needs=("model", "features"),
    source="shap (Lundberg and Lee 2017); 12 CFR 1002.9(b)(2), statement of specific reasons; Wilson",
)
class ReasonCodes:
    """Share of adverse decisions for which the model yields its main reasons: 1 when each of them has some.

    A decision is adverse when it is not the one that people want (`favourable` of the release). Its reasons
    are the features whose SHAP values push it towards that decision, against `background` drawn rows, the
    strongest first. It counts as explained when there are at least `top` of them; features under `ignore`
    (one may not be told to anybody) are no reasons. How often each feature is among the first reasons stands
    in the report; the reasons of single decisions are in private/ only.
    """

    def __init__(
        self,
        *,
        top: int = 4,
        ignore: list[str] | None = None,
        rows: int = ROWS,
        background: int = BACKGROUND,
        explainer: Explainer = "auto",
        favourable: Literal["positive", "negative"] = "positive",
        seed: int = 0,
    ) -> None:
        """Declare the parameters: how many reasons, and how the model is explained."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the model and rows."""
        if not 1 <= params["top"] <= MOST_REASONS:
            todo = f"write a number from 1 to {MOST_REASONS}"
            raise PolicyError("params.top", f"is {params['top']}", todo)
        present(params["ignore"] or (), columns)
        return attribution.drawn(params, columns)

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Count reasons."""
        import numpy as np

        found = attribution.explained(cells, params)
        if isinstance(found, str):
            return Estimate.missing(found)
        decided = found.scorer.score(found.rows).decided
        if decided is None or not np.isfinite(decided).all():
            return Estimate.missing("the model does not decide about every one of these rows", n=found.n)
        adverse = np.flatnonzero((decided == POSITIVE) != (params["favourable"] == "positive"))
        if not len(adverse):
            return Estimate.missing(f"none of the {found.n} rows drawn is decided against", n=0)
        told = [name not in (params["ignore"] or ()) for name in found.of.features]
        if sum(told) < params["top"]:
            reason = f"the model has {sum(told)} features that could be told, fewer than {params['top']}"
            return Estimate.missing(reason, n=len(adverse))
        push = found.of.values[adverse, :, 0] * (-1.0 if params["favourable"] == "positive" else 1.0)
        reasons = [_reasons(one, told)[: params["top"]] for one in push]
        full = sum(len(one) >= params["top"] for one in reasons)
        share = proportion(full, len(adverse))
        frequent = _frequent(reasons, found.of.features)
        return Estimate(
            value=share.value,
            n=len(adverse),
            interval=share.interval,
            groups=tuple(
                GroupEstimate(
                    group={"column": name},
                    n=len(adverse),
                    value=count / len(adverse),
                    rate="among the reasons",
                    numerator=count,
                    denominator=len(adverse),
                    judged=False,
                )
                for name, count in frequent
            ),
            charts=(_bars(frequent, len(adverse), params["top"]),),
            private=(_private(found, adverse, reasons, params["top"]),),
        )


def _reasons(push: Floats, told: Sequence[bool]) -> list[int]:
    """Return the places of the features that push towards the decision, the strongest first."""
    least = NOTHING * float(abs(push).sum())
    pushing = [one for one in range(len(push)) if told[one] and push[one] > least]
    return sorted(pushing, key=lambda one: (-float(push[one]), one))


def _frequent(reasons: Sequence[Sequence[int]], names: Sequence[str]) -> list[tuple[str, int]]:
    counts = Counter(place for one in reasons for place in one)
    ranked = sorted(counts, key=lambda one: (-counts[one], one))
    return [(names[one], counts[one]) for one in ranked[:LISTED]]


def _bars(frequent: Sequence[tuple[str, int]], n: int, top: int) -> Chart:
    return Chart(
        kind="bars",
        title=f"Share of adverse decisions with this among the first {top} reasons",
        data={
            "feature": tuple(name for name, _ in frequent),
            "share": tuple(count / n for _, count in frequent),
        },
    )


def _private(
    explained: Explained, adverse: NDArray[np.int64], reasons: Sequence[Sequence[int]], top: int
) -> PrivateExample:
    """Show decisions with their reasons, those with the fewest first."""
    order = sorted(range(len(adverse)), key=lambda one: (len(reasons[one]), one))[:SHOWN]
    places = [int(adverse[one]) for one in order]
    aside, names = explained.aside, explained.of.features
    rows: dict[str, tuple[object, ...]] = {
        name: tuple(aside[name][one].as_py() for one in places) for name in aside.column_names
    }
    for rank in range(top):
        own = [reasons[one][rank] if rank < len(reasons[one]) else None for one in order]
        rows[f"reason {rank + 1}"] = tuple(None if one is None else names[one] for one in own)
        rows[f"value {rank + 1}"] = tuple(
            None if one is None else explained.rows.column(one)[place].as_py()
            for one, place in zip(own, places, strict=True)
        )
    return PrivateExample(title="Adverse decisions and their reasons", rows=rows)
