"""Which column of a table plays which role, as the author of a release states it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, TypeAlias

from pydantic import AfterValidator, Field

from mlgate.strict_yaml import Model, Wrong, show

Scalar: TypeAlias = str | int | float | bool


def _once(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise Wrong(f"{', '.join(map(show, twice))} is here twice", "name each column once")
    return names


def _levels(levels: Mapping[str, str]) -> Mapping[str, str]:
    for level in levels:
        try:
            inside = 0 < float(level) < 1
        except ValueError:
            inside = False
        if not inside:
            raise Wrong(f"{show(level)} is no quantile level", "use a number between 0 and 1", at=(level,))
    return levels


Column: TypeAlias = Annotated[str, Field(min_length=1)]
Names: TypeAlias = Annotated[tuple[Column, ...], AfterValidator(_once)]
Levels: TypeAlias = Annotated[Mapping[str, Column], Field(min_length=1), AfterValidator(_levels)]
"""From quantile level to column."""


class ColumnsSpec(Model):
    """Roles of columns, all optional. In a table's own `columns`, null says that it lacks the role."""

    called: ClassVar[str] = "columns"

    label: Column | None = None
    """What was to be predicted, as it turned out."""
    positive: Scalar | None = None
    """Label value that counts as positive; 1, 1.0, "1" and true match each other. Required unless labels are
    0/1 or false/true."""
    favourable: Scalar | Annotated[tuple[Scalar, ...], Field(min_length=1)] | None = None
    """The outcome that people want: a label, for multiclass also a list. Default: positive."""
    score: Column | Annotated[Mapping[str, Column], Field(min_length=1)] | None = None
    """The column of P(label == positive); for multiclass a mapping from class to column."""
    prediction: Column | None = None
    """The decision. Default: score >= threshold."""
    prediction_positive: Scalar | None = None
    """Value of `prediction` that means positive. Default: that of the label."""
    features: Names | None = None
    """What the model reads. Default: every column with no other role."""
    categorical: Names | None = None
    """Features whose numbers are names."""
    protected: Names | None = None
    """What groups are made of for fairness, such as sex or age group."""
    key: Column | None = None
    """Identifies a row."""
    time: Column | None = None
    """When the row came to be."""
    weight: Column | None = None
    """How much a row counts."""
    cluster: Column | None = None
    """Rows that belong together, such as those of one customer."""
    interval: tuple[Column, Column] | None = None
    """Columns of the low and the high end of a regression interval."""
    quantiles: Levels | None = None
    """From quantile level to column: {0.1: p10}."""

    def with_overrides(self, table: ColumnsSpec | None) -> ColumnsSpec:
        """Return these roles as one table has them: what the table states wins, null included."""
        if table is None:
            return self
        return self.model_copy(update={name: getattr(table, name) for name in table.model_fields_set})

    def contradiction(self) -> Wrong | None:
        """Return what is wrong when one column has two roles that exclude each other."""
        label = {self.label: "label"} if self.label is not None else {}
        outputs = dict(self._outputs())
        others = dict(self._inputs())
        for column, role in (*others.items(), *outputs.items()):
            if column in label and role != "protected":
                return _clash(column, "label", role)
        for column, role in outputs.items():
            if column in others:
                return _clash(column, role, others[column])
        return None

    def by_column(self) -> dict[str, str]:
        """Return every column that has a role, with one role of it: what the model writes first."""
        label = {} if self.label is None else {self.label: "label"}
        return {**dict(self._inputs()), **label, **dict(self._outputs())}

    def _outputs(self) -> Iterator[tuple[str, str]]:
        """Yield the columns that the model writes, with their role."""
        score = self.score if isinstance(self.score, Mapping) else {"": self.score}
        yield from ((column, "score") for column in score.values() if column is not None)
        yield from ((column, "quantiles") for column in (self.quantiles or {}).values())
        yield from ((column, "interval") for column in self.interval or ())
        if self.prediction is not None:
            yield self.prediction, "prediction"

    def _inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the columns that are there before the model, label left out, with their role."""
        yield from ((column, "protected") for column in self.protected or ())
        yield from ((column, "categorical") for column in self.categorical or ())
        for role in ("key", "time", "weight", "cluster"):
            if (column := getattr(self, role)) is not None:
                yield column, role
        yield from ((column, "features") for column in self.features or ())


def _clash(column: str, one: str, other: str) -> Wrong:
    what = f"column {show(column)} is both {one} and {other}"
    return Wrong(what, "give it one of the two roles", at=(other,))
