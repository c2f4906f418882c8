"""`mlgate policy`: resolved policy, strict validation, and the JSON Schemas for editors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from mlgate import catalogue
from mlgate import policy as policies
from mlgate.cli import own_checks

SCHEMAS = ("release", "policy", "check", "report")


@click.group("policy")
def command() -> None:
    """Show, lint, or describe policies."""


@command.command("show")
@click.argument("sources", nargs=-1, required=True)
@own_checks
def show(sources: tuple[str, ...], extra: Sequence[Path]) -> None:
    """Print the policy that SOURCES resolve to, as JSON, with everything inherited filled in."""
    resolved = policies.load(sources, catalogue.load(extra))
    click.echo(json.dumps({"digest": resolved.digest, **resolved.resolved}, indent=2, ensure_ascii=False))


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
