"""What the report repeats of the two files: what was to be judged, and what was demanded of it."""

from __future__ import annotations

from mlgate.evidence.bundle import Evidence
from mlgate.evidence.release import Release
from mlgate.findings import PolicyRecord, ReleaseRecord
from mlgate.policy import Policy, chosen_by_author


def release_record(evidence: Evidence, policy: Policy) -> ReleaseRecord:
    """Return what the author states, and which of it the policy does not fix."""
    release = evidence.release
    return ReleaseRecord(
        name=release.name,
        version=release.version,
        task=release.task,
        risk=release.risk,
        intended_use=release.intended_use,
        digest=f"sha256:{evidence.file.sha256}",
        chosen_by_author=chosen_by_author(policy, release),
        not_looked_at=_not_looked_at(release),
    )


def policy_record(policy: Policy) -> PolicyRecord:
    """Return which policy judged, by its digest and its files."""
    return PolicyRecord(
        id=policy.id,
        title=policy.title,
        digest=policy.digest,
        sources=policy.sources,
        decision=policy.decision,
        confidence=policy.confidence,
        weakened=policy.weakened,
        about=dict(policy.about),
        not_enforced=_not_enforced(policy),
    )


def _not_looked_at(release: Release) -> tuple[str, ...]:
    """Return what the release states and this version does nothing with, so that nobody counts on it."""
    said = ["model", "champion", "anchors", "provenance", "costs", "statements"]
    # Only measures of regression read intervals and quantiles.
    blocks = ("", *(f"data.{table}." for table in release.data)) if release.task != "regression" else ()
    for block in blocks:
        said += [f"{block}columns.interval", f"{block}columns.quantiles"]
    return tuple(name for name in said if release.stated(name) not in (None, "none"))


def _not_enforced(policy: Policy) -> tuple[str, ...]:
    """Return what the policy asks that this version has no command for, or nothing that it could change.

    A seed changes nothing where no measure draws; no check compares with a champion, so neither does
    `first_release`.
    """
    parts = {"trust": policy.trust, "approvals": policy.approvals, "promotion": policy.promotion}
    asked = [name for name, part in parts.items() if part.model_fields_set]
    drawn = any("seed" in use.measure.injected for use in policy.uses)
    idle = ("first_release",) if drawn else ("first_release", "seed")
    return (*asked, *(name for name in idle if name in policy.stated))
