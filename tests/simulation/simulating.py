"""Drawn tables, and how often a decision or an interval is right on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from mlgate.cells import Answers, Cells, ChampionRoles, Columns, Counts, Task
from mlgate.estimates import Estimate, Interval
from mlgate.measures import Measure, catalogue

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEVEL = 0.95
"""Nominal, two-sided, of the intervals whose coverage is looked at."""

RATES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995)
SIZES = (200, 500, 1000, 2000, 5000)

SURE = 0.999
"""One-sided, of what Monte-Carlo error may explain."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """So many of the draws."""

    hits: int
    draws: int

    @property
    def value(self) -> float:
        """The share."""
        return self.hits / self.draws

    def may_be_at_most(self, share: float) -> bool:
        """Whether the true share may be no more than this: a binomial test at `SURE`."""
        return self.hits <= binom.ppf(SURE, self.draws, share)

    def may_be_at_least(self, share: float) -> bool:
        """Whether the true share may be no less than this."""
        return self.hits >= binom.ppf(1.0 - SURE, self.draws, share)


def counted(found: Iterable[bool]) -> Share:
    """Count how many are true."""
    every = [bool(one) for one in found]
    return Share(hits=sum(every), draws=len(every))


def covered(
    intervals: Iterable[Interval | None], truth: float, *, slack: float = 1e-12, level: float = LEVEL
) -> Share:
    """Count the intervals that hold the truth; where there is none, nothing is claimed and none counted."""
    known = [one.at(level) for one in intervals if one is not None]
    return counted(low - slack <= truth <= high + slack for low, high in known)


def covered_by_counts(counts: Any, interval: Callable[..., Interval | None], truth: float) -> Share:
    """As `covered`, of the interval of each row of counts; equal ones are computed once."""
    found, times = np.unique(np.asarray(counts), axis=0, return_counts=True)
    hits = draws = 0
    for one, count in zip(found.tolist(), times.tolist(), strict=True):
        share = covered([interval(*one)], truth)
        hits += share.hits * count
        draws += share.draws * count
    return Share(hits=hits, draws=draws)


def cells(
    roles: Mapping[str, Any],
    n: Any,
    *,
    groups: Mapping[str, Any] | None = None,
    w: Any = None,
    w2: Any = None,
    clusters: Any = None,
) -> Cells:
    """Return cells of `n` rows each; those without a row are left out."""
    rows = np.asarray(n, dtype=np.int64)
    seen = rows > 0
    weighted = w is not None
    weight = np.asarray(w if weighted else rows, dtype=float)
    return Cells(
        roles={name: np.asarray(values, dtype=float)[seen] for name, values in roles.items()},
        groups={name: np.asarray(values, dtype=object)[seen] for name, values in (groups or {}).items()},
        n=rows[seen],
        w=weight[seen],
        w2=(np.asarray(w2, dtype=float) if weighted else weight)[seen],
        weighted=weighted,
        clusters=None if clusters is None else np.asarray(clusters)[seen],
    )


def rows(**roles: Any) -> Cells:
    """Return cells of one row each."""
    return cells(roles, np.ones(len(next(iter(roles.values()))), dtype=np.int64))


GATE = {"min_group": 30, "seed": 0, "favourable": "positive"}
"""What the gate gives to measures that ask for it."""

KINDS = {"label": [1, 0, 1, 0], "prediction": [1, 1, 0, 0]}
"""True positives, false positives, false negatives, true negatives."""


def decisions(*counts: int) -> Cells:
    """Return the cells of a confusion, in the order of `KINDS`."""
    return cells(KINDS, counts)


def draws_of(n: int) -> int:
    """Return how many tables of counts to draw: more where many are equal, and where methods are weakest."""
    return 20000 if n <= SIZES[0] else 3000


@cache
def measure_of(name: str) -> Measure:
    """Return a measure by id."""
    return catalogue()[name]


def asked(name: str, given: Cells, *, task: Task = "binary", **params: Any) -> Estimate:
    """Ask a measure as the gate does: plan, cells, value."""
    measure = measure_of(name)
    given_by_gate = {name: one for name, one in GATE.items() if name in measure.injected}
    every = {**{key: one.default for key, one in measure.params.items()}, **given_by_gate, **params}
    return measure.value(Answers({_planned(measure, task, given.clusters is not None, every): given}), every)


def _planned(measure: Measure, task: Task, clustered: bool, params: Mapping[str, Any]) -> Counts:
    columns = Columns(
        names=(),
        types={},
        task=task,
        label="label",
        prediction="prediction",
        score=None if task == "regression" else "score",
        cluster="cluster" if clustered else None,
        champion=ChampionRoles(score=None if task == "regression" else "old", prediction="said"),
    )
    (planned,) = measure.plan(params, columns)
    assert isinstance(planned, Counts)
    return planned


def auc_scores(rng: np.random.Generator, auc: float, label: Floats) -> Floats:
    """Draw scores, standard normal, shifted for positives so that the area under the curve is `auc`."""
    from scipy.special import ndtri

    return np.asarray(rng.normal(size=len(label)) + np.sqrt(2.0) * ndtri(auc) * label)


def show(title: str, head: Sequence[str], lines: Iterable[Sequence[Any]]) -> None:
    """Print a table, for `pytest -s`."""
    said = [tuple(head), *(tuple(_said(one) for one in line) for line in lines)]
    width = [max(len(line[i]) for line in said) for i in range(len(head))]
    print(f"\n{title}")  # noqa: T201
    for line in said:
        print("  " + "  ".join(one.ljust(size) for one, size in zip(line, width, strict=True)))  # noqa: T201


def _said(one: Any) -> str:
    if isinstance(one, Share):
        return f"{one.value:.1%}"
    return f"{one:.1%}" if isinstance(one, float) else str(one)


def grid() -> Iterator[tuple[float, int]]:
    """Yield every rate with every size."""
    for p in RATES:
        for n in SIZES:
            yield p, n
