"""Which roles fit the task of a release: what makes no sense for it is refused, not passed over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mlgate.evidence.coding import token
from mlgate.strict_yaml import Wrong, show

if TYPE_CHECKING:
    from mlgate.cells import Task
    from mlgate.evidence.roles import ColumnsSpec


def unfit(task: Task, columns: ColumnsSpec) -> Iterator[Wrong]:
    """Yield what is wrong with the roles of one table for the task, at the role."""
    yield from _wanted_classes(task, columns)
    yield from _outputs(task, columns)
    if isinstance(columns.score, Mapping):
        yield from _classes(columns.score)


def _wanted_classes(task: Task, columns: ColumnsSpec) -> Iterator[Wrong]:
    if task != "binary":
        for role in ("positive", "prediction_positive"):
            if getattr(columns, role) is not None:
                what = f"only a binary task has a positive class, and this release is {task}"
                yield Wrong(what, "leave it out", at=(role,))
    if task in ("regression", "scores") and columns.favourable is not None:
        what = f"a {task} task has no classes that people could want"
        yield Wrong(what, "leave it out", at=("favourable",))
    if task == "binary" and isinstance(columns.favourable, tuple):
        yield Wrong("a list is for multiclass", "name one label", at=("favourable",))


def _outputs(task: Task, columns: ColumnsSpec) -> Iterator[Wrong]:
    """Hold what the model writes against the task."""
    score, at = columns.score, ("score",)
    if task == "regression" and score is not None:
        what = "what a regression says is its prediction, not a score"
        yield Wrong(what, "name the column under `prediction:`", at=at)
    elif task == "multiclass" and isinstance(score, str):
        what = f"column {show(score)} cannot hold the probabilities of all classes"
        yield Wrong(what, "write a mapping from each class to its column, {CLASS: COLUMN, ...}", at=at)
    elif task != "multiclass" and isinstance(score, Mapping):
        yield Wrong("a column for each class is for multiclass", "name one column", at=at)
    if task == "scores" and columns.prediction is not None:
        what = "what the task scores judges is the score, not a prediction"
        yield Wrong(what, "name the column under `score:`", at=("prediction",))


def _classes(scores: Mapping[str, str]) -> Iterator[Wrong]:
    """Yield each class, and each column, that a mapping of scores names twice."""
    classes: dict[str, str] = {}
    columns: dict[str, str] = {}
    for name, column in scores.items():
        if (other := classes.setdefault(token(name), name)) != name:
            what = f"{show(name)} and {show(other)} are one class"
            yield Wrong(what, "name each class once", at=("score", name))
        if (other := columns.setdefault(column, name)) != name:
            what = f"column {show(column)} is that of {show(other)} too"
            yield Wrong(what, "give each class a column of its own", at=("score", name))
