"""Where a policy asks less than the policies that it extends: each such change in a line, for the report.

The policy is held against what its files made together before the last one joined, before the last two, and
so on. Values are compared as they take effect, so that a default, a setting of the whole policy and a key
of one use count alike. What cannot be shown to be as strict counts as weaker.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from mlgate.cells import Bins, By
from mlgate.errors import MlgateError
from mlgate.findings import OnInconclusive, Origin, Severity
from mlgate.limits import Limit, Op
from mlgate.policy.layers import LIMIT, SWITCH, Layer
from mlgate.policy.model import AtLeastRisk, When
from mlgate.policy.pins import RISKS
from mlgate.policy.terms import use_of
from mlgate.policy.uses import Policy, Use
from mlgate.strict_yaml import Model, show

if TYPE_CHECKING:
    from mlgate.catalogue import Check

_SEVERITIES = (Severity.INFO, Severity.WARN, Severity.BLOCK)
_DECISIONS = ("point", "guard", "bound")
_INCONCLUSIVE = (OnInconclusive.WARN, OnInconclusive.LEAN, OnInconclusive.BLOCK)
_ORIGINS = (None, Origin.DECLARED, Origin.ATTESTED, Origin.COMPUTED)


class _Change(NamedTuple):
    """A key of a use that asks less than it did."""

    key: str
    was: object
    now: object


def weakened(
    policy: Policy, layer: Layer, before: Sequence[Layer], checks: Mapping[str, Check]
) -> tuple[str, ...]:
    """Return a line for each demand that is weaker than an inherited one, with the line that changed it.

    Args:
        policy: The policy as resolved.
        layer: What all its files say.
        before: What the first file says, the first two, and so on, without the last.
        checks: Every check there is.
    """
    said = [*_off(policy, layer), *_left_out(policy, layer, before)]
    for use in policy.uses:
        for inherited in before:
            said += _of_use(use, inherited, layer, checks)
    said += [*_pins(layer), *_first_release(layer)]
    return tuple(dict.fromkeys(f"{what} ({_place(where, policy)})" for what, where in said))


def _off(policy: Policy, layer: Layer) -> Iterator[tuple[str, str]]:
    for use_id, reason in policy.off.items():
        yield f"{use_id}: off, because: {_line(reason)}", layer.where("checks", use_id, SWITCH)


def _left_out(policy: Policy, layer: Layer, before: Sequence[Layer]) -> Iterator[tuple[str, str]]:
    """Yield the families and checks that are no longer asked, though a policy before asked them."""
    asked = {use.id: {use.check.id, use.check.family} for use in policy.uses}
    for name, reason in policy.not_applicable.items():
        where = layer.where("not_applicable", name)
        for inherited in before:
            named = any(name in asked.get(use_id, ()) for use_id in inherited.uses())
            if named and name not in inherited.below("not_applicable"):
                yield f"{name}: left out, because: {_line(reason)}", where


def _of_use(
    now: Use, inherited: Layer, layer: Layer, checks: Mapping[str, Check]
) -> Iterator[tuple[str, str]]:
    if now.id not in inherited.uses():
        return
    was = _before(now, inherited, layer, checks)
    if was is None:
        yield f"{now.id}: changed, and cannot be compared with what was inherited", now.where
        return
    for change in _changes(was, now):
        whole, where = _changed_at(now, change.key, layer)
        subject = "" if whole else f"{now.id}: "
        yield f"{subject}{change.key} {_shown(change.was)} -> {_shown(change.now)}", where


def _before(now: Use, inherited: Layer, layer: Layer, checks: Mapping[str, Check]) -> Use | None:
    """Return the use as it was; its limit and parameters may have been left to the policy that extends."""
    later = {
        key: said
        for key, said in layer.statements.items()
        if key[:2] == ("checks", now.id) and key[2] in (LIMIT, "params")
    }
    for tried in (inherited, Layer({**later, **inherited.statements})):
        try:
            return use_of(tried, now.id, now.check, checks)
        except MlgateError:
            continue
    return None


def _changed_at(use: Use, key: str, layer: Layer) -> tuple[bool, str]:
    """Return whether the whole policy states a key of a use, and the line that holds."""
    if key == "origin":
        said = layer.last("origin", use.check.id) or layer.last("origin", use.check.family)
        return False, use.where if said is None else said.where
    if key not in use.stated and (key,) in layer.statements:
        return True, layer.where(key)
    return False, use.stated.get(key, use.where)


def _changes(was: Use, now: Use) -> Iterator[_Change]:
    if not now.limit.tighter_or_equal(was.limit):
        yield _Change("limit", was.limit, now.limit)
    if not set(_exempted(now)) <= set(_exempted(was)):
        yield _Change("except", _exempted(was) or "none", _exempted(now))
    if _SEVERITIES.index(now.severity) < _SEVERITIES.index(was.severity):
        yield _Change("severity", was.severity, now.severity)
    if _INCONCLUSIVE.index(now.on_inconclusive) < _INCONCLUSIVE.index(was.on_inconclusive):
        yield _Change("on_inconclusive", was.on_inconclusive, now.on_inconclusive)
    if _ORIGINS.index(now.origin) < _ORIGINS.index(was.origin):
        yield _Change("origin", was.origin, now.origin)
    if now.measure.kind != "fact":
        yield from _of_rule(was, now)
    yield from _of_rows(was, now)
    made = (
        {"margin"} if _margins_alike(was, now) else set()
    )  # the limit is made of it, and is looked at above
    for name in sorted({*was.params, *now.params} - made):
        if was.params.get(name) != now.params.get(name):
            yield _Change(f"params.{name}", was.params.get(name), now.params.get(name))


def _margins_alike(was: Use, now: Use) -> bool:
    """Whether both limits are made of margins in one unit."""
    margins = [one.params.get("margin") for one in (was, now)]
    if was.check.claim is None or was.check.claim != now.check.claim:
        return False
    return len({isinstance(one, str) for one in margins if one is not None}) < 2  # noqa: PLR2004  both


def _exempted(use: Use) -> list[str]:
    return [
        f"{', '.join(f'{column}={value}' for column, value in sorted(one.where.items()))}: {one.limit}"
        for one in use.exceptions
    ]


def _of_rule(was: Use, now: Use) -> Iterator[_Change]:
    """Yield what is weaker in how noise is allowed for.

    More demanding claims turn failures into findings that are inconclusive; where these only warn, that lets
    more through.
    """
    firm = now.on_inconclusive is not OnInconclusive.WARN
    rank = _DECISIONS.index(now.rule.decision) - _DECISIONS.index(was.rule.decision)
    if rank < 0 or (rank > 0 and not firm):
        yield _Change("decision", was.rule.decision, now.rule.decision)
    more = now.rule.confidence - was.rule.confidence
    if more < 0 or (more > 0 and not firm):
        yield _Change("confidence", was.rule.confidence, now.rule.confidence)
    grew = was.rule.decision == "guard" == now.rule.decision and now.rule.guard > was.rule.guard
    if grew and "guard" in now.stated:
        yield _Change("guard", was.rule.guard, now.rule.guard)


def _of_rows(was: Use, now: Use) -> Iterator[_Change]:
    """Yield what is weaker in which rows, groups and parts are judged, and when."""
    firm = now.on_inconclusive is not OnInconclusive.WARN
    if now.rule.min_judged < was.rule.min_judged:
        yield _Change("min_judged", was.rule.min_judged, now.rule.min_judged)
    if now.min_group > was.min_group or (now.min_group < was.min_group and not firm):
        yield _Change("min_group", was.min_group, now.min_group)
    if now.judge_unknown < was.judge_unknown:
        yield _Change("judge_unknown", was.judge_unknown, now.judge_unknown)
    if not _covers(now.groups, was.groups, firm=firm):
        each = "each protected column"
        yield _Change("groups", was.groups or each, now.groups or each)
    if not _covers(now.slices, was.slices, firm=firm):
        yield _Change("slices", was.slices, now.slices)
    if now.table != was.table:
        yield _Change("table", was.table, now.table)
    if now.against != was.against:
        yield _Change("against", was.against, now.against)
    if was.retrain and not now.retrain:
        yield _Change("retrain", was.retrain, now.retrain)
    if not _as_often(was.when, now.when):
        yield _Change("when", was.when, now.when)


def _covers(
    now: tuple[tuple[By, ...], ...] | None, was: tuple[tuple[By, ...], ...] | None, *, firm: bool
) -> bool:
    """Whether all that was judged still is; more parts share out the chance of error (Holm)."""
    if now == was:
        return True
    return firm and now is not None and was is not None and set(was) <= set(now)


def _as_often(was: When, now: When) -> bool:
    """Whether a use applies to every release that it applied to."""
    for name in ("risk", "task", "declares"):
        asked, before = getattr(now, name), getattr(was, name)
        if asked is None:
            continue
        if before is None:
            return False
        if not (set(asked) <= set(before) if name == "declares" else set(before) <= set(asked)):
            return False
    return True


def _pins(layer: Layer) -> Iterator[tuple[str, str]]:
    """Yield the pins that are other than an earlier file had them, unless they allow less."""
    for key, said in layer.statements.items():
        if key[0] != "release":
            continue
        now, pin = said[-1], ".".join(key)
        for was in said[:-1]:
            if was.value != now.value and not _narrower(pin, was.value, now.value):
                yield f"{pin}: {_shown(was.value)} -> {_shown(now.value)}", now.where


def _first_release(layer: Layer) -> Iterator[tuple[str, str]]:
    """Yield that a release may be without a champion where an earlier file did not allow that."""
    said = layer.statements.get(("first_release",), ())
    if said and said[-1].value == "allow" and any(one.value == "block" for one in said[:-1]):
        yield "first_release: block -> allow", said[-1].where


def _narrower(pin: str, was: Any, now: Any) -> bool:
    match pin:
        case "release.evaluation.min_rows":
            return bool(now >= was)
        case "release.evaluation.sha256":
            return set(now) <= set(was)
        case "release.risk":
            return _risks(now) <= _risks(was)
        case "release.columns.protected":
            return isinstance(now, tuple) and isinstance(was, tuple) and set(was) <= set(now)
        case _:
            return False


def _risks(pin: str | AtLeastRisk) -> set[str]:
    return set(RISKS[RISKS.index(pin.at_least) :]) if isinstance(pin, AtLeastRisk) else {pin}


def _place(where: str, policy: Policy) -> str:
    """Return a file and its line as the report calls the file, which does not depend on the machine."""
    path, _, line = where.replace("\\", "/").rpartition(":")
    named = [
        one.path
        for one in policy.sources
        if path == one.path or path.endswith(f"/{one.path}") or one.path.endswith(f"/{path}")
    ]
    return f"{max(named, key=len, default=path.rpartition('/')[2])}:{line}"


def _line(text: str) -> str:
    return " ".join(text.split())


def _shown(value: object) -> str:
    """Return a value on one short line, as the policy has it."""
    match value:
        case None | () | "none":
            text = "none"
        case Limit():
            text = "holds" if value.op is Op.HOLDS else str(value)
        case Severity() | OnInconclusive() | Origin():
            text = str(value.value)
        case float():
            text = f"{value:.12g}"
        case Bins():
            text = show({value.column: value.edges})
        case tuple():
            parts = (" x ".join(map(_shown, one)) if isinstance(one, tuple) else _shown(one) for one in value)
            text = ", ".join(parts)
        case When() if not value.model_fields_set:
            text = "always"
        case Model():
            text = show(value.model_dump(mode="json", by_alias=True, exclude_unset=True))
        case str():
            text = show(value)[1:-1]
        case _:
            text = show(value)
    return text
