"""Which checks a release is not asked, and when that is no answer."""

from __future__ import annotations

from collections.abc import Sequence

from mlgate.evidence.release import Release
from mlgate.findings import Severity
from mlgate.policy import Policy, Use


def evaded(
    use: Use, reasons: Sequence[tuple[Use, str | None]], policy: Policy, release: Release
) -> str | None:
    """Say that a release would escape a required check by the task that its author states.

    A check does not apply to another task. But a policy that asks something of the model's performance,
    say, and finds no check of that family that fits the task, has not been answered.
    """
    fits = not use.check.tasks or release.task in use.check.tasks
    left_out = use.when.task is not None or {use.check.id, use.check.family} & set(policy.not_applicable)
    if fits or left_out or use.severity is not Severity.BLOCK:
        return None
    answered = any(
        reason is None and other.severity is Severity.BLOCK and other.check.family == use.check.family
        for other, reason in reasons
    )
    if answered:
        return None
    tasks, family = " or ".join(use.check.tasks), use.check.family
    return (
        f"it is for task {tasks}, this release says {release.task}, and no other required check of {family} "
        "fits; fix `release: {task: …}` in the policy, or say `when: {task: …}` of the check"
    )
