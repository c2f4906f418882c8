"""A model whose numbers mean something: what measures hold when they ask one, wherever it runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, cast

from mlgate.cells import Attributions, Explainer, ModelFacts, ProcessCost, Scores
from mlgate.errors import ModelFault
from mlgate.strict_yaml import show

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from mlgate.scoring.raw import Raw

BATCH = 65_536
"""Rows that a model is given at once."""

ROUNDING = 1e-12
"""Of the largest attribution: less is none."""

SAME = 1e-6
"""By how much two answers may differ that are the same but for rounding."""

OFF = 1e-3
"""By how much probabilities may miss 1: those of 32 bits, summed, do by less."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """A model with the meaning of its numbers; a `Scorer`."""

    raw: Raw
    facts: ModelFacts
    order: tuple[int, ...] = ()
    """multiclass: the place in what the model gives of each of the facts' classes."""
    place: int | None = None
    """binary: the place of the positive class among the model's two; a model that gives one number gives the
    probability of the second. None where it names no classes: its number is then that of the positive one."""

    def score(self, rows: pa.Table) -> Scores:
        """Score rows that hold every feature by name, in batches.

        Raises ModelFault, and KeyError when a feature is not among the columns.
        """
        import numpy as np

        taken = rows.select(list(self.facts.features))
        parts = [self.raw.predict(taken.slice(start, BATCH)) for start in range(0, taken.num_rows, BATCH)]
        if not parts:
            raise ValueError("there are no rows to score")
        if len({part.shape[1] for part in parts}) > 1:
            raise ModelFault("answer", "it answers with more numbers for some rows than for others")
        return self._read(np.concatenate(parts))

    def attribute(
        self, rows: pa.Table, background: pa.Table, *, explainer: Explainer = "auto", seed: int = 0
    ) -> Attributions:
        """Explain rows against a background; with the shap of the gate where the model has none beside it."""
        names = list(self.facts.features)
        own, behind = rows.select(names), background.select(names)
        found = self.raw.attribute(own, behind, explainer=explainer, seed=seed)
        if found is None:
            from mlgate.scoring.explained import explain_outside

            return explain_outside(self.score, own, behind, explainer=explainer, seed=seed)
        turn = found.values.shape[2] > 1
        values, base, explained = found.values, found.base, found.explained
        if turn and self.place is not None:
            values, base, explained = (one[..., [self.place]] for one in (values, base, explained))
        elif turn and self.order:
            values, base, explained = (one[..., list(self.order)] for one in (values, base, explained))
        elif self.place == 0:
            values, base, explained = -values, -base, -explained
            if found.space == "probability":
                base, explained = 1.0 + base, 1.0 + explained
        self._require_told(values, own, behind)
        return Attributions(
            values=values,
            base=base,
            explained=explained,
            features=self.facts.features,
            method=found.method,
            space=cast("Literal['probability', 'log odds', 'value']", found.space),
        )

    def _require_told(self, values: NDArray[np.float64], rows: pa.Table, background: pa.Table) -> None:
        """Hold attributions that the model's own process computed against its answers.

        A feature without any attribution is one that the model does not look at: given other values of it, it
        has to answer the same. Else a model that executes code could say that it uses nothing forbidden.
        """
        import numpy as np

        if not np.isfinite(values).all():
            raise ModelFault("answer", "its attributions are not all finite numbers")
        sizes = np.abs(values).max(axis=(0, 2))
        unused = [place for place in range(rows.num_columns) if sizes[place] <= ROUNDING * sizes.max()]
        if not unused:
            return
        other = rows
        places = np.arange(rows.num_rows) % background.num_rows
        for place in unused:
            name = rows.column_names[place]
            other = other.set_column(place, name, background.column(place).take(places))
        if not np.allclose(self.score(rows).numbers, self.score(other).numbers, rtol=0.0, atol=SAME):
            names = ", ".join(show(rows.column_names[place]) for place in unused[:8])
            what = f"its attributions say that it does not use {names}, and its answers change with these"
            raise ModelFault("answer", what)

    def timed(self, rows: pa.Table, *, calls: int, warm_up: int) -> NDArray[np.float64]:
        """Return the seconds of each of `calls` calls on these rows, all at once, after `warm_up` others."""
        taken = rows.select(list(self.facts.features))
        return _timed(lambda: self.raw.predict(taken), calls, warm_up)

    def echoed(self, rows: pa.Table, *, calls: int, warm_up: int) -> NDArray[np.float64]:
        """Return the same for the way to the model and back, without the model."""
        taken = rows.select(list(self.facts.features))
        return _timed(lambda: self.raw.echo(taken), calls, warm_up)

    def cost(self) -> ProcessCost:
        """Return what its process has used so far."""
        return self.raw.cost()

    def afresh(self) -> Model:
        """Return the same model, newly started."""
        return replace(self, raw=self.raw.afresh())

    def close(self) -> None:
        """End its process."""
        self.raw.close()

    def _read(self, found: NDArray[np.float64]) -> Scores:
        import numpy as np

        if self.facts.task in ("regression", "scores"):
            _require_width(found, 1)
            return Scores(numbers=found, decided=None)
        if not self.facts.probabilities:
            found = _one_hot(found, max(len(self.order), 2))
        if self.facts.task == "binary":
            return self._read_binary(found)
        _require_width(found, len(self.order))
        numbers = found[:, list(self.order)]
        finite = ~np.isnan(numbers.sum(axis=1)) & ~np.isinf(numbers.sum(axis=1))
        best = np.argmax(np.where(finite[:, None], numbers, 0.0), axis=1).astype(np.float64)
        return Scores(numbers=numbers, decided=np.where(finite, best, np.nan))

    def _read_binary(self, found: NDArray[np.float64]) -> Scores:
        import numpy as np

        if self.place is None or found.shape[1] == 1:
            _require_width(found, 1)
            score = 1.0 - found if self.place == 0 else found
        else:
            _require_width(found, 2)
            _require_whole(found)
            score = found[:, [self.place]]
        decided = (score[:, 0] >= self.facts.threshold).astype(np.float64)
        return Scores(numbers=score, decided=np.where(np.isfinite(score[:, 0]), decided, np.nan))


def _require_width(found: NDArray[np.float64], due: int) -> None:
    if found.shape[1] != due:
        raise ModelFault("answer", f"it answers with {found.shape[1]} numbers a row where {due} are due")


def _require_whole(found: NDArray[np.float64]) -> None:
    """Refuse probabilities of two classes that do not add up to 1: only one of them is judged."""
    import numpy as np

    with np.errstate(invalid="ignore", over="ignore"):  # these are told of where scores are counted
        off = int((abs(found.sum(axis=1) - 1.0) > OFF).sum())
    if off:
        what = f"in {off} of {len(found)} rows its two probabilities do not add up to 1"
        raise ModelFault("answer", what)


def _one_hot(places: NDArray[np.float64], classes: int) -> NDArray[np.float64]:
    """Turn the places of classes into shape (n, classes); NaN where a place is none."""
    import numpy as np

    _require_width(places, 1)
    flat = places[:, 0]
    known = np.isin(flat, np.arange(classes))
    found: NDArray[np.float64] = np.equal.outer(flat, np.arange(classes)).astype(np.float64)
    found[~known] = np.nan
    return found


def _timed(call: Callable[[], object], calls: int, warm_up: int) -> NDArray[np.float64]:
    import numpy as np

    for _ in range(warm_up):
        call()
    seconds = np.empty(calls)
    for place in range(calls):
        started = time.perf_counter()
        call()
        seconds[place] = time.perf_counter() - started
    return seconds
