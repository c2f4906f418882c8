"""What holds for any policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlgate import strict_yaml
from mlgate.catalogue import Check
from mlgate.errors import ContentError
from mlgate.policy import Policy, PolicyFile, lint, load
from mlgate.policy.layers import Layer, layer_of
from tests.conftest import few

quick = settings(
    max_examples=few(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NUMBERS = st.sampled_from([-1, 0, 0.1, 0.5, 0.7, 1, 1.5, 10**300, -0.0])
NAMES = (
    "performance/roc-auc",
    "performance/log-loss",
    "fairness/demographic-parity-difference",
    "data/row-count",
)
ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "check": st.sampled_from([*NAMES, "performance/rocauc"]) | ANYTHING,
        "id": st.sampled_from([*NAMES, "a", "b"]),
        "off": st.just("gone") | ANYTHING,
        "at_least": NUMBERS | ANYTHING,
        "at_most": NUMBERS,
        "between": st.lists(NUMBERS, max_size=3),
        "equals": NUMBERS,
        "holds": st.booleans(),
        "warn": st.fixed_dictionaries({}, optional={"at_least": NUMBERS, "at_most": NUMBERS}) | ANYTHING,
        "guard": NUMBERS,
        "confidence": NUMBERS,
        "severity": st.sampled_from(["block", "warn", "info", "stop"]),
        "decision": st.sampled_from(["point", "guard", "bound"]),
        "groups": st.lists(
            st.sampled_from(["sex", ["sex", "race"], {"age": [1, 2]}, {"age": [2, 1]}]) | ANYTHING, max_size=3
        ),
        "slices": st.lists(st.sampled_from(["sex", ["sex", {"age": [1]}]]) | ANYTHING, max_size=2),
        "when": st.fixed_dictionaries(
            {}, optional={"risk": st.just(["high"]) | ANYTHING, "declares": ANYTHING}
        ),
        "params": ANYTHING,
        "except": ANYTHING,
        "because": ANYTHING,
    },
)
POLICIES = st.fixed_dictionaries(
    {},
    optional={
        "extends": st.lists(
            st.sampled_from(["baseline", "baseline@1", "baseline@2", "policy.yaml", "../x.yaml", ""])
        )
        | ANYTHING,
        "release": st.fixed_dictionaries(
            {},
            optional={
                "task": st.sampled_from(["binary", "other"]),
                "risk": st.sampled_from(["high", {"at_least": "high"}, {}]) | ANYTHING,
                "columns": st.dictionaries(
                    st.sampled_from(["label", "positive", "protected", "score"]), ANYTHING
                ),
                "evaluation": ANYTHING,
                "champion": st.sampled_from(["none", "required", "registry"]),
            },
        )
        | ANYTHING,
        "confidence": NUMBERS | ANYTHING,
        "min_group": NUMBERS,
        "origin": st.dictionaries(
            st.sampled_from(["data", "performance", "x"]), st.sampled_from(["computed", "y"])
        )
        | ANYTHING,
        "not_applicable": ANYTHING,
        "checks": st.lists(ENTRIES, max_size=3) | ANYTHING,
        "approvals": ANYTHING,
    },
)


def file_of(path: Path, data: Any) -> Path:
    """Write data as YAML (JSON is YAML) and return the path."""
    path.write_text(json.dumps(data))
    return path


def outcome(path: Path, checks: Mapping[str, Check]) -> Policy | ContentError:
    """Return the policy, or the error with which it is refused; anything else is raised."""
    try:
        return load([path], checks)
    except ContentError as error:
        return error


@given(more=POLICIES | ANYTHING)
@quick
def test_any_mapping_gives_a_policy_or_a_content_error(
    more: Any, tmp_path: Path, checks: Mapping[str, Check]
) -> None:
    """Whatever is written, nothing else comes out: no traceback, no half-read policy."""
    data = {"mlgate": 1, "policy": "mine", **more} if isinstance(more, dict) else more
    found = outcome(file_of(tmp_path / "policy.yaml", data), checks)
    if isinstance(found, ContentError):
        assert all(one.where and one.what and one.todo for one in found.problems)
    else:
        assert found.uses
        assert json.dumps(found.resolved, allow_nan=False)
        assert isinstance(lint(found), tuple)


LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "at_least": st.sampled_from([0.5, 0.7]),
        "guard": st.sampled_from([0.01, 0.02]),
        "severity": st.sampled_from(["block", "warn"]),
        "because": st.sampled_from(["one", "two"]),
        "slices": st.sampled_from([["sex"], ["age", "sex"], []]),
    },
)
OFF = st.just({"off": "gone"})
LAYERS = st.fixed_dictionaries(
    {},
    optional={
        "confidence": st.sampled_from([0.9, 0.95]),
        "release": st.fixed_dictionaries({}, optional={"threshold": st.sampled_from([0.4, 0.5])}),
        "origin": st.dictionaries(st.sampled_from(["data", "performance"]), st.just("computed"), max_size=2),
        "uses": st.dictionaries(st.sampled_from(["performance/roc-auc", "performance/recall"]), LIMITS | OFF),
    },
)


def layer(content: dict[str, Any], name: str) -> Layer:
    """Return the layer of a file with this content."""
    checks = [{"check": check, **keys} for check, keys in content.get("uses", {}).items()]
    data = {
        "mlgate": 1,
        "policy": name,
        "checks": checks,
        **{k: v for k, v in content.items() if k != "uses"},
    }
    document = strict_yaml.parse(json.dumps(data).encode(), name)
    return layer_of(document, strict_yaml.build(document, PolicyFile))


@given(first=LAYERS, second=LAYERS, third=LAYERS)
@quick
def test_merging_is_associative(first: dict[str, Any], second: dict[str, Any], third: dict[str, Any]) -> None:
    """It does not matter which neighbours are merged first, nor in which order uses come out."""
    a, b, c = layer(first, "a"), layer(second, "b"), layer(third, "c")
    assert ((a + b) + c).statements == (a + (b + c)).statements
    assert ((a + b) + c).uses() == (a + (b + c)).uses()


@given(content=LAYERS, data=st.data())
@quick
def test_the_digest_is_that_of_what_is_asked(
    content: dict[str, Any], data: st.DataObject, tmp_path: Path, checks: Mapping[str, Check]
) -> None:
    """Loading twice, shuffling keys, and the order of checks change no digest."""
    uses = [{"check": "data/row-count", "at_least": 5, "because": "five"}]
    uses += [
        {"check": name, "at_least": 0.6, **keys}
        for name, keys in content.pop("uses", {}).items()
        if "off" not in keys
    ]
    plain = {"mlgate": 1, "policy": "mine", "checks": uses, **content}
    shuffled = {key: plain[key] for key in data.draw(st.permutations(sorted(plain)))}
    shuffled["checks"] = [
        {key: use[key] for key in data.draw(st.permutations(sorted(use)))}
        for use in data.draw(st.permutations(uses))
    ]
    path = file_of(tmp_path / "policy.yaml", plain)
    first, again = load([path], checks), load([path], checks)
    other = load([file_of(tmp_path / "shuffled.yaml", shuffled)], checks)
    assert first.digest == again.digest == other.digest
    assert first.resolved == again.resolved


@pytest.mark.parametrize(
    "change",
    [
        {"at_least": 0.71},
        {"at_least": 0.7, "guard": 0.019},
        {"at_least": 0.7, "severity": "warn"},
        {"at_least": 0.7, "table": "other"},
        {"at_least": 0.7, "slices": ["sex"]},
        {"at_least": 0.7, "decision": "bound"},
        {"at_least": 0.7, "when": {"risk": ["high"]}},
        {"between": [0.7, 1]},
    ],
)
def test_whatever_decides_is_in_the_digest(
    change: dict[str, Any], tmp_path: Path, checks: Mapping[str, Check]
) -> None:
    """Two policies of one digest ask for the same."""
    digests = {
        load(
            [
                file_of(
                    tmp_path / "p.yaml",
                    {"mlgate": 1, "policy": "p", "checks": [{"check": "performance/roc-auc", **keys}]},
                )
            ],
            checks,
        ).digest
        for keys in ({"at_least": 0.7}, change)
    }
    assert len(digests) == 2


def test_equal_numbers_make_equal_digests(tmp_path: Path, checks: Mapping[str, Check]) -> None:
    """1 and 1.0 ask for the same."""
    digests = {
        load(
            [
                file_of(
                    tmp_path / "p.yaml",
                    {"mlgate": 1, "policy": "p", "checks": [{"check": "data/row-count", "at_least": n}]},
                )
            ],
            checks,
        ).digest
        for n in (1, 1.0)
    }
    assert len(digests) == 1
