"""Broken or hostile input never approves by way of an exception, and never breaks the gate.

One release that is approved is changed at random: keys and values of its YAML, bytes of any file, columns
and cells of its table. Whatever comes out is a report; and where it approves, that is recomputed here from
the policy, the findings and the rows alone.
"""

from __future__ import annotations

import copy
import csv
import io
import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from mlgate import catalogue, policy
from mlgate.api import Job, judged
from mlgate.findings import Finding, Outcome, Report, Severity, Verdict
from tests.properties.conftest import as_csv, as_parquet, examples, sound

RELEASE: dict[str, Any] = {
    "mlgate": 1,
    "name": "credit",
    "version": "1.0",
    "task": "binary",
    "intended_use": "Rank applications for review.",
    "risk": "high",
    "owners": ["risk@example.org"],
    "data": {
        "evaluation": {
            "path": "t.csv",
            "where": {"split": ["test"], "n": {"from": 0, "before": 1000}},
            "nulls": ["", "NA"],
            "delimiter": ",",
        },
        "train": {"path": "t.csv", "columns": {"score": None}},
    },
    "columns": {
        "label": "y",
        "positive": 1,
        "favourable": 0,
        "score": "p",
        "prediction": "d",
        "key": "n",
        "weight": "w",
        "protected": ["g"],
        "features": ["x"],
    },
    "threshold": 0.5,
    "costs": {"training_usd": 1.5},
    "documents": {"model_card": "CARD.md"},
}
POLICY: dict[str, Any] = {
    "mlgate": 1,
    "policy": "credit",
    "title": "Credit",
    "extends": ["baseline@1"],
    "release": {
        "task": "binary",
        "risk": {"at_least": "limited"},
        "columns": {"label": "y", "protected": ["g"], "weight": "w"},
        "evaluation": {"min_rows": 50},
    },
    "decision": "guard",
    "confidence": 0.95,
    "min_group": 10,
    "seed": 3,
    "origin": {"performance": "declared"},
    "not_applicable": {"data/class-balance": "balanced by design"},
    "checks": [
        {"check": "performance/roc-auc", "at_least": 0.8, "because": "Below this nobody gains."},
        {"check": "performance/accuracy", "at_least": 0.7, "slices": ["g"], "warn": {"at_least": 0.75}},
        {"check": "performance/recall", "id": "recall", "at_least": 0.6, "decision": "point"},
        {"check": "performance/brier", "at_most": 0.3, "confidence": 0.9},
        {"check": "fairness/demographic-parity-difference", "at_most": 0.5, "severity": "block"},
        {"check": "data/missing", "at_most": 0.3, "severity": "block", "params": {"ignore": ["x"]}},
        {"check": "data/range", "params": {"columns": {"p": [0, 1]}}, "when": {"risk": ["high"]}},
        {"check": "data/row-count", "table": "train", "id": "train-rows", "at_least": 10},
    ],
}
CARD = b"# Card\n\n## Limitations\nOne bank.\n"


def rows() -> pd.DataFrame:
    """Return the rows of a good model."""
    rng = np.random.default_rng(7)
    label = rng.integers(0, 2, 200)
    score = np.clip(rng.normal(0.25 + 0.5 * label, 0.15), 0, 1).round(3)
    return pd.DataFrame(
        {
            "n": range(200),
            "y": label,
            "p": score,
            "d": (score >= 0.5).astype(int),
            "w": rng.integers(1, 4, 200),
            "g": rng.choice(["a", "b"], 200),
            "x": rng.normal(size=200).round(3),
            "split": "test",
        }
    )


ROWS = rows()
CSV = as_csv(ROWS)


def bare_parquet(frame: pd.DataFrame) -> bytes:
    """Write parquet without the notes of pandas and Arrow, which some readers obey and others ignore."""
    found = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame).replace_schema_metadata(None), found, store_schema=False)
    return found.getvalue()


PARQUET = bare_parquet(ROWS)


def asked(files: Mapping[str, bytes]) -> Report:
    """Judge these files; assert that the answer is a report, and that an approval is one."""
    with tempfile.TemporaryDirectory(prefix="mlgate-property-") as name:
        folder = Path(name)
        for file, data in files.items():
            (folder / file).write_bytes(data)
        report = judged(Job(release=folder / "release.yaml"))
        sound(report)
        if report.verdict is Verdict.APPROVED:
            _deserved(report, folder)
    return report


def _deserved(report: Report, folder: Path) -> None:
    """Assert that an approval follows from the policy as it is now, check by check."""
    assert not report.errors
    resolved = policy.load([folder / "policy.yaml"], catalogue.load())
    required = [one for one in resolved.uses if one.severity is Severity.BLOCK]
    assert required
    for use in required:
        own = [
            one
            for one in report.findings
            if one.id == use.id or one.id.startswith((f"{use.id}[", f"{use.id}@"))
        ]
        assert own, f"{use.id} was planned and has no finding"
        for one in own:
            assert one.check == use.check.id
            if one.severity is Severity.BLOCK:
                _let_through(one)
            else:
                assert one.slice is not None, (
                    "only a small slice of a required check may be less than required"
                )
    passed = [
        one for one in report.findings if one.severity is Severity.BLOCK and one.outcome is Outcome.PASS
    ]
    assert any(one.family != "governance" for one in passed)


def _let_through(one: Finding) -> None:
    """Assert that a required finding is accepted, and for a pass that the numbers say so."""
    if one.outcome is Outcome.NOT_APPLICABLE:
        assert one.reason
        return
    assert one.value is not None
    assert one.limit is not None
    leaning = one.on_inconclusive.value == "lean" and one.leans is not None and one.leans.value == "inside"
    if one.outcome is Outcome.INCONCLUSIVE:
        assert one.on_inconclusive.value == "warn" or leaning
        return
    assert one.outcome is Outcome.PASS
    assert _inside(one.value, one, 0.0)
    if one.kind == "estimate" and one.limit.decided_on != "point":
        assert one.interval is not None
        assert all(_inside(bound, one, one.limit.guard) for bound in one.interval)


def _inside(value: float, one: Finding, guard: float) -> bool:
    assert one.limit is not None
    limit, slack = one.limit.value, guard + 1e-9
    match one.limit.op:
        case "at_least":
            return value >= limit - slack
        case "at_most":
            return value <= limit + slack
        case "between":
            return limit[0] - slack <= value <= limit[1] + slack
        case "equals":
            return value == limit
        case _:
            return value == 1


def files(**changed: bytes) -> dict[str, bytes]:
    """Return the files of the release, some of them changed."""
    made = {
        "release.yaml": json.dumps(RELEASE, indent=1).encode(),
        "policy.yaml": json.dumps(POLICY, indent=1).encode(),
        "t.csv": CSV,
        "CARD.md": CARD,
    }
    return {
        **made,
        **{
            {"release": "release.yaml", "policy": "policy.yaml"}[name]: data for name, data in changed.items()
        },
    }


def over_parquet() -> dict[str, bytes]:
    """Return the same release over a parquet file."""
    text = (
        json.dumps(RELEASE)
        .replace("t.csv", "t.parquet")
        .replace('"nulls": ["", "NA"], "delimiter": ","', '"columns": {}')
    )
    made = {**files(release=text.encode()), "t.parquet": PARQUET}
    del made["t.csv"]
    return made


def test_the_release_as_it_is_is_approved() -> None:
    """Both forms of the release that everything here breaks are approved."""
    assert asked(files()).verdict is Verdict.APPROVED
    assert asked(over_parquet()).verdict is Verdict.APPROVED


SCALARS = st.sampled_from(
    [None, True, False, 0, 1, -1, 2, 0.5, 1e-300, 1e308, 10**30, "", " ", "y", "p", "g", "none", "../t.csv", "/etc/passwd",
     "t.csv", "*.csv", "performance/roc-auc", "data/missing", "evaluation", "block", "info", "warn", "lean", "point",
     "{{ 7*7 }}", "<script>", "a\u0000b", "é", "x" * 5000, "2026-01-01", "env:HOME", "baseline", "1", "1.0", "NaN"]
)  # fmt: skip
VALUES = (
    SCALARS
    | st.text(max_size=6)
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.lists(SCALARS, max_size=3)
    | st.dictionaries(
        st.sampled_from(["y", "p", "g", "path", "at_least", "from", "columns"]) | st.text(max_size=4),
        SCALARS,
        max_size=2,
    )
)


def places(data: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value inside."""
    below = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [*([at] if at else []), *(path for key, one in below for path in places(one, (*at, key)))]


@st.composite
def changed(draw: st.DrawFn, original: dict[str, Any]) -> bytes:
    """Draw a YAML file that differs from another in a few places, or in a few of its bytes."""
    data: Any = copy.deepcopy(original)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(places(data)))
        inside = data
        for step in path[:-1]:
            inside = inside[step]
        match draw(st.sampled_from(["replace", "replace", "drop", "wrap", "rename", "borrow", "add"])):
            case "replace":
                inside[path[-1]] = draw(VALUES)
            case "drop":
                del inside[path[-1]]
            case "wrap":
                inside[path[-1]] = draw(st.sampled_from([list, dict]))([("a", inside[path[-1]])])
            case "rename" if isinstance(inside, dict):
                inside[
                    draw(st.sampled_from(["id", "check", "where", "off", "against"]) | st.text(max_size=5))
                ] = inside.pop(path[-1])
            case "add" if isinstance(inside, dict):
                inside[
                    draw(
                        st.sampled_from(
                            ["off", "except", "groups", "types", "cluster", "time", "encoding", "quote"]
                        )
                    )
                ] = draw(VALUES)
            case _:
                other = draw(st.sampled_from(places(original)))
                value: Any = original
                for step in other:
                    value = value[step]
                inside[path[-1]] = copy.deepcopy(value)
    text = json.dumps(data, indent=1, default=str).encode()
    return draw(edited(text)) if draw(st.integers(0, 4)) == 0 else text


@st.composite
def edited(draw: st.DrawFn, data: bytes) -> bytes:
    """Draw bytes that differ from others in a few places, or end early."""
    made = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(made) - 1, 0)))
        match draw(st.sampled_from(["flip", "flip", "insert", "remove", "cut", "repeat"])):
            case "flip" if made:
                made[at] ^= draw(st.integers(1, 255))
            case "insert":
                made[at:at] = draw(
                    st.binary(min_size=1, max_size=3)
                    | st.sampled_from(
                        [b"\n", b",", b'"', b"\0", b"\r", b"NaN", b"inf", b"\xef\xbb\xbf", b"-", b"e9", b"1,"]
                    )
                )
            case "remove":
                del made[at : at + draw(st.integers(1, 40))]
            case "cut" if draw(st.integers(0, 3)) == 0:
                del made[at:]
            case "repeat":
                made[at:at] = made[max(0, at - 30) : at]
    return bytes(made)


@given(data=changed(RELEASE))
@examples(120)
def test_any_change_of_the_release_gives_a_report(data: bytes) -> None:
    """A release with keys and values changed at random is judged or refused, and approved only if it passes."""
    asked(files(release=data))


@given(data=changed(POLICY))
@examples(120)
def test_any_change_of_the_policy_gives_a_report(data: bytes) -> None:
    """A policy with keys and values changed at random approves only what it demands now."""
    asked(files(policy=data))


@pytest.mark.slow
@given(data=edited(CSV))
@examples(60)
def test_any_change_of_a_csv_file_gives_a_report(data: bytes) -> None:
    """Bytes changed at random are an error, a finding, or rows on which the value is recomputed."""
    report = asked({**files(), "t.csv": data})
    if report.verdict is Verdict.APPROVED:
        _values_are_of(report, _read(data))


@given(data=edited(PARQUET))
@examples(60)
def test_any_change_of_a_parquet_file_gives_a_report(data: bytes) -> None:
    """The same for parquet, whose pages may be broken while its footer is whole."""
    report = asked({**over_parquet(), "t.parquet": data})
    if report.verdict is Verdict.APPROVED:
        _values_are_of(report, pd.read_parquet(io.BytesIO(data)))


def _read(data: bytes) -> pd.DataFrame:
    """Read CSV with Python's own reader."""
    found = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    body = [row for row in found[1:] if row]
    frame = pd.DataFrame(body, columns=list(found[0]))
    return frame.assign(**{name: frame[name].astype(float) for name in ("n", "y", "p", "d", "w")})


def _values_are_of(report: Report, frame: pd.DataFrame) -> None:
    """Assert that an approval rests on these rows: the filter is applied and the values are scikit-learn's."""
    inside = frame[(frame["split"] == "test") & (frame["n"] >= 0) & (frame["n"] < 1000)]
    y, d, p, w = (inside[name].astype(float).to_numpy() for name in ("y", "d", "p", "w"))
    wanted = {
        "performance/roc-auc": metrics.roc_auc_score(y, p, sample_weight=w),
        "performance/accuracy": metrics.accuracy_score(y, d, sample_weight=w),
        "recall": metrics.recall_score(y, d, sample_weight=w),
        "performance/brier": metrics.brier_score_loss(y, p, sample_weight=w),
    }
    assert {name: report.finding(name).value for name in wanted} == pytest.approx(wanted, rel=1e-9)


ROLES: dict[str, list[Any]] = {
    "label": ["y", "d", "g", "x", "w", None],
    "positive": [0, 1, "1", True, 2, "a", None],
    "favourable": [0, 1, "b", None],
    "score": ["p", "x", "y", "w", None],
    "prediction": ["d", "y", "g", None],
    "prediction_positive": [0, 1, "a", None],
    "weight": ["w", "x", "n", "y", None],
    "protected": [["g"], ["split"], ["g", "d"], ["n"], ["x"], None],
    "key": ["n", "g", None],
    "cluster": ["g", "n"],
    "features": [["x"], ["p"], None],
}
"""What an author could plausibly write under each role; None leaves it out."""

FILTERS: list[Any] = [
    None, {"split": "test"}, {"split": "train"}, {"g": ["a"]}, {"g": "z"}, {"n": {"from": 100}}, {"n": {"from": 199}},
    {"y": 1}, {"p": {"from": 0.5}}, {"d": [0], "y": [0]}, {"w": 3}, {"x": {"before": 0}},
]  # fmt: skip

SETTINGS: dict[str, list[Any]] = {
    "severity": ["block", "warn", "info"],
    "decision": ["point", "guard", "bound"],
    "on_inconclusive": ["block", "lean", "warn"],
    "guard": [0, 0.5, 100],
    "confidence": [0.51, 0.999999],
    "min_judged": [0, 1],
    "min_group": [1, 90, 10**6],
    "judge_unknown": [True],
    "slices": [[], ["g"], [["g", "split"]], [{"x": [0]}], ["n"]],
    "groups": [["g"], ["split"], [["g", "split"]], ["n"], [{"p": [0.2, 0.8]}]],
    "table": ["evaluation", "train"],
    "when": [{"risk": ["low"]}, {"risk": ["minimal"]}, {"task": ["regression"]}, {"declares": ["cluster"]}],
    "off": ["not today"],
    "at_least": [-1e9, 0, 0.9, 1, 1e9],
    "at_most": [-1, 0, 0.05, 1e9],
    "between": [[-1, 2], [0.4, 0.6]],
}


@st.composite
def plausible(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw a release and a policy that read well and may ask for nonsense."""
    release, rules = copy.deepcopy(RELEASE), copy.deepcopy(POLICY)
    for _ in range(draw(st.integers(0, 3))):
        role = draw(st.sampled_from(sorted(ROLES)))
        release["columns"][role] = draw(st.sampled_from(ROLES[role]))
    release["columns"] = {role: one for role, one in release["columns"].items() if one is not None}
    if draw(st.booleans()):
        release["data"]["evaluation"]["where"] = draw(st.sampled_from(FILTERS))
        if release["data"]["evaluation"]["where"] is None:
            del release["data"]["evaluation"]["where"]
    release["threshold"] = draw(st.sampled_from([0.5, 0.5, 0, 0.3, 1]))
    if draw(st.booleans()):
        del rules["release"]
    for _ in range(draw(st.integers(0, 4))):
        one = draw(st.sampled_from(rules["checks"]))
        name = draw(st.sampled_from(sorted(SETTINGS)))
        if name in ("at_least", "at_most", "between"):
            for other in ("at_least", "at_most", "between", "warn"):
                one.pop(other, None)
        one[name] = draw(st.sampled_from(SETTINGS[name]))
    if draw(st.booleans()):
        rules["extends"] = draw(st.sampled_from([[], ["screen@1"]]))
    if draw(st.integers(0, 9)) == 0:
        rules["not_applicable"] = {draw(st.sampled_from(["performance", "fairness", "data"])): "so I say"}
    return release, rules


@pytest.mark.slow
@given(both=plausible())
@examples(60)
def test_plausible_nonsense_is_approved_only_if_it_passes(
    both: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    """Roles, filters and settings that read well and make no sense: what is approved is recomputed on the rows."""
    release, rules = both
    report = asked(files(release=json.dumps(release).encode(), policy=json.dumps(rules).encode()))
    if report.verdict is Verdict.APPROVED:
        wanted = _recomputed(release)
        uses = {one.get("id", one["check"]): one for one in rules["checks"]}
        for one in report.findings:
            table = uses.get(one.id, {}).get("table", "evaluation")
            if one.id in wanted and one.value is not None and table == "evaluation":
                assert one.value == pytest.approx(wanted[one.id](), rel=1e-9, abs=1e-12), one


def _recomputed(release: dict[str, Any]) -> dict[str, Callable[[], float]]:
    """Return the metrics as the release defines them, from the rows of the table alone."""
    inside = ROWS
    for column, condition in release["data"]["evaluation"].get("where", {}).items():
        values = inside[column]
        if isinstance(condition, dict):
            keep = (values >= condition.get("from", -np.inf)) & (values < condition.get("before", np.inf))
        else:
            keep = values.isin(condition if isinstance(condition, list) else [condition])
        inside = inside[keep]
    roles = release["columns"]

    def positive(role: str, value: Any) -> np.ndarray:
        wanted = str(int(value)) if isinstance(value, bool | int) else value
        return (inside[roles[role]].astype(str) == wanted).to_numpy().astype(float)

    def label() -> np.ndarray:
        return positive("label", roles.get("positive", 1))

    def score() -> np.ndarray:
        return inside[roles["score"]].to_numpy().astype(float)

    def prediction() -> np.ndarray:
        if "prediction" not in roles:
            return (score() >= release["threshold"]).astype(float)
        return positive("prediction", roles.get("prediction_positive", roles.get("positive", 1)))

    w = inside[roles["weight"]].to_numpy() if "weight" in roles else np.ones(len(inside))
    return {
        "performance/roc-auc": lambda: metrics.roc_auc_score(label(), score(), sample_weight=w),
        "performance/accuracy": lambda: metrics.accuracy_score(label(), prediction(), sample_weight=w),
        "recall": lambda: metrics.recall_score(label(), prediction(), sample_weight=w),
        "performance/brier": lambda: metrics.brier_score_loss(label(), score(), sample_weight=w),
    }


COLUMNS = {"y": "label", "p": "score", "d": "prediction", "w": "weight", "g": "protected"}


@pytest.mark.slow
@given(
    column=st.sampled_from(sorted(COLUMNS)),
    how=st.sampled_from(["drop", "null", "infinite", "text", "all null", "rename"]),
    where=st.lists(st.integers(0, 199), min_size=1, max_size=200),
    parquet=st.booleans(),
)
@examples(40)
def test_taking_information_away_never_approves(
    column: str, how: str, where: list[int], parquet: bool
) -> None:
    """Without a column that a required check needs, or with cells of it gone, nothing is approved."""
    frame = ROWS.copy()
    if how == "drop":
        frame = frame.drop(columns=column)
    elif how == "rename":
        frame = frame.rename(columns={column: f"{column} "})
    else:
        gone = {"null": None, "infinite": np.inf, "text": "?", "all null": None}[how]
        cells = frame[column].astype(object)
        cells.iloc[slice(None) if how == "all null" else where] = gone
        frame[column] = cells.astype(float) if how == "infinite" and column != "g" else cells
        if parquet and how in ("text", "infinite"):
            frame[column] = frame[column].astype(str)
    made = (
        {**over_parquet(), "t.parquet": as_parquet(frame)} if parquet else {**files(), "t.csv": as_csv(frame)}
    )
    report = asked(made)
    if column == "g" and how in ("null", "text", "infinite"):
        return  # other groups are still groups; `asked` has recomputed what was approved
    assert report.verdict is not Verdict.APPROVED
