"""The gate as one call, for Python and for the command line: read, judge, write."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlgate.errors import ContentError, EvidenceError, MlgateError, Problem
from mlgate.findings import Report, Verdict

if TYPE_CHECKING:
    from mlgate.estimates import PrivateExample
    from mlgate.evidence.bundle import Evidence
    from mlgate.evidence.scan import Query
    from mlgate.policy import Policy

DEFAULT_OUT = "mlgate-report"


@dataclass(frozen=True, kw_only=True)
class Job:
    """One release to be judged, and how."""

    release: Path
    policies: Sequence[str | Path] = ()
    """Files or shipped ids, merged left to right; empty: `policy.yaml` beside the release."""
    checks: Sequence[Path] = ()
    """Directories with checks of one's own."""
    allow: Sequence[Path] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    only: str | None = None
    advisory: bool = False
    as_of: datetime | None = None
    without: frozenset[str] = frozenset()
    """Kernel features that are not used to shut a model in: landlock, seccomp, namespaces."""
    progress: Callable[[str], None] = lambda _: None
    advise: Callable[[Problem], None] = lambda _: None
    """Told of each required check whose limit decides nothing."""
    keep: Callable[[str, PrivateExample], None] = lambda *_: None
    """Told of each example with rows of the data, with the id of its finding."""


def run(
    release: str | Path,
    policy: str | Path | Sequence[str | Path] = (),
    *,
    checks: str | Path | Sequence[str | Path] = (),
    out: str | Path | None = None,
) -> Report:
    """Judge a release against a policy, as `mlgate run` does.

    Args:
        release: Path of release.yaml.
        policy: A file or a shipped id, or several, merged left to right; without one, `policy.yaml`
            beside the release.
        checks: A directory with checks of one's own, or several.
        out: Where to write `report.json` and `report.html`; None writes nothing.

    Returns:
        The report. Its `verdict` is None when nothing was judged; `errors` then says why.
    """
    examples: list[tuple[str, PrivateExample]] = []
    job = Job(
        release=Path(release),
        policies=_several(policy),
        checks=[*map(Path, _several(checks))],
        environ=os.environ,
        keep=lambda finding, example: examples.append((finding, example)),
    )
    if out is None:
        return judged(job)
    from mlgate.render import output, private

    folder = output.prepare(Path(out))
    report = judged(job)
    output.write(report, folder)
    private.write(examples, folder)
    return report


def _several(given: str | Path | Sequence[str | Path]) -> list[str | Path]:
    """Return a list of what may be given alone: a text is one path, never a sequence of letters."""
    return [given] if isinstance(given, str | Path) else list(given)


def judged(job: Job) -> Report:
    """Return the report of a job; what keeps it from being judged is in `errors`, never raised.

    A fault of mlgate itself gives `undecided`: it is no answer, so it is no approval.
    """
    from mlgate import gate
    from mlgate.render import record

    options = gate.Options(
        only=job.only, advisory=job.advisory, as_of=job.as_of, progress=job.progress, keep=job.keep
    )
    try:
        with private_folder() as workdir:
            evidence, policy = opened(job, workdir)
            with closing(evidence):
                report = gate.judge(evidence, policy, options)
            evidence.verify_unchanged()
    except MlgateError as error:
        return nothing_judged(error.problems, job.as_of)
    return record.identified(report)


def queries(job: Job) -> list[tuple[Query, tuple[str, ...]]]:
    """Return the queries that a job would send, each with the checks that share it; raises MlgateError."""
    from mlgate import gate

    with private_folder() as workdir:
        evidence, policy = opened(job, workdir)
        with closing(evidence):
            return gate.explain(evidence, policy, job.only)


@contextmanager
def private_folder() -> Iterator[Path]:
    """Make a folder that is gone afterwards, whatever the processes of a model made in it."""
    from mlgate.scoring.isolation import clear

    folder = Path(tempfile.mkdtemp(prefix="mlgate-"))
    try:
        yield folder
    finally:
        clear(folder)


def opened(job: Job, workdir: Path) -> tuple[Evidence, Policy]:
    """Read the files of a job and open the tables that its policy needs."""
    from mlgate import catalogue, gate, policy
    from mlgate.evidence import bundle
    from mlgate.render import record

    job.progress("reading release, policy and checks")
    release, file = bundle.read_release(job.release)
    checks = catalogue.load(job.checks)
    resolved = policy.load(job.policies or [_beside(job.release)], checks)
    for problem in policy.idle(resolved):
        job.advise(problem)
    access = bundle.Access(
        workdir=workdir,
        allow=job.allow,
        environ=job.environ,
        hosts=resolved.trust.hosts,
        read_report=record.from_json,
        terms=resolved.terms,
        seed=resolved.seed,
        without=job.without,
        tell=job.progress,
    )
    job.progress("opening tables")
    return bundle.open_evidence(release, file, gate.wanted(resolved, release, job.only), access), resolved


def nothing_judged(problems: Sequence[Problem], as_of: datetime | None) -> Report:
    """Return the report of a run that could not begin: verdict None, and what is wrong."""
    return _empty(None, problems, as_of)


def broken(error: BaseException, as_of: datetime | None) -> Report:
    """Return the report of a run that mlgate itself broke off: undecided."""
    problem = Problem(
        "mlgate", f"internal fault: {type(error).__name__}: {error}", "run again with --debug and report it"
    )
    return _empty(Verdict.UNDECIDED, [problem], as_of)


def load_report(path: str | Path) -> Report:
    """Read a `report.json`.

    Raises EvidenceError when there is no such file, ContentError when it is no report; both name it.
    """
    from mlgate.render import record

    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        todo = "give the report.json that a run wrote"
        if isinstance(error, IsADirectoryError):
            todo = f"give {Path(path) / 'report.json'}"
        said = error.strerror if isinstance(error, OSError) else str(error)
        raise EvidenceError(str(path), f"cannot be read ({said})", todo) from error
    return record.from_json(data, str(path))


def _empty(verdict: Verdict | None, problems: Sequence[Problem], as_of: datetime | None) -> Report:
    from mlgate.findings import totals_of
    from mlgate.gate import identity

    now = identity.moment(datetime.now(UTC))
    return Report(
        tool=identity.tool(),
        as_of=identity.moment(as_of) if as_of else now,
        started_at=now,
        finished_at=now,
        verdict=verdict,
        promotable=False,
        promotable_reason="nothing was judged" if verdict is None else "the run broke off",
        errors=tuple(problems),
        environment=identity.environment(),
        totals=totals_of(()),
    )


def _beside(release: Path) -> Path:
    found = release.parent / "policy.yaml"
    if not found.is_file():
        raise ContentError(
            str(release),
            "no policy is given and there is no policy.yaml beside it",
            "give --policy FILE, or `--policy baseline`",
        )
    return found
