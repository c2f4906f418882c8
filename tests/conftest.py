"""What the tests share."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"

_DRAWING = {"share": 0.25}
"""Of the examples of a property, what every run draws."""


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Six real data sets with independently computed values; absent on a user's machine."""
    if not SHARED.is_dir():
        pytest.skip("the shared data sets are not beside this checkout")
    return SHARED


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that runs what is too slow for every run."""
    parser.addoption("--run-heavy", action="store_true", help="also run tests marked heavy")


def pytest_configure(config: pytest.Config) -> None:
    """Draw all examples when the command line asks for what is slow."""
    if config.getoption("--run-heavy"):
        _DRAWING["share"] = 1.0


def few(examples: int) -> int:
    """Return how many examples of a property to draw: all under `--run-heavy`, else a share of them."""
    return math.ceil(examples * _DRAWING["share"])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave heavy tests out unless they are asked for."""
    if config.getoption("--run-heavy"):
        return
    chosen = [item for item in items if "heavy" not in item.keywords]
    config.hook.pytest_deselected(items=[item for item in items if "heavy" in item.keywords])
    items[:] = chosen
