"""From merged statements to a policy that can be judged: each use meets its check, and the whole a digest."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from mlgate import catalogue, strict_yaml
from mlgate.cells import Bins, By
from mlgate.errors import ContentError, MlgateError, Problem
from mlgate.findings import SourceFile
from mlgate.measures.metrics import Metric
from mlgate.policy.layers import EMPTY, SWITCH, Layer, Stated
from mlgate.policy.model import Approvals, ColumnPins, EvaluationPins, Pins, Promotion, Trust
from mlgate.policy.terms import setting, use_of
from mlgate.policy.uses import Policy, Replaced, Use
from mlgate.policy.weakened import weakened
from mlgate.strict_yaml import Model, did_you_mean, show

if TYPE_CHECKING:
    from mlgate.catalogue import Check

PINS_CHECK = "governance/release-pins"
"""The check that every policy with pins uses."""

M = TypeVar("M", bound=Model)


def resolve(
    layer: Layer,
    sources: tuple[SourceFile, ...],
    checks: Mapping[str, Check],
    *,
    before: Sequence[Layer] = (),
) -> Policy:
    """Resolve what merged policies say against the catalogue.

    `before` is what the files said before the last one joined, one file, two files, and so on: the policy
    that it extends, which a weaker demand is held against.

    Raises ContentError with a problem for every use that is wrong.
    """
    problems: list[Problem] = []
    uses: list[Use] = []
    off: dict[str, str] = {}
    with_pins = layer + _pins_use(layer)
    for use_id in with_pins.uses():
        switch = layer.value("checks", use_id, SWITCH)
        with _gathered(problems):
            check = _check(with_pins, use_id, checks)
            if isinstance(switch, str):
                off[use_id] = switch
            else:
                uses.append(use_of(with_pins, use_id, check, checks))
    problems += [*_unknown(layer, checks), *_tampered(layer)]
    if set(layer.uses()) <= set(off) and not problems:
        todo = "add `checks:`, or extend one that has"
        problems.append(Problem(layer.where("policy"), "the policy has no checks", todo))
    if problems:
        raise ContentError.of(dict.fromkeys(problems))
    policy = _policy(layer, sources, tuple(uses), off)
    return replace(policy, weakened=weakened(policy, layer, before, checks))


def _pins_use(layer: Layer) -> Layer:
    """Return the use that holds the release to the pins; whoever pins something need not ask for it."""
    where = next((layer.where(*key) for key in layer.statements if key[0] == "release"), None)
    if where is None or PINS_CHECK in layer.uses():
        return EMPTY
    said = {SWITCH: True, "check": PINS_CHECK}
    return Layer({("checks", PINS_CHECK, name): (Stated(value, where),) for name, value in said.items()})


def _tampered(layer: Layer) -> Iterator[Problem]:
    """Yield what would let a release contradict a pin: a pin is removed by not writing it, in the open."""
    allowed = {SWITCH, "check", "because"}
    for key, said in layer.statements.items():
        is_off = key[-1] == SWITCH and said[-1].value is not True
        if key[:2] == ("checks", PINS_CHECK) and (key[2] not in allowed or is_off):
            yield Problem(said[-1].where, f"{PINS_CHECK} has no settings: a pin always blocks", "remove it")
        elif key in (("not_applicable", PINS_CHECK), ("not_applicable", PINS_CHECK.partition("/")[0])):
            yield Problem(said[-1].where, f"{key[1]} cannot be left out: a pin always blocks", "remove it")


@contextmanager
def _gathered(problems: list[Problem]) -> Iterator[None]:
    """Collect the problems of one part, so that those of the others are told too."""
    try:
        yield
    except MlgateError as error:
        problems.extend(error.problems)


def _policy(
    layer: Layer, sources: tuple[SourceFile, ...], uses: tuple[Use, ...], off: Mapping[str, str]
) -> Policy:
    policy_id, title, version = layer.value("policy")
    policy = Policy(
        id=policy_id,
        title=title,
        about=layer.values("about"),
        version=version,
        digest="",
        sources=sources,
        uses=uses,
        off=off,
        pins=_pins(layer),
        replaced=tuple(_replaced(layer)),
        decision=setting(layer, "decision"),
        confidence=setting(layer, "confidence"),
        seed=setting(layer, "seed"),
        trust=_model(layer, Trust, "trust"),
        first_release=setting(layer, "first_release"),
        not_applicable=layer.values("not_applicable"),
        approvals=_model(layer, Approvals, "approvals"),
        promotion=_model(layer, Promotion, "promotion"),
        where=layer.where("policy"),
        resolved={},
        pinned_at=_pinned_at(layer),
        stated=frozenset(key[0] for key in layer.statements),
    )
    resolved = _resolved(policy, layer.values("origin"))
    return replace(policy, resolved=resolved, digest=f"sha256:{strict_yaml.digest(resolved)}")


def _resolved(policy: Policy, origin: Mapping[str, Any]) -> dict[str, Any]:
    """Return the policy as plain JSON data: all that decides, and nothing about files and lines."""
    return {
        "mlgate": 1,
        "policy": policy.id,
        "title": policy.title,
        "about": dict(policy.about),
        "version": policy.version,
        "decision": policy.decision,
        "confidence": policy.confidence,
        "seed": policy.seed,
        "first_release": policy.first_release,
        "release": _plain(policy.pins),
        "replaced_pins": [[one.pin, _json(one.was), _json(one.now)] for one in policy.replaced],
        "origin": dict(origin),
        "trust": _plain(policy.trust),
        "checks": {use.id: shown(use) for use in policy.uses},
        "off": dict(policy.off),
        "not_applicable": dict(policy.not_applicable),
        "approvals": _plain(policy.approvals),
        "promotion": _plain(policy.promotion),
    }


def _model(layer: Layer, model: type[M], *key: str) -> M:
    """Return the block at `key` as its model; the parts were validated file by file."""
    names = {info.alias or name: name for name, info in model.model_fields.items()}
    values = {names[name]: value for name, value in layer.values(*key).items()}
    return cast("M", model.model_construct(**values))


def _pins(layer: Layer) -> Pins:
    columns = _model(layer, ColumnPins, "release", "columns")
    evaluation = _model(layer, EvaluationPins, "release", "evaluation")
    own = layer.values("release")
    if columns.model_fields_set:
        own["columns"] = columns
    if evaluation.model_fields_set:
        own["evaluation"] = evaluation
    return Pins.model_construct(**own)


def _replaced(layer: Layer) -> Iterator[Replaced]:
    for key, was, now in layer.replaced():
        if key[0] == "release":
            yield Replaced(pin=".".join(key[1:]), was=was.value, now=now.value, where=now.where)


def _pinned_at(layer: Layer) -> dict[str, str]:
    return {".".join(key[1:]): layer.where(*key) for key in layer.statements if key[0] == "release"}


def _unknown(layer: Layer, checks: Mapping[str, Check]) -> Iterator[Problem]:
    """Yield the families and checks under `origin` and `not_applicable` that do not exist."""
    known = {*checks, *(one.partition("/")[0] for one in checks)}
    for block in ("origin", "not_applicable"):
        for name, said in layer.below(block).items():
            if name not in known:
                todo = did_you_mean(name, known, "`mlgate checks` lists them")
                yield Problem(said.where, f"{show(name)} is no family and no check", todo)


def _check(layer: Layer, use_id: str, checks: Mapping[str, Check]) -> Check:
    """Find the check of a use."""
    where = layer.where("checks", use_id, SWITCH)
    said = layer.statements.get(("checks", use_id, "check"), ())
    if not said:
        uses = [one for one in layer.uses() if ("checks", one, "check") in layer.statements]
        todo = did_you_mean(use_id, uses) if uses else f"name the check: `check: {use_id}`"
        todo = f"to add it write `check: {use_id}`" if use_id in checks else todo
        what = f"`id: {use_id}` changes an inherited use, and there is none of that id"
        raise ContentError(where, what, todo)
    for one in said:
        _require_agreement(one, said[0], use_id, set(layer.uses()) - set(checks))
    check = catalogue.get(checks, said[0].value, said[0].where)
    if use_id != check.id and use_id in checks:
        what = f"id {use_id!r} of a use of {check.id} is the name of another check"
        raise ContentError(where, what, "choose another id")
    return check


def _require_agreement(said: Stated, first: Stated, use_id: str, ids: Collection[str]) -> None:
    """Refuse a use that is of two checks, and the id of a use (`ids`) in the place of a check."""
    if said.value in ids and (said.value != use_id or said is not first):
        what = f"{show(said.value)} is the id of a use, not a check"
        raise ContentError(said.where, what, f"write `id: {said.value}`")
    if said.value != first.value:
        what = f"use {use_id!r} is of {first.value} since {first.where}, not of {said.value}"
        raise ContentError(said.where, what, "keep the check, or give the new use an `id:` of its own")


def shown(use: Use) -> dict[str, Any]:
    """Return a use as plain JSON data: all that can change what it finds, and nothing about files."""
    return {
        "check": use.check.id,
        "check_digest": use.check.digest,
        "measure": {"id": use.measure.id, "package": use.measure.package, "version": use.measure.version},
        "params": _json(use.params),
        "limit": {"op": use.limit.op.value, "value": _json(use.limit.value)},
        "warn": None if use.warn is None else {"op": use.warn.op.value, "value": _json(use.warn.value)},
        "except": [
            {
                "where": dict(one.where),
                "limit": {"op": one.limit.op.value, "value": _json(one.limit.value)},
                "because": one.because,
            }
            for one in use.exceptions
        ],
        "severity": use.severity.value,
        "decision": use.rule.decision,
        "confidence": use.rule.confidence,
        "guard": use.rule.guard,
        "min_judged": use.rule.min_judged,
        "on_inconclusive": use.on_inconclusive.value,
        "min_group": use.min_group,
        "judge_unknown": use.judge_unknown,
        "groups": None if use.groups is None else [_by(product) for product in use.groups],
        "slices": [_by(product) for product in use.slices],
        "table": use.table,
        "against": use.against,
        "retrain": use.retrain,
        "when": _plain(use.when),
        "because": use.because,
        "origin": None if use.origin is None else use.origin.value,
    }


def _by(product: tuple[By, ...]) -> list[Any]:
    return [{one.column: list(one.edges)} if isinstance(one, Bins) else one for one in product]


def _plain(model: Model) -> dict[str, Any]:
    plain: dict[str, Any] = _json(model.model_dump(mode="json", by_alias=True, exclude_unset=True))
    return plain


def _json(value: Any) -> Any:  # noqa: PLR0911  one for each kind of value
    """Return a value as JSON has it; numbers that are equal look equal, however they were written."""
    match value:
        case Model():
            return _plain(value)
        case Metric():
            return _json({"check": value.check, "check_digest": value.digest, "params": value.params})
        case Mapping():
            return {str(name): _json(one) for name, one in value.items()}
        case tuple() | list():
            return [_json(one) for one in value]
        case float() if value.is_integer() and abs(value) < 2**53:
            return int(value)
        case str() | int() | float() | None:
            return value
        case _:
            return str(value)
