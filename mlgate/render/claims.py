"""What a finding says that looks through a metric: which, and what a margin allows or asks of the model."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from mlgate.findings import Finding
from mlgate.render import numbers

OF_THE_METRIC = "units of the metric"
"""The unit of a measure that looks through a metric, which the policy names."""

FAMILY = "performance/"
"""Where nearly all metrics are from, so that it goes without saying."""

_COMPARING = frozenset(
    {"compare.improvement", "compare.difference", "compare.slice_regression", "compare.since_anchor"}
)
_ANCHORED = "compare.since_anchor"


class Claim(Enum):
    """What is claimed of the model beside another one."""

    NON_INFERIOR = "non-inferior"
    SUPERIOR = "superior"
    EQUIVALENT = "equivalent"


def metric(finding: Finding) -> str | None:
    """Return the name of the metric that a finding looks through, `roc-auc`; None where there is none."""
    match finding.params.get("metric"):
        case {"check": str(name)}:
            return name.removeprefix(FAMILY)
        case _:
            return None


def measured_by(finding: Finding) -> str | None:
    """Return what a check of several numbers was asked by: the metric, or the statistic as `psi`."""
    statistic = finding.params.get("statistic")
    return metric(finding) or (statistic if isinstance(statistic, str) else None)


def claim(finding: Finding) -> Claim | None:
    """Return what a finding claims of the model beside another one; None where it compares with none."""
    edges = numbers.edges(finding.limit)
    if finding.measure.id not in _COMPARING or finding.limit is None or metric(finding) is None:
        return None
    match finding.limit.op, edges:
        case "between", (low, high) if low == -high:
            return Claim.EQUIVALENT
        case "at_least", (edge,):
            return Claim.NON_INFERIOR if edge < 0 else Claim.SUPERIOR
        case _:
            return None


def other(finding: Finding) -> str:
    """Name what the model is held against: the champion, or an anchor by its name."""
    if finding.measure.id == _ANCHORED:
        return f"anchor {finding.params.get('anchor')}"
    return "the champion"


def amount(text: str, finding: Finding) -> str:
    """Write an amount with what it is of: `0.0233 (roc-auc)`, `0.133 of the champion's log-loss`."""
    if isinstance(finding.params.get("margin"), str):
        return f"{text} of {other(finding)}'s {metric(finding)}"
    return f"{text} ({metric(finding)})"


def demand(finding: Finding) -> str | None:
    """Say what is demanded beside the other model: `not worse by more than 0.01`; None where nothing is."""
    size = numbers.exact(abs(numbers.edges(finding.limit)[-1])) if claim(finding) else ""
    match claim(finding):
        case Claim.NON_INFERIOR:
            return f"not worse than {other(finding)} by more than {amount(size, finding)}"
        case Claim.SUPERIOR if size == "0":
            return f"better than {other(finding)} ({metric(finding)})"
        case Claim.SUPERIOR:
            return f"better than {other(finding)} by more than {amount(size, finding)}"
        case Claim.EQUIVALENT:
            return f"within {amount(size, finding)} of {other(finding)}, above or below"
        case None:
            return None


def found(finding: Finding, shown: str) -> str:
    """Say how the model does beside the other one, and how it has to; `shown` is the value without its unit.

    `it is better than the champion by 0.0233 (roc-auc), and has to be better by more than 0.05`.
    """
    where = f", least in {finding.decides}" if finding.decides else ""
    size, value = shown.removeprefix("-"), finding.value or 0.0
    if not value:
        said = f"it does as well as {other(finding)} ({metric(finding)})"
    elif claim(finding) is Claim.EQUIVALENT:
        said = f"it lies {'above' if value > 0 else 'below'} {other(finding)} by {amount(size, finding)}"
    else:
        said = f"it is {'better' if value > 0 else 'worse'} than {other(finding)} by {amount(size, finding)}"
    return f"{said}{where}, and {_needed(finding)}"


def _needed(finding: Finding) -> str:
    size = numbers.exact(abs(numbers.edges(finding.limit)[-1]))
    match claim(finding):
        case Claim.NON_INFERIOR:
            return f"may be worse by {size} at most"
        case Claim.EQUIVALENT:
            return f"may lie {size} above or below"
        case _ if size == "0":
            return "has to be better"
        case _:
            return f"has to be better by more than {size}"


def borderline(finding: Finding) -> str | None:
    """Describe the model that a claim must not let pass; None where no single number says it."""
    size = numbers.exact(abs(numbers.edges(finding.limit)[-1])) if claim(finding) else ""
    match claim(finding):
        case Claim.NON_INFERIOR:
            return f"A model that is really worse than {other(finding)} by {amount(size, finding)}"
        case Claim.SUPERIOR if size == "0":
            return f"A model that is really no better than {other(finding)}"
        case Claim.SUPERIOR:
            gained = amount(size, finding)
            return f"A model that is really better than {other(finding)} by no more than {gained}"
        case _:
            return None


def parameters(params: Mapping[str, object]) -> Mapping[str, object]:
    """Return parameters for reading: a metric by its name where it has no parameters of its own."""
    match params.get("metric"):
        case {"check": str(name), "params": Mapping() as own} if not own:
            return {**params, "metric": name}
        case _:
            return params
