"""The terminal: a line a finding, why others gave no answer, and the verdict; plain when piped."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from mlgate.findings import GroupRecord, Outcome, Report
from mlgate.render import terminal, words

SGR = re.compile(r"\x1b\[[0-9;]*m")


class Screen(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """Claim to be a terminal."""
        return True


def test_piped_output_is_plain_and_one_line_a_finding(blocked: Report) -> None:
    """ASCII, no escapes, columns that line up, what stands in the way first."""
    lines = terminal.summary(blocked).splitlines()
    assert lines[0].split() == ["check", "value", "interval", "limit", "rows"]
    assert lines[1].split() == [
        "failed",
        "performance/roc-auc",
        "0.719",
        "[0.69,",
        "0.75]",
        ">=",
        "0.78",
        "-0.02",
        "1,204",
    ]
    assert [line.split()[0] for line in lines[1:5]] == ["failed", "failed", "inconclusive", "not"]
    columns = {
        line.index(one.id) for one in blocked.findings for line in lines[1:13] if f" {one.id} " in line
    }
    assert columns == {lines[0].index("check")}
    assert all(line == line.rstrip() for line in lines)
    assert "\n".join(lines).isascii()
    assert lines[-1] == words.verdict_sentence(blocked)


def test_what_failed_is_told_with_its_reasons_and_what_to_do(blocked: Report) -> None:
    """The sentence, what the rows of the group table say of why, and the fix, above what was not judged."""
    first = next(one for one in blocked.findings if one.outcome is Outcome.FAIL)
    rows = tuple(
        GroupRecord(group={"pin": f"columns.p{n}"}, n=1, value=None, reason=f"is b{n}, the policy says a")
        for n in range(7)
    )
    other = [replace(one, groups=rows) if one is first else one for one in blocked.findings]
    said = terminal.summary(replace(blocked, findings=tuple(other)))
    assert "\nFailed:\n  " in said
    assert said.index("\nFailed:\n") < said.index("\nNot judged:\n")
    assert "\n    - pin = columns.p0: is b0, the policy says a\n" in said
    assert "\n    - and 2 more, in the report\n" in said
    assert first.fix is not None
    assert f"\n    to do: {first.fix.text}\n" in said


def test_problems_are_told_once(unread: Report) -> None:
    """Where stderr has them already, the summary keeps the verdict alone."""
    said = terminal.summary(unread, problems=False)
    assert said == "Nothing was judged: 2 problems in what was given\n"


def test_what_was_not_judged_is_listed_with_its_reason(blocked: Report) -> None:
    """Findings without an answer and groups that were only listed."""
    said = terminal.summary(blocked)
    assert "  performance/log-loss: Could not be measured: score 'p': 7214 of 7214 values" in said
    assert "so 300 rows cannot decide; about 1,400 would" in said
    assert "  fairness/demographic-parity-difference: group listed, not judged: sex = unknown" in said


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 120, 200])
@pytest.mark.parametrize("color", [False, True])
def test_no_line_is_wider_than_the_terminal_and_no_number_is_cut(
    blocked: Report, width: int, color: bool
) -> None:
    """Narrow terminals get more lines; an id or a number that is wider than all of them stays whole."""
    said = SGR.sub("", terminal.summary(blocked, width=width, color=color))
    assert max(map(len, said.splitlines())) <= max(width, 60)
    for whole in (
        "0.719",
        "[0.69, 0.75]",
        ">= 0.78",
        "1,204",
        "0.0713",
        "fairness/equalized-odds-difference",
    ):
        assert whole in said


def test_colour_changes_nothing_but_colour_and_symbols(blocked: Report) -> None:
    """The words are the same; colour is never the only signal."""
    plain = terminal.summary(blocked)
    bare = SGR.sub("", terminal.summary(blocked, color=True))
    symbols = "|".join(map(re.escape, words.SYMBOLS.values()))
    without = re.sub(rf"^({symbols}) ", "", bare, flags=re.MULTILINE)
    assert without.split() == plain.split()
    for outcome in Outcome:
        assert f"{words.SYMBOLS[outcome]} {words.OUTCOMES[outcome]}" in bare


@pytest.mark.parametrize(
    "text",
    ["\x1b[2J\x1b]0;owned\x07", "[bold red]x[/] [link=http://e.org]y[/link]", "\x9b31m\u202e", "a\r\nb"],
)
@pytest.mark.parametrize("color", [False, True])
def test_hostile_text_steers_no_terminal(text: str, color: bool, filled: Callable[[str], Report]) -> None:
    """Escapes are written out, and the markup of rich is text like any other."""
    said = terminal.summary(filled(text), width=100, color=color)
    bare = SGR.sub("", said) if color else said
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", bare)
    if text.startswith("["):
        assert "[bold red]x[/]" in bare


def test_the_token_of_approval_never_stands_alone(approved: Report) -> None:
    """The last line is the sentence of governance."""
    said = terminal.summary(approved, title=True)
    assert said.startswith("Release credit-default 2.3.0\n\n")
    assert said.endswith("(automated; not a legal or management approval)\n")
    assert "approved" not in said


def test_an_approval_that_cannot_be_promoted_says_why(approved: Report) -> None:
    """An advisory run does not look like a promotable one."""
    advice = replace(approved, promotable=False, promotable_reason="nothing in the policy can block")
    assert terminal.summary(advice).endswith("It cannot be promoted: nothing in the policy can block.\n")


def test_nothing_judged_prints_its_problems(unread: Report) -> None:
    """Where, what, and what to do."""
    said = terminal.summary(unread)
    assert "policy.yaml:12: unknown check 'performance/roc-auk'; write performance/roc-auc\n" in said
    assert said.endswith("Nothing was judged: 2 problems in what was given\n")


def test_show_is_plain_on_a_pipe_and_coloured_on_a_terminal(
    blocked: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stream decides, and NO_COLOR is obeyed."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("NO_COLOR", raising=False)
    pipe, screen, sober = io.StringIO(), Screen(), Screen()
    terminal.show(blocked, pipe)
    terminal.show(blocked, screen)
    monkeypatch.setenv("NO_COLOR", "1")
    terminal.show(blocked, sober)
    assert "\x1b" not in pipe.getvalue() + sober.getvalue()
    assert "\x1b[1;31m" in screen.getvalue()


def test_a_stream_that_knows_only_ascii_gets_ascii(filled: Callable[[str], Report]) -> None:
    """A name in another script does not break a pipe of another encoding."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    terminal.show(filled("Zürich \N{SNOWMAN}"), stream)
    stream.flush()
    assert b"Z\\xfcrich \\u2603" in raw.getvalue()


def test_a_model_that_was_not_run_is_told(approved: Report) -> None:
    """An approval then rests on numbers that somebody handed in, and no reader is to miss it."""
    model = replace(approved.evidence[0], name="model", kind="model", note="not run: nobody trusts it")
    said = terminal.summary(replace(approved, evidence=(*approved.evidence, model)))
    assert "The model was not run: nobody trusts it. No number here is its own.\n" in said
    assert "was not run" not in terminal.summary(approved)
