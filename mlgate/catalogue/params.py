"""Parameters of measures: names and types held against the signature, before anything is measured."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from mlgate import strict_yaml
from mlgate.errors import ContentError, Problem
from mlgate.measures import Measure
from mlgate.strict_yaml import Loc, did_you_mean, show


def typed(measure: Measure, params: Mapping[str, Any], where: str | Callable[[Loc], str]) -> dict[str, Any]:
    """Return `params` as the signature of the measure types them; `where` as in `check_params`.

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
            known[name] = strict_yaml.check(types_of(measure)[name], value, placed, at=at)
        except ContentError as error:
            problems.extend(error.problems)
    if problems:
        raise ContentError.of(problems)
    return known


def types_of(measure: Measure) -> Mapping[str, Any]:
    """Return the types of the parameters; modules write them as text, to be resolved where they stand."""
    made: Any = measure.implementation
    function: Any = made if inspect.isfunction(made) else type(made).__init__
    names = {name: parameter.annotation for name, parameter in measure.params.items()}
    written = types.SimpleNamespace(__annotations__=names)
    return typing.get_type_hints(written, globalns=function.__globals__, include_extras=True)
