"""The parts that deepchecks can do: data integrity on every row, performance, and performance by group.

python deepchecks_job.py table.parquet OUT
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from deepchecks.tabular import Dataset, Suite
from deepchecks.tabular.checks import ConfusionMatrixReport, RocReport, SingleDatasetPerformance
from deepchecks.tabular.suites import data_integrity


def main() -> None:
    source, out = sys.argv[1], Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    frame = pd.read_parquet(source)
    texts = [name for name in frame if name.startswith("c")] + ["sex", "race"]
    proba = np.column_stack([1 - frame["p"], frame["p"]])
    decision = frame["d"].to_numpy()
    inputs = frame.drop(columns=["p", "d"])
    data = Dataset(inputs, label="y", index_name="id", cat_features=texts)
    data_integrity(n_samples=None).run(data).save_as_html(str(out / "data.html"))
    performance = Suite("performance", SingleDatasetPerformance(), ConfusionMatrixReport(), RocReport())
    performance.run(data, y_pred_train=decision, y_proba_train=proba).save_as_html(
        str(out / "performance.html")
    )


if __name__ == "__main__":
    main()
