"""Values on cells equal those on the rows, for any table of any task, to 1e-9 (relative).

Oracles (`oracles`) never see cells: they compute on the rows, with the weights of the rows. Nor do they know
of clusters: rows that belong together change intervals, and no value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fairlearn import metrics as fair
from hypothesis import assume, given
from hypothesis import strategies as st

from mlgate.findings import Finding, Report
from tests.properties import oracles
from tests.properties.conftest import (
    CHECKS,
    TASKS,
    Drawn,
    Rows,
    Shape,
    close,
    drawn,
    examples,
    judge,
    proven,
    shapes,
    use,
)
from tests.properties.oracles import RATES, Compared, Group, gaps_of, groups_of

MIN_GROUPS = (1, 2, 5, 30)


def slack_of(table: Drawn) -> float:
    """Return the rounding to allow for: of differences of large numbers, and of weights from 10^-6 to 10^6."""
    numbers = [np.abs(one).max() for one in (table.rows.y, table.rows.d, table.rows.p)]
    return max(1.0, *numbers) * (1e-9 if table.shape.weight == "wide" else 1e-12)


def has_interval_or_says_why(found: Finding) -> None:
    """Assert that what has a value and no interval is a fact, or not measured, with the reason."""
    if found.kind == "estimate" and found.value is not None and found.interval is None:
        assert found.outcome.value == "not_measured"
        assert found.reason


def test_every_check_of_the_catalogue_has_an_oracle() -> None:
    """No check that one table of any task answers is left out below."""
    oracles.every_check_has_an_oracle()


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
@given(shape=shapes(), parquet=st.booleans(), min_group=st.sampled_from(MIN_GROUPS))
@examples(12)
def test_performance_on_cells_equals_the_metric_on_rows(
    task: str, shape: Shape, parquet: bool, min_group: int
) -> None:
    """Each metric is the library's on the rows that weigh something, or is missing where it is undefined."""
    table = drawn(replace(shape, task=task))
    assume(proven(table))
    if shape.weight is not None:
        min_group = 1  # whether rows of weight zero make a class large enough is not looked at here
    asked = oracles.of(table)
    uses = [one.use(number) for number, one in enumerate(asked)]
    report = judge(table, uses, parquet=parquet, min_group=min_group)
    for number, one in enumerate(asked):
        found = report.finding(f"use-{number}")
        wanted = one.value(table.rows.counted, min_group)
        assert close(found.value, wanted, slack=slack_of(table)), (one, found.value, wanted, found.reason)
        has_interval_or_says_why(found)


OVERFIT: dict[str, tuple[str, ...]] = {
    "binary": ("accuracy", "balanced-accuracy", "f1", "roc-auc", "log-loss", "brier"),
    "multiclass": ("accuracy", "balanced-accuracy", "f1", "log-loss", "brier"),
    "regression": ("mae", "rmse", "r2"),
    "scores": ("mean-score",),
}


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
@given(shape=shapes(rows=60), seed=st.integers(0, 99))
@examples(5)
def test_overfit_is_the_difference_between_the_tables(task: str, shape: Shape, seed: int) -> None:
    """On other rows by this much worse: the metric of the training rows less that of the judged ones."""
    table = drawn(replace(shape, task=task))
    train = table.taken(np.random.default_rng(seed).integers(0, 60, 70))
    assume(proven(table) and proven(train))
    uses = [use("performance/overfit", i, params={"metric": one}) for i, one in enumerate(OVERFIT[task])]
    report = judge(table, uses, train=train)
    known = {one.check: one for one in reversed(oracles.of(table)) if set(one.params) <= {"average"}}
    for number, name in enumerate(OVERFIT[task]):
        one = known[f"performance/{name}"]
        here, there = (one.value(each.rows.counted, 30) for each in (table, train))
        wanted = None
        if here is not None and there is not None:
            wanted = there - here if CHECKS[one.check].better == "higher" else here - there
        found = report.finding(f"use-{number}")
        assert close(found.value, wanted, slack=slack_of(table)), (name, found, wanted)


NAMED: dict[str, Callable[..., float]] = {
    "fairness/demographic-parity-difference": fair.demographic_parity_difference,
    "fairness/demographic-parity-ratio": fair.demographic_parity_ratio,
    "fairness/equal-opportunity-difference": fair.equal_opportunity_difference,
    "fairness/equalized-odds-difference": fair.equalized_odds_difference,
    "fairness/equalized-odds-ratio": fair.equalized_odds_ratio,
}
"""What fairlearn has under a name of its own."""


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
@given(
    shape=shapes(missing=0.1) | shapes(),
    product=st.booleans(),
    min_group=st.sampled_from(MIN_GROUPS),
    judge_unknown=st.booleans(),
    negative=st.booleans(),
    parquet=st.booleans(),
)
@examples(9)
def test_fairness_on_cells_equals_fairlearn_on_rows(  # noqa: PLR0917  Hypothesis passes by name
    task: str,
    shape: Shape,
    product: bool,
    min_group: int,
    judge_unknown: bool,
    negative: bool,
    parquet: bool,
) -> None:
    """Each gap and ratio, and each line of the group tables, is what the rows of the judged groups give."""
    table = drawn(replace(shape, task=task))
    negative = negative and task == "binary"
    assume(proven(table, both=negative))
    if negative:
        table.columns["favourable"] = shape.label.negative
    first, second = table.protected
    sets = [[first, second]] if product else [[first], [second]]
    asked = [one for one in gaps_of(task) if not one.within]  # which has a test of its own
    uses = [one.use(table, number, groups=sets) for number, one in enumerate(asked)]
    report = judge(
        table, uses, parquet=parquet, min_group=min_group, judge_unknown=judge_unknown, min_judged=0
    )
    for by in sets:
        groups = groups_of(table, by, min_group=min_group, judge_unknown=judge_unknown)
        for number, one in enumerate(asked):
            finding = _finding(report, number, by)
            if not table.rows.w.sum() > 0:
                assert finding.value is None
                continue
            unselected = negative and one.check == "fairness/impact-ratio"
            wanted = replace(one, rates=("unselected_rate",)) if unselected else one
            _as_on_rows(finding, wanted, table, groups)


def _finding(report: Report, number: int, by: list[str]) -> Finding:
    own = (one for one in report.findings if one.id.startswith(f"use-{number}["))
    return next(one for one in own if one.by == tuple(by))


def _as_on_rows(finding: Finding, one: Compared, table: Drawn, groups: list[Group]) -> None:
    rows = table.rows
    wanted = one.value(rows, groups, judged=True)
    everyone = one.value(rows, groups, judged=False)
    assert close(finding.value, wanted, slack=slack_of(table)), (one, finding.value, wanted, finding.reason)
    assert close(finding.value_all, everyone, slack=slack_of(table)), (one, finding.value_all, everyone)
    has_interval_or_says_why(finding)
    if one.rates:
        _counts_agree(finding, one.rows(rows), groups)
    if one.check in NAMED and wanted is not None:
        _as_fairlearn_names_it(wanted, one, one.rows(rows), groups)


def _counts_agree(finding: Finding, rows: Rows, groups: list[Group]) -> None:
    """Assert that rows, denominator, value and whether it is judged are right in every line of the table."""
    rows_of = {_named(one.key): one for one in groups}
    lines = [row for row in finding.groups if row.rate in RATES]
    assert {tuple(row.group.values()) for row in lines} == set(rows_of)
    for row in lines:
        group = rows_of[tuple(row.group.values())]
        among, metric = RATES[str(row.rate)]
        inside = group.mask & among(rows)
        assert row.n == group.mask.sum()
        assert close(row.denominator, float(rows.w[inside].sum())), row
        value = metric(group.part(rows)) if rows.weighs(inside) else None
        assert close(row.value, value), (row, value)
        assert row.judged == group.judged(among(rows), rows), row


def _named(key: tuple[str | None, ...]) -> tuple[str, ...]:
    names = {None: "unknown", "unknown": "'unknown'"}
    return tuple(names.get(one) or str(one) for one in key)


def _as_fairlearn_names_it(wanted: float, asked: Compared, rows: Rows, groups: list[Group]) -> None:
    """Where the same groups are judged in every rate, the value is that of fairlearn's own function."""
    judged = [[one for one in groups if one.judged(RATES[rate][0](rows), rows)] for rate in asked.rates]
    if any(one != judged[0] for one in judged):
        return
    code = np.full(len(rows.y), -1)
    for number, one in enumerate(judged[0]):
        code[one.mask] = number
    part = rows.where((code >= 0) & (rows.w > 0))
    value = NAMED[asked.check](
        part.y, part.d, sensitive_features=code[(code >= 0) & (rows.w > 0)], sample_weight=part.w
    )
    assert close(wanted, float(value)), (asked, wanted, value)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["binary", "multiclass"])
@given(shape=shapes(missing=0.1), min_group=st.sampled_from(MIN_GROUPS), judge_unknown=st.booleans())
@examples(8)
def test_parity_within_strata_is_the_widest_gap_of_any(
    task: str, shape: Shape, min_group: int, judge_unknown: bool
) -> None:
    """Among the rows of each stratum, and of these the largest."""
    table = drawn(replace(shape, task=task))
    assume(proven(table) and table.rows.w.sum() > 0)
    asked = next(one for one in gaps_of(task) if one.within)
    first, second = table.protected
    finding = judge(
        table,
        [asked.use(table, groups=[[first]])],
        min_group=min_group,
        judge_unknown=judge_unknown,
        min_judged=0,
    ).findings[0]
    gaps: dict[bool, list[float]] = {True: [], False: []}
    for stratum in groups_of(table, [second], min_group=1, judge_unknown=judge_unknown):
        known = {"min_group": min_group, "judge_unknown": judge_unknown}
        inside: Any = groups_of(table, [first], inside=stratum.mask, **known) if stratum.known else []
        for judged, found in gaps.items():
            gap = asked.value(table.rows, inside, judged=judged)
            found.extend([] if gap is None else [gap])
    assert close(finding.value, max(gaps[True], default=None)), (finding, gaps)
    if finding.value is not None:
        assert close(finding.value_all, max(gaps[False], default=None)), (finding, gaps)
