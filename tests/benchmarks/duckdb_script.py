"""What a good engineer would write by hand for this one table: DuckDB, numpy, and nothing general.

The same numbers as the policy beside it asks of mlgate: data checks on every column, AUC (DeLong), log loss,
accuracy and F1 with intervals, calibration error, gaps and ratios over sex, race and both, a page and a record.

    python duckdb_script.py table.parquet OUT
"""

from __future__ import annotations

import itertools
import json
import math
import sys
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

Z = 1.6448536269514722
"""Two-sided 90 %."""


def wilson(k: float, n: float) -> tuple[float, float]:
    p = k / n
    middle = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    reach = Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
    return middle - reach, middle + reach


def newcombe(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
    """A and b are (k, n)."""
    pa, pb = a[0] / a[1], b[0] / b[1]
    (la, ua), (lb, ub) = wilson(*a), wilson(*b)
    gap = pa - pb
    return gap - math.hypot(pa - la, ub - pb), gap + math.hypot(ua - pa, pb - lb)


def ratio(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
    pa, pb = a[0] / a[1], b[0] / b[1]
    reach = Z * math.sqrt((1 - pa) / a[0] + (1 - pb) / b[0])
    return pa / pb * math.exp(-reach), pa / pb * math.exp(reach)


def columns_of(db: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    names = [(row[0], row[1]) for row in db.execute("describe t").fetchall()]
    parts = []
    for name, kind in names:
        parts += [f'count("{name}")', f'min("{name}")', f'max("{name}")']
        parts.append(f'count(*) filter (where isnan("{name}"))' if kind == "DOUBLE" else "0")
    found = db.execute(f"select count(*), {', '.join(parts)} from t").fetchone()
    rows, rest = found[0], found[1:]
    facts = {
        name: {
            "type": kind,
            "missing": (rows - rest[4 * at] + rest[4 * at + 3]) / rows,
            "min": rest[4 * at + 1],
            "max": rest[4 * at + 2],
            "constant": rest[4 * at + 1] == rest[4 * at + 2],
        }
        for at, (name, kind) in enumerate(names)
    }
    every = ", ".join(f'"{name}"' for name, _ in names)
    repeated = db.execute(
        f"select coalesce(sum(n - 1), 0) from (select count(*) n from (select hash({every}) h from t) group by h)"
    ).fetchone()[0]
    keys = db.execute("select count(*) - count(distinct id) from t").fetchone()[0]
    balance = db.execute("select avg(y) from t").fetchone()[0]
    return {"rows": rows, "columns": facts, "duplicates": int(repeated), "keys": keys, "balance": balance}


def performance(db: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    arrays = db.execute("select y, p from t").fetchnumpy()
    y, p = np.asarray(arrays["y"]).astype(bool), np.asarray(arrays["p"])
    positive, negative = np.sort(p[y]), np.sort(p[~y])
    v10 = (np.searchsorted(negative, positive, "left") + np.searchsorted(negative, positive, "right")) / (
        2 * len(negative)
    )
    v01 = 1 - (np.searchsorted(positive, negative, "left") + np.searchsorted(positive, negative, "right")) / (
        2 * len(positive)
    )
    auc = float(v10.mean())
    spread = math.sqrt(v10.var(ddof=1) / len(positive) + v01.var(ddof=1) / len(negative)) / (auc * (1 - auc))
    logit = math.log(auc / (1 - auc))
    loss = -np.log(np.where(y, p, 1 - p))
    reach = Z * loss.std(ddof=1) / math.sqrt(len(y))
    bins = np.minimum((p * 10).astype(int), 9)
    count = np.bincount(bins, minlength=10)
    promised, seen = np.bincount(bins, p, 10), np.bincount(bins, y, 10)
    there = count > 0
    gaps = np.abs(seen - promised)[there] / len(y)
    observed = seen[there] / count[there]
    sd = math.sqrt(float((count[there] / len(y) ** 2 * observed * (1 - observed)).sum()))
    tp, fp, fn, tn = db.execute(
        "select sum(y * d), sum((1 - y) * d), sum(y * (1 - d)), sum((1 - y) * (1 - d)) from t"
    ).fetchone()
    jaccard = wilson(tp, tp + fp + fn)
    return {
        "roc_auc": [auc, *(1 / (1 + math.exp(-logit - s * Z * spread)) for s in (-1, 1))],
        "log_loss": [float(loss.mean()), float(loss.mean() - reach), float(loss.mean() + reach)],
        "accuracy": [(tp + tn) / len(y), *wilson(tp + tn, len(y))],
        "f1": [2 * tp / (2 * tp + fp + fn), *(2 * j / (1 + j) for j in jaccard)],
        "calibration_error": [float(gaps.sum()), float(gaps.sum()) - Z * sd, float(gaps.sum()) + Z * sd],
    }


def widest(rates: dict[Any, tuple[float, float]]) -> tuple[Any, Any]:
    best = max(itertools.permutations(rates, 2), key=lambda ab: _gap(rates, *ab))
    return best[0], best[1]


def _gap(rates: dict[Any, tuple[float, float]], a: Any, b: Any) -> float:
    return rates[a][0] / rates[a][1] - rates[b][0] / rates[b][1]


def fairness(db: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    cube = db.execute("select sex, race, y, d, count(*) from t group by all").fetchall()
    found = {}
    for by in ((0,), (1,), (0, 1)):
        selected: dict[Any, list[float]] = {}
        odds: dict[int, dict[Any, list[float]]] = {0: {}, 1: {}}
        for row in cube:
            key = tuple(row[at] for at in by)
            for cell in (selected.setdefault(key, [0, 0]), odds[row[2]].setdefault(key, [0, 0])):
                cell[0] += row[4] * row[3]
                cell[1] += row[4]
        rates = {key: (k, n) for key, (k, n) in selected.items()}
        high, low = widest(rates)
        shares = [{key: (k, n) for key, (k, n) in odds[label].items()} for label in (0, 1)]
        pairs = [(of, *widest(of)) for of in shares]
        of, a, b = max(pairs, key=lambda one: _gap(*one))
        every = {
            str(pair): newcombe(rates[pair[0]], rates[pair[1]]) for pair in itertools.combinations(rates, 2)
        }
        found[str(by)] = {
            "demographic_parity_difference": [_gap(rates, high, low), *newcombe(rates[high], rates[low])],
            "demographic_parity_ratio": [
                rates[low][0] / rates[low][1] / (rates[high][0] / rates[high][1]),
                *ratio(rates[low], rates[high]),
            ],
            "equalized_odds_difference": [_gap(of, a, b), *newcombe(of[a], of[b])],
            "pairs": every,
            "groups": {str(key): [k / n, *wilson(k, n), n] for key, (k, n) in rates.items()},
        }
    return found


def main() -> None:
    source, out = sys.argv[1], Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    db = duckdb.connect(config={"memory_limit": "1500MB", "temp_directory": str(out / "spill")})
    db.execute(f"create view t as select * from read_parquet('{source}')")
    report = {"data": columns_of(db), "performance": performance(db), "fairness": fairness(db)}
    text = json.dumps(report, indent=1, default=str)
    (out / "report.json").write_text(text)
    rows = "".join(
        f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in report["performance"].items()
    )
    (out / "report.html").write_text(
        f"<!doctype html><title>report</title><table>{rows}</table><pre>{text}</pre>"
    )


if __name__ == "__main__":
    main()
