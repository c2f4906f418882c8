"""An endpoint judged by the whole gate: its scores count, its hosts are held to the policy, it has no digest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import mlgate

ROWS = "k,x,y\n" + "".join(f"{k},{k / 40},{int(k > 19)}\n" for k in range(40))


@pytest.fixture
def judged(serve: Callable, tmp_path: Path) -> Callable[..., Any]:
    """Judge a release whose model is a plain JSON route."""

    def run(
        route: Callable, *, trust: dict[str, Any] | None = None, features: list[str] | None = None
    ) -> Any:
        server = serve(route)
        release = {
            "mlgate": 1, "name": "served", "version": "1", "task": "binary", "risk": "minimal",
            "intended_use": "Shows that an endpoint is judged", "owners": ["tests@example.org"],
            "model": {"uri": f"{server.url}/score", "protocol": "json"},
            "data": {"evaluation": {"path": "rows.csv"}},
            "columns": {"label": "y", "key": "k", "features": features or ["x"]},
        }  # fmt: skip
        policy = {
            "mlgate": 1,
            "policy": "served",
            "title": "An endpoint that ranks",
            "decision": "point",
            "trust": trust or {},
            "checks": [{"check": "performance/roc-auc", "at_least": 0.9, "because": "it ranks"}],
        }
        (tmp_path / "rows.csv").write_text(ROWS, encoding="utf-8")
        (tmp_path / "release.yaml").write_text(yaml.safe_dump(release), encoding="utf-8")
        (tmp_path / "policy.yaml").write_text(yaml.safe_dump(policy), encoding="utf-8")
        report = mlgate.run(tmp_path / "release.yaml", tmp_path / "policy.yaml")
        found = [one for one in report.findings if one.check == "performance/roc-auc"]
        return report, found[0] if found else None, server

    return run


def scored(method: str, _: str, body: Any) -> tuple[int, Any]:
    """Answer x itself; say nothing of itself."""
    return (404, {}) if method == "GET" else (200, {"scores": [row[0] for row in body["rows"]]})


def test_an_endpoint_is_judged_by_what_it_answers(judged: Callable) -> None:
    """It is given the features alone, and the report names it without a digest."""
    report, finding, server = judged(scored)
    assert (finding.outcome, finding.value) == (mlgate.Outcome.PASS, 1.0)
    assert {tuple(body["columns"]) for method, *_, body in server.asked if method == "POST"} == {("x",)}
    record = next(one for one in report.evidence if one.kind == "model")
    assert (record.location, record.sha256) == (f"{server.url}/score", None)


def test_an_endpoint_that_answers_nonsense_is_not_measured(judged: Callable) -> None:
    """The gate lives on and says what it answered."""
    _, finding, _ = judged(lambda method, *_: (404, {}) if method == "GET" else (200, {"scores": [0.5]}))
    assert finding.outcome is mlgate.Outcome.NOT_MEASURED
    assert "answers for 1" in str(finding.reason)


def test_a_host_that_the_policy_does_not_name_is_never_asked(judged: Callable) -> None:
    """Nothing is judged, and nothing was sent."""
    report, _, server = judged(scored, trust={"hosts": ["models.example.org"]})
    assert report.verdict is None
    assert "which the policy does not allow (trust.hosts: 'models.example.org')" in str(report.errors[0])
    assert server.asked == []


def test_a_feature_that_the_endpoint_knows_and_the_table_does_not_is_an_error(judged: Callable) -> None:
    """It says its features, and they are not those of the release."""

    def route(method: str, *_: Any) -> tuple[int, Any]:
        return 200, {"features": ["x", "age"]} if method == "GET" else {}

    report, _, _ = judged(route)
    assert report.verdict is None
    assert "'age'" in str(report.errors[0])
