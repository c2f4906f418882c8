"""What odd values of one feature at a time do to a model: noise, gaps, unseen categories, extremes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from mlgate.cells import Answers, ColumnProfile, Columns, Loaded, Profile, Scores, Statistic
from mlgate.errors import PolicyError
from mlgate.estimates import Chart, Comparison, Estimate, GroupEstimate
from mlgate.intervals import proportion
from mlgate.measures import measure
from mlgate.measures.examples import Example, private, smallest
from mlgate.measures.named import chosen
from mlgate.measures.perturbed import DRAWN, NOT_ASKED, Asked, Copy, Told, ask, asked_rows, moved, tell
from mlgate.measures.perturbing import (
    Side,
    beyond,
    is_moment,
    is_number,
    is_truth,
    missing,
    noise,
    replaced,
    touched,
    unseen,
)

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

Counted: TypeAlias = Literal["changed", "failed"]
"""changed: rows of which the model says something else, or on which it fails; failed: only the latter."""

ALL = "all at once"
"""How a table names the change of every column together."""

EXAMPLES_OF = 2
"""Columns of which a finding shows the smallest example."""

SMALLEST = "The smallest changes that were found"

PICTURED = 30
"""Columns in the picture."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A column that cannot be changed so, and why."""

    column: str
    why: str
    other_kind: bool = False
    """It holds what this change is not for."""


Change: TypeAlias = Callable[[Asked, Sequence[str], Mapping[str, float | None]], Iterator[Copy | LeftOut]]
"""Yield copies of the rows, given the columns to look at and the largest value of integer categories."""


def _plan(name: str, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
    """Ask for the model, rows, and the ends of integer categories; PolicyError for a bad parameter."""
    for key in ("rows", "scale", "factor", "tolerance"):
        value = params.get(key)
        if value is not None and (value < 0 or (value == 0 and key != "tolerance")):
            least = "0 or more" if key == "tolerance" else "above 0"
            raise PolicyError(f"params.{key}", f"is {value:g}", f"write a number {least}")
    wanted = columns.features if params["columns"] is None else params["columns"]
    names = chosen(name, wanted, columns, ignore=params["ignore"] or ())
    other = [one for one in names if one not in columns.features]
    if other:
        raise PolicyError(
            "params.columns", f"column {other[0]!r} is no feature", "name features of the model"
        )
    coded = [one for one in columns.features if one in columns.categorical]
    ends = [Profile(one, ("ends",)) for one in coded if columns.types.get(one) in ("integer", "number")]
    return [Loaded(), asked_rows(columns, params["rows"], params["seed"]), *ends]


def _value(cells: Answers, params: Mapping[str, Any], change: Change, nothing: str) -> Estimate:
    """Return the highest rate of all columns; each is held against the limit."""
    asked = ask(cells)
    if isinstance(asked, str):
        return Estimate.missing(asked)
    highest = {
        one.column: _number(cells.get(one, ColumnProfile).maximum)
        for one in cells.of
        if isinstance(one, Profile)
    }
    features = asked.scorer.facts.features
    wanted = features if params["columns"] is None else params["columns"]
    names = [one for one in wanted if one in features and one not in (params["ignore"] or ())]
    left_out: list[LeftOut] = []

    def copies() -> Iterator[Copy]:
        for one in change(asked, names, highest):
            if isinstance(one, LeftOut):
                left_out.append(one)
            else:
                yield one

    rule = _Rule(counted=params["counts"], tolerance=params["tolerance"])
    found = [_rate(asked, copy, told, rule) for copy, told in tell(asked.scorer, copies(), asked.scores)]
    return _estimate(asked, found, left_out, nothing=nothing, rule=rule)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rule:
    """What counts as a change."""

    counted: Counted
    tolerance: float | None

    def bad(self, before: Scores, told: Told) -> Mask:
        """Return which rows count. Shape (rows,)."""
        return told.failed if self.counted == "failed" else moved(before, told, self.tolerance)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rate:
    """How often a change of one column moves the model."""

    copy: Copy
    told: Told
    bad: Mask
    """Rows that count; shape (rows,)."""
    n: int
    """Rows that were really changed, and that the model was asked about."""
    line: GroupEstimate
    further: tuple[GroupEstimate, ...] = field(default=())


def _rate(asked: Asked, copy: Copy, told: Told, rule: _Rule) -> _Rate:
    among = copy.touched & told.seen
    failed = told.failed & among
    bad = rule.bad(asked.scores, told) & among
    n = int(among.sum())
    unjudged = None if n else told.fault or "the change leaves every row as it is"
    line = _line(copy, int(bad.sum()), n, rule.counted, unjudged)
    further: tuple[GroupEstimate, ...] = ()
    if failed.any() and rule.counted != "failed":
        why = told.fault or "what it says is no prediction"
        further = (_line(copy, int(failed.sum()), n, "failed", why),)
    elif failed.any():
        line = replace(line, reason=told.fault)
    return _Rate(copy=copy, told=told, bad=bad, n=n, line=line, further=further)


def _line(copy: Copy, k: int, n: int, rate: str, reason: str | None) -> GroupEstimate:
    share = proportion(k, n)
    return GroupEstimate(
        group=copy.group,
        n=n,
        value=share.value,
        rate=rate,
        numerator=float(k),
        denominator=float(n),
        interval=share.interval,
        judged=n > 0,
        reason=reason,
    )


def _estimate(
    asked: Asked, found: Sequence[_Rate], left_out: Sequence[LeftOut], *, nothing: str, rule: _Rule
) -> Estimate:
    judged = sorted((one for one in found if one.n), key=lambda one: -(one.line.value or 0.0))
    idle = [one.line for one in found if not one.n]
    rows = asked.rows.num_rows
    lines = [line for one in judged for line in (one.line, *one.further)] + idle
    lines += [
        GroupEstimate(group={"column": one.column}, n=rows, value=None, judged=False, reason=one.why)
        for one in left_out
    ]
    if not judged:
        if not idle and all(one.other_kind for one in left_out):
            return Estimate.inapplicable(nothing)
        return Estimate.missing("no feature could be changed so", n=rows, groups=tuple(lines))
    examples = [_examples(asked, one, rule) for one in judged[:EXAMPLES_OF] if one.bad.any()]
    worst = judged[0].line
    return Estimate(
        value=worst.value,
        n=worst.n,
        interval=worst.interval,
        groups=(*lines, *(one[0].line() for one in examples if one)),
        comparisons=(*map(_comparison, (one.line for one in judged)), *_unasked(idle)),
        charts=(_picture(judged, rule.counted),),
        private=private(asked, [one for some in examples for one in some], SMALLEST),
    )


def _examples(asked: Asked, of: _Rate, rule: _Rule) -> list[Example]:
    return smallest(asked, of.copy, of.told, of.bad, rule.bad)


def _comparison(line: GroupEstimate) -> Comparison:
    value = line.value if line.value is not None else float("nan")
    return Comparison(
        name=_name(line.group), value=value, interval=line.interval, groups=(line.group,), rate=line.rate
    )


def _unasked(idle: Sequence[GroupEstimate]) -> Iterator[Comparison]:
    """Yield the changes that could not be tried, so that they cannot pass."""
    for line in idle:
        if line.reason and line.reason.startswith(NOT_ASKED):
            yield replace(_comparison(line), reason=line.reason)


def _picture(judged: Sequence[_Rate], counted: Counted) -> Chart:
    shown = judged[:PICTURED]
    data: dict[str, tuple[float | str | None, ...]] = {
        "column": tuple(_name(one.copy.group) for one in shown),
        "share": tuple(one.line.value for one in shown),
    }
    return Chart(kind="bars", title=f"Share of rows {counted}, by column", data=data)


def _name(group: Mapping[str, str]) -> str:
    return ", ".join(group.values())


def _number(value: float | str | None) -> float | None:
    return value if isinstance(value, float) else None


def _one(
    asked: Asked, name: str, changed: pa.Array | None, *, graded: bool = False, **group: str
) -> Copy | LeftOut:
    """Return a copy with one column changed, or that it cannot be changed so."""
    if changed is None:
        return LeftOut(name, "left out: it has no two different finite values, or no room for others")
    return Copy(
        group={"column": name, **group},
        columns=(name,),
        table=replaced(asked.rows, {name: changed}),
        touched=touched(asked.rows[name], changed),
        graded=(name,) if graded else (),
    )


def _of_numbers(asked: Asked, names: Sequence[str], coded: Mapping[str, Any]) -> Iterator[str | LeftOut]:
    """Yield the columns of numbers and moments; for the others, why they are left out."""
    for name in names:
        kind = asked.rows.schema.field(name).type
        if name in coded:
            yield LeftOut(name, "left out: its numbers are declared as categories", other_kind=True)
        elif is_number(kind) or is_moment(kind):
            yield name
        else:
            yield LeftOut(name, "left out: it holds no numbers, dates or times", other_kind=True)


NEEDS = ("model", "features")


@measure(
    id="robustness.noise",
    kind="estimate",
    unit="1",
    better="lower",
    needs=NEEDS,
    source="share of rows whose prediction changes; Wilson 1927 for the interval",
)
class Noise:
    """Share of rows whose prediction changes when one number is moved a little; the most touchy number's.

    Each feature of numbers, dates or times is moved by normal noise of `scale` of its standard deviations,
    within the range that it has; then all of them at once. Integers stay whole. A prediction changes when the
    decision does; with `tolerance`, when a probability moves by more than that. Of regression and scores a
    number changes that moves by more than `tolerance` (0.1) standard deviations of all of them (by their
    middle half where that says less, so that a few wild numbers hide nothing). A row on which the model fails
    counts; `counts: failed` counts these alone. Rows are drawn, without weights.
    """

    def __init__(
        self,
        *,
        scale: float = 0.1,
        columns: list[str] | None = None,
        ignore: list[str] | None = None,
        rows: int = DRAWN,
        tolerance: float | None = None,
        counts: Counted = "changed",
        seed: int = 0,
    ) -> None:
        """Declare the parameters; the gate gives the seed."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the model and rows."""
        return _plan("robustness.noise", params, columns)

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the highest share of all columns."""

        def change(asked: Asked, names: Sequence[str], coded: Mapping[str, Any]) -> Iterator[Copy | LeftOut]:
            import numpy as np

            changed: dict[str, Any] = {}
            for name in _of_numbers(asked, names, coded):
                if isinstance(name, LeftOut):
                    yield name
                    continue
                draw = np.random.default_rng([params["seed"], *name.encode()])
                column = noise(asked.rows[name], params["scale"], draw)
                if column is not None:
                    changed[name] = column
                yield _one(asked, name, column, graded=True)
            if len(changed) > 1:
                either = [touched(asked.rows[name], column) for name, column in changed.items()]
                yield Copy(
                    group={"column": ALL},
                    columns=tuple(changed),
                    table=replaced(asked.rows, changed),
                    touched=np.any(either, axis=0),
                    graded=tuple(changed),
                )

        return _value(cells, params, change, "no feature of the model holds numbers, dates or times")


@measure(
    id="robustness.missing_values",
    kind="estimate",
    unit="1",
    better="lower",
    needs=NEEDS,
    source="share of rows whose prediction changes; Wilson 1927 for the interval",
)
class MissingValues:
    """Share of rows whose prediction changes when one value is missing; that of the worst feature.

    Each feature in turn is emptied in all rows, and rows in which it was empty already do not count. What
    counts as a change, and `tolerance`, is as for noise: another decision, or a number that moves too far. A
    row on which the model fails counts; `counts: failed` counts these alone, where a missing value may well
    change the prediction, as long as there is one. Rows are drawn, without weights.
    """

    def __init__(
        self,
        *,
        columns: list[str] | None = None,
        ignore: list[str] | None = None,
        rows: int = DRAWN,
        tolerance: float | None = None,
        counts: Counted = "changed",
        seed: int = 0,
    ) -> None:
        """Declare the parameters; the gate gives the seed."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the model and rows."""
        return _plan("robustness.missing_values", params, columns)

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the highest share of all columns."""

        def change(asked: Asked, names: Sequence[str], coded: Mapping[str, Any]) -> Iterator[Copy | LeftOut]:
            del coded
            for name in names:
                yield _one(asked, name, missing(asked.rows[name]))

        return _value(cells, params, change, "no feature is looked at")


@measure(
    id="robustness.unseen_categories",
    kind="estimate",
    unit="1",
    better="lower",
    needs=NEEDS,
    source="share of rows whose prediction changes; Wilson 1927 for the interval",
)
class UnseenCategories:
    """Share of rows whose prediction changes when one category is a new one; that of the worst feature.

    Each feature of texts in turn is given a text that is in no row, and each declared under `categorical:`
    that holds integers, one above all others. What counts as a change, and `tolerance`, is as for noise. A
    row on which the model fails counts; `counts: failed` counts these alone. Rows are drawn, without weights.
    """

    def __init__(
        self,
        *,
        columns: list[str] | None = None,
        ignore: list[str] | None = None,
        rows: int = DRAWN,
        tolerance: float | None = None,
        counts: Counted = "changed",
        seed: int = 0,
    ) -> None:
        """Declare the parameters; the gate gives the seed."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the model, rows, and the largest integer of each category."""
        return _plan("robustness.unseen_categories", params, columns)

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the highest share of all columns."""

        def change(
            asked: Asked, names: Sequence[str], coded: Mapping[str, float | None]
        ) -> Iterator[Copy | LeftOut]:
            for name in names:
                kind = asked.rows.schema.field(name).type
                if name not in coded and (is_number(kind) or is_moment(kind) or is_truth(kind)):
                    yield LeftOut(name, "left out: it holds no categories", other_kind=True)
                else:
                    yield _one(asked, name, unseen(asked.rows[name], highest=coded.get(name)))

        return _value(cells, params, change, "no feature of the model holds categories")


@measure(
    id="robustness.out_of_range",
    kind="estimate",
    unit="1",
    better="lower",
    needs=NEEDS,
    source="share of rows whose prediction changes; Wilson 1927 for the interval",
)
class OutOfRange:
    """Share of rows whose prediction changes when one number is far outside its range; the worst feature's.

    Each feature of numbers, dates or times in turn is put `factor` times its observed range above the highest
    value in all rows, and as far below the lowest. What counts as a change, and `tolerance`, is as for noise.
    A row on which the model fails, or says what is no number or no probability, counts; `counts: failed`
    counts these alone, where far numbers may well change the prediction. Rows are drawn, without weights.
    """

    def __init__(
        self,
        *,
        factor: float = 1.0,
        columns: list[str] | None = None,
        ignore: list[str] | None = None,
        rows: int = DRAWN,
        tolerance: float | None = None,
        counts: Counted = "changed",
        seed: int = 0,
    ) -> None:
        """Declare the parameters; the gate gives the seed."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the model and rows."""
        return _plan("robustness.out_of_range", params, columns)

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the highest share of all columns."""

        def change(asked: Asked, names: Sequence[str], coded: Mapping[str, Any]) -> Iterator[Copy | LeftOut]:
            for name in _of_numbers(asked, names, coded):
                if isinstance(name, LeftOut):
                    yield name
                    continue
                sides: tuple[Side, Side] = ("above", "below")
                for side in sides:
                    column = beyond(asked.rows[name], params["factor"], side)
                    yield _one(asked, name, column, graded=True, side=side)

        return _value(cells, params, change, "no feature of the model holds numbers, dates or times")
