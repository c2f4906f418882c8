"""The report for a terminal: findings, what failed, what was not judged, the verdict. Plain when piped.

Texts of strangers go through `harmless`, and through rich only as `Text`, so neither escape sequences
nor markup in them mean anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from mlgate.findings import Finding, GroupRecord, Outcome, Report, Severity, Verdict
from mlgate.render import numbers, sentences, words
from mlgate.render.text import harmless

if TYPE_CHECKING:
    from rich.text import Text

LONGEST = 400
"""Characters of one text that a line shows."""

FEW = 5
"""Groups and reasons of one finding that are spelled out; the report has the rest."""

UNLIMITED = 10**6
"""The width of a pipe: nothing is folded, so that lines can be searched and compared."""

HEADER = ("", "check", "value", "interval", "limit", "rows")
RIGHT = frozenset({"value", "rows"})

STYLES = {
    Outcome.FAIL: "bold red",
    Outcome.INCONCLUSIVE: "yellow",
    Outcome.NOT_MEASURED: "magenta",
    Outcome.WAIVED: "cyan",
    Outcome.PASS: "green",
    Outcome.NOT_APPLICABLE: "dim",
}

VERDICTS = {
    Verdict.APPROVED: "bold green",
    Verdict.BLOCKED: "bold red",
    Verdict.UNDECIDED: "bold yellow",
    None: "bold magenta",
}

OPEN = (Outcome.NOT_MEASURED, Outcome.INCONCLUSIVE, Outcome.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class _Line:
    """A piece of output: its text, how it is coloured, and how far its continuation is indented."""

    text: str
    style: str = ""
    indent: int = 0


def summary(
    report: Report,
    *,
    width: int = UNLIMITED,
    color: bool = False,
    title: bool = False,
    problems: bool = True,
) -> str:
    """Return what a person sees of a report.

    Args:
        report: The record.
        width: Columns; where the table is wider, each finding takes several lines. No number is cut.
        color: Colour and symbols. Without it, what mlgate itself says is ASCII.
        title: Begin with the name of the release, for a run over several.
        problems: Tell what kept it from being judged; not where it has been told already.

    Returns:
        Lines that end with a newline: findings with what stands in the way first, what failed and what
        to do, what was not judged and why, and the verdict.
    """
    shown = harmless(report, LONGEST)
    lines = list(_lines(shown, width=width, symbols=color, title=title, problems=problems))
    if color:
        return _coloured(lines, width)
    return "".join(f"{one.text.rstrip()}\n" for line in lines for one in _folded(line, width))


def show(report: Report, stream: TextIO, *, title: bool = False, problems: bool = True) -> None:
    """Write the summary to a stream: in colour and to its width on a terminal, plain when piped."""
    if not stream.isatty():
        stream.write(_encodable(summary(report, title=title, problems=problems), stream))
        return
    from rich.console import Console

    console = Console(file=stream)
    color = console.color_system is not None and not console.no_color
    said = summary(report, width=console.width, color=color, title=title, problems=problems)
    stream.write(_encodable(said, stream))


def _encodable(text: str, stream: TextIO) -> str:
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _lines(report: Report, *, width: int, symbols: bool, title: bool, problems: bool) -> Iterator[_Line]:
    if title and report.release is not None:
        yield _Line(f"Release {report.release.name} {report.release.version}", "bold")
        yield _Line("")
    if report.findings:
        yield from _table(_ordered(report), width, symbols=symbols)
        yield _Line("")
    yield from _failed(report)
    yield from _unjudged(report)
    for one in report.evidence:
        if reason := words.unrun(one):
            yield _Line(f"The {one.name} was not run: {reason}. No number here is its own.", "yellow", 2)
            yield _Line("")
    for problem in report.errors if problems else ():
        yield _Line(str(problem), VERDICTS[None], 2)
    yield _Line(words.verdict_sentence(report), VERDICTS[report.verdict])
    if report.verdict is Verdict.APPROVED and not report.promotable:
        yield _Line(words.promotion_sentence(report))
    if again := words.retraining(report):
        yield _Line(f"retrain: {', '.join(again)}", "bold", 4)


def _ordered(report: Report) -> Sequence[Finding]:
    """Put what stands in the way first, then the rest by outcome and severity."""
    stopping = {id(one) for one in words.blocking(report)}
    outcomes, severities = list(words.OUTCOMES), list(Severity)
    return sorted(
        report.findings,
        key=lambda one: (
            id(one) not in stopping,
            outcomes.index(one.outcome),
            severities.index(one.severity),
        ),
    )


def _table(findings: Sequence[Finding], width: int, *, symbols: bool) -> Iterator[_Line]:
    """Lay out one line a finding; where that is too wide, a line for the check and one for its numbers."""
    from rich.cells import cell_len

    rows = [_row(one, symbols=symbols) for one in findings]
    sizes = [max(cell_len(row[column]) for row in (HEADER, *rows)) for column in range(len(HEADER))]
    if sum(sizes) + 2 * (len(sizes) - 1) > width:
        yield from _stacked(findings, rows, width)
        return
    yield _Line(_joined(HEADER, sizes), "dim")
    for finding, row in zip(findings, rows, strict=True):
        yield _Line(_joined(row, sizes), STYLES[finding.outcome])


def _row(finding: Finding, *, symbols: bool) -> tuple[str, ...]:
    word = words.OUTCOMES[finding.outcome]
    required = finding.severity is Severity.BLOCK or finding.outcome in (Outcome.PASS, Outcome.NOT_APPLICABLE)
    called = word if required else f"{word} ({finding.severity.value})"
    return (
        f"{words.SYMBOLS[finding.outcome]} {called}" if symbols else called,
        finding.id,
        sentences.quantity(finding),
        numbers.interval_of(finding) or "-",
        sentences.limit_short(finding.limit),
        sentences.rows(finding),
    )


def _joined(row: Sequence[str], sizes: Sequence[int]) -> str:
    from rich.cells import cell_len

    padded = []
    for name, text, size in zip(HEADER, row, sizes, strict=True):
        room = " " * (size - cell_len(text))
        padded.append(room + text if name in RIGHT else text + room)
    return "  ".join(padded).rstrip()


def _stacked(findings: Sequence[Finding], rows: Sequence[Sequence[str]], width: int) -> Iterator[_Line]:
    for finding, (called, name, value, interval, limit, n) in zip(findings, rows, strict=True):
        yield _Line(f"{called}  {name}", STYLES[finding.outcome], 4)
        if finding.value is None:
            continue
        limited = f"limit {limit}" if limit != "-" else ""
        counted = f"{n} rows" if n != "-" else ""
        shown = [one for one in (value, interval, limited, counted) if one not in ("", "-")]
        yield from (_Line(line) for line in _packed(shown, width))


def _packed(pieces: Sequence[str], width: int) -> list[str]:
    """Set pieces side by side, as many as fit in a line; none is broken."""
    lines: list[str] = []
    for piece in pieces:
        if lines and len(lines[-1]) + 2 + len(piece) <= width:
            lines[-1] += f"  {piece}"
        else:
            lines.append(f"    {piece}")
    return lines


def _failed(report: Report) -> Iterator[_Line]:
    """Say of each finding that failed what was found, where, and what to do."""
    found = [one for one in _ordered(report) if one.outcome is Outcome.FAIL]
    if not found:
        return
    yield _Line("Failed:", "bold")
    for one in found:
        yield _Line(f"  {one.id}: {sentences.sentence(one)}", STYLES[one.outcome], 4)
        reasons = sentences.reasons(one)
        for reason in reasons[:FEW]:
            yield _Line(f"    - {reason}", "", 6)
        if len(reasons) > FEW:
            yield _Line(f"    - and {len(reasons) - FEW} more, in the report", "", 6)
        if one.fix is not None:
            yield _Line(f"    to do: {one.fix.text}", "", 4)
    yield _Line("")


def _unjudged(report: Report) -> Iterator[_Line]:
    """Say of each finding that gave no answer why, and what would help."""
    found = [one for outcome in OPEN for one in _ordered(report) if one.outcome is outcome]
    thin = [one for one in report.findings if one.by and any(map(_passed_over, one.groups))]
    if not found and not thin:
        return
    yield _Line("Not judged:", "bold")
    for one in found:
        yield _Line(f"  {one.id}: {sentences.sentence(one)}", STYLES[one.outcome], 4)
    for one in thin:
        yield _Line(f"  {one.id}: {_thin(one)}", "", 4)
    yield _Line("")


def _passed_over(row: GroupRecord) -> bool:
    """Whether a line is a group that was not judged, and not one that says more of those that were."""
    return not row.judged and row.reason is not None


def _thin(finding: Finding) -> str:
    names = dict.fromkeys(words.pairs(row.group) for row in finding.groups if _passed_over(row))
    shown = "; ".join(list(names)[:FEW])
    more = f"; and {len(names) - FEW} more" if len(names) > FEW else ""
    return f"{'group' if len(names) == 1 else 'groups'} listed, not judged: {shown}{more}"


def _folded(line: _Line, width: int) -> Iterable[_Line]:
    """Break a line at spaces so that it fits; a word that is longer than the line stays whole."""
    if len(line.text) <= width:
        return [line]
    import textwrap

    lead = line.text[: len(line.text) - len(line.text.lstrip())]
    parts = textwrap.wrap(
        line.text.lstrip(),
        max(width, 20),
        initial_indent=lead,
        subsequent_indent=" " * line.indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [_Line(part, line.style) for part in parts]


def _coloured(lines: Iterable[_Line], width: int) -> str:
    from io import StringIO

    from rich.console import Console

    out = StringIO()
    console = Console(
        file=out,
        force_terminal=True,
        color_system="standard",
        width=max(width, 20),
        highlight=False,
        markup=False,
        emoji=False,
        no_color=False,
        legacy_windows=False,
    )
    for line in lines:
        for part in _folded(line, width):
            console.print(_styled(part), soft_wrap=True)
    return out.getvalue()


def _styled(line: _Line) -> Text:
    from rich.text import Text

    return Text(line.text.rstrip(), style=line.style)
