"""Just enough of Markdown to see which sections a document has and what is written in them.

Headings are those of CommonMark (`# Title`, and titles underlined with `===` or `---`) outside of fenced
code. A leading YAML block, HTML comments and the marks of placeholders do not count as text. Every step
reads the document once, so that a hostile one cannot make it slow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*))?$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
_PLACEHOLDER = re.compile(
    r"\[?\bmore information needed\b\]?|\b(?:todo|tbd|fixme|lorem ipsum)\b", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"[.!?](?=\s)|\n[ \t]*\n|\n(?=[ \t]*(?:[-*+]|\d+[.)])[ \t])")


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A heading and everything under it, sections of a lower rank included."""

    title: str
    """Empty for what stands before the first heading."""
    level: int
    text: str
    """The headings of the sections below left out."""

    @property
    def words(self) -> int:
        """How many words are written there, placeholders left out."""
        return count_words(self.text)


def sections(document: str) -> tuple[Section, ...]:
    """Return the sections in order; the text before the first heading is a section of level 0."""
    pieces = list(_pieces(_lines(document)))
    found = []
    for number, (level, title, text) in enumerate(pieces):
        end = number + 1
        while level and end < len(pieces) and pieces[end][0] > level:
            end += 1
        whole = "\n".join([text, *(piece[2] for piece in pieces[number + 1 : end])])
        found.append(Section(title=title, level=level, text=whole))
    return tuple(found)


def about(found: Sequence[Section], phrases: Sequence[str]) -> tuple[Section, ...]:
    """Return the sections whose title has one of the phrases, as whole words, in any case."""
    wanted = _padded(phrases)
    return tuple(section for section in found if _mentions(section.title, wanted))


def mentioning(document: str, phrases: Sequence[str]) -> tuple[str, ...]:
    """Return the sentences of the text that have one of the phrases, as whole words, in any case."""
    wanted = _padded(phrases)
    return tuple(one for one in sentences(document) if _mentions(one, wanted))


def sentences(document: str) -> tuple[str, ...]:
    """Return the sentences of the text, headings left out; items of a list end one."""
    texts = (text for _, _, text in _pieces(_lines(document)))
    return tuple(part.strip() for text in texts for part in _SENTENCE_END.split(text) if part.strip())


def count_words(text: str) -> int:
    """Count words; `TODO`, `TBD` and other marks of a text to come are not words."""
    return len(_WORD.findall(_PLACEHOLDER.sub(" ", text)))


def _padded(phrases: Sequence[str]) -> list[str]:
    """Return the phrases with a space on either side, so that they are found as whole words."""
    return [f" {words} " for words in map(_normal, phrases) if words]


def _mentions(text: str, wanted: Sequence[str]) -> bool:
    padded = f" {_normal(text)} "
    return any(phrase in padded for phrase in wanted)


def _normal(text: str) -> str:
    return " ".join(word.casefold() for word in _WORD.findall(text.replace("-", " ")))


def _lines(document: str) -> list[str]:
    lines = _without_comments(document).splitlines()
    if lines and lines[0].strip() == "---":
        ends = [number for number, line in enumerate(lines[1:], 1) if line.strip() in ("---", "...")]
        lines = lines[ends[0] + 1 :] if ends else lines
    return lines


def _without_comments(text: str) -> str:
    """Leave out HTML comments; one that is never closed hides the rest, as it does in a browser."""
    kept, at = [], 0
    while (start := text.find("<!--", at)) >= 0:
        kept.append(text[at:start])
        end = text.find("-->", start + 4)
        if end < 0:
            return "".join(kept)
        at = end + 3
    return "".join([*kept, text[at:]])


def _pieces(lines: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """Yield level, title and the text up to the next heading of any rank."""
    level, title, body, fence = 0, "", list[str](), ""
    for line in lines:
        mark = _FENCE.match(line)
        if fence or mark:
            fence = _fenced(line, fence, mark)
            body.append(line)
            continue
        atx = _ATX.match(line)
        under = _UNDERLINE.match(line)
        if atx:
            yield level, title, "\n".join(body)
            level, title, body = len(atx[1]), (atx[2] or "").rstrip().rstrip("#").strip(), []
        elif under and body and body[-1].strip() and not body[-1].lstrip().startswith(("- ", "* ", ">", "|")):
            heading = body.pop().strip()
            yield level, title, "\n".join(body)
            level, title, body = 1 if under[1][0] == "=" else 2, heading, []
        else:
            body.append(line)
    yield level, title, "\n".join(body)


def _fenced(line: str, fence: str, mark: re.Match[str] | None) -> str:
    """Return the fence that is open after this line, empty for none."""
    if not fence:
        return mark[1] if mark else ""
    closes = mark is not None and mark[1].startswith(fence) and not line[mark.end() :].strip()
    return "" if closes else fence
