"""mlgate: the gate between a trained model and production.

`run` judges a release against a policy; `measure` declares a measure of one's own.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlgate.api import load_report, run
    from mlgate.cells import Answers, Cells, Columns, Counts
    from mlgate.errors import MlgateError
    from mlgate.estimates import Comparison, Estimate, GroupEstimate, Interval
    from mlgate.findings import Finding, Outcome, Report, Severity, Verdict
    from mlgate.measures import measure

    __version__: str

__all__ = [
    "Answers",
    "Cells",
    "Columns",
    "Comparison",
    "Counts",
    "Estimate",
    "Finding",
    "GroupEstimate",
    "Interval",
    "MlgateError",
    "Outcome",
    "Report",
    "Severity",
    "Verdict",
    "load_report",
    "measure",
    "run",
]

_HOMES = {
    "mlgate.api": ("load_report", "run"),
    "mlgate.cells": ("Answers", "Cells", "Columns", "Counts"),
    "mlgate.errors": ("MlgateError",),
    "mlgate.estimates": ("Comparison", "Estimate", "GroupEstimate", "Interval"),
    "mlgate.findings": ("Finding", "Outcome", "Report", "Severity", "Verdict"),
    "mlgate.measures": ("measure",),
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import mlgate` costs nothing."""
    if name == "__version__":
        from importlib import metadata

        return metadata.version("mlgate")
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(home), name)
    raise AttributeError(f"module 'mlgate' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
