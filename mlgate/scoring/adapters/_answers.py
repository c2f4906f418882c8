"""What the numbers of a model mean, where the model itself gives no more than an array.

Shared by the adapters of this folder, of which each runs alone in the child.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

_BINARY = 2
_SUM = 1e-3
"""By how much probabilities of one row, as 32-bit floats, may miss 1."""


def classes_by_place(count: int, options: dict[str, Any]) -> list[Any]:
    """Return the classes of a model that knows them as 0, 1, 2, ... only.

    What the release calls them, in the order of the model, comes as `classes`; of two, one number is the
    probability of the second.
    """
    named = options.get("classes")
    return list(named) if named and len(named) == count else list(range(count))


def two(positive: np.ndarray) -> np.ndarray:
    """Return shape (n, 2) for the probability of the second of two classes."""
    import numpy as np

    positive = np.asarray(positive, dtype=np.float64).reshape(-1)
    return np.column_stack([1.0 - positive, positive])


def outputs(task: str) -> str:
    """Return what a network gives for a task: it says nothing of that itself."""
    return "probabilities" if task in ("binary", "multiclass") else "values"


def of_network(found: Any, task: str) -> np.ndarray:
    """Return the output of a network: probabilities (n, k), or n values.

    A network says nothing of what its numbers are, so they are held to what probabilities are. Logits that
    happen to look like probabilities in every row do not occur.
    """
    import numpy as np

    found = np.asarray(found, dtype=np.float64)
    if found.ndim == _BINARY and found.shape[1] == 1:
        found = found[:, 0]
    if outputs(task) == "values":
        if found.ndim != 1:
            raise ValueError(
                f"the model gives the shape {found.shape}, and {task} needs one number for each row"
            )
        return found
    if found.ndim not in (1, _BINARY) or (found.ndim == 1 and task == "multiclass"):
        raise ValueError(f"the model gives the shape {found.shape}, and {task} needs a column for each class")
    finite = np.isfinite(found)
    if (found[finite] < -_SUM).any() or (found[finite] > 1 + _SUM).any():
        raise ValueError("the model gives numbers outside of 0..1; export it with its sigmoid or softmax")
    if found.ndim == 1:
        return two(found)
    sums = found[finite.all(axis=1)].sum(axis=1)
    if (np.abs(sums - 1) > _SUM).any():
        raise ValueError("the model gives rows that do not sum to 1; export it with its softmax")
    return found


def places(labels: Any, classes: list[Any]) -> np.ndarray:
    """Return for each label its place in the classes."""
    import numpy as np

    given, inverse = np.unique(np.asarray(labels).reshape(-1), return_inverse=True)
    known = {one: place for place, one in enumerate(classes)}
    unknown = [one for one in given.tolist() if one not in known]
    if unknown:
        raise ValueError(f"the model answered {str(unknown[0])[:80]!r}, which is none of its classes")
    return np.asarray([known[one] for one in given.tolist()], dtype=np.int64)[inverse.reshape(-1)]


def plain(values: Any) -> list[Any]:
    """Return classes as JSON has them."""
    import numpy as np

    return [one.item() if isinstance(one, np.generic) else one for one in values]
