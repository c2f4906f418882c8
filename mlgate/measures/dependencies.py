"""The packages that a model was made with: what is known against them, and under which licences they are."""

from __future__ import annotations

import json
import re
import ssl
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from mlgate.cells import (
    Answers,
    Columns,
    Document,
    DocumentText,
    Installed,
    Lock,
    LockFound,
    Pin,
    Statistic,
)
from mlgate.estimates import Estimate, GroupEstimate
from mlgate.measures import measure
from mlgate.measures.licence_words import Terms as Licences
from mlgate.measures.licence_words import spdx_of

MOST_SHOWN = 200

AUDIT = Document("dependency_audit")

CONDA = ("conda", "conda-lock")
"""Lock files whose packages are none of PyPI's."""

Url = Annotated[str, Field(pattern=r"^https?://[^\s@?#]+$")]

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*")
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


@measure(
    id="security.dependency_audit",
    kind="fact",
    unit="vulnerabilities",
    better="lower",
    source="pip-audit, by the Python Packaging Authority, on the databases of PyPI or OSV",
)
class DependencyAudit:
    """Number of known vulnerabilities in the packages of the lock file.

    `service` names the database that pip-audit asks, `pypi` or `osv`, the latter at `url` where that is
    given; names and versions of the packages are sent there. Without one, the document `dependency_audit` is
    read, which is what `pip-audit --format json` has written. Nothing is measured where the database cannot
    be reached, or where a package is not fixed, not known to it, or not in the document, unless `own` names
    it as one of the author's own. `accept` names vulnerabilities that do not count.
    """

    def __init__(
        self,
        *,
        service: Literal["pypi", "osv"] | None = None,
        url: Url | None = None,
        accept: tuple[str, ...] = (),
        own: tuple[str, ...] = (),
        seconds: Annotated[float, Field(gt=0)] = 300.0,
    ) -> None:
        """Declare the parameters."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the lock file and the document."""
        del params, columns
        return [Lock(), AUDIT]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Audit every package of the lock file."""
        lock, document = cells.get(Lock(), LockFound), cells.of[AUDIT]
        if not lock.pins:
            return Estimate.missing(
                lock.reason or "there is no lock file; name it under provenance.environment"
            )
        if lock.format in CONDA:
            return Estimate.missing(f"{lock.location} is of conda, whose packages pip-audit does not know")
        own = {_plain(one) for one in params["own"]}
        pins = [one for one in lock.pins if one.name not in own]
        loose = [one.name for one in pins if not _fixed(one)]
        fixed = [one for one in pins if _fixed(one)]
        if params["service"] is not None:
            audit = _asked(fixed, params["service"], params["url"], params["seconds"])
        elif isinstance(document, DocumentText):
            audit = _read(document.text, document.location)
        else:
            what = "no database is asked unless params.service names one, pypi or osv"
            return Estimate.missing(
                f"{what}; or hand in what pip-audit wrote as the document dependency_audit"
            )
        if isinstance(audit, str):
            return Estimate.missing(audit, n=len(lock.pins))
        return _judged(fixed, loose, audit, set(params["accept"]))


@measure(
    id="security.licences",
    kind="fact",
    unit="packages",
    better="lower",
    source="License-Expression (PEP 639), else classifiers, of what is installed; SPDX expressions",
)
class PackageLicences:
    """Number of packages whose licence is not among the allowed ones, or is not known.

    The packages of the lock file, or without one all that are installed where the model is loaded; their
    licences are those of the installed versions. `allow` names SPDX identifiers; of a choice (`OR`) one has
    to be allowed, of a sum (`AND`) all. `known` gives the SPDX expression of packages that do not say it in a
    form that can be read, once a person has looked.
    """

    def __init__(self, *, allow: tuple[str, ...], known: Mapping[str, str] | None = None) -> None:
        """Declare the parameters: what is allowed, and what a person has looked up."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the lock file and what is installed."""
        del params, columns
        return [Lock()]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Look at each package."""
        lock = cells.get(Lock(), LockFound)
        if lock.location is not None and not lock.pins:
            return Estimate.missing(lock.reason or f"{lock.location} names no package")
        if lock.installed is None:
            return Estimate.missing(f"it is not known what is installed: {lock.unknown}")
        told = {_plain(name): text for name, text in (params["known"] or {}).items()}
        terms = Licences.of(params["allow"])
        names = sorted({one.name for one in lock.pins if not one.conditional or one.name in lock.installed})
        names = names or sorted(lock.installed)
        versions = {name: {one.version for one in lock.pins if one.name == name} for name in names}
        lines = [
            _licence(name, lock.installed.get(name), versions.get(name, set()), told.get(name), terms)
            for name in names
        ]
        if not lines:
            return Estimate.missing("no package is installed where the model is loaded")
        wrong = [one for one in lines if one.value]
        right = [one for one in lines if not one.value]
        return Estimate(value=float(len(wrong)), n=len(lines), groups=tuple([*wrong, *right][:MOST_SHOWN]))


# The audit --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Vulnerability:
    """One that is known of one version of a package."""

    id: str
    aliases: tuple[str, ...] = ()
    fixed_in: tuple[str, ...] = ()


@dataclass(kw_only=True, slots=True)
class Audit:
    """What a database says of packages."""

    found: dict[tuple[str, str], tuple[Vulnerability, ...]] = field(default_factory=dict)
    """By name and version."""
    skipped: dict[str, str] = field(default_factory=dict)
    """Why a package was not looked up, by name."""


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _fixed(pin: Pin) -> bool:
    """Whether name and version are such that a database can be asked, and a file of requirements written."""
    return bool(pin.version and _NAME.fullmatch(pin.name) and _VERSION.fullmatch(pin.version))


def _judged(pins: Sequence[Pin], loose: Sequence[str], audit: Audit, accepted: set[str]) -> Estimate:
    lines: list[GroupEstimate] = []
    unknown = list(loose)
    for pin in pins:
        found = audit.found.get((pin.name, str(pin.version)))
        if found is None:
            unknown.append(pin.name)
            continue
        lines += [_vulnerable(pin, one) for one in found if not accepted & {one.id, *one.aliases}]
    seen = len(pins) + len(loose)
    if unknown and not lines:
        few = ", ".join(sorted(set(unknown))[:5])
        more = ", ..." if len(set(unknown)) > 5 else ""  # noqa: PLR2004  as many as are shown
        what = f"{len(set(unknown))} of {seen} packages are not audited: {few}{more}"
        return Estimate.missing(
            f"{what}; they are not fixed to a version, or not known there (params.own)", n=seen
        )
    return Estimate(value=float(len(lines)), n=seen, groups=tuple(lines[:MOST_SHOWN]))


def _vulnerable(pin: Pin, one: Vulnerability) -> GroupEstimate:
    fixed = f"fixed in {', '.join(one.fixed_in[:5])}" if one.fixed_in else "no version fixes it yet"
    return GroupEstimate(
        group={"package": f"{pin.name} {pin.version}", "vulnerability": one.id}, n=1, value=1.0, reason=fixed
    )


def _asked(pins: Sequence[Pin], service: str, url: str | None, seconds: float) -> Audit | str:
    """Run pip-audit, or say why it has no answer. A package that is there twice is asked in another run."""
    if find_spec("pip_audit") is None:
        return "pip-audit is not installed; pip install 'mlgate[audit]'"
    audit = Audit()
    for some in _rounds(pins):
        found = _run(some, service, url, seconds)
        if isinstance(found, str):
            return found
        audit.found |= found.found
        audit.skipped |= found.skipped
    return audit


def _rounds(pins: Iterable[Pin]) -> Iterator[list[Pin]]:
    left = list(pins)
    while left:
        once = {pin.name: pin for pin in reversed(left)}
        yield list(once.values())
        left = [pin for pin in left if once[pin.name] is not pin]


def _run(pins: Sequence[Pin], service: str, url: str | None, seconds: float) -> Audit | str:
    arguments = [
        "--no-deps",
        "--disable-pip",
        "--format=json",
        "--progress-spinner=off",
        "--desc=off",
        "--aliases=on",
    ]
    arguments += ["--vulnerability-service", service]
    arguments += ["--osv-url", url] if url is not None and service == "osv" else []
    with tempfile.TemporaryDirectory(prefix="mlgate-audit-") as folder:
        lines = "".join(f"{pin.name}=={pin.version}\n" for pin in pins)
        requirements = Path(folder, "requirements.txt")
        requirements.write_text(lines, encoding="ascii")
        command = [sys.executable, "-I", "-m", "pip_audit", *arguments]
        command += ["--cache-dir", str(Path(folder, "cache")), "--requirement", str(requirements)]
        try:
            ended = subprocess.run(  # noqa: S603  the arguments are ours, checked above
                command,
                capture_output=True,
                timeout=seconds,
                env=_environment(folder),
                cwd=folder,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"the database {service} has not answered within {seconds:g} seconds"
    found = _read(ended.stdout.decode("utf-8", "replace"), "pip-audit")
    if isinstance(found, str):
        last = ended.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        said = _ADDRESS.sub("", last.partition(": ")[0] if "Error" in last.partition(": ")[0] else last)[:200]
        return f"the database {service} could not be asked: {said or f'exit code {ended.returncode}'}"
    return found


def _environment(folder: str) -> dict[str, str]:
    """Return no more than the way to the network: of the gate's own environment, proxies and authorities."""
    proxies = urllib.request.getproxies()
    found = {f"{name}_proxy": proxies[name] for name in ("http", "https", "no") if name in proxies}
    paths = ssl.get_default_verify_paths()
    if paths.cafile and paths.cafile != paths.openssl_cafile:
        found |= {"SSL_CERT_FILE": paths.cafile, "REQUESTS_CA_BUNDLE": paths.cafile}
    return {**found, "HOME": folder, "TMPDIR": folder, "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}


def _read(text: str, location: str) -> Audit | str:
    """Read the JSON of pip-audit."""
    wrong = f"{location} is not what `pip-audit --format json` writes"
    try:
        dependencies = json.loads(text)["dependencies"]
        audit = Audit()
        for one in dependencies:
            name = _plain(str(one["name"]))
            if "skip_reason" in one:
                audit.skipped[name] = str(one["skip_reason"])[:200]
                continue
            audit.found[name, str(one["version"])] = tuple(_known(vuln) for vuln in one["vulns"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return wrong
    return audit


def _known(vuln: Mapping[str, Any]) -> Vulnerability:
    texts = {
        name: tuple(str(one)[:60] for one in vuln.get(name) or ()) for name in ("aliases", "fix_versions")
    }
    return Vulnerability(id=str(vuln["id"])[:60], aliases=texts["aliases"], fixed_in=texts["fix_versions"])


# Licences ---------------------------------------------------------------------------------------------------


def _licence(
    name: str, installed: Installed | None, versions: set[str | None], told: str | None, terms: Licences
) -> GroupEstimate:
    """Return the line of one package: 1 where its licence is not allowed or not known."""
    if told is not None:
        return _line(name, told, terms, "as the policy has it")
    if installed is None:
        return _line(name, None, terms, "it is not installed where the model is loaded")
    if versions - {None} and installed.version not in versions:
        due = ", ".join(sorted(one for one in versions if one))
        return _line(name, None, terms, f"the lock file has {due}, and {installed.version} is installed")
    found = spdx_of(installed.licence, installed.licence_words)
    said = "; ".join(installed.licence_words)[:200] or "nothing"
    return _line(f"{name} {installed.version}", found, terms, None if found else f"it says {said}")


def _line(name: str, expression: str | None, terms: Licences, why: str | None) -> GroupEstimate:
    if expression is None:
        group = {"package": name, "licence": "not known"}
        return GroupEstimate(group=group, n=1, value=1.0, reason=why)
    group = {"package": name, "licence": expression[:100]}
    allowed = terms.allow(expression)
    reason = {True: why, False: "is not allowed", None: "is no SPDX expression"}[allowed]
    return GroupEstimate(group=group, n=1, value=0.0 if allowed else 1.0, reason=reason)
