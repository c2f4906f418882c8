"""The verdict is a pure function of the findings: blocked > undecided > approved, and never by accident."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.findings import (
    GOVERNANCE,
    Finding,
    Leans,
    MeasureRecord,
    OnInconclusive,
    Outcome,
    Severity,
    Verdict,
    totals_of,
    verdict_of,
)

PLAIN = Finding(
    id="performance/roc-auc",
    check="performance/roc-auc",
    check_digest="sha256:0",
    measure=MeasureRecord(id="performance.roc_auc", package="mlgate", version="1"),
    family="performance",
    kind="estimate",
    title="The model ranks positives above negatives",
    severity=Severity.BLOCK,
    outcome=Outcome.PASS,
)

findings = st.builds(
    lambda outcome, severity, rule, leans, family: replace(
        PLAIN, outcome=outcome, severity=severity, on_inconclusive=rule, leans=leans, family=family
    ),
    st.sampled_from(Outcome),
    st.sampled_from(Severity),
    st.sampled_from(OnInconclusive),
    st.sampled_from([None, *Leans]),
    st.sampled_from(["performance", "data", GOVERNANCE]),
)

ORDER = {Verdict.APPROVED: 0, Verdict.UNDECIDED: 1, Verdict.BLOCKED: 2}


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, Verdict.APPROVED),
        ({"outcome": Outcome.FAIL}, Verdict.BLOCKED),
        ({"outcome": Outcome.FAIL, "severity": Severity.WARN}, Verdict.UNDECIDED),
        ({"outcome": Outcome.NOT_MEASURED}, Verdict.UNDECIDED),
        ({"outcome": Outcome.NOT_APPLICABLE}, Verdict.UNDECIDED),
        ({"outcome": Outcome.WAIVED}, Verdict.UNDECIDED),
        ({"outcome": Outcome.INCONCLUSIVE}, Verdict.BLOCKED),
        ({"family": GOVERNANCE}, Verdict.UNDECIDED),
        ({"severity": Severity.WARN}, Verdict.UNDECIDED),
    ],
    ids=str,
)
def test_verdict_of_a_single_finding(changes: dict[str, object], verdict: Verdict) -> None:
    """One required pass approves; whatever else stands alone does not."""
    assert verdict_of([replace(PLAIN, **changes)]) is verdict


@pytest.mark.parametrize(
    ("rule", "leans", "verdict"),
    [
        (OnInconclusive.BLOCK, Leans.INSIDE, Verdict.BLOCKED),
        (OnInconclusive.LEAN, Leans.INSIDE, Verdict.APPROVED),
        (OnInconclusive.LEAN, Leans.OUTSIDE, Verdict.BLOCKED),
        (OnInconclusive.LEAN, None, Verdict.BLOCKED),
        (OnInconclusive.WARN, Leans.OUTSIDE, Verdict.APPROVED),
    ],
    ids=str,
)
def test_what_an_inconclusive_check_does(rule: OnInconclusive, leans: Leans | None, verdict: Verdict) -> None:
    """`block` stops, `lean` stops what does not lean inside, `warn` lets through what others carry."""
    open_one = replace(PLAIN, outcome=Outcome.INCONCLUSIVE, on_inconclusive=rule, leans=leans)
    assert verdict_of([PLAIN, open_one]) is verdict


def test_nothing_asked_is_undecided() -> None:
    """An empty list shows nothing."""
    assert verdict_of([]) is Verdict.UNDECIDED


@given(st.lists(findings, max_size=6), findings)
def test_a_further_required_finding_that_is_no_pass_never_helps(before: list[Finding], more: Finding) -> None:
    """Only a pass can turn undecided into approved; anything else leaves the verdict or worsens it."""
    if more.outcome is Outcome.PASS and more.severity is Severity.BLOCK:
        return
    assert ORDER[verdict_of([*before, more])] >= ORDER[verdict_of(before)]


@given(st.lists(findings, max_size=6))
def test_approved_means_every_required_finding_is_accepted_and_one_passed(found: list[Finding]) -> None:
    """The definition of approval, held against the function."""
    required = [one for one in found if one.severity is Severity.BLOCK]
    measured = any(one.outcome is Outcome.PASS and one.family != GOVERNANCE for one in required)
    expected = measured and all(one.accepted for one in required)
    assert (verdict_of(found) is Verdict.APPROVED) == expected


@given(st.lists(findings, max_size=6), st.randoms(use_true_random=False))
def test_order_of_findings_does_not_matter(found: list[Finding], chance: object) -> None:
    """Verdict and totals are of the set, not of the sequence."""
    mixed = list(found)
    chance.shuffle(mixed)  # type: ignore[attr-defined]  Hypothesis' Random
    assert verdict_of(mixed) is verdict_of(found)
    assert totals_of(mixed) == totals_of(found)
    assert sum(totals_of(found).values()) == len(found)
