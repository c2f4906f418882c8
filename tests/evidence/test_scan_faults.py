"""What cannot be counted is a fault or an error that says so; it never passes as a count."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest

from mlgate.cells import Cells, Counts, Document, Profile, Repeats, Shape, Stated, Values
from mlgate.errors import EvidenceError
from mlgate.evidence.scan import scan

if TYPE_CHECKING:
    from mlgate.evidence.tables import Table

TableOf = Callable[..., "Table"]


def cells_of(table: Table, statistic: Counts) -> Cells:
    """Return the cells that answer one statistic."""
    answer = scan(table, [statistic])[statistic]
    assert isinstance(answer, Cells)
    return answer


def test_a_prediction_in_another_coding_ends_the_scan(table_of: TableOf) -> None:
    """Zeros and ones beside `>50K` are not guessed at."""
    table = table_of({"y": ["<=50K", ">50K"], "d": [0, 1]}, label="y", prediction="d", label_positive=">50K")
    with pytest.raises(EvidenceError, match=r"column 'd'.*`prediction_positive: 1`"):
        scan(table, [Counts(("prediction",))])


@pytest.mark.parametrize(
    ("column", "roles", "says"),
    [
        ({"y": [1, None, 0]}, ("label",), "1 of 3 values of label 'y' are missing"),
        ({"y": [1.0, math.nan, 0.0]}, ("label",), "1 of 3 values of label 'y' are missing"),
        ({"d": [1, None, 0]}, ("prediction",), "1 of 3 values of prediction 'd' are missing"),
        ({"p": [0.5, None, math.nan]}, ("score",), "score 'p': 2 of 3 values are missing or NaN"),
        ({"p": [0.5, math.inf, -math.inf]}, ("score",), "score 'p': 2 of 3 values are infinite"),
        (
            {"p": [1, 3, 10]},
            ("score",),
            "score 'p': 2 of 3 values lie outside [0, 1] (min 1, max 10), so it is not a probability",
        ),
        ({"p": pa.nulls(3, pa.string())}, ("score",), "score 'p': 3 of 3 values are missing or NaN"),
        ({"p": [0.5, None, 0.1]}, ("prediction",), "score 'p': 1 of 3 values are missing or NaN"),
        ({"p": [1, 3, 10]}, ("prediction",), "lie outside [0, 1]"),
        ({"w": [1.0, -1.0, 2.0]}, (), "weight 'w': 1 of 3 values are negative"),
        ({"w": [1.0, None, math.nan]}, (), "weight 'w': 2 of 3 values are missing or NaN"),
        ({"w": [1.0, math.inf, 1.0]}, (), "weight 'w': 1 of 3 values are infinite"),
        ({"w": [0.0, 0.0, 0.0]}, (), "add up to zero"),
        ({"w": [1e300, 1e300, 1e300]}, (), "more than a number can hold"),
        ({"w": pa.nulls(3, pa.string())}, (), "weight 'w': 3 of 3 values are missing or NaN"),
    ],
)
def test_what_cannot_be_counted_is_a_fault(
    table_of: TableOf, column: dict[str, Any], roles: tuple[str, ...], says: str
) -> None:
    """Missing and impossible values come back with the cells, naming column, count and mend."""
    role_of = {"y": "label", "d": "prediction", "p": "score", "w": "weight"}
    table = table_of(column, **{role_of[name]: name for name in column})
    statistic = Counts(roles)
    cells = cells_of(table, statistic)
    assert cells.fault is not None
    assert says in cells.fault
    assert cells.rows == 3


def test_a_fault_touches_only_counts_of_its_role(table_of: TableOf) -> None:
    """Scores on a scale of their own do not spoil counts of labels and decisions."""
    table = table_of(
        {"y": [1, 0], "d": [1, 0], "p": [7, 3], "g": ["a", None]}, label="y", prediction="d", score="p"
    )
    sound, spoilt = Counts(("label", "prediction"), ("g",)), Counts(("label", "prediction", "score"))
    answers = scan(table, [sound, spoilt])
    assert [getattr(answers[one], "fault", "") is None for one in (sound, spoilt)] == [True, False]


def test_a_threshold_outside_the_unit_interval_allows_scores_of_its_scale(table_of: TableOf) -> None:
    """Deciles cut at 5 give a prediction; they are still no probability."""
    table = table_of({"p": [1, 5, 10]}, score="p", threshold=5)
    assert cells_of(table, Counts(("prediction",))).fault is None
    assert cells_of(table, Counts(("score",))).fault is not None


@pytest.mark.parametrize(
    ("roles", "statistic", "says"),
    [
        ({"score": "t"}, Counts(("score",)), "column 't': the score is of type string, not a number"),
        ({"weight": "t"}, Counts(()), "column 't': the weight is of type string, not a number"),
        ({"label": "l"}, Counts(("label",)), "column 'l': the label is of type"),
        ({"label": "t"}, Counts(("label",)), "column 't': the label has 3 distinct values"),
        ({"label": "d"}, Counts(("label",)), "column 'd': the label is of type date, which has no classes"),
        ({}, Counts(("label",)), "has no label, which a selected check needs"),
        ({}, Counts(("prediction",)), "has no prediction"),
        ({}, Counts((), ("tt",)), "column 'tt': the table has no such column; did you mean 't'?"),
        ({}, Profile("x"), "column 'x': the table has no such column"),
        ({}, Repeats(("t", "x")), "column 'x'"),
        ({}, Repeats(()), "no columns are named"),
        ({}, Values("x"), "column 'x'"),
    ],
)
def test_what_a_table_cannot_answer_is_an_error(
    table_of: TableOf, roles: dict[str, str], statistic: Any, says: str
) -> None:
    """The error names the table, the column and what is the matter."""
    day = pa.array([1, 2, 2], pa.date32())
    table = table_of({"t": ["a", "b", "c"], "l": [[1], [2], [3]], "d": day}, **roles)
    with pytest.raises(EvidenceError) as caught:
        scan(table, [statistic])
    assert says in str(caught.value)
    assert str(caught.value).startswith("test.csv")


def test_an_engine_that_fails_is_an_error_in_plain_words(table_of: TableOf, tmp_path: Path) -> None:
    """A file that vanishes under a query ends the scan with a sentence, not with the engine's traceback."""
    path = tmp_path / "gone.parquet"
    pd.DataFrame({"y": [1, 0]}).to_parquet(path)
    table = table_of({"y": [1]}, label="y")
    backend = table.expr.get_backend()
    backend.con.execute(f"CREATE OR REPLACE VIEW gone AS SELECT * FROM '{path}'")  # noqa: S608  # own file
    table = replace(table, expr=backend.table("gone"))
    path.unlink()
    with pytest.raises(EvidenceError, match=r"^test\.csv: could not count rows: ") as caught:
        scan(table, [Shape()])
    assert "\n" not in str(caught.value)


def test_a_driver_cannot_spill_its_password(table_of: TableOf) -> None:
    """What an engine elsewhere says when it fails may repeat its address, so it is not repeated."""
    table = table_of("SELECT 'secret' AS y")
    far = replace(table, engine="postgres", expr=table.expr.mutate(y=table.expr.y.cast("int64")))
    with pytest.raises(EvidenceError, match="could not profile y: ConversionException; ") as caught:
        scan(far, [Profile("y")])
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    with pytest.raises(EvidenceError, match="Could not convert string 'secret'"):
        scan(replace(far, engine="duckdb"), [Profile("y")])


@pytest.mark.parametrize("role", ["weight", "prediction", "score"])
def test_a_column_that_the_release_names_and_the_table_lacks_is_an_error(
    table_of: TableOf, role: str
) -> None:
    """Absent weights are not ones, and an absent decision is not made up from the score."""
    roles = {"label": "y"} | ({} if role == "score" else {"score": "p"})
    table = replace(table_of({"y": [1, 0], "p": [0.1, 0.9]}, **roles), absent={role: "gone"})
    with pytest.raises(EvidenceError, match=f"column 'gone': is not there; the release names it as {role}"):
        scan(table, [Counts(("label", "prediction"))])


@pytest.mark.parametrize("statistic", [Document("model_card"), Stated("intended_use"), Counts(("weight",))])
def test_what_no_table_answers_is_refused(table_of: TableOf, statistic: Any) -> None:
    """Documents and statements are answered by the release."""
    with pytest.raises(TypeError, match="no table answers"):
        scan(table_of({"y": [1]}), [statistic])


def test_a_column_of_very_many_groups_is_a_fault(table_of: TableOf) -> None:
    """More than a million combinations are not fetched; what fits beside them is."""
    table = table_of("SELECT i AS id, i % 2 AS y FROM range(1000001) t(i)", label="y")
    huge, small = Counts(("label",), ("id",)), Counts(("label",))
    answers = scan(table, [huge, small])
    fault = getattr(answers[huge], "fault", None)
    assert fault is not None
    assert "label by id have more than 1000000 distinct combinations" in fault
    assert getattr(answers[small], "fault", "") is None


def test_a_misspelt_favourable_outcome_ends_the_scan(table_of: TableOf) -> None:
    """Also where only predictions are asked for, coded as the label, otherwise, or following from a score."""
    data = {"y": ["approved", "denied"], "d": ["approved", "denied"], "e": [1, 0], "p": [0.9, 0.1]}
    outputs: tuple[dict[str, Any], ...] = (
        {"prediction": "d"},
        {"prediction": "e", "prediction_positive": 1},
        {"score": "p"},
    )
    for output in outputs:
        roles = {"label": "y", "label_positive": "approved", **output}
        says = r"column 'y': `favourable: 'aproved'` .* has 'approved', 'denied'; did you mean 'approved'\?"
        with pytest.raises(EvidenceError, match=says):
            scan(table_of(data, **roles, favourable="aproved"), [Counts(("prediction",))])
        assert cells_of(table_of(data, **roles, favourable="denied"), Counts(("prediction",))).fault is None


def test_a_favourable_outcome_is_checked_without_labels(table_of: TableOf) -> None:
    """Where no label is there, predictions written alike show it, or the counts have a fault."""
    written_alike = table_of({"d": ["yes", "no"]}, prediction="d", label_positive="yes", favourable="no")
    assert cells_of(written_alike, Counts(("prediction",))).fault is None
    scored = table_of({"p": [0.9, 0.1]}, score="p", label_positive="yes", favourable="yess")
    assert "no row shows which class `favourable: 'yess'`" in str(
        cells_of(scored, Counts(("prediction",))).fault
    )
    zero_one = table_of({"p": [0.9, 0.1]}, score="p", favourable=0)
    assert cells_of(zero_one, Counts(("prediction",))).fault is None


def test_a_constant_prediction_under_a_misspelt_positive_is_a_fault(table_of: TableOf) -> None:
    """Else all-approve would count as all-deny, with a perfect specificity."""
    data = {"y": ["good", "bad"], "d": ["approve", "approve"]}
    roles = {"label": "y", "prediction": "d", "label_positive": "good"}
    wrong = cells_of(table_of(data, **roles, prediction_positive="aprove"), Counts(("label", "prediction")))
    assert "no row of prediction 'd' has the value 'aprove'; it holds only 'approve'" in str(wrong.fault)
    right = cells_of(table_of(data, **roles, prediction_positive="approve"), Counts(("label", "prediction")))
    assert right.fault is None


def test_a_constant_label_or_prediction_under_a_misspelt_positive_is_a_fault(table_of: TableOf) -> None:
    """One class written otherwise than `positive` may be either; two classes of the label tell."""
    roles = {"label": "y", "prediction": "d", "label_positive": "aprove"}
    both = table_of({"y": ["approve"] * 2, "d": ["approve"] * 2}, **roles)
    for asked, name in ((("label",), "label 'y'"), (("prediction",), "prediction 'd'")):
        assert f"no row of {name} has the value 'aprove'" in str(cells_of(both, Counts(asked)).fault)
    told = table_of({"y": ["aprove", "deny"], "d": ["deny", "deny"]}, **roles)
    assert cells_of(told, Counts(("label", "prediction"))).fault is None
