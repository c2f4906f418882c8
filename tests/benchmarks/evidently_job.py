"""The parts that evidently can do: a data summary with its tests, and classification quality. No intervals.

python evidently_job.py table.parquet OUT
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from evidently import BinaryClassification, DataDefinition, Dataset, Report
from evidently.presets import ClassificationPreset, DataSummaryPreset


def main() -> None:
    source, out = sys.argv[1], Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    frame = pd.read_parquet(source)
    numbers = [name for name in frame if name.startswith("n")]
    texts = [name for name in frame if name.startswith("c")] + ["sex", "race"]
    definition = DataDefinition(
        id_column="id",
        numerical_columns=numbers,
        categorical_columns=texts,
        classification=[BinaryClassification(target="y", prediction_labels="d", prediction_probas="p")],
    )
    data = Dataset.from_pandas(frame, data_definition=definition)
    report = Report([DataSummaryPreset(), ClassificationPreset()], include_tests=True)
    found = report.run(data, None)
    found.save_html(str(out / "report.html"))
    found.save_json(str(out / "report.json"))


if __name__ == "__main__":
    main()
