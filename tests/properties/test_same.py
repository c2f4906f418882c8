"""What must not matter, does not: order of rows, format, number of files, scale of weights, clusters of one row."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.findings import Finding, Report
from tests.properties.conftest import (
    TASKS,
    Files,
    Shape,
    as_csv,
    as_parquet,
    close,
    drawn,
    examples,
    facts,
    findings,
    judge,
    kinds,
    plain,
    policy_of,
    release_of,
    shapes,
    shuffled,
)
from tests.properties.oracles import models

DECISIONS = st.sampled_from(["point", "guard", "bound"])
LIMITS = st.sampled_from([0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98])


RECIPES = st.fixed_dictionaries({"seed": st.integers(0, 999), "limit": LIMITS, "decision": DECISIONS})
"""What `models` makes uses of checks of."""


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return what differs between findings, by id and field."""
    assert one.keys() == other.keys()
    return {
        f"{name}: {field}": (one[name][field], other[name][field])
        for name in one
        for field in one[name]
        if one[name][field] != other[name][field]
    }


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
@given(shape=shapes(), recipe=RECIPES, seed=st.integers(0, 99), parquet=st.booleans())
@examples(5)
def test_the_order_of_rows_changes_nothing(
    task: str, shape: Shape, recipe: dict[str, Any], seed: int, parquet: bool
) -> None:
    """Shuffled rows give the same report, byte for byte, but for the digest and size of the file."""
    table = drawn(replace(shape, task=task))
    asked = [*models(table, **recipe), *facts(table)]
    first = judge(table, asked, parquet=parquet, min_group=5)
    second = judge(shuffled(table, seed), asked, parquet=parquet, min_group=5)
    assert not differences(findings(first), findings(second))
    assert _but_for_the_file(first) == _but_for_the_file(second)


def _but_for_the_file(report: Report) -> str:
    raw = plain(report)
    del raw["id"]
    for one in raw["evidence"]:
        del one["sha256"], one["bytes"]
    return json.dumps(raw, sort_keys=True)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
@given(shape=shapes(), recipe=RECIPES, cuts=st.lists(st.integers(0, 300), max_size=3))
@examples(4)
def test_format_and_number_of_files_change_nothing(
    task: str, shape: Shape, recipe: dict[str, Any], cuts: list[int]
) -> None:
    """CSV with stated types, parquet, and either cut into several files give the same findings."""
    table = drawn(replace(shape, task=task))
    asked = policy_of([*models(table, **recipe), *facts(table)], min_group=5)
    edges = sorted({0, *(cut % shape.rows for cut in cuts), shape.rows})
    parts = [table.frame.iloc[a:b] for a, b in itertools.pairwise(edges)]
    typed = {"types": kinds(table.frame)}
    written: list[tuple[str, dict[str, bytes], dict[str, Any]]] = [
        ("t.parquet", {"t.parquet": as_parquet(table.frame)}, {}),
        ("t.csv", {"t.csv": as_csv(table.frame)}, typed),
        ("part-*.csv", {f"part-{i}.csv": as_csv(part) for i, part in enumerate(parts)}, typed),
        ("part-*.parquet", {f"part-{i}.parquet": as_parquet(part) for i, part in enumerate(parts)}, {}),
    ]
    reports = [
        Files(table=files, release=release_of(table, path, **more), policy=asked).judged()
        for path, files, more in written
    ]
    assert not any(report.errors for report in reports), [report.errors for report in reports]
    first, *others = map(findings, reports)
    for other in others:
        assert not differences(first, other)


@pytest.mark.slow
@given(shape=shapes(), recipe=RECIPES)
@examples(10)
def test_columns_that_nobody_uses_change_nothing(shape: Shape, recipe: dict[str, Any]) -> None:
    """A column more, and columns in another order, leave all findings on performance and fairness alone."""
    table = drawn(shape)
    uses = models(table, **recipe)
    wider = table.frame[table.frame.columns[::-1]].assign(**{shape.names[7]: np.arange(shape.rows) % 3})
    first, second = judge(table, uses), judge(replace(table, frame=wider), uses)
    assert not differences(findings(first), findings(second))


def alike(one: Finding, other: Finding, *, scale: float = 1.0) -> None:
    """Assert that two findings say the same, with counts times `scale`, to 1e-9."""
    same = ("id", "outcome", "leans", "n", "needed_n", "method", "reason", "warned")
    assert [getattr(one, name) for name in same] == [getattr(other, name) for name in same]
    for name in ("value", "value_all", "judged_share"):
        assert close(getattr(one, name), getattr(other, name)), name
    assert _both_close(one.interval, other.interval), (one.id, one.interval, other.interval)
    assert len(one.groups) == len(other.groups)
    for row, twin in zip(one.groups, other.groups, strict=True):
        assert (row.group, row.n, row.rate, row.judged, row.reason) == (
            twin.group, twin.n, twin.rate, twin.judged, twin.reason,
        )  # fmt: skip
        assert close(row.value, twin.value)
        for name in ("numerator", "denominator"):
            count = getattr(row, name)
            assert close(None if count is None else count * scale, getattr(twin, name))
        assert _both_close(row.interval, twin.interval), (one.id, row, twin)


def _both_close(one: tuple[float, float] | None, other: tuple[float, float] | None) -> bool:
    if one is None or other is None:
        return one is other
    return all(abs(a - b) <= 1e-9 * max(1.0, abs(a)) for a, b in zip(one, other, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
@given(shape=shapes(), recipe=RECIPES, factor=st.sampled_from([7, 1024, 1e-5]))
@examples(5)
def test_the_scale_of_weights_changes_nothing(
    task: str, shape: Shape, recipe: dict[str, Any], factor: float
) -> None:
    """All weights times seven give the same findings; and weights that are all alike are none."""
    table = drawn(replace(shape, task=task))
    uses = models(table, **recipe)
    if shape.weight is None:
        alone = table
        table = replace(
            table,
            frame=table.frame.assign(**{shape.names[3]: 1.0}),
            columns={**table.columns, "weight": shape.names[3]},
        )
        for one, other in zip(judge(alone, uses).findings, judge(table, uses).findings, strict=True):
            alike(one, other)
    weight = table.columns["weight"]
    scaled = replace(table, frame=table.frame.assign(**{weight: table.frame[weight] * factor}))
    for one, other in zip(judge(table, uses).findings, judge(scaled, uses).findings, strict=True):
        alike(one, other, scale=factor)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
@given(shape=shapes(clusters=None), recipe=RECIPES, min_group=st.sampled_from([1, 5, 30]))
@examples(5)
def test_every_row_twice_keeps_values_and_never_widens(
    task: str, shape: Shape, recipe: dict[str, Any], min_group: int
) -> None:
    """With every row twice the values stay and no interval is wider; groups may be judged at twice the size."""
    table = drawn(replace(shape, task=task))
    uses = models(table, **recipe)
    twice = table.taken(np.repeat(np.arange(shape.rows), 2))
    first = judge(table, uses, min_group=min_group)
    second = judge(twice, uses, min_group=2 * min_group)
    for one, other in zip(first.findings, second.findings, strict=True):
        assert one.id == other.id
        assert close(one.value, other.value), (one.id, one.value, other.value)
        assert close(one.judged_share, other.judged_share)
        if one.interval is not None:
            assert other.interval is not None, other
            assert _width(other.interval) <= _width(one.interval) * (1 + 1e-9), (one, other)


OTHERWISE = "performance/expected-cost"
"""Its interval is MOVER's over prevalence, recall and specificity, but of clusters over the shares of both errors:
two methods, which differ by up to a quarter of the width where few rows are positive."""

BINNED = "performance/calibration-error"
"""Its interval is made of those of bins of few rows, which no line of its table tells."""


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
@given(shape=shapes(rows=200, weight=None, missing=0.0), recipe=RECIPES)
@examples(5)
def test_clusters_of_one_row_change_nothing_but_a_degree_of_freedom(
    task: str, shape: Shape, recipe: dict[str, Any]
) -> None:
    """Each row in a cluster of its own: the same values, and intervals that know n - 1 rows instead of n.

    Clustered variances have n / (n - 1) more than a share's own, and t quantiles in place of normal ones.
    """
    table = drawn(replace(shape, task=task, clusters="own"))
    alone = replace(table, columns={k: v for k, v in table.columns.items() if k != "cluster"})
    uses = models(table, **recipe)
    for one, other in zip(judge(alone, uses).findings, judge(table, uses).findings, strict=True):
        assert (one.id, one.n, one.judged_share) == (other.id, other.n, other.judged_share)
        assert close(one.value, other.value)
        assert close(one.value_all, other.value_all)
        assert (one.interval is None) == (other.interval is None), (one, other)
        if one.interval is not None and other.interval is not None:
            (low, high), (lower, higher) = one.interval, other.interval
            longer = (low - lower, higher - high)
            few = min((row.denominator or row.n for row in one.groups if row.judged), default=one.n or 1)
            slack = _width(one.interval) * 4 / (few if one.check != BINNED else 5)
            if one.check == OTHERWISE:
                slack = max(slack, _width(one.interval) / 4)
            assert min(longer) >= -slack, (one, other)
            # Of classes without an error nothing shows whether those of one cluster would err together.
            assert max(longer) <= slack or one.value in (0, 1), (one, other)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
@given(shape=shapes(rows=100, weight=None, missing=0.1), recipe=RECIPES, times=st.sampled_from([3, 4]))
@examples(5)
def test_every_row_twice_in_its_cluster_tells_no_more(
    task: str, shape: Shape, recipe: dict[str, Any], times: int
) -> None:
    """A row that is there twice in one cluster is no news: the values stay, and intervals get no shorter.

    By rows they would be shorter by three tenths. Each cluster holds several equal rows from the start, so that
    clusters vary more than rows do: else the floor under every interval, that of so many independent rows,
    would show, and twice as many rows have a lower one.
    """
    table = drawn(replace(shape, task=task, clusters="own"))
    table = table.taken(np.repeat(np.arange(shape.rows), times))
    twice = table.taken(np.repeat(np.arange(shape.rows * times), 2))
    uses = models(table, **recipe)
    first, second = judge(table, uses, min_group=5), judge(twice, uses, min_group=10)
    for one, other in zip(first.findings, second.findings, strict=True):
        assert close(one.value, other.value), (one.id, one.value, other.value)
        assert (one.interval is None) == (other.interval is None), (one, other)
        if one.interval is not None and other.interval is not None:
            assert _width(other.interval) >= _width(one.interval) * 0.98, (one, other)


def _width(interval: tuple[float, float]) -> float:
    return interval[1] - interval[0]


@pytest.mark.slow
@given(shape=shapes(missing=0.1), recipe=RECIPES, seed=st.integers(0, 99))
@examples(10)
def test_names_of_groups_change_only_names(shape: Shape, recipe: dict[str, Any], seed: int) -> None:
    """Other names for the groups, in another order, change no number and no outcome."""
    table = drawn(shape)
    uses = [one for one in models(table, **recipe) if "strata" not in one.get("params", {})]
    first, _ = table.protected
    present = sorted(table.frame[first].dropna().unique())
    order = np.random.default_rng(seed).permutation(len(present))
    names = {name: f"group {order[i]}" for i, name in enumerate(present)}
    renamed = replace(
        table, frame=table.frame.assign(**{first: table.frame[first].map(names).astype("string")})
    )
    sets = [[first], list(table.protected)]
    asked = [one | ({"groups": sets} if one["check"].startswith("fairness/") else {}) for one in uses]
    called = {("'unknown'" if name == "unknown" else name): new for name, new in names.items()}
    before, after = judge(table, asked, min_group=5), judge(renamed, asked, min_group=5)
    for one, other in zip(before.findings, after.findings, strict=True):
        same = (
            "id",
            "outcome",
            "leans",
            "value",
            "value_all",
            "interval",
            "method",
            "n",
            "needed_n",
            "judged_share",
        )
        assert {name: getattr(one, name) for name in same} == {name: getattr(other, name) for name in same}
        assert _table(one, {}, first) == _table(other, {new: old for old, new in called.items()}, first)


def _table(finding: Finding, names: Mapping[str, str], column: str) -> list[Any]:
    """Return the group table under the names that the groups had, sorted."""
    return sorted(
        repr(
            replace(
                row,
                group={by: names.get(one, one) if by == column else one for by, one in row.group.items()},
            )
        )
        for row in finding.groups
    )
