"""What a policy fixes, against what a release states."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mlgate.errors import MlgateError
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


REGRESSION = """\
task: regression
columns: {label: y, prediction: p, interval: [low, high], quantiles: {0.1: p10, "0.90": p90}}
"""


@pytest.mark.parametrize(
    "pins",
    [
        "{interval: [low, high]}",
        "{quantiles: {0.1: p10, 0.9: p90}}",
        '{quantiles: {"0.900": p90, "0.10": p10}, interval: [low, high]}',
    ],
)
def test_interval_and_quantiles_that_are_as_pinned(
    policy: Callable[[str], Policy], release: Callable[[str], Release], pins: str
) -> None:
    """Levels are numbers, however they are written, and in any order."""
    fixed, stated = policy(f"release: {{columns: {pins}}}\n{CHECKS}"), release(REGRESSION)
    assert contradictions(fixed, stated, table()) == ()
    named = [one for one in ("interval", "quantiles") if one in pins]
    listed = chosen_by_author(fixed, stated)
    assert not [one for one in listed if any(f"columns.{role} " in one for role in named)]


@pytest.mark.parametrize(
    ("pins", "sentence"),
    [
        ("interval: [high, low]", "fixes high, low, the release has low, high"),
        ("interval: none", "fixes none, the release has low, high"),
        ("quantiles: none", 'fixes none, the release has {"0.1": "p10", "0.90": "p90"}'),
        ("quantiles: {0.1: p10}", 'fixes {"0.1": "p10"}, the release has'),
        ("quantiles: {0.1: p10, 0.5: p50, 0.9: p90}", "the release has"),
        ("quantiles: {0.1: p90, 0.9: p10}", "the release has"),
        ("quantiles: {0.1: p10, 0.95: p90}", "the release has"),
    ],
)
def test_interval_and_quantiles_that_are_not(
    policy: Callable[[str], Policy], release: Callable[[str], Release], pins: str, sentence: str
) -> None:
    """Which column is which end, and of which level, is what a pin fixes."""
    (found,) = contradictions(
        policy(f"release: {{columns: {{{pins}}}}}\n{CHECKS}"), release(REGRESSION), None
    )
    assert found.pin == f"columns.{pins.partition(':')[0]}"
    assert sentence in str(found)


@pytest.mark.parametrize("pins", ["interval: [low, high]", "quantiles: {0.1: p10}"])
def test_interval_and_quantiles_that_are_left_out(
    policy: Callable[[str], Policy], release: Callable[[str], Release], pins: str
) -> None:
    """A release that states none does not keep to the pin; a table beside the evaluation may lack them."""
    pinned = policy(f"release: {{columns: {{{pins}}}}}\n{CHECKS}")
    plain = "task: regression\ncolumns: {label: y, prediction: p}\n"
    (found,) = contradictions(pinned, release(plain), None)
    assert found.found == "none"
    role, _, columns = pins.partition(": ")
    tables = f"data: {{evaluation: {{path: a.csv}}, train: {{path: b.csv, columns: {{{role}: null}}}}}}\n"
    stated = f"task: regression\ncolumns: {{label: y, prediction: p, {role}: {columns}}}\n"
    assert contradictions(pinned, release(stated + tables), None) == ()


def test_one_level_of_two_columns_is_no_way_around_a_pin(
    policy: Callable[[str], Policy], release: Callable[[str], Release]
) -> None:
    """A level that is written twice, in two ways, is two columns."""
    twice = 'task: regression\ncolumns: {label: y, prediction: p, quantiles: {"0.10": a, "0.1": p10}}\n'
    fixed = policy(f"release: {{columns: {{quantiles: {{0.1: p10}}}}}}\n{CHECKS}")
    (found,) = contradictions(fixed, release(twice), None)
    assert found.pin == "columns.quantiles"


@pytest.mark.parametrize(
    ("pins", "says"),
    [
        ("quantiles: {p10: low}", "no quantile level"),
        ("quantiles: {1.0: low}", "no quantile level"),
        ("quantiles: {}", "quantiles"),
        ("interval: [low]", "interval"),
        ("interval: [low, mid, high]", "interval"),
        ("interval: low", "interval"),
    ],
)
def test_pins_that_are_no_interval_and_no_quantiles(
    policy: Callable[[str], Policy], pins: str, says: str
) -> None:
    """What can be no such role is refused in the policy."""
    with pytest.raises(MlgateError, match=says):
        policy(f"release: {{columns: {{{pins}}}}}\n{CHECKS}")


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
        "columns.cluster = none",
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
        "protected: [sex], weight: w, key: none, cluster: none, score: p}}"
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


@pytest.mark.parametrize(
    "use",
    ["{check: drift/univariate}", "{check: performance/overfit, at_most: 0.1}"],
    ids=["against", "needs"],
)
def test_tables_that_checks_compare_with_are_listed_too(
    policy: Callable[[str], Policy], release: Callable[[str], Release], use: str
) -> None:
    """What the judged table is held against decides as much, its own roles included."""
    data = "data: {evaluation: {path: a.csv}, train: {path: c.csv, columns: {score: old}}}"
    listed = chosen_by_author(policy(f"checks: [{use}]\n"), release(f"columns: {{score: p}}\n{data}"))
    assert "data.train.path = c.csv" in listed
    assert "data.train.columns.score = old" in listed


CRISIS = "checks: [{check: performance/roc-auc, at_least: 0.7, table: crisis}]\n"
READ = 'path: a.csv, nulls: [b, ""], types: {zip: string}, quote: "", delimiter: ";", encoding: latin-1'


def test_how_a_table_is_read_is_listed_as_chosen(
    policy: Callable[[str], Policy], release: Callable[[str], Release]
) -> None:
    """What counts as missing decides who is in which group, in every table that is judged."""
    stated = f"{READ}, predictions: {{path: p.csv, key: id}}"
    for name in ("evaluation", "crisis"):
        tables = {"evaluation": "path: e.csv", "crisis": "path: c.csv", name: stated}
        data = ", ".join(f"{one}: {{{text}}}" for one, text in tables.items())
        listed = chosen_by_author(policy(CRISIS), release(f"data: {{{data}}}"))
        assert [one for one in listed if one.startswith(f"data.{name}.")] == [
            f"data.{name}.path = a.csv",
            f"data.{name}.where = none",
            f'data.{name}.delimiter = ";"',
            f"data.{name}.encoding = iso8859-1",
            f'data.{name}.nulls = b, ""',
            f'data.{name}.quote = ""',
            f'data.{name}.types = {{"zip": "string"}}',
            f'data.{name}.predictions = {{"path": "p.csv", "key": "id"}}',
        ]


@pytest.mark.parametrize(
    ("stated", "pin", "found"),
    [
        ("nulls: [b]", "reading.nulls", "b"),
        ("nulls: []", "reading.nulls", "nothing"),
        ("types: {age: string}", "reading.types", '{"age": "string"}'),
        ('delimiter: ";"', "reading.delimiter", '";"'),
        ('quote: ""', "reading.quote", '""'),
        ("encoding: utf-16", "reading.encoding", "utf-16"),
        ("predictions: {path: p.csv, key: id}", "predictions", '{"path": "p.csv", "key": "id"}'),
    ],
)
def test_pinned_bytes_may_not_be_given_another_meaning(
    policy: Callable[[str], Policy], release: Callable[[str], Release], stated: str, pin: str, found: str
) -> None:
    """The same file with `nulls: [b]` hides the group b: a contradiction unless the policy says so too."""
    judged = release(f"data: {{evaluation: {{path: a.csv, {stated}}}}}")
    pinned = policy(f"release: {{evaluation: {{sha256: [{DIGEST}]}}}}\n{CHECKS}")
    (contradiction,) = contradictions(pinned, judged, table())
    assert (contradiction.pin, contradiction.found) == (f"evaluation.{pin}", found)
    assert contradiction.where.endswith("policy.yaml:3")
    same = f"reading: {{{stated}}}" if pin != "predictions" else "predictions: {key: id}"
    agreed = policy(f"release: {{evaluation: {{sha256: [{DIGEST}], {same}}}}}\n{CHECKS}")
    assert contradictions(agreed, judged, table()) == ()
    assert contradictions(agreed, release(""), table())
    assert contradictions(policy(f"release: {{threshold: 0.5}}\n{CHECKS}"), judged, table()) == ()


def test_how_a_table_is_read_can_be_pinned_by_itself(
    policy: Callable[[str], Policy], release: Callable[[str], Release]
) -> None:
    """A pinned key holds without a digest, and says nothing about the keys that it leaves out."""
    pinned = policy('release: {evaluation: {reading: {nulls: [NA, ""], encoding: UTF-8}}}\n' + CHECKS)
    kept = release('data: {evaluation: {path: a.csv, nulls: ["", NA], delimiter: ";"}}')
    assert contradictions(pinned, kept, table()) == ()
    assert 'data.evaluation.delimiter = ";"' in chosen_by_author(pinned, kept)
    assert not any("nulls" in one for one in chosen_by_author(pinned, kept))
    (found,) = contradictions(pinned, release(""), table())
    assert (found.pin, found.wanted, found.found) == ("evaluation.reading.nulls", 'NA, ""', "the default")
    default = policy(f"release: {{evaluation: {{sha256: [{DIGEST}]}}}}\n{CHECKS}")
    spelled = release("data: {evaluation: {path: a.csv, encoding: UTF8, delimiter: ','}}")
    assert contradictions(default, spelled, table()) == ()


@pytest.mark.parametrize(
    ("pin", "stated", "kept"),
    [
        ("none", "", True),
        ("none", ", predictions: {path: p.csv, key: id}", False),
        ("{key: id}", ", predictions: {path: p.csv, key: id}", True),
        ("{key: id}", ", predictions: {path: p.csv, key: other}", False),
        ("{key: id}", "", False),
        ("{key: id, path: p.csv}", ", predictions: {path: p.csv, key: id}", True),
        ("{key: id, path: p.csv}", ", predictions: {path: q.csv, key: id}", False),
    ],
)
def test_predictions_can_be_pinned(
    policy: Callable[[str], Policy], release: Callable[[str], Release], pin: str, stated: str, kept: bool
) -> None:
    """The key, or the file too, or that there is no such file."""
    pinned = policy(f"release: {{evaluation: {{predictions: {pin}}}}}\n{CHECKS}")
    judged = release(f"data: {{evaluation: {{path: a.csv{stated}}}}}")
    assert (contradictions(pinned, judged, table()) == ()) is kept


def test_the_file_of_predictions_stays_the_choice_of_the_author_when_only_its_key_is_pinned(
    policy: Callable[[str], Policy], release: Callable[[str], Release]
) -> None:
    """Predictions differ from release to release; the list says which file it was."""
    pinned = policy("release: {evaluation: {predictions: {key: id}}}\n" + CHECKS)
    judged = release("data: {evaluation: {path: a.csv, predictions: {path: p.csv, key: id}}}")
    assert "data.evaluation.predictions.path = p.csv" in chosen_by_author(pinned, judged)


ROLES = "{label: y, score: p, favourable: 0, weight: w, cluster: c}"


@pytest.mark.parametrize(
    ("pins", "own", "pin"),
    [
        ("{columns: {positive: 0}}", "{positive: null}", "columns.positive"),
        ("{columns: {favourable: 0}}", "{favourable: null}", "columns.favourable"),
        ("{columns: {prediction_positive: 0}}", "{prediction_positive: null}", "columns.prediction_positive"),
        ("{columns: {weight: w}}", "{weight: null}", "columns.weight"),
        ("{columns: {cluster: c}}", "{cluster: null}", "columns.cluster"),
        ("{columns: {prediction: d}}", "{prediction: null}", "columns.prediction"),
        ("{threshold: 0.5}", "{prediction: pr}", "threshold"),
    ],
)
def test_a_judged_table_is_no_way_around_a_pin(
    policy: Callable[[str], Policy], release: Callable[[str], Release], pins: str, own: str, pin: str
) -> None:
    """Null in a role that has a default is a choice of the default, not the lack of the role."""
    given = {"columns.positive": "positive: 0", "columns.prediction_positive": "prediction_positive: 0"}
    more = given.get(pin, "prediction: d" if pin == "columns.prediction" else "time: t")
    judged = release(
        f"columns: {{{more}, {ROLES[1:-1]}}}\n"
        f"data: {{evaluation: {{path: a.csv}}, crisis: {{path: c.csv, columns: {own}}}}}"
    )
    (found,) = contradictions(policy(f"release: {pins}\n{CRISIS}"), judged, None)
    assert (found.pin, "in table 'crisis'" in found.found) == (pin, True)
    assert contradictions(policy(f"release: {pins}\n{CHECKS}"), judged, None) == ()


def test_a_judged_table_without_predictions_has_none_to_pin(
    policy: Callable[[str], Policy], release: Callable[[str], Release]
) -> None:
    """A table of training rows lacks label, score and decisions, and data checks judge it all the same."""
    pinned = policy(
        "release: {columns: {label: y, score: p, prediction: d}}\n"
        "checks: [{check: data/row-count, at_least: 1, table: train}]\n"
    )
    lacking = "{label: null, score: null, prediction: null}"
    judged = release(
        "columns: {label: y, score: p, prediction: d}\n"
        f"data: {{evaluation: {{path: a.csv}}, train: {{path: t.csv, columns: {lacking}}}}}"
    )
    assert contradictions(pinned, judged, None) == ()


def test_roles_of_one_judged_table_are_listed(
    policy: Callable[[str], Policy], release: Callable[[str], Release]
) -> None:
    """What a table overrides is the author's choice, a default by null included."""
    columns = "{favourable: null, weight: null, prediction: pr, label: z}"
    judged = release(
        f"columns: {ROLES}\n"
        f"data: {{evaluation: {{path: a.csv}}, crisis: {{path: c.csv, columns: {columns}}}, "
        "other: {path: o.csv, columns: {label: x}}}"
    )
    listed = chosen_by_author(policy("release: {columns: {label: z}}\n" + CRISIS), judged)
    assert [one for one in listed if ".columns." in one] == [
        "data.crisis.columns.favourable = 1 (by default)",
        "data.crisis.columns.prediction = pr",
        "data.crisis.columns.weight = none",
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


@pytest.mark.parametrize(
    ("champion", "none", "required"),
    [
        (None, True, False),
        ("none", True, False),
        ("{release: ../old/release.yaml}", False, True),
        ("{predictions: {score: old}}", False, True),
        ("{report: old.json}", False, True),
        ("{uri: 'models:/credit@champion'}", False, True),
    ],
)
def test_a_champion_is_forbidden_or_required(
    policy: Callable[[str], Policy],
    release: Callable[[str], Release],
    champion: str | None,
    none: bool,
    required: bool,
) -> None:
    """Required is one that can be compared with; where it is stays the author's choice, and is listed."""
    made = release("columns: {label: y}" if champion is None else f"champion: {champion}")
    for pin, kept in (("none", none), ("required", required)):
        found = contradictions(policy(f"release: {{champion: {pin}}}\n{CHECKS}"), made, table())
        assert [one.pin for one in found] == ([] if kept else ["champion"])
    listed = chosen_by_author(policy(f"release: {{champion: required}}\n{CHECKS}"), made)
    assert any(one.startswith("champion = ") for one in listed)
