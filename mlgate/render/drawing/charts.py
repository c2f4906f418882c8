"""Which picture a chart of the record becomes; any other kind, and data of another form, are a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from mlgate.findings import ChartRecord
from mlgate.render import numbers
from mlgate.render.drawing import curves, explanations, histogram
from mlgate.render.drawing.bars import Bar, of_bars
from mlgate.render.drawing.histogram import GroupScores
from mlgate.render.drawing.matrix import Matrix, confusion
from mlgate.render.drawing.plot import Plot
from mlgate.render.drawing.residuals import residuals
from mlgate.render.drawing.series import POINTS, Data, Value, numeric, texts

PLOTS: Mapping[str, Callable[[Data], Plot | None]] = {
    "roc": curves.roc,
    "precision-recall": curves.precision_recall,
    "reliability": curves.reliability,
    "quantile-coverage": curves.quantile_coverage,
    "residuals": residuals,
    "curve": explanations.curve,
    "attribution": explanations.attribution,
    "histogram": lambda data: histogram.histogram(data, "value"),
    "score-histogram": lambda data: histogram.histogram(data, "score"),
}
"""Kinds that are drawn between two axes."""

TOLD = frozenset({"reliability", "quantile-coverage", "residuals"})
"""Kinds of few points, whose numbers stand beside the picture, folded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChartDrawing:
    """One picture: exactly one of plot, matrix, bars and groups is filled, or else the table."""

    kind: str
    title: str
    plot: Plot | None = None
    matrix: Matrix | None = None
    bars: tuple[Bar, ...] = ()
    groups: tuple[GroupScores, ...] = ()
    ends: tuple[str, str] = ("", "")
    """Numbers at the ends of the axis that the groups share."""
    left_out: int = 0
    """Groups that are not drawn."""
    missing: str = ""
    """Rows without a value, where the chart says."""
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def of_chart(chart: ChartRecord) -> ChartDrawing:
    """Draw a chart of a known kind; any other, and any whose data do not fit its kind, is a table."""
    data, kind, title = chart.data, chart.kind, chart.title
    missing = _missing(data)
    if kind == "score-histogram" and "group" in data:
        found = histogram.by_group(data)
        if found is not None:
            return ChartDrawing(
                kind=kind, title=title, groups=found[0], left_out=found[1], ends=histogram.score_axis(data)
            )
    elif kind in PLOTS and (plot := PLOTS[kind](data)) is not None:
        header, rows = _table(data) if kind in TOLD else ((), ())
        return ChartDrawing(kind=kind, title=title, plot=plot, missing=missing, header=header, rows=rows)
    if kind == "confusion" and (matrix := confusion(data)) is not None:
        return ChartDrawing(kind=kind, title=title, matrix=matrix)
    bars = histogram.categories(data) if kind == "histogram" else _bars(data) if kind == "bars" else None
    if bars:
        return ChartDrawing(kind=kind, title=title, bars=bars, missing=missing)
    header, rows = _table(data)
    return ChartDrawing(kind="table", title=title, header=header, rows=rows)


def _missing(data: Data) -> str:
    found = data.get("missing", ())
    return numbers.count(found[0]) if len(found) == 1 and isinstance(found[0], (int, float)) else ""


def _bars(data: Data) -> tuple[Bar, ...] | None:
    words = [one for one in data.values() if any(isinstance(name, str) for name in one)]
    counts = [one for one in data.values() if numeric(one)]
    return of_bars(texts(words[0]), counts[0][:POINTS]) if words and counts else None


def _table(data: Data) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    named: Sequence[tuple[str, Sequence[Value]]] = [(name, one[:POINTS]) for name, one in data.items()]
    rows = zip_longest(*(series for _, series in named))
    return tuple(name for name, _ in named), tuple(tuple(_cell(one) for one in row) for row in rows)


def _cell(value: Value) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else numbers.rough(value)
