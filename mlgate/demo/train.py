"""Train two models of diabetes progression and write what the gate needs to judge them.

Data: 442 patients, ten measurements at the start and a progression score one year later, from Efron,
Hastie, Johnstone and Tibshirani, "Least Angle Regression" (2004), as shipped with scikit-learn. A
progression above 140 counts as fast, and the models choose whom to follow up more closely.

The two models differ in one column. `blind` leaves out the patient's sex, as people do who hope that a
model cannot discriminate by what it does not see. `aware` may use it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FAST = 140
SEED = 0
MEASURED = ["bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]
MODELS = {"aware": ["age", "sex", *MEASURED], "blind": ["age", *MEASURED]}


def patients() -> pd.DataFrame:
    """Return the 442 patients with a text column for sex, an age group, and whether progress was fast."""
    data = load_diabetes(as_frame=True, scaled=False)
    table = data.data.copy()
    table.insert(0, "patient", range(1, len(table) + 1))
    table["sex"] = table["sex"].map({1.0: "female", 2.0: "male"})
    table["age_group"] = pd.cut(table["age"], [0, 50, 120], right=False, labels=["under 50", "50 and over"])
    table["fast"] = (data.target > FAST).astype(int)
    return table.astype({"age_group": str})


def write(folder: Path) -> None:
    """Write data/train.csv, and data/test.csv with one score column for each model."""
    table = patients()
    train, test = train_test_split(
        table, test_size=0.6, random_state=SEED, stratify=table["fast"].astype(str) + table["sex"]
    )
    test = test.copy()
    for name, features in MODELS.items():
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
        model.fit(_numbers(train, features), train["fast"])
        test[f"score_{name}"] = model.predict_proba(_numbers(test, features))[:, 1].round(6)
    (folder / "data").mkdir(parents=True, exist_ok=True)
    train.to_csv(folder / "data" / "train.csv", index=False)
    test.to_csv(folder / "data" / "test.csv", index=False)


def _numbers(table: pd.DataFrame, features: list[str]) -> pd.DataFrame:
    return table[features].replace({"female": 0.0, "male": 1.0}).astype(float)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
