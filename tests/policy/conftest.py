"""What the tests of policies share: a catalogue, and policies and releases written as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mlgate import catalogue, strict_yaml
from mlgate.catalogue import Check
from mlgate.errors import ContentError
from mlgate.evidence.release import Release
from mlgate.policy import Policy, load

OWN_CHECK = """\
id: own/{name}
title: {title}
since: "1"
lifecycle: {lifecycle}
measure: {measure}
params: {{}}
tasks: [binary]
needs: [label, {need}]
kind: estimate
better: {better}
unit: "1"
severity: block
why: Because a test asks.
fix: {{effort: low, text: Nothing}}
maps_to: []
sources: [this test]
"""
OWN = (
    ("preview", "preview", "performance.roc_auc", "score", "higher"),
    ("deprecated", "deprecated", "performance.roc_auc", "score", "higher"),
    ("bare", "stable", "performance.accuracy", "prediction", "higher"),
    ("target", "stable", "performance.calibration_slope", "score", "target"),
)


@pytest.fixture(scope="session")
def checks(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Check]:
    """Return the shipped catalogue and four checks without limit and guard."""
    folder = tmp_path_factory.mktemp("checks")
    (folder / "own").mkdir()
    for name, lifecycle, measure, need, better in OWN:
        text = OWN_CHECK.format(
            name=name, title=name, lifecycle=lifecycle, measure=measure, need=need, better=better
        )
        (folder / "own" / f"{name}.yaml").write_text(text)
    return catalogue.load([folder])


@pytest.fixture
def policy(tmp_path: Path, checks: Mapping[str, Check]) -> Callable[[str], Policy]:
    """Return a function that loads a policy from the text below `mlgate: 1` and `policy: mine`."""

    def loaded(body: str) -> Policy:
        path = tmp_path / "policy.yaml"
        path.write_text(f"mlgate: 1\npolicy: mine\n{body}")
        return load([path], checks)

    return loaded


@pytest.fixture
def refused(policy: Callable[[str], Policy], tmp_path: Path) -> Callable[[str], str]:
    """Return a function that gives the message with which a policy is refused, without the folder."""

    def message(body: str) -> str:
        with pytest.raises(ContentError) as error:
            policy(body)
        return str(error.value).replace(f"{tmp_path}/", "")

    return message


@pytest.fixture
def release() -> Callable[[str], Release]:
    """Return a function that builds a release from flow YAML over the smallest one."""

    def built(more: str = "columns: {label: defaulted, score: p, protected: [sex]}") -> Release:
        lines = ["mlgate: 1", "name: credit", 'version: "1"']
        if "task:" not in more:
            lines.append("task: binary")
        if "data:" not in more:
            lines.append("data: {evaluation: {path: data/test.csv}}")
        return Release.of(strict_yaml.parse("\n".join([*lines, more]).encode(), "release.yaml"))

    return built
