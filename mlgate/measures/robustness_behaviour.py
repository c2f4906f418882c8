"""How a policy says that a model has to behave: invariance, direction and minimum functionality."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mlgate.cells import Answers, Columns, Drawn, DrawnRows, Loaded, ModelFacts, Scorer, Scores, Statistic
from mlgate.errors import ModelFault, PolicyError
from mlgate.estimates import Comparison, Estimate, GroupEstimate
from mlgate.intervals import proportion
from mlgate.measures import measure
from mlgate.measures.behaviour_terms import (
    Changes,
    DirectionTest,
    DirectionTests,
    Expectation,
    FunctionalityCase,
    FunctionalityCases,
    as_stored,
    cases_of,
    changed,
    changes_of,
    directions_of,
    fits,
    graded,
    require_fitting,
    rounds,
)
from mlgate.measures.examples import Breaks, Example, private, smallest, spoken
from mlgate.measures.perturbed import (
    DRAWN,
    Asked,
    Copy,
    Told,
    ask,
    asked_rows,
    insane,
    loaded,
    moved,
    said,
    tell,
)
from mlgate.measures.perturbing import replaced, touched
from mlgate.measures.robustness import ROUNDING
from mlgate.strict_yaml import did_you_mean, show

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

NEEDS = ("model", "features")

CHECKLIST = "Ribeiro, Wu, Guestrin and Singh 2020, Beyond Accuracy: Behavioral Testing of NLP Models"

SHOWN = 5
"""Examples of a finding."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outcome:
    """How a test of a change came out."""

    n: int
    """Rows that were really changed, and that the model was asked about."""
    k: int
    """Of these, those that fail the test."""
    crashed: int
    """Of these, those on which the model fails altogether."""
    fault: str | None
    examples: list[Example]
    idle: tuple[str, ...] = ()
    """Columns that the change leaves as they are in every row and turn."""

    @property
    def untried(self) -> str | None:
        """Say that a part of the declared change was never made, so that nothing is known of it."""
        if not self.n or not self.idle:
            return None
        return f"the change leaves {show(self.idle[0])} as it is in every row, so that nothing is known of it"

    def lines(self, group: Mapping[str, str], nothing: str) -> Iterator[GroupEstimate]:
        """Yield the lines of the table: failing rows, those on which the model fails, and an example."""
        share = proportion(self.k, self.n)
        yield GroupEstimate(
            group=group,
            n=self.n,
            value=share.value,
            numerator=float(self.k),
            denominator=float(self.n),
            interval=share.interval,
            judged=self.n > 0,
            reason=None if self.n else self.fault or nothing,
        )
        if self.crashed:
            crashed = proportion(self.crashed, self.n)
            yield GroupEstimate(
                group=group,
                n=self.n,
                value=crashed.value,
                rate="the model fails",
                numerator=float(self.crashed),
                denominator=float(self.n),
                interval=crashed.interval,
                reason=self.fault or "what it says is no prediction",
            )
        yield from (
            one.line(**{key: name for key, name in group.items() if key != "column"})
            for one in self.examples[:1]
        )


def _tested(
    asked: Asked, terms: Mapping[str, Any], breaks: Breaks, seed: int, group: Mapping[str, str]
) -> _Outcome:
    """Change every row as declared, in as many turns as it takes, and say which rows fail in any of them."""
    import numpy as np

    rows = asked.rows.num_rows
    among, bad, crashed = np.zeros(rows, dtype=bool), np.zeros(rows, dtype=bool), np.zeros(rows, dtype=bool)
    fault: str | None = None
    examples: list[Example] = []
    idle = dict.fromkeys(terms)
    for copy, told in tell(asked.scorer, _copies(asked, terms, seed, group), asked.scores):
        for name in copy.columns:
            idle.pop(name, None)
        own = copy.touched & told.seen
        broken = (breaks(asked.scores, told) | told.failed) & own
        among |= own
        bad |= broken
        crashed |= told.failed & own
        fault = fault or told.fault
        if broken.any() and len(examples) < SHOWN:
            examples += smallest(asked, copy, told, broken, breaks)
    examples.sort(key=lambda one: (len(one.columns), one.size, one.place))
    return _Outcome(
        n=int(among.sum()),
        k=int(bad.sum()),
        crashed=int(crashed.sum()),
        fault=fault,
        examples=examples[:SHOWN],
        idle=tuple(idle),
    )


def _copies(asked: Asked, terms: Mapping[str, Any], seed: int, group: Mapping[str, str]) -> Iterator[Copy]:
    import numpy as np

    for turn in range(rounds(terms)):
        draw = np.random.default_rng([seed, turn, *"".join(terms).encode()])
        found = changed(asked.rows, terms, turn, draw)
        if not found:
            continue
        table = replaced(asked.rows, found)
        each = [touched(asked.rows[name], column) for name, column in found.items()]
        sized = tuple(name for name in found if graded(name, terms[name], asked.rows))
        yield Copy(
            group=group,
            columns=tuple(found),
            table=table,
            touched=np.any(each, axis=0),
            graded=sized,
        )


def _require_counts(params: Mapping[str, Any]) -> None:
    if params["rows"] < 1:
        raise PolicyError("params.rows", f"is {params['rows']}", "write 1 or more")
    tolerance = params.get("tolerance")
    if tolerance is not None and tolerance < 0:
        raise PolicyError("params.tolerance", f"is {tolerance:g}", "write 0 or more")


_UNCHANGED = "the change leaves every row as it is"


@measure(
    id="robustness.invariance",
    kind="estimate",
    unit="1",
    better="lower",
    needs=NEEDS,
    source=f"{CHECKLIST}: invariance test; Wilson 1927 for the interval",
)
class Invariance:
    """Share of rows whose prediction changes under a change that should not matter.

    `change` says how columns are changed, all of them together: `swap` (another value that some row has),
    `[male, female]` (each listed value becomes each of the others; rows with other values stay), `missing`,
    `{noise: 0.1}` (of a standard deviation), `"+10%"`, `"-100"`, `{to: value}`. Rows that stay as they are do
    not count. A prediction changes when the decision does; with `tolerance`, when a probability moves by more
    than that. Of regression and scores a number changes that moves by more than `tolerance` (0.1) standard
    deviations of all of them (by their middle half where that says less, so that a few wild numbers hide
    nothing). A row on which the model fails counts. Rows are drawn, without weights.

    Not applicable where the model takes none of the columns.
    """

    def __init__(
        self, *, change: Changes, rows: int = DRAWN, tolerance: float | None = None, seed: int = 0
    ) -> None:
        """Declare the parameters; the gate gives the seed."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the model and rows. Raises PolicyError for a change that does not fit its column."""
        _require_counts(params)
        require_fitting(changes_of(params["change"]), columns, "params.change")
        return [Loaded(), asked_rows(columns, params["rows"], params["seed"])]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the share of changed rows with another prediction."""
        asked = ask(cells)
        if isinstance(asked, str):
            return Estimate.missing(asked)
        terms = _taken(changes_of(params["change"]), asked.scorer.facts)
        if not terms:
            return Estimate.inapplicable(_untaken(params["change"]))

        def breaks(before: Scores, told: Told) -> Mask:
            return moved(before, told, params["tolerance"])

        group = {"column": ", ".join(terms)}
        found = _tested(asked, terms, breaks, params["seed"], group)
        lines = tuple(found.lines(group, _UNCHANGED))
        if not found.n:
            return Estimate.missing(lines[0].reason or _UNCHANGED, n=asked.rows.num_rows, groups=lines)
        if found.untried and not found.k:
            return Estimate.missing(found.untried, n=found.n, groups=lines)
        return Estimate(
            value=lines[0].value,
            n=found.n,
            interval=lines[0].interval,
            groups=lines,
            private=private(asked, found.examples, "The smallest changes that change the prediction"),
        )


def _taken(terms: Mapping[str, Any], facts: ModelFacts) -> dict[str, Any]:
    return {name: term for name, term in terms.items() if name in facts.features}


def _untaken(names: Mapping[str, Any]) -> str:
    named = ", ".join(show(name) for name in names)
    return f"the model does not take {named}, so that changing it changes nothing"


@measure(
    id="robustness.direction",
    kind="estimate",
    unit="1",
    better="lower",
    needs=NEEDS,
    source=f"{CHECKLIST}: directional expectation test; Wilson 1927 for the interval",
)
class Direction:
    """Share of rows on which the prediction goes the wrong way when a column is changed; of the worst test.

    Each of `tests` says which columns are changed, together and as for invariance, and what is expected:
    `up`, the number must not fall, or `down`, it must not rise, each but for `tolerance` (0) in its own unit
    and rounding (1e-9). The number is the probability of the positive class; of several classes, that of the
    class named by `of`; of regression and scores what the model says. A row on which the model fails counts.
    Each test is held against the limit. Rows are drawn, without weights.

    Not applicable where the model takes none of the columns.
    """

    def __init__(self, *, tests: DirectionTests, rows: int = DRAWN, seed: int = 0) -> None:
        """Declare the parameters; the gate gives the seed."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the model and rows. Raises PolicyError for a test that does not fit the table."""
        _require_counts(params)
        for place, test in enumerate(directions_of(params["tests"])):
            where = f"params.tests[{place}]"
            require_fitting(test.change, columns, f"{where}.change")
            _require_of(test.of, columns, where)
        return [Loaded(), asked_rows(columns, params["rows"], params["seed"])]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the highest share of all tests."""
        asked = ask(cells)
        if isinstance(asked, str):
            return Estimate.missing(asked)
        facts = asked.scorer.facts
        tests = directions_of(params["tests"])
        if not any(_taken(one.change, facts) for one in tests):
            return Estimate.inapplicable(_untaken({name: None for one in tests for name in one.change}))
        lines: list[GroupEstimate] = []
        judged: list[GroupEstimate] = []
        unjudged: list[GroupEstimate] = []
        examples: list[Example] = []
        names = _told_apart([one.name or f"{', '.join(one.change)} {one.expect}" for one in tests])
        for name, test in zip(names, tests, strict=True):
            group = {"test": name}
            terms = _taken(test.change, facts)
            if not terms:
                lines.append(_silent(group, _untaken(test.change)))
                continue
            found = _tested(asked, terms, _wrong_way(test, facts), params["seed"], group)
            own = list(found.lines(group, _UNCHANGED))
            if found.untried and not found.k:
                own[0] = replace(own[0], value=None, interval=None, judged=False, reason=found.untried)
            (unjudged if own[0].value is None else judged).append(own[0])
            lines += own
            examples += found.examples
        rows = asked.rows.num_rows
        if not judged:
            known = (one.reason for one in unjudged if one.reason != _UNCHANGED)
            reason = next(known, None) or "no test changes any row"
            return Estimate.missing(reason, n=rows, groups=tuple(lines))
        worst = max(judged, key=lambda one: one.value or 0.0)
        return Estimate(
            value=worst.value,
            n=worst.n,
            interval=worst.interval,
            groups=tuple(lines),
            comparisons=tuple(map(_comparison, (*judged, *unjudged))),
            private=private(
                asked, examples[:50], "The smallest changes that move the prediction the wrong way"
            ),
        )


def _silent(group: Mapping[str, str], why: str) -> GroupEstimate:
    return GroupEstimate(group=group, n=0, value=None, judged=False, reason=why)


def _comparison(line: GroupEstimate) -> Comparison:
    value = float("nan") if line.value is None else line.value
    return Comparison(
        name=", ".join(line.group.values()),
        value=value,
        interval=line.interval,
        groups=(line.group,),
        reason=line.reason if line.value is None else None,
    )


def _told_apart(names: Sequence[str]) -> list[str]:
    """Number the names that occur more than once."""
    return [name if names.count(name) == 1 else f"{name} ({place})" for place, name in enumerate(names, 1)]


def _wrong_way(test: DirectionTest, facts: ModelFacts) -> Breaks:
    at = _place_of(test.of, facts)
    sign = 1.0 if test.expect == "up" else -1.0

    def breaks(before: Scores, told: Told) -> Mask:
        import numpy as np

        was, now = before.numbers[:, at], told.numbers[:, at]
        rounding = ROUNDING * np.maximum(np.abs(was), 1.0)
        with np.errstate(invalid="ignore"):
            return np.asarray(~(sign * (now - was) >= -(test.tolerance + rounding)))

    return breaks


def _require_of(of: str | None, columns: Columns, where: str) -> None:
    """Raise PolicyError when a class is named where there is one number, or none where there are several."""
    several = columns.task == "multiclass"
    if several and of is None:
        raise PolicyError(
            where, "the model has several classes", "name the one that is looked at: {of: CLASS}"
        )
    if not several and of is not None:
        raise PolicyError(f"{where}.of", f"task {columns.task} has one number a row", "leave `of` out")


def _place_of(of: str | None, facts: ModelFacts) -> int:
    if of is None:
        return 0
    if of not in facts.classes:
        todo = did_you_mean(of, facts.classes)
        raise PolicyError("params", f"the model has no class {show(of)}", todo)
    return facts.classes.index(of)


@measure(
    id="robustness.minimum_functionality",
    kind="fact",
    unit="1",
    better="lower",
    needs=NEEDS,
    source=f"{CHECKLIST}: minimum functionality test",
)
class MinimumFunctionality:
    """Share of the declared cases that the model gets wrong.

    Each of `cases` is a `row` with a value for every feature (null for a missing one), and what is expected:
    `positive`, `negative` or a class, which is the decision, or where a number has to lie: `{at_least: 0.7}`,
    `{at_most: 10}`, `{between: [0, 1]}`. The number is the probability of the positive class; of several
    classes, that of the class named by `of`; of regression and scores what the model says. A case on which
    the model fails is wrong.
    """

    def __init__(self, *, cases: FunctionalityCases, seed: int = 0) -> None:
        """Declare the parameters; the gate gives the seed."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the model, and a row to see its types. Raises PolicyError for a case that does not fit."""
        for place, case in enumerate(cases_of(params["cases"])):
            _require_row(case, columns, f"params.cases[{place}].row")
            _require_expectation(case, columns, f"params.cases[{place}].expect")
        return [Loaded(), Drawn(columns.features, 1, params["seed"])]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return the share of cases that come out wrong."""
        found = loaded(cells)
        if isinstance(found, str):
            return Estimate.missing(found)
        scorer, drawn = found
        cases = cases_of(params["cases"])
        rows = _rows(cases, scorer, drawn)
        names = _told_apart([one.name or f"case {number}" for number, one in enumerate(cases, 1)])
        lines = tuple(
            _judged(name, case, scorer, told)
            for name, case, told in zip(names, cases, _answers(scorer, rows), strict=True)
        )
        wrong = sum(line.value or 0.0 for line in lines)
        return Estimate(value=wrong / len(lines), n=len(lines), groups=lines)


def _require_row(case: FunctionalityCase, columns: Columns, where: str) -> None:
    extra = [name for name in case.row if name not in columns.features]
    if extra:
        todo = did_you_mean(extra[0], columns.features)
        raise PolicyError(where, f"{show(extra[0])} is no feature", todo)
    lacking = [name for name in columns.features if name not in case.row]
    if lacking:
        named = ", ".join(map(show, lacking))
        raise PolicyError(
            where, f"has no value for {named}", "give every feature one, null for a missing one"
        )
    for name, value in case.row.items():
        kind = columns.types[name]
        if value is not None and not fits(value, kind):
            what = f"{show(value)} is no value of a column of type {kind}"
            raise PolicyError(f"{where}.{name}", what, "write a value as the table has it")


def _require_expectation(case: FunctionalityCase, columns: Columns, where: str) -> None:
    if isinstance(case.expect, Expectation):
        _require_of(case.expect.of, columns, where)
    elif columns.task not in ("binary", "multiclass"):
        what = f"{show(case.expect)} is a decision, and task {columns.task} has none"
        raise PolicyError(where, what, "write where the number has to lie: {between: [low, high]}")


def _rows(cases: Sequence[FunctionalityCase], scorer: Scorer, drawn: DrawnRows) -> pa.Table:
    import pyarrow as pa

    fields = [drawn.table.schema.field(name) for name in scorer.facts.features]
    columns = [
        pa.array([as_stored(case.row[field.name], field.type) for case in cases], field.type)
        for field in fields
    ]
    return pa.table(columns, schema=pa.schema(fields))


def _answers(scorer: Scorer, rows: pa.Table) -> Iterator[Scores | str]:
    """Yield what the model says of each row, or what it says when it fails on it."""
    try:
        together = scorer.score(rows)
    except ModelFault:
        for place in range(rows.num_rows):
            try:
                yield scorer.score(rows.slice(place, 1))
            except ModelFault as fault:
                yield said(fault)
        return
    for place in range(rows.num_rows):
        decided = None if together.decided is None else together.decided[place : place + 1]
        yield Scores(numbers=together.numbers[place : place + 1], decided=decided)


def _judged(name: str, case: FunctionalityCase, scorer: Scorer, told: Scores | str) -> GroupEstimate:
    if isinstance(told, str):
        right, words = False, f"the model fails: {told}"
    else:
        numbers = told.numbers[0].tolist()
        decided = None if told.decided is None else float(told.decided[0])
        right = not insane(told.numbers, scorer)[0] and _holds(case.expect, scorer.facts, numbers, decided)
        words = (
            f"the model says {spoken(scorer.facts, numbers, decided)}, and {_due(case.expect)} is expected"
        )
    return GroupEstimate(
        group={"case": name}, n=1, value=0.0 if right else 1.0, reason=None if right else words
    )


def _holds(
    expect: str | Expectation, facts: ModelFacts, numbers: Sequence[float], decided: float | None
) -> bool:
    if isinstance(expect, Expectation):
        return expect.holds(numbers[_place_of(expect.of, facts)])
    if facts.task == "binary" and expect in ("positive", "negative"):
        return decided == float(expect == "positive")
    place = _place_of(expect, facts)
    return decided == (float(expect == facts.positive) if facts.task == "binary" else float(place))


def _due(expect: str | Expectation) -> str:
    if isinstance(expect, str):
        return expect
    if expect.between is not None:
        return f"{expect.between[0]:g} to {expect.between[1]:g}"
    parts = (("at least", expect.at_least), ("at most", expect.at_most))
    return " and ".join(f"{words} {value:g}" for words, value in parts if value is not None)
