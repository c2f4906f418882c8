"""What one use decides: limit, guard, severity, groups, and what the policy and the check say instead."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mlgate.cells import Bins
from mlgate.evidence.release import Release
from mlgate.findings import OnInconclusive, Origin, Severity
from mlgate.limits import Limit, Op
from mlgate.policy import Policy, Use, applies


@pytest.fixture
def use(policy: Callable[[str], Policy]) -> Callable[..., Use]:
    """Return a function that resolves one entry under `checks:`."""

    def resolved(entry: str, settings: str = "") -> Use:
        return policy(f"{settings}checks: [{entry}]\n").uses[0]

    return resolved


def test_a_use_without_a_limit_takes_that_of_the_check(use: Callable[..., Use]) -> None:
    """Where the field has a conventional limit, naming the check is enough."""
    assert use("{check: data/unique-key}").limit == Limit(Op.AT_MOST, 0)


def test_a_use_without_any_limit_is_an_error(refused: Callable[[str], str]) -> None:
    """Where the field has none, the policy must have an opinion."""
    found = refused("checks: [{check: performance/roc-auc}]\n")
    assert "policy.yaml:3: no limit: the field has no default for performance/roc-auc; give at_least" in found


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{check: performance/roc-auc, at_most: 0.9}", "`at_most` is the wrong way round"),
        ("{check: performance/log-loss, at_least: 0.1}", "`at_least` is the wrong way round"),
        ("{check: performance/roc-auc, equals: 1}", "`equals` is for facts"),
        ("{check: performance/roc-auc, holds: true}", "`holds` is for facts"),
        ("{check: performance/roc-auc, at_least: 0.7, groups: [sex]}", "does not compare groups"),
        ("{check: performance/roc-auc, at_least: 0.7, params: {averge: x}}", "has no parameter 'averge'"),
        (
            "{check: performance/roc-auc, at_least: 0.7, warn: {at_least: 0.6}}",
            "is not tighter than the limit",
        ),
        (
            "{check: performance/roc-auc, at_least: 0.7, warn: {at_least: 0.7}}",
            "is not tighter than the limit",
        ),
        ("{check: performance/roc-auc, at_least: 0.7, warn: {between: [0.8, 0.9]}}", "use the same for both"),
        ("{check: performance/roc-auc, at_least: 0.7, slices: [a, a]}", "columns a are grouped twice"),
        (
            "{check: performance/roc-auc, at_least: 0.7, slices: [[a, b], [b, a]]}",
            "columns b x a are grouped twice",
        ),
        ("{check: performance/roc-auc, at_least: 0.7, slices: [a, {a: [1]}]}", "columns a are grouped twice"),
        ("{check: performance/roc-auc, at_least: 0.7, slices: [[a, a]]}", "columns a x a are grouped twice"),
    ],
)
def test_terms_that_make_no_sense_are_errors(refused: Callable[[str], str], entry: str, message: str) -> None:
    """What cannot be judged as written is refused, at its line."""
    found = refused(f"checks: [{entry}]\n")
    assert message in found
    assert found.startswith("policy.yaml:3:")


def test_every_use_that_is_wrong_is_told_at_once(refused: Callable[[str], str]) -> None:
    """An author mends a policy in one go."""
    entries = "  - {check: performance/roc-auc}\n  - {check: performance/rocauc}\n"
    body = f"checks:\n{entries}origin: {{dat: computed}}\n"
    assert [line.split(":")[1] for line in refused(body).splitlines()] == ["4", "5", "6"]


@pytest.mark.parametrize("entry", ["between: [0.8, 1.2]", "at_least: 0.8", "at_most: 1.2"])
def test_a_target_may_be_limited_from_either_side(use: Callable[..., Use], entry: str) -> None:
    """For a measure whose best value lies between, every direction makes sense."""
    assert use(f"{{check: own/target, {entry}}}").limit.inside(1.0)


@pytest.mark.parametrize(
    ("entry", "guard"),
    [
        ("{check: performance/roc-auc, at_least: 0.7, guard: 0.01}", 0.01),
        ("{check: performance/roc-auc, at_least: 0.7}", 0.02),
        ("{check: own/bare, at_least: 0.8}", 0.04),
        ("{check: own/bare, between: [-3, 0.8]}", 0.15),
        ("{check: own/bare, at_least: 0}", 0.0),
        ("{check: performance/roc-auc, at_least: 0.7, guard: 0.01, decision: bound}", 0.0),
        ("{check: performance/roc-auc, at_least: 0.7, decision: point}", 0.0),
        ("{check: data/row-count, at_least: 500, guard: 9}", 0.0),
    ],
)
def test_the_guard_is_that_of_the_use_the_check_or_five_percent(
    use: Callable[..., Use], entry: str, guard: float
) -> None:
    """First found wins; facts, `bound` and `point` have none."""
    assert use(entry).rule.guard == pytest.approx(guard)


def test_a_use_decides_before_the_policy_and_the_policy_before_the_default(use: Callable[..., Use]) -> None:
    """Each setting is looked up from the inside out."""
    settings = "decision: bound\nconfidence: 0.9\nmin_group: 50\non_inconclusive: warn\nmin_judged: 0.5\n"
    plain = use("{check: own/bare, at_least: 0.8}")
    general = use("{check: own/bare, at_least: 0.8}", settings)
    own = use("{check: own/bare, at_least: 0.8, confidence: 0.99, min_group: 5, decision: guard}", settings)
    assert (plain.rule.decision, plain.rule.confidence, plain.rule.min_judged) == ("guard", 0.95, 0.9)
    assert (plain.min_group, plain.on_inconclusive) == (30, OnInconclusive.BLOCK)
    assert (general.rule.decision, general.rule.confidence, general.rule.min_judged) == ("bound", 0.9, 0.5)
    assert (general.min_group, general.on_inconclusive) == (50, OnInconclusive.WARN)
    assert (own.rule.decision, own.rule.confidence, own.min_group) == ("guard", 0.99, 5)


def test_a_preview_check_blocks_only_where_the_policy_says_so(use: Callable[..., Use]) -> None:
    """What may still change its values does not stop a release unasked; a limit of one's own asks."""
    assert use("{check: own/preview, at_least: 0.7}").severity is Severity.BLOCK
    assert use("{check: own/preview, at_least: 0.7, severity: warn}").severity is Severity.WARN


def test_groups_and_slices_are_columns_products_and_bins(use: Callable[..., Use]) -> None:
    """One way of writing them, for both."""
    found = use(
        "{check: fairness/demographic-parity-difference, at_most: 0.1, "
        "groups: [sex, [sex, race], {age: [18, 30.5]}], slices: [[region, {age: [50]}]]}"
    )
    assert found.groups == (("sex",), ("sex", "race"), (Bins("age", (18.0, 30.5)),))
    assert found.slices == (("region", Bins("age", (50.0,))),)


def test_without_groups_those_of_the_release_are_meant(use: Callable[..., Use]) -> None:
    """None stands for each protected column of the release."""
    assert use("{check: fairness/demographic-parity-difference, at_most: 0.1}").groups is None


def test_the_origin_of_a_check_goes_before_that_of_its_family(use: Callable[..., Use]) -> None:
    """A minimum may be set for a family and for one of its checks."""
    settings = "origin: {performance: computed, performance/f1: attested}\n"
    assert use("{check: performance/f1, at_least: 0.5}", settings).origin is Origin.ATTESTED
    assert use("{check: performance/recall, at_least: 0.5}", settings).origin is Origin.COMPUTED
    assert use("{check: data/row-count, at_least: 5}", settings).origin is None


@pytest.mark.parametrize("block", ["origin: {performence: computed}", "not_applicable: {performence: no}"])
def test_an_unknown_family_is_an_error(refused: Callable[[str], str], block: str) -> None:
    """A misspelt family would protect nothing."""
    found = refused(f"{block}\nchecks: [{{check: data/row-count, at_least: 5}}]\n")
    assert "'performence' is no family and no check; did you mean 'performance'?" in found


@pytest.mark.parametrize(
    ("when", "release_text", "reason"),
    [
        ("{risk: [high]}", "risk: high", None),
        (
            "{risk: [high]}",
            "risk: limited",
            "the policy asks it of risk high, and this release states limited",
        ),
        ("{risk: [high]}", "", None),
        ("{task: [regression]}", "", "the policy asks it of task regression, and this release is binary"),
        ("{declares: [key]}", "", "the policy asks it of releases that declare key"),
        ("{declares: [key]}", "columns: {key: id}", None),
        ("{declares: [key]}", "data: {evaluation: {path: a.csv, columns: {key: id}}}", None),
        (
            "{declares: [key, weight]}",
            "columns: {key: id}",
            "the policy asks it of releases that declare weight",
        ),
        ("{risk: [high], declares: [key]}", "risk: high", "the policy asks it of releases that declare key"),
    ],
)
def test_when_rules_out_only_what_the_release_clearly_is(
    policy: Callable[[str], Policy],
    release: Callable[[str], Release],
    when: str,
    release_text: str,
    reason: str | None,
) -> None:
    """A release that states no risk gets the checks of every risk."""
    found = policy(f"checks: [{{check: data/row-count, at_least: 5, when: {when}}}]\n")
    assert applies(found.uses[0], found, release(release_text)) == reason


def test_a_check_of_another_task_does_not_apply(
    policy: Callable[[str], Policy], release: Callable[[str], Release]
) -> None:
    """The tasks of the check are asked first."""
    found = policy("checks: [{check: performance/roc-auc, at_least: 0.7}]\n")
    assert applies(found.uses[0], found, release("")) is None
    reason = applies(found.uses[0], found, release("task: regression"))
    assert reason == "it is for task binary or multiclass, and this release is regression"


@pytest.mark.parametrize("name", ["performance", "performance/roc-auc"])
def test_the_policy_may_leave_out_a_family_or_a_check_with_a_reason(
    policy: Callable[[str], Policy], release: Callable[[str], Release], name: str
) -> None:
    """The reason reaches the finding, and what is left out cannot block."""
    found = policy(
        f"not_applicable: {{{name}: no scores}}\nchecks: [{{check: performance/roc-auc, at_least: 0.7}}]\n"
    )
    assert applies(found.uses[0], found, release("")) == f"the policy leaves out {name}: no scores"
    assert not found.can_block


def test_a_policy_in_which_nothing_can_block_says_so(policy: Callable[[str], Policy]) -> None:
    """It loads, for looking; the gate approves nothing by it."""
    assert not policy("checks: [{check: performance/roc-auc, at_least: 0.7, severity: warn}]\n").can_block
    assert policy("checks: [{check: performance/roc-auc, at_least: 0.7}]\n").can_block


def test_pins_alone_are_nothing_that_a_model_can_fail(policy: Callable[[str], Policy]) -> None:
    """Who keeps to the pins and is asked nothing else that blocks has shown nothing."""
    warned = "checks: [{check: performance/roc-auc, at_least: 0.7, severity: warn}]\n"
    assert not policy(f"release: {{task: binary}}\n{warned}").can_block


@pytest.mark.parametrize(
    ("body", "screen"),
    [
        ("decision: point\nchecks: [{check: performance/roc-auc, at_least: 0.7}]\n", True),
        ("checks: [{check: performance/roc-auc, at_least: 0.7, decision: point}]\n", True),
        ("checks: [{check: performance/roc-auc, at_least: 0.7}]\n", False),
        ("checks: [{check: data/row-count, at_least: 7, decision: point}]\n", False),
    ],
)
def test_a_screen_is_a_policy_where_an_estimate_alone_can_block(
    policy: Callable[[str], Policy], body: str, screen: bool
) -> None:
    """Facts are compared as they are and make no screen."""
    assert policy(body).screen is screen
