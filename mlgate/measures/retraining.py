"""What a model says against what the models say that its training command makes again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mlgate.cells import (
    Answers,
    Artifact,
    ArtifactFound,
    Columns,
    Drawn,
    DrawnRows,
    Loaded,
    ModelFound,
    Retrained,
    RetrainedFound,
    Scores,
    Statistic,
)
from mlgate.errors import PolicyError
from mlgate.estimates import Estimate, GroupEstimate
from mlgate.intervals.proportions import proportion
from mlgate.measures import measure
from mlgate.measures.perturbed import deviation
from mlgate.measures.recorded import require_positive, shown_difference

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NO_ROWS = "there are no rows with features to ask the models about"
_FEWEST_SEEDS, _MOST_SEEDS = 2, 20


@measure(
    id="reproducibility.retrain",
    kind="fact",
    unit="1",
    better="higher",
    needs=("model",),
    source="share of drawn rows on which the retrained model's numbers are within tolerance of the model's",
)
class Retrain:
    """Share of drawn rows on which the model that the training command makes again says the same.

    The command runs in a clean copy of the repository at the recorded commit, with the data that the release
    names, without a network, and with the stated seed in MLGATE_SEED. The model is taken out of the copy
    first. Rows count as the same when every number differs by at most `tolerance`, which is absolute. Whether
    the bytes are the same as well is told, and decides nothing: many formats hold the time of writing.
    """

    def __init__(
        self, *, tolerance: float = 1e-6, rows: int = 10_000, seconds: float = 600.0, seed: int = 0
    ) -> None:
        """Declare the parameters; the values come with each call.

        Args:
            tolerance: Largest difference of two numbers that are the same, in the unit of the prediction.
            rows: How many rows both models are asked about.
            seconds: How long the training may take.
            seed: Of the draw of the rows, not of the training.
        """

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for both models and for rows."""
        require_positive("reproducibility.retrain", params, "tolerance", zero=True)
        require_positive("reproducibility.retrain", params, "seconds")
        return [Loaded(), Artifact(), Retrained(None, params["seconds"]), *_rows_of(columns, params)]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Put the rows before both models."""
        model = cells.get(Loaded(), ModelFound)
        if model.scorer is None:
            return Estimate.missing(model.reason or "there is no model")
        asked = next(one for one in cells.of if isinstance(one, Retrained))
        again = cells.get(asked, RetrainedFound)
        if again.scorer is None:
            return Estimate.missing(again.reason or "the training command made no model")
        rows = _drawn(cells)
        if rows is None:
            return Estimate.missing(_NO_ROWS)
        bytes_same = again.sha256 is not None and again.sha256 == cells.get(Artifact(), ArtifactFound).sha256
        told = {
            "commit": (again.commit or "")[:12],
            "rows": f"{rows.table.num_rows} of {rows.of}",
            "bytes": "the same" if bytes_same else "others",
            "isolation": again.facts.get("isolation", ""),
            **({"left out": again.facts["left out"][:300]} if "left out" in again.facts else {}),
        }
        first, second = model.scorer.facts, again.scorer.facts
        if (first.features, first.classes) != (second.features, second.classes):
            reason = "the retrained model has other features or classes"
            line = GroupEstimate(group=told, n=rows.table.num_rows, value=0.0, rate="same", reason=reason)
            return Estimate(value=0.0, n=rows.table.num_rows, groups=(line,))
        return _compared(model.scorer.score(rows.table), again.scorer.score(rows.table), params, told)


def _compared(one: Scores, other: Scores, params: Mapping[str, Any], told: Mapping[str, str]) -> Estimate:
    import numpy as np

    n = len(one)
    if one.numbers.shape != other.numbers.shape:
        what = f"the retrained model gives {other.numbers.shape[1]} numbers a row"
        line = GroupEstimate(group=told, n=n, value=0.0, rate="same", reason=what)
        return Estimate(value=0.0, n=n, groups=(line,))
    gap = np.abs(one.numbers - other.numbers)
    difference = np.where(np.isfinite(gap), gap, np.inf).max(axis=1)
    matching = int((difference <= params["tolerance"]).sum())
    reason: str | None = None
    if matching < n:
        largest = shown_difference(difference.max())
        reason = f"{n - matching} of {n} rows differ, the largest difference is {largest}"
        if one.decided is not None and other.decided is not None:
            reason += f"; {int((one.decided != other.decided).sum())} decisions differ"
    line = GroupEstimate(
        group=told,
        n=n,
        value=matching / n,
        rate="same",
        numerator=float(matching),
        denominator=float(n),
        reason=reason,
    )
    return Estimate(value=matching / n, n=n, groups=(line,))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seeded:
    """One retrained model against the one that is judged."""

    seed: int
    differs: NDArray[np.bool_]


@measure(
    id="robustness.retrain_variance",
    kind="estimate",
    unit="1",
    better="lower",
    needs=("model",),
    source=(
        "ambiguity: share of rows on which a retrained model decides otherwise than the judged one "
        "(Marx, Calmon and Ustun 2020, Predictive multiplicity in classification); Wilson interval over rows"
    ),
)
class RetrainVariance:
    """Share of rows on which a model trained with another seed decides otherwise than the judged one.

    The training command is run once for each of `seeds`, as for `reproducibility/retrain`, with the seed in
    MLGATE_SEED or in place of `{seed}` in the command. The value is the ambiguity over all of them; the lines
    give the share of each seed, the largest of which is the discrepancy. Numbers (regression, scores) count
    as decided otherwise when they differ by more than `band` times the standard deviation of the judged
    model's predictions. The interval is over the rows, given these seeds: further seeds can only add.
    """

    def __init__(
        self,
        *,
        seeds: list[int] | None = None,
        rows: int = 2000,
        band: float = 0.1,
        seconds: float = 600.0,
        seed: int = 0,
    ) -> None:
        """Declare the parameters; the values come with each call.

        Args:
            seeds: The seeds of the trainings; 1, 2 and 3 where none are given.
            rows: How many rows the models are asked about.
            band: For numbers, the difference that counts, in standard deviations of the predictions; by their
                middle half where that says less, so that a few wild ones hide nothing.
            seconds: How long each training may take.
            seed: Of the draw of the rows.
        """

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the models and for rows."""
        seeds = _seeds(params)
        require_positive("robustness.retrain_variance", params, "band", zero=True)
        require_positive("robustness.retrain_variance", params, "seconds")
        again = [Retrained(one, params["seconds"]) for one in seeds]
        return [Loaded(), *_rows_of(columns, params), *again]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Put the rows before all of the models."""
        import numpy as np

        model = cells.get(Loaded(), ModelFound)
        if model.scorer is None:
            return Estimate.missing(model.reason or "there is no model")
        drawn = _drawn(cells)
        if drawn is None:
            return Estimate.missing(_NO_ROWS)
        rows = drawn.table
        judged = model.scorer.score(rows)
        found = []
        for seed in _seeds(params):
            again = cells.get(Retrained(seed, params["seconds"]), RetrainedFound)
            if again.scorer is None:
                return Estimate.missing(f"seed {seed}: {again.reason}")
            if model.scorer.facts.classes != again.scorer.facts.classes:
                return Estimate.missing(f"seed {seed}: the retrained model has other classes")
            differs = _decided_otherwise(judged, again.scorer.score(rows), params["band"])
            if isinstance(differs, str):
                return Estimate.missing(differs)
            found.append(_Seeded(seed=seed, differs=differs))
        n = rows.num_rows
        any_differs = np.logical_or.reduce([one.differs for one in found])
        share = proportion(float(any_differs.sum()), float(n))
        lines = tuple(_seed_line(one, n) for one in found)
        return Estimate(value=float(any_differs.sum()) / n, n=n, interval=share.interval, groups=lines)


def _seed_line(one: _Seeded, n: int) -> GroupEstimate:
    k = float(one.differs.sum())
    return GroupEstimate(
        group={"training seed": str(one.seed)},
        n=n,
        value=k / n,
        rate="decided_otherwise",
        numerator=k,
        denominator=float(n),
        interval=proportion(k, float(n)).interval,
    )


def _decided_otherwise(judged: Scores, again: Scores, band: float) -> NDArray[np.bool_] | str:
    """Return for each row whether two models decide otherwise, or why that cannot be told."""
    import numpy as np

    if judged.decided is not None and again.decided is not None:
        if not (np.isfinite(judged.decided).all() and np.isfinite(again.decided).all()):
            return "a model decides nothing for some rows: its numbers are not finite"
        return np.asarray(judged.decided != again.decided)
    first, second = judged.numbers[:, 0], again.numbers[:, 0]
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        return "a model gives numbers that are not finite"
    spread = deviation(first)
    if spread == 0:
        return "the judged model predicts one number for all rows, so that no difference has a scale"
    return np.asarray(np.abs(first - second) > band * spread)


def _seeds(params: Mapping[str, Any]) -> list[int]:
    """Return the seeds of the trainings; PolicyError when they are too few, too many or the same."""
    seeds = [1, 2, 3] if params["seeds"] is None else sorted(params["seeds"])
    fit = _FEWEST_SEEDS <= len(seeds) <= _MOST_SEEDS and all(one < other for one, other in pairwise(seeds))
    if not fit or seeds[0] < 0:
        raise PolicyError(
            "params of robustness.retrain_variance",
            f"seeds is {params['seeds']}",
            f"give {_FEWEST_SEEDS} to {_MOST_SEEDS} different whole numbers, none below 0",
        )
    return seeds


def _rows_of(columns: Columns, params: Mapping[str, Any]) -> list[Statistic]:
    """Ask for rows as the model is given them; for nothing where it has no features."""
    return [Drawn(columns.features, params["rows"], params["seed"])] if columns.features else []


def _drawn(cells: Answers) -> DrawnRows | None:
    """Return the rows; None where there are none."""
    asked = next((one for one in cells.of if isinstance(one, Drawn)), None)
    found = None if asked is None else cells.get(asked, DrawnRows)
    return None if found is None or found.table.num_rows == 0 else found
