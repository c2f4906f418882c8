r"""Versions of data as they are stated, held against the bytes that are there.

A .dvc file names one output with its md5 and size. Of a file the md5 is that of its bytes (DVC 3, and DVC 2
for what is not text; DVC 2 read line ends of text files as `\\n`, which is tried too). Of a folder it is the
md5 of the JSON list of its files, each with md5 and path, sorted by path: `<md5>.dir`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgate.cells import DataReference
from mlgate.errors import EvidenceError, MlgateError
from mlgate.evidence.files import locations
from mlgate.evidence.files.locations import Found, Territory
from mlgate.evidence.release import DataVersion, Release
from mlgate.strict_yaml import Document, parse

MAX_DVC_BYTES = 1_000_000
MAX_FOLDER_FILES = 20_000

_DVC_TEXT = 512
"""Bytes at the start of a file by which DVC 2 told text from other files."""
_TEXT = frozenset(b"\n\r\t\f\b") | frozenset(range(32, 127)) | frozenset(range(128, 256))
_MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")


@dataclass(frozen=True, kw_only=True)
class Stating:
    """A release that states versions of data."""

    release: Release
    file: Document
    territory: Territory
    datasets: Mapping[str, str]
    """Digests of data sets that the registry names."""
    registry: str | None
    """Who names them; None where no registry was asked."""

    def references(self) -> Iterator[DataReference]:
        """Yield each version that is stated with the one that is there.

        Raises EvidenceError when a file that the release names does not exist or lies outside.
        """
        stated = self.release.provenance.data if self.release.provenance else None
        for name, version in (stated or {}).items():
            if version.sha256 is not None:
                yield self._sha256(name, version)
            if version.dvc is not None:
                yield self._dvc(name, version.dvc)
            if version.mlflow is not None:
                yield self._mlflow(name, version.mlflow)
            if version.lakefs is not None:
                reason = "lakeFS is not asked; state the sha256 of the file as well"
                yield DataReference(
                    name=name, kind="lakefs", stated=version.lakefs, found=None, reason=reason
                )

    def _sha256(self, name: str, version: DataVersion) -> DataReference:
        stated = version.sha256 or ""
        table = self.release.data.get(name)
        written = version.path or (table.path if table else None)
        if written is None:
            reason = "no file is named; write `path:` beside the sha256"
            if table is not None:
                reason = "the table is read from a database, whose rows have no digest here"
            return DataReference(name=name, kind="sha256", stated=stated, found=None, reason=reason)
        found = self.territory.find_all(written, self._where(name, "path" if version.path else "sha256"))
        return DataReference(
            name=name,
            kind="sha256",
            stated=stated,
            found=_sha256(found),
            location=self.territory.display(written),
        )

    def _dvc(self, name: str, written: str) -> DataReference:
        where = self._where(name, "dvc")
        content = locations.read_found(self.territory.find(written, where), MAX_DVC_BYTES)
        try:
            output = _output(content, written)
        except ValueError as error:
            raise EvidenceError(
                where, f"{written} {error}", "name the .dvc file that `dvc add` wrote"
            ) from None
        beside = os.path.join(os.path.dirname(written), output.path)  # noqa: PTH118, PTH120 - as it was written
        try:
            found = self.territory.find(beside, where)
        except EvidenceError as error:
            if os.path.lexists(self.territory.base / beside):
                raise
            reason = f"{error.problems[0].what}: `dvc pull` brings it"
            return DataReference(name=name, kind="dvc", stated=output.md5, found=None, reason=reason)
        return DataReference(
            name=name,
            kind="dvc",
            stated=output.md5,
            found=_dvc_digest(found, output),
            location=self.territory.display(beside),
        )

    def _mlflow(self, name: str, stated: str) -> DataReference:
        if self.registry is None:
            reason = "the model comes from no registry that could name the data set"
            return DataReference(name=name, kind="mlflow", stated=stated, found=None, reason=reason)
        if not self.datasets:
            reason = f"{self.registry} names no data set"
            return DataReference(name=name, kind="mlflow", stated=stated, found=None, reason=reason)
        every = self.datasets
        found = every.get(name) or (stated if stated in every.values() else ", ".join(sorted(every.values())))
        return DataReference(name=name, kind="mlflow", stated=stated, found=found, location=self.registry)

    def _where(self, name: str, key: str) -> str:
        return self.file.where(("provenance", "data", name, key))


def outputs_of(written: str, territory: Territory) -> Iterator[str]:
    """Yield the path of the output of a .dvc file; nothing where it cannot be read."""
    try:
        content = locations.read_found(territory.find(written, written), MAX_DVC_BYTES)
        yield os.path.join(os.path.dirname(written), _output(content, written).path)  # noqa: PTH118, PTH120
    except (EvidenceError, ValueError):
        return


def _sha256(found: tuple[Found, ...]) -> str:
    """Return the digest of a file; of several, of what `sha256sum` prints of them, as reports have it."""
    if len(found) == 1:
        return locations.digest(found[0], "sha256")
    lines = "".join(f"{locations.digest(one, 'sha256')}  {one.display}\n" for one in found)
    return hashlib.sha256(lines.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Output:
    path: str
    md5: str
    old: bool
    """Written by DVC 2 or earlier."""


def _output(content: bytes, display: str) -> _Output:
    """Read a .dvc file; ValueError when it is none."""
    try:
        data: Any = parse(content, display).data
        (one,) = data["outs"]
        path, md5 = str(one["path"]), str(one["md5"])
    except (MlgateError, KeyError, TypeError, ValueError):
        raise ValueError("is no .dvc file of one output with an md5") from None
    if not _MD5.fullmatch(md5):
        raise ValueError("states no md5")
    return _Output(path=path, md5=md5, old=one.get("hash") != "md5")


def _dvc_digest(found: Found, output: _Output) -> str:
    """Return what DVC would state of the file or folder that is there."""
    if not output.md5.endswith(".dir"):
        return _like(found, output.md5, output)
    if not found.real.is_dir():
        return locations.digest(found, "md5")
    entries = [
        {"md5": _plain(one, output), "relpath": one.real.relative_to(found.real).as_posix()}
        for one in _files(found)
    ]
    entries.sort(key=lambda entry: entry["relpath"])
    return hashlib.md5(json.dumps(entries).encode(), usedforsecurity=False).hexdigest() + ".dir"


def _like(found: Found, stated: str, output: _Output) -> str:
    plain = locations.digest(found, "md5")
    if plain == stated or not output.old:
        return plain
    text = _text_md5(found)
    return text if text == stated else plain


def _plain(found: Found, output: _Output) -> str:
    text = _text_md5(found) if output.old else None
    return text or locations.digest(found, "md5")


def _text_md5(found: Found) -> str | None:
    """Return the md5 that DVC 2 stated of a text file; None for what it took for no text."""
    content = locations.read_found(found, locations.COPY_LIMIT)
    start = content[:_DVC_TEXT]
    if b"\0" in start or sum(byte not in _TEXT for byte in start) > 0.3 * len(start):
        return None
    return hashlib.md5(content.replace(b"\r\n", b"\n"), usedforsecurity=False).hexdigest()


def _files(folder: Found) -> Iterator[Found]:
    """Yield the files below a folder; EvidenceError for a link, which could lead anywhere."""
    number = 0
    for above, folders, names in os.walk(folder.real):
        folders.sort()
        for name in (*folders, *names):
            path = Path(above) / name
            display = f"{folder.display}/{path.relative_to(folder.real).as_posix()}"
            if path.is_symlink():
                raise EvidenceError(display, "is a symbolic link in a folder of data", "put the file there")
            if name in names:
                number += 1
                if number > MAX_FOLDER_FILES:
                    what = f"holds more than {MAX_FOLDER_FILES} files"
                    raise EvidenceError(folder.display, what, "version the folders below it")
                yield Found(display=display, real=path)
