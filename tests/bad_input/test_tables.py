"""Tables that are broken in one place: what parses is judged and not approved, what does not is an error."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeAlias

import pytest

from tests.bad_input.conftest import HEADER, Row, World, csv_text, refused, sound

Break: TypeAlias = Callable[[World], object]
Attack: TypeAlias = tuple[Break, tuple[int, ...], tuple[str, ...]]
"""What is broken, the exit codes that are right, and the words that have to be said."""

LABEL, SCORE, SEX, AGE, INCOME, TENURE = (HEADER.index(one) for one in HEADER[1:])


def test_the_release_itself_is_approved(world: World) -> None:
    """All that follows breaks one thing of a release that is approved, in this process and in another."""
    for done in (world.run(), world.call()):
        sound(world, done)
        assert done.code == 0
        assert done.report is not None
        assert done.report["promotable"]
        assert set(done.outcomes.values()) == {"pass"}


def text(change: Callable[[str], str], encoding: str = "utf-8") -> Break:
    """Change the text of the table."""

    def broken(world: World) -> None:
        found = world.data.read_text("utf-8")
        world.data.write_bytes(change(found).encode(encoding))

    return broken


def line(number: int, change: Callable[[str], str]) -> Break:
    """Change one line of the table; the header is line 1."""

    def changed(found: str) -> str:
        lines = found.splitlines()
        lines[number - 1] = change(lines[number - 1])
        return "\n".join(lines) + "\n"

    return text(changed)


def renamed(old: str, new: str) -> Break:
    """Rename a column in the header."""
    return line(1, lambda header: ",".join(new if one == old else one for one in header.split(",")))


def column(name: str, value: str | Callable[[int, Row], str]) -> Break:
    """Set a column."""
    return lambda world: world.column(name, value)


def some(name: str, value: str, count: int = 3) -> Break:
    """Set the first few values of a column."""
    at = HEADER.index(name)
    return column(name, lambda number, row: value if number < count else row[at])


def declared(old: str, new: str, then: Break | None = None) -> Break:
    """Change release.yaml, then break the table."""

    def broken(world: World) -> None:
        world.release(old, new)
        if then is not None:
            then(world)

    return broken


def weights(value: Callable[[int], str]) -> Break:
    """Give the table a weight column."""

    def broken(world: World) -> None:
        world.release("  key: id\n", "  key: id\n  weight: w\n")
        body = [[*row, value(number)] for number, row in enumerate(world.table)]
        world.data.write_text(csv_text([*HEADER, "w"], body), "utf-8")

    return broken


def rows_kept(keep: Callable[[int, Row], bool]) -> Break:
    """Keep some rows."""

    def broken(world: World) -> None:
        kept = [row for number, row in enumerate(world.table) if keep(number, row)]
        world.data.write_text(csv_text(HEADER, kept), "utf-8")

    return broken


UNREADABLE: dict[str, Attack] = {
    "empty": (text(lambda _: ""), (2,), ("data/test.csv", "is empty")),
    "blank lines only": (text(lambda _: "\n\n\n"), (2,), ("data/test.csv", "is empty")),
    "semicolons": (
        text(lambda found: found.replace(",", ";")),
        (2,),
        ("data/test.csv:1", "delimiter", "';'", "data.evaluation.delimiter"),
    ),
    "tabs": (text(lambda found: found.replace(",", "\t")), (2,), ("data/test.csv:1", "delimiter")),
    "commas, declared semicolons": (
        declared("path: data/test.csv", 'path: data/test.csv, delimiter: ";"'),
        (2,),
        ("data/test.csv:1", "delimiter", "','"),
    ),
    "UTF-16": (text(lambda found: found, "utf-16"), (2,), ("data/test.csv:1", "UTF-16", "encoding: utf-16")),
    "UTF-16 without mark": (text(lambda found: found, "utf-16-le"), (2,), ("data/test.csv:1", "NUL")),
    "UTF-32": (text(lambda found: found, "utf-32"), (2,), ("data/test.csv:1", "UTF-32")),
    "Latin-1": (
        text(lambda found: found.replace("female", "f\xe9male"), "latin-1"),
        (2,),
        ("data/test.csv:", "UTF-8"),
    ),
    "declared UTF-16 and is not": (
        declared("path: data/test.csv", "path: data/test.csv, encoding: utf-16"),
        (2,),
        ("data/test.csv", "utf-16"),
    ),
    "NUL in a value": (line(5, lambda row: row.replace("male", "ma\0le")), (2,), ("data/test.csv:5", "NUL")),
    "NUL in the header": (renamed("income", "inc\0ome"), (2,), ("data/test.csv:1", "NUL")),
    "NUL bytes at the end": (
        text(lambda found: found + "\0" * 512),
        (2,),
        ("data/test.csv:402", "NUL"),
    ),
    **{
        f"{kind} row, line {number}": (
            line(number, change),
            (2,),
            (f"data/test.csv:{number}", f"{values} values", "the header names 7"),
        )
        for number in (2, 201, 401)
        for kind, values, change in (
            ("short", 6, lambda row: row.rpartition(",")[0]),
            ("long", 8, lambda row: row + ",1"),
        )
    },
    "short header": (line(1, lambda row: row.rpartition(",")[0]), (2,), ("data/test.csv:2", "7 values")),
    "cut off inside a row": (text(lambda found: found[:-12]), (2,), ("data/test.csv:401", "values")),
    "quote that is never closed": (
        line(7, lambda row: row.replace("male", '"male')),
        (2,),
        ("data/test.csv:7",),
    ),
    "quote in the middle": (
        line(7, lambda row: row.replace("male", 'ma"le', 1)),
        (2,),
        ("data/test.csv:7", "quote"),
    ),
    "column twice": (renamed("tenure", "income"), (2,), ("data/test.csv:1", "'income'", "columns 6, 7")),
    "label twice": (renamed("tenure", "y"), (2,), ("data/test.csv:1", "'y'")),
    "columns that differ in case": (
        renamed("tenure", "Income"),
        (2,),
        ("data/test.csv:1", "upper and lower case", "'income', 'Income'"),
    ),
    "label in another case": (renamed("tenure", "Y"), (2,), ("data/test.csv:1", "upper and lower case")),
    "column without a name": (renamed("tenure", ""), (2,), ("data/test.csv:1", "column 7", "no name")),
    "header is data": (
        text(lambda found: found.partition("\n")[2]),
        (2,),
        ("data/test.csv: column 'y'", "lacks it"),
    ),
    "header twice": (
        text(lambda found: found.partition("\n")[0] + "\n" + found),
        (2,),
        ("data/test.csv: column 'y'",),
    ),
    "label missing": (renamed("y", "target"), (2,), ("data/test.csv: column 'y'", "label", "lacks it")),
    "score missing": (renamed("p", "probability"), (2,), ("data/test.csv: column 'p'", "score")),
    "protected missing": (renamed("sex", "gender"), (2,), ("data/test.csv: column 'sex'", "protected")),
    "label in another case only": (renamed("y", "Y"), (2,), ("data/test.csv: column 'y'", "'Y'")),
    "score padded with a space": (renamed("p", " p"), (2,), ("data/test.csv: column 'p'", "' p'")),
    "key missing": (renamed("id", "number"), (2,), ("data/test.csv: column 'id'", "key")),
    "feature missing": (renamed("tenure", "time"), (2,), ("data/test.csv: column 'tenure'", "features")),
    "prediction missing": (
        declared("  score: p\n", "  score: p\n  prediction: decision\n"),
        (2,),
        ("data/test.csv: column 'decision'", "prediction"),
    ),
    "weight missing": (
        declared("  key: id\n", "  key: id\n  weight: w\n"),
        (2,),
        ("data/test.csv: column 'w'", "weight"),
    ),
    "labels that are not the positive value": (
        declared("positive: 1", "positive: 'yes'"),
        (2,),
        ("data/test.csv: column 'y'", "'yes'", "0, 1"),
    ),
    "positive in another case": (
        declared(
            "positive: 1", "positive: 'yes'", column("y", lambda _, row: ["No", "Yes"][int(row[LABEL])])
        ),
        (2,),
        ("data/test.csv: column 'y'", "'Yes'", "case"),
    ),
    "label words and no positive": (
        declared("  positive: 1\n", "", column("y", lambda _, row: ["bad", "good"][int(row[LABEL])])),
        (2,),
        ("data/test.csv: column 'y'", "positive"),
    ),
    "third label": (some("y", "2"), (2,), ("data/test.csv: column 'y'", "3 distinct values")),
    "label written in two ways": (
        column("y", lambda number, row: row[LABEL] + (".0" if number % 2 else "")),
        (0,),
        (),
    ),
    "score of texts": (some("p", "high"), (2,), ("data/test.csv: column 'p'", "not a number")),
    "weights of texts": (
        weights(lambda number: "x" if number < 2 else "1"),
        (2,),
        ("data/test.csv: column 'w'",),
    ),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_nothing_is_judged(world: World, name: str) -> None:
    """A table that cannot be read or understood ends the run with exit 2, file and line or column."""
    broken, codes, says = UNREADABLE[name]
    broken(world)
    done = world.run()
    if codes == (0,):
        sound(world, done)
        assert done.code == 0, done.said
        return
    refused(world, done, *codes, says=says)


JUDGED: dict[str, Attack] = {
    "header only": (text(lambda found: found.partition("\n")[0] + "\n"), (3,), ("the table has no rows",)),
    "where selects nothing": (
        declared("path: data/test.csv", "path: data/test.csv, where: {sex: other}"),
        (3,),
        ("the table has no rows",),
    ),
    "label of nothing": (column("y", ""), (1,), ("400 of 400 values of label 'y' are missing",)),
    "labels NaN": (some("y", "NaN"), (3,), ("3 of 400 values of label 'y' are missing",)),
    "labels empty": (some("y", "", 1), (3,), ("1 of 400 values of label 'y' are missing",)),
    "one class, positive": (
        column("y", "1"),
        (1,),
        ("performance/roc-auc: Could not be measured: no row is labelled negative",),
    ),
    "one class, negative": (
        column("y", "0"),
        (1,),
        (
            "performance/roc-auc: Could not be measured: no row is labelled positive",
            "recall has no denominator",
        ),
    ),
    "scores over 1": (some("p", "1.5"), (3,), ("3 of 400 values lie outside [0, 1]", "max 1.5")),
    "scores under 0": (some("p", "-0.001", 1), (3,), ("1 of 400 values lie outside [0, 1]",)),
    "scores of per cent": (
        column("p", lambda _, row: f"{100 * float(row[SCORE]):.4f}"),
        (3,),
        ("score 'p'", "outside [0, 1]"),
    ),
    "scores NaN": (some("p", "nan"), (3,), ("score 'p'", "missing")),
    "scores of nothing": (column("p", ""), (1,), ("score 'p': 400 of 400 values are missing",)),
    "scores infinite": (some("p", "inf"), (3,), ("score 'p'", "infinite")),
    "scores minus infinite": (some("p", "-Infinity", 1), (3,), ("score 'p'", "infinite")),
    "scores all alike": (column("p", "0.7"), (1, 3), ()),
    "scores at random": (
        column("p", lambda number, _: f"{random.Random(number).random():.4f}"),
        (1,),
        ("performance/roc-auc",),
    ),
    "scores the wrong way round": (
        column("p", lambda _, row: f"{1 - float(row[SCORE]):.6f}"),
        (1,),
        ("performance/roc-auc",),
    ),
    "a group of one beside one group": (
        column("sex", lambda number, _: "other" if number == 7 else "female"),
        (3,),
        ("fairness/demographic-parity-difference[sex]", "1 group of 2 can be judged", "other: 1 row"),
    ),
    "every group of one": (
        column("sex", lambda number, _: f"s{number % 190}"),
        (3,),
        ("fairness/demographic-parity-difference[sex]", "can be judged"),
    ),
    "one judged group": (
        column("sex", "female"),
        (3,),
        ("fairness/demographic-parity-difference[sex]", "a comparison needs 2"),
    ),
    "protected of nothing": (
        column("sex", ""),
        (1,),
        ("fairness/demographic-parity-difference[sex]", "protected value missing"),
    ),
    "a fifth of protected missing": (
        column("sex", lambda number, row: "" if number % 5 == 0 else row[SEX]),
        (1, 3),
        ("data/missing",),
    ),
    "10,000 categories": (
        lambda world: (
            world.table.extend([str(400 + i), *row[1:]] for i, row in enumerate(world.table * 25)),
            world.column("sex", lambda number, _: f"s{number % 10_000}"),
        ),
        (3,),
        ("10000 groups by 'sex', more than 200",),
    ),
    "a group without positives": (
        column("y", lambda _, row: "0" if row[SEX] == "female" else row[LABEL]),
        (1, 3),
        ("fairness/equal-opportunity-difference[sex]",),
    ),
    "key twice": (
        column("id", lambda number, _: str(number % 399)),
        (1,),
        ("data/unique-key", "1 row"),
    ),
    "key missing in a row": (some("id", "", 1), (1,), ("data/unique-key",)),
    "a column of nothing": (column("tenure", ""), (1,), ("data/missing",)),
    "too few rows": (rows_kept(lambda number, _: number < 60), (1, 3), ("data/row-count",)),
    "weights negative": (
        weights(lambda number: "-1" if number < 2 else "1"),
        (3,),
        ("weight 'w'", "negative"),
    ),
    "weights zero": (weights(lambda _: "0"), (3,), ("weight",)),
    "weights NaN": (weights(lambda number: "nan" if number < 2 else "1"), (3,), ("weight 'w'", "missing")),
    "weights infinite": (
        weights(lambda number: "inf" if number < 2 else "1"),
        (3,),
        ("weight 'w'", "infinite"),
    ),
    "one row has all the weight": (weights(lambda number: "1e300" if number == 0 else "1"), (1, 3), ()),
    "weights overflow": (weights(lambda _: "1e308"), (1, 3), ()),
    "weights of almost nothing": (weights(lambda number: "1e-300" if number else "1"), (1, 3), ()),
}


@pytest.mark.parametrize("name", JUDGED)
def test_judged_and_not_approved(world: World, name: str) -> None:
    """A table that parses and is no evidence is judged: blocked or undecided, saying why."""
    broken, codes, says = JUDGED[name]
    broken(world)
    refused(world, world.run(), *codes, says=says)
