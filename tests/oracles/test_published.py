"""Numbers that others have published, through the whole gate; each test names its source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from mlgate.findings import Finding, Report
from tests.oracles.conftest import Judge

RACES = ("African-American", "Caucasian", "Hispanic", "Asian", "Native American", "Other")


def published(data: Path, source: str) -> dict[str, float]:
    """Return the published quantities of one source."""
    sources = yaml.safe_load((data / "PUBLISHED.yaml").read_text(encoding="utf-8"))
    claims = next(one["claims"] for one in sources if one["id"] == source)
    return {claim["quantity"]: claim["published"] for claim in claims}


def compas(prediction: str = "pred_medium_plus", **more: Any) -> dict[str, Any]:
    """Return the roles of ProPublica's two-year file."""
    return {
        "label": "two_year_recid",
        "positive": 1,
        "prediction": prediction,
        "prediction_positive": 1,
        "protected": ["race"],
        **more,
    }


def rate(check: str, key: str, **more: Any) -> dict[str, Any]:
    """Return a use that judges every group of one rate."""
    every_group = {"groups": ["race"], "min_group": 1, "min_judged": 0}
    return {"check": check, "id": key, "at_most": 1, **every_group, **more}


def row(finding: Finding, race: str) -> tuple[float | None, float | None, float | None]:
    """Return numerator, denominator and value of one group."""
    (found,) = [group for group in finding.groups if group.group["race"] == race]
    return found.numerator, found.denominator, found.value


def error_rates(report: Report, race: str) -> dict[str, float]:
    """Return the confusion counts and error rates of one group, from two findings."""
    false_positives, negatives, fpr = row(report.finding("fpr[race]"), race)
    false_negatives, positives, fnr = row(report.finding("fnr[race]"), race)
    assert None not in (false_positives, negatives, fpr, false_negatives, positives, fnr)
    return {
        "fp": false_positives or 0,
        "tn": (negatives or 0) - (false_positives or 0),
        "fn": false_negatives or 0,
        "tp": (positives or 0) - (false_negatives or 0),
        "FPR": 100 * (fpr or 0),
        "FNR": 100 * (fnr or 0),
    }


@pytest.mark.parametrize("prediction", ["pred_medium_plus", "pred_high"])
def test_propublica_truth_tables(prediction: str, shared_data: Path, judge: Judge) -> None:
    """ProPublica, "Directions of the Racial Bias": counts exactly, rates to the last digit."""
    expected = published(shared_data, "propublica_truth_tables")
    uses = [
        rate("fairness/false-positive-rate-gap", "fpr"),
        rate("fairness/false-negative-rate-gap", "fnr"),
        rate("fairness/predictive-parity", "ppv"),
    ]
    report = judge(shared_data / "compas_two_years" / "full.csv", compas(prediction), uses)
    seen = 0
    for quantity, value in expected.items():
        race, _, what = quantity.split(" / ")[0], *quantity.split(" / ")[1:]
        if race not in RACES or f"/ {prediction} /" not in quantity or what in {"n", "NPV"}:
            continue
        rates = error_rates(report, race) | {"PPV": row(report.finding("ppv[race]"), race)[2]}
        rounding = 0.0051 if what in {"FPR", "FNR", "PPV"} else 0
        assert rates[what] == pytest.approx(value, abs=rounding), quantity
        seen += 1
    assert seen >= 14


def test_propublica_rates_over_all(shared_data: Path, judge: Judge) -> None:
    """ProPublica's first table, all 7214 defendants: FPR 32.35, FNR 37.4, PPV 0.61, NPV 0.69."""
    expected = published(shared_data, "propublica_truth_tables")
    checks = ("specificity", "recall", "precision", "npv")
    uses = [{"check": f"performance/{name}", "at_least": 0} for name in checks]
    report = judge(shared_data / "compas_two_years" / "full.csv", compas(), uses)
    specificity, recall, ppv, npv = (report.finding(f"performance/{name}").value or 0 for name in checks)
    found = {"FPR": 100 * (1 - specificity), "FNR": 100 * (1 - recall), "PPV": ppv, "NPV": npv}
    wanted = {name: expected[f"all / pred_medium_plus / {name}"] for name in found}
    assert found == pytest.approx(wanted, abs=0.0051)


def test_counts_of_every_group_of_the_two_year_file(shared_data: Path, judge: Judge) -> None:
    """TN FP FN TP by race as computed from ProPublica's file (positive: a score above Low)."""
    expected = {
        "African-American": (990, 805, 532, 1369),
        "Caucasian": (1139, 349, 461, 505),
        "Hispanic": (318, 87, 129, 103),
        "Other": (208, 36, 90, 43),
        "Asian": (21, 2, 3, 6),
        "Native American": (5, 3, 1, 9),
    }
    uses = [rate("fairness/false-positive-rate-gap", "fpr"), rate("fairness/false-negative-rate-gap", "fnr")]
    report = judge(shared_data / "compas_two_years" / "full.csv", compas(), uses)
    found = {race: error_rates(report, race) for race in expected}
    assert {race: tuple(f[k] for k in ("tn", "fp", "fn", "tp")) for race, f in found.items()} == expected


def test_gaps_of_the_two_year_file(shared_data: Path, judge: Judge) -> None:
    """Demographic parity over all six groups, and over those of 100 rows or more."""
    uses = [
        rate("fairness/demographic-parity-difference", "all"),
        rate("fairness/demographic-parity-ratio", "all-ratio", at_most=None, at_least=0),
        rate("fairness/demographic-parity-difference", "large", min_group=100),
        rate("fairness/demographic-parity-ratio", "large-ratio", min_group=100, at_most=None, at_least=0),
    ]
    uses = [{k: v for k, v in use.items() if v is not None} for use in uses]
    report = judge(shared_data / "compas_two_years" / "full.csv", compas(), uses)
    found = [report.finding(f"{key}[race]").value for key in ("all", "all-ratio", "large", "large-ratio")]
    assert found == pytest.approx([0.4571176, 0.3143236, 0.3786544, 0.3562527], abs=1e-6)


def test_black_and_white_only(shared_data: Path, tmp_path: Path, judge: Judge) -> None:
    """Two groups: differences and ratio as published from the same file, with Newcombe's interval."""
    import pandas as pd

    table = pd.read_csv(shared_data / "compas_two_years" / "full.csv")
    two = tmp_path / "two.csv"
    table[table["race"].isin(["African-American", "Caucasian"])].to_csv(two, index=False)
    uses = [
        rate("fairness/demographic-parity-difference", "dp"),
        {"check": "fairness/demographic-parity-ratio", "id": "ratio", "at_least": 0, "groups": ["race"]},
        rate("fairness/equalized-odds-difference", "eo"),
        rate("fairness/false-positive-rate-gap", "fpr", confidence=0.975),
    ]
    report = judge(two, compas(), uses)
    values = [report.finding(f"{key}[race]").value for key in ("dp", "ratio", "eo")]
    assert values == pytest.approx([0.2402002, 0.5916376, 0.2139250], abs=1e-6)
    assert report.finding("fpr[race]").interval == pytest.approx([0.1820532, 0.2450233], abs=1e-6)


def test_aequitas_compas_demo(shared_data: Path, judge: Judge) -> None:
    """Aequitas, docs/examples/compas_demo: rates of each group, and disparities against Caucasian."""
    expected = published(shared_data, "aequitas_compas_demo")
    uses = [
        rate("fairness/equal-opportunity-difference", "tpr"),
        rate("fairness/false-positive-rate-gap", "fpr"),
        rate("fairness/false-negative-rate-gap", "fnr"),
        rate("fairness/predictive-parity", "precision"),
        rate("fairness/demographic-parity-difference", "pprev"),
    ]
    report = judge(shared_data / "compas_two_years" / "full.csv", compas(), uses)

    def value(race: str, what: str) -> float:
        opposite = {"tnr": "fpr", "fdr": "precision"}
        found = row(report.finding(f"{opposite.get(what, what)}[race]"), race)[2]
        assert found is not None
        return 1 - found if what in opposite else found

    known = {"tpr", "tnr", "fpr", "fnr", "fdr", "precision", "pprev"}
    seen = 0
    for quantity, wanted in expected.items():
        subject, _, what = quantity.rpartition(" ")
        if what not in known:
            continue
        if subject == "disparity vs Caucasian:":
            ratio = value("African-American", what) / value("Caucasian", what)
            assert ratio == pytest.approx(wanted, abs=6e-6)
        else:
            assert value(subject, what) == pytest.approx(wanted, abs=1e-6), quantity
        seen += 1
    assert seen >= 30


def test_fairlearn_quickstart(shared_data: Path, judge: Judge) -> None:
    """Fairlearn 0.6 and 0.7, docs/quickstart.rst on Adult: accuracy and selection rate, shown to 4 digits."""
    expected = published(shared_data, "fairlearn_quickstart_adult")
    roles = {
        "label": "class",
        "positive": ">50K",
        "prediction": "pred_tree",
        "prediction_positive": 1,
        "protected": ["sex"],
    }
    uses = [
        {"check": "performance/accuracy", "at_least": 0.5, "slices": ["sex"]},
        {"check": "fairness/demographic-parity-difference", "at_most": 1},
    ]
    report = judge(shared_data / "adult" / "full.parquet", roles, uses)
    rates = {g.group["sex"]: g for g in report.finding("fairness/demographic-parity-difference[sex]").groups}
    selected = sum(g.numerator or 0 for g in rates.values()) / sum(g.n for g in rates.values())
    found = {
        "Male rows": rates["Male"].n,
        "Female rows": rates["Female"].n,
        "accuracy": report.finding("performance/accuracy").value,
        "accuracy Female": report.finding("performance/accuracy[sex=Female]").value,
        "accuracy Male": report.finding("performance/accuracy[sex=Male]").value,
        "selection rate": selected,
        "selection rate Female": rates["Female"].value,
        "selection rate Male": rates["Male"].value,
    }
    assert {k: int((v or 0) * 10_000) / 10_000 for k, v in found.items()} == expected


def test_aif360_adult(shared_data: Path, tmp_path: Path, judge: Judge) -> None:
    """AIF360, tests/test_standard_datasets.py: 48842 rows, 45222 of them whole, label mean 0.2478."""
    import pandas as pd

    expected = published(shared_data, "aif360_adult")
    roles = {"label": "class", "positive": ">50K"}
    uses = [{"check": "data/row-count", "at_least": 1}, {"check": "data/class-balance", "at_least": 0}]
    report = judge(shared_data / "adult" / "full.parquet", roles, uses)
    assert report.finding("data/row-count").value == expected["rows before dropping"]
    whole = tmp_path / "whole.parquet"
    pd.read_parquet(shared_data / "adult" / "full.parquet").dropna().to_parquet(whole)
    report = judge(whole, roles, uses)
    assert report.finding("data/row-count").value == expected["rows after dropping nulls"]
    assert report.finding("data/class-balance").value == pytest.approx(expected["label mean"], abs=5e-5)


def test_aif360_tutorial_credit_scoring(shared_data: Path, tmp_path: Path, judge: Judge) -> None:
    """AIF360, tutorial_credit_scoring: difference in mean outcomes -0.169905 on its 700 training rows."""
    import numpy as np
    import pandas as pd

    expected = published(shared_data, "aif360_tutorial_credit_scoring")
    table = pd.read_csv(shared_data / "german_credit" / "full.csv")
    chosen = table.iloc[np.random.RandomState(0).permutation(1000)[:700]].copy()
    chosen["old"] = np.where(chosen["age"] >= 25, "25 and over", "under 25")
    chosen["outcome"] = chosen["credit_risk"]
    path = tmp_path / "train.csv"
    chosen.to_csv(path, index=False)
    roles = {"label": "credit_risk", "positive": 1, "prediction": "outcome", "protected": ["old"]}
    report = judge(path, roles, [{"check": "fairness/demographic-parity-difference", "at_most": 1}])
    finding = report.finding("fairness/demographic-parity-difference[old]")
    assert finding.value == pytest.approx(-expected["mean_difference"], abs=5e-7)
    rates = {g.group["old"]: g.value or 0.0 for g in finding.groups}
    assert rates["under 25"] - rates["25 and over"] == pytest.approx(expected["mean_difference"], abs=5e-7)
