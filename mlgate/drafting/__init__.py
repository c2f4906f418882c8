"""The files that a guess becomes: a release, a policy with limits that its table can decide, a workflow."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mlgate import catalogue, policy
from mlgate.cells import Bins, By
from mlgate.drafting import model_checks, policy_text, release_text, suite_text, workflow_text
from mlgate.drafting.choosing import FAIRNESS, PERFORMANCE, Choice, Wanted, choose, choose_gap
from mlgate.errors import EvidenceError
from mlgate.evidence import bundle
from mlgate.evidence.bundle import Access, open_evidence
from mlgate.evidence.expectations.reading import read_suite
from mlgate.evidence.release import Release
from mlgate.evidence.tables import Table
from mlgate.gate import tables_needed
from mlgate.gate.measuring import Measured
from mlgate.gate.power import Prospect, measured, prospects
from mlgate.guessing import Draft
from mlgate.guessing.columns import facts_of
from mlgate.strict_yaml import parse

__all__ = ["Files", "files"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    """What is to be written, and what it will decide."""

    texts: Mapping[Path, str]
    """Absolute path to text."""
    choices: tuple[Choice, ...]
    prospects: tuple[Prospect, ...]
    """Of the drafted policy on the present table."""


def files(
    draft: Draft,
    folder: Path,
    name: str,
    workdir: Path,
    *,
    workflow: bool = True,
    expectations: bool = False,
    allow: Sequence[Path] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> Files:
    """Draft the files for a folder; nothing is written there.

    `workdir` is a private directory that the caller removes; `expectations` also drafts a suite from the
    training table. Raises MlgateError when the release cannot be judged as it was guessed.
    """
    text = release_text.release_text(draft, name)
    document = parse(text.encode(), release_text.FILE, path=folder / release_text.FILE)
    release = Release.of(document)
    checks = catalogue.load(())
    performance = [one for one in PERFORMANCE[release.task] if one.check in checks]
    groups: list[tuple[By, ...]] = [(column,) for column in draft.judged]
    groups += [(Bins(column, edges),) for column, edges in draft.ages.items()]
    fairness = [one for one in FAIRNESS[release.task] if one.check in checks] if groups else []
    asked = [(one.check, one.op.value) for one in (*performance, *fairness)]
    trial = workdir / "trial.yaml"
    trial.write_text(policy_text.provisional(asked, groups), encoding="utf-8")
    first = policy.load([trial], checks)
    access = Access(workdir=workdir, allow=allow)
    progress("opening tables")
    source = "train" if "train" in release.data else "evaluation"
    opened = dict.fromkeys([*tables_needed(first, release, None), *([source] if expectations else [])])
    looked_at = bundle.Wanted(tables=tuple(opened), predicted=(), models=False)
    evidence = open_evidence(release, document, looked_at, access)
    found = measured(evidence, first, progress)
    choices = _choices(performance, fairness, found)
    if not any(one.limit is not None for one in choices):
        reasons = (
            "; ".join(dict.fromkeys(f"{one.wanted.check}: {one.reason}" for one in choices))
            or "no check fits"
        )
        raise EvidenceError(
            f"task {release.task}",
            f"nothing can be measured of it ({reasons})",
            "see whether --label, --score or --task is wrong",
        )
    texts: dict[Path, str] = {}
    if expectations:
        progress("drafting expectations")
        path, wanted = suite_text.file_of(name), _suite(draft, name, evidence.tables[source])
        text = release_text.release_text(draft, name, {suite_text.suite_name(name): path})
        called = suite_text.suite_name(name)
        evidence = replace(evidence, suites={called: read_suite(wanted.encode(), called, path)})
        _require_inside(folder, folder / path)
        texts[folder / path] = wanted
    suite = [policy_text.SUITE] if expectations else []
    final = workdir / policy_text.FILE  # without what is asked of the model, which is not loaded here
    final.write_text(policy_text.policy_text(name, choices, _pins(draft), suite), encoding="utf-8")
    further = [*suite, *(one for one in model_checks.uses(draft.model) if one["check"] in checks)]
    written = policy_text.policy_text(name, choices, _pins(draft), further)
    resolved = policy.load([final], checks)
    progress("working out what the table can decide")
    chances = prospects(evidence, resolved, progress)
    texts |= {folder / release_text.FILE: text, folder / policy_text.FILE: written}
    if workflow:
        root = next((one for one in (folder, *folder.parents) if (one / ".git").exists()), folder)
        relative = (folder / release_text.FILE).relative_to(root).as_posix()
        _require_inside(root, root / workflow_text.PATH)
        texts[root / workflow_text.PATH] = workflow_text.workflow_text(relative)
    return Files(texts=texts, choices=tuple(choices), prospects=tuple(chances))


def _suite(draft: Draft, name: str, table: Table) -> str:
    """Draft the suite from the columns that the training table and the judged one share."""
    columns = suite_text.wanted(draft, table.columns.names)
    return suite_text.suite_text(name, facts_of(table), columns, draft.roles.key)


def _require_inside(root: Path, path: Path) -> None:
    """Raise EvidenceError where a link in a repository, which a stranger may have made, leads out of it."""
    real, home = Path(os.path.realpath(path)), Path(os.path.realpath(root))
    if home not in real.parents:
        what = "would be written outside of the repository, through a link"
        todo = "remove the link, or leave that file out: --no-workflow, or no --expectations"
        raise EvidenceError(str(path), what, todo)


def _choices(
    performance: Sequence[Wanted], fairness: Sequence[Wanted], found: Sequence[Measured]
) -> list[Choice]:
    by_check: dict[str, list[Measured]] = {}
    for one in found:
        by_check.setdefault(one.question.use.check.id, []).append(one)
    choices = [choose(one, by_check[one.check][0]) for one in performance if one.check in by_check]
    for wanted in fairness:
        choices += choose_gap(wanted, by_check.get(wanted.check, ()))
    return choices


def _pins(draft: Draft) -> Mapping[str, str]:
    from mlgate.drafting.yaml_text import listed, text, value

    label = draft.labelled
    parts = [f"label: {text(label.label)}"]
    if label.positive is not None:
        parts.append(f"positive: {value(label.positive)}")
    if draft.judged:
        parts.append(f"protected: {listed(draft.judged, -1000)}")
    return {
        "task": f"task: {label.task}",
        "columns": f"columns: {{{', '.join(parts)}}}",
        "rows": f"evaluation: {{min_rows: {max(draft.evaluation.rows // 2, 1)}}}",
    }
