"""What measures ask of evidence, and the form in which the answers come.

A measure never sees rows. It declares `Statistic`s; the gate fuses those of all checks into few queries
per table, runs them where the data is, and hands back the answers, keyed by the statistic. Rows come
back as *cells*: distinct combinations of values with a count, so that the field's own functions compute
on them with `sample_weight` and give the same value as on the rows.

This is the capability table: an engine has to answer these statistics and no others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_GROUPS = 200
"""More groups than this are not judged: the column wants bins."""

UNKNOWN = "unknown"
"""The name of the group whose protected value is missing."""

ROLES = ("label", "prediction", "score", "score_squares", "lower", "upper")
"""Roles that can be counted, besides `quantile:LEVEL`. How they come back depends on the task.

binary: label and prediction as 0.0 / 1.0 (1 = positive), score as a float.
multiclass, without a view: label and prediction as the number of the class in `Cells.classes`; score is the
probability that the row's own class was given, score_squares the sum over classes of squared probabilities.
regression: label and prediction as floats; lower and upper are the ends of `interval:`, and
`quantile:0.1` is the column of that level under `quantiles:`.
scores: score as a float, of any size; label as in regression.
"""

QUANTILE = "quantile:"
"""What the roles of quantile columns begin with."""

SCORE_BINS = 50_400
"""Equally wide parts of [0, 1] in which very many scores are counted.

A multiple of 2 to 10 and of 12, 15, 16, 20, 24, 25, 30, 32, 40, 50, 60, 75, 80, 90 and 100: each of so many
equally wide bins holds whole ones."""

FAVOURABLE, TOP, CLASS = "favourable", "top", "class:"
"""The views of a multiclass table; see `Counts.view`."""

Task: TypeAlias = Literal["binary", "multiclass", "regression", "scores"]

ScoreSum: TypeAlias = Literal["score", "squared_error", "log_loss"]
"""What can be summed up over the rows of a bin of scores: the score, the squared distance of score and label,
and -log of the probability that was given to the label, which is cut to [eps, 1 - eps], eps = 2^-52."""

ColumnType: TypeAlias = Literal["boolean", "integer", "number", "string", "date", "timestamp", "other"]

ProfileFact: TypeAlias = Literal["ends", "varied", "about", "distinct", "infinite"]
"""What a `Profile` can tell of a column, besides its rows and nulls.

ends: smallest and largest value. varied: whether two rows have different values. about: roughly how many
distinct values there are. distinct: exactly how many, which is by far the dearest. infinite: how many are.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """What one table offers: its columns, their types, and the role each plays there."""

    names: tuple[str, ...]
    """In the order of the table, roles' columns included."""
    types: Mapping[str, ColumnType]
    task: Task = "binary"
    label: str | None = None
    score: str | None = None
    scores: Mapping[str, str] = field(default_factory=dict)
    """multiclass: from each class, as the release writes it, to the column of its probability."""
    prediction: str | None = None
    """None with a score: the prediction is score >= threshold (multiclass: the class with the highest
    probability, the first of equals), and the role can still be asked for."""
    features: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    key: str | None = None
    time: str | None = None
    weight: str | None = None
    cluster: str | None = None
    interval: tuple[str, str] | None = None
    """The columns of the low and the high end of a regression interval."""
    quantiles: Mapping[float, str] = field(default_factory=dict)
    """From quantile level to column."""

    def has(self, role: str) -> bool:
        """Whether `role` ("label", "score", "prediction", "protected", "features", "key", ...) is there."""
        if role == "score":
            return self.score is not None or bool(self.scores)
        if role == "prediction":
            follows = self.task in ("binary", "multiclass") and self.has("score")
            return self.prediction is not None or follows
        return bool(getattr(self, role))


@dataclass(frozen=True, slots=True)
class Bins:
    """A numeric column cut at edges: [18, 30, 50] gives `< 18`, `18 to < 30`, `30 to < 50`, `>= 50`."""

    column: str
    edges: tuple[float, ...]


By: TypeAlias = str | Bins
"""A way to group rows: the values of a column, or bins of it. Several make a product."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows, sum of weights and sum of squared weights per distinct combination. Answer: `Cells`."""

    roles: tuple[str, ...]
    """Of `ROLES`, in that order, then quantiles."""
    by: tuple[By, ...] = ()
    view: str | None = None
    """multiclass only: look at the table as a binary one, label and prediction 0.0 / 1.0.

    `class:NAME`: whether it is that class, and the score is that class's probability. `favourable`: whether
    it is one of the favourable classes of the release, and the score is the sum of their probabilities.
    `top`: the label is whether the prediction is right, the score is the predicted class's probability.
    """
    clustered: bool = False
    """Count each cluster by itself, for intervals that allow for rows that belong together."""
    binned: tuple[ScoreSum, ...] | None = None
    """Not None: scores may be counted in bins where the table is very long, with these sums over the rows of
    each. The answer is then `Cells.binned`, or exact as ever. Binary tables without clusters only."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Number of rows, and name and type of every column, in order. Answer: `TableShape`."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Summary of one column. Answer: `ColumnProfile`."""

    column: str
    facts: tuple[ProfileFact, ...] = ("distinct", "infinite", "ends")
    """What is asked; what is not asked is None in the answer, and is not computed."""


@dataclass(frozen=True, slots=True)
class Outside:
    """Values of a numeric, date or timestamp column outside [low, high]. Answer: `OutsideCount`."""

    column: str
    low: float | str | None
    high: float | str | None


@dataclass(frozen=True, slots=True)
class Values:
    """Distinct values of a column with their rows, most frequent first. Answer: `ValueCounts`."""

    column: str


@dataclass(frozen=True, slots=True)
class Repeats:
    """Rows that are equal in all of `columns` (null equals null). Answer: `RepeatCounts`."""

    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Histogram:
    """Rows by bins of numbers or moments, or by values. Answer: `BinCounts`.

    Only for columns that are known to fall into few bins or values: everything that is found comes back.
    """

    column: str
    width: float | None = None
    """Of the bins: value x is in bin floor((x - start) / width). Dates and timestamps count in seconds since
    1970-01-01 in UTC. None: each value is counted for itself."""
    start: float = 0.0
    size: int = 16
    """About how many bins or values there are; columns of few are counted together."""


@dataclass(frozen=True, slots=True)
class Quartiles:
    """First quartile, median and third quartile of a numeric column. Answer: `QuartileValues`."""

    column: str


@dataclass(frozen=True, slots=True)
class Matches:
    """Values of a text column that match a regular expression (RE2). Answer: `MatchCount`."""

    column: str
    pattern: str
    whole: bool
    """Whether the whole value has to match, or a part of it is enough."""


@dataclass(frozen=True, slots=True)
class Sorts:
    """What the texts of a column look like: numbers, dates, truth values, words. Answer: `SortCounts`."""

    column: str


@dataclass(frozen=True, slots=True)
class Conflicts:
    """Rows that are equal in all of `columns` (null equals null) and differ in `label`.

    Answer: `ConflictCounts`.
    """

    columns: tuple[str, ...]
    label: str


@dataclass(frozen=True, slots=True)
class Scaled:
    """A numeric column with the middle and half of the range of its values, which bring it to [-1, 1]."""

    column: str
    middle: float
    half: float


@dataclass(frozen=True, slots=True)
class Correlation:
    """Pearson's correlation of two numeric columns, where both are there. Answer: `CorrelationValue`."""

    first: Scaled
    second: Scaled


@dataclass(frozen=True, slots=True)
class Newest:
    """How near to a moment a date or timestamp column reaches. Answer: `TimeSpan`."""

    column: str
    as_of: str
    """ISO 8601, in UTC and without a zone; rows later than this are counted."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document of the release by its name under `documents:`. Answer: `DocumentText | None`."""

    name: str


@dataclass(frozen=True, slots=True)
class Stated:
    """A field of release.yaml by its dotted path, `intended_use`. Answer: `Statement`."""

    field: str


@dataclass(frozen=True, slots=True)
class Pinned:
    """What the policy fixes and the release contradicts. Answer: `Contradictions`."""


TableStatistic: TypeAlias = (
    Counts
    | Shape
    | Profile
    | Outside
    | Values
    | Repeats
    | Histogram
    | Quartiles
    | Matches
    | Sorts
    | Conflicts
    | Correlation
    | Newest
)


@dataclass(frozen=True, slots=True)
class On:
    """A statistic of another table of the release than the one that is judged. Answer: as the statistic's."""

    table: str
    statistic: TableStatistic


Statistic: TypeAlias = TableStatistic | On | Document | Stated | Pinned


@dataclass(frozen=True, kw_only=True, slots=True)
class Sums:
    """Sums of a quantity q over the rows of each cell, in which it differs; arrays of shape (cells,).

    With w the weight of a row. Without weights the first two are equal.
    """

    first: NDArray[np.float64]
    """Sum of w q."""
    second: NDArray[np.float64]
    """Sum of w^2 q."""
    squares: NDArray[np.float64]
    """Sum of w^2 q^2."""

    def take(self, mask: slice | NDArray[np.bool_] | NDArray[np.int64]) -> Sums:
        """Return the sums of some cells, as `Cells.take` does."""
        return Sums(first=self.first[mask], second=self.second[mask], squares=self.squares[mask])

    def line(
        self, start: NDArray[np.float64], slope: float, w: NDArray[np.float64], w2: NDArray[np.float64]
    ) -> Sums:
        """Return the sums of start + slope q; `start` is one number a cell, and `w`, `w2` are the cells'."""
        return Sums(
            first=start * w + slope * self.first,
            second=start * w2 + slope * self.second,
            squares=start**2 * w2 + 2.0 * slope * start * self.second + slope**2 * self.squares,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Binned:
    """What is known of scores that are counted in bins; arrays of shape (cells,).

    [0, 1] is cut into `SCORE_BINS` parts [k / SCORE_BINS, (k + 1) / SCORE_BINS), 1 by itself, and at the
    threshold; rows that weigh nothing have bins of their own. `Cells.roles["score"]` is one number in the
    bin, the same in every cell of it.
    """

    low: NDArray[np.float64]
    """Lowest score in the cell."""
    high: NDArray[np.float64]
    sums: Mapping[ScoreSum, Sums]
    """Those that `Counts.binned` asked for."""

    def take(self, mask: slice | NDArray[np.bool_] | NDArray[np.int64]) -> Binned:
        """Return what is known of some cells, as `Cells.take` does."""
        return Binned(
            low=self.low[mask],
            high=self.high[mask],
            sums={name: sums.take(mask) for name, sums in self.sums.items()},
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Cells:
    """Answer to `Counts`: one entry per distinct combination, in an order that no engine chooses.

    All arrays have the same length (the number of cells; 0 for an empty table).
    """

    roles: Mapping[str, NDArray[np.float64]]
    """Label and prediction are 0.0 or 1.0, score any float; NaN stands for a missing value."""
    groups: Mapping[By, NDArray[np.object_]]
    """Values of the grouping columns as text (integral floats without the `.0`); None where missing."""
    n: NDArray[np.int64]
    """Rows in the cell."""
    w: NDArray[np.float64]
    """Sum of weights; equal to `n` when the table has no weight."""
    w2: NDArray[np.float64]
    """Sum of squared weights; equal to `n` when the table has no weight."""
    weighted: bool = False
    classes: tuple[str, ...] = ()
    """multiclass, without a view: every class, sorted; label and prediction are places in it."""
    clusters: NDArray[np.int64] | None = None
    """The number of each cell's cluster, where `Counts.clustered` asked for it; numbers may have gaps."""
    binned: Binned | None = None
    """Not None: the scores are in bins, which only comes about where `Counts.binned` allowed it."""
    fault: str | None = None
    """Why no measure may use these cells: `12 of 300 labels are missing`. Measures must not look past it;
    `Measure.value` returns `not_measured` with it."""

    @property
    def rows(self) -> int:
        """Rows behind all cells."""
        return int(self.n.sum())

    def take(self, mask: NDArray[np.bool_] | NDArray[np.int64]) -> Cells:
        """Return the cells where `mask` (one entry a cell) is true, or those with these numbers, in order."""
        return Cells(
            roles={role: values[mask] for role, values in self.roles.items()},
            groups={by: values[mask] for by, values in self.groups.items()},
            n=self.n[mask],
            w=self.w[mask],
            w2=self.w2[mask],
            weighted=self.weighted,
            classes=self.classes,
            clusters=None if self.clusters is None else self.clusters[mask],
            binned=None if self.binned is None else self.binned.take(mask),
            fault=self.fault,
        )

    def labels(self, by: tuple[By, ...]) -> list[tuple[str, ...]]:
        """Return the distinct groups over `by`, sorted; a missing value reads `unknown`."""
        return sorted(set(self.keys(by)))

    def keys(self, by: tuple[By, ...]) -> list[tuple[str, ...]]:
        """Return the group of each cell over `by`; a missing value reads `unknown`.

        A value that is that very word reads `'unknown'`, so that it is not taken for a missing one.
        """
        columns = [[_named(value) for value in self.groups[one]] for one in by]
        return list(zip(*columns, strict=True)) if columns else [()] * len(self.n)

    def group(self, by: tuple[By, ...], key: tuple[str, ...]) -> Cells:
        """Return the cells of one group, as `labels` names it."""
        import numpy as np

        return self.take(np.array([k == key for k in self.keys(by)], dtype=bool))


def _named(value: object) -> str:
    if value is None:
        return UNKNOWN
    text = str(value)
    return repr(text) if text == UNKNOWN else text


@dataclass(frozen=True, kw_only=True, slots=True)
class TableShape:
    """Answer to `Shape`."""

    rows: int
    columns: tuple[tuple[str, ColumnType], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ColumnProfile:
    """Answer to `Profile`. NaN in a float column counts as missing, as pandas has it.

    What was not asked for is None.
    """

    rows: int
    nulls: int
    distinct: int | None = None
    """Distinct values, missing left out."""
    infinite: int | None = None
    minimum: float | str | None = None
    """A float for numbers, canonical text for all else; also None when every value is missing."""
    maximum: float | str | None = None
    varied: bool | None = None
    """Whether there are two different values, missing left out."""
    about: int | None = None
    """Roughly how many distinct values there are, missing left out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OutsideCount:
    """Answer to `Outside`. Missing values are neither below nor above; infinite values are."""

    rows: int
    below: int
    above: int
    minimum: float | str | None
    maximum: float | str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ValueCounts:
    """Answer to `Values`, values as text, most frequent first, ties by text."""

    rows: int
    nulls: int
    distinct: int
    counts: tuple[tuple[str, int], ...]
    """At most 10,000 values; `distinct` says how many there are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RepeatCounts:
    """Answer to `Repeats`."""

    rows: int
    distinct: int
    """Distinct combinations. `rows - distinct` is what `DataFrame.duplicated().sum()` counts."""
    repeated: int
    """Rows in a combination that occurs more than once: `duplicated(keep=False).sum()`."""
    nulls: int
    """Rows in which any of the columns is missing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BinCounts:
    """Answer to `Histogram`."""

    rows: int
    nulls: int
    bins: tuple[tuple[int, int], ...] = ()
    """With a width: number of the bin and rows in it, lowest first, empty bins left out."""
    values: tuple[tuple[str, int], ...] = ()
    """Without: value as text and rows with it, most frequent first, ties by text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QuartileValues:
    """Answer to `Quartiles`: `numpy.quantile` with linear interpolation, missing left out."""

    rows: int
    nulls: int
    first: float | None
    """None when every value is missing; not finite when infinite values reach this far."""
    median: float | None
    third: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class MatchCount:
    """Answer to `Matches`."""

    rows: int
    nulls: int
    matching: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SortCounts:
    """Answer to `Sorts`: rows by what their text looks like; missing ones are in none of them."""

    rows: int
    numbers: int
    dates: int
    truths: int
    words: int
    """Everything else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConflictCounts:
    """Answer to `Conflicts`."""

    rows: int
    unlabelled: int
    """Rows without a label; they contradict nobody."""
    conflicting: int
    """Labelled rows that equal a row with another label."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CorrelationValue:
    """Answer to `Correlation`."""

    n: int
    """Rows that have both."""
    value: float | None
    """None where one of the two does not vary in those rows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeSpan:
    """Answer to `Newest`."""

    rows: int
    nulls: int
    newest: str | None
    """The latest moment that is not later than `as_of`, in ISO 8601; None when there is none."""
    later: int
    """Rows later than `as_of`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentText:
    """Answer to `Document`."""

    location: str
    sha256: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """Answer to `Stated`: the value as the author gave it, None when left out."""

    value: object


@dataclass(frozen=True, kw_only=True, slots=True)
class Contradictions:
    """Answer to `Pinned`."""

    pins: int
    """How many things the policy fixes."""
    found: tuple[tuple[str, str], ...]
    """Each pin that the release contradicts, with a sentence."""


Answer: TypeAlias = (
    Cells
    | TableShape
    | ColumnProfile
    | OutsideCount
    | ValueCounts
    | RepeatCounts
    | BinCounts
    | QuartileValues
    | MatchCount
    | SortCounts
    | ConflictCounts
    | CorrelationValue
    | TimeSpan
    | DocumentText
    | Statement
    | Contradictions
    | None
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers to what one measure planned, looked up by the statistic itself."""

    of: Mapping[Statistic, Answer] = field(default_factory=dict)

    def get(self, statistic: Statistic, kind: type[T]) -> T:
        """Return the answer to `statistic`; TypeError when it is not a `kind`."""
        answer = self.of[statistic]
        if not isinstance(answer, kind):
            raise TypeError(f"{statistic} was answered by {type(answer).__name__}, not {kind.__name__}")
        return answer

    def cells(self, statistic: Counts) -> Cells:
        """Return the cells that answer `statistic`."""
        return self.get(statistic, Cells)
