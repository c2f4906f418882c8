"""Random releases, judged by the whole gate from files on disk, and what holds for any report.

A release is drawn as its structure (sizes, codings, roles, limits) and a seed that fills in the rows, so
that one cheap draw gives a rich table. `--run-heavy` draws over thirty times as many; with `--hypothesis-seed`
it draws others.
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

_DRAWING = {"times": 0.3, "derandomize": True}


def pytest_configure(config: pytest.Config) -> None:
    """Draw more examples, or others, when the command line asks for them."""
    _DRAWING["times"] = 10 if config.getoption("--run-heavy", default=False) else 0.3
    _DRAWING["derandomize"] = config.getoption("--hypothesis-seed", default=None) is None


def examples(few: int) -> settings:
    """Return settings for a property of which every example judges a release or several.

    What fails is shown as it was drawn: to shrink it would judge hundreds of releases.
    """
    return settings(
        phases=(Phase.explicit, Phase.generate),
        max_examples=math.ceil(few * _DRAWING["times"]),
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
CLASSES: tuple[tuple[object, ...], ...] = (
    ("a", "b", "c"),
    (3, 1, 2, 10),
    ("no", "maybe", "gut, ja", "@x]", "[z]"),
    (0, 1),
    (2.5, -1.0, 7.0),
    ("true", "maybe", "false"),
)
"""Classes of several, in the order in which the release gives their scores; those of numbers have an order."""
TASKS = ("binary", "multiclass", "regression", "scores")
LEVELS = (0.1, 0.5, 0.9)
"""Of the quantiles of a regression."""
NAMES = ("y", "label", "select", "a b", "x,y", "Größe", "t.col", "n", "g0", "[z]", "'q'", "%s", "{{ n }}")
TEXT_GROUPS = ("a", "b", "female", "unknown", "A, b", " a", "ß", "<script>", "@x]", "zz", "x\u202ey")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The structure of a table; `seed` fills in the rows."""

    task: str
    rows: int
    label: Coding
    classes: tuple[object, ...]
    """Of a multiclass table."""
    favourable: int
    """How many of them people want."""
    share: float
    """Of positives, or of rows of the first class; 0 and 1 give one class, or leave the first one out."""
    score: str
    """`distinct`, `ties`, `corners`, `one`, or `good`: near the label. Of numbers too, which a regression has."""
    threshold: float
    prediction: Coding | None
    """None: the score decides."""
    clusters: str | None
    """`some`, `one`, `own`: each row its own, or no clusters."""
    weight: str | None
    """`integers`, `floats`, `wide`, or no weights."""
    groups: int
    """How many texts the first protected column has."""
    numbers: str
    """What the second protected column holds: `integers`, `booleans` or `floats`."""
    missing: float
    """Share of protected values that are missing."""
    names: tuple[str, ...]
    """Of the columns: label, score, prediction, weight, both protected ones, a feature, another, the cluster."""
    seed: int


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows in plain numbers, whatever the task; what a task has not is all zeros.

    Classes are places among those that the release gives scores for, and `p` then has a column for each.
    """

    task: str
    y: np.ndarray
    d: np.ndarray
    p: np.ndarray
    w: np.ndarray
    ends: np.ndarray
    """Low and high end of an interval, shape (rows, 2)."""
    q: np.ndarray
    """One column for each of `LEVELS`."""
    cluster: np.ndarray | None = None
    favourable: tuple[int, ...] = ()
    names: tuple[float, ...] = ()
    """Of the classes, where they are numbers."""

    def where(self, rows: np.ndarray) -> Rows:
        """Return some of the rows, by mask or by place."""
        several = {name: one[rows] for name, one in vars(self).items() if isinstance(one, np.ndarray)}
        return replace(self, **several)

    def weighs(self, mask: np.ndarray) -> bool:
        """Whether rows have any weight together."""
        return bool(self.w[mask].sum() > 0)

    @property
    def counted(self) -> Rows:
        """The rows that weigh something."""
        return self.where(self.w > 0)

    @property
    def viewed(self) -> Rows:
        """The rows as those of a binary table: of several classes, whether it is a favourable one."""
        if self.task != "multiclass":
            return self
        liked = list(self.favourable)
        return replace(
            self,
            task="binary",
            y=np.isin(self.y, liked).astype(float),
            d=np.isin(self.d, liked).astype(float),
            p=np.minimum(sum(self.p[:, one] for one in liked), 1.0),
        )


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A table with what the release says of it, and the same rows in plain numbers."""

    frame: pd.DataFrame
    columns: dict[str, Any]
    rows: Rows
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
            rows=self.rows.where(order),
            shape=replace(self.shape, rows=len(order)),
        )


def shapes(**fixed: Any) -> st.SearchStrategy[Shape]:
    """Draw the structure of a table; what is fixed is not drawn."""
    parts: dict[str, st.SearchStrategy[Any]] = {
        "task": st.sampled_from(TASKS),
        "rows": st.integers(1, 12) | st.integers(20, 300) | st.integers(60, 300),
        "label": st.sampled_from(CODINGS),
        "classes": st.sampled_from(CLASSES),
        "favourable": st.integers(1, 2),
        "share": st.sampled_from([0.5, 0.3, 0.7, 0.1, 0.0, 1.0]),
        "score": st.sampled_from(["ties", "distinct", "good", "corners", "one"]),
        "threshold": st.sampled_from([0.5, 0.3, 0.7, 0.0, 1.0]),
        "prediction": st.none() | st.sampled_from(CODINGS),
        "clusters": st.sampled_from([None, None, "some", "some", "own", "one"]),
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
    made = {"binary": _binary, "multiclass": _multiclass, "regression": _regression, "scores": _graded}
    series, columns, numbers = made[shape.task](shape, rng)
    weight = _weights(shape, rng)
    w, g, h, x, c = (shape.names[place] for place in (3, 4, 5, 6, 8))
    series = {
        g: _texts(shape, rng),
        **series,
        h: _others(shape, rng),
        x: rng.integers(0, 1000, shape.rows) / 8,
    }
    columns["protected"] = [g, h]
    if shape.weight is not None:
        series[w] = weight.astype(int) if shape.weight == "integers" else weight
        columns["weight"] = w
    cluster = _clusters(shape, rng)
    if cluster is not None:
        series[c] = cluster
        columns["cluster"] = c
    nothing = np.zeros(shape.rows)
    empty = {"y": nothing, "d": nothing, "p": nothing, "ends": nothing, "q": nothing}
    return Drawn(
        frame=pd.DataFrame(series),
        columns=columns,
        rows=Rows(task=shape.task, **{**empty, **numbers}, w=weight, cluster=cluster),
        shape=shape,
    )


Parts = tuple[dict[str, Any], dict[str, Any], dict[str, Any]]
"""Columns of the table, roles of the release, and the numbers of `Rows`."""


def _binary(shape: Shape, rng: np.random.Generator) -> Parts:
    y, p, d = shape.names[:3]
    label = (rng.random(shape.rows) < shape.share).astype(float)
    score = _scores(shape, label, rng)
    prediction = (score >= shape.threshold).astype(float)
    if shape.prediction is not None:
        flipped = rng.random(shape.rows) < rng.choice([0.0, 0.1, 0.4])
        prediction = np.where(flipped, 1.0 - label, label)
    series: dict[str, Any] = {y: _coded(label, shape.label), p: score}
    columns: dict[str, Any] = {"label": y, "score": p}
    if shape.label.stated is not None:
        columns["positive"] = shape.label.stated
    if shape.prediction is not None:
        series[d] = _coded(prediction, shape.prediction)
        columns["prediction"] = d
        columns["prediction_positive"] = shape.prediction.positive
    return series, columns, {"y": label, "d": prediction, "p": score}


def _multiclass(shape: Shape, rng: np.random.Generator) -> Parts:
    y, p, d = shape.names[:3]
    size = len(shape.classes)
    others = rng.dirichlet(np.full(size - 1, 2.0)) * (1.0 - shape.share)
    label = rng.choice(size, shape.rows, p=[shape.share, *others])
    score = _probabilities(shape, label, rng)
    prediction = score.argmax(axis=1)
    if shape.prediction is not None:
        flipped = rng.random(shape.rows) < rng.choice([0.0, 0.1, 0.4])
        prediction = np.where(flipped, rng.integers(0, size, shape.rows), label)
    names = {place: f"{p} of {one}" for place, one in enumerate(shape.classes)}
    series: dict[str, Any] = {y: pd.Series([shape.classes[one] for one in label])}
    series |= {name: score[:, place] for place, name in names.items()}
    columns: dict[str, Any] = {
        "label": y,
        "score": {str(shape.classes[place]): name for place, name in names.items()},
    }
    if shape.prediction is not None:
        series[d] = pd.Series([shape.classes[one] for one in prediction])
        columns["prediction"] = d
    liked = tuple(rng.permutation(size)[: min(shape.favourable, size - 1)].tolist())
    wanted = [shape.classes[one] for one in liked]
    columns["favourable"] = wanted if len(wanted) > 1 else wanted[0]
    numbers = {"y": label, "d": prediction, "p": score, "favourable": liked}
    ordered = not any(isinstance(one, str) for one in shape.classes)
    return series, columns, numbers | ({"names": shape.classes} if ordered else {})


def _regression(shape: Shape, rng: np.random.Generator) -> Parts:
    y, p, d = shape.names[:3]
    label = _graded_numbers(shape, rng)
    apart = _graded_numbers(replace(shape, score="good" if shape.score == "good" else "ties"), rng) - 3
    prediction = label + apart * rng.choice([0.0, 0.25, 1.0])
    if shape.score == "corners":
        prediction = rng.permutation(label)
    spread = rng.integers(0, 5, (shape.rows, 2)) / 2
    ends = np.stack([prediction - spread[:, 0], prediction + spread[:, 1]], axis=1)
    quantiles = prediction[:, None] + rng.normal(size=(1, len(LEVELS))).round(1)
    series = {y: label, d: prediction, f"{p} low": ends[:, 0], f"{p} high": ends[:, 1]}
    series |= {f"{p} at {level}": quantiles[:, place] for place, level in enumerate(LEVELS)}
    columns: dict[str, Any] = {
        "label": y,
        "prediction": d,
        "interval": [f"{p} low", f"{p} high"],
        "quantiles": {str(level): f"{p} at {level}" for level in LEVELS},
    }
    return series, columns, {"y": label, "d": prediction, "ends": ends, "q": quantiles}


def _graded(shape: Shape, rng: np.random.Generator) -> Parts:
    score = _graded_numbers(shape, rng)
    return {shape.names[1]: score}, {"score": shape.names[1]}, {"p": score}


def _clusters(shape: Shape, rng: np.random.Generator) -> np.ndarray | None:
    match shape.clusters:
        case "some":
            return rng.integers(0, max(2, shape.rows // 4), shape.rows)
        case "own":
            return rng.permutation(shape.rows)
        case "one":
            return np.full(shape.rows, 7)
        case _:
            return None


def proven(table: Drawn, *, both: bool = False) -> bool:
    """Whether the rows show that the release writes the positive value right (and `both`: the other one).

    A column of one class shows nothing of the other, unless it is 0 and 1; the gate then judges nothing.
    """
    if table.shape.task != "binary":
        return True
    coded = [(table.rows.y, table.shape.label)]
    if table.shape.prediction is not None:
        coded.append((table.rows.d, table.shape.prediction))
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


def _probabilities(shape: Shape, label: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw a probability for each class of each row; they add up to 1, but for rounding."""
    size = len(shape.classes)
    match shape.score:
        case "distinct":
            return rng.dirichlet(np.ones(size), shape.rows)
        case "ties":
            return rng.multinomial(10, np.full(size, 1 / size), shape.rows) / 10
        case "good":
            drawn_ = rng.gamma(1.0 + 3.0 * np.eye(size)[label])
            return drawn_ / drawn_.sum(axis=1, keepdims=True)
        case "corners":
            sure = np.eye(size)[rng.integers(0, size, shape.rows)]
            half = (sure + np.roll(sure, 1, axis=1)) / 2
            return np.where(rng.random((shape.rows, 1)) < 0.5, sure, half)
        case _:
            return np.full((shape.rows, size), 1 / size)


def _graded_numbers(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Draw numbers of any size, as labels of a regression and scores have them."""
    match shape.score:
        case "distinct":
            return rng.normal(0, 10, shape.rows)
        case "ties":
            return rng.integers(0, 7, shape.rows).astype(float)
        case "good":
            return rng.normal(3, 1, shape.rows).round(2)
        case "corners":
            return rng.choice([0.0, -0.0, 1e-9, 0.1, 0.1 + 0.2, 0.3, -3.0, 100.0], shape.rows)
        case _:
            return np.full(shape.rows, 4.0)


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


def of_family(family: str, task: str) -> tuple[str, ...]:
    """Return the checks of a family that one table of a task answers."""
    fits = (one for one in CHECKS.values() if one.family == family and task in one.tasks)
    return tuple(one.id for one in fits if not one.tables)


PERFORMANCE, FAIRNESS = of_family("performance", "binary"), of_family("fairness", "binary")
"""Those of a binary table."""


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
    return {**found, **more}


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
        "task": table.shape.task,
        "data": {"evaluation": {"path": path, **more}},
        "columns": table.columns,
        **({"threshold": table.shape.threshold} if table.shape.task == "binary" else {}),
    }


def policy_of(uses: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return a policy of these uses."""
    return {"mlgate": 1, "policy": "drawn", "checks": uses, **more}


def judge(
    table: Drawn,
    uses: list[dict[str, Any]],
    *,
    parquet: bool = False,
    train: Drawn | None = None,
    where: Mapping[str, Any] | None = None,
    **policy: Any,
) -> Report:
    """Judge a table, written in one of the two formats, beside the rows that it was trained on."""
    ending, written = (".parquet", as_parquet) if parquet else (".csv", as_csv)
    tables = {"t": table} | ({"train": train} if train is not None else {})
    release = release_of(table, f"t{ending}", **({"where": where} if where else {}))
    if train is not None:
        release["data"]["train"] = {"path": f"train{ending}"}
    report = Files(
        table={f"{name}{ending}": written(one.frame) for name, one in tables.items()},
        release=release,
        policy=policy_of(uses, **policy),
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
    rows = sum(one.rows or 0 for one in report.evidence if one.kind == "table")
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
