"""What can go wrong, each error saying where, what, and what to do.

MlgateError
+-- ContentError      a YAML file (release, policy, check) is wrong, with its line
|   +-- PolicyError   a policy that reads well asks for something impossible
+-- EvidenceError     named data does not exist, or its bytes do not parse
+-- MeasureError      a measure or a plugin breaks the seam
+-- MissingExtra      an optional part of mlgate is not installed

All of them end a run with exit code 2: nothing was judged. A fault in the *content* of data that
could be read (NaN scores, one class, a group too small) is never an error; it is a finding. Neither is a
`ModelFault`, which is no MlgateError: a model that dies is something that was found out about it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong, for a person to mend."""

    where: str
    """File and line, `policy.yaml:12`, or file and column, `data/test.csv: column 'age'`."""
    what: str
    """What is wrong, with the offending value."""
    todo: str
    """What to do about it."""

    def __str__(self) -> str:
        """Join the three parts as they are printed: `where: what; what to do`."""
        return f"{self.where}: {self.what}; {self.todo}"


class MlgateError(Exception):
    """The base of every error that mlgate raises on purpose."""

    def __init__(self, where: str, what: str, todo: str) -> None:
        """Name the place, the fault and the mend."""
        self.problems: tuple[Problem, ...] = (Problem(where, what, todo),)
        super().__init__(str(self.problems[0]))

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> MlgateError:
        """Build one error from several problems of one file, so that all are mended at once."""
        found = tuple(problems)
        error = cls(found[0].where, found[0].what, found[0].todo)
        error.problems = found
        error.args = ("\n".join(map(str, found)),)
        return error


class ContentError(MlgateError):
    """A YAML file is wrong; `where` is its path and line."""


class PolicyError(ContentError):
    """A policy asks for something that cannot be judged."""


class EvidenceError(MlgateError):
    """Something that the release names does not exist, or does not parse."""


class MeasureError(MlgateError):
    """A measure or a plugin does not keep to the seam; found at load, not at run."""


class MissingExtra(MlgateError):
    """An optional part is not installed."""

    def __init__(self, where: str, package: str, requirement: str) -> None:
        """Name what is missing and the requirement that brings it, `mlgate[pdf]`."""
        super().__init__(where, f"needs {package}, which is not installed", f"pip install '{requirement}'")


class ModelFault(Exception):
    """A model died, hung, ate too much, raised, or gave what is no answer. What needs it is not measured."""

    def __init__(self, kind: Literal["raised", "died", "hung", "memory", "answer"], said: str) -> None:
        """Say what happened, in one line.

        raised: an exception on these rows, and it can be asked again. died: its process ended. hung: it took
        longer than allowed. memory: it took more memory than allowed. answer: of another length, shape or
        kind than what it was asked for.
        """
        self.kind = kind
        super().__init__(said)
