"""What a measure returns: numbers with their uncertainty, and no opinion about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable


@runtime_checkable
class Interval(Protocol):
    """An interval that can be asked at any confidence, so that Holm and guards need no second pass."""

    @property
    def method(self) -> str:
        """The name of the method, as the report prints it: `wilson`, `delong`, `newcombe`, ..."""
        ...

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided bounds at `confidence` in (0, 1), lower first, both finite."""
        ...

    def grown(self, factor: float) -> Interval:
        """Return what the interval would be with `factor` times the rows and the same estimate."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupEstimate:
    """One row of a group table: a group, a column, or whatever the measure breaks its value into."""

    group: Mapping[str, str]
    """Column to value as text; `{"sex": "female"}`, `{"column": "age"}`. A null group is "unknown"."""
    n: int
    """Rows in the group."""
    value: float | None
    """The group's own number; None when it is not estimable, with `reason`."""
    rate: str | None = None
    """Which rate this row is about when a group has several: `true_positive_rate`."""
    numerator: float | None = None
    denominator: float | None = None
    interval: Interval | None = None
    judged: bool = True
    """False for groups that are listed and never judged alone (too small, unknown)."""
    reason: str | None = None
    """Why it is not judged, or why there is no value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """One of the numbers that a claim over groups covers; all of them must be inside the limit."""

    name: str
    """`female - male`, `worst: age < 25`; shown when this is the one that decides."""
    value: float
    interval: Interval | None
    groups: tuple[Mapping[str, str], ...] = ()
    """The groups that it compares, in the order of `name`."""
    rate: str | None = None
    """Which row of a group it is about, as `GroupEstimate.rate`, when it is about one group alone."""
    reason: str | None = None
    """Why it could not be measured; `value` is then NaN. Others may fail, but all together cannot pass."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """Data for a picture (at most 200 points); renderers draw it."""

    kind: str
    title: str
    data: Mapping[str, tuple[float | str | None, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class PrivateExample:
    """Rows that show what was found. They never enter a report: only `private/` beside it has them."""

    title: str
    rows: Mapping[str, tuple[object, ...]]
    """From column to values, all of one length, at most 50."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A measured number. `value` is None exactly when `reason` says why it could not be measured."""

    value: float | None
    n: int
    """Rows that the value rests on."""
    interval: Interval | None = None
    """None for facts; for an estimate it means `not_measured` unless the decision is `point`."""
    reason: str | None = None
    groups: tuple[GroupEstimate, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    """Empty when the claim is about `value` alone; else every number that must be inside."""
    value_all: float | None = None
    """The same over all groups, judged or not."""
    judged_share: float | None = None
    """Share of rows in judged groups."""
    charts: tuple[Chart, ...] = field(default=())
    private: tuple[PrivateExample, ...] = ()
    """Examples with rows of the data."""
    applies: bool = True
    """False where the question has no meaning for this model; `reason` says why."""

    @classmethod
    def inapplicable(cls, reason: str) -> Estimate:
        """Say that the question has no meaning here: what would be changed is nothing the model takes."""
        return cls(value=None, n=0, reason=reason, applies=False)

    @classmethod
    def missing(
        cls,
        reason: str,
        *,
        n: int = 0,
        groups: tuple[GroupEstimate, ...] = (),
        value_all: float | None = None,
        judged_share: float | None = None,
    ) -> Estimate:
        """Say that there is no value and why; never an approval."""
        return cls(
            value=None, n=n, reason=reason, groups=groups, value_all=value_all, judged_share=judged_share
        )
