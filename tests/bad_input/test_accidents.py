"""Ways to a yes by accident: names that collide, groups that hide, columns that play two parts."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.bad_input.conftest import HEADER, World, csv_text, refused, sound

SEX, AGE, SCORE = HEADER.index("sex"), HEADER.index("age_group"), HEADER.index("p")
PARITY = "fairness/demographic-parity-difference"


def spread(world: World, column: int, names: list[str]) -> None:
    """Deal the rows out to groups of equal size."""
    for number, row in enumerate(world.table):
        row[column] = names[number % len(names)]


def spoil(world: World, column: int, name: str) -> None:
    """Turn the scores of one group around, so that the model is wrong about it."""
    for row in world.table:
        if row[column] == name:
            row[SCORE] = f"{1 - float(row[SCORE]):.6f}"
    world.rewrite(lambda _: None)


@pytest.mark.parametrize("name", ["unknown", "'unknown'", "Unknown", " unknown", "None", "*"])
def test_slice_that_is_called_as_missing_values_are(world: World, name: str) -> None:
    """A bad slice cannot hide among the rows whose value is missing by taking their name."""
    spread(world, SEX, [name, *"abcdefghij"])
    spoil(world, SEX, name)
    world.data.write_text(world.data.read_text("utf-8"), "utf-8")
    world.release("{path: data/test.csv}", "{path: data/test.csv, nulls: ['']}")
    world.checks("{check: performance/accuracy, at_least: 0.8, slices: [sex]}")
    done = refused(world, world.run(), 1)
    bad = [
        one
        for one in done.outcomes
        if one.startswith("performance/accuracy[") and done.outcomes[one] == "fail"
    ]
    assert len(bad) == 1
    assert done.finding(bad[0])["severity"] == "block"


def test_group_that_is_called_as_missing_values_are(world: World) -> None:
    """In a comparison too, a category `unknown` is judged and the missing values are another group."""
    spread(world, SEX, ["unknown", "a", "b", "c", ""])
    world.rewrite(lambda _: None)
    world.checks(f"{{check: {PARITY}, at_most: 0.9, groups: [sex], min_judged: 0.5}}")
    done = world.run()
    sound(world, done)
    assert done.code == 0, done.said
    judged = {one["group"]["sex"]: one["judged"] for one in done.finding(f"{PARITY}[sex]")["groups"]}
    assert judged == {"'unknown'": True, "a": True, "b": True, "c": True, "unknown": False}


@pytest.mark.parametrize(
    "hide",
    [
        pytest.param(lambda world: world.release("test.csv}", "test.csv, nulls: [b]}"), id="declared null"),
        pytest.param(lambda world: blank(world, "b"), id="left empty"),
    ],
)
def test_group_that_is_made_missing(world: World, hide: Callable[[World], object]) -> None:
    """Whoever empties the worst group leaves too few judged rows, which no policy that leans lets through."""
    spread(world, SEX, ["a", "b", "c"])
    for row in world.table:
        row[SCORE] = "0.999" if row[SEX] == "b" else row[SCORE]
    world.rewrite(lambda _: None)
    world.checks(
        "{check: performance/roc-auc, at_least: 0.5}",
        f"{{check: {PARITY}, at_most: 0.3, groups: [sex], on_inconclusive: lean}}",
    )
    refused(world, world.run(), 1)
    hide(world)
    refused(world, world.run(), 1, says=(f"{PARITY}[sex]", "judged groups hold 66."))


def blank(world: World, name: str) -> None:
    """Empty a category."""
    for row in world.table:
        row[SEX] = "" if row[SEX] == name else row[SEX]
    world.rewrite(lambda _: None)


def test_values_that_look_like_ids(world: World) -> None:
    """Slices whose values hold the punctuation of ids stay apart, by name and by number."""
    for number, row in enumerate(world.table):
        row[SEX], row[AGE] = [("a", "b,age_group=c"), ("a,age_group=b", "c"), ("x]@y", '"')][number % 3]
    world.rewrite(lambda _: None)
    world.checks("{check: performance/accuracy, at_least: 0.8, slices: [[sex, age_group]]}")
    done = world.run()
    sound(world, done)
    assert done.code == 0, done.said
    assert len(done.outcomes) == 4


def test_products_whose_names_read_alike(world: World) -> None:
    """Groups of a product that read alike when joined are counted apart."""
    for number, row in enumerate(world.table):
        row[SEX], row[AGE] = [("a, b", "c"), ("a", "b, c")][number % 2]
    world.rewrite(lambda _: None)
    world.checks(f"{{check: {PARITY}, at_most: 0.9, groups: [[sex, age_group]]}}")
    done = world.run()
    sound(world, done)
    groups = done.finding(f"{PARITY}[sex,age_group]")["groups"]
    assert [one["n"] for one in groups] == [200, 200]


def test_names_that_the_engine_uses_itself(world: World) -> None:
    """Columns called as the query's own columns are read as what they are, and nothing changes."""
    plain = world.run().outcomes
    names = ["n", "w", "g0", "rows", "weight", "label", "score"]
    world.rewrite(lambda _: None, names)
    for old, new in {
        "label: y": "label: w",
        "score: p": "score: g0",
        "key: id": "key: n",
        "[sex, age_group]": "[rows, weight]",
        "[income, tenure]": "[label, score]",
    }.items():
        world.release(old, new)
    done = world.run()
    sound(world, done)
    renamed = {one.replace("[rows]", "[sex]").replace("[weight]", "[age_group]") for one in done.outcomes}
    assert (done.code, renamed) == (0, set(plain)), done.said


@pytest.mark.parametrize(
    ("names", "label"),
    [
        (("É", "é"), "é"),
        (("e\u0301", "\u00e9"), "\u00e9"),
        (("I", "\u0131"), "\u0131"),
        (("ß", "SS"), "ß"),
        (("\u017f", "s"), "s"),
    ],
    ids=str,
)
def test_names_that_some_fold_into_one(world: World, names: tuple[str, str], label: str) -> None:
    """Two columns whose names some rule of letters makes one are two, or an error; never the other's values."""
    other = next(one for one in names if one != label)
    at = HEADER.index("tenure")
    for row in world.table:
        row[at] = "1"
    world.rewrite(
        lambda _: None, [label if one == "y" else other if one == "tenure" else one for one in HEADER]
    )
    world.release("label: y", f"label: {label}")
    world.release("[income, tenure]", "[income]")
    done = world.run()
    sound(world, done)
    assert done.code in (0, 2), done.said
    if done.code == 0:
        assert done.finding("performance/recall")["n"] == 175


def test_texts_of_numbers_are_groups_of_their_own(world: World) -> None:
    """In a column of texts 1, 1.0 and 01 are three groups; no row is lost or counted twice."""
    spread(world, SEX, ["1", "1.0", "01", "1e0"])
    found = {name: [row[at] for row in world.table] for at, name in enumerate(HEADER)}
    typed = {name: pa.array(map(float, values)) for name, values in found.items() if name in ("y", "p")}
    sink = io.BytesIO()
    pq.write_table(pa.table({**{name: pa.array(values) for name, values in found.items()}, **typed}), sink)
    (world.home / "data" / "t.parquet").write_bytes(sink.getvalue())
    world.release("data/test.csv", "data/t.parquet")
    world.checks(f"{{check: {PARITY}, at_most: 0.9, groups: [sex]}}")
    done = world.run()
    sound(world, done)
    counts = {one["group"]["sex"]: one["n"] for one in done.finding(f"{PARITY}[sex]")["groups"]}
    assert counts == {"1": 100, "1.0": 100, "01": 100, "1e0": 100}


def test_numbers_written_in_two_ways_are_one_group(world: World) -> None:
    """In a column of numbers 1 and 1.0 are one group, as they are one value."""
    spread(world, SEX, ["1", "1.0", "2"])
    world.rewrite(lambda _: None)
    done = world.run()
    sound(world, done)
    assert {one["group"]["sex"] for one in done.finding(f"{PARITY}[sex]")["groups"]} == {"1", "2"}


def test_label_as_protected_column(world: World) -> None:
    """Groups made by the label itself are as far apart as the model is good: blocked."""
    world.release("[sex, age_group]", "[y]")
    refused(world, world.run(), 1, says=(f"{PARITY}[y]",))


@pytest.mark.parametrize(
    "role", ["  score: p\n", "  label: y\n", "  protected: [sex, age_group]\n", "  key: id\n"], ids=str.strip
)
def test_role_that_is_left_out(world: World, role: str) -> None:
    """A role that the author leaves out is not measured where a check needs it: undecided, never approved."""
    world.release(role, "")
    refused(world, world.run(), 3)


@pytest.mark.parametrize("role", ["score", "label", "protected"])
def test_role_that_the_table_is_said_to_lack(world: World, role: str) -> None:
    """Neither is one that the table itself is said to lack."""
    world.release("{path: data/test.csv}", f"{{path: data/test.csv, columns: {{{role}: null}}}}")
    refused(world, world.run(), 3)


def test_only_the_last_of_two_policies_may_change_a_limit(world: World) -> None:
    """Of several policies the later wins by use id, and no use is asked twice."""
    (world.home / "strict.yaml").write_text(
        "mlgate: 1\npolicy: strict\nchecks:\n  - {check: performance/roc-auc, at_least: 0.99999}\n", "utf-8"
    )
    refused(world, world.run("--policy", "policy.yaml", "--policy", "strict.yaml"), 1)
    done = world.run("--policy", "strict.yaml", "--policy", "policy.yaml")
    sound(world, done)
    assert done.code == 0, done.said
    assert done.report is not None
    assert len([one for one in done.report["findings"] if one["check"] == "performance/roc-auc"]) == 1


def test_extended_twice_is_asked_once(world: World) -> None:
    """A policy that two ways lead to counts once, and what overrides it holds."""
    for name, text in {
        "base": "mlgate: 1\npolicy: base\nchecks:\n  - {check: performance/accuracy, at_least: 0.99999}\n",
        "a": "mlgate: 1\npolicy: a\nextends: [base.yaml]\nchecks:\n  - {id: performance/accuracy, guard: 0.0}\n",
        "b": "mlgate: 1\npolicy: b\nextends: [base.yaml]\n",
    }.items():
        (world.home / f"{name}.yaml").write_text(text, "utf-8")
    world.policy(
        "checks:\n  - check: performance/roc-auc\n",
        "extends: [a.yaml, b.yaml]\nchecks:\n  - check: performance/roc-auc\n",
    )
    world.policy("  - check: performance/accuracy\n    at_least: 0.8\n", "")
    refused(world, world.run(), 1, says=("performance/accuracy",))


def test_glob_over_files_that_differ(world: World) -> None:
    """Files of one table with other columns are an error; with the same, their rows are judged together."""
    whole = world.table
    parts = {"a": whole[:200], "b": whole[200:]}
    for name, body in parts.items():
        (world.home / "data" / f"part-{name}.csv").write_text(csv_text(HEADER, body), "utf-8")
    world.release("data/test.csv", "data/part-*.csv")
    done = world.run()
    sound(world, done)
    assert done.code == 0, done.said
    assert done.finding("data/row-count")["value"] == 400
    swapped = [HEADER[0], HEADER[2], HEADER[1], *HEADER[3:]]
    (world.home / "data" / "part-b.csv").write_text(csv_text(swapped, parts["b"]), "utf-8")
    refused(world, world.run(), says=("data/part-b.csv:1", "data/part-a.csv"))


def test_infinite_features_are_outside_every_range(world: World) -> None:
    """Infinite values of a feature fail the check on its range."""
    world.column("income", lambda number, row: "inf" if number == 3 else row[5])
    world.checks(
        "{check: performance/accuracy, at_least: 0.8}",
        "{check: data/range, params: {columns: {income: [-1000, 1000]}}, at_most: 0}",
    )
    refused(world, world.run(), 1, says=("data/range", "1 value "))


def test_column_of_a_check_that_is_not_there(world: World) -> None:
    """A column that a check names and the table lacks is an error with the policy's line."""
    world.policy("missing\n    at_most: 0.05", "missing\n    at_most: 0.05\n    params: {columns: [incme]}")
    refused(world, world.run(), says=("policy.yaml:13", "column 'incme'", "'income'"))


@pytest.mark.parametrize(
    ("judged", "train"),
    [
        ("{path: data/test.csv}", "{path: data/test.csv}"),
        ("{path: data/test.csv}", "{path: elsewhere.csv}"),
        ("{path: data/test.csv}", "{path: elsewhere.csv, columns: {protected: null}}"),
        ("{path: data/test.csv, where: {sex: male}}", "{path: elsewhere.csv, where: {sex: [male]}}"),
        ("{path: data/test.csv, where: {y: [0, 1]}}", "{path: data/test.csv, where: {y: [1, 0]}}"),
        ("{path: data/test.csv}", "{path: data/test.csv, where: {tenure: {from: 0}}}"),
    ],
)
@pytest.mark.parametrize(
    "check",
    [
        "{check: performance/overfit, at_most: 0.05}",
        "{check: data/outliers-from-train, at_most: 1}",
    ],
)
def test_training_rows_that_are_the_judged_ones(world: World, judged: str, train: str, check: str) -> None:
    """A copy of the judged table is no training table: a gap of 0 between the two shows nothing."""
    (world.home / "elsewhere.csv").write_bytes(world.data.read_bytes())
    world.release("evaluation: {path: data/test.csv}", f"evaluation: {judged}\n  train: {train}")
    world.checks(check)
    done = refused(world, world.run(), 3, says=("the same rows",))
    assert set(done.outcomes.values()) == {"not_measured"}


@pytest.mark.parametrize(
    ("judged", "train"),
    [
        ("{path: data/test.csv, where: {sex: female}}", "{path: data/test.csv, where: {sex: male}}"),
        ("{path: data/test.csv}", "{path: elsewhere.csv}"),
    ],
)
def test_training_rows_that_are_others(world: World, judged: str, train: str) -> None:
    """Two parts of one file are two tables, and so are two files."""
    (world.home / "elsewhere.csv").write_text(csv_text(HEADER, world.table[::-1]), "utf-8")
    world.release("evaluation: {path: data/test.csv}", f"evaluation: {judged}\n  train: {train}")
    world.checks("{check: performance/overfit, at_most: 0.5}")
    done = world.run()
    sound(world, done)
    assert done.code == 0, done.said


PER_STRATUM = "{{check: fairness/conditional-parity, at_most: 0.05, params: {{strata: {}}}}}"


@pytest.mark.parametrize("strata", ["p", "{p: [0.5]}", "[age_group, {p: [0.2, 0.8]}]"])
def test_strata_that_are_the_score(world: World, strata: str) -> None:
    """Among rows of one score all predictions are alike, whoever is behind them: no gap could be seen."""
    world.column("p", lambda _, row: "0.9" if row[SEX] == "male" else "0.1")
    world.checks("{check: fairness/demographic-parity-difference, at_most: 0.05, groups: [sex]}")
    refused(world, world.run(), 1)
    world.checks(PER_STRATUM.format(strata))
    refused(world, world.run(), says=("policy.yaml:4", "strata", "'p'"))


def test_strata_that_are_the_prediction(world: World) -> None:
    """Neither can one be seen among rows of one prediction."""
    world.column("income", lambda _, row: "1" if row[SEX] == "male" else "0")
    world.release("  score: p\n", "  prediction: income\n")
    world.release("[income, tenure]", "[tenure]")
    world.checks(PER_STRATUM.format("income"))
    refused(world, world.run(), says=("policy.yaml:4", "strata", "'income'"))


@pytest.mark.parametrize("groups", ["", ", groups: [sex]", ", groups: [[sex, age_group]]"])
def test_strata_that_are_the_groups(world: World, groups: str) -> None:
    """A stratum that holds one group alone compares nobody."""
    world.column("p", lambda _, row: "0.9" if row[SEX] == "male" else "0.1")
    strata = "[sex, age_group]" if "age" in groups else "sex"
    world.checks(PER_STRATUM.format(strata).replace("}}", f"}}{groups}}}"))
    refused(world, world.run(), 1, 2, 3)


@pytest.mark.parametrize(
    "check",
    [
        "{check: performance/accuracy, at_least: 0.5, slices: [sex]}",
        f"{{check: {PARITY}, at_most: 0.5, groups: [sex]}}",
        "{check: fairness/conditional-parity, at_most: 0.5, groups: [age_group], params: {strata: sex}}",
        "{check: data/group-size, at_least: 10, groups: [sex]}",
    ],
)
def test_group_that_is_no_name(world: World, check: str) -> None:
    """Long texts would come back in every finding, megabytes of them."""
    world.column("sex", lambda _, row: row[SEX][0] * 5000)
    world.checks(check)
    done = refused(world, world.run(), 2, says=["sex", "5000 characters"])
    assert len(json.dumps(done.report)) < 100_000


def test_group_of_a_long_name(world: World) -> None:
    """A name of 200 characters is one."""
    world.column("sex", lambda _, row: row[SEX][0] * 200)
    world.checks("{check: performance/accuracy, at_least: 0.5, slices: [sex]}")
    done = world.run()
    sound(world, done)
    assert done.code == 0, done.said


def test_single_row(world: World) -> None:
    """One row is no evidence of anything."""
    world.rewrite(lambda table: table.__delitem__(slice(1, None)))
    world.policy("at_least: 100", "at_least: 1")
    refused(world, world.run(), 1)


def test_report_of_yesterday_is_no_evidence(world: World) -> None:
    """What lies in --out is removed before anything is read, so that nothing can be judged by it."""
    world.release("MODEL_CARD.md", "mlgate-report/report.html")
    refused(world, world.run(), says=("mlgate-report/report.html", "does not exist"))


def test_the_record_says_what_the_exit_code_says(world: World) -> None:
    """A process of its own that is blocked exits with 1, says so last, and its record agrees."""
    world.policy("roc-auc\n    at_least: 0.8", "roc-auc\n    at_least: 0.99999")
    done = refused(world, world.call(), 1, says=("Does not meet policy credit-release",))
    assert done.report is not None
    assert json.dumps(done.report).count('"approved"') == 0
