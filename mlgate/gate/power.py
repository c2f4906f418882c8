"""What the tables of a release let a policy decide: the chances of each finding that a run would give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlgate.estimates import Estimate
from mlgate.evidence.bundle import Evidence
from mlgate.findings import OnInconclusive, Severity
from mlgate.gate import asked_of
from mlgate.gate.measuring import Measured, measure_all
from mlgate.limits import Limit
from mlgate.limits.power import Power, power
from mlgate.policy import Policy, Use


@dataclass(frozen=True, kw_only=True)
class Prospect:
    """One finding to come: what was measured now, and what its table lets the rule decide."""

    id: str
    """As the finding's."""
    use: Use
    limit: Limit
    estimate: Estimate
    power: Power

    @property
    def required(self) -> bool:
        """Whether it can stop a release."""
        return self.use.severity is Severity.BLOCK

    @property
    def goes_through(self) -> float | None:
        """The chance that it stops no model as good as this one; None when nothing can be said.

        That is the chance of passing, and with `on_inconclusive: lean` or `warn` of what they let through
        besides.
        """
        if not self.required:
            return 1.0
        match self.use.on_inconclusive:
            case OnInconclusive.LEAN:
                return self.power.inside
            case OnInconclusive.WARN:
                return self.power.unfailed
            case _:
                return self.power.passes


def measured(
    evidence: Evidence, policy: Policy, progress: Callable[[str], None] = lambda _: None
) -> list[Measured]:
    """Measure everything that the policy asks of the release and that applies to it; slices one by one.

    Raises MlgateError as `judge` does. Slices that are listed and never judged alone are left out.
    """
    asked = [one for one in asked_of(evidence, policy, None) if one.not_applicable is None]
    return [one for some in measure_all(asked, evidence, policy, progress) for one in some if not one.small]


def prospects(
    evidence: Evidence, policy: Policy, progress: Callable[[str], None] = lambda _: None
) -> list[Prospect]:
    """Return what each finding of the policy on the release has to expect; raises as `measured` does."""
    return [_prospect(one) for one in measured(evidence, policy, progress)]


def _prospect(one: Measured) -> Prospect:
    use = one.question.use
    exemption = use.exemption(one.piece)
    limit = use.limit if exemption is None else exemption.limit
    return Prospect(
        id=one.question.finding_id(one.piece),
        use=use,
        limit=limit,
        estimate=one.estimate,
        power=power(one.estimate, use.measure.kind, limit, use.rule),
    )


def together(found: Sequence[Prospect]) -> tuple[float, float] | None:
    """Return between which chances a model as good as this one gets past all that is required.

    The product, as if no two checks shared their rows, and that of the likeliest to stop it, as if all
    went by the same noise. Checks on one table lie in between. None when nothing is required, or when of
    something required nothing can be said.
    """
    chances = [one.goes_through for one in found if one.required]
    if not chances or None in chances:
        return None
    known = [one for one in chances if one is not None]
    product = 1.0
    for one in known:
        product *= one
    return product, min(known)
