"""Whether a classifier can tell rows of one table from rows of another: drift of all columns together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgate.cells import (
    Answers,
    Columns,
    ColumnType,
    On,
    Sample,
    SampledRows,
    Statistic,
)
from mlgate.errors import EvidenceError, PolicyError, Problem
from mlgate.estimates import Estimate, GroupEstimate
from mlgate.intervals import DeLong, delong
from mlgate.intervals.combined import MoverSum
from mlgate.measures import measure
from mlgate.measures.against import Against
from mlgate.measures.named import chosen, present

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NAME = "drift.multivariate"

FOLDS = 5
TREES = 60
LEAVES = 15
SMALLEST_LEAF = 30

NEEDED = 100
"""Rows of each table without which nothing can be told."""

MOST_ROWS = 100_000

CATEGORIES = 200
"""Values of a column that the classifier tells apart; rarer ones are one."""

OWN = 0.5
"""A column of texts in which more than this share of the drawn rows has a value of its own is of names."""

GUESSING = 0.5
"""The area under the curve of a classifier that knows nothing."""

SURELY = 0.99
"""Confidence with which an area below that of guessing is no chance."""

LISTED = 30
"""Columns that a finding lists."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Column:
    """A column of both tables together, judged rows first; arrays of shape (rows,)."""

    name: str
    values: Floats
    """Numbers, or codes of categories; NaN for missing."""
    categorical: bool


@dataclass(frozen=True, slots=True)
class CrossValidated:
    """The interval of a mean over folds, widened because the folds share most of their training rows.

    Nadeau and Bengio 2003, Inference for the generalization error: the variance of a mean over K folds is
    1 + K / (K - 1) times that of independent ones.
    """

    independent: MoverSum
    """The interval that the mean of independent folds would have."""

    @property
    def method(self) -> str:
        """`delong, cross-validated`."""
        return "delong, cross-validated"

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence`."""
        return self.independent.grown(1.0 / (1.0 + FOLDS / (FOLDS - 1.0))).at(confidence)

    def grown(self, factor: float) -> CrossValidated:
        """Return the interval of `factor` times the rows."""
        return CrossValidated(self.independent.grown(factor))


@measure(
    id=NAME,
    kind="estimate",
    unit="1",
    better="lower",
    source="sklearn.ensemble.HistGradientBoostingClassifier, cross-validated; Nadeau and Bengio 2003",
)
class Multivariate:
    """How well a classifier tells rows of both tables apart (AUC): 0.5 not at all, 1 each of them.

    Up to `rows` rows are drawn from each. Gradient-boosted trees are trained to say which table a row is
    from, on four fifths of the rows, and asked about the last fifth; five times over. The value is the mean
    of the five areas under the ROC curve. What each column shows by itself stands in the table, as the area
    under the curve of its values (numbers as they are, categories by their share in either table, learnt on
    the other rows).

    By default all features; keys, times, texts in which most rows have a value of their own, and columns with
    one value in both tables are left out and listed. Rows are taken as they are, without weights.

    The interval is DeLong's of the five areas, widened by Nadeau and Bengio's factor for folds that share
    most of their training rows. Of simulated pairs of tables without drift (200 to 1500 rows each) the 90 %
    interval held 0.5 in 93 to 96 %; without the factor in 72 to 78 %.

    Missing where the value is surely below 0.5: then rows are in both tables, which hides drift.
    """

    def __init__(
        self,
        *,
        columns: list[str] | None = None,
        ignore: list[str] | None = None,
        rows: int = 5_000,
        against: Against | None = None,
        seed: int = 0,
    ) -> None:
        """Declare the parameters: the columns, and rows to draw; the gate gives the other table and seed."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask both tables for rows."""
        against: Against = params["against"]
        if not NEEDED <= params["rows"] <= MOST_ROWS:
            todo = f"give a number from {NEEDED} to {MOST_ROWS}"
            raise PolicyError(f"params of {NAME}", f"rows is {params['rows']}", todo)
        names = _names(params, columns, against)
        if _incomparable(names, against) is not None:
            return [Sample(names, 1, params["seed"])]
        sample = Sample(names, params["rows"], params["seed"])
        return [sample, On(against.name, sample)]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Train and ask the classifier."""
        import numpy as np

        against: Against = params["against"]
        asked = next(one for one in cells.of if isinstance(one, Sample))
        reason = _incomparable(asked.columns, against)
        if reason is not None:
            return Estimate.missing(reason, n=cells.get(asked, SampledRows).of)
        here, there = cells.get(asked, SampledRows), cells.get(On(against.name, asked), SampledRows)
        n = here.rows + there.rows
        for where, drawn in (("the judged table", here), (f"table {against.name!r}", there)):
            if drawn.rows < NEEDED:
                return Estimate.missing(f"{where} has {drawn.rows} rows, fewer than {NEEDED}", n=n)
        columns, left_out = _columns(asked.columns, here, there)
        apart = (against.judged.key, against.judged.time)
        left_out |= {name: _APART for name in apart if name is not None and name not in asked.columns}
        lines = tuple(_left_out(name, why, n) for name, why in left_out.items())
        if not columns:
            return Estimate.missing("no column is left to tell the tables apart by", n=n, groups=lines)
        label = np.repeat([1.0, 0.0], [here.rows, there.rows])
        folds = np.concatenate(
            [np.arange(drawn.rows) % FOLDS for drawn in (here, there)]
        )  # in an order by chance
        masks = [folds == fold for fold in range(FOLDS)]
        parts = [
            _area(score, label[mask])
            for score, mask in zip(_scores(columns, label, masks, params["seed"]), masks, strict=True)
        ]
        alone = sorted((_alone(one, label, masks) for one in columns), key=_by_value)
        lines = (*alone[:LISTED], *lines)
        interval = CrossValidated(MoverSum(tuple(parts), (1.0 / FOLDS,) * FOLDS))
        if interval.at(SURELY)[1] < GUESSING:
            return Estimate.missing(f"{_SHARED} {against.name!r}; {_DIVIDE}", n=n, groups=lines)
        value = float(np.mean([part.auc for part in parts]))
        return Estimate(value=value, n=n, interval=interval, groups=lines)


_SHARED = (
    "the classifier is surely worse than guessing, as it is where it has learnt a row from one table and is "
    "asked about the same row of the other: rows of the judged table are also in"
)
_DIVIDE = "count them with leakage/row-overlap, and compare with other rows"

_APART = "left out: keys and times differ from table to table by what they are"


def _names(params: Mapping[str, Any], columns: Columns, against: Against) -> tuple[str, ...]:
    """Return the columns that are looked at; EvidenceError for one that the check names and a table lacks."""
    wanted = columns.features if params["columns"] is None else params["columns"]
    names = chosen(NAME, wanted, columns, ignore=params["ignore"] or ())
    if params["columns"] is not None:
        try:
            present(names, against.columns)
        except EvidenceError as error:
            where = f"table {against.name!r}"
            raise EvidenceError.of(
                Problem(one.where, one.what.replace("the table", where), one.todo) for one in error.problems
            ) from error
    return names


def _incomparable(names: Sequence[str], against: Against) -> str | None:
    """Say that a column is in one table only, or of another kind in the other; None when all are alike."""
    here, there = against.judged.types, against.columns.types
    for name in names:
        if name not in there:
            return f"table {against.name!r} has no column {name!r}; leave it out by `ignore`"
        kinds = _kind(here[name]), _kind(there[name])
        if kinds[0] != kinds[1]:
            todo = "have both read as one type (`types:` under `data:`)"
            return f"column {name!r} holds {kinds[0]}, and {kinds[1]} in table {against.name!r}; {todo}"
    return None


def _kind(kind: ColumnType) -> str:
    if kind in ("integer", "number", "boolean"):
        return "numbers"
    return "dates or times" if kind in ("date", "timestamp") else "texts"


def _columns(
    names: Sequence[str], here: SampledRows, there: SampledRows
) -> tuple[list[_Column], dict[str, str]]:
    """Put the rows of both tables together, and say which columns cannot serve, and why."""
    import numpy as np

    found, left_out = [], {}
    for name in names:
        values = np.concatenate([here.columns[name], there.columns[name]])
        texts = values.dtype == object
        codes = _codes(values) if texts else np.clip(values, -_LARGEST, _LARGEST)
        distinct = len(set(values.tolist())) if texts else len(np.unique(codes))  # NaN counts once
        if distinct == 1:
            left_out[name] = "left out: it has one value in both tables"
        elif texts and distinct > OWN * len(values):
            left_out[name] = "left out: most rows have a value of their own, which tells of no other row"
        else:
            found.append(_Column(name=name, values=codes, categorical=texts))
    return found, left_out


_LARGEST = 1e300
"""Infinite values count as this."""


def _codes(values: NDArray[Any]) -> Floats:
    """Number texts, the most frequent first; the rare ones share a number, missing ones are NaN."""
    import numpy as np

    listed = values.tolist()
    counts = Counter(value for value in listed if value is not None)
    ranked = sorted(counts, key=lambda value: (-counts[value], value))
    code = {value: float(min(place, CATEGORIES - 1)) for place, value in enumerate(ranked)}
    return np.array([np.nan if value is None else code[value] for value in listed], dtype=float)


def _scores(
    columns: Sequence[_Column], label: Floats, masks: Sequence[NDArray[np.bool_]], seed: int
) -> Iterator[Floats]:
    """Yield what a classifier that has not seen a fold says of its rows, in one thread.

    Sums of many threads come out in the order in which those happen to end.
    """
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    rows = np.column_stack([one.values for one in columns])
    for mask in masks:
        model = HistGradientBoostingClassifier(
            max_iter=TREES,
            max_leaf_nodes=LEAVES,
            min_samples_leaf=SMALLEST_LEAF,
            categorical_features=[one.categorical for one in columns],
            early_stopping=False,
            random_state=seed,
        )
        with threadpool_limits(limits=1):
            yield model.fit(rows[~mask], label[~mask]).predict_proba(rows[mask])[:, 1]


def _area(score: Floats, label: Floats) -> DeLong:
    """Return the area under the curve; both tables have rows in every fold."""
    import numpy as np

    ones = np.ones(len(label))
    found = delong(score, label, ones, ones)
    if found is None:
        raise AssertionError("a fold without rows of both tables")
    return found


def _alone(one: _Column, label: Floats, masks: Sequence[NDArray[np.bool_]]) -> GroupEstimate:
    """Return how well a column by itself tells the tables apart."""
    import numpy as np

    score = np.where(np.isnan(one.values), -np.inf, one.values)
    if one.categorical:
        score = np.zeros(len(label))
        codes = np.where(np.isnan(one.values), CATEGORIES, one.values).astype(np.int64)
        for mask in masks:
            own = np.bincount(codes[~mask], label[~mask], minlength=CATEGORIES + 1)
            rows = np.bincount(codes[~mask], minlength=CATEGORIES + 1)
            score[mask] = ((own + label.mean()) / (rows + 1.0))[codes[mask]]
    found = _area(score, label)
    if not one.categorical and found.auc < 0.5:  # noqa: PLR2004  chance: numbers may be lower as well as higher
        found = _area(-score, label)
    return GroupEstimate(
        group={"column": one.name},
        n=len(label),
        value=found.auc,
        rate="alone",
        interval=found,
        reason="no better than chance" if found.auc <= 0.5 else None,  # noqa: PLR2004  as above
    )


def _by_value(line: GroupEstimate) -> tuple[float, str]:
    return -(line.value or 0.0), line.group["column"]


def _left_out(name: str, why: str, rows: int) -> GroupEstimate:
    return GroupEstimate(group={"column": name}, n=rows, value=None, judged=False, reason=why)
