"""What a policy may say of metrics and margins, and what it is told where it may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlgate import catalogue, policy
from mlgate.errors import ContentError
from mlgate.limits import Limit, Op
from mlgate.measures.metrics import Metric
from mlgate.policy import Policy


def load(folder: Path, *lines: str, first: str = "") -> Policy:
    """Load a policy with one use, whose keys are these lines."""
    text = "mlgate: 1\npolicy: p\ntitle: t\nversion: 1\nchecks:\n" + "\n".join(f"    {one}" for one in lines)
    text = text.replace("    check:", "  - check:", 1)
    (folder / "policy.yaml").write_text(f"{first}{text}\n", encoding="utf-8")
    return policy.load([str(folder / "policy.yaml")], catalogue.load())


def refused(folder: Path, *lines: str) -> str:
    """Return the message of a policy that is refused."""
    with pytest.raises(ContentError) as error:
        load(folder, *lines)
    return str(error.value)


@pytest.mark.parametrize(
    ("check", "margin", "limit"),
    [
        ("non-inferior", "0.02", Limit(Op.AT_LEAST, -0.02)),
        ("non-inferior", "'2%'", Limit(Op.AT_LEAST, -0.02)),
        ("non-inferior", "2 %", Limit(Op.AT_LEAST, -0.02)),
        ("superior", "0", Limit(Op.AT_LEAST, 0.0)),
        ("superior", "0.5%", Limit(Op.AT_LEAST, 0.005)),
        ("equivalent", "1", Limit(Op.BETWEEN, (-1.0, 1.0))),
        ("slice-regression", "0.1", Limit(Op.AT_LEAST, -0.1)),
    ],
)
def test_the_margin_makes_the_limit(tmp_path: Path, check: str, margin: str, limit: Limit) -> None:
    """And is all the room that there is: no guard comes on top."""
    found = load(tmp_path, f"check: compare/{check}", f"params: {{metric: accuracy, margin: {margin}}}")
    (use,) = found.uses
    assert use.limit.op is limit.op
    assert use.limit.value == pytest.approx(limit.value)
    assert use.rule.guard == 0.0
    assert use.rule.decision == "bound"


def test_superior_needs_no_margin(tmp_path: Path) -> None:
    """Better is better."""
    (use,) = load(tmp_path, "check: compare/superior", "params: {metric: accuracy}").uses
    assert use.limit == Limit(Op.AT_LEAST, 0.0)


@pytest.mark.parametrize("check", ["non-inferior", "equivalent", "slice-regression"])
@pytest.mark.parametrize(
    ("margin", "told"),
    [
        ("0", "could never be shown"),
        ("0%", "could never be shown"),
        ("-0.1", "a margin of -0.1 is none"),
        ("-2%", "is no margin"),
        ("some", "is no margin"),
        (".nan", "is no number"),
        (".inf", "is no number"),
        ("true", "is due"),
        ("[1]", "is due"),
        ("1e400%", "is no margin"),
        ("٢%", "is no margin"),
    ],
)
def test_a_margin_that_is_none_is_refused(tmp_path: Path, check: str, margin: str, told: str) -> None:
    """With file and line, and before anything is judged."""
    message = refused(tmp_path, f"check: compare/{check}", f"params: {{metric: accuracy, margin: {margin}}}")
    assert told in message
    assert "policy.yaml:7" in message


def test_a_margin_that_is_missing_is_asked_for(tmp_path: Path) -> None:
    """Whoever says nothing has not said how much may be lost."""
    message = refused(tmp_path, "check: compare/non-inferior", "params: {metric: accuracy}")
    assert "needs a margin" in message


@pytest.mark.parametrize("key", ["at_least: 0", "between: [-1, 1]", "guard: 0.1"])
def test_nothing_stands_beside_the_margin(tmp_path: Path, key: str) -> None:
    """A limit or a guard of the policy's own would say another thing than the margin."""
    lines = ("check: compare/non-inferior", "params: {metric: accuracy, margin: 0.1}", key)
    message = refused(tmp_path, *lines)
    assert "has no place here: the margin of compare/non-inferior is its limit" in message
    assert "policy.yaml:8" in message


@pytest.mark.parametrize(
    ("metric", "told"),
    [
        ("acuracy", "did you mean 'accuracy'?"),
        ("performance/acuracy", "did you mean 'performance/accuracy'?"),
        ("data/missing", "it is not about performance"),
        ("overfit", "it is about another metric itself"),
        ("max-error", "it is a fact"),
        ("{check: f1, params: {avrage: macro}}", "did you mean 'average'?"),
        ("{check: f1, params: {average: mean}}", "'mean' is not one of"),
        ("{check: expected-cost}", "needs the parameter 'fp_cost'"),
        ("{chck: f1}", "did you mean 'check'?"),
        ("3", "is due"),
    ],
)
def test_a_metric_that_is_none_is_refused(tmp_path: Path, metric: str, told: str) -> None:
    """With what was meant, and the line."""
    message = refused(tmp_path, "check: compare/superior", f"params: {{metric: {metric}}}")
    assert told in message
    assert "policy.yaml:7" in message


def test_metrics_are_shown_in_full(tmp_path: Path) -> None:
    """Whatever way they were written, and their check is part of the policy's digest."""
    shown: list[Any] = []
    for one in ("f1", "performance/f1", "{check: performance/f1}"):
        found = load(tmp_path, "check: compare/superior", f"params: {{metric: {one}}}")
        metric = found.uses[0].params["metric"]
        assert isinstance(metric, Metric)
        assert metric.params == {"average": None}
        shown.append(found.resolved["checks"]["compare/superior"]["params"]["metric"])
    check = catalogue.load()["performance/f1"]
    assert shown == [{"check": check.id, "check_digest": check.digest, "params": {"average": None}}] * 3
    other = load(
        tmp_path, "check: compare/superior", "params: {metric: {check: f1, params: {average: macro}}}"
    )
    assert other.digest != found.digest


def test_a_larger_margin_is_weaker_and_a_smaller_one_is_not(tmp_path: Path) -> None:
    """Than that of the policy which is extended."""
    base = "mlgate: 1\npolicy: b\ntitle: t\nversion: 1\nchecks:\n  - check: compare/non-inferior\n"
    (tmp_path / "base.yaml").write_text(
        f"{base}    params: {{metric: accuracy, margin: 0.02}}\n", encoding="utf-8"
    )
    for margin, weaker in (("0.05", True), ("0.01", False), ("'1%'", True)):
        text = "mlgate: 1\npolicy: p\nextends: [./base.yaml]\nchecks:\n  - id: compare/non-inferior\n"
        path = tmp_path / "policy.yaml"
        path.write_text(f"{text}    params: {{margin: {margin}}}\n", encoding="utf-8")
        found = policy.load([str(path)], catalogue.load())
        assert bool(found.weakened) is weaker, found.weakened
