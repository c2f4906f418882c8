"""What a policy asks less than the ones that it extends is listed, change by change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mlgate.catalogue import Check
from mlgate.policy import load

BASE = """\
mlgate: 1
policy: base
confidence: 0.95
on_inconclusive: block
origin: {performance: attested}
release: {threshold: 0.5, risk: {at_least: limited}, evaluation: {min_rows: 100}, columns: {protected: [sex]}}
checks:
  - {check: performance/roc-auc, at_least: 0.8, guard: 0.02, slices: [sex]}
  - {check: performance/recall, at_least: 0.7, severity: block, when: {risk: [high, limited]}}
  - {check: fairness/demographic-parity-difference, at_most: 0.1, severity: warn, groups: [sex]}
  - {check: performance/expected-cost, at_most: 1, params: {fp_cost: 2, fn_cost: 5}}
"""
ROC = "performance/roc-auc"
PARITY = "fairness/demographic-parity-difference"


@pytest.fixture
def changed(tmp_path: Path, checks: Mapping[str, Check]) -> Callable[..., tuple[str, ...]]:
    """Return a function that gives what files weaken that extend the base one after the other."""

    def given(*bodies: str) -> tuple[str, ...]:
        (tmp_path / "base.yaml").write_text(BASE)
        last = "base.yaml"
        for number, body in enumerate(bodies):
            name = f"p{number}.yaml"
            text = f"mlgate: 1\npolicy: p{number}\nextends: [{last}]\n{body}\n"
            (tmp_path / name).write_text(text)
            last = name
        return load([tmp_path / last], checks).weakened

    return given


def use(keys: str, of: str = ROC) -> str:
    """Return a policy that changes one use."""
    return f"checks: [{{id: {of}, {keys}}}]"


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (use("at_least: 0.7"), f"{ROC}: limit at least 0.8 -> at least 0.7 (p0.yaml:4)"),
        (use("off: we would fail it"), f"{ROC}: off, because: we would fail it (p0.yaml:4)"),
        (use("severity: info"), f"{ROC}: severity block -> info (p0.yaml:4)"),
        (use("guard: 0.05"), f"{ROC}: guard 0.02 -> 0.05 (p0.yaml:4)"),
        (use("decision: point"), f"{ROC}: decision guard -> point (p0.yaml:4)"),
        (use("confidence: 0.8"), f"{ROC}: confidence 0.95 -> 0.8 (p0.yaml:4)"),
        (use("min_judged: 0.5"), f"{ROC}: min_judged 0.9 -> 0.5 (p0.yaml:4)"),
        (use("min_group: 300"), f"{ROC}: min_group 30 -> 300 (p0.yaml:4)"),
        (use("on_inconclusive: warn"), f"{ROC}: on_inconclusive block -> warn (p0.yaml:4)"),
        (use("slices: [race]"), f"{ROC}: slices sex -> race (p0.yaml:4)"),
        (use("table: easy"), f"{ROC}: table evaluation -> easy (p0.yaml:4)"),
        (use("when: {task: [binary]}"), f'{ROC}: when always -> {{"task": ["binary"]}} (p0.yaml:4)'),
        (use("groups: [race]", PARITY), f"{PARITY}: groups sex -> race (p0.yaml:4)"),
        (
            use("groups: [[sex, {age: [30]}]]", PARITY),
            PARITY + ': groups sex -> sex x {"age": [30.0]} (p0.yaml:4)',
        ),
        (
            use("params: {fn_cost: 1}", "performance/expected-cost"),
            "performance/expected-cost: params.fn_cost 5 -> 1 (p0.yaml:4)",
        ),
        ("confidence: 0.8", "confidence 0.95 -> 0.8 (p0.yaml:4)"),
        ("decision: point", "decision guard -> point (p0.yaml:4)"),
        ("min_group: 90", "min_group 30 -> 90 (p0.yaml:4)"),
        ("release: {threshold: 0.4}", "release.threshold: 0.5 -> 0.4 (p0.yaml:4)"),
        ("release: {evaluation: {min_rows: 9}}", "release.evaluation.min_rows: 100 -> 9 (p0.yaml:4)"),
        ("release: {columns: {protected: [race]}}", "release.columns.protected: sex -> race (p0.yaml:4)"),
        ("not_applicable: {fairness: not now}", "fairness: left out, because: not now (p0.yaml:4)"),
        (
            "origin: {performance/roc-auc: declared}",
            f"{ROC}: origin attested -> declared (p0.yaml:4)",
        ),
    ],
)
def test_each_weaker_demand_is_listed_with_its_line(
    changed: Callable[..., tuple[str, ...]], body: str, line: str
) -> None:
    """What it was, what it is, and where that was written; a setting of the whole policy once."""
    assert changed(body) == (line,)


@pytest.mark.parametrize(
    "body",
    [
        "",
        use("at_least: 0.85"),
        use("guard: 0.01"),
        use("decision: bound"),
        use("confidence: 0.99"),
        use("min_group: 10"),
        use("min_judged: 1"),
        use("slices: [sex, race]"),
        use("judge_unknown: true"),
        use("because: it is so"),
        use("at_least: 0.8"),
        use("severity: block", PARITY),
        use("when: {risk: [high, limited, minimal]}", "performance/recall"),
        "checks: [{check: performance/f1, at_least: 0.1}]",
        "release: {evaluation: {min_rows: 200}, columns: {protected: [sex, race], label: y}, risk: high}",
        "origin: {performance: computed, data: declared}",
        "confidence: 0.99",
    ],
)
def test_what_is_as_strict_or_stricter_is_not_listed(
    changed: Callable[..., tuple[str, ...]], body: str
) -> None:
    """A list of every change would hide the ones that matter."""
    assert changed(body) == ()


def test_a_file_in_between_hides_nothing(changed: Callable[..., tuple[str, ...]]) -> None:
    """The last value counts, against every file before it; what was taken back is not listed."""
    assert changed(use("at_least: 0.7"), use("at_least: 0.75")) == (
        f"{ROC}: limit at least 0.8 -> at least 0.75 (p1.yaml:4)",
    )
    assert changed(use("at_least: 0.9"), use("at_least: 0.85")) == (
        f"{ROC}: limit at least 0.9 -> at least 0.85 (p1.yaml:4)",
    )
    assert changed(use("at_least: 0.7"), use("at_least: 0.8")) == ()
    more, less = "release: {evaluation: {min_rows: 9}}", "release: {evaluation: {min_rows: 100}}"
    assert changed(more, less) == ()
    assert changed(use("off: no"), "title: later") == (f"{ROC}: off, because: no (p0.yaml:4)",)


def test_where_inconclusive_only_warns_a_stricter_claim_lets_more_through(
    changed: Callable[..., tuple[str, ...]],
) -> None:
    """At a higher confidence a failure becomes inconclusive, and that does not block there."""
    assert changed(use("on_inconclusive: warn, confidence: 0.999")) == (
        f"{ROC}: on_inconclusive block -> warn (p0.yaml:4)",
        f"{ROC}: confidence 0.95 -> 0.999 (p0.yaml:4)",
    )


def test_a_use_that_was_left_incomplete_is_compared_in_the_rest(
    tmp_path: Path, checks: Mapping[str, Check]
) -> None:
    """A base may leave the limit to whoever extends it, and not the severity."""
    (tmp_path / "base.yaml").write_text(
        "mlgate: 1\npolicy: base\nchecks: [{check: performance/recall, severity: block}]\n"
    )
    mine = tmp_path / "mine.yaml"
    head = "mlgate: 1\npolicy: mine\nextends: [base.yaml]\n"
    mine.write_text(head + "checks: [{id: performance/recall, at_least: 0.5}]\n")
    assert load([mine], checks).weakened == ()
    mine.write_text(head + "checks: [{id: performance/recall, at_least: 0.5, severity: info}]\n")
    assert load([mine], checks).weakened == ("performance/recall: severity block -> info (mine.yaml:4)",)


def test_the_default_limit_of_a_check_is_inherited_too(tmp_path: Path, checks: Mapping[str, Check]) -> None:
    """A base that names a check alone demands the limit of the field."""
    (tmp_path / "base.yaml").write_text("mlgate: 1\npolicy: base\nchecks: [{check: data/unique-key}]\n")
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "mlgate: 1\npolicy: mine\nextends: [base.yaml]\nchecks: [{id: data/unique-key, at_most: 9}]\n"
    )
    assert load([mine], checks).weakened == ("data/unique-key: limit at most 0 -> at most 9 (mine.yaml:4)",)


def test_a_policy_merged_by_the_caller_is_held_against_the_one_before(
    tmp_path: Path, checks: Mapping[str, Check]
) -> None:
    """Two policies on the command line merge as `extends` does, and the digest knows no lines."""
    for name, limit in (("a", 0.8), ("b", 0.7)):
        text = f"mlgate: 1\npolicy: {name}\nchecks: [{{check: {ROC}, at_least: {limit}}}]\n"
        (tmp_path / f"{name}.yaml").write_text(text)
    found = load([tmp_path / "a.yaml", tmp_path / "b.yaml"], checks)
    assert found.weakened == (f"{ROC}: limit at least 0.8 -> at least 0.7 (b.yaml:3)",)
    assert "b.yaml" not in str(found.resolved)


def test_the_screen_says_that_it_is_weaker_than_the_baseline(checks: Mapping[str, Check]) -> None:
    """Its two settings are listed once each, not for every check."""
    lines = [one.partition(" (")[0] for one in load(["screen"], checks).weakened]
    assert lines.count("decision guard -> point") == 1
    assert lines.count("on_inconclusive lean -> warn") == 1
    assert not any(one.startswith("data/") for one in lines)
    assert load(["baseline"], checks).weakened == ()


def test_a_first_release_that_is_allowed_again_is_listed(changed: Callable[..., tuple[str, ...]]) -> None:
    """Then a release that says that it has no champion is compared with none."""
    assert changed("first_release: block", "first_release: allow") == (
        "first_release: block -> allow (p1.yaml:4)",
    )
    assert changed("first_release: allow", "first_release: block") == ()
