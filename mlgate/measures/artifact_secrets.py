"""Whether secrets lie in what is shipped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from mlgate.cells import (
    Answers,
    Artifact,
    ArtifactFound,
    Columns,
    Document,
    DocumentText,
    Stated,
    Statement,
    Statistic,
)
from mlgate.estimates import Estimate, GroupEstimate
from mlgate.measures import measure
from mlgate.measures.scanning.secrets import OVERLAP, Found, search
from mlgate.measures.scanning.streams import READING, Stream, Unread, blocks, said, streams

MOST_SHOWN = 50
"""Findings that are listed."""

DOCUMENTS = Stated("documents")

_HEAD = 4096


@measure(
    id="security.secrets_in_artifacts",
    kind="fact",
    unit="secrets",
    better="lower",
    needs=("artifact",),
    source="forms of credentials as their issuers document them; see mlgate/measures/scanning/secrets.py",
)
class SecretsInArtifacts:
    """Number of texts in the files of the model and in the documents that look like secrets.

    Keys, tokens and passwords of known forms, in every file, decompressed and taken out of archives; in texts
    also values that are named as a secret and look random. The finding says kind, file and place and never
    repeats what it found. Where a file could not be looked into and nothing was found, nothing is measured.
    """

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the bytes of the model, and which documents there are."""
        del params, columns
        return [Artifact(), DOCUMENTS]

    def further(self, cells: Answers, params: Mapping[str, Any]) -> list[Statistic]:
        """Ask for the documents."""
        del params
        return list(_documents(cells))

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Search all of them."""
        del params
        artifact = cells.get(Artifact(), ArtifactFound)
        documents = [cells.get(one, DocumentText) for one in _documents(cells)]
        if not artifact.files and not documents:
            return Estimate.missing(artifact.reason or "there is no file to look into")
        lines: list[GroupEstimate] = []
        unread: list[str] = []
        for file in artifact.files:
            for one in streams(file.path, file.name):
                if isinstance(one, Unread):
                    unread.append(f"{one.name} ({one.reason})")
                    continue
                try:
                    lines += [_line(one.name, found) for found in _in_stream(one)]
                except READING as error:
                    unread.append(f"{one.name} ({said(error)})")
        for text in documents:
            lines += [_line(text.location, found) for found in search(text.text.encode(), text=True)]
        seen = len(artifact.files) + len(documents)
        if unread and not lines:
            more = f" and {len(unread) - 1} more" if len(unread) > 1 else ""
            return Estimate.missing(f"could not be looked into: {unread[0]}{more}", n=seen)
        return Estimate(value=float(len(lines)), n=seen, groups=tuple(lines[:MOST_SHOWN]))


def _documents(cells: Answers) -> Iterator[Document]:
    stated = cells.get(DOCUMENTS, Statement).value
    for name in sorted(stated) if isinstance(stated, Mapping) else ():
        yield Document(str(name))


def _in_stream(stream: Stream) -> Iterator[Found]:
    """Search a stream block by block; what lies in two of them is told once."""
    told: set[Found] = set()
    text: bool | None = None
    for offset, block in blocks(stream, overlap=OVERLAP):
        text = b"\0" not in block[:_HEAD] if text is None else text
        for found in search(block, text=text):
            placed = Found(found.kind, found.offset + offset)
            if placed not in told:
                told.add(placed)
                yield placed


def _line(name: str, found: Found) -> GroupEstimate:
    return GroupEstimate(
        group={"file": str(PurePosixPath(name)), "kind": found.kind, "byte": str(found.offset)},
        n=1,
        value=1.0,
    )
