"""Whether where a model comes from is known, and is what the release says.

A value that is stated and differs from what is there counts against the release; a value that is there and
not stated is fine; what is neither there nor stated is not measured.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mlgate.cells import (
    Answers,
    Artifact,
    ArtifactFound,
    Columns,
    DataFound,
    DataReference,
    DataVersions,
    Installed,
    Lock,
    LockFound,
    Pin,
    Registration,
    RegistrationFound,
    Source,
    SourceFound,
    Stated,
    StatedCommit,
    Statement,
    Statistic,
)
from mlgate.estimates import Estimate, GroupEstimate
from mlgate.measures import measure

SHOWN = 50
"""Lines of one finding."""

FILES = 5
"""Files that a line names."""

_NO_REPOSITORY = "release.yaml lies in no git repository with a commit"
_SEED_OPTION = re.compile(r"--?(?:[\w-]*[-_])?(?:seed|random[-_]state)(?:=(.*))?", re.IGNORECASE)
_SEED_SETTING = re.compile(r"(?:[\w.]*[._])?(?:seed|random_state)=(.*)", re.IGNORECASE)
_SEED_PARAMETER = re.compile(r"(?:.*[._])?(?:seed|random_state)", re.IGNORECASE)

LIBRARIES: Mapping[str, tuple[str, ...]] = {
    "skops": ("skops", "scikit-learn"),
    "joblib": ("joblib", "scikit-learn", "xgboost", "lightgbm", "catboost"),
    "pickle": ("scikit-learn", "xgboost", "lightgbm", "catboost"),
    "onnx": ("onnxruntime",),
    "xgboost": ("xgboost",),
    "lightgbm": ("lightgbm",),
    "catboost": ("catboost",),
    "torchscript": ("torch",),
    "torch.export": ("torch",),
    "keras": ("keras", "tensorflow", "torch", "jax"),
    "keras-h5": ("keras", "tensorflow", "torch", "jax"),
    "mlflow": ("mlflow", "mlflow-skinny", "scikit-learn", "xgboost", "lightgbm", "catboost", "torch"),
}
"""By format of a model, the packages that may load it; those which they need follow from these."""


@measure(
    id="reproducibility.code_commit",
    kind="fact",
    unit="1",
    better="higher",
    source="`git rev-parse HEAD` in the folder of release.yaml",
)
class CodeCommit:
    """1 when the commit is known and every commit that is stated holds the same code, else 0.

    A commit is stated by `provenance.commit`, and by the run of a registered model. It need not be the one
    that is checked out: between the two, files of the release itself may have changed (release.yaml, the
    policy, the model, its tables and documents), and nothing else; a script counts whatever it is called.
    """

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the repository, and for what a registry says."""
        del params, columns
        return [Source(), Registration()]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Hold each stated commit against the one that is checked out."""
        del params
        found, registered = cells.get(Source(), SourceFound), cells.get(Registration(), RegistrationFound)
        if found.commit is None:
            return Estimate.missing(_NO_REPOSITORY)
        stated = [one for one in (found.stated, registered.commit) if one is not None]
        lines = [_line({"commit": found.commit, "by": "git"}, None), *map(_commit_line, stated)]
        return _all(lines)


def _commit_line(one: StatedCommit) -> GroupEstimate:
    reason = None
    if not one.known:
        reason = "is not in the history of the commit that is checked out"
    elif one.since:
        reason = f"{_several(len(one.since), 'file')} changed since: {_listed(one.since)}"
    return _line({"commit": one.commit, "by": one.by}, reason)


@measure(
    id="reproducibility.clean_tree",
    kind="fact",
    unit="files",
    better="lower",
    source="`git status --untracked-files=no` without filters, and whether release.yaml is tracked",
)
class CleanTree:
    """Number of tracked files that differ from the commit; release.yaml counts too when git does not know it.

    Files that git does not track are not looked at, but for release.yaml itself.
    """

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the repository."""
        del params, columns
        return [Source()]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Count."""
        del params
        found = cells.get(Source(), SourceFound)
        if found.commit is None:
            return Estimate.missing(_NO_REPOSITORY)
        if found.dirty is None:
            return Estimate.missing("git cannot tell without running programs that the repository names")
        lines = [_line({"file": one}, "differs from the commit") for one in found.changed[:SHOWN]]
        number = max(found.changes, len(lines))
        if found.dirty and not found.tracked:
            lines.insert(0, _line({"file": "release.yaml"}, "is not tracked by git"))
            number += 1
        if found.dirty and not number:
            return Estimate.missing("git says that the tree is dirty, and not which files are")
        return Estimate(value=float(number), n=number, groups=tuple(lines))


@measure(
    id="reproducibility.environment_lock",
    kind="fact",
    unit="packages",
    better="lower",
    source="packages of the lock file without one exact version, and those installed in another version",
)
class EnvironmentLock:
    """Number of packages that are not fixed by the lock file, or are installed in another version.

    Installed packages are those of the interpreter that loads the model, and only those are held against the
    lock file that the model uses: those of the lock file that its format is loaded with, and `packages`, with
    all that these need. One of them that the lock file does not name counts too. Where it names nothing that
    could load the model it is the lock file of something else, and nothing is measured.
    """

    def __init__(self, *, packages: list[str] | None = None, require_hashes: bool = False) -> None:
        """Declare the parameters; the values come with each call.

        Args:
            packages: Further packages whose installed version has to be that of the lock file.
            require_hashes: Whether a package without a hash counts as not fixed.
        """

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the lock file and for the format of the model."""
        del params, columns
        return [Lock(), Artifact()]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Count."""
        lock, artifact = cells.get(Lock(), LockFound), cells.get(Artifact(), ArtifactFound)
        if lock.reason is not None:
            return Estimate.missing(lock.reason)
        packages = [_plain(one) for one in params["packages"] or ()]
        named = {pin.name for pin in lock.pins}
        libraries = LIBRARIES.get(artifact.format or "", ())
        roots = (*packages, *(one for one in libraries if one in named))
        loose = [line for pin in lock.pins if (line := _loose(pin, hashes=params["require_hashes"]))]
        if libraries and not loose and not named.intersection(libraries):
            what = f"{lock.location} names none of what may load a model of format {artifact.format}"
            return Estimate.missing(f"{what}: {', '.join(libraries)}", n=len(lock.pins))
        if lock.installed is None and roots and not loose:
            return Estimate.missing(f"what is installed for the model is not known: {lock.unknown}")
        other = list(_differing(lock, roots)) if lock.installed is not None else []
        told = {"file": str(lock.location), "sha256": (lock.sha256 or "")[:12]}
        head = GroupEstimate(
            group=told,
            n=len(lock.pins),
            value=float(len(lock.pins) - len(loose)),
            rate="fixed",
            numerator=float(len(lock.pins) - len(loose)),
            denominator=float(len(lock.pins)),
            reason=lock.unknown,
        )
        lines = (head, *loose[:SHOWN], *other[:SHOWN])
        return Estimate(value=float(len(loose) + len(other)), n=len(lock.pins), groups=lines)


def _loose(pin: Pin, *, hashes: bool) -> GroupEstimate | None:
    """Return a line for a package that is not fixed."""
    if pin.loose is not None:
        return _line({"package": pin.name}, f"is not fixed: {pin.loose}")
    if hashes and not pin.hashed:
        return _line({"package": pin.name}, "has no hash")
    return None


def _differing(lock: LockFound, roots: Sequence[str]) -> Iterator[GroupEstimate]:
    """Yield a line for each package that the model uses and that is installed otherwise than locked."""
    installed = lock.installed or {}
    locked: dict[str, list[Pin]] = {}
    for pin in lock.pins:
        locked.setdefault(pin.name, []).append(pin)
    for name in sorted(_closure(roots, installed)):
        pins, there = locked.get(name, []), installed[name].version
        if not pins:
            yield _line({"package": name}, f"{there} is installed, and the lock file does not name it")
        elif all(one.version is not None and not _same_version(one.version, there) for one in pins):
            versions = " or ".join(sorted({one.version or "" for one in pins}))
            yield _line({"package": name}, f"{there} is installed, {versions} is locked")


def _closure(roots: Iterable[str], installed: Mapping[str, Installed]) -> set[str]:
    """Return the installed packages among `roots` and all that they need."""
    found: set[str] = set()
    left = [one for one in roots if one in installed]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += [one for one in installed[name].requires if one in installed]
    return found


def _same_version(one: str, other: str) -> bool:
    """Whether two versions are one: `1.0` is `1.0.0`; a local part, `+cpu`, counts when both have one."""
    first, second = one.lower(), other.lower()
    if "+" not in first or "+" not in second:
        first, second = first.partition("+")[0], second.partition("+")[0]
    return _trimmed(first) == _trimmed(second)


def _trimmed(version: str) -> str:
    return re.sub(r"(\.0)+$", "", version.removeprefix("v"))


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@measure(
    id="reproducibility.data_digest",
    kind="fact",
    unit="versions",
    better="lower",
    source="sha256 of the file; md5 as DVC computes it; digests of the run's MLflow data sets",
)
class DataDigest:
    """Number of stated versions of data that are not those of the bytes that are there.

    A version is stated under `provenance.data`: a sha256, a .dvc file, the digest of an MLflow data set. One
    that cannot be compared (lakeFS, a file that is not there) is listed, and then nothing is measured unless
    another differs.
    """

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the versions."""
        del params, columns
        return [DataVersions()]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Count those that differ."""
        del params
        every = cells.get(DataVersions(), DataFound).references
        if not every:
            return Estimate.missing("release.yaml states no version of data; add `data:` under `provenance:`")
        lines = tuple(map(_version_line, every))
        different = sum(line.value == 0 for line in lines)
        unknown = [one for one in every if one.found is None]
        if unknown and not different:
            names = ", ".join(f"{one.name} ({one.reason})" for one in unknown)
            return Estimate.missing(f"not compared: {names}", n=len(every), groups=lines)
        return Estimate(value=float(different), n=len(every) - len(unknown), groups=lines)


def _version_line(one: DataReference) -> GroupEstimate:
    group = {"data": one.name, "by": one.kind, "stated": one.stated[:40]}
    if one.location is not None:
        group["file"] = one.location
    if one.found is None:
        return GroupEstimate(group=group, n=1, value=None, judged=False, reason=one.reason)
    return _line(group, None if one.found == one.stated else f"is {one.found[:40]}")


@measure(
    id="reproducibility.seed",
    kind="fact",
    unit="1",
    better="higher",
    source="`provenance.seed`, the arguments of the training command, parameters of the registered run",
)
class Seed:
    """1 when the seed of the training is stated once, or everywhere alike; else 0.

    It is looked for in `provenance.seed`, in the training command (`--seed 7`, `--random-state=7`,
    `seed=7`; `{seed}` stands for the stated one), and among the parameters of the run of a registered model.
    Whether the training obeys its seed, no statement shows: `reproducibility/retrain` measures that.
    """

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for what is stated."""
        del params, columns
        return [Stated("provenance.seed"), Stated("provenance.train.command"), Registration()]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Compare them."""
        del params
        stated = cells.get(Stated("provenance.seed"), Statement).value
        command = cells.get(Stated("provenance.train.command"), Statement).value
        registered = cells.get(Registration(), RegistrationFound)
        found = {} if stated is None else {"provenance.seed": str(stated)}
        if isinstance(command, str):
            found |= _seeds_of(command)
        for name, value in sorted(registered.params.items()):
            if _SEED_PARAMETER.fullmatch(name):
                found[f"{registered.of}: {name}"] = value.strip()
        if not found:
            what = "no seed is stated: neither by provenance.seed, nor by the training command or a registry"
            return Estimate.missing(what)
        first = next(iter(found.values()))
        lines = [
            _line({"by": by, "seed": one[:40]}, None if one == first else f"is not {first[:40]}")
            for by, one in found.items()
        ]
        return _all(lines)


def _seeds_of(command: str) -> dict[str, str]:
    """Return the seeds that a command names in its own arguments."""
    try:
        argv = shlex.split(command)
    except ValueError:
        return {}
    found: dict[str, str] = {}
    for place, argument in enumerate(argv):
        option, setting = _SEED_OPTION.fullmatch(argument), _SEED_SETTING.fullmatch(argument)
        value = None
        if option is not None:
            value = option[1] if option[1] is not None else next(iter(argv[place + 1 : place + 2]), None)
        elif setting is not None:
            value = setting[1]
        if value is not None and value != "{seed}":
            found[f"provenance.train.command: {argument.partition('=')[0]}"] = value
    return found


@measure(
    id="reproducibility.model_digest",
    kind="fact",
    unit="1",
    better="higher",
    source="sha256 of the file of the model; of a folder, of its manifest",
)
class ModelDigest:
    """1 when the bytes of the model are those that release.yaml or its registry states, else 0."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the bytes and for what is stated."""
        del params, columns
        return [Artifact(), Stated("provenance.model.sha256"), Registration()]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Compare."""
        del params
        artifact = cells.get(Artifact(), ArtifactFound)
        stated = cells.get(Stated("provenance.model.sha256"), Statement).value
        registered = cells.get(Registration(), RegistrationFound)
        if artifact.sha256 is None:
            return Estimate.missing(artifact.reason or "the model has no bytes that could be looked at")
        lines = []
        if isinstance(stated, str):
            reason = None if stated.lower() == artifact.sha256 else f"is {artifact.sha256}"
            lines.append(_line({"by": "provenance.model", "sha256": stated.lower()}, reason))
        there = {one.name: one.sha256 for one in artifact.files}
        for name, digest in sorted(registered.sha256.items()):
            reason = None if there.get(name) == digest else f"is {there.get(name, 'not there')}"
            lines.append(_line({"by": str(registered.of), "file": name, "sha256": digest}, reason))
        if not lines:
            what = "no digest of the model is stated; write `model: {sha256: ...}` under `provenance:`"
            return Estimate.missing(f"{what}: it is {artifact.sha256}")
        return _all(lines)


@measure(
    id="reproducibility.registry_metadata",
    kind="fact",
    unit="1",
    better="lower",
    source="MLflow: the model version, its run (source, tags, data set inputs), the files of its folder",
)
class RegistryMetadata:
    """Number of things, of four, that the registry does not tell: artifact, code, environment, data.

    That is where the artifact lies, the revision of the code, the environment with a version for each
    requirement, and a reference to the data. A commit that is not that of the release counts as not told.
    Of a saved MLflow folder without its registry, only what the folder can hold is measured.
    """

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for what the registry says."""
        del params, columns
        return [Registration()]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Count what is missing."""
        del params
        found = cells.get(Registration(), RegistrationFound)
        if found.of is None:
            return Estimate.missing(found.reason or "the model comes from no registry")
        lines = tuple(_items(found))
        missing = sum(line.value == 0 for line in lines)
        if found.unreachable and not missing:
            names = " and ".join(found.unreachable)
            what = f"{found.of} does not tell {names}, and there is no registry to ask"
            return Estimate.missing(what, n=len(lines), groups=lines)
        return Estimate(value=float(missing), n=len(lines), groups=lines)


def _items(found: RegistrationFound) -> Iterator[GroupEstimate]:
    yield _line({"item": "artifact", "is": found.location or ""}, None if found.location else "is not told")
    if "commit" in found.unreachable:
        yield _unasked("code")
    elif found.commit is None:
        yield _line({"item": "code", "is": ""}, "the run has no tag with its commit")
    else:
        line = _commit_line(found.commit)
        yield _line({"item": "code", "is": found.commit.commit}, line.reason)
    loose = f"{_several(len(found.loose), 'requirement')} without a version: {_listed(found.loose)}"
    environment = "is not told" if not found.environment else loose if found.loose else None
    yield _line({"item": "environment", "is": ", ".join(found.environment)}, environment)
    if "data" in found.unreachable:
        yield _unasked("data")
    else:
        told = ", ".join(f"{name} {digest}" for name, digest in sorted(found.data.items()))
        yield _line({"item": "data", "is": told[:100]}, None if found.data else "the run names no data set")


def _unasked(item: str) -> GroupEstimate:
    reason = "is told by the run, and there is no registry to ask"
    return GroupEstimate(group={"item": item, "is": ""}, n=1, value=None, judged=False, reason=reason)


def _line(group: Mapping[str, str], reason: str | None) -> GroupEstimate:
    return GroupEstimate(group=group, n=1, value=0.0 if reason else 1.0, reason=reason)


def _all(lines: Sequence[GroupEstimate]) -> Estimate:
    """Hold that every line holds; `n` is how many there are."""
    return Estimate(
        value=1.0 if all(line.value for line in lines) else 0.0, n=len(lines), groups=tuple(lines)
    )


def _several(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - FILES} more" if len(names) > FILES else ""
    return ", ".join(names[:FILES]) + more
