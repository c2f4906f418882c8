"""skops files: estimators of scikit-learn. Nothing is executed but the types that are trusted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import _estimator

if TYPE_CHECKING:
    from _estimator import Estimator

_SOUND = (0, 12)
"""The first skops whose list of untrusted types is whole (CVE-2025-54412, CVE-2025-54413)."""


def load(path: str, options: dict[str, Any]) -> Estimator:
    """Load an estimator.

    Args:
        path: The file.
        options: `trusted_types` are the types that the release accepts beside those that skops knows.

    Raises:
        ValueError: It holds other types, all of which are named; or it was saved by another scikit-learn.
    """
    import skops
    from skops import io

    if tuple(int(one) for one in re.findall(r"\d+", skops.__version__)[:2]) < _SOUND:
        raise ValueError(f"skops {skops.__version__} does not see every type in a file; install skops>=0.12")
    accepted = set(options.get("trusted_types") or ())
    asked = sorted(io.get_untrusted_types(file=path))
    unknown = [one for one in asked if one not in accepted]
    if unknown:
        line = f"`trusted_types: [{', '.join(unknown)}]`"
        raise ValueError(
            f"the file holds types that are not trusted; if you know them, write under `model:` {line}"
        )
    with _estimator.loading():
        found = io.load(path, trusted=asked)
    if not _estimator.is_estimator(found):
        raise ValueError(f"the file holds a {type(found).__name__}, which has no `predict`")
    return _estimator.Estimator(found, options)
