"""The suites that a release names: a JSON file, or the name of a suite in a project of Great Expectations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Self, TypeAlias

from pydantic import AfterValidator, model_validator

from mlgate.cells import ExpectationSuite
from mlgate.errors import EvidenceError
from mlgate.evidence.expectations.reading import read_suite
from mlgate.evidence.files import locations
from mlgate.evidence.sources import Text, exactly_one
from mlgate.strict_yaml import Document, Model, Wrong, show

MAX_SUITE_BYTES = 5_000_000

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\- ]{0,199}")


def _suite_name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise Wrong(f"{show(text)} is no name of a suite", "give the name that Great Expectations shows")
    return text


class SuiteSource(Model):
    """A suite by its file, or by its name in a project folder, of which nothing else is read."""

    called: ClassVar[str] = "a suite"

    path: Text | None = None
    """Its JSON file, relative to this file."""
    project: Text | None = None
    """The folder of a project of Great Expectations, `gx`; its suites lie in `expectations/` there."""
    suite: Annotated[str, AfterValidator(_suite_name)] | None = None
    """The name of the suite in the project."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        exactly_one(self, ("path", "project"))
        if (self.project is None) != (self.suite is None):
            raise Wrong("project and suite go together", "write {project: gx, suite: orders}")
        return self

    @property
    def location(self) -> str:
        """The path of its file, as release.yaml could write it."""
        return self.path or f"{(self.project or '').rstrip('/')}/expectations/{self.suite}.json"


Named: TypeAlias = Text | SuiteSource


def open_suite(name: str, source: Named, file: Document, allow: Sequence[Path]) -> ExpectationSuite:
    """Read a suite of a release; it is opened as every document is.

    Raises EvidenceError when it does not exist, lies outside the repository, is too large, or is no suite.
    """
    where = file.where(("expectations", name))
    location = source if isinstance(source, str) else source.location
    if location.endswith((".py", ".ipynb")):
        what = f"{show(location)} is a suite written in Python, which is code of the release and is not run"
        todo = "save it as JSON from Great Expectations; code waits for a child process of its own"
        raise EvidenceError(where, what, todo)
    data = locations.read_bytes(location, file, where=where, allow=allow, limit=MAX_SUITE_BYTES)
    return read_suite(data, name, locations.shown(location))
