"""What a measure can ask of evidence. An engine has to answer these statistics and no others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from mlgate.cells.models import Artifact, Drawn, Loaded, Retrained, Source
from mlgate.cells.provenance import DataVersions, Lock, Registration

MAX_GROUPS = 200
"""More groups than this are not judged: the column wants bins."""

ROLES = (
    "label",
    "prediction",
    "score",
    "score_squares",
    "lower",
    "upper",
    "champion_prediction",
    "champion_score",
    "champion_score_squares",
)
"""Roles that can be counted, besides `quantile:LEVEL`. How they come back depends on the task.

binary: label and prediction as 0.0 / 1.0 (1 = positive), score as a float.
multiclass, without a view: label and prediction as the number of the class in `Cells.classes`; score is the
probability that the row's own class was given, score_squares the sum over classes of squared probabilities.
regression: label and prediction as floats; lower and upper are the ends of `interval:`, and
`quantile:0.1` is the column of that level under `quantiles:`.
scores: score as a float, of any size; label as in regression.
champion_*: what the model that runs now says of the same row, in the same form.
"""

QUANTILE = "quantile:"
"""What the roles of quantile columns begin with."""

SCORE_BINS = 50_400
"""Equally wide parts of [0, 1] in which very many scores are counted.

A multiple of 2 to 10 and of 12, 15, 16, 20, 24, 25, 30, 32, 40, 50, 60, 75, 80, 90 and 100: each of so many
equally wide bins holds whole ones."""

FAVOURABLE, TOP, CLASS = "favourable", "top", "class:"
"""The views of a multiclass table; see `Counts.view`."""

_WHOLE = 2**53
"""Floats below this are written without a fraction when they have none."""

ScoreSum: TypeAlias = Literal["score", "squared_error", "log_loss"]
"""What can be summed up over the rows of a bin of scores: the score, the squared distance of score and label,
and -log of the probability that was given to the label, which is cut to [eps, 1 - eps], eps = 2^-52."""

ProfileFact: TypeAlias = Literal["ends", "varied", "about", "distinct", "infinite"]
"""What a `Profile` can tell of a column, besides its rows and nulls.

ends: smallest and largest value. varied: whether two rows have different values. about: roughly how many
distinct values there are. distinct: exactly how many, which is by far the dearest. infinite: how many are.
"""


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
    `top`: the label is whether the prediction is right, the score is the predicted class's probability, and
    the prediction is 1 (it always says of itself that it is right); of the champion's own prediction,
    champion_prediction is whether that is right, and champion_score the probability that it was given.
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
class Quantiles:
    """Quantiles of a numeric, date or timestamp column, linearly interpolated. Answer: `QuantileNumbers`."""

    column: str
    levels: tuple[float, ...]
    """In (0, 1), increasing."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """How often each number or moment of a column occurs. Answer: `DistributionCounts`.

    As many entries as there are distinct values: for columns of long tables ask a `Histogram` or `Binned`.
    """

    column: str


@dataclass(frozen=True, slots=True)
class Cut:
    """Rows of a numeric, date or timestamp column between edges. Answer: `CutCounts`."""

    column: str
    edges: tuple[float, ...]
    """Increasing; k of them make k + 1 bins, the outer ones open. Moments in seconds since 1970 in UTC."""
    right: bool = False
    """Whether a value that is an edge belongs to the bin below it, (low, high]; else to the one above."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Rows whose values in some columns occur together in another table too. Answer: `OverlapCounts`."""

    columns: tuple[str, ...]
    other: str
    """The name of the other table; both have to be in one engine."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Some rows, the same ones on every run and in whatever order the table is. Answer: `SampledRows`."""

    columns: tuple[str, ...]
    rows: int
    """How many at most; the whole table where it has no more."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Recorded:
    """What an earlier report found. Answer: `RecordedFinding`, or None where no report was named."""

    source: str
    """`champion`, or `anchors.NAME`."""
    measure: str
    """The id of the measure."""
    params: str
    """Its parameters, as `canonical_params` writes them."""

    @classmethod
    def of(cls, source: str, measure: str, params: Mapping[str, Any]) -> Recorded:
        """Ask for a measure by its parameters, complete and as a report has them."""
        return cls(source=source, measure=measure, params=canonical_params(params))


def canonical_params(params: Mapping[str, Any]) -> str:
    """Return parameters as JSON that is the same before they went into a report and after.

    A report rounds to 12 digits, writes 1.0 as 1 and has one kind of list.
    """
    return json.dumps(_recorded(params), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _recorded(value: Any) -> Any:
    match value:
        case float():
            rounded = float(f"{value:.12g}")
            return int(rounded) if rounded.is_integer() and abs(rounded) < _WHOLE else rounded
        case Mapping():
            return {str(name): _recorded(one) for name, one in value.items()}
        case tuple() | list():
            return [_recorded(one) for one in value]
        case _:
            return value


@dataclass(frozen=True, slots=True)
class Among:
    """Values of a column of texts, numbers or truth values that are among some. Answer: `MatchCount`."""

    column: str
    values: tuple[str, ...] | tuple[float, ...] | tuple[bool, ...]
    """Of the kind of the column, each once; at least one."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """Values of a column of texts with so many characters (code points). Answer: `MatchCount`."""

    column: str
    low: int | None
    """The fewest that are counted; None for no bound."""
    high: int | None
    """The most."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """One expectation of a suite of Great Expectations, read and found sound."""

    type: str
    """`expect_column_values_to_be_between`"""
    kwargs: str
    """Its arguments, as canonical JSON, without those that only say how a result is shown."""
    severity: Literal["critical", "warning", "info"]
    place: int
    """Which of its suite, from 0."""
    suite: str
    """The file of the suite, for errors."""

    @property
    def where(self) -> str:
        """Name its place as messages do: `orders.json: expectations[3]`."""
        return f"{self.suite}: expectations[{self.place}]"


@dataclass(frozen=True, slots=True)
class Expected:
    """Whether an expectation is met. Answer: `ExpectedResult`.

    What means the same there is answered by other statistics. Great Expectations answers all others of a
    table in one run, in memory, on the columns that they name.
    """

    expectation: Expectation
    engine: Literal["auto", "gx"] = "auto"
    """`gx`: Great Expectations answers in any case."""


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite of the release by its name under `expectations:`. Answer: `SuiteFound`."""

    name: str | None
    """None: the only one."""


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
    | Quantiles
    | Distribution
    | Cut
    | Overlap
    | Sample
    | Among
    | Lengths
    | Expected
    | Drawn
)


@dataclass(frozen=True, slots=True)
class Digests:
    """Which bytes a table is made of. Answer: `TableDigests`."""

    table: str
    """Its name under `data:`."""


@dataclass(frozen=True, slots=True)
class On:
    """A statistic of another table of the release than the one that is judged. Answer: as the statistic's."""

    table: str
    statistic: TableStatistic


Statistic: TypeAlias = (
    TableStatistic
    | On
    | Document
    | Stated
    | Pinned
    | Recorded
    | Suite
    | Digests
    | Loaded
    | Artifact
    | Source
    | Retrained
    | Lock
    | DataVersions
    | Registration
)
