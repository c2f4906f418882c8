"""Models with a planted fault, and one without, judged by the whole gate in processes of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlgate.api import Job, judged
from mlgate.findings import Finding, Outcome, Report

ALL: list[dict[str, Any]] = [
    {"check": "robustness/determinism"},
    {"check": "robustness/prediction-sanity"},
    {"check": "robustness/noise", "at_most": 0.2},
    {"check": "robustness/missing-values", "at_most": 0.5},
    {"check": "robustness/unseen-categories", "at_most": 0.3},
    {"check": "robustness/out-of-range", "at_most": 0.8},
    {"check": "robustness/invariance", "at_most": 0.05, "params": {"change": {"spare": {"noise": 0.2}}}},
    {
        "check": "robustness/direction",
        "at_most": 0.01,
        "params": {"tests": [{"change": {"income": "+10%"}, "expect": "up"}]},
    },
    {
        "check": "robustness/minimum-functionality",
        "params": {
            "cases": [
                {
                    "row": {"income": 9.0, "age": 40, "city": "rome", "spare": 0.0},
                    "expect": "positive",
                },
                {
                    "row": {"income": -9.0, "age": None, "city": "rome", "spare": 0.0},
                    "expect": {"at_most": 0.2},
                },
            ]
        },
    },
    {"check": "leakage/batch-dependence"},
]


def frame(rows: int = 400) -> pd.DataFrame:
    """Return rows of which income tells the label, but for some noise."""
    draw = np.random.default_rng(5)
    income = draw.normal(0, 3, rows).round(3)
    return pd.DataFrame(
        {
            "id": [f"r{place}" for place in range(rows)],
            "income": income,
            "age": draw.integers(18, 80, rows),
            "city": draw.choice(["rome", "oslo", "bern"], rows),
            "spare": draw.normal(0, 1, rows).round(3),
            "y": (income + draw.normal(0, 1, rows) > 0).astype(int),
        }
    )


class World:
    """A folder with a release and a policy."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        frame().to_csv(folder / "rows.csv", index=False)
        self.release: dict[str, Any] = {
            "mlgate": 1,
            "name": "r",
            "version": "1",
            "task": "binary",
            "model": {"uri": "python:scorer:score", "trust": "code"},
            "data": {"evaluation": {"path": "rows.csv"}},
            "columns": {
                "label": "y",
                "key": "id",
                "features": ["income", "age", "city", "spare"],
            },
        }

    def judge(self, *uses: dict[str, Any], model: str = "") -> Report:
        """Judge a model of a few lines, or the one that the release names."""
        if model:
            (self.folder / "scorer.py").write_text(model, encoding="utf-8")
        policy = {
            "mlgate": 1,
            "policy": "p",
            "trust": {"models": "code", "isolation": "process"},
            "checks": list(uses),
        }
        (self.folder / "release.yaml").write_text(json.dumps(self.release), encoding="utf-8")
        (self.folder / "policy.yaml").write_text(json.dumps(policy), encoding="utf-8")
        report = judged(Job(release=self.folder / "release.yaml"))
        assert report.errors == ()
        return report

    def finding(self, check: str, model: str, **use: Any) -> Finding:
        """Judge one check."""
        return self.judge({"check": check, **use}, model=model).finding(check)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return an empty folder's world."""
    return World(tmp_path)


def test_a_clean_model_of_scikit_learn_passes_them_all(world: World) -> None:
    """A pipeline that fills gaps and knows what to do with a new category, as a skops file."""
    pytest.importorskip("skops")
    import skops.io
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    rows = frame()
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    made = make_pipeline(
        make_column_transformer(
            (numbers, ["income", "age", "spare"]), (OneHotEncoder(handle_unknown="ignore"), ["city"])
        ),
        LogisticRegression(),
    ).fit(rows[["income", "age", "city", "spare"]], rows["y"])
    skops.io.dump(made, world.folder / "model.skops")
    world.release["model"] = {"path": "model.skops", "trusted_types": ["numpy.dtype"]}
    report = world.judge(*ALL)
    assert {one.id: one.outcome for one in report.findings} == {use["check"]: Outcome.PASS for use in ALL}, [
        (one.id, one.value, one.reason) for one in report.findings if one.outcome is not Outcome.PASS
    ]


DIES = """
import os


def score(rows):
    if rows["age"].isna().any():
        os._exit(3)
    return 1 / (1 + 2.718 ** -rows["income"].fillna(0))
"""


def test_a_model_that_dies_on_a_gap_fails_and_says_so(world: World) -> None:
    """The gate lives, and the other columns are judged in another process of the model."""
    found = world.finding("robustness/missing-values", DIES, at_most=0.9)
    assert found.outcome is Outcome.FAIL
    assert found.value == 1.0
    by_column = {one.group["column"]: one for one in found.groups if one.rate == "failed"}
    assert set(by_column) == {"age"}
    assert by_column["age"].reason


def test_a_single_row_that_cannot_be_scored_is_found(world: World) -> None:
    """Among all others; the row is private, with its key."""
    model = """
def score(rows):
    if ((rows["city"] != "rome") & (rows["city"] != "oslo") & (rows["city"] != "bern")
        & (rows["income"] > 8.0)).any():
        raise ValueError("no such city at this income")
    return 1 / (1 + 2.718 ** -rows["income"])
"""
    rows = frame()
    rare = int((rows["income"] > 8.0).sum())
    assert 0 < rare < 5
    found = world.finding("robustness/unseen-categories", model, at_most=0.5)
    (line,) = [one for one in found.groups if one.rate == "failed"]
    assert line.numerator == rare
    assert line.denominator == len(rows)
    assert "no such city" in (line.reason or "")


def test_a_model_that_keeps_state_is_neither_deterministic_nor_a_function_of_the_row(world: World) -> None:
    """A running mean of what it has seen."""
    model = """
seen = []


def score(rows):
    seen.extend(rows["income"])
    return 1 / (1 + 2.718 ** -(rows["income"] - sum(seen) / len(seen)))
"""
    report = world.judge(
        {"check": "robustness/determinism"}, {"check": "leakage/batch-dependence"}, model=model
    )
    assert {one.outcome for one in report.findings} == {Outcome.FAIL}


def test_another_process_is_really_another(world: World) -> None:
    """What is drawn once when the model is loaded is the same within a process."""
    model = """
import random

offset = random.SystemRandom().random() / 10


def score(rows):
    return 0.5 / (1 + 2.718 ** -rows["income"]) + offset
"""
    found = world.finding("robustness/determinism", model)
    shares = {one.group["asked"]: one.value for one in found.groups if one.rate is None}
    assert shares == {"the same process": 0.0, "another process": 1.0, "another order": 0.0}


def test_no_value_of_a_row_is_in_the_report(world: World) -> None:
    """Keys and values of examples are private."""
    model = """
def score(rows):
    return 0.1 + 0.8 * (rows["income"] > 0.5)
"""
    report = world.judge(
        {"check": "robustness/noise", "at_most": 0.0001},
        {
            "check": "robustness/invariance",
            "at_most": 0.0001,
            "params": {"change": {"income": {"noise": 1.0}, "city": "swap"}},
        },
        model=model,
    )
    rows = frame()
    said = "".join(f"{line.group} {line.reason}" for one in report.findings for line in one.groups)
    assert "smallest change found" in {line.rate for one in report.findings for line in one.groups}
    assert not [key for key in rows["id"] if f"'{key}'" in said or f" {key} " in said]
    assert not [value for value in rows["income"] if str(abs(value)) in said and abs(value) > 0.1]
