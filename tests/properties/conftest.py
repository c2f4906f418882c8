"""Random releases, judged by the whole gate from files on disk, and what holds for any report.

A release is drawn as its structure (sizes, codings, roles, limits) and a seed that fills in the rows, so
that one cheap draw gives a rich table. `--run-heavy` draws ten times as many; with `--hypothesis-seed` it
draws others.
"""

from __future__ import annotations

import json
import math
import random
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from mlgate import catalogue
from mlgate.api import Job, judged
from mlgate.findings import Finding, GroupRecord, Outcome, Report, totals_of, verdict_of
from mlgate.render import record

_DRAWING = {"times": 1, "derandomize": True}


def pytest_configure(config: pytest.Config) -> None:
    """Draw more examples, or others, when the command line asks for them."""
    _DRAWING["times"] = 10 if config.getoption("--run-heavy", default=False) else 1
    _DRAWING["derandomize"] = config.getoption("--hypothesis-seed", default=None) is None


def examples(few: int) -> settings:
    """Return settings for a property of which every example judges a release or several.

    What fails is shown as it was drawn: to shrink it would judge hundreds of releases.
    """
    return settings(
        phases=(Phase.explicit, Phase.generate),
        max_examples=few * int(_DRAWING["times"]),
        derandomize=bool(_DRAWING["derandomize"]),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )


@dataclass(frozen=True, kw_only=True)
class Coding:
    """How the two classes are written, and what the release calls positive."""

    negative: object
    positive: object
    stated: object | None
    """What stands in the release; None leaves it out."""


CODINGS = (
    Coding(negative=0, positive=1, stated=None),
    Coding(negative=0, positive=1, stated="1"),
    Coding(negative=1, positive=0, stated=0),
    Coding(negative=1, positive=2, stated=2),
    Coding(negative=2, positive=1, stated=1),
    Coding(negative=-1, positive=1, stated=1.0),
    Coding(negative=0.0, positive=1.0, stated=True),
    Coding(negative=0.5, positive=0.25, stated=0.25),
    Coding(negative=False, positive=True, stated=None),
    Coding(negative=True, positive=False, stated="false"),
    Coding(negative="no", positive="yes", stated="yes"),
    Coding(negative="<=50K", positive=">50K", stated=">50K"),
    Coding(negative="gut, ja", positive='"schlecht"', stated='"schlecht"'),
    Coding(negative="ä", positive="ö", stated="ö"),
)
NAMES = ("y", "label", "select", "a b", "x,y", "Größe", "t.col", "n", "g0", "[z]", "'q'", "%s", "{{ n }}")
TEXT_GROUPS = ("a", "b", "female", "unknown", "A, b", " a", "ß", "<script>", "@x]", "zz", "x\u202ey")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The structure of a table; `seed` fills in the rows."""

    rows: int
    label: Coding
    share: float
    """Of positives; 0 and 1 give one class."""
    score: str
    """`distinct`, `ties`, `corners`, `one`, or `good`: near the label."""
    threshold: float
    prediction: Coding | None
    """None: the score decides."""
    weight: str | None
    """`integers`, `floats`, `wide`, or no weights."""
    groups: int
    """How many texts the first protected column has."""
    numbers: str
    """What the second protected column holds: `integers`, `booleans` or `floats`."""
    missing: float
    """Share of protected values that are missing."""
    names: tuple[str, ...]
    """Of the columns: label, score, prediction, weight, both protected ones, a feature."""
    seed: int


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A table with what the release says of it, and the same rows in plain numbers."""

    frame: pd.DataFrame
    columns: dict[str, Any]
    threshold: float
    label: np.ndarray
    prediction: np.ndarray
    score: np.ndarray
    weight: np.ndarray
    shape: Shape

    @property
    def protected(self) -> tuple[str, str]:
        """The names of the two protected columns."""
        first, second = self.columns["protected"]
        return first, second

    @property
    def feature(self) -> str:
        """The name of the column that has no role."""
        return self.shape.names[6]

    def taken(self, order: np.ndarray) -> Drawn:
        """Return the table made of these rows, in this order."""
        return replace(
            self,
            frame=self.frame.iloc[order].reset_index(drop=True),
            label=self.label[order],
            prediction=self.prediction[order],
            score=self.score[order],
            weight=self.weight[order],
        )


def shapes(**fixed: Any) -> st.SearchStrategy[Shape]:
    """Draw the structure of a table; what is fixed is not drawn."""
    parts: dict[str, st.SearchStrategy[Any]] = {
        "rows": st.integers(1, 12) | st.integers(20, 300) | st.integers(60, 300),
        "label": st.sampled_from(CODINGS),
        "share": st.sampled_from([0.5, 0.3, 0.7, 0.1, 0.0, 1.0]),
        "score": st.sampled_from(["ties", "distinct", "good", "corners", "one"]),
        "threshold": st.sampled_from([0.5, 0.3, 0.7, 0.0, 1.0]),
        "prediction": st.none() | st.sampled_from(CODINGS),
        "weight": st.sampled_from([None, "integers", "floats", "wide"]),
        "groups": st.integers(1, 6),
        "numbers": st.sampled_from(["integers", "booleans", "floats"]),
        "missing": st.sampled_from([0.0, 0.1, 0.5, 1.0]),
        "names": st.permutations(NAMES).map(tuple),
        "seed": st.integers(0, 2**32 - 1),
    }
    return st.builds(Shape, **parts | {name: st.just(one) for name, one in fixed.items()})


def drawn(shape: Shape) -> Drawn:
    """Fill in the rows."""
    rng = np.random.default_rng(shape.seed)
    label = (rng.random(shape.rows) < shape.share).astype(float)
    score = _scores(shape, label, rng)
    prediction = (score >= shape.threshold).astype(float)
    if shape.prediction is not None:
        flipped = rng.random(shape.rows) < rng.choice([0.0, 0.1, 0.4])
        prediction = np.where(flipped, 1.0 - label, label)
    weight = _weights(shape, rng)
    y, p, d, w, g, h, x = shape.names[:7]
    series: dict[str, Any] = {
        g: _texts(shape, rng),
        y: _coded(label, shape.label),
        h: _others(shape, rng),
        p: score,
        x: rng.integers(0, 1000, shape.rows) / 8,
    }
    columns: dict[str, Any] = {"label": y, "score": p, "protected": [g, h]}
    if shape.label.stated is not None:
        columns["positive"] = shape.label.stated
    if shape.prediction is not None:
        series[d] = _coded(prediction, shape.prediction)
        columns["prediction"] = d
        columns["prediction_positive"] = shape.prediction.positive
    if shape.weight is not None:
        series[w] = weight.astype(int) if shape.weight == "integers" else weight
        columns["weight"] = w
    return Drawn(
        frame=pd.DataFrame(series),
        columns=columns,
        threshold=shape.threshold,
        label=label,
        prediction=prediction,
        score=score,
        weight=weight,
        shape=shape,
    )


def proven(table: Drawn, *, both: bool = False) -> bool:
    """Whether the rows show that the release writes the positive value right (and `both`: the other one).

    A column of one class shows nothing of the other, unless it is 0 and 1; the gate then judges nothing.
    """
    coded = [(table.label, table.shape.label)]
    if table.shape.prediction is not None:
        coded.append((table.prediction, table.shape.prediction))
    return all(
        {coding.negative, coding.positive} <= {0, 1} or (values.any() and not (both and values.all()))
        for values, coding in coded
    )


def _scores(shape: Shape, label: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    match shape.score:
        case "distinct":
            return rng.random(shape.rows)
        case "ties":
            return rng.integers(0, 11, shape.rows) / 10
        case "good":
            return np.clip(rng.normal(0.3 + 0.4 * label, 0.15), 0.001, 0.999).round(3)
        case "corners":
            return rng.choice([0.0, -0.0, 1.0, 0.5, 5e-324, 1 - 2**-53, 0.1 + 0.2, 0.3], shape.rows)
        case _:
            return np.full(shape.rows, 0.25)


def _weights(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    match shape.weight:
        case "integers":
            return rng.integers(0, 4, shape.rows).astype(float)
        case "floats":
            return rng.random(shape.rows) * (rng.random(shape.rows) < 0.9)
        case "wide":
            return 10 ** rng.uniform(-6, 6, shape.rows)
        case _:
            return np.ones(shape.rows)


def _coded(values: np.ndarray, coding: Coding) -> pd.Series:
    return pd.Series([coding.positive if one else coding.negative for one in values])


def _texts(shape: Shape, rng: np.random.Generator) -> pd.Series:
    names = rng.permutation(np.array(TEXT_GROUPS, dtype=object))[: shape.groups]
    found = rng.choice(names, shape.rows, p=rng.dirichlet(np.full(shape.groups, 1.5)))
    found[rng.random(shape.rows) < shape.missing] = None
    return pd.Series(found, dtype="string")


def _others(shape: Shape, rng: np.random.Generator) -> pd.Series:
    missing = rng.random(shape.rows) < shape.missing
    match shape.numbers:
        case "integers":
            values, kind = rng.integers(-1, 2, shape.rows), "Int64"
        case "booleans":
            values, kind = rng.random(shape.rows) < 0.5, "boolean"
        case _:
            values, kind = rng.choice([-0.0, 0.0, 1.0, 2.5, 1e300], shape.rows), "Float64"
    return pd.Series(values).astype(kind).mask(missing)


CHECKS = catalogue.load()
PERFORMANCE = tuple(
    one.id
    for one in CHECKS.values()
    if one.family == "performance" and "binary" in one.tasks and not one.tables
)
FAIRNESS = tuple(one.id for one in CHECKS.values() if one.family == "fairness" and "binary" in one.tasks)
"""Those that one binary table answers."""
PARAMS: Mapping[str, dict[str, Any]] = {
    "performance/expected-cost": {"fp_cost": 1, "fn_cost": 5},
    "data/allowed-values": {"values": {}},
}


def use(check: str, number: int = 0, limit: float = 0.5, **more: Any) -> dict[str, Any]:
    """Return a use with a limit in the direction of its check."""
    better = CHECKS[check].better
    found: dict[str, Any] = {"check": check, "id": f"use-{number}"}
    if better == "higher":
        found["at_least"] = limit
    elif better == "lower":
        found["at_most"] = limit
    else:
        found["between"] = [limit, limit + 0.5]
    return {**found, **({"params": PARAMS[check]} if check in PARAMS else {}), **more}


def spelt(value: Any) -> str | None:
    """Spell a protected value as the group table does."""
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**63 else repr(float(value))
    return str(value)


def facts(table: Drawn, *, typed: bool = True) -> list[dict[str, Any]]:
    """Return uses of every check of data that can be asked of any table; of the schema when it is stated."""
    x, (g, h) = table.feature, table.protected
    plain: dict[str, dict[str, Any]] = {
        "data/row-count": {"at_least": 50},
        "data/missing": {"at_most": 0.2},
        "data/duplicate-rows": {"at_most": 0.1, "params": {"columns": [g, h]}},
        "data/constant-columns": {"at_most": 0},
        "data/class-balance": {"at_least": 0.2},
        "data/unique-key": {"at_most": 3, "params": {"columns": [x, g]}},
        "data/range": {"at_most": 0, "params": {"columns": {x: [0, 100.5]}}},
        "data/allowed-values": {"at_most": 0, "params": {"columns": {g: ["a", "b"], h: [0, 1, True]}}},
        "data/schema": {"at_most": 0, "params": {"columns": kinds(table.frame), "order": True}},
    }
    return [{"check": check, **more} for check, more in plain.items() if typed or check != "data/schema"]


def kinds(frame: pd.DataFrame) -> dict[str, str]:
    """Return the types of the columns, in mlgate's words."""

    def kind(dtype: Any) -> str:
        tests: dict[str, Callable[[Any], bool]] = {
            "boolean": pd.api.types.is_bool_dtype,
            "integer": pd.api.types.is_integer_dtype,
            "number": pd.api.types.is_float_dtype,
        }
        return next((name for name, test in tests.items() if test(dtype)), "string")

    return {str(name): kind(dtype) for name, dtype in frame.dtypes.items()}


@dataclass(frozen=True, kw_only=True)
class Files:
    """A release and a policy with their table, as files."""

    table: Mapping[str, bytes]
    """File name to bytes."""
    release: Any
    policy: Any
    """Either may also be raw bytes."""
    more: Mapping[str, bytes] = field(default_factory=dict)

    def judged(self, *, only: str | None = None) -> Report:
        """Write everything into an empty folder, and judge it."""
        with tempfile.TemporaryDirectory(prefix="mlgate-property-") as name:
            folder = Path(name)
            for file, data in {**self.table, **self.more}.items():
                (folder / file).write_bytes(data)
            for file, data in (("release.yaml", self.release), ("policy.yaml", self.policy)):
                # JSON is YAML without anchors, which the gate refuses.
                text = data if isinstance(data, bytes) else json.dumps(data).encode()
                (folder / file).write_bytes(text)
            report = judged(Job(release=folder / "release.yaml", only=only))
        sound(report)
        return report


def as_csv(frame: pd.DataFrame) -> bytes:
    """Write a table as CSV, floats so that they read back the same."""
    return frame.to_csv(index=False).encode()


def as_parquet(frame: pd.DataFrame) -> bytes:
    """Write a table as parquet."""
    return frame.to_parquet(index=False)


def release_of(table: Drawn, path: str, **more: Any) -> dict[str, Any]:
    """Return a release over a table."""
    return {
        "mlgate": 1,
        "name": "drawn",
        "version": "1",
        "task": "binary",
        "data": {"evaluation": {"path": path, **more}},
        "columns": table.columns,
        "threshold": table.threshold,
    }


def policy_of(uses: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return a policy of these uses."""
    return {"mlgate": 1, "policy": "drawn", "checks": uses, **more}


def judge(table: Drawn, uses: list[dict[str, Any]], *, parquet: bool = False, **policy: Any) -> Report:
    """Judge a table, written in one of the two formats."""
    name = "t.parquet" if parquet else "t.csv"
    data = as_parquet(table.frame) if parquet else as_csv(table.frame)
    report = Files(
        table={name: data}, release=release_of(table, name), policy=policy_of(uses, **policy)
    ).judged()
    assert not report.errors, report.errors
    return report


def plain(report: Report) -> dict[str, Any]:
    """Return the report as JSON has it, without what the schema calls volatile."""
    return record.stable(json.loads(record.to_json(report)))


def findings(report: Report) -> dict[str, Any]:
    """Return the stable part of each finding by its id."""
    return {one["id"]: one for one in plain(report)["findings"]}


def sound(report: Report) -> None:
    """Assert what holds for any report, whatever was judged."""
    if report.verdict is None:
        assert report.errors
        assert not report.findings
    assert not any("internal fault" in one.what for one in report.errors), report.errors
    ids = [one.id for one in report.findings]
    assert len(set(ids)) == len(ids)
    assert dict(report.totals) == totals_of(report.findings)
    assert report.verdict in (None, verdict_of(report.findings))
    assert all(one.where and one.what and one.todo for one in report.errors)
    rows = max((one.rows or 0 for one in report.evidence if one.kind == "table"), default=0)
    for one in report.findings:
        try:
            _sound_finding(one, rows)
        except AssertionError as error:
            raise AssertionError(f"{error}\nin {one}") from error


def _sound_finding(one: Finding, rows: int) -> None:
    assert " failed: " not in (one.reason or ""), "a measure crashed"
    unmeasured = one.outcome in (Outcome.NOT_MEASURED, Outcome.NOT_APPLICABLE, Outcome.INCONCLUSIVE)
    assert bool(one.reason) == unmeasured, "a reason where one is due, and only there"
    if one.value is None:
        assert one.outcome in (Outcome.NOT_MEASURED, Outcome.NOT_APPLICABLE)
    else:
        assert math.isfinite(one.value)
        assert one.limit is not None
    assert one.n is None or 0 <= one.n <= rows or one.family in ("data", "documentation", "governance")
    if one.interval is not None:
        low, high = one.interval
        assert one.method, "an interval has a method"
        assert low < high, "an interval has a width"
        assert one.value is None or low <= one.value <= high, "an interval holds its value"
    if one.kind == "fact":
        assert one.interval is None
        assert one.outcome is not Outcome.INCONCLUSIVE
    assert one.judged_share is None or 0 <= one.judged_share <= 1
    for group in one.groups:
        _sound_group(group, one)


def _sound_group(group: GroupRecord, of: Finding) -> None:
    assert group.n >= 0
    if of.kind == "estimate":
        assert group.judged or group.reason, "a group that is not judged says why"
    if group.value is None:
        assert group.reason, "a line without a value says why"
        assert of.kind == "fact" or not group.judged
    if group.denominator is not None and group.numerator is not None:
        assert abs(group.numerator) <= group.denominator * (1 + 1e-9)
    if group.interval is not None and group.value is not None:
        low, high = group.interval
        assert low < high
        slack = 1e-9 * max(abs(low), abs(high))
        assert low - slack <= group.value <= high + slack


def close(found: float | None, wanted: float | None, *, slack: float = 1e-12) -> bool:
    """Whether two numbers are the same to 1e-9, relative, or to `slack`; None is the same as None only."""
    if found is None or wanted is None:
        return found is wanted
    return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=slack)


def shuffled(table: Drawn, seed: int) -> Drawn:
    """Return the same rows in another order."""
    order = list(range(len(table.frame)))
    random.Random(seed).shuffle(order)
    return table.taken(np.array(order, dtype=int))
