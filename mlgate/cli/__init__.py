"""The command line: the only place that prints, reads the environment, and exits.

Each command lives in a file of its own and is imported when it is called, so that `mlgate --help`
answers at once.
"""

from __future__ import annotations

import gc
import importlib
import sys
import traceback
from pathlib import Path

import click

from mlgate.errors import MlgateError
from mlgate.findings import ExitCode

COMMANDS = {
    "checks": "List the catalogue of checks, or show one.",
    "demo": "Train a real model, judge two releases of it, and leave all files to edit.",
    "explain": "Explain one check: measure, definition, limits, sources, and where its code is.",
    "init": "Look at tables and a model, and draft release, policy and workflow.",
    "new": "Write a new check and its case file to start from.",
    "policy": "Show, lint, or describe policies, and tell what a table can decide.",
    "run": "Judge releases against a policy and write the report.",
}


own_checks = click.option(
    "--checks", "extra", multiple=True, type=click.Path(path_type=Path), help="Folder with your own checks."
)
"""The option of every command that looks into the catalogue."""


class Lazy(click.Group):
    """A group that imports a command's module only when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Return the names, in order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"mlgate.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Print the list without importing any command."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mlgate")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.pass_context
def root(ctx: click.Context, *, debug: bool) -> None:
    """Judge machine-learning releases before they reach production.

    Exit codes: 0 approved, 1 blocked, 2 nothing was judged (bad input), 3 undecided.
    """
    ctx.obj = {"debug": debug}


OBJECTS = 100_000
"""New objects between two searches for cycles of dead ones. By default Python searches after every 700, which
takes a twentieth of a run: nearly all that a command makes are modules and classes, and they stay."""


def main() -> None:
    """Run the command line, and turn every error into one line and an exit code."""
    gc.set_threshold(OBJECTS)
    debug = "--debug" in sys.argv
    try:
        root.main(standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.Abort:
        click.echo("mlgate: interrupted; nothing was decided", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(ExitCode.INVALID)
    except MlgateError as error:
        complain(error)
        sys.exit(ExitCode.INVALID)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(ExitCode.UNDECIDED)
    except Exception as error:  # noqa: BLE001  the last net: no bare traceback, and never exit code 0
        if debug:
            traceback.print_exc()
        click.echo(
            f"mlgate: internal fault, {type(error).__name__}: {error}; run again with --debug and report it",
            err=True,
        )
        sys.exit(ExitCode.UNDECIDED)


def complain(error: MlgateError) -> None:
    """Print each problem on a line of its own to stderr."""
    from mlgate.render.words import plain

    for problem in error.problems:
        click.echo(f"error: {plain(str(problem))}", err=True)
