"""A table of a release as its author states it: where it is, which rows, and how its text is read."""

from __future__ import annotations

import codecs
import datetime as dt
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic import model_validator as validator

from mlgate.evidence.roles import Column, ColumnsSpec, Scalar
from mlgate.strict_yaml import Model, Wrong, show

Type: TypeAlias = Literal["boolean", "integer", "number", "string", "date", "timestamp"]
Bound: TypeAlias = int | float | dt.date | dt.datetime

_CONNECTION = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?")


def filled(text: str) -> str:
    """Refuse text of nothing but spaces."""
    if not text.strip():
        raise Wrong("is empty", "give it, or leave the key out")
    return text


def _one_character(text: str) -> str:
    if len(text) != 1:
        hint = r'write a tab as "\t", in double quotes' if text in (r"\t", "tab") else "give one character"
        raise Wrong(f"{show(text)} is not one character", hint)
    return text


def _quote(text: str) -> str:
    return text and _one_character(text)


def _encoding(text: str) -> str:
    try:
        "".encode(text)
    except (LookupError, ValueError):  # a UnicodeError is a ValueError
        raise Wrong(f"{show(text)} is no text encoding", "use utf-8, or the name of the one it has") from None
    return codecs.lookup(text).name


def _connection(text: str) -> str:
    if not _CONNECTION.fullmatch(text):
        # The value is not shown: it may hold a password.
        todo = "put the URL into an environment variable and write env:NAME"
        raise Wrong("is not the name of an environment variable", todo)
    return text


def _bound(value: Any) -> Any:
    """Read ISO dates and times, which YAML 1.2 leaves as text."""
    if not isinstance(value, str):
        return value
    try:
        if _DATE.fullmatch(value):
            return dt.date.fromisoformat(value)
        if _TIME.fullmatch(value):
            return dt.datetime.fromisoformat(value)
    except ValueError:
        pass
    raise Wrong(f"{show(value)} is no date, time or number", "write 2026-01-31 or 2026-01-31T12:00:00Z")


Text: TypeAlias = Annotated[str, AfterValidator(filled)]
Edge: TypeAlias = Annotated[Bound, BeforeValidator(_bound)]


def exactly_one(model: Model, names: tuple[str, ...]) -> None:
    """Refuse a model that states none, or more than one, of the keys `names`."""
    given = [name for name in names if getattr(model, name) is not None]
    if len(given) != 1:
        what = f"has {' and '.join(given)}" if given else f"has none of {', '.join(names)}"
        raise Wrong(what, f"give exactly one of {', '.join(names)}")


class Range(Model):
    """Rows whose value is at least `from` and less than `before`."""

    called: ClassVar[str] = "a range"

    from_: Edge | None = Field(default=None, alias="from")
    """A number, date or time; it belongs to the range."""
    before: Edge | None = None
    """A number, date or time; it does not belong to the range."""

    @validator(mode="after")
    def _ordered(self) -> Self:
        low, high = self.from_, self.before
        if low is None and high is None:
            raise Wrong("has neither from nor before", "give at least one of them")
        if low is None or high is None:
            return self
        if _sort(low) != _sort(high):
            raise Wrong("from and before are of different kinds", "write both as number, date or time")
        if not low < high:  # type: ignore[operator]  # two values of one sort
            raise Wrong(f"from {low} is not before {high}: no row can match", "swap or correct them")
        return self


def _sort(value: Bound) -> str:
    if isinstance(value, dt.datetime):
        return "zoned time" if value.tzinfo else "time"
    return "date" if isinstance(value, dt.date) else "number"


Condition: TypeAlias = Scalar | Annotated[tuple[Scalar, ...], Field(min_length=1)] | Range


class Predictions(Model):
    """A file of predictions, joined one to one."""

    called: ClassVar[str] = "predictions"

    path: Text
    """parquet or csv, relative to this file."""
    key: Column
    """The column, in both tables, that says which row is which."""


class DataSource(Model):
    """A table: a file, a glob, or a table in a database."""

    called: ClassVar[str] = "a table"

    path: Text | None = None
    """parquet, csv or csv.gz, a glob, or s3://...; relative to this file."""
    table: Text | None = None
    """A table in the database of `connection`."""
    connection: Annotated[str, AfterValidator(_connection)] | None = None
    """env:NAME, the environment variable that holds the URL of the database."""
    where: Annotated[Mapping[str, Condition], Field(min_length=1)] | None = None
    """Which rows: for each column a value, a list of values, or a range {from, before}; all must hold."""
    predictions: Predictions | None = None
    """Predictions in a file of their own."""
    columns: ColumnsSpec | None = None
    """Roles that differ in this table; null says that it lacks the role."""
    delimiter: Annotated[str, AfterValidator(_one_character)] | None = None
    """csv: what separates values. Default: a comma."""
    quote: Annotated[str, AfterValidator(_quote)] | None = None
    """csv: what quotes values; empty text when nothing does. Default: the double quote."""
    encoding: Annotated[str, AfterValidator(_encoding)] | None = None
    """csv: the text encoding. Default: utf-8."""
    nulls: tuple[str, ...] | None = None
    """csv: what counts as missing. Default: what pandas takes for it, such as the empty text and NA."""
    types: Annotated[Mapping[str, Type], Field(min_length=1)] | None = None
    """csv: types of columns that reading would get wrong, such as {zip: string}."""

    @validator(mode="after")
    def _one_place(self) -> Self:
        exactly_one(self, ("path", "table"))
        if self.table is not None and self.connection is None:
            raise Wrong("has a table and no connection", "add connection: env:NAME")
        if self.path is not None and self.connection is not None:
            raise Wrong("has a path and a connection", "a connection goes with `table`", at=("connection",))
        return self

    @validator(mode="after")
    def _csv_only(self) -> Self:
        other = self.table is not None or str(self.path).endswith((".parquet", ".pq"))
        stated = [
            name
            for name in ("delimiter", "quote", "encoding", "nulls", "types")
            if name in self.model_fields_set
        ]
        if other and stated:
            raise Wrong(f"{show(stated[0])} is for csv files only", "leave it out", at=(stated[0],))
        return self
