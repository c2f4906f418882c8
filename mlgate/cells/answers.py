"""What evidence answers to each statistic, and where a measure looks the answers up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from mlgate.cells.columns import ColumnType
from mlgate.cells.counted import Cells
from mlgate.cells.models import ArtifactFound, DrawnRows, ModelFound, RetrainedFound, SourceFound
from mlgate.cells.provenance import DataFound, LockFound, RegistrationFound
from mlgate.cells.statistics import Counts, Expectation, Statistic

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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
    """Answer to `Matches`, `Among` and `Lengths`."""

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
class QuantileNumbers:
    """Answer to `Quantiles`; moments are in seconds since 1970-01-01 in UTC."""

    rows: int
    nulls: int
    """Rows without a value, NaN included."""
    values: tuple[float, ...]
    """As many as levels were asked for; empty where no row has a value."""
    low: float | None
    """The smallest value."""
    high: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DistributionCounts:
    """Answer to `Distribution`: arrays of shape (distinct values,)."""

    values: NDArray[np.float64]
    """Increasing; moments are in seconds since 1970-01-01 in UTC."""
    n: NDArray[np.int64]
    """Rows that have the value."""
    nulls: int
    """Rows without a value, NaN included."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CutCounts:
    """Answer to `Cut`."""

    counts: tuple[int, ...]
    """Rows of each bin, one more than edges."""
    nulls: int
    """Rows without a value, NaN included."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OverlapCounts:
    """Answer to `Overlap`."""

    rows: int
    shared: int
    """Rows whose values occur in the other table; null equals null."""
    nulls: int
    """Rows in which all of the columns are missing; they are not shared."""
    other_rows: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SampledRows:
    """Answer to `Sample`: arrays of shape (rows,), in an order of their own."""

    columns: Mapping[str, NDArray[Any]]
    """Floats for numbers, truth values and moments (seconds since 1970), NaN for missing; else texts as
    objects, None for missing."""
    rows: int
    of: int
    """Rows of the table."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedFinding:
    """Answer to `Recorded`: a finding of an earlier report, on the whole of its evaluation table."""

    report: str
    """Where the report is."""
    release: str
    """Name and version of the release that it judged."""
    value: float
    interval: tuple[float, float] | None
    """Two-sided at 2 x `confidence` - 1."""
    confidence: float | None
    n: int | None
    version: str | None = None
    """Of the measure that found it: another version may mean another number."""
    same_table: bool
    """Whether it judged the very bytes, and the rows of them, that are judged now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpectedResult:
    """Answer to `Expected`, as Great Expectations counts, without any value of the data."""

    success: bool | None
    """None where it could not be judged, with `reason`."""
    elements: int | None = None
    """Rows that it looks at; None for an expectation of the table as a whole."""
    missing: int | None = None
    """Of those, the ones that it leaves out because values are missing; None where it leaves out none."""
    unexpected: int | None = None
    """Of the rest, the ones that do not meet it; None where rows are not judged one by one."""
    reason: str | None = None
    by: Literal["mlgate", "great_expectations"] = "mlgate"
    """Who judged it."""

    @property
    def judged(self) -> int | None:
        """How many rows it is about; None for an expectation of the table as a whole."""
        return None if self.elements is None else self.elements - (self.missing or 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpectationSuite:
    """A suite of Great Expectations, as its file has it."""

    name: str
    """Under `expectations:`."""
    location: str
    sha256: str
    bytes: int
    expectations: tuple[Expectation, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SuiteFound:
    """Answer to `Suite`."""

    names: tuple[str, ...]
    """Of every suite that the release names."""
    suite: ExpectationSuite | None
    """None when there is none of that name, or no name was given and there are several."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TableDigests:
    """Answer to `Digests`: sha256 of files; None where there is none, as in a warehouse."""

    table: str | None
    predictions: str | None
    """Of the predictions, where they are a file of their own."""


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
    | QuantileNumbers
    | DistributionCounts
    | CutCounts
    | OverlapCounts
    | SampledRows
    | RecordedFinding
    | ExpectedResult
    | SuiteFound
    | TableDigests
    | DocumentText
    | Statement
    | Contradictions
    | ModelFound
    | DrawnRows
    | ArtifactFound
    | SourceFound
    | RetrainedFound
    | LockFound
    | DataFound
    | RegistrationFound
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
