"""What a policy fixes, against what a release states."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mlgate.evidence.release import Release
from mlgate.findings import EvidenceRecord, Origin, Severity
from mlgate.policy import Policy, applies, chosen_by_author, contradictions

CHECKS = "checks: [{check: performance/roc-auc, at_least: 0.7}]\n"
DIGEST = "a" * 64
RELEASE = """\
risk: limited
columns: {label: y, positive: "1", score: p, protected: [sex, race], weight: w}
threshold: 0.5
"""


def table(rows: int | None = 1000, sha256: str | None = DIGEST) -> EvidenceRecord:
    """Return the record of an evaluation table."""
    return EvidenceRecord(
        name="evaluation",
        kind="table",
        location="test.csv",
        sha256=sha256,
        rows=rows,
        columns=3,
        bytes=100,
        origin=Origin.DECLARED,
    )


@pytest.mark.parametrize(
    "pins",
    [
        "{task: binary, risk: limited, threshold: 0.5, champion: none}",
        "{risk: {at_least: limited}}",
        "{risk: {at_least: minimal}}",
        "{columns: {label: y, score: p, weight: w, key: none, prediction: none, features: none}}",
        "{columns: {positive: 1}}",
        "{columns: {positive: 1.0, favourable: 1, prediction_positive: true}}",
        "{columns: {positive: true}}",
        "{columns: {protected: [sex]}}",
        "{columns: {protected: [race, sex]}}",
        f"{{evaluation: {{sha256: [{'b' * 64}, {DIGEST}], min_rows: 1000, where: none}}}}",
    ],
)
def test_a_release_that_keeps_to_the_pins_contradicts_none(
    policy: Callable[[str], Policy], release: Callable[[str], Release], pins: str
) -> None:
    """Label values match as they do in a table: 1, 1.0, "1" and true are one value."""
    assert contradictions(policy(f"release: {pins}\n{CHECKS}"), release(RELEASE), table()) == ()


@pytest.mark.parametrize(
    ("pins", "pin", "sentence"),
    [
        ("{task: regression}", "task", "the policy fixes regression, the release has binary"),
        ("{risk: high}", "risk", "fixes high, the release has limited"),
        ("{risk: {at_least: high}}", "risk", "fixes at least high, the release has limited"),
        ("{risk: minimal}", "risk", "fixes minimal, the release has limited"),
        ("{threshold: 0.4}", "threshold", "fixes 0.4, the release has 0.5"),
        ("{columns: {label: other}}", "columns.label", "fixes other, the release has y"),
        ("{columns: {positive: 0}}", "columns.positive", "fixes 0, the release has 1"),
        ("{columns: {favourable: 0}}", "columns.favourable", "fixes 0, the release has 1 (by default)"),
        (
            "{columns: {protected: [sex, age]}}",
            "columns.protected",
            "at least sex, age, the release has sex, race",
        ),
        ("{columns: {protected: none}}", "columns.protected", "fixes none, the release has sex, race"),
        ("{columns: {weight: none}}", "columns.weight", "fixes none, the release has w"),
        ("{columns: {key: id}}", "columns.key", "fixes id, the release has none"),
        ("{columns: {features: [a]}}", "columns.features", "fixes a, the release has none"),
        ("{columns: {score: {a: p}}}", "columns.score", 'fixes {"a": "p"}, the release has p'),
        (f"{{evaluation: {{sha256: [{'b' * 64}]}}}}", "evaluation.sha256", f"the release has {DIGEST}"),
        (
            "{evaluation: {min_rows: 1001}}",
            "evaluation.min_rows",
            "at least 1001 rows, the release has 1000 rows",
        ),
        (
            "{evaluation: {where: {split: test}}}",
            "evaluation.where",
            'fixes {"split": "test"}, the release has none',
        ),
    ],
)
def test_each_pin_that_is_contradicted_says_what_was_wanted_and_found(
    policy: Callable[[str], Policy], release: Callable[[str], Release], pins: str, pin: str, sentence: str
) -> None:
    """A contradiction names the pin, both sides, and the line of the policy."""
    (found,) = contradictions(policy(f"release: {pins}\n{CHECKS}"), release(RELEASE), table())
    assert found.pin == pin
    assert sentence in str(found)
    assert found.where.endswith("policy.yaml:3")


def test_a_release_that_states_no_risk_is_below_any_floor(
    policy: Callable[[str], Policy], release: Callable[[str], Release]
) -> None:
    """Leaving the risk out is no way around a pin."""
    (found,) = contradictions(policy("release: {risk: {at_least: minimal}}\n" + CHECKS), release(""), None)
    assert found.found == "none stated"


@pytest.mark.parametrize("pin", [f"sha256: [{DIGEST}]", "min_rows: 1"])
@pytest.mark.parametrize("record", [None, table(rows=None, sha256=None)])
def test_what_was_not_seen_contradicts_a_pin_on_it(
    policy: Callable[[str], Policy],
    release: Callable[[str], Release],
    pin: str,
    record: EvidenceRecord | None,
) -> None:
    """A table that was not opened, or that has no digest and no count, proves nothing."""
    assert contradictions(policy(f"release: {{evaluation: {{{pin}}}}}\n{CHECKS}"), release(RELEASE), record)


def test_a_column_of_decisions_is_no_way_around_a_pinned_threshold(
    policy: Callable[[str], Policy], release: Callable[[str], Release]
) -> None:
    """The threshold is only fixed when the decisions are made by it."""
    judged = release("columns: {label: y, score: p, prediction: decision}")
    (found,) = contradictions(policy("release: {threshold: 0.5}\n" + CHECKS), judged, None)
    assert (found.pin, found.found) == (
        "threshold",
        "decisions of its own in column 'decision', which is not pinned",
    )
    both = policy("release: {threshold: 0.5, columns: {prediction: decision}}\n" + CHECKS)
    assert contradictions(both, judged, None) == ()


def test_a_table_with_other_roles_is_no_way_around_a_pinned_column(
    policy: Callable[[str], Policy], release: Callable[[str], Release]
) -> None:
    """Roles that differ in one table are held against the pins too; a role that it lacks is not."""
    pinned = policy("release: {columns: {label: y}}\n" + CHECKS)
    own = "columns: {label: y, score: p}\ndata: {evaluation: {path: a.csv, columns: {label: easy}}}"
    (found,) = contradictions(pinned, release(own), None)
    assert found.found == "easy"
    tables = "{evaluation: {path: a.csv}, train: {path: b.csv, columns: {label: %s}}}"
    other = f"columns: {{label: y, score: p}}\ndata: {tables}"
    (found,) = contradictions(pinned, release(other % "easy"), None)
    assert found.found == "easy in table 'train'"
    assert contradictions(pinned, release(other % "null"), None) == ()


def test_a_filter_is_the_same_however_it_is_written(
    policy: Callable[[str], Policy], release: Callable[[str], Release]
) -> None:
    """A pinned `where` is compared by value."""
    pinned = policy("release: {evaluation: {where: {at: {from: 2026-01-01}}}}\n" + CHECKS)
    same = release('data: {evaluation: {path: a.csv, where: {"at": {"from": "2026-01-01"}}}}')
    assert contradictions(pinned, same, table()) == ()
    assert contradictions(pinned, release(""), table())


def test_what_no_pin_covers_is_listed_as_chosen_by_the_author(
    policy: Callable[[str], Policy], release: Callable[[str], Release]
) -> None:
    """The list says the value in force, defaults included."""
    assert chosen_by_author(policy(CHECKS), release("columns: {label: y, score: p}")) == (
        "task = binary",
        "risk = none",
        "columns.label = y",
        "columns.positive = 1 (by default)",
        "columns.favourable = 1 (by default)",
        "columns.protected = none",
        "columns.weight = none",
        "columns.key = none",
        "columns.score = p",
        "threshold = 0.5",
        "data.evaluation.path = data/test.csv",
        "data.evaluation.where = none",
        "champion = none",
    )


def test_pins_shorten_the_list_of_what_the_author_chose(
    policy: Callable[[str], Policy], release: Callable[[str], Release]
) -> None:
    """With everything pinned, nothing is left."""
    pins = (
        "{task: binary, risk: {at_least: minimal}, threshold: 0.5, champion: none, "
        f"evaluation: {{sha256: [{DIGEST}], where: none}}, columns: {{label: y, positive: 1, favourable: 1, "
        "protected: [sex], weight: w, key: none, score: p}}"
    )
    assert chosen_by_author(policy(f"release: {pins}\n{CHECKS}"), release(RELEASE)) == ()


def test_tables_that_checks_judge_are_listed_too(
    policy: Callable[[str], Policy], release: Callable[[str], Release]
) -> None:
    """A second table is as much a choice as the first."""
    found = policy("checks: [{check: performance/roc-auc, at_least: 0.7, table: crisis}]\n")
    listed = chosen_by_author(
        found, release("data: {evaluation: {path: a.csv}, crisis: {path: c.csv}, x: {path: d}}")
    )
    assert [one for one in listed if one.startswith("data.")] == [
        "data.crisis.path = c.csv",
        "data.crisis.where = none",
        "data.evaluation.path = a.csv",
        "data.evaluation.where = none",
    ]


def test_a_policy_with_pins_uses_the_check_that_holds_the_release_to_them(
    policy: Callable[[str], Policy], release: Callable[[str], Release]
) -> None:
    """Whoever pins something need not ask for the check, and it blocks."""
    found = policy("release: {task: binary}\n" + CHECKS)
    use = found.use("governance/release-pins")
    assert (use.severity, use.where.rpartition(":")[2]) == (Severity.BLOCK, "3")
    assert applies(use, found, release("task: regression")) is None
    assert [one.id for one in policy(CHECKS).uses] == ["performance/roc-auc"]


@pytest.mark.parametrize(
    "body",
    [
        "checks: [{check: governance/release-pins, severity: info}]\n",
        "checks: [{check: governance/release-pins, at_most: 5}]\n",
        "checks: [{check: governance/release-pins, off: in the way}]\n",
        "checks: [{check: governance/release-pins, when: {risk: [high]}}]\n",
        "not_applicable: {governance: in the way}\n" + CHECKS,
        "not_applicable: {governance/release-pins: in the way}\n" + CHECKS,
    ],
)
def test_pins_cannot_be_loosened_by_settings(refused: Callable[[str], str], body: str) -> None:
    """A pin goes away by not being written, never by a setting elsewhere."""
    assert "a pin always blocks; remove it" in refused("release: {task: binary}\n" + body)


def test_the_check_of_the_pins_may_be_named(policy: Callable[[str], Policy]) -> None:
    """Naming it changes nothing, and may say why."""
    body = "release: {task: binary}\nchecks: [{check: governance/release-pins, because: it is the law}]\n"
    assert policy(body).use("governance/release-pins").because == "it is the law"
