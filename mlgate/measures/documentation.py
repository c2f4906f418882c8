"""What the release says of itself: whether a document has its sections, and a statement its words.

These read what people wrote, and see only that something was written, never that it is true. A document
that the release does not declare is not measured; a statement that is left out is measured, and absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlgate.cells import Answers, Columns, Document, DocumentText, Stated, Statement, Statistic
from mlgate.errors import PolicyError
from mlgate.estimates import Estimate, GroupEstimate
from mlgate.measures import measure
from mlgate.measures.markdown import Section, about, count_words, mentioning, sections

_CARD = Document("model_card")
_NO_CARD = "the release has no document 'model_card'; add it under `documents:`"
_LIMITATIONS = ("limitation", "limitations", "caveats", "known issues", "out of scope")
_THRESHOLD = ("threshold", "thresholds", "cut off", "cutoff", "cut point", "operating point", "decision rule")
_ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>.]+(?:\.[^@\s<>.]+)+")
_HANDLE = re.compile(r"[@#][\w.-]+(?:/[\w.-]+)*")
_TEAM = re.compile(r"\b(?:team|group|committee|office|department|squad|unit)\b", re.IGNORECASE)


@measure(
    id="documentation.model_card",
    kind="fact",
    unit="1",
    better="higher",
    needs=("document:model_card",),
    source="Mitchell et al. 2019, Model Cards for Model Reporting",
)
class ModelCard:
    """1 when the model card has every section with something written in it, else 0.

    `sections` maps a name to the headings that stand for it; a heading matches when it has the phrase as
    whole words, in any case. A section counts when it has at least `min_words` words, placeholders such
    as TODO left out.
    """

    def __init__(self, *, sections: dict[str, list[str]] | None = None, min_words: int = 5) -> None:
        """Declare the parameters; the values come with each call."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the document."""
        del columns
        if not params["sections"] or not all(params["sections"].values()):
            raise PolicyError(
                "params of documentation.model_card",
                f"sections is {params['sections']}",
                "name the headings: `sections: {limitations: [limitations, caveats]}`",
            )
        return [_CARD]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Look for each section."""
        text = _text(cells)
        if text is None:
            return Estimate.missing(_NO_CARD)
        found, least = sections(text), params["min_words"]
        return _all(_section(found, name, phrases, least) for name, phrases in params["sections"].items())


@measure(
    id="documentation.limitations",
    kind="fact",
    unit="1",
    better="higher",
    needs=("document:model_card",),
    source="Mitchell et al. 2019, Model Cards for Model Reporting, section 4.9",
)
class Limitations:
    """1 when the model card has a section on limitations of at least `min_words` words, else 0."""

    def __init__(self, *, min_words: int = 10) -> None:
        """Declare the parameter; the value comes with each call."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the document."""
        del params, columns
        return [_CARD]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Look for the section."""
        text = _text(cells)
        if text is None:
            return Estimate.missing(_NO_CARD)
        return _all([_section(sections(text), "limitations", _LIMITATIONS, params["min_words"])])


@measure(
    id="documentation.threshold_rationale",
    kind="fact",
    unit="1",
    better="higher",
    tasks=("binary",),
    needs=("document:model_card",),
    source="Mitchell et al. 2019, Model Cards for Model Reporting, section 4.4 (decision thresholds)",
)
class ThresholdRationale:
    """1 when the model card says something about the decision threshold, else 0.

    A section on it, or a sentence that names it, of at least `min_words` words.
    """

    def __init__(self, *, min_words: int = 8) -> None:
        """Declare the parameter; the value comes with each call."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the document."""
        del params, columns
        return [_CARD]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Look for a section, then for a sentence."""
        text = _text(cells)
        if text is None:
            return Estimate.missing(_NO_CARD)
        line = _section(sections(text), "threshold", _THRESHOLD, params["min_words"])
        said = max((count_words(one) for one in mentioning(text, _THRESHOLD)), default=0)
        if line.value == 0 and said >= params["min_words"]:
            line = GroupEstimate(group=line.group, n=said, value=1.0)
        return _all([line])


@measure(
    id="documentation.intended_use",
    kind="fact",
    unit="1",
    better="higher",
    source="number of words of `intended_use` in release.yaml",
)
class IntendedUse:
    """1 when the release states its intended use in at least `min_words` words, else 0."""

    def __init__(self, *, min_words: int = 5) -> None:
        """Declare the parameter; the value comes with each call."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the statement."""
        del params, columns
        return [Stated("intended_use")]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Count its words."""
        stated = cells.get(Stated("intended_use"), Statement).value
        words = count_words(stated) if isinstance(stated, str) else 0
        reason = "is not stated" if stated is None else _too_short(words, params["min_words"])
        return _all([_line({"statement": "intended_use"}, words, reason)])


@measure(
    id="documentation.owners",
    kind="fact",
    unit="1",
    better="higher",
    source="`owners` in release.yaml",
)
class Owners:
    """1 when at least one owner can be reached: an e-mail address, a handle or the name of a team.

    A handle is `@org/team` or `#channel`; the name of a team says so (`Risk ML team`). The name of a person
    alone is no owner: people leave.
    """

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the statement."""
        del params, columns
        return [Stated("owners")]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Look at each owner."""
        del params
        stated = cells.get(Stated("owners"), Statement).value
        owners = [str(one) for one in stated] if isinstance(stated, list | tuple) else []
        reached = sum(map(_reachable, owners))
        reason = None
        if not reached:
            reason = "no owner is an address, a handle or a team" if owners else "is not stated"
        return _all([_line({"statement": "owners"}, len(owners), reason)])


def _text(cells: Answers) -> str | None:
    """Return the model card; None when the release declares none."""
    answer = cells.of[_CARD]
    return answer.text if isinstance(answer, DocumentText) else None


def _section(written: Sequence[Section], name: str, phrases: Sequence[str], min_words: int) -> GroupEstimate:
    """Look for the longest section whose heading has one of the phrases."""
    found = about(written, phrases)
    words = max((section.words for section in found), default=0)
    reason = _too_short(words, min_words) if found else f"no heading says {' or '.join(map(repr, phrases))}"
    return _line({"section": name}, words, reason)


def _too_short(words: int, min_words: int) -> str | None:
    return None if words >= max(min_words, 1) else f"{words} words, fewer than {max(min_words, 1)}"


def _line(group: Mapping[str, str], n: int, reason: str | None) -> GroupEstimate:
    return GroupEstimate(group=group, n=n, value=0.0 if reason else 1.0, reason=reason)


def _all(lines: Iterable[GroupEstimate]) -> Estimate:
    """Hold that every line holds; `n` is how many lines there are."""
    every = tuple(lines)
    return Estimate(value=1.0 if all(line.value for line in every) else 0.0, n=len(every), groups=every)


def _reachable(owner: str) -> bool:
    if _TEAM.search(owner):
        return True
    parts = [part.strip("<>()[],;") for part in owner.removeprefix("mailto:").split()]
    return any(_ADDRESS.fullmatch(part) or _HANDLE.fullmatch(part) for part in parts)
