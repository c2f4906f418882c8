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
import yaml
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from mlgate import catalogue, policy
from mlgate.api import Job, judged
from mlgate.findings import Finding, Outcome, Report, Severity, Verdict
from tests.properties import oracles
from tests.properties.conftest import LEVELS, TASKS, Rows, as_csv, as_parquet, examples, sound

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
        | _of_other_tasks(label, rng)
    )


def _of_other_tasks(label: np.ndarray, rng: np.random.Generator) -> dict[str, Any]:
    """Return the columns of good models of every other task, and clusters of rows."""
    place = (label + rng.integers(0, 2, len(label))).astype(int)
    shares = rng.gamma(1 + 12 * np.eye(3)[place])
    shares /= shares.sum(axis=1, keepdims=True)
    said = 10 + 5 * label + rng.normal(size=len(label)).round(2)
    true = said + rng.normal(size=len(label)).round(2)
    return {
        "k": np.array(["low", "mid", "top"])[place],
        "kd": np.array(["low", "mid", "top"])[shares.argmax(axis=1)],
        **{f"p_{name}": shares[:, at] for at, name in enumerate(("low", "mid", "top"))},
        "t": true,
        "td": said,
        "lo": said - 2,
        "hi": said + 2,
        "q10": said - 1.25,
        "q90": said + 1.25,
        "s": (rng.random(len(label)) * 5).round(1),
        "c": rng.integers(0, 60, len(label)),
    }


ROWS = rows()
CSV = as_csv(ROWS)

MODELS: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "multiclass": (
        {
            "label": "k",
            "favourable": ["mid", "top"],
            "score": {"low": "p_low", "mid": "p_mid", "top": "p_top"},
            "prediction": "kd",
        },
        [
            {"check": "performance/accuracy", "at_least": 0.6, "slices": ["g"]},
            {"check": "performance/f1", "at_least": 0.5, "params": {"average": "per_class"}, "min_group": 5},
            {"check": "performance/roc-auc", "at_least": 0.6, "params": {"average": "weighted"}},
            {"check": "performance/brier", "at_most": 0.8},
            {"check": "performance/log-loss", "at_most": 2},
            {"check": "fairness/demographic-parity-difference", "at_most": 0.5, "severity": "block"},
        ],
    ),
    "regression": (
        {
            "label": "t",
            "prediction": "td",
            "interval": ["lo", "hi"],
            "quantiles": {"0.1": "q10", "0.9": "q90"},
        },
        [
            {"check": "performance/mae", "at_most": 1.5, "slices": ["g"]},
            {"check": "performance/r2", "at_least": 0.5},
            {"check": "performance/interval-coverage", "between": [0.8, 1]},
            {"check": "performance/pinball-loss", "at_most": 1, "params": {"level": 0.1}},
            {"check": "performance/quantile-coverage", "at_most": 0.2},
            {"check": "fairness/regression-parity", "at_most": 3, "severity": "block"},
        ],
    ),
    "scores": (
        {"score": "s"},
        [
            {"check": "performance/mean-score", "at_least": 1, "slices": ["g"]},
            {"check": "fairness/score-parity", "at_most": 2, "severity": "block"},
        ],
    ),
}
"""Roles and checks of a release of each other task that is approved."""


def of_task(task: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a release and a policy of a task; those of a binary task are the ones above."""
    release, rules = copy.deepcopy(RELEASE), copy.deepcopy(POLICY)
    if task != "binary":
        roles, checks = copy.deepcopy(MODELS[task])
        shared = {"key": "n", "weight": "w", "protected": ["g"], "features": ["x"], "cluster": "c"}
        release |= {"task": task, "columns": roles | shared}
        del release["threshold"], release["data"]["train"]
        rules |= {"checks": checks, "extends": []}
        rules["release"] = {"task": task, "columns": {"protected": ["g"], "weight": "w", "cluster": "c"}}
    return release, rules


def written(release: Any, rules: Any) -> dict[str, bytes]:
    """Return the files of a release and a policy."""
    return files(release=json.dumps(release).encode(), policy=json.dumps(rules).encode())


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
    assert _within(one.value, one, 0.0)
    if one.kind == "estimate" and one.limit.decided_on != "point":
        assert one.interval is not None
        assert all(_within(bound, one, one.limit.guard) for bound in one.interval)


def _within(value: float, one: Finding, guard: float) -> bool:
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
    for task in MODELS:
        release, rules = of_task(task)
        report = asked(written(release, rules))
        assert report.verdict is Verdict.APPROVED
        assert _recomputed_all(report, release, rules, ROWS)


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


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
@given(data=st.data())
@examples(40)
def test_any_change_of_the_release_gives_a_report(task: str, data: st.DataObject) -> None:
    """A release with keys and values changed at random is judged or refused, and approved only if it passes."""
    release, rules = of_task(task)
    text = data.draw(changed(release))
    report = asked({**written(release, rules), "release.yaml": text})
    if report.verdict is Verdict.APPROVED and task != "binary":
        _recomputed_all(report, yaml.safe_load(text), rules, ROWS)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
@given(data=st.data())
@examples(40)
def test_any_change_of_the_policy_gives_a_report(task: str, data: st.DataObject) -> None:
    """A policy with keys and values changed at random approves only what it demands now."""
    release, rules = of_task(task)
    asked({**written(release, rules), "policy.yaml": data.draw(changed(rules))})


@pytest.mark.slow
@given(data=edited(CSV))
@examples(60)
def test_any_change_of_a_csv_file_gives_a_report(data: bytes) -> None:
    """Bytes changed at random are an error, a finding, or rows on which the value is recomputed."""
    report = asked({**files(), "t.csv": data})
    if report.verdict is Verdict.APPROVED:
        _values_are_of(report, _read(data))


@pytest.mark.slow
@pytest.mark.parametrize("task", MODELS)
@given(data=edited(CSV))
@examples(20)
def test_any_change_of_a_csv_file_of_another_task_gives_a_report(task: str, data: bytes) -> None:
    """The same for the tables of every other task."""
    release, rules = of_task(task)
    report = asked({**written(release, rules), "t.csv": data})
    if report.verdict is Verdict.APPROVED:
        assert _recomputed_all(report, release, rules, _read(data))


@given(data=edited(PARQUET))
@examples(60)
def test_any_change_of_a_parquet_file_gives_a_report(data: bytes) -> None:
    """The same for parquet, whose pages may be broken while its footer is whole."""
    report = asked({**over_parquet(), "t.parquet": data})
    if report.verdict is Verdict.APPROVED:
        _values_are_of(report, pd.read_parquet(io.BytesIO(data)))


def _read(data: bytes) -> pd.DataFrame:
    """Read CSV with Python's own reader: texts, but for the column that rows are filtered by."""
    found = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    body = [row for row in found[1:] if row]
    frame = pd.DataFrame(body, columns=list(found[0]))
    return frame.assign(n=frame["n"].astype(float))


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


def _inside(release: dict[str, Any], frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that the release's filter leaves."""
    for column, condition in release["data"]["evaluation"].get("where", {}).items():
        values = frame[column]
        if isinstance(condition, dict):
            keep = (values >= condition.get("from", -np.inf)) & (values < condition.get("before", np.inf))
        else:
            keep = values.isin(condition if isinstance(condition, list) else [condition])
        frame = frame[keep]
    return frame


def _rows(release: dict[str, Any], frame: pd.DataFrame) -> Rows:
    """Return the rows in plain numbers, as a release of any task but binary has them."""
    inside, roles = _inside(release, frame), release["columns"]
    nothing = np.zeros(len(inside))

    def numbers(*names: str | None) -> np.ndarray:
        return np.stack(
            [nothing if one is None else inside[one].to_numpy(dtype=float) for one in names], axis=1
        )

    known: dict[str, Any] = {
        "y": numbers(roles.get("label"))[:, 0] if release["task"] == "regression" else nothing,
        "d": numbers(roles.get("prediction"))[:, 0] if release["task"] == "regression" else nothing,
        "p": numbers(roles["score"])[:, 0] if release["task"] == "scores" else nothing,
    }
    if release["task"] == "multiclass":
        names = [str(one) for one in roles["score"]]
        shares = numbers(*roles["score"].values())
        known = {"y": inside[roles["label"]].astype(str).map(names.index).to_numpy(), "p": shares}
        known["d"] = shares.argmax(axis=1)
        if "prediction" in roles:
            known["d"] = inside[roles["prediction"]].astype(str).map(names.index).to_numpy()
    levels = {float(level): name for level, name in roles.get("quantiles", {}).items()}
    return Rows(
        task=release["task"],
        w=numbers(roles["weight"])[:, 0] if "weight" in roles else nothing + 1,
        ends=numbers(*roles.get("interval", (None, None))),
        q=numbers(*(levels.get(level) for level in LEVELS)),
        cluster=inside[roles["cluster"]].to_numpy() if "cluster" in roles else None,
        **known,
    )


def _recomputed_all(
    report: Report, release: dict[str, Any], rules: dict[str, Any], frame: pd.DataFrame
) -> int:
    """Assert that the values of an approval are those of the rows; return how many were compared."""
    rows, compared = _rows(release, frame).counted, 0
    for one in rules["checks"]:
        asked_ = (
            other
            for other in oracles.OF_TASK[release["task"]]
            if (other.check, dict(other.params)) == (one["check"], one.get("params", {}))
        )
        oracle = next(asked_, None)
        there = [found for found in report.findings if found.id == one.get("id", one["check"])]
        if (
            oracle is None or one["check"] == "performance/quantile-coverage"
        ):  # of levels that it does not have
            continue
        for found in there:
            if found.value is not None:
                wanted = oracle.value(rows, one.get("min_group", rules.get("min_group", 30)))
                assert found.value == pytest.approx(wanted, rel=1e-9, abs=1e-12), found
                compared += 1
    return compared


PLAUSIBLE: dict[str, dict[str, list[Any]]] = {
    "multiclass": {
        "label": ["k", "kd", "g", "y", "t", "c", None],
        "prediction": ["kd", "k", "g", "d", "p_low", None],
        "favourable": ["top", ["mid"], ["low", "mid", "top"], "tpo", [], 1, None],
        "score": [
            {"low": "p_low", "mid": "p_mid"},
            {"low": "p_low", "mid": "p_mid", "top": "p_top", "more": "x"},
            {"low": "p_low", "mid": "p_mid", "Top": "p_top"},
            {"low": "p_mid", "mid": "p_low", "top": "p_top"},
            {"low": "p_low", "mid": "p_low", "top": "p_top"},
            {"low": "p_low", "mid": "p_mid", "top": "p"},
            "p",
            None,
        ],
    },
    "regression": {
        "label": ["t", "td", "k", "y", "n", None],
        "prediction": ["td", "t", "kd", "d", "s", None],
        "interval": [["lo", "hi"], ["hi", "lo"], ["lo", "lo"], ["t", "hi"], ["lo"], None],
        "quantiles": [
            {"0.1": "q90", "0.9": "q10"},
            {"0.1": "q10", "0.10": "q90"},
            {"0.1": "q10"},
            {"1.1": "q10"},
            {"0.1": "g"},
            {},
            None,
        ],
    },
    "scores": {
        "score": ["s", "p", "t", "k", "n", {"low": "s"}, None],
        "label": ["t", "k", None],
        "prediction": ["td"],
    },
}
"""What an author could plausibly write under each role of the other tasks; None leaves it out."""
SHARED = {"weight": ["w", "x", "c", None], "cluster": ["c", "n", "g", "split", "none", None]}
SPOILT = ["", "NaN", "inf", "-1", "1e400", "2", "mid", "Mid", " low", "low,", "\u0000"]


@st.composite
def spoilt(draw: st.DrawFn) -> pd.DataFrame:
    """Draw the table with some of its cells, columns or rows gone bad, or as it is."""
    frame = ROWS.astype(object)
    match draw(st.sampled_from(["as it is", "as it is", "cells", "one class", "few rows", "half", "same"])):
        case "cells":
            column = draw(
                st.sampled_from(sorted({"k", "kd", "p_low", "p_top", "t", "td", "lo", "s", "c", "w"}))
            )
            for at in draw(st.lists(st.integers(0, 199), min_size=1, max_size=5)):
                frame.loc[at, column] = draw(st.sampled_from(SPOILT))
        case "one class":
            frame["k"] = frame["kd"] = "low"
        case "few rows":
            frame = frame.iloc[: draw(st.sampled_from([0, 1, 2, 5]))]
        case "half":
            name = draw(st.sampled_from(["p_low", "p_mid", "w", "hi", "q10", "s"]))
            frame[name] = ROWS[name] / 2
        case "same":
            frame["td"], frame["s"], frame["kd"] = frame["t"], 3.0, frame["k"]
    return frame


@pytest.mark.slow
@pytest.mark.parametrize("task", MODELS)
@given(data=st.data())
@examples(20)
def test_plausible_nonsense_of_another_task_is_approved_only_if_it_passes(
    task: str, data: st.DataObject
) -> None:
    """Another task, roles that do not fit, scores that are none, few rows: what is approved is recomputed."""
    release, rules = of_task(task)
    if data.draw(st.integers(0, 4)) == 0:
        release["task"] = data.draw(st.sampled_from(TASKS))
    roles = PLAUSIBLE[task] | SHARED
    for role in data.draw(st.lists(st.sampled_from(sorted(roles)), max_size=2)):
        release["columns"][role] = data.draw(st.sampled_from(roles[role]))
    release["columns"] = {role: one for role, one in release["columns"].items() if one is not None}
    if data.draw(st.booleans()):
        del rules["release"]
    frame = data.draw(spoilt())
    report = asked({**written(release, rules), "t.csv": as_csv(frame)})
    if report.verdict is Verdict.APPROVED:
        _recomputed_all(report, release, rules, _read(as_csv(frame)))


def _recomputed(release: dict[str, Any]) -> dict[str, Callable[[], float]]:
    """Return the metrics as the release defines them, from the rows of the table alone."""
    inside = _inside(release, ROWS)
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
