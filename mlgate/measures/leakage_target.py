"""Whether a single feature gives the label away: filled in later, derived from it, or a name for the case.

Each feature is judged alone, from a count of label by value (numbers of many values: by bins between their
quantiles). What a value says of the label is learnt on one half of the rows and held against the other half,
so that a column in which every row has a value of its own, an id, predicts nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from mlgate.cells import (
    Answers,
    Bins,
    By,
    Cells,
    ColumnProfile,
    Columns,
    Counts,
    Profile,
    QuantileNumbers,
    Quantiles,
    Shape,
    Statistic,
    TableShape,
)
from mlgate.estimates import Comparison, Estimate, GroupEstimate, Interval
from mlgate.intervals import DeLong, Mapped, delong, mean_of
from mlgate.intervals.log_ratio import log_ratio
from mlgate.measures import measure
from mlgate.measures.named import EMPTY, chosen
from mlgate.measures.regression import skill_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FEW_NUMBERS = 200
"""Numbers of so many distinct values are counted by value, others by bins."""

MOST_VALUES = 20_000
"""Of other columns; with more distinct values they are not counted."""

OWN = 0.9
"""A column of texts where this share of rows has a value of its own is of names, which tell of no other."""

LISTED = 20
"""Features that a finding lists."""

LABEL_LEVELS = tuple(place / 32 for place in range(1, 32))
"""Quantiles between which the numbers of a label are binned."""

LEVELS = (0.001, 0.005, *LABEL_LEVELS, 0.995, 0.999)
"""The same for features; close to the ends too, where what is rare may lie."""

_NUMBERS = ("integer", "number")
_MOMENTS = ("date", "timestamp")

Sort = Literal["numbers", "moments", "names"]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Alone:
    """How well one feature does by itself."""

    column: str
    value: float
    interval: Interval | None
    rows: int
    of_class: str | None = None
    """Of several classes, the one that is told from the others."""

    @property
    def group(self) -> dict[str, str]:
        """Its line in the table."""
        return {"column": self.column} | ({} if self.of_class is None else {"class": self.of_class})

    @property
    def name(self) -> str:
        """How the finding names it."""
        return ", ".join(self.group.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Feature:
    """One feature as it was counted; arrays of shape (cells,)."""

    column: str
    cells: Cells
    place: NDArray[np.int64]
    """Of each cell's value among all values; numbers and moments rise with it, a missing value is last."""
    size: int
    ordered: bool
    missing: bool

    def learnt(self, target: Floats, seed: int) -> tuple[Floats, Floats, Floats, Floats]:
        """Return what the other half of the rows says of each row's target: score, target, w, w2.

        Every cell is split by chance, as its rows would be. The score of a value is the mean target of its
        rows in the other half, with one more row of the overall mean, which stands alone for a value that the
        other half lacks.
        """
        import numpy as np

        of = self.cells
        draw = np.random.default_rng([seed, *self.column.encode()])
        first = draw.binomial(of.n, 0.5)
        halves = (first, of.n - first)
        mean = float(target @ of.n) / of.rows
        told = [
            (np.bincount(self.place, half * target, minlength=self.size) + mean)
            / (np.bincount(self.place, half, minlength=self.size) + 1.0)
            for half in halves
        ]
        score = np.concatenate([told[1][self.place], told[0][self.place]])
        share = np.concatenate(halves) / np.tile(of.n, 2)
        there = share > 0.0
        parts = (score, np.tile(target, 2), np.tile(of.w, 2) * share, np.tile(of.w2, 2) * share)
        found = [part[there] for part in parts]
        return found[0], found[1], found[2], found[3]

    def ranks(self) -> Iterator[Floats]:
        """Yield the order of the values, with the missing one below and above all others."""
        if not self.ordered:
            return
        rank = self.place.astype(float)
        yield rank
        if self.missing:
            rank = rank.copy()
            rank[self.place == self.size - 1] = -1.0
            yield rank


@measure(
    id="leakage.target_predictor",
    kind="estimate",
    unit="1",
    better="lower",
    tasks=("binary", "multiclass", "regression"),
    needs=("label",),
    source="sklearn.metrics.roc_auc_score of one feature; of numbers, r2_score of the label's rank",
)
class TargetPredictor:
    """How well the feature that tells the label best does so alone; at 1 it gives the label away.

    Of two classes: the area under the ROC curve. Numbers and moments are taken as they stand, rising or
    falling; all columns, and numbers too, also by the share of positives among the rows with the same value
    (or bin, between 35 quantiles) in the other half of the table; the better of both counts. 0.5 is no better
    than chance. A missing value is a value. Of several classes: the same for each class against all others.

    Of numbers: R2 of the label's rank (between 31 quantiles), the share of its variance that is explained by
    the rank of the feature, or by the mean rank of the rows with the same value or bin in the other half of
    the table; the better of both counts. 0 is no better than chance.

    The highest of all features is the value, and each of them is held against the limit. `columns` are looked
    at instead of the features, `ignore` leaves some out. Columns of names, in which nearly every row has a
    value of its own, are listed and not judged: no other row is told by them. Nothing is measured where any
    other column that holds no numbers has more than 20,000 values.
    """

    def __init__(
        self, *, columns: list[str] | None = None, ignore: list[str] | None = None, seed: int = 0
    ) -> None:
        """Declare the parameters: the columns to look at, those to leave out; the gate gives the seed."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask how many values each feature has, and between which quantiles numbers lie."""
        wanted = columns.features if params["columns"] is None else params["columns"]
        label = str(columns.label)
        names = chosen("leakage.target_predictor", wanted, columns, ignore=(*(params["ignore"] or ()), label))
        asked: list[Statistic] = [Shape(), *(Profile(name, ("about",)) for name in names)]
        numeric = [name for name in names if columns.types[name] in _NUMBERS]
        asked += [Quantiles(name, LEVELS) for name in numeric if name not in columns.categorical]
        return [*asked, Quantiles(label, LABEL_LEVELS)] if columns.task == "regression" else asked

    def further(self, cells: Answers, params: Mapping[str, Any]) -> list[Statistic]:
        """Ask for the label by the values, or bins, of each feature that can be counted."""
        del params
        label = _label_bins(cells)
        return [
            Counts(("label",), (by,)) if label is None else Counts((), (label, by))
            for name in _profiles(cells)
            if _unjudged(cells, name) is None and (by := _grouping(cells, name)) != label
        ]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the best feature's number."""
        profiles = _profiles(cells)
        rows = next(iter(profiles.values())).rows
        if not rows:
            return Estimate.missing(EMPTY)
        unjudged = {name: why for name in profiles if (why := _unjudged(cells, name)) is not None}
        unknown = [f"column {name!r}: {why}" for name, why in unjudged.items() if why.startswith(_TOO_MANY)]
        if unknown:
            return Estimate.missing(f"{unknown[0]}; leave it out by `ignore`", n=rows)
        found: list[_Alone] = []
        for one in cells.of:
            if isinstance(one, Counts):
                answer = _alone(_feature(cells, one), one, params["seed"])
                if isinstance(answer, str):
                    return Estimate.missing(answer, n=rows)
                found += answer
        return _answer(found, unjudged, rows)


_TOO_MANY = "more values than can be counted"


def _profiles(cells: Answers) -> dict[str, ColumnProfile]:
    return {one.column: cells.get(one, ColumnProfile) for one in cells.of if isinstance(one, Profile)}


def _sort(cells: Answers, name: str) -> Sort:
    if Quantiles(name, LEVELS) in cells.of:
        return "numbers"
    kind = dict(cells.get(Shape(), TableShape).columns)[name]
    return "moments" if kind in _MOMENTS else "names"


def _unjudged(cells: Answers, name: str) -> str | None:
    """Say why a column is not counted; None when it is."""
    found, sort = _profiles(cells)[name], _sort(cells, name)
    there = found.rows - found.nulls
    if not there:
        return "the column has no values"
    if sort == "numbers" or (found.about or 0) <= MOST_VALUES:
        return None
    if sort == "names" and (found.about or 0) >= OWN * there:
        return "nearly every row has a value of its own, which tells of no other row"
    return f"{_TOO_MANY} (about {found.about})"


def _grouping(cells: Answers, name: str) -> By:
    """Return how a column is counted: by its values, or numbers of many values by bins."""
    if _sort(cells, name) != "numbers" or (_profiles(cells)[name].about or 0) <= FEW_NUMBERS:
        return name
    edges = _edges(cells.get(Quantiles(name, LEVELS), QuantileNumbers).values)
    return Bins(name, edges) if edges else name


def _label_bins(cells: Answers) -> Bins | None:
    """Return the bins of a label that is a number; None for one of classes."""
    asked = [one for one in cells.of if isinstance(one, Quantiles) and one.levels == LABEL_LEVELS]
    if not asked:
        return None
    edges = _edges(cells.get(asked[0], QuantileNumbers).values)
    return Bins(asked[0].column, edges or (0.0,))


def _edges(quantiles: Sequence[float]) -> tuple[float, ...]:
    """Return rising edges between quantiles; a value that fills several of them gets a bin of its own."""
    import numpy as np

    values, times = np.unique(np.asarray(quantiles, dtype=float) + 0.0, return_counts=True)
    above = np.nextafter(values[times > 1], np.inf)
    edges = np.unique(np.concatenate([values, above]))
    return tuple(edges[np.isfinite(edges)].tolist())


def _feature(cells: Answers, asked: Counts) -> _Feature:
    """Give every value of a feature its place."""
    import numpy as np

    by, of = asked.by[-1], cells.cells(asked)
    column = by.column if isinstance(by, Bins) else by
    sort = _sort(cells, column)
    found = set(of.groups[by].tolist())
    missing = None in found
    rising = sorted((text for text in found if text is not None), key=lambda text: _rank(text, by, sort))
    places = {text: place for place, text in enumerate([*rising, *([None] if missing else [])])}
    return _Feature(
        column=column,
        cells=of,
        place=np.array([places[text] for text in of.groups[by].tolist()], dtype=np.int64),
        size=len(places),
        ordered=sort != "names",
        missing=missing,
    )


def _rank(text: str, by: By, sort: Sort) -> tuple[float, str]:
    """Order values as numbers, or by their text; bins by where they begin, `< 18` before all."""
    if isinstance(by, Bins):
        return float("-inf") if text.startswith("< ") else float(text.removeprefix(">= ").split()[0]), text
    return (float(text) if sort == "numbers" else 0.0), text


def _alone(of: _Feature, asked: Counts, seed: int) -> list[_Alone] | str:
    """Measure one feature, for each class of several; or say why nothing can be told of any feature."""
    import numpy as np

    if not asked.roles:
        return _explained(of, asked, seed)
    label = of.cells.roles["label"]
    classes = dict(enumerate(of.cells.classes)) if of.cells.classes else {1: None}
    present = np.unique(label[of.cells.w > 0.0])
    if len(present) == 1:
        return "every row has the same label"
    return [
        _told(of, (label == code).astype(float), seed, name)
        for code, name in classes.items()
        if code in present
    ]


def _told(of: _Feature, positive: Floats, seed: int, name: str | None) -> _Alone:
    """Tell positives from the rest, in the best of a few ways."""
    cells = of.cells
    ways = [delong(*of.learnt(positive, seed))]
    for rank in of.ranks():
        up = delong(rank, positive, cells.w, cells.w2)
        ways += [up, delong(-rank, positive, cells.w, cells.w2)] if up is None or up.auc < 0.5 else [up]  # noqa: PLR2004  chance
    best: DeLong | None = max((way for way in ways if way is not None), key=lambda way: way.auc, default=None)
    value = float("nan") if best is None else best.auc
    return _Alone(column=of.column, value=value, interval=best, rows=cells.rows, of_class=name)


def _explained(of: _Feature, asked: Counts, seed: int) -> list[_Alone] | str:
    """Explain the rank of a label that is a number."""
    import numpy as np

    label, cells = asked.by[0], of.cells
    texts = cells.groups[label]
    lacking = int(cells.n[np.array([text is None for text in texts], dtype=bool)].sum())
    if lacking:
        return f"{lacking} of {cells.rows} labels are missing"
    bins = sorted(set(texts.tolist()), key=lambda text: _rank(text, label, "numbers"))
    if len(bins) == 1:
        return "all labels are equal, so there is nothing to explain"
    codes = np.array([bins.index(text) for text in texts.tolist()])
    rows = np.bincount(codes, cells.n)
    rank = ((np.cumsum(rows) - rows / 2.0) / cells.rows)[codes]
    score, target, w, w2 = of.learnt(rank, seed)
    ways = [_skill(score, target, w, w2)]
    for place in of.ranks():
        _, dense, n = np.unique(place, return_inverse=True, return_counts=True)
        n = np.bincount(dense, cells.n, minlength=len(n))
        own = ((np.cumsum(n) - n / 2.0) / cells.rows)[dense]
        ways += [_skill(one, rank, cells.w, cells.w2) for one in (own, 1.0 - own)]
    value, interval = max(ways, key=lambda way: way[0])
    return [_Alone(column=of.column, value=value, interval=interval, rows=cells.rows)]


def _skill(score: Floats, target: Floats, w: Floats, w2: Floats) -> tuple[float, Interval | None]:
    """Return the share of the variance of a rank that a score explains, one entry a cell; as `r2` has it.

    Where nothing is left to explain there is no variance to go by: a squared error of ranks is at most 1, and
    its mean varies no more than a proportion.
    """
    import numpy as np

    off, apart = (target - score) ** 2, (target - np.average(target, weights=w)) ** 2
    whole = float(np.average(apart, weights=w))
    value = 1.0 - float(np.average(off, weights=w)) / whole
    ratio = log_ratio(off, apart, w, w2)
    if ratio is not None:
        return value, Mapped(ratio, skill_of)
    left = mean_of(off, w, w2, lowest=0.0, highest=1.0)
    return value, None if left is None else Mapped(left, partial(_left_over, whole))


def _left_over(whole: float, left: float) -> float:
    return 1.0 - left / whole


def _answer(found: Sequence[_Alone], unjudged: Mapping[str, str], rows: int) -> Estimate:
    """List the best features first, then those that are not judged."""
    ranked = sorted(found, key=lambda one: (-one.value, one.name))
    lines = [
        GroupEstimate(group=one.group, n=one.rows, value=one.value, interval=one.interval)
        for one in ranked[:LISTED]
    ]
    lines += [
        GroupEstimate(group={"column": name}, n=rows, value=None, judged=False, reason=why)
        for name, why in unjudged.items()
    ]
    if not ranked:
        return Estimate.missing("no feature can be looked at by itself", n=rows, groups=tuple(lines))
    return Estimate(
        value=ranked[0].value,
        n=rows,
        interval=ranked[0].interval,
        groups=tuple(lines),
        comparisons=tuple(
            Comparison(name=one.name, value=one.value, interval=one.interval, groups=(one.group,))
            for one in ranked
        ),
    )
