"""Several classes, each judged by itself: the worst of them decides."""

from __future__ import annotations

from mlgate.cells import MAX_GROUPS
from mlgate.estimates import Chart, Comparison, Estimate, GroupEstimate

NAMED = 3
"""Classes that a reason names."""


def too_many(classes: int, *, n: int) -> Estimate | None:
    """Return what is said of more classes than a person can look at; None of fewer. `n`: rows."""
    if classes <= MAX_GROUPS:
        return None
    return Estimate.missing(f"{classes} classes, more than {MAX_GROUPS}: judge an average of them", n=n)


def worst(
    rows: tuple[GroupEstimate, ...], *, among: int, total: int, charts: tuple[Chart, ...] = ()
) -> Estimate:
    """Return the smallest value of a class that is judged, and the claim that each of them keeps the limit.

    `rows` has a line for each class, `among` of all `total` rows are of those that are judged.
    """
    known = [row.value for row in rows if row.value is not None]
    value_all = min(known) if known else None
    claims = tuple(
        Comparison(
            name=row.group["class"],
            value=row.value,
            interval=row.interval,
            groups=(row.group,),
            rate=row.rate,
        )
        for row in rows
        if row.judged and row.value is not None
    )
    if not claims:
        listed = [f"{row.group['class']}: {row.reason}" for row in rows]
        shown = "; ".join(listed[:NAMED]) + ("; …" if len(listed) > NAMED else "")
        return Estimate.missing(
            f"no class can be judged ({shown})", groups=rows, value_all=value_all, judged_share=0.0
        )
    least = min(claims, key=lambda claim: claim.value)
    return Estimate(
        value=least.value,
        n=among,
        interval=least.interval,
        groups=rows,
        comparisons=claims,
        value_all=value_all,
        judged_share=among / total,
        charts=charts,
    )
