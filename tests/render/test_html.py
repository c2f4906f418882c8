"""The page: what a person reads, and what a hostile text cannot do to it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mlgate.findings import Finding, GroupRecord, Outcome, Report, Severity, ToolRecord
from mlgate.render.html import to_html

VOID = {"meta", "br", "rect", "line", "circle", "path", "link", "img", "input", "hr"}

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style><script>alert(1)</script>",
    "</title></head><body onload=alert(1)>",
    "<!-- --><![CDATA[<svg/onload=alert(1)>]]>",
    "{{7*7}}{% include '/etc/passwd' %}{{ config }}",
    "{# comment #}${7*7}<%= 7*7 %>",
    "javascript:alert(1)",
    "\u202eevil\u2066\u2069 \u200b\ufeff\u00ad",
    "\x00\x07\x1b[31mred\x1b[0m\x9b31m\r\n\t\v\x85\u2028\u2029",
    "\U000e0041\ud800\udfff\ue000\u0378",
    "&lt;b&gt;&amp;&#x3c;script&#x3e;",
    "a" * 5000,
)


class Page(HTMLParser):
    """The elements of a page, in order, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.attributes: list[tuple[str, str]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.strays: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element; one that may hold others stays open."""
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the element that is open; anything else is a stray."""
        if tag in VOID:
            return
        if tag in {"td", "th", "li", "p", "dt", "dd", "h1", "h2", "h3", "h4"}:
            self.text.append(" ")
        if not self.open or self.open.pop() != tag:
            self.strays.append(tag)

    def handle_data(self, data: str) -> None:
        """Keep the text of everything but the style sheet."""
        if not self.open or self.open[-1] != "style":
            self.text.append(data)

    def said(self) -> str:
        """Return the text on one line."""
        return " ".join("".join(self.text).split())


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_an_element(text: str, filled: Callable[[str], Report]) -> None:
    """A page full of hostile text has the elements of a page full of harmless text, and no others."""
    hostile, harmless = Page(to_html(filled(text), digest=text)), Page(to_html(filled("abc"), digest="abc"))
    assert hostile.tags == harmless.tags
    assert not hostile.strays
    assert {tag for tag, _ in hostile.tags}.isdisjoint({"script", "img", "iframe", "object", "base", "form"})
    assert not [name for name, _ in hostile.attributes if name.startswith("on")]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_deceives_an_eye_reaches_the_page(text: str, filled: Callable[[str], Report]) -> None:
    """Overrides of direction, controls and invisible characters are written out by name."""
    page = to_html(filled(text), digest=text)
    strange = {one for one in page if unicodedata.category(one) in {"Cc", "Cf", "Cs", "Co", "Cn"}}
    assert strange <= {"\n"}
    page.encode("utf-8")


def test_template_syntax_in_a_text_is_text(filled: Callable[[str], Report]) -> None:
    """Braces of a stranger are shown, never evaluated."""
    said = Page(to_html(filled("{{7*7}}"))).said()
    assert "{{7*7}}" in said
    assert "49" not in said


def test_a_text_without_end_is_cut_and_says_so(approved: Report) -> None:
    """A name of a million characters does not make the page as long."""
    endless = replace(approved, tool=ToolRecord(version="x" * 1_000_000, digest="y"))
    page = to_html(endless)
    assert len(page) < 100_000
    assert "(996,000 more characters)" in page


def test_only_a_plain_https_address_becomes_a_link(approved: Report) -> None:
    """Other schemes and addresses with credentials are shown as text."""
    for url in ("javascript:alert(1)", "http://example.org/", "https://user:pw@example.org/", "https://[x"):
        page = Page(to_html(replace(approved, source=replace(approved.source, run_url=url))))
        assert all(value.startswith("#") for name, value in page.attributes if name == "href")
    page = Page(to_html(approved))
    assert ("href", "https://example.org/risk/credit/actions/runs/1") in page.attributes


def test_the_page_loads_nothing(any_report: Report) -> None:
    """One file: no script, no link to a resource, and a policy that would refuse one."""
    text = to_html(any_report)
    page = Page(text)
    assert not [
        name for name, _ in page.attributes if name in {"src", "srcset", "style", "action", "xlink:href"}
    ]
    assert set(re.findall(r"url\(([^)]*)\)", text)) <= {"#hatch", "#cap"}
    assert "@import" not in text
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'; img-src data:") in page.attributes


def test_the_page_is_well_formed(any_report: Report) -> None:
    """Elements are closed in order, ids are unique, and every link inside the page leads somewhere."""
    page = Page(to_html(any_report))
    assert not page.strays
    assert not page.open
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    named = {"href", "aria-labelledby"}
    targets = {value.removeprefix("#") for name, value in page.attributes if name in named}
    assert {one for one in targets if not one.startswith("https:")} <= set(ids)


def test_the_token_of_approval_never_stands_on_the_page(approved: Report) -> None:
    """The page says what the verdict is and is not, in the words of governance."""
    said = Page(to_html(approved)).said()
    assert "Meets policy credit-release" in said
    assert "automated; not a legal or management approval" in said
    assert not re.search(r"\bapproved\b", said, re.IGNORECASE)


def test_verdict_and_identity_come_first_then_what_was_not_judged(blocked: Report) -> None:
    """The order is the one in which an auditor can reject the release."""
    said = Page(to_html(blocked, digest="d" * 64)).said()
    order = [
        "Does not meet policy credit-release",
        "What stands in the way",
        "Identity",
        "Chosen by the release's author",
        "There is no number, so nothing is known.",
        "Groups that are listed and were not judged",
        "guard: how far the interval may reach past it",
        "What was looked at, by its bytes.",
        "Files that the policy was made of",
        "A signature shows who and when",
        "d" * 64,
    ]
    places = [said.rindex(one) for one in order]
    assert places == sorted(places)


def test_every_finding_is_shown_with_value_interval_limit_and_rows(blocked: Report) -> None:
    """What was measured is on the page, whatever came of it."""
    said = Page(to_html(blocked)).said()
    for one in blocked.findings:
        assert one.id in said
        assert one.title in said
    for text in (
        "0.719",
        "[0.69, 0.75] delong",
        "at least 0.78 guard 0.02",
        "1,204",
        "805\u202f/\u202f1,795",
    ):
        assert text in " ".join(said.split()) or text.replace("\u202f", " ") in said


def test_families_that_stop_the_release_come_first(blocked: Report) -> None:
    """A family in which something stands in the way is before one where all is well."""
    said = Page(to_html(blocked)).said()
    findings = said[said.index("guard: how far") :]
    assert findings.index("Performance") < findings.index("Fairness") < findings.index("Data whether")


def test_drawings_speak(blocked: Report) -> None:
    """Each drawing of an interval is an image with a sentence for those who do not see it."""
    page = Page(to_html(blocked))
    images = [names for tag, names in page.tags if tag == "svg" and "role" in names]
    assert len(images) >= 6
    assert all({"aria-label", "aria-labelledby"} & set(names) for names in images)


def test_what_nobody_asked_is_said(undecided: Report) -> None:
    """Families without any check are part of what was not judged."""
    said = Page(to_html(undecided)).said()
    assert "No check of the policy is about:" in said
    assert "Fairness (whether groups of people are treated alike)" in said


def test_a_long_group_table_is_folded_and_whole(blocked: Report) -> None:
    """More than thirty rows are folded away; none is left out."""
    text = to_html(blocked)
    assert "<summary>Breakdown in 36 rows" in text
    assert all(f"feature_{index:02}" in text for index in range(36))


def test_nothing_judged_is_shown_with_its_problems(unread: Report) -> None:
    """A run that could not begin says so, where, what, and what to do."""
    said = Page(to_html(unread)).said()
    assert "Nothing was judged" in said
    assert "policy.yaml:12 unknown check 'performance/roc-auk' write performance/roc-auc" in said
    assert "Findings" not in said


def test_a_report_of_nothing_but_its_head_renders(make: Callable[..., Report]) -> None:
    """Everything optional may be missing."""
    bare = make(release=None, policy=None, environment=None, evidence=(), id=None, promotable_reason=None)
    assert "Undecided" in Page(to_html(bare)).said()


def test_two_hundred_findings_stay_under_half_a_megabyte(
    approved: Report, blocked: Report, make: Callable[..., Report]
) -> None:
    """The page of a large policy can be mailed: nine in ten pass, one in five has groups and a chart."""
    passing = [one for one in approved.findings if one.outcome is Outcome.PASS]
    failing = [one for one in blocked.findings if one.outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE)]
    many: list[Finding] = []
    for index in range(200):
        pool = failing if index % 10 == 0 else passing
        one = pool[(index // 10 if index % 10 == 0 else index) % len(pool)]
        many.append(replace(one, id=f"{one.id}-{index}"))
    assert len(to_html(make(*many)).encode()) < 500_000


def test_the_page_is_the_same_every_time(blocked: Report) -> None:
    """Rendering has no clock and no chance in it."""
    assert to_html(blocked) == to_html(blocked)


def test_templates_hold_no_script_and_no_unescaped_text() -> None:
    """The one thing that is put in unescaped is our own style sheet."""
    folder = Path(__file__).resolve().parents[2] / "reports"
    sources = {path.name: path.read_text("utf-8") for path in folder.glob("*.j2")}
    assert {name for name, text in sources.items() if re.search(r"\|\s*safe|autoescape", text)} == {
        "audit.html.j2"
    }
    assert sources["audit.html.j2"].count("|safe") == 1
    assert not any("<script" in text for text in sources.values())


def test_a_group_with_two_rates_is_listed_once(blocked: Report) -> None:
    """Equalized odds has two rows a group; that it was not judged is one fact."""
    thin = [
        GroupRecord(group={"sex": "unknown"}, n=7, value=None, rate=rate, judged=False, reason="too few")
        for rate in ("true_positive_rate", "false_positive_rate")
    ]
    one = replace(blocked.findings[0], by=("sex",), groups=tuple(thin))
    page = to_html(replace(blocked, findings=(one, *blocked.findings[1:])))
    listed = page.partition("listed and were not judged")[2].partition("</section>")[0]
    assert listed.count("sex = unknown (7 rows: too few)") == 1


def test_what_only_warns_has_no_word_about_blocking(blocked: Report) -> None:
    """In the table of the policy, `blocks` stands beside required checks alone."""
    mild = tuple(replace(one, severity=Severity.WARN) for one in blocked.findings)
    table = to_html(replace(blocked, findings=mild)).partition('class="policy"')[2].partition("</table>")[0]
    assert "warning only" in table
    assert "<td>blocks" not in table
