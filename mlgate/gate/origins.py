"""Who vouches for what a finding rests on: of all of it, the weakest counts."""

from __future__ import annotations

from mlgate.evidence.bundle import Evidence
from mlgate.findings import EvidenceRecord, Origin
from mlgate.gate.questions import Question
from mlgate.policy import CHAMPION

WEAKEST = {Origin.COMPUTED: 0, Origin.ATTESTED: 1, Origin.DECLARED: 2}

_OF_A_TABLE = frozenset({"label", "score", "prediction", "protected", "weight", "cluster", CHAMPION})
"""Needs of a check that judges what a table says, not only what the model makes of its features."""

_MEASURED = frozenset(
    f"reproducibility.{one}" for one in ("code_commit", "clean_tree", "environment_lock", "data_digest")
)
LINEAGE = _MEASURED | {"reproducibility.seed"}
"""Measures of where a release comes from: they look at its repository and files, and at what a registry says
of its model, and at no row of a table. A seed is what somebody wrote; the others the gate measures."""


def origin_of(question: Question, evidence: Evidence) -> Origin:
    """Return the weakest origin of what a question looks at.

    A table that the gate has put through the model counts as computed: what is judged of it is what the model
    said. Of any other table, its predictions are what somebody handed in.
    """
    needs = set(question.use.check.needs)
    if question.use.measure.id in _MEASURED:
        return Origin.COMPUTED
    if {"model", "artifact"} & needs and not _OF_A_TABLE & needs:
        return Origin.COMPUTED
    found = [one.origin for one in _records(question, evidence)]
    found += [Origin.DECLARED] if any(need.startswith("document:") for need in needs) else []
    return max(found, key=WEAKEST.__getitem__, default=Origin.DECLARED)


def _records(question: Question, evidence: Evidence) -> list[EvidenceRecord]:
    use = question.use
    names = (use.table, use.against, *use.check.tables)
    tables = [evidence.tables[name] for name in names if name is not None and name in evidence.tables]
    found = [record for table in tables for record in table.records]
    if CHAMPION in use.check.needs:
        named = [one for one in evidence.records if one.name.split(".")[0] == CHAMPION]
        found += [one for one in named if one.kind != "release"]  # it names what is looked at, as ours does
    return found
