"""Overriding what is inherited, key by key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mlgate.catalogue import Check
from mlgate.errors import ContentError
from mlgate.limits import Limit, Op
from mlgate.policy import Policy, load

BASE = """\
mlgate: 1
policy: base
title: The base
release: {threshold: 0.5, columns: {label: y}}
checks:
  - check: performance/recall
    at_least: 0.8
    because: the base says so
    warn: {at_least: 0.85}
    guard: 0.03
    severity: warn
  - check: performance/recall
    id: recall-crisis
    table: crisis
    at_least: 0.6
"""


@pytest.fixture
def over(tmp_path: Path, checks: Mapping[str, Check]) -> Callable[[str], Policy]:
    """Return a function that loads a policy that extends the base."""

    def loaded(body: str) -> Policy:
        (tmp_path / "base.yaml").write_text(BASE)
        path = tmp_path / "policy.yaml"
        path.write_text(f"mlgate: 1\npolicy: mine\nextends: [base.yaml]\n{body}")
        return load([path], checks)

    return loaded


def test_keys_of_an_override_lie_over_those_that_are_inherited(over: Callable[[str], Policy]) -> None:
    """What an override does not name stays."""
    use = over("checks: [{check: performance/recall, severity: block}]\n").use("performance/recall")
    assert (use.severity.value, use.limit, use.rule.guard) == ("block", Limit(Op.AT_LEAST, 0.8), 0.03)
    assert use.because == "the base says so"


def test_an_id_alone_names_an_inherited_use(over: Callable[[str], Policy]) -> None:
    """`id:` is enough to change a second use of a check."""
    use = over("checks: [{id: recall-crisis, at_least: 0.7}]\n").use("recall-crisis")
    assert (use.table, use.limit.value, use.check.id) == ("crisis", 0.7, "performance/recall")


def test_a_new_limit_replaces_the_old_with_its_reason_and_warn_band(over: Callable[[str], Policy]) -> None:
    """A reason for another number, and a band around it, do not outlive it."""
    use = over("checks: [{check: performance/recall, between: [0.5, 0.9]}]\n").use("performance/recall")
    assert use.limit == Limit(Op.BETWEEN, (0.5, 0.9))
    assert (use.because, use.warn, use.rule.guard) == (None, None, 0.03)


def test_off_drops_a_use_and_keeps_the_reason(over: Callable[[str], Policy]) -> None:
    """What was dropped can be read in the resolved policy."""
    found = over("checks: [{id: recall-crisis, off: there is no crisis table}]\n")
    assert "recall-crisis" not in [use.id for use in found.uses]
    assert found.off == {"recall-crisis": "there is no crisis table"}
    assert found.resolved["off"] == found.off


def test_a_use_that_is_named_again_is_on_again(
    over: Callable[[str], Policy], checks: Mapping[str, Check], tmp_path: Path
) -> None:
    """The latest entry decides whether a use is on, and it brings back what it had."""
    over("checks: [{check: performance/recall, off: not now}]\n")
    top = tmp_path / "top.yaml"
    top.write_text("mlgate: 1\npolicy: top\nextends: [policy.yaml]\nchecks: [{check: performance/recall}]\n")
    found = load([top], checks)
    assert found.off == {}
    assert found.use("performance/recall").limit.value == 0.8


def test_switching_everything_off_leaves_no_policy(over: Callable[[str], Policy]) -> None:
    """A policy of dropped checks is empty, and empty is an error."""
    with pytest.raises(ContentError, match="the policy has no checks"):
        over("checks: [{check: performance/recall, off: a}, {id: recall-crisis, off: b}]\n")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{id: recall-crsis, at_least: 1}", "there is none of that id; did you mean 'recall-crisis'?"),
        ("{id: performance/roc-auc, at_least: 1}", "to add it write `check: performance/roc-auc`"),
        (
            "{check: recall-crisis}",
            "'recall-crisis' is the id of a use, not a check; write `id: recall-crisis`",
        ),
        ("{check: performance/f1, id: recall-crisis}", "is of performance/recall since"),
        ("{check: performance/f1, id: performance/roc-auc, at_least: 1}", "is the name of another check"),
        ("{check: performance/recal}", "did you mean 'performance/recall'?"),
        ("{id: absent, off: why not}", "there is none of that id"),
    ],
)
def test_an_entry_that_fits_nothing_is_an_error(
    over: Callable[[str], Policy], entry: str, message: str
) -> None:
    """An override that overrides nothing would be a check that is silently not asked."""
    with pytest.raises(ContentError) as error:
        over(f"checks: [{entry}]\n")
    assert message in str(error.value)
    assert "policy.yaml:4" in str(error.value)


def test_two_uses_of_one_id_in_one_file_name_both_lines(refused: Callable[[str], str]) -> None:
    """The second of two equal ids does not quietly win."""
    found = refused(
        "checks:\n  - {check: performance/f1, at_least: 1}\n  - {check: performance/f1, at_least: 0}\n"
    )
    assert found.startswith("policy.yaml:5: use 'performance/f1' is here twice (first at ")
    assert "policy.yaml:4)" in found


def test_later_scalars_win_and_the_title_goes_with_the_name(over: Callable[[str], Policy]) -> None:
    """A policy without a title is not called by the title of what it extends."""
    found = over("confidence: 0.9\n")
    assert (found.confidence, found.title, found.id) == (0.9, "mine", "mine")


def test_pins_add_up_and_a_changed_pin_is_recorded(over: Callable[[str], Policy]) -> None:
    """A later policy may pin more, and where it pins otherwise the record says so."""
    found = over("release: {threshold: 0.4, columns: {weight: none}}\n")
    assert (found.pins.threshold, found.pins.columns.label, found.pins.columns.weight) == (0.4, "y", "none")
    assert [(one.pin, one.was, one.now) for one in found.replaced] == [("threshold", 0.5, 0.4)]
    assert found.resolved["replaced_pins"] == [["threshold", 0.5, 0.4]]
    assert set(found.pinned_at) == {"threshold", "columns.label", "columns.weight"}


def test_parameters_merge_one_by_one(policy: Callable[[str], Policy], tmp_path: Path) -> None:
    """An override of one parameter leaves the others."""
    (tmp_path / "base.yaml").write_text(
        "mlgate: 1\npolicy: base\nchecks:\n"
        "  - {check: performance/expected-cost, at_most: 1, params: {fp_cost: 2, fn_cost: 5}}\n"
    )
    body = "extends: [base.yaml]\nchecks: [{check: performance/expected-cost, params: {fn_cost: 9}}]\n"
    params = policy(body).use("performance/expected-cost").params
    assert (params["fp_cost"], params["fn_cost"]) == (2, 9)
