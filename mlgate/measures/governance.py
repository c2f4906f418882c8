"""Measures over the files themselves: what the release's author chose against what the policy fixes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlgate.cells import Answers, Columns, Contradictions, Pinned, Statistic
from mlgate.estimates import Estimate, GroupEstimate
from mlgate.measures import measure


@measure(
    id="governance.release_pins",
    kind="fact",
    unit="pins",
    better="lower",
    source="mlgate: `release:` of the policy, compared with release.yaml and the evaluation table as opened",
)
class ReleasePins:
    """Number of things that the policy fixes and the release contradicts.

    Not measured when the policy fixes nothing.
    """

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:  # noqa: ARG002  the seam
        """Ask for the contradictions."""
        return [Pinned()]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:  # noqa: ARG002  the seam
        """Count them, and list each pin with a sentence."""
        answer = cells.get(Pinned(), Contradictions)
        if answer.pins == 0:
            return Estimate.missing("the policy fixes nothing under `release:`")
        rows = tuple(
            GroupEstimate(group={"pin": pin}, n=1, value=1.0, reason=sentence)
            for pin, sentence in answer.found
        )
        return Estimate(value=float(len(answer.found)), n=answer.pins, groups=rows)
