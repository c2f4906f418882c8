"""Suites of Great Expectations: what is read, what is refused, and what never happens."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate.cells import Answer, Expectation, ExpectationSuite, Expected, ExpectedResult
from mlgate.errors import ContentError, EvidenceError, MissingExtra
from mlgate.evidence.bundle import Access, Evidence, Wanted, open_evidence, read_release
from mlgate.evidence.expectations.known import IGNORED, KNOWN, REFUSED, REFUSED_ARGUMENTS
from mlgate.evidence.expectations.patterns import is_quick, translated
from mlgate.evidence.expectations.reading import read_suite
from mlgate.evidence.expectations.running import judge
from mlgate.evidence.scan import plan, scan

NOT_NULL = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "y"}}


def suite(*expectations: object, **keys: object) -> ExpectationSuite:
    """Read a suite of some expectations."""
    data = {"name": "people", "expectations": list(expectations), **keys}
    return read_suite(json.dumps(data).encode(), "people", "people.json")


def one(kind: str, **kwargs: object) -> dict[str, object]:
    """Return an expectation as a suite writes it."""
    return {"type": kind, "kwargs": kwargs}


def refused(data: object) -> str:
    """Return the error with which a suite is refused."""
    text = data if isinstance(data, str) else json.dumps(data)
    with pytest.raises(EvidenceError) as caught:
        read_suite(text.encode(), "people", "people.json")
    return str(caught.value)


def refused_one(kind: str, **kwargs: object) -> str:
    """Return the error with which one expectation is refused."""
    return refused({"name": "people", "expectations": [NOT_NULL, one(kind, **kwargs)]})


def test_the_table_of_expectations_is_that_of_great_expectations() -> None:
    """Every expectation that it ships is known with its arguments, or refused, and no other."""
    pytest.importorskip("great_expectations")
    from great_expectations.expectations.expectation import Expectation as Base
    from great_expectations.expectations.registry import (
        get_expectation_impl,
        list_registered_expectation_implementations,
    )

    there = set(list_registered_expectation_implementations())
    assert there == set(KNOWN) | set(REFUSED)
    apart = {*Base.__fields__, *IGNORED, *REFUSED_ARGUMENTS, "library_metadata"}
    for name, known in KNOWN.items():
        fields = set(get_expectation_impl(name).__fields__) - apart
        assert {*known.required, *known.optional} == fields, name


def test_a_suite_is_read_as_it_is_saved() -> None:
    """Arguments that change no result are left out; severity is critical unless it says otherwise."""
    saved = {
        **one("expect_column_values_to_be_between", column="a", min_value=1, max_value=None, batch_id="p-t"),
        "id": "5f0f4f2a-0000-4000-8000-000000000000",
        "meta": {"by": "me"},
        "notes": None,
        "description": "d",
        "rendered_content": [],
    }
    found = suite(saved, {**NOT_NULL, "severity": "warning"}, meta={"great_expectations_version": "1.24.1"})
    first, second = found.expectations
    assert (first.type, first.kwargs) == (saved["type"], '{"column":"a","min_value":1}')
    assert (first.severity, second.severity) == ("critical", "warning")
    assert second.where == "people.json: expectations[1]"


def test_a_suite_of_an_older_version_is_read_where_it_means_the_same() -> None:
    """0.x names type, suite and data differently."""
    old = {
        "expectation_suite_name": "people",
        "ge_cloud_id": None,
        "data_asset_type": None,
        "expectations": [
            {"expectation_type": NOT_NULL["type"], "kwargs": {"column": "y", "result_format": "SUMMARY"}}
        ],
        "meta": {},
    }
    assert read_suite(json.dumps(old).encode(), "p", "p.json").expectations[0].kwargs == '{"column":"y"}'
    assert "is no argument of" in refused_one(
        "expect_column_values_to_be_between",
        column="a",
        min_value="2024-01-01",
        parse_strings_as_datetimes=True,
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no JSON"),
        ("{'name': 1}", "line 1: is no JSON"),
        ("import great_expectations as gx\n", "is no JSON"),
        ("[1]", "has no list `expectations`"),
        ('{"name": "a"}', "has no list `expectations`"),
        ('{"expectations": [], "expectations": []}', "'expectations' is there twice"),
        (
            '{"expectations": [{"type": "a", "kwargs": {"column": "a", "column": "b"}}]}',
            "'column' is there twice",
        ),
        ('{"expectations": [NaN]}', "NaN is no number"),
        ('{"expectations": [], "name": -Infinity}', "-Infinity is no number"),
        ('{"expectations": [' + "[" * 100_000, "nested too deeply"),
        ('{"expectations": [], "name": ' + "9" * 5_000 + "}", "people.json"),
        ('{"expectations": [1]}', "expectations[0]: is 1, no expectation"),
        ('{"expectations": [{"kwargs": {}}]}', "has no type"),
        ('{"expectations": [], "code": 1}', "'code' is no key of a suite"),
        ('{"expectations": [], "suite_parameters": {"a": 1}}', "parameters are not filled in"),
        ('{"expectations": [], "evaluation_parameters": {"a": 1}}', "parameters are not filled in"),
    ],
)
def test_what_is_no_suite_is_refused(text: str, said: str) -> None:
    """Bytes that are no JSON, or no suite, end with the file and what is wrong."""
    message = refused(text)
    assert message.startswith("people.json")
    assert said in message


def test_text_that_is_not_utf8_is_refused() -> None:
    """It is never guessed what the bytes mean."""
    with pytest.raises(EvidenceError, match="not UTF-8"):
        read_suite(b"\xff\xfe{}", "people", "people.json")


@pytest.mark.parametrize(
    ("kind", "kwargs", "said"),
    [
        ("expect_column_value_to_be_odd", {"column": "a"}, "is no expectation that Great Expectations ships"),
        ("expect_column_values_to_be_nul", {"column": "a"}, "did you mean 'expect_column_values_to_be_null'"),
        ("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT 1"}, "runs a query of its author's"),
        ("expect_query_results_to_match_comparison", {}, "runs a query of its author's"),
        ("expect_table_row_count_to_equal_other_table", {"other_table_name": "b"}, "does not name"),
        ("expect_column_values_to_be_increasing", {"column": "a"}, "order of rows"),
        ("expect_column_values_to_not_be_null", {}, "lacks column"),
        ("expect_column_values_to_not_be_null", {"column": 1}, "is 1; give the name of a column"),
        ("expect_column_values_to_not_be_null", {"column": ""}, "give the name of a column"),
        ("expect_column_values_to_not_be_null", {"columm": "a"}, "did you mean 'column'"),
        ("expect_column_values_to_not_be_null", {"column": "a", "mostly": 0}, "whatever the data are"),
        ("expect_column_values_to_not_be_null", {"column": "a", "mostly": 1.5}, "a share above 0"),
        ("expect_column_values_to_not_be_null", {"column": "a", "mostly": -0.1}, "a share above 0"),
        ("expect_column_values_to_not_be_null", {"column": "a", "mostly": True}, "a share above 0"),
        ("expect_column_values_to_not_be_null", {"column": "a", "mostly": {"$PARAMETER": "m"}}, "a parameter"),
        ("expect_column_values_to_not_be_null", {"column": "a", "row_condition": "b > 1"}, "row_condition"),
        ("expect_column_values_to_not_be_null", {"column": "a", "severity": "info"}, "is no argument"),
        (
            "expect_column_values_to_not_be_null",
            {"column": "a", "row_condition": {"type": "pass_through", "pass_through_filter": "@x"}},
            "row_condition",
        ),
        ("expect_column_values_to_be_between", {"column": "a"}, "holds whatever the data are"),
        ("expect_column_values_to_match_regex", {"column": "a", "regex": ".*"}, "holds whatever the data are"),
        ("expect_column_values_to_match_regex", {"column": "a", "regex": "^x*"}, "holds whatever the data are"),
        ("expect_column_values_to_match_regex_list", {"column": "a", "regex_list": ["x", "(y|z)?"]}, "'(y|z)?'"),
        *(
            ("expect_column_quantile_values_to_be_between", {"column": "a", "quantile_ranges": given}, "each with an end")
            for given in (
                {},
                {"quantiles": [], "value_ranges": []},
                {"quantiles": [0.5], "value_ranges": [[None, None]]},
                {"quantiles": [0.5], "value_ranges": []},
                {"quantiles": [5], "value_ranges": [[0, 1]]},
                {"quantiles": 0.5, "value_ranges": [[0, 1]]},
            )
        ),
        ("expect_column_mean_to_be_between", {"column": "a", "min_value": None}, "holds whatever the data are"),
        ("expect_column_values_to_be_between", {"column": "a", "min_value": 2, "max_value": 1}, "is more than"),
        ("expect_column_values_to_be_between", {"column": "a", "min_value": [1]}, "give a number, or a date"),
        ("expect_column_values_to_be_between", {"column": "a", "min_value": 10**400}, "give a number, or a date"),
        ("expect_table_row_count_to_be_between", {"min_value": {"$PARAMETER": "n"}}, "a parameter"),
        ("expect_table_row_count_to_equal", {"value": 1.5}, "a whole number"),
        ("expect_column_values_to_be_in_set", {"column": "a", "value_set": []}, "at least one value"),
        ("expect_column_values_to_be_in_set", {"column": "a", "value_set": None}, "at least one value"),
        ("expect_column_values_to_be_in_set", {"column": "a", "value_set": list(range(10_001))}, "more than 10000"),
        ("expect_column_values_to_be_in_set", {"column": "a", "value_set": [{}]}, "texts, numbers or truth"),
        ("expect_column_values_to_be_in_set", {"column": "a", "value_set": [{"$PARAMETER": "x"}]}, "a parameter"),
        ("expect_column_values_to_match_regex", {"column": "a"}, "lacks regex"),
        ("expect_column_values_to_match_regex", {"column": "a", "regex": "(?=a)"}, "than can be bounded"),
        ("expect_column_values_to_match_regex", {"column": "a", "regex": r"(a)\1"}, "than can be bounded"),
        ("expect_column_values_to_match_regex", {"column": "a", "regex": "("}, "than can be bounded"),
        ("expect_column_values_to_match_regex", {"column": "a", "regex": "a" * 1_001}, "more than 1000 char"),
        ("expect_column_values_to_match_regex", {"column": "a", "regex": r"(\w{900}){900}"}, "is too large"),
        ("expect_column_values_to_match_regex_list", {"column": "a", "regex_list": ["a", "(?<=b)"]}, "bounded"),
        ("expect_column_values_to_match_json_schema", {"column": "a", "json_schema": {"a": [{"$ref": "x"}]}}, "$ref"),
        ("expect_column_values_to_match_json_schema", {"column": "a", "json_schema": {"pattern": "x"}}, "pattern"),
        ("expect_compound_columns_to_be_unique", {"column_list": []}, "a list of different columns"),
        ("expect_compound_columns_to_be_unique", {"column_list": ["a", "a"]}, "a list of different columns"),
        ("expect_table_columns_to_match_set", {"column_set": None}, "a list of different columns"),
        ("expect_column_values_to_be_in_type_list", {"column": "a", "type_list": None}, "a list of texts"),
    ],
)  # fmt: skip
def test_an_expectation_that_is_wrong_or_hostile_is_refused(
    kind: str, kwargs: dict[str, Any], said: str
) -> None:
    """The error names the place in the suite, and what is refused never reaches Great Expectations."""
    message = refused_one(kind, **kwargs)
    assert message.startswith("people.json: expectations[1]"), message
    assert said in message, message


@pytest.mark.parametrize("regex", ["^x*$", "x", "^$", "x*$", "x+", "^.*$", "."])
def test_a_pattern_that_some_text_lacks_is_taken(regex: str) -> None:
    """Only what is found in every text says nothing of the data."""
    one = {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "a", "regex": regex}}
    assert read_suite(json.dumps({"expectations": [one]}).encode(), "p", "p.json").expectations


@pytest.mark.parametrize("depth", [200, 900, 5_000])
def test_what_is_nested_deeply_never_breaks_the_gate(depth: int) -> None:
    """It is read, or it is an error of the suite."""
    nested = '{"items": ' * depth + "{}" + "}" * depth
    kind = "expect_column_values_to_match_json_schema"
    text = f'{{"expectations": [{{"type": "{kind}", "kwargs": {{"column": "a", "json_schema": {nested}}}}}]}}'
    found = None
    with contextlib.suppress(EvidenceError):
        found = read_suite(text.encode(), "people", "people.json")
    assert found is None or len(found.expectations) == 1
    assert found is not None or "nested too deeply" in refused(text)


def test_every_problem_of_a_suite_is_told_at_once() -> None:
    """A person mends the whole file."""
    with pytest.raises(EvidenceError) as caught:
        suite(one("expect_a", column="a"), one("expect_b", column="a"), NOT_NULL)
    assert [problem.where for problem in caught.value.problems] == [
        "people.json: expectations[0]",
        "people.json: expectations[1]",
    ]


# What a release says of its suites.


def evidence_of(folder: Path, expectations: object, *, rows: str = "y,a\n1,2\n0,3\n") -> Evidence:
    """Open a release in a folder."""
    (folder / "rows.csv").write_text(rows, encoding="utf-8")
    release = {
        "mlgate": 1,
        "name": "r",
        "version": "1",
        "task": "binary",
        "data": {"evaluation": {"path": "rows.csv"}},
        "expectations": expectations,
    }
    (folder / "release.yaml").write_text(json.dumps(release), encoding="utf-8")
    read, file = read_release(folder / "release.yaml")
    work = folder / "work"
    work.mkdir(mode=0o700, exist_ok=True)
    return open_evidence(read, file, Wanted(tables=["evaluation"]), Access(workdir=work))


def test_a_suite_is_found_by_path_and_by_project(tmp_path: Path) -> None:
    """Of a project only the file of the suite is read, and its bytes are in the record."""
    (tmp_path / "gx" / "expectations").mkdir(parents=True)
    (tmp_path / "gx" / "great_expectations.yml").write_text("plugins: [does: not parse")
    saved = json.dumps({"name": "orders", "expectations": [NOT_NULL]})
    for place in ("gx/expectations/orders.json", "own.json"):
        (tmp_path / place).write_text(saved)
    found = evidence_of(tmp_path, {"orders": {"project": "gx", "suite": "orders"}, "own": "own.json"})
    assert found.suites["orders"].location == "gx/expectations/orders.json"
    records = {record.name: record for record in found.records}
    assert records["expectations.orders"].sha256 == records["expectations.own"].sha256
    assert records["expectations.own"].kind == "document"
    assert records["expectations.own"].bytes == len(saved)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("none.json", "does not exist"),
        ("../outside.json", "lies outside"),
        ("link.json", "lies outside"),
        ("folder", "is no regular file"),
        ("suite.py", "written in Python"),
        ({"project": "gx", "suite": "orders"}, "does not exist"),
        ("https://example.org/suite.json", "is a URL"),
    ],
)
def test_a_suite_that_cannot_be_opened_is_an_error(tmp_path: Path, source: object, said: str) -> None:
    """Suites are opened as documents are: inside the repository, through no link, and never run."""
    home = tmp_path / "home"
    (home / "folder").mkdir(parents=True)
    outside = tmp_path / "outside.json"
    outside.write_text('{"expectations": []}')
    (home / "link.json").symlink_to(outside)
    (home / "suite.py").write_text("raise SystemExit")
    with pytest.raises(EvidenceError, match=re.escape(said)):
        evidence_of(home, {"s": source})


@pytest.mark.parametrize(
    "source",
    [
        {},
        {"path": "a.json", "project": "gx"},
        {"project": "gx"},
        {"suite": "orders"},
        {"path": "a.json", "suite": "orders"},
        {"project": "gx", "suite": "../../etc/passwd"},
        {"project": "gx", "suite": ""},
        {"path": ""},
        "",
        1,
        {"path": "a.json", "plugins": "x"},
    ],
)
def test_a_release_says_one_place_for_a_suite(tmp_path: Path, source: object) -> None:
    """The line of the release is named."""
    with pytest.raises(ContentError, match=r"release\.yaml:1"):
        evidence_of(tmp_path, {"s": source})


def test_a_suite_that_is_too_large_is_an_error(tmp_path: Path) -> None:
    """Nobody reviews a suite of megabytes."""
    (tmp_path / "s.json").write_text(" " * 5_000_001)
    with pytest.raises(EvidenceError, match="larger than 5000000 bytes"):
        evidence_of(tmp_path, {"s": "s.json"})


# What is asked of a table.


def answered(
    folder: Path, expectations: Sequence[object], *, engine: Any = "auto", **keys: Any
) -> list[Answer]:
    """Return the answers of a release's table to some expectations."""
    (folder / "s.json").write_text(json.dumps({"expectations": list(expectations)}), encoding="utf-8")
    evidence = evidence_of(folder, {"s": "s.json"}, **keys)
    asked = [Expected(each, engine) for each in evidence.suites["s"].expectations]
    found = scan(evidence.tables["evaluation"], asked)
    return [found[each] for each in asked]


def test_a_column_that_the_table_lacks_is_an_error(tmp_path: Path) -> None:
    """Great Expectations would call it an exception among its results."""
    for expectation in (
        one("expect_column_values_to_be_unique", column="aa"),
        one("expect_compound_columns_to_be_unique", column_list=["y", "aa"]),
        one("expect_column_pair_values_to_be_equal", column_A="y", column_B="aa"),
    ):
        with pytest.raises(
            EvidenceError, match=r"s\.json: expectations\[1\]\.kwargs: .*'aa'.*did you mean 'a'"
        ):
            answered(tmp_path, [NOT_NULL, expectation])


def test_what_only_databases_can_judge_is_not_judged(tmp_path: Path) -> None:
    """It is said without asking Great Expectations."""
    (found,) = answered(
        tmp_path, [one("expect_column_values_to_match_like_pattern", column="a", like_pattern="x%")]
    )
    assert isinstance(found, ExpectedResult)
    assert found.success is None
    assert "databases" in (found.reason or "")


def test_great_expectations_is_asked_for_what_it_has_to_judge_alone(tmp_path: Path) -> None:
    """One query fetches the columns that are named, and no other; the fused ones are in the plan, too."""
    kinds = [
        one("expect_column_mean_to_be_between", column="a", min_value=0),
        one("expect_column_values_to_be_between", column="y", min_value=0),
    ]
    (tmp_path / "s.json").write_text(json.dumps({"expectations": kinds}))
    evidence = evidence_of(tmp_path, {"s": "s.json"})
    asked = [Expected(each) for each in evidence.suites["s"].expectations]
    queries = plan(evidence.tables["evaluation"], asked)
    assert [query.what for query in queries] == ["profile y", "run 1 expectations in Great Expectations on a"]
    assert asked[1] in queries[0].serves
    assert queries[1].serves == (asked[0],)
    assert '"y"' not in queries[1].sql


def test_without_great_expectations_the_fused_ones_are_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what needs it says what to install."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)  # noqa: ARG005  as if it were not there
    (found,) = answered(tmp_path, [NOT_NULL])
    assert isinstance(found, ExpectedResult)
    assert found.success is True
    with pytest.raises(MissingExtra, match=r"expectations\[0\].*pip install 'mlgate\[gx\]'"):
        answered(tmp_path, [one("expect_column_mean_to_be_between", column="a", min_value=0)])
    with pytest.raises(MissingExtra):
        answered(tmp_path, [NOT_NULL], engine="gx")


def test_a_set_or_pattern_of_any_size_is_named_in_the_plan(tmp_path: Path) -> None:
    """Two large sets of one column are two aggregates."""
    values = [f"{place:05}" for place in range(9_000)]
    found = answered(
        tmp_path,
        [
            one("expect_column_values_to_be_in_set", column="t", value_set=values),
            one("expect_column_values_to_be_in_set", column="t", value_set=values[1:]),
        ],
        rows="y,t\n1,x00000\n0,00001\n".replace("x", ""),
    )
    assert found  # numbers in the file: Great Expectations judges texts against them
    texts = answered(
        tmp_path,
        [
            one("expect_column_values_to_be_in_set", column="t", value_set=["a", *values]),
            one("expect_column_values_to_be_in_set", column="t", value_set=["b", *values]),
        ],
        rows="y,t\n1,a\n0,a\n",
    )
    assert [each.unexpected for each in texts if isinstance(each, ExpectedResult)] == [0, 2]


# What Great Expectations is let do.


def expectation(kind: str, **kwargs: object) -> Expectation:
    """Return an expectation that was read."""
    return suite(one(kind, **kwargs)).expectations[0]


def test_great_expectations_leaves_no_trace_and_tells_no_value(capfd: pytest.CaptureFixture[str]) -> None:
    """Environment, random state and streams are as before; what it says repeats no value of the data."""
    pytest.importorskip("great_expectations")
    frame = pd.DataFrame({"a": ["secret", "4", None], "n": [1.0, 2.0, 3.0]})
    before, state = dict(os.environ), np.random.get_state()[1].tolist()  # noqa: NPY002
    found = judge(
        frame,
        [
            expectation("expect_column_values_to_be_between", column="a", min_value=1),
            expectation("expect_column_sum_to_be_between", column="a", min_value=1),
            expectation("expect_column_values_to_be_json_parseable", column="a"),
            expectation("expect_column_mean_to_be_between", column="n", min_value=1.5),
        ],
    )
    assert dict(os.environ) == before
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002
    assert "secret" not in repr(found)
    assert [each.success for each in found] == [None, None, False, True]
    assert (found[2].elements, found[2].missing, found[2].unexpected) == (3, 1, 1)
    assert (found[3].elements, found[3].missing, found[3].judged) == (3, 0, 3)
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == ""


def test_an_aggregate_of_no_value_is_about_none() -> None:
    """Great Expectations calls it a success; that nothing was judged can be told."""
    pytest.importorskip("great_expectations")
    frame = pd.DataFrame({"a": pd.Series([None, None], dtype="float64")})
    kind = "expect_column_distinct_values_to_be_in_set"
    (found,) = judge(frame, [expectation(kind, column="a", value_set=[1])])
    assert found.success is True
    assert found.judged == 0


def test_patterns_that_python_may_never_end_are_not_given_to_it() -> None:
    """RE2 takes them; Python does not get them."""
    pytest.importorskip("great_expectations")
    frame = pd.DataFrame({"a": ["a" * 40 + "é!"]})
    (found,) = judge(
        frame, [expectation("expect_column_values_to_match_regex", column="a", regex=r"^(\w+)+$")]
    )
    assert found.success is None
    assert "go on for ever" in (found.reason or "")


# Patterns.

CHARACTERS = [chr(code) for code in range(1, sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]


@pytest.mark.parametrize(
    "pattern", [r"\d", r"\w", r"\s", r"\D", r"\W", r"\S", "^.$", r"[^\d]", r"[\w-]", "[à-ü]"]
)
def test_classes_hold_the_same_characters(pattern: str) -> None:
    """Of all of Unicode, as far as this Python knows it, RE2 finds what Python finds."""
    import unicodedata

    with duckdb.connect() as engine:
        engine.register("characters", pa.table({"c": CHARACTERS}))
        rows = engine.execute("SELECT regexp_matches(c, ?) FROM characters", [translated(pattern)]).fetchall()
    find = re.compile(pattern).search
    wrong = [one for one, (found,) in zip(CHARACTERS, rows, strict=True) if found != (find(one) is not None)]
    assert {unicodedata.category(one) for one in wrong} <= {"Cn"}


PIECES = st.sampled_from(
    [
        "a",
        "b",
        "1",
        r"\d",
        r"\w",
        r"\s",
        r"\S",
        "[ab]",
        "[^a]",
        ".",
        "é",
        r"\.",
        "(?:a|b)",
        "(ab)",
        "-",
        r"\n",
        " ",
    ]
)
REPEATS = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,2}", "{1,}", "*?", "+?"])


@st.composite
def patterns(draw: st.DrawFn) -> str:
    """Draw a pattern of the part of Python's language that is taken."""

    def sequence() -> str:
        return "".join(draw(PIECES) + draw(REPEATS) for _ in range(draw(st.integers(1, 3))))

    ends = [
        draw(st.sampled_from(["", "^", r"\A"])) + sequence() + draw(st.sampled_from(["", "$"])) for _ in "ab"
    ]
    return "|".join(ends[: draw(st.integers(1, 2))])


@given(pattern=patterns(), texts=st.lists(st.text("ab1é. -\n٣\u00a0", max_size=5), min_size=1, max_size=8))
@settings(max_examples=300, derandomize=True, deadline=None)
def test_a_pattern_finds_the_same_texts(pattern: str, texts: list[str]) -> None:
    """What Python's `re.search` finds, RE2 finds in the translation."""
    made = translated(pattern)
    assert made is not None
    with duckdb.connect() as engine:
        rows = engine.execute("SELECT regexp_matches(unnest(?), ?)", [texts, made]).fetchall()
    assert [found for (found,) in rows] == [re.search(pattern, text) is not None for text in texts]


@pytest.mark.parametrize(
    "pattern",
    ["(?i)a", r"\bword", "a$b", "(a$)?", "(?P<n>a)", r"\Z", "a*+", "(?>a)", "[[a]", "[a&&b]", r"\u0041", "x{2}{3}", "^*"],
)  # fmt: skip
def test_what_may_mean_something_else_is_not_translated(pattern: str) -> None:
    """Flags, boundaries, named groups, possessive repeats, sets in sets."""
    assert translated(pattern) is None


def test_quick_patterns_repeat_nothing_that_repeats() -> None:
    """Python takes its time on nested repetition, and on many in a row."""
    assert all(map(is_quick, [r"^\d{5}$", "^[A-Z]+-[0-9]+$", "a|b+", "(ab)?c*", r"^\w+@\w+$"]))
    assert not any(map(is_quick, ["(a+)+", "(a*)*b", "(a|b+)*", "a*a*a*a*", "(a{1,}b){2,}", "(?=a)"]))
