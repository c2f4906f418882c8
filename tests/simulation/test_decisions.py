"""How often the gate approves what it must not, and fails what it must not: on tables whose truth is known.

`--run-heavy` runs them; with `-s` the tables of the README are printed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pytest
from scipy.stats import binom

from mlgate.estimates import Estimate
from mlgate.findings import Outcome
from mlgate.limits import Limit, Op, Rule, decide_family, p_outside
from tests.simulation import deciding
from tests.simulation.deciding import Case
from tests.simulation.simulating import Share, asked, auc_scores, counted, decisions, rows, show

pytestmark = pytest.mark.heavy

ALPHA = 0.05

TOO_OFTEN: Mapping[tuple[str, int], float] = {
    ("log loss 0.35, of 10%", 200): 0.0788,
    ("log loss 0.50, of 30%", 200): 0.0643,
}
"""Where a model at its limit less the guard is approved more often than `ALPHA`, with the share measured.

The mean of a loss that is skewed to the right has a t interval whose upper bound lies too low. Held in both
directions, so that a case comes off the list when the method is mended.
"""


def _hold(case: Case, approved: Share) -> None:
    known = TOO_OFTEN.get((case.name, case.n))
    if known is None:
        assert approved.may_be_at_most(ALPHA), (case.name, case.n, approved.value)
        return
    assert approved.may_be_at_most(known), (case.name, case.n, approved.value)
    assert approved.may_be_at_least(known), (case.name, case.n, approved.value)


def _judge(title: str, cases: Iterator[Case]) -> None:
    """Hold every case, and print how often good models are approved too."""
    lines = []
    held = []
    for case in cases:
        bad, at_limit = case.passing(-case.guard, case.guard), case.passing(0.0, 0.0)
        good, surely = case.passing(case.guard, case.guard), case.passing(case.guard, 0.0)
        lines.append((case.name, case.n, f"{case.guard:.3g}", bad, at_limit, good, surely))
        held.append((case, bad, at_limit))
    head = ("case", "rows", "g", "at L - g: guard", "at L: bound", "at L + g: guard", "at L + g: bound")
    show(title, head, lines)
    for case, bad, at_limit in held:
        _hold(case, at_limit)
        assert bad.hits <= at_limit.hits


@pytest.mark.parametrize("n", [200, 1000, 5000])
def test_a_model_at_limit_less_guard_is_rarely_approved(n: int) -> None:
    """Single values. At the same lower bound `bound` asks no less than `guard`, so it is held as well."""
    _judge("single values", deciding.singles(n))


@pytest.mark.parametrize("groups", [2, 4, 8])
@pytest.mark.parametrize("each", [250, 1000])
def test_groups_that_lie_too_far_apart_are_rarely_approved(groups: int, each: int) -> None:
    """Differences and ratios over all pairs of groups."""
    _judge("groups", deciding.gaps(groups * each, groups))


@pytest.mark.parametrize("n", [400, 2000])
def test_a_model_that_loses_the_margin_is_rarely_non_inferior(n: int) -> None:
    """The margin is all that is allowed for; beside it, how often one as good as the champion is approved."""
    cases = list(deciding.losers(n))
    lines = [
        (case.name, n, f"{-case.truth:.3g}", case.passing(0.0, 0.0), case.passing(0.02, 0.0))
        for case in cases
    ]
    head = ("non-inferior by", "rows", "margin", "at the margin", "0.02 better")
    show("non-inferior", head, lines)
    for case in cases:
        _hold(case, case.passing(0.0, 0.0))


SLICES = 20

EACH = 1.0 - (1.0 - ALPHA) ** (1.0 / SLICES)
"""How often one slice may be surely outside, where in 5 % of tables one of 20 is."""


def _surely_outside(estimate: Estimate, limit: Limit) -> bool:
    """Whether Holm's first step over 20 slices rejects it: exactly then one of 20 fails."""
    assert estimate.value is not None
    assert estimate.interval is not None
    return p_outside(estimate.value, estimate.interval, limit, start=ALPHA) <= ALPHA / SLICES


@pytest.mark.parametrize("p", [0.5, 0.8, 0.9, 0.95])
def test_of_twenty_slices_with_their_accuracy_at_the_limit_rarely_one_fails(p: float) -> None:
    """All 20 are exactly as good as the limit asks: at most 1 table in 20 has one that fails (computed)."""
    lines = []
    limit = Limit(Op.AT_LEAST, p)
    rng = np.random.default_rng(41)
    for n in (50, 100, 200, 500):
        every = [asked("performance.accuracy", decisions(k, n - k, 0, 0)) for k in range(n + 1)]
        outside = np.array([_surely_outside(one, limit) for one in every])
        alone = float(binom.pmf(np.arange(n + 1), n, p)[outside].sum())
        lines.append((f"accuracy {p}", n, 1.0 - (1.0 - alone) ** SLICES))
        for hits in (
            *rng.binomial(n, p, (10, SLICES)),
            np.full(SLICES, np.flatnonzero(outside).max(initial=0)),
        ):
            family = decide_family([every[k] for k in hits], "estimate", [limit] * SLICES, Rule())
            assert any(one.outcome is Outcome.FAIL for one in family) == outside[hits].any()
    show("20 slices at the limit", ("slices of", "rows each", "one or more fail"), lines)
    assert all(share <= ALPHA for _, _, share in lines)


@pytest.mark.parametrize("n", [100, 500])
def test_of_twenty_slices_with_scores_at_the_limit_rarely_one_fails(n: int) -> None:
    """Areas under the curve and errors: one slice by itself, at the level that Holm gives each of 20."""
    rng = np.random.default_rng(40)
    draws = 4000
    label, zeros = np.zeros(n), np.zeros(n)
    label[: int(0.3 * n)] = 1.0
    areas = (
        asked("performance.roc_auc", rows(label=label, score=auc_scores(rng, 0.8, label)))
        for _ in range(draws)
    )
    errors = (
        asked("performance.mae", rows(label=zeros, prediction=rng.laplace(size=n)), task="regression")
        for _ in range(draws)
    )
    found = {
        "AUC 0.8": counted(_surely_outside(one, Limit(Op.AT_LEAST, 0.8)) for one in areas),
        "MAE, laplace errors": counted(_surely_outside(one, Limit(Op.AT_MOST, 1.0)) for one in errors),
    }
    lines = [(name, n, 1.0 - (1.0 - share.value) ** SLICES) for name, share in found.items()]
    show("20 slices at the limit", ("slices of", "rows each", "one or more fail"), lines)
    for name, share in found.items():
        assert share.may_be_at_most(EACH), (name, n, share.value)
