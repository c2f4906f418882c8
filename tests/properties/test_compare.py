"""The judged model against the one that runs now: values are those of the library on the rows, to 1e-9.

The champion of a drawn table says of each row what the model says of another one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mlgate.findings import Finding, Report
from tests.properties import oracles
from tests.properties.conftest import (
    CHECKS,
    TASKS,
    Drawn,
    Files,
    Rows,
    Shape,
    as_csv,
    as_parquet,
    close,
    drawn,
    examples,
    policy_of,
    proven,
    release_of,
    shapes,
)

NOT_COMPARED = {
    "performance/pinball-loss",
    "performance/quantile-coverage",
    "performance/interval-coverage",
    "performance/max-error",
}
"""Of what a champion does not state, and a fact."""


def other(table: Drawn, seed: int) -> tuple[Drawn, Rows]:
    """Return the table with the champion's columns beside the model's, and the champion's rows."""
    order = np.random.default_rng(seed).permutation(len(table.frame))
    names = [table.columns.get("prediction"), *_scores(table).values()]
    added = {f"old {name}": table.frame[name].to_numpy()[order] for name in names if name is not None}
    rows = replace(table.rows, d=table.rows.d[order], p=table.rows.p[order])
    return replace(table, frame=table.frame.assign(**added)), rows


def _scores(table: Drawn) -> dict[Any, str]:
    score = table.columns.get("score")
    return score if isinstance(score, dict) else {} if score is None else {None: score}


def champion(table: Drawn) -> dict[str, Any]:
    """Return the champion's columns as the release names them."""
    roles: dict[str, Any] = {}
    if "prediction" in table.columns:
        roles["prediction"] = f"old {table.columns['prediction']}"
    score = table.columns.get("score")
    if score is not None:
        named = {one: f"old {name}" for one, name in _scores(table).items()}
        roles["score"] = named if isinstance(score, dict) else named[None]
    return roles


def metrics_of(table: Drawn) -> list[oracles.Asked]:
    """Return every metric of performance that two models are compared by."""
    return [
        one
        for one in oracles.of(table)
        if one.check not in NOT_COMPARED
        and one.params.get("average") != "per_class"
        and (table.shape.task, one.check) != ("multiclass", "performance/calibration-error")
    ]


def asked(one: oracles.Asked, number: int, **params: Any) -> dict[str, Any]:
    """Return a use that compares two models by a metric."""
    metric = {"check": one.check, "params": dict(one.params)}
    given_ = {"metric": metric, "margin": 0.1, **params}
    return {"check": "compare/equivalent", "id": f"use-{number}", "params": given_}


def compare(
    table: Drawn, uses: list[dict[str, Any]], roles: dict[str, Any] | None = None, *, parquet: bool = False
) -> Report:
    """Judge the table with its champion."""
    ending, written = (".parquet", as_parquet) if parquet else (".csv", as_csv)
    release = release_of(table, f"t{ending}")
    release["champion"] = {"predictions": champion(table) if roles is None else roles}
    report = Files(
        table={f"t{ending}": written(table.frame)}, release=release, policy=policy_of(uses)
    ).judged()
    assert not report.errors, report.errors
    return report


def improvement(one: oracles.Asked, rows: Rows, champions: Rows) -> float | None:
    """Return by how much the model is better, on the rows."""
    here, there = (one.value(each.counted, 30) for each in (rows, champions))
    if rows.task == "multiclass" and one.check in RANKS and unlabelled(rows.counted):
        return None
    if here is None or there is None:
        return None
    return there - here if CHECKS[one.check].better == "lower" else here - there


RANKS = {"performance/roc-auc", "performance/gini", "performance/average-precision"}
"""Of several classes they need every class to occur, whatever the average."""


def unlabelled(rows: Rows) -> bool:
    """Whether a class is no row's label."""
    return len(np.unique(rows.y)) < rows.p.shape[1]


def slack_of(table: Drawn) -> float:
    """Return the rounding to allow for, of numbers of which one is taken from the other."""
    numbers = [np.abs(one).max() for one in (table.rows.y, table.rows.d, table.rows.p)]
    return max(1.0, *numbers) * (1e-8 if table.shape.weight == "wide" else 1e-9)


def tables(task: str, shape: Shape, seed: int) -> tuple[Drawn, Rows]:
    """Draw a table whose two models both show how they write the positive class."""
    plain = drawn(replace(shape, task=task))
    table, champions = other(plain, seed)
    assume(proven(table))
    return table, champions


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
@given(shape=shapes(), seed=st.integers(0, 99), parquet=st.booleans())
@examples(5)
def test_improvement_on_cells_equals_the_library_on_rows(
    task: str, shape: Shape, seed: int, parquet: bool
) -> None:
    """For every metric; what is undefined for one of both is missing."""
    table, champions = tables(task, shape, seed)
    metrics = metrics_of(table)
    report = compare(table, [asked(one, number) for number, one in enumerate(metrics)], parquet=parquet)
    for number, one in enumerate(metrics):
        found = report.finding(f"use-{number}")
        wanted = improvement(one, table.rows, champions)
        assert close(found.value, wanted, slack=slack_of(table)), (one, found.value, wanted, found.reason)


def swapped(table: Drawn) -> tuple[Drawn, dict[str, Any]]:
    """Return the table with the models in each other's place, and the champion's columns then."""
    before = champion(table)
    own = {name: table.columns[name] for name in ("prediction", "score") if name in table.columns}
    return replace(table, columns=table.columns | before), own


DRAWS = ("bootstrap", "jackknife")
"""Methods that draw; the other way round they draw others."""


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
@given(shape=shapes(), seed=st.integers(0, 99))
@examples(3)
def test_the_other_way_round_is_the_mirror_image(task: str, shape: Shape, seed: int) -> None:
    """Swapping both models negates the improvement, and mirrors its interval."""
    table, _ = tables(task, shape, seed)
    uses = [asked(one, number) for number, one in enumerate(metrics_of(table))]
    there = compare(table, uses)
    turned, roles = swapped(table)
    back = compare(turned, uses, roles)
    for one in uses:
        first, second = (each.finding(one["id"]) for each in (there, back))
        assert (first.value is None) == (second.value is None)
        if first.value is None or second.value is None:
            continue
        assert close(first.value, -second.value, slack=slack_of(table))
        if _draws(first) or _draws(second):
            continue
        assert (first.interval is None) == (second.interval is None), (first, second)
        if first.interval is not None and second.interval is not None:
            (low, high), (least, most) = first.interval, second.interval
            width = 1e-6 * max(high - low, slack_of(table))
            assert abs(low + most) < width, (first, second)
            assert abs(high + least) < width


def _draws(found: Finding) -> bool:
    return any(one in (found.method or "") for one in DRAWS)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
@given(shape=shapes(weight="floats"), seed=st.integers(0, 99))
@examples(3)
def test_multiplying_every_weight_changes_nothing(task: str, shape: Shape, seed: int) -> None:
    """By 8, which moves no digit of a weight."""
    table, _ = tables(task, shape, seed)
    weight = table.columns["weight"]
    often = replace(table, frame=table.frame.assign(**{weight: table.frame[weight] * 8}))
    uses = [asked(one, number) for number, one in enumerate(metrics_of(table))]
    there, back = (compare(each, uses) for each in (table, often))
    for one in uses:
        first, second = (each.finding(one["id"]) for each in (there, back))
        assert close(first.value, second.value, slack=slack_of(table))
        assert (first.interval is None) == (second.interval is None)
        if first.interval is not None and second.interval is not None:
            assert first.interval == pytest.approx(second.interval, rel=1e-6, abs=1e-9)


ORDER = {"fail": 0, "inconclusive": 1, "pass": 2}


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("check", ["compare/non-inferior", "compare/equivalent"])
@given(shape=shapes(), seed=st.integers(0, 99))
@examples(2)
def test_a_larger_margin_never_stands_in_the_way(task: str, check: str, shape: Shape, seed: int) -> None:
    """What passes with a margin passes with a larger one, and what fails with it fails with a smaller one."""
    table, _ = tables(task, shape, seed)
    metrics = [one for one in metrics_of(table) if CHECKS[one.check].better != "target"]
    margins = (1e-6, 0.1, 100.0)
    uses = [
        {**asked(one, len(margins) * number + place, margin=margin), "check": check}
        for number, one in enumerate(metrics)
        for place, margin in enumerate(margins)
    ]
    report = compare(table, uses)
    for number in range(len(metrics)):
        found = [report.finding(f"use-{len(margins) * number + place}") for place in range(len(margins))]
        if found[0].outcome.value == "not_measured":
            assert {one.outcome.value for one in found} == {"not_measured"}
            continue
        ranks = [ORDER[one.outcome.value] for one in found]
        assert ranks == sorted(ranks), found


def test_every_metric_can_be_compared_or_is_named() -> None:
    """No check on performance is forgotten: it is compared, or it says why not."""
    compared = {one.check for task in TASKS for one in oracles.OF_TASK[task]} | oracles.NO_ORACLE
    known = {one.id for one in CHECKS.values() if one.family == "performance" and not one.tables}
    assert known >= NOT_COMPARED
    assert compared >= known - {
        "performance/worst-slice",
        "performance/worst-slice-error",
        "performance/weak-slices",
    }
