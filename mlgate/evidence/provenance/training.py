"""The declared training command, run in a clean copy of the repository, where it can do no harm."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mlgate.cells import ArtifactFile, ModelFound, Retrained, RetrainedFound
from mlgate.errors import EvidenceError, ModelFault
from mlgate.evidence.files.locations import Territory
from mlgate.evidence.models.trust import Terms, not_permitted
from mlgate.evidence.provenance import repository
from mlgate.evidence.provenance.copying import Copy, add_data, copy_commit, remove_output
from mlgate.evidence.provenance.versions import outputs_of
from mlgate.evidence.release import Release, Training
from mlgate.scoring import isolation
from mlgate.scoring.isolation import Confinement
from mlgate.strict_yaml import Document, show

SEED = "MLGATE_SEED"
"""The environment variable that a training command may read its seed from."""

PLACE = "{seed}"
"""What stands for the seed in the command itself."""

MEMORY = 8 * 1024**3
"""Bytes that a training may hold."""

PROCESSES = 64
_GLANCE = 0.2
_LOG = 4000
_SAID = 200
_PATH = ("/usr/local/bin", "/usr/bin", "/bin")
_PYTHON = re.compile(r"python(3(\.\d+)?)?")
_TEXT_BYTES = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Retraining:
    """What running the training command of a release needs to know."""

    release: Release
    file: Document
    territory: Territory
    workdir: Path
    """A private directory that the caller removes."""
    terms: Terms
    load: Callable[[Territory, str], tuple[ModelFound, str | None]]
    """Opens the model that came out, as the one that is judged was opened, and returns its sha256."""
    model: tuple[ArtifactFile, ...] = ()
    """The files of the model that is judged, which have to be made anew."""
    python: Path | None = None
    """The interpreter of the release; None for the gate's own."""
    readable: tuple[Path, ...] = ()
    """What this interpreter reads."""
    without: frozenset[str] = frozenset()
    """Kernel features that are not used."""

    def run(self, asked: Retrained) -> RetrainedFound:
        """Run the command and open what it made; the reason says why there is nothing."""
        train = self.release.provenance.train if self.release.provenance else None
        if train is None:
            reason = "release.yaml declares no training command; add `train:` under `provenance:`"
            return RetrainedFound(scorer=None, reason=reason)
        refused = self._refused()
        if refused is not None:
            return RetrainedFound(scorer=None, reason=refused)
        home = Path(tempfile.mkdtemp(dir=self.workdir, prefix="retrain-"))
        try:
            return self._run(train, asked, home)
        except (ValueError, OSError, EvidenceError, ModelFault) as error:
            return RetrainedFound(scorer=None, reason=str(error))
        finally:
            isolation.clear(home)

    def _refused(self) -> str | None:
        level, _ = isolation.possible(self.without)
        return not_permitted("the training command executes code of the release", "code", self.terms, level)

    def _run(self, train: Training, asked: Retrained, home: Path) -> RetrainedFound:
        copy = copy_commit(self.territory, self._commit(), home / "repository")
        notes = [*copy.notes, *add_data(copy, self.territory, self._data(), self.workdir)]
        notes += remove_output(copy, train.output, self.model)
        seed = self._seed(train, asked, copy)
        argv = self._command(train, seed, copy)
        facts = {"commit": copy.commit} | ({"left out": "; ".join(notes[:10])} if notes else {})
        ended = self._start(argv, copy, home, seed, asked.seconds)
        facts["isolation"] = ended.level
        if ended.reason is not None:
            return RetrainedFound(
                scorer=None,
                seconds=ended.seconds,
                commit=copy.commit,
                log=ended.log,
                reason=ended.reason,
                facts=facts,
            )
        if not (copy.base / train.output).exists():
            reason = f"the training command wrote no {show(train.output)}"
            return RetrainedFound(scorer=None, commit=copy.commit, log=ended.log, reason=reason, facts=facts)
        made = Territory(base=copy.base.resolve(), root=copy.root.resolve())
        found, sha256 = self.load(made, train.output)
        return RetrainedFound(
            scorer=found.scorer,
            sha256=sha256,
            seconds=ended.seconds,
            commit=copy.commit,
            log=ended.log,
            reason=found.reason,
            facts=facts,
        )

    def _commit(self) -> str:
        """Return the commit that is stated, else the one that is checked out."""
        here = repository.head(self.territory.base)
        if here is None:
            raise ValueError(
                "release.yaml lies in no git repository with a commit, so there is nothing to copy"
            )
        stated = self.release.provenance.commit if self.release.provenance else None
        if stated is None:
            return here
        found = repository.resolved(self.territory.base, stated)
        if found is None:
            raise ValueError(f"the repository does not hold commit {stated}, which provenance.commit names")
        return found

    def _data(self) -> Iterator[str]:
        """Yield every path of data that release.yaml names."""
        stated = self.release.provenance.data if self.release.provenance else None
        for source in self.release.data.values():
            if source.path is not None:
                yield source.path
        for version in (stated or {}).values():
            if version.path is not None:
                yield version.path
            if version.dvc is not None:
                yield from outputs_of(version.dvc, self.territory)

    def _seed(self, train: Training, asked: Retrained, copy: Copy) -> int | None:
        """Return the seed to give; ValueError where the command would not look at it."""
        if asked.seed is not None:
            if PLACE not in train.command and not _mentions_seed(copy.root):
                what = (
                    f"the training command takes no seed: write {PLACE} in it, or read {SEED} in its script"
                )
                raise ValueError(what)
            return asked.seed
        stated = self.release.provenance.seed if self.release.provenance else None
        if stated is None and PLACE in train.command:
            raise ValueError(f"the training command has {PLACE}, and provenance.seed states none")
        return stated

    def _command(self, train: Training, seed: int | None, copy: Copy) -> list[str]:
        try:
            argv = [part.replace(PLACE, str(seed)) for part in shlex.split(train.command)]
        except ValueError as error:
            raise ValueError(f"provenance.train.command does not parse: {error}") from None
        if not argv:
            raise ValueError("provenance.train.command is empty")
        if _PYTHON.fullmatch(argv[0]):
            return [str(self.python or sys.executable), *argv[1:]]
        if "/" not in argv[0]:
            program = shutil.which(argv[0], path=":".join(self._path()))
            if program is None:
                raise ValueError(f"the program {show(argv[0])} of the training command is not found")
            return [program, *argv[1:]]
        return [str(copy.base / argv[0]), *argv[1:]]

    def _path(self) -> tuple[str, ...]:
        return (str((self.python or Path(sys.executable)).parent), *_PATH)

    def _start(self, argv: list[str], copy: Copy, home: Path, seed: int | None, seconds: float) -> _Ended:
        scratch, log = home / "scratch", home / "log"
        scratch.mkdir()
        environment = {
            "PATH": ":".join(self._path()),
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": str((seed or 0) % 2**32),
            "MPLBACKEND": "agg",
        }
        if seed is not None:
            environment[SEED] = str(seed)
        confinement = Confinement(
            readable=self.readable,
            writable=(scratch, copy.root),
            memory=MEMORY,
            processes=PROCESSES,
            without=self.without,
        )
        began = time.monotonic()
        with log.open("wb") as output:
            started = isolation.start(
                argv,
                confinement=confinement,
                cwd=copy.base,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            reason = _waited(started, began + seconds, seconds)
        finally:
            started.stop()
        took = time.monotonic() - began
        said = _end_of(log)
        code = started.process.returncode
        over = started.over()
        if reason is None and over is not None:
            reason = f"the training command took more {over} than it may"
        if reason is None and code != 0:
            last = said.strip().rpartition("\n")[2][:_SAID]
            reason = f"the training command ended with exit code {code}" + (f": {last}" if last else "")
        return _Ended(reason=reason, seconds=took, log=said, level=started.level)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ended:
    reason: str | None
    seconds: float
    log: str
    level: str


def _waited(started: isolation.Started, deadline: float, seconds: float) -> str | None:
    """Wait for the end; return why the command was ended before it."""
    while started.process.poll() is None:
        if time.monotonic() > deadline:
            return f"the training command took longer than {seconds:g} seconds"
        held = started.resident_bytes() or 0
        if held > MEMORY:
            return f"the training command held more than {MEMORY // 2**30} GiB"
        time.sleep(_GLANCE)
    return None


def _end_of(log: Path) -> str:
    """Return the last lines that were written, what is not printable escaped."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _LOG))
        text = file.read(_LOG).decode("utf-8", "replace")
    return "".join(one if one.isprintable() or one == "\n" else " " for one in text)


def _mentions_seed(folder: Path) -> bool:
    """Whether any file of a copy names the variable that the seed comes in."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _TEXT_BYTES:
            continue
        if path.suffix not in (".md", ".yaml", ".yml", ".csv") and SEED.encode() in path.read_bytes():
            return True
    return False
