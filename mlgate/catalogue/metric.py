"""From the metric that a policy names to the measure behind it, with all its parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mlgate.catalogue.params import MetricEntry, complete, metrics_of
from mlgate.errors import ContentError
from mlgate.measures.metrics import FAMILY, Metric, unusable
from mlgate.strict_yaml import Loc, did_you_mean, show

if TYPE_CHECKING:
    from mlgate.catalogue.check import Check


def resolved(
    params: Mapping[str, Any],
    names: frozenset[str],
    checks: Callable[[], Mapping[str, Check]],
    where: Callable[[Loc], str],
) -> dict[str, Any]:
    """Return `params` with those called `names`, as they were written, replaced by the metric that they name.

    `checks` gives every check there is, and is only asked where a metric is named.

    Raises ContentError for a check that there is not, that is no metric, or whose parameters are wrong.
    """
    return {
        name: _metric(value, checks(), where, ("params", name))
        if name in names and isinstance(value, str | MetricEntry)
        else value
        for name, value in params.items()
    }


def _metric(
    written: str | MetricEntry, checks: Mapping[str, Check], where: Callable[[Loc], str], at: Loc
) -> Metric:
    check = _check(written if isinstance(written, str) else written.check, checks, where(at))

    def below(loc: Loc) -> str:
        return where((*at, *loc))

    given = {} if isinstance(written, str) else written.params
    return Metric(
        check=check.id,
        measure=check.measure,
        params=complete(check.measure, check.params, given, below),
        tasks=check.tasks,
        needs=check.needs,
        digest=check.digest,
    )


def _check(name: str, checks: Mapping[str, Check], where: str) -> Check:
    """Find the check that a metric names; without a family it is one on performance."""
    full = name if "/" in name else f"{FAMILY}/{name}"
    check = checks.get(full)
    if check is None:
        known = _metrics(checks)
        short = {one.removeprefix(f"{FAMILY}/"): one for one in known}
        todo = did_you_mean(name, known if "/" in name else short)
        raise ContentError(where, f"there is no check {show(name)}, to be the metric", todo)
    reason = _no_metric(check)
    if reason is not None:
        what = f"{check.id} cannot be the metric: {reason}"
        raise ContentError(where, what, f"use one of: {', '.join(sorted(_metrics(checks)))}")
    return check


def _metrics(checks: Mapping[str, Check]) -> set[str]:
    return {one.id for one in checks.values() if _no_metric(one) is None}


def _no_metric(check: Check) -> str | None:
    """Return why a check cannot be a metric, None when it can."""
    if FAMILY not in (check.family, check.measure.id.partition(".")[0]):
        return f"it is not about {FAMILY}"
    if metrics_of(check.measure):
        return "it is about another metric itself"
    return unusable(check.measure)
