from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate.api import Job, judged
from mlgate.cells import (
    Answer,
    Answers,
    BinCounts,
    Cells,
    ColumnProfile,
    Columns,
    ColumnType,
    Counts,
    Histogram,
    Outside,
    OutsideCount,
    Profile,
    RepeatCounts,
    Repeats,
    Shape,
    Statistic,
    TableShape,
    ValueCounts,
    Values,
)
from mlgate.errors import EvidenceError, PolicyError
from mlgate.estimates import Estimate
from mlgate.measures import Measure, data, data_rows

TYPES: Mapping[str, ColumnType] = {
    "i": "integer",
    "f": "number",
    "O": "string",
    "b": "boolean",
    "M": "timestamp",
}


def columns_of(frame: pd.DataFrame, **roles: str) -> Columns:
    """Describe a frame as the reader of tables would."""
    types = {str(name): TYPES.get(frame[name].dtype.kind, "string") for name in frame.columns}
    return Columns(names=tuple(types), types=types, **roles)


def profile(column: pd.Series[Any], facts: Collection[str]) -> ColumnProfile:
    """Answer what is asked of one column."""
    held = column.dropna()
    ends: tuple[Any, Any] = (None, None)
    if "ends" in facts and len(held):
        ends = (held.min(), held.max())
        ends = tuple(float(one) if column.dtype.kind in "if" else text_of(one) for one in ends)
    distinct = len(set(held.map(text_of)))
    return ColumnProfile(
        rows=len(column),
        nulls=len(column) - len(held),
        minimum=ends[0],
        maximum=ends[1],
        varied=distinct > 1 if "varied" in facts else None,
        about=distinct if "about" in facts else None,
    )


def answer(frame: pd.DataFrame, statistic: Statistic) -> Answer:
    """Answer a statistic with pandas."""
    rows = len(frame)
    match statistic:
        case Shape():
            return TableShape(rows=rows, columns=tuple(columns_of(frame).types.items()))
        case Profile(name, facts):
            return profile(frame[name], facts)
        case Outside(name, low, high):
            held = frame[name].dropna()
            return OutsideCount(
                rows=rows,
                below=0 if low is None else int((held < low).sum()),
                above=0 if high is None else int((held > high).sum()),
                minimum=held.min() if len(held) else None,
                maximum=held.max() if len(held) else None,
            )
        case Values(name):
            counts = frame[name].dropna().map(text_of).value_counts()
            return ValueCounts(
                rows=rows,
                nulls=int(frame[name].isna().sum()),
                distinct=len(counts),
                counts=tuple((str(value), int(count)) for value, count in counts.items())[:10_000],
            )
        case Histogram(name, width, start):
            return histogram(frame[name], width, start)
        case Repeats(names):
            part = frame[list(names)]
            return RepeatCounts(
                rows=rows,
                distinct=rows - int(part.duplicated().sum()),
                repeated=int(part.duplicated(keep=False).sum()),
                nulls=int(part.isna().any(axis=1).sum()),
            )
        case _:
            raise AssertionError(statistic)


def histogram(column: pd.Series[Any], width: float | None, start: float) -> BinCounts:
    """Count a column by bins or by values."""
    held = column.dropna()
    nulls = len(column) - len(held)
    if width is None:
        counts = Counter(held.map(text_of))
        values = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        return BinCounts(rows=len(column), nulls=nulls, values=tuple(values))
    if column.dtype.kind == "M":
        held = (held - pd.Timestamp(0)) / pd.Timedelta(seconds=1)
    places = Counter(math.floor((float(one) - start) / width) for one in held)
    return BinCounts(rows=len(column), nulls=nulls, bins=tuple(sorted(places.items())))


def text_of(value: object) -> str:
    """Write a value as the scan does."""
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def ask(measure: Measure, frame: pd.DataFrame, *, key: str | None = None, **params: Any) -> Estimate:
    """Plan, answer with pandas, and measure."""
    given_params = {name: one.default for name, one in measure.params.items()} | params
    planned = measure.plan(given_params, columns_of(frame, **({"key": key} if key else {})))
    answers = {one: answer(frame, one) for one in planned}
    further = measure.further(Answers(answers), given_params)
    return measure.value(Answers(answers | {one: answer(frame, one) for one in further}), given_params)


def lines(estimate: Estimate) -> dict[str, tuple[float | None, str | None]]:
    """Return value and reason of each line of the table, by its name."""
    return {next(iter(one.group.values())): (one.value, one.reason) for one in estimate.groups}


PEOPLE = pd.DataFrame(
    {
        "id": [1, 2, 3, 4],
        "age": [30.0, np.nan, 200.0, -1.0],
        "city": ["Rome", "rome", None, "Oslo"],
        "flag": [True, False, True, True],
    }
)


def test_schema_counts_each_deviation() -> None:
    """Missing, mistyped, extra and misplaced columns count one each and say what is wrong."""
    declared = {"age": "number", "id": "string", "city": "string", "income": "number"}
    found = ask(data.Schema, PEOPLE, columns=declared, order=True, extra="forbid")
    assert found.value == 5
    assert [(one.group["column"], one.reason) for one in found.groups] == [
        ("id", "is of type integer, declared as string"),
        ("income", "is missing"),
        ("id", "stands where 'age' is declared"),
        ("age", "stands where 'id' is declared"),
        ("flag", "is not declared"),
    ]


def test_an_integer_is_a_number_and_a_number_no_integer() -> None:
    """Whole numbers may stand where numbers are declared, and not the other way round."""
    assert ask(data.Schema, PEOPLE, columns={"id": "number"}).value == 0
    assert ask(data.Schema, PEOPLE, columns={"age": "integer"}).value == 1


def test_row_count() -> None:
    """The rows of the table."""
    found = ask(data_rows.RowCount, PEOPLE)
    assert (found.value, found.n) == (4, 4)


def test_missing_is_the_largest_share_with_a_line_for_each_column() -> None:
    """One of four values is missing in two columns."""
    found = ask(data.Missing, PEOPLE)
    assert found.value == 0.25
    assert {name: value for name, (value, _) in lines(found).items()} == {
        "id": 0,
        "age": 0.25,
        "city": 0.25,
        "flag": 0,
    }
    assert ask(data.Missing, PEOPLE, columns=["id", "flag"]).value == 0
    assert set(lines(ask(data.Missing, PEOPLE, ignore=["age", "city"]))) == {"id", "flag"}


def test_range_counts_values_outside_and_leaves_missing_ones_out() -> None:
    """-1 and 200 are no ages; an end that is null has no limit."""
    found = ask(data.Range, PEOPLE, columns={"age": [0, 120], "id": [1, 4]})
    assert found.value == 2
    assert lines(found) == {"age": (0.5, "1 below, 1 above"), "id": (0.0, None)}
    assert ask(data.Range, PEOPLE, columns={"age": [None, 120]}).value == 1


def test_range_of_a_column_without_values_is_not_measured() -> None:
    """Nothing outside, because there is nothing: that is no pass."""
    empty = PEOPLE.assign(age=np.nan)
    found = ask(data.Range, empty, columns={"id": [1, 4], "age": [0, 120]})
    assert (found.value, found.reason) == (None, "column 'age' has no values")


@pytest.mark.parametrize(
    ("name", "ends", "error", "says"),
    [
        ("age", [120, 0], PolicyError, "above the upper end"),
        ("age", [None, None], PolicyError, "neither end is given"),
        ("age", ["0", 1], PolicyError, "write numbers"),
        ("age", [float("nan"), 1], PolicyError, "write numbers"),
        ("city", [0, 1], EvidenceError, "is of type string, which has no range"),
        ("ages", [0, 1], EvidenceError, "did you mean 'age'?"),
        ("seen", ["yesterday", None], PolicyError, "ISO 8601"),
        ("seen", ["2026-02-01", "2026-01-01"], PolicyError, "above the upper end"),
        ("seen", ["2026-01-01", "2026-02-01T00:00:00+00:00"], PolicyError, "ISO 8601"),
        ("seen", [20260101, None], PolicyError, "ISO 8601"),
    ],
)
def test_ends_that_make_no_sense_are_refused(
    name: str, ends: Sequence[object], error: type[Exception], says: str
) -> None:
    """What no value could keep to is an error before anything is counted."""
    frame = PEOPLE.assign(seen=pd.Timestamp("2026-01-15"))
    with pytest.raises(error, match=says.replace("?", r"\?")):
        ask(data.Range, frame, columns={name: ends})


def test_allowed_values_counts_rows_and_never_names_values() -> None:
    """A new spelling is counted; what it is stays in the data."""
    found = ask(data.AllowedValues, PEOPLE, columns={"city": ["Rome", "Oslo"], "flag": [True, False]})
    assert found.value == 1
    assert lines(found) == {"city": (1 / 3, "values that are not allowed: 1"), "flag": (0.0, None)}
    assert "rome" not in str(found)


def test_allowed_numbers_match_however_they_are_written() -> None:
    """1, 1.0 and "1" are one value."""
    for allowed in ([1, 2, 3, 4], [1.0, 2.0, 3.0, 4.0], ["1", "2", "3", "4"]):
        assert ask(data.AllowedValues, PEOPLE, columns={"id": allowed}).value == 0


def test_allowed_values_of_too_many_values_are_not_measured() -> None:
    """Past ten thousand distinct values the answer lists not all: nothing is concluded from the rest."""
    frame = pd.DataFrame({"id": range(10_001)})
    found = ask(data.AllowedValues, frame, columns={"id": [1]})
    assert found.value is None
    assert found.reason == "column 'id': 10001 distinct values, too many to compare"


def test_unique_key_counts_repeats_and_missing_keys() -> None:
    """Of keys 1, 1, 3 and none, one repeats and one is missing."""
    frame = pd.DataFrame({"id": [1, 1, 3, None], "day": [1, 2, 1, 1]})
    assert ask(data_rows.UniqueKey, frame, key="id").value == 2
    assert ask(data_rows.UniqueKey, frame, columns=["id", "day"]).value == 1
    assert ask(data_rows.UniqueKey, frame, columns=["day"]).value == 2


def test_unique_key_without_a_key_is_not_measured() -> None:
    """Neither release nor check says what the key is."""
    found = ask(data_rows.UniqueKey, PEOPLE)
    assert (found.value, found.reason) == (
        None,
        "the table has no key column, and the check names no columns",
    )


def test_the_key_does_not_hide_duplicate_rows() -> None:
    """With a key in it every row is its own; without it, two are alike."""
    frame = pd.DataFrame({"id": [1, 2, 3, 4], "a": [1, 1, 2, 3], "b": ["x", "x", None, None]})
    assert ask(data_rows.DuplicateRows, frame).value == 0
    assert ask(data_rows.DuplicateRows, frame, key="id").value == 0.25
    assert ask(data_rows.DuplicateRows, frame, ignore=["id", "a"]).value == 0.5
    assert ask(data_rows.DuplicateRows, frame, columns=["id"]).value == 0


def test_constant_columns_count_missing_as_a_value() -> None:
    """All alike, and all missing, are constant; a value and a hole are two."""
    frame = pd.DataFrame({"a": [1, 1], "b": [np.nan, np.nan], "c": [1, np.nan], "d": [1, 2]})
    found = ask(data.ConstantColumns, frame)
    assert found.value == 2
    assert lines(found) == {
        "a": (1.0, "every row has the same value"),
        "b": (1.0, "every value is missing"),
    }
    one_row = ask(data.ConstantColumns, frame.iloc[:1])
    assert (one_row.value, one_row.reason) == (None, "a single row is constant in every column")


EVERY = [
    (data.Schema, {"columns": {"id": "integer"}}),
    (data_rows.RowCount, {}),
    (data.Missing, {}),
    (data.Range, {"columns": {"age": [0, 120]}}),
    (data.AllowedValues, {"columns": {"city": ["Rome"]}}),
    (data_rows.UniqueKey, {"columns": ["id"]}),
    (data_rows.DuplicateRows, {}),
    (data.ConstantColumns, {}),
]


@pytest.mark.parametrize(("measure", "params"), EVERY, ids=lambda one: getattr(one, "id", ""))
def test_a_table_without_rows_is_not_measured(measure: Measure, params: Mapping[str, Any]) -> None:
    """An empty table has no missing values, no duplicates and no deviations, and passes nothing."""
    found = ask(measure, PEOPLE.iloc[:0], **params)
    assert (found.value, found.reason) == (None, "the table has no rows")


@pytest.mark.parametrize("measure", [data.Schema, data.Range, data.AllowedValues], ids=lambda one: one.id)
@pytest.mark.parametrize("given_columns", [None, {}])
def test_checks_of_declared_columns_need_a_declaration(measure: Measure, given_columns: object) -> None:
    """Nothing declared would always hold: it is refused."""
    with pytest.raises(PolicyError, match="no columns are given; say what holds for them"):
        ask(measure, PEOPLE, columns=given_columns)


@pytest.mark.parametrize(
    ("measure", "params"),
    [
        (data.Missing, {"columns": ["ages", "nothing"]}),
        (data.Missing, {"ignore": ["ages", "nothing"]}),
        (data.AllowedValues, {"columns": {"ages": [1], "nothing": [1]}}),
        (data_rows.UniqueKey, {"columns": ["ages", "nothing"]}),
        (data_rows.DuplicateRows, {"ignore": ["ages", "nothing"]}),
    ],
)
def test_columns_that_are_not_there_are_all_named(measure: Measure, params: Mapping[str, Any]) -> None:
    """A misspelt column is an error that says what was probably meant, for each of them at once."""
    with pytest.raises(EvidenceError) as raised:
        ask(measure, PEOPLE, **params)
    first, second = raised.value.problems
    assert (first.where, first.todo) == ("column 'ages'", "did you mean 'age'?")
    assert second.todo == "it has 'id', 'age', 'city', 'flag'"


@pytest.mark.parametrize("measure", [data.Missing, data.ConstantColumns, data_rows.DuplicateRows])
def test_no_column_left_is_refused(measure: Measure) -> None:
    """A check that looks at nothing would always pass."""
    with pytest.raises(PolicyError, match="no column is left to look at"):
        ask(measure, PEOPLE, columns=[])
    with pytest.raises(PolicyError, match="no column is left to look at"):
        ask(measure, PEOPLE, columns=["age"], ignore=["age"])


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from([0.0, 0.5, np.nan]), st.sampled_from(["x", "y", None])),
        min_size=2,
        max_size=20,
    )
)
def test_facts_are_those_of_pandas(rows: list[tuple[int, float, str | None]]) -> None:
    """Shares and counts equal the expressions of pandas that the measures name as their source."""
    frame = pd.DataFrame(rows, columns=["a", "b", "c"])
    assert ask(data.Missing, frame).value == frame.isna().mean().max()
    assert ask(data_rows.DuplicateRows, frame).value == pytest.approx(frame.duplicated().mean(), rel=1e-12)
    assert ask(data.ConstantColumns, frame).value == sum(
        len(set(frame[name].map(str))) == 1 for name in frame
    )
    for name, allowed in (("a", [0, 1]), ("c", ["x"])):
        if frame[name].notna().any():
            outside = frame[name].notna() & ~frame[name].isin(allowed)
            assert ask(data.AllowedValues, frame, columns={name: allowed}).value == outside.sum()


def balance(labels: Sequence[float], fault: str | None = None) -> Estimate:
    """Measure the balance of a label given as one cell a row."""
    ones = np.ones(len(labels), dtype=np.int64)
    cells = Cells(
        roles={"label": np.array(labels, dtype=float)},
        groups={},
        n=ones,
        w=ones * 5.0,
        w2=ones * 25.0,
        weighted=True,
        fault=fault,
    )
    (planned,) = data_rows.class_balance.plan({}, Columns(names=(), types={}))
    assert planned == Counts(roles=("label",))
    return data_rows.class_balance.value(Answers({planned: cells}), {})


def test_class_balance_is_the_share_of_rows_in_the_rarer_class() -> None:
    """Rows count, not weights; a class that is absent has the share 0, and no rows have none."""
    assert balance([1, 0, 0, 0]).value == 0.25
    assert balance([1, 1, 1, 0]).value == 0.25
    assert balance([0, 0]).value == 0
    assert balance([]).reason == "the table has no rows"
    assert balance([1, 0], fault="1 of 3 labels is missing").reason == "1 of 3 labels is missing"


@pytest.mark.parametrize("name", ["adult", "compas_two_years", "german_credit"])
def test_data_quality_of_the_shared_cases(shared_data: Path, tmp_path: Path, name: str) -> None:
    """The gate finds the independently computed facts of three real tables."""
    case = yaml.safe_load((shared_data / name / "case.yaml").read_text())
    due = case["expected"]["data_quality"]["test"]
    made = [
        column for model in case["prediction_columns"].values() for column in (model["pred"], model["score"])
    ]
    release = {
        "mlgate": 1,
        "name": name,
        "version": "1",
        "task": "binary",
        "data": {"evaluation": {"path": str(shared_data / name / "test.csv")}},
        "columns": {"label": case["label"], "positive": case["positive_label"]},
    }
    checks = [
        {"check": "data/row-count", "at_least": 100},
        {"check": "data/missing", "at_most": 1, "params": {"ignore": [*made]}},
        {"check": "data/duplicate-rows", "at_most": 1, "params": {"ignore": [*made]}},
        {"check": "data/constant-columns", "params": {"ignore": [*made]}},
        {"check": "data/class-balance", "at_least": 0},
    ]
    (tmp_path / "release.yaml").write_text(yaml.safe_dump(release))
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump({"mlgate": 1, "policy": "p", "checks": checks}))
    policies = [tmp_path / "policy.yaml"]
    report = judged(Job(release=tmp_path / "release.yaml", policies=policies, allow=[shared_data]))
    assert report.errors == ()
    found = {finding.check: finding for finding in report.findings}
    assert found["data/row-count"].value == due["rows"]
    assert found["data/missing"].value == pytest.approx(due["null_fraction_max"], abs=1e-12)
    nulls = {one.group["column"]: one.numerator for one in found["data/missing"].groups if one.numerator}
    assert nulls == due["null_count"]
    assert found["data/duplicate-rows"].value == pytest.approx(due["duplicate_fraction"], abs=1e-12)
    assert found["data/constant-columns"].value == len(due["constant_columns"])
    assert found["data/class-balance"].value == pytest.approx(min(due["class_fraction"].values()), abs=1e-12)
