"""Which roles fit which task: what makes no sense is refused with its line, and what to write instead."""

from __future__ import annotations

import pytest

from mlgate import strict_yaml
from mlgate.errors import ContentError
from mlgate.evidence.release import Release


def release(task: str, more: str) -> Release:
    """Build a release of a task."""
    head = f"mlgate: 1\nname: n\nversion: '1'\ntask: {task}\ndata: {{evaluation: {{path: t.csv}}}}\n"
    return Release.of(strict_yaml.parse((head + more).encode(), "release.yaml"))


@pytest.mark.parametrize(
    ("task", "more", "says"),
    [
        ("multiclass", "columns: {positive: 1}", "columns.positive: only a binary task has a positive class"),
        ("regression", "columns: {prediction_positive: 1}", "only a binary task"),
        ("scores", "columns: {favourable: 1}", "columns.favourable: a scores task has no classes"),
        ("regression", "columns: {favourable: [1]}", "a regression task has no classes"),
        ("binary", "columns: {favourable: [1]}", "a list is for multiclass"),
        ("regression", "columns: {score: p}", "name the column under `prediction:`"),
        ("regression", "columns: {score: {a: p}}", "name the column under `prediction:`"),
        ("scores", "columns: {prediction: p}", "name the column under `score:`"),
        ("scores", "columns: {score: {a: p}}", "a column for each class is for multiclass"),
        ("multiclass", "columns: {score: p}", "write a mapping from each class to its column"),
        ("multiclass", "columns: {score: {1: p, 1.0: q}}", "'1.0' and '1' are one class"),
        ("multiclass", "columns: {score: {a: p, b: p}}", "column 'p' is that of 'a' too"),
        (
            "multiclass",
            "threshold: 0.5",
            "threshold: a threshold is for binary, and this release is multiclass",
        ),
    ],
)
def test_what_does_not_fit_the_task_is_refused(task: str, more: str, says: str) -> None:
    """The error names the role and the line."""
    with pytest.raises(ContentError) as caught:
        release(task, more)
    assert says in str(caught.value)
    assert str(caught.value).startswith("release.yaml:6")


@pytest.mark.parametrize(
    ("task", "more"),
    [
        ("multiclass", "columns: {label: y, score: {a: p, b: q, 3: r}, prediction: d, favourable: [a, 3]}"),
        ("multiclass", "columns: {label: y, prediction: d, favourable: a}"),
        ("regression", "columns: {label: y, prediction: d, interval: [l, u], quantiles: {0.1: q}}"),
        ("scores", "columns: {label: y, score: s}"),
    ],
)
def test_what_fits_the_task_is_read(task: str, more: str) -> None:
    """Every role of the task may be stated."""
    assert release(task, more).task == task


def test_a_table_of_its_own_is_held_against_the_task_too() -> None:
    """The line is that of the table."""
    head = "mlgate: 1\nname: n\nversion: '1'\ntask: regression\ndata:\n  evaluation:\n    path: t.csv\n"
    with pytest.raises(
        ContentError, match=r"release.yaml:8: data.evaluation.columns.score: what a regression"
    ):
        Release.of(strict_yaml.parse(f"{head}    columns: {{score: p}}\n".encode(), "release.yaml"))
