"""`mlgate policy`: resolved policy, strict validation, what a table can decide, and schemas for editors."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import click

from mlgate import catalogue
from mlgate import policy as policies
from mlgate.cells import Bins, By
from mlgate.cli import own_checks
from mlgate.findings import Severity
from mlgate.limits import Op
from mlgate.policy import Policy, Use
from mlgate.render.text import visible

HEADER = ("check", "limit", "severity", "if inconclusive", "guard", "over")

WIDTH = 100

SCHEMAS = ("release", "policy", "check", "report")


@click.group("policy")
def command() -> None:
    """Show, lint, or describe policies, and tell what a table can decide."""


@command.command("show")
@click.argument("sources", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="All that the digest is over, for programs.")
@own_checks
def show(sources: tuple[str, ...], extra: Sequence[Path], *, as_json: bool) -> None:
    """Print the policy that SOURCES resolve to, with everything inherited filled in."""
    resolved = policies.load(sources, catalogue.load(extra))
    if as_json:
        whole = {"digest": resolved.digest, **resolved.resolved}
        click.echo(json.dumps(whole, indent=2, ensure_ascii=False))
        return
    for line in _table(resolved):
        click.echo(visible(line))


def _table(policy: Policy) -> Iterator[str]:
    """Yield the lines of a policy for people: what it is, a line for each use, its reason below."""
    title = f": {policy.title}" if policy.title else ""
    yield f"{policy.id}{title}"
    for name, words in policy.about.items():
        yield ""
        yield from textwrap.wrap(f"{name}: {words}", WIDTH)
    if policy.about:
        yield ""
    yield policy.digest
    yield f"decides by {policy.decision} at {policy.confidence:g}, one-sided"
    yield f"made of {', '.join(one.path for one in policy.sources)}"
    for pin, where in policy.pinned_at.items():
        yield f"the release may not choose {pin} ({where})"
    yield ""
    rows = [HEADER, *(_row(use) for use in policy.uses)]
    sizes = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    for row, use in zip(rows, (None, *policy.uses), strict=True):
        yield "  ".join(text.ljust(size) for text, size in zip(row, sizes, strict=True)).rstrip()
        if use is not None and use.because:
            yield f"    because: {' '.join(use.because.split())}"
    for name, reason in {**policy.off, **policy.not_applicable}.items():
        yield f"not asked: {name}, because: {reason}"


def _row(use: Use) -> tuple[str, ...]:
    name = use.id if use.id == use.check.id else f"{use.id} ({use.check.id})"
    table = "" if use.table == "evaluation" else f"@{use.table}"
    parts = [f"groups {_products(use.groups)}"] if use.groups else []
    if use.measure.over_groups and not use.groups:
        parts.append("groups: each protected column")
    parts += [f"slices {_products(use.slices)}"] if use.slices else []
    guard = f"{use.rule.guard:g}" if use.rule.guard else "-"
    inconclusive = use.on_inconclusive.value if use.severity is Severity.BLOCK else "-"
    limit = "holds" if use.limit.op is Op.HOLDS else str(use.limit)
    return (f"{name}{table}", limit, use.severity.value, inconclusive, guard, "; ".join(parts))


def _products(products: Sequence[tuple[By, ...]]) -> str:
    """Write groupings: `sex, sex x age [18, 30]`."""
    return ", ".join(" x ".join(_factor(one) for one in product) for product in products)


def _factor(by: By) -> str:
    return f"{by.column} {[*by.edges]}" if isinstance(by, Bins) else by


@command.command("lint")
@click.argument("sources", nargs=-1, required=True)
@own_checks
def lint(sources: tuple[str, ...], extra: Sequence[Path]) -> None:
    """Validate SOURCES strictly; exit code 2 when they do not hold, 0 with or without advice."""
    resolved = policies.load(sources, catalogue.load(extra))
    advice = policies.lint(resolved)
    for one in advice:
        click.echo(f"advice: {one}")
    noun = "check" if len(resolved.uses) == 1 else "checks"
    click.echo(f"{resolved.id}: {len(resolved.uses)} {noun}, valid, {len(advice)} to think about")


@command.command("power")
@click.argument("sources", nargs=-1)
@click.option("--release", default="release.yaml", type=click.Path(path_type=Path), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="All numbers, for programs.")
@click.option("--allow-path", "allow", multiple=True, type=click.Path(path_type=Path), help="Also read here.")
@own_checks
def power(
    sources: tuple[str, ...], release: Path, allow: tuple[Path, ...], extra: Sequence[Path], *, as_json: bool
) -> None:
    """Tell what the release's table lets SOURCES decide (default: policy.yaml beside the release).

    For each check: the chance that a model exactly as good as the present one passes, the true value from
    which a loss is caught, and the rows at which it would pass 9 times in 10. Judges nothing; exits with 0,
    or with 2 when something named does not exist.
    """
    from mlgate.api import Job, opened, private_folder
    from mlgate.cli import power_table
    from mlgate.gate.power import prospects

    with private_folder() as workdir:
        job = Job(release=release, policies=sources, checks=tuple(extra), allow=allow, environ=os.environ)
        evidence, resolved = opened(job, workdir)
        with closing(evidence):
            found = prospects(evidence, resolved)
    if as_json:
        click.echo(power_table.as_json(found))
        return
    for line in power_table.lines(found):
        click.echo(line)


@command.command("schema")
@click.argument("kind", type=click.Choice(SCHEMAS), default="policy")
def schema(kind: str) -> None:
    """Print the JSON Schema of release, policy, check or report, for an editor."""
    click.echo(json.dumps(_schema(kind), indent=2))


def _schema(kind: str) -> dict[str, object]:
    from mlgate.evidence import release
    from mlgate.render import record

    match kind:
        case "release":
            return release.schema()
        case "check":
            return catalogue.schema()
        case "report":
            return record.schema()
        case _:
            return policies.schema()
