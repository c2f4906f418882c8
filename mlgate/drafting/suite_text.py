"""A suite of Great Expectations, drafted from the table that the model was trained on.

It says what any later table should have in common with that one: its columns and their types, how much is
missing, ranges with room, the categories, and that keys are unique. All of it is JSON as Great Expectations
writes it, so that it loads there; none of it needs Great Expectations to be judged.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlgate.drafting.policy_text import identifier
from mlgate.guessing import Draft
from mlgate.guessing.columns import Facts

FOLDER = "expectations"

ROOM = 0.25
"""Of the range of a column, how much further it may reach on either side."""

LATER = 0.99
"""Share of the values that should be within a range, or among the categories: the rest may be new."""

MISSING_ROOM = 0.02
"""How much more may be missing, at least."""

MOST = 400
"""Columns that the suite is about."""

_FEWEST = 20
"""Rows with a value from which a column says something of later ones."""


def file_of(name: str) -> str:
    """Return the path of the suite, relative to release.yaml."""
    return f"{FOLDER}/{suite_name(name)}.json"


def suite_name(name: str) -> str:
    """Return the name of the suite of a release."""
    return identifier(name).removesuffix("-release")


def suite_text(name: str, facts: Mapping[str, Facts], wanted: Sequence[str], key: str | None) -> str:
    """Return the text of the suite.

    Args:
        name: Of the release.
        facts: Of the columns of the training table.
        wanted: The columns that it is about, as far as there are facts.
        key: The column of keys; None when there is none.
    """
    columns = [facts[one] for one in wanted if one in facts][:MOST]
    found = [_entry(*one) for one in _expectations(columns, key)]
    suite = {"name": suite_name(name), "expectations": found, "meta": {"drafted_by": "mlgate init"}}
    return json.dumps(suite, indent=2, ensure_ascii=False) + "\n"


def wanted(draft: Draft, there: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that the release gives a role other than of what a model said."""
    roles = draft.roles
    named = [draft.labelled.label, *roles.features, *draft.judged]
    named += [one for one in (roles.key, roles.time, roles.weight, roles.cluster) if one is not None]
    return tuple(one for one in there if one in named)


def _entry(kind: str, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": kind, "kwargs": dict(kwargs), "meta": {}}


def _expectations(columns: Sequence[Facts], key: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    yield (
        "expect_table_columns_to_match_set",
        {"column_set": [one.name for one in columns], "exact_match": False},
    )
    for one in columns:
        if one.name == key and one.held == one.rows:
            yield "expect_column_values_to_not_be_null", {"column": one.name}
            yield "expect_column_values_to_be_unique", {"column": one.name}
        else:
            yield from _of_column(one)


def _of_column(one: Facts) -> Iterator[tuple[str, dict[str, Any]]]:
    if one.held < _FEWEST:
        return
    if one.numeric:
        kinds = ["int64", "float64"]
        yield "expect_column_values_to_be_in_type_list", {"column": one.name, "type_list": kinds}
    if one.held == one.rows:
        yield "expect_column_values_to_not_be_null", {"column": one.name}
    elif (least := _held(one)) > 0:
        yield "expect_column_values_to_not_be_null", {"column": one.name, "mostly": least}
    if one.numeric and (ends := _ends(one)):
        yield "expect_column_values_to_be_between", {"column": one.name, **ends, "mostly": LATER}
    elif one.type == "string" and 0 < len(one.values) <= one.held // _FEWEST:
        known = sorted(one.texts)
        yield "expect_column_values_to_be_in_set", {"column": one.name, "value_set": known, "mostly": LATER}


def _held(one: Facts) -> float:
    """Return the share of rows that should have a value, rounded down."""
    missing = 1 - one.held / one.rows
    room = max(MISSING_ROOM, 3 * math.sqrt(missing * (1 - missing) / one.rows))
    return max(math.floor((1 - missing - room) * 100) / 100, 0.0)


def _ends(one: Facts) -> dict[str, float | int]:
    """Return the range of a column with room, in few digits; nothing for one that is endless or constant."""
    low, high = float(one.low), float(one.high)
    if not (math.isfinite(low) and math.isfinite(high) and low < high and math.isfinite(high - low)):
        return {}
    step = 10.0 ** math.floor(math.log10(high - low) - 1)
    room = ROOM * (high - low)
    least = math.floor((low - room) / step) * step
    if low >= 0:
        least = max(least, 0.0)  # what is never negative has a reason not to be
    most = math.ceil((high + room) / step) * step
    if one.share:
        most = min(most, 1.0)
    return {"min_value": _short(least), "max_value": _short(most)}


def _short(value: float) -> float | int:
    shown = float(f"{value:.10g}")
    return int(shown) if shown.is_integer() and abs(shown) < 2**24 else shown
