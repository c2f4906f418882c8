"""`mlgate run`: the gate."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from mlgate.api import DEFAULT_OUT, Job, broken, judged, nothing_judged, queries
from mlgate.cli import complain
from mlgate.errors import ContentError, MlgateError, Problem
from mlgate.estimates import PrivateExample
from mlgate.findings import ExitCode, Report

UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")

WORST_FIRST = (ExitCode.INVALID, ExitCode.BLOCKED, ExitCode.UNDECIDED, ExitCode.APPROVED)


@click.command("run")
@click.argument("releases", nargs=-1, type=click.Path(path_type=Path))
@click.option("--policy", "policies", multiple=True, metavar="FILE|ID", help="Several merge in order.")
@click.option("--out", default=DEFAULT_OUT, type=click.Path(path_type=Path), show_default=True)
@click.option("--format", "formats", default="html,json", show_default=True, help="html, json, or both.")
@click.option("--checks", multiple=True, type=click.Path(path_type=Path), help="Folder with your own checks.")
@click.option("--allow-path", "allow", multiple=True, type=click.Path(path_type=Path), help="Also read here.")
@click.option("--only", metavar="GLOB", help="Judge only these uses; never promotable.")
@click.option("--as-of", metavar="TIME", help="The run's clock, ISO 8601; default: now.")
@click.option("--advisory", is_flag=True, help="Let a run that cannot be promoted say approved.")
@click.option("--explain-plan", is_flag=True, help="Print the queries, judge nothing.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(  # noqa: PLR0917  click passes options by name
    releases: tuple[Path, ...],
    policies: tuple[str, ...],
    out: Path,
    formats: str,
    checks: tuple[Path, ...],
    allow: tuple[Path, ...],
    only: str | None,
    as_of: str | None,
    *,
    advisory: bool,
    explain_plan: bool,
    debug: bool,
) -> None:
    """Judge RELEASES (default: release.yaml) against a policy.

    Without --policy, policy.yaml beside the release is used. Writes report.json and report.html to
    --out, prints the findings and the verdict, and exits with it: 0 approved, 1 blocked, 2 nothing was
    judged, 3 undecided. Over several releases the worst of 2 > 1 > 3 > 0.
    """
    from mlgate.render.output import prepare

    paths = tuple(dict.fromkeys(releases)) or (Path("release.yaml"),)
    if not explain_plan:  # before anything else can fail: no run leaves an old approval behind
        prepare(out)
    folders = _folders(paths, out)
    for folder in () if explain_plan or len(paths) == 1 else folders.values():
        prepare(folder)
    wanted = _formats(formats)
    clock = _clock(as_of)
    codes: list[ExitCode] = []
    for path in paths:
        examples: list[tuple[str, PrivateExample]] = []
        with _progress() as progress, _stoppable():
            job = Job(
                release=path,
                policies=policies,
                checks=checks,
                allow=allow,
                environ=os.environ,
                only=only,
                advisory=advisory,
                as_of=clock,
                progress=progress,
                advise=_advise,
                keep=partial(_kept, examples),
            )
            if explain_plan:
                _print_plan(job)
                continue
            report = _judge(job, debug=debug)
        codes.append(_publish(report, folders[path], wanted, examples, several=len(paths) > 1))
    if codes:
        sys.exit(next(code for code in WORST_FIRST if code in codes))


def _judge(job: Job, *, debug: bool) -> Report:
    """Judge one release; earlier reports are gone by now."""
    try:
        return judged(job)
    except MlgateError as error:
        return nothing_judged(error.problems, job.as_of)
    except Exception as error:  # noqa: BLE001  whatever broke, the report is written and is no approval
        if debug:
            traceback.print_exc()
        return broken(error, job.as_of)


def _kept(examples: list[tuple[str, PrivateExample]], finding: str, example: PrivateExample) -> None:
    """Keep an example until the report is written."""
    examples.append((finding, example))


def _publish(
    report: Report,
    folder: Path,
    formats: Sequence[str],
    examples: Sequence[tuple[str, PrivateExample]],
    *,
    several: bool,
) -> ExitCode:
    """Write, then print; the report is there before the process says no."""
    from mlgate.render import output, private, terminal
    from mlgate.render.words import plain

    try:
        written = output.write(report, folder, formats)
    except MlgateError:
        raise
    except Exception as error:  # noqa: BLE001  a report that cannot be written is a fault of ours, and no approval
        report = broken(error, None)
        written = output.write(report, folder, formats)
    for problem in report.errors:
        complain(MlgateError(problem.where, problem.what, problem.todo))
    terminal.show(report, sys.stdout, title=several, problems=False)  # stderr has them
    shown = private.write(examples, folder)
    for path in sorted(written.values()):
        click.echo(f"wrote {plain(str(path))}", err=True)
    if shown:
        count = f"{len(shown)} file{'s' * (len(shown) > 1)}"
        click.echo(f"wrote {plain(str(shown[0].parent))}: {count} with rows of the data; keep them", err=True)
    return report.exit_code


def _advise(problem: Problem) -> None:
    """Tell on stderr of a required check that decides nothing; it changes no verdict."""
    from mlgate.render.words import plain

    click.echo(f"advice: {plain(str(problem))}", err=True)


def _print_plan(job: Job) -> None:
    from mlgate.render.text import visible

    for number, (query, uses) in enumerate(queries(job), 1):
        said = [
            f"-- {number}. table {query.table}: {query.what}",
            f"-- shared by {len(uses)}: {', '.join(uses)}",
        ]
        # Names of columns are a stranger's text; none of it is cut.
        lines = [visible(one, longest=sys.maxsize) for one in (*said, *f"{query.sql};".split("\n"))]
        click.echo("\n".join(lines) + "\n")


def _formats(given: str) -> tuple[str, ...]:
    from mlgate.render.output import FORMATS

    wanted = tuple(dict.fromkeys(part.strip() for part in given.split(",") if part.strip()))
    for one in wanted or ("",):
        if one not in FORMATS:
            raise MlgateError("--format", f"{one!r} is not written here", f"use {', '.join(FORMATS)}")
    return wanted


def _clock(given: str | None) -> datetime | None:
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(given)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise MlgateError(
            "--as-of", f"{given!r} is no ISO 8601 time", "write 2026-11-21T09:00:00Z"
        ) from error


def _folders(paths: Sequence[Path], out: Path) -> dict[Path, Path]:
    """Give each release a folder of its own when there are several."""
    if len(paths) == 1:
        return {paths[0]: out}
    named = {path: out / UNSAFE.sub("-", str(path).removesuffix(path.suffix)).strip("-.") for path in paths}
    if len(set(named.values())) < len(paths):
        raise ContentError("releases", "two of them would be written to one folder", "name each release once")
    return named


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """Let Ctrl-C end the run, though the engine turns it into an error of its own."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach the main thread only
        return
    seen: list[int] = []

    def note(number: int, _: object) -> None:
        seen.append(number)
        raise KeyboardInterrupt

    earlier = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, earlier)
    if seen:
        raise KeyboardInterrupt


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Show what is being done on a terminal; stay silent when piped."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status("starting") as status:
        yield lambda text: status.update(Text(text))
