"""The report as one self-contained page: no script, no network, every text escaped.

Templates and CSS are content (`reports/`); this module decides what is shown where. The order is the
one in which an auditor can reject a release: verdict and identity, what was not judged, the findings,
the evidence, the policy in force, the limits of all of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mlgate import content
from mlgate.findings import Finding, GroupRecord, Origin, Outcome, Report, Severity
from mlgate.render import numbers, sentences, summary, svg, words
from mlgate.render.text import harmless

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATE = "audit.html.j2"

INDENTED = re.compile(r"\n\s+")
"""The indentation of the templates; texts of the report hold no line breaks by then."""

LONG_TABLE = 30
"""Group tables of more rows are folded; on paper they are open."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupView:
    """One row of a group table, with its drawing."""

    record: GroupRecord
    drawing: svg.IntervalDrawing | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FindingView:
    """One finding as the page shows it."""

    record: Finding
    anchor: str
    """An id of our own: a finding's id is a stranger's text."""
    drawing: svg.IntervalDrawing | None
    groups: tuple[GroupView, ...]
    charts: tuple[svg.ChartDrawing, ...]
    stops: bool
    """Whether it stands in the way of the release."""

    @property
    def unjudged(self) -> tuple[GroupRecord, ...]:
        """The groups that are listed and were not judged, each once, however many rates it has."""
        rows = [one.record for one in self.groups if not one.record.judged]
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


@dataclass(frozen=True, kw_only=True, slots=True)
class FamilyView:
    """The findings of one family, what stops the release first."""

    name: str
    asks: str
    anchor: str
    findings: tuple[FindingView, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """One check of the policy in force, with how many findings it gave."""

    record: Finding
    findings: int


def to_html(report: Report, *, digest: str | None = None) -> str:
    """Render a report.

    Args:
        report: The record.
        digest: sha256 of the bytes of `report.json`, so that the page names the record that it shows.

    Returns:
        A whole HTML document, UTF-8 in mind. Characters that deceive are shown by name.
    """
    shown = harmless(report)
    views = _views(shown)
    page = (
        _environment()
        .get_template(TEMPLATE)
        .render(
            report=shown,
            digest=harmless(digest),
            sentence=words.verdict_sentence(shown),
            opening=summary.opening(shown),
            closing=summary.closing(shown),
            stopping=[one for one in views if one.stops],
            unjudged=_unjudged(views),
            thin=[one for one in views if one.unjudged],
            families=_families(views),
            demands=_demands(shown.findings),
            run_url=_web_address(shown.source.run_url),
            declared=any(one.origin is Origin.DECLARED for one in shown.findings),
            css=_read("audit.css"),
        )
    )
    return INDENTED.sub("\n", page)


def _views(report: Report) -> tuple[FindingView, ...]:
    stopping = {id(one) for one in words.blocking(report)}
    order = list(words.OUTCOMES)
    severities = list(Severity)
    views = [_view(one, f"f{number}", id(one) in stopping) for number, one in enumerate(report.findings, 1)]
    return tuple(
        sorted(
            views,
            key=lambda one: (
                not one.stops,
                order.index(one.record.outcome),
                severities.index(one.record.severity),
            ),
        )
    )


def _view(finding: Finding, anchor: str, stops: bool) -> FindingView:
    rows = zip(finding.groups, svg.of_groups(finding), strict=True)
    return FindingView(
        record=finding,
        anchor=anchor,
        drawing=svg.of_finding(finding),
        groups=tuple(GroupView(record=record, drawing=drawing) for record, drawing in rows),
        charts=tuple(svg.of_chart(one) for one in finding.charts),
        stops=stops,
    )


def _families(views: Iterable[FindingView]) -> tuple[FamilyView, ...]:
    """Gather findings by family: those that stop the release first, then in the order of an audit."""
    gathered: dict[str, list[FindingView]] = {}
    for one in views:
        gathered.setdefault(one.record.family, []).append(one)
    known = list(words.FAMILIES)
    names = sorted(
        gathered,
        key=lambda name: (
            not any(one.stops for one in gathered[name]),
            known.index(name) if name in known else len(known),
            name,
        ),
    )
    return tuple(
        FamilyView(
            name=words.family(name)[0],
            asks=words.family(name)[1],
            anchor=f"family-{number}",
            findings=tuple(gathered[name]),
        )
        for number, name in enumerate(names, 1)
    )


def _unjudged(views: Iterable[FindingView]) -> Mapping[Outcome, tuple[FindingView, ...]]:
    kept = tuple(views)
    return {
        outcome: found
        for outcome in (Outcome.NOT_MEASURED, Outcome.INCONCLUSIVE, Outcome.NOT_APPLICABLE)
        if (found := tuple(one for one in kept if one.record.outcome is outcome))
    }


def _demands(findings: Iterable[Finding]) -> tuple[Demand, ...]:
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


def _web_address(url: str | None) -> str | None:
    """Return an address that may become a link: https, a host, no credentials."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme == "https" and parts.hostname and "@" not in parts.netloc else None


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    made = Environment(
        loader=FunctionLoader(_read),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {
        "words": words,
        "sentences": sentences,
        "numbers": numbers,
        "Outcome": Outcome,
        "Severity": Severity,
    }
    return made


@cache
def _read(name: str) -> str:
    return (content.folder("reports") / name).read_text(encoding="utf-8")
