"""For authors of checks and measures: example cases that are judged for real.

A case file lies at `<folder>/<family>/<name>.yaml` and holds at least one passing, one failing and one
not-measured example of one check. `check_case` writes the rows of a case to a CSV file, judges it with
the gate itself, and compares outcome and value.
"""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from mlgate import api, strict_yaml
from mlgate.findings import GOVERNANCE, Finding
from mlgate.testing import repository

TOLERANCE = 1e-9

Expected = Literal["pass", "fail", "inconclusive", "not_measured", "not_applicable"]


class Example(strict_yaml.Model):
    """One example of a case file."""

    name: str
    expect: Expected
    use: Mapping[str, Any] = Field(default_factory=dict)
    """Keys of the policy's use of the check: its limit, groups, params, ..."""
    release: Mapping[str, Any] = Field(default_factory=dict)
    """Merged over a minimal release whose evaluation table is `rows.csv`."""
    policy: Mapping[str, Any] = Field(default_factory=dict)
    """Merged over a policy that holds nothing but the use: pins, decision, ..."""
    rows: str
    """CSV with a header line."""
    repeat: int = 1
    """How often the body of `rows` is written."""
    value: float | None = None
    n: int | None = None
    reason_contains: str | None = None
    documents: Mapping[str, str] = Field(default_factory=dict)
    """Further files, name to text."""
    binaries: Mapping[str, str] = Field(default_factory=dict)
    """Further files that are no text, name to their bytes in base64."""
    commits: tuple[Mapping[str, str], ...] | None = None
    """Files of one commit each, in a git repository; release.yaml and all else are committed after them.
    None: there is no repository."""
    uncommitted: Mapping[str, str] = Field(default_factory=dict)
    """Files that are written after the last commit."""


class CaseFile(strict_yaml.Model):
    """A case file."""

    check: str
    cases: tuple[Example, ...]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One example with the check that it is about."""

    check: str
    example: Example

    def __str__(self) -> str:
        """Return a readable test id."""
        return f"{self.check}: {self.example.name}"


def cases(folder: str | Path) -> list[Case]:
    """Return every example of every case file below a folder, in order of path.

    Raises ContentError when a file is wrong, its name does not agree with its check, or it lacks a
    passing, a failing or a not-measured example.
    """
    root = Path(folder)
    return [case for path in sorted(root.rglob("*.yaml")) for case in _read(path, root)]


def check_case(case: Case, *, checks: Sequence[str | Path] = ()) -> Finding:
    """Judge one example with the gate, compare, and return the finding.

    Raises AssertionError when outcome, value, n or reason differ from what the case expects.
    """
    with tempfile.TemporaryDirectory(prefix="mlgate-case-") as name:
        folder = Path(name)
        _write(case, folder)
        report = api.run(folder / "release.yaml", folder / "policy.yaml", checks=checks)
    if report.errors:
        raise AssertionError(f"{case}: nothing was judged: {'; '.join(map(str, report.errors))}")
    finding = _worst([one for one in report.findings if one.check == case.check])
    _compare(case, finding)
    return finding


def _read(path: Path, root: Path) -> list[Case]:
    document = strict_yaml.read(path)
    found = strict_yaml.build(document, CaseFile)
    expected = path.relative_to(root).with_suffix("").as_posix()
    if found.check != expected:
        raise AssertionError(f"{path}: is about {found.check}, its path says {expected}")
    lacking = {"pass", "fail", "not_measured"} - {one.expect for one in found.cases}
    if lacking:
        raise AssertionError(f"{path}: has no example that is {' or '.join(sorted(lacking))}")
    return [Case(check=found.check, example=one) for one in found.cases]


def _write(case: Case, folder: Path) -> None:
    example = case.example
    if example.commits is not None:
        repository.make(folder, example.commits)
    header, _, body = example.rows.partition("\n")
    (folder / "rows.csv").write_text(f"{header}\n{body * example.repeat}", encoding="utf-8")
    repository.write(folder, example.documents)
    for name, text in example.binaries.items():
        (folder / name).write_bytes(base64.b64decode(text, validate=True))
    release = _merged(
        {
            "mlgate": 1,
            "name": "case",
            "version": "1",
            "task": "binary",
            "data": {"evaluation": {"path": "rows.csv"}},
        },
        example.release,
    )
    severity = {} if case.check.startswith(f"{GOVERNANCE}/") else {"severity": "block"}
    use = {"check": case.check, **severity, **example.use}
    policy = _merged({"mlgate": 1, "policy": "case", "checks": [use]}, example.policy)
    # JSON is YAML without anchors, which the gate refuses.
    (folder / "release.yaml").write_text(json.dumps(release), encoding="utf-8")
    (folder / "policy.yaml").write_text(json.dumps(policy), encoding="utf-8")
    if example.commits is not None:
        repository.commit(folder)
    repository.write(folder, example.uncommitted)


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = _merged(below, value)
        else:
            merged[key] = value
    return merged


def _worst(findings: Sequence[Finding]) -> Finding:
    """Return the finding that decides: a case over several slices is about the worst of them."""
    order = ["fail", "not_measured", "inconclusive", "pass", "waived", "not_applicable"]
    return min(findings, key=lambda finding: order.index(finding.outcome.value))


def _compare(case: Case, finding: Finding) -> None:
    example = case.example
    told = f"{case}: {finding.outcome.value}, value {finding.value}, n {finding.n}, reason {finding.reason}"
    if finding.outcome.value != example.expect:
        raise AssertionError(f"{told}; expected {example.expect}")
    if example.value is not None and not _close(finding.value, example.value):
        raise AssertionError(f"{told}; expected the value {example.value}")
    if example.n is not None and finding.n != example.n:
        raise AssertionError(f"{told}; expected n {example.n}")
    if example.reason_contains is not None and example.reason_contains not in (finding.reason or ""):
        raise AssertionError(f"{told}; expected a reason with {example.reason_contains!r}")


def _close(found: float | None, expected: float) -> bool:
    return found is not None and abs(found - expected) <= TOLERANCE * max(1.0, abs(expected))
