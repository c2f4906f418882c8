"""The page as a whole: contents, families, what is said once, sizes, contrast, and order for all readers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from mlgate.findings import ChartRecord, Finding, GroupRecord, Outcome, Report, Severity
from mlgate.render.html import to_html

CSS = Path(__file__).resolve().parents[2] / "reports" / "audit.css"


class Elements(HTMLParser):
    """Start tags with their attributes, and the text inside some of them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def of(self, tag: str) -> Iterator[dict[str, str]]:
        """Yield the attributes of each element of a tag."""
        return (attributes for name, attributes in self.found if name == tag)


def part(page: str, begin: str, end: str) -> str:
    """Return what lies between two pieces of a page."""
    return page.partition(begin)[2].partition(end)[0]


def links(text: str) -> list[str]:
    """Return where the links in a piece of a page lead."""
    return re.findall(r'href="#([^"]+)"', text)


@pytest.fixture
def charted(blocked: Report) -> tuple[ChartRecord, ...]:
    """The charts of the first finding, which are about the whole table."""
    return blocked.findings[0].charts


def test_every_finding_is_linked_from_the_contents_and_from_its_family(blocked: Report) -> None:
    """Nobody has to scroll for one: 12 findings, 12 places, each linked from both."""
    page = to_html(blocked)
    anchors = re.findall(r'<article [^>]*id="([^"]+)"', page)
    assert len(anchors) == len(set(anchors)) == len(blocked.findings)
    assert set(anchors) <= set(links(part(page, "<nav", "</nav>")))
    plots = "".join(re.findall(r'<table class="plot">.*?</table>', page, re.DOTALL))
    assert sorted(links(plots)) == sorted(anchors)


def test_of_many_findings_the_passing_ones_are_folded_in_the_contents(
    blocked: Report, make: Callable[..., Report]
) -> None:
    """They are there, one click away; what did not pass stands open."""
    many = [replace(blocked.findings[1], id=f"recall-{index}") for index in range(60)]
    page = to_html(make(*blocked.findings, *many))
    contents = part(page, "<nav", "</nav>")
    assert len([one for one in links(contents) if one.startswith("f")]) >= len(many) + len(blocked.findings)
    assert "61 passed or not applicable" in contents


def test_what_stands_in_the_way_is_named_and_linked_first(blocked: Report) -> None:
    """Above everything else on the page, worst first."""
    page = to_html(blocked)
    head = part(page, 'id="verdict"', "<nav")
    stops = re.findall(r'<li class="(\w+)">', part(head, '<ol class="stops">', "</ol>"))
    assert stops == ["fail", "fail", "inconclusive", "not_measured"]
    assert len(links(part(head, '<ol class="stops">', "</ol>"))) == 4


def test_the_head_says_what_was_judged_and_when(blocked: Report) -> None:
    """Tables with rows and a digest, which stands whole behind the short one."""
    head = part(to_html(blocked), '<dl class="basis">', "</dl>")
    sha = blocked.evidence[0].sha256
    assert sha is not None
    assert "<b>evaluation</b>, 1,204 rows" in head
    assert f'title="sha256 {sha}">{sha[:8]}<' in head
    assert "21 November 2026, 10:00 UTC" in head


def test_a_chart_is_drawn_once_however_many_findings_have_it(
    blocked: Report, make: Callable[..., Report], charted: tuple[ChartRecord, ...]
) -> None:
    """The others link to it."""
    first = blocked.findings[0]
    page = to_html(make(first, replace(first, id="again"), replace(first, id="third")))
    assert page.count(f'aria-label="{charted[0].title}: ') == 1
    anchor = re.findall(r'<figure class="chart" id="([^"]+)"', page)[0]
    assert links(page).count(anchor) == 3


def test_charts_of_a_slice_stay_with_the_slice(blocked: Report, make: Callable[..., Report]) -> None:
    """What is drawn for the family is about the whole table alone."""
    first = blocked.findings[0]
    other = replace(first.charts[0], title="Of the north")
    piece = replace(first, id="n", slice={"region": "north"}, charts=(other,))
    page = to_html(make(first, piece))
    assert page.index("Of the north") > page.index("<article")


def test_why_it_matters_is_said_once_for_the_slices_of_a_check(
    blocked: Report, make: Callable[..., Report]
) -> None:
    """The second names where it stands."""
    first = blocked.findings[0]
    pieces = [replace(first, id=f"s{index}", slice={"region": str(index)}) for index in range(5)]
    page = to_html(make(*pieces))
    assert page.count("Why this limit, says the policy") == 1
    assert page.count("Why it matters, what to do and how it was measured: as") == 4


def test_the_widest_pair_and_groups_not_judged_are_marked(blocked: Report) -> None:
    """In words and in form, beside the colour."""
    page = to_html(blocked)
    table = part(page, "Errors are made at the same rate in every group, by group", "</table>")
    rows = re.findall(r'<tr class="([^"]+)"><th scope="row">([^<]+)', table)
    assert ("member higher", "African-American") in rows
    assert ("member lower", "Caucasian") in rows
    assert [one for one in rows if "higher" in one[0] or "lower" in one[0]] == rows[:2]
    assert ("aside", "Native American") in rows
    assert "8 negatives are fewer than min_group 30" in table


def test_headings_leave_out_no_level(any_report: Report) -> None:
    """One h1, and no heading more than one level below the one before."""
    levels = [int(tag[1]) for tag, _ in Elements(to_html(any_report)).found if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_tables_name_their_rows_and_columns(any_report: Report) -> None:
    """Every heading cell says what it heads; every table of findings has a caption."""
    page = to_html(any_report)
    assert all("scope" in one for one in Elements(page).of("th"))
    for table in re.findall(r'<table class="(?:plot|groups|bars)">.{9}', page):
        assert table.endswith("<caption ")


def test_every_picture_speaks_or_is_silent(any_report: Report) -> None:
    """A drawing has words of its own, or is hidden from readers because the numbers stand beside it."""
    page = to_html(any_report)
    hidden = part(page, '<p class="key" aria-hidden="true">', "</p>")
    nested = re.compile(r'<svg x="[^"]*"[^>]*>')
    for one in re.findall(r"<svg[^>]*>", page.replace(hidden, "")):
        if not nested.fullmatch(one):
            assert 'aria-hidden="true"' in one or ("role=" in one and "aria-label" in one) or "strip" in one


def test_the_data_profile_has_a_line_for_each_column(make: Callable[..., Report], big: Report) -> None:
    """And the finding links to it instead of repeating it."""
    page = to_html(big)
    table = part(page, '<table class="profile">', "</table>")
    assert table.count('<th scope="row">') == 34
    assert table.count('<svg class="small"') == 34
    assert "Breakdown in 34" not in page
    assert 'href="#profile"' in page
    assert 'id="profile"' not in to_html(make())


def test_a_big_run_stays_under_half_a_megabyte(big: Report) -> None:
    """34 columns with histograms, 60 findings, three sets of groups with 2, 5 and 10 groups."""
    assert len(to_html(big).encode()) < 500_000


@pytest.fixture
def big(blocked: Report, make: Callable[..., Report], found: Callable[..., Finding]) -> Report:
    """A large run: every performance finding with a curve of 200 points, fairness over three sets of groups."""
    curve = tuple(index / 199 for index in range(200))
    root = tuple(one**0.5 for one in curve)
    names = [f"column_{index:02}" for index in range(34)]
    histograms = tuple(
        ChartRecord(
            kind="histogram",
            title=name,
            data={
                "low": tuple(map(float, range(16))),
                "high": tuple(map(float, range(1, 17))),
                "rows": tuple(float((index * 37 + place * 11) % 101) for place in range(16)),
            },
        )
        for index, name in enumerate(names)
    )
    shares = tuple(GroupRecord(group={"column": name}, n=9000, value=0.01, numerator=90) for name in names)
    missing = found("data/missing", "Few are missing", Outcome.PASS, n=9000, groups=shares, charts=histograms)
    findings = [missing]
    for index in range(29):
        chart = ChartRecord(
            kind="roc",
            title=f"Curve {index}",
            data={"false_positive_rate": curve, "true_positive_rate": root},
        )
        findings.append(replace(blocked.findings[0], id=f"auc-{index}", charts=(chart,)))
    odds = next(one for one in blocked.findings if one.family == "fairness")
    for index in range(30):
        sizes = (2, 5, 10)[index % 3]
        groups = tuple(
            replace(odds.groups[0], group={"race": f"group {place}"}, rate=rate)
            for place in range(sizes)
            for rate in ("true_positive_rate", "false_positive_rate")
        )
        findings.append(replace(odds, id=f"odds-{index}", groups=groups, severity=Severity.WARN))
    return make(*findings)


def themes() -> list[tuple[str, dict[str, str]]]:
    """Return the colours of the style sheet: light, dark, print."""
    css = CSS.read_text(encoding="utf-8")
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    named = [dict(re.findall(r"--([a-z]+): ([^;]+);", block)) for block in blocks]
    return list(zip(("light", "dark", "print"), named, strict=True))


def rgb(color: str) -> tuple[float, ...]:
    """Return the three channels of `#rrggbb`, or of `r g b`."""
    if color.startswith("#"):
        return tuple(int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return tuple(int(one) / 255 for one in color.split())


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Return the contrast ratio of two colours by WCAG 2."""

    def light(color: tuple[float, ...]) -> float:
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("name", "colors"), themes())
def test_words_can_be_read_on_every_ground(name: str, colors: dict[str, str]) -> None:
    """WCAG AA: 4.5 to 1 for text, on paper and on the shade, in light, in dark and in print."""
    for word in ("ink", "soft", "pass", "fail", "open", "unmeasured", "waived", "apart", "accent"):
        for ground in ("paper", "shade"):
            assert contrast(rgb(colors[word]), rgb(colors[ground])) >= 4.5, (name, word, ground)


@pytest.mark.parametrize(("name", "colors"), themes())
def test_counts_can_be_read_on_the_darkest_cell_of_a_matrix(name: str, colors: dict[str, str]) -> None:
    """The shade of a cell never hides its number."""
    css = CSS.read_text(encoding="utf-8")
    deepest = max(float(one) for one in re.findall(r"--a: (\.\d+)", css))
    paper, ink = rgb(colors["paper"]), rgb(colors["ink"])
    for ground in ("hit", "miss"):
        over = rgb(colors[ground])
        mixed = tuple(deepest * a + (1 - deepest) * b for a, b in zip(over, paper, strict=True))
        assert contrast(ink, mixed) >= 4.5, (name, ground)


@pytest.mark.parametrize(("name", "colors"), themes())
def test_marks_stand_out_from_their_bands(name: str, colors: dict[str, str]) -> None:
    """WCAG: 3 to 1 for what has to be seen of a drawing."""
    for mark in ("pass", "fail", "open", "ink"):
        for ground in ("paper", "in", "guard"):
            assert contrast(rgb(colors[mark]), rgb(colors[ground])) >= 3, (name, mark, ground)
