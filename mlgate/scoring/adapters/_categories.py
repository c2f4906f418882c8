"""Categories of columns, coded as they were when a booster was trained.

Shared by the adapters of this folder, of which each runs alone in the child.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

import _rows

_SHOWN = 40


def coded(rows: pa.Table, known: dict[int, list[Any]], *, strict: bool) -> pd.DataFrame:
    """Return rows as a frame whose columns at these places are categories, with the codes of training.

    Args:
        rows: The features, in the order of the model.
        known: Place of a feature, and its categories in the order of their codes.
        strict: Whether a category that was not there in training is an error; else it is missing.

    Raises:
        ValueError: Names the column and the category that the model does not know.
    """
    import pandas as pd

    found = _rows.frame(rows)
    for place, values in known.items():
        name = rows.column_names[place]
        codes = pd.Index(values).get_indexer(found[name])
        unknown = found[name][(codes < 0) & found[name].notna().to_numpy()]
        if strict and len(unknown):
            shown = str(unknown.iloc[0])[:_SHOWN]
            raise ValueError(f"'{name}' holds the category '{shown}', which the model was not trained on")
        found[name] = pd.Series(pd.Categorical.from_codes(codes, categories=values), index=found.index)
    return found


def of_xgboost(booster: Any) -> dict[int, list[Any]]:
    """Return the categories of a Booster of XGBoost by the places of its features.

    XGBoost matches them itself, but takes some that it does not know for others, so it is not left to it.

    Raises:
        ValueError: It has categorical features, and the file does not hold their categories.
    """
    categorical = [place for place, kind in enumerate(booster.feature_types or ()) if kind == "c"]
    if not categorical:
        return {}
    stored = booster.get_categories(export_to_arrow=True) if hasattr(booster, "get_categories") else None
    values = [] if stored is None else [one for _, one in stored.to_arrow()]
    known = {
        place: values[place].to_pylist()
        for place in categorical
        if place < len(values) and values[place] is not None
    }
    if len(known) < len(categorical):
        raise ValueError(
            "the file does not hold the categories of its features; save it again with xgboost>=3.1"
        )
    return known


class OfLightGBM:
    """The categories of a Booster of LightGBM.

    The file tells the categories in the order of their features, but names a feature as categorical only
    where a tree has split it. One that none has is categorical where it holds texts, which no number does.
    """

    def __init__(self, booster: Any) -> None:
        """Read what the Booster tells; it takes long enough to do it once."""
        self._values = booster.pandas_categorical or []
        told = booster.dump_model(num_iteration=1)["feature_infos"] if self._values else {}
        self._infos = [told.get(name) for name in booster.feature_name()]

    def known(self, rows: pa.Table) -> dict[int, list[Any]]:
        """Return the categories by the places of their features.

        Raises:
            ValueError: The file does not tell which features are meant.
        """
        if not self._values:
            return {}
        places = [place for place, info in enumerate(self._infos) if info and info.get("values")]
        if len(places) < len(self._values):
            kinds = list(_rows.kinds(rows).values())
            unsaid = [place for place, info in enumerate(self._infos) if not info]
            places = sorted([*places, *(place for place in unsaid if kinds[place] == "string")])
        if len(places) != len(self._values):
            raise ValueError("the file does not tell which features are categorical; name them in training")
        return dict(zip(places, self._values))  # noqa: B905 - Python 3.9
