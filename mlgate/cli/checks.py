"""`mlgate checks`: the catalogue at a glance."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import click

from mlgate import catalogue
from mlgate.cli import own_checks

UNLIMITED = 10**6
"""The width of a pipe: a line a check, so that lines can be searched."""


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
    width = max(shutil.get_terminal_size().columns, 60) if sys.stdout.isatty() else UNLIMITED
    broad = max((len(one) for one in checks), default=0)
    ordered = sorted(checks.values(), key=lambda check: check.id)
    for family, members in groupby(ordered, key=lambda check: check.family):
        click.echo(f"\n{family}")
        for check in members:
            preview = "" if check.lifecycle == "stable" else f" ({check.lifecycle})"
            lead = f"  {check.id:<{broad}}  "
            room = max(width - len(lead), 20)
            for line in textwrap.wrap(f"{check.title}{preview}", room, break_on_hyphens=False):
                click.echo(f"{lead}{line}")
                lead = " " * len(lead)
    click.echo(f"\n{len(checks)} checks. `mlgate explain ID` tells what one computes and why it matters.")
