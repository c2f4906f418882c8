"""Findings that compare with another model: margins, metrics and both models are said in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from mlgate.findings import Finding, GroupRecord, LimitRecord, MeasureRecord, Outcome, Report
from mlgate.render import claims, sentences, terminal
from mlgate.render.html import to_html

ROC = {"check": "performance/roc-auc", "params": {"average": "macro"}}
PASS, FAIL = Outcome.PASS, Outcome.FAIL

Build = Callable[..., Finding]


@pytest.fixture
def compared(found: Callable[..., Finding]) -> Build:
    """Return a function that builds a comparison by the area under the curve."""

    def build(op: str, edge: object, value: float, margin: object, **more: object) -> Finding:
        usual: dict[str, object] = {
            "measure": MeasureRecord(id="compare.improvement", package="mlgate", version="1"),
            "value": value,
            "interval": (value - 0.012, value + 0.012),
            "limit": LimitRecord(op=op, value=edge, guard=0.0, decided_on="bound"),  # type: ignore[arg-type]
            "unit": claims.OF_THE_METRIC,
            "params": {"metric": ROC, "margin": margin},
            "confidence": 0.95,
            "n": 300,
        }
        return found("compare/x", "It is as good", PASS, **(usual | more))

    return build


@pytest.mark.parametrize(
    ("limit", "value", "margin", "said"),
    [
        (
            ("at_least", -0.01),
            0.0233,
            0.01,
            (
                "not worse than the champion by more than 0.01 (roc-auc)",
                "It is better than the champion by 0.0233 (roc-auc), and may be worse by 0.01 at most; ",
            ),
        ),
        (
            ("at_least", -0.02),
            -0.03,
            "2%",
            (
                "not worse than the champion by more than 0.02 of the champion's roc-auc",
                "It is worse than the champion by 0.0300 of the champion's roc-auc, and may be worse by 0.02 at most; ",
            ),
        ),
        (
            ("at_least", 0.05),
            0.02,
            0.05,
            (
                "better than the champion by more than 0.05 (roc-auc)",
                "It is better than the champion by 0.0200 (roc-auc), and has to be better by more than 0.05; ",
            ),
        ),
        (
            ("at_least", 0.0),
            -0.02,
            None,
            (
                "better than the champion (roc-auc)",
                "It is worse than the champion by 0.0200 (roc-auc), and has to be better; ",
            ),
        ),
        (
            ("between", (-0.02, 0.02)),
            0.03,
            0.02,
            (
                "within 0.02 (roc-auc) of the champion, above or below",
                "It lies above the champion by 0.0300 (roc-auc), and may lie 0.02 above or below; ",
            ),
        ),
        (
            ("at_least", -0.02),
            0.0,
            0.02,
            (
                "not worse than the champion by more than 0.02 (roc-auc)",
                "It does as well as the champion (roc-auc), and may be worse by 0.02 at most; ",
            ),
        ),
    ],
)
def test_a_margin_is_said_in_words(
    compared: Build, limit: tuple[str, object], value: float, margin: object, said: tuple[str, str]
) -> None:
    """Never as a limit below zero that the reader has to turn round."""
    one = compared(*limit, value, margin)
    demand, start = said
    assert sentences.demand(one) == demand
    assert sentences.sentence(one).startswith(start)


def test_what_a_check_was_asked_by_has_a_name(compared: Build) -> None:
    """The metric, else the statistic, else nothing."""
    assert claims.measured_by(compared("at_least", -0.01, 0.02, 0.01)) == "roc-auc"
    assert claims.measured_by(compared("at_most", 0.1, 0.02, None, params={"statistic": "psi"})) == "psi"
    assert claims.measured_by(compared("at_most", 0.1, 0.02, None, params={"statistic": 3})) is None


def test_groups_and_anchors_are_named(compared: Build) -> None:
    """The group that decides, and the anchor by its name."""
    least = compared("at_least", -0.02, 0.01, 0.02, decides="female, < 30")
    assert "by 0.0100 (roc-auc), least in female, < 30, and may" in sentences.sentence(least)
    anchored = compared(
        "at_least",
        -0.02,
        0.01,
        0.02,
        measure=MeasureRecord(id="compare.since_anchor", package="mlgate", version="1"),
        params={"metric": ROC, "margin": 0.02, "anchor": "spring"},
    )
    assert sentences.demand(anchored) == "not worse than anchor spring by more than 0.02 (roc-auc)"


def test_the_guarantee_is_about_the_other_model(compared: Build) -> None:
    """What gets through how often: a model that is worse by the margin, or no better."""
    said = sentences.guarantee(compared("at_least", -0.01, 0.02, 0.01))
    start = "A model that is really worse than the champion by 0.01 (roc-auc) passes at most 1 time in 20."
    assert (said or "").startswith(start)
    said = sentences.guarantee(compared("at_least", 0.0, 0.02, None))
    assert (said or "").startswith("A model that is really no better than the champion passes at most")


def test_other_findings_are_no_claims(compared: Build) -> None:
    """A limit of one's own, a measure of another name, a metric that is not there: all are said as ever."""
    for changes in (
        {"measure": MeasureRecord(id="performance.worst_slice", package="mlgate", version="1")},
        {"params": {"metric": None, "margin": 0.01}},
        {"params": {}},
        {"limit": None},
    ):
        one = compared("at_least", -0.01, 0.02, 0.01, **changes)
        assert claims.claim(one) is None
        assert "champion" not in sentences.sentence(one)


def test_the_unit_is_the_metric(compared: Build) -> None:
    """A number of a metric has its name; a share of the champion's says of what; without one it is bare."""
    assert sentences.quantity(compared("at_least", -0.01, 0.0233, 0.01)) == "0.0233 roc-auc"
    assert sentences.quantity(compared("at_least", -0.01, 0.0233, "1%")) == "0.0233 of roc-auc"
    assert sentences.quantity(compared("at_least", -0.01, 0.0233, None, params={"metric": None})) == "0.0233"


@pytest.mark.parametrize(("value", "said"), [(1.0, "1 column"), (0.0, "0 columns"), (2.0, "2 columns")])
def test_one_thing_is_singular(found: Callable[..., Finding], value: float, said: str) -> None:
    """`1 column`."""
    assert sentences.quantity(found("data/x", "Columns", PASS, value=value, unit="columns")) == said


def test_the_page_shows_metric_and_both_models(compared: Build, blocked: Report) -> None:
    """The metric stands beside the title, the champion in the table, code in the text as code."""
    rows = tuple(
        GroupRecord(group={"of": name}, n=300, value=value, interval=(value - 0.02, value + 0.02))
        for name, value in (("candidate", 0.9), ("champion", 0.88))
    )
    one = compared("at_least", -0.01, 0.02, 0.01, groups=rows, why="With `margin`, and a lone ` as it is.")
    two = compared("at_least", -0.01, 0.02, 0.01, id="two", why="With `<b>`, safely.")
    page = to_html(replace(blocked, findings=(one, two)))
    assert '<span class="slice">roc-auc</span>' in page
    assert ">candidate</th>" in page
    assert ">champion</th>" in page
    assert "With `margin`, and a lone ` as it is." in page
    assert "With <code>&lt;b&gt;</code>, safely." in page
    assert "units of the metric" not in page + terminal.summary(replace(blocked, findings=(one, two)))


def test_what_is_long_is_folded_and_says_what_failed(found: Callable[..., Finding], blocked: Report) -> None:
    """Of a long table, what failed stands open; a row of many names is stacked; what is met is no reason."""
    rows = tuple(
        GroupRecord(
            group={"expectation": f"{place}. expect", "column": "age", "run by": "mlgate"},
            n=10,
            value=0.5 if place < 3 else 0.0,
            rate="not met" if place < 3 else "met",
            reason="not met; 5 unexpected" if place < 3 else None,
        )
        for place in range(40)
    )
    limit = LimitRecord(op="at_most", value=0.0, guard=0.0, decided_on="fact")
    one = found("data/x", "Met", FAIL, value=3.0, unit="expectations", limit=limit, groups=rows)
    assert sentences.reasons(one) == tuple(
        f"{place}. expect (column age, run by mlgate): not met; 5 unexpected" for place in range(3)
    )
    page = to_html(replace(blocked, findings=(one,)))
    assert "3 expectations are above the limit 0." in page
    assert "<li>2. expect (column age, run by mlgate): not met; 5 unexpected</li>" in page
    assert "Breakdown in 40 rows" in page
    assert 'class="groups stacked"' in page
