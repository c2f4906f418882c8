"""What the report repeats of the two files: what was to be judged, and what was demanded of it."""

from __future__ import annotations

from collections.abc import Mapping

from mlgate.evidence.bundle import Evidence
from mlgate.findings import PolicyRecord, ReleaseRecord
from mlgate.policy import CHAMPION, Policy, chosen_by_author

PROVENANCE: Mapping[str, tuple[str, ...]] = {
    "environment": ("reproducibility.environment_lock", "security.dependency_audit", "security.licences"),
    "seed": ("reproducibility.seed", "reproducibility.retrain"),
    "data": ("reproducibility.data_digest",),
    "train": ("reproducibility.retrain", "robustness.retrain_variance"),
    "commit": ("reproducibility.code_commit", "reproducibility.retrain", "robustness.retrain_variance"),
    "model": ("reproducibility.model_digest",),
}
"""What a release states under `provenance`, and the measures that look at it."""


COSTS: Mapping[str, tuple[str, ...]] = {
    "training_usd": ("cost.training_cost",),
    "hourly_usd": ("cost.per_1000",),
    "training_kwh": ("cost.training_energy",),
    "emissions": ("cost.training_energy",),
}
"""What a release states under `costs`, and the measures that look at it."""


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
        not_looked_at=_not_looked_at(evidence, policy),
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


def _not_looked_at(evidence: Evidence, policy: Policy) -> tuple[str, ...]:
    """Return what the release states and this run does nothing with, so that nobody counts on it."""
    release = evidence.release
    compares = any(CHAMPION in use.check.needs for use in policy.uses)
    anchors = {use.params.get("anchor") for use in policy.uses}
    said = [] if compares else ["champion"]
    said += [] if _is_run(evidence) else ["model"]
    said += [f"anchors.{name}" for name in release.anchors if name not in anchors]
    measured = {use.measure.id for use in policy.uses}
    said += [f"provenance.{key}" for key, by in PROVENANCE.items() if not measured.intersection(by)]
    said += [f"costs.{key}" for key, by in COSTS.items() if not measured.intersection(by)]
    said += ["statements"]
    # Only measures of regression read intervals and quantiles.
    blocks = ("", *(f"data.{table}." for table in release.data)) if release.task != "regression" else ()
    for block in blocks:
        said += [f"{block}columns.interval", f"{block}columns.quantiles"]
    return tuple(name for name in said if release.stated(name) not in (None, "none"))


def _is_run(evidence: Evidence) -> bool:
    """Whether the model of the release may be asked; of one that may not, its record says why."""
    found = evidence.models.get("release")
    return found is not None and found.opened.raw is not None


def _not_enforced(policy: Policy) -> tuple[str, ...]:
    """Return what the policy asks that this version has no command for, or nothing that it could change.

    A seed changes nothing where no measure draws, nor `first_release` where none compares with a champion.
    """
    parts = {"approvals": policy.approvals, "promotion": policy.promotion}
    asked = [name for name, part in parts.items() if part.model_fields_set]
    idle = {
        "first_release": all(CHAMPION not in use.check.needs for use in policy.uses),
        "seed": all("seed" not in use.measure.injected for use in policy.uses),
    }
    return (*asked, *(name for name, is_idle in idle.items() if is_idle and name in policy.stated))
