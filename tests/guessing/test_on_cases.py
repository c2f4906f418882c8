"""What is guessed of six real data sets, held against what is known of them; known misses are pinned too."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from mlgate.guessing import Draft, files, guess
from mlgate.strict_yaml import read

CASES = ("adult", "bike_sharing", "compas_two_years", "german_credit", "penguins", "wage_islr")

MISSED = {
    "bike_sharing": {"workingday", "weathersit"},  # parts of a week and of weather, which protect nobody
    "penguins": {"island"},  # a place
}
"""What a case calls sensitive and nobody is protected by."""

EXTRA = {"adult": {"marital-status"}}
"""What a case does not list, and the law of some places does."""


def drafted(shared: Path, case: str, tmp_path: Path, *, models: bool = True) -> tuple[Draft, dict[str, Any]]:
    """Guess on the folder of a case as a user would have it: both tables and the models."""
    folder, work = tmp_path / case, tmp_path / "work"
    folder.mkdir()
    work.mkdir(mode=0o700)
    for name in ("train.csv", "test.csv"):
        shutil.copy(shared / case / name, folder)
    if models:
        shutil.copytree(shared / case / "models", folder / "models")
    chosen = files.choose(*files.look([folder]))
    known: dict[str, Any] = read(shared / case / "case.yaml").data
    return guess(chosen, folder, work), known


@pytest.mark.parametrize("case", CASES)
def test_guesses_on_a_case(shared_data: Path, tmp_path: Path, case: str) -> None:
    """Task, label, positive, outputs, features, categories and protected columns."""
    found, known = drafted(shared_data, case, tmp_path)
    label = found.labelled
    assert label.task == known["task"]
    assert label.label == known["label"]
    first = next(iter(known["prediction_columns"].values()))
    assert label.outputs.prediction == first["pred"]
    assert label.outputs.score == first.get("score")
    assert dict(label.outputs.scores) == first.get("scores", {})
    positive = known.get("positive_label")
    assert label.positive == (None if positive is None else str(positive))
    assert label.threshold == (0.5 if known["task"] == "binary" else None)
    assert set(found.roles.features) == set(known["features"])
    assert set(found.roles.categorical) == set(known["categorical_features"])
    assert set(found.judged) == (set(known["sensitive"]) - MISSED.get(case, set())) | EXTRA.get(case, set())
    assert found.evaluation.path == "test.csv"
    assert found.train is not None
    assert found.train.path == "train.csv"
    assert found.train.lacks == ()


def test_favourable_is_said_only_where_it_is_plain(shared_data: Path, tmp_path: Path) -> None:
    """Nobody wants to be arrested again; whether `credit_risk` 1 is good, nobody can see."""
    for case in ("compas_two_years", "german_credit", "adult"):
        (tmp_path / case).mkdir()
        found, known = drafted(shared_data, case, tmp_path / case)
        if known["favourable_outcome"] == "negative label":
            assert found.labelled.favourable == "0"
        else:  # the positive one, which it is without the key
            assert found.labelled.favourable is None


def test_roles_of_rows(shared_data: Path, tmp_path: Path) -> None:
    """The running number is the key, the day is the time, written so that it is read as one."""
    found, _ = drafted(shared_data, "bike_sharing", tmp_path)
    assert (found.roles.key, found.roles.time) == ("instant", "dteday")
    assert found.evaluation.types == {"dteday": "date"}


def test_ages_are_cut_where_there_is_no_group(shared_data: Path, tmp_path: Path) -> None:
    """COMPAS has age groups, adult ages alone."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert drafted(shared_data, "adult", tmp_path / "a")[0].ages == {"age": (25, 40, 60)}
    assert drafted(shared_data, "compas_two_years", tmp_path / "b")[0].ages == {}


@pytest.mark.parametrize(
    ("case", "leaks", "wrong"),
    [
        ("wage_islr", {"logwage"}, set()),
        ("bike_sharing", {"casual", "registered"}, set()),
        ("compas_two_years", set(), {"days_b_screening_arrest", "decile_score"}),
        (
            "german_credit",
            set(),
            {"personal_status", "residence_since", "age", "num_dependents", "telephone"},
        ),
        ("adult", set(), {"education"}),
    ],
)
def test_without_a_model_file_leaks_are_found_and_what_is_left_is_a_guess(
    shared_data: Path, tmp_path: Path, case: str, leaks: set[str], wrong: set[str]
) -> None:
    """`logwage` is the label in another unit, `casual` and `registered` add up to it.

    `wrong` are known misses: columns that the model does not read, and nothing but its file could tell.
    """
    found, known = drafted(shared_data, case, tmp_path, models=False)
    assert {name for name, why in found.roles.left_out.items() if why.startswith("tells the label")} == leaks
    people = {one.name for one in found.protected if one.usable or one.binned}
    assert set(found.roles.features) - set(known["features"]) == wrong - people
    assert set(known["features"]) - set(found.roles.features) <= people
    assert next(one.sure for one in found.guesses if one.what == "features") == "guess"
