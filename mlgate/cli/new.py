"""`mlgate new`: scaffolds, so that a new check starts with every heading it needs."""

from __future__ import annotations

import re
from pathlib import Path

import click

from mlgate import measures
from mlgate.errors import ContentError
from mlgate.measures import Measure

NEW = "mlgate new check"

ID = re.compile(r"^[a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9-]*$")

CHECK = """\
id: {id}
title: {title}
since: "0.1"
lifecycle: preview
measure: {measure}
params: {{}}
tasks: [{tasks}]
needs: [{needs}]
kind: {kind}
better: {better}
unit: "{unit}"
{guard}severity: block
why: >
  Say in two sentences what goes wrong for people when this is not so.
fix: {{effort: medium, text: Say the one thing to do first.}}
maps_to: []
sources: ["Name the paper, the library or the rule that it is from"]
"""

CASES = """\
# Each case is judged for real: its rows become a CSV file, its `use` a policy. Run them with
# `mlgate.testing.check_case` from pytest (README, "A check of your own").
check: {id}
cases:
  - name: a table that passes
    expect: pass
    use: {{{limit}}}
    release: {{columns: {{label: y, score: p}}}}
    rows: |
      y,p
      1,0.9
      0,0.1
    repeat: 50
  - name: a table that fails
    expect: fail
    use: {{{limit}}}
    release: {{columns: {{label: y, score: p}}}}
    rows: |
      y,p
      1,0.1
      0,0.9
    repeat: 50
  - name: a table without rows is not measured
    expect: not_measured
    use: {{{limit}}}
    release: {{columns: {{label: y, score: p}}}}
    rows: |
      y,p
"""


@click.group("new")
def command() -> None:
    """Write a new check and its case file to start from."""


@command.command("check")
@click.argument("check_id")
@click.option("--measure", "measure_id", required=True, help="The measure that it gives a meaning to.")
@click.option("--checks", default="checks", type=click.Path(path_type=Path), show_default=True)
@click.option("--cases", default="tests/cases", type=click.Path(path_type=Path), show_default=True)
def check(check_id: str, measure_id: str, checks: Path, cases: Path) -> None:
    """Write CHECKS/<family>/<name>.yaml and CASES/<family>/<name>.yaml for CHECK_ID."""
    if not ID.match(check_id):
        raise ContentError(NEW, f"{check_id!r} is no check id", "write family/name in lower case")
    known = measures.catalogue()
    if measure_id not in known:
        raise ContentError(
            NEW, f"there is no measure {measure_id!r}", f"there are {', '.join(sorted(known))}"
        )
    target, case = checks / f"{check_id}.yaml", cases / f"{check_id}.yaml"
    for path in (target, case):
        if path.exists():
            raise ContentError(str(path), "exists already", "edit it, or choose another id")
    _write(target, _check(check_id, known[measure_id]))
    _write(case, _cases(check_id, known[measure_id]))
    click.echo(f"wrote {target} and {case}; fill in the words, then:")
    click.echo(f"  mlgate explain {check_id} --checks {checks}")


def _check(check_id: str, measure: Measure) -> str:
    title = check_id.partition("/")[2].replace("-", " ").capitalize()
    return CHECK.format(
        id=check_id,
        title=f"{title} (say it as a sentence that is true or false)",
        measure=measure.id,
        tasks=", ".join(measure.tasks),
        needs=", ".join(measure.needs),
        kind=measure.kind,
        better=measure.better,
        unit=measure.unit,
        guard="guard: 0.02\n" if measure.kind == "estimate" else "",
    )


def _cases(check_id: str, measure: Measure) -> str:
    limit = "at_most: 0.4" if measure.better == "lower" else "at_least: 0.6"
    return CASES.format(id=check_id, limit=limit)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
