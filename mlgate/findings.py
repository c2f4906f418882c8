"""The record: outcomes, findings, the verdict and the report. Imports nothing of ours but errors.

Everything is frozen; `reports/report.schema.json` is generated from these classes, so that the record
and its schema cannot drift.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum

from mlgate.errors import Problem

SCHEMA = "mlgate-report/1"

GOVERNANCE = "governance"
"""The family that judges the files, not the model: on its own it approves nothing."""


class Outcome(str, Enum):
    """The answer to one check on one slice."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NOT_MEASURED = "not_measured"
    NOT_APPLICABLE = "not_applicable"
    WAIVED = "waived"


class Leans(str, Enum):
    """On which side of the limit an inconclusive estimate lies; neither when too few rows were judged."""

    INSIDE = "inside"
    OUTSIDE = "outside"


class Severity(str, Enum):
    """What a failing check does: only `block` can stop a release."""

    BLOCK = "block"
    WARN = "warn"
    INFO = "info"


class OnInconclusive(str, Enum):
    """What a required check does that is inconclusive; `lean` blocks when it leans outside."""

    BLOCK = "block"
    LEAN = "lean"
    WARN = "warn"


class Verdict(str, Enum):
    """The answer to the whole policy."""

    APPROVED = "approved"
    BLOCKED = "blocked"
    UNDECIDED = "undecided"


class Origin(str, Enum):
    """Who vouches for a piece of evidence, strongest first."""

    COMPUTED = "computed"
    ATTESTED = "attested"
    DECLARED = "declared"


class ExitCode(IntEnum):
    """What the process says to its caller."""

    APPROVED = 0
    BLOCKED = 1
    INVALID = 2
    """Something named does not exist, or bytes do not parse: nothing was judged."""
    UNDECIDED = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitRecord:
    """The limit as it was applied."""

    op: str
    value: float | tuple[float, float] | str | bool | None
    """A number; for `between` the two ends; for `equals` a number or text; for `holds` true."""
    guard: float
    """In the unit of the measure: how far the uncertain end may reach past the limit."""
    decided_on: str
    """`fact`, `point`, `guard` or `bound`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasureRecord:
    """Which function measured, and whose it is."""

    id: str
    package: str
    version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FixRecord:
    """What to do about a finding that is not a pass."""

    effort: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupRecord:
    """One row of a finding's group table."""

    group: Mapping[str, str]
    n: int
    value: float | None
    rate: str | None = None
    numerator: float | None = None
    denominator: float | None = None
    interval: tuple[float, float] | None = None
    method: str | None = None
    judged: bool = True
    outcome: Outcome | None = None
    """Pass, fail or inconclusive where the group itself is held against the limit; else null."""
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChartRecord:
    """Data of one picture; at most 200 points a series."""

    kind: str
    title: str
    data: Mapping[str, tuple[float | str | None, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """The answer to one check on one slice or one set of groups."""

    id: str
    check: str
    check_digest: str
    measure: MeasureRecord
    family: str
    kind: str
    """`fact`, `estimate` or `timing`."""
    title: str
    severity: Severity
    outcome: Outcome
    leans: Leans | None = None
    on_inconclusive: OnInconclusive = OnInconclusive.BLOCK
    value: float | None = None
    value_all: float | None = None
    unit: str = "1"
    better: str = "higher"
    interval: tuple[float, float] | None = None
    confidence: float | None = None
    """The one-sided confidence of the claim; `interval` is two-sided at 2 x confidence - 1."""
    method: str | None = None
    n: int | None = None
    judged_share: float | None = None
    limit: LimitRecord | None = None
    warn: LimitRecord | None = None
    """A second band that never blocks; `warned` says whether the value lies outside it."""
    warned: bool = False
    table: str | None = None
    against: str | None = None
    """The table that it was compared with, if any."""
    retrain: bool | None = None
    """True where a failure of the check says that the model wants training again, and it failed; null for
    checks that say nothing of it."""
    slice: Mapping[str, str] | None = None
    by: tuple[str, ...] = ()
    """The protected columns that the groups are made of; several make a product."""
    decides: str | None = None
    """Which comparison decided: `female - male`."""
    groups: tuple[GroupRecord, ...] = ()
    params: Mapping[str, object] = field(default_factory=dict)
    origin: Origin = Origin.DECLARED
    reason: str | None = None
    needed_n: int | None = None
    waiver: str | None = None
    because: str | None = None
    why: str = ""
    fix: FixRecord | None = None
    maps_to: tuple[str, ...] = ()
    charts: tuple[ChartRecord, ...] = ()
    seconds: float | None = None

    @property
    def accepted(self) -> bool:
        """Whether this finding, if required, lets the release through."""
        match self.outcome:
            case Outcome.PASS | Outcome.WAIVED | Outcome.NOT_APPLICABLE:
                return True
            case Outcome.INCONCLUSIVE:
                return self.on_inconclusive is OnInconclusive.WARN or (
                    self.on_inconclusive is OnInconclusive.LEAN and self.leans is Leans.INSIDE
                )
            case _:
                return False


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolRecord:
    """Which mlgate this was."""

    version: str
    digest: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleaseRecord:
    """What was judged, as its author states it."""

    name: str
    version: str
    task: str
    risk: str | None
    intended_use: str | None
    digest: str
    chosen_by_author: tuple[str, ...] = ()
    """What the policy does not pin: `columns.label = defaulted`."""
    not_looked_at: tuple[str, ...] = ()
    """What the release states and this version of mlgate does nothing with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceFile:
    """A policy file that took part."""

    path: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyRecord:
    """What was demanded."""

    id: str
    title: str
    digest: str
    sources: tuple[SourceFile, ...]
    decision: str
    confidence: float
    weakened: tuple[str, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)
    """What each of the policies that it is made of says of itself: id to words."""
    not_enforced: tuple[str, ...] = ()
    """What the policy asks of commands that this version of mlgate does not have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EvidenceRecord:
    """One thing that was looked at."""

    name: str
    kind: str
    """`table`, `model`, `predictions`, `document`, `provenance`; of others `release`, `report`."""
    location: str
    sha256: str | None
    rows: int | None
    columns: int | None
    bytes: int | None
    origin: Origin
    note: str | None = None
    """`labels reachable` where whatever made it could have read the labels; why a model was not run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceRecord:
    """Where the release came from; None where it is not known."""

    repository: str | None = None
    commit: str | None = None
    dirty: bool | None = None
    ref: str | None = None
    run_url: str | None = None
    actor: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvironmentRecord:
    """What it ran on."""

    python: str
    platform: str
    packages_digest: str
    packages: tuple[str, ...]
    isolation: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Everything that was found, and what it was found on. Immutable."""

    schema: str = SCHEMA
    id: str | None = None
    """sha256 of the stable part, so that the same input gives the same id."""
    tool: ToolRecord
    as_of: str
    started_at: str | None
    finished_at: str | None
    verdict: Verdict | None
    promotable: bool
    promotable_reason: str | None = None
    """Why not, when it is not: `--only`, `--advisory`, nothing could block, ..."""
    errors: tuple[Problem, ...] = ()
    release: ReleaseRecord | None = None
    policy: PolicyRecord | None = None
    evidence: tuple[EvidenceRecord, ...] = ()
    source: SourceRecord = SourceRecord()
    environment: EnvironmentRecord | None = None
    findings: tuple[Finding, ...] = ()
    waivers: tuple[Mapping[str, object], ...] = ()
    coverage: Mapping[str, object] = field(default_factory=dict)
    totals: Mapping[str, int] = field(default_factory=dict)
    """How many findings of each outcome; every outcome is a key."""
    retrain: bool = False
    """Whether any finding says that the model wants training again; verdict and exit code are as without."""

    def finding(self, finding_id: str) -> Finding:
        """Return the finding with this id; KeyError names the ids that there are."""
        for found in self.findings:
            if found.id == finding_id:
                return found
        ids = [found.id for found in self.findings]
        close = [one for one in ids if one.startswith(finding_id)]
        raise KeyError(f"no finding {finding_id!r}; there are {', '.join(close or ids)}")

    @property
    def exit_code(self) -> ExitCode:
        """The process exit code that this report stands for."""
        match self.verdict:
            case Verdict.APPROVED:
                return ExitCode.APPROVED
            case Verdict.BLOCKED:
                return ExitCode.BLOCKED
            case Verdict.UNDECIDED:
                return ExitCode.UNDECIDED
            case None:
                return ExitCode.INVALID


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """Judge the findings together: blocked > undecided > approved.

    Approved takes every required finding accepted and at least one required finding that was measured
    and passed; findings about the files themselves do not count. An empty list is undecided: nothing was
    asked, so nothing was shown.
    """
    required = [found for found in findings if found.severity is Severity.BLOCK]
    if any(f.outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE) and not f.accepted for f in required):
        return Verdict.BLOCKED
    if any(not f.accepted for f in required):
        return Verdict.UNDECIDED
    if not any(f.outcome is Outcome.PASS and f.family != GOVERNANCE for f in required):
        return Verdict.UNDECIDED
    return Verdict.APPROVED


def totals_of(findings: Iterable[Finding]) -> dict[str, int]:
    """Count the findings of each outcome, zeros included."""
    counts = {outcome.value: 0 for outcome in Outcome}
    for found in findings:
        counts[found.outcome.value] += 1
    return counts
