"""Wording: verdicts in the words of governance, findings in one sentence, numbers that never mislead."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.findings import (
    Finding,
    GroupRecord,
    Leans,
    LimitRecord,
    OnInconclusive,
    Outcome,
    Report,
    Severity,
    Verdict,
)
from mlgate.limits import round12
from mlgate.render import numbers, sentences, summary, words
from mlgate.render.text import harmless, visible

FINITE = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12).map(round12)


def held(op: str, value: object, decided_on: str = "guard", guard: float = 0.02) -> LimitRecord:
    """Return a limit as the gate records it."""
    return LimitRecord(op=op, value=value, guard=guard, decided_on=decided_on)  # type: ignore[arg-type]  # any


@pytest.fixture
def one(found: Callable[..., Finding]) -> Callable[..., Finding]:
    """Return a function that builds an estimate with a 90 % interval."""

    def build(
        outcome: Outcome, value: object = None, interval: object = None, limit: object = None, **more: object
    ) -> Finding:
        shown = {"value": value, "interval": interval, "confidence": 0.95, "limit": limit, "n": 300}
        return found("performance/x", "It is good", outcome, **(shown | more))

    return build


def test_verdicts_read_as_governance_has_them(
    approved: Report, blocked: Report, undecided: Report, unread: Report
) -> None:
    """No verdict is its bare token."""
    assert words.verdict_sentence(approved) == (
        "Meets policy credit-release, version cd05c50dcd05 (automated; not a legal or management approval)"
    )
    assert words.verdict_sentence(blocked) == (
        "Does not meet policy credit-release: "
        "2 required checks failed, 1 is inconclusive, 1 could not be measured"
    )
    assert words.verdict_sentence(undecided) == (
        "Undecided against policy credit-release: 1 required check could not be measured"
    )
    assert words.verdict_sentence(unread) == "Nothing was judged: 2 problems in what was given"


def test_a_partial_run_says_why_it_is_undecided(approved: Report) -> None:
    """Where no finding stands in the way, the reason of the run does."""
    partial = replace(
        approved, verdict=Verdict.UNDECIDED, promotable=False, promotable_reason="only 'fair*' was judged"
    )
    assert words.verdict_sentence(partial) == (
        "Undecided against policy credit-release: only 'fair*' was judged"
    )
    assert words.promotion_sentence(partial) == "It cannot be promoted: only 'fair*' was judged."


def test_a_run_that_broke_off_says_so(unread: Report) -> None:
    """A fault of the tool is no answer about the release."""
    assert (
        words.verdict_sentence(replace(unread, verdict=Verdict.UNDECIDED)) == "Undecided: the run broke off"
    )


def test_an_advisory_run_meets_the_policy_and_is_not_promoted(approved: Report) -> None:
    """What cannot be promoted says why beside its verdict."""
    advice = replace(approved, promotable=False, promotable_reason="nothing in the policy can block")
    assert words.promotion_sentence(advice) == "It cannot be promoted: nothing in the policy can block."
    assert words.promotion_sentence(approved) == "As far as the checks go, it may be promoted."


def test_a_blocked_report_without_a_reason_is_not_to_be_relied_on(approved: Report) -> None:
    """A verdict that no finding explains is called that."""
    assert "do not rely on this report" in words.verdict_sentence(replace(approved, verdict=Verdict.BLOCKED))


AT_LEAST, AT_MOST = held("at_least", 0.78), held("at_most", 0.1)
BETWEEN = held("between", (0.8, 1.25))


INCONCLUSIVE, PASS, FAIL = Outcome.INCONCLUSIVE, Outcome.PASS, Outcome.FAIL
SPREAD = (0.7012, 0.8093)
KEPT = "the estimate does not keep to at least 0.78, but its interval reaches inside"

SAID: dict[str, dict[str, object]] = {
    "0.760 is below the limit 0.78; the 90 % interval [0.70, 0.81] reaches past it, so 300 rows cannot "
    "decide; about 1,400 would": {
        "outcome": INCONCLUSIVE,
        "value": 0.76,
        "interval": SPREAD,
        "limit": held("at_least", 0.78, "bound"),
        "needed_n": 1356,
    },
    "0.760 is below the limit 0.78; the 90 % interval [0.70, 0.81] reaches past it, so 300 rows cannot "
    "decide; few judged": {
        "outcome": INCONCLUSIVE,
        "value": 0.76,
        "interval": SPREAD,
        "limit": AT_LEAST,
        "reason": f"{KEPT}; few judged",
    },
    "0.850 is above the limit 0.78; the whole 90 % interval [0.82, 0.89] is inside; few judged": {
        "outcome": INCONCLUSIVE,
        "value": 0.85,
        "interval": (0.818, 0.885),
        "limit": AT_LEAST,
        "reason": "few judged",
    },
    "0.700 is below the limit 0.78; the whole 90 % interval [0.67, 0.73] is outside, but that is "
    "not enough with several comparisons (Holm)": {
        "outcome": INCONCLUSIVE,
        "value": 0.7,
        "interval": (0.668, 0.733),
        "limit": AT_LEAST,
        "reason": KEPT,
    },
    "0.801 is above the limit 0.78; the 90 % interval [0.77, 0.83] reaches past it by less than the guard "
    "of 0.02": {"outcome": PASS, "value": 0.801, "interval": (0.768, 0.831), "limit": AT_LEAST},
    "0.801 is above the limit 0.78; the 90 % interval [0.77, 0.83] reaches past it, and was not used": {
        "outcome": PASS,
        "value": 0.801,
        "interval": (0.768, 0.831),
        "limit": held("at_least", 0.78, "point"),
    },
    "0.214, a - b (false positive rate), is above the limit 0.1; the whole 90 % interval [0.18, 0.25] is "
    "outside": {
        "outcome": FAIL,
        "value": 0.213925,
        "interval": (0.1820532, 0.2450233),
        "limit": AT_MOST,
        "decides": "a - b (false positive rate)",
    },
    "1.010 (female / male) is inside the limits 0.8 and 1.25; the whole 90 % interval [0.90, 1.12] is "
    "inside": {
        "outcome": PASS,
        "value": 1.01,
        "interval": (0.9, 1.12),
        "limit": BETWEEN,
        "decides": "female / male",
    },
    "0.8010 is above the limit 0.78; the whole 90 % interval [0.790, 0.812] is inside; it is outside the "
    "warning band, at least 0.85": {
        "outcome": PASS,
        "value": 0.801,
        "interval": (0.79, 0.812),
        "limit": AT_LEAST,
        "warned": True,
        "warn": held("at_least", 0.85),
    },
    "0.78 is at the limit 0.78": {"outcome": PASS, "value": 0.78, "limit": held("at_least", 0.78, "fact")},
    "1,204 rows are above the limit 500": {
        "outcome": PASS,
        "value": 1204.0,
        "limit": held("at_least", 500, "fact"),
        "unit": "rows",
    },
    "3 differs from 2": {"outcome": FAIL, "value": 3.0, "limit": held("equals", 2, "fact")},
    "It does not hold; no card": {
        "outcome": FAIL,
        "value": 0.0,
        "limit": held("holds", True, "fact"),
        "reason": "no card",
    },
    "It holds": {"outcome": PASS, "value": 1.0, "limit": held("holds", True, "fact")},
    "Could not be measured: no rows": {"outcome": Outcome.NOT_MEASURED, "reason": "no rows"},
    "Could not be measured: no reason was given": {"outcome": Outcome.NOT_MEASURED},
    "Does not apply: task": {"outcome": Outcome.NOT_APPLICABLE, "reason": "task"},
    "Waived (W-1): 0.7 is below the limit 0.78": {
        "outcome": Outcome.WAIVED,
        "value": 0.7,
        "limit": AT_LEAST,
        "waiver": "W-1",
    },
}


@pytest.mark.parametrize("said", SAID)
def test_a_finding_in_one_sentence(one: Callable[..., Finding], said: str) -> None:
    """The value against its limit, what the interval adds, what would decide it."""
    assert sentences.sentence(one(**SAID[said])) == said


def test_the_guarantee_is_said_in_words(one: Callable[..., Finding]) -> None:
    """How bad a model gets through how often, as STATISTICS asks."""
    passed = one(Outcome.PASS, 0.8, (0.77, 0.83), AT_LEAST)
    passed = replace(passed, on_inconclusive=OnInconclusive.BLOCK)
    assert sentences.guarantee(passed) == ("A model whose true value is 0.76 passes at most 1 time in 20.")
    bound = replace(passed, limit=held("at_most", 0.1, "bound"), confidence=0.99)
    assert sentences.guarantee(bound) == ("A model whose true value is 0.1 passes at most 1 time in 100.")
    leaning = sentences.guarantee(replace(passed, on_inconclusive=OnInconclusive.LEAN))
    assert str(leaning).endswith("lets through what is inconclusive and leans inside.")
    screen = sentences.guarantee(replace(passed, limit=held("at_least", 0.78, "point")))
    assert screen is not None
    assert screen.startswith("A screen:")
    assert sentences.guarantee(replace(passed, limit=held("equals", 1, "fact"))) is None


def test_the_consequence_of_each_outcome_is_said(one: Callable[..., Finding]) -> None:
    """Required or not, stopping or let through."""
    leaning = one(
        Outcome.INCONCLUSIVE,
        0.79,
        (0.7, 0.8),
        AT_LEAST,
        leans=Leans.INSIDE,
        on_inconclusive=OnInconclusive.LEAN,
    )
    assert (
        sentences.consequence(leaning)
        == "required, and let through: it leans inside, which the policy accepts"
    )
    assert sentences.consequence(replace(leaning, leans=Leans.OUTSIDE)) == "required: it stops the release"
    warned = replace(leaning, on_inconclusive=OnInconclusive.WARN)
    assert sentences.consequence(warned).startswith("required, and let through: the policy only warns")
    assert sentences.consequence(replace(leaning, severity=Severity.INFO)) == (
        "for information: it does not stop the release"
    )


def test_limits_are_said_long_and_short() -> None:
    """In words for the page, in ASCII for a column."""
    assert (sentences.limit_text(AT_LEAST), sentences.limit_short(AT_LEAST)) == (
        "at least 0.78",
        ">= 0.78 -0.02",
    )
    ceiling = LimitRecord(op="at_most", value=0.15, guard=0.1, decided_on="guard")
    assert sentences.limit_short(ceiling) == "<= 0.15 +0.1"
    assert sentences.limit_short(replace(ceiling, decided_on="bound", guard=0.0)) == "<= 0.15"
    assert (sentences.limit_text(BETWEEN), sentences.limit_short(BETWEEN)) == (
        "between 0.8 and 1.25",
        "[0.8, 1.25] +-0.02",
    )
    assert sentences.limit_text(held("equals", "MIT")) == 'equal to "MIT"'
    assert (sentences.limit_text(held("holds", True)), sentences.limit_short(None)) == ("must hold", "-")


def test_the_summary_is_for_people_who_are_no_engineers(blocked: Report, approved: Report) -> None:
    """What was judged, on how many rows, what failed and by how much, what was not judged, what follows."""
    said = summary.paragraphs(blocked)
    assert said[0] == (
        "This report is about version 2.3.0 of credit-default, a model that says yes or no. "
        "It is meant to: Rank loan applications for manual review. It was judged on 1,204 rows (evaluation). "
        "Policy credit-release made 12 checks, 10 of them required: one that fails stops the release. "
        "Of the required ones, 3 passed and 1 does not apply."
    )
    assert said[1].startswith(
        "\u201cThe model ranks positives above negatives\u201d does not hold: 0.719 is below the limit 0.78;"
    )
    assert said[3].startswith("\u201cMost positives are found\u201d where region = north is not shown:")
    assert said[-1].startswith("2 checks could not be measured and 1 check does not apply")
    assert "mlgate did not run the model" in said[-1]
    assert said[-1].endswith("It cannot be promoted: " + words.qualification(blocked) + ".")
    assert summary.paragraphs(approved)[-1].endswith("As far as the checks go, it may be promoted.")


def test_what_failed_and_was_not_required_is_called_a_warning(
    make: Callable[..., Report], one: Callable[..., Finding]
) -> None:
    """A cross on an approved page says that it did not stop the release."""
    failed = one(Outcome.FAIL, 0.7, (0.6, 0.75), AT_LEAST)
    mild = replace(failed, severity=Severity.WARN)
    assert words.tally(make(mild)) == ((Outcome.FAIL, 1, "failed (warning)"),)
    assert words.tally(make(mild, replace(mild, id="y"))) == ((Outcome.FAIL, 2, "failed (warnings)"),)
    assert words.tally(make(mild, replace(failed, id="y"))) == ((Outcome.FAIL, 2, "failed"),)


def test_a_finding_over_groups_says_how_many_were_compared(one: Callable[..., Finding]) -> None:
    """Holm is named with the number of comparisons, where the record tells it."""
    rows = tuple(
        GroupRecord(group={"g": str(n)}, n=9, value=0.7, outcome=Outcome.INCONCLUSIVE) for n in range(6)
    )
    found = replace(one(Outcome.INCONCLUSIVE, 0.7, (0.67, 0.73), AT_LEAST), groups=rows)
    assert "is outside, but that is not enough with 6 comparisons (Holm)" in sentences.sentence(found)


def test_a_summary_of_many_failures_names_some_and_counts_the_rest(
    make: Callable[..., Report], one: Callable[..., Finding]
) -> None:
    """Nobody reads forty sentences."""
    many = [replace(one(Outcome.FAIL, 0.7, (0.6, 0.75), AT_LEAST), id=f"x{index}") for index in range(8)]
    said = summary.stoppers(make(*many))
    assert len(said) == 6
    assert said[-1] == "3 more required checks stand in the way."


def test_what_an_approval_leans_on_is_said(make: Callable[..., Report], one: Callable[..., Finding]) -> None:
    """An approval over an open question names the question."""
    passed = one(Outcome.PASS, 0.8, (0.79, 0.81), AT_LEAST)
    leaning = replace(
        passed,
        id="y",
        outcome=Outcome.INCONCLUSIVE,
        leans=Leans.INSIDE,
        on_inconclusive=OnInconclusive.LEAN,
    )
    said = summary.closing(make(passed, leaning))[0]
    assert said.startswith("1 required check was too close to its limit to call on these rows")


@given(value=FINITE, edge=FINITE, width=st.floats(1e-6, 1e6))
def test_a_shown_value_is_on_the_side_of_the_limit_where_the_value_is(
    value: float, edge: float, width: float
) -> None:
    """Rounding never carries a number over its limit, or onto it."""
    row = numbers.rough(value, (edge,))
    shown = float(row.replace(",", ""))
    assert (shown > edge, shown < edge) == (value > edge, value < edge)
    low, high = round12(value - width), round12(value + width)
    ends = [float(part) for part in numbers.bounds((low, high), (edge,)).strip("[]").split(", ")]
    assert [end > edge for end in ends] == [low > edge, high > edge]


@pytest.mark.parametrize(
    ("interval", "shown"),
    [
        ((0.7912, 0.8514), "[0.79, 0.85]"),
        ((0.6871, 0.6998), "[0.687, 0.700]"),
        ((50400.4, 52011.9), "[50400, 52012]"),
        ((-0.004, 0.0), "[-0.0040, 0.0000]"),
        ((1e-9, 3e-9), "[1e-09, 3e-09]"),
    ],
)
def test_intervals_have_about_two_digits_of_their_width(interval: tuple[float, float], shown: str) -> None:
    """A small table is not shown with the precision of a large one."""
    assert numbers.bounds(interval) == shown


def test_numbers_of_groups_and_counts() -> None:
    """Counts have separators, sums of weights two digits, and what is not there is a dash."""
    assert [numbers.count(one) for one in (None, 0, 1400, 12.5, 3.0)] == ["-", "0", "1,400", "12.5", "3"]
    assert numbers.group_value(GroupRecord(group={}, n=0, value=None)) == "-"
    assert numbers.group_value(GroupRecord(group={}, n=8, value=0.375, interval=(0.14, 0.69))) == "0.375"
    assert numbers.share(0.9999) == "more than 99.9 %"
    assert (numbers.share(1.0), numbers.share(0.9823)) == ("100 %", "98.2 %")


@given(text=st.text(max_size=60))
def test_visible_text_can_be_printed_and_stays_as_it_is_the_second_time(text: str) -> None:
    """Whatever a stranger writes is one line of characters that can be seen."""
    shown = visible(text)
    assert all(one.isprintable() or one.isspace() for one in shown)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b-\u200f\u2028\u2029]", shown)
    assert visible(shown) == shown


def test_harmless_reaches_every_text(filled: Callable[[str], Report]) -> None:
    """Records inside records, keys and values of mappings: nothing is left as it was."""
    assert "\x1b" not in repr(harmless(filled("\x1b[31m"))).replace("\\x1b", "\x1b")


def test_values_are_written_as_text() -> None:
    """Parameters and groups of any type have a form for people, and an empty text can be seen."""
    assert words.pairs({"a": None, "b": True, "c": [1, 2.50], "d": {"x": ""}, "e": "t\x1b"}) == (
        'a = none, b = true, c = [1, 2.5], d = {x = ""}, e = t<U+001B>'
    )
    assert words.listed({"sex": "female", "age": "< 30"}) == "female, < 30"
