"""`mlgate new`: scaffolds, so that a new check starts with every heading it needs."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from mlgate import measures
from mlgate.errors import ContentError
from mlgate.measures import Measure
from mlgate.strict_yaml import did_you_mean, show

NEW = "mlgate new check"

ID = re.compile(r"^[a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9-]*$")

CHECK = """\
id: {id}
title: {title}
since: "0.1"
lifecycle: stable
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
{note}check: {id}
cases:
  - name: a table that passes
    expect: pass
    use: {{{limit}}}
    release: {{{release}}}{documents}
    rows: |
{good}
    repeat: {repeat}
  - name: a table that fails
    expect: fail
    use: {{{limit}}}
    release: {{{release}}}{documents}
    rows: |
{bad}
    repeat: {repeat}
  - name: {unmeasured}
    expect: not_measured
    use: {{{limit}}}
    release: {{{bare}}}
    rows: |
{header}
"""

SKETCH = "# sketch: edit before running; what passes and what fails this measure cannot be guessed\n"

ROLES = frozenset({"label", "prediction", "score", "protected"})
"""Needs that the rows below meet; predictions come from the score, by the threshold."""

RIGHT, WRONG = ("1,0.9", "0,0.1"), ("1,0.1", *["0,0.9"] * 4)
"""Rows of label and score: of a model that is always right, and of one that is always wrong."""

REPEAT = 100


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
        # A check's id is easily given for its measure's.
        written = measure_id.replace("/", ".").replace("-", "_")
        raise ContentError(NEW, f"there is no measure {show(measure_id)}", did_you_mean(written, known))
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
        guard="guard: 0.02\n" if measure.kind == "estimate" and measure.unit == "1" else "",
    )


def _cases(check_id: str, measure: Measure) -> str:
    """Return examples that hold as they are, or that say of themselves that they are a sketch."""
    columns = _columns(measure)
    names = [need.partition(":")[2] for need in measure.needs if need.startswith("document:")]
    files = ", ".join(f"{name}: {name}.md" for name in names)
    texts = ", ".join(f'{name}.md: "# A heading\\n\\nWhat it says."' for name in names)
    header, good, bad = _rows(columns)
    stated = f"columns: {{{', '.join(columns.values())}}}" if columns else ""
    declared = f"documents: {{{files}}}" if names else ""
    return CASES.format(
        id=check_id,
        note="" if _known(measure) else SKETCH,
        limit=_limit(measure),
        release=", ".join(filter(None, (stated, declared))),
        bare=stated,
        documents=f"\n    documents: {{{texts}}}" if names else "",
        good=_indented(header, *good),
        bad=_indented(header, *bad),
        header=_indented(header),
        unmeasured="a document that is not there" if names else "a table without rows is not measured",
        repeat=REPEAT,
    )


def _known(measure: Measure) -> bool:
    """Whether it measures how right a model is, so that rows that are right pass, and wrong ones fail."""
    required = any(one.default is inspect.Parameter.empty for one in measure.params.values())
    roles = {"label"} < set(measure.needs) <= ROLES or set(measure.needs) == {"prediction", "protected"}
    # A model without errors has no ratio of error rates.
    ratio = measure.over_groups and measure.better == "higher" and "label" in measure.needs
    plain = measure.kind == "estimate" and measure.better != "target"
    return plain and roles and not required and not ratio


def _columns(measure: Measure) -> dict[str, str]:
    """Return what the release says of each column of the example table."""
    needs = set(measure.needs)
    columns = {"y": "label: y"} if needs & ROLES else {}
    columns |= {"p": "score: p"} if needs & {"score", "prediction"} else {}
    columns |= {"g": "protected: [g]"} if "protected" in needs or measure.over_groups else {}
    return columns | ({"k": "key: k"} if "key" in needs else {})


def _rows(columns: Mapping[str, str]) -> tuple[str, Sequence[str], Sequence[str]]:
    """Return the header, rows that should pass, and rows that should fail."""
    if "p" not in columns:
        names = tuple(columns) or ("x",)
        rows = [",".join([value] * len(names)) for value in ("1", "0")]
        return ",".join(names), rows, rows
    if "g" not in columns:
        return "y,p", RIGHT, WRONG
    right = [f"{row},{group}" for group in "ab" for row in RIGHT]
    return "y,p,g", right, [*(f"{row},a" for row in RIGHT), *(f"{row},b" for row in WRONG)]


def _limit(measure: Measure) -> str:
    """Return a limit of the form and the size that the measure can have."""
    if measure.better == "target":
        return "between: [0.8, 1.25]"
    lower = measure.better == "lower"
    if measure.kind == "fact" and measure.unit != "1":
        return "at_most: 0" if lower else "at_least: 10"
    if measure.kind == "fact" and "label" not in measure.needs:
        return "at_most: 0.1" if lower else "holds: true"
    if measure.over_groups:
        return "at_most: 0.2" if lower else "at_least: 0.75"
    return "at_most: 0.4" if lower else "at_least: 0.6"


def _indented(*lines: str) -> str:
    return "\n".join(f"      {line}" for line in lines)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
