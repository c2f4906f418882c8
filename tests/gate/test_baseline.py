"""The baseline for every task: what is no better than a constant does not get through, nor by another task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlgate
from mlgate.findings import Outcome, Verdict


def judged(folder: Path, task: str, columns: dict[str, Any], table: dict[str, Any]) -> mlgate.Report:
    """Judge a table of equally long columns by the baseline alone."""
    rows = zip(*table.values(), strict=True)
    (folder / "t.csv").write_text("\n".join([",".join(table), *(",".join(map(str, row)) for row in rows)]))
    release = {
        "mlgate": 1,
        "name": "m",
        "version": "1",
        "task": task,
        "data": {"evaluation": {"path": "t.csv"}},
        "columns": columns,
    }
    (folder / "release.yaml").write_text(json.dumps(release))
    return mlgate.run(folder / "release.yaml", "baseline")


@pytest.fixture
def numbers() -> dict[str, Any]:
    """Return labels, a model that follows them, and one that says the same of everybody."""
    random = np.random.default_rng(3)
    label = random.normal(50, 10, 400).round(3)
    good = (label + random.normal(0, 3, 400)).round(3)
    return {"x": random.normal(size=400).round(3), "y": label, "good": good, "same": np.median(label)}


@pytest.mark.parametrize(("model", "verdict"), [("good", Verdict.APPROVED), ("same", Verdict.BLOCKED)])
def test_a_regression_has_to_beat_one_number(
    tmp_path: Path, numbers: dict[str, Any], model: str, verdict: Verdict
) -> None:
    """The median for everybody is no worse than itself, and that is not enough."""
    table = {**numbers, "same": [numbers["same"]] * 400}
    report = judged(tmp_path, "regression", {"label": "y", "prediction": model}, table)
    assert report.verdict is verdict, [(one.id, one.outcome, one.reason) for one in report.findings]


@pytest.mark.parametrize(("skill", "verdict"), [(0.8, Verdict.APPROVED), (0.0, Verdict.BLOCKED)])
def test_several_classes_have_to_beat_chance(tmp_path: Path, skill: float, verdict: Verdict) -> None:
    """Probabilities that know nothing of the class are blocked."""
    random = np.random.default_rng(4)
    label = random.integers(3, size=600)
    scores = random.dirichlet([2, 2, 2], size=600) * (1 - skill)
    scores[np.arange(600), label] += skill
    table = {"y": [f"c{one}" for one in label], **{f"p{one}": scores[:, one] for one in range(3)}}
    columns = {"label": "y", "score": {f"c{one}": f"p{one}" for one in range(3)}}
    assert judged(tmp_path, "multiclass", columns, table).verdict is verdict


def test_a_task_for_which_the_baseline_asks_nothing_of_the_model_is_undecided(
    tmp_path: Path, numbers: dict[str, Any]
) -> None:
    """What a graded score has to reach only the policy's author knows; facts of the table approve nothing."""
    report = judged(tmp_path, "scores", {"score": "y"}, {name: numbers[name] for name in ("x", "y", "good")})
    assert report.verdict is Verdict.UNDECIDED
    assert report.finding("better-than-chance").outcome is Outcome.NOT_MEASURED
