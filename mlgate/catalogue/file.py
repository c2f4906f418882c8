"""A check file: what may be written in `checks/<family>/<name>.yaml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from mlgate import strict_yaml
from mlgate.cells import Task
from mlgate.findings import Severity
from mlgate.limits import Op
from mlgate.measures import Better, Kind
from mlgate.strict_yaml import Wrong, show

Lifecycle: TypeAlias = Literal["preview", "stable", "deprecated"]
Effort: TypeAlias = Literal["low", "medium", "high"]
Claim: TypeAlias = Literal["non-inferior", "superior", "equivalent"]
Number: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]

ID = re.compile(r"[a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9-]*")
MAX_ID = 100


def _written(text: str) -> str:
    if not text.strip():
        raise Wrong("is blank", "write it: every heading of a check says something")
    return text


def _identifier(text: str) -> str:
    if not ID.fullmatch(text) or len(text) > MAX_ID:
        raise Wrong(f"{show(text)} is no check id", "write family/name in lower-case letters, digits and -")
    return text


Text: TypeAlias = Annotated[str, AfterValidator(_written)]
Identifier: TypeAlias = Annotated[
    str,
    AfterValidator(_identifier),
    Field(json_schema_extra={"pattern": f"^{ID.pattern}$", "maxLength": MAX_ID}),
]


class LimitFile(strict_yaml.Model):
    """The limit that the field is used to; a policy may set another."""

    called: ClassVar[str] = "a limit"

    op: Op
    """at_least and at_most take a number, between two numbers, equals a number or text, holds true."""
    value: bool | Number | str | tuple[Number, Number]
    """In the unit of the measure."""
    params: Mapping[str, Any] = {}
    """The parameters that it is for, and the guard with it: with others, a policy gives a limit."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        value = self.value
        number = isinstance(value, float)
        fits, due = {
            Op.AT_LEAST: (number, "a number"),
            Op.AT_MOST: (number, "a number"),
            Op.BETWEEN: (isinstance(value, tuple) and value[0] <= value[1], "[low, high]"),
            Op.EQUALS: (number or isinstance(value, str), "a number or text"),
            Op.HOLDS: (value is True, "true"),
        }[self.op]
        if not fits:
            raise Wrong(f"{self.op.value} does not take {show(value)}", f"write {due}", at=("value",))
        return self


class FixFile(strict_yaml.Model):
    """What to do about a finding that is not a pass."""

    called: ClassVar[str] = "a fix"

    effort: Effort
    """How much work it is."""
    text: Text
    """One action, the first to take."""


class CheckFile(strict_yaml.Model):
    """A check: the YAML that gives a measure its meaning. Knows no code but the name of its measure."""

    called: ClassVar[str] = "a check"

    id: Identifier
    """family/name, which is also the path of this file."""
    title: Text
    """A sentence that is true or false: True-positive rates are alike across groups."""
    since: Text
    """The version of mlgate, or of your own, that first had it; in quotes."""
    lifecycle: Lifecycle
    """How far it is to be trusted."""
    measure: Text
    """The measure by its id, performance.roc_auc."""
    params: Mapping[str, Any] = {}
    """Parameters of the measure that this check fixes; a policy may set the others."""
    tasks: tuple[Task, ...]
    """Tasks that it is for; empty for any."""
    needs: tuple[Text, ...]
    """What must be there, else it is not measured: label, score, model, table:train, document:model_card."""
    kind: Kind
    """As the measure has it: a fact is compared as it is, an estimate has an interval."""
    better: Better
    """As the measure has it: which way is better."""
    unit: Text
    """As the measure has it; "1" for shares and rates."""
    limit: LimitFile | None = None
    """Left out where the field has no conventional limit: then the policy must give one."""
    guard: Annotated[Number, Field(ge=0)] | None = None
    """How far the uncertain end may reach past the limit, in the unit. Default: 5 % of abs(limit)."""
    claim: Claim | None = None
    """What the parameter `margin` means, which then makes the limit: non-inferior, at_least -margin;
    superior, at_least margin; equivalent, between both. Such a check has no limit and no guard of its own."""
    against: Text | None = None
    """For a check that compares two tables: the other one, where the policy names none."""
    retrain: bool = False
    """Whether a failure says that the model wants training again."""
    severity: Severity
    """What a failure does when the policy says nothing else."""
    why: Text
    """Why it matters, to the people concerned."""
    fix: FixFile
    maps_to: tuple[Text, ...]
    """Controls of frameworks, framework/id."""
    sources: Annotated[tuple[Text, ...], Field(min_length=1)]
    """Where the definition and the limit come from: a library's function, a paper, a rule."""
    replaces: Text | None = None
    """Your own check may take the place of a shipped one when it names it here."""


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a check file; `checks/check.schema.json` is made of it."""
    return strict_yaml.json_schema(CheckFile, id="urn:mlgate:schema:check:1")
