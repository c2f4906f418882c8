"""Parameters of measures: names and types held against the signature, before anything is measured."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, TypeAlias

from pydantic import Discriminator, Tag

from mlgate import strict_yaml
from mlgate.errors import ContentError, Problem
from mlgate.measures import Measure
from mlgate.measures.metrics import Metric
from mlgate.strict_yaml import Loc, did_you_mean, show


class MetricEntry(strict_yaml.Model):
    """A metric that is written with its parameters."""

    called: ClassVar[str] = "a metric"

    check: str
    """The check on performance by its id, performance/f1."""
    params: Mapping[str, Any] = {}
    """Its parameters, as that check takes them."""


def _form(value: Any) -> str:
    return "mapping" if isinstance(value, dict | MetricEntry) else "text"


MetricAsWritten: TypeAlias = Annotated[
    Annotated[str, Tag("text")] | Annotated[MetricEntry, Tag("mapping")], Discriminator(_form)
]
"""What a policy or a check file writes where a measure takes a `Metric`."""


def typed(measure: Measure, params: Mapping[str, Any], where: str | Callable[[Loc], str]) -> dict[str, Any]:
    """Return `params` as the signature of the measure types them; `where` as in `check_params`.

    A metric is returned as it was written: what it names is looked up once all checks are known.

    Raises ContentError with every problem at once: unknown, or of the wrong type.
    """
    placed = where if callable(where) else lambda _: where
    known, problems = {}, []
    for name, value in params.items():
        at = ("params", name)
        if name not in measure.params:
            todo = did_you_mean(name, measure.params)
            problems.append(Problem(placed(at), f"{measure.id} has no parameter {show(name)}", todo))
            continue
        try:
            known[name] = strict_yaml.check(_as_written(types_of(measure)[name]), value, placed, at=at)
        except ContentError as error:
            problems.extend(error.problems)
    if problems:
        raise ContentError.of(problems)
    return known


def complete(
    measure: Measure, fixed: Mapping[str, Any], params: Mapping[str, Any], where: str | Callable[[Loc], str]
) -> dict[str, Any]:
    """Return all parameters: `params` over `fixed`, which the check has, and else the defaults.

    Raises ContentError with every problem at once: unknown, of the wrong type, or required and missing.
    """
    given = {**fixed, **typed(measure, params, where)}
    place = where if isinstance(where, str) else where(("params",))
    missing = [
        Problem(place, f"{measure.id} needs the parameter {show(name)}", f"add params: {{{name}: ...}}")
        for name, parameter in measure.params.items()
        if name not in given and parameter.default is inspect.Parameter.empty
    ]
    if missing:
        raise ContentError.of(missing)
    return {name: given.get(name, parameter.default) for name, parameter in measure.params.items()}


def metrics_of(measure: Measure) -> frozenset[str]:
    """Return the names of the parameters that are metrics."""
    return frozenset(name for name, kind in types_of(measure).items() if _takes_metric(kind))


def types_of(measure: Measure) -> Mapping[str, Any]:
    """Return the types of the parameters; modules write them as text, to be resolved where they stand."""
    if not measure.params:
        return {}
    made: Any = measure.implementation
    function: Any = made if inspect.isfunction(made) else type(made).__init__
    names = {name: parameter.annotation for name, parameter in measure.params.items()}
    written = types.SimpleNamespace(__annotations__=names)
    return typing.get_type_hints(written, globalns=function.__globals__, include_extras=True)


def _takes_metric(annotation: Any) -> bool:
    return annotation is Metric or Metric in typing.get_args(annotation)


def _as_written(annotation: Any) -> Any:
    """Return the type of what is written for a parameter; only a metric is not written as it is used."""
    if not _takes_metric(annotation):
        return annotation
    others = [one for one in typing.get_args(annotation) if one is not Metric]
    return typing.Union[(MetricAsWritten, *others)]
