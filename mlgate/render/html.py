"""The report as one self-contained page: no script, no network, every text escaped.

Templates and CSS are content (`reports/`); this module decides what is shown where. The order is the
one in which an auditor can reject a release: verdict and identity, what was not judged, the findings,
the evidence, the policy in force, the limits of all of it.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mlgate import content
from mlgate.findings import Outcome, Report, Severity
from mlgate.render import claims, numbers, sentences, summary, views, words
from mlgate.render.drawing import intervals
from mlgate.render.text import harmless

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATE = "audit.html.j2"

INDENTED = re.compile(r"\n\s+")
"""The indentation of the templates; texts of the report hold no line breaks by then."""

BETWEEN = re.compile(
    r"(</(?:td|th|tr|li|p|dl|dt|dd|div|ul|ol|table|thead|tbody|article|section|details|figure|h[1-4])>)\n"
)
"""A line break after an element that is a line or a cell of its own: nobody sees it, and there are many."""

COMMENT = re.compile(r"\s*/\*.*?\*/", re.DOTALL)


def to_html(report: Report, *, digest: str | None = None) -> str:
    """Render a report.

    Args:
        report: The record.
        digest: sha256 of the bytes of `report.json`, so that the page names the record that it shows.

    Returns:
        A whole HTML document, UTF-8 in mind. Characters that deceive are shown by name.
    """
    shown = harmless(report)
    families = views.families(shown)
    found = [one for family in families for one in family.findings]
    page = (
        _environment()
        .get_template(TEMPLATE)
        .render(
            report=shown,
            digest=harmless(digest),
            sentence=words.verdict_sentence(shown),
            opening=summary.opening(shown),
            closing=summary.closing(shown),
            stopping=views.stopping(found),
            unjudged=views.unjudged(found),
            thin=[one for one in found if one.record.by and one.unjudged],
            families=families,
            many=len(found) > views.MANY,
            profiles=[one for one in found if one.profile],
            shown_openly=views.SHOWN_OPENLY,
            demands=views.demands(shown.findings),
            run_url=_web_address(shown.source.run_url),
            declared=words.handed_in(shown),
            reachable=any(one.note == words.REACHABLE for one in shown.evidence),
            css=COMMENT.sub("", _read("audit.css")),
        )
    )
    return BETWEEN.sub(r"\1", INDENTED.sub("\n", page))


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
        "claims": claims,
        "sentences": sentences,
        "numbers": numbers,
        "shapes": {one.value: path for one, path in intervals.SHAPES.items()},
        "Outcome": Outcome,
        "Severity": Severity,
    }
    return made


@cache
def _read(name: str) -> str:
    return (content.folder("reports") / name).read_text(encoding="utf-8")
