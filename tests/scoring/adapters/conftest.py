"""Adapters in the process of the tests, found and imported as the child does it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlgate.scoring import child

FOLDER = Path(child.__file__).parent / "adapters"


@pytest.fixture(autouse=True, scope="session")
def shared_by_adapters() -> Iterator[None]:
    """Have `_estimator` and its like found, as in the child."""
    finder = child._Shared(str(FOLDER))
    sys.meta_path.append(finder)
    yield
    sys.meta_path.remove(finder)


@pytest.fixture
def load() -> Callable[..., Any]:
    """Load a file with an adapter: `load("skops", path, task="binary")`."""

    def loaded(adapter: str, path: Path, **options: Any) -> Any:
        return child._module(str(FOLDER), adapter).load(str(path), {"threads": 1, **options})

    return loaded
