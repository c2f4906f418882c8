"""How much worse, or better, a model may or must be than another: a margin as a policy writes it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from pydantic import AfterValidator

from mlgate.strict_yaml import Wrong, show

_PERCENT = re.compile(r"[0-9]+(\.[0-9]+)?\s*%")

ALL = 100.0
"""Per cent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """A margin as a number."""

    value: float
    """At least 0: in the unit of the metric, or a share of the champion's size."""
    relative: bool


def size_of(written: float | str) -> Size:
    """Return the margin that is written as a number, or as text with a per cent sign, `2%`."""
    if isinstance(written, str):
        return Size(value=float(written.rstrip().removesuffix("%")) / ALL, relative=True)
    return Size(value=float(written), relative=False)


def _written(margin: float | str) -> float | str:
    if isinstance(margin, str) and not _PERCENT.fullmatch(margin.strip()):
        raise Wrong(f"{show(margin)} is no margin", "write a number, or a share of the champion's as '2%'")
    size = size_of(margin).value
    if not math.isfinite(size) or size < 0.0:
        raise Wrong(f"a margin of {show(margin)} is none", "write how much it may be, as a number above 0")
    return margin


Margin: TypeAlias = Annotated[float | str, AfterValidator(_written)]
"""In the unit of the metric, or of the champion's size as text: 0.02, "2%"."""
