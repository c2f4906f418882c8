"""`mlgate demo`: from an empty folder to an approved and a blocked release."""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import click

from mlgate import demo
from mlgate.api import DEFAULT_OUT, Job, judged
from mlgate.estimates import PrivateExample
from mlgate.findings import Report, Verdict


@click.command("demo")
@click.argument("folder", default="mlgate-demo", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Train two models on data that ship with scikit-learn, and judge both.

    FOLDER gets the training script, the data, two releases, a policy, and a report for each: everything
    to edit and run again. Exits with 0 when the first is approved and the second blocked, as they should.
    """
    from mlgate.render import output, private, terminal

    click.echo(f"training two models into {folder} ...", err=True)
    expected = (Verdict.APPROVED, Verdict.BLOCKED)
    found: list[Verdict | None] = []
    place = folder / DEFAULT_OUT
    first, second = demo.write(folder)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as beside:
        other = beside.submit(_judged, second)  # two gates at once: there are mostly two processors
        # The first lies where `mlgate run` writes, so that the page is renewed by it; the other one below.
        for release, out in ((first, place), (second, place / second.stem)):
            report, examples = _judged(release) if release == first else other.result()
            output.write(report, output.prepare(out))
            private.write(examples, out)
            terminal.show(report, sys.stdout, title=True)
            click.echo(f"\nreport: {out / 'report.html'}\n")
            found.append(report.verdict)
    click.echo(f"Now edit {folder}/policy.yaml and run:  cd {folder} && mlgate run")
    sys.exit(0 if tuple(found) == expected else 3)


def _judged(release: Path) -> tuple[Report, list[tuple[str, PrivateExample]]]:
    """Return the report of a release, and what is written beside it."""
    examples: list[tuple[str, PrivateExample]] = []
    return judged(Job(release=release, keep=lambda *one: examples.append(one))), examples
