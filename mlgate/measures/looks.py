"""How often a test set has been used to choose between models: each look makes it less of a test."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlgate.cells import Answers, Columns, Digests, Document, DocumentText, Statistic, TableDigests
from mlgate.estimates import Estimate, GroupEstimate
from mlgate.measures import measure

EVALUATION = "evaluation"
LOG = Document("evaluation_log")

_APPEND = "append to it after each run: jq -c '{evidence}' mlgate-report/report.json >> FILE"


@dataclass(frozen=True, slots=True)
class _Look:
    """An earlier report, as far as it counts here."""

    table: str | None
    """sha256 of the evaluation table that it judged."""
    predictions: str | None
    """sha256 of what the model said of it."""


@measure(
    id="reproducibility.evaluation_looks",
    kind="fact",
    unit="models",
    better="lower",
    needs=("document:evaluation_log",),
    source="number of distinct sha256 of predictions in earlier reports on the sha256 of this table",
)
class EvaluationLooks:
    """Number of other models that earlier reports judged on the very bytes of this evaluation table.

    The release hands in the earlier reports as a document, `evaluation_log`: one JSON object on each line,
    whole reports or only their `evidence`. Models are told apart by the digests of their predictions, which
    therefore have to be a file of their own (`predictions:` of the evaluation table): where they are columns
    of the table, its digest is another one with each model, and nothing is measured. Nor is anything where a
    line cannot be read.
    """

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the log, and for the digests of the evaluation table."""
        del params, columns
        return [LOG, Digests(EVALUATION)]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Count the models."""
        del params
        log, own = cells.get(LOG, DocumentText), cells.get(Digests(EVALUATION), TableDigests)
        if own.table is None:
            return Estimate.missing("the evaluation table is no file that was read, so it has no digest")
        if own.predictions is None:
            what = "the predictions are columns of the evaluation table, whose digest each model changes"
            return Estimate.missing(
                f"{what}; hand them in as a file of their own, `predictions:` under `data:`"
            )
        looks = list(_looks(log.text))
        unreadable = [look for look in looks if isinstance(look, str)]
        if unreadable or not looks:
            return Estimate.missing(unreadable[0] if unreadable else f"{log.location} is empty; {_APPEND}")
        same = [look for look in looks if isinstance(look, _Look) and look.table == own.table]
        nameless = sum(look.predictions is None for look in same)
        if nameless:
            what = f"{nameless} of {len(same)} reports on this table do not say which predictions they judged"
            return Estimate.missing(what, n=len(same))
        others = {look.predictions for look in same} - {own.predictions}
        line = GroupEstimate(
            group={"evaluation table": own.table[:12]},
            n=len(looks),
            value=float(len(others)),
            rate="other_models",
            numerator=float(len(same)),
            denominator=float(len(looks)),
            reason="numerator: reports on this table; denominator: all reports in the log",
        )
        return Estimate(value=float(len(others)), n=len(looks), groups=(line,))


def _looks(text: str) -> Iterator[_Look | str]:
    """Yield each report of the log, or what is wrong with its line."""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            evidence = json.loads(line)["evidence"]
            digests = {str(one["name"]): one.get("sha256") for one in evidence}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            yield f"line {number} of the log is no report: it has no `evidence`; {_APPEND}"
            continue
        table, predictions = digests.get(EVALUATION), digests.get(f"{EVALUATION}.predictions")
        if not isinstance(table, str):
            yield f"line {number} of the log does not say which evaluation table was judged; {_APPEND}"
        else:
            yield _Look(table=table, predictions=predictions if isinstance(predictions, str) else None)
