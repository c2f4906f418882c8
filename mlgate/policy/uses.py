"""A policy once it is resolved: which checks it uses, each with its limit and rule, and what it pins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlgate.cells import By
from mlgate.evidence.models.trust import Terms
from mlgate.findings import OnInconclusive, Origin, Severity, SourceFile
from mlgate.limits import Limit, Rule
from mlgate.policy.model import Approvals, Pins, Promotion, Trust, When

if TYPE_CHECKING:
    from mlgate.catalogue import Check
    from mlgate.evidence.release import Release
    from mlgate.measures import Measure


CHAMPION = "champion"
"""The need of checks that compare with the model that runs now."""


@dataclass(frozen=True, kw_only=True)
class Exemption:
    """Another limit for the slices that have some values."""

    where: Mapping[str, str]
    """Column to value, as slices name it."""
    limit: Limit
    because: str

    def covers(self, piece: Mapping[str, str]) -> bool:
        """Whether it is about a slice, given as column to value."""
        return self.where.items() <= piece.items()


@dataclass(frozen=True, kw_only=True)
class Use:
    """One use of a check, with everything decided that a policy decides."""

    id: str
    check: Check
    measure: Measure
    params: Mapping[str, Any]
    """Validated against the measure's signature, defaults filled in; what the gate injects is absent."""
    limit: Limit
    warn: Limit | None = None
    """A band inside the limit; outside it the finding warns, and never blocks."""
    exceptions: tuple[Exemption, ...] = ()
    """Other limits for some slices."""
    severity: Severity
    rule: Rule
    on_inconclusive: OnInconclusive
    min_group: int
    """Groups with fewer rows are listed and never judged alone."""
    judge_unknown: bool = False
    """Whether the group of rows whose protected value is missing is judged."""
    groups: tuple[tuple[By, ...], ...] | None = None
    """Sets of groups, each a product of columns; None: every protected column of the release by itself."""
    slices: tuple[tuple[By, ...], ...] = ()
    table: str = "evaluation"
    against: str | None = None
    """The table that it is compared with, for measures that compare two; else None."""
    retrain: bool = False
    """Whether a failure says that the model wants training again."""
    when: When = field(default_factory=When)
    because: str | None = None
    """Why the limit is where it is, in the words of the policy."""
    origin: Origin | None = None
    """The weakest evidence that it may rest on; None: any."""
    where: str
    """File and line of the entry that spoke last."""
    stated: Mapping[str, str] = field(default_factory=dict)
    """Where each of its keys was written: `limit`, `guard`, `params.average`, ..."""

    def exemption(self, piece: Mapping[str, str] | None) -> Exemption | None:
        """Return the exception that holds for a slice: of several, one that is as strict as all of them.

        None when there is none, or when several cannot be ranked; then the limit itself holds.
        """
        found = [one for one in self.exceptions if piece is not None and one.covers(piece)]
        strictest = (one for one in found if all(one.limit.tighter_or_equal(other.limit) for other in found))
        return next(strictest, None)


@dataclass(frozen=True, kw_only=True)
class Replaced:
    """A pin that a later policy changed."""

    pin: str
    was: Any
    now: Any
    where: str


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What is demanded of a release; made by `load`."""

    id: str
    title: str
    about: Mapping[str, str]
    """What each of the policies that it is made of says of itself: id to words."""
    version: int | None
    digest: str
    """`sha256:` and the digest of `resolved`; layout, comments and the order of keys do not change it."""
    sources: tuple[SourceFile, ...]
    """Every file that took part, in the order in which they were merged."""
    uses: tuple[Use, ...]
    """Never empty; use ids are distinct."""
    off: Mapping[str, str]
    """Inherited uses that were dropped: use id to reason."""
    pins: Pins
    replaced: tuple[Replaced, ...]
    decision: str
    confidence: float
    seed: int
    trust: Trust
    first_release: str
    not_applicable: Mapping[str, str]
    """Families and checks that are not asked: id to reason."""
    approvals: Approvals
    promotion: Promotion
    where: str
    """File and line of the policy that was asked for."""
    resolved: Mapping[str, Any]
    """The whole, as plain JSON data: what the digest is over and `mlgate policy show` prints."""
    pinned_at: Mapping[str, str] = field(default_factory=dict)
    """Where each pin was written: `columns.label`, `evaluation.min_rows`, ..."""
    weakened: tuple[str, ...] = ()
    """Where it asks less than what it extends, a line for each change, with its file and line."""
    stated: frozenset[str] = frozenset()
    """The keys of a policy that one of the files has: `seed`, `trust`, ..."""

    @property
    def terms(self) -> Terms:
        """Return what the policy lets a model execute, and how far it must be shut in."""
        return Terms(
            models=self.trust.models or "none",
            isolation=self.trust.isolation or "filesystem",
            hosts=self.trust.hosts,
        )

    @property
    def extends(self) -> tuple[str, ...]:
        """Return the files that the policy builds on, first merged first."""
        return tuple(one.path for one in self.sources[:-1])

    @property
    def can_block(self) -> bool:
        """Whether any of its checks can stop a release; a policy that cannot is never promotable.

        Keeping to the pins shows nothing about a model, so that check alone does not count.
        """
        return any(
            self._asked(use) and use.severity is Severity.BLOCK and use.check.family != "governance"
            for use in self.uses
        )

    @property
    def screen(self) -> bool:
        """Whether estimates alone decide: such a run is a screen, and the report calls it so."""
        return self.decision == "point" or any(
            use.rule.decision == "point" and use.measure.kind != "fact"
            for use in self.uses
            if self._asked(use) and use.severity is Severity.BLOCK
        )

    def use(self, use_id: str) -> Use:
        """Return the use with this id; KeyError names those that there are."""
        for one in self.uses:
            if one.id == use_id:
                return one
        raise KeyError(f"no use {use_id!r}; there are {[one.id for one in self.uses]}")

    def _asked(self, use: Use) -> bool:
        return not {use.check.id, use.check.family} & set(self.not_applicable)


def applies(use: Use, policy: Policy, release: Release) -> str | None:
    """Return why a use does not apply to a release, None when it does.

    A check that does not apply asks nothing, so only what the release clearly is can rule one out: a
    release that states no risk gets the checks of every risk.
    """
    for name in (use.check.id, use.check.family):
        if name in policy.not_applicable:
            return f"the policy leaves out {name}: {policy.not_applicable[name]}"
    if use.check.tasks and release.task not in use.check.tasks:
        return f"it is for task {_either(use.check.tasks)}, and this release is {release.task}"
    if CHAMPION in use.check.needs and release.champion == "none" and policy.first_release == "allow":
        return "it compares with the model that runs now, and the release says that there is none"
    return _unmet(use, release)


def _unmet(use: Use, release: Release) -> str | None:
    when = use.when
    if when.task is not None and release.task not in when.task:
        return f"the policy asks it of task {_either(when.task)}, and this release is {release.task}"
    if when.risk is not None and release.risk is not None and release.risk not in when.risk:
        return f"the policy asks it of risk {_either(when.risk)}, and this release states {release.risk}"
    lacking = [role for role in when.declares or () if not _declared(release, use, role)]
    if lacking:
        return f"the policy asks it of releases that declare {' and '.join(lacking)}"
    return None


def _declared(release: Release, use: Use, role: str) -> bool:
    """Whether the release gives the role to a column, in general or for the table that is judged."""
    stated = [release.columns]
    if use.table in release.data:
        stated.append(release.columns_of(use.table))
    return any(getattr(columns, role) not in (None, (), {}) for columns in stated)


def _either(names: tuple[str, ...]) -> str:
    return " or ".join(names)
