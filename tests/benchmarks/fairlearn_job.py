"""The fairness part by fairlearn's MetricFrame on the rows: points, or with bootstrap intervals.

python fairlearn_job.py table.parquet OUT [N_BOOT]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_difference,
    demographic_parity_ratio,
    equalized_odds_difference,
    false_positive_rate,
    selection_rate,
    true_positive_rate,
)

METRICS = {"selection": selection_rate, "tpr": true_positive_rate, "fpr": false_positive_rate}
SUMMARIES = (demographic_parity_difference, demographic_parity_ratio, equalized_odds_difference)


def main() -> None:
    source, out = sys.argv[1], Path(sys.argv[2])
    n_boot = int(sys.argv[3]) if len(sys.argv) > 3 else None
    out.mkdir(parents=True, exist_ok=True)
    frame = pd.read_parquet(source, columns=["sex", "race", "y", "d"])
    found = {}
    for by in (["sex"], ["race"], ["sex", "race"]):
        boot = {"n_boot": n_boot, "ci_quantiles": [0.05, 0.95], "random_state": 0} if n_boot else {}
        of = MetricFrame(
            metrics=METRICS, y_true=frame["y"], y_pred=frame["d"], sensitive_features=frame[by], **boot
        )
        entry = {"groups": of.by_group.to_string(), "difference": of.difference().to_dict()}
        if n_boot:
            entry["interval"] = [one.to_dict() for one in of.difference_ci()]
        for summary in SUMMARIES:
            entry[summary.__name__] = float(summary(frame["y"], frame["d"], sensitive_features=frame[by]))
        found[" x ".join(by)] = entry
    (out / "report.json").write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
