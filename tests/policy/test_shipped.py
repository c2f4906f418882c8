"""The policies that come with mlgate, and the schema for editors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mlgate import strict_yaml
from mlgate.catalogue import Check
from mlgate.evidence.release import Release
from mlgate.findings import Severity
from mlgate.policy import applies, lint, load, schema, shipped

FOLDER = Path(__file__).resolve().parents[2] / "policies"
VALIDATOR = jsonschema.Draft202012Validator(schema())


def written(name: str) -> Any:
    """Return a shipped policy as plain data."""
    return strict_yaml.read(FOLDER / f"{name}.yaml").data


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_policy_is_called_as_its_file_and_has_a_version(name: str) -> None:
    """`extends: [name@1]` finds what it names."""
    data = written(name)
    assert data["policy"] == name
    assert data["version"] >= 1
    assert data["title"]


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_policy_says_why_each_limit_is_where_it_is(checks: Mapping[str, Check], name: str) -> None:
    """A limit without a reason would be obeyed as if it had one."""
    assert all(use.because for use in load([name], checks).uses)


def test_the_baseline_has_nothing_that_its_own_lint_objects_to(checks: Mapping[str, Check]) -> None:
    """What ships is what we advise."""
    assert lint(load(["baseline"], checks)) == ()


def test_the_smallest_release_is_asked_by_the_baseline_only_what_it_can_answer(
    checks: Mapping[str, Check], release: Callable[[str], Release]
) -> None:
    """Label, score and a protected column are enough for everything that can block."""
    found, small = load(["baseline"], checks), release("columns: {label: y, score: p, protected: [sex]}")
    asked = [use for use in found.uses if applies(use, found, small) is None]
    required = [use for use in asked if use.severity is Severity.BLOCK]
    assert [use.id for use in required] == ["better-than-chance", "data/row-count"]
    assert {"label", "score", "prediction", "protected"} >= {
        need for use in required for need in use.check.needs
    }
    assert [use.check.family for use in asked].count("fairness") == 2
    assert found.can_block


def test_the_baseline_never_blocks_by_fairness_or_documents(checks: Mapping[str, Check]) -> None:
    """Which gap is acceptable is for the owner of the policy to say."""
    families = {use.check.family for use in load(["baseline"], checks).uses if use.severity is Severity.BLOCK}
    assert families == {"performance", "data"}


def test_a_baseline_key_is_only_asked_for_where_one_is_declared(
    checks: Mapping[str, Check], release: Callable[[str], Release]
) -> None:
    """A release without a key is not held to one; whether it is better than chance is asked of every one."""
    found = load(["baseline"], checks)
    bare = release("columns: {label: y, prediction: d}")
    full = release("columns: {label: y, score: p, key: id}")
    assert applies(found.use("data/unique-key"), found, bare)
    assert not applies(found.use("data/unique-key"), found, full)
    assert not applies(found.use("better-than-chance"), found, bare)


def test_a_limit_of_ones_own_stands_beside_that_of_the_baseline(
    checks: Mapping[str, Check], tmp_path: Path
) -> None:
    """The condition of the baseline's floor is not inherited by the check that people add."""
    path = tmp_path / "policy.yaml"
    path.write_text(
        "mlgate: 1\npolicy: credit-release\nextends: [baseline]\nchecks:\n"
        "  - check: performance/roc-auc\n    at_least: 0.78\n    because: Or people do better.\n"
    )
    found = load([path], checks)
    use = found.use("performance/roc-auc")
    assert (use.limit.value, use.when.declares, use.severity) == (0.78, None, Severity.BLOCK)
    assert found.use("better-than-chance").limit.value == 0.5
    assert [one.path for one in found.sources] == ["mlgate:policies/baseline.yaml", "policy.yaml"]


def test_the_screen_is_the_baseline_on_point_estimates(checks: Mapping[str, Check]) -> None:
    """It asks the same, compares estimates alone, and says that it is a screen."""
    screen, baseline = load(["screen"], checks), load(["baseline"], checks)
    assert screen.screen
    assert not baseline.screen
    assert [(use.id, use.limit, use.severity) for use in screen.uses] == [
        (use.id, use.limit, use.severity) for use in baseline.uses
    ]
    assert {(use.rule.decision, use.rule.guard) for use in screen.uses} == {("point", 0.0)}


def test_the_committed_schema_is_the_generated_one() -> None:
    """The schema for editors cannot drift from what is accepted."""
    assert json.loads((FOLDER / "policy.schema.json").read_text("utf-8")) == schema()


@pytest.mark.parametrize("name", shipped())
def test_the_schema_accepts_what_ships(name: str) -> None:
    """An editor shows no error in a policy that loads."""
    VALIDATOR.check_schema(schema())
    VALIDATOR.validate(written(name))


@pytest.mark.parametrize(
    "more",
    [
        {"checkz": []},
        {"confidence": None},
        {"confidence": 2},
        {"confidence": "0.9"},
        {"mlgate": 2},
        {"waivers": ["w.yaml"]},
        {"release": {"champion": "registry"}},
        {"checks": [{"check": "a/b", "at_least": None}]},
        {"checks": [{"check": "a/b", "except": [{"at_least": 0.5}]}]},
        {"checks": [{"check": "a/b", "groups": [1]}]},
        {"release": {"columns": {"protected": "sex"}}},
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(more: dict[str, Any]) -> None:
    """Null, unknown keys and wrong types are marked while they are written."""
    assert not VALIDATOR.is_valid({"mlgate": 1, "policy": "mine", **more})
    assert VALIDATOR.is_valid({"mlgate": 1, "policy": "mine"})


def test_every_key_of_a_policy_is_described() -> None:
    """Editors show what a key means."""
    made = schema()
    for block in (made, made["$defs"]["UseEntry"], made["$defs"]["Pins"]):
        assert all(one.get("description") for one in block["properties"].values())
