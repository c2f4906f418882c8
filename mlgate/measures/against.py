"""The table that the judged one is compared with: what the policy says under `against`, as one thing."""

from __future__ import annotations

from dataclasses import dataclass, field

from mlgate.cells import Columns


@dataclass(frozen=True, kw_only=True, slots=True)
class Against:
    """Which table, and what it has. The gate gives it to a measure that takes `against`.

    Ask it with `On(against.name, statistic)`.
    """

    name: str
    """Under `data:` of the release: `train`."""
    columns: Columns = field(repr=False)
    """Its columns; the roles are those that it has there."""
    judged: Columns = field(repr=False)
    """Those of the table that is judged."""
    declared: bool = True
    """Whether someone only said what this table is: that it was trained on, say. No measure can know."""
