"""`mlgate demo`: from an empty folder to an approved and a blocked release."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mlgate import demo
from mlgate.api import DEFAULT_OUT, Job, judged
from mlgate.findings import Verdict


@click.command("demo")
@click.argument("folder", default="mlgate-demo", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Train two models on data that ship with scikit-learn, and judge both.

    FOLDER gets the training script, the data, two releases, a policy, and a report for each: everything
    to edit and run again. Exits with 0 when the first is approved and the second blocked, as they should.
    """
    from mlgate.render import output, terminal

    click.echo(f"training two models into {folder} ...", err=True)
    expected = (Verdict.APPROVED, Verdict.BLOCKED)
    found: list[Verdict | None] = []
    place = folder / DEFAULT_OUT
    for release in demo.write(folder):
        report = judged(Job(release=release))
        # The first lies where `mlgate run` writes, so that the page is renewed by it; the other one below.
        out = output.prepare(place if not found else place / release.stem)
        output.write(report, out)
        terminal.show(report, sys.stdout, title=True)
        click.echo(f"\nreport: {out / 'report.html'}\n")
        found.append(report.verdict)
    click.echo(f"Now edit {folder}/policy.yaml and run:  cd {folder} && mlgate run")
    sys.exit(0 if tuple(found) == expected else 3)
