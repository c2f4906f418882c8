"""The decorator `measure`: words that the gate does not know are refused where they are written."""

from __future__ import annotations

from typing import Any

import pytest

from mlgate import Cells, Estimate, measure
from mlgate.errors import MeasureError
from mlgate.gate.measuring import explained

FACTS: dict[str, Any] = {
    "id": "mine.odd",
    "kind": "estimate",
    "unit": "1",
    "better": "higher",
    "source": "none",
    "needs": ("label", "document:card", "table:train"),
    "tasks": ("binary",),
}


def odd(cells: Cells) -> Estimate:
    """Give a number without an interval."""
    return Estimate(value=0.5, n=cells.rows)


@pytest.mark.parametrize(
    ("fact", "says"),
    [
        ({"kind": "estimat"}, "kind of mine.odd says 'estimat'.*did you mean 'estimate'"),
        ({"better": "bigger"}, "better of mine.odd says 'bigger'"),
        ({"tasks": ("binry",)}, "did you mean 'binary'"),
        ({"needs": ("labels",)}, "did you mean 'label'"),
        ({"needs": ("documents:card",)}, "table:NAME or document:NAME"),
        ({"needs": "label"}, r"needs=\('label',\)"),
        ({"tasks": "binary"}, r"tasks=\('binary',\)"),
    ],
    ids=str,
)
def test_unknown_words_are_refused(fact: dict[str, Any], says: str) -> None:
    """Each with its place and the nearest word that is known."""
    with pytest.raises(MeasureError, match=says) as caught:
        measure(**{**FACTS, **fact})(odd)
    assert "test_declaring.py:" in caught.value.problems[0].where


def test_an_estimate_without_an_interval_says_whose_it_is() -> None:
    """The reader of `not measured` learns which measure to mend, and the way around."""
    found = explained(measure(**FACTS)(odd), Estimate(value=0.5, n=3))
    assert found.value == 0.5
    assert found.reason is not None
    assert found.reason.startswith("mine.odd returns no interval; ")
    assert "decision: point" in found.reason
