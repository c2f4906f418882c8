"""Expectations that the scan answers come out as Great Expectations itself finds them, on the same table.

Success, elements, unexpected and missing values are held equal, on tables with missing values, NaN, infinite
numbers, texts beyond ASCII, dates, truth values, and on empty ones.
"""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlgate.cells import Expectation, Expected, ExpectedResult
from mlgate.evidence.bundle import Access, Wanted, open_evidence, read_release
from mlgate.evidence.expectations.reading import read_suite
from mlgate.evidence.scan import scan

drawing = partial(
    settings, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)

TEXTS = (
    "",
    "a",
    "b",
    "ab",
    "B",
    "a\n",
    "7",
    "07",
    "٣",
    "é",
    "e\u0301",
    "\u00a0",
    "a b",
    "x\x0by",
    "日本",
    "🤦",
)
NUMBERS = (-1.5, -0.0, 0.0, 0.1, 1.0, 2.0, 2.5, 7.0, 1e16, -1e300)
WHOLES = (-3, 0, 1, 2, 7, 2**31, 2**53 - 1, 2**60)
DATES = tuple(dt.date(2024, month, 1) for month in range(1, 6))
MOMENTS = tuple(dt.datetime.fromisoformat(f"2024-0{month}-01T12:30:00") for month in range(1, 6))
PATTERNS = (
    "a", "^a$", r"\d", r"^\d+$", r"\w", r"^\w+$", r"\s", r"\S", "[^a]", "a|b", "^(?:a|b){1,2}$", "b?$", ".", "é",
    r"[\w ]+$", r"\W",
)  # fmt: skip


def optional(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw a value, or sometimes none."""
    return st.one_of(values, values, values, st.none())


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """Draw a small table with a column of each type."""
    rows = draw(st.sampled_from([0, 1, 2, 3, 5, 8, 13]))
    empty = draw(st.sampled_from([None, None, None, "whole", "number", "text", "day"]))

    def column(
        name: str, values: st.SearchStrategy[Any], kind: pa.DataType, *, full: bool = False
    ) -> pa.Array:
        if name == empty:
            return pa.array([None] * rows, kind)
        some = values if full else optional(values)
        return pa.array(draw(st.lists(some, min_size=rows, max_size=rows)), kind)

    floats = st.sampled_from([*NUMBERS, np.inf, -np.inf, np.nan])
    return pa.table(
        {
            "whole": column("whole", st.sampled_from(WHOLES[:-2]), pa.int64()),
            "large": column("large", st.sampled_from(WHOLES), pa.int64(), full=True),
            "number": column("number", floats, pa.float64()),
            "small": column("small", st.sampled_from(NUMBERS[:-2]), pa.float32()),
            "text": column("text", st.sampled_from(TEXTS), pa.string()),
            "truth": column("truth", st.booleans(), pa.bool_()),
            "day": column("day", st.sampled_from(DATES), pa.date32()),
            "moment": column("moment", st.sampled_from(MOMENTS), pa.timestamp("us")),
        }
    )


NUMERIC = st.sampled_from(["whole", "large", "number", "small"])
ANY = st.sampled_from(["whole", "large", "number", "small", "text", "truth", "day", "moment"])
BOUNDS = st.sampled_from([-3, -1.5, 0, 0.0, 0.1, 1, 2, 2.5, 7, 100, 0.5])
MOSTLY = st.sampled_from([1, 1.0, 0.9, 0.75, 0.5, 1 / 3, 0.1])


@st.composite
def ends(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> dict[str, Any]:
    """Draw `min_value` and `max_value`, at least one of them and in order, strict or not."""
    low, high = sorted(draw(st.tuples(values, values)))
    kept = draw(st.sampled_from([("min_value",), ("max_value",), ("min_value", "max_value")]))
    found: dict[str, Any] = {"min_value": low, "max_value": high}
    flags = {name: draw(st.booleans()) for name in ("strict_min", "strict_max")}
    return {name: found[name] for name in kept} | flags


@st.composite
def expectations(draw: st.DrawFn) -> dict[str, Any]:  # noqa: C901, PLR0912
    """Draw an expectation that is fused on a column of its type."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    kwargs: dict[str, Any] = {}
    if kind in ("values_to_be_null", "values_to_not_be_null", "values_to_be_unique"):
        kwargs = {"column": draw(ANY)}
    elif kind == "values_to_be_between":
        if draw(st.booleans()):
            kwargs = {"column": draw(NUMERIC), **draw(ends(BOUNDS))}
        else:
            days = st.sampled_from([one.isoformat() for one in DATES])
            kwargs = {"column": "day", **draw(ends(days))}
    elif kind in ("values_to_be_in_set", "values_to_not_be_in_set"):
        name = draw(st.sampled_from(["whole", "number", "small", "text", "truth"]))
        of = {"text": TEXTS, "truth": (True, False)}.get(name, (-1.5, 0, 0.1, 1, 2.0, 7, 100))
        kwargs = {"column": name, "value_set": draw(st.lists(st.sampled_from(of), min_size=1, max_size=4))}
    elif kind in ("values_to_match_regex", "values_to_not_match_regex"):
        kwargs = {"column": "text", "regex": draw(st.sampled_from(PATTERNS))}
    elif kind == "value_lengths_to_be_between":
        kwargs = {"column": "text", **draw(ends(st.integers(0, 3)))}
    elif kind == "value_lengths_to_equal":
        kwargs = {"column": "text", "value": draw(st.integers(0, 3))}
    elif kind == "values_to_be_in_type_list":
        kwargs = {"column": draw(NUMERIC), "type_list": ["int64", "float64"]}
    elif kind in ("min_to_be_between", "max_to_be_between"):
        kwargs = {"column": draw(NUMERIC), **draw(ends(BOUNDS))}
    elif kind == "unique_value_count_to_be_between":
        kwargs = {"column": draw(ANY), **draw(ends(st.integers(0, 5)))}
    elif kind == "proportion_of_unique_values_to_be_between":
        kwargs = {"column": draw(ANY), **draw(ends(st.sampled_from([0, 0.25, 1 / 3, 0.5, 2 / 3, 1])))}
    if kind.startswith("value") and draw(st.booleans()):
        kwargs["mostly"] = draw(MOSTLY)
    return {"type": f"expect_column_{kind}", "kwargs": kwargs}


KINDS = frozenset(
    {
        "values_to_be_null",
        "values_to_not_be_null",
        "values_to_be_unique",
        "values_to_be_between",
        "values_to_be_in_set",
        "values_to_not_be_in_set",
        "values_to_match_regex",
        "values_to_not_match_regex",
        "value_lengths_to_be_between",
        "value_lengths_to_equal",
        "min_to_be_between",
        "max_to_be_between",
        "unique_value_count_to_be_between",
        "values_to_be_in_type_list",
        "proportion_of_unique_values_to_be_between",
    }
)


@st.composite
def about_tables(draw: st.DrawFn) -> dict[str, Any]:
    """Draw an expectation about the table as a whole, or about several columns."""
    names = ["whole", "large", "number", "small", "text", "truth", "day", "moment"]
    some = draw(st.lists(st.sampled_from([*names, "none"]), min_size=1, max_size=9, unique=True))
    kind, kwargs = draw(
        st.sampled_from(
            [
                ("expect_table_row_count_to_equal", {"value": draw(st.sampled_from([0, 1, 3]))}),
                ("expect_table_row_count_to_be_between", draw(ends(st.sampled_from([0, 1, 3, 8])))),
                ("expect_table_column_count_to_equal", {"value": draw(st.sampled_from([7, 8]))}),
                ("expect_table_column_count_to_be_between", {"min_value": draw(st.sampled_from([8, 9]))}),
                (
                    "expect_table_columns_to_match_set",
                    {"column_set": some, "exact_match": draw(st.booleans())},
                ),
                ("expect_table_columns_to_match_set", {"column_set": names[::-1]}),
                ("expect_table_columns_to_match_ordered_list", {"column_list": names}),
                ("expect_table_columns_to_match_ordered_list", {"column_list": some}),
                ("expect_column_to_exist", {"column": some[0]}),
                (
                    "expect_column_to_exist",
                    {"column": "text", "column_index": draw(st.sampled_from([0, 4, 9]))},
                ),
                ("expect_compound_columns_to_be_unique", {"column_list": ["large", "truth"]}),
                (
                    "expect_compound_columns_to_be_unique",
                    {"column_list": ["text", "large", "day"], "mostly": 0.5},
                ),
            ]
        )
    )
    return {"type": kind, "kwargs": kwargs}


def both(
    rows: pa.Table, asked: list[dict[str, Any]]
) -> list[tuple[Expectation, ExpectedResult, ExpectedResult]]:
    """Return what the scan and what Great Expectations says of each expectation, on one parquet file."""
    suite = read_suite(json.dumps({"expectations": asked}).encode(), "drawn", "drawn.json")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pq.write_table(rows, folder / "rows.parquet")
        release = {
            "mlgate": 1, "name": "drawn", "version": "1", "task": "binary",
            "data": {"evaluation": {"path": "rows.parquet"}},
        }  # fmt: skip
        (folder / "release.yaml").write_text(json.dumps(release))
        (folder / "work").mkdir(mode=0o700)
        read, file = read_release(folder / "release.yaml")
        evidence = open_evidence(read, file, Wanted(tables=["evaluation"]), Access(workdir=folder / "work"))
        pairs = [(Expected(one), Expected(one, "gx")) for one in suite.expectations]
        answers = scan(evidence.tables["evaluation"], [one for pair in pairs for one in pair])
    found = []
    for ours, theirs in pairs:
        one, other = answers[ours], answers[theirs]
        assert isinstance(one, ExpectedResult)
        assert isinstance(other, ExpectedResult)
        found.append((ours.expectation, one, other))
    return found


def require_equal(rows: pa.Table, asked: list[dict[str, Any]]) -> None:
    """Assert that both say the same of everything, and that the scan said it."""
    for expectation, ours, theirs in both(rows, asked):
        told = f"{expectation.type} {expectation.kwargs} on {rows.to_pydict()}: {ours} {theirs}"
        assert theirs.by == "great_expectations", told
        if expectation.type == "expect_compound_columns_to_be_unique" and ours.success is None:
            continue
        assert ours.by == "mlgate", told
        assert ours.success == theirs.success, told
        assert ours.elements == theirs.elements, told
        assert ours.unexpected == theirs.unexpected, told
        assert ours.missing == theirs.missing, told


@given(rows=tables(), asked=st.lists(expectations(), min_size=8, max_size=20))
@drawing(max_examples=60)
def test_values_are_judged_as_great_expectations_does(rows: pa.Table, asked: list[dict[str, Any]]) -> None:
    """Each value of a column is met or unexpected for both."""
    require_equal(rows, asked)


@given(rows=tables(), asked=st.lists(about_tables(), min_size=4, max_size=12))
@drawing(max_examples=20)
def test_tables_are_judged_as_great_expectations_does(rows: pa.Table, asked: list[dict[str, Any]]) -> None:
    """Rows, columns and keys of several columns are judged alike."""
    require_equal(rows, asked)
