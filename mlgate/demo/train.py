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
import skops.io
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

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


def untrained(features: list[str]) -> Pipeline:
    """Return the pipeline that both models are: numbers scaled, sex as 0 and 1, a logistic regression."""
    numbers = [name for name in features if name != "sex"]
    steps = [(StandardScaler(), numbers)]
    if "sex" in features:
        # An unknown sex is neither; scaled, as the numbers are, so that the penalty means the same.
        one = OneHotEncoder(drop="if_binary", handle_unknown="ignore", sparse_output=False)
        steps.append((make_pipeline(one, StandardScaler()), ["sex"]))
    return make_pipeline(make_column_transformer(*steps), LogisticRegression(C=0.1))


def write(folder: Path) -> None:
    """Write data/train.csv, data/test.csv with one score column for each model, and model-NAME.skops."""
    table = patients()
    train, test = train_test_split(
        table, test_size=0.6, random_state=SEED, stratify=table["fast"].astype(str) + table["sex"]
    )
    test = test.copy()
    for name, features in MODELS.items():
        model = untrained(features).fit(train[features], train["fast"])
        test[f"score_{name}"] = model.predict_proba(test[features])[:, 1].round(6)
        skops.io.dump(model, folder / f"model-{name}.skops")
    (folder / "data").mkdir(parents=True, exist_ok=True)
    train.to_csv(folder / "data" / "train.csv", index=False)
    test.to_csv(folder / "data" / "test.csv", index=False)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
