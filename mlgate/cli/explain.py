"""`mlgate explain`: one check, from the sentence it claims down to the line of code."""

from __future__ import annotations

import inspect
import textwrap
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeGuard

import click

from mlgate import catalogue
from mlgate.catalogue import Check
from mlgate.catalogue.params import types_of
from mlgate.cli import own_checks
from mlgate.measures import Measure
from mlgate.measures.metrics import Metric
from mlgate.strict_yaml import Model, docstrings

WIDTH = 88

WORDS: Mapping[Any, str] = {
    str: "text",
    float: "number",
    int: "whole number",
    bool: "true or false",
    types.NoneType: "null",
    Metric: "check on performance",
}
"""How a policy's author calls the types of parameters."""

CLAIMS: Mapping[str, str] = {
    "non-inferior": "at_least -margin; the policy gives the margin under `params`",
    "superior": "at_least margin, 0 by default; the policy may give the margin under `params`",
    "equivalent": "between -margin and margin; the policy gives the margin under `params`",
}
"""The limit that a margin makes."""

MARGIN_DUE = ("non-inferior", "equivalent")
"""Claims that say nothing without a margin."""


@click.command("explain")
@click.argument("check_id")
@own_checks
def command(check_id: str, extra: Sequence[Path]) -> None:
    """Explain CHECK_ID: measure, definition, limits, sources, and where its code is.

    CHECK_ID may also be the id under which a policy that comes with mlgate uses a check.
    """
    checks = catalogue.load(extra)
    used = [] if check_id in checks else _uses(check_id, checks)
    if used:
        policies = " and ".join(name for name, _ in used)
        click.echo(f"{check_id} is a use of {used[0][1]} in the policy {policies}:\n")
        check_id = used[0][1]
    click.echo(describe(catalogue.get(checks, check_id, "mlgate explain")))


def _uses(use_id: str, checks: Mapping[str, Check]) -> list[tuple[str, str]]:
    """Return the shipped policies that have a use of this id, each with the check that it uses."""
    from mlgate import policy

    found = [(name, one) for name in policy.shipped() for one in policy.load([name], checks).uses]
    return [(name, one.check.id) for name, one in found if one.id == use_id]


def describe(check: Check) -> str:
    """Return the whole story of a check as plain text."""
    measure = check.measure
    facts = [
        ("file", _file(check)),
        ("since", f"{check.since} ({check.lifecycle})"),
        ("severity", check.severity.value),
        ("limit", _limit(check)),
        ("guard", _guard(check)),
        ("tasks", ", ".join(check.tasks) or "any"),
        ("needs", ", ".join(_needs(check)) or "nothing but the table"),
        ("measure", f"{measure.id} (version {measure.version}, from {measure.package})"),
        ("gives", f"{_article(measure.kind)} in {_unit(measure)}, better {measure.better}"),
        ("code", measure.location),
        ("defined by", measure.source),
        ("maps to", ", ".join(check.maps_to) or "no control yet"),
        ("digest", check.digest),
    ]
    lines = [check.id, check.title, ""]
    lines += [f"{name + ':':<11} {value}" for name, value in facts]
    lines += ["", "Why it matters", *_wrapped(check.why), "", f"What to do ({check.fix.effort} effort)"]
    lines += [*_wrapped(check.fix.text), "", "What is computed", *_doc(check), "", "Parameters"]
    lines += [*_params(check), "", "Sources", *(f"  - {source}" for source in check.sources)]
    return "\n".join(lines)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), WIDTH, initial_indent="  ", subsequent_indent="  ")


def _doc(check: Check) -> list[str]:
    implementation = check.measure.implementation
    target = implementation if inspect.isfunction(implementation) else type(implementation)
    return textwrap.indent(inspect.getdoc(target) or "", "  ").splitlines()


def _params(check: Check) -> list[str]:
    if not check.measure.params:
        return ["  none"]
    rows = []
    kinds = types_of(check.measure)
    for name, parameter in check.measure.params.items():
        kind = _typed(kinds[name])
        given = check.params.get(name, parameter.default)
        demanded = given is inspect.Parameter.empty or (name == "margin" and check.claim in MARGIN_DUE)
        default = "required" if demanded else f"default {_default(given)}"
        rows += _hanging(f"{name}: {kind} ({default})", 2)
        for model in _models(kinds[name]):
            rows += [f"      {model.called} has", *_keys(model)]
    return rows


def _keys(model: type[Model]) -> Iterator[str]:
    """Yield the keys of a mapping that is a parameter, or part of one, each with what it means."""
    meanings = docstrings(model)
    for key, info in model.model_fields.items():
        left_out = "may be left out" if info.default is None else f"default {_default(info.default)}"
        due = "required" if info.is_required() else left_out
        kind = _typed(info.annotation)
        kind = kind.removesuffix(" | null") if info.default is None else kind
        yield from _hanging(f"{key}: {kind} ({due})", 8)
        if key in meanings:
            yield from _hanging(meanings[key], 12)


def _models(annotation: object) -> list[type[Model]]:
    """Return the mappings with keys of their own in a type, and those in their keys, each once."""
    if _is_model(annotation):
        inside = [one for info in annotation.model_fields.values() for one in _models(info.annotation)]
        return list(dict.fromkeys([annotation, *inside]))
    found = [one for part in typing.get_args(annotation) for one in _models(part)]
    return list(dict.fromkeys(found))


def _hanging(text: str, indent: int) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 4),
        break_on_hyphens=False,
        break_long_words=False,
    )


def _default(given: object) -> str:
    if isinstance(given, list | tuple):
        return ", ".join(map(str, given)) or "none"
    return "null" if given is None else str(given).lower() if isinstance(given, bool) else str(given)


def _typed(annotation: object) -> str:  # noqa: PLR0911  one for each kind of type
    """Write a type as one who fills it in reads it: `number`, `macro | micro`, `list of text | null`."""
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return _typed(parts[0])
    if origin is Literal:
        return " | ".join(map(str, parts))
    if origin in (typing.Union, types.UnionType):
        return " | ".join(_words(parts))
    if origin in (list, tuple, Sequence) and (models := [one for one in map(_bare, parts) if _is_model(one)]):
        return f"list, each {models[0].called}"
    if origin in (list, tuple, Sequence):
        of = dict.fromkeys(_typed(one) for one in parts if one is not ...)
        return "list of " + " or ".join(of).replace(" | ", " or ").replace("any value", "values")
    if origin in (dict, Mapping):
        to = _typed(parts[1])
        return f"mapping of {_typed(parts[0])} to " + (f"({to})" if " | " in to else to)
    if _is_model(annotation):
        return annotation.called
    return WORDS.get(annotation) or inspect.formatannotation(annotation)


def _words(parts: Sequence[object]) -> list[str]:
    """Write the types of a union, each once; text, numbers and truth values together are any value."""
    found = list(dict.fromkeys(map(_typed, parts)))
    scalars = [WORDS[one] for one in (str, bool, int, float)]
    if not set(scalars).issubset(found):
        return found
    return ["any value", *(one for one in found if one not in scalars)]


def _bare(annotation: object) -> Any:
    return typing.get_args(annotation)[0] if typing.get_origin(annotation) is Annotated else annotation


def _is_model(annotation: object) -> TypeGuard[type[Model]]:
    return isinstance(annotation, type) and issubclass(annotation, Model)


def _file(check: Check) -> str:
    """Say where the file is: in full, or in mlgate itself."""
    shipped = catalogue.load().get(check.id)
    if shipped is not None and shipped.digest == check.digest:
        return f"{check.where}, shipped with mlgate"
    return str(Path(check.where).resolve())


def _limit(check: Check) -> str:
    if check.claim is not None:
        return CLAIMS[check.claim]
    if check.limit is None:
        return "none by default; the policy gives it"
    of = ", ".join(f"{name} {value}" for name, value in check.limit_for.items())
    return f"{check.limit.op.value} {check.limit.value}" + (f" for {of}, else none" if of else "")


def _guard(check: Check) -> str:
    if check.measure.kind == "fact":
        return "none: a fact is compared as it is"
    if check.claim is not None:
        return "none: the margin is all the room there is"
    return "5 % of the limit" if check.guard is None else f"{check.guard:g}"


def _needs(check: Check) -> Iterator[str]:
    yield from check.needs
    if check.against is not None:
        yield f"table {check.against} to compare with, or the one that the policy names under `against`"


def _unit(measure: Measure) -> str:
    return measure.unit if measure.unit.startswith("units ") else f"unit {measure.unit}"


def _article(kind: str) -> str:
    return f"an {kind}" if kind == "estimate" else f"a {kind}"
