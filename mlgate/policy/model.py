"""The YAML of a policy, as pydantic models: what may be written, before anything is resolved.

`policies/policy.schema.json` is generated from `PolicyFile`. Every key is optional but `mlgate` and
`policy`, because files are merged before they are complete; `resolve` says what is missing in the end.
No key may be empty (null): leaving a key out and taking a value back would look alike.
"""

from __future__ import annotations

import codecs
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from mlgate.cells import Task
from mlgate.evidence.sources import Type
from mlgate.policy.values import (
    ColumnPin,
    Confidence,
    Decision,
    Ends,
    EndsPin,
    Grouping,
    Identifier,
    LevelsPin,
    Name,
    NamesPin,
    Number,
    OnInconclusive,
    Risk,
    Role,
    Scalar,
    ScalarsPin,
    Sha256,
    Share,
    Text,
    WherePin,
    distinct,
    form,
    held,
)
from mlgate.strict_yaml import Model, Wrong, json_schema, show


def _format(version: int) -> int:
    if version != 1:
        raise Wrong(f"{version} is no format that this mlgate reads", "write `mlgate: 1`")
    return version


def _encoding(text: str) -> str:
    try:
        "".encode(text)
    except (LookupError, ValueError):  # a UnicodeError is a ValueError
        raise Wrong(f"{show(text)} is no text encoding", "use utf-8, or the name of the one it has") from None
    return codecs.lookup(text).name


OPERATIONS = ("at_least", "at_most", "between", "equals", "holds")
"""The ways to write a limit."""


class AtLeastRisk(Model):
    """A floor under the stated risk."""

    called: ClassVar[str] = "a pinned risk"

    at_least: Risk


RiskPin: TypeAlias = Annotated[
    Annotated[Risk, Tag("plain")] | Annotated[AtLeastRisk, Tag("mapping")], Discriminator(form)
]


class ColumnPins(Model):
    """Roles that the release must give to exactly these columns; `none` where it must give none."""

    called: ClassVar[str] = "the pinned columns"

    label: Name | None = None
    positive: Scalar | None = None
    favourable: ScalarsPin | None = None
    score: ColumnPin | None = None
    prediction: Name | None = None
    prediction_positive: Scalar | None = None
    features: NamesPin | None = None
    categorical: NamesPin | None = None
    protected: NamesPin | None = None
    """At least these; a release may protect more."""
    key: Name | None = None
    time: Name | None = None
    weight: Name | None = None
    cluster: Name | None = None
    interval: EndsPin | None = None
    """Of the low and the high end, in this order."""
    quantiles: LevelsPin | None = None
    """These levels, and no other."""


class ReadingPins(Model):
    """How the text of the evaluation table is read; the keys that a table of a release has for it."""

    called: ClassVar[str] = "the pinned reading"

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """What separates values must be this."""
    quote: Annotated[str, Field(max_length=1)] | None = None
    """What quotes values must be this; empty text: nothing does."""
    encoding: Annotated[str, AfterValidator(_encoding)] | None = None
    """The text encoding must be this one."""
    nulls: tuple[str, ...] | None = None
    """What counts as missing must be exactly these."""
    types: dict[Name, Type] | None = None
    """The types that are stated must be exactly these."""


class PredictionsPin(Model):
    """Predictions in a file of their own, which differs from release to release."""

    called: ClassVar[str] = "the pinned predictions"

    key: Name
    """The column that they are joined on must be this one."""
    path: Name | None = None
    """Their file must be this one, as the release writes it."""


class EvaluationPins(Model):
    """Which evaluation table, and how much of it."""

    called: ClassVar[str] = "the pinned evaluation"

    sha256: Annotated[tuple[Sha256, ...], Field(min_length=1)] | None = None
    """The file must be one of these."""
    min_rows: Annotated[int, Field(ge=1)] | None = None
    where: WherePin | None = None
    """The filter must be this one; `none`: no filter."""
    reading: ReadingPins | None = None
    """How its text is read must be this. What is left out here must be read as by default where sha256 is
    pinned, since the same bytes read otherwise are other data."""
    predictions: (
        Annotated[
            Annotated[Literal["none"], Tag("plain")] | Annotated[PredictionsPin, Tag("mapping")],
            Discriminator(form),
        ]
        | None
    ) = None
    """Predictions must come from a file of their own that is joined so; `none`: from the table itself, which
    also holds where sha256 is pinned and this is left out."""


class Pins(Model):
    """The block `release:`: what the release may not choose for itself."""

    called: ClassVar[str] = "`release` of a policy"

    task: Task | None = None
    """The task must be this one."""
    risk: RiskPin | None = None
    """The stated risk must be this one, or at least this one."""
    columns: ColumnPins = ColumnPins()
    """Roles and the columns that must have them."""
    threshold: Number | None = None
    """The threshold must be this one, and decisions must come from it."""
    evaluation: EvaluationPins | None = None
    """Which evaluation table."""
    champion: Literal["none", "required"] | None = None
    """`none`: there must be no champion. `required`: there must be one that can be compared with, by its
    release, its model, its predictions or its report."""


class Band(Model):
    """A second band; it warns and never blocks."""

    called: ClassVar[str] = "a warn band"

    at_least: Number | None = None
    at_most: Number | None = None
    between: Ends | None = None

    @model_validator(mode="after")
    def _one(self) -> Band:
        if len(self.model_fields_set) != 1:
            raise Wrong("a warn band is one limit", "give one of at_least, at_most and between")
        return self


class ExceptEntry(Model):
    """Another limit for some slices, with its reason."""

    called: ClassVar[str] = "an exception"

    where: Annotated[dict[Name, Scalar], Field(min_length=1)]
    """The slices that have these values in these columns: {region: north}; bins as the report names them."""
    at_least: Number | None = None
    at_most: Number | None = None
    between: Ends | None = None
    equals: Number | None = None
    because: Text
    """Why these rows may be held to another limit; the report shows it."""

    @model_validator(mode="after")
    def _one(self) -> ExceptEntry:
        if len(self.model_fields_set & set(OPERATIONS)) != 1:
            raise Wrong("an exception has one limit", "give one of at_least, at_most, between and equals")
        return self


class When(Model):
    """When a check applies; every key that is given must hold."""

    called: ClassVar[str] = "`when`"

    risk: Annotated[tuple[Risk, ...], Field(min_length=1), AfterValidator(distinct)] | None = None
    """The release states one of these risks, or none."""
    task: Annotated[tuple[Task, ...], Field(min_length=1), AfterValidator(distinct)] | None = None
    """The release is of one of these tasks."""
    declares: Annotated[tuple[Role, ...], Field(min_length=1), AfterValidator(distinct)] | None = None
    """Roles that the release gives to a column."""


class UseEntry(Model):
    """One entry under `checks:`: a use of a check, or keys that change an inherited use.

    What changes an inherited use is laid over it key by key. A new limit takes the place of the old one,
    whatever its operation, together with the `warn` and `because` that were written for it.
    """

    called: ClassVar[str] = "a use of a check"

    check: Name | None = None
    """The check by its id, performance/roc-auc."""
    id: Identifier | None = None
    """What the use is called; default: the id of the check. By itself it names an inherited use."""
    off: Text | None = None
    """Drop the inherited use; the reason is part of the policy."""
    at_least: Number | None = None
    """The number must not be smaller."""
    at_most: Number | None = None
    """The number must not be larger."""
    between: Ends | None = None
    """[low, high]; the number must be neither smaller nor larger."""
    equals: Number | None = None
    """For facts: exactly this number."""
    holds: Annotated[bool, AfterValidator(held)] | None = None
    """For facts that are true or false."""
    warn: Band | None = None
    """A tighter band; outside it the finding warns, and never blocks."""
    because: Text | None = None
    """Why the limit is where it is; the report shows it."""
    except_: tuple[ExceptEntry, ...] | None = Field(default=None, alias="except")
    """Other limits for some of the slices."""
    severity: Literal["block", "warn", "info"] | None = None
    """What a failure does: block stops the release."""
    decision: Decision | None = None
    """point compares the estimate alone; guard, with its interval up to the guard; bound, with all of it."""
    guard: Annotated[Number, Field(ge=0)] | None = None
    """How far the uncertain end may reach past the limit, in the unit of the measure."""
    confidence: Confidence | None = None
    """Of the one-sided claim; more than 0.5 and less than 1."""
    min_judged: Share | None = None
    """The share of rows that judged groups must hold, else the finding is inconclusive."""
    on_inconclusive: OnInconclusive | None = None
    """What an inconclusive finding does; lean blocks when the estimate is outside the limit."""
    min_group: Annotated[int, Field(ge=1)] | None = None
    """Groups with fewer rows are listed and never judged alone."""
    judge_unknown: bool | None = None
    """Whether rows whose protected value is missing are judged as a group of their own."""
    groups: Annotated[tuple[Grouping, ...], Field(min_length=1)] | None = None
    """What groups are made of: a column, a product of columns, bins. Default: each protected column."""
    slices: tuple[Grouping, ...] | None = None
    """Parts that are judged each by itself: a column, a product of columns, bins."""
    table: Name | None = None
    """The table of the release that is judged; default: evaluation."""
    against: Name | None = None
    """The table that it is compared with, for checks that compare two; the check has a default."""
    retrain: bool | None = None
    """Whether a failure says that the model wants training again; the report then says `retrain: true`."""
    when: When | None = None
    """When the check applies; it applies always by default."""
    params: dict[Name, Any] | None = None
    """Parameters of the measure, over those of the check."""

    @model_validator(mode="after")
    def _coherent(self) -> UseEntry:
        given = self.model_fields_set
        if not given & {"check", "id"}:
            raise Wrong("names no check", "give `check:`, or `id:` of an inherited use")
        operations = [name for name in OPERATIONS if name in given]
        if len(operations) > 1:
            todo = "keep one; for two ends write `between: [low, high]`"
            raise Wrong(f"has two limits, {' and '.join(operations)}", todo, at=(operations[1],))
        idle = sorted(given - {"check", "id", "off"}) if "off" in given else []
        if idle:
            raise Wrong(
                f"is off, so {', '.join(idle)} would do nothing", "remove that, or `off`", at=("off",)
            )
        return self


class Trust(Model):
    """What loading and running the release may do."""

    called: ClassVar[str] = "`trust`"

    models: Literal["none", "pickle", "code"] | None = None
    """What loading a model may execute."""
    isolation: Literal["none", "process", "filesystem", "full"] | None = None
    """How far the model's own process must be shut in."""
    hosts: tuple[Name, ...] | None = None
    """Hosts that URLs may reach."""


class Approvals(Model):
    """Which consents `promote` asks for."""

    called: ClassVar[str] = "`approvals`"

    required: Annotated[int, Field(ge=0)] | None = None
    """How many people have to approve."""
    independent: bool | None = None
    """None of them may have contributed to the release."""
    from_: tuple[Name, ...] | None = Field(default=None, alias="from")
    """Roles whose approval counts."""


class Promotion(Model):
    """What `promote` asks for."""

    called: ClassVar[str] = "`promotion`"

    max_age_days: Annotated[Number, Field(gt=0)] | None = None
    """How old the verdict may be."""


class PolicyFile(Model):
    """One policy file."""

    called: ClassVar[str] = "a policy"

    mlgate: Annotated[int, AfterValidator(_format), Field(json_schema_extra={"const": 1})]
    """The version of the format."""
    policy: Annotated[str, Field(pattern=r"^[a-z0-9]+([._-][a-z0-9]+)*$", max_length=100)]
    """The id of the policy."""
    title: Text | None = None
    """What the policy is for, in a phrase."""
    about: Text | None = None
    """What the policy is, whose law or rule it follows, and what it is not; the report prints it."""
    version: Annotated[int, Field(ge=1)] | None = None
    """The version of the policy; `extends: [name@1]` asks for it."""
    extends: tuple[Name, ...] = ()
    """What this policy builds on, merged left to right: shipped ids, or paths relative to this file."""
    release: Pins | None = None
    """What the release may not choose for itself; a contradiction blocks."""
    decision: Decision | None = None
    """point compares the estimate alone; guard, with its interval up to the guard; bound, with all of it."""
    confidence: Confidence | None = None
    """Of the one-sided claims; more than 0.5 and less than 1. Default: 0.95."""
    min_judged: Share | None = None
    """The share of rows that judged groups must hold, else the finding is inconclusive. Default: 0.9."""
    on_inconclusive: OnInconclusive | None = None
    """What an inconclusive finding does; lean blocks when the estimate is outside. Default: block."""
    min_group: Annotated[int, Field(ge=1)] | None = None
    """Groups with fewer rows are listed and never judged alone. Default: 30."""
    judge_unknown: bool | None = None
    """Whether rows whose protected value is missing are judged as a group of their own."""
    origin: dict[Name, Literal["computed", "attested", "declared"]] | None = None
    """The weakest evidence that a family or a check may rest on."""
    trust: Trust | None = None
    """What loading and running the release may do."""
    first_release: Literal["allow", "block"] | None = None
    """Whether checks that compare with a champion do not apply where there is none. Default: allow."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    """The seed of every draw. Default: 0."""
    checks: tuple[UseEntry, ...] = ()
    """The checks that are used, each with its limit."""
    not_applicable: dict[Name, Text] | None = None
    """A family or a check that is not asked, with the reason."""
    approvals: Approvals | None = None
    """Which consents `promote` asks for."""
    promotion: Promotion | None = None
    """What `promote` asks for."""


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a policy file; `policies/policy.schema.json` is made of it."""
    made: dict[str, Any] = _without_null(json_schema(PolicyFile, id="urn:mlgate:schema:policy:1"))
    return made


def _without_null(schema: Any) -> Any:
    """Take null away from what may be left out: a key that is there has a value."""
    if isinstance(schema, list):
        return [_without_null(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: _without_null(one) for name, one in schema.items() if (name, one) != ("default", None)}
    branches = [one for one in kept.get("anyOf", ()) if one != {"type": "null"}]
    if len(branches) == 1:
        del kept["anyOf"]
        return {**branches[0], **kept}
    return {**kept, "anyOf": branches} if branches else kept
