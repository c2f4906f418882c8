"""Judging the shared data sets: a release and a policy written beside nothing, read from where they lie."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlgate.api import Job, judged
from mlgate.findings import Report

BINARY = ("adult", "compas_two_years", "german_credit")
MODELS = ("logreg", "hgb")

Judge = Callable[..., Report]


def case(data: Path, name: str) -> dict[str, Any]:
    """Return the facts and expected values of one data set."""
    loaded: dict[str, Any] = yaml.safe_load((data / name / "case.yaml").read_text(encoding="utf-8"))
    return loaded


def columns(facts: dict[str, Any], model: str | None, **over: Any) -> dict[str, Any]:
    """Return the roles that a data set has for one model."""
    positive = facts["positive_label"]
    negative = {0: 1, 1: 0, ">50K": "<=50K"}.get(positive, 0)
    if "negative_label" in facts:
        negative = facts["negative_label"]
    roles = {
        "label": facts["label"],
        "positive": positive,
        "favourable": positive if facts["favourable_outcome"] == "positive label" else negative,
        "protected": facts["sensitive"],
    }
    if model is not None:
        roles |= {"score": f"score_{model}", "prediction": f"pred_{model}", "prediction_positive": 1}
    return {**roles, **over}


@pytest.fixture
def judge(tmp_path: Path, shared_data: Path) -> Judge:
    """Return a function that judges a table of the shared data against a list of uses."""

    def run(
        table: Path,
        roles: dict[str, Any],
        uses: list[dict[str, Any]],
        *,
        task: str = "binary",
        train: Path | None = None,
        champion: dict[str, Any] | None = None,
        **policy: Any,
    ) -> Report:
        release = {
            "mlgate": 1,
            "name": "case",
            "version": "1",
            "task": task,
            "data": {
                "evaluation": {"path": str(table)},
                **({"train": {"path": str(train)}} if train else {}),
            },
            "columns": roles,
            **({"champion": {"predictions": champion}} if champion else {}),
        }
        rules = {"mlgate": 1, "policy": "oracle", "checks": uses, **policy}
        # JSON is YAML without anchors, which the gate refuses.
        (tmp_path / "release.yaml").write_text(json.dumps(release), encoding="utf-8")
        (tmp_path / "policy.yaml").write_text(json.dumps(rules), encoding="utf-8")
        report = judged(Job(release=tmp_path / "release.yaml", allow=[shared_data]))
        assert not report.errors, report.errors
        return report

    return run
