"""Groups: values read the same whatever their type, bins lose no row, any column name will do."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from mlgate.cells import Bins, Cells, Counts, Profile, Repeats, Values
from mlgate.errors import EvidenceError
from mlgate.evidence.scan import plan, scan

if TYPE_CHECKING:
    from mlgate.evidence.tables import Table

TableOf = Callable[..., "Table"]


def cells_of(table: Table, statistic: Counts) -> Cells:
    """Return the cells that answer one statistic."""
    answer = scan(table, [statistic])[statistic]
    assert isinstance(answer, Cells)
    return answer


def test_bins_are_named_by_their_edges(table_of: TableOf) -> None:
    """Values at an edge belong to the bin above it; missing values to none."""
    table = table_of({"age": [17.9, 18, 29, 30, 50, 80, None, math.nan]})
    ages = Bins("age", (18, 30, 50))
    cells = cells_of(table, Counts((), (ages,)))
    names = ["18 to < 30", "30 to < 50", "< 18", ">= 50", None]
    assert cells.groups[ages].tolist() == names
    assert cells.n.tolist() == [2, 1, 1, 2, 2]


@pytest.mark.parametrize("edges", [(), (30, 18), (18, 18), (math.nan,), (18, math.inf)])
def test_bins_need_increasing_finite_edges(table_of: TableOf, edges: tuple[float, ...]) -> None:
    """Edges that would lose rows are refused."""
    with pytest.raises(EvidenceError, match="bin edges"):
        scan(table_of({"age": [1.0]}), [Counts((), (Bins("age", edges),))])


def test_only_numbers_are_cut_into_bins(table_of: TableOf) -> None:
    """Bins of a text column are refused, with the column."""
    with pytest.raises(EvidenceError, match=r"test\.csv: column 'g': is of type string"):
        scan(table_of({"g": ["a"]}), [Counts((), (Bins("g", (1,)),))])


def test_group_values_read_the_same_whatever_their_type(table_of: TableOf) -> None:
    """Integers, floats, decimals and texts of one value give one group name."""
    import decimal

    columns = {
        "int": pa.array([1, 2]),
        "float": pa.array([1.0, 2.0]),
        "small": pa.array([1.0, 2.0], pa.float32()),
        "decimal": pa.array([decimal.Decimal("1.00"), decimal.Decimal("2.00")]),
        "text": pa.array(["1", "2"]),
        "enum": pa.array(["1", "2"]).dictionary_encode(),
    }
    table = table_of(columns)
    for name in columns:
        assert cells_of(table, Counts((), (name,))).groups[name].tolist() == ["1", "2"]


def test_group_values_of_other_types_have_text(table_of: TableOf) -> None:
    """Times, floats that no binary number equals, bytes and lists are spelt as one would write them."""
    sql = """SELECT TIMESTAMP '2026-01-02 03:04:05.500' AS t, TIMESTAMPTZ '2026-01-02 03:04:05+02' AS z,
             TIME '10:00:00' AS c, 0.1::FLOAT AS f, '\\xFF'::BLOB AS b, [1, 2] AS l, 2.50::DECIMAL(9, 2) AS d,
             '6ba7b810-9dad-11d1-80b4-00c04fd430c8'::UUID AS u"""
    table = table_of(sql)
    names = {"t": "2026-01-02T03:04:05.5", "z": "2026-01-02T01:04:05+00:00", "c": "10:00:00", "f": "0.1"}
    names |= {"b": "ff", "l": "[1, 2]", "d": "2.5", "u": "6ba7b810-9dad-11d1-80b4-00c04fd430c8"}
    for name, text in names.items():
        assert cells_of(table, Counts((), (name,))).groups[name].tolist() == [text]


ODD = [
    'a"b',
    "a'b",
    "a;b",
    "select",
    "n",
    "w",
    "label",
    "g0",
    "Größe",
    "\u202e",
    "a b",
    "{x}",
    "%s",
    "by",
    "self",
]


@pytest.mark.parametrize("name", ODD)
def test_any_column_name_works(table_of: TableOf, name: str) -> None:
    """Quotes, keywords and the names that the queries themselves use are only names."""
    table = table_of({name: ["x", "x", None], "y": [1, 0, 1], "p": [0.5, 0.1, 0.5]}, label="y", score="p")
    asked = [
        Counts(("label", "score"), (name,)),
        Counts(("label",), (name,)),
        Profile(name),
        Repeats((name,)),
    ]
    answers = scan(table, [*asked, Values(name)])
    cells = answers[asked[1]]
    assert isinstance(cells, Cells)
    assert cells.groups[name].tolist() == ["x", "x", None]
    assert len(plan(table, asked)) == 5
