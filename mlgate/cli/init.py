"""`mlgate init`: from tables and a model to a release, a policy that they can decide, and a workflow."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import click

from mlgate.cells import Task
from mlgate.errors import EvidenceError
from mlgate.render.text import visible

TASKS = ("binary", "multiclass", "regression")

_WIDE = 60
"""Characters of a value that a line shows."""


@click.command("init")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option(
    "--out", default=".", type=click.Path(path_type=Path), show_default=True, help="Where the files go."
)
@click.option("--name", help="What the release is called; default: the name of the folder.")
@click.option("--evaluation", type=click.Path(path_type=Path), help="The table that is judged.")
@click.option("--train", type=click.Path(path_type=Path), help="The table that the model was trained on.")
@click.option("--label", metavar="COLUMN", help="What was to be predicted.")
@click.option("--score", metavar="COLUMN", help="The model's score, in [0, 1].")
@click.option("--prediction", metavar="COLUMN", help="The model's decision, or its number.")
@click.option("--protected", multiple=True, metavar="COLUMN", help="What must not matter; may be repeated.")
@click.option("--task", type=click.Choice(TASKS), help="What the model does.")
@click.option(
    "--workflow/--no-workflow", default=True, show_default=True, help="Write a GitHub workflow too."
)
@click.option(
    "--expectations", is_flag=True, help="Draft a suite of Great Expectations from the training table too."
)
@click.option("--allow-path", "allow", multiple=True, type=click.Path(path_type=Path), help="Also read here.")
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
def command(  # noqa: PLR0917
    paths: tuple[Path, ...],
    out: Path,
    name: str | None,
    evaluation: Path | None,
    train: Path | None,
    label: str | None,
    score: str | None,
    prediction: str | None,
    protected: tuple[str, ...],
    task: str | None,
    workflow: bool,
    allow: tuple[Path, ...],
    *,
    expectations: bool,
    force: bool,
    dry_run: bool,
) -> None:
    """Look at tables and a model, and draft release.yaml, policy.yaml and a workflow.

    PATH is a table (csv, parquet) with labels and predictions, or a folder that is looked through; without
    one, the current folder. Says what it guessed, how sure it is, and what to look at. No model is loaded.
    """
    from mlgate import drafting
    from mlgate.guessing import Known, guess
    from mlgate.guessing import files as tables

    folder = Path(os.path.abspath(out))  # noqa: PTH100
    if not (force or dry_run):
        suite = _called(name, folder) if expectations else None
        _refuse(folder, workflow=workflow, suite=suite)
    looked = tuple(paths) or ((Path(),) if evaluation is None else ())
    found, models = tables.look([*looked, *(one for one in (evaluation, train) if one is not None)])
    where = ", ".join(str(one) for one in looked) or str(evaluation)
    chosen = tables.choose(found, models, evaluation=evaluation, train=train, looked=where)
    known = Known(
        label=label, score=score, prediction=prediction, protected=protected, task=cast("Task | None", task)
    )
    with tempfile.TemporaryDirectory(prefix="mlgate-") as work, _progress() as tell:
        _confined(chosen.evaluation, folder, allow)
        tell("looking at the tables")
        first, second = Path(work, "guess"), Path(work, "draft")
        first.mkdir(mode=0o700)
        second.mkdir(mode=0o700)
        draft = guess(chosen, folder, first, known, allow=allow)
        drafted = drafting.files(
            draft,
            folder,
            _called(name, folder),
            second,
            workflow=workflow,
            expectations=expectations,
            allow=allow,
            progress=tell,
        )
    for line in _said(draft, drafted):
        click.echo(line)
    if dry_run:
        for path, text in drafted.texts.items():
            click.echo(f"\n--- {_shown(path)}\n{text}")
        return
    _write(drafted.texts, force=force)
    click.echo("")
    for path in drafted.texts:
        click.echo(f"wrote {_shown(path)}")
    click.echo(f"\nNext:  {_next(folder)}")


def _called(name: str | None, folder: Path) -> str:
    """Return what the release is called."""
    return (name or folder.name or "model")[:200].strip() or "model"


def _refuse(folder: Path, *, workflow: bool, suite: str | None) -> None:
    """Raise when a file that is to be written is there, before anything is looked at.

    `suite` is the name of the release where a suite is written, too.
    """
    from mlgate.drafting import policy_text, release_text, suite_text, workflow_text

    names = [release_text.FILE, policy_text.FILE, *([suite_text.file_of(suite)] if suite else [])]
    there = [folder / one for one in names if os.path.lexists(folder / one)]
    root = next((one for one in (folder, *folder.parents) if (one / ".git").exists()), folder)
    if workflow and os.path.lexists(root / workflow_text.PATH):
        there.append(root / workflow_text.PATH)
    if there:
        listed = ", ".join(_shown(one) for one in there)
        verb = "exist" if len(there) > 1 else "exists"
        raise EvidenceError(
            listed, f"{verb} already", "give --force to overwrite, or --out DIR to write elsewhere"
        )


def _confined(table: Path, folder: Path, allow: Sequence[Path]) -> None:
    """Raise where the drafted release could not be run: its table must lie in its repository."""
    real, home = Path(os.path.realpath(table)), Path(os.path.realpath(folder))
    root = next((one for one in (home, *home.parents) if (one / ".git").exists()), home)
    homes = (root, *(Path(os.path.realpath(one)) for one in allow))
    if not any(one == real or one in real.parents for one in homes):
        raise EvidenceError(
            str(table),
            f"lies outside of {_shown(root)}, where release.yaml would go, and a release reads "
            "only what lies "
            "beside or below it or in its git repository",
            "give --out a folder that holds the table, or --allow-path DIR here and in `mlgate run`",
        )


def _said(draft: Any, drafted: Any) -> Iterator[str]:
    """Yield what was guessed, what to look at, and what the table can decide."""
    from mlgate.cli import power_table

    rows = [(one.what, _value(one.value), one.sure, one.why) for one in draft.guesses]
    sizes = [max(len(row[column]) for row in rows) for column in range(3)]
    yield f"{draft.evaluation.rows:,} rows to judge" + (
        f", {draft.train.rows:,} trained on" if draft.train else ""
    )
    yield ""
    for row in rows:
        start = "  ".join(text.ljust(size) for text, size in zip(row, sizes, strict=False))
        yield f"{start}  {visible(row[3], 160)}"
    if draft.roles.left_out:
        yield ""
        shown = [f"{visible(name, 40)} ({visible(why, 60)})" for name, why in draft.roles.left_out.items()]
        more = f" and {len(shown) - 12} more" if len(shown) > 12 else ""  # noqa: PLR2004
        yield f"no features: {', '.join(shown[:12])}{more}"
    if draft.notes:
        yield ""
        yield "Please look at:"
        for one in draft.notes[:20]:
            yield f"  - {visible(one, 300)}"
    yield ""
    yield "What this table can decide under the drafted policy:"
    yield ""
    yield from power_table.lines(drafted.prospects)


def _value(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, Mapping):
        return visible(", ".join(map(str, value.values())), _WIDE)
    if isinstance(value, tuple):
        names = ", ".join(value)
        shown = visible(names, _WIDE) if len(names) <= _WIDE else f"{visible(', '.join(value[:3]), 40)}, ..."
        return f"{len(value)}: {shown}"
    return visible(str(value), _WIDE)


def _write(texts: Mapping[Path, str], *, force: bool) -> None:
    """Write all files or none: each beside its place first, and put there when all are written.

    Raises EvidenceError when one cannot be written.
    """
    staged: dict[Path, Path] = {}
    placed: list[Path] = []
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            staged[path] = Path(name)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            staged[path].chmod(0o644)
        for path, ready in staged.items():
            if force:
                ready.replace(path)
            else:
                os.link(ready, path)  # never over a file that came to be since
                placed.append(path)
    except OSError as error:
        for path in placed:
            path.unlink(missing_ok=True)
        said = error.strerror or type(error).__name__
        raise EvidenceError(
            _shown(path), f"cannot be written ({said}); nothing was", "choose another folder with --out DIR"
        ) from error
    finally:
        for ready in staged.values():
            ready.unlink(missing_ok=True)


def _next(folder: Path) -> str:
    if folder == Path.cwd():
        return "mlgate run"
    return f"cd {_shown(folder)} && mlgate run"


def _shown(path: Path) -> str:
    with contextlib.suppress(ValueError):
        path = path.relative_to(Path.cwd())
    return visible(str(path))


@contextlib.contextmanager
def _progress() -> Iterator[Any]:
    """Show what is being done on a terminal; stay silent when piped."""
    import sys

    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status("starting") as status:
        yield lambda text: status.update(Text(text))
