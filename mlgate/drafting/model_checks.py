"""What a draft asks of a model file: uses of checks that need no limit but its own, or one from the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlgate.guessing import ModelDraft

_DRAFT = "draft by mlgate init, replace by a reason"
_ROUND = (1, 2, 5, 10, 20)


def uses(model: ModelDraft | None) -> Iterator[Mapping[str, Any]]:
    """Yield the uses for a model that the gate can ask; none where there is no such model."""
    if model is None or model.reason is not None:
        return
    safe = "security/safe-format" if model.trust == "none" else "security/pickle-imports"
    yield {"check": safe, "because": _DRAFT}
    yield {
        "check": "cost/model-size",
        "at_most": budget(model.bytes),
        "because": f"draft by mlgate init from the present file ({model.bytes} bytes), replace by a reason",
    }
    if model.recorded:
        yield {"check": "reproducibility/predictions-match", "because": _DRAFT}
    yield {"check": "robustness/determinism", "because": _DRAFT}
    yield {"check": "robustness/prediction-sanity", "because": _DRAFT}


def budget(size: int) -> int:
    """Return a round number of bytes, 1, 2 or 5 times a power of ten, a tenth above this size at least."""
    power: int = 10 ** (len(str(size)) - 1)
    return next(step * power for step in _ROUND if 1.1 * size <= step * power)
