"""From plain data to typed models; what pydantic finds wrong is told by file, line and remedy."""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from types import UnionType
from typing import Annotated, Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema

from mlgate.errors import ContentError, Problem
from mlgate.strict_yaml import words
from mlgate.strict_yaml.text import Document, Loc

MAX_TOLD = 50
"""Problems told at once: more are of no use to a person, and a hostile file can hold a hundred thousand."""

M = TypeVar("M", bound="Model")


class Model(BaseModel):
    """The base of everything that is read from YAML: frozen, strict, and without unknown keys.

    Models are built in pydantic's JSON mode. A validator with mode="before" leaves it for all below: there,
    lists are no longer taken for tuples. On a whole model use mode="after", and raise `Wrong`.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=()
    )

    called: ClassVar[str] = ""
    """What a person calls it, `a check use`; default: the words of the class name."""


class Wrong(ValueError):
    """What a validator of a model raises; `at` is the place below the model that is to blame."""

    def __init__(self, what: str, todo: str, *, at: Loc = ()) -> None:
        """Say what is wrong, what to do, and where below the model."""
        super().__init__(what)
        self.faults: tuple[tuple[Loc, str, str], ...] = ((at, what, todo),)

    @classmethod
    def of(cls, faults: Sequence[Wrong]) -> Wrong:
        """Join several (at least one), so that all are mended at once."""
        joined = cls(str(faults[0]), "")
        joined.faults = tuple(fault for one in faults for fault in one.faults)
        return joined


def build(document: Document, model: type[M], *, at: Loc = ()) -> M:
    """Build `model` from the document, or from the part of it at `at`.

    Raises ContentError with every problem at once.
    """
    data = document.data
    for step in at:
        data = data[step]
    try:
        return model.model_validate_json(_json(data))
    except ValidationError as error:
        complaints = _Complaints(data, model, document.where, document.texts, at)
        raise ContentError.of(complaints.problems(error)) from None


def check(annotation: Any, value: Any, where: str | Callable[[Loc], str], *, at: Loc = ()) -> Any:
    """Return `value` as a type annotation has it (tuples, enums, dates), by the rules of `build`.

    `where` is the place that errors name, or tells it from a location; `at` is the location of `value`.
    Raises ContentError with every problem at once.
    """
    placed = where if callable(where) else lambda _: where
    try:
        return _adapter(annotation).validate_json(_json(value))
    except ValidationError as error:
        raise ContentError.of(_Complaints(value, annotation, placed, {}, at).problems(error)) from None
    except ValueError:  # only Python can pass such a value; YAML was refused when it was read
        raise ContentError(placed(at), f"{words.dotted(at)}: holds NaN or infinity", "use a number") from None


def _json(data: Any) -> str:
    """Return `data` as JSON, in its order.

    Pydantic's JSON mode is strict about scalars and yet takes arrays for tuples and text for dates and
    enums, which is what YAML can write.
    """
    return json.dumps(data, ensure_ascii=False, allow_nan=False, default=str)


def json_schema(model: type[Model], *, id: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of what `build` accepts, with `id` as its `$id`.

    Descriptions are the docstrings of the models and of their fields.
    """
    schema = model.model_json_schema(by_alias=True, schema_generator=_Schema)
    for one in (schema, *schema.get("$defs", {}).values()):
        one.pop("title", None)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": id, **schema}


@cache
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation, config=ConfigDict(strict=True, allow_inf_nan=False))


class _Complaints:
    """The errors of one validation, merged and put into words."""

    def __init__(
        self, data: Any, shape: Any, where: Callable[[Loc], str], texts: Mapping[Loc, str], at: Loc
    ) -> None:
        self.data = data
        self.shape = shape
        self.where = where
        self.texts = texts
        self.at = at

    def problems(self, error: ValidationError) -> list[Problem]:
        """Return one problem for each place, in the order of the file; only the first of very many."""
        found: dict[Loc, list[Mapping[str, Any]]] = {}
        for one in error.errors(include_url=False):
            found.setdefault(self.place(one), []).append(one)
        around = {loc[:length] for loc in found for length in range(len(loc))}
        told: dict[Problem, None] = {}
        for loc in sorted(found, key=self.line):
            # A union complains once for each branch. The branch whose type fits complains about the
            # content, or further down; then what the others say of the type is noise.
            content = [one for one in found[loc] if not words.due(one)]
            told |= dict.fromkeys(self.worded(loc, content if content or loc in around else found[loc]))
            if len(told) >= MAX_TOLD:
                more = Problem(self.where(self.at), "there may be more problems", "mend these first")
                return [*told, more]
        return list(told)

    def line(self, loc: Loc) -> int:
        line = self.where((*self.at, *loc)).rpartition(":")[2]
        return int(line) if line.isdigit() else 0

    def place(self, error: Mapping[str, Any]) -> Loc:
        """Return where in the data an error is; pydantic's own location also names union branches."""
        loc: Loc = tuple(error["loc"])
        if error["type"] == "missing":
            return (*_steps(self.data, loc[:-1]), loc[-1])
        return _steps(self.data, loc)

    def worded(self, loc: Loc, errors: list[Mapping[str, Any]]) -> Iterator[Problem]:
        types = [one for one in errors if words.due(one)]
        for one in errors:
            if one["type"] == "missing":
                yield self.missing(loc)
            elif one["type"] == "extra_forbidden":
                yield self.unknown(loc)
            elif isinstance(wrong := one.get("ctx", {}).get("error"), Wrong):
                for below, what, todo in wrong.faults:
                    yield self.problem((*loc, *below), what, todo)
            elif one not in types:
                yield self.problem(loc, *words.complaint(one))
        if types:
            yield self.mistyped(loc, types)

    def mistyped(self, loc: Loc, errors: list[Mapping[str, Any]]) -> Problem:
        value = errors[0]["input"]
        text = self.texts.get((*self.at, *loc))
        dues = [str(words.due(one)) for one in errors]
        choice = all(one["type"] in ("literal_error", "enum") for one in errors)
        if choice and isinstance(value, str):
            what = f"{words.show(value)} is not one of {words.either(dues)}"
        else:
            what = f"{words.given(value, text)}, {words.either(dues)} is due"
        return self.problem(loc, what, words.mend(value, dues, text))

    def missing(self, loc: Loc) -> Problem:
        *parent, name = loc
        owner = _called(self.models(tuple(parent)))
        return self.problem(
            tuple(parent), f"{words.show(name)} is missing from {owner}", words.add(str(name))
        )

    def unknown(self, loc: Loc) -> Problem:
        *parent, name = loc
        models = self.models(tuple(parent))
        known = {alias for one in models for alias in _fields(one)}
        what = f"{words.show(str(name))} is not a key of {_called(models)}"
        return self.problem(loc, what, words.did_you_mean(str(name), known), named=True)

    def models(self, loc: Loc) -> list[type[BaseModel]]:
        """Return the models that the value at `loc` may be."""
        shapes = list(_branches(self.shape))
        for step in loc:
            shapes = [branch for one in shapes for below in _below(one, step) for branch in _branches(below)]
        return [one for one in shapes if inspect.isclass(one) and issubclass(one, BaseModel)]

    def problem(self, loc: Loc, what: str, todo: str, *, named: bool = False) -> Problem:
        whole = (*self.at, *loc)
        # An unknown key is named by the sentence itself; what lies around it still has to be.
        path = words.dotted(whole[:-1] if named else whole)
        return Problem(self.where(whole), f"{path}: {what}" if path else what, todo)


def _steps(data: Any, loc: Loc) -> Loc:
    """Drop from `loc` what is no key or position in `data`; of several ways, the one with most steps."""
    if not loc:
        return ()
    first, rest = loc[0], loc[1:]
    skipped = _steps(data, rest)
    inside = (isinstance(data, dict) and first in data) or (
        isinstance(data, list) and isinstance(first, int) and first < len(data)
    )
    taken = (first, *_steps(data[first], rest)) if inside else ()
    return taken if inside and len(taken) >= len(skipped) else skipped


def _branches(shape: Any) -> Iterator[Any]:
    """Yield the members of a union, without annotations; anything else is its own only member."""
    origin = get_origin(shape)
    if origin is Annotated:
        yield from _branches(get_args(shape)[0])
    elif origin in (Union, UnionType):
        for one in get_args(shape):
            yield from _branches(one)
    elif hasattr(shape, "__value__"):
        yield from _branches(shape.__value__)
    else:
        yield shape


def _below(shape: Any, step: str | int) -> Iterator[Any]:
    """Yield the types that a value of type `shape` may have at one key or position."""
    if inspect.isclass(shape) and issubclass(shape, BaseModel):
        for name, info in shape.model_fields.items():
            if step in (name, info.alias):
                yield info.annotation
        return
    origin, arguments = get_origin(shape), get_args(shape)
    if origin is Literal or not inspect.isclass(origin):
        return
    if issubclass(origin, Mapping):
        yield arguments[1]
    elif issubclass(origin, Sequence):
        yield from (one for one in arguments if one is not Ellipsis)


def _fields(model: type[BaseModel]) -> list[str]:
    return [info.alias or name for name, info in model.model_fields.items()]


def _called(models: Sequence[type[BaseModel]]) -> str:
    names = []
    for one in models:
        spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", one.__name__).lower()
        article = "an" if spaced[0] in "aeiou" else "a"
        names.append(getattr(one, "called", "") or f"{article} {spaced}")
    return " or ".join(dict.fromkeys(names)) or "this mapping"


class _Schema(GenerateJsonSchema):
    """Without titles of fields, which repeat their names; with their docstrings as descriptions."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never: an editor shows the key itself."""
        del schema
        return False

    def model_schema(self, schema: Any) -> dict[str, Any]:
        """Generate the schema of one model and describe its fields."""
        made: dict[str, Any] = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        described = docstrings(model)
        for name, info in model.model_fields.items():
            below = made.get("properties", {}).get(info.alias or name)
            if below is not None and name in described:
                below.setdefault("description", described[name])
        return made


def docstrings(model: type[BaseModel]) -> Mapping[str, str]:
    """Return what the source says of each field of a model, its own and the inherited ones, by its name."""
    return {name: text for one in reversed(model.__mro__) for name, text in _docstrings(one).items()}


@cache
def _docstrings(model: type) -> Mapping[str, str]:
    """Return the docstrings under the fields of a class, from its source.

    Pydantic can do so itself, but only when the class is made: it would cost every start.
    """
    if not issubclass(model, Model) or model is Model:
        return {}
    tree = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    found: dict[str, str] = {}
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    for one, after in itertools.pairwise(body):
        if (
            isinstance(one, ast.AnnAssign)
            and isinstance(one.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
            and isinstance(after.value.value, str)
        ):
            found[one.target.id] = " ".join(after.value.value.split())
    return found
