"""Which groups a measure compares, and which of them are judged: what the policy says, as one thing."""

from __future__ import annotations

from dataclasses import dataclass

from mlgate.cells import By


@dataclass(frozen=True, kw_only=True, slots=True)
class Judging:
    """Which groups, and which of them are judged. The gate gives it to a measure that takes `judging`."""

    by: tuple[By, ...]
    """The columns, or bins of columns, whose product makes the groups."""
    min_group: int
    """Groups with fewer rows, or fewer in the denominator of their rate, are listed and not judged."""
    judge_unknown: bool
    """Whether the group of rows whose protected value is missing is judged."""
