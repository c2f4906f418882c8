"""The record: canonical bytes, a strict way back, and a schema that cannot drift."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlgate.errors import ContentError, Problem
from mlgate.findings import SCHEMA, Finding, Outcome, Report, Verdict, totals_of
from mlgate.limits import round12
from mlgate.render import record
from tests.conftest import few

REPORTS = Path(__file__).resolve().parents[2] / "reports"

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NUMBER = st.floats(allow_nan=False, allow_infinity=False).map(round12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
PLAIN: Mapping[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(-(2**53), 2**53),
    float: NUMBER,
    bool: st.booleans(),
    object: JSON,
    NoneType: st.none(),
}


def drawn(kind: Any) -> st.SearchStrategy[Any]:
    """Return a strategy of everything that a type of the record may hold."""
    arguments, origin = get_args(kind), get_origin(kind)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return st.builds(kind, **{one.name: drawn(hints[one.name]) for one in fields(kind)})
    if origin in (Union, UnionType):
        return st.one_of([drawn(one) for one in arguments])
    if origin is tuple and Ellipsis in arguments:
        return st.lists(drawn(arguments[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*(drawn(one) for one in arguments))
    if arguments:
        return st.dictionaries(TEXT, drawn(arguments[1]), max_size=2)
    return st.sampled_from(kind) if issubclass(kind, Enum) else PLAIN[kind]


def consistent(report: Report) -> Report:
    """Give a drawn report what no report lacks: unique ids, true totals, a verdict that may be."""
    findings = tuple(
        replace(
            one, id=f"{one.id}{index}", retrain=None if one.retrain is None else one.outcome is Outcome.FAIL
        )
        for index, one in enumerate(report.findings)
    )
    return replace(
        report,
        schema=SCHEMA,
        id=None,
        findings=findings,
        totals=totals_of(findings),
        retrain=any(one.retrain for one in findings),
        verdict=None if report.verdict is Verdict.APPROVED else report.verdict,
        promotable=False,
    )


ANY = drawn(Report).map(consistent)
FEW = settings(max_examples=few(25), deadline=None, suppress_health_check=list(HealthCheck))


@FEW
@given(report=ANY)
def test_what_is_written_is_read_back(report: Report) -> None:
    """A report survives the way to JSON and back, and its bytes are canonical."""
    written = record.to_json(report)
    read = record.from_json(written)
    assert read == report
    assert record.to_json(read) == written
    jsonschema.validate(json.loads(written), record.schema())


@FEW
@given(report=ANY)
def test_an_identified_report_is_read_back_and_keeps_its_id(report: Report) -> None:
    """The id is a function of the rest, so giving it twice changes nothing."""
    named = record.identified(report)
    assert record.identified(named) == named
    assert record.from_json(record.to_json(named)).id == named.id


def test_the_committed_schema_is_the_generated_one() -> None:
    """`reports/report.schema.json` is what the classes of findings say."""
    written = (REPORTS / "report.schema.json").read_text("utf-8")
    assert written == json.dumps(record.schema(), indent=2) + "\n", (
        "write it anew: mlgate policy schema report > reports/report.schema.json"
    )


def test_the_schema_is_a_schema() -> None:
    """It is valid itself, and no object in it lets an unknown key through."""
    schema = record.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for definition in [schema, *schema["$defs"].values()]:
        if "properties" in definition:
            assert definition["additionalProperties"] is False
            assert set(definition["required"]) == set(definition["properties"])


def test_reports_validate(any_report: Report) -> None:
    """What is written keeps to the schema."""
    jsonschema.validate(json.loads(record.to_json(any_report)), record.schema())


def test_keys_stand_in_the_order_of_the_contract(blocked: Report) -> None:
    """A person finds the verdict before the findings."""
    keys = list(json.loads(record.to_json(blocked)))
    order = ["schema", "id", "tool", "as_of", "verdict", "promotable", "errors", "release", "policy"]
    order += ["evidence", "source", "environment", "findings", "waivers", "coverage", "totals"]
    assert [one for one in keys if one in order] == order


def test_numbers_have_twelve_digits_and_no_needless_fraction(approved: Report) -> None:
    """0.1 + 0.2 is 0.3, and one is 1."""
    first = replace(approved.findings[0], value=0.1 + 0.2, judged_share=1.0, value_all=-0.0)
    written = record.to_json(replace(approved, findings=(first, *approved.findings[1:]))).decode()
    assert '"value": 0.3,' in written
    assert '"judged_share": 1,' in written
    assert '"value_all": 0,' in written
    assert written.endswith("}\n")


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_never_written(approved: Report, number: float) -> None:
    """The error names the field; there is no report with a NaN in it."""
    bad = replace(approved.findings[1], value=number)
    with pytest.raises(ValueError, match=r"report\.findings\[1\]\.value is"):
        record.to_json(replace(approved, findings=(approved.findings[0], bad)))


def test_what_json_has_no_form_for_is_named(approved: Report) -> None:
    """A parameter that is no data is an error with its place."""
    bad = replace(approved.findings[0], params={"f": {1, 2}})
    with pytest.raises(TypeError, match=r"report\.findings\[0\]\.params\.f is a set"):
        record.to_json(replace(approved, findings=(bad,)))


def test_numbers_of_numpy_are_numbers(approved: Report) -> None:
    """A count that numpy made is written as the count it is."""
    import numpy as np

    first = replace(approved.findings[0], n=np.int64(12), value=np.float64(0.5))
    written = json.loads(record.to_json(replace(approved, findings=(first,))))
    assert (written["findings"][0]["n"], written["findings"][0]["value"]) == (12, 0.5)


def test_text_that_utf8_has_no_form_for_is_replaced(approved: Report) -> None:
    """A file name with stray bytes does not keep the report from being written."""
    written = record.to_json(replace(approved, as_of="\ud800"))
    assert json.loads(written.decode("utf-8"))["as_of"] == "?"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"outcome": "pass"', '"outcome": "approved"', "findings.0.outcome"),
        ('"outcome": "pass"', '"outcom": "pass"', "findings.0.outcom: is no key of a report"),
        ('"name": "credit-default",', "", "release.name: is missing"),
        ('"promotable": true', '"promotable": 1', "promotable: Input should be a valid boolean"),
        ('"n": 1204', '"n": "1204"', "findings.0.n"),
        ('"value": 0.823678861789', '"value": NaN', "NaN is not a number of JSON"),
        ('"value": 0.823678861789', '"value": 1e999', "1e999 is not a number of JSON"),
        ('"verdict": "approved"', '"verdict": "approved", "verdict": "blocked"', "'verdict' stands twice"),
        ('"pass": 5', '"pass": 6', "the totals are not those of the findings"),
        ('"unit": "rows"', '"unit": "people"', "its id is not that of its contents"),
        ('"id": "performance/recall"', '"id": "performance/roc-auc"', "share the id 'performance/roc-auc'"),
        ("mlgate-report/1", "mlgate-report/2", "schema is 'mlgate-report/2'"),
        ("{", "[", "is not JSON"),
    ],
)
def test_an_edited_report_is_refused(approved: Report, old: str, new: str, said: str) -> None:
    """Whatever is not what mlgate writes is an error that says what it is."""
    text = record.to_json(record.identified(approved)).decode()
    assert old in text
    with pytest.raises(ContentError) as error:
        record.from_json(text.replace(old, new, 1).encode(), "out/report.json")
    assert said in str(error.value)
    assert str(error.value).startswith("out/report.json: ")


@pytest.mark.parametrize(
    "data", [b"", b"null", b"[]", b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}", b"[" * 100_000]
)
def test_bytes_that_are_no_report_are_refused(data: bytes) -> None:
    """Empty, no object, UTF-16, a byte-order mark, too deep: an error, never a crash."""
    with pytest.raises(ContentError, match=r"report\.json: "):
        record.from_json(data)


def test_an_approval_over_failing_findings_is_refused(blocked: Report) -> None:
    """A verdict that the findings contradict is not believed, whoever wrote it."""
    claimed = record.identified(replace(blocked, verdict=Verdict.APPROVED, promotable=True))
    with pytest.raises(ContentError) as error:
        record.from_json(record.to_json(claimed))
    said = [one.what for one in error.value.problems]
    assert said == [
        "the verdict is approved, and a required check stands in the way",
        "it is called promotable, and its findings do not approve it",
    ]


def test_clocks_and_actors_do_not_change_the_id(approved: Report) -> None:
    """The same input gives the same id on every run; another input another one."""
    later = replace(
        approved,
        as_of="2027-01-01T00:00:00Z",
        started_at=None,
        finished_at="later",
        source=replace(approved.source, actor="someone", run_url=None),
        findings=tuple(replace(one, seconds=9.0) for one in approved.findings),
    )
    assert record.identified(later).id == record.identified(approved).id
    other = replace(approved, source=replace(approved.source, commit="0" * 40))
    assert record.identified(other).id != record.identified(approved).id


def test_stable_leaves_out_what_the_schema_calls_volatile(
    make: Callable[..., Report], found: Callable[..., Finding]
) -> None:
    """Of a timing only what was asked is stable; of the rest, everything but how long it took."""
    timed = found("cost/latency-p99", "Fast", Outcome.PASS, kind="timing", value=0.04, interval=(0.03, 0.05))
    plain = found("data/row-count", "Rows", Outcome.PASS, kind="fact", value=3.0)
    kept = record.stable(json.loads(record.to_json(make(timed, plain))))
    assert not {"as_of", "started_at", "finished_at"} & set(kept)
    assert not {"actor", "run_url"} & set(kept["source"])
    assert not {"seconds", "value", "interval", "outcome", "groups"} & set(kept["findings"][0])
    assert kept["findings"][0]["id"] == "cost/latency-p99"
    assert kept["findings"][1]["value"] == 3
    assert "seconds" not in kept["findings"][1]


def test_problems_are_where_what_and_todo(unread: Report) -> None:
    """Errors are data for other programs too."""
    assert json.loads(record.to_json(unread))["errors"][0] == {
        "where": "policy.yaml:12",
        "what": "unknown check 'performance/roc-auk'",
        "todo": "write performance/roc-auc",
    }
    assert record.from_json(record.to_json(replace(unread, id=None))).errors[0] == Problem(
        "policy.yaml:12", "unknown check 'performance/roc-auk'", "write performance/roc-auc"
    )


def test_the_digest_is_the_sha256_of_the_bytes() -> None:
    """Anybody can check it with sha256sum."""
    assert record.digest(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
