"""Ways to a yes by accident in the tasks beyond binary, their checks, and the files that `init` drafts."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from mlgate import cli
from mlgate.errors import MlgateError
from mlgate.strict_yaml import read
from tests.bad_input.conftest import World, csv_text, refused, sound

RELEASE = """\
mlgate: 1
name: credit
version: "1.0.0"
task: {task}
data:
{data}
columns: {columns}
"""

DRAW = random.Random(20261121)
LABELS = [DRAW.gauss(10, 3) for _ in range(200)]
NOISE = [DRAW.gauss(10, 3) for _ in range(200)]
CLASSES = [DRAW.choice("abc") for _ in range(200)]


def given(
    world: World, task: str, columns: str, tables: Mapping[str, Mapping[str, Sequence[object]]]
) -> None:
    """Replace the release by one of another task, with these tables."""
    lines = [f"  {name}: {{path: data/{name}.csv}}" for name in tables]
    text = RELEASE.format(task=task, columns=columns, data="\n".join(lines))
    (world.home / "release.yaml").write_text(text, "utf-8")
    for name, table in tables.items():
        rows = [[str(one) for one in row] for row in zip(*table.values(), strict=True)]
        (world.home / "data" / f"{name}.csv").write_text(csv_text(list(table), rows), "utf-8")


@pytest.mark.parametrize("scale", [1e-160, 1e-200, 1e-310])
@pytest.mark.parametrize(
    "check",
    [
        "{check: performance/r2, at_least: 0.5, decision: point}",
        "{check: performance/rmse, at_most: 1e-250, decision: point}",
        "{check: performance/versus-dummy, at_least: 0.5, decision: point, params: {metric: mse}}",
    ],
)
def test_numbers_whose_squares_are_nothing(world: World, scale: float, check: str) -> None:
    """Predictions that have nothing to do with the label do not become perfect in other units."""
    table = {"y": [one * scale for one in LABELS], "p": [one * scale for one in NOISE]}
    given(world, "regression", "{label: y, prediction: p}", {"evaluation": table})
    world.checks(check)
    done = refused(world, world.run(), 3, says=["too small"])
    assert set(done.outcomes.values()) == {"not_measured"}


def test_small_errors_about_large_labels_are_no_fault(world: World) -> None:
    """Only what is squared has to have a square."""
    table = {"y": LABELS, "p": [one + 1e-9 * other for one, other in zip(LABELS, NOISE, strict=True)]}
    given(world, "regression", "{label: y, prediction: p}", {"evaluation": table})
    world.checks("{check: performance/rmse, at_most: 1e-7}")
    done = world.run()
    sound(world, done)
    assert done.code == 0, done.said


@pytest.mark.parametrize("classes", ["abc", "abcde"])
@pytest.mark.parametrize("check", ["mcc", "cohen-kappa"])
def test_never_right_fails(world: World, classes: str, check: str) -> None:
    """A model that names the right class in no row is outside its limit, not without an interval."""
    wrong = classes[1:] + classes[0]
    table = {"y": list(classes) * 40, "p": list(wrong) * 40}
    given(world, "multiclass", "{label: y, prediction: p}", {"evaluation": table})
    world.checks(f"{{check: performance/{check}, at_least: 0.1}}")
    done = refused(world, world.run(), 1)
    found = done.finding(f"performance/{check}")
    assert found["value"] == pytest.approx(-1 / (len(classes) - 1))
    low, high = found["interval"]
    assert low < found["value"] < high


def test_train_about_other_classes(world: World) -> None:
    """No gap between two tables that share no class: they are about different things."""
    renamed = [{"a": "x", "b": "y", "c": "z"}[one] for one in CLASSES]
    tables = {"evaluation": {"y": CLASSES, "p": CLASSES}, "train": {"y": renamed, "p": renamed}}
    given(world, "multiclass", "{label: y, prediction: p}", tables)
    world.checks("{check: performance/overfit, at_most: 0.05}")
    refused(world, world.run(), 3, says=["no class in common"])


def test_class_that_is_no_name(world: World) -> None:
    """Long texts would come back in every finding, megabytes of them."""
    table = {"y": [one * 5000 for one in CLASSES], "p": [one * 5000 for one in CLASSES]}
    given(world, "multiclass", "{label: y, prediction: p}", {"evaluation": table})
    world.checks("{check: performance/accuracy, at_least: 0.1}")
    refused(world, world.run(), 2, says=["5000 characters"])


@pytest.mark.parametrize("ahead", ["1e300", "10000000", "400", "-1"])
def test_days_that_forgive_the_future(world: World, ahead: str) -> None:
    """A policy cannot forgive so many days that nothing is from the future any more, nor break the clock."""
    days = [(datetime(2030, 1, 1, tzinfo=UTC) + timedelta(days=one)).date() for one in range(200)]
    given(world, "scores", "{score: s, time: t}", {"evaluation": {"s": LABELS, "t": days}})
    world.release("evaluation.csv}", "evaluation.csv, types: {t: date}}")
    world.checks(f"{{check: data/freshness, at_most: 30, params: {{ahead: {ahead}}}}}")
    refused(world, world.run("--as-of", "2029-12-01"), 2, says=["ahead"])


def test_time_before_the_first_year(world: World) -> None:
    """Dates that Python has no words for end in a reason, not in a traceback."""
    given(world, "scores", "{score: s, time: t}", {"evaluation": {"s": LABELS}})
    world.release("evaluation.csv", "evaluation.parquet")
    old = pa.array([-(2**31) + 10] * len(LABELS), pa.date32())
    pq.write_table(pa.table({"s": LABELS, "t": old}), world.home / "data" / "evaluation.parquet")
    world.checks("{check: data/freshness, at_most: 30}")
    refused(world, world.run(), 3, says=["before the year 1"])


def drafted(folder: Path, *arguments: str) -> str:
    """Run `mlgate init` for a folder; return the error that it ends with, empty for none."""
    given = ["init", str(folder), "--out", str(folder), *arguments]
    done = CliRunner().invoke(cli.root, given)
    assert done.exception is None or isinstance(done.exception, MlgateError), done.exception
    return "" if done.exception is None else str(done.exception)


def scored(score: Callable[[random.Random, int], float]) -> str:
    """Return a binary table whose scores are drawn so."""
    draw = random.Random(7)
    labels = [draw.randrange(2) for _ in range(300)]
    return csv_text(["label", "score"], [[str(one), repr(score(draw, one))] for one in labels])


def test_a_folder_that_is_an_expression(tmp_path: Path) -> None:
    """A workflow evaluates `${{ ... }}` wherever it stands, so no folder may bring one."""
    home = tmp_path / "${{ github.token }}"
    home.mkdir()
    (tmp_path / ".git").mkdir()
    (home / "test.csv").write_text(scored(lambda draw, one: min(max(draw.gauss(0.2 + 0.6 * one, 0.2), 0), 1)))
    assert "--no-workflow" in drafted(home)
    assert not list(tmp_path.rglob("*.y*ml"))
    assert not drafted(home, "--no-workflow")


def test_a_folder_that_is_an_option(tmp_path: Path) -> None:
    """What the workflow runs is a path, however it begins."""
    home = tmp_path / "--help"
    home.mkdir()
    (tmp_path / ".git").mkdir()
    (home / "test.csv").write_text(scored(lambda draw, one: min(max(draw.gauss(0.2 + 0.6 * one, 0.2), 0), 1)))
    assert not drafted(home)
    workflow = read(tmp_path / ".github" / "workflows" / "mlgate.yml").data
    step = next(one for one in workflow["jobs"]["gate"]["steps"] if "env" in one)
    assert step["env"] == {"RELEASE": "--help/release.yaml"}
    assert step["run"].endswith('-- "$RELEASE"')


def test_a_workflow_stays_in_its_repository(tmp_path: Path) -> None:
    """A link that came with the repository does not make `init` write elsewhere."""
    home, outside = tmp_path / "home", tmp_path / "outside"
    home.mkdir()
    outside.mkdir()
    (home / ".github").symlink_to(outside)
    (home / "test.csv").write_text(scored(lambda draw, one: min(max(draw.gauss(0.2 + 0.6 * one, 0.2), 0), 1)))
    assert "through a link" in drafted(home)
    assert not list(outside.iterdir())


def test_limits_of_any_size_are_drafted(tmp_path: Path) -> None:
    """A limit that is written with an exponent reads back as a number."""
    (tmp_path / "test.csv").write_text(
        scored(lambda draw, one: 1 - draw.random() * 1e-3 if one else draw.random() * 1e-3)
    )
    assert not drafted(tmp_path)
    limits = [
        one.get("at_most", one.get("at_least")) for one in read(tmp_path / "policy.yaml").data["checks"]
    ]
    assert all(isinstance(one, int | float) for one in limits)
    assert min(limits) < 1e-4


def test_numbers_beyond_64_bits_are_looked_at(tmp_path: Path) -> None:
    """Whether numbers are whole is found out without an integer of 64 bits."""
    draw = random.Random(7)
    rows = [(one := draw.gauss(5e20, 1e19), one + draw.gauss(0, 1e18)) for _ in range(300)]
    (tmp_path / "test.csv").write_text(
        csv_text(["target", "prediction"], [[repr(one), repr(two)] for one, two in rows])
    )
    assert not drafted(tmp_path)


@pytest.mark.parametrize("clusters", [2, 5, 20])
@pytest.mark.parametrize("check", ["mae, at_most: 5", "rmse, at_most: 5", "mean-error, between: [-2, 2]"])
def test_clusters_that_are_dealt_out_evenly(world: World, clusters: int, check: str) -> None:
    """Naming a cluster cannot make an interval narrower, however the rows are dealt out to it."""
    errors = sorted(range(200), key=lambda one: abs(NOISE[one] - LABELS[one]))
    dealt = [0] * 200
    for place, row in enumerate(errors):
        turn, seat = divmod(place, clusters)
        dealt[row] = seat if turn % 2 == 0 else clusters - 1 - seat
    table: dict[str, Sequence[object]] = {"y": LABELS, "p": NOISE, "c": dealt}
    widths = []
    for columns in ("{label: y, prediction: p}", "{label: y, prediction: p, cluster: c}"):
        given(world, "regression", columns, {"evaluation": table})
        world.checks(f"{{check: performance/{check}}}")
        done = world.run()
        sound(world, done)
        low, high = done.finding(f"performance/{check.partition(',')[0]}")["interval"]
        widths.append(high - low)
    assert widths[1] >= widths[0]
