"""The public names as a user's code would use them. It only has to type-check; nothing runs it."""

from __future__ import annotations

from pathlib import Path

import mlgate
from mlgate import Cells, Estimate, Finding, Report, Verdict, measure


def gate(folder: Path) -> bool:
    """Judge a release and look at one finding."""
    report: Report = mlgate.run(folder / "release.yaml", ["baseline", folder / "policy.yaml"], out=folder)
    finding: Finding = report.finding("performance/roc-auc")
    bounds: tuple[float, float] | None = finding.interval
    again: Report = mlgate.load_report(folder / "report.json")
    return report.verdict is Verdict.APPROVED and bounds is not None and again == report


@measure(id="typed.share", kind="fact", unit="1", better="higher", needs=("label",), source="a mean")
def share(cells: Cells, *, scale: float = 1.0) -> Estimate:
    """Share of positives."""
    value = float((cells.roles["label"] * cells.w).sum() / cells.w.sum()) * scale
    return Estimate(value=value, n=cells.rows)


identifier: str = share.id
