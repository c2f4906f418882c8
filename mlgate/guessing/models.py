"""Whether the gate can ask a model file that lies beside the tables, and what release.yaml says of it then.

It is looked at and never loaded. What cannot be seen without loading it is not guessed: such a model is left
out, with the reason.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlgate.errors import EvidenceError
from mlgate.evidence.coding import token
from mlgate.guessing.labels import Labelled
from mlgate.guessing.model_files import ModelFile
from mlgate.strict_yaml import show

OWN = ("sklearn.", "numpy.", "scipy.")
"""Where types come from that a model of scikit-learn is made of; any other is for a person to accept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelDraft:
    """A model file as release.yaml will name it."""

    path: str
    """Relative to release.yaml, with forward slashes."""
    bytes: int
    trust: str = "none"
    """What loading it may execute."""
    trusted_types: tuple[str, ...] = ()
    recorded: bool = False
    """Whether what it says of the rows stands in the table, as far as names tell."""
    reason: str | None = None
    """Why the gate is not told to ask it; None where it is."""


def drafted(
    model: ModelFile,
    path: str,
    label: Labelled,
    *,
    columns: Collection[str],
    homes: Sequence[Path],
    recorded: bool,
) -> ModelDraft:
    """Say how a release would name a model file, or why it would not.

    Args:
        model: What the file says of itself.
        path: Where it is, relative to release.yaml.
        label: What is predicted.
        columns: Those of the table that is judged.
        homes: The directories that a release may read.
        recorded: Whether the scores in the table are those of this file, as far as names tell.
    """
    trust, unknown = _format(model.path)
    outside = _outside(model.path, homes)
    reason = outside or unknown or _unusable(model, label, columns)
    return ModelDraft(
        path=path,
        bytes=0 if outside else model.path.stat().st_size,
        trust=trust,
        trusted_types=model.types or (),
        recorded=recorded,
        reason=reason,
    )


def _format(path: Path) -> tuple[str, str | None]:
    """Return what loading a file may execute, and why it cannot be asked."""
    from mlgate.scoring import formats

    try:
        return formats.format_of(path, show(path.name)).trust, None
    except (EvidenceError, OSError) as error:
        return "none", str(error)


def _outside(path: Path, homes: Sequence[Path]) -> str | None:
    real = Path(os.path.realpath(path))
    inside = any(home in real.parents for home in (Path(os.path.realpath(one)) for one in homes))
    return None if inside else "it lies outside of the repository of the release"


def _unusable(model: ModelFile, label: Labelled, columns: Collection[str]) -> str | None:
    if model.features is None:
        return "which columns it reads is not to be seen without loading it; list them under `features:`"
    missing = [one for one in model.features if one not in columns]
    if missing:
        return f"it reads {show(missing[0])}, and the table has no such column"
    if model.types is None:
        return "which types it is made of is not to be seen without loading it"
    strange = [one for one in model.types if not one.startswith(OWN)]
    if strange:
        listed = ", ".join(strange[:5])
        return f"it holds types that are not scikit-learn's own; if you know them, trusted_types: [{listed}]"
    return _other_classes(model, label)


def _other_classes(model: ModelFile, label: Labelled) -> str | None:
    """Say that what a model calls its classes is not what the table calls them."""
    if label.task in ("regression", "scores"):
        return "it is a classifier, and the label is a number" if model.classes else None
    if not model.classes:
        return "its classes are not to be seen without loading it"
    found = {token(one) for one in model.classes}
    if label.task == "binary":
        meant = label.prediction_positive if label.prediction_positive is not None else label.positive
        if len(found) == 2 and token(meant) in found:  # noqa: PLR2004  two classes
            return None
        named = " and ".join(model.classes[:5])
        return f"its classes are {named}; say which is positive, as prediction_positive under `columns:`"
    scored = {token(one) for one in label.outputs.scores}
    if scored and scored != found:
        return "its classes are not those that the table has scores for"
    return None
