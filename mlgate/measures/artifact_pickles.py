"""Whether the bytes of a model are of a kind that executes nothing, and what its pickles import."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mlgate.cells import Answers, Artifact, ArtifactFile, ArtifactFound, Columns, Stated, Statement, Statistic
from mlgate.estimates import Estimate, GroupEstimate
from mlgate.measures import measure
from mlgate.measures.scanning.pickles import Global, Pickled, follow
from mlgate.measures.scanning.streams import READING, Unread, said, streams

MOST_SHOWN = 50
"""Findings that are listed."""

PICKLED = ("pickle", "joblib")
"""Formats of models that are nothing but a pickle."""

TRUSTS = ("none", "pickle", "code")
"""What a release or a policy trusts, least first."""

_CLASS = re.compile(r"_*[A-Z]\w*|__pyx_unpickle_\w+")
"""Names that `package.*` stands for: classes, and what Cython makes them with."""


@measure(
    id="security.safe_format",
    kind="fact",
    unit="1",
    better="higher",
    needs=("artifact",),
    source="what the loader of each format executes; every file of the model is looked at as well",
)
class SafeFormat:
    """1 when loading the model executes nothing that comes with it, else 0.

    A pickle, in whatever file and however compressed, executes what it imports; some formats hold programs.
    Such a model is 1 only when release.yaml (`model.trust`) and the policy (`trust.models`) both trust it to
    that extent. 0 as well for what could not be looked into. Nothing is loaded to find out.
    """

    def __init__(self, *, trusted: str = "none") -> None:
        """Declare what the gate gives: how far the policy trusts models."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the bytes and for what the release says of them."""
        del params, columns
        return [Artifact(), Stated("model.trust")]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Hold what the format executes, and any pickle inside, against what is trusted."""
        artifact = cells.get(Artifact(), ArtifactFound)
        if not artifact.files:
            return Estimate.missing(artifact.reason or "the model has no files")
        stated = str(cells.get(Stated("model.trust"), Statement).value or "none")
        trusted = min(TRUSTS.index(stated), TRUSTS.index(params["trusted"]))
        lines = sorted(_executing(artifact, trusted), key=lambda one: one.value or 0.0)
        holds = all(one.value for one in lines)
        return Estimate(value=1.0 if holds else 0.0, n=len(artifact.files), groups=tuple(lines[:MOST_SHOWN]))


@measure(
    id="security.pickle_imports",
    kind="fact",
    unit="imports",
    better="lower",
    needs=("artifact",),
    source="opcodes of Python's pickletools, followed on a stack; an allow-list, since deny-lists have holes",
)
class PickleImports:
    """Number of names that pickles in the model import and that are not allowed, and of files not read.

    Every file is decompressed by what it begins with and taken out of archives, and what is a pickle is
    followed opcode by opcode without being loaded. `allow` names what may be imported: `module.name`, or
    `package.*` for the classes in a package and below it; `also` adds to it. A name that is computed, a call
    of what the pickle itself has built, a change of what it imports, and a stream that breaks off or cannot
    be read count one each. 0 for a model without a pickle.
    """

    def __init__(self, *, allow: tuple[str, ...], also: tuple[str, ...] = ()) -> None:
        """Declare the parameters: what may be imported."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the bytes."""
        del params, columns
        return [Artifact()]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Follow every pickle."""
        artifact = cells.get(Artifact(), ArtifactFound)
        if not artifact.files:
            return Estimate.missing(artifact.reason or "the model has no files")
        allowed = Allowed.of((*params["allow"], *params["also"]))
        seen = list(looked_at(artifact))
        faults = [line for one in seen for line in one.faults(allowed)]
        shown = [one.line() for one in seen if one.pickled is not None and not list(one.faults(allowed))]
        return Estimate(
            value=float(len(faults)), n=len(artifact.files), groups=tuple([*faults, *shown][:MOST_SHOWN])
        )


@dataclass(frozen=True, slots=True)
class Allowed:
    """What pickles may import."""

    names: frozenset[str]
    packages: tuple[str, ...]

    @classmethod
    def of(cls, entries: Iterable[str]) -> Allowed:
        """Read `module.name` and `package.*`."""
        every = [one.strip() for one in entries]
        packages = tuple(one.removesuffix(".*") for one in every if one.endswith(".*"))
        return cls(names=frozenset(every), packages=packages)

    def holds(self, one: Global) -> bool:
        """Whether one import is among them. `package.*` stands for no dotted name, which could reach out."""
        if str(one) in self.names:
            return True
        if not _CLASS.fullmatch(one.name):
            return False
        return any(one.module == package or one.module.startswith(f"{package}.") for package in self.packages)


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """One stream of a model that is a pickle or could not be read."""

    name: str
    pickled: Pickled | None = None
    unread: str | None = None

    def faults(self, allowed: Allowed) -> Iterator[GroupEstimate]:
        """Yield a line for each thing that is not allowed."""
        if self.unread is not None:
            yield _line(self.name, {}, reason=f"not scanned: {self.unread}")
        if self.pickled is None:
            return
        for one in sorted(self.pickled.imports):
            if not allowed.holds(one):
                yield _line(self.name, {"imports": str(one)}, reason="is not among what may be imported")
        for odd in sorted(self.pickled.odd):
            yield _line(self.name, {"does": odd}, reason="no honest pickle does that")
        if self.pickled.problem is not None:
            yield _line(self.name, {}, reason=f"not scanned to its end: {self.pickled.problem}")

    def line(self) -> GroupEstimate:
        """Return the line of a pickle without a fault."""
        count = 0 if self.pickled is None else len(self.pickled.imports)
        return replace(_line(self.name, {}, reason=None), value=0.0, n=count)


def looked_at(artifact: ArtifactFound) -> Iterator[Seen]:
    """Yield every pickle in the files of a model, and whatever could not be looked into."""
    for file in artifact.files:
        yield from _of_file(file, due=artifact.format in PICKLED and len(artifact.files) == 1)


def _of_file(file: ArtifactFile, *, due: bool) -> Iterator[Seen]:
    """Look into one file; `due` says that it has to be a pickle, since something will load it as one."""
    found = False
    try:
        for one in streams(file.path, file.name):
            if isinstance(one, Unread):
                found = True
                yield Seen(name=one.name, unread=one.reason)
                continue
            pickled = follow(one)
            if pickled is not None:
                found = True
                yield Seen(name=one.name, pickled=pickled)
    except READING as error:
        found = True
        yield Seen(name=file.name, unread=said(error))
    if due and not found:
        yield Seen(name=file.name, unread="it is loaded as a pickle and is none")


def _executing(artifact: ArtifactFound, trusted: int) -> Iterator[GroupEstimate]:
    """Yield a line for the format, and one for each file that holds a pickle or could not be read."""
    if artifact.format is None:
        yield _line("model", {}, reason="is of no format that is known", value=0.0)
        return
    due = TRUSTS.index(artifact.trust)
    yield _judged(
        "model",
        {"format": artifact.format},
        due,
        trusted,
        f"loading {artifact.format} executes what is in it",
    )
    for one in looked_at(artifact):
        if one.unread is not None:
            yield _line(one.name, {}, reason=f"could not be looked into: {one.unread}", value=0.0)
        else:
            yield _judged(one.name, {"format": "pickle"}, TRUSTS.index("pickle"), trusted, "it is a pickle")


def _judged(name: str, more: Mapping[str, str], due: int, trusted: int, why: str) -> GroupEstimate:
    """Return the line of something that executes as much as `due`, of `TRUSTS`."""
    if due == 0:
        return _line(name, more, reason=None, value=1.0)
    if trusted >= due:
        return _line(name, more, reason=f"{why}; release and policy trust it: {TRUSTS[due]}", value=1.0)
    return _line(
        name, more, reason=f"{why}; release and policy do not both trust it: {TRUSTS[due]}", value=0.0
    )


def _line(name: str, more: Mapping[str, str], *, reason: str | None, value: float = 1.0) -> GroupEstimate:
    return GroupEstimate(group={"file": name, **more}, n=1, value=value, reason=reason)
