"""What the page shows where: findings with their drawings, families in order, what was left open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mlgate.findings import ChartRecord, Finding, GroupRecord, Outcome, Report, Severity
from mlgate.render import profile, sentences, words
from mlgate.render.drawing import bars, charts, intervals
from mlgate.render.drawing.axis import Tick

LONG_TABLE = 30
"""Group tables of more rows are folded; on paper they are open."""

SIDE_BY_SIDE = 2
"""Names of one row of a group table that are written side by side."""

SHOWN_OPENLY = 8
"""Findings that a list of what was not judged names before it folds."""

MANY = 24
"""Findings that the table of contents names one by one; of more, those that passed are folded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupView:
    """One row of a group table, with its drawing."""

    record: GroupRecord
    drawing: bars.GroupDrawing | None
    place: str
    """`higher` or `lower` of the pair that decides, `decides` where one group does; else empty."""
    compared: bool
    """Whether the finding is about how the groups differ."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChartView:
    """A chart: drawn among those of its family, in its finding, or a link to where it is drawn."""

    title: str
    anchor: str
    """Where it is drawn: its own place, or that of the finding that has it too."""
    number: str
    """Of the finding that it is drawn for."""
    finding: str
    """The anchor of that finding."""
    drawing: charts.ChartDrawing | None
    """None where it is drawn elsewhere."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FindingView:
    """One finding as the page shows it."""

    record: Finding
    anchor: str
    """An id of our own: a finding's id is a stranger's text."""
    number: str
    """Its place in the report, `2.3`, so that paper can refer to it."""
    drawing: intervals.IntervalDrawing | None
    """Alone, on an axis of its own."""
    row: intervals.IntervalDrawing | None
    """In the plot of its family."""
    groups: tuple[GroupView, ...]
    charts: tuple[ChartView, ...]
    stops: bool
    """Whether it stands in the way of the release."""
    profile: profile.ProfileView | None
    profile_anchor: str
    explained_at: FindingView | None = None
    """Where why it matters and what to do stand already: slices of one check have them in common."""

    @property
    def same_terms(self) -> bool:
        """Whether it was also measured and held to its limit as the finding where it is explained."""
        return self.explained_at is not None and _terms(self.record) == _terms(self.explained_at.record)

    @property
    def told(self) -> bool:
        """Whether there is anything left to say of how it was measured."""
        one = self.record
        numbers = one.judged_share is not None or one.value_all is not None
        interval = one.interval is not None and not self.open
        return not self.same_terms or numbers or interval or self.profile is not None

    @property
    def drawn(self) -> tuple[ChartView, ...]:
        """The charts that are drawn here."""
        return tuple(one for one in self.charts if one.drawing is not None)

    @property
    def elsewhere(self) -> tuple[ChartView, ...]:
        """The charts that are drawn where the family begins, or with another finding."""
        return tuple(one for one in self.charts if one.drawing is None)

    @property
    def unjudged(self) -> tuple[GroupRecord, ...]:
        """The groups that were not judged, for a reason, each once, however many rates it has.

        Lines without a reason are no groups that were passed over: they say more of those that were judged.
        """
        rows = [one.record for one in self.groups if not one.record.judged and one.record.reason]
        return tuple({(words.pairs(one.group), one.n, one.reason): one for one in rows}.values())

    @property
    def folded(self) -> bool:
        """Whether the group table is too long to stand open."""
        return len(self.groups) > LONG_TABLE

    @property
    def rates(self) -> Mapping[str | None, list[GroupView]]:
        """The rows of the group table by the rate that they are about."""
        found: dict[str | None, list[GroupView]] = {}
        for one in self.groups:
            found.setdefault(one.record.rate, []).append(one)
        return found

    @property
    def grouped_by(self) -> tuple[str, ...] | None:
        """The columns that every row of the group table names; None when the rows differ."""
        named = {tuple(one.record.group) for one in self.groups}
        return named.pop() if len(named) == 1 else None

    @property
    def stacked(self) -> bool:
        """Whether a row names so much, and no groups of people, that what it is stands above the rest."""
        return self.grouped_by is not None and len(self.grouped_by) > SIDE_BY_SIDE and not self.record.by

    @property
    def culprits(self) -> tuple[str, ...]:
        """What failed, where the table that says so is folded."""
        failed = self.folded and self.record.outcome is Outcome.FAIL
        return sentences.reasons(self.record) if failed else ()

    @property
    def open(self) -> bool:
        """Whether it is shown in full: everything but what passed or does not apply."""
        return self.record.outcome not in (Outcome.PASS, Outcome.NOT_APPLICABLE)


@dataclass(frozen=True, kw_only=True, slots=True)
class FamilyView:
    """The findings of one family, what stops the release first."""

    name: str
    asks: str
    anchor: str
    number: int
    findings: tuple[FindingView, ...]
    ticks: tuple[Tick, ...]
    """The axis that the rates of its plot share."""
    charts: tuple[ChartView, ...]
    """What its findings about the whole table drew, each once."""

    @property
    def tally(self) -> tuple[tuple[Outcome, int], ...]:
        """How many findings of each outcome there are, worst first."""
        counted = ((one, sum(view.record.outcome is one for view in self.findings)) for one in words.OUTCOMES)
        return tuple(one for one in counted if one[1])

    @property
    def named(self) -> tuple[FindingView, ...]:
        """The findings that the table of contents names openly."""
        return tuple(one for one in self.findings if one.open)

    @property
    def rest(self) -> tuple[FindingView, ...]:
        """Those that passed or do not apply."""
        return tuple(one for one in self.findings if not one.open)


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """One check of the policy in force, with how many findings it gave."""

    record: Finding
    findings: int


def families(report: Report) -> tuple[FamilyView, ...]:
    """Gather findings by family: those that stop the release first, then in the order of an audit.

    Within a family stands first what stops the release, then by outcome and severity. A chart that
    several findings have is drawn with the first.
    """
    stops = {id(one) for one in words.blocking(report)}
    gathered: dict[str, list[Finding]] = {}
    for one in _ordered(report.findings, stops):
        gathered.setdefault(one.family, []).append(one)
    known = list(words.FAMILIES)
    names = sorted(
        gathered,
        key=lambda name: (
            not any(id(one) in stops for one in gathered[name]),
            known.index(name) if name in known else len(known),
            name,
        ),
    )
    drawn: dict[str, ChartView] = {}
    return tuple(_family(name, gathered[name], number, stops, drawn) for number, name in enumerate(names, 1))


def stopping(views: Iterable[FindingView]) -> tuple[FindingView, ...]:
    """Return what stands in the way of the release, worst first, across the families."""
    order = list(words.OUTCOMES)
    found = [one for one in views if one.stops]
    return tuple(sorted(found, key=lambda one: order.index(one.record.outcome)))


def unjudged(views: Iterable[FindingView]) -> Mapping[Outcome, tuple[FindingView, ...]]:
    """Return the findings that gave no answer, by why not."""
    kept = tuple(views)
    return {
        outcome: found
        for outcome in (Outcome.NOT_MEASURED, Outcome.INCONCLUSIVE, Outcome.NOT_APPLICABLE)
        if (found := tuple(one for one in kept if one.record.outcome is outcome))
    }


def demands(findings: Iterable[Finding]) -> tuple[Demand, ...]:
    """List every use of a check once, however many slices it was judged on."""
    counted: dict[tuple[object, ...], list[Finding]] = {}
    for one in findings:
        use = one.id.split("[")[0].split("@")[0]
        key = (
            use,
            one.table,
            one.severity,
            one.because,
            sentences.limit_text(one.limit),
            one.on_inconclusive,
        )
        counted.setdefault(key, []).append(one)
    return tuple(Demand(record=found[0], findings=len(found)) for found in counted.values())


def _terms(finding: Finding) -> tuple[object, ...]:
    """Return what the list of how a finding was measured says, but for its numbers."""
    return (
        finding.measure,
        finding.check_digest,
        finding.limit,
        finding.warn,
        finding.params,
        finding.by,
        finding.table,
        finding.against,
        finding.retrain,
        finding.origin,
        finding.on_inconclusive,
        finding.confidence,
        finding.maps_to,
    )


def _ordered(findings: Sequence[Finding], stops: set[int]) -> list[Finding]:
    order, severities = list(words.OUTCOMES), list(Severity)
    return sorted(
        findings,
        key=lambda one: (
            id(one) not in stops,
            order.index(one.outcome),
            severities.index(one.severity),
        ),
    )


def _family(
    name: str,
    findings: Sequence[Finding],
    number: int,
    stops: set[int],
    drawn: dict[str, ChartView],
) -> FamilyView:
    said: dict[object, FindingView] = {}
    plot = intervals.of_family(findings)
    views = [
        _finding(one, row, number, place, id(one) in stops)
        for place, (one, row) in enumerate(zip(findings, plot.rows, strict=True), 1)
    ]
    gallery = _gallery(views, number, drawn)
    finished = []
    for view in views:
        one = view.record
        explained = said.setdefault((view.open, one.check, one.why, one.because, one.fix), view)
        explained_at = None if explained is view else explained
        finished.append(replace(view, charts=_charts(view, drawn), explained_at=explained_at))
    return FamilyView(
        name=words.family(name)[0],
        asks=words.family(name)[1],
        anchor=f"family-{number}",
        number=number,
        findings=tuple(finished),
        ticks=plot.ticks,
        charts=gallery,
    )


def _finding(
    finding: Finding, row: intervals.IntervalDrawing | None, family: int, place: int, stops: bool
) -> FindingView:
    found = profile.of_finding(finding)
    return FindingView(
        record=finding,
        anchor=f"f{family}-{place}",
        number=f"{family}.{place}",
        drawing=intervals.of_finding(finding),
        row=row,
        groups=() if found else _groups(finding),
        charts=(),
        stops=stops,
        profile=found,
        profile_anchor=f"profile-{family}-{place}",
    )


def _groups(finding: Finding) -> tuple[GroupView, ...]:
    pair = bars.pair_of(finding)
    places = {id(one): "decides" for one in pair}
    if len(pair) > 1:
        high, low = sorted(pair, key=lambda one: -(one.value or 0.0))
        places = {id(high): "higher", id(low): "lower"}
    return tuple(
        GroupView(
            record=record,
            drawing=drawing,
            place=places.get(id(record), ""),
            compared=finding.decides is not None,
        )
        for record, drawing in zip(finding.groups, bars.of_groups(finding), strict=True)
    )


def _gallery(views: Sequence[FindingView], family: int, drawn: dict[str, ChartView]) -> tuple[ChartView, ...]:
    """Draw the charts of findings about a whole table, each one once, where the family begins."""
    found: list[ChartView] = []
    for view in views:
        for chart in _own(view) if view.record.slice is None else ():
            key = repr(chart)
            if key in drawn:
                continue
            made = ChartView(
                title=chart.title,
                anchor=f"c{family}-{len(found) + 1}",
                number=view.number,
                finding=view.anchor,
                drawing=charts.of_chart(chart),
            )
            found.append(made)
            drawn[key] = made
    return tuple(found)


def _charts(view: FindingView, drawn: dict[str, ChartView]) -> tuple[ChartView, ...]:
    """Draw the charts of a finding that are drawn nowhere yet, and point to the others."""
    found = []
    for chart in _own(view):
        key = repr(chart)
        if key in drawn:
            found.append(replace(drawn[key], drawing=None))
            continue
        made = ChartView(
            title=chart.title,
            anchor=view.anchor,
            number=view.number,
            finding=view.anchor,
            drawing=charts.of_chart(chart),
        )
        drawn[key] = made
        found.append(made)
    return tuple(found)


def _own(view: FindingView) -> tuple[ChartRecord, ...]:
    """Return the charts of a finding but those that the data profile shows."""
    profiled = view.profile is not None
    return tuple(one for one in view.record.charts if not (profiled and one.kind == "histogram"))
