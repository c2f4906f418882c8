"""A slice is judged as the table would be that holds its rows and no other."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.findings import Finding, Outcome
from tests.properties import oracles
from tests.properties.conftest import (
    CODINGS,
    TASKS,
    TEXT_GROUPS,
    Drawn,
    Shape,
    close,
    drawn,
    examples,
    judge,
    shapes,
    spelt,
)

Condition = dict[str, Any]
EDGES = st.lists(st.sampled_from([0.125, 20, 60.5, 124]), min_size=1, max_size=3, unique=True).map(sorted)


UNTOLD = {"unknown", TEXT_GROUPS[-1]}
"""Missing values, and one with a character that no YAML may hold: no filter asks for them."""


def filters(table: Drawn, column: str) -> dict[str, Any]:
    """Return each value of a column, as the report spells it, with what `where` asks of it."""
    found = list(table.frame[column].dropna().unique())
    plain = [one.item() if isinstance(one, np.generic) else one for one in found]
    return {str(spelt(one)): one for one in plain}


def bins(edges: list[float]) -> dict[str, Condition]:
    """Return each bin, as the report spells it, with what `where` asks of it."""
    spelt_ = [str(spelt(float(one))) for one in edges]
    found: dict[str, Condition] = {
        f"< {spelt_[0]}": {"before": edges[0]},
        f">= {spelt_[-1]}": {"from": edges[-1]},
    }
    for (low, high), names in zip(pairwise(edges), pairwise(spelt_), strict=True):
        found[f"{names[0]} to < {names[1]}"] = {"from": low, "before": high}
    return found


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
@given(
    shape=shapes(rows=150),
    seed=st.integers(0, 999),
    how=st.sampled_from(["column", "bins", "product"]),
    edges=EDGES,
)
@examples(5)
def test_a_slice_is_judged_as_the_table_filtered_to_it(
    task: str, shape: Shape, seed: int, how: str, edges: list[float]
) -> None:
    """Columns, bins of numbers and products of both; with weights and clusters as they are drawn."""
    table = drawn(replace(shape, task=task, label=CODINGS[0], prediction=shape.prediction and CODINGS[0]))
    first, number = table.protected[0], table.feature
    cut = {number: edges}
    slices: list[Any] = {"column": [first], "bins": [cut], "product": [[first, cut]]}[how]
    rng = np.random.default_rng(seed)
    asked = oracles.of(table)
    asked = [asked[place] for place in rng.permutation(len(asked))[:6]]
    settings: dict[str, Any] = {"min_group": 1, "min_judged": 0}
    uses = [one.use(place, slices=slices) for place, one in enumerate(asked)]
    pieces = [one for one in judge(table, uses, **settings).findings if one.slice is not None]
    known = {first: filters(table, first), number: bins(edges)}
    whole = [one.use(place) for place, one in enumerate(asked)]
    there = {tuple(one.slice.items()): one.slice for one in pieces if not UNTOLD & set(one.slice.values())}
    chosen = rng.permutation(len(there))[:3]
    for piece in (list(there.values())[place] for place in chosen):
        where = {name: known[name][_unquoted(value)] for name, value in piece.items()}
        filtered = judge(table, whole, where=where, **settings)
        for one in pieces:
            if one.slice == piece:
                _alike(one, filtered.finding(one.id.partition("[")[0]))


def _unquoted(value: str) -> str:
    """Return the value of a slice; the word `unknown` stands in quotes, as it means a missing value."""
    return "unknown" if value == "'unknown'" else value


def _alike(piece: Finding, whole: Finding) -> None:
    assert close(piece.value, whole.value), (piece, whole)
    assert (piece.outcome is Outcome.PASS) == (whole.outcome is Outcome.PASS), (piece, whole)
    # Of many slices some look bad by chance, so that more is asked of one to fail among them.
    assert piece.outcome is not Outcome.FAIL or whole.outcome is Outcome.FAIL, (piece, whole)
    assert (piece.interval is None) == (whole.interval is None), (piece, whole)
    for low, other in zip(piece.interval or (), whole.interval or (), strict=True):
        assert close(low, other, slack=1e-9), (piece, whole)
    if piece.value is not None:
        assert (piece.n, piece.method) == (whole.n, whole.method)
