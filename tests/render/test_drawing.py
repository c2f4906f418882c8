"""Drawings: what a chart becomes, what cannot be drawn, and that nothing lies outside its frame."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate.findings import ChartRecord, Finding, GroupRecord, Outcome
from mlgate.render import profile
from mlgate.render.drawing import bars, charts, intervals
from mlgate.render.drawing.axis import Axis

Series = tuple[float | str | None, ...]

FITTING: Mapping[str, tuple[str, Mapping[str, Series]]] = {
    "roc": ("plot", {"false_positive_rate": (0.0, 0.2, 1.0), "true_positive_rate": (0.0, 0.8, 1.0)}),
    "precision-recall": ("plot", {"recall": (0.1, 0.5, 1.0), "precision": (1.0, 0.7, 0.3)}),
    "reliability": (
        "plot",
        {
            "low": (0.0, 0.5),
            "high": (0.5, 1.0),
            "rows": (30.0, 70.0),
            "mean_score": (0.2, 0.8),
            "observed": (0.25, 0.7),
        },
    ),
    "quantile-coverage": (
        "plot",
        {
            "level": (0.1, 0.9),
            "observed": (0.12, 0.88),
            "low": (0.1, None),
            "high": (0.14, None),
            "rows": (50.0, 50.0),
        },
    ),
    "residuals": (
        "plot",
        {
            "low": (0.0, 10.0),
            "high": (9.0, 20.0),
            "rows": (5.0, 5.0),
            "mean": (-1.0, 2.0),
            "lower": (-4.0, -3.0),
            "upper": (3.0, 8.0),
        },
    ),
    "curve": (
        "plot",
        {"value": (0.0, 1.0, 4.0), "mean": (0.2, 0.3, 0.7), "low": (0.1, 0.1, 0.6), "high": (0.3, 0.4, 0.9)},
    ),
    "attribution": (
        "plot",
        {
            "feature": ("income", "income", "age", "age"),
            "level": (0.0, 1.0, 0.0, 1.0),
            "mean": (-0.2, 0.3, 0.05, -0.02),
            "low": (-0.3, 0.1, 0.0, -0.1),
            "high": (-0.1, 0.4, 0.1, 0.0),
        },
    ),
    "histogram": ("plot", {"low": (0.0, 1.0, 2.0), "high": (1.0, 2.0, 3.0), "rows": (3.0, 0.0, 9.0)}),
    "score-histogram": ("plot", {"low": (0.0, 0.5), "high": (0.5, 1.0), "rows": (4.0, 6.0)}),
    "confusion": (
        "matrix",
        {
            "label": ("a", "a", "b", "b"),
            "prediction": ("a", "b", "a", "b"),
            "rows": (9.0, 1.0, 0.0, 5.0),
            "weight": (9.0, 1.0, 0.0, 5.0),
        },
    ),
    "bars": ("bars", {"part": ("x", "y"), "rows": (2.0, 5.0)}),
}


def chart(kind: str, data: Mapping[str, Series]) -> charts.ChartDrawing:
    """Draw a chart of some data."""
    return charts.of_chart(ChartRecord(kind=kind, title="A title", data=data))


@pytest.mark.parametrize("kind", FITTING)
def test_each_kind_is_drawn(kind: str) -> None:
    """A kind with its own data becomes its picture, and says what it shows."""
    part, data = FITTING[kind]
    drawn = chart(kind, data)
    assert drawn.kind == kind
    assert getattr(drawn, part)
    if drawn.plot is not None:
        assert drawn.plot.said
        assert drawn.plot.across
        assert drawn.plot.up
        assert drawn.plot.strokes


def test_texts_and_groups_have_a_form_of_their_own() -> None:
    """A histogram of values is bars; scores by group are one strip a group, on the same scale."""
    values = chart("histogram", {"value": ("Private", "other"), "rows": (90.0, 10.0), "missing": (3.0,)})
    assert [one.label for one in values.bars] == ["Private", "other"]
    assert values.missing == "3"
    split: dict[str, Series] = {
        "low": (0.0, 0.5, 0.0, 0.5),
        "high": (0.5, 1.0, 0.5, 1.0),
        "rows": (1.0, 3.0, 50.0, 50.0),
        "group": ("f", "f", "m", "m"),
    }
    assert [(one.name, one.rows) for one in chart("score-histogram", split).groups] == [
        ("f", "4"),
        ("m", "100"),
    ]


@pytest.mark.parametrize("kind", sorted({*FITTING, "sunburst"} - {"bars"}))
@pytest.mark.parametrize(
    "data",
    [
        {},
        {"rows": ()},
        {"odd": ("x", None), "numbers": (1.0, 2.0)},
        {"false_positive_rate": (0.0, 7.0), "true_positive_rate": (0.0, 1.0), "recall": (2.0,)},
        {"label": ("a", "a"), "prediction": ("b", "b"), "rows": (1.0, 2.0)},
        {"low": (5.0, 1.0), "high": (2.0, 9.0), "rows": (1.0, 1.0), "group": ("a", "b", "c")},
        {"low": (0.0,), "high": (0.0,), "rows": (0.0,)},
        {"mean_score": (None,), "observed": (0.5,)},
    ],
)
def test_what_does_not_fit_its_kind_is_a_table(kind: str, data: Mapping[str, Series]) -> None:
    """An unknown kind, missing series, numbers out of range, bins that overlap: shown, not drawn."""
    drawn = chart(kind, data)
    assert drawn.kind == "table"
    assert drawn.header == tuple(data)


def test_bars_need_a_text_and_a_number_for_each() -> None:
    """Without names or numbers there is nothing to draw; a bar without its number is left out."""
    assert chart("bars", {"rows": (1.0, 2.0)}).kind == "table"
    assert chart("bars", {"part": ("x", "y"), "rows": (None, None)}).kind == "table"
    assert [one.label for one in chart("bars", {"part": ("x", "y"), "rows": (None, 3.0)}).bars] == ["y"]


@given(
    kind=st.sampled_from([*FITTING, "sunburst"]),
    lengths=st.integers(0, 5),
    drawn=st.data(),
)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_no_data_break_a_drawing_or_leave_its_frame(kind: str, lengths: int, drawn: st.DataObject) -> None:
    """Whatever the series hold, there is a picture inside its box or a table."""
    value = st.one_of(
        st.none(), st.text(max_size=3), st.floats(allow_nan=False, allow_infinity=False), st.floats(0, 1)
    )
    names = {*FITTING.get(kind, ("", {"x": ()}))[1], "group", "value"}
    chosen = drawn.draw(st.sets(st.sampled_from(sorted(names))))
    data = {name: drawn.draw(st.tuples(*[value] * lengths)) for name in sorted(chosen)}
    plot = chart(kind, data).plot
    if plot is None:
        return
    for stroke in plot.strokes:
        found = [float(one) for one in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", stroke.path)]
        assert all(-1 <= one <= max(plot.width, plot.height) + 1 for one in found)


def test_a_curve_keeps_its_ends_and_loses_what_says_nothing() -> None:
    """Steps on a straight line are left out of the path."""
    steps = tuple(index / 100 for index in range(101))
    plot = chart("roc", {"false_positive_rate": steps, "true_positive_rate": (0.5,) * 101}).plot
    assert plot is not None
    line = next(one for one in plot.strokes if one.style == "curve").path
    assert line.count(" ") == 3
    assert line.startswith(f"M{plot.left:g} ")
    assert f" {plot.right:g} " in line


def test_a_matrix_shades_by_the_rows_of_its_label() -> None:
    """Shares are of the label; none and all are never rounded into each other."""
    data: dict[str, Series] = {
        "label": ("a", "a", "b", "b"),
        "prediction": ("a", "b", "a", "b"),
        "rows": (99_999.0, 1.0, 0.0, 10.0),
    }
    matrix = chart("confusion", data).matrix
    assert matrix is not None
    assert [[cell.share for cell in row] for row in matrix.cells] == [
        ["> 99.9 %", "< 0.1 %"],
        ["", "100.0 %"],
    ]
    assert [[cell.step for cell in row] for row in matrix.cells] == [[9, 1], [0, 9]]
    assert [cell.right for row in matrix.cells for cell in row] == [True, False, False, True]


def test_a_matrix_of_too_many_classes_is_a_table() -> None:
    """Fifteen classes are no picture any more."""
    names = [f"c{index}" for index in range(15)]
    pairs = [(a, b) for a in names for b in names]
    data: dict[str, Series] = {
        "label": tuple(a for a, _ in pairs),
        "prediction": tuple(b for _, b in pairs),
        "rows": (1.0,) * len(pairs),
    }
    assert chart("confusion", data).kind == "table"


def test_bins_of_unequal_width_stand_by_their_density() -> None:
    """A bin twice as wide with twice the rows is as high as its neighbour."""
    even = chart("histogram", {"low": (0.0, 1.0), "high": (1.0, 2.0), "rows": (4.0, 4.0)}).plot
    wide = chart("histogram", {"low": (0.0, 1.0), "high": (1.0, 3.0), "rows": (4.0, 8.0)}).plot
    assert even is not None
    assert wide is not None
    assert (even.up_name, wide.up_name) == ("rows", "rows, by width")
    heights = set(re.findall(r"V([\d.]+)H", wide.strokes[0].path))
    assert len(heights) == 1


def rates(found: Callable[..., Finding], decides: str | None, *rows: tuple[str, float]) -> Finding:
    """Return a fairness finding over some groups."""
    groups = tuple(GroupRecord(group={"g": name}, n=50, value=value, rate="recall") for name, value in rows)
    return found("fairness/gap", "Alike", Outcome.FAIL, groups=groups, decides=decides)


@pytest.mark.parametrize(
    ("decides", "names", "marked"),
    [
        ("a - b", ("a", "b", "c"), ["a", "b"]),
        ("recall: b - a", ("a", "b"), ["b", "a"]),
        ("b / a (best)", ("a", "b"), ["b", "a"]),
        ("a", ("a", "b"), ["a"]),
        ("a - b - c", ("a", "b - c", "a - b", "c"), []),
        ("a - d", ("a", "b"), []),
        ("worst: a", ("a", "b"), []),
        (None, ("a", "b"), []),
    ],
)
def test_the_pair_that_decides_is_marked_or_nobody(
    found: Callable[..., Finding], decides: str | None, names: tuple[str, ...], marked: list[str]
) -> None:
    """Names are strangers' texts: where two readings fit, none is taken."""
    finding = rates(found, decides, *((name, index / 10) for index, name in enumerate(names)))
    assert [row.group["g"] for row in bars.pair_of(finding)] == marked


def test_group_bars_begin_at_zero_and_show_the_gap(found: Callable[..., Finding]) -> None:
    """A bar's length is its value, and the stretch between the two that decide is the same in every row."""
    drawn = bars.of_groups(rates(found, "b - a", ("a", 0.2), ("b", 0.4), ("c", 0.3)))
    assert all(one is not None and one.bar.x == 0 for one in drawn)
    widths = [one.bar.width for one in drawn if one is not None]
    assert widths[1] == pytest.approx(2 * widths[0], abs=0.2)
    gaps = {(one.gap.x, one.gap.end) for one in drawn if one is not None and one.gap is not None}
    assert gaps == {(widths[0], widths[1])}


def test_negative_values_hang_on_the_other_side_of_zero(found: Callable[..., Finding]) -> None:
    """Mean errors have both signs; their bars meet at zero."""
    low, high = bars.of_groups(rates(found, None, ("a", -2.0), ("b", 3.0)))
    assert low is not None
    assert high is not None
    assert low.bar.end == pytest.approx(high.bar.x, abs=0.1)


def test_rates_share_an_axis_and_other_units_have_their_own(blocked_findings: tuple[Finding, ...]) -> None:
    """What can be compared stands on one scale; a count beside it says its own numbers."""
    family = intervals.of_family(blocked_findings)
    assert [tick.label for tick in family.ticks] == ["0", "0.5", "1"]
    by_unit = {one.unit: row for one, row in zip(blocked_findings, family.rows, strict=True) if row}
    assert by_unit["1"].ticks == ()
    assert by_unit["rows"].ticks


@pytest.fixture
def blocked_findings(found: Callable[..., Finding]) -> tuple[Finding, ...]:
    """Two rates and a count."""
    from mlgate.findings import LimitRecord

    rate = LimitRecord(op="at_least", value=0.7, guard=0.02, decided_on="guard")
    rows = LimitRecord(op="at_least", value=500, guard=0.0, decided_on="fact")
    one = found("performance/a", "A", Outcome.PASS, value=0.9, interval=(0.8, 0.95), n=9, limit=rate)
    return (
        one,
        replace(one, id="b", value=0.6, interval=(0.5, 0.65), outcome=Outcome.FAIL),
        found("data/row-count", "N", Outcome.PASS, value=900.0, unit="rows", kind="fact", limit=rows),
    )


def test_outcomes_differ_in_shape(blocked_findings: tuple[Finding, ...]) -> None:
    """Colour is never the only signal."""
    shapes = {intervals.SHAPES[one] for one in (Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE)}
    assert len(shapes) == 3
    drawn = intervals.of_family(blocked_findings).rows
    assert [row.shape for row in drawn if row] == [intervals.SHAPES[one.outcome] for one in blocked_findings]


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [((0.02, 0.09), 0.0, 0.1), ((-0.03, 0.18), -0.05, 0.2), ((0.3, 0.97), 0.0, 1.0), ((), 0.0, 0.05)],
)
def test_an_axis_of_rates_ends_at_a_round_number(values: tuple[float, ...], low: float, high: float) -> None:
    """So that plots of different reports look alike."""
    assert Axis.of_rates(values) == Axis(low, high)


def columns(*drawn: ChartRecord) -> tuple[GroupRecord, ...]:
    """Return a row of the finding for each drawn column."""
    return tuple(
        GroupRecord(group={"column": one.title}, n=200, value=0.25, numerator=50, denominator=200)
        for one in drawn
    )


def test_a_profile_is_one_line_a_column(found: Callable[..., Finding]) -> None:
    """Numbers, moments and texts each show how they spread; what is missing is counted."""
    drawn = (
        ChartRecord(
            kind="histogram", title="age", data={"low": (0.0, 8.0), "high": (8.0, 16.0), "rows": (3.0, 9.0)}
        ),
        ChartRecord(
            kind="histogram",
            title="day",
            data={
                "low": ("2026-01-01", "2026-01-08"),
                "high": ("2026-01-08", "2026-01-15"),
                "rows": (3.0, 9.0),
            },
        ),
        ChartRecord(kind="histogram", title="job", data={"value": ("clerk", "other"), "rows": (60.0, 40.0)}),
    )
    finding = found(
        "data/missing", "Few are missing", Outcome.PASS, n=200, groups=columns(*drawn), charts=drawn
    )
    view = profile.of_finding(finding)
    assert view is not None
    assert [(one.name, one.kind, one.missing) for one in view.columns] == [
        ("age", "number", "25 % (50)"),
        ("day", "time", "25 % (50)"),
        ("job", "text", "25 % (50)"),
    ]
    ends = [(one.drawing.low, one.drawing.high) for one in view.columns if one.drawing]
    assert ends == [("0", "16"), ("2026-01-01", "2026-01-15"), ("clerk 60 %", "")]


def test_other_findings_have_no_profile(found: Callable[..., Finding]) -> None:
    """Only the check of missing values carries one, and only with histograms of its columns."""
    drawn = ChartRecord(kind="histogram", title="age", data={"value": ("a",), "rows": (1.0,)})
    rows = columns(drawn)
    assert profile.of_finding(found("data/range", "R", Outcome.PASS, groups=rows, charts=(drawn,))) is None
    assert profile.of_finding(found("data/missing", "M", Outcome.PASS, groups=rows)) is None
    other = replace(drawn, title="Errors")
    assert profile.of_finding(found("data/missing", "M", Outcome.PASS, groups=rows, charts=(other,))) is None
