"""What one table offers: its columns, their types, and the role each plays there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Task: TypeAlias = Literal["binary", "multiclass", "regression", "scores"]

ColumnType: TypeAlias = Literal["boolean", "integer", "number", "string", "date", "timestamp", "other"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChampionRoles:
    """The columns of a table that hold what the model that runs now says of the same rows."""

    score: str | None = None
    scores: Mapping[str, str] = field(default_factory=dict)
    """multiclass: from each class to the column of its probability."""
    prediction: str | None = None
    """None with a score: the prediction follows from it, as the candidate's does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedRoles:
    """The columns that hold what somebody says the model says, where the gate has asked the model itself."""

    score: str | None = None
    scores: Mapping[str, str] = field(default_factory=dict)
    """multiclass: from each class to the column of its probability."""
    prediction: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """What one table offers: its columns, their types, and the role each plays there."""

    names: tuple[str, ...]
    """In the order of the table, roles' columns included."""
    types: Mapping[str, ColumnType]
    task: Task = "binary"
    label: str | None = None
    score: str | None = None
    scores: Mapping[str, str] = field(default_factory=dict)
    """multiclass: from each class, as the release writes it, to the column of its probability."""
    prediction: str | None = None
    """None with a score: the prediction is score >= threshold (multiclass: the class with the highest
    probability, the first of equals), and the role can still be asked for."""
    features: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    key: str | None = None
    time: str | None = None
    weight: str | None = None
    cluster: str | None = None
    interval: tuple[str, str] | None = None
    """The columns of the low and the high end of a regression interval."""
    quantiles: Mapping[float, str] = field(default_factory=dict)
    """From quantile level to column."""
    champion: ChampionRoles | None = None
    """None where no predictions of a champion are there, for the same rows."""
    recorded: RecordedRoles | None = None
    """Predictions that were handed in beside a model that was scored; `score`, `scores` and `prediction` are
    then what the model itself gave. None where there are none, or no model was scored."""

    def has(self, role: str) -> bool:
        """Whether `role` ("label", "score", "prediction", "protected", "features", "key", ...) is there."""
        if role == "score":
            return self.score is not None or bool(self.scores)
        if role == "prediction":
            follows = self.task in ("binary", "multiclass") and self.has("score")
            return self.prediction is not None or follows
        if role in ("champion_score", "champion_prediction"):
            return self.champion is not None and self._champion_has(role.removeprefix("champion_"))
        return bool(getattr(self, role))

    def _champion_has(self, role: str) -> bool:
        if self.champion is None:
            return False
        scored = self.champion.score is not None or bool(self.champion.scores)
        if role == "score":
            return scored
        return self.champion.prediction is not None or (scored and self.task in ("binary", "multiclass"))
