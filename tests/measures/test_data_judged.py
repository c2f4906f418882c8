"""Facts about data, judged by the whole gate: real tables, oracles, and what is thrown at it."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats.contingency import association

from mlgate.api import Job, judged, queries
from mlgate.findings import Finding, Report
from tests.conftest import few

DRAWN = settings(
    max_examples=few(15),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def judge(
    folder: Path,
    frame: pd.DataFrame,
    checks: Sequence[Any],
    *,
    parquet: bool = True,
    as_of: datetime | None = None,
    columns: Mapping[str, Any] | None = None,
    read: Mapping[str, Any] | None = None,
) -> Report:
    """Judge a frame as a file of one of the two formats."""
    if parquet:
        frame.to_parquet(folder / "t.parquet", index=False)
    else:
        frame.to_csv(folder / "t.csv", index=False)
    path = "t.parquet" if parquet else "t.csv"
    data = {"evaluation": {"path": path, **(read or {})}}
    stated = {"mlgate": 1, "name": "case", "version": "1", "task": "binary", "data": data}
    (folder / "release.yaml").write_text(json.dumps(stated | {"columns": columns or {}}))
    policy = {"mlgate": 1, "policy": "p", "checks": list(checks)}
    (folder / "policy.yaml").write_text(json.dumps(policy, indent=1))
    return judged(job(folder, as_of))


def job(folder: Path, as_of: datetime | None = None) -> Job:
    """Return the job that `judge` wrote the files of."""
    return Job(release=folder / "release.yaml", policies=[folder / "policy.yaml"], as_of=as_of)


def only(report: Report) -> Finding:
    """Return the one finding of a report that judged something."""
    assert report.errors == ()
    (found,) = report.findings
    return found


@pytest.mark.parametrize(
    "name", ["adult", "compas_two_years", "german_credit", "penguins", "bike_sharing", "wage_islr"]
)
@pytest.mark.parametrize("part", ["train", "test"])
def test_data_quality_of_all_shared_cases(shared_data: Path, tmp_path: Path, name: str, part: str) -> None:
    """Rows, missing values, repeated rows and constant columns of six real tables, counted exactly."""
    case = yaml.safe_load((shared_data / name / "case.yaml").read_text())
    due = case["expected"]["data_quality"][part]
    table = shared_data / name / f"{part}.csv"
    made = {
        column
        for model in case["prediction_columns"].values()
        for one in model.values()
        for column in (one.values() if isinstance(one, dict) else one if isinstance(one, list) else [one])
    }
    ignore = sorted(made & set(pd.read_csv(table, nrows=1).columns))
    release = {
        "mlgate": 1,
        "name": name,
        "version": "1",
        "task": case["task"],
        "data": {"evaluation": {"path": str(table)}},
    }
    raw = {"params": {"ignore": ignore}}
    checks = [
        {"check": "data/row-count", "at_least": 1},
        {"check": "data/missing", "at_most": 1, **raw},
        {"check": "data/duplicate-rows", "at_most": 1, **raw},
        {"check": "data/constant-columns", **raw},
    ]
    (tmp_path / "release.yaml").write_text(yaml.safe_dump(release))
    (tmp_path / "policy.yaml").write_text(json.dumps({"mlgate": 1, "policy": "p", "checks": checks}))
    report = judged(
        Job(release=tmp_path / "release.yaml", policies=[tmp_path / "policy.yaml"], allow=[shared_data])
    )
    assert report.errors == ()
    found = {finding.check: finding for finding in report.findings}
    missing = {one.group["column"]: one.numerator for one in found["data/missing"].groups}
    constant = [one.group["column"] for one in found["data/constant-columns"].groups]
    assert found["data/row-count"].value == due["rows"]
    assert len(missing) == due["columns"]
    assert {column: nulls for column, nulls in missing.items() if nulls} == due["null_count"]
    assert found["data/missing"].value == pytest.approx(due["null_fraction_max"], abs=1e-12)
    assert found["data/duplicate-rows"].value == pytest.approx(due["duplicate_fraction"], abs=1e-12)
    assert sorted(constant) == sorted(due["constant_columns"])
    drawn: dict[str, Mapping[str, Any]] = {one.title: one.data for one in found["data/missing"].charts}
    assert all(sum(data["rows"]) + data["missing"][0] == due["rows"] for data in drawn.values())
    assert all(len(points) <= 200 for data in drawn.values() for points in data.values())


REALS = st.none() | st.sampled_from([0.0, 1.0, 2.5, -3.0, 1e6]) | st.floats(-100, 100, width=16)
TEXTS = st.none() | st.sampled_from(["a", "b", "x1", "12", "2026-01-31", "true", "naïve"])


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Draw a table with a label, numbers, texts and groups, some of them missing."""
    rows = draw(st.integers(1, 30))

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(values, min_size=rows, max_size=rows))

    return pd.DataFrame(
        {
            "y": column(st.integers(0, 1)),
            "first num": np.array(column(REALS), dtype=float),
            'a "quoted" one': np.array(column(REALS), dtype=float),
            "text": pd.Series(column(TEXTS), dtype=object),
            "sex": pd.Series(column(st.none() | st.sampled_from(["f", "m"])), dtype=object),
        }
    )


def expected(frame: pd.DataFrame) -> dict[str, float | None]:
    """Return what pandas, numpy and scipy say of the rows; None where nothing can be said."""
    numbers = frame[["first num", 'a "quoted" one']]
    features = frame[[*numbers, "text", "sex"]]
    spelt = features.map(lambda one: repr(None if one != one else one)).agg("|".join, axis=1)  # noqa: PLR0124
    text = frame["text"].dropna()
    sorts = text.map({"12": "number", "2026-01-31": "date", "true": "truth"}).fillna("text").value_counts()
    words = frame["sex"].notna().any()
    mixed = 1 - sorts.max() / sorts.sum() if len(sorts) else 0.0 if words else None
    far: float | None = 0.0
    for one in (numbers[name] for name in numbers):
        there = one.dropna()
        if far is None or there.empty:
            far = None
            continue
        low, high = np.quantile(there, [0.25, 0.75])
        outside = (there < low - 1.5 * (high - low)) | (there > high + 1.5 * (high - low))
        far = max(far, float(outside.mean()))
    both = numbers.dropna()
    varies = numbers.nunique().min() > 1
    correlation = both.iloc[:, 0].corr(both.iloc[:, 1]) if varies and (both.std(ddof=0) > 0).all() else None
    groups = frame["sex"].value_counts()
    crossed = pd.crosstab(frame["text"], frame["sex"]).to_numpy()
    return {
        "data/conflicting-labels": float((frame["y"].groupby(spelt).transform("nunique") > 1).mean()),
        "data/mixed-types": mixed,
        "data/outliers": far,
        "data/feature-correlation": None if correlation is None else abs(correlation),
        "cramer": association(crossed, method="cramer") if min(crossed.shape) > 1 else None,
        "data/representation": groups.min() / len(frame) if len(groups) > 1 else None,
        "data/group-size": float(groups.min()) if len(groups) > 1 else None,
        "data/pattern": float((~text.str.fullmatch("[a-z]+[0-9]?")).sum()) if len(text) else None,
    }


ALL = [
    {"check": "data/conflicting-labels", "at_most": 0.5},
    {"check": "data/mixed-types", "params": {"columns": ["text", "sex"]}},
    {"check": "data/outliers", "at_most": 0.5, "params": {"k": 1.5}},
    {"check": "data/feature-correlation", "at_most": 0.5},
    {
        "check": "data/feature-correlation",
        "id": "cramer",
        "at_most": 0.5,
        "params": {"statistic": "cramers-v"},
    },
    {"check": "data/representation", "at_least": 0.5},
    {"check": "data/group-size", "at_least": 5},
    {"check": "data/pattern", "params": {"columns": {"text": "[a-z]+[0-9]?"}}},
    {"check": "data/missing", "at_most": 0.5},
]
ROLES = {"label": "y", "protected": ["sex"], "features": ["first num", 'a "quoted" one', "text", "sex"]}


@DRAWN
@given(frame=frames())
def test_facts_equal_the_libraries(tmp_path: Path, frame: pd.DataFrame) -> None:
    """Each fact is what pandas, numpy or scipy computes on the rows."""
    numbers = ["first num", 'a "quoted" one']
    frame[numbers] = frame[numbers].astype(float) + 0.0  # to a person and to the engine -0.0 is 0.0
    report = judge(tmp_path, typed(frame), ALL, columns=ROLES)
    assert report.errors == ()
    found = {finding.id: finding for finding in report.findings}
    found["data/representation"] = found.pop("data/representation[sex]")
    found["data/group-size"] = found.pop("data/group-size[sex]")
    for check, value in expected(frame).items():
        one = found[check]
        assert "failed" not in (one.reason or ""), one
        if check == "data/feature-correlation" and value is not None and not math.isnan(value):
            finest = _finest(frame)
            if one.value is None:
                assert finest < 1e-9
            else:
                # Values are read to some 1e-11 of a column's largest, whatever rows they are on.
                slack = max(1e-7 if value < 1e-4 else 1e-9, 1e-10 / finest)
                assert one.value == pytest.approx(value, abs=slack)
        elif value is None or math.isnan(value):
            assert (one.value, one.outcome.value) == (None, "not_measured"), (check, one)
        else:
            assert one.value == pytest.approx(value, rel=1e-9, abs=1e-9), (check, one)


def _finest(frame: pd.DataFrame) -> float:
    """Return the least spread of a column, on the rows that have both numbers, as a share of its largest value."""
    numbers = frame[["first num", 'a "quoted" one']].astype(float)
    return float((numbers.dropna().std() / numbers.abs().max()).min())


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep columns of texts texts, also where every one is missing."""
    return frame.astype({"text": "string", "sex": "string"})


@DRAWN
@given(frame=frames(), seed=st.integers(0, 9))
def test_format_and_order_do_not_show(tmp_path: Path, frame: pd.DataFrame, seed: int) -> None:
    """The same rows as CSV or as parquet, in any order, have the same facts and the same pictures."""
    read = {"types": {"text": "string", "sex": "string", "first num": "number"}}
    reports = [
        judge(tmp_path, typed(frame), ALL, columns=ROLES),
        judge(tmp_path, typed(frame.sample(frac=1, random_state=seed)), ALL, columns=ROLES),
        judge(tmp_path, typed(frame), ALL, columns=ROLES, parquet=False, read=read),
    ]
    told = [
        [(one.id, one.value, one.outcome, one.reason, one.charts, one.n) for one in report.findings]
        for report in reports
    ]
    assert told[0] == told[1] == told[2]


def test_freshness_is_counted_from_the_moment_of_the_run(tmp_path: Path) -> None:
    """--as-of is the only clock; a day ahead may be forgiven, and then the newest row is today's."""
    seen = pd.to_datetime(["2026-01-01 12:00:00.0", "2026-01-03 06:00:00.5", None])
    frame = pd.DataFrame({"y": [0, 1, 1], "seen": seen})
    use = {"check": "data/freshness", "at_most": 2}
    columns = {"label": "y", "time": "seen"}
    when = datetime(2026, 1, 4, 12, tzinfo=UTC)
    found = only(judge(tmp_path, frame, [use], as_of=when, columns=columns))
    assert found.value == pytest.approx(1.25 - 0.5 / 86_400, abs=1e-9)
    assert (found.outcome.value, found.n, found.unit) == ("pass", 2, "days")
    early = datetime(2026, 1, 2, tzinfo=UTC)
    found = only(judge(tmp_path, frame, [use], as_of=early, columns=columns))
    assert found.outcome.value == "not_measured"
    assert found.reason == "1 of 3 rows are from after the run, 2026-01-02T00:00:00Z"
    ahead = {**use, "params": {"ahead": 1.5}}
    assert only(judge(tmp_path, frame, [ahead], as_of=early, columns=columns)).value == 0


def test_a_time_column_of_texts_is_refused(tmp_path: Path) -> None:
    """A column that was read as text has no newest value: the release has to say that it holds times."""
    frame = pd.DataFrame({"y": [0, 1], "seen": ["2026-01-01", "2026-01-02"]})
    use = {"check": "data/freshness", "at_most": 2}
    report = judge(tmp_path, frame, [use], columns={"label": "y", "time": "seen"})
    assert report.verdict is None
    assert "types: {seen: timestamp}" in report.errors[0].todo


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("(", "missing )"),
        ("[a", "missing ]"),
        ("(?=a)", "invalid perl operator"),
        (r"(a)\1", "invalid escape sequence"),
        ("(a{1000}){1000}", "invalid repetition size"),
        ("a)(b", "unexpected )"),
        ("x" * 1001, "more than 1000"),
    ],
)
def test_patterns_that_are_none_are_refused_with_their_line(tmp_path: Path, pattern: str, says: str) -> None:
    """A pattern that is wrong, or could grow without end, is an error of the policy before anything runs."""
    frame = pd.DataFrame({"t": ["a"]})
    report = judge(tmp_path, frame, [{"check": "data/pattern", "params": {"columns": {"t": pattern}}}])
    assert report.verdict is None
    assert "policy.yaml:" in report.errors[0].where
    assert says in report.errors[0].what


def test_a_pattern_on_a_column_of_numbers_is_refused(tmp_path: Path) -> None:
    """Digits that were read as numbers have lost what a pattern would look for."""
    use = {"check": "data/pattern", "params": {"columns": {"zip": "[0-9]{5}"}}}
    report = judge(tmp_path, pd.DataFrame({"zip": [10115, 2009]}), [use])
    assert report.verdict is None
    assert "types: {zip: string}" in report.errors[0].todo


def profile(folder: Path, frame: pd.DataFrame, **facts: Any) -> dict[str, Mapping[str, Sequence[Any]]]:
    """Return the pictures of a table, by column."""
    found = only(judge(folder, frame, [{"check": "data/missing", "at_most": 1, **facts}]))
    assert {chart.kind for chart in found.charts} <= {"histogram"}
    return {chart.title: chart.data for chart in found.charts}


def test_the_profile_draws_each_column(tmp_path: Path) -> None:
    """Numbers and dates in bins, texts and truth values by value, each with what is missing."""
    rows = 48
    frame = pd.DataFrame(
        {
            "age": np.arange(rows) + 18,
            "score": np.arange(rows) / rows,
            "day": pd.date_range("2026-01-01", periods=rows).date,
            "job": ["clerk"] * 30 + ["other"] * 10 + ["nurse"] * 5 + ["spy", "king", None],
            "member": [True, False, None] * 16,
            "empty": pd.Series([None] * rows, dtype="float64"),
            "flat": 7.5,
        }
    )
    drawn = profile(tmp_path, frame)
    assert set(drawn) == {"age", "score", "day", "job", "member", "flat"}
    assert drawn["age"]["low"][:2] == (18, 22)
    assert drawn["age"]["high"][-1] == 66
    assert drawn["age"]["rows"] == (4,) * 12
    assert drawn["score"]["low"][:2] == (0, 0.0625)
    assert drawn["score"]["rows"] == (3,) * 16
    assert (drawn["day"]["low"][0], drawn["day"]["high"][-1]) == ("2026-01-01", "2026-02-18")
    assert dict(zip(drawn["job"]["value"], drawn["job"]["rows"], strict=True)) == {
        "clerk": 30,
        "'other'": 10,
        "nurse": 5,
        "other": 2,
    }
    assert drawn["job"]["missing"] == (1,)
    assert dict(zip(drawn["member"]["value"], drawn["member"]["rows"], strict=True)) == {
        "false": 16,
        "true": 16,
    }
    assert drawn["member"]["missing"] == (16,)
    assert drawn["flat"]["rows"] == (48,)
    assert drawn["flat"]["low"][0] <= 7.5 < drawn["flat"]["high"][0]


def test_the_profile_names_nobody(tmp_path: Path) -> None:
    """Texts that few rows have, and columns of names, are not written into the report."""
    frame = pd.DataFrame(
        {
            "name": [f"person {i}" for i in range(3000)],
            "town": ["Oslo"] * 2996 + ["secret"] * 4,
            "y": [0, 1] * 1500,
        }
    )
    drawn = profile(tmp_path, frame)
    assert set(drawn) == {"town", "y"}
    assert drawn["town"]["value"] == ("Oslo", "other")
    assert profile(tmp_path, frame, params={"profile": False}) == {}


def test_a_wide_table_is_profiled_in_part(tmp_path: Path) -> None:
    """Four hundred columns are all looked at, and sixty are drawn."""
    frame = pd.DataFrame({f"c{i}": [i, None, 2] for i in range(400)}).astype(float)
    checks = [{"check": "data/missing", "at_most": 0.4}, {"check": "data/constant-columns"}]
    report = judge(tmp_path, frame, [*checks, {"check": "data/duplicate-rows"}])
    assert report.errors == ()
    missing, constant, duplicate = report.findings
    assert missing.value == pytest.approx(1 / 3)
    assert (len(missing.groups), len(missing.charts)) == (400, 60)
    assert (constant.value, duplicate.value) == (0, 0)


@pytest.mark.parametrize(
    "values",
    [
        [math.inf, -math.inf, 1.0],
        [1.7e308, -1.7e308, 0.0],
        [5e-324, 0.0, 1e-320],
        [1e300, math.nextafter(1e300, math.inf), 1e300],
        [-0.0, 0.0, 0.0],
        [math.nan, None, 1.0],
        [2.0**53, 2.0**53 + 2, -1.0],
    ],
)
def test_extreme_numbers_are_no_trouble(tmp_path: Path, values: list[float | None]) -> None:
    """Whatever a float can be, the facts are measured or said not to be, and no check crashes."""
    frame = pd.DataFrame({"x": np.array(values, dtype=float), "z": [1.0, 2.0, 4.0], "y": [0, 1, 1]})
    checks = [
        {"check": "data/missing", "at_most": 1},
        {"check": "data/constant-columns"},
        {"check": "data/outliers", "at_most": 1},
        {"check": "data/feature-correlation", "at_most": 1},
        {"check": "data/range", "params": {"columns": {"x": [-1, 1]}}},
    ]
    report = judge(tmp_path, frame, checks, columns={"label": "y"})
    assert report.errors == ()
    found = {one.check: one for one in report.findings}
    assert not [one for one in report.findings if "failed" in (one.reason or "")]
    outside = sum(one is not None and not -1 <= one <= 1 and one == one for one in values)  # noqa: PLR0124
    assert found["data/range"].value == outside
    drawn: list[Mapping[str, Any]] = [chart.data for chart in found["data/missing"].charts]
    assert all(sum(data["rows"]) + data["missing"][0] == 3 for data in drawn)


def test_large_whole_numbers_are_not_rounded_into_a_range(tmp_path: Path) -> None:
    """A whole number just past an end that no float tells apart from it is outside."""
    frame = pd.DataFrame({"id": [2**53 + 1, 5], "far": [2**60 + 1, 2**60]})
    ends = {"id": [0, 2**53], "far": [2**60, 2**60]}
    report = judge(
        tmp_path,
        frame,
        [{"check": "data/range", "params": {"columns": ends}}, {"check": "data/constant-columns"}],
    )
    assert [one.value for one in report.findings] == [2, 0]


def test_the_plan_shows_what_is_asked_further(tmp_path: Path) -> None:
    """--explain-plan lists the second round, with the checks that it is for."""
    frame = pd.DataFrame({"y": [0, 1, 1, 0], "x": [1.0, 2.0, 3.0, 40.0]})
    checks = [
        {"check": "data/missing", "at_most": 1},
        {"check": "data/outliers", "at_most": 1},
        {"check": "data/range", "params": {"columns": {"x": [0, 10], "y": [-1, 2]}}},
    ]
    report = judge(tmp_path, frame, checks, columns={"label": "y"})
    assert [one.value for one in report.findings] == [0, 0, 1]
    shown = [(query.what, sharing) for query, sharing in queries(job(tmp_path))]
    assert ("profile x", ("data/outliers", "data/range")) in shown
    assert any(what.startswith("count rows by") for what, _ in shown)


def test_csv_and_parquet_draw_alike(tmp_path: Path) -> None:
    """The profile of a file does not depend on its format."""
    text = "age,job,x\n" + "".join(f"{20 + i % 40},{'ab'[i % 2]},{i / 7}\n" for i in range(100))
    frame = pd.read_csv(io.StringIO(text))
    use = [{"check": "data/missing", "at_most": 1}]
    one = only(judge(tmp_path, frame, use))
    other = only(judge(tmp_path, frame, use, parquet=False))
    assert one.charts == other.charts
