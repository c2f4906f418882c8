"""Four reports by hand: one that meets its policy, one that does not, one undecided, one of nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest

from mlgate.errors import Problem
from mlgate.findings import (
    ChartRecord,
    EnvironmentRecord,
    EvidenceRecord,
    Finding,
    FixRecord,
    GroupRecord,
    Leans,
    LimitRecord,
    MeasureRecord,
    OnInconclusive,
    Origin,
    Outcome,
    PolicyRecord,
    ReleaseRecord,
    Report,
    Severity,
    SourceFile,
    SourceRecord,
    ToolRecord,
    Verdict,
    totals_of,
    verdict_of,
)

HEX = "0123456789abcdef"


def digest(seed: int) -> str:
    """Return something that looks like a sha256 and is the same every time."""
    return "".join(HEX[(seed * 7 + index * index) % 16] for index in range(64))


def limit(op: str, value: Any, guard: float = 0.02, decided_on: str = "guard") -> LimitRecord:
    """Return a limit as the gate records it."""
    return LimitRecord(op=op, value=value, guard=guard, decided_on=decided_on)


def finding(check: str, title: str, outcome: Outcome, **changes: Any) -> Finding:
    """Return a finding with the usual facts filled in."""
    family, name = check.split("/")
    usual: dict[str, Any] = {
        "id": check,
        "check_digest": f"sha256:{digest(len(check))}",
        "measure": MeasureRecord(id=f"{family}.{name.replace('-', '_')}", package="mlgate", version="1"),
        "family": family,
        "kind": "estimate",
        "severity": Severity.BLOCK,
        "on_inconclusive": OnInconclusive.LEAN,
        "table": "evaluation",
        "why": "A gate that does not look at this lets through what people will be hurt by.",
        "fix": FixRecord(effort="medium", text="Look at the rows that are wrong, group by group."),
        "seconds": 0.0123,
    }
    if changes.get("interval"):
        usual |= {"confidence": 0.95, "method": "wilson"}
    return Finding(check=check, title=title, outcome=outcome, **(usual | changes))


AUC = finding(
    "performance/roc-auc",
    "The model ranks positives above negatives",
    Outcome.PASS,
    value=0.823678861789,
    interval=(0.7912, 0.8514),
    method="delong",
    n=1204,
    limit=limit("at_least", 0.78),
    because="Below this, manual review beats the model (memo 2026-03).",
    charts=(
        ChartRecord(
            kind="roc",
            title="ROC curve",
            data={
                "false_positive_rate": (0.0, 0.05, 0.12, 0.3, 0.55, 1.0),
                "true_positive_rate": (0.0, 0.38, 0.6, 0.84, 0.95, 1.0),
            },
        ),
        ChartRecord(
            kind="reliability",
            title="Stated and observed frequency",
            data={"mean_score": (0.05, 0.2, 0.45, 0.7, 0.9), "observed": (0.07, 0.18, 0.5, 0.66, 0.93)},
        ),
    ),
)

RECALL = finding(
    "performance/recall",
    "Most positives are found",
    Outcome.PASS,
    value=0.801,
    interval=(0.768, 0.831),
    n=512,
    limit=limit("at_least", 0.78),
    warn=limit("at_least", 0.85),
    warned=True,
    params={"threshold": 0.5, "average": "binary"},
)

ROWS = finding(
    "data/row-count",
    "The table has enough rows",
    Outcome.PASS,
    kind="fact",
    value=1204.0,
    unit="rows",
    n=1204,
    limit=limit("at_least", 500, 0.0, "fact"),
)

CARD = finding(
    "documentation/model-card",
    "A model card describes the model",
    Outcome.PASS,
    kind="fact",
    value=1.0,
    n=0,
    limit=limit("holds", True, 0.0, "fact"),
    severity=Severity.WARN,
)


def group(
    name: Mapping[str, str], n: int, k: int, d: int, span: tuple[float, float], **more: Any
) -> GroupRecord:
    """Return a row of a group table."""
    return GroupRecord(
        group=name, n=n, numerator=k, denominator=d, value=k / d, interval=span, method="wilson", **more
    )


PARITY = finding(
    "fairness/demographic-parity-difference",
    "Groups are selected at the same rate",
    Outcome.PASS,
    value=0.061,
    value_all=0.118,
    interval=(0.012, 0.109),
    method="newcombe",
    n=1204,
    judged_share=0.982,
    limit=limit("at_most", 0.1),
    by=("sex",),
    decides="female - male",
    groups=(
        group({"sex": "female"}, 588, 243, 588, (0.3801, 0.4469), rate="selection_rate"),
        group({"sex": "male"}, 594, 282, 594, (0.4412, 0.5084), rate="selection_rate"),
        group(
            {"sex": "unknown"},
            22,
            8,
            22,
            (0.2147, 0.5424),
            rate="selection_rate",
            judged=False,
            reason="22 rows are fewer than min_group 30",
        ),
    ),
    params={"min_group": 30},
)

AUC_LOW = finding(
    "performance/roc-auc",
    "The model ranks positives above negatives",
    Outcome.FAIL,
    value=0.7194,
    interval=(0.6871, 0.7498),
    method="delong",
    n=1204,
    limit=limit("at_least", 0.78),
    because="Below this, manual review beats the model (memo 2026-03).",
    charts=AUC.charts,
    fix=FixRecord(effort="high", text="Add features that tell wrongly ranked rows apart, or retrain."),
)

SLICE = finding(
    "performance/recall",
    "Most positives are found",
    Outcome.INCONCLUSIVE,
    id="recall-by-region[region=north]",
    slice={"region": "north"},
    leans=Leans.OUTSIDE,
    value=0.76,
    interval=(0.7012, 0.8093),
    n=300,
    needed_n=1400,
    limit=limit("at_least", 0.78, 0.0, "bound"),
    because="Thin data until the third quarter.",
)

ODDS = finding(
    "fairness/equalized-odds-difference",
    "Errors are made at the same rate in every group",
    Outcome.FAIL,
    value=0.2139250,
    value_all=0.3786544,
    interval=(0.1820532, 0.2450233),
    method="newcombe",
    n=5278,
    judged_share=0.9523,
    limit=limit("at_most", 0.1),
    by=("race",),
    decides="false-positive rate: African-American - Caucasian",
    groups=(
        group({"race": "African-American"}, 3696, 805, 1795, (0.4291, 0.4680), rate="false_positive_rate"),
        group({"race": "Caucasian"}, 2454, 349, 1488, (0.2169, 0.2531), rate="false_positive_rate"),
        group({"race": "Hispanic"}, 637, 87, 405, (0.1832, 0.2504), rate="false_positive_rate"),
        group({"race": "African-American"}, 3696, 1369, 1901, (0.7029, 0.7368), rate="true_positive_rate"),
        group({"race": "Caucasian"}, 2454, 505, 966, (0.4963, 0.5491), rate="true_positive_rate"),
        group({"race": "Hispanic"}, 637, 103, 232, (0.3913, 0.4980), rate="true_positive_rate"),
        group(
            {"race": "Native American"},
            18,
            3,
            8,
            (0.1584, 0.6563),
            rate="false_positive_rate",
            judged=False,
            reason="8 negatives are fewer than min_group 30",
        ),
    ),
)

WORST = finding(
    "fairness/worst-group",
    "The model is right often enough in every group",
    Outcome.INCONCLUSIVE,
    leans=Leans.INSIDE,
    value=0.71,
    interval=(0.668, 0.748),
    n=1204,
    needed_n=2600,
    limit=limit("at_least", 0.7, 0.02),
    by=("sex", "age_group"),
    decides="female, < 30",
    groups=tuple(
        group(
            {"sex": sex, "age_group": age},
            n,
            k,
            n,
            (k / n - 0.06, k / n + 0.05),
            outcome=outcome,
        )
        for sex, age, n, k, outcome in (
            ("female", "< 30", 402, 285, Outcome.INCONCLUSIVE),
            ("female", ">= 30", 186, 149, Outcome.PASS),
            ("male", "< 30", 260, 213, Outcome.PASS),
            ("male", ">= 30", 334, 267, Outcome.PASS),
        )
    ),
)

DRIFT = finding(
    "drift/univariate",
    "No feature has drifted far",
    Outcome.NOT_MEASURED,
    reason="table 'train' is not in the release",
    limit=limit("at_most", 0.25, 0.0),
    table="evaluation",
    severity=Severity.WARN,
)

UNSCORED = finding(
    "performance/log-loss",
    "Stated probabilities are honest",
    Outcome.NOT_MEASURED,
    reason="score 'p': 7214 of 7214 values lie outside [0, 1] (not a probability); min 1, max 10",
    limit=limit("at_most", 0.5),
    n=7214,
)

FLIP = finding(
    "fairness/counterfactual-flip",
    "Changing only the attribute changes no decision",
    Outcome.NOT_APPLICABLE,
    reason="the policy says: tables of predictions only",
    limit=limit("at_most", 0.0),
)

MISSING = finding(
    "data/missing",
    "Few values are missing",
    Outcome.WAIVED,
    kind="fact",
    value=0.0713,
    n=1204,
    limit=limit("at_most", 0.05, 0.0, "fact"),
    waiver="W-2026-014",
    severity=Severity.BLOCK,
    groups=tuple(
        GroupRecord(
            group={"column": f"feature_{index:02}"},
            n=1204,
            value=index / 500,
            numerator=index * 2,
            denominator=1204,
        )
        for index in range(36)
    ),
)


def report(*findings: Finding, **changes: Any) -> Report:
    """Return a report of these findings, with the verdict that follows from them."""
    verdict = verdict_of(findings)
    usual: dict[str, Any] = {
        "id": f"sha256:{digest(1)}",
        "tool": ToolRecord(version="0.1.0", digest=f"sha256:{digest(2)}"),
        "as_of": "2026-11-21T10:00:00Z",
        "started_at": "2026-11-21T10:00:00Z",
        "finished_at": "2026-11-21T10:00:03Z",
        "verdict": verdict,
        "promotable": verdict is Verdict.APPROVED,
        "release": ReleaseRecord(
            name="credit-default",
            version="2.3.0",
            task="binary",
            risk="high",
            intended_use="Rank loan applications for manual review",
            digest=f"sha256:{digest(3)}",
            chosen_by_author=(
                "columns.score = p_default",
                "threshold = 0.5",
                "data.evaluation = data/test.csv",
            ),
        ),
        "policy": PolicyRecord(
            id="credit-release",
            title="Credit models going to production",
            digest=f"sha256:{digest(4)}",
            sources=(
                SourceFile(path="policy.yaml", sha256=digest(5)),
                SourceFile(path="policies/baseline.yaml", sha256=digest(6)),
            ),
            decision="guard",
            confidence=0.95,
        ),
        "evidence": (
            EvidenceRecord(
                name="evaluation",
                kind="table",
                location="data/test.csv",
                sha256=digest(7),
                rows=1204,
                columns=18,
                bytes=254_331,
                origin=Origin.DECLARED,
            ),
            EvidenceRecord(
                name="model_card",
                kind="document",
                location="MODEL_CARD.md",
                sha256=digest(8),
                rows=None,
                columns=None,
                bytes=4120,
                origin=Origin.DECLARED,
            ),
        ),
        "source": SourceRecord(
            repository="https://example.org/risk/credit",
            commit=digest(9)[:40],
            dirty=False,
            ref="refs/heads/main",
            run_url="https://example.org/risk/credit/actions/runs/1",
            actor="release-bot",
        ),
        "environment": EnvironmentRecord(
            python="3.11.7",
            platform="linux-x86_64",
            packages_digest=f"sha256:{digest(10)}",
            packages=("duckdb==2.0.0", "numpy==2.4.6", "scikit-learn==1.9.1"),
        ),
        "findings": findings,
        "totals": totals_of(findings),
    }
    return Report(**(usual | changes))


@pytest.fixture
def approved() -> Report:
    """A release that meets its policy."""
    return report(AUC, RECALL, PARITY, ROWS, CARD, FLIP)


@pytest.fixture
def blocked() -> Report:
    """A release that fails, with every outcome that there is."""
    return report(AUC_LOW, RECALL, SLICE, ODDS, WORST, PARITY, ROWS, MISSING, DRIFT, UNSCORED, FLIP, CARD)


@pytest.fixture
def undecided() -> Report:
    """A release of which a required check could not be measured."""
    return report(AUC, UNSCORED, DRIFT, ROWS)


@pytest.fixture
def unread() -> Report:
    """A run that could not begin."""
    return report(
        verdict=None,
        release=None,
        policy=None,
        evidence=(),
        promotable_reason="nothing was judged",
        errors=(
            Problem("policy.yaml:12", "unknown check 'performance/roc-auk'", "write performance/roc-auc"),
            Problem("data/test.csv: column 'age'", "is not in the table", "take it out of columns"),
        ),
    )


@pytest.fixture(params=["approved", "blocked", "undecided", "unread"])
def any_report(request: pytest.FixtureRequest) -> Report:
    """Each of the four in turn."""
    found: Report = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def make() -> Callable[..., Report]:
    """Return the function that builds a report of given findings."""
    return report


@pytest.fixture
def found() -> Callable[..., Finding]:
    """Return the function that builds a finding."""
    return finding


@pytest.fixture
def filled() -> Callable[[str], Report]:
    """Return a function that builds a report in which every text is the given one.

    It has a finding of each outcome, all optional parts, and charts of every kind.
    """
    return _report_of


def _report_of(text: str) -> Report:
    base = _filled(Finding, text)
    kinds = ("roc", "reliability", "bars", "confusion", text)
    charts = tuple(ChartRecord(kind=kind, title=text, data=_series(text)) for kind in kinds)
    several = tuple(
        _changed(
            base, outcome=one, charts=charts, value=0.5, interval=(0.4, 0.6), confidence=0.95, limit=held
        )
        for one in Outcome
        for held in (limit("at_least", 0.45), limit("equals", text), limit(text, text))
    )
    whole: Report = _filled(Report, text)
    return _changed(whole, findings=several, verdict=Verdict.BLOCKED, totals=totals_of(several))


def _series(text: str) -> dict[str, tuple[float | str | None, ...]]:
    return {
        "label": (text, "b"),
        "prediction": ("a", text),
        "rows": (1.0, 2.0),
        "false_positive_rate": (0.0, 1.0),
        "true_positive_rate": (0.0, 1.0),
        "mean_score": (0.0, 1.0),
        "observed": (0.0, 1.0),
        text: (None, text),
    }


def _changed(thing: Any, **changes: Any) -> Any:
    return type(thing)(**({one.name: getattr(thing, one.name) for one in fields(thing)} | changes))


def _filled(kind: Any, text: str) -> Any:
    """Build a value of a type in which every text is `text`; of a choice, the first that is not None."""
    arguments, origin = get_args(kind), get_origin(kind)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{one.name: _filled(hints[one.name], text) for one in fields(kind)})
    if origin in (Union, UnionType):
        return _filled(next(one for one in arguments if one is not NoneType), text)
    if origin is tuple:
        several = [one for one in arguments if one is not Ellipsis]
        return tuple(_filled(one, text) for one in several)
    if arguments:
        return {text: _filled(arguments[1], text)}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    return {str: text, int: 7, float: 0.25, bool: True, object: [text, {text: text}]}[kind]
