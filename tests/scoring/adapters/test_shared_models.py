"""Real models on real tables: what they say equals what was written beside the rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
import yaml

from mlgate.scoring.formats import format_of

CASES = ("adult", "bike_sharing", "compas_two_years", "german_credit", "penguins", "wage_islr")
MODELS = [(case, place, suffix) for case in CASES for place in (0, 1) for suffix in ("skops", "joblib")]


@pytest.mark.parametrize(("case", "place", "suffix"), MODELS)
def test_scores_are_those_that_were_written(
    load: Callable[..., Any], shared_data: Path, case: str, place: int, suffix: str
) -> None:
    """Through the file's own adapter, rows as DuckDB reads them, to 1e-6."""
    folder = shared_data / case
    facts = yaml.safe_load((folder / "case.yaml").read_text(encoding="utf-8"))
    name, columns = list(facts["prediction_columns"].items())[place]
    path = folder / "models" / f"{name}.{suffix}"
    with duckdb.connect() as connection:
        table = connection.read_csv(str(folder / "test.csv")).arrow().read_all()

    model = load(
        format_of(path).adapter,
        path,
        task=facts["task"],
        features=facts["features"],
        trusted_types=facts["models"][name].get("skops_untrusted_types"),
    )
    found = model.predict(table.select(model.features))

    assert sorted(model.features) == sorted(facts["features"])
    assert model.library.startswith("scikit-learn ")
    if facts["task"] == "regression":
        assert model.outputs == "values"
        np.testing.assert_allclose(found, table[columns["pred"]].to_numpy(), rtol=0, atol=1e-6)
        return
    assert model.outputs == "probabilities"
    if facts["task"] == "binary":
        columns = {"scores": {1: columns["score"]}}  # fitted on 0 and 1, of which 1 is the positive label
    for one, column in columns["scores"].items():
        clipped = np.clip(found[:, model.classes.index(one)], 1e-6, 1 - 1e-6)
        np.testing.assert_allclose(clipped, table[column].to_numpy(), rtol=0, atol=1e-6)
