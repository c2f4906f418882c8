"""`mlgate checks`: the catalogue at a glance."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import click

from mlgate import catalogue
from mlgate.cli import own_checks


@click.command("checks")
@click.argument("check_id", required=False)
@own_checks
def command(check_id: str | None, extra: Sequence[Path]) -> None:
    """List the catalogue of checks, or show the one with CHECK_ID."""
    checks = catalogue.load(extra)
    if check_id is not None:
        from mlgate.cli.explain import describe

        click.echo(describe(catalogue.get(checks, check_id, "mlgate checks")))
        return
    width = shutil.get_terminal_size((100, 20)).columns
    broad = max((len(one) for one in checks), default=0)
    ordered = sorted(checks.values(), key=lambda check: check.id)
    for family, members in groupby(ordered, key=lambda check: check.family):
        click.echo(f"\n{family}")
        for check in members:
            preview = "" if check.lifecycle == "stable" else f" ({check.lifecycle})"
            click.echo(f"  {check.id:<{broad}}  {check.title}{preview}"[: max(width, 60)])
    click.echo(f"\n{len(checks)} checks. `mlgate explain ID` tells what one computes and why it matters.")
