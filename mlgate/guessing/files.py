"""Which files are tables, which of them was for training and which is to be judged, and how text is read."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlgate.errors import EvidenceError
from mlgate.guessing.guesses import Sure
from mlgate.guessing.model_files import SUFFIXES as MODELS
from mlgate.guessing.words import words
from mlgate.strict_yaml import show

TABLES = (".parquet", ".pq", ".csv", ".tsv", ".csv.gz", ".tsv.gz")

EVALUATION = (
    "test",
    "evaluation",
    "eval",
    "holdout",
    "heldout",
    "oot",
    "scored",
    "validation",
    "valid",
    "val",
)
"""Words in names of tables that are judged; the first that some table has counts."""

TRAIN = ("train", "training", "fit", "development", "dev", "learn")

WHOLE = frozenset({"all", "full", "whole", "raw", "complete"})
"""Words in names of tables that hold both parts."""

GIVEN: Sure = "given"

DEEPEST = 2
"""Folders below a folder that are looked into."""

MOST = 5000
"""Names that are looked at."""

_HEAD = 64 * 1024
_BLOCK = 1024 * 1024
_IGNORED = frozenset({"node_modules", "__pycache__", "mlgate-report", "site-packages", "venv", "env"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """The files that a draft is made of."""

    evaluation: Path
    train: Path | None
    models: tuple[Path, ...]
    others: tuple[Path, ...]
    """Tables that are left out."""
    why: str
    """Why the one is judged, and the other was for training."""
    sure: Sure


def look(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Return the tables and the model files that the paths are, or hold.

    Raises EvidenceError for a path that does not exist, and for a file that is neither.
    """
    tables: dict[Path, None] = {}
    models: dict[Path, None] = {}
    for path in paths:
        try:
            found = list(_inside(path)) if path.is_dir() else [path]
        except OSError as error:
            raise EvidenceError(
                str(path), f"cannot be looked into ({error.strerror})", "name a file"
            ) from error
        if not path.exists():
            raise EvidenceError(str(path), "does not exist", "give a table, or the folder of one")
        for one in found:
            if _is_table(one):
                tables[one] = None
            elif one.suffix.lower() in MODELS:
                models[one] = None
            elif not path.is_dir():
                ends = ", ".join(TABLES)
                raise EvidenceError(str(path), "is no table that is read", f"give a file named {ends}")
    return list(tables), list(models)


def _is_table(path: Path) -> bool:
    return path.name.lower().endswith(TABLES)


def _inside(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder and of those below it, each folder's in order; links are not followed."""
    waiting, seen = [(folder, 0)], 0
    while waiting:
        place, depth = waiting.pop(0)
        for one in sorted(place.iterdir()):
            seen += 1
            if seen > MOST or one.name.startswith("."):
                continue
            if one.is_symlink():
                continue
            if one.is_dir():
                if depth < DEEPEST and one.name.lower() not in _IGNORED:
                    waiting.append((one, depth + 1))
            elif one.is_file():
                yield one


def choose(
    tables: Sequence[Path],
    models: Sequence[Path],
    *,
    evaluation: Path | None = None,
    train: Path | None = None,
    looked: str = "here",
) -> Chosen:
    """Say which table is judged and which was for training.

    Raises EvidenceError when there is no table, or several and no name tells.
    """
    tables = _once(tables)
    if evaluation is None and not tables:
        todo = "give the table that holds labels and predictions: mlgate init data/test.csv"
        raise EvidenceError(looked, f"no table was found (looked for {', '.join(TABLES)})", todo)
    why, sure = "named with --evaluation", GIVEN
    judged = evaluation
    if judged is None:
        judged, why, sure = _judged([one for one in tables if one != train], looked)
    if train is None:
        train = next((one for one in _named(tables, TRAIN) if one != judged and _kin(one, judged)), None)
    others = tuple(one for one in tables if one not in (judged, train))
    return Chosen(evaluation=judged, train=train, models=tuple(models), others=others, why=why, sure=sure)


def _once(tables: Sequence[Path]) -> list[Path]:
    """Leave out a text file that lies beside a parquet file of the same name."""
    parquet = {one.with_suffix("") for one in tables if one.suffix.lower() in (".parquet", ".pq")}
    stem = {one: Path(str(one).removesuffix(".gz")).with_suffix("") for one in tables}
    return [one for one in tables if one.suffix.lower() in (".parquet", ".pq") or stem[one] not in parquet]


def _judged(tables: Sequence[Path], looked: str) -> tuple[Path, str, Sure]:
    if len(tables) == 1:
        sure: Sure = "sure" if not _named(tables, TRAIN) else "guess"
        return tables[0], "the only table", sure
    for word in EVALUATION:
        named = _named(tables, (word,))
        if len(named) == 1:
            return named[0], f"its name says {word}", "sure"
        if named:
            listed = ", ".join(show(str(one)) for one in named[:5])
            raise EvidenceError(
                looked, f"several tables are called {word}: {listed}", "name one with --evaluation"
            )
    left = [one for one in tables if one not in _named(tables, TRAIN) and not set(words(one.name)) & WHOLE]
    if len(left) == 1:
        return left[0], "the only table that is not called training or whole", "likely"
    listed = ", ".join(show(str(one)) for one in tables[:5])
    raise EvidenceError(
        looked,
        f"{len(tables)} tables, and no name tells which is to be judged: {listed}",
        "name it: --evaluation FILE",
    )


def _named(tables: Iterable[Path], known: Sequence[str]) -> list[Path]:
    return [one for one in tables if set(words(one.name)) & set(known)]


def _kin(one: Path, other: Path) -> bool:
    return one.parent == other.parent or one.parent.parent == other.parent.parent


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """How a text file seems to be written, as far as it is not a comma and UTF-8."""

    delimiter: str | None = None
    encoding: str | None = None


def dialect(path: Path) -> Dialect:
    """Return how a text file seems to be written, by its first line and its bytes.

    Raises EvidenceError when it cannot be read.
    """
    name = path.name.lower()
    if name.endswith((".parquet", ".pq")):
        return Dialect()
    try:
        head = _head(path)
        encoding = _encoding(path, head)
    except (OSError, EOFError, zlib.error) as error:
        raise EvidenceError(
            str(path), f"cannot be read ({error})", "see whether the file is whole"
        ) from error
    text = head.decode(encoding or "utf-8", "replace").lstrip("\ufeff")
    line = next((one for one in text.splitlines() if one.strip()), "")
    tabs = name.endswith((".tsv", ".tsv.gz"))
    usual = "\t" if tabs else ","
    counts = {one: _outside_quotes(line, one) for one in (usual, ";", "\t", "|", ",")}
    best = max(counts, key=lambda one: (counts[one], one == usual))
    return Dialect(delimiter=best if best != usual and not counts[usual] else None, encoding=encoding)


def _outside_quotes(line: str, delimiter: str) -> int:
    return sum(part.count(delimiter) for part in line.split('"')[::2])


def _head(path: Path) -> bytes:
    if path.name.lower().endswith(".gz"):
        with gzip.open(path) as file:
            return file.read(_HEAD)
    with path.open("rb") as file:
        return file.read(_HEAD)


def _encoding(path: Path, head: bytes) -> str | None:
    """Return None for UTF-8, UTF-16 by its mark, else Windows' Western European, which any bytes may be."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\0" in head:
        return None  # binary; the reader says so
    import codecs

    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        if path.name.lower().endswith(".gz"):
            decoder.decode(head)
            return None
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return None
