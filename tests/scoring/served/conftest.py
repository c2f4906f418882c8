"""Endpoints for the servers that a test writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mlgate.scoring.raw import Limits
from mlgate.scoring.served import Endpoint, endpoint


@pytest.fixture
def ask() -> Iterator[Callable[..., Endpoint]]:
    """Open endpoints; they are closed after the test."""
    opened: list[Endpoint] = []

    def made(
        url: str, *, seconds: float = 20.0, protocol: str | None = None, hosts: Any = None, **said: Any
    ) -> Endpoint:
        token = said.pop("token", None)
        options = {"task": "binary", "positive": None, **said}
        one = endpoint(
            url,
            options=options,
            where="release.yaml:3",
            protocol=protocol,
            hosts=hosts,
            token=token,
            limits=Limits(call_seconds=seconds),
        )
        opened.append(one)
        return one

    yield made
    for one in opened:
        one.close()
