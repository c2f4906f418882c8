"""Decompression that a bomb cannot turn into a full disk."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

from mlgate.errors import EvidenceError
from mlgate.evidence.files.locations import private_file

_BLOCK = 1024**2


@dataclass(frozen=True, kw_only=True, slots=True)
class Expansion:
    """How far a compressed file may expand."""

    ratio: int = 200
    """Bytes out for a byte in; ordinary tables stay under 30, gzip itself ends near 1000."""
    free: int = 256 * 1024**2
    """Bytes up to which the ratio does not matter: a small file of equal rows is no bomb."""
    total: int = 32 * 1024**3
    """Bytes at which it ends in any case."""


def inflate(path: Path, display: str, workdir: Path, *, allowed: Expansion = Expansion()) -> Path:
    """Decompress a gzip file (of any number of members) into the private directory.

    Raises EvidenceError when it is no gzip, is cut off or damaged, or expands to more than is allowed.
    """
    target, written, size = private_file(workdir, ".text"), 0, path.stat().st_size
    try:
        with gzip.open(path) as source, target.open("wb") as out:
            while block := source.read(_BLOCK):
                written += len(block)
                if written > allowed.total or written > max(allowed.free, allowed.ratio * size):
                    raise _too_much(display, size, written)
                out.write(block)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        target.unlink()
        cut = isinstance(error, EOFError)
        what = "is gzip that is cut off" if cut else f"is no gzip, or damaged gzip ({error})"
        raise EvidenceError(display, what, "write or copy it again") from error
    except OSError as error:
        target.unlink()
        raise EvidenceError(
            display, f"cannot be decompressed ({error.strerror})", "free some space or set TMPDIR"
        ) from error
    except EvidenceError:
        target.unlink()
        raise
    return target


def _too_much(display: str, size: int, written: int) -> EvidenceError:
    return EvidenceError(
        display,
        f"expands from {size} bytes to more than {written // 1024**2} MiB, as a decompression bomb does",
        "if it is a table, decompress it and name the .csv file",
    )
