"""How often two models decide otherwise, whichever is right, and how often a right decision gets lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from mlgate.cells import Answers, Cells, Columns, Counts, Statistic
from mlgate.errors import PolicyError
from mlgate.estimates import Estimate, GroupEstimate
from mlgate.intervals import clustered_share
from mlgate.measures import measure
from mlgate.measures.binary import counted, unusable
from mlgate.measures.joint import CHAMPION
from mlgate.measures.multiclass import CLASSES
from mlgate.measures.performance import cohen_kappa

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]

OTHER = f"{CHAMPION}prediction"

LONELY = "no interval: its rows come from one cluster, which shows nothing of how clusters differ"


@measure(
    id="compare.negative_flips",
    kind="estimate",
    unit="1",
    better="lower",
    tasks=CLASSES,
    needs=("label", "prediction", "champion"),
    clusters=True,
    source="Yan et al. 2021, Positive-congruent training: negative flip rate",
)
class NegativeFlips:
    """Share of rows that the champion decides right and the model wrong.

    `among` all is the share of all rows, the negative flip rate; champion-right that of the rows which the
    champion decides right. Wilson's interval. Two models of equal accuracy may each be right where the other
    is wrong; whoever relied on a right decision notices.
    """

    def __init__(self, *, among: Literal["all", "champion-right"] = "all") -> None:
        """Declare the parameter: of which rows the share is taken."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for label and both decisions."""
        del params
        return [Counts(roles=("label", "prediction", OTHER), clustered=columns.cluster is not None)]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Count the rows that got worse."""
        seen = _seen(cells)
        if isinstance(seen, Estimate):
            return seen
        import numpy as np

        label, own, other = (seen.roles[role] for role in ("label", "prediction", OTHER))
        was, now = other == label, own == label
        among = was if params["among"] == "champion-right" else np.ones(len(label), dtype=bool)
        if not seen.n[among].sum():
            return Estimate.missing("the champion decides no row right", n=seen.rows)
        parts = {"champion right, model wrong": was & ~now, "champion wrong, model right": ~was & now}
        return _share(seen, was & ~now, among, parts)


@measure(
    id="compare.churn",
    kind="estimate",
    unit="1",
    better="lower",
    tasks=(*CLASSES, "regression"),
    needs=("prediction", "champion"),
    clusters=True,
    source="Milani Fard et al. 2016, Launch and iterate: reducing prediction churn",
)
class Churn:
    """Share of rows that the model decides otherwise than the champion, right or wrong.

    Of a regression, of rows whose prediction moved by more than `more_than`, in the unit of the label, which
    then has to be given. Wilson's interval; no label is needed.
    """

    def __init__(self, *, more_than: Annotated[float, Field(ge=0)] | None = None) -> None:
        """Declare the parameter: how far a number may move, for a regression."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for both predictions. Raises PolicyError where `more_than` is missing, or has no meaning."""
        number = columns.task == "regression"
        if number is (params["more_than"] is None):
            what = "a regression needs `more_than`" if number else "`more_than` is for a regression"
            todo = "add params: {more_than: ...}, in the unit of the label" if number else "remove it"
            raise PolicyError("params.more_than", f"{what}: how far a prediction may move", todo)
        return [Counts(roles=("prediction", OTHER), clustered=columns.cluster is not None)]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Count the rows that changed."""
        seen = _seen(cells)
        if isinstance(seen, Estimate):
            return seen
        import numpy as np

        moved = np.abs(seen.roles["prediction"] - seen.roles[OTHER])
        changed = moved > (0.0 if params["more_than"] is None else params["more_than"])
        return _share(seen, changed, np.ones(len(changed), dtype=bool), {})


@measure(
    id="compare.agreement",
    kind="estimate",
    unit="1",
    better="higher",
    tasks=CLASSES,
    needs=("prediction", "champion"),
    clusters=True,
    source="Cohen 1960; scikit-learn, cohen_kappa_score and accuracy_score of both predictions",
)
class Agreement:
    """How far the decisions of both models agree, whichever is right.

    `statistic` kappa is Cohen's: agreement beyond what the shares of the classes alone would give, in
    [-1, 1]; share is that of the rows decided alike. Intervals as for performance/cohen-kappa, and Wilson's.
    Kappa is missing where a model always decides for one class.
    """

    def __init__(self, *, statistic: Literal["kappa", "share"] = "kappa") -> None:
        """Declare the parameter."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for both decisions."""
        del params
        return [Counts(roles=("prediction", OTHER), clustered=columns.cluster is not None)]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return kappa of one model's decisions against the other's, or the share."""
        seen = _seen(cells)
        if isinstance(seen, Estimate):
            return seen
        import numpy as np

        own, other = seen.roles["prediction"], seen.roles[OTHER]
        if params["statistic"] == "share":
            return _share(seen, own == other, np.ones(len(own), dtype=bool), {})
        constant = [
            name for name, values in (("model", own), ("champion", other)) if values.min() == values.max()
        ]
        if constant:
            reason = f"the {constant[0]} decides every row alike, and kappa needs several decisions"
            return Estimate.missing(reason, n=seen.rows)
        return _kappa(seen)


def _kappa(seen: Cells) -> Estimate:
    """Let the measure of label and prediction look at the champion's decision as the label."""
    roles = {"label": seen.roles[OTHER], "prediction": seen.roles["prediction"]}
    counts = Counts(roles=("label", "prediction"), clustered=seen.clusters is not None)
    found = cohen_kappa.value(Answers({counts: replace(seen, roles=roles)}), {"weights": "none"})
    return replace(found, charts=())


def _seen(cells: Answers) -> Cells | Estimate:
    """Return the cells that count; an estimate that says why where there is nothing to compare."""
    (asked,) = (one for one in cells.of if isinstance(one, Counts))
    seen = counted(cells.cells(asked))
    reason = unusable(seen)
    return seen if reason is None else Estimate.missing(reason, n=seen.rows)


def _share(seen: Cells, hits: Bools, among: Bools, parts: Mapping[str, Bools]) -> Estimate:
    """Return the share of some rows among others, with further shares of the same rows as its table."""
    shares = {
        name: clustered_share(mask & among, among, seen.w, seen.w2, seen.clusters)
        for name, mask in {"": hits, **parts}.items()
    }
    found = shares.pop("")
    rows = tuple(
        GroupEstimate(
            group={"rows": name},
            n=int(seen.n[parts[name] & among].sum()),
            value=share.value,
            interval=share.interval,
        )
        for name, share in shares.items()
    )
    if found.value is None:
        return Estimate.missing("the rows weigh nothing", n=seen.rows, groups=rows)
    reason = LONELY if found.interval is None else None
    n = int(seen.n[among].sum())
    return Estimate(value=found.value, n=n, interval=found.interval, reason=reason, groups=rows)
