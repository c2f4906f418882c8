"""What is to be shipped, as its author states it: the models of `release.yaml`, and how it is loaded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, StringConstraints
from pydantic import model_validator as validator

from mlgate.cells import Task
from mlgate.errors import ContentError, Problem
from mlgate.evidence.coding import token
from mlgate.evidence.expectations.named import Named as NamedSuite
from mlgate.evidence.roles import Column, ColumnsSpec, Scalar
from mlgate.evidence.sources import DataSource, Text, exactly_one, filled
from mlgate.evidence.tasks import unfit
from mlgate.strict_yaml import (
    MAX_TOLD,
    Document,
    Loc,
    Model,
    Wrong,
    build,
    digest,
    dotted,
    json_schema,
    read,
    show,
)

FORMAT = 1
"""The version of the file format that this mlgate reads."""

Risk: TypeAlias = Literal["minimal", "limited", "high"]
_URI = re.compile(r"(models|runs):/.+|https?://.+|python:[\w.]+:\w+")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_LAKEFS = re.compile(r"lakefs://[^/\s]+/[^/\s]+(/\S*)?")
_VARIABLE = re.compile(r"env:[A-Za-z_]\w*")
_TABLE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,99}")
_USER_AND_PASSWORD = re.compile(r"://[^/\s:@]*:[^/\s@]*@|https?://[^/\s@]+@")
_SECRET_OPTION = re.compile(
    r"(password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|signature|sig|credential)\s*=\s*[^\s&;]",
    re.IGNORECASE,
)


def _uri(text: str) -> str:
    if not _URI.fullmatch(text):
        known = "models:/NAME@ALIAS, runs:/ID/PATH, https://HOST/... or python:PACKAGE.MODULE:FUNCTION"
        raise Wrong("is no model URI that mlgate knows", f"use {known}; a file goes under `path`")
    return text


def _sha256(text: str) -> str:
    if not _SHA256.fullmatch(text):
        raise Wrong(f"{show(text)} is no sha256", "write its 64 digits, as sha256sum prints them")
    return text.lower()


def _commit(text: str) -> str:
    if not _COMMIT.fullmatch(text):
        raise Wrong(f"{show(text)} is no commit", "write what `git rev-parse HEAD` prints, in quotes")
    return text


def _of_environment(text: str) -> str:
    if not _VARIABLE.fullmatch(text):
        raise Wrong("is not env:NAME", "name the environment variable that holds it, not the secret")
    return text


def _lakefs(text: str) -> str:
    if not _LAKEFS.fullmatch(text):
        raise Wrong(f"{show(text)} is no reference of lakeFS", "write lakefs://REPOSITORY/REF/PATH")
    return text


def _format(value: Any) -> Any:
    if value is not None and (value != FORMAT or isinstance(value, bool | float)):
        raise Wrong(f"format version {show(value)} is not known", f"this mlgate reads `mlgate: {FORMAT}`")
    return value


def _tables(tables: Mapping[str, Any]) -> Mapping[str, Any]:
    for name in tables:
        if not _TABLE.fullmatch(name):
            what = f"{show(name)} is no name for a table"
            raise Wrong(what, "use letters, digits, - and _, a letter first", at=(name,))
    if "evaluation" not in tables:
        raise Wrong("'evaluation' is missing: the table that is judged", "add evaluation: {path: ...}")
    return tables


Name: TypeAlias = Annotated[str, StringConstraints(max_length=200), AfterValidator(filled)]


class Loading(Model):
    """How a model is loaded or asked, wherever it is."""

    called: ClassVar[str] = "the model"

    trust: Literal["none", "pickle", "code"] = "none"
    """What loading it may execute; the policy must allow it too."""
    trusted_types: tuple[Text, ...] = ()
    """The skops types to accept."""
    python: Text | None = None
    """The interpreter that loads it, when it is not the gate's own."""
    protocol: Literal["open-inference", "mlflow", "tensorflow", "json"] | None = None
    """What an endpoint speaks; default: what its address says."""
    outputs: Literal["probabilities", "decisions"] | None = None
    """What it gives, where it does not say so itself."""
    output: Text | None = None
    """Which of an endpoint's outputs, where it has several."""
    classes: tuple[Scalar, ...] = ()
    """What it gives probabilities of, in its order, where it does not say so itself."""
    token: Annotated[str, AfterValidator(_of_environment)] | None = None
    """The environment variable that holds an endpoint's bearer token, env:NAME."""

    def require_use(self, uri: str | None) -> None:
        """Raise where a key would do nothing for a model at `uri`, or in a file where that is None."""
        served = uri is not None and uri.startswith(("http://", "https://"))
        idle = ("python", "trusted_types") if served else ("protocol", "outputs", "output", "token")
        stray = next((one for one in idle if getattr(self, one)), None)
        if stray is not None:
            kind = "models that the gate loads itself" if served else "endpoints (uri: https://…)"
            raise Wrong(f"{stray} is for {kind}", "leave it out", at=(stray,))


class ModelSource(Loading):
    """Where the model is. Without it, predictions come from the data."""

    path: Text | None = None
    """A file or a directory, relative to this file."""
    uri: Annotated[str, AfterValidator(_uri)] | None = None
    """models:/credit@candidate, runs:/..., https://host/v2/models/credit or python:pkg.mod:function."""

    @validator(mode="after")
    def _one_place(self) -> Self:
        exactly_one(self, ("path", "uri"))
        self.require_use(self.uri)
        return self


class ChampionColumns(Model):
    """Columns of the judged tables that hold what the model now in production says of the same rows."""

    called: ClassVar[str] = "the champion's predictions"

    score: Column | Annotated[Mapping[str, Column], Field(min_length=1)] | None = None
    """The column of its probability; for multiclass a mapping from class to column."""
    prediction: Column | None = None
    """Its decision. Default: score >= threshold."""
    prediction_positive: Scalar | None = None
    """Value of its `prediction` that means positive. Default: as for the release's own."""
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    """Its prediction is positive when its score is at least this. Default: the threshold of the release."""

    @validator(mode="after")
    def _something(self) -> Self:
        if self.score is None and self.prediction is None:
            raise Wrong("has neither score nor prediction", "give at least one of them")
        return self

    def roles(self) -> ColumnsSpec:
        """Return its columns as those of a model that is judged."""
        return ColumnsSpec(
            score=self.score, prediction=self.prediction, prediction_positive=self.prediction_positive
        )

    def unfit(self, task: Task, own: ColumnsSpec) -> Iterator[Wrong]:
        """Yield what is wrong with its columns for a task, beside the roles that a table has for itself."""
        yield from unfit(task, self.roles())
        if self.threshold is not None and task != "binary":
            what = f"a threshold is for binary, and this release is {task}"
            yield Wrong(what, "leave it out", at=("threshold",))
        taken = own.by_column()
        for column, role in self.roles().by_column().items():
            if column in taken:
                what = f"column {show(column)} already has the role {taken[column]}"
                yield Wrong(what, "name the column that the champion wrote", at=(role,))
        if isinstance(self.score, Mapping) and isinstance(own.score, Mapping):
            yield from _other_classes(self.score, own.score)


def _other_classes(champion: Mapping[str, str], own: Mapping[str, str]) -> Iterator[Wrong]:
    """Yield that the champion gives probabilities to other classes than the release does."""
    theirs, ours = ({token(one): one for one in scores} for scores in (champion, own))
    more = [theirs[one] for one in theirs.keys() - ours.keys()]
    less = [ours[one] for one in ours.keys() - theirs.keys()]
    if more or less:
        parts = [f"has {', '.join(map(show, sorted(more)))}"] if more else []
        parts += [f"lacks {', '.join(map(show, sorted(less)))}"] if less else []
        what = f"its classes are not those of the release: it {' and '.join(parts)}"
        yield Wrong(what, "compare models of the same classes", at=("score",))


class Champion(Loading):
    """The model that is in production now: one of `release`, `uri`, `report`, `predictions`."""

    called: ClassVar[str] = "the champion"

    release: Text | None = None
    """Its release.yaml."""
    uri: Annotated[str, AfterValidator(_uri)] | None = None
    """The model itself, models:/credit@champion, as under `model:`; it is scored on the same rows."""
    report: Text | None = None
    """Its report.json."""
    predictions: ChampionColumns | None = None
    """Its predictions on the same rows."""

    @validator(mode="after")
    def _one_place(self) -> Self:
        exactly_one(self, ("release", "uri", "report", "predictions"))
        stray = next((one for one in Loading.model_fields if one in self.model_fields_set), None)
        if self.uri is None and stray is not None:
            raise Wrong(f"{stray} goes with `uri`", "leave it out", at=(stray,))
        self.require_use(self.uri)
        return self

    @property
    def model(self) -> ModelSource | None:
        """The model itself, where it is named by its URI."""
        if self.uri is None:
            return None
        return ModelSource(uri=self.uri, **{name: getattr(self, name) for name in Loading.model_fields})


class Anchor(Model):
    """A pinned release to compare with, so that small losses do not add up."""

    called: ClassVar[str] = "an anchor"

    report: Text
    """Its report.json."""


class ModelDigest(Model):
    """The bytes of the model."""

    called: ClassVar[str] = "provenance.model"

    sha256: Annotated[str, AfterValidator(_sha256)]
    """Of the file; of a folder, as the report writes it."""


class Training(Model):
    """The command that makes the model."""

    called: ClassVar[str] = "provenance.train"

    command: Text
    """What to run, in the folder of this file."""
    output: Text
    """The model that it writes."""


class DataVersion(Model):
    """A version of data: a digest of its bytes, or where a tool that versions data has it."""

    called: ClassVar[str] = "a version of data"

    path: Text | None = None
    """The file. Default: that of the table of the same name."""
    sha256: Annotated[str, AfterValidator(_sha256)] | None = None
    """Of the file; of the files of a glob, as the report writes it."""
    dvc: Text | None = None
    """The .dvc file of DVC, data/train.csv.dvc."""
    lakefs: Annotated[str, AfterValidator(_lakefs)] | None = None
    """lakefs://REPOSITORY/REF/PATH; recorded, and compared with nothing."""
    mlflow: Text | None = None
    """The digest of an MLflow data set, which the run of the model has to name too."""

    @validator(mode="after")
    def _something(self) -> Self:
        if all(one is None for one in (self.sha256, self.dvc, self.lakefs, self.mlflow)):
            raise Wrong("has none of sha256, dvc, lakefs, mlflow", "give at least one of them")
        return self


class Provenance(Model):
    """Where the model comes from, as far as it is not measured; a value that differs is a failing finding."""

    called: ClassVar[str] = "provenance"

    environment: Text | None = None
    """The lock file of the training environment."""
    seed: int | None = None
    """The seed of the training."""
    data: Mapping[str, DataVersion] | None = None
    """Versions of data by the name of their table, or any other: a sha256, DVC, lakeFS, MLflow data sets."""
    train: Training | None = None
    commit: Annotated[str, AfterValidator(_commit)] | None = None
    """The commit at which the model was trained."""
    model: ModelDigest | None = None


class Costs(Model):
    """What no measure can see of the costs, in US dollars and kilowatt hours."""

    called: ClassVar[str] = "costs"

    training_usd: Annotated[float, Field(ge=0)] | None = None
    """What the training cost."""
    hourly_usd: Annotated[float, Field(ge=0)] | None = None
    """What an hour of the serving machine costs."""
    training_kwh: Annotated[float, Field(ge=0)] | None = None
    """What energy the training used, in kilowatt hours."""
    emissions: Text | None = None
    """The file in which CodeCarbon has recorded that, emissions.csv."""


class Release(Model):
    """A release: what is to be shipped, its data, and facts about both."""

    called: ClassVar[str] = "a release"

    mlgate: Annotated[Literal[1], BeforeValidator(_format)]
    """Version of the format."""
    name: Name
    """The name of the model, the same from release to release."""
    version: Name
    """The version of this release, in quotes."""
    task: Task
    """What the model does. `scores`: one graded number per row, such as NDCG per query or grader marks."""
    intended_use: Text | None = None
    """What it is for, in a sentence."""
    risk: Risk | None = None
    """How much harm it can do."""
    owners: tuple[Text, ...] = ()
    """Who answers for it."""
    model: ModelSource | None = None
    data: Annotated[Mapping[str, DataSource], AfterValidator(_tables)]
    """Tables by name; `evaluation` is the one that is judged."""
    columns: ColumnsSpec = ColumnsSpec()
    """Roles of columns in all tables."""
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The prediction is positive when the score is at least this."""
    champion: Literal["none"] | Champion | None = None
    """The model that is in production now, or none."""
    anchors: Mapping[str, Anchor] = {}
    """Pinned releases by name."""
    provenance: Provenance | None = None
    costs: Costs | None = None
    documents: Mapping[str, Text] = {}
    """Documents by name, such as model_card, with their paths."""
    expectations: Mapping[str, NamedSuite] = {}
    """Suites of Great Expectations by name: a JSON file, or {project: gx, suite: NAME}."""
    statements: Text | None = None
    """A file with what no measure can know, each statement with by and date."""

    _digest: str = PrivateAttr(default="")

    @validator(mode="after")
    def _roles(self) -> Self:
        """Hold the roles of each table against each other, and against the task."""
        stated: dict[Loc, ColumnsSpec] = {("columns",): self.columns}
        for name, source in self.data.items():
            if source.columns is not None:
                stated["data", name, "columns"] = self.columns.with_overrides(source.columns)
        faults = []
        for at, columns in stated.items():
            clash = columns.contradiction()
            wrong = [*([] if clash is None else [clash]), *unfit(self.task, columns)]
            for below, what, todo in (fault for one in wrong for fault in one.faults):
                faults.append(Wrong(what, todo, at=(*at, *below)))
        if isinstance(self.champion, Champion) and self.champion.predictions is not None:
            faults += _of_champion(self.champion.predictions, self.task, stated.values())
        if self.task != "binary" and "threshold" in self.model_fields_set:
            what = f"a threshold is for binary, and this release is {self.task}"
            faults.append(Wrong(what, "leave it out", at=("threshold",)))
        if faults:
            raise Wrong.of(faults)
        return self

    @classmethod
    def of(cls, document: Document) -> Self:
        """Build a release from a document.

        Raises ContentError with every problem at once.
        """
        problems = list(islice(_unwritable(document), MAX_TOLD))
        try:
            release = build(document, cls)
        except ContentError as error:
            # One value may be complained about twice: `name:` is empty, and text is due.
            said = {_place(problem) for problem in problems}
            problems += [problem for problem in error.problems if _place(problem) not in said]
        if problems:
            raise ContentError.of(problems)
        release._digest = digest(document.data)  # noqa: SLF001 - made and sealed by its own class
        return release

    @property
    def digest(self) -> str:
        """The sha256 of the data as written, in canonical form: comments and layout do not change it."""
        return self._digest or digest(self.written())

    def written(self) -> dict[str, Any]:
        """Return what the author wrote, without defaults, as plain data."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    def stated(self, dotted: str) -> object:
        """Return the value at a dotted path, `columns.label`, as the author gave it; None when left out."""
        found: Any = self.written()
        for step in dotted.split("."):
            if not isinstance(found, Mapping) or step not in found:
                return None
            found = found[step]
        return found

    def columns_of(self, table: str) -> ColumnsSpec:
        """Return the roles of one table of `data`; KeyError when there is no such table."""
        return self.columns.with_overrides(self.data[table].columns)


def _of_champion(columns: ChampionColumns, task: Task, stated: Iterable[ColumnsSpec]) -> list[Wrong]:
    """List what is wrong with the columns of the champion, each once however many tables it is wrong in."""
    found = {
        fault: Wrong(fault[1], fault[2], at=("champion", "predictions", *fault[0]))
        for own in stated
        for wrong in columns.unfit(task, own)
        for fault in wrong.faults
    }
    return list(found.values())


def _unwritable(document: Document) -> Iterator[Problem]:
    """Yield a problem for each text that holds a password, never showing it, and for each empty key.

    A `where:` whose lines were commented out would select every row in silence. Null has a meaning only
    in the `columns` of one table: the table lacks the role.
    """
    for loc, value in _leaves(document.data, ()):
        path = dotted(loc)
        if value is None and (loc[:1], loc[2:3]) != (("data",), ("columns",)):
            yield Problem(document.where(loc), f"{path}: is empty", "give it, or leave the key out")
        elif isinstance(value, str) and (
            _USER_AND_PASSWORD.search(value) or ("://" in value and _SECRET_OPTION.search(value))
        ):
            todo = "put it into an environment variable; a connection is written env:NAME"
            yield Problem(document.where(loc), f"{path}: holds a password or another secret", todo)


def _place(problem: Problem) -> tuple[str, str]:
    return problem.where, problem.what.partition(": ")[0]


def _leaves(data: Any, loc: Loc) -> Iterator[tuple[Loc, Any]]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _leaves(value, (*loc, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _leaves(value, (*loc, index))
    else:
        yield loc, data


def load_release(path: Path) -> tuple[Release, Document]:
    """Read and build a release, and return it with its document, which knows the lines.

    Raises ContentError with every problem at once.
    """
    document = read(path)
    return release_of(document), document


def release_of(document: Document) -> Release:
    """Build a release from a document, as `Release.of` does; a policy is told to be one."""
    if isinstance(document.data, dict) and "policy" in document.data and "task" not in document.data:
        todo = "give the file that says `task:`; a policy goes with --policy"
        raise ContentError(document.display, "is a policy, not a release", todo)
    return Release.of(document)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of release.yaml."""
    return json_schema(Release, id="urn:mlgate:schema:release:1")
