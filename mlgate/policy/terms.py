"""The terms of one use of a check: its limit, guard, groups and the rest, decided from what was stated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlgate import catalogue
from mlgate.cells import Bins, By
from mlgate.errors import ContentError
from mlgate.evidence import canonical
from mlgate.findings import OnInconclusive, Origin, Severity
from mlgate.limits import Limit, Op, Rule
from mlgate.measures.margins import size_of
from mlgate.policy.layers import LIMIT, SWITCH, Layer, Stated
from mlgate.policy.model import OPERATIONS, Band, ExceptEntry, When
from mlgate.policy.uses import Exemption, Use
from mlgate.strict_yaml import Loc, did_you_mean, show

if TYPE_CHECKING:
    from mlgate.catalogue import Check

DEFAULTS: Mapping[str, Any] = {
    "decision": "guard",
    "confidence": 0.95,
    "min_judged": 0.9,
    "on_inconclusive": "block",
    "min_group": 30,
    "judge_unknown": False,
    "first_release": "allow",
    "seed": 0,
}
"""What holds where a policy says nothing. What is not decided blocks."""

GUARD_SHARE = 0.05
"""The guard of a check that names none: this share of abs(limit)."""


def setting(layer: Layer, name: str) -> Any:
    """Return what the policy says of `name`, else the default of mlgate."""
    value = layer.value(name)
    return DEFAULTS[name] if value is None else value


def use_of(layer: Layer, use_id: str, check: Check, checks: Mapping[str, Check]) -> Use:
    """Return one use with everything decided; ContentError for what cannot be. `checks` are all there are.

    First found wins: the use, the policy, the check, the default of mlgate.
    """
    stated = layer.below("checks", use_id)
    where = {name: said.where for name, said in stated.items() if name != SWITCH}
    given = {name: said.value for name, said in stated.items()}
    entry = layer.where("checks", use_id, SWITCH)
    said = layer.below("checks", use_id, "params")
    where |= {f"params.{name}": one.where for name, one in said.items()}
    params = _params(check, said, entry, checks)
    usual = all(said[name].value == value for name, value in check.limit_for.items() if name in said)
    if check.claim is None:
        limit = _limit(given.get(LIMIT), check, where.get(LIMIT, entry), usual=usual)
    else:
        _require_unlimited(check, where)
        limit = _claimed(check, params, where.get("params.margin", entry))

    slices = _products(given.get("slices", ()), where.get("slices", entry))

    def decided(name: str) -> Any:
        return given[name] if name in given else setting(layer, name)

    rule = Rule(
        decision=_decision(check, decided("decision")),
        confidence=decided("confidence"),
        guard=_guard(limit, check, decided("decision"), given.get("guard"), usual=usual),
        min_judged=decided("min_judged"),
    )
    return Use(
        id=use_id,
        check=check,
        measure=check.measure,
        params=params,
        limit=limit,
        exceptions=_exceptions(given.get("except"), check, limit, slices, where.get("except", entry)),
        warn=_warn(given.get("warn"), limit, where.get("warn", entry)),
        severity=_severity(check, given.get("severity"), own_limit=LIMIT in given),
        rule=rule,
        on_inconclusive=OnInconclusive(decided("on_inconclusive")),
        min_group=decided("min_group"),
        judge_unknown=decided("judge_unknown"),
        groups=_groups(given.get("groups"), check, where.get("groups", entry)),
        slices=slices,
        table=given.get("table", "evaluation"),
        against=_against(check, given.get("against"), given.get("table"), where.get("against", entry)),
        retrain=bool(given.get("retrain", check.retrain)),
        when=given.get("when", When()),
        because=given.get("because"),
        origin=_origin(layer, check),
        where=entry,
        stated=where,
    )


def _params(
    check: Check, given: Mapping[str, Stated], entry: str, checks: Mapping[str, Check]
) -> dict[str, Any]:
    def where(loc: Loc) -> str:
        name = str(loc[1]) if len(loc) > 1 else ""
        return given[name].where if name in given else entry

    return catalogue.check_params(check, {name: said.value for name, said in given.items()}, where, checks)


def _limit(given: tuple[str, Any] | None, check: Check, where: str, *, usual: bool = True) -> Limit:
    """Return the limit; the check's own only where its parameters are the `usual` ones that it is for."""
    if given is None and not usual:
        of = ", ".join(f"{name}: {show(value)}" for name, value in check.limit_for.items())
        raise ContentError(where, f"no limit: the default of {check.id} is for {of}", f"give {_usual(check)}")
    if given is None:
        if check.limit is None:
            raise ContentError(
                where,
                f"no limit: the field has no default for {check.id}",
                f"give {_usual(check)}",
            )
        return check.limit
    op, value = Op(given[0]), given[1]
    kind = check.measure.kind
    if op in (Op.EQUALS, Op.HOLDS) and kind != "fact":
        raise ContentError(
            where, f"`{op.value}` is for facts, and {check.id} is of kind {kind}", f"give {_usual(check)}"
        )
    wrong = {"higher": Op.AT_MOST, "lower": Op.AT_LEAST}.get(check.measure.better)
    if op is wrong:
        raise ContentError(
            where,
            f"`{op.value}` is the wrong way round for {check.id}, where {check.measure.better} is better",
            f"give {_usual(check)}, or `between` for both ends",
        )
    return Limit(op, value)


def _claimed(check: Check, params: Mapping[str, Any], where: str) -> Limit:
    """Return the limit that the margin makes; ContentError for a margin that leaves nothing to claim."""
    margin = params["margin"]
    size = 0.0 if margin is None else size_of(margin).value
    if check.claim == "superior":
        return Limit(Op.AT_LEAST, size)
    if margin is None:
        what = f"{check.id} needs a margin: how much may be lost without it mattering"
        raise ContentError(where, what, "add params: {margin: ...}, in the unit of the metric or as '2%'")
    if not size > 0.0:
        what = f"a margin of {show(margin)} could never be shown to be kept to"
        raise ContentError(where, what, "give a margin above 0, or use compare/superior")
    if check.claim == "equivalent":
        return Limit(Op.BETWEEN, (-size, size))
    return Limit(Op.AT_LEAST, -size)


def _require_unlimited(check: Check, where: Mapping[str, str]) -> None:
    """Refuse what would stand beside a limit that is made of the margin."""
    for key, name in ((LIMIT, "the limit"), ("guard", "a guard"), ("except", "an exception")):
        if key in where:
            what = f"{name} has no place here: the margin of {check.id} is its limit"
            raise ContentError(where[key], what, "remove it, and give params: {margin: ...}")


def _decision(check: Check, decision: Any) -> Any:
    """Return how to decide: of a claim the margin is all the room that there is."""
    return "bound" if check.claim is not None and decision == "guard" else decision


def _usual(check: Check) -> str:
    return {"higher": "at_least", "lower": "at_most"}.get(
        check.measure.better, "at_least, at_most or between"
    )


def _warn(given: Band | None, limit: Limit, where: str) -> Limit | None:
    if given is None:
        return None
    op = next(name for name in OPERATIONS if name in given.model_fields_set)
    band = Limit(Op(op), getattr(given, op))
    if band.op is not limit.op:
        raise ContentError(
            where, f"the warn band is `{op}` and the limit is `{limit.op.value}`", "use the same for both"
        )
    if not band.tighter_or_equal(limit) or limit.tighter_or_equal(band):
        raise ContentError(
            where,
            f"the warn band ({band}) is not tighter than the limit ({limit})",
            "move it inside the limit",
        )
    return band


def _exceptions(
    given: tuple[ExceptEntry, ...] | None,
    check: Check,
    limit: Limit,
    slices: tuple[tuple[By, ...], ...],
    where: str,
) -> tuple[Exemption, ...]:
    """Return the exceptions; each has to be about slices that are judged, and of the limit's own kind."""
    found: list[Exemption] = []
    for one in given or ():
        op = next(name for name in OPERATIONS if name in one.model_fields_set)
        own = _limit((op, getattr(one, op)), check, where)
        if own.op is not limit.op:
            raise ContentError(
                where,
                f"the exception is `{op}` and the limit is `{limit.op.value}`",
                "use the same for both",
            )
        columns = [{by.column if isinstance(by, Bins) else by for by in product} for product in slices]
        if not any(set(one.where) <= product for product in columns):
            names = " and ".join(show(name) for name in one.where)
            raise ContentError(
                where,
                f"there is an exception by {names}, and no slice is made of that",
                did_you_mean(next(iter(one.where)), sorted(set().union(*columns)), "add it to `slices`"),
            )
        values = {name: _spelt(value) for name, value in one.where.items()}
        if any(values == other.where for other in found):
            named = ", ".join(f"{name} = {value}" for name, value in values.items())
            raise ContentError(where, f"two exceptions are about {named}", "keep one of the two")
        found.append(Exemption(where=values, limit=own, because=one.because))
    return tuple(found)


def _spelt(value: str | float | bool) -> str:
    """Write a value as slices are named."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else canonical.number(value)


def _guard(limit: Limit, check: Check, decision: str, given: float | None, *, usual: bool) -> float:
    """Return the guard in the unit of the measure; facts and the other two decisions have none.

    That of the check is, as its limit, for its `usual` parameters.
    """
    if decision != "guard" or check.measure.kind == "fact" or check.claim is not None:
        return 0.0
    if given is not None:
        return float(given)
    if check.guard is not None and usual:
        return float(check.guard)
    ends = limit.value if isinstance(limit.value, tuple) else (limit.value,)
    return GUARD_SHARE * max(abs(float(end)) for end in ends)


def _severity(check: Check, given: str | None, *, own_limit: bool) -> Severity:
    """Return how much the use matters.

    A preview check blocks only where the policy means it: it says `severity: block`, or writes a limit.
    """
    if given is not None:
        return Severity(given)
    by_default = check.lifecycle == "preview" and check.severity is Severity.BLOCK and not own_limit
    return Severity.WARN if by_default else check.severity


def _against(check: Check, given: str | None, table: str | None, where: str) -> str | None:
    """Return the table that the judged one is compared with, None for a check that looks at one alone."""
    if "against" not in check.measure.injected:
        if given is not None:
            raise ContentError(where, f"{check.id} does not compare two tables", "remove `against`")
        return None
    other = given or check.against
    if other is None:
        raise ContentError(where, f"{check.id} compares two tables, and names one", "add `against: train`")
    if other == (table or "evaluation"):
        what = f"{check.id} would compare table {show(other)} with itself"
        raise ContentError(where, what, "name another table under `against`")
    return other


def _origin(layer: Layer, check: Check) -> Origin | None:
    for name in (check.id, check.family):
        given = layer.value("origin", name)
        if given is not None:
            return Origin(given)
    return None


def _groups(given: tuple[Any, ...] | None, check: Check, where: str) -> tuple[tuple[By, ...], ...] | None:
    if given is None:
        return None
    if not check.measure.over_groups:
        raise ContentError(
            where,
            f"{check.id} does not compare groups",
            "remove `groups`; `slices` judges each part by itself",
        )
    return _products(given, where)


def _products(given: tuple[Any, ...], where: str) -> tuple[tuple[By, ...], ...]:
    """Return groupings as products of columns; the same columns twice would give two findings one name."""
    products = tuple(tuple(_factors(one)) for one in given)
    seen: list[frozenset[str]] = []
    for product in products:
        names = [one.column if isinstance(one, Bins) else one for one in product]
        columns = frozenset(names)
        if len(columns) < len(names) or columns in seen:
            raise ContentError(where, f"columns {' x '.join(names)} are grouped twice", "keep one of the two")
        seen.append(columns)
    return products


def _factors(given: Any) -> Iterator[By]:
    match given:
        case str():
            yield given
        case tuple():
            for one in given:
                yield from _factors(one)
        case _:
            for column in sorted(given):
                yield Bins(column, tuple(float(edge) for edge in given[column]))
