"""How well a protected attribute can be told from the features: what stands in for it, and how much."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mlgate.cells import UNKNOWN, Answers, Bins, By, Columns, Sample, SampledRows, Statistic
from mlgate.errors import PolicyError
from mlgate.estimates import Chart, Comparison, Estimate, GroupEstimate
from mlgate.intervals import DeLong, delong
from mlgate.intervals.combined import MoverSum
from mlgate.measures import measure
from mlgate.measures.domain_classifier import FOLDS, CrossValidated
from mlgate.measures.judging import Judging
from mlgate.measures.named import present

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

NAME = "fairness.proxy"

NEEDED = 100
"""Rows without which nothing can be told."""

MOST_ROWS = 100_000

SMALLEST = 20
"""Rows of a group, and of all others, without which it is not told from them."""

VALUES = 10
"""Values of a number that are groups of their own; with more it is halved at the median."""

GROUPS = 10
"""Groups that are told apart; rarer ones are listed."""

CATEGORIES = 250
"""Categories of a feature that are told apart, the most frequent ones; the others are one. Postcodes and
names have hundreds, each of which may tell all; scikit-learn's trees take no more than 255."""

OWN = 0.5
"""A feature of texts in which more than this share of the rows has a value of its own is of names."""

TREES = 60
LEAVES = 15

LARGEST = 1e12
"""Numbers beyond this many count as this: a line through larger ones has no digits left."""

CARRIERS = 10
"""Features that a finding lists, those that carry most."""

CHANCE = 0.5
"""The area under the curve of a guess."""

LINE, TREE = "logistic regression", "gradient-boosted trees"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Feature:
    """One feature as classifiers take it."""

    name: str
    codes: Floats
    """Numbers, or places of categories; NaN for missing. Shape (rows,)."""
    categories: int | None
    """How many; None for numbers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Told:
    """How well one group is told from all others."""

    group: str
    rows: int
    classifier: str
    parts: tuple[DeLong, ...]
    """One a fold."""
    balanced_accuracy: float

    models: tuple[Callable[[Floats], Floats], ...]
    """What scores rows, one a fold, which it has not learnt from."""
    design: Callable[[Sequence[_Feature]], Floats]
    folds: NDArray[np.int64]

    @property
    def value(self) -> float:
        """The mean area under the curve of the folds."""
        return sum(part.auc for part in self.parts) / len(self.parts)

    @property
    def interval(self) -> CrossValidated:
        """Of the mean over folds."""
        return CrossValidated(MoverSum(self.parts, (1.0 / len(self.parts),) * len(self.parts)))

    @property
    def lines(self) -> tuple[GroupEstimate, GroupEstimate]:
        """Its two lines of the table."""
        group = {"group": self.group, "told by": self.classifier}
        return (
            GroupEstimate(group=group, n=self.rows, value=self.value, interval=self.interval),
            GroupEstimate(
                group=group,
                n=self.rows,
                value=self.balanced_accuracy,
                rate="balanced accuracy",
                judged=False,
            ),
        )


@measure(
    id=NAME,
    kind="estimate",
    unit="1",
    better="lower",
    needs=("protected", "features"),
    source="sklearn LogisticRegression and HistGradientBoostingClassifier, cross-validated; roc_auc_score",
)
class Proxy:
    """How well a group is told from all others by the features that are not protected (AUC); the best told.

    0.5 is a guess, 1 is certain: then the features hold the attribute, whether the model takes it or not. Up
    to `rows` rows are drawn. A logistic regression and gradient-boosted trees learn, on four fifths of the
    rows, to tell each group from all others, and are asked about the last fifth; five times over. A group's
    number is the mean of the five areas under the ROC curve of the better of both. The table has their
    balanced accuracy, too, and which features carry it: how much the area falls when a feature is shuffled
    among the rows that were not learnt from.

    Groups are the values of the attribute; a number with more than ten values is halved at its median, unless
    the policy gives bins. Groups of fewer than 20 rows, or fewer than `min_group`, are listed. Texts in which
    most rows have a value of their own are left out. `ignore` leaves features out. The interval is that of
    drift/multivariate. Rows are drawn, without weights.
    """

    def __init__(
        self,
        *,
        ignore: list[str] | None = None,
        rows: int = 3_000,
        judging: Judging | None = None,
        seed: int = 0,
    ) -> None:
        """Declare the parameters; the gate gives the attributes and the seed."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for rows of the attribute and of the features. PolicyError where no feature is left."""
        if not NEEDED <= params["rows"] <= MOST_ROWS:
            todo = f"give a number from {NEEDED} to {MOST_ROWS}"
            raise PolicyError(f"params of {NAME}", f"rows is {params['rows']}", todo)
        attributes = [_column(one) for one in params["judging"].by]
        apart = {*columns.protected, *attributes, *present(params["ignore"] or (), columns)}
        names = [name for name in columns.features if name not in apart]
        if not names:
            todo = "name fewer under `ignore`, or say which columns are features"
            raise PolicyError(f"params of {NAME}", "no feature is left to tell the attribute by", todo)
        return [Sample((*attributes, *names), params["rows"], params["seed"])]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the best told group's area under the curve."""
        import numpy as np

        (asked,) = (one for one in cells.of if isinstance(one, Sample))
        drawn = cells.get(asked, SampledRows)
        judging: Judging = params["judging"]
        label = _labels(drawn, judging)
        known = np.array([one is not None for one in label], dtype=bool)
        n = int(known.sum())
        if n < NEEDED:
            return Estimate.missing(f"there are {n} rows with a known group, fewer than {NEEDED}", n=n)
        label = label[known]
        attributes = {_column(one) for one in judging.by}
        columns = {name: drawn.columns[name][known] for name in asked.columns if name not in attributes}
        features, left_out = _features(columns)
        groups, listed = _groups(label, max(SMALLEST, judging.min_group))
        lines = (*listed, *left_out)
        if not features:
            return Estimate.missing("no feature can tell rows apart", n=n, groups=lines)
        if not groups:
            return Estimate.missing("no two groups are large enough to be told apart", n=n, groups=lines)
        return _estimate(features, label, groups, lines, params["seed"])


def _column(by: By) -> str:
    return by.column if isinstance(by, Bins) else by


def _labels(drawn: SampledRows, judging: Judging) -> NDArray[np.object_]:
    """Return the group of each row as text; None where a value is missing that makes no group."""
    import numpy as np

    parts = [_grouped(drawn.columns[_column(one)], one) for one in judging.by]
    if judging.judge_unknown:
        parts = [[UNKNOWN if one is None else one for one in part] for part in parts]
    rows = zip(*parts, strict=True)
    joined = [None if None in row else ", ".join(str(one) for one in row) for row in rows]
    return np.array(joined, dtype=object)


def _grouped(values: NDArray[Any], by: By) -> list[str | None]:
    """Return the group of each row by one column: its value, or the bin that holds it."""
    import numpy as np

    if values.dtype == object:
        return [None if one is None else str(one) for one in values.tolist()]
    there = values[~np.isnan(values)]
    edges = by.edges if isinstance(by, Bins) else ()
    if not edges and len(np.unique(there)) > VALUES:
        edges = (float(np.median(there)),)
    if not edges:
        return [None if one != one else f"{one:g}" for one in values.tolist()]  # noqa: PLR0124  NaN is not itself
    names = [
        f"< {edges[0]:g}",
        *(f"{low:g} to < {high:g}" for low, high in pairwise(edges)),
        f">= {edges[-1]:g}",
    ]
    place = np.searchsorted(edges, np.nan_to_num(values), side="right")
    return [None if one != one else names[at] for one, at in zip(values.tolist(), place, strict=True)]  # noqa: PLR0124


def _features(columns: Mapping[str, NDArray[Any]]) -> tuple[list[_Feature], list[GroupEstimate]]:
    """Return features as classifiers take them, and those that are left out with the reason."""
    import numpy as np

    found, left_out = [], []
    for name, values in columns.items():
        texts = values.dtype == object
        distinct = len(set(values.tolist())) if texts else len(np.unique(values))  # NaN counts once
        why = None
        if distinct == 1:
            why = "left out: it has one value"
        elif texts and distinct > OWN * len(values):
            why = "left out: most rows have a value of their own, which tells of no other row"
        if why is not None:
            line = GroupEstimate(group={"feature": name}, n=len(values), value=None, judged=False, reason=why)
            left_out.append(line)
        elif texts:
            counts = Counter(one for one in values.tolist() if one is not None)
            ranked = sorted(counts, key=lambda one: (-counts[one], one))
            place = {one: float(min(at, CATEGORIES - 1)) for at, one in enumerate(ranked)}
            codes = np.array([np.nan if one is None else place[one] for one in values.tolist()])
            found.append(_Feature(name=name, codes=codes, categories=min(len(ranked), CATEGORIES)))
        else:
            found.append(_Feature(name=name, codes=np.clip(values, -LARGEST, LARGEST), categories=None))
    return found, left_out


def _groups(label: NDArray[np.object_], least: int) -> tuple[list[str], list[GroupEstimate]]:
    """Return the groups that are told from all others, and those that are only listed.

    Of two groups one is told from the other, which is the same as the other from the one.
    """
    counts = Counter(label.tolist())
    ranked = sorted(counts, key=lambda one: (-counts[one], one))
    large = [one for one in ranked if counts[one] >= least and len(label) - counts[one] >= least]
    chosen = large[:GROUPS]
    listed = [
        GroupEstimate(
            group={"group": one},
            n=counts[one],
            value=None,
            judged=False,
            reason=f"{counts[one]} rows, fewer than {least}" if counts[one] < least else _ANOTHER,
        )
        for one in ranked
        if one not in chosen
    ]
    both = 2
    return (chosen[1:] if len(counts) == both and len(chosen) == both else chosen), listed


_ANOTHER = "not told from the others: too many groups, or too few rows beside it"


def _estimate(
    features: Sequence[_Feature],
    label: NDArray[np.object_],
    groups: Sequence[str],
    lines: Sequence[GroupEstimate],
    seed: int,
) -> Estimate:
    import numpy as np

    best: list[_Told] = []
    every: list[GroupEstimate] = []
    for group in groups:
        target = (label == group).astype(float)
        folds = _folds(target)
        both = [_told(one, group, features, target, folds) for one in _classifiers(features, seed)]
        best.append(max(both, key=lambda one: one.value))
        every += [line for one in both for line in one.lines]
    best.sort(key=lambda one: -one.value)
    worst = best[0]
    target = (label == worst.group).astype(float)
    carried = _carried(worst, features, target, seed)
    data: dict[str, tuple[float | str | None, ...]] = {
        "feature": tuple(name for name, _ in carried),
        "falls by": tuple(fall for _, fall in carried),
    }
    chart = Chart(kind="bars", title=f"What tells {worst.group}: fall of the area without it", data=data)
    return Estimate(
        value=worst.value,
        n=len(label),
        interval=worst.interval,
        groups=(*every, *(_carrier(worst, name, fall, len(label)) for name, fall in carried), *lines),
        comparisons=tuple(
            Comparison(name=one.group, value=one.value, interval=one.interval, groups=({"group": one.group},))
            for one in best
        ),
        charts=(chart,) if np.any([fall > 0.0 for _, fall in carried]) else (),
    )


def _carrier(worst: _Told, name: str, fall: float, rows: int) -> GroupEstimate:
    return GroupEstimate(
        group={"feature": name, "group": worst.group}, n=rows, value=fall, rate="carries", judged=False
    )


def _folds(target: Floats) -> NDArray[np.int64]:
    """Deal the rows of the group, and all others, to the folds in turn; the draw is in an order by chance."""
    import numpy as np

    folds = np.empty(len(target), dtype=np.int64)
    for value in (0.0, 1.0):
        own = target == value
        folds[own] = np.arange(int(own.sum())) % FOLDS
    return folds


@dataclass(frozen=True, slots=True)
class _Classifier:
    """A way to learn; `fit` takes a design and a target and returns what scores further designs."""

    name: str
    design: Callable[[Sequence[_Feature]], Floats]
    fit: Callable[[Floats, Floats], Callable[[Floats], Floats]]


def _classifiers(features: Sequence[_Feature], seed: int) -> tuple[_Classifier, ...]:
    return (
        _Classifier(LINE, _indicators(features), _logistic),
        _Classifier(TREE, _codes, partial(_trees, [one.categories is not None for one in features], seed)),
    )


def _codes(features: Sequence[_Feature]) -> Floats:
    import numpy as np

    return np.column_stack([one.codes for one in features])


def _indicators(features: Sequence[_Feature]) -> Callable[[Sequence[_Feature]], Floats]:
    """Return what writes features as columns for a line: numbers scaled, categories and gaps as 0 or 1."""
    import numpy as np

    scales: dict[str, tuple[float, float]] = {}
    for one in features:
        if one.categories is None:
            there = one.codes[~np.isnan(one.codes)]
            scales[one.name] = float(there.mean()), float(there.std()) or 1.0

    def design(of: Sequence[_Feature]) -> Floats:
        columns = []
        for one in of:
            gap = np.isnan(one.codes)
            if one.categories is None:
                mean, deviation = scales[one.name]
                columns += [np.where(gap, 0.0, (one.codes - mean) / deviation)]
            else:
                columns += [(one.codes == place).astype(float) for place in range(one.categories)]
            columns.append(gap.astype(float))
        return np.column_stack(columns)

    return design


def _logistic(rows: Floats, target: Floats) -> Callable[[Floats], Floats]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(class_weight="balanced", max_iter=300)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # what it has learnt by then is what counts
        return _learnt(model, rows, target)


def _trees(
    categorical: Sequence[bool], seed: int, rows: Floats, target: Floats
) -> Callable[[Floats], Floats]:
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=TREES,
        max_leaf_nodes=LEAVES,
        categorical_features=list(categorical),
        class_weight="balanced",
        early_stopping=False,
        random_state=seed,
    )
    return _learnt(model, rows, target)


def _learnt(model: Any, rows: Floats, target: Floats) -> Callable[[Floats], Floats]:
    """Fit a classifier of scikit-learn and return its probability of the group, all in one thread.

    Sums of many threads come out in the order in which those happen to end.
    """
    import numpy as np
    from threadpoolctl import threadpool_limits

    def score(further: Floats) -> Floats:
        with threadpool_limits(limits=1):
            return np.asarray(model.predict_proba(further)[:, 1], dtype=float)

    with threadpool_limits(limits=1):
        model.fit(rows, target)
    return score


def _told(
    how: _Classifier, group: str, features: Sequence[_Feature], target: Floats, folds: NDArray[np.int64]
) -> _Told:
    """Learn on all folds but one, and ask about that one; in turn."""
    import numpy as np

    rows = how.design(features)
    parts, right = [], np.zeros(len(target))
    models = []
    for fold in range(FOLDS):
        held = folds == fold
        score = how.fit(rows[~held], target[~held])
        models.append(score)
        given = score(rows[held])
        parts.append(_area(given, target[held]))
        right[held] = (given >= CHANCE) == (target[held] == 1.0)
    accuracy = float(np.mean([right[target == value].mean() for value in (0.0, 1.0)]))
    return _Told(
        group=group,
        rows=int(target.sum()),
        classifier=how.name,
        parts=tuple(parts),
        balanced_accuracy=accuracy,
        models=tuple(models),
        design=how.design,
        folds=folds,
    )


def _carried(of: _Told, features: Sequence[_Feature], target: Floats, seed: int) -> list[tuple[str, float]]:
    """Return the features by how much the area falls when each is shuffled among the rows of a fold."""
    import numpy as np

    falls = []
    for at, one in enumerate(features):
        draw = np.random.default_rng([seed, *one.name.encode()])
        shuffled = one.codes.copy()
        for fold in range(FOLDS):
            held = np.flatnonzero(of.folds == fold)
            shuffled[held] = one.codes[draw.permutation(held)]
        rows = of.design([*features[:at], replace(one, codes=shuffled), *features[at + 1 :]])
        areas = []
        for fold, score in enumerate(of.models):
            held_rows = of.folds == fold
            areas.append(_area(score(rows[held_rows]), target[held_rows]).auc)
        falls.append((one.name, of.value - float(np.mean(areas))))
    return sorted(falls, key=lambda one: (-one[1], one[0]))[:CARRIERS]


def _area(score: Floats, target: Floats) -> DeLong:
    """Return the area under the curve; every fold has rows of the group and others."""
    import numpy as np

    ones = np.ones(len(target))
    found = delong(score, target, ones, ones)
    if found is None:
        raise AssertionError("a fold without rows of the group, or without others")
    return found
