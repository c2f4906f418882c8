"""Which columns of an opened table play which role."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlgate.cells import Columns
from mlgate.errors import EvidenceError, Problem
from mlgate.strict_yaml import show

if TYPE_CHECKING:
    from mlgate.cells import ColumnType, Task
    from mlgate.evidence.roles import ColumnsSpec

_ONE: tuple[str, ...] = ("label", "prediction", "key", "time", "weight", "cluster")


def assign(
    spec: ColumnsSpec,
    types: Mapping[str, ColumnType],
    *,
    location: str,
    task: Task = "binary",
    taken: Collection[str] = (),
) -> tuple[Columns, Mapping[str, str]]:
    """Return the roles that the table can fill, and from role to the column that it lacks for it.

    A role that the release leaves out, or sets to null for this table, is in neither. Where a role takes
    several columns and one of them is absent, the role has the others and is also said to lack that one.
    Features are, by default, all columns that have no other role and a plain type.

    Args:
        spec: The roles as the release states them for this table.
        types: The columns of the table, in order.
        location: The table, as errors name it.
        task: Of the release.
        taken: Columns with a role that a table does not know, such as the champion's predictions.

    Raises:
        EvidenceError: A column with a role is nested or binary.
    """
    stated = dict(_stated(spec))
    _require_plain(stated, types, location)
    lacking = [(role, name) for role, names in stated.items() for name in names if name not in types]
    present = {role: tuple(name for name in names if name in types) for role, names in stated.items()}
    features = present.get("features", ())
    if spec.features is None:
        used = {name for role, names in stated.items() if role != "categorical" for name in names}
        features = tuple(
            name for name, kind in types.items() if name not in used | set(taken) and kind != "other"
        )
    scores = spec.score if isinstance(spec.score, Mapping) else {}
    columns = Columns(
        names=tuple(types),
        types=dict(types),
        features=features,
        categorical=present.get("categorical", ()),
        protected=present.get("protected", ()),
        task=task,
        score=spec.score if isinstance(spec.score, str) and spec.score in types else None,
        scores={name: column for name, column in scores.items() if column in types},
        interval=_both(present.get("interval", ())),
        quantiles={level: column for level, column in _quantiles(spec) if column in types},
        **_ones(present),
    )
    return columns, dict(reversed(lacking))


def _ones(present: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    return {role: names[0] for role in _ONE if (names := present.get(role))}


def _both(names: tuple[str, ...]) -> tuple[str, str] | None:
    """Return both ends; None when one is absent, which the role is then said to lack."""
    return (names[0], names[1]) if len(names) == 2 else None  # noqa: PLR2004  low and high


def _quantiles(spec: ColumnsSpec) -> list[tuple[float, str]]:
    return sorted((float(level), column) for level, column in (spec.quantiles or {}).items())


def _stated(spec: ColumnsSpec) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each role with its columns, several columns of one role together."""
    for role in ("label", "prediction", "key", "time", "weight", "cluster"):
        if (name := getattr(spec, role)) is not None:
            yield role, (name,)
    if isinstance(spec.score, str):
        yield "score", (spec.score,)
    elif spec.score is not None:
        yield "score", tuple(spec.score.values())
    for role in ("features", "categorical", "protected", "interval"):
        if names := getattr(spec, role):
            yield role, tuple(names)
    if spec.quantiles:
        yield "quantiles", tuple(spec.quantiles.values())


def _require_plain(
    stated: Mapping[str, tuple[str, ...]], types: Mapping[str, ColumnType], location: str
) -> None:
    problems = [
        Problem(
            f"{location}: column {show(name)}",
            f"is nested or binary, and the release names it as {role}",
            "write it as a column of numbers, text, dates or truth values",
        )
        for role, names in stated.items()
        for name in names
        if types.get(name) == "other"
    ]
    if problems:
        raise EvidenceError.of(problems)
