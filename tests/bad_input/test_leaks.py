"""Ways to a yes by accident where two tables are held against each other: nothing in common is no proof."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest

from tests.bad_input.conftest import HEADER, Row, World, csv_text, refused, sound

EVALUATION = "evaluation: {path: data/test.csv}"
ALL = (
    "{check: leakage/row-overlap, at_most: 0}",
    "{check: leakage/key-overlap, severity: block}",
)


def trained_on(world: World, rows: Sequence[Row], header: Sequence[str] = HEADER, keys: str = "") -> None:
    """Name a training table of these rows."""
    (world.home / "data" / "train.csv").write_text(csv_text(header, rows), "utf-8")
    world.release(EVALUATION, f"{EVALUATION}\n  train: {{path: data/train.csv{keys}}}")


def others(number: int = 400) -> list[Row]:
    """Return rows that are not in the judged table."""
    draw = random.Random(7)
    return [
        [str(10_000 + place), str(draw.randrange(2)), "0.5", "male", "<30", f"{draw.gauss(50, 15):.4f}1", "3"]
        for place in range(number)
    ]


def test_other_rows_pass(world: World) -> None:
    """The table as it should be, so that all below is about what is changed."""
    trained_on(world, others())
    world.checks(*ALL)
    done = world.run()
    sound(world, done)
    assert done.code == 0, done.said


def test_the_same_rows_in_another_order_are_found(world: World) -> None:
    """A copy whose bytes differ is not seen as a copy, and each of its rows is."""
    trained_on(world, world.table[::-1])
    world.checks(*ALL)
    done = refused(world, world.run(), 1)
    assert [done.finding(f"leakage/{name}")["value"] for name in ("row-overlap", "key-overlap")] == [1.0, 1.0]


def test_a_number_is_the_same_number_however_it_is_written(world: World) -> None:
    """Labels 1.0, tenure 3.0 and an income with more zeros, as another tool writes them."""
    copied = [[*row[:1], f"{row[1]}.0", *row[2:5], f"{row[5]}00", f"{row[6]}.0"] for row in world.table]
    trained_on(world, copied)
    world.checks(*ALL)
    assert refused(world, world.run(), 1).finding("leakage/row-overlap")["value"] == 1.0


def changed(name: str, spell: Callable[[str], str]) -> Callable[[list[Row]], list[Row]]:
    """Return a change of one column."""
    at = HEADER.index(name)
    return lambda rows: [[*row[:at], spell(row[at]), *row[at + 1 :]] for row in rows]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (changed("income", lambda text: f"EUR {text}"), "with no value in common"),
        (changed("y", lambda text: {"0": "no", "1": "yes"}[text]), "with no value in common"),
        (changed("y", lambda text: {"0": "2", "1": "3"}[text]), "have no value in common"),
        (changed("income", lambda _: ""), "has no values in table 'train'"),
        (changed("tenure", lambda _: "2024-01-01"), "no row can be alike"),
        (lambda _: [], "table 'train' has no rows"),
    ],
    ids=["texts", "label as words", "label as other numbers", "empty column", "dates", "no rows"],
)
def test_a_copy_in_disguise_does_not_pass(
    world: World, change: Callable[[list[Row]], list[Row]], says: str
) -> None:
    """The same rows with one column written so that none can be equal."""
    trained_on(
        world, change(world.table), keys="" if says != "no row can be alike" else ", types: {tenure: date}"
    )
    world.checks(ALL[0])
    done = refused(world, world.run(), 3, says=[says])
    assert done.outcomes == {"leakage/row-overlap": "not_measured"}


@pytest.mark.parametrize(
    ("spell", "says"),
    [
        (lambda text: f"C{text}", "with no value in common"),
        (lambda _: "", "column 'id' has no values in table 'train'"),
        (lambda text: text if int(text) % 2 else "", "200 of 400 rows of table 'train' have no key"),
    ],
    ids=["other spelling", "no keys", "half of the keys"],
)
def test_keys_that_cannot_be_found(world: World, spell: Callable[[str], str], says: str) -> None:
    """A key that is not there, or is written in another way, is not one that is new."""
    trained_on(world, changed("id", spell)(world.table))
    world.checks(ALL[1])
    refused(world, world.run(), 3, says=[says])


def test_judged_rows_without_a_key(world: World) -> None:
    """Nor on this side."""
    trained_on(world, others())
    world.column("id", lambda number, _: "" if number == 7 else str(number))
    world.checks(ALL[1])
    refused(world, world.run(), 3, says=["1 of 400 rows of the judged table have no key"])


@pytest.mark.parametrize("check", ["leakage/row-overlap", "leakage/key-overlap", "drift/multivariate"])
def test_a_column_that_the_policy_names_and_train_lacks(world: World, check: str) -> None:
    """What is named has to be there."""
    trained_on(world, [row[:5] for row in others()], HEADER[:5])
    world.checks(f"{{check: {check}, at_most: 0.1, severity: block, params: {{columns: [income]}}}}")
    refused(world, world.run(), 2, says=["income", "table 'train' lacks it"])


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("{check: leakage/row-overlap, at_most: 0, against: nowhere}", "nowhere"),
        ("{check: leakage/row-overlap, at_most: 0, slices: [sex]}", "cannot be sliced"),
        ("{check: leakage/target-predictor, params: {columns: [y]}}", "no column is left"),
        (
            "{check: performance/worst-slice, at_least: 0.1, params: {metric: performance/log-loss}}",
            "worst-slice-error",
        ),
        (
            "{check: performance/worst-slice-error, at_most: 9, params: {metric: accuracy}}",
            "use performance/worst-slice",
        ),
        ("{check: performance/worst-slice, at_least: -9, params: {metric: calibration-slope}}", "target"),
        ("{check: performance/worst-slice, at_least: 0.1}", "metric"),
        (
            "{check: performance/worst-slice, at_least: 0.1, params: {metric: performance/accurcy}}",
            "accuracy",
        ),
        (
            "{check: performance/worst-slice, at_least: 0.1, params: {metric: fairness/impact-ratio}}",
            "metric",
        ),
        ("{check: performance/weak-slices, severity: block, params: {rows: 5}}", "rows is 5"),
        ("{check: drift/multivariate, at_most: 0.6, severity: block, params: {rows: 0}}", "rows is 0"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_an_error(world: World, entry: str, says: str) -> None:
    """Said with the line of the policy; nothing is judged."""
    trained_on(world, others())
    world.checks(entry)
    refused(world, world.run(), 2, says=[says])


def test_a_label_among_the_features_under_another_name(world: World) -> None:
    """A column that is the label in other words gives it away."""
    world.rewrite(
        lambda rows: rows.__setitem__(
            slice(None), [[*row, {"0": "kept", "1": "lost"}[row[1]]] for row in rows * 3]
        ),
        [*HEADER, "state"],
    )
    world.release("features: [income, tenure]", "features: [income, tenure, state]")
    world.checks("{check: leakage/target-predictor, severity: block}")
    done = refused(world, world.run(), 1)
    found = done.finding("leakage/target-predictor")
    assert found["value"] == 1.0
    assert found["groups"][0]["group"] == {"column": "state"}
